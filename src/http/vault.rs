//! What an account must remember beyond the process: tokens, sealed before they leave memory (decisions.md 34).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};

use crate::secret::Secret;

/// Where sealed values are kept, implemented by `engine` over the store's rows. Values of different names never mix.
#[async_trait]
pub trait Vault: Send + Sync {
    /// The sealed value of `name`, if one is kept.
    ///
    /// # Errors
    /// What the database said.
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, String>;

    /// Keeps `sealed` under `name`, in place of what was there.
    ///
    /// # Errors
    /// What the database said.
    async fn put(&self, name: &str, sealed: &[u8]) -> Result<(), String>;
}

/// A vault that ends with the process: for services whose calls carry no token, and for a look at an account without a
/// database.
#[derive(Debug, Default)]
pub struct Fleeting(Mutex<BTreeMap<String, Vec<u8>>>);

#[async_trait]
impl Vault for Fleeting {
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    async fn put(&self, name: &str, sealed: &[u8]) -> Result<(), String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), sealed.to_vec());
        Ok(())
    }
}

/// Seals and opens values with a key derived from a secret that stands in the config and never in the database: a copy of
/// the database opens nothing.
pub struct Seal(RandomizedNonceKey);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

struct KeyBytes;

impl KeyType for KeyBytes {
    fn len(&self) -> usize {
        32
    }
}

impl Seal {
    /// A seal whose key is derived (HKDF-SHA-256) from `secret`.
    ///
    /// # Errors
    /// When the cryptographic library refuses; it has no reason to.
    pub fn new(secret: &Secret) -> Result<Self, String> {
        let refused = |_| "a key could not be derived from the client secret".to_owned();
        let mut key = [0; 32];
        Salt::new(HKDF_SHA256, b"mallsync vault 1")
            .extract(secret.expose().as_bytes())
            .expand(&[b"token"], KeyBytes)
            .and_then(|okm| okm.fill(&mut key))
            .map_err(refused)?;
        RandomizedNonceKey::new(&AES_256_GCM, &key).map(Self).map_err(refused)
    }

    /// `plain` as it may be stored under `name`: nonce, ciphertext, tag.
    ///
    /// # Errors
    /// When the cryptographic library refuses.
    pub fn seal(&self, name: &str, plain: &[u8]) -> Result<Vec<u8>, String> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut sealed)
            .map_err(|_| "a token could not be sealed".to_owned())?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// What was sealed under `name` with the same secret; `None` for anything else.
    #[must_use]
    pub fn open(&self, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut rest = rest.to_vec();
        let length = self.0.open_in_place(nonce, Aad::from(name.as_bytes()), &mut rest).ok()?.len();
        rest.truncate(length);
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_and_name_open_a_seal() {
        let seal = Seal::new(&Secret::new("client secret")).unwrap();
        let sealed = seal.seal("yahoo-main", b"token").unwrap();
        assert_eq!(seal.open("yahoo-main", &sealed).unwrap(), b"token");
        assert_ne!(seal.seal("yahoo-main", b"token").unwrap(), sealed, "a nonce is never used twice");
        assert_eq!(seal.open("yahoo-other", &sealed), None);
        assert_eq!(Seal::new(&Secret::new("another")).unwrap().open("yahoo-main", &sealed), None);
        let mut bent = sealed.clone();
        *bent.last_mut().unwrap() ^= 1;
        assert_eq!(seal.open("yahoo-main", &bent), None);
        assert_eq!(seal.open("yahoo-main", &sealed[..5]), None);
        assert!(!sealed.windows(5).any(|w| w == b"token"));
    }
}
