//! Crash points × lost answers × two workers, both databases.

use std::collections::BTreeMap;
use std::time::Duration;

use mallsync::domain::operation::State;
use mallsync::sim::{Body, Fault, Rule};

use crate::rig::{Crash, Rig, contract};
use crate::support::{sqlite, stores};

/// Long enough for every delay of the machine: three rounds of look-ups, failed look-ups in between, leases.
pub const LONG: Duration = Duration::from_secs(3 * 3_600);

/// How an answer to a capture can be lost or bent. Every one may have taken effect or not.
pub fn losses() -> Vec<Fault> {
    let mut all = vec![
        Fault::None,
        Fault::ResetBeforeEffect,
        Fault::ResetAfterEffect,
        Fault::ResetBeforeClose,
        Fault::Stall { effect: false, hold: false },
        Fault::Stall { effect: true, hold: false },
        Fault::Stall { effect: true, hold: true },
        Fault::StallBody { at: 40 },
        Fault::MaintenancePage,
        Fault::EmptyBody,
        Fault::Bom,
        Fault::ExtraElements,
        Fault::Decorated,
        Fault::Truncated,
        Fault::Doctype,
        Fault::ZeroWithCode,
        Fault::Status { status: 404, body: Body::Empty, effect: false, retry_after: 0 },
    ];
    for status in [500, 502, 503] {
        for body in [Body::Html, Body::Json, Body::Empty] {
            for effect in [false, true] {
                all.push(Fault::Status { status, body, effect, retry_after: 0 });
            }
        }
    }
    for code in ["Z012000004", "Z012000005", "Z019999999"] {
        for effect in [false, true] {
            all.push(Fault::Code { code: code.to_owned(), effect });
        }
    }
    for code in ["Z010000000", "Z012000006", "E013000001"] {
        all.push(Fault::Code { code: code.to_owned(), effect: false });
    }
    all.extend([0, 5, 15, 16, 17, 40, 90].map(|at| Fault::CutHeader { at }));
    all.extend((0..320).step_by(11).map(|at| Fault::CutBody { at }));
    all
}

pub const CRASHES: [Option<Crash>; 7] = [
    None,
    Some(Crash::BeforeLook),
    Some(Crash::AfterLook),
    Some(Crash::BeforeSend),
    Some(Crash::AfterSend),
    Some(Crash::BeforeSettle),
    Some(Crash::AfterSettle),
];

pub fn rule(function: &str, order: &str, fault: &Fault) -> Rule {
    Rule {
        service: "webcollect".to_owned(),
        function: function.to_owned(),
        order: order.to_owned(),
        times: 1,
        fault: fault.clone(),
        ..Rule::default()
    }
}

/// Every way to lose an answer × every crash point, at every byte. On PostgreSQL `whole` deals them out.
#[tokio::test]
async fn each_sale_is_captured_once_whatever_is_lost_and_whoever_dies() {
    let losses = losses();
    let rig = Rig::new(sqlite().await, losses.len() * CRASHES.len(), contract()).await;
    let mut told = BTreeMap::new();
    let mut rules = Vec::new();
    for (i, fact) in rig.orders.iter().enumerate() {
        let (loss, crash) = (&losses[i % losses.len()], CRASHES[i / losses.len()]);
        rules.push(rule("shipmentEntry", &fact.order_number, loss));
        if let Some(crash) = crash {
            rig.crashes.lock().unwrap().insert(fact.order_number.clone(), crash);
        }
        told.insert(fact.order_number.clone(), format!("{loss:?}, crash {crash:?}"));
    }
    rig.world.set_faults(rules);
    rig.run(LONG).await;

    let books: BTreeMap<String, _> =
        rig.world.books().into_iter().map(|book| (book.order_no.clone(), book)).collect();
    let states = rig.states().await;
    for fact in &rig.orders {
        let number = &fact.order_number;
        let case = format!("{}: {number}: {}", rig.db.name, told[number]);
        let (state, why) = &states[number];
        assert_eq!(*state, State::Done, "{case}: left as {state}: {why}");
        let book = books.get(number).unwrap_or_else(|| panic!("{case}: not in the books"));
        assert_eq!(book.captures, 1, "{case}: captured {} times", book.captures);
        assert_eq!(book.effective_captures, 1, "{case}");
        assert_eq!(book.repeated_captures, 0, "{case}: sent again although it was there");
        assert_eq!(Some(book.amount), fact.due, "{case}: the amount");
    }
    rig.server.stop().await;
}

/// Look-ups fail too: before sending, and while an unknown is settled.
#[tokio::test]
async fn failing_look_ups_delay_and_never_decide() {
    let looks = [
        Fault::ResetBeforeEffect,
        Fault::Truncated,
        Fault::MaintenancePage,
        Fault::EmptyBody,
        Fault::Doctype,
        Fault::ZeroWithCode,
        Fault::Status { status: 503, body: Body::Html, effect: false, retry_after: 0 },
        Fault::Code { code: "Z019999999".to_owned(), effect: false },
        Fault::Code { code: "Z012000006".to_owned(), effect: false },
        Fault::CutBody { at: 400 },
    ];
    let sends = [Fault::ResetAfterEffect, Fault::ResetBeforeEffect];
    for db in stores().await {
        let rig = Rig::new(db, looks.len() * sends.len() * 2, contract()).await;
        let mut rules = Vec::new();
        for (i, fact) in rig.orders.iter().enumerate() {
            let look = &looks[i % looks.len()];
            let send = &sends[(i / looks.len()) % sends.len()];
            rules.push(rule("shipmentEntry", &fact.order_number, send));
            // The first look-up is the one before sending; later ones settle the unknown.
            let calls = if i < looks.len() * sends.len() { [1].into() } else { [2, 3].into() };
            rules.push(Rule { calls, times: 0, ..rule("tradeInfo", &fact.order_number, look) });
        }
        rig.world.set_faults(rules);
        rig.run(LONG).await;
        let states = rig.states().await;
        for book in rig.world.books() {
            assert_eq!(book.captures, 1, "{}: {}", rig.db.name, book.order_no);
            assert_eq!(book.repeated_captures, 0, "{}: {}", rig.db.name, book.order_no);
        }
        for fact in &rig.orders {
            let (state, why) = &states[&fact.order_number];
            assert_eq!(*state, State::Done, "{}: {}: {why}", rig.db.name, fact.order_number);
        }
        rig.server.stop().await;
    }
}

/// What the gateway will not take is told to a person, once, and nothing is sent again.
#[tokio::test]
async fn what_only_a_person_can_decide_waits_for_one() {
    let codes = ["E011010351", "E012000001", "E011010451", "E012000002", "E012000004"];
    for db in stores().await {
        let rig = Rig::new(db, codes.len() + 1, contract()).await;
        let mut rules: Vec<Rule> = rig
            .orders
            .iter()
            .zip(codes)
            .map(|(fact, code)| {
                let fault = Fault::Code { code: code.to_owned(), effect: false };
                Rule { times: 0, ..rule("shipmentEntry", &fact.order_number, &fault) }
            })
            .collect();
        let silent = &rig.orders[codes.len()].order_number;
        rules.push(Rule { times: 0, ..rule("shipmentEntry", silent, &Fault::OneWithoutCode) });
        rig.world.set_faults(rules);
        rig.run(LONG).await;
        for (number, (state, why)) in rig.states().await {
            assert_eq!(state, State::NeedsPerson, "{}: {number}: {why}", rig.db.name);
            let sends = rig
                .world
                .calls()
                .iter()
                .filter(|c| c.function == "shipmentEntry" && c.orders.contains(&number))
                .count();
            assert_eq!(sends, 1, "{}: {number} was sent {sends} times", rig.db.name);
        }
        assert!(rig.world.books().iter().all(|b| b.captures == 0));
        rig.server.stop().await;
    }
}
