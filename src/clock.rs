//! Time and randomness as arguments: nothing else in the crate reads either (`clippy.toml` forbids it).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use futures_util::future::BoxFuture;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

mod manual;
/// Cron schedules in Japanese time.
pub mod schedule;
mod timestamp;

pub use manual::{Busy, ManualClock, Rest};
pub use timestamp::{Timestamp, jst_offset};

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
    /// How far apart rounds are that come every `every` of this clock's time and cost much (planning all that is open,
    /// comparing it): a test whose clock runs through months may go round less often.
    fn round(&self, every: Duration) -> Duration {
        every
    }
    /// Ends once `now() >= at`. The guard that comes of it holds a manual clock still until the sleeper, now awake, has
    /// taken up its work.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, Busy>;
    /// Held while work is under way. A manual clock stands still meanwhile; the others ignore it.
    fn busy(&self) -> Busy;
    /// Held by who holds a [`Busy`] while it waits for the clock or for somebody else: takes one [`Busy`] back.
    fn rest(&self) -> Rest;
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
            Some(s) => {
                let elapsed = wall.micros() - s.epoch.micros();
                Timestamp::from_micros(s.start.micros() + elapsed.saturating_mul(i64::from(s.speed)))
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn wall(&self) -> Timestamp {
        Timestamp::from_micros(Utc::now().timestamp_micros())
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
