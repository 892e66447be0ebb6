//! systemd's journal as the log's end: a socket of the test's own takes the entries of the real binary.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use mallsync::sim;

use crate::rig::{House, Outside, noon};

/// Nothing that a test waits for takes so long; a guard against waiting for ever.
const GUARD: Duration = Duration::from_secs(90);

type Entry = BTreeMap<String, String>;

fn log_to(house: &mut House, socket: &Path) {
    house.change("format = \"json\"", &format!("format = \"journald\"\njournal = \"{}\"", socket.display()));
}

/// An entry in the native protocol: `NAME`, a line feed, the value's length, the value, a line feed, for each field.
fn entry(mut bytes: &[u8]) -> Entry {
    let mut fields = Entry::new();
    while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
        let name = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let (length, rest) = bytes[end + 1..].split_at(8);
        let length = usize::try_from(u64::from_le_bytes(length.try_into().unwrap())).unwrap();
        let value = String::from_utf8(rest[..length].to_vec()).unwrap();
        assert_eq!(rest[length], b'\n', "{name}");
        assert!(fields.insert(name, value).is_none(), "a field comes once: {fields:?}");
        bytes = &rest[length + 1..];
    }
    fields
}

#[test]
fn facts_reach_the_journal_as_fields_and_stderr_stays_silent() {
    let outside = Outside::new(11, 4, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    let socket = house.path().join("journal");
    let journal = UnixDatagram::bind(&socket).unwrap();
    journal.set_read_timeout(Some(GUARD)).unwrap();
    log_to(&mut house, &socket);
    let mut daemon = house.launch();
    let next = |message: &str, shop: Option<&str>| -> Entry {
        let mut bytes = vec![0; 300_000];
        loop {
            let length = journal.recv(&mut bytes).unwrap();
            let fields = entry(&bytes[..length]);
            let told = fields.get("MESSAGE").is_some_and(|text| text.starts_with(message));
            if told && shop.is_none_or(|shop| fields.get("SHOP").is_some_and(|name| name == shop)) {
                return fields;
            }
        }
    };
    let started = next("mallsync started.", None);
    assert_eq!((started["PRIORITY"].as_str(), started["SYSLOG_IDENTIFIER"].as_str()), ("6", "mallsync"));
    assert_eq!((started["SHOPS"].as_str(), started["SETTLEMENTS"].as_str()), ("2", "1"));
    assert!(started["TARGET"].starts_with("mallsync::app"), "{started:?}");
    let pass = next("Pass finished.", Some(sim::RAKUTEN_SHOP));
    assert_eq!((pass["MALL"].as_str(), pass["STREAM"].is_empty()), ("rakuten", false), "{pass:?}");
    assert!(pass["MESSAGE"].contains("shop=rakuten-main") && pass["ELAPSED_MS"].parse::<u64>().is_ok());
    // A broken edit: a dotted name, and a priority that `journalctl -p err` finds.
    house.change("capture = \"slip\"", "capture = \"slips\"");
    daemon.hang_up();
    let refused = next("Config refused", None);
    assert_eq!(
        (refused["PRIORITY"].as_str(), refused["KEY"].as_str()),
        ("3", "settlements.webcollect-main.capture")
    );
    assert!(refused["ERROR_MESSAGE"].contains("ship_date"), "{refused:?}");
    daemon.terminate();
    next("mallsync stopped.", None);
    assert_eq!(daemon.ended(), Some(0));
    let said = daemon.log.lines();
    assert!(said.iter().all(|line| !line.contains("Pass finished.")), "{said:?}");
}

#[test]
fn without_a_journal_the_log_goes_to_stderr_as_text_and_says_so() {
    let outside = Outside::new(11, 1, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    let socket = house.path().join("nobody-listens");
    log_to(&mut house, &socket);
    let daemon = house.launch();
    let away = daemon.log.wait(0, &["WARN", "Journal was not reached; the log goes to stderr as text."]);
    daemon.log.wait(away, &["INFO", "mallsync started."]);
    daemon.log.wait(away, &["Pass finished.", "shop=rakuten-main"]);
    daemon.stop();
}
