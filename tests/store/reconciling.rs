//! Reconciliation in the database: who runs, where a run goes on, and which look-ups count.

use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Answer, Event};
use mallsync::domain::reconcile::{Kind, Report, Unseen};
use mallsync::domain::settlement::{Observed, SettlementState};
use mallsync::store::StoreError;
use mallsync::store::operations::Work;
use mallsync::store::reconciling::{Look, LookFilter, ToLook, Which};
use mallsync::store::runs::RunEnd;

use crate::facts::{Poller, claiming, contract, file, order, planning, row};
use crate::support::{TestStore, start, stores};

const NAME: &str = "webcollect-main";

/// Minutes after the start, or before it.
fn at(minutes: i64) -> Timestamp {
    let away = Duration::from_secs(60 * minutes.unsigned_abs());
    if minutes < 0 { start() - away } else { start() + away }
}

fn end(minute: i64, error: Option<&str>) -> RunEnd {
    RunEnd {
        ended_at: at(minute),
        due_at: at(minute + 60),
        looked: 3,
        failed: 1,
        error: error.map(str::to_owned),
        report: Report::default(),
    }
}

/// Everything open that was not looked up since `before`; looks at `now`.
async fn open(db: &TestStore, before: i64, now: i64) -> Vec<ToLook> {
    let filter = LookFilter {
        first: false,
        before: at(before),
        due_by: at(now + 10),
        sent_after: at(now - 5),
        order_id: None,
        after: "",
        limit: 10,
    };
    db.store.settlements_to_look(&contract(), &filter).await.unwrap()
}

async fn first(db: &TestStore, now: i64) -> usize {
    let filter = LookFilter {
        first: true,
        before: at(now),
        due_by: at(now + 10),
        sent_after: at(now - 5),
        order_id: None,
        after: "",
        limit: 10,
    };
    db.store.settlements_to_look(&contract(), &filter).await.unwrap().len()
}

fn shown(state: SettlementState) -> Observed {
    Observed {
        state,
        status: "4".to_owned(),
        amount: Some(Yen(12_800)),
        authorized_at: Some(start()),
        ..Observed::default()
    }
}

#[tokio::test]
async fn one_runs_at_a_time_and_a_broken_run_is_gone_on_with() {
    for db in stores().await {
        let (store, name) = (&db.store, db.name);
        assert!(!store.ask_reconciliation(NAME, at(0)).await.unwrap(), "{name}: nobody would hear it");
        let row = store.ensure_reconciliation(NAME, "0 6 * * *", at(60)).await.unwrap();
        assert_eq!((row.due_at, row.leased), (at(60), false), "{name}");
        // The schedule is the same: it stays due when it was. Another one counts from now on.
        assert_eq!(store.ensure_reconciliation(NAME, "0 6 * * *", at(90)).await.unwrap().due_at, at(60));
        assert_eq!(store.ensure_reconciliation(NAME, "0 7 * * *", at(90)).await.unwrap().due_at, at(90));

        let lease = store.claim_reconciliation(NAME, "a", at(1), at(5)).await.unwrap().expect("free");
        assert_eq!(store.claim_reconciliation(NAME, "b", at(4), at(9)).await.unwrap(), None, "{name}");
        assert!(store.reconciliations(None).await.unwrap()[0].leased, "{name}");
        let began = store.begin_reconciliation(&lease, at(2), at(-60)).await.unwrap();
        assert_eq!(began, at(2), "{name}");
        // `a` is not heard of any more.
        let other = store.claim_reconciliation(NAME, "b", at(5), at(9)).await.unwrap().expect("expired");
        for lost in [
            store.renew_reconciliation(&lease, at(20), 1, 0).await,
            store.finish_reconciliation(&lease, &end(6, None)).await,
            store.release_reconciliation(&lease).await,
        ] {
            assert!(matches!(lost, Err(StoreError::LeaseLost)), "{name}: {lost:?}");
        }
        let again = store.begin_reconciliation(&other, at(6), at(-60)).await.unwrap();
        assert_eq!(again, began, "{name}: it goes on where the other one stopped");
        assert!(store.ask_reconciliation(NAME, at(7)).await.unwrap(), "{name}");
        store.finish_reconciliation(&other, &end(8, Some("the gateway could not be asked"))).await.unwrap();
        let row = store.reconciliations(Some(NAME)).await.unwrap().remove(0);
        assert_eq!((row.asked_at, row.began_at, row.succeeded_at), (None, Some(began), None), "{name}");
        assert_eq!((row.ended_at, row.due_at, row.leased), (Some(at(8)), at(68), false), "{name}");

        let last = store.claim_reconciliation(NAME, "a", at(9), at(15)).await.unwrap().expect("given back");
        let anew = store.begin_reconciliation(&last, at(9), at(3)).await.unwrap();
        assert_eq!(anew, at(9), "{name}: what was looked up so long ago is old");
        store.finish_reconciliation(&last, &end(10, None)).await.unwrap();
        let row = store.reconciliations(Some(NAME)).await.unwrap().remove(0);
        assert_eq!((row.began_at, row.succeeded_at, row.looked, row.failed), (None, Some(at(10)), 3, 1));

        // First looks take the same lease, for long: they are no run, and what the last one did stands.
        let first = store.claim_reconciliation(NAME, "a", at(11), at(15)).await.unwrap().expect("given back");
        store.lengthen_reconciliation(&first, at(30)).await.unwrap();
        assert_eq!(store.claim_reconciliation(NAME, "b", at(20), at(40)).await.unwrap(), None, "{name}");
        store.note_unreconciled(NAME, "stopped by the gateway (X): y").await.unwrap();
        let row = store.reconciliations(Some(NAME)).await.unwrap().remove(0);
        assert_eq!((row.looked, row.failed), (3, 1), "{name}");
        assert_eq!(row.error.as_deref(), Some("stopped by the gateway (X): y"), "{name}");
    }
}

#[tokio::test]
async fn a_look_counts_only_where_nothing_happened_meanwhile() {
    for db in stores().await {
        let (store, name) = (&db.store, db.name);
        let contracts = [contract()];
        let mut poller = Poller::new(&db, "cart").await;
        poller.read(&db, 1, &[order("a-1"), order("a-2")], &contracts).await;
        let import = file("f", vec![row(2, "a-1", "400012345670")]);
        store.import_slips(&import, "t", &planning(&contracts)).await.unwrap();
        // The operation that is due looks by itself.
        assert_eq!((first(&db, 0).await, open(&db, 0, 0).await.len()), (1, 2), "{name}");
        let all = open(&db, 0, 0).await;
        let of = async |order: &str| {
            let id = store.find_settlements(order).await.unwrap().remove(0).settlement.id;
            all.iter().find(|settlement| settlement.id == id).unwrap()
        };
        let (captured, free) = (of("a-1").await, of("a-2").await);

        let look = Look::Shown { observed: &shown(SettlementState::Authorized), verified: true };
        assert!(store.store_look(free, look, Some(60), at(2)).await.unwrap(), "{name}");
        let looked = store.find_settlements("a-2").await.unwrap().remove(0).settlement;
        assert_eq!((looked.verified_at, looked.looked_at), (Some(at(2)), Some(at(2))), "{name}");
        assert!(looked.lapses_on.is_some(), "{name}");
        // One that was sent earlier comes late; one that shows nothing leaves what is known.
        assert!(!store.store_look(free, Look::Unseen(Unseen::Absent), None, at(1)).await.unwrap(), "{name}");
        assert!(store.store_look(free, Look::Unseen(Unseen::Absent), None, at(3)).await.unwrap(), "{name}");
        let absent = store.find_settlements("a-2").await.unwrap().remove(0).settlement;
        assert_eq!((absent.amount, absent.looked_at), (Some(Yen(12_800)), Some(at(3))), "{name}");
        let which = Which::Ids(&[&free.id]);
        let (found, _) = store.compare_settlements(&contract(), which, at(4)).await.unwrap();
        assert_eq!(found[0].differences[0].kind, Kind::NotThere, "{name}");
        assert_eq!(open(&db, 3, 4).await.len(), 1, "{name}: looked up since then");

        // While it is sent nobody else looks, and what was asked for before does not count.
        let claim = claiming(NAME, Work::Send, "w", at(60), at(1), at(5), 10);
        let claimed = store.claim_operations(&claim).await.unwrap().remove(0);
        store.step_operation(&claimed, &Event::Send, None, Some(at(5))).await.unwrap();
        assert!(open(&db, 0, 60).await.iter().all(|s| s.id != captured.id), "{name}");
        let stale = || store.store_look(captured, look, Some(60), at(-1));
        assert!(!stale().await.unwrap(), "{name}");
        store.step_operation(&claimed, &Event::Answered(Answer::Done), None, None).await.unwrap();
        assert!(!stale().await.unwrap(), "{name}: it was sent before the capture came to its end");
        let row = store.find_settlements("a-1").await.unwrap().remove(0).settlement;
        assert_eq!(row.state, SettlementState::Registered, "{name}");
        assert!(open(&db, 0, 1).await.iter().all(|s| s.id != captured.id), "{name}: it may not show yet");
        assert!(
            open(&db, 0, 60).await.iter().any(|s| s.id == captured.id),
            "{name}: followed until it is settled"
        );
    }
}
