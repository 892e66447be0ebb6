//! The rows of a page's orders and of their versions.

use futures_util::future;

use super::db::{Arg, Conn, args};
use super::inserts::{AT_ONCE, Insert};
use super::orders::{PageCommit, PageResult};
use super::pages::{Changed, ExistingColumns};
use super::planning::Subject;
use super::rows::{Packer, fold, to_json};
use super::streams::ShopLease;
use super::{Result, Store, StoreError};

static NEW_ORDERS: Insert = Insert::new(
    "INSERT INTO orders (id, shop, mall, mall_order_id, match_key, status, fulfilled_by, ordered_at, changed_at,
         read_at, first_seen_at, shipped_on, due, mall_updated_at, digest, latest_version, document)",
    17,
);
static NEW_VERSIONS: Insert =
    Insert::new("INSERT INTO order_versions (order_id, number, read_at, changes, raw)", 5);

/// What is written of an order and its version.
struct Row<'a> {
    id: String,
    match_key: String,
    shipped: Option<String>,
    number: i64,
    changes: String,
    /// Compressed.
    raw: Vec<u8>,
    changed: Changed<'a>,
}

impl Row<'_> {
    fn due(&self) -> Option<i64> {
        self.changed.order.amounts.due.map(|due| due.0)
    }

    /// The values of [`NEW_ORDERS`].
    fn order<'r>(&'r self, lease: &'r ShopLease, page: &'r PageCommit) -> [Arg<'r>; 17] {
        let Changed { read, order, content, .. } = &self.changed;
        let read_at = Arg::from(read.read_at);
        [
            Arg::from(&self.id),
            Arg::from(&lease.shop),
            Arg::from(&page.mall),
            Arg::from(&order.mall_order_id),
            Arg::from(&self.match_key),
            Arg::from(order.status.as_str()),
            Arg::from(order.fulfilled_by.as_str()),
            Arg::from(order.ordered_at),
            read_at,
            read_at,
            read_at,
            Arg::from(&self.shipped),
            Arg::from(self.due()),
            Arg::from(order.mall_updated_at),
            Arg::from(&content.digest),
            Arg::from(self.number),
            Arg::from(&content.document),
        ]
    }

    async fn update(&self, conn: &mut Conn, before: &ExistingColumns) -> Result<()> {
        let Changed { read, order, content, .. } = &self.changed;
        let written = conn
            .execute(
                "UPDATE orders SET status = $3, fulfilled_by = $4, ordered_at = $5, changed_at = $6, read_at = $6,
                     shipped_on = $7, due = $8, digest = $9, latest_version = $10, document = $11,
                     mall_updated_at = $12
                 WHERE id = $1 AND latest_version = $2",
                args![
                    &self.id,
                    before.latest_version,
                    order.status.as_str(),
                    order.fulfilled_by.as_str(),
                    order.ordered_at,
                    read.read_at,
                    &self.shipped,
                    self.due(),
                    &content.digest,
                    self.number,
                    &content.document,
                    order.mall_updated_at,
                ],
            )
            .await?;
        if written == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
    }

    /// The values of [`NEW_VERSIONS`].
    fn version(&self) -> [Arg<'_>; 5] {
        [
            Arg::from(&self.id),
            Arg::from(self.number),
            Arg::from(self.changed.read.read_at),
            Arg::from(&self.changes),
            Arg::from(&self.raw),
        ]
    }
}

impl Store {
    /// Writes what is new or changed, and counts it.
    pub(super) async fn write_orders<'a>(
        &self,
        conn: &mut Conn,
        lease: &'a ShopLease,
        page: &PageCommit,
        changed: Vec<Changed<'a>>,
        result: &mut PageResult,
    ) -> Result<Vec<Subject<'a>>> {
        let mut packer = Packer::new()?;
        let mut subjects = Vec::with_capacity(changed.len());
        let mut changed = changed.into_iter();
        let mut rows = self.next_rows(&mut changed, &mut packer).await?;
        while !rows.is_empty() {
            // While the database takes these, the next ones are compressed.
            let writing = write_rows(conn, lease, page, &rows, result);
            let (written, next) = future::join(writing, self.next_rows(&mut changed, &mut packer)).await;
            written?;
            subjects.extend(rows.into_iter().map(|row| Subject {
                id: row.id,
                shop: (&lease.shop).into(),
                new: row.changed.before.is_none(),
                order: row.changed.order,
            }));
            rows = next?;
        }
        Ok(subjects)
    }

    /// The next [`AT_ONCE`] rows.
    async fn next_rows<'a>(
        &self,
        changed: &mut impl Iterator<Item = Changed<'a>>,
        packer: &mut Packer,
    ) -> Result<Vec<Row<'a>>> {
        let mut rows = Vec::with_capacity(AT_ONCE);
        for changed in changed.take(AT_ONCE) {
            rows.push(self.row(changed, packer)?);
            // A statement that has ended in the meantime is followed by the next one at once.
            tokio::task::yield_now().await;
        }
        Ok(rows)
    }

    fn row<'a>(&self, changed: Changed<'a>, packer: &mut Packer) -> Result<Row<'a>> {
        let shipped = changed.order.packages.iter().filter_map(|p| p.shipped_on).min();
        Ok(Row {
            id: changed.before.as_ref().map_or_else(|| self.id(), |before| before.id.clone()),
            match_key: fold(&changed.order.mall_order_id),
            shipped: shipped.map(|day| day.to_string()),
            number: changed.before.as_ref().map_or(1, |before| before.latest_version + 1),
            changes: to_json(&changed.changes)?,
            raw: packer.pack(&changed.read.raw)?,
            changed,
        })
    }
}

async fn write_rows(
    conn: &mut Conn,
    lease: &ShopLease,
    page: &PageCommit,
    rows: &[Row<'_>],
    result: &mut PageResult,
) -> Result<()> {
    let mut new = Vec::with_capacity(rows.len() * NEW_ORDERS.columns());
    for row in rows {
        if let Some(before) = &row.changed.before {
            row.update(conn, before).await?;
            result.changed += 1;
        } else {
            new.extend(row.order(lease, page));
            result.new += 1;
        }
    }
    NEW_ORDERS.run(conn, &new).await?;
    let versions: Vec<Arg<'_>> = rows.iter().flat_map(Row::version).collect();
    NEW_VERSIONS.run(conn, &versions).await
}
