//! What kinds of orders there are, and how many of each.

use crate::sim::dice::Dice;

/// What makes an order special.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    /// Paid at a convenience store, within four days.
    Store,
    /// Never paid: Amazon cancels after six days (amazon-sp-api.md §11.1).
    StoreUnpaid,
    Gift,
    /// Leaves in two or three packages, one after the other.
    SeveralPackages,
    /// The buyer cancels while the order is pending.
    CancelPending,
    /// The buyer asks, the merchant cancels.
    CancelAsked,
    /// The buyer asks, the merchant ships.
    CancelIgnored,
    CancelByMerchant,
    /// One line of several is cancelled.
    LineCanceled,
    CashOnDelivery,
    /// Part of the price paid with points.
    PointsUsed,
    Promotion,
    /// TAX stands in the breakdowns, but is part of the prices.
    TaxInclusive,
    /// TAX stands in the breakdowns and comes on top of the prices.
    TaxExclusive,
    PickupPoint,
    Business,
    ForeignCurrency,
    Replacement,
    Exchange,
    /// A status that the contract does not have, for some hours.
    UnknownStatus,
    /// Nobody says who ships.
    UnknownFulfiller,
    /// Members and codes that the contract does not have.
    NewMembers,
    Scheduled,
    EasyShip,
    ShipPlus,
    Customized,
    /// Released late by Amazon's own checks.
    LateRelease,
    /// The total is not what its parts come to.
    OddTotal,
    /// Amazon ships.
    Amazon,
    /// Amazon ships what was sold elsewhere, and cannot.
    Unfulfillable,
    PreOrder,
    /// Ready weeks after it was paid.
    LongLead,
    /// Touched by Amazon weeks after it was delivered.
    LateTouch,
}

impl Kind {
    /// Does Amazon ship it?
    pub(crate) fn by_amazon(self) -> bool {
        matches!(self, Self::Amazon | Self::Unfulfillable)
    }
}

/// Kinds and their weights.
pub(super) const KINDS: [(Kind, u64); 31] = [
    (Kind::Plain, 300),
    (Kind::Amazon, 130),
    (Kind::Store, 60),
    (Kind::Gift, 60),
    (Kind::SeveralPackages, 60),
    (Kind::Promotion, 60),
    (Kind::PointsUsed, 30),
    (Kind::CancelPending, 25),
    (Kind::CancelAsked, 25),
    (Kind::PickupPoint, 25),
    (Kind::Business, 25),
    (Kind::StoreUnpaid, 20),
    (Kind::TaxInclusive, 20),
    (Kind::Scheduled, 20),
    (Kind::CancelIgnored, 15),
    (Kind::CancelByMerchant, 15),
    (Kind::LineCanceled, 15),
    (Kind::NewMembers, 15),
    (Kind::LateRelease, 15),
    (Kind::TaxExclusive, 10),
    (Kind::CashOnDelivery, 10),
    (Kind::Replacement, 10),
    (Kind::EasyShip, 10),
    (Kind::Customized, 10),
    (Kind::UnknownStatus, 5),
    (Kind::UnknownFulfiller, 5),
    (Kind::ShipPlus, 5),
    (Kind::ForeignCurrency, 4),
    (Kind::OddTotal, 4),
    (Kind::Unfulfillable, 4),
    (Kind::Exchange, 3),
];
const WEIGHTS: u64 = {
    let (mut sum, mut at) = (0, 0);
    while at < KINDS.len() {
        sum += KINDS[at].1;
        at += 1;
    }
    sum
};
/// Kinds of the orders that live long, each as often as the others.
const LONG_KINDS: [Kind; 4] = [Kind::PreOrder, Kind::LongLead, Kind::LateTouch, Kind::PreOrder];

/// One order in so many may live [`super::plan::LIFE`] …
pub(crate) const LONG_EVERY: u64 = 16;
/// … the first of them this one.
pub(crate) const LONG_FIRST: u64 = 5;

/// Can this order live longer than [`super::plan::SHORT_LIFE`]?
pub(super) fn long_lived(index: u64) -> bool {
    index % LONG_EVERY == LONG_FIRST
}

/// The kind of order `index`.
pub(super) fn of(dice: &mut Dice, index: u64) -> Kind {
    if long_lived(index) {
        return *dice.pick(&LONG_KINDS);
    }
    let mut roll = dice.below(WEIGHTS);
    for (candidate, weight) in KINDS {
        if roll < weight {
            return candidate;
        }
        roll -= weight;
    }
    Kind::Plain
}
