//! amazon-sp-api.md §5 to §8.1: what a call may say, how often, and what comes when it goes wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use mallsync::sim::{Body, Fault, Maintenance, Rule};
use serde_json::json;

use super::*;
use crate::client::{DAY, header, parse, start_time};

#[tokio::test]
async fn requests_must_be_as_chapter_5_says() {
    let amazon = Amazon::start().await;
    let after = stamp(start_time() - DAY);
    let path = query(&[("lastUpdatedAfter", &after), ("maxResultsPerPage", "1")]);
    let long = format!("mallsync/1 (Language=Rust/1.95; Platform={})", "x".repeat(500));
    for agent in
        [None, Some(""), Some("curl/8"), Some("mallsync/0.1.0 (Platform=Linux)"), Some(long.as_str())]
    {
        let mut headers = vec![("x-amz-access-token", amazon.access.as_str())];
        headers.extend(agent.map(|agent| ("user-agent", agent)));
        let reply = parse(&amazon.sim.raw(&get(&path, &headers)).await.bytes);
        assert_eq!(
            (reply.status, &reply.json()["errors"][0]["code"]),
            (400, &json!("InvalidInput")),
            "{agent:?}"
        );
    }
    let headers = [("x-amz-access-token", amazon.access.as_str()), ("user-agent", AGENT)];
    for body in ["", "{}"] {
        let reply = amazon.sim.send("GET", &path, &headers, body).await;
        assert_eq!(reply.status, 400, "a body, or its length");
    }
    assert_eq!(amazon.sim.send("POST", ORDERS, &headers, "{}").await.status, 403);
    for (path, status) in [
        ("/amazon/orders/v0/orders?MarketplaceIds=A1VC38T7YXB528&CreatedAfter=2026-04-01", 404),
        ("/amazon/orders/v0/orders/250-1010000-0000001/orderItems", 404),
        ("/amazon/orders/2026-01-01/Orders", 403),
        ("/amazon/orders/2026-01-01/orders/250-1010000-0000001/items", 403),
        ("/amazon/orders/2026-01-01/orders/250-9999999-9999999", 404),
        ("/amazon/orders/2026-01-01/orders/TEST_CASE_400", 400),
    ] {
        let reply = amazon.get(path).await;
        assert_eq!(reply.status, status, "{path}");
        if status == 404 {
            assert_eq!(reply.json(), fixture("error-404-order-not-found.json"));
        }
    }
    assert!(amazon.sim.world.counts().contains_key("amazon.v0"));
    amazon.sim.world.switch(|s| s.amazon.maintenance = Maintenance::Code);
    let down = amazon.get(&path).await;
    assert_eq!((down.status, down.json()), (503, fixture("error-503-service-unavailable.json")));
    amazon.sim.world.switch(|s| s.amazon.maintenance = Maintenance::Html);
    let down = amazon.get(&path).await;
    assert!(down.status == 503 && down.text().starts_with("<!DOCTYPE html>"));
    assert!(header(&down.head, "x-amzn-requestid").is_some());
}

#[tokio::test]
async fn parameters_follow_the_rules_of_chapter_8() {
    let amazon = Amazon::start().await;
    let now = start_time();
    let (day, hour) = (stamp(now - DAY), stamp(now - MINUTE * 60));
    let young = stamp(now - MINUTE);
    let after = ("lastUpdatedAfter", day.as_str());
    let bad: [&[(&str, &str)]; 21] = [
        &[],
        &[("lastUpdatedBefore", &hour)],
        &[after, ("createdAfter", &day)],
        &[after, ("createdBefore", &hour)],
        &[("createdAfter", &day), ("lastUpdatedBefore", &hour)],
        &[("lastUpdatedAfter", &hour), ("lastUpdatedBefore", &day)],
        &[after, ("lastUpdatedBefore", &young)],
        &[("createdAfter", &day), ("createdBefore", &young)],
        &[("lastUpdatedAfter", "2026-04-20")],
        &[("lastUpdatedAfter", "TEST_CASE_400")],
        &[("lastUpdatedAfter", "")],
        &[after, ("maxResultsPerPage", "0")],
        &[after, ("maxResultsPerPage", "101")],
        &[after, ("maxResultsPerPage", "ten")],
        &[after, ("fulfillmentStatuses", "UNSHIPPED,CANCELED")],
        &[after, ("fulfilledBy", "MFN")],
        &[after, ("includedData", "BUYER,ADDRESS")],
        &[after, ("includedData", "")],
        &[after, ("marketplaceIds", "ATVPDKIKX0DER")],
        &[after, ("MarketplaceIds", "A1VC38T7YXB528")],
        &[after, ("fulfilledBy", "AMAZON"), ("fulfilledBy", "MERCHANT")],
    ];
    for pairs in bad {
        let (status, answer) = amazon.search(pairs).await;
        assert_eq!((status, &answer["errors"][0]["code"]), (400, &json!("InvalidInput")), "{pairs:?}");
        assert_eq!(
            answer["errors"][0]["message"],
            fixture("error-400-invalid-input.json")["errors"][0]["message"]
        );
    }
    // Two minutes old is old enough; a time with an offset is a time; lists take commas.
    let settled = stamp(now - MINUTE * 2);
    let good: [&[(&str, &str)]; 4] = [
        &[after, ("lastUpdatedBefore", &settled)],
        &[("createdAfter", "2026-04-20T12:00:00+09:00")],
        &[("createdAfter", &day), ("createdBefore", &day)],
        &[
            after,
            ("fulfilledBy", "MERCHANT,AMAZON"),
            ("marketplaceIds", "A1VC38T7YXB528"),
            ("includedData", ALL),
        ],
    ];
    for pairs in good {
        assert_eq!(amazon.search(pairs).await.0, 200, "{pairs:?}");
    }
}

#[tokio::test]
async fn buckets_start_full_and_fill_at_the_published_rate() {
    let mut amazon = Amazon::with(shop(40, 20)).await;
    amazon.sim.world.switch(|s| s.amazon.rates.clear());
    let after = stamp(start_time() - DAY);
    let path = query(&[("lastUpdatedAfter", &after), ("maxResultsPerPage", "1")]);
    let bad = query(&[]);
    let mut rates = BTreeSet::new();
    for n in 0..20 {
        // A refused one takes a token, too.
        let reply = amazon.get(if n % 2 == 0 { &path } else { &bad }).await;
        assert_eq!(reply.status, if n % 2 == 0 { 200 } else { 400 });
        rates.insert(header(&reply.head, "x-amzn-ratelimit-limit"));
    }
    assert_eq!(rates, [None, Some("0.0056".to_owned())].into(), "on some answers");
    let refused = amazon.get(&path).await;
    assert_eq!((refused.status, refused.json()), (429, fixture("error-429-quota-exceeded.json")));
    for name in ["retry-after", "x-amzn-ratelimit-limit"] {
        assert!(header(&refused.head, name).is_none(), "{name}");
    }
    assert_eq!(amazon.sim.world.rate_violations(), 1);
    assert_eq!(amazon.sim.world.early_calls()[0].1, "searchOrders");
    // 1 ÷ 0.0056 s later there is one more; the other operation has its own bucket.
    amazon.sim.clock.advance(Duration::from_secs(178));
    assert_eq!(amazon.get(&path).await.status, 429);
    amazon.sim.clock.advance(Duration::from_secs(1));
    assert_eq!(amazon.get(&path).await.status, 200);
    let id = amazon.truth()[0].order_number.clone();
    for n in 0..31 {
        assert_eq!(amazon.order(&id, "BUYER").await.0, if n < 30 { 200 } else { 429 }, "{n}");
    }
    amazon.sim.clock.advance(Duration::from_secs(2));
    assert_eq!(amazon.order(&id, "BUYER").await.0, 200);
    assert_eq!(amazon.sim.world.rate_violations(), 3);

    // A lower rate refuses what the published one allows, and is no violation; a higher one allows what is one.
    amazon.sim.world.switch(|s| _ = s.amazon.rates.insert("getOrder".to_owned(), 250_000));
    amazon.sim.clock.advance(Duration::from_secs(2));
    assert_eq!((amazon.order(&id, "BUYER").await.0, amazon.sim.world.rate_violations()), (429, 3));
    amazon.sim.world.switch(|s| _ = s.amazon.rates.insert("getOrder".to_owned(), 2_000_000));
    amazon.sim.clock.advance(Duration::from_secs(1));
    assert_eq!((amazon.order(&id, "BUYER").await.0, amazon.sim.world.rate_violations()), (200, 4));
    let mut shown = BTreeSet::new();
    for _ in 0..12 {
        amazon.sim.clock.advance(Duration::from_secs(2));
        let reply = amazon.get(&format!("{ORDERS}/{id}")).await;
        shown.extend(header(&reply.head, "x-amzn-ratelimit-limit"));
    }
    assert_eq!(shown, ["2.0".to_owned()].into());
    // Full again after a long time, and not more than full.
    amazon.sim.world.switch(|s| s.amazon.rates.clear());
    amazon.sim.clock.advance(DAY);
    amazon.sign_in().await;
    let mut answered = 0;
    while amazon.get(&path).await.status == 200 {
        answered += 1;
    }
    assert_eq!(answered, 20);
}

#[tokio::test]
async fn faults_wear_amazons_shape() {
    let amazon = Amazon::start().await;
    let id = amazon.truth()[0].order_number.clone();
    let path = format!("{ORDERS}/{id}?includedData=FULFILLMENT");
    let set = |fault: Fault| {
        amazon.sim.world.set_fault(Rule { service: "amazon".into(), times: 1, fault, ..Rule::default() });
    };
    let status = |status| Fault::Status { status, body: Body::Json, effect: false, retry_after: 0 };
    for (fault, status, sample) in [
        (Fault::QpsLimit, 429, "error-429-quota-exceeded.json"),
        (status(500), 500, "error-500-internal-failure.json"),
        (status(503), 503, "error-503-service-unavailable.json"),
        (Fault::Auth { code: "expired".into() }, 403, "error-403-expired-token.json"),
        (Fault::Auth { code: "role".into() }, 403, "error-403-missing-role.json"),
    ] {
        set(fault.clone());
        let reply = amazon.get(&path).await;
        assert_eq!((reply.status, reply.json()), (status, fixture(sample)), "{fault:?}");
        assert!(header(&reply.head, "retry-after").is_none());
    }
    assert_eq!(amazon.sim.world.rate_violations(), 0);
    set(Fault::Auth { code: "invalid_grant".into() });
    assert_eq!(amazon.ask(&amazon.shop.client_secret()).await.json()["error"], "invalid_grant");
    let whole = amazon.get(&path).await;
    set(Fault::Truncated);
    assert_eq!(amazon.get(&path).await.body.len(), whole.body.len() / 2);
    set(Fault::EmptyBody);
    assert!(amazon.get(&path).await.body.is_empty());
    set(Fault::Bom);
    assert!(amazon.get(&path).await.body.starts_with(&[0xEF, 0xBB, 0xBF]));
    set(Fault::ExtraElements);
    let extra = amazon.get(&path).await.json();
    assert!(extra["unknownMember"].is_null() && extra["order"] == whole.json()["order"]);
    set(Fault::WrongShape);
    assert!(amazon.get(&path).await.json()["order"].is_array());
    let place = "/fulfillment/fulfillmentStatus".to_owned();
    set(Fault::Tamper { orders: [id.clone()].into(), place, value: json!("?") });
    assert_eq!(amazon.get(&path).await.json()["order"]["fulfillment"]["fulfillmentStatus"], "?");
    assert_eq!(amazon.get(&path).await.json(), whole.json());
}
