//! The keys of `mall = "aupay"` (interface.md, "Config").

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::NaiveDate;
use serde_json::Value;

use super::map::{STATUSES, Statuses};
use crate::domain::account::Problem;
use crate::domain::order::Status;
use crate::malls::section::Section;
use crate::secret::SecretRef;

/// Production (au-pay-market.md §1).
pub const BASE_URL: &str = "https://api.manager.wowma.jp/wmshopapi/";

const KEYS: &[&str] = &[
    "shop_id",
    "api_key",
    "api_key_issued_on",
    "api_key_next",
    "api_key_next_issued_on",
    "statuses",
    "base_url",
    "proxy",
    "ca_file",
];

/// What a shop's own status may stand for: all of our words but `unknown`, which is what it is without a line.
const WORDS: [Status; 9] = [
    Status::Pending,
    Status::AwaitingConfirmation,
    Status::AwaitingShipment,
    Status::PartiallyShipped,
    Status::Shipped,
    Status::Completed,
    Status::OnHold,
    Status::CancelRequested,
    Status::Canceled,
];

/// The keys, checked.
pub struct Keys {
    /// `shop_id`: 会員番号.
    pub shop_id: String,
    /// `api_key`.
    pub api_key: SecretRef,
    /// `api_key_issued_on`.
    pub api_key_issued_on: Option<NaiveDate>,
    /// `api_key_next`: tried when the first is refused.
    pub api_key_next: Option<SecretRef>,
    /// `api_key_next_issued_on`.
    pub api_key_next_issued_on: Option<NaiveDate>,
    /// `statuses`: the shop's own status names.
    pub statuses: Statuses,
    /// `base_url`.
    pub base_url: String,
    /// `proxy`.
    pub proxy: Option<String>,
    /// `ca_file`.
    pub ca_file: Option<PathBuf>,
}

impl Keys {
    /// Reads and checks the section; opens no file.
    ///
    /// # Errors
    /// Every finding.
    pub fn read(value: &Value) -> Result<Self, Vec<Problem>> {
        let mut section = Section::new(value, KEYS);
        let shop_id = section.required_text("shop_id");
        if shop_id.is_some_and(|id| !id.bytes().all(|b| b.is_ascii_digit())) {
            section.report("shop_id", "expected the 会員番号: digits in quotes such as \"12345678\"");
        }
        let api_key = section.required_secret("api_key");
        let api_key_issued_on = section.day("api_key_issued_on");
        let api_key_next = section.secret("api_key_next");
        let api_key_next_issued_on = section.day("api_key_next_issued_on");
        let statuses = statuses(value, &mut section);
        let base_url = section.url("base_url", BASE_URL);
        let proxy = section.proxy("proxy");
        let ca_file = section.path("ca_file");
        let keys = shop_id.zip(api_key).map(|(shop_id, api_key)| Self {
            shop_id: shop_id.to_owned(),
            api_key,
            api_key_issued_on,
            api_key_next,
            api_key_next_issued_on,
            statuses,
            base_url,
            proxy,
            ca_file,
        });
        section.finish(keys)
    }
}

/// The shop's own names; the mall's names mean what they mean.
fn statuses(value: &Value, section: &mut Section<'_>) -> Statuses {
    let mut statuses = BTreeMap::new();
    let Some(table) = value.get("statuses") else { return statuses };
    let Some(table) = table.as_object() else {
        section.report("statuses", "expected a table of lines such as \"メーカー取寄せ中\" = \"on_hold\"");
        return statuses;
    };
    for (name, word) in table {
        let key = format!("statuses.{name:?}");
        let name = name.trim();
        if name.is_empty() {
            section.report(&key, "expected the name of a status, not blanks");
        } else if STATUSES.iter().any(|known| known.name == name) {
            section.report(&key, "is a status of the mall itself, whose meaning is fixed; remove the line");
        } else if let Some(status) =
            word.as_str().and_then(Status::from_word).filter(|status| WORDS.contains(status))
        {
            statuses.insert(name.to_owned(), status);
        } else {
            section.report(&key, format!("expected one of {}", words().join(", ")));
        }
    }
    statuses
}

fn words() -> Vec<&'static str> {
    WORDS.iter().map(|status| status.as_str()).collect()
}

/// URLs in force, wrong ones included: the rules about them are checked elsewhere.
pub fn urls(value: &Value) -> Vec<String> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut urls = vec![text("base_url").unwrap_or_else(|| BASE_URL.to_owned())];
    urls.extend(text("proxy"));
    urls
}

/// JSON Schema of the keys.
pub fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let secret = |what: &str| {
        serde_json::json!({
            "type": "string",
            "pattern": "^(file|credential|env|plain):",
            "description": format!("{what}: file:PATH, credential:NAME, env:NAME or plain:VALUE")
        })
    };
    let day = |what: &str| serde_json::json!({ "type": "string", "format": "date", "description": what });
    schemars::json_schema!({
        "type": "object",
        "required": ["shop_id", "api_key"],
        "properties": {
            "shop_id": { "type": "string", "pattern": "^[0-9]+$", "description": "会員番号" },
            "api_key": secret("APIキー of Wow! manager, valid 90 days"),
            "api_key_issued_on": day("the day api_key was issued: its end is 90 days later"),
            "api_key_next": secret("the next APIキー, tried when the first is refused"),
            "api_key_next_issued_on": day("the day api_key_next was issued"),
            "statuses": {
                "type": "object",
                "description": "the shop's own status names and what they stand for",
                "additionalProperties": { "type": "string", "enum": words() }
            },
            "base_url": {
                "type": "string", "format": "uri", "default": BASE_URL,
                "description": "what all calls share; names of operations are appended"
            },
            "proxy": { "type": "string", "format": "uri", "description": "a fixed way out" },
            "ca_file": { "type": "string", "description": "PEM file of a further root certificate" }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::MALL;

    #[test]
    fn a_section_builds_a_connector_and_warns_of_open_secrets() {
        let section = serde_json::json!({
            "shop_id": "12345678", "api_key": "plain: k1 ", "api_key_next": "plain:k2",
            "api_key_issued_on": "2026-10-01", "statuses": { "メーカー取寄せ中": "on_hold" },
            "base_url": "http://127.0.0.1:9480/aupay/wmshopapi/"
        });
        assert_eq!((MALL.validate)(&section), Ok(()));
        assert_eq!((MALL.urls)(&section), ["http://127.0.0.1:9480/aupay/wmshopapi/"]);
        let built = (MALL.build)("shop", &section).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!(built.client.base_url, "http://127.0.0.1:9480/aupay/wmshopapi/");
        let keys: Vec<_> = built.warnings.iter().map(|w| w.key.as_str()).collect();
        assert_eq!(keys, ["api_key", "api_key_next"]);
        assert!(!format!("{:?}", built.warnings).contains("k1"));
        let ends: Vec<_> = built.expiries.iter().map(|e| (e.what.as_str(), e.at.to_string())).collect();
        assert_eq!(ends, [("api_key", "2026-12-30T00:00:00+09:00".to_owned())]);
    }

    #[test]
    fn what_cannot_be_read_stops_the_shop_with_every_reason() {
        let section = serde_json::json!({
            "shop_id": "1", "api_key": "file:/nonexistent/a", "api_key_next": "file:/nonexistent/b",
            "ca_file": "/nonexistent/c"
        });
        let problems = (MALL.build)("shop", &section).err().unwrap_or_default();
        let keys: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(keys, ["api_key", "api_key_next", "ca_file"]);
    }

    #[test]
    fn own_statuses_are_checked_word_by_word() {
        let section = serde_json::json!({
            "shop_id": "1234-5678", "api_key": "plain:k",
            "statuses": { "発送待ち": "on_hold", "取寄せ": "onhold", "在庫なし": "unknown", " ": "on_hold" }
        });
        let mut problems = (MALL.validate)(&section).unwrap_err();
        problems.sort();
        let keys: Vec<_> = problems.iter().map(|(key, _)| key.as_str()).collect();
        let wanted = [
            "shop_id",
            "statuses.\" \"",
            "statuses.\"取寄せ\"",
            "statuses.\"在庫なし\"",
            "statuses.\"発送待ち\"",
        ];
        assert_eq!(keys, wanted);
        assert!(problems[2].1.contains("awaiting_shipment"), "{problems:?}");
    }
}
