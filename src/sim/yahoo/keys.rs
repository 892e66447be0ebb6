//! The elements that changing calls may hold, and the form of each (yahoo-shopping.md §7, §9.7).

use chrono::{NaiveDate, NaiveDateTime};

use super::view::{Val, code, text};
use crate::clock::{Timestamp, jst_offset};

/// What a value must look like. An empty element takes away what was there, where it may be empty.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// So many bytes at most.
    Text(usize),
    /// So many half-width characters at most: a full-width one counts for two.
    Half(usize),
    D8,
    T14,
    Codes(&'static [&'static str]),
    Bool,
    /// `true` and nothing else.
    True,
    Number,
    /// `ShipMethod`: the highest number beside the gap at 15.
    Method(u8),
    Carrier,
    /// A slip number: letters, digits and `-`; what the carrier asks for comes on top.
    Slip,
}

/// Name and form.
pub(crate) type Key = (&'static str, Form);

/// Of `Ship` in `orderShipStatusChange` (§7.1), but for the status itself.
pub(crate) const SHIPMENT: [Key; 16] = [
    ("ShipMethod", Form::Method(16)),
    ("ShipCompanyCode", Form::Carrier),
    ("ShipInvoiceNumber1", Form::Slip),
    ("ShipInvoiceNumber2", Form::Slip),
    ("ShipInvoiceNumberEmptyReason", EMPTY_REASON),
    ("ShipUrl", Form::Half(100)),
    ("ShipNotes", Form::Half(500)),
    ("ShipDate", Form::D8),
    ("ArrivalDate", Form::D8),
    ("ShipInstructStatus", Form::Codes(&["103"])),
    ("CollectionDate", Form::D8),
    ("CashOnDeliveryTax", Form::Number),
    ("IsEazy", Form::Bool),
    ("EazyDeliveryCode", EAZY_CODE),
    ("EazyDeliveryName", Form::Text(100)),
    ("IsMallContactlessDelivery", Form::Bool),
];
/// They are sent all together or not at all.
pub(crate) const EAZY: [&str; 4] =
    ["IsEazy", "EazyDeliveryCode", "EazyDeliveryName", "IsMallContactlessDelivery"];

const EMPTY_REASON: Form = Form::Codes(&["101", "102", "103", "104", "105"]);
const EAZY_CODE: Form = Form::Codes(&["0", "1", "2", "3", "4", "5", "6", "7"]);

/// Of the order itself in `orderChange` (§7.4), as far as simulated.
pub(crate) const ORDER: [Key; 8] = [
    ("IsSeen", Form::True),
    ("StoreStatus", Form::Number),
    ("PrintSlipTime", Form::T14),
    ("PrintDeliveryTime", Form::T14),
    ("PrintBillTime", Form::T14),
    ("BuyerComments", Form::Text(750)),
    ("SellerComments", Form::Text(750)),
    ("Notes", Form::Text(1_500)),
];

/// Of `Pay` in `orderChange`, as far as simulated.
pub(crate) const PAY: [Key; 5] = [
    ("PayDate", Form::D8),
    ("PayNotes", Form::Text(1_000)),
    ("NeedBillSlip", Form::Bool),
    ("NeedDetailedSlip", Form::Bool),
    ("NeedReceipt", Form::Bool),
];

/// Of `Ship` in `orderChange`, as far as simulated.
pub(crate) const SHIP: [Key; 29] = [
    ("ShipMethod", Form::Method(22)),
    ("ShipMethodName", Form::Text(150)),
    ("ShipRequestDate", Form::D8),
    ("ShipRequestTime", Form::Text(50)),
    ("ShipNotes", Form::Half(500)),
    ("ShipCompanyCode", Form::Carrier),
    ("ShipInvoiceNumber1", Form::Slip),
    ("ShipInvoiceNumber2", Form::Slip),
    ("ShipInvoiceNumberEmptyReason", EMPTY_REASON),
    ("ShipUrl", Form::Half(100)),
    ("ArriveType", Form::Codes(&["0", "1", "2"])),
    ("ShipDate", Form::D8),
    ("ArrivalDate", Form::D8),
    ("ShipLastName", Form::Text(297)),
    ("ShipFirstName", Form::Text(297)),
    ("ShipLastNameKana", Form::Text(297)),
    ("ShipFirstNameKana", Form::Text(297)),
    ("ShipZipCode", Form::Text(10)),
    ("ShipPrefecture", Form::Text(12)),
    ("ShipCity", Form::Text(297)),
    ("ShipAddress1", Form::Text(297)),
    ("ShipAddress2", Form::Text(297)),
    ("ShipPhoneNumber", Form::Text(14)),
    ("ShipEmgPhoneNumber", Form::Text(14)),
    ("CashOnDeliveryTax", Form::Number),
    ("IsEazy", Form::Bool),
    ("EazyDeliveryCode", EAZY_CODE),
    ("EazyDeliveryName", Form::Text(100)),
    ("IsMallContactlessDelivery", Form::Bool),
];

impl Form {
    /// Is this a value of the form? (`text` is trimmed.)
    pub(crate) fn fits(self, text: &str) -> bool {
        let digits = || text.bytes().all(|b| b.is_ascii_digit());
        if text.is_empty() {
            return !matches!(self, Self::Bool | Self::True);
        }
        match self {
            Self::Text(cap) => text.len() <= cap,
            Self::Half(cap) => half_widths(text) <= cap,
            Self::D8 => day(text).is_some(),
            Self::T14 => moment(text).is_some(),
            Self::Codes(known) => known.contains(&text),
            Self::Bool => matches!(text, "true" | "false"),
            Self::True => text == "true",
            Self::Number => digits() && text.len() <= 10,
            Self::Method(last) => {
                let number = text.strip_prefix("postage").filter(|n| !n.starts_with('0'));
                number.and_then(|n| n.parse().ok()).is_some_and(|n| (1..=last).contains(&n) && n != 15)
            }
            Self::Carrier => {
                digits()
                    && text
                        .parse()
                        .is_ok_and(|n: u16| (1_000..=1_029).contains(&n) || matches!(n, 5_000 | 5_001))
            }
            Self::Slip => text.len() <= 30 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
        }
    }

    /// The value as later reads show it.
    fn show(self, value: &str) -> Val {
        match self {
            _ if value.is_empty() => Val::Empty,
            Self::D8 => day(value).map_or(Val::Empty, Val::Date),
            Self::T14 => moment(value).map_or(Val::Empty, Val::Time),
            Self::Bool | Self::True => Val::Bool(value == "true"),
            Self::Text(_) | Self::Half(_) => text(value.to_owned()),
            _ => code(value.to_owned()),
        }
    }
}

/// The element of this name with a value that a call wrote.
pub(crate) fn show(name: &str, value: &str) -> Val {
    let known = SHIP.iter().chain(&SHIPMENT).chain(&ORDER).chain(&PAY).find(|(known, _)| *known == name);
    known.map_or_else(|| text(value.to_owned()), |(_, form)| form.show(value))
}

/// Is the number one of this carrier's (§7.1)? `first`: it is number 1.
pub(crate) fn slip_fits(carrier: &str, number: &str, first: bool) -> bool {
    match carrier {
        "1001" => number.len() <= 14 && number.bytes().all(|b| b.is_ascii_digit() || b == b'-'),
        "1003" if first => (11..=13).contains(&number.bytes().filter(|b| *b != b'-').count()),
        _ => true,
    }
}

/// (`ShipMethodName`, `ShipCompanyCode`) that the store has bound to a method.
pub(crate) fn bound(method: &str) -> (&'static str, &'static str) {
    match method {
        "postage1" => ("宅急便", "1001"),
        "postage2" => ("佐川急便", "1002"),
        "postage3" => ("ネコポス", "1001"),
        "postage4" => ("ゆうパック", "1003"),
        _ => ("その他の配送", "1000"),
    }
}

fn half_widths(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() || ('\u{FF61}'..='\u{FF9F}').contains(&c) { 1 } else { 2 }).sum()
}

fn day(text: &str) -> Option<Timestamp> {
    let plain = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    let date = plain.then(|| NaiveDate::parse_from_str(text, "%Y%m%d").ok()).flatten()?;
    Some(Timestamp::jst_midnight(date))
}

fn moment(text: &str) -> Option<Timestamp> {
    let plain = text.len() == 14 && text.bytes().all(|b| b.is_ascii_digit());
    let naive = plain.then(|| NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%S").ok()).flatten()?;
    naive.and_local_timezone(jst_offset()).single().map(Timestamp::from)
}
