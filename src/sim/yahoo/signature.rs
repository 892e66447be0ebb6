//! 公開鍵認証: what the server thinks of `X-sws-signature` (yahoo-shopping.md §2.3).

use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use serde::{Deserialize, Serialize};

use super::shop::KEY_AGE_DAYS;
use crate::clock::Timestamp;
use crate::sim::http::Request;

/// A version of a shop's key. The RSA pair behind every version is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyVersion {
    /// The number that goes into `X-sws-signature-version`.
    pub version: u32,
    /// Works from then on.
    pub valid_from: Timestamp,
    /// Works until then; a year after its issue.
    pub valid_to: Timestamp,
    /// Not switched off by hand.
    pub enabled: bool,
}

impl KeyVersion {
    /// The key that a shop has when the simulation begins: version 1, a month old.
    pub(crate) fn first(now: Timestamp) -> Self {
        let from = now - Duration::from_hours(24 * KEY_AGE_DAYS);
        Self { version: 1, valid_from: from, valid_to: from + Duration::from_hours(24 * 365), enabled: true }
    }
}

struct Pair {
    private: Pkcs1PrivateDecryptingKey,
    public_pem: String,
}

/// Made once a process: a daemon gets the public half, the simulator keeps the other. `None` where the machine could
/// not make one.
fn pair() -> Option<&'static Pair> {
    static PAIR: OnceLock<Option<Pair>> = OnceLock::new();
    PAIR.get_or_init(|| {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).ok()?;
        let public: PublicKeyX509Der<'static> = private.public_key().as_der().ok()?;
        let public_pem = pem(public.as_ref());
        Some(Pair { private: Pkcs1PrivateDecryptingKey::new(private).ok()?, public_pem })
    })
    .as_ref()
}

fn pem(der: &[u8]) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END PUBLIC KEY-----\n");
    pem
}

/// The public half, as the store's back office hands it out (X.509 SubjectPublicKeyInfo in PEM).
pub(crate) fn public_pem() -> Option<String> {
    pair().map(|pair| pair.public_pem.clone())
}

/// `X-SWS-Authorize-Status`.
pub(crate) const AUTHORIZED: &str = "authorized";

/// The verdict on a request about `seller`, whose keys are `keys`.
pub(crate) fn verdict(
    request: &Request,
    seller: &str,
    keys: &[KeyVersion],
    tolerance: Duration,
    now: Timestamp,
) -> &'static str {
    let Some(signature) = request.header("x-sws-signature").filter(|s| !s.is_empty()) else {
        return "none";
    };
    let version = request.header("x-sws-signature-version").unwrap_or_default();
    let Some(version) = number(version) else {
        return "invalid-key-version";
    };
    let Some(key) = keys.iter().find(|key| u64::from(key.version) == version) else {
        return "not-found-key-version";
    };
    if !key.enabled || now < key.valid_from {
        return "invalid-key-status";
    }
    if now > key.valid_to {
        return "expired-key-version";
    }
    let Some(plain) = decrypt(signature) else {
        return "invalid-authorize-value";
    };
    let Some((store, time)) = plain.rsplit_once(':') else {
        return "invalid-authorize-value";
    };
    if store != seller {
        return "invalid-sellerid";
    }
    let Some(seconds) = number(time).and_then(|n| i64::try_from(n).ok()).filter(|n| *n < 100_000_000_000)
    else {
        return "invalid-timestamp";
    };
    let at = Timestamp::from_micros(seconds * 1_000_000);
    if at + tolerance < now {
        "expired-timestamp"
    } else if at > now + tolerance {
        "invalid-timestamp"
    } else {
        AUTHORIZED
    }
}

/// ASCII digits and nothing else.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn decrypt(signature: &str) -> Option<String> {
    let cipher = base64::engine::general_purpose::STANDARD.decode(signature).ok()?;
    let key = &pair()?.private;
    let mut plain = vec![0; key.min_output_size()];
    let plain = key.decrypt(&cipher, &mut plain).ok()?;
    std::str::from_utf8(plain).ok().map(str::to_owned)
}
