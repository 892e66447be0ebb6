//! What writes (au-pay-market.md §5, §13.4 to §13.6): shipment data, status, cancel.

use chrono::NaiveDate;

use super::content::Method;
use super::controls::Deed;
use super::plan::{CANCEL_ASKED, DONE, Label, NEW, OWN_STATUSES, Plan, READY, SHIPPED_UNPAID, WAITING};
use super::render::View;
use super::switches::Omitted;
use super::wire::{self, Bad};
use super::{CANCEL, CREDIT, INFO, STATUS, Shop};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::http::Answer;
use crate::sim::ledger::{ParcelWrite, WriteEffect, WriteEntry};
use crate::sim::world::State;
use crate::sim::xml::Node;

/// The names that can be set, beside the shop's own (§5.2). The mall's own and キャンセル are not among them.
const SETTABLE: [&str; 9] =
    [NEW, "新規予約", "予約中", WAITING, "与信待ち", READY, SHIPPED_UNPAID, DONE, "保留"];
/// Where the mall has the order in its own hands.
const IN_THE_MALLS_HANDS: [&str; 4] = ["不正取引審査中", "審査保留", "審査NG", CANCEL_ASKED];
/// Before it may be shipped, and nothing wrong with it.
const UNREADY: [&str; 5] = [NEW, "新規予約", "予約中", WAITING, "与信待ち"];

/// The elements that an operation takes.
fn known(function: &str) -> &'static [&'static str] {
    match function {
        INFO => &["shopId", "orderId", "shippingDate", "shippingCarrier", "shippingNumber"],
        STATUS => &["shopId", "orderId", "orderStatus"],
        _ => &["shopId", "orderId", "cancelReason", "cancelComment"],
    }
}

/// Runs a writing operation of a shop whose caller is admitted.
pub(super) fn run(
    world: &World,
    state: &mut State,
    shop: &Shop,
    function: &'static str,
    elements: &[Node],
    now: Timestamp,
) -> Answer {
    let switches = state.switches.aupay.clone();
    if function == CREDIT {
        return wire::refusal(&switches, "CME9099");
    }
    let asked = match Asked::read(function, elements, switches.omitted) {
        Ok(asked) => asked,
        Err(bad) => {
            note_malformed(world, state, shop, function, elements, now);
            return wire::refused(&switches, &bad);
        }
    };
    let placed = |index: &u64| shop.orders.placed_at(*index) <= now;
    let Some(index) = shop.index_of(asked.order_id).filter(placed) else {
        return wire::refusal(&switches, "CME9003");
    };
    let plan = world.aupay_plan(state, shop, index);
    let content = shop.content(world.options.seed, &plan);
    let view = View { shop, plan: &plan, content: &content, now, canceled_lines_count: false };
    let shown = view.label();
    let status = plan.status(now);
    let mut entry = entry(&plan, function, &asked.what(), now);
    let outcome = match &asked.act {
        _ if plan.is_canceled(now) && (function != INFO || switches.info_refused_when_canceled) => {
            Err("CME9005")
        }
        Act::Info(given) => {
            let label = given.over(shown.as_ref(), switches.omitted);
            let repeated = shown.as_ref() == Some(&label);
            let number = label.number.clone().unwrap_or_default();
            entry.parcels.push(ParcelWrite { parcel: "1".to_owned(), number, repeated });
            Ok((!repeated).then_some(Deed::Label(now, label)))
        }
        Act::Status(name) if !settable(name) => Err("CME9004"),
        Act::Status(name) if *name == status && switches.repeated_status_refused => {
            entry.effect = WriteEffect::Repeated;
            Err("CME9006")
        }
        Act::Status(name) if *name == status => Ok(None),
        Act::Status(_) if IN_THE_MALLS_HANDS.contains(&status) => Err("CME9005"),
        Act::Status(name)
            if *name == READY && UNREADY.contains(&status) && state.aupay.goes_as_planned(shop, index) =>
        {
            Ok(Some(Deed::Confirmed(now)))
        }
        Act::Status(name) => {
            let shipped = matches!(*name, DONE | SHIPPED_UNPAID);
            entry.shipped = shipped && plan.shipped.is_none_or(|at| at > now);
            entry.captured = *name == DONE
                && content.method.0 == Method::Authorized
                && plan.settled.is_none_or(|at| at > now);
            Ok(Some(Deed::Written(now, (*name).to_owned())))
        }
        Act::Cancel(reason, comment) => {
            Ok(Some(Deed::Canceled(now, (*reason).to_owned(), (*comment).to_owned())))
        }
    };
    let answer = match outcome {
        Ok(Some(deed)) => {
            entry.effect = WriteEffect::Effective;
            world.touch(state, shop, index, deed);
            wire::well()
        }
        Ok(None) => {
            entry.effect = WriteEffect::Repeated;
            wire::well()
        }
        Err(code) => wire::refusal(&switches, code),
    };
    state.ledger.note(asked.order_id, entry);
    answer
}

fn settable(name: &str) -> bool {
    SETTABLE.contains(&name) || OWN_STATUSES.contains(&name)
}

/// A request that cannot be read is one about the order that it names.
fn note_malformed(
    world: &World,
    state: &mut State,
    shop: &Shop,
    function: &'static str,
    elements: &[Node],
    now: Timestamp,
) {
    let number = elements.iter().find(|e| e.name == "orderId").map_or("", |e| e.text.trim());
    let placed = |index: &u64| shop.orders.placed_at(*index) <= now;
    let Some(index) = shop.index_of(number).filter(placed) else { return };
    let plan = world.aupay_plan(state, shop, index);
    let entry = entry(&plan, function, "malformed", now);
    state.ledger.note(number, entry);
}

/// An entry of the ledger for a call that is refused, as far as nothing else is known.
fn entry(plan: &Plan, function: &'static str, what: &str, now: Timestamp) -> WriteEntry {
    let status = plan.status(now);
    let ships = function == INFO || matches!(what, DONE | SHIPPED_UNPAID);
    let moved = !matches!(status, READY | DONE | SHIPPED_UNPAID | "保留");
    let confirms = function == STATUS && what == READY && moved;
    WriteEntry {
        at: now,
        service: "aupay",
        function,
        what: what.to_owned(),
        effect: WriteEffect::Refused,
        confirms,
        ships,
        shipped: false,
        captured: false,
        must_not_ship: amiss(plan, ships, now),
        parcels: Vec::new(),
    }
}

/// Why a shipment or a confirmation should not have been asked for at this moment (§11, late cancellations).
fn amiss(plan: &Plan, shipment: bool, now: Timestamp) -> Option<&'static str> {
    match plan.status(now) {
        _ if plan.is_canceled(now) => Some("canceled"),
        CANCEL_ASKED => Some("cancel_requested"),
        "不正取引審査中" | "審査保留" => Some("mall_check"),
        "保留" | "審査NG" => Some("on_hold"),
        READY | DONE | SHIPPED_UNPAID => None,
        _ if !shipment => None,
        status if UNREADY.contains(&status) => Some("not_ready"),
        _ => Some("unknown"),
    }
}

enum Act<'e> {
    Info(Given),
    Status(&'e str),
    /// Reason and comment.
    Cancel(&'e str, &'e str),
}

/// Shipment data as sent; `None`: left out or empty.
struct Given {
    date: Option<NaiveDate>,
    carrier: Option<char>,
    number: Option<String>,
}

impl Given {
    /// What stands afterwards. What becomes of a field that is left out is not known (§5.1).
    fn over(&self, shown: Option<&Label>, omitted: Omitted) -> Label {
        let before = shown.filter(|_| omitted == Omitted::Kept).cloned().unwrap_or_default();
        Label {
            date: self.date.or(before.date),
            carrier: self.carrier.or(before.carrier),
            number: self.number.clone().or(before.number),
        }
    }
}

struct Asked<'e> {
    order_id: &'e str,
    act: Act<'e>,
}

impl<'e> Asked<'e> {
    /// For the books, nothing of a person in it.
    fn what(&self) -> String {
        match &self.act {
            Act::Info(Given { date, carrier, number }) => {
                let date = date.map(|day| day.to_string()).unwrap_or_default();
                let carrier = carrier.map(String::from).unwrap_or_default();
                format!("{carrier} {} {date}", number.as_deref().unwrap_or_default())
            }
            Act::Status(name) => (*name).to_owned(),
            Act::Cancel(reason, _) => (*reason).to_owned(),
        }
    }

    /// Checks element by element; each bad one is named.
    fn read(function: &str, elements: &'e [Node], omitted: Omitted) -> Result<Self, Vec<Bad>> {
        let mut bad = Vec::new();
        let known = known(function);
        for (n, element) in elements.iter().enumerate() {
            let again = elements[..n].iter().any(|earlier| earlier.name == element.name);
            if again || !known.contains(&element.name.as_str()) {
                bad.push(Bad::Format(element.name.clone()));
            }
        }
        let text = |name: &str| {
            elements.iter().find(|e| e.name == name && e.children.is_empty()).map(|e| e.text.trim())
        };
        let given = |name: &str| text(name).filter(|text| !text.is_empty());
        let mut missing = Vec::new();
        let mut required = |name: &str| {
            let value = given(name);
            if value.is_none() {
                missing.push(Bad::Missing(name.to_owned()));
            }
            value
        };
        let order_id = required("orderId").unwrap_or_default();
        let mut check = |name: &str, fine: bool| {
            if !fine {
                bad.push(Bad::Format(name.to_owned()));
            }
        };
        check("orderId", order_id.bytes().all(|b| b.is_ascii_digit()));
        let act = match function {
            INFO => {
                let mut field = |name| if omitted == Omitted::Refused { required(name) } else { given(name) };
                let (day, code, number) =
                    (field("shippingDate"), field("shippingCarrier"), field("shippingNumber"));
                let date = day.and_then(date);
                let carrier = code.and_then(carrier);
                check("shippingDate", day.is_none() || date.is_some());
                check("shippingCarrier", code.is_none() || carrier.is_some());
                check("shippingNumber", number.is_none_or(slip));
                Act::Info(Given { date, carrier, number: number.map(str::to_owned) })
            }
            STATUS => Act::Status(required("orderStatus").unwrap_or_default()),
            CANCEL => {
                let reason = required("cancelReason").unwrap_or_default();
                let comment = given("cancelComment").unwrap_or_default();
                check("cancelReason", reason.len() <= 2 && reason.bytes().all(|b| b.is_ascii_digit()));
                check("cancelComment", comment.chars().count() <= 100);
                Act::Cancel(reason, comment)
            }
            _ => return Err(vec![Bad::Format("request".to_owned())]),
        };
        // What is wrapped hides what is required: that is what the live service named (§3).
        let bad = if missing.is_empty() { bad } else { missing };
        if bad.is_empty() { Ok(Self { order_id, act }) } else { Err(bad) }
    }
}

/// The three spellings that running clients send (§3).
fn date(text: &str) -> Option<NaiveDate> {
    let form = match (text.len(), text.as_bytes().get(4)) {
        (10, Some(b'/')) => "%Y/%m/%d",
        (10, Some(b'-')) => "%Y-%m-%d",
        (8, _) => "%Y%m%d",
        _ => return None,
    };
    let day = NaiveDate::parse_from_str(text, form).ok()?;
    (day.format(form).to_string() == text).then_some(day)
}

/// A code of §7.5: one digit, 8 is not used.
fn carrier(text: &str) -> Option<char> {
    let code = text.chars().next().filter(|_| text.len() == 1)?;
    matches!(code, '1'..='7' | '9').then_some(code)
}

/// At most 15 characters, sent without hyphens (§5.1).
fn slip(text: &str) -> bool {
    text.len() <= 15 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}
