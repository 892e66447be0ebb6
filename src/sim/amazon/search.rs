//! `searchOrders` (amazon-sp-api.md §8.1): orders by index, so that no change between two pages moves an unchanged one.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::plan::{LIFE, LONG_EVERY, LONG_FIRST, Plan, SHORT_LIFE};
use super::query::{Family, SETTLED, Search};
use super::render::datetime;
use super::sent::DELIVERY;
use super::token::Cursor;
use super::{Shop, bad_token};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::dice::Dice;
use crate::sim::http::Answer;
use crate::sim::world::State;

/// One page in so many repeats the last order of the page before.
const REPEATS: u64 = 8;

pub(crate) fn answer(
    world: &World,
    state: &State,
    shop: &Shop,
    search: &Search,
    mut dice: Dice,
    now: Timestamp,
) -> Answer {
    let seed = world.options.seed;
    let digest = search.digest ^ Dice::new(seed, crate::sim::dice::Salt::Request, shop.ordinal).roll();
    let cursor = match &search.token {
        None => None,
        Some(token) => match Cursor::read(token, seed, digest, now) {
            Some(cursor) => Some(cursor),
            None => return bad_token(),
        },
    };
    let at = world.amazon_shows(state, now);
    let bound = cursor.map_or_else(|| search.before.unwrap_or(now - SETTLED), |cursor| cursor.bound);
    let from = cursor.map_or(0, |cursor| cursor.last + 1);
    let mut rows: Vec<Plan> = Vec::new();
    if let Some(cursor) = cursor
        && search.page_size > 1
        && state.switches.amazon.repeats
        && dice.one_in(REPEATS)
    {
        // It may have changed since, beyond the bound even: then its newer version comes.
        let plan = world.amazon_plan(state, shop, cursor.last, at);
        if fits(search, &plan, Timestamp::from_micros(i64::MAX), at) {
            rows.push(plan);
        }
    }
    let mut found = candidates(state, shop, search, (from, bound), at)
        .map(|index| world.amazon_plan(state, shop, index, at))
        .filter(|plan| fits(search, plan, bound, at));
    rows.extend(found.by_ref().take(search.page_size - rows.len()));
    let last = rows.last().map(|plan| plan.index);
    let more = found.next().is_some();

    // The order of rows is undocumented (§20.12).
    for n in (1..rows.len()).rev() {
        rows.swap(n, usize::try_from(dice.below(n as u64 + 1)).unwrap_or(n));
    }
    let orders: Vec<Value> =
        rows.iter().map(|plan| world.amazon_order(state, shop, plan, search.included, at)).collect();
    let mut body = Map::new();
    body.insert("orders".to_owned(), Value::Array(orders));
    if let Some(last) = last.filter(|_| more) {
        let next = Cursor { last, bound, issued: now, digest };
        body.insert("pagination".to_owned(), json!({ "nextToken": next.token(seed) }));
    }
    let echo = match search.family {
        Family::Created => "createdBefore",
        Family::Updated => "lastUpdatedBefore",
    };
    body.insert(echo.to_owned(), json!(datetime(bound, false)));
    super::json(200, &Value::Object(body))
}

/// Orders that may fit, oldest first, from index `from` on: those whose life reaches into the span.
fn candidates(
    state: &State,
    shop: &Shop,
    search: &Search,
    (from, bound): (u64, Timestamp),
    at: Timestamp,
) -> impl Iterator<Item = u64> {
    let oldest = |life: Duration| {
        let updated = if search.family == Family::Updated { search.after - life } else { search.after };
        // Only what is still open was asked for: nothing older than a life is.
        let ended = ["SHIPPED", "CANCELLED", "UNFULFILLABLE"];
        let open = !search.statuses.is_empty() && !search.statuses.iter().any(|s| ended.contains(s));
        if open { updated.max(at - life) } else { updated }
    };
    // Without the merchant's staff any order may stay open.
    let usual = if state.switches.amazon.staff_ships { SHORT_LIFE } else { LIFE };
    let all = shop.orders.placed_between(oldest(LIFE), bound.min(at));
    let short = shop.orders.placed_between(oldest(usual), bound.min(at)).start.clamp(all.start, all.end);
    let first = all.start.max(from);
    let skew = (LONG_EVERY + LONG_FIRST - first % LONG_EVERY) % LONG_EVERY;
    let step = usize::try_from(LONG_EVERY).unwrap_or(1);
    // What is done from outside is done to open orders alone, so it comes before the end of a life, too; calls may come
    // after it, and leave an order open.
    let told = state.amazon.sent.range((shop.ordinal, from)..(shop.ordinal, short.max(from)));
    let told = told.filter(|(order, log)| {
        let moved = log.last().is_some_and(|sent| sent.shows + DELIVERY >= search.after);
        moved || state.amazon.outside.contains_key(order)
    });
    let mut old: Vec<u64> = told.map(|((_, index), _)| *index).collect();
    old.extend((first + skew..short).step_by(step));
    old.sort_unstable();
    old.dedup();
    old.into_iter().chain(short.max(from)..all.end)
}

fn fits(search: &Search, plan: &Plan, bound: Timestamp, at: Timestamp) -> bool {
    let when = match search.family {
        Family::Created => plan.placed,
        Family::Updated => plan.last_updated(at),
    };
    plan.visible(at)
        && search.after <= when
        && when <= bound
        && (search.statuses.is_empty() || search.statuses.contains(&plan.status(at)))
        && search.shippers.is_none_or(|(merchant, amazon)| match plan.shipper() {
            Some("AMAZON") => amazon,
            Some(_) => merchant,
            None => false,
        })
}
