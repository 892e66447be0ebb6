//! What must hold before a capture leaves (I8), and what stops everything.

use std::time::Duration;

use chrono::NaiveTime;
use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::State;
use mallsync::domain::planner::{CaptureOn, Contract, Mode};
use mallsync::domain::settlement::Wish;
use mallsync::engine::effects::Account;
use mallsync::sim::{Fault, Rule};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use crate::changes::{looked_up, wish};
use crate::rig::{Rig, contract, now, yamato};
use crate::support::stores;

const HOUR: Duration = Duration::from_secs(3_600);

fn captured(rig: &Rig) -> usize {
    rig.world.books().iter().filter(|b| b.captures > 0).count()
}

fn calls(rig: &Rig) -> usize {
    rig.world.calls().len()
}

fn looks(rig: &Rig) -> usize {
    rig.world.calls().iter().filter(|call| call.function == "tradeInfo").count()
}

#[tokio::test]
async fn dry_run_sends_nothing_and_leaves_nothing_behind() {
    for db in stores().await {
        let mut rig = Rig::new(db, 5, Contract { mode: Mode::DryRun, ..contract() }).await;
        rig.run(HOUR).await;
        assert_eq!(calls(&rig), 0, "{}: nothing is asked or sent", rig.db.name);
        assert!(rig.operations().await.is_empty(), "{}: nothing lies in wait", rig.db.name);
        let preview = rig.db.store.preview(&rig.contract.name, &rig.planning(), None, 100).await.unwrap();
        assert_eq!(
            preview.iter().filter(|p| !p.plan.wanted.is_empty()).count(),
            5,
            "and everything is shown"
        );

        // Going live plans anew, from facts read anew.
        rig.contract.mode = Mode::Live;
        rig.run(HOUR).await;
        assert_eq!(captured(&rig), 5, "{}", rig.db.name);
        rig.server.stop().await;
    }
}

#[tokio::test]
async fn going_back_to_dry_run_drops_what_was_planned() {
    for db in stores().await {
        let mut rig = Rig::new(db, 3, contract()).await;
        assert_eq!(rig.operations().await.len(), 3, "planned while live");
        rig.contract.mode = Mode::DryRun;
        rig.run(HOUR).await;
        assert_eq!(calls(&rig), 0, "{}", rig.db.name);
        assert!(rig.operations().await.iter().all(|op| op.progress.state == State::Superseded));
        rig.server.stop().await;
    }
}

#[tokio::test]
async fn nothing_ordered_before_since_is_touched() {
    for db in stores().await {
        let since = now(&db) - Duration::from_secs(86_400 * 15);
        let rig = Rig::new(db, 40, Contract { since: Some(since), ..contract() }).await;
        rig.run(HOUR).await;
        let touched: Vec<Timestamp> = rig
            .orders
            .iter()
            .filter(|f| rig.world.calls().iter().any(|c| c.orders.contains(&f.order_number)))
            .map(|f| f.ordered_at)
            .collect();
        assert!(!touched.is_empty() && touched.len() < 40, "the line runs through the middle");
        assert!(touched.iter().all(|at| *at >= since), "{}", rig.db.name);
        rig.server.stop().await;
    }
}

#[tokio::test]
async fn a_maintenance_window_is_silent() {
    let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap();
    for db in stores().await {
        let rig = Rig::new(db, 4, contract()).await;
        let stop = CancellationToken::new();
        let (account, shared) = rig.worker(&stop);
        let account = Arc::into_inner(account).unwrap();
        // It is noon: the window is open until 13:00, widened by five minutes.
        let account = Account { window: Some((time(11, 0), time(13, 0))), ..account };
        let task = tokio::spawn(Arc::new(account).run(shared));
        rig.db.clock.run_until(now(&rig.db) + Duration::from_secs(64 * 60)).await;
        assert_eq!(calls(&rig), 0, "{}: look-ups included", rig.db.name);
        rig.db.clock.run_until(now(&rig.db) + Duration::from_secs(10 * 60)).await;
        assert_eq!(captured(&rig), 4, "{}", rig.db.name);
        stop.cancel();
        task.await.unwrap();
        rig.server.stop().await;
    }
}

#[tokio::test]
async fn past_a_guard_everything_is_held_and_a_person_asked() {
    for db in stores().await {
        let rig = Rig::new(db, 8, Contract { max_per_hour: 3, ..contract() }).await;
        rig.run(HOUR / 2).await;
        let before = captured(&rig);
        assert_eq!(before, 3, "{}", rig.db.name);
        let row = rig.db.store.account(&rig.contract.name).await.unwrap();
        assert!(row.held_reason.is_some_and(|r| r.contains("max_per_hour")), "{}", rig.db.name);
        rig.run(HOUR * 2).await;
        assert_eq!(captured(&rig), before, "{}: held until a person releases it", rig.db.name);
        rig.server.stop().await;
    }
}

#[tokio::test]
async fn yen_of_a_day_are_guarded_too() {
    for db in stores().await {
        let rig = Rig::new(db, 3, Contract { max_yen_per_day: Yen(1), ..contract() }).await;
        rig.run(HOUR).await;
        assert_eq!(captured(&rig), 0, "{}", rig.db.name);
        let row = rig.db.store.account(&rig.contract.name).await.unwrap();
        assert!(row.held_reason.is_some_and(|r| r.contains("max_yen_per_day")));
        rig.server.stop().await;
    }
}

/// A raised amount moves its difference, and the sale itself when it is captured.
#[tokio::test]
async fn changes_that_raise_money_count_for_the_day() {
    for db in stores().await {
        let contract = Contract { capture: CaptureOn::Manual, max_yen_per_day: Yen(150), ..contract() };
        let rig = Rig::new(db, 2, contract).await;
        let name = rig.db.name;
        looked_up(&rig).await;
        for fact in &rig.orders {
            let to = Yen(fact.due.unwrap() + 100);
            wish(&rig, &fact.order_number, &Wish::ChangeAmount { to }).await;
        }
        rig.run(HOUR).await;
        let raised: u32 = rig.world.books().iter().map(|book| book.amount_changes).sum();
        assert_eq!(raised, 1, "{name}: 100 yen, and 100 more would be past 150");
        let row = rig.db.store.account(&rig.contract.name).await.unwrap();
        let held = row.held_reason.unwrap();
        assert!(held.contains("100 yen today, 100 more would be past 150"), "{name}: {held}");
        rig.server.stop().await;
    }
}

#[tokio::test]
async fn a_refused_address_stops_the_account_and_not_order_by_order() {
    for db in stores().await {
        let rig = Rig::new(db, 10, contract()).await;
        let fault = Fault::Code { code: "Z012000009".to_owned(), effect: false };
        rig.world.set_faults(vec![Rule { service: "webcollect".to_owned(), fault, ..Rule::default() }]);
        rig.run(HOUR / 2).await;
        let asked = looks(&rig);
        assert!(asked <= 6, "{}: {asked} looks before both workers knew", rig.db.name);
        let row = rig.db.store.account(&rig.contract.name).await.unwrap();
        assert_eq!(row.stopped_code.as_deref(), Some("Z012000009"), "{}", rig.db.name);
        // Mended: the hourly probe finds it and everything goes on by itself.
        rig.world.set_faults(Vec::new());
        rig.run(HOUR * 3).await;
        assert_eq!(captured(&rig), 10, "{}", rig.db.name);
        rig.server.stop().await;
    }
}

#[tokio::test]
async fn further_parcels_are_registered_each_once() {
    for db in stores().await {
        let rig = Rig::new(db, 3, contract()).await;
        rig.run(HOUR).await;
        for (i, fact) in rig.orders.iter().enumerate() {
            rig.slip(&fact.order_number, &yamato(900 + i as u64)).await;
        }
        // One of the further answers is lost, before and after its effect.
        let rules = [Fault::ResetAfterEffect, Fault::ResetBeforeEffect].into_iter().zip(&rig.orders);
        rig.world.set_faults(
            rules
                .map(|(fault, fact)| Rule {
                    function: "shipmentEntry".to_owned(),
                    order: fact.order_number.clone(),
                    times: 1,
                    fault,
                    ..Rule::default()
                })
                .collect(),
        );
        rig.run(HOUR * 3).await;
        for book in rig.world.books() {
            assert_eq!((book.captures, book.slips.len()), (1, 2), "{}: {}", rig.db.name, book.order_no);
            assert_eq!(book.repeated_captures, 0);
        }
        rig.server.stop().await;
    }
}
