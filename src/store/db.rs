//! The two databases behind one text: a connection that is either, statements that are (nearly always) the same, and
//! arguments that both can bind. Everything above this file is written once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{FromRow, PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use super::Result;
use super::room::Room;
use crate::clock::Timestamp;

/// The pools of one database.
#[derive(Debug)]
pub(super) enum Pools {
    /// One connection writes (`None`: opened to read only), a few read.
    Sqlite {
        /// The one that writes.
        writer: Option<SqlitePool>,
        /// Those that read.
        readers: SqlitePool,
        /// How often the connection that writes had to be replaced.
        replaced: AtomicI64,
    },
    /// All alike.
    Postgres(PgPool),
}

/// What a writing transaction must not overlap with. SQLite has one writer anyway; on PostgreSQL a page that stores an
/// order and a command that stores its slip must see each other, or the slip would wait for an order that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// Rows alone decide.
    None,
    /// Pages of different shops side by side.
    Pages,
    /// Facts of orders, slips and settlements of any shop.
    Facts,
}

/// A connection, or a transaction on one.
pub(super) enum Conn {
    SqliteRead(PoolConnection<Sqlite>),
    SqliteWrite { transaction: Transaction<'static, Sqlite>, room: Arc<Room> },
    PostgresRead(PoolConnection<Postgres>),
    PostgresWrite { transaction: Transaction<'static, Postgres>, command: bool, room: Arc<Room> },
}

enum On<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A statement: the same text for both, or two where they really differ.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sql {
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self { sqlite: text, postgres: text }
    }
}

/// `before` (it ends with a column) + "is one of the texts of the JSON list in `$1`" + `after`. An array on PostgreSQL: a
/// subquery it would join, and read the whole table for it.
macro_rules! listed {
    ($before:expr, $after:expr) => {
        $crate::store::db::Sql {
            sqlite: concat!($before, "IN (SELECT value FROM json_each($1))", $after),
            postgres: concat!($before, "= ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))", $after),
        }
    };
}
pub(super) use listed;

/// A `SELECT` whose rows stay as they are until the transaction ends (SQLite has one writer and needs no word for it).
macro_rules! locked {
    ($text:expr) => {
        $crate::store::db::Sql { sqlite: $text, postgres: concat!($text, " FOR UPDATE") }
    };
}
pub(super) use locked;

/// Likewise for operations (`p`), passing over those that another transaction holds.
macro_rules! skip_locked {
    ($text:expr) => {
        $crate::store::db::Sql { sqlite: $text, postgres: concat!($text, " FOR UPDATE OF p SKIP LOCKED") }
    };
}
pub(super) use skip_locked;

/// What can be bound. Flags are 0 and 1, times microseconds, days, words, ids and JSON text, on both.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arg<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
    Blob(Option<&'a [u8]>),
}

macro_rules! arg_from {
    ($($from:ty => |$value:ident| $to:expr;)+) => {
        $(impl<'a> From<$from> for Arg<'a> { fn from($value: $from) -> Self { $to } })+
    };
}
arg_from! {
    i64 => |v| Arg::Int(Some(v));
    Option<i64> => |v| Arg::Int(v);
    u32 => |v| Arg::Int(Some(i64::from(v)));
    bool => |v| Arg::Int(Some(i64::from(v)));
    Timestamp => |v| Arg::Int(Some(v.micros()));
    Option<Timestamp> => |v| Arg::Int(v.map(Timestamp::micros));
    &'a str => |v| Arg::Text(Some(v));
    &'a String => |v| Arg::Text(Some(v));
    Option<&'a str> => |v| Arg::Text(v);
    &'a Option<String> => |v| Arg::Text(v.as_deref());
    &'a [u8] => |v| Arg::Blob(Some(v));
    &'a Vec<u8> => |v| Arg::Blob(Some(v));
    Option<&'a [u8]> => |v| Arg::Blob(v);
}

/// The arguments of a statement, in the order of `$1`, `$2`, …
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::store::db::Arg::from($value)),*][..] };
}
pub(super) use args;

/// A row that both databases can fill.
pub(super) trait AnyRow:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> AnyRow for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

fn for_sqlite<'q>(sql: Sql, args: &[Arg<'_>]) -> Query<'q, Sqlite, SqliteArguments> {
    args.iter().fold(sqlx::query(sql.sqlite), |query, arg| match *arg {
        Arg::Int(value) => query.bind(value),
        Arg::Text(value) => query.bind(value),
        Arg::Blob(value) => query.bind(value),
    })
}

fn for_postgres<'q>(sql: Sql, args: &[Arg<'_>]) -> Query<'q, Postgres, PgArguments> {
    args.iter().fold(sqlx::query(sql.postgres), |query, arg| match *arg {
        Arg::Int(value) => query.bind(value),
        Arg::Text(value) => query.bind(value),
        Arg::Blob(value) => query.bind(value),
    })
}

impl Pools {
    /// A connection for reading.
    pub(super) async fn read(&self) -> Result<Conn> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Conn::SqliteRead(readers.acquire().await?),
            Self::Postgres(pool) => Conn::PostgresRead(pool.acquire().await?),
        })
    }

    /// A writing transaction. On SQLite it takes the write lock at once: one that reads first and writes later would
    /// fail with "database is locked" however long it were willing to wait.
    pub(super) async fn write(&self, lock: Lock, command: bool, room: &Arc<Room>) -> Result<Conn> {
        let room = Arc::clone(room);
        match self {
            Self::Sqlite { writer, replaced, .. } => {
                const BEGIN: &str = "BEGIN IMMEDIATE";
                let writer = writer.as_ref().ok_or(sqlx::Error::PoolClosed)?;
                let begun = match writer.begin_with(BEGIN).await {
                    // Where a write fails for want of room SQLite takes the transaction back by itself. The driver does
                    // not learn of it, and would refuse this connection for ever.
                    Err(sqlx::Error::InvalidSavePointStatement) => {
                        drop(writer.acquire().await?.detach());
                        replaced.fetch_add(1, Ordering::Relaxed);
                        writer.begin_with(BEGIN).await
                    }
                    begun => begun,
                };
                let transaction = begun.inspect_err(|error| room.failed(error))?;
                Ok(Conn::SqliteWrite { transaction, room })
            }
            Self::Postgres(pool) => {
                let transaction = pool.begin_with("BEGIN").await?;
                let mut conn = Conn::PostgresWrite { transaction, command, room };
                match lock {
                    Lock::None => {}
                    Lock::Pages => {
                        conn.row::<(String,)>(
                            "SELECT CAST(pg_advisory_xact_lock_shared(7205759403) AS TEXT)",
                            &[],
                        )
                        .await?;
                    }
                    Lock::Facts => {
                        conn.row::<(String,)>("SELECT CAST(pg_advisory_xact_lock(7205759403) AS TEXT)", &[])
                            .await?;
                    }
                }
                Ok(conn)
            }
        }
    }
}

impl Conn {
    fn on(&mut self) -> On<'_> {
        match self {
            Self::SqliteRead(conn) => On::Sqlite(conn),
            Self::SqliteWrite { transaction, .. } => On::Sqlite(transaction),
            Self::PostgresRead(conn) => On::Postgres(conn),
            Self::PostgresWrite { transaction, .. } => On::Postgres(transaction),
        }
    }

    /// What a statement came to; a disk that is full is noted.
    fn heard<T>(&self, outcome: std::result::Result<T, sqlx::Error>) -> Result<T> {
        if let (Err(error), Self::SqliteWrite { room, .. } | Self::PostgresWrite { room, .. }) =
            (&outcome, self)
        {
            room.failed(error);
        }
        Ok(outcome?)
    }

    /// Waits until no other transaction holds `key`, and holds it until this one ends. SQLite has one writer anyway.
    pub(super) async fn serialize(&mut self, key: &str) -> Result<()> {
        self.lock("SELECT CAST(pg_advisory_xact_lock(hashtextextended($1, 0)) AS TEXT)", args![key]).await
    }

    /// Runs a `SELECT` of a text for its locks alone, which last until the transaction ends. Nothing on SQLite: its one
    /// writer has them all.
    pub(super) async fn lock(&mut self, postgres: &'static str, args: &[Arg<'_>]) -> Result<()> {
        if matches!(self.on(), On::Postgres(_)) {
            self.rows::<(String,)>(postgres, args).await?;
        }
        Ok(())
    }

    /// Runs a statement; returns how many rows it changed.
    pub(super) async fn execute(&mut self, sql: impl Into<Sql>, args: &[Arg<'_>]) -> Result<u64> {
        let sql = sql.into();
        let changed = match self.on() {
            On::Sqlite(conn) => for_sqlite(sql, args).execute(conn).await.map(|done| done.rows_affected()),
            On::Postgres(conn) => {
                for_postgres(sql, args).execute(conn).await.map(|done| done.rows_affected())
            }
        };
        self.heard(changed)
    }

    /// All rows of a query.
    pub(super) async fn rows<T: AnyRow>(&mut self, sql: impl Into<Sql>, args: &[Arg<'_>]) -> Result<Vec<T>> {
        let sql = sql.into();
        let rows: std::result::Result<Vec<T>, sqlx::Error> = match self.on() {
            On::Sqlite(conn) => {
                let rows = for_sqlite(sql, args).fetch_all(conn).await;
                rows.and_then(|rows| rows.iter().map(T::from_row).collect())
            }
            On::Postgres(conn) => {
                let rows = for_postgres(sql, args).fetch_all(conn).await;
                rows.and_then(|rows| rows.iter().map(T::from_row).collect())
            }
        };
        self.heard(rows)
    }

    /// The first row of a query.
    pub(super) async fn row<T: AnyRow>(
        &mut self,
        sql: impl Into<Sql>,
        args: &[Arg<'_>],
    ) -> Result<Option<T>> {
        let sql = sql.into();
        let row: std::result::Result<Option<T>, sqlx::Error> = match self.on() {
            On::Sqlite(conn) => {
                let row = for_sqlite(sql, args).fetch_optional(conn).await;
                row.and_then(|row| row.as_ref().map(T::from_row).transpose())
            }
            On::Postgres(conn) => {
                let row = for_postgres(sql, args).fetch_optional(conn).await;
                row.and_then(|row| row.as_ref().map(T::from_row).transpose())
            }
        };
        self.heard(row)
    }

    /// Commits a writing transaction; a connection for reading has nothing to commit.
    pub(super) async fn commit(mut self) -> Result<()> {
        if matches!(self, Self::PostgresWrite { command: true, .. }) {
            self.execute("UPDATE command_writes SET count = count + 1 WHERE id = 'all'", &[]).await?;
        }
        let (committed, room) = match self {
            Self::SqliteRead(_) | Self::PostgresRead(_) => return Ok(()),
            Self::SqliteWrite { transaction, room } => (transaction.commit().await, room),
            Self::PostgresWrite { transaction, room, .. } => (transaction.commit().await, room),
        };
        match &committed {
            Ok(()) => room.written(),
            Err(error) => room.failed(error),
        }
        Ok(committed?)
    }

    /// Commits what was written; where nothing was, takes back the locks alone.
    pub(super) async fn finish(self, written: bool) -> Result<()> {
        if written { self.commit().await } else { self.rollback().await }
    }

    /// Takes everything back.
    pub(super) async fn rollback(self) -> Result<()> {
        match self {
            Self::SqliteRead(_) | Self::PostgresRead(_) => {}
            Self::SqliteWrite { transaction, .. } => transaction.rollback().await?,
            Self::PostgresWrite { transaction, .. } => transaction.rollback().await?,
        }
        Ok(())
    }
}
