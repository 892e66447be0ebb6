//! What a person asks for, what a person did outside, and which settlements are meant.

use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Answer, Event, State};
use mallsync::domain::order::Status;
use mallsync::domain::planner::{CaptureOn, Contract};
use mallsync::domain::settlement::{Observed, SettlementState, Wish};
use mallsync::store::StoreError;
use mallsync::store::operations::{OperationFilter, Work};
use mallsync::store::settlements::{SettlementFilter, SettlementRow};

use crate::facts::{Poller, at, claiming, contract, dry_run, file, order, planning, row};
use crate::support::{TestStore, start, stores};

const SLIP: &str = "400012345670";

async fn settlement(db: &TestStore, order: &str) -> SettlementRow {
    let mut found = db.store.find_settlements(order).await.unwrap();
    assert_eq!(found.len(), 1, "{}: {order}", db.name);
    found.remove(0)
}

/// (kind, state) of every operation, oldest first.
async fn operations(db: &TestStore) -> Vec<(&'static str, State)> {
    let mut rows = db.store.list_operations(&OperationFilter::default()).await.unwrap();
    rows.reverse();
    rows.iter().map(|row| (row.operation.intent.kind(), row.operation.progress.state)).collect()
}

fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>, says: &str) {
    match result {
        Err(StoreError::Refused(text)) => assert!(text.contains(says), "{text}"),
        other => panic!("expected a refusal that says {says:?}, got {other:?}"),
    }
}

/// A look-up showed 12,800 yen, authorised when the order came, for `days` days.
async fn looked(db: &TestStore, id: &str, state: SettlementState, days: u32) {
    let slips = if state.captured() { vec![SLIP.to_owned()] } else { Vec::new() };
    let observed = Observed {
        state,
        amount: Some(Yen(12_800)),
        authorized_at: Some(start()),
        slips,
        ..Observed::default()
    };
    db.store.observe_settlement(id, &observed, true, Some(days), at(1)).await.unwrap();
}

/// The one operation that is due is sent and answered well.
async fn finish(db: &TestStore) {
    let claim = claiming("webcollect-main", Work::Send, "w", at(60), at(1), at(5), 10);
    let mut claimed = db.store.claim_operations(&claim).await.unwrap();
    assert_eq!(claimed.len(), 1, "{}", db.name);
    let claimed = claimed.remove(0);
    db.store.step_operation(&claimed, &Event::Send, None, Some(at(5))).await.unwrap();
    db.store.step_operation(&claimed, &Event::Answered(Answer::Done), None, None).await.unwrap();
}

/// `a-1` with a slip under `contract`; returns its settlement's id.
async fn slipped(db: &TestStore, contract: Contract) -> (Poller, String) {
    let contracts = [contract];
    let mut poller = Poller::new(db, "cart").await;
    poller.read(db, 1, &[order("a-1")], &contracts).await;
    let import = file("f", vec![row(2, "a-1", SLIP)]);
    db.store.import_slips(&import, "t", &planning(&contracts)).await.unwrap();
    let id = settlement(db, "a-1").await.settlement.id;
    (poller, id)
}

fn manual() -> Contract {
    Contract { capture: CaptureOn::Manual, ..contract() }
}

#[tokio::test]
async fn a_wish_becomes_an_operation_and_goes_with_it() {
    for db in stores().await {
        let (_, id) = slipped(&db, manual()).await;
        let contracts = [manual()];
        let plan = planning(&contracts);
        assert!(operations(&db).await.is_empty(), "{}", db.name);
        let foreseen = db.store.wish(&id, &Wish::Capture, "hanako", &plan, true).await.unwrap();
        assert_eq!((foreseen.len(), foreseen[0].intent.kind()), (1, "capture"), "{}", db.name);
        assert!(operations(&db).await.is_empty(), "{}: a dry run keeps nothing", db.name);
        assert_eq!(settlement(&db, "a-1").await.settlement.wish, None, "{}", db.name);

        db.store.wish(&id, &Wish::Capture, "hanako", &plan, false).await.unwrap();
        assert_eq!(operations(&db).await, [("capture", State::Planned)], "{}", db.name);
        let row = settlement(&db, "a-1").await;
        assert_eq!(
            (row.settlement.wish, row.wished_by.as_deref()),
            (Some(Wish::Capture), Some("hanako")),
            "{}",
            db.name
        );
        refused(
            db.store.wish(&id, &Wish::Capture, "taro", &plan, false).await,
            "capture was asked for already",
        );
        finish(&db).await;
        assert_eq!(operations(&db).await, [("capture", State::Done)], "{}", db.name);
        let row = settlement(&db, "a-1").await;
        assert_eq!((row.settlement.wish, row.wished_by), (None, None), "{}", db.name);
        let deeds = db.store.deeds(5).await.unwrap();
        assert!(
            deeds.iter().any(|d| d.action == "settlements.capture" && d.actor == "hanako"),
            "{}",
            db.name
        );
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_the_reason_and_leaves_nothing() {
    for db in stores().await {
        let (_, id) = slipped(&db, manual()).await;
        let contracts = [manual()];
        let plan = planning(&contracts);
        let ask = async |wish: Wish| db.store.wish(&id, &wish, "hanako", &plan, false).await;
        refused(ask(Wish::Cancel).await, "never asked for the amount");
        looked(&db, &id, SettlementState::Authorized, 60).await;
        refused(ask(Wish::ChangeAmount { to: Yen(300_001) }).await, "amount_limit");
        refused(ask(Wish::Undo { slip_number: SLIP.to_owned() }).await, "is not registered");
        let dry = [dry_run()];
        refused(db.store.wish(&id, &Wish::Cancel, "t", &planning(&dry), false).await, "dry-run");
        assert!(matches!(
            db.store.wish("nothing", &Wish::Cancel, "t", &plan, false).await,
            Err(StoreError::NotFound(_))
        ));
        let row = settlement(&db, "a-1").await;
        assert_eq!((row.settlement.wish, row.settlement.generation), (None, 0), "{}", db.name);
        assert!(operations(&db).await.is_empty(), "{}", db.name);
    }
}

#[tokio::test]
async fn a_slip_taken_back_stays_so_until_a_person_releases_it() {
    for db in stores().await {
        let (_, id) = slipped(&db, contract()).await;
        let contracts = [contract()];
        let plan = planning(&contracts);
        finish(&db).await;
        looked(&db, &id, SettlementState::Registered, 60).await;
        let wish = Wish::Undo { slip_number: SLIP.to_owned() };
        db.store.wish(&id, &wish, "hanako", &plan, false).await.unwrap();
        finish(&db).await;
        let row = settlement(&db, "a-1").await;
        let held = row.settlement.held.unwrap();
        assert!(held.contains(SLIP) && held.contains("hanako"), "{}: {held}", db.name);
        assert_eq!(row.settlement.slips, [""; 0], "{}", db.name);
        db.store.plan_order(&row.settlement.order_id, &plan).await.unwrap();
        let done = [("capture", State::Done), ("undo", State::Done)];
        assert_eq!(operations(&db).await, done, "{}", db.name);
        // Released, the rules still do not repeat what a person took back; the person's word does.
        db.store.release_settlement(&id, "hanako", &plan).await.unwrap();
        assert_eq!(operations(&db).await, done, "{}", db.name);
        let asked = settlement(&db, "a-1").await.settlement.held.unwrap();
        assert!(asked.contains("settlements capture"), "{}: {asked}", db.name);
        db.store.wish(&id, &Wish::Capture, "hanako", &plan, false).await.unwrap();
        assert_eq!(operations(&db).await[2..], [("capture", State::Planned)], "{}", db.name);
    }
}

#[tokio::test]
async fn a_wish_that_the_facts_overtook_gives_way_to_another() {
    for db in stores().await {
        let (mut poller, id) = slipped(&db, manual()).await;
        let contracts = [manual()];
        let plan = planning(&contracts);
        looked(&db, &id, SettlementState::Authorized, 60).await;
        db.store.wish(&id, &Wish::Capture, "hanako", &plan, false).await.unwrap();
        let mut stopped = order("a-1");
        stopped.status = Status::OnHold;
        poller.read(&db, 2, &[stopped], &contracts).await;
        assert_eq!(operations(&db).await, [("capture", State::Superseded)], "{}", db.name);
        let held = settlement(&db, "a-1").await.settlement.held.unwrap();
        assert!(held.contains("a capture was asked for"), "{}: {held}", db.name);
        db.store.wish(&id, &Wish::Cancel, "hanako", &plan, false).await.unwrap();
        assert_eq!(operations(&db).await[1..], [("cancel", State::Planned)], "{}", db.name);
        assert_eq!(settlement(&db, "a-1").await.settlement.held, None, "{}", db.name);
    }
}

#[tokio::test]
async fn what_was_settled_outside_is_neither_wanted_nor_asked() {
    for db in stores().await {
        let (mut poller, id) = slipped(&db, contract()).await;
        let contracts = [contract()];
        let plan = planning(&contracts);
        finish(&db).await;
        looked(&db, &id, SettlementState::Settled, 60).await;
        let mut canceled = order("a-1");
        canceled.status = Status::Canceled;
        poller.read(&db, 2, &[canceled], &contracts).await;
        let asked = async || settlement(&db, "a-1").await.settlement.held;
        assert!(asked().await.unwrap().contains("pay them back"), "{}", db.name);
        db.store.resolve_settlement(&id, Some("refunded by hand"), "hanako", &plan).await.unwrap();
        let row = settlement(&db, "a-1").await.settlement;
        assert_eq!((row.held, row.resolved.as_deref()), (None, Some("refunded by hand")), "{}", db.name);
        refused(
            db.store.wish(&id, &Wish::Cancel, "hanako", &plan, false).await,
            "resolved: refunded by hand",
        );
        db.store.resolve_settlement(&id, None, "hanako", &plan).await.unwrap();
        assert!(asked().await.unwrap().contains("pay them back"), "{}", db.name);
        let unknown = db.store.resolve_settlement("nothing", None, "t", &plan).await;
        assert!(matches!(unknown, Err(StoreError::NotFound(_))), "{}", db.name);
    }
}

#[tokio::test]
async fn authorisations_near_their_end_are_found() {
    for db in stores().await {
        let contracts = [contract()];
        let mut poller = Poller::new(&db, "cart").await;
        poller.read(&db, 1, &["a-1", "a-2", "a-3", "a-4"].map(order), &contracts).await;
        for (number, state, days) in [
            ("a-1", SettlementState::Authorized, 3),
            ("a-2", SettlementState::Authorized, 60),
            ("a-3", SettlementState::Registered, 3),
        ] {
            let id = settlement(&db, number).await.settlement.id;
            looked(&db, &id, state, days).await;
        }
        let last = settlement(&db, "a-1").await.settlement.lapses_on.unwrap();
        let within = async |day| {
            let filter = SettlementFilter { lapses_by: Some(day), ..SettlementFilter::default() };
            let rows = db.store.list_settlements(&filter).await.unwrap();
            rows.into_iter().map(|row| row.mall_order_id).collect::<Vec<_>>()
        };
        assert_eq!(within(last).await, ["a-1"], "{}", db.name);
        assert!(within(last.pred_opt().unwrap()).await.is_empty(), "{}", db.name);
        assert_eq!(within(last + chrono::Days::new(60)).await, ["a-2", "a-1"], "{}", db.name);
    }
}
