//! `orderInfo` (yahoo-shopping.md §6) and `orderCount` (§4).

use std::collections::BTreeMap;

use super::fields::{self, Class, Named};
use super::list::resolve;

use super::refusal::{self, Refusal, XML};
use super::shop::Shop;
use super::view::View;
use crate::sim::xml::Node;

use super::kind::Kind;
use super::plan::{LIFE, Plan, Step};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::http::Answer;
use crate::sim::world::State;

/// Bytes of `Field` (§3).
const FIELD_CAP: usize = 10_000;
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

pub(crate) fn answer(
    world: &World,
    state: &State,
    shop: &Shop,
    req: &Node,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    if let Some(name) = req.stranger(&["Target", "SellerId"]) {
        return Err(refusal::parameter(name));
    }
    let target = req.child("Target").ok_or_else(|| refusal::parameter("Target"))?;
    if let Some(name) = target.stranger(&["OrderId", "Field"]) {
        return Err(refusal::parameter(name));
    }
    let number = target.leaf("OrderId").ok_or_else(|| refusal::parameter("OrderId"))?;
    let plain = number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !plain || number.len() > 50 {
        return Err(refusal::parameter("OrderId"));
    }
    let names = target.leaf("Field").filter(|names| names.len() <= FIELD_CAP);
    let names = names.ok_or_else(|| refusal::parameter("Field"))?;
    let fields = resolve(state, names, fields::of_info)?;
    let seen = world.yahoo_shows(state, now);
    let plan = world.yahoo_order(state, shop, number, (now, seen)).ok_or_else(refusal::not_exists)?;
    let view = world.yahoo_view(state, shop, plan, now, seen);
    let mut out = String::from(HEAD);
    // Attributes come in any order (§6.2).
    out.push_str(if plan.index.is_multiple_of(2) {
        "<ResultSet totalResultsAvailable=\"1\" totalResultsReturned=\"1\" firstResultPosition=\"1\">\n"
    } else {
        "<ResultSet firstResultPosition=\"1\" totalResultsAvailable=\"1\" totalResultsReturned=\"1\">\n"
    });
    out.push_str("  <Result>\n    <Status>OK</Status>\n    <OrderInfo>\n");
    order(&mut out, &view, &fields);
    out.push_str("    </OrderInfo>\n  </Result>\n</ResultSet>\n");
    Ok(Answer::new(200, XML, out))
}

/// Children come in more than one order, and one may come twice (§6.2).
fn order(out: &mut String, view: &View<'_>, fields: &[Named]) {
    let indent = "      ";
    let other = view.plan.index.is_multiple_of(3);
    let last = |name: &str| other && name == "IsReadOnly";
    let own = |out: &mut String, wanted: &dyn Fn(&str) -> bool| {
        for field in fields {
            if let Named::Of(field) = field
                && field.class == Class::Order
                && wanted(field.name)
            {
                field.value(view).write(out, indent, field.name);
            }
        }
    };
    own(out, &|name| !last(name));
    wrapper(out, view, fields, Class::Pay, "Pay");
    wrapper(out, view, fields, Class::Ship, "Ship");
    if other {
        wrapper(out, view, fields, Class::Seller, "Seller");
        wrapper(out, view, fields, Class::Buyer, "Buyer");
        items(out, view, fields);
        wrapper(out, view, fields, Class::Detail, "Detail");
    } else {
        wrapper(out, view, fields, Class::Detail, "Detail");
        items(out, view, fields);
        wrapper(out, view, fields, Class::Seller, "Seller");
        wrapper(out, view, fields, Class::Buyer, "Buyer");
    }
    own(out, &last);
    if view.plan.kind == Kind::NewMembers {
        out.push_str("      <EcoDelivery kind=\"a\">1</EcoDelivery>\n      <Future>\n        <Detail>\n");
        out.push_str(
            "          <TotalPrice>1</TotalPrice>\n        </Detail>\n        <List/>\n      </Future>\n",
        );
    }
}

fn wrapper(out: &mut String, view: &View<'_>, fields: &[Named], class: Class, name: &str) {
    View::wrapped(out, "      ", name, |out| {
        for field in fields {
            if let Named::Of(field) = field
                && field.class == class
            {
                let value = field.value(view);
                value.write(out, "        ", field.name);
                if field.name == "NeedBillSlip" && view.plan.index % 17 == 3 {
                    value.write(out, "        ", field.name);
                }
            }
        }
    });
}

fn items(out: &mut String, view: &View<'_>, fields: &[Named]) {
    let wanted = || fields.iter().filter_map(|f| if let Named::Item(row) = f { Some(*row) } else { None });
    if wanted().next().is_none() {
        return;
    }
    for line in &view.content().lines {
        View::wrapped(out, "      ", "Item", |out| {
            for (name, show) in wanted() {
                if !fields::write_nested(out, "        ", name, view, line) {
                    show(view, line).write(out, "        ", name);
                }
            }
        });
    }
}

/// `orderCount`: every order of which something may still be to be done.
pub(crate) fn count(world: &World, state: &State, shop: &Shop, now: Timestamp) -> Answer {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let seen = world.yahoo_shows(state, now);
    for index in shop.around(now - LIFE, now) {
        for plan in world.yahoo_plans(state, shop, index, (now, seen)) {
            if plan.visible(now) {
                for queue in queues(&plan, now) {
                    *counts.entry(queue).or_default() += 1;
                }
            }
        }
    }
    let mut out = String::from(HEAD);
    out.push_str(
        "<ResultSet totalResultsAvailable=\"1\" totalResultsReturned=\"1\" firstResultPosition=\"1\">\n",
    );
    out.push_str("  <Result>\n    <Status>OK</Status>\n    <Count>\n");
    for name in QUEUES {
        let number = counts.get(name).copied().unwrap_or(0);
        out.push_str(&format!("      <{name}>{number}</{name}>\n"));
    }
    for n in 1..=10 {
        out.push_str(&format!("      <StoreStatus{n}>0</StoreStatus{n}>\n"));
    }
    out.push_str("    </Count>\n  </Result>\n</ResultSet>\n");
    Answer::new(200, XML, out)
}

const QUEUES: [&str; 15] = [
    "NewOrder",
    "NewReserve",
    "WaitPayment",
    "WaitShipping",
    "Shipping",
    "Reserve",
    "Holding",
    "WaitDone",
    "Suspect",
    "SettleError",
    "Refund",
    "AutoDone",
    "AutoWorking",
    "Release",
    "NoPayNumber",
];

fn queues(plan: &Plan, now: Timestamp) -> Vec<&'static str> {
    let seen = plan.done(Step::Seen, now) || plan.part > 0;
    let mut queues = match (plan.order_status(now), plan.ship_status(now)) {
        ("1", _) if !seen => vec!["NewReserve"],
        ("1", _) => vec!["Reserve"],
        ("2", _) if !seen => vec!["NewOrder"],
        ("2", "0") => vec!["WaitPayment"],
        ("2", "1") => vec!["WaitShipping"],
        ("2", "2") => vec!["Shipping"],
        ("2", "3" | "4") => vec!["WaitDone"],
        ("3", _) => vec!["Holding"],
        ("4", _) if plan.open(Step::Refunded, now) => vec!["Refund"],
        _ => Vec::new(),
    };
    if plan.suspect(now) == "1" && !plan.ended(now) {
        queues.push("Suspect");
    }
    if plan.settle_status(now) == "10" {
        queues.push("SettleError");
    }
    queues
}
