//! Lasting conditions of the simulated services, as opposed to faults of single calls.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Is a service down for maintenance, and how does it say so?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Maintenance {
    /// It works.
    #[default]
    Off,
    /// In its own words: Rakuten 503 `ES01-02`, Amazon 503 `ServiceUnavailable`, web collect Z010000000.
    Code,
    /// An HTML page: malls with 503, web collect with 200.
    Html,
}

/// All switches; everything is off in a new world but the gateway's night window.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Rakuten.
    pub rakuten: RakutenSwitches,
    /// Yahoo!ショッピング.
    pub yahoo: super::YahooSwitches,
    /// au PAY マーケット.
    pub aupay: super::AupaySwitches,
    /// Amazon.
    pub amazon: super::AmazonSwitches,
    /// Web collect.
    pub webcollect: super::WebcollectSwitches,
}

/// Switches of Rakuten.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RakutenSwitches {
    /// Answer calls above one a second with 403 QPSLimit. They are counted in any case.
    pub enforce_rate: bool,
    /// Functions that are not switched on (`searchOrder`, `getOrder`, `license.expiryDate.get`).
    pub functions_off: BTreeSet<String>,
    /// Say `GA0001` in the newer gateway's shape instead of `ES01-01`.
    pub newer_gateway: bool,
    /// The newest edition `getOrder` knows.
    pub max_version: u64,
    /// Show 15,000 as the total of a search with more hits, instead of the true number.
    pub capped_total: bool,
    /// Orders come up in `searchOrder` so many seconds after they were placed.
    pub search_lag_s: u64,
    /// Orders can be read by `getOrder` so many seconds after they were placed.
    pub get_lag_s: u64,
    /// Down for maintenance?
    pub maintenance: Maintenance,
}

impl Default for RakutenSwitches {
    fn default() -> Self {
        Self {
            enforce_rate: false,
            functions_off: BTreeSet::new(),
            newer_gateway: false,
            max_version: 10,
            capped_total: false,
            search_lag_s: 0,
            get_lag_s: 0,
            maintenance: Maintenance::Off,
        }
    }
}
