//! Which orders there are and when they were placed: an order is its index, so any number of them costs no memory.

use std::ops::Range;
use std::time::Duration;

use crate::clock::Timestamp;

/// Orders placed at a steady pace. Times are whole seconds, as every mall shows them.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue {
    /// When order 0 was placed.
    pub first_at: Timestamp,
    /// From one order to the next; at least a microsecond.
    pub every: Duration,
    /// How many orders there will ever be.
    pub total: u64,
}

impl Catalogue {
    /// `orders_per_day` orders a day (at least one) without end, the first of them `history` before `start`.
    #[must_use]
    pub fn per_day(start: Timestamp, history: Duration, orders_per_day: u64) -> Self {
        let every = Duration::from_micros(86_400_000_000 / orders_per_day.clamp(1, 86_400_000_000));
        Self { first_at: start - history, every, total: u64::from(u32::MAX) }
    }

    /// Exactly `total` orders, evenly over the `span` that ends at `end`.
    #[must_use]
    pub fn spread(end: Timestamp, span: Duration, total: u64) -> Self {
        let every = Duration::from_micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX) / total.max(1));
        Self { first_at: end - span, every, total }
    }

    /// When order `index` was placed.
    #[must_use]
    pub fn placed_at(&self, index: u64) -> Timestamp {
        let every = u64::try_from(self.every.as_micros()).unwrap_or(u64::MAX).max(1);
        let at = self.first_at + Duration::from_micros(every.saturating_mul(index));
        at.whole_second()
    }

    /// The orders placed from `from` to `to`, both included.
    #[must_use]
    pub fn placed_between(&self, from: Timestamp, to: Timestamp) -> Range<u64> {
        let low = self.first_where(|at| at >= from);
        let high = self.first_where(|at| at > to);
        low..high.max(low)
    }

    /// How many orders had been placed by `now`.
    #[must_use]
    pub fn placed_by(&self, now: Timestamp) -> u64 {
        self.first_where(|at| at > now)
    }

    fn first_where(&self, reached: impl Fn(Timestamp) -> bool) -> u64 {
        let (mut low, mut high) = (0, self.total);
        while low < high {
            let middle = low + (high - low) / 2;
            if reached(self.placed_at(middle)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}
