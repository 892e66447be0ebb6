//! Calls against a scripted server: sign-in, key authentication and its verdict, the second key, fields that the server
//! does not know, paging, pauses, `check`.

use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeySize, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use mallsync::clock::{ManualClock, Timestamp};
use mallsync::domain::account::Level;
use mallsync::domain::ids::OrderRef;
use mallsync::http::tokens::{ClientAuth, Grant};
use mallsync::http::xml::Element;
use mallsync::http::{Call, ClientSpec, Fault};
use mallsync::malls::yahoo::Yahoo;
use mallsync::malls::yahoo::auth::{Credentials, SigningKey};
use mallsync::malls::{Consent, Mall, Scope, Stream};
use mallsync::secret::Secret;
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{info, now, sample};
use crate::rig::Rig;

const LIST: &str = "/V1/orderList";
const INFO: &str = "/V1/orderInfo";
const TOKEN: &str = "/yconnect/v2/token";
const SELLER: &str = "hoshizora-shop";

/// A key pair and the PEM that the back office would hand out.
pub struct Pair {
    private: Pkcs1PrivateDecryptingKey,
    pub pem: String,
}

impl Pair {
    pub fn new() -> Self {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let der = private.public_key().as_der().unwrap();
        let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        let lines: Vec<&str> = text.as_bytes().chunks(64).map(|c| std::str::from_utf8(c).unwrap()).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
        Self { private: Pkcs1PrivateDecryptingKey::new(private).unwrap(), pem }
    }

    /// What a signature holds, if it was made for this key.
    pub fn open(&self, signature: &str) -> Option<String> {
        let cipher = base64::engine::general_purpose::STANDARD.decode(signature).ok()?;
        let mut plain = vec![0; self.private.min_output_size()];
        let plain = self.private.decrypt(&cipher, &mut plain).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }
}

struct Bench {
    server: MockServer,
    mall: Yahoo,
    rig: Rig,
}

impl Bench {
    /// A store that signs with these keys.
    async fn new(keys: &[(&'static str, &Pair)]) -> Self {
        let server = MockServer::start().await;
        let auth_url = format!("{}{TOKEN}", server.uri());
        let keys = keys
            .iter()
            .enumerate()
            .map(|(at, (name, pair))| SigningKey::from_pem(name, at as i64 + 1, pair.pem.as_bytes()).unwrap())
            .collect();
        let grant = Grant {
            client_id: "client".into(),
            client_secrets: vec![("client_secret", Secret::new("canary-secret"))],
            refresh_token: Some(Secret::new("canary-refresh")),
            authorized_at: Some(now() - Duration::from_secs(3 * 86_400)),
            auth: ClientAuth::Basic,
        };
        let redirect = Some("https://shop.example.jp/callback".to_owned());
        let credentials = Credentials::new(SELLER, grant, keys, redirect, &auth_url);
        let spec = ClientSpec {
            base_url: format!("{}/V1/", server.uri()),
            auth_url: Some(auth_url),
            ..ClientSpec::default()
        };
        let rig = Rig::new(&spec, ManualClock::new(now()));
        Self { server, mall: Yahoo::new(credentials, Vec::new(), Vec::new()), rig }
    }

    fn call(&self) -> Call<'_> {
        self.rig.call()
    }

    async fn tokens(&self) {
        let json = |body: &str| ResponseTemplate::new(200).set_body_raw(body.to_owned(), "application/json");
        // One after the other: 0001, then 0002.
        let first = sample("token_refresh.json").replace("0002", "0001");
        Mock::given(path(TOKEN)).respond_with(json(&first)).up_to_n_times(1).mount(&self.server).await;
        Mock::given(path(TOKEN)).respond_with(json(&sample("token_refresh.json"))).mount(&self.server).await;
    }

    async fn answer(&self, at: &str, status: u16, verdict: &str, body: &str) {
        self.server.register(Mock::given(path(at)).respond_with(xml(status, verdict, body))).await;
    }

    async fn sent(&self, at: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter().filter(|r| r.url.path() == at).collect()
    }

    async fn one(&self) -> Result<mallsync::malls::Details, Fault> {
        self.mall.details(&self.call(), &[OrderRef::new("hoshizora-shop-10000102")]).await
    }
}

fn xml(status: u16, verdict: &str, body: &str) -> ResponseTemplate {
    let template =
        ResponseTemplate::new(status).set_body_raw(body.to_owned(), "application/xml; charset=utf-8");
    if verdict.is_empty() { template } else { template.insert_header("X-SWS-Authorize-Status", verdict) }
}

fn scope() -> Scope {
    Scope { initial_lookback: Duration::from_secs(7 * 86_400) }
}

fn header_of(request: &Request, name: &str) -> String {
    request.headers.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default()
}

fn auth(fault: Fault) -> (String, String) {
    match fault {
        Fault::Auth { code, message } => {
            assert!(!message.contains("canary"), "{message}");
            (code, message)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_refresh_serves_every_call_and_every_call_is_signed_anew() {
    let pair = Pair::new();
    let bench = Bench::new(&[("public_key", &pair)]).await;
    bench.tokens().await;
    bench.answer(INFO, 200, "authorized", &info("cod")).await;
    assert_eq!(bench.one().await.unwrap().orders.len(), 1);
    bench.rig.clock.advance(Duration::from_secs(5));
    bench.one().await.unwrap();
    let asked = bench.sent(TOKEN).await;
    assert_eq!(asked.len(), 1);
    assert_eq!(header_of(&asked[0], "authorization"), "Basic Y2xpZW50OmNhbmFyeS1zZWNyZXQ=");
    assert_eq!(
        String::from_utf8_lossy(&asked[0].body),
        "grant_type=refresh_token&refresh_token=canary-refresh"
    );
    let sent = bench.sent(INFO).await;
    let seconds = now().micros() / 1_000_000;
    let mut signatures = Vec::new();
    for (request, at) in sent.iter().zip([seconds, seconds + 5]) {
        assert_eq!(header_of(request, "authorization"), "Bearer SYNTHETICaccess0001");
        assert_eq!(header_of(request, "content-type"), "application/xml; charset=utf-8");
        assert_eq!(header_of(request, "x-sws-signature-version"), "1");
        let signature = header_of(request, "x-sws-signature");
        assert_eq!((signature.len(), pair.open(&signature)), (344, Some(format!("{SELLER}:{at}"))));
        signatures.push(signature);
    }
    assert_ne!(signatures[0], signatures[1]);
    let admitted = bench.rig.gate.admitted.lock().unwrap().clone();
    let of = |word: &str| admitted.iter().filter(|key| key.contains(word)).count();
    assert_eq!((of("/day"), of("/orderInfo"), of("token/")), (2, 2, 1));
    assert!(admitted.iter().all(|key| !key.contains("client") && !key.contains("canary")), "{admitted:?}");
}

#[tokio::test]
async fn a_stale_access_token_is_renewed_once() {
    let pair = Pair::new();
    let bench = Bench::new(&[("public_key", &pair)]).await;
    bench.tokens().await;
    Mock::given(path(INFO))
        .and(header("authorization", "Bearer SYNTHETICaccess0001"))
        .respond_with(xml(401, "authorized", &sample("error_401_expired_token.xml")))
        .mount(&bench.server)
        .await;
    bench.answer(INFO, 200, "authorized", &info("cod")).await;
    assert_eq!(bench.one().await.unwrap().orders.len(), 1);
    assert_eq!((bench.sent(TOKEN).await.len(), bench.sent(INFO).await.len()), (2, 2));

    // Refused again and again: no loop, a person is asked.
    let bench = Bench::new(&[("public_key", &pair)]).await;
    bench.tokens().await;
    bench.answer(INFO, 401, "authorized", &sample("error_401_expired_token.xml")).await;
    let (code, message) = auth(bench.one().await.unwrap_err());
    assert_eq!(code, "invalid_token");
    assert!(message.contains("mallsync shops authorize shop"), "{message}");
    assert_eq!((bench.sent(TOKEN).await.len(), bench.sent(INFO).await.len()), (2, 2));
}

#[tokio::test]
async fn an_ended_consent_says_who_must_do_what() {
    let bench = Bench::new(&[]).await;
    let refusal =
        ResponseTemplate::new(400).set_body_raw(sample("token_error_invalid_grant.json"), "application/json");
    Mock::given(path(TOKEN)).respond_with(refusal).mount(&bench.server).await;
    let (code, message) = auth(bench.one().await.unwrap_err());
    assert_eq!(code, "invalid_grant");
    assert!(
        message.contains("a person must consent again: run `mallsync shops authorize shop`"),
        "{message}"
    );
    assert_eq!((bench.sent(TOKEN).await.len(), bench.sent(INFO).await.len()), (1, 0));
}

#[tokio::test]
async fn the_twelve_hour_rule_is_told_apart_and_needs_no_renewal() {
    // Without a key.
    let bench = Bench::new(&[]).await;
    bench.tokens().await;
    bench.answer(INFO, 401, "none", &sample("error_401_px04102.xml")).await;
    let (code, message) = auth(bench.one().await.unwrap_err());
    assert_eq!(code, "px-04102");
    assert!(message.contains("no key signs the calls (X-SWS-Authorize-Status: none)"), "{message}");
    assert!(message.contains("暗号鍵管理"), "{message}");
    assert_eq!((bench.sent(TOKEN).await.len(), bench.sent(INFO).await.len()), (1, 1));
    assert!(bench.sent(INFO).await[0].headers.get("x-sws-signature").is_none());
    // With a key past its year, and no other.
    let pair = Pair::new();
    let bench = Bench::new(&[("public_key", &pair)]).await;
    bench.tokens().await;
    bench.answer(INFO, 401, "expired-key-version", &sample("error_401_px04102.xml")).await;
    let (_, message) = auth(bench.one().await.unwrap_err());
    assert!(
        message.contains("X-SWS-Authorize-Status: expired-key-version") && message.contains("past its year"),
        "{message}"
    );
    assert_eq!(bench.sent(INFO).await.len(), 1);
    // The key is good: the consent is not.
    let bench = Bench::new(&[("public_key", &pair)]).await;
    bench.tokens().await;
    bench.answer(INFO, 401, "authorized", &sample("error_401_px04102.xml")).await;
    let (_, message) = auth(bench.one().await.unwrap_err());
    assert!(message.contains("the consent is too old although the signature was accepted"), "{message}");
}

#[tokio::test]
async fn the_second_key_is_tried_at_once_under_the_rule_and_kept() {
    let (first, second) = (Pair::new(), Pair::new());
    let bench = Bench::new(&[("public_key", &first), ("public_key_next", &second)]).await;
    bench.tokens().await;
    Mock::given(path(INFO))
        .and(header("x-sws-signature-version", "1"))
        .respond_with(xml(401, "expired-key-version", &sample("error_401_px04102.xml")))
        .mount(&bench.server)
        .await;
    bench.answer(INFO, 200, "authorized", &info("cod")).await;
    assert_eq!(bench.one().await.unwrap().orders.len(), 1);
    bench.one().await.unwrap();
    let versions: Vec<_> =
        bench.sent(INFO).await.iter().map(|r| header_of(r, "x-sws-signature-version")).collect();
    assert_eq!(versions, ["1", "2", "2"]);
    assert!(second.open(&header_of(&bench.sent(INFO).await[2], "x-sws-signature")).is_some());
    assert_eq!(bench.sent(TOKEN).await.len(), 1);
}

#[tokio::test]
async fn a_verdict_against_a_key_moves_to_the_next_without_another_call() {
    let (first, second) = (Pair::new(), Pair::new());
    let bench = Bench::new(&[("public_key", &first), ("public_key_next", &second)]).await;
    bench.tokens().await;
    Mock::given(path(INFO))
        .and(header("x-sws-signature-version", "1"))
        .respond_with(xml(200, "invalid-key-status", &info("cod")))
        .mount(&bench.server)
        .await;
    bench.answer(INFO, 200, "authorized", &info("cod")).await;
    for _ in 0..3 {
        assert_eq!(bench.one().await.unwrap().orders.len(), 1);
    }
    let versions: Vec<_> =
        bench.sent(INFO).await.iter().map(|r| header_of(r, "x-sws-signature-version")).collect();
    assert_eq!(versions, ["1", "2", "2"]);
    // A clock that is wrong is no key's fault: the first stays.
    let bench = Bench::new(&[("public_key", &first), ("public_key_next", &second)]).await;
    bench.tokens().await;
    bench.answer(INFO, 200, "expired-timestamp", &info("cod")).await;
    bench.one().await.unwrap();
    bench.one().await.unwrap();
    assert!(bench.sent(INFO).await.iter().all(|r| header_of(r, "x-sws-signature-version") == "1"));
}

#[tokio::test]
async fn a_field_that_the_server_does_not_know_is_dropped_and_asked_for_no_more() {
    let bench = Bench::new(&[]).await;
    bench.tokens().await;
    Mock::given(path(INFO))
        .and(body_string_contains("IsSeller"))
        .respond_with(xml(400, "", &sample("error_400_od90101.xml").replace("IsGift", "IsSeller")))
        .mount(&bench.server)
        .await;
    bench.answer(INFO, 200, "none", &info("cod")).await;
    assert_eq!(bench.one().await.unwrap().orders.len(), 1);
    assert_eq!(bench.one().await.unwrap().orders.len(), 1);
    assert_eq!(bench.sent(INFO).await.len(), 3);
    // One that no order is without is not dropped, nor is one that was never asked for.
    for name in ["OrderId", "IsGift"] {
        let bench = Bench::new(&[]).await;
        bench.tokens().await;
        bench.answer(INFO, 400, "", &sample("error_400_od90101.xml").replace("IsGift", name)).await;
        assert_eq!(bench.one().await.unwrap_err().kind(), "rejected");
        assert_eq!(bench.sent(INFO).await.len(), 1);
    }
}

#[tokio::test]
async fn orders_left_out_missing_or_unreadable_do_not_stop_the_others() {
    let bench = Bench::new(&[]).await;
    bench.tokens().await;
    for (number, template) in [
        ("s-404", xml(404, "", &sample("error_404_not_exists.xml"))),
        ("s-bad", xml(200, "", &info("cod").replace("<Notes>", "<Notes>\u{1}"))),
        (
            "s-odd",
            xml(200, "", &info("cod").replace("<Quantity>2", "<Quantity>two").replace("10000102", "x")),
        ),
        ("10000102", xml(200, "", &info("cod"))),
    ] {
        Mock::given(path(INFO))
            .and(body_string_contains(number))
            .respond_with(template)
            .mount(&bench.server)
            .await;
    }
    let numbers = ["s-404", "s-bad", "s-odd", "hoshizora-shop-10000102"].map(OrderRef::new);
    let read = bench.mall.details(&bench.call(), &numbers).await.unwrap();
    assert_eq!((read.orders.len(), read.missing.len(), read.bad.len()), (1, 1, 2));
    assert!(read.bad[0].reason.contains("control character"), "{}", read.bad[0].reason);
    assert_eq!(read.bad[1].reason, "Item without Quantity");
    assert!(!read.bad[1].raw.is_empty());
}

fn start_of(request: &Request) -> (u64, String) {
    let body = String::from_utf8(request.body.clone()).unwrap();
    let root = Element::parse(&body).unwrap();
    let search = root.child("Search").unwrap();
    let end = search.child("Condition").unwrap().value("OrderTimeTo").unwrap().to_owned();
    (search.value("Start").unwrap().parse().unwrap(), end)
}

#[tokio::test]
async fn pages_follow_each_other_and_stop_where_they_are_empty() {
    let bench = Bench::new(&[]).await;
    bench.tokens().await;
    let page = |start: u64, total: &str, name: &str| {
        let body = sample(&format!("order_list_response_{name}.xml"))
            .replace("<TotalCount>5", &format!("<TotalCount>{total}"));
        Mock::given(path(LIST))
            .and(method("POST"))
            .and(body_string_contains(format!("<Start>{start}</Start>")))
            .respond_with(xml(200, "none", &body))
    };
    page(1, "9000", "page1").mount(&bench.server).await;
    page(2_001, "9000", "page2").mount(&bench.server).await;
    page(4_001, "9000", "start_beyond").mount(&bench.server).await;
    let (mut cursor, mut refs) = (None, Vec::new());
    loop {
        let page = bench.mall.changes(&bench.call(), Stream::New, cursor.as_ref(), &scope()).await.unwrap();
        refs.extend(page.refs);
        cursor = Some(page.next);
        bench.rig.clock.advance(Duration::from_secs(60));
        if !page.more {
            break;
        }
    }
    assert_eq!(refs.len(), 4, "an order closed before the look-back is not taken");
    assert_eq!(refs[0].updated_at, Timestamp::parse("2026-10-02T15:40:00+09:00").ok());
    let sent = bench.sent(LIST).await;
    let starts: Vec<_> = sent.iter().map(start_of).collect();
    let end = "20261008120000".to_owned();
    assert_eq!(starts, [(1, end.clone()), (2_001, end.clone()), (4_001, end)], "one fixed end");
}

#[tokio::test]
async fn a_pause_that_the_server_asks_for_reaches_the_gate_of_that_url() {
    let bench = Bench::new(&[]).await;
    bench.tokens().await;
    let busy = ResponseTemplate::new(503).insert_header("Retry-After", "30");
    Mock::given(path(LIST)).respond_with(busy).mount(&bench.server).await;
    let fault = bench.mall.changes(&bench.call(), Stream::New, None, &scope()).await.unwrap_err();
    let until = now() + Duration::from_secs(30);
    assert_eq!(fault, Fault::Throttled { until: Some(until) });
    assert_eq!(*bench.rig.gate.paused.lock().unwrap(), [until]);
}

#[tokio::test]
async fn check_makes_one_search_and_tells_what_ends_when() {
    let pair = Pair::new();
    let bench = Bench::new(&[("public_key", &pair)]).await;
    bench.tokens().await;
    bench.answer(LIST, 200, "authorized", &sample("order_list_response_none.xml")).await;
    let health = bench.mall.check(&bench.call(), None).await.unwrap();
    let found: Vec<_> = health.findings.iter().map(|f| (f.code.as_str(), f.level)).collect();
    // The scripted server's clock is the machine's, the test's is not.
    let wanted = [
        ("signed_in", Level::Ok),
        ("signature", Level::Ok),
        ("clock_skew", Level::Warning),
        ("key_expiry", Level::Ok),
    ];
    assert_eq!(found, wanted);
    assert_eq!(health.expiries[0].what, "refresh_token");
    assert_eq!(health.expiries[0].at, now() + Duration::from_secs(25 * 86_400));
    assert_eq!(bench.server.received_requests().await.unwrap().len(), 2);
    // Without a key a consent lasts twelve hours.
    let bench = Bench::new(&[]).await;
    bench.tokens().await;
    bench.answer(LIST, 200, "none", &sample("order_list_response_none.xml")).await;
    let health = bench.mall.check(&bench.call(), None).await.unwrap();
    assert!(health.findings.iter().any(|f| f.code == "unsigned"));
    assert_eq!(health.expiries[0].at, now() - Duration::from_secs(5 * 43_200));
}

#[tokio::test]
async fn check_names_each_fault_and_the_place_where_it_is_mended() {
    let cases = [
        (403, "", sample("error_403_px04303.xml"), "permission_missing", "利用申請"),
        (403, "", sample("error_403_px04306.xml"), "address_not_registered", "proxy"),
        (
            403,
            "",
            sample("error_403_px04306.xml").replace("04306", "04307"),
            "consent",
            "mallsync shops authorize shop",
        ),
        (
            403,
            "",
            sample("error_403_px04306.xml").replace("04306", "14303"),
            "permission_missing",
            "注文管理",
        ),
        (
            403,
            "",
            sample("error_403_px04306.xml").replace("px-04306", "px-14304"),
            "permission_missing",
            "seller_id",
        ),
        (401, "not-found-key-version", sample("error_401_px04102.xml"), "consent", "public_key_version"),
        (
            401,
            "",
            sample("error_401_expired_token.xml").replace("invalid_token", "insufficient_scope"),
            "permission_missing",
            "ストア向け操作",
        ),
        (403, "", "Your Request was Forbidden".to_owned(), "signed_in", "50,000"),
    ];
    let pair = Pair::new();
    for (status, verdict, body, code, words) in cases {
        let bench = Bench::new(&[("public_key", &pair)]).await;
        bench.tokens().await;
        bench.answer(LIST, status, verdict, &body).await;
        let health = bench.mall.check(&bench.call(), None).await.unwrap();
        let finding = &health.findings[0];
        assert_eq!((finding.code.as_str(), finding.level), (code, Level::Error), "{finding:?}");
        let told = format!("{} {}", finding.message, finding.action.clone().unwrap_or_default());
        assert!(told.contains(words), "{told}");
        assert!(bench.server.received_requests().await.unwrap().len() <= 3);
    }
}

#[tokio::test]
async fn a_consent_is_asked_for_exchanged_and_kept() {
    let pair = Pair::new();
    let bench = Bench::new(&[("public_key", &pair)]).await;
    let consent = bench.mall.consent().unwrap();
    let url = url::Url::parse(&consent.url("s t&te")).unwrap();
    assert_eq!(url.path(), "/yconnect/v2/authorization");
    let query: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(
        (query["state"].as_str(), query["redirect_uri"].as_str()),
        ("s t&te", "https://shop.example.jp/callback")
    );
    assert!(query["scope"].contains("openid") && query["response_type"] == "code");
    let exchanged =
        ResponseTemplate::new(200).set_body_raw(sample("token_code_exchange.json"), "application/json");
    Mock::given(path(TOKEN))
        .and(body_string_contains("authorization_code"))
        .respond_with(exchanged)
        .mount(&bench.server)
        .await;
    bench.answer(INFO, 200, "authorized", &info("cod")).await;
    let expiry = consent.exchange(&bench.call(), "the code").await.unwrap();
    assert_eq!(expiry.at, now() + Duration::from_secs(28 * 86_400));
    bench.one().await.unwrap();
    let body = String::from_utf8(bench.sent(TOKEN).await[0].body.clone()).unwrap();
    assert_eq!(
        body,
        "grant_type=authorization_code&code=the+code&redirect_uri=https%3A%2F%2Fshop.example.jp%2Fcallback"
    );
    assert_eq!(header_of(&bench.sent(INFO).await[0], "authorization"), "Bearer SYNTHETICaccess0001");
    assert_eq!(bench.sent(TOKEN).await.len(), 1, "its access token is used first");
    // A code that is too old.
    let bench = Bench::new(&[]).await;
    let refusal =
        ResponseTemplate::new(400).set_body_raw(sample("token_error_invalid_grant.json"), "application/json");
    Mock::given(path(TOKEN)).respond_with(refusal).mount(&bench.server).await;
    let consent: &dyn Consent = bench.mall.consent().unwrap();
    let (code, message) = auth(consent.exchange(&bench.call(), "old").await.unwrap_err());
    assert_eq!(code, "invalid_grant");
    assert!(message.contains("older than ten minutes"), "{message}");
}
