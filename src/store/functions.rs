//! Functions that the other side does not allow a contract (CONF of one function, kuroneko-webcollect.md §4.1): nothing of
//! that kind is sent until one operation, tried once a day, at a reload or at a person's word, shows that it is mended. The
//! look-up that probes an account cannot show that.

use std::time::Duration;

use serde::Serialize;

use super::db::{Conn, Lock, args};
use super::rows::At;
use super::{Result, Store};
use crate::clock::Timestamp;
use crate::domain::operation::Intent;

/// Between two tries.
const DAILY: Duration = Duration::from_secs(86_400);

/// A function of a contract that is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoppedFunction {
    /// The contract.
    pub account: String,
    /// [`crate::domain::operation::Intent::kind`].
    pub kind: &'static str,
    /// Code of the other side.
    pub code: String,
    /// What is wrong and what to do.
    pub reason: String,
    /// Since when.
    pub stopped_at: Timestamp,
    /// When one operation is tried next.
    pub try_at: Timestamp,
}

/// Whether an operation may be sent as far as its function goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Try {
    /// It is not stopped.
    Allowed,
    /// It is stopped, and this operation tries it.
    Trial,
    /// It is stopped.
    Stopped { code: String, try_at: Timestamp },
}

impl Store {
    /// The functions that are stopped, of one contract or of all.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn stopped_functions(&self, account: Option<&str>) -> Result<Vec<StoppedFunction>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String, String, String, String, i64, i64)> = conn
            .rows(
                "SELECT account, kind, code, reason, stopped_at, try_at FROM stopped_functions
                 WHERE $1 IS NULL OR account = $1 ORDER BY account, kind",
                args![account],
            )
            .await?;
        let known = |word: &str| Intent::KINDS.into_iter().find(|kind| *kind == word);
        let row = |(account, kind, code, reason, stopped_at, try_at): (String, String, _, _, _, _)| {
            Ok(StoppedFunction {
                kind: At::new("stopped_functions", "kind", &account).word(&kind, known)?,
                account,
                code,
                reason,
                stopped_at: Timestamp::from_micros(stopped_at),
                try_at: Timestamp::from_micros(try_at),
            })
        };
        rows.into_iter().map(row).collect()
    }

    /// The other side does not allow `kind`: it is tried again in a day. Returns when; `None`: it was stopped already.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn stop_function(
        &self,
        account: &str,
        kind: &str,
        (code, reason): (&str, &str),
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let mut conn = self.write(Lock::None).await?;
        let try_at = now + DAILY;
        let stopped = conn
            .execute(
                "INSERT INTO stopped_functions (account, kind, code, reason, stopped_at, try_at)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, kind) DO NOTHING",
                args![account, kind, code, reason, now, try_at],
            )
            .await?;
        conn.finish(stopped > 0).await?;
        Ok((stopped > 0).then_some(try_at))
    }

    /// An operation has shown that the other side allows `kind` again. Returns since when it was stopped.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn resume_function(&self, account: &str, kind: &str) -> Result<Option<Timestamp>> {
        let mut conn = self.write(Lock::None).await?;
        let row: Option<(i64,)> = conn
            .row(
                "DELETE FROM stopped_functions WHERE account = $1 AND kind = $2 RETURNING stopped_at",
                args![account, kind],
            )
            .await?;
        conn.finish(row.is_some()).await?;
        Ok(row.map(|(since,)| Timestamp::from_micros(since)))
    }

    /// One operation of every stopped function is tried now: the config was read anew. Returns how many there are.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn try_functions(&self, now: Timestamp) -> Result<u64> {
        let mut conn = self.write(Lock::None).await?;
        let tried =
            conn.execute("UPDATE stopped_functions SET try_at = $1 WHERE try_at > $1", args![now]).await?;
        conn.finish(tried > 0).await?;
        Ok(tried)
    }
}

/// The kinds of `account` that are stopped.
pub(super) async fn stopped_kinds(conn: &mut Conn, account: &str) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = conn
        .rows("SELECT kind FROM stopped_functions WHERE account = $1 ORDER BY kind", args![account])
        .await?;
    Ok(rows.into_iter().map(|(kind,)| kind).collect())
}

/// Every stopped function of `account` is tried at `now`.
pub(super) async fn try_all(conn: &mut Conn, account: &str, now: Timestamp) -> Result<()> {
    conn.execute(
        "UPDATE stopped_functions SET try_at = $2 WHERE account = $1 AND try_at > $2",
        args![account, now],
    )
    .await?;
    Ok(())
}

/// Takes the one try that is due, if `kind` is stopped. The account's row is locked.
pub(super) async fn take_try(conn: &mut Conn, account: &str, kind: &str, now: Timestamp) -> Result<Try> {
    let row: Option<(String, i64)> = conn
        .row(
            "SELECT code, try_at FROM stopped_functions WHERE account = $1 AND kind = $2",
            args![account, kind],
        )
        .await?;
    let Some((code, try_at)) = row else { return Ok(Try::Allowed) };
    let try_at = Timestamp::from_micros(try_at);
    if try_at > now {
        return Ok(Try::Stopped { code, try_at });
    }
    conn.execute(
        "UPDATE stopped_functions SET try_at = $3 WHERE account = $1 AND kind = $2",
        args![account, kind, now + DAILY],
    )
    .await?;
    Ok(Try::Trial)
}

/// The try came to nothing, since no byte left: it is still due.
pub(super) async fn give_try_back(conn: &mut Conn, account: &str, kind: &str, now: Timestamp) -> Result<()> {
    conn.execute(
        "UPDATE stopped_functions SET try_at = $3 WHERE account = $1 AND kind = $2",
        args![account, kind, now],
    )
    .await?;
    Ok(())
}
