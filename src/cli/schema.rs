//! `mallsync schema`: JSON Schemas of what mallsync writes.

use clap::Subcommand;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::context::stdout;
use super::failure::{Ended, Outcome};
use super::output;
use crate::store::orders::OrderView;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// One normalised order, as `orders list --format json` writes an array of
    Order,
}

/// The command.
pub fn run(command: &Command) -> Outcome {
    match command {
        Command::Order => output::json(stdout(), &order())?,
    }
    Ok(Ended::Well)
}

/// Members of the stored order that no list shows.
const INSIDE: [&str; 2] = ["reception_number", "source_columns"];

/// JSON Schema (Draft 2020-12) of a normalised order as it is written, not as it may be read.
fn order() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<OrderView>().to_value();
    schema["title"] = "mallsync order".into();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for name in INSIDE {
            properties.remove(name);
        }
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !INSIDE.iter().any(|inside| name == inside));
    }
    tidy(&mut schema);
    schema
}

/// The descriptions are the program's own, written for its authors: one line each, in the words of JSON.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "description" => {
                        *text = text.replace('\n', " ").replace("`None`", "`null`");
                    }
                    value => tidy(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(tidy),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_an_order_is_described_and_always_there() {
        fn walk(path: &str, schema: &Value) {
            let Some(properties) = schema["properties"].as_object() else { return };
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            for (name, property) in properties {
                assert!(property["description"].is_string(), "{path}.{name} has no description");
                assert!(required.contains(&name.as_str().into()), "{path}.{name} may be missing");
                walk(&format!("{path}.{name}"), property);
            }
        }
        let schema = order();
        walk("order", &schema);
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            walk(name, definition);
        }
        assert!(schema["properties"]["id"].is_object() && schema["properties"]["mall_order_id"].is_object());
        assert!(schema["properties"]["source_columns"].is_null());
    }
}
