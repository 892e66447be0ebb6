//! What happens to an Amazon order and when: a function of (seed, index), so its state is one of (index, now).

use std::time::Duration;

use super::kind;
pub(crate) use super::kind::{Kind, LONG_EVERY, LONG_FIRST};
use super::sent::Told;
use crate::clock::Timestamp;
use crate::sim::dice::{Dice, Salt};

/// No order changes later than this after it was placed.
pub(crate) const LIFE: Duration = Duration::from_hours(24 * 60);
/// Nor later than this, but for one order in [`LONG_EVERY`].
pub(crate) const SHORT_LIFE: Duration = Duration::from_hours(24 * 9);
/// From one package of an order to the next.
const BETWEEN_PACKAGES: Duration = Duration::from_hours(2);

/// The order's history, future included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) index: u64,
    pub(crate) kind: Kind,
    pub(crate) placed: Timestamp,
    /// When Amazon released it: nobody sees it before.
    pub(crate) listed: Timestamp,
    /// A pre-order's goods exist.
    pub(crate) available: Option<Timestamp>,
    pub(crate) paid: Option<Timestamp>,
    pub(crate) cancel_asked: Option<Timestamp>,
    pub(crate) line_canceled: Option<Timestamp>,
    pub(crate) canceled: Option<Timestamp>,
    /// Cancelled by the buyer, the merchant or Amazon.
    pub(crate) canceled_by: &'static str,
    /// How many packages it leaves in.
    pub(crate) packages: usize,
    /// When each of them left, the last one last.
    pub(crate) left: [Option<Timestamp>; 3],
    pub(crate) delivered: Option<Timestamp>,
    /// What calls told of its packages.
    pub(crate) told: Told,
    /// Amazon changed something that does not show.
    pub(crate) touched: Option<Timestamp>,
    /// An unknown status is shown meanwhile.
    pub(crate) strange: Option<(Timestamp, Timestamp)>,
    /// Times without a fraction of a second.
    pub(crate) whole_seconds: bool,
}

impl Plan {
    /// The plan of order `index`.
    pub(crate) fn new(seed: u64, index: u64, placed: Timestamp) -> Self {
        let mut dice = Dice::new(seed, Salt::AmazonPlan, index);
        let kind = kind::of(&mut dice, index);
        let hours = |n: u64| Duration::from_hours(n);
        let whole_seconds = dice.one_in(5);
        let fraction = Duration::from_millis(if whole_seconds { 0 } else { dice.between(1, 999) });

        let mut listed = placed + Duration::from_secs(dice.between(1, 4)) + fraction;
        if kind == Kind::LateRelease {
            listed = listed + dice.minutes(30, 600);
        }
        let mut plan = Self {
            index,
            kind,
            placed,
            listed,
            available: None,
            paid: None,
            cancel_asked: None,
            line_canceled: None,
            canceled: None,
            canceled_by: "",
            packages: if kind == Kind::SeveralPackages { 2 + usize::from(dice.one_in(2)) } else { 1 },
            left: [None; 3],
            delivered: None,
            told: Told::default(),
            touched: None,
            strange: None,
            whole_seconds,
        };
        // Usually fulfillable about 30 minutes after it was placed (§11.1).
        let mut paid = listed + dice.minutes(10, 45);
        match kind {
            Kind::Store => paid = listed + dice.minutes(120, 96 * 60),
            Kind::StoreUnpaid => {
                plan.cancel("AMAZON", placed + hours(24 * 6) + dice.minutes(60, 600) + fraction);
                return plan;
            }
            Kind::CancelPending => {
                plan.cancel("BUYER", listed + dice.minutes(2, 9));
                return plan;
            }
            Kind::Unfulfillable => return plan,
            Kind::PreOrder => {
                let available = listed + dice.minutes(10 * 1_440, 40 * 1_440);
                plan.available = Some(available);
                paid = available + dice.minutes(30, 600);
            }
            _ => {}
        }
        plan.paid = Some(paid);
        let mut ready = paid;
        match kind {
            Kind::LongLead => ready = paid + dice.minutes(10 * 1_440, 30 * 1_440),
            Kind::UnknownStatus => {
                let from = paid + dice.minutes(30, 120);
                ready = from + hours(6);
                plan.strange = Some((from, ready));
            }
            Kind::CancelAsked => {
                let asked = paid + dice.minutes(30, 600);
                plan.cancel_asked = Some(asked);
                plan.cancel("MERCHANT", asked + dice.minutes(30, 1_440));
                return plan;
            }
            Kind::CancelByMerchant => {
                plan.cancel("MERCHANT", paid + dice.minutes(60, 1_440));
                return plan;
            }
            Kind::CancelIgnored => {
                let asked = paid + dice.minutes(30, 300);
                plan.cancel_asked = Some(asked);
                ready = asked;
            }
            Kind::LineCanceled => {
                let at = paid + dice.minutes(60, 600);
                plan.line_canceled = Some(at);
                ready = at;
            }
            _ => {}
        }
        let shipped = ready + dice.minutes(6 * 60, 48 * 60);
        let delivered = shipped + dice.minutes(12 * 60, 48 * 60);
        for (k, ahead) in (0..plan.packages).rev().enumerate() {
            plan.left[k] = Some(shipped - BETWEEN_PACKAGES * u32::try_from(ahead).unwrap_or(0));
        }
        plan.delivered = Some(delivered);
        if kind == Kind::LateTouch {
            plan.touched = Some(delivered + dice.minutes(15 * 1_440, 45 * 1_440));
        }
        plan
    }

    /// Cancels: what would have come later does not happen.
    pub(crate) fn cancel(&mut self, by: &'static str, at: Timestamp) {
        self.canceled = Some(at);
        self.canceled_by = by;
        self.left = [None; 3];
        self.delivered = None;
        self.touched = None;
        for event in [&mut self.available, &mut self.paid, &mut self.cancel_asked, &mut self.line_canceled] {
            *event = event.filter(|event| *event < at);
        }
        self.end_strangeness(at);
    }

    fn end_strangeness(&mut self, at: Timestamp) {
        self.strange = self.strange.filter(|(from, _)| *from < at).map(|(from, to)| (from, to.min(at)));
    }

    /// Ships all that has not left by `at` in one package at that time.
    pub(crate) fn ship(&mut self, at: Timestamp) {
        let gone = (0..self.packages).filter(|&k| self.has_left(k, at)).count().min(2);
        self.left[gone] = Some(at);
        self.left[gone + 1..].fill(None);
        self.packages = gone + 1;
        self.delivered = Some(at + Duration::from_hours(24));
        self.end_strangeness(at);
        self.line_canceled = self.line_canceled.filter(|event| *event < at);
        self.cancel_asked = self.cancel_asked.filter(|event| *event < at);
    }

    /// The merchant's staff ships nothing after `at`; Amazon does.
    pub(crate) fn stop(&mut self, at: Timestamp) {
        if !self.kind.by_amazon() && self.shipped().is_some_and(|shipped| shipped > at) {
            for left in &mut self.left {
                *left = left.filter(|left| *left <= at);
            }
            self.delivered = None;
            self.touched = None;
        }
    }

    /// When the last package left.
    pub(crate) fn shipped(&self) -> Option<Timestamp> {
        self.left[self.packages - 1]
    }

    /// Has package `k` left by `at`?
    pub(crate) fn has_left(&self, k: usize, at: Timestamp) -> bool {
        self.left[k].is_some_and(|left| left <= at)
    }

    /// Can anybody see it?
    pub(crate) fn visible(&self, at: Timestamp) -> bool {
        self.listed <= at
    }

    /// `fulfillmentStatus` at `at` (§8.4, §11.1).
    pub(crate) fn status(&self, at: Timestamp) -> &'static str {
        let reached = |event: Option<Timestamp>| event.is_some_and(|event| event <= at);
        if reached(self.canceled) {
            "CANCELLED"
        } else if self.kind == Kind::Unfulfillable {
            "UNFULFILLABLE"
        } else if self.strange.is_some_and(|(from, to)| from <= at && at < to) {
            "AWAITING_REVIEW"
        } else if reached(self.shipped()) || reached(self.told.complete) {
            "SHIPPED"
        } else if reached(self.left[0]) || reached(self.told.first) {
            "PARTIALLY_SHIPPED"
        } else if reached(self.paid) {
            "UNSHIPPED"
        } else if self.kind == Kind::PreOrder && !reached(self.available) {
            "PENDING_AVAILABILITY"
        } else {
            "PENDING"
        }
    }

    /// `fulfilledBy`, where it is said.
    pub(crate) fn shipper(&self) -> Option<&'static str> {
        match self.kind {
            Kind::UnknownFulfiller => None,
            kind if kind.by_amazon() => Some("AMAZON"),
            _ => Some("MERCHANT"),
        }
    }

    /// Is it waiting for its payment or its goods?
    pub(crate) fn pending(&self, at: Timestamp) -> bool {
        matches!(self.status(at), "PENDING" | "PENDING_AVAILABILITY")
    }

    /// `lastUpdatedTime` at `at`: the latest change by then.
    pub(crate) fn last_updated(&self, at: Timestamp) -> Timestamp {
        let (from, to) = self.strange.unzip();
        [
            self.available,
            self.paid,
            self.cancel_asked,
            self.line_canceled,
            self.canceled,
            self.left[0],
            self.left[1],
            self.left[2],
            self.delivered,
            self.touched,
            self.told.last,
            from,
            to,
        ]
        .into_iter()
        .flatten()
        .filter(|event| *event <= at)
        .fold(self.listed, Timestamp::max)
    }
}

#[cfg(test)]
mod tests {
    use super::super::kind::{KINDS, long_lived};
    use super::*;

    #[test]
    fn no_order_outlives_its_class_and_every_kind_occurs() {
        let placed = Timestamp::parse("2026-04-21T12:00:00+09:00").unwrap();
        let mut kinds = Vec::new();
        for index in 0..20_000 {
            let plan = Plan::new(7, index, placed);
            let life = if long_lived(index) { LIFE } else { SHORT_LIFE };
            let last = plan.last_updated(placed + Duration::from_hours(24 * 3_650));
            assert!(placed < plan.listed && plan.listed <= last && last <= placed + life, "{plan:?}");
            if !kinds.contains(&plan.kind) {
                kinds.push(plan.kind);
            }
        }
        assert_eq!(kinds.len(), KINDS.len() + 3, "{kinds:?}");
    }
}
