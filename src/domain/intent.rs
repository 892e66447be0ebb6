//! What an operation does, as it was decided, whatever the gateway answers later (kuroneko-webcollect.md §2.6, §5.5).

use std::time::Duration;

use chrono::{NaiveDate, Timelike as _};
use serde::{Deserialize, Serialize};

use super::money::Yen;
use super::settlement::SettlementState;
use crate::clock::Timestamp;

/// What an operation does, as it was decided: everything needed to send it again or to recognise that it was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Intent {
    /// Register a slip on a card settlement, which captures the sale (web collect E01).
    Capture {
        /// 受付番号.
        reception_number: String,
        /// The slip, or the reception number where another carrier brings the parcel (`99`).
        slip_number: String,
        /// `00` Yamato, `99` another carrier.
        delivery_service_code: String,
        /// The amount that the look-up must show.
        amount: Yen,
    },
    /// Take a registered slip back (E02). With the last one the sale is no longer captured.
    Undo {
        /// 受付番号.
        reception_number: String,
        /// The value that was registered.
        slip_number: String,
        /// `00` or `99`, as it was registered; never sent, it tells where a look-up shows the slip.
        delivery_service_code: String,
        /// The amount of the sale.
        amount: Yen,
    },
    /// Cancel the settlement, slips included (A06).
    Cancel {
        /// 受付番号.
        reception_number: String,
        /// The amount that is let go.
        amount: Yen,
        /// The day of authorisation (JST) of what is cancelled.
        authorized_on: Option<NaiveDate>,
        /// Where it stood: a cancel decided for a sale that waits is not sent for one that was captured meanwhile.
        state: SettlementState,
    },
    /// Authorise another amount and let the old one go (A07).
    ChangeAmount {
        /// 受付番号.
        reception_number: String,
        /// The amount as it is.
        from: Yen,
        /// The amount as it shall be.
        to: Yen,
        /// The day of authorisation (JST) of the amount as it is.
        authorized_on: Option<NaiveDate>,
        /// Where it stood.
        state: SettlementState,
    },
    /// Authorise the same amount anew, which starts a new period (A11).
    Reauth {
        /// 受付番号.
        reception_number: String,
        /// The amount, which cannot change.
        amount: Yen,
        /// The authorisation's beginning as it was, exactly as the gateway showed it. Midnight (JST) is read as "that
        /// day": where only the day is known it is compared by the day.
        authorized_at: Timestamp,
        /// The approval number (与信承認番号) as it was, where the gateway showed one.
        approval: Option<String>,
    },
    /// Move the planned ship date of a reservation (E03).
    ChangeDate {
        /// 受付番号.
        reception_number: String,
        /// The date as it is; `None` where the gateway shows none.
        from: Option<NaiveDate>,
        /// The date as it shall be.
        to: NaiveDate,
    },
}

/// A07 and A11 are closed 23:00–01:00 JST, kept away from five minutes each side (§5.7), in seconds from midnight.
const NIGHT: (u32, u32) = (22 * 3_600 + 55 * 60, 3_600 + 5 * 60);

impl Intent {
    /// The words for all kinds.
    pub const KINDS: [&str; 6] = ["capture", "undo", "cancel", "change_amount", "reauth", "change_date"];

    /// The word for the kind, as the database and metrics use it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Capture { .. } => "capture",
            Self::Undo { .. } => "undo",
            Self::Cancel { .. } => "cancel",
            Self::ChangeAmount { .. } => "change_amount",
            Self::Reauth { .. } => "reauth",
            Self::ChangeDate { .. } => "change_date",
        }
    }

    /// The reception number it changes.
    #[must_use]
    pub fn reception_number(&self) -> &str {
        match self {
            Self::Capture { reception_number, .. }
            | Self::Undo { reception_number, .. }
            | Self::Cancel { reception_number, .. }
            | Self::ChangeAmount { reception_number, .. }
            | Self::Reauth { reception_number, .. }
            | Self::ChangeDate { reception_number, .. } => reception_number,
        }
    }

    /// Yen that move when it is done, whichever way: what `max_yen_per_day` counts. A sale that is captured, no longer
    /// captured or let go moves whole; a changed amount moves by the difference; a renewed hold and a moved date move
    /// nothing.
    #[must_use]
    pub const fn amount(&self) -> Yen {
        match self {
            Self::Capture { amount, .. } | Self::Undo { amount, .. } | Self::Cancel { amount, .. } => *amount,
            Self::ChangeAmount { from, to, .. } => Yen(to.0.saturating_sub(from.0).saturating_abs()),
            Self::Reauth { .. } | Self::ChangeDate { .. } => Yen::ZERO,
        }
    }

    /// The amount that the gateway held when it was decided, where that matters: it must still hold it when it is sent.
    #[must_use]
    pub const fn held(&self) -> Option<Yen> {
        match self {
            Self::Capture { amount, .. }
            | Self::Undo { amount, .. }
            | Self::Cancel { amount, .. }
            | Self::ChangeAmount { from: amount, .. }
            | Self::Reauth { amount, .. } => Some(*amount),
            Self::ChangeDate { .. } => None,
        }
    }

    /// The slip that it registers or takes back.
    #[must_use]
    pub fn slip_number(&self) -> Option<&str> {
        match self {
            Self::Capture { slip_number, .. } | Self::Undo { slip_number, .. } => Some(slip_number),
            Self::Cancel { .. }
            | Self::ChangeAmount { .. }
            | Self::Reauth { .. }
            | Self::ChangeDate { .. } => None,
        }
    }

    /// Unique per wish (decisions.md 11): function, settlement, argument, the facts it rests on, and a generation that
    /// only a person's command raises.
    #[must_use]
    pub fn dedupe_key(&self, settlement: &str, generation: i64) -> String {
        let day = |day: &Option<NaiveDate>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
        let facts = match self {
            Self::Capture { slip_number, delivery_service_code, amount, .. }
            | Self::Undo { slip_number, delivery_service_code, amount, .. } => {
                format!("{delivery_service_code}/{slip_number}/{}", amount.0)
            }
            Self::Cancel { amount, authorized_on, state, .. } => {
                format!("{state}/{}/{}", day(authorized_on), amount.0)
            }
            Self::ChangeAmount { from, to, authorized_on, state, .. } => {
                format!("{state}/{}/{}/{}", day(authorized_on), from.0, to.0)
            }
            Self::Reauth { amount, authorized_at, .. } => {
                format!("{}/{}", authorized_at.jst_date(), amount.0)
            }
            Self::ChangeDate { from, to, .. } => format!("{}/{to}", day(from)),
        };
        format!("{}/{settlement}/{}/{facts}/{generation}", self.kind(), self.reception_number())
    }

    /// When the gateway takes it again, if it is closed for this function at `now`: A07 and A11 are not worked on at
    /// night (§5.7). `None`: it may be sent.
    #[must_use]
    pub fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::ChangeAmount { .. } | Self::Reauth { .. } => night_ends(now),
            Self::Capture { .. } | Self::Undo { .. } | Self::Cancel { .. } | Self::ChangeDate { .. } => None,
        }
    }
}

/// The end of the night (01:05 JST) in which A07 and A11 are closed, if `now` lies in it (§5.7: 22:55–01:05).
#[must_use]
pub fn night_ends(now: Timestamp) -> Option<Timestamp> {
    let (begins, ends) = NIGHT;
    let seconds = now.jst().time().num_seconds_from_midnight();
    let midnight = if seconds >= begins {
        Timestamp::jst_midnight(now.jst_date().succ_opt()?)
    } else if seconds < ends {
        Timestamp::jst_midnight(now.jst_date())
    } else {
        return None;
    };
    Some(midnight + Duration::from_secs(u64::from(ends)))
}

/// The slips that stand registered after `done`, oldest first: what was captured, less what was taken back since.
#[must_use]
pub fn registered_slips(done: &[Intent]) -> Vec<String> {
    let mut slips: Vec<String> = Vec::new();
    for intent in done {
        match intent {
            Intent::Capture { slip_number, .. } => {
                if !slips.contains(slip_number) {
                    slips.push(slip_number.clone());
                }
            }
            Intent::Undo { slip_number, .. } => slips.retain(|slip| slip != slip_number),
            Intent::Cancel { .. } => slips.clear(),
            Intent::ChangeAmount { .. } | Intent::Reauth { .. } | Intent::ChangeDate { .. } => {}
        }
    }
    slips
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn capture(slip: &str) -> Intent {
        Intent::Capture {
            reception_number: "A-1".to_owned(),
            slip_number: slip.to_owned(),
            delivery_service_code: "00".to_owned(),
            amount: Yen(12_800),
        }
    }

    fn undo(slip: &str) -> Intent {
        Intent::Undo {
            reception_number: "A-1".to_owned(),
            slip_number: slip.to_owned(),
            delivery_service_code: "00".to_owned(),
            amount: Yen(12_800),
        }
    }

    fn cancel() -> Intent {
        Intent::Cancel {
            reception_number: "A-1".to_owned(),
            amount: Yen(12_800),
            authorized_on: Some(day("2026-11-21")),
            state: SettlementState::Authorized,
        }
    }

    fn change_amount(from: i64, to: i64) -> Intent {
        Intent::ChangeAmount {
            reception_number: "A-1".to_owned(),
            from: Yen(from),
            to: Yen(to),
            authorized_on: None,
            state: SettlementState::Registered,
        }
    }

    fn reauth() -> Intent {
        Intent::Reauth {
            reception_number: "A-1".to_owned(),
            amount: Yen(12_800),
            authorized_at: at("2026-11-21T23:30:00+09:00"),
            approval: Some("000123456".to_owned()),
        }
    }

    fn change_date() -> Intent {
        Intent::ChangeDate { reception_number: "A-1".to_owned(), from: None, to: day("2026-12-24") }
    }

    fn all() -> [Intent; 6] {
        [capture("S"), undo("S"), cancel(), change_amount(100, 80), reauth(), change_date()]
    }

    #[test]
    fn every_kind_is_stored_and_read_back() {
        for (intent, kind) in all().iter().zip(Intent::KINDS) {
            let json = serde_json::to_value(intent).unwrap();
            assert_eq!((json["kind"].as_str(), intent.kind()), (Some(kind), kind));
            assert_eq!(serde_json::from_value::<Intent>(json).unwrap(), *intent);
        }
    }

    /// What versions before wrote must be read for ever.
    #[test]
    fn a_stored_capture_still_reads() {
        let stored = r#"{"kind":"capture","reception_number":"A-1","slip_number":"400123456784",
                         "delivery_service_code":"00","amount":12800}"#;
        assert_eq!(serde_json::from_str::<Intent>(stored).unwrap(), capture("400123456784"));
        let key = capture("400123456784").dedupe_key("webcollect-main", 0);
        assert_eq!(key, "capture/webcollect-main/A-1/00/400123456784/12800/0");
    }

    #[test]
    fn a_wish_is_one_whatever_it_rests_on_makes_it_another() {
        let keys: Vec<String> = all().iter().map(|intent| intent.dedupe_key("main", 2)).collect();
        assert_eq!(
            keys,
            [
                "capture/main/A-1/00/S/12800/2",
                "undo/main/A-1/00/S/12800/2",
                "cancel/main/A-1/authorized/2026-11-21/12800/2",
                "change_amount/main/A-1/registered/-/100/80/2",
                "reauth/main/A-1/2026-11-21/12800/2",
                "change_date/main/A-1/-/2026-12-24/2",
            ]
        );
    }

    #[test]
    fn yen_that_move() {
        let moved: Vec<i64> = all().iter().map(|intent| intent.amount().0).collect();
        assert_eq!(moved, [12_800, 12_800, 12_800, 20, 0, 0]);
        assert_eq!(change_amount(80, 100).amount(), Yen(20));
        assert_eq!(change_amount(80, 100).held(), Some(Yen(80)));
        assert_eq!(change_date().held(), None);
    }

    #[test]
    fn the_night_is_waited_for_without_asking() {
        for (now, end) in [
            ("2026-11-21T22:54:59+09:00", None),
            ("2026-11-21T22:55:00+09:00", Some("2026-11-22T01:05:00+09:00")),
            ("2026-11-21T23:59:59+09:00", Some("2026-11-22T01:05:00+09:00")),
            ("2026-11-21T15:00:00Z", Some("2026-11-22T01:05:00+09:00")),
            ("2026-11-22T01:04:59+09:00", Some("2026-11-22T01:05:00+09:00")),
            ("2026-11-22T01:05:00+09:00", None),
            ("2026-11-22T12:00:00+09:00", None),
        ] {
            let end = end.map(at);
            for intent in all() {
                let closes = matches!(intent, Intent::ChangeAmount { .. } | Intent::Reauth { .. });
                assert_eq!(intent.closed_until(at(now)), end.filter(|_| closes), "{now} {}", intent.kind());
            }
        }
    }

    #[test]
    fn slips_that_stand() {
        let standing = |done: &[Intent]| registered_slips(done);
        assert_eq!(standing(&[capture("A"), capture("B"), capture("A")]), ["A", "B"]);
        assert_eq!(standing(&[capture("A"), undo("A"), capture("B")]), ["B"]);
        assert_eq!(standing(&[capture("A"), undo("A"), capture("A")]), ["A"]);
        assert_eq!(standing(&[capture("A"), reauth(), change_amount(1, 2), change_date()]), ["A"]);
        assert_eq!(standing(&[capture("A"), cancel()]), [""; 0]);
    }
}
