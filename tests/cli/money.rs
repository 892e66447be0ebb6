//! Commands after which money may move: what they show, when they ask, what they write.

use serde_json::Value;

use super::binary::{code, stderr, stdout};
use super::data::Shop;

/// What the preview would do with each order.
fn preview(shop: &Shop) -> Vec<(String, String)> {
    let rows = shop.json(&["settlements", "preview"]);
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let mut all: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(row, "mall_order_id"), text(row, "action")))
        .collect();
    all.sort();
    all
}

fn pair(order: &str, action: &str) -> (String, String) {
    (order.to_owned(), action.to_owned())
}

#[test]
fn the_preview_shows_sends_waits_and_sums_in_dry_run_and_leaves_nothing_behind() {
    let shop = Shop::new("dry-run");
    shop.slips("b2.csv", &[("A-1", "400012345670", "1000001"), ("A-2", "400012345600", "5300001")]);
    assert_eq!(code(&shop.run(&["slips", "import", "b2.csv"])), 0);
    assert_eq!(preview(&shop), [pair("A-1", "send"), pair("A-2", "send"), pair("A-3", "wait")]);
    let output = shop.run(&["settlements", "preview", "--format", "table"]);
    assert!(stderr(&output).contains("now 2 (18,300 yen)"), "{}", stderr(&output));
    assert!(stderr(&output).contains("dry-run"));
    assert_eq!(shop.json(&["operations", "list"]), Value::Array(Vec::new()));
}

#[test]
fn a_release_in_live_shows_what_follows_and_asks() {
    let shop = Shop::new("live");
    let held = shop.run(&["settlements", "hold", "A-1", "--reason", "the buyer called"]);
    assert_eq!(code(&held), 0, "{}", stderr(&held));
    assert_eq!(code(&shop.run(&["slips", "add", "A-1", "400012345670"])), 0);
    assert_eq!(preview(&shop)[0], pair("A-1", "person"));
    assert_eq!(shop.json(&["settlements", "list", "--held"])[0]["held"], "the buyer called");
    let open = || {
        shop.json(&["operations", "list", "--state", "ready"]).as_array().unwrap().len()
            + shop.json(&["operations", "list", "--state", "planned"]).as_array().unwrap().len()
    };
    // Without a terminal and without --yes nothing is done.
    let refused = shop.run(&["settlements", "release", "A-1"]);
    assert_eq!(code(&refused), 2);
    assert!(stderr(&refused).contains("register slip 400012345670"), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("5,500 yen") && stderr(&refused).contains("--yes"));
    let shown = shop.run(&["settlements", "release", "A-1", "--dry-run"]);
    assert_eq!(code(&shown), 0);
    assert!(stderr(&shown).contains("register slip 400012345670"));
    assert_eq!(open(), 0);
    assert_eq!(preview(&shop)[0], pair("A-1", "person"));
    let released = shop.run(&["settlements", "release", "A-1", "--yes"]);
    assert_eq!(code(&released), 0, "{}", stderr(&released));
    assert!(stderr(&released).contains("No daemon is running"), "{}", stderr(&released));
    assert_eq!(preview(&shop)[0], pair("A-1", "send"));
    assert_eq!(open(), 1);
}

#[test]
fn a_link_is_shown_before_it_is_made_and_a_number_belongs_to_one_order() {
    let shop = Shop::new("live");
    let number = || shop.json(&["settlements", "show", "A-3"])["reception_number"].clone();
    let refused = shop.run(&["settlements", "link", "A-3", "WC-3"]);
    assert_eq!(code(&refused), 2);
    assert_eq!(number(), "A-3");
    let linked =
        shop.run(&["settlements", "link", "A-3", "WC-3", "--yes", "--settlement", "webcollect-main"]);
    assert_eq!(code(&linked), 0, "{}", stderr(&linked));
    assert_eq!(number(), "WC-3");
    let taken = shop.run(&["settlements", "link", "A-2", "WC-3", "--yes"]);
    assert_eq!(code(&taken), 1, "{}", stderr(&taken));
    assert_eq!(shop.json(&["settlements", "show", "A-2"])["reception_number"], "A-2");
    let unknown = shop.run(&["settlements", "link", "A-2", "WC-9", "--settlement", "webcollect"]);
    assert_eq!(code(&unknown), 2);
    assert!(stderr(&unknown).contains("webcollect-main"));
    assert_eq!(code(&shop.run(&["settlements", "unlink", "A-3"])), 0);
    assert_eq!(number(), Value::Null);
}

#[test]
fn a_whole_contract_is_held_and_released() {
    let shop = Shop::new("live");
    let status = |key: &str| shop.json(&["status"])["settlements"][0][key].clone();
    assert_eq!(code(&shop.run(&["settlements", "hold", "webcollect-main", "--reason", "stocktaking"])), 0);
    assert_eq!(status("held"), "stocktaking");
    let report = shop.run(&["status", "--exit-code"]);
    assert_eq!(code(&report), 1);
    assert!(stdout(&report).contains("mallsync settlements release webcollect-main"));
    assert_eq!(code(&shop.run(&["settlements", "release", "webcollect-main"])), 2);
    assert_eq!(status("held"), "stocktaking");
    assert_eq!(code(&shop.run(&["settlements", "release", "webcollect-main", "--yes"])), 0);
    assert_eq!(status("held"), Value::Null);
    let again = shop.run(&["settlements", "release", "webcollect-main", "--yes"]);
    assert!(stderr(&again).contains("is not held"), "{}", stderr(&again));
}

#[test]
fn an_operation_is_listed_shown_and_given_up_with_a_reason() {
    let shop = Shop::new("live");
    assert_eq!(code(&shop.run(&["slips", "add", "A-1", "400012345670"])), 0);
    let operations = shop.json(&["operations", "list"]);
    assert_eq!(operations.as_array().unwrap().len(), 1);
    let id = operations[0]["id"].as_str().unwrap();
    assert_eq!(operations[0]["intent"]["amount"], 5500);
    assert_eq!(shop.json(&["operations", "show", id])["attempts"], Value::Array(Vec::new()));
    let given_up = shop.run(&["operations", "abandon", id, "--reason", "registered by hand"]);
    assert_eq!(code(&given_up), 0, "{}", stderr(&given_up));
    let shown = shop.json(&["operations", "show", id]);
    assert_eq!(
        (shown["state"].as_str(), shown["reason"].as_str()),
        (Some("abandoned"), Some("registered by hand"))
    );
    let unknown = shop.run(&["operations", "retry", "nothing"]);
    assert_eq!(code(&unknown), 1);
    assert!(stderr(&unknown).contains("mallsync operations list"));
}

#[test]
fn status_is_well_after_a_pass_and_machines_read_it() {
    let shop = Shop::new("dry-run");
    let fresh = shop.json(&["status"]);
    assert_eq!(fresh["well"], false);
    let topics: Vec<&Value> = fresh["attention"].as_array().unwrap().iter().map(|a| &a["topic"]).collect();
    assert_eq!(topics, ["daemon_stopped", "overdue"], "what is undone, and why");
    let pass = shop.run(&["sync"]);
    assert_eq!(code(&pass), 0, "{}", stderr(&pass));
    let summary: Value = serde_json::from_str(stdout(&pass)).unwrap();
    assert_eq!(summary[0]["shop"], "own-shop");
    let report = shop.json(&["status", "--exit-code"]);
    assert_eq!((report["well"].as_bool(), report["daemon"].as_bool()), (Some(true), Some(false)));
    assert_eq!(report["settlements"][0]["mode"], "dry-run");
    assert_eq!(report["settlements"][0]["yen_waiting"], 5_500 + 12_800 + 800);
    let table = shop.run(&["status", "--format", "table"]);
    assert!(stdout(&table).starts_with("✓ All is well.\n"), "{}", stdout(&table));
}

#[test]
fn migrations_that_are_done_already_change_nothing() {
    let shop = Shop::new("dry-run");
    let before = shop.json(&["orders", "list"]);
    let output = shop.run(&["db", "migrate"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("nothing to do"), "{}", stderr(&output));
    assert_eq!(shop.json(&["orders", "list"]), before);
}
