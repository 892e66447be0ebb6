//! What `check` tells of every mall alike.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::account::{Expiry, Finding, Level};
use crate::http::Response;

/// How many calls a `check` may make (decisions.md 19).
pub const CALLS: usize = 3;
/// Clocks further apart than this put windows and signatures in the wrong place.
const SKEW: Duration = Duration::from_secs(60);

/// A finding.
pub fn finding(level: Level, code: &str, message: impl Into<String>, action: Option<String>) -> Finding {
    Finding { level, code: code.to_owned(), message: message.into(), action }
}

/// The end of a key; `action` says what to do from `warn_before` its end on.
#[must_use]
pub fn end(expiry: &Expiry, now: Timestamp, warn_before: Duration, action: String) -> Finding {
    let message = format!("{} ends at {}", expiry.what, expiry.at);
    if expiry.at.since(now) < warn_before {
        finding(Level::Warning, "key_expiry", message, Some(action))
    } else {
        finding(Level::Ok, "key_expiry", message, None)
    }
}

/// The config does not say when `key` was issued; the mall shows it at `place`.
#[must_use]
pub fn end_unknown(key: &str, place: &str) -> Finding {
    let message = format!("the end of {key} is not known: {key}_issued_on is missing");
    let action = format!("set {key}_issued_on to the day it was issued, as {place} shows it");
    finding(Level::Warning, "issue_date_missing", message, Some(action))
}

/// This machine's clock against the other side's, when they are far apart.
#[must_use]
pub fn skew(response: &Response, title: &str) -> Option<Finding> {
    let theirs = response.server_time?;
    let apart = theirs.since(response.sent_at).max(response.sent_at.since(theirs));
    (apart > SKEW).then(|| {
        finding(
            Level::Warning,
            "clock_skew",
            format!("this machine's clock and that of {title} are {} seconds apart", apart.as_secs()),
            Some("let the machine set its clock by NTP (timedatectl)".to_owned()),
        )
    })
}
