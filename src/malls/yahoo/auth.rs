//! Credentials: the bearer token, the key authentication of each call, the verdict on it, and what a refusal means
//! (yahoo-shopping.md §2, §8.3).

use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

use super::wire::{Answer, Function, SHORT_SESSION, STALE, decode};
use crate::clock::Timestamp;
use crate::domain::account::{Bucket, Expiry};
use crate::http::tokens::Grant;
use crate::http::{Body, Call, Fault, Method, Request, Response, SendError, Target};
use crate::malls::Consent;
use crate::secret::Secret;

mod words;

pub use words::Verdict;
use words::{client_refused, consent_ended, explain};

/// For the whole call (§3).
const DEADLINE: Duration = Duration::from_secs(60);
/// One query a second against the same URL (§3; decisions.md 18).
const PACE: Duration = Duration::from_millis(1_020);
/// 50,000 a day: a burst, and what comes back over the day (decisions.md 18).
const DAY_BURST: u32 = 2_000;
const DAY_PACE: Duration = Duration::from_millis(1_800);
/// The first step back where the server throttles and names no time (§3).
const BACK_OFF: Duration = Duration::from_secs(2);
/// How long a consent holds with a key, and without one (§2.1, §2.2).
const CONSENT: Duration = Duration::from_secs(28 * 86_400);
const CONSENT_UNSIGNED: Duration = Duration::from_secs(12 * 3_600);
/// What the client remembers.
const HINT_KEY: &str = "key";

/// Where keys are kept.
pub const KEYS_PLACE: &str = "ストアクリエイターPro → 設定 → 暗号鍵管理";
/// Where applications are kept.
pub const APP_PLACE: &str = "Yahoo!デベロッパーネットワーク → アプリケーションの管理";
/// Where the use of the order API is applied for.
pub const APPLY_PLACE: &str = "Yahoo!デベロッパーネットワーク → ショッピング → 注文API 利用申請";

/// A key of 暗号鍵管理 (§2.3).
pub struct SigningKey {
    name: &'static str,
    version: i64,
    key: Pkcs1PublicEncryptingKey,
}

impl SigningKey {
    /// From the PEM file as the back office hands it out.
    ///
    /// # Errors
    /// What is wrong with it and what was expected.
    pub fn from_pem(name: &'static str, version: i64, pem: &[u8]) -> Result<Self, String> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| {
            "no PEM public key in it (-----BEGIN PUBLIC KEY-----); take the file of 暗号鍵管理 as it is"
                .to_owned()
        })?;
        let key = PublicEncryptingKey::from_der(der.as_ref())
            .and_then(|key| Pkcs1PublicEncryptingKey::new(key).map_err(aws_lc_rs::error::KeyRejected::from))
            .map_err(|_| "not an RSA public key of 2048 bits or more".to_owned())?;
        Ok(Self { name, version, key })
    }

    /// `store:unixtime`, encrypted (PKCS#1 v1.5, so another text each time), in one line of base64.
    ///
    /// # Errors
    /// When the cryptographic library refuses; it has no reason to.
    pub fn sign(&self, seller: &str, at: Timestamp) -> Result<Secret, Fault> {
        let plain = format!("{seller}:{}", at.micros().div_euclid(1_000_000));
        let mut cipher = vec![0; self.key.ciphertext_size()];
        let cipher = self
            .key
            .encrypt(plain.as_bytes(), &mut cipher)
            .map_err(|_| Fault::Transient(format!("{} could not encrypt a signature", self.name)))?;
        Ok(Secret::new(&base64::engine::general_purpose::STANDARD.encode(cipher)))
    }
}

/// The credentials of one store.
pub struct Credentials {
    seller: String,
    grant: Grant,
    redirect_uri: Option<String>,
    /// Beside the token endpoint.
    consent_url: String,
    keys: Vec<SigningKey>,
    /// Digest of the client id: what the quotas are counted by.
    id: String,
}

/// One call, before token and key are chosen.
pub struct Ask {
    /// What is called.
    pub function: Function,
    /// The request document.
    pub xml: String,
}

impl Credentials {
    /// The store, its grant, its keys in the order they are tried, and the token endpoint.
    #[must_use]
    pub fn new(
        seller: &str,
        grant: Grant,
        keys: Vec<SigningKey>,
        redirect_uri: Option<String>,
        auth_url: &str,
    ) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, grant.client_id.as_bytes());
        let id = digest.as_ref().iter().take(6).map(|b| format!("{b:02x}")).collect();
        let consent_url = match auth_url.rsplit_once('/') {
            Some((base, _)) => format!("{base}/authorization"),
            None => auth_url.to_owned(),
        };
        Self { seller: seller.to_owned(), grant, redirect_uri, consent_url, keys, id }
    }

    /// ストアアカウント.
    pub fn seller(&self) -> &str {
        &self.seller
    }

    /// The pace of one URL.
    fn url_bucket(&self, function: Function) -> Bucket {
        Bucket { key: format!("yahoo/{}/{}", self.id, function.path()), per: PACE, burst: 1 }
    }

    /// The day's quota first: the pace of the URL then spaces what is sent.
    fn buckets(&self, function: Function) -> Vec<Bucket> {
        let day = Bucket { key: format!("yahoo/{}/day", self.id), per: DAY_PACE, burst: DAY_BURST };
        vec![day, self.url_bucket(function)]
    }

    fn request(&self, ask: &Ask, token: &Secret, key: usize, now: Timestamp) -> Result<Request, Fault> {
        let mut headers = vec![("authorization", Secret::new(&format!("Bearer {}", token.expose())))];
        if let Some(key) = self.keys.get(key) {
            headers.push(("x-sws-signature", key.sign(&self.seller, now)?));
            headers.push(("x-sws-signature-version", Secret::new(&key.version.to_string())));
        }
        headers.push(("content-type", Secret::new("application/xml; charset=utf-8")));
        Ok(Request {
            method: Method::Post,
            target: Target::Api,
            path: ask.function.path().to_owned(),
            query: Vec::new(),
            headers,
            body: Body::Xml(ask.xml.clone().into_bytes()),
            changes: false,
            deadline: DEADLINE,
            // Admitted already.
            buckets: Vec::new(),
        })
    }

    /// Asks with the token at hand and the key that worked last. An access token refused before its time is renewed once;
    /// under the 12-hour rule the other key is tried. Makes at most `*calls` calls, those for tokens included, and counts
    /// them down.
    ///
    /// # Errors
    /// What the answer means (§8). A pause that the server asks for is passed on to the gate.
    pub async fn ask(
        &self,
        call: &Call<'_>,
        ask: &Ask,
        calls: &mut usize,
    ) -> Result<(Answer, Response), Fault> {
        let mut renewed = false;
        let mut tried = 0;
        loop {
            let fresh = !self.grant.at_hand(call).await?;
            let token = self.grant.access(call).await.map_err(|fault| consent_ended(call.account, fault))?;
            *calls = calls.saturating_sub(1 + usize::from(fresh));
            let key = self.key(call);
            let response = self.send(call, ask, &token, key).await?;
            let verdict = Verdict::of(&response, self.keys.is_empty());
            let key_refused = self.judge(call, key, &verdict);
            let fault = match decode(&response, ask.function) {
                Ok(answer) => return Ok((answer, response)),
                Err(fault) => fault,
            };
            match &fault {
                Fault::Throttled { until } => {
                    let until = until.unwrap_or(response.sent_at + BACK_OFF);
                    call.gate.pause(&self.url_bucket(ask.function), until).await;
                }
                Fault::Auth { code, .. } if code == STALE && !renewed && *calls > 1 => {
                    self.grant.refused(call, &token).await?;
                    renewed = true;
                    continue;
                }
                Fault::Auth { code, .. } if code == SHORT_SESSION && *calls > 0 => {
                    tried += 1;
                    if (key_refused && tried < self.keys.len())
                        || (!renewed && self.grant.superseded(call, &token).await?)
                    {
                        renewed |= !key_refused;
                        continue;
                    }
                }
                Fault::Malformed(reason) => tracing::debug!(
                    shop = call.account,
                    function = ask.function.path(),
                    error.message = %reason,
                    "Answer could not be read."
                ),
                _ => {}
            }
            return Err(explain(call.account, fault, &verdict));
        }
    }

    /// The signature is made once the call may be sent: its time must be fresh (§2.3).
    async fn send(&self, call: &Call<'_>, ask: &Ask, token: &Secret, key: usize) -> Result<Response, Fault> {
        for bucket in self.buckets(ask.function) {
            call.gate.admit(&bucket, call.priority).await.map_err(SendError::from)?;
        }
        Ok(call.send(self.request(ask, token, key, call.now())?).await?)
    }

    /// Which key to sign with: the first, until a verdict has refused it.
    fn key(&self, call: &Call<'_>) -> usize {
        let hint = call.client.hint(HINT_KEY).and_then(|text| text.parse().ok()).unwrap_or(0);
        if hint < self.keys.len() { hint } else { 0 }
    }

    /// Takes in the verdict on a signature, warning of it once a change; whether the key itself was refused, so that the
    /// next call signs with the other one.
    fn judge(&self, call: &Call<'_>, index: usize, verdict: &Verdict) -> bool {
        let name = self.keys.get(index).map_or("public_key", |key| key.name);
        let new = call.client.learn(&format!("verdict of {name}"), verdict.said());
        if new && verdict.trouble() {
            tracing::warn!(
                shop = call.account,
                key = name,
                verdict = %verdict.said(),
                action = verdict.meaning(),
                "Signature was not accepted."
            );
        }
        let refused = verdict.refuses_key();
        if refused && self.keys.len() > 1 {
            let next = (index + 1) % self.keys.len();
            call.client.learn(HINT_KEY, &next.to_string());
        }
        refused
    }

    /// When the consent ends; `None` when no day of it is known.
    ///
    /// # Errors
    /// The vault's.
    pub async fn consent_ends(&self, call: &Call<'_>) -> Result<Option<Expiry>, Fault> {
        Ok(self.grant.authorized_at(call).await?.map(|at| self.consent_expiry(at)))
    }

    fn consent_expiry(&self, authorized_at: Timestamp) -> Expiry {
        let span = if self.keys.is_empty() { CONSENT_UNSIGNED } else { CONSENT };
        Expiry { what: "refresh_token".to_owned(), at: authorized_at + span }
    }

    /// Whether calls are signed.
    pub fn signs(&self) -> bool {
        !self.keys.is_empty()
    }
}

#[async_trait]
impl Consent for Credentials {
    fn url(&self, state: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.grant.client_id),
            ("redirect_uri", self.redirect_uri.as_deref().unwrap_or_default()),
            ("scope", "openid profile"),
            ("state", state),
            ("bail", "1"),
        ]);
        format!("{}?{}", self.consent_url, query.finish())
    }

    fn redirect_uri(&self) -> Option<&str> {
        self.redirect_uri.as_deref()
    }

    async fn exchange(&self, call: &Call<'_>, code: &str) -> Result<Expiry, Fault> {
        let redirect_uri = self.redirect_uri.as_deref().unwrap_or_default();
        match self.grant.exchange(call, code, redirect_uri).await {
            Ok(at) => Ok(self.consent_expiry(at)),
            Err(Fault::Auth { code, message }) => Err(Fault::Auth {
                message: match code.as_str() {
                    "invalid_grant" => format!(
                        "the code was used already, or is older than ten minutes: begin again with `mallsync shops \
                         authorize {}` [{message}]",
                        call.account
                    ),
                    "invalid_redirect_uri" => format!(
                        "redirect_uri is not the one registered with the application ({APP_PLACE} → コールバックURL) [{message}]"
                    ),
                    _ => client_refused(&message),
                },
                code,
            }),
            Err(fault) => Err(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_named() {
        for bad in ["", "hello", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
            assert!(SigningKey::from_pem("public_key", 1, bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
