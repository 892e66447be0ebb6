//! `check`: one harmless search that tells whether the account works (decisions.md 19; yahoo-shopping.md §2, §8.3).
//! orderList is asked: orderCount escapes the 12-hour rule.

use std::time::Duration;

use super::Yahoo;
use super::auth::{KEYS_PLACE, Verdict};
use super::plan::Times;
use super::wire::{Search, listed};
use crate::clock::Timestamp;
use crate::domain::account::{Expiry, Finding, Health, Level};
use crate::http::{Call, Fault, Response};
use crate::malls::findings::{self, CALLS, finding, skew};

const WARN_BEFORE: Duration = Duration::from_secs(7 * 86_400);

impl Yahoo {
    pub(super) async fn health(&self, call: &Call<'_>) -> Result<Health, Fault> {
        let mut calls = CALLS;
        let mut health = Health::default();
        match self.search_a_minute(call, &mut calls).await {
            Ok(response) => {
                health.findings.push(signed_in());
                health.findings.push(self.signature(&Verdict::of(&response, !self.credentials.signs())));
                health.findings.extend(skew(&response, super::MALL.title));
            }
            Err(Fault::Auth { code, message }) => health.findings.push(refused(&code, message)),
            Err(fault) => return Err(fault),
        }
        health.expiries = self.read_expiries(call).await?;
        for expiry in &health.expiries {
            health.findings.push(expiry_finding(call.account, expiry, call.now()));
        }
        if self.credentials.consent_ends(call).await?.is_none() {
            health.findings.push(finding(
                Level::Warning,
                "consent_date_unknown",
                "authorized_on is missing: nobody knows when the consent ends (28 days after it was given)",
                Some(format!("set authorized_on, or run `mallsync shops authorize {}`", call.account)),
            ));
        }
        Ok(health)
    }

    /// A search of the last minute.
    async fn search_a_minute(&self, call: &Call<'_>, calls: &mut usize) -> Result<Response, Fault> {
        let now = call.now();
        let search = Search {
            by: Times::Order.into(),
            from: now - Duration::from_secs(60),
            to: now,
            statuses: None,
            start: 1,
            rows: 1,
        };
        let (answer, response) = self.list(call, &search, calls).await?;
        listed(&answer.root)?;
        Ok(response)
    }

    /// Ends of keys, certificate and consent.
    pub(super) async fn read_expiries(&self, call: &Call<'_>) -> Result<Vec<Expiry>, Fault> {
        let mut expiries = self.expiries.clone();
        expiries.extend(self.credentials.consent_ends(call).await?);
        Ok(expiries)
    }

    fn signature(&self, verdict: &Verdict) -> Finding {
        if !self.credentials.signs() {
            return finding(
                Level::Warning,
                "unsigned",
                "no key signs the calls: a consent lasts 12 hours",
                Some(format!("issue a key at {KEYS_PLACE}, set public_key and public_key_version")),
            );
        }
        let said = format!("X-SWS-Authorize-Status: {}", verdict.said());
        if verdict.trouble() {
            let message =
                format!("the signature was not accepted ({said}); without one a consent lasts 12 hours");
            return finding(Level::Error, "signature", message, Some(verdict.meaning()));
        }
        finding(Level::Ok, "signature", format!("key authentication: {said}"), None)
    }
}

fn signed_in() -> Finding {
    finding(Level::Ok, "signed_in", "Yahoo! accepted the consent: orderList answers", None)
}

/// `auth` says what is wrong and where it is mended, parted by the first colon or semicolon that a person would stop at.
fn refused(code: &str, message: String) -> Finding {
    let word = match code {
        "px-04306" => "address_not_registered",
        "px-04303" | "px-14303" | "px-14304" | "insufficient_scope" => "permission_missing",
        "invalid_grant" | "no_refresh_token" | "px-04307" | "px-04102" => "consent",
        _ => "signed_in",
    };
    let (what, action) = match message.split_once("; ") {
        Some((what, action)) => (what.to_owned(), Some(action.to_owned())),
        None => match message.rsplit_once(": run ") {
            Some((what, action)) => (what.to_owned(), Some(format!("run {action}"))),
            None => (message, None),
        },
    };
    finding(Level::Error, word, format!("{what} ({code})"), action)
}

fn expiry_finding(shop: &str, expiry: &Expiry, now: Timestamp) -> Finding {
    let action = match expiry.what.as_str() {
        "refresh_token" => format!("let a person consent again: run `mallsync shops authorize {shop}`"),
        "certificate" | "certificate_zip" => "get the next certificate from whoever issued it".to_owned(),
        _ => format!("issue the next key at {KEYS_PLACE} and set it as public_key_next with its version"),
    };
    findings::end(expiry, now, WARN_BEFORE, action)
}
