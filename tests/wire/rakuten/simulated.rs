//! The connector against the simulator, which was written from the contract alone: a misreading in one is caught by the
//! other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mallsync::clock::ManualClock;
use mallsync::domain::account::Level;
use mallsync::domain::order::Order;
use mallsync::http::{Call, ClientSpec, Fault};
use mallsync::malls::rakuten::Rakuten;
use mallsync::malls::rakuten::auth::Credentials;
use mallsync::malls::{Mall, Stream};
use mallsync::secret::Secret;
use mallsync::sim::{Catalogue, Maintenance, Options, RAKUTEN_SHOP, RAKUTEN_SHOP_ID, Server, Shop, World};

use super::calls::scope;
use super::now;
use crate::rig::Rig;

const DAY: Duration = Duration::from_secs(86_400);

struct Mirror {
    world: Arc<World>,
    _server: Server,
    mall: Rakuten,
    rig: Rig,
}

impl Mirror {
    async fn new(orders: Catalogue) -> Self {
        let clock = ManualClock::new(now());
        let shop = Shop::new(RAKUTEN_SHOP, RAKUTEN_SHOP_ID, 1, orders);
        let keys = vec![
            ("license_key", Secret::new(&shop.license_key())),
            ("license_key_next", Secret::new(&shop.license_key_next())),
        ];
        let credentials = Credentials::new(Secret::new(&shop.service_secret()), keys);
        let options = Options { rakuten: vec![shop], ..Options::per_day(7, Arc::new(clock.clone()), 1, DAY) };
        let world = World::new(options);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::start(listener, Arc::clone(&world)).unwrap();
        let base_url = format!("http://{}/rakuten", server.addr());
        Self {
            world,
            _server: server,
            mall: Rakuten::new(credentials, 10),
            rig: Rig::new(&ClientSpec { base_url, ..ClientSpec::default() }, clock),
        }
    }

    fn call(&self) -> Call<'_> {
        self.rig.call()
    }

    /// One whole pass of a stream, with the details of everything it names.
    async fn pass(&self, stream: Stream) -> Result<BTreeMap<String, Order>, Fault> {
        let (mut cursor, mut orders) = (None, BTreeMap::new());
        loop {
            let page = self.mall.changes(&self.call(), stream, cursor.as_ref(), &scope()).await?;
            for batch in page.refs.chunks(self.mall.details_per_call()) {
                let details = self.mall.details(&self.call(), batch).await?;
                assert!(details.bad.is_empty(), "{:?}", details.bad.first().map(|b| &b.reason));
                assert!(details.missing.is_empty(), "{:?}", details.missing);
                orders.extend(details.orders.into_iter().map(|f| (f.order.mall_order_id.clone(), f.order)));
            }
            cursor = Some(page.next);
            if !page.more {
                return Ok(orders);
            }
        }
    }

    fn agrees(
        &self,
        orders: &BTreeMap<String, Order>,
        wanted: impl Fn(&mallsync::sim::Fact) -> bool,
    ) -> usize {
        let mut count = 0;
        for fact in self.world.truth(RAKUTEN_SHOP).filter(wanted) {
            let order = orders.get(&fact.order_number).unwrap_or_else(|| panic!("lost: {fact:?}"));
            assert_eq!(order.mall_status, fact.status, "{fact:?}");
            assert_eq!(order.ordered_at, fact.ordered_at, "{fact:?}");
            assert_eq!(order.amounts.due.map(|y| y.0), fact.due, "{fact:?}");
            assert_eq!(order.payment.mall_method.as_deref(), Some(fact.payment.as_str()), "{fact:?}");
            assert_eq!(order.packages.len(), fact.packages, "{fact:?}");
            assert_eq!(order.packages.iter().map(|p| p.lines.len()).sum::<usize>(), fact.lines, "{fact:?}");
            let odd: Vec<_> = order.flags.iter().filter(|f| f.code != "mall_caution").collect();
            assert!(odd.is_empty(), "{odd:?} {fact:?}");
            count += 1;
        }
        count
    }
}

#[tokio::test]
async fn every_order_of_the_simulator_is_read_as_it_was_made() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY * 40, 600)).await;
    let stream = Stream::Backfill { since: now() - DAY * 41, until: now() };
    let orders = mirror.pass(stream).await.unwrap();
    assert_eq!(mirror.agrees(&orders, |_| true), 600);
}

#[tokio::test]
async fn the_first_passes_find_young_orders_and_every_open_one() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY * 300, 900)).await;
    let mut orders = mirror.pass(Stream::New).await.unwrap();
    assert!(orders.values().all(|o| o.ordered_at >= now() - scope().initial_lookback));
    orders.extend(mirror.pass(Stream::Late).await.unwrap());
    let closed = ["500", "600", "700", "900"];
    let from = now() - scope().initial_lookback;
    let found = mirror.agrees(&orders, |f| f.ordered_at >= from || !closed.contains(&f.status.as_str()));
    assert!(found > 20, "{found}");
}

#[tokio::test]
async fn a_later_pass_finds_what_came_since() {
    let mirror = Mirror::new(Catalogue::per_day(now(), DAY, 50)).await;
    let page = mirror.mall.changes(&mirror.call(), Stream::New, None, &scope()).await.unwrap();
    assert!(!page.more);
    mirror.rig.clock.advance(Duration::from_secs(6 * 3_600));
    let later = mirror.mall.changes(&mirror.call(), Stream::New, Some(&page.next), &scope()).await.unwrap();
    let new = later.refs.iter().filter(|r| !page.refs.contains(r)).count();
    let placed = mirror.world.truth(RAKUTEN_SHOP).filter(|f| f.ordered_at > now()).count();
    assert_eq!(new, placed);
    assert!(placed > 5 && later.refs.len() <= placed + 2, "{placed} new, {} read", later.refs.len());
}

#[tokio::test]
async fn a_crowded_window_is_halved_until_all_of_it_can_be_read() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY, 20_000)).await;
    for capped in [false, true] {
        mirror.world.switch(|s| s.rakuten.capped_total = capped);
        let (mut cursor, mut numbers) = (None, std::collections::BTreeSet::new());
        let stream = Stream::Backfill { since: now() - DAY, until: now() };
        loop {
            let page = mirror.mall.changes(&mirror.call(), stream, cursor.as_ref(), &scope()).await.unwrap();
            numbers.extend(page.refs.into_iter().map(|r| r.mall_order_id));
            cursor = Some(page.next);
            if !page.more {
                break;
            }
        }
        assert_eq!(numbers.len(), 20_000, "capped: {capped}");
    }
}

#[tokio::test]
async fn an_older_server_is_asked_for_an_older_edition() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY * 3, 60)).await;
    for version in [9, 8, 7] {
        mirror.world.switch(|s| s.rakuten.max_version = version);
        let orders = mirror.pass(Stream::New).await.unwrap();
        assert_eq!(mirror.agrees(&orders, |_| true), 60, "edition {version}");
    }
}

#[tokio::test]
async fn what_the_simulator_switches_off_is_named() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY, 3)).await;
    mirror.world.switch(|s| {
        s.rakuten.functions_off.insert("getOrder".into());
    });
    let Err(Fault::Auth { message, .. }) = mirror.pass(Stream::New).await else { panic!() };
    assert!(message.contains("rpay.order.getOrder is not enabled"), "{message}");
    mirror.world.switch(|s| s.rakuten.functions_off.clear());
    for maintenance in [Maintenance::Code, Maintenance::Html] {
        mirror.world.switch(|s| s.rakuten.maintenance = maintenance);
        assert_eq!(mirror.pass(Stream::New).await.unwrap_err().kind(), "maintenance");
    }
}

#[tokio::test]
async fn check_is_content_with_a_healthy_account() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY, 30_000)).await;
    let health = mirror.mall.check(&mirror.call(), None).await.unwrap();
    let bad: Vec<_> = health.findings.iter().filter(|f| f.level == Level::Error).collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert_eq!(mirror.world.calls().len(), 3);
    assert_eq!(mirror.mall.expiries(&mirror.call()).await.unwrap().len(), 2);
}
