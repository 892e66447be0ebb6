//! Streams: one row each, with schedule, cursor, lease and fence. Reads of one shop share one poll lease
//! (decisions.md 13), kept on the shop's stream rows, so that a poll that finds nothing writes these rows alone.

use serde::Serialize;

use super::db::{Arg, Conn, Lock, args, listed, locked};
use super::rows::{At, list, time};
use super::{Result, Store, StoreError};
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
    /// The shop is being polled: by the machine's clock, whoever does it has promised to be done or heard of by then.
    pub leased_until: Option<Timestamp>,
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

#[derive(sqlx::FromRow)]
struct StreamColumns {
    shop: String,
    stream: String,
    cursor: Option<String>,
    due_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    succeeded_at: Option<i64>,
    failures: i64,
    error: Option<String>,
    skipped: i64,
    orders: i64,
    pages: i64,
    finished: i64,
    lease_until: Option<i64>,
}

impl TryFrom<StreamColumns> for StreamRow {
    type Error = StoreError;
    fn try_from(row: StreamColumns) -> Result<Self> {
        let id = format!("{}/{}", row.shop, row.stream);
        let cursor = row.cursor.as_deref();
        Ok(Self {
            cursor: cursor.map(|text| At::new("streams", "cursor", &id).json(text)).transpose()?,
            shop: row.shop,
            stream: row.stream,
            due_at: Timestamp::from_micros(row.due_at),
            started_at: time(row.started_at),
            ended_at: time(row.ended_at),
            succeeded_at: time(row.succeeded_at),
            failures: row.failures,
            error: row.error,
            skipped: row.skipped,
            orders: row.orders,
            pages: row.pages,
            finished: row.finished != 0,
            leased_until: time(row.lease_until),
        })
    }
}

#[derive(sqlx::FromRow)]
struct LeaseColumns {
    lease_owner: Option<String>,
    lease_until: Option<i64>,
    fence: i64,
}

/// The lease as the rows of a shop carry it, locked. `None`: the shop has no streams.
async fn lease(conn: &mut Conn, shop: &str) -> Result<Option<LeaseColumns>> {
    let rows: Vec<LeaseColumns> = conn
        .rows(
            locked!("SELECT lease_owner, lease_until, fence FROM streams WHERE shop = $1 ORDER BY stream"),
            args![shop],
        )
        .await?;
    Ok(rows.into_iter().max_by_key(|row| row.fence))
}

impl Store {
    /// Makes sure the shop has these streams, first due at `due_at`; keeps those that exist. Returns all of the shop's.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn ensure_streams(
        &self,
        shop: &str,
        streams: &[&str],
        due_at: Timestamp,
    ) -> Result<Vec<StreamRow>> {
        let there = self.streams(Some(shop)).await?;
        if streams.iter().all(|stream| there.iter().any(|row| row.stream == *stream)) {
            return Ok(there);
        }
        let mut conn = self.write(Lock::None).await?;
        conn.serialize(shop).await?;
        let held = lease(&mut conn, shop).await?;
        // A row that joins a shop under a lease joins the lease.
        let (owner, until, fence) =
            held.map_or((None, None, 0), |held| (held.lease_owner, held.lease_until, held.fence));
        for stream in streams {
            conn.execute(
                "INSERT INTO streams (shop, stream, due_at, lease_owner, lease_until, fence)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (shop, stream) DO NOTHING",
                args![shop, *stream, due_at, &owner, until, fence],
            )
            .await?;
        }
        conn.commit().await?;
        self.streams(Some(shop)).await
    }

    /// Streams of one shop, or all.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn streams(&self, shop: Option<&str>) -> Result<Vec<StreamRow>> {
        let mut conn = self.read().await?;
        let rows: Vec<StreamColumns> = conn
            .rows(
                "SELECT shop, stream, cursor, due_at, started_at, ended_at, succeeded_at, failures, error, skipped,
                     orders, pages, finished, lease_until
                 FROM streams WHERE $1 IS NULL OR shop = $1 ORDER BY shop, stream",
                args![shop],
            )
            .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Takes the shop's poll lease until `until` (wall time) unless somebody else holds it at `now` (wall time). An owner
    /// that could not give its lease back takes it again. The lease stands on the shop's stream rows: without streams
    /// there is none to take.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn claim_shop(
        &self,
        shop: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<ShopLease>> {
        let mut conn = self.write(Lock::None).await?;
        conn.serialize(shop).await?;
        let Some(held) = lease(&mut conn, shop).await? else {
            conn.rollback().await?;
            return Ok(None);
        };
        let elsewhere = held.lease_owner.as_deref().is_some_and(|holder| holder != owner);
        if elsewhere && time(held.lease_until).is_some_and(|until| until > now) {
            conn.rollback().await?;
            return Ok(None);
        }
        let fence = held.fence + 1;
        conn.execute(
            "UPDATE streams SET lease_owner = $2, lease_until = $3, fence = $4 WHERE shop = $1",
            args![shop, owner, until, fence],
        )
        .await?;
        conn.commit().await?;
        Ok(Some(ShopLease { shop: shop.to_owned(), owner: owner.to_owned(), fence }))
    }

    /// Lengthens the lease; `LeaseLost` when it is gone.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn renew_shop(&self, lease: &ShopLease, until: Timestamp) -> Result<()> {
        self.under(
            lease,
            "UPDATE streams SET lease_until = $4 WHERE shop = $1 AND lease_owner = $2 AND fence = $3",
            args![&lease.shop, &lease.owner, lease.fence, until],
        )
        .await
    }

    /// Gives the lease back.
    ///
    /// # Errors
    /// See [`StoreError`]; `LeaseLost` when it was gone already.
    pub async fn release_shop(&self, lease: &ShopLease) -> Result<()> {
        self.under(
            lease,
            "UPDATE streams SET lease_owner = NULL, lease_until = NULL
             WHERE shop = $1 AND lease_owner = $2 AND fence = $3",
            args![&lease.shop, &lease.owner, lease.fence],
        )
        .await
    }

    /// Records the end of a run and the next one's time, under the lease.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn finish_stream(&self, lease: &ShopLease, end: &StreamEnd) -> Result<()> {
        self.under(
            lease,
            "UPDATE streams SET started_at = $5, ended_at = $6, due_at = $7, error = $8,
                 succeeded_at = CASE WHEN $8 IS NULL THEN $6 ELSE succeeded_at END,
                 failures = CASE WHEN $8 IS NULL THEN 0 ELSE failures + 1 END,
                 skipped = skipped + $9, finished = $10
             WHERE shop = $1 AND lease_owner = $2 AND fence = $3 AND stream = $4",
            args![
                &lease.shop,
                &lease.owner,
                lease.fence,
                &end.stream,
                end.started_at,
                end.ended_at,
                end.due_at,
                &end.error,
                end.skipped,
                end.finished,
            ],
        )
        .await
    }

    /// Makes streams due at `at` (a `sync` request); `streams` empty: all of the shop's live ones. One that is due
    /// earlier stays so.
    ///
    /// # Errors
    /// See [`StoreError`]; `NotFound` when the shop has no such stream.
    pub async fn make_due(&self, shop: &str, streams: &[&str], at: Timestamp) -> Result<()> {
        let names = list(streams);
        let mut conn = self.write(Lock::None).await?;
        let written = conn
            .execute(
                listed!(
                    "UPDATE streams SET due_at = CASE WHEN due_at < $3 THEN due_at ELSE $3 END
                     WHERE shop = $2 AND finished = 0
                         AND ($4 = 0 AND stream NOT LIKE 'backfill:%' OR stream ",
                    ")"
                ),
                args![&names, shop, at, !streams.is_empty()],
            )
            .await?;
        if written == 0 {
            return Err(StoreError::NotFound(format!(
                "shop {shop} has no such stream yet: it gets them when the daemon first runs with it"
            )));
        }
        conn.commit().await
    }

    /// Moves a run that is due at `from` to `to`; one that was moved meanwhile stays as it is.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn reschedule(&self, shop: &str, stream: &str, from: Timestamp, to: Timestamp) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        conn.execute(
            "UPDATE streams SET due_at = $4 WHERE shop = $1 AND stream = $2 AND due_at = $3",
            args![shop, stream, from, to],
        )
        .await?;
        conn.commit().await
    }

    async fn under(&self, lease: &ShopLease, sql: &'static str, args: &[Arg<'_>]) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        conn.serialize(&lease.shop).await?;
        if conn.execute(sql, args).await? == 0 {
            return Err(StoreError::LeaseLost);
        }
        conn.commit().await
    }
}
