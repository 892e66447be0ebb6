//! What becomes of an imported reception number: its order gets it, or it waits for it, or a person must look.

use std::collections::{HashMap, HashSet};

use super::db::{Conn, args, listed};
use super::matching::{Candidate, by_keys};
use super::parcels::{Holder, Holders, holders};
use super::planning::{Known, Subject, load};
use super::receptions::{WaitingColumns, named};
use super::rows::{fold, list};
use super::{Planning, Result, Store};
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::planner::{self, Contract};
use crate::domain::reception::{ReceptionOutcome, ReceptionReport, ReceptionRow, imported_by, is_imported};

/// A row with what the person said about its file.
pub(super) struct Claim {
    pub row: ReceptionRow,
    pub shop: Option<String>,
    pub contract: Option<String>,
    pub actor: String,
    /// Its id while it waits; `None` when it has just been read.
    pub waiting: Option<String>,
}

impl Claim {
    /// Whether both waited for one order of `shop`, and give it different numbers.
    fn rivals(&self, other: &Self, shop: &str) -> bool {
        let concerns =
            |claim: &Self| claim.waiting.is_some() && claim.shop.as_deref().is_none_or(|named| named == shop);
        concerns(self)
            && concerns(other)
            && fold(&self.row.mall_order_id) == fold(&other.row.mall_order_id)
            && self.row.reception_number != other.row.reception_number
    }
}

impl From<WaitingColumns> for Claim {
    fn from(row: WaitingColumns) -> Self {
        Self {
            row: ReceptionRow {
                source: row.source,
                mall_order_id: row.mall_order_id,
                reception_number: row.reception_number,
                amount: row.amount.map(Yen),
            },
            shop: named(row.shop),
            contract: named(row.contract),
            actor: row.actor,
            waiting: Some(row.id),
        }
    }
}

/// What came of claims.
#[derive(Default)]
pub(super) struct Settled {
    /// One for each claim, in their order.
    pub reports: Vec<ReceptionReport>,
    /// (order, contract)
    pub linked: Vec<(String, String)>,
    /// Why an order does not have a number that was imported for it.
    pub objections: HashMap<String, String>,
    /// Whether a row waits that did not before.
    pub kept: bool,
}

/// What was taken up of the numbers that waited for orders.
#[derive(Default)]
pub(super) struct TakenUp {
    /// Orders that have one now.
    pub linked: HashSet<String>,
    /// Why an order cannot have the one that was imported for it.
    pub objections: HashMap<String, String>,
}

impl Store {
    /// Takes up the numbers that waited for these orders.
    pub(super) async fn take_up(
        &self,
        conn: &mut Conn,
        subjects: &[Subject<'_>],
        planning: &Planning<'_>,
    ) -> Result<TakenUp> {
        let keys = list(subjects.iter().map(|subject| fold(&subject.order.mall_order_id)));
        let rows: Vec<WaitingColumns> = conn
            .rows(
                listed!(
                    "SELECT id, shop, contract, mall_order_id, reception_number, amount, source, actor, learnt_at, held
                     FROM reception_rows WHERE match_key ",
                    " ORDER BY id"
                ),
                args![&keys],
            )
            .await?;
        if rows.is_empty() {
            return Ok(TakenUp::default());
        }
        let claims: Vec<Claim> = rows.into_iter().map(Claim::from).collect();
        let settled = self.settle_claims(conn, &claims, planning).await?;
        Ok(TakenUp {
            linked: settled.linked.into_iter().map(|(id, _)| id).collect(),
            objections: settled.objections,
        })
    }

    /// Matches claims with orders and stores what comes of them.
    pub(super) async fn settle_claims(
        &self,
        conn: &mut Conn,
        claims: &[Claim],
        planning: &Planning<'_>,
    ) -> Result<Settled> {
        let keys = list(claims.iter().map(|claim| fold(&claim.row.mall_order_id)));
        let candidates = by_keys(conn, &keys).await?;
        let ids: Vec<&str> = candidates.values().flatten().map(|c| c.id.as_str()).collect();
        let known = load(conn, &ids).await?;
        let numbers: Vec<&str> = claims.iter().map(|claim| claim.row.reception_number.as_str()).collect();
        let mut holders = holders(conn, &numbers).await?;
        let mut settled = Settled::default();
        for claim in claims {
            let all = candidates.get(&fold(&claim.row.mall_order_id)).map_or(&[][..], Vec::as_slice);
            let fitting: Vec<&Candidate> =
                all.iter().filter(|c| claim.shop.as_ref().is_none_or(|shop| *shop == c.shop)).collect();
            let step = match fitting.as_slice() {
                [] => self.keep_claim(conn, claim, planning.now, &mut settled).await?,
                [one] if claims.iter().any(|other| claim.rivals(other, &one.shop)) => Err(
                    "several files give this order different reception numbers; `settlements link` decides"
                        .to_owned(),
                ),
                [one] => judge(claim, one, known.get(&one.id), &holders, planning.contracts),
                several => Err(ambiguous(several)),
            };
            let report = |settlement: Option<String>, outcome, reason: String| ReceptionReport {
                source: claim.row.source.clone(),
                mall_order_id: claim.row.mall_order_id.clone(),
                reception_number: claim.row.reception_number.clone(),
                settlement,
                outcome,
                reason,
            };
            match step {
                Ok(Step::Wait(reason)) => {
                    settled.reports.push(report(None, ReceptionOutcome::Waiting, reason));
                    continue;
                }
                Ok(Step::Known(contract)) => {
                    let reason = "the order has this reception number already".to_owned();
                    settled.reports.push(report(Some(contract), ReceptionOutcome::Known, reason));
                    if claim.waiting.is_none() {
                        continue;
                    }
                }
                Ok(Step::Link(contract)) => {
                    let Some(one) = fitting.first() else { continue };
                    let number = &claim.row.reception_number;
                    let by = imported_by(&claim.actor);
                    self.write_link(conn, &one.id, &contract, number, &by).await?;
                    let holder = Holder {
                        order_id: one.id.clone(),
                        shop: one.shop.clone(),
                        mall_order_id: one.order.mall_order_id.clone(),
                    };
                    holders.insert((contract.clone(), number.clone()), holder);
                    settled.linked.push((one.id.clone(), contract.clone()));
                    settled.reports.push(report(Some(contract), ReceptionOutcome::Linked, String::new()));
                }
                Err(reason) => {
                    for one in &fitting {
                        settled.objections.insert(one.id.clone(), reason.clone());
                    }
                    if let Some(id) = &claim.waiting {
                        hold(conn, id, &reason).await?;
                    }
                    settled.reports.push(report(None, ReceptionOutcome::Refused, reason));
                    continue;
                }
            }
            // The order has its number: whatever waited for it is over.
            if let Some(one) = fitting.first() {
                nothing_waits(conn, &one.shop, &one.order.mall_order_id).await?;
            }
        }
        Ok(settled)
    }

    /// Keeps a row until its order comes. A later file's word takes the place of an earlier one's.
    async fn keep_claim(
        &self,
        conn: &mut Conn,
        claim: &Claim,
        now: Timestamp,
        settled: &mut Settled,
    ) -> Result<std::result::Result<Step, String>> {
        const NOT_YET: &str = "no order with this number yet";
        let waits = |reason: String| Ok(Ok(Step::Wait(reason)));
        if claim.waiting.is_some() {
            return waits(NOT_YET.to_owned());
        }
        let row = &claim.row;
        let key = fold(&row.mall_order_id);
        let shop = claim.shop.as_deref().unwrap_or_default();
        let contract = claim.contract.as_deref().unwrap_or_default();
        let other: Option<(String,)> = conn
            .row(
                "SELECT mall_order_id FROM reception_rows WHERE reception_number = $1 AND match_key <> $2
                     AND (contract = $3 OR contract = '' OR $3 = '') ORDER BY id LIMIT 1",
                args![&row.reception_number, &key, contract],
            )
            .await?;
        if let Some((order,)) = other {
            return Ok(Err(format!(
                "reception number {} waits for order {order} already; `settlements unlink` that one first",
                row.reception_number
            )));
        }
        let before: Option<(String, String, Option<i64>)> = conn
            .row(
                "SELECT reception_number, contract, amount FROM reception_rows WHERE match_key = $1 AND shop = $2",
                args![&key, shop],
            )
            .await?;
        let amount = row.amount.map(|yen| yen.0);
        let reason = match &before {
            Some((number, under, yen)) => {
                if *number == row.reception_number && under == contract && *yen == amount {
                    return waits(NOT_YET.to_owned());
                }
                if *number == row.reception_number {
                    NOT_YET.to_owned()
                } else {
                    format!("{NOT_YET}; it takes the place of {number}")
                }
            }
            None => NOT_YET.to_owned(),
        };
        conn.execute(
            "INSERT INTO reception_rows (id, match_key, shop, contract, mall_order_id, reception_number, amount, source,
                 actor, learnt_at, held)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL)
             ON CONFLICT (match_key, shop) DO UPDATE SET contract = excluded.contract,
                 mall_order_id = excluded.mall_order_id, reception_number = excluded.reception_number,
                 amount = excluded.amount, source = excluded.source, actor = excluded.actor,
                 learnt_at = excluded.learnt_at, held = NULL",
            args![
                &self.id(),
                &key,
                shop,
                contract,
                &row.mall_order_id,
                &row.reception_number,
                amount,
                &row.source,
                &claim.actor,
                now,
            ],
        )
        .await?;
        settled.kept = true;
        waits(reason)
    }
}

/// What becomes of a claim.
enum Step {
    /// The order is not there; what to tell.
    Wait(String),
    /// It has the number, under this contract.
    Known(String),
    /// It gets the number under this contract.
    Link(String),
}

/// What becomes of a claim whose order is known: pure. `Err`: why it is not used.
fn judge(
    claim: &Claim,
    candidate: &Candidate,
    known: Option<&Known>,
    holders: &Holders,
    contracts: &[Contract],
) -> std::result::Result<Step, String> {
    let number = &claim.row.reception_number;
    let settlement = known.and_then(|known| known.record.as_ref()).map(|record| &record.settlement);
    if let Some(has) = settlement
        && has.reception_number.as_ref() == Some(number)
        && claim.contract.as_ref().is_none_or(|named| *named == has.name)
    {
        return Ok(Step::Known(has.name.clone()));
    }
    let in_question: &[Contract] = match &claim.contract {
        None => contracts,
        Some(name) => contracts.iter().find(|c| c.name == *name).map_or(&[], std::slice::from_ref),
    };
    let Some(linked) = planner::link(in_question, &candidate.shop, &candidate.order) else {
        return Err(match &claim.contract {
            None => "no rule of any settlement matches this order".to_owned(),
            Some(name) => format!("no rule of {name} matches this order"),
        });
    };
    let contract = linked.contract;
    if let Some(has) = settlement
        && let Some(other) = &has.reception_number
    {
        return Err(format!(
            "this order is linked to {} {other} already; `settlements link` decides",
            has.name
        ));
    }
    if let Ok(other) = &linked.reception
        && other != number
    {
        return Err(format!("the rules of {contract} give this order {other}; `settlements link` decides"));
    }
    if known.is_some_and(Known::acted) {
        return Err("something was sent for this order already; `settlements link` decides".to_owned());
    }
    let by_hand = settlement.is_some_and(|has| {
        !matches!(has.linked_by.as_str(), "rule" | "source") && !is_imported(&has.linked_by)
    });
    // A person who imports says so anew; what waited was said before.
    if claim.waiting.is_some() && by_hand {
        return Err("a person took the order's reception number away; `settlements link` decides".to_owned());
    }
    let holder = holders.get(&(contract.clone(), number.clone()));
    if let Some(holder) = holder.filter(|holder| holder.order_id != candidate.id) {
        return Err(holder.objects(&contract, number));
    }
    if let (Some(said), Some(due)) = (claim.row.amount, candidate.order.amounts.due)
        && said != due
    {
        return Err(format!("the file says {said} yen, the order's due is {due} yen"));
    }
    Ok(Step::Link(contract))
}

fn ambiguous(candidates: &[&Candidate]) -> String {
    let named: Vec<String> =
        candidates.iter().map(|c| format!("{} of {}", c.order.mall_order_id, c.shop)).collect();
    format!("orders of several shops have this number: {}; name one by --shop", named.join(", "))
}

/// Why numbers that were imported for these orders are not theirs, as it was found when they were taken up.
pub(super) async fn claims_against(
    conn: &mut Conn,
    subjects: &[Subject<'_>],
) -> Result<HashMap<String, String>> {
    let keys = list(subjects.iter().map(|subject| fold(&subject.order.mall_order_id)));
    let rows: Vec<(String, String, String)> = conn
        .rows(
            listed!(
                "SELECT match_key, shop, held FROM reception_rows WHERE held IS NOT NULL AND match_key ",
                " ORDER BY id"
            ),
            args![&keys],
        )
        .await?;
    let mut against = HashMap::new();
    for subject in subjects {
        let key = fold(&subject.order.mall_order_id);
        let row = rows.iter().find(|(k, shop, _)| *k == key && (shop.is_empty() || *shop == subject.shop));
        if let Some((_, _, why)) = row {
            against.insert(subject.id.clone(), why.clone());
        }
    }
    Ok(against)
}

/// Nothing waits for this order any more.
pub(super) async fn nothing_waits(conn: &mut Conn, shop: &str, mall_order_id: &str) -> Result<()> {
    conn.execute(
        "DELETE FROM reception_rows WHERE match_key = $1 AND shop IN ('', $2)",
        args![&fold(mall_order_id), shop],
    )
    .await?;
    Ok(())
}

async fn hold(conn: &mut Conn, id: &str, reason: &str) -> Result<()> {
    conn.execute(
        "UPDATE reception_rows SET held = $2 WHERE id = $1 AND (held IS NULL OR held <> $2)",
        args![id, reason],
    )
    .await?;
    Ok(())
}
