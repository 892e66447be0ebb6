//! What differs between our books and the gateway's, and between orders and their settlements: pure
//! (kuroneko-webcollect.md §3.4, §5.2–5.4; decisions.md 2, 12).

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::money::Yen;
use super::operation::Intent;
use super::order::Order;
use super::settlement::Settlement;
use super::slip::Slip;
use super::words::words;
use crate::clock::Timestamp;

mod compare;
mod missed;

pub use compare::compare;
pub use missed::{MISSED_FOR, missed};

/// Registered for so many days and not settled: a slip that nobody scanned, as like as not (§5.4).
pub const STUCK: u64 = 3;
/// Shipped for so many days and not captured.
pub const UNCAPTURED: u64 = 3;

words! {
    /// In what way something differs, in the order of a report: what concerns money that moved comes first.
    Kind {
        /// The gateway shows a capture that is not ours.
        CapturedElsewhere = "captured_elsewhere",
        /// We captured; the gateway shows it as merely authorised.
        CaptureGone = "capture_gone",
        /// The gateway shows a cancel that is not ours, after the capture: the money went back.
        Refunded = "refunded",
        /// The gateway shows a cancel that is not ours.
        CanceledElsewhere = "canceled_elsewhere",
        /// We cancelled; the gateway shows it as alive.
        CancelGone = "cancel_gone",
        /// The order came back after its money was settled, or less is due than was settled: to be paid back by hand.
        RefundDue = "refund_due",
        /// The order is cancelled, and the gateway still holds the money.
        OrderCanceled = "order_canceled",
        /// Another amount.
        AmountDiffers = "amount_differs",
        /// Other slips.
        SlipDiffers = "slip_differs",
        /// 精算確定待ち for days: the slip was never scanned.
        NotSettled = "not_settled",
        /// The parcel left days ago, and nothing was captured.
        NotCaptured = "not_captured",
        /// The gateway does not know the reception number.
        NotThere = "not_there",
        /// The gateway shows several settlements under the number.
        Ambiguous = "ambiguous",
        /// Authorised too far from the day of the order to be its own (decisions.md 2).
        AnotherSale = "another_sale",
        /// The gateway shows the authorisation as failed.
        Refused = "refused",
        /// The gateway shows a status that leads nowhere by itself, or one never seen before.
        StrangeStatus = "strange_status",
        /// The gateway's answer cannot be read.
        Unreadable = "unreadable",
        /// The authorisation has ended with nothing registered on it.
        Lapsed = "lapsed",
        /// It ends within days.
        LapsesSoon = "lapses_soon",
        /// A rule says that the order is paid here, and gives no reception number.
        NoNumber = "no_number",
        /// Paid by card to the shop itself, and no rule of any contract fits: nobody will ever capture it.
        NoRule = "no_rule",
    }
}

words! {
    /// What the last look-up showed, where it showed no single transaction.
    Unseen {
        /// The gateway does not know the number.
        Absent = "absent",
        /// Several transactions, of which none decides (§3.3).
        Ambiguous = "ambiguous",
        /// The answer could not be read, or the look-up was refused.
        Unreadable = "unreadable",
    }
}

/// What the last look-up left behind, beside what stands on the settlement itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// It showed no single transaction; the settlement is as it was shown before.
    pub unseen: Option<Unseen>,
    /// The gateway's own status, as sent.
    pub status: Option<String>,
    /// When the slips were registered there (出荷情報登録日).
    pub registered_at: Option<Timestamp>,
    /// The day on which all parcels had been scanned (全量出荷日).
    pub shipped_on: Option<NaiveDate>,
}

/// One sale, with everything that is compared.
#[derive(Clone, Debug)]
pub struct Sale<'a> {
    /// The order as its mall shows it now.
    pub order: &'a Order,
    /// Its settlement as the gateway showed it last.
    pub settlement: &'a Settlement,
    /// The rest of what the gateway showed.
    pub shown: &'a Shown,
    /// Our slips.
    pub slips: &'a [Slip],
    /// What we did at the gateway, in the order in which it was done.
    pub done: &'a [Intent],
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// In what way.
    pub kind: Kind,
    /// Yen by our books: what is due, or what we captured.
    pub ours: Option<Yen>,
    /// Yen by the gateway's.
    pub theirs: Option<Yen>,
    /// In words.
    pub reason: String,
}

/// Differences of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// In what way.
    pub kind: Kind,
    /// How many.
    pub count: u64,
    /// The sum of ours.
    pub ours: Yen,
    /// The sum of theirs.
    pub theirs: Yen,
}

/// Differences by kind, in the order of [`Kind::ALL`]; kinds that do not occur are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Report(Vec<Tally>);

impl Report {
    /// Counts one.
    pub fn add(&mut self, difference: &Difference) {
        let at = self.0.binary_search_by_key(&difference.kind, |tally| tally.kind).unwrap_or_else(|at| {
            let tally = Tally { kind: difference.kind, count: 0, ours: Yen::ZERO, theirs: Yen::ZERO };
            self.0.insert(at, tally);
            at
        });
        let Some(tally) = self.0.get_mut(at) else { return };
        tally.count += 1;
        tally.ours = [Some(tally.ours), difference.ours].into_iter().flatten().sum();
        tally.theirs = [Some(tally.theirs), difference.theirs].into_iter().flatten().sum();
    }

    /// By kind.
    #[must_use]
    pub fn tallies(&self) -> &[Tally] {
        &self.0
    }

    /// How many in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|tally| tally.count).sum()
    }

    /// `amount_differs=2 not_settled=1`, for a log's field.
    #[must_use]
    pub fn kinds(&self) -> String {
        let kinds = self.0.iter().map(|tally| format!("{}={}", tally.kind, tally.count));
        kinds.collect::<Vec<_>>().join(" ")
    }
}

/// The day `days` after `day`.
fn later(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

#[cfg(test)]
mod tests;
