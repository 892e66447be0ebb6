//! The conditions of a search (yahoo-shopping.md §5.2): checked first, then held against an order.

use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime};

use super::fields::{self, Field};
use super::plan::Plan;
use super::view::{Val, View};
use crate::clock::{Timestamp, jst_offset};
use crate::sim::xml::Node;

/// Which time a span is about, as far as finding orders by it is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Order,
    Publication,
    MethodDeadline,
    Other,
}

/// A span of time, both ends included.
pub(crate) struct Span {
    pub(crate) when: When,
    field: Field,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

/// One condition.
pub(crate) enum Filter {
    OrderId(String),
    Within(Span),
    /// The element of the same name holds one of these values; `false` holds for an empty one, too.
    Is(Field, Vec<String>),
    Slip(String),
    /// 1 without those that have no wanted date, 2 only those.
    NoRequestDate(u8),
    Active(bool),
    Line(LineRule),
    /// Some line of the order has this element with this text in it.
    Item(&'static str, String),
    ReadOnlyMode(u8),
    Fraud,
    All,
    Nothing,
}

/// `LineGiftDisplayType` and `LineGiftShippableType`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LineRule {
    Only,
    Without,
    Shippable,
    NotShippable,
}

/// What a value must look like.
#[derive(Clone, Copy)]
enum Form {
    T14,
    D8,
    /// One of these; a comma-separated list where the flag is set.
    Codes(&'static [&'static str], bool),
    Bool,
    Number,
    Text,
}

const CODES: [(&str, Form); 20] = [
    ("OrderStatus", Form::Codes(&["1", "2", "3", "4", "5"], true)),
    ("PayStatus", Form::Codes(&["0", "1"], false)),
    ("SettleStatus", Form::Codes(&["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"], true)),
    ("PayType", Form::Codes(&["0", "1"], true)),
    ("ShipStatus", Form::Codes(&["0", "1", "2", "3", "4"], true)),
    ("ShipInvoiceNumberEmptyReason", Form::Codes(&["101", "102", "103", "104", "105"], false)),
    ("ShipRequestDateNo", Form::Codes(&["0", "1", "2"], false)),
    ("ArriveType", Form::Codes(&["0", "1", "2"], true)),
    ("DeviceType", Form::Codes(&["1", "2", "3", "4"], true)),
    ("Suspect", Form::Codes(&["0", "1", "2"], true)),
    ("SellerType", Form::Codes(&["1", "2"], true)),
    ("SocialGiftType", Form::Codes(&["0", "1", "2", "3", "4"], true)),
    ("ReadOnlyMode", Form::Codes(&["0", "1", "2"], false)),
    ("FraudHoldDisplayType", Form::Codes(&["0", "1"], false)),
    ("LineGiftDisplayType", Form::Codes(&["0", "1", "2"], false)),
    ("LineGiftShippableType", Form::Codes(&["0", "1", "2"], false)),
    ("IsPayMethodChangePossible", Form::Codes(&["true"], false)),
    ("StoreStatus", Form::Number),
    ("ShipCompanyCode", Form::Number),
    ("OrderId", Form::Text),
];

const BOOLEANS: [&str; 28] = [
    "IsSeen",
    "IsActive",
    "IsSplit",
    "IsRoyalty",
    "IsRoyaltyFix",
    "IsAffiliate",
    "IsLogin",
    "IsPayManagement",
    "ExistMultiReleaseDate",
    "IsApplePay",
    "IsGetPointFixAll",
    "IsGetStoreBonusFixAll",
    "IsFirstClassDrugIncludes",
    "IsFirstClassDrugAgreement",
    "IsEazy",
    "IsYahooAuctionOrder",
    "IsYahooAuctionDeferred",
    "IsLineCommerceTabOrder",
    "PrintSlipFlag",
    "PrintDeliveryFlag",
    "PrintBillFlag",
    "BuyerCommentsFlag",
    "NeedBillSlip",
    "NeedDetailedSlip",
    "NeedReceipt",
    "NeedGiftWrap",
    "NeedGiftWrapMessage",
    "NeedGiftWrapPaper",
];

const TEXTS: [&str; 40] = [
    "SellerId",
    "PayMethod",
    "ShipMethod",
    "ShipInvoiceNumber",
    "BillFirstName",
    "BillFirstNameKana",
    "BillLastName",
    "BillLastNameKana",
    "BillZipCode",
    "BillPrefecture",
    "BillPhoneNumber",
    "BillMailAddress",
    "ShipFirstName",
    "ShipFirstNameKana",
    "ShipLastName",
    "ShipLastNameKana",
    "ShipZipCode",
    "ShipPrefecture",
    "ShipPhoneNumber",
    "ItemId",
    "Title",
    "SubCode",
    "ReceiveShopCode",
    "ReceiveShopType",
    "ReceiveSatelliteType",
    "ShipInstructType",
    "ShipInstructStatus",
    "YamatoCoopStatus",
    "EazyDeliveryCode",
    "EazyDeliveryName",
    "OverlapOrderResult",
    "RemoteAreaShippingType",
    "XshoppingStoreType",
    "YahooAuctionCategoryType",
    "YahooAuctionBidType",
    "YahooAuctionBundleType",
    "ItemYahooAucId",
    "ItemYahooAucMerchantId",
    "YahooAuctionId",
    "YahooAuctionMerchantId",
];

/// Times: the key without `From` and `To`, the element, its form, does the key stand alone, too?
const TIMES: [(&str, &str, Form, bool); 9] = [
    ("OrderTime", "OrderTime", Form::T14, true),
    ("PublicationTime", "PublicationTime", Form::T14, false),
    ("PayMethodChangeDeadline", "PayMethodChangeDeadline", Form::T14, false),
    ("ShippingDeadline", "ShippingDeadline", Form::T14, false),
    ("ReleaseDate", "ReleaseDate", Form::D8, false),
    ("ShipDate", "ShipDate", Form::D8, true),
    ("ShipRequestDate", "ShipRequestDate", Form::D8, false),
    ("GetPointFixDate", "FirstOrderDoneDate", Form::D8, false),
    ("GetStoreBonusFixDate", "SlowlyShipPointFixDate", Form::D8, false),
];

/// All conditions; the name of the first bad one otherwise.
pub(crate) fn read(condition: &Node) -> Result<Vec<Filter>, String> {
    let mut filters = Vec::new();
    for (n, child) in condition.children.iter().enumerate() {
        let value = child.text.trim();
        let twice = condition.children[..n].iter().any(|earlier| earlier.name == child.name);
        let filter = if twice || !child.children.is_empty() || value.is_empty() {
            None
        } else {
            one(&child.name, value)
        };
        filters.push(filter.ok_or_else(|| child.name.clone())?);
    }
    Ok(filters)
}

fn one(name: &str, value: &str) -> Option<Filter> {
    if let Some(span) = span(name, value) {
        return span.map(Filter::Within);
    }
    let form = CODES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, form)| *form)
        .or_else(|| BOOLEANS.contains(&name).then_some(Form::Bool))
        .or_else(|| TEXTS.contains(&name).then_some(Form::Text))?;
    let values = values(form, value)?;
    let digit = || value.parse::<u8>().unwrap_or(0);
    Some(match name {
        "OrderId" => Filter::OrderId(value.to_owned()),
        "ShipInvoiceNumber" => Filter::Slip(value.to_owned()),
        "ShipRequestDateNo" => Filter::NoRequestDate(digit()),
        "IsActive" => Filter::Active(value == "true"),
        "ReadOnlyMode" => Filter::ReadOnlyMode(digit()),
        "FraudHoldDisplayType" if value == "1" => Filter::Fraud,
        "LineGiftDisplayType" if value == "1" => Filter::Line(LineRule::Only),
        "LineGiftDisplayType" if value == "2" => Filter::Line(LineRule::Without),
        "LineGiftShippableType" if value == "1" => Filter::Line(LineRule::Shippable),
        "LineGiftShippableType" if value == "2" => Filter::Line(LineRule::NotShippable),
        "FraudHoldDisplayType" | "LineGiftDisplayType" | "LineGiftShippableType" => Filter::All,
        "ItemId" => Filter::Item("ItemId", value.to_owned()),
        "Title" => Filter::Item("Title", value.to_owned()),
        "SubCode" => Filter::Item("SubCode", value.to_owned()),
        // A search with them returns no data, or is about auctions alone (§5.2).
        "YahooAuctionId" | "YahooAuctionMerchantId" | "ItemYahooAucId" | "ItemYahooAucMerchantId" => {
            Filter::Nothing
        }
        _ => Filter::Is(fields::of_condition(name)?, values),
    })
}

/// `Some(None)`: a time, but a malformed one.
fn span(name: &str, value: &str) -> Option<Option<Span>> {
    let (base, end) = match (name.strip_suffix("From"), name.strip_suffix("To")) {
        (Some(base), _) => (base, Some(true)),
        (_, Some(base)) => (base, Some(false)),
        _ => (name, None),
    };
    let &(key, element, form, alone) = TIMES.iter().find(|(key, ..)| *key == base)?;
    if end.is_none() && !alone {
        return None;
    }
    let field = fields::of_condition(element)?;
    let when = match key {
        "OrderTime" => When::Order,
        "PublicationTime" => When::Publication,
        "PayMethodChangeDeadline" => When::MethodDeadline,
        _ => When::Other,
    };
    let bounds = bounds(form, value).map(|(low, high)| Span {
        when,
        field,
        from: (end != Some(false)).then_some(low),
        to: (end != Some(true)).then_some(high),
    });
    Some(bounds)
}

/// The first and the last moment that a value means.
fn bounds(form: Form, value: &str) -> Option<(Timestamp, Timestamp)> {
    if !value.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if matches!(form, Form::D8) {
        let day = NaiveDate::parse_from_str(value, "%Y%m%d").ok().filter(|_| value.len() == 8)?;
        let midnight = Timestamp::jst_midnight(day);
        return Some((midnight, midnight + (Duration::from_hours(24) - Duration::from_micros(1))));
    }
    let naive = NaiveDateTime::parse_from_str(value, "%Y%m%d%H%M%S").ok().filter(|_| value.len() == 14)?;
    let at = naive.and_local_timezone(jst_offset()).single().map(Timestamp::from)?;
    Some((at, at))
}

fn values(form: Form, value: &str) -> Option<Vec<String>> {
    let list: Vec<&str> = match form {
        Form::Codes(allowed, many) => {
            let list: Vec<&str> = if many { value.split(',').collect() } else { vec![value] };
            list.iter().all(|code| allowed.contains(code)).then_some(list)?
        }
        Form::Bool => match value {
            "true" => vec!["true"],
            "false" => vec!["false", ""],
            _ => return None,
        },
        Form::Number => value.bytes().all(|b| b.is_ascii_digit()).then(|| vec![value])?,
        Form::Text | Form::T14 | Form::D8 => vec![value],
    };
    Some(list.into_iter().map(str::to_owned).collect())
}

/// `ReadOnlyMode` and `FraudHoldDisplayType`, given or not (§3).
pub(crate) fn shown(filters: &[Filter], plan: &Plan, now: Timestamp) -> bool {
    let mode =
        filters.iter().find_map(|f| if let Filter::ReadOnlyMode(mode) = f { Some(*mode) } else { None });
    let by_mode = match mode {
        Some(1) => plan.read_only(now),
        Some(2) => true,
        _ => !plan.read_only(now),
    };
    by_mode && (!plan.held(now) || filters.iter().any(|f| matches!(f, Filter::Fraud)))
}

impl Filter {
    /// Is it one of those of which a search must have one (§5.1)?
    pub(crate) fn is_mandatory_one(&self) -> bool {
        match self {
            Self::OrderId(_) => true,
            Self::Within(span) => span.when != When::Other,
            _ => false,
        }
    }

    pub(crate) fn order_id(&self) -> Option<&str> {
        if let Self::OrderId(number) = self { Some(number) } else { None }
    }

    pub(crate) fn fits(&self, view: &View<'_>) -> bool {
        match self {
            Self::OrderId(_) | Self::ReadOnlyMode(_) | Self::Fraud | Self::All => true,
            Self::Nothing => false,
            Self::Within(span) => match span.field.value(view) {
                Val::Time(at) | Val::Date(at) => {
                    span.from.is_none_or(|from| from <= at) && span.to.is_none_or(|to| at <= to)
                }
                _ => false,
            },
            Self::Is(field, wanted) => {
                let value = field.value(view).bare();
                wanted.iter().any(|w| *w == value)
            }
            Self::Slip(number) => view.slips().contains(number),
            Self::NoRequestDate(rule) => {
                let wished = fields::of_condition("ShipRequestDate")
                    .is_some_and(|field| !matches!(field.value(view), Val::Empty));
                match rule {
                    1 => wished,
                    2 => !wished,
                    _ => true,
                }
            }
            Self::Active(yes) => matches!(view.plan.order_status(view.now), "4" | "5") != *yes,
            Self::Line(rule) => {
                let line = view.plan.line();
                let shippable = !line || view.plan.address_known(view.now);
                match rule {
                    LineRule::Only => line,
                    LineRule::Without => !line,
                    LineRule::Shippable => shippable,
                    LineRule::NotShippable => !shippable,
                }
            }
            Self::Item(name, wanted) => view.content().lines.iter().any(|line| {
                fields::of_item(name).is_some_and(|show| {
                    let value = show(view, line).bare();
                    if *name == "Title" { value.contains(wanted.as_str()) } else { value == wanted.as_str() }
                })
            }),
        }
    }
}
