//! The limiter (I12): GCRA, one number per bucket. Pure; the store repeats it in one statement over a row.

use std::time::Duration;

use super::account::Bucket;
use crate::clock::Timestamp;

/// What a bucket says to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The call may go; the theoretical arrival time afterwards.
    Admitted {
        /// To be kept.
        tat: Timestamp,
    },
    /// Not before `until`.
    Wait {
        /// When one call fits again.
        until: Timestamp,
        /// The row was further ahead than calls can bring it: the clock was set back. To be kept instead.
        clamped: Option<Timestamp>,
    },
}

/// Clocks of two processes, and the wait for the database, may differ by so much without anybody having set a clock
/// back. A row that is ahead by less heals by itself; taking it back would admit calls that others have paid for.
const SKEW: Duration = Duration::from_secs(60);

impl Bucket {
    /// How far the theoretical arrival time may be ahead of now for a call to be admitted: `per` × (`burst` − 1).
    #[must_use]
    pub fn tolerance(&self) -> Duration {
        self.per.saturating_mul(self.burst.saturating_sub(1))
    }

    /// The furthest that calls can bring the theoretical arrival time ahead of now.
    #[must_use]
    pub fn reach(&self) -> Duration {
        self.tolerance().saturating_add(self.per)
    }

    /// Further ahead than this only a clock that was set back explains.
    #[must_use]
    pub fn horizon(&self) -> Duration {
        self.reach().saturating_add(SKEW)
    }
}

/// One call at `now`. `tat` is what was kept; an unknown bucket (`None`) starts with one call left, because nobody knows
/// what was called before (decisions.md 18).
#[must_use]
pub fn gcra(bucket: &Bucket, tat: Option<Timestamp>, now: Timestamp) -> Admission {
    let tolerance = bucket.tolerance();
    let tat = tat.unwrap_or(now + tolerance);
    let furthest = now + bucket.reach();
    if tat > now + bucket.horizon() {
        return Admission::Wait { until: furthest - tolerance, clamped: Some(furthest) };
    }
    if tat.since(now) <= tolerance {
        Admission::Admitted { tat: tat.max(now) + bucket.per }
    } else {
        Admission::Wait { until: tat - tolerance, clamped: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bucket(per: u64, burst: u32) -> Bucket {
        Bucket { key: "test".to_owned(), per: Duration::from_micros(per), burst }
    }

    proptest! {
        /// In any window, no more calls are admitted than the window is long plus the burst.
        #[test]
        fn never_more_than_burst_plus_rate(
            per in 1_u64..5_000_000,
            burst in 1_u32..20,
            steps in prop::collection::vec(0_u64..3_000_000, 1..200),
        ) {
            let bucket = bucket(per, burst);
            let (mut now, mut tat) = (Timestamp::from_micros(1_000_000_000), None);
            let mut admitted: Vec<Timestamp> = Vec::new();
            for step in steps {
                now = now + Duration::from_micros(step);
                if let Admission::Admitted { tat: next } = gcra(&bucket, tat, now) {
                    tat = Some(next);
                    admitted.push(now);
                }
            }
            for (i, first) in admitted.iter().enumerate() {
                for (j, last) in admitted.iter().enumerate().skip(i) {
                    let span = u64::try_from(last.since(*first).as_micros()).unwrap();
                    prop_assert!(((j - i) as u64) < span / per + u64::from(burst));
                }
            }
        }

        /// A call at the time that was named is admitted, one a microsecond earlier is not.
        #[test]
        fn the_time_named_is_the_time(per in 2_u64..5_000_000, burst in 1_u32..20, ahead in 0_u64..200_000_000) {
            let bucket = bucket(per, burst);
            let now = Timestamp::from_micros(1_000_000_000);
            if let Admission::Wait { until, clamped } = gcra(&bucket, Some(now + Duration::from_micros(ahead)), now) {
                let tat = clamped.unwrap_or(now + Duration::from_micros(ahead));
                let admitted = |at| matches!(gcra(&bucket, Some(tat), at), Admission::Admitted { .. });
                prop_assert!(admitted(until));
                prop_assert!(!admitted(until - Duration::from_micros(1)));
                prop_assert!(until.since(now) <= bucket.horizon());
            }
        }
    }

    proptest! {
        /// Another implementation of the same algorithm decides alike, call by call.
        #[test]
        fn it_decides_as_governor_does(
            per in 1_u64..5_000_000,
            burst in 1_u32..20,
            steps in prop::collection::vec(0_u64..6_000_000, 1..200),
        ) {
            use governor::clock::FakeRelativeClock;
            use governor::{Quota, RateLimiter};
            let clock = FakeRelativeClock::default();
            let quota = Quota::with_period(Duration::from_micros(per)).unwrap();
            let quota = quota.allow_burst(std::num::NonZeroU32::new(burst).unwrap());
            let theirs = RateLimiter::direct_with_clock(quota, clock.clone());
            let bucket = bucket(per, burst);
            let mut now = Timestamp::from_micros(1_000_000_000);
            // A bucket that is known, and full.
            let mut tat = Some(now);
            for step in steps {
                now = now + Duration::from_micros(step);
                clock.advance(Duration::from_micros(step));
                let ours = gcra(&bucket, tat, now);
                prop_assert_eq!(matches!(ours, Admission::Admitted { .. }), theirs.check().is_ok());
                if let Admission::Admitted { tat: next } = ours {
                    tat = Some(next);
                }
            }
        }
    }

    #[test]
    fn an_unknown_bucket_has_one_call_left() {
        let bucket = bucket(1_000_000, 5);
        let now = Timestamp::from_micros(0);
        let Admission::Admitted { tat } = gcra(&bucket, None, now) else { panic!("refused") };
        let wait = Admission::Wait { until: now + Duration::from_secs(1), clamped: None };
        assert_eq!(gcra(&bucket, Some(tat), now), wait);
    }
}
