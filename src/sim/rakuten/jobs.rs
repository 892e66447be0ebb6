//! `updateOrderShippingAsync` and `getResultUpdateOrderShippingAsync` (rakuten-rms.md §6.4).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::ask::{self, Ask, about};
use super::rows::State as Rows;
use super::{Shop, Wrong, envelope, message, required, shipping};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::dice::{Dice, Salt};
use crate::sim::http::Answer;
use crate::sim::world::State;

const FUNCTION: &str = "UPDATE_ORDERSHIPPING_ASYNC";
const RESULT: &str = "GET_RESULT_UPDATEORDERSHIPPING_ASYNC";
/// The most orders of a call.
const MOST: usize = 100;
/// Results are kept so long.
const KEPT: Duration = Duration::from_hours(24 * 30);

/// An accepted request.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    shop: u32,
    accepted: Timestamp,
    due: Timestamp,
    orders: Vec<Ask>,
    /// How often its result was asked for.
    polls: u64,
    /// One element an order, once it is worked off.
    result: Option<Vec<Value>>,
}

impl Rows {
    /// When the next accepted request is worked off.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.jobs.values().filter(|job| job.result.is_none()).map(|job| job.due).min()
    }
}

/// Takes a request or refuses it whole; refusals come with HTTP 200.
pub(super) fn accept(
    world: &World,
    state: &mut State,
    shop: &Shop,
    body: &Map<String, Value>,
    now: Timestamp,
) -> Answer {
    let list = required(body, "OrderShippingModelList")
        .and_then(|v| v.as_array().filter(|list| list.len() <= MOST).ok_or(Wrong::Format));
    let list = match list {
        Ok(list) => list,
        Err(wrong) => {
            let message = wrong.message(FUNCTION, "OrderShippingModelList");
            return envelope(200, vec![about(message, None, None)]);
        }
    };
    let (mut orders, mut messages, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for model in list {
        let empty = Map::new();
        let model = model.as_object().unwrap_or(&empty);
        match ask::read(model, FUNCTION, state.switches.rakuten.shipping_dates) {
            Ok(asked) if seen.insert(asked.order_number.clone()) => orders.push(asked),
            Ok(asked) => {
                let message = Wrong::Format.message(FUNCTION, "orderNumber");
                messages.push(of_order(about(message, None, None), &json!(asked.order_number)));
            }
            Err(wrong) => {
                let number = model.get("orderNumber").cloned().unwrap_or(Value::Null);
                messages.extend(wrong.into_iter().map(|message| of_order(message, &number)));
            }
        }
    }
    if !messages.is_empty() {
        return envelope(200, messages);
    }
    state.rakuten.taken += 1;
    // The ids of requests begin at the other end.
    let mut dice = Dice::new(world.options.seed, Salt::Request, u64::MAX - state.rakuten.taken);
    let (high, low) = (dice.roll(), dice.roll());
    let id = format!("{}_{}", uuid::Uuid::from_u64_pair(high, low), now.jst().format("%Y%m%d%H%M%S"));
    let due = now + Duration::from_secs(state.switches.rakuten.async_s);
    state.ledger.stay(&seen.into_iter().collect::<Vec<_>>());
    let jobs = &mut state.rakuten.jobs;
    jobs.retain(|_, job| job.result.is_none() || now.since(job.accepted) <= KEPT);
    let job = Job { shop: shop.id, accepted: now, due, orders, polls: 0, result: None };
    jobs.insert(id.clone(), job);
    let mut accepted = message("INFO", FUNCTION, "101", "発送情報の更新を受付けました。");
    accepted["requestId"] = json!(id);
    envelope(200, vec![about(accepted, None, None)])
}

fn of_order(mut message: Value, order_number: &Value) -> Value {
    message["orderNumber"] = order_number.clone();
    message
}

/// Works off what is due at `due`, order by order, each for itself.
pub(crate) fn work_off(world: &World, state: &mut State, due: Timestamp) {
    let ready: Vec<(String, Job)> = state
        .rakuten
        .jobs
        .iter()
        .filter(|(_, job)| job.result.is_none() && job.due == due)
        .map(|(id, job)| (id.clone(), job.clone()))
        .collect();
    for (id, job) in ready {
        let numbers: Vec<String> = job.orders.iter().map(|asked| asked.order_number.clone()).collect();
        state.ledger.leave(&numbers);
        let shop = world.options.rakuten.iter().find(|shop| shop.id == job.shop);
        let mut result = Vec::new();
        for (shop, asked) in shop.iter().flat_map(|shop| job.orders.iter().map(move |asked| (shop, asked))) {
            let name = "updateOrderShippingAsync";
            let done = shipping::perform(world, state, shop, asked, name, due);
            result.push(json!({ "orderNumber": asked.order_number, "MessageModelList": done.messages }));
        }
        if let Some(job) = state.rakuten.jobs.get_mut(&id) {
            job.result = Some(result);
        }
    }
}

/// What became of a request. Running, unknown and expired look the same.
pub(super) fn result(state: &mut State, shop: &Shop, body: &Map<String, Value>, now: Timestamp) -> Answer {
    let id = required(body, "requestId").and_then(|v| v.as_str().ok_or(Wrong::Format));
    let id = match id {
        Ok(id) => id,
        Err(wrong) => {
            let messages = [wrong.message(RESULT, "requestId")];
            return Answer::json(
                400,
                &json!({ "ResultShippingModelList": [{ "MessageModelList": messages }] }),
            );
        }
    };
    let pending = state.switches.rakuten.async_polls;
    let job = state.rakuten.jobs.get_mut(id).filter(|job| job.shop == shop.id);
    let result = job.and_then(|job| {
        job.polls += 1;
        job.result.clone().filter(|_| job.polls > pending && now.since(job.accepted) <= KEPT)
    });
    let list = result.unwrap_or_else(|| {
        let text = "指定されたリクエストIDの処理結果は存在しませんでした。";
        vec![json!({ "MessageModelList": [message("INFO", RESULT, "101", text)] })]
    });
    Answer::json(200, &json!({ "ResultShippingModelList": list }))
}
