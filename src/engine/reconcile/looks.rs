//! One look-up after the other, behind everything that moves money.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::{LEASE_BEYOND, Reconciled};
use crate::clock::Timestamp;
use crate::domain::planner::{Mode, RegisteredBy};
use crate::domain::reconcile::Unseen;
use crate::engine::effects::Account;
use crate::engine::guard;
use crate::engine::poll::Shared;
use crate::http::{Call, Fault, Priority};
use crate::settlement::{Looked, identify};
use crate::store::reconciling::{Look, LookFilter, ToLook};
use crate::store::runs::RunLease;
use crate::store::{Planning, StoreError};

/// Settlements read at a time.
const PAGE: u64 = 50;
/// What was sent may not show for so long (§5.5: two answers five minutes apart).
const UNSETTLED: Duration = Duration::from_secs(300);
/// An operation that is due within this looks by itself.
const SOON: Duration = Duration::from_secs(600);
/// Between two tries of a look-up that failed in passing.
const TRIES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];
/// First looks that failed are tried again after this.
const FIRST_AGAIN: Duration = Duration::from_secs(60);
/// What moves money goes before: looks wait for it so often, and so long each time (machine's time).
const GIVE_WAY: (u32, Duration) = (30, Duration::from_secs(1));
/// So many one after the other that could not be asked for: the gateway is out of reach.
const OUT_OF_REACH: u32 = 3;
/// The lease is lengthened so often (machine's time).
const RENEW: Duration = Duration::from_secs(20);

/// What became of one look-up.
enum Seen {
    /// It was answered.
    Told,
    /// The answer cannot be used; the settlement's row tells it.
    Unusable,
    /// It could not be asked for, time and again: why. That may be this one's matter, or the gateway's.
    Failed(String),
    /// Nothing can be asked now: why.
    Down(String),
    /// The window has begun, or the daemon stops: nothing failed, the rest is looked up later. Why.
    Shut(String),
}

impl Account {
    /// Looks up every open settlement that was not looked up since `began`.
    pub(super) async fn look_at_open(
        &self,
        shared: &Shared,
        lease: &RunLease,
        began: Timestamp,
        reconciled: &mut Reconciled,
    ) -> Result<(), StoreError> {
        let mut after = String::new();
        let mut renewed = shared.ambient.wall();
        let (mut patient, mut in_a_row) = (true, 0);
        loop {
            let page = self.to_look(shared, false, began, None, &after).await?;
            for settlement in &page {
                if shared.stop.is_cancelled() {
                    return Ok(());
                }
                self.renew(shared, lease, &mut renewed, Some(reconciled)).await?;
                let seen = self.look_at(shared, settlement, &TRIES, &mut patient).await?;
                in_a_row = if matches!(seen, Seen::Failed(_)) { in_a_row + 1 } else { 0 };
                match seen {
                    Seen::Told => reconciled.looked += 1,
                    Seen::Unusable => reconciled.failed += 1,
                    // One bad answer never blocks the others (I4): the run goes on, and is gone on with later.
                    Seen::Failed(why) => {
                        reconciled.failed += 1;
                        reconciled.error = Some(why);
                        if in_a_row >= OUT_OF_REACH {
                            return Ok(());
                        }
                    }
                    Seen::Down(why) => {
                        reconciled.failed += 1;
                        reconciled.error = Some(why);
                        return Ok(());
                    }
                    Seen::Shut(why) => {
                        reconciled.error = Some(why);
                        return Ok(());
                    }
                }
            }
            match page.last() {
                Some(last) => after.clone_from(&last.id),
                None => return Ok(()),
            }
        }
    }

    /// Looks up settlements that never were: all of the contract's, or one order's. Returns when to try again those that
    /// could not be.
    ///
    /// # Errors
    /// The database.
    pub async fn first_looks(
        &self,
        shared: &Shared,
        order_id: Option<&str>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut after = String::new();
        let mut renewed = shared.ambient.wall();
        // Of one order a person waits for the answer.
        let (tries, mut patient): (&[Duration], bool) =
            if order_id.is_some() { (&[], false) } else { (&TRIES, true) };
        let (mut lease, mut in_a_row, mut again) = (None, 0, None);
        loop {
            let page = self.to_look(shared, true, shared.ambient.now(), order_id, &after).await?;
            if page.is_empty() {
                break;
            }
            if lease.is_none() {
                self.reconciliation(shared).await?;
                lease = self.claim_run(shared).await?;
            }
            let Some(held) = &lease else {
                return Ok(Some(shared.ambient.now() + FIRST_AGAIN));
            };
            for settlement in &page {
                if shared.stop.is_cancelled() {
                    break;
                }
                self.renew(shared, held, &mut renewed, None).await?;
                let seen = self.look_at(shared, settlement, tries, &mut patient).await?;
                in_a_row = if matches!(seen, Seen::Failed(_)) { in_a_row + 1 } else { 0 };
                if matches!(seen, Seen::Down(_) | Seen::Shut(_)) || in_a_row >= OUT_OF_REACH {
                    shared.store.release_reconciliation(held).await?;
                    return Ok(Some(shared.ambient.now() + FIRST_AGAIN));
                }
                if matches!(seen, Seen::Failed(_)) {
                    again = Some(shared.ambient.now() + FIRST_AGAIN);
                    continue;
                }
                self.tell_of(shared, &[settlement.id.as_str()]).await?;
            }
            let Some(last) = page.last().filter(|_| !shared.stop.is_cancelled()) else { break };
            after.clone_from(&last.id);
        }
        if let Some(lease) = lease {
            shared.store.release_reconciliation(&lease).await?;
        }
        Ok(again)
    }

    /// Lengthens the lease now and then, and notes how far the run is. First looks are no `run`: the counts of the last one
    /// stay.
    async fn renew(
        &self,
        shared: &Shared,
        lease: &RunLease,
        renewed: &mut Timestamp,
        run: Option<&Reconciled>,
    ) -> Result<(), StoreError> {
        let wall = shared.ambient.wall();
        if wall.since(*renewed) < RENEW {
            return Ok(());
        }
        *renewed = wall;
        let until = wall + self.gateway.deadline() + LEASE_BEYOND;
        match run {
            Some(run) => shared.store.renew_reconciliation(lease, until, run.looked, run.failed).await,
            None => shared.store.lengthen_reconciliation(lease, until).await,
        }
    }

    async fn to_look(
        &self,
        shared: &Shared,
        first: bool,
        before: Timestamp,
        order_id: Option<&str>,
        after: &str,
    ) -> Result<Vec<ToLook>, StoreError> {
        shared.beat.works(&shared.ambient);
        let now = shared.ambient.now();
        let filter = LookFilter {
            first,
            before,
            due_by: now + SOON,
            sent_after: now - UNSETTLED,
            order_id,
            after,
            limit: PAGE,
        };
        shared.store.settlements_to_look(&self.contract, &filter).await
    }

    /// Looks one settlement up, stores what is shown, and plans its order anew; `tries`: after how long it is asked for again
    /// where that failed in passing.
    async fn look_at(
        &self,
        shared: &Shared,
        settlement: &ToLook,
        tries: &[Duration],
        patient: &mut bool,
    ) -> Result<Seen, StoreError> {
        let (once, mut tries) = (tries.is_empty(), tries.iter());
        loop {
            if *patient {
                *patient = self.give_way(shared).await?;
            }
            let deadline = self.gateway.deadline();
            if let Some(end) = guard::window_ends(self.window, shared.ambient.now(), deadline) {
                return Ok(Seen::Shut(format!("maintenance window until {}", end.jst().format("%H:%M"))));
            }
            let looked = {
                let Some(_slot) = self.slot(shared).await else {
                    return Ok(Seen::Shut("stopping".to_owned()));
                };
                if let Some(end) = guard::window_ends(self.window, shared.ambient.now(), deadline) {
                    return Ok(Seen::Shut(format!("maintenance window until {}", end.jst().format("%H:%M"))));
                }
                let sent_at = shared.ambient.now();
                let call = Call { priority: Priority::Spare, ..self.call(shared, &*shared.gate) };
                let looked = self.gateway.look_up(&call, &settlement.reception_number).await;
                (looked, sent_at)
            };
            self.freed(shared);
            let failed = match looked {
                (Ok(looked), sent_at) => {
                    self.keep_look(shared, settlement, &looked, sent_at).await?;
                    return Ok(Seen::Told);
                }
                (Err(failed), sent_at) => {
                    if let Some(stop) = &failed.stop {
                        self.stop(shared, stop).await?;
                        return Ok(Seen::Down(format!(
                            "stopped by the gateway ({}): {}",
                            stop.code, stop.reason
                        )));
                    }
                    // One that was cut off on its way is whole the next time.
                    let for_good = match &failed.fault {
                        Fault::Rejected { .. } => true,
                        Fault::Malformed(_) => !once && tries.as_slice().is_empty(),
                        _ => false,
                    };
                    if for_good {
                        tracing::warn!(settlement = self.name(), error.code = failed.fault.kind(),
                            error.message = %failed.fault, "Settlement could not be looked up.");
                        self.store_look(shared, settlement, Look::Unseen(Unseen::Unreadable), sent_at)
                            .await?;
                        return Ok(Seen::Unusable);
                    }
                    failed.fault
                }
            };
            let now = shared.ambient.now();
            let until = match failed {
                Fault::Stopping => return Ok(Seen::Shut("stopping".to_owned())),
                // Our own limiter: nothing is wrong.
                Fault::Quota { until } => until,
                fault => match tries.next() {
                    Some(wait) => {
                        let told = if let Fault::Throttled { until } = &fault { *until } else { None };
                        told.unwrap_or(now + *wait)
                    }
                    None => return Ok(Seen::Failed(format!("the gateway could not be asked: {fault}"))),
                },
            };
            self.pause(shared, until.min(now + TRIES[1] * 2)).await;
            if shared.stop.is_cancelled() {
                return Ok(Seen::Shut("stopping".to_owned()));
            }
        }
    }

    async fn keep_look(
        &self,
        shared: &Shared,
        settlement: &ToLook,
        looked: &Looked,
        sent_at: Timestamp,
    ) -> Result<(), StoreError> {
        let look = match &looked.observed {
            _ if looked.ambiguous => Look::Unseen(Unseen::Ambiguous),
            None => Look::Unseen(Unseen::Absent),
            Some(observed) => {
                // B2クラウド may have registered the slip before we ever looked.
                let elsewhere = self.contract.registered_by == RegisteredBy::B2cloud;
                let verified = settlement
                    .due
                    .is_some_and(|due| identify(observed, due, settlement.ordered_at, elsewhere).is_ok());
                Look::Shown { observed, verified }
            }
        };
        self.store_look(shared, settlement, look, sent_at).await
    }

    async fn store_look(
        &self,
        shared: &Shared,
        settlement: &ToLook,
        look: Look<'_>,
        sent_at: Timestamp,
    ) -> Result<(), StoreError> {
        let days = self.contract.authorization_days;
        if !shared.store.store_look(settlement, look, days, sent_at).await? {
            return Ok(());
        }
        let contracts = shared.contracts.now().await;
        let planning = Planning { contracts: &contracts, now: shared.ambient.now() };
        if shared.store.plan_order(&settlement.order_id, &planning).await? > 0 {
            shared.planned.nudge();
        }
        Ok(())
    }

    /// Waits while something is due that moves money, within bounds: reconciliation must not starve either. `false`: it
    /// stayed due all the time, nobody sends it now.
    async fn give_way(&self, shared: &Shared) -> Result<bool, StoreError> {
        if self.contract.mode != Mode::Live {
            return Ok(true);
        }
        for _ in 0..GIVE_WAY.0 {
            let now = shared.ambient.now();
            let due = shared.store.next_operation(self.name()).await?.is_some_and(|at| at <= now);
            if !due || shared.stop.is_cancelled() {
                return Ok(true);
            }
            self.pause(shared, now + shared.ambient.clock().of_wall(GIVE_WAY.1)).await;
        }
        Ok(false)
    }

    /// One of the contract's calls at once (`max_in_flight`); where there are several, one stays free for what moves
    /// money. `None`: the daemon stops.
    async fn slot(&self, shared: &Shared) -> Option<OwnedSemaphorePermit> {
        let spare = usize::from(self.max_in_flight > 1);
        while !shared.stop.is_cancelled() {
            if self.calls.available_permits() > spare
                && let Ok(slot) = Arc::clone(&self.calls).try_acquire_owned()
            {
                return Some(slot);
            }
            let again = shared.ambient.now() + shared.ambient.clock().of_wall(GIVE_WAY.1);
            self.pause(shared, again).await;
        }
        None
    }

    /// Where the look had the only slot, what waits for it is woken.
    fn freed(&self, shared: &Shared) {
        if self.max_in_flight == 1 {
            shared.planned.nudge();
        }
    }

    async fn pause(&self, shared: &Shared, until: Timestamp) {
        shared.beat.rests(&shared.ambient, Some(until));
        // Declared first, dropped last: the work is taken up again before the wake-up's guard is let go.
        let _awake;
        let _rest = shared.ambient.clock().rest();
        tokio::select! {
            awake = shared.ambient.clock().sleep_until(until) => _awake = awake,
            () = shared.stop.cancelled() => {}
        }
    }
}
