//! Who did what, and requests from commands to the running daemon.

use std::time::Duration;

use serde::Serialize;

use super::db::{Conn, Lock, args};
use super::rows::{self, At, time, to_json};
use super::{Result, Store, StoreError, open};
use crate::clock::Timestamp;

/// One line of the journal of people's decisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// The operating system's user.
    pub actor: String,
    /// `slips.add`, `settlements.link`, `operations.abandon`, …
    pub action: String,
    /// What it was done to: an id.
    pub subject: String,
    /// Facts, without personal data.
    pub detail: String,
}

/// Something a command asks the daemon to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestRow {
    /// `UUIDv7`.
    pub id: String,
    /// `sync`, …
    pub kind: String,
    /// Its arguments.
    pub args: serde_json::Value,
    /// Who asked.
    pub actor: String,
    /// When.
    pub created_at: Timestamp,
    /// When a daemon finished it.
    pub finished_at: Option<Timestamp>,
    /// What came of it.
    pub result: Option<serde_json::Value>,
}

#[derive(sqlx::FromRow)]
struct DeedRow {
    at: i64,
    actor: String,
    action: String,
    subject: String,
    detail: String,
}

#[derive(sqlx::FromRow)]
struct RequestColumns {
    id: String,
    kind: String,
    args: String,
    actor: String,
    created_at: i64,
    finished_at: Option<i64>,
    result: Option<String>,
}

impl TryFrom<RequestColumns> for RequestRow {
    type Error = StoreError;
    fn try_from(row: RequestColumns) -> Result<Self> {
        let result = row.result.as_deref();
        Ok(Self {
            args: At::new("requests", "args", &row.id).json(&row.args)?,
            result: result.map(|text| At::new("requests", "result", &row.id).json(text)).transpose()?,
            id: row.id,
            kind: row.kind,
            actor: row.actor,
            created_at: Timestamp::from_micros(row.created_at),
            finished_at: time(row.finished_at),
        })
    }
}

/// A daemon that has not beaten for so long is gone.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

impl Store {
    /// Deeds, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn deeds(&self, limit: u64) -> Result<Vec<Deed>> {
        let mut conn = self.read().await?;
        let rows: Vec<DeedRow> = conn
            .rows(
                "SELECT at, actor, action, subject, detail FROM deeds ORDER BY id DESC LIMIT $1",
                args![rows::limit(Some(limit))],
            )
            .await?;
        let deed = |row: DeedRow| Deed {
            at: Timestamp::from_micros(row.at),
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            detail: row.detail,
        };
        Ok(rows.into_iter().map(deed).collect())
    }

    /// Records a deed that has no row of its own elsewhere.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn record_deed(&self, deed: &Deed) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        self.write_deed(&mut conn, deed).await?;
        conn.commit().await
    }

    /// Records a deed in the transaction that carries it out.
    pub(super) async fn write_deed(&self, conn: &mut Conn, deed: &Deed) -> Result<()> {
        conn.execute(
            "INSERT INTO deeds (id, at, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)",
            args![&self.id(), deed.at, &deed.actor, &deed.action, &deed.subject, &deed.detail],
        )
        .await?;
        Ok(())
    }

    /// Asks the daemon; returns the request's id.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn ask(
        &self,
        kind: &str,
        args: &serde_json::Value,
        actor: &str,
        now: Timestamp,
    ) -> Result<String> {
        let id = self.id();
        let text = to_json(args)?;
        let mut conn = self.write(Lock::None).await?;
        conn.execute(
            "INSERT INTO requests (id, kind, args, actor, created_at, finished_at, result)
             VALUES ($1, $2, $3, $4, $5, NULL, NULL)",
            args![&id, kind, &text, actor, now],
        )
        .await?;
        conn.commit().await?;
        Ok(id)
    }

    /// Requests that no daemon has finished, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn open_requests(&self) -> Result<Vec<RequestRow>> {
        let mut conn = self.read().await?;
        let rows: Vec<RequestColumns> =
            conn.rows("SELECT * FROM requests WHERE finished_at IS NULL ORDER BY id", &[]).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One request.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn request(&self, id: &str) -> Result<Option<RequestRow>> {
        let mut conn = self.read().await?;
        let row: Option<RequestColumns> = conn.row("SELECT * FROM requests WHERE id = $1", args![id]).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Answers a request. One that is answered already keeps its answer.
    ///
    /// # Errors
    /// See [`StoreError`]; `NotFound` when there is no such request.
    pub async fn finish_request(&self, id: &str, result: &serde_json::Value, now: Timestamp) -> Result<()> {
        let text = to_json(result)?;
        let mut conn = self.write(Lock::None).await?;
        let written = conn
            .execute(
                "UPDATE requests SET finished_at = COALESCE(finished_at, $2), result = COALESCE(result, $3)
                 WHERE id = $1",
                args![id, now, &text],
            )
            .await?;
        if written == 0 {
            return Err(StoreError::NotFound(format!("there is no request {id}")));
        }
        conn.commit().await
    }

    /// A daemon says that it lives: `owner`, at `wall`. `false` from [`Store::daemon_alive`] after 30 s of silence.
    /// On SQLite the lock file says it already, and nothing is written.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn beat(&self, owner: &str, wall: Timestamp) -> Result<()> {
        if self.inner.lock_path.is_some() {
            return Ok(());
        }
        let mut conn = self.write(Lock::None).await?;
        conn.execute(
            "INSERT INTO daemons (owner, beat_at) VALUES ($1, $2)
             ON CONFLICT (owner) DO UPDATE SET beat_at = excluded.beat_at",
            args![owner, wall],
        )
        .await?;
        // Rows of daemons that are long gone.
        conn.execute("DELETE FROM daemons WHERE beat_at < $1", args![wall - Duration::from_secs(86_400)])
            .await?;
        conn.commit().await
    }

    /// Whether a daemon lives: on SQLite whether the lock is held, on PostgreSQL whether one has beaten lately.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn daemon_alive(&self, wall: Timestamp) -> Result<bool> {
        if let Some(path) = &self.inner.lock_path {
            return open::is_locked(path);
        }
        let mut conn = self.read().await?;
        let row: Option<(i64,)> =
            conn.row("SELECT count(*) FROM daemons WHERE beat_at > $1", args![wall - SILENCE]).await?;
        Ok(row.is_some_and(|(n,)| n > 0))
    }
}
