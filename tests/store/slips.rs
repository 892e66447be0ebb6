//! Matching slips with orders, rows that wait or are held, and what people do with slips.

use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Answer, Event, State};
use mallsync::domain::order::Status;
use mallsync::domain::planner::{Contract, RegisteredBy};
use mallsync::domain::settlement::{Observed, SettlementState};
use mallsync::domain::slip::{RowOutcome, RowReport, SlipRow};
use mallsync::store::StoreError;
use mallsync::store::operations::{OperationFilter, Work};

use crate::facts::{Poller, at, claiming, contract, dry_run, file, found, order, package, planning, row};
use crate::support::{TestStore, stores};

const A: &str = "400012345670";
const B: &str = "400012345681";
const C: &str = "400012345692";

async fn import(db: &TestStore, digest: &str, rows: Vec<SlipRow>) -> Vec<RowReport> {
    db.store.import_slips(&file(digest, rows), "hanako", &planning(&[contract()])).await.unwrap()
}

fn outcomes(reports: &[RowReport]) -> Vec<RowOutcome> {
    reports.iter().map(|report| report.outcome).collect()
}

async fn operations(db: &TestStore) -> Vec<State> {
    let rows = db.store.list_operations(&OperationFilter::default()).await.unwrap();
    rows.iter().map(|row| row.operation.progress.state).collect()
}

/// `cart` has A-1 (one parcel), A-2 (two destinations), and A-3, which was cancelled; `other` has A-1 too.
async fn shops(db: &TestStore) -> Poller {
    let mut two = order("A-2");
    two.packages = vec![package("1", "1000001"), package("2", "2000002")];
    let mut canceled = order("A-3");
    canceled.status = Status::Canceled;
    let mut poller = Poller::new(db, "cart").await;
    poller.read(db, 1, &[order("H6-003"), two, canceled, order("B-1")], &[contract()]).await;
    let mut other = Poller::new(db, "other").await;
    other.read(db, 1, &[order("B-1")], &[contract()]).await;
    poller
}

#[tokio::test]
async fn rows_are_matched_known_waiting_held_or_refused() {
    for db in stores().await {
        shops(&db).await;
        let mut elsewhere = row(4, "H6-003", B);
        elsewhere.postal_code = Some("9999999".to_owned());
        let mut empty = row(9, "H6-003", "");
        empty.postal_code = None;
        let rows = vec![
            row(2, "Ｈ６－００３", A),
            row(3, "H6-003", A),
            elsewhere,
            row(5, "A-3", B),
            row(6, "B-1", B),
            row(7, "C-9", B),
            empty,
            row(10, " ", B),
        ];
        let reports = import(&db, "f1", rows.clone()).await;
        use RowOutcome::{Held, Known, Matched, Refused, Waiting};
        assert_eq!(
            outcomes(&reports),
            [Matched, Known, Held, Held, Held, Waiting, Refused, Refused],
            "{}",
            db.name
        );
        assert!(reports[2].reason.contains("postal code") && !reports[2].reason.contains("9999999"));
        assert!(reports[3].reason.contains("cancelled"), "{}", reports[3].reason);
        assert!(
            reports[4].reason.contains("cart") && reports[4].reason.contains("other"),
            "{}",
            reports[4].reason
        );
        assert_eq!((reports[0].source.as_str(), reports[0].order_key.as_str()), ("b2.csv:2", "Ｈ６－００３"));

        let again = import(&db, "f1", rows).await;
        assert_eq!(
            outcomes(&again),
            [Known, Known, Known, Known, Held, Waiting, Refused, Refused],
            "{}",
            db.name
        );
        assert_eq!(db.store.file_seen("f1").await.unwrap(), Some(at(0)), "{}", db.name);
        assert_eq!(db.store.file_seen("f2").await.unwrap(), None);

        let view = found(&db, "H6-003").await;
        let slips: Vec<_> = view.slips.iter().map(|s| (s.number.as_str(), s.held.is_some())).collect();
        assert_eq!(slips, [(A, false), (B, true)], "{}", db.name);
        assert_eq!(operations(&db).await, [State::Planned], "{}: only what is not held", db.name);

        let unmatched = db.store.list_slips(true, None, None).await.unwrap();
        let mut keys: Vec<_> = unmatched.iter().map(|v| v.mall_order_id.as_str()).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["A-3", "B-1", "C-9", "H6-003"], "{}", db.name);
        assert!(unmatched.iter().all(|v| v.slip.held.is_some()), "{}", db.name);
        assert_eq!(db.store.list_slips(false, None, None).await.unwrap().len(), 3, "{}", db.name);
        for only_unmatched in [true, false] {
            let whole = db.store.list_slips(only_unmatched, None, None).await.unwrap();
            let mut paged = Vec::new();
            while let Some(view) = {
                let after = paged.last().cloned();
                let page = db.store.list_slips(only_unmatched, after.as_deref(), Some(1)).await.unwrap();
                assert!(page.len() <= 1, "{}", db.name);
                page.into_iter().next()
            } {
                paged.push(view.id);
            }
            let ids: Vec<String> = whole.into_iter().map(|view| view.id).collect();
            assert_eq!(paged, ids, "{}: page by page it is the same list", db.name);
        }
    }
}

#[tokio::test]
async fn a_dry_run_reports_and_stores_nothing() {
    for db in stores().await {
        shops(&db).await;
        let mut import = file("f1", vec![row(2, "H6-003", A), row(3, "C-9", B)]);
        import.dry_run = true;
        let reports = db.store.import_slips(&import, "t", &planning(&[contract()])).await.unwrap();
        assert_eq!(outcomes(&reports), [RowOutcome::Matched, RowOutcome::Waiting], "{}", db.name);
        assert!(db.store.list_slips(false, None, None).await.unwrap().is_empty(), "{}", db.name);
        assert!(db.store.list_slips(true, None, None).await.unwrap().is_empty(), "{}", db.name);
        assert!(operations(&db).await.is_empty() && db.store.file_seen("f1").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_row_that_waited_is_attached_when_its_order_arrives() {
    for db in stores().await {
        let mut poller = Poller::new(&db, "cart").await;
        // Two parcels in one file, one with the wrong postal code, one found by the key in another column.
        let mut elsewhere = row(4, "N-2", "400012345703");
        elsewhere.postal_code = Some("9999999".to_owned());
        let mut other_key = row(5, "箱3", C);
        other_key.other_keys = vec!["N-3".to_owned()];
        let rows = vec![row(2, "N-1", A), row(3, "N-1", B), elsewhere, other_key];
        assert_eq!(outcomes(&import(&db, "f1", rows).await), [RowOutcome::Waiting; 4], "{}", db.name);
        let result = poller.read(&db, 1, &[order("N-1"), order("N-2"), order("N-3")], &[contract()]).await;
        assert_eq!((result.new, result.planned), (3, 3), "{}: N-1 twice, N-3 once", db.name);
        let slips = async |number: &str| {
            let view = found(&db, number).await;
            view.slips.into_iter().map(|s| (s.number, s.held.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(slips("N-1").await, [(A.to_owned(), false), (B.to_owned(), false)], "{}", db.name);
        assert_eq!(slips("N-2").await, [("400012345703".to_owned(), true)], "{}", db.name);
        assert_eq!(slips("N-3").await, [(C.to_owned(), false)], "{}", db.name);
        let held = db.store.list_slips(true, None, None).await.unwrap();
        assert_eq!(held.len(), 1, "{}: nothing waits any more", db.name);
    }
}

#[tokio::test]
async fn a_cut_key_and_a_reception_number_match_when_they_are_unique() {
    for db in stores().await {
        let long = "373343-20261121-0000000001";
        let twin = "373343-20261121-0000000002";
        let mut poller = Poller::new(&db, "cart").await;
        let cut = &long[..20];
        assert_eq!(outcomes(&import(&db, "f1", vec![row(2, cut, A)]).await), [RowOutcome::Waiting]);
        let mut by_number = row(3, "no such order", B);
        by_number.reception_numbers = vec!["K-7".to_owned()];
        assert_eq!(outcomes(&import(&db, "f2", vec![by_number]).await), [RowOutcome::Waiting]);

        poller.read(&db, 1, &[order(long), order("k-7")], &[contract()]).await;
        assert_eq!(found(&db, long).await.slips.len(), 1, "{}", db.name);
        assert_eq!(found(&db, "k-7").await.slips[0].number, B, "{}", db.name);

        poller.read(&db, 2, &[order(twin)], &[contract()]).await;
        let reports = import(&db, "f3", vec![row(2, cut, C)]).await;
        assert_eq!(outcomes(&reports), [RowOutcome::Held], "{}: two orders begin like that", db.name);
        assert_eq!(
            outcomes(&import(&db, "f4", vec![row(2, twin, C)]).await),
            [RowOutcome::Matched],
            "{}",
            db.name
        );
    }
}

#[tokio::test]
async fn a_further_number_is_a_parcel_in_its_file_and_a_question_later() {
    for db in stores().await {
        shops(&db).await;
        use RowOutcome::{Held, Known, Matched};
        // One destination: two rows of one file are two parcels.
        let one = import(&db, "f1", vec![row(2, "H6-003", A), row(3, "H6-003", B)]).await;
        assert_eq!(outcomes(&one), [Matched, Matched], "{}", db.name);
        let later = import(&db, "f2", vec![row(2, "H6-003", A), row(3, "H6-003", C)]).await;
        assert_eq!(outcomes(&later), [Known, Held], "{}", db.name);
        assert!(later[1].reason.contains("slips add") && later[1].reason.contains(A), "{}", later[1].reason);

        // Two destinations: the second one's slip may come with a later file, a third number is a question.
        assert_eq!(outcomes(&import(&db, "f3", vec![row(2, "A-2", "1")]).await), [Matched]);
        assert_eq!(
            outcomes(&import(&db, "f4", vec![row(2, "A-2", "2")]).await),
            [Held],
            "{}: 〒 of parcel 1",
            db.name
        );
        let mut second = row(2, "A-2", "3");
        second.postal_code = Some("2000002".to_owned());
        assert_eq!(outcomes(&import(&db, "f5", vec![second]).await), [Matched], "{}", db.name);
        let slips = found(&db, "A-2").await.slips;
        let packages: Vec<_> = slips.iter().map(|s| (s.number.as_str(), s.package_id.as_deref())).collect();
        assert_eq!(packages, [("1", Some("1")), ("2", Some("1")), ("3", Some("2"))], "{}", db.name);
        assert_eq!(outcomes(&import(&db, "f6", vec![row(2, "A-2", "4")]).await), [Held], "{}", db.name);
    }
}

#[tokio::test]
async fn a_person_decides() {
    for db in stores().await {
        shops(&db).await;
        let contracts = [contract()];
        let plan = planning(&contracts);
        import(&db, "f1", vec![row(2, "B-1", B), row(3, "H6-003", A)]).await;
        let id = found(&db, "H6-003").await.id;
        import(&db, "f2", vec![row(2, "H6-003", C)]).await;
        let by_hand = |number: &str| SlipRow { source: "person:hanako".to_owned(), ..row(0, "", number) };
        assert_eq!(operations(&db).await, [State::Planned]);

        // The question is answered: a further parcel.
        let report = db.store.add_slip(&id, &by_hand(C), "hanako", &plan).await.unwrap();
        assert_eq!(report.outcome, RowOutcome::Matched, "{}", db.name);
        let report = db.store.add_slip(&id, &by_hand(C), "hanako", &plan).await.unwrap();
        assert_eq!(report.outcome, RowOutcome::Known, "{}", db.name);
        assert_eq!(operations(&db).await, [State::Planned, State::Planned], "{}", db.name);

        // The row that fitted two orders is decided by adding it to one.
        let both = db.store.find_orders("B-1").await.unwrap();
        let cart = both.iter().find(|v| v.shop == "cart").unwrap();
        db.store.add_slip(&cart.id, &by_hand(B), "hanako", &plan).await.unwrap();
        assert!(db.store.list_slips(true, None, None).await.unwrap().is_empty(), "{}", db.name);

        db.store.replace_slip(&id, C, &by_hand("400012345703"), "hanako", &plan).await.unwrap();
        db.store.remove_slip(&id, A, "hanako", &plan).await.unwrap();
        let view = found(&db, "H6-003").await;
        let slips: Vec<_> = view.slips.iter().map(|s| (s.number.as_str(), s.source.as_str())).collect();
        assert_eq!(slips, [("400012345703", "person:hanako")], "{}", db.name);
        let open = operations(&db).await.iter().filter(|s| **s == State::Planned).count();
        assert_eq!(open, 2, "{}: B-1 of cart, and the new number", db.name);

        let missing = db.store.remove_slip(&id, A, "hanako", &plan).await;
        assert!(matches!(missing, Err(StoreError::NotFound(_))), "{}", db.name);
        let missing = db.store.add_slip("nobody", &by_hand(A), "hanako", &plan).await;
        assert!(matches!(missing, Err(StoreError::NotFound(_))), "{}", db.name);
        let same = db.store.replace_slip(&id, "400012345703", &by_hand("400012345703"), "t", &plan).await;
        assert!(matches!(same, Err(StoreError::Refused(_))), "{}", db.name);
        let actions: Vec<_> = db.store.deeds(20).await.unwrap().into_iter().map(|d| d.action).collect();
        for action in ["slips.import", "slips.add", "slips.replace", "slips.remove"] {
            assert!(actions.iter().any(|a| a == action), "{}: {action}", db.name);
        }
    }
}

/// Whatever is due is sent and answered well.
async fn finish(db: &TestStore) {
    let claim = claiming("webcollect-main", Work::Send, "w", at(1), at(1), at(99_999), 1);
    for claimed in db.store.claim_operations(&claim).await.unwrap() {
        db.store.step_operation(&claimed, &Event::Send, None, Some(at(5))).await.unwrap();
        db.store.step_operation(&claimed, &Event::Answered(Answer::Done), None, None).await.unwrap();
    }
}

fn refused(db: &TestStore, result: Result<(), StoreError>, says: &str) {
    match result {
        Err(StoreError::Refused(text)) => assert!(text.contains(says), "{}: {text}", db.name),
        other => panic!("{}: {other:?}", db.name),
    }
}

#[tokio::test]
async fn a_registered_slip_is_taken_back_only_where_we_can_undo_it() {
    for db in stores().await {
        shops(&db).await;
        let contracts = [contract()];
        let plan = planning(&contracts);
        import(&db, "f1", vec![row(2, "H6-003", A)]).await;
        let id = found(&db, "H6-003").await.id;
        let claimed = db
            .store
            .claim_operations(&claiming("webcollect-main", Work::Send, "w", at(1), at(1), at(5), 1))
            .await
            .unwrap()
            .remove(0);
        db.store.step_operation(&claimed, &Event::Send, None, Some(at(5))).await.unwrap();
        let by_hand = SlipRow { source: "person:t".to_owned(), ..row(0, "", B) };
        refused(&db, db.store.remove_slip(&id, A, "t", &plan).await, "may be registered");
        db.store.step_operation(&claimed, &Event::Answered(Answer::Done), None, None).await.unwrap();
        let settlement = db.store.find_settlements("H6-003").await.unwrap().remove(0).settlement.id;
        refused(&db, db.store.unlink_settlement(&settlement, "t", &plan).await, "the order keeps it");

        // Nothing is sent for such contracts, and B2 undoes what B2 registered.
        let b2cloud = Contract { registered_by: RegisteredBy::B2cloud, ..contract() };
        for others in [vec![dry_run()], vec![b2cloud], Vec::new()] {
            let plan = planning(&others);
            refused(&db, db.store.remove_slip(&id, A, "t", &plan).await, "is registered");
            refused(&db, db.store.replace_slip(&id, A, &by_hand, "t", &plan).await, "is registered");
        }
        // Registered beside ours, in the gateway's own screens.
        import(&db, "f2", vec![row(2, "H6-003", A), row(3, "H6-003", C)]).await;
        db.store
            .add_slip(&id, &SlipRow { number: C.to_owned(), ..by_hand.clone() }, "t", &plan)
            .await
            .unwrap();
        let observed = |state: SettlementState| Observed {
            state,
            amount: Some(Yen(12_800)),
            slips: vec![A.to_owned(), C.to_owned()],
            ..Observed::default()
        };
        let look = async |state| {
            db.store.observe_settlement(&settlement, &observed(state), true, Some(60), at(2)).await.unwrap();
        };
        look(SettlementState::Registered).await;
        refused(&db, db.store.remove_slip(&id, C, "t", &plan).await, "is registered");
        look(SettlementState::Settled).await;
        refused(&db, db.store.remove_slip(&id, A, "t", &plan).await, "is settled");
        assert_eq!(found(&db, "H6-003").await.slips.len(), 2, "{}", db.name);
    }
}

#[tokio::test]
async fn a_slip_that_we_registered_is_undone_and_the_right_one_registered() {
    for db in stores().await {
        shops(&db).await;
        let contracts = [contract()];
        let plan = planning(&contracts);
        import(&db, "f1", vec![row(2, "H6-003", A)]).await;
        let id = found(&db, "H6-003").await.id;
        finish(&db).await;
        assert_eq!(operations(&db).await, [State::Done], "{}", db.name);
        let by_hand = SlipRow { source: "person:t".to_owned(), ..row(0, "", B) };
        db.store.replace_slip(&id, A, &by_hand, "t", &plan).await.unwrap();
        let kinds = async || {
            let rows = db.store.list_operations(&OperationFilter::default()).await.unwrap();
            rows.iter()
                .rev()
                .map(|r| {
                    let operation = &r.operation;
                    let slip = operation.intent.slip_number().unwrap_or_default().to_owned();
                    (operation.intent.kind(), slip, operation.progress.state)
                })
                .collect::<Vec<_>>()
        };
        let captured = ("capture", A.to_owned(), State::Done);
        assert_eq!(
            kinds().await,
            [captured.clone(), ("undo", A.to_owned(), State::Planned)],
            "{}: first the wrong one goes",
            db.name
        );
        // The registration that is being taken back stands until that is done.
        finish(&db).await;
        db.store.plan_order(&id, &plan).await.unwrap();
        let undone = ("undo", A.to_owned(), State::Done);
        assert_eq!(
            kinds().await,
            [captured, undone, ("capture", B.to_owned(), State::Planned)],
            "{}",
            db.name
        );
    }
}

#[tokio::test]
async fn a_slip_that_the_gateway_refused_is_replaced() {
    for db in stores().await {
        shops(&db).await;
        let contracts = [contract()];
        let plan = planning(&contracts);
        import(&db, "f1", vec![row(2, "H6-003", A)]).await;
        let id = found(&db, "H6-003").await.id;
        let claimed = db
            .store
            .claim_operations(&claiming("webcollect-main", Work::Send, "w", at(1), at(1), at(5), 1))
            .await
            .unwrap()
            .remove(0);
        db.store.step_operation(&claimed, &Event::Send, None, Some(at(5))).await.unwrap();
        let person = Answer::Person { code: "E011010451".to_owned(), reason: "slip".to_owned() };
        db.store.step_operation(&claimed, &Event::Answered(person), None, None).await.unwrap();
        let by_hand = SlipRow { source: "person:t".to_owned(), ..row(0, "", B) };
        db.store.replace_slip(&id, A, &by_hand, "t", &plan).await.unwrap();
        assert_eq!(operations(&db).await, [State::Planned, State::Abandoned], "{}", db.name);
    }
}
