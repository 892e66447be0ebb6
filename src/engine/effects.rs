//! Sends operations and settles unknown ones: one loop per settlement contract, `max_in_flight` at once
//! (architecture.md, "The way of the data"; decisions.md 1, 7–11).
//!
//! ready ─▶ lease + fence ─▶ look ─▶ admission ─▶ `sending` committed ─▶ send ─▶ attempt row and outcome in one
//! transaction under the fence. unknown ─▶ looking ─▶ done | ready | needs a person.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveTime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::guard;
use super::poll::Shared;
use super::{floor, idle};
use crate::clock::schedule::Schedule;
use crate::clock::{Busy, Timestamp};
use crate::domain::account::WayOut;
use crate::domain::operation::{Intent, State};
use crate::domain::planner::{Contract, Mode};
use crate::http::{Call, Client, Gate, Priority};
use crate::settlement::Settlement as Gateway;
use crate::store::StoreError;
use crate::store::operations::{Claim, Claimed, Work};
use crate::telemetry::metrics::{self, Subject};

mod address;
mod after;
mod lag;
mod outcome;
mod rest;
mod slot;
mod stops;
mod work;

/// What a lease lasts beyond the call's deadline (decisions.md 8).
const LEASE_BEYOND: Duration = Duration::from_secs(60);
/// Between two tries to store an outcome (wall time).
const AGAIN: Duration = Duration::from_secs(1);
/// A stopped account is probed so often (decisions.md 11).
const PROBE: Duration = Duration::from_secs(3_600);
/// Operations in hand for each call at once: those beside it do what needs no call, or wait for its turn.
const IN_HAND: usize = 3;
/// What waits for something that no row tells the time of is tried again after this.
const FLOOR: Duration = Duration::from_secs(60);

/// A settlement contract, ready to be used.
pub struct Account {
    /// Its rules; `name` is the account's.
    pub contract: Contract,
    /// The connector.
    pub gateway: Box<dyn Gateway>,
    /// Its HTTP client.
    pub client: Client,
    /// Nothing is sent in it (JST).
    pub window: Option<(NaiveTime, NaiveTime)>,
    /// Calls at once.
    pub max_in_flight: usize,
    /// As many permits: one a call under way, look-ups of reconciliation included (decisions.md 9).
    pub calls: Arc<Semaphore>,
    /// When settlements are reconciled.
    pub schedule: Schedule,
    /// The address that the gateway should see, and where it is registered.
    pub way_out: WayOut,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("name", &self.contract.name).finish_non_exhaustive()
    }
}

/// What a drain of one account did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Operations that became done.
    pub done: u64,
    /// Operations that ended otherwise, or wait for a person.
    pub failed: u64,
}

impl Account {
    pub(super) fn name(&self) -> &str {
        &self.contract.name
    }

    fn subject(&self) -> Subject {
        Subject::settlement(self.name())
    }

    /// Runs the account until `shared.stop`, then waits for what is in flight (the caller bounds that wait).
    pub fn run(self: Arc<Self>, shared: Shared) -> impl Future<Output = ()> + Send {
        // Busy from the call on, not from the first poll: a manual clock must not run away in between.
        let busy = shared.ambient.clock().busy();
        self.turns(shared, busy)
    }

    async fn turns(self: Arc<Self>, shared: Shared, mut busy: Busy) {
        metrics::begin_settlement(&self.subject(), &Intent::KINDS);
        let mut in_flight = JoinSet::new();
        let mut planned = shared.planned.watch();
        let mut watch_at = shared.ambient.now();
        while !shared.stop.is_cancelled() {
            while in_flight.try_join_next().is_some() {}
            shared.beat.works(&shared.ambient);
            let until = match self.turn(&shared, &mut in_flight, &mut watch_at).await {
                Ok(until) => until,
                Err(e) => {
                    tracing::warn!(settlement = self.name(), error.message = %e, "Operations could not be read.");
                    Some(shared.ambient.now() + Duration::from_secs(5))
                }
            };
            let at_latest = floor(&shared.ambient);
            let until = until.map_or(at_latest, |t| t.min(at_latest));
            shared.beat.rests(&shared.ambient, Some(until));
            tokio::select! {
                () = idle(&shared.ambient, &mut busy, Some(until), planned.nudged(), &shared.stop) => {}
                Some(_) = in_flight.join_next() => busy = shared.ambient.clock().busy(),
            }
        }
        while in_flight.join_next().await.is_some() {}
    }

    /// Takes what is due and free; returns when to look again.
    async fn turn(
        self: &Arc<Self>,
        shared: &Shared,
        in_flight: &mut JoinSet<()>,
        watch_at: &mut Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        if self.contract.mode != Mode::Live {
            return Ok(None);
        }
        let now = shared.ambient.now();
        if let Some(end) = guard::window_ends(self.window, now, self.gateway.deadline()) {
            return Ok(Some(end));
        }
        let address = shared.store.source_address(self.name()).await?;
        let watch = *watch_at <= now && address.due_at.is_none_or(|at| at <= now);
        if watch && in_flight.len() <= self.max_in_flight * (IN_HAND - 1) {
            // Not again at once where the row could not be written.
            *watch_at = now + FLOOR;
            self.spawn_watch(shared, in_flight);
        }
        if let Some(until) = self.closed(shared).await? {
            return Ok(Some(until));
        }
        // Several at a time: each claim is a commit. Meanwhile the calls have enough to do.
        if in_flight.len() > self.max_in_flight * (IN_HAND - 1) {
            return Ok(None);
        }
        let free = (self.max_in_flight * IN_HAND).saturating_sub(in_flight.len());
        let claimed = self.claim(shared, None, free).await?;
        let full = claimed.len();
        for (work, claimed) in claimed {
            let (account, shared) = (Arc::clone(self), shared.clone());
            let busy = shared.ambient.clock().busy();
            in_flight.spawn(async move {
                let _busy = busy;
                account.work(&shared, work, claimed).await;
            });
        }
        if full > 0 {
            // Each end of work wakes the loop.
            return Ok(None);
        }
        shared.store.next_operation(self.name()).await
    }

    /// Beside the operations, so that a gateway that is slow to tell keeps none of them waiting.
    fn spawn_watch(self: &Arc<Self>, shared: &Shared, in_flight: &mut JoinSet<()>) {
        let (account, shared) = (Arc::clone(self), shared.clone());
        let busy = shared.ambient.clock().busy();
        in_flight.spawn(async move {
            let _busy = busy;
            if let Err(e) = account.watch_address(&shared).await {
                tracing::warn!(settlement = account.name(), error.message = %e, "Source address was not stored.");
            }
        });
    }

    /// Works off everything that is due now, or what is due of one order, and returns (a `sync --send`).
    ///
    /// # Errors
    /// The database.
    pub async fn drain(
        self: Arc<Self>,
        shared: &Shared,
        order_id: Option<&str>,
    ) -> Result<Drained, StoreError> {
        let mut drained = Drained::default();
        if self.contract.mode != Mode::Live {
            return Ok(drained);
        }
        while !shared.stop.is_cancelled() {
            let busy = shared.ambient.clock().busy();
            if self.closed(shared).await?.is_some() {
                break;
            }
            let claimed = self.claim(shared, order_id, self.max_in_flight).await?;
            drop(busy);
            if claimed.is_empty() {
                break;
            }
            let mut set = JoinSet::new();
            for (work, claimed) in claimed {
                let (account, shared) = (Arc::clone(&self), shared.clone());
                let busy = shared.ambient.clock().busy();
                set.spawn(async move {
                    let _busy = busy;
                    account.work(&shared, work, claimed).await
                });
            }
            while let Some(state) = set.join_next().await {
                match state {
                    Ok(Some(State::Done)) => drained.done += 1,
                    Ok(Some(State::Refused | State::NeedsPerson)) | Err(_) => drained.failed += 1,
                    Ok(_) => {}
                }
            }
        }
        Ok(drained)
    }

    async fn claim(
        &self,
        shared: &Shared,
        order_id: Option<&str>,
        mut free: usize,
    ) -> Result<Vec<(Work, Claimed)>, StoreError> {
        let mut all = Vec::new();
        for work in [Work::Look, Work::Send] {
            if free == 0 {
                break;
            }
            let (now, wall) = (shared.ambient.now(), shared.ambient.wall());
            let until = wall + self.gateway.deadline() + LEASE_BEYOND;
            let claimed = shared
                .store
                .claim_operations(&Claim {
                    account: self.name(),
                    order_id,
                    work,
                    owner: &shared.owner,
                    now,
                    wall,
                    until,
                    limit: free as u64,
                })
                .await?;
            free = free.saturating_sub(claimed.len());
            all.extend(claimed.into_iter().map(|c| (work, c)));
        }
        Ok(all)
    }

    pub(super) fn call<'a>(&'a self, shared: &'a Shared, gate: &'a dyn Gate) -> Call<'a> {
        Call {
            account: self.name(),
            client: &self.client,
            gate,
            priority: Priority::Live,
            vault: &*shared.vault,
            ambient: &shared.ambient,
        }
    }
}
