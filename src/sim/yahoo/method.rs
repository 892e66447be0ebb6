//! Ways to pay (yahoo-shopping.md §9.5).

use super::kind::Kind;
use crate::sim::dice::Dice;

/// A payment method as an order shows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Method {
    /// `PayMethod`.
    pub(crate) code: &'static str,
    /// `PayMethodName`.
    pub(crate) name: &'static str,
    /// `PayKind`.
    pub(crate) kind: &'static str,
    /// `PayType` 1: paid before the shipment.
    pub(crate) prepaid: bool,
    /// The store's own: the platform knows nothing of the money.
    pub(crate) own: bool,
}

const fn at_once(code: &'static str, name: &'static str, kind: &'static str) -> Method {
    Method { code, name, kind, prepaid: true, own: false }
}

const fn own(code: &'static str, name: &'static str, kind: &'static str, prepaid: bool) -> Method {
    Method { code, name, kind, prepaid, own: true }
}

pub(crate) static CARD: Method = at_once("payment_a1", "クレジットカード決済", "0");
pub(crate) static PAYPAY: Method = at_once("payment_a17", "PayPay残高等", "6");
static PAYPAY_BALANCE: Method = at_once("payment_a17", "PayPay残高", "6");
static PAYPAY_POINTS: Method = at_once("payment_a17", "PayPayポイント", "6");
static PAYPAY_CREDIT: Method = at_once("payment_a19", "PayPayクレジット", "0");
static D_BARAI: Method = at_once("payment_a9", "d払い", "2");
static AU: Method = at_once("payment_a10", "au PAY（auかんたん決済）", "2");
static SOFTBANK: Method = at_once("payment_a11", "ソフトバンクまとめて支払い", "2");
static BANK_DEBIT: Method = at_once("payment_a16", "銀行口座引き落とし", "1");
static SLOW: Method = at_once("payment_a18", "ゆっくり払い", "7");
static POINTS: Method = at_once("payment_z1", "全額ポイント支払い", "7");
static LINE: Method = at_once("payment_z3", "LINE外部決済", "7");
static GIFT_CARD: Method = at_once("payment_z4", "ギフトカード", "7");
static UNKNOWN: Method = at_once("payment_y9", "新しい決済", "9");
static SEVEN: Method = at_once("payment_a6", "コンビニ決済（セブン-イレブン）", "5");
static STORES: Method = at_once("payment_a7", "コンビニ決済（ファミリーマート、ローソン、その他）", "5");
static SUICA: Method = at_once("payment_a8", "モバイルSuica決済", "6");
static PAY_EASY: Method = at_once("payment_a15", "ペイジー決済", "1");
static TRANSFER: Method = own("payment_b1", "銀行振込（前払い）", "3", true);
static YUCHO: Method = own("payment_c1", "ゆうちょ振替（前払い）", "3", true);
static REGISTERED_CASH: Method = own("payment_c3", "現金書留", "7", true);
static COD: Method = own("payment_d1", "商品代引", "4", false);
static OWN_CARD: Method = own("payment_e1", "クレジットカード（ヤマト運輸 webコレクト）", "7", false);
static OWN_DEFERRED: Method = own("payment_e2", "コンビニ後払い", "7", false);
static OWN_COUNTER: Method = own("payment_e3", "店頭払い", "7", false);

static USUAL: [&Method; 16] = [
    &CARD,
    &CARD,
    &CARD,
    &CARD,
    &CARD,
    &CARD,
    &PAYPAY,
    &PAYPAY_BALANCE,
    &PAYPAY_BALANCE,
    &PAYPAY_POINTS,
    &PAYPAY_CREDIT,
    &D_BARAI,
    &AU,
    &SOFTBANK,
    &BANK_DEBIT,
    &SLOW,
];
static PREPAID: [&Method; 7] = [&SEVEN, &STORES, &SUICA, &PAY_EASY, &TRANSFER, &YUCHO, &REGISTERED_CASH];
static OWN: [&Method; 4] = [&OWN_CARD, &OWN_CARD, &OWN_DEFERRED, &OWN_COUNTER];

fn one(dice: &mut Dice, of: &[&'static Method]) -> &'static Method {
    dice.pick::<&'static Method>(of)
}

/// How an order of this kind is paid.
pub(crate) fn of(kind: Kind, dice: &mut Dice) -> &'static Method {
    let usual = one(dice, &USUAL);
    match kind {
        Kind::Prepaid => one(dice, &PREPAID),
        Kind::PrepaidUnpaid => one(dice, &PREPAID[..5]),
        Kind::CashOnDelivery => &COD,
        Kind::StoreDefined => one(dice, &OWN),
        Kind::PayPayCombined => &PAYPAY,
        Kind::PointsOnly => &POINTS,
        Kind::GiftCard if dice.one_in(4) => &GIFT_CARD,
        Kind::LineGift | Kind::LineGiftWaiting | Kind::LineGiftExpired => &LINE,
        Kind::UnknownPayment => &UNKNOWN,
        // Carrier billing cannot be split (§3), and only a card can be refused.
        Kind::Split if usual.kind == "2" => &CARD,
        Kind::AuthError | Kind::AuthErrorCanceled => &CARD,
        _ => usual,
    }
}

/// What a buyer chooses after a refused card.
pub(crate) fn after_refusal(dice: &mut Dice) -> &'static Method {
    if dice.one_in(2) { &CARD } else { &PAYPAY_BALANCE }
}
