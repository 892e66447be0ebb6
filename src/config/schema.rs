//! The JSON Schema of the file: editors complete and check with it.

use serde_json::{Map, Value, json};

use super::keys;
use super::kind::{Kind, Kinds, generator};
use super::section::{Absent, Known};

/// JSON Schema (Draft 2020-12) of the whole file.
#[must_use]
pub fn schema(kinds: Kinds<'_>) -> Value {
    let mut generator = generator();
    let mut one_of =
        |word: &str, kinds: &[Kind], common: &[&dyn Known], also: &Map<String, Value>| -> Value {
            kinds
                .iter()
                .map(|kind| {
                    let own = kind.object(&mut generator);
                    let mut all = object(common);
                    if let Some(Value::Object(properties)) = all.get_mut("properties") {
                        properties.insert(word.to_owned(), json!({ "const": kind.name }));
                        properties.extend(also.clone());
                        if let Some(Value::Object(own)) = own.get("properties") {
                            properties
                                .extend(own.iter().map(|(key, form)| (key.clone(), without_null(form))));
                        }
                    }
                    let own_required =
                        own.get("required").and_then(Value::as_array).into_iter().flatten().cloned();
                    all["required"] = std::iter::once(Value::from(word)).chain(own_required).collect();
                    if let Some(about) = own.get("description") {
                        all["description"] = about.clone();
                    }
                    all
                })
                .collect()
        };
    let mut rule = Map::new();
    let mut rules = object(keys::MATCH);
    rules["description"] = "Which orders the settlement belongs to; the first match wins".into();
    rule.insert("match".to_owned(), json!({ "type": "array", "items": rules }));
    let shops = one_of("mall", kinds.malls, keys::SHOP, &Map::new());
    let settlements = one_of("provider", kinds.providers, keys::SETTLEMENT, &rule);
    let names = json!({ "pattern": "^[a-z0-9-]{1,64}$" });
    let mut whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mallsync.toml",
        "description": "The config of mallsync",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "database": object(keys::DATABASE),
            "daemon": object(keys::DAEMON),
            "simulation": object(keys::SIMULATION),
            "log": object(keys::LOG),
            "shops": {
                "description": "[shops.NAME]: a shop each, under a name of the merchant's own",
                "type": "object", "propertyNames": names, "additionalProperties": { "oneOf": shops }
            },
            "settlements": {
                "description": "[settlements.NAME]: a contract with a card gateway each",
                "type": "object", "propertyNames": names, "additionalProperties": { "oneOf": settlements }
            },
            "slips": object(keys::SLIPS)
        }
    });
    let definitions = generator.take_definitions(true);
    if !definitions.is_empty() {
        whole["$defs"] = Value::Object(definitions);
    }
    whole
}

/// TOML has no null: a key that may be null for serde is one that may be left out.
fn without_null(form: &Value) -> Value {
    let mut form = form.clone();
    if let Some(object) = form.as_object_mut() {
        if object.get("default").is_some_and(Value::is_null) {
            object.remove("default");
        }
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".to_owned(), only);
            }
        }
    }
    form
}

fn object(known: &[&dyn Known]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in known {
        let mut schema = key.schema();
        schema["description"] = key.about().into();
        if let Some(default) = key.default().value() {
            schema["default"] = default;
        }
        if matches!(key.default(), Absent::Refused) {
            required.push(Value::from(key.name()));
        }
        properties.insert(key.name().to_owned(), schema);
    }
    let mut object = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        object["required"] = required.into();
    }
    object
}
