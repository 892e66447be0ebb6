//! Lasting conditions, most of them answers to what the contract leaves open (au-pay-market.md §13.7, §15).

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::xml::Empty;
use crate::sim::switches::Maintenance;

/// Switches of au PAY マーケット.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Down for maintenance? `code`: an XML error, `html`: a page.
    pub maintenance: Maintenance,
    /// The HTTP status it says so with: 503, 502.
    pub maintenance_status: u16,
    /// The only address calls may come from.
    pub registered_address: Option<IpAddr>,
    /// A call from elsewhere gets 403 and a page instead of 401 and 0002.
    pub address_forbidden: bool,
    /// Operations that the key has no right for (`searchTradeInfoListProc`, …).
    pub functions_off: BTreeSet<String>,
    /// The old key works on after a new one was issued.
    pub old_key_survives: bool,
    /// HTTP status of refusals with a code other than 0002.
    pub error_http: u16,
    /// HTTP status of refusals with code 0002.
    pub auth_http: u16,
    /// `message` stands under `result`, without code and `error`.
    pub flat_errors: bool,
    /// Empty elements, absent ones, or some of each.
    pub empty: Empty,
    /// `resultCount` is the number of all hits instead of those on the page.
    pub grand_total: bool,
    /// Lists begin with the newest order.
    pub newest_first: bool,
    /// So many new orders come up between the first and the second page of a list.
    pub insert_between_pages: usize,
    /// Nothing found is said with an empty `orderInfo`.
    pub hollow: bool,
    /// An unknown order number is refused (`CME9003`) instead of not found.
    pub unknown_order_refused: bool,
    /// Lists of numbers have one `orderInfo` a number instead of one for all.
    pub numbers_apart: bool,
    /// Times show seconds.
    pub seconds: bool,
    /// Lines cancelled alone stay in the sums.
    pub canceled_lines_count: bool,
    /// Reads show what was written to an order only after so many seconds.
    pub read_lag_s: u64,
    /// The shop's staff moves orders from 新規受付 to 発送待ち by itself. Otherwise they wait for a call.
    pub staff_confirms: bool,
    /// The shop's staff enters shipment data and sets 完了 by itself. Otherwise orders wait for calls.
    pub staff_ships: bool,
    /// A status that an order has already is refused (`CME9006`).
    pub repeated_status_refused: bool,
    /// Shipment data for a cancelled order are refused (`CME9005`) instead of stored.
    pub info_refused_when_canceled: bool,
    /// What becomes of shipment fields that are left out or empty.
    pub omitted: Omitted,
}

/// What becomes of a field that `updateTradeInfoProc` does not bring: not known (au-pay-market.md §5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Omitted {
    /// The call is refused.
    #[default]
    Refused,
    /// The stored value stays.
    Kept,
    /// The stored value goes.
    Cleared,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            maintenance: Maintenance::Off,
            maintenance_status: 503,
            registered_address: None,
            address_forbidden: false,
            functions_off: BTreeSet::new(),
            old_key_survives: false,
            error_http: 200,
            auth_http: 401,
            flat_errors: false,
            empty: Empty::Mixed,
            grand_total: false,
            newest_first: false,
            insert_between_pages: 0,
            hollow: false,
            unknown_order_refused: false,
            numbers_apart: false,
            seconds: false,
            canceled_lines_count: false,
            read_lag_s: 0,
            staff_confirms: true,
            staff_ships: true,
            repeated_status_refused: false,
            info_refused_when_canceled: false,
            omitted: Omitted::Refused,
        }
    }
}
