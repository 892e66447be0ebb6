//! Who may call, what is refused and how, what people do by hand, what breaks.

use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::sim::{AUPAY_SHOP, Body, Fault, Key, Maintenance, Rule};
use serde_json::{Value, json};

use super::{
    ALL, LIST, NUMBERS, ONE, SHOP_ID, call, call_with, errors, read, read_all, shop, start, text_fixture, xml,
};
use crate::client::{DAY, header, start_time};

const TODAY: &str = "&totalCount=1000&startDate=20260421&endDate=20260421";

#[tokio::test]
async fn refusals_come_in_the_sequence_of_the_contract() {
    let sim = start().await;
    let key = format!("Bearer {}", shop(&sim).api_key());
    let path = |function: &str, id: &str| format!("/aupay/wmshopapi/{function}?shopId={id}");
    let bad = path(LIST, "1");
    let page = [(path("updateTradeInfoProcs", SHOP_ID), 404), ("/aupay/other".to_owned(), 404)];
    for (path, status) in page {
        assert_eq!(sim.send("GET", &path, &[], "").await.status, status, "{path}");
    }
    assert_eq!(sim.send("POST", &bad, &[("Authorization", &key)], "").await.status, 405, "before the key");
    for headers in [
        vec![],
        vec![("Authorization", "Bearer 0123")],
        vec![("Authorization", &key[7..])],
        vec![("Authorization", "Bearer ")],
    ] {
        let reply = sim.send("GET", &bad, &headers, "").await;
        assert_eq!((reply.status, reply.text()), (401, text_fixture("error_auth_response.xml")));
        assert_eq!(header(&reply.head, "content-type").as_deref(), Some("application/xml;charset=UTF-8"));
    }
    for path in [
        bad.clone(),
        "/aupay/wmshopapi/searchTradeInfoListProc".to_owned(),
        format!("{bad}&shopId={SHOP_ID}"),
    ] {
        let reply = sim.send("GET", &path, &[("Authorization", &key)], "").await;
        assert_eq!((reply.status, reply.text()), (200, text_fixture("error_shopid_response.xml")), "{path}");
    }
    let missing = call(&sim, ONE, "").await;
    assert_eq!((missing.status, missing.text()), (200, text_fixture("error_missing_orderid_response.xml")));
    let double = format!("/aupay/wmshopapi//{LIST}?shopId={SHOP_ID}{TODAY}");
    assert_eq!(sim.send("GET", &double, &[("Authorization", &key)], "").await.status, 200);

    sim.world.switch(|s| s.aupay.flat_errors = true);
    let flat = sim.fault_code().await;
    assert_eq!(flat, text_fixture("error_message_without_error_element_response.xml"));
    sim.world.switch(|s| (s.aupay.flat_errors, s.aupay.error_http, s.aupay.auth_http) = (false, 400, 200));
    assert_eq!(call(&sim, ONE, "").await.status, 400);
    assert_eq!(sim.send("GET", &bad, &[], "").await.status, 200);
}

impl crate::client::Sim {
    async fn fault_code(&self) -> String {
        self.fault(ONE, Fault::Code { code: "PSYS0001".into(), effect: false });
        call(self, ONE, "&orderId=1").await.text()
    }
}

#[tokio::test]
async fn keys_live_ninety_days_and_the_old_one_dies_with_the_next() {
    let sim = start().await;
    let (old, next) = (shop(&sim).api_key(), shop(&sim).api_key_next());
    assert!(old.len() == 64 && old.bytes().all(|b| b.is_ascii_hexdigit()) && old != next);
    assert_eq!(shop(&sim).key_issued_on.unwrap().to_string(), "2026-03-22");
    let status = async |key: &str| call_with(&sim, key, LIST, TODAY).await.status;
    let both = async || (status(&old).await, status(&next).await);
    assert_eq!(both().await, (200, 401));
    // Its people have the next one issued ten days before the end.
    sim.clock.advance(DAY * 50);
    assert_eq!(both().await, (401, 200));
    sim.world.switch(|s| s.aupay.old_key_survives = true);
    assert_eq!(both().await, (200, 200));
    sim.clock.set(Timestamp::parse("2026-06-20T23:59:59+09:00").unwrap());
    assert_eq!(both().await, (200, 200));
    sim.clock.advance(Duration::from_secs(1));
    assert_eq!(both().await, (401, 200), "ninety days are over");

    let sim = start().await;
    let status = async |key: &str| call_with(&sim, key, LIST, TODAY).await.status;
    assert_eq!(sim.control("POST", "aupay/reissue", &json!({ "shop": AUPAY_SHOP })).await.0, 200);
    assert_eq!((status(&old).await, status(&next).await), (401, 200));
    assert_eq!(sim.control("POST", "aupay/reissue", &json!({ "shop": "x" })).await.0, 404);
    let day = |from: Timestamp| Key { key: old.clone(), works_from: from, expires: from + DAY, dead: false };
    let keys = json!([day(start_time() + DAY)]);
    assert_eq!(sim.control("PUT", &format!("keys/{AUPAY_SHOP}"), &keys).await.0, 200);
    assert_eq!(status(&old).await, 401, "too young");
    sim.clock.advance(DAY);
    assert_eq!(status(&old).await, 200);
    assert!(sim.world.set_keys(AUPAY_SHOP, vec![Key { dead: true, ..day(start_time()) }]));
    assert_eq!(status(&old).await, 401, "withdrawn");
}

#[tokio::test]
async fn address_right_and_maintenance() {
    let sim = start().await;
    sim.world.switch(|s| s.aupay.registered_address = Some("192.0.2.1".parse().unwrap()));
    let reply = call(&sim, LIST, "").await;
    assert_eq!((reply.status, errors(&reply)[0].0.as_str()), (401, "0002"));
    sim.world.switch(|s| s.aupay.address_forbidden = true);
    let reply = call(&sim, LIST, TODAY).await;
    assert!(reply.status == 403 && reply.text().starts_with("<!DOCTYPE html>"));
    sim.world.switch(|s| s.aupay.registered_address = Some("127.0.0.1".parse().unwrap()));
    assert_eq!(call(&sim, LIST, TODAY).await.status, 200);
    sim.world.switch(|s| {
        s.aupay.functions_off.insert(LIST.into());
    });
    assert_eq!((call(&sim, LIST, TODAY).await.status, call(&sim, NUMBERS, TODAY).await.status), (401, 200));
    sim.world.switch(|s| s.aupay.maintenance = Maintenance::Html);
    let reply = call(&sim, NUMBERS, TODAY).await;
    assert!(reply.status == 503 && reply.text().contains("メンテナンス"));
    sim.world.switch(|s| (s.aupay.maintenance, s.aupay.maintenance_status) = (Maintenance::Code, 502));
    let reply = call(&sim, NUMBERS, TODAY).await;
    assert_eq!((reply.status, errors(&reply)[0].0.as_str()), (502, "CME9090"));
}

#[tokio::test]
async fn a_second_between_calls_is_the_clients_own_rule() {
    let sim = start().await;
    for step in [1_000, 995, 980, 1_000] {
        call(&sim, LIST, TODAY).await;
        sim.clock.advance(Duration::from_millis(step));
    }
    call(&sim, ONE, "&orderId=1").await;
    let seen =
        (sim.world.aupay_pace_violations(), sim.world.rate_violations(), sim.world.early_calls().len());
    assert_eq!(seen, (1, 1, 1), "ten milliseconds are forgiven");
    assert_eq!(sim.world.early_calls()[0].1, "searchTradeInfoListProc (own pace)");
    let state = sim.control("GET", "state", &Value::Null).await.1;
    assert_eq!(state["aupay_pace_violations"], json!(1));
}

#[tokio::test]
async fn orders_are_changed_by_hand() {
    let sim = start().await;
    let orders = read_all(&sim, "startDate=20260421&endDate=20260421", 1_000).await;
    let several = orders
        .iter()
        .find(|o| {
            o.all("detail").count() == 2
                && o.at("cancelStatus") == "N"
                && !o.at("orderStatus").starts_with("キ")
        })
        .unwrap();
    let number = several.at("orderId").to_owned();
    let one =
        async || read(&sim, ONE, &format!("&orderId={number}")).await.child("orderInfo").unwrap().clone();
    let line = json!({ "order_id": number, "line": 1 });
    assert_eq!(sim.control("POST", "aupay/cancel", &line).await.0, 200);
    let left = one().await;
    assert_eq!(left.yen("totalSalePrice"), several.all("detail").next().unwrap().yen("totalItemPrice"));
    let states: Vec<_> = left.all("detail").map(|l| l.at("itemCancelStatus")).collect();
    assert_eq!((states, left.at("cancelStatus")), (vec!["N", "C"], "N"));
    for (line, why) in [(1, "cancelled already"), (0, "the last one"), (7, "no such line")] {
        assert!(!sim.world.cancel_aupay_line(&number, line), "{why}");
    }
    sim.world.switch(|s| s.aupay.canceled_lines_count = true);
    assert_eq!(one().await.at("totalSalePrice"), several.at("totalSalePrice"));
    sim.world.switch(|s| s.aupay.canceled_lines_count = false);

    sim.clock.advance(Duration::from_secs(60));
    for status in ["保留", "見本の状態<1>"] {
        let body = json!({ "order_id": number, "status": status });
        assert_eq!(sim.control("POST", "aupay/status", &body).await.0, 200);
        assert_eq!((one().await.at("orderStatus"), one().await.at("shipStatus")), (status, "N"));
    }
    sim.clock.advance(DAY * 40);
    assert_eq!(one().await.at("orderStatus"), "見本の状態<1>", "nothing planned happens any more");
    assert!(sim.world.set_aupay_status(&number, "完了"));
    let done = one().await;
    assert_eq!(["shipDate", "paymentDate"].map(|n| done.at(n)), ["2026/05/31 12:01"; 2]);
    for date_type in [1, 2] {
        let window = format!("&totalCount=1000&startDate=20260531&endDate=20260531&dateType={date_type}");
        let found = read(&sim, LIST, &window).await;
        assert!(found.all("orderInfo").any(|o| o.at("orderId") == number), "far from its order date");
    }
    assert!(sim.world.cancel_aupay(&number));
    let canceled = one().await;
    assert_eq!((canceled.at("orderStatus"), canceled.at("cancelStatus")), ("キャンセル", "C"));
    assert_eq!((canceled.at("requestPrice"), canceled.at("shipStatus")), (done.at("requestPrice"), "Y"));
    assert!(canceled.all("detail").all(|l| l.at("itemCancelStatus") == "C"));
    let fact = sim.world.truth(AUPAY_SHOP).find(|f| f.order_number == number).unwrap();
    assert!(fact.canceled && fact.lines == 2 && fact.status == "キャンセル");
    assert!(!sim.world.cancel_aupay("999999999") && !sim.world.set_aupay_status("1", "完了"));
}

#[tokio::test]
async fn faults_of_the_mall() {
    let sim = start().await;
    let plain = call(&sim, LIST, TODAY).await.text();
    let orders: Vec<_> = xml::parse(&plain).all("orderInfo").cloned().collect();
    let struck = async |fault: Fault| {
        sim.fault(LIST, fault);
        call(&sim, LIST, TODAY).await
    };
    let text = struck(Fault::Doctype).await.text();
    assert!(text.lines().nth(1).unwrap().starts_with("<!DOCTYPE response"));
    let text = struck(Fault::Decorated).await.text();
    assert!(text.contains("<status>\n <![CDATA[0]]> </status>"));
    let decorated = xml::parse(&text);
    assert_eq!(
        decorated.child("orderInfo").unwrap().at("settlementName").trim(),
        orders[0].at("settlementName")
    );
    let text = struck(Fault::ExtraElements).await.text();
    let extra = xml::parse(&text);
    assert_eq!(extra.at("resultCount"), orders.len().to_string());
    assert!(text.rfind("<resultCount>") > text.rfind("</orderInfo>") && text.contains("<unknownElement>"));
    assert_eq!(extra.all("orderInfo").map(|o| o.at("orderId")).collect::<Vec<_>>().len(), orders.len());
    let withheld = xml::parse(&struck(Fault::Withhold).await.text());
    assert_eq!(withheld.all("orderInfo").cloned().collect::<Vec<_>>(), orders[1..]);
    assert!(struck(Fault::WrongShape).await.text().contains("<status><of>?</of></status>"));
    let number = orders[1].at("orderId").to_owned();
    for (place, path) in [("/requestPrice", "requestPrice"), ("/detail/0/unit", "detail/unit")] {
        let (orders, place) = ([number.clone()].into(), place.into());
        let tampered = xml::parse(&struck(Fault::Tamper { orders, place, value: json!("x") }).await.text());
        let shown: Vec<_> = tampered.all("orderInfo").map(|o| o.at(path)).collect();
        assert_eq!((shown[1], shown.iter().filter(|v| **v == "x").count()), ("x", 1));
    }
    let code = |code: &str| Fault::Auth { code: code.into() };
    assert_eq!(struck(code("0002")).await.status, 401);
    assert_eq!(errors(&struck(code("CME0022")).await)[0].0, "CME0022");
    let (body, effect, retry_after) = (Body::Html, false, 0);
    assert_eq!(struck(Fault::Status { status: 502, body, effect, retry_after }).await.status, 502);
    assert!(struck(Fault::Bom).await.text().starts_with("\u{feff}<?xml"));
    assert!(struck(Fault::EmptyBody).await.body.is_empty());
    assert!(!struck(Fault::Truncated).await.text().contains("</response>"));
    // One order spoils every answer it is in, a list of it alone too: by its number, not by the call.
    sim.world.set_faults(vec![Rule { order: number.clone(), fault: Fault::WrongShape, ..Rule::default() }]);
    assert!(call(&sim, ONE, &format!("&orderId={number}")).await.text().contains("<of>"));
    assert_eq!(call(&sim, LIST, TODAY).await.text(), plain, "lists name no order");
    assert_eq!(read_all(&sim, ALL, 1_000).await.len(), 2_401);
}
