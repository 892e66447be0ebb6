//! What a run leaves behind, so that two of them can be compared.

use std::collections::{BTreeMap, BTreeSet};

use mallsync::sim::Book;
use serde_json::Value;

use crate::process::Process;
use crate::rig::{House, Outside};

/// Everything that a run leaves behind, ids, times and numbers of versions aside.
#[derive(Debug, PartialEq)]
pub struct Picture {
    pub orders: BTreeMap<String, Value>,
    pub slips: BTreeMap<String, Value>,
    pub settlements: BTreeMap<String, Value>,
    pub operations: BTreeSet<String>,
    pub books: BTreeMap<String, Book>,
}

fn rows(
    house: &House,
    args: &[&str],
    key: impl Fn(&Value) -> String,
    leave: &[&str],
) -> BTreeMap<String, Value> {
    let Value::Array(rows) = house.json(args) else { panic!("{args:?}: no list") };
    let plain = rows.into_iter().map(|mut row| {
        plain(&mut row, leave);
        (key(&row), row)
    });
    plain.collect()
}

/// Leaves out what may differ, at any depth; slips come in the order in which they were registered, which is anybody's.
fn plain(value: &mut Value, leave: &[&str]) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !leave.contains(&name.as_str()));
            if let Some(Value::Array(slips)) = members.get_mut("registered_slips") {
                slips.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            }
            members.values_mut().for_each(|value| plain(value, leave));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| plain(value, leave)),
        _ => {}
    }
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}

/// What `house` holds and the gateway of `outside` has in its books.
pub fn picture(house: &House, outside: &Outside) -> Picture {
    let order = |row: &Value| format!("{} {}", text(row, "shop"), text(row, "mall_order_id"));
    let slip = |row: &Value| format!("{} {} {}", order(row), text(row, "number"), text(row, "source"));
    let Value::Array(operations) = house.json(&["operations", "list"]) else { panic!("no list") };
    // Why an operation that is done was once in doubt is its own history.
    let reason = |row: &Value| if row["state"] == "done" { String::new() } else { text(row, "reason") };
    let operation =
        |row: &Value| format!("{} {} {} {}", order(row), row["intent"], text(row, "state"), reason(row));
    let books = outside.world.books().into_iter().map(|mut book| {
        book.slips.sort();
        (book.order_no.clone(), book)
    });
    Picture {
        orders: rows(house, &["orders", "list"], order, &["id", "first_seen_at", "changed_at", "learnt_at"]),
        slips: rows(house, &["slips", "list"], slip, &["order_id", "learnt_at"]),
        settlements: rows(
            house,
            &["settlements", "list"],
            order,
            &["id", "order_id", "looked_at", "verified_at"],
        ),
        operations: operations.iter().map(operation).collect(),
        books: books.collect(),
    }
}

/// Waits until no operation is open, pass by pass.
pub fn settle(house: &House, daemon: &Process) {
    let mut from = daemon.log.len();
    for _ in 0..300 {
        let Value::Array(operations) = house.json(&["operations", "list"]) else { panic!("no list") };
        if operations
            .iter()
            .all(|o| matches!(o["state"].as_str(), Some("done" | "needs_person" | "superseded")))
        {
            return;
        }
        from = daemon.log.wait(from, &["Pass finished"]) + 1;
    }
    panic!("operations stay open: {}", house.json(&["operations", "list"]));
}

/// Reads everything anew, as it is now: the shops, and what the gateway shows of every settlement.
pub fn read_all(house: &House) {
    let summary = house.json(&["sync", "--since", "2026-11-17"]);
    assert!(summary.as_array().unwrap().iter().all(|shop| shop["error"].is_null()), "{summary}");
    let looked = house.run(&["settlements", "reconcile"]);
    assert!(matches!(looked.status.code(), Some(0 | 1)), "{looked:?}");
}

/// What differs, in a few lines.
pub fn difference(expected: &Picture, found: &Picture) -> String {
    fn maps<T: std::fmt::Debug + PartialEq>(
        what: &str,
        a: &BTreeMap<String, T>,
        b: &BTreeMap<String, T>,
    ) -> String {
        let keys: BTreeSet<_> = a.keys().chain(b.keys()).collect();
        let differing = keys.into_iter().filter(|key| a.get(*key) != b.get(*key)).take(3);
        differing.map(|key| format!("{what} {key}:\n  {:?}\n  {:?}\n", a.get(key), b.get(key))).collect()
    }
    let operations: Vec<_> = expected.operations.symmetric_difference(&found.operations).collect();
    [
        maps("order", &expected.orders, &found.orders),
        maps("slip", &expected.slips, &found.slips),
        maps("settlement", &expected.settlements, &found.settlements),
        maps("book", &expected.books, &found.books),
        format!("operations {operations:#?}"),
    ]
    .concat()
}
