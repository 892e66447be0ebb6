//! Commands beside a running daemon (decisions.md 32): they write, it takes up, they follow.

use serde_json::Value;

use super::binary::{code, run, stderr, stdout};
use super::daemon::{Daemon, SIMULATE, Simulated};
use super::data::Shop;
use super::schema;

#[test]
fn commands_work_beside_a_daemon_and_say_who_carries_on() {
    let shop = Shop::new("dry-run");
    let daemon = Daemon::start(&shop);
    assert_eq!(shop.json(&["status"])["daemon"], true);
    // Only one may poll and send.
    let second = shop.run(&["run"]);
    assert_eq!(code(&second), 1);
    assert!(stderr(&second).contains("mallsync.db.lock"), "{}", stderr(&second));
    let added = shop.run(&["slips", "add", "A-1", "400012345670"]);
    assert_eq!(code(&added), 0, "{}", stderr(&added));
    assert!(stderr(&added).contains("Queued for the running daemon."), "{}", stderr(&added));
    assert_eq!(shop.json(&["orders", "show", "A-1"])["slips"][0]["number"], "400012345670");
    // The daemon does the pass, the command waits for its result.
    let pass = shop.run(&["sync"]);
    assert_eq!(code(&pass), 0, "{}", stderr(&pass));
    assert!(stderr(&pass).contains("A daemon is running"), "{}", stderr(&pass));
    let summary: Value = serde_json::from_str(stdout(&pass)).unwrap();
    assert_eq!((&summary[0]["shop"], &summary[0]["error"]), (&Value::from("own-shop"), &Value::Null));
    assert_eq!(code(&shop.run(&["db", "migrate"])), 0);
    assert_eq!(daemon.end(), Some(0));
    assert_eq!(shop.json(&["status"])["daemon"], false);
}

#[test]
fn with_no_wait_the_rest_is_left_to_the_daemon() {
    // Nobody answers at the gateway: nothing can be sent, whoever waits waits for a minute.
    let shop = Shop::new("live");
    let daemon = Daemon::start(&shop);
    let added = shop.run(&["slips", "add", "A-1", "400012345670", "--no-wait"]);
    assert_eq!(code(&added), 0, "{}", stderr(&added));
    assert!(!stderr(&added).contains("Following"));
    let operations = shop.json(&["operations", "list"]);
    assert_eq!(operations.as_array().unwrap().len(), 1);
    assert_eq!((&operations[0]["kind"], &operations[0]["sends"]), (&"capture".into(), &0.into()));
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn the_simulators_write_a_config_that_holds_and_never_overwrite_one() {
    let sim = Simulated::start();
    let shown = sim.run(&["config", "show"]);
    assert_eq!(code(&shown), 0, "{}", stderr(&shown));
    assert!(stdout(&shown).contains("[simulation]") && stdout(&shown).contains("dry-run"));
    // Every account answers, and the end of a key is told once.
    let checked = sim.run(&["check"]);
    assert_eq!(code(&checked), 0, "{}{}", stdout(&checked), stderr(&checked));
    let rows: Value = serde_json::from_str(stdout(&checked)).unwrap();
    let rows = rows.as_array().unwrap();
    let ends = rows.iter().filter(|row| row["code"] == "key_expiry");
    let ends: Vec<&str> =
        ends.map(|row| row["message"].as_str().unwrap().split(" (").next().unwrap()).collect();
    assert!(ends.len() >= 5, "{ends:?}");
    assert_eq!(ends.len(), ends.iter().collect::<std::collections::BTreeSet<_>>().len(), "{ends:?}");
    let subjects: Vec<&str> = rows.iter().map(|row| row["subject"].as_str().unwrap()).collect();
    assert!(subjects.is_sorted(), "{subjects:?}");
    let again = run(sim.path(), &SIMULATE);
    assert_eq!(code(&again), 1);
    assert!(stderr(&again).contains("mallsync.toml"), "{}", stderr(&again));
    let open = run(sim.path(), &["simulate", "--listen", "0.0.0.0:0"]);
    assert_eq!(code(&open), 2);
    // A dead key: what, where, what to do.
    sim.edit("plain:SL", "plain:dead");
    let refused = sim.run(&["check"]);
    assert_eq!(code(&refused), 1);
    let rows: Value = serde_json::from_str(stdout(&refused)).unwrap();
    let row = rows.as_array().unwrap().iter().find(|row| row["level"] == "error").unwrap().clone();
    assert_eq!((&row["subject"], &row["code"]), (&"shops.rakuten-main".into(), &"signed_in".into()));
    assert!(row["message"].as_str().unwrap().contains("refused the key"), "{row}");
    assert!(row["action"].as_str().unwrap().contains("license_key_next"), "{row}");
    assert_eq!(sim.daemon.end(), Some(0));
}

/// Going live without a daemon: each command sends what it is about, once, and nothing else.
#[test]
fn without_a_daemon_commands_that_move_money_send_themselves() {
    let sim = Simulated::start();
    sim.edit("mode = \"dry-run\"", "mode = \"live\"");
    let orders = sim.run(&["orders", "import", &sim.file("sim/orders"), "--shop", "own-shop"]);
    assert_eq!(code(&orders), 0, "{}", stderr(&orders));
    sim.run(&["slips", "import", &sim.file("sim/slips")]);
    // The oldest ones with one slip each: nobody planted anything in them.
    let ready = sim.json(&["operations", "list"]);
    let mut ready: Vec<(&str, &str)> = ready
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|row| (row["mall_order_id"].as_str().unwrap(), row["id"].as_str().unwrap()))
        .collect();
    let twice = |order: &str| ready.iter().filter(|(other, _)| *other == order).count() > 1;
    let single: Vec<_> = ready.iter().copied().filter(|(order, _)| !twice(order)).take(3).collect();
    ready.clear();
    let [(first, _), (second, retried), (third, _)] = single[..] else { panic!("{single:?}") };

    assert_eq!(code(&sim.run(&["settlements", "hold", first])), 0);
    let released = sim.run(&["settlements", "release", first, "--yes"]);
    assert_eq!(code(&released), 0, "{}", stderr(&released));
    assert!(stderr(&released).contains("No daemon is running: sending it here."), "{}", stderr(&released));
    assert!(stderr(&released).contains("1 operations sent"), "{}", stderr(&released));
    assert_eq!(sim.captures(), [(first.to_owned(), 1)]);

    let sent = sim.run(&["operations", "retry", retried]);
    assert_eq!(code(&sent), 0, "{}", stderr(&sent));
    assert_eq!(sim.captures(), [(first.to_owned(), 1), (second.to_owned(), 1)]);
    let again = sim.run(&["operations", "retry", retried]);
    assert_eq!(code(&again), 1);
    assert!(stderr(&again).contains("that is final"), "{}", stderr(&again));

    assert_eq!(code(&sim.run(&["settlements", "link", third, third, "--dry-run"])), 0);
    assert_eq!(sim.captures().len(), 2);
    let linked = sim.run(&["settlements", "link", third, third, "--yes"]);
    assert_eq!(code(&linked), 0, "{}", stderr(&linked));
    let three = [first, second, third].map(|order| (order.to_owned(), 1));
    assert_eq!(sim.captures(), three);
    let shown = sim.json(&["settlements", "show", third]);
    assert_eq!((&shown["state"], &shown["linked_by"]), (&"registered".into(), &shown["linked_by"]));
}

#[test]
fn the_order_schema_describes_what_lists_print() {
    let sim = Simulated::start();
    let orders = sim.run(&["orders", "import", &sim.file("sim/orders"), "--shop", "own-shop"]);
    assert_eq!(code(&orders), 0, "{}", stderr(&orders));
    let read = sim.run(&["sync", "--shop", "rakuten-main"]);
    assert_eq!(code(&read), 0, "{}", stderr(&read));
    sim.run(&["slips", "import", &sim.file("sim/slips")]);
    let orders = sim.json(&["orders", "list"]);
    let orders = orders.as_array().unwrap();
    let schema = sim.json(&["schema", "order"]);
    for mall in ["csv", "rakuten"] {
        assert!(orders.iter().filter(|order| order["mall"] == mall).count() > 100, "{mall}");
    }
    assert!(orders.iter().any(|order| order["slips"][0].is_object() && order["settlement"].is_object()));
    for order in orders {
        let wrong = schema::mistakes(&schema, order);
        assert!(wrong.is_empty(), "{}: {wrong:?}", order["mall_order_id"]);
    }
    // The check itself sees what is wrong.
    let broken = |change: &dyn Fn(&mut Value)| {
        let mut order = orders[0].clone();
        change(&mut order);
        schema::mistakes(&schema, &order).len()
    };
    assert_eq!(broken(&|order| order["status"] = "shiped".into()), 1);
    assert_eq!(broken(&|order| order["amounts"]["due"] = "100".into()), 1);
    assert_eq!(broken(&|order| order["surprise"] = Value::Null), 1);
    assert_eq!(broken(&|order| drop(order["buyer"].as_object_mut().unwrap().remove("name"))), 1);
    assert_eq!(broken(&|order| order["packages"][0]["lines"][0]["quantity"] = Value::Null), 1);
}
