//! What a reload leaves in the database: its outcome, other due times, probes that come at once.

use std::time::Duration;

use mallsync::store::accounts::Account;
use mallsync::store::reloads::ReloadRow;

use crate::facts::at;
use crate::support::stores;

#[tokio::test]
async fn the_last_reload_of_a_daemon_is_kept_until_another_one_starts() {
    for db in stores().await {
        let store = &db.store;
        let reload = |at, applied| ReloadRow {
            at,
            applied,
            outcome: format!("設定 {}", if applied { "ok" } else { "no" }),
        };
        store.beat("one", at(3)).await.unwrap();
        store.note_reload("one", &reload(at(1), true)).await.unwrap();
        store.note_reload("one", &reload(at(2), false)).await.unwrap();
        assert_eq!(store.reloads(at(3)).await.unwrap(), [reload(at(2), false)], "{}", db.name);
        // Whoever starts when the first one is gone reads the config as it is.
        let later = at(3) + Duration::from_secs(60);
        store.forget_reloads(later).await.unwrap();
        assert!(store.reloads(at(3)).await.unwrap().is_empty(), "{}", db.name);
    }
}

#[tokio::test]
async fn a_run_is_moved_only_from_where_it_was_seen() {
    for db in stores().await {
        let store = &db.store;
        store.ensure_streams("s", &["new"], at(10)).await.unwrap();
        let due = async || store.streams(Some("s")).await.unwrap()[0].due_at;
        store.reschedule("s", "new", at(10), at(50)).await.unwrap();
        assert_eq!(due().await, at(50), "{}: later", db.name);
        store.reschedule("s", "new", at(50), at(20)).await.unwrap();
        assert_eq!(due().await, at(20), "{}: sooner", db.name);
        store.reschedule("s", "new", at(50), at(90)).await.unwrap();
        assert_eq!(due().await, at(20), "{}: somebody else had moved it", db.name);
    }
}

#[tokio::test]
async fn stopped_accounts_are_probed_at_once_and_nothing_else_of_them_changes() {
    for db in stores().await {
        let store = &db.store;
        let stopped = Account {
            name: "stopped".to_owned(),
            stopped_code: Some("auth".to_owned()),
            stopped_reason: Some("why".to_owned()),
            stopped_at: Some(at(0)),
            probe_at: Some(at(100)),
            held_reason: Some("a person".to_owned()),
            held_at: Some(at(0)),
            ..Account::default()
        };
        // Its section cannot be used: there is nobody to ask.
        let broken = Account { name: "broken".to_owned(), probe_at: None, ..stopped.clone() };
        let well = Account {
            name: "well".to_owned(),
            held_reason: stopped.held_reason.clone(),
            held_at: stopped.held_at,
            ..Account::default()
        };
        for account in [&stopped, &broken, &well] {
            let name = &account.name;
            store.hold_contract(name, "a person", "t", at(0)).await.unwrap();
            match (&account.stopped_code, account.probe_at) {
                (Some(code), Some(at)) => {
                    assert!(store.stop_account(name, code, "why", self::at(0), at).await.unwrap());
                }
                (Some(code), None) => store.break_account(name, code, "why", at(0)).await.unwrap(),
                (None, _) => {}
            }
        }
        assert_eq!(store.probe_stopped(at(5)).await.unwrap(), 1, "{}", db.name);
        let expected = Account { probe_at: Some(at(5)), ..stopped };
        assert_eq!(store.accounts().await.unwrap(), [broken, expected, well], "{}", db.name);
    }
}
