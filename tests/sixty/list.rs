//! What a person finds in the list of what needs one, and the rows behind it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mallsync::domain::operation::State;
use mallsync::domain::reconcile::{Difference, Report};
use mallsync::store::Store;
use mallsync::store::operations::{OperationFilter, OperationRow};
use mallsync::store::reconciling::Which;
use mallsync::store::settlements::{SettlementFilter, SettlementRow};

use crate::house::House;
use crate::matter::Matter;

/// The database as people read it, by reception number.
pub struct List {
    pub settlements: BTreeMap<String, SettlementRow>,
    operations: BTreeMap<String, Vec<OperationRow>>,
    /// What reconciliation tells.
    differences: BTreeMap<String, Vec<Difference>>,
    /// By contract: what differs now, and what the daemon's last comparison left for `status`.
    pub reports: Vec<(String, Report, Report)>,
}

impl List {
    pub async fn read(house: &House) -> Self {
        let store = house.store();
        let settlements = store.list_settlements(&SettlementFilter::default()).await.unwrap();
        let settlements = settlements.into_iter().map(|row| (row.mall_order_id.clone(), row)).collect();
        let mut operations: BTreeMap<String, Vec<OperationRow>> = BTreeMap::new();
        for row in store.list_operations(&OperationFilter::default()).await.unwrap() {
            operations.entry(row.mall_order_id.clone()).or_default().push(row);
        }
        let (mut differences, mut reports) = (BTreeMap::new(), Vec::new());
        for contract in house.beside().contracts() {
            let mut report = Report::default();
            let mut after = Some(String::new());
            while let Some(from) = after {
                let which = Which::After(&from, 200);
                let (compared, next) = store.compare_settlements(contract, which, house.now()).await.unwrap();
                compared.iter().flat_map(|c| &c.differences).for_each(|difference| report.add(difference));
                differences.extend(compared.into_iter().map(|c| (c.row.mall_order_id, c.differences)));
                after = next;
            }
            let stored = store.reconciliations(Some(contract.name.as_str())).await.unwrap().pop();
            reports.push((contract.name.clone(), report, stored.map(|row| row.report).unwrap_or_default()));
        }
        Self { settlements, operations, differences, reports }
    }

    /// The operations of a sale that need a person.
    fn needing(&self, number: &str) -> impl Iterator<Item = &OperationRow> {
        self.operations(number).iter().filter(|row| row.operation.progress.state == State::NeedsPerson)
    }

    /// Whether a person is told of `matter`, in whichever way: by reconciliation, by an operation that needs one, or by a
    /// question.
    pub fn tells(&self, number: &str, matter: Matter) -> bool {
        let (kinds, operations, words) = matter.told_by();
        let differs = self.differences.get(number).into_iter().flatten().any(|d| kinds.contains(&d.kind));
        let waits = self.needing(number).any(|row| operations.contains(&row.operation.intent.kind()));
        let question = self.settlements.get(number).and_then(|row| row.settlement.held.as_deref());
        differs || waits || question.is_some_and(|text| words.iter().any(|word| text.contains(word)))
    }

    /// The operations of a sale, newest first.
    pub fn operations(&self, number: &str) -> &[OperationRow] {
        self.operations.get(number).map_or(&[], Vec::as_slice)
    }

    /// Why a person is asked about a sale.
    pub fn asked(&self, number: &str) -> Vec<String> {
        let asked = self.settlements.get(number).and_then(|row| row.settlement.held.clone());
        let words = self.needing(number).map(|row| {
            let progress = &row.operation.progress;
            let code = progress.code.clone().unwrap_or_default();
            format!("{} {code} {}", row.operation.intent.kind(), progress.reason.clone().unwrap_or_default())
        });
        asked.into_iter().chain(words).collect()
    }

    /// Likewise, and what reconciliation tells of it.
    pub fn told_of(&self, number: &str) -> Vec<String> {
        let told = self.differences.get(number).into_iter().flatten();
        let told = told.map(|difference| format!("{}: {}", difference.kind, difference.reason));
        self.asked(number).into_iter().chain(told).collect()
    }

    /// Everything that is known of a sale, for whoever looks for a fault.
    pub async fn told(&self, store: &Store, number: &str) -> String {
        let mut text = String::new();
        if let Some(row) = self.settlements.get(number) {
            let s = &row.settlement;
            writeln!(
                text,
                "  row: {} (status {:?}), {:?} yen, lapses {:?}, verified {:?}, looked {:?}, slips {:?} of {:?}, held {:?}, \
                 wish {:?}",
                s.state, row.gateway_status, s.amount, s.lapses_on, s.verified_at, s.looked_at, s.slips, row.slips, s.held, s.wish
            )
            .unwrap();
        }
        for row in self.operations(number).iter().rev() {
            let operation = &row.operation;
            writeln!(
                text,
                "  {} planned {}: {:?}\n    {:?}",
                operation.intent.kind(),
                operation.created_at,
                operation.intent,
                operation.progress
            )
            .unwrap();
            if let Some((_, attempts)) = store.operation(&operation.id).await.unwrap() {
                for attempt in attempts {
                    writeln!(
                        text,
                        "      {} {} {} {:?} {:?}",
                        attempt.started_at, attempt.kind, attempt.outcome, attempt.code, attempt.message
                    )
                    .unwrap();
                }
            }
        }
        text
    }
}
