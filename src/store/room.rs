//! Whether the disk that holds the database still takes what is written. A daemon that meets a full one says so once in the
//! log, and in its lock file, where `status` finds it: into the database it cannot write it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::error::DatabaseError;

use super::{Result, StoreError};
use crate::clock::{Ambient, Timestamp};

/// Length of the note: it lies on the disk before there is need of it, since changing what is there takes no room.
const NOTE: usize = 64;
/// What the note begins with; the moment in microseconds follows.
const FULL: &str = "no room since ";

/// On a full disk some small write may still find a place in a file that is there: only when none has failed for so long,
/// twice the time between two tries, there is room again.
const CALM: Duration = Duration::from_secs(10);

/// What the connections of one store have met.
pub(super) struct Room {
    full: Mutex<Option<Full>>,
    /// The daemon's lock file (SQLite), opened apart from the lock itself.
    note: Option<File>,
    ambient: Ambient,
}

/// A disk that is full.
struct Full {
    since: Timestamp,
    failed_at: Instant,
    /// Something was written since it failed last.
    written: bool,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("since", &self.since()).finish_non_exhaustive()
    }
}

impl Room {
    /// Nothing met yet. `note`: the lock file of a daemon that holds it.
    pub(super) fn new(note: Option<&Path>, ambient: &Ambient) -> Result<Self> {
        let open = |path: &Path| {
            let file = OpenOptions::new().write(true).open(path);
            file.map_err(|e| StoreError::Url(format!("cannot open {}: {e}", path.display())))
        };
        let room =
            Self { full: Mutex::new(None), note: note.map(open).transpose()?, ambient: ambient.clone() };
        room.write("");
        Ok(room)
    }

    fn full(&self) -> MutexGuard<'_, Option<Full>> {
        self.full.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when nothing more can be written.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.full().as_ref().map(|full| full.since)
    }

    /// A write failed.
    pub(super) fn failed(&self, error: &sqlx::Error) {
        if !is_full(error) {
            return;
        }
        let mut full = self.full();
        let failed_at = Instant::now();
        if let Some(full) = full.as_mut() {
            (full.failed_at, full.written) = (failed_at, false);
            return;
        }
        let since = self.ambient.now();
        *full = Some(Full { since, failed_at, written: false });
        tracing::error!(error.message = %error, "Disk of the database was full.");
        self.write(&format!("{FULL}{}", since.micros()));
    }

    /// Something was written.
    pub(super) fn written(&self) {
        if let Some(full) = self.full().as_mut() {
            full.written = true;
        }
    }

    /// Tells once it has room again.
    pub(super) fn look(&self) {
        let again = |full: &mut Full| full.written && full.failed_at.elapsed() >= CALM;
        if let Some(Full { since, .. }) = self.full().take_if(again) {
            let down_seconds = self.ambient.now().since(since).as_secs();
            tracing::info!(down_seconds, "Disk of the database had room again.");
            self.write("");
        }
    }

    /// A few bytes in the place of others: not worth a thread of their own.
    fn write(&self, text: &str) {
        let Some(file) = &self.note else { return };
        if let Err(error) = file.write_all_at(format!("{text:<NOTE$}").as_bytes(), 0) {
            tracing::warn!(error.message = %error, "Lock file could not be written.");
        }
    }
}

/// What a daemon has noted in its lock file.
pub(super) fn noted(lock: &Path) -> Option<Timestamp> {
    let text = std::fs::read_to_string(lock).ok()?;
    text.strip_prefix(FULL)?.trim().parse().ok().map(Timestamp::from_micros)
}

/// Whether the database found no room: SQLite's `SQLITE_FULL`, `SQLITE_IOERR_WRITE` and `SQLITE_IOERR_SHMSIZE`,
/// PostgreSQL's `disk_full`.
pub(super) fn is_full(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    matches!(code.as_deref(), Some("13" | "778" | "4874" | "53100"))
}
