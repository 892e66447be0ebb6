//! The changing calls (yahoo-shopping.md §7): what an order's state allows, what becomes of it, what the books say.
//!
//! # What the contract leaves open
//! - Codes: a move or an order that the mall does not let anybody touch is 400 `Cannot Be Operated : …` with `od91150`, of
//!   which nothing is known but that it exists; everything about a value is 400 `od90101` with the element's name.
//! - A move of `OrderStatus` to where it is: `od91705`, nothing changed, a cancel of a cancelled order included. To 5: paid
//!   and at least shipped (§7.3 ᵈ). To 3: never once it was completed (ᶜ).
//! - `ShipStatus` moves freely; taken back, it waits for the next call. To clear a slip and give a reason for none, or the
//!   other way, takes two calls.
//! - A shipment of an order on hold, under review, not paid, not released and the like is taken: the books count it.
//! - `orderPayStatusChange` of what the platform settles itself is refused.
//! - What a shipment does not say does not show: no `ShipDate`, no carrier, unless sent. `ShipMethod` brings its name and
//!   its carrier.
//! - LINE orders: of `orderChange` all keys of the order but `IsSeen`, all of `Pay`, and `ShipAddress2` are refused.
//!
//! Not simulated: `orderChange` of amounts, items, payment methods, `Suspect` and `RefundStatus`, and of the payer
//! (400 `od90101`); orders that complete by themselves 180 days after they were opened again.

use std::time::Duration;

use super::change::Change;
use super::keys;
use super::method::CARD;
use super::refusal::{self, Refusal, XML};
use super::shop::Shop;
use super::state::Late;
use super::switches::Switches;
use super::view::View;
use super::written::Applied;
use super::{change, plan::Step};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::http::Answer;
use crate::sim::ledger::{ParcelWrite, WriteEffect, WriteEntry};
use crate::sim::world::State;
use crate::sim::xml::Node;

const SLIPS: [&str; 2] = ["ShipInvoiceNumber1", "ShipInvoiceNumber2"];
const NO_SLIP: &str = "ShipInvoiceNumberEmptyReason";

/// What a change brings about.
struct Outcome {
    effect: WriteEffect,
    shipped: bool,
    captured: bool,
    warnings: Vec<(String, String)>,
}

/// Answers a changing call; with `due` it takes effect then.
pub(crate) fn answer(
    world: &World,
    state: &mut State,
    shop: &Shop,
    (function, req): (&'static str, &Node),
    now: Timestamp,
    due: Option<Timestamp>,
) -> Result<Answer, Refusal> {
    let change = change::read(function, req)?;
    let warnings = match due {
        Some(due) => {
            put_off(state, shop, change, due);
            Vec::new()
        }
        None => apply(world, state, shop, change, now, true)?,
    };
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ResultSet totalResultsAvailable=\"1\" \
         totalResultsReturned=\"1\" ok=\"1\" ng=\"0\">\n  <Result>\n    <Status>OK</Status>\n",
    );
    for (code, detail) in warnings {
        out.push_str(&format!(
            "    <Warning>\n      <Code>{code}</Code>\n      <Message></Message>\n      <Detail>{detail}</Detail>\n    \
             </Warning>\n"
        ));
    }
    out.push_str("  </Result>\n</ResultSet>\n");
    Ok(Answer::new(200, XML, out))
}

fn put_off(state: &mut State, shop: &Shop, change: Change, due: Timestamp) {
    state.ledger.stay(std::slice::from_ref(&change.number));
    state.yahoo.late.push(Late { seller_id: shop.seller_id.clone(), change, due });
}

/// The changes that are due take effect, oldest first.
pub(crate) fn catch_up(world: &World, state: &mut State, now: Timestamp) {
    if state.yahoo.late.is_empty() {
        return;
    }
    let mut due: Vec<Late> = state.yahoo.late.extract_if(.., |late| late.due <= now).collect();
    due.sort_by_key(|late| late.due);
    for late in due {
        state.ledger.leave(std::slice::from_ref(&late.change.number));
        if let Some(shop) = world.options.yahoo.iter().find(|shop| shop.seller_id == late.seller_id) {
            // Nobody hears of a refusal: the books hold it.
            let _ = apply(world, state, shop, late.change, late.due, false);
        }
    }
}

/// Lets a change take effect. The warnings: code and detail.
fn apply(
    world: &World,
    state: &mut State,
    shop: &Shop,
    mut change: Change,
    now: Timestamp,
    may_wait: bool,
) -> Result<Vec<(String, String)>, Refusal> {
    let plan = world.yahoo_order(state, shop, &change.number, (now, now)).ok_or_else(refusal::not_exists)?;
    let view = world.yahoo_view(state, shop, plan, now, now);
    let switches = state.switches.yahoo.clone();
    let outcome = judge(&view, &switches, &mut change);
    let mut entry = WriteEntry {
        at: now,
        service: "yahoo",
        function: change.function,
        what: change.what(),
        effect: WriteEffect::Refused,
        confirms: false,
        ships: change.ships(),
        shipped: false,
        captured: false,
        must_not_ship: plan.must_not_ship(now),
        parcels: parcels(&view, &change),
    };
    let number = change.number.clone();
    let Outcome { effect, shipped, captured, mut warnings } = match outcome {
        Ok(outcome) => outcome,
        Err(refusal) => {
            state.ledger.note(&number, entry);
            return Err(refusal);
        }
    };
    let waits = Duration::from_secs(switches.cancels_later_s);
    if change.order_status == Some(4) && effect == WriteEffect::Effective && may_wait && !waits.is_zero() {
        if !switches.cancels_lost {
            put_off(state, shop, change, now + waits);
        }
        return Ok(vec![("od91704".to_owned(), String::new())]);
    }
    (entry.effect, entry.shipped, entry.captured) = (effect, shipped, captured);
    state.ledger.note(&number, entry);
    warnings.extend(switches.warnings.into_iter().map(|code| (code, String::new())));
    if change.order_status.is_none() || effect == WriteEffect::Effective {
        let order = (plan.index, plan.part);
        state.yahoo.write(&shop.seller_id, order, Applied { at: now, change });
    }
    Ok(warnings)
}

/// Is it written there already?
fn repeats(view: &View<'_>, name: &str, value: &str) -> bool {
    name == "OperationUser" || view.shown(name) == keys::show(name, value).bare()
}

fn parcels(view: &View<'_>, change: &Change) -> Vec<ParcelWrite> {
    let told = SLIPS.into_iter().zip(["1", "2"]).filter_map(|(name, parcel)| {
        let number = change.values.get(name)?;
        let repeated = repeats(view, name, number);
        Some(ParcelWrite { parcel: parcel.to_owned(), number: number.clone(), repeated })
    });
    told.collect()
}

/// What the state of the order makes of the change.
fn judge(view: &View<'_>, switches: &Switches, change: &mut Change) -> Result<Outcome, Refusal> {
    let (plan, now) = (&view.plan, view.now);
    let element = if change.order_status.is_some() {
        "OrderStatus"
    } else if change.ship_status.is_some() {
        "ShipStatus"
    } else if change.pay_status.is_some() {
        "PayStatus"
    } else {
        change.values.keys().find(|name| **name != "OperationUser").copied().unwrap_or("Order")
    };
    if plan.read_only(now) {
        return Err(refusal::cannot(&format!("ReadOnlyOrder {element}")));
    }
    let same_status = change.order_status.is_some_and(|status| plan.order_status(now) == status.to_string());
    if plan.done(Step::Split, now) || (plan.ended(now) && !same_status) {
        return Err(refusal::cannot(&format!("CancelOrder {element}")));
    }
    let mut outcome =
        Outcome { effect: WriteEffect::Effective, shipped: false, captured: false, warnings: Vec::new() };
    if let Some(status) = change.order_status {
        if same_status {
            outcome.effect = WriteEffect::Repeated;
            outcome.warnings.push(("od91705".to_owned(), String::new()));
        } else {
            proceeds(view, switches, status)?;
            let refund = status == 4 && plan.paid(now) && matches!(plan.method_at(now).kind, "2" | "5");
            if refund {
                outcome.warnings.push(("od91123".to_owned(), "ResultStatus=NG".to_owned()));
            }
        }
        return Ok(outcome);
    }
    line_order(view, change)?;
    slips(view, change)?;
    let same = |name: &str, value: &str| repeats(view, name, value);
    let mut changed = change.values.iter().any(|(name, value)| !same(name, value));
    if let Some(paid) = change.pay_status {
        if !plan.method_at(now).own {
            return Err(refusal::cannot("PayStatus"));
        }
        changed |= plan.paid(now) != paid;
    }
    if let Some(status) = change.ship_status {
        let moved = plan.ship_status(now) != status.to_string();
        if moved && !change.point_fix {
            return Err(refusal::parameter("IsPointFix"));
        }
        changed |= moved;
        outcome.shipped = status >= 3 && !plan.done(Step::Shipped, now);
        // A combined payment has a card behind it, too.
        let card = view.shown("PayMethod") == CARD.code || view.shown("CombinedPayMethod") == CARD.code;
        if outcome.shipped && card {
            let life = Duration::from_hours(24 * switches.authorization_days);
            if plan.marks.captured.is_some() {
                outcome.warnings.push(("od91113".to_owned(), String::new()));
            } else if !life.is_zero() && plan.placed + life < now {
                outcome.warnings.push(("od91115".to_owned(), String::new()));
            } else {
                outcome.captured = true;
            }
        }
    }
    if !changed {
        outcome.effect = WriteEffect::Repeated;
    }
    Ok(outcome)
}

/// The table of moves (§7.3).
fn proceeds(view: &View<'_>, switches: &Switches, to: u8) -> Result<(), Refusal> {
    let (plan, now) = (&view.plan, view.now);
    let clean = plan.suspect(now) != "1";
    let completed_once = plan.marks.first_done.is_some() || plan.done(Step::Completed, now);
    let allowed = match (plan.order_status(now), to) {
        ("1" | "2" | "3", 4) | ("5", 2) => true,
        ("1" | "2" | "3", 5) => {
            let waits = Duration::from_secs(switches.completion_waits_s);
            let delivered = matches!(plan.ship_status(now), "3" | "4");
            clean && delivered && plan.paid(now) && !plan.shipped_lately(waits, now)
        }
        ("2", 3) => !completed_once,
        ("3", 1) => plan.open(Step::OnSale, now),
        ("3", 2) | ("5", 4) => clean,
        _ => false,
    };
    if allowed { Ok(()) } else { Err(refusal::cannot("OrderStatus")) }
}

/// What a LINE order keeps (§7.1, §7.4).
fn line_order(view: &View<'_>, change: &Change) -> Result<(), Refusal> {
    if !view.plan.line() {
        return Ok(());
    }
    let own = |name: &str| keys::ORDER.iter().chain(&keys::PAY).any(|(known, _)| *known == name);
    let fixed = |name: &str| {
        matches!(name, "ShipAddress2" | "CashOnDeliveryTax")
            || keys::EAZY.contains(&name)
            || (own(name) && name != "IsSeen")
    };
    match change.values.keys().find(|name| fixed(name)) {
        Some(name) => Err(refusal::cannot(name)),
        None => Ok(()),
    }
}

/// Carrier, slips, the reason for none (§7.1). What a method brings with it is written, too.
fn slips(view: &View<'_>, change: &mut Change) -> Result<(), Refusal> {
    if let Some(method) = change.value("ShipMethod") {
        let (name, carrier) = keys::bound(method);
        change.values.entry("ShipMethodName").or_insert_with(|| name.to_owned());
        change.values.insert("ShipCompanyCode", carrier.to_owned());
    }
    let carrier = match change.value("ShipCompanyCode") {
        Some(code) => code.to_owned(),
        None => view.shown("ShipCompanyCode"),
    };
    for (n, name) in SLIPS.into_iter().enumerate() {
        let fits = change.value(name).is_none_or(|number| keys::slip_fits(&carrier, number, n == 0));
        if !fits {
            return Err(refusal::parameter(name));
        }
    }
    let stored = |name: &str| !view.shown(name).is_empty();
    let numbered = SLIPS.into_iter().find(|name| change.value(name).is_some());
    if let Some(name) = numbered.filter(|_| stored(NO_SLIP)) {
        return Err(refusal::parameter(name));
    }
    if change.value(NO_SLIP).is_some() && SLIPS.into_iter().any(stored) {
        return Err(refusal::parameter(NO_SLIP));
    }
    Ok(())
}
