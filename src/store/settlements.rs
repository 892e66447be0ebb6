//! Card settlements, one row an order under a contract.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Serialize;

use super::db::{Conn, Lock, args, listed};
use super::operations::Seen;
use super::reconciling::Which;
use super::rows::{self, At, LAST_ID, fold, list, time, to_json};
use super::slips::slips_of;
use super::{Result, Store, StoreError};
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::planner::Plan;
use crate::domain::settlement::{Observed, Settlement, SettlementState, last_day};

/// A settlement with the facts of its order that people ask for.
#[derive(Clone, Debug)]
pub struct SettlementRow {
    /// The row.
    pub settlement: Settlement,
    /// The gateway's own status, as sent.
    pub gateway_status: Option<String>,
    /// The gateway's own enquiry number, for its support desk.
    pub enquiry_number: Option<String>,
    /// The order's shop.
    pub shop: String,
    /// The mall's order number.
    pub mall_order_id: String,
    /// The order's due.
    pub due: Option<Yen>,
    /// When it was ordered.
    pub ordered_at: Timestamp,
    /// Slips we know.
    pub slips: Vec<String>,
    /// Who asked for the [`Settlement::wish`] that stands.
    pub wished_by: Option<String>,
}

/// Which settlements to list.
#[derive(Clone, Debug, Default)]
pub struct SettlementFilter {
    /// One contract.
    pub name: Option<String>,
    /// One state.
    pub state: Option<SettlementState>,
    /// Only those that a person must decide.
    pub held: bool,
    /// Only authorisations whose last day is this one or an earlier one.
    pub lapses_by: Option<NaiveDate>,
    /// Only authorisations that a person is asked to renew.
    pub to_renew: bool,
    /// At most so many.
    pub limit: Option<u64>,
    /// After this id.
    pub after: Option<String>,
}

/// What `settlements preview` shows of one order: what the planner wants now.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The settlement.
    pub row: SettlementRow,
    /// What is wanted, waited for, or asked.
    pub plan: Plan,
}

/// Sums for summaries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SettlementSum {
    /// The contract.
    pub name: String,
    /// The state.
    pub state: Option<SettlementState>,
    /// How many.
    pub settlements: u64,
    /// Yen.
    pub yen: Yen,
}

/// A settlement's row: [`Settlement::held`] is a person's word alone here, `asked` is what the planner asks.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub settlement: Settlement,
    pub asked: Option<String>,
}

impl Record {
    /// As everybody else sees it: a person's hold first, else the planner's question.
    pub(super) fn shown(mut self) -> Settlement {
        self.settlement.held = self.settlement.held.or(self.asked);
        self.settlement
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct SettlementColumns {
    id: String,
    name: String,
    order_id: String,
    reception_number: Option<String>,
    state: String,
    amount: Option<i64>,
    authorized_on: Option<String>,
    lapses_on: Option<String>,
    verified_at: Option<i64>,
    looked_at: Option<i64>,
    slips: String,
    held: Option<String>,
    asked: Option<String>,
    wish: Option<String>,
    resolved: Option<String>,
    authorized_at: Option<i64>,
    approval: Option<String>,
    scheduled_on: Option<String>,
    generation: i64,
    linked_by: String,
}

impl TryFrom<SettlementColumns> for Record {
    type Error = StoreError;
    fn try_from(row: SettlementColumns) -> Result<Self> {
        let at = |column| At::new("settlements", column, &row.id);
        let settlement = Settlement {
            state: at("state").word(&row.state, SettlementState::from_word)?,
            amount: row.amount.map(Yen),
            authorized_on: at("authorized_on").day(row.authorized_on.as_deref())?,
            lapses_on: at("lapses_on").day(row.lapses_on.as_deref())?,
            verified_at: time(row.verified_at),
            looked_at: time(row.looked_at),
            slips: at("slips").json(&row.slips)?,
            held: row.held,
            wish: row.wish.as_deref().map(|text| at("wish").json(text)).transpose()?,
            resolved: row.resolved,
            authorized_at: time(row.authorized_at),
            approval: row.approval,
            scheduled_on: at("scheduled_on").day(row.scheduled_on.as_deref())?,
            generation: row.generation,
            id: row.id,
            name: row.name,
            order_id: row.order_id,
            reception_number: row.reception_number,
            linked_by: row.linked_by,
        };
        Ok(Self { settlement, asked: row.asked })
    }
}

#[derive(sqlx::FromRow)]
struct ListedColumns {
    #[sqlx(flatten)]
    settlement: SettlementColumns,
    gateway_status: Option<String>,
    enquiry_number: Option<String>,
    shop: String,
    mall_order_id: String,
    due: Option<i64>,
    ordered_at: i64,
    wished_by: Option<String>,
}

macro_rules! columns {
    () => {
        "s.id, s.name, s.order_id, s.reception_number, s.state, s.amount, s.authorized_on, s.lapses_on,
         s.verified_at, s.looked_at, s.slips, s.held, s.asked, s.wish, s.resolved, s.authorized_at, s.approval,
         s.scheduled_on, s.generation, s.linked_by"
    };
}

macro_rules! listed_columns {
    ($($rest:literal),+) => {
        concat!(
            "SELECT ",
            columns!(),
            ", s.gateway_status, s.enquiry_number, o.shop, o.mall_order_id, o.due, o.ordered_at, s.wished_by
             FROM settlements s JOIN orders o ON o.id = s.order_id WHERE ",
            $($rest),+
        )
    };
}

/// The settlements of orders.
pub(super) async fn records_of(conn: &mut Conn, order_ids: &str) -> Result<Vec<Record>> {
    let rows: Vec<SettlementColumns> = conn
        .rows(
            listed!(concat!("SELECT ", columns!(), " FROM settlements s WHERE s.order_id "), ""),
            args![order_ids],
        )
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The page of a contract's settlements that `preview` shows.
pub(super) async fn previewed(
    conn: &mut Conn,
    contract: &str,
    after: &str,
    limit: u64,
) -> Result<Vec<SettlementRow>> {
    let rows = conn
        .rows(
            listed_columns!(
                "s.name = $1 AND s.id < $2 AND s.state NOT IN ('settled', 'canceled', 'refused')
                 ORDER BY s.id DESC LIMIT $3"
            ),
            args![contract, after, rows::limit(Some(limit))],
        )
        .await?;
    with_slips(conn, rows).await
}

/// What of a contract's settlements may differ from the gateway's books: all that are not final, and of those that are the
/// ones whose order says otherwise. `$2`: since when ordered, `$3`: registered slips are our own.
macro_rules! differing {
    ($name:literal, $($rest:literal),+) => {
        listed_columns!(
            $name,
            " AND ($2 IS NULL OR o.ordered_at >= $2) AND s.resolved IS NULL
             AND (s.state NOT IN ('settled', 'canceled', 'refused')
                  OR s.state <> 'settled' AND o.status <> 'canceled'
                  OR s.state = 'settled' AND (o.status = 'canceled' OR o.due <> s.amount
                      OR $3 = 1 AND NOT EXISTS (SELECT 1 FROM operations p WHERE p.order_id = s.order_id
                          AND p.reception_number = s.reception_number
                          AND p.kind = 'capture' AND p.state = 'done')))",
            $($rest),+
        )
    };
}

/// The settlements of a contract that may differ from the gateway's books, in the order of their ids, and the id to go on
/// after.
pub(super) async fn compared_rows(
    conn: &mut Conn,
    contract: &str,
    since: Option<Timestamp>,
    captures: bool,
    which: Which<'_>,
) -> Result<(Vec<SettlementRow>, Option<String>)> {
    let full = |n: usize, limit: u64| u64::try_from(n).is_ok_and(|n| n >= limit);
    let (rows, next) = match which {
        Which::After(after, limit) => {
            let rows: Vec<ListedColumns> = conn
                .rows(
                    differing!("s.name = $1", " AND s.id > $4 ORDER BY s.id LIMIT $5"),
                    args![contract, since, captures, after, rows::limit(Some(limit))],
                )
                .await?;
            let next = rows.last().filter(|_| full(rows.len(), limit)).map(|row| row.settlement.id.clone());
            (rows, next)
        }
        Which::Since(at, after, limit) => {
            let ids = stirred(conn, contract, at, after, limit).await?;
            let next = ids.last().filter(|_| full(ids.len(), limit)).cloned();
            let text = listed!(differing!("s.name = $4", " AND s.id "), " ORDER BY s.id");
            (conn.rows(text, args![&list(&ids), since, captures, contract]).await?, next)
        }
        Which::Ids(ids) => {
            let text = listed!(listed_columns!("s.name = $2 AND s.id "), " ORDER BY s.id");
            (conn.rows(text, args![&list(ids), contract]).await?, None)
        }
    };
    Ok((with_slips(conn, rows).await?, next))
}

/// The settlements that are open, those whose order or state changed since `at`, and those of which a difference was told.
/// Each comes from an index: of what has ended, which is most, only that is read.
async fn stirred(
    conn: &mut Conn,
    contract: &str,
    at: Timestamp,
    after: &str,
    limit: u64,
) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = conn
        .rows(
            "SELECT id FROM (
                 SELECT q.id AS id FROM settlements q
                 WHERE q.name = $1 AND q.state NOT IN ('settled', 'canceled', 'refused')
                 UNION SELECT q.id AS id FROM settlements q WHERE q.name = $1
                     AND q.state IN ('settled', 'canceled', 'refused') AND q.looked_at >= $2
                 UNION SELECT q.id AS id FROM orders c CROSS JOIN settlements q
                 WHERE c.changed_at >= $2 AND q.order_id = c.id AND q.name = $1
                 UNION SELECT substr(n.subject, 1, 36) AS id FROM notices n WHERE n.topic = 'difference'
             ) AS stirred WHERE id > $3 ORDER BY id LIMIT $4",
            args![contract, at, after, rows::limit(Some(limit))],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

async fn with_slips(conn: &mut Conn, rows: Vec<ListedColumns>) -> Result<Vec<SettlementRow>> {
    let ids = list(rows.iter().map(|row| row.settlement.order_id.as_str()));
    let mut slips = if rows.is_empty() { HashMap::new() } else { slips_of(conn, &ids).await? };
    let row = |row: ListedColumns| {
        let settlement = Record::try_from(row.settlement)?.shown();
        let slips = slips.remove(&settlement.order_id).unwrap_or_default();
        Ok(SettlementRow {
            settlement,
            gateway_status: row.gateway_status,
            enquiry_number: row.enquiry_number,
            shop: row.shop,
            mall_order_id: row.mall_order_id,
            due: row.due.map(Yen),
            ordered_at: Timestamp::from_micros(row.ordered_at),
            slips: slips.into_iter().map(|slip| slip.number).collect(),
            wished_by: row.wished_by,
        })
    };
    rows.into_iter().map(row).collect()
}

impl Store {
    /// Settlements, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn list_settlements(&self, filter: &SettlementFilter) -> Result<Vec<SettlementRow>> {
        let mut conn = self.read().await?;
        let rows = conn
            .rows(
                listed_columns!(
                    "s.id < $1 AND ($2 IS NULL OR s.name = $2) AND ($3 IS NULL OR s.state = $3)
                     AND ($4 = 0 OR s.held IS NOT NULL OR s.asked IS NOT NULL)
                     AND ($6 IS NULL OR (s.lapses_on <= $6 AND s.state = 'authorized'))
                     AND ($7 = 0 OR s.renew_by IS NOT NULL)
                     ORDER BY s.id DESC LIMIT $5"
                ),
                args![
                    filter.after.as_deref().unwrap_or(LAST_ID),
                    &filter.name,
                    filter.state.map(SettlementState::as_str),
                    filter.held,
                    rows::limit(filter.limit),
                    &filter.lapses_by.map(|day| day.to_string()),
                    filter.to_renew,
                ],
            )
            .await?;
        with_slips(&mut conn, rows).await
    }

    /// The settlements that `id` names: ours, a reception number, or an order's id or number.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn find_settlements(&self, id: &str) -> Result<Vec<SettlementRow>> {
        let mut conn = self.read().await?;
        let rows = conn
            .rows(
                listed_columns!(
                    "s.id = $1 OR s.reception_number = $1 OR o.id = $1 OR o.match_key = $2 ORDER BY s.id"
                ),
                args![id.trim(), &fold(id)],
            )
            .await?;
        with_slips(&mut conn, rows).await
    }

    /// Writes what a look-up that was sent at `at` showed (state, amount, dates, slips), `verified` when the identity check
    /// passed; nothing where a later one has been written.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn observe_settlement(
        &self,
        settlement_id: &str,
        observed: &Observed,
        verified: bool,
        authorization_days: Option<u32>,
        at: Timestamp,
    ) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        let there: Option<()> =
            conn.row("SELECT 1 FROM settlements WHERE id = $1", args![settlement_id]).await?;
        if there.is_none() {
            return Err(unknown_settlement(settlement_id));
        }
        let seen = Seen { observed, verified, authorization_days, at };
        let written = observe(&mut conn, settlement_id, &seen).await?;
        conn.finish(written).await
    }

    /// A reception number under `contract`, the newest: something to look up.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn newest_reception_number(&self, contract: &str) -> Result<Option<String>> {
        let mut conn = self.read().await?;
        let row: Option<(String,)> = conn
            .row(
                "SELECT reception_number FROM settlements WHERE name = $1 AND reception_number IS NOT NULL
                 ORDER BY id DESC LIMIT 1",
                args![contract],
            )
            .await?;
        Ok(row.map(|(number,)| number))
    }

    /// Sums per contract and state.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn sum_settlements(&self) -> Result<Vec<SettlementSum>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String, String, i64, i64)> = conn
            .rows(
                // The order is asked only where no look-up has shown an amount: the others come from an index alone.
                "SELECT s.name, s.state, count(*), CAST(COALESCE(sum(COALESCE(s.amount,
                     (SELECT o.due FROM orders o WHERE o.id = s.order_id))), 0) AS BIGINT)
                 FROM settlements s GROUP BY s.name, s.state ORDER BY s.name, s.state",
                &[],
            )
            .await?;
        let sum = |(name, state, settlements, yen): (String, String, i64, i64)| {
            let state = At::new("settlements", "state", &name).word(&state, SettlementState::from_word)?;
            Ok(SettlementSum {
                state: Some(state),
                settlements: rows::unsigned(settlements),
                yen: Yen(yen),
                name,
            })
        };
        rows.into_iter().map(sum).collect()
    }
}

/// [`Store::observe_settlement`], in the transaction of who calls. `false`: a later look was written before.
pub(super) async fn observe(conn: &mut Conn, settlement_id: &str, seen: &Seen<'_>) -> Result<bool> {
    let Seen { observed, verified, authorization_days, at } = *seen;
    let authorized_on = observed.authorized_at.map(Timestamp::jst_date);
    let lapses_on = authorized_on.zip(authorization_days).and_then(|(on, days)| last_day(on, days));
    let state = observed.state.on(lapses_on, at.jst_date());
    let written = conn
        .execute(
            "UPDATE settlements SET state = $2, gateway_status = $3, amount = COALESCE($4, amount),
                 authorized_on = COALESCE($5, authorized_on), lapses_on = COALESCE($6, lapses_on),
                 authorized_at = COALESCE($11, authorized_at), approval = COALESCE($12, approval),
                 scheduled_on = $13, registered_at = $14, shipped_on = $15, unseen = NULL,
                 slips = $7, enquiry_number = COALESCE($8, enquiry_number), looked_at = $9,
                 verified_at = CASE WHEN $10 = 1 THEN COALESCE(verified_at, $9) ELSE verified_at END
             WHERE id = $1 AND (looked_at IS NULL OR looked_at <= $9)",
            args![
                settlement_id,
                state.as_str(),
                &observed.status,
                observed.amount.map(|amount| amount.0),
                &authorized_on.map(|day| day.to_string()),
                &lapses_on.map(|day| day.to_string()),
                &to_json(&observed.slips)?,
                &observed.enquiry_number,
                at,
                verified,
                observed.authorized_at,
                &observed.approval,
                &observed.scheduled_on.map(|day| day.to_string()),
                observed.registered_at,
                &observed.shipped_on.map(|day| day.to_string()),
            ],
        )
        .await?;
    Ok(written > 0)
}

pub(super) fn unknown_settlement(id: &str) -> StoreError {
    StoreError::NotFound(format!("there is no settlement {id}"))
}
