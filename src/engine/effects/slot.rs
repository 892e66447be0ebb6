//! A call's turn: admitted by the limiter, one of `max_in_flight`, while nothing speaks against calling. What can be done
//! without the gateway is done beside the calls that are under way, so that its slots are never idle for want of it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OwnedSemaphorePermit;

use super::{Account, FLOOR};
use crate::clock::Timestamp;
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

impl Account {
    /// Waits for the turn of a call that changes something: not while the contract is held either, which whoever holds it
    /// may have said since the operation was claimed.
    pub(super) async fn change_slot(
        &self,
        shared: &Shared,
    ) -> Result<Result<OwnedSemaphorePermit, NotNow>, StoreError> {
        let slot = match self.call_slot(shared).await? {
            Ok(slot) => slot,
            not_now => return Ok(not_now),
        };
        match shared.store.account(self.name()).await?.held_reason {
            Some(reason) => {
                let until = shared.ambient.now() + FLOOR;
                Ok(Err(NotNow { until, reason: format!("held: {reason}") }))
            }
            None => Ok(Ok(slot)),
        }
    }

    /// Waits for a call's turn. It is given back when the permit is dropped.
    pub(super) async fn call_slot(
        &self,
        shared: &Shared,
    ) -> Result<Result<OwnedSemaphorePermit, NotNow>, StoreError> {
        let not_now = |until, reason: &str| Ok(Err(NotNow { until, reason: reason.to_owned() }));
        let soon = shared.ambient.now() + Duration::from_secs(5);
        match self.call(shared, &*shared.gate).admit(&self.gateway.bucket()).await {
            Ok(()) => {}
            Err(Closed::Until(until)) => return not_now(until, &Closed::Until(until).to_string()),
            Err(closed) => return not_now(soon, &closed.to_string()),
        }
        let Some(slot) = self.free_slot(shared).await else {
            return not_now(soon, &Closed::Stopping.to_string());
        };
        // Time passed since it was claimed, and others learn of what stops everything.
        let now = shared.ambient.now();
        if let Some(end) = guard::window_ends(self.window, now, self.gateway.deadline()) {
            return not_now(end, "maintenance window");
        }
        let row = shared.store.account(self.name()).await?;
        if let Some(code) = &row.stopped_code {
            return not_now(row.probe_at.unwrap_or(now + FLOOR), &format!("stopped by the gateway ({code})"));
        }
        Ok(Ok(slot))
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
