//! The keys of `mall = "yahoo"` (interface.md, "Config").

use std::path::PathBuf;

use chrono::NaiveDate;
use serde_json::Value;

use super::model::{ESSENTIAL_FIELDS, info_fields};
use crate::domain::account::Problem;
use crate::malls::section::Section;
use crate::secret::SecretRef;

/// Production (yahoo-shopping.md §1).
pub const BASE_URL: &str = "https://circus.shopping.yahooapis.jp/ShoppingWebService/V1/";
/// The token endpoint (§2.1).
pub const AUTH_URL: &str = "https://auth.login.yahoo.co.jp/yconnect/v2/token";

const KEYS: &[&str] = &[
    "seller_id",
    "client_id",
    "client_secret",
    "redirect_uri",
    "refresh_token",
    "authorized_on",
    "public_key",
    "public_key_version",
    "public_key_issued_on",
    "public_key_next",
    "public_key_next_version",
    "public_key_next_issued_on",
    "certificate",
    "private_key",
    "certificate_zip",
    "omit_fields",
    "base_url",
    "auth_url",
    "proxy",
    "ca_file",
];

/// A key of 暗号鍵管理 (§2.3).
pub struct PublicKey {
    /// `public_key` or `public_key_next`.
    pub name: &'static str,
    /// The PEM file.
    pub file: PathBuf,
    /// Its version.
    pub version: i64,
    /// The day it was issued: it is good for a year.
    pub issued_on: Option<NaiveDate>,
}

/// A client certificate (§2.4).
pub enum Certificate {
    /// `certificate` and `private_key`.
    Pair(PathBuf, SecretRef),
    /// `certificate_zip`.
    Zip(PathBuf),
}

/// The keys, checked.
pub struct Keys {
    /// `seller_id`: ストアアカウント.
    pub seller_id: String,
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`.
    pub client_secret: SecretRef,
    /// `redirect_uri`, for `shops authorize`.
    pub redirect_uri: Option<String>,
    /// `refresh_token`; without it the one that `shops authorize` keeps.
    pub refresh_token: Option<SecretRef>,
    /// `authorized_on`: the day a person consented last.
    pub authorized_on: Option<NaiveDate>,
    /// `public_key` and `public_key_next`, in the order they are tried.
    pub public_keys: Vec<PublicKey>,
    /// Client certificate.
    pub certificate: Option<Certificate>,
    /// `omit_fields`: of `orderInfo`, never asked for.
    pub omit_fields: Vec<String>,
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
        let seller_id = required(&mut section, value, "seller_id", "ストアアカウント");
        let client_id = required(&mut section, value, "client_id", "Client ID of the application");
        let client_secret = section.required_secret("client_secret");
        let redirect_uri = section.text("redirect_uri").map(str::to_owned);
        let refresh_token = section.secret("refresh_token");
        let authorized_on = day(&mut section, "authorized_on");
        let mut public_keys = Vec::new();
        public_keys.extend(public_key(
            &mut section,
            value,
            ["public_key", "public_key_version", "public_key_issued_on"],
        ));
        public_keys.extend(public_key(
            &mut section,
            value,
            ["public_key_next", "public_key_next_version", "public_key_next_issued_on"],
        ));
        let certificate = certificate(&mut section);
        let omit_fields = omit_fields(&mut section, value);
        let base_url = section.url("base_url", BASE_URL);
        let auth_url = section.url("auth_url", AUTH_URL);
        let proxy = section.proxy("proxy");
        let ca_file = section.path("ca_file");
        let keys =
            seller_id.zip(client_id).zip(client_secret).map(|((seller_id, client_id), client_secret)| Self {
                seller_id,
                client_id,
                client_secret,
                redirect_uri,
                refresh_token,
                authorized_on,
                public_keys,
                certificate,
                omit_fields,
                base_url,
                auth_url,
                proxy,
                ca_file,
            });
        section.finish(keys)
    }
}

fn required(section: &mut Section<'_>, value: &Value, key: &str, what: &str) -> Option<String> {
    if value.get(key).is_none() {
        section.report(key, format!("missing; expected the {what}"));
        return None;
    }
    section.text(key).map(str::to_owned)
}

fn day(section: &mut Section<'_>, key: &str) -> Option<NaiveDate> {
    let text = section.text(key)?;
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    if day.is_none() {
        section.report(key, "expected a day such as \"2026-11-01\"");
    }
    day
}

/// A key works with its version alone (§8.3, px-14303).
fn public_key(section: &mut Section<'_>, value: &Value, keys: [&'static str; 3]) -> Option<PublicKey> {
    let [name, version_key, issued_key] = keys;
    let file = section.path(name);
    let version = section.number(version_key, 0..=i64::from(u32::MAX));
    let issued_on = day(section, issued_key);
    let given = |key: &str| value.get(key).is_some();
    if given(name) && !given(version_key) {
        section.report(
            version_key,
            format!("missing; expected the version that 暗号鍵管理 shows beside {name}"),
        );
    }
    if !given(name) && (given(version_key) || given(issued_key)) {
        section.report(name, "missing; expected the PEM file of the key that the version belongs to");
    }
    Some(PublicKey { name, file: file?, version: version?, issued_on })
}

fn certificate(section: &mut Section<'_>) -> Option<Certificate> {
    let file = section.path("certificate");
    let key = section
        .text("private_key")
        .map(|text| SecretRef::parse(text).unwrap_or_else(|_| SecretRef::File(PathBuf::from(text))));
    let zip = section.path("certificate_zip");
    match (file, key, zip) {
        (None, None, None) => None,
        (Some(file), Some(key), None) => Some(Certificate::Pair(file, key)),
        (None, None, Some(zip)) => Some(Certificate::Zip(zip)),
        (_, _, Some(_)) => {
            section
                .report("certificate_zip", "stands beside certificate or private_key; keep one of the two");
            None
        }
        (Some(_), None, None) => {
            section.report("private_key", "missing; it belongs to certificate");
            None
        }
        (None, Some(_), None) => {
            section.report("certificate", "missing; it belongs to private_key");
            None
        }
    }
}

fn omit_fields(section: &mut Section<'_>, value: &Value) -> Vec<String> {
    const KEY: &str = "omit_fields";
    let Some(list) = value.get(KEY) else { return Vec::new() };
    let names: Option<Vec<String>> =
        list.as_array().and_then(|list| list.iter().map(|name| name.as_str().map(str::to_owned)).collect());
    let Some(names) = names else {
        section.report(KEY, "expected a list of names of orderInfo, such as [\"BillMailAddress\"]");
        return Vec::new();
    };
    for name in &names {
        if ESSENTIAL_FIELDS.contains(&name.as_str()) {
            section.report(KEY, format!("{name} cannot be left out: without it there is no order"));
        } else if !info_fields().contains(&name.as_str()) {
            section.report(KEY, "holds a name that is never asked for; see docs/wire/yahoo-shopping.md §6");
        }
    }
    names
}

/// URLs in force, wrong ones included: the rules about them are checked elsewhere.
pub fn urls(value: &Value) -> Vec<String> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut urls = vec![
        text("base_url").unwrap_or_else(|| BASE_URL.to_owned()),
        text("auth_url").unwrap_or_else(|| AUTH_URL.to_owned()),
    ];
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
    let text = |what: &str| serde_json::json!({ "type": "string", "description": what });
    let date = |what: &str| serde_json::json!({ "type": "string", "format": "date", "description": what });
    let version = |what: &str| serde_json::json!({ "type": "integer", "minimum": 0, "description": what });
    schemars::json_schema!({
        "type": "object",
        "required": ["seller_id", "client_id", "client_secret"],
        "properties": {
            "seller_id": text("ストアアカウント"),
            "client_id": text("Client ID of the application (Yahoo!デベロッパーネットワーク)"),
            "client_secret": secret("its secret"),
            "redirect_uri": text("コールバックURL exactly as registered with the application, for `mallsync shops authorize`"),
            "refresh_token": secret("the refresh token, unless `mallsync shops authorize` keeps it; a changed one wins over the kept one"),
            "authorized_on": date("the day a person consented last: 28 days later a person must again"),
            "public_key": text("PEM file of the key of 暗号鍵管理; without a key consent lasts 12 hours"),
            "public_key_version": version("its version"),
            "public_key_issued_on": date("the day it was issued: it is good for a year"),
            "public_key_next": text("PEM file of the next key, tried when the first is refused"),
            "public_key_next_version": version("its version"),
            "public_key_next_issued_on": date("the day it was issued"),
            "certificate": text("PEM file of a client certificate, with its chain"),
            "private_key": text("PEM file of its key, readable by the service alone"),
            "certificate_zip": text("or both in the ZIP as it was handed out"),
            "omit_fields": {
                "type": "array", "items": { "type": "string" },
                "description": "fields of orderInfo that are never asked for, such as BillMailAddress"
            },
            "base_url": {
                "type": "string", "format": "uri", "default": BASE_URL,
                "description": "what all calls share"
            },
            "auth_url": {
                "type": "string", "format": "uri", "default": AUTH_URL,
                "description": "the token endpoint; the page where consent is given stands beside it"
            },
            "proxy": { "type": "string", "format": "uri", "description": "a fixed way out: only registered addresses are answered" },
            "ca_file": { "type": "string", "description": "PEM file of a further root certificate" }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::MALL;
    use super::*;

    fn keys(problems: &[Problem]) -> Vec<&str> {
        problems.iter().map(|p| p.key.as_str()).collect()
    }

    fn least() -> Value {
        serde_json::json!({ "seller_id": "my-store", "client_id": "dj0", "client_secret": "plain:canary" })
    }

    fn with(more: &Value) -> Value {
        let mut section = least();
        section.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        section
    }

    #[test]
    fn the_least_section_will_do() {
        let read = Keys::read(&least()).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!((read.base_url.as_str(), read.auth_url.as_str()), (BASE_URL, AUTH_URL));
        let built = (MALL.build)("shop", &least()).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!(built.warnings.len(), 1);
        assert!(!format!("{:?}", built.warnings).contains("canary"));
    }

    #[test]
    fn what_belongs_together_is_asked_for_together() {
        let cases = [
            (serde_json::json!({ "public_key": "/a.pem" }), "public_key_version"),
            (serde_json::json!({ "public_key_next": "/a.pem" }), "public_key_next_version"),
            (serde_json::json!({ "public_key_version": 1 }), "public_key"),
            (serde_json::json!({ "public_key_issued_on": "2026-01-01" }), "public_key"),
            (serde_json::json!({ "certificate": "/a.crt" }), "private_key"),
            (serde_json::json!({ "private_key": "/a.key" }), "certificate"),
            (
                serde_json::json!({ "certificate_zip": "/a.zip", "certificate": "/a.crt", "private_key": "/a.key" }),
                "certificate_zip",
            ),
            (serde_json::json!({ "authorized_on": "11/01" }), "authorized_on"),
            (serde_json::json!({ "omit_fields": ["OrderId"] }), "omit_fields"),
            (serde_json::json!({ "omit_fields": ["Nonsense"] }), "omit_fields"),
            (serde_json::json!({ "omit_fields": "BillMailAddress" }), "omit_fields"),
        ];
        for (more, key) in cases {
            let problems = Keys::read(&with(&more)).err().unwrap_or_default();
            assert_eq!(keys(&problems), [key], "{more}");
        }
        let good = serde_json::json!({ "omit_fields": ["BillMailAddress"], "authorized_on": "2026-11-01" });
        assert!(Keys::read(&with(&good)).is_ok());
    }

    #[test]
    fn what_is_missing_or_cannot_be_read_is_named_at_once() {
        let problems = Keys::read(&serde_json::json!({})).err().unwrap_or_default();
        assert_eq!(keys(&problems), ["seller_id", "client_id", "client_secret"]);
        let unread = with(&serde_json::json!({
            "refresh_token": "file:/nonexistent/a", "public_key": "/nonexistent/b", "public_key_version": 3,
            "certificate_zip": "/nonexistent/c", "ca_file": "/nonexistent/d"
        }));
        let problems = (MALL.build)("shop", &unread).err().unwrap_or_default();
        assert_eq!(keys(&problems), ["refresh_token", "public_key", "certificate_zip", "ca_file"]);
    }
}
