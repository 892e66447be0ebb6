//! Limiter rows (I12): the theoretical arrival time of GCRA per bucket, shared by every process.

use serde::Serialize;

use super::{Result, Store};
use crate::clock::Timestamp;
use crate::domain::account::Bucket;

/// A limiter's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// The bucket's key.
    pub key: String,
    /// Theoretical arrival time.
    pub tat: Timestamp,
}

impl Store {
    /// Takes one call from the bucket at `now`. `Ok(None)`: admitted. `Ok(Some(t))`: not before `t`. The arithmetic is
    /// `engine::limits::gcra`, in one statement. An unknown bucket starts with one call left (decisions.md 18). A row further
    /// ahead than its burst plus any pause (clock set back) is clamped; the caller is told by `clamped`.
    pub async fn take(&self, bucket: &Bucket, now: Timestamp) -> Result<Taken> {
        let _ = (bucket, now);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// No call of this bucket before `until` (429, Retry-After).
    pub async fn pause(&self, bucket: &Bucket, until: Timestamp) -> Result<()> {
        let _ = (bucket, until);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// All rows.
    pub async fn limits(&self) -> Result<Vec<Limit>> {
        Err(super::StoreError::NotFound("skeleton".into()))
    }
}

/// What [`Store::take`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// `None`: admitted; else not before.
    pub wait_until: Option<Timestamp>,
    /// The row was further ahead than it can be: the clock was set back.
    pub clamped: bool,
}
