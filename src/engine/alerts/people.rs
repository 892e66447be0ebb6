//! Operations and settlements that need a person: an error each, once when it comes to that, and a word a day while any is
//! open.

use std::sync::Arc;

use super::DAY;
use crate::domain::planner::Mode;
use crate::engine::poll::Shared;
use crate::store::StoreError;
use crate::store::notices::{ForPerson, Notice, Topic};

/// Told one by one in a round; a flood waits for the next ones.
const AT_ONCE: u32 = 50;

/// Tells which operations of a contract have come to need a person.
///
/// # Errors
/// The database.
pub(in crate::engine) async fn operations(shared: &Shared, contract: &str) -> Result<(), StoreError> {
    for about in shared.store.operations_to_tell(contract, AT_ONCE).await? {
        tell(shared, Topic::Operation, contract, &about).await?;
    }
    Ok(())
}

async fn tell(shared: &Shared, topic: Topic, settlement: &str, about: &ForPerson) -> Result<(), StoreError> {
    let now = shared.ambient.now();
    // A person may have sent it on since it was told of.
    let before = shared.store.notice(topic, &about.id).await?;
    let since = about.since.unwrap_or(now);
    let after = Notice { topic, subject: about.id.clone(), since, step: 0, told_at: now };
    if !shared.store.note(before.as_ref(), &after).await? {
        return Ok(());
    }
    let code = about.code.as_deref();
    let reason = about.reason.as_deref();
    let (shop, mall_order_id) = (&about.shop, &about.mall_order_id);
    if topic == Topic::Operation {
        tracing::error!(settlement, shop, mall_order_id, operation = %about.id, error.code = code,
            error.message = reason, "Operation came to need a person.");
    } else {
        tracing::error!(
            settlement,
            shop,
            mall_order_id,
            state = code,
            error.message = reason,
            "Settlement came to need a person."
        );
    }
    Ok(())
}

/// Tells what came to need a person, and daily that something does. A contract in dry-run sends nothing: nothing of it
/// waits.
pub(super) async fn round(shared: &Shared) -> Result<(), StoreError> {
    shared.store.forget_settled_notices().await?;
    let now = shared.ambient.now();
    let contracts = Arc::clone(&*shared.contracts.now().await);
    for contract in contracts.iter().filter(|contract| contract.mode == Mode::Live) {
        let name = &contract.name;
        operations(shared, name).await?;
        for about in shared.store.settlements_to_tell(name, AT_ONCE).await? {
            tell(shared, Topic::Settlement, name, &about).await?;
        }
        let open = shared.store.waiting_for_people(name).await?;
        let before = shared.store.notice(Topic::Open, name).await?;
        if open.operations + open.settlements == 0 {
            if before.is_some() {
                shared.store.forget_notice(Topic::Open, name).await?;
            }
            continue;
        }
        // The first day's word is each one's own.
        let told = Notice { topic: Topic::Open, subject: name.clone(), since: now, step: 0, told_at: now };
        let Some(before) = before else {
            shared.store.note(None, &told).await?;
            continue;
        };
        let after = Notice { since: before.since, ..told };
        if now.since(before.told_at) >= DAY && shared.store.note(Some(&before), &after).await? {
            tracing::error!(settlement = %name, operations = open.operations, settlements = open.settlements,
                since = %before.since, "Decisions of a person were still open.");
        }
    }
    Ok(())
}
