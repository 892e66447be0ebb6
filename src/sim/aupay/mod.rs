//! au PAY マーケット, the operations on orders, as `au-pay-market.md` §13 asks of a simulator.
//!
//! # What the contract leaves open
//! - Out of キャンセル, and out of the statuses that are the mall's own (不正取引審査中, 審査保留, 審査NG, キャンセル受付中),
//!   no status leads (`CME9005`); any other leads anywhere. A status that is there already: nothing happens, or
//!   `CME9006` by switch.
//! - Shipment data are stored whatever the status; for a cancelled order too, or `CME9005` by switch. All three fields are
//!   required, or what is left out is kept or cleared by switch. Numbers come without hyphens, in letters and digits.
//! - Unknown elements are refused (`CME9002`). Wrapped ones hide what is in them: what they lack is named (`CME9001`).
//! - A body that cannot be read has no shop number (`CME0022`).
//! - 発送待ち by a call is as if the staff had done it: the order goes on from there. To the first call that enters
//!   shipment data the staff leaves the rest.

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
mod update;
mod wire;
mod xml;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

pub use shop::Shop;
pub use switches::{Omitted, Switches};
pub use xml::Empty;

pub(crate) use auth::{default_issue, keys};

use super::World;
use super::faults::Fault;
use super::http::{Answer, Request};
use super::rakuten::Key;
use super::switches::Maintenance;
use super::world::{self, Pace};
use super::xml::{Node, read as read_xml};
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
const INFO: &str = "updateTradeInfoProc";
const STATUS: &str = "updateTradeStsProc";
const CANCEL: &str = "cancelTradeProc";
/// Only its name is public: always refused (§5.4).
const CREDIT: &str = "doCreditCertainProc";
/// The operations that are simulated so far.
const FUNCTIONS: [&str; 8] = [LIST, NUMBERS, ONE, PICTURES, INFO, STATUS, CANCEL, CREDIT];

/// What came from outside.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// By shop number.
    pub(crate) keys: BTreeMap<String, Vec<Key>>,
    pub(crate) pace: BTreeMap<String, Pace>,
    /// What was done to an order by hand and by calls, by shop number and index.
    touched: BTreeMap<(String, u64), Vec<controls::Deed>>,
    /// Orders before this index were shown by a later page (see `insert_between_pages`).
    shown: BTreeMap<String, u64>,
    texts: cache::Cache,
}

impl State {
    fn is_touched(&self, shop: &Shop, index: u64) -> bool {
        !self.touched.is_empty() && self.touched.contains_key(&(shop.shop_id.clone(), index))
    }

    /// Has nobody set the order's status, by hand or by a call?
    fn goes_as_planned(&self, shop: &Shop, index: u64) -> bool {
        let mut deeds = self.touched.get(&(shop.shop_id.clone(), index)).into_iter().flatten();
        deeds.all(|deed| matches!(deed, controls::Deed::Label(..) | controls::Deed::CancelLine(..)))
    }
}

/// A request to a path below the prefix.
pub(crate) struct Call<'r> {
    request: &'r Request,
    function: &'static str,
    /// What a writing call sends; `None` where it cannot be read.
    elements: Option<Vec<Node>>,
}

impl<'r> Call<'r> {
    pub(crate) fn route(request: &'r Request) -> Option<Self> {
        let name = request.path.strip_prefix(PREFIX)?;
        // A running client sends a second slash (§1).
        let name = name.strip_prefix('/').unwrap_or(name);
        // One name for all others: counts must not grow with whatever is asked for.
        let function = FUNCTIONS.into_iter().find(|known| *known == name).unwrap_or("unknown");
        let mut call = Self { request, function, elements: None };
        if call.writes() {
            call.elements = read_xml(&request.body, "request").map(|root| root.children);
        }
        Some(call)
    }

    pub(crate) fn function(&self) -> &'static str {
        self.function
    }

    /// Does it change an order?
    fn writes(&self) -> bool {
        matches!(self.function, INFO | STATUS | CANCEL | CREDIT)
    }

    /// The order numbers it is about.
    pub(crate) fn orders(&self) -> Vec<String> {
        self.named("orderId")
    }

    /// The orders that it is to change.
    pub(crate) fn changes(&self) -> Vec<String> {
        if self.writes() { self.orders() } else { Vec::new() }
    }

    /// The values of a parameter, or of an element where the call writes.
    fn named(&self, wanted: &str) -> Vec<String> {
        if self.writes() {
            let elements =
                self.elements.iter().flatten().filter(|e| e.name == wanted && e.children.is_empty());
            return elements.map(|e| e.text.trim().to_owned()).collect();
        }
        let parameters = self.parameters().into_iter();
        parameters.filter(|(name, _)| name == wanted).map(|(_, value)| value).collect()
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
        Some(fault @ (Fault::Auth { code } | Fault::Code { code, .. })) => {
            if call.writes() && fault.effect() {
                handle(world, call, None, now, peer);
            }
            wire::refusal(&world.state().switches.aupay, code)
        }
        Some(Fault::LateEffect { seconds, .. }) => {
            let mut state = world.state();
            if call.writes()
                && let Ok(shop) = admit(world, &mut state, call, now, peer)
            {
                let due = now + Duration::from_secs(*seconds);
                state.ledger.defer(due, &shop.name, call.changes(), call.request.clone());
            }
            Answer::new(200, wire::XML, "")
        }
        // A body that the fault replaces: what it would have been does not matter where nothing happens.
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

/// The checks in the sequence of §13.1: who calls. What it calls for is checked by the operation.
fn admit<'w>(
    world: &'w World,
    state: &mut world::State,
    call: &Call<'_>,
    now: Timestamp,
    peer: IpAddr,
) -> Result<&'w Shop, Answer> {
    let switches = &state.switches.aupay;
    match switches.maintenance {
        Maintenance::Off => {}
        Maintenance::Code => {
            let refusal = wire::refusal(switches, "CME9090");
            return Err(Answer { status: switches.maintenance_status, ..refusal });
        }
        Maintenance::Html => return Err(wire::page(switches.maintenance_status)),
    }
    if call.function == "unknown" {
        return Err(wire::page(404));
    }
    if call.request.method != if call.writes() { "POST" } else { "GET" } {
        return Err(wire::page(405));
    }
    if call.writes() && !wire::is_xml(call.request.header("content-type")) {
        return Err(wire::page(415));
    }
    let numbers = call.named("shopId");
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let shop = auth::shop(world, state, call, &numbers, peer, now)?;
    auth::keep_pace(state, shop, call.function, now, world.options.speed);
    Ok(shop)
}

/// A call that was admitted before takes effect now.
pub(crate) fn late(
    world: &World,
    state: &mut world::State,
    shop: &str,
    call: &Call<'_>,
    now: Timestamp,
) -> Option<Answer> {
    let elements = call.elements.as_ref()?;
    Some(update::run(world, state, world.aupay_shop(shop)?, call.function, elements, now))
}

/// The checks, then the operation.
fn handle(
    world: &World,
    call: &Call<'_>,
    tamper: Option<Tamper<'_>>,
    now: Timestamp,
    peer: IpAddr,
) -> Answer {
    let mut state = world.state();
    let shop = match admit(world, &mut state, call, now, peer) {
        Ok(shop) => shop,
        Err(refusal) => return refusal,
    };
    if call.function == PICTURES {
        return wire::well();
    }
    if let Some(elements) = call.elements.as_ref() {
        return update::run(world, &mut state, shop, call.function, elements, now);
    }
    read(world, &mut state, shop, call, tamper, now)
}

/// Lists and single orders.
fn read(
    world: &World,
    state: &mut world::State,
    shop: &Shop,
    call: &Call<'_>,
    tamper: Option<Tamper<'_>>,
    now: Timestamp,
) -> Answer {
    let switches = state.switches.aupay.clone();
    let parameters = call.parameters();
    let page = if call.function == ONE {
        search::number(&parameters).map(|number| Page::of_one(shop, &number, now))
    } else {
        Search::parse(&parameters).map(|search| search.page(world, state, shop, now))
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
    let lag = Duration::from_secs(switches.read_lag_s);
    for &index in &page.indices {
        // What calls wrote a moment ago may not show yet, and then does by itself.
        let kept = kept && (lag.is_zero() || !state.aupay.is_touched(shop, index));
        if kept && let Some(text) = state.aupay.texts.under(&switches).get(shop, index, now) {
            xml.out.push_str(text);
            continue;
        }
        let start = xml.out.len();
        let plan = world.aupay_plan_seen(state, shop, index, now - lag);
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
