//! What needs a person is told once when it comes to that, and by one line a day while it is open.

use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::State;
use mallsync::domain::planner::{CaptureOn, Contract, MatchRule, Mode, Reauthorize, Reception};
use mallsync::domain::settlement::{Observed, SettlementState, Wish};
use mallsync::engine::{alerts, chores};
use mallsync::sim::{Fault, Rule};
use mallsync::status::renewal_command;
use mallsync::store::Planning;
use mallsync::store::settlements::SettlementFilter;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use crate::log::Log;
use crate::rig::{Rig, contract, now};
use crate::support::stores;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// The rounds of so many hours, by daemons that are new each time.
async fn rounds(rig: &Rig, hours: u32) {
    let begin = now(&rig.db);
    for hour in 1..=hours {
        rig.db.clock.set(begin + HOUR * hour);
        let (_, shared) = rig.worker(&CancellationToken::new());
        alerts::round(&shared, &[]).await.unwrap();
    }
}

#[tokio::test]
async fn what_needs_a_person_is_told_once_and_daily_while_it_is_open() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let rig = Rig::new(db, 2, contract()).await;
        let name = rig.db.name;
        let count = |text: &str| log.lines(Level::ERROR, text).len();
        let (came, daily) = ("Operation came to need a person.", "Decisions of a person were still open.");
        rig.world.set_fault(Rule {
            function: "shipmentEntry".to_owned(),
            fault: Fault::Code { code: "E011010351".to_owned(), effect: false },
            ..Rule::default()
        });
        rig.run(MINUTE * 3).await;
        let open = rig.operations().await;
        assert!(open.iter().all(|op| op.progress.state == State::NeedsPerson), "{name}: {open:?}");
        assert_eq!(count(came), 2, "{name}");
        for operation in &open {
            assert_eq!(count(&operation.id), 1, "{name}: named once");
        }
        rounds(&rig, 23).await;
        assert_eq!((count(came), count(daily)), (2, 0), "{name}: each was told of today");
        rounds(&rig, 48).await;
        let lines = log.lines(Level::ERROR, daily);
        assert_eq!((count(came), lines.len()), (2, 2), "{name}: {lines:?}");
        assert!(lines.iter().all(|line| line.contains("operations=2")), "{name}: {lines:?}");

        // A person sends one on, in vain: it is told of anew. The other one is given up.
        let store = &rig.db.store;
        store.retry_operation(&open[0].id, "test", now(&rig.db)).await.unwrap();
        store.abandon_operation(&open[1].id, "a test", "test", now(&rig.db)).await.unwrap();
        rig.run(HOUR / 2).await;
        assert_eq!(count(came), 3, "{name}");
        assert_eq!(count(&open[0].id), 2, "{name}");

        // Nothing is open any more: the daily word ends.
        store.abandon_operation(&open[0].id, "a test", "test", now(&rig.db)).await.unwrap();
        rounds(&rig, 50).await;
        assert_eq!((count(came), count(daily)), (3, 2), "{name}");
        rig.server.stop().await;
    }
}

#[tokio::test]
async fn a_settlement_without_its_number_is_told_once_and_not_in_dry_run() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let reception = Reception::Imported;
        let rules = contract().rules.into_iter();
        let rules = rules.map(|rule| MatchRule { reception: reception.clone(), ..rule }).collect();
        let mut rig = Rig::new(db, 3, Contract { mode: Mode::DryRun, rules, ..contract() }).await;
        let name = rig.db.name;
        let came = "Settlement came to need a person.";
        rounds(&rig, 3).await;
        assert_eq!(log.lines(Level::ERROR, "").len(), 0, "{name}");
        rig.contract.mode = Mode::Live;
        rounds(&rig, 3).await;
        let told = log.lines(Level::ERROR, came);
        assert_eq!(told.len(), 3, "{name}: {told:?}");
        for order in &rig.orders {
            assert_eq!(told.iter().filter(|line| line.contains(&order.order_number)).count(), 1, "{name}");
        }
        rig.server.stop().await;
    }
}

#[tokio::test]
async fn authorisations_that_end_are_told_once_a_day_and_contract() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let capture = CaptureOn::Manual;
        let mut rig = Rig::new(db, 3, Contract { capture, ..contract() }).await;
        let name = rig.db.name;
        let event = "Authorisations came close to their end.";
        let store = rig.db.store.clone();
        let begin = now(&rig.db);
        // Two end on the sixtieth day, one three days later.
        let rows = store.list_settlements(&SettlementFilter::default()).await.unwrap();
        assert_eq!(rows.len(), 3, "{name}");
        for (row, later) in rows.iter().zip([0, 0, 3]) {
            let observed = Observed {
                state: SettlementState::Authorized,
                status: "4".to_owned(),
                amount: Some(Yen(1_000)),
                authorized_at: Some(begin + DAY * later),
                ..Observed::default()
            };
            let id = &row.settlement.id;
            store.observe_settlement(id, &observed, true, Some(60), begin).await.unwrap();
        }
        rig.db.clock.set(begin + DAY * 55);
        rounds(&rig, 10).await;
        assert_eq!(log.lines(Level::ERROR, event).len(), 0, "{name}: four days and more are left");
        // Four more days of rounds, an hour apart: one word on each of them.
        rig.db.clock.set(Timestamp::jst_midnight((begin + DAY * 56).jst_date()));
        rounds(&rig, 4 * 24 - 1).await;
        let told = log.lines(Level::ERROR, event);
        let facts = [(2, 3), (2, 2), (2, 1), (3, 0)];
        assert_eq!(told.len(), facts.len(), "{name}: {told:?}");
        for (line, (count, days)) in told.iter().zip(facts) {
            let said = [format!("authorizations={count} "), format!("days={days} ")];
            assert!(said.iter().all(|said| line.contains(said)), "{name}: {line}");
            assert!(line.contains(&rig.contract.name), "{name}: {line}");
        }
        // In dry-run nothing is awaited.
        rig.contract.mode = Mode::DryRun;
        rounds(&rig, 48).await;
        assert_eq!(log.lines(Level::ERROR, event).len(), facts.len(), "{name}");
        rig.server.stop().await;
    }
}

/// A morning's renewals are one question: one line a day, one need, and one command that answers it.
#[tokio::test]
async fn renewals_that_a_person_is_asked_for_are_one_question() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let rules = Contract { capture: CaptureOn::Manual, reauthorize: Reauthorize::Ask, ..contract() };
        let rig = Rig::new(db, 5, rules).await;
        let name = rig.db.name;
        let store = rig.db.store.clone();
        let begin = now(&rig.db);
        let rows = store.list_settlements(&SettlementFilter::default()).await.unwrap();
        for (row, later) in rows.iter().zip([0, 0, 1, 1, 2]) {
            let observed = Observed {
                state: SettlementState::Authorized,
                status: "4".to_owned(),
                amount: row.due,
                authorized_at: Some(begin + DAY * later),
                ..Observed::default()
            };
            store.observe_settlement(&row.settlement.id, &observed, true, Some(60), begin).await.unwrap();
        }
        // Three, four and five days before they end.
        rig.db.clock.set(Timestamp::jst_midnight((begin + DAY * 56).jst_date()));
        let (_, shared) = rig.worker(&CancellationToken::new());
        chores::replan(&shared).await.unwrap();
        let last = (begin + DAY * 61).jst_date();
        let asked = store.renewals(&rig.contract.name, last).await.unwrap().unwrap();
        assert_eq!((asked.authorizations, asked.lapsing, asked.last), (5, 5, last), "{name}");
        rounds(&rig, 30).await;
        let told = log.lines(Level::ERROR, "Authorisations came to need a person to renew them.");
        assert_eq!(told.len(), 2, "{name}: one a day: {told:?}");
        assert!(told[0].contains("authorizations=5 ") && told[0].contains("days=3 "), "{name}: {told:?}");
        assert_eq!(log.lines(Level::ERROR, "").len(), 2, "{name}: and nothing beside");

        let command = renewal_command(&rig.contract.name, asked, now(&rig.db));
        assert_eq!(
            command,
            format!("mallsync settlements reauth --lapsing-within 4d --settlement {}", rig.contract.name)
        );
        let to_renew = SettlementFilter { to_renew: true, ..SettlementFilter::default() };
        let (_, shared) = rig.worker(&CancellationToken::new());
        let contracts = shared.contracts.now().await;
        let planning = Planning { contracts: &contracts, now: now(&rig.db) };
        for row in store.list_settlements(&to_renew).await.unwrap() {
            store.wish(&row.settlement.id, &Wish::Reauth, "test", &planning, false).await.unwrap();
        }
        assert_eq!(store.renewals(&rig.contract.name, last).await.unwrap(), None, "{name}: answered");
        rounds(&rig, 30).await;
        assert_eq!(log.lines(Level::ERROR, "came to need a person to renew them.").len(), 2, "{name}");
        rig.server.stop().await;
    }
}
