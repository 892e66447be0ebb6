//! Rakuten's order functions that read orders, confirm them and report their shipment, as `rakuten-rms.md` §12 asks of a
//! simulator.
//!
//! # What the contract leaves open
//! - A shipment for an order in 100, 200, 400 or 800 is refused with `ERROR_101`; another shop's order, or no order at
//!   all, with `ERROR_016`; both with HTTP 200. `confirmOrder` says 102 of 800 too.
//! - A basket or row that is not the order's, a removed basket, a basket or row named twice: 011 of that member.
//! - A wrong member of an asynchronous request is told with HTTP 200, whichever it is; what only the order can tell (its
//!   state, its baskets) comes with the result.
//! - One wrong row, and none of the order's is written. An order that is 500 stays so, whatever becomes of its rows.
//! - To the first call that writes rows the staff leaves the order's parcels: what it has reported by then stays.

mod ask;
mod auth;
mod carriers;
mod confirm;
mod content;
mod editions;
mod envelope;
mod get;
mod jobs;
mod mangle;
mod models;
mod plan;
mod render;
mod rows;
mod search;
mod shipping;
mod shop;

use serde_json::{Value, json};

pub use auth::Key;
pub use shop::Shop;

pub(crate) use jobs::work_off;
pub(crate) use plan::{Kind, LIFE, Plan};
pub(crate) use rows::State;

use envelope::{Wrong, business, envelope, message, number, required};
use render::View;
use rows::staff_rows;

use super::World;
use super::dice::{Dice, Salt};
use super::faults::Fault;
use super::http::{Answer, Request};
use super::ledger::Shipments;
use super::switches::Maintenance;
use super::world;
use crate::clock::Timestamp;

const PREFIX: &str = "/rakuten/es/2.0/order/";
const LICENSE: &str = "/rakuten/es/1.0/license-management/license-key/expiry-date";
/// The functions that are simulated so far.
const FUNCTIONS: [&str; 6] = [
    "searchOrder",
    "getOrder",
    "confirmOrder",
    "updateOrderShipping",
    "updateOrderShippingAsync",
    "getResultUpdateOrderShippingAsync",
];
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

    /// The order numbers it is about.
    pub(crate) fn orders(&self) -> Vec<String> {
        let Some(body) = &self.body else { return Vec::new() };
        let list = |name: &str| body.get(name).and_then(Value::as_array).into_iter().flatten();
        let many = list("orderNumberList")
            .chain(list("OrderShippingModelList").filter_map(|model| model.get("orderNumber")));
        let all = many.chain(body.get("orderNumber"));
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Does it change orders?
    fn writes(&self) -> bool {
        matches!(self.function.as_str(), "confirmOrder" | "updateOrderShipping" | "updateOrderShippingAsync")
    }

    /// The orders that it is to change.
    pub(crate) fn changes(&self) -> Vec<String> {
        if self.writes() { self.orders() } else { Vec::new() }
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
        Some(Fault::LateEffect { seconds, .. }) => {
            let mut state = world.state();
            if call.writes()
                && let Ok((shop, _)) = admit(world, &mut state, call, now, &request_id)
            {
                let due = now + std::time::Duration::from_secs(*seconds);
                state.ledger.defer(due, &shop.name, call.changes(), call.request.clone());
            }
            Answer::json(200, &json!({}))
        }
        Some(Fault::Code { code, effect }) => {
            if *effect {
                handle(world, call, now, &request_id);
            }
            business(&call.function, code)
        }
        // A body that the fault replaces: what it would have been does not matter where nothing happens.
        Some(fault) if !fault.effect() => fault.mangle(Answer::json(200, &json!({}))),
        _ => {
            let answer = handle(world, call, now, &request_id);
            match fault {
                Some(fault) => mangle::apply(fault, answer),
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

/// The checks that come before any function, then the function.
fn handle(world: &World, call: &Call<'_>, now: Timestamp, request_id: &str) -> Answer {
    let mut state = world.state();
    match admit(world, &mut state, call, now, request_id) {
        Ok((shop, key)) if call.function == LICENSE_FUNCTION => {
            license_expiry(call.request, &state.keys[&shop.id], &key)
        }
        Ok((shop, _)) => run(world, &mut state, shop, call, now),
        Err(refusal) => refusal,
    }
}

/// The checks in the order of §12; who calls, and with which key.
fn admit<'w>(
    world: &'w World,
    state: &mut world::State,
    call: &Call<'_>,
    now: Timestamp,
    request_id: &str,
) -> Result<(&'w Shop, Key), Answer> {
    match state.switches.rakuten.maintenance {
        Maintenance::Off => {}
        Maintenance::Code => return Err(auth::refusal("ES01-02")),
        Maintenance::Html => {
            let body = super::faults::Body::Html;
            let fault = Fault::Status { status: 503, body, effect: false, retry_after: 0 };
            return Err(fault.mangle(Answer::json(503, &json!({}))));
        }
    }
    let licence_call = call.function == LICENSE_FUNCTION;
    let page = |status: u16, text: &str| {
        Answer::new(status, "text/html; charset=UTF-8", format!("<html><body>{text}</body></html>"))
    };
    if !licence_call && !FUNCTIONS.contains(&call.function.as_str()) {
        return Err(page(404, "Not Found"));
    }
    if call.request.method != if licence_call { "GET" } else { "POST" } {
        return Err(page(405, "Method Not Allowed"));
    }
    let header = call.request.header("authorization");
    let (shop, key) = auth::shop(world, state, header, &call.function, now)?;
    if auth::too_fast(state, shop.id, &call.function, now, world.options.speed)
        && state.switches.rakuten.enforce_rate
    {
        return Err(auth::qps_limit(&call.function, request_id));
    }
    if !licence_call && !json_with_charset(call.request.header("content-type")) {
        return Err(auth::refusal("ES04-03"));
    }
    Ok((shop, key))
}

/// The function itself.
fn run(world: &World, state: &mut world::State, shop: &Shop, call: &Call<'_>, now: Timestamp) -> Answer {
    // Not an object: every required member is missing.
    let empty = serde_json::Map::new();
    let body = call.body.as_ref().and_then(Value::as_object).unwrap_or(&empty);
    match call.function.as_str() {
        "searchOrder" => search::answer(world, state, shop, body, now),
        "getOrder" => get::answer(world, state, shop, body, now),
        "confirmOrder" => confirm::answer(world, state, shop, body, now),
        "updateOrderShipping" => shipping::answer(world, state, shop, body, now),
        "updateOrderShippingAsync" => jobs::accept(world, state, shop, body, now),
        _ => jobs::result(state, shop, body, now),
    }
}

/// A call that was admitted before takes effect now.
pub(crate) fn late(
    world: &World,
    state: &mut world::State,
    shop: &str,
    call: &Call<'_>,
    now: Timestamp,
) -> Option<Answer> {
    let shop = world.options.rakuten.iter().find(|known| known.name == shop)?;
    Some(run(world, state, shop, call, now))
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

/// Why a shipment or a confirmation should not have been asked for at this moment, whatever the mall says of it.
fn amiss(plan: &Plan, now: Timestamp, shipment: bool) -> Option<&'static str> {
    match plan.progress(now) {
        900 => Some("canceled"),
        800 => Some("cancel_requested"),
        100..=300 if plan.unfixed(now) => Some("not_final"),
        _ if !shipment => None,
        100 | 200 => Some("not_ready"),
        400 => Some("not_final"),
        300 if plan.under_check(now) => Some("mall_check"),
        300 if plan.gift_open(now) => Some("not_final"),
        300 | 500 | 600 | 700 => None,
        _ => Some("unknown"),
    }
}

impl World {
    /// The plan of a Rakuten order with what was done to it, by calls and from outside.
    pub(crate) fn plan(&self, state: &world::State, shop: &Shop, index: u64) -> Plan {
        self.plan_seen(state, shop, index, Timestamp::from_micros(i64::MAX))
    }

    /// [`World::plan`] for a read that shows what calls had written by `seen`.
    pub(crate) fn plan_seen(&self, state: &world::State, shop: &Shop, index: u64, seen: Timestamp) -> Plan {
        let course = state.rakuten.course(shop.id, index, seen, &state.switches.rakuten);
        let mut plan = shop.plan(self.options.seed, index, &course);
        if let Some(&at) = state.canceled.get(&(shop.id, index))
            && plan.canceled.is_none_or(|planned| planned > at)
        {
            plan.cancel(at, at);
        }
        plan
    }

    /// Status and shipping rows of a Rakuten order, its removed packages left out.
    pub(crate) fn rakuten_shipments(
        &self,
        state: &world::State,
        shop: &str,
        order_number: &str,
        now: Timestamp,
    ) -> Option<Shipments> {
        let shop = self.rakuten_shop(shop)?;
        let index = shop.index_of(order_number).filter(|&index| shop.orders.placed_at(index) <= now)?;
        let plan = self.plan(state, shop, index);
        let content = shop.content(self.options.seed, &plan);
        let rows = match state.rakuten.rows(shop.id, index, now) {
            Some(rows) => rows.to_vec(),
            None => staff_rows(shop, &plan, &content, now),
        };
        let live = (0..content.packages.len()).filter(|&k| !content.packages[k].removed);
        let parcel = |k: usize| {
            let own = rows.iter().filter(|row| row.parcel == k).map(rows::Row::shipment);
            (shop.basket_id(index, k).to_string(), own.collect())
        };
        Some(Shipments { status: plan.progress(now).to_string(), parcels: live.map(parcel).collect() })
    }
}
