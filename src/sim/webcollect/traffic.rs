//! What is under way at the gateway, and effects that come late.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Params;
use crate::clock::Timestamp;

/// Calls under way, with the most there ever were.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    in_flight: u64,
    /// Calls that are seen as in progress, by reception number.
    orders: BTreeMap<String, u64>,
    late: Vec<Late>,
    report: Report,
}

/// What `/_sim/state` tells of the calls at the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The most calls that were under way at a time.
    pub peak_in_flight: u64,
    /// Calls for a reception number that had another one under way.
    pub overlaps: u64,
}

/// A call whose connection is gone and that has yet to take effect.
#[derive(Clone, Debug)]
pub(crate) struct Late {
    pub(crate) division: &'static str,
    pub(crate) params: Params,
    pub(crate) due: Timestamp,
    /// Is it seen as in progress until then?
    pub(crate) hold: bool,
}

impl Traffic {
    /// A call arrives; `seen` where its reception number counts as in progress while it is under way. Was another one
    /// in progress?
    pub(crate) fn enter(&mut self, order_no: &str, seen: bool) -> bool {
        let late = self.late.iter().any(|late| late.hold && late.params.order_no() == order_no);
        let overlaps = !order_no.is_empty() && (late || self.orders.contains_key(order_no));
        self.in_flight += 1;
        self.report.peak_in_flight = self.report.peak_in_flight.max(self.in_flight);
        self.report.overlaps += u64::from(overlaps);
        if seen && !order_no.is_empty() {
            *self.orders.entry(order_no.to_owned()).or_default() += 1;
        }
        overlaps
    }

    /// It is answered, or its client is gone.
    pub(crate) fn leave(&mut self, order_no: &str, seen: bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if seen && let Some(count) = self.orders.get_mut(order_no) {
            *count -= 1;
            if *count == 0 {
                self.orders.remove(order_no);
            }
        }
    }

    /// More than `limit` at a time? (0: no limit.)
    pub(crate) fn over(&self, limit: u64) -> bool {
        limit > 0 && self.in_flight > limit
    }

    /// The call will take effect at `due`.
    pub(crate) fn defer(&mut self, division: &'static str, params: Params, due: Timestamp, hold: bool) {
        self.late.push(Late { division, params, due, hold });
    }

    /// The effects that are due, oldest first.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Late> {
        let mut due: Vec<Late> = self.late.extract_if(.., |late| late.due <= now).collect();
        due.sort_by_key(|late| late.due);
        due
    }

    pub(crate) fn report(&self) -> Report {
        self.report
    }
}
