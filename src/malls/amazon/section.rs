//! The keys of `mall = "amazon"` (interface.md, "Config").

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::clock::Timestamp;
use crate::domain::account::{Expiry, Problem};
use crate::malls::section::Section;
use crate::secret::SecretRef;

/// Production, Far East (amazon-sp-api.md §3).
pub const BASE_URL: &str = "https://sellingpartnerapi-fe.amazon.com";
/// Login with Amazon, all regions (§3).
pub const AUTH_URL: &str = "https://api.amazon.com/auth/o2/token";
/// Amazon.co.jp (§3).
pub const JAPAN: &str = "A1VC38T7YXB528";
/// §8.1.
const MARKETPLACES: usize = 50;
/// A client secret must be rotated so often (§4.4).
const SECRET_LIFE: Duration = Duration::from_secs(180 * 86_400);

const KEYS: &[&str] = &[
    "client_id",
    "client_secret",
    "client_secret_next",
    "client_secret_issued_on",
    "refresh_token",
    "marketplace_ids",
    "base_url",
    "auth_url",
    "proxy",
    "ca_file",
];

/// The keys, checked.
pub struct Keys {
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`.
    pub client_secret: SecretRef,
    /// `client_secret_next`: tried when the first is refused. The old one works for seven days after a rotation (§4.4).
    pub client_secret_next: Option<SecretRef>,
    /// The end of `client_secret`, from `client_secret_issued_on`.
    pub expiry: Option<Expiry>,
    /// `refresh_token`: survives a rotation of the secret (§4.2).
    pub refresh_token: SecretRef,
    /// `marketplace_ids`, joined by commas as they are sent (§5).
    pub marketplace_ids: String,
    /// `base_url`.
    pub base_url: String,
    /// `auth_url`.
    pub auth_url: String,
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
        let client_id = section.required_text("client_id").map(str::to_owned);
        let client_secret = section.required_secret("client_secret");
        let client_secret_next = section.secret("client_secret_next");
        let issued_on = section.day("client_secret_issued_on");
        let refresh_token = section.required_secret("refresh_token");
        let marketplace_ids = marketplaces(&mut section);
        let base_url = section.url("base_url", BASE_URL);
        let auth_url = section.url("auth_url", AUTH_URL);
        let proxy = section.proxy("proxy");
        let ca_file = section.path("ca_file");
        let keys = client_id.zip(client_secret).zip(refresh_token).map(
            |((client_id, client_secret), refresh_token)| Self {
                client_id,
                client_secret,
                client_secret_next,
                expiry: issued_on.map(|day| Expiry {
                    what: "client_secret".to_owned(),
                    at: Timestamp::jst_midnight(day) + SECRET_LIFE,
                }),
                refresh_token,
                marketplace_ids,
                base_url,
                auth_url,
                proxy,
                ca_file,
            },
        );
        section.finish(keys)
    }
}

fn marketplaces(section: &mut Section<'_>) -> String {
    let Some(ids) = section.texts("marketplace_ids") else { return JAPAN.to_owned() };
    let good = |id: &&str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
    if ids.is_empty() || ids.len() > MARKETPLACES || !ids.iter().all(good) {
        section.report(
            "marketplace_ids",
            format!("expected 1 to {MARKETPLACES} ids such as {JAPAN} (Amazon.co.jp)"),
        );
    }
    ids.join(",")
}

/// URLs in force, wrong ones included: the rules about them are checked elsewhere.
pub fn urls(value: &Value) -> Vec<String> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut urls = vec![text("base_url").unwrap_or_else(|| BASE_URL.to_owned())];
    urls.push(text("auth_url").unwrap_or_else(|| AUTH_URL.to_owned()));
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
    schemars::json_schema!({
        "type": "object",
        "required": ["client_id", "client_secret", "refresh_token"],
        "properties": {
            "client_id": { "type": "string", "description": "client id of the application (amzn1.application-oa2-client.…)" },
            "client_secret": secret("client secret of the application, rotated within 180 days"),
            "client_secret_next": secret("the next client secret, tried when the first is refused"),
            "client_secret_issued_on": {
                "type": "string", "format": "date",
                "description": "the day client_secret was made; it ends 180 days later"
            },
            "refresh_token": secret("refresh token that the seller's authorisation gave (Atzr|…)"),
            "marketplace_ids": {
                "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": MARKETPLACES,
                "default": [JAPAN], "description": "marketplaces whose orders are read"
            },
            "base_url": {
                "type": "string", "format": "uri", "default": BASE_URL,
                "description": "the host; documented paths are appended"
            },
            "auth_url": {
                "type": "string", "format": "uri", "default": AUTH_URL,
                "description": "the token endpoint in full"
            },
            "proxy": { "type": "string", "format": "uri", "description": "a fixed way out" },
            "ca_file": { "type": "string", "description": "PEM file of a further root certificate" }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::MALL;
    use super::*;

    fn section() -> Value {
        serde_json::json!({
            "client_id": "amzn1.application-oa2-client.x", "client_secret": "plain: CS1 ",
            "client_secret_next": "plain:CS2", "client_secret_issued_on": "2026-08-01",
            "refresh_token": "plain:Atzr|R1",
            "base_url": "http://127.0.0.1:9480/amazon", "auth_url": "http://127.0.0.1:9480/amazon/auth/o2/token"
        })
    }

    #[test]
    fn a_section_builds_a_connector_and_warns_of_open_secrets() {
        let section = section();
        assert_eq!((MALL.validate)(&section), Ok(()));
        let urls = ["http://127.0.0.1:9480/amazon", "http://127.0.0.1:9480/amazon/auth/o2/token"];
        assert_eq!((MALL.urls)(&section), urls);
        let built = (MALL.build)("shop", &section).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!(built.client.auth_url.as_deref(), Some(urls[1]));
        let keys: Vec<_> = built.warnings.iter().map(|w| w.key.as_str()).collect();
        assert_eq!(keys, ["client_secret", "client_secret_next", "refresh_token"]);
        assert!(!format!("{:?}", built.warnings).contains("CS1"));
        let end = Timestamp::parse("2027-01-28T00:00:00+09:00").unwrap();
        assert_eq!(built.expiries, [Expiry { what: "client_secret".to_owned(), at: end }]);
    }

    #[test]
    fn without_further_keys_it_is_amazon_in_japan() {
        let mut section = section();
        section
            .as_object_mut()
            .unwrap()
            .retain(|key, _| matches!(&**key, "client_id" | "client_secret" | "refresh_token"));
        let keys = Keys::read(&section).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!((keys.marketplace_ids.as_str(), keys.base_url.as_str()), (JAPAN, BASE_URL));
        assert!(keys.expiry.is_none());
    }

    #[test]
    fn what_cannot_be_read_stops_the_shop_with_every_reason() {
        let section = serde_json::json!({
            "client_id": "x", "client_secret": "file:/nonexistent/a", "refresh_token": "file:/nonexistent/b",
            "ca_file": "/nonexistent/c"
        });
        let problems = (MALL.build)("shop", &section).err().unwrap_or_default();
        let keys: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(keys, ["client_secret", "refresh_token", "ca_file"]);
        let section = serde_json::json!({
            "client_secret": "plain:a", "refresh_token": "plain:b", "marketplace_ids": ["JP", "a,b"],
            "client_secret_issued_on": "1 August"
        });
        let problems = Keys::read(&section).err().unwrap_or_default();
        let keys: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(keys, ["client_id", "client_secret_issued_on", "marketplace_ids"]);
    }
}
