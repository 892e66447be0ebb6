//! Orders that cannot be read, codes never seen before, amounts that do not add up.

use std::collections::BTreeSet;

use mallsync::domain::order::{Carrier, Order, PaymentMethod, Status};
use mallsync::domain::slip::SlipRow;
use mallsync::sim::{Catalogue, Fact, Fault, RAKUTEN_SHOP, Rule};
use mallsync::status::{self, ShopFacts, Topic};
use mallsync::store::Planning;
use mallsync::store::operations::OperationFilter;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection};
use tracing::Level;

use crate::log::Log;
use crate::rig::{DAY, HOUR, MINUTE, Rig, contract};
use crate::support::{start, stores};

/// `orders` orders of the last days, polled every minute; nothing changes at the mall.
async fn rig(db: crate::support::TestStore, orders: u64) -> Rig {
    let rig = Rig::new(db, 5, "* * * * *", |options| {
        options.rakuten[0].orders = Catalogue::spread(start(), DAY * 5, orders);
    })
    .await;
    rig.hold_the_world_still();
    rig
}

fn tamper<'a>(orders: impl IntoIterator<Item = &'a Fact>, place: &str, value: Value) -> Rule {
    let orders: BTreeSet<String> = orders.into_iter().map(|fact| fact.order_number.clone()).collect();
    let fault = Fault::Tamper { orders, place: place.to_owned(), value };
    Rule { function: "getOrder".to_owned(), fault, ..Rule::default() }
}

fn truth(rig: &Rig) -> Vec<Fact> {
    rig.world.truth(RAKUTEN_SHOP).collect()
}

/// What was kept of the order that was set aside.
async fn raw(rig: &Rig) -> String {
    const SQL: &str = "SELECT raw FROM set_aside";
    let packed: Vec<u8> = if rig.db.name == "sqlite" {
        let mut conn = SqliteConnection::connect(&rig.db.url).await.unwrap();
        sqlx::query_scalar(SQL).fetch_one(&mut conn).await.unwrap()
    } else {
        let mut conn = PgConnection::connect(&rig.db.url).await.unwrap();
        sqlx::query_scalar(SQL).fetch_one(&mut conn).await.unwrap()
    };
    String::from_utf8(zstd::decode_all(packed.as_slice()).unwrap()).unwrap()
}

/// I4.
#[tokio::test]
async fn i4_one_bad_order_of_many_is_set_aside_alone_and_taken_in_once_it_is_mended() {
    for db in stores().await {
        let mut rig = rig(db, 120).await;
        let db = rig.db.name;
        let all = truth(&rig);
        let bad = &all[57];
        rig.world.set_fault(tamper([bad], "/orderDatetime", json!("?")));
        let daemon = rig.daemon().await;
        rig.run(MINUTE * 9).await;
        let orders = rig.orders(RAKUTEN_SHOP).await;
        assert_eq!(orders.len(), 119, "{db}: the others are there");
        assert!(!orders.contains_key(&bad.order_number), "{db}");
        let aside = rig.store.set_aside(None).await.unwrap();
        assert_eq!(aside.len(), 1, "{db}: {aside:?}");
        assert_eq!(aside[0].mall_order_id, bad.order_number, "{db}");
        assert!(aside[0].reason.contains("orderDatetime"), "{db}: {}", aside[0].reason);
        assert_eq!(aside[0].tries, 1, "{db}: not before its time, and nothing written meanwhile");
        let raw = raw(&rig).await;
        assert!(raw.contains(&bad.order_number) && raw.contains("PackageModelList"), "{db}: {raw}");
        assert!(!raw.contains("cardNumber"), "{db}: less what must be dropped");
        let shop = ShopFacts { name: RAKUTEN_SHOP.to_owned(), mall: "rakuten".to_owned(), enabled: true };
        let facts = status::Facts { shops: vec![shop], settlements: Vec::new() };
        let report = status::report(&rig.store, &facts, rig.now(), rig.now()).await.unwrap();
        assert!(report.attention.iter().any(|a| a.topic == Topic::SetAside && a.count == 1), "{db}");
        assert_eq!(report.set_aside[0].mall_order_id, bad.order_number, "{db}");

        rig.run(MINUTE * 3).await;
        assert_eq!(
            rig.store.set_aside(None).await.unwrap()[0].tries,
            2,
            "{db}: tried again after ten minutes"
        );
        rig.world.set_faults(Vec::new());
        rig.run(MINUTE * 22).await;
        assert!(rig.store.set_aside(None).await.unwrap().is_empty(), "{db}: mended");
        let order = &rig.orders(RAKUTEN_SHOP).await[&bad.order_number].order;
        assert_eq!(order.ordered_at, bad.ordered_at, "{db}");
        daemon.stop().await;
        rig.end().await;
    }
}

/// I4, decisions.md 17.
#[tokio::test]
async fn i4_an_answer_that_cannot_be_read_is_halved_down_to_the_bad_order() {
    for db in stores().await {
        let mut rig = rig(db, 130).await;
        let db = rig.db.name;
        let bad = truth(&rig)[31].order_number.clone();
        rig.world.set_fault(Rule {
            function: "getOrder".to_owned(),
            order: bad.clone(),
            fault: Fault::WrongShape,
            ..Rule::default()
        });
        let daemon = rig.daemon().await;
        rig.run(MINUTE * 9).await;
        let with_it = |calls: Vec<mallsync::sim::Call>| -> Vec<usize> {
            calls.iter().filter(|c| c.orders.contains(&bad)).map(|c| c.orders.len()).collect()
        };
        let sizes = with_it(rig.world.calls());
        let down = sizes.iter().position(|size| *size == 1).unwrap() + 1;
        assert_eq!(sizes[0], 100, "{db}: {sizes:?}");
        assert!(down <= 8 && sizes[..down].windows(2).all(|s| s[1] <= s[0].div_ceil(2)), "{db}: {sizes:?}");
        assert_eq!(rig.orders(RAKUTEN_SHOP).await.len(), 129, "{db}: the others are there");
        let aside = rig.store.set_aside(None).await.unwrap();
        assert_eq!((aside.len(), &aside[0].mall_order_id, aside[0].tries), (1, &bad, 1), "{db}: {aside:?}");
        rig.world.set_faults(Vec::new());
        rig.run(MINUTE * 25).await;
        assert!(rig.store.set_aside(None).await.unwrap().is_empty(), "{db}: mended");
        assert_eq!(rig.orders(RAKUTEN_SHOP).await.len(), 130, "{db}");
        daemon.stop().await;
        rig.end().await;
    }
}

/// Nothing but unreadable answers is the service's state, not the orders' fault.
#[tokio::test]
async fn i4_when_nothing_at_all_can_be_read_no_order_is_blamed() {
    for db in stores().await {
        let mut rig = rig(db, 40).await;
        let rule = Rule { function: "getOrder".to_owned(), fault: Fault::WrongShape, ..Rule::default() };
        rig.world.set_fault(rule);
        let daemon = rig.daemon().await;
        rig.run(MINUTE * 5).await;
        assert!(rig.store.set_aside(None).await.unwrap().is_empty(), "{}", rig.db.name);
        assert_eq!(rig.cursor(RAKUTEN_SHOP, "new").await, None, "{}", rig.db.name);
        rig.world.set_faults(Vec::new());
        rig.run(MINUTE * 15).await;
        assert_eq!(rig.orders(RAKUTEN_SHOP).await.len(), 40, "{}", rig.db.name);
        daemon.stop().await;
        rig.end().await;
    }
}

async fn slip(rig: &Rig, fact: &Fact, serial: u64) {
    let body = 41_000_000_000 + serial;
    let row = SlipRow {
        source: "person:test".to_owned(),
        order_key: fact.order_number.clone(),
        other_keys: Vec::new(),
        reception_numbers: Vec::new(),
        trader_code: None,
        number: format!("{body}{}", body % 7),
        carrier: Carrier::Yamato,
        kind: "0".to_owned(),
        ship_date: None,
        postal_code: None,
        package_id: None,
        b2_registers: None,
        by_number: false,
    };
    let id = &rig.orders(RAKUTEN_SHOP).await[&fact.order_number].id;
    let planning = Planning { contracts: &rig.contracts, now: rig.now() };
    rig.store.add_slip(id, &row, "test", &planning).await.unwrap();
}

/// Orders for which a capture is planned.
async fn offered(rig: &Rig) -> BTreeSet<String> {
    let all = rig.store.list_operations(&OperationFilter::default()).await.unwrap();
    all.into_iter()
        .filter(|row| !row.operation.progress.state.is_final())
        .map(|row| row.operation.intent.reception_number().to_owned())
        .collect()
}

/// I5.
#[tokio::test]
async fn i5_a_code_never_seen_before_is_kept_and_warned_of_once_and_captures_nothing() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let mut rig = rig(db, 60).await;
        let db = rig.db.name;
        rig.contracts = vec![contract(RAKUTEN_SHOP)];
        let daemon = rig.daemon().await;
        rig.run(MINUTE * 3).await;
        let orders = rig.orders(RAKUTEN_SHOP).await;
        let ready = |fact: &Fact| {
            let order = &orders[&fact.order_number].order;
            order.status == Status::AwaitingShipment && fact.due.is_some_and(|due| due > 0)
        };
        let awaiting: Vec<Fact> = truth(&rig).into_iter().filter(ready).collect();
        let [a, b, c, control, ..] = awaiting.as_slice() else { panic!("too few: {awaiting:?}") };
        let number = |fact: &Fact| fact.order_number.rsplit('-').next().unwrap().to_owned();
        rig.world.set_fault(tamper([a, b], "/orderProgress", json!(251)));
        rig.run(HOUR).await;
        for (serial, fact) in [a, b, control].into_iter().enumerate() {
            slip(&rig, fact, serial as u64).await;
        }
        rig.run(HOUR).await;
        let orders = rig.orders(RAKUTEN_SHOP).await;
        for fact in [a, b] {
            let order = &orders[&fact.order_number].order;
            assert_eq!((order.status, order.mall_status.as_str()), (Status::Unknown, "251"), "{db}");
            assert!(
                order.flags.iter().any(|f| f.code == "unknown_status" && f.detail.contains("251")),
                "{db}"
            );
        }
        assert_eq!(offered(&rig).await, [number(control)].into(), "{db}: known ones alone");
        let warned = log.lines(Level::WARN, "\"251\"");
        assert_eq!(warned.len(), 1, "{db}: {warned:?}");

        // The code goes away: so does what it kept back. Another one comes, of a payment method.
        rig.world.set_fault(tamper([c], "/SettlementModel/settlementMethodCode", json!(98)));
        rig.run(HOUR).await;
        slip(&rig, c, 9).await;
        rig.run(HOUR).await;
        let order = rig.orders(RAKUTEN_SHOP).await.remove(&c.order_number).unwrap().order;
        assert_eq!(order.payment.method, PaymentMethod::Other, "{db}");
        assert_eq!(order.payment.mall_method.as_deref(), Some(c.payment.as_str()), "{db}: kept as text");
        assert!(order.flags.iter().any(|f| f.code == "unknown_payment_method"), "{db}");
        assert_eq!(offered(&rig).await, [number(a), number(b), number(control)].into(), "{db}");
        let warned = log.lines(Level::WARN, "settlementMethodCode 98");
        assert_eq!(warned.len(), 1, "{db}: {warned:?}");
        daemon.stop().await;
        rig.end().await;
    }
}

async fn one(rig: &Rig, fact: &Fact) -> Order {
    rig.orders(RAKUTEN_SHOP).await.remove(&fact.order_number).unwrap().order
}

/// I13.
#[tokio::test]
async fn i13_amounts_that_do_not_add_up_are_flagged_and_kept_as_they_are() {
    for db in stores().await {
        let mut rig = rig(db, 30).await;
        let db = rig.db.name;
        let all = truth(&rig);
        let odd = all.iter().find(|f| f.status == "300" && f.due.is_some()).unwrap();
        let daemon = rig.daemon().await;
        rig.run(MINUTE * 3).await;
        let before: Order = one(&rig, odd).await;
        let codes = |order: &Order| -> Vec<String> { order.flags.iter().map(|f| f.code.clone()).collect() };
        assert!(!codes(&before).iter().any(|c| c.ends_with("_mismatch")), "{db}: {:?}", before.flags);

        rig.world.set_fault(tamper([odd], "/totalPrice", json!(7)));
        rig.run(HOUR).await;
        let after = one(&rig, odd).await;
        let codes_after = codes(&after);
        assert!(codes_after.contains(&"total_mismatch".to_owned()), "{db}: {:?}", after.flags);
        assert!(codes_after.contains(&"due_mismatch".to_owned()), "{db}: {:?}", after.flags);
        assert_ne!(after.amounts.total, before.amounts.total, "{db}: as the mall gave it");
        let rest = |order: &Order| mallsync::domain::order::Amounts { total: None, ..order.amounts.clone() };
        assert_eq!(rest(&after), rest(&before), "{db}: nothing is repaired");
        assert_eq!(after.amounts.due.map(|due| due.0), odd.due, "{db}");

        rig.world.set_faults(Vec::new());
        rig.run(HOUR).await;
        assert_eq!(one(&rig, odd).await.amounts, before.amounts, "{db}");
        assert_eq!(codes(&one(&rig, odd).await), codes(&before), "{db}: the flags go with their reason");
        daemon.stop().await;
        rig.end().await;
    }
}
