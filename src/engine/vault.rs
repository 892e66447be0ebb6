//! Tokens in the database's rows.

use async_trait::async_trait;

use crate::clock::Ambient;
use crate::http::Vault;
use crate::store::Store;

/// The vault over the store's rows: shared by every process.
#[derive(Clone, Debug)]
pub struct StoreVault {
    store: Store,
    ambient: Ambient,
}

impl StoreVault {
    /// Over `store`.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient) -> Self {
        Self { store, ambient }
    }
}

#[async_trait]
impl Vault for StoreVault {
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        self.store.sealed(name).await.map_err(|e| e.to_string())
    }

    async fn put(&self, name: &str, sealed: &[u8]) -> Result<(), String> {
        self.store.put_sealed(name, sealed, self.ambient.now()).await.map_err(|e| e.to_string())
    }
}
