//! From Yahoo!'s order to the normalised one: pure (decisions.md 3, 21, 24, 25, 27; yahoo-shopping.md §6, §9).

use super::model::{ItemModel, OrderModel, ShipModel};
use super::wire::moment;
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::order::{
    Carrier, Flag, FulfilledBy, ItemOption, Line, Notes, Order, Package, Party, PendingReason, Shipment,
    Status,
};
use crate::malls::lenient::{Text, day};
use crate::secret::Personal;

mod money;

use money::{amounts, payment, yen};

/// An order has one destination, and the mall no key for it.
const PACKAGE: &str = "1";

/// The normalised order.
///
/// # Errors
/// The element without which it is no order: its number, its date, a quantity.
pub fn order(model: &OrderModel) -> Result<Order, String> {
    let mall_order_id = model.order_id.trimmed().ok_or("OrderId is missing")?.to_owned();
    let ordered_at = model.order_time.trimmed().ok_or("OrderTime is missing")?;
    let ordered_at = moment(ordered_at).ok_or("OrderTime is not a date and time")?;
    let mut flags: Vec<Flag> =
        model.unreadable.iter().map(|name| Flag::new("unreadable_number", *name)).collect();
    let mall_status = model.order_status.trimmed().unwrap_or_default();
    let (status, pending_reason) = status(model, mall_status, &mut flags);
    let lines = model.items.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    let amounts = amounts(model, &lines, &mut flags);
    flags.extend(amounts.mismatches());
    let payment = payment(&model.pay, (status, pending_reason), &amounts, &mut flags);
    notable(model, &mut flags);
    let package = package(&model.ship, lines, &mut flags);
    Ok(Order {
        mall_order_id,
        status,
        mall_status: mall_status.to_owned(),
        pending_reason,
        fulfilled_by: FulfilledBy::Shop,
        ordered_at,
        mall_updated_at: model.last_update_time.trimmed().and_then(moment),
        ship_by: ship_by(model),
        payment,
        amounts,
        taxes: Vec::new(),
        buyer: buyer(model),
        packages: vec![package],
        notes: notes(model),
        flags,
        reception_number: None,
        source_columns: std::collections::BTreeMap::new(),
    })
}

fn is(text: &Text, wanted: &str) -> bool {
    text.trimmed().is_some_and(|t| t.eq_ignore_ascii_case(wanted))
}

/// A flag that may be `1`/`0` or `true`/`false` (§6.3).
fn yes(text: &Text) -> bool {
    is(text, "1") || is(text, "true")
}

/// decisions.md 21, first hit.
fn status(model: &OrderModel, status: &str, flags: &mut Vec<Flag>) -> (Status, Option<PendingReason>) {
    let mut unknown = |name: &str, value: &str| {
        flags.push(Flag::new("unknown_status", format!("{name} {value:?}")));
        (Status::Unknown, None)
    };
    let pending = |reason| (Status::Pending, Some(reason));
    let hold = model.fraud_hold_status.trimmed().unwrap_or("0");
    let suspect = model.suspect.trimmed().unwrap_or("0");
    match status {
        "4" => return (Status::Canceled, None),
        "5" => return (Status::Completed, None),
        "1" | "2" | "3" | "8" => {}
        other => return unknown("OrderStatus", other),
    }
    if !matches!(hold, "0" | "1" | "2" | "3") {
        return unknown("FraudHoldStatus", hold);
    }
    if !matches!(suspect, "0" | "1" | "2") {
        return unknown("Suspect", suspect);
    }
    if status == "3" || hold == "3" {
        return (Status::OnHold, None);
    }
    if status == "1" {
        return pending(PendingReason::ReleaseDate);
    }
    if status == "8" || yes(&model.is_read_only) {
        return pending(PendingReason::NotFinal);
    }
    if hold == "1" || suspect == "1" {
        return pending(PendingReason::MallCheck);
    }
    if yes(&model.is_line_gift_order) && !yes(&model.ship.is_line_gift_shippable) {
        return pending(PendingReason::NotFinal);
    }
    match model.ship.ship_status.trimmed() {
        Some("0") => pending(PendingReason::Payment),
        Some("1" | "2") => (Status::AwaitingShipment, None),
        Some("3" | "4") => (Status::Shipped, None),
        other => unknown("ShipStatus", other.unwrap_or_default()),
    }
}

/// What a person should know beside the amounts.
fn notable(model: &OrderModel, flags: &mut Vec<Flag>) {
    let list = |ids: &str| ids.split(',').map(str::trim).collect::<Vec<_>>().join(", ");
    if let Some(children) = model.child_order_id.trimmed() {
        flags.push(Flag::new("split", format!("split into {}", list(children))));
    } else if yes(&model.is_split) {
        flags.push(Flag::new("split", "split into other orders"));
    }
    if let Some(parent) = model.parent_order_id.trimmed() {
        flags.push(Flag::new("split_from", format!("split from {}", list(parent))));
    }
    if is(&model.suspect, "1") {
        flags.push(Flag::new("mall_caution", "Suspect 1: a prank is suspected"));
    }
    if is(&model.fraud_hold_status, "3") {
        flags.push(Flag::new("mall_caution", "FraudHoldStatus 3: confirmed abuse"));
    }
    if is(&model.is_royalty, "false") || yes(&model.is_seller) {
        flags.push(Flag::new("test_order", "the store's own test order"));
    }
}

/// The deadline of a LINE order, or the last day of the first line that was promised.
fn ship_by(model: &OrderModel) -> Option<Timestamp> {
    let promised = || {
        let first = model.items.iter().filter_map(|i| i.lead_time_end.trimmed().and_then(date)).min()?;
        Some(Timestamp::jst_midnight(first.succ_opt()?) - std::time::Duration::from_secs(1))
    };
    model.ship.shipping_deadline.trimmed().and_then(moment).or_else(promised)
}

/// `YYYY-MM-DD`, or in old orders `YYYYMMDD` (§6.3).
fn date(text: &str) -> Option<chrono::NaiveDate> {
    day(text).or_else(|| chrono::NaiveDate::parse_from_str(text.trim(), "%Y%m%d").ok())
}

/// Nobody for a social gift: the billing data is the store's own (§6.5).
fn buyer(model: &OrderModel) -> Party {
    if matches!(model.social_gift_type.trimmed(), Some("1" | "2")) {
        return Party::default();
    }
    let pay = &model.pay;
    Party {
        name: joined(" ", [&pay.bill_last_name, &pay.bill_first_name]),
        name_kana: joined(" ", [&pay.bill_last_name_kana, &pay.bill_first_name_kana]),
        postal_code: digits(&pay.bill_zip_code),
        prefecture: personal(&pay.bill_prefecture),
        address: joined(" ", [&pay.bill_city, &pay.bill_address1, &pay.bill_address2]),
        phone: digits(&pay.bill_phone_number),
        email: personal(&pay.bill_mail_address),
        company: joined(" ", [&pay.bill_section1_value, &pay.bill_section2_value]),
    }
}

fn recipient(ship: &ShipModel) -> Party {
    Party {
        name: joined(" ", [&ship.ship_last_name, &ship.ship_first_name]),
        name_kana: joined(" ", [&ship.ship_last_name_kana, &ship.ship_first_name_kana]),
        postal_code: digits(&ship.ship_zip_code),
        prefecture: personal(&ship.ship_prefecture),
        address: joined(" ", [&ship.ship_city, &ship.ship_address1, &ship.ship_address2]),
        phone: digits(&ship.ship_phone_number),
        email: None,
        company: joined(" ", [&ship.ship_section1_value, &ship.ship_section2_value]),
    }
}

fn package(ship: &ShipModel, lines: Vec<Line>, flags: &mut Vec<Flag>) -> Package {
    let carrier = carrier(&ship.ship_company_code, flags);
    let shipped_on = ship.ship_date.trimmed().and_then(date);
    let mut tracking_numbers: Vec<String> = Vec::new();
    for number in
        [&ship.ship_invoice_number1, &ship.ship_invoice_number2].into_iter().filter_map(Text::trimmed)
    {
        if !tracking_numbers.iter().any(|known| known == number) {
            tracking_numbers.push(number.to_owned());
        }
    }
    let row = |number: Option<&String>| Shipment { carrier, tracking_number: number.cloned(), shipped_on };
    let mut shipments: Vec<Shipment> = tracking_numbers.iter().map(|n| row(Some(n))).collect();
    if shipments.is_empty() && matches!(ship.ship_status.trimmed(), Some("3" | "4")) {
        shipments.push(row(None));
    }
    Package {
        package_id: PACKAGE.to_owned(),
        recipient: recipient(ship),
        carrier,
        tracking_numbers,
        shipped_on,
        requested_date: ship.ship_request_date.trimmed().and_then(date),
        requested_time: ship.ship_request_time.trimmed().map(requested_time),
        shipments,
        lines,
    }
}

fn line(item: &ItemModel) -> Result<Line, String> {
    let quantity = item.quantity.0.ok_or("Item without Quantity")?;
    // Given back before the store's coupon; 0 says that the coupon was withdrawn (§6.8).
    let unit_price = yen(item.original_price).filter(|&price| price != Yen::ZERO).or(yen(item.unit_price));
    let variation =
        item.sub_code_option.trimmed().into_iter().flat_map(str::lines).filter_map(ItemOption::parse);
    let choices = item.choices.iter().filter_map(|choice| {
        let (name, value) = (choice.name.trimmed(), choice.value.trimmed());
        (name.is_some() || value.is_some()).then(|| ItemOption {
            name: name.map(str::to_owned),
            value: value.unwrap_or_default().to_owned(),
        })
    });
    Ok(Line {
        line_id: item.line_id.trimmed().unwrap_or_default().to_owned(),
        sku: item.sub_code.trimmed().or(item.item_id.trimmed()).map(str::to_owned),
        mall_item_id: item.item_id.trimmed().map(str::to_owned),
        name: item.title.trimmed().unwrap_or_default().to_owned(),
        options: variation.chain(choices).collect(),
        quantity,
        unit_price,
        tax_rate_percent: if is(&item.is_taxable, "false") { Some(0) } else { item.item_tax_ratio.0 },
        subtotal: unit_price.and_then(|price| price.times(quantity)),
    })
}

/// §9.7, and the three digits of orders before 2018-10. A code never seen before is another carrier, and said so.
fn carrier(code: &Text, flags: &mut Vec<Flag>) -> Option<Carrier> {
    let code = code.trimmed()?;
    Some(match code.parse::<u32>().unwrap_or(0) {
        1001 | 103 => Carrier::Yamato,
        1002 | 104 => Carrier::Sagawa,
        1003 | 100 | 1017 => Carrier::JapanPost,
        1004 => Carrier::Seino,
        999..=1029 | 5000 | 5001 => Carrier::Other,
        _ => {
            flags.push(Flag::new("unknown_carrier", format!("ShipCompanyCode {code}")));
            Carrier::Other
        }
    })
}

/// `14:00～16:00` is `14-16`; half a day has a word of its own.
fn requested_time(text: &str) -> String {
    match text {
        "午前" | "午前中" | "AM" => return "morning".to_owned(),
        "午後" | "PM" => return "afternoon".to_owned(),
        _ => {}
    }
    let hour = |part: &str| {
        let part = part.trim().trim_end_matches('時');
        let (hour, minutes) = part.split_once([':', '：']).unwrap_or((part, "00"));
        hour.parse::<u32>().ok().filter(|h| *h <= 24 && minutes == "00")
    };
    let hours = text.split_once(['～', '〜', '~', '-', '－', '―']).map(|(from, to)| (hour(from), hour(to)));
    match hours {
        Some((Some(from), Some(to))) if from < to => format!("{from}-{to}"),
        _ => text.to_owned(),
    }
}

fn notes(model: &OrderModel) -> Notes {
    let ship = &model.ship;
    let option = |field: &Text, value: &Text| {
        let value = value.trimmed()?;
        Some(field.trimmed().map_or_else(|| value.to_owned(), |field| format!("{field}: {value}")))
    };
    let buyer: Vec<String> = [
        model.buyer_comments.trimmed().map(str::to_owned),
        option(&ship.option1_field, &ship.option1_value),
        option(&ship.option2_field, &ship.option2_value),
    ]
    .into_iter()
    .flatten()
    .collect();
    Notes {
        buyer: Personal::new(&buyer.join("\n")),
        shop: personal(&model.notes),
        gift: joined(
            "\n",
            [&ship.gift_wrap_type, &ship.gift_wrap_message, &ship.gift_wrap_paper_type, &ship.gift_wrap_name],
        ),
    }
}

fn personal(text: &Text) -> Option<Personal> {
    text.trimmed().and_then(Personal::new)
}

fn joined<'a>(by: &str, parts: impl IntoIterator<Item = &'a Text>) -> Option<Personal> {
    let parts: Vec<&str> = parts.into_iter().filter_map(Text::trimmed).collect();
    Personal::new(&parts.join(by))
}

/// Digits only, full-width ones included.
fn digits(text: &Text) -> Option<Personal> {
    let digit = |c: char| match c {
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
        _ => c.is_ascii_digit().then_some(c),
    };
    Personal::new(&text.trimmed()?.chars().filter_map(digit).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_times_become_hours_where_they_are_hours() {
        for (text, wanted) in [
            ("14:00～16:00", "14-16"),
            ("08:00〜12:00", "8-12"),
            ("18時-20時", "18-20"),
            ("午前中", "morning"),
            ("午後", "afternoon"),
            ("14:30～16:00", "14:30～16:00"),
            ("16:00～14:00", "16:00～14:00"),
            ("夜間", "夜間"),
        ] {
            assert_eq!(requested_time(text), wanted);
        }
    }
}
