//! From Rakuten's order to the normalised one: pure (decisions.md 20, 24–28; rakuten-rms.md §5.2, §5.3, §8, §10).

use super::model::{DeliveryCvsModel, ItemModel, OrderModel, PackageModel, Person, SettlementModel};
use crate::domain::money::Yen;
use crate::domain::order::{
    Amounts, Carrier, CollectedBy, Flag, FulfilledBy, ItemOption, Line, Notes, Order, Package, Party,
    Payment, PaymentMethod, PaymentStatus, PendingReason, Shipment, Status, Tax,
};
use crate::malls::lenient::{Int, Text, day, instant};
use crate::secret::Personal;

/// "Not fixed yet", in any money member (§5.3).
const NOT_FIXED: i64 = -9_999;
/// What stands in for a gift's recipient who has not answered (§5.2).
const AWAITED: &str = "入力待ち";

/// The normalised order.
///
/// # Errors
/// The member without which it is no order: its number, its date, a quantity.
pub fn order(model: &OrderModel) -> Result<Order, String> {
    let mall_order_id = model.order_number.trimmed().ok_or("orderNumber is missing")?.to_owned();
    let ordered_at = model.order_datetime.trimmed().ok_or("orderDatetime is missing")?;
    let ordered_at = instant(ordered_at).ok_or("orderDatetime is not a date and time")?;
    let mut flags = Vec::new();
    let progress = model.order_progress.trimmed().unwrap_or_default();
    let (status, pending_reason) = status(model, progress, &mut flags);
    let amounts = amounts(model);
    flags.extend(amounts.mismatches());
    let payment = payment(model, progress, &amounts, &mut flags);
    let taxes = taxes(model, &mut flags);
    if let Some(kind @ 1..) = model.caution_display_type.0 {
        let detail = model.caution_display_detail_type.trimmed().unwrap_or("-");
        flags.push(Flag::new("mall_caution", format!("cautionDisplayType {kind}, detail {detail}")));
    }
    let packages = live(model).map(|p| package(model, p, &mut flags)).collect::<Result<_, _>>()?;
    Ok(Order {
        mall_order_id,
        status,
        mall_status: progress.to_owned(),
        pending_reason,
        fulfilled_by: FulfilledBy::Shop,
        ordered_at,
        mall_updated_at: None,
        ship_by: None,
        payment,
        amounts,
        taxes,
        buyer: party(&model.orderer),
        packages,
        notes: Notes {
            buyer: personal(&model.remarks),
            shop: personal(&model.memo),
            gift: joined("\n", live(model).map(|p| &p.noshi)),
        },
        flags,
        reception_number: None,
        source_columns: std::collections::BTreeMap::new(),
    })
}

fn live(model: &OrderModel) -> impl Iterator<Item = &PackageModel> {
    model.packages.iter().filter(|p| p.package_delete_flag.0 != Some(1))
}

/// decisions.md 20.
fn status(model: &OrderModel, progress: &str, flags: &mut Vec<Flag>) -> (Status, Option<PendingReason>) {
    let checking = model.rakuten_confirm_flag.0 == Some(1);
    match progress {
        "100" => (Status::AwaitingConfirmation, None),
        "200" | "300" if checking => (Status::Pending, Some(PendingReason::MallCheck)),
        "200" => (Status::Pending, Some(PendingReason::Payment)),
        "300" if live(model).any(|p| awaits_recipient(p) || not_fixed(p)) => {
            (Status::Pending, Some(PendingReason::NotFinal))
        }
        "300" if live(model).any(has_complete_row) => (Status::PartiallyShipped, None),
        "300" => (Status::AwaitingShipment, None),
        "400" => (Status::Pending, Some(PendingReason::NotFinal)),
        "500" | "600" => (Status::Shipped, None),
        "700" => (Status::Completed, None),
        "800" => (Status::CancelRequested, None),
        "900" => (Status::Canceled, None),
        other => {
            flags.push(Flag::new("unknown_status", format!("orderProgress {other:?}")));
            (Status::Unknown, None)
        }
    }
}

fn awaits_recipient(package: &PackageModel) -> bool {
    package.social_gift.as_ref().is_some_and(|g| g.input_flag.0 == Some(0)) || is_stand_in(&package.sender)
}

/// Editions before 10 have no gift member: the stand-ins alone tell.
fn is_stand_in(sender: &Person) -> bool {
    sender.family_name.trimmed() == Some(AWAITED) && sender.prefecture.trimmed() == Some(AWAITED)
}

fn not_fixed(package: &PackageModel) -> bool {
    [package.postage_price, package.delivery_price, package.goods_price, package.total_price]
        .iter()
        .any(|amount| amount.0 == Some(NOT_FIXED))
}

/// A row with company, number and date (§6.3).
fn has_complete_row(package: &PackageModel) -> bool {
    package.shippings.iter().any(|row| {
        row.shipping_number.trimmed().is_some()
            && row.delivery_company.trimmed().is_some()
            && row.shipping_date.trimmed().and_then(day).is_some()
    })
}

fn yen(amount: Int) -> Option<Yen> {
    amount.0.filter(|&n| n != NOT_FIXED).map(Yen)
}

/// decisions.md 26. What depends on an amount that is not fixed is not fixed either.
fn amounts(model: &OrderModel) -> Amounts {
    let gift_wrap = [&model.wrapping1, &model.wrapping2]
        .into_iter()
        .flatten()
        .filter(|w| w.delete_wrapping_flag.0 != Some(1))
        .try_fold(Yen::ZERO, |sum, w| sum.plus(yen(w.price)?));
    let sum = |a: Option<Yen>, b: Option<Yen>| a?.plus(b?);
    let payment_fee = sum(yen(model.delivery_price), yen(model.payment_charge));
    let other_charge = yen(model.additional_fee_occur_amount_to_user);
    Amounts {
        goods: yen(model.goods_price).and_then(|goods| goods.minus(gift_wrap?)),
        shipping: yen(model.postage_price),
        payment_fee,
        gift_wrap,
        other_charge,
        shop_coupon: yen(model.coupon_shop_price),
        mall_coupon: yen(model.coupon_other_price),
        points: model.point.as_ref().map_or(Some(Yen::ZERO), |p| yen(p.used_point)),
        other_discount: Some(Yen::ZERO),
        total: sum(sum(yen(model.total_price), payment_fee), other_charge),
        due: yen(model.request_price),
        ..Amounts::none("JPY")
    }
}

/// decisions.md 3, 24, 25; codes of §8.2.
fn payment(model: &OrderModel, progress: &str, amounts: &Amounts, flags: &mut Vec<Flag>) -> Payment {
    let settlement = model.settlement.as_ref();
    let code = settlement.and_then(|s| s.settlement_method_code.trimmed());
    let method = match code {
        Some("1") => PaymentMethod::CreditCard,
        Some("2") => PaymentMethod::CashOnDelivery,
        Some("3" | "21") => PaymentMethod::Deferred,
        Some("4" | "5" | "6") => PaymentMethod::Other,
        Some("7") => PaymentMethod::Invoice,
        Some("8") => PaymentMethod::Points,
        Some("9") => PaymentMethod::BankTransfer,
        Some("12" | "16" | "17" | "27") => PaymentMethod::Wallet,
        Some("13" | "14") => PaymentMethod::ConvenienceStore,
        None if settlement.is_none() && amounts.due == Some(Yen::ZERO) => PaymentMethod::Points,
        other => {
            let code = other.unwrap_or("missing");
            flags.push(Flag::new(Flag::UNKNOWN_PAYMENT, format!("settlementMethodCode {code}")));
            PaymentMethod::Other
        }
    };
    let collected_by = match settlement.and_then(|s| s.rpay_settlement_flag.0) {
        Some(1) => CollectedBy::Mall,
        Some(0) => CollectedBy::Shop,
        _ => CollectedBy::Unknown,
    };
    Payment {
        method,
        mall_method: settlement.and_then(SettlementModel::name),
        status: payment_status(progress, method, collected_by, amounts.due),
        collected_by,
    }
}

impl SettlementModel {
    fn name(&self) -> Option<String> {
        self.settlement_method.trimmed().map(str::to_owned)
    }
}

/// decisions.md 24, in its order.
fn payment_status(
    progress: &str,
    method: PaymentMethod,
    collected_by: CollectedBy,
    due: Option<Yen>,
) -> PaymentStatus {
    use PaymentMethod as M;
    if due == Some(Yen::ZERO) {
        return PaymentStatus::NotRequired;
    }
    if collected_by == CollectedBy::Shop {
        return PaymentStatus::Unknown;
    }
    let before_check = matches!(progress, "100" | "200");
    let after_check = matches!(progress, "300" | "400" | "500" | "600");
    let held = matches!(method, M::CreditCard | M::Wallet);
    let prepaid = matches!(method, M::BankTransfer | M::ConvenienceStore);
    let postpaid = matches!(method, M::CashOnDelivery | M::Deferred | M::Invoice);
    if progress == "700" || (prepaid && after_check) {
        PaymentStatus::Paid
    } else if held && after_check {
        PaymentStatus::Authorized
    } else if ((held || prepaid) && before_check) || (postpaid && (before_check || after_check)) {
        PaymentStatus::Unpaid
    } else {
        PaymentStatus::Unknown
    }
}

fn taxes(model: &OrderModel, flags: &mut Vec<Flag>) -> Vec<Tax> {
    let mut taxes = Vec::new();
    for row in &model.tax_summary {
        match row.tax_rate.0 {
            Some(rate_percent) => {
                taxes.push(Tax { rate_percent, taxable: yen(row.req_price), tax: yen(row.req_price_tax) });
            }
            None => flags.push(Flag::new("unknown_tax_rate", "a tax summary row without a whole percentage")),
        }
    }
    taxes
}

fn package(model: &OrderModel, package: &PackageModel, flags: &mut Vec<Flag>) -> Result<Package, String> {
    let shipments: Vec<Shipment> = package
        .shippings
        .iter()
        .map(|row| Shipment {
            carrier: carrier(&row.delivery_company, flags),
            tracking_number: row.shipping_number.trimmed().map(str::to_owned),
            shipped_on: row.shipping_date.trimmed().and_then(day),
        })
        .collect();
    let mut tracking_numbers: Vec<String> = Vec::new();
    for number in shipments.iter().filter_map(|s| s.tracking_number.as_ref()) {
        if !tracking_numbers.contains(number) {
            tracking_numbers.push(number.clone());
        }
    }
    let items = package.items.iter().filter(|item| item.delete_item_flag.0 != Some(1));
    Ok(Package {
        package_id: package.basket_id.trimmed().unwrap_or_default().to_owned(),
        recipient: recipient(package),
        carrier: shipments
            .iter()
            .find_map(|s| s.carrier)
            .or_else(|| carrier(&package.default_delivery_company_code, flags)),
        tracking_numbers,
        shipped_on: shipments.iter().filter_map(|s| s.shipped_on).min(),
        requested_date: model.delivery_date.trimmed().and_then(day),
        requested_time: requested_time(&model.shipping_term),
        shipments,
        lines: items.map(line).collect::<Result<_, _>>()?,
    })
}

/// The person, at the store's address where the parcel goes to a store; nobody while a gift waits for its recipient.
fn recipient(package: &PackageModel) -> Party {
    if awaits_recipient(package) {
        return Party::default();
    }
    let person = party(&package.sender);
    match &package.cvs {
        Some(store) if store.is_place() => Party {
            postal_code: digits([&store.store_zip]),
            prefecture: personal(&store.store_prefecture),
            address: personal(&store.store_address),
            company: personal(&store.store_name),
            ..person
        },
        _ => person,
    }
}

impl DeliveryCvsModel {
    fn is_place(&self) -> bool {
        self.store_zip.trimmed().is_some() && self.store_address.trimmed().is_some()
    }
}

fn line(item: &ItemModel) -> Result<Line, String> {
    let quantity = item.units.0.ok_or("ItemModel without units")?;
    // Older recordings lack priceTaxIncl; price is the same where it contains tax.
    let price = if item.price_tax_incl.0.is_none() && item.include_tax_flag.0 == Some(1) {
        item.price
    } else {
        item.price_tax_incl
    };
    let unit_price = yen(price);
    let sku = item.skus.first();
    let choices = [Some(&item.selected_choice), sku.map(|s| &s.sku_info)];
    let options = choices.into_iter().flatten().filter_map(Text::trimmed).flat_map(str::lines);
    Ok(Line {
        line_id: item.item_detail_id.trimmed().unwrap_or_default().to_owned(),
        sku: stock_key(item),
        mall_item_id: item.manage_number.trimmed().map(str::to_owned),
        name: item.item_name.trimmed().unwrap_or_default().to_owned(),
        options: options.filter_map(ItemOption::parse).collect(),
        quantity,
        unit_price,
        tax_rate_percent: item.tax_rate.0,
        subtotal: unit_price.and_then(|price| price.times(quantity)),
    })
}

/// decisions.md 27. Neither part of manageNumber and variantId may hold a slash.
fn stock_key(item: &ItemModel) -> Option<String> {
    let sku = item.skus.first();
    if let Some(own) = sku.and_then(|s| s.merchant_defined_sku_id.trimmed()) {
        return Some(own.to_owned());
    }
    match (item.manage_number.trimmed(), sku.and_then(|s| s.variant_id.trimmed())) {
        (Some(manage), Some(variant)) => Some(format!("{manage}/{variant}")),
        _ => item.item_number.trimmed().map(str::to_owned),
    }
}

/// §8.3. A code never seen before is another carrier, and said so.
fn carrier(code: &Text, flags: &mut Vec<Flag>) -> Option<Carrier> {
    let code = code.trimmed()?;
    Some(match code.parse::<u32>().unwrap_or(0) {
        1001 | 1030 => Carrier::Yamato,
        1002 => Carrier::Sagawa,
        1003 | 1017 | 1029 => Carrier::JapanPost,
        1004 | 1005 => Carrier::Seino,
        1000..=1031 => Carrier::Other,
        _ => {
            let flag = Flag::new("unknown_carrier", format!("deliveryCompany {code}"));
            if !flags.contains(&flag) {
                flags.push(flag);
            }
            Carrier::Other
        }
    })
}

/// §8.6: `1416` is 14 to 16 o'clock.
fn requested_time(term: &Text) -> Option<String> {
    let term = term.trimmed()?;
    match term {
        "0" => return None,
        "1" => return Some("morning".to_owned()),
        "2" => return Some("afternoon".to_owned()),
        "9" => return Some("その他".to_owned()),
        _ => {}
    }
    let hours = term.parse::<u32>().ok().map(|n| (n / 100, n % 100));
    Some(match hours {
        Some((from, to)) if from < to && to <= 24 => format!("{from}-{to}"),
        _ => term.to_owned(),
    })
}

fn party(person: &Person) -> Party {
    Party {
        name: joined(" ", [&person.family_name, &person.first_name]),
        name_kana: joined(" ", [&person.family_name_kana, &person.first_name_kana]),
        postal_code: digits([&person.zip_code1, &person.zip_code2]),
        prefecture: personal(&person.prefecture),
        address: joined(" ", [&person.city, &person.sub_address]),
        phone: digits([&person.phone_number1, &person.phone_number2, &person.phone_number3]),
        email: personal(&person.email_address),
        company: None,
    }
}

fn personal(text: &Text) -> Option<Personal> {
    text.trimmed().and_then(Personal::new)
}

fn joined<'a>(by: &str, parts: impl IntoIterator<Item = &'a Text>) -> Option<Personal> {
    let mut text = String::new();
    for part in parts.into_iter().filter_map(Text::trimmed) {
        if !text.is_empty() {
            text.push_str(by);
        }
        text.push_str(part);
    }
    Personal::new(&text)
}

/// Digits only, full-width ones included.
fn digits<'a>(parts: impl IntoIterator<Item = &'a Text>) -> Option<Personal> {
    let text: String = parts
        .into_iter()
        .filter_map(Text::trimmed)
        .flat_map(str::chars)
        .filter_map(|c| match c {
            '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
            _ => c.is_ascii_digit().then_some(c),
        })
        .collect();
    Personal::new(&text)
}
