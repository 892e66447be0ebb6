//! What the gateway keeps of a settlement (kuroneko-webcollect.md §5.1, §7).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::books::{Book, By, Effect, Entry, stands};
use super::cards::StoredCard;
use super::checkout::Token;
use super::switches::WebcollectSwitches;
use super::traffic::Traffic;
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::cart::{self, CartOrder, Oddity, Payment};

/// When the gateway's own nightly work is done, after midnight in Japan.
const BATCH: Duration = Duration::from_hours(2);

/// A slip on a settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slip {
    pub(crate) number: String,
    /// `00` Yamato, `99` another carrier.
    pub(crate) service: &'static str,
    pub(crate) registered: Timestamp,
    /// Scanned as shipped (`00`), or taken by the nightly batch (`99`).
    pub(crate) passed: Option<Timestamp>,
    pub(crate) delivered: Option<Timestamp>,
}

/// How a settlement is paid (決済手段, §2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// A card, VISA.
    #[default]
    Card,
    /// A convenience store, セブン-イレブン.
    ConvenienceStore,
}

/// One settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settlement {
    pub(crate) amount: i64,
    pub(crate) status: u8,
    pub(crate) means: Means,
    pub(crate) member: String,
    /// Empty while it is a reservation.
    pub(crate) auth_code: String,
    pub(crate) authorized: Timestamp,
    pub(crate) settled_at: Timestamp,
    pub(crate) slips: Vec<Slip>,
    pub(crate) planned: Option<NaiveDate>,
    pub(crate) canceled: Option<Timestamp>,
    pub(crate) renewed: Timestamp,
    pub(crate) sequence: u64,
}

impl Settlement {
    /// The authorisation is `days` days long, the day it was made included; is it over?
    pub(crate) fn lapsed(&self, now: Timestamp, days: u64) -> bool {
        let last = self.authorized.jst_date().checked_add_days(Days::new(days.saturating_sub(1)));
        last.is_some_and(|last| now.jst_date() > last)
    }

    /// When a reservation is authorised: ten days before the planned ship date, that day counted in (§5.3); at once when
    /// that is past.
    fn authorized_from(&self, days: u64) -> Option<Timestamp> {
        let first = self.planned?.checked_sub_days(Days::new(days.saturating_sub(1)))?;
        Some((Timestamp::jst_midnight(first) + BATCH).max(self.renewed))
    }
}

/// A settlement made from outside, as a checkout would make it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// 受付番号; one that nothing else uses.
    pub order_no: String,
    /// Yen.
    pub amount: i64,
    /// 出荷予定日: makes it a reservation (status 5).
    #[serde(default)]
    pub scheduled_shipping_date: Option<NaiveDate>,
    /// 取引状況, if neither 4 nor 5.
    #[serde(default)]
    pub status: Option<u8>,
    /// How it is paid.
    #[serde(default)]
    pub means: Means,
    /// 会員ID.
    #[serde(default)]
    pub member_id: String,
    /// When the checkout was; now, if not given.
    #[serde(default)]
    pub placed_at: Option<Timestamp>,
}

/// What is noted of a change.
pub(crate) struct Note<'a> {
    pub(crate) function: &'static str,
    pub(crate) what: &'a str,
    pub(crate) effect: Effect,
    pub(crate) by: By,
    pub(crate) at: Timestamp,
    pub(crate) lapsed: bool,
}

/// Everything that calls have changed; untouched settlements are computed from the cart's orders.
#[derive(Debug, Default)]
pub(crate) struct Gateway {
    touched: BTreeMap<String, Settlement>,
    /// The state before the latest change, and when that was.
    previous: BTreeMap<String, (Settlement, Timestamp)>,
    /// The journal of changes, settlement by settlement.
    entries: BTreeMap<String, Vec<Entry>>,
    /// Which orders a slip is on.
    carried: BTreeMap<String, BTreeSet<String>>,
    /// Settlements on 5.
    reserved: BTreeSet<String>,
    placed: u64,
    pub(crate) cards: BTreeMap<(String, String), Vec<StoredCard>>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) traffic: Traffic,
}

impl Gateway {
    /// The settlement as it is now.
    pub(crate) fn get(&self, world: &World, order_no: &str, now: Timestamp) -> Option<Settlement> {
        match self.touched.get(order_no) {
            Some(settlement) => Some(settlement.clone()),
            None => seeded(world, order_no).filter(|s| s.settled_at <= now),
        }
    }

    /// The settlement as a look-up shows it: with `stale`, the one before the latest change for so long after it.
    pub(crate) fn shown(
        &self,
        world: &World,
        order_no: &str,
        now: Timestamp,
        stale: Option<Duration>,
    ) -> Option<Settlement> {
        if let Some(stale) = stale
            && let Some((previous, at)) = self.previous.get(order_no)
            && now < *at + stale
        {
            return Some(previous.clone());
        }
        self.get(world, order_no, now)
    }

    /// Puts the changed settlement in place and the change into the books.
    pub(crate) fn put(&mut self, order_no: &str, before: Settlement, mut after: Settlement, note: &Note<'_>) {
        after.renewed = note.at;
        for slip in &before.slips {
            let kept = after.slips.iter().any(|s| s.number == slip.number);
            if !kept && let Some(orders) = self.carried.get_mut(&slip.number) {
                orders.remove(order_no);
                if orders.is_empty() {
                    self.carried.remove(&slip.number);
                }
            }
        }
        for slip in &after.slips {
            self.carried.entry(slip.number.clone()).or_default().insert(order_no.to_owned());
        }
        if after.status == 5 {
            self.reserved.insert(order_no.to_owned());
        } else {
            self.reserved.remove(order_no);
        }
        self.note(order_no, before.status, &after, note);
        self.previous.insert(order_no.to_owned(), (before, note.at));
        self.touched.insert(order_no.to_owned(), after);
    }

    /// A line in the books.
    pub(crate) fn note(&mut self, order_no: &str, from: u8, after: &Settlement, note: &Note<'_>) {
        self.entries.entry(order_no.to_owned()).or_default().push(Entry {
            at: note.at,
            function: note.function,
            what: note.what.to_owned(),
            effect: note.effect,
            by: note.by,
            from,
            to: after.status,
            amount: after.amount,
            lapsed: note.lapsed,
        });
    }

    /// Did a call do this before, and does it stand?
    pub(crate) fn stands(&self, order_no: &str, function: &str, what: &str, now: Timestamp) -> bool {
        stands(self.entries(order_no), function, what, now)
    }

    /// The orders that a slip is on.
    pub(crate) fn carries(&self, slip: &str) -> BTreeSet<String> {
        self.carried.get(slip).cloned().unwrap_or_default()
    }

    /// The other orders that share a slip with this one.
    pub(crate) fn consolidated_with(&self, order_no: &str, settlement: &Settlement) -> BTreeSet<String> {
        let shared = settlement.slips.iter().filter_map(|slip| self.carried.get(&slip.number));
        shared.flatten().filter(|other| *other != order_no).cloned().collect()
    }

    /// A checkout from outside. False where the number is taken.
    pub(crate) fn place(&mut self, world: &World, placement: Placement, now: Timestamp) -> bool {
        let order_no = placement.order_no;
        if self.touched.contains_key(&order_no) || seeded(world, &order_no).is_some() {
            return false;
        }
        let reserved = placement.scheduled_shipping_date.is_some();
        let at = placement.placed_at.unwrap_or(now);
        self.placed += 1;
        let status = placement.status.unwrap_or(if reserved { 5 } else { 4 });
        let settlement = Settlement {
            amount: placement.amount,
            status,
            means: placement.means,
            member: placement.member_id,
            auth_code: if status == 5 { String::new() } else { format!("{:09}", 700_000_000 + self.placed) },
            authorized: at,
            settled_at: at,
            slips: Vec::new(),
            planned: placement.scheduled_shipping_date,
            canceled: (status == 40).then_some(at),
            renewed: at,
            sequence: 70_000_000 + self.placed,
        };
        if status == 5 {
            self.reserved.insert(order_no.clone());
        }
        self.touched.insert(order_no, settlement);
        true
    }

    /// Reservations whose day has come are authorised, or refused (15).
    pub(crate) fn authorize_reservations(&mut self, switches: &WebcollectSwitches, now: Timestamp) {
        let days = switches.reservation_days;
        for order_no in self.reserved.clone() {
            let Some(before) = self.touched.get(&order_no).cloned() else { continue };
            let Some(at) = before.authorized_from(days).filter(|at| *at <= now) else { continue };
            let mut after = before.clone();
            let declined = switches.declined.contains(&order_no);
            if declined {
                after.status = 15;
            } else {
                after.status = 4;
                after.auth_code = format!("{:09}", 800_000_000 + before.sequence % 100_000_000);
                after.authorized = at;
            }
            let effect = if declined { Effect::Declined } else { Effect::Effective };
            let note = Note { function: "reservation", what: "", effect, by: By::Gateway, at, lapsed: false };
            self.put(&order_no, before, after, &note);
        }
    }

    /// Slips of a service (`00`: scanned, with `delivered` delivered too; `99`: taken by the batch) that were registered
    /// by `registered_by` move on. A slip moves on every order that it is on; 30 becomes 31 when all slips of an order
    /// have. `only` limits it to the slips of one order. Returns the orders that settled.
    pub(crate) fn pass(&mut self, passing: &Passing<'_>, now: Timestamp) -> Vec<String> {
        let done = |slip: &Slip| {
            if passing.delivered { slip.delivered.is_some() } else { slip.passed.is_some() }
        };
        let captured = |s: &Settlement| matches!(s.status, 30 | 31);
        let mut moving = BTreeSet::new();
        for (order_no, settlement) in &self.touched {
            if passing.only.is_none_or(|only| only == order_no) && captured(settlement) {
                let moves = settlement.slips.iter().filter(|slip| {
                    slip.service == passing.service
                        && slip.registered <= passing.registered_by
                        && !done(slip)
                        && !passing.except.contains(&slip.number)
                });
                moving.extend(moves.map(|slip| slip.number.clone()));
            }
        }
        let orders: BTreeSet<String> =
            moving.iter().filter_map(|slip| self.carried.get(slip)).flatten().cloned().collect();
        let mut settled = Vec::new();
        for order_no in orders {
            let Some(before) = self.touched.get(&order_no).filter(|s| captured(s)).cloned() else { continue };
            let mut after = before.clone();
            for slip in after.slips.iter_mut().filter(|slip| moving.contains(&slip.number)) {
                slip.passed.get_or_insert(now);
                if passing.delivered {
                    slip.delivered.get_or_insert(now);
                }
            }
            if before.status == 30 && after.slips.iter().all(|slip| slip.passed.is_some()) {
                after.status = 31;
                let function = if passing.service == "99" { "batch" } else { "scan" };
                let effect = Effect::Effective;
                let note = Note { function, what: "", effect, by: By::Gateway, at: now, lapsed: false };
                self.put(&order_no, before, after, &note);
                settled.push(order_no);
            } else {
                self.touched.insert(order_no, after);
            }
        }
        settled
    }

    /// The journal of one settlement's changes, oldest first.
    pub(crate) fn entries(&self, order_no: &str) -> &[Entry] {
        self.entries.get(order_no).map_or(&[], Vec::as_slice)
    }

    /// The sums of everything that has a journal.
    pub(crate) fn books(&self, world: &World, now: Timestamp) -> Vec<Book> {
        let all = self.entries.iter();
        all.filter_map(|(order_no, entries)| {
            Some(Book::new(order_no, &self.get(world, order_no, now)?, entries))
        })
        .collect()
    }
}

/// Which slips move on.
pub(crate) struct Passing<'a> {
    /// `00` or `99`.
    pub(crate) service: &'static str,
    pub(crate) only: Option<&'a str>,
    pub(crate) registered_by: Timestamp,
    pub(crate) delivered: bool,
    /// Slips that never move.
    pub(crate) except: &'a BTreeSet<String>,
}

/// When the latest nightly batch was.
pub(crate) fn latest_batch(now: Timestamp) -> Timestamp {
    Timestamp::jst_midnight((now - BATCH).jst_date()) + BATCH
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
        means: Means::Card,
        member: String::new(),
        auth_code: format!("{:09}", 123_456 + order.index),
        authorized: order.placed,
        settled_at: order.placed,
        slips: Vec::new(),
        planned: None,
        canceled,
        renewed: canceled.unwrap_or(order.placed),
        sequence: 12_345_678 + order.index,
    })
}
