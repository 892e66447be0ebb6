//! rakuten-rms.md §6.4, §7.3 and §12.9: requests worked off later, broken calls, the common pace, staff and calls.

use std::time::Duration;

use mallsync::sim::Fault;
use serde_json::{Value, json};

use crate::client::{DAY, Sim, rakuten_headers, request};
use crate::rakuten_rig::{
    ASYNC, HOUR, RESULT, SHIP, SHOP, baskets, book, codes, in_status, one, order, row, sample, seek, short,
    shown, start,
};

#[tokio::test]
async fn many_orders_are_worked_off_later_each_for_itself() {
    let sim = start().await;
    let list: Vec<String> =
        sim.world.truth(SHOP).filter(in_status("300")).take(2).map(|f| f.order_number).collect();
    let mut body = sample("50-updateOrderShippingAsync-request");
    for (n, number) in list.iter().enumerate() {
        body["OrderShippingModelList"][n]["orderNumber"] = json!(number);
        let basket = baskets(&sim, number).await[0];
        body["OrderShippingModelList"][n]["BasketidModelList"][0]["basketId"] = json!(basket);
    }
    let (status, answer) = sim.rakuten(ASYNC, &body).await;
    let id = answer["MessageModelList"][0]["requestId"].clone();
    let mut expected = sample("51-updateOrderShippingAsync-response-accepted");
    expected["MessageModelList"][0]["requestId"] = id.clone();
    assert_eq!((status, answer), (200, expected));
    assert!(id.as_str().unwrap().ends_with("_20260421120000"), "{id}");
    let mut ask = sample("53-getResult-request");
    let pending = (200, sample("54-getResult-response-pending"));
    assert_eq!(sim.rakuten(RESULT, &ask).await, pending, "an id that nobody knows");
    ask["requestId"] = id;
    assert_eq!(sim.rakuten(RESULT, &ask).await, pending);
    assert_eq!(shown(&sim, &list[0]).status, "300");
    // Another change of an order that waits to be worked off.
    sim.rakuten(SHIP, &json!({ "orderNumber": list[0], "BasketidModelList": [] })).await;
    assert_eq!(book(&sim, &list[0]).overlaps, 1);
    sim.world.cancel_rakuten(&list[1]);
    sim.clock.advance(Duration::from_secs(10));
    let (status, mut answer) = sim.rakuten(RESULT, &ask).await;
    let mut expected = sample("55-getResult-response-partial");
    answer["ResultShippingModelList"][0]["MessageModelList"][0]["shippingDetailId"].take();
    expected["ResultShippingModelList"][0]["MessageModelList"][0]["shippingDetailId"].take();
    for (n, number) in list.iter().enumerate() {
        expected["ResultShippingModelList"][n]["orderNumber"] = json!(number);
    }
    assert_eq!((status, answer), (200, expected));
    let (done, canceled) = (book(&sim, &list[0]), book(&sim, &list[1]));
    assert_eq!((done.shipments, canceled.shipments, canceled.forbidden), (1, 0, 1));
    assert_eq!(
        (shown(&sim, &list[0]).status.as_str(), shown(&sim, &list[1]).status.as_str()),
        ("500", "900")
    );
    sim.clock.advance(DAY * 30 - Duration::from_secs(10));
    assert_eq!(sim.rakuten(RESULT, &ask).await.1["ResultShippingModelList"].as_array().unwrap().len(), 2);
    sim.clock.advance(Duration::from_secs(1));
    assert_eq!(sim.rakuten(RESULT, &ask).await, pending, "expired");
}

#[tokio::test]
async fn a_refused_asynchronous_request_is_refused_whole_with_status_200() {
    let sim = start().await;
    let number = seek(&sim, in_status("300"));
    let basket = baskets(&sim, &number).await[0];
    let good = one(&number, basket, json!([row("1")]));
    let mut bad = good.clone();
    bad["orderNumber"] = json!("345678-20260401-0301000002");
    bad["BasketidModelList"][0]["ShippingModelList"][0]["shippingDate"] = json!("2026/04/03");
    let refused = sim.rakuten(ASYNC, &json!({ "OrderShippingModelList": [good, bad] })).await;
    assert_eq!(refused, (200, sample("52-updateOrderShippingAsync-response-error")));
    let many: Vec<Value> = (0..101).map(|_| good.clone()).collect();
    for (list, code) in [
        (json!([good, good]), "ERROR_011"),
        (json!(many), "ERROR_011"),
        (json!([]), "ERROR_010"),
        (json!([{}]), "ERROR_009"),
    ] {
        let (status, answer) = sim.rakuten(ASYNC, &json!({ "OrderShippingModelList": list })).await;
        assert_eq!((status, codes(&answer)[0].as_str()), (200, code));
        assert!(answer["MessageModelList"][0].get("requestId").is_none());
    }
    sim.clock.advance(HOUR);
    assert_eq!(shown(&sim, &number).status, "300");
    let (status, answer) = sim.rakuten(RESULT, &json!({})).await;
    let message = &answer["ResultShippingModelList"][0]["MessageModelList"][0];
    assert_eq!((status, short(message["messageCode"].as_str().unwrap())), (400, "ERROR_009".to_owned()));
}

/// A call whose connection breaks; whether it took effect is told by the books.
async fn broken(sim: &Sim, function: &str, body: &Value, fault: Fault) {
    sim.fault(function, fault);
    let path = format!("/rakuten/es/2.0/order/{function}/");
    let raw = sim.raw(&request("POST", &path, &rakuten_headers(), &body.to_string())).await;
    assert!(raw.bytes.is_empty() || raw.end.is_err(), "{raw:?}");
}

#[tokio::test]
async fn lost_answers_late_effects_and_stale_reads_are_told_by_the_books() {
    let sim = start().await;
    let list: Vec<String> =
        sim.world.truth(SHOP).filter(in_status("300")).take(5).map(|f| f.order_number).collect();
    let mut bodies = Vec::new();
    for number in &list {
        bodies.push(one(number, baskets(&sim, number).await[0], json!([row("400000000012")])));
    }
    let shipped = |n: usize| sim.world.write_book(&list[n]).map_or(0, |book| book.shipments);
    broken(&sim, SHIP, &bodies[0], Fault::ResetBeforeEffect).await;
    assert_eq!((shipped(0), sim.world.write_book(&list[0])), (0, None));
    broken(&sim, SHIP, &bodies[0], Fault::ResetAfterEffect).await;
    assert_eq!(shipped(0), 1);
    broken(&sim, SHIP, &bodies[1], Fault::LateEffect { seconds: 30, hold: false }).await;
    assert_eq!(shipped(1), 0);
    assert_eq!(sim.rakuten(SHIP, &bodies[1]).await.0, 200, "sent again too early");
    assert_eq!((shipped(1), book(&sim, &list[1]).overlaps), (1, 1));
    sim.clock.advance(Duration::from_secs(30));
    assert_eq!((shipped(1), book(&sim, &list[1]).repeated), (1, 1), "and now it is there twice");
    let status = Fault::Status { status: 500, body: mallsync::sim::Body::Html, effect: true, retry_after: 0 };
    sim.fault(SHIP, status);
    let path = format!("/rakuten/es/2.0/order/{SHIP}");
    let reply = sim.send("POST", &path, &rakuten_headers(), &bodies[2].to_string()).await;
    assert_eq!((reply.status, shipped(2)), (500, 1));
    sim.fault(SHIP, Fault::Code { code: "ERROR_101".into(), effect: false });
    let (status, answer) = sim.rakuten(SHIP, &bodies[3]).await;
    assert_eq!((status, codes(&answer), shipped(3)), (200, vec!["ERROR_101".to_owned()], 0));
    sim.fault(SHIP, Fault::QpsLimit);
    assert_eq!(sim.send("POST", &path, &rakuten_headers(), &bodies[3].to_string()).await.status, 403);
    assert_eq!(shipped(3), 0);

    sim.world.switch(|s| s.rakuten.read_lag_s = 20);
    assert_eq!(sim.rakuten(SHIP, &bodies[3]).await.0, 200);
    let stale = order(&sim, &list[3]).await;
    assert_eq!((&stale["orderProgress"], shown(&sim, &list[3]).status.as_str()), (&json!(300), "500"));
    sim.clock.advance(Duration::from_secs(20));
    assert_eq!(order(&sim, &list[3]).await["orderProgress"], 500);
    // A second call while the first one waits for its answer.
    broken_by_client(&sim, &bodies[4]).await;
    assert_eq!(book(&sim, &list[4]).overlaps, 1);
}

/// A call that never gets an answer, and another one meanwhile.
async fn broken_by_client(sim: &Sim, body: &Value) {
    use tokio::io::AsyncWriteExt;
    sim.fault(SHIP, Fault::Stall { effect: true, hold: false });
    let mut stream = sim.connect().await;
    let path = format!("/rakuten/es/2.0/order/{SHIP}/");
    let number = body["orderNumber"].as_str().unwrap();
    stream.write_all(&request("POST", &path, &rakuten_headers(), &body.to_string())).await.unwrap();
    sim.world.until(|world| world.write_book(number).is_some()).await;
    assert_eq!(sim.rakuten(SHIP, body).await.0, 200);
}

#[tokio::test]
async fn reads_and_writes_share_one_call_a_second() {
    let sim = start().await;
    let body = json!({ "orderNumberList": ["345678-20260401-0999999999"] });
    sim.rakuten("confirmOrder", &body).await;
    sim.clock.advance(Duration::from_millis(500));
    sim.rakuten("getOrder", &json!({ "orderNumberList": ["1"], "version": 10 })).await;
    assert_eq!(sim.world.rate_violations(), 1);
    sim.world.switch(|s| {
        s.rakuten.enforce_rate = true;
        s.rakuten.functions_off.insert("updateOrderShipping".into());
    });
    sim.clock.advance(Duration::from_secs(1));
    assert_eq!(sim.rakuten("confirmOrder", &body).await.0, 200);
    let path = "/rakuten/es/2.0/order/confirmOrder/";
    assert_eq!(sim.send("POST", path, &rakuten_headers(), &body.to_string()).await.status, 403);
    sim.clock.advance(Duration::from_secs(1));
    let (status, answer) = sim.rakuten(SHIP, &json!({})).await;
    assert_eq!((status, &answer["Results"]["errorCode"]), (401, &json!("ES04-01")));
    assert_eq!(sim.send("GET", path, &rakuten_headers(), "").await.status, 405);
}

#[tokio::test]
async fn staff_leaves_an_order_that_calls_began_and_cancels_come_after_shipment_too() {
    let sim = Sim::start().await;
    let number =
        seek(&sim, |f| f.status == "300" && f.packages == 2 && f.slips.is_empty() && f.due.is_some());
    let basket = baskets(&sim, &number).await[1];
    sim.rakuten(SHIP, &one(&number, basket, json!([row("1")]))).await;
    sim.clock.advance(DAY * 10);
    let rows = shown(&sim, &number);
    assert_eq!((rows.status.as_str(), rows.parcels[&basket.to_string()].len()), ("300", 1));
    assert_eq!(rows.parcels.values().map(Vec::len).sum::<usize>(), 1, "nobody else wrote any");
    // The staff's own rows stay, and can be corrected.
    let own = seek(&sim, in_status("500"));
    let (basket, rows) = shown(&sim, &own).parcels.into_iter().next().unwrap();
    let change = json!([{ "shippingDetailId": rows[0].id, "shippingNumber": "9" }]);
    let (status, answer) = sim.rakuten(SHIP, &one(&own, basket.parse().unwrap(), change)).await;
    assert_eq!((status, codes(&answer)), (200, vec!["INFO_102".to_owned()]));
    assert_eq!((shown(&sim, &own).status.as_str(), book(&sim, &own).shipments), ("500", 0));
    assert!(sim.world.cancel_rakuten(&own));
    let gone = order(&sim, &own).await;
    assert_eq!(gone["orderProgress"], 900);
    assert!(gone.to_string().contains("\"shippingNumber\":\"9\""));
    let (status, answer) = sim.control("GET", &format!("books/writes/{own}"), &Value::Null).await;
    assert_eq!(
        (status, &answer["book"]["effective"], &answer["entries"][0]["function"]),
        (200, &json!(1), &json!(SHIP))
    );
    let (status, answer) = sim.control("GET", &format!("shipments/{SHOP}/{own}"), &Value::Null).await;
    assert_eq!((status, &answer["status"]), (200, &json!("900")));
    assert_eq!(sim.control("GET", "books/writes", &Value::Null).await.1.as_array().unwrap().len(), 2);
    assert_eq!(sim.control("GET", "books/writes/1", &Value::Null).await.0, 404);
}
