//! Which settlement an order has, by the rules in force. A person's word stands; what was sent under a number keeps it.

use std::collections::HashMap;

use super::db::{Conn, args, listed};
use super::planning::{Known, Subject};
use super::rows::list;
use super::{Result, Store};
use crate::domain::planner::{self, Contract, Linked};
use crate::domain::reception::is_imported;
use crate::domain::settlement::SettlementState;

/// What the rules make of an order's settlement now.
#[derive(Debug, Default)]
pub(super) struct LinkStep {
    pub change: Option<LinkChange>,
    /// Why a person must look at the link.
    pub objection: Option<String>,
}

#[derive(Debug)]
pub(super) struct LinkChange {
    contract: String,
    reception_number: Option<String>,
    linked_by: &'static str,
}

/// Who holds a reception number now: (contract, number) → order.
type Holders = HashMap<(String, String), String>;

/// What the rules in force make of the settlements of `subjects`, where they make anything of them. `claims`: why a number
/// that was imported for an order cannot be its.
pub(super) async fn links<'s>(
    conn: &mut Conn,
    contracts: &[Contract],
    subjects: impl Iterator<Item = &'s Subject<'s>> + Clone,
    known: &HashMap<String, Known>,
    claims: &HashMap<String, String>,
) -> Result<HashMap<String, LinkStep>> {
    let linked: Vec<Option<Linked>> =
        subjects.clone().map(|s| linked(contracts, s, known.get(&s.id))).collect();
    let numbers: Vec<&str> = linked.iter().flatten().filter_map(|l| l.reception.as_deref().ok()).collect();
    let mut holders: Holders = HashMap::new();
    if !numbers.is_empty() {
        let rows: Vec<(String, String, String)> = conn
            .rows(
                listed!(
                    "SELECT name, reception_number, order_id FROM settlements WHERE reception_number ",
                    ""
                ),
                args![&list(numbers)],
            )
            .await?;
        holders.extend(rows.into_iter().map(|(name, number, order)| ((name, number), order)));
    }
    let mut steps = HashMap::new();
    for (subject, linked) in subjects.zip(linked) {
        let known = known.get(&subject.id);
        let mut step = link_step(subject, known, linked, &mut holders);
        if let Some(claim) = claims.get(&subject.id) {
            step.objection = Some(claim.clone());
        }
        if step.change.is_some() || step.objection.is_some() {
            steps.insert(subject.id.clone(), step);
        }
    }
    Ok(steps)
}

/// What the rules say of an order: those of the contract that a file put it under, where one did.
fn linked(contracts: &[Contract], subject: &Subject<'_>, known: Option<&Known>) -> Option<Linked> {
    let record = known.and_then(|known| known.record.as_ref());
    let imported = record.map(|r| &r.settlement).filter(|s| is_imported(&s.linked_by));
    let contracts = match imported {
        None => contracts,
        Some(s) => contracts.iter().find(|c| c.name == s.name).map_or(&[][..], std::slice::from_ref),
    };
    planner::link(contracts, &subject.shop, &subject.order)
}

fn link_step(
    subject: &Subject<'_>,
    known: Option<&Known>,
    linked: Option<Linked>,
    holders: &mut Holders,
) -> LinkStep {
    let record = known.and_then(|k| k.record.as_ref());
    let by_rule = record.is_none_or(|r| matches!(r.settlement.linked_by.as_str(), "rule" | "source"));
    let imported = record.is_some_and(|r| is_imported(&r.settlement.linked_by));
    if !by_rule && !imported {
        return LinkStep::default();
    }
    let Some(linked) = linked else {
        let objection = record.map(|r| {
            format!(
                "no rule of {} matches this order any more (its payment or the config changed); \
                 `settlements link` keeps it, `settlements unlink` gives it up",
                r.settlement.name
            )
        });
        return LinkStep { change: None, objection };
    };
    let shows_one = linked.reception.is_ok();
    let (number, mut objection) = match linked.reception {
        Ok(number) => {
            let holder = holders.entry((linked.contract.clone(), number.clone()));
            let holder = holder.or_insert_with(|| subject.id.clone());
            if *holder == subject.id {
                (Some(number), None)
            } else {
                let reason = format!(
                    "reception number {number} of {} belongs to another order ({holder}); find out which is right \
                     and use `settlements link`",
                    linked.contract
                );
                (None, Some(reason))
            }
        }
        Err(reason) => (None, Some(reason)),
    };
    let same = record.is_some_and(|r| {
        r.settlement.name == linked.contract && (r.settlement.reception_number == number || number.is_none())
    });
    if same {
        // A number that the order showed once and shows no more is still its number.
        if record.is_some_and(|r| r.settlement.reception_number.is_some()) && !shows_one {
            objection = None;
        }
        return LinkStep { change: None, objection };
    }
    let fixed = imported
        || record.is_some_and(|r| r.settlement.verified_at.is_some())
        || known.is_some_and(Known::acted);
    if let Some(record) = record
        && fixed
    {
        let objection = format!(
            "linked to {} {}, but the order and the rules now say {} {}; `settlements link` decides",
            record.settlement.name,
            record.settlement.reception_number.as_deref().unwrap_or("without a number"),
            linked.contract,
            number.as_deref().unwrap_or("without a number"),
        );
        return LinkStep { change: None, objection: Some(objection) };
    }
    let change =
        LinkChange { contract: linked.contract, reception_number: number, linked_by: linked.linked_by };
    LinkStep { change: Some(change), objection }
}

impl Store {
    /// Writes the links that changed; returns the reception numbers that are new.
    pub(super) async fn write_links(
        &self,
        conn: &mut Conn,
        subjects: &[Subject<'_>],
        steps: &HashMap<String, LinkStep>,
    ) -> Result<Vec<String>> {
        let mut numbers = Vec::new();
        for subject in subjects {
            let change = steps.get(&subject.id).and_then(|step| step.change.as_ref());
            let Some(change) = change else { continue };
            let state = if change.reception_number.is_some() {
                SettlementState::Unknown
            } else {
                SettlementState::Unlinked
            };
            // Another daemon may have given the number away since it was looked up: then the unique index says so and
            // this transaction is run again.
            conn.execute(
                "INSERT INTO settlements (id, name, order_id, reception_number, state, slips, generation, linked_by)
                 VALUES ($1, $2, $3, $4, $5, '[]', 0, $6)
                 ON CONFLICT (order_id) DO UPDATE SET name = excluded.name,
                     reception_number = excluded.reception_number, state = excluded.state,
                     linked_by = excluded.linked_by, looked_at = NULL, unseen = NULL, gateway_status = NULL,
                     amount = NULL, authorized_on = NULL, lapses_on = NULL, authorized_at = NULL, approval = NULL,
                     scheduled_on = NULL, registered_at = NULL, shipped_on = NULL, slips = excluded.slips,
                     wish = NULL, wished_by = NULL, resolved = NULL, enquiry_number = NULL, verified_at = NULL,
                     generation = settlements.generation + 1",
                args![
                    &self.id(),
                    &change.contract,
                    &subject.id,
                    &change.reception_number,
                    state.as_str(),
                    change.linked_by,
                ],
            )
            .await?;
            numbers.extend(change.reception_number.clone());
        }
        Ok(numbers)
    }
}
