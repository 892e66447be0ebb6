//! Yahoo!ショッピング, orders read and changed, and sign-in, as `yahoo-shopping.md` §12 asks of a simulator.

mod change;
mod conditions;
mod consent;
mod content;
mod fields;
mod info;
mod keys;
mod kind;
mod list;
mod mangle;
mod method;
mod plan;
mod refusal;
mod shop;
mod signature;
mod state;
mod status;
mod switches;
mod truth;
mod view;
mod write;
mod written;

use std::time::Duration;

pub use shop::Shop;
pub use signature::KeyVersion;
pub use switches::{ErrorShape, Switches};

pub(crate) use state::State;
pub(crate) use write::catch_up;

use refusal::Refusal;
use state::{CONSENT_LIFE, Excess};

use super::World;
use super::faults::{Body, Fault};
use super::http::{Answer, Request};
use super::switches::Maintenance;
use super::world;
use super::xml::{self, Node};
use crate::clock::Timestamp;

const PREFIX: &str = "/yahoo/";
const ORDERS: &str = "/yahoo/ShoppingWebService/V1/";
const TOKEN: &str = "/yahoo/yconnect/v2/token";
const AUTHORIZATION: &str = "/yahoo/yconnect/v2/authorization";
/// The order functions that are simulated so far, each with its method.
const FUNCTIONS: [(&str, &str); 7] = [
    ("orderCount", "GET"),
    ("orderList", "POST"),
    ("orderInfo", "POST"),
    ("orderShipStatusChange", "POST"),
    ("orderStatusChange", "POST"),
    ("orderPayStatusChange", "POST"),
    ("orderChange", "POST"),
];

/// A request to a path below the prefix.
pub(crate) struct Call<'r> {
    request: &'r Request,
    function: &'static str,
    /// The document in the body, where there is one.
    req: Option<Node>,
}

impl<'r> Call<'r> {
    pub(crate) fn route(request: &'r Request) -> Option<Self> {
        if !request.path.starts_with(PREFIX) {
            return None;
        }
        let function = match request.path.as_str() {
            TOKEN => "token",
            AUTHORIZATION => "authorization",
            path => {
                let name = path.strip_prefix(ORDERS).unwrap_or_default();
                FUNCTIONS.iter().find(|(known, _)| *known == name).map_or("unknown", |(known, _)| *known)
            }
        };
        let posted = FUNCTIONS.contains(&(function, "POST"));
        let req = posted.then(|| xml::read(&request.body, "Req")).flatten();
        Some(Self { request, function, req })
    }

    /// The order numbers that it changes.
    pub(crate) fn changes(&self) -> Vec<String> {
        if self.writes() { self.orders() } else { Vec::new() }
    }

    fn writes(&self) -> bool {
        self.function.ends_with("Change")
    }

    /// One of few names: counts must not grow with whatever is asked for.
    pub(crate) fn function(&self) -> &'static str {
        self.function
    }

    /// The order numbers it is about.
    pub(crate) fn orders(&self) -> Vec<String> {
        let req = self.req.as_ref();
        let parent = match self.function {
            "orderList" => req.and_then(|req| req.child("Search")?.child("Condition")),
            _ => req.and_then(|req| req.child("Target")),
        };
        parent.and_then(|parent| parent.leaf("OrderId")).map(str::to_owned).into_iter().collect()
    }

    /// ストアアカウント: in the document, or in the query of a GET.
    fn seller(&self) -> Option<String> {
        if self.function == "orderCount" {
            let query = self.request.query.as_bytes();
            let found = url::form_urlencoded::parse(query).find(|(name, _)| name == "sellerId");
            return found.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty());
        }
        self.req.as_ref().and_then(|req| req.leaf("SellerId")).map(str::to_owned)
    }
}

/// Answers one call.
pub(crate) fn answer(world: &World, call: &Call<'_>, fault: Option<&Fault>, now: Timestamp) -> Answer {
    match fault {
        Some(Fault::LateEffect { seconds, .. }) if call.writes() => {
            handle(world, call, now, Some(now + Duration::from_secs(*seconds)))
        }
        Some(Fault::Code { code, effect: true }) if call.writes() => {
            handle(world, call, now, None);
            by_name(world, call, code)
        }
        Some(Fault::QpsLimit) => too_fast(&world.state().switches.yahoo),
        Some(Fault::Auth { code } | Fault::Code { code, .. }) => by_name(world, call, code),
        // A body that the fault replaces: what it would have been does not matter for a call without effect.
        Some(fault) if !fault.effect() => fault.mangle(Answer::new(200, refusal::XML, "")),
        // The order is there, but not for this call.
        Some(Fault::Withhold) if call.function == "orderInfo" => {
            let state = world.state();
            refusal::not_exists().answer(&state.switches.yahoo, false)
        }
        Some(fault) => mangle::mangle(fault, handle(world, call, now, None), call.function),
        None => handle(world, call, now, None),
    }
}

/// A refusal that a fault names: a code of §8.3 or §8.4, `invalid_token`, `insufficient_scope`, `incomplete`, or an
/// `error` of the token endpoint.
fn by_name(world: &World, call: &Call<'_>, code: &str) -> Answer {
    match code {
        "invalid_token" => refusal::bearer("invalid_token", "expired token"),
        "insufficient_scope" => refusal::bearer("insufficient_scope", "insufficient scope"),
        "incomplete" => refusal::incomplete(),
        code => match refusal::of_code(code) {
            Some(refusal) => refusal.answer(&world.state().switches.yahoo, call.function == "orderList"),
            None => consent::refused(code),
        },
    }
}

/// With `due` a change takes effect then.
fn handle(world: &World, call: &Call<'_>, now: Timestamp, due: Option<Timestamp>) -> Answer {
    let mut state = world.state();
    let switches = state.switches.yahoo.clone();
    match switches.maintenance {
        Maintenance::Off => {}
        Maintenance::Code => return unavailable(503, "Under maintenance", 0),
        Maintenance::Html => {
            return Fault::Status { status: 503, body: Body::Html, effect: false, retry_after: 0 }
                .mangle(Answer::new(503, refusal::XML, ""));
        }
    }
    match call.function {
        "token" => return consent::token(world, &mut state, &switches, call.request, now),
        "authorization" => return consent::authorize(world, &mut state, &switches, call.request, now),
        _ => {}
    }
    let Some((function, method)) = FUNCTIONS.into_iter().find(|(name, _)| *name == call.function) else {
        return Answer::new(404, "text/html; charset=UTF-8", "<html><body>Not Found</body></html>");
    };
    if call.request.method != method {
        return Answer::new(405, "text/html; charset=UTF-8", "<html><body>Method Not Allowed</body></html>");
    }
    let (shop, refused) = caller(world, &state, call.request, now);
    let keys = shop.and_then(|shop| state.yahoo.keys.get(&shop.seller_id));
    let tolerance = Duration::from_secs(switches.signature_tolerance_s);
    let verdict = match (&switches.verdict, shop, keys) {
        (Some(forced), ..) => forced.clone(),
        (None, Some(shop), Some(keys)) => {
            signature::verdict(call.request, &shop.seller_id, keys, tolerance, now).to_owned()
        }
        // Nobody's signature.
        _ if call.request.header("x-sws-signature").is_some() => "unauthorized".to_owned(),
        _ => "none".to_owned(),
    };
    let answer = match (shop, refused) {
        (Some(shop), None) => admitted(world, &mut state, (shop, &switches), call, &verdict, (now, due)),
        (shop, refused) => {
            // A dead token's calls have a pace, too.
            if let Some(shop) = shop {
                count(world, &mut state, (shop, &switches), function, now);
            }
            refused.unwrap_or_else(refusal::incomplete)
        }
    };
    if switches.no_verdict { answer } else { answer.with("X-SWS-Authorize-Status", verdict) }
}

/// The shop behind the access token, and why it is refused, if it is.
fn caller<'w>(
    world: &'w World,
    state: &world::State,
    request: &Request,
    now: Timestamp,
) -> (Option<&'w Shop>, Option<Answer>) {
    let Some(token) = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "))
    else {
        return (None, Some(refusal::incomplete()));
    };
    let Some(token) = state.yahoo.tokens.get(token.trim()) else {
        return (None, Some(refusal::bearer("invalid_token", "invalid token")));
    };
    let shop = world.options.yahoo.iter().find(|shop| shop.seller_id == token.seller_id);
    let dead = now >= token.expires;
    (shop, dead.then(|| refusal::bearer("invalid_token", "expired token")))
}

fn count(
    world: &World,
    state: &mut world::State,
    (shop, switches): (&Shop, &Switches),
    function: &'static str,
    now: Timestamp,
) -> Option<Excess> {
    let clock = (now, world.options.speed);
    state.yahoo.count(&shop.client_id(), function, clock, switches.daily_quota, switches.enforce_rate)
}

/// What comes after the token: permissions, limits, the 12-hour rule, the function.
fn admitted(
    world: &World,
    state: &mut world::State,
    (shop, switches): (&Shop, &Switches),
    call: &Call<'_>,
    verdict: &str,
    (now, due): (Timestamp, Option<Timestamp>),
) -> Answer {
    let refused = |refusal: Option<Refusal>| {
        refusal.map_or_else(refusal::incomplete, |r| r.answer(switches, call.function == "orderList"))
    };
    match count(world, state, (shop, switches), call.function, now) {
        Some(Excess::Day) if switches.enforce_quota => return refused(refusal::of_code("forbidden")),
        Some(Excess::Pace) if switches.enforce_rate => return too_fast(switches),
        _ => {}
    }
    if switches.insufficient_scope {
        return refusal::bearer("insufficient_scope", "insufficient scope");
    }
    let grant = state.yahoo.grants.get(&shop.seller_id);
    let age = grant.map_or(CONSENT_LIFE, |grant| now.since(grant.authorized_at));
    let withdrawn = grant.is_none_or(|grant| grant.withdrawn);
    let limit = match (call.function, verdict) {
        ("orderList" | "orderInfo" | "orderChange", signature::AUTHORIZED) => CONSENT_LIFE,
        ("orderList" | "orderInfo" | "orderChange", _) => Duration::from_hours(switches.session_hours),
        // Not on the list of functions with a shorter session (§2.2).
        _ => Duration::MAX,
    };
    let seller = call.seller();
    let code = if switches.not_approved {
        Some("px-04303")
    } else if switches.address_not_registered {
        Some("px-04306")
    } else if withdrawn {
        Some("px-04307")
    } else if switches.no_permission {
        Some("px-14303")
    } else if age >= limit {
        Some("px-04102")
    } else {
        None
    };
    if let Some(code) = code {
        return refused(refusal::of_code(code));
    }
    if call.function != "orderCount" && call.req.is_none() {
        return refused(Some(refusal::parameter("Req")));
    }
    match seller {
        None => return refused(refusal::of_code("px-04001")),
        Some(seller) if seller != shop.seller_id => return refused(refusal::of_code("px-14304")),
        Some(_) => {}
    }
    let outcome = match (&call.req, call.function) {
        (Some(req), "orderList") => list::answer(world, state, shop, req, now),
        (Some(req), "orderInfo") => info::answer(world, state, shop, req, now),
        (Some(req), function) => write::answer(world, state, shop, (function, req), now, due),
        (None, _) => {
            let query = call.request.query.as_bytes();
            match url::form_urlencoded::parse(query).find(|(name, _)| name != "sellerId") {
                Some((name, _)) => Err(refusal::parameter(&name)),
                None => Ok(info::count(world, state, shop, now)),
            }
        }
    };
    outcome.unwrap_or_else(|refusal| refused(Some(refusal)))
}

/// The answer to a pace it does not like: how it shows is not published (§3).
fn too_fast(switches: &Switches) -> Answer {
    match switches.rate_status {
        403 => refusal::of_code("forbidden")
            .map_or_else(refusal::incomplete, |refusal| refusal.answer(switches, false)),
        status => unavailable(status, "Too many requests", switches.retry_after),
    }
}

fn unavailable(status: u16, message: &str, retry_after: u64) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Message>{message}</Message>\n</Error>\n"
    );
    let answer = Answer::new(status, refusal::XML, body);
    if retry_after > 0 { answer.with("Retry-After", retry_after.to_string()) } else { answer }
}
