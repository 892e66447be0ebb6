//! What a look-up showed is stored once, by whoever still may, and never over what a later one showed.

use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Event, State};
use mallsync::domain::order::{Order, Status};
use mallsync::domain::settlement::{Observed, Settlement, SettlementState};
use mallsync::store::StoreError;
use mallsync::store::operations::{Seen, Work};
use mallsync::store::reconciling::{Look, LookFilter, ToLook, Which};

use crate::facts::{Poller, at, contract, order};
use crate::operations::{attempt, claim, planned, state};
use crate::support::{TestStore, stores};

fn shown(state: SettlementState, amount: i64) -> Observed {
    Observed {
        state,
        status: "4".to_owned(),
        amount: Some(Yen(amount)),
        authorized_at: Some(at(0)),
        ..Observed::default()
    }
}

fn seen(observed: &Observed, minutes: u64) -> Option<Seen<'_>> {
    Some(Seen { observed, verified: true, authorization_days: Some(60), at: at(minutes) })
}

async fn settlement(db: &TestStore, number: &str) -> Settlement {
    db.store.find_settlements(number).await.unwrap().remove(0).settlement
}

fn later(minutes: u64) -> Event {
    Event::Defer { until: at(minutes), reason: "test".to_owned() }
}

#[tokio::test]
async fn whoever_lost_the_lease_stores_nothing_of_its_look() {
    for db in stores().await {
        planned(&db, 1).await;
        let first = claim(&db.store, Work::Send, "one", 1, 1).await.remove(0);
        let second = claim(&db.store, Work::Send, "two", 6, 1).await.remove(0);
        let observed = shown(SettlementState::Authorized, 1);
        let look = attempt("look", "looked");
        let lost = db.store.rest_operation(&first, &later(9), Some(&look), seen(&observed, 2)).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{}: {lost:?}", db.name);
        let row = settlement(&db, "A-000").await;
        assert_eq!((row.looked_at, row.amount, row.verified_at), (None, None, None), "{}", db.name);

        db.clock.set(at(8));
        db.store.rest_operation(&second, &later(9), Some(&look), seen(&observed, 7)).await.unwrap();
        let row = settlement(&db, "A-000").await;
        let expected = (Some(at(7)), Some(Yen(1)), Some(at(7)));
        assert_eq!((row.looked_at, row.amount, row.verified_at), expected, "{}: as it began", db.name);
    }
}

#[tokio::test]
async fn an_older_look_never_takes_the_place_of_a_newer_one() {
    for db in stores().await {
        let name = db.name;
        planned(&db, 1).await;
        let claimed = claim(&db.store, Work::Send, "one", 1, 1).await.remove(0);
        let id = &claimed.settlement.id;
        let (newer, older) = (shown(SettlementState::Authorized, 2), shown(SettlementState::Canceled, 1));
        db.store.observe_settlement(id, &newer, false, Some(60), at(4)).await.unwrap();
        let before = settlement(&db, "A-000").await;
        db.store.observe_settlement(id, &older, true, Some(60), at(3)).await.unwrap();
        assert_eq!(settlement(&db, "A-000").await, before, "{name}");
        // The operation takes its step all the same.
        db.clock.set(at(5));
        let look = attempt("look", "looked");
        let blocked = Event::FoundBlocked { reason: "it was cancelled".to_owned() };
        db.store.rest_operation(&claimed, &blocked, Some(&look), seen(&older, 3)).await.unwrap();
        assert_eq!(state(&db, &claimed.operation.id).await, State::NeedsPerson, "{name}");
        assert_eq!(settlement(&db, "A-000").await, before, "{name}");
        let (_, attempts) = db.store.operation(&claimed.operation.id).await.unwrap().unwrap();
        assert_eq!(attempts.len(), 1, "{name}");
    }
}

async fn open(db: &TestStore) -> Vec<ToLook> {
    let filter = LookFilter {
        first: false,
        before: at(999),
        due_by: at(0),
        sent_after: at(0),
        order_id: None,
        after: "",
        limit: 10,
    };
    db.store.settlements_to_look(&contract(), &filter).await.unwrap()
}

#[tokio::test]
async fn a_look_under_another_contract_tells_nothing_of_this_one() {
    for db in stores().await {
        let mut poller = Poller::new(&db, "cart").await;
        poller.read(&db, 1, &[order("A-1")], &[contract()]).await;
        let one = open(&db).await.remove(0);
        let moved = ToLook { contract: "webcollect-before".to_owned(), ..one.clone() };
        let observed = shown(SettlementState::Authorized, 12_800);
        let look = Look::Shown { observed: &observed, verified: true };
        assert!(!db.store.store_look(&moved, look, Some(60), at(2)).await.unwrap(), "{}", db.name);
        assert_eq!(settlement(&db, "A-1").await.looked_at, None, "{}", db.name);
        assert!(db.store.store_look(&one, look, Some(60), at(2)).await.unwrap(), "{}", db.name);
    }
}

/// Between two whole comparisons: what is open, what changed since, and what was told.
#[tokio::test]
async fn an_hourly_comparison_reads_nothing_that_cannot_differ_anew() {
    for db in stores().await {
        let (store, name) = (&db.store, db.name);
        let contracts = [contract()];
        let mut poller = Poller::new(&db, "cart").await;
        let numbers = ["a-1", "a-2", "a-3"];
        poller.read(&db, 1, &numbers.map(order), &contracts).await;
        for number in numbers {
            let id = settlement(&db, number).await.id;
            let settled = shown(SettlementState::Settled, 12_000);
            store.observe_settlement(&id, &settled, true, Some(60), at(2)).await.unwrap();
        }
        let compared = async |which: Which<'_>| -> Vec<String> {
            let (found, next) = store.compare_settlements(&contract(), which, at(200)).await.unwrap();
            assert_eq!(next, None, "{name}");
            found.into_iter().map(|compared| compared.row.mall_order_id).collect()
        };
        assert_eq!(compared(Which::After("", 50)).await, numbers, "{name}: all of them differ");
        assert_eq!(
            compared(Which::Since(at(2), "", 50)).await,
            numbers,
            "{name}: they have ended since then"
        );
        assert!(compared(Which::Since(at(100), "", 50)).await.is_empty(), "{name}");
        // The order of one is cancelled, a difference of another was told.
        let gone = Order { status: Status::Canceled, ..order("a-3") };
        poller.read(&db, 101, &[gone], &contracts).await;
        let told = mallsync::store::notices::Notice {
            topic: mallsync::store::notices::Topic::Difference,
            subject: format!("{}/amount_differs", settlement(&db, "a-1").await.id),
            since: at(3),
            step: 0,
            told_at: at(3),
        };
        assert!(store.note(None, &told).await.unwrap(), "{name}");
        assert_eq!(compared(Which::Since(at(100), "", 50)).await, ["a-1", "a-3"], "{name}");
        let (page, next) =
            store.compare_settlements(&contract(), Which::Since(at(100), "", 1), at(200)).await.unwrap();
        assert_eq!((page.len(), next.as_deref()), (1, Some(page[0].row.settlement.id.as_str())), "{name}");
    }
}
