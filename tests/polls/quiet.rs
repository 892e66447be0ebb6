//! What was read before is not written again.

use mallsync::domain::account::Bucket;
use mallsync::sim::{Body, Catalogue, Fault, RAKUTEN_SHOP, Rule};

use crate::rig::{DAY, MINUTE, Rig, numbers};
use crate::support::rows::{rows, written};
use crate::support::{start, stores};

/// I3.
#[tokio::test]
async fn i3_a_poll_that_finds_nothing_new_writes_its_streams_and_the_limiter_alone() {
    for db in stores().await {
        let mut rig = Rig::new(db, 3, "*/5 * * * *", |options| {
            options.rakuten[0].orders = Catalogue::spread(start(), DAY * 20, 120);
        })
        .await;
        rig.store.ensure_streams("other", &["new", "late", "open"], start()).await.unwrap();
        let other = Bucket { key: "other".to_owned(), per: MINUTE, burst: 1 };
        rig.store.take(&other, 0, start()).await.unwrap();
        rig.hold_the_world_still();
        let first = rig.pass(0, &[]).await;
        assert!(first.error.is_none() && first.result.new > 40, "{}: {first:?}", rig.db.name);

        rig.run(MINUTE * 60 * 7).await;
        let (before, calls) = (rows(&rig.db).await, rig.calls("getOrder"));
        let again = rig.pass(0, &[]).await;
        let after = rows(&rig.db).await;
        assert_eq!((again.result.new, again.result.changed, again.error), (0, 0, None), "{}", rig.db.name);
        assert!(again.result.unchanged >= first.result.new && rig.calls("getOrder") > calls);
        assert_eq!(written(&before, &after), ["limits", "streams"], "{}", rig.db.name);
        // Rows of others are the very rows that they were.
        let kept = |table: &str| after[table].iter().filter(|row| before[table].contains(row)).count();
        assert_eq!((kept("streams"), kept("limits")), (3, 1), "{}", rig.db.name);
        assert_eq!((after["streams"].len(), after["limits"].len()), (6, 2), "{}", rig.db.name);
        rig.end().await;
    }
}

/// I2: the cursor waits for the last order of its page, however many batches the page has.
#[tokio::test]
async fn i2_a_cursor_moves_only_with_the_orders_it_covers() {
    for db in stores().await {
        let mut rig = Rig::new(db, 4, "*/5 * * * *", |options| {
            options.rakuten[0].orders = Catalogue::spread(start(), DAY * 5, 450);
        })
        .await;
        let db = rig.db.name;
        rig.store.ensure_streams(RAKUTEN_SHOP, &["new"], start() + DAY).await.unwrap();
        let reset = Fault::ResetAfterEffect;
        let stop = Fault::Status { status: 503, body: Body::Html, effect: false, retry_after: 0 };
        let mut stored = 0;
        for (batch, fault) in [(1, &reset), (3, &stop), (5, &reset)] {
            rig.world.set_fault(Rule {
                function: "getOrder".to_owned(),
                calls: [batch].into(),
                fault: fault.clone(),
                ..Rule::default()
            });
            let pass = rig.pass(0, &["new".to_owned()]).await;
            assert_eq!(rig.cursor(RAKUTEN_SHOP, "new").await, None, "{db}: {batch}");
            assert!(pass.error.is_some(), "{db}: {batch}: {pass:?}");
            let now = rig.orders(RAKUTEN_SHOP).await.len();
            assert!(now >= stored && now < 450, "{db}: {now} of {stored}");
            stored = now;
        }
        assert!(stored > 0, "{db}: what was read before the fault is kept");
        rig.world.set_faults(Vec::new());
        let pass = rig.pass(0, &["new".to_owned()]).await;
        assert_eq!(pass.error, None, "{db}");
        assert!(rig.cursor(RAKUTEN_SHOP, "new").await.is_some(), "{db}");
        let orders = rig.orders(RAKUTEN_SHOP).await;
        assert!(numbers(&rig, RAKUTEN_SHOP).iter().all(|number| orders.contains_key(number)), "{db}");
        rig.end().await;
    }
}
