//! The codes that an order shows at one moment (yahoo-shopping.md §3, §9).

use super::kind::Kind;
use super::plan::{Plan, READ_ONLY, Step};
use crate::clock::Timestamp;

impl Plan {
    /// Ended for good: cancelled, or the source of a split.
    pub(crate) fn ended(&self, now: Timestamp) -> bool {
        self.done(Step::Canceled, now) || self.done(Step::Split, now)
    }

    fn strange(&self, now: Timestamp) -> bool {
        self.done(Step::StrangeFrom, now) && self.open(Step::StrangeTo, now)
    }

    /// `OrderStatus` (§9.1).
    pub(crate) fn order_status(&self, now: Timestamp) -> &'static str {
        if self.ended(now) {
            "4"
        } else if self.strange(now) && !self.other_look {
            "7"
        } else if self.done(Step::Completed, now) {
            "5"
        } else if let Some(set) = self.marks.order_set {
            match set {
                3 => "3",
                1 if self.open(Step::OnSale, now) => "1",
                _ => "2",
            }
        } else if self.done(Step::HoldFrom, now) && self.open(Step::HoldTo, now) {
            "3"
        } else if self.open(Step::Consented, now) {
            "8"
        } else if self.open(Step::OnSale, now) {
            "1"
        } else {
            "2"
        }
    }

    /// Has the money come, as far as anybody at the mall knows?
    pub(crate) fn paid(&self, now: Timestamp) -> bool {
        if let Some(paid) = self.marks.paid {
            return paid;
        }
        match self.kind {
            Kind::Prepaid | Kind::PrepaidUnpaid => self.done(Step::Paid, now),
            Kind::AuthError | Kind::AuthErrorCanceled => self.done(Step::Repaid, now),
            _ => !self.method.own || self.done(Step::Paid, now),
        }
    }

    /// When the buyer paid, or the store entered it.
    pub(crate) fn paid_at(&self, now: Timestamp) -> Option<Timestamp> {
        let at = [Step::Paid, Step::Repaid].into_iter().find_map(|step| self.past(step, now));
        at.or_else(|| self.paid(now).then_some(self.placed))
    }

    /// `SettleStatus` (§9.4).
    pub(crate) fn settle_status(&self, now: Timestamp) -> &'static str {
        if self.ended(now) {
            match self.kind {
                _ if self.done(Step::Refunded, now) => "7",
                Kind::PrepaidUnpaid => "8",
                _ => "6",
            }
        } else if self.done(Step::Completed, now) {
            "5"
        } else if matches!(self.kind, Kind::AuthError | Kind::AuthErrorCanceled) && !self.paid(now) {
            "10"
        } else if self.method.own || !self.paid(now) {
            // Of the store's own methods the platform learns nothing before completion (§6.5).
            "2"
        } else {
            "3"
        }
    }

    /// Does the receiver's address stand in the order?
    pub(crate) fn address_known(&self, now: Timestamp) -> bool {
        !self.open(Step::Entered, now) && self.kind != Kind::LineGiftExpired
    }

    /// `ShipStatus` (§9.3).
    pub(crate) fn ship_status(&self, now: Timestamp) -> &'static str {
        let refused = matches!(self.kind, Kind::AuthError | Kind::AuthErrorCanceled) && !self.paid(now);
        let unpaid = self.method.prepaid && !self.paid(now);
        if self.strange(now) && self.other_look {
            "9"
        } else if self.done(Step::Arrived, now) {
            "4"
        } else if self.done(Step::Shipped, now) {
            "3"
        } else if self.done(Step::Preparing, now) {
            "2"
        } else if let Some(set) = self.marks.ship_set {
            if set == 0 { "0" } else { "1" }
        } else if refused || unpaid || (self.kind == Kind::SocialGift && !self.address_known(now)) {
            "0"
        } else {
            "1"
        }
    }

    /// `IsReadOnly`: the buyer may still cancel.
    pub(crate) fn read_only(&self, now: Timestamp) -> bool {
        self.part == 0 && now < self.placed + READ_ONLY
    }

    /// `FraudHoldStatus`; empty for orders of low risk, now and then.
    pub(crate) fn fraud_hold(&self, now: Timestamp) -> &'static str {
        match self.kind {
            Kind::FraudReleased | Kind::FraudAbuse if self.open(Step::Released, now) => "1",
            Kind::FraudReleased => "2",
            Kind::FraudAbuse => "3",
            _ if self.index.is_multiple_of(3) => "",
            _ => "0",
        }
    }

    /// Under review and therefore hidden.
    pub(crate) fn held(&self, now: Timestamp) -> bool {
        self.open(Step::Released, now)
    }

    /// Does the mall show it in a search that asks for nothing special?
    pub(crate) fn visible(&self, now: Timestamp) -> bool {
        self.placed <= now && !self.read_only(now) && !self.held(now) && self.done(Step::Listed, now)
    }

    /// `PublicationTime`: always after a review, else now and then (§14.5).
    pub(crate) fn publication(&self, now: Timestamp) -> Option<Timestamp> {
        self.at(Step::Released).or(self.published).filter(|at| *at <= now)
    }

    /// `LastUpdateTime`: whole seconds, never before the change itself.
    pub(crate) fn last_update(&self, now: Timestamp) -> Timestamp {
        let latest = self.steps(now).chain(self.marks.last).fold(self.placed, Timestamp::max);
        Timestamp::from_micros((latest.micros() + 999_999).div_euclid(1_000_000) * 1_000_000)
    }

    /// `Suspect`.
    pub(crate) fn suspect(&self, now: Timestamp) -> &'static str {
        match self.kind {
            Kind::Suspect if self.done(Step::Cleared, now) => "2",
            Kind::Suspect | Kind::SuspectCanceled => "1",
            _ => "0",
        }
    }

    /// A LINE order.
    pub(crate) fn line(&self) -> bool {
        matches!(self.kind, Kind::LineGift | Kind::LineGiftWaiting | Kind::LineGiftExpired)
    }

    /// The method in force.
    pub(crate) fn method_at(&self, now: Timestamp) -> &'static super::method::Method {
        if self.done(Step::Repaid, now) { self.method_next } else { self.method }
    }
}
