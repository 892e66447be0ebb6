//! Credentials: the header, the second key, and what a refusal means (rakuten-rms.md §2, §7.2).

use std::time::Duration;

use base64::Engine as _;

use super::wire::{Envelope, Function, decode};
use crate::domain::account::Bucket;
use crate::http::{Body, Call, Fault, Method, Request, Response, Target};
use crate::malls::keys;
use crate::secret::Secret;

/// For the whole call (§3.1).
const DEADLINE: Duration = Duration::from_secs(60);
/// §7.3: one request a second for the whole shop.
const PACE: Duration = Duration::from_secs(1);
/// The first step back where the server asks for a pause and names no time (§7.3).
const BACK_OFF: Duration = Duration::from_secs(2);

/// Where keys and functions are kept, as RMS names it.
pub const PLACE: &str = "RMS: 店舗様向け情報・サービス → WEB APIサービス → 2-1 アプリ一覧 → 詳細";
/// Where functions are switched on.
pub const FUNCTIONS: &str = "利用機能編集 (finish the second confirmation screen)";

/// The credentials of one shop.
pub struct Credentials {
    service_secret: Secret,
    /// With their keys in the config, in the order they are tried.
    license_keys: Vec<(&'static str, Secret)>,
    bucket: Bucket,
}

/// One call, before a key is chosen.
pub struct Ask {
    /// What is called.
    pub function: Function,
    /// Empty: `GET`.
    pub json: Vec<u8>,
    /// Never logged.
    pub query: Vec<(&'static str, String)>,
}

impl Ask {
    /// A `POST` of `body`.
    ///
    /// # Errors
    /// When `body` cannot be written as JSON.
    pub fn post<T: serde::Serialize>(function: Function, body: &T) -> Result<Self, Fault> {
        let json = serde_json::to_vec(body).map_err(|e| Fault::Rejected {
            code: "request".to_owned(),
            message: format!("{} cannot be written: {e}", function.permission()),
        })?;
        Ok(Self { function, json, query: Vec::new() })
    }
}

impl Credentials {
    /// One service secret and the keys to try with it.
    #[must_use]
    pub fn new(service_secret: Secret, license_keys: Vec<(&'static str, Secret)>) -> Self {
        let digest =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, service_secret.expose().as_bytes());
        let hash: String = digest.as_ref().iter().take(6).map(|b| format!("{b:02x}")).collect();
        let bucket = Bucket { key: format!("rakuten/{hash}"), per: PACE, burst: 1 };
        Self { service_secret, license_keys, bucket }
    }

    /// The licence keys with their keys in the config.
    pub fn license_keys(&self) -> &[(&'static str, Secret)] {
        &self.license_keys
    }

    /// The pace of the shop: its keys share it.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    fn header(&self, license_key: &Secret) -> Secret {
        let pair = Secret::new(&format!("{}:{}", self.service_secret.expose(), license_key.expose()));
        let pair = base64::engine::general_purpose::STANDARD.encode(pair.expose());
        Secret::new(&format!("ESA {pair}"))
    }

    /// The request with the key of that index.
    pub fn request(&self, ask: &Ask, key: usize) -> Option<Request> {
        let (_, license_key) = self.license_keys.get(key)?;
        let get = ask.json.is_empty();
        Some(Request {
            method: if get { Method::Get } else { Method::Post },
            target: Target::Api,
            path: ask.function.path().to_owned(),
            query: ask.query.clone(),
            headers: vec![("authorization", self.header(license_key))],
            body: if get { Body::Empty } else { Body::Json(ask.json.clone()) },
            changes: false,
            deadline: DEADLINE,
            buckets: vec![self.bucket.clone()],
        })
    }

    /// Asks with the key of that index.
    ///
    /// # Errors
    /// What the answer means (§7.2). A pause that the server asks for is passed on to the gate.
    pub async fn ask_with<T: Envelope>(
        &self,
        call: &Call<'_>,
        ask: &Ask,
        key: usize,
    ) -> Result<(T, Response), Fault> {
        let Some(request) = self.request(ask, key) else {
            return Err(Fault::Auth {
                code: "config".to_owned(),
                message: "no licence key is configured".to_owned(),
            });
        };
        let response = call.send(request).await?;
        let answer = decode::<T>(&response);
        match &answer {
            Err(Fault::Throttled { until }) => {
                let until = until.unwrap_or(response.sent_at + BACK_OFF);
                call.gate.pause(&self.bucket, until).await;
            }
            Err(Fault::Malformed(reason)) => tracing::debug!(
                shop = call.account,
                request_id = response.header("requestid"),
                error.message = %reason,
                "Answer could not be read."
            ),
            _ => {}
        }
        answer.map(|answer| (answer, response))
    }

    /// Asks with the key that worked last and, when it is refused, with the others. Makes at most `*calls` calls and
    /// counts them down.
    ///
    /// # Errors
    /// As [`Credentials::ask_with`]. A refusal is that of the first key tried; its message names the codes of all.
    pub async fn ask<T: Envelope>(
        &self,
        call: &Call<'_>,
        ask: &Ask,
        calls: &mut usize,
    ) -> Result<(T, Response), Fault> {
        keys::any(call.client, self.license_keys.len(), calls, move |key| self.ask_with(call, ask, key)).await
    }
}

/// A refusal of one function while another works with the same pair: the function is switched off (§2.2).
#[must_use]
pub fn switched_off(code: String, said: &str, function: Function) -> Fault {
    let permission = function.permission();
    Fault::Auth {
        message: format!(
            "function {permission} is not enabled [{said}]; switch it on at {PLACE} → {FUNCTIONS}; a change may take \
             up to 90 minutes to work"
        ),
        code,
    }
}

/// A refusal that may be the key's (§2.2, §2.3).
#[must_use]
pub fn key_refused(code: String, said: &str, function: Function) -> Fault {
    let permission = function.permission();
    Fault::Auth {
        message: format!(
            "licence key invalid, expired or not active yet, or function {permission} not enabled [{said}]; a key lives \
             90 days, and a new one may take up to 90 minutes to work; see {PLACE}, then set license_key or \
             license_key_next"
        ),
        code,
    }
}
