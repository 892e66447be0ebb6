//! What the gateway keeps of a settlement (kuroneko-webcollect.md §5.1, §7).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::cart::{self, CartOrder, Oddity, Payment};

/// A slip on a settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slip {
    pub(crate) number: String,
    /// `00` Yamato, `99` another carrier.
    pub(crate) service: String,
    pub(crate) registered: Timestamp,
    pub(crate) scanned: Option<Timestamp>,
    pub(crate) delivered: Option<Timestamp>,
}

/// One settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settlement {
    pub(crate) amount: i64,
    pub(crate) status: u8,
    pub(crate) auth_code: String,
    pub(crate) authorized: Timestamp,
    pub(crate) settled_at: Timestamp,
    pub(crate) slips: Vec<Slip>,
    pub(crate) canceled: Option<Timestamp>,
    pub(crate) renewed: Timestamp,
    pub(crate) sequence: u64,
}

/// What the gateway's ledger says of one settlement that somebody touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Book {
    /// 加盟店コード.
    pub trader_code: String,
    /// 受付番号.
    pub order_no: String,
    /// Captures in force: 1 once registered, 0 after an undo or a cancel.
    pub effective_captures: u32,
    /// Times the settlement went from authorised to captured, undone ones included.
    pub captures: u32,
    /// E01 calls for a slip that was already on it: refused, but each one a resend.
    pub repeated_captures: u32,
    /// Captures after the authorisation had lapsed.
    pub lapsed_captures: u32,
    /// 取引状況.
    pub status: u8,
    /// Yen.
    pub amount: i64,
    /// Slips on it.
    pub slips: Vec<String>,
    /// Times the amount was changed.
    pub amount_changes: u32,
    /// Times it was authorised again.
    pub reauthorizations: u32,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) captures: u32,
    pub(crate) undone: u32,
    pub(crate) repeated: u32,
    pub(crate) lapsed: u32,
    pub(crate) changes: u32,
    pub(crate) reauthorizations: u32,
}

/// Everything that calls have changed; untouched settlements are computed from the cart's orders.
#[derive(Debug, Default)]
pub(crate) struct Gateway {
    touched: BTreeMap<String, Settlement>,
    /// The state before the latest change, and when that was.
    previous: BTreeMap<String, (Settlement, Timestamp)>,
    pub(crate) ledger: BTreeMap<String, Ledger>,
    /// Which orders a slip is on.
    pub(crate) carried: BTreeMap<String, BTreeSet<String>>,
}

impl Gateway {
    /// The settlement as it is now.
    pub(crate) fn get(&self, world: &World, order_no: &str, now: Timestamp) -> Option<Settlement> {
        match self.touched.get(order_no) {
            Some(settlement) => Some(settlement.clone()),
            None => seeded(world, order_no).filter(|s| s.settled_at <= now),
        }
    }

    /// The settlement as a look-up shows it: with `stale`, the one before the latest change for 60 s.
    pub(crate) fn shown(
        &self,
        world: &World,
        order_no: &str,
        now: Timestamp,
        stale: bool,
    ) -> Option<Settlement> {
        if stale
            && let Some((previous, at)) = self.previous.get(order_no)
            && now < *at + Duration::from_secs(60)
        {
            return Some(previous.clone());
        }
        self.get(world, order_no, now)
    }

    /// Puts the changed settlement in place.
    pub(crate) fn put(&mut self, order_no: &str, before: Settlement, mut after: Settlement, now: Timestamp) {
        after.renewed = now;
        self.previous.insert(order_no.to_owned(), (before, now));
        self.touched.insert(order_no.to_owned(), after);
    }

    pub(crate) fn ledger(&mut self, order_no: &str) -> &mut Ledger {
        self.ledger.entry(order_no.to_owned()).or_default()
    }

    /// The other orders that share a slip with this one.
    pub(crate) fn consolidated_with(&self, order_no: &str) -> BTreeSet<String> {
        let shared = self.carried.values().filter(|orders| orders.contains(order_no));
        shared.flatten().filter(|other| *other != order_no).cloned().collect()
    }

    /// Takes every slip off an order.
    pub(crate) fn release(&mut self, order_no: &str) {
        for orders in self.carried.values_mut() {
            orders.remove(order_no);
        }
        self.carried.retain(|_, orders| !orders.is_empty());
    }

    /// Parcels are scanned (or, with `delivered`, delivered): 30 becomes 31 when all slips of an order moved.
    /// `only` limits it to one order, `registered_by` to slips registered by then. Returns the orders that settled.
    pub(crate) fn scan(
        &mut self,
        only: Option<&str>,
        registered_by: Timestamp,
        delivered: bool,
        now: Timestamp,
    ) -> Vec<String> {
        let mut settled = Vec::new();
        for (order_no, settlement) in &mut self.touched {
            let meant = only.is_none_or(|o| o == order_no) && matches!(settlement.status, 30 | 31);
            if !meant || settlement.slips.iter().any(|s| s.registered > registered_by) {
                continue;
            }
            for slip in &mut settlement.slips {
                slip.scanned.get_or_insert(now);
                if delivered {
                    slip.delivered.get_or_insert(now);
                }
            }
            if settlement.status == 30 {
                settlement.status = 31;
                settlement.renewed = now;
                settled.push(order_no.clone());
            }
        }
        settled
    }

    /// The ledger of everything touched.
    pub(crate) fn books(&self) -> Vec<Book> {
        self.ledger
            .iter()
            .filter_map(|(order_no, ledger)| {
                let settlement = self.touched.get(order_no)?;
                Some(Book {
                    trader_code: crate::sim::TRADER_CODE.to_owned(),
                    order_no: order_no.clone(),
                    effective_captures: ledger.captures.saturating_sub(ledger.undone),
                    captures: ledger.captures,
                    repeated_captures: ledger.repeated,
                    lapsed_captures: ledger.lapsed,
                    status: settlement.status,
                    amount: settlement.amount,
                    slips: settlement.slips.iter().map(|s| s.number.clone()).collect(),
                    amount_changes: ledger.changes,
                    reauthorizations: ledger.reauthorizations,
                })
            })
            .collect()
    }
}

/// The settlement that the cart's checkout made when the order was placed.
fn seeded(world: &World, order_no: &str) -> Option<Settlement> {
    let order = CartOrder::new(world, cart::index_of(world, order_no)?);
    if order.payment != Payment::Card || order.oddity == Oddity::Missing {
        return None;
    }
    let canceled = (order.oddity == Oddity::Canceled).then(|| order.placed + Duration::from_secs(600));
    Some(Settlement {
        amount: order.due() + if order.oddity == Oddity::Amount { 110 } else { 0 },
        status: match order.oddity {
            Oddity::Refused => 11,
            Oddity::Canceled => 40,
            _ => 4,
        },
        auth_code: format!("{:09}", 123_456 + order.index),
        authorized: order.placed,
        settled_at: order.placed,
        slips: Vec::new(),
        canceled,
        renewed: canceled.unwrap_or(order.placed),
        sequence: 12_345_678 + order.index,
    })
}

impl Settlement {
    /// The last day of the authorisation is `days` days long, the day it was made included; is that over?
    pub(crate) fn lapsed(&self, now: Timestamp, days: u64) -> bool {
        now.jst_date() > (self.authorized + Duration::from_hours(24 * (days - 1))).jst_date()
    }
}
