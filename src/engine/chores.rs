//! What the daemon does beside polls and effects: it takes up what commands asked for, settles the leases of workers that
//! are gone, plans by the day, and reads the ends of keys.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::alerts;
use super::idle;
use super::poll::{self, Pass, PassRequest, Shared, Shop};
use super::roster::{Roster, Seat};
use crate::clock::{Busy, Timestamp};
use crate::http::Priority;
use crate::store::{Planning, StoreError};

/// Between two looks at what commands wrote (wall time).
const LOOK: Duration = Duration::from_secs(1);
/// Between two signs of life and two looks at expired leases (wall time).
const BEAT: Duration = Duration::from_secs(5);
/// Between two rounds of planning by the clock alone (ship dates come, authorisations end).
const REPLAN: Duration = Duration::from_secs(3_600);
/// Between two readings of the ends of keys.
const EXPIRIES: Duration = Duration::from_secs(86_400);
/// Orders planned in one transaction.
const REPLAN_PAGE: u64 = 200;

/// A pass over some shops, asked for by a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncOptions {
    /// These shops; empty: all.
    pub shops: Vec<String>,
    /// A backfill from here.
    pub since: Option<Timestamp>,
    /// To here; now when absent.
    pub until: Option<Timestamp>,
    /// Also send the operations that are due.
    pub send: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncSummary {
    /// One a shop.
    pub shops: Vec<ShopPass>,
    /// Operations done (`--send`).
    pub sent: u64,
    /// Operations that failed or wait for a person (`--send`).
    pub failed: u64,
}

/// What came of one shop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopPass {
    /// The shop.
    pub shop: String,
    /// Orders seen for the first time.
    pub new: u64,
    /// Orders changed.
    pub changed: u64,
    /// Orders as before.
    pub unchanged: u64,
    /// Orders set aside.
    pub set_aside: u64,
    /// Pages read.
    pub pages: u64,
    /// `kind: message`.
    pub error: Option<String>,
}

impl ShopPass {
    /// From a pass.
    #[must_use]
    pub fn new(shop: &str, pass: &Pass) -> Self {
        Self {
            shop: shop.to_owned(),
            new: pass.result.new,
            changed: pass.result.changed,
            unchanged: pass.result.unchanged,
            set_aside: pass.result.set_aside,
            pages: pass.pages,
            error: pass
                .busy_elsewhere
                .then(|| "busy: another mallsync polls this shop now".to_owned())
                .or_else(|| pass.error.clone()),
        }
    }

    /// Adds a further pass.
    pub fn add(&mut self, pass: &Pass) {
        let more = Self::new(&self.shop, pass);
        self.new += more.new;
        self.changed += more.changed;
        self.unchanged += more.unchanged;
        self.set_aside += more.set_aside;
        self.pages += more.pages;
        self.error = more.error;
    }
}

/// Runs until `shared.stop`.
pub fn run(shared: Shared, roster: Roster) -> impl Future<Output = ()> + Send {
    let busy = shared.ambient.clock().busy();
    turns(shared, roster, busy)
}

async fn turns(shared: Shared, roster: Roster, mut busy: Busy) {
    let (mut contracts, mut seats) = (shared.contracts.watch(), roster.watch());
    let (mut planned, mut known): (_, Option<Arc<[Seat]>>) = (None, None);
    let mut seen = None;
    let mut passes = JoinSet::new();
    let mut taken: Vec<String> = Vec::new();
    let (mut beat_at, mut replan_at, mut expiries_at, mut alerts_at) = (None, None, None, None);
    while !shared.stop.is_cancelled() {
        shared.beat.works(&shared.ambient);
        while let Some(done) = passes.try_join_next() {
            if let Ok(id) = done {
                taken.retain(|t| *t != id);
            }
        }
        let outcome = async {
            let (now, wall) = (shared.ambient.now(), shared.ambient.wall());
            if due(&mut beat_at, wall, BEAT) {
                shared.store.beat(&shared.owner, wall).await?;
                let operations = shared.store.expire_operations(wall, now).await?;
                if operations > 0 {
                    tracing::warn!(operations, "Operations of a lost worker were taken over.");
                    shared.planned.nudge();
                }
            }
            let generation = *contracts.borrow_and_update();
            if planned != Some(generation) || replan_at.is_none_or(|at| now >= at) {
                replan(&shared).await?;
                let next = now + shared.ambient.clock().round(REPLAN);
                (planned, replan_at) = (Some(generation), Some(next));
                shared.contracts.planned(generation);
                shared.planned.nudge();
            }
            let shops = Arc::clone(&seats.borrow_and_update());
            let daily = due(&mut expiries_at, now, EXPIRIES);
            // A section that was changed has another key, as like as not.
            let changed = |seat: &&Seat| {
                known.as_ref().is_some_and(|known| !known.iter().any(|k| Arc::ptr_eq(&k.shop, &seat.shop)))
            };
            let to_read: Vec<(Arc<Shop>, bool)> = shops
                .iter()
                .filter(|seat| daily || changed(seat))
                .map(|seat| (Arc::clone(&seat.shop), changed(&seat)))
                .collect();
            let polled: Vec<Arc<Shop>> = shops.iter().map(|seat| Arc::clone(&seat.shop)).collect();
            known = Some(shops);
            if !to_read.is_empty() {
                let shared = shared.clone();
                let busy = shared.ambient.clock().busy();
                passes.spawn(async move {
                    let _busy = busy;
                    for (shop, changed) in to_read {
                        read_expiries(&shared, &shop, changed).await;
                    }
                    String::new()
                });
            }
            if due(&mut alerts_at, now, alerts::ROUND) {
                alerts::round(&shared, &polled).await?;
            }
            let version = shared.store.version().await?;
            if seen != Some(version) {
                seen = Some(version);
                shared.planned.nudge();
                for request in shared.store.open_requests().await? {
                    if taken.contains(&request.id) || request.kind != "sync" {
                        continue;
                    }
                    taken.push(request.id.clone());
                    let (shared, roster) = (shared.clone(), roster.clone());
                    let busy = shared.ambient.clock().busy();
                    passes.spawn(async move {
                        let _busy = busy;
                        serve(&shared, &roster, &request.id, request.args).await;
                        request.id
                    });
                }
            }
            Ok::<_, StoreError>(())
        };
        let outcome = outcome.await;
        shared.store.look_for_room();
        shared.vitals.set_database_ok(outcome.is_ok());
        if let Err(e) = outcome {
            tracing::warn!(error.message = %e, "Database did not answer.");
        }
        let next = shared.ambient.now() + shared.ambient.clock().of_wall(LOOK);
        shared.beat.rests(&shared.ambient, Some(next));
        let changed = async {
            // An error says that nobody is left who could change anything.
            let _ = tokio::select! {
                changed = contracts.changed() => changed,
                changed = seats.changed() => changed,
            };
        };
        idle(&shared.ambient, &mut busy, Some(next), changed, &shared.stop).await;
    }
    while passes.join_next().await.is_some() {}
}

/// Whether a chore's time has come; then notes when it comes again.
fn due(at: &mut Option<Timestamp>, now: Timestamp, every: Duration) -> bool {
    if at.is_some_and(|at| now < at) {
        return false;
    }
    *at = Some(now + every);
    true
}

/// Plans every open order anew, a page at a time.
///
/// # Errors
/// The database.
pub async fn replan(shared: &Shared) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        shared.beat.works(&shared.ambient);
        let contracts = shared.contracts.now().await;
        let planning = Planning { contracts: &contracts, now: shared.ambient.now() };
        after = shared.store.replan(&planning, after.as_deref(), REPLAN_PAGE).await?;
        drop(contracts);
        if after.is_none() || shared.stop.is_cancelled() {
            return Ok(());
        }
    }
}

/// Reads the ends of a shop's keys once a day, or at once when its section was `changed`; [`alerts`] tells of those that
/// are near.
pub async fn read_expiries(shared: &Shared, shop: &Shop, changed: bool) {
    let outcome = async {
        let row = shared.store.account(&shop.name).await?;
        let now = shared.ambient.now();
        if !changed && row.expiries_at.is_some_and(|at| now.since(at) < EXPIRIES) {
            return Ok::<_, StoreError>(());
        }
        let call = shop.call(shared, Priority::Live);
        match shop.mall.expiries(&call).await {
            Ok(expiries) => shared.store.put_expiries(&shop.name, &expiries, now).await?,
            Err(fault) => {
                tracing::warn!(shop = %shop.name, error.code = fault.kind(), error.message = %fault,
                    "Ends of keys could not be read.");
            }
        }
        Ok(())
    };
    if let Err(e) = outcome.await {
        tracing::warn!(shop = %shop.name, error.message = %e, "Ends of keys could not be stored.");
    }
}

async fn serve(shared: &Shared, roster: &Roster, id: &str, args: serde_json::Value) {
    let result = match serde_json::from_value::<SyncOptions>(args) {
        Ok(options) => {
            let seats = roster.now();
            let shops = seats.iter().map(|seat| &seat.shop);
            let wanted = shops.filter(|s| options.shops.is_empty() || options.shops.contains(&s.name));
            // Side by side: a shop that is down must not keep the others waiting. Each holds the clock for itself.
            let passes: Vec<_> = wanted
                .map(|shop| {
                    let (busy, options) = (shared.ambient.clock().busy(), &options);
                    async move {
                        let _busy = busy;
                        through_door(shared, shop, roster, options).await
                    }
                })
                .collect();
            let shops = {
                let _rest = shared.ambient.clock().rest();
                futures_util::future::join_all(passes).await
            };
            serde_json::to_value(SyncSummary { shops, ..SyncSummary::default() })
        }
        Err(e) => Ok(serde_json::json!({ "error": format!("the request cannot be read: {e}") })),
    };
    let outcome = match result {
        Ok(result) => shared.store.finish_request(id, &result, shared.ambient.now()).await,
        Err(e) => {
            tracing::warn!(error.message = %e, "Result of a request could not be written.");
            return;
        }
    };
    if let Err(e) = outcome {
        tracing::warn!(error.message = %e, "Result of a request could not be stored.");
    }
}

async fn through_door(shared: &Shared, shop: &Shop, roster: &Roster, options: &SyncOptions) -> ShopPass {
    let mut all = ShopPass { shop: shop.name.clone(), ..ShopPass::default() };
    let streams = match begin(shared, shop, options).await {
        Ok(streams) => streams,
        Err(e) => return ShopPass { error: Some(format!("database: {e}")), ..all },
    };
    let mut live = true;
    loop {
        let (reply, answer) = oneshot::channel();
        let request = PassRequest { streams: streams.clone(), live, reply };
        let Some(door) = roster.door(&shop.name) else {
            return ShopPass {
                error: Some("the shop is not running; see `mallsync status`".to_owned()),
                ..all
            };
        };
        let pass = {
            let _rest = shared.ambient.clock().rest();
            match door.send(request).await {
                Ok(()) => answer.await.ok(),
                Err(_) => None,
            }
        };
        let stopped = |pass: &Pass| pass.error.as_deref().is_some_and(|error| error.starts_with("stopping:"));
        if !shared.stop.is_cancelled()
            && pass.as_ref().is_none_or(stopped)
            && roster.door(&shop.name).is_none_or(|now| !now.same_channel(&door))
        {
            // Its section was changed meanwhile: its successor is asked, if there is one.
            continue;
        }
        let Some(pass) = pass else {
            return ShopPass { error: Some("the daemon is stopping".to_owned()), ..all };
        };
        all.add(&pass);
        if all.error.is_some() || shared.stop.is_cancelled() || finished(shared, shop, &streams).await {
            return all;
        }
        // The live streams were asked for once; from here on they keep to their schedule, and leave the quota.
        live = false;
        if let Some(until) = pass.waits_until {
            let _awake;
            let _rest = shared.ambient.clock().rest();
            tokio::select! {
                awake = shared.ambient.clock().sleep_until(until) => _awake = awake,
                () = shared.stop.cancelled() => {}
            }
        }
    }
}

/// Makes the row of a backfill, or finds the one that was begun before. Returns the streams to force.
///
/// # Errors
/// The database.
pub async fn begin(shared: &Shared, shop: &Shop, options: &SyncOptions) -> Result<Vec<String>, StoreError> {
    let Some(since) = options.since else { return Ok(Vec::new()) };
    let now = shared.ambient.now();
    let prefix = format!("{}{}/", poll::BACKFILL, since.micros());
    let rows = shared.store.streams(Some(&shop.name)).await?;
    if let Some(row) = rows.iter().find(|r| r.stream.starts_with(&prefix) && !r.finished) {
        return Ok(vec![row.stream.clone()]);
    }
    let name = poll::backfill_row(since, options.until.unwrap_or(now));
    shared.store.ensure_streams(&shop.name, &[&name], now).await?;
    Ok(vec![name])
}

/// Whether every backfill among `streams` has been read to its end.
pub async fn finished(shared: &Shared, shop: &Shop, streams: &[String]) -> bool {
    match shared.store.streams(Some(&shop.name)).await {
        Ok(rows) => streams.iter().all(|s| rows.iter().any(|r| r.stream == *s && r.finished)),
        Err(_) => true,
    }
}
