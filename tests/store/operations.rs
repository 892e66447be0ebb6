//! Claims, fences, steps, late answers, and what people do with operations.

use std::collections::BTreeSet;
use std::time::Duration;

use mallsync::domain::operation::{Answer, Event, LOOK_AFTER, State, Verdict};
use mallsync::domain::slip::SlipRow;
use mallsync::store::operations::{Claim, Claimed, NewAttempt, OperationFilter, Work};
use mallsync::store::{Access, Store, StoreError};

use crate::facts::{Poller, at, claiming, contract, file, found, order, package, planning, row};
use crate::support::{TestStore, stores};

pub const ACCOUNT: &str = "webcollect-main";

/// Orders with a slip each, planned.
pub async fn planned(db: &TestStore, orders: u32) {
    let contracts = [contract()];
    let mut poller = Poller::new(db, "cart").await;
    let numbers: Vec<String> = (0..orders).map(|i| format!("A-{i:03}")).collect();
    let read: Vec<_> = numbers.iter().map(|n| order(n)).collect();
    poller.read(db, 1, &read, &contracts).await;
    let rows: Vec<SlipRow> = numbers.iter().zip(2..).map(|(n, i)| row(i, n, &slip(i))).collect();
    db.store.import_slips(&file("f", rows), "t", &planning(&contracts)).await.unwrap();
}

/// A number with a sound check digit.
fn slip(i: u32) -> String {
    let digits = 40_001_230_000_u64 + u64::from(i);
    format!("{digits}{}", digits % 7)
}

pub async fn claim(store: &Store, work: Work, owner: &str, minutes: u64, limit: u64) -> Vec<Claimed> {
    let (now, until) = (at(minutes), at(minutes + 5));
    store.claim_operations(&claiming(ACCOUNT, work, owner, now, now, until, limit)).await.unwrap()
}

async fn send(db: &TestStore) -> Claimed {
    let claimed = claim(&db.store, Work::Send, "one", 1, 1).await.remove(0);
    db.clock.set(at(1));
    let progress = db.store.step_operation(&claimed, &Event::Send, None, Some(at(6))).await.unwrap();
    assert_eq!(progress.state, State::Sending, "{}", db.name);
    claimed
}

pub fn attempt(kind: &'static str, outcome: &str) -> NewAttempt {
    NewAttempt {
        kind,
        started_at: at(1),
        finished_at: at(2),
        outcome: outcome.to_owned(),
        code: Some("E012000001".to_owned()),
        message: None,
        http_status: Some(200),
        raw: b"<return/>".to_vec(),
    }
}

pub async fn state(db: &TestStore, id: &str) -> State {
    db.store.operation(id).await.unwrap().unwrap().0.operation.progress.state
}

#[tokio::test]
async fn two_workers_claim_disjoint_sets() {
    for db in stores().await {
        planned(&db, 40).await;
        let other = db.another(Access::Command).await;
        let mut tasks = Vec::new();
        for worker in 0..8 {
            let store = if worker % 2 == 0 { db.store.clone() } else { other.clone() };
            tasks.push(tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let claimed = claim(&store, Work::Send, &format!("w{worker}"), 1, 3).await;
                    if claimed.is_empty() {
                        return mine;
                    }
                    mine.extend(claimed.into_iter().map(|c| c.operation.id));
                }
            }));
        }
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.unwrap());
        }
        // On PostgreSQL a worker may pass over rows that another one holds: what is left is taken now.
        all.extend(claim(&db.store, Work::Send, "last", 1, 100).await.into_iter().map(|c| c.operation.id));
        assert_eq!(all.len(), 40, "{}", db.name);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 40, "{}: one was claimed twice", db.name);
    }
}

#[tokio::test]
async fn one_operation_in_flight_for_a_reception_number() {
    for db in stores().await {
        let contracts = [contract()];
        let mut poller = Poller::new(&db, "cart").await;
        let mut two = order("A-1");
        two.packages.push(package("2", "1000001"));
        poller.read(&db, 1, &[two], &contracts).await;
        let rows = vec![row(2, "A-1", &slip(2)), row(3, "A-1", &slip(3))];
        db.store.import_slips(&file("f", rows), "t", &planning(&contracts)).await.unwrap();
        assert_eq!(db.store.list_operations(&OperationFilter::default()).await.unwrap().len(), 2);

        let first = claim(&db.store, Work::Send, "one", 1, 10).await;
        assert_eq!(first.len(), 1, "{}", db.name);
        assert!(claim(&db.store, Work::Send, "two", 1, 10).await.is_empty(), "{}: leased", db.name);
        db.store.step_operation(&first[0], &Event::Send, None, Some(at(6))).await.unwrap();
        assert!(claim(&db.store, Work::Send, "two", 1, 10).await.is_empty(), "{}: sending", db.name);
        let unknown = Event::Answered(Answer::Unknown { reason: "reset".to_owned() });
        db.store.step_operation(&first[0], &unknown, None, None).await.unwrap();
        assert!(claim(&db.store, Work::Send, "two", 1, 10).await.is_empty(), "{}: unknown", db.name);
        let look = claim(&db.store, Work::Look, "two", 3, 10).await;
        assert!(claim(&db.store, Work::Send, "one", 3, 10).await.is_empty(), "{}: looking", db.name);
        let done = Event::Looked(Verdict::Done);
        db.store.step_operation(&look[0], &done, Some(&attempt("settle", "done")), None).await.unwrap();
        let second = claim(&db.store, Work::Send, "one", 3, 10).await;
        assert_eq!(second.len(), 1, "{}", db.name);
        assert_ne!(second[0].operation.id, first[0].operation.id, "{}", db.name);
    }
}

#[tokio::test]
async fn held_and_stopped_and_early_ones_are_not_claimed() {
    for db in stores().await {
        planned(&db, 1).await;
        assert!(claim_at(&db, 0, 0).await.len() == 1, "{}: due", db.name);
        let contracts = [contract()];
        let id = db.store.find_settlements("A-000").await.unwrap().remove(0).settlement.id;
        assert!(db.store.stop_account(ACCOUNT, "Z1", "why", at(1), at(61)).await.unwrap());
        for stopped in [true, false] {
            assert!(claim_at(&db, 10, 10).await.is_empty(), "{}", db.name);
            assert_eq!(db.store.next_operation(ACCOUNT).await.unwrap(), None, "{}", db.name);
            let account = db.store.account(ACCOUNT).await.unwrap();
            if stopped {
                assert!(db.store.resume_account(&account).await.unwrap(), "{}", db.name);
                db.store.hold_contract(ACCOUNT, "guard", "t", at(2)).await.unwrap();
            } else {
                db.store.release_contract(&account, "t", at(3)).await.unwrap();
            }
        }
        db.clock.set(at(10));
        assert_eq!(db.store.next_operation(ACCOUNT).await.unwrap(), Some(at(0)), "{}", db.name);
        db.store.hold_settlement(&id, "wait", "t", &planning(&contracts)).await.unwrap();
        assert!(claim_at(&db, 10, 10).await.is_empty(), "{}", db.name);
        assert_eq!(db.store.next_operation(ACCOUNT).await.unwrap(), None, "{}", db.name);
        db.store.release_settlement(&id, "t", &planning(&contracts)).await.unwrap();
        let early = at(0) - Duration::from_secs(1);
        let none = db
            .store
            .claim_operations(&claiming(ACCOUNT, Work::Send, "w", early, at(10), at(11), 5))
            .await
            .unwrap();
        assert!(none.is_empty(), "{}: early", db.name);
        let of_nobody = Claim {
            order_id: Some("nobody"),
            ..claiming(ACCOUNT, Work::Send, "w", at(10), at(10), at(15), 5)
        };
        assert!(db.store.claim_operations(&of_nobody).await.unwrap().is_empty(), "{}", db.name);
        let order_id = found(&db, "A-000").await.id;
        let of_order = Claim { order_id: Some(&order_id), ..of_nobody };
        let claimed = db.store.claim_operations(&of_order).await.unwrap();
        assert_eq!(
            (claimed[0].order.order.mall_order_id.as_str(), claimed[0].settlement.id.as_str()),
            ("A-000", id.as_str())
        );
        assert_eq!(claimed[0].operation.progress.state, State::Ready, "{}", db.name);
    }
}

async fn claim_at(db: &TestStore, now: u64, wall: u64) -> Vec<Claimed> {
    db.store
        .claim_operations(&claiming(ACCOUNT, Work::Send, "w", at(now), at(wall), at(wall + 5), 5))
        .await
        .unwrap()
}

#[tokio::test]
async fn whoever_lost_the_fence_writes_nothing_but_a_late_attempt() {
    for db in stores().await {
        planned(&db, 1).await;
        let first = claim(&db.store, Work::Send, "one", 1, 1).await.remove(0);
        // The lease ends before anything was sent; another worker takes it and sends.
        let second = claim(&db.store, Work::Send, "two", 6, 1).await.remove(0);
        assert!(second.fence > first.fence, "{}", db.name);
        let lost = db.store.step_operation(&first, &Event::Send, None, Some(at(12))).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{}: {lost:?}", db.name);
        db.store.step_operation(&second, &Event::Send, None, Some(at(12))).await.unwrap();
        let id = &first.operation.id;
        let answered = Event::Answered(Answer::Refused { code: "E1".to_owned() });
        let lost = db.store.step_operation(&first, &answered, Some(&attempt("send", "refused")), None).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{}: {lost:?}", db.name);
        assert_eq!(state(&db, id).await, State::Sending, "{}: another send is under way", db.name);
        let (_, attempts) = db.store.operation(id).await.unwrap().unwrap();
        assert_eq!(
            attempts.iter().map(|a| (a.number, a.late)).collect::<Vec<_>>(),
            [(1, true)],
            "{}",
            db.name
        );
        assert_eq!(db.store.attempt_raw(id, 1).await.unwrap().as_deref(), Some(&b"<return/>"[..]));
    }
}

#[tokio::test]
async fn a_worker_that_is_gone_leaves_an_unknown_and_its_late_answer_settles_it() {
    for db in stores().await {
        planned(&db, 1).await;
        let claimed = send(&db).await;
        let id = &claimed.operation.id;
        assert_eq!(db.store.expire_operations(at(5), at(5)).await.unwrap(), 0, "{}: still leased", db.name);
        assert_eq!(db.store.expire_operations(at(6), at(6)).await.unwrap(), 1, "{}", db.name);
        assert_eq!(state(&db, id).await, State::Unknown, "{}", db.name);
        db.clock.set(at(6));
        assert_eq!(db.store.next_operation(ACCOUNT).await.unwrap(), Some(at(6) + LOOK_AFTER), "{}", db.name);
        assert!(claim(&db.store, Work::Look, "two", 6, 9).await.is_empty(), "{}: not yet", db.name);
        let look = claim(&db.store, Work::Look, "two", 7, 9).await.remove(0);
        assert_eq!(state(&db, id).await, State::Looking, "{}", db.name);

        let unclear = Event::Answered(Answer::Unknown { reason: "cut off".to_owned() });
        let lost = db.store.step_operation(&claimed, &unclear, Some(&attempt("send", "unknown")), None).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{}", db.name);
        assert_eq!(state(&db, id).await, State::Looking, "{}: that tells nothing", db.name);

        let done = Event::Answered(Answer::Done);
        let lost = db.store.step_operation(&claimed, &done, Some(&attempt("send", "done")), None).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{}", db.name);
        assert_eq!(state(&db, id).await, State::Done, "{}", db.name);
        let lost = db.store.step_operation(&look, &Event::Looked(Verdict::NotDone), None, None).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{}: the looker is told", db.name);
        assert_eq!(state(&db, id).await, State::Done, "{}", db.name);
        let order = &claimed.operation.order_id;
        assert_eq!(db.store.done_intents(order).await.unwrap(), [claimed.operation.intent], "{}", db.name);
    }
}

#[tokio::test]
async fn a_late_answer_by_id() {
    for db in stores().await {
        planned(&db, 1).await;
        let claimed = send(&db).await;
        let id = &claimed.operation.id;
        db.store.expire_operations(at(6), at(6)).await.unwrap();
        let refused = Answer::Refused { code: "E1".to_owned() };
        db.store.append_late(id, &refused, &attempt("send", "refused"), at(7)).await.unwrap();
        assert_eq!(state(&db, id).await, State::Refused, "{}", db.name);
        db.store.append_late(id, &Answer::Done, &attempt("send", "done"), at(7)).await.unwrap();
        assert_eq!(state(&db, id).await, State::Refused, "{}: final", db.name);
        assert_eq!(db.store.operation(id).await.unwrap().unwrap().1.len(), 2, "{}", db.name);
        let missing = db.store.append_late("nobody", &Answer::Done, &attempt("send", "done"), at(7)).await;
        assert!(matches!(missing, Err(StoreError::NotFound(_))), "{}", db.name);
    }
}

#[tokio::test]
async fn facts_that_change_take_an_operation_from_the_worker_that_has_not_sent_it() {
    for db in stores().await {
        planned(&db, 1).await;
        let claimed = claim(&db.store, Work::Send, "one", 1, 1).await.remove(0);
        let id = &claimed.settlement.id;
        db.store.hold_settlement(id, "stop", "hanako", &planning(&[contract()])).await.unwrap();
        let lost = db.store.step_operation(&claimed, &Event::Send, None, Some(at(9))).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{}: {lost:?}", db.name);
        assert_eq!(state(&db, &claimed.operation.id).await, State::Superseded, "{}", db.name);
    }
}

#[tokio::test]
async fn an_illegal_step_writes_nothing() {
    for db in stores().await {
        planned(&db, 1).await;
        let claimed = claim(&db.store, Work::Send, "one", 1, 1).await.remove(0);
        let illegal = db
            .store
            .step_operation(&claimed, &Event::Answered(Answer::Done), Some(&attempt("send", "done")), None)
            .await;
        assert!(matches!(illegal, Err(StoreError::IllegalStep(_))), "{}: {illegal:?}", db.name);
        assert_eq!(state(&db, &claimed.operation.id).await, State::Ready, "{}", db.name);
        assert!(
            db.store.operation(&claimed.operation.id).await.unwrap().unwrap().1.is_empty(),
            "{}",
            db.name
        );
    }
}

#[tokio::test]
async fn the_answer_kept_is_cut_and_complete_otherwise() {
    for db in stores().await {
        planned(&db, 1).await;
        let claimed = send(&db).await;
        let long = NewAttempt { raw: vec![b'x'; 100_000], ..attempt("send", "done") };
        db.store.step_operation(&claimed, &Event::Answered(Answer::Done), Some(&long), None).await.unwrap();
        let (row, attempts) = db.store.operation(&claimed.operation.id).await.unwrap().unwrap();
        assert_eq!((row.shop.as_str(), row.mall_order_id.as_str()), ("cart", "A-000"), "{}", db.name);
        let a = &attempts[0];
        assert_eq!(
            (a.kind.as_str(), a.outcome.as_str(), a.http_status, a.late),
            ("send", "done", Some(200), false)
        );
        assert_eq!((a.started_at, a.finished_at, a.code.as_deref()), (at(1), at(2), Some("E012000001")));
        let raw = db.store.attempt_raw(&claimed.operation.id, 1).await.unwrap().unwrap();
        assert_eq!(raw.len(), 65_536, "{}", db.name);
    }
}

/// Whoever waited for a call's turn past the end of its lease sends nothing: another may be at it.
#[tokio::test]
async fn nothing_is_sent_under_a_lease_that_has_ended() {
    for db in stores().await {
        planned(&db, 1).await;
        let claimed = claim(&db.store, Work::Send, "one", 1, 1).await.remove(0);
        db.clock.set(at(6));
        let late = db.store.step_operation(&claimed, &Event::Send, None, Some(at(99))).await;
        assert!(matches!(late, Err(StoreError::LeaseLost)), "{}: {late:?}", db.name);
        let again = claim(&db.store, Work::Send, "two", 6, 1).await;
        db.store.step_operation(&again[0], &Event::Send, None, Some(at(99))).await.unwrap();
    }
}

#[tokio::test]
async fn people_retry_and_abandon() {
    for db in stores().await {
        planned(&db, 2).await;
        let claimed = send(&db).await;
        let id = claimed.operation.id.as_str();
        let store = &db.store;
        let refused = |result: Result<_, StoreError>, says: &str| match result {
            Err(StoreError::Refused(text)) => assert!(text.contains(says), "{}: {text}", db.name),
            other => panic!("{}: {other:?}", db.name),
        };
        refused(store.retry_operation(id, "t", at(2)).await, "right now");
        refused(store.abandon_operation(id, "no", "t", at(2)).await, "may be under way");
        let unknown = Event::Answered(Answer::Unknown { reason: "reset".to_owned() });
        store.step_operation(&claimed, &unknown, None, None).await.unwrap();
        let progress = store.retry_operation(id, "t", at(1)).await.unwrap();
        assert_eq!((progress.state, progress.run_at), (State::Unknown, at(1)), "{}: looked at now", db.name);
        let look = claim(store, Work::Look, "one", 1, 1).await.remove(0);
        let person = Event::Looked(Verdict::Person { reason: "two blocks".to_owned() });
        store.step_operation(&look, &person, Some(&attempt("settle", "person")), None).await.unwrap();

        let progress = store.retry_operation(id, "t", at(3)).await.unwrap();
        assert_eq!(progress.state, State::Looking, "{}", db.name);
        assert_eq!(
            store.expire_operations(at(500), at(500)).await.unwrap(),
            0,
            "{}: nobody holds it yet",
            db.name
        );
        let look = claim(store, Work::Look, "two", 3, 1).await.remove(0);
        store.step_operation(&look, &person, None, None).await.unwrap();
        let counts = store.count_operations().await.unwrap();
        assert_eq!(
            counts,
            [(ACCOUNT.to_owned(), State::NeedsPerson, 1), (ACCOUNT.to_owned(), State::Planned, 1)]
        );

        let progress = store.abandon_operation(id, "settled by hand", "hanako", at(4)).await.unwrap();
        assert_eq!((progress.state, progress.reason.as_deref()), (State::Abandoned, Some("settled by hand")));
        refused(store.retry_operation(id, "t", at(5)).await, "final");
        refused(store.abandon_operation(id, "x", "t", at(5)).await, "final");
        // What was given up is not wished again by the same facts.
        store.replan(&planning(&[contract()]), None, 10).await.unwrap();
        assert_eq!(store.list_operations(&OperationFilter::default()).await.unwrap().len(), 2, "{}", db.name);

        let filter = OperationFilter {
            state: Some(State::Planned),
            account: Some(ACCOUNT.to_owned()),
            ..OperationFilter::default()
        };
        let open = store.list_operations(&filter).await.unwrap();
        assert_eq!(open.len(), 1, "{}", db.name);
        let of = |order_id: &str| OperationFilter {
            order_id: Some(order_id.to_owned()),
            ..OperationFilter::default()
        };
        let own = store.list_operations(&of(&open[0].operation.order_id)).await.unwrap();
        assert!(own.iter().any(|r| r.operation.id == open[0].operation.id), "{}", db.name);
        assert!(own.iter().all(|r| r.operation.order_id == open[0].operation.order_id), "{}", db.name);
        assert!(store.list_operations(&of("nobody")).await.unwrap().is_empty(), "{}", db.name);
        let early = open[0].operation.progress.run_at - Duration::from_secs(1);
        refused(store.retry_operation(&open[0].operation.id, "t", early).await, "is planned for");
        let due = store.retry_operation(&open[0].operation.id, "t", at(5)).await.unwrap();
        assert_eq!((due.state, due.run_at), (State::Planned, at(5)), "{}", db.name);
        let after = OperationFilter {
            after: Some(open[0].operation.id.clone()),
            limit: Some(5),
            ..OperationFilter::default()
        };
        assert!(
            store
                .list_operations(&after)
                .await
                .unwrap()
                .iter()
                .all(|r| r.operation.id < open[0].operation.id)
        );
        let actions: Vec<_> = store.deeds(10).await.unwrap().into_iter().map(|d| d.action).collect();
        assert!(
            actions.contains(&"operations.retry".to_owned())
                && actions.contains(&"operations.abandon".to_owned())
        );
        assert!(matches!(store.retry_operation("nobody", "t", at(5)).await, Err(StoreError::NotFound(_))));
        assert!(store.operation("nobody").await.unwrap().is_none());
    }
}
