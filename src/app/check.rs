//! What `check` tells: one row a finding, with what to do.

use serde::Serialize;

use super::{App, Broken, Connected};
use crate::clock::Timestamp;
use crate::config::Kind;
use crate::domain::account::{Health, Level};
use crate::domain::planner::Mode;
use crate::http::Fault;
use crate::store::Store;
use crate::store::settlements::SettlementFilter;
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

/// What can be told without a call.
pub(super) fn offline(app: &App, connected: &Connected) -> Vec<CheckRow> {
    let mut rows = vec![CheckRow::new("config", Level::Ok, "valid", files(app), None)];
    rows.push(CheckRow::new(
        "database",
        Level::Ok,
        "open",
        "opened; the schema is the one this program knows",
        None,
    ));
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
    for shop in &connected.shops {
        let mut runs = Vec::new();
        let mut at = app.ambient().now();
        while runs.len() < 3 {
            let Some(next) = (shop.next_run)(at) else { break };
            runs.push(next.jst().format("%m-%d %H:%M:%S").to_string());
            at = next;
        }
        let subject = format!("shops.{}", shop.name);
        rows.push(CheckRow::new(
            &subject,
            Level::Ok,
            "next_runs",
            format!("next runs {}", runs.join(", ")),
            None,
        ));
    }
    for account in &connected.accounts {
        let contract = &account.contract;
        let subject = format!("settlements.{}", contract.name);
        let mode = match contract.mode {
            Mode::DryRun => "dry-run: plans and shows, sends nothing",
            Mode::Live => "live: captures are sent",
        };
        rows.push(CheckRow::new(&subject, Level::Ok, "mode", mode, None));
        for rule in &contract.rules {
            let collects = app.config().shops.iter().find(|s| s.name == rule.shop).map(|s| s.mall.as_str());
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
    rows
}

fn files(app: &App) -> String {
    app.config().files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// What an account's calls told.
pub(super) fn health_rows(subject: &str, health: Result<Health, Fault>, now: Timestamp) -> Vec<CheckRow> {
    match health {
        Ok(health) => {
            let mut rows: Vec<CheckRow> = health
                .findings
                .into_iter()
                .map(|f| CheckRow {
                    subject: subject.to_owned(),
                    level: f.level,
                    code: f.code,
                    message: f.message,
                    action: f.action,
                })
                .collect();
            for expiry in health.expiries {
                let days = expiry.at.since(now).as_secs() / 86_400;
                let level = match days {
                    0..3 => Level::Error,
                    3..14 => Level::Warning,
                    _ => Level::Ok,
                };
                let message = format!("{} ends on {} ({days} days left)", expiry.what, expiry.at.jst_date());
                let action = (level != Level::Ok)
                    .then_some("issue a new one in the back office and put it into the config");
                rows.push(CheckRow::new(subject, level, "key_expiry", message, action));
            }
            rows
        }
        Err(fault) => vec![CheckRow::new(subject, Level::Error, fault.kind(), fault.to_string(), None)],
    }
}

/// A reception number that is known, for the gateway's check.
pub(super) async fn newest_linked(store: &Store, contract: &str) -> Option<String> {
    let filter =
        SettlementFilter { name: Some(contract.to_owned()), limit: Some(20), ..SettlementFilter::default() };
    let rows = store.list_settlements(&filter).await.ok()?;
    rows.into_iter().find_map(|row| row.settlement.reception_number)
}
