//! Rakuten's order functions, read side, as `rakuten-rms.md` §12 asks of a simulator.

mod auth;
mod content;
mod editions;
mod get;
mod models;
mod plan;
mod render;
mod search;
mod shop;

use serde_json::{Value, json};

pub use auth::Key;
pub use shop::Shop;

pub(crate) use plan::{Kind, LIFE, Plan};
use render::View;

use super::World;
use super::dice::{Dice, Salt};
use super::faults::Fault;
use super::http::{Answer, Request};
use super::switches::Maintenance;
use crate::clock::Timestamp;

const PREFIX: &str = "/rakuten/es/2.0/order/";
const LICENSE: &str = "/rakuten/es/1.0/license-management/license-key/expiry-date";
/// The functions that are simulated so far.
const FUNCTIONS: [&str; 2] = ["searchOrder", "getOrder"];
/// The permission of the licence call; its function name in counts and switches.
const LICENSE_FUNCTION: &str = "license.expiryDate.get";

/// A request to a path below Rakuten's prefix.
pub(crate) struct Call<'r> {
    request: &'r Request,
    pub(crate) function: String,
    body: Option<Value>,
}

impl<'r> Call<'r> {
    pub(crate) fn route(request: &'r Request) -> Option<Self> {
        let function = if request.path == LICENSE {
            LICENSE_FUNCTION
        } else {
            let name = request.path.strip_prefix(PREFIX)?;
            let name = name.strip_suffix('/').unwrap_or(name);
            // One name for all others: counts must not grow with whatever is asked for.
            FUNCTIONS.into_iter().find(|known| *known == name).unwrap_or("unknown")
        };
        let body = serde_json::from_slice(&request.body).ok();
        Some(Self { request, function: function.to_owned(), body })
    }

    /// The order numbers asked for.
    pub(crate) fn orders(&self) -> Vec<String> {
        let list = self.body.as_ref().and_then(|b| b.get("orderNumberList")).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

/// Answers a call.
pub(crate) fn answer(world: &World, call: &Call<'_>, fault: Option<&Fault>, now: Timestamp) -> Answer {
    let request_id = {
        let requests = world.state().requests;
        let mut dice = Dice::new(world.options.seed, Salt::Request, requests);
        let (high, low) = (dice.roll(), dice.roll());
        uuid::Uuid::from_u64_pair(high, low).to_string()
    };
    let answer = match fault {
        Some(Fault::QpsLimit) => auth::qps_limit(&call.function, &request_id),
        Some(Fault::Auth { code }) => auth::refusal(code),
        // A body that the fault replaces: what it would have been does not matter for a call that only reads.
        Some(fault) if !fault.effect() => fault.mangle(Answer::json(200, &json!({}))),
        _ => {
            let answer = handle(world, call, now, &request_id);
            match fault {
                Some(fault) => mangle(fault, answer),
                None => answer,
            }
        }
    };
    answer
        .with("RequestId", request_id)
        .with("Timestamp", now.jst().format("%Y-%m-%dT%H:%M:%S").to_string())
        .with("Server", "openresty")
        .with("Cache-Control", "no-cache,no-store")
        .with("Set-Cookie", "WMONID=simulated; Path=/")
}

/// The checks that come before any function, in the order of §12, then the function.
fn handle(world: &World, call: &Call<'_>, now: Timestamp, request_id: &str) -> Answer {
    let mut state = world.state();
    match state.switches.rakuten.maintenance {
        Maintenance::Off => {}
        Maintenance::Code => return auth::refusal("ES01-02"),
        Maintenance::Html => {
            return Fault::Status {
                status: 503,
                body: super::faults::Body::Html,
                effect: false,
                retry_after: 0,
            }
            .mangle(Answer::json(503, &json!({})));
        }
    }
    let licence_call = call.function == LICENSE_FUNCTION;
    if !licence_call && !FUNCTIONS.contains(&call.function.as_str()) {
        return Answer::new(404, "text/html; charset=UTF-8", "<html><body>Not Found</body></html>");
    }
    if call.request.method != if licence_call { "GET" } else { "POST" } {
        return Answer::new(405, "text/html; charset=UTF-8", "<html><body>Method Not Allowed</body></html>");
    }
    let header = call.request.header("authorization");
    let (shop, key) = match auth::shop(world, &state, header, &call.function, now) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    if auth::too_fast(&mut state, shop.id, &call.function, now, world.options.speed)
        && state.switches.rakuten.enforce_rate
    {
        return auth::qps_limit(&call.function, request_id);
    }
    if licence_call {
        return license_expiry(call.request, &state.keys[&shop.id], &key);
    }
    if !json_with_charset(call.request.header("content-type")) {
        return auth::refusal("ES04-03");
    }
    let Some(Value::Object(body)) = &call.body else {
        // Not an object: every required member is missing.
        let empty = serde_json::Map::new();
        return match call.function.as_str() {
            "searchOrder" => search::answer(world, &state, shop, &empty, now),
            _ => get::answer(world, &state, shop, &empty, now),
        };
    };
    match call.function.as_str() {
        "searchOrder" => search::answer(world, &state, shop, body, now),
        _ => get::answer(world, &state, shop, body, now),
    }
}

/// `application/json` with a charset, in any spacing and case (§2.1).
fn json_with_charset(header: Option<&str>) -> bool {
    let Some(header) = header else { return false };
    let mut parts = header.split(';').map(str::trim);
    parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"))
        && parts.any(|p| {
            p.split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("charset")
                    && value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            })
        })
}

/// `GET …/expiry-date?licenseKey=…` (§2.3): Japanese time without an offset.
fn license_expiry(request: &Request, keys: &[Key], own: &Key) -> Answer {
    let asked = url::form_urlencoded::parse(request.query.as_bytes()).find(|(name, _)| name == "licenseKey");
    let Some((_, asked)) = asked.filter(|(_, value)| !value.is_empty()) else {
        return Answer::json(
            400,
            &json!({ "Results": { "errorCode": "ES04-01", "message": "Bad Request" } }),
        );
    };
    let key = if asked == own.key { Some(own) } else { keys.iter().find(|k| k.key == asked && !k.dead) };
    key.map_or_else(
        || auth::refusal("ES01-01"),
        |key| {
            Answer::json(
                200,
                &json!({ "expiryDate": key.expires.jst().format("%Y-%m-%dT%H:%M:%S").to_string() }),
            )
        },
    )
}

/// Faults that need the JSON, then those any body can have.
fn mangle(fault: &Fault, answer: Answer) -> Answer {
    let Ok(Value::Object(mut body)) = serde_json::from_slice::<Value>(&answer.body) else {
        return fault.mangle(answer);
    };
    match fault {
        Fault::ExtraElements => {
            body.insert("unknownMember".into(), json!(null));
            body.insert("AnotherModel".into(), json!({ "list": [1, "2", null] }));
            // Written backwards: members come in another order than ever before.
            let members: Vec<String> =
                body.iter().rev().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
            Answer { body: format!("{{{}}}", members.join(",")).into_bytes(), ..answer }
        }
        Fault::Withhold => {
            let first =
                body.get_mut("OrderModelList").and_then(Value::as_array_mut).filter(|l| !l.is_empty());
            if let Some(order) = first.map(|list| list.remove(0)) {
                let message = json!({
                    "messageType": "WARNING", "messageCode": "ORDER_EXT_API_GET_ORDER_WARNING_101",
                    "message": "(警告)", "orderNumber": order["orderNumber"],
                });
                if let Some(messages) = body.get_mut("MessageModelList").and_then(Value::as_array_mut) {
                    messages.push(message);
                }
            }
            Answer { body: Value::Object(body).to_string().into_bytes(), ..answer }
        }
        Fault::Tamper { orders, place, value } => {
            let shown = body.get_mut("OrderModelList").and_then(Value::as_array_mut);
            for order in shown.into_iter().flatten() {
                if order["orderNumber"].as_str().is_some_and(|number| orders.contains(number))
                    && let Some(member) = order.pointer_mut(place)
                {
                    member.clone_from(value);
                }
            }
            Answer { body: Value::Object(body).to_string().into_bytes(), ..answer }
        }
        Fault::WrongShape => {
            body.insert("MessageModelList".into(), json!("?"));
            Answer { body: Value::Object(body).to_string().into_bytes(), ..answer }
        }
        _ => fault.mangle(answer),
    }
}

/// One message of the normal envelope (§7.1).
fn message(kind: &str, function: &str, number: &str, text: &str) -> Value {
    json!({
        "messageType": kind,
        "messageCode": format!("ORDER_EXT_API_{function}_{kind}_{number}"),
        "message": text,
    })
}

/// What is wrong with one member of a request (§7.1, §12.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Missing,
    Empty,
    Format,
}

impl Wrong {
    fn message(self, function: &str, member: &str) -> Value {
        match self {
            Self::Missing => message("ERROR", function, "009", &format!("{member}の項目を指定して下さい。")),
            Self::Empty => message("ERROR", function, "010", &format!("{member}の値を指定して下さい。")),
            Self::Format => message("ERROR", function, "011", &format!("{member}の書式が不正です。")),
        }
    }
}

/// A required member: there, and not empty.
fn required<'b>(body: &'b serde_json::Map<String, Value>, member: &str) -> Result<&'b Value, Wrong> {
    match body.get(member) {
        None => Err(Wrong::Missing),
        Some(Value::Null) => Err(Wrong::Empty),
        Some(Value::String(text)) if text.is_empty() => Err(Wrong::Empty),
        Some(Value::Array(list)) if list.is_empty() => Err(Wrong::Empty),
        Some(value) => Ok(value),
    }
}

/// A number, as a number or as a numeric string (§3.2).
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(n) => n.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

impl World {
    /// The plan of a Rakuten order with what was done to it from outside.
    pub(crate) fn plan(&self, state: &super::world::State, shop: &Shop, index: u64) -> Plan {
        let mut plan = shop.plan(self.options.seed, index);
        if let Some(&at) = state.canceled.get(&(shop.id, index))
            && plan.canceled.is_none_or(|planned| planned > at)
        {
            plan.cancel(at, at);
        }
        plan
    }
}
