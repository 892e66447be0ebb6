//! The health of settlements, and what of them needs a person.

use std::collections::BTreeMap;

use super::{Attention, COUNTED, Facts, SettlementHealth, Topic, push, stopped};
use crate::domain::money::Yen;
use crate::domain::operation::State;
use crate::domain::settlement::SettlementState;
use crate::store::accounts::Account;
use crate::store::operations::OperationFilter;
use crate::store::settlements::SettlementFilter;
use crate::store::{Result, Store};

/// The health of every settlement of the config.
pub(super) async fn health(
    store: &Store,
    facts: &Facts,
    accounts: &BTreeMap<String, Account>,
    attention: &mut Vec<Attention>,
) -> Result<Vec<SettlementHealth>> {
    let operations = store.count_operations().await?;
    let sums = store.sum_settlements().await?;
    let mut all = Vec::new();
    for settlement in &facts.settlements {
        let name = &settlement.name;
        let account = accounts.get(name);
        let mut health = SettlementHealth {
            name: name.clone(),
            mode: match (settlement.enabled, settlement.live) {
                (false, _) => "disabled",
                (true, true) => "live",
                (true, false) => "dry-run",
            },
            stopped: stopped(account),
            held: account.and_then(|account| account.held_reason.clone()),
            operations: operations
                .iter()
                .filter(|(account, _, _)| account == name)
                .map(|(_, state, count)| (state.as_str(), *count))
                .collect(),
            settlements: BTreeMap::new(),
            yen_captured: Yen::ZERO,
            yen_waiting: Yen::ZERO,
        };
        for sum in sums.iter().filter(|sum| sum.name == *name) {
            let Some(state) = sum.state else { continue };
            *health.settlements.entry(state.as_str()).or_default() += sum.settlements;
            if state.captured() {
                health.yen_captured = [health.yen_captured, sum.yen].into_iter().sum();
            } else if matches!(
                state,
                SettlementState::Authorized | SettlementState::Unknown | SettlementState::Unlinked
            ) {
                health.yen_waiting = [health.yen_waiting, sum.yen].into_iter().sum();
            }
        }
        if settlement.enabled {
            health.attention(store, attention).await?;
        }
        all.push(health);
    }
    Ok(all)
}

impl SettlementHealth {
    async fn attention(&self, store: &Store, list: &mut Vec<Attention>) -> Result<()> {
        let subject = format!("settlements.{}", self.name);
        if let Some(why) = &self.stopped {
            push(list, Topic::Stopped, &subject, 1, why, "mallsync check");
        }
        if let Some(why) = &self.held {
            let command = format!("mallsync settlements release {}", self.name);
            push(list, Topic::AccountHeld, &subject, 1, why, &command);
        }
        let filter = OperationFilter {
            state: Some(State::NeedsPerson),
            account: Some(self.name.clone()),
            limit: Some(COUNTED),
            ..OperationFilter::default()
        };
        let operations = store.list_operations(&filter).await?;
        if let Some(first) = operations.first() {
            let command = match operations.len() {
                1 => format!("mallsync operations show {}", first.operation.id),
                _ => "mallsync operations list --state needs_person".to_owned(),
            };
            let why = first.operation.progress.reason.as_deref().unwrap_or_default();
            push(list, Topic::OperationsNeedPerson, &subject, operations.len(), why, &command);
        }
        let held = SettlementFilter {
            name: Some(self.name.clone()),
            held: true,
            limit: Some(COUNTED),
            ..SettlementFilter::default()
        };
        let held = store.list_settlements(&held).await?;
        let (unlinked, decide): (Vec<_>, Vec<_>) =
            held.iter().partition(|row| row.settlement.state == SettlementState::Unlinked);
        if let Some(first) = decide.first() {
            let command = match decide.len() {
                1 => format!("mallsync settlements show {}", first.settlement.id),
                _ => "mallsync settlements list --held".to_owned(),
            };
            let why = first.settlement.held.as_deref().unwrap_or_default();
            push(list, Topic::SettlementsHeld, &subject, decide.len(), why, &command);
        }
        if let Some(first) = unlinked.first() {
            let command = format!("mallsync settlements link {} RECEPTION_NUMBER", first.mall_order_id);
            let why = first.settlement.held.as_deref().unwrap_or_default();
            push(list, Topic::Unlinked, &subject, unlinked.len(), why, &command);
        }
        Ok(())
    }
}
