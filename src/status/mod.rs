//! The health of shops and settlements, as rows for people and machines (interface.md, `status`). It reads the database
//! alone: what it says holds whether a daemon is running or not.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::domain::account::Expiry;
use crate::domain::money::Yen;
use crate::store::accounts::Account;
use crate::store::orders::SetAsideRow;
use crate::store::reloads::ReloadRow;
use crate::store::streams::StreamRow;
use crate::store::{Result, Store};

mod settlements;

/// What the config says, as far as `status` shows it.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The shops.
    pub shops: Vec<ShopFacts>,
    /// The settlements.
    pub settlements: Vec<SettlementFacts>,
}

/// `[shops.NAME]`.
#[derive(Clone, Debug)]
pub struct ShopFacts {
    /// The name.
    pub name: String,
    /// The mall's word.
    pub mall: String,
    /// Polled at all.
    pub enabled: bool,
}

/// `[settlements.NAME]`.
#[derive(Clone, Debug)]
pub struct SettlementFacts {
    /// The name.
    pub name: String,
    /// Used at all.
    pub enabled: bool,
    /// `live`, else dry-run.
    pub live: bool,
}

/// The health of everything.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When it was made.
    pub at: Timestamp,
    /// Whether nothing needs attention.
    pub well: bool,
    /// Whether a daemon is running.
    pub daemon: bool,
    /// What came of the last reload of the config since the daemon started; of several daemons, one each.
    pub reloads: Vec<ReloadRow>,
    /// What needs attention, the gravest first.
    pub attention: Vec<Attention>,
    /// The shops.
    pub shops: Vec<ShopHealth>,
    /// The settlements.
    pub settlements: Vec<SettlementHealth>,
    /// Orders that could not be read, with the reason; tried again by themselves.
    pub set_aside: Vec<SetAsideRow>,
    /// Orders per shop and status.
    pub orders: Vec<crate::store::orders::StatusCount>,
    /// Ends of keys and certificates, the next one first.
    pub expiries: Vec<Ending>,
}

/// What an [`Attention`] is about: a stable word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// An account was stopped by the other side.
    Stopped,
    /// A guard or a person holds a whole contract.
    AccountHeld,
    /// The config was edited, and the daemon refused it.
    ConfigRefused,
    /// Operations that only a person can decide.
    OperationsNeedPerson,
    /// Settlements that only a person can decide.
    SettlementsHeld,
    /// Settlements without a reception number.
    Unlinked,
    /// Polls that fail.
    PollFails,
    /// Polls that should have run and did not.
    Overdue,
    /// Orders that could not be read.
    SetAside,
    /// Slips that wait for a person.
    SlipsHeld,
    /// A key or certificate ends soon, or has ended.
    Ends,
}

/// One thing that fails or needs a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attention {
    /// What it is about.
    pub topic: Topic,
    /// `shops.rakuten-main`, `settlements.webcollect-main`, `slips`.
    pub subject: String,
    /// How many.
    pub count: u64,
    /// The facts.
    pub detail: String,
    /// The command to type.
    pub command: String,
}

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
    /// Stopped by the other side: why and what to do.
    pub stopped: Option<String>,
}

/// A settlement's health.
#[derive(Clone, Debug, Serialize)]
pub struct SettlementHealth {
    /// The name.
    pub name: String,
    /// `live`, `dry-run` or `disabled`.
    pub mode: &'static str,
    /// Stopped by the other side: why and what to do.
    pub stopped: Option<String>,
    /// Held by a guard or a person: why.
    pub held: Option<String>,
    /// Open operations by state.
    pub operations: BTreeMap<&'static str, u64>,
    /// Settlements by state.
    pub settlements: BTreeMap<&'static str, u64>,
    /// Yen registered or settled.
    pub yen_captured: Yen,
    /// Yen held on cards and not registered yet.
    pub yen_waiting: Yen,
}

/// Something that ends on a known day.
#[derive(Clone, Debug, Serialize)]
pub struct Ending {
    /// The shop or settlement.
    pub subject: String,
    /// The key in the config.
    pub what: String,
    /// The last moment it works.
    pub at: Timestamp,
    /// Whole days from now; negative once it has ended.
    pub days: i64,
}

/// A run may start so late before it counts as missed.
const OVERDUE: Duration = Duration::from_secs(10 * 60);
/// From so many days before its end on, a key needs attention.
const SOON: i64 = 14;
/// Rows that are counted one by one; more are "at least so many".
const COUNTED: u64 = 1_000;

/// The health of everything at `now`; `wall` is the machine's own time, which signs of life follow.
///
/// # Errors
/// Of the database.
pub async fn report(store: &Store, facts: &Facts, now: Timestamp, wall: Timestamp) -> Result<Report> {
    let accounts: BTreeMap<String, Account> =
        store.accounts().await?.into_iter().map(|account| (account.name.clone(), account)).collect();
    let streams = store.streams(None).await?;
    let set_aside = store.set_aside(None).await?;
    let mut attention = Vec::new();
    let shops = facts
        .shops
        .iter()
        .map(|shop| shop_health(shop, &streams, &set_aside, accounts.get(&shop.name), (now, wall)))
        .inspect(|shop| shop.attention(now, &mut attention))
        .collect();
    let settlements = settlements::health(store, facts, &accounts, &mut attention).await?;
    let slips = store.list_slips(true, None, Some(COUNTED)).await?;
    let held = slips.iter().filter(|view| view.slip.held.is_some()).count();
    push(&mut attention, Topic::SlipsHeld, "slips", held, "", "mallsync slips list --unmatched");
    let expiries = endings(&accounts, now);
    for ending in expiries.iter().filter(|ending| ending.days <= SOON) {
        let detail = format!("{} ends on {} ({} days)", ending.what, ending.at.jst_date(), ending.days);
        push(&mut attention, Topic::Ends, &ending.subject, 1, &detail, "mallsync check");
    }
    let reloads = store.reloads(wall).await?;
    for reload in reloads.iter().filter(|reload| !reload.applied) {
        push(&mut attention, Topic::ConfigRefused, "config", 1, &reload.outcome, "mallsync check --offline");
    }
    attention.sort_by(|a, b| (a.topic, &a.subject).cmp(&(b.topic, &b.subject)));
    Ok(Report {
        at: now,
        well: attention.is_empty(),
        daemon: store.daemon_alive(wall).await?,
        reloads,
        attention,
        shops,
        settlements,
        set_aside,
        orders: store.count_orders().await?,
        expiries,
    })
}

fn push(list: &mut Vec<Attention>, topic: Topic, subject: &str, count: usize, detail: &str, command: &str) {
    if count > 0 {
        list.push(Attention {
            topic,
            subject: subject.to_owned(),
            count: u64::try_from(count).unwrap_or(u64::MAX),
            detail: detail.to_owned(),
            command: command.to_owned(),
        });
    }
}

fn shop_health(
    shop: &ShopFacts,
    streams: &[StreamRow],
    set_aside: &[SetAsideRow],
    account: Option<&Account>,
    (now, wall): (Timestamp, Timestamp),
) -> ShopHealth {
    // A finished backfill says nothing about today.
    let live: Vec<&StreamRow> = streams.iter().filter(|s| s.shop == shop.name && !s.finished).collect();
    // The shop is as fresh as its stalest stream that has ever run; a stream that never succeeded is told by its error.
    let last_success_at = live.iter().filter_map(|s| s.succeeded_at).min();
    let worst = live.iter().max_by_key(|s| s.failures).filter(|s| s.failures > 0);
    ShopHealth {
        name: shop.name.clone(),
        mall: shop.mall.clone(),
        enabled: shop.enabled,
        last_success_at,
        lag_seconds: last_success_at.map(|at| now.since(at).as_secs()),
        next_run_at: live.iter().map(|s| s.due_at).min().filter(|_| shop.enabled),
        polling: live.iter().any(|s| s.leased_until.is_some_and(|until| until > wall)),
        failures: worst.map_or(0, |s| s.failures),
        error: worst.and_then(|s| s.error.clone()),
        set_aside: set_aside.iter().filter(|row| row.shop == shop.name).map(|_| 1).sum(),
        stopped: stopped(account),
    }
}

fn stopped(account: Option<&Account>) -> Option<String> {
    let account = account?;
    let code = account.stopped_code.as_deref()?;
    Some(match &account.stopped_reason {
        Some(reason) => format!("{code}: {reason}"),
        None => code.to_owned(),
    })
}

impl ShopHealth {
    fn attention(&self, now: Timestamp, list: &mut Vec<Attention>) {
        if !self.enabled {
            return;
        }
        let subject = format!("shops.{}", self.name);
        if let Some(why) = &self.stopped {
            push(list, Topic::Stopped, &subject, 1, why, "mallsync check");
        }
        if self.failures > 0 {
            let count = usize::try_from(self.failures).unwrap_or(usize::MAX);
            let error = self.error.as_deref().unwrap_or_default();
            push(list, Topic::PollFails, &subject, count, error, "mallsync check");
        }
        match self.next_run_at {
            Some(at) if now > at + OVERDUE && !self.polling => {
                push(list, Topic::Overdue, &subject, 1, &format!("due at {at}"), "mallsync run");
            }
            None => push(list, Topic::Overdue, &subject, 1, "never polled yet", "mallsync run"),
            Some(_) => {}
        }
        let count = usize::try_from(self.set_aside).unwrap_or(usize::MAX);
        push(list, Topic::SetAside, &subject, count, "", "mallsync status");
    }
}

fn endings(accounts: &BTreeMap<String, Account>, now: Timestamp) -> Vec<Ending> {
    let mut all: Vec<Ending> = accounts
        .values()
        .flat_map(|account| account.expiries.iter().map(|expiry| ending(&account.name, expiry, now)))
        .collect();
    all.sort_by(|a, b| (a.at, &a.subject).cmp(&(b.at, &b.subject)));
    all
}

fn ending(account: &str, expiry: &Expiry, now: Timestamp) -> Ending {
    let days = (expiry.at.jst_date() - now.jst_date()).num_days();
    Ending { subject: account.to_owned(), what: expiry.what.clone(), at: expiry.at, days }
}

#[cfg(test)]
mod tests;
