//! Polls one shop: due streams in order, page by page, each page stored with the cursor that covers it (I1, I2).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::beat::Beat;
use super::contracts::Contracts;
use super::unknown::Unknown;
use super::{Nudge, idle};
use crate::clock::{Ambient, Busy, Timestamp};
use crate::http::{Call, Client, Gate, Priority, Vault};
use crate::malls::{Mall, Scope, Stream};
use crate::store::orders::PageResult;
use crate::store::ready::Preparer;
use crate::store::{Store, StoreError};
use crate::telemetry::Vitals;
use crate::telemetry::metrics::{self, Subject};

mod pages;
mod run;

pub use run::PollError;
use run::Run;

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
    /// Tokens.
    pub vault: Arc<dyn Vault>,
    /// Rules of settlements, for planning within the page's transaction.
    pub contracts: Contracts,
    /// This process, as leases name it.
    pub owner: String,
    /// Send nothing new once it is cancelled.
    pub stop: CancellationToken,
    /// Nudged when something was planned.
    pub planned: Nudge,
    /// Where the loop says that it goes round.
    pub beat: Beat,
    /// Signs of life of the process.
    pub vitals: Arc<Vitals>,
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
    /// The quota was used up: a stream goes on from where it stands at this time.
    pub waits_until: Option<Timestamp>,
    /// Somebody else holds the shop's lease: nothing was done.
    pub busy_elsewhere: bool,
    /// The database took neither the lease nor the end of a run: what was due still is.
    pub stuck: bool,
}

/// Asks a shop's loop for a pass now.
#[derive(Debug)]
pub struct PassRequest {
    /// Streams to run, due or not.
    pub streams: Vec<String>,
    /// Whether the live ones run as well, due or not.
    pub live: bool,
    /// Told when it is done.
    pub reply: oneshot::Sender<Pass>,
}

/// Told of every page, for progress bars.
pub type OnPage<'a> = &'a (dyn Fn(&str, &PageResult, Option<(u64, u64)>) + Send + Sync);

impl Shop {
    /// What the connector is handed for a piece of work.
    #[must_use]
    pub fn call<'a>(&'a self, shared: &'a Shared, priority: Priority) -> Call<'a> {
        Call {
            account: &self.name,
            client: &self.client,
            gate: &*shared.gate,
            priority,
            vault: &*shared.vault,
            ambient: &shared.ambient,
        }
    }

    /// Whom its metrics are about.
    fn subject(&self) -> Subject {
        Subject::shop(&self.name, self.mall_word)
    }

    /// Names of the rows of its live streams.
    #[must_use]
    pub fn live_streams(&self) -> Vec<&'static str> {
        let mut rows: Vec<&'static str> =
            self.mall.streams().iter().filter_map(|(stream, _)| row_name(*stream)).collect();
        if !self.mall.follows().is_empty() {
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
        metrics::begin_shop(&self.subject(), &self.live_streams());
        while let Err(e) = self.prepare(shared).await {
            tracing::warn!(shop = %self.name, error.message = %e, "Schedule could not be made.");
            self.stuck(shared, &mut busy).await;
            if shared.stop.is_cancelled() {
                return;
            }
        }
        while !shared.stop.is_cancelled() {
            shared.beat.works(&shared.ambient);
            let mut asked = Vec::new();
            while let Ok(request) = requests.try_recv() {
                asked.push(request);
            }
            let due = match shared.store.streams(Some(&self.name)).await {
                Ok(rows) => rows.iter().filter(|r| !r.finished).map(|r| r.due_at).min(),
                Err(e) => {
                    tracing::warn!(shop = %self.name, error.message = %e, "Schedule could not be read.");
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
            let live = asked.iter().any(|request| request.live);
            shared.beat.works(&shared.ambient);
            let pass = self.pass(shared, &forced, live, &|_, _, _| shared.beat.works(&shared.ambient)).await;
            for request in asked {
                // The asker may have gone away meanwhile: nobody is left to be told.
                drop(request.reply.send(pass.clone()));
            }
            if pass.busy_elsewhere {
                let later = shared.ambient.now() + Duration::from_secs(15);
                shared.beat.rests(&shared.ambient, Some(later));
                idle(&shared.ambient, &mut busy, Some(later), std::future::pending(), &shared.stop).await;
            } else if pass.stuck {
                self.stuck(shared, &mut busy).await;
            }
        }
    }

    /// Gives the database time; without a wait a run that is still due would begin again at once.
    async fn stuck(&self, shared: &Shared, busy: &mut Busy) {
        let later = shared.ambient.now() + STUCK;
        shared.beat.rests(&shared.ambient, Some(later));
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
        shared.beat.rests(&shared.ambient, due);
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

    /// Takes over from the same shop with another section: runs that wait for its schedule wait for this one's, sooner
    /// or later, and what failed is tried at once.
    ///
    /// # Errors
    /// The database.
    pub async fn succeed(&self, before: &Self, shared: &Shared) -> Result<(), StoreError> {
        let now = shared.ambient.now();
        for row in shared.store.streams(Some(&self.name)).await? {
            let due_at = if row.finished {
                continue;
            } else if row.failures > 0 {
                now
            } else if row.due_at > now && self.keeps_to_schedule(&row.stream) && before.is_tick(row.due_at) {
                (self.next_run)(now).unwrap_or(row.due_at)
            } else {
                continue;
            };
            if due_at != row.due_at {
                shared.store.reschedule(&self.name, &row.stream, row.due_at, due_at).await?;
            }
        }
        Ok(())
    }

    /// Whether the schedule says so of this time.
    fn is_tick(&self, at: Timestamp) -> bool {
        (self.next_run)(at - Duration::from_micros(1)) == Some(at)
    }

    /// Whether a row's runs follow the schedule, not a pace of their own.
    fn keeps_to_schedule(&self, row: &str) -> bool {
        let of_row = self.mall.streams().iter().find(|(stream, _)| row_name(*stream) == Some(row));
        !row.starts_with(BACKFILL) && of_row.is_none_or(|(_, every)| every.is_none())
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
                tracing::warn!(shop = %self.name, error.message = %e, "Lease of a shop could not be taken.");
                return pass;
            }
        };
        let preparer = Preparer::default();
        let mut run = Run { shop: self, shared, lease, lease_until: wall + LEASE, on_page, pass, preparer };
        let around = tracing::debug_span!("pass", shop = %self.name, mall = self.mall_word);
        run.all(forced, force).instrument(around).await;
        let Run { lease, pass, .. } = run;
        if let Err(e) = shared.store.release_shop(&lease).await {
            tracing::warn!(shop = %self.name, error.message = %e, "Lease of a shop could not be given back.");
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
