//! Operations and their append-only attempts. Every write of a worker names its fence.

use serde::Serialize;

use super::db::{Conn, Lock, args, locked};
use super::done::register;
use super::orders::OrderView;
use super::people::Deed;
use super::rows::{self, At, LAST_ID, time};
use super::wishes::granted;
use super::{Result, Store, StoreError};
use crate::clock::Timestamp;
use crate::domain::operation::{Event, Intent, Progress, State};
use crate::domain::settlement::{Observed, Settlement};

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

/// What a worker claims, and until when.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Of this contract (settlement name).
    pub account: &'a str,
    /// Of this order alone (our id).
    pub order_id: Option<&'a str>,
    /// For this work.
    pub work: Work,
    /// Who claims.
    pub owner: &'a str,
    /// Due by now.
    pub now: Timestamp,
    /// Not leased at this moment (wall time).
    pub wall: Timestamp,
    /// The lease lasts so long (wall time).
    pub until: Timestamp,
    /// At most so many.
    pub limit: u64,
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

/// What a look-up showed of a settlement, to be stored with what follows from it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What was shown.
    pub observed: &'a Observed,
    /// It is the order's own.
    pub verified: bool,
    /// Length of an authorisation, its first day included.
    pub authorization_days: Option<u32>,
    /// When the look was sent: what was seen later stands.
    pub at: Timestamp,
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
    /// One order (our id).
    pub order_id: Option<String>,
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
pub(super) struct OperationColumns {
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
    pub lease_owner: Option<String>,
    pub lease_until: Option<i64>,
    pub fence: i64,
    created_at: i64,
    updated_at: i64,
}

macro_rules! operation_columns {
    () => {
        "p.id, p.account, p.order_id, p.settlement_id, p.intent, p.state, p.run_at, p.sends, p.retries, p.rounds,
         p.looks, p.absent_since, p.claimed_done, p.code, p.reason, p.lease_owner, p.lease_until, p.fence,
         p.created_at, p.updated_at"
    };
}

pub(super) use operation_columns;

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

/// The row of an operation, locked, and its settlement's before it: whoever plans an order writes them in this order too.
pub(super) async fn locked_row(conn: &mut Conn, id: &str) -> Result<OperationColumns> {
    conn.lock(
        "SELECT s.id FROM settlements s WHERE s.id = (SELECT settlement_id FROM operations WHERE id = $1)
         FOR NO KEY UPDATE",
        args![id],
    )
    .await?;
    conn.row(
        locked!(concat!("SELECT ", operation_columns!(), " FROM operations p WHERE p.id = $1")),
        args![id],
    )
    .await?
    .ok_or_else(|| StoreError::NotFound(format!("there is no operation {id}")))
}

/// Writes progress, and who holds the row from now on. The row is locked by this transaction.
pub(super) async fn write_progress(
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
    if written != 1 {
        return Err(StoreError::LeaseLost);
    }
    if progress.state == State::Done {
        register(conn, &operation.settlement_id, &operation.intent, operation.updated_at).await?;
    }
    if progress.state.is_final() && progress.state != State::Superseded {
        let done = progress.state == State::Done;
        granted(conn, &operation.settlement_id, operation.intent.kind(), done).await?;
    }
    Ok(())
}

impl Store {
    /// Operations, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn list_operations(&self, filter: &OperationFilter) -> Result<Vec<OperationRow>> {
        let mut conn = self.read().await?;
        // The operations of one order are few: they are found by its index, not by walking through all of them.
        let sql = match filter.order_id {
            Some(_) => {
                concat!(
                    "SELECT ",
                    operation_columns!(),
                    ", o.shop, o.mall_order_id FROM operations p JOIN orders o ON o.id = p.order_id
                     WHERE p.order_id = $5 AND p.id < $1 AND ($2 IS NULL OR p.state = $2)
                         AND ($3 IS NULL OR p.account = $3)
                     ORDER BY p.id DESC LIMIT $4"
                )
            }
            None => {
                concat!(
                    "SELECT ",
                    operation_columns!(),
                    ", o.shop, o.mall_order_id FROM operations p JOIN orders o ON o.id = p.order_id
                     WHERE p.id < $1 AND ($2 IS NULL OR p.state = $2) AND ($3 IS NULL OR p.account = $3)
                         AND $5 IS NULL
                     ORDER BY p.id DESC LIMIT $4"
                )
            }
        };
        let rows: Vec<ListedColumns> = conn
            .rows(
                sql,
                args![
                    filter.after.as_deref().unwrap_or(LAST_ID),
                    filter.state.map(State::as_str),
                    &filter.account,
                    rows::limit(filter.limit),
                    &filter.order_id,
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
                    operation_columns!(),
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

    /// A person's `retry`: an unknown one is looked up now, one that needs a person is looked up, one whose time has come is
    /// due now.
    ///
    /// # Errors
    /// See [`StoreError`]; `Refused` with the reason in any other state.
    pub async fn retry_operation(&self, id: &str, actor: &str, now: Timestamp) -> Result<Progress> {
        let mut conn = self.write(Lock::None).await?;
        let row = locked_row(&mut conn, id).await?;
        let fence = row.fence + 1;
        let mut operation = Operation::try_from(row)?;
        match operation.progress.state {
            State::Planned if operation.progress.run_at > now => {
                return Err(StoreError::Refused(format!(
                    "operation {id} is planned for {}; it is sent then",
                    operation.progress.run_at
                )));
            }
            State::Unknown | State::Ready | State::Planned => {}
            State::NeedsPerson => operation.progress = operation.progress.apply(&Event::Look, now)?,
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
}

/// The operations of an order that were not superseded, locked, and its settlement before them.
pub(super) async fn operations_of(conn: &mut Conn, order_id: &str) -> Result<Vec<Operation>> {
    conn.lock("SELECT id FROM settlements WHERE order_id = $1 FOR NO KEY UPDATE", args![order_id]).await?;
    let rows: Vec<OperationColumns> = conn
        .rows(
            locked!(concat!(
                "SELECT ",
                operation_columns!(),
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

fn deed(actor: &str, action: &str, subject: &str, detail: String, at: Timestamp) -> Deed {
    Deed { at, actor: actor.to_owned(), action: action.to_owned(), subject: subject.to_owned(), detail }
}
