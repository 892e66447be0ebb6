//! Shops that cannot be read: the first failure is a warning; once it has lasted so long that orders get late it is an
//! error, again every six hours; the end of it is told once.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::engine::poll::{BACKFILL, Shared, Shop};
use crate::store::StoreError;
use crate::store::notices::{Notice, Topic};
use crate::store::streams::StreamRow;

/// After so long orders get late.
const LATE: Duration = Duration::from_secs(3_600);
/// Then it is told again so often.
const AGAIN: Duration = Duration::from_secs(6 * 3_600);

/// [`Notice::step`]: it may pass by itself.
const WAITED_FOR: i64 = 0;
/// [`Notice::step`]: a person must act.
const PERSON: i64 = 1;

/// How grave a failed pass is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Grave {
    /// The first of an outage that only a person can end.
    Error,
    /// The first of an outage.
    Warning,
    /// One more.
    Known,
}

/// Notes that a pass failed; `person`: only a person can mend it.
///
/// # Errors
/// The database.
pub(in crate::engine) async fn failed(
    shared: &Shared,
    shop: &str,
    person: bool,
) -> Result<Grave, StoreError> {
    let now = shared.ambient.now();
    let before = shared.store.notice(Topic::Fails, shop).await?;
    let step = if person { PERSON } else { WAITED_FOR };
    if before.as_ref().is_some_and(|told| told.step >= step) {
        return Ok(Grave::Known);
    }
    let since = before.as_ref().map_or(now, |told| told.since);
    let after = Notice { topic: Topic::Fails, subject: shop.to_owned(), since, step, told_at: now };
    Ok(match (shared.store.note(before.as_ref(), &after).await?, person) {
        (false, _) => Grave::Known,
        (true, true) => Grave::Error,
        (true, false) => Grave::Warning,
    })
}

/// Tells that a shop can be read again, if none of its streams fails any more.
///
/// # Errors
/// The database.
pub(in crate::engine) async fn recovered(shared: &Shared, shop: &Shop) -> Result<(), StoreError> {
    let rows = shared.store.streams(Some(&shop.name)).await?;
    if failing(&rows, &shop.name).is_some() {
        return Ok(());
    }
    if let Some(told) = shared.store.forget_notice(Topic::Fails, &shop.name).await? {
        let down_seconds = shared.ambient.now().since(told.since).as_secs();
        tracing::info!(shop = %shop.name, mall = shop.mall_word, down_seconds, "Shop was read again.");
    }
    Ok(())
}

/// The stream of a shop that fails most; a backfill that fails makes no order late.
fn failing<'a>(rows: &'a [StreamRow], shop: &str) -> Option<&'a StreamRow> {
    rows.iter()
        .filter(|row| row.shop == shop && row.failures > 0 && !row.stream.starts_with(BACKFILL))
        .max_by_key(|row| row.failures)
}

/// Whether it is to be told of now that a shop still fails.
fn is_due(told: &Notice, now: Timestamp) -> bool {
    if told.step == WAITED_FOR { now.since(told.since) >= LATE } else { now.since(told.told_at) >= AGAIN }
}

/// Tells of shops that have failed for long.
pub(super) async fn round(shared: &Shared, shops: &[Arc<Shop>]) -> Result<(), StoreError> {
    let told = shared.store.notices(Topic::Fails).await?;
    if told.is_empty() {
        return Ok(());
    }
    let rows = shared.store.streams(None).await?;
    let now = shared.ambient.now();
    for before in told {
        let Some(shop) = shops.iter().find(|shop| shop.name == before.subject) else { continue };
        let Some(row) = failing(&rows, &shop.name) else {
            recovered(shared, shop).await?;
            continue;
        };
        let after = Notice { step: PERSON, told_at: now, ..before.clone() };
        if !is_due(&before, now) || !shared.store.note(Some(&before), &after).await? {
            continue;
        }
        let error = row.error.as_deref().unwrap_or_default();
        let (code, message) = error.split_once(": ").unwrap_or(("", error));
        tracing::error!(
            shop = %shop.name,
            mall = shop.mall_word,
            stream = %row.stream,
            down_seconds = now.since(before.since).as_secs(),
            failures = row.failures,
            error.code = code,
            error.message = message,
            next_attempt_at = %row.due_at,
            "Shop was not read for so long that orders got late."
        );
    }
    Ok(())
}
