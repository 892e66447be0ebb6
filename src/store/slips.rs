//! Slips of orders, and rows that wait for their order.

use std::collections::HashMap;

use serde::Serialize;

use super::db::{Conn, Lock, args, listed};
use super::matching::Incoming;
use super::rows::{self, At, LAST_ID, list};
use super::{Planning, Result, Store, StoreError};
use crate::clock::Timestamp;
use crate::domain::order::Carrier;
use crate::domain::slip::{RowOutcome, RowReport, Slip, SlipRow, WriteBack};

/// Slips of one order, for lists.
#[derive(Clone, Debug, Serialize)]
pub struct SlipView {
    /// Of the row: where the next page of a list goes on.
    #[serde(skip)]
    pub id: String,
    /// The shop, when the order is known.
    pub shop: Option<String>,
    /// Our order id, when the order is known.
    pub order_id: Option<String>,
    /// The mall's order number, or the key as written while it waits.
    pub mall_order_id: String,
    /// The slip.
    #[serde(flatten)]
    pub slip: Slip,
}

/// One file's rows, imported together.
#[derive(Clone, Debug)]
pub struct SlipImport {
    /// File name, without folders.
    pub file: String,
    /// SHA-256 of the file, hex: the same file again is harmless, and said.
    pub digest: String,
    /// Rows in the order of the file.
    pub rows: Vec<SlipRow>,
    /// Compare postal codes (`[slips] verify_recipient`).
    pub verify_recipient: bool,
    /// Reads or writes: `true` reports what would happen and rolls back.
    pub dry_run: bool,
}

#[derive(sqlx::FromRow)]
struct SlipColumns {
    id: String,
    order_id: String,
    number: String,
    carrier: String,
    kind: String,
    package_id: Option<String>,
    source: String,
    ship_date: Option<String>,
    learnt_at: i64,
    write_back: String,
    b2_registers: Option<i64>,
    held: Option<String>,
}

impl TryFrom<SlipColumns> for Slip {
    type Error = StoreError;
    fn try_from(row: SlipColumns) -> Result<Self> {
        let at = |column| At::new("slips", column, &row.id);
        Ok(Self {
            carrier: at("carrier").word(&row.carrier, Carrier::from_word)?,
            ship_date: at("ship_date").day(row.ship_date.as_deref())?,
            write_back: at("write_back").word(&row.write_back, WriteBack::from_word)?,
            learnt_at: Timestamp::from_micros(row.learnt_at),
            b2_registers: row.b2_registers.map(|said| said != 0),
            number: row.number,
            kind: row.kind,
            package_id: row.package_id,
            source: row.source,
            held: row.held,
        })
    }
}

#[derive(sqlx::FromRow)]
struct ViewColumns {
    #[sqlx(flatten)]
    slip: SlipColumns,
    shop: Option<String>,
    our_id: Option<String>,
    mall_order_id: String,
}

/// The slips of orders, oldest first.
pub(super) async fn slips_of(conn: &mut Conn, order_ids: &str) -> Result<HashMap<String, Vec<Slip>>> {
    let rows: Vec<SlipColumns> = conn
        .rows(
            listed!(
                "SELECT id, order_id, number, carrier, kind, package_id, source, ship_date, learnt_at, write_back,
                     b2_registers, held
                 FROM slips WHERE order_id ",
                " ORDER BY id"
            ),
            args![order_ids],
        )
        .await?;
    let mut slips: HashMap<String, Vec<Slip>> = HashMap::new();
    for row in rows {
        slips.entry(row.order_id.clone()).or_default().push(row.try_into()?);
    }
    Ok(slips)
}

/// A slip to be stored.
pub(super) struct NewSlip<'a> {
    pub order_id: &'a str,
    pub row: &'a SlipRow,
    pub package_id: Option<&'a str>,
    pub file_digest: Option<&'a str>,
    pub held: Option<&'a str>,
    pub learnt_at: Timestamp,
}

pub(super) async fn insert_slip(conn: &mut Conn, id: &str, slip: &NewSlip<'_>) -> Result<()> {
    conn.execute(
        "INSERT INTO slips (id, order_id, number, carrier, kind, package_id, source, file_digest, ship_date,
             learnt_at, write_back, held, b2_registers)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'unsent', $11, $12)",
        args![
            id,
            slip.order_id,
            &slip.row.number,
            slip.row.carrier.as_str(),
            &slip.row.kind,
            slip.package_id,
            &slip.row.source,
            slip.file_digest,
            &slip.row.ship_date.map(|day| day.to_string()),
            slip.learnt_at,
            slip.held,
            slip.row.b2_registers.map(i64::from),
        ],
    )
    .await?;
    Ok(())
}

/// Rows of a file that are matched at a time: bounds memory, and the statements of one transaction.
const CHUNK: usize = 200;

impl Store {
    /// Matches rows with orders and stores the good ones in one transaction, planning what follows from them. Reports
    /// every row, in the order of the file. An order number that belongs to two shops is held with a message that names
    /// both; a row whose postal code is not the order's, or whose order was cancelled, is held; a further number for an
    /// order whose parcels all have one is held unless it stands in the same file; a known slip is harmless. A parcel's
    /// reception numbers (B2クラウド) must be its orders' own: an order without one gets it, with the checks of
    /// [`Store::import_receptions`], and a consolidated parcel belongs to each order whose number it carries.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn import_slips(
        &self,
        import: &SlipImport,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<Vec<RowReport>> {
        let mut conn = self.write(Lock::Facts).await?;
        let mut reports = Vec::with_capacity(import.rows.len());
        for chunk in import.rows.chunks(CHUNK) {
            let incoming: Vec<Incoming> = chunk
                .iter()
                .map(|row| Incoming {
                    row: row.clone(),
                    file_digest: import.digest.clone(),
                    verify_recipient: import.verify_recipient,
                    actor: actor.to_owned(),
                    waiting: None,
                })
                .collect();
            let settled = self.settle_rows(&mut conn, incoming, planning).await?;
            reports.extend(settled.reports);
            let subjects = self.subjects(&mut conn, &list(&settled.orders)).await?;
            self.plan_orders(&mut conn, planning, &subjects).await?;
        }
        if import.dry_run {
            conn.rollback().await?;
            return Ok(reports);
        }
        let first = conn
            .execute(
                "INSERT INTO slip_files (digest, file, actor, imported_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (digest) DO NOTHING",
                args![&import.digest, &import.file, actor, planning.now],
            )
            .await?;
        if first == 1 {
            let count = |outcome| reports.iter().filter(|report| report.outcome == outcome).count();
            let detail = format!(
                "{}: {} rows, {} matched, {} known, {} waiting, {} held, {} refused",
                import.file,
                reports.len(),
                count(RowOutcome::Matched),
                count(RowOutcome::Known),
                count(RowOutcome::Waiting),
                count(RowOutcome::Held),
                count(RowOutcome::Refused),
            );
            self.decided(&mut conn, planning, actor, "slips.import", &import.digest, detail).await?;
        }
        conn.commit().await?;
        Ok(reports)
    }

    /// Adds a slip to one order by a person's word: no postal code is compared, and it counts as decided.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn add_slip(
        &self,
        order_id: &str,
        row: &SlipRow,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<RowReport> {
        if row.number.is_empty() {
            return Err(StoreError::Refused("the slip number is empty".to_owned()));
        }
        let mut conn = self.write(Lock::Facts).await?;
        let subjects = self.subjects(&mut conn, &list([order_id])).await?;
        let Some(subject) = subjects.first() else {
            return Err(StoreError::NotFound(format!("there is no order {order_id}")));
        };
        let slips = slips_of(&mut conn, &list([order_id])).await?.remove(order_id).unwrap_or_default();
        let present = slips.iter().find(|slip| slip.number == row.number);
        let report = |outcome, reason: &str| RowReport {
            source: row.source.clone(),
            order_key: row.order_key.clone(),
            number: row.number.clone(),
            outcome,
            reason: reason.to_owned(),
        };
        // What B2クラウド's file says of registering it is a question where it must not be so; this is the answer.
        let settled = |slip: &Slip| slip.held.is_none() && slip.b2_registers != Some(true);
        if present.is_some_and(settled) {
            conn.rollback().await?;
            return Ok(report(RowOutcome::Known, "the order has this slip already"));
        }
        if present.is_some() {
            conn.execute(
                "UPDATE slips SET held = NULL, b2_registers = NULL, carrier = $3, source = $4, package_id = COALESCE($5, package_id),
                     ship_date = COALESCE($6, ship_date)
                 WHERE order_id = $1 AND number = $2",
                args![
                    order_id,
                    &row.number,
                    row.carrier.as_str(),
                    &row.source,
                    &row.package_id,
                    &row.ship_date.map(|day| day.to_string()),
                ],
            )
            .await?;
        } else {
            let slip = NewSlip {
                order_id,
                row,
                package_id: row.package_id.as_deref(),
                file_digest: None,
                held: None,
                learnt_at: planning.now,
            };
            insert_slip(&mut conn, &self.id(), &slip).await?;
        }
        // A row that was held because its number fits two orders is decided with this.
        let keys = super::matching::keys_of_order(&subject.order.mall_order_id);
        conn.execute(
            listed!(
                "DELETE FROM slip_rows WHERE number = $2
                     AND id IN (SELECT row_id FROM slip_row_keys WHERE key ",
                ")"
            ),
            args![&list(keys), &row.number],
        )
        .await?;
        self.decided(&mut conn, planning, actor, "slips.add", order_id, row.number.clone()).await?;
        self.plan_orders(&mut conn, planning, &subjects).await?;
        conn.commit().await?;
        Ok(report(RowOutcome::Matched, ""))
    }

    /// Replaces a slip. One that we registered at the gateway is taken back there and the new one registered, as the
    /// planner wants then.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn replace_slip(
        &self,
        order_id: &str,
        old: &str,
        row: &SlipRow,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        if row.number.is_empty() || row.number == old {
            return Err(StoreError::Refused("the new slip number is empty or the old one".to_owned()));
        }
        let mut conn = self.write(Lock::Facts).await?;
        let before = self.take_slip(&mut conn, order_id, old, Some(row), actor, planning).await?;
        let slips = slips_of(&mut conn, &list([order_id])).await?.remove(order_id).unwrap_or_default();
        if slips.iter().any(|slip| slip.number == row.number) {
            return Err(StoreError::Refused(format!(
                "the order has slip {} already; `slips remove` the other one",
                row.number
            )));
        }
        let package_id = row.package_id.as_deref().or(before.package_id.as_deref());
        let slip =
            NewSlip { order_id, row, package_id, file_digest: None, held: None, learnt_at: planning.now };
        insert_slip(&mut conn, &self.id(), &slip).await?;
        let detail = format!("{old} by {}", row.number);
        self.decided(&mut conn, planning, actor, "slips.replace", order_id, detail).await?;
        self.plan_without(&mut conn, planning, order_id, old).await?;
        conn.commit().await
    }

    /// Removes a slip; likewise.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn remove_slip(
        &self,
        order_id: &str,
        number: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        let mut conn = self.write(Lock::Facts).await?;
        self.take_slip(&mut conn, order_id, number, None, actor, planning).await?;
        self.decided(&mut conn, planning, actor, "slips.remove", order_id, number.to_owned()).await?;
        self.plan_without(&mut conn, planning, order_id, number).await?;
        conn.commit().await
    }

    /// Slips, newest first; `unmatched`: rows that wait or are held.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn list_slips(
        &self,
        unmatched: bool,
        after: Option<&str>,
        limit: Option<u64>,
    ) -> Result<Vec<SlipView>> {
        let mut conn = self.read().await?;
        let sql = if unmatched {
            "SELECT s.id, s.order_id, s.number, s.carrier, s.kind, s.package_id, s.source, s.ship_date, s.learnt_at,
                 s.write_back, s.b2_registers, s.held, o.shop, o.id AS our_id, o.mall_order_id
             FROM slips s JOIN orders o ON o.id = s.order_id WHERE s.held IS NOT NULL AND s.id < $1
             UNION ALL
             SELECT r.id, '', r.number, r.carrier, r.kind, r.package_id, r.source, r.ship_date, r.learnt_at,
                 'unsent', r.b2_registers, COALESCE(r.held, 'waits for its order'), NULL, NULL, r.order_key
             FROM slip_rows r WHERE r.id < $1 ORDER BY 1 DESC LIMIT $2"
        } else {
            "SELECT s.id, s.order_id, s.number, s.carrier, s.kind, s.package_id, s.source, s.ship_date, s.learnt_at,
                 s.write_back, s.b2_registers, s.held, o.shop, o.id AS our_id, o.mall_order_id
             FROM slips s JOIN orders o ON o.id = s.order_id WHERE s.id < $1 ORDER BY s.id DESC LIMIT $2"
        };
        let rows: Vec<ViewColumns> =
            conn.rows(sql, args![after.unwrap_or(LAST_ID), rows::limit(limit)]).await?;
        let view = |row: ViewColumns| {
            Ok(SlipView {
                id: row.slip.id.clone(),
                shop: row.shop,
                order_id: row.our_id,
                mall_order_id: row.mall_order_id,
                slip: row.slip.try_into()?,
            })
        };
        rows.into_iter().map(view).collect()
    }

    /// When a file with this digest was imported before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn file_seen(&self, digest: &str) -> Result<Option<Timestamp>> {
        let mut conn = self.read().await?;
        let row: Option<(i64,)> =
            conn.row("SELECT imported_at FROM slip_files WHERE digest = $1", args![digest]).await?;
        Ok(row.map(|(at,)| Timestamp::from_micros(at)))
    }
}
