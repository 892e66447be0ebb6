//! The connector against the simulator, which was written from the contract alone: a misreading in one is caught by the
//! other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use mallsync::clock::ManualClock;
use mallsync::domain::account::Level;
use mallsync::domain::order::{FulfilledBy, Order, Status};
use mallsync::http::{Call, Fault};
use mallsync::malls::{Cursor, Mall, Stream, amazon};
use mallsync::sim::{
    AMAZON_SELLER, AMAZON_SHOP, AmazonShop, AmazonSwitches, Body, Catalogue, Fact, Fault as Planted, Lwa,
    Options, Rule, Server, World,
};

use super::calls::scope;
use super::now;
use crate::rig::Rig;

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);

struct Mirror {
    world: Arc<World>,
    _server: Server,
    mall: Box<dyn Mall>,
    rig: Rig,
}

impl Mirror {
    /// Built from the section that `simulate` writes.
    async fn new(orders: Catalogue) -> Self {
        let clock = ManualClock::new(now());
        let mut shop = AmazonShop::new(AMAZON_SHOP, AMAZON_SELLER, 1, orders);
        shop.client_secret_issued_on = (now() - DAY * 60).jst_date();
        let options =
            Options { amazon: vec![shop.clone()], ..Options::per_day(7, Arc::new(clock.clone()), 1, DAY) };
        let world = World::new(options);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::start(listener, Arc::clone(&world)).unwrap();
        let text = shop.section(server.addr(), std::path::Path::new("/nonexistent"));
        let config: toml::Table = toml::from_str(&text).unwrap();
        let mut section = serde_json::to_value(&config["shops"][AMAZON_SHOP]).unwrap();
        let common = ["mall", "enabled", "schedule", "initial_lookback"];
        section.as_object_mut().unwrap().retain(|key, _| !common.contains(&key.as_str()));
        let built = (amazon::MALL.build)(AMAZON_SHOP, &section).unwrap_or_else(|p| panic!("{p:?}"));
        Self { world, _server: server, mall: built.mall, rig: Rig::new(&built.client, clock) }
    }

    fn call(&self) -> Call<'_> {
        self.rig.call()
    }

    fn switch(&self, change: impl FnOnce(&mut AmazonSwitches)) {
        self.world.switch(|s| change(&mut s.amazon));
    }

    /// One whole pass of a stream from a cursor: its orders, and where it stands.
    async fn pass(
        &self,
        stream: Stream,
        from: Option<Cursor>,
    ) -> Result<(BTreeMap<String, Order>, Cursor), Fault> {
        let (mut cursor, mut orders) = (from, BTreeMap::new());
        loop {
            let page = self.mall.changes(&self.call(), stream, cursor.as_ref(), &scope()).await?;
            assert!(page.refs.is_empty());
            assert!(page.bad.is_empty(), "{:?}", page.bad.first().map(|b| &b.reason));
            orders.extend(page.orders.into_iter().map(|f| (f.order.mall_order_id.clone(), f.order)));
            if !page.more {
                return Ok((orders, page.next));
            }
            cursor = Some(page.next);
        }
    }

    fn agrees(&self, orders: &BTreeMap<String, Order>, wanted: impl Fn(&Fact) -> bool) -> usize {
        let mut count = 0;
        for fact in self.world.truth(AMAZON_SHOP).filter(wanted) {
            let order = orders.get(&fact.order_number).unwrap_or_else(|| panic!("lost: {fact:?}"));
            assert_eq!(order.mall_status, fact.status, "{fact:?}");
            assert_eq!(order.ordered_at, fact.ordered_at, "{fact:?}");
            assert_eq!(order.amounts.due.map(|y| y.0), fact.due, "{fact:?}");
            assert_eq!(order.packages[0].lines.len(), fact.lines, "{fact:?}");
            assert_eq!(order.status == Status::Canceled, fact.canceled, "{fact:?}");
            assert!(
                order.fulfilled_by == FulfilledBy::Shop || order.status != Status::AwaitingShipment,
                "{fact:?}"
            );
            // Some of its orders have prices without tax, some do not say who ships, some are paid in new ways.
            let known = ["tax_exclusive", "unknown_fulfilment", "unknown_payment_method"];
            let odd: Vec<_> = order.flags.iter().filter(|f| !known.contains(&f.code.as_str())).collect();
            assert!(odd.is_empty(), "{odd:?} {fact:?}");
            count += 1;
        }
        count
    }
}

#[tokio::test]
async fn every_order_of_the_simulator_is_read_as_it_was_made() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY * 40, 600)).await;
    let stream = Stream::Backfill { since: now() - DAY * 41, until: now() - HOUR };
    let (orders, _) = mirror.pass(stream, None).await.unwrap();
    let all = mirror.agrees(&orders, |fact| fact.ordered_at < now() - HOUR);
    assert!(all > 590 && orders.len() == all, "{all} of {}", orders.len());
    let seen: BTreeSet<Status> = orders.values().map(|order| order.status).collect();
    let wanted = [Status::Pending, Status::AwaitingShipment, Status::Shipped, Status::Canceled];
    assert!(wanted.iter().all(|status| seen.contains(status)), "{seen:?}");
    assert!(orders.values().any(|order| order.fulfilled_by == FulfilledBy::Mall));
    assert!(orders.values().any(|order| !order.packages[0].tracking_numbers.is_empty()));
    let calls = mirror.world.calls().into_iter().filter(|c| c.function == "searchOrders").count();
    assert!(calls <= 9, "{calls} calls for six pages");
}

#[tokio::test]
async fn the_first_passes_find_what_changed_lately_and_every_open_order() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY * 300, 900)).await;
    let (mut orders, _) = mirror.pass(Stream::New, None).await.unwrap();
    let from = now() - scope().initial_lookback;
    assert!(orders.values().all(|o| o.mall_updated_at >= Some(from)));
    let lately = orders.len();
    orders.extend(mirror.pass(Stream::Late, None).await.unwrap().0);
    let settled = now() - Duration::from_secs(180);
    let closed = ["SHIPPED", "CANCELLED"];
    let found = mirror.agrees(&orders, |f| {
        f.ordered_at < settled && (f.ordered_at >= from || !closed.contains(&f.status.as_str()))
    });
    assert!(found > 20 && lately > 20, "{found}, {lately}");
}

#[tokio::test]
async fn polls_see_every_change_once_it_shows_and_repeated_rows_do_no_harm() {
    let mirror = Mirror::new(Catalogue::per_day(now(), DAY, 60)).await;
    mirror.switch(|s| s.repeats = true);
    let (mut orders, mut cursor) = mirror.pass(Stream::New, None).await.unwrap();
    for _ in 0..96 {
        mirror.rig.clock.advance(Duration::from_secs(900));
        let (seen, next) = mirror.pass(Stream::New, Some(cursor)).await.unwrap();
        orders.extend(seen);
        cursor = next;
        let settled = mirror.world.now() - Duration::from_secs(125);
        for fact in mirror.world.truth_at(AMAZON_SHOP, settled) {
            assert!(orders.contains_key(&fact.order_number), "not seen: {fact:?}");
        }
    }
    // Everything that is still moves: let it show, and look once more.
    mirror.rig.clock.advance(Duration::from_secs(300));
    orders.extend(mirror.pass(Stream::New, Some(cursor)).await.unwrap().0);
    let settled: BTreeMap<String, String> = mirror
        .world
        .truth_at(AMAZON_SHOP, mirror.world.now() - Duration::from_secs(125))
        .map(|fact| (fact.order_number, fact.status))
        .collect();
    let found = mirror.agrees(&orders, |f| settled.get(&f.order_number) == Some(&f.status));
    assert!(found > 100, "{found}");
}

#[tokio::test]
async fn a_search_goes_on_with_its_token_and_begins_anew_without() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY * 5, 450)).await;
    let first = mirror.mall.changes(&mirror.call(), Stream::New, None, &scope()).await.unwrap();
    assert!(first.more && first.orders.len() == 100);
    // Hours later the token still leads to the next page; more than a day later the search begins anew.
    mirror.rig.clock.advance(HOUR * 20);
    let (rest, cursor) = mirror.pass(Stream::New, Some(first.next.clone())).await.unwrap();
    // What changed meanwhile has left the search; the next one shows it.
    let (changed, _) = mirror.pass(Stream::New, Some(cursor)).await.unwrap();
    let mut orders: BTreeSet<_> = first.orders.iter().map(|f| f.order.mall_order_id.clone()).collect();
    orders.extend(rest.into_keys().chain(changed.into_keys()));
    let placed = mirror.world.truth_at(AMAZON_SHOP, now()).count();
    assert!(orders.len() >= placed, "{} of {placed}", orders.len());
    mirror.rig.clock.advance(HOUR * 5);
    let (again, _) = mirror.pass(Stream::New, Some(first.next)).await.unwrap();
    assert!(again.len() >= placed, "{} of {placed}", again.len());
    let refused = mirror.world.calls().into_iter().filter(|c| c.status == 400).count();
    assert_eq!(refused, 0, "a dead token is not sent");
}

#[tokio::test]
async fn details_give_the_same_order_as_the_list() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY * 20, 60)).await;
    let stream = Stream::Backfill { since: now() - DAY * 21, until: now() };
    let (orders, _) = mirror.pass(stream, None).await.unwrap();
    assert!(orders.len() > 50);
    for order in orders.values().take(25) {
        let number = mallsync::domain::ids::OrderRef::new(&order.mall_order_id);
        let read = mirror.mall.details(&mirror.call(), &[number]).await.unwrap();
        assert_eq!(&read.orders[0].order, order);
    }
    let unknown = mallsync::domain::ids::OrderRef::new("250-0000000-0000000");
    let read = mirror.mall.details(&mirror.call(), std::slice::from_ref(&unknown)).await.unwrap();
    assert_eq!(read.missing, [unknown]);
}

#[tokio::test]
async fn tokens_and_secrets_that_end_are_followed_by_others() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY, 5)).await;
    // Tokens that die within minutes, whatever they promised.
    mirror.switch(|s| s.token_life_s = 120);
    for _ in 0..3 {
        mirror.pass(Stream::New, None).await.unwrap();
        mirror.rig.clock.advance(Duration::from_secs(400));
    }
    for lwa in [Lwa::WrongSecret, Lwa::ExpiredSecret] {
        let mirror = Mirror::new(Catalogue::spread(now(), DAY, 5)).await;
        mirror.pass(Stream::New, None).await.unwrap();
        mirror.switch(|s| {
            s.lwa = lwa;
            s.next_secret = true;
        });
        mirror.rig.clock.advance(HOUR * 2);
        let outcome = mirror.pass(Stream::New, None).await;
        assert!(outcome.is_ok(), "{lwa:?}: {:?}", outcome.err());
    }
}

#[tokio::test]
async fn a_short_quota_is_told_as_a_pause() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY, 5)).await;
    let fault = loop {
        // The rig's gate opens for everybody: the simulator's bucket of twenty runs dry.
        match mirror.pass(Stream::New, None).await {
            Ok(_) => assert!(mirror.world.requests() < 40),
            Err(fault) => break fault,
        }
    };
    let Fault::Throttled { until: Some(until) } = fault else { panic!("{fault}") };
    assert!(until.since(mirror.world.now()) >= Duration::from_secs(178));
    mirror.rig.clock.advance(until.since(mirror.world.now()));
    mirror.pass(Stream::New, None).await.unwrap();
}

#[tokio::test]
async fn a_service_in_trouble_is_told_as_passing() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY, 5)).await;
    let status = |status, body| Planted::Status { status, body, effect: false, retry_after: 0 };
    for fault in [
        status(503, Body::Html),
        status(500, Body::Html),
        Planted::EmptyBody,
        Planted::Truncated,
        Planted::CutBody { at: 300 },
        Planted::ResetAfterEffect,
    ] {
        mirror.world.set_faults(vec![Rule {
            service: "amazon".into(),
            fault: fault.clone(),
            ..Rule::default()
        }]);
        let told = mirror.pass(Stream::New, None).await.unwrap_err();
        assert_eq!(told.kind(), "transient", "{fault:?}: {told}");
        mirror.world.set_faults(Vec::new());
        mirror.rig.clock.advance(HOUR);
    }
    mirror.pass(Stream::New, None).await.unwrap();
}

#[tokio::test]
async fn check_names_what_was_planted() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY * 10, 100)).await;
    let (orders, _) = mirror.pass(Stream::New, None).await.unwrap();
    let newest = orders.values().find(|order| order.status == Status::AwaitingShipment).unwrap();
    let newest = mallsync::domain::ids::OrderRef::new(&newest.mall_order_id);
    let found = async |plant: &dyn Fn(&mut AmazonSwitches)| {
        mirror.switch(|s| {
            *s = AmazonSwitches::default();
            plant(s);
        });
        // A token that was given before may go on for its hour.
        mirror.rig.clock.advance(HOUR * 2);
        let before = mirror.world.requests();
        let health = mirror.mall.check(&mirror.call(), Some(&newest)).await.unwrap();
        assert!(mirror.world.requests() - before <= 3);
        let told = health.findings.into_iter().find(|f| f.level != Level::Ok);
        told.map(|f| (f.code, f.level, f.message, f.action.unwrap_or_default()))
    };
    assert_eq!(found(&|_| {}).await, None);
    let (code, level, message, action) = found(&|s| s.pii_role = false).await.unwrap();
    assert_eq!((code.as_str(), level), ("permission_missing", Level::Warning));
    assert!(message.contains("Direct-to-Consumer Delivery (Restricted)") && action.contains("ロール"));
    let (code, level, message, action) = found(&|s| s.order_role = false).await.unwrap();
    assert_eq!((code.as_str(), level), ("permission_missing", Level::Error));
    assert!(message.contains("role") && action.contains("Seller Central"), "{message}");
    let (code, _, message, action) = found(&|s| s.lwa = Lwa::RevokedGrant).await.unwrap();
    assert_eq!(code, "signed_in");
    assert!(message.contains("withdrew") && action.contains("as refresh_token"), "{message}");
    let both = |s: &mut AmazonSwitches| {
        s.lwa = Lwa::ExpiredSecret;
        s.next_secret = false;
    };
    let (code, _, message, action) = found(&both).await.unwrap();
    assert_eq!(code, "signed_in");
    assert!(message.contains("180 days") && action.contains("set client_secret"), "{message}");
    assert_eq!(found(&|_| {}).await, None, "it is well again");
}
