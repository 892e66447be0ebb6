//! Amounts, and where the money stands (decisions.md 3, 24, 25; yahoo-shopping.md §6.7, §9.4, §9.5).

use super::super::model::{OrderModel, PayModel};
use super::{is, yes};
use crate::domain::money::Yen;
use crate::domain::order::{
    Amounts, CollectedBy, Flag, Line, Payment, PaymentMethod, PaymentStatus, PendingReason, Status,
};
use crate::malls::lenient::Int;

pub(super) fn yen(amount: Int) -> Option<Yen> {
    amount.0.map(Yen)
}

/// §6.7, before coupons with the coupons beside them. An empty charge or discount is none; an element that holds no
/// number is unknown, and what depends on it is too.
pub(super) fn amounts(model: &OrderModel, lines: &[Line], flags: &mut Vec<Flag>) -> Amounts {
    let detail = &model.detail;
    let readable = |name: &str| !model.unreadable.contains(&name);
    let or_none = |amount: Int, name: &str| yen(amount).or_else(|| readable(name).then_some(Yen::ZERO));
    let sum = |parts: &[Option<Yen>]| parts.iter().try_fold(Yen::ZERO, |sum, part| sum.plus((*part)?));
    let goods = lines.iter().try_fold(Yen::ZERO, |sum, line| sum.plus(line.subtotal?));
    let paid_goods = model
        .items
        .iter()
        .try_fold(Yen::ZERO, |sum, item| sum.plus(yen(item.unit_price)?.times(item.quantity.0?)?));
    // What the lines themselves show: a coupon of a line that was cancelled since stays in the total (§6.7, §6.8).
    let item_coupon = goods.zip(paid_goods).and_then(|(before, after)| before.minus(after));
    let cancelled = model.items.iter().filter(|item| item.quantity.0 == Some(0));
    let lapsed =
        sum(&cancelled.map(|item| or_none(item.coupon_discount, "CouponDiscount")).collect::<Vec<_>>());
    if let (Some(shown), Some(lapsed), Some(said)) =
        (item_coupon, lapsed, or_none(model.total_coupon_discount, "TotalCouponDiscount"))
        && shown != said
        && shown.plus(lapsed) != Some(said)
    {
        let detail = format!("store coupons of {shown} in the lines, TotalCouponDiscount {said}");
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
pub(super) fn payment(
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
