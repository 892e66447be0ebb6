//! Card settlements, one row an order under a contract.

use serde::Serialize;

use super::{Planning, Result, Store};
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::operation::Intent;
use crate::domain::planner::Plan;
use crate::domain::settlement::{Observed, Settlement, SettlementState};

/// A settlement with the facts of its order that people ask for.
#[derive(Clone, Debug)]
pub struct SettlementRow {
    /// The row.
    pub settlement: Settlement,
    /// The order's shop.
    pub shop: String,
    /// The mall's order number.
    pub mall_order_id: String,
    /// The order's due.
    pub due: Option<Yen>,
    /// When it was ordered.
    pub ordered_at: Timestamp,
    /// Slips we know.
    pub slips: Vec<String>,
}

/// Which settlements to list.
#[derive(Clone, Debug, Default)]
pub struct SettlementFilter {
    /// One contract.
    pub name: Option<String>,
    /// One state.
    pub state: Option<SettlementState>,
    /// Only those that a person must decide.
    pub held: bool,
    /// At most so many.
    pub limit: Option<u64>,
    /// After this id.
    pub after: Option<String>,
}

/// What `settlements preview` shows of one order: what the planner wants now.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The settlement.
    pub row: SettlementRow,
    /// What is wanted, waited for, or asked.
    pub plan: Plan,
}

/// Sums for summaries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SettlementSum {
    /// The contract.
    pub name: String,
    /// The state.
    pub state: Option<SettlementState>,
    /// How many.
    pub settlements: u64,
    /// Yen.
    pub yen: Yen,
}

impl Store {
    /// Settlements, newest first.
    pub async fn list_settlements(&self, filter: &SettlementFilter) -> Result<Vec<SettlementRow>> {
        let _ = filter;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// The settlements that `id` names: ours, a reception number, or an order's id or number.
    pub async fn find_settlements(&self, id: &str) -> Result<Vec<SettlementRow>> {
        let _ = id;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Links an order to a reception number of a contract by a person's word. Refused when the number belongs to another
    /// order (I8, decisions.md 2) or something is in flight.
    pub async fn link_settlement(
        &self,
        order_id: &str,
        contract: &str,
        reception_number: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        let _ = (order_id, contract, reception_number, actor, planning);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Takes the reception number away again; open operations are superseded.
    pub async fn unlink_settlement(
        &self,
        settlement_id: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        let _ = (settlement_id, actor, planning);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Holds a settlement: nothing is sent for it until it is released.
    pub async fn hold_settlement(
        &self,
        settlement_id: &str,
        reason: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        let _ = (settlement_id, reason, actor, planning);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Releases it; the planner looks again.
    pub async fn release_settlement(
        &self,
        settlement_id: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        let _ = (settlement_id, actor, planning);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Writes what a look-up showed (state, amount, dates, slips), `verified` when the identity check passed.
    pub async fn observe_settlement(
        &self,
        settlement_id: &str,
        observed: &Observed,
        verified: bool,
        authorization_days: Option<u32>,
        at: Timestamp,
    ) -> Result<()> {
        let _ = (settlement_id, observed, verified, authorization_days, at);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// What the planner wants now for every settlement of `contract` that is not final, after `after`. Stores nothing;
    /// works for contracts in dry-run too.
    pub async fn preview(
        &self,
        contract: &str,
        planning: &Planning<'_>,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Preview>> {
        let _ = (contract, planning, after, limit);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Plans every open order of every contract anew: after a change of rules, of mode, or of the day. Drops planned and
    /// ready operations of contracts that are in dry-run or gone. Works in pages of `limit` orders, each in a transaction of
    /// its own; returns the id to go on after, `None` at the end.
    pub async fn replan(
        &self,
        planning: &Planning<'_>,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Option<String>> {
        let _ = (planning, after, limit);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Sums per contract and state.
    pub async fn sum_settlements(&self) -> Result<Vec<SettlementSum>> {
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Captures done or under way since `since` (hour guard) and their yen since `day` (day guard), per contract.
    pub async fn spent(&self, contract: &str, since: Timestamp, day: Timestamp) -> Result<(u64, Yen)> {
        let _ = (contract, since, day);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Intents done for an order, for the planner and for people.
    pub async fn done_intents(&self, order_id: &str) -> Result<Vec<Intent>> {
        let _ = order_id;
        Err(super::StoreError::NotFound("skeleton".into()))
    }
}
