//! The two lists: `searchTradeInfoListProc` and `searchTradeNoListProc` (au-pay-market.md §4.1, §4.2).

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{Days, NaiveDate};

use super::kind::{LIFE, reach};
use super::wire::Bad;
use super::{Shop, Switches};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::world::State;

/// The most orders one answer may hold (§4.1).
const MOST: usize = 1_000;

/// A search that passed the checks.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) size: usize,
    /// From 1.
    pub(crate) first: usize,
    from: NaiveDate,
    to: NaiveDate,
    date_type: u8,
    statuses: BTreeSet<String>,
}

/// What a page of a list holds.
pub(crate) struct Page {
    pub(crate) indices: Vec<u64>,
    pub(crate) grand_total: usize,
}

impl Page {
    /// The order of this number, if there is one by now.
    pub(crate) fn of_one(shop: &Shop, number: &str, now: Timestamp) -> Self {
        let index = shop.index_of(number).filter(|&index| shop.orders.placed_at(index) <= now);
        let indices: Vec<u64> = index.into_iter().collect();
        Self { grand_total: indices.len(), indices }
    }
}

/// The parameters of `searchTradeInfoProc` (§4.3).
pub(crate) fn number(parameters: &[(String, String)]) -> Result<String, Vec<Bad>> {
    let mut bad = Vec::new();
    let mut number = None;
    for (name, value) in parameters {
        match name.as_str() {
            "shopId" => {}
            "orderId" if value.is_empty() => {}
            "orderId" if number.is_none() && value.bytes().all(|b| b.is_ascii_digit()) => {
                number = Some(value.clone());
            }
            _ => bad.push(Bad::Format(name.clone())),
        }
    }
    if number.is_none() && bad.is_empty() {
        bad.push(Bad::Missing("orderId".to_owned()));
    }
    match number {
        Some(number) if bad.is_empty() => Ok(number),
        _ => Err(bad),
    }
}

impl Search {
    /// Checks parameter by parameter; each bad one is named.
    pub(crate) fn parse(parameters: &[(String, String)]) -> Result<Self, Vec<Bad>> {
        let mut bad = Vec::new();
        let mut seen = BTreeSet::new();
        let mut search = Self {
            size: 0,
            first: 1,
            from: NaiveDate::MIN,
            to: NaiveDate::MAX,
            date_type: 0,
            statuses: BTreeSet::new(),
        };
        for (name, value) in parameters {
            if !seen.insert(name.as_str()) {
                bad.push(Bad::Format(name.clone()));
                continue;
            }
            let fine = match name.as_str() {
                "shopId" => true,
                "totalCount" | "startDate" | "endDate" if value.is_empty() => {
                    bad.push(Bad::Missing(name.clone()));
                    true
                }
                "totalCount" => whole(value, MOST).map(|n| search.size = n).is_some(),
                "startCount" => whole(value, usize::MAX).map(|n| search.first = n).is_some(),
                "startDate" => date(value).map(|day| search.from = day).is_some(),
                "endDate" => date(value).map(|day| search.to = day).is_some(),
                "dateType" => match value.as_str() {
                    "0" | "1" | "2" | "3" | "4" => {
                        search.date_type = value.as_bytes()[0] - b'0';
                        true
                    }
                    _ => false,
                },
                // An empty one means "all" (§4.1).
                _ if is_status(name) => {
                    if !value.is_empty() {
                        search.statuses.insert(value.clone());
                    }
                    true
                }
                _ => false,
            };
            if !fine {
                bad.push(Bad::Format(name.clone()));
            }
        }
        for name in ["totalCount", "startDate", "endDate"] {
            if !seen.contains(name) {
                bad.push(Bad::Missing(name.to_owned()));
            }
        }
        if bad.is_empty() && search.to < search.from {
            bad.push(Bad::Format("endDate".to_owned()));
        }
        if bad.is_empty() { Ok(search) } else { Err(bad) }
    }

    /// One page. Its orders ascend by number, as §4.1 has it, or descend where the switch says so.
    pub(crate) fn page(&self, world: &World, state: &mut State, shop: &Shop, now: Timestamp) -> Page {
        let mut hits = self.hits(world, state, shop, now);
        hold_back(state, shop, &mut hits, self, now);
        let grand_total = hits.len();
        if state.switches.aupay.newest_first {
            hits.reverse();
        }
        let indices = hits.into_iter().skip(self.first - 1).take(self.size).collect();
        Page { indices, grand_total }
    }

    /// The orders that fit, oldest first.
    fn hits(&self, world: &World, state: &State, shop: &Shop, now: Timestamp) -> Vec<u64> {
        let from = Timestamp::jst_midnight(self.from);
        let end = self.to.checked_add_days(Days::new(1)).unwrap_or(self.to);
        let to = Timestamp::jst_midnight(end) - Duration::from_micros(1);
        if self.date_type == 0 {
            let range = shop.orders.placed_between(from, to.min(now));
            if self.statuses.is_empty() {
                return range.collect();
            }
            return range.filter(|&index| self.in_status(world, state, shop, index, now)).collect();
        }
        let seed = world.options.seed ^ shop.salt();
        let placed = |index| shop.orders.placed_at(index);
        let shown = now - Duration::from_secs(state.switches.aupay.read_lag_s);
        let mut hits: BTreeSet<u64> = shop
            .orders
            .placed_between(from - LIFE, to.min(now))
            .filter(|&index| placed(index) + reach(seed, index) >= from)
            .collect();
        // What was done by hand or by a call can lie further behind.
        let touched = state.aupay.touched.range((shop.shop_id.clone(), 0)..=(shop.shop_id.clone(), u64::MAX));
        hits.extend(touched.map(|((_, index), _)| *index).filter(|&index| placed(index) <= now));
        hits.into_iter()
            .filter(|&index| {
                let plan = world.aupay_plan_seen(state, shop, index, shown);
                let day = plan.searched_day(self.date_type, now);
                day.is_some_and(|day| self.from <= day && day <= self.to)
                    && (self.statuses.is_empty() || self.statuses.contains(plan.status(now)))
            })
            .collect()
    }

    fn in_status(&self, world: &World, state: &State, shop: &Shop, index: u64, now: Timestamp) -> bool {
        let shown = now - Duration::from_secs(state.switches.aupay.read_lag_s);
        self.statuses.contains(world.aupay_plan_seen(state, shop, index, shown).status(now))
    }
}

/// `orderStatus`, `orderStatus2`, …
fn is_status(name: &str) -> bool {
    let number = name.strip_prefix("orderStatus");
    number.is_some_and(|n| n.is_empty() || matches!(n.parse::<u8>(), Ok(2..=9)))
}

fn whole(text: &str, most: usize) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && (1..=most).contains(n))
}

/// `YYYYMMDD` or `YYYY-MM-DD` (§3).
fn date(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    let digits = match bytes.len() {
        8 => text.to_owned(),
        10 if bytes[4] == b'-' && bytes[7] == b'-' => text.replace('-', ""),
        _ => return None,
    };
    if digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| digits.get(range).and_then(|d| d.parse::<u32>().ok());
    NaiveDate::from_ymd_opt(i32::try_from(number(0..4)?).ok()?, number(4..6)?, number(6..8)?)
}

/// Orders inserted between pages: the newest ones that no later page has shown yet are kept out of the first page of
/// a list that goes on, and are there from its second page on. Each of them once, so that none is hidden for good.
fn hold_back(state: &mut State, shop: &Shop, hits: &mut Vec<u64>, search: &Search, now: Timestamp) {
    let Switches { insert_between_pages: count, .. } = state.switches.aupay;
    if count == 0 {
        return;
    }
    let shown = state.aupay.shown.entry(shop.shop_id.clone()).or_default();
    if search.first > 1 {
        *shown = (*shown).max(shop.orders.placed_by(now));
        return;
    }
    if hits.len() <= search.size {
        return;
    }
    let new = hits.iter().rev().take_while(|index| **index >= *shown).count();
    let kept = hits.len() - new.min(count).min(hits.len() - search.size);
    hits.truncate(kept);
}
