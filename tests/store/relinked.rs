//! What happens to an order whose reception number changes, and to one that files say different things of.

use mallsync::domain::operation::State;
use mallsync::domain::planner::{CaptureOn, Contract, MatchRule, Reception};
use mallsync::domain::reception::{ReceptionOutcome, ReceptionRow};
use mallsync::domain::settlement::{Settlement, Wish};
use mallsync::store::operations::OperationFilter;
use mallsync::store::receptions::ReceptionImport;

use crate::facts::{Poller, contract, file, found, order, planning, row};
use crate::support::{TestStore, stores};

const SLIP: &str = "400012345670";

async fn settlement(db: &TestStore, order: &str) -> Settlement {
    let mut found = db.store.find_settlements(order).await.unwrap();
    assert_eq!(found.len(), 1, "{}: {order}", db.name);
    found.remove(0).settlement
}

/// A contract that captures by a person's word, whose numbers are made by `template`.
fn by_word(template: &str) -> Contract {
    let rule =
        MatchRule { reception: Reception::Template(template.to_owned()), ..contract().rules[0].clone() };
    Contract { capture: CaptureOn::Manual, rules: vec![rule], ..contract() }
}

/// What a person said was said of the sale with the number that the order had then.
#[tokio::test]
async fn with_another_number_nothing_stays_of_what_was_said_of_the_first() {
    for db in stores().await {
        let (first, second) = ([by_word("{mall_order_id|upper}")], [by_word("W-{mall_order_id|upper}")]);
        let plan = planning(&first);
        let mut poller = Poller::new(&db, "cart").await;
        poller.read(&db, 1, &[order("a-1"), order("a-2")], &first).await;
        db.store.import_slips(&file("f", vec![row(2, "a-1", SLIP)]), "t", &plan).await.unwrap();
        let (wished, resolved) = (settlement(&db, "a-1").await, settlement(&db, "a-2").await);
        db.store.wish(&wished.id, &Wish::Capture, "hanako", &plan, false).await.unwrap();
        db.store.resolve_settlement(&resolved.id, Some("paid in cash"), "hanako", &plan).await.unwrap();
        assert_eq!(settlement(&db, "a-1").await.wish, Some(Wish::Capture), "{}", db.name);

        // The rule was wrong, and nothing was sent yet.
        while db.store.replan(&planning(&second), None, 100).await.unwrap().is_some() {}
        let (wished, resolved) = (settlement(&db, "a-1").await, settlement(&db, "a-2").await);
        assert_eq!(wished.reception_number.as_deref(), Some("W-A-1"), "{}", db.name);
        assert_eq!((wished.wish, wished.held), (None, None), "{}: nobody wished that", db.name);
        assert_eq!(resolved.reception_number.as_deref(), Some("W-A-2"), "{}", db.name);
        assert_eq!(resolved.resolved, None, "{}: nobody paid that back", db.name);
        let rows = db.store.list_operations(&OperationFilter::default()).await.unwrap();
        let states: Vec<State> = rows.iter().map(|row| row.operation.progress.state).collect();
        assert_eq!(states, [State::Superseded], "{}: and it does not come back", db.name);
    }
}

fn numbered(order: &str, number: &str, shop: Option<&str>) -> ReceptionImport {
    ReceptionImport {
        file: "cart.csv".to_owned(),
        digest: number.to_owned(),
        rows: vec![ReceptionRow {
            source: "cart.csv:2".to_owned(),
            mall_order_id: order.to_owned(),
            reception_number: number.to_owned(),
            amount: None,
        }],
        shop: shop.map(str::to_owned),
        settlement: None,
        dry_run: false,
    }
}

/// Two files wait for one order with two numbers: none of them is taken, in whatever order they came.
#[tokio::test]
async fn files_that_contradict_each_other_link_nothing() {
    for db in stores().await {
        let rule = MatchRule { reception: Reception::Imported, ..contract().rules[0].clone() };
        let contracts = [Contract { rules: vec![rule], ..contract() }];
        let plan = planning(&contracts);
        for import in [
            numbered("a-1", "R-1", None),
            numbered("a-1", "R-2", Some("cart")),
            numbered("a-2", "R-4", Some("cart")),
            numbered("a-2", "R-3", None),
            numbered("a-3", "R-5", None),
            numbered("a-3", "R-5", Some("cart")),
        ] {
            let done = db.store.import_receptions(&import, "hanako", &plan).await.unwrap();
            assert_eq!(done.reports[0].outcome, ReceptionOutcome::Waiting, "{}: {import:?}", db.name);
        }
        let mut poller = Poller::new(&db, "cart").await;
        poller.read(&db, 1, &["a-1", "a-2", "a-3"].map(order), &contracts).await;
        db.store.import_slips(&file("f", vec![row(2, "a-1", SLIP)]), "t", &plan).await.unwrap();
        for order in ["a-1", "a-2"] {
            let row = settlement(&db, order).await;
            assert_eq!(row.reception_number, None, "{}: {order}", db.name);
        }
        let asked = settlement(&db, "a-1").await.held.unwrap();
        assert!(asked.contains("different reception numbers"), "{}: {asked}", db.name);
        assert!(
            db.store.list_operations(&OperationFilter::default()).await.unwrap().is_empty(),
            "{}",
            db.name
        );
        // Those that say the same do not contradict each other.
        let same = settlement(&db, "a-3").await;
        assert_eq!(same.reception_number.as_deref(), Some("R-5"), "{}", db.name);

        // A person's word decides, and nothing waits any more.
        let id = found(&db, "a-1").await.id;
        db.store.link_settlement(&id, "webcollect-main", "R-2", "hanako", &plan).await.unwrap();
        let row = settlement(&db, "a-1").await;
        assert_eq!((row.reception_number.as_deref(), row.held), (Some("R-2"), None), "{}", db.name);
        let waiting = db.store.waiting_receptions(None, None).await.unwrap();
        assert!(waiting.iter().all(|row| row.mall_order_id == "a-2"), "{}: {waiting:?}", db.name);
    }
}
