//! From au PAY マーケット's order to the normalised one: pure (decisions.md 3, 23–28; au-pay-market.md §6–§8).

use std::collections::BTreeMap;
use std::time::Duration;

use super::model::{DetailModel, OrderModel, Split};
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::order::{
    Amounts, Carrier, Flag, FulfilledBy, ItemOption, Line, Notes, Order, Package, Party, PendingReason,
    Shipment, Status, Tax,
};
use crate::malls::japan::{one_space, split_prefecture, wanted_time};
use crate::malls::lenient::{Int, Text};
use crate::secret::Personal;
use crate::tabular::values;
use money::is;

/// Identities of money.
mod money;
/// How it is paid.
mod payment;

/// The shop's own status names, as the config explains them.
pub type Statuses = BTreeMap<String, Status>;

/// A status of the mall.
#[derive(Debug)]
pub struct Known {
    /// As sent.
    pub name: &'static str,
    /// What it means.
    pub status: Status,
    /// Why it is pending.
    pub reason: Option<PendingReason>,
}

const fn known(name: &'static str, status: Status, reason: Option<PendingReason>) -> Known {
    Known { name, status, reason }
}

/// Shipped, and the payment is still to come.
const SHIPPED_UNPAID: &str = "発送後入金待ち";

/// §7.1, decisions.md 23.
pub const STATUSES: [Known; 14] = [
    known("新規受付", Status::AwaitingConfirmation, None),
    known("新規予約", Status::Pending, Some(PendingReason::ReleaseDate)),
    known("予約中", Status::Pending, Some(PendingReason::ReleaseDate)),
    known("発送前入金待ち", Status::Pending, Some(PendingReason::Payment)),
    known("与信待ち", Status::Pending, Some(PendingReason::Payment)),
    known("不正取引審査中", Status::Pending, Some(PendingReason::MallCheck)),
    known("審査保留", Status::Pending, Some(PendingReason::MallCheck)),
    known("発送待ち", Status::AwaitingShipment, None),
    known(SHIPPED_UNPAID, Status::Shipped, None),
    known("完了", Status::Completed, None),
    known("保留", Status::OnHold, None),
    known("審査NG", Status::OnHold, None),
    known("キャンセル受付中", Status::CancelRequested, None),
    known("キャンセル", Status::Canceled, None),
];

/// The one destination of an order has no key of its own.
const PACKAGE: &str = "1";
/// Where older orders carry the wanted time (§6.1, `orderOption`).
const WANTED_TIME: &str = "配達希望時間帯";
const DAY: Duration = Duration::from_secs(86_400);

/// The normalised order.
///
/// # Errors
/// The element without which it is no order: its number, its date, a quantity.
pub fn order(model: &OrderModel, own: &Statuses) -> Result<Order, String> {
    let mall_order_id = model.order_id.trimmed().ok_or("orderId is missing")?.to_owned();
    let ordered_at = model.order_date.trimmed().ok_or("orderDate is missing")?;
    let ordered_at = moment(ordered_at).ok_or("orderDate is not a date and time")?;
    let mut flags = Vec::new();
    let mall_status = model.order_status.trimmed().unwrap_or_default();
    let (status, pending_reason) = status(model, mall_status, own, &mut flags);
    let amounts = amounts(model, &mut flags);
    flags.extend(amounts.mismatches());
    money::check(model, status == Status::Canceled, &mut flags);
    let payment = payment::payment(model, (status, pending_reason), amounts.due, &mut flags);
    if let Some(result) = model.pg_result.trimmed().filter(|result| *result != "0") {
        flags.push(Flag::new("gateway_refused", format!("pgResult {result:?}")));
    }
    let canceled = status == Status::Canceled;
    let live = || model.details.iter().filter(move |line| canceled || !line.is_canceled());
    let package = package(model, canceled, &mut flags)?;
    Ok(Order {
        mall_order_id,
        status,
        mall_status: mall_status.to_owned(),
        pending_reason,
        fulfilled_by: FulfilledBy::Shop,
        ordered_at,
        mall_updated_at: None,
        ship_by: live().filter_map(|line| day(&line.shipping_timelimit_date)).min().map(end_of_day),
        payment,
        taxes: taxes(&model.request_price, &model.request_tax_price),
        amounts,
        buyer: Party {
            email: personal(&model.mail_address).or_else(|| personal(&model.raw_mail_address)),
            ..party(
                [&model.orderer_name, &model.orderer_kana],
                &model.orderer_zip_code,
                &model.orderer_address,
                [&model.orderer_phone_number1, &model.orderer_phone_number2],
            )
        },
        packages: vec![package],
        notes: Notes {
            buyer: joined([&model.user_comment, &model.order_option]),
            shop: joined([&model.memo, &model.trade_remarks]),
            gift: joined(live().flat_map(DetailModel::gift)),
        },
        flags,
        reception_number: None,
        source_columns: BTreeMap::new(),
    })
}

impl DetailModel {
    /// Cancelled on its own, or with the whole order.
    pub fn is_canceled(&self) -> bool {
        is(&self.item_cancel_status, "C")
    }

    fn gift(&self) -> [&Text; 6] {
        [
            &self.gift_wrapping_type,
            &self.noshi_type,
            &self.noshi_presenter_name1,
            &self.noshi_presenter_name2,
            &self.noshi_presenter_name3,
            &self.gift_message,
        ]
    }
}

/// decisions.md 23; §7.2 for the flags.
fn status(
    model: &OrderModel,
    name: &str,
    own: &Statuses,
    flags: &mut Vec<Flag>,
) -> (Status, Option<PendingReason>) {
    if is(&model.cancel_status, "C") {
        return (Status::Canceled, None);
    }
    if let Some(known) = STATUSES.iter().find(|known| known.name == name) {
        // Ready to ship, and the goods are gone: it must not be shipped again (§7.2).
        if known.status == Status::AwaitingShipment && is(&model.ship_status, "Y") {
            flags
                .push(Flag::new("ship_status", format!("orderStatus {name:?}, and shipStatus says shipped")));
            return (Status::Shipped, None);
        }
        return (known.status, known.reason);
    }
    match own.get(name) {
        Some(Status::Pending) => (Status::Pending, Some(PendingReason::NotFinal)),
        Some(status) => (*status, None),
        None => {
            flags.push(Flag::new("unknown_status", format!("orderStatus {name:?}")));
            (Status::Unknown, None)
        }
    }
}

fn yen(amount: Int) -> Option<Yen> {
    amount.0.map(Yen)
}

/// decisions.md 26: option fees are another charge.
fn amounts(model: &OrderModel, flags: &mut Vec<Flag>) -> Amounts {
    let coupon = yen(model.coupon_total_price.whole);
    let (mut shop_coupon, mut mall_coupon, mut other_discount) = (coupon, coupon, coupon);
    let zero = Some(Yen::ZERO);
    match model.coupon_type.trimmed() {
        Some("U") => (mall_coupon, other_discount) = (zero, zero),
        Some("D" | "M") => (shop_coupon, other_discount) = (zero, zero),
        _ if matches!(coupon, None | Some(Yen::ZERO)) => other_discount = zero,
        // Whoever pays it, it is taken off.
        other => {
            let kind = other.unwrap_or("missing");
            flags.push(Flag::new("unknown_coupon_type", format!("couponType {kind}")));
            (shop_coupon, mall_coupon) = (zero, zero);
        }
    }
    Amounts {
        goods: yen(model.total_sale_price.whole),
        shipping: yen(model.postage_price),
        payment_fee: yen(model.charge_price),
        gift_wrap: yen(model.total_gift_wrapping_price),
        other_charge: yen(model.total_item_option_price),
        shop_coupon,
        mall_coupon,
        points: money::points(model),
        other_discount,
        total: yen(model.total_price.whole),
        due: yen(model.request_price.whole),
        ..Amounts::none("JPY")
    }
}

/// What is collected, per rate, and the tax in it; rates of which there is nothing are left out.
fn taxes(amounts: &Split, taxes: &Split) -> Vec<Tax> {
    let rows = [
        (10, amounts.normal, taxes.normal),
        (8, amounts.reduced, taxes.reduced),
        (0, amounts.none, taxes.none),
    ];
    let rows = rows.into_iter().map(|(rate_percent, taxable, tax)| Tax {
        rate_percent,
        taxable: yen(taxable),
        tax: yen(tax),
    });
    let says = |amount: Option<Yen>| amount.is_some_and(|amount| amount != Yen::ZERO);
    rows.filter(|row| says(row.taxable) || says(row.tax)).collect()
}

fn package(model: &OrderModel, canceled: bool, flags: &mut Vec<Flag>) -> Result<Package, String> {
    let carrier = carrier(&model.shipping_carrier, flags);
    let tracking_number = model.shipping_number.trimmed().map(str::to_owned);
    let reported = day(&model.shipping_date);
    let shipments = if tracking_number.is_some() || reported.is_some() {
        vec![Shipment { carrier, tracking_number: tracking_number.clone(), shipped_on: reported }]
    } else {
        Vec::new()
    };
    let went_out = day(&model.ship_date).filter(|_| is(&model.ship_status, "Y"));
    let lines =
        model.details.iter().enumerate().map(|(at, detail)| {
            line(detail, canceled, flags).map_err(|reason| format!("detail[{at}].{reason}"))
        });
    Ok(Package {
        package_id: PACKAGE.to_owned(),
        recipient: party(
            [&model.sender_name, &model.sender_kana],
            &model.sender_zip_code,
            &model.sender_address,
            [&model.sender_phone_number1, &model.sender_phone_number2],
        ),
        carrier,
        tracking_numbers: tracking_number.into_iter().collect(),
        shipped_on: reported.or(went_out),
        requested_date: day(&model.delivery_request_day),
        requested_time: requested_time(model),
        shipments,
        lines: lines.collect::<Result<_, _>>()?,
    })
}

/// A line cancelled on its own stays with quantity 0; the lines of a cancelled order keep theirs.
fn line(detail: &DetailModel, canceled: bool, flags: &mut Vec<Flag>) -> Result<Line, String> {
    let ordered = detail.unit.0.ok_or("unit is missing")?;
    let quantity = if detail.is_canceled() && !canceled { 0 } else { ordered };
    let unit_price = yen(detail.item_price);
    let tax_rate_percent = match detail.tax_rate.0 {
        // Absent is none (§6.5).
        None => Some(0),
        Some(rate) => rate.0.or_else(|| {
            flags.push(Flag::new("unknown_tax_rate", "taxRate is not a whole percentage"));
            None
        }),
    };
    let sku = [&detail.item_code, &detail.item_management_id].map(|part| part.trimmed().unwrap_or_default());
    let sku = sku.concat();
    let mut options = detail.item_option.trimmed().map(chosen).unwrap_or_default();
    options.extend(detail.paid_options.iter().map(|option| ItemOption {
        name: option.title.trimmed().map(str::to_owned),
        value: option.choice.clone(),
    }));
    Ok(Line {
        line_id: detail.order_detail_id.trimmed().unwrap_or_default().to_owned(),
        sku: (!sku.is_empty()).then_some(sku),
        mall_item_id: detail.lotnumber.trimmed().map(str::to_owned),
        name: detail.item_name.trimmed().unwrap_or_default().to_owned(),
        options,
        quantity,
        unit_price,
        tax_rate_percent,
        subtotal: unit_price.and_then(|price| price.times(quantity)),
    })
}

/// `カラー=C&size=M`: values may hold `&` and `=` themselves (§6.5), so that a part without `=` belongs to the value before
/// it. Joined by `&` the options give the text back.
fn chosen(text: &str) -> Vec<ItemOption> {
    let mut options: Vec<ItemOption> = Vec::new();
    for part in text.split('&') {
        match (part.split_once('='), options.last_mut()) {
            (Some((name, value)), _) => options.push(ItemOption {
                name: (!name.is_empty()).then(|| name.to_owned()),
                value: value.to_owned(),
            }),
            (None, Some(last)) => {
                last.value.push('&');
                last.value.push_str(part);
            }
            (None, None) => options.push(ItemOption { name: None, value: part.to_owned() }),
        }
    }
    options
}

/// §7.5. A code never seen before is another carrier, and said so.
fn carrier(code: &Text, flags: &mut Vec<Flag>) -> Option<Carrier> {
    let code = code.trimmed()?;
    Some(match code {
        "1" => Carrier::Yamato,
        "2" => Carrier::Sagawa,
        "5" => Carrier::Seino,
        "6" => Carrier::JapanPost,
        "3" | "4" | "7" | "9" => Carrier::Other,
        _ => {
            flags.push(Flag::new("unknown_carrier", format!("shippingCarrier {code}")));
            Carrier::Other
        }
    })
}

/// `18-20時` is 18 to 20 o'clock; older orders answer it as a question of the shop's.
fn requested_time(model: &OrderModel) -> Option<String> {
    let answered = || {
        let answers = model.order_option.trimmed()?;
        answers.split(['&', '\n']).find_map(|answer| {
            let (name, value) = answer.split_once('=')?;
            (name.trim() == WANTED_TIME && !value.trim().is_empty()).then_some(value)
        })
    };
    model.delivery_request_time.trimmed().or_else(answered).map(wanted_time)
}

fn party(names: [&Text; 2], zip_code: &Text, address: &Text, phones: [&Text; 2]) -> Party {
    let [name, name_kana] = names.map(|name| personal(name).map(|name| one_space(&name)));
    let digits = |text: &Text| text.trimmed().and_then(|t| Personal::new(&values::digits(t)));
    let (prefecture, rest) = split_prefecture(address.trimmed().unwrap_or_default());
    let parts: Vec<&str> = rest.split(' ').filter(|part| !part.is_empty()).collect();
    Party {
        name,
        name_kana,
        postal_code: digits(zip_code),
        prefecture: prefecture.and_then(Personal::new),
        address: Personal::new(&parts.join(" ")),
        phone: phones.into_iter().find_map(digits),
        email: None,
        company: None,
    }
}

fn personal(text: &Text) -> Option<Personal> {
    text.trimmed().and_then(Personal::new)
}

fn joined<'a>(parts: impl IntoIterator<Item = &'a Text>) -> Option<Personal> {
    let parts: Vec<&str> = parts.into_iter().filter_map(Text::trimmed).collect();
    Personal::new(&parts.join("\n"))
}

/// `YYYY/MM/DD HH:MM`, with seconds too (§3), or any other form that is plainly a date and time.
fn moment(text: &str) -> Option<Timestamp> {
    values::moment(text)
}

fn day(text: &Text) -> Option<chrono::NaiveDate> {
    text.trimmed().and_then(values::day)
}

/// A day on which something is due lasts until its last second.
fn end_of_day(day: chrono::NaiveDate) -> Timestamp {
    Timestamp::jst_midnight(day) + DAY - Duration::from_secs(1)
}
