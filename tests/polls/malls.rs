//! Four malls side by side: a week of bad luck, a quiet day with backfills, one mall that is down. At the end the
//! database shows what the malls show, no call was one too many, and no mall made another wait.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::engine::chores::SyncOptions;
use mallsync::malls::Stream;
use mallsync::sim::{
    AMAZON_SHOP, AUPAY_SHOP, Body, Catalogue, Fact, Fault, Options, RAKUTEN_SHOP, Rule, YAHOO_SHOP,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::agree::agree_with_the_mall;
use crate::rig::{DAY, Daemon, HOUR, MINUTE, Rig, seeds};
use crate::support::{start, stores};

const SHOPS: [&str; 4] = [RAKUTEN_SHOP, YAHOO_SHOP, AUPAY_SHOP, AMAZON_SHOP];
const SERVICES: [&str; 4] = ["rakuten", "yahoo", "aupay", "amazon"];

/// Each mall's orders over `history` before the start, and after it without end.
fn pace(options: &mut Options, history: Duration, per_day: u64) {
    let orders = Catalogue::per_day(start(), history, per_day);
    options.rakuten[0].orders = orders;
    options.yahoo[0].orders = orders;
    // A list of au PAY is its whole orders: a few make many bytes.
    options.aupay[0].orders = Catalogue::per_day(start(), history, per_day.div_ceil(4));
    options.amazon[0].orders = orders;
    options.cart.total = 0;
}

/// What goes wrong for an hour or so, at any of the malls.
fn weather(dice: &mut StdRng) -> Vec<Rule> {
    let status = |status, retry_after| Fault::Status { status, body: Body::Html, effect: false, retry_after };
    let faults = [
        Fault::ResetBeforeEffect,
        Fault::ResetAfterEffect,
        Fault::Truncated,
        Fault::CutBody { at: 700 },
        Fault::EmptyBody,
        Fault::MaintenancePage,
        Fault::Bom,
        Fault::ExtraElements,
        status(429, 0),
        status(500, 0),
        status(503, 0),
    ];
    let mut rules = Vec::new();
    for service in SERVICES {
        if dice.random_ratio(1, 3) {
            let fault = faults[dice.random_range(0..faults.len())].clone();
            let per_million = dice.random_range(20_000..400_000);
            rules.push(Rule { service: service.to_owned(), per_million, fault, ..Rule::default() });
        }
    }
    rules
}

async fn week(rig: &mut Rig, seed: u64) {
    let mut dice = StdRng::seed_from_u64(seed);
    let end = start() + DAY * 7;
    let mut daemon: Option<Daemon> = None;
    while rig.now() < end {
        rig.world.set_faults(weather(&mut dice));
        if dice.random_ratio(1, 3) {
            let shop = SHOPS[dice.random_range(0..SHOPS.len())];
            let open: Vec<Fact> = rig.world.truth(shop).filter(|f| !f.canceled).collect();
            rig.world.cancel(shop, &open[dice.random_range(0..open.len())].order_number);
        }
        if daemon.is_none() {
            let polls = if dice.random_ratio(1, 2) { dice.random_range(5..4_000) } else { u64::MAX };
            daemon = Some(rig.mortal(polls).await);
        }
        rig.run(MINUTE * dice.random_range(60..480)).await;
        if let Some(one) = daemon.take() {
            if one.is_dead() {
                one.kill().await;
            } else if dice.random_ratio(1, 5) {
                one.stop().await;
            } else {
                daemon = Some(one);
            }
        }
    }
    if let Some(daemon) = daemon {
        daemon.kill().await;
    }
}

/// I1, I3, I12, I13.
#[tokio::test]
async fn after_a_week_of_faults_the_database_equals_the_four_malls_field_by_field() {
    for seed in seeds() {
        // The databases in turn: a week is long.
        let turn = if seed % 2 == 1 { "sqlite" } else { "postgres" };
        let db = stores().await.into_iter().find(|db| db.name == turn).unwrap();
        // Thousands of orders with every third seed, beginning with the first; hundreds with the others.
        let per_day = if seed % 3 == 1 { 64 } else { 24 };
        let mut rig = Rig::four(db, seed, "7 */2 * * *", |options| pace(options, DAY * 4, per_day)).await;
        week(&mut rig, seed).await;

        // A good day: every pace of reading comes round once.
        rig.world.set_faults(Vec::new());
        let quiet_since = rig.now();
        let daemon = rig.daemon().await;
        rig.run(HOUR * 27).await;
        daemon.stop().await;
        assert_eq!(rig.world.early_calls(), [], "{turn}, seed {seed}");

        // Somebody else, who never saw any of it, looks at the same malls. What has not changed since the good day began
        // must look alike to both.
        let fresh = stores().await.into_iter().find(|db| db.name == turn).unwrap();
        let fresh = rig.look_afresh(fresh, DAY * 14).await;
        for shop in SHOPS {
            let case = format!("{turn}, seed {seed}, {shop}");
            let aside = rig.store.set_aside(Some(shop)).await.unwrap();
            assert!(aside.is_empty(), "{case}: still set aside: {aside:?}");
            let orders = rig.orders(shop).await;
            let found = agree_with_the_mall(&case, &rig.world, shop, quiet_since, &orders, &fresh[shop]);
            assert!(found > 40, "{case}: {found}");
        }
        rig.end().await;
    }
}

/// I12, and decisions.md 18: a backfill lives on the quota that live polling leaves.
#[tokio::test]
async fn new_orders_are_seen_within_a_tick_while_backfills_run_and_no_quota_is_exceeded() {
    let db = stores().await.remove(0);
    let mut rig = Rig::four(db, 5, "*/15 * * * *", |options| pace(options, DAY * 10, 30)).await;
    let daemon = rig.daemon().await;
    let options = SyncOptions { since: Some(start() - DAY * 9), ..SyncOptions::default() };
    rig.ask(&options).await;
    rig.run(DAY).await;
    let tick = MINUTE * 15;
    for shop in SHOPS {
        let orders = rig.orders(shop).await;
        let mut judged = BTreeSet::new();
        for hours in (2..23).step_by(4) {
            let visible = start() + HOUR * hours;
            for fact in rig.world.truth_at(shop, visible).filter(|f| f.ordered_at > start()) {
                let seen = orders.get(&fact.order_number);
                let seen = seen.unwrap_or_else(|| panic!("{shop}: not seen: {fact:?}"));
                let late = seen.first_seen_at.since(visible);
                assert!(late <= tick + MINUTE * 3, "{shop}: {fact:?} was seen {late:?} after it was visible");
                judged.insert(fact.order_number);
            }
        }
        assert!(judged.len() > 5, "{shop}: {}", judged.len());
    }
    assert_eq!(rig.world.early_calls(), []);
    daemon.stop().await;
    rig.end().await;
}

#[tokio::test]
async fn a_mall_that_is_down_delays_no_other() {
    let db = stores().await.remove(0);
    let mut rig = Rig::four(db, 6, "*/5 * * * *", |options| pace(options, DAY, 20)).await;
    rig.watch.lock().unwrap().stalled.insert(YAHOO_SHOP.to_owned());
    let refused = Fault::Status { status: 503, body: Body::Html, effect: false, retry_after: 0 };
    rig.world.set_faults(vec![Rule { service: "rakuten".to_owned(), fault: refused, ..Rule::default() }]);
    let daemon = rig.daemon().await;
    rig.run(HOUR * 2).await;
    let ticks = |rig: &Rig, shop: &str| {
        let at: BTreeSet<i64> = rig
            .asked(shop, |stream| stream == Stream::New)
            .into_iter()
            .map(|at: Timestamp| at.micros() / 300_000_000)
            .collect();
        at.len()
    };
    let counts: BTreeMap<&str, usize> = SHOPS.into_iter().map(|shop| (shop, ticks(&rig, shop))).collect();
    assert!(counts[AUPAY_SHOP] >= 23 && counts[AMAZON_SHOP] >= 23, "{counts:?}");
    assert!(rig.orders(AUPAY_SHOP).await.len() > 4 && rig.orders(AMAZON_SHOP).await.len() > 15);
    daemon.stop().await;
    rig.end().await;
}
