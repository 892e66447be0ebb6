//! One table of the config, read key by key.

use serde_json::Value;

use super::findings::Findings;
use super::forms::{Form, found};
use super::source::{Tree, join};

/// A key: its name, form, default and what people should know of it.
pub(super) struct Key<T: 'static> {
    pub(super) name: &'static str,
    pub(super) form: &'static Form<T>,
    pub(super) about: &'static str,
    pub(super) default: Absent,
}

/// What holds when a key is not given.
#[derive(Clone, Copy)]
pub(super) enum Absent {
    /// This text.
    Text(&'static str),
    /// This number.
    Number(i64),
    /// This.
    Flag(bool),
    /// An empty list.
    Empty,
    /// Nothing: the key may be left out.
    Nothing,
    /// The key must be given.
    Refused,
}

impl Absent {
    pub(super) fn value(self) -> Option<Value> {
        match self {
            Self::Text(text) => Some(Value::from(text)),
            Self::Number(number) => Some(Value::from(number)),
            Self::Flag(flag) => Some(Value::from(flag)),
            Self::Empty => Some(Value::Array(Vec::new())),
            Self::Nothing | Self::Refused => None,
        }
    }
}

/// A key of whatever form, for the check of unknown keys and for the schema.
pub(super) trait Known: Sync {
    fn name(&self) -> &'static str;
    fn about(&self) -> &'static str;
    fn default(&self) -> Absent;
    fn schema(&self) -> Value;
}

impl<T: 'static> Known for Key<T> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn about(&self) -> &'static str {
        self.about
    }
    fn default(&self) -> Absent {
        self.default
    }
    fn schema(&self) -> Value {
        (self.form.schema)()
    }
}

/// A table and its path.
pub(super) struct Section<'a> {
    pub(super) path: String,
    pub(super) table: Tree,
    pub(super) findings: &'a Findings,
}

impl<'a> Section<'a> {
    /// The table `name` of `tree`; an empty one when it is absent.
    pub(super) fn of(tree: &Tree, path: &str, name: &str, findings: &'a Findings) -> Self {
        let path = join(path, name);
        let table = match tree.get(name) {
            None => Tree::new(),
            Some(Value::Object(table)) => table.clone(),
            Some(other) => {
                findings.add(
                    &path,
                    format!("expected a table: [{path}] and its keys below, found {}", found(other)),
                );
                Tree::new()
            }
        };
        Self { path, table, findings }
    }

    /// Adds a finding about one of its keys.
    pub(super) fn wrong(&self, key: &str, message: impl Into<String>) {
        self.findings.add(&self.key(key), message);
    }

    pub(super) fn key(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// The key's value or its default. `None` when it is absent without one, and when it was wrong, which is then told.
    pub(super) fn get<T>(&self, key: &Key<T>) -> Option<T> {
        let path = self.key(key.name);
        let value = match self.table.get(key.name) {
            Some(value) if self.findings.by_variable(&path) => coerce(value, &(key.form.schema)()),
            Some(value) => value.clone(),
            None => match key.default.value() {
                Some(value) => value,
                None => {
                    if matches!(key.default, Absent::Refused) {
                        self.findings.add(&path, format!("missing: {}", key.about));
                    }
                    return None;
                }
            },
        };
        key.form.read_value(&value).map_err(|message| self.findings.add(&path, message)).ok()
    }

    /// Tells of every key that is not in `known`.
    pub(super) fn refuse_unknown(&self, known: &[&str]) {
        for name in self.table.keys().filter(|name| !known.contains(&name.as_str())) {
            self.wrong(name, unknown(name, known));
        }
    }
}

/// "unknown key", with the nearest known one or all of them.
pub(super) fn unknown(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown key; did you mean `{near}`?"),
        None => {
            let mut all = known.to_vec();
            all.sort_unstable();
            format!("unknown key; known here: {}", all.join(", "))
        }
    }
}

/// The known word that `word` was probably meant to be.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let fold = |text: &str| text.trim().to_lowercase().replace('-', "_");
    let word = fold(word);
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&word, &fold(k)), k))
        .filter(|(distance, k)| *distance <= 1.max(k.chars().count() / 3).min(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// Variables hold text alone: turns it into the type that the key's schema asks for, where it can be.
pub(super) fn coerce(value: &Value, schema: &Value) -> Value {
    let (Some(text), kind) = (value.as_str(), schema.get("type").map(Value::to_string).unwrap_or_default())
    else {
        return value.clone();
    };
    let parsed = if kind.contains("\"integer\"") {
        text.trim().parse::<i64>().ok().map(Value::from)
    } else if kind.contains("\"boolean\"") {
        text.trim().parse::<bool>().ok().map(Value::from)
    } else if kind.contains("\"array\"") {
        Some(text.split(',').map(|item| Value::from(item.trim())).collect())
    } else {
        None
    };
    parsed.unwrap_or_else(|| value.clone())
}
