//! What a piece of work wrote, told by the databases themselves.

use std::collections::BTreeMap;

use sqlx::{Connection, PgConnection, Row, SqliteConnection};

use super::TestStore;

/// Rows by table.
pub type Tables = BTreeMap<String, Vec<String>>;

/// Every row of every table with the version that the database gives it: on PostgreSQL a rewritten row has another
/// `xmin`, on SQLite the content itself is compared.
pub async fn rows(db: &TestStore) -> Tables {
    let mut tables = BTreeMap::new();
    if db.name == "sqlite" {
        let mut conn = SqliteConnection::connect(&db.url).await.unwrap();
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        )
        .fetch_all(&mut conn)
        .await
        .unwrap();
        for name in names {
            let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
                .bind(&name)
                .fetch_all(&mut conn)
                .await
                .unwrap();
            let columns: Vec<String> = columns.iter().map(|c| format!("quote(\"{c}\")")).collect();
            let sql: &'static str =
                format!("SELECT {} FROM {name} ORDER BY 1", columns.join(" || ',' || ")).leak();
            let found = sqlx::query(sql).fetch_all(&mut conn).await.unwrap();
            tables.insert(name, found.iter().map(|row| row.get::<String, _>(0)).collect());
        }
    } else {
        let mut conn = PgConnection::connect(&db.url).await.unwrap();
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
        )
        .fetch_all(&mut conn)
        .await
        .unwrap();
        for name in names {
            let sql: &'static str = format!("SELECT xmin::text || ctid::text FROM {name} ORDER BY 1").leak();
            let found = sqlx::query(sql).fetch_all(&mut conn).await.unwrap();
            tables.insert(name, found.iter().map(|row| row.get::<String, _>(0)).collect());
        }
    }
    tables
}

/// The tables that differ.
pub fn written(before: &Tables, after: &Tables) -> Vec<String> {
    before.iter().filter(|(name, rows)| after[*name] != **rows).map(|(name, _)| name.clone()).collect()
}
