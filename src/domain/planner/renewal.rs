//! An authorisation is renewed before it ends (kuroneko-webcollect.md §5.3).

use std::time::Duration;

use chrono::{Days, NaiveDate};

use super::{Contract, Facts, Not, Reauthorize, Wanted, ask};
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::operation::{Intent, registered_slips};
use crate::domain::order::Status;
use crate::domain::settlement::{Settlement, SettlementState};

/// Renewals begin so many days before the last day of the authorisation.
const AHEAD: u64 = 5;
/// They are spread over so many days, which leaves three for a person where the issuer says no.
const SPREAD: u64 = 3;
/// Renewals are asked for in these hours (JST), far from the night in which the gateway takes none.
const FROM: Duration = Duration::from_secs(10 * 3_600);
const HOURS: u64 = 6;

/// The renewal wanted for a sale whose authorisation draws to its end while nothing else is done about it. `None`: it is
/// not time, or there is nothing to renew.
pub(super) fn renewal(contract: &Contract, facts: &Facts<'_>, now: Timestamp) -> Result<Option<Wanted>, Not> {
    let (order, settlement) = (facts.order, facts.settlement);
    let given_up = matches!(
        order.status,
        Status::Canceled | Status::CancelRequested | Status::Completed | Status::Unknown
    );
    // Once a slip is registered the money is claimed; the gateway renews no such sale for sure.
    let registered = !settlement.slips.is_empty() || !registered_slips(facts.done).is_empty();
    if settlement.state == SettlementState::Lapsed && order.status != Status::CancelRequested {
        return ended(settlement);
    }
    if given_up || registered || settlement.state != SettlementState::Authorized {
        return Ok(None);
    }
    let (Some(number), Some(held), Some(last)) =
        (settlement.reception_number.as_deref(), settlement.amount, settlement.lapses_on)
    else {
        return Ok(None);
    };
    let today = now.jst_date();
    let Some(begins) = last.checked_sub_days(Days::new(AHEAD)) else { return Ok(None) };
    if today < begins {
        return Ok(None);
    }
    match contract.reauthorize {
        Reauthorize::Off => Ok(None),
        Reauthorize::Ask => Err(Not::WithoutRenewal(last)),
        // Whose money it is was never shown: a person's case like every first operation.
        Reauthorize::Auto if settlement.verified_at.is_none() => Err(Not::WithoutRenewal(last)),
        Reauthorize::Auto => match intent(settlement, number, held) {
            Some(intent) => Ok(Some(Wanted { run_at: at((begins, last), number, now), intent })),
            None => ask("the gateway shows no date of authorisation"),
        },
    }
}

/// An authorisation that ended can be neither captured nor renewed: a person's case (§5.3).
pub(super) fn ended<T>(settlement: &Settlement) -> Result<T, Not> {
    match settlement.lapses_on {
        Some(last) => ask(format!("the authorisation ended on {last}")),
        None => ask("the end of the authorisation is not known"),
    }
}

/// The renewal of what is held. `None` where the gateway never showed when it began.
pub(super) fn intent(settlement: &Settlement, number: &str, amount: Yen) -> Option<Intent> {
    Some(Intent::Reauth {
        reception_number: number.to_owned(),
        amount,
        authorized_at: settlement.authorized_at?,
        approval: settlement.approval.clone(),
    })
}

/// The number decides the day and the minute: many renewals do not fall together, and each has one time. One whose time is
/// past (nobody was there) goes by day as well: at once, or at its minute of the next day that is left.
fn at((begins, last): (NaiveDate, NaiveDate), number: &str, now: Timestamp) -> Timestamp {
    let spread = number.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let day = begins.checked_add_days(Days::new(spread % SPREAD)).unwrap_or(begins);
    let into = Duration::from_secs(spread / SPREAD % (HOURS * 60) * 60);
    let own = |day: NaiveDate| Timestamp::jst_midnight(day) + FROM + into;
    let (planned, today) = (own(day), now.jst_date());
    let opens = Timestamp::jst_midnight(today) + FROM;
    if planned >= now || (opens..opens + Duration::from_secs(HOURS * 3_600)).contains(&now) {
        return planned;
    }
    let next = if now < opens { Some(today) } else { today.succ_opt() };
    next.filter(|day| *day <= last).map_or(planned, own)
}
