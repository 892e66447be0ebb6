//! Streams: one row each, with schedule, cursor, lease and fence. Reads of one shop share one poll lease
//! (decisions.md 13), kept on the shop's stream rows, so that a poll that finds nothing writes these rows alone.

use serde::Serialize;

use super::{Result, Store};
use crate::clock::Timestamp;

/// The right to poll a shop. Every write under it names the fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopLease {
    /// The shop.
    pub shop: String,
    /// Who holds it.
    pub owner: String,
    /// Raised at every claim.
    pub fence: i64,
}

/// A stream's row.
#[derive(Clone, Debug, Serialize)]
pub struct StreamRow {
    /// The shop.
    pub shop: String,
    /// `new`, `late`, `open`, or `backfill:…`.
    pub stream: String,
    /// The connector's cursor.
    pub cursor: Option<serde_json::Value>,
    /// Next run.
    pub due_at: Timestamp,
    /// Start of the last run.
    pub started_at: Option<Timestamp>,
    /// End of the last run.
    pub ended_at: Option<Timestamp>,
    /// End of the last run that went well.
    pub succeeded_at: Option<Timestamp>,
    /// Runs that failed since then.
    pub failures: i64,
    /// `kind: message` of the last fault.
    pub error: Option<String>,
    /// Ticks that came due while a run was under way.
    pub skipped: i64,
    /// Orders and pages so far (backfill), for people.
    pub orders: i64,
    /// Pages so far (backfill).
    pub pages: i64,
    /// Finished for good (backfill).
    pub finished: bool,
}

/// How a run of a stream ended.
#[derive(Clone, Debug)]
pub struct StreamEnd {
    /// The stream.
    pub stream: String,
    /// When the run started.
    pub started_at: Timestamp,
    /// Now.
    pub ended_at: Timestamp,
    /// Next run.
    pub due_at: Timestamp,
    /// `kind: message` when it failed.
    pub error: Option<String>,
    /// Ticks skipped meanwhile.
    pub skipped: i64,
    /// A backfill that has read everything.
    pub finished: bool,
}

impl Store {
    /// Makes sure the shop has these streams, first due at `due_at`; keeps those that exist. Returns all of the shop's.
    pub async fn ensure_streams(
        &self,
        shop: &str,
        streams: &[&str],
        due_at: Timestamp,
    ) -> Result<Vec<StreamRow>> {
        let _ = (shop, streams, due_at);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Streams of one shop, or all.
    pub async fn streams(&self, shop: Option<&str>) -> Result<Vec<StreamRow>> {
        let _ = shop;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Takes the shop's poll lease until `until` (wall time) unless somebody holds it at `now` (wall time).
    pub async fn claim_shop(
        &self,
        shop: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<ShopLease>> {
        let _ = (shop, owner, now, until);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Lengthens the lease; `LeaseLost` when it is gone.
    pub async fn renew_shop(&self, lease: &ShopLease, until: Timestamp) -> Result<()> {
        let _ = (lease, until);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Gives the lease back.
    pub async fn release_shop(&self, lease: &ShopLease) -> Result<()> {
        let _ = lease;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Records the end of a run and the next one's time, under the lease.
    pub async fn finish_stream(&self, lease: &ShopLease, end: &StreamEnd) -> Result<()> {
        let _ = (lease, end);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Makes streams due at `at` (a `sync` request); `streams` empty: all of the shop's live ones.
    pub async fn make_due(&self, shop: &str, streams: &[&str], at: Timestamp) -> Result<()> {
        let _ = (shop, streams, at);
        Err(super::StoreError::NotFound("skeleton".into()))
    }
}
