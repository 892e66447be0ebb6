//! What changed between two versions of an order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One field that changed between two versions of an order: a JSON path and both values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// `packages.0.lines.1.quantity`.
    pub path: String,
    /// Before; `null` when absent.
    pub from: serde_json::Value,
    /// After; `null` when absent.
    pub to: serde_json::Value,
}

/// What changed from `old` to `new`, leaf by leaf, in the order of the fields.
#[must_use]
pub fn changes(old: &serde_json::Value, new: &serde_json::Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare("", old, new, &mut found);
    found
}

fn compare(path: &str, old: &serde_json::Value, new: &serde_json::Value, found: &mut Vec<Change>) {
    use serde_json::Value::{Array, Null, Object};
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (old, new) {
        (Object(a), Object(b)) => {
            for (key, value) in a {
                compare(&join(key), value, b.get(key).unwrap_or(&Null), found);
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                compare(&join(key), &Null, value, found);
            }
        }
        (Array(a), Array(b)) => {
            for i in 0..a.len().max(b.len()) {
                let (x, y) = (a.get(i).unwrap_or(&Null), b.get(i).unwrap_or(&Null));
                compare(&join(&i.to_string()), x, y, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(Change { path: path.to_owned(), from: a.clone(), to: b.clone() }),
    }
}
