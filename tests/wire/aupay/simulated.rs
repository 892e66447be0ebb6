//! The connector against the simulator, which was written from the contract alone: a misreading in one is caught by the
//! other.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mallsync::clock::ManualClock;
use mallsync::domain::account::Level;
use mallsync::domain::order::{Order, Status};
use mallsync::http::{Call, ClientSpec, Fault};
use mallsync::malls::aupay::AuPay;
use mallsync::malls::aupay::auth::{Credentials, Key};
use mallsync::malls::aupay::map::Statuses;
use mallsync::malls::{Mall, Stream};
use mallsync::secret::Secret;
use mallsync::sim::{
    AUPAY_SHOP, AupayShop, Catalogue, Fact, Fault as Planted, Maintenance, Options, Rule, Server, World,
};

use super::calls::scope;
use super::now;
use crate::rig::Rig;

const DAY: Duration = Duration::from_secs(86_400);
const SHOP_ID: &str = "40012345";

struct Mirror {
    world: Arc<World>,
    _server: Server,
    mall: AuPay,
    rig: Rig,
}

/// What one whole pass of a stream gave.
#[derive(Default)]
struct Pass {
    orders: BTreeMap<String, Order>,
    bad: Vec<String>,
    calls: usize,
}

impl Mirror {
    async fn new(orders: Catalogue) -> Self {
        Self::of_shop(orders, SHOP_ID).await
    }

    async fn of_shop(orders: Catalogue, shop_id: &str) -> Self {
        let clock = ManualClock::new(now());
        let shop = AupayShop::new(AUPAY_SHOP, SHOP_ID, 2, orders);
        let issued_on = (now() - DAY * 30).jst_date();
        let key = |name, secret: &str| Key { name, secret: Secret::new(secret), issued_on: Some(issued_on) };
        let keys = vec![key("api_key", &shop.api_key()), key("api_key_next", &shop.api_key_next())];
        let statuses = Statuses::from([("メーカー取寄せ中".to_owned(), Status::OnHold)]);
        let options = Options { aupay: vec![shop], ..Options::per_day(7, Arc::new(clock.clone()), 1, DAY) };
        let world = World::new(options);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::start(listener, Arc::clone(&world)).unwrap();
        let base_url = format!("http://{}/aupay/wmshopapi/", server.addr());
        Self {
            world,
            _server: server,
            mall: AuPay::new(Credentials::new(shop_id, keys), statuses),
            rig: Rig::new(&ClientSpec { base_url, ..ClientSpec::default() }, clock),
        }
    }

    fn call(&self) -> Call<'_> {
        self.rig.call()
    }

    /// One whole pass of a stream, with the details of everything it names.
    async fn pass(&self, stream: Stream) -> Result<Pass, Fault> {
        let (mut cursor, mut pass) = (None, Pass::default());
        let before = self.world.calls().len();
        loop {
            let page = self.mall.changes(&self.call(), stream, cursor.as_ref(), &scope()).await?;
            pass.bad.extend(page.bad.into_iter().map(|b| b.mall_order_id));
            pass.orders.extend(page.orders.into_iter().map(|f| (f.order.mall_order_id.clone(), f.order)));
            for number in &page.refs {
                let details = self.mall.details(&self.call(), std::slice::from_ref(number)).await?;
                assert!(details.missing.is_empty(), "{:?}", details.missing);
                pass.bad.extend(details.bad.into_iter().map(|b| b.mall_order_id));
                let read = details.orders.into_iter().map(|f| (f.order.mall_order_id.clone(), f.order));
                pass.orders.extend(read);
            }
            cursor = Some(page.next);
            if !page.more {
                pass.calls = self.world.calls().len() - before;
                return Ok(pass);
            }
        }
    }

    fn agrees(&self, orders: &BTreeMap<String, Order>, wanted: impl Fn(&Fact) -> bool) -> usize {
        let mut count = 0;
        for fact in self.world.truth(AUPAY_SHOP).filter(wanted) {
            let order = orders.get(&fact.order_number).unwrap_or_else(|| panic!("lost: {fact:?}"));
            assert_eq!(order.mall_status, fact.status, "{fact:?}");
            assert_eq!(order.ordered_at, fact.ordered_at, "{fact:?}");
            assert_eq!(order.amounts.due.map(|y| y.0), fact.due, "{fact:?}");
            assert_eq!(order.payment.mall_method.as_deref(), Some(fact.payment.as_str()), "{fact:?}");
            assert_eq!(order.packages.len(), fact.packages, "{fact:?}");
            assert_eq!(order.packages[0].lines.len(), fact.lines, "{fact:?}");
            assert_eq!(order.packages[0].tracking_numbers, fact.slips, "{fact:?}");
            assert_eq!(order.status == Status::Canceled, fact.canceled, "{fact:?}");
            // Names and codes that nobody explained, and points that no field shows (§8).
            let explained = ["unknown_status", "unknown_payment_method", "unknown_carrier", "due_mismatch"];
            let odd = order.flags.iter().filter(|f| !explained.contains(&f.code.as_str()));
            assert_eq!(odd.collect::<Vec<_>>(), Vec::<&mallsync::domain::order::Flag>::new(), "{fact:?}");
            count += 1;
        }
        count
    }
}

/// Plants a fault: another registered address, operations without a right.
type Plant = fn(&mut mallsync::sim::Switches, IpAddr, [&str; 3]);

fn backfill(days: u32) -> Stream {
    Stream::Backfill { since: now() - DAY * days, until: now() }
}

#[tokio::test]
async fn every_order_of_the_simulator_is_read_as_it_was_made() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY * 40, 600)).await;
    let pass = mirror.pass(backfill(41)).await.unwrap();
    assert_eq!((mirror.agrees(&pass.orders, |_| true), pass.bad.len()), (600, 0));
    let flagged =
        |code: &str| pass.orders.values().filter(|o| o.flags.iter().any(|f| f.code == code)).count();
    assert!(flagged("due_mismatch") < 30 && flagged("unknown_payment_method") < 60);
}

#[tokio::test]
async fn whatever_the_contract_leaves_open_all_orders_are_read() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY * 6, 700)).await;
    for newest_first in [false, true] {
        for grand_total in [false, true] {
            mirror.world.switch(|s| {
                s.aupay.newest_first = newest_first;
                s.aupay.grand_total = grand_total;
                s.aupay.hollow = newest_first;
                s.aupay.seconds = false;
                s.aupay.canceled_lines_count = grand_total;
            });
            let pass = mirror.pass(Stream::New).await.unwrap();
            assert_eq!(mirror.agrees(&pass.orders, |_| true), 700, "{newest_first} {grand_total}");
        }
    }
}

#[tokio::test]
async fn orders_that_come_between_pages_shift_nothing_out_of_sight() {
    for (newest_first, grand_total) in [(false, false), (true, false), (true, true), (false, true)] {
        let mirror = Mirror::new(Catalogue::per_day(now(), DAY * 6, 100)).await;
        let placed: Vec<String> = mirror.world.truth(AUPAY_SHOP).map(|f| f.order_number).collect();
        mirror.world.switch(|s| {
            s.aupay.newest_first = newest_first;
            s.aupay.grand_total = grand_total;
            s.aupay.insert_between_pages = 25;
        });
        // Those that came up behind the first page's back are seen by the next pass.
        let mut orders = mirror.pass(Stream::New).await.unwrap().orders;
        assert!(orders.len() + 25 >= placed.len());
        orders.extend(mirror.pass(Stream::New).await.unwrap().orders);
        let lost: Vec<_> = placed.iter().filter(|number| !orders.contains_key(*number)).collect();
        assert!(lost.is_empty(), "{newest_first} {grand_total}: {lost:?}");
    }
}

#[tokio::test]
async fn the_first_passes_find_young_orders_and_every_open_one() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY * 300, 900)).await;
    let mut orders = mirror.pass(Stream::New).await.unwrap().orders;
    let from = now() - scope().initial_lookback;
    assert!(orders.values().all(|o| o.ordered_at.jst_date() >= from.jst_date()));
    let late = mirror.pass(Stream::Late).await.unwrap();
    let old = |o: &&Order| o.ordered_at.jst_date() < from.jst_date();
    assert!(
        late.orders.values().filter(old).all(|o| o.status.is_open()),
        "closed ones as far as the look-back"
    );
    orders.extend(late.orders);
    let found = mirror.agrees(&orders, |f| {
        // A status of the shop's that the config does not explain cannot be asked for.
        let open = !f.canceled && f.status != "完了" && f.status != "キャンセル" && is_explained(&f.status);
        f.ordered_at >= from || open
    });
    assert!(found > 20, "{found}");
}

fn is_explained(status: &str) -> bool {
    status == "メーカー取寄せ中"
        || mallsync::malls::aupay::map::STATUSES.iter().any(|known| known.name == status)
}

#[tokio::test]
async fn a_later_pass_finds_what_came_since() {
    let mirror = Mirror::new(Catalogue::per_day(now(), DAY, 50)).await;
    let page = mirror.mall.changes(&mirror.call(), Stream::New, None, &scope()).await.unwrap();
    assert!(!page.more);
    mirror.rig.clock.advance(Duration::from_secs(20 * 3_600));
    let later = mirror.mall.changes(&mirror.call(), Stream::New, Some(&page.next), &scope()).await.unwrap();
    let orders = later.orders.into_iter().map(|f| (f.order.mall_order_id.clone(), f.order)).collect();
    let placed = mirror.agrees(&orders, |f| f.ordered_at > now());
    assert!(placed > 20, "{placed}");
    assert!(!later.more);
}

#[tokio::test]
async fn one_order_with_a_fault_is_set_aside_alone() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY * 3, 150)).await;
    let victim = mirror.world.truth(AUPAY_SHOP).nth(70).unwrap().order_number;
    for value in ["二個", "1.5"] {
        mirror.world.set_faults(vec![Rule {
            service: "aupay".into(),
            fault: Planted::Tamper {
                orders: [victim.clone()].into(),
                place: "/detail/0/unit".into(),
                value: value.into(),
            },
            ..Rule::default()
        }]);
        let pass = mirror.pass(Stream::New).await.unwrap();
        assert_eq!((pass.orders.len(), pass.bad.as_slice()), (149, [victim.clone()].as_slice()), "{value}");
    }
    for fault in [Planted::ExtraElements, Planted::Decorated, Planted::Bom] {
        mirror.world.set_faults(vec![Rule { service: "aupay".into(), fault, ..Rule::default() }]);
        let pass = mirror.pass(Stream::New).await.unwrap();
        assert_eq!(mirror.agrees(&pass.orders, |_| true), 150);
    }
}

#[tokio::test]
async fn faults_of_the_service_have_their_names() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY, 30)).await;
    let status = |status, retry_after| Planted::Status {
        status,
        body: mallsync::sim::Body::Html,
        effect: false,
        retry_after,
    };
    for (fault, kind) in [
        (Planted::Truncated, "transient"),
        (Planted::EmptyBody, "transient"),
        (Planted::WrongShape, "transient"),
        (Planted::CutBody { at: 700 }, "transient"),
        (Planted::ResetBeforeEffect, "transient"),
        (Planted::MaintenancePage, "transient"),
        (status(502, 0), "transient"),
        (status(503, 0), "maintenance"),
        (status(429, 60), "throttled"),
        (Planted::Doctype, "malformed"),
        (Planted::Code { code: "XYZ1".into(), effect: false }, "transient"),
        (Planted::Auth { code: "0002".into() }, "auth"),
        (Planted::Auth { code: "CME0022".into() }, "auth"),
    ] {
        let rule = Rule { service: "aupay".into(), fault: fault.clone(), ..Rule::default() };
        mirror.world.set_faults(vec![rule]);
        let fault_seen = mirror.pass(Stream::New).await.err().map(|f| f.kind());
        assert_eq!(fault_seen, Some(kind), "{fault:?}");
    }
    mirror.world.set_faults(Vec::new());
    for maintenance in [Maintenance::Code, Maintenance::Html] {
        mirror.world.switch(|s| s.aupay.maintenance = maintenance);
        assert_eq!(mirror.pass(Stream::New).await.err().map(|f| f.kind()), Some("maintenance"));
    }
    mirror.world.switch(|s| s.aupay.maintenance = Maintenance::Off);
    // Errors with any HTTP status, flat ones too.
    for (http, flat) in [(200, true), (400, false), (500, false)] {
        mirror
            .world
            .switch(|s| (s.aupay.error_http, s.aupay.auth_http, s.aupay.flat_errors) = (http, http, flat));
        mirror.world.set_faults(vec![Rule {
            service: "aupay".into(),
            fault: Planted::Auth { code: "0002".into() },
            ..Rule::default()
        }]);
        assert_eq!(mirror.pass(Stream::New).await.err().map(|f| f.kind()), Some("auth"), "{http} {flat}");
    }
}

#[tokio::test]
async fn a_key_that_was_renewed_is_followed_by_the_next() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY, 30)).await;
    assert_eq!(mirror.pass(Stream::New).await.unwrap().calls, 1);
    assert!(mirror.world.reissue_aupay_key(AUPAY_SHOP));
    assert_eq!(mirror.pass(Stream::New).await.unwrap().calls, 2);
    assert_eq!(mirror.pass(Stream::New).await.unwrap().calls, 1, "the key that works is asked first");
}

#[tokio::test]
async fn single_reads_of_unknown_numbers_harm_nobody() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY, 3)).await;
    let unknown = [mallsync::domain::ids::OrderRef::new("999999999")];
    for (refused, hollow) in [(false, false), (false, true), (true, false)] {
        mirror.world.switch(|s| (s.aupay.unknown_order_refused, s.aupay.hollow) = (refused, hollow));
        let read = mirror.mall.details(&mirror.call(), &unknown).await.unwrap();
        assert_eq!((read.orders.len(), read.missing.len() + read.bad.len()), (0, 1), "{refused} {hollow}");
    }
}

#[tokio::test]
async fn check_is_content_with_a_healthy_account_and_names_each_planted_fault() {
    let mirror = Mirror::new(Catalogue::spread(now(), DAY, 300)).await;
    let health = mirror.mall.check(&mirror.call(), None).await.unwrap();
    let bad: Vec<_> = health.findings.iter().filter(|f| f.level != Level::Ok).collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert_eq!((mirror.world.calls().len(), health.expiries.len()), (1, 2));

    let elsewhere: IpAddr = "203.0.113.9".parse().unwrap();
    let orders = ["searchTradeInfoListProc", "searchTradeNoListProc", "searchTradeInfoProc"];
    let faults: [(&str, Plant); 3] = [
        ("signed_in", |s, elsewhere, _| s.aupay.registered_address = Some(elsewhere)),
        ("address_not_registered", |s, elsewhere, _| {
            s.aupay.registered_address = Some(elsewhere);
            s.aupay.address_forbidden = true;
        }),
        ("permission_missing", |s, _, orders| s.aupay.functions_off = orders.map(str::to_owned).into()),
    ];
    for (code, plant) in faults {
        let mirror = Mirror::new(Catalogue::spread(now(), DAY, 3)).await;
        mirror.world.switch(|s| plant(s, elsewhere, orders));
        let health = mirror.mall.check(&mirror.call(), None).await.unwrap();
        let first = &health.findings[0];
        assert_eq!((first.code.as_str(), first.level), (code, Level::Error), "{first:?}");
        assert!(first.action.as_ref().unwrap().contains("API利用申請"), "{first:?}");
        assert_eq!(mirror.world.calls().len(), 3, "{code}");
    }

    let mirror = Mirror::of_shop(Catalogue::spread(now(), DAY, 3), "40099999").await;
    let health = mirror.mall.check(&mirror.call(), None).await.unwrap();
    assert_eq!(health.findings[0].code, "shop_id");

    // Both keys are over.
    let mirror = Mirror::new(Catalogue::spread(now(), DAY, 3)).await;
    mirror.world.set_keys(AUPAY_SHOP, Vec::new());
    mirror.rig.clock.advance(DAY * 70);
    let health = mirror.mall.check(&mirror.call(), None).await.unwrap();
    assert!(health.findings[0].message.contains("api_key ended on"), "{:?}", health.findings);
}
