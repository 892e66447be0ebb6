//! amazon-sp-api.md §12: `confirmShipment`, as reads and books see it.

use std::time::Duration;

use mallsync::sim::{Body, Fault, Rule, WriteEffect};
use serde_json::{Value, json};

use super::writing::{confirmation, package, taken};
use super::*;
use crate::client::{DAY, parse, request, start_time};

/// A sample of a request with our items in it.
fn sample(name: &str, items: &[(String, i64)]) -> Value {
    let mut body = fixture(name);
    body["packageDetail"]["orderItems"] =
        items.iter().map(|(id, n)| json!({ "orderItemId": id, "quantity": n })).collect();
    body
}

#[tokio::test]
async fn the_samples_are_taken_and_reads_show_the_packages() {
    let amazon = Amazon::writing().await;
    let several = |order: &Value| {
        list(order, "orderItems").iter().any(|item| item["quantityOrdered"].as_i64().unwrap() > 1)
    };
    let orders = amazon.shippable(2, several).await;
    let before = amazon.order(&orders[0], ALL).await.1["order"]["lastUpdatedTime"].clone();
    let items = amazon.open_items(&orders[0]).await;
    let told_at = start_time();
    taken(&amazon.confirm(&orders[0], &sample("confirmShipment-request-full.json", &items)).await);
    let (_, unseen) = amazon.order(&orders[0], ALL).await;
    assert_eq!(unseen["order"]["fulfillment"]["fulfillmentStatus"], "UNSHIPPED", "minutes pass");
    assert_eq!(unseen["order"]["lastUpdatedTime"], before);
    amazon.settle();
    let (_, seen) = amazon.order(&orders[0], ALL).await;
    let order = &seen["order"];
    assert_eq!(order["fulfillment"]["fulfillmentStatus"], "SHIPPED");
    let packages = list(order, "packages");
    assert_eq!(packages.len(), 1);
    let shown = &packages[0];
    assert_eq!(
        (&shown["packageReferenceId"], &shown["trackingNumber"]),
        (&json!("1"), &json!("000000000001"))
    );
    assert_eq!((&shown["carrier"], &shown["shippingService"]), (&json!("YamatoTransport"), &json!("宅急便")));
    assert_eq!(time(&shown["shipTime"]), Timestamp::parse("2026-09-02T14:30:00+09:00").unwrap());
    assert_eq!(list(shown, "packageItems").len(), items.len());
    assert!(amazon.open_items(&orders[0]).await.is_empty());
    let updated = time(&order["lastUpdatedTime"]);
    assert!(updated > told_at && updated > time(&before));

    // A search by the last update sees it.
    let after = stamp(told_at);
    let pairs = [("lastUpdatedAfter", after.as_str()), ("includedData", "PACKAGES,FULFILLMENT")];
    let (found, _, _) = amazon.pages(&pairs).await;
    assert_eq!(found[&orders[0]]["packages"][0]["trackingNumber"], "000000000001");
    assert!(amazon.truth().iter().any(|f| f.order_number == orders[0] && f.slips == ["000000000001"]));

    // Two packages, the second by a carrier that the list does not have.
    let items = amazon.open_items(&orders[1]).await;
    let (id, units) = items.iter().find(|(_, n)| *n > 1).unwrap().clone();
    taken(&amazon.confirm(&orders[1], &package("1", "400000000011", &[(id.clone(), 1)])).await);
    amazon.settle();
    let (_, half) = amazon.order(&orders[1], ALL).await;
    assert_eq!(half["order"]["fulfillment"]["fulfillmentStatus"], "PARTIALLY_SHIPPED");
    let rest: Vec<(String, i64)> =
        items.iter().map(|(item, n)| (item.clone(), if *item == id { units - 1 } else { *n })).collect();
    taken(
        &amazon
            .confirm(&orders[1], &sample("confirmShipment-request-partial-second-package.json", &rest))
            .await,
    );
    amazon.settle();
    let (_, whole) = amazon.order(&orders[1], ALL).await;
    assert_eq!(whole["order"]["fulfillment"]["fulfillmentStatus"], "SHIPPED");
    assert_eq!(whole["order"]["packages"][1]["carrier"], "日本郵便");
    let book = amazon.sim.world.write_book(&orders[1]).unwrap();
    assert_eq!((book.effective, book.shipments, book.parcels.len()), (2, 2, 2));

    let cash = |order: &Value| order["payment"]["paymentExecutions"][0]["paymentMethod"] == "CashOnDelivery";
    let number = amazon.shippable(1, cash).await.remove(0);
    let items = amazon.open_items(&number).await;
    taken(&amazon.confirm(&number, &sample("confirmShipment-request-cod.json", &items)).await);
}

#[tokio::test]
async fn the_same_reference_edits_and_a_repeat_changes_nothing() {
    let amazon = Amazon::writing().await;
    let number = amazon.shippable(1, |_| true).await.remove(0);
    let items = amazon.open_items(&number).await;
    let first = package("1", "400000000011", &items);
    taken(&amazon.confirm(&number, &first).await);
    amazon.settle();
    let (_, shown) = amazon.order(&number, ALL).await;
    taken(&amazon.confirm(&number, &first).await);
    amazon.settle();
    assert_eq!(amazon.order(&number, ALL).await.1, shown, "nothing moved");
    taken(&amazon.confirm(&number, &package("1", "400000000022", &items)).await);
    amazon.settle();
    let (_, edited) = amazon.order(&number, ALL).await;
    assert_eq!(edited["order"]["packages"].as_array().unwrap().len(), 1);
    assert_eq!(edited["order"]["packages"][0]["trackingNumber"], "400000000022");
    assert_eq!(edited["order"]["packages"][0]["createdTime"], shown["order"]["packages"][0]["createdTime"]);
    assert!(time(&edited["order"]["lastUpdatedTime"]) > time(&shown["order"]["lastUpdatedTime"]));
    let book = amazon.sim.world.write_book(&number).unwrap();
    assert_eq!((book.effective, book.repeated, book.shipments), (2, 1, 1));
    assert_eq!((book.parcels["1"].effective, book.parcels["1"].repeated), (2, 1));
    assert_eq!(book.parcels["1"].number, "400000000022");
    let more = amazon.confirm(&number, &package("2", "400000000033", &items)).await;
    assert_eq!(
        (more.status, more.json()),
        (400, fixture("error-400-confirmShipment-already-fulfilled.json"))
    );
    // What was told stands, and staff adds nothing: the delivery follows.
    amazon.sim.clock.advance(DAY * 3);
    let mut amazon = amazon;
    amazon.sign_in().await;
    let (_, later) = amazon.order(&number, ALL).await;
    assert_eq!(later["order"]["packages"].as_array().unwrap().len(), 1);
    assert!(!amazon.sim.world.cancel_amazon(&number));
}

#[tokio::test]
async fn what_is_malformed_is_refused_in_the_words_of_the_samples() {
    let amazon = Amazon::writing().await;
    let number = amazon.shippable(1, |_| true).await.remove(0);
    let items = amazon.open_items(&number).await;
    let good = package("1", "400000000011", &items);
    let with = |pointer: &str, value: Value| {
        let mut body = good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = if parent.is_empty() { &mut body } else { body.pointer_mut(parent).unwrap() };
        if value.is_null() {
            parent.as_object_mut().unwrap().remove(name);
        } else {
            parent[name] = value;
        }
        body
    };
    let detail = |name: &str, value: Value| with(&format!("/packageDetail/{name}"), value);
    for (body, file) in [
        (detail("packageReferenceId", json!(1)), "package-reference-not-string"),
        (detail("packageReferenceId", json!("0")), "package-reference-not-positive"),
        (detail("packageReferenceId", json!("-1")), "package-reference-not-positive"),
        (detail("packageReferenceId", json!("A1")), "package-reference-not-positive"),
        (detail("packageReferenceId", json!("")), "package-reference-not-positive"),
        (detail("packageReferenceId", Value::Null), "package-reference-not-positive"),
        (detail("orderItems", json!({ "orderItemId": items[0].0, "quantity": 1 })), "order-item-id"),
        (detail("orderItems", json!([{ "orderItemId": "99999999999999", "quantity": 1 }])), "order-item-id"),
        (detail("orderItems", json!([])), "order-item-id"),
    ] {
        let reply = amazon.confirm(&number, &body).await;
        let expected = fixture(&format!("error-400-confirmShipment-{file}.json"));
        assert_eq!((reply.status, reply.json()), (400, expected), "{body}");
    }
    let item = |quantity: Value| json!([{ "orderItemId": items[0].0, "quantity": quantity }]);
    for body in [
        with("/marketplaceId", json!("ATVPDKIKX0DER")),
        with("/marketplaceId", Value::Null),
        with("/codCollectionMethod", json!("Cash")),
        with("/codCollectionMethod", json!("DirectPayment")),
        with("/packageDetail", Value::Null),
        with("/extra", json!(1)),
        detail("extra", json!(1)),
        detail("carrierCode", Value::Null),
        detail("carrierCode", json!("Other")),
        detail("trackingNumber", json!("")),
        detail("trackingNumber", json!(400_000_000_011_u64)),
        detail("orderItems", item(json!(items[0].1 + 1))),
        detail("orderItems", item(json!(0))),
        detail("orderItems", item(json!("1"))),
        json!([]),
    ] {
        let reply = amazon.confirm(&number, &body).await;
        assert_eq!(
            (reply.status, &reply.json()["errors"][0]["code"]),
            (400, &json!("InvalidInput")),
            "{body}"
        );
    }
    for date in ["02/21/2022", "2026-04-21", "2026-04-21T05:30:00"] {
        let reply = amazon.confirm(&number, &detail("shipDate", json!(date))).await;
        assert_eq!(
            (reply.status, &reply.json()["errors"][0]["code"]),
            (400, &json!("Invalid Input")),
            "{date}"
        );
    }
    let mut other = detail("carrierCode", json!("Other"));
    other["packageDetail"]["carrierName"] = json!("あ".repeat(51));
    assert_eq!(amazon.confirm(&number, &other).await.status, 400);
    for (number, status) in [("250-9999999-9999999", 404), ("TEST", 400)] {
        assert_eq!(amazon.confirm(number, &good).await.status, status);
    }
    let headers = [("x-amz-access-token", amazon.access.as_str()), ("user-agent", AGENT)];
    let untyped = amazon.sim.send("POST", &confirmation(&number), &headers, &good.to_string()).await;
    assert_eq!(untyped.status, 415);
    assert_eq!(amazon.get(&confirmation(&number)).await.status, 404, "only a POST");
    let book = amazon.sim.world.write_book(&number).unwrap();
    assert!(book.effective + book.repeated == 0 && book.refused > 20, "{book:?}");
    assert_eq!(amazon.open_items(&number).await, items);
}

#[tokio::test]
async fn orders_that_are_not_to_be_shipped_are_refused_or_counted() {
    let amazon = Amazon::writing().await;
    let orders = amazon.shippable(2, |_| true).await;
    let facts = amazon.truth();
    let mut refused = 0;
    for status in ["PENDING", "CANCELLED"] {
        for fact in facts.iter().filter(|f| f.status == status).take(3) {
            let reply = amazon.confirm(&fact.order_number, &package("1", "1", &[("1".into(), 1)])).await;
            assert_eq!(reply.status, 400, "{status}");
            let book = amazon.sim.world.write_book(&fact.order_number).unwrap();
            assert_eq!((book.forbidden, book.forbidden_taken), (1, 0), "{status}");
            refused += 1;
        }
    }
    assert!(refused > 3);
    for (program, shipper) in [("PRIME", "AMAZON"), ("FBM_SHIP_PLUS", "MERCHANT")] {
        let pairs = [("createdAfter", "2026-04-05T00:00:00Z"), ("includedData", "FULFILLMENT")];
        let (found, _, _) = amazon.pages(&pairs).await;
        let order = found.values().find(|order| {
            order["fulfillment"]["fulfilledBy"] == shipper && order["programs"] == json!([program])
        });
        let id = order.unwrap()["orderId"].as_str().unwrap();
        let reply = amazon.confirm(id, &package("1", "1", &[("1".into(), 1)])).await;
        assert_eq!(reply.status, 400, "{program}");
    }
    // The buyer's wish to cancel does not keep the mall from taking it.
    assert!(amazon.sim.world.ask_cancel_amazon(&orders[0]));
    let items = amazon.open_items(&orders[0]).await;
    taken(&amazon.confirm(&orders[0], &package("1", "400000000011", &items)).await);
    assert_eq!(amazon.sim.world.write_entries(&orders[0])[0].must_not_ship, Some("cancel_asked"));
    assert_eq!(amazon.sim.world.write_book(&orders[0]).unwrap().forbidden_taken, 1);

    // A carrier that the list does not have: taken, and nothing will ever show.
    let items = amazon.open_items(&orders[1]).await;
    let mut strange = package("1", "400000000011", &items);
    strange["packageDetail"]["carrierCode"] = json!("Yamato Transport");
    taken(&amazon.confirm(&orders[1], &strange).await);
    amazon.settle();
    let (_, shown) = amazon.order(&orders[1], ALL).await;
    assert_eq!(
        (&shown["order"]["fulfillment"]["fulfillmentStatus"], shown["order"].get("packages")),
        (&json!("UNSHIPPED"), None)
    );
    assert_eq!(amazon.sim.world.write_entries(&orders[1])[0].effect, WriteEffect::Vanished);
    amazon.sim.world.switch(|s| s.amazon.refuse_unlisted_carriers = true);
    assert_eq!(amazon.confirm(&orders[1], &strange).await.status, 400);
}

#[tokio::test]
async fn staff_leaves_alone_what_it_is_told_to() {
    let amazon = Amazon::writing().await;
    amazon.sim.world.switch(|s| s.amazon.staff_ships = false);
    let number = amazon.shippable(1, |_| true).await.remove(0);
    amazon.sim.clock.advance(DAY * 12);
    let mut amazon = amazon;
    amazon.sign_in().await;
    let after = stamp(start_time() - DAY * 9);
    let pairs = [("createdAfter", after.as_str()), ("fulfillmentStatuses", "UNSHIPPED")];
    let (waiting, _, _) = amazon.pages(&pairs).await;
    assert!(waiting.contains_key(&number), "longer than any order stays open otherwise");
    let items = amazon.open_items(&number).await;
    let told = amazon.sim.world.now();
    taken(&amazon.confirm(&number, &package("1", "400000000011", &items)).await);
    amazon.sim.world.switch(|s| s.amazon.staff_ships = true);
    amazon.settle();
    let told = stamp(told);
    let (found, _, _) = amazon.pages(&[("lastUpdatedAfter", told.as_str())]).await;
    assert!(found.contains_key(&number), "found by its last update, however old");
}

#[tokio::test]
async fn answers_get_lost_and_quotas_hold() {
    let amazon = Amazon::writing().await;
    let orders = amazon.shippable(4, |_| true).await;
    let fault = |fault: Fault| {
        let function = "confirmShipment".to_owned();
        amazon.sim.world.set_faults(vec![Rule { function, times: 1, fault, ..Rule::default() }]);
    };
    let lost = async |number: &str, body: &Value| {
        let headers = [
            ("x-amz-access-token", amazon.access.as_str()),
            ("user-agent", AGENT),
            ("content-type", "application/json"),
        ];
        let raw = amazon.sim.raw(&request("POST", &confirmation(number), &headers, &body.to_string())).await;
        assert!(raw.bytes.is_empty(), "{raw:?}");
    };
    let mut bodies = Vec::new();
    for (n, number) in orders.iter().enumerate() {
        bodies.push(package("1", &format!("40000000001{n}"), &amazon.open_items(number).await));
    }
    fault(Fault::ResetBeforeEffect);
    lost(&orders[0], &bodies[0]).await;
    assert_eq!(amazon.sim.world.write_book(&orders[0]), None);
    fault(Fault::ResetAfterEffect);
    lost(&orders[1], &bodies[1]).await;
    taken(&amazon.confirm(&orders[1], &bodies[1]).await);
    let book = amazon.sim.world.write_book(&orders[1]).unwrap();
    assert_eq!((book.effective, book.repeated, book.shipments), (1, 1, 1), "the same reference only edits");
    fault(Fault::LateEffect { seconds: 30, hold: false });
    lost(&orders[2], &bodies[2]).await;
    assert_eq!(amazon.sim.world.write_book(&orders[2]), None);
    amazon.sim.clock.advance(Duration::from_secs(30));
    assert_eq!(amazon.sim.world.write_book(&orders[2]).unwrap().effective, 1);
    fault(Fault::Status { status: 500, body: Body::Json, effect: true, retry_after: 0 });
    let reply = amazon.confirm(&orders[3], &bodies[3]).await;
    assert_eq!((reply.status, reply.json()), (500, fixture("error-500-internal-failure.json")));
    assert_eq!(amazon.sim.world.write_book(&orders[3]).unwrap().effective, 1);

    amazon.sim.world.switch(|s| s.amazon.rates.clear());
    amazon.sim.clock.advance(Duration::from_secs(60));
    let before = amazon.sim.world.rate_violations();
    let mut codes = Vec::new();
    for _ in 0..11 {
        codes.push(amazon.confirm(&orders[3], &bodies[3]).await.status);
    }
    assert_eq!((&codes[..10], codes[10]), (&[204; 10][..], 429), "a burst of ten");
    assert_eq!(amazon.sim.world.rate_violations(), before + 1);
    amazon.sim.clock.advance(Duration::from_millis(500));
    let reply = parse(
        &amazon
            .sim
            .raw(&request(
                "POST",
                &confirmation(&orders[3]),
                &[("user-agent", AGENT), ("content-type", "application/json")],
                "{}",
            ))
            .await
            .bytes,
    );
    assert_eq!(reply.status, 403, "no token");
}
