//! au-pay-market.md §2 to §4, §6 to §9 and §13.

mod catalogue;
mod keys;
mod lists;
mod writes;
mod xml;

use std::collections::BTreeMap;

use mallsync::sim::{AUPAY_SHOP, AupayShop, Catalogue};

use self::xml::Node;
use crate::client::{DAY, Reply, Sim, start_time};

pub const SHOP_ID: &str = "40012345";
const LIST: &str = "searchTradeInfoListProc";
const NUMBERS: &str = "searchTradeNoListProc";
const ONE: &str = "searchTradeInfoProc";

/// A shop with 40 orders a day, sixty days of them in the past.
pub async fn start() -> Sim {
    start_with(Catalogue::per_day(start_time(), DAY * 60, 40)).await
}

pub async fn start_with(orders: Catalogue) -> Sim {
    Sim::with(|o| o.aupay = vec![AupayShop::new(AUPAY_SHOP, SHOP_ID, 2, orders)]).await
}

fn shop(sim: &Sim) -> &AupayShop {
    &sim.world.options().aupay[0]
}

/// One call with a key, `shopId` already among the parameters.
async fn call_with(sim: &Sim, key: &str, function: &str, query: &str) -> Reply {
    let path = format!("/aupay/wmshopapi/{function}?shopId={SHOP_ID}{query}");
    let bearer = format!("Bearer {key}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    sim.send("GET", &path, &headers, "").await
}

async fn call(sim: &Sim, function: &str, query: &str) -> Reply {
    call_with(sim, &shop(sim).api_key(), function, query).await
}

/// A call that must succeed.
async fn read(sim: &Sim, function: &str, query: &str) -> Node {
    let reply = call(sim, function, query).await;
    assert_eq!(reply.status, 200, "{query}");
    let root = xml::parse(&reply.text());
    assert_eq!(root.at("result/status"), "0", "{query}");
    root
}

/// The codes and texts of a refusal.
fn errors(reply: &Reply) -> Vec<(String, String)> {
    let root = xml::parse(&reply.text());
    assert_eq!(root.at("result/status"), "1");
    let result = root.child("result").unwrap();
    result.all("error").map(|e| (e.at("code").to_owned(), e.at("message").to_owned())).collect()
}

/// Every order of a window, page by page, as §4.1's safe paging rule reads them.
async fn read_all(sim: &Sim, window: &str, size: usize) -> Vec<Node> {
    let mut orders: Vec<Node> = Vec::new();
    loop {
        let query = format!("&totalCount={size}&startCount={}&{window}", orders.len() + 1);
        let page = read(sim, LIST, &query).await.children.into_iter();
        let page: Vec<Node> = page.filter(|n| n.name == "orderInfo").collect();
        let last = page.len() < size;
        orders.extend(page);
        if last {
            return orders;
        }
    }
}

const ALL: &str = "startDate=20260101&endDate=20261231";

fn by_number(orders: &[Node]) -> BTreeMap<&str, &Node> {
    orders.iter().map(|order| (order.at("orderId"), order)).collect()
}

fn fixture(name: &str) -> Node {
    xml::parse(&text_fixture(name))
}

fn text_fixture(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/aupay").join(name);
    std::fs::read_to_string(path).unwrap()
}
