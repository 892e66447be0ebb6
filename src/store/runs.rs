//! Runs of reconciliation: one row a contract, with its schedule, the run under way, and its lease.

use super::db::{Arg, Lock, args, locked};
use super::rows::{self, At, time, to_json};
use super::{Result, Store, StoreError};
use crate::clock::Timestamp;
use crate::domain::reconcile::Report;

/// How reconciliation of a contract stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// The contract.
    pub settlement: String,
    /// When it runs next.
    pub due_at: Timestamp,
    /// A command asked for a run.
    pub asked_at: Option<Timestamp>,
    /// When the run began that is under way or was broken off.
    pub began_at: Option<Timestamp>,
    /// The end of the last run, whole or not.
    pub ended_at: Option<Timestamp>,
    /// The end of the last one that looked at everything.
    pub succeeded_at: Option<Timestamp>,
    /// Settlements looked up in the run under way, or in the last one.
    pub looked: u64,
    /// Look-ups that failed.
    pub failed: u64,
    /// Why the last run ended before its time, or the one that is due could not begin.
    pub error: Option<String>,
    /// What differed at the end of the last run.
    pub report: Report,
    /// Somebody is at it, or was until he died.
    pub leased: bool,
}

/// The right to run; see [`Store::claim_reconciliation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLease {
    settlement: String,
    owner: String,
    fence: i64,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// When.
    pub ended_at: Timestamp,
    /// The next one.
    pub due_at: Timestamp,
    /// Settlements looked up.
    pub looked: u64,
    /// Look-ups that failed.
    pub failed: u64,
    /// Why it ended before its time: the next one goes on where it stopped.
    pub error: Option<String>,
    /// What differs.
    pub report: Report,
}

#[derive(sqlx::FromRow)]
struct RunColumns {
    settlement: String,
    due_at: i64,
    asked_at: Option<i64>,
    began_at: Option<i64>,
    ended_at: Option<i64>,
    succeeded_at: Option<i64>,
    looked: i64,
    failed: i64,
    error: Option<String>,
    report: Option<String>,
    lease_owner: Option<String>,
}

impl TryFrom<RunColumns> for Reconciliation {
    type Error = StoreError;
    fn try_from(row: RunColumns) -> Result<Self> {
        let at = At::new("reconciliations", "report", &row.settlement);
        let report = row.report.as_deref().map(|text| at.json(text));
        Ok(Self {
            report: report.transpose()?.unwrap_or_default(),
            settlement: row.settlement,
            due_at: Timestamp::from_micros(row.due_at),
            asked_at: time(row.asked_at),
            began_at: time(row.began_at),
            ended_at: time(row.ended_at),
            succeeded_at: time(row.succeeded_at),
            looked: rows::unsigned(row.looked),
            failed: rows::unsigned(row.failed),
            error: row.error,
            leased: row.lease_owner.is_some(),
        })
    }
}

const RUN: &str =
    "SELECT settlement, due_at, asked_at, began_at, ended_at, succeeded_at, looked, failed, error, report,
         lease_owner
     FROM reconciliations WHERE $1 IS NULL OR settlement = $1 ORDER BY settlement";

impl Store {
    /// How reconciliation of one contract stands, or of all.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn reconciliations(&self, contract: Option<&str>) -> Result<Vec<Reconciliation>> {
        let mut conn = self.read().await?;
        let rows: Vec<RunColumns> = conn.rows(RUN, args![contract]).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Makes sure that the contract has its row, which first runs at `due_at`; under another schedule than before the
    /// next run is at `due_at` too. Returns the row.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn ensure_reconciliation(
        &self,
        contract: &str,
        schedule: &str,
        due_at: Timestamp,
    ) -> Result<Reconciliation> {
        let mut conn = self.read().await?;
        let known: Option<(String,)> =
            conn.row("SELECT schedule FROM reconciliations WHERE settlement = $1", args![contract]).await?;
        drop(conn);
        if known.is_none_or(|(known,)| known != schedule) {
            let mut conn = self.write(Lock::None).await?;
            conn.execute(
                "INSERT INTO reconciliations (settlement, schedule, due_at) VALUES ($1, $2, $3)
                 ON CONFLICT (settlement) DO UPDATE SET schedule = excluded.schedule, due_at = excluded.due_at",
                args![contract, schedule, due_at],
            )
            .await?;
            conn.commit().await?;
        }
        let row = self.reconciliations(Some(contract)).await?.pop();
        row.ok_or_else(|| no_row(contract))
    }

    /// Asks for a run as soon as may be. `false`: no daemon has ever run with this contract, so nobody would hear it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn ask_reconciliation(&self, contract: &str, now: Timestamp) -> Result<bool> {
        let mut conn = self.write(Lock::None).await?;
        let asked = conn
            .execute("UPDATE reconciliations SET asked_at = $2 WHERE settlement = $1", args![contract, now])
            .await?;
        conn.finish(asked > 0).await?;
        Ok(asked > 0)
    }

    /// Takes the right to run until `until` (wall time), unless somebody else holds it at `wall`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn claim_reconciliation(
        &self,
        contract: &str,
        owner: &str,
        wall: Timestamp,
        until: Timestamp,
    ) -> Result<Option<RunLease>> {
        let mut conn = self.write(Lock::None).await?;
        let free: Option<(i64,)> = conn
            .row(
                locked!(
                    "SELECT fence FROM reconciliations WHERE settlement = $1
                         AND (lease_owner IS NULL OR lease_owner = $2 OR lease_until <= $3)"
                ),
                args![contract, owner, wall],
            )
            .await?;
        let Some((fence,)) = free else {
            conn.rollback().await?;
            return Ok(None);
        };
        conn.execute(
            "UPDATE reconciliations SET lease_owner = $2, lease_until = $3, fence = fence + 1
             WHERE settlement = $1",
            args![contract, owner, until],
        )
        .await?;
        conn.commit().await?;
        Ok(Some(RunLease { settlement: contract.to_owned(), owner: owner.to_owned(), fence: fence + 1 }))
    }

    /// Lengthens the lease and notes how far the run is.
    ///
    /// # Errors
    /// See [`StoreError`]; `LeaseLost` when it is gone.
    pub async fn renew_reconciliation(
        &self,
        lease: &RunLease,
        until: Timestamp,
        looked: u64,
        failed: u64,
    ) -> Result<()> {
        self.under_run(
            "UPDATE reconciliations SET lease_until = $4, looked = $5, failed = $6
             WHERE settlement = $1 AND lease_owner = $2 AND fence = $3",
            args![
                &lease.settlement,
                &lease.owner,
                lease.fence,
                until,
                rows::limit(Some(looked)),
                rows::limit(Some(failed)),
            ],
        )
        .await
    }

    /// Lengthens the lease for what is no run: how far the run came stands.
    ///
    /// # Errors
    /// See [`StoreError`]; `LeaseLost` when it is gone.
    pub async fn lengthen_reconciliation(&self, lease: &RunLease, until: Timestamp) -> Result<()> {
        self.under_run(
            "UPDATE reconciliations SET lease_until = $4
             WHERE settlement = $1 AND lease_owner = $2 AND fence = $3",
            args![&lease.settlement, &lease.owner, lease.fence, until],
        )
        .await
    }

    /// Begins a run at `now`, or goes on with one that began at `not_before` or later. Returns when it began.
    ///
    /// # Errors
    /// See [`StoreError`]; `LeaseLost` when the lease is gone.
    pub async fn begin_reconciliation(
        &self,
        lease: &RunLease,
        now: Timestamp,
        not_before: Timestamp,
    ) -> Result<Timestamp> {
        self.under_run(
            "UPDATE reconciliations SET began_at = CASE WHEN began_at >= $5 THEN began_at ELSE $4 END
             WHERE settlement = $1 AND lease_owner = $2 AND fence = $3",
            args![&lease.settlement, &lease.owner, lease.fence, now, not_before],
        )
        .await?;
        let row = self.reconciliations(Some(&lease.settlement)).await?.pop();
        Ok(row.and_then(|row| row.began_at).unwrap_or(now))
    }

    /// Ends a run and gives the lease back. One that ended before its time is gone on with.
    ///
    /// # Errors
    /// See [`StoreError`]; `LeaseLost` when the lease is gone.
    pub async fn finish_reconciliation(&self, lease: &RunLease, end: &RunEnd) -> Result<()> {
        self.under_run(
            "UPDATE reconciliations SET ended_at = $4, due_at = $5, looked = $6, failed = $7, error = $8,
                 report = $9, asked_at = NULL, lease_owner = NULL, lease_until = NULL,
                 began_at = CASE WHEN $8 IS NULL THEN NULL ELSE began_at END,
                 succeeded_at = CASE WHEN $8 IS NULL THEN $4 ELSE succeeded_at END
             WHERE settlement = $1 AND lease_owner = $2 AND fence = $3",
            args![
                &lease.settlement,
                &lease.owner,
                lease.fence,
                end.ended_at,
                end.due_at,
                rows::limit(Some(end.looked)),
                rows::limit(Some(end.failed)),
                &end.error,
                &to_json(&end.report)?,
            ],
        )
        .await
    }

    /// Keeps what differs by now, between two runs.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn note_report(&self, contract: &str, report: &Report) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        let text = to_json(report)?;
        let written = conn
            .execute(
                "UPDATE reconciliations SET report = $2 WHERE settlement = $1 AND (report IS NULL OR report <> $2)",
                args![contract, &text],
            )
            .await?;
        conn.finish(written > 0).await
    }

    /// Keeps why a run that is due could not begin.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn note_unreconciled(&self, contract: &str, why: &str) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        let written = conn
            .execute(
                "UPDATE reconciliations SET error = $2 WHERE settlement = $1 AND (error IS NULL OR error <> $2)",
                args![contract, why],
            )
            .await?;
        conn.finish(written > 0).await
    }

    /// Gives the lease back with the run unfinished.
    ///
    /// # Errors
    /// See [`StoreError`]; `LeaseLost` when it was gone already.
    pub async fn release_reconciliation(&self, lease: &RunLease) -> Result<()> {
        self.under_run(
            "UPDATE reconciliations SET lease_owner = NULL, lease_until = NULL
             WHERE settlement = $1 AND lease_owner = $2 AND fence = $3",
            args![&lease.settlement, &lease.owner, lease.fence],
        )
        .await
    }

    async fn under_run(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        if conn.execute(sql, args).await? == 0 {
            return Err(StoreError::LeaseLost);
        }
        conn.commit().await
    }
}

fn no_row(contract: &str) -> StoreError {
    StoreError::NotFound(format!("settlement {contract} has never run"))
}
