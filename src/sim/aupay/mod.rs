//! au PAY マーケット, the reading operations, as `au-pay-market.md` §13 asks of a simulator.

mod amounts;
mod auth;
mod cache;
mod content;
mod controls;
mod kind;
mod mangle;
mod plan;
mod render;
mod search;
mod shop;
mod switches;
mod truth;
mod wire;
mod xml;

use std::collections::BTreeMap;
use std::net::IpAddr;

pub use shop::Shop;
pub use switches::Switches;
pub use xml::Empty;

pub(crate) use auth::{default_issue, keys};

use super::World;
use super::faults::Fault;
use super::http::{Answer, Request};
use super::rakuten::Key;
use super::switches::Maintenance;
use super::world::Pace;
use crate::clock::Timestamp;
use render::View;
use search::{Page, Search};
use xml::{Tamper, Xml};

const PREFIX: &str = "/aupay/wmshopapi/";
const LIST: &str = "searchTradeInfoListProc";
const NUMBERS: &str = "searchTradeNoListProc";
const ONE: &str = "searchTradeInfoProc";
/// Outside the orders: what clients ask to see whether key, address and shop number are right (§2).
const PICTURES: &str = "searchImgCapacity";
/// The operations that are simulated so far.
const FUNCTIONS: [&str; 4] = [LIST, NUMBERS, ONE, PICTURES];

/// What came from outside.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// By shop number.
    pub(crate) keys: BTreeMap<String, Vec<Key>>,
    pub(crate) pace: BTreeMap<String, Pace>,
    /// What was done to an order by hand, by shop number and index.
    touched: BTreeMap<(String, u64), Vec<controls::Deed>>,
    /// Orders before this index were shown by a later page (see `insert_between_pages`).
    shown: BTreeMap<String, u64>,
    texts: cache::Cache,
}

/// A request to a path below the prefix.
pub(crate) struct Call<'r> {
    request: &'r Request,
    function: &'static str,
}

impl<'r> Call<'r> {
    pub(crate) fn route(request: &'r Request) -> Option<Self> {
        let name = request.path.strip_prefix(PREFIX)?;
        // A running client sends a second slash (§1).
        let name = name.strip_prefix('/').unwrap_or(name);
        // One name for all others: counts must not grow with whatever is asked for.
        let function = FUNCTIONS.into_iter().find(|known| *known == name).unwrap_or("unknown");
        Some(Self { request, function })
    }

    pub(crate) fn function(&self) -> &'static str {
        self.function
    }

    /// The order numbers it is about.
    pub(crate) fn orders(&self) -> Vec<String> {
        let parameters = self.parameters().into_iter();
        parameters.filter(|(name, _)| name == "orderId").map(|(_, number)| number).collect()
    }

    fn parameters(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.request.query.as_bytes()).into_owned().collect()
    }
}

/// Answers one call.
pub(crate) fn answer(
    world: &World,
    call: &Call<'_>,
    fault: Option<&Fault>,
    now: Timestamp,
    peer: IpAddr,
) -> Answer {
    match fault {
        Some(Fault::Auth { code } | Fault::Code { code, .. }) => {
            wire::refusal(&world.state().switches.aupay, code)
        }
        // A body that the fault replaces: what it would have been does not matter for a call that only reads.
        Some(fault) if !fault.effect() => fault.mangle(Answer::new(200, wire::XML, "")),
        Some(fault @ Fault::Tamper { orders, place, value }) => {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let answer = handle(world, call, Some(Tamper { orders, place, value: &value }), now, peer);
            fault.mangle(answer)
        }
        Some(fault) => mangle::apply(fault, handle(world, call, None, now, peer)),
        None => handle(world, call, None, now, peer),
    }
}

/// The checks in the sequence of §13.1, then the operation.
fn handle(
    world: &World,
    call: &Call<'_>,
    tamper: Option<Tamper<'_>>,
    now: Timestamp,
    peer: IpAddr,
) -> Answer {
    let mut state = world.state();
    let switches = state.switches.aupay.clone();
    match switches.maintenance {
        Maintenance::Off => {}
        Maintenance::Code => {
            return Answer { status: switches.maintenance_status, ..wire::refusal(&switches, "CME9090") };
        }
        Maintenance::Html => return wire::page(switches.maintenance_status),
    }
    if call.function == "unknown" {
        return wire::page(404);
    }
    if call.request.method != "GET" {
        return wire::page(405);
    }
    let shop = match auth::shop(world, &state, call.request, call.function, peer, now) {
        Ok(shop) => shop,
        Err(refusal) => return refusal,
    };
    auth::keep_pace(&mut state, shop, call.function, now, world.options.speed);
    if call.function == PICTURES {
        return wire::well();
    }
    let parameters = call.parameters();
    let page = if call.function == ONE {
        search::number(&parameters).map(|number| Page::of_one(shop, &number, now))
    } else {
        Search::parse(&parameters).map(|search| search.page(world, &mut state, shop, now))
    };
    let page = match page {
        Ok(page) => page,
        Err(bad) => return wire::refused(&switches, &bad),
    };
    if call.function == ONE && page.indices.is_empty() && switches.unknown_order_refused {
        return wire::refusal(&switches, "CME9003");
    }
    let kept = tamper.is_none();
    let mut xml = Xml::new(switches.empty, switches.seconds, tamper);
    wire::success(&mut xml, &page, &switches);
    if call.function == NUMBERS {
        wire::numbers(&mut xml, shop, &page.indices, switches.numbers_apart);
        return Answer::new(200, wire::XML, xml.finish());
    }
    for &index in &page.indices {
        if kept && let Some(text) = state.aupay.texts.under(&switches).get(shop, index, now) {
            xml.out.push_str(text);
            continue;
        }
        let start = xml.out.len();
        let plan = world.aupay_plan(&state, shop, index);
        let content = shop.content(world.options.seed, &plan);
        let canceled_lines_count = switches.canceled_lines_count;
        View { shop, plan: &plan, content: &content, now, canceled_lines_count }.order(&mut xml);
        if kept {
            let life = (now, plan.next_change(now));
            state.aupay.texts.put(shop, index, life, &xml.out[start..]);
        }
    }
    Answer::new(200, wire::XML, xml.finish())
}
