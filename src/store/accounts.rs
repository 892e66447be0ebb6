//! Accounts (shops and settlements): stopped by the other side, held by a guard, expiries that were read.

use serde::Serialize;

use super::{Result, Store};
use crate::clock::Timestamp;

/// An account's row; one is written only when there is something to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Shop or settlement name.
    pub name: String,
    /// Stopped: code of the other side (`Z012000009`, `ES01-01`).
    pub stopped_code: Option<String>,
    /// Why and what to do.
    pub stopped_reason: Option<String>,
    /// Since when.
    pub stopped_at: Option<Timestamp>,
    /// Next probe with the check call (hourly).
    pub probe_at: Option<Timestamp>,
    /// A guard holds everything (`max_per_hour`, `max_yen_per_day`) until a person releases it.
    pub held_reason: Option<String>,
    /// Since when.
    pub held_at: Option<Timestamp>,
    /// Ends of keys as the other side told them: `[{what, at}]`.
    pub expiries: Vec<crate::domain::account::Expiry>,
    /// When they were read.
    pub expiries_at: Option<Timestamp>,
    /// When the mode `live` was first seen for it; a change of mode drops what was planned (decisions.md 5).
    pub live_since: Option<Timestamp>,
}

impl Store {
    /// One account; a default row when nothing is known.
    pub async fn account(&self, name: &str) -> Result<Account> {
        let _ = name;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// All rows.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Writes the row if it differs from what is stored.
    pub async fn put_account(&self, account: &Account) -> Result<()> {
        let _ = account;
        Err(super::StoreError::NotFound("skeleton".into()))
    }
}
