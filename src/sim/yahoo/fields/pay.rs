//! `Pay` (yahoo-shopping.md §6.5).

use super::At::{Both, Info};
use super::order::lapses;
use super::{Row, empty, no};
use crate::sim::people::Person;
use crate::sim::yahoo::kind::Kind;
use crate::sim::yahoo::method::CARD;
use crate::sim::yahoo::plan::Step;
use crate::sim::yahoo::view::{Val, View, code, date, day, local, text, time};

pub(super) static ROWS: &[Row] =
    &[
        ("PayStatus", Both, |v| code(if v.plan.paid(v.now) { "1" } else { "0" })),
        ("SettleStatus", Both, |v| code(v.plan.settle_status(v.now))),
        ("PayType", Both, |v| code(if v.plan.method_at(v.now).prepaid { "1" } else { "0" })),
        ("PayKind", Info, |v| code(v.plan.method_at(v.now).kind)),
        ("PayMethod", Both, |v| code(v.plan.method_at(v.now).code)),
        ("PayMethodName", Both, |v| text(v.plan.method_at(v.now).name)),
        ("SellerHandlingCharge", Info, empty),
        ("PayActionTime", Info, |v| {
            let at = v.plan.paid_at(v.now).filter(|_| !v.plan.method_at(v.now).own);
            match at {
                // Some rows of the reference show no offset (§6.3).
                Some(at) if v.dice(20).one_in(20) => code(local(at)),
                at => time(at),
            }
        }),
        ("PayDate", Both, |v| date(v.past(Step::Paid))),
        ("PayNotes", Info, empty),
        ("SettleId", Both, |v| {
            if v.plan.method_at(v.now).own { Val::Empty } else { code(format!("s{:032x}", v.plan.index)) }
        }),
        ("CardBrand", Info, |v| card(v, "VISA")),
        ("CardNumberLast4", Info, |v| card(v, "0000")),
        ("CardPayType", Info, |v| card(v, "1")),
        ("CardPayCount", Info, |v| card(v, "1")),
        ("CardNumber", Info, empty),
        ("CardExpireYear", Info, empty),
        ("CardExpireMonth", Info, empty),
        ("CardHolderName", Info, empty),
        ("CardBirthDay", Info, empty),
        ("UseYahooCard", Info, no),
        ("UseWallet", Both, |v| Val::Bool(is_card(v))),
        ("IsApplePay", Both, |v| Val::Bool(is_card(v) && v.dice(21).one_in(12))),
        // Missing where the cart does not offer it.
        ("NeedBillSlip", Both, |v| {
            if v.dice(22).one_in(5) { Val::Absent } else { Val::Bool(v.dice(23).one_in(9)) }
        }),
        ("NeedDetailedSlip", Both, |v| {
            if v.dice(22).one_in(5) { Val::Absent } else { Val::Bool(v.dice(24).one_in(4)) }
        }),
        ("NeedReceipt", Both, |v| Val::Bool(v.dice(25).one_in(9))),
        ("AgeConfirmField", Info, empty),
        ("AgeConfirmValue", Info, empty),
        ("AgeConfirmCheck", Info, empty),
        ("BillAddressFrom", Info, |v| code(*v.dice(26).pick(&["P", "B", "ship", "O"]))),
        ("BillLastName", Both, |v| bill(v, |p| p.family.to_owned(), "見本商店")),
        ("BillFirstName", Both, |v| bill(v, |p| p.given.to_owned(), "ソーシャルギフト利用者")),
        ("BillLastNameKana", Both, |v| bill(v, |p| p.family_kana.to_owned(), "ミホンショウテン")),
        ("BillFirstNameKana", Both, |v| bill(v, |p| p.given_kana.to_owned(), "ソーシャルギフトリヨウシャ")),
        ("BillZipCode", Info, |v| bill(v, |p| zip(v, p), "100-0000")),
        ("BillPrefecture", Both, |v| bill(v, |p| p.prefecture.to_owned(), "東京都")),
        ("BillPrefectureKana", Info, empty),
        ("BillCity", Info, |v| bill(v, |p| p.city.to_owned(), "見本区")),
        ("BillCityKana", Info, empty),
        ("BillAddress1", Info, |v| bill(v, |p| street(p).0, "見本町9-9")),
        ("BillAddress1Kana", Info, empty),
        ("BillAddress2", Info, |v| bill(v, |p| street(p).1, "(発送元)")),
        ("BillAddress2Kana", Info, empty),
        ("BillPhoneNumber", Info, |v| bill(v, phone, "03-0000-0009")),
        ("BillEmgPhoneNumber", Info, empty),
        ("BillMailAddress", Info, |v| {
            bill(v, |p| p.email.clone(), "ml-yshp-socialgift-noreply@lycorp.co.jp")
        }),
        ("BillSection1Field", Info, |v| if company(v) { text("会社名") } else { Val::Empty }),
        ("BillSection1Value", Info, |v| if company(v) { text("株式会社見本") } else { Val::Empty }),
        ("BillSection2Field", Info, |v| if company(v) { text("部署名") } else { Val::Empty }),
        ("BillSection2Value", Info, |v| if company(v) { text("総務部") } else { Val::Empty }),
        ("PayNo", Both, |v| if ticket(v) { code(format!("{:013}", v.plan.index)) } else { Val::Empty }),
        ("PayNoIssueDate", Both, |v| if ticket(v) { Val::Time(v.plan.placed) } else { Val::Empty }),
        (
            "ConfirmNumber",
            Info,
            |v| if v.plan.method.code == "payment_a7" { code("00400") } else { Val::Empty },
        ),
        ("PaymentTerm", Info, |v| {
            if ticket(v) { code(format!("{} 23:59:59", day(lapses(v)))) } else { Val::Empty }
        }),
        ("PayMethodChangeDeadline", Both, |v| if refusable(v) { Val::Time(lapses(v)) } else { Val::Empty }),
        ("PayMethodChangeDoneDate", Info, |v| time(v.past(Step::Repaid))),
        ("IsPayMethodChangePossible", Both, |v| {
            if refusable(v) { Val::Bool(!v.plan.paid(v.now) && !v.plan.ended(v.now)) } else { Val::Empty }
        }),
        ("LineGiftPayMethodName", Info, |v| if v.plan.line() { text("PayPay決済") } else { Val::Empty }),
        ("CombinedPayType", Both, |v| if combined(v) { code("1") } else { Val::Empty }),
        ("CombinedPayKind", Info, |v| if combined(v) { code(CARD.kind) } else { Val::Empty }),
        ("CombinedPayMethod", Both, |v| if combined(v) { code(CARD.code) } else { Val::Empty }),
        ("CombinedPayMethodName", Both, |v| if combined(v) { text(CARD.name) } else { Val::Empty }),
    ];

fn is_card(v: &View<'_>) -> bool {
    v.plan.method_at(v.now).code == CARD.code
}

fn card(v: &View<'_>, value: &'static str) -> Val {
    if is_card(v) { code(value) } else { Val::Empty }
}

fn combined(v: &View<'_>) -> bool {
    v.plan.kind == Kind::PayPayCombined
}

/// The card was refused, so that the buyer may choose again.
fn refusable(v: &View<'_>) -> bool {
    matches!(v.plan.kind, Kind::AuthError | Kind::AuthErrorCanceled)
}

/// Paid with a number at a counter or a machine.
fn ticket(v: &View<'_>) -> bool {
    matches!(v.plan.method.code, "payment_a6" | "payment_a7" | "payment_a15")
}

fn company(v: &View<'_>) -> bool {
    !v.blank && v.dice(27).one_in(15)
}

/// The buyer; of a social gift the store itself (§6.5).
fn bill(v: &View<'_>, show: impl FnOnce(&Person) -> String, of_store: &'static str) -> Val {
    let gift = matches!(
        v.plan.kind,
        Kind::SocialGift
            | Kind::SocialGiftKnown
            | Kind::LineGift
            | Kind::LineGiftWaiting
            | Kind::LineGiftExpired
    );
    if gift { text(of_store) } else { v.buyer(show) }
}

/// With a hyphen or without.
pub(super) fn zip(v: &View<'_>, person: &Person) -> String {
    if v.plan.index.is_multiple_of(2) {
        person.postal_code()
    } else {
        format!("{}-{}", person.zip.0, person.zip.1)
    }
}

/// Town and number, and the building.
pub(super) fn street(person: &Person) -> (String, String) {
    match person.street.split_once(' ') {
        Some((town, building)) => (town.to_owned(), building.to_owned()),
        None => (person.street.clone(), String::new()),
    }
}

pub(super) fn phone(person: &Person) -> String {
    let (a, b, c) = &person.phone;
    format!("{a}-{b}-{c}")
}
