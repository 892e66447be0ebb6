//! クロネコwebコレクト, Yamato's card gateway, API method: every function that works on an order
//! (kuroneko-webcollect.md).
//!
//! [`form`] writes requests, [`wire`] reads XML, [`codes`] holds every error code as data, [`answer`](mod@answer) says what
//! a code means for a change, [`map`] turns look-ups into what the program knows, [`allowed`](mod@allowed) what may be sent
//! at which status (§5.2), [`judge`](mod@judge) what became of an intent (§5.5, §5.6), `local` what is wrong before anything
//! is sent, `check` whether the account works. All but the calls themselves is pure.
//!
//! One call handles one order (§2.1); `reserve_1` is never sent.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::{
    Built, Function, LookFailed, Looked, Member, Permission, Registration, Sent, Settlement, StoredCard,
};
use crate::clock::Timestamp;
use crate::domain::account::{Bucket, Health, Problem, pairs};
use crate::domain::operation::{Answer, Intent, Verdict};
use crate::domain::settlement::Observed;
use crate::http::text::scrub_code;
use crate::http::{Body, Call, Client, ClientSpec, Fault, Method, Request, SendError, Target};
use crate::secret::{Secret, SecretRef};

/// What may be sent at which status.
pub mod allowed;
/// What the answer to a change means.
pub mod answer;
mod check;
/// Error codes as data.
pub mod codes;
mod config;
/// Requests.
pub mod form;
/// What a look-up says about an intent.
pub mod judge;
mod local;
/// From answers to what the program knows.
pub mod map;
/// Answers, as they come.
pub mod wire;

pub use codes::{CodeRow, code_table};
pub use config::{Common, Environment, PRODUCTION, Section, TEST};

/// The line in the table.
pub const PROVIDER: Registration = Registration {
    name: "webcollect",
    registered_at: Some("クロネコwebコレクト 接続元グローバルIP"),
    schema: <Section as schemars::JsonSchema>::json_schema,
    validate: |section| Section::read(section).map(|_| ()).map_err(pairs),
    trader_code: |section| Section::read(section).ok().map(|section| section.trader_code),
    urls,
    build,
};

/// Every URL that is called, H01's included; none for a section that does not validate.
fn urls(section: &Value) -> Vec<String> {
    let Ok(section) = Section::read(section) else { return Vec::new() };
    let mut urls = vec![section.base().to_owned()];
    let (address, _) = section.address_base();
    if address != section.base() {
        urls.push(address.to_owned());
    }
    urls
}

/// Builds the connector. Beside its own keys, `section` may hold `"common": { "amount_limit", "max_per_second" }`
/// with the common keys in force; without it their defaults hold.
fn build(name: &str, section: &Value) -> Result<Built, Vec<Problem>> {
    let section = Section::read(section)?;
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let mut wrong = |key: &str, message: String| problems.push(Problem { key: key.to_owned(), message });
    let mut access_key = None;
    if let Some(place) = &section.access_key {
        // No function on an order uses it; a place that cannot be read is told now, not when stored cards are.
        match place.resolve() {
            Ok(secret) => access_key = Some(secret),
            Err(message) => wrong("access_key", message),
        }
        if matches!(place, SecretRef::Plain(_) | SecretRef::Env(_)) {
            warnings.push(Problem {
                key: "access_key".to_owned(),
                message: "the secret is given inline or by the environment; a file that others cannot read is safer"
                    .to_owned(),
            });
        }
    }
    let extra_roots = section.ca_file.as_ref().and_then(|path| {
        std::fs::read(path).map_err(|e| wrong("ca_file", format!("{}: {e}", path.display()))).ok()
    });
    let client = ClientSpec {
        auth_url: None,
        base_url: section.base().to_owned(),
        proxy: section.proxy.clone(),
        extra_roots,
        identity: None,
    };
    let (address_base, address_suffix) = section.address_base();
    let address_client = if address_base == client.base_url {
        None
    } else {
        Client::new(&ClientSpec { base_url: address_base.to_owned(), ..client.clone() })
            .map_err(|message| wrong("base_url", format!("the client of settlement {name}: {message}")))
            .ok()
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let connector = WebCollect {
        trader_code: section.trader_code,
        access_key,
        environment: section.environment,
        common: section.common,
        address_client,
        address_suffix,
    };
    Ok(Built { settlement: Box::new(connector), client, warnings })
}

/// One contract (加盟店コード) at the gateway.
#[derive(Debug)]
pub struct WebCollect {
    trader_code: String,
    /// For stored cards alone.
    access_key: Option<Secret>,
    environment: Environment,
    common: Common,
    /// For H01 where it is not answered under the contract's own base URL (§1).
    address_client: Option<Client>,
    address_suffix: &'static str,
}

impl WebCollect {
    fn request(&self, call: form::Call, suffix: &str, form: form::Form) -> Request {
        let changes = call.changes();
        Request {
            method: Method::Post,
            target: Target::Api,
            path: format!("{}{suffix}", call.path()),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Form(form),
            changes,
            // A look-up is always safe to repeat: it may be given up sooner.
            deadline: if changes { self.deadline() } else { self.deadline() / 2 },
            buckets: vec![self.bucket()],
        }
    }

    fn change(&self, intent: &Intent) -> Request {
        let (call, form) = form::change(&self.trader_code, intent, local::slip_to_send);
        self.request(call, self.environment.suffix(), form)
    }

    fn look(&self, reception_number: &str) -> Request {
        let form = form::trade_info(&self.trader_code, reception_number);
        self.request(form::Call::TradeInfo, self.environment.suffix(), form)
    }

    fn address(&self) -> Request {
        self.request(form::Call::TraderIp, self.address_suffix, form::trader_ip(&self.trader_code))
    }
}

#[async_trait]
impl Settlement for WebCollect {
    fn can(&self) -> &'static [Function] {
        &[
            Function::Capture,
            Function::Undo,
            Function::Cancel,
            Function::ChangeAmount,
            Function::Reauth,
            Function::ChangeDate,
            Function::LookUp,
            Function::StoredCards,
        ]
    }

    fn bucket(&self) -> Bucket {
        Bucket {
            key: format!("webcollect/{}/{}", self.environment.as_str(), self.trader_code),
            per: Duration::from_secs(1) / self.common.max_per_second.max(1),
            burst: 1,
        }
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(self.common.call_seconds)
    }

    fn check_locally(&self, intent: &Intent, now: Timestamp) -> Result<(), String> {
        local::check(intent, self.common.amount_limit, now)
    }

    fn allowed(&self, intent: &Intent, observed: &Observed) -> Permission {
        allowed::allowed(intent, observed)
    }

    async fn send(&self, call: &Call<'_>, intent: &Intent) -> Result<Sent, SendError> {
        match call.send(self.change(intent)).await {
            Ok(response) => {
                let (answer, halt) = answer::answer(response.status, &response.body, call.now());
                Ok(Sent { answer, halt, http_status: Some(response.status), raw: response.body.to_vec() })
            }
            // It may have arrived: an outcome like any other, and an unknown one (I7).
            Err(SendError::NoAnswer(reason)) => Ok(Sent {
                answer: Answer::Unknown { reason: format!("no complete answer: {reason}") },
                halt: None,
                http_status: None,
                raw: Vec::new(),
            }),
            Err(nothing_sent) => Err(nothing_sent),
        }
    }

    async fn look_up(&self, call: &Call<'_>, reception_number: &str) -> Result<Looked, LookFailed> {
        let response = call.send(self.look(reception_number)).await.map_err(|e| LookFailed {
            fault: e.into(),
            stop: None,
            raw: Vec::new(),
        })?;
        let raw = response.body.to_vec();
        let info = match map::trade_info(response.status, &raw, reception_number) {
            Ok(info) => info,
            Err((fault, stop)) => return Err(LookFailed { fault, stop, raw }),
        };
        if info.miscounted {
            tracing::warn!(settlement = call.account, "Result count was not the number of blocks.");
        }
        if let Some(observed) = &info.observed
            && map::status_name(&observed.status).is_none()
        {
            tracing::warn!(
                settlement = call.account,
                status = scrub_code(&observed.status),
                "Status was not in the gateway's list."
            );
        }
        Ok(Looked { observed: info.observed, ambiguous: info.ambiguous, http_status: response.status, raw })
    }

    fn judge(&self, intent: &Intent, looked: &Looked, claimed: bool) -> Verdict {
        judge::judge(intent, looked, claimed, &[])
    }

    fn judge_further(
        &self,
        intent: &Intent,
        looked: &Looked,
        claimed: bool,
        registered: &[String],
    ) -> Verdict {
        judge::judge(intent, looked, claimed, registered)
    }

    async fn stored_cards(&self, call: &Call<'_>, member: &Member) -> Result<Vec<StoredCard>, Fault> {
        local::member(member).map_err(|message| map::rejected("member", &message))?;
        let Some(access_key) = &self.access_key else {
            return Err(map::rejected(
                "access_key",
                "not set: write the place of the アクセスキー (shown in the web collect console) into the section",
            ));
        };
        let form = form::stored_cards(&self.trader_code, member, access_key);
        let response =
            call.send(self.request(form::Call::CreditInfoGet, self.environment.suffix(), form)).await?;
        let reply = map::read_only(response.status, &response.body).map_err(|(fault, _)| fault)?;
        Ok(map::stored_cards(&reply))
    }

    async fn check(&self, call: &Call<'_>, linked: Option<&str>) -> Result<Health, Fault> {
        check::check(self, call, linked).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn urls_in_force_are_all_told() {
        assert_eq!(urls(&json!({ "trader_code": "1" })), [PRODUCTION, TEST]);
        assert_eq!(urls(&json!({ "trader_code": "1", "environment": "test" })), [TEST]);
        let own = json!({ "trader_code": "1", "base_url": "http://127.0.0.1:1/api/" });
        assert_eq!(urls(&own), ["http://127.0.0.1:1/api/"]);
        assert!(urls(&json!({})).is_empty());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let section = json!({ "trader_code": "1", "ca_file": "/nonexistent/roots.pem" });
        let Err(problems) = build("main", &section) else { panic!("there is no such file") };
        assert_eq!(problems[0].key, "ca_file");
        assert!(problems[0].message.contains("/nonexistent/roots.pem"), "{problems:?}");
    }
}
