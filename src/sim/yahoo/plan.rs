//! What happens to a Yahoo! order and when: a function of (seed, index, part), so its state is one of (order, now).

use std::time::Duration;

use super::kind::Kind;
use super::method::{self, Method};
use super::written::{Applied, Marks};
use crate::clock::Timestamp;
use crate::sim::dice::{Dice, Salt};

/// No order changes later than this after it was placed, unless it is cancelled from outside.
pub(crate) const LIFE: Duration = Duration::from_hours(24 * 90);
/// No order becomes listable later than this after it was placed.
pub(crate) const LATEST_PUBLICATION: Duration = Duration::from_hours(24 * 4);
/// So long an order is read-only and hidden (§3).
pub(crate) const READ_ONLY: Duration = Duration::from_mins(10);

/// What can happen to an order. Each moves `LastUpdateTime` and `HistoryId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Step {
    /// The read-only window ends; for a part of a split order, the split.
    Listed,
    /// The fraud review ends.
    Released,
    Seen,
    Paid,
    /// A first subscription gets its number.
    Subscribed,
    /// The receiver of a gift has entered the address.
    Entered,
    OnSale,
    Consented,
    Cleared,
    HoldFrom,
    HoldTo,
    /// Another payment method after a refused card.
    Repaid,
    FeeFixed,
    Changed,
    StrangeFrom,
    StrangeTo,
    Preparing,
    Shipped,
    Arrived,
    Completed,
    Split,
    Canceled,
    Refunded,
}

const STEPS: usize = Step::Refunded as usize + 1;

/// What was done to an order from outside.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outside {
    pub(crate) released: Option<Timestamp>,
    pub(crate) canceled: Option<Timestamp>,
}

/// What was done to an order beside its plan.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deeds<'a> {
    pub(crate) outside: Outside,
    /// By calls, oldest first.
    pub(crate) written: &'a [Applied],
    /// The store's staff ships nothing after it.
    pub(crate) staff_until: Option<Timestamp>,
}

/// The order's history, future included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) index: u64,
    /// 0: the order as it was placed; 1 and 2: the two that a split makes of it.
    pub(crate) part: u8,
    pub(crate) kind: Kind,
    pub(crate) placed: Timestamp,
    pub(crate) method: &'static Method,
    /// The method that replaces it at [`Step::Repaid`].
    pub(crate) method_next: &'static Method,
    /// `PublicationTime` of an order that was never held; [`Step::Released`] of one that was.
    pub(crate) published: Option<Timestamp>,
    pub(crate) reason: u16,
    /// Only where a kind has two looks: which one.
    pub(crate) other_look: bool,
    pub(crate) marks: Marks,
    times: [Option<Timestamp>; STEPS],
}

fn days(n: u64) -> Duration {
    Duration::from_hours(24 * n)
}

impl Plan {
    /// The plan of part `part` of order `index`; `seed` is the shop's own, `kind` what [`super::kind::of`] says.
    pub(crate) fn new(
        seed: u64,
        (index, part): (u64, u8),
        kind: Kind,
        placed: Timestamp,
        deeds: Deeds<'_>,
    ) -> Self {
        let mut dice = Dice::new(seed, Salt::YahooPlan, index);
        dice.roll();
        // What one checkout sends to several addresses is paid in one way.
        let checkout = if kind == Kind::MultiShip { index & !1 } else { index };
        let mut purse = Dice::new(seed, Salt::YahooPlan, !checkout);
        let mut plan = Self {
            index,
            part,
            kind,
            placed,
            method: method::of(kind, &mut purse),
            method_next: method::after_refusal(&mut purse),
            published: None,
            reason: 100,
            other_look: dice.one_in(2),
            marks: Marks::default(),
            times: [None; STEPS],
        };
        let listed = placed + READ_ONLY;
        plan.set(Step::Listed, listed);
        plan.published = dice.one_in(3).then_some(listed);
        if matches!(kind, Kind::FraudReleased | Kind::FraudAbuse) {
            plan.published = None;
            plan.set(Step::Released, placed + dice.minutes(90, 60 * 60));
        }
        let ready = plan.prepare(&mut dice);
        plan.fulfil(ready, &mut dice);
        plan.end(&mut dice);
        if kind == Kind::Split {
            plan.divide(&mut dice);
        }
        if let Some(end) = deeds.staff_until {
            plan.put_off(end);
        }
        for applied in deeds.written {
            plan.write(applied);
        }
        if let Some(end) = deeds.staff_until {
            plan.without_staff(end);
        }
        if let Some(at) = deeds.outside.released {
            plan.release(at);
        }
        if let Some(at) = deeds.outside.canceled
            && plan.cancel(at)
        {
            plan.reason = 100;
        }
        plan
    }

    /// Everything before the goods may leave; the time from which they may.
    fn prepare(&mut self, dice: &mut Dice) -> Timestamp {
        let start = self.at(Step::Released).unwrap_or(self.placed + READ_ONLY);
        let placed = self.placed;
        let mut ready = start;
        let mut step = |plan: &mut Self, step: Step, at: Timestamp| {
            plan.set(step, at);
            ready = ready.max(at);
        };
        match self.kind {
            Kind::Prepaid => step(self, Step::Paid, placed + dice.minutes(30, 5 * 1_440)),
            Kind::PreOrder => {
                let day = (placed + days(dice.between(10, 45))).jst_date();
                step(self, Step::OnSale, Timestamp::jst_midnight(day) + dice.minutes(420, 540));
            }
            Kind::SocialGift | Kind::LineGiftWaiting => {
                step(self, Step::Entered, placed + dice.minutes(60, 4 * 1_440));
            }
            Kind::Subscription if self.other_look => {
                step(self, Step::Subscribed, placed + dice.minutes(5, 40));
            }
            Kind::Suspect => step(self, Step::Cleared, placed + dice.minutes(180, 1_800)),
            Kind::OnHold => {
                let from = start + dice.minutes(30, 360);
                self.set(Step::HoldFrom, from);
                step(self, Step::HoldTo, from + dice.minutes(120, 2_880));
            }
            Kind::AuthError => step(self, Step::Repaid, placed + dice.minutes(60, 5 * 1_440)),
            Kind::RemoteFee => step(self, Step::FeeFixed, placed + dice.minutes(60, 1_200)),
            Kind::AwaitConsent => step(self, Step::Consented, placed + dice.minutes(60, 1_440)),
            Kind::AmountChange | Kind::LineCancel => {
                step(self, Step::Changed, start + dice.minutes(60, 600));
            }
            Kind::UnknownStatus => {
                let from = start + dice.minutes(20, 40);
                self.set(Step::StrangeFrom, from);
                step(self, Step::StrangeTo, from + dice.minutes(300, 400));
            }
            _ => {}
        }
        let seen = start + dice.minutes(5, 240);
        self.set(Step::Seen, seen);
        ready.max(seen)
    }

    /// Shipment to completion.
    fn fulfil(&mut self, ready: Timestamp, dice: &mut Dice) {
        let shipped = ready + dice.minutes(12 * 60, 60 * 60);
        if dice.one_in(2) {
            self.set(Step::Preparing, ready + dice.minutes(60, 11 * 60));
        }
        self.set(Step::Shipped, shipped);
        let arrived = shipped + dice.minutes(20 * 60, 70 * 60);
        if dice.one_in(2) {
            self.set(Step::Arrived, arrived);
        }
        if self.method.own && self.kind != Kind::Prepaid {
            self.set(Step::Paid, arrived + dice.minutes(60, 600));
        }
        self.set(Step::Completed, arrived + dice.minutes(11 * 60, 7 * 1_440));
    }

    /// The ends that a kind has instead.
    fn end(&mut self, dice: &mut Dice) {
        let (placed, start) = (self.placed, self.at(Step::Released).unwrap_or(self.placed + READ_ONLY));
        let (at, reason) = match self.kind {
            Kind::PrepaidUnpaid => (placed + days(8), 120),
            Kind::LineGiftExpired => (placed + days(7), 400),
            Kind::FraudAbuse => (start + dice.minutes(300, 1_440), 170),
            Kind::SuspectCanceled => (placed + dice.minutes(180, 1_800), 170),
            Kind::AuthErrorCanceled => (placed + days(7) + dice.minutes(10, 300), 170),
            Kind::CancelEarly => {
                (placed + dice.minutes(1, 9), *dice.pick(&[300, 310, 320, 330, 340, 350, 360, 370, 380]))
            }
            Kind::CancelBefore => (
                start + dice.minutes(10, 11 * 60),
                *dice.pick(&[100, 130, 140, 150, 160, 180, 200, 210, 230]),
            ),
            Kind::CancelAfter => {
                let completed = self.at(Step::Completed).unwrap_or(start);
                (completed + dice.minutes(1_440, 20 * 1_440), 110)
            }
            _ => return,
        };
        self.cancel(at);
        self.reason = reason;
        if self.kind == Kind::CancelAfter {
            self.set(Step::Refunded, at + dice.minutes(600, 3 * 1_440));
        }
    }

    /// The store splits the order: the source ends, its parts begin.
    fn divide(&mut self, dice: &mut Dice) {
        let at = self.placed + READ_ONLY + dice.minutes(60, 2_880);
        let seen = self.at(Step::Seen).filter(|seen| *seen < at).unwrap_or(at);
        let shift = dice.minutes(0, 600);
        if self.part == 0 {
            self.cancel(at);
            self.set(Step::Seen, seen);
            self.times[Step::Canceled as usize] = None;
            self.set(Step::Split, at);
            self.reason = 0;
            return;
        }
        self.times = [None; STEPS];
        self.set(Step::Listed, at);
        self.published = self.published.map(|_| at);
        self.fulfil(at + shift * u32::from(self.part), dice);
    }

    /// The fraud review ends at `at` with a good result.
    fn release(&mut self, at: Timestamp) {
        if self.at(Step::Released).is_some_and(|planned| planned > at) {
            self.set(Step::Released, at);
            self.kind = Kind::FraudReleased;
        }
    }

    /// Cancels at `at`: what would have come later does not happen. False when the order had ended before.
    pub(super) fn cancel(&mut self, at: Timestamp) -> bool {
        let ended =
            [Step::Canceled, Step::Split].into_iter().any(|end| self.at(end).is_some_and(|t| t <= at));
        if ended {
            return false;
        }
        // The window and the review end as they would have: a cancelled order becomes visible, too.
        let kept = [Step::Listed, Step::Released].map(|step| (step, self.at(step)));
        for time in &mut self.times {
            *time = time.filter(|t| *t <= at);
        }
        for (step, time) in kept {
            self.times[step as usize] = time;
        }
        self.set(Step::Canceled, at);
        true
    }

    pub(super) fn set(&mut self, step: Step, at: Timestamp) {
        self.times[step as usize] = Some(at);
    }

    pub(super) fn clear(&mut self, step: Step) {
        self.times[step as usize] = None;
    }

    /// When it happens, if ever.
    pub(crate) fn at(&self, step: Step) -> Option<Timestamp> {
        self.times[step as usize]
    }

    /// When it happened, if it has.
    pub(crate) fn past(&self, step: Step, now: Timestamp) -> Option<Timestamp> {
        self.at(step).filter(|at| *at <= now)
    }

    /// Has it happened?
    pub(crate) fn done(&self, step: Step, now: Timestamp) -> bool {
        self.past(step, now).is_some()
    }

    /// Will it happen, but has not yet?
    pub(crate) fn open(&self, step: Step, now: Timestamp) -> bool {
        self.at(step).is_some_and(|at| at > now)
    }

    /// The steps up to `now`.
    pub(crate) fn steps(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        self.times.iter().flatten().copied().filter(move |at| *at <= now)
    }
}
