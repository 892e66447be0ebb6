//! What malls and gateways tell of the keys of their sections.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// Checks the keys of a section; the error is (key, message), the key empty when the whole section is meant.
pub type Validate = fn(&Value) -> Result<(), Vec<(String, String)>>;

/// What a mall or gateway says of the keys of its section, so that this module can check them without knowing it.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The word in `mall = "…"` or `provider = "…"`.
    pub name: &'static str,
    /// JSON Schema of its own keys.
    pub schema: fn(&mut SchemaGenerator) -> schemars::Schema,
    /// Checks them.
    pub validate: Validate,
    /// URLs in force with these keys.
    pub urls: fn(&Value) -> Vec<String>,
}

/// How the pattern of a secret's place begins.
const PLACE: &str = "^(file|credential|env|plain):";

/// The kinds of sections there are.
#[derive(Clone, Copy)]
pub struct Kinds<'a> {
    /// For `[shops.NAME]`.
    pub malls: &'a [Kind],
    /// For `[settlements.NAME]`.
    pub providers: &'a [Kind],
}

/// Draft 2020-12, as editors read it.
pub(super) fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

impl Kind {
    /// The object schema of its own keys, with a reference at its root followed.
    pub(super) fn object(&self, generator: &mut SchemaGenerator) -> Map<String, Value> {
        let mut object = (self.schema)(generator).to_value();
        if let Some(reference) = object.get("$ref").and_then(Value::as_str)
            && let Some(target) =
                generator.definitions().get(reference.rsplit('/').next().unwrap_or_default())
        {
            object = target.clone();
        }
        match object {
            Value::Object(object) => object,
            _ => Map::new(),
        }
    }

    /// Those of its own keys that hold the place of a secret, in name order.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let is_place =
            |form: &Value| form["pattern"].as_str().is_some_and(|pattern| pattern.starts_with(PLACE));
        let keys = self.properties().into_iter().filter(|(_, form)| is_place(form));
        keys.map(|(key, _)| key).collect()
    }

    /// The key beside `key` that holds the day on which it was issued, where there is one.
    #[must_use]
    pub fn issued_on(&self, key: &str) -> Option<String> {
        let day = format!("{key}_issued_on");
        self.properties().contains_key(&day).then_some(day)
    }

    /// Its own keys and their schemas.
    pub(super) fn properties(&self) -> Map<String, Value> {
        match self.object(&mut generator()).remove("properties") {
            Some(Value::Object(properties)) => properties,
            _ => Map::new(),
        }
    }
}
