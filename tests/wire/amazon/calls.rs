//! Calls against a scripted server: signing in, the second secret, paging, pauses, paces, `check`.

use std::time::Duration;

use mallsync::clock::ManualClock;
use mallsync::clock::Timestamp;
use mallsync::domain::account::{Expiry, Level};
use mallsync::domain::ids::OrderRef;
use mallsync::http::{Call, ClientSpec, Fault};
use mallsync::malls::amazon::Amazon;
use mallsync::malls::amazon::auth::Credentials;
use mallsync::malls::{Cursor, Mall, Page, Scope, Stream};
use mallsync::secret::Secret;
use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{now, sample};
use crate::rig::Rig;

struct Bench {
    server: MockServer,
    mall: Amazon,
    rig: Rig,
}

const TOKEN: &str = "/auth/o2/token";
const ORDERS: &str = "/orders/2026-01-01/orders";
const ORDER: &str = "/orders/2026-01-01/orders/250-1000001-0000001";
const INCLUDED: &str = "BUYER,RECIPIENT,PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,PAYMENT";
const DAY: Duration = Duration::from_secs(86_400);

impl Bench {
    async fn new() -> Self {
        let bench = Self::bare().await;
        bench.give("CS1", "Atza|one").await;
        bench
    }

    /// Without a token endpoint.
    async fn bare() -> Self {
        let server = MockServer::start().await;
        let secrets = vec![("client_secret", Secret::new("CS1")), ("client_secret_next", Secret::new("CS2"))];
        let credentials = Credentials::new("amzn1.client".into(), secrets, Secret::new("Atzr|R1+/="));
        let expiry = Expiry { what: "client_secret".into(), at: now() + DAY * 20 };
        let spec = ClientSpec {
            base_url: server.uri(),
            auth_url: Some(format!("{}{TOKEN}", server.uri())),
            ..ClientSpec::default()
        };
        Self {
            server,
            mall: Amazon::new(credentials, "A1VC38T7YXB528".into(), vec![expiry]),
            rig: Rig::new(&spec, ManualClock::new(now())),
        }
    }

    fn call(&self) -> Call<'_> {
        self.rig.call()
    }

    /// The token endpoint gives that access token for that secret, once.
    async fn give(&self, secret: &str, token: &str) {
        let mut body = sample("lwa-token-response.json");
        body["access_token"] = json!(token);
        body["refresh_token"] = json!("Atzr|R1+/=");
        Mock::given(method("POST"))
            .and(path(TOKEN))
            .and(header("content-type", "application/x-www-form-urlencoded; charset=UTF-8"))
            .and(body_string_contains("grant_type=refresh_token&refresh_token=Atzr%7CR1%2B%2F%3D"))
            .and(body_string_contains(format!("client_secret={secret}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .up_to_n_times(1)
            .mount(&self.server)
            .await;
    }

    async fn refuse_token(&self, status: u16, file: &str) {
        let answer = ResponseTemplate::new(status).set_body_json(sample(file));
        Mock::given(path(TOKEN)).respond_with(answer).mount(&self.server).await;
    }

    async fn answer(&self, at: &str, status: u16, body: Value) {
        let answer = ResponseTemplate::new(status).set_body_json(body);
        Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(&self.server).await;
    }

    /// That page is given for that token alone.
    async fn page(&self, token: Option<&str>, status: u16, body: &Value) {
        let page = Mock::given(path(ORDERS)).and(query_param("includedData", INCLUDED));
        let page = match token {
            Some(token) => page.and(query_param("paginationToken", token)),
            None => page.and(query_param_is_missing("paginationToken")),
        };
        let answer = ResponseTemplate::new(status).set_body_json(body);
        page.respond_with(answer).up_to_n_times(1).mount(&self.server).await;
    }

    async fn requests(&self, at: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter().filter(|r| r.url.path() == at).collect()
    }

    async fn changes(&self, stream: Stream, cursor: Option<&Cursor>) -> Result<Page, Fault> {
        self.mall.changes(&self.call(), stream, cursor, &scope()).await
    }
}

pub fn scope() -> Scope {
    Scope { initial_lookback: DAY * 7 }
}

fn one() -> OrderRef {
    OrderRef::new("250-1000001-0000001")
}

fn gift() -> Value {
    sample("v2026-getOrder-unshipped-gift-multi-item.json")
}

/// The query of a request, less the page's token.
fn parameters(request: &Request) -> Vec<(String, String)> {
    let all = request.url.query_pairs().into_owned();
    all.filter(|(name, _)| name != "paginationToken").collect()
}

#[tokio::test]
async fn pages_follow_each_other_with_the_same_parameters_and_give_orders_in_full() {
    let bench = Bench::new().await;
    let first = sample("v2026-searchOrders-page1.json");
    let token = first["pagination"]["nextToken"].as_str().unwrap().to_owned();
    bench.page(None, 200, &first).await;
    bench.page(Some(&token), 200, &sample("v2026-searchOrders-page2-last.json")).await;
    let page = bench.changes(Stream::New, None).await.unwrap();
    assert_eq!((page.orders.len(), page.refs.len(), page.more), (6, 0, true));
    assert_eq!(page.orders[0].read_at, now());
    // Minutes later, in another process: only the cursor is left.
    bench.rig.clock.advance(Duration::from_secs(600));
    let last = bench.changes(Stream::New, Some(&page.next)).await.unwrap();
    assert_eq!((last.orders.len(), last.more), (1, false));
    let asked = bench.requests(ORDERS).await;
    assert_eq!(parameters(&asked[0]), parameters(&asked[1]));
    let wanted = [
        ("lastUpdatedAfter", "2026-08-25T07:00:00Z"),
        ("marketplaceIds", "A1VC38T7YXB528"),
        ("includedData", INCLUDED),
        ("maxResultsPerPage", "100"),
    ];
    assert_eq!(parameters(&asked[0]), wanted.map(|(n, v)| (n.to_owned(), v.to_owned())));
    let query = asked[1].url.query().unwrap();
    assert!(query.ends_with("paginationToken=c3ludGhldGljL3Rva2VuK3BhZ2UyPT0%3D"), "encoded once: {query}");
    // The next search begins ten minutes before the bound of the first page.
    bench.page(None, 200, &sample("v2026-searchOrders-empty.json")).await;
    bench.changes(Stream::New, Some(&last.next)).await.unwrap();
    let next = bench.requests(ORDERS).await.pop().unwrap();
    assert_eq!(parameters(&next)[0].1, "2026-09-01T06:48:00Z");
    assert_eq!(bench.requests(TOKEN).await.len(), 1, "one token for all of them");
}

#[tokio::test]
async fn calls_carry_what_the_contract_asks_for() {
    let bench = Bench::new().await;
    bench.answer(ORDER, 200, gift()).await;
    bench.mall.details(&bench.call(), &[one()]).await.unwrap();
    let asked = bench.requests(ORDER).await.pop().unwrap();
    let header =
        |name: &str| asked.headers.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    assert_eq!(header("x-amz-access-token"), "Atza|one");
    assert_eq!(header("x-amz-date"), "20260901T070000Z");
    assert_eq!(header("accept"), "application/json");
    let agent = header("user-agent");
    assert!(
        agent.starts_with("mallsync/") && agent.contains(" (Language=Rust/1.") && agent.ends_with(')'),
        "{agent}"
    );
    assert!(asked.body.is_empty() && asked.headers.get("content-length").is_none());
    assert!(asked.headers.get("authorization").is_none());
    let buckets = bench.rig.gate.admitted.lock().unwrap().clone();
    assert!(buckets[0].starts_with("token/") && buckets[1].starts_with("amazon/getOrder/"), "{buckets:?}");
    assert!(!buckets[1].contains("R1"));
}

#[tokio::test]
async fn a_token_that_ended_early_is_renewed_once() {
    for file in ["error-403-expired-token.json", "error-403-revoked-or-malformed-token.json"] {
        let bench = Bench::new().await;
        bench.give("CS1", "Atza|two").await;
        let refusal = ResponseTemplate::new(403).set_body_json(sample(file));
        Mock::given(header("x-amz-access-token", "Atza|one"))
            .respond_with(refusal)
            .mount(&bench.server)
            .await;
        bench.answer(ORDER, 200, gift()).await;
        let read = bench.mall.details(&bench.call(), &[one()]).await.unwrap();
        assert_eq!(read.orders.len(), 1);
        assert_eq!((bench.requests(TOKEN).await.len(), bench.requests(ORDER).await.len()), (2, 2));
    }
    // A new one that is refused as well is the seller's doing.
    let bench = Bench::new().await;
    bench.give("CS1", "Atza|two").await;
    bench.answer(ORDER, 403, sample("error-403-revoked-or-malformed-token.json")).await;
    let Err(Fault::Auth { message, .. }) = bench.mall.details(&bench.call(), &[one()]).await else {
        panic!()
    };
    assert!(message.contains("the seller withdrew the authorisation"), "{message}");
    assert!(message.contains("Seller Central") && message.contains("refresh_token"), "{message}");
    assert_eq!(bench.requests(ORDER).await.len(), 2, "repeated once and no more");
}

#[tokio::test]
async fn a_missing_role_is_not_a_matter_of_tokens() {
    let bench = Bench::new().await;
    bench.answer(ORDERS, 403, sample("error-403-missing-role.json")).await;
    let Err(Fault::Auth { code, message }) = bench.changes(Stream::New, None).await else { panic!() };
    assert_eq!(code, "Unauthorized");
    assert!(message.starts_with("a role is missing, or the seller is of another region"), "{message}");
    assert_eq!((bench.requests(TOKEN).await.len(), bench.requests(ORDERS).await.len()), (1, 1));
}

#[tokio::test]
async fn the_second_secret_is_tried_when_the_first_has_ended() {
    let bench = Bench::bare().await;
    bench.give("CS2", "Atza|second").await;
    bench.refuse_token(401, "lwa-error-invalid-client.json").await;
    bench.answer(ORDER, 200, gift()).await;
    assert_eq!(bench.mall.details(&bench.call(), &[one()]).await.unwrap().orders.len(), 1);
    assert_eq!(bench.requests(TOKEN).await.len(), 2);
    assert_eq!(bench.rig.client.preferred_credential(), 1, "the secret that works is asked first");

    // The API itself may be who says that the secret behind a token has ended.
    let bench = Bench::new().await;
    bench.give("CS2", "Atza|second").await;
    let ended = ResponseTemplate::new(403).set_body_json(sample("error-403-lwa-secret-expired.json"));
    Mock::given(header("x-amz-access-token", "Atza|one")).respond_with(ended).mount(&bench.server).await;
    bench.answer(ORDER, 200, gift()).await;
    assert_eq!(bench.mall.details(&bench.call(), &[one()]).await.unwrap().orders.len(), 1);
}

#[tokio::test]
async fn refusals_of_the_token_endpoint_are_told_in_words() {
    let cases = [
        (400, "lwa-error-invalid-grant.json", "does not accept the refresh token", "as refresh_token", 1),
        (401, "lwa-error-invalid-client.json", "does not accept client_id", "set client_secret", 2),
    ];
    for (status, file, what, action, calls) in cases {
        let bench = Bench::bare().await;
        bench.refuse_token(status, file).await;
        let Err(Fault::Auth { message, .. }) = bench.changes(Stream::New, None).await else { panic!() };
        assert!(message.contains(what) && message.contains(action), "{message}");
        assert!(message.contains("Seller Central"), "{message}");
        assert_eq!(bench.requests(TOKEN).await.len(), calls);
        assert_eq!(bench.requests(ORDERS).await.len(), 0);
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_its_hour_is_over() {
    let bench = Bench::new().await;
    bench.give("CS1", "Atza|two").await;
    bench.answer(ORDER, 200, gift()).await;
    for (minutes, tokens) in [(0, 1), (58, 1), (1, 2), (50, 2)] {
        bench.rig.clock.advance(Duration::from_secs(minutes * 60 + 1));
        bench.mall.details(&bench.call(), &[one()]).await.unwrap();
        assert_eq!(bench.requests(TOKEN).await.len(), tokens);
    }
}

#[tokio::test]
async fn a_429_pauses_the_operation_for_its_rate_and_twice_as_long_each_time() {
    let bench = Bench::new().await;
    for _ in 0..7 {
        bench.page(None, 429, &sample("error-429-quota-exceeded.json")).await;
    }
    bench.page(None, 200, &sample("v2026-searchOrders-empty.json")).await;
    bench.page(None, 429, &sample("error-429-quota-exceeded.json")).await;
    let rate = Duration::from_micros(178_571_429);
    let paused = |fault: &Fault| match fault {
        Fault::Throttled { until: Some(until) } => until.since(now()),
        other => panic!("{other}"),
    };
    for times in [1, 2, 4, 8, 16, 16, 16] {
        let pause = paused(&bench.changes(Stream::New, None).await.unwrap_err());
        assert!(pause >= rate * times && pause <= rate * times + rate / 5, "{times}: {pause:?}");
        assert_eq!(bench.rig.gate.paused.lock().unwrap().last().unwrap().since(now()), pause);
    }
    bench.changes(Stream::New, None).await.unwrap();
    let pause = paused(&bench.changes(Stream::New, None).await.unwrap_err());
    assert!(pause <= rate * 2, "an answer ends the row");
    assert_eq!(bench.requests(TOKEN).await.len(), 1, "a throttled call is not tried with another token");
}

#[tokio::test]
async fn the_rate_that_the_server_tells_reaches_the_gate() {
    let bench = Bench::new().await;
    for (rate, per) in [("0.0056", 178_571_429), ("0.0028", 357_142_858), ("0.015", 66_666_667)] {
        let answer = ResponseTemplate::new(200)
            .insert_header("x-amzn-RateLimit-Limit", rate)
            .set_body_json(sample("v2026-searchOrders-empty.json"));
        Mock::given(path(ORDERS)).respond_with(answer).up_to_n_times(1).mount(&bench.server).await;
        bench.changes(Stream::New, None).await.unwrap();
        // The gate takes the slower of this and the published one.
        let (key, told) = bench.rig.gate.paces.lock().unwrap().last().unwrap().clone();
        assert!(key.starts_with("amazon/searchOrders/"));
        assert_eq!(told, Duration::from_micros(per));
    }
}

#[tokio::test]
async fn a_refused_pagination_token_begins_the_search_anew() {
    let bench = Bench::new().await;
    let first = sample("v2026-searchOrders-page1.json");
    let token = first["pagination"]["nextToken"].as_str().unwrap().to_owned();
    bench.page(None, 200, &first).await;
    let page = bench.changes(Stream::New, None).await.unwrap();
    bench.page(Some(&token), 400, &sample("error-400-invalid-pagination-token.json")).await;
    bench.page(None, 200, &first).await;
    bench.page(Some(&token), 400, &sample("error-400-invalid-pagination-token.json")).await;
    let again = bench.changes(Stream::New, Some(&page.next)).await.unwrap();
    assert_eq!((again.orders.len(), again.more), (6, true));
    assert_eq!(bench.requests(ORDERS).await.len(), 3);
    // At once a second time: that is no old token, and is said so.
    let fault = bench.changes(Stream::New, Some(&again.next)).await.unwrap_err();
    assert_eq!(fault.kind(), "rejected");
    assert_eq!(bench.requests(ORDERS).await.len(), 4);
    // A search that is refused itself is not made anew.
    bench.page(None, 400, &sample("error-400-invalid-input.json")).await;
    assert_eq!(bench.changes(Stream::New, None).await.unwrap_err().kind(), "rejected");
}

#[tokio::test]
async fn a_page_that_leads_to_itself_is_not_followed() {
    let bench = Bench::new().await;
    let first = sample("v2026-searchOrders-page1.json");
    let token = first["pagination"]["nextToken"].as_str().unwrap().to_owned();
    bench.page(None, 200, &first).await;
    bench.page(Some(&token), 200, &first).await;
    let page = bench.changes(Stream::New, None).await.unwrap();
    assert_eq!(bench.changes(Stream::New, Some(&page.next)).await.unwrap_err().kind(), "malformed");
}

#[tokio::test]
async fn a_backfill_reads_by_order_date_to_its_end() {
    let bench = Bench::new().await;
    let empty = sample("v2026-searchOrders-empty.json");
    bench.answer(ORDERS, 200, empty).await;
    let stream = Stream::Backfill { since: now() - DAY * 100, until: now() };
    let mut cursor = None;
    let mut calls = 0;
    loop {
        let page = bench.changes(stream, cursor.as_ref()).await.unwrap();
        calls += 1;
        cursor = Some(page.next);
        if !page.more {
            assert_eq!(page.progress, Some((calls, calls)));
            break;
        }
    }
    let asked = bench.requests(ORDERS).await;
    let names: Vec<String> = parameters(&asked[0]).into_iter().map(|(name, _)| name).collect();
    let wanted = ["createdAfter", "createdBefore", "marketplaceIds", "includedData", "maxResultsPerPage"];
    assert_eq!(names, wanted);
    assert!(calls < 6, "{calls} calls for a hundred empty days");
    let end = Timestamp::parse(&parameters(asked.last().unwrap())[1].1).unwrap();
    assert!(now().since(end) >= Duration::from_secs(120), "the two-minute rule");
    let after = bench.changes(stream, cursor.as_ref()).await.unwrap();
    assert_eq!((after.more, bench.requests(ORDERS).await.len()), (false, asked.len()));
}

#[tokio::test]
async fn an_unknown_order_is_missing_and_a_bad_one_is_set_aside() {
    let bench = Bench::new().await;
    bench.answer(ORDER, 404, sample("error-404-order-not-found.json")).await;
    let stand_in = OrderRef::new("answer, entry 3");
    let read = bench.mall.details(&bench.call(), &[one(), stand_in.clone()]).await.unwrap();
    assert_eq!(read.missing, [one(), stand_in]);
    let bench = Bench::new().await;
    let mut order = gift();
    order["order"]["createdTime"] = json!("yesterday");
    bench.answer(ORDER, 200, order).await;
    let read = bench.mall.details(&bench.call(), &[one()]).await.unwrap();
    assert_eq!(read.bad[0].reason, "createdTime is not a date and time");
}

#[tokio::test]
async fn no_fault_repeats_personal_data_or_secrets() {
    let bench = Bench::new().await;
    let mut page = sample("v2026-searchOrders-page1.json");
    page["orders"][0]["orderItems"][0]["quantityOrdered"] = json!("山田 花子");
    let half = page.to_string();
    let half = half.split_at(half.len() / 2 / 3 * 3);
    let cut = ResponseTemplate::new(200).set_body_raw(half.0.as_bytes().to_vec(), "application/json");
    Mock::given(path(ORDERS)).respond_with(cut).up_to_n_times(1).mount(&bench.server).await;
    let fault = bench.changes(Stream::New, None).await.unwrap_err();
    bench.page(None, 200, &page).await;
    let bad = bench.changes(Stream::New, None).await.unwrap().bad;
    let told = format!("{fault} {fault:?} {:?}", bad[0].reason);
    for word in ["山田", "花子", "Atza", "CS1", "丸の内"] {
        assert!(!told.contains(word), "{told}");
    }
}

fn codes(health: &mallsync::domain::account::Health) -> Vec<(&str, Level)> {
    // The scripted server's clock is the machine's, the test's is not.
    let found = health.findings.iter().map(|f| (f.code.as_str(), f.level));
    found.filter(|(code, _)| *code != "clock_skew").collect()
}

#[tokio::test]
async fn check_reads_the_newest_order_and_tells_whether_addresses_are_shown() {
    let ends = ("key_expiry", Level::Warning);
    let signed_in = ("signed_in", Level::Ok);
    let cases = [
        ("v2026-getOrder-unshipped-gift-multi-item.json", ("permission", Level::Ok)),
        ("v2026-getOrder-no-pii-role.json", ("permission_missing", Level::Warning)),
        ("v2026-getOrder-cancelled.json", ("not_asked", Level::Ok)),
        ("v2026-getOrder-pending-cvs.json", ("not_asked", Level::Ok)),
    ];
    for (file, address) in cases {
        let bench = Bench::new().await;
        bench.answer(ORDER, 200, sample(file)).await;
        let health = bench.mall.check(&bench.call(), Some(&one())).await.unwrap();
        assert_eq!(codes(&health), [signed_in, address, ends], "{file}");
        assert_eq!(health.expiries[0].what, "client_secret");
        assert!(health.findings.iter().any(|f| f.code == "clock_skew"));
        assert_eq!(bench.server.received_requests().await.unwrap().len(), 2);
    }
    let bench = Bench::new().await;
    bench.answer(ORDER, 200, sample("v2026-getOrder-no-pii-role.json")).await;
    let health = bench.mall.check(&bench.call(), Some(&one())).await.unwrap();
    let missing = health.findings.iter().find(|f| f.code == "permission_missing").unwrap();
    assert!(missing.message.contains("Direct-to-Consumer Delivery (Restricted)"), "{missing:?}");
    assert!(missing.action.as_ref().unwrap().contains("ロール"), "{missing:?}");
}

#[tokio::test]
async fn check_without_an_order_searches_one_minute() {
    let bench = Bench::new().await;
    bench.answer(ORDERS, 200, sample("v2026-searchOrders-empty.json")).await;
    let health = bench.mall.check(&bench.call(), None).await.unwrap();
    assert_eq!(codes(&health)[..2], [("signed_in", Level::Ok), ("not_asked", Level::Ok)]);
    let asked = bench.requests(ORDERS).await.pop().unwrap();
    let from_to: Vec<_> =
        parameters(&asked).into_iter().take(2).map(|(_, at)| Timestamp::parse(&at).unwrap()).collect();
    assert_eq!(from_to[1].since(from_to[0]), Duration::from_secs(60));
    assert!(now().since(from_to[1]) >= Duration::from_secs(120), "the two-minute rule");
}

#[tokio::test]
async fn check_names_each_fault_and_where_it_is_mended() {
    let bench = Bench::bare().await;
    bench.refuse_token(400, "lwa-error-invalid-grant.json").await;
    let health = bench.mall.check(&bench.call(), Some(&one())).await.unwrap();
    assert_eq!(codes(&health)[0], ("signed_in", Level::Error));
    let finding = &health.findings[0];
    assert!(finding.message.ends_with("(invalid_grant)"), "{finding:?}");
    assert!(finding.action.as_ref().unwrap().contains("as refresh_token"), "{finding:?}");

    let bench = Bench::new().await;
    bench.answer(ORDER, 403, sample("error-403-missing-role.json")).await;
    let health = bench.mall.check(&bench.call(), Some(&one())).await.unwrap();
    assert_eq!(codes(&health)[0], ("permission_missing", Level::Error));

    let bench = Bench::new().await;
    bench.answer(ORDER, 404, sample("error-404-order-not-found.json")).await;
    let health = bench.mall.check(&bench.call(), Some(&one())).await.unwrap();
    assert_eq!(codes(&health)[0], ("signed_in", Level::Warning));
    assert!(health.findings[0].message.contains("another seller account"));
}

#[tokio::test]
async fn check_never_makes_a_fourth_call() {
    let bench = Bench::bare().await;
    bench.give("CS1", "Atza|one").await;
    bench.answer(ORDER, 200, gift()).await;
    bench.mall.details(&bench.call(), &[one()]).await.unwrap();
    // A kept token that ended early, and a first secret that has ended: the fourth call would be the one that works.
    bench.server.reset().await;
    bench.give("CS2", "Atza|two").await;
    bench.refuse_token(401, "lwa-error-invalid-client.json").await;
    let ended = ResponseTemplate::new(403).set_body_json(sample("error-403-expired-token.json"));
    Mock::given(header("x-amz-access-token", "Atza|one")).respond_with(ended).mount(&bench.server).await;
    bench.answer(ORDER, 200, gift()).await;
    let health = bench.mall.check(&bench.call(), Some(&one())).await.unwrap();
    assert_eq!(codes(&health)[0], ("call_failed", Level::Error));
    assert!(health.findings[0].message.contains("3 calls are used up"), "{:?}", health.findings);
    assert_eq!(bench.server.received_requests().await.unwrap().len(), 3);
    let health = bench.mall.check(&bench.call(), Some(&one())).await.unwrap();
    assert_eq!(codes(&health)[0], ("signed_in", Level::Ok));
}
