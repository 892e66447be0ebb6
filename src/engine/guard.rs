//! What must hold directly before a capture leaves (I8): judged on facts read a moment ago, pure.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::operation::{Intent, Verdict};
use crate::domain::order::Order;
use crate::domain::planner::{Contract, Mode};
use crate::domain::settlement::{Settlement, SettlementState, last_day};
use crate::domain::slip::Slip;
use crate::http::text::scrub_code;
use crate::settlement::{Looked, Settlement as Gateway, identify};

/// Whether what was planned still stands. `Err`: why it is superseded.
///
/// # Errors
/// Why it is no longer wanted.
pub fn still_wanted(
    contract: &Contract,
    order: &Order,
    slips: &[Slip],
    settlement: &Settlement,
    intent: &Intent,
) -> Result<(), String> {
    let Intent::Capture { reception_number, slip_number, delivery_service_code, amount } = intent;
    if contract.mode != Mode::Live {
        return Err("the settlement is in dry-run".to_owned());
    }
    match contract.since {
        Some(since) if order.ordered_at >= since => {}
        _ => return Err("ordered before `since`".to_owned()),
    }
    if !order.status.may_ship() {
        return Err(format!("the order is {}", order.status));
    }
    if order.unknown_payment().is_some() {
        return Err("how the order is paid has a code never seen before".to_owned());
    }
    if order.amounts.due != Some(*amount) {
        return Err("the order's amount changed".to_owned());
    }
    if settlement.reception_number.as_deref() != Some(reception_number) {
        return Err("the settlement is linked to another reception number".to_owned());
    }
    if delivery_service_code == "00" && !slips.iter().any(|s| s.number == *slip_number && s.held.is_none()) {
        return Err("the slip was taken away".to_owned());
    }
    Ok(())
}

/// What the look before sending says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Send it. `verified`: the identity was shown.
    Send,
    /// The gateway shows it done already.
    Done,
    /// Only a person can decide.
    Blocked(String),
}

/// Judges a look-up made directly before sending (decisions.md 1, 2; kuroneko-webcollect.md §5.2, §5.3).
#[must_use]
pub fn before_sending(
    gateway: &dyn Gateway,
    contract: &Contract,
    order: &Order,
    settlement: &Settlement,
    intent: &Intent,
    looked: &Looked,
    now: Timestamp,
) -> Before {
    let Intent::Capture { slip_number, amount, .. } = intent;
    if looked.ambiguous {
        return Before::Blocked("the gateway shows several settlements under this number".to_owned());
    }
    let Some(observed) = &looked.observed else {
        return Before::Blocked("the gateway does not know this reception number".to_owned());
    };
    let first = settlement.verified_at.is_none();
    if observed.state.captured() {
        if observed.slips.contains(slip_number) {
            return match gateway.judge(intent, looked, true) {
                Verdict::Done => Before::Done,
                Verdict::Person { reason } | Verdict::Unclear { reason } => Before::Blocked(reason),
                Verdict::NotDone => {
                    Before::Blocked("the gateway shows the slip and says it is not done".to_owned())
                }
            };
        }
        // A further slip on a settlement of ours; a first one on a registered settlement is somebody else's work.
        if first {
            return Before::Blocked(format!(
                "the gateway shows it as {} with other slips: somebody registered it elsewhere",
                observed.state
            ));
        }
        if observed.state == SettlementState::Settled {
            return Before::Blocked(
                "the gateway shows it as settled: a further slip cannot be registered".to_owned(),
            );
        }
    } else if observed.state != SettlementState::Authorized {
        return Before::Blocked(format!(
            "the gateway shows it as {} (status {})",
            observed.state,
            scrub_code(&observed.status)
        ));
    }
    if first && let Err(reason) = identify(observed, *amount, order.ordered_at, false) {
        return Before::Blocked(reason);
    }
    if observed.amount != Some(*amount) {
        return Before::Blocked(format!(
            "the gateway holds {} yen, the order's due is {amount} yen",
            observed.amount.map_or_else(|| "?".to_owned(), |a| a.to_string())
        ));
    }
    let last = observed
        .authorized_at
        .zip(contract.authorization_days)
        .and_then(|(at, days)| last_day(at.jst_date(), days));
    match last {
        Some(last) if now.jst_date() <= last => Before::Send,
        Some(last) => Before::Blocked(format!("the authorisation ended on {last}")),
        None => Before::Blocked("the end of the authorisation is not known".to_owned()),
    }
}

/// The maintenance window (JST), widened by five minutes each side (decisions.md 10): when it ends, if `now` lies in it
/// or a call of `deadline` begun now would reach into it.
#[must_use]
pub fn window_ends(
    window: Option<(chrono::NaiveTime, chrono::NaiveTime)>,
    now: Timestamp,
    deadline: Duration,
) -> Option<Timestamp> {
    let (from, to) = window?;
    let wide = Duration::from_secs(300);
    let seconds = |t: chrono::NaiveTime| u64::from(chrono::Timelike::num_seconds_from_midnight(&t));
    let today = Timestamp::jst_midnight(now.jst_date());
    let day = Duration::from_secs(86_400);
    let length = Duration::from_secs((seconds(to) + 86_400 - seconds(from)) % 86_400);
    // The window that began yesterday may reach into today; today's and tomorrow's may be near.
    [today - day, today, today + day].into_iter().find_map(|midnight| {
        let start = midnight + Duration::from_secs(seconds(from));
        let (open, close) = (start - wide, start + length + wide);
        (now + deadline > open && now < close).then_some(close)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveTime;

    #[test]
    fn the_window_is_widened_and_no_call_reaches_into_it() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let window =
            Some((NaiveTime::from_hms_opt(23, 0, 0).unwrap(), NaiveTime::from_hms_opt(1, 0, 0).unwrap()));
        let minute = Duration::from_secs(60);
        let end = at("2026-11-22T01:05:00+09:00");
        assert_eq!(window_ends(window, at("2026-11-21T22:53:59+09:00"), minute), None);
        assert_eq!(window_ends(window, at("2026-11-21T22:54:01+09:00"), minute), Some(end));
        assert_eq!(window_ends(window, at("2026-11-21T23:59:59+09:00"), minute), Some(end));
        assert_eq!(window_ends(window, at("2026-11-22T01:04:59+09:00"), minute), Some(end));
        assert_eq!(window_ends(window, at("2026-11-22T01:05:00+09:00"), minute), None);
        assert_eq!(window_ends(None, at("2026-11-21T23:30:00+09:00"), minute), None);
    }
}
