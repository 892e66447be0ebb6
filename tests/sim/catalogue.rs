//! Orders made by index: the same whenever asked, any number of them, with amounts that add up.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mallsync::clock::ManualClock;
use mallsync::sim::{Catalogue, Options, World};
use serde_json::{Value, json};

use crate::client::{DAY, Sim, start_time};

fn yen(object: &Value, member: &str) -> i64 {
    object[member].as_i64().unwrap_or_else(|| panic!("{member} of {object}"))
}

fn list<'a>(object: &'a Value, member: &str) -> &'a [Value] {
    object[member].as_array().map_or(&[], Vec::as_slice)
}

/// Those without the flag of a removed one.
fn live<'a>(items: &'a [Value], flag: &str) -> Vec<&'a Value> {
    items.iter().filter(|i| i[flag] == 0).collect()
}

/// Orders of the indices from `from`, through getOrder.
async fn read(sim: &Sim, numbers: &[String]) -> Vec<Value> {
    let mut orders = Vec::new();
    for batch in numbers.chunks(100) {
        let (status, answer) =
            sim.rakuten("getOrder", &json!({ "orderNumberList": batch, "version": 10 })).await;
        assert_eq!(status, 200);
        orders.extend(list(&answer, "OrderModelList").iter().cloned());
    }
    assert_eq!(orders.len(), numbers.len());
    orders
}

/// The identities of rakuten-rms.md §5.3.
fn check_amounts(order: &Value) {
    let number = &order["orderNumber"];
    let wrapping: i64 = ["WrappingModel1", "WrappingModel2"]
        .iter()
        .map(|m| &order[*m])
        .filter(|w| !w.is_null() && w["deleteWrappingFlag"] == 0)
        .map(|w| yen(w, "price"))
        .sum();
    let packages = live(list(order, "PackageModelList"), "packageDeleteFlag");
    let mut goods = wrapping;
    for (k, package) in packages.iter().enumerate() {
        let lines: i64 = live(list(package, "ItemModelList"), "deleteItemFlag")
            .iter()
            .map(|l| yen(l, "priceTaxIncl") * yen(l, "units"))
            .sum();
        goods += lines;
        assert_eq!(yen(package, "goodsPrice"), lines + if k == 0 { wrapping } else { 0 }, "{number}");
    }
    assert_eq!(yen(order, "goodsPrice"), goods, "{number}");
    let coupons: i64 = list(order, "CouponModelList").iter().map(|c| yen(c, "couponTotalPrice")).sum();
    assert_eq!(yen(order, "couponAllTotalPrice"), coupons, "{number}");
    assert_eq!(yen(order, "couponShopPrice") + yen(order, "couponOtherPrice"), coupons, "{number}");
    if yen(order, "requestPrice") == -9_999 {
        assert!(packages.iter().all(|p| yen(p, "postagePrice") == -9_999 && yen(p, "totalPrice") == -9_999));
        assert_eq!(yen(order, "totalPrice"), -9_999);
        return;
    }
    let sum = |member: &str| packages.iter().map(|p| yen(p, member)).sum::<i64>();
    assert_eq!(yen(order, "postagePrice"), sum("postagePrice"), "{number}");
    assert_eq!(yen(order, "deliveryPrice"), sum("deliveryPrice"), "{number}");
    assert_eq!(yen(order, "totalPrice"), sum("totalPrice"), "{number}");
    assert_eq!(yen(order, "totalPrice"), goods + yen(order, "postagePrice"), "{number}");
    let points = yen(&order["PointModel"], "usedPoint");
    let extra = yen(order, "additionalFeeOccurAmountToUser");
    let request =
        yen(order, "totalPrice") + yen(order, "deliveryPrice") + yen(order, "paymentCharge") + extra
            - coupons
            - points;
    assert_eq!(yen(order, "requestPrice"), request, "{number}");
    assert!(request >= 0, "{number}");
    let taxes = list(order, "TaxSummaryModelList");
    let rows = |member: &str| taxes.iter().map(|t| yen(t, member)).sum::<i64>();
    // The deferred-payment fee is not in the summary (§5.2), points are never taken off it (§5.3).
    assert_eq!(rows("reqPrice"), request + points - extra, "{number}");
    assert_eq!(rows("totalPrice"), yen(order, "totalPrice"), "{number}");
    assert_eq!(rows("couponPrice"), coupons, "{number}");
    for row in taxes {
        let percent = if row["taxRate"] == json!(0.08) { 8 } else { 10 };
        assert_eq!(yen(row, "reqPriceTax"), yen(row, "reqPrice") * percent / (100 + percent), "{number}");
        assert!(yen(row, "reqPrice") >= 0, "{number}");
    }
}

#[tokio::test]
async fn amounts_of_5000_orders_add_up_and_match_the_truth() {
    let sim = Sim::with(|o| o.rakuten[0].orders = Catalogue::spread(start_time(), DAY * 25, 5_000)).await;
    let facts: Vec<_> = sim.world.truth("rakuten-main").collect();
    // The one placed at the very end of the span is still to come.
    assert!(facts.len() >= 4_999);
    let numbers: Vec<String> = facts.iter().map(|f| f.order_number.clone()).collect();
    let orders = read(&sim, &numbers).await;
    let mut progress = BTreeSet::new();
    let mut unfixed = 0;
    for (order, fact) in orders.iter().zip(&facts) {
        check_amounts(order);
        progress.insert(yen(order, "orderProgress"));
        unfixed += u32::from(fact.due.is_none());
        assert_eq!(order["orderProgress"].to_string(), fact.status);
        assert_eq!(yen(order, "requestPrice"), fact.due.unwrap_or(-9_999));
        let live = live(list(order, "PackageModelList"), "packageDeleteFlag");
        assert_eq!(live.len(), fact.packages);
        let slips: Vec<String> = live
            .iter()
            .flat_map(|p| list(p, "ShippingModelList"))
            .map(|row| row["shippingNumber"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(slips, fact.slips);
    }
    assert!(unfixed > 0);
    assert!(progress.is_superset(&[100, 200, 300, 400, 500, 600, 700, 800, 900].into()), "{progress:?}");
    let whole = Value::Array(orders).to_string();
    for wanted in [
        "髙見本",
        "﨑",
        "𠮷",
        "入力待ち",
        "FutureModel",
        "\"rakutenConfirmFlag\":1",
        "\"orderType\":6",
        "\"packageDeleteFlag\":1",
        "\"deleteItemFlag\":1",
        "\"deleteWrappingFlag\":1",
        "\"includeTaxFlag\":0",
        "\"dueDateType\":0",
        "\"settlementMethodCode\":8",
        "\"severalSenderFlag\":1",
        "\"modifyFlag\":1",
        "\"orderProgress\":250",
        "\"couponCapitalCode\":3",
        "\"cvsCode\":50",
        "\"variantId\":\"\"",
    ] {
        assert!(whole.contains(wanted), "no order shows {wanted}");
    }
}

#[tokio::test]
async fn an_order_is_the_same_when_asked_twice_and_in_another_world() {
    let (one, two) = (Sim::start().await, Sim::start().await);
    let numbers: Vec<String> = one.world.truth("rakuten-main").take(300).map(|f| f.order_number).collect();
    let first = read(&one, &numbers).await;
    assert_eq!(first, read(&one, &numbers).await);
    assert_eq!(first, read(&two, &numbers).await);
    let other = Sim::with(|o| o.seed = 8).await;
    assert_ne!(first, read(&other, &numbers).await);
}

#[tokio::test]
async fn the_last_of_200000_orders_is_as_near_as_the_first() {
    let total = 200_000;
    let sim = Sim::with(|o| o.rakuten[0].orders = Catalogue::spread(start_time(), DAY * 600, total)).await;
    let orders = sim.world.options().rakuten[0].orders;
    let at = |i: u64| sim.world.truth("rakuten-main").nth(usize::try_from(i).unwrap()).unwrap().order_number;
    let numbers = [at(0), at(99_999), at(199_998)];
    assert_eq!(read(&sim, &numbers).await.len(), 3);
    assert_eq!(orders.placed_by(start_time()), total);
    assert_eq!(orders.placed_between(orders.placed_at(10), orders.placed_at(19)), 10..20);
    assert_eq!(orders.placed_between(start_time(), start_time() - DAY), total..total);
}

#[test]
fn histories_only_go_forward() {
    let clock = ManualClock::new(start_time());
    let mut options = Options::per_day(3, Arc::new(clock.clone()), 30, Duration::ZERO);
    options.oddities = false;
    let world = World::new(options);
    let mut seen: Vec<Vec<String>> = vec![Vec::new(); 60];
    for hour in 0..24 * 40 {
        let now = start_time() + Duration::from_secs(3_600) * hour;
        for fact in world.truth_at("rakuten-main", now).take(60) {
            let states = &mut seen[usize::try_from(fact.index).unwrap()];
            if states.last() != Some(&fact.status) {
                states.push(fact.status);
            }
        }
    }
    // Sampled every hour, a step may skip what lasted less: rakuten-rms.md §8.1.
    let allowed = |from: &str, to: &str| match from {
        "100" => to != "400",
        "200" => matches!(to, "250" | "300" | "400" | "800" | "900"),
        "250" | "300" => matches!(to, "250" | "300" | "400" | "500" | "800" | "900"),
        "400" => matches!(to, "300" | "500"),
        "500" => to == "600",
        "600" => to == "700",
        "700" => matches!(to, "800" | "900"),
        "800" => matches!(to, "100" | "200" | "300" | "900"),
        _ => false,
    };
    let mut ends = BTreeSet::new();
    for states in &seen {
        assert!(states.windows(2).all(|w| allowed(&w[0], &w[1])), "{states:?}");
        ends.insert(states.last().unwrap().as_str());
    }
    assert!(ends.contains("700") && ends.contains("900"), "{ends:?}");
}
