//! What workers do with operations: claim, step under a fence, lose it, answer late.

use super::db::{Conn, Lock, args, skip_locked};
use super::functions::stopped_kinds;
use super::operations::{
    Claim, Claimed, NewAttempt, Operation, OperationColumns, Seen, Work, locked_row, operation_columns,
    write_progress,
};
use super::orders::views_of;
use super::rows::{self, list, pack, time};
use super::sends::{self, Begun, Guards, Withheld};
use super::settlements::{Record, observe, records_of};
use super::{Result, Store, StoreError};
use crate::clock::Timestamp;
use crate::domain::operation::{Answer, Event, Progress, State};
use crate::domain::settlement::Settlement;

/// The most of an answer that an attempt keeps (decisions.md 38).
const RAW_LIMIT: usize = 64 * 1024;

/// What keeps an operation from being sent: its account or settlement is held, the planner asks a person (a renewal goes
/// on beside a question: it keeps the money there for the answer), something else is under way for its reception number, or
/// its function is stopped: then one of its kind at a time is tried. `$2` is the wall time, `$3` now. The longer list of
/// states is the index's own: SQLite uses a partial index
/// only where its condition stands in the query.
macro_rules! free_to_send {
    () => {
        "p.account = $1 AND p.state IN ('planned', 'ready', 'unknown', 'looking')
         AND p.state IN ('planned', 'ready') AND (p.lease_until IS NULL OR p.lease_until <= $2)
         AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.name = p.account
             AND (a.held_reason IS NOT NULL OR a.stopped_code IS NOT NULL))
         AND NOT EXISTS (SELECT 1 FROM stopped_functions f WHERE f.account = p.account AND f.kind = p.kind
             AND (f.try_at > $3 OR EXISTS (SELECT 1 FROM operations q WHERE q.account = p.account
                 AND q.kind = p.kind AND q.id <> p.id AND q.lease_until > $2
                 AND q.state IN ('planned', 'ready', 'sending'))))
         AND NOT EXISTS (SELECT 1 FROM settlements s WHERE s.id = p.settlement_id
             AND (s.held IS NOT NULL OR s.asked IS NOT NULL AND p.kind <> 'reauth'))
         AND NOT EXISTS (SELECT 1 FROM operations q WHERE q.account = p.account
             AND q.reception_number = p.reception_number AND q.id <> p.id
             AND q.state IN ('sending', 'unknown', 'looking'))
         AND NOT EXISTS (SELECT 1 FROM operations q WHERE q.account = p.account
             AND q.reception_number = p.reception_number AND q.id <> p.id
             AND q.lease_until > $2 AND q.state IN ('planned', 'ready'))"
    };
}

/// Unknown ones, and those that a person wants looked at. Of the due ones these are few: they are found by their state, by
/// the index whose condition stands in the query for that.
macro_rules! free_to_look {
    () => {
        "p.account = $1 AND p.state NOT IN ('done', 'refused', 'superseded', 'abandoned')
         AND p.state IN ('unknown', 'looking')
         AND (p.state = 'unknown' AND (p.lease_until IS NULL OR p.lease_until <= $2)
             OR p.state = 'looking' AND p.lease_owner IS NULL)"
    };
}

/// One step of an operation, and what is written with it.
struct Step<'a> {
    event: &'a Event,
    attempt: Option<&'a NewAttempt>,
    /// What a look showed.
    seen: Option<Seen<'a>>,
    /// How long the lease is kept; `None`: it is given back.
    until: Option<Timestamp>,
}

impl Store {
    /// Claims operations, oldest first: due, not leased, not held, and no other operation in flight for the same
    /// reception number. For `Send` a planned one becomes ready; for `Look` the state becomes `looking`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn claim_operations(&self, claim: &Claim<'_>) -> Result<Vec<Claimed>> {
        let Claim { account, order_id, work, owner, now, wall, until, limit } = *claim;
        if !self.is_due(account, work, now, wall).await? {
            return Ok(Vec::new());
        }
        let mut conn = self.write(Lock::None).await?;
        // Two claims of one account at the same time could each take an operation of the same reception number without
        // seeing the other's; row locks alone do not prevent that.
        conn.serialize(account).await?;
        let sql = match work {
            Work::Send => skip_locked!(concat!(
                "SELECT ",
                operation_columns!(),
                " FROM operations p WHERE ",
                free_to_send!(),
                " AND p.run_at <= $3 AND ($5 IS NULL OR p.order_id = $5) ORDER BY p.run_at, p.id LIMIT $4"
            )),
            Work::Look => skip_locked!(concat!(
                "SELECT ",
                operation_columns!(),
                " FROM operations p WHERE ",
                free_to_look!(),
                " AND p.run_at <= $3 AND ($5 IS NULL OR p.order_id = $5) ORDER BY p.run_at, p.id LIMIT $4"
            )),
        };
        // More than asked for: of several with one reception number only the first is sent.
        let fetch = rows::limit(Some(limit.saturating_mul(4)));
        let found: Vec<OperationColumns> = conn.rows(sql, args![account, wall, now, fetch, order_id]).await?;
        let stopped = if work == Work::Send { stopped_kinds(&mut conn, account).await? } else { Vec::new() };
        let mut taken: Vec<(Operation, i64)> = Vec::new();
        for row in found {
            if u64::try_from(taken.len()).is_ok_and(|n| n >= limit) {
                break;
            }
            let fence = row.fence + 1;
            let mut operation = Operation::try_from(row)?;
            let (number, kind) = (operation.intent.reception_number(), operation.intent.kind());
            let beside = |other: &Operation| {
                other.intent.reception_number() == number
                    || other.intent.kind() == kind && stopped.iter().any(|stopped| stopped == kind)
            };
            if work == Work::Send && taken.iter().any(|(other, _)| beside(other)) {
                continue;
            }
            match operation.progress.state {
                State::Planned => operation.progress = operation.progress.apply(&Event::Due, now)?,
                State::Unknown => operation.progress = operation.progress.apply(&Event::Look, now)?,
                _ => {}
            }
            operation.updated_at = now;
            write_progress(&mut conn, &operation, Some((owner, until)), fence, None).await?;
            taken.push((operation, fence));
        }
        if taken.is_empty() {
            conn.rollback().await?;
            return Ok(Vec::new());
        }
        let orders = list(taken.iter().map(|(o, _)| o.order_id.as_str()));
        let views = views_of(&mut conn, &orders).await?;
        let settlements: Vec<Settlement> =
            records_of(&mut conn, &orders).await?.into_iter().map(Record::shown).collect();
        let mut claimed = Vec::with_capacity(taken.len());
        for (operation, fence) in taken {
            let order = views.iter().find(|view| view.id == operation.order_id);
            let settlement = settlements.iter().find(|s| s.id == operation.settlement_id);
            let (Some(order), Some(settlement)) = (order.cloned(), settlement.cloned()) else {
                return Err(StoreError::NotFound(format!(
                    "the order or settlement of operation {} is gone",
                    operation.id
                )));
            };
            claimed.push(Claimed { operation, owner: owner.to_owned(), fence, order, settlement });
        }
        conn.commit().await?;
        Ok(claimed)
    }

    /// Whether a claim would find anything: asked without the write lock, since most of the time nothing is due.
    async fn is_due(&self, account: &str, work: Work, now: Timestamp, wall: Timestamp) -> Result<bool> {
        let sql = match work {
            Work::Send => {
                concat!("SELECT 1 FROM operations p WHERE ", free_to_send!(), " AND p.run_at <= $3 LIMIT 1")
            }
            Work::Look => {
                concat!("SELECT 1 FROM operations p WHERE ", free_to_look!(), " AND p.run_at <= $3 LIMIT 1")
            }
        };
        let mut conn = self.read().await?;
        let found: Option<()> = conn.row(sql, args![account, wall, now]).await?;
        Ok(found.is_some())
    }

    /// Applies `event`, appends `attempt`, and keeps the lease until `until`, or gives it back when `None`: one
    /// transaction, `WHERE fence = mine`.
    ///
    /// # Errors
    /// `LeaseLost`: nothing was applied (an attempt is appended all the same, marked late; and a late definite answer
    /// settles an operation that is unknown or looking).
    pub async fn step_operation(
        &self,
        claimed: &Claimed,
        event: &Event,
        attempt: Option<&NewAttempt>,
        until: Option<Timestamp>,
    ) -> Result<Progress> {
        self.step(claimed, &Step { event, attempt, seen: None, until }).await
    }

    /// [`Store::step_operation`] that gives the lease back, with what a look showed, in one transaction: whoever has lost the
    /// lease stores nothing of it.
    ///
    /// # Errors
    /// As [`Store::step_operation`].
    pub async fn rest_operation(
        &self,
        claimed: &Claimed,
        event: &Event,
        attempt: Option<&NewAttempt>,
        seen: Option<Seen<'_>>,
    ) -> Result<Progress> {
        self.step(claimed, &Step { event, attempt, seen, until: None }).await
    }

    /// [`Event::Send`], with what the look before it showed, in one transaction: the commit that I6 speaks of. Where the
    /// contract is held or stopped by now, or this send would pass one of its guards, nothing of the operation is written.
    ///
    /// # Errors
    /// As [`Store::step_operation`].
    pub async fn begin_sending(
        &self,
        claimed: &Claimed,
        look: &NewAttempt,
        seen: Option<Seen<'_>>,
        guards: &Guards,
        until: Timestamp,
    ) -> Result<Begun> {
        let step = Step { event: &Event::Send, attempt: Some(look), seen, until: Some(until) };
        let (mut conn, operation) = self.own(claimed, &step).await?;
        let now = self.ambient.now();
        let begun = sends::count(&mut conn, &operation, Some(guards), now).await?;
        if let Begun::Withheld(withheld) = &begun {
            conn.finish(matches!(withheld, Withheld::Guard(_))).await?;
            return Ok(begun);
        }
        write_step(&mut conn, claimed, operation, &step, now).await?;
        conn.commit().await?;
        Ok(begun)
    }

    async fn step(&self, claimed: &Claimed, step: &Step<'_>) -> Result<Progress> {
        let (mut conn, operation) = self.own(claimed, step).await?;
        let now = self.ambient.now();
        match step.event {
            // Without guards nothing is withheld.
            Event::Send => {
                sends::count(&mut conn, &operation, None, now).await?;
            }
            Event::NothingSent { .. } => sends::take_back(&mut conn, &operation, now).await?,
            _ => {}
        }
        let progress = write_step(&mut conn, claimed, operation, step, now).await?;
        conn.commit().await?;
        Ok(progress)
    }

    /// The operation as it stands, locked, if this worker still holds it.
    async fn own(&self, claimed: &Claimed, step: &Step<'_>) -> Result<(Conn, Operation)> {
        let mut conn = self.write(Lock::None).await?;
        let row = locked_row(&mut conn, &claimed.operation.id).await?;
        let mut ours =
            row.fence == claimed.fence && row.lease_owner.as_deref() == Some(claimed.owner.as_str());
        // A lease that ended while a call's turn was waited for: another one of its reception number may be on its way.
        if matches!(step.event, Event::Send) {
            let wall = self.ambient.wall();
            ours &= row.lease_until.is_some_and(|until| Timestamp::from_micros(until) > wall);
        }
        if ours {
            return Ok((conn, Operation::try_from(row)?));
        }
        let answer = match step.event {
            Event::Answered(answer) => Some(answer),
            _ => None,
        };
        late(&mut conn, row, answer, step.attempt, self.ambient.now()).await?;
        conn.commit().await?;
        Err(StoreError::LeaseLost)
    }

    /// Operations whose worker is gone (lease ended at `wall` while sending or looking) become unknown. Returns how many.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn expire_operations(&self, wall: Timestamp, now: Timestamp) -> Result<u64> {
        let mut reader = self.read().await?;
        let gone: Option<()> = reader
            .row(
                "SELECT 1 FROM operations WHERE state IN ('sending', 'looking') AND lease_until <= $1 LIMIT 1",
                args![wall],
            )
            .await?;
        drop(reader);
        if gone.is_none() {
            return Ok(0);
        }
        let mut conn = self.write(Lock::None).await?;
        let expired = expire(&mut conn, wall, now).await?;
        conn.finish(expired > 0).await?;
        Ok(expired)
    }

    /// Ends what a daemon that is gone held, without waiting for its leases: on SQLite whoever has the lock file knows
    /// that there is no other. What it was sending or looking up becomes unknown and is looked up; its polls go on at
    /// once. On PostgreSQL others may live, and leases end by themselves.
    pub(super) async fn take_over(&self) -> Result<()> {
        if self.inner.lock_path.is_none() {
            return Ok(());
        }
        let mut conn = self.write(Lock::None).await?;
        let mut freed = expire(&mut conn, Timestamp::from_micros(i64::MAX), self.ambient.now()).await?;
        for leases in [
            "UPDATE streams SET lease_owner = NULL, lease_until = NULL WHERE lease_owner IS NOT NULL",
            "UPDATE reconciliations SET lease_owner = NULL, lease_until = NULL WHERE lease_owner IS NOT NULL",
            // By the end of the lease: of these there is an index, and of operations there are many at a start.
            "UPDATE operations SET lease_owner = NULL, lease_until = NULL, fence = fence + 1
             WHERE lease_until IS NOT NULL",
        ] {
            freed += conn.execute(leases, &[]).await?;
        }
        conn.finish(freed > 0).await
    }

    /// When the next operation of `account` comes due (planned, ready or unknown, and not held); `None`: nothing open.
    /// One that a worker holds, or that waits for another one in flight, does not count.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn next_operation(&self, account: &str) -> Result<Option<Timestamp>> {
        let mut conn = self.read().await?;
        let (wall, now) = (self.ambient.wall(), self.ambient.now());
        let row: Option<(Option<i64>,)> = conn
            .row(
                concat!(
                    "SELECT min(run_at) FROM (
                         SELECT run_at FROM (SELECT p.run_at FROM operations p WHERE ",
                    free_to_send!(),
                    " ORDER BY p.run_at, p.id LIMIT 1) AS to_send UNION ALL
                         SELECT run_at FROM (SELECT p.run_at FROM operations p WHERE ",
                    free_to_look!(),
                    " ORDER BY p.run_at, p.id LIMIT 1) AS to_look UNION ALL
                         SELECT f.try_at FROM stopped_functions f WHERE f.account = $1 AND f.try_at > $3
                             AND EXISTS (SELECT 1 FROM operations p WHERE p.account = $1 AND p.kind = f.kind
                                 AND p.state IN ('planned', 'ready', 'unknown', 'looking')
                                 AND p.state IN ('planned', 'ready'))) AS next"
                ),
                args![account, wall, now],
            )
            .await?;
        Ok(time(row.and_then(|(at,)| at)))
    }

    /// A late answer to an operation this worker no longer holds; see [`Store::step_operation`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn append_late(
        &self,
        operation_id: &str,
        answer: &Answer,
        attempt: &NewAttempt,
        now: Timestamp,
    ) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        let row = locked_row(&mut conn, operation_id).await?;
        late(&mut conn, row, Some(answer), Some(attempt), now).await?;
        conn.commit().await
    }
}

/// Sending or looking under a lease that has ended at `wall`: unknown.
async fn expire(conn: &mut Conn, wall: Timestamp, now: Timestamp) -> Result<u64> {
    let found: Vec<OperationColumns> = conn
        .rows(
            skip_locked!(concat!(
                "SELECT ",
                operation_columns!(),
                " FROM operations p WHERE p.state IN ('sending', 'looking') AND p.lease_until <= $1
                 ORDER BY p.lease_until, p.id"
            )),
            args![wall],
        )
        .await?;
    let mut expired = 0;
    for row in found {
        let fence = row.fence + 1;
        let mut operation = Operation::try_from(row)?;
        operation.progress = operation.progress.apply(&Event::LeaseExpired, now)?;
        operation.updated_at = now;
        write_progress(conn, &operation, None, fence, None).await?;
        expired += 1;
    }
    Ok(expired)
}

/// Applies the step to an operation whose row is locked.
async fn write_step(
    conn: &mut Conn,
    claimed: &Claimed,
    mut operation: Operation,
    step: &Step<'_>,
    now: Timestamp,
) -> Result<Progress> {
    operation.progress = operation.progress.apply(step.event, now)?;
    operation.updated_at = now;
    // Before what follows from the step: it knows more than a look that went before it.
    if let Some(seen) = &step.seen {
        observe(conn, &operation.settlement_id, seen).await?;
    }
    let lease = step.until.map(|until| (claimed.owner.as_str(), until));
    let sent_at = matches!(step.event, Event::Send).then_some(now);
    write_progress(conn, &operation, lease, claimed.fence, sent_at).await?;
    if let Some(attempt) = step.attempt {
        append(conn, &operation.id, attempt, false).await?;
    }
    Ok(operation.progress)
}

async fn append(conn: &mut Conn, id: &str, attempt: &NewAttempt, late: bool) -> Result<()> {
    let raw = attempt.raw.get(..RAW_LIMIT).unwrap_or(&attempt.raw);
    conn.execute(
        "INSERT INTO attempts (operation_id, number, kind, started_at, finished_at, outcome, code, message,
             http_status, raw, late)
         SELECT $1, COALESCE(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10
         FROM attempts WHERE operation_id = $1",
        args![
            id,
            attempt.kind,
            attempt.started_at,
            attempt.finished_at,
            &attempt.outcome,
            &attempt.code,
            &attempt.message,
            attempt.http_status.map(i64::from),
            &pack(raw)?,
            late,
        ],
    )
    .await?;
    Ok(())
}

/// What came too late is kept; a definite answer settles an operation whose outcome is not known better than any
/// look-up. Whoever is looking meanwhile loses the lease.
async fn late(
    conn: &mut Conn,
    row: OperationColumns,
    answer: Option<&Answer>,
    attempt: Option<&NewAttempt>,
    now: Timestamp,
) -> Result<()> {
    let fence = row.fence + 1;
    let mut operation = Operation::try_from(row)?;
    if let Some(attempt) = attempt {
        append(conn, &operation.id, attempt, true).await?;
    }
    let unsettled = matches!(operation.progress.state, State::Unknown | State::Looking);
    if let Some(answer) = answer
        && unsettled
        && !matches!(answer, Answer::Unknown { .. })
    {
        operation.progress = operation.progress.apply(&Event::Answered(answer.clone()), now)?;
        operation.updated_at = now;
        write_progress(conn, &operation, None, fence, None).await?;
    }
    Ok(())
}
