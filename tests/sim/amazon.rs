//! amazon-sp-api.md §4 to §8, §11 and §18.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::sim::{
    AMAZON_SELLER, AMAZON_SHOP, AmazonShop, Body, Catalogue, Fact, Fault, Lwa, Maintenance, Rule,
};
use serde_json::{Value, json};

use crate::client::{DAY, FORM, Reply, Sim, header, parse, request, start_time};

const TOKEN: &str = "/amazon/auth/o2/token";
const ORDERS: &str = "/amazon/orders/2026-01-01/orders";
const AGENT: &str = "mallsync/0.1.0 (Language=Rust/1.95; Platform=Linux)";
const ALL: &str = "BUYER,RECIPIENT,PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,TAX,PAYMENT,\
                   FULFILLMENT_ORDERS";
const MINUTE: Duration = Duration::from_secs(60);

/// A simulator with a selling partner, and an access token to it.
struct Amazon {
    sim: Sim,
    shop: AmazonShop,
    access: String,
}

fn shop(per_day: u64, days: u32) -> AmazonShop {
    let orders = Catalogue::per_day(start_time(), DAY * days, per_day);
    AmazonShop::new(AMAZON_SHOP, AMAZON_SELLER, 1, orders)
}

fn fixture(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/amazon").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn get(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let text = String::from_utf8(request("GET", path, headers, "")).unwrap();
    text.replace("Content-Length: 0\r\n", "").into_bytes()
}

fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn query(pairs: &[(&str, &str)]) -> String {
    format!("{ORDERS}?{}", form(pairs))
}

fn stamp(at: Timestamp) -> String {
    at.utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn time(value: &Value) -> Timestamp {
    Timestamp::parse(value.as_str().unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().map_or(&[], Vec::as_slice)
}

fn ids(answer: &Value) -> Vec<String> {
    list(answer, "orders").iter().map(|order| order["orderId"].as_str().unwrap().to_owned()).collect()
}

impl Amazon {
    async fn start() -> Self {
        Self::with(shop(200, 40)).await
    }

    async fn with(shop: AmazonShop) -> Self {
        let sim = Sim::with(|options| options.amazon = vec![shop.clone()]).await;
        let mut amazon = Self { sim, shop, access: String::new() };
        amazon.sign_in().await;
        // No test but that of the quotas is about them.
        amazon.sim.world.switch(|s| {
            for operation in ["searchOrders", "getOrder"] {
                s.amazon.rates.insert(operation.to_owned(), u64::MAX >> 20);
            }
        });
        amazon
    }

    async fn token(&self, pairs: &[(&str, &str)]) -> Reply {
        self.sim.send("POST", TOKEN, &FORM, &form(pairs)).await
    }

    async fn ask(&self, secret: &str) -> Reply {
        let (id, refresh) = (self.shop.client_id(), self.shop.refresh_token());
        let pairs = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &refresh),
            ("client_id", &id),
            ("client_secret", secret),
        ];
        self.token(&pairs).await
    }

    async fn sign_in(&mut self) {
        let reply = self.ask(&self.shop.client_secret()).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        self.access = reply.json()["access_token"].as_str().unwrap().to_owned();
    }

    async fn get(&self, path: &str) -> Reply {
        let headers = [("x-amz-access-token", self.access.as_str()), ("user-agent", AGENT)];
        // A token for whoever asked for none: a bucket is refilled in less than a millisecond.
        self.sim.clock.advance(Duration::from_millis(1));
        parse(&self.sim.raw(&get(path, &headers)).await.bytes)
    }

    async fn search(&self, pairs: &[(&str, &str)]) -> (u16, Value) {
        let reply = self.get(&query(pairs)).await;
        (reply.status, reply.json())
    }

    async fn order(&self, number: &str, included: &str) -> (u16, Value) {
        let reply = self.get(&format!("{ORDERS}/{number}?includedData={included}")).await;
        (reply.status, reply.json())
    }

    /// Every order of a search, page by page; the bound; how often an order came twice.
    async fn pages(&self, pairs: &[(&str, &str)]) -> (BTreeMap<String, Value>, String, usize) {
        let mut orders = BTreeMap::new();
        let (mut token, mut repeated, mut bound) = (None::<String>, 0, None::<String>);
        loop {
            let mut pairs = pairs.to_vec();
            pairs.extend(token.as_deref().map(|token| ("paginationToken", token)));
            let (status, answer) = self.search(&pairs).await;
            assert_eq!(status, 200, "{answer}");
            for order in list(&answer, "orders") {
                let id = order["orderId"].as_str().unwrap().to_owned();
                repeated += usize::from(orders.insert(id, order.clone()).is_some());
            }
            let echoed = answer.get("lastUpdatedBefore").or_else(|| answer.get("createdBefore")).unwrap();
            assert_eq!(bound.get_or_insert(echoed.as_str().unwrap().to_owned()), echoed);
            match answer["pagination"]["nextToken"].as_str() {
                Some(next) => token = Some(next.to_owned()),
                None => return (orders, bound.unwrap(), repeated),
            }
        }
    }

    fn truth(&self) -> Vec<Fact> {
        self.sim.world.truth(AMAZON_SHOP).collect()
    }

    /// The first order of today's that has this status.
    fn with_status(&self, status: &str) -> Fact {
        self.truth().into_iter().rev().find(|fact| fact.status == status).unwrap()
    }
}

#[tokio::test]
async fn the_sign_in_gives_tokens_and_refuses_in_oauth_words() {
    let amazon = Amazon::start().await;
    let shop = &amazon.shop;
    let (id, secret, refresh) = (shop.client_id(), shop.client_secret(), shop.refresh_token());
    let reply = amazon.ask(&secret).await;
    assert_eq!(reply.status, 200);
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let answer = reply.json();
    assert_eq!(members(&answer), members(&fixture("lwa-token-response.json")));
    assert_eq!((&answer["expires_in"], &answer["refresh_token"]), (&json!(3_600), &json!(refresh)));
    assert!(answer["access_token"].as_str().unwrap().starts_with("Atza|"));
    assert_eq!(header(&reply.head, "cache-control").as_deref(), Some("no-store"));
    assert!(header(&reply.head, "x-amzn-requestid").is_some());
    assert_eq!(amazon.ask(&shop.client_secret_next()).await.status, 200);

    let (grant, wrong) = (("grant_type", "refresh_token"), "amzn1.oa2-cs.v1.other");
    let good = [grant, ("refresh_token", &refresh), ("client_id", &id), ("client_secret", &secret)];
    let cases: [(&str, Option<&str>, u16, &str); 8] = [
        ("client_secret", Some(wrong), 401, "invalid_client"),
        ("client_id", Some("amzn1.application-oa2-client.other"), 401, "invalid_client"),
        ("refresh_token", Some("Atzr|other"), 400, "invalid_grant"),
        ("grant_type", Some("password"), 400, "unsupported_grant_type"),
        ("grant_type", Some("client_credentials"), 400, "unauthorized_client"),
        ("grant_type", None, 400, "invalid_request"),
        ("client_secret", None, 400, "invalid_request"),
        ("refresh_token", None, 400, "invalid_request"),
    ];
    for (member, value, status, code) in cases {
        let mut pairs = good.to_vec();
        match value {
            Some(value) => {
                pairs.iter_mut().filter(|(name, _)| *name == member).for_each(|pair| pair.1 = value)
            }
            None => pairs.retain(|(name, _)| *name != member),
        }
        let reply = amazon.token(&pairs).await;
        assert_eq!((reply.status, &reply.json()["error"]), (status, &json!(code)), "{member} {value:?}");
        if code == "invalid_client" {
            assert_eq!(reply.json(), fixture("lwa-error-invalid-client.json"));
        }
        if code == "invalid_grant" {
            let sample = fixture("lwa-error-invalid-grant.json");
            assert_eq!(reply.json()["error_description"], sample["error_description"]);
        }
    }
    // In the address they would be logged; and it is a form.
    let body = form(&good);
    let in_address = amazon.sim.send("POST", &format!("{TOKEN}?{body}"), &FORM, &body).await;
    assert_eq!((in_address.status, &in_address.json()["error"]), (400, &json!("invalid_request")));
    let as_json = amazon.sim.send("POST", TOKEN, &[("Content-Type", "application/json")], &body).await;
    assert_eq!(as_json.status, 400);
    assert_eq!(amazon.sim.send("GET", TOKEN, &FORM, "").await.status, 400);
    // A refresh token that is not encoded is another one.
    let raw = body.replace("%2B", "+");
    assert_eq!(amazon.sim.send("POST", TOKEN, &FORM, &raw).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn access_tokens_die_in_the_ways_of_chapters_4_and_6() {
    let mut amazon = Amazon::start().await;
    let after = stamp(start_time() - DAY);
    let path = query(&[("lastUpdatedAfter", &after), ("maxResultsPerPage", "1")]);
    let bare = |headers: &[(&str, &str)]| get(&path, headers);
    let missing = parse(&amazon.sim.raw(&bare(&[("user-agent", AGENT)])).await.bytes);
    assert_eq!(missing.status, 403);
    assert_eq!(missing.json()["errors"][0]["details"], "Access token is missing in the request header.");
    for bad in ["Atza|nothing", "Bearer x", &format!("{}x", amazon.access)] {
        let reply = bare(&[("user-agent", AGENT), ("x-amz-access-token", bad)]);
        let reply = parse(&amazon.sim.raw(&reply).await.bytes);
        assert_eq!(reply.json(), fixture("error-403-revoked-or-malformed-token.json"), "{bad}");
        assert_eq!(header(&reply.head, "x-amzn-errortype").as_deref(), Some("AccessDeniedException"));
    }

    assert_eq!(amazon.get(&path).await.status, 200);
    amazon.sim.clock.advance(Duration::from_secs(3_599));
    let expired = amazon.get(&path).await;
    assert_eq!((expired.status, expired.json()), (403, fixture("error-403-expired-token.json")));
    assert!(header(&expired.head, "x-amzn-ratelimit-limit").is_none());
    amazon.sign_in().await;
    assert_eq!(amazon.get(&path).await.status, 200);

    // The seller's role for orders, a token that dies early, tokens that die at once.
    amazon.sim.world.switch(|s| s.amazon.order_role = false);
    assert_eq!(amazon.get(&path).await.json(), fixture("error-403-missing-role.json"));
    amazon.sim.world.switch(|s| {
        s.amazon.order_role = true;
        s.amazon.token_life_s = 60;
    });
    amazon.sim.clock.advance(MINUTE);
    assert_eq!(amazon.get(&path).await.json(), fixture("error-403-expired-token.json"));
    amazon.sim.world.switch(|s| s.amazon.token_life_s = 3_600);
    assert!(amazon.sim.world.revoke_amazon_tokens(AMAZON_SHOP));
    assert_eq!(amazon.get(&path).await.json(), fixture("error-403-revoked-or-malformed-token.json"));
    amazon.sim.clock.advance(Duration::from_millis(1));
    amazon.sign_in().await;
    assert_eq!(amazon.get(&path).await.status, 200);

    // The second secret goes on where the first has ended.
    amazon.sim.world.switch(|s| s.amazon.lwa = Lwa::WrongSecret);
    assert_eq!(amazon.ask(&amazon.shop.client_secret()).await.status, 401);
    assert_eq!(amazon.get(&path).await.status, 200, "what it gave goes on");
    amazon.sim.world.switch(|s| s.amazon.lwa = Lwa::ExpiredSecret);
    assert_eq!(amazon.get(&path).await.json(), fixture("error-403-lwa-secret-expired.json"));
    let refused = amazon.ask(&amazon.shop.client_secret()).await;
    assert_eq!((refused.status, refused.json()), (401, fixture("lwa-error-invalid-client.json")));
    let next = amazon.ask(&amazon.shop.client_secret_next()).await;
    amazon.access = next.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(amazon.get(&path).await.status, 200);
    amazon.sim.world.switch(|s| s.amazon.next_secret = false);
    assert_eq!(amazon.ask(&amazon.shop.client_secret_next()).await.status, 401);

    amazon.sim.world.switch(|s| s.amazon.lwa = Lwa::RevokedGrant);
    let refused = amazon.ask(&amazon.shop.client_secret()).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
    assert_eq!(amazon.get(&path).await.json(), fixture("error-403-revoked-or-malformed-token.json"));

    // 180 days after it was created the first secret ends by itself.
    amazon.sim.world.switch(|s| s.amazon.lwa = Lwa::Normal);
    assert_eq!(amazon.ask(&amazon.shop.client_secret()).await.status, 200);
    amazon.sim.clock.advance(DAY * 141);
    assert_eq!(amazon.ask(&amazon.shop.client_secret()).await.status, 401);
}

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
async fn a_search_finds_what_changed_and_filters_by_what_is_shown() {
    let amazon = Amazon::start().await;
    let after = stamp(start_time() - MINUTE * 60 * 6);
    let pairs = [("lastUpdatedAfter", after.as_str()), ("includedData", "FULFILLMENT")];
    let (found, bound, _) = amazon.pages(&pairs).await;
    assert!(found.len() > 100, "{}", found.len());
    // Against every order there is, one by one.
    let mut expected = BTreeSet::new();
    let (all, _, _) =
        amazon.pages(&[("createdAfter", "2026-01-01T00:00:00Z"), ("includedData", "FULFILLMENT")]).await;
    let truth = amazon.truth();
    assert_eq!(all.len(), truth.len());
    for fact in &truth {
        let order = &all[&fact.order_number];
        assert_eq!(order["fulfillment"]["fulfillmentStatus"], fact.status.as_str());
        assert_eq!(time(&order["createdTime"]), fact.ordered_at);
        let updated = time(&order["lastUpdatedTime"]);
        assert!(fact.ordered_at <= updated);
        if Timestamp::parse(&after).unwrap() <= updated && updated <= Timestamp::parse(&bound).unwrap() {
            expected.insert(fact.order_number.clone());
        }
    }
    assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), expected);

    for (parameter, value) in [
        ("fulfillmentStatuses", "UNSHIPPED,PARTIALLY_SHIPPED"),
        ("fulfillmentStatuses", "PENDING_AVAILABILITY"),
        ("fulfillmentStatuses", "CANCELLED"),
        ("fulfilledBy", "AMAZON"),
        ("fulfilledBy", "MERCHANT"),
    ] {
        let pairs =
            [("createdAfter", "2026-01-01T00:00:00Z"), ("includedData", "FULFILLMENT"), (parameter, value)];
        let (found, _, _) = amazon.pages(&pairs).await;
        let member = if parameter == "fulfilledBy" { "fulfilledBy" } else { "fulfillmentStatus" };
        let fits = |order: &Value| {
            order["fulfillment"][member].as_str().is_some_and(|is| value.split(',').any(|v| v == is))
        };
        let expected = all.iter().filter(|(_, order)| fits(order)).map(|(id, _)| id);
        assert!(found.keys().eq(expected), "{parameter}={value}");
        assert!(!found.is_empty());
    }
    let statuses: BTreeSet<&str> = truth.iter().map(|fact| fact.status.as_str()).collect();
    assert!(statuses.len() >= 7, "{statuses:?}");
}

#[tokio::test]
async fn changes_are_hidden_for_two_minutes() {
    let amazon = Amazon::start().await;
    let open = amazon.with_status("UNSHIPPED");
    let id = open.order_number.as_str();
    let before = amazon.order(id, "FULFILLMENT").await.1;
    assert!(amazon.sim.world.cancel_amazon(id));
    let happened = amazon.sim.world.now();
    amazon.sim.clock.advance(Duration::from_millis(119_990));
    assert_eq!(amazon.order(id, "FULFILLMENT").await.1, before);
    let after = stamp(happened);
    let pairs = [("lastUpdatedAfter", after.as_str())];
    let (_, early) = amazon.search(&pairs).await;
    assert!(!ids(&early).contains(&open.order_number));
    assert!(time(&early["lastUpdatedBefore"]) < happened);
    amazon.sim.clock.advance(Duration::from_millis(10));
    let (_, late) = amazon.search(&pairs).await;
    assert!(ids(&late).contains(&open.order_number));
    assert!(time(&late["lastUpdatedBefore"]) >= happened);
    let (_, order) = amazon.order(id, "FULFILLMENT").await;
    assert_eq!(order["order"]["fulfillment"]["fulfillmentStatus"], "CANCELLED");
    assert_eq!(time(&order["order"]["lastUpdatedTime"]), happened);
    // An order that nobody can see yet is no fact, and not found.
    amazon.sim.clock.set(start_time() + DAY);
    let seen: BTreeSet<String> = amazon.truth().into_iter().map(|fact| fact.order_number).collect();
    amazon.sim.clock.advance(MINUTE * 60);
    let next = amazon.truth().into_iter().find(|fact| !seen.contains(&fact.order_number)).unwrap();
    let early = Amazon::start().await;
    early.sim.clock.set(next.ordered_at + MINUTE * 2);
    assert_eq!(early.order(&next.order_number, "BUYER").await.0, 403, "the token is too old by now");
    let mut early = early;
    early.sign_in().await;
    assert_eq!(early.order(&next.order_number, "BUYER").await.0, 404);
}

#[tokio::test]
async fn pages_lose_nothing_that_did_not_change() {
    let amazon = Amazon::start().await;
    let after = stamp(start_time() - DAY * 2);
    let pairs =
        [("lastUpdatedAfter", after.as_str()), ("maxResultsPerPage", "20"), ("includedData", "FULFILLMENT")];
    let before = amazon.pages(&[("lastUpdatedAfter", after.as_str())]).await.0;
    amazon.sim.world.switch(|s| s.amazon.token_life_s = u64::from(u32::MAX));
    let (mut seen, mut token, mut twice, mut first_bound) = (BTreeMap::new(), None::<String>, 0, None);
    loop {
        let mut pairs = pairs.to_vec();
        pairs.extend(token.as_deref().map(|token| ("paginationToken", token)));
        let (status, answer) = amazon.search(&pairs).await;
        assert_eq!(status, 200);
        assert!(list(&answer, "orders").len() <= 20);
        first_bound.get_or_insert_with(|| time(&answer["lastUpdatedBefore"]));
        for order in list(&answer, "orders") {
            let id = order["orderId"].as_str().unwrap().to_owned();
            twice += usize::from(seen.insert(id, time(&order["lastUpdatedTime"])).is_some());
        }
        amazon.sim.clock.advance(MINUTE * 10);
        let Some(next) = answer["pagination"]["nextToken"].as_str() else { break };
        assert!(next.contains('+') && next.contains('/') && next.contains('='), "{next}");
        token = Some(next.to_owned());
    }
    assert!(twice > 0, "some come twice");
    let bound = stamp(first_bound.unwrap());
    let still = [("lastUpdatedAfter", after.as_str()), ("lastUpdatedBefore", bound.as_str())];
    let (unchanged, _, _) = amazon.pages(&still).await;
    assert!(unchanged.len() < before.len(), "some changed meanwhile");
    assert!(unchanged.keys().all(|id| seen.contains_key(id)));
}

#[tokio::test]
async fn tokens_are_bound_to_their_search_for_a_day() {
    let mut amazon = Amazon::start().await;
    let after = stamp(start_time() - DAY * 2);
    let base = [("lastUpdatedAfter", after.as_str()), ("maxResultsPerPage", "10"), ("includedData", "BUYER")];
    let (_, answer) = amazon.search(&base).await;
    let token = answer["pagination"]["nextToken"].as_str().unwrap().to_owned();
    let refused = fixture("error-400-invalid-pagination-token.json");
    let other = after.replace(".000Z", "Z");
    let same: [&[(&str, &str)]; 3] = [
        &base,
        &[("lastUpdatedAfter", &after), ("maxResultsPerPage", "50"), ("includedData", "PAYMENT")],
        &[("lastUpdatedAfter", &after)],
    ];
    let different: [&[(&str, &str)]; 4] = [
        &[("lastUpdatedAfter", &other)],
        &[("createdAfter", &after)],
        &[("lastUpdatedAfter", &after), ("fulfilledBy", "MERCHANT")],
        &[("lastUpdatedAfter", &after), ("marketplaceIds", "A1VC38T7YXB528")],
    ];
    for pairs in same {
        let pairs = [pairs, &[("paginationToken", token.as_str())]].concat();
        assert_eq!(amazon.search(&pairs).await.0, 200, "{pairs:?}");
    }
    for pairs in different {
        let pairs = [pairs, &[("paginationToken", token.as_str())]].concat();
        assert_eq!(amazon.search(&pairs).await, (400, refused.clone()), "{pairs:?}");
    }
    for raw in [
        token.clone(),
        token.replace('+', "%2B").replace('/', "%2F"),
        token.replace('+', "%252B").replace('/', "%252F").replace('=', "%253D"),
        "abc".to_owned(),
    ] {
        let path = format!("{ORDERS}?lastUpdatedAfter={after}&paginationToken={raw}");
        let reply = amazon.get(&path).await;
        assert_eq!((reply.status, reply.json()), (400, refused.clone()), "{raw}");
    }
    amazon.sim.clock.advance(DAY - MINUTE);
    amazon.sign_in().await;
    let pairs = [base.as_slice(), &[("paginationToken", token.as_str())]].concat();
    assert_eq!(amazon.search(&pairs).await.0, 200);
    amazon.sim.clock.advance(MINUTE);
    assert_eq!(amazon.search(&pairs).await, (400, refused));
}

/// Every place in a value with its type: `order.orderItems[].quantityOrdered` → `number`.
fn places(value: &Value, at: &str, into: &mut BTreeSet<(String, &'static str)>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(list) => {
            for one in list {
                places(one, &format!("{at}[]"), into);
            }
            "array"
        }
        Value::Object(members) => {
            for (name, one) in members {
                places(one, &format!("{at}.{name}"), into);
            }
            "object"
        }
    };
    into.insert((at.to_owned(), kind));
}

#[tokio::test]
async fn orders_have_the_members_of_the_samples() {
    let amazon = Amazon::start().await;
    let (orders, _, _) =
        amazon.pages(&[("createdAfter", "2026-01-01T00:00:00Z"), ("includedData", ALL)]).await;
    let (mut ours, mut theirs) = (BTreeSet::new(), BTreeSet::new());
    for order in orders.values().filter(|order| order.get("futureFlag").is_none()) {
        places(order, "", &mut ours);
    }
    for name in [
        "v2026-searchOrders-page1.json",
        "v2026-searchOrders-page2-last.json",
        "v2026-getOrder-cod-historical.json",
        "v2026-getOrder-partially-shipped.json",
        "v2026-getOrder-pickup-point-cvs-paid.json",
    ] {
        let sample = fixture(name);
        let single = std::slice::from_ref(&sample["order"]);
        let found = if single[0].is_null() { list(&sample, "orders") } else { single };
        found.iter().for_each(|order| places(order, "", &mut theirs));
    }
    let missing: Vec<_> = theirs.difference(&ours).collect();
    assert!(missing.is_empty(), "the samples have, but not we: {missing:?}");
    // What the schema has and no sample shows.
    let beyond: BTreeSet<&str> =
        ours.difference(&theirs).map(|(place, _)| place.trim_start_matches('.')).collect();
    let known = [
        "associatedOrders[]",
        "associatedOrders[].associationType",
        "associatedOrders[].orderId",
        "fulfillment.labelPrintingWindow",
        "fulfillment.labelPrintingWindow.latestDateTime",
        "fulfillmentOrders",
        "fulfillmentOrders[]",
        "fulfillmentOrders[].fulfillmentOrderId",
        "orderItems[].product.customization",
        "orderItems[].product.customization.customizedUrl",
        "orderItems[].product.price.priceDesignation",
        "orderItems[].tax",
        "orderItems[].tax.taxCollections",
        "proceeds.breakdowns",
        "proceeds.breakdowns[]",
        "proceeds.breakdowns[].subtotal",
        "proceeds.breakdowns[].subtotal.amount",
        "proceeds.breakdowns[].subtotal.currencyCode",
        "proceeds.breakdowns[].type",
        "recipient.deliveryAddress.addressLine3",
    ];
    assert_eq!(beyond, known.into_iter().collect());
    // The kinds that the contract names.
    let any = |place: &str, value: Value| orders.values().any(|order| order.pointer(place) == Some(&value));
    for (place, value) in [
        ("/programs/0", json!("PRIME")),
        ("/programs/0", json!("AMAZON_EASY_SHIP")),
        ("/programs/0", json!("FBM_SHIP_PLUS")),
        ("/programs/0", json!("PREORDER")),
        ("/salesChannel/channelName", json!("NON_AMAZON")),
        ("/payment/paymentExecutions/0/paymentMethod", json!("CashOnDelivery")),
        ("/payment/paymentExecutions/0/paymentMethod", json!("ConvenienceStore")),
        ("/payment/paymentExecutions/1/paymentMethod", json!("PointsAccount")),
        ("/recipient/deliveryAddress/addressType", json!("PICKUP_POINT")),
        ("/proceeds/grandTotal/currencyCode", json!("USD")),
        ("/proceeds/grandTotal/amount", json!("0")),
        ("/associatedOrders/0/associationType", json!("REPLACEMENT_ORIGINAL_ID")),
        ("/fulfillment/fulfillmentStatus", json!("AWAITING_REVIEW")),
        ("/packages/1/packageReferenceId", json!("2")),
    ] {
        assert!(any(place, value.clone()), "{place} = {value}");
    }
    assert!(orders.values().any(|o| o["fulfillment"].get("fulfilledBy").is_none()));
    let fractions: BTreeSet<bool> =
        orders.values().map(|o| o["lastUpdatedTime"].as_str().unwrap().contains('.')).collect();
    assert_eq!(fractions.len(), 2, "times with and without milliseconds");
}

fn amount(money: &Value) -> i64 {
    money["amount"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn amounts_add_up_but_for_the_kind_that_does_not() {
    let amazon = Amazon::start().await;
    let (orders, _, _) =
        amazon.pages(&[("createdAfter", "2026-01-01T00:00:00Z"), ("includedData", ALL)]).await;
    let (mut odd, mut taxed, mut unpriced) = (0, [0, 0], 0);
    for fact in amazon.truth() {
        let order = &orders[&fact.order_number];
        let id = &fact.order_number;
        assert_eq!(fact.lines, list(order, "orderItems").len());
        let numbers: Vec<&str> =
            list(order, "packages").iter().filter_map(|p| p["trackingNumber"].as_str()).collect();
        assert_eq!(fact.slips, numbers, "{id}");
        assert_eq!(fact.canceled, order["fulfillment"]["fulfillmentStatus"] == "CANCELLED");
        let method = order["payment"]["paymentExecutions"][0]["paymentMethod"].as_str().unwrap_or_default();
        assert_eq!(fact.payment, method, "{id}");
        if order.get("proceeds").is_none() {
            unpriced += 1;
            assert!(fact.due.is_none() && order.get("payment").is_none(), "{id}");
            assert!(
                list(order, "orderItems")
                    .iter()
                    .all(|i| i.get("proceeds").is_none() && i["product"].get("price").is_none())
            );
            continue;
        }
        if order["proceeds"]["grandTotal"]["currencyCode"] != "JPY" {
            assert_eq!(fact.due, None);
            continue;
        }
        let mut sum = 0;
        for item in list(order, "orderItems") {
            let quantity = item["quantityOrdered"].as_i64().unwrap();
            let fulfilled = item["fulfillment"]["quantityFulfilled"].as_i64().unwrap();
            assert_eq!(
                fulfilled + item["fulfillment"]["quantityUnfulfilled"].as_i64().unwrap(),
                quantity,
                "{id}"
            );
            let shipped: i64 = list(order, "packages")
                .iter()
                .flat_map(|package| list(package, "packageItems"))
                .filter(|part| part["orderItemId"] == item["orderItemId"])
                .map(|part| part["quantity"].as_i64().unwrap())
                .sum();
            if order["fulfillment"]["fulfilledBy"] != "AMAZON" {
                assert_eq!(shipped, fulfilled, "{id}");
            }
            if item.get("proceeds").is_none() {
                assert_eq!(quantity, 0, "{id}");
                continue;
            }
            let rows = list(&item["proceeds"], "breakdowns");
            let part = |kind: &str| -> i64 {
                rows.iter().filter(|row| row["type"] == kind).map(|row| amount(&row["subtotal"])).sum()
            };
            assert_eq!(part("ITEM"), amount(&item["product"]["price"]["unitPrice"]) * quantity, "{id}");
            let goods: i64 = ["ITEM", "SHIPPING", "GIFT_WRAP", "COD_FEE"].into_iter().map(part).sum();
            let inclusive = goods - part("DISCOUNT").abs();
            let total = amount(&item["proceeds"]["proceedsTotal"]);
            if part("TAX") > 0 {
                taxed[usize::from(total == inclusive)] += 1;
            }
            assert!(total == inclusive || total == inclusive + part("TAX"), "{id}");
            sum += total;
        }
        let total = amount(&order["proceeds"]["grandTotal"]);
        odd += i32::from(total != sum);
        let paid = list(&order["payment"], "paymentExecutions");
        let points: i64 = paid
            .iter()
            .filter(|p| p["paymentMethod"] == "PointsAccount")
            .map(|p| amount(&p["paymentAmount"]))
            .sum();
        assert_eq!(fact.due, Some(total - points), "{id}");
        if !paid.is_empty() {
            assert_eq!(paid.iter().map(|p| amount(&p["paymentAmount"])).sum::<i64>(), total, "{id}");
        }
    }
    assert!(unpriced > 100 && taxed[0] > 0 && taxed[1] > 0, "{unpriced} {taxed:?}");
    assert!(odd > 0 && odd < 100, "{odd} of {}", orders.len());
}

#[tokio::test]
async fn members_are_left_out_by_included_data_status_and_role() {
    let amazon = Amazon::start().await;
    let created = ("createdAfter", "2026-01-01T00:00:00Z");
    let plain = |orders: &BTreeMap<String, Value>| {
        let mut found = BTreeSet::new();
        for order in orders.values().filter(|order| order.get("futureFlag").is_none()) {
            places(order, "", &mut found);
        }
        found.into_iter().map(|(place, _)| place).collect::<BTreeSet<String>>()
    };
    let (none, _, _) = amazon.pages(&[created]).await;
    let without = plain(&none);
    for member in [".fulfillment", ".buyer", ".proceeds", ".packages", ".orderItems[].cancellation"] {
        assert!(!without.contains(member), "{member}");
    }
    let sample = fixture("v2026-getOrder-minimal-no-includedData.json");
    let mut minimal = BTreeSet::new();
    places(&sample["order"], "", &mut minimal);
    assert!(minimal.iter().all(|(place, _)| without.contains(place)), "{without:?}");
    for (value, member) in [
        ("FULFILLMENT", ".fulfillment"),
        ("BUYER", ".buyer"),
        ("RECIPIENT", ".recipient"),
        ("PROCEEDS", ".proceeds"),
        ("PAYMENT", ".payment"),
        ("EXPENSE", ".orderItems[].expense"),
        ("PROMOTION", ".orderItems[].promotion"),
        ("CANCELLATION", ".orderItems[].cancellation"),
        ("PACKAGES", ".packages"),
        ("TAX", ".orderItems[].tax"),
        ("FULFILLMENT_ORDERS", ".fulfillmentOrders"),
    ] {
        let (orders, _, _) = amazon.pages(&[created, ("includedData", value)]).await;
        assert!(plain(&orders).contains(member), "{value}");
    }
    let (orders, _, _) = amazon.pages(&[created, ("includedData", ALL)]).await;
    for order in orders.values() {
        let status = order["fulfillment"]["fulfillmentStatus"].as_str().unwrap();
        if status.starts_with("PENDING") || status == "CANCELLED" {
            assert!(order.get("buyer").is_none() && order.get("recipient").is_none(), "{order}");
        } else if order["fulfillment"]["fulfilledBy"] == "MERCHANT" {
            assert!(order["buyer"]["buyerEmail"].is_string(), "{order}");
            assert!(order["recipient"]["deliveryAddress"]["name"].is_string(), "{order}");
        } else if order["fulfillment"]["fulfilledBy"] == "AMAZON" {
            assert!(order.get("buyer").is_none() && order.get("packages").is_none(), "{order}");
            assert!(order["recipient"]["deliveryAddress"].get("phone").is_none(), "{order}");
        }
    }
    amazon.sim.world.switch(|s| s.amazon.buyer_name_role = false);
    let (orders, _, _) = amazon.pages(&[created, ("includedData", ALL)]).await;
    let found = plain(&orders);
    assert!(found.contains(".buyer.buyerEmail") && !found.contains(".buyer.buyerName"));
    amazon.sim.world.switch(|s| s.amazon.pii_role = false);
    let (orders, _, _) = amazon.pages(&[created, ("includedData", ALL)]).await;
    let found = plain(&orders);
    for place in
        [".recipient.deliveryAddress.name", ".recipient.deliveryAddress.postalCode", ".buyer.buyerEmail"]
    {
        assert!(!found.contains(place), "{place}");
    }
    assert!(!found.iter().any(|place| place.contains("giftMessage") || place.contains("customizedUrl")));
    assert!(found.contains(".recipient.deliveryAddress.stateOrRegion"));
    assert!(found.contains(".buyer.buyerCompanyName"), "no personal data of the listed kinds");
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
async fn orders_change_on_demand() {
    let amazon = Amazon::start().await;
    let post = |path: &'static str, id: String| {
        let sim = &amazon.sim;
        async move { sim.control("POST", path, &json!({ "order_number": id })).await.0 }
    };
    let open: Vec<Fact> = amazon.truth().into_iter().rev().filter(|f| f.status == "UNSHIPPED").collect();
    let [asked, shipped, canceled] = [0, 1, 2].map(|n| open[n].order_number.clone());
    let pending = amazon.with_status("PENDING").order_number;
    assert_eq!(post("amazon/ask-cancel", asked.clone()).await, 200);
    assert_eq!(post("amazon/ship", shipped.clone()).await, 200);
    assert_eq!(post("amazon/cancel", canceled.clone()).await, 200);
    assert_eq!(post("amazon/ship", pending.clone()).await, 404, "not paid");
    assert_eq!(post("amazon/cancel", shipped.clone()).await, 404, "it has left");
    assert_eq!(post("amazon/cancel", "250-9999999-9999999".to_owned()).await, 404);
    let happened = amazon.sim.world.now();
    amazon.sim.clock.advance(MINUTE * 3);
    for (id, status) in [(&asked, "UNSHIPPED"), (&shipped, "SHIPPED"), (&canceled, "CANCELLED")] {
        let order = amazon.order(id, ALL).await.1["order"].take();
        assert_eq!(order["fulfillment"]["fulfillmentStatus"], status);
        assert_eq!(time(&order["lastUpdatedTime"]), happened);
        let request = &order["orderItems"][0]["cancellation"]["cancellationRequest"]["requester"];
        assert_eq!(*request == "BUYER", id == &asked, "{order}");
        let fact = amazon.truth().into_iter().find(|fact| &fact.order_number == id).unwrap();
        assert_eq!(fact.status, status);
        if status == "SHIPPED" && order["fulfillment"]["fulfilledBy"] == "MERCHANT" {
            assert_eq!(list(&order, "packages").len(), 1);
        }
    }
    let (_, found) =
        amazon.search(&[("lastUpdatedAfter", &stamp(happened)), ("includedData", "BUYER")]).await;
    for id in [&asked, &shipped, &canceled] {
        assert!(ids(&found).contains(id));
    }
    // What is old comes up again when somebody touches it.
    let old = Amazon::with(shop(20, 200)).await;
    let first = old.truth().into_iter().find(|fact| fact.status == "UNSHIPPED").unwrap();
    assert!(old.sim.world.ask_cancel_amazon(&first.order_number));
    old.sim.clock.advance(MINUTE * 50);
    let after = stamp(start_time());
    assert!(ids(&old.search(&[("lastUpdatedAfter", &after)]).await.1).contains(&first.order_number));
}

#[tokio::test]
async fn the_same_world_answers_alike_and_is_not_walked() {
    let (one, other) = (Amazon::start().await, Amazon::start().await);
    let after = stamp(start_time() - DAY);
    let path = query(&[("lastUpdatedAfter", &after), ("includedData", ALL)]);
    for _ in 0..3 {
        let (a, b) = (one.get(&path).await, other.get(&path).await);
        assert_eq!((a.head, a.body), (b.head, b.body));
    }
    // A century of orders: looked through one by one, this would not end.
    let huge = Amazon::with(shop(2_000, 36_500)).await;
    let after = stamp(start_time() - MINUTE * 10);
    let (found, _, _) = huge.pages(&[("lastUpdatedAfter", &after)]).await;
    assert!(found.len() > 10, "{}", found.len());
    let open = [("createdAfter", "2016-01-01T00:00:00Z"), ("fulfillmentStatuses", "PARTIALLY_SHIPPED")];
    assert_eq!(huge.search(&open).await.0, 200);
    let first = [("lastUpdatedAfter", "2016-01-01T00:00:00Z"), ("maxResultsPerPage", "100")];
    let (_, answer) = huge.search(&first).await;
    assert_eq!(list(&answer, "orders").len(), 100);
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

#[test]
fn the_section_of_the_config_is_whole() {
    let shop = shop(10, 30);
    let addr = "127.0.0.1:9480".parse().unwrap();
    let text = shop.section(addr, std::path::Path::new("keys"));
    let table: toml::Table = toml::from_str(&text).unwrap();
    let section = &table["shops"][AMAZON_SHOP];
    let value = |name: &str| section[name].as_str().unwrap().to_owned();
    assert_eq!(value("mall"), "amazon");
    assert_eq!(value("base_url"), "http://127.0.0.1:9480/amazon");
    assert_eq!(value("auth_url"), "http://127.0.0.1:9480/amazon/auth/o2/token");
    assert_eq!(value("client_secret"), format!("plain:{}", shop.client_secret()));
    assert_eq!(value("refresh_token"), format!("plain:{}", shop.refresh_token()));
    assert_eq!(value("client_secret_issued_on"), "2026-03-22");
    assert_eq!(section["marketplace_ids"][0].as_str(), Some("A1VC38T7YXB528"));
}
