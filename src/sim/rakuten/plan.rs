//! What happens to a Rakuten order and when: a function of (seed, index), so its state is one of (index, now).

use std::time::Duration;

use crate::clock::Timestamp;
use crate::sim::dice::{Dice, Salt};

/// What makes an order special.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    SeveralDestinations,
    RemovedPackage,
    RemovedLine,
    /// Postage quoted later: −9999 until then (rakuten-rms.md §5.3).
    Unfixed,
    Prepaid,
    PrepaidUnpaid,
    /// Rakuten checks the order (`rakutenConfirmFlag`).
    Checked,
    SocialGift,
    Reservation,
    Subscription,
    CancelBefore,
    CancelWithdrawn,
    CancelAfter,
    AmountChange,
    CashOnDelivery,
    Deferred,
    CvsPickup,
    PointsOnly,
    /// A progress number in no known edition.
    UnknownProgress,
    /// Members that no known edition has.
    NewMembers,
}

/// Kinds and their weights.
const KINDS: [(Kind, u64); 21] = [
    (Kind::Plain, 448),
    (Kind::SeveralDestinations, 60),
    (Kind::RemovedPackage, 25),
    (Kind::RemovedLine, 25),
    (Kind::Unfixed, 40),
    (Kind::Prepaid, 60),
    (Kind::PrepaidUnpaid, 15),
    (Kind::Checked, 30),
    (Kind::SocialGift, 25),
    (Kind::Reservation, 30),
    (Kind::Subscription, 20),
    (Kind::CancelBefore, 40),
    (Kind::CancelWithdrawn, 12),
    (Kind::CancelAfter, 20),
    (Kind::AmountChange, 30),
    (Kind::CashOnDelivery, 40),
    (Kind::Deferred, 20),
    (Kind::CvsPickup, 20),
    (Kind::PointsOnly, 15),
    (Kind::UnknownProgress, 5),
    (Kind::NewMembers, 20),
];

/// No order changes later than this after it was placed.
pub(crate) const LIFE: Duration = Duration::from_hours(24 * 90);

/// The order's history, future included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) index: u64,
    pub(crate) kind: Kind,
    pub(crate) placed: Timestamp,
    /// Amounts are −9999 before.
    pub(crate) amounts_fixed: Timestamp,
    pub(crate) gift_entered: Option<Timestamp>,
    pub(crate) confirmed: Option<Timestamp>,
    /// Payment handling done and shipping instructed: 300.
    pub(crate) instructed: Option<Timestamp>,
    /// Rakuten's check ends.
    pub(crate) checked: Option<Timestamp>,
    pub(crate) change: Option<(Timestamp, Timestamp)>,
    pub(crate) shipped: Option<Timestamp>,
    pub(crate) paying: Option<Timestamp>,
    pub(crate) paid: Option<Timestamp>,
    pub(crate) cancel_asked: Option<Timestamp>,
    pub(crate) cancel_withdrawn: Option<Timestamp>,
    pub(crate) canceled: Option<Timestamp>,
    /// An unknown progress number is shown meanwhile.
    pub(crate) strange: Option<(Timestamp, Timestamp)>,
}

impl Plan {
    /// The plan of order `index`.
    pub(crate) fn new(seed: u64, shop: u32, index: u64, placed: Timestamp) -> Self {
        let mut dice = Dice::new(seed ^ u64::from(shop), Salt::RakutenPlan, index);
        let mut roll = dice.below(KINDS.iter().map(|(_, weight)| weight).sum());
        let mut kind = Kind::Plain;
        for (candidate, weight) in KINDS {
            if roll < weight {
                kind = candidate;
                break;
            }
            roll -= weight;
        }
        let days = |n: u64| Duration::from_hours(24 * n);
        let minutes = |n: u64| Duration::from_secs(60 * n);

        let mut plan = Self {
            index,
            kind,
            placed,
            amounts_fixed: placed,
            gift_entered: None,
            confirmed: None,
            instructed: None,
            checked: None,
            change: None,
            shipped: None,
            paying: None,
            paid: None,
            cancel_asked: None,
            cancel_withdrawn: None,
            canceled: None,
            strange: None,
        };
        let mut confirmed = placed + dice.minutes(20, 240);
        match kind {
            Kind::Unfixed => {
                plan.amounts_fixed = placed + dice.minutes(180, 1_200);
                confirmed = plan.amounts_fixed + minutes(10);
            }
            Kind::SocialGift => {
                let entered = placed + dice.minutes(240, 2_880);
                plan.gift_entered = Some(entered);
                if dice.one_in(2) {
                    confirmed = entered + minutes(30);
                }
            }
            Kind::Reservation => confirmed = placed + days(dice.between(15, 45)),
            _ => {}
        }
        let mut instructed = confirmed + minutes(5);
        match kind {
            Kind::Prepaid => instructed = confirmed + dice.minutes(600, 5 * 1_440),
            Kind::Checked => {
                let done = confirmed + dice.minutes(360, 1_800);
                // Rakuten starts a check of an order that already waits for its shipment, too.
                if dice.one_in(2) {
                    instructed = done;
                }
                plan.checked = Some(done);
            }
            _ => {}
        }
        let mut ready =
            instructed.max(plan.gift_entered.unwrap_or(instructed)).max(plan.checked.unwrap_or(instructed));
        match kind {
            Kind::AmountChange => {
                let from = instructed + dice.minutes(60, 180);
                let to = from + dice.minutes(60, 600);
                plan.change = Some((from, to));
                ready = to;
            }
            Kind::CancelWithdrawn => {
                let asked = instructed + dice.minutes(30, 300);
                let withdrawn = asked + dice.minutes(60, 600);
                plan.cancel_asked = Some(asked);
                plan.cancel_withdrawn = Some(withdrawn);
                ready = withdrawn;
            }
            Kind::UnknownProgress => {
                let from = instructed + minutes(30);
                plan.strange = Some((from, from + minutes(360)));
                ready = from + minutes(360);
            }
            _ => {}
        }
        let shipped = ready + dice.minutes(12 * 60, 60 * 60);
        let paying = shipped + dice.minutes(240, 600);
        let paid = paying + dice.minutes(24 * 60, 90 * 60);
        plan.confirmed = Some(confirmed);
        plan.instructed = Some(instructed);
        plan.shipped = Some(shipped);
        plan.paying = Some(paying);
        plan.paid = Some(paid);

        match kind {
            Kind::PrepaidUnpaid => {
                (plan.instructed, plan.shipped, plan.paying, plan.paid) = (None, None, None, None);
                plan.cancel(confirmed + days(8), confirmed + days(8) + minutes(5));
            }
            Kind::CancelBefore => {
                let asked = placed + dice.minutes(10, 20 * 60);
                plan.cancel(asked, asked + dice.minutes(5, 24 * 60));
            }
            Kind::CancelAfter => {
                let canceled = paid + dice.minutes(24 * 60, 20 * 24 * 60);
                let asked = if dice.one_in(2) { canceled } else { canceled - Duration::from_hours(3) };
                plan.cancel(asked, canceled);
            }
            _ => {}
        }
        plan
    }

    /// Cancels: what would have come after the request does not happen.
    pub(crate) fn cancel(&mut self, asked: Timestamp, canceled: Timestamp) {
        self.cancel_asked = Some(asked);
        self.cancel_withdrawn = None;
        self.canceled = Some(canceled);
        for event in
            [&mut self.confirmed, &mut self.instructed, &mut self.shipped, &mut self.paying, &mut self.paid]
        {
            *event = event.filter(|at| *at < asked);
        }
        self.change = self.change.filter(|(from, _)| *from < asked);
        self.strange = self.strange.filter(|(from, _)| *from < asked);
    }

    /// `orderProgress` at `now` (rakuten-rms.md §8.1).
    pub(crate) fn progress(&self, now: Timestamp) -> u16 {
        let reached = |event: Option<Timestamp>| event.is_some_and(|at| now >= at);
        let within =
            |span: Option<(Timestamp, Timestamp)>| span.is_some_and(|(from, to)| from <= now && now < to);
        if reached(self.canceled) {
            900
        } else if reached(self.cancel_asked) && !reached(self.cancel_withdrawn) {
            800
        } else if within(self.strange) {
            250
        } else if reached(self.paid) {
            700
        } else if reached(self.paying) {
            600
        } else if reached(self.shipped) {
            500
        } else if within(self.change) {
            400
        } else if reached(self.instructed) {
            300
        } else if reached(self.confirmed) {
            200
        } else {
            100
        }
    }

    /// Are the amounts still −9999?
    pub(crate) fn unfixed(&self, now: Timestamp) -> bool {
        now < self.amounts_fixed
    }

    /// Does the lowered amount already show?
    pub(crate) fn changed(&self, now: Timestamp) -> bool {
        self.change.is_some_and(|(from, _)| now >= from)
    }

    /// When parcel `parcel` of `count` got its shipping row: the first parcels go ahead of the last by six hours each.
    pub(crate) fn parcel_shipped(&self, parcel: usize, count: usize) -> Option<Timestamp> {
        let ahead = count.saturating_sub(parcel + 1).min(2) as u64;
        self.shipped.map(|at| at - Duration::from_hours(6 * ahead))
    }
}
