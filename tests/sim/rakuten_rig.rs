//! Orders of a simulated Rakuten shop, sought, written to and looked at.

use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::sim::{Catalogue, Fact, Shipments, WriteBook};
use serde_json::{Value, json};

use crate::client::{DAY, Sim, json_fixture, start_time};

pub const SHOP: &str = "rakuten-main";
pub const SHIP: &str = "updateOrderShipping";
pub const ASYNC: &str = "updateOrderShippingAsync";
pub const RESULT: &str = "getResultUpdateOrderShippingAsync";
pub const HOUR: Duration = Duration::from_hours(1);

pub fn sample(name: &str) -> Value {
    json_fixture(&format!("../rakuten/{name}.json"))
}

/// A hundred orders a day of eighteen days, whose shipments calls alone report.
pub async fn start() -> Sim {
    let sim = Sim::with(|o| {
        o.rakuten[0].orders = Catalogue::per_day(start_time(), DAY * 18, 100);
    })
    .await;
    sim.world.switch(|s| s.rakuten.staff_ships = false);
    sim
}

/// The first order that fits, time going on hour by hour until there is one.
pub fn seek(sim: &Sim, fits: impl Fn(&Fact) -> bool) -> String {
    for _ in 0..400 {
        if let Some(fact) = sim.world.truth(SHOP).find(|fact| fits(fact)) {
            return fact.order_number;
        }
        sim.clock.advance(HOUR);
    }
    panic!("no such order ever");
}

/// Orders of one parcel whose amounts are fixed.
pub fn in_status(status: &str) -> impl Fn(&Fact) -> bool {
    move |fact| fact.status == status && fact.due.is_some() && fact.packages == 1
}

pub async fn order(sim: &Sim, number: &str) -> Value {
    let body = json!({ "orderNumberList": [number], "version": 10 });
    let (_, mut answer) = sim.rakuten("getOrder", &body).await;
    answer["OrderModelList"][0].take()
}

pub async fn baskets(sim: &Sim, number: &str) -> Vec<u64> {
    let order = order(sim, number).await;
    let packages = order["PackageModelList"].as_array().unwrap().iter();
    packages.filter(|p| p["packageDeleteFlag"] == 0).map(|p| p["basketId"].as_u64().unwrap()).collect()
}

pub fn row(number: &str) -> Value {
    json!({ "deliveryCompany": "1001", "shippingNumber": number, "shippingDate": "2026-04-21" })
}

pub fn one(number: &str, basket: u64, rows: Value) -> Value {
    let mut body = json!({ "orderNumber": number, "BasketidModelList": [{ "basketId": basket }] });
    body["BasketidModelList"][0]["ShippingModelList"] = rows;
    body
}

/// Short codes of the messages: `INFO_101`.
pub fn codes(answer: &Value) -> Vec<String> {
    let messages = answer["MessageModelList"].as_array().unwrap().iter();
    messages.map(|m| short(m["messageCode"].as_str().unwrap())).collect()
}

pub fn short(code: &str) -> String {
    code.rsplit('_').take(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("_")
}

pub fn book(sim: &Sim, number: &str) -> WriteBook {
    sim.world.write_book(number).unwrap()
}

pub fn shown(sim: &Sim, number: &str) -> Shipments {
    sim.world.shipments(SHOP, number).unwrap()
}

pub fn stamp(at: Timestamp) -> String {
    at.jst().format("%Y-%m-%dT%H:%M:%S%z").to_string()
}

pub async fn found(sim: &Sim, date_type: u32, from: Timestamp, to: Timestamp) -> Vec<String> {
    let body = json!({
        "dateType": date_type, "startDatetime": stamp(from), "endDatetime": stamp(to),
        "PaginationRequestModel": { "requestRecordsAmount": 1_000, "requestPage": 1 },
    });
    let (_, answer) = sim.rakuten("searchOrder", &body).await;
    answer["orderNumberList"].as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_owned()).collect()
}
