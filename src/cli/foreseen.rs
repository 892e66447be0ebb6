//! What will be done at the gateway, as `settlements preview` and the commands that ask for it show it alike.

use chrono::NaiveDate;
use serde::Serialize;

use super::output::Column;
use super::table::{Look, yen};
use super::views::{digits, text};
use super::words;
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::operation::Intent;
use crate::domain::planner::Wanted;
use crate::store::settlements::SettlementRow;

/// One settlement, and what is wanted for it. Of a name that fits no settlement only the name is known.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Foreseen {
    pub settlement_id: Option<String>,
    pub settlement: Option<String>,
    pub shop: Option<String>,
    pub order_id: Option<String>,
    pub mall_order_id: String,
    pub reception_number: Option<String>,
    pub kind: Option<&'static str>,
    pub slip_number: Option<String>,
    /// The amount that is held now.
    pub yen: Option<Yen>,
    /// The amount as it shall be, where it changes.
    pub to_yen: Option<Yen>,
    /// The planned ship date as it shall be, where it changes.
    pub to_date: Option<NaiveDate>,
    pub run_at: Option<Timestamp>,
}

impl Foreseen {
    /// A settlement for which nothing is wanted.
    pub fn of(row: &SettlementRow) -> Self {
        Self {
            settlement_id: Some(row.settlement.id.clone()),
            settlement: Some(row.settlement.name.clone()),
            shop: Some(row.shop.clone()),
            order_id: Some(row.settlement.order_id.clone()),
            mall_order_id: row.mall_order_id.clone(),
            reception_number: row.settlement.reception_number.clone(),
            yen: row.settlement.amount.or(row.due),
            ..Self::default()
        }
    }

    /// One operation that is wanted for a settlement.
    pub fn wanted(row: &SettlementRow, wanted: &Wanted) -> Self {
        let intent = &wanted.intent;
        Self {
            reception_number: Some(intent.reception_number().to_owned()),
            kind: Some(intent.kind()),
            slip_number: intent.slip_number().map(str::to_owned),
            yen: intent.held().or(row.due),
            to_yen: if let Intent::ChangeAmount { to, .. } = intent { Some(*to) } else { None },
            to_date: if let Intent::ChangeDate { to, .. } = intent { Some(*to) } else { None },
            run_at: Some(wanted.run_at),
            ..Self::of(row)
        }
    }

    fn what(&self, look: Look) -> String {
        let kind = self.kind.map(|kind| words::kind(kind, look.language));
        let to = self.to_yen.map(|to| format!("→ {to}"));
        let on = self.to_date.map(|to| format!("→ {to}"));
        let parts = [kind.map(str::to_owned), self.slip_number.clone(), to, on];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// The mall's order number.
pub const fn order<T: AsRef<Foreseen>>() -> Column<T> {
    Column::text(
        "mall_order_id",
        words::H_ORDER,
        28,
        |line, _| line.as_ref().mall_order_id.clone(),
        |line| line.as_ref().mall_order_id.clone(),
    )
}

/// 受付番号.
pub const fn reception<T: AsRef<Foreseen>>() -> Column<T> {
    Column::text(
        "reception_number",
        words::H_RECEPTION,
        23,
        |line, _| text(line.as_ref().reception_number.as_ref()),
        |line| text(line.as_ref().reception_number.as_ref()),
    )
}

/// What is done: kind, slip, new amount.
pub const fn kind<T: AsRef<Foreseen>>() -> Column<T> {
    Column::text(
        "kind",
        words::H_KIND,
        40,
        |line, look| line.as_ref().what(look),
        |line| text(line.as_ref().kind.as_ref()),
    )
}

/// The amount that is held.
pub const fn amount<T: AsRef<Foreseen>>() -> Column<T> {
    Column::number("yen", words::H_AMOUNT, |line, _| yen(line.as_ref().yen), |line| digits(line.as_ref().yen))
}

/// Not before this; what is due already is due now.
pub const fn run_at<T: AsRef<Foreseen>>() -> Column<T> {
    Column::text(
        "run_at",
        words::H_DUE_AT,
        11,
        |line, look| line.as_ref().run_at.map(|at| look.due(at)).unwrap_or_default(),
        |line| text(line.as_ref().run_at.as_ref()),
    )
}

/// For machines.
pub const fn slip_number<T: AsRef<Foreseen>>() -> Column<T> {
    Column::csv("slip_number", |line| text(line.as_ref().slip_number.as_ref()))
}

/// For machines.
pub const fn to_yen<T: AsRef<Foreseen>>() -> Column<T> {
    Column::csv_number("to_yen", |line| digits(line.as_ref().to_yen))
}

/// For machines.
pub const fn to_date<T: AsRef<Foreseen>>() -> Column<T> {
    Column::csv("to_date", |line| text(line.as_ref().to_date.as_ref()))
}

/// The contract.
pub const fn settlement<T: AsRef<Foreseen>>() -> Column<T> {
    Column::text(
        "settlement",
        words::H_SETTLEMENT,
        20,
        |line, _| text(line.as_ref().settlement.as_ref()),
        |line| text(line.as_ref().settlement.as_ref()),
    )
}

/// The order's shop.
pub const fn shop<T: AsRef<Foreseen>>() -> Column<T> {
    Column::text(
        "shop",
        words::H_SHOP,
        16,
        |line, _| text(line.as_ref().shop.as_ref()),
        |line| text(line.as_ref().shop.as_ref()),
    )
}

/// For machines.
pub const fn settlement_id<T: AsRef<Foreseen>>() -> Column<T> {
    Column::csv("settlement_id", |line| text(line.as_ref().settlement_id.as_ref()))
}

/// For machines.
pub const fn order_id<T: AsRef<Foreseen>>() -> Column<T> {
    Column::csv("order_id", |line| text(line.as_ref().order_id.as_ref()))
}
