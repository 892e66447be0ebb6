//! Orders, their versions with raw payloads, and orders set aside.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::streams::ShopLease;
use super::{Planning, Result, Store};
use crate::clock::Timestamp;
use crate::domain::order::{Change, Order, Status};
use crate::domain::settlement::SettlementState;
use crate::domain::slip::Slip;

/// An order as read, ready to be stored.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// Normalised.
    pub order: Order,
    /// The mall's own record, uncompressed.
    pub raw: Vec<u8>,
    /// When the request was sent: newer wins (decisions.md 13).
    pub read_at: Timestamp,
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
}

impl Store {
    /// Stores a page: upserts orders that are newer and changed, adds their versions, attaches waiting slips, links
    /// settlements, plans and supersedes operations, replaces what was set aside, moves the cursor by compare-and-set —
    /// all in one transaction under the shop's lease. Orders that are as before write nothing.
    ///
    /// # Errors
    /// `LeaseLost` when the lease or the cursor moved meanwhile: nothing was written and the page is read again.
    pub async fn commit_page(
        &self,
        lease: &ShopLease,
        page: &PageCommit,
        planning: &Planning<'_>,
    ) -> Result<PageResult> {
        let _ = (lease, page, planning);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Orders, newest first.
    pub async fn list_orders(&self, filter: &OrderFilter) -> Result<Vec<OrderView>> {
        let _ = filter;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// The orders that `id` names: ours, or a mall's number (which may belong to two shops).
    pub async fn find_orders(&self, id: &str) -> Result<Vec<OrderView>> {
        let _ = id;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Every version of an order, oldest first.
    pub async fn history(&self, order_id: &str) -> Result<Vec<Version>> {
        let _ = order_id;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Orders of `shop` that are not closed and whose status and age fit, oldest first, after `after`.
    pub async fn open_orders(
        &self,
        shop: &str,
        statuses: &[Status],
        ordered_from: Timestamp,
        ordered_until: Timestamp,
        after: Option<&(Timestamp, String)>,
        limit: u64,
    ) -> Result<Vec<OpenOrder>> {
        let _ = (shop, statuses, ordered_from, ordered_until, after, limit);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// The mall's number of the newest order of `shop` that the shop ships itself.
    pub async fn newest_order(&self, shop: &str) -> Result<Option<String>> {
        let _ = shop;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Orders set aside, of one shop or all.
    pub async fn set_aside(&self, shop: Option<&str>) -> Result<Vec<SetAsideRow>> {
        let _ = shop;
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Orders set aside of `shop` whose next try is due (10 min after the first, doubling to a day).
    pub async fn due_set_aside(&self, shop: &str, now: Timestamp, limit: u64) -> Result<Vec<String>> {
        let _ = (shop, now, limit);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// How many orders each shop has in each status.
    pub async fn count_orders(&self) -> Result<Vec<StatusCount>> {
        Err(super::StoreError::NotFound("skeleton".into()))
    }
}
