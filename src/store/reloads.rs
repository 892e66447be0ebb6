//! What came of the last reload of the config, for `status`.

use serde::Serialize;

use super::db::{Lock, args};
use super::people::SILENCE;
use super::{Result, Store};
use crate::clock::Timestamp;

/// The last reload of a daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReloadRow {
    /// When.
    pub at: Timestamp,
    /// Whether the new config is in force; else the one before stays.
    pub applied: bool,
    /// One line for people, without secrets.
    pub outcome: String,
}

#[derive(sqlx::FromRow)]
struct ReloadColumns {
    at: i64,
    applied: i64,
    outcome: String,
}

impl Store {
    /// Keeps what came of the reload of the daemon `owner`.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn note_reload(&self, owner: &str, reload: &ReloadRow) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        conn.execute(
            "INSERT INTO reloads (owner, at, applied, outcome) VALUES ($1, $2, $3, $4)
             ON CONFLICT (owner) DO UPDATE SET at = excluded.at, applied = excluded.applied,
                 outcome = excluded.outcome",
            args![owner, reload.at, reload.applied, &reload.outcome],
        )
        .await?;
        conn.commit().await
    }

    /// Forgets the reloads of daemons that are gone: whoever starts has read the config as it is. On SQLite there is no
    /// other daemon; on PostgreSQL those live that have beaten lately, at `wall`.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn forget_reloads(&self, wall: Timestamp) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        let alone = self.inner.lock_path.is_some();
        let gone = conn
            .execute(
                "DELETE FROM reloads WHERE $1 = 1
                     OR owner NOT IN (SELECT d.owner FROM daemons d WHERE d.beat_at > $2)",
                args![alone, wall - SILENCE],
            )
            .await?;
        conn.finish(gone > 0).await
    }

    /// The last reload of each daemon that lives at `wall`, the latest first.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn reloads(&self, wall: Timestamp) -> Result<Vec<ReloadRow>> {
        // What a daemon that is gone made of its config says nothing about the next start.
        if !self.daemon_alive(wall).await? {
            return Ok(Vec::new());
        }
        let mut conn = self.read().await?;
        let alone = self.inner.lock_path.is_some();
        let rows: Vec<ReloadColumns> = conn
            .rows(
                "SELECT at, applied, outcome FROM reloads WHERE $1 = 1
                     OR owner IN (SELECT d.owner FROM daemons d WHERE d.beat_at > $2)
                 ORDER BY at DESC, owner",
                args![alone, wall - SILENCE],
            )
            .await?;
        let row = |row: ReloadColumns| ReloadRow {
            at: Timestamp::from_micros(row.at),
            applied: row.applied != 0,
            outcome: row.outcome,
        };
        Ok(rows.into_iter().map(row).collect())
    }
}
