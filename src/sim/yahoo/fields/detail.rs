//! `Detail` (yahoo-shopping.md §6.7), `Seller` and `Buyer`.

use super::At::{Both, Info, List};
use super::{Row, no, zero};
use crate::sim::yahoo::kind::Kind;
use crate::sim::yahoo::plan::Step;
use crate::sim::yahoo::view::{Val, View, code, some_yen, text};

pub(super) static ROWS: &[Row] =
    &[
        ("PayCharge", Both, |v| Val::Num(v.content().pay_charge)),
        ("ShipCharge", Both, |v| Val::Num(v.amounts().ship_charge)),
        ("GiftWrapCharge", Both, |v| Val::Num(v.content().gift_wrap.unwrap_or(0))),
        ("Discount", Both, |v| Val::Num(v.amounts().discount)),
        ("Adjustments", Info, |v| some_yen(v.amounts().adjustments)),
        ("UsePoint", Both, |v| Val::Num(v.content().use_point())),
        ("GiftCardDiscount", Both, |v| Val::Num(v.content().gift_card)),
        ("TotalMallCouponDiscount", Both, |v| some_yen(v.content().mall_coupon)),
        ("TotalImmediateBonusAmount", Both, |v| some_yen(v.content().bonus)),
        ("TotalImmediateBonusRatio", Both, |v| if v.content().bonus > 0 { Val::Num(5) } else { Val::Empty }),
        ("TotalPrice", Both, |v| Val::Num(v.amounts().total)),
        ("RefundTotalPrice", List, |v| {
            if v.plan.ended(v.now) && v.plan.paid(v.now) { Val::Num(v.amounts().total) } else { Val::Empty }
        }),
        ("YourTimesaleDiscount", List, zero),
        ("SettleAmount", Info, |v| Val::Num(v.amounts().total)),
        // Reported by carrier, convenience store and Pay-easy; not inherited by the parts of a split order.
        ("SettlePayAmount", Info, |v| {
            let reported = matches!(v.plan.method_at(v.now).kind, "1" | "2" | "5") && v.plan.part == 0;
            if reported && v.plan.paid(v.now) { Val::Num(v.amounts().total) } else { Val::Empty }
        }),
        ("PayMethodAmount", Info, |v| {
            if combined(v) { Val::Num(v.amounts().total - v.content().combined) } else { Val::Empty }
        }),
        ("CombinedPayMethodAmount", Info, |v| {
            if combined(v) { Val::Num(v.content().combined) } else { Val::Empty }
        }),
        ("UsePaypayPoint", Info, |v| {
            if v.plan.method_at(v.now).name == "PayPayポイント" {
                Val::Num(v.amounts().total)
            } else {
                Val::Empty
            }
        }),
        ("LineGiftCharge", Both, |v| if v.plan.line() { Val::Num(100) } else { Val::Empty }),
        ("IsGetPointFixAll", Both, |v| Val::Bool(v.done(Step::Completed))),
        ("IsGetStoreBonusFixAll", Info, no),
    ];

pub(super) static SELLER: &[Row] = &[
    ("SellerId", Both, |v| code(v.shop.seller_id.clone())),
    ("LineGiftAccount", Info, |v| if v.plan.line() { code("123456") } else { Val::Empty }),
];

pub(super) static BUYER: &[Row] = &[
    ("IsLogin", Both, |v| Val::Bool(!guest(v))),
    ("FspLicenseCode", Info, |v| if guest(v) { Val::Empty } else { code("2000") }),
    ("FspLicenseName", Info, |v| if guest(v) { Val::Empty } else { text("なし") }),
    ("GuestAuthId", Info, |v| if guest(v) { code(format!("g{:019}", v.plan.index)) } else { Val::Empty }),
];

fn combined(v: &View<'_>) -> bool {
    v.plan.kind == Kind::PayPayCombined
}

fn guest(v: &View<'_>) -> bool {
    v.dice(41).one_in(12)
}
