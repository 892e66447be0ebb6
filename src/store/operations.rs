//! Operations and their append-only attempts. Every write of a worker names its fence.

use serde::Serialize;

use super::orders::OrderView;
use super::{Result, Store};
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

impl Store {
    /// Claims up to `limit` operations of `account` for `work`, oldest first: due at `now`, not leased at `wall`, not held,
    /// and no other operation in flight for the same reception number. For `Send` a planned one becomes ready; for
    /// `Look` the state becomes `looking`. The lease lasts until `until` (wall time).
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
        let _ = (account, work, owner, now, wall, until, limit);
        Err(super::StoreError::NotFound("skeleton".into()))
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
        let _ = (claimed, event, attempt, until);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Operations whose worker is gone (lease ended at `wall` while sending or looking) become unknown. Returns how many.
    pub async fn expire_operations(&self, wall: Timestamp, now: Timestamp) -> Result<u64> {
        let _ = (wall, now);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// When the next operation of `account` comes due (planned, ready or unknown, and not held); `None`: nothing open.
    pub async fn next_operation(&self, account: &str) -> Result<Option<Timestamp>> {
        let _ = account;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Operations, newest first.
    pub async fn list_operations(&self, filter: &OperationFilter) -> Result<Vec<OperationRow>> {
        let _ = filter;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// One operation with its attempts.
    pub async fn operation(&self, id: &str) -> Result<Option<(OperationRow, Vec<Attempt>)>> {
        let _ = id;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// A person's `retry`: an unknown one is looked up now, one that needs a person is looked up, a ready one is due now.
    pub async fn retry_operation(&self, id: &str, actor: &str, now: Timestamp) -> Result<Progress> {
        let _ = (id, actor, now);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// A person's `abandon`.
    pub async fn abandon_operation(
        &self,
        id: &str,
        reason: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<Progress> {
        let _ = (id, reason, actor, now);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Open operations per account and state.
    pub async fn count_operations(&self) -> Result<Vec<(String, State, u64)>> {
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// A late answer to an operation this worker no longer holds; see [`Store::step_operation`].
    pub async fn append_late(
        &self,
        operation_id: &str,
        answer: &Answer,
        attempt: &NewAttempt,
        now: Timestamp,
    ) -> Result<()> {
        let _ = (operation_id, answer, attempt, now);
        Err(super::StoreError::NotFound("skeleton".into()))
    }
}
