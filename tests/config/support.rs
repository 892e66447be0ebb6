//! A config in a folder of its own, and malls and gateways that stand in for the real ones.

use std::path::{Path, PathBuf};

use mallsync::app::App;
use mallsync::config::{Config, Environment, Kind, Kinds, load_with};
use mallsync::secret::SecretRef;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Keys such as a mall with an API has.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only what serde and schemars make of it matters")]
struct ApiMall {
    service_secret: SecretRef,
    license_key: SecretRef,
    license_key_next: Option<SecretRef>,
    base_url: Option<String>,
    proxy: Option<String>,
    ca_file: Option<PathBuf>,
    page_size: Option<u32>,
}

/// Keys such as a cart's folder has.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only what serde and schemars make of it matters")]
struct FolderMall {
    directory: PathBuf,
    profile: String,
}

/// Keys such as a gateway has.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only what serde and schemars make of it matters")]
struct Gateway {
    trader_code: String,
    access_key: Option<SecretRef>,
    environment: Option<String>,
    base_url: Option<String>,
    proxy: Option<String>,
    ca_file: Option<PathBuf>,
}

fn validate<T: DeserializeOwned>(section: &Value) -> Result<(), Vec<(String, String)>> {
    match serde_path_to_error::deserialize::<_, T>(section.clone()) {
        Ok(_) => Ok(()),
        Err(error) => {
            let key = if error.path().iter().count() == 0 { String::new() } else { error.path().to_string() };
            Err(vec![(key, error.inner().to_string())])
        }
    }
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<T>()
}

fn given(section: &Value, default: &str) -> Vec<String> {
    vec![section.get("base_url").and_then(Value::as_str).unwrap_or(default).to_owned()]
}

/// Stand-ins by the names of the real ones.
pub fn kinds() -> Kinds<'static> {
    const MALLS: &[Kind] = &[
        Kind {
            name: "rakuten",
            schema: schema::<ApiMall>,
            validate: validate::<ApiMall>,
            urls: |section| given(section, "https://api.rms.rakuten.co.jp"),
        },
        Kind {
            name: "csv",
            schema: schema::<FolderMall>,
            validate: validate::<FolderMall>,
            urls: |_| Vec::new(),
        },
    ];
    const PROVIDERS: &[Kind] = &[Kind {
        name: "webcollect",
        schema: schema::<Gateway>,
        validate: validate::<Gateway>,
        urls: |section| given(section, "https://api.kuronekoyamato.co.jp/api/"),
    }];
    Kinds { malls: MALLS, providers: PROVIDERS }
}

/// A folder with `mallsync.toml` in it.
pub struct Folder {
    pub dir: tempfile::TempDir,
    pub env: Environment,
}

impl Folder {
    pub fn with(main: impl AsRef<[u8]>) -> Self {
        let folder = Self { dir: tempfile::tempdir().unwrap(), env: Environment::default() };
        folder.file("mallsync.toml", main)
    }

    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    pub fn env<const N: usize>(mut self, variables: [(&str, &str); N]) -> Self {
        self.env = Environment::from(variables);
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn load(&self) -> Result<Config, String> {
        self.load_path(&self.path("mallsync.toml"))
    }

    pub fn load_path(&self, path: &Path) -> Result<Config, String> {
        self.load_as(path, kinds())
    }

    /// With the malls and gateways that there are.
    pub fn real(&self) -> Config {
        self.load_as(&self.path("mallsync.toml"), App::kinds())
            .unwrap_or_else(|findings| panic!("{findings}"))
    }

    fn load_as(&self, path: &Path, kinds: Kinds<'_>) -> Result<Config, String> {
        load_with(Some(path), kinds, &self.env).map_err(|findings| {
            let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
            lines.join("\n").replace(&format!("{}/", self.dir.path().display()), "")
        })
    }

    pub fn good(&self) -> Config {
        self.load().unwrap_or_else(|findings| panic!("{findings}"))
    }

    pub fn findings(&self) -> String {
        self.load().expect_err("something is wrong with it")
    }
}

/// What is wrong with a file.
pub fn findings(main: impl AsRef<[u8]>) -> String {
    Folder::with(main).findings()
}

/// A shop as it should be: four lines.
pub const SHOP: &str = r#"[shops.rakuten-main]
mall = "rakuten"
service_secret = "file:/s"
license_key = "file:/k"
"#;
