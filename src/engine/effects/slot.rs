//! A call's turn: admitted by the limiter, one of `max_in_flight`, while nothing speaks against calling. What can be done
//! without the gateway is done beside the calls that are under way, so that its slots are never idle for want of it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OwnedSemaphorePermit;

use super::{Account, FLOOR};
use crate::clock::Timestamp;
use crate::domain::operation::Event;
use crate::engine::guard;
use crate::engine::poll::Shared;
use crate::http::{Bucket, Closed, Gate, Priority};
use crate::store::StoreError;

/// Not now, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotNow {
    pub(super) until: Timestamp,
    pub(super) reason: String,
}

impl From<NotNow> for Event {
    fn from(NotNow { until, reason }: NotNow) -> Self {
        Self::Defer { until, reason }
    }
}

impl Account {
    /// Waits for the turn of a call that changes something. Whether its contract is held or stopped by now is asked where
    /// its intent is committed, in the same transaction: here it would keep the slot idle and prove nothing.
    pub(super) async fn change_slot(&self, shared: &Shared) -> Result<OwnedSemaphorePermit, NotNow> {
        let not_now = |until, reason: &str| NotNow { until, reason: reason.to_owned() };
        let soon = shared.ambient.now() + Duration::from_secs(5);
        match self.call(shared, &*shared.gate).admit(&self.gateway.bucket()).await {
            Ok(()) => {}
            Err(Closed::Until(until)) => return Err(not_now(until, &Closed::Until(until).to_string())),
            Err(closed) => return Err(not_now(soon, &closed.to_string())),
        }
        let Some(slot) = self.free_slot(shared).await else {
            return Err(not_now(soon, &Closed::Stopping.to_string()));
        };
        // Time passed since it was claimed.
        match guard::window_ends(self.window, shared.ambient.now(), self.gateway.deadline()) {
            Some(end) => Err(not_now(end, "maintenance window")),
            None => Ok(slot),
        }
    }

    /// Waits for a call's turn; not while the account is stopped, which others may have learnt since the operation was
    /// claimed. It is given back when the permit is dropped.
    pub(super) async fn call_slot(
        &self,
        shared: &Shared,
    ) -> Result<Result<OwnedSemaphorePermit, NotNow>, StoreError> {
        let slot = match self.change_slot(shared).await {
            Ok(slot) => slot,
            Err(not_now) => return Ok(Err(not_now)),
        };
        let row = shared.store.account(self.name()).await?;
        Ok(match row.stopped_code {
            Some(code) => Err(self.stopped(shared, &code, row.probe_at)),
            None => Ok(slot),
        })
    }

    /// Not before the probe of a stopped account.
    pub(super) fn stopped(&self, shared: &Shared, code: &str, probe_at: Option<Timestamp>) -> NotNow {
        NotNow {
            until: probe_at.unwrap_or_else(|| shared.ambient.now() + FLOOR),
            reason: format!("stopped by the gateway ({code})"),
        }
    }

    /// One of the calls at once; `None`: the daemon stops.
    pub(super) async fn free_slot(&self, shared: &Shared) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = Arc::clone(&self.calls).try_acquire_owned() {
            return Some(slot);
        }
        // Whoever has it may wait for the clock.
        let _rest = shared.ambient.clock().rest();
        tokio::select! {
            biased;
            slot = Arc::clone(&self.calls).acquire_owned() => slot.ok(),
            () = shared.stop.cancelled() => None,
        }
    }
}

/// The gate of a call whose turn has come already.
pub(super) struct Admitted<'a>(pub(super) &'a dyn Gate);

#[async_trait]
impl Gate for Admitted<'_> {
    async fn admit(&self, _: &Bucket, _: Priority) -> Result<(), Closed> {
        Ok(())
    }

    async fn pause(&self, bucket: &Bucket, until: Timestamp) {
        self.0.pause(bucket, until).await;
    }

    fn pace(&self, bucket: &Bucket, per: Duration) {
        self.0.pace(bucket, per);
    }
}
