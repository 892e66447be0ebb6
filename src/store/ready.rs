//! Orders made ready to be stored. What a row is made of (JSON, digest, compression) costs more than its statement: it is
//! done beside the reading, so that the transaction holds nothing but statements.

use std::fmt;

use super::digest::Digester;
use super::rows::{Packer, to_json, unpacked};
use super::{Result, StoreError};
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
    /// The mall's own record, compressed.
    pub(super) raw: Vec<u8>,
    /// When the request was sent: newer wins (decisions.md 13).
    pub(super) read_at: Timestamp,
}

impl NewOrder {
    /// Normalised, as it was read.
    pub const fn order(&self) -> &Order {
        &self.order
    }

    /// The mall's own record, as it came.
    pub(super) fn record(&self) -> Result<Vec<u8>> {
        unpacked(&self.raw).map_err(|e| StoreError::Database(sqlx::Error::Io(e)))
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

/// Makes orders ready; one for many, what it works in is made once, at the first order.
#[derive(Default)]
pub struct Preparer {
    digester: Digester,
    packer: Option<Packer>,
}

impl Preparer {
    /// `order` as read from the mall's own record `raw`, by a request sent at `read_at`.
    ///
    /// # Errors
    /// When it cannot be written as JSON or compressed.
    pub fn order(&mut self, order: Order, raw: &[u8], read_at: Timestamp) -> Result<NewOrder> {
        let content = Content::new(&mut self.digester, &order, raw)?;
        let packer = match &mut self.packer {
            Some(packer) => packer,
            none => none.insert(Packer::new()?),
        };
        Ok(NewOrder { content, raw: packer.pack(raw)?, order, read_at })
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
        Self::new(digester, order, &read.record()?)
    }
}
