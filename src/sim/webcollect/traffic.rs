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
    /// Changing calls under way, seen or not, by reception number.
    changing: BTreeMap<String, u64>,
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
    /// Those of them that change something, while another one that does was under way or had yet to take effect, whether
    /// or not the gateway took it for in progress: never more than one a reception number (kuroneko-webcollect.md §5.5).
    pub overlapping_changes: u64,
}

/// What the gateway's traffic knows of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) order_no: String,
    /// Are other calls for its reception number answered with "in progress"?
    pub(crate) seen: bool,
    /// Does its function change something?
    pub(crate) changes: bool,
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
    /// A call arrives. Was another one of its reception number in progress?
    pub(crate) fn enter(&mut self, call: &Passage) -> bool {
        self.in_flight += 1;
        self.report.peak_in_flight = self.report.peak_in_flight.max(self.in_flight);
        let order_no = &call.order_no;
        if order_no.is_empty() {
            return false;
        }
        let of_it = |late: &&Late| late.params.order_no() == order_no;
        let overlaps =
            self.late.iter().any(|late| late.hold && of_it(&late)) || self.orders.contains_key(order_no);
        self.report.overlaps += u64::from(overlaps);
        if call.seen {
            *self.orders.entry(order_no.clone()).or_default() += 1;
        }
        if call.changes {
            let beside = self.late.iter().any(|late| of_it(&late)) || self.changing.contains_key(order_no);
            self.report.overlapping_changes += u64::from(beside);
            *self.changing.entry(order_no.clone()).or_default() += 1;
        }
        overlaps
    }

    /// It is answered, or its client is gone.
    pub(crate) fn leave(&mut self, call: &Passage) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if call.seen {
            one_less(&mut self.orders, &call.order_no);
        }
        if call.changes {
            one_less(&mut self.changing, &call.order_no);
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

fn one_less(counts: &mut BTreeMap<String, u64>, order_no: &str) {
    if let Some(count) = counts.get_mut(order_no) {
        *count -= 1;
        if *count == 0 {
            counts.remove(order_no);
        }
    }
}
