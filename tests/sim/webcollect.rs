//! kuroneko-webcollect.md chapter 7: order of the checks, states, effects, books.

use std::time::Duration;

use mallsync::sim::{CART_SHOP, Maintenance, TRADER_CODE};
use serde_json::{Value, json};

use crate::client::{DAY, FORM, Sim, element, fixture, slip, start_time};

fn e01(order: &str, slip: &str) -> String {
    format!("function_div=E01&order_no={order}&slip_no={slip}&delivery_service_code=00")
}

async fn status(sim: &Sim, order: &str) -> String {
    let xml = sim.webcollect("tradeInfo", &format!("function_div=E04&order_no={order}")).await;
    element(&xml, "statusInfo")
}

#[tokio::test]
async fn checks_come_in_the_order_of_chapter_7() {
    let sim = Sim::start().await;
    let order = sim.capturable(0);
    let trader = format!("trader_code={TRADER_CODE}");
    let api = "/webcollect/api/";
    let test = "/webcollect/test_gateway/";
    let cases = [
        ("GET", format!("{api}shipmentEntry"), String::new(), "Z012000001"),
        ("POST", format!("{api}shipmentEntry"), String::new(), "Z012000002"),
        ("POST", format!("{api}shipmentEntry"), "function_div=E04".into(), "Z012000003"),
        ("POST", format!("{api}shipmentEntry"), "function_div=X99".into(), "Z012000003"),
        ("POST", format!("{api}shipmentEntry"), "function_div=E01".into(), "E011010201"),
        (
            "POST",
            format!("{api}tradeInfo"),
            "function_div=E04&trader_code=123456789012345678901".into(),
            "E041010202",
        ),
        ("POST", format!("{api}tradeInfo"), "function_div=E04&trader_code=12-4".into(), "E041010204"),
        ("POST", format!("{api}tradeInfo"), "function_div=E04&trader_code=123456789".into(), "Z012000007"),
        ("POST", format!("{api}credit"), format!("function_div=A01&{trader}"), "Z012000008"),
        (
            "POST",
            format!("{test}tradeInfo.api"),
            format!("function_div=E04&{trader}&reserve_1=E013000001"),
            "E013000001",
        ),
        (
            "POST",
            format!("{api}tradeInfo"),
            format!("function_div=E04&{trader}&order_no={order}&reserve_1=E013000001"),
            "",
        ),
        ("POST", format!("{api}tradeInfo"), format!("function_div=E04&{trader}"), "E041010301"),
        (
            "POST",
            format!("{api}tradeInfo"),
            format!("function_div=E04&{trader}&order_no=123456789012345678901234"),
            "E041010302",
        ),
        ("POST", format!("{api}tradeInfo"), format!("function_div=E04&{trader}&order_no=ab_1"), "E041010304"),
        (
            "POST",
            format!("{api}shipmentEntry"),
            format!("function_div=E01&{trader}&order_no=NOBODY&slip_no="),
            "E011010401",
        ),
        (
            "POST",
            format!("{api}shipmentEntry"),
            format!("function_div=E01&{trader}&order_no=NOBODY&slip_no=40001234567"),
            "E011010402",
        ),
        (
            "POST",
            format!("{api}shipmentEntry"),
            format!("function_div=E01&{trader}&order_no=NOBODY&slip_no=40001234567X"),
            "E011010404",
        ),
        (
            "POST",
            format!("{api}shipmentEntry"),
            format!("function_div=E01&{trader}&order_no=NOBODY&slip_no=400012345670"),
            "E011010351",
        ),
        (
            "POST",
            format!("{api}shipmentEntry"),
            format!("function_div=E01&{trader}&order_no={order}&slip_no=400012345671"),
            "E011010451",
        ),
    ];
    for (method, path, body, code) in cases {
        let reply = sim.send(method, &path, &FORM, &body).await;
        assert_eq!(reply.status, 200, "{path} {body}");
        assert!(reply.head.contains("text/xml; charset=UTF-8"));
        let xml = reply.text();
        assert_eq!(element(&xml, "errorCode"), code, "{path} {body}");
        assert_eq!(element(&xml, "returnCode"), if code.is_empty() { "0" } else { "1" });
    }
    for missing in [
        "/webcollect/api/shipmententry",
        "/webcollect/api/tradeInfo.api",
        "/webcollect/test_gateway/tradeInfo",
    ] {
        assert_eq!(sim.send("POST", missing, &FORM, "function_div=E04").await.status, 404, "{missing}");
    }
    assert_eq!(status(&sim, &order).await, "4", "a refused call changes nothing");
}

#[tokio::test]
async fn standing_conditions_refuse_in_their_place() {
    let sim = Sim::start().await;
    let look = format!("function_div=E04&order_no={}", sim.capturable(0));
    sim.world.switch(|s| s.webcollect.registered_address = Some("192.0.2.1".parse().unwrap()));
    assert_eq!(sim.code("tradeInfo", &look).await, "Z012000009");
    let xml = sim.webcollect("traderIp", "function_div=H01").await;
    assert_eq!(element(&xml, "ipAddress"), "127.0.0.1", "H01 shows the address that is refused");
    sim.world.switch(|s| s.webcollect.no_contract = true);
    assert_eq!(sim.code("tradeInfo", &look).await, "Z012000008");
    sim.world.switch(|s| s.webcollect.suspended = true);
    assert_eq!(sim.code("tradeInfo", &look).await, "Z012000007");
    sim.world.switch(|s| s.webcollect.maintenance = Maintenance::Code);
    assert_eq!(sim.code("tradeInfo", &look).await, "Z010000000");
    sim.world.switch(|s| s.webcollect.maintenance = Maintenance::Html);
    assert!(sim.webcollect("tradeInfo", &look).await.starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn answers_have_the_elements_of_the_samples() {
    let sim = Sim::start().await;
    let order = sim.capturable(0);
    let ours =
        |name: &str| fixture(name).trim().replace("123456789", TRADER_CODE).replace("20250401000123", &order);
    let names = |xml: &str| -> Vec<String> {
        let tags = xml.split('<').skip(2).filter(|t| !t.starts_with('/'));
        tags.map(|t| t.split(['>', '/']).next().unwrap().to_owned()).collect()
    };
    for (path, request, sample) in [
        ("shipmentEntry", "E01_shipmentEntry_yamato.request.txt", "E01_shipmentEntry_yamato_ok.response.xml"),
        ("tradeInfo", "E04_tradeInfo.request.txt", "E04_tradeInfo_captured_yamato.response.xml"),
    ] {
        let reply = sim.send("POST", &format!("/webcollect/api/{path}"), &FORM, &ours(request)).await;
        let (xml, sample) = (reply.text(), fixture(sample));
        assert_eq!(names(&xml), names(&sample));
        for element_name in
            ["returnCode", "statusInfo", "slipNo", "deliveryServiceCode", "extraSlipNo", "slipUrlPc"]
        {
            assert_eq!(element(&xml, element_name), element(&sample, element_name), "{element_name}");
        }
    }
    let none = sim.webcollect("tradeInfo", "function_div=E04&order_no=NOBODY").await;
    assert_eq!((element(&none, "returnCode"), element(&none, "resultCount")), ("0".into(), "0".into()));
}

#[tokio::test]
async fn a_settlement_is_captured_once_and_further_slips_add_nothing() {
    let sim = Sim::start().await;
    let order = sim.capturable(0);
    assert_eq!(status(&sim, &order).await, "4");
    assert_eq!(sim.code("shipmentEntry", &e01(&order, &slip(1))).await, "");
    assert_eq!(status(&sim, &order).await, "30");
    assert_eq!(sim.code("shipmentEntry", &e01(&order, &slip(1))).await, "E012000001");
    assert_eq!(sim.code("shipmentEntry", &e01(&order, &slip(2))).await, "");
    let book = sim.world.books().into_iter().find(|b| b.order_no == order).unwrap();
    assert_eq!((book.effective_captures, book.captures, book.repeated_captures), (1, 1, 1));
    assert_eq!(book.slips, [slip(1), slip(2)]);
    assert_eq!(sim.world.scan(Some(&order)), std::slice::from_ref(&order));
    assert_eq!(status(&sim, &order).await, "31");
    assert_eq!(sim.code("shipmentEntry", &e01(&order, &slip(3))).await, "E011010351");
    let (_, books) = sim.control("GET", "books", &Value::Null).await;
    assert_eq!(books[0]["effective_captures"], 1);
    assert_eq!(books.as_array().unwrap().len(), 1, "only what was touched is kept");
}

#[tokio::test]
async fn undo_and_cancel_take_the_capture_back() {
    let sim = Sim::start().await;
    let (one, two) = (sim.capturable(0), sim.capturable(1));
    let e02 = |order: &str, n| format!("function_div=E02&order_no={order}&slip_no={}", slip(n));
    assert_eq!(sim.code("shipmentCancel", &e02(&one, 1)).await, "E021010351");
    assert_eq!(sim.code("shipmentEntry", &e01(&one, &slip(1))).await, "");
    assert_eq!(sim.code("shipmentCancel", &e02(&one, 9)).await, "E022000001");
    assert_eq!(sim.code("shipmentCancel", &e02(&one, 1)).await, "");
    assert_eq!(status(&sim, &one).await, "4");
    assert_eq!(sim.code("shipmentEntry", &e01(&one, &slip(2))).await, "");
    let book = |sim: &Sim, order: &str| sim.world.books().into_iter().find(|b| b.order_no == order).unwrap();
    assert_eq!((book(&sim, &one).effective_captures, book(&sim, &one).captures), (1, 2));
    let a06 = |order: &str| format!("function_div=A06&order_no={order}");
    assert_eq!(sim.code("creditCancel", &a06(&one)).await, "");
    assert_eq!(status(&sim, &one).await, "40");
    assert_eq!(book(&sim, &one).effective_captures, 0);
    assert_eq!(sim.code("creditCancel", &a06(&one)).await, "A062010003");
    assert_eq!(sim.code("creditCancel", &a06("NOBODY")).await, "A062010001");
    assert_eq!(sim.code("shipmentEntry", &e01(&two, &slip(2))).await, "", "a released slip is free again");
    sim.world.deliver(None);
    assert_eq!(sim.code("creditCancel", &a06(&two)).await, "A062010004");
}

#[tokio::test]
async fn one_slip_carries_three_orders_at_most() {
    let sim = Sim::start().await;
    let orders: Vec<String> = (0..4).map(|n| sim.capturable(n)).collect();
    for order in &orders[..3] {
        assert_eq!(sim.code("shipmentEntry", &e01(order, &slip(1))).await, "");
    }
    assert_eq!(sim.code("shipmentEntry", &e01(&orders[3], &slip(1))).await, "E012000004");
    assert_eq!(sim.code("shipmentEntry", &e01(&orders[0], &slip(2))).await, "E012000006");
    let e02 = format!("function_div=E02&order_no={}&slip_no={}", orders[0], slip(1));
    assert_eq!(sim.code("shipmentCancel", &e02).await, "E022000002");
    let a07 = format!("function_div=A07&order_no={}&new_price=1", orders[0]);
    assert_eq!(sim.code("creditChangePrice", &a07).await, "A073000002");
    let other = format!("function_div=E01&order_no={0}&slip_no={0}&delivery_service_code=99", orders[3]);
    let xml = sim.webcollect("shipmentEntry", &other).await;
    assert!(xml.contains("<slipUrlPc/>"));
    assert_eq!(sim.code("shipmentEntry", &other).await, "E012000001");
    let look = sim.webcollect("tradeInfo", &format!("function_div=E04&order_no={}", orders[3])).await;
    assert_eq!(element(&look, "extraSlipNo"), orders[3]);
    assert!(look.contains("<slipNo/>"));
}

#[tokio::test]
async fn amounts_and_authorisations_change_outside_the_night() {
    let sim = Sim::start().await;
    let order = sim.capturable(0);
    let look = format!("function_div=E04&order_no={order}");
    let price: i64 = element(&sim.webcollect("tradeInfo", &look).await, "settlePrice").parse().unwrap();
    let a07 = |price: i64| format!("function_div=A07&order_no={order}&new_price={price}");
    let a11 = format!("function_div=A11&order_no={order}");
    for (body, code) in [
        (a07(0), "A071010471"),
        (a07(300_001), "A071010472"),
        (a07(12_345_678), "A071010402"),
        (format!("function_div=A07&order_no={order}&new_price=1,000"), "A071010404"),
        (a07(price), "A074000001"),
        (a07(price - 100), ""),
    ] {
        assert_eq!(sim.code("creditChangePrice", &body).await, code, "{body}");
    }
    let before = sim.webcollect("tradeInfo", &look).await;
    assert_eq!(element(&before, "settlePrice"), (price - 100).to_string());
    sim.clock.advance(DAY);
    assert_eq!(sim.code("reAuth", &a11).await, "");
    let after = sim.webcollect("tradeInfo", &look).await;
    assert_ne!(element(&before, "crdCResCd"), element(&after, "crdCResCd"));
    assert_eq!(element(&after, "crdCResDate"), "20260422120000");
    sim.clock.advance(Duration::from_secs(11 * 3_600));
    assert_eq!(sim.code("reAuth", &a11).await, "A110000000");
    assert_eq!(sim.code("creditChangePrice", &a07(price)).await, "A070000000");
    sim.clock.advance(Duration::from_secs(2 * 3_600));
    sim.world.switch(|s| {
        s.webcollect.declined.insert(order.clone());
    });
    assert_eq!(sim.code("creditChangePrice", &a07(price)).await, "A076000001");
    assert_eq!(sim.code("reAuth", &a11).await, "A112000004");
    sim.clock.set(start_time() + DAY * 70);
    assert_eq!(sim.code("reAuth", &a11).await, "A112000002", "past its validity");
}

#[tokio::test]
async fn look_ups_may_be_stale_for_a_minute() {
    let sim = Sim::start().await;
    sim.world.switch(|s| s.webcollect.stale_reads = true);
    let order = sim.capturable(0);
    assert_eq!(sim.code("shipmentEntry", &e01(&order, &slip(1))).await, "");
    assert_eq!(status(&sim, &order).await, "4");
    sim.clock.advance(Duration::from_secs(60));
    assert_eq!(status(&sim, &order).await, "30");
}

#[tokio::test]
async fn oddities_are_told_by_the_truth() {
    let sim = Sim::with(|o| o.oddities = true).await;
    let cards: Vec<_> = sim.world.truth(CART_SHOP).filter(|f| f.reception_number.is_some()).collect();
    let (mut fine, mut odd) = (0, 0);
    for fact in &cards {
        let order = fact.reception_number.as_ref().unwrap();
        let xml = sim.webcollect("tradeInfo", &format!("function_div=E04&order_no={order}")).await;
        let sound = element(&xml, "statusInfo") == "4"
            && fact.due.is_none_or(|due| element(&xml, "settlePrice") == due.to_string());
        assert!(sound || !fact.capturable, "{order}");
        fine += u32::from(sound);
        odd += u32::from(!sound);
    }
    assert!(fine > 1_000 && odd > 5, "{fine} {odd}");
    let (status, facts) = sim.control("GET", "truth/own-shop?from=3&count=2", &Value::Null).await;
    assert_eq!((status, facts[0]["index"].as_u64(), facts.as_array().unwrap().len()), (200, Some(3), 2));
    assert_eq!(sim.control("PUT", "switches", &json!({ "webcollect": { "suspendet": true } })).await.0, 400);
    let (_, switches) = sim.control("PUT", "switches", &json!({ "webcollect": { "suspended": true } })).await;
    assert_eq!(
        (&switches["webcollect"]["suspended"], &switches["webcollect"]["night_window"]),
        (&json!(true), &json!(true))
    );
}
