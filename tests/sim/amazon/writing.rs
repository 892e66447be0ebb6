//! What the tests of written shipments send.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::client::header;

impl Amazon {
    /// A call with a body; the buckets that no test is about are wide open.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Reply {
        let headers = [
            ("x-amz-access-token", self.access.as_str()),
            ("user-agent", AGENT),
            ("content-type", "application/json"),
        ];
        self.sim.clock.advance(Duration::from_millis(1));
        self.sim.send("POST", path, &headers, &body.to_string()).await
    }

    pub(super) async fn confirm(&self, number: &str, body: &Value) -> Reply {
        self.post(&confirmation(number), body).await
    }

    /// A simulator whose writes are not limited, either.
    pub(super) async fn writing() -> Self {
        let amazon = Self::start().await;
        amazon.sim.world.switch(|s| {
            for operation in
                ["confirmShipment", "createFeedDocument", "createFeed", "getFeed", "getFeedDocument"]
            {
                s.amazon.rates.insert(operation.to_owned(), u64::MAX >> 20);
            }
        });
        amazon
    }

    /// (order item id, pieces) of what has yet to leave.
    pub(super) async fn open_items(&self, number: &str) -> Vec<(String, i64)> {
        let (status, answer) = self.order(number, "FULFILLMENT").await;
        assert_eq!(status, 200, "{answer}");
        let items = list(&answer["order"], "orderItems").iter();
        items
            .map(|item| {
                let left = item["fulfillment"]["quantityUnfulfilled"].as_i64().unwrap();
                (item["orderItemId"].as_str().unwrap().to_owned(), left)
            })
            .filter(|(_, left)| *left > 0)
            .collect()
    }

    /// The latest orders that the merchant has to ship, of no program; `fits` chooses.
    pub(super) async fn shippable(&self, count: usize, fits: impl Fn(&Value) -> bool) -> Vec<String> {
        let mut found = Vec::new();
        for fact in self.truth().iter().rev().filter(|f| f.status == "UNSHIPPED" && f.slips.is_empty()) {
            let (_, answer) = self.order(&fact.order_number, ALL).await;
            let order = &answer["order"];
            let items = list(order, "orderItems");
            let plain = order["fulfillment"]["fulfilledBy"] == "MERCHANT"
                && list(order, "programs").is_empty()
                && items.iter().all(|item| item.get("cancellation").is_none());
            if plain && fits(order) {
                found.push(fact.order_number.clone());
            }
            if found.len() == count {
                return found;
            }
        }
        panic!("only {} of {count}", found.len());
    }

    /// Lets what was written show.
    pub(super) fn settle(&self) {
        self.sim.clock.advance(Duration::from_secs(200));
    }
}

pub(super) fn confirmation(number: &str) -> String {
    format!("/amazon/orders/v0/orders/{number}/shipmentConfirmation")
}

/// A package by Yamato of these items.
pub(super) fn package(reference: &str, tracking: &str, items: &[(String, i64)]) -> Value {
    let items: Vec<Value> = items.iter().map(|(id, n)| json!({ "orderItemId": id, "quantity": n })).collect();
    json!({ "marketplaceId": "A1VC38T7YXB528", "packageDetail": {
        "packageReferenceId": reference, "carrierCode": "YamatoTransport", "shippingMethod": "宅急便",
        "trackingNumber": tracking, "shipDate": "2026-04-21T05:30:00.000Z", "orderItems": items,
    } })
}

#[track_caller]
pub(super) fn taken(reply: &Reply) {
    assert_eq!((reply.status, reply.text().as_str()), (204, ""));
    assert_eq!(header(&reply.head, "content-length"), None);
}
