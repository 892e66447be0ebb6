//! The database gone in the middle of a run, a full disk, a crash loop: told in the log, nothing lost, and it goes on by
//! itself.

use std::process::Command;
use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::sim::{self, Fault, Rule};
use serde_json::Value;

use crate::health::{address, get, status};
use crate::postgres::Postgres;
use crate::process::Process;
use crate::rig::{House, Outside, noon};
use crate::stop::feed;

/// Everything that was due came in and was registered once.
fn whole(house: &House, outside: &Outside, daemon: &Process, orders: usize) {
    let due: Vec<_> = outside.world.truth_at(sim::CART_SHOP, noon()).collect();
    let due = due.iter().filter(|fact| fact.capturable && !fact.slips.is_empty()).count();
    assert!(due > 3, "{due}");
    let captured = |world: &sim::World| world.books().iter().filter(|b| b.effective_captures == 1).count();
    let mut from = 0;
    let open = |row: &&Value| !matches!(row["state"].as_str(), Some("done" | "needs_person"));
    loop {
        let operations = house.json(&["operations", "list"]);
        if captured(&outside.world) == due && operations.as_array().unwrap().iter().filter(open).count() == 0
        {
            break;
        }
        from = daemon.log.wait(from, &["Pass finished."]) + 1;
    }
    for book in outside.world.books() {
        assert_eq!((book.captures, book.repeated_captures), (1, 0), "{book:?}");
    }
    assert_eq!(house.json(&["orders", "list"]).as_array().unwrap().len(), orders);
}

#[test]
fn a_database_that_goes_away_and_comes_back_costs_nothing() {
    let postgres = Postgres::start();
    let outside = Outside::new(11, 20, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    let sqlite = format!("sqlite:{}", house.path().join("mallsync.db").display());
    house.change(&sqlite, &postgres.url());
    // The answer to the third capture comes when there is no database to keep it.
    outside.world.set_fault(Rule {
        function: "shipmentEntry".to_owned(),
        calls: [3].into(),
        fault: Fault::Delay { millis: 1_500 },
        ..Rule::default()
    });
    feed(&house, &outside);
    let daemon = house.daemon();
    outside.until("the third capture", |world| {
        world.counts().get("webcollect.shipmentEntry").is_some_and(|n| *n >= 3)
    });
    let before = daemon.log.len();
    postgres.stop();
    daemon.log.wait(before, &["\"level\":\"warn\"", "Database did not answer."]);
    let kept = daemon.log.wait(before, &["Outcome was not stored yet."]);
    let sent = outside.count("webcollect.shipmentEntry");
    daemon.log.wait(daemon.log.len(), &["Database did not answer."]);
    daemon.log.wait(daemon.log.len(), &["Database did not answer."]);
    assert_eq!(outside.count("webcollect.shipmentEntry"), sent, "nothing is sent without a committed intent");
    assert_eq!(house.run(&["status"]).status.code(), Some(1), "commands say so, too");
    postgres.again();
    // The answer was kept: no look-up was needed to learn it.
    let operation = daemon.log.lines()[kept].clone();
    let operation =
        serde_json::from_str::<Value>(&operation).unwrap()["operation"].as_str().unwrap().to_owned();
    daemon.log.wait(kept, &["Slip registered.", &operation]);
    whole(&house, &outside, &daemon, 40);
    daemon.stop();
}

#[test]
fn a_full_disk_is_told_and_left_behind_once_there_is_room() {
    let outside = Outside::new(11, 20, Outside::clock(noon(), 60));
    let house = House::new(&outside);
    // A database that has room for no more than it holds: a limit on the size of files, which behaves as a full disk.
    let first = house.daemon();
    first.log.wait(0, &["Pass finished.", sim::RAKUTEN_SHOP, "\"stream\":\"late\""]);
    first.stop();
    feed(&house, &outside);
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -S -f 96; exec \"$@\"", "sh"]);
    let run = house.command(&["run"]);
    limited
        .arg(run.get_program())
        .args(run.get_args())
        .current_dir(house.path())
        .env_clear()
        .env("LC_ALL", "C")
        .env("MALLSYNC__DAEMON__LISTEN", "127.0.0.1:0");
    limited.env("PATH", "/usr/local/bin:/usr/bin:/bin");
    let daemon = Process::start(&mut limited);
    let full = "the disk that holds the database is full or cannot be written: make room";
    let mut told = daemon.log.wait(0, &["\"level\":\"warn\"", sim::CART_SHOP, full]);
    for _ in 0..3 {
        told = daemon.log.wait(told + 1, &["Lease of a shop could not be taken.", sim::CART_SHOP, full]);
    }
    assert_eq!(outside.count("webcollect.shipmentEntry"), 0, "nothing is sent without a committed intent");
    // Whoever looks is told: in the log once, in `status`, by the health check.
    let (was_full, has_room) = ("Disk of the database was full.", "Disk of the database had room again.");
    assert_eq!(daemon.log.count(0, &["\"level\":\"error\"", was_full]), 1);
    let at_door = address(&daemon.log);
    assert_eq!(status(at_door, "/healthz"), 200);
    let (code, _, why) = get(at_door, "/readyz");
    assert!(code == 503 && why.contains("the disk that holds the database is full"), "{code} {why}");
    let told = |house: &House| {
        let status = house.json(&["status"]);
        assert_eq!(status["daemon"], true);
        let attention = status["attention"].as_array().unwrap().clone();
        attention.into_iter().find(|a| a["topic"] == "database_full")
    };
    let attention = told(&house).unwrap();
    assert!(attention["since"].is_string() && attention["command"] == "df -h", "{attention}");
    assert_eq!(house.run(&["status", "--exit-code"]).status.code(), Some(1));
    // It waits between two tries.
    let at = |line: &String| {
        let line: Value = serde_json::from_str(line).unwrap();
        Timestamp::parse(line["timestamp"].as_str().unwrap()).unwrap()
    };
    let lines = daemon.log.lines();
    let tries = lines.iter().filter(|l| l.contains("lease could not be taken") && l.contains(sim::CART_SHOP));
    let tries: Vec<Timestamp> = tries.map(at).collect();
    assert!(tries.windows(2).all(|pair| pair[1].since(pair[0]) >= Duration::from_secs(4)), "{tries:?}");
    let room =
        Command::new("prlimit").args(["--pid", &daemon.id().to_string(), "--fsize=unlimited"]).status();
    assert!(room.unwrap().success());
    daemon.log.wait(0, &["\"level\":\"info\"", has_room]);
    whole(&house, &outside, &daemon, 40);
    assert_eq!((status(at_door, "/readyz"), told(&house)), (200, None));
    assert_eq!((daemon.log.count(0, &[was_full]), daemon.log.count(0, &[has_room])), (1, 1));
    daemon.stop();
}

#[test]
fn a_crash_loop_does_not_raise_the_pace_at_the_mall() {
    // The machine's own pace: a restart takes less than the second that must lie between two calls.
    let outside = Outside::new(11, 20, Outside::clock(noon(), 1));
    let house = House::new(&outside);
    let begin = outside.world.now();
    let at_the_mall = |world: &sim::World| -> Vec<sim::Call> {
        world.calls().into_iter().filter(|call| call.service == "rakuten").collect()
    };
    for _ in 0..5 {
        let daemon = house.launch();
        let calls = at_the_mall(&outside.world).len() + 1;
        outside.until("a call", |world| at_the_mall(world).len() >= calls);
        daemon.kill();
    }
    let calls = at_the_mall(&outside.world);
    assert!(calls.len() >= 5, "{calls:?}");
    // A call may come late, and the next one in time; none comes before as many seconds as there were calls before it.
    for (before, call) in (0..).zip(&calls) {
        assert!(call.at >= begin + Duration::from_secs(before), "call {before}: {calls:?}");
    }
}
