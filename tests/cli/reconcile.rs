//! `settlements reconcile` against the simulated gateway: by itself, by a running daemon, and what a person then does.

use serde_json::{Value, json};

use super::binary::{code, mallsync, stderr, stdout};
use super::daemon::{Daemon, Simulated};
use super::data::{ORDERS, Shop};

/// A settlement that nothing differs for, of those that the simulated cart's first file brings.
fn sound(sim: &Simulated, differ: &Value) -> String {
    let all = sim.json(&["settlements", "list", "--state", "authorized"]);
    let differ: Vec<&Value> = differ.as_array().unwrap().iter().map(|line| &line["settlement_id"]).collect();
    let sound = all.as_array().unwrap().iter().find(|row| !differ.contains(&&row["id"]));
    sound.unwrap()["reception_number"].as_str().unwrap().to_owned()
}

fn imported() -> Simulated {
    let sim = Simulated::start();
    let orders = sim.run(&["orders", "import", &sim.file("sim/orders"), "--shop", "own-shop"]);
    assert_eq!(code(&orders), 0, "{}", stderr(&orders));
    sim
}

#[test]
fn what_differs_is_shown_by_kind_with_the_command_to_type() {
    let sim = imported();
    // In dry-run, and without a daemon: looking changes nothing.
    let first = sim.run(&["settlements", "reconcile"]);
    assert!(stderr(&first).contains("looking the open settlements up here"), "{}", stderr(&first));
    let before: Value = serde_json::from_str(stdout(&first)).unwrap();
    let looked = sim.json(&["settlements", "list"]);
    let numbered = |row: &&Value| row["reception_number"].is_string();
    assert!(looked.as_array().unwrap().iter().filter(numbered).all(|row| row["looked_at"].is_string()));
    assert!(sim.captures().is_empty());

    let number = sound(&sim, &before);
    sim.by_hand("A06", &number);
    let still = sim.run(&["settlements", "reconcile", "--no-look"]);
    assert_eq!(serde_json::from_str::<Value>(stdout(&still)).unwrap(), before, "by what was shown last");
    let found = sim.run(&["settlements", "reconcile"]);
    assert_eq!(code(&found), 1, "{}", stderr(&found));
    let after: Value = serde_json::from_str(stdout(&found)).unwrap();
    let line = after.as_array().unwrap().iter().find(|line| line["reception_number"] == json!(number));
    let line = line.unwrap();
    assert_eq!((&line["kind"], &line["theirs"]), (&json!("canceled_elsewhere"), &json!(0)));
    assert!(line["ours"].as_i64().unwrap() > 0 && line["since"].is_string(), "{line}");
    let id = line["settlement_id"].as_str().unwrap();
    assert_eq!(line["command"], json!(format!("mallsync settlements resolve {id} --reason TEXT")));
    assert_eq!(after.as_array().unwrap().len(), before.as_array().unwrap().len() + 1);

    // In status too, and in the reader's language.
    let status = sim.json(&["status"]);
    let health = &status["settlements"][0];
    assert!(health["reconciled_at"].is_string(), "{health}");
    let kinds = health["differences"].as_array().unwrap();
    assert!(
        kinds.iter().any(|tally| tally["kind"] == "canceled_elsewhere" && tally["count"] == 1),
        "{health}"
    );
    let file = sim.path().join("sim/mallsync.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("[daemon]\nlanguage = \"ja\"\n{}", text.replace("[daemon]\n", "")))
        .unwrap();
    let table = sim.run(&["settlements", "reconcile", "--no-look", "--by-kind", "--format", "table"]);
    assert!(stdout(&table).contains("他で決済取消"), "{}", stdout(&table));

    // A person says that it was meant.
    assert_eq!(code(&sim.run(&["settlements", "resolve", id, "--reason", "the buyer called"])), 0);
    let resolved = sim.run(&["settlements", "reconcile", "--no-look", "--format", "csv"]);
    assert!(!stdout(&resolved).contains(&number), "{}", stdout(&resolved));
}

#[test]
fn a_running_daemon_is_asked_and_a_word_on_an_unlooked_settlement_looks_first() {
    let sim = imported();
    sim.edit("mode = \"dry-run\"", "mode = \"live\"");
    // Never looked up, and cancelled all the same.
    let rows = sim.json(&["settlements", "list"]);
    let unlooked = |row: &&Value| {
        row["looked_at"].is_null() && row["reception_number"].is_string() && row["held"].is_null()
    };
    let row = rows.as_array().unwrap().iter().find(unlooked).unwrap();
    let id = row["id"].as_str().unwrap();
    let canceled = sim.run(&["settlements", "cancel", id, "--yes"]);
    assert_eq!(code(&canceled), 0, "{}", stderr(&canceled));
    assert!(stderr(&canceled).contains("the gateway is asked first"), "{}", stderr(&canceled));
    assert_eq!(sim.json(&["settlements", "show", id])["state"], "canceled");

    let mut run = mallsync(sim.path(), &["--config", "sim/mallsync.toml", "run"]);
    run.env("MALLSYNC__DAEMON__LISTEN", "127.0.0.1:0");
    let daemon = Daemon::of(run, "mallsync started.");
    let asked = sim.run(&["settlements", "reconcile", "--settlement", "webcollect-main"]);
    assert!(stderr(&asked).contains("asked it to look"), "{}", stderr(&asked));
    assert!(stderr(&asked).contains("webcollect-main: looked up"), "{}", stderr(&asked));
    let lines: Value = serde_json::from_str(stdout(&asked)).unwrap();
    assert!(lines.as_array().unwrap().iter().all(|line| line["settlement_id"] != *id), "our own cancel");
    assert_eq!(code(&sim.run(&["settlements", "reconcile", "--settlement", "webcollect"])), 2);
    assert_eq!(daemon.end(), Some(0));
}

/// A card order of one's own cart that no rule fits is captured by nobody: it is told with its amount, until it has a place.
#[test]
fn card_orders_that_no_rule_fits_are_in_the_report() {
    let shop = Shop::new("live");
    let heading = ORDERS.lines().next().unwrap();
    let order = |number: &str, due: u32, method: &str| {
        format!(
            "{number},{due},{method},2026-11-20 10:00,見本 五郎,1000001,東京都,千代田区1-1,はし,1,{due}\r\n"
        )
    };
    let rows = [
        order("B-1", 7_700, "クレジットカード"),
        order("B-2", 900, "クレジットカード(GMO)"),
        order("B-3", 800, "銀行振込"),
    ];
    shop.write("more.csv", &format!("{heading}\r\n{}", rows.concat()));
    assert_eq!(code(&shop.run(&["orders", "import", "more.csv", "--shop", "own-shop"])), 0);
    let config = shop.path().join("config/mallsync.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let excepted = text.replace("mall_payment =", "except = [\"*GMO*\"]\nmall_payment =");
    std::fs::write(&config, excepted).unwrap();
    let report = |args: &[&str]| {
        let output = shop.run(&[&["settlements", "reconcile", "--no-look"], args].concat());
        (code(&output), serde_json::from_str::<Value>(stdout(&output)).unwrap())
    };
    let (exit, lines) = report(&[]);
    assert_eq!((exit, lines.as_array().unwrap().len()), (1, 1), "{lines}");
    let facts = ["kind", "mall_order_id", "ours", "theirs", "settlement", "settlement_id", "command"];
    let facts = facts.map(|key| lines[0][key].clone());
    let command = json!("mallsync settlements link B-1 RECEPTION_NUMBER");
    let (none, name) = (Value::Null, json!("webcollect-main"));
    assert_eq!(facts, [json!("no_rule"), json!("B-1"), json!(7_700), none.clone(), name, none, command]);
    let (_, kinds) = report(&["--by-kind"]);
    assert_eq!(
        (&kinds[0]["kind"], &kinds[0]["count"], &kinds[0]["ours"]),
        (&json!("no_rule"), &json!(1), &json!(7_700))
    );
    assert_eq!(code(&shop.run(&["settlements", "link", "B-1", "WC-B1", "--yes", "--no-wait"])), 0);
    assert_eq!(report(&[]), (0, json!([])));
}
