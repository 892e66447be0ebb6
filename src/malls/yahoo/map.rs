//! From Yahoo!'s order to the normalised one: pure (decisions.md 3, 21, 24, 25, 27; yahoo-shopping.md §6, §9).

use super::model::{ItemModel, OrderModel, PayModel, ShipModel};
use super::wire::moment;
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::order::{
    Amounts, Carrier, CollectedBy, Flag, FulfilledBy, ItemOption, Line, Notes, Order, Package, Party,
    Payment, PaymentMethod, PaymentStatus, PendingReason, Shipment, Status,
};
use crate::malls::lenient::{Int, Text, day};
use crate::secret::Personal;

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

fn yen(amount: Int) -> Option<Yen> {
    amount.0.map(Yen)
}

/// §6.7, before coupons with the coupons beside them. An empty charge or discount is none; an element that holds no
/// number is unknown, and what depends on it is too.
fn amounts(model: &OrderModel, lines: &[Line], flags: &mut Vec<Flag>) -> Amounts {
    let detail = &model.detail;
    let readable = |name: &str| !model.unreadable.contains(&name);
    let or_none = |amount: Int, name: &str| yen(amount).or_else(|| readable(name).then_some(Yen::ZERO));
    let sum = |parts: &[Option<Yen>]| parts.iter().try_fold(Yen::ZERO, |sum, part| sum.plus((*part)?));
    let goods = lines.iter().try_fold(Yen::ZERO, |sum, line| sum.plus(line.subtotal?));
    let paid_goods = model
        .items
        .iter()
        .try_fold(Yen::ZERO, |sum, item| sum.plus(yen(item.unit_price)?.times(item.quantity.0?)?));
    let item_coupon = or_none(model.total_coupon_discount, "TotalCouponDiscount");
    if let (Some(goods), Some(paid), Some(coupon)) = (goods, paid_goods, item_coupon)
        && goods.minus(coupon) != Some(paid)
    {
        let detail = format!("goods {goods} before and {paid} after store coupons of {coupon}");
        flags.push(Flag::new("shop_coupon_mismatch", detail));
    }
    let shipping_coupon = or_none(model.shipping_coupon_discount, "ShippingCouponDiscount");
    let adjustment = or_none(detail.adjustments, "Adjustments");
    let (raised, lowered) = match adjustment {
        Some(Yen(n)) if n < 0 => (Some(Yen::ZERO), n.checked_neg().map(Yen)),
        other => (other, other.map(|_| Yen::ZERO)),
    };
    let bonus = or_none(detail.total_immediate_bonus_amount, "TotalImmediateBonusAmount");
    let gift_card = or_none(detail.gift_card_discount, "GiftCardDiscount");
    let points = or_none(detail.use_point, "UsePoint");
    // While the fee for a remote area is open, so are shipping and what rests on it (§6.6).
    let open = is(&model.ship.remote_area_shipping_type, "2");
    let shipping = sum(&[yen(detail.ship_charge), shipping_coupon]).filter(|_| !open);
    let (payment_fee, gift_wrap) = (yen(detail.pay_charge), yen(detail.gift_wrap_charge));
    let shop_coupon = sum(&[item_coupon, shipping_coupon]);
    let mall_coupon = or_none(detail.total_mall_coupon_discount, "TotalMallCouponDiscount");
    let other_discount = sum(&[or_none(detail.discount, "Discount"), lowered, bonus, gift_card]);
    let total = sum(&[goods, shipping, payment_fee, gift_wrap, raised]);
    let due = yen(detail.total_price).filter(|_| !open);
    // §6.7: the reference gives two readings of UsePoint; the one that adds up is taken.
    let within = sum(&[bonus, gift_card]);
    let less = |points: Option<Yen>| total?.minus(sum(&[shop_coupon, mall_coupon, points, other_discount])?);
    let apart = points.zip(within).and_then(|(points, within)| points.minus(within));
    let points = if due.is_some() && less(points) != due && less(apart) == due { apart } else { points };
    if let (Some(due), Some(settled)) = (due, yen(detail.settle_amount))
        && due != settled
    {
        flags.push(Flag::new("settle_mismatch", format!("TotalPrice {due}, SettleAmount {settled}")));
    }
    if let (Some(due), Some(first), Some(second)) =
        (due, yen(detail.pay_method_amount), yen(detail.combined_pay_method_amount))
        && first.plus(second) != Some(due)
    {
        let detail = format!("parts {first} and {second} of TotalPrice {due}");
        flags.push(Flag::new("combined_payment_mismatch", detail));
    }
    Amounts {
        goods,
        shipping,
        payment_fee,
        gift_wrap,
        other_charge: raised,
        shop_coupon,
        mall_coupon,
        points,
        other_discount,
        total,
        due,
        ..Amounts::none("JPY")
    }
}

/// decisions.md 3, 24, 25; codes of §9.5.
fn payment(
    pay: &PayModel,
    status: (Status, Option<PendingReason>),
    amounts: &Amounts,
    flags: &mut Vec<Flag>,
) -> Payment {
    let code = pay.pay_method.trimmed().unwrap_or_default();
    let method = method(pay, code, flags);
    let collected_by = match code.strip_prefix("payment_").and_then(|c| c.chars().next()) {
        Some('a' | 'z' | 'h') => CollectedBy::Mall,
        Some('d' | 'e') => CollectedBy::Shop,
        // Bank transfers and the post's forms go to the store's own account, which no gateway captures.
        _ => CollectedBy::Unknown,
    };
    Payment {
        method,
        mall_method: pay.pay_method_name.trimmed().or((!code.is_empty()).then_some(code)).map(str::to_owned),
        status: payment_status(pay, status, method, collected_by, amounts.due),
        collected_by,
    }
}

fn method(pay: &PayModel, code: &str, flags: &mut Vec<Flag>) -> PaymentMethod {
    use PaymentMethod as M;
    let name = pay.pay_method_name.trimmed().unwrap_or_default();
    let short = code.strip_prefix("payment_").unwrap_or_default();
    let number = short.get(1..).and_then(|n| n.parse::<u32>().ok());
    match (short.get(..1).unwrap_or_default(), number) {
        ("a", Some(1)) if yes(&pay.is_apple_pay) => M::Wallet,
        ("a", Some(1)) => M::CreditCard,
        ("a", Some(6 | 7)) => M::ConvenienceStore,
        ("a", Some(8 | 10 | 17 | 19)) | ("z", Some(3)) => M::Wallet,
        ("a", Some(9 | 11)) => M::CarrierBilling,
        ("a", Some(15 | 16)) | ("b", Some(1..=6)) | ("c", Some(1 | 2)) => M::BankTransfer,
        ("a", Some(18)) => M::Deferred,
        ("d", Some(1)) => M::CashOnDelivery,
        ("e", Some(1..=15)) if ["カード", "クレジット", "webコレクト"].iter().any(|w| name.contains(w)) => {
            M::CreditCard
        }
        ("c", Some(3)) | ("e", Some(1..=15)) | ("z", Some(4)) | ("h", Some(1)) => M::Other,
        ("z", Some(1)) => M::Points,
        _ => {
            let code = if code.is_empty() { "missing" } else { code };
            flags.push(Flag::new(Flag::UNKNOWN_PAYMENT, format!("PayMethod {code}")));
            M::Other
        }
    }
}

/// decisions.md 24.
fn payment_status(
    pay: &PayModel,
    (status, pending): (Status, Option<PendingReason>),
    method: PaymentMethod,
    collected_by: CollectedBy,
    due: Option<Yen>,
) -> PaymentStatus {
    use PaymentMethod as M;
    let paid = is(&pay.pay_status, "1");
    let by_pay_status = if paid { PaymentStatus::Paid } else { PaymentStatus::Unpaid };
    if due == Some(Yen::ZERO) {
        return PaymentStatus::NotRequired;
    }
    match pay.settle_status.trimmed() {
        Some("7") => return PaymentStatus::Refunded,
        _ if status == Status::Canceled => return PaymentStatus::Unknown,
        Some("10") => return PaymentStatus::Unpaid,
        _ => {}
    }
    match method {
        M::CashOnDelivery | M::Deferred | M::Invoice => by_pay_status,
        _ if collected_by == CollectedBy::Shop => PaymentStatus::Unknown,
        M::CreditCard | M::Wallet => match status {
            Status::Shipped | Status::Completed => PaymentStatus::Paid,
            Status::AwaitingShipment | Status::PartiallyShipped => PaymentStatus::Authorized,
            Status::Pending if pending == Some(PendingReason::ReleaseDate) && paid => {
                PaymentStatus::Authorized
            }
            Status::Pending => PaymentStatus::Unpaid,
            _ => PaymentStatus::Unknown,
        },
        M::BankTransfer | M::ConvenienceStore => match status {
            _ if status.may_ship() => PaymentStatus::Paid,
            Status::Unknown => PaymentStatus::Unknown,
            _ => by_pay_status,
        },
        M::CarrierBilling => by_pay_status,
        M::Points | M::Other => PaymentStatus::Unknown,
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
