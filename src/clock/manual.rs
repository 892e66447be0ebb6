//! A clock that stands still until told otherwise, for tests and the demo; and the guards that hold it still.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::{Clock, Timestamp};

/// Work under way; see [`Clock::busy`].
#[derive(Debug, Default)]
#[must_use]
pub struct Busy(pub(super) Option<Arc<ManualState>>);

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
pub struct Rest(pub(super) Option<Arc<ManualState>>);

impl Drop for Rest {
    fn drop(&mut self) {
        if let Some(state) = &self.0 {
            let mut inner = state.lock();
            inner.busy += 1;
            inner.serial += 1;
        }
    }
}

/// A clock that stands still until told otherwise, for tests and the demo.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<ManualState>);

#[derive(Debug)]
pub(super) struct ManualState {
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
