//! Limiter rows (I12): the theoretical arrival time of GCRA per bucket, shared by every process.

use serde::Serialize;

use super::db::{Lock, args};
use super::rows::time;
use super::{Result, Store};
use crate::clock::Timestamp;
use crate::domain::account::Bucket;

/// A limiter's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// The bucket's key.
    pub key: String,
    /// Theoretical arrival time.
    pub tat: Timestamp,
    /// No call before this: the other side asked for a pause.
    pub paused_until: Option<Timestamp>,
}

impl Store {
    /// Takes one call from the bucket at `now`, and only if `reserve` more are left in it. The arithmetic is
    /// `domain::limit::gcra`, in one statement. An unknown bucket starts with one call left (decisions.md 18). A row that is
    /// ahead by more than its burst and a minute (clock set back) is clamped; the caller is told by `clamped`. A pause
    /// stands beside it.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn take(&self, bucket: &Bucket, reserve: u32, now: Timestamp) -> Result<Taken> {
        let tolerance = bucket.per.saturating_mul(bucket.burst.saturating_sub(1).saturating_sub(reserve));
        let per = i64::try_from(bucket.per.as_micros()).unwrap_or(i64::MAX);
        let furthest = now + bucket.reach();
        let mut conn = self.write(Lock::None).await?;
        let admitted = conn
            .execute(
                "INSERT INTO limits (key, tat, paused_until) VALUES ($1, $2, NULL)
                 ON CONFLICT (key) DO UPDATE
                 SET tat = CASE WHEN limits.tat > $3 THEN limits.tat ELSE $3 END + $4
                 WHERE limits.tat <= $5 AND (limits.paused_until IS NULL OR limits.paused_until <= $3)",
                args![&bucket.key, furthest, now, per, now + tolerance],
            )
            .await?;
        if admitted == 1 {
            conn.commit().await?;
            return Ok(Taken { wait_until: None, clamped: false });
        }
        let clamped = conn
            .execute(
                "UPDATE limits SET tat = $2 WHERE key = $1 AND tat > $3",
                args![&bucket.key, furthest, now + bucket.horizon()],
            )
            .await?
            > 0;
        let row: Option<(i64, Option<i64>)> =
            conn.row("SELECT tat, paused_until FROM limits WHERE key = $1", args![&bucket.key]).await?;
        conn.finish(clamped).await?;
        let wait_until = row.map_or(now, |(tat, paused)| {
            let free = Timestamp::from_micros(tat) - tolerance;
            time(paused).map_or(free, |paused| paused.max(free))
        });
        Ok(Taken { wait_until: Some(wait_until), clamped })
    }

    /// No call of this bucket before `until` (429, Retry-After). A pause is never shortened.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn pause(&self, bucket: &Bucket, until: Timestamp) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        let written = conn
            .execute(
                "INSERT INTO limits (key, tat, paused_until) VALUES ($1, $2, $2)
                 ON CONFLICT (key) DO UPDATE SET paused_until = excluded.paused_until
                 WHERE limits.paused_until IS NULL OR limits.paused_until < excluded.paused_until",
                args![&bucket.key, until],
            )
            .await?;
        conn.finish(written > 0).await
    }

    /// All rows.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn limits(&self) -> Result<Vec<Limit>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String, i64, Option<i64>)> =
            conn.rows("SELECT key, tat, paused_until FROM limits ORDER BY key", &[]).await?;
        let limit =
            |(key, tat, paused)| Limit { key, tat: Timestamp::from_micros(tat), paused_until: time(paused) };
        Ok(rows.into_iter().map(limit).collect())
    }
}

/// What [`Store::take`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// `None`: admitted; else not before.
    pub wait_until: Option<Timestamp>,
    /// The row was further ahead than it can be: the clock was set back.
    pub clamped: bool,
}
