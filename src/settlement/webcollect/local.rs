//! What is wrong with an intent and can be seen without a call: kuroneko-webcollect.md §2.3, §2.5. Each refusal tells a
//! person what to do.

use chrono::NaiveDate;

use super::map::fold_slip;
use crate::clock::Timestamp;
use crate::domain::intent::Intent;
use crate::domain::money::Yen;
use crate::domain::settlement::{is_reception_number, latest_ship_date};
use crate::domain::slip::seven_check;
use crate::settlement::Member;

/// Yamato's numbers go out as twelve digits (§2.5); other carriers' values exactly as decided.
pub(super) fn slip_to_send(slip_number: &str, delivery_service_code: &str) -> String {
    if delivery_service_code == "00" { fold_slip(slip_number) } else { slip_number.to_owned() }
}

/// Whether `intent` may be sent as far as that can be known here; `limit` in yen, `now` for dates that are past.
pub(super) fn check(intent: &Intent, limit: Yen, now: Timestamp) -> Result<(), String> {
    let number = intent.reception_number();
    if !is_reception_number(number) {
        return Err(format!(
            "the reception number {number} breaks the gateway's rule (1 to 23 of digits, capitals and # - * / < > : @): \
             give the right one with `settlements link`"
        ));
    }
    match intent {
        Intent::Capture { slip_number, delivery_service_code, amount, .. } => {
            within(*amount, limit)?;
            slip(slip_number, delivery_service_code)?;
            // The gateway took the number of a slip that is taken back; one that is registered must be sound.
            if delivery_service_code == "00" && !seven_check(&fold_slip(slip_number)) {
                return Err(format!(
                    "the slip {slip_number} has a wrong check digit: compare it with the 送り状 and correct it with \
                     `slips replace`"
                ));
            }
            Ok(())
        }
        Intent::Undo { slip_number, delivery_service_code, .. } => slip(slip_number, delivery_service_code),
        Intent::ChangeAmount { from, to, .. } if from == to => {
            Err(format!("the amount is {to} yen already: there is nothing to change"))
        }
        Intent::ChangeAmount { to, .. } => within(*to, limit),
        Intent::ChangeDate { from, to, .. } if *from == Some(*to) => {
            Err(format!("the planned ship date is {to} already: there is nothing to change"))
        }
        Intent::ChangeDate { to, .. } if *to < now.jst_date() => {
            Err(format!("the planned ship date {to} is past: give one from today on"))
        }
        // Counted from the reservation's own day, which lies behind today: what is too late now was too late then.
        Intent::ChangeDate { to, .. } if *to > latest_ship_date(now.jst_date()) => {
            Err(too_far(*to, now.jst_date()))
        }
        Intent::ChangeDate { .. } | Intent::Cancel { .. } | Intent::Reauth { .. } => Ok(()),
    }
}

fn too_far(to: NaiveDate, from: NaiveDate) -> String {
    format!(
        "the planned ship date {to} is too far ahead: the gateway takes none after {}",
        latest_ship_date(from)
    )
}

fn within(amount: Yen, limit: Yen) -> Result<(), String> {
    if amount >= Yen(1) && amount <= limit {
        return Ok(());
    }
    Err(format!(
        "the amount of {amount} yen is not within 1 and {limit} yen: check the order, or raise `amount_limit` if the \
         contract allows more"
    ))
}

/// Whether a member can be asked for (§2.3); neither value is repeated.
pub(super) fn member(member: &Member) -> Result<(), String> {
    let id = member.id.expose();
    if id.len() > 64 || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err("the 会員ID is 1 to 64 half-width letters and digits".to_owned());
    }
    let key = member.authentication_key.expose();
    if !(1..=8).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("the 認証キー is 1 to 8 half-width characters".to_owned());
    }
    Ok(())
}

/// The form of a slip number.
fn slip(slip_number: &str, delivery_service_code: &str) -> Result<(), String> {
    let slip = slip_to_send(slip_number, delivery_service_code);
    match delivery_service_code {
        "00" if slip.len() != 12 || !slip.bytes().all(|b| b.is_ascii_digit()) => Err(format!(
            "the slip {slip_number} is not a Yamato number of twelve digits: correct it with `slips replace`"
        )),
        "00" => Ok(()),
        "99" if is_reception_number(&slip) => Ok(()),
        "99" => Err(format!(
            "the value {slip_number} for another carrier breaks the gateway's rule (the reception number itself, or 1 to 23 \
             of digits, capitals and # - * / < > : @)"
        )),
        other => {
            Err(format!("the delivery service code {other} is neither 00 (Yamato) nor 99 (another carrier)"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::settlement::SettlementState;

    const SLIP: &str = "400123456784";

    fn told(intent: &Intent) -> Result<(), String> {
        check(intent, Yen(50_000), Timestamp::parse("2026-11-21T00:30:00+09:00").unwrap())
    }

    fn capture(number: &str, slip: &str, code: &str, amount: i64) -> Intent {
        Intent::Capture {
            reception_number: number.to_owned(),
            slip_number: slip.to_owned(),
            delivery_service_code: code.to_owned(),
            amount: Yen(amount),
        }
    }

    fn undo(slip: &str, code: &str) -> Intent {
        Intent::Undo {
            reception_number: "A-1".to_owned(),
            slip_number: slip.to_owned(),
            delivery_service_code: code.to_owned(),
            amount: Yen(90_000),
        }
    }

    fn change_amount(from: i64, to: i64) -> Intent {
        Intent::ChangeAmount {
            reception_number: "A-1".to_owned(),
            from: Yen(from),
            to: Yen(to),
            authorized_on: None,
            state: SettlementState::Authorized,
        }
    }

    fn change_date(from: Option<&str>, to: &str) -> Intent {
        let day = |text: &str| text.parse().unwrap();
        Intent::ChangeDate { reception_number: "A-1".to_owned(), from: from.map(day), to: day(to) }
    }

    fn cancel(number: &str) -> Intent {
        Intent::Cancel {
            reception_number: number.to_owned(),
            amount: Yen(90_000),
            authorized_on: None,
            state: SettlementState::Authorized,
        }
    }

    fn reauth(number: &str) -> Intent {
        Intent::Reauth {
            reception_number: number.to_owned(),
            amount: Yen(100),
            authorized_at: Timestamp::parse("2026-10-01T09:00:00+09:00").unwrap(),
            approval: None,
        }
    }

    #[test]
    fn what_is_sound_passes() {
        for intent in [
            capture("A-1", SLIP, "00", 1),
            capture("A-1", SLIP, "00", 50_000),
            capture("A-1", "4001-2345-6784", "00", 100),
            capture("#-*/<>:@0123456789ABCDE", SLIP, "00", 100),
            capture("A-1", "A-1", "99", 100),
            capture("A-1", "JP/123", "99", 100),
            undo(SLIP, "00"),
            undo("400123456783", "00"),
            undo("A-1", "99"),
            cancel("A-1"),
            reauth("A-1"),
            change_amount(60_000, 50_000),
            change_amount(100, 1),
            change_date(None, "2026-11-21"),
            change_date(Some("2026-11-22"), "2027-02-19"),
        ] {
            assert_eq!(told(&intent), Ok(()), "{intent:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_seen_before_anything_is_sent() {
        for (intent, word) in [
            (capture("", SLIP, "00", 100), "reception number"),
            (capture("a-1", SLIP, "00", 100), "reception number"),
            (capture("A_1", SLIP, "00", 100), "reception number"),
            (capture("Ａ1", SLIP, "00", 100), "reception number"),
            (capture("123456789012345678901234", SLIP, "00", 100), "reception number"),
            (cancel("a-1"), "reception number"),
            (reauth(""), "reception number"),
            (capture("A-1", SLIP, "00", 0), "amount"),
            (capture("A-1", SLIP, "00", -1), "amount"),
            (capture("A-1", SLIP, "00", 50_001), "amount"),
            (capture("A-1", "400123456783", "00", 100), "check digit"),
            (capture("A-1", "40012345678", "00", 100), "twelve digits"),
            (capture("A-1", "", "00", 100), "twelve digits"),
            (capture("A-1", "A-1", "00", 100), "twelve digits"),
            (capture("A-1", "", "99", 100), "another carrier"),
            (capture("A-1", "abc", "99", 100), "another carrier"),
            (capture("A-1", SLIP, "01", 100), "delivery service code"),
            (undo("40012345678", "00"), "twelve digits"),
            (undo("abc", "99"), "another carrier"),
            (undo(SLIP, ""), "delivery service code"),
            (change_amount(100, 100), "nothing to change"),
            (change_amount(100, 0), "amount_limit"),
            (change_amount(100, 50_001), "amount_limit"),
            (change_date(Some("2026-12-01"), "2026-12-01"), "nothing to change"),
            (change_date(None, "2026-11-20"), "past"),
            (change_date(None, "2027-02-20"), "none after 2027-02-19"),
        ] {
            let said = told(&intent).unwrap_err();
            assert!(said.contains(word), "{intent:?}: {said}");
        }
    }
}
