//! Packages that calls and feeds told of (amazon-sp-api.md §12): each as it was told last, kept by order.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Shop;
use super::content::Content;
use super::plan::{Kind, Plan};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::world::State;

/// From a shipment that a call completed to its delivery.
pub(super) const DELIVERY: Duration = Duration::from_hours(24);

/// One line of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The line's place in the order.
    pub(crate) line: usize,
    pub(crate) quantity: i64,
    pub(crate) transparency_codes: Vec<String>,
}

/// A package as a call told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// `packageReferenceId`.
    pub(crate) reference: u64,
    /// The carrier's code, or its name where the code is `Other`.
    pub(crate) carrier: String,
    pub(crate) service: Option<String>,
    pub(crate) tracking: String,
    /// `shipDate`.
    pub(crate) ship_time: Timestamp,
    pub(crate) pieces: Vec<Piece>,
}

/// A package that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// When it was told of first, at most a millisecond exact.
    pub(crate) created: Timestamp,
    /// When the mall took it.
    pub(crate) at: Timestamp,
    /// From then on reads could show it.
    pub(crate) shows: Timestamp,
    /// Nothing is left to be shipped with it.
    pub(crate) complete: bool,
    pub(crate) package: Package,
}

/// What calls left on a plan.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// The first package shows from then on.
    pub(crate) first: Option<Timestamp>,
    /// Nothing is left to be shipped from then on.
    pub(crate) complete: Option<Timestamp>,
    /// The latest change by a call that shows.
    pub(crate) last: Option<Timestamp>,
}

/// Pieces of line `line` in these packages.
pub(crate) fn units(sent: &[&Sent], line: usize) -> i64 {
    let pieces = sent.iter().flat_map(|sent| &sent.package.pieces);
    pieces.filter(|piece| piece.line == line).map(|piece| piece.quantity).sum()
}

/// The latest word about each package by `at`, by reference.
fn latest(log: &[Sent], at: Timestamp) -> Vec<&Sent> {
    let shown = log.iter().filter(|sent| sent.shows <= at);
    shown.map(|sent| (sent.package.reference, sent)).collect::<BTreeMap<_, _>>().into_values().collect()
}

/// The number that a call would know staff's package `k` by, if it is one.
pub(crate) fn staff_reference(plan: &Plan, k: usize) -> Option<u64> {
    // Some are no numbers when read (§8.4).
    (plan.index % 12 != 5).then_some(k as u64 + 1)
}

/// Pieces of line `n` in staff's package `k`: one of the first line in each but the last, all that is left in that. `sent`
/// are the packages that calls told of.
pub(crate) fn staff_units(plan: &Plan, content: &Content, sent: &[&Sent], k: usize, n: usize) -> i64 {
    let line = &content.lines[n];
    let ahead = plan.packages - 1;
    if line.drops && plan.line_canceled.is_some() {
        0
    } else if k < ahead {
        i64::from(n == 0)
    } else {
        let gone = if n == 0 { i64::try_from(ahead).unwrap_or(0) } else { 0 };
        (line.units - gone - units(sent, n)).max(0)
    }
}

/// Staff's packages that have left by `at` and that no call told of anew.
pub(crate) fn staff_left(plan: &Plan, sent: &[&Sent], at: Timestamp) -> Vec<usize> {
    let retold = |k: usize| {
        let own = staff_reference(plan, k);
        sent.iter().any(|sent| {
            Some(sent.package.reference) == own && plan.left[k].is_some_and(|left| left <= sent.at)
        })
    };
    (0..plan.packages).filter(|&k| plan.has_left(k, at) && !retold(k)).collect()
}

/// Pieces of every line that have not left by `at`; `but` leaves the package of that reference out.
pub(crate) fn remaining(
    plan: &Plan,
    content: &Content,
    sent: &[&Sent],
    at: Timestamp,
    but: Option<u64>,
) -> Vec<i64> {
    let sent: Vec<&Sent> = sent.iter().copied().filter(|s| Some(s.package.reference) != but).collect();
    let staff: Vec<usize> = staff_left(plan, &sent, at)
        .into_iter()
        .filter(|&k| but.is_none() || staff_reference(plan, k) != but)
        .collect();
    let dropped = plan.line_canceled.is_some_and(|event| event <= at);
    let left = |n: usize| {
        let line = &content.lines[n];
        let ordered = if line.drops && dropped { 0 } else { line.units };
        let by_staff: i64 = staff.iter().map(|&k| staff_units(plan, content, &sent, k, n)).sum();
        (ordered - by_staff - units(&sent, n)).max(0)
    };
    (0..content.lines.len()).map(left).collect()
}

impl Plan {
    /// Why goods must not leave for it, if so.
    pub(super) fn must_not_ship(&self, now: Timestamp) -> Option<&'static str> {
        Some(match self.status(now) {
            "CANCELLED" => "canceled",
            "UNFULFILLABLE" => "by_amazon",
            "PENDING" | "PENDING_AVAILABILITY" => "pending",
            "AWAITING_REVIEW" => "unknown",
            _ if self.kind.by_amazon() => "by_amazon",
            _ => match self.kind {
                Kind::ShipPlus | Kind::EasyShip => "by_mall",
                Kind::UnknownFulfiller => "unknown_fulfiller",
                _ if self.cancel_asked.is_some_and(|asked| asked <= now) => "cancel_asked",
                _ => return None,
            },
        })
    }
}

impl World {
    /// What calls told of an order's packages and shows by `at`.
    pub(crate) fn amazon_sent<'s>(
        &self,
        state: &'s State,
        shop: &Shop,
        index: u64,
        at: Timestamp,
    ) -> Vec<&'s Sent> {
        let log = state.amazon.sent.get(&(shop.ordinal, index));
        log.map_or_else(Vec::new, |log| latest(log, at))
    }

    /// The plan of an order with what calls told of it by `at`, before anything from outside: staff leaves alone what a
    /// call has begun.
    pub(super) fn amazon_told(&self, state: &State, shop: &Shop, index: u64, at: Timestamp) -> Plan {
        let mut plan = shop.plan(self.options.seed, index);
        if let Some(began) = state.amazon.began.filter(|_| !state.switches.amazon.staff_ships) {
            plan.stop(began);
        }
        let log = state.amazon.sent.get(&(shop.ordinal, index)).map_or(&[][..], Vec::as_slice);
        let Some(first) = log.first() else { return plan };
        plan.stop(first.at);
        plan.line_canceled = plan.line_canceled.filter(|event| *event <= first.at);
        let Some(last) = log.iter().rev().find(|sent| sent.shows <= at) else { return plan };
        let complete = last.complete.then_some(last.shows);
        plan.told = Told { first: Some(first.shows), complete, last: Some(last.shows) };
        if let Some(complete) = complete {
            if plan.shipped().is_none() {
                plan.delivered = Some(complete + DELIVERY);
            }
            // Nobody cancels what has left.
            plan.canceled = plan.canceled.filter(|event| *event <= complete);
            plan.cancel_asked = plan.cancel_asked.filter(|event| *event <= complete);
        }
        plan
    }
}
