//! Credentials: the header, the second key, when a key ends, and what a refusal means (au-pay-market.md §2, §9.3).

use std::time::Duration;

use chrono::NaiveDate;

use super::wire::{Answer, Function, decode};
use crate::clock::Timestamp;
use crate::domain::account::{Bucket, Expiry};
use crate::http::{Body, Call, Fault, Method, Request, Response, Target};
use crate::malls::keys;
use crate::secret::Secret;

/// For the whole call (§10).
const DEADLINE: Duration = Duration::from_secs(60);
/// §10: no limit is published; running clients wait a second between calls.
const PACE: Duration = Duration::from_secs(1);
/// The first step back where the server asks for a pause and names no time.
const BACK_OFF: Duration = Duration::from_secs(2);
/// §2: a key lives 90 days from its issue. The hour is not known, so the day counts from its first.
const LIFE: Duration = Duration::from_secs(90 * 86_400);

/// Where keys are issued and addresses registered, as Wow! manager names it.
pub const PLACE: &str = "Wow! manager → 各種お申し込み → API利用申請";

/// One key.
pub struct Key {
    /// Its key in the config.
    pub name: &'static str,
    /// The key itself.
    pub secret: Secret,
    /// The day it was issued, where the config tells.
    pub issued_on: Option<NaiveDate>,
}

impl Key {
    /// When it ends, where the config tells the day of its issue.
    #[must_use]
    pub fn expiry(&self) -> Option<Expiry> {
        let at = Timestamp::jst_midnight(self.issued_on?) + LIFE;
        Some(Expiry { what: self.name.to_owned(), at })
    }
}

/// The credentials of one shop.
pub struct Credentials {
    shop_id: String,
    /// In the order they are tried.
    keys: Vec<Key>,
    bucket: Bucket,
}

/// One call, before a key is chosen.
pub struct Ask {
    /// What is called.
    pub function: Function,
    /// Beside the shop's number. Never logged.
    pub query: Vec<(&'static str, String)>,
}

impl Credentials {
    /// A shop's number (会員番号) and the keys to try with it.
    #[must_use]
    pub fn new(shop_id: &str, keys: Vec<Key>) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, shop_id.as_bytes());
        let hash: String = digest.as_ref().iter().take(6).map(|b| format!("{b:02x}")).collect();
        let bucket = Bucket { key: format!("aupay/{hash}"), per: PACE, burst: 1 };
        Self { shop_id: shop_id.to_owned(), keys, bucket }
    }

    /// The keys, in the order they are tried.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// When the keys end, as far as the config tells.
    pub fn expiries(&self) -> Vec<Expiry> {
        self.keys.iter().filter_map(Key::expiry).collect()
    }

    /// The request with the key of that index.
    pub fn request(&self, ask: &Ask, key: usize) -> Option<Request> {
        let key = self.keys.get(key)?;
        let mut query = vec![("shopId", self.shop_id.clone())];
        query.extend(ask.query.iter().cloned());
        Some(Request {
            method: Method::Get,
            target: Target::Api,
            path: ask.function.path().to_owned(),
            query,
            headers: vec![
                ("authorization", Secret::new(&format!("Bearer {}", key.secret.expose()))),
                // Every known client sends it, although there is no body (§2).
                ("content-type", Secret::new("application/x-www-form-urlencoded")),
            ],
            body: Body::Empty,
            changes: false,
            deadline: DEADLINE,
            // Its keys share the pace of the shop.
            buckets: vec![self.bucket.clone()],
        })
    }

    /// Asks with the key of that index.
    ///
    /// # Errors
    /// What the answer means (§9). A pause that the server asks for is passed on to the gate.
    pub async fn ask_with(
        &self,
        call: &Call<'_>,
        ask: &Ask,
        key: usize,
    ) -> Result<(Answer, Response), Fault> {
        let Some(request) = self.request(ask, key) else {
            return Err(Fault::Auth {
                code: "config".to_owned(),
                message: "no API key is configured".to_owned(),
            });
        };
        let response = call.send(request).await?;
        let answer = decode(&response);
        match &answer {
            Err(Fault::Throttled { until }) => {
                let until = until.unwrap_or(response.sent_at + BACK_OFF);
                call.gate.pause(&self.bucket, until).await;
            }
            Err(Fault::Malformed(reason)) => tracing::debug!(
                shop = call.account,
                function = ask.function.path(),
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
    pub async fn ask(
        &self,
        call: &Call<'_>,
        ask: &Ask,
        calls: &mut usize,
    ) -> Result<(Answer, Response), Fault> {
        keys::any(call.client, self.keys.len(), calls, move |key| self.ask_with(call, ask, key)).await
    }

    /// A refusal, in words that a shop's staff can act on; other faults as they are. The service gives one code to a key
    /// that is wrong, expired or not allowed to do this, and probably to an address that is not registered (§2, §9.2).
    #[must_use]
    pub fn explain(&self, fault: Fault, function: Function, now: Timestamp) -> Fault {
        let Fault::Auth { code, message: said } = fault else { return fault };
        let message = if is_wrong_shop(&code) {
            format!("shop_id is not the 会員番号 of the shop that the API key belongs to [{said}]")
        } else {
            let ended: Vec<String> = self
                .expiries()
                .iter()
                .filter(|end| end.at <= now)
                .map(|end| format!("{} ended on {}; ", end.what, end.at.jst_date()))
                .collect();
            format!(
                "{}API key wrong, expired or replaced, this machine's address not registered, or no right to {} [{said}]; \
                 see {PLACE}: a key lives 90 days; set api_key or api_key_next",
                ended.concat(),
                function.path()
            )
        };
        Fault::Auth { code, message }
    }
}

/// §9.3: the number, not the key, is wrong.
#[must_use]
pub fn is_wrong_shop(code: &str) -> bool {
    code == "CME0022"
}
