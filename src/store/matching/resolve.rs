//! Which orders the keys of a row name.

use std::collections::HashMap;

use super::{CUT, Incoming};
use crate::domain::order::Order;
use crate::store::Result;
use crate::store::db::{Conn, args, listed};
use crate::store::rows::{At, fold, list};

/// An order that a row may belong to.
#[derive(Clone)]
pub(in crate::store) struct Candidate {
    pub id: String,
    pub shop: String,
    pub order: Order,
}

/// What a row was matched with.
pub(super) enum Found {
    One(Box<Candidate>),
    Several(String),
    Nothing,
}

#[derive(sqlx::FromRow)]
struct CandidateColumns {
    id: String,
    shop: String,
    match_key: String,
    document: String,
}

/// The orders with these folded numbers (a JSON list), by their number.
pub(in crate::store) async fn by_keys(
    conn: &mut Conn,
    keys: &str,
) -> Result<HashMap<String, Vec<Candidate>>> {
    let rows: Vec<CandidateColumns> = conn
        .rows(
            listed!(
                "SELECT id, shop, match_key, document FROM orders WHERE match_key ",
                " ORDER BY shop, id"
            ),
            args![keys],
        )
        .await?;
    let mut by_key: HashMap<String, Vec<Candidate>> = HashMap::new();
    for row in rows {
        by_key.entry(row.match_key.clone()).or_default().push(candidate(row)?);
    }
    Ok(by_key)
}

/// The orders that rows belong to, each by the first of its keys that fits any.
pub(super) async fn resolve(conn: &mut Conn, incoming: &[Incoming]) -> Result<Vec<Found>> {
    let keys = incoming.iter().filter(|i| !i.row.by_number).flat_map(|i| {
        std::iter::once(&i.row.order_key).chain(&i.row.other_keys).map(|key| fold(key)).collect::<Vec<_>>()
    });
    let by_key = by_keys(conn, &list(keys)).await?;
    let mut found = Vec::with_capacity(incoming.len());
    for incoming in incoming {
        let row = &incoming.row;
        let key = if row.by_number { String::new() } else { fold(&row.order_key) };
        let mut several = Found::Nothing;
        let mut one = pick(by_key.get(&key), &mut several);
        if one.is_none() && matches!(several, Found::Nothing) && key.chars().count() == CUT {
            let end = format!("{key}\u{10FFFF}");
            let cut: Vec<CandidateColumns> = conn
                .rows(
                    "SELECT id, shop, match_key, document FROM orders WHERE match_key > $1 AND match_key < $2
                     ORDER BY match_key LIMIT 2",
                    args![&key, &end],
                )
                .await?;
            let cut = cut.into_iter().map(candidate).collect::<Result<Vec<_>>>()?;
            one = pick(Some(&cut), &mut several);
        }
        for key in &row.other_keys {
            if one.is_none() && matches!(several, Found::Nothing) {
                one = pick(by_key.get(&fold(key)), &mut several);
            }
        }
        if one.is_none()
            && matches!(several, Found::Nothing)
            && let Some(number) = row.reception_numbers.first()
        {
            let linked: Vec<CandidateColumns> = conn
                .rows(
                    "SELECT o.id, o.shop, o.match_key, o.document FROM settlements s
                     JOIN orders o ON o.id = s.order_id WHERE s.reception_number = $1 ORDER BY o.shop, o.id",
                    args![number.trim()],
                )
                .await?;
            let linked = linked.into_iter().map(candidate).collect::<Result<Vec<_>>>()?;
            one = pick(Some(&linked), &mut several);
        }
        found.push(one.map_or(several, |candidate| Found::One(Box::new(candidate))));
    }
    Ok(found)
}

fn candidate(row: CandidateColumns) -> Result<Candidate> {
    let order = At::new("orders", "document", &row.id).json(&row.document)?;
    Ok(Candidate { id: row.id, shop: row.shop, order })
}

/// The only candidate; several are a question for a person.
fn pick(candidates: Option<&Vec<Candidate>>, several: &mut Found) -> Option<Candidate> {
    match candidates.map(Vec::as_slice) {
        None | Some([]) => None,
        Some([only]) => Some(only.clone()),
        Some(many) => {
            let named: Vec<String> =
                many.iter().map(|c| format!("{} of {} ({})", c.order.mall_order_id, c.shop, c.id)).collect();
            *several = Found::Several(format!(
                "the number fits more than one order: {}; `slips add` with the order's id",
                named.join(", ")
            ));
            None
        }
    }
}
