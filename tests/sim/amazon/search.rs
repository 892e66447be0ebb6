//! amazon-sp-api.md §8.1 and §11: what a search finds, page by page.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mallsync::clock::Timestamp;
use serde_json::Value;

use super::*;
use crate::client::{DAY, start_time};

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
