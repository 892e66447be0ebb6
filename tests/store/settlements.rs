//! Linking, planning, holds, look-ups and sums.

use chrono::NaiveDate;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Event, State};
use mallsync::domain::order::Status;
use mallsync::domain::planner::Reception;
use mallsync::domain::settlement::{Observed, SettlementState};
use mallsync::store::StoreError;
use mallsync::store::operations::{OperationFilter, OperationRow};
use mallsync::store::settlements::{SettlementFilter, SettlementRow};

use crate::facts::{Poller, at, claiming, contract, dry_run, file, found, order, planning, row};
use crate::support::{TestStore, stores};

async fn settlement(db: &TestStore, order: &str) -> SettlementRow {
    let mut found = db.store.find_settlements(order).await.unwrap();
    assert_eq!(found.len(), 1, "{}: {order}", db.name);
    found.remove(0)
}

async fn operations(db: &TestStore) -> Vec<OperationRow> {
    let mut rows = db.store.list_operations(&OperationFilter::default()).await.unwrap();
    rows.reverse();
    rows
}

async fn states(db: &TestStore) -> Vec<State> {
    operations(db).await.iter().map(|row| row.operation.progress.state).collect()
}

fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>, says: &str) {
    match result {
        Err(StoreError::Refused(text)) => assert!(text.contains(says), "{text}"),
        other => panic!("expected a refusal that says {says:?}, got {other:?}"),
    }
}

/// An order with a slip under `contract`, planned.
async fn slipped(db: &TestStore) -> Poller {
    let contracts = [contract()];
    let mut poller = Poller::new(db, "cart").await;
    poller.read(db, 1, &[order("a-1")], &contracts).await;
    let import = file("f", vec![row(2, "a-1", "400012345670")]);
    db.store.import_slips(&import, "t", &planning(&contracts)).await.unwrap();
    poller
}

#[tokio::test]
async fn a_rule_links_and_a_slip_plans_one_capture() {
    for db in stores().await {
        slipped(&db).await;
        let row = settlement(&db, "a-1").await;
        assert_eq!(row.settlement.reception_number.as_deref(), Some("A-1"), "{}", db.name);
        assert_eq!(
            (row.settlement.state, row.settlement.linked_by.as_str()),
            (SettlementState::Unknown, "rule")
        );
        assert_eq!((row.due, row.slips), (Some(Yen(12_800)), vec!["400012345670".to_owned()]));
        let planned = operations(&db).await;
        assert_eq!(planned.len(), 1, "{}", db.name);
        assert_eq!(planned[0].operation.intent.amount(), Yen(12_800));
        assert_eq!(planned[0].operation.account, "webcollect-main");
        let view = found(&db, "a-1").await.settlement.unwrap();
        assert_eq!((view.name.as_str(), view.held), ("webcollect-main", None), "{}", db.name);
    }
}

#[tokio::test]
async fn dry_run_links_and_shows_and_leaves_nothing_to_be_sent() {
    for db in stores().await {
        let dry = [dry_run()];
        let mut poller = Poller::new(&db, "cart").await;
        poller.read(&db, 1, &[order("a-1"), order("a-2")], &dry).await;
        db.store
            .import_slips(&file("f", vec![row(2, "a-1", "400012345670")]), "t", &planning(&dry))
            .await
            .unwrap();
        assert!(operations(&db).await.is_empty(), "{}", db.name);
        let preview = db.store.preview("webcollect-main", &planning(&dry), None, 10).await.unwrap();
        let wanted: Vec<_> =
            preview.iter().map(|p| (p.row.mall_order_id.as_str(), p.plan.wanted.len())).collect();
        assert_eq!(wanted, [("a-2", 0), ("a-1", 1)], "{}", db.name);
        let after = preview[0].row.settlement.id.as_str();
        let rest = db.store.preview("webcollect-main", &planning(&dry), Some(after), 10).await.unwrap();
        assert_eq!(rest.len(), 1, "{}", db.name);

        // Live: planned. Dry-run again: dropped. Live again: planned anew.
        let live = [contract()];
        let pages = async |contracts: &[_]| {
            let mut after = None;
            loop {
                after = db.store.replan(&planning(contracts), after.as_deref(), 1).await.unwrap();
                if after.is_none() {
                    break;
                }
            }
        };
        pages(&live).await;
        assert_eq!(states(&db).await, [State::Planned], "{}", db.name);
        pages(&dry).await;
        assert_eq!(states(&db).await, [State::Superseded], "{}", db.name);
        pages(&live).await;
        assert_eq!(states(&db).await, [State::Superseded, State::Planned], "{}", db.name);
        // The section is taken out of the config.
        pages(&[]).await;
        assert_eq!(states(&db).await, [State::Superseded, State::Superseded], "{}", db.name);
    }
}

#[tokio::test]
async fn an_order_that_may_not_ship_any_more_is_not_captured() {
    for db in stores().await {
        let mut poller = slipped(&db).await;
        let contracts = [contract()];
        let mut canceled = order("a-1");
        canceled.status = Status::OnHold;
        poller.read(&db, 2, &[canceled], &contracts).await;
        assert_eq!(states(&db).await, [State::Superseded], "{}", db.name);
        let result = poller.read(&db, 3, &[order("a-1")], &contracts).await;
        assert_eq!((result.changed, result.planned), (1, 1), "{}", db.name);
        // Another amount is another wish.
        let mut cheaper = order("a-1");
        cheaper.amounts.due = Some(Yen(9_800));
        poller.read(&db, 4, &[cheaper], &contracts).await;
        let rows = operations(&db).await;
        let seen: Vec<_> =
            rows.iter().map(|r| (r.operation.progress.state, r.operation.intent.amount().0)).collect();
        let (gone, wanted) = (State::Superseded, State::Planned);
        assert_eq!(seen, [(gone, 12_800), (gone, 12_800), (wanted, 9_800)], "{}", db.name);
    }
}

#[tokio::test]
async fn a_question_disappears_when_the_facts_are_mended() {
    for db in stores().await {
        let mut poller = slipped(&db).await;
        let contracts = [contract()];
        let mut dear = order("a-1");
        dear.amounts.due = Some(Yen(300_001));
        poller.read(&db, 2, &[dear], &contracts).await;
        let held = settlement(&db, "a-1").await.settlement.held.unwrap();
        assert!(held.contains("amount_limit"), "{}: {held}", db.name);
        let asked = SettlementFilter { held: true, ..SettlementFilter::default() };
        assert_eq!(db.store.list_settlements(&asked).await.unwrap().len(), 1, "{}", db.name);
        poller.read(&db, 3, &[order("a-1")], &contracts).await;
        assert_eq!(settlement(&db, "a-1").await.settlement.held, None, "{}", db.name);
        assert!(db.store.list_settlements(&asked).await.unwrap().is_empty(), "{}", db.name);
    }
}

#[tokio::test]
async fn a_persons_hold_stays_until_it_is_released() {
    for db in stores().await {
        let mut poller = slipped(&db).await;
        let contracts = [contract()];
        let id = settlement(&db, "a-1").await.settlement.id;
        db.store.hold_settlement(&id, "customer rang", "hanako", &planning(&contracts)).await.unwrap();
        assert_eq!(states(&db).await, [State::Superseded], "{}", db.name);
        let mut changed = order("a-1");
        changed.status = Status::Shipped;
        poller.read(&db, 2, &[changed], &contracts).await;
        assert_eq!(
            settlement(&db, "a-1").await.settlement.held.as_deref(),
            Some("customer rang"),
            "{}",
            db.name
        );
        assert_eq!(states(&db).await, [State::Superseded], "{}", db.name);
        db.store.release_settlement(&id, "hanako", &planning(&contracts)).await.unwrap();
        assert_eq!(states(&db).await, [State::Superseded, State::Planned], "{}", db.name);
        let deeds = db.store.deeds(10).await.unwrap();
        let actions: Vec<_> = deeds.iter().map(|d| d.action.as_str()).collect();
        assert!(
            actions.contains(&"settlements.hold") && actions.contains(&"settlements.release"),
            "{actions:?}"
        );
        let missing = db.store.release_settlement("nobody", "hanako", &planning(&contracts)).await;
        assert!(matches!(missing, Err(StoreError::NotFound(_))), "{}", db.name);
    }
}

#[tokio::test]
async fn a_reception_number_belongs_to_one_order() {
    for db in stores().await {
        let contracts = [contract()];
        let plan = planning(&contracts);
        let mut poller = Poller::new(&db, "cart").await;
        // Both fold to the reception number A-1.
        poller.read(&db, 1, &[order("a-1"), order("A-1x")], &contracts).await;
        poller.read(&db, 2, &[order("A-1")], &contracts).await;
        let rows = db.store.find_settlements("A-1").await.unwrap();
        let linked: Vec<_> = rows.iter().map(|r| (r.mall_order_id.as_str(), r.settlement.state)).collect();
        let (unknown, unlinked) = (SettlementState::Unknown, SettlementState::Unlinked);
        assert_eq!(linked, [("a-1", unknown), ("A-1", unlinked)], "{}", db.name);
        let held = rows[1].settlement.held.clone().unwrap();
        assert!(held.contains("belongs to another order"), "{}: {held}", db.name);

        let (first, second) = (rows[0].settlement.clone(), rows[1].settlement.clone());
        let store = &db.store;
        let taken = store.link_settlement(&second.order_id, "webcollect-main", "A-1", "t", &plan).await;
        refused(taken, "belongs to order a-1 of cart");
        refused(
            store.link_settlement(&second.order_id, "webcollect-main", "小文字", "t", &plan).await,
            "1 to 23",
        );
        let nowhere = store.link_settlement(&second.order_id, "nobody", "A-1", "t", &plan).await;
        assert!(matches!(nowhere, Err(StoreError::NotFound(_))), "{}", db.name);

        store.unlink_settlement(&first.id, "t", &plan).await.unwrap();
        store.link_settlement(&second.order_id, "webcollect-main", "A-1", "hanako", &plan).await.unwrap();
        let now = settlement(&db, &second.order_id).await.settlement;
        assert_eq!((now.reception_number.as_deref(), now.linked_by.as_str()), (Some("A-1"), "hanako"));
        assert_eq!((now.generation, now.state, now.held), (1, SettlementState::Unknown, None), "{}", db.name);
        // What a person took away is not linked again by the rule.
        store.replan(&plan, None, 10).await.unwrap();
        assert_eq!(settlement(&db, &first.order_id).await.settlement.reception_number, None, "{}", db.name);
    }
}

#[tokio::test]
async fn a_number_that_changes_is_followed_until_something_was_sent_under_it() {
    for db in stores().await {
        let mut contracts = [contract()];
        contracts[0].rules[0].reception = Reception::Imported;
        let with = |number: Option<&str>| {
            let mut order = order("a-1");
            order.reception_number = number.map(str::to_owned);
            order
        };
        let mut poller = Poller::new(&db, "cart").await;
        poller.read(&db, 1, &[with(None)], &contracts).await;
        let held = settlement(&db, "a-1").await.settlement.held;
        assert!(held.is_some(), "{}: waits for a number", db.name);
        poller.read(&db, 2, &[with(Some("R-1"))], &contracts).await;
        poller.read(&db, 3, &[with(Some("R-2"))], &contracts).await;
        poller.read(&db, 4, &[with(None)], &contracts).await;
        let now = settlement(&db, "a-1").await.settlement;
        assert_eq!((now.reception_number.as_deref(), now.held), (Some("R-2"), None), "{}", db.name);

        let import = file("f", vec![row(2, "a-1", "400012345670")]);
        db.store.import_slips(&import, "t", &planning(&contracts)).await.unwrap();
        let work = mallsync::store::operations::Work::Send;
        let claimed = db
            .store
            .claim_operations(&claiming("webcollect-main", work, "w", at(1), at(1), at(5), 1))
            .await
            .unwrap();
        db.store.step_operation(&claimed[0], &Event::Send, None, Some(at(5))).await.unwrap();
        poller.read(&db, 5, &[with(Some("R-3"))], &contracts).await;
        assert_eq!(
            settlement(&db, "a-1").await.settlement.reception_number.as_deref(),
            Some("R-2"),
            "{}",
            db.name
        );
        let rows = operations(&db).await;
        assert_eq!(rows.len(), 1, "{}: nothing is wished under R-3", db.name);
    }
}

#[tokio::test]
async fn an_order_that_no_rule_matches_any_more_is_a_question() {
    for db in stores().await {
        let mut poller = slipped(&db).await;
        let contracts = [contract()];
        let mut other = order("a-1");
        other.payment.mall_method = Some("代金引換".to_owned());
        poller.read(&db, 2, &[other], &contracts).await;
        assert_eq!(states(&db).await, [State::Superseded], "{}", db.name);
        let held = settlement(&db, "a-1").await.settlement.held.unwrap();
        assert!(held.contains("no rule"), "{}: {held}", db.name);
    }
}

#[tokio::test]
async fn a_look_up_is_written_down() {
    for db in stores().await {
        slipped(&db).await;
        let id = settlement(&db, "a-1").await.settlement.id;
        let mut observed = Observed {
            state: SettlementState::Authorized,
            status: "4".to_owned(),
            amount: Some(Yen(12_800)),
            authorized_at: Some(at(0)),
            enquiry_number: Some("E-1".to_owned()),
            ..Observed::default()
        };
        db.store.observe_settlement(&id, &observed, true, Some(60), at(5)).await.unwrap();
        let row = settlement(&db, "a-1").await;
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        let seen = &row.settlement;
        assert_eq!(
            (seen.authorized_on, seen.lapses_on),
            (day("2026-11-21"), day("2027-01-19")),
            "{}",
            db.name
        );
        assert_eq!(
            (seen.verified_at, seen.looked_at, seen.amount),
            (Some(at(5)), Some(at(5)), Some(Yen(12_800)))
        );
        assert_eq!((row.gateway_status.as_deref(), row.enquiry_number.as_deref()), (Some("4"), Some("E-1")));

        observed.state = SettlementState::Registered;
        observed.slips = vec!["400012345670".to_owned()];
        (observed.authorized_at, observed.amount, observed.enquiry_number) = (None, None, None);
        db.store.observe_settlement(&id, &observed, false, None, at(6)).await.unwrap();
        let seen = settlement(&db, "a-1").await.settlement;
        assert_eq!(
            (seen.lapses_on, seen.amount),
            (day("2027-01-19"), Some(Yen(12_800))),
            "{}: kept",
            db.name
        );
        assert_eq!((seen.verified_at, seen.looked_at), (Some(at(5)), Some(at(6))), "{}", db.name);
        assert_eq!(seen.slips, ["400012345670"], "{}", db.name);

        let sums = db.store.sum_settlements().await.unwrap();
        let sums: Vec<_> = sums.iter().map(|s| (s.state, s.settlements, s.yen)).collect();
        assert_eq!(sums, [(Some(SettlementState::Registered), 1, Yen(12_800))], "{}", db.name);
        let missing = db.store.observe_settlement("nobody", &observed, false, None, at(6)).await;
        assert!(matches!(missing, Err(StoreError::NotFound(_))), "{}", db.name);
        assert_eq!(db.store.plan_order(&seen.order_id, &planning(&[contract()])).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn settlements_list_by_contract_state_and_page() {
    for db in stores().await {
        let contracts = [contract()];
        let mut poller = Poller::new(&db, "cart").await;
        for i in 1..=5_u64 {
            db.clock.set(at(i));
            poller.read(&db, i, &[order(&format!("A-{i}"))], &contracts).await;
        }
        let page = async |after: Option<String>| {
            let filter = SettlementFilter {
                name: Some("webcollect-main".to_owned()),
                state: Some(SettlementState::Unknown),
                limit: Some(2),
                after,
                ..SettlementFilter::default()
            };
            db.store.list_settlements(&filter).await.unwrap()
        };
        let first = page(None).await;
        let second = page(first.last().map(|r| r.settlement.id.clone())).await;
        let numbers: Vec<_> = first.iter().chain(&second).map(|r| r.mall_order_id.as_str()).collect();
        assert_eq!(numbers, ["A-5", "A-4", "A-3", "A-2"], "{}", db.name);
        let none = SettlementFilter { name: Some("other".to_owned()), ..SettlementFilter::default() };
        assert!(db.store.list_settlements(&none).await.unwrap().is_empty(), "{}", db.name);
    }
}
