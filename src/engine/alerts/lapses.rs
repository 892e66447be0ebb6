//! Authorisations that end with nothing registered on them: one word a day and contract, from three days before the first
//! of them on (decisions.md 12). The orders are in `status` and in `settlements list`.

use std::sync::Arc;

use chrono::Days;

use crate::domain::planner::Mode;
use crate::domain::settlement::LAPSE_ALARM;
use crate::engine::poll::Shared;
use crate::store::StoreError;
use crate::store::notices::{Notice, Topic};

/// Tells of every contract whose authorisations end. A contract in dry-run registers nothing: nothing of it is awaited.
pub(super) async fn round(shared: &Shared) -> Result<(), StoreError> {
    let now = shared.ambient.now();
    let today = now.jst_date();
    let last = today.checked_add_days(Days::new(LAPSE_ALARM)).unwrap_or(today);
    let contracts = Arc::clone(&*shared.contracts.now().await);
    for contract in contracts.iter().filter(|contract| contract.mode == Mode::Live) {
        let name = &contract.name;
        let authorizations = shared.store.authorizations(name, last).await?;
        let Some(ends_on) = authorizations.next.filter(|day| *day <= last) else { continue };
        let before = shared.store.notice(Topic::Lapses, name).await?;
        if before.as_ref().is_some_and(|told| told.told_at.jst_date() >= today) {
            continue;
        }
        let days = (ends_on - today).num_days();
        let told =
            Notice { topic: Topic::Lapses, subject: name.clone(), since: now, step: days, told_at: now };
        if shared.store.note(before.as_ref(), &told).await? {
            tracing::error!(settlement = %name, authorizations = authorizations.lapsing, ends_on = %ends_on, days,
                "Authorisations came close to their end.");
        }
    }
    Ok(())
}
