//! What an operator is told of once and again by rule, across restarts and daemons.

use mallsync::domain::account::Expiry;
use mallsync::engine::alerts;
use mallsync::sim::{Body, Catalogue, Fault, RAKUTEN_SHOP, Rule};
use tokio_util::sync::CancellationToken;
use tracing::Level;

use crate::log::Log;
use crate::rig::{DAY, HOUR, MINUTE, Rig};
use crate::support::{start, stores};

/// Days of the lines, in their order.
fn days(lines: &[String]) -> Vec<i64> {
    let of = |line: &String| line.split("days=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    lines.iter().map(of).collect()
}

#[tokio::test]
async fn the_end_of_a_key_is_told_once_at_each_step_whoever_restarts_and_however_many_ask() {
    for db in stores().await {
        let rig = Rig::new(db, 5, "*/5 * * * *", |_| {}).await;
        let name = rig.db.name;
        let shops = [rig.shop(&rig.specs[0], 1)];
        let keep = |what: &str, at| [Expiry { what: what.to_owned(), at }];
        let end = start() + DAY * 32;
        rig.store.put_expiries(RAKUTEN_SHOP, &keep("license_key", end), start()).await.unwrap();
        let (log, _listening) = Log::listen();
        for half in 0..70_u32 {
            rig.clock.set(start() + DAY / 2 * half);
            // Two daemons, each newly started.
            let one = rig.shared(&rig.store, &CancellationToken::new());
            let two = rig.shared(&rig.store, &CancellationToken::new());
            let (one, two) = tokio::join!(alerts::round(&one, &shops), alerts::round(&two, &shops));
            one.unwrap();
            two.unwrap();
        }
        assert_eq!(days(&log.lines(Level::WARN, "Key came close to its end.")), [30, 14, 7], "{name}");
        assert_eq!(days(&log.lines(Level::ERROR, "Key came close to its end.")), [3, 1], "{name}");
        assert_eq!(log.lines(Level::ERROR, "Key ended.").len(), 3, "{name}: daily");
        assert!(log.lines(Level::WARN, "license_key").iter().all(|line| line.contains(RAKUTEN_SHOP)));

        // It is renewed.
        let far = start() + DAY * 90;
        rig.store.put_expiries(RAKUTEN_SHOP, &keep("license_key", far), start()).await.unwrap();
        let before = log.lines(Level::ERROR, "").len();
        for half in 70..150_u32 {
            rig.clock.set(start() + DAY / 2 * half);
            alerts::round(&rig.shared(&rig.store, &CancellationToken::new()), &shops).await.unwrap();
        }
        assert_eq!(log.lines(Level::ERROR, "").len(), before, "{name}");
        let warned = days(&log.lines(Level::WARN, "Key came close to its end."));
        assert_eq!(warned[3..], [30], "{name}");
        rig.end().await;
    }
}

#[tokio::test]
async fn a_shop_that_fails_is_warned_of_then_an_error_by_rule_and_its_recovery_told_once() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let mut rig = Rig::new(db, 6, "*/5 * * * *", |options| {
            options.rakuten[0].orders = Catalogue::per_day(start(), DAY, 5);
        })
        .await;
        let name = rig.db.name;
        let count = |level, text: &str| log.lines(level, text).len();
        let late = "Shop was not read for so long that orders got late.";
        let daemon = rig.daemon().await;
        rig.run(HOUR).await;
        assert_eq!((count(Level::WARN, ""), count(Level::ERROR, "")), (0, 0), "{name}");

        // One failure that passes.
        let down = Fault::Status { status: 503, body: Body::Html, effect: false, retry_after: 0 };
        let fault =
            |times| Rule { service: "rakuten".to_owned(), times, fault: down.clone(), ..Rule::default() };
        rig.world.set_fault(fault(1));
        rig.run(MINUTE * 20).await;
        assert_eq!(count(Level::WARN, "Pass failed."), 1, "{name}");
        assert_eq!(count(Level::INFO, "Shop was read again."), 1, "{name}");

        // One that lasts, over a restart.
        rig.world.set_fault(fault(0));
        rig.run(MINUTE * 50).await;
        assert_eq!((count(Level::WARN, "Pass failed."), count(Level::ERROR, "")), (2, 0), "{name}");
        assert!(count(Level::INFO, "Pass failed.") > 5, "{name}: each try leaves its line");
        daemon.stop().await;
        let daemon = rig.daemon().await;
        rig.run(MINUTE * 30).await;
        assert_eq!((count(Level::WARN, "Pass failed."), count(Level::ERROR, late)), (2, 1), "{name}");
        daemon.stop().await;
        let daemon = rig.daemon().await;
        rig.run(HOUR * 5).await;
        assert_eq!((count(Level::WARN, "Pass failed."), count(Level::ERROR, late)), (2, 1), "{name}");
        rig.run(HOUR * 2).await;
        assert_eq!(count(Level::ERROR, late), 2, "{name}: again after six hours");
        let told = log.lines(Level::ERROR, late).pop().unwrap();
        assert!(told.contains("maintenance") && told.contains(RAKUTEN_SHOP), "{name}: {told}");

        rig.world.set_faults(Vec::new());
        rig.run(HOUR).await;
        daemon.stop().await;
        let back = log.lines(Level::INFO, "Shop was read again.");
        let seconds: u64 =
            back[1].split("down_seconds=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert_eq!(back.len(), 2, "{name}: {back:?}");
        assert!((8 * 3_600..10 * 3_600).contains(&seconds), "{name}: {seconds}");
        rig.end().await;
    }
}
