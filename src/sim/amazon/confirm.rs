//! `confirmShipment` (amazon-sp-api.md §12): what a call may say, what an order's state allows, what the books say.
//!
//! # What the contract leaves open
//! - An order that is pending or cancelled, one that Amazon ships, one of Ship+: 400 `InvalidInput`. One whose shipper
//!   nobody names, whose buyer asked to cancel, that Easy Ship fetches or that has an unknown status is taken: the books
//!   count it.
//! - More pieces than are left of a line: 400; nothing left at all: the text of §6 (`PackageToUpdateNotFound`).
//! - `codCollectionMethod` of an order that is not cash on delivery: 400. Members that the contract does not have: 400.
//! - A package that the merchant's staff told of (`1`, `2`, …) is edited like one of a call's.
//! - A delivery follows a day after the last package; what is partly told is left alone by staff.

use chrono::DateTime;
use serde_json::{Map, Value};

use super::plan::{Kind, Plan};
use super::sent::{self, Package, Piece, Sent};
use super::shop::MARKETPLACE;
use super::{Late, Shop, bad_input, not_found, refusal};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::http::{Answer, Request};
use crate::sim::ledger::{ParcelWrite, WriteEffect, WriteEntry};
use crate::sim::world::State;

const ALREADY: &str = "Failed to create package due to not finding a matching package or order already fulfilled. \
                       ErrorMessage(errorCode=GeneralError, errorDescription=Unable to find package to update for order \
                       (), errorMetric=PackageToUpdateNotFound, packageIndex=null)";
const WRONG_ITEM: &str =
    "OrderItemId is invalid, please obtain the value through the getOrderItems API or Manage Orders page";
const WRONG_REFERENCE: &str = "PackageReferenceId: is invalid, must be a positive numeric value.";
/// The code for carriers that the list does not have.
const OTHER: &str = "Other";

/// A shipment as it was told, before the order was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Shipment {
    /// `None`: a message of a feed, which has no reference.
    pub(crate) reference: Option<u64>,
    pub(crate) carrier_code: String,
    pub(crate) carrier_name: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) tracking: String,
    pub(crate) ship_date: Timestamp,
    /// `codCollectionMethod` was given.
    pub(crate) cash: bool,
    /// Item id, pieces, transparency codes; none: all that is left (feeds alone).
    pub(crate) items: Vec<(String, i64, Vec<String>)>,
}

/// Why a shipment is not taken.
#[derive(Clone, Debug)]
pub(crate) enum Wrong {
    /// A message of §6.
    Message(String),
    /// `details` of a plain `Invalid Input`.
    Details(String),
    /// A `shipDate` that is none: its error has a blank in the code (§19).
    Date,
    /// No such order.
    NoOrder,
}

impl Wrong {
    pub(crate) fn answer(self) -> Answer {
        match self {
            Self::Message(text) => refusal(400, "InvalidInput", &text, ""),
            Self::Details(text) => bad_input(&text),
            Self::Date => refusal(400, "Invalid Input", "Invalid Input", "packageDetail.shipDate"),
            Self::NoOrder => not_found(),
        }
    }

    /// For a processing report.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Message(text) | Self::Details(text) => text,
            Self::Date => "The date is none.",
            Self::NoOrder => "The order does not exist.",
        }
    }
}

fn details<T>(text: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong::Details(text.into()))
}

fn message<T>(text: &str) -> Result<T, Wrong> {
    Err(Wrong::Message(text.to_owned()))
}

fn wrong_type<T>(path: &str) -> Result<T, Wrong> {
    Err(Wrong::Message(format!(
        "The input you have submitted is not valid. Please check the fields with invalid type [{path}]."
    )))
}

/// Answers a call; with `due` it takes effect then.
pub(crate) fn answer(
    world: &World,
    state: &mut State,
    shop: &Shop,
    (number, request): (&str, &Request),
    now: Timestamp,
    due: Option<Timestamp>,
) -> Answer {
    let shipment = match read(request) {
        Ok(shipment) => shipment,
        Err(wrong) => {
            note_malformed(world, state, shop, number, now);
            return wrong.answer();
        }
    };
    if let Some(due) = due {
        state.ledger.stay(&[number.to_owned()]);
        state.amazon.late.push(Late { account: shop.ordinal, number: number.to_owned(), shipment, due });
        return Answer { status: 204, headers: Vec::new(), body: Vec::new() };
    }
    match apply(world, state, shop, (number, "confirmShipment"), &shipment, now) {
        Ok(()) => Answer { status: 204, headers: Vec::new(), body: Vec::new() },
        Err(wrong) => wrong.answer(),
    }
}

/// Reads the body, member by member.
fn read(request: &Request) -> Result<Shipment, Wrong> {
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(&request.body) else {
        return details("The body must be a JSON object.");
    };
    only(&body, "", &["marketplaceId", "codCollectionMethod", "packageDetail"])?;
    if text(&body, "", "marketplaceId")?.as_deref() != Some(MARKETPLACE) {
        return details("marketplaceId");
    }
    let cash = match text(&body, "", "codCollectionMethod")?.as_deref() {
        None => false,
        Some("DirectPayment") => true,
        Some(_) => return details("codCollectionMethod"),
    };
    let Some(Value::Object(detail)) = body.get("packageDetail") else {
        return wrong_type("packageDetail");
    };
    only(
        detail,
        "packageDetail.",
        &[
            "packageReferenceId",
            "carrierCode",
            "carrierName",
            "shippingMethod",
            "trackingNumber",
            "shipDate",
            "shipFromSupplySourceId",
            "orderItems",
        ],
    )?;
    let member = |name: &str| text(detail, "packageDetail.", name);
    let needed = |name: &str| match member(name)? {
        Some(value) if !value.trim().is_empty() => Ok(value),
        _ => details(format!("packageDetail.{name} is required.")),
    };
    let reference = member("packageReferenceId")?.unwrap_or_default();
    let plain = reference.bytes().all(|b| b.is_ascii_digit());
    let Some(reference) = reference.parse::<u64>().ok().filter(|n| plain && *n > 0) else {
        return message(WRONG_REFERENCE);
    };
    member("shipFromSupplySourceId")?;
    let date = needed("shipDate")?;
    let Ok(ship_date) = DateTime::parse_from_rfc3339(&date) else {
        return Err(Wrong::Date);
    };
    let shipment = Shipment {
        reference: Some(reference),
        carrier_code: needed("carrierCode")?,
        carrier_name: member("carrierName")?,
        method: member("shippingMethod")?,
        tracking: needed("trackingNumber")?,
        ship_date: Timestamp::from(ship_date),
        cash,
        items: items(detail)?,
    };
    Ok(shipment)
}

fn only(object: &Map<String, Value>, path: &str, known: &[&str]) -> Result<(), Wrong> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => details(format!("{path}{name} is not a member.")),
        None => Ok(()),
    }
}

fn text(object: &Map<String, Value>, path: &str, name: &str) -> Result<Option<String>, Wrong> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => wrong_type(&format!("{path}{name}")),
    }
}

fn items(detail: &Map<String, Value>) -> Result<Vec<(String, i64, Vec<String>)>, Wrong> {
    let Some(Value::Array(list)) = detail.get("orderItems") else {
        return message(WRONG_ITEM);
    };
    if list.is_empty() {
        return message(WRONG_ITEM);
    }
    let path = "packageDetail.orderItems.";
    let one = |item: &Value| {
        let Value::Object(item) = item else { return wrong_type("packageDetail.orderItems") };
        only(item, path, &["orderItemId", "quantity", "transparencyCodes"])?;
        let Some(id) = text(item, path, "orderItemId")? else { return message(WRONG_ITEM) };
        let Some(quantity) = item.get("quantity").and_then(Value::as_i64) else {
            return wrong_type("packageDetail.orderItems.quantity");
        };
        if quantity < 1 {
            return details("packageDetail.orderItems.quantity must be positive.");
        }
        let codes = match item.get("transparencyCodes") {
            None => Some(Vec::new()),
            Some(Value::Array(codes)) => codes.iter().map(|code| code.as_str().map(str::to_owned)).collect(),
            Some(_) => None,
        };
        let Some(codes) = codes else { return wrong_type("packageDetail.orderItems.transparencyCodes") };
        Ok((id, quantity, codes))
    };
    list.iter().map(one).collect()
}

/// Whose order a number is, if anybody sees it by now.
fn find(world: &World, state: &State, shop: &Shop, number: &str, now: Timestamp) -> Option<Plan> {
    let index = shop.index_of(world.options.seed, number)?;
    Some(world.amazon_plan(state, shop, index, now)).filter(|plan| plan.visible(now))
}

/// A call that says nothing that can be read is a refused call about its order all the same.
fn note_malformed(world: &World, state: &mut State, shop: &Shop, number: &str, now: Timestamp) {
    if let Some(plan) = find(world, state, shop, number, now) {
        let entry = entry(&plan, "confirmShipment", String::new(), now);
        state.ledger.note(number, entry);
    }
}

fn entry(plan: &Plan, function: &'static str, what: String, now: Timestamp) -> WriteEntry {
    WriteEntry {
        at: now,
        service: "amazon",
        function,
        what,
        effect: WriteEffect::Refused,
        confirms: false,
        ships: true,
        shipped: false,
        captured: false,
        must_not_ship: plan.must_not_ship(now),
        parcels: Vec::new(),
    }
}

/// Lets a shipment take effect at `now`.
pub(crate) fn apply(
    world: &World,
    state: &mut State,
    shop: &Shop,
    (number, function): (&str, &'static str),
    shipment: &Shipment,
    now: Timestamp,
) -> Result<(), Wrong> {
    let plan = find(world, state, shop, number, now).ok_or(Wrong::NoOrder)?;
    let what = format!("carrier={} tracking={}", shipment.carrier_code, shipment.tracking);
    let mut entry = entry(&plan, function, what, now);
    let judged = judge(world, state, shop, &plan, shipment, now);
    let sent = match judged {
        Ok(sent) => sent,
        Err(wrong) => {
            state.ledger.note(number, entry);
            return Err(wrong);
        }
    };
    let key = (shop.ordinal, plan.index);
    let known = state.amazon.sent.get(&key);
    let before = known
        .and_then(|log| log.iter().rev().find(|known| known.package.reference == sent.package.reference));
    let repeated = before.is_some_and(|before| before.package == sent.package);
    entry.parcels.push(ParcelWrite {
        parcel: sent.package.reference.to_string(),
        number: sent.package.tracking.clone(),
        repeated,
    });
    let vanishes = !state.switches.amazon.carriers.contains(&shipment.carrier_code);
    entry.effect = if vanishes {
        WriteEffect::Vanished
    } else if repeated {
        WriteEffect::Repeated
    } else {
        WriteEffect::Effective
    };
    entry.shipped = entry.effect == WriteEffect::Effective && before.is_none();
    let created = before.map_or(sent.created, |before| before.created);
    if entry.effect == WriteEffect::Effective {
        state.amazon.sent.entry(key).or_default().push(Sent { created, ..sent });
    }
    state.ledger.note(number, entry);
    Ok(())
}

/// The package that a shipment makes, if the order's state allows it.
fn judge(
    world: &World,
    state: &State,
    shop: &Shop,
    plan: &Plan,
    shipment: &Shipment,
    now: Timestamp,
) -> Result<Sent, Wrong> {
    let switches = &state.switches.amazon;
    let named = shipment.carrier_name.as_deref().filter(|name| !name.trim().is_empty());
    let carrier = match (shipment.carrier_code.as_str(), named) {
        (OTHER, Some(name)) if name.chars().count() <= 50 => name.to_owned(),
        (OTHER, _) => {
            return details("packageDetail.carrierName: 1 to 50 characters with carrierCode Other.");
        }
        (code, _) if switches.refuse_unlisted_carriers && !switches.carriers.contains(code) => {
            return details("packageDetail.carrierCode is not on the list.");
        }
        (code, _) => code.to_owned(),
    };
    if plan.kind.by_amazon() {
        return details("The order is fulfilled by Amazon.");
    }
    if plan.kind == Kind::ShipPlus {
        return details("The shipment of this order is confirmed by Amazon.");
    }
    if shipment.cash && plan.kind != Kind::CashOnDelivery {
        return details("codCollectionMethod: the order is not cash on delivery.");
    }
    match plan.status(now) {
        "CANCELLED" => return details("The order is cancelled."),
        "PENDING" | "PENDING_AVAILABILITY" => return details("The order is pending."),
        _ => {}
    }
    let content = shop.content(world.options.seed, plan);
    // Whatever shows by now or later: the mall knows what it took.
    let known = world.amazon_sent(state, shop, plan.index, Timestamp::from_micros(i64::MAX));
    let staff = (0..plan.packages).filter(|&k| plan.has_left(k, now));
    let staff: Vec<u64> = staff.filter_map(|k| sent::staff_reference(plan, k)).collect();
    let next = || {
        known.iter().map(|sent| sent.package.reference).chain(staff.iter().copied()).max().unwrap_or(0) + 1
    };
    let reference = shipment.reference.unwrap_or_else(next);
    let left = sent::remaining(plan, &content, &known, now, Some(reference));
    if left.iter().all(|left| *left == 0) {
        return message(ALREADY);
    }
    let mut pieces: Vec<Piece> = Vec::new();
    for (id, quantity, codes) in &shipment.items {
        let line = (0..content.lines.len()).find(|&n| shop.item_id(plan.index, n) == *id);
        let Some(line) = line.filter(|line| pieces.iter().all(|piece| piece.line != *line)) else {
            return message(WRONG_ITEM);
        };
        if *quantity > left[line] {
            return details("packageDetail.orderItems.quantity is more than is left to be shipped.");
        }
        pieces.push(Piece { line, quantity: *quantity, transparency_codes: codes.clone() });
    }
    if pieces.is_empty() {
        let all = left.iter().enumerate().filter(|(_, left)| **left > 0);
        pieces =
            all.map(|(line, left)| Piece { line, quantity: *left, transparency_codes: Vec::new() }).collect();
    }
    pieces.sort_by_key(|piece| piece.line);
    // As exact as the mall shows it.
    let at = Timestamp::from_micros(now.micros().div_euclid(1_000) * 1_000);
    let shows = at + std::time::Duration::from_secs(switches.shipments_show_after_s);
    let told =
        |n: usize| pieces.iter().filter(|piece| piece.line == n).map(|piece| piece.quantity).sum::<i64>();
    let complete = left.iter().enumerate().all(|(n, left)| told(n) == *left);
    let package = Package {
        reference,
        carrier,
        service: shipment.method.clone(),
        tracking: shipment.tracking.clone(),
        ship_time: shipment.ship_date,
        pieces,
    };
    Ok(Sent { created: at, at: now, shows, complete, package })
}
