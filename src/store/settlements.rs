//! Card settlements, one row an order under a contract.

use std::collections::HashMap;

use serde::Serialize;

use super::db::{Conn, Lock, args, listed};
use super::people::Deed;
use super::rows::{self, At, LAST_ID, fold, list, time, to_json};
use super::slips::slips_of;
use super::{Planning, Result, Store, StoreError};
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::planner::Plan;
use crate::domain::settlement::{Observed, Settlement, SettlementState, is_reception_number, last_day};

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
}

macro_rules! columns {
    () => {
        "s.id, s.name, s.order_id, s.reception_number, s.state, s.amount, s.authorized_on, s.lapses_on,
         s.verified_at, s.looked_at, s.slips, s.held, s.asked, s.generation, s.linked_by"
    };
}

macro_rules! listed_columns {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", s.gateway_status, s.enquiry_number, o.shop, o.mall_order_id, o.due, o.ordered_at
             FROM settlements s JOIN orders o ON o.id = s.order_id WHERE ",
            $rest
        )
    };
}

/// The settlements of orders.
pub(super) async fn records_of(conn: &mut Conn, order_ids: &str) -> Result<Vec<Record>> {
    let rows: Vec<SettlementColumns> = conn
        .rows(
            listed!(concat!("SELECT ", columns!(), " FROM settlements s WHERE s.order_id IN "), ""),
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
        })
    };
    rows.into_iter().map(row).collect()
}

/// Why nobody may change which settlement an order has: something was sent for it.
async fn bound(conn: &mut Conn, order_id: &str) -> Result<Option<String>> {
    let row: Option<(String, String)> = conn
        .row(
            "SELECT id, state FROM operations WHERE order_id = $1
                 AND state IN ('sending', 'unknown', 'looking', 'done') ORDER BY id LIMIT 1",
            args![order_id],
        )
        .await?;
    Ok(row.map(|(id, state)| match state.as_str() {
        "done" => format!(
            "operation {id} has registered a slip under its reception number; undoing that waits for a person at the \
             gateway's own screen"
        ),
        _ => format!("operation {id} is {state}; wait until it is settled (`operations show {id}`)"),
    }))
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
                     ORDER BY s.id DESC LIMIT $5"
                ),
                args![
                    filter.after.as_deref().unwrap_or(LAST_ID),
                    &filter.name,
                    filter.state.map(SettlementState::as_str),
                    filter.held,
                    rows::limit(filter.limit),
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

    /// Links an order to a reception number of a contract by a person's word. Refused when the number belongs to another
    /// order (I8, decisions.md 2) or something is in flight.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn link_settlement(
        &self,
        order_id: &str,
        contract: &str,
        reception_number: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        if !planning.contracts.iter().any(|c| c.name == contract) {
            return Err(StoreError::NotFound(format!("the config has no [settlements.{contract}]")));
        }
        if !is_reception_number(reception_number) {
            return Err(StoreError::Refused(
                "not a reception number: 1 to 23 digits, capitals and # - * / < > : @".to_owned(),
            ));
        }
        let mut conn = self.write(Lock::Facts).await?;
        let subjects = self.subjects(&mut conn, &list([order_id])).await?;
        if subjects.is_empty() {
            return Err(StoreError::NotFound(format!("there is no order {order_id}")));
        }
        let holder: Option<(String, String)> = conn
            .row(
                "SELECT o.shop, o.mall_order_id FROM settlements s JOIN orders o ON o.id = s.order_id
                 WHERE s.name = $1 AND s.reception_number = $2 AND s.order_id <> $3",
                args![contract, reception_number, order_id],
            )
            .await?;
        if let Some((shop, number)) = holder {
            return Err(StoreError::Refused(format!(
                "reception number {reception_number} of {contract} belongs to order {number} of {shop}; \
                 `settlements unlink` it there first"
            )));
        }
        let before = records_of(&mut conn, &list([order_id])).await?.pop();
        let same = before.as_ref().is_some_and(|r| {
            r.settlement.name == contract
                && r.settlement.reception_number.as_deref() == Some(reception_number)
        });
        if !same && let Some(why) = bound(&mut conn, order_id).await? {
            return Err(StoreError::Refused(why));
        }
        if same {
            // Said again, it becomes a person's word and wishes that were refused may be wished anew.
            conn.execute(
                "UPDATE settlements SET linked_by = $2, generation = generation + 1 WHERE order_id = $1",
                args![order_id, actor],
            )
            .await?;
        } else {
            conn.execute(
                "INSERT INTO settlements (id, name, order_id, reception_number, state, slips, generation, linked_by)
                 VALUES ($1, $2, $3, $4, 'unknown', '[]', 0, $5)
                 ON CONFLICT (order_id) DO UPDATE SET name = excluded.name,
                     reception_number = excluded.reception_number, state = excluded.state,
                     slips = excluded.slips, amount = NULL, authorized_on = NULL, lapses_on = NULL,
                     verified_at = NULL, looked_at = NULL, gateway_status = NULL, enquiry_number = NULL,
                     generation = settlements.generation + 1, linked_by = excluded.linked_by",
                args![&self.id(), contract, order_id, reception_number, actor],
            )
            .await?;
        }
        let was = before.and_then(|r| r.settlement.reception_number);
        let detail =
            format!("{contract} {reception_number} (was {})", was.as_deref().unwrap_or("without a number"));
        self.decided(&mut conn, planning, actor, "settlements.link", order_id, detail).await?;
        self.plan_orders(&mut conn, planning, &subjects).await?;
        conn.commit().await
    }

    /// Takes the reception number away again; open operations are superseded.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn unlink_settlement(
        &self,
        settlement_id: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        let mut conn = self.write(Lock::Facts).await?;
        let order_id = order_of(&mut conn, settlement_id).await?;
        if let Some(why) = bound(&mut conn, &order_id).await? {
            return Err(StoreError::Refused(why));
        }
        let before = records_of(&mut conn, &list([&order_id])).await?.pop();
        let was = before.and_then(|r| r.settlement.reception_number);
        conn.execute(
            "UPDATE settlements SET reception_number = NULL, state = 'unlinked', slips = '[]', amount = NULL,
                 authorized_on = NULL, lapses_on = NULL, verified_at = NULL, looked_at = NULL,
                 gateway_status = NULL, enquiry_number = NULL, linked_by = $2
             WHERE id = $1",
            args![settlement_id, actor],
        )
        .await?;
        let detail = format!("was {}", was.as_deref().unwrap_or("without a number"));
        self.decided(&mut conn, planning, actor, "settlements.unlink", settlement_id, detail).await?;
        self.plan_after(&mut conn, planning, &order_id).await?;
        conn.commit().await
    }

    /// Holds a settlement: nothing is sent for it until it is released.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn hold_settlement(
        &self,
        settlement_id: &str,
        reason: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        let mut conn = self.write(Lock::Facts).await?;
        let order_id = order_of(&mut conn, settlement_id).await?;
        conn.execute("UPDATE settlements SET held = $2 WHERE id = $1", args![settlement_id, reason]).await?;
        self.decided(&mut conn, planning, actor, "settlements.hold", settlement_id, reason.to_owned())
            .await?;
        self.plan_after(&mut conn, planning, &order_id).await?;
        conn.commit().await
    }

    /// Releases it; the planner looks again.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn release_settlement(
        &self,
        settlement_id: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        let mut conn = self.write(Lock::Facts).await?;
        let order_id = order_of(&mut conn, settlement_id).await?;
        conn.execute("UPDATE settlements SET held = NULL WHERE id = $1", args![settlement_id]).await?;
        self.decided(&mut conn, planning, actor, "settlements.release", settlement_id, String::new()).await?;
        self.plan_after(&mut conn, planning, &order_id).await?;
        conn.commit().await
    }

    /// Writes what a look-up showed (state, amount, dates, slips), `verified` when the identity check passed.
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
        let authorized_on = observed.authorized_at.map(Timestamp::jst_date);
        let lapses_on = authorized_on.zip(authorization_days).and_then(|(on, days)| last_day(on, days));
        let mut conn = self.write(Lock::None).await?;
        let written = conn
            .execute(
                "UPDATE settlements SET state = $2, gateway_status = $3, amount = COALESCE($4, amount),
                     authorized_on = COALESCE($5, authorized_on), lapses_on = COALESCE($6, lapses_on),
                     slips = $7, enquiry_number = COALESCE($8, enquiry_number), looked_at = $9,
                     verified_at = CASE WHEN $10 = 1 THEN COALESCE(verified_at, $9) ELSE verified_at END
                 WHERE id = $1",
                args![
                    settlement_id,
                    observed.state.as_str(),
                    &observed.status,
                    observed.amount.map(|amount| amount.0),
                    &authorized_on.map(|day| day.to_string()),
                    &lapses_on.map(|day| day.to_string()),
                    &to_json(&observed.slips)?,
                    &observed.enquiry_number,
                    at,
                    verified,
                ],
            )
            .await?;
        if written == 0 {
            return Err(unknown_settlement(settlement_id));
        }
        conn.commit().await
    }

    /// Sums per contract and state.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn sum_settlements(&self) -> Result<Vec<SettlementSum>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String, String, i64, i64)> = conn
            .rows(
                "SELECT s.name, s.state, count(*), CAST(COALESCE(sum(COALESCE(s.amount, o.due)), 0) AS BIGINT)
                 FROM settlements s JOIN orders o ON o.id = s.order_id
                 GROUP BY s.name, s.state ORDER BY s.name, s.state",
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

    /// Captures done or under way since `since` (hour guard) and their yen since `day` (day guard), per contract.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn spent(&self, contract: &str, since: Timestamp, day: Timestamp) -> Result<(u64, Yen)> {
        let mut conn = self.read().await?;
        let row: Option<(i64, i64)> = conn
            .row(
                "SELECT CAST(COALESCE(sum(CASE WHEN sent_at >= $2 THEN 1 ELSE 0 END), 0) AS BIGINT),
                     CAST(COALESCE(sum(CASE WHEN sent_at >= $3 THEN amount ELSE 0 END), 0) AS BIGINT)
                 FROM operations
                 WHERE account = $1 AND kind = 'capture' AND sent_at IS NOT NULL
                     AND sent_at >= CASE WHEN $2 < $3 THEN $2 ELSE $3 END
                     AND state IN ('sending', 'unknown', 'looking', 'done')",
                args![contract, since, day],
            )
            .await?;
        Ok(row.map_or((0, Yen::ZERO), |(captures, yen)| (rows::unsigned(captures), Yen(yen))))
    }

    /// Writes the journal's line of a person's decision.
    pub(super) async fn decided(
        &self,
        conn: &mut Conn,
        planning: &Planning<'_>,
        actor: &str,
        action: &str,
        subject: &str,
        detail: String,
    ) -> Result<()> {
        let deed = Deed {
            at: planning.now,
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail,
        };
        self.write_deed(conn, &deed).await
    }

    /// Plans one order inside a person's transaction.
    pub(super) async fn plan_after(
        &self,
        conn: &mut Conn,
        planning: &Planning<'_>,
        order_id: &str,
    ) -> Result<()> {
        let subjects = self.subjects(conn, &list([order_id])).await?;
        self.plan_orders(conn, planning, &subjects).await?;
        Ok(())
    }
}

async fn order_of(conn: &mut Conn, settlement_id: &str) -> Result<String> {
    let row: Option<(String,)> =
        conn.row("SELECT order_id FROM settlements WHERE id = $1", args![settlement_id]).await?;
    row.map(|(id,)| id).ok_or_else(|| unknown_settlement(settlement_id))
}

fn unknown_settlement(id: &str) -> StoreError {
    StoreError::NotFound(format!("there is no settlement {id}"))
}
