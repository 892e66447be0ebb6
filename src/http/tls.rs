//! Client identities (PEM or the ZIP a service hands out) and their checks.

use std::fmt;
use std::io::{Cursor, Read};

use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::clock::Timestamp;
use crate::secret::Secret;

/// Bounds on a ZIP that holds one certificate and one key.
const ZIP_BYTES: usize = 1024 * 1024;
const ZIP_ENTRIES: usize = 16;
const ENTRY_BYTES: u64 = 64 * 1024;

/// A client certificate with its key, known to belong together.
#[derive(Clone)]
pub struct Identity {
    /// Leaf first.
    certificates: String,
    key: Secret,
    expires_at: Timestamp,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Identity {
    /// From PEM texts: the certificate (with its chain, in any order) and the private key.
    ///
    /// # Errors
    /// What is wrong and what was expected: no certificate, no key, an encrypted key, a key of another certificate.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, String> {
        let key_text = std::str::from_utf8(key).map_err(|_| "private key: not PEM text".to_owned())?;
        if key_text.contains("ENCRYPTED") {
            return Err("private key: is encrypted with a passphrase; take it off with \
                        `openssl pkey -in KEY -out NEW-KEY`"
                .to_owned());
        }
        let parsed = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| "private key: no PEM private key in it (-----BEGIN PRIVATE KEY-----)".to_owned())?;
        let public = public_key(&parsed)?;
        let chain = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| "certificate: not well-formed PEM".to_owned())?;
        if chain.is_empty() {
            return Err("certificate: no PEM certificate in it (-----BEGIN CERTIFICATE-----)".to_owned());
        }
        let mut leaf = None;
        let mut others = String::new();
        for der in &chain {
            let (_, parsed) = X509Certificate::from_der(der)
                .map_err(|_| "certificate: cannot be read as X.509".to_owned())?;
            let pem = to_pem(der);
            if leaf.is_none() && parsed.public_key().subject_public_key.data.as_ref() == public.as_slice() {
                let seconds = parsed.validity().not_after.timestamp();
                leaf = Some((pem, Timestamp::from_micros(seconds.saturating_mul(1_000_000))));
            } else {
                others.push_str(&pem);
            }
        }
        let Some((leaf, expires_at)) = leaf else {
            return Err("the private key does not belong to the certificate: use the pair that was issued \
                        together"
                .to_owned());
        };
        Ok(Self { certificates: leaf + &others, key: Secret::new(key_text), expires_at })
    }

    /// From a ZIP with one certificate and one private key, found by what they hold. Names in the archive are never
    /// used.
    ///
    /// # Errors
    /// As [`Identity::from_pem`]; also a ZIP that is too large, damaged or locked with a password.
    pub fn from_zip(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > ZIP_BYTES {
            return Err(format!("certificate ZIP: larger than {ZIP_BYTES} bytes"));
        }
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes))
            .map_err(|_| "certificate ZIP: not a ZIP archive, or damaged".to_owned())?;
        if archive.len() > ZIP_ENTRIES {
            return Err(format!("certificate ZIP: more than {ZIP_ENTRIES} entries"));
        }
        let (mut certificates, mut keys) = (Vec::new(), Vec::new());
        for index in 0..archive.len() {
            let entry = archive.by_index(index).map_err(|_| {
                "certificate ZIP: an entry cannot be opened (damaged, or locked with a password)".to_owned()
            })?;
            let mut content = Vec::new();
            entry
                .take(ENTRY_BYTES + 1)
                .read_to_end(&mut content)
                .map_err(|_| "certificate ZIP: an entry is damaged".to_owned())?;
            if content.len() as u64 > ENTRY_BYTES {
                return Err(format!("certificate ZIP: an entry holds more than {ENTRY_BYTES} bytes"));
            }
            let text = String::from_utf8_lossy(&content);
            if text.contains("PRIVATE KEY-----") {
                keys.push(content.clone());
            }
            if text.contains("-----BEGIN CERTIFICATE-----") {
                certificates.extend_from_slice(&content);
                certificates.push(b'\n');
            }
        }
        match keys.as_slice() {
            [key] => Self::from_pem(&certificates, key),
            [] => Err("certificate ZIP: no PEM private key in it".to_owned()),
            _ => Err("certificate ZIP: more than one private key in it".to_owned()),
        }
    }

    /// The last moment the certificate is valid.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    pub(super) fn to_reqwest(&self) -> Result<reqwest::Identity, String> {
        let pem = Secret::new(&format!("{}{}", self.certificates, self.key.expose()));
        reqwest::Identity::from_pem(pem.expose().as_bytes())
            .map_err(|_| "certificate and private key: refused by the TLS library".to_owned())
    }
}

/// The public half of a private key, as a certificate holds it.
fn public_key(key: &PrivateKeyDer<'_>) -> Result<Vec<u8>, String> {
    let der = key.secret_der();
    if let Ok(pair) = rsa::KeyPair::from_pkcs8(der).or_else(|_| rsa::KeyPair::from_der(der)) {
        return Ok(pair.public_key().as_ref().to_vec());
    }
    for algorithm in
        [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING, &ECDSA_P521_SHA512_ASN1_SIGNING]
    {
        if let Ok(pair) = EcdsaKeyPair::from_private_key_der(algorithm, der) {
            return Ok(pair.public_key().as_ref().to_vec());
        }
    }
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
        return Ok(pair.public_key().as_ref().to_vec());
    }
    Err("private key: expected RSA (2048 bits or more), ECDSA P-256/384/521 or Ed25519, as PKCS#8, PKCS#1 or SEC1"
        .to_owned())
}

fn to_pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = String::with_capacity(text.len() + text.len() / 64 + 64);
    pem.push_str("-----BEGIN CERTIFICATE-----\n");
    for (i, c) in text.chars().enumerate() {
        if i > 0 && i % 64 == 0 {
            pem.push('\n');
        }
        pem.push(c);
    }
    pem.push_str("\n-----END CERTIFICATE-----\n");
    pem
}
