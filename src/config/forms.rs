//! The forms that values take: how each is read, and how it is described to editors.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::clock::{Timestamp, schedule};
use crate::secret::SecretRef;

/// A form: how a value of it is read (the error says what was expected and what was found) and its JSON Schema.
pub(super) struct Form<T> {
    pub(super) read: fn(&Value) -> Result<T, String>,
    pub(super) schema: fn() -> Value,
}

/// One of a few words.
macro_rules! words {
    ($($word:literal),+) => {
        $crate::config::forms::Form {
            read: |value| $crate::config::forms::word(value, &[$($word),+]),
            schema: || serde_json::json!({ "enum": [$($word),+] }),
        }
    };
}
pub(super) use words;

pub(super) const TEXT: Form<String> = Form {
    read: |value| match value.as_str() {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => Err(format!("expected text, found {}", found(value))),
    },
    schema: || json!({ "type": "string", "minLength": 1 }),
};

pub(super) const FLAG: Form<bool> = Form {
    read: |value| {
        value.as_bool().ok_or_else(|| format!("expected true or false (no quotes), found {}", found(value)))
    },
    schema: || json!({ "type": "boolean" }),
};

/// A whole number from 1.
pub(super) const COUNT: Form<u32> =
    Form {
        read: |value| {
            value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0).ok_or_else(|| {
                format!("expected a whole number from 1 on (no quotes), found {}", found(value))
            })
        },
        schema: || json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }),
    };

/// Yen, more than none.
pub(super) const YEN: Form<i64> = Form {
    read: |value| {
        value.as_i64().filter(|yen| *yen > 0).ok_or_else(|| {
            format!(
                "expected a whole number of yen above 0 (no quotes, no comma, no sign), found {}",
                found(value)
            )
        })
    },
    schema: || json!({ "type": "integer", "minimum": 1 }),
};

/// `7d`, `12h`, `90m`.
pub(super) const SPAN: Form<Duration> = Form {
    read: |value| {
        let text = value.as_str().unwrap_or_default();
        let unit = |letter| match letter {
            'd' => Some(86_400),
            'h' => Some(3_600),
            'm' => Some(60),
            _ => None,
        };
        let seconds = text.chars().next_back().and_then(unit).and_then(|unit: u64| {
            let digits = &text[..text.len() - 1];
            digits
                .bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| digits.parse::<u32>().ok())??
                .checked_mul(1)?;
            digits.parse::<u64>().ok()?.checked_mul(unit)
        });
        // Ten years: longer is a slip of the pen, and sums of times stay far from their limits.
        seconds.filter(|s| (1..=3_660 * 86_400).contains(s)).map(Duration::from_secs).ok_or_else(|| {
            format!(
                "expected a length of time such as \"7d\" (days), \"12h\" or \"90m\" (minutes), found {}",
                found(value)
            )
        })
    },
    schema: || json!({ "type": "string", "pattern": "^[0-9]+[dhm]$" }),
};

/// `17:00`.
pub(super) const TIME: Form<NaiveTime> = Form {
    read: |value| {
        value.as_str().and_then(time).ok_or_else(|| {
            format!("expected a time of day such as \"17:00\" (24 hours, in Japan), found {}", found(value))
        })
    },
    schema: || json!({ "type": "string", "pattern": TIME_PATTERN }),
};

const TIME_PATTERN: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]$";

fn time(text: &str) -> Option<NaiveTime> {
    // A TOML time without quotes arrives with its seconds.
    let text = text.strip_suffix(":00").filter(|rest| rest.contains(':')).unwrap_or(text);
    (text.len() == 5).then(|| NaiveTime::parse_from_str(text, "%H:%M").ok())?
}

/// `23:00-01:00`, or `""` for none.
pub(super) const WINDOW: Form<Option<(NaiveTime, NaiveTime)>> = Form {
    read: |value| {
        let text = value.as_str();
        if text.is_some_and(str::is_empty) {
            return Ok(None);
        }
        let ends = text.and_then(|text| text.split_once('-')).and_then(|(a, b)| Some((time(a)?, time(b)?)));
        match ends {
            Some((from, to)) if from != to => Ok(Some((from, to))),
            _ => Err(format!(
                "expected two different times such as \"23:00-01:00\" (in Japan), or \"\" for no window, found {}",
                found(value)
            )),
        }
    },
    schema: || json!({ "type": "string", "pattern": "^$|^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$" }),
};

/// `127.0.0.1:9477`, or `""` for none. Only this machine may ask: what is served names shops, and nobody is asked for a
/// password.
pub(super) const LISTEN: Form<Option<SocketAddr>> = Form {
    read: |value| match value.as_str() {
        Some("") => Ok(None),
        Some(text) => listen(text).map(Some),
        None => Err(format!("expected {LISTEN_EXPECTED}, found {}", found(value))),
    },
    schema: || json!({ "type": "string", "pattern": "^$|^(127\\.[0-9]+\\.[0-9]+\\.[0-9]+|\\[::1\\]):[0-9]+$" }),
};

const LISTEN_EXPECTED: &str =
    "an address of this machine and a port such as \"127.0.0.1:9477\", or \"\" for none";

fn listen(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| {
        let hint = match text.rsplit_once(':') {
            Some(("localhost", port)) => format!("; write \"127.0.0.1:{port}\""),
            Some(("" | "*", _)) => "; an address must stand before the colon".to_owned(),
            _ => String::new(),
        };
        format!("expected {LISTEN_EXPECTED}, found \"{text}\"{hint}")
    })?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(format!(
        "{address} can be reached from other machines, and what is served there names shops and asks nobody for a \
         password: expected {LISTEN_EXPECTED}. To read it from elsewhere, put a reverse proxy with TLS and a password in \
         front of it on this machine"
    ))
}

/// `203.0.113.10`.
pub(super) const ADDRESS: Form<IpAddr> = Form {
    read: |value| {
        value
            .as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| format!("expected an IP address such as \"203.0.113.10\", found {}", found(value)))
    },
    schema: || json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] }),
};

/// `2026-12-01`.
pub(super) const DATE: Form<NaiveDate> = Form {
    read: |value| {
        value
            .as_str()
            .filter(|text| text.len() == 10)
            .and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
            .ok_or_else(|| format!("expected a day such as \"2026-12-01\", found {}", found(value)))
    },
    schema: || json!({ "type": "string", "format": "date" }),
};

/// RFC 3339.
pub(super) const INSTANT: Form<Timestamp> = Form {
    read: |value| {
        value.as_str().and_then(|text| Timestamp::parse(text).ok()).ok_or_else(|| {
            format!("expected a time such as \"2026-11-21T10:00:00+09:00\", found {}", found(value))
        })
    },
    schema: || json!({ "type": "string", "format": "date-time" }),
};

/// Where a secret is kept; what was found is never told.
pub(super) const SECRET: Form<SecretRef> = Form {
    read: |value| SecretRef::parse(value.as_str().unwrap_or_default()),
    schema: || json!({ "type": "string", "pattern": "^(file|credential|env|plain):." }),
};

/// Five or six cron fields.
pub(super) const SCHEDULE: Form<String> = Form {
    read: |value| {
        let text = value
            .as_str()
            .ok_or_else(|| format!("expected cron fields in quotes, found {}", found(value)))?;
        schedule::check(text).map(|()| text.to_owned())
    },
    schema: || json!({ "type": "string", "minLength": 9 }),
};

/// At least one pattern.
pub(super) const PATTERNS: Form<Vec<String>> = Form {
    read: |value| {
        let texts = value.as_array().and_then(|items| {
            items
                .iter()
                .map(|item| item.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned))
                .collect()
        });
        texts.ok_or_else(|| {
            format!("expected a list of patterns such as [\"*カード*\"], found {}", found(value))
        })
    },
    schema: || json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
};

/// `EnvFilter` syntax. A lone word that is no level is taken for a target by that syntax and would silence everything.
pub(super) const FILTER: Form<String> = Form {
    read: |value| {
        const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
        let text = TEXT.read_value(value)?;
        for word in text.split(',').map(str::trim).filter(|word| !word.contains(['=', '[', ']', '}'])) {
            if !LEVELS.contains(&word.to_lowercase().as_str()) {
                let hint = super::section::nearest(word, LEVELS)
                    .map_or_else(String::new, |near| format!(" (did you mean \"{near}\"?)"));
                return Err(format!(
                    "\"{word}\" is no level{hint}: expected off, error, warn, info, debug or trace, or TARGET=LEVEL \
                     such as \"info,mallsync::http=debug\""
                ));
            }
        }
        EnvFilter::try_new(&text).map_err(|error| {
            format!("expected a level or TARGET=LEVEL such as \"info,mallsync::http=debug\", found \"{text}\": {error}")
        })?;
        Ok(text)
    },
    schema: || json!({ "type": "string", "minLength": 1 }),
};

/// `sqlite:PATH` or `postgres://…`. What was found is never told: it may hold a password.
pub(super) const DATABASE_URL: Form<String> = Form {
    read: |value| database_url(value.as_str().unwrap_or_default()),
    schema: || json!({ "type": "string", "pattern": "^(sqlite:|postgres(ql)?://)." }),
};

fn database_url(text: &str) -> Result<String, String> {
    let expected = "expected \"sqlite:/path/to/mallsync.db\" or \"postgres://user@host/database\"";
    if let Some(path) = text.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.contains(":memory:") || path.contains("mode=memory") {
            return Err(format!("a database in memory forgets everything when the daemon stops: {expected}"));
        }
        if path.trim().is_empty() || path.starts_with('?') || path.ends_with('/') {
            return Err(format!("names no file: {expected}"));
        }
        return Ok(text.to_owned());
    }
    if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
        return Err(expected.to_owned());
    }
    let url = Url::parse(text).map_err(|e| format!("{expected}; what stands there is no URL: {e}"))?;
    if url.path().trim_matches('/').is_empty() && !url.query_pairs().any(|(key, _)| key == "dbname") {
        return Err(format!("names no database: {expected}"));
    }
    let socket = url.query_pairs().any(|(key, value)| key == "host" && value.starts_with('/'))
        || url.host_str().is_some_and(|host| host.starts_with("%2F") || host.starts_with("%2f"));
    let mode = url.query_pairs().find(|(key, _)| key == "sslmode" || key == "ssl-mode").map(|(_, mode)| mode);
    if let Some(mode) = mode.filter(|mode| mode != "verify-full")
        && !socket
        && !is_loopback(&url)
    {
        return Err(format!(
            "sslmode={mode} would let others read along: expected sslmode=verify-full (the default) unless the database \
             is on this machine"
        ));
    }
    Ok(text.to_owned())
}

/// Whether a URL points at this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

pub(super) fn word(value: &Value, words: &[&str]) -> Result<String, String> {
    let text = value.as_str().unwrap_or_default();
    if words.contains(&text) {
        return Ok(text.to_owned());
    }
    let hint = super::section::nearest(text, words.iter().copied())
        .map_or_else(String::new, |near| format!(" (did you mean \"{near}\"?)"));
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    Err(format!("expected {}, found {}{hint}", quoted.join(" or "), found(value)))
}

/// A value, for a message.
pub(super) fn found(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > 60 => {
            format!("\"{}…\"", text.chars().take(60).collect::<String>())
        }
        Value::String(text) => format!("\"{text}\""),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}

impl<T> Form<T> {
    pub(super) fn read_value(&self, value: &Value) -> Result<T, String> {
        (self.read)(value)
    }
}
