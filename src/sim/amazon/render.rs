//! An order as `searchOrders` and `getOrder` show it (amazon-sp-api.md §8.3 to §8.5).

use std::time::Duration;

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use super::content::{Content, Line};
use super::parts;
use super::plan::{Kind, Plan};
use super::query::Included;
use super::sent::{self, Sent};
use super::shop::{MARKETPLACE, Shop};
use crate::clock::Timestamp;
use crate::sim::dice::Dice;

/// An instant as Amazon writes it: milliseconds mostly, whole seconds at times.
pub(crate) fn datetime(at: Timestamp, whole_seconds: bool) -> String {
    let fraction = at.micros().rem_euclid(1_000_000) != 0;
    let format = if whole_seconds && !fraction { SecondsFormat::Secs } else { SecondsFormat::Millis };
    at.utc().to_rfc3339_opts(format, true)
}

/// What the application may see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roles {
    /// Direct-to-Consumer Delivery (Restricted).
    pub(crate) personal_data: bool,
    /// Tax Invoicing or Tax Remittance (Restricted): the buyer's name.
    pub(crate) buyer_name: bool,
}

/// The parts of one order that rendering needs.
pub(crate) struct View<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) plan: &'a Plan,
    pub(crate) content: &'a Content,
    /// Packages that calls told of.
    pub(crate) sent: Vec<&'a Sent>,
    pub(crate) roles: Roles,
    pub(crate) included: Included,
    /// Changes after it do not show yet.
    pub(crate) at: Timestamp,
}

impl View<'_> {
    pub(crate) fn past(&self, event: Option<Timestamp>) -> Option<Timestamp> {
        event.filter(|event| *event <= self.at)
    }

    pub(crate) fn stamp(&self, at: Timestamp) -> String {
        datetime(at, self.plan.whole_seconds)
    }

    /// An amount: whole yen without a fraction, dollars with one.
    pub(crate) fn money(&self, amount: i64) -> Value {
        let text = if self.content.currency == "JPY" { amount.to_string() } else { format!("{amount}.00") };
        json!({ "amount": text, "currencyCode": self.content.currency })
    }

    /// May its buyer and its address be shown at all: the merchant ships it, and it is paid?
    fn open_to_merchant(&self) -> bool {
        !self.plan.kind.by_amazon()
            && !self.plan.pending(self.at)
            && self.plan.canceled.is_none_or(|canceled| canceled > self.at)
    }

    fn dropped(&self, line: &Line) -> bool {
        line.drops && self.past(self.plan.line_canceled).is_some()
    }

    /// The whole order.
    pub(crate) fn order(&self) -> Value {
        let (plan, content, included) = (self.plan, self.content, self.included);
        let mut dice = content.dice;
        let mut order = Map::new();
        let mut put = |name: &str, value: Value| {
            order.insert(name.to_owned(), value);
        };
        put("orderId", json!(self.shop.number(plan)));
        put("createdTime", json!(self.stamp(plan.placed)));
        put("lastUpdatedTime", json!(self.stamp(plan.last_updated(self.at))));
        put("salesChannel", self.channel(&mut dice));
        if dice.one_in(10) {
            let alias = format!("SHOP-{}-{:06}", plan.placed.jst_date().format("%Y"), plan.index);
            put("orderAliases", json!([{ "aliasId": alias, "aliasType": "SELLER_ORDER_ID" }]));
        }
        if let Some(programs) = self.programs(&mut dice) {
            put("programs", programs);
        }
        if let Some(associated) = self.associated(&mut dice) {
            put("associatedOrders", associated);
        }
        if included.fulfillment {
            put("fulfillment", self.fulfillment());
        }
        if included.buyer
            && let Some(buyer) = parts::buyer(self, self.open_to_merchant())
        {
            put("buyer", buyer);
        }
        if included.recipient
            && let Some(recipient) = parts::recipient(self, self.open_to_merchant())
        {
            put("recipient", recipient);
        }
        let payments = content.payments(plan, self.at);
        if included.payment && !payments.is_empty() {
            let executions: Vec<Value> = payments
                .iter()
                .map(|(method, yen)| json!({ "paymentMethod": method, "paymentAmount": self.money(*yen) }))
                .collect();
            put("payment", json!({ "paymentExecutions": executions }));
        }
        if included.proceeds && content.priced(plan, self.at) {
            put("proceeds", self.proceeds(&mut dice));
        }
        if included.packages
            && let Some(packages) = parts::packages(self)
        {
            put("packages", packages);
        }
        if included.fulfillment_orders && plan.kind == Kind::EasyShip {
            put("fulfillmentOrders", json!([{ "fulfillmentOrderId": format!("FO-{}", plan.index) }]));
        }
        let lines = content.lines.iter().enumerate();
        put("orderItems", Value::Array(lines.map(|(n, line)| self.item(n, line)).collect()));
        if plan.kind == Kind::NewMembers {
            put("futureFlag", Value::Null);
            put("futureModel", json!({ "list": [1, "2", { "name": "未知" }] }));
        }
        Value::Object(order)
    }

    fn channel(&self, dice: &mut Dice) -> Value {
        let mut channel = json!({ "channelName": "AMAZON", "marketplaceId": MARKETPLACE });
        if self.plan.kind == Kind::Unfulfillable {
            channel["channelName"] = json!("NON_AMAZON");
        }
        if !dice.one_in(8) {
            channel["marketplaceName"] = json!("Amazon.co.jp");
        }
        channel
    }

    fn programs(&self, dice: &mut Dice) -> Option<Value> {
        let empty = dice.one_in(6);
        let program = match self.plan.kind {
            Kind::Amazon => "PRIME",
            Kind::Business => "AMAZON_BUSINESS",
            Kind::EasyShip => "AMAZON_EASY_SHIP",
            Kind::ShipPlus => "FBM_SHIP_PLUS",
            Kind::PreOrder => "PREORDER",
            Kind::Scheduled => "PREMIUM",
            Kind::NewMembers => "MIHON_CLUB",
            _ if empty => return Some(json!([])),
            _ => return None,
        };
        Some(json!([program]))
    }

    fn associated(&self, dice: &mut Dice) -> Option<Value> {
        let empty = dice.one_in(6);
        let kind = match self.plan.kind {
            Kind::Replacement => "REPLACEMENT_ORIGINAL_ID",
            Kind::Exchange => "EXCHANGE_ORIGINAL_ID",
            _ if empty => return Some(json!([])),
            _ => return None,
        };
        Some(json!([{ "orderId": self.shop.origin(self.plan), "associationType": kind }]))
    }

    fn fulfillment(&self) -> Value {
        let plan = self.plan;
        let by_amazon = plan.kind.by_amazon();
        let level = match plan.kind {
            Kind::Scheduled => "SCHEDULED",
            _ if by_amazon => "NEXT_DAY",
            Kind::NewMembers => "DRONE",
            _ if plan.index.is_multiple_of(9) => "EXPEDITED",
            _ => "STANDARD",
        };
        let mut fulfillment = json!({
            "fulfillmentStatus": plan.status(self.at), "fulfillmentServiceLevel": level,
        });
        if let Some(shipper) = plan.shipper() {
            fulfillment["fulfilledBy"] = json!(shipper);
        }
        if self.open_to_merchant() {
            fulfillment["shipByWindow"] = self.window(1, 3);
            if !plan.index.is_multiple_of(4) {
                fulfillment["deliverByWindow"] = self.window(3, 6);
            }
            if plan.kind == Kind::EasyShip {
                fulfillment["labelPrintingWindow"] = json!({ "latestDateTime": self.stamp(self.day_end(2)) });
            }
        }
        fulfillment
    }

    /// The last second of the n-th day in Japan after it was paid.
    fn day_end(&self, days: u64) -> Timestamp {
        let paid = self.plan.paid.unwrap_or(self.plan.placed);
        let lead = if self.plan.kind == Kind::LongLead { 30 } else { 0 };
        Timestamp::jst_midnight(paid.jst_date()) + Duration::from_hours(24 * (days + lead))
            - Duration::from_secs(1)
    }

    /// From the beginning of one day in Japan to the end of another.
    fn window(&self, first: u64, last: u64) -> Value {
        json!({
            "earliestDateTime": self.stamp(self.day_end(first) + Duration::from_secs(1)),
            "latestDateTime": self.stamp(self.day_end(last)),
        })
    }

    /// Is the latest delivery date behind a shipped order? Then its phone is withheld (§8.5).
    pub(crate) fn delivered_long_ago(&self) -> bool {
        self.plan.status(self.at) == "SHIPPED" && self.at > self.day_end(6)
    }

    fn proceeds(&self, dice: &mut Dice) -> Value {
        let dropped = self.past(self.plan.line_canceled).is_some();
        let mut proceeds = json!({ "grandTotal": self.money(self.content.total(dropped)) });
        if dice.one_in(10) {
            let live = || self.content.lines.iter().filter(|line| !self.dropped(line));
            let sum = |part: fn(&Line) -> i64| self.money(live().map(part).sum());
            let mut rows = vec![json!({ "type": "ITEM", "subtotal": sum(Line::goods_total) })];
            if live().any(|line| line.shipping > 0) {
                rows.push(json!({ "type": "SHIPPING", "subtotal": sum(|line| line.shipping) }));
            }
            proceeds["breakdowns"] = Value::Array(rows);
        }
        proceeds
    }

    fn item(&self, n: usize, line: &Line) -> Value {
        let plan = self.plan;
        let (included, dropped) = (self.included, self.dropped(line));
        let canceled = self.past(plan.canceled).is_some();
        let priced = self.content.priced(plan, self.at) && !dropped;
        let ordered = if canceled || dropped { 0 } else { line.units };
        let mut item = json!({
            "orderItemId": self.shop.item_id(plan.index, n),
            "quantityOrdered": ordered,
            "product": parts::product(self, line, priced),
        });
        if plan.kind == Kind::NewMembers {
            item["futureList"] = json!([]);
            item["programs"] = json!(["SUBSCRIBE_AND_SAVE"]);
        }
        if included.proceeds && priced {
            item["proceeds"] = parts::item_proceeds(self, line);
        }
        if included.expense && priced && line.points > 0 {
            item["expense"] = json!({ "pointsCost": { "pointsGranted": {
                "pointsNumber": line.points, "pointsMonetaryValue": self.money(line.points),
            } } });
        }
        if included.promotion && priced && line.discounts[0] + line.discounts[1] > 0 {
            item["promotion"] = json!({ "breakdowns": [{ "promotionId": "JP 見本キャンペーン 2026" }] });
        }
        if included.fulfillment {
            item["fulfillment"] = self.item_fulfillment(n, line, ordered);
        }
        if included.cancellation
            && let Some(cancellation) = self.cancellation(line)
        {
            item["cancellation"] = cancellation;
        }
        if included.tax && priced && self.content.tax != super::content::Tax::None {
            item["tax"] = json!({ "taxCollections": [] });
        }
        item
    }

    fn item_fulfillment(&self, n: usize, line: &Line, ordered: i64) -> Value {
        let plan = self.plan;
        let staff = sent::staff_left(plan, &self.sent, self.at).into_iter();
        let fulfilled = if plan.kind == Kind::Unfulfillable || ordered == 0 {
            0
        } else {
            staff.map(|k| sent::staff_units(plan, self.content, &self.sent, k, n)).sum::<i64>()
                + sent::units(&self.sent, n)
        };
        let mut fulfillment =
            json!({ "quantityFulfilled": fulfilled, "quantityUnfulfilled": ordered - fulfilled });
        let gift = plan.kind == Kind::Gift && n == 0;
        if gift && self.open_to_merchant() {
            // The text is personal data; the wrapping is not (§8.5), but goes with it.
            let mut option =
                json!({ "giftWrapLevel": if line.gift_wrap > 0 { "ギフト包装（有料）" } else { "ギフト" } });
            if !plan.index.is_multiple_of(3) {
                option["giftMessage"] = json!("お誕生日おめでとう！\nいつもありがとう。 見本より");
            }
            if self.roles.personal_data {
                fulfillment["packing"] = json!({ "giftOption": option });
            }
        }
        if self.open_to_merchant() {
            if plan.kind == Kind::Scheduled {
                let from = self.day_end(4) + Duration::from_secs(1) + Duration::from_hours(14);
                fulfillment["shipping"] = json!({ "scheduledDeliveryWindow": {
                    "earliestDateTime": self.stamp(from),
                    "latestDateTime": self.stamp(from + Duration::from_hours(2)),
                } });
            } else if plan.kind == Kind::CashOnDelivery {
                fulfillment["shipping"] = json!({ "shippingConstraints": { "cashOnDelivery": "MANDATORY" } });
            }
        }
        fulfillment
    }

    fn cancellation(&self, line: &Line) -> Option<Value> {
        let mut cancellation = Map::new();
        if self.past(self.plan.cancel_asked).is_some() {
            let request = json!({ "requester": "BUYER", "cancelReason": "注文を間違えた" });
            cancellation.insert("cancellationRequest".to_owned(), request);
        }
        let executed = if self.past(self.plan.canceled).is_some() {
            Some(match self.plan.canceled_by {
                "AMAZON" => ("AMAZON", "PaymentNotReceived"),
                "BUYER" => ("BUYER", "BuyerCanceled"),
                by if self.plan.cancel_asked.is_some() => (by, "BuyerCanceled"),
                by => (by, "NoInventory"),
            })
        } else {
            self.dropped(line).then_some(("MERCHANT", "NoInventory"))
        };
        if let Some((by, reason)) = executed {
            let execution = json!({ "cancelledBy": by, "cancelReason": reason });
            cancellation.insert("cancellationExecution".to_owned(), execution);
        }
        (!cancellation.is_empty()).then_some(Value::Object(cancellation))
    }
}
