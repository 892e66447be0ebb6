//! What keeps a contract from sending: guards, an account that the gateway refuses, a function that it does not allow.

use super::slot::NotNow;
use super::{Account, FLOOR, PROBE};
use crate::clock::Timestamp;
use crate::domain::account::Level;
use crate::domain::operation::{Answer, Event};
use crate::engine::guard;
use crate::engine::poll::Shared;
use crate::settlement::{Halt, Stop};
use crate::store::StoreError;
use crate::store::sends::{Guards, Withheld};

impl Account {
    pub(super) fn guards(&self) -> Guards {
        Guards { max_per_hour: self.contract.max_per_hour, max_yen_per_day: self.contract.max_yen_per_day }
    }

    /// Until when an intent that was not committed rests; whoever passed the guard tells that everything is held.
    pub(super) fn withheld(&self, shared: &Shared, why: Withheld) -> NotNow {
        let now = shared.ambient.now();
        match why {
            Withheld::Guard(reason) => {
                tracing::error!(settlement = self.name(), error.message = %reason, "Settlement was held.");
                NotNow { until: now + FLOOR, reason }
            }
            Withheld::Held(reason) => NotNow { until: now + FLOOR, reason: format!("held: {reason}") },
            Withheld::Stopped { code, probe_at } => self.stopped(shared, &code, probe_at),
            // Due all the time: it goes on as soon as the function does.
            Withheld::Function { code, .. } => {
                NotNow { until: now, reason: format!("the gateway does not allow this function ({code})") }
            }
        }
    }

    /// What an answer to a `kind` of operation stops, or lets go again if this one was its `trial`. The operation is put off
    /// by what is stopped alone where that is stored.
    pub(super) async fn halt(
        &self,
        shared: &Shared,
        kind: &'static str,
        trial: bool,
        halt: Option<Halt>,
        event: &mut Event,
    ) -> Result<(), StoreError> {
        match halt {
            Some(Halt::Account(stop)) => self.stop(shared, &stop).await,
            Some(Halt::Function(stop)) => {
                self.stop_function(shared, kind, &stop).await?;
                if let Event::Answered(Answer::Later { until, .. }) = event {
                    *until = shared.ambient.now();
                }
                Ok(())
            }
            None if trial && tells_of_the_order(event) => self.resume_function(shared, kind).await,
            None => Ok(()),
        }
    }

    async fn stop_function(&self, shared: &Shared, kind: &str, stop: &Stop) -> Result<(), StoreError> {
        let now = shared.ambient.now();
        let about = (stop.code.as_str(), stop.reason.as_str());
        if let Some(try_at) = shared.store.stop_function(self.name(), kind, about, now).await? {
            tracing::error!(settlement = self.name(), kind, error.code = %stop.code, error.message = %stop.reason,
                next_attempt_at = %try_at, "Function was stopped.");
        }
        Ok(())
    }

    async fn resume_function(&self, shared: &Shared, kind: &str) -> Result<(), StoreError> {
        if let Some(since) = shared.store.resume_function(self.name(), kind).await? {
            let down_seconds = shared.ambient.now().since(since).as_secs();
            tracing::info!(settlement = self.name(), kind, down_seconds, "Function was allowed again.");
            shared.planned.nudge();
        }
        Ok(())
    }

    /// Stops the account: nothing is sent until the hourly probe finds it well.
    pub(in crate::engine) async fn stop(&self, shared: &Shared, stop: &Stop) -> Result<(), StoreError> {
        let now = shared.ambient.now();
        let probe_at = now + PROBE;
        if shared.store.stop_account(self.name(), &stop.code, &stop.reason, now, probe_at).await? {
            tracing::error!(settlement = self.name(), error.code = %stop.code, error.message = %stop.reason,
                next_attempt_at = %probe_at, "Settlement was stopped.");
            // The address is what it is about, as like as not.
            shared.store.hurry_source_address(self.name(), now).await?;
        }
        Ok(())
    }

    /// When to try again if nothing may be asked of the gateway now: its window, or a stopped account, which is probed.
    pub(in crate::engine) async fn closed(&self, shared: &Shared) -> Result<Option<Timestamp>, StoreError> {
        let now = shared.ambient.now();
        if let Some(end) = guard::window_ends(self.window, now, self.gateway.deadline()) {
            return Ok(Some(end));
        }
        let row = shared.store.account(self.name()).await?;
        if row.stopped_code.is_none() {
            return Ok(None);
        }
        if let Some(at) = row.probe_at.filter(|at| *at > now) {
            return Ok(Some(at));
        }
        // H01 answers any address and any contract: only a look-up shows that the account works.
        let linked = shared.store.newest_reception_number(self.name()).await?;
        let Some(_slot) = self.free_slot(shared).await else { return Ok(row.probe_at) };
        if let Some(end) = guard::window_ends(self.window, shared.ambient.now(), self.gateway.deadline()) {
            return Ok(Some(end));
        }
        let call = self.call(shared, &*shared.gate);
        let healthy = match self.gateway.check(&call, linked.as_deref()).await {
            Ok(health) => {
                self.note_address(shared, &health, linked.is_some()).await?;
                health.findings.iter().all(|finding| finding.level != Level::Error)
            }
            Err(_) => false,
        };
        let now = shared.ambient.now();
        if !healthy {
            shared.store.probe_account(self.name(), now + PROBE).await?;
            return Ok(Some(now + PROBE));
        }
        // Stopped anew meanwhile, it stays so.
        if shared.store.resume_account(&row).await? {
            let down_seconds = row.stopped_at.map_or(0, |at| now.since(at).as_secs());
            tracing::info!(settlement = self.name(), down_seconds, "Settlement was reached again.");
        }
        Ok(None)
    }
}

/// Whether the gateway looked at the order itself: then the function is to be had.
fn tells_of_the_order(event: &Event) -> bool {
    matches!(
        event,
        Event::Answered(
            Answer::Done | Answer::Refused { .. } | Answer::Verify { .. } | Answer::Person { .. }
        )
    )
}
