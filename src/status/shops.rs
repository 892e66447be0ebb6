//! The health of shops, and what of them needs a person.

use std::time::Duration;

use serde::Serialize;

use super::{Attention, Awaiting, Pause, ShopFacts, Topic, Waiting, stopped};
use crate::clock::Timestamp;
use crate::store::accounts::Account;
use crate::store::signs::SetAsideCount;
use crate::store::streams::StreamRow;

/// A run may start so late before it counts as missed.
const OVERDUE: Duration = Duration::from_secs(10 * 60);

/// A shop's health.
#[derive(Clone, Debug, Serialize)]
pub struct ShopHealth {
    /// The name.
    pub name: String,
    /// The mall's word.
    pub mall: String,
    /// Polled at all.
    pub enabled: bool,
    /// End of the last run that went well.
    pub last_success_at: Option<Timestamp>,
    /// Seconds since then.
    pub lag_seconds: Option<u64>,
    /// Next run.
    pub next_run_at: Option<Timestamp>,
    /// A poll is under way: what is due waits for its end.
    pub polling: bool,
    /// Runs that failed since the last good one.
    pub failures: i64,
    /// `kind: message` of the last fault.
    pub error: Option<String>,
    /// Orders that could not be read.
    pub set_aside: u64,
    /// Stopped by the other side, or not usable as it stands in the config: why and what to do.
    pub stopped: Option<String>,
    /// What it waits for, beside its next run.
    pub waiting: Vec<Waiting>,
    /// Orders that wait for the shop's confirmation.
    pub awaiting_confirmation: Awaiting,
    /// Orders that may ship and have not, or not all of their parcels.
    pub awaiting_shipment: Awaiting,
}

/// The health of `shop`, and what of it needs a person.
pub(super) fn health(
    shop: &ShopFacts,
    streams: &[StreamRow],
    set_aside: &[SetAsideCount],
    account: Option<&Account>,
    (now, wall): (Timestamp, Timestamp),
    attention: &mut Vec<Attention>,
) -> ShopHealth {
    // A finished backfill says nothing about today.
    let live: Vec<&StreamRow> = streams.iter().filter(|s| s.shop == shop.name && !s.finished).collect();
    // The shop is as fresh as its stalest stream that has ever run; a stream that never succeeded is told by its error.
    let last_success_at = live.iter().filter_map(|s| s.succeeded_at).min();
    let worst = live.iter().max_by_key(|s| s.failures).filter(|s| s.failures > 0).copied();
    let aside = set_aside.iter().find(|count| count.shop == shop.name);
    let health = ShopHealth {
        name: shop.name.clone(),
        mall: shop.mall.clone(),
        enabled: shop.enabled,
        last_success_at,
        lag_seconds: last_success_at.map(|at| now.since(at).as_secs()),
        next_run_at: live.iter().map(|s| s.due_at).min().filter(|_| shop.enabled),
        polling: live.iter().any(|s| s.leased_until.is_some_and(|until| until > wall)),
        failures: worst.map_or(0, |s| s.failures),
        error: worst.and_then(|s| s.error.clone()),
        set_aside: aside.map_or(0, |count| count.orders),
        stopped: stopped(account),
        waiting: if shop.enabled { waiting(&live, now) } else { Vec::new() },
        awaiting_confirmation: Awaiting::default(),
        awaiting_shipment: Awaiting::default(),
    };
    if shop.enabled {
        let since = [account.and_then(|a| a.stopped_at), aside.map(|count| count.since)];
        health.attention(now, worst, since, attention);
    }
    health
}

/// What the streams wait for: after a fault for the next try, a backfill for the quota.
fn waiting(live: &[&StreamRow], now: Timestamp) -> Vec<Waiting> {
    let of = |stream: &&StreamRow| {
        let what = match stream.error.as_deref().map(|error| error.split(':').next().unwrap_or_default()) {
            Some("throttled") => Pause::Throttled,
            Some("maintenance") => Pause::Maintenance,
            Some(_) => Pause::Retry,
            // One that has quota left goes on at once.
            None if stream.stream.starts_with("backfill:") => Pause::Quota,
            None => return None,
        };
        (stream.due_at > now).then_some(Waiting { what, until: Some(stream.due_at) })
    };
    let mut all: Vec<Waiting> = live.iter().filter_map(of).collect();
    all.sort_by_key(|waiting| (waiting.what, waiting.until));
    all.dedup_by_key(|waiting| waiting.what);
    all
}

impl ShopHealth {
    fn attention(
        &self,
        now: Timestamp,
        worst: Option<&StreamRow>,
        [stopped_at, aside_at]: [Option<Timestamp>; 2],
        list: &mut Vec<Attention>,
    ) {
        let subject = format!("shops.{}", self.name);
        let new = |topic, command: &str| Attention::new(topic, &subject, command);
        if let Some(why) = &self.stopped {
            new(Topic::Stopped, "mallsync check").since(stopped_at).detail(why).push(list);
        }
        if let Some(worst) = worst {
            new(Topic::PollFails, "mallsync check")
                .count(u64::try_from(self.failures).unwrap_or(0))
                // Nothing notes the first failure: since then nothing went well.
                .since(worst.succeeded_at)
                .detail(worst.error.as_deref().unwrap_or_default())
                .push(list);
        }
        let overdue = new(Topic::Overdue, "systemctl status mallsync");
        match self.next_run_at {
            Some(at) if now > at + OVERDUE && !self.polling => {
                overdue.since(Some(at)).detail(format!("due at {at}")).push(list);
            }
            None => overdue.detail("never polled yet").push(list),
            Some(_) => {}
        }
        new(Topic::SetAside, "mallsync status").count(self.set_aside).since(aside_at).push(list);
    }
}
