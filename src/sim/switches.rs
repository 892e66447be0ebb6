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
    /// Functions that are not switched on (`searchOrder`, `confirmOrder`, `license.expiryDate.get`, …).
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
    /// Reads show what was written to an order only after so many seconds.
    pub read_lag_s: u64,
    /// The shop's staff confirms orders by itself. Otherwise they wait for a call; after fourteen days Rakuten cancels
    /// them.
    pub staff_confirms: bool,
    /// The shop's staff reports shipments by itself. Otherwise they wait for a call.
    pub staff_ships: bool,
    /// Seconds from the confirmation to 300, where nothing else is waited for.
    pub handling_s: u64,
    /// A row without a tracking number keeps no order open.
    pub allow_blank_number: bool,
    /// The forms of `shippingDate` that are accepted.
    pub shipping_dates: ShippingDates,
    /// A row that was added is answered with `WARNING_101` and without its number.
    pub ids_withheld: bool,
    /// An accepted asynchronous request is worked off so many seconds later.
    pub async_s: u64,
    /// So many looks at its result find nothing.
    pub async_polls: u64,
    /// Down for maintenance?
    pub maintenance: Maintenance,
}

/// Which form of `shippingDate` Rakuten takes: sources disagree (rakuten-rms.md §6.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShippingDates {
    /// `2026-04-02`.
    #[default]
    Dashed,
    /// `20260402`.
    Compact,
    /// Either.
    Both,
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
            read_lag_s: 0,
            staff_confirms: true,
            staff_ships: true,
            handling_s: 300,
            allow_blank_number: false,
            shipping_dates: ShippingDates::Dashed,
            ids_withheld: false,
            async_s: 10,
            async_polls: 1,
            maintenance: Maintenance::Off,
        }
    }
}
