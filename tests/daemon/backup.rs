//! Copies of the database that SQLite's own means make while the daemon writes, and the way back from one of them
//! (docs/operations.md, "Backup" and "The database is lost").

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mallsync::sim::{self, Fault, Rule, World};

use crate::kill::races;
use crate::picture::{Picture, difference, picture, read_all};
use crate::process::Process;
use crate::rig::{House, Outside, noon};
use crate::stop::feed;

/// Orders at Rakuten, and as many in the cart.
const ORDERS: u64 = 60;
/// What is recommended, and the online backup API; `{}` stands for the copy.
const WAYS: [&str; 2] = ["VACUUM INTO '{}'", ".backup '{}'"];

/// What SQLite's own program says.
fn sqlite3(database: &Path, line: &str) -> String {
    let output = Command::new("sqlite3").arg("-bail").arg(database).arg(line).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// On a developer's machine without SQLite's program there is nothing to try; CI installs it.
#[expect(clippy::disallowed_methods, reason = "CI is told by the environment")]
fn has_sqlite3() -> bool {
    let found = Command::new("sqlite3").arg("--version").output().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "sqlite3 is needed in CI");
    found
}

/// Sales that are registered by the end of the run.
fn due(world: &World) -> usize {
    world.truth_at(sim::CART_SHOP, noon()).filter(|fact| fact.capturable && !fact.slips.is_empty()).count()
}

fn captured(world: &World) -> usize {
    world.books().iter().filter(|book| book.effective_captures == 1).count()
}

fn done(database: &Path) -> usize {
    sqlite3(database, "SELECT count(*) FROM operations WHERE state = 'done'").parse().unwrap()
}

/// Waits until the daemon knows of every sale that it is done.
fn until_done(house: &House, daemon: &Process, sales: usize) {
    let database = house.path().join("mallsync.db");
    let mut from = daemon.log.len();
    while done(&database) < sales {
        from = daemon.log.wait(from, &["Pass finished."]) + 1;
    }
}

/// A copy that can stand for the database: SQLite finds nothing wrong, and the commands read it.
fn is_whole(house: &House, copy: &Path) {
    assert_eq!(sqlite3(copy, "PRAGMA integrity_check"), "ok", "{}", copy.display());
    assert_eq!(sqlite3(copy, "PRAGMA foreign_key_check"), "", "{}", copy.display());
    for args in [["orders", "list"].as_slice(), &["operations", "list"], &["status"]] {
        let mut command = house.command(args);
        let output = command.env("MALLSYNC__DATABASE__URL", format!("sqlite:{}", copy.display())).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The way back, step by step as docs/operations.md has it.
fn back(house: &mut House, copy: &Path, daemon: Process) -> Process {
    daemon.stop();
    house.change("mode = \"live\"", "mode = \"dry-run\"");
    let broken = house.path().join("broken");
    fs::create_dir_all(&broken).unwrap();
    for name in ["mallsync.db", "mallsync.db-wal", "mallsync.db-shm"] {
        let file = house.path().join(name);
        if file.exists() {
            fs::rename(&file, broken.join(name)).unwrap();
        }
    }
    fs::copy(copy, house.path().join("mallsync.db")).unwrap();
    let daemon = house.daemon();
    read_all(house);
    for file in fs::read_dir(house.folders.orders.join("done")).unwrap() {
        let file = file.unwrap();
        if file.path().extension().is_some_and(|end| end == "csv") {
            fs::rename(file.path(), house.folders.orders.join(file.file_name())).unwrap();
        }
    }
    let slips = house.folders.slips.join("b2.csv");
    let output = house.run(&["slips", "import", "--no-wait", slips.to_str().unwrap()]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    house.json(&["settlements", "preview"]);
    house.change("mode = \"dry-run\"", "mode = \"live\"");
    let from = daemon.hang_up();
    daemon.log.wait(from, &["\"Config reloaded.\""]);
    daemon
}

/// Both houses hold the same. Their worlds go on: an order may change between the two readings; it does not do so three
/// times in a row.
fn same(calm: (&House, &Outside), rough: (&House, &Outside)) -> Picture {
    for attempt in 1.. {
        std::thread::scope(|at_once| {
            at_once.spawn(|| read_all(calm.0));
            at_once.spawn(|| read_all(rough.0));
        });
        let (expected, mut found) = (picture(calm.0, calm.1), picture(rough.0, rough.1));
        // What the copy had planned and dry-run has dropped: never sent.
        found.operations.retain(|operation| !operation.contains(" superseded "));
        if expected == found {
            return found;
        }
        assert!(attempt < 3, "{}", difference(&expected, &found));
    }
    unreachable!("the loop ends by itself")
}

#[test]
fn a_copy_made_while_the_daemon_writes_is_whole_and_leads_back_to_where_an_undisturbed_run_is() {
    if !has_sqlite3() {
        return;
    }
    // Two worlds alike under one clock, so that they can be compared at any time.
    let clock = Outside::clock(noon(), 60);
    let calm = (11..)
        .map(|world| Outside::new(world, ORDERS, clock))
        .find(|outside| !races(&outside.world))
        .unwrap();
    let rough = Outside::new(calm.world.options().seed, ORDERS, clock);
    let (calm_house, mut rough_house) = (House::new(&calm), House::new(&rough));
    let sales = due(&rough.world);
    assert!(sales > 20, "{sales}");
    // Every answer takes its time: there are always sales on their way.
    rough.world.set_fault(Rule {
        function: "shipmentEntry".to_owned(),
        calls: (1..=100).collect(),
        fault: Fault::Delay { millis: 250 },
        ..Rule::default()
    });
    for (house, outside) in [(&calm_house, &calm), (&rough_house, &rough)] {
        feed(house, outside);
    }
    let calm_daemon = calm_house.daemon();
    let mut daemon = rough_house.daemon();
    let database = rough_house.path().join("mallsync.db");
    let mut copies: Vec<(PathBuf, usize)> = Vec::new();
    while captured(&rough.world) < sales {
        let n = copies.len();
        let copy = rough_house.path().join(format!("copy-{n}.db"));
        sqlite3(&database, &WAYS[n % WAYS.len()].replace("{}", copy.to_str().unwrap()));
        let done = done(&copy);
        copies.push((copy, done));
    }
    let moments: BTreeSet<usize> = copies.iter().map(|(_, done)| *done).collect();
    assert!(moments.len() > 5, "the daemon was at work all the time: {moments:?}");
    for (copy, _) in &copies {
        assert_eq!(sqlite3(copy, "PRAGMA integrity_check"), "ok", "{}", copy.display());
    }
    until_done(&calm_house, &calm_daemon, sales);
    until_done(&rough_house, &daemon, sales);

    for (way, name) in WAYS.iter().enumerate() {
        // Of the middle of the run, with sales on their way.
        let of_this_way = copies.iter().skip(way).step_by(WAYS.len());
        let (copy, done) = of_this_way.min_by_key(|(_, done)| done.abs_diff(sales / 2)).unwrap();
        assert!((1..sales).contains(done), "{name}: {done} of {sales}");
        let open = sqlite3(copy, "SELECT count(*) FROM operations WHERE state <> 'done'");
        assert_ne!(open, "0");
        is_whole(&rough_house, copy);
        daemon = back(&mut rough_house, copy, daemon);
        until_done(&rough_house, &daemon, sales);
        let found = same((&calm_house, &calm), (&rough_house, &rough));
        assert_eq!(found.orders.len() as u64, 2 * ORDERS);
        for book in found.books.values() {
            assert_eq!((book.captures, book.repeated_captures), (1, 0), "{name}: {book:?}");
        }
    }
    daemon.stop();
    calm_daemon.stop();
}
