//! Who did what, and requests from commands to the running daemon.

use serde::Serialize;

use super::{Result, Store};
use crate::clock::Timestamp;

/// One line of the journal of people's decisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// The operating system's user.
    pub actor: String,
    /// `slips.add`, `settlements.link`, `operations.abandon`, …
    pub action: String,
    /// What it was done to: an id.
    pub subject: String,
    /// Facts, without personal data.
    pub detail: String,
}

/// Something a command asks the daemon to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestRow {
    /// `UUIDv7`.
    pub id: String,
    /// `sync`, …
    pub kind: String,
    /// Its arguments.
    pub args: serde_json::Value,
    /// Who asked.
    pub actor: String,
    /// When.
    pub created_at: Timestamp,
    /// When a daemon finished it.
    pub finished_at: Option<Timestamp>,
    /// What came of it.
    pub result: Option<serde_json::Value>,
}

impl Store {
    /// Deeds, newest first.
    pub async fn deeds(&self, limit: u64) -> Result<Vec<Deed>> {
        let _ = limit;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Records a deed that has no row of its own elsewhere.
    pub async fn record_deed(&self, deed: &Deed) -> Result<()> {
        let _ = deed;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Asks the daemon; returns the request's id.
    pub async fn ask(
        &self,
        kind: &str,
        args: &serde_json::Value,
        actor: &str,
        now: Timestamp,
    ) -> Result<String> {
        let _ = (kind, args, actor, now);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Requests that no daemon has finished.
    pub async fn open_requests(&self) -> Result<Vec<RequestRow>> {
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// One request.
    pub async fn request(&self, id: &str) -> Result<Option<RequestRow>> {
        let _ = id;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Answers a request.
    pub async fn finish_request(&self, id: &str, result: &serde_json::Value, now: Timestamp) -> Result<()> {
        let _ = (id, result, now);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// A daemon says that it lives: `owner`, at `wall`. `false` from [`Store::daemon_alive`] after 30 s of silence.
    pub async fn beat(&self, owner: &str, wall: Timestamp) -> Result<()> {
        let _ = (owner, wall);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Whether a daemon lives: on SQLite whether the lock is held, on PostgreSQL whether one has beaten lately.
    pub async fn daemon_alive(&self, wall: Timestamp) -> Result<bool> {
        let _ = wall;
        Err(super::StoreError::NotFound("skeleton".into()))
    }
}
