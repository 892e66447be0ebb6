//! What is planned and stored together: a question beside a renewal, an authorisation that ended, a sale linked anew, one
//! slip on several orders.

use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Answer, Event, Intent, State};
use mallsync::domain::order::{Order, Status};
use mallsync::domain::planner::{Contract, Reauthorize};
use mallsync::domain::settlement::{Observed, Settlement, SettlementState, Wish};
use mallsync::store::operations::{Claimed, OperationFilter, Work};
use mallsync::store::settlements::SettlementFilter;
use mallsync::store::{Planning, StoreError};

use crate::facts::{Poller, at, claiming, contract, file, found, order, planning, row};
use crate::support::{TestStore, start, stores};

const SLIP: &str = "400012345670";
const DAY: Duration = Duration::from_secs(86_400);

async fn settlement(db: &TestStore, order: &str) -> Settlement {
    let mut found = db.store.find_settlements(order).await.unwrap();
    assert_eq!(found.len(), 1, "{}: {order}", db.name);
    found.remove(0).settlement
}

/// A look-up showed 12,800 yen, authorised at `authorized_at` for three days.
async fn looked(
    db: &TestStore,
    number: &str,
    state: SettlementState,
    authorized_at: Timestamp,
    seen: Timestamp,
) {
    let observed = Observed {
        state,
        status: "4".to_owned(),
        amount: Some(Yen(12_800)),
        authorized_at: Some(authorized_at),
        ..Observed::default()
    };
    let id = settlement(db, number).await.id;
    db.store.observe_settlement(&id, &observed, true, Some(3), seen).await.unwrap();
}

async fn replan(db: &TestStore, contracts: &[Contract], now: Timestamp) {
    assert_eq!(db.store.replan(&Planning { contracts, now }, None, 100).await.unwrap(), None);
}

async fn claim(db: &TestStore, now: Timestamp) -> Vec<Claimed> {
    let claim = claiming("webcollect-main", Work::Send, "w", now, at(1), at(5), 10);
    db.store.claim_operations(&claim).await.unwrap()
}

/// Reception number, slip and state of every operation that was not superseded, oldest first.
async fn operations(db: &TestStore) -> Vec<(String, Option<String>, State)> {
    let rows = db.store.list_operations(&OperationFilter::default()).await.unwrap();
    let operations = rows.into_iter().rev().map(|row| row.operation);
    operations
        .filter(|operation| operation.progress.state != State::Superseded)
        .map(|operation| {
            let intent = &operation.intent;
            let slip = intent.slip_number().map(str::to_owned);
            (intent.reception_number().to_owned(), slip, operation.progress.state)
        })
        .collect()
}

fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>, says: &str) {
    match result {
        Err(StoreError::Refused(text)) => assert!(text.contains(says), "{text}"),
        other => panic!("expected a refusal that says {says:?}, got {other:?}"),
    }
}

#[tokio::test]
async fn a_renewal_goes_on_beside_a_question() {
    for db in stores().await {
        let contracts = [Contract { reauthorize: Reauthorize::Auto, ..contract() }];
        let mut poller = Poller::new(&db, "cart").await;
        poller.read(&db, 1, &[order("a-1")], &contracts).await;
        let mut slip = row(2, "a-1", SLIP);
        slip.kind = "7".to_owned();
        db.store.import_slips(&file("f", vec![slip]), "t", &planning(&contracts)).await.unwrap();
        looked(&db, "a-1", SettlementState::Authorized, start(), at(1)).await;
        replan(&db, &contracts, at(2)).await;

        let row = settlement(&db, "a-1").await;
        assert!(row.held.as_ref().is_some_and(|why| why.contains("letter-box")), "{}: {row:?}", db.name);
        let held = SettlementFilter { held: true, ..SettlementFilter::default() };
        assert_eq!(db.store.list_settlements(&held).await.unwrap().len(), 1, "{}", db.name);
        let then = Planning { contracts: &contracts, now: at(2) };
        let plan = db.store.preview("webcollect-main", &then, None, 10).await.unwrap().remove(0).plan;
        assert!(plan.hold.is_some() && plan.wanted.len() == 1, "{}: {plan:?}", db.name);
        // The question keeps nothing but the slip from being sent.
        let last = Timestamp::jst_midnight(row.lapses_on.unwrap()) + DAY - Duration::from_secs(1);
        assert!(db.store.next_operation("webcollect-main").await.unwrap().is_some(), "{}", db.name);
        let claimed = claim(&db, last).await;
        let intents: Vec<_> = claimed.iter().map(|c| c.operation.intent.kind()).collect();
        assert_eq!(intents, ["reauth"], "{}", db.name);
        // A person's hold stops that too.
        db.store
            .step_operation(
                &claimed[0],
                &Event::Defer { until: last, reason: "later".to_owned() },
                None,
                None,
            )
            .await
            .unwrap();
        db.store.hold_settlement(&row.id, "wait", "hanako", &planning(&contracts)).await.unwrap();
        assert!(claim(&db, last).await.is_empty(), "{}", db.name);
    }
}

#[tokio::test]
async fn an_authorisation_that_ended_is_lapsed_until_a_look_shows_another() {
    for db in stores().await {
        let contracts = [Contract { reauthorize: Reauthorize::Auto, ..contract() }];
        let mut poller = Poller::new(&db, "cart").await;
        poller.read(&db, 1, &["a-1", "a-2"].map(order), &contracts).await;
        looked(&db, "a-1", SettlementState::Authorized, start(), at(1)).await;
        looked(&db, "a-2", SettlementState::Registered, start(), at(1)).await;
        let last = settlement(&db, "a-1").await.lapses_on.unwrap();
        let in_state = async |state| {
            let filter = SettlementFilter { state: Some(state), ..SettlementFilter::default() };
            let rows = db.store.list_settlements(&filter).await.unwrap();
            rows.into_iter().map(|row| row.mall_order_id).collect::<Vec<_>>()
        };
        replan(&db, &contracts, Timestamp::jst_midnight(last) + DAY - Duration::from_secs(1)).await;
        assert_eq!(in_state(SettlementState::Authorized).await, ["a-1"], "{}: the last day counts", db.name);
        assert_eq!(operations(&db).await.len(), 1, "{}: its renewal", db.name);

        let over = Timestamp::jst_midnight(last) + DAY;
        replan(&db, &contracts, over).await;
        assert_eq!(in_state(SettlementState::Lapsed).await, ["a-1"], "{}", db.name);
        assert_eq!(in_state(SettlementState::Registered).await, ["a-2"], "{}: captured in time", db.name);
        let row = settlement(&db, "a-1").await;
        assert_eq!(row.held, Some(format!("the authorisation ended on {last}")), "{}", db.name);
        assert!(operations(&db).await.is_empty(), "{}: it cannot be renewed any more", db.name);
        let sums = db.store.sum_settlements().await.unwrap();
        assert!(sums.iter().any(|sum| sum.state == Some(SettlementState::Lapsed)), "{}: {sums:?}", db.name);
        let import = file("f", vec![row_of("a-1")]);
        db.store.import_slips(&import, "t", &Planning { contracts: &contracts, now: over }).await.unwrap();
        assert!(operations(&db).await.is_empty(), "{}: never captured", db.name);
        for wish in [Wish::Capture, Wish::Reauth] {
            let plan = Planning { contracts: &contracts, now: over };
            refused(db.store.wish(&row.id, &wish, "hanako", &plan, false).await, "the authorisation ended");
        }
        // The gateway shows it as authorised as ever; another authorisation is what brings it back.
        looked(&db, "a-1", SettlementState::Authorized, start(), over).await;
        assert_eq!(in_state(SettlementState::Lapsed).await, ["a-1"], "{}", db.name);
        looked(&db, "a-1", SettlementState::Authorized, over, over).await;
        assert_eq!(in_state(SettlementState::Authorized).await, ["a-1"], "{}", db.name);
        replan(&db, &contracts, over).await;
        assert_eq!(settlement(&db, "a-1").await.held, None, "{}", db.name);
        let captured = operations(&db).await;
        assert_eq!(captured, [("A-1".to_owned(), Some(SLIP.to_owned()), State::Planned)], "{}", db.name);
    }
}

fn row_of(order: &str) -> mallsync::domain::slip::SlipRow {
    row(2, order, SLIP)
}

/// A sale that is over at the gateway makes room for another one of the same order: what was done for the first does not
/// count for it.
#[tokio::test]
async fn a_sale_that_is_over_is_followed_by_another() {
    for db in stores().await {
        let contracts = [contract()];
        let plan = planning(&contracts);
        let mut poller = Poller::new(&db, "cart").await;
        poller.read(&db, 1, &[order("a-1")], &contracts).await;
        db.store.import_slips(&file("f", vec![row_of("a-1")]), "t", &plan).await.unwrap();
        let id = settlement(&db, "a-1").await.order_id;
        let link = async |number: &str| {
            db.store.link_settlement(&id, "webcollect-main", number, "hanako", &plan).await
        };
        let claimed = claim(&db, at(60)).await.remove(0);
        db.store.step_operation(&claimed, &Event::Send, None, Some(at(5))).await.unwrap();
        refused(link("B-1").await, "wait until it is settled");
        db.store.step_operation(&claimed, &Event::Answered(Answer::Done), None, None).await.unwrap();
        refused(link("B-1").await, "the order keeps it");
        assert_eq!(db.store.done_intents(&id).await.unwrap().len(), 1, "{}", db.name);

        looked(&db, "a-1", SettlementState::Canceled, start(), at(2)).await;
        link("B-1").await.unwrap();
        let row = settlement(&db, "a-1").await;
        assert_eq!(
            (row.reception_number.as_deref(), row.state, row.amount, row.slips.len()),
            (Some("B-1"), SettlementState::Unknown, None, 0),
            "{}",
            db.name
        );
        assert!(db.store.done_intents(&id).await.unwrap().is_empty(), "{}", db.name);
        let slip = Some(SLIP.to_owned());
        assert_eq!(
            operations(&db).await,
            [("A-1".to_owned(), slip.clone(), State::Done), ("B-1".to_owned(), slip, State::Planned)],
            "{}: registered for the new one",
            db.name
        );
        // Done under the new number, it is bound again; its slip may still be corrected.
        let claimed = claim(&db, at(60)).await.remove(0);
        db.store.step_operation(&claimed, &Event::Send, None, Some(at(5))).await.unwrap();
        db.store.step_operation(&claimed, &Event::Answered(Answer::Done), None, None).await.unwrap();
        assert_eq!(settlement(&db, "a-1").await.state, SettlementState::Registered, "{}", db.name);
        refused(link("C-1").await, "the order keeps it");
    }
}

/// What one order of a parcel may do rests on the others: they are planned with it, whatever changes.
#[tokio::test]
async fn orders_of_one_parcel_are_planned_together() {
    for db in stores().await {
        let contracts = [contract()];
        let plan = planning(&contracts);
        let mut poller = Poller::new(&db, "cart").await;
        let orders = ["a-1", "a-2", "a-3", "a-4"].map(order);
        poller.read(&db, 1, &orders, &contracts).await;
        let rows = |numbers: &[&str]| numbers.iter().map(|number| row_of(number)).collect::<Vec<_>>();
        db.store.import_slips(&file("f", rows(&["a-1", "a-2"])), "t", &plan).await.unwrap();
        let planned =
            async || operations(&db).await.into_iter().map(|(number, ..)| number).collect::<Vec<_>>();
        assert_eq!(planned().await, ["A-1", "A-2"], "{}", db.name);
        let preview = db.store.preview("webcollect-main", &plan, None, 10).await.unwrap();
        assert_eq!(preview.iter().filter(|p| p.plan.wanted.len() == 1).count(), 2, "{}", db.name);

        let why = async |number: &str| settlement(&db, number).await.held.unwrap_or_default();
        db.store.import_slips(&file("g", rows(&["a-3", "a-4"])), "t", &plan).await.unwrap();
        assert!(planned().await.is_empty(), "{}: too many", db.name);
        for number in ["a-1", "a-2", "a-3", "a-4"] {
            assert!(why(number).await.contains("more than 3 orders"), "{}: {}", db.name, why(number).await);
        }
        let last = found(&db, "a-4").await;
        db.store.remove_slip(&last.id, SLIP, "t", &plan).await.unwrap();
        assert_eq!(planned().await.len(), 3, "{}", db.name);

        let canceled = |number: &str| Order { status: Status::Canceled, ..order(number) };
        poller.read(&db, 2, &[canceled("a-2")], &contracts).await;
        assert!(planned().await.is_empty(), "{}", db.name);
        let told = why("a-1").await;
        assert!(told.contains(SLIP) && told.contains("a-2") && told.contains("canceled"), "{told}");
        db.store.remove_slip(&found(&db, "a-2").await.id, SLIP, "t", &plan).await.unwrap();
        let mut left = planned().await;
        left.sort();
        assert_eq!(left, ["A-1", "A-3"], "{}", db.name);
        assert!(operations(&db).await.iter().all(|(.., state)| *state == State::Planned), "{}", db.name);
        let claimed = claim(&db, at(60)).await;
        assert!(claimed.iter().all(|c| matches!(c.operation.intent, Intent::Capture { .. })), "{}", db.name);
        assert_eq!(claimed.len(), 2, "{}", db.name);
    }
}
