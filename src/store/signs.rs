//! What `status` and health checks ask: counts that come from indexes alone, however many orders there are.

use chrono::NaiveDate;

use super::db::args;
use super::rows::{At, time, unsigned};
use super::{Result, Store};
use crate::clock::Timestamp;
use crate::domain::operation::State;
use crate::domain::settlement::SettlementState;

/// Operations of one account that are not over and are in the same state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOperations {
    /// The account.
    pub account: String,
    /// [`crate::domain::operation::Intent::kind`].
    pub kind: String,
    /// The state.
    pub state: State,
    /// How many.
    pub operations: u64,
    /// Those of them that were due before the given time.
    pub late: u64,
    /// When the first of them was or will be due.
    pub due_at: Timestamp,
}

/// Settlements of one contract that wait for a person, in the same state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedSettlements {
    /// The contract.
    pub name: String,
    /// The state.
    pub state: SettlementState,
    /// How many.
    pub settlements: u64,
}

/// One of several things that a person must decide, for the line that tells of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Id of the operation or settlement.
    pub id: String,
    /// The order's number at its mall.
    pub mall_order_id: String,
    /// Why.
    pub reason: Option<String>,
    /// Since when, where it is known.
    pub since: Option<Timestamp>,
}

/// Authorisations of one contract that nothing was registered on yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Authorizations {
    /// How many.
    pub open: u64,
    /// Those of them whose last day is the given one or before.
    pub lapsing: u64,
    /// The first of their last days.
    pub next: Option<NaiveDate>,
}

/// Authorisations of one contract that a person is asked to renew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewals {
    /// How many.
    pub authorizations: u64,
    /// Those of them whose last day is the given one or before.
    pub lapsing: u64,
    /// The first of their last days.
    pub first: NaiveDate,
    /// The last of them.
    pub last: NaiveDate,
}

/// Orders that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAsideCount {
    /// The shop.
    pub shop: String,
    /// How many.
    pub orders: u64,
    /// When the first of them was met.
    pub since: Timestamp,
}

impl Store {
    /// Whether the database answers at all.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn ping(&self) -> Result<()> {
        let mut conn = self.read().await?;
        let _: Option<(i64,)> =
            conn.row("SELECT count FROM command_writes WHERE id = $1", args!["all"]).await?;
        Ok(())
    }

    /// Operations that are not over; `late` counts those that were due before `before`.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn open_operations(&self, before: Timestamp) -> Result<Vec<OpenOperations>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String, String, String, i64, i64, i64)> = conn
            .rows(
                "SELECT account, kind, state, count(*), CAST(sum(CASE WHEN run_at < $1 THEN 1 ELSE 0 END) AS BIGINT),
                     min(run_at)
                 FROM operations WHERE state NOT IN ('done', 'refused', 'superseded', 'abandoned')
                 GROUP BY account, kind, state ORDER BY account, kind, state",
                args![before],
            )
            .await?;
        let row =
            |(account, kind, state, operations, late, due_at): (String, String, String, i64, i64, i64)| {
                Ok(OpenOperations {
                    state: At::new("operations", "state", &account).word(&state, State::from_word)?,
                    account,
                    kind,
                    operations: unsigned(operations),
                    late: unsigned(late),
                    due_at: Timestamp::from_micros(due_at),
                })
            };
        rows.into_iter().map(row).collect()
    }

    /// The first operation of `account` that only a person can decide.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn first_for_person(&self, account: &str) -> Result<Option<Example>> {
        let mut conn = self.read().await?;
        // The longer list of states is the index's own condition.
        let row: Option<(String, String, Option<String>, i64)> = conn
            .row(
                "SELECT p.id, o.mall_order_id, p.reason, p.updated_at
                 FROM operations p JOIN orders o ON o.id = p.order_id
                 WHERE p.account = $1 AND p.state = 'needs_person'
                     AND p.state NOT IN ('done', 'refused', 'superseded', 'abandoned')
                 ORDER BY p.run_at, p.id LIMIT 1",
                args![account],
            )
            .await?;
        Ok(row.map(|(id, mall_order_id, reason, since)| Example {
            id,
            mall_order_id,
            reason,
            since: Some(Timestamp::from_micros(since)),
        }))
    }

    /// Settlements that a person must decide one by one; see [`Store::renewals`] for the others.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn asked_settlements(&self) -> Result<Vec<AskedSettlements>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String, String, i64)> = conn
            .rows(
                "SELECT name, state, count(*) FROM settlements
                 WHERE (held IS NOT NULL OR asked IS NOT NULL) AND renew_by IS NULL
                 GROUP BY name, state ORDER BY name, state",
                &[],
            )
            .await?;
        let row = |(name, state, settlements): (String, String, i64)| {
            Ok(AskedSettlements {
                state: At::new("settlements", "state", &name).word(&state, SettlementState::from_word)?,
                name,
                settlements: unsigned(settlements),
            })
        };
        rows.into_iter().map(row).collect()
    }

    /// The first settlement of `name` that a person must decide; `unlinked`: one without a reception number, else one
    /// that has one.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn first_asked(&self, name: &str, unlinked: bool) -> Result<Option<Example>> {
        let mut conn = self.read().await?;
        let row: Option<(String, String, Option<String>)> = conn
            .row(
                "SELECT s.id, o.mall_order_id, COALESCE(s.held, s.asked)
                 FROM settlements s JOIN orders o ON o.id = s.order_id
                 WHERE (s.held IS NOT NULL OR s.asked IS NOT NULL) AND s.renew_by IS NULL AND s.name = $1
                     AND CASE WHEN s.state = 'unlinked' THEN 1 ELSE 0 END = $2
                 ORDER BY s.state, s.id LIMIT 1",
                args![name, unlinked],
            )
            .await?;
        Ok(row.map(|(id, mall_order_id, reason)| Example { id, mall_order_id, reason, since: None }))
    }

    /// The open authorisations of `name`; `lapsing` counts those whose last day is `until` or before.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn authorizations(&self, name: &str, until: NaiveDate) -> Result<Authorizations> {
        let mut conn = self.read().await?;
        let row: Option<(i64, i64, Option<String>)> = conn
            .row(
                "SELECT count(*), CAST(COALESCE(sum(CASE WHEN lapses_on <= $2 THEN 1 ELSE 0 END), 0) AS BIGINT),
                     min(lapses_on)
                 FROM settlements WHERE name = $1 AND state = 'authorized' AND resolved IS NULL",
                args![name, &until.to_string()],
            )
            .await?;
        let Some((open, lapsing, next)) = row else { return Ok(Authorizations::default()) };
        let next = At::new("settlements", "lapses_on", name).day(next.as_deref())?;
        Ok(Authorizations { open: unsigned(open), lapsing: unsigned(lapsing), next })
    }

    /// The authorisations of `name` that a person is asked to renew; `lapsing` counts those whose last day is `until` or
    /// before. `None`: there is none.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn renewals(&self, name: &str, until: NaiveDate) -> Result<Option<Renewals>> {
        let mut conn = self.read().await?;
        let row: Option<(i64, i64, Option<String>, Option<String>)> = conn
            .row(
                "SELECT count(*), CAST(COALESCE(sum(CASE WHEN renew_by <= $2 THEN 1 ELSE 0 END), 0) AS BIGINT),
                     min(renew_by), max(renew_by)
                 FROM settlements WHERE name = $1 AND renew_by IS NOT NULL",
                args![name, &until.to_string()],
            )
            .await?;
        let Some((authorizations, lapsing, first, last)) = row else { return Ok(None) };
        let day = |text: Option<String>| At::new("settlements", "renew_by", name).day(text.as_deref());
        Ok(day(first)?.zip(day(last)?).map(|(first, last)| Renewals {
            authorizations: unsigned(authorizations),
            lapsing: unsigned(lapsing),
            first,
            last,
        }))
    }

    /// Slips that wait for their order or for a person.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn waiting_slips(&self) -> Result<u64> {
        let mut conn = self.read().await?;
        let row: Option<(i64,)> = conn
            .row(
                "SELECT (SELECT count(*) FROM slips WHERE held IS NOT NULL) + (SELECT count(*) FROM slip_rows)",
                &[],
            )
            .await?;
        Ok(row.map_or(0, |(n,)| unsigned(n)))
    }

    /// Orders that could not be read, by shop.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn count_set_aside(&self) -> Result<Vec<SetAsideCount>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String, i64, i64)> = conn
            .rows("SELECT shop, count(*), min(first_at) FROM set_aside GROUP BY shop ORDER BY shop", &[])
            .await?;
        let row = |(shop, orders, since): (String, i64, i64)| SetAsideCount {
            shop,
            orders: unsigned(orders),
            since: Timestamp::from_micros(since),
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// When anything was done last: the end of the last run of any stream.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn last_activity(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.read().await?;
        let row: Option<(Option<i64>,)> = conn.row("SELECT max(ended_at) FROM streams", &[]).await?;
        Ok(time(row.and_then(|(at,)| at)))
    }
}
