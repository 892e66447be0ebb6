//! One page of a stream, stored in one transaction with the cursor that covers it (I1–I4).

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use super::db::{Conn, Lock, args, listed, locked};
use super::digest::Digester;
use super::orders::{NewSetAside, PageCommit, PageResult};
use super::ready::{Content, NewOrder};
use super::rows::{At, list, pack};
use super::streams::ShopLease;
use super::{Planning, Result, Store, StoreError};
use crate::clock::Timestamp;
use crate::domain::order::{Change, Order, changes};

/// The first wait of an order that was set aside, doubled at every try up to [`SLOWEST`].
const FIRST_WAIT: Duration = Duration::from_secs(600);
const SLOWEST: Duration = Duration::from_secs(86_400);

#[derive(sqlx::FromRow)]
pub(super) struct ExistingColumns {
    pub id: String,
    mall_order_id: String,
    digest: String,
    read_at: i64,
    pub latest_version: i64,
}

#[derive(sqlx::FromRow)]
struct CursorColumns {
    cursor: Option<String>,
    lease_owner: Option<String>,
    fence: i64,
}

/// An order of the page that is new or differs from what is stored.
pub(super) struct Changed<'a> {
    pub read: &'a NewOrder,
    /// As it was read, with what is kept of the version before.
    pub order: Cow<'a, Order>,
    pub content: Cow<'a, Content>,
    pub before: Option<ExistingColumns>,
    pub changes: Vec<Change>,
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
        let mut conn = self.write(Lock::Pages).await?;
        self.check_fence(&mut conn, lease, page).await?;
        let mut result = PageResult::default();
        let mut unreadable = Vec::new();
        let changed = compare(&mut conn, lease, &page.orders, &mut result, &mut unreadable).await?;
        let subjects = self.write_orders(&mut conn, lease, page, changed, &mut result).await?;
        let mut written = !subjects.is_empty();
        written |= self.clear_set_aside(&mut conn, lease, page, &unreadable).await?;
        for bad in page.bad.iter().chain(&unreadable) {
            result.set_aside += 1;
            written |= write_set_aside(&mut conn, &lease.shop, bad).await?;
        }
        result.planned = self.plan_orders(&mut conn, planning, &subjects).await?;
        if page.cursor_before != page.cursor_after {
            written = true;
            let cursor = page.cursor_after.as_ref().map(Value::to_string);
            let orders = i64::try_from(page.orders.len()).unwrap_or(0);
            let moved = conn
                .execute(
                    "UPDATE streams SET cursor = $5, orders = orders + $6, pages = pages + 1
                     WHERE shop = $1 AND stream = $2 AND lease_owner = $3 AND fence = $4",
                    args![&lease.shop, &page.stream, &lease.owner, lease.fence, &cursor, orders],
                )
                .await?;
            if moved != 1 {
                return Err(StoreError::LeaseLost);
            }
        }
        conn.finish(written).await?;
        Ok(result)
    }

    async fn check_fence(&self, conn: &mut Conn, lease: &ShopLease, page: &PageCommit) -> Result<()> {
        let row: Option<CursorColumns> = conn
            .row(
                locked!("SELECT cursor, lease_owner, fence FROM streams WHERE shop = $1 AND stream = $2"),
                args![&lease.shop, &page.stream],
            )
            .await?;
        let Some(row) = row else { return Err(StoreError::LeaseLost) };
        let id = format!("{}/{}", lease.shop, page.stream);
        let cursor = row.cursor.as_deref();
        let cursor: Option<Value> =
            cursor.map(|text| At::new("streams", "cursor", &id).json(text)).transpose()?;
        let ours = row.lease_owner.as_deref() == Some(lease.owner.as_str()) && row.fence == lease.fence;
        if ours && cursor == page.cursor_before { Ok(()) } else { Err(StoreError::LeaseLost) }
    }

    /// Orders that could be read are no longer set aside.
    async fn clear_set_aside(
        &self,
        conn: &mut Conn,
        lease: &ShopLease,
        page: &PageCommit,
        unreadable: &[NewSetAside],
    ) -> Result<bool> {
        let read = page.orders.iter().map(|read| read.order.mall_order_id.as_str());
        let good: Vec<&str> =
            read.filter(|id| !unreadable.iter().any(|bad| bad.mall_order_id == *id)).collect();
        if good.is_empty() {
            return Ok(false);
        }
        let gone = conn
            .execute(
                listed!("DELETE FROM set_aside WHERE shop = $2 AND mall_order_id ", ""),
                args![&list(good), &lease.shop],
            )
            .await?;
        Ok(gone > 0)
    }
}

/// Tells what is new or changed from what is as before.
async fn compare<'a>(
    conn: &mut Conn,
    lease: &ShopLease,
    read: &'a [NewOrder],
    result: &mut PageResult,
    unreadable: &mut Vec<NewSetAside>,
) -> Result<Vec<Changed<'a>>> {
    if read.is_empty() {
        return Ok(Vec::new());
    }
    let numbers = list(read.iter().map(|read| read.order.mall_order_id.as_str()));
    let rows: Vec<ExistingColumns> = conn
        .rows(
            listed!(
                "SELECT id, mall_order_id, digest, read_at, latest_version FROM orders
                 WHERE shop = $2 AND mall_order_id ",
                ""
            ),
            args![&numbers, &lease.shop],
        )
        .await?;
    let mut existing: HashMap<String, ExistingColumns> =
        rows.into_iter().map(|row| (row.mall_order_id.clone(), row)).collect();
    // A page may show an order twice when the mall's pages shift while they are read: the newer one counts.
    let mut newest: HashMap<&str, Timestamp> = HashMap::new();
    for read in read {
        let at = newest.entry(read.order.mall_order_id.as_str()).or_insert(read.read_at);
        *at = read.read_at.max(*at);
    }
    let mut differing = Vec::new();
    for read in read {
        let number = read.order.mall_order_id.as_str();
        if newest.get(number) != Some(&read.read_at) {
            continue;
        }
        newest.remove(number);
        let before = existing.remove(number);
        let Some(before) = before else {
            differing.push((read, None));
            continue;
        };
        let newer = read.read_at > Timestamp::from_micros(before.read_at);
        if newer && read.content.digest != before.digest {
            differing.push((read, Some(before)));
        } else {
            result.unchanged += 1;
        }
    }
    let ids = list(differing.iter().filter_map(|(_, before)| before.as_ref().map(|b| b.id.as_str())));
    let mut documents: HashMap<String, String> = HashMap::new();
    if differing.iter().any(|(_, before)| before.is_some()) {
        let rows: Vec<(String, String)> =
            conn.rows(listed!("SELECT id, document FROM orders WHERE id ", ""), args![&ids]).await?;
        documents.extend(rows);
    }
    let mut digester = Digester::default();
    let mut changed = Vec::with_capacity(differing.len());
    for (read, before) in differing {
        let mut order = Cow::Borrowed(&read.order);
        let mut content = Cow::Borrowed(&read.content);
        let mut found = Vec::new();
        if let Some(before) = &before {
            let text = documents.remove(&before.id).unwrap_or_default();
            let at = At::new("orders", "document", &before.id);
            let old: Value = match at.json(&text) {
                Ok(old) => old,
                Err(e) => {
                    unreadable.push(set_aside(read, &e));
                    continue;
                }
            };
            let old_order: Order = match at.json(&text) {
                Ok(old) => old,
                Err(e) => {
                    unreadable.push(set_aside(read, &e));
                    continue;
                }
            };
            let mut kept = read.order.clone();
            kept.keep_personal(&old_order);
            if kept != read.order {
                content = Cow::Owned(Content::kept(&mut digester, &kept, read)?);
                order = Cow::Owned(kept);
            }
            if content.digest == before.digest {
                result.unchanged += 1;
                continue;
            }
            found = changes(&old, &At::new("orders", "document", &before.id).json(&content.document)?);
        }
        changed.push(Changed { read, order, content, before, changes: found });
    }
    Ok(changed)
}

/// An order whose stored row cannot be read back must not block the others (I4).
fn set_aside(read: &NewOrder, error: &StoreError) -> NewSetAside {
    NewSetAside {
        mall_order_id: read.order.mall_order_id.clone(),
        raw: read.raw.clone(),
        reason: error.to_string(),
        read_at: read.read_at,
    }
}

/// Keeps what could not be read. The same fault seen again before its next try is due writes nothing (I3).
async fn write_set_aside(conn: &mut Conn, shop: &str, bad: &NewSetAside) -> Result<bool> {
    let before: Option<(String, i64, i64)> = conn
        .row(
            "SELECT reason, next_at, tries FROM set_aside WHERE shop = $1 AND mall_order_id = $2",
            args![shop, &bad.mall_order_id],
        )
        .await?;
    let mut tries = 1;
    if let Some((reason, next_at, tried)) = before {
        if reason == bad.reason && bad.read_at < Timestamp::from_micros(next_at) {
            return Ok(false);
        }
        tries = tried + 1;
    }
    let doublings = u32::try_from(tries - 1).unwrap_or(u32::MAX).min(16);
    let next_at = bad.read_at + FIRST_WAIT.saturating_mul(1 << doublings).min(SLOWEST);
    conn.execute(
        "INSERT INTO set_aside (shop, mall_order_id, reason, raw, first_at, last_at, next_at, tries)
         VALUES ($1, $2, $3, $4, $5, $5, $6, $7)
         ON CONFLICT (shop, mall_order_id) DO UPDATE SET reason = excluded.reason, raw = excluded.raw,
             last_at = excluded.last_at, next_at = excluded.next_at, tries = excluded.tries",
        args![shop, &bad.mall_order_id, &bad.reason, &pack(&bad.raw)?, bad.read_at, next_at, tries],
    )
    .await?;
    Ok(true)
}
