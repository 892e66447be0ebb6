//! What kinds of orders there are, and how many of each.

use crate::sim::dice::{Dice, Salt};

/// What makes an order special.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    /// Convenience store, Pay-easy, transfer: paid after the order.
    Prepaid,
    PrepaidUnpaid,
    CashOnDelivery,
    /// `payment_e…`: the store's own way, often its own card gateway.
    StoreDefined,
    PayPayCombined,
    PointsOnly,
    GiftCard,
    ImmediateBonus,
    PreOrder,
    /// By URL: the receiver enters the address.
    SocialGift,
    /// The buyer enters the receiver's address.
    SocialGiftKnown,
    LineGift,
    LineGiftWaiting,
    LineGiftExpired,
    Subscription,
    /// Hidden until the fraud review ends.
    FraudReleased,
    FraudAbuse,
    Split,
    LineCancel,
    AmountChange,
    /// By the buyer, inside the read-only window.
    CancelEarly,
    CancelBefore,
    CancelAfter,
    Suspect,
    SuspectCanceled,
    OnHold,
    /// The card was refused; the buyer chooses another way.
    AuthError,
    AuthErrorCanceled,
    MultiShip,
    RemoteFee,
    /// `OrderStatus` 8.
    AwaitConsent,
    UnknownStatus,
    UnknownPayment,
    /// Elements that no edition has.
    NewMembers,
    /// Amounts that do not add up in either reading (yahoo-shopping.md §6.7).
    BrokenSum,
}

/// Kinds and their weights.
const KINDS: [(Kind, u64); 36] = [
    (Kind::Plain, 300),
    (Kind::Prepaid, 60),
    (Kind::PrepaidUnpaid, 15),
    (Kind::CashOnDelivery, 45),
    (Kind::StoreDefined, 40),
    (Kind::PayPayCombined, 40),
    (Kind::PointsOnly, 15),
    (Kind::GiftCard, 24),
    (Kind::ImmediateBonus, 24),
    (Kind::PreOrder, 40),
    (Kind::SocialGift, 20),
    (Kind::SocialGiftKnown, 12),
    (Kind::LineGift, 16),
    (Kind::LineGiftWaiting, 16),
    (Kind::LineGiftExpired, 6),
    (Kind::Subscription, 24),
    (Kind::FraudReleased, 36),
    (Kind::FraudAbuse, 8),
    (Kind::Split, 32),
    (Kind::LineCancel, 30),
    (Kind::AmountChange, 30),
    (Kind::CancelEarly, 14),
    (Kind::CancelBefore, 40),
    (Kind::CancelAfter, 20),
    (Kind::Suspect, 16),
    (Kind::SuspectCanceled, 6),
    (Kind::OnHold, 24),
    (Kind::AuthError, 16),
    (Kind::AuthErrorCanceled, 6),
    (Kind::MultiShip, 16),
    (Kind::RemoteFee, 18),
    (Kind::AwaitConsent, 10),
    (Kind::UnknownStatus, 6),
    (Kind::UnknownPayment, 6),
    (Kind::NewMembers, 15),
    (Kind::BrokenSum, 5),
];

/// What the weights add up to.
const WEIGHTS: u64 = {
    let (mut sum, mut n) = (0, 0);
    while n < KINDS.len() {
        sum += KINDS[n].1;
        n += 1;
    }
    sum
};

/// The kind of order `index`: two that follow one another, from an even index, make a multi-address checkout.
pub(crate) fn of(seed: u64, index: u64) -> Kind {
    let own = |index: u64| {
        let mut roll = Dice::new(seed, Salt::YahooPlan, index).below(WEIGHTS);
        for &(candidate, weight) in &KINDS {
            if roll < weight {
                return candidate;
            }
            roll -= weight;
        }
        Kind::Plain
    };
    if !index.is_multiple_of(2) && own(index - 1) == Kind::MultiShip {
        return Kind::MultiShip;
    }
    match own(index) {
        Kind::MultiShip if !index.is_multiple_of(2) => Kind::Plain,
        kind => kind,
    }
}
