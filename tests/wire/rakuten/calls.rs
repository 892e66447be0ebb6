//! Calls against a scripted server: paging, the second key, editions, pauses, `check`.

use mallsync::clock::ManualClock;
use mallsync::domain::account::Level;
use mallsync::domain::ids::OrderRef;
use mallsync::http::{Call, ClientSpec, Fault};
use mallsync::malls::rakuten::Rakuten;
use mallsync::malls::rakuten::auth::Credentials;
use mallsync::malls::{Mall, Scope, Stream};
use mallsync::secret::Secret;
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{now, sample};
use crate::rig::Rig;

struct Bench {
    server: MockServer,
    mall: Rakuten,
    rig: Rig,
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
        let spec = ClientSpec { base_url: server.uri(), ..ClientSpec::default() };
        Self {
            server,
            mall: Rakuten::new(Credentials::new(Secret::new("SP1"), keys), 10),
            rig: Rig::new(&spec, ManualClock::new(now())),
        }
    }

    fn call(&self) -> Call<'_> {
        self.rig.call()
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

pub fn scope() -> Scope {
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
    let buckets = bench.rig.gate.admitted.lock().unwrap().clone();
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
    assert_eq!(*bench.rig.gate.paused.lock().unwrap(), [now() + std::time::Duration::from_secs(2)]);
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
