//! `orderList` (yahoo-shopping.md §5).

use std::fmt::Write as _;
use std::time::Duration;

use super::conditions::{self, Filter, Span, When};
use super::fields::{self, Named};
use super::plan::{LATEST_PUBLICATION, Plan};
use super::refusal::{self, Refusal, XML};
use super::shop::Shop;
use super::view::View;
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::http::Answer;
use crate::sim::world::State;
use crate::sim::xml::Node;

/// Rows of a page at most (§3).
const CAP: usize = 2_000;
/// A deadline to choose another payment method lies so far behind the order at most.
const LATEST_DEADLINE: Duration = Duration::from_hours(24 * 8);

/// A search that passed the checks.
struct Search {
    size: usize,
    start: usize,
    descending: bool,
    filters: Vec<Filter>,
    fields: Vec<Named>,
}

pub(crate) fn answer(
    world: &World,
    state: &State,
    shop: &Shop,
    req: &Node,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let search = check(state, req)?;
    let mut hits = hits(world, state, shop, &search.filters, now);
    if search.descending {
        hits.reverse();
    }
    let total = hits.len();
    let from = (search.start - 1).min(total);
    let page = &hits[from..total.min(from.saturating_add(search.size))];
    let mut out = String::with_capacity(256 + page.len() * 48 * (search.fields.len() + 2));
    out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Result>\n  <Status>OK</Status>\n  <Search>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(out, "    <TotalCount>{total}</TotalCount>");
    if page.is_empty() && total > 0 {
        out.push_str("    <OrderInfo />\n");
    }
    let seen = world.yahoo_shows(state, now);
    for (n, &(index, part)) in page.iter().enumerate() {
        let Some(plan) = world.yahoo_plan(state, shop, (index, part), seen) else { continue };
        let view = world.yahoo_view(state, shop, plan, now, seen);
        let _ = write!(out, "    <OrderInfo>\n      <Index>{}</Index>\n", from + n + 1);
        row(&mut out, &view, &search.fields);
        out.push_str("    </OrderInfo>\n");
    }
    out.push_str("  </Search>\n</Result>\n");
    Ok(Answer::new(200, XML, out))
}

fn row(out: &mut String, view: &View<'_>, fields: &[Named]) {
    let indent = "      ";
    for field in fields {
        if let Named::Of(field) = field {
            field.value(view).write(out, indent, field.name);
        }
    }
    View::wrapped(out, indent, "Item", |out| {
        for field in fields {
            if let Named::Item((name, show)) = field
                && let Some(line) = view.content().lines.first()
            {
                show(view, line).write(out, "        ", name);
            }
        }
    });
}

/// Checks element by element; the first bad one is named.
fn check(state: &State, req: &Node) -> Result<Search, Refusal> {
    if let Some(name) = req.stranger(&["Search", "SellerId"]) {
        return Err(refusal::parameter(name));
    }
    let search = req.child("Search").ok_or_else(|| refusal::parameter("Search"))?;
    if let Some(name) = search.stranger(&["Result", "Start", "Sort", "Condition", "Field"]) {
        return Err(refusal::parameter(name));
    }
    let number = |name: &str, default: usize, allowed: std::ops::RangeInclusive<usize>| {
        let Some(text) = search.leaf(name) else { return Ok(default) };
        let value = Some(text).filter(|t| t.bytes().all(|b| b.is_ascii_digit())).and_then(|t| t.parse().ok());
        value.filter(|n| allowed.contains(n)).ok_or_else(|| refusal::parameter(name))
    };
    let size = number("Result", 10, 0..=CAP)?;
    let start = number("Start", 1, 1..=usize::MAX)?;
    let descending = match search.leaf("Sort") {
        None | Some("+order_time") => false,
        Some("-order_time") => true,
        Some(_) => return Err(refusal::parameter("Sort")),
    };
    let names = search.child("Field").map(|f| f.text.trim()).filter(|t| !t.is_empty());
    let names = names.ok_or_else(|| refusal::parameter("Field"))?;
    let fields = resolve(state, names, fields::of_list)?;
    let condition = search.child("Condition").ok_or_else(|| refusal::parameter("Condition"))?;
    let filters = conditions::read(condition).map_err(|name| refusal::parameter(&name))?;
    if !filters.iter().any(Filter::is_mandatory_one) {
        return Err(refusal::parameter("OrderTime"));
    }
    Ok(Search { size, start, descending, filters, fields })
}

/// The fields of a request, less those that the mall has given up (a switch).
pub(crate) fn resolve(
    state: &State,
    names: &str,
    known: fn(&str) -> Option<Named>,
) -> Result<Vec<Named>, Refusal> {
    let given_up = &state.switches.yahoo.fields_gone;
    if let Some(gone) = names.split(',').find(|name| given_up.contains(*name)) {
        return Err(refusal::parameter(gone));
    }
    fields::resolve(names, known).map_err(refusal::parameter)
}

/// The (index, part) of the orders that fit, oldest first.
fn hits(world: &World, state: &State, shop: &Shop, filters: &[Filter], now: Timestamp) -> Vec<(u64, u8)> {
    let seen = world.yahoo_shows(state, now);
    let fits = |plan: &Plan| {
        let view = world.yahoo_view(state, shop, *plan, now, seen);
        conditions::shown(filters, plan, now) && filters.iter().all(|filter| filter.fits(&view))
    };
    if let Some(number) = filters.iter().find_map(Filter::order_id) {
        let plan = world.yahoo_order(state, shop, number, (now, seen)).filter(fits);
        return plan.map(|plan| (plan.index, plan.part)).into_iter().collect();
    }
    let (mut from, mut to) = (shop.orders.first_at, now);
    for filter in filters {
        let Filter::Within(Span { when, from: low, to: high, .. }) = filter else { continue };
        let reach = match when {
            When::Order => Duration::ZERO,
            When::Publication => LATEST_PUBLICATION,
            When::MethodDeadline => LATEST_DEADLINE,
            When::Other => continue,
        };
        from = low.map_or(from, |low| from.max(low - reach));
        // A deadline may lie ahead; everything else comes after the order.
        to = high.map_or(to, |high| to.min(high));
    }
    let mut hits = Vec::new();
    for index in shop.around(from, to) {
        for plan in world.yahoo_plans(state, shop, index, (now, seen)) {
            if fits(&plan) {
                hits.push((plan.index, plan.part));
            }
        }
    }
    hits
}
