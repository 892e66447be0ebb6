//! Web collect as `kuroneko-webcollect.md` chapter 7 asks of a simulator: E01, E02, E04, A06, A07, A11 and H01.
//! Settlements are seeded by the own cart's card orders. Every other function answers "not contracted" (Z012000008).

mod functions;
mod state;
mod xml;

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::Timelike;

pub use state::Book;

pub(crate) use state::Gateway;

use super::faults::Fault;
use super::http::{Answer, Request};
use super::switches::{Maintenance, WebcollectSwitches};
use super::{TRADER_CODE, World};
use crate::clock::Timestamp;
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

/// A request to one of the gateway's names.
pub(crate) struct Call {
    name: &'static str,
    divisions: &'static [&'static str],
    test: bool,
    post: bool,
    params: BTreeMap<String, String>,
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
        Some(Self { name, divisions, test, post: request.method == "POST", params, orders })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn orders(&self) -> &[String] {
        &self.orders
    }

    pub(crate) fn order_no(&self) -> &str {
        self.param("order_no")
    }

    /// A parameter; absent and empty are the same (§2.1).
    fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
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
    let state = world.state();
    if state.switches.webcollect.maintenance == Maintenance::Html {
        drop(state);
        return (Fault::MaintenancePage.mangle(Answer::new(200, "text/html", "")), None);
    }
    drop(state);
    if let Some(fault) = fault.filter(|f| !f.effect()) {
        let reply = match fault {
            Fault::Code { code, .. } => Reply::refused(code),
            Fault::OneWithoutCode => Reply::refused(""),
            _ => Reply::ok(),
        };
        let code = Some(reply.code.clone()).filter(|c| !c.is_empty());
        return (fault.mangle(reply.answer(now)), code);
    }
    let reply = handle(world, call, now, peer, in_progress).unwrap_or_else(|code| Reply::refused(&code));
    let code = Some(reply.code.clone()).filter(|c| !c.is_empty());
    let answer = match fault {
        Some(Fault::Code { code, .. }) => Reply::refused(code).answer(now),
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

/// The check order of chapter 7; the first hit wins.
fn handle(
    world: &World,
    call: &Call,
    now: Timestamp,
    peer: IpAddr,
    in_progress: bool,
) -> Result<Reply, String> {
    let refuse = |code: &str| Err(code.to_owned());
    let mut state = world.state();
    let switches = state.switches.webcollect.clone();
    if !call.post {
        return refuse("Z012000001");
    }
    let division = call.param("function_div");
    if division.is_empty() {
        return refuse("Z012000002");
    }
    if !call.divisions.contains(&division) {
        return refuse("Z012000003");
    }
    if switches.maintenance == Maintenance::Code {
        return refuse("Z010000000");
    }
    let trader = call.param("trader_code");
    let ascii = |c: char| c.is_ascii_alphanumeric();
    check(division, "02", trader, 20, ascii)?;
    if trader != TRADER_CODE || switches.suspended {
        return refuse("Z012000007");
    }
    if switches.no_contract || !functions::CONTRACTED.contains(&division) {
        return refuse("Z012000008");
    }
    // H01 is there to show the address: it answers any.
    if division != "H01" && switches.registered_address.is_some_and(|address| address != peer) {
        return refuse("Z012000009");
    }
    let forced = call.param("reserve_1");
    if call.test && is_code(forced) {
        return refuse(forced);
    }
    if division == "H01" {
        return Ok(Reply::ok().with("ipAddress", peer.to_string()));
    }
    if in_progress {
        return refuse("Z012000004");
    }
    check(division, "03", call.order_no(), 23, reception_char)?;
    functions::run(world, &mut state, &switches, call, division, now)
}

/// Kinds 01 (missing), 02 (length) and 04 (characters) of one item (§4.1).
fn check(
    division: &str,
    item: &str,
    value: &str,
    longest: usize,
    allowed: impl Fn(char) -> bool,
) -> Result<(), String> {
    let kind = if value.is_empty() {
        "01"
    } else if value.chars().count() > longest {
        "02"
    } else if !value.chars().all(allowed) {
        "04"
    } else {
        return Ok(());
    };
    Err(format!("{division}101{item}{kind}"))
}

/// The alphabet of 受付番号 (§2.3).
fn reception_char(c: char) -> bool {
    c.is_ascii_digit() || c.is_ascii_uppercase() || "#-*/<>:@".contains(c)
}

fn is_code(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(n, b)| if n == 0 { b.is_ascii_uppercase() } else { b.is_ascii_digit() })
}

/// Are A07 and A11 closed? 23:00 to 01:00 in Japan (§5.7).
fn night(switches: &WebcollectSwitches, now: Timestamp) -> bool {
    switches.night_window && matches!(now.jst().hour(), 23 | 0)
}
