//! Admission by limiter rows (I12): the state outlives a crash loop and is shared by every process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::clock::{Ambient, Timestamp};
use crate::http::{Bucket, Closed, Gate, Priority};
use crate::store::Store;

/// A wait longer than this is not waited out with a lease in hand: the work comes back later.
const LONG: Duration = Duration::from_secs(90);
/// Spare calls wait so long at most: whoever waits holds the shop, and new orders must not wait with it.
const SHORT: Duration = Duration::from_secs(2);

/// The gate of one account. Who asks it holds the clock's busy guard; it rests while it waits.
#[derive(Clone, Debug)]
pub struct StoreGate {
    store: Store,
    ambient: Ambient,
    stop: CancellationToken,
    /// Slower rates than the published ones, as the services told them.
    paces: Arc<Mutex<HashMap<String, Duration>>>,
}

impl StoreGate {
    /// A gate over the rows of `store`; closes when `stop` is cancelled.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient, stop: CancellationToken) -> Self {
        Self { store, ambient, stop, paces: Arc::default() }
    }

    /// The same gate for a part of the process that stops by itself.
    #[must_use]
    pub fn until(&self, stop: CancellationToken) -> Self {
        Self { stop, ..self.clone() }
    }
}

impl StoreGate {
    /// The bucket as the service told its rate, if that is slower.
    fn told(&self, bucket: &Bucket) -> Bucket {
        let paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let per = paces.get(&bucket.key).map_or(bucket.per, |told| bucket.per.max(*told));
        Bucket { per, ..bucket.clone() }
    }
}

/// How many calls spare ones leave to the live ones: a twentieth of the bucket, and one at least where it holds two.
fn reserve(bucket: &Bucket, priority: Priority) -> u32 {
    match priority {
        Priority::Live => 0,
        Priority::Spare => (bucket.burst / 20).max(1).min(bucket.burst.saturating_sub(1)),
    }
}

#[async_trait]
impl Gate for StoreGate {
    async fn admit(&self, bucket: &Bucket, priority: Priority) -> Result<(), Closed> {
        let bucket = &self.told(bucket);
        let reserve = reserve(bucket, priority);
        let long = match priority {
            Priority::Live => LONG,
            Priority::Spare => SHORT,
        };
        loop {
            if self.stop.is_cancelled() {
                return Err(Closed::Stopping);
            }
            let now = self.ambient.now();
            let taken =
                self.store.take(bucket, reserve, now).await.map_err(|e| Closed::Failed(e.to_string()))?;
            if taken.clamped {
                tracing::warn!(limit = %bucket.key, "Clock was set back.");
            }
            let Some(until) = taken.wait_until else { return Ok(()) };
            if until.since(now) > long {
                return Err(Closed::Until(until));
            }
            // Declared first, dropped last: the work is taken up again before the wake-up's guard is let go.
            let _awake;
            let _rest = self.ambient.clock().rest();
            tokio::select! {
                awake = self.ambient.clock().sleep_until(until) => _awake = awake,
                () = self.stop.cancelled() => return Err(Closed::Stopping),
            }
        }
    }

    async fn pause(&self, bucket: &Bucket, until: Timestamp) {
        if let Err(e) = self.store.pause(bucket, until).await {
            tracing::warn!(limit = %bucket.key, error.message = %e, "Pause was not stored.");
        }
    }

    fn pace(&self, bucket: &Bucket, per: Duration) {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let told = paces.entry(bucket.key.clone()).or_insert(bucket.per);
        if *told != per.max(bucket.per) {
            tracing::info!(limit = %bucket.key, per_ms = per.as_millis(), "Service told another rate.");
            *told = per.max(bucket.per);
        }
    }
}
