//! `check`: at most three harmless calls that tell whether the account works (decisions.md 19; au-pay-market.md §2, §9).

use std::time::Duration;

use super::AuPay;
use super::auth::{Ask, PLACE, is_wrong_shop};
use super::plan::{DateType, Window};
use super::wire::{Function, list_query};
use crate::clock::Timestamp;
use crate::domain::account::{Expiry, Finding, Health, Level};
use crate::http::{Call, Fault};
use crate::malls::findings::{self, CALLS, end_unknown, finding, skew};

const WARN_BEFORE: Duration = Duration::from_secs(14 * 86_400);

impl AuPay {
    pub(super) async fn health(&self, call: &Call<'_>) -> Result<Health, Fault> {
        let mut calls = CALLS;
        let today = call.now().jst_date();
        let window = Window { date_type: DateType::Ordered, status: None, start: today, end: today };
        let ask = Ask { function: Function::List, query: list_query(&window, 1, 1) };
        let mut health = Health::default();
        match self.credentials.ask(call, &ask, &mut calls).await {
            Ok((_, response)) => {
                health.findings.push(signed_in());
                health.findings.extend(skew(&response, super::MALL.title));
            }
            Err(Fault::Auth { code, message }) if is_wrong_shop(&code) => {
                health.findings.push(wrong_shop(&code, &message));
            }
            Err(Fault::Auth { code, message }) => {
                health.findings.push(self.refused(call, &code, &message, calls).await?);
            }
            Err(Fault::Stopping) => return Err(Fault::Stopping),
            Err(fault) => health.findings.push(failed(&fault)),
        }
        health.findings.extend(self.ends(call.now()));
        health.expiries = self.credentials.expiries();
        Ok(health)
    }

    /// Tells a key without the right to read orders from one that opens nothing: outside the orders the former works.
    async fn refused(
        &self,
        call: &Call<'_>,
        code: &str,
        said: &str,
        mut calls: usize,
    ) -> Result<Finding, Fault> {
        if calls > 0 {
            let ask = Ask { function: Function::Pictures, query: Vec::new() };
            match self.credentials.ask(call, &ask, &mut calls).await {
                Ok(_) => return Ok(permission_missing(code)),
                Err(Fault::Stopping) => return Err(Fault::Stopping),
                Err(_) => {}
            }
        }
        let ended = self.credentials.expiries().into_iter().find(|end| end.at <= call.now());
        Ok(match ended {
            Some(end) => key_ended(code, &end),
            None if code.starts_with("HTTP ") => address_refused(code),
            None => key_refused(code, said),
        })
    }

    /// The end of each key, and keys whose end nobody knows.
    fn ends(&self, now: Timestamp) -> Vec<Finding> {
        let keys = self.credentials.keys().iter();
        keys.map(|key| match key.expiry() {
            Some(end) => expiry_finding(&end, now),
            None => end_unknown(key.name, PLACE),
        })
        .collect()
    }
}

fn signed_in() -> Finding {
    let message = "au PAY マーケット accepted the key: searchTradeInfoListProc answers".to_owned();
    finding(Level::Ok, "signed_in", message, None)
}

fn failed(fault: &Fault) -> Finding {
    let action = "if it lasts: the service may not answer machines whose address is not registered; see \
                  Wow! manager → 各種お申し込み → API利用申請 → 接続元IPアドレス";
    let action = matches!(fault, Fault::Transient(_)).then(|| action.to_owned());
    finding(Level::Error, fault.kind(), format!("searchTradeInfoListProc failed: {fault}"), action)
}

fn wrong_shop(code: &str, said: &str) -> Finding {
    let message = format!("au PAY マーケット does not take shop_id for this key ({code}) [{said}]");
    let action = "set shop_id to the 会員番号 shown in Wow! manager, or api_key to the key of that shop";
    finding(Level::Error, "shop_id", message, Some(action.to_owned()))
}

fn permission_missing(code: &str) -> Finding {
    let message = format!("the API key works, but may not read orders ({code})");
    let action = format!(
        "apply for the order operations (取引) at {PLACE}, then set the key that is issued as api_key"
    );
    finding(Level::Error, "permission_missing", message, Some(action))
}

fn key_ended(code: &str, end: &Expiry) -> Finding {
    let message =
        format!("au PAY マーケット refused the key ({code}): {} ended on {}", end.what, end.at.jst_date());
    let action = format!("issue a new key at {PLACE}, set it as api_key and the day as api_key_issued_on");
    finding(Level::Error, "signed_in", message, Some(action))
}

fn key_refused(code: &str, said: &str) -> Finding {
    let message = format!(
        "au PAY マーケット refused the key ({code}): wrong, expired or replaced, or this machine's address is not \
         registered [{said}]"
    );
    let action = format!(
        "see {PLACE}: compare the key with api_key (a key lives 90 days), and register this machine's address under \
         接続元IPアドレス"
    );
    finding(Level::Error, "signed_in", message, Some(action))
}

fn address_refused(code: &str) -> Finding {
    let message = format!(
        "au PAY マーケット turned this machine away ({code}): its address is probably not registered"
    );
    let action = format!("register this machine's address at {PLACE} → 接続元IPアドレス");
    finding(Level::Error, "address_not_registered", message, Some(action))
}

fn expiry_finding(end: &Expiry, now: Timestamp) -> Finding {
    findings::end(end, now, WARN_BEFORE, format!("issue the next key at {PLACE} and set it as api_key_next"))
}
