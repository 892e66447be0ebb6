//! The health of shops and settlements, as rows for people and machines (interface.md, `status`). It reads the database
//! alone: what it says holds whether a daemon is running or not. Beside it the daemon's own answers over HTTP.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::domain::account::{Expiry, WayOut};
use crate::domain::order::Status;
use crate::store::accounts::Account;
use crate::store::orders::{SetAsideRow, StatusCount};
use crate::store::reloads::ReloadRow;
use crate::store::signs::OpenOperations;
use crate::store::{Result, Store};

mod attention;
mod gauges;
/// `/healthz`, `/readyz` and `/metrics`.
pub mod http;
mod settlements;
mod shops;

pub use attention::{Attention, Topic};
pub use settlements::{SettlementHealth, renewal_command};
pub use shops::ShopHealth;

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
    /// The end of its maintenance window, while it lies in one.
    pub window_ends_at: Option<Timestamp>,
    /// The address that its calls should come from, and where it is registered.
    pub way_out: WayOut,
}

/// The health of everything. The names are those of `status --format json`, and stay.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When it was made.
    pub at: Timestamp,
    /// Whether nothing needs attention, but what is only shown ([`Attention::advisory`]).
    pub well: bool,
    /// Whether a daemon is running.
    pub daemon: bool,
    /// When anything was read last; `null`: never.
    pub last_activity_at: Option<Timestamp>,
    /// What came of the last reload of the config since the daemon started; of several daemons, one each.
    pub reloads: Vec<ReloadRow>,
    /// What needs attention, the gravest first; then what is only shown.
    pub attention: Vec<Attention>,
    /// The shops.
    pub shops: Vec<ShopHealth>,
    /// The settlements.
    pub settlements: Vec<SettlementHealth>,
    /// Orders that could not be read, with the reason; tried again by themselves.
    pub set_aside: Vec<SetAsideRow>,
    /// Orders per shop and status.
    pub orders: Vec<StatusCount>,
    /// Ends of keys, consents and certificates, the next one first.
    pub expiries: Vec<Ending>,
}

/// What keeps a shop or settlement waiting: a stable word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// A person's `release`.
    Release,
    /// The hourly probe of an account that was stopped.
    Probe,
    /// The end of a maintenance window.
    Maintenance,
    /// The service asked for a pause.
    Throttled,
    /// The next try after a fault.
    Retry,
    /// Quota for a backfill.
    Quota,
    /// A look-up that settles an unknown outcome.
    LookUp,
    /// The next operation that is due.
    Operation,
}

/// What is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// What.
    pub what: Pause,
    /// Until when; `null` where nobody knows.
    pub until: Option<Timestamp>,
}

/// Orders that wait for somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Awaiting {
    /// How many.
    pub orders: u64,
    /// When the oldest of them was ordered; `null`: there is none.
    pub oldest_at: Option<Timestamp>,
}

impl Awaiting {
    fn of(counts: &[StatusCount], shop: &str, statuses: &[Status]) -> Self {
        let wanted = || counts.iter().filter(|c| c.shop == shop && statuses.contains(&c.status));
        Self {
            orders: wanted().map(|count| count.orders).sum(),
            oldest_at: wanted().map(|count| count.oldest_at).min(),
        }
    }
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

/// From so many days before its end on, a key needs attention.
const SOON: i64 = 14;

/// What can be told at a glance, however many orders there are.
struct Signs {
    attention: Vec<Attention>,
    shops: Vec<ShopHealth>,
    settlements: Vec<SettlementHealth>,
    operations: Vec<OpenOperations>,
    reloads: Vec<ReloadRow>,
    expiries: Vec<Ending>,
}

/// The health of everything at `now`; `wall` is the machine's own time, which signs of life follow.
///
/// # Errors
/// Of the database.
pub async fn report(store: &Store, facts: &Facts, now: Timestamp, wall: Timestamp) -> Result<Report> {
    let mut signs = signs(store, facts, now, wall).await?;
    let orders = store.count_orders().await?;
    for shop in &mut signs.shops {
        let of = |statuses| Awaiting::of(&orders, &shop.name, statuses);
        (shop.awaiting_confirmation, shop.awaiting_shipment) =
            (of(&[Status::AwaitingConfirmation]), of(&[Status::AwaitingShipment, Status::PartiallyShipped]));
    }
    let sums = store.sum_settlements().await?;
    signs.settlements.iter_mut().for_each(|settlement| settlement.add(&sums));
    let daemon = store.daemon_alive(wall).await?;
    let last_activity_at = store.last_activity().await?;
    // Whoever lets `sync` run from a timer needs no daemon, as long as nothing is left undone.
    let undone = |a: &Attention| matches!(a.topic, Topic::Overdue | Topic::OperationsLate);
    if !daemon && signs.attention.iter().any(undone) {
        Attention::new(Topic::DaemonStopped, "daemon", "systemctl start mallsync")
            .since(last_activity_at)
            .detail("nothing is read and nothing is sent")
            .push(&mut signs.attention);
        attention::sort(&mut signs.attention);
    }
    Ok(Report {
        at: now,
        well: signs.attention.iter().all(|attention| attention.advisory),
        daemon,
        last_activity_at,
        reloads: signs.reloads,
        attention: signs.attention,
        shops: signs.shops,
        settlements: signs.settlements,
        set_aside: store.set_aside(None).await?,
        orders,
        expiries: signs.expiries,
    })
}

impl Report {
    /// The config as it stands now cannot be used, whether or not the daemon has seen it yet.
    pub fn refuse_config(&mut self, why: &str) {
        if self.attention.iter().all(|attention| attention.topic != Topic::ConfigRefused) {
            Attention::new(Topic::ConfigRefused, "config", "mallsync check --offline")
                .detail(why)
                .push(&mut self.attention);
            attention::sort(&mut self.attention);
        }
        self.well = false;
    }
}

async fn signs(store: &Store, facts: &Facts, now: Timestamp, wall: Timestamp) -> Result<Signs> {
    let accounts: BTreeMap<String, Account> =
        store.accounts().await?.into_iter().map(|account| (account.name.clone(), account)).collect();
    let streams = store.streams(None).await?;
    let set_aside = store.count_set_aside().await?;
    let mut attention = Vec::new();
    let mut shops = Vec::new();
    for shop in &facts.shops {
        let account = accounts.get(&shop.name);
        shops.push(shops::health(shop, &streams, &set_aside, account, (now, wall), &mut attention));
    }
    let operations = store.open_operations(now - settlements::LATE).await?;
    let asked = store.asked_settlements().await?;
    let reconciliations = store.reconciliations(None).await?;
    let known = settlements::Known {
        accounts: &accounts,
        functions: &store.stopped_functions(None).await?,
        operations: &operations,
        asked: &asked,
        reconciliations: &reconciliations,
        now,
    };
    let mut settlements = Vec::new();
    for settlement in &facts.settlements {
        settlements.push(settlements::health(store, settlement, &known, &mut attention).await?);
    }
    Attention::new(Topic::SlipsHeld, "slips", "mallsync slips list --unmatched")
        .count(store.waiting_slips().await?)
        .push(&mut attention);
    let expiries = endings(facts, &accounts, now);
    for ending in expiries.iter().filter(|ending| ending.days <= SOON && facts.uses(&ending.subject)) {
        ending.attention(facts).push(&mut attention);
    }
    let reloads = store.reloads(wall).await?;
    for reload in reloads.iter().filter(|reload| !reload.applied) {
        Attention::new(Topic::ConfigRefused, "config", "mallsync check --offline")
            .since(Some(reload.at))
            .detail(&reload.outcome)
            .push(&mut attention);
    }
    if let Some(since) = store.no_room_since()? {
        Attention::new(Topic::DatabaseFull, "database", "df -h")
            .since(Some(since))
            .detail("nothing is stored and nothing is sent; it goes on by itself once there is room")
            .push(&mut attention);
    }
    attention::sort(&mut attention);
    Ok(Signs { attention, shops, settlements, operations, reloads, expiries })
}

fn stopped(account: Option<&Account>) -> Option<String> {
    let account = account?;
    let code = account.stopped_code.as_deref()?;
    Some(match &account.stopped_reason {
        Some(reason) => format!("{code}: {reason}"),
        None => code.to_owned(),
    })
}

/// Ends of what is in the config and enabled; rows of what was taken out of it say nothing.
fn endings(facts: &Facts, accounts: &BTreeMap<String, Account>, now: Timestamp) -> Vec<Ending> {
    let names = facts.shops.iter().map(|s| &s.name).chain(facts.settlements.iter().map(|s| &s.name));
    let mut all: Vec<Ending> = names
        .filter_map(|name| accounts.get(name))
        .flat_map(|account| account.expiries.iter().map(|expiry| ending(&account.name, expiry, now)))
        .collect();
    all.sort_by(|a, b| (a.at, &a.subject).cmp(&(b.at, &b.subject)));
    all
}

fn ending(account: &str, expiry: &Expiry, now: Timestamp) -> Ending {
    let days = (expiry.at.jst_date() - now.jst_date()).num_days();
    Ending { subject: account.to_owned(), what: expiry.what.clone(), at: expiry.at, days }
}

impl Facts {
    /// Whether a shop or settlement is enabled: one that is not needs nobody yet.
    fn uses(&self, name: &str) -> bool {
        self.shops.iter().any(|shop| shop.enabled && shop.name == *name)
            || self.settlements.iter().any(|settlement| settlement.enabled && settlement.name == *name)
    }
}

impl Ending {
    fn attention(&self, facts: &Facts) -> Attention {
        let shop = facts.shops.iter().find(|shop| shop.name == self.subject);
        let table = if shop.is_some() { "shops" } else { "settlements" };
        let command = match shop {
            // What ends there is a person's consent.
            Some(shop) if shop.mall == "yahoo" && self.what == "refresh_token" => {
                format!("mallsync shops authorize {}", shop.name)
            }
            _ => "mallsync check".to_owned(),
        };
        let detail = format!("{} ends on {} ({} days)", self.what, self.at.jst_date(), self.days);
        Attention::new(Topic::Ends, &format!("{table}.{}", self.subject), command)
            .since(Some(self.at))
            .detail(detail)
    }
}

#[cfg(test)]
mod tests;
