//! An order as `getOrder` shows it (rakuten-rms.md §5.2), newest edition.

use std::time::Duration;

use serde_json::{Value, json};

use super::content::{Amounts, Content, Line, TaxRow, UNFIXED};
use super::models::{address, gift_pending, join, put, rate, sender, store, wrapping};
use super::plan::{Kind, Plan};
use super::rows::{Row, staff_rows};
use super::shop::Shop;
use crate::clock::Timestamp;

/// `2017-10-14T00:00:00+0900`, the one datetime form (§3.2).
pub(crate) fn datetime(at: Timestamp) -> String {
    at.jst().format("%Y-%m-%dT%H:%M:%S%z").to_string()
}

fn date(at: Timestamp) -> String {
    at.jst_date().format("%Y-%m-%d").to_string()
}

/// The parts of one order that rendering needs.
pub(crate) struct View<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) plan: &'a Plan,
    pub(crate) content: &'a Content,
    pub(crate) now: Timestamp,
    /// The shipping rows, where calls wrote some.
    pub(crate) rows: Option<&'a [Row]>,
}

impl View<'_> {
    fn past(&self, event: Option<Timestamp>) -> Option<Timestamp> {
        event.filter(|at| *at <= self.now)
    }

    fn stamp(&self, event: Option<Timestamp>) -> Value {
        self.past(event).map_or(Value::Null, |at| Value::String(datetime(at)))
    }

    /// The whole order, edition 10.
    pub(crate) fn order(&self) -> Value {
        let (plan, content) = (self.plan, self.content);
        let amounts = content.amounts(plan, self.now);
        let mut dice = content.dice;
        let gift = plan.kind == Kind::SocialGift;
        let (order_type, reserve) = match plan.kind {
            Kind::Subscription => (*dice.pick(&[4, 5]), dice.between(2, 9)),
            Kind::Reservation => (6, 1),
            _ => (1, 0),
        };
        let reserve_number = (reserve > 0)
            .then(|| format!("{}-{}-{:010}-r", self.shop.id, date(plan.placed).replace('-', ""), plan.index));
        let caution = if plan.kind == Kind::PrepaidUnpaid { 1 } else { 0 };
        let wished = dice.one_in(5);
        let substatus = dice.one_in(8) && plan.progress(self.now) == 300;
        let receipts = dice.one_in(20);
        let asuraku = i32::from(dice.one_in(12));
        let mut order = json!({
            "orderNumber": self.shop.number(plan.index, plan.placed),
            "orderProgress": plan.progress(self.now),
            "subStatusId": substatus.then_some(15_822),
            "subStatusName": substatus.then_some("01.梱包待ち"),
            "orderDatetime": datetime(plan.placed),
            "shopOrderCfmDatetime": self.stamp(plan.confirmed),
            "orderFixDatetime": self.stamp(plan.instructed),
            "shippingInstDatetime": self.stamp(plan.instructed),
            "shippingCmplRptDatetime": self.stamp(plan.shipped),
            "cancelDueDate": null,
            "deliveryDate": wished.then(|| date(plan.placed + Duration::from_hours(120))),
            "shippingTerm": if wished { json!(*dice.pick(&[0, 1, 2, 9, 1416, 1921])) } else { json!(*dice.pick(&[Some(0), None])) },
            "remarks": if dice.one_in(6) { "[配送日時指定:]\n\n[備考:]\n玄関前に置いてください。" } else { "[配送日時指定:]\n\n[備考:]\n" },
            "giftCheckFlag": i32::from(gift),
            "socialGiftFlag": i32::from(gift),
            "severalSenderFlag": i32::from(content.several),
            "equalSenderFlag": i32::from(content.same_recipient),
            "isolatedIslandFlag": i32::from(content.packages.iter().any(|p| !p.removed && p.recipient.island)),
            "rakutenMemberFlag": 1,
            "carrierCode": *dice.pick(&[0, 11, 12, 21]),
            "emailCarrierCode": 0,
            "orderType": order_type,
            "reserveNumber": reserve_number,
            "reserveDeliveryCount": (reserve > 0).then_some(reserve),
            "cautionDisplayType": caution,
            "cautionDisplayDetailType": (caution == 1).then_some(101),
            "rakutenConfirmFlag": i32::from(plan.under_check(self.now)),
        });
        let money = json!({
            "goodsPrice": amounts.goods,
            "goodsTax": 0,
            "postagePrice": amounts.postage,
            "deliveryPrice": amounts.cash_fee,
            "paymentCharge": content.payment_charge,
            "paymentChargeTaxRate": 0.1,
            "totalPrice": amounts.total,
            "requestPrice": amounts.request,
            "couponAllTotalPrice": content.shop_coupon + content.mall_coupon,
            "couponShopPrice": content.shop_coupon,
            "couponOtherPrice": content.mall_coupon,
            "additionalFeeOccurAmountToUser": content.extra_fee,
            "additionalFeeOccurAmountToShop": 0,
            "asurakuFlag": asuraku,
            "drugFlag": 0,
            "dealFlag": i32::from(dice.one_in(30)),
            "membershipType": 0,
            "memo": dice.one_in(20).then_some("見本メモ"),
            "operator": null,
            "mailPlugSentence": null,
            "modifyFlag": i32::from(plan.changed(self.now)),
            "isTaxRecalc": 1,
            "receiptIssueCount": i32::from(receipts),
            "receiptIssueHistoryList": if receipts { json!([datetime(plan.placed)]) } else { json!([]) },
            "deliveryCertPrgFlag": asuraku,
            "oneDayOperationFlag": i32::from(dice.one_in(10)),
        });
        join(&mut order, money);
        let summary = |row: &TaxRow| {
            json!({
                "taxRate": rate(row.rate), "reqPrice": row.request, "reqPriceTax": row.tax, "totalPrice": row.total,
                "paymentCharge": row.charge, "couponPrice": row.coupon, "point": 0,
            })
        };
        let packages = (0..content.packages.len()).map(|k| self.package(k, &amounts)).collect();
        put(
            &mut order,
            [
                ("OrdererModel", self.orderer()),
                ("SettlementModel", self.settlement()),
                ("DeliveryModel", json!({ "deliveryName": "宅配便", "deliveryClass": null })),
                ("PointModel", json!({ "usedPoint": content.points })),
                ("WrappingModel1", wrapping(1, "和紙（桜）", content.wrappings[0], false)),
                ("WrappingModel2", wrapping(2, "リボン", content.wrappings[1], content.wrapping_removed)),
                ("PackageModelList", Value::Array(packages)),
                ("CouponModelList", self.coupons()),
                ("ChangeReasonModelList", self.changes()),
                ("TaxSummaryModelList", amounts.taxes.iter().map(summary).collect()),
                ("DueDateModelList", self.due_dates()),
            ],
        );
        if plan.kind == Kind::NewMembers {
            let future = json!({ "futureList": [1, 2, { "name": "未知" }], "futureFlag": null });
            put(&mut order, [("ecoPackagingFlag", json!(1)), ("FutureModel", future)]);
        }
        order
    }

    fn orderer(&self) -> Value {
        let person = &self.content.orderer;
        let mut model = address(person);
        let (year, month, day) = person.born;
        model.insert(
            "emailAddress".into(),
            json!(format!("{:032x}s1@pc.fw.rakuten.ne.jp.example.jp", self.plan.index)),
        );
        model.insert("sex".into(), json!(if year.is_multiple_of(2) { "男" } else { "女" }));
        model.insert("birthYear".into(), json!(year));
        model.insert("birthMonth".into(), json!(month));
        model.insert("birthDay".into(), json!(day));
        Value::Object(model)
    }

    fn settlement(&self) -> Value {
        let (code, name) = self.content.method;
        let card = code == 1;
        json!({
            "settlementMethodCode": code,
            "settlementMethod": name,
            "rpaySettlementFlag": i32::from(code != 2),
            "cardName": card.then_some("VISA"),
            "cardNumber": card.then_some("XXXX-XXXX-XXXX-0000"),
            "cardOwner": card.then_some("TARO MIHON"),
            "cardYm": card.then_some("2029-11"),
            "cardPayType": card.then_some(0),
            "cardInstallmentDesc": null,
        })
    }

    fn package(&self, k: usize, amounts: &Amounts) -> Value {
        let package = &self.content.packages[k];
        let unfixed = self.plan.unfixed(self.now);
        let goods = self.content.package_goods(k, self.plan.changed(self.now));
        let postage = if unfixed { UNFIXED } else { package.postage };
        let waiting = self.plan.gift_open(self.now);
        let id = self.shop.basket_id(self.plan.index, k);
        let mut model = json!({
            "basketId": id,
            "postagePrice": postage,
            "postageTaxRate": 0.1,
            "deliveryPrice": package.cash_fee,
            "deliveryTaxRate": 0.1,
            "goodsTax": 0,
            "goodsPrice": goods,
            "totalPrice": if amounts.total == UNFIXED { UNFIXED } else { goods + package.postage },
            "noshi": package.noshi,
            "packageDeleteFlag": i32::from(package.removed),
            "defaultDeliveryCompanyCode": if self.plan.kind == Kind::CvsPickup { "1003" } else { "1001" },
            "dropOffFlag": i32::from(id.is_multiple_of(9)),
            "dropOffLocation": id.is_multiple_of(9).then_some("宅配ボックス"),
        });
        let items = package.lines.iter().enumerate().map(|(n, line)| self.item(k, n, line)).collect();
        let pickup = self.plan.kind == Kind::CvsPickup;
        let gift = self.plan.gift_entered.map(|at| {
            json!({
                "sgMngNumber": format!("{}-{}-{:010}-sg", self.shop.id, date(self.plan.placed).replace('-', ""), self.plan.index),
                "inputDueDate": date(self.plan.placed + Duration::from_hours(168)),
                "inputFlag": i32::from(!waiting),
                "inputCompDatetime": self.stamp(Some(at)),
                "receiverEmailAddress": (!waiting).then_some("receiver@example.jp"),
            })
        });
        put(
            &mut model,
            [
                ("SenderModel", if waiting { gift_pending() } else { sender(&package.recipient) }),
                ("ItemModelList", Value::Array(items)),
                ("ShippingModelList", self.shipping(k)),
                ("DeliveryCvsModel", if pickup { store() } else { Value::Null }),
                ("SocialGiftModel", gift.unwrap_or(Value::Null)),
            ],
        );
        model
    }

    fn item(&self, k: usize, n: usize, line: &Line) -> Value {
        let goods = line.goods;
        let (variant, own, info) = goods.variants[line.variant];
        let migrated = self.plan.index % 40 != 7;
        json!({
            "itemDetailId": self.shop.basket_id(self.plan.index, k) * 10 + n as u64,
            "itemName": goods.name,
            "itemId": 10_000_001 + n as u64,
            "itemNumber": goods.number,
            "manageNumber": goods.manage,
            "price": goods.price,
            "units": line.units(self.plan.changed(self.now)),
            "includePostageFlag": 0,
            "includeTaxFlag": i32::from(!goods.tax_excluded),
            "includeCashOnDeliveryPostageFlag": 0,
            "selectedChoice": goods.choice,
            "pointRate": 1,
            "pointType": 0,
            "inventoryType": if goods.variants.len() > 1 { 2 } else { 1 },
            "delvdateInfo": "1～2日以内に発送予定",
            "restoreInventoryFlag": 0,
            "dealFlag": 0,
            "drugFlag": 0,
            "deleteItemFlag": i32::from(line.removed),
            "taxRate": rate(goods.rate_percent),
            "priceTaxIncl": goods.price_with_tax(),
            "isSingleItemShipping": 0,
            // Orders placed before a shop's migration have an empty variant id.
            "SkuModelList": [{
                "variantId": if migrated { variant } else { "" },
                "merchantDefinedSkuId": own.filter(|_| migrated),
                "skuInfo": info.filter(|_| migrated),
            }],
        })
    }

    fn shipping(&self, k: usize) -> Value {
        let planned;
        let rows = match self.rows {
            Some(rows) => rows,
            None => {
                planned = staff_rows(self.shop, self.plan, self.content, self.now);
                &planned
            }
        };
        let shown: Vec<Value> = rows.iter().filter(|row| row.parcel == k).map(Row::model).collect();
        if shown.is_empty() && self.plan.index.is_multiple_of(3) { Value::Null } else { Value::Array(shown) }
    }

    fn coupons(&self) -> Value {
        let coupon = |code: &str, name: &str, (capital, capital_code): (&str, i32), price: i64, item: u64| {
            json!({
                "couponCode": code, "itemId": if item == 0 { 0 } else { 10_000_001 }, "couponName": name,
                "couponSummary": format!("定額割引 {price}円"), "couponCapital": capital, "couponCapitalCode": capital_code,
                "expiryDate": date(self.plan.placed + Duration::from_hours(720)), "couponPrice": price, "couponUnit": 1,
                "couponTotalPrice": price, "itemDetailId": item,
            })
        };
        let mut list = Vec::new();
        if self.content.shop_coupon > 0 {
            list.push(coupon(
                "AAAA-BBBB-CCCC-0001",
                "300円引きクーポン",
                ("ショップ", 1),
                self.content.shop_coupon,
                0,
            ));
        }
        if self.content.mall_coupon > 0 {
            let item = self.shop.basket_id(self.plan.index, 0) * 10;
            list.push(coupon(
                "AAAA-BBBB-CCCC-0002",
                "見本クーポン",
                ("サービス", 3),
                self.content.mall_coupon,
                item,
            ));
        }
        if list.is_empty() && self.plan.index.is_multiple_of(2) { Value::Null } else { Value::Array(list) }
    }

    fn changes(&self) -> Value {
        let plan = self.plan;
        let mut list = Vec::new();
        let mut entry = |kind: i32,
                         detail: Option<i32>,
                         reason: Option<(i32, i32)>,
                         at: Timestamp,
                         done: Option<Timestamp>| {
            let id = 732_000_000 + plan.index * 10 + list.len() as u64;
            list.push(json!({
                "changeId": id, "changeType": kind, "changeTypeDetail": detail,
                "changeReason": reason.map(|(who, _)| who), "changeReasonDetail": reason.map(|(_, why)| why),
                "changeApplyDatetime": datetime(at), "changeFixDatetime": self.stamp(done), "changeCmplDatetime": self.stamp(done),
            }));
        };
        if let Some(at) = self.past(plan.confirmed) {
            entry(8, None, None, at, Some(at));
        }
        if let Some((from, to)) = plan.change.filter(|(from, _)| *from <= self.now) {
            entry(4, Some(0), Some((1, 6)), from, Some(to));
            if let Some(at) = self.past(Some(to)) {
                entry(6, Some(0), Some((1, 6)), at, Some(at));
            }
        }
        let reason = match plan.kind {
            Kind::PrepaidUnpaid => (1, 4),
            Kind::CancelAfter => (1, 2),
            _ if plan.index.is_multiple_of(2) => (0, 8),
            _ => (1, 1),
        };
        if let Some(asked) = self.past(plan.cancel_asked) {
            entry(0, None, Some(reason), asked, plan.canceled);
            if let Some(at) = self.past(plan.cancel_withdrawn) {
                entry(3, None, Some(reason), at, Some(at));
            }
            if let Some(at) = self.past(plan.canceled) {
                entry(2, None, Some(reason), at, Some(at));
            }
        }
        Value::Array(list)
    }

    fn due_dates(&self) -> Value {
        let prepaid = matches!(self.plan.kind, Kind::Prepaid | Kind::PrepaidUnpaid);
        match self.past(self.plan.confirmed).filter(|_| prepaid) {
            Some(at) => json!([
                { "dueDateType": 0, "dueDate": date(at + Duration::from_hours(24 * 7)) },
                { "dueDateType": 1, "dueDate": date(at + Duration::from_hours(24 * 14)) },
            ]),
            None => json!([]),
        }
    }
}
