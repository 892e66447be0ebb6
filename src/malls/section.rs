//! Checking the keys of a mall's section of the config: every finding at once, none of them showing a value, since a
//! secret may stand in any of them by mistake.

use std::path::PathBuf;

use chrono::NaiveDate;
use serde_json::Value;

use crate::domain::account::Problem;
use crate::secret::{Secret, SecretRef};

/// A section being read: takes keys one by one and collects what is wrong.
pub struct Section<'a> {
    value: &'a Value,
    problems: Vec<Problem>,
}

impl<'a> Section<'a> {
    /// A section of which `known` keys are taken. Other keys are findings, with the nearest known key.
    #[must_use]
    pub fn new(value: &'a Value, known: &[&str]) -> Self {
        let mut section = Self { value, problems: Vec::new() };
        match value {
            Value::Object(keys) => {
                for key in keys.keys().filter(|k| !known.contains(&k.as_str())) {
                    let near = known
                        .iter()
                        .max_by(|a, b| strsim::jaro_winkler(key, a).total_cmp(&strsim::jaro_winkler(key, b)));
                    let hint = near.map(|n| format!("; nearest known key: {n}")).unwrap_or_default();
                    section.report(key, format!("unknown key{hint}"));
                }
            }
            _ => section.report("", "expected a table of keys".to_owned()),
        }
        section
    }

    /// Notes a finding.
    pub fn report(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(Problem { key: key.to_owned(), message: message.into() });
    }

    /// Text, if the key is there.
    pub fn text(&mut self, key: &str) -> Option<&'a str> {
        let value = self.value.get(key)?;
        let text = value.as_str().map(str::trim).filter(|t| !t.is_empty());
        if text.is_none() {
            self.report(key, "expected text in quotes, not empty");
        }
        text
    }

    /// Text; a finding when the key is missing.
    pub fn required_text(&mut self, key: &str) -> Option<&'a str> {
        if self.value.get(key).is_none() {
            self.report(key, "missing; expected text in quotes");
            return None;
        }
        self.text(key)
    }

    /// A list of texts, if the key is there.
    pub fn texts(&mut self, key: &str) -> Option<Vec<&'a str>> {
        let value = self.value.get(key)?;
        let texts =
            value.as_array().and_then(|list| list.iter().map(|v| v.as_str().map(str::trim)).collect());
        if texts.is_none() {
            self.report(key, "expected a list of texts in quotes: [\"…\"]");
        }
        texts
    }

    /// A day, if the key is there.
    pub fn day(&mut self, key: &str) -> Option<NaiveDate> {
        let text = self.text(key)?;
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        if day.is_none() {
            self.report(key, "expected a day in quotes such as \"2026-08-01\"");
        }
        day
    }

    /// A whole number within `range`, if the key is there.
    pub fn number(&mut self, key: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let value = self.value.get(key)?;
        let number = value.as_i64().filter(|n| range.contains(n));
        if number.is_none() {
            self.report(key, format!("expected a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// Where a secret is kept, if the key is there.
    pub fn secret(&mut self, key: &str) -> Option<SecretRef> {
        let text = self.text(key)?;
        SecretRef::parse(text).map_err(|message| self.report(key, message)).ok()
    }

    /// Where a secret is kept; a finding when the key is missing.
    pub fn required_secret(&mut self, key: &str) -> Option<SecretRef> {
        if self.value.get(key).is_none() {
            self.report(key, "missing; expected file:PATH, credential:NAME, env:NAME or plain:VALUE");
            return None;
        }
        self.secret(key)
    }

    /// A URL to be called, `default` without the key.
    pub fn url(&mut self, key: &str, default: &str) -> String {
        let text = self.text(key).unwrap_or(default).to_owned();
        if let Err(message) = crate::http::client::check_url(&text) {
            self.report(key, message);
        }
        text
    }

    /// The URL of a proxy, if the key is there.
    pub fn proxy(&mut self, key: &str) -> Option<String> {
        let text = self.text(key)?;
        let good =
            url::Url::parse(text).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
        if !good {
            self.report(key, "expected a URL such as http://192.0.2.1:3128");
        }
        good.then(|| text.to_owned())
    }

    /// A file, if the key is there; it is not opened.
    pub fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    /// `value`, unless something is wrong with the section.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self.problems),
        }
    }
}

/// Reads secrets, collecting what is wrong with each and warning of those that lie open.
#[derive(Default)]
pub struct Secrets {
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Secrets given inline or by environment: allowed, but warned of (decisions.md 33).
    pub warnings: Vec<Problem>,
}

impl Secrets {
    /// The secret of `key`.
    pub fn read(&mut self, key: &str, place: &SecretRef) -> Option<Secret> {
        let open = match place {
            SecretRef::Plain(_) => Some("stands in the config itself"),
            SecretRef::Env(_) => {
                Some("comes from the environment, which other processes of the user can read")
            }
            SecretRef::File(_) | SecretRef::Credential(_) => None,
        };
        if let Some(open) = open {
            let message = format!("{open}; move it to a file (file:PATH) or a systemd credential");
            self.warnings.push(Problem { key: key.to_owned(), message });
        }
        match place.resolve() {
            Ok(secret) if !secret.expose().is_empty() => Some(secret),
            Ok(_) => {
                self.problems.push(Problem { key: key.to_owned(), message: "is empty".to_owned() });
                None
            }
            Err(message) => {
                self.problems.push(Problem { key: key.to_owned(), message });
                None
            }
        }
    }

    /// Extra root certificates from a PEM file.
    pub fn roots(&mut self, key: &str, path: Option<&PathBuf>) -> Option<Vec<u8>> {
        let path = path?;
        std::fs::read(path)
            .map_err(|e| {
                let message = format!("{} cannot be read: {e}", path.display());
                self.problems.push(Problem { key: key.to_owned(), message });
            })
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_findings_come_at_once_and_show_no_value() {
        let value =
            serde_json::json!({ "licence_key": "canary", "version": "x", "base_url": "ftp://example.jp" });
        let mut section = Section::new(&value, &["license_key", "version", "base_url"]);
        section.required_secret("license_key");
        section.number("version", 3..=10);
        section.url("base_url", "https://example.jp");
        let problems = section.finish(Some(())).unwrap_err();
        let keys: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(keys, ["licence_key", "license_key", "version", "base_url"]);
        assert!(problems[0].message.contains("license_key"), "{problems:?}");
        assert!(!format!("{problems:?}").contains("canary"));
    }
}
