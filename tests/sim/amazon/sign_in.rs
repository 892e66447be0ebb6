//! amazon-sp-api.md §4 and §6: who calls.

use std::collections::BTreeSet;
use std::time::Duration;

use mallsync::sim::{AMAZON_SHOP, Lwa};
use serde_json::{Value, json};

use super::*;
use crate::client::{DAY, FORM, header, parse, start_time};

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
                pairs.iter_mut().filter(|(name, _)| *name == member).for_each(|pair| pair.1 = value);
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
    amazon.sim.clock.set(start_time() + Duration::from_millis(3_599_998));
    assert_eq!(amazon.get(&path).await.status, 200, "a millisecond before");
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
    amazon.sim.clock.advance(DAY * 171);
    assert_eq!(amazon.ask(&amazon.shop.client_secret()).await.status, 401);
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
