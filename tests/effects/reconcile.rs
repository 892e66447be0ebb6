//! Settlements against the gateway's books: the first look, the run by the schedule, what people did at the console, what
//! stops a run and where it goes on. Counted at the gateway.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveTime;
use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::order::Status;
use mallsync::domain::planner::{CaptureOn, Contract, Mode};
use mallsync::domain::reconcile::Kind;
use mallsync::domain::settlement::{Settlement, SettlementState, Wish};
use mallsync::engine::chores;
use mallsync::engine::effects::Account;
use mallsync::engine::reconcile::Reconciled;
use mallsync::sim::{Fault, Rule};
use mallsync::store::Planning;
use mallsync::store::reconciling::Which;
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use crate::log::Log;
use crate::rig::{Rig, contract, now, yamato};
use crate::support::stores;

const MINUTE: Duration = Duration::from_secs(60);

/// Nothing is sent but what a person asks for.
pub fn by_word() -> Contract {
    Contract { capture: CaptureOn::Manual, ..contract() }
}

/// A daemon for `time`: chores, what is sent, what is looked up.
pub async fn daemon(rig: &Rig, time: Duration) {
    let stop = CancellationToken::new();
    let (account, shared) = rig.worker(&stop);
    let mut tasks = JoinSet::new();
    tasks.spawn(chores::run(shared.clone(), Vec::new().into()));
    tasks.spawn(std::sync::Arc::clone(&account).run(shared.clone()));
    tasks.spawn(account.follow(shared));
    rig.db.clock.run_until(now(&rig.db) + time).await;
    stop.cancel();
    while tasks.join_next().await.is_some() {}
}

/// The daemon around 06:00 of that day, the schedule's time.
pub async fn morning(rig: &Rig, day: &str) {
    rig.db.clock.set(Timestamp::parse(&format!("{day}T05:58:00+09:00")).unwrap());
    daemon(rig, MINUTE * 6).await;
}

/// One run by a process of its own, while the clock goes on.
pub async fn reconcile(rig: &Rig, change: impl FnOnce(&mut Account)) -> Reconciled {
    let (account, shared) = rig.worker(&CancellationToken::new());
    let mut account = std::sync::Arc::try_unwrap(account).unwrap_or_else(|_| panic!("one owner"));
    change(&mut account);
    let busy = shared.ambient.clock().busy();
    let task = tokio::spawn(async move {
        let _busy = busy;
        account.reconcile(&shared).await.unwrap()
    });
    while !task.is_finished() {
        rig.db.clock.run_until(now(&rig.db) + MINUTE).await;
    }
    task.await.unwrap()
}

/// Look-ups of each reception number so far.
pub fn looks(rig: &Rig) -> BTreeMap<String, usize> {
    let mut looks = BTreeMap::new();
    for call in rig.world.calls().iter().filter(|call| call.function == "tradeInfo") {
        for number in &call.orders {
            *looks.entry(number.clone()).or_default() += 1;
        }
    }
    looks
}

async fn settlement(rig: &Rig, number: &str) -> Settlement {
    rig.db.store.find_settlements(number).await.unwrap().remove(0).settlement
}

/// Kinds that differ, by reception number.
async fn differences(rig: &Rig) -> BTreeMap<String, Vec<Kind>> {
    let which = Which::After("", 1_000);
    let (all, next) = rig.db.store.compare_settlements(&rig.contract, which, now(&rig.db)).await.unwrap();
    assert_eq!(next, None);
    all.into_iter()
        .map(|c| {
            let number = c.row.settlement.reception_number.unwrap();
            (number, c.differences.iter().map(|d| d.kind).collect())
        })
        .collect()
}

async fn wish(rig: &Rig, number: &str, wish: &Wish) {
    let row = settlement(rig, number).await;
    let planning = Planning { contracts: std::slice::from_ref(&rig.contract), now: now(&rig.db) };
    let wanted = rig.db.store.wish(&row.id, wish, "test", &planning, false).await.unwrap();
    assert_eq!(wanted.len(), 1, "{number}: {wish:?}");
}

pub fn by_hand(rig: &Rig, function: &str, number: &str, more: &[(&str, &str)]) {
    let params: Vec<(&str, &str)> = [("order_no", number)].into_iter().chain(more.iter().copied()).collect();
    assert_eq!(rig.world.by_hand(function, &params).as_deref(), Some(""), "{function} {number}");
}

/// The order comes back, as a poll would store it.
pub async fn cancel_order(rig: &Rig, number: &str) {
    let changed = if rig.db.name == "sqlite" {
        let mut conn = SqliteConnection::connect(&rig.db.url).await.unwrap();
        let text =
            "UPDATE orders SET status = 'canceled', document = json_set(document, '$.status', 'canceled')
                    WHERE mall_order_id = $1";
        sqlx::query(text).bind(number).execute(&mut conn).await.unwrap().rows_affected()
    } else {
        let mut conn = PgConnection::connect(&rig.db.url).await.unwrap();
        let text = "UPDATE orders SET status = 'canceled',
                        document = jsonb_set(document::jsonb, '{status}', '\"canceled\"')::text
                    WHERE mall_order_id = $1";
        sqlx::query(text).bind(number).execute(&mut conn).await.unwrap().rows_affected()
    };
    assert_eq!(changed, 1, "{number}");
}

/// A settlement is looked up once, soon after it was linked, and known as its order's own: everything works on it then.
#[tokio::test]
async fn a_new_settlement_is_looked_up_once_and_soon() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let rig = Rig::new(db, 3, by_word()).await;
        let name = rig.db.name;
        let strange = rig.orders[2].order_number.clone();
        let order = rig.db.store.find_orders(&strange).await.unwrap().remove(0);
        let store = &rig.db.store;
        store.link_settlement(&order.id, &rig.contract.name, "X-404", "test", &rig.planning()).await.unwrap();
        daemon(&rig, MINUTE * 3).await;
        let all = looks(&rig);
        assert_eq!((all.len(), all.values().max()), (3, Some(&1)), "{name}: each was asked for once");
        for fact in &rig.orders[..2] {
            let row = settlement(&rig, &fact.order_number).await;
            assert_eq!(row.state, SettlementState::Authorized, "{name}");
            assert_eq!(row.amount, fact.due.map(Yen), "{name}");
            assert!(row.verified_at.is_some() && row.lapses_on.is_some(), "{name}: {row:?}");
        }
        // What the gateway does not know is told once, and asked for again with all the others only.
        let row = settlement(&rig, "X-404").await;
        assert_eq!((row.state, row.verified_at), (SettlementState::Unknown, None), "{name}");
        assert!(row.looked_at.is_some(), "{name}");
        let told = log.lines(Level::WARN, "Settlement was found to differ.");
        assert_eq!(told.len(), 1, "{name}: {told:?}");
        assert!(told[0].contains("not_there") && told[0].contains(&strange), "{name}: {told:?}");

        // A person's word finds the amount. Our own cancel is no surprise afterwards.
        wish(&rig, &rig.orders[0].order_number, &Wish::Cancel).await;
        daemon(&rig, MINUTE * 3).await;
        let row = settlement(&rig, &rig.orders[0].order_number).await;
        assert_eq!((row.state, row.held), (SettlementState::Canceled, None), "{name}");
        assert_eq!(differences(&rig).await.keys().collect::<Vec<_>>(), ["X-404"], "{name}");
        rig.server.stop().await;
    }
}

/// What staff did at the console is found by the morning's run, told once with its amounts, and gone when it is mended;
/// what is settled is no longer asked for.
#[tokio::test]
async fn the_run_finds_what_people_did_at_the_console() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let rig = Rig::new(db, 7, by_word()).await;
        let name = rig.db.name;
        let numbers: Vec<String> = rig.orders.iter().map(|fact| fact.order_number.clone()).collect();
        let due = |i: usize| rig.orders[i].due.unwrap();
        for number in &numbers[3..6] {
            wish(&rig, number, &Wish::Capture).await;
        }
        daemon(&rig, MINUTE * 6).await;
        by_hand(&rig, "E01", &numbers[0], &[("slip_no", &yamato(900)), ("delivery_service_code", "00")]);
        by_hand(&rig, "A06", &numbers[1], &[]);
        let less = (due(2) - 1).to_string();
        by_hand(&rig, "A07", &numbers[2], &[("new_price", &less)]);
        assert_eq!(rig.world.scan(Some(&numbers[4])), [numbers[4].clone()]);
        assert_eq!(rig.world.scan(Some(&numbers[5])), [numbers[5].clone()]);
        cancel_order(&rig, &numbers[5]).await;

        let before = looks(&rig);
        morning(&rig, "2026-11-22").await;
        let after = looks(&rig);
        for number in &numbers {
            assert_eq!(after[number], before[number] + 1, "{name}: {number} was asked for once");
        }
        let expected: BTreeMap<String, Vec<Kind>> = [
            (0, Kind::CapturedElsewhere),
            (1, Kind::CanceledElsewhere),
            (2, Kind::AmountDiffers),
            (5, Kind::RefundDue),
        ]
        .map(|(i, kind): (usize, Kind)| (numbers[i].clone(), vec![kind]))
        .into();
        assert_eq!(differences(&rig).await, expected, "{name}");
        let row = rig.db.store.reconciliations(None).await.unwrap().remove(0);
        assert_eq!((row.looked, row.failed, row.error, row.began_at), (7, 0, None, None), "{name}");
        assert_eq!(row.due_at.to_string(), "2026-11-23T06:00:00+09:00", "{name}");
        let sums: Vec<_> = row.report.tallies().iter().map(|t| (t.kind, t.ours.0, t.theirs.0)).collect();
        assert_eq!(
            sums,
            [
                (Kind::CapturedElsewhere, 0, due(0)),
                (Kind::CanceledElsewhere, due(1), 0),
                (Kind::RefundDue, 0, due(5)),
                (Kind::AmountDiffers, due(2), due(2) - 1),
            ],
            "{name}"
        );
        let told = || log.lines(Level::WARN, "Settlement was found to differ.").len();
        assert_eq!((told(), log.lines(Level::INFO, "Settlements were reconciled.").len()), (4, 1), "{name}");

        // A person mends two of them.
        by_hand(&rig, "A07", &numbers[2], &[("new_price", &due(2).to_string())]);
        let paid = settlement(&rig, &numbers[5]).await.id;
        let store = &rig.db.store;
        store.resolve_settlement(&paid, Some("refunded by hand"), "test", &rig.planning()).await.unwrap();
        let before = after;
        morning(&rig, "2026-11-23").await;
        let after = looks(&rig);
        let asked: Vec<usize> = (0..7).filter(|i| after[&numbers[*i]] > before[&numbers[*i]]).collect();
        assert_eq!(asked, [0, 2, 3, 6], "{name}: what is settled or cancelled is closed");
        let kinds: Vec<Vec<Kind>> = differences(&rig).await.into_values().collect();
        assert_eq!(kinds.len(), 2, "{name}: {kinds:?}");
        assert_eq!(told(), 4, "{name}: nothing is told twice");

        // Three days after its registration the slip that nobody scanned is named.
        morning(&rig, "2026-11-24").await;
        assert_eq!(differences(&rig).await[&numbers[3]], [Kind::NotSettled], "{name}");
        let slip = &settlement(&rig, &numbers[3]).await.slips[0];
        assert_eq!(log.lines(Level::WARN, &format!("slip {slip} was never scanned")).len(), 1, "{name}");
        rig.server.stop().await;
    }
}

/// One sale that the gateway fails for keeps no other waiting (I4); the run is gone on with, and asks for that one alone.
#[tokio::test]
async fn a_run_that_was_broken_off_goes_on_where_it_stopped() {
    for db in stores().await {
        let rig = Rig::new(db, 5, by_word()).await;
        let name = rig.db.name;
        let down = Fault::Code { code: "Z012000005".to_owned(), effect: false };
        let third = rig.orders[2].order_number.clone();
        let rule =
            Rule { function: "tradeInfo".to_owned(), order: third.clone(), fault: down, ..Rule::default() };
        rig.world.set_fault(rule);
        let first = reconcile(&rig, |_| {}).await;
        assert_eq!((first.looked, first.failed), (4, 1), "{name}: {first:?}");
        assert!(first.error.is_some_and(|why| why.contains("could not be asked")), "{name}");
        assert_eq!(looks(&rig)[&third], 3, "{name}: a passing fault is tried again first");
        rig.world.set_faults(Vec::new());
        let second = reconcile(&rig, |_| {}).await;
        assert_eq!((second.looked, second.failed, second.error), (1, 0, None), "{name}");
        let all = looks(&rig);
        for fact in rig.orders.iter().filter(|fact| fact.order_number != third) {
            assert_eq!(all[&fact.order_number], 1, "{name}: nothing was asked for twice");
        }
        rig.server.stop().await;
    }
}

/// An answer that cannot be read is one settlement's matter (I4); a stopped account is everybody's.
#[tokio::test]
async fn one_bad_answer_keeps_nobody_waiting_and_a_stopped_account_everybody() {
    for db in stores().await {
        let rig = Rig::new(db, 3, by_word()).await;
        let name = rig.db.name;
        let bad = rig.orders[0].order_number.clone();
        let rule =
            |fault| Rule { function: "tradeInfo".to_owned(), order: bad.clone(), fault, ..Rule::default() };
        rig.world.set_fault(rule(Fault::Doctype));
        let run = reconcile(&rig, |_| {}).await;
        assert_eq!((run.looked, run.failed, run.error), (2, 1, None), "{name}");
        assert_eq!(differences(&rig).await, [(bad.clone(), vec![Kind::Unreadable])].into(), "{name}");
        let before = rig.world.calls().len();
        rig.world.set_fault(rule(Fault::Code { code: "Z012000009".to_owned(), effect: false }));
        let run = reconcile(&rig, |_| {}).await;
        assert!(run.error.as_deref().is_some_and(|why| why.contains("Z012000009")), "{name}: {run:?}");
        let calls = rig.world.calls().len();
        assert_eq!(calls, before + 1, "{name}: nobody else is asked for");
        assert!(reconcile(&rig, |_| {}).await.error.is_some(), "{name}");
        assert_eq!(rig.world.calls().len(), calls, "{name}: a stopped account is left alone");
        rig.server.stop().await;
    }
}

/// In the maintenance window nothing is asked; a look-up that would reach into it is left for later.
#[tokio::test]
async fn the_window_is_kept() {
    for db in stores().await {
        let rig = Rig::new(db, 2, by_word()).await;
        let name = rig.db.name;
        rig.db.clock.set(Timestamp::parse("2026-11-21T23:30:00+09:00").unwrap());
        let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        let run = reconcile(&rig, |account| account.window = Some((at(23), at(1)))).await;
        assert_eq!(run.error.as_deref(), Some("maintenance window until 01:05"), "{name}");
        assert_eq!((run.looked, rig.world.calls().len()), (0, 0), "{name}");
        rig.server.stop().await;
    }
}

/// Dry-run reads: the same looks, the same report, and nothing changed at the gateway.
#[tokio::test]
async fn dry_run_looks_and_changes_nothing() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let rig = Rig::new(db, 2, Contract { mode: Mode::DryRun, ..contract() }).await;
        let name = rig.db.name;
        by_hand(&rig, "A06", &rig.orders[0].order_number, &[]);
        daemon(&rig, MINUTE * 3).await;
        assert_eq!(looks(&rig).len(), 2, "{name}");
        let found = differences(&rig).await;
        assert_eq!(
            found,
            [(rig.orders[0].order_number.clone(), vec![Kind::CanceledElsewhere])].into(),
            "{name}"
        );
        assert!(settlement(&rig, &rig.orders[1].order_number).await.verified_at.is_some(), "{name}");
        assert!(rig.world.calls().iter().all(|call| call.function == "tradeInfo"), "{name}");
        assert!(
            log.lines(Level::WARN, "found to differ").is_empty(),
            "{name}: nothing is awaited of anybody"
        );
        assert_eq!(log.lines(Level::INFO, "found to differ").len(), 1, "{name}");
        rig.server.stop().await;
    }
}

/// An order that left days ago with nothing captured is told of, and so is one whose order was cancelled at its mall.
#[tokio::test]
async fn orders_are_compared_with_their_settlements() {
    let mut all = stores().await;
    let rig = Rig::new(all.remove(0), 2, by_word()).await;
    cancel_order(&rig, &rig.orders[1].order_number).await;
    morning(&rig, "2026-11-25").await;
    let expected: BTreeMap<String, Vec<Kind>> = [
        (rig.orders[0].order_number.clone(), vec![Kind::NotCaptured]),
        (rig.orders[1].order_number.clone(), vec![Kind::OrderCanceled]),
    ]
    .into();
    assert_eq!(differences(&rig).await, expected);
    let order = rig.db.store.find_orders(&rig.orders[1].order_number).await.unwrap().remove(0);
    assert_eq!(order.order.status, Status::Canceled);
    rig.server.stop().await;
}
