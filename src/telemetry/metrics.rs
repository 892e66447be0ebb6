//! What is counted (interface.md, "Metrics"): thin functions over the `metrics` facade, called where the facts happen.
//! Until [`install`] was called they do nothing. Labels are names from the config and fixed words, never an order, a
//! message or anything of a person; the series of a shop that a reload removed stand still until the process ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{Label, counter, histogram};

mod catalogue;
mod recorder;

pub use catalogue::*;
pub use recorder::{NotInstalled, Recorder, gauges, install};

/// Whom a series is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A shop.
    Shop {
        /// Its name.
        shop: String,
        /// The mall's word.
        mall: &'static str,
    },
    /// A settlement contract.
    Settlement {
        /// Its name.
        settlement: String,
    },
}

impl Subject {
    /// A shop.
    #[must_use]
    pub fn shop(shop: &str, mall: &'static str) -> Self {
        Self::Shop { shop: shop.to_owned(), mall }
    }

    /// A settlement contract.
    #[must_use]
    pub fn settlement(settlement: &str) -> Self {
        Self::Settlement { settlement: settlement.to_owned() }
    }

    fn labels(&self, more: &[(&'static str, &'static str)]) -> Vec<Label> {
        let mut labels = match self {
            Self::Shop { shop, mall } => {
                vec![Label::new("shop", shop.clone()), Label::from_static_parts("mall", mall)]
            }
            Self::Settlement { settlement } => vec![Label::new("settlement", settlement.clone())],
        };
        labels.extend(more.iter().map(|(name, value)| Label::from_static_parts(name, value)));
        labels
    }
}

/// A shop is polled from now on: its series begin at nothing, so that the first fact counts too. `kinds`: its streams.
pub fn begin_shop(shop: &Subject, kinds: &[&'static str]) {
    page(shop, 0, 0);
    for kind in kinds {
        counter!(POLLS.name, shop.labels(&[("kind", kind), ("outcome", "ok")])).increment(0);
        drop(histogram!(POLL_DURATION.name, shop.labels(&[("kind", kind)])));
    }
    begin_requests(shop, &["read"]);
}

/// Operations of a settlement are sent from now on.
pub fn begin_settlement(settlement: &Subject, kinds: &[&'static str]) {
    for kind in kinds {
        for outcome in ["done", "refused", "needs_person", "unknown"] {
            counter!(OPERATIONS.name, settlement.labels(&[("kind", kind), ("outcome", outcome)]))
                .increment(0);
        }
    }
    begin_requests(settlement, &["read", "change"]);
}

fn begin_requests(subject: &Subject, kinds: &[&'static str]) {
    counter!(THROTTLED.name, subject.labels(&[])).increment(0);
    for kind in kinds {
        counter!(REQUESTS.name, subject.labels(&[("kind", kind), ("outcome", "2xx")])).increment(0);
        drop(histogram!(REQUEST_DURATION.name, subject.labels(&[("kind", kind)])));
    }
}

/// A page was stored.
pub fn page(shop: &Subject, new: u64, changed: u64) {
    counter!(ORDERS.name, shop.labels(&[])).increment(new);
    counter!(CHANGES.name, shop.labels(&[])).increment(changed);
}

/// A run of a stream ended; the words of `outcome` are those of [`POLLS`].
pub fn poll(shop: &Subject, kind: &'static str, outcome: &'static str, elapsed: Duration) {
    counter!(POLLS.name, shop.labels(&[("kind", kind), ("outcome", outcome)])).increment(1);
    histogram!(POLL_DURATION.name, shop.labels(&[("kind", kind)])).record(elapsed);
}

/// An operation came to rest in the state `outcome`.
pub fn operation(settlement: &Subject, kind: &'static str, outcome: &'static str) {
    counter!(OPERATIONS.name, settlement.labels(&[("kind", kind), ("outcome", outcome)])).increment(1);
}

/// Reloads since the process began.
pub fn reloads(applied: u64, refused: u64) {
    for (outcome, times) in [("applied", applied), ("refused", refused)] {
        counter!(RELOADS.name, "outcome" => outcome).absolute(times);
    }
}

/// Counts what an account's client does.
#[derive(Debug)]
pub struct Meter {
    subject: Subject,
    /// Microseconds waited that do not make a whole second yet: counters are whole numbers.
    waited: AtomicU64,
}

impl Meter {
    /// Of the account of `subject`.
    #[must_use]
    pub const fn new(subject: Subject) -> Self {
        Self { subject, waited: AtomicU64::new(0) }
    }

    /// A request ended; the words are those of [`REQUESTS`].
    pub fn request(&self, kind: &'static str, outcome: &'static str, elapsed: Duration) {
        counter!(REQUESTS.name, self.subject.labels(&[("kind", kind), ("outcome", outcome)])).increment(1);
        histogram!(REQUEST_DURATION.name, self.subject.labels(&[("kind", kind)])).record(elapsed);
    }

    /// A request waited for its admission.
    pub fn waited(&self, elapsed: Duration) {
        const SECOND: u64 = 1_000_000;
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let before = self.waited.fetch_add(micros, Ordering::Relaxed);
        let whole = before.saturating_add(micros) / SECOND - before / SECOND;
        if whole > 0 {
            counter!(THROTTLED.name, self.subject.labels(&[])).increment(whole);
        }
    }
}

#[cfg(test)]
mod tests;
