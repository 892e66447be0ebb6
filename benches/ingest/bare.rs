//! Nothing but the inserts: the rows that the store has written, by prepared statements, one transaction per page.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use crate::ingest::PAGE;
use crate::support::TestStore;

#[derive(sqlx::FromRow)]
struct OrderRow {
    id: String,
    shop: String,
    mall: String,
    mall_order_id: String,
    match_key: String,
    status: String,
    fulfilled_by: String,
    ordered_at: i64,
    changed_at: i64,
    read_at: i64,
    first_seen_at: i64,
    shipped_on: Option<String>,
    due: Option<i64>,
    mall_updated_at: Option<i64>,
    digest: String,
    latest_version: i64,
    document: String,
}

#[derive(sqlx::FromRow)]
struct VersionRow {
    order_id: String,
    number: i64,
    read_at: i64,
    changes: String,
    raw: Option<Vec<u8>>,
}

/// Reads the rows on `$from`, writes them on `$to` and tells how long the writing took.
macro_rules! copy {
    ($from:expr, $to:expr, $begin:literal) => {{
        let (mut from, mut to) = ($from, $to);
        let orders: Vec<OrderRow> =
            sqlx::query_as("SELECT * FROM orders ORDER BY id").fetch_all(&mut from).await.unwrap();
        let versions: Vec<VersionRow> =
            sqlx::query_as("SELECT * FROM order_versions ORDER BY order_id").fetch_all(&mut from).await.unwrap();
        assert_eq!(orders.len(), versions.len(), "every order has its first version");
        let began = Instant::now();
        for (orders, versions) in orders.chunks(PAGE).zip(versions.chunks(PAGE)) {
            let mut page = to.begin_with($begin).await.unwrap();
            for (order, version) in orders.iter().zip(versions) {
                sqlx::query(
                    "INSERT INTO orders (id, shop, mall, mall_order_id, match_key, status, fulfilled_by, ordered_at,
                         changed_at, read_at, first_seen_at, shipped_on, due, mall_updated_at, digest,
                         latest_version, document)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
                )
                .bind(&order.id)
                .bind(&order.shop)
                .bind(&order.mall)
                .bind(&order.mall_order_id)
                .bind(&order.match_key)
                .bind(&order.status)
                .bind(&order.fulfilled_by)
                .bind(order.ordered_at)
                .bind(order.changed_at)
                .bind(order.read_at)
                .bind(order.first_seen_at)
                .bind(&order.shipped_on)
                .bind(order.due)
                .bind(order.mall_updated_at)
                .bind(&order.digest)
                .bind(order.latest_version)
                .bind(&order.document)
                .execute(&mut *page)
                .await
                .unwrap();
                sqlx::query(
                    "INSERT INTO order_versions (order_id, number, read_at, changes, raw) VALUES ($1, $2, $3, $4, $5)",
                )
                .bind(&version.order_id)
                .bind(version.number)
                .bind(version.read_at)
                .bind(&version.changes)
                .bind(&version.raw)
                .execute(&mut *page)
                .await
                .unwrap();
            }
            page.commit().await.unwrap();
        }
        let took = began.elapsed();
        from.close().await.unwrap();
        to.close().await.unwrap();
        took
    }};
}

/// On SQLite, with the settings of the store's own connection.
pub async fn sqlite(from: &TestStore, to: &TestStore) -> Duration {
    let connect = async |db: &TestStore| {
        let options: SqliteConnectOptions = db.url.parse().unwrap();
        options
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .connect()
            .await
            .unwrap()
    };
    copy!(connect(from).await, connect(to).await, "BEGIN IMMEDIATE")
}

/// On PostgreSQL, likewise.
pub async fn postgres(from: &TestStore, to: &TestStore) -> Duration {
    let connect = async |db: &TestStore| {
        let options: PgConnectOptions = db.url.parse().unwrap();
        options.options([("synchronous_commit", "on")]).connect().await.unwrap()
    };
    copy!(connect(from).await, connect(to).await, "BEGIN")
}
