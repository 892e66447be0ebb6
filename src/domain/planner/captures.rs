//! Which slips are registered, and when (decisions.md 4; kuroneko-webcollect.md §2.5, §5.4).

use std::time::Duration;

use chrono::NaiveDate;

use super::{CaptureOn, Contract, Facts, Not, Parcels, Wanted, ask, yet};
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::operation::{Intent, registered_slips};
use crate::domain::order::Order;
use crate::domain::settlement::{Settlement, SettlementState};
use crate::domain::slip::Slip;

/// A part of the parcels slipped for so long is a question (decisions.md 4).
const PART_SLIPPED: Duration = Duration::from_secs(7 * 86_400);

/// The slips that may be registered, once enough of the parcels have one.
pub(super) fn usable<'a>(
    contract: &Contract,
    facts: &Facts<'a>,
    now: Timestamp,
) -> Result<Vec<&'a Slip>, Not> {
    let slips: Vec<&Slip> = facts
        .slips
        .iter()
        .filter(|slip| slip.held.is_none() && !matches!(slip.kind.as_str(), "2" | "9"))
        .collect();
    let Some(first) = slips.iter().map(|slip| slip.learnt_at).min() else {
        return match facts.slips.iter().find(|slip| slip.held.is_none()) {
            Some(slip) => {
                ask(format!("slip {} is cash on delivery: never registered on a card", slip.number))
            }
            None => yet("no slip"),
        };
    };
    if let Some(slip) = slips.iter().find(|slip| matches!(slip.kind.as_str(), "3" | "7")) {
        return ask(format!("slip {} is a letter-box service (送り状種類 {})", slip.number, slip.kind));
    }
    let parcels = facts.order.packages.len().max(1);
    let slipped = slipped_parcels(facts.order, &slips);
    if contract.parcels == Parcels::All && slipped < parcels {
        let text = format!("{slipped} of {parcels} parcels have a slip");
        return if now >= first + PART_SLIPPED { ask(format!("{text}, for seven days")) } else { yet(text) };
    }
    Ok(slips)
}

/// How many destinations have a slip. A slip that names no destination counts for one that has none.
fn slipped_parcels(order: &Order, slips: &[&Slip]) -> usize {
    let named = order
        .packages
        .iter()
        .filter(|p| slips.iter().any(|slip| slip.package_id.as_deref() == Some(p.package_id.as_str())))
        .count();
    let unnamed = slips
        .iter()
        .filter(|slip| {
            !order.packages.iter().any(|p| slip.package_id.as_deref() == Some(p.package_id.as_str()))
        })
        .count();
    named + unnamed
}

pub(super) fn captures(
    contract: &Contract,
    facts: &Facts<'_>,
    reception_number: &str,
    due: Yen,
    slips: &[&Slip],
) -> Vec<Wanted> {
    let registered = registered_slips(facts.done);
    // Registered as another carrier's parcel, the whole sale is: the gateway takes no slip beside that (§5.4).
    if registered.iter().any(|slip| slip == reception_number) {
        return Vec::new();
    }
    let run_at = |slip: &Slip| match contract.capture {
        CaptureOn::ShipDate => {
            let day: NaiveDate = slip.ship_date.unwrap_or_else(|| slip.learnt_at.jst_date());
            let seconds = u64::from(chrono::Timelike::num_seconds_from_midnight(&contract.capture_time));
            Timestamp::jst_midnight(day) + Duration::from_secs(seconds)
        }
        CaptureOn::Slip | CaptureOn::Manual => slip.learnt_at,
    };
    let mut wanted: Vec<Wanted> = slips
        .iter()
        .filter(|slip| contract.delivery.by_yamato(slip.carrier))
        .map(|slip| Wanted {
            intent: Intent::Capture {
                reception_number: reception_number.to_owned(),
                slip_number: slip.number.clone(),
                delivery_service_code: "00".to_owned(),
                amount: due,
            },
            run_at: run_at(slip),
        })
        .collect();
    // Another carrier's parcel is registered once an order, under the reception number itself (§2.5); where Yamato
    // brings a part, that part's slip captures the whole amount already.
    if wanted.is_empty()
        && let Some(run_at) = slips.iter().map(|slip| run_at(slip)).max()
    {
        let intent = Intent::Capture {
            reception_number: reception_number.to_owned(),
            slip_number: reception_number.to_owned(),
            delivery_service_code: "99".to_owned(),
            amount: due,
        };
        wanted.push(Wanted { intent, run_at });
    }
    wanted.retain(|w| !w.intent.slip_number().is_some_and(|slip| registered.iter().any(|r| r == slip)));
    wanted
}

/// B2クラウド registers the slips (its column 43): one that its file says it does not register is registered by nobody.
pub(super) fn left_to_b2<T>(facts: &Facts<'_>) -> Result<T, Not> {
    let nobodys = facts
        .slips
        .iter()
        .filter(|slip| slip.held.is_none() && !matches!(slip.kind.as_str(), "2" | "9"))
        .find(|slip| slip.b2_registers == Some(false) && !facts.settlement.slips.contains(&slip.number));
    match nobodys {
        Some(slip) if !facts.settlement.state.captured() => ask(format!(
            "nobody registers slip {}: registered_by is \"b2cloud\", yet B2クラウド's file says that it does not",
            slip.number
        )),
        _ => yet("B2クラウド registers the slips itself"),
    }
}

/// A slip that B2クラウド registers by itself is not registered by us as well: one of the two is set up wrongly.
pub(super) fn not_by_b2(facts: &Facts<'_>, slips: &[&Slip]) -> Result<(), Not> {
    let registered = registered_slips(facts.done);
    match slips.iter().find(|slip| slip.b2_registers == Some(true) && !registered.contains(&slip.number)) {
        Some(slip) => ask(format!(
            "B2クラウド's file says that it registers slip {} itself, yet registered_by is \"mallsync\"; set it to \
             \"b2cloud\", or `slips add` the slip if B2クラウド does not",
            slip.number
        )),
        None => Ok(()),
    }
}

/// What the gateway showed last must not speak against it. A settlement never looked up is looked up before the first
/// operation; see `settlement::identify`.
pub(super) fn gateway_allows(facts: &Facts<'_>) -> Result<(), Not> {
    let settlement = facts.settlement;
    use SettlementState::{
        Authorized, Canceled, Lapsed, Refused, Registered, Reserved, Settled, Unknown, Unlinked,
    };
    let strange =
        settlement.slips.iter().find(|shown| !facts.slips.iter().any(|ours| ours.number == **shown));
    if registered_slips(facts.done).is_empty()
        && settlement.state == Registered
        && let Some(strange) = strange
    {
        return ask(format!(
            "somebody registered slip {strange} at the gateway, which the order does not have"
        ));
    }
    match settlement.state {
        Authorized | Registered | Unknown | Unlinked => Ok(()),
        Reserved => yet("a reservation: the gateway authorises it later"),
        Settled => ask("the gateway shows it as settled: a further slip cannot be registered"),
        Canceled if facts.done.iter().any(|intent| matches!(intent, Intent::Cancel { .. })) => {
            yet("canceled at the gateway, as it was decided here")
        }
        Canceled | Lapsed | Refused => ask(format!("the gateway shows it as {}", settlement.state)),
    }
}

/// After the last day of the authorisation nothing is captured without a person (§5.3).
pub(super) fn not_too_late(settlement: &Settlement, wanted: &[Wanted], now: Timestamp) -> Result<(), Not> {
    // What is over at the gateway for another reason is told as that.
    let over = matches!(settlement.state, SettlementState::Canceled | SettlementState::Refused);
    if let Some(last) = settlement.lapses_on.filter(|_| !over)
        && let Some(late) = wanted.iter().find(|w| w.run_at.max(now).jst_date() > last)
    {
        let reason = format!("the authorisation ends on {last}, before {}", late.run_at.max(now).jst_date());
        return Err(Not::InTime(reason));
    }
    Ok(())
}
