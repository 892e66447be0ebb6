//! Reconciliation: which settlements are looked up, what a look-up showed, and what differs. The runs are in
//! [`super::runs`].

use std::collections::HashMap;
use std::time::Duration;

use super::db::{Conn, Lock, args, listed, locked};
use super::operations::{Operation, Seen};
use super::planning::load;
use super::rows::{self, At, list, time};
use super::settlements::{SettlementRow, compared_rows, observe};
use super::{Result, Store};
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::planner::{Contract, RegisteredBy};
use crate::domain::reconcile::{Difference, Sale, Shown, Unseen, compare};
use crate::domain::settlement::Observed;

/// A settlement that is to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToLook {
    /// The settlement.
    pub id: String,
    /// Its contract.
    pub contract: String,
    /// Its order.
    pub order_id: String,
    /// 受付番号.
    pub reception_number: String,
    /// Whether a look-up has shown that it is this order's own (decisions.md 2).
    pub verified: bool,
    /// The order's due.
    pub due: Option<Yen>,
    /// When it was ordered.
    pub ordered_at: Timestamp,
}

/// Which settlements of a contract are to be looked up; those that something is under way for are left to it.
#[derive(Clone, Copy, Debug)]
pub struct LookFilter<'a> {
    /// Those never looked up, unless an operation does it within `now` and `due_by`; else all that are open.
    pub first: bool,
    /// Of these the ones not looked up since then.
    pub before: Timestamp,
    /// An operation due by then looks by itself ([`LookFilter::first`]).
    pub due_by: Timestamp,
    /// What was sent since then may not show yet (kuroneko-webcollect.md §5.5).
    pub sent_after: Timestamp,
    /// Of this order alone.
    pub order_id: Option<&'a str>,
    /// After this id.
    pub after: &'a str,
    /// At most so many.
    pub limit: u64,
}

/// What a look-up showed.
#[derive(Clone, Copy, Debug)]
pub enum Look<'a> {
    /// One transaction; `verified`: it is the order's own.
    Shown {
        /// What is shown.
        observed: &'a Observed,
        /// The identity check passed.
        verified: bool,
    },
    /// No single one.
    Unseen(Unseen),
}

/// What differs for one settlement.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The settlement.
    pub row: SettlementRow,
    /// What differs, in the order of [`crate::domain::reconcile::Kind::ALL`].
    pub differences: Vec<Difference>,
}

/// Which settlements are compared.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// All that may differ, after this id, at most so many.
    After(&'a str, u64),
    /// Of these the ones that may differ in another way than at the time given: those that are open, those whose order or
    /// state changed since then, and those of which a difference was told.
    Since(Timestamp, &'a str, u64),
    /// These ids.
    Ids(&'a [&'a str]),
}

#[derive(sqlx::FromRow)]
struct ToLookColumns {
    id: String,
    order_id: String,
    reception_number: String,
    verified_at: Option<i64>,
    due: Option<i64>,
    ordered_at: i64,
}

#[derive(sqlx::FromRow)]
struct ShownColumns {
    id: String,
    unseen: Option<String>,
    gateway_status: Option<String>,
    registered_at: Option<i64>,
    shipped_on: Option<String>,
}

impl Store {
    /// The settlements of `contract` that `filter` names, in the order of their ids.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn settlements_to_look(
        &self,
        contract: &Contract,
        filter: &LookFilter<'_>,
    ) -> Result<Vec<ToLook>> {
        macro_rules! wanted {
            ($which:literal) => {
                concat!(
                    "SELECT s.id, s.order_id, s.reception_number, s.verified_at, o.due, o.ordered_at
                     FROM settlements s JOIN orders o ON o.id = s.order_id
                     WHERE s.name = $1 AND s.id > $2 AND ($3 IS NULL OR o.ordered_at >= $3)
                         AND s.reception_number IS NOT NULL AND s.resolved IS NULL
                         AND s.state NOT IN ('settled', 'canceled', 'refused')
                         AND ($4 IS NULL OR s.order_id = $4)
                         AND NOT EXISTS (SELECT 1 FROM operations p WHERE p.order_id = s.order_id
                             AND (p.state IN ('sending', 'unknown', 'looking') OR p.sent_at > $5",
                    $which,
                    " ORDER BY s.id LIMIT $7"
                )
            };
        }
        let first =
            wanted!(" OR p.state IN ('planned', 'ready') AND p.run_at <= $6)) AND s.looked_at IS NULL");
        let open = wanted!(")) AND (s.looked_at IS NULL OR s.looked_at < $6)");
        let mut conn = self.read().await?;
        let rows: Vec<ToLookColumns> = conn
            .rows(
                if filter.first { first } else { open },
                args![
                    &contract.name,
                    filter.after,
                    contract.since,
                    filter.order_id,
                    filter.sent_after,
                    if filter.first { filter.due_by } else { filter.before },
                    rows::limit(Some(filter.limit)),
                ],
            )
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| ToLook {
                id: row.id,
                contract: contract.name.clone(),
                order_id: row.order_id,
                reception_number: row.reception_number,
                verified: row.verified_at.is_some(),
                due: row.due.map(Yen),
                ordered_at: Timestamp::from_micros(row.ordered_at),
            })
            .collect())
    }

    /// Writes what a look-up showed that was sent at `sent_at`. `false`: something newer is known, an operation is under
    /// way or came to its end meanwhile, or the settlement was linked to another number or contract; then nothing is
    /// written.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn store_look(
        &self,
        settlement: &ToLook,
        look: Look<'_>,
        authorization_days: Option<u32>,
        sent_at: Timestamp,
    ) -> Result<bool> {
        let mut conn = self.write(Lock::None).await?;
        let id = &settlement.id;
        let fits = Fits {
            contract: &settlement.contract,
            reception_number: &settlement.reception_number,
            but_for: "",
            ended: sent_at,
        };
        let written = fits.lock(&mut conn, id, sent_at).await?
            && match look {
                Look::Shown { observed, verified } => {
                    let verified = verified || settlement.verified;
                    let seen = Seen { observed, verified, authorization_days, at: sent_at };
                    observe(&mut conn, id, &seen).await?
                }
                Look::Unseen(unseen) => {
                    conn.execute(
                        "UPDATE settlements SET unseen = $2, looked_at = $3 WHERE id = $1",
                        args![id, unseen.as_str(), sent_at],
                    )
                    .await?
                        > 0
                }
            };
        conn.finish(written).await?;
        Ok(written)
    }

    /// The same of a look-up that follows the end of `operation`; what that one did is known to it.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn store_look_after(&self, operation: &Operation, seen: Seen<'_>) -> Result<bool> {
        let mut conn = self.write(Lock::None).await?;
        let fits = Fits {
            contract: &operation.account,
            reception_number: operation.intent.reception_number(),
            but_for: &operation.id,
            // One that ended at this very moment went before `operation`: of a number one is under way at a time.
            ended: seen.at + Duration::from_micros(1),
        };
        let id = &operation.settlement_id;
        let written = fits.lock(&mut conn, id, seen.at).await? && observe(&mut conn, id, &seen).await?;
        conn.finish(written).await?;
        Ok(written)
    }

    /// What differs for settlements of `contract`, by what is known now; those that do not differ are left out. With
    /// [`Which::After`] and [`Which::Since`], also the id to go on after (`None` at the end).
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn compare_settlements(
        &self,
        contract: &Contract,
        which: Which<'_>,
        now: Timestamp,
    ) -> Result<(Vec<Compared>, Option<String>)> {
        let mut conn = self.read().await?;
        let ours = contract.registered_by == RegisteredBy::Mallsync;
        let (rows, next) = compared_rows(&mut conn, &contract.name, contract.since, ours, which).await?;
        let order_ids: Vec<&str> = rows.iter().map(|row| row.settlement.order_id.as_str()).collect();
        let known = load(&mut conn, &order_ids).await?;
        let subjects = self.subjects(&mut conn, &list(&order_ids)).await?;
        let orders: HashMap<&str, _> = subjects.iter().map(|s| (s.id.as_str(), &*s.order)).collect();
        let shown = shown_of(&mut conn, rows.iter().map(|row| row.settlement.id.as_str())).await?;
        let mut compared = Vec::new();
        for row in rows {
            let order_id = row.settlement.order_id.as_str();
            let (Some(order), Some(known)) = (orders.get(order_id), known.get(order_id)) else { continue };
            let nothing = Shown::default();
            let sale = Sale {
                order,
                settlement: &row.settlement,
                shown: shown.get(&row.settlement.id).unwrap_or(&nothing),
                slips: &known.slips,
                done: &known.done(),
            };
            let differences = compare(contract, &sale, now);
            if !differences.is_empty() {
                compared.push(Compared { row, differences });
            }
        }
        Ok((compared, next))
    }

    /// Settlements of `contract` of which a difference was told, after `after`, at most `limit`: `(id, kind)`.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn told_differences(
        &self,
        contract: &str,
        after: &str,
        limit: u64,
    ) -> Result<Vec<(String, String)>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String, String)> = conn
            .rows(
                "SELECT s.id, n.subject FROM notices n JOIN settlements s ON s.id = substr(n.subject, 1, 36)
                 WHERE n.topic = 'difference' AND s.name = $1 AND n.subject > $2 ORDER BY n.subject LIMIT $3",
                args![contract, after, rows::limit(Some(limit))],
            )
            .await?;
        Ok(rows)
    }
}

/// What a look-up was of.
struct Fits<'a> {
    contract: &'a str,
    reception_number: &'a str,
    /// An operation that the look-up followed.
    but_for: &'a str,
    /// What any other operation did that ended by then or later, it may not have shown.
    ended: Timestamp,
}

impl Fits<'_> {
    /// Whether a look-up sent at `sent_at` still tells something of the settlement, whose row is locked then.
    async fn lock(&self, conn: &mut Conn, settlement_id: &str, sent_at: Timestamp) -> Result<bool> {
        let fits: Option<(String,)> = conn
            .row(
                locked!(
                    "SELECT s.id FROM settlements s
                     WHERE s.id = $1 AND s.reception_number = $2 AND s.name = $4
                         AND (s.looked_at IS NULL OR s.looked_at <= $3)
                         AND NOT EXISTS (SELECT 1 FROM operations p WHERE p.order_id = s.order_id AND p.id <> $5
                             AND (p.state IN ('sending', 'unknown', 'looking')
                                  OR p.sent_at IS NOT NULL AND p.updated_at >= $6))"
                ),
                args![
                    settlement_id,
                    self.reception_number,
                    sent_at,
                    self.contract,
                    self.but_for,
                    self.ended,
                ],
            )
            .await?;
        Ok(fits.is_some())
    }
}

/// What the last look-ups left of settlements, beside what stands on them.
async fn shown_of<'a>(conn: &mut Conn, ids: impl Iterator<Item = &'a str>) -> Result<HashMap<String, Shown>> {
    let rows: Vec<ShownColumns> = conn
        .rows(
            listed!(
                "SELECT id, unseen, gateway_status, registered_at, shipped_on FROM settlements WHERE id ",
                ""
            ),
            args![&list(ids)],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let at = |column| At::new("settlements", column, &row.id);
            let unseen = row.unseen.as_deref().map(|word| at("unseen").word(word, Unseen::from_word));
            let shown = Shown {
                unseen: unseen.transpose()?,
                shipped_on: at("shipped_on").day(row.shipped_on.as_deref())?,
                registered_at: time(row.registered_at),
                status: row.gateway_status,
            };
            Ok((row.id, shown))
        })
        .collect()
}
