//! Sealed values: tokens that outlive the process. What they hold is known to the connectors alone.

use super::db::{Lock, args};
use super::{Result, Store};
use crate::clock::Timestamp;

impl Store {
    /// The sealed value of `name`.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn sealed(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let mut conn = self.read().await?;
        let row: Option<(Vec<u8>,)> =
            conn.row("SELECT sealed FROM vault WHERE name = $1", args![name]).await?;
        Ok(row.map(|(sealed,)| sealed))
    }

    /// Keeps `sealed` under `name`, in place of what was there.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn put_sealed(&self, name: &str, sealed: &[u8], now: Timestamp) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        conn.execute(
            "INSERT INTO vault (name, sealed, changed_at) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, changed_at = excluded.changed_at",
            args![name, sealed, now],
        )
        .await?;
        conn.commit().await
    }
}
