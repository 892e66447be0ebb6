//! One operation, from its claim to its next resting place: guards, look, admission, intent, send, outcome.

use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use super::outcome::{Prompt, outcome_of, verdict_word};
use super::slot::{Admitted, NotNow};
use super::{Account, LEASE_BEYOND};
use crate::clock::Timestamp;
use crate::domain::operation::{Event, Intent, LOOK_DELAYS, Progress, State, Verdict, registered_slips};
use crate::domain::planner::OnChange;
use crate::domain::settlement::Settlement;
use crate::engine::guard::{self, Before, Moment};
use crate::engine::poll::Shared;
use crate::http::text::scrub_code;
use crate::settlement::{Function, LookFailed, Looked};
use crate::store::StoreError;
use crate::store::operations::{Claimed, NewAttempt, Seen, Work};
use crate::store::sends::Begun;

/// Why a change of amount or a renewal waits.
const CLOSED_AT_NIGHT: &str = "closed from 23:00 to 01:00";

/// What was seen longer ago than this may be another's work by now: it is looked up again.
const FRESH: Duration = Duration::from_secs(60);

impl Account {
    /// One operation, to its next resting place. The state it came to, `None` when the lease or the database was lost.
    pub(super) async fn work(&self, shared: &Shared, work: Work, claimed: Claimed) -> Option<State> {
        let id = claimed.operation.id.clone();
        let around = tracing::debug_span!("operation", settlement = self.name(), operation = %id);
        let operation = claimed.operation.clone();
        let outcome = async {
            let progress = match work {
                Work::Send => self.send(shared, claimed).await,
                Work::Look => self.settle(shared, claimed).await,
            }?;
            if let Err(e) = self.after(shared, &operation, progress.state).await {
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
            return self.rest(shared, &claimed, Event::Supersede { reason }, None, None).await;
        }
        if let Err(reason) = self.possible(&intent, now) {
            return self.rest(shared, &claimed, Event::FoundBlocked { reason }, None, None).await;
        }
        if let Some(until) = intent.closed_until(now) {
            let event = Event::Defer { until, reason: CLOSED_AT_NIGHT.to_owned() };
            return self.rest(shared, &claimed, event, None, None).await;
        }
        let slot = match self.call_slot(shared).await? {
            Ok(slot) => slot,
            Err(not_now) => return self.rest(shared, &claimed, not_now.into(), None, None).await,
        };
        let (looked, look) = match self.look(shared, &claimed, "look", slot).await? {
            Ok(found) => found,
            Err((failed, attempt)) => {
                let step = (claimed.operation.progress.looks as usize).min(LOOK_DELAYS.len() - 1);
                let until = now + LOOK_DELAYS[step];
                let reason = format!("the look before sending failed: {}", failed.fault);
                let event = Event::Defer { until, reason };
                return self.rest(shared, &claimed, event, Some(attempt), None).await;
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
        if before != Before::Send
            && let Some(not_now) = self.lags(shared, &claimed, &look).await?
        {
            return self.rest_seen(shared, &claimed, not_now.into(), look, None).await;
        }
        let seen =
            self.seen(&claimed, &looked, look.started_at, matches!(before, Before::Send | Before::Done));
        match before {
            Before::Send => {}
            Before::Done => return self.rest_seen(shared, &claimed, Event::FoundDone, look, seen).await,
            Before::Blocked(reason) if self.brings_in_step(settlement, &intent, &looked) => {
                return self.rest_seen(shared, &claimed, Event::Supersede { reason }, look, seen).await;
            }
            Before::Blocked(reason) => {
                return self.rest_seen(shared, &claimed, Event::FoundBlocked { reason }, look, seen).await;
            }
        }
        // Whatever is waited for comes before the intent, so that nothing lies between the intent and the first byte.
        let slot = match self.change_slot(shared).await {
            Ok(slot) => slot,
            Err(not_now) => return self.rest_seen(shared, &claimed, not_now.into(), look, seen).await,
        };
        let now = shared.ambient.now();
        let closed = intent.closed_until(now).map(|until| (until, CLOSED_AT_NIGHT));
        let old = (now.since(look.finished_at) > FRESH).then_some((now, "the look before sending is old"));
        if let Some((until, reason)) = closed.or(old) {
            let event = Event::Defer { until, reason: reason.to_owned() };
            return self.rest_seen(shared, &claimed, event, look, seen).await;
        }
        // From before the commit: a machine that is suspended in it must not send once it wakes (decisions.md 8).
        let begun_at = shared.ambient.wall();
        let until = begun_at + self.gateway.deadline() + LEASE_BEYOND;
        let trial = match shared.store.begin_sending(&claimed, &look, seen, &self.guards(), until).await? {
            Begun::Sending { trial } => trial,
            Begun::Withheld(why) => {
                drop(slot);
                let event = self.withheld(shared, why).into();
                return self.rest_seen(shared, &claimed, event, look, seen).await;
            }
        };
        let started_at = shared.ambient.now();
        let gate = Prompt { committed_at: begun_at, ambient: shared.ambient.clone() };
        let sent = self.gateway.send(&self.call(shared, &gate), &intent).await;
        let (mut event, halt, attempt) = outcome_of(sent, started_at, shared.ambient.now());
        let halted = self.halt(shared, intent.kind(), trial, halt, &mut event).await;
        drop(slot);
        // What the gateway said is stored whatever became of the account's row.
        let progress = self.rest(shared, &claimed, event, Some(attempt), None).await;
        halted?;
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
                return self.rest(shared, &claimed, event, None, None).await;
            }
        };
        let (looked, attempt) = match self.look(shared, &claimed, "settle", slot).await? {
            Ok(found) => found,
            Err((failed, attempt)) => {
                let verdict = Verdict::Unclear { reason: format!("the look-up failed: {}", failed.fault) };
                return self.rest(shared, &claimed, Event::Looked(verdict), Some(attempt), None).await;
            }
        };
        let operation = &claimed.operation;
        let registered = registered_slips(&shared.store.done_intents(&claimed.order.id).await?);
        let claimed_done = operation.progress.claimed_done;
        let verdict = self.gateway.judge_further(&operation.intent, &looked, claimed_done, &registered);
        let attempt = NewAttempt { outcome: verdict_word(&verdict).to_owned(), ..attempt };
        let seen = self.seen(&claimed, &looked, attempt.started_at, verdict == Verdict::Done);
        self.rest_seen(shared, &claimed, Event::Looked(verdict), attempt, seen).await
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

    /// What a look-up that was sent at `at` showed of the operation's settlement, to be stored; `None` where it showed none,
    /// or the order was linked to another number since.
    fn seen<'a>(
        &self,
        claimed: &Claimed,
        looked: &'a Looked,
        at: Timestamp,
        verified: bool,
    ) -> Option<Seen<'a>> {
        let number = Some(claimed.operation.intent.reception_number());
        let own = claimed.settlement.reception_number.as_deref() == number;
        Some(Seen {
            observed: looked.observed.as_ref().filter(|_| own && !looked.ambiguous)?,
            verified: verified || claimed.settlement.verified_at.is_some(),
            authorization_days: self.contract.authorization_days,
            at,
        })
    }
}
