//! Lasting conditions of the simulated Amazon.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::query::SETTLED;
use crate::sim::switches::Maintenance;

/// What the sign-in makes of the credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lwa {
    /// It takes them.
    #[default]
    Normal,
    /// The first client secret is not the right one; tokens that it gave go on.
    WrongSecret,
    /// The first client secret is past its 180 days, and so is every token that it gave.
    ExpiredSecret,
    /// The seller withdrew the authorisation, and with it every token.
    RevokedGrant,
}

/// How the processing of a feed ends (§13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedEnd {
    /// `DONE`, with a report.
    #[default]
    Done,
    /// `FATAL`: the first half of the messages was applied, and no report tells of it.
    Fatal,
    /// `CANCELLED`: nothing was applied.
    Cancelled,
}

/// Carrier codes of the list for the Japanese marketplace (§12), the confirmed ones and those of newer code.
const CARRIERS: [&str; 12] = [
    "YamatoTransport",
    "SagawaExpress",
    "NipponExpress",
    "DHL",
    "FedEx",
    "UPS",
    "YAMATO",
    "SAGAWA",
    "NITTSU",
    "JPEXPRESS",
    "FEDEXJP",
    "Other",
];

/// Lasting conditions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Down for maintenance? (The sign-in is not.)
    pub maintenance: Maintenance,
    /// What the sign-in makes of the credentials.
    pub lwa: Lwa,
    /// Is the second client secret one that works?
    pub next_secret: bool,
    /// Access tokens live so many seconds, whatever `expires_in` says.
    pub token_life_s: u64,
    /// Has the application a role for basic order data? Without it every call ends in 403.
    pub order_role: bool,
    /// Has it the role for personal data? Without it the members are absent, with status 200.
    pub pii_role: bool,
    /// Has it a role for the buyer's name?
    pub buyer_name_role: bool,
    /// Rates other than the published ones, in millionths of a request a second: `searchOrders`, `confirmShipment`, …. The
    /// buckets follow; calls over the published rates are counted all the same.
    pub rates: BTreeMap<String, u64>,
    /// Changes show so many seconds after they happened. More than 120 is later than the bounds of searches admit.
    pub visible_after_s: u64,
    /// What `confirmShipment` and feeds take shows so many seconds later still.
    pub shipments_show_after_s: u64,
    /// The merchant's staff ships by itself, too; without it, what had not left when the world began waits for calls.
    pub staff_ships: bool,
    /// Carrier codes that Amazon knows.
    pub carriers: BTreeSet<String>,
    /// Refuse other carrier codes. (Without it they are taken, and nothing will ever show: §12.)
    pub refuse_unlisted_carriers: bool,
    /// Seconds from the beginning of a feed's processing to its end.
    pub feed_seconds: u64,
    /// How feeds end.
    pub feed_end: FeedEnd,
    /// Result documents are compressed.
    pub feed_gzip: bool,
    /// Pages repeat an order of the page before, now and then.
    pub repeats: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            maintenance: Maintenance::Off,
            lwa: Lwa::Normal,
            next_secret: true,
            token_life_s: 3_600,
            order_role: true,
            pii_role: true,
            buyer_name_role: true,
            rates: BTreeMap::new(),
            visible_after_s: SETTLED.as_secs(),
            shipments_show_after_s: 60,
            staff_ships: true,
            carriers: CARRIERS.map(str::to_owned).into(),
            refuse_unlisted_carriers: false,
            feed_seconds: 120,
            feed_end: FeedEnd::Done,
            feed_gzip: true,
            repeats: true,
        }
    }
}
