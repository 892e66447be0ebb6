//! Streams, limiters, accounts, the journal of people and requests to the daemon.

use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::domain::account::Bucket;
use mallsync::domain::limit::{Admission, gcra};
use mallsync::store::people::Deed;
use mallsync::store::streams::StreamEnd;
use mallsync::store::{Access, StoreError};

use crate::facts::at;
use crate::support::stores;

#[tokio::test]
async fn a_shop_is_polled_under_one_lease() {
    for db in stores().await {
        let store = &db.store;
        assert_eq!(
            store.claim_shop("s", "one", at(0), at(1)).await.unwrap(),
            None,
            "{}: no streams yet",
            db.name
        );
        store.ensure_streams("s", &["new", "open"], at(0)).await.unwrap();
        let one = store.claim_shop("s", "one", at(0), at(10)).await.unwrap().unwrap();
        assert_eq!(store.claim_shop("s", "two", at(9), at(20)).await.unwrap(), None, "{}", db.name);
        // A stream that joins now is under the lease too.
        store.ensure_streams("s", &["new", "backfill:1"], at(5)).await.unwrap();
        assert_eq!(store.claim_shop("s", "two", at(9), at(20)).await.unwrap(), None, "{}", db.name);
        store.renew_shop(&one, at(15)).await.unwrap();
        assert_eq!(store.claim_shop("s", "two", at(14), at(20)).await.unwrap(), None, "{}", db.name);
        let two = store.claim_shop("s", "two", at(15), at(30)).await.unwrap().unwrap();
        for lost in [store.renew_shop(&one, at(40)).await, store.release_shop(&one).await] {
            assert!(matches!(lost, Err(StoreError::LeaseLost)), "{}: {lost:?}", db.name);
        }
        store.release_shop(&two).await.unwrap();
        let three = store.claim_shop("s", "three", at(16), at(30)).await.unwrap().unwrap();
        assert!(three.fence > two.fence && two.fence > one.fence, "{}", db.name);
    }
}

#[tokio::test]
async fn two_claim_a_shop_at_the_same_time_and_one_gets_it() {
    for db in stores().await {
        db.store.ensure_streams("s", &["late", "new", "open"], at(0)).await.unwrap();
        let other = db.another(Access::Command).await;
        for round in 0..10 {
            let (now, until) = (at(round * 10), at(round * 10 + 10));
            let (a, b) = tokio::join!(
                db.store.claim_shop("s", "a", now, until),
                other.claim_shop("s", "b", now, until)
            );
            let won = [a.unwrap(), b.unwrap()].into_iter().flatten().count();
            assert_eq!(won, 1, "{} round {round}", db.name);
        }
    }
}

#[tokio::test]
async fn a_run_leaves_its_outcome_and_the_next_time() {
    for db in stores().await {
        let store = &db.store;
        store.ensure_streams("s", &["new", "backfill:1"], at(0)).await.unwrap();
        let lease = store.claim_shop("s", "one", at(0), at(10)).await.unwrap().unwrap();
        let end = |stream: &str, minutes, error: Option<&str>| StreamEnd {
            stream: stream.to_owned(),
            started_at: at(minutes),
            ended_at: at(minutes + 1),
            due_at: at(minutes + 5),
            error: error.map(str::to_owned),
            skipped: 1,
            finished: stream != "new",
        };
        let row =
            async || store.streams(Some("s")).await.unwrap().into_iter().find(|r| r.stream == "new").unwrap();
        store.finish_stream(&lease, &end("new", 0, None)).await.unwrap();
        store.finish_stream(&lease, &end("new", 5, Some("auth: no"))).await.unwrap();
        store.finish_stream(&lease, &end("new", 10, Some("auth: no"))).await.unwrap();
        let failed = row().await;
        assert_eq!((failed.failures, failed.skipped, failed.due_at), (2, 3, at(15)), "{}", db.name);
        assert_eq!((failed.succeeded_at, failed.error.as_deref()), (Some(at(1)), Some("auth: no")));
        store.finish_stream(&lease, &end("new", 15, None)).await.unwrap();
        let well = row().await;
        assert_eq!((well.failures, well.error, well.succeeded_at), (0, None, Some(at(16))), "{}", db.name);

        store.make_due("s", &[], at(3)).await.unwrap();
        assert_eq!(row().await.due_at, at(3), "{}", db.name);
        store.make_due("s", &["new"], at(30)).await.unwrap();
        assert_eq!(row().await.due_at, at(3), "{}: never put off", db.name);
        assert!(matches!(store.make_due("nobody", &[], at(3)).await, Err(StoreError::NotFound(_))));
        store.finish_stream(&lease, &end("backfill:1", 0, None)).await.unwrap();
        let all = store.streams(None).await.unwrap();
        assert!(all.iter().any(|r| r.stream == "backfill:1" && r.finished), "{}", db.name);

        store.claim_shop("s", "two", at(10), at(20)).await.unwrap().unwrap();
        let lost = store.finish_stream(&lease, &end("new", 20, None)).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{}: {lost:?}", db.name);
    }
}

fn bucket(per_millis: u64, burst: u32) -> Bucket {
    Bucket { key: "k/search".to_owned(), per: Duration::from_millis(per_millis), burst }
}

#[tokio::test]
async fn the_row_counts_as_the_pure_function_does() {
    for db in stores().await {
        let bucket = bucket(1_000, 3);
        let (mut now, mut tat): (Timestamp, Option<Timestamp>) = (at(0), None);
        for step in 0..120_u64 {
            now = now + Duration::from_millis(step * 7_919 % 1_700);
            if step == 60 {
                // The clock is set back by an hour.
                now = now - Duration::from_secs(3_600);
            }
            let taken = db.store.take(&bucket, 0, now).await.unwrap();
            match gcra(&bucket, tat, now) {
                Admission::Admitted { tat: next } => {
                    assert_eq!((taken.wait_until, taken.clamped), (None, false), "{} {step}", db.name);
                    tat = Some(next);
                }
                Admission::Wait { until, clamped } => {
                    let expected = (Some(until), clamped.is_some());
                    assert_eq!((taken.wait_until, taken.clamped), expected, "{} {step}", db.name);
                    tat = clamped.or(tat);
                }
            }
            assert_eq!(db.store.limits().await.unwrap()[0].tat, tat.unwrap(), "{} {step}", db.name);
        }
    }
}

#[tokio::test]
async fn a_pause_stands_beside_the_count() {
    for db in stores().await {
        let bucket = bucket(1_000, 5);
        db.store.pause(&bucket, at(60)).await.unwrap();
        db.store.pause(&bucket, at(30)).await.unwrap();
        let taken = db.store.take(&bucket, 0, at(1)).await.unwrap();
        assert_eq!(taken.wait_until, Some(at(60)), "{}", db.name);
        let taken = db.store.take(&bucket, 0, at(60)).await.unwrap();
        assert_eq!((taken.wait_until, taken.clamped), (None, false), "{}", db.name);
        assert_eq!(db.store.limits().await.unwrap()[0].paused_until, Some(at(60)), "{}", db.name);
    }
}

#[tokio::test]
async fn eight_workers_never_take_more_than_the_bucket_holds() {
    for db in stores().await {
        let other = db.another(Access::Command).await;
        let bucket = bucket(20, 4);
        db.store.take(&bucket, 0, at(0)).await.unwrap();
        let mut tasks = Vec::new();
        for worker in 0..8_u64 {
            let store = if worker % 2 == 0 { db.store.clone() } else { other.clone() };
            let bucket = bucket.clone();
            tasks.push(tokio::spawn(async move {
                let mut admitted = 0;
                for call in 0..25_u64 {
                    let now = at(1) + Duration::from_millis(call * 20);
                    admitted += u32::from(store.take(&bucket, 0, now).await.unwrap().wait_until.is_none());
                }
                admitted
            }));
        }
        let mut admitted = 0;
        for task in tasks {
            admitted += task.await.unwrap();
        }
        // 480 ms at one call each 20 ms, and a burst of 4; workers that lag behind may only take less.
        assert!((4..=24 + 4).contains(&admitted), "{}: {admitted}", db.name);
    }
}

#[tokio::test]
async fn people_and_commands_leave_their_lines() {
    for db in stores().await {
        for minutes in 1..=3 {
            let deed = Deed {
                at: at(minutes),
                actor: "hanako".to_owned(),
                action: "settlements.hold".to_owned(),
                subject: "x".to_owned(),
                detail: String::new(),
            };
            db.clock.set(at(minutes));
            db.store.record_deed(&deed).await.unwrap();
        }
        let deeds = db.store.deeds(2).await.unwrap();
        assert_eq!(deeds.iter().map(|d| d.at).collect::<Vec<_>>(), [at(3), at(2)], "{}", db.name);

        let command = db.another(Access::Command).await;
        let seen = db.store.version().await.unwrap();
        assert_eq!(db.store.version().await.unwrap(), seen, "{}: nobody wrote", db.name);
        let args = serde_json::json!({ "shop": "cart" });
        let id = command.ask("sync", &args, "hanako", at(4)).await.unwrap();
        assert_ne!(db.store.version().await.unwrap(), seen, "{}: a command wrote", db.name);
        let open = db.store.open_requests().await.unwrap();
        assert_eq!((open.len(), open[0].id.as_str(), &open[0].args), (1, id.as_str(), &args), "{}", db.name);
        db.store.finish_request(&id, &serde_json::json!({ "orders": 3 }), at(5)).await.unwrap();
        db.store.finish_request(&id, &serde_json::json!("again"), at(6)).await.unwrap();
        let done = command.request(&id).await.unwrap().unwrap();
        assert_eq!((done.finished_at, done.result), (Some(at(5)), Some(serde_json::json!({ "orders": 3 }))));
        assert!(db.store.open_requests().await.unwrap().is_empty(), "{}", db.name);
        let missing = db.store.finish_request("nobody", &args, at(5)).await;
        assert!(matches!(missing, Err(StoreError::NotFound(_))), "{}", db.name);

        // On SQLite the lock file tells, on PostgreSQL the heartbeat.
        db.store.beat("one", at(10)).await.unwrap();
        assert!(command.daemon_alive(at(10)).await.unwrap(), "{}", db.name);
        if db.name == "postgres" {
            assert!(!command.daemon_alive(at(11)).await.unwrap(), "{}", db.name);
        }
        db.store.close().await;
        if db.name == "sqlite" {
            assert!(!command.daemon_alive(at(10)).await.unwrap(), "{}", db.name);
        }
    }
}

#[tokio::test]
async fn spare_calls_leave_the_last_ones_to_others() {
    for db in stores().await {
        let bucket = bucket(1_000, 5);
        // An unknown bucket holds one call; minutes later it is full.
        db.store.take(&bucket, 0, at(0)).await.unwrap();
        let mut spare = 0;
        while db.store.take(&bucket, 2, at(10)).await.unwrap().wait_until.is_none() {
            spare += 1;
        }
        assert_eq!(spare, 3, "{}", db.name);
        let waits = db.store.take(&bucket, 2, at(10)).await.unwrap().wait_until;
        assert_eq!(waits, Some(at(10) + Duration::from_secs(1)), "{}", db.name);
        for _ in 0..2 {
            assert_eq!(db.store.take(&bucket, 0, at(10)).await.unwrap().wait_until, None, "{}", db.name);
        }
        assert_eq!(
            db.store.take(&bucket, 0, at(10)).await.unwrap().wait_until,
            Some(at(10) + Duration::from_secs(1))
        );
    }
}

#[tokio::test]
async fn sealed_values_are_kept_by_name() {
    for db in stores().await {
        assert_eq!(db.store.sealed("one/token").await.unwrap(), None, "{}", db.name);
        db.store.put_sealed("one/token", &[0, 1, 255], at(0)).await.unwrap();
        db.store.put_sealed("two/token", &[2], at(0)).await.unwrap();
        db.store.put_sealed("one/token", &[7], at(1)).await.unwrap();
        let other = db.another(Access::Command).await;
        assert_eq!(other.sealed("one/token").await.unwrap(), Some(vec![7]), "{}", db.name);
        assert_eq!(other.sealed("two/token").await.unwrap(), Some(vec![2]), "{}", db.name);
    }
}
