//! amazon-sp-api.md §8.3 to §8.5 and §11: what an order shows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mallsync::sim::Fact;
use serde_json::{Value, json};

use super::*;
use crate::client::start_time;

/// Every place in a value with its type: `order.orderItems[].quantityOrdered` → `number`.
fn places(value: &Value, at: &str, into: &mut BTreeSet<(String, &'static str)>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(list) => {
            for one in list {
                places(one, &format!("{at}[]"), into);
            }
            "array"
        }
        Value::Object(members) => {
            for (name, one) in members {
                places(one, &format!("{at}.{name}"), into);
            }
            "object"
        }
    };
    into.insert((at.to_owned(), kind));
}

#[tokio::test]
async fn orders_have_the_members_of_the_samples() {
    let amazon = Amazon::start().await;
    let (orders, _, _) =
        amazon.pages(&[("createdAfter", "2026-01-01T00:00:00Z"), ("includedData", ALL)]).await;
    let (mut ours, mut theirs) = (BTreeSet::new(), BTreeSet::new());
    for order in orders.values().filter(|order| order.get("futureFlag").is_none()) {
        places(order, "", &mut ours);
    }
    for name in [
        "v2026-searchOrders-page1.json",
        "v2026-searchOrders-page2-last.json",
        "v2026-getOrder-cod-historical.json",
        "v2026-getOrder-partially-shipped.json",
        "v2026-getOrder-pickup-point-cvs-paid.json",
    ] {
        let sample = fixture(name);
        let single = std::slice::from_ref(&sample["order"]);
        let found = if single[0].is_null() { list(&sample, "orders") } else { single };
        found.iter().for_each(|order| places(order, "", &mut theirs));
    }
    let missing: Vec<_> = theirs.difference(&ours).collect();
    assert!(missing.is_empty(), "the samples have, but not we: {missing:?}");
    // What the schema has and no sample shows.
    let beyond: BTreeSet<&str> =
        ours.difference(&theirs).map(|(place, _)| place.trim_start_matches('.')).collect();
    let known = [
        "associatedOrders[]",
        "associatedOrders[].associationType",
        "associatedOrders[].orderId",
        "fulfillment.labelPrintingWindow",
        "fulfillment.labelPrintingWindow.latestDateTime",
        "fulfillmentOrders",
        "fulfillmentOrders[]",
        "fulfillmentOrders[].fulfillmentOrderId",
        "orderItems[].product.customization",
        "orderItems[].product.customization.customizedUrl",
        "orderItems[].product.price.priceDesignation",
        "orderItems[].tax",
        "orderItems[].tax.taxCollections",
        "proceeds.breakdowns",
        "proceeds.breakdowns[]",
        "proceeds.breakdowns[].subtotal",
        "proceeds.breakdowns[].subtotal.amount",
        "proceeds.breakdowns[].subtotal.currencyCode",
        "proceeds.breakdowns[].type",
        "recipient.deliveryAddress.addressLine3",
    ];
    assert_eq!(beyond, known.into_iter().collect());
    // The kinds that the contract names.
    let any = |place: &str, value: Value| orders.values().any(|order| order.pointer(place) == Some(&value));
    for (place, value) in [
        ("/programs/0", json!("PRIME")),
        ("/programs/0", json!("AMAZON_EASY_SHIP")),
        ("/programs/0", json!("FBM_SHIP_PLUS")),
        ("/programs/0", json!("PREORDER")),
        ("/salesChannel/channelName", json!("NON_AMAZON")),
        ("/payment/paymentExecutions/0/paymentMethod", json!("CashOnDelivery")),
        ("/payment/paymentExecutions/0/paymentMethod", json!("ConvenienceStore")),
        ("/payment/paymentExecutions/1/paymentMethod", json!("PointsAccount")),
        ("/recipient/deliveryAddress/addressType", json!("PICKUP_POINT")),
        ("/proceeds/grandTotal/currencyCode", json!("USD")),
        ("/proceeds/grandTotal/amount", json!("0")),
        ("/associatedOrders/0/associationType", json!("REPLACEMENT_ORIGINAL_ID")),
        ("/packages/1/packageReferenceId", json!("2")),
    ] {
        assert!(any(place, value.clone()), "{place} = {value}");
    }
    assert!(orders.values().any(|o| o["fulfillment"].get("fulfilledBy").is_none()));
    // A status that no contract has lasts for hours only.
    let at = |hours: u64| start_time() - Duration::from_hours(hours);
    let facts = (0..60).flat_map(|n| amazon.sim.world.truth_at(AMAZON_SHOP, at(n * 4)));
    assert!(facts.into_iter().any(|fact| fact.status == "AWAITING_REVIEW"));
    let fractions: BTreeSet<bool> =
        orders.values().map(|o| o["lastUpdatedTime"].as_str().unwrap().contains('.')).collect();
    assert_eq!(fractions.len(), 2, "times with and without milliseconds");
}

fn amount(money: &Value) -> i64 {
    money["amount"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn amounts_add_up_but_for_the_kind_that_does_not() {
    let amazon = Amazon::start().await;
    let (orders, _, _) =
        amazon.pages(&[("createdAfter", "2026-01-01T00:00:00Z"), ("includedData", ALL)]).await;
    let (mut odd, mut taxed, mut unpriced) = (0, [0, 0], 0);
    for fact in amazon.truth() {
        let order = &orders[&fact.order_number];
        let id = &fact.order_number;
        assert_eq!(fact.lines, list(order, "orderItems").len());
        let numbers: Vec<&str> =
            list(order, "packages").iter().filter_map(|p| p["trackingNumber"].as_str()).collect();
        assert_eq!(fact.slips, numbers, "{id}");
        assert_eq!(fact.canceled, order["fulfillment"]["fulfillmentStatus"] == "CANCELLED");
        let method = order["payment"]["paymentExecutions"][0]["paymentMethod"].as_str().unwrap_or_default();
        assert_eq!(fact.payment, method, "{id}");
        if order.get("proceeds").is_none() {
            unpriced += 1;
            assert!(fact.due.is_none() && order.get("payment").is_none(), "{id}");
            assert!(
                list(order, "orderItems")
                    .iter()
                    .all(|i| i.get("proceeds").is_none() && i["product"].get("price").is_none())
            );
            continue;
        }
        if order["proceeds"]["grandTotal"]["currencyCode"] != "JPY" {
            assert_eq!(fact.due, None);
            continue;
        }
        let mut sum = 0;
        for item in list(order, "orderItems") {
            let quantity = item["quantityOrdered"].as_i64().unwrap();
            let fulfilled = item["fulfillment"]["quantityFulfilled"].as_i64().unwrap();
            assert_eq!(
                fulfilled + item["fulfillment"]["quantityUnfulfilled"].as_i64().unwrap(),
                quantity,
                "{id}"
            );
            let shipped: i64 = list(order, "packages")
                .iter()
                .flat_map(|package| list(package, "packageItems"))
                .filter(|part| part["orderItemId"] == item["orderItemId"])
                .map(|part| part["quantity"].as_i64().unwrap())
                .sum();
            if order["fulfillment"]["fulfilledBy"] != "AMAZON" {
                assert_eq!(shipped, fulfilled, "{id}");
            }
            if item.get("proceeds").is_none() {
                assert_eq!(quantity, 0, "{id}");
                continue;
            }
            let rows = list(&item["proceeds"], "breakdowns");
            let part = |kind: &str| -> i64 {
                rows.iter().filter(|row| row["type"] == kind).map(|row| amount(&row["subtotal"])).sum()
            };
            assert_eq!(part("ITEM"), amount(&item["product"]["price"]["unitPrice"]) * quantity, "{id}");
            let goods: i64 = ["ITEM", "SHIPPING", "GIFT_WRAP", "COD_FEE"].into_iter().map(part).sum();
            let inclusive = goods - part("DISCOUNT").abs();
            let total = amount(&item["proceeds"]["proceedsTotal"]);
            if part("TAX") > 0 {
                taxed[usize::from(total == inclusive)] += 1;
            }
            assert!(total == inclusive || total == inclusive + part("TAX"), "{id}");
            sum += total;
        }
        let total = amount(&order["proceeds"]["grandTotal"]);
        odd += i32::from(total != sum);
        let paid = list(&order["payment"], "paymentExecutions");
        let points: i64 = paid
            .iter()
            .filter(|p| p["paymentMethod"] == "PointsAccount")
            .map(|p| amount(&p["paymentAmount"]))
            .sum();
        assert_eq!(fact.due, Some(total - points), "{id}");
        if !paid.is_empty() {
            assert_eq!(paid.iter().map(|p| amount(&p["paymentAmount"])).sum::<i64>(), total, "{id}");
        }
    }
    assert!(unpriced > 100 && taxed[0] > 0 && taxed[1] > 0, "{unpriced} {taxed:?}");
    assert!(odd > 0 && odd < 100, "{odd} of {}", orders.len());
}

#[tokio::test]
async fn members_are_left_out_by_included_data_status_and_role() {
    let amazon = Amazon::with(shop(60, 10)).await;
    let created = ("createdAfter", "2026-01-01T00:00:00Z");
    let plain = |orders: &BTreeMap<String, Value>| {
        let mut found = BTreeSet::new();
        for order in orders.values().filter(|order| order.get("futureFlag").is_none()) {
            places(order, "", &mut found);
        }
        found.into_iter().map(|(place, _)| place).collect::<BTreeSet<String>>()
    };
    let (none, _, _) = amazon.pages(&[created]).await;
    let without = plain(&none);
    for member in [".fulfillment", ".buyer", ".proceeds", ".packages", ".orderItems[].cancellation"] {
        assert!(!without.contains(member), "{member}");
    }
    let sample = fixture("v2026-getOrder-minimal-no-includedData.json");
    let mut minimal = BTreeSet::new();
    places(&sample["order"], "", &mut minimal);
    assert!(minimal.iter().all(|(place, _)| without.contains(place)), "{without:?}");
    for (value, member) in [
        ("FULFILLMENT", ".fulfillment"),
        ("BUYER", ".buyer"),
        ("RECIPIENT", ".recipient"),
        ("PROCEEDS", ".proceeds"),
        ("PAYMENT", ".payment"),
        ("EXPENSE", ".orderItems[].expense"),
        ("PROMOTION", ".orderItems[].promotion"),
        ("CANCELLATION", ".orderItems[].cancellation"),
        ("PACKAGES", ".packages"),
        ("TAX", ".orderItems[].tax"),
        ("FULFILLMENT_ORDERS", ".fulfillmentOrders"),
    ] {
        let (orders, _, _) = amazon.pages(&[created, ("includedData", value)]).await;
        assert!(plain(&orders).contains(member), "{value}");
    }
    let (orders, _, _) = amazon.pages(&[created, ("includedData", ALL)]).await;
    for order in orders.values() {
        let status = order["fulfillment"]["fulfillmentStatus"].as_str().unwrap();
        if status.starts_with("PENDING") || status == "CANCELLED" {
            assert!(order.get("buyer").is_none() && order.get("recipient").is_none(), "{order}");
        } else if order["fulfillment"]["fulfilledBy"] == "MERCHANT" {
            assert!(order["buyer"]["buyerEmail"].is_string(), "{order}");
            assert!(order["recipient"]["deliveryAddress"]["name"].is_string(), "{order}");
        } else if order["fulfillment"]["fulfilledBy"] == "AMAZON" {
            assert!(order.get("buyer").is_none() && order.get("packages").is_none(), "{order}");
            assert!(order["recipient"]["deliveryAddress"].get("phone").is_none(), "{order}");
        }
    }
    amazon.sim.world.switch(|s| s.amazon.buyer_name_role = false);
    let (orders, _, _) = amazon.pages(&[created, ("includedData", ALL)]).await;
    let found = plain(&orders);
    assert!(found.contains(".buyer.buyerEmail") && !found.contains(".buyer.buyerName"));
    amazon.sim.world.switch(|s| s.amazon.pii_role = false);
    let (orders, _, _) = amazon.pages(&[created, ("includedData", ALL)]).await;
    let found = plain(&orders);
    for place in
        [".recipient.deliveryAddress.name", ".recipient.deliveryAddress.postalCode", ".buyer.buyerEmail"]
    {
        assert!(!found.contains(place), "{place}");
    }
    assert!(!found.iter().any(|place| place.contains("giftMessage") || place.contains("customizedUrl")));
    assert!(found.contains(".recipient.deliveryAddress.stateOrRegion"));
    assert!(found.contains(".buyer.buyerCompanyName"), "no personal data of the listed kinds");
}

#[tokio::test]
async fn orders_change_on_demand() {
    let amazon = Amazon::start().await;
    let post = |path: &'static str, id: String| {
        let sim = &amazon.sim;
        async move { sim.control("POST", path, &json!({ "order_number": id })).await.0 }
    };
    let open: Vec<Fact> = amazon.truth().into_iter().rev().filter(|f| f.status == "UNSHIPPED").collect();
    let [asked, shipped, canceled] = [0, 1, 2].map(|n| open[n].order_number.clone());
    let pending = amazon.with_status("PENDING").order_number;
    assert_eq!(post("amazon/ask-cancel", asked.clone()).await, 200);
    assert_eq!(post("amazon/ship", shipped.clone()).await, 200);
    assert_eq!(post("amazon/cancel", canceled.clone()).await, 200);
    assert_eq!(post("amazon/ship", pending.clone()).await, 404, "not paid");
    assert_eq!(post("amazon/cancel", shipped.clone()).await, 404, "it has left");
    assert_eq!(post("amazon/cancel", "250-9999999-9999999".to_owned()).await, 404);
    let happened = amazon.sim.world.now();
    amazon.sim.clock.advance(MINUTE * 3);
    for (id, status) in [(&asked, "UNSHIPPED"), (&shipped, "SHIPPED"), (&canceled, "CANCELLED")] {
        let order = amazon.order(id, ALL).await.1["order"].take();
        assert_eq!(order["fulfillment"]["fulfillmentStatus"], status);
        assert_eq!(time(&order["lastUpdatedTime"]), happened);
        let request = &order["orderItems"][0]["cancellation"]["cancellationRequest"]["requester"];
        assert_eq!(*request == "BUYER", id == &asked, "{order}");
        let fact = amazon.truth().into_iter().find(|fact| &fact.order_number == id).unwrap();
        assert_eq!(fact.status, status);
        if status == "SHIPPED" && order["fulfillment"]["fulfilledBy"] == "MERCHANT" {
            assert_eq!(list(&order, "packages").len(), 1);
        }
    }
    let (_, found) =
        amazon.search(&[("lastUpdatedAfter", &stamp(happened)), ("includedData", "BUYER")]).await;
    for id in [&asked, &shipped, &canceled] {
        assert!(ids(&found).contains(id));
    }
    // An old one comes up again when somebody touches it.
    let old = Amazon::with(shop(20, 100)).await;
    let first = old.truth().into_iter().find(|fact| fact.status == "UNSHIPPED").unwrap();
    assert!(old.sim.world.ask_cancel_amazon(&first.order_number));
    old.sim.clock.advance(MINUTE * 50);
    let after = stamp(start_time());
    assert!(ids(&old.search(&[("lastUpdatedAfter", &after)]).await.1).contains(&first.order_number));
}
