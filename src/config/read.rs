//! From the merged tree to the config: every key read, every wrong one told, nothing stopped at the first.

use serde_json::Value;

use super::findings::Findings;
use super::forms::found;
use super::keys;
use super::kind::{Kind, Kinds};
use super::rules;
use super::section::{Known, Section, coerce, nearest, unknown};
use super::source::Tree;
use super::{
    Config, Daemon, Database, Environment, Glimpse, Language, Log, LogFormat, Match, SeenSettlement,
    SeenShop, Settlement, Shop, Slips,
};
use crate::clock::Simulation;

/// The config, as far as it can be read. `None`, or a finding, says that it must not be used.
pub(super) fn config(
    tree: &Tree,
    kinds: Kinds<'_>,
    env: &Environment,
    findings: &Findings,
) -> Option<Config> {
    for name in tree.keys().filter(|name| !keys::TABLES.contains(&name.as_str())) {
        findings.add(name, unknown(name, &keys::TABLES));
    }
    let simple = |name: &str, known: &[&dyn Known]| {
        let section = Section::of(tree, "", name, findings);
        section.refuse_unknown(&names(known));
        section
    };
    let database = database(&simple("database", keys::DATABASE));
    let daemon = daemon(&simple("daemon", keys::DAEMON), env);
    let log = log(&simple("log", keys::LOG));
    let slips = slips(&simple("slips", keys::SLIPS));
    let simulated = tree.contains_key("simulation");
    let simulation = if simulated { simulation(&simple("simulation", keys::SIMULATION)) } else { None };

    let mut urls = Vec::new();
    let shops = sections(tree, "shops", findings, |section| shop(section, kinds.malls, &mut urls));
    let names: Vec<&str> = tree
        .get("shops")
        .and_then(Value::as_object)
        .map_or_else(Vec::new, |t| t.keys().map(String::as_str).collect());
    let settlements = sections(tree, "settlements", findings, |section| {
        settlement(section, kinds.providers, &names, &mut urls)
    });
    rules::rules_that_never_match(&settlements, findings);
    rules::plain_http(&urls, findings);
    if simulated {
        rules::simulation(&urls, findings);
    }
    Some(Config {
        files: findings.files.clone(),
        database: database?,
        daemon: daemon?,
        simulation,
        log: log?,
        shops,
        settlements,
        slips: slips?,
    })
}

/// See [`super::glimpse`].
pub(super) fn glimpse(tree: &Tree, env: &Environment, findings: &Findings) -> Option<Glimpse> {
    let simple = |name: &str| Section::of(tree, "", name, findings);
    let simulation = tree.contains_key("simulation").then(|| simulation(&simple("simulation")));
    let text = |section: &Section<'_>, key: &str| {
        section.table.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    Some(Glimpse {
        database: database(&simple("database"))?,
        simulation: simulation.flatten(),
        language: daemon(&simple("daemon"), env).map(|daemon| daemon.language),
        shops: sections(tree, "shops", findings, |section| {
            let enabled = section.get(&keys::ENABLED).unwrap_or(true);
            Some(SeenShop { name: name_of(section), mall: text(section, "mall"), enabled })
        }),
        settlements: sections(tree, "settlements", findings, |section| {
            Some(SeenSettlement {
                name: name_of(section),
                enabled: section.get(&keys::ENABLED).unwrap_or(true),
                live: text(section, "mode") == "live",
                maintenance: section.get(&keys::MAINTENANCE).flatten(),
            })
        }),
    })
}

fn database(section: &Section<'_>) -> Option<Database> {
    let url = section.get(&keys::URL);
    let password = section.get(&keys::PASSWORD);
    let database = Database { url: url?, password };
    rules::one_password(&database, section);
    Some(database)
}

fn daemon(section: &Section<'_>, env: &Environment) -> Option<Daemon> {
    section.get(&keys::TIMEZONE);
    let listen = section.get(&keys::LISTEN);
    let language = match section.get(&keys::LANGUAGE)?.as_str() {
        "ja" => Language::Ja,
        "en" => Language::En,
        _ => {
            let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
                .into_iter()
                .find_map(|name| env.get(name).filter(|v| !v.is_empty()));
            if locale.is_some_and(|locale| locale.starts_with("ja")) { Language::Ja } else { Language::En }
        }
    };
    Some(Daemon { listen: listen?, language })
}

fn log(section: &Section<'_>) -> Option<Log> {
    let format = section.get(&keys::FORMAT);
    let filter = section.get(&keys::FILTER);
    let journal = section.get(&keys::JOURNAL);
    let format = match format?.as_str() {
        "json" => LogFormat::Json,
        "text" => LogFormat::Text,
        "journald" => LogFormat::Journald,
        _ => LogFormat::Auto,
    };
    Some(Log { format, filter: filter?, journal: journal?.into() })
}

fn slips(section: &Section<'_>) -> Option<Slips> {
    Some(Slips { verify_recipient: section.get(&keys::VERIFY_RECIPIENT)? == "postal_code" })
}

fn simulation(section: &Section<'_>) -> Option<Simulation> {
    let (start, epoch, speed) =
        (section.get(&keys::START), section.get(&keys::EPOCH), section.get(&keys::SPEED));
    Some(Simulation { start: start?, epoch: epoch?, speed: speed? })
}

/// `[shops.NAME]` or `[settlements.NAME]`, in name order.
fn sections<T>(
    tree: &Tree,
    name: &str,
    findings: &Findings,
    mut read: impl FnMut(&Section<'_>) -> Option<T>,
) -> Vec<T> {
    let parent = Section::of(tree, "", name, findings);
    let mut names: Vec<&String> = parent.table.keys().collect();
    names.sort();
    let mut all = Vec::new();
    for name in names {
        if !is_name(name) {
            let message = "a name is made of small letters, digits and `-` (a-z 0-9 -), 1 to 64 of them";
            parent.wrong(name, message);
        }
        if parent.table.get(name).is_some_and(Value::is_object) {
            all.extend(read(&Section::of(&parent.table, &parent.path, name, findings)));
        } else if let Some(other) = parent.table.get(name) {
            parent.wrong(
                name,
                format!(
                    "expected a table: [{}] and its keys below, found {}",
                    parent.key(name),
                    found(other)
                ),
            );
        }
    }
    all
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn names(keys: &[&dyn Known]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name()).collect()
}

fn name_of(section: &Section<'_>) -> String {
    section.path.rsplit('.').next().unwrap_or_default().to_owned()
}

/// URLs that a section calls, with where they were given.
pub(super) struct Calls {
    pub(super) section: String,
    pub(super) enabled: bool,
    /// The URL and the key that gave it; without one it is a production default.
    pub(super) urls: Vec<(String, Option<String>)>,
    /// The way out, which may be plain HTTP: what goes through it is encrypted for the service.
    pub(super) proxy: Option<String>,
}

fn shop(section: &Section<'_>, malls: &[Kind], urls: &mut Vec<Calls>) -> Option<Shop> {
    let enabled = section.get(&keys::ENABLED);
    let schedule = section.get(&keys::SCHEDULE);
    let initial_lookback = section.get(&keys::INITIAL_LOOKBACK);
    let kind = kind(section, "mall", malls)?;
    let own = own_keys(section, kind, keys::SHOP, &["mall"], enabled.unwrap_or(true), urls)?;
    Some(Shop {
        name: name_of(section),
        mall: kind.name.to_owned(),
        enabled: enabled?,
        schedule,
        initial_lookback: initial_lookback?,
        section: own,
    })
}

fn settlement(
    section: &Section<'_>,
    providers: &[Kind],
    shops: &[&str],
    urls: &mut Vec<Calls>,
) -> Option<Settlement> {
    let enabled = section.get(&keys::ENABLED);
    let mode = section.get(&keys::MODE);
    let since = section.get(&keys::SINCE);
    let registered_by = section.get(&keys::REGISTERED_BY);
    let capture = section.get(&keys::CAPTURE);
    let capture_time = section.get(&keys::CAPTURE_TIME);
    let parcels = section.get(&keys::PARCELS);
    let delivery = section.get(&keys::DELIVERY);
    let on_amount_change = section.get(&keys::ON_AMOUNT_CHANGE);
    let on_cancel = section.get(&keys::ON_CANCEL);
    let reauthorize = section.get(&keys::REAUTHORIZE);
    let authorization_days = section.get(&keys::AUTHORIZATION_DAYS);
    let amount_limit = section.get(&keys::AMOUNT_LIMIT);
    let max_per_hour = section.get(&keys::MAX_PER_HOUR);
    let max_yen_per_day = section.get(&keys::MAX_YEN_PER_DAY);
    let max_in_flight = section.get(&keys::MAX_IN_FLIGHT);
    let max_per_second = section.get(&keys::MAX_PER_SECOND);
    let reconcile_schedule = section.get(&keys::RECONCILE_SCHEDULE);
    let maintenance = section.get(&keys::MAINTENANCE);
    let rules = match_rules(section, shops);
    let live = mode.as_deref() == Some("live");
    if live {
        rules::live(section);
    }
    let kind = kind(section, "provider", providers)?;
    let common = ["provider", "match"];
    let own = own_keys(section, kind, keys::SETTLEMENT, &common, enabled.unwrap_or(true), urls)?;
    Some(Settlement {
        name: name_of(section),
        provider: kind.name.to_owned(),
        enabled: enabled?,
        live,
        since,
        registered_by: registered_by?,
        capture: capture?,
        capture_time: capture_time?,
        parcels: parcels?,
        delivery: delivery?,
        on_amount_change: on_amount_change?,
        on_cancel: on_cancel?,
        reauthorize: reauthorize?,
        authorization_days,
        amount_limit: amount_limit?,
        max_per_hour: max_per_hour?,
        max_yen_per_day: max_yen_per_day?,
        max_in_flight: max_in_flight?,
        max_per_second: max_per_second?,
        reconcile_schedule: reconcile_schedule?,
        maintenance: maintenance?,
        rules,
        section: own,
    })
}

/// The kind of a section, by its `mall` or `provider`.
fn kind<'k>(section: &Section<'_>, key: &str, kinds: &'k [Kind]) -> Option<&'k Kind> {
    let known: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    match section.table.get(key) {
        None => section.wrong(key, format!("missing: expected one of {}", known.join(", "))),
        Some(value) => {
            let text = value.as_str().unwrap_or_default();
            if let Some(kind) = kinds.iter().find(|kind| kind.name == text) {
                return Some(kind);
            }
            let hint = nearest(text, known.iter().copied())
                .map_or_else(String::new, |near| format!(" (did you mean \"{near}\"?)"));
            section.wrong(key, format!("expected one of {}, found {}{hint}", known.join(", "), found(value)));
        }
    }
    None
}

/// The keys that are left when the common ones are taken: the mall's or gateway's own.
fn own_keys(
    section: &Section<'_>,
    kind: &Kind,
    common: &[&dyn Known],
    also: &[&str],
    enabled: bool,
    urls: &mut Vec<Calls>,
) -> Option<Value> {
    let properties = kind.properties();
    let is_common = |name: &str| also.contains(&name) || common.iter().any(|key| key.name() == name);
    let own_names = properties.keys().map(String::as_str);
    let known: Vec<&str> = also.iter().copied().chain(names(common)).chain(own_names).collect();
    section.refuse_unknown(&known);
    let own: Tree = section
        .table
        .iter()
        .filter(|(name, _)| !is_common(name))
        .filter_map(|(name, value)| {
            let schema = properties.get(name)?;
            let given = section.findings.by_variable(&section.key(name));
            Some((name.clone(), if given { coerce(value, schema) } else { value.clone() }))
        })
        .collect();
    let own = Value::Object(own);
    let problems = (kind.validate)(&own).err();
    for (key, message) in problems.iter().flatten() {
        let path = if key.is_empty() { section.path.clone() } else { format!("{}.{key}", section.path) };
        section.findings.add(&path, message.as_str());
    }
    let by = |url: &String| {
        let given = own.as_object()?.iter().find(|(_, value)| value.as_str() == Some(url))?;
        Some(given.0.clone())
    };
    let proxy = own.get("proxy").and_then(Value::as_str).map(str::to_owned);
    let called = (kind.urls)(&own)
        .into_iter()
        .filter(|url| Some(url) != proxy.as_ref())
        .map(|url| {
            let key = by(&url);
            (url, key)
        })
        .collect();
    urls.push(Calls { section: section.path.clone(), enabled, urls: called, proxy });
    problems.is_none().then_some(own)
}

fn match_rules(section: &Section<'_>, shops: &[&str]) -> Vec<Match> {
    let items = match section.table.get("match") {
        None => return Vec::new(),
        Some(Value::Array(items)) => items.as_slice(),
        Some(other) => {
            let path = section.key("match");
            section.wrong(
                "match",
                format!("expected rules, each under [[{path}]] (double brackets), found {}", found(other)),
            );
            return Vec::new();
        }
    };
    let mut rules = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{}[{index}]", section.key("match"));
        let Value::Object(table) = item else {
            section.findings.add(
                &path,
                format!("expected a table under [[{}]], found {}", section.key("match"), found(item)),
            );
            continue;
        };
        let rule = Section { path, table: table.clone(), findings: section.findings };
        rule.refuse_unknown(&names(keys::MATCH));
        rules.extend(match_rule(&rule, shops));
    }
    rules
}

fn match_rule(rule: &Section<'_>, shops: &[&str]) -> Option<Match> {
    let shop = rule.get(&keys::MATCH_SHOP);
    let mall_payment = rule.get(&keys::MALL_PAYMENT);
    let except = rule.get(&keys::EXCEPT);
    let own_contract = rule.get(&keys::OWN_CONTRACT);
    let reception_number = rule.get(&keys::RECEPTION_NUMBER);
    if mall_payment.as_ref().is_some_and(Vec::is_empty) {
        rule.wrong(
            "mall_payment",
            "an empty list matches no order: name the payment, such as [\"*webコレクト*\"]",
        );
    }
    if let Some(shop) = shop.as_deref().filter(|shop| !shops.contains(shop)) {
        let hint = nearest(shop, shops.iter().copied()).map_or_else(
            || {
                format!(
                    "; there are: {}",
                    if shops.is_empty() { "none".to_owned() } else { shops.join(", ") }
                )
            },
            |near| format!("; did you mean \"{near}\"?"),
        );
        rule.wrong("shop", format!("no shop has the name \"{shop}\"{hint}"));
    }
    Some(Match {
        shop: shop?,
        mall_payment: mall_payment?,
        except: except?,
        own_contract: own_contract?,
        reception_number: reception_number?,
    })
}
