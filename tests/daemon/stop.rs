//! How it starts and stops: SIGTERM, a second daemon, a config that cannot be used, a secret that is missing, schedules
//! across restarts.

use std::collections::BTreeSet;
use std::time::Duration;

use mallsync::sim::{self, Encoding, Fault, Format, Rule};

use crate::rig::{HISTORY, House, Outside, noon};

/// Everything the cart and B2 have written by noon: orders dropped, slips imported, the settlement live.
pub fn feed(house: &House, outside: &Outside) {
    let since = noon() - HISTORY - Duration::from_secs(1);
    let orders = outside.world.cart_file(Format::EcCube4, Encoding::Cp932, since, noon()).unwrap().unwrap();
    house.drop_orders("orders.csv", &orders, 0);
    let slips = outside.world.b2_file(since, noon()).unwrap().unwrap();
    let file = house.slip_file("b2.csv", &slips);
    let output = house.run(&["slips", "import", "--no-wait", &file]);
    // Rows that a person must look at are told with 1.
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)) && !said.contains("error:"), "{said}");
}

#[test]
fn sigterm_finishes_what_is_in_flight_and_sends_nothing_new() {
    let outside = Outside::new(11, 20, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    house.change("maintenance = \"\"", "maintenance = \"\"\nmax_in_flight = 1");
    outside.world.set_fault(Rule {
        function: "shipmentEntry".to_owned(),
        calls: [2].into(),
        fault: Fault::Delay { millis: 2_000 },
        ..Rule::default()
    });
    feed(&house, &outside);
    let mut daemon = house.daemon();
    outside.until("the second capture", |world| {
        world.counts().get("webcollect.shipmentEntry").is_some_and(|n| *n == 2)
    });
    // Its answer comes in two seconds.
    daemon.terminate();
    let stopping = daemon.log.wait(0, &["Stop began."]);
    assert_eq!(daemon.ended(), Some(0));
    assert_eq!(daemon.log.count(stopping, &["Slip registered."]), 1);
    assert_eq!(daemon.log.count(stopping, &["mallsync stopped."]), 1);
    assert_eq!(outside.count("webcollect.shipmentEntry"), 2);
    let operations = house.json(&["operations", "list"]);
    let sent = |sends: u64| {
        let of = operations.as_array().unwrap().iter().filter(|o| o["sends"] == sends);
        of.map(|o| o["state"].as_str().unwrap()).collect::<BTreeSet<_>>()
    };
    assert_eq!(sent(1), ["done"].into());
    assert!(!sent(0).is_empty() && !sent(0).contains("done"), "{operations}");
    // The next start goes on with the others.
    let daemon = house.daemon();
    outside.until("the rest", |world| world.books().len() >= 5);
    daemon.stop();
    let books = outside.world.books();
    assert!(books.iter().all(|book| (book.captures, book.repeated_captures) == (1, 0)), "{books:?}");
}

#[test]
fn a_second_daemon_is_refused_and_commands_work_beside_the_first() {
    let outside = Outside::new(11, 4, Outside::clock(noon(), 60));
    let house = House::new(&outside);
    let daemon = house.daemon();
    let second = house.run(&["run"]);
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("mallsync.db.lock") && said.contains("only one may poll and send"), "{said}");
    assert_eq!(house.json(&["status"])["daemon"], true);
    let pass = house.json(&["sync"]);
    assert!(pass.as_array().unwrap().iter().all(|shop| shop["error"].is_null()), "{pass}");
    daemon.stop();
}

#[test]
fn a_config_that_cannot_be_used_ends_with_78_and_names_the_key() {
    let outside = Outside::new(11, 1, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    house.change("capture = \"slip\"", "capture = \"slips\"");
    house.change("mall = \"csv\"", "mall = \"csv\"\nschedul = \"*/5 * * * *\"");
    let output = house.run(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{said}");
    for words in
        ["settlements.webcollect-main.capture", "shops.own-shop.schedul", "schedule", "mallsync.toml"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(outside.world.requests(), 0);
}

#[test]
fn a_missing_secret_stops_its_shop_alone_and_status_says_so() {
    let outside = Outside::new(11, 10, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    let (good, bad) = ("\"plain:SL345678_sim\"", "\"file:secrets/license_key\"");
    house.change(good, bad);
    feed(&house, &outside);
    let daemon = house.daemon();
    daemon.log.wait(0, &["\"level\":\"error\"", "shops.rakuten-main", "license_key"]);
    // The others go on: orders come from the cart, sales are registered.
    daemon.log.wait(0, &["Slip registered."]);
    assert_eq!(outside.count("rakuten.searchOrder"), 0);
    let rakuten = |house: &House| {
        let status = house.json(&["status"]);
        let found = status["shops"].as_array().unwrap().iter().find(|s| s["name"] == sim::RAKUTEN_SHOP);
        let stopped = found.unwrap()["stopped"].as_str().map(str::to_owned);
        let told = status["attention"].as_array().unwrap().iter().any(|a| a["topic"] == "stopped");
        assert_eq!(stopped.is_some(), told, "{status}");
        stopped
    };
    let stopped = rakuten(&house).unwrap();
    assert!(
        stopped.contains("shops.rakuten-main.license_key") && stopped.contains("secrets/license_key"),
        "{stopped}"
    );
    daemon.stop();
    assert!(rakuten(&house).is_some(), "it stands there without a daemon too");
    house.change(bad, good);
    let daemon = house.daemon();
    daemon.log.wait(0, &["Pass finished.", sim::RAKUTEN_SHOP]);
    assert_eq!(rakuten(&house), None);
    daemon.stop();
}

/// Orders of a cart whose only purpose is to be looked at often.
const PACER: &str = r#"
[shops.pacer]
mall = "csv"
schedule = "*/30 * * * * *"
directory = "pacer"
profile = "generic"
"#;

#[test]
fn a_restart_neither_repeats_nor_skips_a_run_and_missed_ones_collapse() {
    let outside = Outside::new(11, 4, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    std::fs::create_dir(house.path().join("pacer")).unwrap();
    house.change("enabled = true\nschedule = \"*/30 * * * * *\"\nbase_url", "enabled = false\nbase_url");
    house.change("enabled = true\nschedule = \"*/30 * * * * *\"", "enabled = true\nschedule = \"0 * * * *\"");
    let directory = format!("{:?}", house.path().join("pacer"));
    house.text.push_str(&PACER.replace("\"pacer\"", &directory));
    house.change("[shops.pacer]", "[shops.pacer]");
    let next = |house: &House| {
        let status = house.json(&["status"]);
        let shops = status["shops"].as_array().unwrap();
        let own = shops.iter().find(|s| s["name"] == sim::CART_SHOP).unwrap();
        own["next_run_at"].as_str().unwrap().to_owned()
    };
    // Passes of the pacer are the ticks of this test's clock.
    let run = |house: &House, passes: usize| {
        let daemon = house.daemon();
        let mut from = 0;
        for _ in 0..passes {
            from = daemon.log.wait(from, &["Pass finished.", "pacer"]) + 1;
        }
        let runs = daemon.log.count(0, &["Pass finished.", sim::CART_SHOP]);
        daemon.stop();
        runs
    };
    // The first start runs at once, then each hour.
    assert_eq!(run(&house, 4), 1);
    assert_eq!(next(&house), "2026-11-21T13:00:00+09:00");
    // A restart before that time does not run again, and leaves the time as it is.
    assert_eq!(run(&house, 4), 0);
    assert_eq!(next(&house), "2026-11-21T13:00:00+09:00");
    // Five hours later five runs were missed: one makes up for them, the next one is at its usual time.
    let start = format!("start = \"{}\"", noon().jst().to_rfc3339_opts(chrono::SecondsFormat::Micros, false));
    house.change(&start, "start = \"2026-11-21T17:20:00.000000+09:00\"");
    assert_eq!(run(&house, 4), 1);
    assert_eq!(next(&house), "2026-11-21T18:00:00+09:00");
    assert_eq!(run(&house, 4), 0);
}
