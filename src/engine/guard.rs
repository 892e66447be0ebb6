//! What must hold directly before something leaves (I8): judged on facts read a moment ago, pure.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::operation::{Intent, Verdict};
use crate::domain::order::{Order, Status};
use crate::domain::planner::{Contract, Mode, RegisteredBy};
use crate::domain::settlement::{Observed, Settlement, SettlementState, Wish, last_day};
use crate::domain::slip::Slip;
use crate::http::text::scrub_code;
use crate::settlement::{Looked, Permission, Settlement as Gateway, identify, same_sale};

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
    if contract.mode != Mode::Live {
        return Err("the settlement is in dry-run".to_owned());
    }
    match contract.since {
        Some(since) if order.ordered_at >= since => {}
        _ => return Err("ordered before `since`".to_owned()),
    }
    if settlement.reception_number.as_deref() != Some(intent.reception_number()) {
        return Err("the settlement is linked to another reception number".to_owned());
    }
    match intent {
        Intent::Capture { slip_number, delivery_service_code, amount, .. } => {
            if !order.status.may_ship() {
                return Err(format!("the order is {}", order.status));
            }
            if order.unknown_payment().is_some() {
                return Err("how the order is paid has a code never seen before".to_owned());
            }
            if order.amounts.due != Some(*amount) {
                return Err("the order's amount changed".to_owned());
            }
            let usable = slips.iter().any(|s| s.number == *slip_number && s.held.is_none());
            if delivery_service_code == "00" && !usable {
                return Err("the slip was taken away".to_owned());
            }
        }
        Intent::ChangeAmount { to, .. } => {
            if gone(order) {
                return Err(format!("the order is {}", order.status));
            }
            let by_word = settlement.wish == Some(Wish::ChangeAmount { to: *to });
            if !by_word && order.amounts.due != Some(*to) {
                return Err("the order's amount changed".to_owned());
            }
        }
        // It would hold a buyer's money who was told of a cancellation (§6).
        Intent::Reauth { .. } | Intent::ChangeDate { .. } => {
            if gone(order) {
                return Err(format!("the order is {}", order.status));
            }
        }
        // What is taken back or cancelled was decided on more than the order shows.
        Intent::Undo { .. } | Intent::Cancel { .. } => {}
    }
    Ok(())
}

fn gone(order: &Order) -> bool {
    matches!(order.status, Status::Canceled | Status::CancelRequested)
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

/// What is known at the moment before sending.
pub struct Moment<'a> {
    /// Reads what a look-up means.
    pub gateway: &'a dyn Gateway,
    /// The rules.
    pub contract: &'a Contract,
    /// The order as stored now.
    pub order: &'a Order,
    /// Its settlement as stored now.
    pub settlement: &'a Settlement,
    /// What is to be sent.
    pub intent: &'a Intent,
    /// The look-up, made a moment ago.
    pub looked: &'a Looked,
    /// Slips that we registered before.
    pub registered: &'a [String],
    /// Now.
    pub now: Timestamp,
}

/// Judges a look-up made directly before sending (decisions.md 1, 2; kuroneko-webcollect.md §5.2, §5.3).
#[must_use]
pub fn before_sending(moment: &Moment<'_>) -> Before {
    moment.judged().unwrap_or_else(Before::Blocked)
}

impl Moment<'_> {
    fn judged(&self) -> Result<Before, String> {
        if self.looked.ambiguous {
            return Err("the gateway shows several settlements under this number".to_owned());
        }
        let Some(observed) = &self.looked.observed else {
            return Err("the gateway does not know this reception number".to_owned());
        };
        let done = match self.intent {
            Intent::Capture { slip_number, amount, .. } => self.capture(slip_number, *amount, observed)?,
            Intent::Undo { .. }
            | Intent::Cancel { .. }
            | Intent::ChangeAmount { .. }
            | Intent::Reauth { .. }
            | Intent::ChangeDate { .. } => self.on_a_known_one(observed)?,
        };
        if done {
            return Ok(Before::Done);
        }
        self.in_force(observed)?;
        Ok(Before::Send)
    }

    fn first(&self) -> bool {
        self.settlement.verified_at.is_none()
    }

    /// A capture: whether its slip is there already; else the sale must be as it was decided.
    fn capture(&self, slip_number: &str, amount: Yen, observed: &Observed) -> Result<bool, String> {
        if observed.state.captured() {
            if observed.slips.iter().any(|slip| slip == slip_number) {
                return match self.gateway.judge(self.intent, self.looked, true) {
                    Verdict::Done => Ok(true),
                    Verdict::Person { reason } | Verdict::Unclear { reason } => Err(reason),
                    Verdict::NotDone => Err("the gateway shows the slip and says it is not done".to_owned()),
                };
            }
            // A further slip on a settlement of ours; a first one on a registered settlement is somebody else's work.
            if self.first() {
                return Err(format!(
                    "the gateway shows it as {} with other slips: somebody registered it elsewhere",
                    observed.state
                ));
            }
            if observed.state == SettlementState::Settled {
                return Err("the gateway shows it as settled: a further slip cannot be registered".to_owned());
            }
        } else if observed.state != SettlementState::Authorized {
            return Err(stands(observed));
        }
        if self.first() {
            identify(observed, amount, self.order.ordered_at, false)?;
        }
        if observed.amount != Some(amount) {
            return Err(format!(
                "the gateway holds {} yen, the order's due is {amount} yen",
                observed.amount.map_or_else(|| "?".to_owned(), |a| a.to_string())
            ));
        }
        self.permitted(observed)?;
        Ok(false)
    }

    /// Everything else: whether it is done already; else it must be possible (§5.2), and the facts that it rests on as they
    /// were when it was decided, which is what the gateway's "not done" says.
    fn on_a_known_one(&self, observed: &Observed) -> Result<bool, String> {
        let held = self.intent.held();
        let verdict = self.gateway.judge_further(self.intent, self.looked, false, self.registered);
        if verdict == Verdict::Done {
            if self.first() {
                // Whose it is was never shown: then the amount, as it is afterwards, and the day must.
                let due = if let Intent::ChangeAmount { to, .. } = self.intent { Some(*to) } else { held };
                same_sale(observed, due, self.order.ordered_at)?;
            }
            return Ok(true);
        }
        self.permitted(observed)?;
        if self.first() {
            let by_b2 = self.contract.registered_by == RegisteredBy::B2cloud;
            match observed.state {
                SettlementState::Authorized | SettlementState::Reserved => {}
                SettlementState::Registered if by_b2 => {}
                _ => return Err(stands(observed)),
            }
            same_sale(observed, held, self.order.ordered_at)?;
        }
        if let Verdict::Person { reason } | Verdict::Unclear { reason } = verdict {
            return Err(reason);
        }
        match (held, observed.amount) {
            (Some(was), Some(now)) if was != now => {
                Err(format!("the gateway holds {now} yen, {was} yen when it was decided"))
            }
            (Some(_), None) => Err("the gateway shows no amount".to_owned()),
            _ => Ok(false),
        }
    }

    fn permitted(&self, observed: &Observed) -> Result<(), String> {
        match self.gateway.allowed(self.intent, observed) {
            Permission::Granted => Ok(()),
            Permission::Person(reason) | Permission::Refused(reason) => Err(reason),
        }
    }

    /// Whether the authorisation lasts, for what needs it (§5.3): a capture takes the money it holds; a slip that is taken
    /// back must be followed by another; an ended one can be neither renewed nor changed.
    fn in_force(&self, observed: &Observed) -> Result<(), String> {
        match self.intent {
            Intent::Capture { .. } | Intent::Undo { .. } | Intent::Reauth { .. } => {}
            Intent::ChangeAmount { .. } if observed.state == SettlementState::Authorized => {}
            Intent::ChangeAmount { .. } | Intent::Cancel { .. } | Intent::ChangeDate { .. } => return Ok(()),
        }
        let last = observed
            .authorized_at
            .zip(self.contract.authorization_days)
            .and_then(|(at, days)| last_day(at.jst_date(), days));
        match last {
            Some(last) if self.now.jst_date() <= last => Ok(()),
            Some(last) => Err(format!("the authorisation ended on {last}")),
            None => Err("the end of the authorisation is not known".to_owned()),
        }
    }
}

fn stands(observed: &Observed) -> String {
    format!("the gateway shows it as {} (status {})", observed.state, scrub_code(&observed.status))
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
