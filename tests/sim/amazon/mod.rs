//! amazon-sp-api.md §4 to §8, §11 and §18.

mod amazon_writes;
mod amazon_writes_feeds;
mod orders;
mod rules;
mod search;
mod sign_in;
mod writing;

use std::collections::BTreeMap;
use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::sim::{AMAZON_SELLER, AMAZON_SHOP, AmazonShop, Catalogue, Fact};
use serde_json::Value;

use crate::client::{DAY, FORM, Reply, Sim, parse, request, start_time};

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
        Self::with(shop(200, 10)).await
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
