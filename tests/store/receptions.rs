//! Reception numbers from files: linked, waiting for their order, refused; and those of B2クラウド's parcels.

use mallsync::domain::money::Yen;
use mallsync::domain::operation::State;
use mallsync::domain::order::{CollectedBy, Order};
use mallsync::domain::planner::{Contract, MatchRule, Reception, RegisteredBy};
use mallsync::domain::reception::{ReceptionOutcome, ReceptionRow};
use mallsync::domain::slip::{RowOutcome, SlipRow};
use mallsync::store::StoreError;
use mallsync::store::operations::OperationFilter;
use mallsync::store::receptions::{ReceptionImport, ReceptionsImported};
use mallsync::store::settlements::SettlementRow;

use crate::facts::{Poller, contract, file, found, order, planning, row};
use crate::support::{TestStore, stores};

use ReceptionOutcome::{Known, Linked, Refused, Waiting};

const A: &str = "400012345670";
const B: &str = "400012345681";

/// A live contract whose numbers come from files: the cart's card orders, and those of `mall`, which collects itself.
fn imported() -> Contract {
    let cart = MatchRule { reception: Reception::Imported, ..contract().rules[0].clone() };
    let mall = MatchRule { shop: "mall".to_owned(), own_contract: true, ..cart.clone() };
    Contract { rules: vec![cart, mall], ..contract() }
}

fn line(n: u32, order: &str, number: &str) -> ReceptionRow {
    ReceptionRow {
        source: format!("cart.csv:{n}"),
        mall_order_id: order.to_owned(),
        reception_number: number.to_owned(),
        amount: None,
    }
}

fn import_of(rows: Vec<ReceptionRow>) -> ReceptionImport {
    ReceptionImport {
        file: "cart.csv".to_owned(),
        digest: "d".to_owned(),
        rows,
        shop: None,
        settlement: None,
        dry_run: false,
    }
}

async fn import(db: &TestStore, rows: Vec<ReceptionRow>) -> ReceptionsImported {
    let contracts = [imported()];
    db.store.import_receptions(&import_of(rows), "hanako", &planning(&contracts)).await.unwrap()
}

fn outcomes(imported: &ReceptionsImported) -> Vec<ReceptionOutcome> {
    imported.reports.iter().map(|report| report.outcome).collect()
}

async fn settlement(db: &TestStore, order: &str) -> SettlementRow {
    let mut found = db.store.find_settlements(order).await.unwrap();
    assert_eq!(found.len(), 1, "{}: {order}", db.name);
    found.remove(0)
}

async fn number(db: &TestStore, order: &str) -> Option<String> {
    settlement(db, order).await.settlement.reception_number
}

/// What is planned and not superseded.
async fn planned(db: &TestStore) -> Vec<String> {
    let rows = db.store.list_operations(&OperationFilter::default()).await.unwrap();
    let mut planned: Vec<String> = rows
        .into_iter()
        .filter(|row| row.operation.progress.state == State::Planned)
        .map(|row| row.operation.intent.reception_number().to_owned())
        .collect();
    planned.sort();
    planned
}

async fn deeds(db: &TestStore, action: &str) -> usize {
    db.store.deeds(50).await.unwrap().into_iter().filter(|deed| deed.action == action).count()
}

fn of_the_mall(number: &str) -> Order {
    let mut order = order(number);
    order.payment.collected_by = CollectedBy::Mall;
    order
}

#[tokio::test]
async fn good_rows_are_linked_and_the_others_told_with_the_reason() {
    for db in stores().await {
        let contracts = [imported()];
        let mut cart = Poller::new(&db, "cart").await;
        let mut on_delivery = order("a-4");
        on_delivery.payment.mall_method = Some("代金引換".to_owned());
        let orders = [order("a-1"), order("a-2"), order("a-3"), on_delivery, order("b-1")];
        cart.read(&db, 1, &orders, &contracts).await;
        let mut mall = Poller::new(&db, "mall").await;
        mall.read(&db, 1, &[of_the_mall("m-1"), of_the_mall("b-1")], &contracts).await;
        let slips = file("f", vec![row(2, "a-1", A)]);
        db.store.import_slips(&slips, "t", &planning(&contracts)).await.unwrap();
        assert!(planned(&db).await.is_empty(), "{}: no number, no capture", db.name);

        let rows = || {
            let mut wrong_amount = line(4, "a-3", "R-3");
            wrong_amount.amount = Some(Yen(12_000));
            let mut right_amount = line(3, "ａ-2", "R-2");
            right_amount.amount = Some(Yen(12_800));
            vec![
                line(2, "a-1", "R-1"),
                right_amount,
                wrong_amount,
                line(5, "a-4", "R-4"),
                line(6, "b-1", "R-5"),
                line(7, "m-1", "R-6"),
                line(8, "c-9", "R-7"),
            ]
        };
        let mut dry = import_of(rows());
        dry.dry_run = true;
        let foreseen = db.store.import_receptions(&dry, "hanako", &planning(&contracts)).await.unwrap();
        assert_eq!(number(&db, "a-1").await, None, "{}: a dry run writes nothing", db.name);

        let done = import(&db, rows()).await;
        let expected = [Linked, Linked, Refused, Refused, Refused, Linked, Waiting];
        assert_eq!(outcomes(&done), expected, "{}: {:?}", db.name, done.reports);
        assert_eq!(outcomes(&foreseen), expected, "{}", db.name);
        assert_eq!((foreseen.operations, foreseen.yen), (1, Yen(12_800)), "{}: a-1 has its slip", db.name);
        assert_eq!((done.operations, done.yen, done.linked.len()), (1, Yen(12_800), 3), "{}", db.name);
        let reason = |n: usize| done.reports[n].reason.as_str();
        assert_eq!(reason(2), "the file says 12,000 yen, the order's due is 12,800 yen", "{}", db.name);
        assert_eq!(reason(3), "no rule of any settlement matches this order", "{}", db.name);
        assert!(
            reason(4).contains("b-1 of cart, b-1 of mall") && reason(4).contains("--shop"),
            "{}",
            reason(4)
        );
        assert_eq!(done.reports[5].settlement.as_deref(), Some("webcollect-main"), "{}", db.name);
        assert_eq!(planned(&db).await, ["R-1"], "{}", db.name);
        let linked = settlement(&db, "m-1").await.settlement;
        assert_eq!(linked.linked_by, "import:hanako", "{}: who did it", db.name);
        assert_eq!(deeds(&db, "settlements.import").await, 1, "{}", db.name);

        // The same again changes nothing, not even the journal.
        let again = import(&db, rows()).await;
        let expected = [ReceptionOutcome::Known, Known, Refused, Refused, Refused, Known, Waiting];
        assert_eq!(outcomes(&again), expected, "{}", db.name);
        assert_eq!(deeds(&db, "settlements.import").await, 1, "{}", db.name);
        assert_eq!(db.store.waiting_receptions(None, None).await.unwrap().len(), 1, "{}", db.name);

        // One of two shops, by name.
        let mut named = import_of(vec![line(6, "b-1", "R-5")]);
        named.shop = Some("mall".to_owned());
        let done = db.store.import_receptions(&named, "hanako", &planning(&contracts)).await.unwrap();
        assert_eq!(outcomes(&done), [Linked], "{}", db.name);
        let rows = db.store.find_settlements("R-5").await.unwrap();
        assert_eq!(rows.iter().map(|r| r.shop.as_str()).collect::<Vec<_>>(), ["mall"], "{}", db.name);
    }
}

#[tokio::test]
async fn a_number_belongs_to_one_order_and_an_order_keeps_its_own() {
    for db in stores().await {
        let contracts = [imported()];
        let mut cart = Poller::new(&db, "cart").await;
        cart.read(&db, 1, &[order("a-1"), order("a-2"), order("a-3")], &contracts).await;
        import(&db, vec![line(2, "a-1", "R-1")]).await;
        let done =
            import(&db, vec![line(2, "a-2", "R-1"), line(3, "a-1", "R-9"), line(4, "a-3", "R-3")]).await;
        assert_eq!(outcomes(&done), [Refused, Refused, Linked], "{}: {:?}", db.name, done.reports);
        assert!(
            done.reports[0].reason.contains("belongs to order a-1 of cart"),
            "{}",
            done.reports[0].reason
        );
        assert!(done.reports[1].reason.contains("linked to webcollect-main R-1 already"), "{}", db.name);
        assert_eq!(
            (number(&db, "a-1").await, number(&db, "a-2").await),
            (Some("R-1".to_owned()), None),
            "{}",
            db.name
        );

        // A rule that gives a number of its own is not overridden, nor is a contract that is not there.
        let ruled = [contract()];
        cart.read(&db, 2, &[order("a-5")], &ruled).await;
        let other = import_of(vec![line(2, "a-5", "R-5")]);
        let done = db.store.import_receptions(&other, "t", &planning(&ruled)).await.unwrap();
        assert_eq!(outcomes(&done), [Refused], "{}", db.name);
        let nowhere = ReceptionImport { settlement: Some("nobody".to_owned()), ..other };
        let result = db.store.import_receptions(&nowhere, "t", &planning(&ruled)).await;
        assert!(matches!(result, Err(StoreError::NotFound(_))), "{}", db.name);
    }
}

#[tokio::test]
async fn an_order_that_does_not_match_the_rule_any_more_is_a_question() {
    for db in stores().await {
        let contracts = [imported()];
        let mut cart = Poller::new(&db, "cart").await;
        cart.read(&db, 1, &[order("a-1"), order("a-2")], &contracts).await;
        import(&db, vec![line(2, "a-1", "R-1"), line(3, "a-2", "R-2")]).await;
        let slips = file("f", vec![row(2, "a-1", A), row(3, "a-2", B)]);
        db.store.import_slips(&slips, "t", &planning(&contracts)).await.unwrap();
        assert_eq!(planned(&db).await, ["R-1", "R-2"], "{}", db.name);
        // Paid on delivery after all; and the cart now says another number itself.
        let mut on_delivery = order("a-1");
        on_delivery.payment.mall_method = Some("代金引換".to_owned());
        let mut other = order("a-2");
        other.reception_number = Some("R-9".to_owned());
        cart.read(&db, 2, &[on_delivery, other], &contracts).await;
        assert!(planned(&db).await.is_empty(), "{}", db.name);
        let why = |row: SettlementRow| row.settlement.held.unwrap_or_default();
        let first = why(settlement(&db, "a-1").await);
        assert!(first.contains("no rule of webcollect-main"), "{}: {first}", db.name);
        let second = why(settlement(&db, "a-2").await);
        assert!(second.contains("now say webcollect-main R-9"), "{}: {second}", db.name);
        assert_eq!(number(&db, "a-2").await.as_deref(), Some("R-2"), "{}: never by itself", db.name);
    }
}

#[tokio::test]
async fn a_row_waits_for_its_order_and_is_taken_up_with_it() {
    for db in stores().await {
        let contracts = [imported()];
        let mut wrong = line(3, "a-2", "R-2");
        wrong.amount = Some(Yen(1));
        let done = import(&db, vec![line(2, "a-1", "R-1"), wrong, line(4, "a-3", "R-3")]).await;
        assert_eq!(outcomes(&done), [Waiting, Waiting, Waiting], "{}", db.name);
        // A slip that waits is used as soon as the number is there.
        let mut parcel = row(2, "nowhere", A);
        parcel.reception_numbers = vec!["R-1".to_owned()];
        db.store.import_slips(&file("f", vec![parcel]), "t", &planning(&contracts)).await.unwrap();

        // Another order with the same number, and a later file's word.
        let done = import(&db, vec![line(2, "a-9", "R-1"), line(3, "a-3", "R-30")]).await;
        assert_eq!(outcomes(&done), [Refused, Waiting], "{}", db.name);
        assert!(done.reports[0].reason.contains("waits for order a-1 already"), "{}", db.name);
        assert!(done.reports[1].reason.contains("takes the place of R-3"), "{}", db.name);

        let mut cart = Poller::new(&db, "cart").await;
        cart.read(&db, 1, &[order("a-1"), order("a-2")], &contracts).await;
        let linked = settlement(&db, "a-1").await.settlement;
        assert_eq!(
            (linked.reception_number.as_deref(), linked.linked_by.as_str(), linked.held),
            (Some("R-1"), "import:hanako", None),
            "{}",
            db.name
        );
        assert_eq!(planned(&db).await, ["R-1"], "{}: order, number and slip met", db.name);
        // What cannot be taken up is a question on the order, in the list and in the preview.
        let held = settlement(&db, "a-2").await.settlement.held.unwrap();
        assert_eq!(held, "the file says 1 yen, the order's due is 12,800 yen", "{}", db.name);
        let preview = db.store.preview("webcollect-main", &planning(&contracts), None, 10).await.unwrap();
        let asked = preview.iter().find(|p| p.row.mall_order_id == "a-2").and_then(|p| p.plan.hold.clone());
        assert_eq!(asked, Some(held), "{}", db.name);
        let waiting = db.store.waiting_receptions(None, None).await.unwrap();
        let waiting: Vec<_> = waiting
            .iter()
            .map(|w| (w.mall_order_id.as_str(), w.reception_number.as_str(), w.held.is_some()))
            .collect();
        assert_eq!(waiting, [("a-3", "R-30", false), ("a-2", "R-2", true)], "{}", db.name);

        // A person's word answers it; what waits can be given up.
        let id = found(&db, "a-2").await.id;
        let plan = planning(&contracts);
        db.store.link_settlement(&id, "webcollect-main", "R-2", "hanako", &plan).await.unwrap();
        assert_eq!(settlement(&db, "a-2").await.settlement.held, None, "{}", db.name);
        assert_eq!(db.store.forget_receptions("a-3", "hanako", &plan).await.unwrap(), 1, "{}", db.name);
        assert_eq!(db.store.forget_receptions("a-3", "hanako", &plan).await.unwrap(), 0, "{}", db.name);
        assert!(db.store.waiting_receptions(None, None).await.unwrap().is_empty(), "{}", db.name);
        cart.read(&db, 2, &[order("a-3")], &contracts).await;
        assert_eq!(number(&db, "a-3").await, None, "{}", db.name);
    }
}

#[tokio::test]
async fn the_waiting_list_reads_page_by_page() {
    for db in stores().await {
        import(&db, (2..7).map(|n| line(n, &format!("a-{n}"), &format!("R-{n}"))).collect()).await;
        let whole = db.store.waiting_receptions(None, None).await.unwrap();
        assert_eq!(whole.len(), 5, "{}", db.name);
        let mut paged = Vec::new();
        loop {
            let after = paged.last().map(|w: &mallsync::store::receptions::WaitingReception| w.id.clone());
            let page = db.store.waiting_receptions(after.as_deref(), Some(2)).await.unwrap();
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, whole, "{}", db.name);
    }
}

/// A row of B2クラウド's file with its columns 43 and 45–47.
fn parcel(line: u32, key: &str, slip: &str, registers: Option<bool>, numbers: &[&str]) -> SlipRow {
    let reception_numbers = numbers.iter().map(|number| (*number).to_owned()).collect();
    SlipRow { reception_numbers, b2_registers: registers, ..row(line, key, slip) }
}

async fn slips(
    db: &TestStore,
    contracts: &[Contract],
    digest: &str,
    rows: Vec<SlipRow>,
) -> Vec<(RowOutcome, String)> {
    let reports = db.store.import_slips(&file(digest, rows), "hanako", &planning(contracts)).await.unwrap();
    reports.into_iter().map(|report| (report.outcome, report.reason)).collect()
}

#[tokio::test]
async fn a_parcel_brings_the_number_that_its_order_lacks_and_no_other() {
    for db in stores().await {
        let contracts = [imported()];
        let mut cart = Poller::new(&db, "cart").await;
        let mut on_delivery = order("a-4");
        on_delivery.payment.mall_method = Some("代金引換".to_owned());
        cart.read(&db, 1, &[order("a-1"), order("a-2"), order("a-3"), on_delivery], &contracts).await;
        import(&db, vec![line(2, "a-2", "R-2")]).await;
        let file = || {
            vec![
                parcel(2, "a-1", A, None, &["R-1"]),
                parcel(3, "a-2", B, None, &["R-9"]),
                parcel(4, "a-3", "400012345692", None, &["R-1"]),
                parcel(5, "a-4", "400012345703", None, &["R-4"]),
                parcel(6, "a-5", "400012345714", None, &["R-5"]),
            ]
        };
        let done = slips(&db, &contracts, "f", file()).await;
        use RowOutcome::{Held, Known, Matched, Waiting};
        let outcomes: Vec<RowOutcome> = done.iter().map(|(outcome, _)| *outcome).collect();
        assert_eq!(outcomes, [Matched, Held, Held, Matched, Waiting], "{}: {done:?}", db.name);
        assert!(done[1].1.contains("names reception number R-9, the order has R-2"), "{}", done[1].1);
        assert!(done[2].1.contains("R-1 of webcollect-main belongs to order a-1 of cart"), "{}", done[2].1);
        assert_eq!(planned(&db).await, ["R-1"], "{}: what is held is not captured", db.name);
        let linked = settlement(&db, "a-1").await.settlement;
        assert_eq!(linked.linked_by, "import:hanako", "{}", db.name);
        assert_eq!(number(&db, "a-3").await, None, "{}", db.name);
        assert!(db.store.find_settlements("a-4").await.unwrap().is_empty(), "{}: under no rule", db.name);

        let again = slips(&db, &contracts, "f", file()).await;
        let outcomes: Vec<RowOutcome> = again.iter().map(|(outcome, _)| *outcome).collect();
        assert_eq!(outcomes, [Known, Known, Known, Known, Waiting], "{}", db.name);
        assert_eq!(planned(&db).await, ["R-1"], "{}", db.name);

        cart.read(&db, 2, &[order("a-5")], &contracts).await;
        assert_eq!(number(&db, "a-5").await.as_deref(), Some("R-5"), "{}: both waited in the row", db.name);
        assert_eq!(planned(&db).await, ["R-1", "R-5"], "{}", db.name);
        assert_eq!(settlement(&db, "a-5").await.settlement.linked_by, "import:hanako", "{}", db.name);
    }
}

#[tokio::test]
async fn a_consolidated_parcel_belongs_to_each_order_whose_number_it_carries() {
    for db in stores().await {
        let contracts = [imported()];
        let mut cart = Poller::new(&db, "cart").await;
        cart.read(&db, 1, &[order("a-1"), order("a-2")], &contracts).await;
        import(&db, vec![line(2, "a-1", "R-1"), line(3, "a-2", "R-2")]).await;
        let rows = || vec![parcel(2, "a-1", A, None, &["R-1", "R-2", "R-3"])];
        let done = slips(&db, &contracts, "f", rows()).await;
        use RowOutcome::{Known, Matched, Waiting};
        let outcomes: Vec<RowOutcome> = done.iter().map(|(outcome, _)| *outcome).collect();
        assert_eq!(outcomes, [Matched, Matched, Waiting], "{}: {done:?}", db.name);
        for number in ["a-1", "a-2"] {
            assert_eq!(settlement(&db, number).await.slips, [A], "{}: {number}", db.name);
        }
        // Each of them is registered with it.
        assert_eq!(planned(&db).await, ["R-1", "R-2"], "{}", db.name);
        assert_eq!(settlement(&db, "a-2").await.settlement.held, None, "{}", db.name);

        let again = slips(&db, &contracts, "f", rows()).await;
        let outcomes: Vec<RowOutcome> = again.iter().map(|(outcome, _)| *outcome).collect();
        assert_eq!(outcomes, [Known, Known, Waiting], "{}", db.name);
        assert_eq!(db.store.list_slips(true, None, None).await.unwrap().len(), 1, "{}", db.name);

        // The third one's order comes, then its number.
        cart.read(&db, 2, &[order("a-3")], &contracts).await;
        import(&db, vec![line(2, "a-3", "R-3")]).await;
        assert_eq!(settlement(&db, "a-3").await.slips, [A], "{}", db.name);
        assert_eq!(planned(&db).await, ["R-1", "R-2", "R-3"], "{}", db.name);
        assert!(db.store.list_slips(true, None, None).await.unwrap().is_empty(), "{}", db.name);
    }
}

#[tokio::test]
async fn who_registers_is_asked_before_anything_is_sent() {
    for db in stores().await {
        let ours = [imported()];
        let by_b2 = [Contract { registered_by: RegisteredBy::B2cloud, ..imported() }];
        let mut cart = Poller::new(&db, "cart").await;
        cart.read(&db, 1, &[order("a-1"), order("a-2")], &ours).await;
        import(&db, vec![line(2, "a-1", "R-1"), line(3, "a-2", "R-2")]).await;
        let rows =
            vec![parcel(2, "a-1", A, Some(true), &["R-1"]), parcel(3, "a-2", B, Some(false), &["R-2"])];
        slips(&db, &ours, "f", rows.clone()).await;
        let held = async |order| settlement(&db, order).await.settlement.held.unwrap_or_default();
        assert!(held("a-1").await.contains("registered_by is \"mallsync\""), "{}", held("a-1").await);
        assert_eq!(planned(&db).await, ["R-2"], "{}", db.name);

        // The config is mended: then no capture is sent at all, and the other slip is nobody's.
        while db.store.replan(&planning(&by_b2), None, 100).await.unwrap().is_some() {}
        assert!(planned(&db).await.is_empty(), "{}", db.name);
        assert_eq!(held("a-1").await, "", "{}", db.name);
        assert!(held("a-2").await.contains("nobody registers slip 400012345681"), "{}", held("a-2").await);

        // Or a person says that B2 does not, and the same file does not ask again.
        while db.store.replan(&planning(&ours), None, 100).await.unwrap().is_some() {}
        assert!(!held("a-1").await.is_empty(), "{}", db.name);
        let id = found(&db, "a-1").await.id;
        let by_hand = SlipRow { source: "person:hanako".to_owned(), ..row(0, "", A) };
        let report = db.store.add_slip(&id, &by_hand, "hanako", &planning(&ours)).await.unwrap();
        assert_eq!(report.outcome, RowOutcome::Matched, "{}", db.name);
        slips(&db, &ours, "f", rows).await;
        assert_eq!((held("a-1").await.as_str(), planned(&db).await.len()), ("", 2), "{}", db.name);

        // A later file that says otherwise of the other one counts.
        slips(&db, &ours, "f2", vec![parcel(3, "a-2", B, Some(true), &["R-2"])]).await;
        assert!(held("a-2").await.contains("registers slip 400012345681 itself"), "{}", held("a-2").await);
        assert_eq!(planned(&db).await, ["R-1"], "{}", db.name);
    }
}

#[tokio::test]
async fn what_a_person_unlinked_is_linked_again_by_a_person_alone() {
    for db in stores().await {
        let contracts = [imported()];
        let plan = planning(&contracts);
        let mut cart = Poller::new(&db, "cart").await;
        cart.read(&db, 1, &[order("a-1")], &contracts).await;
        import(&db, vec![line(2, "a-1", "R-1")]).await;
        let id = settlement(&db, "a-1").await.settlement.id;
        db.store.unlink_settlement(&id, "taro", &plan).await.unwrap();
        slips(&db, &contracts, "f", vec![parcel(2, "a-1", A, None, &["R-1"])]).await;
        assert_eq!(number(&db, "a-1").await, None, "{}: not by a parcel", db.name);
        let mut changed = order("a-1");
        changed.mall_status = "発送待ち".to_owned();
        cart.read(&db, 2, &[changed], &contracts).await;
        assert_eq!(number(&db, "a-1").await, None, "{}", db.name);
        let done = import(&db, vec![line(2, "a-1", "R-1")]).await;
        assert_eq!(outcomes(&done), [Linked], "{}", db.name);
        assert_eq!(planned(&db).await, ["R-1"], "{}", db.name);
    }
}
