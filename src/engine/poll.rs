//! Polls one shop: due streams in order, page by page, each page stored with the cursor that covers it (I1, I2).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::open::Position;
use super::unknown::Unknown;
use super::{Nudge, idle, retry};
use crate::clock::{Ambient, Busy, Timestamp};
use crate::domain::ids::OrderRef;
use crate::domain::planner::Contract;
use crate::http::{Call, Client, Fault, Gate};
use crate::malls::{Cursor, Details, Mall, Scope, Stream};
use crate::store::orders::{NewOrder, NewSetAside, PageCommit, PageResult};
use crate::store::streams::{ShopLease, StreamEnd, StreamRow};
use crate::store::{Planning, Store, StoreError};

/// The row of the stream [`Stream::New`].
pub const NEW: &str = "new";
/// The row of the stream [`Stream::Late`].
pub const LATE: &str = "late";
/// The row of the stream [`Stream::Open`].
pub const OPEN: &str = "open";
/// What the rows of backfills begin with: `backfill:SINCE/UNTIL`, both in microseconds.
pub const BACKFILL: &str = "backfill:";

/// A poll lease lasts so long without being renewed: two calls with their deadlines and waits.
const LEASE: Duration = Duration::from_secs(300);
/// While the database does not take what it must.
const STUCK: Duration = Duration::from_secs(5);
/// Orders set aside that are tried again in one pass.
const SET_ASIDE_PER_PASS: u64 = 20;

/// So many single orders unreadable one after the other, and none readable, speak against the service.
const UNREADABLE: usize = 3;

/// When a schedule's next run is, after a given time.
pub type NextRun = Arc<dyn Fn(Timestamp) -> Option<Timestamp> + Send + Sync>;

/// A shop, ready to be polled.
pub struct Shop {
    /// Its name in the config.
    pub name: String,
    /// The mall's word.
    pub mall_word: &'static str,
    /// The connector.
    pub mall: Box<dyn Mall>,
    /// Its HTTP client.
    pub client: Client,
    /// Its schedule.
    pub next_run: NextRun,
    /// What a first pass begins with.
    pub scope: Scope,
    /// Codes never seen before that were warned of.
    pub unknown: Unknown,
}

impl fmt::Debug for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shop")
            .field("name", &self.name)
            .field("mall", &self.mall_word)
            .finish_non_exhaustive()
    }
}

/// What all shops share.
#[derive(Clone)]
pub struct Shared {
    /// The database.
    pub store: Store,
    /// Time and randomness.
    pub ambient: Ambient,
    /// Admission.
    pub gate: Arc<dyn Gate>,
    /// Rules of settlements, for planning within the page's transaction.
    pub contracts: Arc<[Contract]>,
    /// This process, as leases name it.
    pub owner: String,
    /// Send nothing new once it is cancelled.
    pub stop: CancellationToken,
    /// Nudged when something was planned.
    pub planned: Nudge,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// What a pass over a shop did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// Sums of the pages.
    pub result: PageResult,
    /// Pages read.
    pub pages: u64,
    /// `kind: message` of the first stream that failed.
    pub error: Option<String>,
    /// Somebody else holds the shop's lease: nothing was done.
    pub busy_elsewhere: bool,
    /// The database took neither the lease nor the end of a run: what was due still is.
    pub stuck: bool,
}

/// Why a stream's run ended early.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The mall.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PollError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.kind(),
            Self::Store(_) => "database",
        }
    }
}

/// How far a stream's run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ran {
    /// Caught up.
    ToTheEnd,
    /// Made way for the stream of new orders; goes on in the next pass.
    MadeWay,
}

/// Asks a shop's loop for a pass now.
#[derive(Debug)]
pub struct PassRequest {
    /// Streams to run, due or not; empty: the live ones that are due at every tick.
    pub streams: Vec<String>,
    /// Told when it is done.
    pub reply: oneshot::Sender<Pass>,
}

/// Told of every page, for progress bars.
pub type OnPage<'a> = &'a (dyn Fn(&str, &PageResult, Option<(u64, u64)>) + Send + Sync);

impl Shop {
    /// Names of the rows of its live streams.
    #[must_use]
    pub fn live_streams(&self) -> Vec<&'static str> {
        let mut rows: Vec<&'static str> =
            self.mall.streams().iter().filter_map(|(stream, _)| row_name(*stream)).collect();
        if self.mall.rereads() {
            rows.push(OPEN);
        }
        rows
    }

    /// Polls the shop until `shared.stop`: at each due time, and whenever a pass is asked for. A run never overlaps itself:
    /// the loop is the shop's only poller here, the lease keeps other processes away.
    pub fn run<'a>(
        &'a self,
        shared: &'a Shared,
        requests: mpsc::Receiver<PassRequest>,
    ) -> impl Future<Output = ()> + Send + 'a {
        let busy = shared.ambient.clock().busy();
        self.turns(shared, requests, busy)
    }

    async fn turns(&self, shared: &Shared, mut requests: mpsc::Receiver<PassRequest>, mut busy: Busy) {
        while let Err(e) = self.prepare(shared).await {
            tracing::warn!(shop = %self.name, error.message = %e, "The shop's schedule could not be made.");
            self.stuck(shared, &mut busy).await;
            if shared.stop.is_cancelled() {
                return;
            }
        }
        while !shared.stop.is_cancelled() {
            let mut asked = Vec::new();
            while let Ok(request) = requests.try_recv() {
                asked.push(request);
            }
            let due = match shared.store.streams(Some(&self.name)).await {
                Ok(rows) => rows.iter().filter(|r| !r.finished).map(|r| r.due_at).min(),
                Err(e) => {
                    tracing::warn!(shop = %self.name, error.message = %e, "The shop's schedule could not be read.");
                    Some(shared.ambient.now() + Duration::from_secs(5))
                }
            };
            let now = shared.ambient.now();
            if asked.is_empty() && due.is_none_or(|due| due > now) {
                self.wait(shared, &mut busy, due, &mut requests, &mut asked).await;
                if asked.is_empty() {
                    continue;
                }
            }
            let forced: Vec<String> = asked.iter().flat_map(|r| r.streams.iter().cloned()).collect();
            let pass = self.pass(shared, &forced, !asked.is_empty(), &|_, _, _| {}).await;
            for request in asked {
                // The asker may have gone away meanwhile: nobody is left to be told.
                drop(request.reply.send(pass.clone()));
            }
            if pass.busy_elsewhere {
                let later = shared.ambient.now() + Duration::from_secs(15);
                idle(&shared.ambient, &mut busy, Some(later), std::future::pending(), &shared.stop).await;
            } else if pass.stuck {
                self.stuck(shared, &mut busy).await;
            }
        }
    }

    /// Gives the database time; without a wait a run that is still due would begin again at once.
    async fn stuck(&self, shared: &Shared, busy: &mut Busy) {
        let later = shared.ambient.now() + STUCK;
        idle(&shared.ambient, busy, Some(later), std::future::pending(), &shared.stop).await;
    }

    async fn wait(
        &self,
        shared: &Shared,
        busy: &mut Busy,
        due: Option<Timestamp>,
        requests: &mut mpsc::Receiver<PassRequest>,
        asked: &mut Vec<PassRequest>,
    ) {
        let request = tokio::select! {
            biased;
            request = requests.recv() => request,
            () = idle(&shared.ambient, busy, due, std::future::pending(), &shared.stop) => None,
        };
        *busy = shared.ambient.clock().busy();
        asked.extend(request);
    }

    /// Makes the rows of the live streams; brings a row's time forward where the schedule has become denser.
    ///
    /// # Errors
    /// The database.
    pub async fn prepare(&self, shared: &Shared) -> Result<(), StoreError> {
        let now = shared.ambient.now();
        let rows = shared.store.ensure_streams(&self.name, &self.live_streams(), now).await?;
        let next = (self.next_run)(now);
        if let Some(row) = rows.iter().find(|r| r.stream == NEW)
            && row.failures == 0
            && let Some(next) = next
            && next < row.due_at
        {
            shared.store.make_due(&self.name, &[NEW], next).await?;
        }
        Ok(())
    }

    /// One pass under the shop's lease: every due stream, the short one first. `force`: run the live streams (and `forced`
    /// ones) although they are not due.
    pub async fn pass(&self, shared: &Shared, forced: &[String], force: bool, on_page: OnPage<'_>) -> Pass {
        let mut pass = Pass::default();
        let wall = shared.ambient.wall();
        let lease = match shared.store.claim_shop(&self.name, &shared.owner, wall, wall + LEASE).await {
            Ok(Some(lease)) => lease,
            Ok(None) => {
                pass.busy_elsewhere = true;
                return pass;
            }
            Err(e) => {
                pass.error = Some(format!("database: {e}"));
                pass.stuck = true;
                tracing::warn!(shop = %self.name, error.message = %e, "The shop's lease could not be taken.");
                return pass;
            }
        };
        let mut run = Run { shop: self, shared, lease, lease_until: wall + LEASE, on_page, pass };
        run.all(forced, force).await;
        let Run { lease, pass, .. } = run;
        if let Err(e) = shared.store.release_shop(&lease).await {
            tracing::warn!(shop = %self.name, error.message = %e, "The shop's lease could not be given back; it ends by itself.");
        }
        if pass.result.planned > 0 {
            shared.planned.nudge();
        }
        pass
    }
}

/// The row of a live list stream.
fn row_name(stream: Stream) -> Option<&'static str> {
    match stream {
        Stream::New => Some(NEW),
        Stream::Late => Some(LATE),
        Stream::Open => Some(OPEN),
        Stream::Backfill { .. } => None,
    }
}

/// The row of a backfill.
#[must_use]
pub fn backfill_row(since: Timestamp, until: Timestamp) -> String {
    format!("{BACKFILL}{}/{}", since.micros(), until.micros())
}

fn stream_of(row: &str) -> Option<Stream> {
    match row {
        NEW => Some(Stream::New),
        LATE => Some(Stream::Late),
        OPEN => Some(Stream::Open),
        other => {
            let (since, until) = other.strip_prefix(BACKFILL)?.split_once('/')?;
            Some(Stream::Backfill {
                since: Timestamp::from_micros(since.parse().ok()?),
                until: Timestamp::from_micros(until.parse().ok()?),
            })
        }
    }
}

/// One pass under way.
struct Run<'a> {
    shop: &'a Shop,
    shared: &'a Shared,
    lease: ShopLease,
    lease_until: Timestamp,
    on_page: OnPage<'a>,
    pass: Pass,
}

impl Run<'_> {
    async fn all(&mut self, forced: &[String], force: bool) {
        let mut done: Vec<String> = Vec::new();
        loop {
            let rows = match self.shared.store.streams(Some(&self.shop.name)).await {
                Ok(rows) => rows,
                Err(e) => return self.fail("database", &e.to_string()),
            };
            let now = self.shared.ambient.now();
            let told =
                rows.iter().any(|row| row.failures > 0 && row.error.as_deref().is_some_and(needs_person));
            let live = self.shop.live_streams();
            let wanted = |row: &StreamRow| {
                let asked = forced.contains(&row.stream) || (force && live.contains(&row.stream.as_str()));
                !row.finished && !done.contains(&row.stream) && (row.due_at <= now || asked)
            };
            let Some(row) = rows.into_iter().filter(wanted).min_by_key(|row| rank(&row.stream)) else {
                return;
            };
            done.push(row.stream.clone());
            if self.shared.stop.is_cancelled() || !self.stream(row, told).await {
                return;
            }
        }
    }

    fn fail(&mut self, kind: &str, message: &str) {
        self.pass.error.get_or_insert_with(|| format!("{kind}: {message}"));
    }

    /// Runs one stream to its end. `false`: the whole shop is out of reach, the other streams would fail alike. `told`: a
    /// person was told already that this shop needs one.
    async fn stream(&mut self, row: StreamRow, told: bool) -> bool {
        let started_at = self.shared.ambient.now();
        let before = self.pass.result;
        let Some(stream) = stream_of(&row.stream) else {
            tracing::warn!(shop = %self.shop.name, stream = %row.stream, "A stream of a newer version was left alone.");
            return true;
        };
        let outcome = match stream {
            Stream::Open => self.open(&row).await.map(|()| Ran::ToTheEnd),
            _ => self.list(stream, &row).await,
        };
        if stream == Stream::New && outcome.is_ok() {
            self.again().await;
        }
        let ended_at = self.shared.ambient.now();
        let regular = self.regular(stream, started_at, ended_at);
        let (error, due_at) = match &outcome {
            Ok(Ran::ToTheEnd) => (None, regular),
            Ok(Ran::MadeWay) => (None, ended_at),
            Err(PollError::Fault(fault)) => {
                let retry_at = retry::next_try(fault, row.failures + 1, &self.shared.ambient);
                let sooner = matches!(fault, Fault::Transient(_) | Fault::Malformed(_) | Fault::Stopping);
                (
                    Some(format!("{}: {fault}", fault.kind())),
                    if sooner { retry_at.min(regular) } else { retry_at },
                )
            }
            Err(e) => (Some(format!("{}: {e}", e.kind())), ended_at + STUCK),
        };
        let stopped = matches!(outcome, Err(PollError::Fault(Fault::Stopping)));
        let finished = matches!(outcome, Ok(Ran::ToTheEnd)) && matches!(stream, Stream::Backfill { .. });
        let problem = error.as_deref().filter(|_| !stopped).map(|error| (error, told));
        self.report(&row, &before, started_at, ended_at, due_at, problem);
        // A stop leaves the row due: the next start goes on at once.
        let end = StreamEnd {
            stream: row.stream.clone(),
            started_at,
            ended_at,
            due_at: if stopped { started_at } else { due_at },
            error: error.clone().filter(|_| !stopped),
            skipped: self.skipped(stream, started_at, ended_at),
            finished,
        };
        if let Err(e) = self.shared.store.finish_stream(&self.lease, &end).await {
            self.pass.stuck = true;
            tracing::warn!(shop = %self.shop.name, stream = %row.stream, error.message = %e, "The end of a run was not stored.");
        }
        if let Some(error) = error {
            self.pass.error.get_or_insert(error);
        }
        !stopped
            && !matches!(
                outcome,
                Err(PollError::Fault(Fault::Auth { .. } | Fault::Maintenance(_) | Fault::Throttled { .. })
                    | PollError::Store(_))
            )
    }

    /// The next run when all goes well.
    fn regular(&self, stream: Stream, started_at: Timestamp, ended_at: Timestamp) -> Timestamp {
        let every = self.shop.mall.streams().iter().find(|(s, _)| *s == stream).and_then(|(_, every)| *every);
        match (stream, every) {
            (Stream::Backfill { .. }, _) => ended_at,
            (_, Some(every)) => (started_at + every).max(ended_at),
            (_, None) => (self.shop.next_run)(ended_at).unwrap_or(ended_at + Duration::from_secs(86_400)),
        }
    }

    /// Ticks of the schedule that came due while the run was under way.
    fn skipped(&self, stream: Stream, started_at: Timestamp, ended_at: Timestamp) -> i64 {
        if stream != Stream::New {
            return 0;
        }
        let mut ticks = 0;
        let mut at = started_at;
        while let Some(next) = (self.shop.next_run)(at).filter(|next| *next < ended_at && ticks < 1_000) {
            ticks += 1;
            at = next;
        }
        ticks
    }

    fn report(
        &self,
        row: &StreamRow,
        before: &PageResult,
        started_at: Timestamp,
        ended_at: Timestamp,
        due_at: Timestamp,
        problem: Option<(&str, bool)>,
    ) {
        let done = &self.pass.result;
        let elapsed_ms = u64::try_from(ended_at.since(started_at).as_millis()).unwrap_or(u64::MAX);
        match problem {
            None => tracing::info!(
                shop = %self.shop.name,
                mall = self.shop.mall_word,
                stream = %row.stream,
                new = done.new - before.new,
                changed = done.changed - before.changed,
                unchanged = done.unchanged - before.unchanged,
                set_aside = done.set_aside - before.set_aside,
                elapsed_ms,
                "Pass finished."
            ),
            Some((error, told)) => {
                let (code, message) = error.split_once(": ").unwrap_or(("", error));
                // One `error` when a person must act, not one a stream or a try.
                if needs_person(error) && !told {
                    tracing::error!(shop = %self.shop.name, mall = self.shop.mall_word, stream = %row.stream, elapsed_ms,
                        error.code = code, error.message = message, next_attempt_at = %due_at, "Pass failed.");
                } else {
                    tracing::warn!(shop = %self.shop.name, mall = self.shop.mall_word, stream = %row.stream, elapsed_ms,
                        error.code = code, error.message = message, next_attempt_at = %due_at, "Pass failed.");
                }
            }
        }
    }

    /// Lengthens the lease when half of it is gone.
    async fn keep_lease(&mut self) -> Result<(), StoreError> {
        let wall = self.shared.ambient.wall();
        if self.lease_until.since(wall) < LEASE / 2 {
            self.shared.store.renew_shop(&self.lease, wall + LEASE).await?;
            self.lease_until = wall + LEASE;
        }
        Ok(())
    }

    /// A list stream, page by page.
    async fn list(&mut self, stream: Stream, row: &StreamRow) -> Result<Ran, PollError> {
        let mut cursor = row.cursor.clone();
        loop {
            if self.shared.stop.is_cancelled() {
                return Err(Fault::Stopping.into());
            }
            self.keep_lease().await?;
            let from = cursor.clone().map(Cursor);
            let call = call(self.shop, self.shared);
            let page = self.shop.mall.changes(&call, stream, from.as_ref(), &self.shop.scope).await?;
            let next = Some(page.next.0);
            // Details in batches: memory is bounded by one of them. The cursor moves with the last one alone.
            let mut batches = page.refs.chunks(self.shop.mall.details_per_call().max(1)).peekable();
            let mut orders: Vec<NewOrder> = page.orders.into_iter().map(new_order).collect();
            let mut bad: Vec<NewSetAside> = page.bad.into_iter().map(new_set_aside).collect();
            while let Some(refs) = batches.next() {
                self.keep_lease().await?;
                let details = self.details(refs).await?;
                take_details(details, &mut orders, &mut bad, self.shared.ambient.now());
                if batches.peek().is_some() {
                    let (orders, bad) = (std::mem::take(&mut orders), std::mem::take(&mut bad));
                    self.commit(&row.stream, cursor.clone(), cursor.clone(), orders, bad, page.progress)
                        .await?;
                }
            }
            self.commit(&row.stream, cursor, next.clone(), orders, bad, page.progress).await?;
            self.pass.pages += 1;
            cursor = next;
            if !page.more {
                return Ok(Ran::ToTheEnd);
            }
            if matches!(stream, Stream::Backfill { .. } | Stream::Late) && self.new_is_due().await? {
                return Ok(Ran::MadeWay);
            }
        }
    }

    /// Orders of ours that are not closed.
    async fn open(&mut self, row: &StreamRow) -> Result<(), PollError> {
        let per_page = self.shop.mall.details_per_call().max(1);
        let mut position = Position::read(row.cursor.as_ref());
        let mut cursor = row.cursor.clone();
        while let Some(step) = position.next(self.shared.ambient.now()) {
            if self.shared.stop.is_cancelled() {
                return Err(Fault::Stopping.into());
            }
            self.keep_lease().await?;
            let found = self
                .shared
                .store
                .open_orders(
                    &self.shop.name,
                    step.statuses,
                    step.ordered_from,
                    step.ordered_until,
                    step.after.as_ref(),
                    per_page as u64,
                )
                .await?;
            let refs: Vec<OrderRef> = found.iter().map(|o| OrderRef::new(o.mall_order_id.clone())).collect();
            let (mut orders, mut bad) = (Vec::new(), Vec::new());
            if !refs.is_empty() {
                let details = self.details(&refs).await?;
                take_details(details, &mut orders, &mut bad, self.shared.ambient.now());
            }
            let last = (found.len() == per_page)
                .then(|| found.last().map(|o| (o.ordered_at, o.id.clone())))
                .flatten();
            position.advance(&step, last);
            let next = Some(position.write());
            self.commit(&row.stream, cursor, next.clone(), orders, bad, None).await?;
            cursor = next;
        }
        Ok(())
    }

    /// Orders set aside whose next try is due.
    async fn again(&mut self) {
        if !self.shop.mall.rereads() {
            return;
        }
        let now = self.shared.ambient.now();
        let due = self.shared.store.due_set_aside(&self.shop.name, now, SET_ASIDE_PER_PASS).await;
        let refs: Vec<OrderRef> = match due {
            Ok(ids) => ids.into_iter().map(OrderRef::new).collect(),
            Err(e) => return self.fail("database", &e.to_string()),
        };
        for one in refs.chunks(self.shop.mall.details_per_call().max(1)) {
            let outcome = async {
                let (mut orders, mut bad) = (Vec::new(), Vec::new());
                take_details(self.details(one).await?, &mut orders, &mut bad, now);
                let cursor = self.cursor(NEW).await?;
                self.commit(NEW, cursor.clone(), cursor, orders, bad, None).await
            };
            if let Err(e) = outcome.await {
                self.fail(e.kind(), &e.to_string());
            }
        }
    }

    async fn cursor(&self, stream: &str) -> Result<Option<serde_json::Value>, StoreError> {
        let rows = self.shared.store.streams(Some(&self.shop.name)).await?;
        Ok(rows.into_iter().find(|row| row.stream == stream).and_then(|row| row.cursor))
    }

    async fn new_is_due(&self) -> Result<bool, StoreError> {
        let rows = self.shared.store.streams(Some(&self.shop.name)).await?;
        let now = self.shared.ambient.now();
        Ok(rows.iter().any(|row| row.stream == NEW && row.due_at <= now))
    }

    /// Reads orders in full; a batch that cannot be read is halved down to the bad order, which alone is set aside (I4,
    /// decisions.md 17).
    async fn details(&mut self, refs: &[OrderRef]) -> Result<Details, PollError> {
        let mut all = Details::default();
        let mut batches = vec![refs];
        while let Some(batch) = batches.pop() {
            self.keep_lease().await?;
            let call = call(self.shop, self.shared);
            let sent_at = self.shared.ambient.now();
            match self.shop.mall.details(&call, batch).await {
                Ok(details) => {
                    all.orders.extend(details.orders);
                    all.missing.extend(details.missing);
                    all.bad.extend(details.bad);
                }
                Err(Fault::Malformed(reason)) if batch.len() == 1 => {
                    all.bad.push(crate::malls::SetAside {
                        mall_order_id: batch[0].mall_order_id.clone(),
                        raw: Vec::new(),
                        reason: format!("unreadable answer: {reason}"),
                        read_at: sent_at,
                    });
                    // Nothing but unreadable answers is the service's state, not these orders' fault.
                    if all.orders.is_empty() && all.bad.len() >= UNREADABLE && refs.len() > 1 {
                        return Err(Fault::Transient(format!("no answer can be read: {reason}")).into());
                    }
                }
                Err(Fault::Malformed(_)) => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    batches.push(second);
                    batches.push(first);
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(all)
    }

    async fn commit(
        &mut self,
        stream: &str,
        cursor_before: Option<serde_json::Value>,
        cursor_after: Option<serde_json::Value>,
        orders: Vec<NewOrder>,
        bad: Vec<NewSetAside>,
        progress: Option<(u64, u64)>,
    ) -> Result<(), PollError> {
        for order in &bad {
            tracing::warn!(shop = %self.shop.name, mall = self.shop.mall_word, mall_order_id = %order.mall_order_id,
                error.message = %order.reason, "Order set aside.");
        }
        for read in &orders {
            self.shop.unknown.notice(&self.shop.name, self.shop.mall_word, &read.order);
        }
        let commit = PageCommit {
            mall: self.shop.mall_word.to_owned(),
            stream: stream.to_owned(),
            cursor_before,
            cursor_after,
            orders,
            bad,
        };
        let planning = Planning { contracts: &self.shared.contracts, now: self.shared.ambient.now() };
        let result = self.shared.store.commit_page(&self.lease, &commit, &planning).await?;
        let sum = &mut self.pass.result;
        sum.new += result.new;
        sum.changed += result.changed;
        sum.unchanged += result.unchanged;
        sum.set_aside += result.set_aside;
        sum.planned += result.planned;
        (self.on_page)(stream, &result, progress);
        Ok(())
    }
}

/// Whether a stream's `kind: message` says that credentials or permissions must be mended.
fn needs_person(error: &str) -> bool {
    error.starts_with("auth:")
}

/// The short stream first, long ones last.
fn rank(stream: &str) -> u8 {
    match stream {
        NEW => 0,
        OPEN => 1,
        LATE => 2,
        _ => 3,
    }
}

fn call<'a>(shop: &'a Shop, shared: &'a Shared) -> Call<'a> {
    Call { account: &shop.name, client: &shop.client, gate: &*shared.gate, ambient: &shared.ambient }
}

fn take_details(details: Details, orders: &mut Vec<NewOrder>, bad: &mut Vec<NewSetAside>, now: Timestamp) {
    orders.extend(details.orders.into_iter().map(new_order));
    bad.extend(details.bad.into_iter().map(new_set_aside));
    bad.extend(details.missing.into_iter().map(|missing| NewSetAside {
        mall_order_id: missing.mall_order_id,
        raw: Vec::new(),
        reason: "the mall lists the number but does not give the order; asked again".to_owned(),
        read_at: now,
    }));
}

fn new_order(fetched: crate::malls::Fetched) -> NewOrder {
    NewOrder { order: fetched.order, raw: fetched.raw, read_at: fetched.read_at }
}

fn new_set_aside(bad: crate::malls::SetAside) -> NewSetAside {
    NewSetAside { mall_order_id: bad.mall_order_id, raw: bad.raw, reason: bad.reason, read_at: bad.read_at }
}
