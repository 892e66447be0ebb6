//! Orders made ready to be stored. What a row is judged by (JSON, digest) costs more than its statement: it is made beside
//! the reading. Its compression, which only what changed needs, is left to the transaction's own waits.

use std::fmt;

use super::Result;
use super::digest::Digester;
use super::rows::to_json;
use crate::clock::Timestamp;
use crate::domain::order::Order;

/// An order as its row will show it.
#[derive(Clone)]
pub(super) struct Content {
    pub document: String,
    pub digest: String,
}

/// An order as read, ready to be stored.
#[derive(Clone)]
pub struct NewOrder {
    /// Normalised.
    pub(super) order: Order,
    pub(super) content: Content,
    /// The mall's own record.
    pub(super) raw: Vec<u8>,
    /// When the request was sent: newer wins (decisions.md 13).
    pub(super) read_at: Timestamp,
}

impl NewOrder {
    /// Normalised, as it was read.
    pub const fn order(&self) -> &Order {
        &self.order
    }
}

/// Shows the order alone: its row is JSON about a person.
impl fmt::Debug for NewOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOrder")
            .field("order", &self.order)
            .field("read_at", &self.read_at)
            .finish_non_exhaustive()
    }
}

/// Makes orders ready; one for many, what it works in is made once.
#[derive(Default)]
pub struct Preparer(Digester);

impl Preparer {
    /// `order` as read from the mall's own record `raw`, by a request sent at `read_at`.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn order(&mut self, order: Order, raw: Vec<u8>, read_at: Timestamp) -> Result<NewOrder> {
        let content = Content::new(&mut self.0, &order, &raw)?;
        Ok(NewOrder { order, content, raw, read_at })
    }
}

impl Content {
    fn new(digester: &mut Digester, order: &Order, raw: &[u8]) -> Result<Self> {
        let document = to_json(order)?;
        let digest = digester.digest(&document, raw);
        Ok(Self { document, digest })
    }

    /// That of `order`, which keeps something of the version before, with the record that `read` came as.
    pub(super) fn kept(digester: &mut Digester, order: &Order, read: &NewOrder) -> Result<Self> {
        Self::new(digester, order, &read.raw)
    }
}
