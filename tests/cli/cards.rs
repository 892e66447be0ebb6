//! `settlements cards`: what a buyer stored with the gateway, asked for with a key that is never shown.

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use super::binary::{code, mallsync, stderr, stdout};
use super::daemon::Simulated;

const KEY: &str = "Zk7Q2m9X";

fn cards(sim: &Simulated, args: &[&str]) -> Output {
    let mut command = mallsync(sim.path(), &["--config", "sim/mallsync.toml", "settlements", "cards"]);
    let mut child = command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments has closed the pipe.
    let _ = child.stdin.take().unwrap().write_all(KEY.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = format!("{}{}", stdout(&output), stderr(&output));
    assert!(!said.contains(KEY), "{said}");
    output
}

#[test]
fn stored_cards_are_listed_for_a_person_and_nothing_of_them_is_kept() {
    let sim = Simulated::start();
    let unset = cards(&sim, &["MEMBER0001"]);
    assert_eq!(code(&unset), 1);
    assert!(stderr(&unset).contains("access_key"), "{}", stderr(&unset));

    sim.edit("trader_code", "access_key = \"plain:1234567\"\ntrader_code");
    let card = json!({ "card_key": 1, "masked_number": "************0001", "expiry": "1230", "owner": "MIHON TARO",
        "brand": 9, "last_used_at": "2026-11-01T12:00:00+09:00" });
    let body = json!({ "member_id": "MEMBER0001", "authentication_key": KEY, "cards": [card] });
    sim.control("PUT", "webcollect/cards", &body.to_string());
    let listed = cards(&sim, &["MEMBER0001"]);
    assert_eq!(code(&listed), 0, "{}", stderr(&listed));
    let rows: Value = serde_json::from_str(stdout(&listed)).unwrap();
    assert_eq!((&rows[0]["number"], &rows[0]["expires"]), (&json!("************0001"), &json!("2030-12")));
    assert!(!stdout(&listed).contains("MIHON"), "{}", stdout(&listed));
    let table = cards(&sim, &["MEMBER0001", "--format", "table"]);
    assert!(stdout(&table).contains("************0001"), "{}", stdout(&table));

    let nobody = cards(&sim, &["MEMBER0002", "--settlement", "webcollect-main"]);
    assert_eq!((code(&nobody), stdout(&nobody).trim()), (0, "[]"), "{}", stderr(&nobody));
    assert!(stderr(&nobody).contains("no stored card"), "{}", stderr(&nobody));
    for file in ["mallsync.db", "mallsync.db-wal"] {
        let bytes = std::fs::read(sim.path().join("sim").join(file)).unwrap_or_default();
        let kept = bytes.windows(10).any(|window| window == b"MEMBER0001");
        assert!(!kept, "{file}");
    }
}
