//! What the answer to a changing call means: kuroneko-webcollect.md §4.1 with the tables of `codes`. Pure.

use std::time::Duration;

use super::codes::{Class, classify, credit_row, describe, meaning, row};
use super::wire::{NO_CODE, Outcome, Reply};
use crate::clock::Timestamp;
use crate::domain::intent::night_ends;
use crate::domain::operation::Answer;
use crate::settlement::{Halt, Stop};

/// Closed without a calendar: asked again after this (§5.7: every 5–15 minutes).
const CLOSED: Duration = Duration::from_secs(10 * 60);
/// How long what is stopped rests before it is asked again (decisions.md 11).
const STOPPED: Duration = Duration::from_secs(60 * 60);

/// What the answer to a changing call means, and what must stop.
#[must_use]
pub fn answer(status: u16, body: &[u8], now: Timestamp) -> (Answer, Option<Halt>) {
    let reply = match Reply::read(status, body) {
        Ok(reply) => reply,
        Err(unreadable) => return (Answer::Unknown { reason: unreadable.to_string() }, None),
    };
    let code = match reply.outcome() {
        Outcome::Success => return (Answer::Done, None),
        Outcome::Contradiction(reason) => return (Answer::Unknown { reason }, None),
        // Rule 8: not resent; a look-up decides, then a person.
        Outcome::RefusedWithoutCause => return (Answer::Verify { code: NO_CODE.to_owned() }, None),
        Outcome::Refused(code) => code,
    };
    let answer = match classify(&code) {
        Class::Retry => Answer::Retry { code },
        Class::Window => Answer::Later { until: window_ends(&code, now), code },
        Class::Bug => Answer::Refused { code },
        // §4.1: the common ones stop everything of the merchant, the others their own function alone.
        Class::Conf => {
            let stop = stop(&code);
            let halt = if code.starts_with("Z01") { Halt::Account(stop) } else { Halt::Function(stop) };
            return (Answer::Later { until: now + STOPPED, code }, Some(halt));
        }
        // The common ones say that the gateway itself does not know; those of a function, that it was done before.
        Class::Verify if code.starts_with("Z01") => Answer::Unknown { reason: describe(&code) },
        Class::Verify => Answer::Verify { code },
        // The issuer said no: never sent again by itself, and the shop must hear of it at once (§5.3, §8.7).
        Class::Decline | Class::Person => Answer::Person { reason: for_person(&code, &reply), code },
    };
    (answer, None)
}

fn for_person(code: &str, reply: &Reply) -> String {
    let action = row(code).map_or("ask Yamato's support what it means", |row| row.action());
    let network = match reply.credit_error_code() {
        None => String::new(),
        Some(credit) => match credit_row(&credit) {
            // What stands behind a refusal decides what to do about it; a reversal that failed is not tried again.
            Some(row) if classify(code) == Class::Decline => {
                let (japanese, english) = (row.japanese, row.english);
                format!("; creditErrorCode {credit} ({japanese}: {english}; {})", row.class.action())
            }
            Some(row) => format!("; creditErrorCode {credit} ({}: {})", row.japanese, row.english),
            None => format!("; creditErrorCode {credit}"),
        },
    };
    format!("{}{network}: {action}", describe(code))
}

/// Maintenance has no calendar, the night of A07 and A11 has; one that begins early or ends late is asked again soon.
fn window_ends(code: &str, now: Timestamp) -> Timestamp {
    let night = if code.starts_with("Z01") { None } else { night_ends(now) };
    night.unwrap_or(now + CLOSED)
}

/// Why something must stop and what a person does about it.
#[must_use]
pub fn stop(code: &str) -> Stop {
    Stop { code: code.to_owned(), reason: format!("{}; {}", meaning(code), mend(code)) }
}

/// What a shop's staff can do about a code of class CONF, in words that name the paper or the place.
#[must_use]
pub fn mend(code: &str) -> &'static str {
    match code {
        "Z012000007" => {
            "compare `trader_code` and `environment` with the 加盟店コード on the 登録完了書, and ask Yamato whether the \
             contract has begun (利用開始日) and is not suspended (取引停止)"
        }
        "Z012000008" => "ask Yamato for the API方式 of クロネコwebコレクト; this contract does not have it",
        "Z012000009" => {
            "`mallsync check` shows the address that the gateway sees; have it registered as 接続元グローバルIP with \
             Yamato, or send through a `proxy` whose address is registered"
        }
        "E011010251" => "ask Yamato to enable 出荷情報登録 for this 加盟店コード",
        "E021010251" => {
            "ask Yamato to enable 出荷情報取消 for this 加盟店コード, or take the slip back in the console"
        }
        "A072000001" => {
            "ask Yamato for the 金額変更 option, or change the amount in the console; `on_amount_change = \"ask\"` until then"
        }
        "A112000001" => {
            "ask Yamato to enable クレジット決済 for this 加盟店コード; `reauthorize = \"off\"` until then"
        }
        "E032000001" => "ask Yamato for the オプションサービス, which reservations (予約販売) need",
        _ => "ask Yamato's support to enable it for this 加盟店コード",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_function_is_asked_again_when_it_opens() {
        for (now, end) in [
            ("2026-11-21T22:56:00+09:00", "2026-11-22T01:05:00+09:00"),
            ("2026-11-21T23:59:59+09:00", "2026-11-22T01:05:00+09:00"),
            ("2026-11-22T00:30:00+09:00", "2026-11-22T01:05:00+09:00"),
            // It ends later than we know: not a day later.
            ("2026-11-22T01:05:00+09:00", "2026-11-22T01:15:00+09:00"),
        ] {
            let now = Timestamp::parse(now).unwrap();
            for code in ["A070000000", "A110000000"] {
                assert_eq!(window_ends(code, now).to_string(), end);
            }
            assert_eq!(window_ends("Z010000000", now), now + CLOSED);
        }
    }
}
