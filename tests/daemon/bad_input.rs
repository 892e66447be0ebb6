//! What malls, carts and clocks may do: answers cut off or in HTML, files in the wrong encoding, half written or cut off, a
//! clock set back. Each is told, nothing is lost.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, SystemTime};

use mallsync::sim::{self, Body, Encoding, Fault, Format, Rule};

use crate::rig::{HISTORY, House, Outside, noon, settle};
use crate::stop::feed;

fn numbers(house: &House, shop: &str) -> BTreeSet<String> {
    let orders = house.json(&["orders", "list", "--shop", shop]);
    orders.as_array().unwrap().iter().map(|o| o["mall_order_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn broken_answers_of_the_mall_harm_no_order_and_are_told() {
    // Fast, so that the pauses after a fault are short.
    let outside = Outside::new(11, 40, Outside::clock(noon(), 600));
    let house = House::new(&outside);
    let daemon = house.daemon();
    let shop = ["Pass finished.", sim::RAKUTEN_SHOP];
    daemon.log.wait(0, &[&shop[..], &["\"stream\":\"late\""]].concat());
    let before = numbers(&house, sim::RAKUTEN_SHOP);
    assert_eq!(before.len(), 40);
    let page = |status| Fault::Status { status, body: Body::Html, effect: false, retry_after: 0 };
    for fault in [
        Fault::Truncated,
        Fault::MaintenancePage,
        page(503),
        page(500),
        Fault::EmptyBody,
        Fault::CutBody { at: 30 },
    ] {
        outside.world.set_fault(Rule {
            service: "rakuten".to_owned(),
            fault: fault.clone(),
            ..Rule::default()
        });
        let from = daemon.log.len();
        let failed = daemon.log.wait(from, &["Pass failed.", sim::RAKUTEN_SHOP, "next_attempt_at"]);
        let status = house.json(&["status"]);
        let told = status["attention"].as_array().unwrap().iter().find(|a| a["topic"] == "poll_fails");
        let told = told.unwrap_or_else(|| panic!("{fault:?}: {status}"));
        assert_eq!(told["subject"], "shops.rakuten-main", "{fault:?}");
        assert!(!told["detail"].as_str().unwrap().is_empty(), "{fault:?}");
        // The page's own text is nobody's business in a log.
        assert!(!daemon.log.lines()[failed].contains("メンテナンス"), "{fault:?}");
        assert_eq!(numbers(&house, sim::RAKUTEN_SHOP), before, "{fault:?}");
        outside.world.set_faults(Vec::new());
        daemon.log.wait(daemon.log.len(), &shop);
    }
    // Answers that break off while orders are read in full.
    outside.world.set_fault(Rule {
        function: "getOrder".to_owned(),
        times: 3,
        fault: Fault::Truncated,
        ..Rule::default()
    });
    // It may fail as a whole, and then says so; what was read before stays.
    let backfill = house.run(&["sync", "--shop", sim::RAKUTEN_SHOP, "--since", "2026-11-17"]);
    assert!(matches!(backfill.status.code(), Some(0 | 1)), "{backfill:?}");
    outside.world.set_faults(Vec::new());
    let again = house.json(&["sync", "--shop", sim::RAKUTEN_SHOP, "--since", "2026-11-17"]);
    assert!(again[0]["error"].is_null() && again[0]["set_aside"] == 0, "{again}");
    assert_eq!(numbers(&house, sim::RAKUTEN_SHOP), before);
    let due = |order: &serde_json::Value| order["amounts"]["due"].as_i64();
    let facts: Vec<_> = outside.world.truth(sim::RAKUTEN_SHOP).collect();
    for order in house.json(&["orders", "list", "--shop", sim::RAKUTEN_SHOP]).as_array().unwrap() {
        let fact = facts.iter().find(|f| order["mall_order_id"] == f.order_number.as_str()).unwrap();
        assert!(due(order).is_none() || due(order) == fact.due, "{order}");
    }
    daemon.stop();
}

#[test]
fn files_that_cannot_be_read_are_put_aside_with_the_reason_and_the_others_come_in() {
    let outside = Outside::new(11, 12, Outside::clock(noon(), 60));
    let house = House::new(&outside);
    let since = noon() - HISTORY - Duration::from_secs(1);
    let whole = outside.world.cart_file(Format::EcCube4, Encoding::Utf8Bom, since, noon()).unwrap().unwrap();
    let text = std::str::from_utf8(&whole).unwrap();
    // UTF-16 without a mark, the file's end lost within a quoted cell, and one that is still being written.
    let utf16: Vec<u8> =
        text.trim_start_matches('\u{feff}').encode_utf16().flat_map(u16::to_be_bytes).collect();
    house.drop_orders("1-utf16.csv", &utf16, 1);
    let quoted = text.find("\"のし").expect("a memo of two lines") + 6;
    house.drop_orders("2-cut.csv", &whole[..quoted], 2);
    let growing = house.folders.orders.join("3-growing.csv");
    let half = text[..text.len() / 2].rfind("\r\n").unwrap() + 2;
    write_now(&growing, &whole[..half]);
    let daemon = house.daemon();
    let mut seen = daemon.log.len();
    for name in ["1-utf16.csv", "2-cut.csv"] {
        let line = daemon.log.wait(0, &["Order set aside.", name]);
        assert!(daemon.log.lines()[line].contains("the file is refused"), "{}", daemon.log.lines()[line]);
        seen = seen.max(line);
    }
    // Several more looks: what grows is left alone.
    for n in 0..3 {
        seen = daemon.log.wait(seen + 1, &["Pass finished.", sim::CART_SHOP]);
        write_now(&growing, &whole[..half + n]);
    }
    assert!(numbers(&house, sim::CART_SHOP).is_empty());
    assert!(growing.exists());
    for name in ["1-utf16.csv", "2-cut.csv"] {
        let told =
            fs::read_to_string(house.folders.orders.join("rejected").join(format!("{name}.result.txt")))
                .unwrap();
        assert!(told.contains(name) && told.contains("Nothing of this file was used"), "{told}");
    }
    let aside = house.json(&["status"])["set_aside"].clone();
    assert_eq!(aside.as_array().unwrap().len(), 2, "{aside}");
    // Written to its end, an hour ago.
    fs::write(&growing, &whole).unwrap();
    settle(&growing, 3);
    daemon.log.find(seen, |line| line.contains("Pass finished.") && line.contains("\"new\":12"));
    assert_eq!(numbers(&house, sim::CART_SHOP).len(), 12);
    daemon.stop();
    assert!(house.folders.orders.join("done/3-growing.csv").exists() || growing.exists());
    // A slip file that was cut off is refused whole.
    let slips = outside.world.b2_file(since, noon()).unwrap().unwrap();
    let file = house.slip_file("cut.csv", &slips[..slips.len() - 40]);
    let refused = house.run(&["slips", "import", &file]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("cut.csv"), "{said}");
    assert_eq!(house.json(&["slips", "list"]).as_array().unwrap().len(), 0);
}

/// Writes as a cart does that is at it right now.
fn write_now(path: &std::path::Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    #[expect(clippy::disallowed_methods, reason = "files carry the machine's own time")]
    let now = SystemTime::now();
    fs::File::options().write(true).open(path).unwrap().set_modified(now).unwrap();
}

#[test]
fn a_clock_set_back_is_told_and_waits_for_nothing() {
    let before = Outside::new(11, 20, Outside::clock(noon(), 60));
    let mut house = House::new(&before);
    feed(&house, &before);
    let daemon = house.daemon();
    daemon.log.wait(0, &["Pass finished.", sim::RAKUTEN_SHOP]);
    daemon.log.wait(0, &["Slip registered."]);
    daemon.kill();
    let orders = numbers(&house, sim::RAKUTEN_SHOP);
    // Two hours earlier.
    let after = Outside::new(11, 20, Outside::clock(noon() - Duration::from_secs(7_200), 60));
    house.move_to(&after);
    let daemon = house.daemon();
    let told = daemon.log.wait(0, &["\"level\":\"warn\"", "Clock was set back", "rakuten/"]);
    daemon.log.wait(told, &["Pass finished.", sim::RAKUTEN_SHOP, "\"stream\":\"new\""]);
    assert_eq!(daemon.log.count(0, &["Pass failed."]), 0);
    assert_eq!(numbers(&house, sim::RAKUTEN_SHOP), orders, "nothing was lost");
    daemon.stop();
}
