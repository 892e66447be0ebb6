//! Planning by the clock alone: every open order is looked at beside whatever else is written, and only those that come
//! out otherwise are planned anew.

use std::collections::HashSet;

use super::claims::claims_against;
use super::db::{Conn, Lock, args, listed};
use super::linking::links;
use super::matching::keys_of_order;
use super::planning::{Subject, decide, load, subject};
use super::rows::{fold, limit as most, list};
use super::{Planning, Result, Store};

impl Store {
    /// Plans every open order of every contract anew: after a change of rules, of mode, or of the day. Drops planned and
    /// ready operations of contracts that are in dry-run or gone. Works in pages of `limit` orders, each in a transaction of
    /// its own where anything is to be written; returns the id to go on after, `None` at the end.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn replan(
        &self,
        planning: &Planning<'_>,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Option<String>> {
        let mut reader = self.read().await?;
        let page = open_orders(&mut reader, planning, after.unwrap_or(""), limit).await?;
        let full = u64::try_from(page.len()).is_ok_and(|n| n >= limit);
        let next = page.last().filter(|_| full).map(|last| last.id.clone());
        let differing = differing(&mut reader, planning, &page).await?;
        drop(reader);
        if !differing.is_empty() {
            let mut conn = self.write(Lock::Facts).await?;
            // As they are now: what was read before may have changed.
            let subjects = self.subjects(&mut conn, &list(&differing)).await?;
            self.plan_orders(&mut conn, planning, &subjects).await?;
            conn.commit().await?;
        }
        Ok(next)
    }
}

/// The orders that are open, or whose settlement is, in the order of their ids.
async fn open_orders(
    conn: &mut Conn,
    planning: &Planning<'_>,
    after: &str,
    limit: u64,
) -> Result<Vec<Subject<'static>>> {
    let shops = list(planning.contracts.iter().flat_map(|c| c.rules.iter().map(|r| r.shop.as_str())));
    let rows: Vec<(String, String, String)> = conn
        .rows(
            // Both from an index of what is open: those that are closed are many.
            listed!(
                "SELECT o.id, o.shop, o.document FROM orders o JOIN (
                     SELECT id FROM (
                         SELECT s.order_id AS id FROM settlements s
                         WHERE s.order_id > $2 AND s.state NOT IN ('settled', 'canceled', 'refused')
                         UNION SELECT q.id AS id FROM orders q
                         WHERE q.id > $2 AND q.status NOT IN ('completed', 'canceled') AND q.shop ",
                ") AS open ORDER BY id LIMIT $3) AS page ON page.id = o.id ORDER BY o.id"
            ),
            args![&shops, after, most(Some(limit))],
        )
        .await?;
    rows.into_iter().map(subject).collect()
}

/// Those of `page` for which something would be written. Where a row of a file waits for an order, whatever comes of it.
async fn differing(conn: &mut Conn, planning: &Planning<'_>, page: &[Subject<'_>]) -> Result<Vec<String>> {
    if page.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = page.iter().map(|subject| subject.id.as_str()).collect();
    let known = load(conn, &ids).await?;
    let claims = claims_against(conn, page).await?;
    let steps = links(conn, planning.contracts, page.iter(), &known, &claims).await?;
    let number = |subject: &Subject<'_>| {
        let known = known.get(&subject.id)?;
        let number = known.record.as_ref()?.settlement.reception_number.as_ref()?;
        Some(format!("number/{number}"))
    };
    let keys_of = |subject: &Subject<'_>| -> Vec<String> {
        keys_of_order(&subject.order.mall_order_id).into_iter().chain(number(subject)).collect()
    };
    let slips = waiting(
        conn,
        listed!("SELECT DISTINCT key FROM slip_row_keys WHERE key ", ""),
        page.iter().flat_map(keys_of),
    )
    .await?;
    let numbers = waiting(
        conn,
        listed!("SELECT DISTINCT match_key FROM reception_rows WHERE match_key ", ""),
        page.iter().map(|subject| fold(&subject.order.mall_order_id)),
    )
    .await?;
    let differs = |subject: &&Subject<'_>| {
        let step = steps.get(&subject.id);
        step.is_some_and(|step| step.change.is_some())
            || numbers.contains(&fold(&subject.order.mall_order_id))
            || keys_of(subject).iter().any(|key| slips.contains(key))
            || known.get(&subject.id).is_some_and(|known| {
                decide(planning.contracts, subject, known, step, planning.now)
                    .is_some_and(|decision| decision.differs(known, planning.now))
            })
    };
    Ok(page.iter().filter(differs).map(|subject| subject.id.clone()).collect())
}

/// Those of `keys` that rows of files wait under.
async fn waiting(
    conn: &mut Conn,
    sql: super::db::Sql,
    keys: impl Iterator<Item = String>,
) -> Result<HashSet<String>> {
    let rows: Vec<(String,)> = conn.rows(sql, args![&list(keys)]).await?;
    Ok(rows.into_iter().map(|(key,)| key).collect())
}
