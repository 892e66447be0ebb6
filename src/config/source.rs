//! From files and variables to one tree. Each file is parsed once with the places of its keys, so that findings point at
//! lines; the `config` crate merges the trees.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ::config::{Map, Source, Value, ValueKind};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::{Environment, PREFIX};
use super::findings::{Findings, Place};
use super::text;

/// The merged tree.
pub(super) type Tree = serde_json::Map<String, serde_json::Value>;

/// Reads the main file, `conf.d/*.toml` beside it and the overrides. `None` when there is no main file to speak of.
pub(super) fn collect(main: &Path, env: &Environment, findings: &mut Findings) -> Option<Tree> {
    let mut builder = ::config::Config::builder();
    let main_tree = read(main, findings, true)?;
    builder = builder.add_source(main_tree);
    for path in fragments(main, findings) {
        if let Some(tree) = read(&path, findings, false) {
            builder = builder.add_source(tree);
        }
    }
    builder = builder.add_source(variables(env, findings));
    match builder.build().and_then(::config::Config::try_deserialize::<serde_json::Value>) {
        Ok(serde_json::Value::Object(tree)) => Some(tree),
        Ok(_) => Some(Tree::new()),
        Err(error) => {
            findings.at(0, None, String::new(), format!("cannot be merged with the other sources: {error}"));
            None
        }
    }
}

/// `conf.d/*.toml` beside the main file, in name order.
fn fragments(main: &Path, findings: &Findings) -> Vec<PathBuf> {
    let folder = main.parent().unwrap_or(Path::new("")).join("conf.d");
    let listed = match std::fs::read_dir(&folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Vec::new(),
        listed => listed.and_then(Iterator::collect::<Result<Vec<_>, _>>),
    };
    match listed {
        Ok(entries) => {
            let mut paths: Vec<PathBuf> = entries
                .iter()
                .map(std::fs::DirEntry::path)
                .filter(|path| path.extension().is_some_and(|e| e == "toml"))
                .collect();
            paths.sort();
            paths
        }
        Err(e) => {
            findings.at(
                0,
                None,
                String::new(),
                format!("the folder {} cannot be listed: {e}", folder.display()),
            );
            Vec::new()
        }
    }
}

fn read(path: &Path, findings: &mut Findings, main: bool) -> Option<FileTree> {
    let file = findings.files.len();
    findings.files.push(path.to_owned());
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            findings.at(file, None, String::new(), unreadable(&error, main));
            return None;
        }
    };
    let (text, remarks) = text::read(&bytes);
    for (line, message) in remarks {
        findings.at(file, line, String::new(), message);
    }
    let (table, errors) = DeTable::parse_recoverable(&text);
    for error in errors {
        let line = error.span().map(|span| text::line_of(text.as_bytes(), span.start));
        findings.broken(file, line, format!("not TOML: {}{}", error.message(), hint(&text, line)));
    }
    let mut walk = Walk { file, text: &text, findings };
    let tree = walk.table("", table.get_ref());
    Some(FileTree(tree))
}

/// The commonest slip of all: text without quotes.
fn hint(text: &str, line: Option<usize>) -> &'static str {
    let value = line
        .and_then(|n| text.lines().nth(n - 1))
        .and_then(|line| line.split_once('='))
        .map(|(_, v)| v.trim());
    match value.and_then(|value| value.chars().next()) {
        None if value.is_some() => "; a value is missing after `=`",
        Some(c) if c.is_alphabetic() || matches!(c, '/' | '*' | '.') => {
            "; text needs quotes, as in key = \"value\""
        }
        _ => "",
    }
}

fn unreadable(error: &std::io::Error, main: bool) -> String {
    match error.kind() {
        ErrorKind::NotFound if main => {
            "there is no such config file: `mallsync init` writes one, `--config PATH` or \
             the variable MALLSYNC_CONFIG names another"
                .to_owned()
        }
        ErrorKind::IsADirectory => "a folder, not a config file: name the file in it".to_owned(),
        ErrorKind::PermissionDenied => {
            "not readable by this user: run as the service's user or as root".to_owned()
        }
        _ => format!("cannot be read: {error}"),
    }
}

/// The tree of one file, as a source of the `config` crate.
#[derive(Clone, Debug)]
struct FileTree(Map<String, Value>);

impl Source for FileTree {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ::config::ConfigError> {
        Ok(self.0.clone())
    }
}

/// Turns a parsed table into values, noting places and keys that were given before.
struct Walk<'a> {
    file: usize,
    text: &'a str,
    findings: &'a mut Findings,
}

impl Walk<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) -> Map<String, Value> {
        let mut map = Map::new();
        for (name, value) in table {
            let key = join(prefix, name.get_ref());
            let place = Place::File(self.file, text::line_of(self.text.as_bytes(), name.span().start));
            let inner = value.get_ref();
            if inner.is_table() {
                self.findings.place_table(key.clone(), place);
            } else if let Some(Place::File(file, line)) = self.findings.place(key.clone(), place)
                && file != self.file
                && !prefix.ends_with(']')
            {
                let earlier = self.findings.show(&Place::File(file, line));
                self.findings.add(&key, format!("given twice: {earlier} gives it too; delete one of them"));
            }
            // A top-level name with a dot in it would be taken for a path by the merge; the check for unknown keys
            // sees the name as it stands, with its quotes.
            let name = if prefix.is_empty() && needs_quotes(name.get_ref()) {
                key.clone()
            } else {
                name.get_ref().to_string()
            };
            map.insert(name, self.value(&key, inner));
        }
        map
    }

    fn value(&mut self, key: &str, value: &DeValue<'_>) -> Value {
        let kind = match value {
            DeValue::String(text) => ValueKind::String(text.to_string()),
            DeValue::Boolean(flag) => ValueKind::Boolean(*flag),
            DeValue::Datetime(time) => ValueKind::String(time.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| ValueKind::String(number.as_str().to_owned()), ValueKind::I64),
            DeValue::Float(number) => number
                .as_str()
                .parse()
                .map_or_else(|_| ValueKind::String(number.as_str().to_owned()), ValueKind::Float),
            DeValue::Table(table) => ValueKind::Table(self.table(key, table)),
            DeValue::Array(items) => {
                ValueKind::Array(items.iter().enumerate().map(|(i, item)| self.item(key, i, item)).collect())
            }
        };
        Value::new(None, kind)
    }

    fn item(&mut self, key: &str, index: usize, item: &Spanned<DeValue<'_>>) -> Value {
        let key = format!("{key}[{index}]");
        let line = text::line_of(self.text.as_bytes(), item.span().start);
        self.findings.place(key.clone(), Place::File(self.file, line));
        self.value(&key, item.get_ref())
    }
}

/// The `MALLSYNC__` variables, under the names that the `config` crate's own source takes.
fn variables(env: &Environment, findings: &mut Findings) -> ::config::Environment {
    let mut map = Map::new();
    let all: Vec<_> = env.overrides().collect();
    for (name, path, value) in &all {
        if all.iter().any(|(_, other, _)| other.len() > path.len() && other.starts_with(path)) {
            findings
                .variable(name, "names a table while other variables name keys in it; unset it".to_owned());
            continue;
        }
        if path.iter().any(|part| part.is_empty() || needs_quotes(part)) {
            findings.variable(
                name,
                format!("names no key: expected {PREFIX}SECTION__KEY or {PREFIX}SHOPS__NAME__KEY"),
            );
            continue;
        }
        let key = path.join(".");
        for end in key.match_indices('.').map(|(end, _)| end) {
            findings.place_table(key[..end].to_owned(), Place::Variable((*name).to_owned()));
        }
        if let Some(Place::Variable(earlier)) = findings.place(key, Place::Variable((*name).to_owned())) {
            findings.variable(name, format!("gives the same key as {earlier}; unset one of them"));
        }
        map.insert(format!("{PREFIX}{}", path.join("__")), (*value).to_owned());
    }
    ::config::Environment::with_prefix("MALLSYNC").prefix_separator("__").separator("__").source(Some(map))
}

/// `shops` and `rakuten-main` to `shops.rakuten-main`; a name that is no bare key keeps quotes.
pub(super) fn join(prefix: &str, name: &str) -> String {
    let name = if needs_quotes(name) { format!("{name:?}") } else { name.to_owned() };
    if prefix.is_empty() { name } else { format!("{prefix}.{name}") }
}

fn needs_quotes(name: &str) -> bool {
    name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}
