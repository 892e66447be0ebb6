//! Admission by limiter rows (I12): the state outlives a crash loop and is shared by every process.

use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::clock::{Ambient, Timestamp};
use crate::http::{Bucket, Closed, Gate};
use crate::store::Store;

/// A wait longer than this is not waited out with a lease in hand: the work comes back later.
const LONG: Duration = Duration::from_secs(90);

/// The gate of one account. Who asks it holds the clock's busy guard; it rests while it waits.
#[derive(Clone, Debug)]
pub struct StoreGate {
    store: Store,
    ambient: Ambient,
    stop: CancellationToken,
}

impl StoreGate {
    /// A gate over the rows of `store`; closes when `stop` is cancelled.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient, stop: CancellationToken) -> Self {
        Self { store, ambient, stop }
    }
}

#[async_trait]
impl Gate for StoreGate {
    async fn admit(&self, bucket: &Bucket) -> Result<(), Closed> {
        loop {
            if self.stop.is_cancelled() {
                return Err(Closed::Stopping);
            }
            let now = self.ambient.now();
            let taken = self.store.take(bucket, now).await.map_err(|e| Closed::Failed(e.to_string()))?;
            if taken.clamped {
                tracing::warn!(limit = %bucket.key, "The clock was set back; a limiter row was clamped.");
            }
            let Some(until) = taken.wait_until else { return Ok(()) };
            if until.since(now) > LONG {
                return Err(Closed::Until(until));
            }
            let _rest = self.ambient.clock().rest();
            tokio::select! {
                () = self.ambient.clock().sleep_until(until) => {}
                () = self.stop.cancelled() => return Err(Closed::Stopping),
            }
        }
    }

    async fn pause(&self, bucket: &Bucket, until: Timestamp) {
        if let Err(e) = self.store.pause(bucket, until).await {
            tracing::warn!(limit = %bucket.key, error.message = %e, "A pause that the service asked for was not stored.");
        }
    }
}
