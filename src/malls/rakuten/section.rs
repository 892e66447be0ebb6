//! The keys of `mall = "rakuten"` (interface.md, "Config").

use std::path::PathBuf;

use serde_json::Value;

use crate::domain::account::Problem;
use crate::malls::section::Section;
use crate::secret::SecretRef;

/// Production.
pub const BASE_URL: &str = "https://api.rms.rakuten.co.jp";
/// The newest edition of `getOrder` (rakuten-rms.md §5.1).
pub const NEWEST_VERSION: i64 = 10;
const OLDEST_VERSION: i64 = 3;

const KEYS: &[&str] =
    &["service_secret", "license_key", "license_key_next", "base_url", "proxy", "ca_file", "version"];

/// The keys, checked.
pub struct Keys {
    /// `service_secret`.
    pub service_secret: SecretRef,
    /// `license_key`.
    pub license_key: SecretRef,
    /// `license_key_next`: tried when the first is refused. The service secret stays when a key is renewed, so that it
    /// needs no second (rakuten-rms.md §2.3).
    pub license_key_next: Option<SecretRef>,
    /// `base_url`.
    pub base_url: String,
    /// `proxy`.
    pub proxy: Option<String>,
    /// `ca_file`.
    pub ca_file: Option<PathBuf>,
    /// `version`: the edition of `getOrder` to ask for first.
    pub version: i64,
}

impl Keys {
    /// Reads and checks the section; opens no file.
    ///
    /// # Errors
    /// Every finding.
    pub fn read(value: &Value) -> Result<Self, Vec<Problem>> {
        let mut section = Section::new(value, KEYS);
        let service_secret = section.required_secret("service_secret");
        let license_key = section.required_secret("license_key");
        let license_key_next = section.secret("license_key_next");
        let base_url = section.url("base_url", BASE_URL);
        let proxy = section.proxy("proxy");
        let ca_file = section.path("ca_file");
        let version = section.number("version", OLDEST_VERSION..=NEWEST_VERSION).unwrap_or(NEWEST_VERSION);
        let keys = service_secret.zip(license_key).map(|(service_secret, license_key)| Self {
            service_secret,
            license_key,
            license_key_next,
            base_url,
            proxy,
            ca_file,
            version,
        });
        section.finish(keys)
    }
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
    schemars::json_schema!({
        "type": "object",
        "required": ["service_secret", "license_key"],
        "properties": {
            "service_secret": secret("serviceSecret of RMS WEB SERVICE"),
            "license_key": secret("licenseKey, valid 90 days"),
            "license_key_next": secret("the next licenseKey, tried when the first is refused"),
            "base_url": {
                "type": "string", "format": "uri", "default": BASE_URL,
                "description": "the host; documented paths are appended"
            },
            "proxy": { "type": "string", "format": "uri", "description": "a fixed way out" },
            "ca_file": { "type": "string", "description": "PEM file of a further root certificate" },
            "version": {
                "type": "integer", "minimum": OLDEST_VERSION, "maximum": NEWEST_VERSION,
                "default": NEWEST_VERSION,
                "description": "edition of getOrder; older ones down to 7 are tried when the server refuses it"
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::MALL;

    #[test]
    fn a_section_builds_a_connector_and_warns_of_open_secrets() {
        let section = serde_json::json!({
            "service_secret": "plain: SP1 ", "license_key": "plain:SL1", "license_key_next": "plain:SL2",
            "base_url": "http://127.0.0.1:9480/rakuten"
        });
        assert_eq!((MALL.validate)(&section), Ok(()));
        assert_eq!((MALL.urls)(&section), ["http://127.0.0.1:9480/rakuten"]);
        let built = (MALL.build)("shop", &section).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!(built.client.base_url, "http://127.0.0.1:9480/rakuten");
        let keys: Vec<_> = built.warnings.iter().map(|w| w.key.as_str()).collect();
        assert_eq!(keys, ["service_secret", "license_key", "license_key_next"]);
        assert!(!format!("{:?}", built.warnings).contains("SP1"));
    }

    #[test]
    fn what_cannot_be_read_stops_the_shop_with_every_reason() {
        let section = serde_json::json!({
            "service_secret": "file:/nonexistent/a", "license_key": "file:/nonexistent/b",
            "ca_file": "/nonexistent/c"
        });
        let problems = (MALL.build)("shop", &section).err().unwrap_or_default();
        let keys: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(keys, ["service_secret", "license_key", "ca_file"]);
    }
}
