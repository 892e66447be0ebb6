//! What left is counted in the transaction of the intent: no guard is passed, by however many at once.

use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Answer, Event, State};
use mallsync::store::operations::{Claimed, Work};
use mallsync::store::sends::{Begun, Guards, Withheld};
use mallsync::store::{Access, Store};

use crate::facts::{at, claiming};
use crate::operations::{ACCOUNT, attempt, claim, planned, state};
use crate::support::{TestStore, stores};

const SENDING: Begun = Begun::Sending { trial: false };
/// Of every order here.
const DUE: i64 = 12_800;

fn guards(max_per_hour: u32, yen: i64) -> Guards {
    Guards { max_per_hour, max_yen_per_day: Yen(yen) }
}

async fn begin(store: &Store, claimed: &Claimed, guards: &Guards, until: Timestamp) -> Begun {
    let look = attempt("look", "looked");
    store.begin_sending(claimed, &look, None, guards, until).await.unwrap()
}

async fn all(db: &TestStore, limit: u64) -> Vec<Claimed> {
    let claim = claiming(ACCOUNT, Work::Send, "one", at(1), at(1), at(9_999), limit);
    db.store.claim_operations(&claim).await.unwrap()
}

/// The guard that was passed.
fn past(begun: &Begun) -> Option<&str> {
    match begun {
        Begun::Withheld(Withheld::Guard(reason)) => Some(reason.as_str()),
        _ => None,
    }
}

/// A person looks and lets go.
async fn release(db: &TestStore) {
    let seen = db.store.account(ACCOUNT).await.unwrap();
    assert!(seen.held_reason.is_some(), "{}", db.name);
    db.store.release_contract(&seen, "t", at(0)).await.unwrap();
}

#[tokio::test]
async fn two_stores_at_once_pass_no_guard_together_and_hold_once() {
    for db in stores().await {
        planned(&db, 24).await;
        let other = db.another(Access::Command).await;
        let claimed = all(&db, 24).await;
        assert_eq!(claimed.len(), 24, "{}", db.name);
        let mut tasks = Vec::new();
        for (i, claimed) in claimed.into_iter().enumerate() {
            let store = if i % 2 == 0 { db.store.clone() } else { other.clone() };
            tasks.push(tokio::spawn(async move {
                begin(&store, &claimed, &guards(5, 5_000_000), at(9_999)).await
            }));
        }
        let mut begun = Vec::new();
        for task in tasks {
            begun.push(task.await.unwrap());
        }
        let count = |wanted: fn(&Begun) -> bool| begun.iter().filter(|b| wanted(b)).count();
        assert_eq!(count(|b| *b == SENDING), 5, "{}: {begun:?}", db.name);
        assert_eq!(count(|b| matches!(b, Begun::Withheld(Withheld::Guard(_)))), 1, "{}", db.name);
        assert_eq!(count(|b| matches!(b, Begun::Withheld(Withheld::Held(_)))), 18, "{}", db.name);
        let row = db.store.account(ACCOUNT).await.unwrap();
        let reason = "max_per_hour: 5 operations within an hour";
        assert_eq!(row.held_reason.as_deref(), Some(reason), "{}", db.name);
        other.close().await;
    }
}

/// Whatever became of them: what was answered with a fault and is ready again was sent, and what was refused too.
#[tokio::test]
async fn an_hour_counts_every_request_that_may_have_left() {
    for db in stores().await {
        let name = db.name;
        planned(&db, 4).await;
        let claimed = all(&db, 4).await;
        let ask = guards(3, 5_000_000);
        db.clock.set(at(10));
        assert_eq!(begin(&db.store, &claimed[0], &ask, at(9_999)).await, SENDING, "{name}");
        let retry = Event::Answered(Answer::Retry { code: "E013000001".to_owned() });
        db.store.step_operation(&claimed[0], &retry, None, None).await.unwrap();
        assert_eq!(state(&db, &claimed[0].operation.id).await, State::Ready, "{name}");
        db.clock.set(at(20));
        assert_eq!(begin(&db.store, &claimed[1], &ask, at(9_999)).await, SENDING, "{name}");
        let refused = Event::Answered(Answer::Refused { code: "E".to_owned() });
        db.store.step_operation(&claimed[1], &refused, None, None).await.unwrap();
        // Of this one no byte left.
        db.clock.set(at(30));
        assert_eq!(begin(&db.store, &claimed[2], &ask, at(9_999)).await, SENDING, "{name}");
        let nothing = Event::NothingSent { reason: "no connection".to_owned() };
        db.store.step_operation(&claimed[2], &nothing, None, None).await.unwrap();
        let again = claim(&db.store, Work::Send, "one", 31, 9).await;
        let (first, third) = (&claimed[0].operation.id, &claimed[2].operation.id);
        let of = |id: &String| again.iter().find(|claimed| claimed.operation.id == *id).unwrap();
        db.clock.set(at(32));
        assert_eq!(begin(&db.store, of(first), &ask, at(9_999)).await, SENDING, "{name}: the third");
        let fourth = begin(&db.store, of(third), &ask, at(9_999)).await;
        assert_eq!(past(&fourth), Some("max_per_hour: 3 operations within an hour"), "{name}: {fourth:?}");
        assert_eq!(state(&db, third).await, State::Ready, "{name}: nothing of it was written");
        let held = begin(&db.store, of(third), &guards(99, 5_000_000), at(9_999)).await;
        assert!(matches!(held, Begun::Withheld(Withheld::Held(_))), "{name}: {held:?}");
        release(&db).await;
        // An hour after the first of the three.
        db.clock.set(at(70));
        let again = claim(&db.store, Work::Send, "two", 70, 9).await;
        let third = again.iter().find(|claimed| claimed.operation.id == *third).unwrap();
        assert!(past(&begin(&db.store, third, &ask, at(9_999)).await).is_some(), "{name}");
        release(&db).await;
        db.clock.set(at(71));
        assert_eq!(begin(&db.store, third, &ask, at(9_999)).await, SENDING, "{name}: the first is out of it");
    }
}

#[tokio::test]
async fn a_day_counts_the_yen_of_each_operation_once_and_begins_at_midnight() {
    for db in stores().await {
        let name = db.name;
        planned(&db, 3).await;
        let claimed = all(&db, 3).await;
        let ask = guards(99, 2 * DUE);
        let retry = Event::Answered(Answer::Retry { code: "E013000001".to_owned() });
        db.clock.set(at(2));
        assert_eq!(begin(&db.store, &claimed[0], &ask, at(9_999)).await, SENDING, "{name}");
        db.store.step_operation(&claimed[0], &retry, None, None).await.unwrap();
        let again = claim(&db.store, Work::Send, "two", 10, 1).await.remove(0);
        db.clock.set(at(10));
        assert_eq!(begin(&db.store, &again, &ask, at(9_999)).await, SENDING, "{name}");
        assert_eq!(begin(&db.store, &claimed[1], &ask, at(9_999)).await, SENDING, "{name}: the day's second");
        let third = begin(&db.store, &claimed[2], &ask, at(9_999)).await;
        let reason = "max_yen_per_day: 25,600 yen today, 12,800 more would be past 25,600";
        assert_eq!(past(&third), Some(reason), "{name}: {third:?}");
        release(&db).await;
        // Noon was the start: twelve hours to midnight.
        db.clock.set(at(12 * 60) - Duration::from_secs(1));
        let third = begin(&db.store, &claimed[2], &ask, at(9_999)).await;
        assert!(past(&third).is_some(), "{name}: {third:?}");
        release(&db).await;
        db.clock.set(at(12 * 60));
        assert_eq!(begin(&db.store, &claimed[2], &ask, at(9_999)).await, SENDING, "{name}");
    }
}

/// What was sent under a clock that ran ahead counts as sent now: neither never nor for ever.
#[tokio::test]
async fn a_clock_that_was_set_back_opens_no_gap_and_closes_nothing_for_good() {
    for db in stores().await {
        let name = db.name;
        planned(&db, 4).await;
        let claimed = all(&db, 4).await;
        let ask = guards(2, 5_000_000);
        db.clock.set(at(5_000));
        assert_eq!(begin(&db.store, &claimed[0], &ask, at(9_999)).await, SENDING, "{name}");
        db.clock.set(at(10));
        assert_eq!(begin(&db.store, &claimed[1], &ask, at(9_999)).await, SENDING, "{name}");
        assert!(past(&begin(&db.store, &claimed[2], &ask, at(9_999)).await).is_some(), "{name}");
        release(&db).await;
        db.clock.set(at(71));
        assert_eq!(begin(&db.store, &claimed[2], &ask, at(9_999)).await, SENDING, "{name}");
        assert_eq!(begin(&db.store, &claimed[3], &ask, at(9_999)).await, SENDING, "{name}");
    }
}

/// Rows that no guard looks back at go, and the totals stand.
#[tokio::test]
async fn rows_of_days_ago_are_cleared_and_nothing_is_miscounted() {
    for db in stores().await {
        let name = db.name;
        planned(&db, 1).await;
        let ask = guards(2, 5_000_000);
        // A quarter of an hour apart, for three days; of most of them no byte left.
        for round in 0..300_u64 {
            let minutes = 15 * round + 1;
            db.clock.set(at(minutes));
            let claimed = claim(&db.store, Work::Send, "one", minutes, 1).await.remove(0);
            assert_eq!(begin(&db.store, &claimed, &ask, at(9_999)).await, SENDING, "{name}: {round}");
            let came = if round % 15 == 14 {
                Event::Answered(Answer::Later { until: at(minutes), code: "Z010000000".to_owned() })
            } else {
                Event::NothingSent { reason: "no connection".to_owned() }
            };
            db.store.step_operation(&claimed, &came, None, None).await.unwrap();
        }
        // Both windows are as if each had been counted by hand.
        let claimed = claim(&db.store, Work::Send, "one", 4_487, 1).await.remove(0);
        let one = begin(&db.store, &claimed, &guards(1, 5_000_000), at(9_999)).await;
        assert_eq!(past(&one), Some("max_per_hour: 1 operations within an hour"), "{name}: {one:?}");
    }
}
