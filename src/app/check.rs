//! What `check` tells: one row a finding, with what to do.

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::connect::{connect, contracts};
use super::{App, Broken, Connected};
use crate::clock::{Ambient, Timestamp};
use crate::config::{Config, Kind};
use crate::domain::account::{Expiry, Finding, Health, Level};
use crate::domain::planner::Mode;
use crate::engine::guard;
use crate::engine::limits::StoreGate;
use crate::engine::vault::StoreVault;
use crate::http::{Call, Fault, Priority};
use crate::secret::SecretRef;
use crate::store::settlements::SettlementFilter;
use crate::store::{Access, Store};
use crate::{malls, settlement};

/// One line of `check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckRow {
    /// `config`, `database`, `shops.rakuten-main`, `settlements.webcollect-main`.
    pub subject: String,
    /// How bad it is.
    pub level: Level,
    /// A stable word.
    pub code: String,
    /// What was found.
    pub message: String,
    /// What to do and where.
    pub action: Option<String>,
}

impl CheckRow {
    /// A row.
    pub fn new(
        subject: &str,
        level: Level,
        code: &str,
        message: impl Into<String>,
        action: Option<&str>,
    ) -> Self {
        Self {
            subject: subject.to_owned(),
            level,
            code: code.to_owned(),
            message: message.into(),
            action: action.map(str::to_owned),
        }
    }
}

/// The malls' sections, as `config` checks them.
pub(super) const fn mall_kinds() -> [Kind; malls::MALLS.len()] {
    let mut kinds = [Kind {
        name: "",
        schema: malls::MALLS[0].schema,
        validate: malls::MALLS[0].validate,
        urls: malls::MALLS[0].urls,
    }; malls::MALLS.len()];
    let mut i = 0;
    while i < kinds.len() {
        let mall = &malls::MALLS[i];
        kinds[i] = Kind { name: mall.name, schema: mall.schema, validate: mall.validate, urls: mall.urls };
        i += 1;
    }
    kinds
}

/// The gateways' sections, as `config` checks them.
pub(super) const fn provider_kinds() -> [Kind; settlement::PROVIDERS.len()] {
    let first = &settlement::PROVIDERS[0];
    let mut kinds = [Kind { name: "", schema: first.schema, validate: first.validate, urls: first.urls };
        settlement::PROVIDERS.len()];
    let mut i = 0;
    while i < kinds.len() {
        let provider = &settlement::PROVIDERS[i];
        kinds[i] = Kind {
            name: provider.name,
            schema: provider.schema,
            validate: provider.validate,
            urls: provider.urls,
        };
        i += 1;
    }
    kinds
}

impl App {
    /// Everything that can be told without waiting for a pass, sorted by subject; with `online`, at most three harmless
    /// calls an account (decisions.md 19). A database that cannot be opened is a row like any other: the rest is told
    /// all the same, but nobody is called, because the limiter's rows stand in it.
    pub async fn check(config: &Config, ambient: &Ambient, online: bool) -> Vec<CheckRow> {
        let mut rows = vec![CheckRow::new("config", Level::Ok, "valid", files(config), None)];
        let app = match Box::pin(Self::open(config, Access::Command, ambient.clone())).await {
            Ok(app) => {
                let message = "opened; the schema is the one this program knows";
                rows.push(CheckRow::new("database", Level::Ok, "open", message, None));
                Some(app)
            }
            Err(error) => {
                let action = "mend [database] in the config, or make the folder writable for this user";
                let row =
                    CheckRow::new("database", Level::Error, "database", error.to_string(), Some(action));
                rows.push(row);
                None
            }
        };
        if config.database.password.as_ref().is_some_and(SecretRef::is_inline) {
            let message = "password: stands in the config itself or the environment";
            let action = "move it to a file (file:PATH) or a systemd credential";
            rows.push(CheckRow::new("database", Level::Warning, "secret_inline", message, Some(action)));
        }
        // A word that is not known was reported with the config already: opening would have failed the same way.
        let connected = connect(config, &contracts(config).unwrap_or_default());
        rows.extend(offline(config, &connected, ambient.now()));
        match (&app, online) {
            (Some(app), true) => {
                let told = asked(app, &connected).await;
                // An account that answers tells the ends of its keys itself, with what to do about them.
                let again = |row: &CheckRow| {
                    row.code == KEY_EXPIRY
                        && told.iter().any(|t| (&t.subject, &t.message) == (&row.subject, &row.message))
                };
                rows.retain(|row| !again(row));
                rows.extend(told);
            }
            (None, true) => {
                let shops = connected.shops.iter().map(|shop| format!("shops.{}", shop.name));
                let names = connected.accounts.iter().map(|a| format!("settlements.{}", a.contract.name));
                let message = "not asked: the database is needed for it";
                rows.extend(
                    shops
                        .chain(names)
                        .map(|subject| CheckRow::new(&subject, Level::Warning, "not_asked", message, None)),
                );
            }
            (_, false) => {}
        }
        rows.sort_by(|a, b| a.subject.cmp(&b.subject));
        rows
    }
}

/// What the accounts answer.
async fn asked(app: &App, connected: &Connected) -> Vec<CheckRow> {
    let mut rows = Vec::new();
    let (store, ambient) = (&app.store, &app.ambient);
    // The same rows as the daemon's, and no stop.
    let gate = StoreGate::new(store.clone(), ambient.clone(), CancellationToken::new());
    let vault = StoreVault::new(store.clone(), ambient.clone());
    let call = |account, client| Call {
        account,
        client,
        gate: &gate,
        priority: Priority::Live,
        vault: &vault,
        ambient,
    };
    for shop in &connected.shops {
        let subject = format!("shops.{}", shop.name);
        let newest = store.newest_order(&shop.name).await.ok().flatten();
        let newest = newest.map(crate::domain::ids::OrderRef::new);
        let health = shop.mall.check(&call(&shop.name, &shop.client), newest.as_ref()).await;
        rows.extend(health_rows(&subject, health, ambient.now()));
    }
    for account in &connected.accounts {
        let name = &account.contract.name;
        let subject = format!("settlements.{name}");
        let now = ambient.now();
        if let Some(end) = guard::window_ends(account.window, now, account.gateway.deadline()) {
            let message = format!("not asked: maintenance window until {}", end.jst().format("%H:%M"));
            rows.push(CheckRow::new(&subject, Level::Ok, "window", message, None));
            continue;
        }
        let linked = newest_linked(store, name).await;
        let health = account.gateway.check(&call(name, &account.client), linked.as_deref()).await;
        rows.extend(health_rows(&subject, health, now));
    }
    rows
}

/// What can be told of the sections without a call.
fn offline(config: &Config, connected: &Connected, now: Timestamp) -> Vec<CheckRow> {
    let mut rows = Vec::new();
    let problems = |rows: &mut Vec<CheckRow>, all: &[Broken], level: Level, code: &str| {
        for broken in all {
            for p in &broken.problems {
                rows.push(CheckRow::new(
                    &broken.subject,
                    level,
                    code,
                    format!("{}: {}", p.key, p.message),
                    None,
                ));
            }
        }
    };
    problems(&mut rows, &connected.broken, Level::Error, "section_unusable");
    problems(&mut rows, &connected.warnings, Level::Warning, "secret_inline");
    rows.extend(connected.expiries.iter().map(|(subject, expiry)| expiry_row(subject, expiry, &[], now)));
    for shop in &connected.shops {
        let message = format!("next runs {}", next_runs(&*shop.next_run, now));
        rows.push(CheckRow::new(&format!("shops.{}", shop.name), Level::Ok, "next_runs", message, None));
    }
    for account in &connected.accounts {
        let contract = &account.contract;
        let subject = format!("settlements.{}", contract.name);
        let mode = match contract.mode {
            Mode::DryRun => "dry-run: plans and shows, sends nothing",
            Mode::Live => "live: captures are sent",
        };
        rows.push(CheckRow::new(&subject, Level::Ok, "mode", mode, None));
        let next = next_runs(&|at| account.schedule.next_after(at), now);
        let message = format!("next reconciliations {next}");
        rows.push(CheckRow::new(&subject, Level::Ok, "next_reconciliations", message, None));
        for rule in &contract.rules {
            let collects = config.shops.iter().find(|s| s.name == rule.shop).map(|s| s.mall.as_str());
            if !rule.own_contract && matches!(collects, Some("amazon" | "aupay")) {
                let message = format!(
                    "the rule for shop {} can never match: that mall collects every payment",
                    rule.shop
                );
                let action =
                    "set own_contract = true if the shop has a contract of its own, or remove the rule";
                rows.push(CheckRow::new(
                    &subject,
                    Level::Warning,
                    "rule_never_matches",
                    message,
                    Some(action),
                ));
            }
        }
    }
    for shop in config.shops.iter().filter(|shop| !shop.enabled) {
        let message = "disabled: not polled, its secrets are not read";
        rows.push(CheckRow::new(&format!("shops.{}", shop.name), Level::Ok, "disabled", message, None));
    }
    for settlement in config.settlements.iter().filter(|settlement| !settlement.enabled) {
        let subject = format!("settlements.{}", settlement.name);
        let message = "disabled: nothing is sent, its secrets are not read";
        rows.push(CheckRow::new(&subject, Level::Ok, "disabled", message, None));
    }
    rows
}

/// The next three runs of a schedule.
fn next_runs(next_run: &dyn Fn(Timestamp) -> Option<Timestamp>, now: Timestamp) -> String {
    let runs = std::iter::successors(next_run(now), |at| next_run(*at));
    runs.take(3).map(|at| at.jst().format("%m-%d %H:%M:%S").to_string()).collect::<Vec<_>>().join(", ")
}

fn files(config: &Config) -> String {
    config.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// What an account's calls told.
fn health_rows(subject: &str, health: Result<Health, Fault>, now: Timestamp) -> Vec<CheckRow> {
    match health {
        Ok(health) => {
            // The end of a key is told once, with what the connector knows to do about it.
            let (ends, findings): (Vec<Finding>, Vec<Finding>) = health
                .findings
                .into_iter()
                .partition(|f| f.code == KEY_EXPIRY && !health.expiries.is_empty());
            let mut rows: Vec<CheckRow> = findings
                .into_iter()
                .map(|f| CheckRow {
                    subject: subject.to_owned(),
                    level: f.level,
                    code: f.code,
                    message: f.message,
                    action: f.action,
                })
                .collect();
            rows.extend(health.expiries.iter().map(|expiry| expiry_row(subject, expiry, &ends, now)));
            rows
        }
        Err(fault) => vec![CheckRow::new(subject, Level::Error, fault.kind(), fault.to_string(), None)],
    }
}

const KEY_EXPIRY: &str = "key_expiry";

fn expiry_row(subject: &str, expiry: &Expiry, known: &[Finding], now: Timestamp) -> CheckRow {
    let days = expiry.at.since(now).as_secs() / 86_400;
    let level = match days {
        0..3 => Level::Error,
        3..14 => Level::Warning,
        _ => Level::Ok,
    };
    let message = format!("{} ends on {} ({days} days left)", expiry.what, expiry.at.jst_date());
    let known = known.iter().find(|finding| finding.message.starts_with(&expiry.what));
    // A key that takes long to renew is warned of earlier: its connector knows.
    let level = known.map_or(level, |finding| finding.level.max(level));
    let action = known.and_then(|finding| finding.action.as_deref());
    let action = action.or(Some("issue a new one in the back office and put it into the config"));
    CheckRow::new(subject, level, KEY_EXPIRY, message, action.filter(|_| level != Level::Ok))
}

/// A reception number that is known, for the gateway's check.
async fn newest_linked(store: &Store, contract: &str) -> Option<String> {
    let filter =
        SettlementFilter { name: Some(contract.to_owned()), limit: Some(20), ..SettlementFilter::default() };
    let rows = store.list_settlements(&filter).await.ok()?;
    rows.into_iter().find_map(|row| row.settlement.reception_number)
}
