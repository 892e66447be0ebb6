//! Amazon's orders, read side, and the sign-in before it, as `amazon-sp-api.md` §18 asks of a simulator.

mod auth;
mod content;
mod outside;
mod parts;
mod plan;
mod query;
mod quota;
mod render;
mod search;
mod shop;
mod token;
mod truth;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use shop::Shop;

use super::World;
use super::dice::{Dice, Salt};
use super::faults::{Body, Fault};
use super::http::{Answer, Request};
use super::switches::Maintenance;
use super::world::State as Whole;
use crate::clock::Timestamp;
use query::{Search, Wrong};
use quota::Quotas;

const PREFIX: &str = "/amazon/";
const TOKEN: &str = "/amazon/auth/o2/token";
const ORDERS: &str = "/amazon/orders/2026-01-01/orders";
/// The reads that were removed (§1.2).
const OLD_ORDERS: &str = "/amazon/orders/v0/orders";

/// What the sign-in makes of the credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lwa {
    /// It takes them.
    #[default]
    Normal,
    /// The first client secret is not the right one; tokens that it gave go on.
    WrongSecret,
    /// The first client secret is past its 180 days, and so is every token that it gave.
    ExpiredSecret,
    /// The seller withdrew the authorisation, and with it every token.
    RevokedGrant,
}

/// Lasting conditions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Down for maintenance? (The sign-in is not.)
    pub maintenance: Maintenance,
    /// What the sign-in makes of the credentials.
    pub lwa: Lwa,
    /// Is the second client secret one that works?
    pub next_secret: bool,
    /// Access tokens live so many seconds, whatever `expires_in` says.
    pub token_life_s: u64,
    /// Has the application a role for basic order data? Without it every call ends in 403.
    pub order_role: bool,
    /// Has it the role for personal data? Without it the members are absent, with status 200.
    pub pii_role: bool,
    /// Has it a role for the buyer's name?
    pub buyer_name_role: bool,
    /// Rates other than the published ones, in millionths of a request a second: `searchOrders`, `getOrder`. The
    /// buckets follow; calls over the published rates are counted all the same.
    pub rates: BTreeMap<String, u64>,
    /// Changes show so many seconds after they happened. More than 120 is later than the bounds of searches admit.
    pub visible_after_s: u64,
    /// Pages repeat an order of the page before, now and then.
    pub repeats: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            maintenance: Maintenance::Off,
            lwa: Lwa::Normal,
            next_secret: true,
            token_life_s: 3_600,
            order_role: true,
            pii_role: true,
            buyer_name_role: true,
            rates: BTreeMap::new(),
            visible_after_s: query::SETTLED.as_secs(),
            repeats: true,
        }
    }
}

/// What was done to an order from outside, and when.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outside {
    asked: Option<Timestamp>,
    canceled: Option<Timestamp>,
    shipped: Option<Timestamp>,
}

/// What came from outside.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// When the world began.
    began: Option<Timestamp>,
    pub(crate) quotas: Quotas,
    /// By shop and index.
    outside: BTreeMap<(u64, u64), Outside>,
    /// Tokens given to a shop by then are dead.
    tokens_dead_before: BTreeMap<u64, Timestamp>,
}

impl State {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { began: Some(now), ..Self::default() }
    }
}

enum Operation<'r> {
    Token,
    Search,
    Get(&'r str),
    /// A read of the old edition.
    Old,
    Unknown,
}

/// A request to a path below the prefix.
pub(crate) struct Call<'r> {
    request: &'r Request,
    operation: Operation<'r>,
}

impl<'r> Call<'r> {
    pub(crate) fn route(request: &'r Request) -> Option<Self> {
        if !request.path.starts_with(PREFIX) {
            return None;
        }
        let below = |root: &str| {
            request.path.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let operation = if request.path == TOKEN {
            Operation::Token
        } else if request.method == "GET" && below(OLD_ORDERS).is_some() {
            Operation::Old
        } else {
            match below(ORDERS).filter(|_| request.method == "GET") {
                Some("") => Operation::Search,
                Some(rest) if rest.len() > 1 && !rest[1..].contains('/') => Operation::Get(&rest[1..]),
                _ => Operation::Unknown,
            }
        };
        Some(Self { request, operation })
    }

    /// One of few names: counts must not grow with whatever is asked for.
    pub(crate) fn function(&self) -> &'static str {
        match self.operation {
            Operation::Token => "token",
            Operation::Search => "searchOrders",
            Operation::Get(_) => "getOrder",
            Operation::Old => "v0",
            Operation::Unknown => "unknown",
        }
    }

    /// The order numbers it is about.
    pub(crate) fn orders(&self) -> Vec<String> {
        match self.operation {
            Operation::Get(number) => vec![number.to_owned()],
            _ => Vec::new(),
        }
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
        Some(Fault::QpsLimit) => over_quota(),
        Some(Fault::Auth { code }) if token_call => auth::lwa_refusal(code),
        Some(Fault::Auth { code }) => auth::denied(code),
        // A body that the fault replaces: what it would have been does not matter for a call that only reads.
        Some(fault) if !fault.effect() => mangle(fault, json(200, &json!({}))),
        _ => {
            let answer = handle(world, call, dice, now);
            match fault {
                Some(fault) => mangle(fault, answer),
                None => answer,
            }
        }
    };
    let limited = matches!(call.operation, Operation::Search | Operation::Get(_));
    let answer = if limited && shows_rate && matches!(answer.status, 200 | 400 | 404) {
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
fn handle(world: &World, call: &Call<'_>, dice: Dice, now: Timestamp) -> Answer {
    let mut state = world.state();
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
    if call.request.header("content-length").is_some() || !call.request.body.is_empty() {
        return bad_input("A GET request must not have a body.");
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

/// `getOrder` (§8.2).
fn get(
    world: &World,
    state: &Whole,
    shop: &Shop,
    number: &str,
    included: query::Included,
    now: Timestamp,
) -> Answer {
    let shape = [3, 7, 7];
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = number.split('-').collect();
    let formed = parts.iter().map(|part| part.len()).eq(shape)
        && parts.iter().all(|part| digits(part.strip_prefix('S').unwrap_or(part)));
    if !formed {
        return bad_input("orderId: three, seven and seven digits");
    }
    let at = world.amazon_shows(state, now);
    let plan = shop.index_of(world.options.seed, number).map(|index| world.amazon_plan(state, shop, index));
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
