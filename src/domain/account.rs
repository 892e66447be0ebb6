//! Accounts at the outside (a shop, a settlement contract): quotas, ends of keys, findings of a check.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// A published quota: `per` apart on average, `burst` at once (GCRA).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Key of the limiter's row: credential and endpoint group, not the shop (decisions.md 18). No secret in it.
    pub key: String,
    /// Time between two calls in the long run.
    pub per: Duration,
    /// Calls that may come at once; at least 1.
    pub burst: u32,
}

/// Something that ends on a known day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// `license_key`, `certificate`, …: the key in the config.
    pub what: String,
    /// The last moment it works.
    pub at: Timestamp,
}

/// Something wrong with one key of a section of the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, relative to the section: `license_key`.
    pub key: String,
    /// What is wrong, what was expected and what to do.
    pub message: String,
}

/// One line of `check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// A stable word: `signed_in`, `permission_missing`, `key_expiry`, `clock_skew`.
    pub code: String,
    /// What was found, in a sentence.
    pub message: String,
    /// What to do and where, when something is to be done.
    pub action: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It may come to harm.
    Warning,
    /// Something does not work.
    Error,
}

/// What `check` learnt from the other side.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// One a fact.
    pub findings: Vec<Finding>,
    /// Ends of keys that the other side told.
    pub expiries: Vec<Expiry>,
    /// The address that our calls come from, where the other side shows it.
    pub address: Option<IpAddr>,
}

/// How an account's calls leave, where the other side answers registered addresses alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WayOut {
    /// The address that is registered, as the config says.
    pub registered: Option<IpAddr>,
    /// Where the address is registered of everything that leaves the same way, for people.
    pub places: Vec<String>,
}

/// Problems as (key, message), the shape that `config` takes without knowing this type.
#[must_use]
pub fn pairs(problems: Vec<Problem>) -> Vec<(String, String)> {
    problems.into_iter().map(|p| (p.key, p.message)).collect()
}

/// Checks the keys of a section; the error is (key, message).
pub type Validate = fn(&serde_json::Value) -> Result<(), Vec<(String, String)>>;
