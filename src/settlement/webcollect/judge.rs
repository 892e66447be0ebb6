//! What a look-up says about an intent: kuroneko-webcollect.md §5.5 (row E01) and §5.6, to the letter.

use super::map::{fold_slip, status_name};
use crate::domain::operation::{Intent, Verdict};
use crate::domain::settlement::{Observed, SettlementState};
use crate::http::text::scrub_code;
use crate::settlement::Looked;

/// Whether `looked` shows `intent` as done. `claimed`: the gateway said so itself (§5.6). `registered`: slips of this
/// settlement that were registered by us before, so that a further parcel's slip is told from a stranger's (§5.2).
#[must_use]
pub fn judge(intent: &Intent, looked: &Looked, claimed: bool, registered: &[String]) -> Verdict {
    let Intent::Capture { reception_number, slip_number, delivery_service_code, amount } = intent;
    if looked.ambiguous {
        return person("the gateway shows several transactions of this reception number and none decides");
    }
    let Some(observed) = &looked.observed else {
        return person(
            "the gateway does not know this reception number: it is wrong, or belongs to another 加盟店コード or environment",
        );
    };
    match observed.state {
        SettlementState::Registered | SettlementState::Settled => {
            let ours = fold_slip(slip_number);
            if observed.slips.iter().any(|slip| fold_slip(slip) == ours) {
                return Verdict::Done;
            }
            let other_carrier = delivery_service_code == "99";
            if observed.slips.is_empty()
                && other_carrier
                && observed.delivery_service_code.as_deref() == Some("99")
            {
                return Verdict::Done;
            }
            if !claimed && !other_carrier && may_follow(observed, registered) {
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
            Some(now) if now != *amount => {
                person(&format!("the gateway holds {now} yen now, {amount} yen were to be captured"))
            }
            _ => Verdict::NotDone,
        },
        SettlementState::Canceled => person("it was cancelled at the gateway meanwhile: do not ship"),
        SettlementState::Unlinked
        | SettlementState::Reserved
        | SettlementState::Lapsed
        | SettlementState::Refused
        | SettlementState::Unknown => person(&format!(
            "the gateway shows {reception_number} with status {} ({})",
            scrub_code(&observed.status),
            status_name(&observed.status).unwrap_or("not in the gateway's list")
        )),
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

fn person(reason: &str) -> Verdict {
    Verdict::Person { reason: reason.to_owned() }
}
