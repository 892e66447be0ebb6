//! クロネコwebコレクト, Yamato's card gateway, API method: the capture path (kuroneko-webcollect.md).
//!
//! [`wire`] speaks forms and XML, [`codes`] holds every error code as data, [`map`] turns answers into what the program
//! knows, [`judge`](mod@judge) decides from a look-up what became of an intent (§5.5, §5.6), `check` asks whether the
//! account works. All but the calls themselves is pure.
//!
//! One call handles one order (§2.1); `reserve_1` is never sent.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::{Built, Function, LookFailed, Looked, Registration, Sent, Settlement};
use crate::domain::account::{Bucket, Health, Problem, pairs};
use crate::domain::money::Yen;
use crate::domain::operation::{Answer, Intent, Verdict};
use crate::domain::settlement::is_reception_number;
use crate::domain::slip::seven_check;
use crate::http::text::scrub_code;
use crate::http::{Body, Call, Client, ClientSpec, Fault, Method, Request, SendError, Target};
use crate::secret::SecretRef;

mod check;
/// Error codes as data.
pub mod codes;
mod config;
/// What a look-up says about an intent.
pub mod judge;
/// From answers to what the program knows.
pub mod map;
/// Forms and XML.
pub mod wire;

pub use codes::{CodeRow, code_table};
pub use config::{Common, Environment, PRODUCTION, Section, TEST};

/// The line in the table.
pub const PROVIDER: Registration = Registration {
    name: "webcollect",
    schema: <Section as schemars::JsonSchema>::json_schema,
    validate: |section| Section::read(section).map(|_| ()).map_err(pairs),
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
    if let Some(place) = &section.access_key {
        // Nothing of the capture path uses it; a place that cannot be read is told now, not when stored cards are.
        if let Err(message) = place.resolve() {
            wrong("access_key", message);
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
    environment: Environment,
    common: Common,
    /// For H01 where it is not answered under the contract's own base URL (§1).
    address_client: Option<Client>,
    address_suffix: &'static str,
}

impl WebCollect {
    fn request(&self, call: wire::Call, suffix: &str, form: Vec<(&'static str, String)>) -> Request {
        let changes = call == wire::Call::ShipmentEntry;
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
        let Intent::Capture { reception_number, slip_number, delivery_service_code, .. } = intent;
        let slip = slip_to_send(slip_number, delivery_service_code);
        let form = wire::shipment_entry(&self.trader_code, reception_number, &slip, delivery_service_code);
        self.request(wire::Call::ShipmentEntry, self.environment.suffix(), form)
    }

    fn look(&self, reception_number: &str) -> Request {
        let form = wire::trade_info(&self.trader_code, reception_number);
        self.request(wire::Call::TradeInfo, self.environment.suffix(), form)
    }

    fn address(&self) -> Request {
        self.request(wire::Call::TraderIp, self.address_suffix, wire::trader_ip(&self.trader_code))
    }
}

/// Yamato's numbers go out as twelve digits (§2.5); other carriers' values exactly as decided.
fn slip_to_send(slip_number: &str, delivery_service_code: &str) -> String {
    if delivery_service_code == "00" { map::fold_slip(slip_number) } else { slip_number.to_owned() }
}

#[async_trait]
impl Settlement for WebCollect {
    fn can(&self) -> &'static [Function] {
        &[Function::Capture, Function::LookUp]
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

    fn check_locally(&self, intent: &Intent) -> Result<(), String> {
        let Intent::Capture { reception_number, slip_number, delivery_service_code, amount } = intent;
        if !is_reception_number(reception_number) {
            return Err(format!(
                "the reception number {reception_number} breaks the gateway's rule (1 to 23 of digits, capitals and \
                 # - * / < > : @): give the right one with `settlements link`"
            ));
        }
        let limit = self.common.amount_limit;
        if *amount < Yen(1) || *amount > limit {
            return Err(format!(
                "the amount of {amount} yen is not within 1 and {limit} yen: check the order, or raise `amount_limit` \
                 if the contract allows more"
            ));
        }
        let slip = slip_to_send(slip_number, delivery_service_code);
        match delivery_service_code.as_str() {
            "00" if slip.len() != 12 || !slip.bytes().all(|b| b.is_ascii_digit()) => Err(format!(
                "the slip {slip_number} is not a Yamato number of twelve digits: correct it with `slips replace`"
            )),
            "00" if !seven_check(&slip) => Err(format!(
                "the slip {slip_number} has a wrong check digit: compare it with the 送り状 and correct it with \
                 `slips replace`"
            )),
            "00" => Ok(()),
            "99" if is_reception_number(&slip) => Ok(()),
            "99" => Err(format!(
                "the value {slip_number} for another carrier breaks the gateway's rule (the reception number itself, or 1 to \
                 23 of digits, capitals and # - * / < > : @)"
            )),
            other => Err(format!(
                "the delivery service code {other} is neither 00 (Yamato) nor 99 (another carrier)"
            )),
        }
    }

    async fn send(&self, call: &Call<'_>, intent: &Intent) -> Result<Sent, SendError> {
        match call.send(self.change(intent)).await {
            Ok(response) => {
                let (answer, stop) = map::answer(response.status, &response.body, call.now());
                Ok(Sent { answer, stop, http_status: Some(response.status), raw: response.body.to_vec() })
            }
            // It may have arrived: an outcome like any other, and an unknown one (I7).
            Err(SendError::NoAnswer(reason)) => Ok(Sent {
                answer: Answer::Unknown { reason: format!("no complete answer: {reason}") },
                stop: None,
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

    async fn check(&self, call: &Call<'_>, linked: Option<&str>) -> Result<Health, Fault> {
        check::check(self, call, linked).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn connector(section: &Value) -> Box<dyn Settlement> {
        build("main", section).unwrap_or_else(|problems| panic!("{problems:?}")).settlement
    }

    #[test]
    fn what_is_wrong_is_seen_before_anything_is_sent() {
        let gateway = connector(&json!({ "trader_code": "123456789", "common": { "amount_limit": 50_000 } }));
        let check = |number: &str, slip: &str, code: &str, amount: i64| {
            gateway.check_locally(&Intent::Capture {
                reception_number: number.to_owned(),
                slip_number: slip.to_owned(),
                delivery_service_code: code.to_owned(),
                amount: Yen(amount),
            })
        };
        let slip = "400123456784";
        for (number, slip, code, amount) in [
            ("A-1", slip, "00", 1),
            ("A-1", slip, "00", 50_000),
            ("A-1", "4001-2345-6784", "00", 100),
            ("#-*/<>:@0123456789ABCDE", slip, "00", 100),
            ("A-1", "A-1", "99", 100),
            ("A-1", "JP/123", "99", 100),
        ] {
            assert_eq!(check(number, slip, code, amount), Ok(()), "{number} {slip} {code} {amount}");
        }
        for (number, slip, code, amount, word) in [
            ("", slip, "00", 100, "reception number"),
            ("a-1", slip, "00", 100, "reception number"),
            ("A_1", slip, "00", 100, "reception number"),
            ("Ａ1", slip, "00", 100, "reception number"),
            ("123456789012345678901234", slip, "00", 100, "reception number"),
            ("A-1", slip, "00", 0, "amount"),
            ("A-1", slip, "00", -1, "amount"),
            ("A-1", slip, "00", 50_001, "amount"),
            ("A-1", "400123456783", "00", 100, "check digit"),
            ("A-1", "40012345678", "00", 100, "twelve digits"),
            ("A-1", "", "00", 100, "twelve digits"),
            ("A-1", "A-1", "00", 100, "twelve digits"),
            ("A-1", "", "99", 100, "another carrier"),
            ("A-1", "abc", "99", 100, "another carrier"),
            ("A-1", slip, "01", 100, "delivery service code"),
        ] {
            let told = check(number, slip, code, amount).unwrap_err();
            assert!(told.contains(word), "{number} {slip} {code} {amount}: {told}");
        }
    }

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
