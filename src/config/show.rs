//! The config in force, for `config show`: every default filled in, every secret as its place.

use chrono::NaiveTime;
use serde_json::{Map, Value, json};

use super::redact;
use super::{Config, Language, LogFormat, Match, ReceptionNumber, Settlement, Shop};

/// The config as TOML that could be loaded again, were it not for what is redacted.
#[must_use]
pub fn show(config: &Config) -> String {
    let mut out = String::new();
    for file in &config.files {
        out.push_str(&format!("# read from {}\n", file.display()));
    }
    let mut root = Map::new();
    let mut database = json!({ "url": config.database.url });
    if let Some(password) = &config.database.password {
        database["password"] = password.to_string().into();
    }
    root.insert("database".to_owned(), database);
    let language = if config.daemon.language == Language::Ja { "ja" } else { "en" };
    let listen = config.daemon.listen.map_or_else(String::new, |address| address.to_string());
    let daemon = json!({ "timezone": "Asia/Tokyo", "listen": listen, "language": language });
    root.insert("daemon".to_owned(), daemon);
    if let Some(s) = &config.simulation {
        let speed = s.speed;
        root.insert(
            "simulation".to_owned(),
            json!({ "start": s.start.to_string(), "epoch": s.epoch.to_string(), "speed": speed }),
        );
    }
    let format = match config.log.format {
        LogFormat::Auto => "auto",
        LogFormat::Json => "json",
        LogFormat::Text => "text",
        LogFormat::Journald => "journald",
    };
    root.insert(
        "log".to_owned(),
        json!({ "format": format, "filter": config.log.filter, "journal": config.log.journal }),
    );
    let shops: Map<String, Value> = config.shops.iter().map(|s| (s.name.clone(), shop(s))).collect();
    let settlements: Map<String, Value> =
        config.settlements.iter().map(|s| (s.name.clone(), settlement(s))).collect();
    for (name, sections) in [("shops", shops), ("settlements", settlements)] {
        if !sections.is_empty() {
            root.insert(name.to_owned(), Value::Object(sections));
        }
    }
    let verify = if config.slips.verify_recipient { "postal_code" } else { "off" };
    root.insert("slips".to_owned(), json!({ "verify_recipient": verify }));
    match toml::to_string(&redact::value(&Value::Object(root))) {
        Ok(text) => out.push_str(&text),
        Err(error) => out.push_str(&format!("# cannot be shown as TOML: {error}\n")),
    }
    out
}

fn shop(shop: &Shop) -> Value {
    let mut all = own(&shop.section);
    all.insert("mall".to_owned(), shop.mall.clone().into());
    all.insert("enabled".to_owned(), shop.enabled.into());
    if let Some(schedule) = &shop.schedule {
        all.insert("schedule".to_owned(), schedule.clone().into());
    }
    all.insert("initial_lookback".to_owned(), span(shop.initial_lookback.as_secs()).into());
    Value::Object(all)
}

fn settlement(s: &Settlement) -> Value {
    let mut all = own(&s.section);
    let mode = if s.live { "live" } else { "dry-run" };
    let window =
        s.maintenance.map_or_else(String::new, |(from, to)| format!("{}-{}", clock(from), clock(to)));
    let common = json!({
        "provider": s.provider, "enabled": s.enabled, "mode": mode, "registered_by": s.registered_by,
        "capture": s.capture, "capture_time": clock(s.capture_time), "parcels": s.parcels, "delivery": s.delivery,
        "on_amount_change": s.on_amount_change, "on_cancel": s.on_cancel, "reauthorize": s.reauthorize,
        "amount_limit": s.amount_limit, "max_per_hour": s.max_per_hour, "max_yen_per_day": s.max_yen_per_day,
        "max_in_flight": s.max_in_flight, "max_per_second": s.max_per_second,
        "reconcile_schedule": s.reconcile_schedule, "maintenance": window,
    });
    if let Value::Object(common) = common {
        all.extend(common);
    }
    if let Some(since) = s.since {
        all.insert("since".to_owned(), since.to_string().into());
    }
    if let Some(days) = s.authorization_days {
        all.insert("authorization_days".to_owned(), days.into());
    }
    if !s.rules.is_empty() {
        all.insert("match".to_owned(), s.rules.iter().map(rule).collect());
    }
    Value::Object(all)
}

fn rule(rule: &Match) -> Value {
    let reception = match &rule.reception_number {
        ReceptionNumber::Template(text) => text.clone().into(),
        ReceptionNumber::Imported => "imported".into(),
        ReceptionNumber::Pattern { field, regex } => json!({ "field": field, "regex": regex }),
    };
    json!({
        "shop": rule.shop, "mall_payment": rule.mall_payment, "except": rule.except,
        "own_contract": rule.own_contract, "reception_number": reception,
    })
}

fn own(section: &Value) -> Map<String, Value> {
    section.as_object().cloned().unwrap_or_default()
}

fn clock(time: NaiveTime) -> String {
    time.format("%H:%M").to_string()
}

/// Seconds in the form they were given.
fn span(seconds: u64) -> String {
    match seconds {
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3_600 == 0 => format!("{}h", s / 3_600),
        s => format!("{}m", s / 60),
    }
}
