//! What may keep a sale from being as its cart and slips want it, and how a person hears of it.

use mallsync::clock::Timestamp;
use mallsync::domain::reconcile::Kind;
use mallsync::domain::settlement::Wish;
use mallsync::sim::Effect;

use crate::gateway::Sale;
use crate::story::{DAY, HOUR, Story};

/// A matter for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matter {
    /// Cancelled, or less is due, after it was settled: paid back by hand.
    Refund,
    /// The order is cancelled, and the gateway still has the money.
    Cancel,
    /// Half a change: a status from which nothing follows.
    Half,
    /// Cancelled at the gateway, and the order lives.
    Gone,
    /// The authorisation has ended.
    Lapsed,
    /// It ends, and is not renewed.
    Ends,
    /// The later authorisation of a reservation was refused.
    Refused,
    /// Its slips are known, and nothing is captured.
    Uncaptured,
    /// Captured with other slips than the order's.
    Slips,
    /// Another amount than the order's.
    Amount,
    /// Captured, and never settled.
    Unsettled,
    /// Captured, and the order has no slip.
    Captured,
}

/// Kinds of differences, kinds of operations that need a person, and words of questions.
type Ways = (&'static [Kind], &'static [&'static str], &'static [&'static str]);

impl Matter {
    /// Any of these tells it.
    pub const fn told_by(self) -> Ways {
        match self {
            Self::Refund => {
                (&[Kind::RefundDue], &["cancel"], &["pay them back", "are settled at the gateway"])
            }
            Self::Cancel => (&[Kind::OrderCanceled], &["cancel"], &["the order is canceled"]),
            Self::Half => (
                &[Kind::StrangeStatus],
                &["cancel", "change_amount", "capture", "reauth"],
                &["a status from which nothing follows"],
            ),
            Self::Gone => (&[Kind::CanceledElsewhere, Kind::Refunded], &[], &["shows it as canceled"]),
            Self::Lapsed => {
                (&[Kind::Lapsed], &[], &["the authorisation ended on", "the authorisation ends on"])
            }
            Self::Ends => (&[Kind::LapsesSoon, Kind::Lapsed], &["reauth"], &["the authorisation end"]),
            Self::Refused => (&[Kind::Refused], &[], &["shows it as refused"]),
            Self::Uncaptured => (
                &[Kind::NotCaptured, Kind::CaptureGone, Kind::AmountDiffers, Kind::AnotherSale],
                &["capture", "change_amount", "undo"],
                &["slip", "yen", "held"],
            ),
            Self::Slips => (
                &[Kind::SlipDiffers, Kind::CapturedElsewhere],
                &["undo", "capture"],
                &["is settled at the gateway", "settled: a further slip"],
            ),
            Self::Amount => (&[Kind::AmountDiffers, Kind::RefundDue], &["change_amount"], &["yen"]),
            Self::Unsettled => (&[Kind::NotSettled], &[], &[]),
            Self::Captured => (&[Kind::CapturedElsewhere, Kind::SlipDiffers], &[], &["somebody registered"]),
        }
    }
}

/// Why a sale is not as cart and slips want it at `now`, where authorisations last `days` days; `None`: it is.
pub fn unmet(story: &Story, sale: &Sale, days: u32, now: Timestamp) -> Option<(String, Matter)> {
    let wanted = story.version(now);
    let registered = wanted.registered(&story.number);
    let lapsed = sale.status == 4 && now.jst_date() > sale.last_day(days);
    let by_word = story.wished(now, |wish| *wish == Wish::Cancel);
    let status = sale.status;
    if story.resolved.is_some() {
        return None;
    }
    let why = |what: String, matter: Matter| Some((what, matter));
    match status {
        40 if wanted.canceled || by_word => None,
        40 => why("cancelled at the gateway, the order lives".to_owned(), Matter::Gone),
        16 | 17 => why(format!("status {status}"), Matter::Half),
        // Nothing is held.
        15 if wanted.canceled => None,
        15 => why("the reservation was refused".to_owned(), Matter::Refused),
        31 if wanted.canceled => why("cancelled, and settled".to_owned(), Matter::Refund),
        _ if wanted.canceled => why(format!("cancelled, status {status}"), Matter::Cancel),
        4 | 5 if registered.is_empty() && !lapsed => None,
        4 if registered.is_empty() => why("waiting, and lapsed".to_owned(), Matter::Lapsed),
        4 if lapsed => why("slipped, and lapsed".to_owned(), Matter::Lapsed),
        4 | 5 => why(format!("slipped, status {status}"), Matter::Uncaptured),
        30 | 31 if registered.is_empty() => why(format!("no slip, status {status}"), Matter::Captured),
        30 | 31 if sale.slips != registered => {
            why(format!("slips {:?} for {registered:?}", sale.slips), Matter::Slips)
        }
        30 | 31 if sale.amount != wanted.due => {
            why(format!("{} yen for {}", sale.amount, wanted.due), Matter::Amount)
        }
        // The carrier scans the day after.
        30 if sale.registered().is_some_and(|at| now > at + HOUR * 96) => {
            why("never settled".to_owned(), Matter::Unsettled)
        }
        _ => None,
    }
}

/// Why an authorisation that ended could not be renewed; `None`: it could have been.
pub fn not_renewable(story: &Story, sale: &Sale, days: u32) -> Option<&'static str> {
    let last = sale.last_day(days);
    let ended = Timestamp::jst_midnight(last) + DAY;
    if sale.by_calls().any(|entry| entry.effect == Effect::Declined) {
        return Some("declined");
    }
    // Renewals begin five days before.
    if story.held(ended - DAY * 6, ended) {
        return Some("held by a person");
    }
    // Whose money it is was not shown.
    (story.changed_early() || story.planned.is_some()).then_some("not verified")
}
