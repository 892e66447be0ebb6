//! One operation, from its claim to its next resting place: guards, look, admission, intent, send, outcome.

use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use super::outcome::{Prompt, outcome_of, verdict_word};
use super::slot::{Admitted, NotNow};
use super::{AGAIN, Account, FLOOR, LEASE_BEYOND, PROBE};
use crate::clock::Timestamp;
use crate::domain::operation::{Event, Intent, LOOK_DELAYS, Progress, State, Verdict, registered_slips};
use crate::domain::planner::OnChange;
use crate::domain::settlement::Settlement;
use crate::engine::alerts;
use crate::engine::guard::{self, Before, Moment};
use crate::engine::poll::Shared;
use crate::http::text::scrub_code;
use crate::settlement::{Function, LookFailed, Looked, Stop};
use crate::store::StoreError;
use crate::store::operations::{Claimed, NewAttempt, Seen, Work};
use crate::telemetry::metrics;

/// Why a change of amount or a renewal waits.
const CLOSED_AT_NIGHT: &str = "closed from 23:00 to 01:00";

/// What was seen longer ago than this may be another's work by now: it is looked up again.
const FRESH: Duration = Duration::from_secs(60);

impl Account {
    /// One operation, to its next resting place. The state it came to, `None` when the lease or the database was lost.
    pub(super) async fn work(&self, shared: &Shared, work: Work, claimed: Claimed) -> Option<State> {
        let id = claimed.operation.id.clone();
        let around = tracing::debug_span!("operation", settlement = self.name(), operation = %id);
        let (settlement, intent) = (claimed.settlement.clone(), claimed.operation.intent.clone());
        let outcome = async {
            let progress = match work {
                Work::Send => self.send(shared, claimed).await,
                Work::Look => self.settle(shared, claimed).await,
            }?;
            if let Err(e) = self.after(shared, &settlement, &intent, progress.state).await {
                // The next round of planning does it.
                tracing::warn!(settlement = self.name(), operation = %id, error.message = %e,
                    "Settlement was not planned anew.");
            }
            Ok(progress)
        };
        let outcome = outcome.instrument(around).await;
        match outcome {
            Ok(progress) => Some(progress.state),
            Err(StoreError::LeaseLost) => {
                tracing::warn!(settlement = self.name(), operation = %id, "Lease of an operation was lost.");
                None
            }
            Err(e) => {
                tracing::warn!(settlement = self.name(), operation = %id, error.message = %e,
                    "Outcome was not stored.");
                None
            }
        }
    }

    /// A ready operation: guards, look, admission, intent, send.
    async fn send(&self, shared: &Shared, claimed: Claimed) -> Result<Progress, StoreError> {
        let now = shared.ambient.now();
        let (order, settlement) = (&claimed.order, &claimed.settlement);
        let intent = claimed.operation.intent.clone();
        if let Err(reason) =
            guard::still_wanted(&self.contract, &order.order, &order.slips, settlement, &intent)
        {
            return self.rest(shared, &claimed, Event::Supersede { reason }, None).await;
        }
        if let Err(reason) = self.possible(&intent, now) {
            return self.rest(shared, &claimed, Event::FoundBlocked { reason }, None).await;
        }
        if let Some(until) = intent.closed_until(now) {
            let event = Event::Defer { until, reason: CLOSED_AT_NIGHT.to_owned() };
            return self.rest(shared, &claimed, event, None).await;
        }
        let slot = match self.call_slot(shared).await? {
            Ok(slot) => slot,
            Err(not_now) => return self.put_off(shared, &claimed, not_now, None).await,
        };
        let (looked, look) = match self.look(shared, &claimed, "look", slot).await? {
            Ok(found) => found,
            Err((failed, attempt)) => {
                let step = (claimed.operation.progress.looks as usize).min(LOOK_DELAYS.len() - 1);
                let until = now + LOOK_DELAYS[step];
                let reason = format!("the look before sending failed: {}", failed.fault);
                return self.rest(shared, &claimed, Event::Defer { until, reason }, Some(attempt)).await;
            }
        };
        let registered = registered_slips(&shared.store.done_intents(&order.id).await?);
        let before = guard::before_sending(&Moment {
            gateway: &*self.gateway,
            contract: &self.contract,
            order: &order.order,
            settlement,
            intent: &intent,
            looked: &looked,
            registered: &registered,
            now: shared.ambient.now(),
        });
        let seen = self.seen(&claimed, &looked, matches!(before, Before::Send | Before::Done));
        if before != Before::Send {
            if let Some(not_now) = self.lags(shared, &claimed, &look).await? {
                return self.put_off(shared, &claimed, not_now, Some(look)).await;
            }
            self.observe(shared, &claimed, seen).await?;
        }
        match before {
            Before::Send => {}
            Before::Done => return self.rest(shared, &claimed, Event::FoundDone, Some(look)).await,
            Before::Blocked(reason) if self.brings_in_step(settlement, &intent, &looked) => {
                return self.rest(shared, &claimed, Event::Supersede { reason }, Some(look)).await;
            }
            Before::Blocked(reason) => {
                return self.rest(shared, &claimed, Event::FoundBlocked { reason }, Some(look)).await;
            }
        }
        let far = self.far_from_guards(shared, intent.amount()).await?;
        // Whatever is waited for comes before the intent, so that nothing lies between the intent and the first byte.
        let slot = match self.change_slot(shared).await? {
            Ok(slot) => slot,
            Err(not_now) => {
                self.observe(shared, &claimed, seen).await?;
                return self.put_off(shared, &claimed, not_now, Some(look)).await;
            }
        };
        let now = shared.ambient.now();
        let closed = intent.closed_until(now).map(|until| (until, CLOSED_AT_NIGHT));
        let old = (now.since(look.finished_at) > FRESH).then_some((now, "the look before sending is old"));
        if let Some((until, reason)) = closed.or(old) {
            self.observe(shared, &claimed, seen).await?;
            let not_now = NotNow { until, reason: reason.to_owned() };
            return self.put_off(shared, &claimed, not_now, Some(look)).await;
        }
        let begun_at;
        {
            // One at a time where it matters: what is committed here counts for the next one's guard.
            let one = if far { None } else { Some(self.turnstile.lock().await) };
            if one.is_some()
                && let Some(reason) = self.over_guard(shared, now, intent.amount()).await?
            {
                self.observe(shared, &claimed, seen).await?;
                let not_now = NotNow { until: now + FLOOR, reason };
                return self.put_off(shared, &claimed, not_now, Some(look)).await;
            }
            // From before the commit: a machine that is suspended in it must not send once it wakes (decisions.md 8).
            begun_at = shared.ambient.wall();
            let lease_until = begun_at + self.gateway.deadline() + LEASE_BEYOND;
            shared.store.begin_sending(&claimed, &look, seen, lease_until).await?;
        }
        let started_at = shared.ambient.now();
        let gate = Prompt { committed_at: begun_at, ambient: shared.ambient.clone() };
        let sent = self.gateway.send(&self.call(shared, &gate), &intent).await;
        let (event, stop, attempt) = outcome_of(sent, started_at, shared.ambient.now());
        let stopped = match stop {
            Some(stop) => self.stop(shared, &stop).await,
            None => Ok(()),
        };
        drop(slot);
        // What the gateway said is stored whatever became of the account's row.
        let progress = self.rest(shared, &claimed, event, Some(attempt)).await;
        stopped?;
        progress
    }

    /// Whether the rules change the gateway's amount first, where that alone is what speaks against `intent`.
    fn brings_in_step(&self, settlement: &Settlement, intent: &Intent, looked: &Looked) -> bool {
        let shown =
            looked.observed.as_ref().filter(|_| !looked.ambiguous).and_then(|observed| observed.amount);
        self.contract.on_amount_change == OnChange::Apply
            && settlement.verified_at.is_some()
            && matches!(intent, Intent::Capture { .. })
            && shown.is_some_and(|shown| Some(shown) != intent.held())
    }

    /// Whether the gateway can do it at all, as far as that is known without a call. `Err`: what to tell a person.
    fn possible(&self, intent: &Intent, now: Timestamp) -> Result<(), String> {
        if !self.gateway.can().contains(&Function::of(intent)) {
            return Err(format!("this gateway has no function for it: {}", intent.kind()));
        }
        self.gateway.check_locally(intent, now)
    }

    /// An unknown operation: look, judge (§5.5, §5.6).
    async fn settle(&self, shared: &Shared, claimed: Claimed) -> Result<Progress, StoreError> {
        let slot = match self.call_slot(shared).await? {
            Ok(slot) => slot,
            Err(NotNow { reason, .. }) => {
                let event = Event::Looked(Verdict::Unclear { reason });
                return self.rest(shared, &claimed, event, None).await;
            }
        };
        let (looked, attempt) = match self.look(shared, &claimed, "settle", slot).await? {
            Ok(found) => found,
            Err((failed, attempt)) => {
                let verdict = Verdict::Unclear { reason: format!("the look-up failed: {}", failed.fault) };
                return self.rest(shared, &claimed, Event::Looked(verdict), Some(attempt)).await;
            }
        };
        let operation = &claimed.operation;
        let registered = registered_slips(&shared.store.done_intents(&claimed.order.id).await?);
        let claimed_done = operation.progress.claimed_done;
        let verdict = self.gateway.judge_further(&operation.intent, &looked, claimed_done, &registered);
        let attempt = NewAttempt { outcome: verdict_word(&verdict).to_owned(), ..attempt };
        self.observe(shared, &claimed, self.seen(&claimed, &looked, verdict == Verdict::Done)).await?;
        self.rest(shared, &claimed, Event::Looked(verdict), Some(attempt)).await
    }

    /// Back to rest until its time comes again.
    async fn put_off(
        &self,
        shared: &Shared,
        claimed: &Claimed,
        not_now: NotNow,
        attempt: Option<NewAttempt>,
    ) -> Result<Progress, StoreError> {
        let NotNow { until, reason } = not_now;
        self.rest(shared, claimed, Event::Defer { until, reason }, attempt).await
    }

    /// Looks the settlement up in the turn of `slot`; the attempt row tells either way.
    async fn look(
        &self,
        shared: &Shared,
        claimed: &Claimed,
        kind: &'static str,
        slot: OwnedSemaphorePermit,
    ) -> Result<Result<(Looked, NewAttempt), (LookFailed, NewAttempt)>, StoreError> {
        let started_at = shared.ambient.now();
        let number = claimed.operation.intent.reception_number();
        let gate = Admitted(&*shared.gate);
        let looked = self.gateway.look_up(&self.call(shared, &gate), number).await;
        let finished_at = shared.ambient.now();
        let attempt =
            |outcome: &str, message: Option<String>, status: Option<u16>, raw: Vec<u8>| NewAttempt {
                kind,
                started_at,
                finished_at,
                outcome: outcome.to_owned(),
                code: None,
                message,
                http_status: status,
                raw,
            };
        match looked {
            Ok(mut looked) => {
                drop(slot);
                let shown = match &looked.observed {
                    Some(observed) => format!("{} (status {})", observed.state, scrub_code(&observed.status)),
                    None => "not known to the gateway".to_owned(),
                };
                let raw = std::mem::take(&mut looked.raw);
                let attempt = attempt("looked", Some(shown), Some(looked.http_status), raw);
                Ok(Ok((looked, attempt)))
            }
            Err(mut failed) => {
                if let Some(stop) = failed.stop.clone() {
                    // Before the next one's turn.
                    self.stop(shared, &stop).await?;
                }
                drop(slot);
                let raw = std::mem::take(&mut failed.raw);
                let attempt = attempt("failed", Some(failed.fault.to_string()), None, raw);
                Ok(Err((failed, attempt)))
            }
        }
    }

    /// What a look-up showed of the operation's settlement, to be stored; `None` where it showed none, or the order was
    /// linked to another number since.
    fn seen<'a>(&self, claimed: &Claimed, looked: &'a Looked, verified: bool) -> Option<Seen<'a>> {
        let number = Some(claimed.operation.intent.reception_number());
        let own = claimed.settlement.reception_number.as_deref() == number;
        Some(Seen {
            observed: looked.observed.as_ref().filter(|_| own && !looked.ambiguous)?,
            verified: verified || claimed.settlement.verified_at.is_some(),
            authorization_days: self.contract.authorization_days,
        })
    }

    async fn observe(
        &self,
        shared: &Shared,
        claimed: &Claimed,
        seen: Option<Seen<'_>>,
    ) -> Result<(), StoreError> {
        let Some(Seen { observed, verified, authorization_days: days }) = seen else { return Ok(()) };
        let id = &claimed.settlement.id;
        shared.store.observe_settlement(id, observed, verified, days, shared.ambient.now()).await
    }

    /// Applies the event, gives the lease back, and says what a person wants to read.
    async fn rest(
        &self,
        shared: &Shared,
        claimed: &Claimed,
        event: Event,
        attempt: Option<NewAttempt>,
    ) -> Result<Progress, StoreError> {
        let started_at = attempt.as_ref().map(|a| a.started_at);
        let progress = self.keep(shared, claimed, &event, attempt.as_ref()).await?;
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

    /// Stores what was learnt. A database that is away for a moment must not turn an answer into an unknown outcome: the
    /// lease outlasts the call by so much.
    async fn keep(
        &self,
        shared: &Shared,
        claimed: &Claimed,
        event: &Event,
        attempt: Option<&NewAttempt>,
    ) -> Result<Progress, StoreError> {
        let give_up = shared.ambient.wall() + LEASE_BEYOND;
        loop {
            let failed = match shared.store.step_operation(claimed, event, attempt, None).await {
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

    /// Stops the account: nothing is sent until the hourly probe finds it well.
    pub(in crate::engine) async fn stop(&self, shared: &Shared, stop: &Stop) -> Result<(), StoreError> {
        let now = shared.ambient.now();
        let mut row = shared.store.account(self.name()).await?;
        if row.stopped_code.is_none() {
            tracing::error!(settlement = self.name(), error.code = %stop.code, error.message = %stop.reason,
                next_attempt_at = %(now + PROBE), "Settlement was stopped.");
            row.stopped_code = Some(stop.code.clone());
            row.stopped_reason = Some(stop.reason.clone());
            row.stopped_at = Some(now);
            row.probe_at = Some(now + PROBE);
            shared.store.put_account(&row).await?;
            // The address is what it is about, as like as not.
            shared.store.hurry_source_address(self.name(), now).await?;
        }
        Ok(())
    }
}
