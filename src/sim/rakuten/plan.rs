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

/// A shop that does not confirm an order within this loses it (rakuten-rms.md §6.1).
const PATIENCE: Duration = Duration::from_hours(24 * 14);

/// Who moves an order on: the shop's staff as planned, or calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// The staff confirms it, if no call has.
    pub(crate) staff_confirms: bool,
    /// The staff reports its shipment, if no call has written shipping rows.
    pub(crate) staff_ships: bool,
    /// A call confirmed it.
    pub(crate) confirmed: Option<Timestamp>,
    /// A call wrote shipping rows first then: what the staff has not reported by then it leaves to the calls.
    pub(crate) written: Option<Timestamp>,
    /// The rows that calls wrote are complete since.
    pub(crate) completed: Option<Timestamp>,
    /// From confirmation to the shipping instruction, where nothing else is waited for.
    pub(crate) handling: Duration,
}

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
    /// The parcels are packed and have their slips, whoever reports them.
    pub(crate) packed: Option<Timestamp>,
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
    pub(crate) fn new(seed: u64, shop: u32, index: u64, placed: Timestamp, course: &Course) -> Self {
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
            packed: None,
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
        if let Some(at) = course.confirmed {
            confirmed = at;
        }
        let mut instructed = confirmed + course.handling;
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
        let packed = ready + dice.minutes(12 * 60, 60 * 60);
        let by_staff = course.staff_ships && course.written.is_none_or(|at| packed <= at);
        let shipped = if by_staff { Some(packed) } else { course.completed };
        let claimed = dice.minutes(240, 600);
        let paying = shipped.map(|at| at + claimed);
        let settled = dice.minutes(24 * 60, 90 * 60);
        let paid = paying.map(|at| at + settled);
        plan.confirmed = Some(confirmed);
        plan.instructed = Some(instructed);
        plan.packed = Some(packed);
        plan.shipped = shipped;
        plan.paying = paying;
        plan.paid = paid;
        // What is on its way is changed no more.
        plan.change = plan.change.filter(|(from, _)| shipped.is_none_or(|at| *from < at));
        plan.strange = plan.strange.filter(|(from, _)| shipped.is_none_or(|at| *from < at));
        let waits = course.confirmed.is_none() && !course.staff_confirms;
        if waits {
            plan.wait_for_confirmation();
        }

        match kind {
            Kind::PrepaidUnpaid if !waits => {
                plan.unshipped();
                plan.instructed = None;
                plan.cancel(confirmed + days(8), confirmed + days(8) + minutes(5));
            }
            Kind::CancelBefore => {
                let asked = placed + dice.minutes(10, 20 * 60);
                plan.cancel(asked, asked + dice.minutes(5, 24 * 60));
            }
            Kind::CancelAfter => {
                let later = dice.minutes(24 * 60, 20 * 24 * 60);
                let at_once = dice.one_in(2);
                if let Some(canceled) = plan.paid.map(|at| at + later) {
                    let asked = if at_once { canceled } else { canceled - Duration::from_hours(3) };
                    plan.cancel(asked, canceled);
                }
            }
            _ => {}
        }
        plan
    }

    fn unshipped(&mut self) {
        (self.packed, self.shipped, self.paying, self.paid) = (None, None, None, None);
    }

    /// Nobody confirms it: nothing goes on, and in the end the mall cancels it. (One for a later day may wait.)
    fn wait_for_confirmation(&mut self) {
        self.unshipped();
        (self.confirmed, self.instructed, self.checked) = (None, None, None);
        (self.change, self.strange) = (None, None);
        (self.cancel_asked, self.cancel_withdrawn) = (None, None);
        if !matches!(self.kind, Kind::Reservation | Kind::CancelBefore) {
            self.cancel(self.placed + PATIENCE, self.placed + PATIENCE);
        }
    }

    /// Does Rakuten check the order (`rakutenConfirmFlag`)?
    pub(crate) fn under_check(&self, now: Timestamp) -> bool {
        self.checked.is_some_and(|at| at > now) && self.confirmed.is_some_and(|at| at <= now)
    }

    /// Does the recipient of a social gift have yet to answer?
    pub(crate) fn gift_open(&self, now: Timestamp) -> bool {
        self.gift_entered.is_some_and(|at| at > now)
    }

    /// Cancels: what would have come after the request does not happen.
    pub(crate) fn cancel(&mut self, asked: Timestamp, canceled: Timestamp) {
        self.cancel_asked = Some(asked);
        self.cancel_withdrawn = None;
        self.canceled = Some(canceled);
        for event in [
            &mut self.confirmed,
            &mut self.instructed,
            &mut self.packed,
            &mut self.shipped,
            &mut self.paying,
            &mut self.paid,
        ] {
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

    /// When the staff reports parcel `parcel` of `count`, if it does.
    pub(crate) fn parcel_shipped(&self, parcel: usize, count: usize) -> Option<Timestamp> {
        self.shipped.map(|at| at - Self::ahead(parcel, count))
    }

    /// When parcel `parcel` of `count` is packed and has its slip.
    pub(crate) fn parcel_packed(&self, parcel: usize, count: usize) -> Option<Timestamp> {
        self.packed.map(|at| at - Self::ahead(parcel, count))
    }

    /// The first parcels go ahead of the last by six hours each.
    fn ahead(parcel: usize, count: usize) -> Duration {
        Duration::from_hours(6 * count.saturating_sub(parcel + 1).min(2) as u64)
    }
}
