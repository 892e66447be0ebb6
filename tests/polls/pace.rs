//! When shops are polled: schedules, slow malls, long backfills, shops that are down, keys that die.

use std::collections::BTreeSet;
use std::time::Duration;

use mallsync::clock::schedule::Schedule;
use mallsync::clock::{Clock, Timestamp};
use mallsync::engine::chores::SyncOptions;
use mallsync::engine::poll::backfill_row;
use mallsync::malls::Stream;
use mallsync::sim::{Catalogue, Key, RAKUTEN_SHOP, RAKUTEN_SHOP_ID, Shop};
use mallsync::store::streams::StreamRow;
use serde_json::json;
use tracing::Level;

use crate::log::Log;
use crate::rig::{DAY, HOUR, LOOKS, MINUTE, Rig, numbers};
use crate::support::{start, stores};

fn is_new(stream: Stream) -> bool {
    stream == Stream::New
}

async fn row(rig: &Rig, shop: &str, stream: &str) -> StreamRow {
    let rows = rig.store.streams(Some(shop)).await.unwrap();
    rows.into_iter().find(|row| row.stream == stream).unwrap()
}

#[tokio::test]
async fn a_run_never_overlaps_itself_and_the_ticks_it_missed_are_counted_and_made_up_for_once() {
    for db in stores().await {
        let mut rig = Rig::new(db, 8, "*/5 * * * *", |options| {
            options.rakuten[0].orders = Catalogue::spread(start(), DAY, 5);
        })
        .await;
        let db = rig.db.name;
        let daemon = rig.daemon().await;
        rig.run(HOUR).await;
        assert_eq!(row(&rig, RAKUTEN_SHOP, "new").await.skipped, 0, "{db}: in time so far");

        let slow = MINUTE * 12;
        rig.watch.lock().unwrap().slow.insert(RAKUTEN_SHOP.to_owned(), slow);
        let from = rig.now();
        rig.run(HOUR * 3 - MINUTE).await;
        let runs: Vec<Timestamp> =
            rig.asked(RAKUTEN_SHOP, is_new).into_iter().filter(|at| *at > from).collect();
        let schedule = Schedule::parse("*/5 * * * *").unwrap();
        let missed = |begun: &Timestamp| {
            let end = *begun + slow;
            schedule.upcoming(*begun).take_while(|tick| *tick < end).count()
        };
        let ended = runs.iter().filter(|begun| **begun + slow + MINUTE < rig.now());
        let expected: usize = ended.map(missed).sum();
        let skipped = row(&rig, RAKUTEN_SHOP, "new").await.skipped;
        assert!(runs.len() >= 8 && expected > 15, "{db}: {runs:?}");
        assert_eq!(usize::try_from(skipped).unwrap(), expected, "{db}: {runs:?}");
        assert!(runs.windows(2).all(|pair| pair[1] >= pair[0] + slow), "{db}: {runs:?}");
        assert_eq!(rig.watch.lock().unwrap().overlaps, 0, "{db}");
        rig.watch.lock().unwrap().slow.clear();
        daemon.stop().await;

        // Nobody was there for three hours: one run makes up for all of them, and then the schedule goes on.
        rig.run(HOUR * 3).await;
        let back = rig.now();
        let daemon = rig.daemon().await;
        rig.run(MINUTE * 16).await;
        let runs: Vec<Timestamp> =
            rig.asked(RAKUTEN_SHOP, is_new).into_iter().filter(|at| *at >= back).collect();
        let mut expected = vec![back];
        expected.extend(schedule.upcoming(back).take_while(|tick| *tick < rig.now()));
        assert_eq!(runs.len(), expected.len(), "{db}: {runs:?}");
        let near = runs.iter().zip(&expected).all(|(run, tick)| run.since(*tick) < MINUTE);
        assert!(near, "{db}: {runs:?}");
        daemon.stop().await;
        rig.end().await;
    }
}

#[tokio::test]
async fn new_orders_come_first_and_a_long_backfill_makes_way_for_them() {
    for db in stores().await {
        let mut rig = Rig::new(db, 9, "*/5 * * * *", |options| {
            options.rakuten[0].orders = Catalogue::spread(start(), DAY * 600, 60);
        })
        .await;
        let db = rig.db.name;
        let slow = Duration::from_secs(50);
        rig.watch.lock().unwrap().slow.insert(RAKUTEN_SHOP.to_owned(), slow);
        let since = start() - DAY * 700;
        let backfill = backfill_row(since, start());
        let live = ["new", "late", "open", &backfill];
        rig.store.ensure_streams(RAKUTEN_SHOP, &live, start()).await.unwrap();
        let daemon = rig.daemon().await;
        rig.run(HOUR * 2).await;
        let all = rig.asked(RAKUTEN_SHOP, |_| true);
        let news = rig.asked(RAKUTEN_SHOP, is_new);
        assert_eq!(all[0], news[0], "{db}: the short stream is the first");
        assert!(row(&rig, RAKUTEN_SHOP, &backfill).await.finished, "{db}");
        let pages = rig.asked(RAKUTEN_SHOP, |stream| matches!(stream, Stream::Backfill { .. }));
        assert!(pages.len() >= 12, "{db}: {pages:?}");
        // Each tick is kept, but for the page that was under way.
        for pair in news.windows(2) {
            assert!(pair[1].since(pair[0]) <= MINUTE * 5 + slow + MINUTE, "{db}: {news:?}");
        }
        let between = news.windows(2).filter(|w| pages.iter().any(|p| w[0] < *p && *p < w[1])).count();
        assert!(between >= 2, "{db}: the backfill was interrupted: {news:?} {pages:?}");
        assert_eq!(rig.orders(RAKUTEN_SHOP).await.len(), 60, "{db}: all of them in the end");
        daemon.stop().await;
        rig.end().await;
    }
}

/// A page of the backfill takes its calls; new orders are looked for more often than that.
#[tokio::test]
async fn a_backfill_gets_on_however_often_new_orders_are_looked_for() {
    for db in stores().await {
        let mut rig = Rig::new(db, 15, "*/5 * * * * *", |options| {
            options.rakuten[0].orders = Catalogue::spread(start() - DAY * 10, DAY, 900);
        })
        .await;
        let db = rig.db.name;
        rig.hold_the_world_still();
        let backfill = backfill_row(start() - DAY * 12, start());
        rig.store.ensure_streams(RAKUTEN_SHOP, &["late", "open"], start() + DAY).await.unwrap();
        rig.store.ensure_streams(RAKUTEN_SHOP, &["new", &backfill], start()).await.unwrap();
        let daemon = rig.daemon().await;
        rig.run(MINUTE * 2).await;
        daemon.stop().await;
        assert!(row(&rig, RAKUTEN_SHOP, &backfill).await.finished, "{db}");
        assert_eq!(rig.orders(RAKUTEN_SHOP).await.len(), 900, "{db}");
        assert_eq!(rig.calls("getOrder"), 9, "{db}: no order was read twice");
        assert!(rig.asked(RAKUTEN_SHOP, is_new).len() > 10, "{db}: new ones were looked for meanwhile");
        rig.end().await;
    }
}

/// To read all open orders again takes longer than the schedule leaves between two looks for new ones.
#[tokio::test]
async fn open_orders_are_read_again_between_looks_for_new_ones() {
    for db in stores().await {
        let mut rig = Rig::new(db, 16, "*/5 * * * * *", |options| {
            options.rakuten[0].orders = Catalogue::spread(start() - DAY * 2, DAY, 1_000);
        })
        .await;
        let db = rig.db.name;
        rig.hold_the_world_still();
        rig.store.ensure_streams(RAKUTEN_SHOP, &["late"], start() + DAY).await.unwrap();
        rig.store.ensure_streams(RAKUTEN_SHOP, &["new"], start()).await.unwrap();
        assert_eq!(rig.pass(0, &["new".to_owned()]).await.error, None, "{db}");
        assert_eq!(rig.orders(RAKUTEN_SHOP).await.len(), 1_000, "{db}");
        let (from, read) = (rig.now(), rig.calls("getOrder"));
        rig.store.ensure_streams(RAKUTEN_SHOP, &["open"], from).await.unwrap();
        let daemon = rig.daemon().await;
        rig.run(MINUTE * 2).await;
        daemon.stop().await;
        let read = rig.calls("getOrder") - read;
        assert!((6..=10).contains(&read), "{db}: {read} calls, no order was read twice");
        let news = rig.asked(RAKUTEN_SHOP, is_new);
        let news: Vec<Timestamp> = news.into_iter().filter(|at| *at >= from).collect();
        let latest = news.windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap();
        assert!(news.len() > 15 && latest < Duration::from_secs(10), "{db}: {latest:?} {news:?}");
        rig.end().await;
    }
}

/// I1: what a search cannot show at once is cut, and an aborted backfill goes on where it stopped.
#[tokio::test]
async fn i1_a_crowded_backfill_is_cut_and_goes_on_where_it_stopped() {
    let orders = 40_000;
    for db in stores().await {
        let mut rig = Rig::new(db, 10, "*/5 * * * *", |options| {
            options.rakuten[0].orders = Catalogue::spread(start(), DAY * 30, orders);
        })
        .await;
        let db = rig.db.name;
        rig.hold_the_world_still();
        let row = backfill_row(start() - DAY * 31, start());
        // The live streams rest: this is about the long one.
        rig.store.ensure_streams(RAKUTEN_SHOP, &["new", "late", "open", &row], start() + DAY).await.unwrap();
        rig.watch.lock().unwrap().thin.insert(RAKUTEN_SHOP.to_owned(), BTreeSet::new());
        let read = |rig: &Rig| {
            let mut watch = rig.watch.lock().unwrap();
            std::mem::take(watch.thin.get_mut(RAKUTEN_SHOP).unwrap())
        };
        let pass = rig.pass_until(0, std::slice::from_ref(&row), 25).await;
        assert!(pass.is_none(), "{db}: aborted in the middle");
        let (first, searches) = (read(&rig), rig.calls("searchOrder"));
        assert!((10_000..30_000).contains(&first.len()), "{db}: {}", first.len());
        rig.run(MINUTE * 6).await;
        let pass = rig.pass(0, std::slice::from_ref(&row)).await;
        assert_eq!(pass.error, None, "{db}");
        let second = read(&rig);
        let again = first.intersection(&second).count();
        assert!(again <= 2_000, "{db}: {again} read a second time");
        let all: BTreeSet<String> = first.union(&second).cloned().collect();
        let truth: BTreeSet<String> = numbers(&rig, RAKUTEN_SHOP).into_iter().collect();
        assert!(all == truth, "{db}: {} of {}", all.len(), truth.len());
        let searches = (searches, rig.calls("searchOrder"));
        assert!(
            searches.1 <= 60,
            "{db}: forty full pages, windows that were cut, one page again: {searches:?}"
        );
        rig.end().await;
    }
}

#[tokio::test]
async fn a_shop_that_is_down_keeps_no_other_waiting() {
    for db in stores().await {
        let mut rig = Rig::new(db, 11, "*/5 * * * *", |options| {
            let orders = Catalogue::per_day(start(), DAY, 10);
            options.rakuten = vec![
                Shop::new("a-stalled", RAKUTEN_SHOP_ID + 1, 2, orders),
                Shop::new("b-refused", RAKUTEN_SHOP_ID + 2, 3, orders),
                Shop::new(RAKUTEN_SHOP, RAKUTEN_SHOP_ID, 1, orders),
            ];
        })
        .await;
        let db = rig.db.name;
        // A port that nobody listens on.
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        rig.specs[1].section["base_url"] = json!(format!("http://{closed}/rakuten"));
        rig.watch.lock().unwrap().stalled.insert("a-stalled".to_owned());
        let daemon = rig.daemon().await;
        rig.run(HOUR * 2 - MINUTE).await;
        for down in ["a-stalled", "b-refused"] {
            let row = row(&rig, down, "new").await;
            assert!(row.failures > 10 && row.error.is_some(), "{db}: {row:?}");
        }
        let kept = |rig: &Rig, from: Timestamp| {
            let runs: Vec<Timestamp> =
                rig.asked(RAKUTEN_SHOP, is_new).into_iter().filter(|at| *at >= from).collect();
            let mut ticks = vec![from];
            ticks.extend(Schedule::parse("*/5 * * * *").unwrap().upcoming(from).take(23));
            let near = runs.iter().zip(&ticks).all(|(run, tick)| run.since(*tick) < Duration::from_secs(5));
            assert!(near && runs.len() == ticks.len(), "{db}: {runs:?}");
        };
        kept(&rig, start());
        let healthy = row(&rig, RAKUTEN_SHOP, "new").await;
        assert_eq!((healthy.failures, healthy.skipped), (0, 0), "{db}");

        // Asked for by a person, too: all shops side by side.
        let from = rig.now();
        let options = serde_json::to_value(SyncOptions::default()).unwrap();
        let id = rig.store.ask("sync", &options, "test", from).await.unwrap();
        rig.run(MINUTE * 8).await;
        let on_tick = |at: &Timestamp| at.since(start()).as_secs() % 300 < 5;
        let runs = rig.asked(RAKUTEN_SHOP, is_new);
        let off_tick: Vec<&Timestamp> = runs.iter().filter(|at| **at > from && !on_tick(at)).collect();
        assert_eq!(off_tick.len(), 1, "{db}: {runs:?}");
        assert!(off_tick[0].since(start()).as_secs() % LOOKS < 5, "{db}: at once: {}", off_tick[0]);
        let request = rig.store.request(&id).await.unwrap().unwrap();
        let shops = request.result.unwrap()["shops"].clone();
        let of = |name: &str| shops.as_array().unwrap().iter().find(|s| s["shop"] == name).unwrap().clone();
        assert!(
            of("a-stalled")["error"].is_string() && of("b-refused")["error"].is_string(),
            "{db}: {shops}"
        );
        assert!(of(RAKUTEN_SHOP)["error"].is_null(), "{db}: {shops}");
        daemon.stop().await;
        rig.end().await;
    }
}

#[tokio::test]
async fn a_dead_key_is_followed_by_the_second_and_a_young_one_is_waited_for() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let mut rig = Rig::new(db, 12, "*/5 * * * *", |options| {
            options.rakuten[0].orders = Catalogue::per_day(start(), DAY, 20);
        })
        .await;
        let db = rig.db.name;
        let shop = rig.world.rakuten_shop(RAKUTEN_SHOP).unwrap().clone();
        let key = |key: String, works_from, dead| Key { key, works_from, expires: start() + DAY * 30, dead };
        let both = |first_dead, next_dead, works_from| {
            vec![
                key(shop.license_key(), works_from, first_dead),
                key(shop.license_key_next(), start() - DAY, next_dead),
            ]
        };
        let daemon = rig.daemon().await;
        rig.run(HOUR).await;

        rig.world.set_keys(RAKUTEN_SHOP, both(true, false, start() - DAY));
        rig.run(HOUR).await;
        let row_now = row(&rig, RAKUTEN_SHOP, "new").await;
        assert_eq!((row_now.failures, row_now.error), (0, None), "{db}: the second key works");
        assert!(log.lines(Level::ERROR, "Pass failed").is_empty(), "{db}");

        // Both are gone; then a new one that needs its time.
        rig.world.set_keys(RAKUTEN_SHOP, both(true, true, start() - DAY));
        let died = rig.now();
        rig.run(HOUR * 6).await;
        let tries: Vec<Timestamp> =
            rig.asked(RAKUTEN_SHOP, is_new).into_iter().filter(|at| *at > died).collect();
        let gaps: Vec<Duration> = tries.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        for (at, gap) in tries.iter().zip(&gaps) {
            let young = at.since(tries[0]) < MINUTE * 85;
            let (least, most) = if young { (MINUTE * 5, MINUTE * 7) } else { (MINUTE * 5, MINUTE * 73) };
            assert!(*gap >= least && *gap <= most, "{db}: {gaps:?}");
        }
        let old = tries.iter().zip(&gaps).filter(|(at, _)| at.since(tries[0]) > MINUTE * 120);
        assert!(old.clone().count() >= 2 && old.clone().all(|(_, gap)| *gap >= HOUR), "{db}: {gaps:?}");
        let errors = log.lines(Level::ERROR, "Pass failed");
        assert_eq!(errors.len(), 1, "{db}: a person is told once: {errors:#?}");
        assert!(errors[0].contains("license_key"), "{db}: and what to do: {}", errors[0]);

        rig.world.set_keys(RAKUTEN_SHOP, both(false, true, rig.now() + MINUTE * 90));
        rig.run(HOUR * 3).await;
        let back = row(&rig, RAKUTEN_SHOP, "new").await;
        assert_eq!((back.failures, back.error), (0, None), "{db}: it resumes by itself");
        let orders = rig.orders(RAKUTEN_SHOP).await;
        let lost: Vec<String> = rig
            .world
            .truth_at(RAKUTEN_SHOP, rig.now() - MINUTE * 6)
            .map(|fact| fact.order_number)
            .filter(|number| !orders.contains_key(number))
            .collect();
        assert_eq!(lost, Vec::<String>::new(), "{db}");
        assert!(rig.clock.now() > died + HOUR * 8);
        daemon.stop().await;
        rig.end().await;
    }
}
