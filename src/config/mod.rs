//! The config file (interface.md, "Config"): TOML, edited by hand. Everything wrong with it is found at once; nothing that
//! does not validate is ever used (I10). Each mall and each gateway reads the keys of its own section; this module knows
//! the common ones.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};
use serde_json::Value;

use crate::clock::Simulation;
use crate::secret::SecretRef;

mod edit;
mod environment;
mod findings;
mod forms;
mod init;
mod keys;
mod kind;
mod read;
mod reception;
mod redact;
mod rules;
mod schema;
mod section;
mod show;
mod source;
mod text;

pub use edit::{EditError, Noted, note_day};
pub use environment::Environment;
pub use findings::Finding;
pub use init::{InitError, Written, init};
pub use kind::{Kind, Kinds, Validate};
pub use schema::schema;
pub use section::nearest;
pub use show::show;

pub use crate::clock::schedule;

/// Everything in force.
#[derive(Clone)]
pub struct Config {
    /// The files it was read from, in order.
    pub files: Vec<PathBuf>,
    /// `[database]`.
    pub database: Database,
    /// `[daemon]`.
    pub daemon: Daemon,
    /// `[simulation]`.
    pub simulation: Option<Simulation>,
    /// `[log]`.
    pub log: Log,
    /// `[shops.NAME]`, in name order.
    pub shops: Vec<Shop>,
    /// `[settlements.NAME]`, in name order.
    pub settlements: Vec<Settlement>,
    /// `[slips]`.
    pub slips: Slips,
}

/// `[database]`.
#[derive(Clone)]
pub struct Database {
    /// `sqlite:PATH` or `postgres://…`; holds no password in `Debug` and `config show`.
    pub url: String,
    /// Of PostgreSQL.
    pub password: Option<SecretRef>,
}

/// `[daemon]`.
#[derive(Clone, Debug)]
pub struct Daemon {
    /// Where health and metrics are served: an address of this machine alone; `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// What people read.
    pub language: Language,
}

/// What people read; JSON and logs stay English.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Japanese.
    Ja,
    /// English.
    En,
}

/// `[log]`.
#[derive(Clone, Debug)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// `EnvFilter` syntax; applies to `mallsync` targets, others are capped at `warn` (decisions.md 37).
    pub filter: String,
    /// Where systemd's journal listens.
    pub journal: PathBuf,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// The journal under systemd, text on a terminal, else JSON.
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
    /// Entries of systemd's journal.
    Journald,
}

/// `[shops.NAME]`.
#[derive(Clone, PartialEq)]
pub struct Shop {
    /// The merchant's own name: `[a-z0-9-]+`.
    pub name: String,
    /// `rakuten`, `csv`, …
    pub mall: String,
    /// A disabled shop is checked but not polled; its secrets are not read.
    pub enabled: bool,
    /// Five or six fields; `None`: the mall's default.
    pub schedule: Option<String>,
    /// How far back the first pass takes closed orders.
    pub initial_lookback: Duration,
    /// The mall's own keys, as JSON.
    pub section: Value,
}

/// `[settlements.NAME]`: the keys common to gateways.
#[derive(Clone, PartialEq)]
pub struct Settlement {
    /// The merchant's own name.
    pub name: String,
    /// `webcollect`.
    pub provider: String,
    /// A disabled one is checked but never called.
    pub enabled: bool,
    /// `live`, else dry-run.
    pub live: bool,
    /// Orders placed before this day (JST) are never touched; needed in live.
    pub since: Option<NaiveDate>,
    /// `mallsync` or `b2cloud`.
    pub registered_by: String,
    /// `ship_date`, `slip` or `manual`.
    pub capture: String,
    /// JST.
    pub capture_time: NaiveTime,
    /// `all` or `first`.
    pub parcels: String,
    /// `by_slip`, `yamato` or `other`.
    pub delivery: String,
    /// `ask` or `apply`.
    pub on_amount_change: String,
    /// `ask` or `apply`.
    pub on_cancel: String,
    /// `ask`, `auto` or `off`.
    pub reauthorize: String,
    /// The day of authorisation included; needed in live.
    pub authorization_days: Option<u32>,
    /// Yen a settlement.
    pub amount_limit: i64,
    /// Past it everything is held.
    pub max_per_hour: u32,
    /// Yen; past it everything is held.
    pub max_yen_per_day: i64,
    /// Calls at once.
    pub max_in_flight: u32,
    /// Calls a second.
    pub max_per_second: u32,
    /// When open settlements are compared with the gateway's books: five or six cron fields.
    pub reconcile_schedule: String,
    /// Nothing is sent in it (JST, from–to); `None`: no window.
    pub maintenance: Option<(NaiveTime, NaiveTime)>,
    /// `[[settlements.NAME.match]]`.
    pub rules: Vec<Match>,
    /// The gateway's own keys, as JSON.
    pub section: Value,
}

/// `[[settlements.NAME.match]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// The shop.
    pub shop: String,
    /// Patterns on the payment name.
    pub mall_payment: Vec<String>,
    /// Patterns that do not count.
    pub except: Vec<String>,
    /// Also orders that the mall would collect itself.
    pub own_contract: bool,
    /// Where the reception number comes from.
    pub reception_number: ReceptionNumber,
}

/// Where a 受付番号 comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceptionNumber {
    /// `"{mall_order_id|upper}"`.
    Template(String),
    /// `{ field, regex }`; the regex is known to compile and to have a group.
    Pattern {
        /// Field or CSV column.
        field: String,
        /// With one group.
        regex: String,
    },
    /// `"imported"`.
    Imported,
}

/// `[slips]`.
#[derive(Clone, Debug)]
pub struct Slips {
    /// Compare the slip's postal code with the order's.
    pub verify_recipient: bool,
}

/// The config file when none is named; see [`Environment::default_path`].
#[must_use]
pub fn default_path() -> PathBuf {
    Environment::process().default_path()
}

/// Reads, merges and checks everything; reads no secret. Without a path: [`default_path`].
///
/// # Errors
/// Every finding, in the order of files and lines.
pub fn load(path: Option<&Path>, kinds: Kinds<'_>) -> Result<Config, Vec<Finding>> {
    load_with(path, kinds, &Environment::process())
}

/// What a config that cannot be used still tells: enough to look at the daemon that goes on by the one before it, and
/// nothing that could be started.
#[derive(Clone)]
pub struct Glimpse {
    /// `[database]`.
    pub database: Database,
    /// `[simulation]`.
    pub simulation: Option<Simulation>,
    /// What people read, where it can be told.
    pub language: Option<Language>,
    /// `[shops.NAME]`, in name order.
    pub shops: Vec<SeenShop>,
    /// `[settlements.NAME]`, in name order.
    pub settlements: Vec<SeenSettlement>,
}

/// A shop's section, whatever is wrong with its other keys.
#[derive(Clone, Debug)]
pub struct SeenShop {
    /// The name.
    pub name: String,
    /// The mall's word as it stands there.
    pub mall: String,
    /// Whether it is polled.
    pub enabled: bool,
}

/// A settlement's section, whatever is wrong with its other keys.
#[derive(Clone, Debug)]
pub struct SeenSettlement {
    /// The name.
    pub name: String,
    /// Whether it is used.
    pub enabled: bool,
    /// `live`, else dry-run.
    pub live: bool,
    /// Its maintenance window.
    pub maintenance: Option<(NaiveTime, NaiveTime)>,
}

/// What can be seen of a config that [`load`] refuses. `None`: not even where the database is.
#[must_use]
pub fn glimpse(path: Option<&Path>) -> Option<Glimpse> {
    let env = Environment::process();
    let main = path.map_or_else(|| env.default_path(), Path::to_owned);
    // They have been told.
    let mut findings = findings::Findings::default();
    let tree = source::collect(&main, &env, &mut findings)?;
    read::glimpse(&tree, &env, &findings)
}

/// [`load`] with an environment handed in.
///
/// # Errors
/// As [`load`].
pub fn load_with(path: Option<&Path>, kinds: Kinds<'_>, env: &Environment) -> Result<Config, Vec<Finding>> {
    let main = path.map_or_else(|| env.default_path(), Path::to_owned);
    let mut findings = findings::Findings::default();
    let tree = source::collect(&main, env, &mut findings);
    let config = tree.and_then(|tree| read::config(&tree, kinds, env, &findings));
    match config {
        Some(config) if findings.is_empty() => Ok(config),
        Some(_) => Err(findings.sorted()),
        None => {
            if findings.is_empty() {
                findings.at(0, None, String::new(), "cannot be read as a config".to_owned());
            }
            Err(findings.sorted())
        }
    }
}
