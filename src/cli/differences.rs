//! What differs from a gateway's books, as `settlements reconcile` shows it: line by line, or summed by kind.

use std::collections::HashMap;

use serde::Serialize;

use super::output::Column;
use super::table::yen;
use super::views::{digits, text};
use super::words;
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::planner::Contract;
use crate::domain::reconcile::{Difference, Kind, Tally};
use crate::domain::settlement::SettlementState;
use crate::store::missed::Missed;
use crate::store::reconciling::Compared;

/// One thing that differs.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub kind: Kind,
    pub settlement: String,
    /// Nothing where the order belongs to no settlement.
    pub settlement_id: Option<String>,
    shop: String,
    order_id: String,
    mall_order_id: String,
    reception_number: Option<String>,
    enquiry_number: Option<String>,
    state: SettlementState,
    /// Yen by our books.
    ours: Option<Yen>,
    /// Yen by the gateway's.
    theirs: Option<Yen>,
    /// When it was told of first; nothing: not yet.
    since: Option<Timestamp>,
    looked_at: Option<Timestamp>,
    reason: String,
    command: String,
}

/// Differences of one kind under one contract.
#[derive(Clone, Debug, Serialize)]
pub struct KindLine {
    pub settlement: String,
    #[serde(flatten)]
    pub tally: Tally,
}

/// An order that has no settlement.
pub fn line_of(contract: &Contract, missed: Missed, since: &HashMap<String, Timestamp>) -> Line {
    let Missed { order_id, shop, mall_order_id, difference } = missed;
    Line {
        since: since.get(&format!("{order_id}/{}", difference.kind)).copied(),
        command: command(difference.kind, "", &mall_order_id),
        kind: difference.kind,
        settlement: contract.name.clone(),
        settlement_id: None,
        shop,
        order_id,
        mall_order_id,
        reception_number: None,
        enquiry_number: None,
        state: SettlementState::Unlinked,
        ours: difference.ours,
        theirs: difference.theirs,
        looked_at: None,
        reason: difference.reason,
    }
}

pub fn lines_of(compared: Compared, since: &HashMap<String, Timestamp>) -> Vec<Line> {
    let row = compared.row;
    let settlement = row.settlement;
    let line = |difference: Difference| Line {
        since: since.get(&format!("{}/{}", settlement.id, difference.kind)).copied(),
        command: command(difference.kind, &settlement.id, &row.mall_order_id),
        kind: difference.kind,
        settlement: settlement.name.clone(),
        settlement_id: Some(settlement.id.clone()),
        shop: row.shop.clone(),
        order_id: settlement.order_id.clone(),
        mall_order_id: row.mall_order_id.clone(),
        reception_number: settlement.reception_number.clone(),
        enquiry_number: row.enquiry_number.clone(),
        state: settlement.state,
        ours: difference.ours,
        theirs: difference.theirs,
        looked_at: settlement.looked_at,
        reason: difference.reason,
    };
    compared.differences.into_iter().map(line).collect()
}

/// What to type next.
fn command(kind: Kind, id: &str, order: &str) -> String {
    let command = match kind {
        Kind::RefundDue => format!("resolve {id} --refunded"),
        Kind::CapturedElsewhere | Kind::Refunded | Kind::CanceledElsewhere => {
            format!("resolve {id} --reason TEXT")
        }
        Kind::OrderCanceled | Kind::CancelGone => format!("cancel {id}"),
        Kind::AmountDiffers => format!("change-amount {id} --to-due"),
        Kind::NotCaptured => format!("capture {id}"),
        Kind::LapsesSoon => format!("reauth {id}"),
        Kind::NoNumber | Kind::NoRule | Kind::NotThere | Kind::AnotherSale => {
            format!("link {order} RECEPTION_NUMBER")
        }
        Kind::CaptureGone
        | Kind::SlipDiffers
        | Kind::NotSettled
        | Kind::Ambiguous
        | Kind::Refused
        | Kind::StrangeStatus
        | Kind::Unreadable
        | Kind::Lapsed => format!("show {id}"),
    };
    format!("mallsync settlements {command}")
}

/// What both tables show: lines, and their sums by kind.
trait Told {
    fn settlement(&self) -> &str;
    fn kind(&self) -> Kind;
    fn ours(&self) -> Option<Yen>;
    fn theirs(&self) -> Option<Yen>;
}

impl Told for Line {
    fn settlement(&self) -> &str {
        &self.settlement
    }
    fn kind(&self) -> Kind {
        self.kind
    }
    fn ours(&self) -> Option<Yen> {
        self.ours
    }
    fn theirs(&self) -> Option<Yen> {
        self.theirs
    }
}

impl Told for KindLine {
    fn settlement(&self) -> &str {
        &self.settlement
    }
    fn kind(&self) -> Kind {
        self.tally.kind
    }
    fn ours(&self) -> Option<Yen> {
        Some(self.tally.ours)
    }
    fn theirs(&self) -> Option<Yen> {
        Some(self.tally.theirs)
    }
}

const fn kind<T: Told>() -> Column<T> {
    Column::text(
        "kind",
        words::H_DIFFERENCE,
        22,
        |l, look| words::difference(l.kind(), look.language).to_owned(),
        |l| l.kind().to_string(),
    )
}

const fn settlement<T: Told>() -> Column<T> {
    Column::text(
        "settlement",
        words::H_SETTLEMENT,
        20,
        |l, _| l.settlement().to_owned(),
        |l| l.settlement().to_owned(),
    )
}

const fn ours<T: Told>() -> Column<T> {
    Column::number("ours", words::H_OURS, |l, _| yen(l.ours()), |l| digits(l.ours()))
}

const fn theirs<T: Told>() -> Column<T> {
    Column::number("theirs", words::H_AT_GATEWAY, |l, _| yen(l.theirs()), |l| digits(l.theirs()))
}

/// A line a difference.
pub const COLUMNS: &[Column<Line>] = &[
    kind(),
    settlement(),
    Column::csv("settlement_id", |l| text(l.settlement_id.as_ref())),
    Column::csv("shop", |l| l.shop.clone()),
    Column::csv("order_id", |l| l.order_id.clone()),
    Column::text(
        "mall_order_id",
        words::H_ORDER,
        28,
        |l, _| l.mall_order_id.clone(),
        |l| l.mall_order_id.clone(),
    ),
    Column::text(
        "reception_number",
        words::H_RECEPTION,
        23,
        |l, _| text(l.reception_number.as_ref()),
        |l| text(l.reception_number.as_ref()),
    ),
    Column::csv("enquiry_number", |l| text(l.enquiry_number.as_ref())),
    Column::text(
        "state",
        words::H_STATE,
        14,
        |l, look| words::settlement(l.state, look.language).to_owned(),
        |l| l.state.to_string(),
    ),
    ours(),
    theirs(),
    Column::csv("since", |l| text(l.since.as_ref())),
    Column::text(
        "looked_at",
        words::H_LOOKED,
        11,
        |l, look| look.maybe_time(l.looked_at),
        |l| text(l.looked_at.as_ref()),
    ),
    Column::text("reason", words::H_REASON, 90, |l, look| look.reason(&l.reason), |l| l.reason.clone()),
    Column::text("command", words::H_ACTION, 90, |l, _| l.command.clone(), |l| l.command.clone()),
];

/// Sums by kind.
pub const KIND_COLUMNS: &[Column<KindLine>] = &[
    settlement(),
    kind(),
    Column::number("count", words::H_COUNT, |l, _| l.tally.count.to_string(), |l| l.tally.count.to_string()),
    ours(),
    theirs(),
];
