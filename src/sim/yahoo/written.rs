//! What calls wrote on an order, and what becomes of its plan by it: what was written stands, and what the store's staff
//! would have done later follows from it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::change::Change;
use super::kind::Kind;
use super::plan::{Plan, Step};
use crate::clock::Timestamp;

/// A change that took effect.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) at: Timestamp,
    pub(crate) change: Change,
}

/// What calls left on a plan, beside its steps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks {
    /// `OrderStatus` 1, 2 or 3 as a call set it last.
    pub(crate) order_set: Option<u8>,
    /// `ShipStatus` 0 or 1 as a call set it last.
    pub(crate) ship_set: Option<u8>,
    /// `PayStatus` as a call set it last.
    pub(crate) paid: Option<bool>,
    /// It was not the store's staff that made it shipped.
    pub(crate) shipped_by_call: bool,
    /// When a call made it shipped last.
    pub(crate) shipment: Option<Timestamp>,
    /// When its card was captured.
    pub(crate) captured: Option<Timestamp>,
    /// When it was completed for the first time, where it was opened again.
    pub(crate) first_done: Option<Timestamp>,
    /// When a call changed it last.
    pub(crate) last: Option<Timestamp>,
    /// What `HistoryId` counts beside the steps.
    pub(crate) history: i64,
}

/// Later than anything that is asked for.
const NEVER: Duration = Duration::from_hours(24 * 36_500);
/// What follows a shipment without anybody's call.
const AFTER: [Step; 3] = [Step::Arrived, Step::Completed, Step::Paid];

/// The values that stand after the changes, the last one of each.
pub(crate) fn values(log: &[Applied]) -> BTreeMap<&'static str, String> {
    let mut values: BTreeMap<&'static str, String> = BTreeMap::new();
    for applied in log {
        values.extend(applied.change.values.iter().map(|(name, value)| (*name, value.clone())));
    }
    values
}

impl Plan {
    /// `HistoryId`.
    pub(crate) fn history_id(&self, now: Timestamp) -> i64 {
        1 + i64::try_from(self.steps(now).count()).unwrap_or(0) + self.marks.history
    }

    /// One change.
    pub(super) fn write(&mut self, applied: &Applied) {
        let Applied { at, change } = applied;
        let at = *at;
        let before = self.history_id(at);
        if self.at(Step::Seen).is_none_or(|seen| seen > at) {
            self.set(Step::Seen, at);
        }
        if self.done(Step::StrangeFrom, at) && self.open(Step::StrangeTo, at) {
            self.set(Step::StrangeTo, at);
        }
        if let Some(paid) = change.pay_status {
            self.pay(paid, at);
        }
        if let Some(status) = change.ship_status {
            self.ship(status, at);
        }
        if let Some(status) = change.order_status {
            self.proceed(status, change.reason, at);
        }
        self.marks.last = Some(at);
        // One more than before, whichever steps came or went by it.
        self.marks.history += before + 1 - self.history_id(at);
    }

    fn pay(&mut self, paid: bool, at: Timestamp) {
        self.marks.paid = Some(paid);
        if !paid {
            self.clear(Step::Paid);
            return;
        }
        if !self.done(Step::Paid, at) {
            self.set(Step::Paid, at);
        }
        if self.kind == Kind::PrepaidUnpaid {
            // Nobody cancels for want of money any more.
            self.clear(Step::Canceled);
        }
    }

    fn ship(&mut self, status: u8, at: Timestamp) {
        let shipped = self.past(Step::Shipped, at);
        if let Some(shipped) = shipped {
            self.marks.captured.get_or_insert(shipped);
        }
        if self.open(Step::Preparing, at) {
            self.clear(Step::Preparing);
        }
        match status {
            3 | 4 if shipped.is_none() => {
                self.follow(at);
                self.set(Step::Shipped, at);
                self.marks.shipped_by_call = true;
                self.marks.shipment = Some(at);
                self.marks.captured.get_or_insert(at);
                self.marks.ship_set = None;
                // Nobody splits what has left.
                self.clear(Step::Split);
            }
            3 | 4 => {}
            _ => {
                self.marks.ship_set = (status < 2).then_some(status);
                if shipped.is_some() {
                    // Taken back: it waits for the next call.
                    for step in [Step::Shipped, Step::Arrived, Step::Completed] {
                        self.clear_unless(step, step == Step::Completed && self.done(step, at));
                    }
                    self.marks.shipped_by_call = false;
                }
            }
        }
        match status {
            4 if !self.done(Step::Arrived, at) => self.set(Step::Arrived, at),
            3 if self.done(Step::Arrived, at) => self.clear(Step::Arrived),
            2 if !self.done(Step::Preparing, at) => self.set(Step::Preparing, at),
            0 | 1 => self.clear(Step::Preparing),
            _ => {}
        }
    }

    /// What would have followed the shipment that staff had planned follows this one, as long after it.
    fn follow(&mut self, at: Timestamp) {
        let planned = self.at(Step::Shipped);
        let paid_later = self.paid_after_arrival();
        for step in AFTER.into_iter().filter(|step| *step != Step::Paid || paid_later) {
            let Some(then) = self.at(step).filter(|then| *then > at || planned.is_some_and(|p| *then > p))
            else {
                continue;
            };
            match planned {
                Some(planned) => {
                    let moved = then.micros() - planned.micros() + at.micros();
                    self.set(step, Timestamp::from_micros(moved));
                }
                None => self.clear(step),
            }
        }
        if let Some(end) = self.at(Step::Canceled) {
            for step in AFTER {
                self.clear_unless(step, self.at(step).is_none_or(|then| then <= end));
            }
        }
    }

    /// A method of the store's own whose money comes when the goods have.
    fn paid_after_arrival(&self) -> bool {
        self.method.own && self.kind != Kind::Prepaid && self.marks.paid.is_none()
    }

    fn proceed(&mut self, status: u8, reason: u16, at: Timestamp) {
        match status {
            4 => {
                self.cancel(at);
                self.reason = reason;
            }
            5 => {
                let first = self.marks.first_done.or(self.past(Step::Completed, at));
                self.marks.first_done = first.or(Some(at));
                self.set(Step::Completed, at);
                self.marks.order_set = None;
            }
            status => {
                self.marks.first_done = self.marks.first_done.or(self.past(Step::Completed, at));
                self.marks.order_set = Some(status);
                self.clear(Step::Completed);
                if status == 3 {
                    for step in [Step::Preparing, Step::Shipped, Step::Arrived] {
                        self.clear_unless(step, self.done(step, at));
                    }
                }
            }
        }
    }

    /// After `end` the store's staff ships nothing: what they would have shipped waits for a call.
    pub(super) fn put_off(&mut self, end: Timestamp) {
        if self.at(Step::Shipped).is_none_or(|shipped| shipped <= end) {
            return;
        }
        self.clear_unless(Step::Preparing, self.done(Step::Preparing, end));
        let paid_later = self.paid_after_arrival();
        for step in AFTER.into_iter().chain([Step::Shipped]) {
            if let Some(at) = self.at(step).filter(|_| step != Step::Paid || paid_later) {
                self.set(step, at + NEVER);
            }
        }
    }

    /// What was put off and no call shipped never happens.
    pub(super) fn without_staff(&mut self, end: Timestamp) {
        if self.at(Step::Shipped).is_none_or(|shipped| shipped < end + NEVER) {
            return;
        }
        for step in AFTER.into_iter().chain([Step::Shipped]) {
            self.clear_unless(step, self.at(step).is_none_or(|at| at < end + NEVER));
        }
        if self.kind == Kind::CancelAfter {
            // Nothing comes back that never left.
            self.clear_unless(Step::Canceled, self.done(Step::Canceled, end));
            self.clear_unless(Step::Refunded, self.done(Step::Refunded, end));
        }
    }

    fn clear_unless(&mut self, step: Step, kept: bool) {
        if !kept {
            self.clear(step);
        }
    }

    /// Why goods must not leave for it, if so: what stands in an order for which nothing is to be reported.
    pub(crate) fn must_not_ship(&self, now: Timestamp) -> Option<&'static str> {
        let status = self.order_status(now);
        Some(if self.ended(now) {
            "canceled"
        } else if self.read_only(now) {
            "read_only"
        } else if self.held(now) {
            "under_review"
        } else if self.fraud_hold(now) == "3" {
            "abuse"
        } else if self.suspect(now) == "1" {
            "suspect"
        } else if status == "3" {
            "on_hold"
        } else if status == "1" || status == "8" {
            "reserved"
        } else if status == "7" || self.ship_status(now) == "9" {
            "unknown"
        } else if self.line() && !self.address_known(now) {
            "line_not_shippable"
        } else if self.ship_status(now) == "0" {
            "not_shippable"
        } else {
            return None;
        })
    }

    /// When a call made it shipped, if that was within `span` before `now`.
    pub(crate) fn shipped_lately(&self, span: Duration, now: Timestamp) -> bool {
        self.marks.shipment.is_some_and(|at| at + span > now)
    }
}
