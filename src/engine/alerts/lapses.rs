//! Authorisations that end with nothing registered on them: one word a day and contract, from three days before the first
//! of them on (decisions.md 12), and one for all that a person is asked to renew. The orders are in `status` and in `settlements list`.

use std::sync::Arc;

use chrono::Days;

use crate::domain::planner::Mode;
use crate::domain::settlement::LAPSE_ALARM;
use crate::engine::poll::Shared;
use crate::store::StoreError;
use crate::store::notices::{Notice, Topic};
use crate::store::signs::Renewals;

/// Tells of every contract whose authorisations end. A contract in dry-run registers nothing: nothing of it is awaited.
pub(super) async fn round(shared: &Shared) -> Result<(), StoreError> {
    let now = shared.ambient.now();
    let today = now.jst_date();
    let last = today.checked_add_days(Days::new(LAPSE_ALARM)).unwrap_or(today);
    let contracts = Arc::clone(&*shared.contracts.now().await);
    for contract in contracts.iter().filter(|contract| contract.mode == Mode::Live) {
        let name = &contract.name;
        let asked = shared.store.renewals(name, last).await?;
        ask(shared, name, asked).await?;
        let authorizations = shared.store.authorizations(name, last).await?;
        let Some(ends_on) = authorizations.next.filter(|day| *day <= last) else { continue };
        // Those that a person is asked to renew are told of by that question.
        let lapsing = authorizations.lapsing.saturating_sub(asked.map_or(0, |asked| asked.lapsing));
        if lapsing == 0 {
            continue;
        }
        let before = shared.store.notice(Topic::Lapses, name).await?;
        if before.as_ref().is_some_and(|told| told.told_at.jst_date() >= today) {
            continue;
        }
        let days = (ends_on - today).num_days();
        let told =
            Notice { topic: Topic::Lapses, subject: name.clone(), since: now, step: days, told_at: now };
        if shared.store.note(before.as_ref(), &told).await? {
            tracing::error!(settlement = %name, authorizations = lapsing, ends_on = %ends_on, days,
                "Authorisations came close to their end.");
        }
    }
    Ok(())
}

/// The one question for all renewals of a contract: told when it comes up and once a day while it stands.
async fn ask(shared: &Shared, name: &str, asked: Option<Renewals>) -> Result<(), StoreError> {
    let now = shared.ambient.now();
    let before = shared.store.notice(Topic::Renewals, name).await?;
    let Some(asked) = asked else {
        if before.is_some() {
            shared.store.forget_notice(Topic::Renewals, name).await?;
        }
        return Ok(());
    };
    if before.as_ref().is_some_and(|told| told.told_at.jst_date() >= now.jst_date()) {
        return Ok(());
    }
    let days = (asked.first - now.jst_date()).num_days();
    let since = before.as_ref().map_or(now, |told| told.since);
    let told = Notice { topic: Topic::Renewals, subject: name.to_owned(), since, step: days, told_at: now };
    if shared.store.note(before.as_ref(), &told).await? {
        tracing::error!(settlement = %name, authorizations = asked.authorizations, ends_on = %asked.first,
            last_ends_on = %asked.last, days, "Authorisations came to need a person to renew them.");
    }
    Ok(())
}
