//! Kinds of orders: how many of each there are, and how long their dates reach.

use std::time::Duration;

use crate::sim::dice::{Dice, Salt};

/// What makes an order special.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    /// Its first state is 発送待ち already (au-pay-market.md §7.1).
    ReadyAtOnce,
    Reservation,
    Prepaid,
    PrepaidUnpaid,
    CreditCheck,
    CashOnDelivery,
    Deferred,
    FraudChecked,
    FraudHeld,
    FraudFailed,
    OnHold,
    /// Passes through a status that the shop defined itself.
    OwnStatus,
    CancelBefore,
    CancelWithdrawn,
    CancelAfter,
    /// `cancelStatus` says C, `orderStatus` stays behind (§7.2).
    CancelFlagOnly,
    /// `orderStatus` says キャンセル, `cancelStatus` stays behind (§7.2).
    CancelStatusOnly,
    LineCanceled,
    AmountChange,
    Gift,
    UnknownPayment,
    PointsOnly,
    /// The use of points was cancelled: shown, but not deducted (§8).
    PointsReturned,
    /// Part of the points is missing in the fields, not in what is asked for (§8).
    BrokenIdentity,
    /// Elements that no known client has seen.
    NewMembers,
}

/// Kinds, their weights, and the days after the order within which every date that can be searched for lies.
const KINDS: [(Kind, u64, u64); 26] = [
    (Kind::Plain, 380, 10),
    (Kind::ReadyAtOnce, 100, 10),
    (Kind::Reservation, 35, 60),
    (Kind::Prepaid, 70, 15),
    (Kind::PrepaidUnpaid, 20, 15),
    (Kind::CreditCheck, 40, 10),
    (Kind::CashOnDelivery, 45, 10),
    (Kind::Deferred, 30, 20),
    (Kind::FraudChecked, 15, 10),
    (Kind::FraudHeld, 12, 12),
    (Kind::FraudFailed, 8, 10),
    (Kind::OnHold, 20, 12),
    (Kind::OwnStatus, 35, 15),
    (Kind::CancelBefore, 35, 10),
    (Kind::CancelWithdrawn, 12, 10),
    (Kind::CancelAfter, 15, 10),
    (Kind::CancelFlagOnly, 6, 10),
    (Kind::CancelStatusOnly, 6, 10),
    (Kind::LineCanceled, 25, 10),
    (Kind::AmountChange, 20, 10),
    (Kind::Gift, 30, 10),
    (Kind::UnknownPayment, 15, 10),
    (Kind::PointsOnly, 12, 10),
    (Kind::PointsReturned, 6, 10),
    (Kind::BrokenIdentity, 4, 10),
    (Kind::NewMembers, 4, 10),
];

/// The sum of the weights.
const WEIGHTS: u64 = {
    let (mut sum, mut k) = (0, 0);
    while k < KINDS.len() {
        sum += KINDS[k].1;
        k += 1;
    }
    sum
};

/// No date that can be searched for lies further behind the order than this.
pub(crate) const LIFE: Duration = Duration::from_hours(24 * 60);

impl Kind {
    /// Does the shop's staff move it from 新規受付 to 発送待ち? (The others are the mall's to move on, or begin there.)
    pub(crate) fn confirmed_by_staff(self) -> bool {
        !matches!(
            self,
            Self::ReadyAtOnce
                | Self::Reservation
                | Self::Prepaid
                | Self::PrepaidUnpaid
                | Self::CreditCheck
                | Self::Deferred
                | Self::FraudChecked
                | Self::FraudHeld
                | Self::FraudFailed
        )
    }

    /// The first choice of an order's row: its kind, and how far its searchable dates reach.
    pub(crate) fn pick(dice: &mut Dice) -> (Self, Duration) {
        let mut roll = dice.below(WEIGHTS);
        for (kind, weight, days) in KINDS {
            if roll < weight {
                return (kind, Duration::from_hours(24) * u32::try_from(days).unwrap_or(u32::MAX));
            }
            roll -= weight;
        }
        (Self::Plain, LIFE)
    }
}

/// How long after it was placed order `index` may still have a date of the searchable kinds; cheaper than its plan.
pub(crate) fn reach(seed: u64, index: u64) -> Duration {
    Kind::pick(&mut Dice::new(seed, Salt::AupayPlan, index)).1
}
