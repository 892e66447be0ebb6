//! What stops a run of reconciliation, what counts as failed, and what is told all the same.

use std::time::Duration;

use chrono::NaiveTime;
use mallsync::clock::Timestamp;
use mallsync::domain::planner::{Contract, Mode};
use mallsync::domain::reconcile::Kind;
use mallsync::engine::reconcile::Reconciled;
use mallsync::sim::{Fault, Rule};
use mallsync::store::runs::Reconciliation;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use crate::log::Log;
use crate::reconcile::{by_hand, by_word, cancel_order, daemon, looks, morning, reconcile};
use crate::rig::{Rig, contract, now};
use crate::support::stores;

const MINUTE: Duration = Duration::from_secs(60);

/// One run by a person's command, while the clock goes on.
async fn reconcile_now(rig: &Rig) -> Reconciled {
    let (account, shared) = rig.worker(&CancellationToken::new());
    let busy = shared.ambient.clock().busy();
    let task = tokio::spawn(async move {
        let _busy = busy;
        account.reconcile_now(&shared).await.unwrap()
    });
    while !task.is_finished() {
        rig.db.clock.run_until(now(&rig.db) + MINUTE).await;
    }
    task.await.unwrap()
}

async fn row(rig: &Rig) -> Reconciliation {
    rig.db.store.reconciliations(None).await.unwrap().remove(0)
}

/// A run that was broken off hours ago is gone on with by itself; who asks for one now gets looks of now.
#[tokio::test]
async fn what_is_asked_for_now_is_looked_up_now() {
    for db in stores().await {
        let rig = Rig::new(db, 3, by_word()).await;
        let name = rig.db.name;
        let down = Fault::Code { code: "Z012000005".to_owned(), effect: false };
        let order = rig.orders[2].order_number.clone();
        rig.world.set_fault(Rule { function: "tradeInfo".to_owned(), order, fault: down, ..Rule::default() });
        assert!(reconcile(&rig, |_| {}).await.error.is_some(), "{name}");
        rig.world.set_faults(Vec::new());
        rig.db.clock.set(now(&rig.db) + MINUTE * 180);
        let asked = reconcile_now(&rig).await;
        assert_eq!((asked.looked, asked.failed, asked.error), (3, 0, None), "{name}: all of them anew");
        assert_eq!(looks(&rig)[&rig.orders[0].order_number], 2, "{name}");
        // The same for a command that asks a daemon.
        rig.db.clock.set(now(&rig.db) + MINUTE);
        assert!(rig.db.store.ask_reconciliation(&rig.contract.name, now(&rig.db)).await.unwrap(), "{name}");
        let told = reconcile(&rig, |_| {}).await;
        assert_eq!((told.looked, row(&rig).await.asked_at), (3, None), "{name}");
        rig.server.stop().await;
    }
}

/// The window cuts a run short: nothing failed, and what is left is looked up after it.
#[tokio::test]
async fn a_run_that_the_window_cuts_short_has_not_failed() {
    for db in stores().await {
        let rig = Rig::new(db, 8, by_word()).await;
        let name = rig.db.name;
        let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        let before = Timestamp::parse("2026-11-21T22:55:00+09:00").unwrap();
        let deadline = rig.worker(&CancellationToken::new()).0.gateway.deadline();
        // The fourth look fails in passing; before it may be tried again the window is too near.
        let down = Fault::Code { code: "Z012000005".to_owned(), effect: false };
        let (function, calls) = ("tradeInfo".to_owned(), [4].into());
        rig.world.set_fault(Rule { function, calls, fault: down, ..Rule::default() });
        rig.db.clock.set(before - deadline - Duration::from_secs(4));
        let run = reconcile(&rig, |account| account.window = Some((at(23), at(1)))).await;
        assert_eq!(run.error.as_deref(), Some("maintenance window until 01:05"), "{name}");
        assert_eq!((run.looked, run.failed), (3, 0), "{name}");
        rig.db.clock.set(Timestamp::parse("2026-11-22T01:06:00+09:00").unwrap());
        let rest = reconcile(&rig, |account| account.window = Some((at(23), at(1)))).await;
        assert_eq!((rest.looked + run.looked, rest.error), (8, None), "{name}: it goes on where it stopped");
        rig.server.stop().await;
    }
}

/// A stopped contract is not asked of the gateway; orders change all the same, and why nothing is looked up is kept.
#[tokio::test]
async fn a_stopped_contract_is_compared_and_says_why_it_is_not_looked_up() {
    for db in stores().await {
        let rig = Rig::new(db, 2, by_word()).await;
        let name = rig.db.name;
        daemon(&rig, MINUTE * 3).await;
        let (at, why) = (now(&rig.db), "the address is not registered");
        let probe_at = at + MINUTE * 6_000;
        assert!(
            rig.db.store.stop_account(&rig.contract.name, "Z012000009", why, at, probe_at).await.unwrap()
        );
        cancel_order(&rig, &rig.orders[0].order_number).await;
        let before = looks(&rig);
        morning(&rig, "2026-11-22").await;
        assert_eq!(looks(&rig), before, "{name}: the gateway is left alone");
        let row = row(&rig).await;
        let kinds: Vec<(Kind, u64)> = row.report.tallies().iter().map(|t| (t.kind, t.count)).collect();
        assert_eq!(kinds, [(Kind::OrderCanceled, 1)], "{name}");
        assert!(row.error.as_deref().is_some_and(|why| why.contains("Z012000009")), "{name}: {row:?}");
        rig.server.stop().await;
    }
}

/// What was found in dry-run is awaited of nobody; once the contract is live, somebody must hear of it.
#[tokio::test]
async fn a_difference_known_from_dry_run_is_told_once_the_contract_is_live() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let mut rig = Rig::new(db, 2, Contract { mode: Mode::DryRun, ..contract() }).await;
        let name = rig.db.name;
        by_hand(&rig, "A06", &rig.orders[0].order_number, &[]);
        let told = |level| log.lines(level, "Settlement was found to differ.").len();
        morning(&rig, "2026-11-22").await;
        assert_eq!((told(Level::WARN), told(Level::INFO)), (0, 1), "{name}");
        rig.contract.mode = Mode::Live;
        morning(&rig, "2026-11-23").await;
        morning(&rig, "2026-11-24").await;
        let live = log.lines(Level::WARN, "canceled_elsewhere");
        assert_eq!(live.len(), 1, "{name}: once, whatever follows: {live:?}");
        rig.server.stop().await;
    }
}
