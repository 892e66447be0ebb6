//! What a look-up says about an intent: kuroneko-webcollect.md §5.5, row by row, and §5.6, to the letter. Pure.

use std::cmp::Ordering;

use chrono::NaiveDate;

use super::allowed::{shown, shows_slip, title, title_of_status};
use super::map::{fold_slip, status_number};
use crate::clock::Timestamp;
use crate::domain::intent::Intent;
use crate::domain::money::Yen;
use crate::domain::operation::Verdict;
use crate::domain::settlement::{Observed, SettlementState};
use crate::http::text::scrub_code;
use crate::settlement::{Function, Looked};

/// Whether `looked` shows `intent` as done. `claimed`: the gateway said so itself, or that it cannot be done (§5.6): then
/// "not done" is a person's. `registered`: slips of this settlement that were registered by us before, so that a further
/// parcel's slip is told from a stranger's (§5.2).
#[must_use]
pub fn judge(intent: &Intent, looked: &Looked, claimed: bool, registered: &[String]) -> Verdict {
    if looked.ambiguous {
        return person("the gateway shows several transactions of this reception number and none decides");
    }
    let Some(observed) = &looked.observed else {
        return person(
            "the gateway does not know this reception number: it is wrong, or belongs to another 加盟店コード or environment",
        );
    };
    let verdict = match intent {
        Intent::Capture { slip_number, delivery_service_code, amount, .. } => {
            return capture(observed, slip_number, delivery_service_code, *amount, claimed, registered);
        }
        Intent::Undo { slip_number, delivery_service_code, .. } => {
            undo(observed, slip_number, delivery_service_code)
        }
        Intent::Cancel { state, .. } => cancel(observed, *state),
        Intent::ChangeAmount { from, to, state, .. } => change_amount(observed, *from, *to, *state),
        Intent::Reauth { amount, authorized_at, approval, .. } => {
            reauth(observed, *amount, *authorized_at, approval.as_deref())
        }
        Intent::ChangeDate { from, to, .. } => change_date(observed, *from, *to),
    };
    if claimed && verdict == Verdict::NotDone {
        return person(&format!(
            "the gateway refused {} as done already or not possible and shows nothing of it at {}",
            title(Function::of(intent)),
            shown(observed)
        ));
    }
    verdict
}

/// Row E01, and §5.6 where the gateway `claimed` it.
fn capture(
    observed: &Observed,
    slip_number: &str,
    delivery_service_code: &str,
    amount: Yen,
    claimed: bool,
    registered: &[String],
) -> Verdict {
    match observed.state {
        SettlementState::Registered | SettlementState::Settled => {
            if shows_slip(observed, slip_number, delivery_service_code) {
                return Verdict::Done;
            }
            if !claimed && delivery_service_code != "99" && may_follow(observed, registered) {
                return Verdict::NotDone;
            }
            person(if observed.slips.is_empty() {
                "the gateway shows the sale as captured without showing our slip"
            } else {
                "the gateway shows the sale as captured with another slip: another number was registered"
            })
        }
        SettlementState::Authorized if claimed => person(
            "the gateway refused it as registered or not registrable, and shows no slip: the slip belongs to another order \
             or merchant, or the state was passing",
        ),
        SettlementState::Authorized if !observed.slips.is_empty() => {
            person("the gateway shows a slip, yet not the sale as captured")
        }
        SettlementState::Authorized if !observed.consolidated_with.is_empty() => {
            person("the gateway shows it in one parcel with other transactions (同梱)")
        }
        SettlementState::Authorized => match observed.amount {
            // Sending again would capture another amount than was decided.
            Some(now) if now != amount => {
                person(&format!("the gateway holds {now} yen now, {amount} yen were to be captured"))
            }
            _ => Verdict::NotDone,
        },
        SettlementState::Canceled => person("it was cancelled at the gateway meanwhile: do not ship"),
        SettlementState::Unlinked
        | SettlementState::Reserved
        | SettlementState::Lapsed
        | SettlementState::Refused
        | SettlementState::Unknown => stands(observed),
    }
}

/// §5.2: on status 30 a further slip may follow, unless the parcel is shared (§5.4). Only where every slip shown is one
/// that we registered ourselves.
fn may_follow(observed: &Observed, registered: &[String]) -> bool {
    observed.state == SettlementState::Registered
        && observed.consolidated_with.is_empty()
        && !observed.slips.is_empty()
        && observed
            .slips
            .iter()
            .all(|slip| registered.iter().any(|known| fold_slip(known) == fold_slip(slip)))
}

/// Row E02: our slip gone and status 4, or 30 with other slips; a cancel took it away as well.
fn undo(observed: &Observed, slip_number: &str, delivery_service_code: &str) -> Verdict {
    let there = shows_slip(observed, slip_number, delivery_service_code);
    match observed.state {
        SettlementState::Canceled => Verdict::Done,
        SettlementState::Authorized if !there => Verdict::Done,
        SettlementState::Registered if there => Verdict::NotDone,
        SettlementState::Registered if !observed.slips.is_empty() => Verdict::Done,
        SettlementState::Settled => {
            person("it is settled (精算確定) meanwhile: too late to take the slip back; ask Yamato's support")
        }
        SettlementState::Authorized
        | SettlementState::Registered
        | SettlementState::Unlinked
        | SettlementState::Reserved
        | SettlementState::Lapsed
        | SettlementState::Refused
        | SettlementState::Unknown => stands(observed),
    }
}

/// Row A06: 40 is done, the status as before is not, 16 and everything else is a person's.
fn cancel(observed: &Observed, before: SettlementState) -> Verdict {
    if observed.state == SettlementState::Canceled {
        return Verdict::Done;
    }
    // 16 and 17 are one state of ours, as 15 and 11–14 are: the gateway's own number tells them apart.
    let open = matches!(status_number(&observed.status), Some(4 | 5 | 15 | 17 | 30 | 31));
    if open && observed.state == before { Verdict::NotDone } else { stands(observed) }
}

/// Row A07: the wished amount on a standing sale is done, the old one on a status as before is not.
fn change_amount(observed: &Observed, from: Yen, to: Yen, before: SettlementState) -> Verdict {
    let standing = matches!(
        observed.state,
        SettlementState::Authorized
            | SettlementState::Reserved
            | SettlementState::Registered
            | SettlementState::Settled
    );
    match observed.amount {
        _ if !standing => stands(observed),
        Some(amount) if amount == to => Verdict::Done,
        Some(amount) if amount == from && observed.state == before => Verdict::NotDone,
        Some(amount) if amount == from => stands(observed),
        Some(amount) => person(&format!(
            "the gateway holds {amount} yen: neither the old amount ({from} yen) nor the new one ({to} yen)"
        )),
        None => person("the gateway shows no amount"),
    }
}

/// What a look-up shows of an authorisation, beside what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Renewal {
    Renewed,
    Unchanged,
    Unclear,
}

/// Row A11: a later beginning or another approval number on status 4 is done, both unchanged is not.
fn reauth(observed: &Observed, amount: Yen, authorized_at: Timestamp, approval: Option<&str>) -> Verdict {
    if observed.state != SettlementState::Authorized {
        return stands(observed);
    }
    match (renewal(observed, authorized_at, approval), observed.amount) {
        (Renewal::Renewed, _) => Verdict::Done,
        (Renewal::Unclear, _) => {
            person("whether the authorisation was renewed cannot be told from its date and number")
        }
        // Renewing would hold another amount than was decided.
        (Renewal::Unchanged, Some(now)) if now != amount => {
            person(&format!("the gateway holds {now} yen now, {amount} yen were to be authorised anew"))
        }
        (Renewal::Unchanged, _) => Verdict::NotDone,
    }
}

/// "≥ start of the call" is read as "later than it was": the date as it was is older than any call that renews it, and one
/// that another renewed meanwhile is renewed as well.
fn renewal(observed: &Observed, before: Timestamp, approval: Option<&str>) -> Renewal {
    let number_changed =
        matches!((approval, observed.approval.as_deref()), (Some(was), Some(is)) if was != is);
    let number_gone = approval.is_some() && observed.approval.is_none();
    if number_changed {
        return Renewal::Renewed;
    }
    let Some(at) = observed.authorized_at else { return Renewal::Unclear };
    let midnight = |at: Timestamp| at == Timestamp::jst_midnight(at.jst_date());
    // The gateway may give the day alone (§3.3: 14 digits; accept 8): then the days are compared.
    let order = if midnight(at) || midnight(before) {
        at.jst_date().cmp(&before.jst_date())
    } else {
        at.cmp(&before)
    };
    match order {
        Ordering::Greater => Renewal::Renewed,
        Ordering::Equal if !number_gone => Renewal::Unchanged,
        Ordering::Equal | Ordering::Less => Renewal::Unclear,
    }
}

/// Row E03.
fn change_date(observed: &Observed, from: Option<NaiveDate>, to: NaiveDate) -> Verdict {
    match observed.scheduled_on {
        Some(day) if day == to => Verdict::Done,
        day if day == from => Verdict::NotDone,
        Some(day) => person(&format!("the gateway shows {day} as planned ship date: somebody moved it")),
        None => person("the gateway shows no planned ship date any more"),
    }
}

fn stands(observed: &Observed) -> Verdict {
    person(&format!(
        "the gateway shows status {} ({})",
        scrub_code(&observed.status),
        title_of_status(observed)
    ))
}

fn person(reason: &str) -> Verdict {
    Verdict::Person { reason: reason.to_owned() }
}
