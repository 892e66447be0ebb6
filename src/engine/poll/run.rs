//! One pass over a shop, under its lease: stream by stream, page by page.

use std::time::{Duration, Instant};

use super::{BACKFILL, LATE, LEASE, NEW, OPEN, OnPage, Pass, STUCK, Shared, Shop};
use crate::clock::Timestamp;
use crate::engine::alerts::{self, Grave};
use crate::engine::retry;
use crate::http::Fault;
use crate::malls::Stream;
use crate::store::StoreError;
use crate::store::orders::PageResult;
use crate::store::ready::Preparer;
use crate::store::streams::{ShopLease, StreamEnd, StreamRow};
use crate::telemetry::metrics;

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
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.kind(),
            Self::Store(_) => "database",
        }
    }
}

/// How far a stream's run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    /// Caught up.
    ToTheEnd,
    /// Made way for the stream of new orders; goes on in the next pass.
    MadeWay,
    /// The quota is used up until then.
    Waits(Timestamp),
}

/// One pass under way.
pub(super) struct Run<'a> {
    pub(super) shop: &'a Shop,
    pub(super) shared: &'a Shared,
    pub(super) lease: ShopLease,
    pub(super) lease_until: Timestamp,
    pub(super) on_page: OnPage<'a>,
    pub(super) pass: Pass,
    pub(super) preparer: Preparer,
}

impl Run<'_> {
    /// Every due stream, and those that were asked for.
    pub(super) async fn all(&mut self, forced: &[String], force: bool) {
        let mut done: Vec<String> = Vec::new();
        loop {
            let rows = match self.shared.store.streams(Some(&self.shop.name)).await {
                Ok(rows) => rows,
                Err(e) => return self.fail("database", &e.to_string()),
            };
            let now = self.shared.ambient.now();
            let live = self.shop.live_streams();
            let wanted = |row: &StreamRow| {
                let asked = forced.contains(&row.stream) || (force && live.contains(&row.stream.as_str()));
                !row.finished && !done.contains(&row.stream) && (row.due_at <= now || asked)
            };
            let Some(row) = rows.into_iter().filter(wanted).min_by_key(|row| rank(&row.stream)) else {
                return;
            };
            done.push(row.stream.clone());
            if self.shared.stop.is_cancelled() || !self.stream(row).await {
                return;
            }
        }
    }

    pub(super) fn fail(&mut self, kind: &str, message: &str) {
        self.pass.error.get_or_insert_with(|| format!("{kind}: {message}"));
    }

    /// Runs one stream to its end. `false`: the whole shop is out of reach, the other streams would fail alike.
    async fn stream(&mut self, row: StreamRow) -> bool {
        let started_at = self.shared.ambient.now();
        let began = Instant::now();
        let before = self.pass.result;
        let Some(stream) = stream_of(&row.stream) else {
            tracing::warn!(shop = %self.shop.name, stream = %row.stream, "Stream of a newer version was left alone.");
            return true;
        };
        let outcome = match stream {
            Stream::Open => self.open(&row).await,
            _ => self.list(stream, &row).await,
        };
        // A used-up quota is no failure: the stream goes on from where it stands.
        let outcome = match outcome {
            Err(PollError::Fault(Fault::Quota { until })) => Ok(Ran::Waits(until)),
            other => other,
        };
        if stream == Stream::New && matches!(outcome, Ok(Ran::ToTheEnd)) {
            self.again().await;
        }
        metrics::poll(&self.shop.subject(), kind_of(stream), outcome_of(&outcome), began.elapsed());
        let ended_at = self.shared.ambient.now();
        let regular = self.regular(stream, started_at, ended_at);
        let (error, due_at) = match &outcome {
            Ok(Ran::ToTheEnd) => (None, regular),
            Ok(Ran::MadeWay) => (None, ended_at),
            Ok(Ran::Waits(until)) => {
                // Nobody waits for the others: they come round by themselves.
                if matches!(stream, Stream::New | Stream::Backfill { .. }) {
                    let sooner = self.pass.waits_until.map_or(*until, |at| at.min(*until));
                    self.pass.waits_until = Some(sooner);
                }
                (None, *until)
            }
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
            tracing::warn!(shop = %self.shop.name, stream = %row.stream, error.message = %e, "End of a run was not stored.");
        }
        // Told once it is stored, so that who reads the line finds it in `status`.
        let problem = match error.as_deref().filter(|_| !stopped) {
            Some(error) => Some((error, self.grave(&row, error).await)),
            None => None,
        };
        if !matches!(outcome, Ok(Ran::Waits(_))) {
            self.report(&row, &before, started_at, ended_at, due_at, problem);
        } else {
            tracing::debug!(shop = %self.shop.name, stream = %row.stream, next_attempt_at = %due_at, "Pass waited for the quota.");
        }
        if error.is_none()
            && row.failures > 0
            && let Err(e) = alerts::recovered(self.shared, self.shop).await
        {
            // The next round of alerts tells it.
            tracing::warn!(shop = %self.shop.name, error.message = %e, "Notice was not stored.");
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

    /// How grave it is that a stream failed with `error`: a person is told once, not by every try.
    async fn grave(&self, row: &StreamRow, error: &str) -> Grave {
        if row.stream.starts_with(BACKFILL) {
            return if row.failures == 0 { Grave::Warning } else { Grave::Known };
        }
        match alerts::failed(self.shared, &self.shop.name, needs_person(error)).await {
            Ok(grave) => grave,
            Err(e) => {
                tracing::warn!(shop = %self.shop.name, error.message = %e, "Notice was not stored.");
                Grave::Warning
            }
        }
    }

    fn report(
        &self,
        row: &StreamRow,
        before: &PageResult,
        started_at: Timestamp,
        ended_at: Timestamp,
        due_at: Timestamp,
        problem: Option<(&str, Grave)>,
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
            Some((error, grave)) => {
                let (code, message) = error.split_once(": ").unwrap_or(("", error));
                let (shop, mall, stream) = (&self.shop.name, self.shop.mall_word, &row.stream);
                match grave {
                    Grave::Error => tracing::error!(shop, mall, stream, elapsed_ms, error.code = code,
                        error.message = message, next_attempt_at = %due_at, "Pass failed."),
                    Grave::Warning => tracing::warn!(shop, mall, stream, elapsed_ms, error.code = code,
                        error.message = message, next_attempt_at = %due_at, "Pass failed."),
                    Grave::Known => tracing::info!(shop, mall, stream, elapsed_ms, error.code = code,
                        error.message = message, next_attempt_at = %due_at, "Pass failed."),
                }
            }
        }
    }

    /// Lengthens the lease when half of it is gone.
    pub(super) async fn keep_lease(&mut self) -> Result<(), StoreError> {
        let wall = self.shared.ambient.wall();
        if self.lease_until.since(wall) < LEASE / 2 {
            self.shared.store.renew_shop(&self.lease, wall + LEASE).await?;
            self.lease_until = wall + LEASE;
        }
        Ok(())
    }
}

/// Whether a stream's `kind: message` says that credentials or permissions must be mended.
fn needs_person(error: &str) -> bool {
    error.starts_with("auth:")
}

/// The stream as metrics name it.
const fn kind_of(stream: Stream) -> &'static str {
    match stream {
        Stream::New => NEW,
        Stream::Late => LATE,
        Stream::Open => OPEN,
        Stream::Backfill { .. } => "backfill",
    }
}

/// How a run ended, as metrics name it.
const fn outcome_of(outcome: &Result<Ran, PollError>) -> &'static str {
    match outcome {
        Ok(Ran::ToTheEnd) => "ok",
        Ok(Ran::MadeWay) => "made_way",
        Ok(Ran::Waits(_)) => "quota",
        Err(e) => e.kind(),
    }
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

/// The stream of a row; `None` for one of a newer version.
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
