//! What differs is told once, and forgotten when it no longer does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::planner::Mode;
use crate::domain::reconcile::{Difference, Kind, Report};
use crate::engine::effects::Account;
use crate::engine::poll::Shared;
use crate::store::StoreError;
use crate::store::missed::{Missed, Of};
use crate::store::notices::{Notice, Topic};
use crate::store::reconciling::{Compared, Which};

/// Settlements compared at a time.
const PAGE: u64 = 200;

/// What was read is dated with the moment it was asked for, and stored later.
const SLACK: Duration = Duration::from_secs(3_600);
/// [`Notice::step`] of what was told while nothing is awaited of anybody (dry-run): told again once the contract is live.
const QUIETLY: i64 = 1;

/// A difference by its settlement and kind.
fn subject(compared: &Compared, kind: Kind) -> String {
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
        self.compare_missed(shared, &mut report).await?;
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
        let (shop, order) = (&compared.row.shop, &compared.row.mall_order_id);
        for difference in &compared.differences {
            self.tell(shared, subject(compared, difference.kind), (shop, order), difference).await?;
        }
        Ok(())
    }

    /// Tells of one difference of an order (its shop, its number), unless that was done before.
    async fn tell(
        &self,
        shared: &Shared,
        subject: String,
        (shop, order): (&str, &str),
        difference: &Difference,
    ) -> Result<(), StoreError> {
        if !self.is_new(shared, subject).await? {
            return Ok(());
        }
        let (settlement, kind, reason) = (self.name(), difference.kind.as_str(), &difference.reason);
        let (ours, theirs) = (difference.ours.map(|yen| yen.0), difference.theirs.map(|yen| yen.0));
        // In dry-run nothing is awaited of anybody.
        if self.contract.mode == Mode::Live {
            tracing::warn!(settlement, shop, mall_order_id = %order, kind, ours, theirs,
                error.message = %reason, "Settlement was found to differ.");
        } else {
            tracing::info!(settlement, shop, mall_order_id = %order, kind, ours, theirs,
                error.message = %reason, "Settlement was found to differ.");
        }
        Ok(())
    }

    /// Card orders that no rule fits: tells of new ones, forgets those that have their place now.
    async fn compare_missed(&self, shared: &Shared, report: &mut Report) -> Result<(), StoreError> {
        let contracts = Arc::clone(&*shared.contracts.now().await);
        let now = shared.ambient.now();
        let mut after = Some(String::new());
        while let Some(from) = after {
            shared.beat.works(&shared.ambient);
            let of = Of::After(&from, PAGE);
            let (page, next) = shared.store.missed_orders(&contracts, &self.contract, of, now).await?;
            for Missed { order_id, shop, mall_order_id, difference } in &page {
                report.add(difference);
                let subject = format!("{order_id}/{}", difference.kind);
                self.tell(shared, subject, (shop, mall_order_id), difference).await?;
            }
            after = next;
        }
        let mut after = String::new();
        loop {
            let told = shared.store.told_missed(&after, PAGE).await?;
            let Some((_, last)) = told.last() else { return Ok(()) };
            after.clone_from(last);
            let ids: Vec<&str> = told.iter().map(|(id, _)| id.as_str()).collect();
            let mut still = BTreeSet::new();
            for contract in contracts.iter() {
                let (page, _) = shared.store.missed_orders(&contracts, contract, Of::Ids(&ids), now).await?;
                still.extend(page.into_iter().map(|missed| missed.order_id));
            }
            for (_, subject) in told.iter().filter(|(id, _)| !still.contains(id)) {
                shared.store.forget_notice(Topic::Difference, subject).await?;
            }
        }
    }

    /// Whether a difference is to be told: notes that it was.
    async fn is_new(&self, shared: &Shared, subject: String) -> Result<bool, StoreError> {
        let now = shared.ambient.now();
        let live = self.contract.mode == Mode::Live;
        let before = shared.store.notice(Topic::Difference, &subject).await?;
        if before.as_ref().is_some_and(|told| told.step != QUIETLY || !live) {
            return Ok(false);
        }
        let since = before.as_ref().map_or(now, |told| told.since);
        let step = if live { 0 } else { QUIETLY };
        let told = Notice { topic: Topic::Difference, subject, since, step, told_at: now };
        shared.store.note(before.as_ref(), &told).await
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
