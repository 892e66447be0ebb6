//! The gateway's own keys in `[settlements.NAME]` (interface.md, "Config").

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use crate::domain::account::Problem;
use crate::domain::money::Yen;
use crate::secret::SecretRef;

/// What all calls of the production gateway share (§1).
pub const PRODUCTION: &str = "https://api.kuronekoyamato.co.jp/api/";
/// What all calls of the test gateway share; also the only host of H01 (§1).
pub const TEST: &str = "https://ptwebcollect.jp/test_gateway/";

/// 加盟店コード is half-width alphanumeric, at most this long (§2.2).
const TRADER_CODE_MAX: usize = 20;
const KEYS: [&str; 7] =
    ["trader_code", "access_key", "environment", "base_url", "proxy", "ca_file", "common"];

/// Which gateway answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Environment {
    /// Money moves.
    #[default]
    Production,
    /// ptwebcollect.jp: a shared system of Yamato's, which also needs a contract.
    Test,
}

impl Environment {
    /// The word in the config.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Test => "test",
        }
    }

    /// What follows each function's name in the path (§1).
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Production => "",
            Self::Test => ".api",
        }
    }

    const fn base(self) -> &'static str {
        match self {
            Self::Production => PRODUCTION,
            Self::Test => TEST,
        }
    }
}

/// Keys of クロネコwebコレクト.
#[derive(Clone, Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// 加盟店コード, as on the 登録完了書.
    #[schemars(length(min = 1, max = 20), regex(pattern = "^[0-9A-Za-z]+$"))]
    pub trader_code: String,
    /// アクセスキー: only look-ups of stored cards use it.
    #[schemars(with = "Option<String>", regex(pattern = "^(file|credential|env|plain):"))]
    #[serde(default)]
    pub access_key: Option<SecretRef>,
    /// Which gateway answers; decides the `.api` suffix of the paths too.
    #[serde(default)]
    pub environment: Environment,
    /// Another gateway, with its path.
    #[serde(default)]
    pub base_url: Option<String>,
    /// A fixed way out, for an address that is registered with Yamato.
    #[serde(default)]
    pub proxy: Option<String>,
    /// Extra root certificates (PEM).
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Common keys that a gateway needs for itself. `app` puts them here before `build`; nobody writes them by hand.
    #[schemars(skip)]
    pub common: Common,
}

/// The common keys of a settlement that reach the gateway, under `"common"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Common {
    /// Yen a settlement.
    pub amount_limit: Yen,
    /// Calls a second.
    pub max_per_second: u32,
    /// How long a changing call may take, in seconds; a longer one makes fewer unknown outcomes (§5.7).
    pub call_seconds: u64,
}

impl Default for Common {
    /// interface.md's defaults.
    fn default() -> Self {
        Self { amount_limit: Yen(300_000), max_per_second: 5, call_seconds: 60 }
    }
}

impl Section {
    /// Reads and checks the section; reads no secret and opens no file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(section: &Value) -> Result<Self, Vec<Problem>> {
        let Some(object) = section.as_object() else {
            return Err(vec![problem("", "expected a table of keys")]);
        };
        let mut keys = Keys { object, problems: Vec::new() };
        keys.refuse_unknown();
        let read = Self {
            trader_code: keys.trader_code(),
            access_key: keys.access_key(),
            environment: keys.take("environment").unwrap_or_default(),
            base_url: keys.base_url(),
            proxy: keys.proxy(),
            ca_file: keys.take("ca_file"),
            common: keys.common(),
        };
        if keys.problems.is_empty() { Ok(read) } else { Err(keys.problems) }
    }

    /// What the calls share.
    #[must_use]
    pub fn base(&self) -> &str {
        self.base_url.as_deref().unwrap_or_else(|| self.environment.base())
    }

    /// What H01 is called under: the test host, or the host of `base_url` where that is given (decisions.md 19), with
    /// the suffix that goes with it.
    #[must_use]
    pub fn address_base(&self) -> (&str, &'static str) {
        match &self.base_url {
            Some(base) => (base, self.environment.suffix()),
            None => (TEST, Environment::Test.suffix()),
        }
    }
}

struct Keys<'a> {
    object: &'a Map<String, Value>,
    problems: Vec<Problem>,
}

impl Keys<'_> {
    fn refuse_unknown(&mut self) {
        for key in self.object.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let nearest = KEYS
                .iter()
                .filter(|known| **known != "common" && strsim::damerau_levenshtein(known, key) <= 3)
                .min_by_key(|known| strsim::damerau_levenshtein(known, key));
            let hint = nearest.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
            self.problems.push(problem(key, &format!("unknown key{hint}")));
        }
    }

    fn wrong(&mut self, key: &str, message: &str) {
        self.problems.push(problem(key, message));
    }

    fn take<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        match T::deserialize(self.object.get(key)?) {
            Ok(value) => Some(value),
            Err(e) => {
                self.wrong(key, &e.to_string());
                None
            }
        }
    }

    fn trader_code(&mut self) -> String {
        if !self.object.contains_key("trader_code") {
            self.wrong("trader_code", "missing: write the 加盟店コード of the 登録完了書 here, as text");
            return String::new();
        }
        let code: String = self.take("trader_code").unwrap_or_default();
        let sound =
            (1..=TRADER_CODE_MAX).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
        if !sound && self.object["trader_code"].is_string() {
            self.wrong(
                "trader_code",
                "expected the 加盟店コード of the 登録完了書: 1 to 20 half-width letters and digits",
            );
        }
        code
    }

    /// Never echoes what stands there: it may be the key itself.
    fn access_key(&mut self) -> Option<SecretRef> {
        let Some(text) = self.object.get("access_key")?.as_str() else {
            self.wrong("access_key", "expected `file:PATH`, `credential:NAME`, `env:NAME` or `plain:VALUE`");
            return None;
        };
        SecretRef::parse(text).map_err(|message| self.wrong("access_key", &message)).ok()
    }

    fn base_url(&mut self) -> Option<String> {
        let text: String = self.take("base_url")?;
        match Url::parse(&text) {
            Ok(url)
                if matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.username().is_empty()
                    && url.password().is_none()
                    && url.query().is_none()
                    && url.fragment().is_none() =>
            {
                // Paths are appended to it.
                let mut text = url.to_string();
                if !text.ends_with('/') {
                    text.push('/');
                }
                Some(text)
            }
            _ => {
                self.wrong(
                    "base_url",
                    "expected an http(s) URL with its path and nothing after it, such as `https://HOST/api/`",
                );
                None
            }
        }
    }

    fn proxy(&mut self) -> Option<String> {
        let text: String = self.take("proxy")?;
        let sound =
            Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !sound {
            self.wrong("proxy", "expected the URL of an HTTP proxy, such as `http://HOST:PORT`");
        }
        sound.then_some(text)
    }

    fn common(&mut self) -> Common {
        let common: Common = self.take("common").unwrap_or_default();
        if common.max_per_second == 0 {
            self.wrong("common.max_per_second", "expected at least 1 call a second");
        }
        if common.amount_limit < Yen(1) {
            self.wrong("common.amount_limit", "expected at least 1 yen");
        }
        common
    }
}

fn problem(key: &str, message: &str) -> Problem {
    Problem { key: key.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(section: &Value) -> Vec<String> {
        let Err(problems) = Section::read(section) else { panic!("{section} was taken") };
        problems.into_iter().map(|problem| format!("{}: {}", problem.key, problem.message)).collect()
    }

    #[test]
    fn everything_wrong_is_told_at_once_and_no_secret_is() {
        let told = wrong(&json!({
            "trader_cod": "1", "access_key": "hunter2", "environment": "prod", "base_url": "https://h/api/?a=1",
            "proxy": "proxy:3128", "ca_file": 7, "common": { "amount_limit": 0, "max_per_second": 0 },
        }));
        let keys: Vec<&str> = told.iter().map(|line| line.split(": ").next().unwrap()).collect();
        assert_eq!(
            keys,
            [
                "trader_cod",
                "trader_code",
                "access_key",
                "environment",
                "base_url",
                "proxy",
                "ca_file",
                "common.max_per_second",
                "common.amount_limit"
            ]
        );
        assert!(told[0].contains("did you mean `trader_code`?"), "{told:?}");
        assert!(!told.concat().contains("hunter2"), "{told:?}");
        assert_eq!(wrong(&json!({ "trader_code": "1", "access_key": 4711 })).len(), 1);
        assert!(!wrong(&json!({ "trader_code": "1", "access_key": 4711 })).concat().contains("4711"));
        for code in [json!(""), json!("１２３"), json!("12 3"), json!("1".repeat(21)), json!(123_456_789)]
        {
            assert_eq!(wrong(&json!({ "trader_code": code })).len(), 1, "{code}");
        }
        assert_eq!(wrong(&json!("webcollect")).len(), 1);
    }

    #[test]
    fn the_environment_decides_hosts_and_suffix() {
        let section = |json: Value| Section::read(&json).unwrap_or_else(|e| panic!("{e:?}"));
        let production = section(json!({ "trader_code": "1" }));
        assert_eq!(production.common, Common::default());
        assert_eq!((production.base(), production.environment.suffix()), (PRODUCTION, ""));
        assert_eq!(production.address_base(), (TEST, ".api"), "H01 is answered by the test host alone");
        let test = section(json!({ "trader_code": "1", "environment": "test" }));
        assert_eq!(
            (test.base(), test.environment.suffix(), test.address_base()),
            (TEST, ".api", (TEST, ".api"))
        );
        let own = section(json!({ "trader_code": "1", "base_url": "http://127.0.0.1:9480/webcollect/api" }));
        let base = "http://127.0.0.1:9480/webcollect/api/";
        assert_eq!((own.base(), own.address_base()), (base, (base, "")));
    }

    #[test]
    fn the_schema_knows_the_keys_that_people_write() {
        let schema = Section::json_schema(&mut schemars::SchemaGenerator::default()).to_value();
        let mut keys: Vec<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["access_key", "base_url", "ca_file", "environment", "proxy", "trader_code"]);
        assert_eq!(schema["required"], json!(["trader_code"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert!(!schema.to_string().contains("$ref"), "it stands alone: {schema}");
    }
}
