//! What differs is told once, and forgotten when it no longer does.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::planner::Mode;
use crate::domain::reconcile::Report;
use crate::engine::effects::Account;
use crate::engine::poll::Shared;
use crate::store::StoreError;
use crate::store::notices::{Notice, Topic};
use crate::store::reconciling::{Compared, Which};

/// Settlements compared at a time.
const PAGE: u64 = 200;

/// What was read is dated with the moment it was asked for, and stored later.
const SLACK: Duration = Duration::from_secs(3_600);

/// A difference by its settlement and kind.
fn subject(compared: &Compared, kind: crate::domain::reconcile::Kind) -> String {
    format!("{}/{kind}", compared.row.settlement.id)
}

impl Account {
    /// Compares everything by what is known now, tells what is new, and forgets what is over. Since the comparison that
    /// began at `since`, only what may have changed is read.
    pub(super) async fn compare_all(
        &self,
        shared: &Shared,
        since: Option<Timestamp>,
    ) -> Result<Report, StoreError> {
        let mut report = Report::default();
        let mut after = Some(String::new());
        while let Some(from) = after {
            shared.beat.works(&shared.ambient);
            let which = match since {
                None => Which::After(&from, PAGE),
                Some(since) => Which::Since(since - SLACK, &from, PAGE),
            };
            let (page, next) =
                shared.store.compare_settlements(&self.contract, which, shared.ambient.now()).await?;
            for compared in &page {
                compared.differences.iter().for_each(|difference| report.add(difference));
                self.tell_new(shared, compared).await?;
            }
            after = next;
        }
        self.forget_settled(shared).await?;
        Ok(report)
    }

    /// The same of some settlements alone.
    pub(super) async fn tell_of(&self, shared: &Shared, ids: &[&str]) -> Result<(), StoreError> {
        let now = shared.ambient.now();
        let (page, _) = shared.store.compare_settlements(&self.contract, Which::Ids(ids), now).await?;
        for compared in &page {
            self.tell_new(shared, compared).await?;
        }
        Ok(())
    }

    async fn tell_new(&self, shared: &Shared, compared: &Compared) -> Result<(), StoreError> {
        let now = shared.ambient.now();
        let (settlement, shop, order) = (self.name(), &compared.row.shop, &compared.row.mall_order_id);
        for difference in &compared.differences {
            let subject = subject(compared, difference.kind);
            if shared.store.notice(Topic::Difference, &subject).await?.is_some() {
                continue;
            }
            let told = Notice { topic: Topic::Difference, subject, since: now, step: 0, told_at: now };
            if !shared.store.note(None, &told).await? {
                continue;
            }
            let kind = difference.kind.as_str();
            let (ours, theirs) = (difference.ours.map(|yen| yen.0), difference.theirs.map(|yen| yen.0));
            let reason = &difference.reason;
            // In dry-run nothing is awaited of anybody.
            if self.contract.mode == Mode::Live {
                tracing::warn!(settlement, shop, mall_order_id = %order, kind, ours, theirs,
                    error.message = %reason, "Settlement was found to differ.");
            } else {
                tracing::info!(settlement, shop, mall_order_id = %order, kind, ours, theirs,
                    error.message = %reason, "Settlement was found to differ.");
            }
        }
        Ok(())
    }

    /// Forgets what was told of and is no longer so: told again, should it come back.
    async fn forget_settled(&self, shared: &Shared) -> Result<(), StoreError> {
        let mut after = String::new();
        loop {
            let told = shared.store.told_differences(self.name(), &after, PAGE).await?;
            let Some((_, last)) = told.last() else { return Ok(()) };
            after.clone_from(last);
            let ids: BTreeSet<&str> = told.iter().map(|(id, _)| id.as_str()).collect();
            let ids: Vec<&str> = ids.into_iter().collect();
            let now = shared.ambient.now();
            let (page, _) = shared.store.compare_settlements(&self.contract, Which::Ids(&ids), now).await?;
            let still: BTreeSet<String> = page
                .iter()
                .flat_map(|compared| compared.differences.iter().map(|d| subject(compared, d.kind)))
                .collect();
            for (_, subject) in told.iter().filter(|(_, subject)| !still.contains(subject)) {
                shared.store.forget_notice(Topic::Difference, subject).await?;
            }
        }
    }
}
