//! The database: SQLite and PostgreSQL behind one [`Store`], one SQL text (code-anchors: "one enum over two pools and a
//! macro that repeats the body"). Times are microseconds in `BIGINT` columns named `…_at`, days are `YYYY-MM-DD` text,
//! ids are `UUIDv7` text, normalised orders are JSON text, raw payloads zstd blobs.

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

use crate::clock::{Ambient, Timestamp};
use crate::domain::planner::Contract;

mod claims;
mod companions;
mod db;
mod decisions;
mod digest;
mod done;
mod inserts;
mod linking;
mod matching;
mod open;
mod page_rows;
mod pages;
mod parcels;
mod planning;
mod replanning;
mod room;
mod rows;
mod taken;
mod wishes;
mod workers;

/// Accounts that were stopped, and guards that hold.
pub mod accounts;
/// From which address gateways see our calls.
pub mod addresses;
/// Functions of contracts that the other side does not allow.
pub mod functions;
/// Limiter rows.
pub mod limits;
/// Card orders without a settlement.
pub mod missed;
/// What the log was told of.
pub mod notices;
/// Operations and their attempts.
pub mod operations;
/// Orders, their versions, and orders set aside.
pub mod orders;
/// Who did what; requests from commands to the daemon.
pub mod people;
/// Orders made ready to be stored.
pub mod ready;
/// Reception numbers from files.
pub mod receptions;
/// Reconciliation with a gateway's books.
pub mod reconciling;
/// What came of reloads of the config.
pub mod reloads;
/// Runs of reconciliation.
pub mod runs;
/// What people say of settlements.
pub mod say;
/// What left, and the guards that count it.
pub mod sends;
/// Settlements.
pub mod settlements;
/// What `status` and health checks ask.
pub mod signs;
/// Slips.
pub mod slips;
/// Streams: schedules, cursors and poll leases.
pub mod streams;
/// Sealed tokens.
pub mod vault;

/// What the database refused. `Debug` shows what `Display` shows: PostgreSQL's own error carries the row that failed, and
/// rows are about people (I9).
#[derive(Error)]
pub enum StoreError {
    /// The database itself: gone, full, busy.
    #[error("database: {0}{hint}", hint = no_room(.0))]
    Database(#[from] sqlx::Error),
    /// A row that cannot be read back: names table, column and row.
    #[error("database row {table}.{column} of {id} cannot be read: {reason}")]
    Row {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Row id.
        id: String,
        /// What is wrong.
        reason: String,
    },
    /// Another worker holds the lease now: nothing was written.
    #[error("the lease is lost")]
    LeaseLost,
    /// The schema is newer than this program.
    #[error(
        "the database was migrated by a newer mallsync (schema {found}, this one knows {known}); install the newer one again"
    )]
    NewerSchema {
        /// In the database.
        found: i64,
        /// Known here.
        known: i64,
    },
    /// Migrations are due and this command must not run them.
    #[error("the database needs `mallsync db migrate` first (schema {found}, this one needs {known})")]
    OlderSchema {
        /// In the database.
        found: i64,
        /// Known here.
        known: i64,
    },
    /// Another daemon holds the lock file (SQLite).
    #[error("another mallsync holds {0}: only one may poll and send on an SQLite database")]
    Locked(String),
    /// A step of an operation that its machine does not know.
    #[error(transparent)]
    IllegalStep(#[from] crate::domain::operation::IllegalStep),
    /// What was asked for does not exist or is ambiguous; the text says what to do.
    #[error("{0}")]
    NotFound(String),
    /// The command cannot be carried out in this state; the text says why and what to do.
    #[error("{0}")]
    Refused(String),
    /// The URL cannot be used.
    #[error("database.url: {0}")]
    Url(String),
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreError({self})")
    }
}

/// What to do where the database cannot write.
fn no_room(error: &sqlx::Error) -> &'static str {
    if room::is_full(error) {
        " (the disk that holds the database is full or cannot be written: make room; what was not stored is done again)"
    } else {
        ""
    }
}

/// Result of store methods.
pub type Result<T> = std::result::Result<T, StoreError>;

/// How a process uses the database (decisions.md 32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Polls and sends: migrates, and on SQLite holds `<db>.lock`.
    Daemon,
    /// Writes short transactions beside a daemon; does not migrate an existing schema.
    Command,
    /// Reads only.
    Read,
}

/// What planning needs inside a writing transaction.
#[derive(Clone, Copy, Debug)]
pub struct Planning<'a> {
    /// Rules in force, in the order of the config. Contracts in dry-run plan nothing that is stored.
    pub contracts: &'a [Contract],
    /// Now.
    pub now: Timestamp,
}

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
    ambient: Ambient,
}

#[derive(Debug)]
struct Inner {
    pools: db::Pools,
    room: Arc<room::Room>,
    access: Access,
    schema: (i64, i64),
    /// Held until the store is closed (SQLite, [`Access::Daemon`]).
    lock: Mutex<Option<File>>,
    lock_path: Option<PathBuf>,
    last_id: Mutex<u128>,
}

impl Store {
    /// Opens the database at `url` (`sqlite:PATH`, `postgres://…`). With [`Access::Daemon`] it is created and migrated;
    /// with [`Access::Command`] it is created where there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn open(
        url: &str,
        password: Option<&crate::secret::Secret>,
        access: Access,
        ambient: &Ambient,
    ) -> Result<Self> {
        let opened = open::open(url, password, access, ambient).await?;
        let inner = Inner {
            pools: opened.pools,
            room: opened.room,
            access,
            schema: opened.schema,
            lock: Mutex::new(opened.lock),
            lock_path: opened.lock_path,
            last_id: Mutex::new(0),
        };
        let store = Self { inner: Arc::new(inner), ambient: ambient.clone() };
        if access == Access::Daemon {
            store.take_over().await?;
        }
        Ok(store)
    }

    /// Runs the migrations that are due; returns (before, after). Those that [`Store::open`] has run count.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn migrate(&self) -> Result<(i64, i64)> {
        let (_, after) = open::migrate(&self.inner.pools).await?;
        Ok((self.inner.schema.0, after))
    }

    /// Lets new connections use `password`, if the server takes it now; else everything stays as it was.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn renew_password(&self, password: &crate::secret::Secret) -> Result<()> {
        open::renew_password(&self.inner.pools, password).await
    }

    /// A number that changes whenever another connection has written (SQLite `data_version`; on PostgreSQL a counter in a
    /// row that commands raise): the daemon looks at it once a second.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn version(&self) -> Result<i64> {
        let (mut conn, replaced) = match &self.inner.pools {
            // The writer's own commits do not count, so only others' are seen. Another connection counts anew: what was
            // written before it came is news to it.
            db::Pools::Sqlite { writer: Some(writer), replaced, .. } => {
                (db::Conn::SqliteRead(writer.acquire().await?), replaced.load(Ordering::Relaxed))
            }
            pools => (pools.read().await?, 0),
        };
        let sql = db::Sql {
            sqlite: "PRAGMA data_version",
            postgres: "SELECT count FROM command_writes WHERE id = 'all'",
        };
        let row: Option<(i64,)> = conn.row(sql, &[]).await?;
        Ok(row.map_or(0, |(n,)| n).wrapping_add(replaced << 32))
    }

    /// The setting that decides whether a commit survives a crash of the machine (decisions.md 6), as the database
    /// itself tells it: `2` (FULL) on SQLite, `on` on PostgreSQL.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn durability(&self) -> Result<String> {
        let mut conn = self.write(db::Lock::None).await?;
        let sql = db::Sql {
            sqlite: "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous",
            postgres: "SELECT current_setting('synchronous_commit')",
        };
        let row: Option<(String,)> = conn.row(sql, &[]).await?;
        conn.rollback().await?;
        Ok(row.map_or_else(String::new, |(text,)| text))
    }

    /// Since when the disk that holds the database takes nothing more; `None`: it does. Beside a daemon: what that one has
    /// met, on SQLite.
    ///
    /// # Errors
    /// The lock cannot be asked for.
    pub fn no_room_since(&self) -> Result<Option<Timestamp>> {
        match (&self.inner.lock_path, self.inner.access) {
            (Some(path), Access::Read | Access::Command) if open::is_locked(path)? => Ok(room::noted(path)),
            _ => Ok(self.inner.room.since()),
        }
    }

    /// A daemon looks every second whether a disk that was full has room again, and tells.
    pub fn look_for_room(&self) {
        self.inner.room.look();
    }

    /// Closes the pools and gives the lock back.
    pub async fn close(&self) {
        match &self.inner.pools {
            db::Pools::Sqlite { writer, readers, .. } => {
                readers.close().await;
                if let Some(writer) = writer {
                    writer.close().await;
                }
            }
            db::Pools::Postgres(pool) => pool.close().await,
        }
        // Dropping the file gives the lock back.
        drop(self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// A new id, greater than all before it: what was stored first sorts first, within a millisecond too.
    fn id(&self) -> String {
        let id = self.ambient.id();
        let number = uuid::Uuid::parse_str(&id).map_or(0, |id| id.as_u128());
        let mut last = self.inner.last_id.lock().unwrap_or_else(PoisonError::into_inner);
        *last = number.max(last.wrapping_add(1));
        uuid::Uuid::from_u128(*last).to_string()
    }

    async fn read(&self) -> Result<db::Conn> {
        self.inner.pools.read().await
    }

    async fn write(&self, lock: db::Lock) -> Result<db::Conn> {
        if self.inner.access == Access::Read {
            return Err(StoreError::Refused(
                "the database was opened to read only; nothing was written".to_owned(),
            ));
        }
        self.inner.pools.write(lock, self.inner.access == Access::Command, &self.inner.room).await
    }
}
