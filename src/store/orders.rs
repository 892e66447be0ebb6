//! Orders, their versions with raw payloads, and orders set aside.

use std::collections::HashMap;
use std::time::Duration;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::db::{Conn, args, listed};
use super::ready::NewOrder;
use super::rows::{self, At, LAST_ID, fold, list};
use super::settlements::records_of;
use super::slips::slips_of;
use super::{Result, Store};
use crate::clock::Timestamp;
use crate::domain::ids::OrderRef;
use crate::domain::order::{Change, Order, Status};
use crate::domain::settlement::SettlementState;
use crate::domain::slip::Slip;

/// Malls show times of change in whole seconds, by clocks of their own: two changes so close may look like one.
const HIDING: Duration = Duration::from_secs(10);
/// An order that was read within [`HIDING`] of its change is read again for so long after it.
const DOUBTFUL: Duration = Duration::from_secs(900);

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// An order that could not be read.
#[derive(Clone, Debug)]
pub struct NewSetAside {
    /// The mall's number, or a stand-in.
    pub mall_order_id: String,
    /// As received.
    pub raw: Vec<u8>,
    /// What is wrong with it.
    pub reason: String,
    /// When the request was sent.
    pub read_at: Timestamp,
}

/// One page of a stream, stored in one transaction with the cursor that covers it (I2).
#[derive(Debug)]
pub struct PageCommit {
    /// The mall's word (`rakuten`).
    pub mall: String,
    /// The stream's row.
    pub stream: String,
    /// The cursor this page was read from: the transaction fails with `LeaseLost` when the row holds another.
    pub cursor_before: Option<serde_json::Value>,
    /// The cursor after this page.
    pub cursor_after: Option<serde_json::Value>,
    /// What was read.
    pub orders: Vec<NewOrder>,
    /// What could not be read.
    pub bad: Vec<NewSetAside>,
}

/// What a page changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageResult {
    /// Orders seen for the first time.
    pub new: u64,
    /// Orders with a new version.
    pub changed: u64,
    /// Orders that were as before: nothing was written for them (I3).
    pub unchanged: u64,
    /// Orders set aside.
    pub set_aside: u64,
    /// Operations planned.
    pub planned: u64,
}

/// The settlement as an order shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettlementView {
    /// Name in the config.
    pub name: String,
    /// 受付番号.
    pub reception_number: Option<String>,
    /// Where it stands.
    pub state: SettlementState,
    /// The last day of the authorisation.
    pub lapses_on: Option<NaiveDate>,
    /// Why a person is needed.
    pub held: Option<String>,
}

/// A normalised order with what is ours: the JSON of interface.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderView {
    /// `UUIDv7`.
    pub id: String,
    /// The shop's name in the config.
    pub shop: String,
    /// The mall's word.
    pub mall: String,
    /// What the mall shows. Its `source_columns` and `reception_number` are left out here.
    #[serde(flatten)]
    pub order: Order,
    /// When we saw it first.
    pub first_seen_at: Timestamp,
    /// When its last version was read.
    pub changed_at: Timestamp,
    /// Our slips.
    pub slips: Vec<Slip>,
    /// Its card settlement, where a contract's rule matches.
    pub settlement: Option<SettlementView>,
}

/// Which time a filter speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// `ordered_at`.
    #[default]
    Ordered,
    /// `changed_at`.
    Changed,
    /// The day of the first shipment at the mall.
    Shipped,
}

/// Which orders to list.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// One shop.
    pub shop: Option<String>,
    /// One status.
    pub status: Option<Status>,
    /// From here, inclusive.
    pub since: Option<Timestamp>,
    /// To here, exclusive.
    pub until: Option<Timestamp>,
    /// Which time `since` and `until` speak of and the list is sorted by, newest first.
    pub by: By,
    /// At most so many.
    pub limit: Option<u64>,
    /// After this row: (the sort time, id) of the last row of the page before.
    pub after: Option<(Timestamp, String)>,
}

/// One version of an order.
#[derive(Clone, Debug, Serialize)]
pub struct Version {
    /// 1, 2, …
    pub number: i64,
    /// When it was read.
    pub read_at: Timestamp,
    /// What changed against the version before; empty for the first.
    pub changes: Vec<Change>,
    /// The raw payload, uncompressed; `None` after retention.
    #[serde(skip)]
    pub raw: Option<Vec<u8>>,
}

/// An order that is not closed, for the *open* stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Ours.
    pub id: String,
    /// The mall's.
    pub mall_order_id: String,
    /// When it was ordered.
    pub ordered_at: Timestamp,
}

/// An order set aside, as people see it.
#[derive(Clone, Debug, Serialize)]
pub struct SetAsideRow {
    /// The shop.
    pub shop: String,
    /// The mall's number, or a stand-in.
    pub mall_order_id: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub first_at: Timestamp,
    /// Last try.
    pub last_at: Timestamp,
    /// How often it was tried.
    pub tries: i64,
}

/// A count for summaries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusCount {
    /// The shop.
    pub shop: String,
    /// The status.
    pub status: Status,
    /// How many.
    pub orders: u64,
    /// When the oldest of them was ordered.
    pub oldest_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct ViewColumns {
    id: String,
    shop: String,
    mall: String,
    first_seen_at: i64,
    changed_at: i64,
    document: String,
}

/// Completes orders with what is ours: slips and settlements, in one query each.
async fn views(conn: &mut Conn, rows: Vec<ViewColumns>) -> Result<Vec<OrderView>> {
    let ids = list(rows.iter().map(|row| row.id.as_str()));
    let (mut slips, mut settlements) = (HashMap::new(), HashMap::new());
    if !rows.is_empty() {
        slips = slips_of(conn, &ids).await?;
        for record in records_of(conn, &ids).await? {
            settlements.insert(record.settlement.order_id.clone(), record.shown());
        }
    }
    let view = |row: ViewColumns| -> Result<OrderView> {
        let mut order: Order = At::new("orders", "document", &row.id).json(&row.document)?;
        order.source_columns.clear();
        order.reception_number = None;
        let settlement = settlements.remove(&row.id).map(|s| SettlementView {
            name: s.name,
            reception_number: s.reception_number,
            state: s.state,
            lapses_on: s.lapses_on,
            held: s.held,
        });
        Ok(OrderView {
            slips: slips.remove(&row.id).unwrap_or_default(),
            settlement,
            shop: row.shop,
            mall: row.mall,
            order,
            first_seen_at: Timestamp::from_micros(row.first_seen_at),
            changed_at: Timestamp::from_micros(row.changed_at),
            id: row.id,
        })
    };
    rows.into_iter().map(view).collect()
}

/// Orders by id, as views.
pub(super) async fn views_of(conn: &mut Conn, ids: &str) -> Result<Vec<OrderView>> {
    let rows = conn
        .rows(
            listed!(
                "SELECT id, shop, mall, first_seen_at, changed_at, document FROM orders WHERE id ",
                " ORDER BY id"
            ),
            args![ids],
        )
        .await?;
    views(conn, rows).await
}

/// The first day whose midnight is not before `at`: turns bounds on instants into bounds on days.
fn first_day(at: Timestamp) -> String {
    let day = at.jst_date();
    let day = if Timestamp::jst_midnight(day) < at { day.succ_opt().unwrap_or(day) } else { day };
    day.to_string()
}

macro_rules! orders_by {
    ($column:literal) => {
        concat!(
            "SELECT id, shop, mall, first_seen_at, changed_at, document FROM orders
             WHERE ($1 IS NULL OR shop = $1) AND ($2 IS NULL OR status = $2)
                 AND ",
            $column,
            " >= $3 AND ",
            $column,
            " < $4 AND (",
            $column,
            ", id) < ($5, $6) ORDER BY ",
            $column,
            " DESC, id DESC LIMIT $7"
        )
    };
}

impl Store {
    /// Orders, newest first.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn list_orders(&self, filter: &OrderFilter) -> Result<Vec<OrderView>> {
        let mut conn = self.read().await?;
        let status = filter.status.map(Status::as_str);
        let (shop, limit) = (filter.shop.as_deref(), rows::limit(filter.limit));
        let (last, last_id) = match &filter.after {
            Some((at, id)) => (*at, id.as_str()),
            None => (Timestamp::from_micros(i64::MAX), LAST_ID),
        };
        let rows = if filter.by == By::Shipped {
            let since = filter.since.map_or_else(String::new, first_day);
            let until = filter.until.map_or_else(|| LAST_ID.to_owned(), first_day);
            let last =
                filter.after.as_ref().map_or_else(|| LAST_ID.to_owned(), |_| last.jst_date().to_string());
            let args = args![shop, status, &since, &until, &last, last_id, limit];
            conn.rows(orders_by!("shipped_on"), args).await?
        } else {
            let since = filter.since.map_or(i64::MIN, Timestamp::micros);
            let until = filter.until.map_or(i64::MAX, Timestamp::micros);
            let args = args![shop, status, since, until, last, last_id, limit];
            match filter.by {
                By::Changed => conn.rows(orders_by!("changed_at"), args).await?,
                By::Ordered | By::Shipped => conn.rows(orders_by!("ordered_at"), args).await?,
            }
        };
        views(&mut conn, rows).await
    }

    /// The orders that `id` names: ours, or a mall's number (which may belong to two shops).
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn find_orders(&self, id: &str) -> Result<Vec<OrderView>> {
        let mut conn = self.read().await?;
        let rows = conn
            .rows(
                "SELECT id, shop, mall, first_seen_at, changed_at, document FROM orders
                 WHERE id = $1 OR match_key = $2 ORDER BY shop, id",
                args![id.trim(), &fold(id)],
            )
            .await?;
        views(&mut conn, rows).await
    }

    /// Every version of an order, oldest first.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn history(&self, order_id: &str) -> Result<Vec<Version>> {
        let mut conn = self.read().await?;
        let rows: Vec<(i64, i64, String, Option<Vec<u8>>)> = conn
            .rows(
                "SELECT number, read_at, changes, raw FROM order_versions WHERE order_id = $1 ORDER BY number",
                args![order_id],
            )
            .await?;
        let version = |(number, read_at, changes, raw): (i64, i64, String, Option<Vec<u8>>)| {
            let id = format!("{order_id}/{number}");
            let raw = raw.map(|raw| At::new("order_versions", "raw", &id).unpack(&raw)).transpose()?;
            Ok(Version {
                number,
                read_at: Timestamp::from_micros(read_at),
                changes: At::new("order_versions", "changes", &id).json(&changes)?,
                raw,
            })
        };
        rows.into_iter().map(version).collect()
    }

    /// Orders of `shop` that are not closed and whose status and age fit, oldest first, after `after`.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn open_orders(
        &self,
        shop: &str,
        statuses: &[Status],
        ordered_from: Timestamp,
        ordered_until: Timestamp,
        after: Option<&(Timestamp, String)>,
        limit: u64,
    ) -> Result<Vec<OpenOrder>> {
        let statuses = list(statuses.iter().map(|s| s.as_str()));
        let (last, last_id) = after.map_or((i64::MIN, ""), |(at, id)| (at.micros(), id.as_str()));
        let mut conn = self.read().await?;
        let rows: Vec<(String, String, i64)> = conn
            .rows(
                listed!(
                    "SELECT id, mall_order_id, ordered_at FROM orders
                     WHERE shop = $2 AND status NOT IN ('completed', 'canceled') AND ordered_at >= $3
                         AND ordered_at < $4 AND (ordered_at, id) > ($5, $6) AND status ",
                    " ORDER BY ordered_at, id LIMIT $7"
                ),
                args![&statuses, shop, ordered_from, ordered_until, last, last_id, rows::limit(Some(limit))],
            )
            .await?;
        let open =
            |(id, mall_order_id, at)| OpenOrder { id, mall_order_id, ordered_at: Timestamp::from_micros(at) };
        Ok(rows.into_iter().map(open).collect())
    }

    /// Of `refs`, those that must be read: the list shows no time of change, or another one than is stored, or, for a
    /// while, the order was read so soon after it that a second change may hide behind the same time.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn moved_orders(
        &self,
        shop: &str,
        refs: Vec<OrderRef>,
        now: Timestamp,
    ) -> Result<Vec<OrderRef>> {
        if refs.iter().all(|r| r.updated_at.is_none()) {
            return Ok(refs);
        }
        let numbers = list(refs.iter().map(|r| &r.mall_order_id));
        let mut conn = self.read().await?;
        let rows: Vec<(String, i64)> = conn
            .rows(
                listed!(
                    "SELECT mall_order_id, mall_updated_at FROM orders
                     WHERE shop = $2 AND (mall_updated_at + $3 <= read_at OR mall_updated_at < $4) AND mall_order_id ",
                    ""
                ),
                args![&numbers, shop, micros(HIDING), now - DOUBTFUL],
            )
            .await?;
        let stored: HashMap<String, i64> = rows.into_iter().collect();
        let moved = |r: &OrderRef| {
            r.updated_at
                .is_none_or(|at| stored.get(&r.mall_order_id).is_none_or(|stored| *stored != at.micros()))
        };
        Ok(refs.into_iter().filter(moved).collect())
    }

    /// The mall's number of the newest order of `shop` that the shop ships itself.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn newest_order(&self, shop: &str) -> Result<Option<String>> {
        let mut conn = self.read().await?;
        let row: Option<(String,)> = conn
            .row(
                "SELECT mall_order_id FROM orders WHERE shop = $1 AND fulfilled_by = 'shop'
                 ORDER BY ordered_at DESC, id DESC LIMIT 1",
                args![shop],
            )
            .await?;
        Ok(row.map(|(id,)| id))
    }

    /// Orders set aside, of one shop or all.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn set_aside(&self, shop: Option<&str>) -> Result<Vec<SetAsideRow>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String, String, String, i64, i64, i64)> = conn
            .rows(
                "SELECT shop, mall_order_id, reason, first_at, last_at, tries FROM set_aside
                 WHERE $1 IS NULL OR shop = $1 ORDER BY first_at, shop, mall_order_id",
                args![shop],
            )
            .await?;
        let row = |(shop, mall_order_id, reason, first_at, last_at, tries)| SetAsideRow {
            shop,
            mall_order_id,
            reason,
            first_at: Timestamp::from_micros(first_at),
            last_at: Timestamp::from_micros(last_at),
            tries,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Orders set aside of `shop` whose next try is due (10 min after the first, doubling to a day).
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn due_set_aside(&self, shop: &str, now: Timestamp, limit: u64) -> Result<Vec<String>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String,)> = conn
            .rows(
                "SELECT mall_order_id FROM set_aside WHERE shop = $1 AND next_at <= $2
                 ORDER BY next_at, mall_order_id LIMIT $3",
                args![shop, now, rows::limit(Some(limit))],
            )
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// How many orders each shop has in each status.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn count_orders(&self) -> Result<Vec<StatusCount>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String, String, i64, i64)> = conn
            .rows(
                "SELECT shop, status, count(*), min(ordered_at) FROM orders
                 GROUP BY shop, status ORDER BY shop, status",
                &[],
            )
            .await?;
        let count = |(shop, status, orders, oldest_at): (String, String, i64, i64)| {
            let status = At::new("orders", "status", &shop).word(&status, Status::from_word)?;
            let oldest_at = Timestamp::from_micros(oldest_at);
            Ok(StatusCount { shop, status, orders: rows::unsigned(orders), oldest_at })
        };
        rows.into_iter().map(count).collect()
    }
}
