//! Time and randomness as arguments: nothing else in the crate reads either (`clippy.toml` forbids it).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::{Add, Sub};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate, SecondsFormat, TimeZone, Utc};
use futures_util::future::BoxFuture;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::sync::Notify;

/// Cron schedules in Japanese time.
pub mod schedule;

/// An instant, truncated to microseconds so that both databases keep it exactly. Serialises as RFC 3339 with whole
/// seconds in Japan Standard Time (interface.md, "A normalised order"); parses any RFC 3339 text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since 1970-01-01T00:00:00Z, as the database keeps it.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Parses RFC 3339 (`2026-11-21T10:00:00+09:00`).
    ///
    /// # Errors
    /// When the text is not RFC 3339.
    pub fn parse(text: &str) -> Result<Self, chrono::ParseError> {
        DateTime::parse_from_rfc3339(text).map(|t| Self(t.timestamp_micros()))
    }

    /// Midnight at the start of `date` in Japan.
    #[must_use]
    pub fn jst_midnight(date: NaiveDate) -> Self {
        let naive = date.and_time(chrono::NaiveTime::MIN);
        Self((naive.and_utc().timestamp_micros()) - 9 * 3_600 * 1_000_000)
    }

    /// The same instant on Japan's clocks (fixed +09:00: there is no daylight saving).
    #[must_use]
    pub fn jst(self) -> DateTime<FixedOffset> {
        jst_offset().from_utc_datetime(&self.utc().naive_utc())
    }

    /// The day on Japan's calendar.
    #[must_use]
    pub fn jst_date(self) -> NaiveDate {
        self.jst().date_naive()
    }

    /// The same instant in UTC.
    #[must_use]
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Time from `earlier` to this; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(t: DateTime<Utc>) -> Self {
        Self(t.timestamp_micros())
    }
}

impl From<DateTime<FixedOffset>> for Timestamp {
    fn from(t: DateTime<FixedOffset>) -> Self {
        Self(t.timestamp_micros())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, d: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.jst().to_rfc3339_opts(SecondsFormat::Secs, false))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.jst().to_rfc3339_opts(SecondsFormat::Micros, false))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "format": "date-time",
            "description": "RFC 3339, whole seconds, +09:00"
        })
    }
}

/// Japan Standard Time.
#[must_use]
pub fn jst_offset() -> FixedOffset {
    const JST: FixedOffset = match FixedOffset::east_opt(9 * 3_600) {
        Some(offset) => offset,
        None => unreachable!(),
    };
    JST
}

/// Tells the time and waits for it.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time that schedules, quotas and windows follow (simulated under `[simulation]`).
    fn now(&self) -> Timestamp;
    /// The time that leases and the pause between intent and sending follow: the machine's own even under
    /// `[simulation]` (decisions.md 29).
    fn wall(&self) -> Timestamp;
    /// What `d` on the machine's clock is on this one.
    fn of_wall(&self, d: Duration) -> Duration {
        d
    }
    /// Ends once `now() >= at`. The guard that comes of it holds a manual clock still until the sleeper, now awake, has
    /// taken up its work.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, Busy>;
    /// Held while work is under way. A manual clock stands still meanwhile; the others ignore it.
    fn busy(&self) -> Busy;
    /// Held by who holds a [`Busy`] while it waits for the clock or for somebody else: takes one [`Busy`] back.
    fn rest(&self) -> Rest;
}

/// Work under way; see [`Clock::busy`].
#[derive(Debug, Default)]
#[must_use]
pub struct Busy(Option<Arc<ManualState>>);

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(state) = &self.0 {
            state.lock().busy -= 1;
            state.changed.notify_waiters();
        }
    }
}

/// A wait within work under way; see [`Clock::rest`].
#[derive(Debug, Default)]
#[must_use]
pub struct Rest(Option<Arc<ManualState>>);

impl Drop for Rest {
    fn drop(&mut self) {
        if let Some(state) = &self.0 {
            let mut inner = state.lock();
            inner.busy += 1;
            inner.serial += 1;
        }
    }
}

/// The machine's clock, or with `simulation` one that runs `speed` times as fast from `start`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock {
    simulation: Option<Simulation>,
}

/// A simulated clock without state, so that it survives `kill -9`: time = start + (wall − epoch) × speed
/// (decisions.md 29).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Simulation {
    /// Simulated time at `epoch`.
    pub start: Timestamp,
    /// Wall time at which the simulation began.
    pub epoch: Timestamp,
    /// Simulated seconds per wall second; at least 1.
    pub speed: u32,
}

impl SystemClock {
    /// The machine's clock, or a simulated one.
    #[must_use]
    pub const fn new(simulation: Option<Simulation>) -> Self {
        Self { simulation }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let wall = self.wall();
        match self.simulation {
            None => wall,
            Some(s) => Timestamp(s.start.0 + (wall.0 - s.epoch.0).saturating_mul(i64::from(s.speed))),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn wall(&self) -> Timestamp {
        Timestamp(Utc::now().timestamp_micros())
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, Busy> {
        let clock = *self;
        Box::pin(async move {
            loop {
                let now = clock.now();
                if now >= at {
                    return Busy(None);
                }
                let speed = clock.simulation.map_or(1, |s| s.speed.max(1));
                // Re-read the clock at least every 30 s: it may be set while we sleep.
                let left = (at.since(now) / speed).clamp(Duration::from_millis(1), Duration::from_secs(30));
                tokio::time::sleep(left).await;
            }
        })
    }

    fn of_wall(&self, d: Duration) -> Duration {
        d * self.simulation.map_or(1, |s| s.speed.max(1))
    }

    fn busy(&self) -> Busy {
        Busy(None)
    }

    fn rest(&self) -> Rest {
        Rest(None)
    }
}

/// A clock that stands still until told otherwise, for tests and the demo.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<ManualState>);

#[derive(Debug)]
struct ManualState {
    inner: Mutex<ManualInner>,
    changed: Notify,
}

#[derive(Debug)]
struct ManualInner {
    now: Timestamp,
    busy: isize,
    /// Sleepers by wake-up time, so that they wake in order.
    sleepers: BTreeMap<(Timestamp, u64), Arc<Notify>>,
    /// Sleepers that were woken and have not taken up their work: the clock is busy for them.
    woken: BTreeSet<(Timestamp, u64)>,
    serial: u64,
}

impl ManualState {
    fn lock(&self) -> MutexGuard<'_, ManualInner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let inner =
            ManualInner { now, busy: 0, sleepers: BTreeMap::new(), woken: BTreeSet::new(), serial: 0 };
        Self(Arc::new(ManualState { inner: Mutex::new(inner), changed: Notify::new() }))
    }

    /// Sets the time and wakes whoever waited for it. Going back is allowed: clocks are set back.
    pub fn set(&self, now: Timestamp) {
        let mut inner = self.0.lock();
        inner.now = now;
        while let Some(entry) = inner.sleepers.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let (key, wake) = entry.remove_entry();
            inner.woken.insert(key);
            inner.busy += 1;
            wake.notify_one();
        }
    }

    /// Moves the time forward by `d`.
    pub fn advance(&self, d: Duration) {
        let now = self.0.lock().now;
        self.set(now + d);
    }

    /// Runs `work` to its end; whenever nobody is busy, jumps to the next sleeper's time.
    pub async fn drive<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            let jump = async {
                self.quiet().await;
                let next = self.0.lock().sleepers.first_key_value().map(|(k, _)| k.0);
                match next {
                    Some(at) => self.set(at.max(self.now())),
                    None => tokio::task::yield_now().await,
                }
            };
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = jump => {}
            }
        }
    }

    /// Lets the program run until `end`: whenever nobody is busy, jumps to the next sleeper's time.
    pub async fn run_until(&self, end: Timestamp) {
        loop {
            self.quiet().await;
            let next = self.0.lock().sleepers.first_key_value().map(|(k, _)| k.0);
            match next {
                Some(at) if at <= end => self.set(at.max(self.now())),
                _ => {
                    self.set(end.max(self.now()));
                    self.quiet().await;
                    return;
                }
            }
        }
    }

    /// Ends when nobody has been busy over a few turns of the scheduler.
    pub async fn quiet(&self) {
        let mut calm = 0;
        while calm < 64 {
            let (busy, serial) = {
                let inner = self.0.lock();
                (inner.busy, inner.serial)
            };
            if busy > 0 {
                calm = 0;
                let changed = self.0.changed.notified();
                if self.0.lock().busy > 0 {
                    changed.await;
                }
                continue;
            }
            tokio::task::yield_now().await;
            calm = if self.0.lock().serial == serial { calm + 1 } else { 0 };
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.lock().now
    }

    fn wall(&self) -> Timestamp {
        self.now()
    }

    /// Half a minute a second: looks that cost nothing on a running machine would fill a simulated day.
    fn of_wall(&self, d: Duration) -> Duration {
        d * 30
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, Busy> {
        let state = Arc::clone(&self.0);
        Box::pin(async move {
            let sleeper = {
                let mut inner = state.lock();
                inner.serial += 1;
                let key = (at, inner.serial);
                if inner.now >= at {
                    inner.busy += 1;
                    drop(inner);
                    return Busy(Some(state));
                }
                let wake = inner.sleepers.entry(key).or_default().clone();
                drop(inner);
                Sleeper { state, wake, key }
            };
            sleeper.wake.notified().await;
            sleeper.awake()
        })
    }

    fn busy(&self) -> Busy {
        let mut inner = self.0.lock();
        inner.busy += 1;
        inner.serial += 1;
        Busy(Some(Arc::clone(&self.0)))
    }

    fn rest(&self) -> Rest {
        self.0.lock().busy -= 1;
        self.0.changed.notify_waiters();
        Rest(Some(Arc::clone(&self.0)))
    }
}

struct Sleeper {
    state: Arc<ManualState>,
    wake: Arc<Notify>,
    key: (Timestamp, u64),
}

impl Sleeper {
    /// Takes over the guard that the clock took for the sleeper when it woke it.
    fn awake(self) -> Busy {
        self.state.lock().woken.remove(&self.key);
        Busy(Some(Arc::clone(&self.state)))
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let mut inner = self.state.lock();
        inner.sleepers.remove(&self.key);
        if inner.woken.remove(&self.key) {
            inner.busy -= 1;
            drop(inner);
            self.state.changed.notify_waiters();
        }
    }
}

/// The clock and the randomness, handed to whatever needs either.
#[derive(Clone)]
pub struct Ambient {
    clock: Arc<dyn Clock>,
    rng: Arc<Mutex<StdRng>>,
}

impl fmt::Debug for Ambient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ambient").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl Ambient {
    /// With randomness from the operating system.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let seed = rand::make_rng::<StdRng>();
        Self { clock, rng: Arc::new(Mutex::new(seed)) }
    }

    /// With randomness that repeats, for tests and the demo.
    #[must_use]
    pub fn seeded(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self { clock, rng: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))) }
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// [`Clock::now`].
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// [`Clock::wall`].
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        self.clock.wall()
    }

    /// A random number.
    #[must_use]
    pub fn random(&self) -> u64 {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).next_u64()
    }

    /// A random part of `d`, from nothing to all of it.
    #[must_use]
    pub fn part_of(&self, d: Duration) -> Duration {
        let micros = u64::try_from(d.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(if micros == 0 { 0 } else { self.random() % micros.saturating_add(1).max(1) })
    }

    /// A new `UUIDv7` as text: sorts by the time it was made.
    #[must_use]
    pub fn id(&self) -> String {
        let millis = u64::try_from(self.now().micros() / 1_000).unwrap_or(0);
        let mut random = [0_u8; 10];
        random[..8].copy_from_slice(&self.random().to_be_bytes());
        random[8..].copy_from_slice(&self.random().to_be_bytes()[..2]);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_show_japanese_time_and_read_any_offset() {
        let t = Timestamp::parse("2026-11-21T01:00:00Z").unwrap();
        assert_eq!(t.to_string(), "2026-11-21T10:00:00+09:00");
        assert_eq!(Timestamp::parse("2026-11-21T10:00:00+09:00").unwrap(), t);
        assert_eq!(Timestamp::jst_midnight(t.jst_date()).to_string(), "2026-11-21T00:00:00+09:00");
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_in_order() {
        let start = Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap();
        let clock = ManualClock::new(start);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for secs in [30_u64, 10, 20] {
            let (clock, seen) = (clock.clone(), Arc::clone(&seen));
            tasks.push(tokio::spawn(async move {
                drop(clock.sleep_until(start + Duration::from_secs(secs)).await);
                seen.lock().unwrap().push(secs);
            }));
        }
        clock.run_until(start + Duration::from_secs(60)).await;
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*seen.lock().unwrap(), [10, 20, 30]);
        assert_eq!(clock.now(), start + Duration::from_secs(60));
    }

    #[test]
    fn ids_are_version_seven_and_differ() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
        let ambient = Ambient::seeded(clock, 1);
        let (a, b) = (ambient.id(), ambient.id());
        assert_ne!(a, b);
        assert_eq!(uuid::Uuid::parse_str(&a).unwrap().get_version_num(), 7);
    }
}
