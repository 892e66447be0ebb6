//! Slips taken back, settlements held, released and resolved: many at a time, and only as a person was shown them.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

use mallsync::domain::settlement::SettlementState;
use serde_json::{Value, json};

use super::binary::{code, stderr, stdout};
use super::daemon::Simulated;
use super::data::Shop;
use super::wishes::{kinds, looked, shown};

const SLIPS: [&str; 2] = ["400012345670", "400012345600"];

/// (order, reason why not) of what was shown.
fn skipped(output: &Output) -> Vec<(String, Value)> {
    shown(output).into_iter().map(|(order, _, why)| (order, why)).collect()
}

fn row(order: &str, why: &str) -> (String, Value) {
    (order.to_owned(), if why.is_empty() { Value::Null } else { json!(why) })
}

#[test]
fn registered_slips_are_taken_back_by_filter_where_each_has_one() {
    let shop = Shop::new("live");
    looked(&shop, "A-1", SettlementState::Registered, 5_500, 60, &SLIPS[..1]);
    looked(&shop, "A-2", SettlementState::Registered, 12_800, 60, &SLIPS);
    let bulk = ["settlements", "undo", "--state", "registered", "--settlement", "webcollect-main"];
    let dry = shop.run(&[&bulk[..], &["--dry-run"]].concat());
    assert_eq!(code(&dry), 1, "A-2 has two");
    assert!(kinds(&shop).is_empty());
    let undone = shop.run(&[&bulk[..], &["--yes", "--no-wait"]].concat());
    assert_eq!(code(&undone), 1, "{}", stderr(&undone));
    let why = format!("several slips are registered ({}, {}): name one", SLIPS[0], SLIPS[1]);
    assert_eq!(skipped(&undone), [row("A-1", ""), row("A-2", &why)]);
    assert_eq!(kinds(&shop), ["undo"], "the one that is sure is done all the same");
    assert_eq!(shop.json(&["settlements", "show", "A-1"])["wish"]["slip_number"], SLIPS[0]);
    let named = shop.run(&["settlements", "undo", "A-2", SLIPS[1], "--yes", "--no-wait"]);
    assert_eq!(code(&named), 0, "{}", stderr(&named));
    let none = shop.run(&["settlements", "undo", "A-3", "--yes"]);
    assert_eq!(skipped(&none), [row("A-3", "no slip is registered at the gateway")]);
    for wrong in
        [&["settlements", "undo", "--yes"][..], &["settlements", "undo", "A-1", "--state", "registered"]]
    {
        assert_eq!(code(&shop.run(wrong)), 2, "{wrong:?}");
    }
}

#[test]
fn many_are_held_released_and_resolved_in_one_command() {
    let shop = Shop::new("live");
    for (order, slip) in [("A-1", SLIPS[0]), ("A-2", SLIPS[1])] {
        assert_eq!(code(&shop.run(&["slips", "add", order, slip])), 0);
    }
    let state = |order: &str| shop.json(&["settlements", "show", order])["operations"][0]["state"].clone();
    let held = |order: &str| shop.json(&["settlements", "show", order])["held"].clone();
    let both = |order: &str| (state(order), held(order));

    let dry = shop.run(&["settlements", "hold", "--state", "unknown", "--dry-run"]);
    assert_eq!((code(&dry), shown(&dry).len()), (0, 3), "{}", stderr(&dry));
    assert_eq!(both("A-1"), (json!("planned"), Value::Null));
    assert_eq!(code(&shop.run(&["settlements", "hold", "A-2", "--reason", "the buyer called"])), 0);
    // By filter those that a person holds already are left alone, with their reason.
    let hold = shop.run(&["settlements", "hold", "--state", "unknown", "--reason", "stocktaking"]);
    assert_eq!(code(&hold), 0, "{}", stderr(&hold));
    assert_eq!(skipped(&hold), [row("A-1", ""), row("A-3", "")]);
    assert!(stderr(&hold).contains("Written for 2 settlements."), "{}", stderr(&hold));
    assert_eq!(both("A-1"), (json!("superseded"), json!("stocktaking")));
    assert_eq!(held("A-2"), "the buyer called");

    // Money may move: it is asked once for all of them, and what follows is shown.
    let release = ["settlements", "release", "--state", "unknown"];
    let refused = shop.run(&release);
    assert_eq!(code(&refused), 2);
    assert!(stderr(&refused).contains("3 (18,300 yen)"), "{}", stderr(&refused));
    let lines: Value = serde_json::from_str(stdout(&refused)).unwrap();
    let waits: Vec<&Value> = lines.as_array().unwrap().iter().map(|line| &line["waits"]).collect();
    assert!(waits.contains(&&json!("no slip")), "A-3: {lines}");
    assert_eq!(held("A-1"), "stocktaking");
    let released = shop.run(&[&release[..], &["--yes", "--no-wait"]].concat());
    assert_eq!(code(&released), 0, "{}", stderr(&released));
    assert_eq!((held("A-1"), held("A-2")), (Value::Null, Value::Null));
    assert_eq!(kinds(&shop).len(), 4, "each is planned anew");
    let again = shop.run(&[&release[..], &["--yes"]].concat());
    assert_eq!((code(&again), shown(&again).len()), (0, 0), "none is held any more");
    let named = shop.run(&["settlements", "release", "A-1", "--yes"]);
    assert_eq!((code(&named), skipped(&named)), (1, vec![row("A-1", "it is not held")]));

    let resolve = ["settlements", "resolve", "A-1", "A-2", "A-9", "--refunded"];
    let resolved = shop.run(&resolve);
    assert_eq!(code(&resolved), 1, "one is not there");
    assert_eq!(skipped(&resolved), [row("A-1", ""), row("A-2", ""), row("A-9", "no such settlement")]);
    let back = shop.run(&["settlements", "resolve", "--state", "unknown", "--undo", "--yes", "--no-wait"]);
    assert_eq!(code(&back), 0, "{}", stderr(&back));
    assert_eq!(skipped(&back), [row("A-1", ""), row("A-2", "")], "A-3 was never resolved");
    assert_eq!(shop.json(&["settlements", "show", "A-2"])["resolved"], Value::Null);
}

/// Runs a command on a terminal. Once it asks, `meanwhile` happens, and then the person says yes.
fn on_a_terminal(shop: &Shop, args: &[&str], meanwhile: impl FnOnce()) -> (i32, String) {
    let command = format!("{} {}", env!("CARGO_BIN_EXE_mallsync"), args.join(" "));
    let mut script = Command::new("script")
        .args(["--quiet", "--return", "--flush", "--command", &command, "/dev/null"])
        .current_dir(shop.path())
        .env_clear()
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    let mut out = script.stdout.take().unwrap();
    let mut byte = [0; 1];
    while !said.ends_with(b"[y/N] ") {
        assert_eq!(out.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&said));
        said.push(byte[0]);
    }
    meanwhile();
    script.stdin.take().unwrap().write_all(b"y\n").unwrap();
    out.read_to_end(&mut said).unwrap();
    (script.wait().unwrap().code().unwrap(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn what_changes_while_a_person_reads_is_not_done() {
    let shop = Shop::new("live");
    let seen = |yen| looked(&shop, "A-1", SettlementState::Authorized, yen, 60, &[]);
    seen(5_500);
    let cancel = ["settlements", "cancel", "A-1", "--no-wait"];
    let (code_of, said) = on_a_terminal(&shop, &cancel, || seen(5_000));
    assert_eq!(code_of, 1, "{said}");
    let told = "changed while you read: the gateway held 5,500 yen and holds 5,000 yen; run it again";
    assert!(said.contains("5,500") && said.contains(told), "{said}");
    assert_eq!(shop.json(&["settlements", "show", "A-1"])["wish"], Value::Null);
    assert!(kinds(&shop).is_empty());

    // Nothing that was shown has changed: it is done as it was read.
    let (code_of, said) = on_a_terminal(&shop, &cancel, || seen(5_000));
    assert_eq!(code_of, 0, "{said}");
    assert_eq!(kinds(&shop), ["cancel"]);

    // A release is about what it lets go: another slip came while the person read.
    assert_eq!(code(&shop.run(&["settlements", "hold", "A-2"])), 0);
    assert_eq!(code(&shop.run(&["slips", "add", "A-2", SLIPS[0]])), 0);
    let release = ["settlements", "release", "A-2", "--no-wait"];
    let other = || assert_eq!(code(&shop.run(&["slips", "replace", "A-2", SLIPS[0], SLIPS[1]])), 0);
    let (code_of, said) = on_a_terminal(&shop, &release, other);
    assert_eq!(code_of, 1, "{said}");
    assert!(said.contains("something else would be done"), "{said}");
    assert!(shop.json(&["settlements", "show", "A-2"])["held"].is_string());
}

#[test]
fn a_file_of_numbers_is_imported_as_it_was_read_or_not_at_all() {
    let cart = super::receptions::cart("live");
    let shop = &cart.shop;
    assert_eq!(code(&shop.run(&["slips", "add", "A-1", SLIPS[0]])), 0);
    shop.write("numbers.csv", "A-1,WC-1\nA-2,WC-2\n");
    let import = ["settlements", "import", "numbers.csv", "--no-wait"];
    // The second order's parcel is slipped meanwhile: two sales would be captured, one was shown.
    let slipped = || assert_eq!(code(&shop.run(&["slips", "add", "A-2", SLIPS[1]])), 0);
    let (code_of, said) = on_a_terminal(shop, &import, slipped);
    assert_eq!(code_of, 1, "{said}");
    assert!(said.contains("1 (5,500 yen)") && said.contains("changed while you read"), "{said}");
    assert_eq!(shop.json(&["settlements", "show", "A-1"])["reception_number"], Value::Null);
    assert!(kinds(shop).is_empty());
    let (code_of, said) = on_a_terminal(shop, &import, || ());
    assert_eq!(code_of, 0, "{said}");
    assert!(said.contains("2 (18,300 yen)"), "{said}");
    assert_eq!(kinds(shop), ["capture", "capture"]);
}

#[test]
fn the_planned_ship_date_of_a_reservation_is_moved_at_the_gateway() {
    let sim = Simulated::start();
    sim.edit("mode = \"dry-run\"", "mode = \"live\"");
    let orders = sim.run(&["orders", "import", &sim.file("sim/orders"), "--shop", "own-shop"]);
    assert_eq!(code(&orders), 0, "{}", stderr(&orders));
    let rows = sim.json(&["settlements", "list"]);
    let order = rows[0]["mall_order_id"].as_str().unwrap();
    let today = today(&sim);
    let day = |days: u64| (today + chrono::Days::new(days)).to_string();
    let place = json!({ "order_no": "RSV-1", "amount": 4_700, "scheduled_shipping_date": day(40) });
    sim.control("POST", "webcollect/place", &place.to_string());
    let linked = sim.run(&["settlements", "link", order, "RSV-1", "--yes", "--no-wait"]);
    assert_eq!(code(&linked), 0, "{}", stderr(&linked));

    let moved = sim.run(&["settlements", "change-date", "RSV-1", &day(50), "--yes"]);
    assert_eq!(code(&moved), 0, "{}", stderr(&moved));
    let line: Value = serde_json::from_str(stdout(&moved)).unwrap();
    assert_eq!((&line[0]["kind"], &line[0]["to_date"]), (&json!("change_date"), &json!(day(50))));
    let show = || sim.json(&["settlements", "show", "RSV-1"]);
    assert_eq!((&show()["state"], &show()["scheduled_on"]), (&json!("reserved"), &json!(day(50))));
    let entries = sim.control("GET", "books/entries?order_no=RSV-1", "");
    assert!(entries.contains("E03"), "{entries}");

    // What the gateway would refuse is told before anything is asked of it.
    for (to, why) in [
        (day(50), "there is nothing to change"),
        ((today - chrono::Days::new(2)).to_string(), "is past"),
        (day(95), "too far ahead"),
    ] {
        let refused = sim.run(&["settlements", "change-date", "RSV-1", &to, "--yes"]);
        assert_eq!(code(&refused), 1, "{to}");
        let told = shown(&refused)[0].2.as_str().unwrap_or_default().to_owned();
        assert!(told.contains(why), "{to}: {told}");
    }
    // Many at once, by what they have in common.
    let bulk = ["settlements", "change-date", "--state", "reserved", "--to", &day(45), "--yes"];
    assert_eq!(code(&sim.run(&bulk)), 0);
    assert_eq!(show()["scheduled_on"], json!(day(45)));
    let file = sim.path().join("sim/mallsync.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("[daemon]\nlanguage = \"ja\"\n{}", text.replace("[daemon]\n", ""))).unwrap();
    let japanese = sim.run(&["settlements", "show", "RSV-1", "--format", "table"]);
    assert!(stdout(&japanese).contains("出荷予定日"), "{}", stdout(&japanese));
    for wrong in
        [&["settlements", "change-date", "RSV-1"][..], &["settlements", "change-date", "RSV-1", "tomorrow"]]
    {
        assert_eq!(code(&sim.run(wrong)), 2, "{wrong:?}");
    }
}

/// Today by the simulators' clock.
fn today(sim: &Simulated) -> chrono::NaiveDate {
    let status = sim.json(&["status"]);
    status["at"].as_str().unwrap()[..10].parse().unwrap()
}
