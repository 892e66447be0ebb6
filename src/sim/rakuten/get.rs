//! `getOrder` (rakuten-rms.md §5).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Shop, View, Wrong, editions, message, number, required};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::http::Answer;
use crate::sim::world::State;

const FUNCTION: &str = "GET_ORDER";
const REACH: Duration = Duration::from_hours(24 * 730);

pub(crate) fn answer(
    world: &World,
    state: &State,
    shop: &Shop,
    body: &Map<String, Value>,
    now: Timestamp,
) -> Answer {
    let numbers = required(body, "orderNumberList").and_then(|list| {
        let list = list.as_array().filter(|l| l.len() <= 100).ok_or(Wrong::Format)?;
        list.iter().map(Value::as_str).collect::<Option<Vec<&str>>>().ok_or(Wrong::Format)
    });
    let newest = state.switches.rakuten.max_version;
    let version = required(body, "version").and_then(|v| {
        let version = number(v).and_then(|n| u64::try_from(n).ok());
        version.filter(|n| (3..=newest).contains(n)).ok_or(Wrong::Format)
    });
    let (numbers, version) = match (numbers, version) {
        (Ok(numbers), Ok(version)) => (numbers, version),
        (numbers, version) => {
            let wrong = [("orderNumberList", numbers.err()), ("version", version.err())];
            let messages: Vec<Value> =
                wrong.iter().filter_map(|(member, w)| Some(w.as_ref()?.message(FUNCTION, member))).collect();
            return Answer::json(400, &json!({ "MessageModelList": messages, "OrderModelList": [] }));
        }
    };

    let visible = now - Duration::from_secs(state.switches.rakuten.get_lag_s);
    let shown = now - Duration::from_secs(state.switches.rakuten.read_lag_s);
    let mut orders = Vec::new();
    let mut missing = Vec::new();
    let mut asked = BTreeSet::new();
    for order_number in numbers {
        if !asked.insert(order_number) {
            continue;
        }
        let plan = shop.index_of(order_number).map(|index| world.plan_seen(state, shop, index, shown));
        if let Some(plan) = plan.filter(|p| p.placed <= visible && now - REACH <= p.placed) {
            let content = shop.content(world.options.seed, &plan);
            let rows = state.rakuten.rows(shop.id, plan.index, shown);
            let mut order = View { shop, plan: &plan, content: &content, now, rows }.order();
            editions::hide(&mut order, version);
            orders.push(order);
        } else {
            let mut info = message("INFO", FUNCTION, "102", "受注情報が取得できませんでした。");
            info["orderNumber"] = json!(order_number);
            missing.push(info);
        }
    }
    let mut messages = Vec::new();
    if !orders.is_empty() {
        let text = format!("受注情報取得に成功しました。(取得件数{}件)", orders.len());
        messages.push(message("INFO", FUNCTION, "101", &text));
    }
    messages.extend(missing);
    // Moved, not copied: a hundred orders are half a megabyte.
    let mut answer = Map::new();
    answer.insert("MessageModelList".into(), Value::Array(messages));
    answer.insert("OrderModelList".into(), Value::Array(orders));
    if version >= 6 {
        answer.insert("version".into(), json!(version));
    }
    Answer::json(200, &Value::Object(answer))
}
