//! What a person asks for, of one settlement or of many: shown, asked, queued, and what is in error left out.

use std::fs;
use std::sync::Arc;

use mallsync::clock::{Ambient, SystemClock, Timestamp};
use mallsync::domain::money::Yen;
use mallsync::domain::settlement::{Observed, SettlementState};
use mallsync::store::{Access, Store};
use serde_json::{Value, json};

use super::binary::{code, stderr, stdout};
use super::daemon::Simulated;
use super::data::Shop;

const SLIP: &str = "400012345670";

/// A look-up showed `yen` and `slips` for the order, authorised the day before, for `days` days.
pub(crate) fn looked(shop: &Shop, order: &str, state: SettlementState, yen: i64, days: u32, slips: &[&str]) {
    let observed = Observed {
        state,
        amount: Some(Yen(yen)),
        authorized_at: Some(Timestamp::parse("2026-11-20T10:05:00+09:00").unwrap()),
        slips: slips.iter().map(|slip| (*slip).to_owned()).collect(),
        ..Observed::default()
    };
    let url = format!("sqlite:{}/mallsync.db", shop.path().display());
    let ambient = Ambient::new(Arc::new(SystemClock::default()));
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let store = Store::open(&url, None, Access::Command, &ambient).await.unwrap();
        let row = store.find_settlements(order).await.unwrap().remove(0);
        let at = Timestamp::parse("2026-11-21T11:00:00+09:00").unwrap();
        store.observe_settlement(&row.settlement.id, &observed, true, Some(days), at).await.unwrap();
        store.close().await;
    });
}

/// What a command showed before it asked, by order.
pub(crate) fn shown(output: &std::process::Output) -> Vec<(String, Value, Value)> {
    let lines: Value = serde_json::from_str(stdout(output)).unwrap();
    let mut lines: Vec<_> = lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let order = line["mall_order_id"].as_str().unwrap().to_owned();
            (order, line["kind"].clone(), line["skipped"].clone())
        })
        .collect();
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    lines
}

pub(crate) fn kinds(shop: &Shop) -> Vec<String> {
    let operations = shop.json(&["operations", "list"]);
    operations.as_array().unwrap().iter().map(|o| o["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_cancel_is_shown_asked_queued_and_in_the_history() {
    let shop = Shop::new("live");
    looked(&shop, "A-1", SettlementState::Authorized, 5_500, 60, &[]);
    let refused = shop.run(&["settlements", "cancel", "A-1"]);
    assert_eq!(code(&refused), 2);
    assert!(
        stderr(&refused).contains("--yes") && stderr(&refused).contains("1 (5,500 yen)"),
        "{}",
        stderr(&refused)
    );
    let lines: Value = serde_json::from_str(stdout(&refused)).unwrap();
    let facts = ["reception_number", "kind", "yen", "skipped"].map(|key| lines[0][key].clone());
    assert_eq!(facts, [json!("A-1"), json!("cancel"), json!(5_500), Value::Null]);
    let dry = shop.run(&["settlements", "cancel", "A-1", "--dry-run", "--format", "table"]);
    assert_eq!(code(&dry), 0, "{}", stderr(&dry));
    assert!(stdout(&dry).contains("A-1") && stdout(&dry).contains("5,500"), "{}", stdout(&dry));
    let show = || shop.json(&["settlements", "show", "A-1"]);
    assert_eq!((&show()["wish"], &show()["operations"]), (&Value::Null, &json!([])));
    assert!(kinds(&shop).is_empty());

    let asked = shop.run(&["settlements", "cancel", "A-1", "--yes", "--no-wait"]);
    assert_eq!(code(&asked), 0, "{}", stderr(&asked));
    assert!(stderr(&asked).contains("Stored."), "{}", stderr(&asked));
    let after = show();
    assert_eq!(after["wish"]["kind"], "cancel");
    assert!(after["wished_by"].is_string());
    let operation = &after["operations"][0];
    assert_eq!((&operation["kind"], &operation["attempts"]), (&json!("cancel"), &json!([])));
    let table = shop.run(&["settlements", "show", "A-1", "--format", "table"]);
    assert!(stdout(&table).contains("Asked for") && stdout(&table).contains("planned"), "{}", stdout(&table));
    let again = shop.run(&["settlements", "cancel", "A-1", "--yes"]);
    assert_eq!(code(&again), 1);
    assert!(shown(&again)[0].2.as_str().unwrap().contains("asked for already"), "{}", stdout(&again));
}

#[test]
fn many_are_chosen_by_name_or_filter_and_those_in_error_left_out() {
    let shop = Shop::new("live");
    looked(&shop, "A-1", SettlementState::Authorized, 5_500, 6, &[]);
    looked(&shop, "A-2", SettlementState::Authorized, 12_800, 60, &[]);
    let near = shop.json(&["settlements", "list", "--lapsing-within", "7d"]);
    assert_eq!((near.as_array().unwrap().len(), &near[0]["mall_order_id"]), (1, &json!("A-1")));
    let chosen = [
        "settlements",
        "reauth",
        "--state",
        "authorized",
        "--lapsing-within",
        "7d",
        "--settlement",
        "webcollect-main",
    ];
    let renewed = shop.run(&[&chosen[..], &["--yes", "--no-wait"]].concat());
    assert_eq!(code(&renewed), 0, "{}", stderr(&renewed));
    assert_eq!(shown(&renewed), [("A-1".to_owned(), json!("reauth"), Value::Null)]);
    assert_eq!(kinds(&shop), ["reauth"]);

    let some = shop.run(&["settlements", "cancel", "A-2", "A-2", "A-3", "A-9", "--yes", "--no-wait"]);
    assert_eq!(code(&some), 1, "something was skipped");
    let lines = shown(&some);
    assert_eq!(lines.len(), 3, "A-2 once: {lines:?}");
    assert_eq!((&lines[0].1, &lines[0].2), (&json!("cancel"), &Value::Null));
    assert!(lines[1].2.as_str().unwrap().contains("never asked for the amount"), "{lines:?}");
    assert!(lines[2].2.as_str().unwrap().contains("no such settlement"), "{lines:?}");
    assert_eq!(kinds(&shop), ["cancel", "reauth"], "the good one is done all the same");
    let none = shop.run(&["settlements", "cancel", "--state", "settled", "--yes"]);
    assert_eq!(code(&none), 0, "{}", stderr(&none));
    // Neither a name nor a filter, both, or a contract that is not there.
    for wrong in [
        &["settlements", "cancel", "--yes"][..],
        &["settlements", "cancel", "A-1", "--state", "authorized"],
        &["settlements", "cancel", "--settlement", "webcollect-main"],
        &["settlements", "cancel", "--state", "authorized", "--settlement", "webcollect"],
        &["settlements", "list", "--lapsing-within", "soon"],
    ] {
        assert_eq!(code(&shop.run(wrong)), 2, "{wrong:?}");
    }
}

#[test]
fn an_amount_is_changed_to_what_is_said_or_due() {
    let shop = Shop::new("live");
    looked(&shop, "A-1", SettlementState::Authorized, 5_500, 60, &[]);
    looked(&shop, "A-2", SettlementState::Authorized, 13_000, 60, &[]);
    let changed = shop.run(&["settlements", "change-amount", "A-1", "5,000", "--yes", "--no-wait"]);
    assert_eq!(code(&changed), 0, "{}", stderr(&changed));
    let line: Value = serde_json::from_str(stdout(&changed)).unwrap();
    assert_eq!((&line[0]["yen"], &line[0]["to_yen"]), (&json!(5_500), &json!(5_000)));
    let due = ["settlements", "change-amount", "--state", "authorized", "--to-due", "--yes", "--no-wait"];
    let due = shop.run(&due);
    assert_eq!(code(&due), 1, "A-1 is what is due already");
    let lines = shown(&due);
    assert!(lines[0].2.as_str().unwrap().contains("nothing to change"), "{lines:?}");
    assert_eq!((&lines[1].1, &lines[1].2), (&json!("change_amount"), &Value::Null));
    assert_eq!(shop.json(&["settlements", "show", "A-2"])["wish"]["to"], 12_800);
    for wrong in [&["A-1"][..], &["A-1", "0"], &["A-1", "5000", "--to-due"], &["A-1", "five"]] {
        let args = [&["settlements", "change-amount"][..], wrong].concat();
        assert_eq!(code(&shop.run(&args)), 2, "{wrong:?}");
    }
}

#[test]
fn a_capture_that_cannot_be_says_why_in_the_language_of_the_reader() {
    let shop = Shop::new("live");
    let config = shop.path().join("config/mallsync.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("capture = \"slip\"", "capture = \"manual\"")).unwrap();
    let refused = shop.run(&["settlements", "capture", "A-1", "--yes"]);
    assert_eq!(code(&refused), 1);
    assert_eq!(shown(&refused), [("A-1".to_owned(), Value::Null, json!("no slip"))]);
    assert_eq!(code(&shop.run(&["slips", "add", "A-1", SLIP])), 0);
    assert!(kinds(&shop).is_empty(), "manual");
    let asked = shop.run(&["settlements", "capture", "A-1", "--yes", "--no-wait"]);
    assert_eq!(code(&asked), 0, "{}", stderr(&asked));
    assert_eq!(kinds(&shop), ["capture"]);
    // After the last day nothing is captured.
    looked(&shop, "A-2", SettlementState::Lapsed, 12_800, 1, &[]);
    assert_eq!(code(&shop.run(&["slips", "add", "A-2", "400012345600"])), 0);
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("language = \"en\"", "language = \"ja\"")).unwrap();
    let late = shop.run(&["settlements", "capture", "A-2", "A-3", "--dry-run", "--format", "table"]);
    assert_eq!(code(&late), 1);
    assert!(stdout(&late).contains("与信の期限（2026-11-20）が過ぎました"), "{}", stdout(&late));
    assert!(stdout(&late).contains("送り状番号待ち"), "{}", stdout(&late));
    assert!(stderr(&late).contains("対象外: 2 件"), "{}", stderr(&late));
    let dry = Shop::new("dry-run");
    let refused = dry.run(&["settlements", "capture", "A-1", "--yes"]);
    assert_eq!(code(&refused), 1);
    assert!(shown(&refused)[0].2.as_str().unwrap().contains("dry-run"), "{}", stdout(&refused));
}

#[test]
fn a_registered_slip_is_taken_back_by_its_number() {
    let shop = Shop::new("live");
    looked(&shop, "A-1", SettlementState::Registered, 5_500, 60, &[SLIP]);
    let other = shop.run(&["settlements", "undo", "A-1", "400012345600", "--yes"]);
    assert_eq!(code(&other), 1);
    assert!(shown(&other)[0].2.as_str().unwrap().contains("not registered"), "{}", stdout(&other));
    let undone = shop.run(&["settlements", "undo", "A-1", "4000-1234-5670", "--yes", "--no-wait"]);
    assert_eq!(code(&undone), 0, "{}", stderr(&undone));
    let shown = shop.json(&["settlements", "show", "A-1"]);
    assert_eq!(shown["wish"], json!({ "kind": "undo", "slip_number": SLIP }));
    assert_eq!(kinds(&shop), ["undo"]);
}

#[test]
fn what_was_settled_outside_is_resolved_and_may_be_taken_up_again() {
    let shop = Shop::new("live");
    assert_eq!(code(&shop.run(&["slips", "add", "A-1", SLIP])), 0);
    assert_eq!(kinds(&shop), ["capture"]);
    let show = || shop.json(&["settlements", "show", "A-1"]);
    assert_eq!(code(&shop.run(&["settlements", "resolve", "A-1"])), 2, "what was done?");
    let resolve = ["settlements", "resolve", "A-1", "--refunded", "--reason", "bank transfer"];
    assert_eq!(code(&shop.run(&[&resolve[..], &["--dry-run"]].concat())), 0);
    assert_eq!(show()["resolved"], Value::Null);
    let resolved = shop.run(&resolve);
    assert_eq!(code(&resolved), 0, "{}", stderr(&resolved));
    assert_eq!(show()["resolved"], "refunded by hand: bank transfer");
    assert_eq!(show()["operations"][0]["state"], "superseded");
    // The capture would be sent again: that is asked.
    let undo = shop.run(&["settlements", "resolve", "A-1", "--undo"]);
    assert_eq!(code(&undo), 2);
    assert!(stderr(&undo).contains("register slip"), "{}", stderr(&undo));
    assert_eq!(show()["resolved"], "refunded by hand: bank transfer");
    let undo = shop.run(&["settlements", "resolve", "A-1", "--undo", "--yes", "--no-wait"]);
    assert_eq!(code(&undo), 0, "{}", stderr(&undo));
    assert_eq!((&show()["resolved"], &show()["operations"][1]["state"]), (&Value::Null, &json!("planned")));
    let again = shop.run(&["settlements", "resolve", "A-1", "--undo", "--yes"]);
    assert_eq!((code(&again), shown(&again)[0].2.clone()), (1, json!("it was not resolved")));
}

/// Against the simulated gateway, without a daemon: each command sends what it is about, and the history tells.
#[test]
fn what_is_asked_for_is_done_at_the_gateway() {
    let sim = Simulated::start();
    sim.edit("mode = \"dry-run\"", "mode = \"live\"");
    let orders = sim.run(&["orders", "import", &sim.file("sim/orders"), "--shop", "own-shop"]);
    assert_eq!(code(&orders), 0, "{}", stderr(&orders));
    sim.run(&["slips", "import", &sim.file("sim/slips")]);
    // The oldest ones with one slip each: nobody planted anything in them.
    let operations = sim.json(&["operations", "list"]);
    let mut all: Vec<String> = operations
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["mall_order_id"].as_str().unwrap().to_owned())
        .collect();
    all.reverse();
    let once = |order: &&String| all.iter().filter(|other| other == order).count() == 1;
    let [first, second] = all.iter().filter(once).take(2).map(String::as_str).collect::<Vec<_>>()[..] else {
        panic!("{all:?}")
    };
    let both = [(first.to_owned(), 1), (second.to_owned(), 1)];
    let well = |args: &[&str]| {
        let output = sim.run(&[&["settlements"], args, &["--yes"]].concat());
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
    };
    well(&["capture", first, second]);
    assert_eq!(sim.captures(), both);
    let show = |order: &str| sim.json(&["settlements", "show", order]);
    let slip = show(first)["registered_slips"][0].as_str().unwrap().to_owned();
    well(&["undo", first, &slip]);
    let undone = show(first);
    assert_eq!((&undone["state"], &undone["registered_slips"]), (&json!("authorized"), &json!([])));
    assert!(undone["held"].as_str().unwrap().contains(&slip), "{undone}");
    well(&["cancel", second]);
    let canceled = show(second);
    assert_eq!((&canceled["state"], &canceled["wish"]), (&json!("canceled"), &Value::Null));
    let history: Vec<(&Value, &Value)> = canceled["operations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|operation| operation["state"] == "done")
        .map(|operation| (&operation["kind"], &operation["attempts"][1]["outcome"]))
        .collect();
    let done = json!("done");
    assert_eq!(history, [(&json!("capture"), &done), (&json!("cancel"), &done)], "{canceled}");
}
