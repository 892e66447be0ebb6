//! Several daemons, and ever new ones: who polls, and how fast.

use std::collections::BTreeSet;
use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::malls::Stream;
use mallsync::sim::{Catalogue, RAKUTEN_SHOP};
use mallsync::store::Access;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::rig::{DAY, HOUR, MINUTE, Rig};
use crate::support::{start, stores};

/// A poll lease ends by itself after so long.
const LEASE: Duration = Duration::from_secs(300);

/// I11.
#[tokio::test]
async fn i11_two_daemons_share_the_shops_and_a_dead_one_is_followed_after_its_lease() {
    for db in stores().await {
        let mut rig = Rig::new(db, 6, "*/5 * * * *", |options| {
            options.rakuten[0].orders = Catalogue::per_day(start(), DAY, 20);
        })
        .await;
        rig.watch.lock().unwrap().slow.insert(RAKUTEN_SHOP.to_owned(), Duration::from_secs(40));
        let first = rig.daemon().await;
        if rig.db.name == "sqlite" {
            let ambient = mallsync::clock::Ambient::new(std::sync::Arc::new(rig.clock.clone()));
            let second = mallsync::store::Store::open(&rig.db.url, None, Access::Daemon, &ambient).await;
            let refused = second.expect_err("one daemon alone polls and sends on SQLite").to_string();
            assert!(refused.contains("another mallsync holds"), "{refused}");
            first.stop().await;
            rig.end().await;
            continue;
        }
        let second = rig.daemon().await;
        let mut daemons = vec![Some(first), Some(second)];
        // Until one of them is in the middle of a poll, well into the second hour.
        rig.run(HOUR * 2).await;
        let inside = loop {
            rig.run(Duration::from_secs(7)).await;
            if let Some(daemon) = rig.watch.lock().unwrap().inside(RAKUTEN_SHOP) {
                break daemon;
            }
        };
        assert_eq!(rig.watch.lock().unwrap().overlaps, 0, "a shop is polled by one at a time");
        let died = rig.now();
        daemons[usize::try_from(inside).unwrap() - 1].take().unwrap().kill().await;
        let other = 3 - inside;
        rig.run(HOUR).await;
        let asked = rig.watch.lock().unwrap().asked.clone();
        let after: Vec<(Timestamp, u64)> =
            asked.iter().filter(|a| a.at > died).map(|a| (a.at, a.daemon)).collect();
        let (next, by) = after[0];
        assert_eq!(by, other);
        assert!(next >= died + LEASE / 2, "{next}: the lease of the dead one holds");
        assert!(next <= died + LEASE + MINUTE, "{next}: and not for long");
        let lists: BTreeSet<Timestamp> =
            asked.iter().filter(|a| a.at > next && a.stream == Some(Stream::New)).map(|a| a.at).collect();
        assert!(lists.len() >= 9, "it goes on alone: {lists:?}");
        assert_eq!(rig.watch.lock().unwrap().overlaps, 0);
        assert_eq!(rig.world.early_calls(), []);
        for daemon in daemons.into_iter().flatten() {
            daemon.stop().await;
        }
        rig.end().await;
    }
}

/// I12: no start is free, whether the one before it ended well or not.
#[tokio::test]
async fn i12_a_crash_loop_never_exceeds_the_quota() {
    for db in stores().await {
        let mut rig = Rig::new(db, 7, "* * * * *", |options| {
            options.rakuten[0].orders = Catalogue::spread(start(), DAY * 5, 300);
        })
        .await;
        let mut dice = StdRng::seed_from_u64(12);
        for life in 0..50 {
            let daemon = rig.mortal(dice.random_range(20..600)).await;
            rig.run(Duration::from_millis(dice.random_range(200..4_000))).await;
            if life % 2 == 0 && !daemon.is_dead() {
                daemon.stop().await;
            } else {
                daemon.kill().await;
            }
        }
        let calls = rig.world.calls();
        assert!(calls.len() >= 40, "{}: {} calls", rig.db.name, calls.len());
        assert_eq!(rig.world.early_calls(), [], "{}", rig.db.name);
        // The simulator allows for clocks that differ; here is one clock alone.
        let second = Duration::from_secs(1);
        let apart = calls.windows(2).all(|pair| pair[1].at >= pair[0].at + second);
        assert!(apart, "{}: {:?}", rig.db.name, calls.iter().map(|c| c.at).collect::<Vec<_>>());
        rig.end().await;
    }
}
