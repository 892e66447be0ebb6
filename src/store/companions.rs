//! Orders that carry one slip (同梱): what is known of the others when one of them is planned.

use std::collections::HashMap;

use super::db::{Conn, args, listed};
use super::rows::{At, list, unsigned};
use super::{Planning, Result, Store};
use crate::domain::money::Yen;
use crate::domain::order::Status;
use crate::domain::planner::Companion;

/// Of one slip: more than the gateway takes, so that too many are seen as that.
const MOST: i64 = 8;

#[derive(sqlx::FromRow)]
struct CompanionColumns {
    order_id: String,
    number: String,
    other_id: String,
    mall_order_id: String,
    status: String,
    due: Option<i64>,
    contract: Option<String>,
    shown: Option<String>,
    held: i64,
    slips: i64,
}

/// The other orders on the slips of `order_ids`, by order.
pub(super) async fn companions_of(
    conn: &mut Conn,
    order_ids: &str,
) -> Result<HashMap<String, Vec<Companion>>> {
    let rows: Vec<CompanionColumns> = conn
        .rows(
            listed!(
                "SELECT t.order_id, t.number, t.other_id, o.mall_order_id, o.status, o.due, s.name AS contract,
                     s.slips AS shown, t.held,
                     (SELECT count(*) FROM slips c WHERE c.order_id = t.other_id AND c.held IS NULL
                          AND c.carrier = 'yamato' AND c.kind NOT IN ('2', '9')) AS slips
                 FROM (SELECT a.order_id, a.number, b.order_id AS other_id,
                           CAST(CASE WHEN b.held IS NULL THEN 0 ELSE 1 END AS BIGINT) AS held,
                           row_number() OVER (PARTITION BY a.order_id, a.number ORDER BY b.order_id) AS place
                       FROM slips a JOIN slips b ON b.number = a.number AND b.order_id <> a.order_id
                       WHERE a.order_id ",
                ") AS t JOIN orders o ON o.id = t.other_id LEFT JOIN settlements s ON s.order_id = t.other_id
                 WHERE t.place <= $2 ORDER BY t.order_id, t.number, t.other_id"
            ),
            args![order_ids, MOST],
        )
        .await?;
    let mut companions: HashMap<String, Vec<Companion>> = HashMap::new();
    for row in rows {
        let shown: Vec<String> = match &row.shown {
            Some(shown) => At::new("settlements", "slips", &row.other_id).json(shown)?,
            None => Vec::new(),
        };
        let companion = Companion {
            status: At::new("orders", "status", &row.other_id).word(&row.status, Status::from_word)?,
            registered: shown.contains(&row.number),
            slip_number: row.number,
            order_id: row.other_id,
            mall_order_id: row.mall_order_id,
            due: row.due.map(Yen),
            contract: row.contract,
            slips: unsigned(row.slips),
            held: row.held != 0,
        };
        companions.entry(row.order_id).or_default().push(companion);
    }
    Ok(companions)
}

impl Store {
    /// Plans an order that lost slip `number`, and those that still carry it: what they may do rested on it.
    pub(super) async fn plan_without(
        &self,
        conn: &mut Conn,
        planning: &Planning<'_>,
        order_id: &str,
        number: &str,
    ) -> Result<()> {
        let rows: Vec<(String,)> = conn
            .rows(
                "SELECT order_id FROM slips WHERE number = $1 ORDER BY order_id LIMIT $2",
                args![number, MOST],
            )
            .await?;
        let ids = rows.iter().map(|(id,)| id.as_str()).filter(|id| *id != order_id).chain([order_id]);
        let subjects = self.subjects(conn, &list(ids)).await?;
        self.plan_orders(conn, planning, &subjects).await?;
        Ok(())
    }
}
