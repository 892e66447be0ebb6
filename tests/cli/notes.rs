//! What a rule finds in a note and what is no reception number may be about a person: it is never repeated (I9).

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use super::binary::{code, mallsync, stderr, stdout};
use super::data::{ORDERS, Shop};

/// What stands in the shop's own note of an order, after the words that the rule looks for.
const FOUND: &str = "鈴木カナリヤ 090-7777-1234 置き配";
/// Parts of it.
const PARTS: [&str; 3] = ["カナリヤ", "7777-1234", "置き配"];

/// Ends the daemon whatever becomes of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, as a rule.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn silent(what: &str, text: &str) {
    for part in PARTS {
        assert!(!text.contains(part), "{what} repeats {part}:\n{text}");
    }
}

#[test]
fn what_a_rule_finds_in_a_note_is_never_repeated() {
    let shop = Shop::with("live", "generic", "imported");
    let config = shop.path().join("config/mallsync.toml");
    let rule = r#"reception_number = { field = "notes.shop", regex = '受付番号[:：]\s*(.+)' }"#;
    let text = fs::read_to_string(&config).unwrap().replace(r#"reception_number = "imported""#, rule);
    fs::write(&config, format!("{text}[log]\nformat = \"text\"\nfilter = \"trace\"\n")).unwrap();
    let heading = ORDERS.lines().next().unwrap();
    let order = "N-1,700,クロネコwebコレクト,2026-11-21 10:00,見本 五郎,1000001,東京都,千代田区,はし,1,700";
    shop.write("noted.csv", &format!("{heading},ショップ用メモ欄\r\n{order},受付番号:{FOUND}\r\n"));
    let imported = shop.run(&["orders", "import", "noted.csv", "--shop", "own-shop"]);
    assert_eq!(code(&imported), 0, "{}", stderr(&imported));
    silent("import", stderr(&imported));
    let shown = shop.run(&["orders", "show", "N-1"]);
    assert!(stdout(&shown).contains(FOUND), "the order itself has it: {}", stdout(&shown));
    let slipped = shop.run(&["slips", "add", "N-1", "400012345670", "--no-wait"]);
    silent("slips add", stderr(&slipped));

    let held = shop.run(&["settlements", "list", "--held"]);
    assert!(stdout(&held).contains("what the rule gives is not a reception number"), "{}", stdout(&held));
    for asked in [
        &["settlements", "list", "--held"][..],
        &["settlements", "show", "N-1"],
        &["settlements", "preview"],
        &["operations", "list"],
        &["status"],
    ] {
        for format in ["json", "table"] {
            let output = shop.run(&[asked, &["--format", format]].concat());
            silent(&format!("{asked:?} as {format}"), stdout(&output));
            silent(&format!("the log of {asked:?}"), stderr(&output));
        }
    }

    // The daemon tells a person of it, with the reason.
    let mut command = mallsync(shop.path(), &["run"]);
    let mut daemon = Running(command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(daemon.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut log = Vec::new();
    let told = lines
        .by_ref()
        .inspect(|line| log.push(line.clone()))
        .find(|line| line.contains("Settlement came to need a person.") && line.contains("N-1"));
    let told = told.unwrap_or_else(|| panic!("nobody was told:\n{}", log.join("\n")));
    assert!(told.contains("what the rule gives is not a reception number"), "{told}");
    daemon.0.kill().unwrap();
    log.extend(lines);
    silent("the daemon's log", &log.join("\n"));
}
