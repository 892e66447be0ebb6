//! The parts of an order: people, goods, money of a line, packages (amazon-sp-api.md §8.4, §11.3, §11.5).

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Shop;
use super::content::{Line, Tax};
use super::plan::{Kind, Plan};
use super::render::View;
use super::sent::{self, Sent};
use crate::sim::people::Person;

fn name(person: &Person) -> String {
    format!("{} {}", person.family, person.given)
}

/// `buyer`, as far as status and roles allow; `None` where nothing is left of it.
pub(super) fn buyer(view: &View<'_>, open: bool) -> Option<Value> {
    if !open {
        return None;
    }
    let (plan, person) = (view.plan, &view.content.buyer);
    let mut buyer = Map::new();
    let mut put = |member: &str, text: String| {
        buyer.insert(member.to_owned(), json!(text));
    };
    if plan.kind == Kind::Business {
        put("buyerCompanyName", format!("株式会社{}商事", person.family));
        put("buyerPurchaseOrderNumber", format!("PO-{:06}", plan.index));
    }
    if view.roles.personal_data {
        put("buyerEmail", format!("mihon{:015}@marketplace.amazon.co.jp.example.jp", plan.index));
        if view.roles.buyer_name && plan.index % 12 != 7 {
            put("buyerName", name(person));
        }
    }
    (!buyer.is_empty()).then_some(Value::Object(buyer))
}

/// `recipient`, as far as status, roles and who ships allow.
pub(super) fn recipient(view: &View<'_>, open: bool) -> Option<Value> {
    let plan = view.plan;
    let person = &view.content.recipient;
    let partial = plan.kind == Kind::Amazon && view.past(plan.left[0]).is_some();
    if !open && !partial {
        return None;
    }
    let mut address = Map::new();
    let mut put = |member: &str, text: String| {
        address.insert(member.to_owned(), json!(text));
    };
    put("stateOrRegion", person.prefecture.to_owned());
    put("countryCode", "JP".to_owned());
    let hyphen = if plan.index % 10 == 3 { "" } else { "-" };
    let zip = format!("{}{hyphen}{}", person.zip.0, person.zip.1);
    if !open {
        if view.roles.personal_data {
            put("postalCode", zip);
        }
        return Some(json!({ "deliveryAddress": address }));
    }
    // Sometimes the municipality stands alone, sometimes at the head of the first line, sometimes in both.
    let style = plan.index % 5;
    if style <= 1 {
        put("city", person.city.to_owned());
    }
    if !view.roles.personal_data {
        return Some(json!({ "deliveryAddress": address }));
    }
    let (street, building) = person.street.split_once(' ').unwrap_or((&person.street, ""));
    let street = if plan.index % 13 == 4 { full_width(street) } else { street.to_owned() };
    put("addressLine1", if style == 0 { street } else { format!("{}{street}", person.city) });
    let pickup = plan.kind == Kind::PickupPoint;
    if pickup {
        put("addressLine2", format!("見本マート{}店（店頭受取）", person.city));
    } else if !building.is_empty() || plan.index.is_multiple_of(2) {
        put("addressLine2", building.to_owned());
    }
    put("postalCode", zip);
    put("name", name(person));
    let kind = match plan.kind {
        Kind::PickupPoint => "PICKUP_POINT",
        Kind::Business => "COMMERCIAL",
        _ => "RESIDENTIAL",
    };
    if plan.kind == Kind::Business {
        let company = format!("株式会社{}商事", person.family);
        put("addressLine3", company.clone());
        put("companyName", company);
    }
    put("addressType", kind.to_owned());
    if !pickup && !view.delivered_long_ago() {
        let (a, b, c) = &person.phone;
        put("phone", format!("{a}-{b}-{c}"));
    }
    let mut recipient = json!({ "deliveryAddress": address });
    if plan.index % 8 == 1 {
        recipient["deliveryPreference"] = json!({ "addressInstruction": "宅配ボックスへお願いします" });
    }
    Some(recipient)
}

fn full_width(text: &str) -> String {
    let wide = |c: char| match c {
        '0'..='9' => char::from_u32(c as u32 + 0xFEE0).unwrap_or(c),
        '-' => '－',
        c => c,
    };
    text.chars().map(wide).collect()
}

/// `product` of a line.
pub(super) fn product(view: &View<'_>, line: &Line, priced: bool) -> Value {
    let goods = line.goods;
    let (variant, own, shown) = goods.variants[line.variant];
    let title = shown
        .map_or_else(|| goods.name.to_owned(), |text| format!("{} {}", goods.name, text.replace('\n', " ")));
    let mut product = json!({
        "asin": asin(variant),
        "title": title,
        "sellerSku": own.unwrap_or(goods.number),
    });
    // Amazon shows these only together with other data (§8.3).
    if view.included.any {
        product["condition"] =
            json!({ "conditionType": "NEW", "conditionSubtype": "NEW", "conditionNote": "" });
        if priced {
            product["price"] = json!({ "unitPrice": view.money(line.unit_price) });
            if view.plan.kind == Kind::Business {
                product["price"]["priceDesignation"] = json!("BUSINESS_PRICE");
            }
        }
        if view.plan.kind == Kind::Customized && view.roles.personal_data {
            let url = format!("https://custom.example.jp/{}.zip", view.plan.index);
            product["customization"] = json!({ "customizedUrl": url });
        }
    }
    product
}

/// Ten characters from a variant id.
fn asin(variant: &str) -> String {
    let folded = variant.bytes().fold(0_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 10_000_000);
    format!("B0S{folded:07}")
}

/// `proceeds` of a line.
pub(super) fn item_proceeds(view: &View<'_>, line: &Line) -> Value {
    let content = view.content;
    let row = |kind: &str, amount: i64| json!({ "type": kind, "subtotal": view.money(amount) });
    let detail = |kind: &str, amount: i64| json!({ "subtype": kind, "value": view.money(amount) });
    let mut rows = vec![row("ITEM", line.goods_total())];
    for (kind, amount) in
        [("SHIPPING", line.shipping), ("GIFT_WRAP", line.gift_wrap), ("COD_FEE", line.cod_fee)]
    {
        if amount > 0 {
            rows.push(row(kind, amount));
        }
    }
    if content.tax != Tax::None {
        let mut tax = row("TAX", line.tax);
        tax["detailedBreakdowns"] = json!([detail("ITEM", line.tax)]);
        rows.push(tax);
    }
    if line.discount() > 0 {
        let sign = if content.negative_discounts { -1 } else { 1 };
        let mut discount = row("DISCOUNT", sign * line.discount());
        let details = ["ITEM", "SHIPPING", "COD_FEE"].into_iter().zip(line.discounts);
        discount["detailedBreakdowns"] = details
            .filter(|(_, amount)| *amount > 0)
            .map(|(kind, amount)| detail(kind, sign * amount))
            .collect();
        rows.push(discount);
    }
    json!({ "proceedsTotal": view.money(content.line_total(line)), "breakdowns": rows })
}

const CARRIERS: [(&str, &str); 4] = [
    ("Yamato Transport", "宅急便"),
    ("Sagawa Express", "飛脚宅配便"),
    ("Japan Post", "ゆうパック"),
    ("YAMATO", "ネコポス"),
];

/// `packages` of an order that the merchant ships, once there are any.
pub(super) fn packages(view: &View<'_>) -> Option<Value> {
    let (plan, shop) = (view.plan, view.shop);
    if plan.kind.by_amazon() {
        return None;
    }
    let carrier = CARRIERS[usize::try_from(plan.index % 4).unwrap_or(0)];
    let status = if view.past(plan.delivered).is_some() {
        if plan.index % 50 == 11 { "UNDELIVERABLE" } else { "DELIVERED" }
    } else if plan.index.is_multiple_of(2) {
        "SHIPPED"
    } else {
        "IN_TRANSIT"
    };
    let staff = sent::staff_left(plan, &view.sent, view.at).into_iter();
    let left = staff.filter_map(|k| Some((k, view.past(plan.left[k])?)));
    let mut packages: Vec<Value> = left
        .map(|(k, at)| {
            let units = |n: usize| sent::staff_units(plan, view.content, &view.sent, k, n);
            let items: Vec<Value> = (0..view.content.lines.len())
                .filter(|&n| units(n) > 0)
                .map(|n| json!({ "orderItemId": shop.item_id(plan.index, n), "quantity": units(n) }))
                .collect();
            let taken = |own: &u64| view.sent.iter().any(|sent| sent.package.reference == *own);
            let id = sent::staff_reference(plan, k)
                .filter(|own| !taken(own))
                .map_or_else(|| format!("PKG-{}", k + 1), |reference| reference.to_string());
            let mut package = json!({
                "packageReferenceId": id,
                "createdTime": view.stamp(at - Duration::from_secs(2)),
                "packageStatus": { "status": status },
                "carrier": carrier.0,
                "shipTime": view.stamp(at),
                "shippingService": carrier.1,
                "packageItems": items,
            });
            if let Some(number) = tracking_number(shop, plan, k) {
                package["trackingNumber"] = json!(number);
            }
            package
        })
        .collect();
    packages.extend(view.sent.iter().map(|sent| told(view, sent, status)));
    (!packages.is_empty()).then_some(Value::Array(packages))
}

/// A package that a call told of.
fn told(view: &View<'_>, sent: &Sent, status: &str) -> Value {
    let Sent { created, package, .. } = sent;
    let items: Vec<Value> = package
        .pieces
        .iter()
        .map(|piece| {
            let id = view.shop.item_id(view.plan.index, piece.line);
            let mut item = json!({ "orderItemId": id, "quantity": piece.quantity });
            if !piece.transparency_codes.is_empty() {
                item["transparencyCodes"] = json!(piece.transparency_codes);
            }
            item
        })
        .collect();
    let mut shown = json!({
        "packageReferenceId": package.reference.to_string(),
        "createdTime": view.stamp(*created),
        "packageStatus": { "status": status },
        "carrier": package.carrier,
        "shipTime": view.stamp(package.ship_time),
        "trackingNumber": package.tracking,
        "packageItems": items,
    });
    if let Some(service) = &package.service {
        shown["shippingService"] = json!(service);
    }
    shown
}

/// The tracking number of package `k`: some go without.
pub(super) fn tracking_number(shop: &Shop, plan: &Plan, k: usize) -> Option<String> {
    (plan.index % 25 != 9).then(|| shop.slip(plan.index, k))
}
