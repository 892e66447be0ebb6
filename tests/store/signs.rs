//! What `status` and health checks ask, on both databases.

use chrono::NaiveDate;
use mallsync::domain::account::WayOut;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::State;
use mallsync::domain::settlement::{Observed, SettlementState};
use mallsync::status::{self, Facts, Pause, SettlementFacts, ShopFacts, Topic};

use crate::facts::{Poller, at, contract, file, order, planning, row};
use crate::support::stores;

fn facts() -> Facts {
    Facts {
        shops: vec![ShopFacts { name: "cart".to_owned(), mall: "csv".to_owned(), enabled: true }],
        settlements: vec![SettlementFacts {
            name: "webcollect-main".to_owned(),
            enabled: true,
            live: true,
            window_ends_at: None,
            way_out: WayOut::default(),
        }],
    }
}

#[tokio::test]
async fn counts_say_what_is_open_late_asked_and_lapsing() {
    for db in stores().await {
        let store = &db.store;
        store.ping().await.unwrap();
        assert!(store.open_operations(at(0)).await.unwrap().is_empty(), "{}", db.name);
        assert_eq!(store.first_for_person("webcollect-main").await.unwrap(), None);
        assert_eq!(store.last_activity().await.unwrap(), None);
        let contracts = [contract()];
        let mut poller = Poller::new(&db, "cart").await;
        let orders: Vec<_> = (1..=3).map(|i| order(&format!("a-{i}"))).collect();
        poller.read(&db, 1, &orders, &contracts).await;
        let rows = vec![row(2, "a-1", "400012345670"), row(3, "a-9", "400012345681")];
        store.import_slips(&file("f", rows), "t", &planning(&contracts)).await.unwrap();

        let open = store.open_operations(at(60 * 24)).await.unwrap();
        assert_eq!(open.len(), 1, "{}", db.name);
        assert_eq!((open[0].state, open[0].operations, open[0].late), (State::Planned, 1, 1), "{}", db.name);
        assert_eq!(store.open_operations(open[0].due_at).await.unwrap()[0].late, 0, "not before it is due");
        assert_eq!(store.waiting_slips().await.unwrap(), 1, "{}: the slip of nobody", db.name);

        // What a person must decide.
        let settlements = store.find_settlements("a-2").await.unwrap();
        let id = settlements[0].settlement.id.clone();
        assert!(store.asked_settlements().await.unwrap().is_empty(), "{}", db.name);
        store.hold_settlement(&id, "the buyer called", "t", &planning(&contracts)).await.unwrap();
        let asked = store.asked_settlements().await.unwrap();
        assert_eq!((asked.len(), asked[0].settlements), (1, 1), "{}", db.name);
        let first = store.first_asked("webcollect-main", false).await.unwrap().unwrap();
        assert_eq!((first.id, first.reason.as_deref()), (id, Some("the buyer called")), "{}", db.name);
        assert_eq!(store.first_asked("webcollect-main", true).await.unwrap(), None);
        assert_eq!(store.first_asked("another", false).await.unwrap(), None);

        // Authorisations.
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let none = store.authorizations("webcollect-main", day("2030-01-01")).await.unwrap();
        assert_eq!((none.open, none.lapsing, none.next), (0, 0, None), "{}", db.name);
        let third = store.find_settlements("a-3").await.unwrap().remove(0).settlement;
        let observed = Observed {
            state: SettlementState::Authorized,
            amount: Some(Yen(12_800)),
            authorized_at: Some(at(0)),
            ..observed()
        };
        store.observe_settlement(&third.id, &observed, true, Some(60), at(3)).await.unwrap();
        let ends = store.find_settlements("a-3").await.unwrap()[0].settlement.lapses_on.unwrap();
        let told = store.authorizations("webcollect-main", ends).await.unwrap();
        assert_eq!((told.open, told.lapsing, told.next), (1, 1, Some(ends)), "{}", db.name);
        let before = store.authorizations("webcollect-main", ends.pred_opt().unwrap()).await.unwrap();
        assert_eq!((before.open, before.lapsing), (1, 0), "{}", db.name);
    }
}

fn observed() -> Observed {
    Observed { status: "4".to_owned(), ..Observed::default() }
}

#[tokio::test]
async fn the_report_says_what_is_undone_and_since_when() {
    for db in stores().await {
        let contracts = [contract()];
        let mut poller = Poller::new(&db, "cart").await;
        poller.read(&db, 1, &[order("a-1"), order("a-2")], &contracts).await;
        let import = file("f", vec![row(2, "a-1", "400012345670")]);
        db.store.import_slips(&import, "t", &planning(&contracts)).await.unwrap();
        let now = at(60 * 24 * 30);
        let report = status::report(&db.store, &facts(), now, now).await.unwrap();
        let undone: Vec<_> = report
            .attention
            .iter()
            .filter(|a| a.topic != Topic::DaemonStopped)
            .map(|a| (a.topic, a.since))
            .collect();
        let due = report.settlements[0].waiting[0].until;
        assert_eq!(
            undone,
            [(Topic::OperationsLate, due), (Topic::Overdue, report.shops[0].next_run_at)],
            "{}",
            db.name
        );
        // The store of the test holds SQLite's lock; on PostgreSQL nobody says that a daemon lives.
        let stopped = report.attention.iter().any(|a| a.topic == Topic::DaemonStopped);
        assert_eq!((report.daemon, stopped), (db.name == "sqlite", db.name != "sqlite"), "{}", db.name);
        let settlement = &report.settlements[0];
        assert_eq!(settlement.waiting[0].what, Pause::Operation, "{}", db.name);
        assert_eq!(settlement.yen_waiting, Yen(25_600), "{}: the orders' due where no look-up was", db.name);
        assert_eq!(report.shops[0].awaiting_shipment.orders, 2, "{}", db.name);
    }
}
