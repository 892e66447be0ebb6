//! What a refusal means and where it is mended, in words for a store's staff (yahoo-shopping.md §2.2, §2.3, §8.3).

use super::super::wire::{SHORT_SESSION, STALE};
use super::{APP_PLACE, APPLY_PLACE, KEYS_PLACE};
use crate::http::text::scrub;
use crate::http::{Fault, Response};

/// The server's word on a signature, from the header of every answer (§2.3).
pub struct Verdict {
    said: String,
    unsigned: bool,
}

impl Verdict {
    /// Of an answer to a call that was signed, or was not.
    #[must_use]
    pub fn of(response: &Response, unsigned: bool) -> Self {
        let said = response.header("x-sws-authorize-status").map(scrub);
        Self { said: said.filter(|s| !s.is_empty()).unwrap_or_else(|| "(no header)".to_owned()), unsigned }
    }

    /// As sent.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// Whether somebody should know. A missing header says nothing.
    pub fn trouble(&self) -> bool {
        !self.unsigned && self.said != "authorized" && self.said != "(no header)"
    }

    /// Whether another key may do better.
    pub(super) fn refuses_key(&self) -> bool {
        matches!(
            self.said.as_str(),
            "expired-key-version"
                | "invalid-key-version"
                | "not-found-key-version"
                | "invalid-key-status"
                | "invalid-authorize-value"
                | "unauthorized"
        )
    }

    /// What it means and what to do.
    pub fn meaning(&self) -> String {
        let (what, issue) = match self.said.as_str() {
            "authorized" => return "the signature was accepted".to_owned(),
            "none" => ("no signature arrived: a proxy on the way takes headers away", false),
            "expired-key-version" => ("the key is past its year", true),
            "invalid-key-version" | "not-found-key-version" => {
                ("the store has no key of that version: compare public_key_version", true)
            }
            "invalid-key-status" => ("the key was switched off", true),
            "expired-timestamp" | "invalid-timestamp" => {
                ("this machine's clock is wrong: let it be set by NTP (timedatectl)", false)
            }
            "invalid-sellerid" => ("seller_id is not the store account of the key", false),
            "invalid-authorize-value" => {
                ("the key is not the one of its version: compare the file of public_key", true)
            }
            _ => ("rejected for a reason that the mall does not name", true),
        };
        if issue {
            format!("{what}; see {KEYS_PLACE}, then set public_key and public_key_version")
        } else {
            what.to_owned()
        }
    }
}

/// A consent that no longer holds; only a person can give another (§2.1).
pub(super) fn consent_ended(shop: &str, fault: Fault) -> Fault {
    let Fault::Auth { code, message } = fault else { return fault };
    let message = match code.as_str() {
        "invalid_grant" => format!(
            "the consent to this store has ended (28 days have passed, the password was changed, or it was withdrawn): a \
             person must consent again: run `mallsync shops authorize {shop}` [{message}]"
        ),
        "no_refresh_token" => format!("nobody has consented yet: run `mallsync shops authorize {shop}`"),
        _ => client_refused(&message),
    };
    Fault::Auth { code, message }
}

pub(super) fn client_refused(said: &str) -> String {
    format!("client_id or client_secret refused; compare them with {APP_PLACE} [{said}]")
}

/// What a refusal means and where it is mended (§2.2, §8.3).
pub(super) fn explain(shop: &str, fault: Fault, verdict: &Verdict) -> Fault {
    let Fault::Auth { code, message } = fault else { return fault };
    let meaning = match code.as_str() {
        SHORT_SESSION if verdict.unsigned => format!(
            "12 hours have passed since a person consented, and no key signs the calls (X-SWS-Authorize-Status: {}): issue a \
             key at {KEYS_PLACE}, set public_key and public_key_version; until then run `mallsync shops authorize {shop}`",
            verdict.said()
        ),
        SHORT_SESSION if verdict.said() == "authorized" => format!(
            "the consent is too old although the signature was accepted (X-SWS-Authorize-Status: authorized): run `mallsync \
             shops authorize {shop}`"
        ),
        SHORT_SESSION => format!(
            "12 hours have passed since a person consented, and no signature was accepted (X-SWS-Authorize-Status: {}): {}; \
             until then run `mallsync shops authorize {shop}`",
            verdict.said(),
            verdict.meaning()
        ),
        STALE => format!(
            "the access token was refused, and so was a new one; run `mallsync shops authorize {shop}`"
        ),
        "insufficient_scope" => format!(
            "permission missing: the client id may not use store functions (ストア向け操作関連の機能); see {APP_PLACE}"
        ),
        "px-04303" => format!(
            "permission missing: the order API is not approved for this client id; apply at {APPLY_PLACE}"
        ),
        "px-04306" => format!(
            "address not registered: this machine calls from an IP address that is not registered with the order API; register \
             it at {APPLY_PLACE}, or set proxy to a registered way out"
        ),
        "px-04307" => format!("the consent was withdrawn: run `mallsync shops authorize {shop}`"),
        "px-14303" => format!(
            "permission missing: the Yahoo! JAPAN ID that consented is tied to no business ID of this store with 注文管理 \
             (ストアクリエイターPro → 設定 → ビジネスID・権限), or public_key_version is wrong; then run `mallsync shops authorize \
             {shop}`"
        ),
        "px-14304" => format!(
            "permission missing: the Yahoo! JAPAN ID that consented may not use this store account; compare seller_id, or let \
             an employee of this store run `mallsync shops authorize {shop}`"
        ),
        "px-04001" => "seller_id is missing or unknown; compare it with the ストアアカウント".to_owned(),
        "HTTP 403" => format!(
            "refused without a code: the 50,000 calls of the day are used up by everything that uses this client id (they \
             come back by themselves), or the client id is unknown or blocked; see {APP_PLACE}"
        ),
        _ => format!("refused; see {APP_PLACE} and {APPLY_PLACE}"),
    };
    let message = if message.is_empty() { meaning } else { format!("{meaning} [{message}]") };
    Fault::Auth { code, message }
}
