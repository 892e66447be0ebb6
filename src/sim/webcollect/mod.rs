//! Web collect as `kuroneko-webcollect.md` chapter 7 asks of a simulator: A03, A06 to A08, A11, E01 to E04 and H01.
//! Settlements come from the own cart's card orders, from A08 and from outside ([`Placement`]). Every other function
//! answers "not contracted" (Z012000008): no card numbers, no 3-D Secure, no convenience stores, no F family here.
//!
//! # What the contract leaves open
//! Where it has "?" or nothing, the gateway refuses:
//! - E01 of a lapsed authorisation: E011010351 (`capture_lapsed` takes it); A07 of one: A073000001.
//! - E01 on 17, A07 on 15, 17 and 31, A11 on 15, 17, 30 and 40: as for any other wrong state (`reauthorize_registered`
//!   takes A11 on 30 with Yamato's slips alone); A06 on 16; A06 on 31: A062010004 (`cancel_settled` takes it); E03 on 15.
//! - With `99` beside another slip, either way, and a `99` number on two orders: E012000001. A `delivery_service_code`
//!   other than `00`, `99` and none: E011010506, by the pattern of §4.1.
//! - A slip of an order with several, or one that moved on, for a second order: E012000005; a second slip for an order
//!   that is on one, where that slip is another order's: E012000006.
//!
//! What had to be chosen:
//! - A reservation is authorised at 02:00 on the tenth day of those that end with the planned ship date
//!   (`reservation_days`), or at once when that is past; a `99` slip settles at 02:00 after it was registered.
//! - A077000001 leaves the new amount, the new authorisation and 17. A refused cancel says A062010005.
//! - A planned date is counted from the checkout (`schedule_days`, 90). A date in the past is refused before the state is
//!   looked at, one beyond the limit after it.
//! - A refused A08 leaves 11 under its reception number, which is used up.
//! - Z012000006 comes where Z012000004 does. A03 lists no card that nobody used for a year.

mod books;
mod cards;
mod checkout;
mod functions;
mod lookup;
mod outside;
mod payment;
mod shipment;
mod state;
mod switches;
mod traffic;
mod xml;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

pub use books::{Book, By, Effect, Entry};
pub use cards::StoredCard;
pub use state::{Means, Placement};
pub use switches::{ContractOption, OtherSlip, WebcollectSwitches};
pub use traffic::Report as Traffic;

pub(crate) use outside::catch_up;
pub(crate) use state::Gateway;
pub(crate) use traffic::Passage;

use super::faults::Fault;
use super::http::{Answer, Request};
use super::switches::Maintenance;
use super::{TRADER_CODE, World};
use crate::clock::Timestamp;
use functions::Context;
use xml::Reply;

const PRODUCTION: &str = "/webcollect/api/";
const TEST: &str = "/webcollect/test_gateway/";

/// Names of chapter 1 and the function codes that belong to each.
const FUNCTIONS: [(&str, &[&str]); 37] = [
    ("credit", &["A01"]),
    ("credit3D", &["A02"]),
    ("creditInfoGet", &["A03"]),
    ("creditInfoUpdate", &["A04"]),
    ("creditInfoDelete", &["A05"]),
    ("creditCancel", &["A06"]),
    ("creditChangePrice", &["A07"]),
    ("creditToken", &["A08"]),
    ("creditToken3D", &["A09"]),
    ("reAuth", &["A11"]),
    ("cvs1", &["B01"]),
    ("cvs2", &["B02"]),
    ("cvs3", &["B03", "B04", "B05", "B06"]),
    ("e_money1", &["C01"]),
    ("e_money2", &["C02"]),
    ("e_money3", &["C03"]),
    ("e_money4", &["C04"]),
    ("e_money5", &["C05"]),
    ("e_money6", &["C06"]),
    ("bank1", &["D01"]),
    ("shipmentEntry", &["E01"]),
    ("shipmentCancel", &["E02"]),
    ("changeDate", &["E03"]),
    ("tradeInfo", &["E04"]),
    ("xp/authXp", &["F01"]),
    ("xp/shipmentEntryXp", &["F02"]),
    ("xp/shipmentCancelXp", &["F03"]),
    ("xp/tradeInfoXp", &["F04"]),
    ("regular", &["G01"]),
    ("regular3D", &["G02"]),
    ("regularInfo", &["G03"]),
    ("regularUpdate", &["G04"]),
    ("regularDelete", &["G05"]),
    ("traderIp", &["H01"]),
    ("paypaySettle", &["L01"]),
    ("paypaySettleCancel", &["L02"]),
    ("paypayChangePrice", &["L03"]),
];

/// The functions here that change something.
const CHANGING: [&str; 6] =
    ["creditCancel", "creditChangePrice", "reAuth", "shipmentEntry", "shipmentCancel", "changeDate"];

/// What stands in a request's body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    /// A parameter; absent and empty are the same (§2.1).
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn order_no(&self) -> &str {
        self.get("order_no")
    }
}

/// A request to one of the gateway's names.
pub(crate) struct Call {
    name: &'static str,
    divisions: &'static [&'static str],
    test: bool,
    post: bool,
    params: Params,
    orders: Vec<String>,
}

impl Call {
    pub(crate) fn route(request: &Request) -> Option<Self> {
        let (test, name) = match request.path.strip_prefix(PRODUCTION) {
            Some(name) => (false, name),
            None => (true, request.path.strip_prefix(TEST)?.strip_suffix(".api")?),
        };
        let &(name, divisions) = FUNCTIONS.iter().find(|(n, _)| *n == name)?;
        let mut params = BTreeMap::new();
        for (key, value) in url::form_urlencoded::parse(&request.body) {
            params.entry(key.into_owned()).or_insert_with(|| value.into_owned());
        }
        let orders = params.get("order_no").cloned().into_iter().collect();
        Some(Self { name, divisions, test, post: request.method == "POST", params: Params(params), orders })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn orders(&self) -> &[String] {
        &self.orders
    }

    /// The call as the gateway's traffic counts it; `seen`: others of its reception number are "in progress" meanwhile.
    pub(crate) fn passage(&self, seen: bool) -> Passage {
        let order_no = self.params.order_no().to_owned();
        Passage { order_no, seen, changes: CHANGING.contains(&self.name) }
    }
}

/// Answers a call; the code goes to the journal.
pub(crate) fn answer(
    world: &World,
    call: &Call,
    fault: Option<&Fault>,
    now: Timestamp,
    peer: IpAddr,
    in_progress: bool,
) -> (Answer, Option<String>) {
    let reply = match fault {
        Some(Fault::Code { code, effect: false }) => Reply::refused(code),
        Some(Fault::OneWithoutCode) => Reply::refused(""),
        Some(Fault::LateEffect { seconds, hold }) => {
            defer(world, call, now, peer, in_progress, Duration::from_secs(*seconds), *hold)
        }
        Some(fault) if !fault.effect() => Reply::ok(),
        _ => handle(world, call, now, peer, in_progress),
    };
    let reply = reply.completed();
    if reply.is_page() {
        return (Fault::MaintenancePage.mangle(Answer::new(200, "text/html", "")), None);
    }
    let code = Some(reply.code.clone()).filter(|c| !c.is_empty());
    let answer = match fault {
        Some(Fault::Code { code, .. }) => Reply::refused(code).completed().answer(now),
        Some(Fault::ZeroWithCode) => reply.zero_with("Z019999999").answer(now),
        Some(Fault::ExtraElements) => reply.strange().answer(now),
        Some(Fault::Decorated) => reply.decorated().answer(now),
        Some(Fault::Doctype) => reply.with_doctype().answer(now),
        Some(Fault::TwoBlocks) => reply.two_blocks().answer(now),
        Some(fault) => fault.mangle(reply.answer(now)),
        None => reply.answer(now),
    };
    (answer, code)
}

fn handle(world: &World, call: &Call, now: Timestamp, peer: IpAddr, in_progress: bool) -> Reply {
    let mut state = world.state();
    let switches = state.switches.webcollect.clone();
    let seen = switches.seen_address.unwrap_or(peer);
    let over = state.gateway.traffic.over(switches.max_in_flight);
    let division = match admit(call, &switches, seen, over, in_progress) {
        Ok(division) => division,
        Err(reply) => return reply,
    };
    if division == "H01" {
        return Reply::ok().with("ipAddress", seen.to_string());
    }
    let context =
        Context { world, state: &mut state, switches: &switches, params: &call.params, by: By::Api, now };
    functions::run(context, division).unwrap_or_else(|code| Reply::refused(&code))
}

/// The call is taken and takes effect later; nobody will be there to hear the answer.
fn defer(
    world: &World,
    call: &Call,
    now: Timestamp,
    peer: IpAddr,
    in_progress: bool,
    after: Duration,
    hold: bool,
) -> Reply {
    let mut state = world.state();
    let switches = state.switches.webcollect.clone();
    let seen = switches.seen_address.unwrap_or(peer);
    let traffic = &mut state.gateway.traffic;
    match admit(call, &switches, seen, traffic.over(switches.max_in_flight), in_progress) {
        Ok(division) => {
            traffic.defer(division, call.params.clone(), now + after, hold);
            Reply::ok()
        }
        Err(reply) => reply,
    }
}

/// The checks of chapter 7 that come before any of the function's own, in their order; the first hit wins.
fn admit(
    call: &Call,
    switches: &WebcollectSwitches,
    seen: IpAddr,
    over: bool,
    in_progress: bool,
) -> Result<&'static str, Reply> {
    let refuse = |code: &str| Err(Reply::refused(code));
    if !call.post {
        return refuse("Z012000001");
    }
    let division = call.params.get("function_div");
    if division.is_empty() {
        return refuse("Z012000002");
    }
    let Some(&division) = call.divisions.iter().find(|known| **known == division) else {
        return refuse("Z012000003");
    };
    match switches.maintenance {
        Maintenance::Off => {}
        Maintenance::Code => return refuse("Z010000000"),
        Maintenance::Html => return Err(Reply::page()),
    }
    let trader = call.params.get("trader_code");
    check(division, "02", trader, 20, |c| c.is_ascii_alphanumeric()).map_err(|code| Reply::refused(&code))?;
    if trader != TRADER_CODE || switches.suspended {
        return refuse("Z012000007");
    }
    if switches.no_contract || !functions::CONTRACTED.contains(&division) {
        return refuse("Z012000008");
    }
    // H01 is there to show the address: it answers any.
    if division != "H01" && switches.registered_address.is_some_and(|address| address != seen) {
        return refuse("Z012000009");
    }
    let forced = call.params.get("reserve_1");
    if call.test && is_code(forced) {
        return refuse(forced);
    }
    if over {
        return refuse("Z012000006");
    }
    if in_progress {
        return refuse("Z012000004");
    }
    Ok(division)
}

/// Kinds 01 (missing), 02 (length) and 04 (characters) of one item (§4.1).
fn check(
    division: &str,
    item: &str,
    value: &str,
    longest: usize,
    allowed: impl Fn(char) -> bool,
) -> Result<(), String> {
    check_kinds(division, item, value, longest, "04", allowed)
}

/// [`check`] where another kind than 04 stands for the characters.
fn check_kinds(
    division: &str,
    item: &str,
    value: &str,
    longest: usize,
    characters: &str,
    allowed: impl Fn(char) -> bool,
) -> Result<(), String> {
    let kind = if value.is_empty() {
        "01"
    } else if value.chars().count() > longest {
        "02"
    } else if !value.chars().all(allowed) {
        characters
    } else {
        return Ok(());
    };
    Err(format!("{division}101{item}{kind}"))
}

fn is_code(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(n, b)| if n == 0 { b.is_ascii_uppercase() } else { b.is_ascii_digit() })
}
