//! The address that the gateway sees our calls come from. It answers registered addresses alone
//! (kuroneko-webcollect.md §2.2), so another one is told before it costs an evening's captures: once, daily while it stays
//! so, and again when it is over.

use std::net::IpAddr;
use std::time::Duration;

use super::Account;
use crate::clock::Timestamp;
use crate::domain::account::{Health, Level};
use crate::engine::guard;
use crate::engine::poll::Shared;
use crate::store::StoreError;
use crate::store::addresses::SourceAddress;
use crate::store::notices::{Notice, Topic};

/// Between two askings.
const DAILY: Duration = Duration::from_secs(86_400);
/// While the address is another one than it should be, or the gateway did not say.
const HOURLY: Duration = Duration::from_secs(3_600);

impl Account {
    /// Asks which address the gateway sees, if that is due and nobody else does.
    pub(super) async fn watch_address(&self, shared: &Shared) -> Result<(), StoreError> {
        let now = shared.ambient.now();
        if !shared.store.claim_source_address(self.name(), now, now + HOURLY).await? {
            return Ok(());
        }
        let before = shared.store.source_address(self.name()).await?;
        // Only a look-up shows that a new address is taken: H01 answers every address.
        let changed = before.differs_from(self.way_out.registered).is_some();
        let linked = if changed { shared.store.newest_reception_number(self.name()).await? } else { None };
        let Some(_slot) = self.free_slot(shared).await else { return Ok(()) };
        if guard::window_ends(self.window, shared.ambient.now(), self.gateway.deadline()).is_some() {
            return Ok(());
        }
        let call = self.call(shared, &*shared.gate);
        match self.gateway.check(&call, linked.as_deref()).await {
            Ok(health) => self.note_address(shared, &health, linked.is_some()).await,
            Err(fault) => {
                tracing::warn!(settlement = self.name(), error.code = fault.kind(), error.message = %fault,
                    "Source address could not be asked for.");
                Ok(())
            }
        }
    }

    /// Keeps and tells what a check showed; `looked_up`: it looked a settlement up too.
    pub(super) async fn note_address(
        &self,
        shared: &Shared,
        health: &Health,
        looked_up: bool,
    ) -> Result<(), StoreError> {
        let Some(address) = health.address else { return Ok(()) };
        let now = shared.ambient.now();
        let proven = looked_up && health.findings.iter().all(|finding| finding.level != Level::Error);
        let registered = self.way_out.registered;
        let next = (now + DAILY, now + HOURLY);
        let stands =
            shared.store.observe_source_address(self.name(), address, registered, proven, now, next).await?;
        self.tell_address(shared, address, &stands, now).await
    }

    async fn tell_address(
        &self,
        shared: &Shared,
        seen: IpAddr,
        stands: &SourceAddress,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(known) = stands.differs_from(self.way_out.registered) else {
            if shared.store.forget_notice(Topic::Address, self.name()).await?.is_some() {
                tracing::info!(settlement = self.name(), seen_address = %seen, "Source address was right again.");
            }
            return Ok(());
        };
        let since = stands.seen_since.unwrap_or(now);
        let before = shared.store.notice(Topic::Address, self.name()).await?;
        if before.as_ref().is_some_and(|told| told.since == since && now.since(told.told_at) < DAILY) {
            return Ok(());
        }
        let told =
            Notice { topic: Topic::Address, subject: self.name().to_owned(), since, step: 0, told_at: now };
        if shared.store.note(before.as_ref(), &told).await? {
            tracing::error!(settlement = self.name(), seen_address = %seen, known_address = %known, since = %since,
                register_at = self.way_out.places.join(", "), "Source address was not the registered one.");
        }
        Ok(())
    }
}
