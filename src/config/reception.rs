//! `reception_number` of a match rule: where the 受付番号 comes from.

use regex::Regex;
use serde_json::{Value, json};

use super::ReceptionNumber;
use super::forms::{Form, found};

pub(super) const RECEPTION: Form<ReceptionNumber> = Form { read, schema };

const EXPECTED: &str = "expected \"{mall_order_id}\" with filters, { field = \"notes.shop\", regex = \"…(…)\" } or \
                        \"imported\"";

fn read(value: &Value) -> Result<ReceptionNumber, String> {
    match value {
        Value::String(text) if text == "imported" => Ok(ReceptionNumber::Imported),
        Value::String(text) => template(text).map(|()| ReceptionNumber::Template(text.clone())),
        Value::Object(table) => {
            if let Some(other) = table.keys().find(|key| !matches!(key.as_str(), "field" | "regex")) {
                return Err(format!("unknown key \"{other}\" in it: {EXPECTED}"));
            }
            let text =
                |key: &str| table.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
            let (Some(field), Some(pattern)) = (text("field"), text("regex")) else {
                return Err(format!("needs both field and regex: {EXPECTED}"));
            };
            let regex = Regex::new(pattern).map_err(|error| {
                // The last line of the crate's message is the sentence; the others draw a caret.
                let told = error.to_string();
                let last = told
                    .lines()
                    .next_back()
                    .unwrap_or_default()
                    .trim()
                    .trim_start_matches("error: ")
                    .to_owned();
                format!("the regex \"{pattern}\" does not compile: {last}")
            })?;
            if regex.captures_len() < 2 {
                return Err(format!("the regex \"{pattern}\" has no group: put (…) around the number"));
            }
            Ok(ReceptionNumber::Pattern { field: field.to_owned(), regex: pattern.to_owned() })
        }
        other => Err(format!("{EXPECTED}, found {}", found(other))),
    }
}

/// `{mall_order_id|digits|tail:10}` within literal text.
fn template(text: &str) -> Result<(), String> {
    let mut rest = text;
    let mut fields = 0;
    while let Some(at) = rest.find(['{', '}']) {
        let Some((inner, after)) = rest[at..].strip_prefix('{').and_then(|inner| inner.split_once('}'))
        else {
            return Err(format!("a brace without its partner in \"{text}\": {EXPECTED}"));
        };
        let mut parts = inner.split('|');
        if let Some(name) = parts.next().filter(|name| *name != "mall_order_id") {
            return Err(format!(
                "unknown field \"{name}\" in \"{text}\": the one field is {{mall_order_id}}"
            ));
        }
        for filter in parts {
            let known = matches!(filter, "upper" | "digits")
                || filter.strip_prefix("tail:").is_some_and(|n| n.parse::<u8>().is_ok_and(|n| n > 0));
            if !known {
                return Err(format!(
                    "unknown filter \"{filter}\" in \"{text}\": expected |upper, |digits or |tail:N (the last N characters)"
                ));
            }
        }
        fields += 1;
        rest = after;
    }
    match fields {
        0 => Err(format!("\"{text}\" would give every order the same number: {EXPECTED}")),
        _ => Ok(()),
    }
}

fn schema() -> Value {
    json!({ "anyOf": [
        { "const": "imported" },
        { "type": "string", "pattern": "\\{mall_order_id(\\|upper|\\|digits|\\|tail:[0-9]+)*\\}" },
        { "type": "object", "additionalProperties": false, "required": ["field", "regex"], "properties": {
            "field": { "type": "string", "description": "notes.buyer, notes.shop, notes.gift, payment.mall_method, mall_order_id or a CSV column" },
            "regex": { "type": "string", "description": "With one group around the number" }
        } }
    ] })
}
