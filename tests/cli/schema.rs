//! The part of JSON Schema that `schema order` uses: types, enums, required and known properties, items, references.

use serde_json::Value;

/// Where `value` is not what `schema` describes; properties that it does not know are mistakes too.
pub(crate) fn mistakes(schema: &Value, value: &Value) -> Vec<String> {
    let mut all = Vec::new();
    check(schema, schema, value, "order", &mut all);
    all
}

fn check(root: &Value, schema: &Value, value: &Value, path: &str, all: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap();
        return check(root, target, value, path, all);
    }
    for key in ["anyOf", "oneOf"] {
        let Some(ways) = schema[key].as_array() else { continue };
        let tries: Vec<Vec<String>> = ways
            .iter()
            .map(|way| {
                let mut wrong = Vec::new();
                check(root, way, value, path, &mut wrong);
                wrong
            })
            .collect();
        if tries.iter().all(|wrong| !wrong.is_empty()) {
            all.extend(tries.into_iter().min_by_key(Vec::len).unwrap_or_default());
        }
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        all.push(format!("{path}: {value} is not one of {words:?}"));
    }
    if let Some(word) = schema.get("const")
        && word != value
    {
        all.push(format!("{path}: {value} is not {word}"));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|wanted| is(wanted, value)) {
        all.push(format!("{path}: {value} is not {types:?}"));
        return;
    }
    if let (Some(members), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                all.push(format!("{path}.{name} is missing"));
            }
        }
        for (name, member) in members {
            match properties.get(name) {
                Some(property) => check(root, property, member, &format!("{path}.{name}"), all),
                None => all.push(format!("{path}.{name} is not described")),
            }
        }
    }
    if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
        for (index, item) in items.iter().enumerate() {
            check(root, schema, item, &format!("{path}.{index}"), all);
        }
    }
}

fn is(wanted: &str, value: &Value) -> bool {
    match wanted {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no such type: {other}"),
    }
}
