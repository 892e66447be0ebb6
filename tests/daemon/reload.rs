//! The config is edited while the daemon runs, and read again at SIGHUP: what was edited changes, everything else goes on,
//! and an edit that cannot be used changes nothing.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::time::Duration;

use mallsync::sim::{self, Encoding, Fault, Format, Key, Rule};
use serde_json::Value;

use crate::postgres::Postgres;
use crate::process::Process;
use crate::rig::{HISTORY, House, Outside, noon};
use crate::stop::feed;

const RAKUTEN: &str = "shops.rakuten-main";
const SETTLEMENT: &str = "settlements.webcollect-main";
const STOPPED: &str = "Section was stopped.";
const STARTED: &str = "Section was started.";

impl Process {
    /// SIGHUP, and the event that tells what was changed: its line's number and its fields.
    fn reload(&self) -> (usize, Value) {
        let from = self.hang_up();
        let told = self.log.wait(from, &["\"Config reloaded.\""]);
        (told, serde_json::from_str(&self.log.lines()[told]).unwrap())
    }

    /// So many passes of the cart's shop: time has gone by, and the daemon polls.
    fn cart_passes(&self, passes: usize) {
        let mut from = self.log.len();
        for _ in 0..passes {
            from = self.log.wait(from, &["Pass finished.", sim::CART_SHOP]) + 1;
        }
    }
}

fn shop(house: &House, name: &str) -> Value {
    let status = house.json(&["status"]);
    status["shops"].as_array().unwrap().iter().find(|shop| shop["name"] == name).unwrap().clone()
}

#[test]
fn a_shop_that_is_added_is_polled_and_one_that_is_removed_is_left_alone() {
    let outside = Outside::new(11, 10, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    let rakuten = house.section(RAKUTEN);
    house.change(&rakuten, "");
    let daemon = house.daemon();
    daemon.cart_passes(1);
    assert_eq!(outside.count("rakuten.searchOrder"), 0);

    house.change("[shops.own-shop]", &format!("{rakuten}\n[shops.own-shop]"));
    let (told, event) = daemon.reload();
    assert_eq!(
        [&event["added"], &event["changed"], &event["removed"], &event["unchanged"]],
        [RAKUTEN, "", "", "shops.own-shop, settlements.webcollect-main"]
    );
    daemon.log.wait(told, &["Pass finished.", sim::RAKUTEN_SHOP, "\"stream\":\"new\""]);
    let orders = house.json(&["orders", "list", "--shop", sim::RAKUTEN_SHOP]);
    assert!(!orders.as_array().unwrap().is_empty());
    // A command reaches the new shop's loop.
    let passes = house.json(&["sync", "--shop", sim::RAKUTEN_SHOP]);
    assert_eq!((&passes[0]["shop"], &passes[0]["error"]), (&sim::RAKUTEN_SHOP.into(), &Value::Null));
    assert_eq!(daemon.log.count(0, &["mallsync started."]), 1);

    house.change(&rakuten, "");
    let (_, event) = daemon.reload();
    assert_eq!((&event["removed"], &event["added"]), (&RAKUTEN.into(), &"".into()));
    daemon.log.wait(0, &[STOPPED, sim::RAKUTEN_SHOP]);
    let calls = outside.count("rakuten.searchOrder");
    daemon.cart_passes(4);
    assert_eq!(outside.count("rakuten.searchOrder"), calls, "nobody asks for it any more");
    let kept = house.json(&["orders", "list"]);
    let kept = kept.as_array().unwrap().iter().filter(|order| order["shop"] == sim::RAKUTEN_SHOP).count();
    assert!(kept >= orders.as_array().unwrap().len(), "its orders stay");
    daemon.stop();
}

#[test]
fn another_schedule_holds_at_once_whether_it_is_denser_or_sparser() {
    let outside = Outside::new(11, 4, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    let own = house.section("shops.own-shop");
    let (dense, sparse) = ("\"*/30 * * * * *\"", "\"30 9 * * *\"");
    let daemon = house.daemon();
    daemon.cart_passes(1);
    house.change(&own, &own.replace(dense, sparse));
    let (_, event) = daemon.reload();
    assert_eq!(event["changed"], "shops.own-shop");
    daemon.log.wait(0, &[STARTED, sim::CART_SHOP]);
    assert_eq!(shop(&house, sim::CART_SHOP)["next_run_at"], "2026-11-22T09:30:00+09:00");
    let runs = daemon.log.count(0, &["Pass finished.", sim::CART_SHOP]);
    let mut from = daemon.log.len();
    for _ in 0..3 {
        from = daemon.log.wait(from, &["Pass finished.", sim::RAKUTEN_SHOP, "\"stream\":\"new\""]) + 1;
    }
    assert_eq!(daemon.log.count(0, &["Pass finished.", sim::CART_SHOP]), runs);
    house.change(sparse, dense);
    daemon.reload();
    daemon.cart_passes(2);
    daemon.stop();
}

#[test]
fn a_poll_under_way_goes_on_while_another_shop_changes() {
    let outside = Outside::new(11, 10, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    outside.world.set_fault(Rule {
        service: "rakuten".to_owned(),
        function: "getOrder".to_owned(),
        calls: [1].into(),
        fault: Fault::Delay { millis: 4_000 },
        ..Rule::default()
    });
    let daemon = house.daemon();
    outside.until("the first details", |world| {
        world.counts().get("rakuten.getOrder").is_some_and(|calls| *calls == 1)
    });
    let own = house.section("shops.own-shop");
    house.change(&own, &own.replace("*/30 * * * * *", "*/20 * * * * *"));
    let (told, event) = daemon.reload();
    assert_eq!(event["changed"], "shops.own-shop");
    assert_eq!(event["unchanged"], format!("{RAKUTEN}, {SETTLEMENT}"));
    assert_eq!(daemon.log.count(0, &["Pass finished.", sim::RAKUTEN_SHOP]), 0, "it waits for its answer");
    let ended = daemon.log.wait(told, &["Pass finished.", sim::RAKUTEN_SHOP, "\"stream\":\"new\""]);
    let pass: Value = serde_json::from_str(&daemon.log.lines()[ended]).unwrap();
    assert!(pass["new"].as_u64().unwrap() > 0, "{pass}");
    // What it was told is stored, and was asked for once.
    let orders = house.json(&["orders", "list", "--shop", sim::RAKUTEN_SHOP]);
    assert!(orders.as_array().unwrap().len() as u64 >= pass["new"].as_u64().unwrap());
    assert_eq!(daemon.log.count(0, &[STOPPED, sim::RAKUTEN_SHOP]), 0);
    daemon.stop();
}

#[test]
fn an_operation_in_flight_ends_before_its_settlement_changes_and_dry_run_sends_nothing_more() {
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
    let daemon = house.daemon();
    outside.until("the second capture", |world| {
        world.counts().get("webcollect.shipmentEntry").is_some_and(|calls| *calls == 2)
    });
    house.change("mode = \"live\"", "mode = \"dry-run\"");
    let (told, event) = daemon.reload();
    assert_eq!(event["changed"], SETTLEMENT);
    // Its answer comes two seconds later, and is kept.
    let ended = daemon.log.wait(0, &[STOPPED, sim::SETTLEMENT]);
    assert_eq!(daemon.log.count(0, &["Slip registered."]), 2);
    daemon.cart_passes(4);
    assert_eq!(outside.count("webcollect.shipmentEntry"), 2);
    assert!(ended > told, "the reload did not wait for it");
    let operations = house.json(&["operations", "list"]);
    let open = |state: &str| matches!(state, "planned" | "ready" | "sending" | "unknown" | "looking");
    assert!(
        operations.as_array().unwrap().iter().all(|o| !open(o["state"].as_str().unwrap())),
        "what was planned in live is dropped: {operations}"
    );
    house.change("mode = \"dry-run\"", "mode = \"live\"");
    daemon.reload();
    outside.until("the rest", |world| world.books().len() >= 5);
    daemon.stop();
    let books = outside.world.books();
    assert!(books.iter().all(|book| (book.captures, book.repeated_captures) == (1, 0)), "{books:?}");
}

#[test]
fn a_broken_edit_changes_nothing_and_is_told_in_the_log_and_in_status() {
    let outside = Outside::new(11, 4, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    let daemon = house.daemon();
    daemon.cart_passes(1);
    let good = house.text.clone();
    house.change("mall = \"csv\"", "mall = \"csv\"\nschedul = \"x\"");
    house.change("capture = \"slip\"", "capture = \"slips\"");
    let from = daemon.hang_up();
    let refused = "Config refused; the one before stays in force.";
    let first =
        daemon.log.wait(from, &["\"level\":\"error\"", refused, "shops.own-shop.schedul", "schedule"]);
    let second = daemon.log.wait(from, &[refused, "settlements.webcollect-main.capture", "mallsync.toml"]);
    let line: Value = serde_json::from_str(&daemon.log.lines()[first]).unwrap();
    assert!(line["line"].as_u64().unwrap() > 0 && !line["error.message"].as_str().unwrap().is_empty());
    daemon.cart_passes(2);
    assert_eq!(daemon.log.count(0, &[STOPPED]), 0);
    // `status` reads the broken file too, and names the key.
    let broken = house.run(&["status"]);
    assert_eq!(broken.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&broken.stderr).contains("shops.own-shop.schedul"));
    // And the health of what goes on by the config before it.
    let health = |output: &Output| -> Value {
        assert_eq!(output.status.code(), Some(78));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("goes on by the one before it"), "{said}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
    };
    let report = health(&broken);
    assert_eq!((&report["daemon"], &report["well"]), (&true.into(), &false.into()), "{report}");
    let shops: Vec<&Value> = report["shops"].as_array().unwrap().iter().collect();
    assert!(shops.iter().all(|shop| shop["last_success_at"].is_string()), "{report}");
    assert_eq!(shops.iter().map(|shop| &shop["name"]).collect::<Vec<_>>(), ["own-shop", "rakuten-main"]);
    assert_eq!(report["settlements"][0]["mode"], "live", "{report}");
    let refused_once =
        report["attention"].as_array().unwrap().iter().filter(|a| a["topic"] == "config_refused");
    assert_eq!(refused_once.count(), 1, "{report}");
    // No TOML any more, and the daemon has not been told: it is seen nonetheless.
    let broken_edit = house.text.clone();
    house.change("schedul = \"x\"", "schedul = \"x");
    let report = health(&house.run(&["status", "--exit-code"]));
    assert!(report["daemon"] == true && report["shops"].as_array().unwrap().len() == 2, "{report}");
    house.change("[database]\nurl = ", "[database]\nurl = 7 # ");
    let unseen = house.run(&["status"]);
    let said = String::from_utf8_lossy(&unseen.stderr);
    assert!(unseen.status.code() == Some(78) && unseen.stdout.is_empty(), "{unseen:?}");
    assert!(said.contains("database.url") && said.contains("cannot be shown"), "{said}");
    house.text = broken_edit;
    // The file is mended, but nobody has told the daemon yet.
    let edited = std::mem::replace(&mut house.text, good);
    house.change("[log]", "[log]");
    let status = house.json(&["status"]);
    let told = status["attention"].as_array().unwrap().iter().find(|a| a["topic"] == "config_refused");
    let told = told.unwrap_or_else(|| panic!("{status}"))["detail"].as_str().unwrap().to_owned();
    assert!(told.contains("mallsync.toml") && told.contains("shops.own-shop.schedul"), "{told}");
    assert_eq!(status["reloads"][0]["applied"], false);
    assert_eq!(house.run(&["status", "--exit-code"]).status.code(), Some(1));
    let (_, event) = daemon.reload();
    assert_eq!([&event["added"], &event["changed"], &event["removed"]], ["", "", ""]);
    // The row comes after the line.
    daemon.cart_passes(1);
    let status = house.json(&["status"]);
    assert_eq!(status["reloads"][0]["applied"], true, "{status}");
    assert!(status["attention"].as_array().unwrap().iter().all(|a| a["topic"] != "config_refused"));
    assert!(second > from && edited != house.text);
    daemon.stop();
}

#[test]
fn a_secret_that_was_written_anew_is_used_at_once_and_one_that_is_gone_stops_its_shop_alone() {
    let outside = Outside::new(11, 10, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    let file = house.path().join("license_key");
    let write = |text: &str| {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("SL345678_sim");
    house.change("\"plain:SL345678_sim\"", &format!("\"file:{}\"", file.display()));
    let daemon = house.daemon();
    daemon.log.wait(0, &["Pass finished.", sim::RAKUTEN_SHOP]);
    // The key is renewed in the back office: the old one is refused from now on.
    let new = Key {
        key: "SL345678_new".to_owned(),
        works_from: noon() - HISTORY,
        expires: noon() + HISTORY * 10,
        dead: false,
    };
    assert!(outside.world.set_keys(sim::RAKUTEN_SHOP, vec![new]));
    let refused = daemon.log.wait(daemon.log.len(), &["Pass failed.", sim::RAKUTEN_SHOP, "\"auth\""]);
    write("SL345678_new");
    let (told, event) = daemon.reload();
    assert_eq!(event["changed"], RAKUTEN);
    // At once, not when a failed pass is tried again by itself.
    let next: Value = serde_json::from_str(&daemon.log.lines()[refused]).unwrap();
    let works = daemon.log.wait(told, &["Pass finished.", sim::RAKUTEN_SHOP, "\"stream\":\"new\""]);
    let works: Value = serde_json::from_str(&daemon.log.lines()[works]).unwrap();
    assert!(works["timestamp"].as_str() < next["next_attempt_at"].as_str(), "{works} {next}");
    // Once every stream has run.
    assert_eq!(house.json(&["sync", "--shop", sim::RAKUTEN_SHOP])[0]["error"], Value::Null);
    assert_eq!(shop(&house, sim::RAKUTEN_SHOP)["failures"], 0);

    std::fs::remove_file(&file).unwrap();
    let from = daemon.log.len();
    let (_, event) = daemon.reload();
    assert_eq!(event["broken"], RAKUTEN);
    daemon.log.wait(from, &["Section could not be used.", sim::RAKUTEN_SHOP, "license_key"]);
    daemon.log.wait(from, &[STOPPED, sim::RAKUTEN_SHOP]);
    assert!(shop(&house, sim::RAKUTEN_SHOP)["stopped"].as_str().unwrap().contains("license_key"));
    daemon.cart_passes(1);
    write("SL345678_new");
    let (told, event) = daemon.reload();
    assert_eq!(event["added"], RAKUTEN);
    daemon.log.wait(told, &["Pass finished.", sim::RAKUTEN_SHOP]);
    assert_eq!(shop(&house, sim::RAKUTEN_SHOP)["stopped"], Value::Null);
    daemon.stop();
}

#[test]
fn what_cannot_change_live_is_named_and_stays_as_it_was() {
    let outside = Outside::new(11, 4, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    let own = outside.world.cart_file(
        Format::EcCube4,
        Encoding::Cp932,
        noon() - HISTORY - Duration::from_secs(1),
        noon(),
    );
    let daemon = house.daemon();
    let (before, after) = ("mallsync.db", "elsewhere.db");
    house.change(before, after);
    house.change("format = \"json\"", "format = \"text\"");
    house.change("filter = \"info\"", "filter = \"debug\"");
    house.change("\"plain:SL345678_sim\"", "\"credential:rakuten-main.license_key\"");
    let from = daemon.hang_up();
    daemon.log.wait(from, &["Changed keys were left for the next restart.", "database.url", "log.format"]);
    daemon.log.wait(from, &["Systemd credentials were not read again.", RAKUTEN]);
    daemon.log.wait(from, &["\"Config reloaded.\"", &format!("\"broken\":\"{RAKUTEN}\"")]);
    assert!(!house.path().join(after).exists(), "no other database is opened");
    assert!(daemon.log.lines()[..from].iter().all(|line| !line.contains("\"level\":\"debug\"")));
    daemon.log.wait(from, &["\"level\":\"debug\"", "mallsync::"]);
    house.drop_orders("orders.csv", &own.unwrap().unwrap(), 0);
    daemon.cart_passes(2);
    house.change(after, before);
    let reloads = house.json(&["status"])["reloads"].clone();
    let told = reloads[0]["outcome"].as_str().unwrap();
    assert!(told.contains("at the next restart: database.url, log.format"), "{told}");
    assert!(!house.json(&["orders", "list"]).as_array().unwrap().is_empty());
    daemon.stop();
}

#[test]
fn a_rotated_password_of_the_database_is_taken_up_and_a_wrong_one_is_not() {
    let postgres = Postgres::start();
    let outside = Outside::new(11, 4, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    let sqlite = format!("sqlite:{}", house.path().join("mallsync.db").display());
    let secret = house.path().join("database.password");
    let write = |password: &str| {
        std::fs::write(&secret, password).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    house.change(
        &format!("url = \"{sqlite}\""),
        &format!("url = \"{}\"\npassword = \"file:{}\"", postgres.url(), secret.display()),
    );
    postgres.demand_password("canary-first-word");
    write("canary-first-word");
    let daemon = house.daemon();
    daemon.cart_passes(1);

    // Written before the server knows it: what works stays in use.
    write("canary-second-word");
    let (told, _) = daemon.reload();
    let refused = "Password of the database could not be renewed; the one before stays in use.";
    assert_eq!(daemon.log.lines().iter().filter(|line| line.contains(refused)).count(), 1);
    daemon.log.wait(told, &["Pass finished.", sim::CART_SHOP]);

    postgres.set_password("canary-second-word");
    daemon.reload();
    daemon.log.wait(told, &["Password of the database was renewed."]);
    daemon.cart_passes(1);
    let status = house.json(&["status"]);
    let outcome = status["reloads"][0]["outcome"].as_str().unwrap();
    assert!(outcome.contains("the database's password was renewed"), "{outcome}");
    // Every connection is a new one now.
    let from = daemon.log.len();
    postgres.stop();
    daemon.log.wait(from, &["Database did not answer."]);
    postgres.again();
    daemon.cart_passes(2);
    // Read again, it is what it was.
    let from = daemon.log.len();
    daemon.reload();
    assert_eq!(daemon.log.count(from, &["Password of the database"]), 0);
    assert!(daemon.log.lines().iter().all(|line| !line.contains("canary-")));
    daemon.stop();
}
