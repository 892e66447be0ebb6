//! What may be shown of a config: secrets as the place they are kept, URLs without passwords.

use std::fmt;

use serde_json::Value;
use url::Url;

use super::{Config, Database, Settlement, Shop};

/// A value without secrets: `plain:` loses what follows, URLs their passwords.
pub(super) fn value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(self::text(text)),
        Value::Array(items) => items.iter().map(self::value).collect(),
        Value::Object(table) => {
            Value::Object(table.iter().map(|(key, item)| (key.clone(), self::value(item))).collect())
        }
        other => other.clone(),
    }
}

/// A text without secrets.
pub(super) fn text(text: &str) -> String {
    if text.starts_with("plain:") {
        return "plain:[redacted]".to_owned();
    }
    if !text.contains("://") {
        return text.to_owned();
    }
    let Ok(mut url) = Url::parse(text) else {
        return "[redacted: no valid URL]".to_owned();
    };
    let secret = |key: &str| matches!(key.to_lowercase().as_str(), "password" | "sslpassword" | "pass");
    let by_query = url.query_pairs().any(|(key, _)| secret(&key));
    if url.password().is_none() && !by_query {
        return text.to_owned();
    }
    if url.password().is_some() && url.set_password(Some("REDACTED")).is_err() {
        return "[redacted]".to_owned();
    }
    if by_query {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(key, v)| {
                (key.to_string(), if secret(&key) { "REDACTED".to_owned() } else { v.into_owned() })
            })
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    url.to_string().replace("REDACTED", "[redacted]")
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("url", &text(&self.url)).field("password", &self.password).finish()
    }
}

impl fmt::Debug for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shop")
            .field("name", &self.name)
            .field("mall", &self.mall)
            .field("enabled", &self.enabled)
            .field("schedule", &self.schedule)
            .field("initial_lookback", &self.initial_lookback)
            .field("section", &value(&self.section))
            .finish()
    }
}

impl fmt::Debug for Settlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settlement")
            .field("name", &self.name)
            .field("provider", &self.provider)
            .field("enabled", &self.enabled)
            .field("live", &self.live)
            .field("since", &self.since)
            .field("rules", &self.rules)
            .field("section", &value(&self.section))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::show(self))
    }
}
