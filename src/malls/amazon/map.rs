//! From Amazon's order to the normalised one: pure (decisions.md 22, 24, 25, 27, 28; amazon-sp-api.md §8.4, §11).

use std::time::Duration;

use chrono::{NaiveDate, Timelike};

use super::model::{Address, OrderItem, OrderModel, OrderPackage, PaymentExecution, Window};
use super::money;
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::order::{
    Carrier, CollectedBy, Flag, FulfilledBy, Line, Notes, Order, Package, Party, Payment, PaymentMethod,
    PaymentStatus, PendingReason, Shipment, Status,
};
use crate::malls::lenient::{Text, instant};
use crate::secret::Personal;

/// Amazon names no destination: every order has one.
const PACKAGE_ID: &str = "1";

/// The normalised order.
///
/// # Errors
/// The member without which it is no order: its number, its date, a quantity.
pub fn order(model: &OrderModel) -> Result<Order, String> {
    let mall_order_id = model.order_id.trimmed().ok_or("orderId is missing")?.to_owned();
    let ordered_at = model.created_time.trimmed().ok_or("createdTime is missing")?;
    let ordered_at = instant(ordered_at).ok_or("createdTime is not a date and time")?;
    let mut flags = Vec::new();
    let fulfilled_by = fulfilled_by(model, &mut flags);
    let mall_status = model.fulfillment.fulfillment_status.trimmed().unwrap_or_default();
    let (status, pending_reason) = status(model, mall_status, fulfilled_by, &mut flags);
    let amounts = money::amounts(model, &mut flags);
    let payment = payment(model, mall_status, amounts.due, &mut flags);
    let package = package(model, &amounts.currency, &mut flags)?;
    let ship_by = time(&model.fulfillment.ship_by_window.latest_date_time);
    Ok(Order {
        mall_order_id,
        status,
        mall_status: mall_status.to_owned(),
        pending_reason,
        fulfilled_by,
        ordered_at,
        mall_updated_at: time(&model.last_updated_time),
        ship_by: ship_by.filter(|_| fulfilled_by == FulfilledBy::Shop),
        payment,
        amounts,
        // A rate is never given, nor an amount per rate.
        taxes: Vec::new(),
        buyer: Party {
            name: personal(&model.buyer.buyer_name),
            email: personal(&model.buyer.buyer_email),
            company: personal(&model.buyer.buyer_company_name),
            ..Party::default()
        },
        packages: vec![package],
        notes: notes(model),
        flags,
        reception_number: None,
        source_columns: std::collections::BTreeMap::new(),
    })
}

/// §11.2: one that is not said to be the merchant's is not the merchant's to ship.
fn fulfilled_by(model: &OrderModel, flags: &mut Vec<Flag>) -> FulfilledBy {
    match model.fulfillment.fulfilled_by.trimmed() {
        Some("MERCHANT") => FulfilledBy::Shop,
        Some("AMAZON") => FulfilledBy::Mall,
        other => {
            let said = other.map_or_else(|| "is missing".to_owned(), |other| format!("{other:?}"));
            flags.push(Flag::new("unknown_fulfilment", format!("fulfilledBy {said}: not to be shipped")));
            FulfilledBy::Mall
        }
    }
}

/// decisions.md 22.
fn status(
    model: &OrderModel,
    mall_status: &str,
    fulfilled_by: FulfilledBy,
    flags: &mut Vec<Flag>,
) -> (Status, Option<PendingReason>) {
    match mall_status {
        "PENDING" => (Status::Pending, Some(PendingReason::Payment)),
        "PENDING_AVAILABILITY" => (Status::Pending, Some(PendingReason::ReleaseDate)),
        "UNSHIPPED" if fulfilled_by != FulfilledBy::Shop => {
            (Status::Pending, Some(PendingReason::MallFulfilment))
        }
        "UNSHIPPED" if model.order_items.iter().any(asks_to_cancel) => (Status::CancelRequested, None),
        "UNSHIPPED" => (Status::AwaitingShipment, None),
        "PARTIALLY_SHIPPED" => (Status::PartiallyShipped, None),
        "SHIPPED" => (Status::Shipped, None),
        "CANCELLED" => (Status::Canceled, None),
        "UNFULFILLABLE" => (Status::OnHold, None),
        other => {
            let said = if other.is_empty() { "is missing".to_owned() } else { format!("{other:?}") };
            flags.push(Flag::new("unknown_status", format!("fulfillmentStatus {said}")));
            (Status::Unknown, None)
        }
    }
}

/// §11.1: such a line is held for the merchant, until the cancellation is carried out.
fn asks_to_cancel(item: &OrderItem) -> bool {
    item.cancellation.cancellation_request.is_some() && item.cancellation.cancellation_execution.is_none()
}

/// decisions.md 3, 24, 25; names of §11.4. The first that is not points stands for all.
fn payment(model: &OrderModel, mall_status: &str, due: Option<Yen>, flags: &mut Vec<Flag>) -> Payment {
    let all = &model.payment.payment_executions;
    let names = |p: &&PaymentExecution| p.payment_method.trimmed().is_some();
    let first = all.iter().filter(names).find(|p| !money::is_points(&p.payment_method));
    let named = first.or_else(|| all.iter().find(names)).and_then(|p| p.payment_method.trimmed());
    let method = named.map_or(PaymentMethod::Other, |name| {
        method(name).unwrap_or_else(|| {
            flags.push(Flag::new(Flag::UNKNOWN_PAYMENT, format!("paymentMethod {name:?}")));
            PaymentMethod::Other
        })
    });
    Payment {
        method,
        mall_method: named.map(str::to_owned),
        status: payment_status(mall_status, method, due),
        collected_by: CollectedBy::Mall,
    }
}

/// §11.4: free text, compared without case, blanks and signs.
fn method(name: &str) -> Option<PaymentMethod> {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    Some(match plain.as_str() {
        "creditcard" | "card" => PaymentMethod::CreditCard,
        "cashondelivery" | "cod" => PaymentMethod::CashOnDelivery,
        "conveniencestore" | "cvs" => PaymentMethod::ConvenienceStore,
        "invoice" => PaymentMethod::Invoice,
        "pointsaccount" => PaymentMethod::Points,
        "applepay" | "paypay" | "alipay" | "paypal" | "aupay" | "linepay" | "suica" => PaymentMethod::Wallet,
        "payeasy" | "atm" | "netbanking" | "banktransfer" => PaymentMethod::BankTransfer,
        "giftcertificate" | "giftcard" | "gc" | "standard" | "pix" => PaymentMethod::Other,
        _ => return None,
    })
}

/// decisions.md 24, in its order. Amazon authorises before UNSHIPPED and charges when a parcel is confirmed.
fn payment_status(mall_status: &str, method: PaymentMethod, due: Option<Yen>) -> PaymentStatus {
    use PaymentMethod as M;
    if due == Some(Yen::ZERO) {
        return PaymentStatus::NotRequired;
    }
    let before_check = matches!(mall_status, "PENDING" | "PENDING_AVAILABILITY");
    let may_ship = matches!(mall_status, "UNSHIPPED" | "PARTIALLY_SHIPPED");
    let shipped = mall_status == "SHIPPED";
    let held = matches!(method, M::CreditCard | M::Wallet);
    let prepaid = matches!(method, M::BankTransfer | M::ConvenienceStore);
    let postpaid = matches!(method, M::CashOnDelivery | M::Deferred | M::Invoice);
    if (held && shipped) || (prepaid && (may_ship || shipped)) {
        PaymentStatus::Paid
    } else if held && may_ship {
        PaymentStatus::Authorized
    } else if ((held || prepaid) && before_check) || (postpaid && (before_check || may_ship || shipped)) {
        PaymentStatus::Unpaid
    } else {
        PaymentStatus::Unknown
    }
}

fn package(model: &OrderModel, currency: &str, flags: &mut Vec<Flag>) -> Result<Package, String> {
    let live = model.packages.iter().filter(|p| p.package_status.status.trimmed() != Some("CANCELLED"));
    let shipments: Vec<Shipment> = live.map(shipment).collect();
    let mut tracking_numbers: Vec<String> = Vec::new();
    for number in shipments.iter().filter_map(|s| s.tracking_number.as_ref()) {
        if !tracking_numbers.contains(number) {
            tracking_numbers.push(number.clone());
        }
    }
    let mut windows =
        model.order_items.iter().map(|item| &item.fulfillment.shipping.scheduled_delivery_window);
    let (requested_date, requested_time) = windows.find_map(requested).unzip();
    let lines = model.order_items.iter().map(|item| line(item, currency, flags));
    Ok(Package {
        package_id: PACKAGE_ID.to_owned(),
        recipient: recipient(&model.recipient.delivery_address),
        carrier: shipments.iter().find_map(|s| s.carrier),
        tracking_numbers,
        shipped_on: shipments.iter().filter_map(|s| s.shipped_on).min(),
        requested_date,
        requested_time: requested_time.flatten(),
        lines: lines.collect::<Result<_, _>>()?,
        shipments,
    })
}

fn shipment(package: &OrderPackage) -> Shipment {
    Shipment {
        carrier: package.carrier.trimmed().map(carrier),
        tracking_number: package.tracking_number.trimmed().map(str::to_owned),
        shipped_on: time(&package.ship_time).map(Timestamp::jst_date),
    }
}

/// Free text; the codes of confirmShipment (§12) and the names that a person would write.
fn carrier(name: &str) -> Carrier {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let is = |words: &[&str]| words.iter().any(|word| plain.contains(word));
    if is(&["yamato", "ヤマト", "クロネコ"]) {
        Carrier::Yamato
    } else if is(&["sagawa", "佐川"]) {
        Carrier::Sagawa
    } else if is(&["japanpost", "jppost", "jpexpress", "日本郵便", "郵便局", "ゆうパック"]) {
        Carrier::JapanPost
    } else if is(&["seino", "西濃"]) {
        Carrier::Seino
    } else if is(&["amazon", "amzn"]) {
        Carrier::Amazon
    } else {
        Carrier::Other
    }
}

fn line(item: &OrderItem, currency: &str, flags: &mut Vec<Flag>) -> Result<Line, String> {
    let quantity = item.quantity_ordered.0.ok_or("OrderItem without quantityOrdered")?;
    let (unit_price, subtotal) = money::line(item, currency, flags);
    Ok(Line {
        line_id: item.order_item_id.trimmed().unwrap_or_default().to_owned(),
        sku: item.product.seller_sku.trimmed().map(str::to_owned),
        mall_item_id: item.product.asin.trimmed().map(str::to_owned),
        name: item.product.title.trimmed().unwrap_or_default().to_owned(),
        options: Vec::new(),
        quantity,
        unit_price,
        tax_rate_percent: None,
        subtotal,
    })
}

/// The day, and the hours where they are whole ones of that day: `T14:59:59Z` is the end of a Japanese day (§11.5).
fn requested(window: &Window) -> Option<(NaiveDate, Option<String>)> {
    let from = time(&window.earliest_date_time).or_else(|| time(&window.latest_date_time))?;
    let day = from.jst_date();
    let to = time(&window.latest_date_time).map(|to| {
        let last_second = to.jst().second() == 59;
        if last_second { to + Duration::from_secs(1) } else { to }
    });
    let midnight = Timestamp::jst_midnight(day);
    let hour = |at: Timestamp| {
        let seconds = at.since(midnight).as_secs();
        (seconds.is_multiple_of(3_600) && seconds <= 86_400).then_some(seconds / 3_600)
    };
    let hours = to.and_then(|to| Some((hour(from)?, hour(to)?)));
    let hours = hours.filter(|(from, to)| from < to && (*from, *to) != (0, 24));
    Some((day, hours.map(|(from, to)| format!("{from}-{to}"))))
}

/// §11.5: the municipality stands in `city` or at the beginning of the first line, or in both.
fn recipient(address: &Address) -> Party {
    let prefecture = address.state_or_region.trimmed();
    let street = address.address_line1.trimmed().unwrap_or_default();
    let street = prefecture.and_then(|p| street.strip_prefix(p)).unwrap_or(street).trim_start();
    let places = [&address.city, &address.district_or_county, &address.municipality];
    let places = places.into_iter().filter_map(Text::trimmed).filter(|place| !street.contains(place));
    let rest = [&address.address_line2, &address.address_line3].into_iter().filter_map(Text::trimmed);
    let parts: Vec<&str> = places.chain(Some(street)).chain(rest).filter(|part| !part.is_empty()).collect();
    Party {
        name: personal(&address.name),
        name_kana: None,
        postal_code: digits(&address.postal_code),
        prefecture: personal(&address.state_or_region),
        address: Personal::new(&parts.join(" ")),
        phone: digits(&address.phone),
        email: None,
        company: personal(&address.company_name),
    }
}

fn notes(model: &OrderModel) -> Notes {
    let wishes = &model.recipient.delivery_preference;
    let gifts = model.order_items.iter().map(|item| &item.fulfillment.packing.gift_option);
    Notes {
        buyer: joined([&wishes.address_instruction, &wishes.drop_off_location]),
        shop: None,
        gift: joined(gifts.flat_map(|gift| [&gift.gift_wrap_level, &gift.gift_message])),
    }
}

fn time(text: &Text) -> Option<Timestamp> {
    text.trimmed().and_then(instant)
}

fn personal(text: &Text) -> Option<Personal> {
    text.trimmed().and_then(Personal::new)
}

fn joined<'a>(parts: impl IntoIterator<Item = &'a Text>) -> Option<Personal> {
    let parts: Vec<&str> = parts.into_iter().filter_map(Text::trimmed).collect();
    Personal::new(&parts.join("\n"))
}

/// Digits only, full-width ones included.
fn digits(text: &Text) -> Option<Personal> {
    let text: String = text
        .trimmed()
        .unwrap_or_default()
        .chars()
        .filter_map(|c| match c {
            '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
            _ => c.is_ascii_digit().then_some(c),
        })
        .collect();
    Personal::new(&text)
}

/// Whether a merchant's order shows anything of where it goes that only the role shows (§8.5). `None` where that cannot
/// be told: the mall ships it, it is pending, or it was cancelled.
#[must_use]
pub fn shows_address(model: &OrderModel) -> Option<bool> {
    let fulfillment = &model.fulfillment;
    let shown = matches!(
        fulfillment.fulfillment_status.trimmed(),
        Some("UNSHIPPED" | "PARTIALLY_SHIPPED" | "SHIPPED")
    );
    let address = &model.recipient.delivery_address;
    let personal = [&address.name, &address.address_line1, &address.postal_code, &address.phone];
    (shown && fulfillment.fulfilled_by.trimmed() == Some("MERCHANT"))
        .then(|| personal.iter().any(|text| text.trimmed().is_some()))
}
