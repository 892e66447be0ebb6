//! Sections of the config become connectors and rules.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::way_out::way_out;
use super::{AppError, Broken, Connected};
use crate::clock::Timestamp;
use crate::config::{self, Config};
use crate::domain::account::{Expiry, Problem};
use crate::domain::money::Yen;
use crate::domain::planner::{
    CaptureOn, Contract, Delivery, MatchRule, Mode, OnChange, Parcels, Reauthorize, Reception, RegisteredBy,
};
use crate::engine::effects::Account;
use crate::engine::poll::Shop;
use crate::engine::unknown::Unknown;
use crate::http::Client;
use crate::malls::{self, Scope};
use crate::settlement;
use crate::telemetry::metrics::{Meter, Subject};

/// The planner's rules from a section that has been validated.
fn contract(section: &config::Settlement) -> Result<Contract, AppError> {
    let word = |key: &str, value: &str| {
        AppError::Config(format!("settlements.{}.{key}: {value:?} is not a known word", section.name))
    };
    Ok(Contract {
        name: section.name.clone(),
        mode: if section.live { Mode::Live } else { Mode::DryRun },
        since: section.since.map(Timestamp::jst_midnight),
        registered_by: RegisteredBy::from_word(&section.registered_by)
            .ok_or_else(|| word("registered_by", &section.registered_by))?,
        capture: CaptureOn::from_word(&section.capture).ok_or_else(|| word("capture", &section.capture))?,
        capture_time: section.capture_time,
        parcels: Parcels::from_word(&section.parcels).ok_or_else(|| word("parcels", &section.parcels))?,
        delivery: Delivery::from_word(&section.delivery)
            .ok_or_else(|| word("delivery", &section.delivery))?,
        on_amount_change: OnChange::from_word(&section.on_amount_change)
            .ok_or_else(|| word("on_amount_change", &section.on_amount_change))?,
        on_cancel: OnChange::from_word(&section.on_cancel)
            .ok_or_else(|| word("on_cancel", &section.on_cancel))?,
        reauthorize: Reauthorize::from_word(&section.reauthorize)
            .ok_or_else(|| word("reauthorize", &section.reauthorize))?,
        authorization_days: section.authorization_days,
        amount_limit: Yen(section.amount_limit),
        max_per_hour: section.max_per_hour,
        max_yen_per_day: Yen(section.max_yen_per_day),
        trader_code: settlement::PROVIDERS
            .iter()
            .find(|provider| provider.name == section.provider)
            .and_then(|provider| (provider.trader_code)(&section.section)),
        rules: section.rules.iter().map(|rule| rule_of(section, rule)).collect::<Result<_, _>>()?,
    })
}

fn rule_of(section: &config::Settlement, rule: &config::Match) -> Result<MatchRule, AppError> {
    let reception = match &rule.reception_number {
        config::ReceptionNumber::Template(template) => Reception::Template(template.clone()),
        config::ReceptionNumber::Imported => Reception::Imported,
        config::ReceptionNumber::Pattern { field, regex } => Reception::Pattern {
            field: field.clone(),
            regex: regex::Regex::new(regex).map_err(|e| {
                AppError::Config(format!("settlements.{}.match.reception_number.regex: {e}", section.name))
            })?,
        },
    };
    Ok(MatchRule {
        shop: rule.shop.clone(),
        mall_payment: rule.mall_payment.clone(),
        except: rule.except.clone(),
        own_contract: rule.own_contract,
        reception,
    })
}

pub(super) fn connect(config: &Config, contracts: &[Contract]) -> Connected {
    let mut all = Connected::default();
    for section in config.shops.iter().filter(|s| s.enabled) {
        let subject = format!("shops.{}", section.name);
        match shop(section) {
            Ok((shop, warnings, expiries)) => {
                all.shops.push(Arc::new(shop));
                all.expiries.extend(expiries.into_iter().map(|expiry| (subject.clone(), expiry)));
                all.warnings.extend((!warnings.is_empty()).then_some(Broken { subject, problems: warnings }));
            }
            Err(problems) => all.broken.push(Broken { subject, problems }),
        }
    }
    for section in config.settlements.iter().filter(|s| s.enabled) {
        let subject = format!("settlements.{}", section.name);
        let Some(contract) = contracts.iter().find(|c| c.name == section.name) else { continue };
        match account(config, section, contract) {
            Ok((account, warnings)) => {
                all.accounts.push(Arc::new(account));
                all.warnings.extend((!warnings.is_empty()).then_some(Broken { subject, problems: warnings }));
            }
            Err(problems) => all.broken.push(Broken { subject, problems }),
        }
    }
    all
}

pub(super) fn contracts(config: &Config) -> Result<Vec<Contract>, AppError> {
    config.settlements.iter().filter(|s| s.enabled).map(contract).collect()
}

fn problem(key: &str, message: impl Into<String>) -> Vec<Problem> {
    vec![Problem { key: key.to_owned(), message: message.into() }]
}

/// The connector of a section, its warnings, and the ends of keys that the config itself tells.
pub(super) fn shop(section: &config::Shop) -> Result<(Shop, Vec<Problem>, Vec<Expiry>), Vec<Problem>> {
    let mall = malls::MALLS
        .iter()
        .find(|m| m.name == section.mall)
        .ok_or_else(|| problem("mall", format!("unknown mall {:?}", section.mall)))?;
    let built = (mall.build)(&section.name, &section.section)?;
    let client = Client::new(&built.client).map_err(|e| problem("base_url", e))?;
    let client = client.with_meter(Meter::new(Subject::shop(&section.name, mall.name)));
    let text = section.schedule.as_deref().unwrap_or(mall.default_schedule);
    let schedule = crate::clock::schedule::Schedule::parse(text).map_err(|e| problem("schedule", e))?;
    let shop = Shop {
        name: section.name.clone(),
        mall_word: mall.name,
        mall: built.mall,
        client,
        next_run: Arc::new(move |t| schedule.next_after(t)),
        scope: Scope { initial_lookback: section.initial_lookback },
        unknown: Unknown::default(),
    };
    Ok((shop, built.warnings, built.expiries))
}

/// The connector of a settlement's section, and its warnings.
pub(super) fn account(
    config: &Config,
    section: &config::Settlement,
    contract: &Contract,
) -> Result<(Account, Vec<Problem>), Vec<Problem>> {
    let provider = settlement::PROVIDERS
        .iter()
        .find(|p| p.name == section.provider)
        .ok_or_else(|| problem("provider", format!("unknown provider {:?}", section.provider)))?;
    let mut keys = section.section.clone();
    if let Some(keys) = keys.as_object_mut() {
        let common = serde_json::json!({
            "amount_limit": section.amount_limit,
            "max_per_second": section.max_per_second,
        });
        keys.insert("common".to_owned(), common);
    }
    let built = (provider.build)(&section.name, &keys)?;
    let client = Client::new(&built.client).map_err(|e| problem("base_url", e))?;
    let client = client.with_meter(Meter::new(Subject::settlement(&section.name)));
    let schedule = crate::clock::schedule::Schedule::parse(&section.reconcile_schedule)
        .map_err(|e| problem("reconcile_schedule", e))?;
    let max_in_flight = usize::try_from(section.max_in_flight).unwrap_or(1).max(1);
    let account = Account {
        contract: contract.clone(),
        gateway: built.settlement,
        client,
        window: section.maintenance,
        max_in_flight,
        calls: Arc::new(Semaphore::new(max_in_flight)),
        schedule,
        way_out: way_out(config, section),
    };
    Ok((account, built.warnings))
}
