use std::collections::BTreeMap;
use std::time::Duration;

use tracing::{debug, error, info, info_span, trace, warn};

use super::*;
use crate::clock::{ManualClock, Timestamp};

/// A journal of the test's own.
struct Bench {
    dir: tempfile::TempDir,
    journal: UnixDatagram,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = UnixDatagram::bind(dir.path().join("socket")).unwrap();
        journal.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { dir, journal }
    }

    fn log(&self, filter: &str, act: impl FnOnce()) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
        let layer = JournalLayer::open(&self.dir.path().join("socket"), clock).unwrap();
        tracing::subscriber::with_default(super::super::to(layer, filter).unwrap(), act);
    }

    /// The next entry; the empty datagram of the opening is passed over.
    fn entry(&self) -> BTreeMap<String, String> {
        let mut bytes = vec![0; 300_000];
        loop {
            let n = self.journal.recv(&mut bytes).unwrap();
            if n > 0 {
                return parse(&bytes[..n]);
            }
        }
    }
}

/// As the protocol's page says, both forms of a field.
fn parse(mut bytes: &[u8]) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|b| *b == b'\n').unwrap();
        let (line, rest) = (std::str::from_utf8(&bytes[..end]).unwrap(), &bytes[end + 1..]);
        let (name, value) = if let Some((name, value)) = line.split_once('=') {
            bytes = rest;
            (name, value.to_owned())
        } else {
            let length = usize::try_from(u64::from_le_bytes(rest[..8].try_into().unwrap())).unwrap();
            assert_eq!(rest[8 + length], b'\n');
            bytes = &rest[9 + length..];
            (line, String::from_utf8(rest[8..8 + length].to_vec()).unwrap())
        };
        assert!(fields.insert(name.to_owned(), value).is_none(), "{name} twice");
    }
    fields
}

#[test]
fn facts_of_the_event_and_of_the_spans_around_it_are_fields_of_the_entry() {
    let bench = Bench::new();
    bench.log("info", || {
        let span =
            info_span!("pass", shop = "rakuten-main", mall = "rakuten", attempt = tracing::field::Empty);
        span.record("attempt", 3);
        let _entered = span.enter();
        warn!(
            settlement = "webcollect-main",
            operation = %"0190",
            elapsed_ms = 12_u64,
            mall = "csv",
            error.code = "throttled",
            error.message = "again \"later\",\nor never",
            next_attempt_at = %"2026-11-22T10:00:00+09:00",
            "Pass failed."
        );
    });
    insta::assert_debug_snapshot!(bench.entry(), @r#"
    {
        "ATTEMPT": "3",
        "ELAPSED_MS": "12",
        "ERROR_CODE": "throttled",
        "ERROR_MESSAGE": "again \"later\",\nor never",
        "MALL": "csv",
        "MESSAGE": "Pass failed. attempt=3 elapsed_ms=12 error.code=throttled error.message=\"again \\\"later\\\",\\nor never\" mall=csv next_attempt_at=2026-11-22T10:00:00+09:00 operation=0190 settlement=webcollect-main shop=rakuten-main",
        "NEXT_ATTEMPT_AT": "2026-11-22T10:00:00+09:00",
        "OPERATION": "0190",
        "PRIORITY": "4",
        "SETTLEMENT": "webcollect-main",
        "SHOP": "rakuten-main",
        "SYSLOG_IDENTIFIER": "mallsync",
        "TARGET": "mallsync::telemetry::journal::tests",
    }
    "#);
}

#[test]
fn priorities_follow_the_levels() {
    let bench = Bench::new();
    bench.log("trace", || {
        error!("a");
        warn!("b");
        info!("c");
        debug!("d");
        trace!("e");
    });
    let priorities: Vec<String> = (0..5).map(|_| bench.entry()["PRIORITY"].clone()).collect();
    assert_eq!(priorities, ["3", "4", "6", "7", "7"]);
}

#[test]
fn a_field_cannot_pass_for_one_of_the_layer_or_of_the_journal() {
    let bench = Bench::new();
    bench.log("info", || {
        info!(priority = 0, syslog_identifier = "sshd", _pid = 1, "A message.");
    });
    let entry = bench.entry();
    assert_eq!((&*entry["PRIORITY"], &*entry["SYSLOG_IDENTIFIER"]), ("6", "mallsync"));
    assert_eq!((&*entry["FIELD_PRIORITY"], &*entry["FIELD_SYSLOG_IDENTIFIER"]), ("0", "sshd"));
    assert!(entry.contains_key("FIELD_PID") && !entry.keys().any(|name| name.starts_with('_')));
}

#[test]
fn a_value_without_end_is_cut_between_characters() {
    let bench = Bench::new();
    bench.log("info", || info!(error.message = "あ".repeat(100_000), "A message."));
    let value = bench.entry()["ERROR_MESSAGE"].clone();
    assert!(value.len() > VALUE - 4 && value.len() <= VALUE && value.chars().all(|c| c == 'あ'));
}

#[test]
fn a_journal_that_is_not_there_is_an_error_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    assert!(JournalLayer::open(&dir.path().join("socket"), clock).is_err());
}

#[test]
fn a_filter_says_what_reaches_the_journal() {
    let bench = Bench::new();
    bench.log("trace,sqlx=trace", || {
        info!(target: "sqlx::query", "theirs");
        info!("ours");
    });
    assert_eq!(bench.entry()["MESSAGE"], "ours");
}
