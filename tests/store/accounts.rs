//! The row of an account: whoever writes one thing of it leaves the others alone, and what stands is not overwritten.

use mallsync::domain::account::Expiry;
use mallsync::store::StoreError;
use mallsync::store::accounts::Account;

use crate::facts::at;
use crate::support::stores;

const NAME: &str = "webcollect-main";

fn expiry(what: &str, minutes: u64) -> Expiry {
    Expiry { what: what.to_owned(), at: at(minutes) }
}

#[tokio::test]
async fn a_stop_noted_while_a_person_confirms_a_release_survives_it() {
    for db in stores().await {
        let (store, name) = (&db.store, db.name);
        assert_eq!(store.hold_contract(NAME, "stocktaking", "hanako", at(1)).await.unwrap(), None, "{name}");
        let seen = store.account(NAME).await.unwrap();
        // The person reads and thinks; meanwhile the gateway refuses.
        assert!(store.stop_account(NAME, "Z012000009", "register it", at(2), at(62)).await.unwrap());
        store.put_expiries(NAME, &[expiry("certificate", 500)], at(3)).await.unwrap();
        store.release_contract(&seen, "hanako", at(4)).await.unwrap();
        let expected = Account {
            name: NAME.to_owned(),
            stopped_code: Some("Z012000009".to_owned()),
            stopped_reason: Some("register it".to_owned()),
            stopped_at: Some(at(2)),
            probe_at: Some(at(62)),
            expiries: vec![expiry("certificate", 500)],
            expiries_at: Some(at(3)),
            ..Account::default()
        };
        assert_eq!(store.account(NAME).await.unwrap(), expected, "{name}");
        let deeds: Vec<_> = store.deeds(9).await.unwrap().into_iter().map(|d| (d.action, d.detail)).collect();
        let told = |action: &str| (format!("settlements.{action}"), "stocktaking".to_owned());
        assert_eq!(deeds, [told("release"), told("hold")], "{name}");
    }
}

#[tokio::test]
async fn what_holds_or_stops_already_stands() {
    for db in stores().await {
        let (store, name) = (&db.store, db.name);
        store.hold_contract(NAME, "first", "hanako", at(1)).await.unwrap();
        let before = store.account(NAME).await.unwrap();
        let stands = store.hold_contract(NAME, "second", "taro", at(2)).await.unwrap();
        assert_eq!(stands.as_deref(), Some("first"), "{name}");
        assert_eq!(store.account(NAME).await.unwrap(), before, "{name}");
        store.release_contract(&before, "hanako", at(3)).await.unwrap();
        store.hold_contract(NAME, "first", "taro", at(4)).await.unwrap();
        // Another hold than the one that was seen, of the same words.
        let stale = store.release_contract(&before, "hanako", at(5)).await;
        assert!(matches!(stale, Err(StoreError::Refused(_))), "{name}: {stale:?}");
        assert_eq!(store.account(NAME).await.unwrap().held_at, Some(at(4)), "{name}");

        assert!(store.stop_account(NAME, "Z1", "one", at(1), at(61)).await.unwrap(), "{name}");
        assert!(!store.stop_account(NAME, "Z2", "two", at(2), at(62)).await.unwrap(), "{name}");
        let one = store.account(NAME).await.unwrap();
        assert_eq!((one.stopped_code.as_deref(), one.probe_at), (Some("Z1"), Some(at(61))), "{name}");
        assert!(store.resume_account(&one).await.unwrap(), "{name}");
        assert!(store.stop_account(NAME, "Z2", "two", at(2), at(62)).await.unwrap(), "{name}");
        assert!(!store.resume_account(&one).await.unwrap(), "{name}: a probe of the stop before");
        store.probe_account(NAME, at(70)).await.unwrap();
        let two = store.account(NAME).await.unwrap();
        assert_eq!((two.stopped_code.as_deref(), two.probe_at), (Some("Z2"), Some(at(70))), "{name}");
        assert_eq!(two.held_reason.as_deref(), Some("first"), "{name}: held all the while");
    }
}

#[tokio::test]
async fn a_section_that_cannot_be_used_is_told_first_and_leaves_nothing_when_it_is_mended() {
    for db in stores().await {
        let (store, name) = (&db.store, db.name);
        store.stop_account(NAME, "Z1", "the gateway's", at(1), at(61)).await.unwrap();
        for (reason, minutes) in [("no key", 2), ("no key", 3), ("no file", 4)] {
            store.break_account(NAME, "config", reason, at(minutes)).await.unwrap();
        }
        let broken = store.account(NAME).await.unwrap();
        assert_eq!(broken.stopped_reason.as_deref(), Some("no file"), "{name}");
        assert_eq!(
            (broken.stopped_at, broken.probe_at),
            (Some(at(2)), None),
            "{name}: since it was first so"
        );
        store.mend_account(NAME, "other").await.unwrap();
        assert_eq!(store.account(NAME).await.unwrap(), broken, "{name}");
        store.mend_account(NAME, "config").await.unwrap();
        let mended = Account { name: NAME.to_owned(), ..Account::default() };
        assert_eq!(store.account(NAME).await.unwrap(), mended, "{name}");
        store.probe_account(NAME, at(9)).await.unwrap();
        assert_eq!(store.account(NAME).await.unwrap(), mended, "{name}: nothing to probe");
    }
}

#[tokio::test]
async fn ends_of_keys_are_kept_each_for_itself() {
    for db in stores().await {
        let (store, name) = (&db.store, db.name);
        store.renew_expiry(NAME, &expiry("refresh_token", 10)).await.unwrap();
        store.put_expiries(NAME, &[expiry("refresh_token", 10), expiry("key", 20)], at(1)).await.unwrap();
        store.renew_expiry(NAME, &expiry("refresh_token", 90)).await.unwrap();
        let row = store.account(NAME).await.unwrap();
        assert_eq!(row.expiries, [expiry("key", 20), expiry("refresh_token", 90)], "{name}");
        assert_eq!(row.expiries_at, Some(at(1)), "{name}");
    }
}
