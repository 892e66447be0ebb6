//! rakuten-rms.md §2 to §8 and §12.

use std::collections::BTreeSet;
use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::sim::{Key, Maintenance};
use serde_json::{Value, json};

use crate::client::{
    DAY, Sim, authorization, header, json_fixture, parse, rakuten_headers, request, start_time,
};

const SEARCH: &str = "/rakuten/es/2.0/order/searchOrder/";

fn stamp(at: Timestamp) -> String {
    at.jst().format("%Y-%m-%dT%H:%M:%S%z").to_string()
}

fn search(from: Timestamp, to: Timestamp, size: u64, page: u64) -> Value {
    json!({
        "dateType": 1, "startDatetime": stamp(from), "endDatetime": stamp(to),
        "PaginationRequestModel": {
            "requestRecordsAmount": size, "requestPage": page,
            "SortModelList": [{ "sortColumn": 1, "sortDirection": 1 }],
        },
    })
}

fn codes(answer: &Value) -> Vec<(&str, &str)> {
    let messages = answer["MessageModelList"].as_array().unwrap();
    messages
        .iter()
        .map(|m| {
            let code = m["messageCode"].as_str().unwrap();
            (&code[code.len() - 3..], m["message"].as_str().unwrap())
        })
        .collect()
}

fn numbers(answer: &Value) -> Vec<String> {
    let list = answer["orderNumberList"].as_array().unwrap();
    list.iter().map(|n| n.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn refusals_outside_the_envelope_have_the_shapes_of_chapter_7() {
    let sim = Sim::start().await;
    let body = search(start_time() - DAY, start_time(), 30, 1).to_string();
    let good = authorization("SP345678_sim", "SL345678_sim");
    let json_type = "application/json; charset=utf-8";
    let bad_key = authorization("SP345678_sim", "SL345678_other");
    let (good, bad_key) = (good.as_str(), bad_key.as_str());
    let cases = [
        ("POST", SEARCH, None, json_type, 401, "ES01-01"),
        ("POST", SEARCH, Some("ESA bm90aGluZw=="), json_type, 401, "ES01-01"),
        ("POST", SEARCH, Some(bad_key), json_type, 401, "ES01-01"),
        ("POST", SEARCH, Some(good), "application/json", 415, "ES04-03"),
        ("POST", SEARCH, Some(good), "text/plain; charset=utf-8", 415, "ES04-03"),
        ("GET", SEARCH, Some(good), json_type, 405, ""),
        ("POST", "/rakuten/es/2.0/order/nothing/", Some(good), json_type, 404, ""),
        ("POST", "/rakuten/es/2.0/order/searchorder/", Some(good), json_type, 404, ""),
        ("POST", "/elsewhere", Some(good), json_type, 404, ""),
    ];
    for (method, path, authorization, content_type, status, code) in cases {
        let mut headers = vec![("Content-Type", content_type)];
        headers.extend(authorization.map(|a| ("Authorization", a)));
        let reply = sim.send(method, path, &headers, &body).await;
        assert_eq!(reply.status, status, "{method} {path} {content_type}");
        if !code.is_empty() {
            assert_eq!(reply.json()["Results"]["errorCode"], code);
        }
    }
    for spacing in ["application/json;charset=UTF-8", "application/json ; charset=\"utf-8\""] {
        let headers = [("Content-Type", spacing), ("Authorization", good)];
        assert_eq!(sim.send("POST", SEARCH.trim_end_matches('/'), &headers, &body).await.status, 200);
    }
    sim.world.switch(|s| {
        s.rakuten.functions_off.insert("getOrder".into());
    });
    let (status, answer) = sim.rakuten("getOrder", &json_fixture("10-getOrder-request.json")).await;
    assert_eq!((status, &answer["Results"]["errorCode"]), (401, &json!("ES04-01")));
    assert_eq!(sim.rakuten("searchOrder", &serde_json::from_str(&body).unwrap()).await.0, 200);
    sim.world.switch(|s| s.rakuten.newer_gateway = true);
    sim.world.set_keys("rakuten-main", Vec::new());
    let (status, answer) = sim.rakuten("searchOrder", &json!({})).await;
    assert_eq!((status, &answer["errors"][0]["code"]), (401, &json!("GA0001")));
    sim.world.switch(|s| s.rakuten.maintenance = Maintenance::Code);
    let (status, answer) = sim.rakuten("searchOrder", &json!({})).await;
    assert_eq!((status, &answer["Results"]["errorCode"]), (503, &json!("ES01-02")));
}

#[tokio::test]
async fn keys_die_are_young_and_are_followed_by_others() {
    let sim = Sim::start().await;
    let body = search(start_time() - DAY, start_time(), 30, 1);
    let expiry = "/rakuten/es/1.0/license-management/license-key/expiry-date?licenseKey=SL345678_sim";
    let answer = sim.send("GET", expiry, &rakuten_headers(), "").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"expiryDate":"2026-06-20T23:59:59"}"#));

    sim.clock.advance(DAY * 61);
    assert_eq!(sim.rakuten("searchOrder", &body).await.0, 401, "expired");
    assert_eq!(sim.send("GET", expiry, &rakuten_headers(), "").await.status, 401);
    let next = authorization("SP345678_sim", "SL345678_sim_next");
    let headers = [("Authorization", next.as_str()), rakuten_headers()[1]];
    assert_eq!(sim.send("POST", SEARCH, &headers, &body.to_string()).await.status, 200);

    let now = start_time() + DAY * 61;
    let young = Key {
        key: "SL345678_sim".into(),
        works_from: now + Duration::from_secs(3_600),
        expires: Key::end_of_day(now + DAY * 90),
        dead: false,
    };
    assert!(sim.world.set_keys("rakuten-main", vec![young]));
    let (status, answer) = sim.rakuten("searchOrder", &body).await;
    assert_eq!((status, &answer["Results"]["errorCode"]), (401, &json!("ES04-01")));
    sim.clock.advance(Duration::from_secs(3_600));
    assert_eq!(sim.rakuten("searchOrder", &body).await.0, 200);
    assert!(sim.world.set_keys("rakuten-main", vec![Key { dead: true, ..lasting() }]));
    assert_eq!(sim.rakuten("searchOrder", &body).await.0, 401, "withdrawn");
}

#[tokio::test]
async fn search_names_each_bad_member_once() {
    let sim = Sim::start().await;
    let (status, answer) = sim.rakuten("searchOrder", &json_fixture("04-searchOrder-request-bad.json")).await;
    assert_eq!(status, 400);
    assert_eq!(answer, json_fixture("05-searchOrder-response-bad.json"));

    let good = search(start_time() - DAY, start_time(), 30, 1);
    let cases = [
        ("startDatetime", json!("2026-04-20T12:00:00Z"), "011", "startDatetime"),
        ("startDatetime", json!("2026-04-20T12:00:00+0000"), "011", "startDatetime"),
        ("startDatetime", json!("2026-04-20T12:00:00.000+0900"), "011", "startDatetime"),
        ("startDatetime", json!("2026-04-20 12:00:00+0900"), "011", "startDatetime"),
        ("startDatetime", json!("2026-04-20"), "011", "startDatetime"),
        ("startDatetime", json!("2026-02-30T12:00:00+0900"), "011", "startDatetime"),
        ("startDatetime", json!("2024-04-20T11:59:59+0900"), "011", "startDatetime"),
        ("startDatetime", json!("2026-02-17T11:59:59+0900"), "011", "endDatetime"),
        ("endDatetime", json!(null), "010", "endDatetime"),
        ("endDatetime", json!("2026-04-19T00:00:00+0900"), "011", "endDatetime"),
        ("dateType", json!(7), "011", "dateType"),
        ("orderProgressList", json!([100, "x"]), "011", "orderProgressList"),
        ("subStatusIdList", json!([-1]), "009", "orderProgressList"),
        ("asurakuFlag", json!(2), "011", "asurakuFlag"),
        ("PaginationRequestModel", json!({ "requestPage": 1 }), "009", "requestRecordsAmount"),
        (
            "PaginationRequestModel",
            json!({ "requestRecordsAmount": 1_001, "requestPage": 1 }),
            "011",
            "requestRecordsAmount",
        ),
        (
            "PaginationRequestModel",
            json!({ "requestRecordsAmount": 30, "requestPage": 0 }),
            "011",
            "requestPage",
        ),
    ];
    for (member, value, code, named) in cases {
        let mut body = good.clone();
        body[member] = value.clone();
        let (status, answer) = sim.rakuten("searchOrder", &body).await;
        assert_eq!(status, 400, "{member} {value}");
        let found = codes(&answer);
        assert_eq!(found.len(), 1, "{member} {value}: {found:?}");
        assert!(found[0].0 == code && found[0].1.starts_with(named), "{member} {value}: {found:?}");
        assert!(answer["orderNumberList"].is_null() && answer["PaginationResponseModel"].is_null());
    }
    // 63 days to the second pass; date type 0 is a trap and finds nothing; a number may come as text.
    let (status, _) = sim.rakuten("searchOrder", &search(start_time() - DAY * 63, start_time(), 1, 1)).await;
    assert_eq!(status, 200);
    let mut trap = good.clone();
    trap["dateType"] = json!("0");
    assert_eq!(
        sim.rakuten("searchOrder", &trap).await,
        (200, json_fixture("03-searchOrder-response-empty.json"))
    );
}

#[tokio::test]
async fn requests_as_in_the_samples_are_accepted() {
    let sim = Sim::start().await;
    let (status, answer) = sim.rakuten("searchOrder", &json_fixture("01-searchOrder-request.json")).await;
    assert_eq!((status, answer["MessageModelList"][0]["messageType"].as_str()), (200, Some("INFO")));
    let (status, _) =
        sim.rakuten("searchOrder", &json_fixture("06-searchOrder-request-all-fields.json")).await;
    assert_eq!(status, 200);
    let (status, answer) = sim.rakuten("getOrder", &json_fixture("10-getOrder-request.json")).await;
    assert_eq!((status, codes(&answer).len()), (200, 3), "unknown numbers are named one by one");
    assert_eq!(answer["OrderModelList"], json!([]));
}

#[tokio::test]
async fn pages_are_stable_while_orders_arrive_and_end_with_nulls() {
    let sim = Sim::start().await;
    let (from, to) = (start_time() - DAY * 10, start_time() - DAY);
    let mut all = Vec::new();
    let mut pages = 1;
    let mut page = 1;
    while page <= pages {
        let (status, answer) = sim.rakuten("searchOrder", &search(from, to, 100, page)).await;
        assert_eq!(status, 200);
        pages = answer["PaginationResponseModel"]["totalPages"].as_u64().unwrap();
        assert_eq!(answer["PaginationResponseModel"]["requestPage"], page);
        all.extend(numbers(&answer));
        page += 1;
        sim.clock.advance(Duration::from_secs(3_600));
    }
    let expected: Vec<String> = sim
        .world
        .truth("rakuten-main")
        .filter(|f| from <= f.ordered_at && f.ordered_at <= to)
        .map(|f| f.order_number)
        .collect();
    assert!(expected.len() > 300);
    assert_eq!(all, expected);
    let beyond = sim.rakuten("searchOrder", &search(from, to, 100, page)).await;
    assert_eq!(beyond, (200, json_fixture("03-searchOrder-response-empty.json")));
    // The default order is descending, and a mis-cased member has no effect.
    let mut body = search(from, to, 1_000, 1);
    body["PaginationRequestModel"]["sortModelList"] = body["PaginationRequestModel"]["SortModelList"].take();
    let (_, answer) = sim.rakuten("searchOrder", &body).await;
    assert!(numbers(&answer).iter().rev().eq(&expected));
}

#[tokio::test]
async fn only_15000_hits_can_be_read() {
    let sim = Sim::with(|o| {
        o.rakuten[0].orders = mallsync::sim::Catalogue::spread(start_time(), DAY * 20, 16_000);
    })
    .await;
    let (from, to) = (start_time() - DAY * 20, start_time());
    let (_, answer) = sim.rakuten("searchOrder", &search(from, to, 1_000, 15)).await;
    assert_eq!(numbers(&answer).len(), 1_000);
    assert_eq!(answer["PaginationResponseModel"]["totalRecordsAmount"], 16_000);
    let (_, answer) = sim.rakuten("searchOrder", &search(from, to, 1_000, 16)).await;
    assert_eq!(numbers(&answer).len(), 0);
    sim.world.switch(|s| s.rakuten.capped_total = true);
    let (_, answer) = sim.rakuten("searchOrder", &search(from, to, 1_000, 1)).await;
    assert_eq!(answer["PaginationResponseModel"]["totalRecordsAmount"], 15_000);
}

#[tokio::test]
async fn filters_find_what_the_orders_say() {
    let sim = Sim::start().await;
    let mut body = search(start_time() - DAY * 60, start_time(), 1_000, 1);
    body["orderProgressList"] = json!([300, 800]);
    let (_, answer) = sim.rakuten("searchOrder", &body).await;
    let expected: Vec<String> = sim
        .world
        .truth("rakuten-main")
        .filter(|f| f.ordered_at >= start_time() - DAY * 60 && ["300", "800"].contains(&f.status.as_str()))
        .map(|f| f.order_number)
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(numbers(&answer), expected);
    let mut body = search(start_time() - DAY * 60, start_time(), 1_000, 1);
    body["settlementMethod"] = json!(2);
    body["searchKeywordType"] = json!(7);
    body["searchKeyword"] = json!("TEA-100-M");
    let (_, answer) = sim.rakuten("searchOrder", &body).await;
    let found: BTreeSet<String> = numbers(&answer).into_iter().collect();
    assert!(!found.is_empty());
    let list: Vec<&String> = found.iter().take(100).collect();
    let (_, orders) = sim.rakuten("getOrder", &json!({ "orderNumberList": list, "version": 10 })).await;
    for order in orders["OrderModelList"].as_array().unwrap() {
        assert_eq!(order["SettlementModel"]["settlementMethodCode"], 2);
        assert!(order.to_string().contains("TEA-100-M"));
    }
}

#[tokio::test]
async fn get_order_checks_its_request() {
    let sim = Sim::start().await;
    let first = sim.world.truth("rakuten-main").next().unwrap().order_number;
    let no_version = sim.rakuten("getOrder", &json!({ "orderNumberList": [first] })).await;
    assert_eq!(no_version, (400, json_fixture("20-getOrder-response-error-no-version.json")));
    let many: Vec<String> = (0..101).map(|n| format!("{n}")).collect();
    for (body, code) in [
        (json!({ "orderNumberList": [first], "version": 2 }), "011"),
        (json!({ "orderNumberList": [first], "version": 11 }), "011"),
        (json!({ "orderNumberList": [first], "version": "" }), "010"),
        (json!({ "orderNumberList": [], "version": 10 }), "010"),
        (json!({ "version": 10 }), "009"),
        (json!({ "ordernumberlist": [first], "version": 10 }), "009"),
        (json!({ "orderNumberList": many, "version": 10 }), "011"),
    ] {
        let (status, answer) = sim.rakuten("getOrder", &body).await;
        assert_eq!((status, codes(&answer)[0].0), (400, code), "{body}");
    }
    let unknown = json!({ "orderNumberList": ["345678-20260403-0999999998"], "version": "10" });
    assert_eq!(
        sim.rakuten("getOrder", &unknown).await,
        (200, json_fixture("18-getOrder-response-none-found.json"))
    );
    sim.clock.advance(DAY * 700);
    sim.world.set_keys("rakuten-main", vec![lasting()]);
    let old = json!({ "orderNumberList": [first], "version": 10 });
    assert_eq!(codes(&sim.rakuten("getOrder", &old).await.1)[0].0, "102", "older than 730 days");
    sim.world.switch(|s| s.rakuten.max_version = 8);
    let (status, _) = sim.rakuten("getOrder", &json!({ "orderNumberList": [first], "version": 9 })).await;
    assert_eq!(status, 400);
}

fn lasting() -> Key {
    let expires = start_time() + DAY * 1_000;
    Key { key: "SL345678_sim".into(), works_from: start_time(), expires, dead: false }
}

fn members(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn editions_hide_what_came_later() {
    let sim = Sim::start().await;
    let plain: Vec<String> = sim.world.truth("rakuten-main").take(40).map(|f| f.order_number).collect();
    for (version, sample) in
        [(10, "11-getOrder-response-multi-package.json"), (3, "24-getOrder-response-version3.json")]
    {
        let (_, answer) =
            sim.rakuten("getOrder", &json!({ "orderNumberList": plain, "version": version })).await;
        let sample = json_fixture(sample);
        assert_eq!(answer.get("version"), (version > 5).then_some(&json!(version)));
        let ours = answer["OrderModelList"]
            .as_array()
            .unwrap()
            .iter()
            .find(|o| o.get("FutureModel").is_none())
            .unwrap();
        let theirs = &sample["OrderModelList"][0];
        assert_eq!(members(ours), members(theirs), "order, edition {version}");
        let package = |o: &Value| o["PackageModelList"][0].clone();
        assert_eq!(members(&package(ours)), members(&package(theirs)), "package, edition {version}");
        for model in ["OrdererModel", "SettlementModel", "DeliveryModel", "PointModel"] {
            assert_eq!(members(&ours[model]), members(&theirs[model]), "{model}");
        }
        let item = |o: &Value| package(o)["ItemModelList"][0].clone();
        assert_eq!(members(&item(ours)), members(&item(theirs)), "item, edition {version}");
        assert_eq!(members(&ours["TaxSummaryModelList"][0]), members(&theirs["TaxSummaryModelList"][0]));
    }
}

#[tokio::test]
async fn amounts_that_are_not_fixed_become_fixed() {
    let sim = Sim::with(|o| o.rakuten[0].orders.first_at = start_time() + Duration::from_secs(60)).await;
    sim.clock.advance(DAY * 2);
    let soon = start_time() + DAY * 2;
    let waiting =
        sim.world.truth("rakuten-main").find(|f| f.due.is_none()).expect("one waits for its postage");
    let read = json!({ "orderNumberList": [waiting.order_number], "version": 10 });
    let (_, answer) = sim.rakuten("getOrder", &read).await;
    let order = &answer["OrderModelList"][0];
    assert_eq!(order["orderProgress"], 100);
    for member in ["postagePrice", "totalPrice", "requestPrice"] {
        assert_eq!(order[member], -9_999);
    }
    assert_eq!(order["PackageModelList"][0]["postagePrice"], -9_999);
    sim.clock.set(soon + DAY);
    let (_, answer) = sim.rakuten("getOrder", &read).await;
    let fixed = sim.world.truth("rakuten-main").nth(usize::try_from(waiting.index).unwrap()).unwrap();
    assert!(fixed.due.unwrap() > 0);
    assert_eq!(answer["OrderModelList"][0]["requestPrice"], fixed.due.unwrap());
    assert!(!answer["OrderModelList"][0].to_string().contains("-9999"));
}

#[tokio::test]
async fn pace_is_counted_always_and_enforced_on_demand() {
    let sim = Sim::start().await;
    let body = search(start_time() - DAY, start_time(), 1, 1);
    for (step, violations) in [(1_000, 0), (1_000, 0), (990, 0), (989, 1), (0, 2), (1_000, 2)] {
        sim.clock.advance(Duration::from_millis(step));
        assert_eq!(sim.rakuten("searchOrder", &body).await.0, 200);
        assert_eq!(sim.world.rate_violations(), violations, "{step} ms");
    }
    sim.world.switch(|s| s.rakuten.enforce_rate = true);
    let refused = sim.send("POST", SEARCH, &rakuten_headers(), &body.to_string()).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("<message>QPSLimit</message>"));
    sim.clock.advance(Duration::from_secs(1));
    assert_eq!(sim.rakuten("searchOrder", &body).await.0, 200);
    let (_, state) = sim.control("GET", "state", &Value::Null).await;
    assert_eq!(state["rate_violations"], 3);
    assert_eq!(state["early_calls"].as_array().unwrap().len(), 3);
    assert_eq!(state["counts"]["rakuten.searchOrder"], 8);
}

#[tokio::test]
async fn an_order_may_lag_between_search_and_get() {
    let sim = Sim::start().await;
    let newest = sim.world.truth("rakuten-main").last().unwrap();
    sim.clock.set(newest.ordered_at + Duration::from_secs(10));
    sim.world.switch(|s| s.rakuten.get_lag_s = 300);
    let read = json!({ "orderNumberList": [newest.order_number], "version": 10 });
    assert_eq!(codes(&sim.rakuten("getOrder", &read).await.1)[0].0, "102");
    sim.clock.advance(Duration::from_secs(300));
    assert_eq!(codes(&sim.rakuten("getOrder", &read).await.1)[0].0, "101");
    assert!(sim.world.cancel_rakuten(&newest.order_number));
    assert_eq!(sim.rakuten("getOrder", &read).await.1["OrderModelList"][0]["orderProgress"], 900);
    assert!(!sim.world.cancel_rakuten("345678-20260403-0999999998"));
}

#[tokio::test]
async fn a_connection_carries_several_requests() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let sim = Sim::start().await;
    let mut stream = sim.connect().await;
    let one = String::from_utf8(request("GET", "/_sim/state", &[], "")).unwrap();
    let kept = one.replace("Connection: close", "Connection: keep-alive");
    stream.write_all(format!("{kept}{one}").as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2);
    let last = text.rfind("HTTP/1.1").unwrap();
    assert_eq!(header(&parse(&bytes[last..]).head, "connection").as_deref(), Some("close"));
    sim.server.stop().await;
}
