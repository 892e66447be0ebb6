//! What calls changed at the malls, order by order and parcel by parcel, so that "reported once" can be counted at the
//! far end.

use std::collections::BTreeMap;

use serde::Serialize;

use super::World;
use super::http::Request;
use super::world::State;
use super::{amazon, aupay, rakuten, yahoo};
use crate::clock::Timestamp;

/// What became of a changing call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteEffect {
    /// It changed the order.
    Effective,
    /// The mall took it, and everything was so already: told twice.
    Repeated,
    /// The mall took it, and nothing will ever show of it.
    Vanished,
    /// The mall refused it.
    Refused,
}

/// One parcel, or one row for one, that a call told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParcelWrite {
    /// Which one: Rakuten `basketId`, Yahoo! `1` and `2` (the slip's place), au PAY `1`, Amazon the package's reference.
    pub parcel: String,
    /// Its slip; empty where it was taken away.
    pub number: String,
    /// Was it known by this slip already?
    pub repeated: bool,
}

/// One changing call about an order that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WriteEntry {
    /// When it took effect, or was refused, in simulated time.
    pub at: Timestamp,
    /// `rakuten`, `yahoo`, `aupay` or `amazon`.
    pub service: &'static str,
    /// `orderShipStatusChange`, `confirmShipment`, …; `feed` for a message of one.
    pub function: &'static str,
    /// What it asked for: names and values, none of them a person's.
    pub what: String,
    /// What became of it.
    pub effect: WriteEffect,
    /// Does it accept the order (Rakuten 100, au PAY 新規受付)?
    pub confirms: bool,
    /// Does it tell that goods left?
    pub ships: bool,
    /// Did the order become shipped by it, in whole or in part?
    pub shipped: bool,
    /// Was a card authorisation captured by it?
    pub captured: bool,
    /// Why goods must not leave for this order at that time, if so: `canceled`, `on_hold`, `under_review`, ….
    pub must_not_ship: Option<&'static str>,
    /// The parcels it told of.
    pub parcels: Vec<ParcelWrite>,
}

/// What calls told of one parcel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ParcelBook {
    /// Its slip as told last.
    pub number: String,
    /// Calls that told something new of it.
    pub effective: u32,
    /// Calls that told what was known.
    pub repeated: u32,
}

/// The sums of one order that a changing call was about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WriteBook {
    /// `rakuten`, `yahoo`, `aupay` or `amazon`.
    pub service: &'static str,
    /// The mall's number of the order.
    pub order_number: String,
    /// Calls that changed it.
    pub effective: u32,
    /// Calls that the mall took though everything was so already.
    pub repeated: u32,
    /// Calls that the mall took and of which nothing will show.
    pub vanished: u32,
    /// Calls that it refused.
    pub refused: u32,
    /// Calls by which the shop accepted it.
    pub confirmations: u32,
    /// Calls by which it became shipped, in whole or in part.
    pub shipments: u32,
    /// Card authorisations captured by calls.
    pub captures: u32,
    /// Calls that told of goods leaving for an order whose goods must not leave, or accepted one that must not be
    /// accepted, refused ones included.
    pub forbidden: u32,
    /// Those of them that the mall took.
    pub forbidden_taken: u32,
    /// Changing calls that came while another one about it was under way.
    pub overlaps: u32,
    /// By parcel.
    pub parcels: BTreeMap<String, ParcelBook>,
}

impl WriteBook {
    fn new(order_number: &str, entries: &[WriteEntry], overlaps: u32) -> Self {
        let service = entries.first().map_or("", |entry| entry.service);
        let mut book = Self { service, order_number: order_number.to_owned(), overlaps, ..Self::default() };
        for entry in entries {
            let count = match entry.effect {
                WriteEffect::Effective => &mut book.effective,
                WriteEffect::Repeated => &mut book.repeated,
                WriteEffect::Vanished => &mut book.vanished,
                WriteEffect::Refused => &mut book.refused,
            };
            *count += 1;
            let taken = entry.effect != WriteEffect::Refused;
            book.confirmations += u32::from(entry.confirms && entry.effect == WriteEffect::Effective);
            book.shipments += u32::from(entry.shipped);
            book.captures += u32::from(entry.captured);
            let forbidden = (entry.ships || entry.confirms) && entry.must_not_ship.is_some();
            book.forbidden += u32::from(forbidden);
            book.forbidden_taken += u32::from(forbidden && taken);
            if matches!(entry.effect, WriteEffect::Effective | WriteEffect::Repeated) {
                for told in &entry.parcels {
                    let parcel = book.parcels.entry(told.parcel.clone()).or_default();
                    parcel.number.clone_from(&told.number);
                    *if told.repeated { &mut parcel.repeated } else { &mut parcel.effective } += 1;
                }
            }
        }
        book
    }
}

/// Shipment data of a parcel as the mall shows them; empty where there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ShipmentRow {
    /// The mall's number of the row, where it has one.
    pub id: String,
    /// The mall's code of the carrier.
    pub carrier: String,
    /// The tracking number.
    pub number: String,
    /// The day, `2026-04-21`.
    pub date: String,
}

/// What a mall shows of an order's shipment, whoever told it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Shipments {
    /// The order's status in the mall's words.
    pub status: String,
    /// The rows of each parcel, by the mall's number of the parcel.
    pub parcels: BTreeMap<String, Vec<ShipmentRow>>,
}

/// A call whose connection is gone and that has yet to take effect.
#[derive(Clone, Debug)]
struct Late {
    due: Timestamp,
    shop: String,
    orders: Vec<String>,
    request: Request,
}

/// The journal of changing calls, and those that are under way.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<String, Vec<WriteEntry>>,
    under_way: BTreeMap<String, u32>,
    overlaps: BTreeMap<String, u32>,
    late: Vec<Late>,
}

impl Ledger {
    pub(crate) fn note(&mut self, order_number: &str, entry: WriteEntry) {
        self.entries.entry(order_number.to_owned()).or_default().push(entry);
    }

    /// A changing call arrives.
    pub(crate) fn enter(&mut self, orders: &[String]) {
        for order in orders {
            let count = self.under_way.entry(order.clone()).or_default();
            if *count > 0 {
                *self.overlaps.entry(order.clone()).or_default() += 1;
            }
            *count += 1;
        }
    }

    /// It has yet to take effect when it is answered: it is under way until then.
    pub(crate) fn stay(&mut self, orders: &[String]) {
        for order in orders {
            *self.under_way.entry(order.clone()).or_default() += 1;
        }
    }

    /// It is answered or its client is gone, or it takes effect at last.
    pub(crate) fn leave(&mut self, orders: &[String]) {
        for order in orders {
            if let Some(count) = self.under_way.get_mut(order) {
                *count -= 1;
                if *count == 0 {
                    self.under_way.remove(order);
                }
            }
        }
    }

    /// A call of this shop will take effect at `due`.
    pub(crate) fn defer(&mut self, due: Timestamp, shop: &str, orders: Vec<String>, request: Request) {
        self.stay(&orders);
        self.late.push(Late { due, shop: shop.to_owned(), orders, request });
    }

    fn book(&self, order_number: &str) -> Option<WriteBook> {
        let overlaps = self.overlaps.get(order_number).copied().unwrap_or(0);
        let entries = self.entries.get(order_number).map(Vec::as_slice);
        (entries.is_some() || overlaps > 0)
            .then(|| WriteBook::new(order_number, entries.unwrap_or_default(), overlaps))
    }
}

impl World {
    /// The sums of every order of a mall that a changing call was about, by order number.
    #[must_use]
    pub fn write_books(&self) -> Vec<WriteBook> {
        self.catch_up();
        let state = self.state();
        let overlapping = state.ledger.overlaps.keys().filter(|n| !state.ledger.entries.contains_key(*n));
        state.ledger.entries.keys().chain(overlapping).filter_map(|n| state.ledger.book(n)).collect()
    }

    /// The sums of one order; `None` where no changing call was about it.
    #[must_use]
    pub fn write_book(&self, order_number: &str) -> Option<WriteBook> {
        self.catch_up();
        self.state().ledger.book(order_number)
    }

    /// The changing calls about one order, oldest first.
    #[must_use]
    pub fn write_entries(&self, order_number: &str) -> Vec<WriteEntry> {
        self.catch_up();
        self.state().ledger.entries.get(order_number).cloned().unwrap_or_default()
    }

    /// What a shop's mall shows of an order's shipment now. `None` where there is no such order.
    #[must_use]
    pub fn shipments(&self, shop: &str, order_number: &str) -> Option<Shipments> {
        self.catch_up();
        let now = self.now();
        let state = self.state();
        self.rakuten_shipments(&state, shop, order_number, now)
            .or_else(|| self.aupay_shipments(&state, shop, order_number, now))
            .or_else(|| self.yahoo_shipments(&state, shop, order_number, now))
            .or_else(|| self.amazon_shipments(&state, shop, order_number, now))
    }

    /// Lets happen what was put off and is due by now: effects that come late, requests that were accepted.
    pub(crate) fn catch_up(&self) {
        let now = self.now();
        let mut state = self.state();
        yahoo::catch_up(self, &mut state, now);
        amazon::catch_up(self, &mut state, now);
        loop {
            let late = state.ledger.late.iter().map(|late| late.due).min();
            let accepted = state.rakuten.next_due();
            let Some(due) = late.into_iter().chain(accepted).min().filter(|due| *due <= now) else { return };
            if accepted == Some(due) {
                rakuten::work_off(self, &mut state, due);
            } else {
                self.run_late(&mut state, due);
            }
        }
    }

    /// Done or refused: nobody waits for the answer any more, and the journal has it.
    fn run_late(&self, state: &mut State, due: Timestamp) {
        for late in state.ledger.late.extract_if(.., |late| late.due == due).collect::<Vec<_>>() {
            state.ledger.leave(&late.orders);
            if let Some(call) = rakuten::Call::route(&late.request) {
                drop(rakuten::late(self, state, &late.shop, &call, due));
            } else if let Some(call) = aupay::Call::route(&late.request) {
                drop(aupay::late(self, state, &late.shop, &call, due));
            }
        }
    }
}
