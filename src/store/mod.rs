//! The database: SQLite and PostgreSQL behind one [`Store`], one SQL text (code-anchors: "one enum over two pools and a
//! macro that repeats the body"). Times are microseconds in `BIGINT` columns named `…_at`, days are `YYYY-MM-DD` text,
//! ids are `UUIDv7` text, normalised orders are JSON text, raw payloads zstd blobs.

use thiserror::Error;

use crate::clock::{Ambient, Timestamp};
use crate::domain::planner::Contract;

/// Accounts that were stopped, and guards that hold.
pub mod accounts;
/// Limiter rows.
pub mod limits;
/// Operations and their attempts.
pub mod operations;
/// Orders, their versions, and orders set aside.
pub mod orders;
/// Who did what; requests from commands to the daemon.
pub mod people;
/// Settlements.
pub mod settlements;
/// Slips.
pub mod slips;
/// Streams: schedules, cursors and poll leases.
pub mod streams;

/// What the database refused.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database itself: gone, full, busy.
    #[error("database: {0}")]
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
    _ambient: Ambient,
}

impl Store {
    /// Opens the database at `url` (`sqlite:PATH`, `postgres://…`). With [`Access::Daemon`] it is created and migrated.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn open(
        url: &str,
        password: Option<&crate::secret::Secret>,
        access: Access,
        ambient: &Ambient,
    ) -> Result<Self> {
        let _ = (url, password, access);
        Ok(Self { _ambient: ambient.clone() })
    }

    /// Runs the migrations that are due; returns (before, after).
    pub async fn migrate(&self) -> Result<(i64, i64)> {
        Err(StoreError::NotFound("skeleton".into()))
    }

    /// A number that changes whenever another connection has written (SQLite `data_version`; on PostgreSQL a counter in a
    /// row that commands raise): the daemon looks at it once a second.
    pub async fn version(&self) -> Result<i64> {
        Err(StoreError::NotFound("skeleton".into()))
    }

    /// Closes the pools and gives the lock back.
    pub async fn close(&self) {}
}
