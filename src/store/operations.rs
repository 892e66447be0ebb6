//! Operations and their append-only attempts. Every write of a worker names its fence.

use serde::Serialize;

use super::db::{Conn, Lock, args, locked, skip_locked};
use super::orders::{OrderView, views_of};
use super::people::Deed;
use super::rows::{self, At, LAST_ID, list, pack, time};
use super::settlements::{Record, records_of};
use super::{Result, Store, StoreError};
use crate::clock::Timestamp;
use crate::domain::operation::{Answer, Event, Intent, Progress, State};
use crate::domain::settlement::Settlement;

/// An operation as the database keeps it.
#[derive(Clone, Debug)]
pub struct Operation {
    /// `UUIDv7`.
    pub id: String,
    /// The contract (settlement name) it is sent to.
    pub account: String,
    /// The order's id.
    pub order_id: String,
    /// The settlement's id.
    pub settlement_id: String,
    /// What to do.
    pub intent: Intent,
    /// Where it stands.
    pub progress: Progress,
    /// When it was planned.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
}

/// An operation held by this worker.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The operation.
    pub operation: Operation,
    /// Who holds it.
    pub owner: String,
    /// Raised at every claim; every write under it names it.
    pub fence: i64,
    /// The order as stored now.
    pub order: OrderView,
    /// The settlement as stored now.
    pub settlement: Settlement,
}

/// What a worker is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Ready operations (also planned ones whose time has come).
    Send,
    /// Unknown ones whose look is due.
    Look,
}

/// One attempt, appended.
#[derive(Clone, Debug)]
pub struct NewAttempt {
    /// `look` (before sending), `send`, or `settle` (a look at an unknown).
    pub kind: &'static str,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// One stable word: `done`, `refused`, `retry`, `later`, `verify`, `person`, `unknown`, `not_sent`, `not_done`, …
    pub outcome: String,
    /// Code of the other side.
    pub code: Option<String>,
    /// In words.
    pub message: Option<String>,
    /// HTTP status.
    pub http_status: Option<u16>,
    /// The raw answer; compressed, cut at 64 KiB.
    pub raw: Vec<u8>,
}

/// One attempt, as people see it.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// 1, 2, …
    pub number: i64,
    /// `look`, `send`, `settle`.
    pub kind: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// One stable word.
    pub outcome: String,
    /// Code of the other side.
    pub code: Option<String>,
    /// In words.
    pub message: Option<String>,
    /// HTTP status.
    pub http_status: Option<i64>,
    /// Whether the worker still held the lease: a late answer is appended all the same.
    pub late: bool,
}

/// Which operations to list.
#[derive(Clone, Debug, Default)]
pub struct OperationFilter {
    /// One state.
    pub state: Option<State>,
    /// One account.
    pub account: Option<String>,
    /// At most so many.
    pub limit: Option<u64>,
    /// After this id (newest first).
    pub after: Option<String>,
}

/// An operation with the facts of its order that people ask for.
#[derive(Clone, Debug)]
pub struct OperationRow {
    /// The operation.
    pub operation: Operation,
    /// The order's shop.
    pub shop: String,
    /// The mall's order number.
    pub mall_order_id: String,
}

#[derive(sqlx::FromRow)]
struct OperationColumns {
    id: String,
    account: String,
    order_id: String,
    settlement_id: String,
    intent: String,
    state: String,
    run_at: i64,
    sends: i64,
    retries: i64,
    rounds: i64,
    looks: i64,
    absent_since: Option<i64>,
    claimed_done: i64,
    code: Option<String>,
    reason: Option<String>,
    lease_owner: Option<String>,
    fence: i64,
    created_at: i64,
    updated_at: i64,
}

macro_rules! columns {
    () => {
        "p.id, p.account, p.order_id, p.settlement_id, p.intent, p.state, p.run_at, p.sends, p.retries, p.rounds,
         p.looks, p.absent_since, p.claimed_done, p.code, p.reason, p.lease_owner, p.fence, p.created_at,
         p.updated_at"
    };
}

impl TryFrom<OperationColumns> for Operation {
    type Error = StoreError;
    fn try_from(row: OperationColumns) -> Result<Self> {
        let at = |column| At::new("operations", column, &row.id);
        Ok(Self {
            intent: at("intent").json(&row.intent)?,
            progress: Progress {
                state: at("state").word(&row.state, State::from_word)?,
                run_at: Timestamp::from_micros(row.run_at),
                sends: at("sends").count(row.sends)?,
                retries: at("retries").count(row.retries)?,
                rounds: at("rounds").count(row.rounds)?,
                looks: at("looks").count(row.looks)?,
                absent_since: time(row.absent_since),
                claimed_done: row.claimed_done != 0,
                code: row.code,
                reason: row.reason,
            },
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
            id: row.id,
            account: row.account,
            order_id: row.order_id,
            settlement_id: row.settlement_id,
        })
    }
}

#[derive(sqlx::FromRow)]
struct ListedColumns {
    #[sqlx(flatten)]
    operation: OperationColumns,
    shop: String,
    mall_order_id: String,
}

impl TryFrom<ListedColumns> for OperationRow {
    type Error = StoreError;
    fn try_from(row: ListedColumns) -> Result<Self> {
        Ok(Self { operation: row.operation.try_into()?, shop: row.shop, mall_order_id: row.mall_order_id })
    }
}

#[derive(sqlx::FromRow)]
struct AttemptColumns {
    number: i64,
    kind: String,
    started_at: i64,
    finished_at: i64,
    outcome: String,
    code: Option<String>,
    message: Option<String>,
    http_status: Option<i64>,
    late: i64,
}

/// The most of an answer that an attempt keeps (decisions.md 38).
const RAW_LIMIT: usize = 64 * 1024;

/// The row of an operation, locked.
async fn locked_row(conn: &mut Conn, id: &str) -> Result<OperationColumns> {
    conn.row(locked!(concat!("SELECT ", columns!(), " FROM operations p WHERE p.id = $1")), args![id])
        .await?
        .ok_or_else(|| StoreError::NotFound(format!("there is no operation {id}")))
}

/// Writes progress, and who holds the row from now on. The row is locked by this transaction.
async fn write_progress(
    conn: &mut Conn,
    operation: &Operation,
    lease: Option<(&str, Timestamp)>,
    fence: i64,
    sent_at: Option<Timestamp>,
) -> Result<()> {
    let progress = &operation.progress;
    let written = conn
        .execute(
            "UPDATE operations SET state = $2, run_at = $3, sends = $4, retries = $5, rounds = $6, looks = $7,
                 absent_since = $8, claimed_done = $9, code = $10, reason = $11, lease_owner = $12,
                 lease_until = $13, fence = $14, sent_at = COALESCE($15, sent_at), updated_at = $16
             WHERE id = $1 AND fence <= $14",
            args![
                &operation.id,
                progress.state.as_str(),
                progress.run_at,
                progress.sends,
                progress.retries,
                progress.rounds,
                progress.looks,
                progress.absent_since,
                progress.claimed_done,
                &progress.code,
                &progress.reason,
                lease.map(|(owner, _)| owner),
                lease.map(|(_, until)| until),
                fence,
                sent_at,
                operation.updated_at,
            ],
        )
        .await?;
    if written == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
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

/// What keeps an operation from being sent: its account or settlement is held, or something else is under way for its
/// reception number. `$2` is the wall time.
macro_rules! free_to_send {
    () => {
        "p.account = $1 AND p.state IN ('planned', 'ready') AND (p.lease_until IS NULL OR p.lease_until <= $2)
         AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.name = p.account
             AND (a.held_reason IS NOT NULL OR a.stopped_code IS NOT NULL))
         AND NOT EXISTS (SELECT 1 FROM settlements s WHERE s.id = p.settlement_id
             AND (s.held IS NOT NULL OR s.asked IS NOT NULL))
         AND NOT EXISTS (SELECT 1 FROM operations q WHERE q.account = p.account
             AND q.reception_number = p.reception_number AND q.id <> p.id
             AND (q.state IN ('sending', 'unknown', 'looking')
                 OR q.lease_until > $2 AND q.state IN ('planned', 'ready')))"
    };
}

/// Unknown ones, and those that a person wants looked at.
macro_rules! free_to_look {
    () => {
        "p.account = $1 AND (p.state = 'unknown' AND (p.lease_until IS NULL OR p.lease_until <= $2)
             OR p.state = 'looking' AND p.lease_owner IS NULL)"
    };
}

impl Store {
    /// Claims up to `limit` operations of `account` for `work`, oldest first: due at `now`, not leased at `wall`, not held,
    /// and no other operation in flight for the same reception number. For `Send` a planned one becomes ready; for
    /// `Look` the state becomes `looking`. The lease lasts until `until` (wall time).
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn claim_operations(
        &self,
        account: &str,
        work: Work,
        owner: &str,
        now: Timestamp,
        wall: Timestamp,
        until: Timestamp,
        limit: u64,
    ) -> Result<Vec<Claimed>> {
        let mut conn = self.write(Lock::None).await?;
        // Two claims of one account at the same time could each take an operation of the same reception number without
        // seeing the other's; row locks alone do not prevent that.
        conn.serialize(account).await?;
        let sql = match work {
            Work::Send => skip_locked!(concat!(
                "SELECT ",
                columns!(),
                " FROM operations p WHERE ",
                free_to_send!(),
                " AND p.run_at <= $3 ORDER BY p.run_at, p.id LIMIT $4"
            )),
            Work::Look => skip_locked!(concat!(
                "SELECT ",
                columns!(),
                " FROM operations p WHERE ",
                free_to_look!(),
                " AND p.run_at <= $3 ORDER BY p.run_at, p.id LIMIT $4"
            )),
        };
        // More than asked for: of several with one reception number only the first is sent.
        let fetch = rows::limit(Some(limit.saturating_mul(4)));
        let found: Vec<OperationColumns> = conn.rows(sql, args![account, wall, now, fetch]).await?;
        let mut taken: Vec<(Operation, i64)> = Vec::new();
        for row in found {
            if u64::try_from(taken.len()).is_ok_and(|n| n >= limit) {
                break;
            }
            let fence = row.fence + 1;
            let mut operation = Operation::try_from(row)?;
            let number = operation.intent.reception_number();
            if work == Work::Send && taken.iter().any(|(o, _)| o.intent.reception_number() == number) {
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

    /// Applies `event`, appends `attempt`, and keeps the lease until `until`, or gives it back when `None`: one
    /// transaction, `WHERE fence = mine`. With [`Event::Send`] this is the commit that I6 speaks of.
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
        let now = self.ambient.now();
        let id = &claimed.operation.id;
        let mut conn = self.write(Lock::None).await?;
        let row = locked_row(&mut conn, id).await?;
        let ours = row.fence == claimed.fence && row.lease_owner.as_deref() == Some(claimed.owner.as_str());
        if !ours {
            let answer = match event {
                Event::Answered(answer) => Some(answer),
                _ => None,
            };
            late(&mut conn, row, answer, attempt, now).await?;
            conn.commit().await?;
            return Err(StoreError::LeaseLost);
        }
        let mut operation = Operation::try_from(row)?;
        operation.progress = operation.progress.apply(event, now)?;
        operation.updated_at = now;
        let lease = until.map(|until| (claimed.owner.as_str(), until));
        let sent_at = matches!(event, Event::Send).then_some(now);
        write_progress(&mut conn, &operation, lease, claimed.fence, sent_at).await?;
        if let Some(attempt) = attempt {
            append(&mut conn, id, attempt, false).await?;
        }
        conn.commit().await?;
        Ok(operation.progress)
    }

    /// Operations whose worker is gone (lease ended at `wall` while sending or looking) become unknown. Returns how many.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn expire_operations(&self, wall: Timestamp, now: Timestamp) -> Result<u64> {
        let mut conn = self.write(Lock::None).await?;
        let found: Vec<OperationColumns> = conn
            .rows(
                skip_locked!(concat!(
                    "SELECT ",
                    columns!(),
                    " FROM operations p WHERE p.state IN ('sending', 'looking') AND p.lease_until <= $1 ORDER BY p.id"
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
            write_progress(&mut conn, &operation, None, fence, None).await?;
            expired += 1;
        }
        if expired > 0 {
            conn.commit().await?
        } else {
            conn.rollback().await?
        }
        Ok(expired)
    }

    /// When the next operation of `account` comes due (planned, ready or unknown, and not held); `None`: nothing open.
    /// One that a worker holds, or that waits for another one in flight, does not count.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn next_operation(&self, account: &str) -> Result<Option<Timestamp>> {
        let mut conn = self.read().await?;
        let row: Option<(Option<i64>,)> = conn
            .row(
                concat!(
                    "SELECT min(p.run_at) FROM operations p WHERE ",
                    free_to_send!(),
                    " OR ",
                    free_to_look!()
                ),
                args![account, self.ambient.wall()],
            )
            .await?;
        Ok(row.and_then(|(at,)| time(at)))
    }

    /// Operations, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn list_operations(&self, filter: &OperationFilter) -> Result<Vec<OperationRow>> {
        let mut conn = self.read().await?;
        let rows: Vec<ListedColumns> = conn
            .rows(
                concat!(
                    "SELECT ",
                    columns!(),
                    ", o.shop, o.mall_order_id FROM operations p JOIN orders o ON o.id = p.order_id
                     WHERE p.id < $1 AND ($2 IS NULL OR p.state = $2) AND ($3 IS NULL OR p.account = $3)
                     ORDER BY p.id DESC LIMIT $4"
                ),
                args![
                    filter.after.as_deref().unwrap_or(LAST_ID),
                    filter.state.map(State::as_str),
                    &filter.account,
                    rows::limit(filter.limit),
                ],
            )
            .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One operation with its attempts.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn operation(&self, id: &str) -> Result<Option<(OperationRow, Vec<Attempt>)>> {
        let mut conn = self.read().await?;
        let row: Option<ListedColumns> = conn
            .row(
                concat!(
                    "SELECT ",
                    columns!(),
                    ", o.shop, o.mall_order_id FROM operations p JOIN orders o ON o.id = p.order_id
                     WHERE p.id = $1"
                ),
                args![id],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let attempts: Vec<AttemptColumns> = conn
            .rows(
                "SELECT number, kind, started_at, finished_at, outcome, code, message, http_status, late
                 FROM attempts WHERE operation_id = $1 ORDER BY number",
                args![id],
            )
            .await?;
        let attempt = |row: AttemptColumns| Attempt {
            number: row.number,
            kind: row.kind,
            started_at: Timestamp::from_micros(row.started_at),
            finished_at: Timestamp::from_micros(row.finished_at),
            outcome: row.outcome,
            code: row.code,
            message: row.message,
            http_status: row.http_status,
            late: row.late != 0,
        };
        Ok(Some((row.try_into()?, attempts.into_iter().map(attempt).collect())))
    }

    /// The raw answer that an attempt kept, for support.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn attempt_raw(&self, operation_id: &str, number: i64) -> Result<Option<Vec<u8>>> {
        let mut conn = self.read().await?;
        let row: Option<(Vec<u8>,)> = conn
            .row(
                "SELECT raw FROM attempts WHERE operation_id = $1 AND number = $2",
                args![operation_id, number],
            )
            .await?;
        let id = format!("{operation_id}/{number}");
        row.map(|(raw,)| At::new("attempts", "raw", &id).unpack(&raw)).transpose()
    }

    /// A person's `retry`: an unknown one is looked up now, one that needs a person is looked up, a ready one is due now.
    ///
    /// # Errors
    /// See [`StoreError`]; `Refused` with the reason in any other state.
    pub async fn retry_operation(&self, id: &str, actor: &str, now: Timestamp) -> Result<Progress> {
        let mut conn = self.write(Lock::None).await?;
        let row = locked_row(&mut conn, id).await?;
        let fence = row.fence + 1;
        let mut operation = Operation::try_from(row)?;
        match operation.progress.state {
            State::Unknown | State::Ready => {}
            State::NeedsPerson => operation.progress = operation.progress.apply(&Event::Look, now)?,
            State::Planned => {
                return Err(StoreError::Refused(format!(
                    "operation {id} is planned for {}; it is sent then",
                    operation.progress.run_at
                )));
            }
            State::Sending | State::Looking => {
                return Err(StoreError::Refused(format!(
                    "operation {id} is {} right now; look again in a minute",
                    operation.progress.state
                )));
            }
            State::Done | State::Refused | State::Superseded | State::Abandoned => {
                return Err(StoreError::Refused(format!(
                    "operation {id} is {}: that is final",
                    operation.progress.state
                )));
            }
        }
        operation.progress.run_at = now;
        operation.updated_at = now;
        write_progress(&mut conn, &operation, None, fence, None).await?;
        let deed = deed(actor, "operations.retry", id, operation.progress.state.to_string(), now);
        self.write_deed(&mut conn, &deed).await?;
        conn.commit().await?;
        Ok(operation.progress)
    }

    /// A person's `abandon`.
    ///
    /// # Errors
    /// See [`StoreError`]; `Refused` when it is final, or its outcome is not known.
    pub async fn abandon_operation(
        &self,
        id: &str,
        reason: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<Progress> {
        let mut conn = self.write(Lock::None).await?;
        let row = locked_row(&mut conn, id).await?;
        let fence = row.fence + 1;
        let mut operation = Operation::try_from(row)?;
        let event = Event::Abandon { reason: reason.to_owned() };
        let state = operation.progress.state;
        operation.progress = operation.progress.apply(&event, now).map_err(|_| {
            let why = if state.is_final() {
                "that is final"
            } else {
                "it may be under way; `operations retry` looks it up, and what stays open can be abandoned then"
            };
            StoreError::Refused(format!("operation {id} is {state}: {why}"))
        })?;
        operation.updated_at = now;
        write_progress(&mut conn, &operation, None, fence, None).await?;
        self.write_deed(&mut conn, &deed(actor, "operations.abandon", id, reason.to_owned(), now)).await?;
        conn.commit().await?;
        Ok(operation.progress)
    }

    /// Open operations per account and state.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn count_operations(&self) -> Result<Vec<(String, State, u64)>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String, String, i64)> = conn
            .rows(
                "SELECT account, state, count(*) FROM operations
                 WHERE state NOT IN ('done', 'refused', 'superseded', 'abandoned')
                 GROUP BY account, state ORDER BY account, state",
                &[],
            )
            .await?;
        let count = |(account, state, n): (String, String, i64)| {
            let state = At::new("operations", "state", &account).word(&state, State::from_word)?;
            Ok((account, state, rows::unsigned(n)))
        };
        rows.into_iter().map(count).collect()
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

/// The operations of an order that were not superseded, locked.
pub(super) async fn operations_of(conn: &mut Conn, order_id: &str) -> Result<Vec<Operation>> {
    let rows: Vec<OperationColumns> = conn
        .rows(
            locked!(concat!(
                "SELECT ",
                columns!(),
                " FROM operations p WHERE p.order_id = $1 AND p.state <> 'superseded' ORDER BY p.id"
            )),
            args![order_id],
        )
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Gives an operation up inside a person's transaction.
pub(super) async fn abandon(
    conn: &mut Conn,
    mut operation: Operation,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    operation.progress = operation.progress.apply(&Event::Abandon { reason: reason.to_owned() }, now)?;
    conn.execute(
        "UPDATE operations SET state = $2, reason = $3, absent_since = NULL, lease_owner = NULL, lease_until = NULL,
             fence = fence + 1, updated_at = $4
         WHERE id = $1",
        args![&operation.id, operation.progress.state.as_str(), &operation.progress.reason, now],
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

fn deed(actor: &str, action: &str, subject: &str, detail: String, at: Timestamp) -> Deed {
    Deed { at, actor: actor.to_owned(), action: action.to_owned(), subject: subject.to_owned(), detail }
}
