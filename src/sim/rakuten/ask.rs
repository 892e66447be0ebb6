//! Shipping rows as a request has them, member by member (rakuten-rms.md §6.2): absent, given, or taken away.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::{Wrong, carriers, number, required};
use crate::sim::switches::ShippingDates;

/// The most rows of one basket in a request.
const ROWS: usize = 20;
/// The most characters of a tracking number.
const NUMBER: usize = 120;

/// What becomes of one value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit<T> {
    /// The member is absent: unchanged.
    Keep,
    Set(T),
    /// Empty or null: the stored value is deleted.
    Clear,
}

impl<T: Clone> Edit<T> {
    pub(crate) fn apply(&self, to: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Set(value) => *to = Some(value.clone()),
            Self::Clear => *to = None,
        }
    }
}

/// One row of a request.
#[derive(Clone, Debug)]
pub(crate) struct AskedRow {
    /// Counts through the whole request, from 1.
    pub(crate) data_number: u64,
    pub(crate) basket: u64,
    /// The row to change or delete; none: add one.
    pub(crate) detail: Option<u64>,
    pub(crate) company: Edit<&'static str>,
    pub(crate) number: Edit<String>,
    pub(crate) date: Edit<NaiveDate>,
    pub(crate) delete: bool,
}

/// One order of a request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) order_number: String,
    pub(crate) rows: Vec<AskedRow>,
}

/// A message about one row, or about none.
pub(crate) fn about(mut message: Value, data_number: Option<u64>, detail: Option<u64>) -> Value {
    message["dataNumber"] = json!(data_number);
    message["shippingDetailId"] = json!(detail);
    message
}

/// Reads one order; each bad member is named once, in messages of `function`.
pub(crate) fn read(
    body: &Map<String, Value>,
    function: &str,
    dates: ShippingDates,
) -> Result<Ask, Vec<Value>> {
    let mut reader =
        Reader { function, dates, messages: Vec::new(), data_number: 0, details: BTreeSet::new() };
    let order_number = required(body, "orderNumber")
        .and_then(|v| v.as_str().filter(|text| text.len() <= 382).ok_or(Wrong::Format));
    if let Err(wrong) = order_number {
        reader.bad("orderNumber", wrong, None);
    }
    let mut rows = Vec::new();
    let baskets = required(body, "BasketidModelList").and_then(|v| v.as_array().ok_or(Wrong::Format));
    match baskets {
        Ok(baskets) => {
            let mut seen = BTreeSet::new();
            for basket in baskets {
                let id = reader.basket(basket, &mut rows);
                // One basket in two places would slip past the limit of its rows.
                if id.is_some_and(|id| !seen.insert(id)) {
                    reader.bad("basketId", Wrong::Format, None);
                }
            }
        }
        Err(wrong) => reader.bad("BasketidModelList", wrong, None),
    }
    match order_number {
        Ok(order_number) if reader.messages.is_empty() => {
            Ok(Ask { order_number: order_number.to_owned(), rows })
        }
        _ => Err(reader.messages),
    }
}

struct Reader<'f> {
    function: &'f str,
    dates: ShippingDates,
    messages: Vec<Value>,
    data_number: u64,
    details: BTreeSet<u64>,
}

impl Reader<'_> {
    /// Names a member that is wrong; `row`: in the present row, whose `shippingDetailId` may be known.
    fn bad(&mut self, member: &str, wrong: Wrong, row: Option<Option<u64>>) {
        let message = wrong.message(self.function, member);
        let data_number = row.map(|_| self.data_number);
        self.messages.push(about(message, data_number, row.flatten()));
    }

    fn basket(&mut self, basket: &Value, rows: &mut Vec<AskedRow>) -> Option<u64> {
        let Some(basket) = basket.as_object() else {
            self.bad("BasketidModelList", Wrong::Format, None);
            return None;
        };
        let id = required(basket, "basketId")
            .and_then(|v| number(v).and_then(|n| u64::try_from(n).ok()).ok_or(Wrong::Format));
        if let Err(wrong) = id {
            self.bad("basketId", wrong, None);
        }
        let list = required(basket, "ShippingModelList")
            .and_then(|v| v.as_array().filter(|list| list.len() <= ROWS).ok_or(Wrong::Format));
        match list {
            Ok(list) => {
                for row in list {
                    self.data_number += 1;
                    rows.extend(self.row(id.unwrap_or(0), row));
                }
            }
            Err(wrong) => self.bad("ShippingModelList", wrong, None),
        }
        id.ok()
    }

    fn row(&mut self, basket: u64, row: &Value) -> Option<AskedRow> {
        let Some(row) = row.as_object() else {
            self.bad("ShippingModelList", Wrong::Format, Some(None));
            return None;
        };
        let faults = self.messages.len();
        let given = |member: &str| row.get(member).filter(|v| !v.is_null());
        let detail = given("shippingDetailId").map(|v| number(v).and_then(|n| u64::try_from(n).ok()));
        let known = detail.flatten();
        // A row named twice would be changed in an order that nobody said.
        if detail == Some(None) || known.is_some_and(|id| !self.details.insert(id)) {
            self.bad("shippingDetailId", Wrong::Format, Some(None));
        }
        let delete = match given("shippingDeleteFlag").map(number) {
            None | Some(Some(0)) => false,
            Some(Some(1)) => true,
            Some(_) => {
                self.bad("shippingDeleteFlag", Wrong::Format, Some(known));
                false
            }
        };
        if delete && detail.is_none() {
            self.bad("shippingDetailId", Wrong::Missing, Some(None));
        }
        let company = match row.get("deliveryCompany") {
            None => Ok(Edit::Keep),
            Some(Value::Null) => Err(Wrong::Empty),
            Some(Value::String(text)) if text.is_empty() => Err(Wrong::Empty),
            Some(value) => value.as_str().and_then(carriers::code).map(Edit::Set).ok_or(Wrong::Format),
        };
        let tracking = edit(row.get("shippingNumber"), |text| {
            (text.chars().count() <= NUMBER && !text.chars().any(platform_dependent)).then(|| text.to_owned())
        });
        let dates = self.dates;
        let date = edit(row.get("shippingDate"), |text| day(text, dates));
        for (member, wrong) in [
            ("deliveryCompany", company.as_ref().err()),
            ("shippingNumber", tracking.as_ref().err()),
            ("shippingDate", date.as_ref().err()),
        ] {
            if let Some(&wrong) = wrong {
                self.bad(member, wrong, Some(known));
            }
        }
        let (Ok(company), Ok(tracking), Ok(date)) = (company, tracking, date) else { return None };
        (self.messages.len() == faults).then_some(AskedRow {
            data_number: self.data_number,
            basket,
            detail: known,
            company,
            number: tracking,
            date,
            delete,
        })
    }
}

/// A value in its three states.
fn edit<T>(value: Option<&Value>, read: impl Fn(&str) -> Option<T>) -> Result<Edit<T>, Wrong> {
    match value {
        None => Ok(Edit::Keep),
        Some(Value::Null) => Ok(Edit::Clear),
        Some(Value::String(text)) if text.is_empty() => Ok(Edit::Clear),
        Some(Value::String(text)) => read(text).map(Edit::Set).ok_or(Wrong::Format),
        Some(_) => Err(Wrong::Format),
    }
}

/// `2026-04-02`; the compact form by switch (sources disagree: §6.2).
fn day(text: &str, dates: ShippingDates) -> Option<NaiveDate> {
    let form = match (dates, text.len()) {
        (ShippingDates::Dashed | ShippingDates::Both, 10) => "%Y-%m-%d",
        (ShippingDates::Compact | ShippingDates::Both, 8) => "%Y%m%d",
        _ => return None,
    };
    let day = NaiveDate::parse_from_str(text, form).ok()?;
    (day.format(form).to_string() == text).then_some(day)
}

/// Characters that not every machine shows (機種依存文字): enclosed ones, Roman numerals, units, private ones, and
/// whatever lies beyond the first plane.
fn platform_dependent(c: char) -> bool {
    matches!(u32::from(c), 0x2160..=0x217F | 0x2460..=0x24FF | 0x3220..=0x33FF | 0xE000..=0xF8FF | 0x1_0000..)
}
