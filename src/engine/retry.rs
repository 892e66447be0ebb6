//! From a fault to the time of the next try: a row with a time, never a loop in the client.

use std::time::Duration;

use crate::clock::{Ambient, Timestamp};
use crate::http::Fault;

/// After a passing fault, by the number of failures before it; the last one for ever.
const TRANSIENT: [Duration; 6] = [
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
];
/// While a service is closed.
const MAINTENANCE: Duration = Duration::from_secs(10 * 60);
/// After refused credentials, for the time that a new key may need to come alive (rakuten-rms.md §2.2), …
const AUTH_YOUNG: Duration = Duration::from_secs(5 * 60);
/// … which is this many tries; …
const AUTH_YOUNG_TRIES: i64 = 18;
/// … then hourly (decisions.md 11).
const AUTH: Duration = Duration::from_secs(60 * 60);
/// After an answer that says the request was wrong: a later version or setting must mend it.
const REJECTED: Duration = Duration::from_secs(15 * 60);

/// When to try again after `fault`, the `failures`-th in a row (1, 2, …). Waits are lengthened by up to a fifth, so that
/// shops do not come back in step; a time that the service named is kept in full.
#[must_use]
pub fn next_try(fault: &Fault, failures: i64, ambient: &Ambient) -> Timestamp {
    let now = ambient.now();
    let delay = match fault {
        Fault::Quota { until } => return *until,
        Fault::Throttled { until: Some(until) } if *until > now => return *until,
        Fault::Throttled { .. } | Fault::Transient(_) | Fault::Malformed(_) | Fault::Stopping => {
            let step = usize::try_from(failures.max(1) - 1).unwrap_or(usize::MAX);
            TRANSIENT[step.min(TRANSIENT.len() - 1)]
        }
        Fault::Maintenance(_) => MAINTENANCE,
        Fault::Auth { .. } if failures <= AUTH_YOUNG_TRIES => AUTH_YOUNG,
        Fault::Auth { .. } => AUTH,
        Fault::Rejected { .. } => REJECTED,
    };
    now + delay + ambient.part_of(delay / 5)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_time_that_the_service_names_is_kept_in_full() {
        let start = Timestamp::from_micros(0);
        let ambient = Ambient::seeded(Arc::new(ManualClock::new(start)), 1);
        let until = start + Duration::from_secs(7_200);
        assert_eq!(next_try(&Fault::Throttled { until: Some(until) }, 1, &ambient), until);
    }

    #[test]
    fn passing_faults_wait_longer_each_time_and_five_minutes_at_most() {
        let start = Timestamp::from_micros(0);
        let ambient = Ambient::seeded(Arc::new(ManualClock::new(start)), 1);
        let fault = Fault::Transient("reset".to_owned());
        let waits: Vec<_> = (1..=7).map(|n| next_try(&fault, n, &ambient).since(start)).collect();
        assert!(waits.windows(2).take(5).all(|w| w[0] < w[1]), "{waits:?}");
        assert!(waits.iter().all(|w| *w <= Duration::from_secs(360)), "{waits:?}");
    }
}
