//! What happens elsewhere while a worker has an operation in hand: a hold, a later time, a night, a window, a commit that
//! takes long. Nothing is sent that was to be sent before.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::NaiveTime;
use mallsync::clock::{Clock, Timestamp};
use mallsync::domain::operation::State;
use mallsync::domain::planner::{CaptureOn, Contract};
use mallsync::domain::settlement::Wish;
use mallsync::engine::effects::Account;
use mallsync::store::{Planning, Store};
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;

use crate::changes::{by_word, looked_up, sends, settlement, wish, work};
use crate::rig::{Rig, contract, now};
use crate::support::{postgres, stores};

const HOUR: Duration = Duration::from_secs(3_600);
const CAPTURE: &str = "shipmentEntry";

/// `what` happens while a worker has what it saw of the only order in hand, before it sends.
fn meanwhile(rig: &Rig, what: impl Future<Output = ()> + Send + 'static) {
    let number = rig.orders[0].order_number.clone();
    rig.interludes.lock().unwrap().insert(number, Box::new(move || Box::pin(what)));
}

fn sent(rig: &Rig, function: &str) -> usize {
    assert!(rig.interludes.lock().unwrap().is_empty(), "it was in hand");
    sends(rig, function, &rig.orders[0].order_number)
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Nobody calls from 12:10 to 13:00, widened by five minutes on each side (decisions.md 10).
fn with_a_window(account: Arc<Account>) -> Account {
    let time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
    Account { window: Some((time(12, 10), time(13, 0))), ..Arc::into_inner(account).unwrap() }
}

/// A person holds a contract, or releases it.
async fn hold(store: Store, name: String, reason: Option<&'static str>) {
    let mut row = store.account(&name).await.unwrap();
    row.held_reason = reason.map(str::to_owned);
    store.put_account(&row).await.unwrap();
}

#[tokio::test]
async fn a_contract_that_a_person_holds_sends_nothing_that_is_in_hand() {
    for db in stores().await {
        let rig = Rig::new(db, 1, contract()).await;
        let (store, name) = (rig.db.store.clone(), rig.contract.name.clone());
        meanwhile(&rig, hold(store.clone(), name.clone(), Some("stock-taking")));
        rig.run(HOUR).await;
        assert_eq!(sent(&rig, CAPTURE), 0, "{}", rig.db.name);
        hold(store, name, None).await;
        rig.run(HOUR).await;
        assert_eq!(sent(&rig, CAPTURE), 1, "{}: released", rig.db.name);
        rig.server.stop().await;
    }
}

#[tokio::test]
async fn a_settlement_that_a_person_holds_sends_nothing_that_is_in_hand() {
    for db in stores().await {
        let rig = Rig::new(db, 1, contract()).await;
        let store = rig.db.store.clone();
        let id = settlement(&rig, &rig.orders[0].order_number).await.id;
        let (contracts, held, time) = ([rig.contract.clone()], id.clone(), now(&rig.db));
        meanwhile(&rig, async move {
            let planning = Planning { contracts: &contracts, now: time };
            store.hold_settlement(&held, "the buyer called", "hanako", &planning).await.unwrap();
        });
        rig.run(HOUR).await;
        assert_eq!(sent(&rig, CAPTURE), 0, "{}", rig.db.name);
        let planning = Planning { now: now(&rig.db), ..rig.planning() };
        rig.db.store.release_settlement(&id, "hanako", &planning).await.unwrap();
        rig.run(HOUR).await;
        assert_eq!(sent(&rig, CAPTURE), 1, "{}: released", rig.db.name);
        rig.server.stop().await;
    }
}

/// A new config says a later hour: whoever has it in hand loses it, and it is sent then.
#[tokio::test]
async fn what_is_put_off_is_taken_from_its_worker() {
    for db in stores().await {
        let early = Contract { capture: CaptureOn::ShipDate, ..contract() };
        let rig = Rig::new(db, 1, early.clone()).await;
        let (store, time) = (rig.db.store.clone(), now(&rig.db));
        let late = [Contract { capture_time: NaiveTime::from_hms_opt(23, 0, 0).unwrap(), ..early }];
        meanwhile(&rig, async move {
            let planning = Planning { contracts: &late, now: time };
            store.replan(&planning, None, 100).await.unwrap();
        });
        work(&rig, HOUR * 10).await;
        assert_eq!(sent(&rig, CAPTURE), 0, "{}: it is 22:00", rig.db.name);
        work(&rig, HOUR * 2).await;
        assert_eq!(sent(&rig, CAPTURE), 1, "{}", rig.db.name);
        let calls = rig.world.calls();
        let call = calls.iter().find(|call| call.function == CAPTURE).unwrap();
        assert!(call.at >= at("2026-11-21T23:00:00+09:00"), "{}: {call:?}", rig.db.name);
        rig.server.stop().await;
    }
}

#[tokio::test]
async fn a_window_that_opens_is_seen_by_who_has_looked() {
    for db in stores().await {
        let rig = Rig::new(db, 1, contract()).await;
        rig.db.clock.set(at("2026-11-21T12:04:20+09:00"));
        let clock = rig.db.clock.clone();
        // Not so long that the look itself is old.
        meanwhile(&rig, async move { clock.advance(Duration::from_secs(45)) });
        let stop = CancellationToken::new();
        let (account, shared) = rig.worker(&stop);
        let task = tokio::spawn(Arc::new(with_a_window(account)).run(shared));
        rig.db.clock.run_until(at("2026-11-21T13:04:50+09:00")).await;
        assert_eq!(sent(&rig, CAPTURE), 0, "{}", rig.db.name);
        rig.db.clock.run_until(at("2026-11-21T13:10:00+09:00")).await;
        assert_eq!(sent(&rig, CAPTURE), 1, "{}", rig.db.name);
        stop.cancel();
        task.await.unwrap();
        rig.server.stop().await;
    }
}

/// Whoever waited for a call's turn asks again: look-ups and the question of the address included.
#[tokio::test]
async fn a_window_that_opens_is_seen_by_who_waited_for_a_turn() {
    for db in stores().await {
        let rig = Rig::new(db, 3, contract()).await;
        rig.db.clock.set(at("2026-11-21T12:04:20+09:00"));
        let stop = CancellationToken::new();
        let (account, shared) = rig.worker(&stop);
        let turns = Arc::clone(&account.calls).acquire_many_owned(3).await.unwrap();
        let task = tokio::spawn(Arc::new(with_a_window(account)).run(shared));
        rig.db.clock.quiet().await;
        rig.db.clock.advance(Duration::from_secs(45));
        drop(turns);
        rig.db.clock.run_until(at("2026-11-21T13:04:50+09:00")).await;
        assert_eq!(rig.world.calls().len(), 0, "{}", rig.db.name);
        rig.db.clock.run_until(at("2026-11-21T13:10:00+09:00")).await;
        assert_eq!(rig.world.books().len(), 3, "{}", rig.db.name);
        stop.cancel();
        task.await.unwrap();
        rig.server.stop().await;
    }
}

/// 22:55 to 01:05 for what the gateway does not work on at night (§5.7).
#[tokio::test]
async fn a_night_that_falls_is_seen_by_who_has_looked() {
    for db in stores().await {
        let rig = Rig::new(db, 1, by_word()).await;
        looked_up(&rig).await;
        wish(&rig, &rig.orders[0].order_number, &Wish::Reauth).await;
        rig.db.clock.set(at("2026-11-21T22:54:30+09:00"));
        let clock = rig.db.clock.clone();
        meanwhile(&rig, async move { clock.advance(Duration::from_secs(40)) });
        work(&rig, HOUR * 2).await;
        assert_eq!(sent(&rig, "reAuth"), 0, "{}", rig.db.name);
        work(&rig, HOUR / 2).await;
        assert_eq!(sent(&rig, "reAuth"), 1, "{}", rig.db.name);
        let calls = rig.world.calls();
        let call = calls.iter().find(|call| call.function == "reAuth").unwrap();
        assert!(call.at >= at("2026-11-22T01:05:00+09:00"), "{}: {call:?}", rig.db.name);
        rig.server.stop().await;
    }
}

/// decisions.md 8: a machine that stood still between the decision and the first byte sends nothing when it wakes. Here
/// the commit of the intent waits for a row.
#[tokio::test]
async fn after_a_commit_that_took_long_nothing_is_sent() {
    let rig = Rig::new(postgres().await, 1, contract()).await;
    let (url, clock) = (rig.db.url.clone(), rig.db.clock.clone());
    let woke = Arc::new(OnceLock::new());
    let wakes = Arc::clone(&woke);
    meanwhile(&rig, async move {
        let mut holder = PgConnection::connect(&url).await.unwrap();
        let mut watcher = PgConnection::connect(&url).await.unwrap();
        sqlx::query("BEGIN").execute(&mut holder).await.unwrap();
        sqlx::query("SELECT id FROM operations FOR UPDATE").fetch_all(&mut holder).await.unwrap();
        tokio::spawn(async move {
            let waits = "SELECT count(*) FROM pg_stat_activity
                         WHERE datname = current_database() AND wait_event_type = 'Lock'";
            while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut watcher).await.unwrap() == 0 {}
            clock.advance(Duration::from_secs(6));
            wakes.set(clock.now()).unwrap();
            sqlx::query("COMMIT").execute(&mut holder).await.unwrap();
        });
    });
    work(&rig, HOUR / 2).await;
    assert_eq!(sent(&rig, CAPTURE), 1, "it is tried again");
    let call = rig.world.calls().into_iter().find(|call| call.function == CAPTURE).unwrap();
    assert!(call.at > *woke.get().unwrap(), "not when it woke: {call:?}");
    let id = rig.operations().await[0].id.clone();
    let (row, attempts) = rig.db.store.operation(&id).await.unwrap().unwrap();
    assert_eq!(row.operation.progress.state, State::Done);
    let words: Vec<&str> = attempts.iter().map(|attempt| attempt.outcome.as_str()).collect();
    assert_eq!(words, ["looked", "not_sent", "looked", "done"]);
    rig.server.stop().await;
}
