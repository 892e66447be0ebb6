//! yahoo-shopping.md §1 to §3, §8: sign-in, key authentication, refusals, pace.

use std::time::Duration;

use base64::Engine as _;
use mallsync::clock::Timestamp;
use mallsync::sim::{Fault, Maintenance, Rule, YAHOO_SHOP, YahooErrorShape, YahooKey};
use serde_json::{Value, json};

use crate::client::{DAY, Reply, header, start_time};
use crate::yahoo_client::{SELLER, Xml, Yahoo, order, sample, search, span};

const HOUR: Duration = Duration::from_hours(1);
const VERDICT: &str = "x-sws-authorize-status";

fn day() -> String {
    span(start_time() - DAY, start_time())
}

fn verdict(reply: &Reply) -> String {
    header(&reply.head, VERDICT).expect("a verdict on every answer")
}

/// Without what differs in white space alone.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('\'', "\"")
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn tokens_live_an_hour_and_consent_four_weeks() {
    let yahoo = Yahoo::careless().await;
    let refresh = format!("grant_type=refresh_token&refresh_token={}", yahoo.shop().refresh_token());
    let reply = yahoo.form(&refresh).await;
    assert_eq!(keys(&reply.json()), keys(&serde_json::from_str(&sample("token_refresh.json")).unwrap()));
    assert_eq!(reply.json()["expires_in"], 3_600);
    assert_eq!(yahoo.call("orderList", &search(&day(), "OrderId", 1, 1)).await.status, 200);

    yahoo.sim.clock.advance(HOUR);
    let dead = yahoo.call("orderList", &search(&day(), "OrderId", 1, 1)).await;
    assert_eq!(dead.status, 401);
    assert_eq!(flat(&dead.text()), flat(&sample("error_401_expired_token.xml")));
    let challenge = header(&dead.head, "www-authenticate").unwrap();
    assert_eq!(
        challenge,
        "Bearer realm=\"yahooapis.jp\", error=\"invalid_token\", error_description=\"expired token\""
    );
    yahoo.refresh().await;
    assert_eq!(yahoo.call("orderList", &search(&day(), "OrderId", 1, 1)).await.status, 200);

    yahoo.sim.clock.advance(DAY * 28);
    let over = yahoo.form(&refresh).await;
    assert_eq!(
        (over.status, over.json()),
        (400, serde_json::from_str(&sample("token_error_invalid_grant.json")).unwrap())
    );
    let counts = yahoo.sim.world.counts();
    assert_eq!((counts["yahoo.token"], counts["yahoo.orderList"]), (4, 3));
}

#[tokio::test]
async fn a_person_consents_and_the_code_is_spent_once() {
    let yahoo = Yahoo::careless().await;
    let redirect = yahoo.shop().redirect_uri();
    let url = |more: &str| {
        let id = yahoo.shop().client_id();
        let redirect: String = url::form_urlencoded::byte_serialize(redirect.as_bytes()).collect();
        format!("/yahoo/yconnect/v2/authorization?client_id={id}&redirect_uri={redirect}{more}")
    };
    let good = "&response_type=code&scope=openid+profile&state=s%261&bail=1";
    let consent = async |more: &str| yahoo.sim.send("GET", &url(more), &[], "").await;
    let sent_back = |reply: &Reply| {
        assert_eq!(reply.status, 302, "{}", reply.head);
        let location = url::Url::parse(&header(&reply.head, "location").unwrap()).unwrap();
        assert!(location.as_str().starts_with(&redirect));
        location.query_pairs().into_owned().collect::<std::collections::BTreeMap<_, _>>()
    };
    let exchange = async |code: &str| {
        yahoo.form(&format!("grant_type=authorization_code&code={code}&redirect_uri={redirect}")).await
    };

    yahoo.sim.clock.advance(DAY * 20);
    let back = sent_back(&consent(good).await);
    assert_eq!(back["state"], "s&1");
    let reply = exchange(&back["code"]).await;
    let whole: Value = serde_json::from_str(&sample("token_code_exchange.json")).unwrap();
    assert_eq!(keys(&reply.json()), keys(&whole));
    assert_eq!(
        reply.json()["refresh_token"],
        yahoo.shop().refresh_token(),
        "the same while the old one lives"
    );
    assert_eq!(exchange(&back["code"]).await.json()["error"], "invalid_grant", "spent");

    // The 28 days count from this consent on.
    yahoo.sim.clock.advance(DAY * 20);
    let refresh = format!("grant_type=refresh_token&refresh_token={}", yahoo.shop().refresh_token());
    assert_eq!(yahoo.form(&refresh).await.status, 200);

    let late = sent_back(&consent(good).await);
    yahoo.sim.clock.advance(Duration::from_secs(601));
    assert_eq!(exchange(&late["code"]).await.json()["error"], "invalid_grant", "600 s");

    // After a withdrawal there is a new string.
    assert!(yahoo.sim.world.withdraw_yahoo(YAHOO_SHOP));
    assert_eq!(yahoo.form(&refresh).await.json()["error"], "invalid_grant");
    let fresh = exchange(&sent_back(&consent(good).await)["code"]).await.json();
    assert_ne!(fresh["refresh_token"], yahoo.shop().refresh_token());
    assert_eq!(yahoo.form(&refresh).await.json()["error"], "invalid_grant", "the old string stays dead");

    assert_eq!(sent_back(&consent("&response_type=token&scope=openid").await)["error"], "invalid_request");
    assert_eq!(sent_back(&consent("&response_type=code&scope=profile").await)["error"], "invalid_scope");
    yahoo.sim.world.switch(|s| s.yahoo.declined = true);
    assert_eq!(sent_back(&consent(good).await)["error"], "access_denied");
    assert_eq!(consent("&response_type=code&scope=openid").await.status, 400);
    let elsewhere = url(good).replace("example.com", "example.org");
    assert_eq!(yahoo.sim.send("GET", &elsewhere, &[], "").await.status, 400);
}

#[tokio::test]
async fn the_code_is_bound_to_its_challenge() {
    let yahoo = Yahoo::careless().await;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"a-verifier");
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
    let path = format!(
        "/yahoo/yconnect/v2/authorization?client_id={}&redirect_uri={}&response_type=code&scope=openid\
         &code_challenge={challenge}&code_challenge_method=S256",
        yahoo.shop().client_id(),
        yahoo.shop().redirect_uri()
    );
    for (verifier, status) in [("&code_verifier=another", 400), ("", 400), ("&code_verifier=a-verifier", 200)]
    {
        let location = header(&yahoo.sim.send("GET", &path, &[], "").await.head, "location").unwrap();
        let code = location.split("code=").nth(1).unwrap().to_owned();
        let redirect = yahoo.shop().redirect_uri();
        let body = format!("grant_type=authorization_code&code={code}&redirect_uri={redirect}{verifier}");
        assert_eq!(yahoo.form(&body).await.status, status, "{verifier}");
    }
}

#[tokio::test]
async fn the_token_endpoint_refuses_in_json() {
    let yahoo = Yahoo::careless().await;
    let shop = yahoo.shop();
    let (id, secret, refresh) = (shop.client_id(), shop.client_secret(), shop.refresh_token());
    let good = format!("grant_type=refresh_token&refresh_token={refresh}");
    let with_client = format!("{good}&client_id={id}&client_secret={secret}");
    let wrong_client = format!("{good}&client_id={id}&client_secret=x");
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let path = crate::yahoo_client::TOKEN_PATH;
    let cases = [
        (form, with_client.as_str(), 200, Value::Null),
        (form, wrong_client.as_str(), 401, json!("invalid_client")),
        (form, good.as_str(), 401, json!("invalid_client")),
        ("application/json", with_client.as_str(), 400, json!("invalid_request")),
    ];
    for (media, body, status, error) in cases {
        let reply = yahoo.sim.send("POST", path, &[("Content-Type", media)], body).await;
        assert_eq!((reply.status, &reply.json()["error"]), (status, &error), "{media} {body}");
    }
    for (body, error) in [
        ("grant_type=password", "unsupported_grant_type"),
        ("refresh_token=x", "invalid_request"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=x", "invalid_grant"),
        ("grant_type=refresh_token&refresh_token=x&more=1", "invalid_request"),
        ("grant_type=authorization_code&code=x", "invalid_request"),
    ] {
        assert_eq!(yahoo.form(body).await.json()["error"], error, "{body}");
    }
    yahoo.sim.world.switch(|s| s.yahoo.invalid_grant = true);
    assert_eq!(yahoo.form(&good).await.json()["error"], "invalid_grant");
    yahoo.sim.world.switch(|s| s.yahoo.invalid_grant = false);
    yahoo.sim.fault("token", Fault::Auth { code: "server_error".into() });
    assert_eq!(yahoo.form(&good).await.status, 500);
    assert_eq!(yahoo.sim.send("GET", path, &[], "").await.status, 405);
}

#[tokio::test]
async fn without_a_signature_a_session_ends_after_twelve_hours() {
    let mut yahoo = Yahoo::careless().await;
    let body = search(&day(), "OrderId", 1, 1);
    yahoo.signed = false;
    let reply = yahoo.call("orderList", &body).await;
    assert_eq!((reply.status, verdict(&reply).as_str()), (200, "none"));
    yahoo.sim.clock.advance(HOUR * 12);
    yahoo.refresh().await;
    for (function, body) in
        [("orderList", body.clone()), ("orderInfo", order("sim-store-10000000", "OrderId"))]
    {
        let reply = yahoo.call(function, &body).await;
        assert_eq!(reply.status, 401);
        assert_eq!(flat(&reply.text()), flat(&sample("error_401_px04102.xml")).replace(" ?>", "?>"));
        assert!(header(&reply.head, "www-authenticate").is_none());
    }
    let counted = yahoo.raw("GET", &format!("orderCount?sellerId={SELLER}"), &[], "").await;
    assert_eq!(counted.status, 200, "orderCount is not on the list");
    yahoo.signed = true;
    let reply = yahoo.call("orderList", &body).await;
    assert_eq!((reply.status, verdict(&reply).as_str()), (200, "authorized"));
    yahoo.signed = false;
    assert_eq!(yahoo.call("orderList", &body).await.status, 401);
    assert_eq!(yahoo.sim.world.consent_yahoo(YAHOO_SHOP), Some(yahoo.shop().refresh_token()));
    assert_eq!(yahoo.call("orderList", &body).await.status, 200, "a new consent starts the clock anew");
}

#[tokio::test]
async fn every_verdict_has_its_cause_and_none_fails_the_call() {
    let yahoo = Yahoo::careless().await;
    let now = yahoo.sim.world.now();
    let key = |version, enabled| YahooKey { version, valid_from: now - DAY, valid_to: now + DAY, enabled };
    let old = YahooKey { valid_to: now - HOUR, ..key(4, true) };
    let young = YahooKey { valid_from: now + HOUR, ..key(5, true) };
    assert!(yahoo.sim.world.set_yahoo_keys(YAHOO_SHOP, vec![key(1, true), key(3, false), old, young]));
    let seconds = now.micros() / 1_000_000;
    let plain = |seller: &str, at: i64| yahoo.encrypt(&format!("{seller}:{at}"));
    let good = plain(SELLER, seconds);
    let cases = [
        (good.clone(), "1", "authorized"),
        (good.clone(), "x", "invalid-key-version"),
        (good.clone(), "", "invalid-key-version"),
        (good.clone(), "2", "not-found-key-version"),
        (good.clone(), "3", "invalid-key-status"),
        (good.clone(), "4", "expired-key-version"),
        (good.clone(), "5", "invalid-key-status"),
        (plain(SELLER, seconds - 290), "1", "authorized"),
        (plain(SELLER, seconds - 310), "1", "expired-timestamp"),
        (plain(SELLER, seconds + 310), "1", "invalid-timestamp"),
        (yahoo.encrypt(&format!("{SELLER}:now")), "1", "invalid-timestamp"),
        (plain("other-store", seconds), "1", "invalid-sellerid"),
        (yahoo.encrypt("nothing"), "1", "invalid-authorize-value"),
        ("AAAA".to_owned(), "1", "invalid-authorize-value"),
        (good[..100].to_owned(), "1", "invalid-authorize-value"),
    ];
    let body = search(&day(), "OrderId", 1, 1);
    for (signature, version, wanted) in cases {
        let mut headers = vec![("X-sws-signature", signature.as_str())];
        headers.extend((!version.is_empty()).then_some(("X-sws-signature-version", version)));
        let reply = yahoo.raw("POST", "orderList", &headers, &body).await;
        assert_eq!((reply.status, verdict(&reply).as_str()), (200, wanted), "version {version}");
    }
    yahoo.sim.world.switch(|s| s.yahoo.verdict = Some("unauthorized".into()));
    assert_eq!(verdict(&yahoo.call("orderList", &body).await), "unauthorized");
    yahoo.sim.world.switch(|s| s.yahoo.no_verdict = true);
    assert!(header(&yahoo.call("orderList", &body).await.head, VERDICT).is_none());
}

#[tokio::test]
async fn refusals_have_the_shapes_of_chapter_8() {
    let yahoo = Yahoo::careless().await;
    let body = search(&day(), "OrderId", 1, 1);
    let path = "/yahoo/ShoppingWebService/V1/orderList";
    let reply = yahoo.sim.send("POST", path, &[], &body).await;
    assert_eq!(reply.status, 401);
    assert!(reply.text().contains("Authentication parameters in your request incompleted."));
    assert!(header(&reply.head, "x-yahooj-autherror").is_some());
    let unknown = yahoo.sim.send("POST", path, &[("Authorization", "Bearer x")], &body).await;
    assert!(header(&unknown.head, "www-authenticate").unwrap().contains("invalid_token"));
    assert_eq!(yahoo.raw("GET", "orderList", &[], "").await.status, 405);
    assert_eq!(yahoo.raw("POST", "orderSeenUpdate", &[], &body).await.status, 404);

    let codes = async |body: &str| {
        let reply = yahoo.call("orderList", body).await;
        (reply.status, Xml::parse(&reply.text()).get("Code").to_owned())
    };
    let owned = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(codes(&body.replace("sim-store", "other")).await, owned(403, "px-14304"));
    assert_eq!(codes(&body.replace("<SellerId>sim-store</SellerId>", "")).await, owned(400, "px-04001"));
    type Switch = fn(&mut mallsync::sim::YahooSwitches, bool);
    let switches: [(Switch, &str); 3] = [
        (|s, on| s.not_approved = on, "px-04303"),
        (|s, on| s.address_not_registered = on, "px-04306"),
        (|s, on| s.no_permission = on, "px-14303"),
    ];
    for (set, code) in switches {
        yahoo.sim.world.switch(|s| set(&mut s.yahoo, true));
        assert_eq!(codes(&body).await, owned(403, code));
        yahoo.sim.world.switch(|s| set(&mut s.yahoo, false));
    }
    for (code, file) in [("px-04303", "error_403_px04303.xml"), ("px-04306", "error_403_px04306.xml")] {
        yahoo.sim.fault("orderList", Fault::Auth { code: code.into() });
        assert_eq!(yahoo.call("orderList", &body).await.text(), sample(file));
    }
    yahoo.sim.fault("orderList", Fault::Code { code: "od91001".into(), effect: false });
    let trouble = yahoo.call("orderList", &body).await;
    assert_eq!((trouble.status, trouble.text()), (500, sample("error_500_od91001.xml")));
    yahoo.sim.world.switch(|s| s.yahoo.insufficient_scope = true);
    let scope = yahoo.call("orderList", &body).await;
    assert!(header(&scope.head, "www-authenticate").unwrap().contains("insufficient_scope"));
    yahoo.sim.world.switch(|s| s.yahoo.insufficient_scope = false);
    assert!(yahoo.sim.world.withdraw_yahoo(YAHOO_SHOP));
    assert_eq!(codes(&body).await, owned(403, "px-04307"));
    yahoo.sim.world.consent_yahoo(YAHOO_SHOP);

    let wrong = body.replace("OrderId</Field>", "IsGift</Field>");
    assert_eq!(yahoo.call("orderList", &wrong).await.text(), sample("error_400_od90101.xml"));
    yahoo.sim.world.switch(|s| s.yahoo.error_shape = YahooErrorShape::Ng);
    let ng = yahoo.call("orderList", &body.replace(">2026", ">x026")).await;
    assert_eq!((ng.status, ng.text()), (200, sample("error_order_list_ng.xml")));
    yahoo.sim.world.switch(|s| s.yahoo.error_shape = YahooErrorShape::Namespace);
    assert!(yahoo.call("orderList", &wrong).await.text().contains("<Error xmlns=\"urn:yahoo:api\">"));
    yahoo.sim.world.switch(|s| s.yahoo.maintenance = Maintenance::Html);
    assert_eq!(yahoo.call("orderList", &body).await.status, 503);
}

#[tokio::test]
async fn the_pace_is_counted_and_on_demand_enforced() {
    let yahoo = Yahoo::careless().await;
    let world = &yahoo.sim.world;
    let body = search(&day(), "OrderId", 1, 1);
    let ask = async || yahoo.raw("POST", "orderList", &[], &body).await;
    assert_eq!(ask().await.status, 200);
    // Another URL has a pace of its own.
    let info = order(&yahoo.numbers(&day()).await[0], "OrderId");
    assert_eq!(yahoo.raw("POST", "orderInfo", &[], &info).await.status, 200);
    assert_eq!(world.rate_violations(), 0);
    yahoo.sim.clock.advance(Duration::from_millis(980));
    assert_eq!(ask().await.status, 200, "counted, not refused");
    assert_eq!(world.rate_violations(), 1);
    assert_eq!(world.early_calls()[0].1, "orderList");
    yahoo.sim.clock.advance(Duration::from_millis(990));
    ask().await;
    assert_eq!(world.rate_violations(), 1, "10 ms are tolerated");

    for (status, retry) in [(503, 0), (429, 5), (403, 0)] {
        world.switch(|s| {
            s.yahoo.enforce_rate = true;
            s.yahoo.rate_status = status;
            s.yahoo.retry_after = retry;
        });
        let reply = ask().await;
        assert_eq!(reply.status, status);
        assert_eq!(header(&reply.head, "retry-after"), (retry > 0).then(|| "5".to_owned()));
    }
    world.switch(|s| {
        s.yahoo.enforce_rate = false;
        s.yahoo.enforce_quota = true;
        s.yahoo.daily_quota = 10;
    });
    let before = world.rate_violations();
    let mut refused = 0;
    for _ in 0..5 {
        let reply = yahoo.call("orderList", &body).await;
        refused += u32::from(reply.status == 403 && reply.text().contains("Your Request was Forbidden"));
    }
    assert_eq!((refused, world.rate_violations() - before), (3, 3));
    // A new day in Japan.
    let midnight = Timestamp::jst_midnight((start_time() + DAY).jst_date());
    yahoo.sim.clock.advance(midnight.since(yahoo.sim.world.now()));
    world.expire_yahoo_tokens(YAHOO_SHOP);
    let dead = yahoo.raw("POST", "orderList", &[], &body).await;
    assert_eq!(dead.status, 401, "no longer the quota");
    yahoo.sim.world.set_faults(vec![Rule { fault: Fault::QpsLimit, times: 1, ..Rule::default() }]);
    assert_eq!(ask().await.status, 403);
}

#[tokio::test]
async fn the_config_section_points_at_the_shop() {
    let yahoo = Yahoo::careless().await;
    let text = yahoo.shop().section(yahoo.sim.server.addr(), std::path::Path::new("/keys"), start_time());
    let section: toml::Table = toml::from_str(&text).unwrap();
    let section = section["shops"][YAHOO_SHOP].as_table().unwrap();
    let secret = |key: &str| section[key].as_str().unwrap().strip_prefix("plain:").unwrap().to_owned();
    let body = format!(
        "grant_type=refresh_token&refresh_token={}&client_id={}&client_secret={}",
        secret("refresh_token"),
        section["client_id"].as_str().unwrap(),
        secret("client_secret")
    );
    let url = url::Url::parse(section["auth_url"].as_str().unwrap()).unwrap();
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(yahoo.sim.send("POST", url.path(), &form, &body).await.status, 200);
    assert!(section["base_url"].as_str().unwrap().ends_with("/yahoo/ShoppingWebService/V1/"));
    assert_eq!(section["public_key"].as_str(), Some("/keys/yahoo-public.pem"));
    assert_eq!(section["authorized_on"].as_str(), Some("2026-04-21"));
    assert_eq!(section["public_key_issued_on"].as_str(), Some("2026-03-22"));
    assert_eq!(section["seller_id"].as_str(), Some(SELLER));
}
