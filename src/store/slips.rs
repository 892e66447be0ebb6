//! Slips of orders, and rows that wait for their order.

use serde::Serialize;

use super::{Planning, Result, Store};
use crate::clock::Timestamp;
use crate::domain::slip::{RowReport, Slip, SlipRow};

/// Slips of one order, for lists.
#[derive(Clone, Debug, Serialize)]
pub struct SlipView {
    /// The shop, when the order is known.
    pub shop: Option<String>,
    /// Our order id, when the order is known.
    pub order_id: Option<String>,
    /// The mall's order number, or the key as written while it waits.
    pub mall_order_id: String,
    /// The slip.
    #[serde(flatten)]
    pub slip: Slip,
}

/// One file's rows, imported together.
#[derive(Clone, Debug)]
pub struct SlipImport {
    /// File name, without folders.
    pub file: String,
    /// SHA-256 of the file, hex: the same file again is harmless, and said.
    pub digest: String,
    /// Rows in the order of the file.
    pub rows: Vec<SlipRow>,
    /// Compare postal codes (`[slips] verify_recipient`).
    pub verify_recipient: bool,
    /// Reads or writes: `true` reports what would happen and rolls back.
    pub dry_run: bool,
}

impl Store {
    /// Matches rows with orders and stores the good ones in one transaction, planning what follows from them. Reports
    /// every row, in the order of the file. An order number that belongs to two shops is held with a message that names
    /// both; a row whose postal code is not the order's, or whose order was cancelled, is held; a further number for an
    /// order whose parcels all have one is held unless it stands in the same file; a known slip is harmless.
    pub async fn import_slips(
        &self,
        import: &SlipImport,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<Vec<RowReport>> {
        let _ = (import, actor, planning);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Adds a slip to one order by a person's word: no postal code is compared, and it counts as decided.
    pub async fn add_slip(
        &self,
        order_id: &str,
        row: &SlipRow,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<RowReport> {
        let _ = (order_id, row, actor, planning);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Replaces a slip. One that is already registered at a gateway waits for a person (E02 is not there yet).
    pub async fn replace_slip(
        &self,
        order_id: &str,
        old: &str,
        row: &SlipRow,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        let _ = (order_id, old, row, actor, planning);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Removes a slip; likewise.
    pub async fn remove_slip(
        &self,
        order_id: &str,
        number: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        let _ = (order_id, number, actor, planning);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// Slips, newest first; `unmatched`: rows that wait or are held.
    pub async fn list_slips(&self, unmatched: bool, limit: Option<u64>) -> Result<Vec<SlipView>> {
        let _ = (unmatched, limit);
        Err(super::StoreError::NotFound("skeleton".into()))
    }

    /// When a file with this digest was imported before.
    pub async fn file_seen(&self, digest: &str) -> Result<Option<Timestamp>> {
        let _ = digest;
        Err(super::StoreError::NotFound("skeleton".into()))
    }
}
