//! What changed around a sale: another amount, a cancelled order, a corrected slip, a person's word
//! (kuroneko-webcollect.md §5.2, §5.4).

use chrono::NaiveDate;

use super::{Contract, Facts, Not, OnChange, Wanted, ask, at_once, consolidation, yet};
use crate::domain::money::Yen;
use crate::domain::operation::{Intent, registered_slips};
use crate::domain::order::Status;
use crate::domain::settlement::{Settlement, SettlementState, Wish, latest_ship_date};

/// Nothing is due any more: what is still held on the card is a question.
pub(super) fn nothing_due<T>(settlement: &Settlement) -> Result<T, Not> {
    match (settlement.state.at_gateway(), settlement.amount) {
        (SettlementState::Authorized | SettlementState::Registered, Some(held)) if held > Yen::ZERO => {
            ask(format!("nothing is due any more, the gateway holds {held} yen"))
        }
        _ => yet("nothing is due"),
    }
}

/// The order was cancelled: what is held is let go, by rule or by a person. A settled sale is paid back by hand (§5.4).
pub(super) fn cancel(contract: &Contract, facts: &Facts<'_>) -> Result<Vec<Wanted>, Not> {
    use SettlementState::{
        Authorized, Canceled, Lapsed, Refused, Registered, Reserved, Settled, Unknown, Unlinked,
    };
    let settlement = facts.settlement;
    let over = yet("the order is canceled");
    let (Some(number), Some(held)) = (settlement.reception_number.as_deref(), settlement.amount) else {
        return over;
    };
    match settlement.state {
        // Half a change, or a status that nobody knows: money may be held (§3.4).
        Unknown if settlement.looked_at.is_some() => ask(
            "the order is canceled, the gateway shows a status from which nothing follows: compare it at the gateway's \
             own screen",
        ),
        Canceled | Refused | Unknown | Unlinked => over,
        Settled => ask(format!(
            "the order is canceled after {held} yen were settled: pay them back at the gateway's own screen"
        )),
        // At the gateway one that lapsed is alive like the others.
        Authorized | Lapsed | Reserved | Registered => {
            // Whose money it is was shown by its amount (decisions.md 2): without that it is a person's case.
            if contract.on_cancel == OnChange::Ask || settlement.verified_at.is_none() {
                let question = format!("the order is canceled, the gateway holds {held} yen");
                return ask(match consolidation::left_with(facts) {
                    Some((slip, others)) => {
                        format!(
                            "{question}; slip {slip} is registered for order {others} of the same parcel (同梱)"
                        )
                    }
                    None => question,
                });
            }
            Ok(vec![Wanted { intent: cancellation(settlement, number, held), run_at: at_once(facts) }])
        }
    }
}

fn cancellation(settlement: &Settlement, number: &str, amount: Yen) -> Intent {
    Intent::Cancel {
        reception_number: number.to_owned(),
        amount,
        authorized_on: settlement.authorized_on,
        state: settlement.state.at_gateway(),
    }
}

/// A registration of ours that the order's slips no longer bear out: it is taken back, before the right one is made (§5.4).
/// One at a time: in between the gateway is looked at again. Another carrier's parcel stands under the reception number
/// itself (§2.5): it holds as long as any slip of another carrier does, whatever its number.
pub(super) fn undo(
    contract: &Contract,
    facts: &Facts<'_>,
    number: &str,
    due: Yen,
) -> Result<Option<Wanted>, Not> {
    let settlement = facts.settlement;
    let stale = registered_slips(facts.done).into_iter().find(|registered| {
        let mut ours = facts.slips.iter();
        if registered == number {
            !ours.any(|slip| !contract.delivery.by_yamato(slip.carrier))
        } else {
            !ours.any(|slip| slip.number == *registered)
        }
    });
    let Some(slip) = stale else { return Ok(None) };
    let other_carrier = slip == number;
    match settlement.state {
        SettlementState::Settled if facts.slips.is_empty() => yet("registered"),
        SettlementState::Settled if other_carrier => ask(
            "the sale is settled at the gateway as another carrier's parcel, and the order has a slip of Yamato's: ask the \
             gateway's support",
        ),
        SettlementState::Settled => ask(format!(
            "slip {slip} is settled at the gateway, and the order has another one: ask the gateway's support"
        )),
        SettlementState::Canceled | SettlementState::Lapsed | SettlementState::Refused => Ok(None),
        _ => {
            let intent = Intent::Undo {
                reception_number: number.to_owned(),
                slip_number: slip,
                delivery_service_code: if other_carrier { "99" } else { "00" }.to_owned(),
                amount: settlement.amount.unwrap_or(due),
            };
            Ok(Some(Wanted { intent, run_at: at_once(facts) }))
        }
    }
}

/// The gateway holds another amount than is due: changed by rule, or a question.
pub(super) fn amount(
    contract: &Contract,
    facts: &Facts<'_>,
    number: &str,
    due: Yen,
) -> Result<Option<Wanted>, Not> {
    use SettlementState::{
        Authorized, Canceled, Lapsed, Refused, Registered, Reserved, Settled, Unknown, Unlinked,
    };
    let settlement = facts.settlement;
    let Some(held) = settlement.amount.filter(|held| *held != due) else { return Ok(None) };
    let question = || {
        let question = format!("the gateway holds {held} yen, the order's due is {due} yen");
        ask(match consolidation::consolidated(facts) {
            Some((slip, others)) => format!("{question}; {}", in_one_parcel(&slip, &others)),
            None => question,
        })
    };
    match settlement.state {
        Canceled | Lapsed | Refused => Ok(None),
        Settled => ask(format!("{held} yen are settled at the gateway, the order's due is {due} yen")),
        Unknown | Unlinked | Reserved => question(),
        Authorized | Registered
            if contract.on_amount_change == OnChange::Ask
                || settlement.verified_at.is_none()
                || consolidation::consolidated(facts).is_some() =>
        {
            question()
        }
        Authorized | Registered => {
            let intent = change(settlement, number, held, due);
            // To and fro within a day: each time the issuer is asked for the whole amount.
            if facts.done.contains(&intent) {
                return question();
            }
            Ok(Some(Wanted { intent, run_at: at_once(facts) }))
        }
    }
}

fn in_one_parcel(slip: &str, others: &str) -> String {
    format!(
        "slip {slip} is in one parcel with order {others} (同梱): amount and slip stay as they are until that is undone in \
         Yamato's console"
    )
}

fn change(settlement: &Settlement, number: &str, from: Yen, to: Yen) -> Intent {
    Intent::ChangeAmount {
        reception_number: number.to_owned(),
        from,
        to,
        authorized_on: settlement.authorized_on,
        state: settlement.state.at_gateway(),
    }
}

/// Whether a planned ship date may be `to` (E03: §5.2, §5.3): a reservation alone has one, within days of its own day.
fn reservation(settlement: &Settlement, to: NaiveDate) -> Result<(), Not> {
    if settlement.state != SettlementState::Reserved {
        return ask(format!("only a reservation has a planned ship date; it is {}", settlement.state));
    }
    match settlement.authorized_on.map(latest_ship_date) {
        Some(last) if to > last => {
            ask(format!("the planned ship date {to} is too far ahead: the gateway takes none after {last}"))
        }
        _ => Ok(()),
    }
}

/// What a person asked for by a command. What the rules would want waits until it is done.
pub(super) fn by_word(contract: &Contract, facts: &Facts<'_>, wish: &Wish) -> Result<Vec<Wanted>, Not> {
    let settlement = facts.settlement;
    let Some(number) = settlement.reception_number.as_deref() else {
        return ask("no reception number: `mallsync settlements link ORDER RECEPTION_NUMBER`");
    };
    let Some(held) = settlement.amount else {
        return ask(format!("{} was asked for, yet the gateway was never asked for the amount", wish.kind()));
    };
    if let Wish::ChangeDate { to } = wish {
        reservation(settlement, *to)?;
    }
    let gone = matches!(facts.order.status, Status::Canceled | Status::CancelRequested);
    if gone && matches!(wish, Wish::ChangeAmount { .. } | Wish::Reauth | Wish::ChangeDate { .. }) {
        return ask(format!("the order is {}", facts.order.status));
    }
    if settlement.state == SettlementState::Lapsed && matches!(wish, Wish::ChangeAmount { .. } | Wish::Reauth)
    {
        return super::renewal::ended(settlement);
    }
    if let Some((slip, others)) = consolidation::consolidated(facts) {
        match wish {
            Wish::ChangeAmount { .. } | Wish::Reauth => return ask(in_one_parcel(&slip, &others)),
            Wish::Undo { slip_number } if *slip_number == slip => return ask(in_one_parcel(&slip, &others)),
            Wish::Undo { .. } | Wish::Cancel | Wish::Capture | Wish::ChangeDate { .. } => {}
        }
    }
    let intent = match wish {
        Wish::Cancel => cancellation(settlement, number, held),
        Wish::ChangeAmount { to } if *to > contract.amount_limit => {
            return ask(format!("{to} yen is above amount_limit ({} yen)", contract.amount_limit));
        }
        Wish::ChangeAmount { to } => change(settlement, number, held, *to),
        Wish::Reauth => match super::renewal::intent(settlement, number, held) {
            Some(intent) => intent,
            None => return ask("the gateway shows no date of authorisation"),
        },
        Wish::Undo { slip_number }
            if !settlement.slips.contains(slip_number)
                && !registered_slips(facts.done).contains(slip_number) =>
        {
            return ask(format!("slip {slip_number} is not registered at the gateway"));
        }
        Wish::Undo { slip_number } => Intent::Undo {
            reception_number: number.to_owned(),
            slip_number: slip_number.clone(),
            delivery_service_code: if slip_number == number { "99" } else { "00" }.to_owned(),
            amount: held,
        },
        Wish::ChangeDate { to } => {
            Intent::ChangeDate { reception_number: number.to_owned(), from: settlement.scheduled_on, to: *to }
        }
        // Planned with everything that a capture needs.
        Wish::Capture => return Ok(Vec::new()),
    };
    Ok(vec![Wanted { intent, run_at: at_once(facts) }])
}
