//! The end of a worker's turn with an operation: what it came to is stored under the lease, and told.

use super::{AGAIN, Account, LEASE_BEYOND};
use crate::domain::operation::{Event, Intent, Progress, State};
use crate::engine::alerts;
use crate::engine::poll::Shared;
use crate::store::StoreError;
use crate::store::operations::{Claimed, NewAttempt, Seen};
use crate::telemetry::metrics;

impl Account {
    /// Applies the event, stores what the look before it showed, gives the lease back, and says what a person wants to read.
    pub(super) async fn rest(
        &self,
        shared: &Shared,
        claimed: &Claimed,
        event: Event,
        attempt: Option<NewAttempt>,
        seen: Option<Seen<'_>>,
    ) -> Result<Progress, StoreError> {
        let started_at = attempt.as_ref().map(|a| a.started_at);
        let progress = self.keep(shared, claimed, &event, attempt.as_ref(), seen).await?;
        let elapsed_ms = started_at.map_or(0, |t| shared.ambient.now().since(t).as_millis());
        let elapsed_ms = u64::try_from(elapsed_ms).unwrap_or(u64::MAX);
        let operation = &claimed.operation;
        metrics::operation(&self.subject(), operation.intent.kind(), progress.state.as_str());
        let code = progress.code.as_deref();
        let reason = progress.reason.as_deref();
        let order = &claimed.order.order.mall_order_id;
        let of_a_slip = matches!(operation.intent, Intent::Capture { .. });
        match progress.state {
            State::Done if of_a_slip => {
                tracing::info!(settlement = self.name(), shop = %claimed.order.shop, mall_order_id = %order,
                operation = %operation.id, attempt = progress.sends, elapsed_ms, yen = operation.intent.amount().0, "Slip registered.");
            }
            State::Done => {
                tracing::info!(settlement = self.name(), shop = %claimed.order.shop, mall_order_id = %order,
                operation = %operation.id, kind = operation.intent.kind(), attempt = progress.sends, elapsed_ms,
                yen = operation.intent.amount().0, "Operation was done.");
            }
            State::NeedsPerson => {
                if let Err(e) = alerts::operations_for_people(shared, self.name()).await {
                    // The next round of alerts tells it.
                    tracing::warn!(settlement = self.name(), operation = %operation.id, error.message = %e,
                        "Notice was not stored.");
                }
            }
            State::Refused if of_a_slip => {
                tracing::error!(settlement = self.name(), shop = %claimed.order.shop, mall_order_id = %order,
                operation = %operation.id, error.code = code, error.message = reason, "Gateway refused the slip.");
            }
            State::Refused => {
                tracing::error!(settlement = self.name(), shop = %claimed.order.shop, mall_order_id = %order,
                operation = %operation.id, kind = operation.intent.kind(), error.code = code, error.message = reason,
                "Gateway refused the operation.");
            }
            State::Unknown => {
                tracing::warn!(settlement = self.name(), shop = %claimed.order.shop, mall_order_id = %order,
                operation = %operation.id, error.code = code, error.message = reason, next_attempt_at = %progress.run_at,
                "Outcome became unknown.");
            }
            State::Superseded => {
                tracing::info!(settlement = self.name(), shop = %claimed.order.shop, mall_order_id = %order,
                operation = %operation.id, error.message = reason, "Operation was no longer wanted.");
            }
            _ => {
                tracing::warn!(settlement = self.name(), shop = %claimed.order.shop, mall_order_id = %order,
                operation = %operation.id, error.code = code, error.message = reason, next_attempt_at = %progress.run_at,
                "Operation was put off.");
            }
        }
        Ok(progress)
    }

    /// [`Account::rest`] after a look.
    pub(super) async fn rest_seen(
        &self,
        shared: &Shared,
        claimed: &Claimed,
        event: Event,
        look: NewAttempt,
        seen: Option<Seen<'_>>,
    ) -> Result<Progress, StoreError> {
        self.rest(shared, claimed, event, Some(look), seen).await
    }

    /// Stores what was learnt. A database that is away for a moment must not turn an answer into an unknown outcome: the
    /// lease outlasts the call by so much.
    async fn keep(
        &self,
        shared: &Shared,
        claimed: &Claimed,
        event: &Event,
        attempt: Option<&NewAttempt>,
        seen: Option<Seen<'_>>,
    ) -> Result<Progress, StoreError> {
        let give_up = shared.ambient.wall() + LEASE_BEYOND;
        loop {
            let failed = match shared.store.rest_operation(claimed, event, attempt, seen).await {
                Err(e @ StoreError::Database(_)) => e,
                other => return other,
            };
            if shared.ambient.wall() >= give_up || shared.stop.is_cancelled() {
                return Err(failed);
            }
            tracing::warn!(settlement = self.name(), operation = %claimed.operation.id, error.message = %failed,
                "Outcome was not stored yet.");
            let clock = shared.ambient.clock();
            let again = shared.ambient.now() + clock.of_wall(AGAIN);
            let _awake;
            let _rest = clock.rest();
            tokio::select! {
                awake = clock.sleep_until(again) => _awake = awake,
                () = shared.stop.cancelled() => {}
            }
        }
    }
}
