//! Rakuten: samples through the parser (rakuten-rms.md), and calls against a scripted server.

#![cfg(test)]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use mallsync::clock::{Ambient, ManualClock, Timestamp};
use mallsync::domain::account::{Bucket, Level};
use mallsync::domain::ids::OrderRef;
use mallsync::domain::order::{PendingReason, Status};
use mallsync::http::{Call, Client, ClientSpec, Closed, Fault, Gate, Response};
use mallsync::malls::rakuten::auth::Credentials;
use mallsync::malls::rakuten::wire::{Envelope, ExpiryAnswer, GetAnswer, SearchAnswer, decode};
use mallsync::malls::rakuten::{Rakuten, check, get, read_order, read_orders, search};
use mallsync::malls::{Details, Mall, Scope, Stream};
use mallsync::secret::Secret;
use proptest::prelude::*;
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rakuten")
}

fn sample(name: &str) -> Value {
    let text = std::fs::read_to_string(fixtures().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-04-04T12:00:00+09:00").unwrap()
}

fn response(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Response {
    Response {
        status,
        headers: headers.iter().map(|(n, v)| (n.to_lowercase(), (*v).to_owned())).collect(),
        body: Bytes::copy_from_slice(body),
        sent_at: now(),
        server_time: None,
    }
}

/// Every response sample with its function, as the HTTP answer it stands for.
fn answers() -> Vec<(String, String, Response)> {
    let index = sample("index.json");
    let mut answers = Vec::new();
    for entry in index["files"].as_array().unwrap() {
        let file = entry["file"].as_str().unwrap().to_owned();
        let function = entry["function"].as_str().unwrap().to_owned();
        let body = sample(&file);
        match entry["kind"].as_str().unwrap() {
            "response" => {
                let status = u16::try_from(entry["httpStatus"].as_u64().unwrap()).unwrap();
                let json = [("content-type", "application/json;charset=UTF-8")];
                answers.push((file, function, response(status, &json, body.to_string().as_bytes())));
            }
            "http" => {
                let status = u16::try_from(body["httpStatus"].as_u64().unwrap()).unwrap();
                let kind = body["headers"]["Content-Type"].as_str().unwrap();
                let text = body["bodyText"].as_str().unwrap().as_bytes();
                answers.push((file, function, response(status, &[("content-type", kind)], text)));
            }
            _ => {}
        }
    }
    assert!(answers.len() > 30);
    answers
}

fn messages(answer: &impl Envelope) -> String {
    let messages = answer.messages().unwrap_or_default();
    messages.iter().map(|m| m.code().to_owned()).collect::<Vec<_>>().join(", ")
}

fn outcome(function: &str, response: &Response) -> Result<String, Fault> {
    match function {
        "searchOrder" => {
            decode::<SearchAnswer>(response).map(|a| format!("{} numbers; {}", a.numbers.len(), messages(&a)))
        }
        "license-key/expiry-date" => {
            decode::<ExpiryAnswer>(response).map(|a| format!("{:?}", a.expiry_date.trimmed()))
        }
        _ => decode::<GetAnswer>(response).map(|a| format!("{} orders; {}", a.orders.len(), messages(&a))),
    }
}

/// What `details` makes of a sample, when exactly its numbers and `extra` were asked for.
fn details(file: &str, extra: &[&str]) -> Details {
    details_of(&sample(file), extra)
}

fn details_of(body: &Value, extra: &[&str]) -> Details {
    let answer = decode::<GetAnswer>(&response(200, &[], body.to_string().as_bytes())).unwrap();
    let refs: Vec<OrderRef> = extra.iter().map(|n| OrderRef::new(*n)).collect();
    read_orders(&answer, &refs, now())
}

fn get_order_samples() -> Vec<String> {
    let files = answers().into_iter().filter(|(_, function, r)| function == "getOrder" && r.status == 200);
    files.map(|(file, ..)| file).collect()
}

#[test]
fn every_answer_has_its_meaning() {
    let outcomes: Vec<String> = answers()
        .iter()
        .map(|(file, function, response)| match outcome(function, response) {
            Ok(data) => format!("{file}: {data}"),
            Err(fault) => format!("{file}: {} | {fault}", fault.kind()),
        })
        .collect();
    insta::assert_json_snapshot!(outcomes);
}

#[test]
fn every_order_lands_in_the_one_shape() {
    for file in get_order_samples() {
        let details = details(&file, &[]);
        assert!(details.bad.is_empty(), "{file}: {:?}", details.bad);
        let orders: Vec<_> = details.orders.iter().map(|f| &f.order).collect();
        insta::assert_json_snapshot!(file.trim_end_matches(".json"), orders);
    }
}

#[test]
fn missing_numbers_are_missing_whether_the_answer_says_so_or_not() {
    let asked = ["345678-20260403-0301000025", "345678-20240101-0000000001", "never-mentioned"];
    let read = details("17-getOrder-response-partial-missing.json", &asked);
    assert_eq!(read.orders.len(), 1);
    let missing: Vec<_> = read.missing.iter().map(|r| r.mall_order_id.as_str()).collect();
    assert_eq!(missing, asked[1..]);
    let read = details("18-getOrder-response-none-found.json", &asked);
    assert_eq!((read.orders.len(), read.missing.len()), (0, 3));
}

#[test]
fn one_bad_order_does_not_spoil_the_others() {
    let mut body = sample("16-getOrder-response-unfixed-prepay-check.json");
    body["OrderModelList"][1]["PackageModelList"][0]["ItemModelList"][0]["units"] = json!("山田太郎");
    body["OrderModelList"][2]["orderNumber"] = json!(null);
    let read = details_of(&body, &["345678-20260403-0301000031", "345678-20260403-0301000032"]);
    assert_eq!(read.orders.len(), 1);
    assert_eq!(read.bad.len(), 2);
    assert_eq!(read.bad[0].mall_order_id, "345678-20260403-0301000032");
    assert_eq!(read.bad[0].reason, "PackageModelList[0].ItemModelList[0].units: has an unexpected form");
    assert_eq!(read.bad[1].mall_order_id, "getOrder answer, entry 3");
    assert!(read.missing.is_empty(), "a bad order is not a missing one");
}

#[test]
fn what_the_contract_says_to_drop_is_not_kept() {
    let dropped = ["cardNumber", "cardOwner", "cardYm", "sex", "birthYear", "birthMonth", "birthDay"];
    for file in get_order_samples() {
        let body = sample(&file);
        let read = details(&file, &[]);
        for (fetched, sent) in read.orders.iter().zip(body["OrderModelList"].as_array().unwrap()) {
            let mut sent = sent.clone();
            each_object(&mut sent, &mut |o| o.retain(|key, _| !dropped.contains(&key.as_str())));
            assert_eq!(serde_json::from_slice::<Value>(&fetched.raw).unwrap(), sent, "{file}");
            assert!(!String::from_utf8(fetched.raw.clone()).unwrap().contains("MIHON"), "{file}");
        }
    }
}

#[test]
fn requests_are_those_of_the_contract() {
    let at = |t: &str| Timestamp::parse(t).unwrap();
    let span = (at("2026-04-01T00:00:00+09:00"), at("2026-04-03T23:59:59.999+09:00"));
    let asked = search(Some(&[100, 200, 300, 400, 800]), 1, span, (5, 1)).unwrap();
    let sent: Value = serde_json::from_slice(&asked.json).unwrap();
    assert_eq!(sent, sample("01-searchOrder-request.json"));
    let wanted = sample("10-getOrder-request.json");
    let numbers = wanted["orderNumberList"].as_array().unwrap();
    let numbers: Vec<_> = numbers.iter().map(|n| OrderRef::new(n.as_str().unwrap())).collect();
    let asked = get(&numbers.iter().collect::<Vec<_>>(), 10).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&asked.json).unwrap(), wanted);
}

#[test]
fn every_prefix_of_every_answer_is_a_fault() {
    for (file, function, whole) in answers() {
        for end in 0..whole.body.len() {
            let cut = Response { body: whole.body.slice(..end), ..whole.clone() };
            let fault = outcome(&function, &cut).expect_err(&file);
            if whole.status == 200 {
                // Not `malformed`: that would halve a batch in search of a bad order.
                assert_eq!(fault.kind(), "transient", "{file} cut after {end} bytes");
            }
        }
    }
}

#[test]
fn envelopes_that_no_sample_shows() {
    let html = "<!DOCTYPE html><html><body>メンテナンス中</body></html>".as_bytes();
    let kind = |status, headers: &[(&str, &str)], body: &[u8]| {
        outcome("getOrder", &response(status, headers, body)).unwrap_err()
    };
    assert_eq!(kind(503, &[("content-type", "text/html; charset=UTF-8")], html).kind(), "maintenance");
    assert_eq!(kind(200, &[("content-type", "text/html")], html).kind(), "transient");
    assert_eq!(kind(500, &[], b"oops").kind(), "transient");
    assert_eq!(kind(502, &[], html).kind(), "transient");
    assert_eq!(kind(404, &[], b"").kind(), "rejected");
    assert_eq!(kind(405, &[], b"").kind(), "rejected");
    assert_eq!(kind(401, &[], b"").kind(), "auth");
    let access =
        b"<result><status><systemStatus>NG</systemStatus><message>AccessLimit</message></status></result>";
    assert_eq!(kind(403, &[], access), Fault::Throttled { until: None });
    let wait = std::time::Duration::from_secs(120);
    assert_eq!(kind(429, &[("Retry-After", "120")], b""), Fault::Throttled { until: Some(now() + wait) });
    let date = kind(429, &[("Retry-After", "Sat, 04 Apr 2026 03:02:00 GMT")], b"");
    assert_eq!(date, Fault::Throttled { until: Some(now() + wait) });
    // An auth code at 400 is still an auth code (§7.2).
    let auth =
        kind(400, &[("RequestId", "r-1")], br#"{"Results":{"errorCode":"ES04-01","message":"Bad Request"}}"#);
    assert_eq!(auth, Fault::Auth { code: "ES04-01".into(), message: "Bad Request (RequestId r-1)".into() });
    // An unknown code is judged by its type.
    let error = br#"{"MessageModelList":[{"messageType":"ERROR","messageCode":"X_1","message":"no"}],"OrderModelList":null}"#;
    assert_eq!(kind(200, &[], error), Fault::Rejected { code: "X_1".into(), message: "no".into() });
    assert_eq!(kind(200, &[], br#"{"MessageModelList":"x"}"#).kind(), "malformed");
}

/// Calls `change` with every object of `value`.
fn each_object(value: &mut Value, change: &mut dyn FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(o) => {
            o.values_mut().for_each(|v| each_object(v, change));
            change(o);
        }
        Value::Array(a) => a.iter_mut().for_each(|v| each_object(v, change)),
        _ => {}
    }
}

fn numbers_to_text(value: &mut Value) {
    match value {
        Value::Number(n) => *value = Value::String(n.to_string()),
        Value::Object(o) => o.values_mut().for_each(numbers_to_text),
        Value::Array(a) => a.iter_mut().for_each(numbers_to_text),
        _ => {}
    }
}

/// Every place in `value`, as JSON pointers.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(o) => o.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(a) => a.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        let pointer = format!("{at}/{key}");
        pointers(child, &pointer, found);
        found.push(pointer);
    }
}

fn read(value: &Value) -> Result<mallsync::domain::order::Order, String> {
    read_order(&serde_json::value::to_raw_value(value).unwrap())
}

#[test]
fn unknown_members_and_numbers_as_text_change_nothing() {
    for file in get_order_samples() {
        for order in sample(&file)["OrderModelList"].as_array().unwrap() {
            let plain = read(order).unwrap();
            let mut grown = order.clone();
            each_object(&mut grown, &mut |o| {
                o.insert("someNewMember".into(), json!({ "a": [1, null, { "b": "c" }] }));
            });
            assert_eq!(read(&grown).unwrap(), plain, "{file}");
            let mut text = order.clone();
            numbers_to_text(&mut text);
            assert_eq!(read(&text).unwrap(), plain, "{file}");
        }
    }
}

#[test]
fn null_and_absent_are_alike_and_fail_only_what_is_no_order() {
    for file in get_order_samples() {
        for order in sample(&file)["OrderModelList"].as_array().unwrap() {
            let mut places = Vec::new();
            pointers(order, "", &mut places);
            for place in places {
                let (parent, key) = place.rsplit_once('/').unwrap();
                let mut without = order.clone();
                match without.pointer_mut(parent).unwrap() {
                    Value::Object(o) => o.remove(key),
                    _ => continue,
                };
                let mut null = order.clone();
                *null.pointer_mut(&place).unwrap() = Value::Null;
                let (null, without) = (read(&null), read(&without));
                assert_eq!(null, without, "{file} {place}");
                let needed = matches!(key, "orderNumber" | "orderDatetime" | "units");
                let removed = place.contains("ItemModelList")
                    && order.pointer(parent).unwrap()["deleteItemFlag"] == json!(1);
                let hidden = removed
                    || order
                        .pointer(place.split("/ItemModelList").next().unwrap())
                        .is_some_and(|p| p["packageDeleteFlag"] == json!(1));
                assert_eq!(null.is_err(), needed && !hidden, "{file} {place}: {null:?}");
            }
        }
    }
}

#[test]
fn states_of_300_and_codes_never_seen() {
    let base = sample("11-getOrder-response-multi-package.json")["OrderModelList"][0].clone();
    let with = |changes: &[(&str, Value)]| {
        let mut order = base.clone();
        for (place, value) in changes {
            *order.pointer_mut(place).unwrap() = value.clone();
        }
        read(&order).unwrap()
    };
    let status = |changes: &[(&str, Value)]| {
        let order = with(changes);
        (order.status, order.pending_reason)
    };
    let row = json!([{ "shippingDetailId": 1, "shippingNumber": "1", "deliveryCompany": "1001", "shippingDate": "2026-04-03" }]);
    let half = json!([{ "shippingDetailId": 1, "shippingNumber": "1", "deliveryCompany": "1001", "shippingDate": null }]);
    assert_eq!(status(&[]), (Status::AwaitingShipment, None));
    assert_eq!(
        status(&[("/PackageModelList/0/ShippingModelList", row.clone())]),
        (Status::PartiallyShipped, None)
    );
    assert_eq!(status(&[("/PackageModelList/0/ShippingModelList", half)]), (Status::AwaitingShipment, None));
    assert_eq!(
        status(&[("/rakutenConfirmFlag", json!(1))]),
        (Status::Pending, Some(PendingReason::MallCheck))
    );
    assert_eq!(
        status(&[("/PackageModelList/1/postagePrice", json!(-9999))]),
        (Status::Pending, Some(PendingReason::NotFinal))
    );
    // A removed destination neither holds the order back nor is shown.
    let removed = with(&[
        ("/PackageModelList/1/postagePrice", json!(-9999)),
        ("/PackageModelList/1/packageDeleteFlag", json!(1)),
        ("/PackageModelList/0/ItemModelList/1/deleteItemFlag", json!(1)),
    ]);
    assert_eq!(removed.status, Status::AwaitingShipment);
    assert_eq!((removed.packages.len(), removed.packages[0].lines.len()), (1, 1));
    let gift = json!({ "sgMngNumber": "1-sg", "inputDueDate": "2026-04-10", "inputFlag": 0 });
    let gift = with(&[("/PackageModelList/0/SocialGiftModel", gift)]);
    assert_eq!(gift.pending_reason, Some(PendingReason::NotFinal));
    assert_eq!(gift.packages[0].recipient, mallsync::domain::order::Party::default());
    let unknown = with(&[
        ("/orderProgress", json!(350)),
        ("/SettlementModel/settlementMethodCode", json!(99)),
        ("/PackageModelList/0/defaultDeliveryCompanyCode", json!("2001")),
    ]);
    assert_eq!((unknown.status, unknown.mall_status.as_str()), (Status::Unknown, "350"));
    let codes: Vec<_> = unknown.flags.iter().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["unknown_status", "unknown_payment_method", "unknown_carrier"]);
    let off = with(&[("/requestPrice", json!(7495))]);
    assert_eq!(off.flags[0].code, "due_mismatch");
    assert_eq!(off.amounts.due.map(|y| y.0), Some(7495), "flagged, never repaired");
}

#[test]
fn ends_of_keys_come_in_several_forms() {
    let want = Timestamp::parse("2026-06-30T23:59:59+09:00").unwrap();
    for text in [
        "2026-06-30T23:59:59",
        "2026-06-30 23:59:59",
        "2026-06-30",
        "2026-06-30T23:59:59+0900",
        "2026-06-30T14:59:59Z",
    ] {
        assert_eq!(check::expiry_date(text), Some(want), "{text}");
    }
    assert_eq!(check::expiry_date("soon"), None);
}

proptest! {
    #[test]
    fn reading_an_order_never_panics(
        file in 0_usize..12,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..9, "\\PC{0,8}", any::<i64>()), 0..6),
    ) {
        let files = ["11-getOrder-response-multi-package.json", "16-getOrder-response-unfixed-prepay-check.json", "22-getOrder-response-shipped.json"];
        let mut order = sample(files[file % files.len()])["OrderModelList"][0].clone();
        for (index, kind, text, number) in changes {
            let mut places = Vec::new();
            pointers(&order, "", &mut places);
            if places.is_empty() { break; }
            let place = index.get(&places).clone();
            *order.pointer_mut(&place).unwrap() = match kind {
                0 => Value::Null,
                1 => json!(text),
                2 => json!(number),
                3 => json!(number.to_string()),
                4 => json!([text]),
                5 => json!({ "x": number }),
                6 => json!(1.5e300),
                7 => json!(true),
                _ => json!(i64::MAX),
            };
        }
        if let Ok(read) = read(&order) {
            prop_assert!(!read.mall_order_id.is_empty());
        }
    }
}

/// Opens for everybody and remembers what it was told.
#[derive(Default)]
struct OpenGate {
    admitted: Mutex<Vec<String>>,
    paused: Mutex<Vec<Timestamp>>,
}

#[async_trait]
impl Gate for OpenGate {
    async fn admit(&self, bucket: &Bucket) -> Result<(), Closed> {
        self.admitted.lock().unwrap().push(bucket.key.clone());
        Ok(())
    }
    async fn pause(&self, _: &Bucket, until: Timestamp) {
        self.paused.lock().unwrap().push(until);
    }
}

struct Bench {
    server: MockServer,
    mall: Rakuten,
    client: Client,
    gate: OpenGate,
    ambient: Ambient,
}

const FIRST: &str = "ESA U1AxOlNMMQ==";
const SECOND: &str = "ESA U1AxOlNMMg==";
const SEARCH: &str = "/es/2.0/order/searchOrder/";
const GET: &str = "/es/2.0/order/getOrder/";
const EXPIRY: &str = "/es/1.0/license-management/license-key/expiry-date";

impl Bench {
    async fn new() -> Self {
        let server = MockServer::start().await;
        let keys = vec![("license_key", Secret::new("SL1")), ("license_key_next", Secret::new("SL2"))];
        let client = Client::new(&ClientSpec { base_url: server.uri(), ..ClientSpec::default() }).unwrap();
        Self {
            server,
            mall: Rakuten::new(Credentials::new(Secret::new("SP1"), keys), 10),
            client,
            gate: OpenGate::default(),
            ambient: Ambient::seeded(Arc::new(ManualClock::new(now())), 1),
        }
    }

    fn call(&self) -> Call<'_> {
        Call { account: "shop", client: &self.client, gate: &self.gate, ambient: &self.ambient }
    }

    async fn answer(&self, at: &str, key: &str, body: &Value) {
        let template = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(path(at))
            .and(header("authorization", key))
            .respond_with(template)
            .mount(&self.server)
            .await;
    }

    async fn refuse(&self, at: &str, key: &str) {
        let body = json!({ "Results": { "errorCode": "ES04-01", "message": "Un-Authorised" } });
        let template = ResponseTemplate::new(401).set_body_json(body);
        Mock::given(path(at))
            .and(header("authorization", key))
            .respond_with(template)
            .mount(&self.server)
            .await;
    }

    async fn requests(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }
}

fn scope() -> Scope {
    Scope { initial_lookback: std::time::Duration::from_secs(7 * 86_400) }
}

fn one() -> Vec<OrderRef> {
    vec![OrderRef::new("345678-20260401-0301000002")]
}

#[tokio::test]
async fn pages_follow_each_other_and_the_cursor_resumes() {
    let bench = Bench::new().await;
    for page in 1..=3 {
        let body = sample(&format!("02-searchOrder-response-page{page}.json"));
        Mock::given(method("POST"))
            .and(path(SEARCH))
            .and(header("content-type", "application/json; charset=utf-8"))
            .and(body_partial_json(
                json!({ "dateType": 1, "PaginationRequestModel": { "requestPage": page } }),
            ))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&bench.server)
            .await;
    }
    let (mut cursor, mut numbers, mut progress) = (None, Vec::new(), Vec::new());
    loop {
        let page = bench.mall.changes(&bench.call(), Stream::New, cursor.as_ref(), &scope()).await.unwrap();
        numbers.extend(page.refs);
        progress.push(page.progress.unwrap());
        cursor = Some(page.next);
        if !page.more {
            break;
        }
    }
    assert_eq!(numbers.len(), 12);
    assert_eq!(progress, [(1, 3), (2, 3), (3, 3)]);
    let sent = bench.server.received_requests().await.unwrap();
    let ends: Vec<Value> =
        sent.iter().map(|r| r.body_json::<Value>().unwrap()["endDatetime"].clone()).collect();
    assert_eq!(ends, [json!("2026-04-04T12:00:00+0900"), ends[0].clone(), ends[0].clone()], "one fixed end");
    let buckets = bench.gate.admitted.lock().unwrap().clone();
    assert_eq!(buckets.len(), 3);
    assert!(buckets[0].starts_with("rakuten/") && !buckets[0].contains("SP1"));
}

#[tokio::test]
async fn the_second_key_is_tried_once_and_then_preferred() {
    let bench = Bench::new().await;
    bench.refuse(GET, FIRST).await;
    bench.answer(GET, SECOND, &sample("12-getOrder-response-cod.json")).await;
    let read = bench.mall.details(&bench.call(), &one()).await.unwrap();
    assert_eq!(read.orders.len(), 1);
    assert_eq!(read.orders[0].read_at, now());
    assert_eq!(bench.requests().await, 2);
    bench.mall.details(&bench.call(), &one()).await.unwrap();
    assert_eq!(bench.requests().await, 3, "the key that works is asked first");
}

#[tokio::test]
async fn a_switched_off_function_is_told_from_a_dead_key() {
    let bench = Bench::new().await;
    for key in [FIRST, SECOND] {
        bench.refuse(GET, key).await;
        bench.answer(SEARCH, key, &sample("03-searchOrder-response-empty.json")).await;
    }
    let Err(Fault::Auth { code, message }) = bench.mall.details(&bench.call(), &one()).await else {
        panic!()
    };
    assert_eq!(code, "ES04-01");
    assert!(message.starts_with("function rpay.order.getOrder is not enabled"), "{message}");
    assert!(message.contains("利用機能編集"), "{message}");

    let bench = Bench::new().await;
    for (at, key) in [(GET, FIRST), (GET, SECOND), (SEARCH, FIRST), (SEARCH, SECOND)] {
        bench.refuse(at, key).await;
    }
    let Err(Fault::Auth { message, .. }) = bench.mall.details(&bench.call(), &one()).await else { panic!() };
    assert!(message.starts_with("licence key invalid, expired or not active yet"), "{message}");
    assert!(message.contains("90 minutes"), "{message}");
}

#[tokio::test]
async fn older_editions_are_tried_and_remembered() {
    let bench = Bench::new().await;
    for version in [10, 9] {
        Mock::given(path(GET))
            .and(body_partial_json(json!({ "version": version })))
            .respond_with(
                ResponseTemplate::new(400)
                    .set_body_json(sample("20-getOrder-response-error-no-version.json")),
            )
            .mount(&bench.server)
            .await;
    }
    Mock::given(path(GET))
        .and(body_partial_json(json!({ "version": 8 })))
        .respond_with(ResponseTemplate::new(200).set_body_json(sample("12-getOrder-response-cod.json")))
        .mount(&bench.server)
        .await;
    assert_eq!(bench.mall.details(&bench.call(), &one()).await.unwrap().orders.len(), 1);
    assert_eq!(bench.requests().await, 3);
    bench.mall.details(&bench.call(), &one()).await.unwrap();
    assert_eq!(bench.requests().await, 4);
}

#[tokio::test]
async fn a_server_that_refuses_every_edition_is_believed() {
    let bench = Bench::new().await;
    let refusal =
        ResponseTemplate::new(400).set_body_json(sample("20-getOrder-response-error-no-version.json"));
    Mock::given(path(GET)).respond_with(refusal).mount(&bench.server).await;
    let fault = bench.mall.details(&bench.call(), &one()).await.unwrap_err();
    assert_eq!(fault.kind(), "rejected");
    assert_eq!(bench.requests().await, 4);
}

#[tokio::test]
async fn a_pause_that_the_server_asks_for_reaches_the_gate() {
    let bench = Bench::new().await;
    let limit = sample("93-http-403-qpslimit.json");
    let page = ResponseTemplate::new(403)
        .set_body_raw(limit["bodyText"].as_str().unwrap(), "text/xml;charset=UTF-8");
    Mock::given(path(SEARCH)).respond_with(page).mount(&bench.server).await;
    let fault = bench.mall.changes(&bench.call(), Stream::New, None, &scope()).await.unwrap_err();
    assert_eq!(fault, Fault::Throttled { until: None });
    assert_eq!(*bench.gate.paused.lock().unwrap(), [now() + std::time::Duration::from_secs(2)]);
    assert_eq!(bench.requests().await, 1, "a throttled call is not tried with another key");
}

#[tokio::test]
async fn check_makes_three_calls_and_reports() {
    let bench = Bench::new().await;
    bench.answer(SEARCH, FIRST, &sample("02-searchOrder-response-page1.json")).await;
    bench.answer(GET, FIRST, &sample("12-getOrder-response-cod.json")).await;
    Mock::given(method("GET"))
        .and(path(EXPIRY))
        .and(query_param("licenseKey", "SL1"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({ "expiryDate": "2026-04-10T23:59:59" })),
        )
        .mount(&bench.server)
        .await;
    let health = bench.mall.check(&bench.call(), None).await.unwrap();
    let found: Vec<_> = health.findings.iter().map(|f| (f.code.as_str(), f.level)).collect();
    // The scripted server's clock is the machine's, the test's is not.
    let wanted = [
        ("signed_in", Level::Ok),
        ("clock_skew", Level::Warning),
        ("permission", Level::Ok),
        ("key_expiry", Level::Warning),
    ];
    assert_eq!(found, wanted);
    assert_eq!(health.expiries[0].what, "license_key");
    assert_eq!(bench.requests().await, 3);
}

#[tokio::test]
async fn check_names_what_is_switched_off_and_never_makes_a_fourth_call() {
    let bench = Bench::new().await;
    bench.answer(SEARCH, FIRST, &sample("03-searchOrder-response-empty.json")).await;
    for key in [FIRST, SECOND] {
        bench.refuse(GET, key).await;
        bench.refuse(EXPIRY, key).await;
    }
    let health = bench.mall.check(&bench.call(), Some(&one()[0])).await.unwrap();
    let missing = health.findings.iter().find(|f| f.code == "permission_missing").unwrap();
    assert!(missing.message.contains("rpay.order.getOrder"), "{missing:?}");
    assert!(missing.action.as_ref().unwrap().contains("利用機能編集"));
    assert_eq!(bench.requests().await, 3);

    let bench = Bench::new().await;
    for at in [SEARCH, GET, EXPIRY] {
        bench.refuse(at, FIRST).await;
        bench.refuse(at, SECOND).await;
    }
    let health = bench.mall.check(&bench.call(), Some(&one()[0])).await.unwrap();
    assert_eq!(health.findings.len(), 1);
    assert_eq!((health.findings[0].code.as_str(), health.findings[0].level), ("signed_in", Level::Error));
    assert_eq!(bench.requests().await, 3);
}

#[tokio::test]
async fn the_end_of_every_key_is_read_and_a_dead_one_hides_none() {
    let bench = Bench::new().await;
    bench.refuse(EXPIRY, FIRST).await;
    bench.answer(EXPIRY, SECOND, &sample("70-licenseExpiry-response.json")).await;
    let expiries = bench.mall.expiries(&bench.call()).await.unwrap();
    assert_eq!(expiries.len(), 1);
    assert_eq!(expiries[0].what, "license_key_next");
    assert_eq!(expiries[0].at.to_string(), "2026-06-30T23:59:59+09:00");
}
