//! Signs of life of the daemon: what its loops and its supervisor note, and what health checks and metrics read.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;

/// Shared by everything in the process; reading and writing are a few atomic operations.
#[derive(Debug, Default)]
pub struct Vitals {
    ready: AtomicBool,
    database_ok: AtomicBool,
    reloads_applied: AtomicU64,
    reloads_refused: AtomicU64,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    started_at: Option<Timestamp>,
    reload: Option<Reload>,
}

/// What came of a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// When it ended.
    pub at: Timestamp,
    /// Whether the new config is in force; else the one before stays.
    pub applied: bool,
    /// One line for people, in English, without secrets.
    pub outcome: String,
}

impl Vitals {
    /// The daemon began its work at `at`.
    pub fn started(&self, at: Timestamp) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).started_at = Some(at);
    }

    /// When the daemon began its work; `None`: not yet.
    #[must_use]
    pub fn started_at(&self) -> Option<Timestamp> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).started_at
    }

    /// Whether the schedulers run: from the end of the start to the beginning of the stop.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    /// Whether the schedulers run.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Whether the database answered when it was asked last.
    pub fn set_database_ok(&self, ok: bool) {
        self.database_ok.store(ok, Ordering::Release);
    }

    /// Whether the database answered when it was asked last, at most a few seconds ago.
    #[must_use]
    pub fn database_ok(&self) -> bool {
        self.database_ok.load(Ordering::Acquire)
    }

    /// Counts and keeps what came of a reload.
    pub fn reloaded(&self, reload: Reload) {
        let counter = if reload.applied { &self.reloads_applied } else { &self.reloads_refused };
        counter.fetch_add(1, Ordering::Relaxed);
        self.told.lock().unwrap_or_else(PoisonError::into_inner).reload = Some(reload);
    }

    /// Reloads since the start whose config came into force.
    #[must_use]
    pub fn reloads_applied(&self) -> u64 {
        self.reloads_applied.load(Ordering::Relaxed)
    }

    /// Reloads since the start whose config was refused.
    #[must_use]
    pub fn reloads_refused(&self) -> u64 {
        self.reloads_refused.load(Ordering::Relaxed)
    }

    /// What came of the last reload; `None`: none since the start.
    #[must_use]
    pub fn last_reload(&self) -> Option<Reload> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).reload.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reloads_are_counted_by_outcome_and_the_last_one_is_told() {
        let vitals = Vitals::default();
        assert!(vitals.last_reload().is_none());
        let at = Timestamp::from_micros(1);
        vitals.reloaded(Reload { at, applied: true, outcome: "first".to_owned() });
        let refused = Reload { at, applied: false, outcome: "second".to_owned() };
        vitals.reloaded(refused.clone());
        assert_eq!((vitals.reloads_applied(), vitals.reloads_refused()), (1, 1));
        assert_eq!(vitals.last_reload(), Some(refused));
    }
}
