//! What lists of settlements and operations look like as JSON, and the small answers that many columns need.

use chrono::NaiveDate;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::operation::{Intent, State};
use crate::domain::settlement::{SettlementState, Wish};
use crate::store::operations::{Attempt, OperationRow};
use crate::store::settlements::SettlementRow;

/// A settlement with the facts of its order.
#[derive(Clone, Debug, Serialize)]
pub struct SettlementView {
    /// Ours.
    pub id: String,
    /// Name in the config.
    pub name: String,
    /// 受付番号.
    pub reception_number: Option<String>,
    /// Where it stands.
    pub state: SettlementState,
    /// The order's shop.
    pub shop: String,
    /// Our order id.
    pub order_id: String,
    /// The mall's order number.
    pub mall_order_id: String,
    /// When it was ordered.
    pub ordered_at: Timestamp,
    /// The order's due.
    pub due: Option<Yen>,
    /// The amount that the gateway showed last.
    pub amount: Option<Yen>,
    /// The day of authorisation.
    pub authorized_on: Option<NaiveDate>,
    /// Its last day.
    pub lapses_on: Option<NaiveDate>,
    /// The planned ship date of a reservation, as the gateway showed it last.
    pub scheduled_on: Option<NaiveDate>,
    /// When a look-up showed that it is this order's own.
    pub verified_at: Option<Timestamp>,
    /// The last look-up.
    pub looked_at: Option<Timestamp>,
    /// Slips of the order.
    pub slips: Vec<String>,
    /// Slips that the gateway showed last.
    pub registered_slips: Vec<String>,
    /// Why a person is needed.
    pub held: Option<String>,
    /// `rule`, `source`, or the person who linked it.
    pub linked_by: String,
    /// What a person asked for, until it is done.
    pub wish: Option<Wish>,
    /// Who.
    pub wished_by: Option<String>,
    /// What a person did about it outside.
    pub resolved: Option<String>,
    /// Every operation, oldest first, where one settlement is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<OperationView>>,
}

impl From<SettlementRow> for SettlementView {
    fn from(row: SettlementRow) -> Self {
        let s = row.settlement;
        Self {
            id: s.id,
            name: s.name,
            reception_number: s.reception_number,
            state: s.state,
            shop: row.shop,
            order_id: s.order_id,
            mall_order_id: row.mall_order_id,
            ordered_at: row.ordered_at,
            due: row.due,
            amount: s.amount,
            authorized_on: s.authorized_on,
            lapses_on: s.lapses_on,
            scheduled_on: s.scheduled_on,
            verified_at: s.verified_at,
            looked_at: s.looked_at,
            slips: row.slips,
            registered_slips: s.slips,
            held: s.held,
            linked_by: s.linked_by,
            wish: s.wish,
            wished_by: row.wished_by,
            resolved: s.resolved,
            operations: None,
        }
    }
}

/// An operation with the facts of its order.
#[derive(Clone, Debug, Serialize)]
pub struct OperationView {
    /// Ours.
    pub id: String,
    /// `capture`, `undo`, `cancel`, `change_amount`, `reauth`, `change_date`.
    pub kind: &'static str,
    /// Where it stands.
    pub state: State,
    /// The settlement's name in the config.
    pub settlement: String,
    /// The order's shop.
    pub shop: String,
    /// Our order id.
    pub order_id: String,
    /// The mall's order number.
    pub mall_order_id: String,
    /// What is sent, as it was decided.
    pub intent: Intent,
    /// Not before this.
    pub run_at: Timestamp,
    /// Sends so far.
    pub sends: u32,
    /// Last code of the other side.
    pub code: Option<String>,
    /// Why, in words.
    pub reason: Option<String>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// Every attempt, where one operation is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<Attempt>>,
}

impl From<OperationRow> for OperationView {
    fn from(row: OperationRow) -> Self {
        let o = row.operation;
        Self {
            kind: o.intent.kind(),
            id: o.id,
            state: o.progress.state,
            settlement: o.account,
            shop: row.shop,
            order_id: o.order_id,
            mall_order_id: row.mall_order_id,
            intent: o.intent,
            run_at: o.progress.run_at,
            sends: o.progress.sends,
            code: o.progress.code,
            reason: o.progress.reason,
            created_at: o.created_at,
            updated_at: o.updated_at,
            attempts: None,
        }
    }
}

/// Text of what may be missing; nothing when it is.
pub fn text<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// An amount for machines: digits, nothing while not fixed.
pub fn digits(amount: Option<Yen>) -> String {
    amount.map(|yen| yen.0.to_string()).unwrap_or_default()
}
