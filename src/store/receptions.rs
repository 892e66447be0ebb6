//! Reception numbers that a person imports from a cart's file: matched with orders by their numbers, and kept where an
//! order is not there yet. A number is never guessed, and one that an order has is never overwritten (decisions.md 2).

use serde::Serialize;

use super::claims::Claim;
use super::db::{Conn, Lock, args, listed};
use super::rows::{self, LAST_ID, fold, list};
use super::{Planning, Result, Store, StoreError};
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::reception::{ReceptionOutcome, ReceptionReport, ReceptionRow};

/// One file's rows, imported together.
#[derive(Clone, Debug)]
pub struct ReceptionImport {
    /// File name, without folders.
    pub file: String,
    /// SHA-256 of the file, hex.
    pub digest: String,
    /// Rows in the order of the file, each order and each number once.
    pub rows: Vec<ReceptionRow>,
    /// Orders of this shop alone.
    pub shop: Option<String>,
    /// Under this contract alone; `None`: the one whose rule an order matches first.
    pub settlement: Option<String>,
    /// `true`: reports what would happen and rolls back.
    pub dry_run: bool,
}

/// What came of a file.
#[derive(Clone, Debug, Default)]
pub struct ReceptionsImported {
    /// One for each row, in the order of the file.
    pub reports: Vec<ReceptionReport>,
    /// The orders that were linked, each with its contract.
    pub linked: Vec<(String, String)>,
    /// Operations that are planned for them now.
    pub operations: u64,
    /// What they move; each order's sale once.
    pub yen: Yen,
    /// What each of them does, as it is stored.
    intents: Vec<String>,
}

impl ReceptionsImported {
    /// Adds the operations that follow, which stand together by their order.
    fn follow(&mut self, planned: Vec<(String, String, i64)>) {
        // Each parcel of an order registers the same sale: its yen count once.
        let sales = planned.chunk_by(|a, b| a.0 == b.0);
        let yen = sales.filter_map(|sale| sale.iter().map(|(_, _, yen)| Yen(*yen)).max());
        self.yen = yen.chain([self.yen]).sum();
        self.operations += u64::try_from(planned.len()).unwrap_or(u64::MAX);
        self.intents.extend(planned.into_iter().map(|(_, intent, _)| intent));
    }

    /// Whether the same rows are linked and the same operations follow.
    fn is_as(&self, read: &Self) -> bool {
        self.reports == read.reports && self.intents == read.intents
    }
}

/// An imported number that waits for its order, or (`held`) for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitingReception {
    /// Of the row: where the next page of a list goes on.
    #[serde(skip)]
    pub id: String,
    /// The order number as written.
    pub mall_order_id: String,
    /// 受付番号.
    pub reception_number: String,
    /// The shop that the person named.
    pub shop: Option<String>,
    /// The contract that the person named.
    pub settlement: Option<String>,
    /// What the file says the order amounts to.
    pub amount: Option<Yen>,
    /// `cart.csv:12`.
    pub source: String,
    /// Who imported it.
    pub actor: String,
    /// When.
    pub learnt_at: Timestamp,
    /// Why a person is needed; `None`: it waits for its order.
    pub held: Option<String>,
}

#[derive(sqlx::FromRow)]
pub(super) struct WaitingColumns {
    pub id: String,
    pub shop: String,
    pub contract: String,
    pub mall_order_id: String,
    pub reception_number: String,
    pub amount: Option<i64>,
    pub source: String,
    pub actor: String,
    pub learnt_at: i64,
    pub held: Option<String>,
}

/// Rows that are matched at a time: bounds the statements of one transaction.
const CHUNK: usize = 200;

impl Store {
    /// Links orders to the reception numbers of a file, in one transaction, and plans what follows. Every row is reported;
    /// good ones are stored, whatever becomes of the others. An order must match a rule of the contract; a number that
    /// belongs to another order, an order that has another number, an amount that is not the order's due and an order
    /// number of two shops are refused. A row whose order is not there yet waits for it; the file again changes nothing.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn import_receptions(
        &self,
        import: &ReceptionImport,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<ReceptionsImported> {
        self.import_receptions_as_read(import, None, actor, planning).await
    }

    /// The same after a person has read what would come of it: where another thing would now, nothing is written.
    ///
    /// # Errors
    /// See [`StoreError`]; `Refused` where it is not as it was `read`.
    pub async fn import_receptions_as_read(
        &self,
        import: &ReceptionImport,
        read: Option<&ReceptionsImported>,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<ReceptionsImported> {
        if let Some(name) = &import.settlement
            && !planning.contracts.iter().any(|contract| contract.name == *name)
        {
            return Err(StoreError::NotFound(format!("the config has no [settlements.{name}]")));
        }
        let mut conn = self.write(Lock::Facts).await?;
        let mut imported = ReceptionsImported::default();
        let mut written = false;
        for chunk in import.rows.chunks(CHUNK) {
            let claims: Vec<Claim> = chunk
                .iter()
                .map(|row| Claim {
                    row: row.clone(),
                    shop: import.shop.clone(),
                    contract: import.settlement.clone(),
                    actor: actor.to_owned(),
                    waiting: None,
                })
                .collect();
            let settled = self.settle_claims(&mut conn, &claims, planning).await?;
            written |= settled.kept || !settled.linked.is_empty();
            let ids = list(settled.linked.iter().map(|(id, _)| id));
            let subjects = self.subjects(&mut conn, &ids).await?;
            self.plan_orders(&mut conn, planning, &subjects).await?;
            imported.follow(planned(&mut conn, &ids).await?);
            imported.reports.extend(settled.reports);
            imported.linked.extend(settled.linked);
        }
        if read.is_some_and(|read| !imported.is_as(read)) {
            return Err(StoreError::Refused(
                "changed while you read: other rows would be linked, or other operations follow; run it again"
                    .to_owned(),
            ));
        }
        if import.dry_run || !written {
            conn.rollback().await?;
            return Ok(imported);
        }
        let count = |outcome| imported.reports.iter().filter(|report| report.outcome == outcome).count();
        let detail = format!(
            "{}: {} rows, {} linked, {} known, {} waiting, {} refused",
            import.file,
            imported.reports.len(),
            count(ReceptionOutcome::Linked),
            count(ReceptionOutcome::Known),
            count(ReceptionOutcome::Waiting),
            count(ReceptionOutcome::Refused),
        );
        self.decided(&mut conn, planning, actor, "settlements.import", &import.digest, detail).await?;
        conn.commit().await?;
        Ok(imported)
    }

    /// Imported numbers that wait for their order or for a person, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn waiting_receptions(
        &self,
        after: Option<&str>,
        limit: Option<u64>,
    ) -> Result<Vec<WaitingReception>> {
        let mut conn = self.read().await?;
        let rows: Vec<WaitingColumns> = conn
            .rows(
                "SELECT id, shop, contract, mall_order_id, reception_number, amount, source, actor, learnt_at, held
                 FROM reception_rows WHERE id < $1 ORDER BY id DESC LIMIT $2",
                args![after.unwrap_or(LAST_ID), rows::limit(limit)],
            )
            .await?;
        let view = |row: WaitingColumns| WaitingReception {
            id: row.id,
            mall_order_id: row.mall_order_id,
            reception_number: row.reception_number,
            shop: named(row.shop),
            settlement: named(row.contract),
            amount: row.amount.map(Yen),
            source: row.source,
            actor: row.actor,
            learnt_at: Timestamp::from_micros(row.learnt_at),
            held: row.held,
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// Gives up imported numbers that wait: those of an order's number, or a reception number. Returns how many.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn forget_receptions(&self, id: &str, actor: &str, planning: &Planning<'_>) -> Result<u64> {
        let mut conn = self.write(Lock::Facts).await?;
        let gone = conn
            .execute(
                "DELETE FROM reception_rows WHERE match_key = $1 OR reception_number = $2",
                args![&fold(id), id.trim()],
            )
            .await?;
        if gone > 0 {
            let detail = "an imported number that waited".to_owned();
            self.decided(&mut conn, planning, actor, "settlements.unlink", id.trim(), detail).await?;
        }
        conn.finish(gone > 0).await?;
        Ok(gone)
    }
}

/// The operations that are planned for orders: (order, what is done, yen that move).
async fn planned(conn: &mut Conn, order_ids: &str) -> Result<Vec<(String, String, i64)>> {
    conn.rows(
        listed!(
            "SELECT order_id, intent, amount FROM operations WHERE state = 'planned' AND order_id ",
            " ORDER BY order_id, intent"
        ),
        args![order_ids],
    )
    .await
}

/// A name that may be missing, from its column.
pub(super) fn named(name: String) -> Option<String> {
    (!name.is_empty()).then_some(name)
}
