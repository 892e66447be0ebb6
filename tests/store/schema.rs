//! The two migrated schemas say the same.

use std::collections::BTreeSet;

use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::support::{TestStore, stores};

/// (table, column, type, not null, default)
type Column = (String, String, String, bool, Option<String>);
/// (table, columns, unique, partial)
type Index = (String, String, bool, bool);

async fn of_sqlite(db: &TestStore) -> (BTreeSet<Column>, BTreeSet<Index>) {
    let mut conn = SqliteConnection::connect(&db.url).await.unwrap();
    let columns = sqlx::query_as(
        "SELECT t.name, c.name, CASE c.type WHEN 'INTEGER' THEN 'bigint' WHEN 'BLOB' THEN 'bytea' ELSE lower(c.type) END,
             c.\"notnull\" = 1, c.dflt_value
         FROM sqlite_master t, pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\' AND t.name NOT LIKE 'sqlite%'",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    let indexes = sqlx::query_as(
        "SELECT t.name, (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)),
             i.\"unique\" = 1, i.partial = 1
         FROM sqlite_master t, pragma_index_list(t.name) i
         WHERE t.type = 'table' AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\'",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    (columns.into_iter().collect(), indexes.into_iter().collect())
}

async fn of_postgres(db: &TestStore) -> (BTreeSet<Column>, BTreeSet<Index>) {
    let mut conn = PgConnection::connect(&db.url).await.unwrap();
    let columns = sqlx::query_as(
        "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'NO', column_default::text
         FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    let indexes = sqlx::query_as(
        "SELECT t.relname::text,
             (SELECT string_agg(a.attname::text, ',' ORDER BY k.n)
              FROM unnest(i.indkey::int[]) WITH ORDINALITY AS k(attnum, n)
              JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum),
             i.indisunique, i.indpred IS NOT NULL
         FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace s ON s.oid = t.relnamespace
         WHERE s.nspname = 'public' AND t.relname <> '_sqlx_migrations'",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    (columns.into_iter().collect(), indexes.into_iter().collect())
}

#[tokio::test]
async fn both_migrations_make_the_same_tables_columns_and_indexes() {
    let stores = stores().await;
    let (columns, indexes) = of_sqlite(&stores[0]).await;
    let (pg_columns, pg_indexes) = of_postgres(&stores[1]).await;
    assert!(columns.len() > 100 && indexes.len() > 30, "{} {}", columns.len(), indexes.len());
    let differ = |a: &BTreeSet<Column>, b: &BTreeSet<Column>| a.difference(b).cloned().collect::<Vec<_>>();
    assert_eq!((differ(&columns, &pg_columns), differ(&pg_columns, &columns)), (vec![], vec![]));
    assert_eq!(indexes, pg_indexes);
}

#[test]
fn both_have_the_same_migrations() {
    let names = |folder: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
        let files = std::fs::read_dir(folder).unwrap();
        files.map(|f| f.unwrap().file_name().into_string().unwrap()).collect::<BTreeSet<_>>()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
}
