//! The gateway's books: every function that changes something, under every fault, counted by its effect.

use std::time::Duration;

use mallsync::sim::{By, Effect, Fault};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::client::{DAY, FORM, Sim, element, request, slip};
use crate::webcollect_rig::{CHANGING, changing};

/// How often a function took effect, and how often it was asked for again, as the books say.
fn counted(sim: &Sim, function: &str, order: &str) -> (u32, u32) {
    let book = sim.world.book(order).unwrap_or_default();
    match function {
        "E01" => (book.captures, book.repeated_captures),
        "E02" => (book.undone_slips, book.repeated_undos),
        "E03" => (book.date_changes, book.repeated_date_changes),
        "A06" => (book.cancels, book.repeated_cancels),
        "A07" => (book.amount_changes, book.repeated_amount_changes),
        _ => (book.reauthorizations, book.repeated_reauthorizations),
    }
}

/// A settlement that the function can be called for once.
async fn ready(function: &str) -> (Sim, String) {
    let sim = Sim::start().await;
    let order = format!("X-{function}");
    let status = match function {
        "E02" => 30,
        "E03" => 5,
        _ => 4,
    };
    sim.place_on(&order, status).await;
    (sim, order)
}

async fn send(sim: &Sim, function: &str, order: &str) {
    let (path, body) = changing(function, order);
    let body = format!("{body}&trader_code={}", mallsync::sim::TRADER_CODE);
    // How it ends is the fault's own affair; the books are what counts.
    sim.raw(&request("POST", &format!("/webcollect/api/{path}"), &FORM, &body)).await;
}

#[tokio::test]
async fn every_function_is_counted_under_every_fault() {
    let code = |effect| Fault::Code { code: "Z019999999".into(), effect };
    for (function, path, _) in CHANGING {
        for (fault, effective) in [
            (Fault::ResetBeforeEffect, 0),
            (Fault::ResetAfterEffect, 1),
            (Fault::CutBody { at: 20 }, 1),
            (Fault::Truncated, 1),
            (Fault::EmptyBody, 1),
            (Fault::MaintenancePage, 0),
            (Fault::Status { status: 503, body: mallsync::sim::Body::Html, effect: true, retry_after: 0 }, 1),
            (Fault::Doctype, 1),
            (Fault::ZeroWithCode, 1),
            (Fault::OneWithoutCode, 0),
            (code(true), 1),
            (code(false), 0),
        ] {
            let (sim, order) = ready(function).await;
            sim.fault(path, fault.clone());
            send(&sim, function, &order).await;
            assert_eq!(counted(&sim, function, &order), (effective, 0), "{function} {fault:?}");
            // A resend, which a careful client never makes where it took effect.
            send(&sim, function, &order).await;
            let again = if function == "A11" { (1 + effective, effective) } else { (1, effective) };
            assert_eq!(counted(&sim, function, &order), again, "{function} {fault:?}, sent again");
        }
    }
}

#[tokio::test]
async fn an_effect_may_come_after_the_connection_is_gone() {
    for (function, path, _) in CHANGING {
        let (sim, order) = ready(function).await;
        sim.fault(path, Fault::LateEffect { seconds: 90, hold: true });
        send(&sim, function, &order).await;
        assert_eq!(counted(&sim, function, &order).0, 0, "{function}: not yet");
        assert_eq!(sim.change(function, &order).await, "Z012000004", "{function} is in progress");
        let look = format!("function_div=E04&order_no={order}");
        assert_eq!(sim.code("tradeInfo", &look).await, "Z012000004");
        sim.clock.advance(Duration::from_secs(90));
        assert_eq!(counted(&sim, function, &order), (1, 0), "{function}");
        assert_eq!(sim.code("tradeInfo", &look).await, "");
    }
    // Not held: a look-up shows the old state, and a resend in between is what it looks like.
    let (sim, order) = ready("E01").await;
    sim.fault("shipmentEntry", Fault::LateEffect { seconds: 90, hold: false });
    send(&sim, "E01", &order).await;
    assert_eq!(sim.status(&order).await, "4");
    assert_eq!(sim.change("E01", &order).await, "");
    sim.clock.advance(Duration::from_secs(90));
    assert_eq!(counted(&sim, "E01", &order), (1, 1));
    // What would be refused is refused without an effect to come.
    sim.fault("creditCancel", Fault::LateEffect { seconds: 1, hold: true });
    sim.world.switch(|s| s.webcollect.suspended = true);
    send(&sim, "A06", &order).await;
    sim.world.switch(|s| s.webcollect.suspended = false);
    sim.clock.advance(Duration::from_secs(5));
    assert_eq!(sim.status(&order).await, "30");
}

#[tokio::test]
async fn what_was_undone_in_between_is_no_duplicate() {
    let sim = Sim::start().await;
    sim.place("U1", None);
    for _ in 0..2 {
        assert_eq!(sim.register("U1", &slip(1)).await, "");
        assert_eq!(sim.unregister("U1", &slip(1)).await, "");
    }
    for price in [900, 1_000, 900] {
        assert_eq!(sim.price("U1", price).await, "");
    }
    assert_eq!(sim.change("A11", "U1").await, "");
    sim.clock.advance(DAY * 5);
    assert_eq!(sim.change("A11", "U1").await, "", "another day's renewal");
    let book = sim.book("U1");
    assert_eq!(book.repeated(), 0, "{book:?}");
    assert_eq!((book.captures, book.effective_captures, book.undone_slips), (2, 0, 2));
    assert_eq!((book.amount_changes, book.reauthorizations, book.amount), (3, 2, 900));
    let journal = sim.world.book_entries("U1");
    let functions: Vec<&str> = journal.iter().map(|entry| entry.function).collect();
    assert_eq!(functions, ["E01", "E02", "E01", "E02", "A07", "A07", "A07", "A11", "A11"]);
    assert_eq!((journal[0].from, journal[0].to, journal[0].what.clone()), (4, 30, slip(1)));
    assert!(journal.iter().all(|entry| (entry.by, entry.effect) == (By::Api, Effect::Effective)));
}

#[tokio::test]
async fn staff_work_at_the_console_meanwhile() {
    let sim = Sim::start().await;
    let place = json!({ "order_no": "P1", "amount": 2_000 });
    assert_eq!(sim.control("POST", "webcollect/place", &place).await.0, 200);
    assert_eq!(sim.control("POST", "webcollect/place", &place).await.0, 404, "the number is taken");
    let reserve = json!({ "order_no": "P2", "amount": 1, "scheduled_shipping_date": "2026-06-20" });
    assert_eq!(sim.control("POST", "webcollect/place", &reserve).await.0, 200);
    assert_eq!(sim.status("P2").await, "5");
    let hand = json!({ "function_div": "A07", "order_no": "P1", "new_price": "1500" });
    let done = sim.control("POST", "webcollect/by-hand", &hand).await;
    assert_eq!(done, (200, json!({ "code": "" })));
    let again = sim.control("POST", "webcollect/by-hand", &hand).await;
    assert_eq!(again, (200, json!({ "code": "A074000001" })));
    let odd = json!({ "function_div": "E04", "order_no": "P1" });
    assert_eq!(sim.control("POST", "webcollect/by-hand", &odd).await.0, 400);
    assert_eq!(sim.price("P1", 1_500).await, "A074000001");
    let book = sim.book("P1");
    assert_eq!((book.by_hand, book.amount_changes, book.repeated()), (1, 0, 0), "no call had done it");
    let slip_no = slip(1);
    let number = slip_no.as_str();
    let params = [("order_no", "P1"), ("slip_no", number), ("delivery_service_code", "00")];
    assert_eq!(sim.world.by_hand("E01", &params).as_deref(), Some(""));
    assert_eq!(sim.register("P1", number).await, "E012000001");
    let book = sim.book("P1");
    assert_eq!((book.captures, book.effective_captures, book.repeated_captures), (1, 1, 0));

    let (_, books) = sim.control("GET", "books", &Value::Null).await;
    assert_eq!((books[0]["order_no"].as_str(), books[0]["by_hand"].as_u64()), (Some("P1"), Some(2)));
    assert_eq!(books.as_array().unwrap().len(), 1, "P2 was made, and never changed");
    let (_, entries) = sim.control("GET", "books/entries?order_no=P1", &Value::Null).await;
    assert_eq!(entries.as_array().unwrap().len(), 2);
    assert_eq!(
        (&entries[1]["function"], &entries[1]["by"], &entries[1]["to"]),
        (&json!("E01"), &json!("console"), &json!(30))
    );
    let cards = json!({ "member_id": "MEMBER0001", "authentication_key": "k7Q2m9Xa", "cards": [{
        "card_key": 1, "masked_number": "************0001", "expiry": "1230", "owner": "MIHON TARO",
        "brand": 9, "last_used_at": "2026-04-01T00:00:00+09:00" }] });
    assert_eq!(sim.control("PUT", "webcollect/cards", &cards).await.0, 200);
    let order = json!({ "order_no": "P1" });
    let scanned = sim.control("POST", "webcollect/scan", &order).await;
    assert_eq!(scanned, (200, json!({ "settled": ["P1"] })));
    assert_eq!(sim.control("POST", "webcollect/batch", &json!({})).await, (200, json!({ "settled": [] })));
    assert_eq!(sim.control("POST", "webcollect/dance", &json!({})).await.0, 404);
}

#[tokio::test]
async fn so_many_calls_at_a_time_and_one_an_order() {
    let sim = Sim::start().await;
    for order in ["Q1", "Q2"] {
        sim.place(order, None);
    }
    sim.world.switch(|s| s.webcollect.max_in_flight = 1);
    sim.fault("shipmentEntry", Fault::Delay { millis: 600_000 });
    let (path, body) = changing("E01", "Q1");
    let body = format!("{body}&trader_code={}", mallsync::sim::TRADER_CODE);
    let mut stream = sim.connect().await;
    stream.write_all(&request("POST", &format!("/webcollect/api/{path}"), &FORM, &body)).await.unwrap();
    sim.world.until(|world| world.counts().contains_key("webcollect.shipmentEntry")).await;
    let look = |order: &str| format!("function_div=E04&order_no={order}");
    assert_eq!(sim.code("tradeInfo", &look("Q2")).await, "Z012000006");
    sim.world.switch(|s| s.webcollect.max_in_flight = 2);
    assert_eq!(sim.code("tradeInfo", &look("Q2")).await, "");
    assert_eq!(sim.code("tradeInfo", &look("Q1")).await, "Z012000004");
    assert_eq!(sim.change("A06", "Q1").await, "Z012000004");
    let (_, state) = sim.control("GET", "state", &Value::Null).await;
    assert_eq!(state["gateway"], json!({ "peak_in_flight": 2, "overlaps": 2, "overlapping_changes": 1 }));
    drop(stream);
    // Once its client is gone, the number is free.
    while sim.code("tradeInfo", &look("Q1")).await == "Z012000004" {
        tokio::task::yield_now().await;
    }
    assert_eq!(element(&sim.look("Q1").await, "statusInfo"), "30");
}
