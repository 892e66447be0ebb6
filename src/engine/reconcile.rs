//! Compares settlements with the gateway's books: each is looked up soon after it was linked, and then every open one by
//! the schedule until it is settled (kuroneko-webcollect.md §8; decisions.md 2). What is shown is stored, planned from,
//! and compared; what differs is told once. Looks change nothing: they are made in dry-run too.
//!
//! due ─▶ lease ─▶ page of open settlements ─▶ slot, limiter ─▶ E04 ─▶ row ─▶ planner … ─▶ report, next run
//!
//! A run goes on where it stopped, whatever stopped it: who was looked up since it began is passed over.

use std::sync::Arc;
use std::time::Duration;

use super::effects::Account;
use super::guard;
use super::poll::Shared;
use super::{floor, idle};
use crate::clock::{Busy, Timestamp};
use crate::domain::planner::Mode;
use crate::domain::reconcile::Report;
use crate::store::StoreError;
use crate::store::runs::{Reconciliation, RunEnd, RunLease};

mod looks;
mod told;

/// An account that another loop probes is looked at again after this.
const FLOOR: Duration = Duration::from_secs(60);
/// While the database does not take what it must.
const STUCK: Duration = Duration::from_secs(5);
/// A run that was broken off is gone on with after so long.
const AGAIN: Duration = Duration::from_secs(15 * 60);
/// A run that began longer ago than this is begun anew: what it looked up first is old.
const STALE: Duration = Duration::from_secs(20 * 3_600);
/// What the lease lasts beyond the deadline of a call: waits for a slot, the limiter and the database.
const LEASE_BEYOND: Duration = Duration::from_secs(120);

/// Between two comparisons with what was shown last: orders change, days pass, people decide.
const COMPARE: Duration = Duration::from_secs(3_600);

/// What the loop does beside runs, and not at every turn.
#[derive(Default)]
struct Due {
    /// First looks failed, and are tried again then.
    first: Option<Timestamp>,
    /// The next comparison.
    compare: Option<Timestamp>,
    /// When the last one began: the first after a start reads everything.
    compared: Option<Timestamp>,
}

/// Nothing may be asked of the gateway.
struct Shut {
    /// Until then, as far as is known.
    until: Timestamp,
    /// Why.
    why: String,
    /// A person must mend something; else the maintenance window passes by itself.
    stopped: bool,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Settlements looked up.
    pub looked: u64,
    /// Look-ups that failed.
    pub failed: u64,
    /// Why it ended before its time.
    pub error: Option<String>,
    /// What differs.
    pub report: Report,
    /// Somebody else is at it.
    pub busy_elsewhere: bool,
}

fn next_comparison(shared: &Shared) -> Timestamp {
    shared.ambient.now() + shared.ambient.clock().round(COMPARE)
}

impl Account {
    /// Looks settlements up until `shared.stop`: new ones soon, open ones by the schedule or when a command asks.
    pub fn follow(self: Arc<Self>, shared: Shared) -> impl Future<Output = ()> + Send {
        // Busy from the call on, not from the first poll: a manual clock must not run away in between.
        let busy = shared.ambient.clock().busy();
        self.turns_of_looks(shared, busy)
    }

    async fn turns_of_looks(self: Arc<Self>, shared: Shared, mut busy: Busy) {
        let mut planned = shared.planned.watch();
        let mut due = Due::default();
        while !shared.stop.is_cancelled() {
            shared.beat.works(&shared.ambient);
            let until = match self.turn_of_looks(&shared, &mut due).await {
                Ok(until) => until,
                Err(e) => {
                    tracing::warn!(settlement = self.name(), error.message = %e,
                        "Reconciliation could not be stored.");
                    shared.ambient.now() + STUCK
                }
            };
            let until = until.min(floor(&shared.ambient));
            shared.beat.rests(&shared.ambient, Some(until));
            idle(&shared.ambient, &mut busy, Some(until), planned.nudged(), &shared.stop).await;
        }
    }

    /// One round; returns when to look again.
    async fn turn_of_looks(&self, shared: &Shared, due: &mut Due) -> Result<Timestamp, StoreError> {
        let now = shared.ambient.now();
        let row = self.reconciliation(shared).await?;
        let run = row.due_at <= now || row.asked_at.is_some();
        if let Some(shut) = self.shut(shared).await? {
            if row.asked_at.is_some()
                && let Some(lease) = self.claim_run(shared).await?
            {
                // Who asked is not kept waiting for it. What was due stays so.
                let reconciled = Reconciled { error: Some(shut.why), ..Reconciled::default() };
                self.end_run(shared, &lease, reconciled, row.due_at).await?;
                due.compare = Some(next_comparison(shared));
                return Ok(shut.until);
            }
            if run && shut.stopped {
                shared.store.note_unreconciled(self.name(), &shut.why).await?;
            }
            // Orders change, days pass and people decide, whether the gateway can be asked or not.
            let compare = self.compare_when_due(shared, due).await?;
            return Ok(shut.until.min(compare));
        }
        if run {
            self.reconcile(shared).await?;
            due.compare = Some(next_comparison(shared));
        }
        let now = shared.ambient.now();
        if !shared.stop.is_cancelled() && due.first.is_none_or(|at| at <= now) {
            due.first = self.first_looks(shared, None).await?;
        }
        if row.ended_at.is_some() {
            self.compare_when_due(shared, due).await?;
        }
        let row = self.reconciliation(shared).await?;
        let next = due.first.map_or(row.due_at, |at| at.min(row.due_at));
        // What could not be begun, because somebody else is at it, is not asked for without a pause.
        Ok(next.max(shared.ambient.now() + STUCK))
    }

    /// Compares with what was shown last, once an hour; returns when it is due again.
    async fn compare_when_due(&self, shared: &Shared, due: &mut Due) -> Result<Timestamp, StoreError> {
        let now = shared.ambient.now();
        if let Some(at) = due.compare.filter(|at| *at > now) {
            return Ok(at);
        }
        let report = self.compare_all(shared, due.compared).await?;
        shared.store.note_report(self.name(), &report).await?;
        due.compared = Some(now);
        let next = next_comparison(shared);
        due.compare = Some(next);
        Ok(next)
    }

    /// The contract's row; a schedule that changed counts from now on.
    async fn reconciliation(&self, shared: &Shared) -> Result<Reconciliation, StoreError> {
        let next = self.next_run(shared.ambient.now());
        shared.store.ensure_reconciliation(self.name(), &self.schedule.to_string(), next).await
    }

    fn next_run(&self, after: Timestamp) -> Timestamp {
        // A schedule that parsed comes again within decades.
        self.schedule.next_after(after).unwrap_or(after + Duration::from_secs(86_400))
    }

    /// Whether nothing may be asked of the gateway: in its window, or while the account is stopped.
    async fn shut(&self, shared: &Shared) -> Result<Option<Shut>, StoreError> {
        let now = shared.ambient.now();
        if let Some(end) = guard::window_ends(self.window, now, self.gateway.deadline()) {
            let why = format!("maintenance window until {}", end.jst().format("%H:%M"));
            return Ok(Some(Shut { until: end, why, stopped: false }));
        }
        let account = shared.store.account(self.name()).await?;
        let Some(code) = account.stopped_code else { return Ok(None) };
        // In live the loop that sends probes it.
        if self.contract.mode == Mode::DryRun && self.closed(shared).await?.is_none() {
            return Ok(None);
        }
        let reason = account.stopped_reason.unwrap_or_default();
        let why = format!("stopped by the gateway ({code}): {reason}");
        Ok(Some(Shut { until: now + FLOOR, why, stopped: true }))
    }

    async fn claim_run(&self, shared: &Shared) -> Result<Option<RunLease>, StoreError> {
        let wall = shared.ambient.wall();
        let until = wall + self.gateway.deadline() + LEASE_BEYOND;
        shared.store.claim_reconciliation(self.name(), &shared.owner, wall, until).await
    }

    /// Looks every open settlement up, or goes on with the run that was broken off, and compares. What somebody asked for is
    /// looked up since then.
    ///
    /// # Errors
    /// The database.
    pub async fn reconcile(&self, shared: &Shared) -> Result<Reconciled, StoreError> {
        let asked = self.reconciliation(shared).await?.asked_at;
        self.run_since(shared, asked).await
    }

    /// The same by a person's command: nothing that was looked up before counts.
    ///
    /// # Errors
    /// The database.
    pub async fn reconcile_now(&self, shared: &Shared) -> Result<Reconciled, StoreError> {
        self.reconciliation(shared).await?;
        self.run_since(shared, Some(shared.ambient.now())).await
    }

    async fn run_since(&self, shared: &Shared, asked: Option<Timestamp>) -> Result<Reconciled, StoreError> {
        let Some(lease) = self.claim_run(shared).await? else {
            return Ok(Reconciled { busy_elsewhere: true, ..Reconciled::default() });
        };
        let outcome = self.run_under(shared, &lease, asked).await;
        if outcome.is_err() || shared.stop.is_cancelled() {
            match shared.store.release_reconciliation(&lease).await {
                Ok(()) | Err(StoreError::LeaseLost) => {}
                // It ends by itself.
                Err(e) => tracing::debug!(settlement = self.name(), error.message = %e,
                    "Lease of a reconciliation was not given back."),
            }
        }
        outcome
    }

    async fn run_under(
        &self,
        shared: &Shared,
        lease: &RunLease,
        asked: Option<Timestamp>,
    ) -> Result<Reconciled, StoreError> {
        let now = shared.ambient.now();
        if let Some(shut) = self.shut(shared).await? {
            let reconciled = Reconciled { error: Some(shut.why), ..Reconciled::default() };
            return self.end_run(shared, lease, reconciled, now + AGAIN).await;
        }
        let not_before = asked.map_or(now - STALE, |asked| asked.max(now - STALE));
        let began = shared.store.begin_reconciliation(lease, now, not_before).await?;
        let mut reconciled = Reconciled::default();
        self.look_at_open(shared, lease, began, &mut reconciled).await?;
        if shared.stop.is_cancelled() {
            return Ok(Reconciled { error: Some("stopping".to_owned()), ..reconciled });
        }
        let now = shared.ambient.now();
        let next = self.next_run(now);
        let due_at = if reconciled.error.is_some() { next.min(now + AGAIN) } else { next };
        self.end_run(shared, lease, reconciled, due_at).await
    }

    /// Compares, tells what is new, and stores the end of the run.
    async fn end_run(
        &self,
        shared: &Shared,
        lease: &RunLease,
        mut reconciled: Reconciled,
        due_at: Timestamp,
    ) -> Result<Reconciled, StoreError> {
        reconciled.report = self.compare_all(shared, None).await?;
        let Reconciled { looked, failed, error, report, .. } = &reconciled;
        let (looked, failed) = (*looked, *failed);
        let end = RunEnd {
            ended_at: shared.ambient.now(),
            due_at,
            looked,
            failed,
            error: error.clone(),
            report: report.clone(),
        };
        shared.store.finish_reconciliation(lease, &end).await?;
        let (differences, kinds) = (report.count(), report.kinds());
        match error {
            None => tracing::info!(
                settlement = self.name(),
                looked,
                failed,
                differences,
                kinds,
                "Settlements were reconciled."
            ),
            Some(why) => tracing::warn!(settlement = self.name(), looked, failed, differences, kinds,
                error.message = %why, next_attempt_at = %due_at, "Reconciliation was broken off."),
        }
        Ok(reconciled)
    }
}
