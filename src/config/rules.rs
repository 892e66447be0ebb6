//! Rules between keys.

use url::Url;

use super::findings::Findings;
use super::forms::is_loopback;
use super::keys;
use super::read::Calls;
use super::section::Section;
use super::{Database, Settlement};

/// The password of PostgreSQL stands in one place, and SQLite has none.
pub(super) fn one_password(database: &Database, section: &Section<'_>) {
    if database.password.is_none() {
        return;
    }
    if database.url.starts_with("sqlite:") {
        section.wrong(keys::PASSWORD.name, "an SQLite file has no password: delete this key");
    } else if Url::parse(&database.url)
        .is_ok_and(|url| url.password().is_some() || url.query_pairs().any(|(key, _)| key == "password"))
    {
        section.wrong(keys::PASSWORD.name, "database.url holds a password too: take it out of the URL");
    }
}

/// What must be known before money is moved (interface.md, "Config").
pub(super) fn live(section: &Section<'_>) {
    for (key, why) in [
        (keys::SINCE.name, "since = \"YYYY-MM-DD\": orders placed before that day are never touched"),
        (
            keys::AUTHORIZATION_DAYS.name,
            "authorization_days = N: 与信有効期間 in days, the day of authorisation included, as the contract says",
        ),
    ] {
        if !section.table.contains_key(key) {
            section.wrong(key, format!("missing: mode = \"live\" needs {why}"));
        }
    }
}

/// The first match wins, so the second of two rules for the same orders would lie there dead.
pub(super) fn rules_that_never_match(settlements: &[Settlement], findings: &Findings) {
    let all: Vec<_> = settlements
        .iter()
        .flat_map(|s| {
            s.rules
                .iter()
                .enumerate()
                .map(move |(i, rule)| (format!("settlements.{}.match[{i}]", s.name), rule))
        })
        .collect();
    for (n, (path, rule)) in all.iter().enumerate() {
        let earlier = all[..n].iter().find(|(_, other)| {
            other.shop == rule.shop
                && (other.own_contract || !rule.own_contract)
                && other.except.iter().all(|pattern| rule.except.contains(pattern))
                && rule.mall_payment.iter().all(|pattern| other.mall_payment.contains(pattern))
        });
        if let Some((other, _)) = earlier {
            let place = findings.shown(other);
            findings.add(
                path,
                format!("never matches: the first match wins, and {other} ({place}) takes every order of shop \"{}\" that this rule is about; delete one", rule.shop),
            );
        }
    }
}

/// Nothing goes out unencrypted.
pub(super) fn plain_http(calls: &[Calls], findings: &Findings) {
    for call in calls {
        for (url, key) in &call.urls {
            let path =
                key.as_ref().map_or_else(|| call.section.clone(), |key| format!("{}.{key}", call.section));
            match Url::parse(url) {
                Err(error) => findings.add(&path, format!("expected a URL such as \"https://…\": {error}")),
                Ok(url) if url.scheme() == "https" => {}
                Ok(url) if url.scheme() == "http" && is_loopback(&url) => {}
                Ok(url) if url.scheme() == "http" => findings.add(
                    &path,
                    format!("plain http:// to {} would send secrets unencrypted: expected https:// (http:// only to this machine)", host(&url)),
                ),
                Ok(url) => findings.add(&path, format!("expected an https:// URL, found {}://", url.scheme())),
            }
        }
        if let Some(proxy) = &call.proxy
            && !Url::parse(proxy).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        {
            findings.add(
                &format!("{}.proxy", call.section),
                "expected a URL such as \"http://proxy.example:3128\"",
            );
        }
    }
}

/// A simulated clock must never meet a real service (decisions.md 29).
pub(super) fn simulation(calls: &[Calls], findings: &Findings) {
    for call in calls.iter().filter(|call| call.enabled) {
        let proxy = call.proxy.iter().map(|url| (url, Some("proxy")));
        for (url, key) in call.urls.iter().map(|(url, key)| (url, key.as_deref())).chain(proxy) {
            let Ok(url) = Url::parse(url) else { continue };
            if is_loopback(&url) {
                continue;
            }
            let path = key.map_or_else(|| call.section.clone(), |key| format!("{}.{key}", call.section));
            let default = if key.is_some() { "" } else { " (its default)" };
            findings.add(
                &path,
                format!(
                    "[simulation] is on, but this would call {}{default}: point it at the simulator on this machine, set \
                     enabled = false, or delete [simulation]",
                    host(&url)
                ),
            );
        }
    }
}

/// The host alone: the rest of a URL may hold a password.
fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("an unknown host")
}
