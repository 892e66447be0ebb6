//! Order class (yahoo-shopping.md §6.4).

use std::time::Duration;

use super::At::{Both, Info, List};
use super::{Row, empty, no};
use crate::sim::yahoo::kind::Kind;
use crate::sim::yahoo::plan::Step;
use crate::sim::yahoo::view::{Val, View, code, date, some_yen, text, time};

const DAY: Duration = Duration::from_hours(24);

pub(super) static ROWS: &[Row] =
    &[
        ("OrderId", Both, |v| code(v.number())),
        ("Version", Both, |_| Val::Num(1)),
        ("OriginalOrderId", List, parent),
        ("ParentOrderId", Both, parent),
        ("ChildOrderId", Info, |v| {
            if !v.done(Step::Split) {
                return Val::Empty;
            }
            code(format!("{},{}", v.shop.number(v.plan.index, 1), v.shop.number(v.plan.index, 2)))
        }),
        ("DeviceType", Both, |v| code(*v.dice(10).pick(&["1", "3", "3", "4"]))),
        ("IsSeen", Both, |v| Val::Bool(v.done(Step::Seen) || v.plan.part > 0)),
        ("IsSplit", Both, |v| Val::Bool(v.done(Step::Split))),
        ("CancelReason", Info, |v| {
            if v.plan.ended(v.now) { Val::Num(i64::from(v.plan.reason)) } else { Val::Empty }
        }),
        ("CancelReasonDetail", Info, |v| {
            if !v.plan.ended(v.now) || v.plan.reason != 230 {
                Val::Empty
            } else if let Some(words) = v.written("CancelReasonDetail") {
                text(words.to_owned())
            } else {
                text("倉庫での検品時に破損が見つかったためキャンセルいたします。")
            }
        }),
        ("IsRoyalty", Both, |_| Val::Bool(true)),
        ("IsRoyaltyFix", Info, |v| Val::Bool(v.done(Step::Completed))),
        ("RoyaltyFixTime", Both, |v| time(v.past(Step::Completed))),
        ("IsSeller", Both, no),
        ("IsAffiliate", Both, |v| Val::Bool(v.dice(11).one_in(9))),
        ("AffiliateType", Info, empty),
        ("IsRatingB2s", Both, no),
        ("NeedSnl", Info, |v| Val::Bool(v.dice(12).one_in(3))),
        ("OrderTime", Both, |v| Val::Time(v.plan.placed)),
        ("ExistMultiReleaseDate", List, no),
        ("ReleaseDate", List, |v| date(v.plan.at(Step::OnSale))),
        ("LastUpdateTime", Both, |v| Val::Time(v.plan.last_update(v.now))),
        ("Suspect", Both, |v| code(v.plan.suspect(v.now))),
        ("SuspectMessage", Info, |v| {
            if v.plan.suspect(v.now) == "1" {
                text("いたずら注文の可能性があります")
            } else {
                Val::Empty
            }
        }),
        ("OrderStatus", Both, |v| code(v.plan.order_status(v.now))),
        ("StoreStatus", Both, |v| {
            let mut dice = v.dice(13);
            if !dice.one_in(8) || v.plan.ended(v.now) {
                Val::Empty
            } else if dice.one_in(6) {
                text("確認待ち")
            } else {
                Val::Num(i64::try_from(dice.between(1, 10)).unwrap_or(1))
            }
        }),
        ("SendConfirmTime", Info, |v| time(v.past(Step::Seen))),
        ("SendPayTime", Info, empty),
        ("PrintSlipTime", Info, |v| time(v.past(Step::Preparing))),
        ("PrintDeliveryTime", Info, |v| time(v.past(Step::Preparing))),
        ("PrintBillTime", Info, empty),
        ("PrintSlipFlag", List, |v| Val::Bool(v.done(Step::Preparing))),
        ("PrintDeliveryFlag", List, |v| Val::Bool(v.done(Step::Preparing))),
        ("PrintBillFlag", List, no),
        ("BuyerCommentsFlag", List, |v| Val::Bool(!comments(v).is_empty())),
        ("BuyerComments", Info, |v| text(comments(v))),
        ("SellerComments", Info, empty),
        ("Notes", Info, |v| {
            if v.staff_shipped() && v.dice(14).one_in(4) {
                text("午後出荷\n見本メモ")
            } else {
                Val::Empty
            }
        }),
        ("OperationUser", Info, |v| text(if v.done(Step::Seen) { "店舗担当" } else { "system" })),
        ("Referer", Info, empty),
        ("EntryPoint", Info, |v| if v.plan.line() { text("line") } else { Val::Empty }),
        ("Clink", Info, empty),
        ("HistoryId", Info, |v| Val::Num(v.plan.history_id(v.now))),
        ("UsageId", Info, |v| {
            if coupon_total(v) == 0 && v.content().shipping_coupon == 0 {
                return Val::Empty;
            }
            Val::Num(9_000_000_000 + i64::try_from(v.plan.index).unwrap_or(0))
        }),
        ("UseCouponData", Info, |v| {
            let mut records = String::new();
            if coupon_total(v) > 0 {
                records.push_str("YmFzZTY0c3R5bGU\\A100円OFFクーポン\\A1\\A1\\A1\\B");
            }
            if v.content().shipping_coupon > 0 {
                records.push_str("c2hpcHBpbmc\\A送料無料クーポン\\A3\\A1\\A1\\B");
            }
            text(records)
        }),
        ("TotalCouponDiscount", Info, |v| some_yen(coupon_total(v))),
        ("ShippingCouponFlg", Info, |v| code(if v.content().shipping_coupon > 0 { "1" } else { "0" })),
        ("ShippingCouponDiscount", Info, |v| some_yen(v.content().shipping_coupon)),
        ("CampaignPoints", Info, |v| {
            if v.dice(15).one_in(5) { text("[{\"id\":\"1\",\"point\":12,}]") } else { Val::Empty }
        }),
        ("IsMultiShip", Info, |v| Val::Bool(v.plan.kind == Kind::MultiShip)),
        ("MultiShipId", Info, |v| {
            if v.plan.kind != Kind::MultiShip {
                return Val::Empty;
            }
            let checkout = v.plan.index & !1;
            code(format!("{:042}", u128::from(checkout) + 800_000_000_000_000_000_000_000))
        }),
        ("IsReadOnly", Both, |v| code(if v.plan.read_only(v.now) { "1" } else { "0" })),
        ("SellerType", List, |_| code("1")),
        ("IsPayManagement", List, |_| Val::Bool(true)),
        ("FraudHoldStatus", Both, |v| code(v.plan.fraud_hold(v.now))),
        ("PublicationTime", Both, |v| time(v.plan.publication(v.now))),
        ("IsFirstClassDrugIncludes", Both, empty),
        ("IsFirstClassDrugAgreement", Both, empty),
        ("IsWelcomeGiftIncludes", Both, no),
        ("YamatoCoopStatus", Both, empty),
        ("IsYahooAuctionOrder", Both, |v| Val::Bool(auction(v))),
        ("YahooAuctionMerchantId", Both, |v| if auction(v) { code("AbCdEf123") } else { Val::Empty }),
        ("YahooAuctionId", Both, |v| {
            if auction(v) { code(format!("x{:010}", v.plan.index)) } else { Val::Empty }
        }),
        ("IsYahooAuctionDeferred", Both, no),
        ("YahooAuctionCategoryType", Both, empty),
        ("YahooAuctionBidType", Both, empty),
        ("YahooAuctionBundleType", Both, empty),
        ("GoodStoreStatus", Both, |_| code("1")),
        ("CurrentGoodStoreBenefitApply", Both, |_| code("1")),
        ("CurrentPromoPkgApply", Both, |_| code("0")),
        ("LineGiftOrderId", Both, |v| {
            if v.plan.line() { code((20_000_000 + v.plan.index).to_string()) } else { Val::Empty }
        }),
        ("IsLineGiftOrder", Both, |v| Val::Bool(v.plan.line())),
        ("ImmediateBonus", Info, |v| {
            let yen = v.content().bonus;
            if yen > 0 {
                text(format!("[{{\"name\":\"見本特典\",\"amount\":{yen}}}]"))
            } else {
                Val::Empty
            }
        }),
        ("SlowlyShipPoint", Info, empty),
        ("SlowlyShipPointFixDate", Info, empty),
        ("IsSlowlyShipPointFix", Info, empty),
        ("CampaignGiftCards", Info, empty),
        ("OverlapOrderResult", Info, |_| code("0")),
        ("FirstOrderDoneDate", Info, |v| date(v.plan.marks.first_done.or(v.past(Step::Completed)))),
        ("DonationId", Info, empty),
        ("SocialGiftType", Both, |v| {
            code(match v.plan.kind {
                Kind::SocialGift | Kind::LineGiftWaiting | Kind::LineGiftExpired => "1",
                Kind::SocialGiftKnown | Kind::LineGift => "2",
                _ if v.dice(16).one_in(10) => "",
                _ => "0",
            })
        }),
        ("IsVip", Info, |v| Val::Bool(v.dice(17).one_in(20))),
        ("InsuranceStatus", Info, empty),
        ("IsLineCommerceTabOrder", Both, no),
        ("XshoppingStoreType", Both, empty),
        ("OptionPartnerType", Both, |_| code("0")),
    ];

fn parent(v: &View<'_>) -> Val {
    if v.plan.part == 0 { Val::Empty } else { code(v.shop.number(v.plan.index, 0)) }
}

fn auction(v: &View<'_>) -> bool {
    v.plan.kind == Kind::Plain && v.dice(18).one_in(30)
}

/// What the store's coupons take off the goods as ordered.
fn coupon_total(v: &View<'_>) -> i64 {
    v.content().lines.iter().map(|line| line.coupon * line.quantity).sum()
}

fn comments(v: &View<'_>) -> &'static str {
    let mut dice = v.dice(19);
    if v.blank || !dice.one_in(6) {
        return "";
    }
    dice.pick::<&'static str>(&[
        "玄関前に置いてください。",
        "包装は紺色でお願いします。\n「のし」は外のしで <内祝い> と書いてください & 領収書不要です。",
        "</BuyerComments><OrderStatus>4</OrderStatus> と書いても本文です",
        "絵文字🎁と𠮷の字、それに ]]> も届きますか",
    ])
}

/// The day on which a waiting order lapses.
pub(super) fn lapses(v: &View<'_>) -> crate::clock::Timestamp {
    let day = (v.plan.placed + DAY * 7).jst_date();
    crate::clock::Timestamp::jst_midnight(day) + (DAY - Duration::from_secs(1))
}
