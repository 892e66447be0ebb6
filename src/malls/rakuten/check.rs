//! `check`: at most three harmless calls that tell whether the account works (decisions.md 19; rakuten-rms.md §2).

use std::time::Duration;

use super::Rakuten;
use super::auth::{Ask, FUNCTIONS, PLACE};
use super::wire::{ExpiryAnswer, Function, GetAnswer, SearchAnswer};
use crate::clock::Timestamp;
use crate::domain::account::{Expiry, Finding, Health, Level};
use crate::domain::ids::OrderRef;
use crate::http::{Call, Fault, Response};
use crate::malls::findings::{self, CALLS, finding, skew};
use crate::malls::lenient::{day, instant};

const WARN_BEFORE: Duration = Duration::from_secs(14 * 86_400);

impl Rakuten {
    pub(super) async fn health(&self, call: &Call<'_>, newest: Option<&OrderRef>) -> Result<Health, Fault> {
        let mut calls = CALLS;
        let mut health = Health::default();
        let (searched, found) = match self.search_a_minute(call, &mut calls).await {
            Ok((answer, response)) => {
                health.findings.push(signed_in());
                health.findings.extend(skew(&response, super::MALL.title));
                let found = answer.numbers.last().and_then(|n| n.trimmed()).map(OrderRef::new);
                (None, found)
            }
            Err(Fault::Auth { code, message }) => (Some((code, message)), None),
            Err(fault) => return Err(fault),
        };
        let got = match newest.or(found.as_ref()) {
            Some(number) if calls > 0 => Some(self.get_one(call, number, &mut calls).await),
            _ => None,
        };
        match (searched, got) {
            (None, None) => health.findings.push(not_asked(Function::GetOrder)),
            (None, Some(Ok(()))) => health.findings.push(works(Function::GetOrder)),
            (None, Some(Err(Fault::Auth { code, .. }))) => {
                health.findings.push(permission_missing(Function::GetOrder, &code, Level::Error));
            }
            (None, Some(Err(fault))) => health.findings.push(failed(Function::GetOrder, &fault)),
            (Some((code, _)), Some(Ok(()))) => {
                health.findings.push(permission_missing(Function::SearchOrder, &code, Level::Error));
            }
            // The licence call fails with a dead key as well (§2.3): nothing more to learn.
            (Some((code, message)), _) => {
                health.findings.push(key_refused(&code, &message));
                return Ok(health);
            }
        }
        if calls == 0 {
            health.findings.push(not_asked(Function::LicenseExpiry));
            return Ok(health);
        }
        let key = call.client.preferred_credential();
        match self.expiry(call, key).await {
            Ok(expiry) => {
                health.findings.push(expiry_finding(&expiry, call.now()));
                health.expiries.push(expiry);
            }
            Err(Fault::Stopping) => return Err(Fault::Stopping),
            Err(Fault::Auth { code, .. }) => {
                health.findings.push(permission_missing(Function::LicenseExpiry, &code, Level::Warning));
            }
            Err(fault) => health.findings.push(failed(Function::LicenseExpiry, &fault)),
        }
        Ok(health)
    }

    /// The end of every configured key.
    pub(super) async fn read_expiries(&self, call: &Call<'_>) -> Result<Vec<Expiry>, Fault> {
        let mut expiries = Vec::new();
        let mut refused = None;
        for key in 0..self.credentials.license_keys().len() {
            match self.expiry(call, key).await {
                Ok(expiry) => expiries.push(expiry),
                // One dead key does not hide the end of the other.
                Err(fault @ Fault::Auth { .. }) => refused = Some(fault),
                Err(fault) => return Err(fault),
            }
        }
        match refused {
            Some(fault) if expiries.is_empty() => Err(fault),
            _ => Ok(expiries),
        }
    }

    async fn expiry(&self, call: &Call<'_>, key: usize) -> Result<Expiry, Fault> {
        let Some((what, license_key)) = self.credentials.license_keys().get(key) else {
            return Err(Fault::Rejected {
                code: "config".to_owned(),
                message: "no such licence key".to_owned(),
            });
        };
        let ask = Ask {
            function: Function::LicenseExpiry,
            json: Vec::new(),
            query: vec![("licenseKey", license_key.expose().to_owned())],
        };
        let (answer, _) = self.credentials.ask_with::<ExpiryAnswer>(call, &ask, key).await?;
        let at = answer.expiry_date.trimmed().and_then(expiry_date);
        let at = at.ok_or_else(|| Fault::Malformed("expiryDate is not a date".to_owned()))?;
        Ok(Expiry { what: (*what).to_owned(), at })
    }

    /// A search of the last minute: what `check` asks, and what tells a dead key from a switched-off function.
    pub(super) async fn search_a_minute(
        &self,
        call: &Call<'_>,
        calls: &mut usize,
    ) -> Result<(SearchAnswer, Response), Fault> {
        let now = call.now();
        let ask = super::search(None, 1, (now - Duration::from_secs(60), now), (30, 1))?;
        self.credentials.ask(call, &ask, calls).await
    }

    async fn get_one(&self, call: &Call<'_>, number: &OrderRef, calls: &mut usize) -> Result<(), Fault> {
        let version = self.versions().nth(call.client.preferred_edition()).unwrap_or(self.version);
        let ask = super::get(&[number], version)?;
        match self.credentials.ask::<GetAnswer>(call, &ask, calls).await {
            Err(fault) if super::wire::refuses_version(&fault) => Ok(()),
            other => other.map(drop),
        }
    }
}

/// §2.3: Japan's time; a bare date means its last second.
#[must_use]
pub fn expiry_date(text: &str) -> Option<Timestamp> {
    instant(text).or_else(|| {
        let text = text.trim();
        let midnight = day(text).filter(|_| text.len() == 10)?.succ_opt()?;
        Some(Timestamp::jst_midnight(midnight) - Duration::from_secs(1))
    })
}

fn signed_in() -> Finding {
    finding(Level::Ok, "signed_in", "Rakuten accepted the key: searchOrder answers".to_owned(), None)
}

fn works(function: Function) -> Finding {
    finding(Level::Ok, "permission", format!("function {} answers", function.permission()), None)
}

fn not_asked(function: Function) -> Finding {
    let message = format!(
        "function {} was not asked: no order is known yet, or three calls are used up",
        function.permission()
    );
    finding(Level::Ok, "not_asked", message, None)
}

fn failed(function: Function, fault: &Fault) -> Finding {
    finding(Level::Error, "call_failed", format!("function {} failed: {fault}", function.permission()), None)
}

fn permission_missing(function: Function, code: &str, level: Level) -> Finding {
    let permission = function.permission();
    finding(
        level,
        "permission_missing",
        format!("function {permission} is not enabled ({code})"),
        Some(format!(
            "switch {permission} on at {PLACE} → {FUNCTIONS}; it may take up to 90 minutes to work"
        )),
    )
}

fn key_refused(code: &str, message: &str) -> Finding {
    finding(
        Level::Error,
        "signed_in",
        format!("Rakuten refused the key ({code}): invalid, expired, or not active yet [{message}]"),
        Some(format!(
            "see {PLACE}: a key lives 90 days and a new one may take up to 90 minutes to work; set license_key or \
             license_key_next"
        )),
    )
}

fn expiry_finding(expiry: &Expiry, now: Timestamp) -> Finding {
    findings::end(
        expiry,
        now,
        WARN_BEFORE,
        format!("issue the next key at {PLACE} and set it as license_key_next"),
    )
}
