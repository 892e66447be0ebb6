//! How an order is paid, and where the money stands (decisions.md 3, 24, 25; au-pay-market.md §7.2, §7.4).

use super::SHIPPED_UNPAID;
use super::money::is;
use crate::domain::money::Yen;
use crate::domain::order::{CollectedBy, Flag, Payment, PaymentMethod, PaymentStatus, PendingReason, Status};
use crate::malls::aupay::model::OrderModel;
use crate::tabular::values;

/// A name of §7.4, NFKC, without blanks, in small letters, less the mall's own name before it; a remark in brackets behind
/// it only tells whether the buyer pays afterwards.
fn method(name: &str) -> Option<PaymentMethod> {
    let name: String = values::word_key(name).chars().filter(|c| !c.is_whitespace()).collect();
    let bare = ["auwowma!", "wowma!", "aupayマーケット"].iter().find_map(|mall| name.strip_prefix(mall));
    let name = bare.unwrap_or(&name);
    named(name).or_else(|| match name.split_once('(')? {
        (_, remark) if remark.contains("後払い") => Some(PaymentMethod::Deferred),
        (name, _) => named(name),
    })
}

fn named(name: &str) -> Option<PaymentMethod> {
    use PaymentMethod as M;
    Some(match name {
        "クレジットカード決済" | "クレジットカード" | "カード決済" => M::CreditCard,
        "aupay(auかんたん決済)" | "aupay" | "applepay" | "paypay" | "alipay" | "paypal" | "linepay" => {
            M::Wallet
        }
        "auかんたん決済" | "ドコモ払い" | "ソフトバンクまとめて支払い" => {
            M::CarrierBilling
        }
        "銀行振込"
        | "郵便振替"
        | "ゆうちょ振替"
        | "atm決済"
        | "銀行ネット決済"
        | "ネット銀行決済"
        | "じぶん銀行決済"
        | "auじぶん銀行決済"
        | "pay-easy"
        | "ペイジー" => M::BankTransfer,
        "コンビニ決済" => M::ConvenienceStore,
        "代金引換" => M::CashOnDelivery,
        "後払い" | "後払い決済" | "コンビニ後払い" => M::Deferred,
        _ => return None,
    })
}

/// decisions.md 3, 24, 25.
pub(super) fn payment(
    model: &OrderModel,
    state: (Status, Option<PendingReason>),
    due: Option<Yen>,
    flags: &mut Vec<Flag>,
) -> Payment {
    let name = model.settlement_name.trimmed();
    let found = name.and_then(method);
    let method = match found {
        Some(method) => method,
        None if name.is_none() && due == Some(Yen::ZERO) => PaymentMethod::Points,
        None => {
            let name = name.map_or_else(|| "missing".to_owned(), |name| format!("{name:?}"));
            flags.push(Flag::new(Flag::UNKNOWN_PAYMENT, format!("settlementName {name}")));
            PaymentMethod::Other
        }
    };
    Payment {
        method,
        mall_method: name.map(str::to_owned),
        status: payment_status(model, state, method, due),
        collected_by: if found.is_some() || due == Some(Yen::ZERO) {
            CollectedBy::Mall
        } else {
            CollectedBy::Unknown
        },
    }
}

/// decisions.md 24, in its order. `paymentStatus` says that the sale is fixed, which proves a payment to come and nothing
/// else (§7.2).
fn payment_status(
    model: &OrderModel,
    (status, reason): (Status, Option<PendingReason>),
    method: PaymentMethod,
    due: Option<Yen>,
) -> PaymentStatus {
    use PaymentMethod as M;
    if due == Some(Yen::ZERO) {
        return PaymentStatus::NotRequired;
    }
    if status == Status::Canceled {
        return PaymentStatus::Unknown;
    }
    let shipped = matches!(status, Status::Shipped | Status::Completed);
    let waiting = matches!(status, Status::Pending | Status::AwaitingConfirmation);
    // A bank transfer that the shop waits for after shipping is not a prepaid one.
    let comes_later = model.order_status.trimmed() == Some(SHIPPED_UNPAID);
    // The credit check, or the check for fraud, is still to come, whatever an earlier one said.
    let unchecked = matches!(reason, Some(PendingReason::Payment | PendingReason::MallCheck));
    match method {
        M::CreditCard | M::Wallet | M::CarrierBilling if shipped => PaymentStatus::Paid,
        M::CreditCard | M::Wallet | M::CarrierBilling => {
            if status.may_ship() || (is(&model.authorization_status, "Y") && !unchecked) {
                PaymentStatus::Authorized
            } else if waiting {
                PaymentStatus::Unpaid
            } else {
                PaymentStatus::Unknown
            }
        }
        M::BankTransfer | M::ConvenienceStore if !comes_later => {
            if status.may_ship() {
                PaymentStatus::Paid
            } else if waiting {
                PaymentStatus::Unpaid
            } else {
                PaymentStatus::Unknown
            }
        }
        M::BankTransfer | M::ConvenienceStore | M::CashOnDelivery | M::Deferred | M::Invoice => {
            if is(&model.payment_status, "Y") { PaymentStatus::Paid } else { PaymentStatus::Unpaid }
        }
        M::Points | M::Other => PaymentStatus::Unknown,
    }
}
