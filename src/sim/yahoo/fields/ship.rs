//! `Ship` (yahoo-shopping.md §6.6).

use std::time::Duration;

use super::At::{Both, Info};
use super::order::lapses;
use super::pay::{phone, street, zip};
use super::{Row, empty, no};
use crate::sim::yahoo::kind::Kind;
use crate::sim::yahoo::plan::Step;
use crate::sim::yahoo::view::{Val, View, code, date, text};

pub(super) static ROWS: &[Row] = &[
    ("ShipStatus", Both, |v| code(v.plan.ship_status(v.now))),
    ("ShipMethod", Both, |v| code(v.ship_method().0)),
    ("ShipMethodName", Both, |v| text(v.ship_method().1)),
    ("ShipRequestDate", Both, |v| {
        if wished(v) { Val::Date(v.plan.placed + Duration::from_hours(120)) } else { Val::Empty }
    }),
    ("ShipRequestTime", Both, |v| {
        if !wished(v) {
            return Val::Empty;
        }
        text(*v.dice(30).pick(&[
            "14:00～16:00",
            "12:00～14:00",
            "19:00～21:00",
            "午前中",
            "08:00～12:00",
            "",
        ]))
    }),
    ("ShipRequestTimeZoneCode", Info, empty),
    ("ShipNotes", Both, |v| {
        if v.staff_shipped() && v.dice(31).one_in(9) { text("割れ物") } else { Val::Empty }
    }),
    ("ShipCompanyCode", Both, |v| {
        if v.staff_shipped() || v.dice(32).one_in(2) { code(v.ship_method().2) } else { Val::Empty }
    }),
    ("ShipInvoiceNumber1", Both, |v| slip(v, 0)),
    ("ShipInvoiceNumber2", Both, |v| slip(v, 1)),
    ("ShipInvoiceNumberEmptyReason", Both, |v| v.staff_reason().map_or(Val::Empty, code)),
    ("ShipUrl", Both, |v| {
        let slip = v.staff_slips().into_iter().next();
        slip.map_or(Val::Empty, |slip| text(format!("https://tracking.example.jp/?no={slip}&lang=ja")))
    }),
    ("ArriveType", Both, |v| code(*v.dice(33).pick(&["0", "0", "0", "0", "2", "1"]))),
    ("ShipDate", Both, |v| if v.staff_shipped() { date(v.past(Step::Shipped)) } else { Val::Empty }),
    ("ArrivalDate", Both, |v| date(v.past(Step::Arrived))),
    ("NeedGiftWrap", Both, |v| Val::Bool(v.content().gift_wrap.is_some())),
    ("GiftWrapCode", Info, |v| if v.content().gift_wrap.is_some() { code("1") } else { Val::Empty }),
    ("GiftWrapType", Info, |v| wrap(v, "紺色包装紙")),
    ("GiftWrapMessage", Info, |v| {
        if v.blank { Val::Empty } else { wrap(v, "お誕生日おめでとう！\nまた会いましょう") }
    }),
    ("NeedGiftWrapMessage", Both, |v| Val::Bool(v.content().gift_wrap.is_some())),
    ("NeedGiftWrapPaper", Both, |v| Val::Bool(noshi(v))),
    ("GiftWrapPaperType", Info, |v| if noshi(v) { text("内祝い") } else { Val::Empty }),
    ("GiftWrapName", Info, |v| if noshi(v) { v.buyer(|p| p.family.to_owned()) } else { Val::Empty }),
    ("Option1Field", Info, |v| if free_field(v) { text("領収書の宛名") } else { Val::Empty }),
    ("Option1Type", Info, |v| if free_field(v) { code("1") } else { Val::Empty }),
    ("Option1Value", Info, |v| if free_field(v) { text("株式会社見本") } else { Val::Empty }),
    ("Option2Field", Info, empty),
    ("Option2Type", Info, empty),
    ("Option2Value", Info, empty),
    ("ShipLastName", Both, |v| v.recipient(|p| p.family.to_owned())),
    ("ShipFirstName", Both, |v| v.recipient(|p| p.given.to_owned())),
    ("ShipLastNameKana", Both, |v| v.recipient(|p| p.family_kana.to_owned())),
    ("ShipFirstNameKana", Both, |v| v.recipient(|p| p.given_kana.to_owned())),
    ("ShipZipCode", Info, |v| v.recipient(|p| zip(v, p))),
    ("ShipPrefecture", Both, |v| v.recipient(|p| p.prefecture.to_owned())),
    ("ShipPrefectureKana", Info, empty),
    ("ShipCity", Info, |v| v.recipient(|p| p.city.to_owned())),
    ("ShipCityKana", Info, empty),
    ("ShipAddress1", Info, |v| v.recipient(|p| street(p).0)),
    ("ShipAddress1Kana", Info, empty),
    ("ShipAddress2", Info, |v| v.recipient(|p| street(p).1)),
    ("ShipAddress2Kana", Info, empty),
    ("ShipPhoneNumber", Info, |v| v.recipient(phone)),
    ("ShipEmgPhoneNumber", Info, empty),
    ("ShipSection1Field", Info, empty),
    ("ShipSection1Value", Info, empty),
    ("ShipSection2Field", Info, empty),
    ("ShipSection2Value", Info, empty),
    ("ReceiveSatelliteType", Both, |v| if pick_up(v) { code("3") } else { code("0") }),
    ("ReceiveSatelliteSettleMethod", Info, empty),
    ("ReceiveSatelliteMethod", Info, empty),
    ("ReceiveSatelliteCompanyName", Info, |v| if pick_up(v) { text("見本ストア") } else { Val::Empty }),
    ("ReceiveSatelliteShopCode", Info, |v| if pick_up(v) { code("000123") } else { Val::Empty }),
    ("ReceiveSatelliteShopName", Info, |v| if pick_up(v) { text("見本駅前店") } else { Val::Empty }),
    ("ReceiveSatelliteShipKind", Info, empty),
    ("ReceiveSatelliteYahooCode", Info, |v| if pick_up(v) { code("0042") } else { Val::Empty }),
    ("ReceiveSatelliteCertificationNumber", Info, empty),
    ("CollectionDate", Info, empty),
    (
        "CashOnDeliveryTax",
        Info,
        |v| {
            if v.plan.kind == Kind::CashOnDelivery { Val::Num(30) } else { Val::Empty }
        },
    ),
    ("NumberUnitsShipped", Info, |_| Val::Num(1)),
    ("ShipInstructType", Both, |_| code("0")),
    ("ShipInstructStatus", Both, |_| code("0")),
    ("ReceiveShopCode", Both, empty),
    ("ReceiveShopType", Both, empty),
    ("ReceiveShopName", Both, empty),
    ("ExcellentDelivery", Both, |v| code(*v.dice(34).pick(&["0", "0", "1", "2"]))),
    ("IsEazy", Both, |v| Val::Bool(v.dice(35).one_in(9))),
    ("EazyDeliveryCode", Both, |v| if v.dice(35).one_in(9) { code("1") } else { code("0") }),
    ("EazyDeliveryName", Both, |v| if v.dice(35).one_in(9) { text("玄関ドア前") } else { Val::Empty }),
    ("IsMallContactlessDelivery", Info, no),
    ("MallContactlessDeliveryStatus", Info, empty),
    ("IsSubscription", Both, |v| if subscription(v) { Val::Bool(true) } else { Val::Empty }),
    // The first one comes minutes after the order (§3).
    ("SubscriptionId", Both, |v| {
        if !subscription(v) || v.plan.open(Step::Subscribed, v.now) {
            return Val::Empty;
        }
        let day = v.plan.placed.jst_date().format("%Y%m%d");
        code(format!("teiki-{day}-{}-{:08x}", v.shop.seller_id, v.plan.index))
    }),
    ("SubscriptionContinueCount", Both, |v| match v.plan.kind {
        Kind::Subscription if v.plan.other_look => Val::Num(1),
        Kind::Subscription => Val::Num(i64::try_from(v.dice(36).between(2, 9)).unwrap_or(2)),
        _ => Val::Empty,
    }),
    ("SubscriptionCycleType", Info, |v| if subscription(v) { code("1") } else { Val::Empty }),
    ("SubscriptionCycleDate", Info, |v| if subscription(v) { code("1") } else { Val::Empty }),
    ("IsLineGiftShippable", Both, |v| {
        if v.plan.line() { Val::Bool(v.plan.address_known(v.now)) } else { Val::Empty }
    }),
    ("ShippingDeadline", Both, |v| if v.plan.line() { Val::Time(lapses(v)) } else { Val::Empty }),
    ("UseGiftCardData", Info, empty),
    ("DeliveryStatus", Info, empty),
    ("YamatoInputDate", Info, empty),
    ("SagawaInputDate", Info, empty),
    ("JapanPostInputDate", Info, empty),
    ("FirstArrivalDateTime", Info, empty),
    ("DeliveryDate", Info, empty),
    ("DeliveryTimeZone", Info, empty),
    ("ShipCompanyMethodCode", Info, empty),
    ("ShipCompanyReceivedDatetime", Info, empty),
    ("ShipContactlessDeliveryCode", Info, empty),
    ("RemoteAreaShippingType", Info, |v| {
        let remote = v.plan.kind == Kind::RemoteFee;
        code(if remote && v.plan.open(Step::FeeFixed, v.now) {
            "2"
        } else if remote {
            "1"
        } else {
            "0"
        })
    }),
];

fn wished(v: &View<'_>) -> bool {
    v.dice(37).one_in(4)
}

fn slip(v: &View<'_>, which: usize) -> Val {
    v.staff_slips().into_iter().nth(which).map_or(Val::Empty, code)
}

fn wrap(v: &View<'_>, words: &'static str) -> Val {
    if v.content().gift_wrap.is_some() { text(words) } else { Val::Empty }
}

fn noshi(v: &View<'_>) -> bool {
    v.content().gift_wrap.is_some() && v.dice(38).one_in(2)
}

fn free_field(v: &View<'_>) -> bool {
    !v.blank && v.dice(39).one_in(20)
}

fn pick_up(v: &View<'_>) -> bool {
    v.plan.kind == Kind::Plain && v.dice(40).one_in(25)
}

fn subscription(v: &View<'_>) -> bool {
    v.plan.kind == Kind::Subscription
}
