//! Codes never seen before (I5): kept and shown by the connectors as flags, and warned of here, once a code and shop while
//! the process lives.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::domain::order::{Flag, Order};

/// What flags of codes never seen before begin with.
const PREFIX: &str = "unknown_";
/// A source that makes up ever new codes must not fill the memory, nor the log.
const MOST: usize = 1_000;

/// The unknown codes of one shop that were warned of.
#[derive(Debug, Default)]
pub struct Unknown(Mutex<BTreeSet<(String, String)>>);

impl Unknown {
    /// Warns of what is new among the flags of `order`.
    pub fn notice(&self, shop: &str, mall: &str, order: &Order) {
        for flag in order.flags.iter().filter(|flag| flag.code.starts_with(PREFIX)) {
            if self.is_news(flag) {
                tracing::warn!(shop, mall, mall_order_id = %order.mall_order_id, error.code = %flag.code,
                    error.message = %flag.detail,
                    "Code was seen for the first time.");
            }
        }
    }

    fn is_news(&self, flag: &Flag) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.len() < MOST && seen.insert((flag.code.clone(), flag.detail.clone()))
    }
}
