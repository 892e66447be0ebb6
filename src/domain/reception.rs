//! Reception numbers (受付番号) of orders, from a cart's file (interface.md, `settlements import`).

use serde::Serialize;

use super::money::Yen;
use super::words::words;

/// One line of a file, cleaned: this order was paid under this number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceptionRow {
    /// `cart.csv:12`.
    pub source: String,
    /// The order number as written, trimmed.
    pub mall_order_id: String,
    /// 受付番号; its form has been checked.
    pub reception_number: String,
    /// What the order amounts to, where the file says so: it must be the order's due.
    pub amount: Option<Yen>,
}

words! {
    /// What became of a row.
    ReceptionOutcome {
        /// The order has this number from now on.
        Linked = "linked",
        /// It has it already.
        Known = "known",
        /// No such order yet: kept until it arrives.
        Waiting = "waiting",
        /// Not used; a person decides.
        Refused = "refused",
    }
}

/// The report on one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceptionReport {
    /// `cart.csv:12`.
    pub source: String,
    /// The order number as written.
    pub mall_order_id: String,
    /// 受付番号, as written where it is not one.
    pub reception_number: String,
    /// The contract that the order is linked under, where it is.
    pub settlement: Option<String>,
    /// What became of it.
    pub outcome: ReceptionOutcome,
    /// Why, for a person; empty when linked.
    pub reason: String,
}

/// What `Settlement::linked_by` says of a number that came from a file which `actor` imported.
#[must_use]
pub fn imported_by(actor: &str) -> String {
    format!("import:{actor}")
}

/// Whether a link came from a file.
#[must_use]
pub fn is_imported(linked_by: &str) -> bool {
    linked_by.starts_with("import:")
}
