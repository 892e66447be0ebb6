//! From stored facts to operations: loads what the pure planner needs for a page of orders, asks it, and writes only
//! what differs. Used by pages, commands, `replan` and `preview` alike.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::claims::claims_against;
use super::companions::companions_of;
use super::db::{Conn, args, listed};
use super::linking::{LinkStep, links};

use super::rows::{At, LAST_ID, list, to_json};
use super::settlements::Record;
use super::slips::slips_of;
use super::{Planning, Result, Store};
use crate::clock::Timestamp;
use crate::domain::operation::{Intent, State};
use crate::domain::order::Order;
use crate::domain::planner::{self, Companion, Contract, Facts, Mode, Plan, Wanted};
use crate::domain::settlement::Settlement;
use crate::domain::slip::Slip;

/// An order that is planned.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub id: String,
    pub shop: Cow<'a, str>,
    /// Stored by this very transaction: nothing can be stored around it yet.
    pub new: bool,
    pub order: Cow<'a, Order>,
}

/// What is stored around an order.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub record: Option<Record>,
    pub slips: Vec<Slip>,
    /// Other orders that carry one of them too.
    pub companions: Vec<Companion>,
    pub operations: Vec<Standing>,
}

/// An operation that was not superseded.
#[derive(Debug)]
pub(super) struct Standing {
    id: String,
    state: State,
    run_at: Timestamp,
    sends: i64,
    updated_at: i64,
    intent: Intent,
    dedupe_key: String,
}

#[derive(sqlx::FromRow)]
struct StandingColumns {
    id: String,
    order_id: String,
    state: String,
    run_at: i64,
    sends: i64,
    updated_at: i64,
    intent: String,
    dedupe_key: String,
}

impl Known {
    /// Whether something may have reached the gateway for this order: then its settlement's identity stays.
    pub(super) fn acted(&self) -> bool {
        self.operations.iter().any(|o| o.sends > 0 || o.state.in_flight() || o.state == State::Done)
    }

    /// What was done under the order's reception number: what was done under one that it had before is over with that.
    pub(super) fn done(&self) -> Vec<Intent> {
        let number = self.record.as_ref().and_then(|record| record.settlement.reception_number.as_deref());
        let own = |o: &&Standing| o.state == State::Done && Some(o.intent.reception_number()) == number;
        let mut done: Vec<&Standing> = self.operations.iter().filter(own).collect();
        // One at a time is under way for a reception number: they are in the order in which they became done.
        done.sort_by_key(|o| o.updated_at);
        done.into_iter().map(|o| o.intent.clone()).collect()
    }
}

/// What was decided for one order.
pub(super) struct Decision {
    pub plan: Plan,
    /// Whether wishes may be stored: the contract exists and is live.
    live: bool,
}

impl Decision {
    /// What is wanted and stored, by its key.
    fn keyed(&self, settlement: &Settlement) -> Vec<(String, &Wanted)> {
        let wanted: &[Wanted] = if self.live { &self.plan.wanted } else { &[] };
        wanted.iter().map(|w| (w.intent.dedupe_key(&settlement.name, settlement.generation), w)).collect()
    }

    /// Whether anything that is stored around the order would be written anew by it.
    pub(super) fn differs(&self, known: &Known, now: Timestamp) -> bool {
        let Some(record) = &known.record else { return false };
        let keyed = self.keyed(&record.settlement);
        let mut unsent = known.operations.iter().filter(|o| matches!(o.state, State::Planned | State::Ready));
        record.asked != self.plan.hold
            || unsent.any(|operation| {
                keyed
                    .iter()
                    .find(|(key, _)| *key == operation.dedupe_key)
                    .is_none_or(|(_, wanted)| operation.moved(wanted.run_at, now))
            })
            || keyed.iter().any(|(key, _)| known.operations.iter().all(|o| o.dedupe_key != *key))
    }
}

/// Loads what is stored around orders.
pub(super) async fn load(conn: &mut Conn, ids: &[&str]) -> Result<HashMap<String, Known>> {
    let mut known: HashMap<String, Known> = HashMap::new();
    if ids.is_empty() {
        return Ok(known);
    }
    let ids = list(ids);
    for record in super::settlements::records_of(conn, &ids).await? {
        let order_id = record.settlement.order_id.clone();
        known.entry(order_id).or_default().record = Some(record);
    }
    let slips = slips_of(conn, &ids).await?;
    if !slips.is_empty() {
        for (order_id, companions) in companions_of(conn, &ids).await? {
            known.entry(order_id).or_default().companions = companions;
        }
    }
    for (order_id, slips) in slips {
        known.entry(order_id).or_default().slips = slips;
    }
    let operations: Vec<StandingColumns> = conn
        .rows(
            listed!(
                "SELECT id, order_id, state, run_at, sends, updated_at, intent, dedupe_key FROM operations
                 WHERE state <> 'superseded' AND order_id ",
                " ORDER BY id"
            ),
            args![&ids],
        )
        .await?;
    for row in operations {
        let standing = Standing {
            state: At::new("operations", "state", &row.id).word(&row.state, State::from_word)?,
            run_at: Timestamp::from_micros(row.run_at),
            sends: row.sends,
            updated_at: row.updated_at,
            intent: At::new("operations", "intent", &row.id).json(&row.intent)?,
            dedupe_key: row.dedupe_key,
            id: row.id,
        };
        known.entry(row.order_id).or_default().operations.push(standing);
    }
    Ok(known)
}

/// What is wanted for `subject` now: pure.
pub(super) fn decide(
    contracts: &[Contract],
    subject: &Subject<'_>,
    known: &Known,
    link: Option<&LinkStep>,
    now: Timestamp,
) -> Option<Decision> {
    let record = known.record.as_ref()?;
    let Some(contract) = contracts.iter().find(|c| c.name == record.settlement.name) else {
        return Some(Decision { plan: Plan::default(), live: false });
    };
    let done = known.done();
    let facts = Facts {
        order: &subject.order,
        settlement: &record.settlement,
        slips: &known.slips,
        companions: &known.companions,
        done: &done,
    };
    let mut plan = planner::plan(contract, &facts, now);
    if let Some(objection) = link.and_then(|step| step.objection.as_ref()) {
        // Only where it would matter: an order that is cancelled or already captured asks nobody about its link.
        let unlinked = record.settlement.reception_number.is_none();
        if !plan.wanted.is_empty() || (unlinked && plan.hold.is_some()) {
            // A renewal keeps the money there until it is known whose it is; another question stays one.
            let (renewals, others): (Vec<Wanted>, Vec<Wanted>) =
                plan.wanted.into_iter().partition(|wanted| matches!(wanted.intent, Intent::Reauth { .. }));
            let question = plan.hold.filter(|_| others.is_empty() && !unlinked);
            plan = Plan { hold: question.or_else(|| Some(objection.clone())), ..Plan::from(renewals) };
        }
    }
    Some(Decision { plan, live: contract.mode == Mode::Live })
}

impl Store {
    /// Links what the rules link, plans, and writes what differs. Returns the number of operations planned.
    pub(super) async fn plan_orders(
        &self,
        conn: &mut Conn,
        planning: &Planning<'_>,
        subjects: &[Subject<'_>],
    ) -> Result<u64> {
        if subjects.is_empty() {
            return Ok(0);
        }
        let ids: Vec<&str> = subjects.iter().map(|s| s.id.as_str()).collect();
        let claims = self.take_up(conn, subjects, planning).await?;
        let stored = |s: &&Subject<'_>| !s.new || claims.linked.contains(&s.id);
        let old: Vec<&str> = subjects.iter().filter(stored).map(|s| s.id.as_str()).collect();
        let mut known = load(conn, &old).await?;
        let contracts = planning.contracts;
        let mut steps = links(conn, contracts, subjects.iter(), &known, &claims.objections).await?;
        let mut keys: Vec<String> = self.write_links(conn, subjects, &steps).await?;
        keys.extend(known.values().filter_map(|k| k.record.as_ref()?.settlement.reception_number.clone()));
        let mut keys: Vec<String> = keys.iter().map(|number| format!("number/{number}")).collect();
        keys.extend(subjects.iter().flat_map(|s| super::matching::keys_of_order(&s.order.mall_order_id)));
        let attached = self.attach_waiting(conn, &keys, planning).await?;
        // A row may be found by one order's key and belong to another one.
        let brought = attached.iter().chain(&claims.linked).map(String::as_str);
        let others: Vec<&str> = brought.filter(|id| !ids.contains(id)).collect();
        let mut others =
            if others.is_empty() { Vec::new() } else { self.subjects(conn, &list(others)).await? };
        let mut changed = !attached.is_empty() || !others.is_empty();
        if changed || steps.values().any(|step| step.change.is_some()) {
            let ids: Vec<&str> = ids.iter().copied().chain(others.iter().map(|s| s.id.as_str())).collect();
            known = load(conn, &ids).await?;
        }
        let mut objections = claims.objections;
        // What one order of a parcel may do rests on the others': they are planned with it.
        let with: BTreeSet<&str> =
            known.values().flat_map(|k| &k.companions).map(|other| other.order_id.as_str()).collect();
        let with: Vec<String> =
            with.into_iter().filter(|id| !known.contains_key(*id)).map(str::to_owned).collect();
        if !with.is_empty() {
            let with: Vec<&str> = with.iter().map(String::as_str).collect();
            let companions = self.subjects(conn, &list(&with)).await?;
            objections.extend(claims_against(conn, &companions).await?);
            known.extend(load(conn, &with).await?);
            others.extend(companions);
            changed = true;
        }
        if changed {
            // A parcel may have brought the number that was missing.
            let all = subjects.iter().chain(&others);
            steps = links(conn, contracts, all, &known, &objections).await?;
        }
        let mut planned = 0;
        for subject in subjects.iter().chain(&others) {
            let Some(known) = known.get(&subject.id) else { continue };
            let decision = decide(planning.contracts, subject, known, steps.get(&subject.id), planning.now);
            if let Some(decision) = decision {
                planned += self.apply(conn, planning, subject, known, &decision).await?;
            }
        }
        Ok(planned)
    }

    async fn apply(
        &self,
        conn: &mut Conn,
        planning: &Planning<'_>,
        subject: &Subject<'_>,
        known: &Known,
        decision: &Decision,
    ) -> Result<u64> {
        let Some(record) = &known.record else { return Ok(0) };
        let settlement = &record.settlement;
        // An authorisation that ended shows it; what another writer learnt meanwhile stands.
        let state = settlement.state.on(settlement.lapses_on, planning.now.jst_date());
        if state != settlement.state {
            conn.execute(
                "UPDATE settlements SET state = $2 WHERE id = $1 AND state = $3",
                args![&settlement.id, state.as_str(), settlement.state.as_str()],
            )
            .await?;
        }
        // The day stands in the question too: with another day it is another text.
        if record.asked != decision.plan.hold {
            conn.execute(
                "UPDATE settlements SET asked = $2, renew_by = $3 WHERE id = $1",
                args![
                    &settlement.id,
                    &decision.plan.hold,
                    &decision.plan.renew_by.map(|day| day.to_string())
                ],
            )
            .await?;
        }
        let keyed = decision.keyed(settlement);
        let why = if decision.live {
            let plan = &decision.plan;
            plan.hold.as_deref().or(plan.waiting.as_deref()).unwrap_or("no longer wanted")
        } else {
            "its contract is in dry-run or gone"
        };
        for operation in known.operations.iter().filter(|o| matches!(o.state, State::Planned | State::Ready))
        {
            match keyed.iter().find(|(key, _)| *key == operation.dedupe_key) {
                None => supersede(conn, &operation.id, why, planning.now).await?,
                Some((_, wanted)) => reschedule(conn, operation, wanted.run_at, planning.now).await?,
            }
        }
        let mut planned = 0;
        for (key, wanted) in keyed {
            if known.operations.iter().any(|o| o.dedupe_key == key) {
                continue;
            }
            let intent = &wanted.intent;
            planned += conn
                .execute(
                    "INSERT INTO operations (id, account, order_id, settlement_id, kind, intent, reception_number,
                         amount, dedupe_key, state, run_at, sends, retries, rounds, looks, claimed_done, created_at,
                         updated_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'planned', $10, 0, 0, 0, 0, 0, $11, $11)
                     ON CONFLICT DO NOTHING",
                    args![
                        &self.id(),
                        &settlement.name,
                        &subject.id,
                        &settlement.id,
                        intent.kind(),
                        &to_json(intent)?,
                        intent.reception_number(),
                        intent.amount().0,
                        &key,
                        wanted.run_at,
                        planning.now,
                    ],
                )
                .await?;
        }
        Ok(planned)
    }

    /// The orders with these ids, for planning.
    pub(super) async fn subjects(&self, conn: &mut Conn, ids: &str) -> Result<Vec<Subject<'static>>> {
        let rows: Vec<(String, String, String)> = conn
            .rows(listed!("SELECT id, shop, document FROM orders WHERE id ", " ORDER BY id"), args![ids])
            .await?;
        rows.into_iter().map(subject).collect()
    }

    /// Plans one order anew, after something that was learnt about its settlement.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn plan_order(&self, order_id: &str, planning: &Planning<'_>) -> Result<u64> {
        let mut conn = self.write(super::db::Lock::Facts).await?;
        let subjects = self.subjects(&mut conn, &list([order_id])).await?;
        let planned = self.plan_orders(&mut conn, planning, &subjects).await?;
        conn.commit().await?;
        Ok(planned)
    }

    /// What the planner wants now for every settlement of `contract` that is not final, after `after`. Stores nothing;
    /// works for contracts in dry-run too.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn preview(
        &self,
        contract: &str,
        planning: &Planning<'_>,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<super::settlements::Preview>> {
        let mut conn = self.read().await?;
        let rows =
            super::settlements::previewed(&mut conn, contract, after.unwrap_or(LAST_ID), limit).await?;
        let ids: Vec<&str> = rows.iter().map(|r| r.settlement.order_id.as_str()).collect();
        let subjects = self.subjects(&mut conn, &list(&ids)).await?;
        let known = load(&mut conn, &ids).await?;
        let claims = claims_against(&mut conn, &subjects).await?;
        let steps = links(&mut conn, planning.contracts, subjects.iter(), &known, &claims).await?;
        let by_id: HashMap<&str, &Subject<'_>> = subjects.iter().map(|s| (s.id.as_str(), s)).collect();
        let mut previews = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.settlement.order_id.as_str();
            let decision = by_id.get(id).zip(known.get(id)).and_then(|(subject, known)| {
                decide(planning.contracts, subject, known, steps.get(id), planning.now)
            });
            let plan = decision.map(|d| d.plan).unwrap_or_default();
            previews.push(super::settlements::Preview { row, plan });
        }
        Ok(previews)
    }

    /// Intents done for an order under the reception number that it has, in the order in which they became so.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn done_intents(&self, order_id: &str) -> Result<Vec<Intent>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String, String)> = conn
            .rows(
                "SELECT p.id, p.intent FROM operations p JOIN settlements s ON s.order_id = p.order_id
                     AND s.reception_number = p.reception_number
                 WHERE p.order_id = $1 AND p.state = 'done' ORDER BY p.updated_at, p.id",
                args![order_id],
            )
            .await?;
        rows.iter().map(|(id, intent)| At::new("operations", "intent", id).json(intent)).collect()
    }

    /// When the latest of an order's operations became done.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn last_done(&self, order_id: &str) -> Result<Option<Timestamp>> {
        let mut conn = self.read().await?;
        let row: Option<(Option<i64>,)> = conn
            .row(
                "SELECT max(updated_at) FROM operations WHERE order_id = $1 AND state = 'done'",
                args![order_id],
            )
            .await?;
        Ok(super::rows::time(row.and_then(|(at,)| at)))
    }
}

pub(super) fn subject((id, shop, document): (String, String, String)) -> Result<Subject<'static>> {
    let order = At::new("orders", "document", &id).json(&document)?;
    Ok(Subject { id, shop: Cow::Owned(shop), new: false, order: Cow::Owned(order) })
}

/// Drops a wish that was not sent. A worker that holds it loses its fence, and with it the right to send.
pub(super) async fn supersede(conn: &mut Conn, id: &str, why: &str, now: Timestamp) -> Result<()> {
    conn.execute(
        "UPDATE operations SET state = 'superseded', reason = $2, absent_since = NULL, updated_at = $3,
             lease_owner = NULL, lease_until = NULL, fence = fence + 1
         WHERE id = $1 AND state IN ('planned', 'ready')",
        args![id, why, now],
    )
    .await?;
    Ok(())
}

impl Standing {
    /// A planned operation follows the time that is wanted now; a ready one is only ever put off by it, so that the delay
    /// after a passing fault stands.
    fn moved(&self, run_at: Timestamp, now: Timestamp) -> bool {
        match self.state {
            State::Planned => run_at != self.run_at,
            State::Ready => run_at > now && run_at > self.run_at,
            _ => false,
        }
    }
}

async fn reschedule(conn: &mut Conn, operation: &Standing, run_at: Timestamp, now: Timestamp) -> Result<()> {
    if operation.moved(run_at, now) {
        conn.execute(
            // A worker that has it in hand loses it: it was to be sent later.
            "UPDATE operations SET run_at = $2, updated_at = $3, lease_owner = NULL, lease_until = NULL,
                 fence = fence + 1
             WHERE id = $1 AND state IN ('planned', 'ready')",
            args![&operation.id, run_at, now],
        )
        .await?;
    }
    Ok(())
}
