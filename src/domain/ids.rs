//! Ids are `UUIDv7` as text (`clock::Ambient::id`); names of shops and settlements are the merchant's own.

use std::fmt;

use crate::clock::Timestamp;

/// The name of a shop or settlement: `[a-z0-9-]+` (decisions.md 36).
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Which order a mall speaks of: the mall's own order number in one of the merchant's shops.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderRef {
    /// The mall's order number, opaque.
    pub mall_order_id: String,
    /// When the mall says it changed last, where its list shows it: an order stored as of then need not be read.
    pub updated_at: Option<Timestamp>,
}

impl OrderRef {
    /// From the mall's order number.
    pub fn new(mall_order_id: impl Into<String>) -> Self {
        Self { mall_order_id: mall_order_id.into(), updated_at: None }
    }
}

impl fmt::Display for OrderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.mall_order_id)
    }
}
