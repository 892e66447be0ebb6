//! Amazon's orders, read and told of their shipment, and the sign-in before it, as `amazon-sp-api.md` §18 asks of a simulator.

mod auth;
mod call;
mod confirm;
mod content;
mod feed_xml;
mod feeds;
mod kind;
mod outside;
mod parts;
mod plan;
mod query;
mod quota;
mod render;
mod search;
mod sent;
mod shop;
mod switches;
mod token;
mod truth;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

pub use shop::Shop;
pub use switches::{FeedEnd, Lwa, Switches};

pub(crate) use call::Call;

use super::World;
use super::dice::{Dice, Salt};
use super::faults::{Body, Fault};
use super::http::{Answer, Request};
use super::switches::Maintenance;
use super::world::State as Whole;
use crate::clock::Timestamp;
use call::Operation;
use confirm::Shipment;
use feeds::Feeds;
use query::{Search, Wrong};
use quota::Quotas;
use sent::Sent;

/// What was done to an order from outside, and when.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outside {
    asked: Option<Timestamp>,
    canceled: Option<Timestamp>,
    shipped: Option<Timestamp>,
}

/// A shipment that is told now and takes effect later.
#[derive(Clone, Debug)]
pub(crate) struct Late {
    pub(crate) account: u64,
    pub(crate) number: String,
    pub(crate) shipment: Shipment,
    pub(crate) due: Timestamp,
}

/// What came from outside.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// When the world began.
    began: Option<Timestamp>,
    pub(crate) quotas: Quotas,
    /// By shop and index.
    outside: BTreeMap<(u64, u64), Outside>,
    /// By shop and index: the packages that calls told of, as they were taken.
    sent: BTreeMap<(u64, u64), Vec<Sent>>,
    late: Vec<Late>,
    feeds: Feeds,
    /// Tokens given to a shop by then are dead.
    tokens_dead_before: BTreeMap<u64, Timestamp>,
}

impl State {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { began: Some(now), ..Self::default() }
    }
}

fn json(status: u16, body: &Value) -> Answer {
    Answer::new(status, "application/json", body.to_string())
}

/// `{"errors":[{code, message, details}]}` (§6).
fn refusal(status: u16, code: &str, message: &str, details: &str) -> Answer {
    json(status, &json!({ "errors": [{ "code": code, "message": message, "details": details }] }))
}

fn bad_input(details: &str) -> Answer {
    refusal(400, "InvalidInput", "Invalid Input", details)
}

fn bad_token() -> Answer {
    let text = "The paginationToken you have submitted is not valid. All parameters must match the original request \
                except maxResultsPerPage.";
    refusal(400, "InvalidInput", text, "")
}

fn not_found() -> Answer {
    refusal(404, "NotFound", "The requested resource does not exist.", "")
}

fn over_quota() -> Answer {
    refusal(429, "QuotaExceeded", "You exceeded your quota for the requested resource.", "")
}

fn unavailable(status: u16) -> Answer {
    match status {
        429 => over_quota(),
        503 => {
            refusal(503, "ServiceUnavailable", "Service is temporarily unavailable. Please try again.", "")
        }
        _ => refusal(status, "InternalFailure", "We encountered an internal error. Please try again.", ""),
    }
}

/// Answers one call.
pub(crate) fn answer(world: &World, call: &Call<'_>, fault: Option<&Fault>, now: Timestamp) -> Answer {
    let mut dice = Dice::new(world.options.seed, Salt::Request, world.state().requests);
    let request_id = uuid::Uuid::from_u64_pair(dice.roll(), dice.roll()).to_string();
    let shows_rate = dice.one_in(2);
    let token_call = matches!(call.operation, Operation::Token);
    let answer = match fault {
        Some(Fault::LateEffect { seconds, .. }) if call.writes() => {
            handle(world, call, dice, now, Some(now + Duration::from_secs(*seconds)))
        }
        Some(Fault::QpsLimit) => over_quota(),
        Some(Fault::Auth { code }) if token_call => auth::lwa_refusal(code),
        Some(Fault::Auth { code }) => auth::denied(code),
        // A body that the fault replaces: what it would have been does not matter for a call without effect.
        Some(fault) if !fault.effect() => mangle(fault, json(200, &json!({}))),
        _ => {
            let answer = handle(world, call, dice, now, None);
            match fault {
                Some(fault) => mangle(fault, answer),
                None => answer,
            }
        }
    };
    let limited = !matches!(
        call.operation,
        Operation::Token | Operation::Store(_) | Operation::Old | Operation::Unknown
    );
    let answer = if limited && shows_rate && matches!(answer.status, 200..=204 | 400 | 404) {
        let rate = rate_in_force(&world.state(), call.function());
        answer.with("x-amzn-RateLimit-Limit", quota::decimal(rate))
    } else {
        answer
    };
    answer
        .with("Date", now.utc().format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .with("x-amzn-RequestId", request_id)
}

fn rate_in_force(state: &Whole, operation: &str) -> u64 {
    state.switches.amazon.rates.get(operation).copied().unwrap_or(quota::published(operation).0)
}

/// The checks that come before any operation, then the operation.
/// With `due` a shipment takes effect then.
fn handle(world: &World, call: &Call<'_>, dice: Dice, now: Timestamp, due: Option<Timestamp>) -> Answer {
    let mut state = world.state();
    if let Operation::Store(id) = call.operation {
        return feeds::store(world, &mut state, call.request, id, now);
    }
    if matches!(call.operation, Operation::Token) {
        return auth::token(world, &state, call.request, now);
    }
    match state.switches.amazon.maintenance {
        Maintenance::Off => {}
        Maintenance::Code => return unavailable(503),
        Maintenance::Html => {
            let page = Fault::Status { status: 503, body: Body::Html, effect: false, retry_after: 0 };
            return page.mangle(json(503, &json!({})));
        }
    }
    match call.operation {
        Operation::Old => return not_found(),
        // What a gateway says to a path or method that it does not know (§6).
        Operation::Unknown => {
            return refusal(403, "MissingAuthenticationToken", "Missing Authentication Token", "");
        }
        _ => {}
    }
    if let Some(details) = auth::bad_user_agent(call.request.header("user-agent")) {
        return bad_input(details);
    }
    let posts = call.request.method == "POST";
    if !posts && (call.request.header("content-length").is_some() || !call.request.body.is_empty()) {
        return bad_input("A GET request must not have a body.");
    }
    if posts && !is_json(call.request) {
        return refusal(415, "UnsupportedMediaType", "The content type must be application/json.", "");
    }
    let shop = match auth::account(world, &state, call.request, now) {
        Ok(shop) => shop,
        Err(refusal) => return refusal,
    };
    let tolerance = Duration::from_millis(10) * world.options.speed.max(1);
    let rate = rate_in_force(&state, call.function());
    if !state.amazon.quotas.take((shop.ordinal, call.function()), rate, tolerance, now) {
        return over_quota();
    }
    if let Some(answer) = written(world, &mut state, shop, call, now, due) {
        return answer;
    }
    let query = &call.request.query;
    let outcome = match call.operation {
        Operation::Get(number) => {
            query::included(query).map(|included| get(world, &state, shop, number, included, now))
        }
        _ => Search::parse(query, now).map(|search| search::answer(world, &state, shop, &search, dice, now)),
    };
    outcome.unwrap_or_else(|wrong| match wrong {
        Wrong::Input(details) => bad_input(&details),
        Wrong::Token => bad_token(),
    })
}

fn is_json(request: &Request) -> bool {
    let media = request.header("content-type").and_then(|value| value.split(';').next());
    media.is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}

/// Shipments and feeds; `None` for a read of orders.
fn written(
    world: &World,
    state: &mut Whole,
    shop: &Shop,
    call: &Call<'_>,
    now: Timestamp,
    due: Option<Timestamp>,
) -> Option<Answer> {
    let request = call.request;
    if !matches!(call.operation, Operation::Get(_) | Operation::Search) && !request.query.is_empty() {
        return Some(bad_input("The operation has no query parameters."));
    }
    Some(match call.operation {
        Operation::Confirm(number) if !formed(number) => bad_input(NUMBER),
        Operation::Confirm(number) => confirm::answer(world, state, shop, (number, request), now, due),
        Operation::CreateFeedDocument => feeds::create_document(world, state, shop, request, now),
        Operation::CreateFeed => feeds::create(state, shop, request, now),
        Operation::GetFeed(id) => feeds::get(state, shop, id, now),
        Operation::GetFeedDocument(id) => feeds::get_document(world, state, shop, (id, request), now),
        _ => return None,
    })
}

/// What was put off and is due takes effect: shipments whose answer was lost, feeds.
pub(crate) fn catch_up(world: &World, state: &mut Whole, now: Timestamp) {
    let mut due: Vec<Late> = state.amazon.late.extract_if(.., |late| late.due <= now).collect();
    due.sort_by_key(|late| late.due);
    for late in due {
        state.ledger.leave(std::slice::from_ref(&late.number));
        if let Some(shop) = world.options.amazon.iter().find(|shop| shop.ordinal == late.account) {
            let told = (late.number.as_str(), "confirmShipment");
            // Nobody hears of a refusal: the books hold it.
            let _ = confirm::apply(world, state, shop, told, &late.shipment, late.due);
        }
    }
    feeds::catch_up(world, state, now);
}

const NUMBER: &str = "orderId: three, seven and seven digits";

fn formed(number: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = number.split('-').collect();
    parts.iter().map(|part| part.len()).eq([3, 7, 7])
        && parts.iter().all(|part| digits(part.strip_prefix('S').unwrap_or(part)))
}

/// `getOrder` (§8.2).
fn get(
    world: &World,
    state: &Whole,
    shop: &Shop,
    number: &str,
    included: query::Included,
    now: Timestamp,
) -> Answer {
    if !formed(number) {
        return bad_input(NUMBER);
    }
    let at = world.amazon_shows(state, now);
    let plan =
        shop.index_of(world.options.seed, number).map(|index| world.amazon_plan(state, shop, index, at));
    plan.filter(|plan| plan.visible(at)).map_or_else(not_found, |plan| {
        json(200, &json!({ "order": world.amazon_order(state, shop, &plan, included, at) }))
    })
}

/// Faults in Amazon's own shape, those that need the JSON, then those any body can have.
fn mangle(fault: &Fault, answer: Answer) -> Answer {
    if let Fault::Status { status, body: Body::Json, .. } = fault {
        let Answer { body, .. } = unavailable(*status);
        return Answer { body, ..fault.mangle(answer) };
    }
    let Ok(Value::Object(mut body)) = serde_json::from_slice::<Value>(&answer.body) else {
        return fault.mangle(answer);
    };
    match fault {
        Fault::ExtraElements => {
            body.insert("unknownMember".into(), json!(null));
            body.insert("anotherModel".into(), json!({ "list": [1, "2", null] }));
            // Written backwards: members come in another order than ever before.
            let members: Vec<String> =
                body.iter().rev().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
            return Answer { body: format!("{{{}}}", members.join(",")).into_bytes(), ..answer };
        }
        Fault::Tamper { orders, place, value } => {
            let mut change = |order: &mut Value| {
                if order["orderId"].as_str().is_some_and(|number| orders.contains(number))
                    && let Some(member) = order.pointer_mut(place)
                {
                    member.clone_from(value);
                }
            };
            body.get_mut("orders").and_then(Value::as_array_mut).into_iter().flatten().for_each(&mut change);
            body.get_mut("order").into_iter().for_each(&mut change);
        }
        Fault::WrongShape => {
            for member in ["orders", "order", "access_token"] {
                if let Some(value) = body.get_mut(member) {
                    *value = json!([["?"]]);
                }
            }
        }
        _ => return fault.mangle(answer),
    }
    Answer { body: Value::Object(body).to_string().into_bytes(), ..answer }
}
