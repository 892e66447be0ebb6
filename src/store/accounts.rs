//! Accounts (shops and settlements): stopped by the other side, held by a guard, expiries that were read.

use serde::Serialize;

use super::db::{Lock, args, locked};
use super::rows::{At, time, to_json};
use super::{Result, Store, StoreError};
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

#[derive(sqlx::FromRow)]
struct AccountRow {
    name: String,
    stopped_code: Option<String>,
    stopped_reason: Option<String>,
    stopped_at: Option<i64>,
    probe_at: Option<i64>,
    held_reason: Option<String>,
    held_at: Option<i64>,
    expiries: String,
    expiries_at: Option<i64>,
    live_since: Option<i64>,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;
    fn try_from(row: AccountRow) -> Result<Self> {
        Ok(Self {
            expiries: At::new("accounts", "expiries", &row.name).json(&row.expiries)?,
            name: row.name,
            stopped_code: row.stopped_code,
            stopped_reason: row.stopped_reason,
            stopped_at: time(row.stopped_at),
            probe_at: time(row.probe_at),
            held_reason: row.held_reason,
            held_at: time(row.held_at),
            expiries_at: time(row.expiries_at),
            live_since: time(row.live_since),
        })
    }
}

impl Store {
    /// One account; a default row when nothing is known.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn account(&self, name: &str) -> Result<Account> {
        let mut conn = self.read().await?;
        let row: Option<AccountRow> = conn.row("SELECT * FROM accounts WHERE name = $1", args![name]).await?;
        row.map_or_else(|| Ok(Account { name: name.to_owned(), ..Account::default() }), TryInto::try_into)
    }

    /// All rows.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        let mut conn = self.read().await?;
        let rows: Vec<AccountRow> = conn.rows("SELECT * FROM accounts ORDER BY name", &[]).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Writes the row if it differs from what is stored.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn put_account(&self, account: &Account) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        let before: Option<AccountRow> =
            conn.row(locked!("SELECT * FROM accounts WHERE name = $1"), args![&account.name]).await?;
        let before = before.map(Account::try_from).transpose()?;
        let silent = Account { name: account.name.clone(), ..Account::default() };
        if before.as_ref().unwrap_or(&silent) == account {
            return conn.rollback().await;
        }
        let expiries = to_json(&account.expiries)?;
        conn.execute(
            "INSERT INTO accounts (name, stopped_code, stopped_reason, stopped_at, probe_at, held_reason, held_at,
                 expiries, expiries_at, live_since)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (name) DO UPDATE SET stopped_code = excluded.stopped_code,
                 stopped_reason = excluded.stopped_reason, stopped_at = excluded.stopped_at,
                 probe_at = excluded.probe_at, held_reason = excluded.held_reason, held_at = excluded.held_at,
                 expiries = excluded.expiries, expiries_at = excluded.expiries_at,
                 live_since = excluded.live_since",
            args![
                &account.name,
                &account.stopped_code,
                &account.stopped_reason,
                account.stopped_at,
                account.probe_at,
                &account.held_reason,
                account.held_at,
                &expiries,
                account.expiries_at,
                account.live_since,
            ],
        )
        .await?;
        conn.commit().await
    }

    /// Brings the probe of every stopped account forward to `now`. Returns how many there are.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn probe_stopped(&self, now: Timestamp) -> Result<u64> {
        let mut conn = self.write(Lock::None).await?;
        let moved = conn
            .execute(
                "UPDATE accounts SET probe_at = $1 WHERE stopped_code IS NOT NULL AND probe_at > $1",
                args![now],
            )
            .await?;
        conn.finish(moved > 0).await?;
        Ok(moved)
    }
}
