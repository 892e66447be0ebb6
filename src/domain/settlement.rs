//! Card settlements as we know them: one reception number (受付番号) at one gateway contract, of one order.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::money::Yen;
use super::words::words;
use crate::clock::Timestamp;

/// So many days before an authorisation ends a person is asked (decisions.md 12).
pub const LAPSE_ALARM: u64 = 3;

/// A reservation's planned ship date is at most so many days after it was accepted (E03: kuroneko-webcollect.md §5.3, §6).
pub const LATEST_SHIP: u64 = 90;

words! {
    /// Where a settlement stands (interface.md).
    SettlementState {
        /// No reception number known.
        Unlinked = "unlinked",
        /// Money is held on the card.
        Authorized = "authorized",
        /// Will be authorised later (reservation).
        Reserved = "reserved",
        /// A slip is registered, settlement not final (精算確定待ち).
        Registered = "registered",
        /// Final (精算確定).
        Settled = "settled",
        /// Cancelled.
        Canceled = "canceled",
        /// The authorisation has ended with nothing registered on it.
        Lapsed = "lapsed",
        /// The authorisation was refused.
        Refused = "refused",
        /// Not looked up yet, or a status never seen before.
        Unknown = "unknown",
    }
}

impl SettlementState {
    /// "Captured" to people.
    #[must_use]
    pub const fn captured(self) -> bool {
        matches!(self, Self::Registered | Self::Settled)
    }

    /// Nothing is held on the card any more, and nothing was taken.
    #[must_use]
    pub const fn over(self) -> bool {
        matches!(self, Self::Canceled | Self::Lapsed | Self::Refused)
    }

    /// As it stands on `today` (JST) where its authorisation has its last day on `lapses_on`: one that ended has lapsed, one
    /// that was renewed since holds again. The gateway has no status for that (kuroneko-webcollect.md §5.3): it is decided
    /// here, wherever a settlement is looked at or planned.
    #[must_use]
    pub fn on(self, lapses_on: Option<NaiveDate>, today: NaiveDate) -> Self {
        let ended = lapses_on.is_some_and(|last| today > last);
        match self {
            Self::Authorized if ended => Self::Lapsed,
            Self::Lapsed if !ended => Self::Authorized,
            other => other,
        }
    }

    /// As the gateway shows it, which has no status for an authorisation that ended.
    #[must_use]
    pub const fn at_gateway(self) -> Self {
        match self {
            Self::Lapsed => Self::Authorized,
            other => other,
        }
    }
}

/// What a gateway shows of one settlement (web collect E04).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Where it stands, in our words.
    pub state: SettlementState,
    /// The gateway's own status, as sent.
    pub status: String,
    /// Current amount.
    pub amount: Option<Yen>,
    /// When the authorisation began.
    pub authorized_at: Option<Timestamp>,
    /// Approval number of the authorisation.
    pub approval: Option<String>,
    /// Every slip it shows, folded to digits, capitals and the marks of the reception number's alphabet.
    pub slips: Vec<String>,
    /// `00` or `99` of the registered slips.
    pub delivery_service_code: Option<String>,
    /// Other reception numbers in the same parcel.
    pub consolidated_with: Vec<String>,
    /// The gateway's own enquiry number, for its support desk.
    pub enquiry_number: Option<String>,
    /// When the slips were registered (出荷情報登録日).
    pub registered_at: Option<Timestamp>,
    /// The day on which all parcels had been scanned as shipped (全量出荷日).
    pub shipped_on: Option<NaiveDate>,
    /// The day on which all parcels had been delivered (全量配完日).
    pub delivered_on: Option<NaiveDate>,
    /// The planned ship date of a reservation (出荷予定日).
    pub scheduled_on: Option<NaiveDate>,
    /// When it was cancelled (取消日).
    pub canceled_at: Option<Timestamp>,
    /// The last change at the gateway, by whomever (最終更新日時).
    pub changed_at: Option<Timestamp>,
    /// What the gateway warns of (警報情報), in its own words.
    pub warning: Option<String>,
}

impl Default for Observed {
    /// Nothing is shown.
    fn default() -> Self {
        Self {
            state: SettlementState::Unknown,
            status: String::new(),
            amount: None,
            authorized_at: None,
            approval: None,
            slips: Vec::new(),
            delivery_service_code: None,
            consolidated_with: Vec::new(),
            enquiry_number: None,
            registered_at: None,
            shipped_on: None,
            delivered_on: None,
            scheduled_on: None,
            canceled_at: None,
            changed_at: None,
            warning: None,
        }
    }
}

/// What a person asked for by a command, until it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wish {
    /// Register the slips now, whatever `capture` says of when.
    Capture,
    /// Let the money go.
    Cancel,
    /// Another amount.
    ChangeAmount {
        /// The amount as it shall be.
        to: Yen,
    },
    /// A new authorisation of the same amount.
    Reauth,
    /// Take a registered slip back.
    Undo {
        /// The value that was registered.
        slip_number: String,
    },
    /// Another planned ship date of a reservation.
    ChangeDate {
        /// The date as it shall be.
        to: NaiveDate,
    },
}

impl Wish {
    /// The kind of the operation that it becomes.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Cancel => "cancel",
            Self::ChangeAmount { .. } => "change_amount",
            Self::Reauth => "reauth",
            Self::Undo { .. } => "undo",
            Self::ChangeDate { .. } => "change_date",
        }
    }
}

/// One settlement of one order, as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// `UUIDv7`.
    pub id: String,
    /// The name of the contract in the config: `webcollect-main`.
    pub name: String,
    /// The order's id (ours).
    pub order_id: String,
    /// 受付番号; `None` while unlinked.
    pub reception_number: Option<String>,
    /// Where it stands as far as we know.
    pub state: SettlementState,
    /// The amount the gateway showed last.
    pub amount: Option<Yen>,
    /// The day of authorisation (JST).
    pub authorized_on: Option<NaiveDate>,
    /// The last day of the authorisation.
    pub lapses_on: Option<NaiveDate>,
    /// When a look-up showed that it is this order's own (decisions.md 2).
    pub verified_at: Option<Timestamp>,
    /// The last look-up.
    pub looked_at: Option<Timestamp>,
    /// Slips the gateway showed last.
    pub slips: Vec<String>,
    /// Why a person is needed; nothing is sent meanwhile.
    pub held: Option<String>,
    /// What a person asked for; the planner turns it into an operation, and it goes with that.
    pub wish: Option<Wish>,
    /// What a person did about it outside (paid back by hand): nothing is wanted or asked any more.
    pub resolved: Option<String>,
    /// When the authorisation began, exactly as the gateway showed it last.
    pub authorized_at: Option<Timestamp>,
    /// The approval number (与信承認番号) that the gateway showed last.
    pub approval: Option<String>,
    /// The planned ship date of a reservation, as the gateway showed it last.
    pub scheduled_on: Option<NaiveDate>,
    /// Raised by a person's command alone; part of the dedupe key.
    pub generation: i64,
    /// `rule`, `source`, or the person who linked it.
    pub linked_by: String,
}

impl Settlement {
    /// As it stands on `today` (JST); see [`SettlementState::on`].
    #[must_use]
    pub fn on(&self, today: NaiveDate) -> Cow<'_, Self> {
        let state = self.state.on(self.lapses_on, today);
        if state == self.state { Cow::Borrowed(self) } else { Cow::Owned(Self { state, ..self.clone() }) }
    }
}

/// The last day of an authorisation of `days` days that began on `authorized_on`, which counts as day 1
/// (decisions.md 12).
#[must_use]
pub fn last_day(authorized_on: NaiveDate, days: u32) -> Option<NaiveDate> {
    authorized_on.checked_add_days(chrono::Days::new(u64::from(days.checked_sub(1)?)))
}

/// The last day that a reservation accepted on `accepted_on` may be planned to be shipped on ([`LATEST_SHIP`]).
#[must_use]
pub fn latest_ship_date(accepted_on: NaiveDate) -> NaiveDate {
    accepted_on.checked_add_days(chrono::Days::new(LATEST_SHIP)).unwrap_or(NaiveDate::MAX)
}

/// Whether an authorisation that began at `authorized_at` may be that of an order placed at `ordered_at`: within three
/// days (decisions.md 2).
#[must_use]
pub fn near_order(authorized_at: Timestamp, ordered_at: Timestamp) -> bool {
    let three_days = std::time::Duration::from_secs(3 * 86_400);
    authorized_at >= ordered_at - three_days && authorized_at <= ordered_at + three_days
}

/// Whether `text` may be a reception number: 1–23 of digits, capitals and `# - * / < > : @`
/// (kuroneko-webcollect.md §2.3).
#[must_use]
pub fn is_reception_number(text: &str) -> bool {
    (1..=23).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b"#-*/<>:@".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authorisation_lapses_the_day_after_its_last_one() {
        use SettlementState::{Authorized, Lapsed};
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let last = Some(day("2027-01-19"));
        assert_eq!(Authorized.on(last, day("2027-01-19")), Authorized, "the last day counts");
        assert_eq!(Authorized.on(last, day("2027-01-20")), Lapsed);
        assert_eq!(Lapsed.on(last, day("2027-01-20")), Lapsed);
        assert_eq!(Lapsed.on(Some(day("2027-03-20")), day("2027-01-20")), Authorized, "authorised anew");
        assert_eq!(Authorized.on(None, day("2027-01-20")), Authorized);
        for state in SettlementState::ALL.iter().filter(|state| !matches!(state, Authorized | Lapsed)) {
            assert_eq!(state.on(last, day("2027-01-20")), *state);
        }
    }
}
