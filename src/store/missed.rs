//! Orders that are paid by card and belong to no settlement.

use super::db::{args, listed};
use super::rows::{self, list};
use super::{Result, Store};
use crate::clock::Timestamp;
use crate::domain::order::Order;
use crate::domain::planner::Contract;
use crate::domain::reconcile::{Difference, MISSED_FOR, missed};

/// An order that no rule of any contract fits, though it is paid by card.
#[derive(Clone, Debug)]
pub struct Missed {
    /// Our order id.
    pub order_id: String,
    /// Its shop.
    pub shop: String,
    /// The mall's order number.
    pub mall_order_id: String,
    /// What is told of it.
    pub difference: Difference,
}

/// Which orders are looked at.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// All of the contract's shops, after this id, at most so many.
    After(&'a str, u64),
    /// These ids.
    Ids(&'a [&'a str]),
}

macro_rules! without_settlement {
    ($which:literal) => {
        concat!(
            "SELECT o.id, o.shop, o.mall_order_id, o.document FROM orders o
             WHERE o.status <> 'canceled' AND o.due > 0 AND o.document LIKE '%\"credit_card\"%'
                 AND NOT EXISTS (SELECT 1 FROM settlements s WHERE s.order_id = o.id)
                 AND ",
            $which
        )
    };
}

impl Store {
    /// The orders that are missed under `contract`. With [`Of::After`], also the id to go on after (`None` at the end).
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn missed_orders(
        &self,
        contracts: &[Contract],
        contract: &Contract,
        of: Of<'_>,
        now: Timestamp,
    ) -> Result<(Vec<Missed>, Option<String>)> {
        let mut conn = self.read().await?;
        let shops = list(contract.rules.iter().map(|rule| rule.shop.as_str()));
        let from =
            Timestamp::jst_midnight(now.jst_date()) - std::time::Duration::from_secs(MISSED_FOR * 86_400);
        let rows: Vec<(String, String, String, String)> = match of {
            Of::After(after, limit) => {
                conn.rows(
                    listed!(
                        without_settlement!("o.id > $2 AND o.ordered_at >= $3 AND o.shop "),
                        " ORDER BY o.id LIMIT $4"
                    ),
                    args![&shops, after, from.max(contract.since.unwrap_or(from)), rows::limit(Some(limit))],
                )
                .await?
            }
            Of::Ids(ids) => {
                conn.rows(
                    listed!(without_settlement!("o.ordered_at >= $2 AND o.id "), " ORDER BY o.id"),
                    args![&list(ids), from],
                )
                .await?
            }
        };
        let next = match of {
            Of::After(_, limit) if u64::try_from(rows.len()).is_ok_and(|n| n >= limit) => {
                rows.last().map(|row| row.0.clone())
            }
            _ => None,
        };
        let mut all = Vec::new();
        for (order_id, shop, mall_order_id, document) in rows {
            let order: Order = rows::At::new("orders", "document", &order_id).json(&document)?;
            let difference = missed(contracts, contract, &shop, &order);
            all.extend(difference.map(|difference| Missed { order_id, shop, mall_order_id, difference }));
        }
        Ok((all, next))
    }

    /// Orders of which it was told that they are missed, after `after`, at most `limit`: `(order, subject)`.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn told_missed(&self, after: &str, limit: u64) -> Result<Vec<(String, String)>> {
        let mut conn = self.read().await?;
        conn.rows(
            "SELECT substr(subject, 1, 36), subject FROM notices
             WHERE topic = 'difference' AND subject LIKE '%/no_rule' AND subject > $1 ORDER BY subject LIMIT $2",
            args![after, rows::limit(Some(limit))],
        )
        .await
    }
}
