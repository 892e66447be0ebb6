//! What calls wrote to orders, kept beside the plans: confirmations and shipping rows (rakuten-rms.md §6).

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::carriers;
use super::content::Content;
use super::jobs::Job;
use super::plan::{Course, Plan};
use super::shop::Shop;
use crate::clock::Timestamp;
use crate::sim::ledger::ShipmentRow;
use crate::sim::switches::RakutenSwitches;

/// Numbers of rows that calls add follow on from here, ascending; those of the staff's rows lie below.
const FIRST_ID: u64 = 905_000_000_000;

/// One row of `ShippingModelList`; a row may lack anything but its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: u64,
    /// Which package of the order it is of.
    pub(crate) parcel: usize,
    /// A code of §8.3.
    pub(crate) company: Option<&'static str>,
    pub(crate) number: Option<String>,
    pub(crate) date: Option<NaiveDate>,
}

impl Row {
    pub(crate) fn model(&self) -> Value {
        json!({
            "shippingDetailId": self.id,
            "shippingNumber": self.number,
            "deliveryCompany": self.company,
            "deliveryCompanyName": self.company.and_then(carriers::name),
            "shippingDate": self.date.map(|day| day.format("%Y-%m-%d").to_string()),
        })
    }

    /// Does it lack nothing that the order needs to be closed (§6.3)?
    pub(crate) fn complete(&self, blank_number: bool) -> bool {
        self.company.is_some() && self.date.is_some() && (blank_number || self.number.is_some())
    }

    pub(crate) fn shipment(&self) -> ShipmentRow {
        ShipmentRow {
            id: self.id.to_string(),
            carrier: self.company.unwrap_or_default().to_owned(),
            number: self.number.clone().unwrap_or_default(),
            date: self.date.map(|day| day.to_string()).unwrap_or_default(),
        }
    }
}

/// The rows that the shop's own staff has reported by `now`.
pub(crate) fn staff_rows(shop: &Shop, plan: &Plan, content: &Content, now: Timestamp) -> Vec<Row> {
    let count = content.packages.iter().filter(|p| !p.removed).count();
    let live = (0..content.packages.len()).filter(|&k| !content.packages[k].removed);
    live.enumerate()
        .filter_map(|(n, k)| {
            let at = plan.parcel_shipped(n, count).filter(|at| *at <= now)?;
            Some(Row {
                id: 904_000_000_000 + shop.basket_id(plan.index, k),
                parcel: k,
                company: Some("1001"),
                number: Some(shop.slip(plan.index, k)),
                date: Some(at.jst_date()),
            })
        })
        .collect()
}

/// What calls wrote to one order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pub(crate) confirmed: Option<Timestamp>,
    /// The order's rows as each call left them.
    pub(crate) rows: Vec<(Timestamp, Vec<Row>)>,
    /// When they were complete first and the order was closed.
    pub(crate) completed: Option<Timestamp>,
}

impl Written {
    /// The rows as they stood at `seen`; `None` where no call had written any.
    pub(crate) fn rows(&self, seen: Timestamp) -> Option<&[Row]> {
        self.rows.iter().rev().find(|(at, _)| *at <= seen).map(|(_, rows)| rows.as_slice())
    }
}

/// Everything that calls wrote, and what was accepted and is worked off later.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// By shop number and index.
    pub(crate) written: BTreeMap<(u32, u64), Written>,
    /// By request id.
    pub(crate) jobs: BTreeMap<String, Job>,
    /// How many asynchronous requests were ever accepted.
    pub(crate) taken: u64,
    rows: u64,
}

impl State {
    /// What calls had written to an order at `seen`.
    pub(crate) fn course(
        &self,
        shop: u32,
        index: u64,
        seen: Timestamp,
        switches: &RakutenSwitches,
    ) -> Course {
        let written = self.written.get(&(shop, index));
        let by_then = |event: Option<Timestamp>| event.filter(|at| *at <= seen);
        Course {
            staff_confirms: switches.staff_confirms,
            staff_ships: switches.staff_ships,
            confirmed: written.and_then(|w| by_then(w.confirmed)),
            written: written.and_then(|w| by_then(w.rows.first().map(|(at, _)| *at))),
            completed: written.and_then(|w| by_then(w.completed)),
            handling: Duration::from_secs(switches.handling_s),
        }
    }

    /// The rows of an order as they stood at `seen`, where calls wrote some.
    pub(crate) fn rows(&self, shop: u32, index: u64, seen: Timestamp) -> Option<&[Row]> {
        self.written.get(&(shop, index))?.rows(seen)
    }

    /// The number of a new row.
    pub(crate) fn next_row(&mut self) -> u64 {
        self.rows += 1;
        FIRST_ID + self.rows
    }
}
