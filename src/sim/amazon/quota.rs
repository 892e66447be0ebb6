//! One bucket of tokens per account and operation (amazon-sp-api.md §7), on the simulated clock.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Timestamp;

/// A token in the unit in which microseconds × millionths a second count.
const TOKEN: i128 = 1_000_000_000_000;
/// How many early calls are remembered.
const REMEMBERED: usize = 100;

/// Rate in millionths of a request a second and burst, as published (§7).
pub(crate) fn published(operation: &str) -> (u64, u64) {
    match operation {
        "searchOrders" => (5_600, 20),
        "confirmShipment" => (2_000_000, 10),
        "createFeedDocument" => (500_000, 15),
        "createFeed" => (8_300, 15),
        "getFeed" => (2_000_000, 15),
        "getFeedDocument" => (22_200, 10),
        _ => (500_000, 30),
    }
}

/// Starts full; may go below nothing by the tolerance.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    held: i128,
    at: Timestamp,
}

impl Bucket {
    fn full(burst: u64, now: Timestamp) -> Self {
        Self { held: i128::from(burst) * TOKEN, at: now }
    }

    /// Takes a token if there is one, or will be within `tolerance`.
    fn take(&mut self, rate: u64, burst: u64, tolerance: Duration, now: Timestamp) -> bool {
        let gained = |span: Duration| i128::from(rate) * i128::try_from(span.as_micros()).unwrap_or(0);
        self.held = (self.held + gained(now.since(self.at))).min(i128::from(burst) * TOKEN);
        self.at = self.at.max(now);
        let enough = self.held + gained(tolerance) >= TOKEN;
        if enough {
            self.held -= TOKEN;
        }
        enough
    }
}

/// All buckets, and what was called over the published limits.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    /// As published, and as in force.
    buckets: BTreeMap<(u64, &'static str), (Bucket, Bucket)>,
    pub(crate) violations: u64,
    /// The first violations: when, which operation.
    pub(crate) early: Vec<(Timestamp, String)>,
}

impl Quotas {
    /// Takes a token for one call of account `account`. False: over the limit in force. A call over the published
    /// limit is counted, whatever is in force.
    pub(crate) fn take(
        &mut self,
        (account, operation): (u64, &'static str),
        rate_in_force: u64,
        tolerance: Duration,
        now: Timestamp,
    ) -> bool {
        let (rate, burst) = published(operation);
        let full = Bucket::full(burst, now);
        let (public, actual) = self.buckets.entry((account, operation)).or_insert((full, full));
        if !public.take(rate, burst, tolerance, now) {
            self.violations += 1;
            if self.early.len() < REMEMBERED {
                self.early.push((now, operation.to_owned()));
            }
        }
        actual.take(rate_in_force, burst, tolerance, now)
    }
}

/// `0.0056`, `0.5`, `2.0`: millionths a second as the header says them.
pub(crate) fn decimal(millionths: u64) -> String {
    let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    let short = text.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Timestamp::from_micros(0);
        let mut quotas = Quotas::default();
        let mut take = |secs: u64, rate: u64| {
            let now = start + Duration::from_secs(secs);
            quotas.take((1, "searchOrders"), rate, Duration::ZERO, now)
        };
        assert!((0..20).all(|_| take(0, 5_600)));
        assert!(!take(178, 5_600));
        assert!(take(179, 5_600));
        assert!(!take(179, 5_600));
        // Half the published rate: refused, but not a violation.
        assert!(!take(179 + 179, 2_800));
        assert_eq!(quotas.violations, 2);
        assert_eq!([5_600, 500_000, 2_000_000, 16_700].map(decimal), ["0.0056", "0.5", "2.0", "0.0167"]);
    }
}
