//! Who may open what, and how durable a commit is.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use mallsync::clock::{Ambient, ManualClock};
use mallsync::store::people::Deed;
use mallsync::store::{Access, Store, StoreError};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::support::{TestStore, start, stores};

fn ambient() -> Ambient {
    Ambient::new(Arc::new(ManualClock::new(start())))
}

async fn open(url: &str, access: Access) -> Result<Store, StoreError> {
    Store::open(url, None, access, &ambient()).await
}

async fn run(db: &TestStore, sql: &'static str) {
    if db.name == "sqlite" {
        SqliteConnection::connect(&db.url).await.unwrap().execute(sql).await.unwrap();
    } else {
        PgConnection::connect(&db.url).await.unwrap().execute(sql).await.unwrap();
    }
}

#[tokio::test]
async fn commits_wait_for_the_disk() {
    for db in stores().await {
        let expected = if db.name == "sqlite" { "2" } else { "on" };
        for store in [&db.store, &db.another(Access::Command).await] {
            assert_eq!(store.durability().await.unwrap(), expected, "{}", db.name);
        }
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_an_older_one_left_to_the_daemon() {
    for db in stores().await {
        let known = db.store.migrate().await.unwrap().1;
        db.store.close().await;
        run(&db, "UPDATE _sqlx_migrations SET version = version + 1000").await;
        for access in [Access::Daemon, Access::Command, Access::Read] {
            let refused = open(&db.url, access).await;
            let found = known + 1_000;
            assert!(
                matches!(refused, Err(StoreError::NewerSchema { found: f, known: k }) if (f, k) == (found, known)),
                "{} {access:?}: {refused:?}",
                db.name
            );
        }
        run(&db, "UPDATE _sqlx_migrations SET version = -version").await;
        for access in [Access::Command, Access::Read] {
            let refused = open(&db.url, access).await;
            assert!(
                matches!(refused, Err(StoreError::OlderSchema { .. })),
                "{} {access:?}: {refused:?}",
                db.name
            );
        }
    }
}

#[tokio::test]
async fn migrations_run_once() {
    for db in stores().await {
        let (_, after) = db.store.migrate().await.unwrap();
        assert!(after > 0);
        let again = db.another(Access::Command).await;
        assert_eq!(again.migrate().await.unwrap(), (after, after), "{}", db.name);
    }
}

#[tokio::test]
async fn one_daemon_holds_an_sqlite_database() {
    let db = stores().await.remove(0);
    let second = open(&db.url, Access::Daemon).await;
    assert!(matches!(second, Err(StoreError::Locked(_))), "{second:?}");
    db.store.close().await;
    open(&db.url, Access::Daemon).await.unwrap();
}

#[tokio::test]
async fn two_daemons_share_a_postgres_database() {
    let db = stores().await.remove(1);
    open(&db.url, Access::Daemon).await.unwrap();
}

#[tokio::test]
async fn files_are_private_and_folders_must_exist() {
    let dir = TempDir::new().unwrap();
    let url = format!("sqlite:{}", dir.path().join("new.db").display());
    let missing = open(&url, Access::Read).await;
    assert!(matches!(missing, Err(StoreError::NotFound(ref text)) if text.contains("new.db")), "{missing:?}");
    // A command makes a database where there is none.
    let store = open(&url, Access::Command).await.unwrap();
    assert_eq!(store.migrate().await.unwrap().0, 0);
    store.ask("sync", &serde_json::json!({}), "hanako", start()).await.unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
    let url = format!("sqlite:{}", dir.path().join("no/such/folder.db").display());
    for access in [Access::Daemon, Access::Command] {
        let refused = open(&url, access).await;
        assert!(
            matches!(refused, Err(StoreError::Url(ref text)) if text.contains("does not exist")),
            "{refused:?}"
        );
    }
    for url in ["mysql://x", "sqlite:", "sqlite::memory:", "nonsense"] {
        assert!(matches!(open(url, Access::Read).await, Err(StoreError::Url(_))), "{url}");
    }
}

#[tokio::test]
async fn the_password_of_a_bad_url_is_not_repeated() {
    let refused = open("postgres://user:canary-password@host:port/db", Access::Read).await.unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("canary"), "{refused:?}");
}

#[tokio::test]
async fn errors_hold_no_rows() {
    for db in stores().await {
        run(&db, "INSERT INTO deeds (id, at, actor, action, subject, detail) VALUES ('x', 1, 'canary', 'a', 's', 'd')")
            .await;
        run(&db, "CREATE UNIQUE INDEX deeds_by_actor ON deeds (actor)").await;
        let deed = Deed {
            at: start(),
            actor: "canary".to_owned(),
            action: String::new(),
            subject: String::new(),
            detail: String::new(),
        };
        let refused = db.store.record_deed(&deed).await.unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("canary"), "{}: {refused:?}", db.name);
    }
}

#[tokio::test]
async fn who_reads_does_not_write() {
    for db in stores().await {
        let reader = db.another(Access::Read).await;
        assert!(reader.streams(None).await.unwrap().is_empty(), "{}", db.name);
        let refused = reader.ensure_streams("s", &["new"], start()).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{}: {refused:?}", db.name);
    }
}
