//! Accounts (shops and settlements): stopped by the other side, held by a guard, expiries that were read. Every statement
//! writes the columns of its own subject: whoever holds, stops, probes or reads expiries at the same time loses nothing.

use serde::Serialize;

use super::db::{Conn, Lock, args, locked};
use super::functions::try_all;
use super::people::Deed;
use super::rows::{At, time, to_json};
use super::{Result, Store, StoreError};
use crate::clock::Timestamp;
use crate::domain::account::Expiry;

/// An account's row; one is written only when there is something to say, or when something is sent.
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
    pub expiries: Vec<Expiry>,
    /// When they were read.
    pub expiries_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
pub(super) struct AccountRow {
    name: String,
    pub stopped_code: Option<String>,
    stopped_reason: Option<String>,
    stopped_at: Option<i64>,
    pub probe_at: Option<i64>,
    pub held_reason: Option<String>,
    held_at: Option<i64>,
    expiries: String,
    expiries_at: Option<i64>,
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

    /// A person holds everything of `contract`. `Some`: it was held already, for this reason, which stands.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn hold_contract(
        &self,
        contract: &str,
        reason: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<Option<String>> {
        let mut conn = self.write(Lock::None).await?;
        let standing = lock_account(&mut conn, contract).await?.held_reason;
        if standing.is_none() {
            hold(&mut conn, contract, reason, now).await?;
        }
        self.write_deed(&mut conn, &deed(actor, "settlements.hold", contract, reason, now)).await?;
        conn.commit().await?;
        Ok(standing)
    }

    /// A person lets go what `seen` shows as held, and the functions of the contract that the other side does not allow: one
    /// operation of each is tried now. What was held or stopped since `seen` was read stays so.
    ///
    /// # Errors
    /// See [`StoreError`]; `Refused` where it was held for another reason, or released, meanwhile.
    pub async fn release_contract(&self, seen: &Account, actor: &str, now: Timestamp) -> Result<()> {
        let name = &seen.name;
        let mut conn = self.write(Lock::None).await?;
        let row = lock_account(&mut conn, name).await?;
        if (&row.held_reason, row.held_at) != (&seen.held_reason, seen.held_at.map(Timestamp::micros)) {
            return Err(StoreError::Refused(
                "changed while you read: somebody else decided about it; run it again".to_owned(),
            ));
        }
        conn.execute("UPDATE accounts SET held_reason = NULL, held_at = NULL WHERE name = $1", args![name])
            .await?;
        try_all(&mut conn, name, now).await?;
        let reason = seen.held_reason.as_deref().unwrap_or_default();
        self.write_deed(&mut conn, &deed(actor, "settlements.release", name, reason, now)).await?;
        conn.commit().await
    }

    /// The other side refuses the account: nothing is sent until the probe at `probe_at` finds it well. `false`: it was
    /// stopped already, and that stands.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn stop_account(
        &self,
        name: &str,
        code: &str,
        reason: &str,
        now: Timestamp,
        probe_at: Timestamp,
    ) -> Result<bool> {
        let mut conn = self.write(Lock::None).await?;
        let stopped = conn
            .execute(
                "INSERT INTO accounts (name, stopped_code, stopped_reason, stopped_at, probe_at, expiries)
                 VALUES ($1, $2, $3, $4, $5, '[]')
                 ON CONFLICT (name) DO UPDATE SET stopped_code = excluded.stopped_code,
                     stopped_reason = excluded.stopped_reason, stopped_at = excluded.stopped_at,
                     probe_at = excluded.probe_at
                 WHERE accounts.stopped_code IS NULL",
                args![name, code, reason, now, probe_at],
            )
            .await?
            > 0;
        conn.finish(stopped).await?;
        Ok(stopped)
    }

    /// A probe found the account well: the stop that `seen` shows ends. `false`: it was another one by now, or none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn resume_account(&self, seen: &Account) -> Result<bool> {
        let mut conn = self.write(Lock::None).await?;
        let resumed = conn
            .execute(
                "UPDATE accounts SET stopped_code = NULL, stopped_reason = NULL, stopped_at = NULL, probe_at = NULL
                 WHERE name = $1 AND stopped_code = $2 AND stopped_at = $3",
                args![&seen.name, &seen.stopped_code, seen.stopped_at],
            )
            .await?
            > 0;
        conn.finish(resumed).await?;
        Ok(resumed)
    }

    /// A stopped account is probed again at `probe_at`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn probe_account(&self, name: &str, probe_at: Timestamp) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        let moved = conn
            .execute(
                "UPDATE accounts SET probe_at = $2 WHERE name = $1 AND stopped_code IS NOT NULL",
                args![name, probe_at],
            )
            .await?;
        conn.finish(moved > 0).await
    }

    /// The account's section cannot be used as it stands in the config: stopped under `code` whatever the other side said
    /// before, and probed by nobody.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn break_account(&self, name: &str, code: &str, reason: &str, now: Timestamp) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        let broken = conn
            .execute(
                "INSERT INTO accounts (name, stopped_code, stopped_reason, stopped_at, expiries)
                 VALUES ($1, $2, $3, $4, '[]')
                 ON CONFLICT (name) DO UPDATE SET
                     stopped_at = CASE WHEN accounts.stopped_code = $2 THEN accounts.stopped_at
                         ELSE excluded.stopped_at END,
                     stopped_code = excluded.stopped_code, stopped_reason = excluded.stopped_reason, probe_at = NULL
                 WHERE accounts.stopped_code IS NULL OR accounts.stopped_code <> $2
                     OR accounts.stopped_reason IS NULL OR accounts.stopped_reason <> $3",
                args![name, code, reason, now],
            )
            .await?;
        conn.finish(broken > 0).await
    }

    /// The account's section can be used again: what [`Store::break_account`] said under `code` ends.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn mend_account(&self, name: &str, code: &str) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        let mended = conn
            .execute(
                "UPDATE accounts SET stopped_code = NULL, stopped_reason = NULL, stopped_at = NULL
                 WHERE name = $1 AND stopped_code = $2",
                args![name, code],
            )
            .await?;
        conn.finish(mended > 0).await
    }

    /// All ends of the account's keys, as read at `now`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn put_expiries(&self, name: &str, expiries: &[Expiry], now: Timestamp) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        conn.execute(
            "INSERT INTO accounts (name, expiries, expiries_at) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET expiries = excluded.expiries, expiries_at = excluded.expiries_at",
            args![name, &to_json(expiries)?, now],
        )
        .await?;
        conn.commit().await
    }

    /// The end of one of the account's keys, which was renewed; those of the others stay.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn renew_expiry(&self, name: &str, expiry: &Expiry) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        let row = lock_account(&mut conn, name).await?;
        let mut expiries: Vec<Expiry> = At::new("accounts", "expiries", name).json(&row.expiries)?;
        expiries.retain(|known| known.what != expiry.what);
        expiries.push(expiry.clone());
        conn.execute("UPDATE accounts SET expiries = $2 WHERE name = $1", args![name, &to_json(&expiries)?])
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

/// The account's row, made where there is none, and locked until the transaction ends. Taken after settlements and
/// operations, never before them: whoever wants several waits in one order.
pub(super) async fn lock_account(conn: &mut Conn, name: &str) -> Result<AccountRow> {
    let row = locked!("SELECT * FROM accounts WHERE name = $1");
    if let Some(row) = conn.row(row, args![name]).await? {
        return Ok(row);
    }
    conn.execute(
        "INSERT INTO accounts (name, expiries) VALUES ($1, '[]') ON CONFLICT (name) DO NOTHING",
        args![name],
    )
    .await?;
    let made: Option<AccountRow> = conn.row(row, args![name]).await?;
    made.ok_or_else(|| StoreError::NotFound(format!("there is no account {name}")))
}

/// Holds everything of a contract whose row is locked and shows that it is not held.
pub(super) async fn hold(conn: &mut Conn, name: &str, reason: &str, now: Timestamp) -> Result<()> {
    conn.execute(
        "UPDATE accounts SET held_reason = $2, held_at = $3 WHERE name = $1 AND held_reason IS NULL",
        args![name, reason, now],
    )
    .await?;
    Ok(())
}

fn deed(actor: &str, action: &str, subject: &str, detail: &str, at: Timestamp) -> Deed {
    Deed {
        at,
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: detail.to_owned(),
    }
}
