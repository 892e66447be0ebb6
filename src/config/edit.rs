//! Changing one value of a config file that people edit by hand: everything else in it stays as it is, byte for byte.

use std::ops::Range;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use toml::de::{DeTable, DeValue};

use super::Config;
use super::environment::Environment;
use super::text;
use crate::secret::{Access, replace};

/// Where the day of a key came to stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It stands in this file, in this line; `false`: it was there already.
    Written(PathBuf, usize, bool),
    /// An environment variable gives it, and would hide the file's.
    ByVariable(String),
    /// No place for it was found: this line is to be added to the section by hand.
    ByHand(String),
}

/// Why a file could not be changed.
#[derive(Debug, thiserror::Error)]
#[error("{path}: cannot be changed: {reason}")]
pub struct EditError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// Writes `day` as the value of `key` in the table at `section`; where the key is not given yet, on a line of its own
/// below `beside`, a key that is.
///
/// # Errors
/// When the file cannot be written; it is then as before.
pub fn note_day(
    config: &Config,
    section: [&str; 2],
    key: &str,
    beside: &str,
    day: NaiveDate,
) -> Result<Noted, EditError> {
    note_day_with(config, &Environment::process(), section, key, beside, day)
}

fn note_day_with(
    config: &Config,
    environment: &Environment,
    [table, name]: [&str; 2],
    key: &str,
    beside: &str,
    day: NaiveDate,
) -> Result<Noted, EditError> {
    if let Some((variable, ..)) = environment.overrides().find(|(_, path, _)| *path == [table, name, key]) {
        return Ok(Noted::ByVariable(variable.to_owned()));
    }
    let value = format!("\"{day}\"");
    type Change = fn(&str, [&str; 3], &str, &str) -> Option<Changed>;
    let ways: [Change; 2] = [
        |text, path, _, value| set(text, path, value),
        |text, [table, name, key], beside, value| insert(text, [table, name, beside], key, value),
    ];
    for change in ways {
        for file in &config.files {
            let fail = |reason: String| EditError { path: file.clone(), reason };
            let text = std::fs::read_to_string(file).map_err(|e| fail(e.to_string()))?;
            let Some(changed) = change(&text, [table, name, key], beside, &value) else { continue };
            let new = changed.text != text;
            if new {
                write(file, &changed.text).map_err(fail)?;
            }
            return Ok(Noted::Written(file.clone(), changed.line, new));
        }
    }
    Ok(Noted::ByHand(format!("{key} = {value}")))
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    let access = Access::of_file(file).map_err(|e| e.to_string())?;
    replace(file, text.as_bytes(), access).map_err(|e| e.to_string())
}

/// A text with one change in it, and the line of that.
#[derive(Debug, PartialEq, Eq)]
struct Changed {
    text: String,
    line: usize,
}

/// `text` with another value at `path`, if there is one.
fn set(text: &str, path: [&str; 3], value: &str) -> Option<Changed> {
    let old = find(text, path)?;
    let line = text::line_of(text.as_bytes(), old.start);
    let changed = [&text[..old.start], value, &text[old.end..]].concat();
    sound(changed, path, value, line)
}

/// `text` with `key = value` on a line of its own below the one that gives `path`, if that begins a line.
fn insert(text: &str, path @ [table, name, beside]: [&str; 3], key: &str, value: &str) -> Option<Changed> {
    let old = find(text, path)?;
    let start = text[..old.start].rfind('\n').map_or(0, |at| at + 1);
    let head = &text[start..old.start];
    let indent = &head[..head.len() - head.trim_start().len()];
    // Elsewhere the key stands in a table in one line, or with its table's name before it.
    if head.trim().strip_suffix('=').map(str::trim_end) != Some(beside) {
        return None;
    }
    let end = text[old.end..].find('\n').map_or(text.len(), |at| old.end + at + 1);
    let whole = text[..end].ends_with('\n');
    let newline =
        if text[..end].ends_with("\r\n") || (!whole && text.contains("\r\n")) { "\r\n" } else { "\n" };
    let line = text::line_of(text.as_bytes(), old.end) + 1;
    let before = if whole { "" } else { newline };
    let changed = [&text[..end], before, indent, key, " = ", value, newline, &text[end..]].concat();
    sound(changed, [table, name, key], value, line)
}

/// What was changed must say what was meant.
fn sound(text: String, path: [&str; 3], value: &str, line: usize) -> Option<Changed> {
    let found = find(&text, path)?;
    (text[found] == *value).then_some(Changed { text, line })
}

/// The bytes of the value at `path`.
fn find(text: &str, path: [&str; 3]) -> Option<Range<usize>> {
    let table = DeTable::parse(text).ok()?;
    let mut inner = table.get_ref();
    let [tables @ .., last] = path;
    for name in tables {
        match inner.get(name)?.get_ref() {
            DeValue::Table(table) => inner = table,
            _ => return None,
        }
    }
    Some(inner.get(last)?.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: [&str; 3] = ["shops", "a", "api_key_issued_on"];

    fn set_to(text: &str) -> Option<String> {
        set(text, PATH, "\"2026-11-22\"").map(|changed| changed.text)
    }

    #[test]
    fn one_value_changes_and_every_other_byte_stays() {
        for (before, after) in [
            (
                "# 店\r\n[shops.a]   # one\r\n\tapi_key_issued_on=\"2026-01-01\"   # 発行日\r\nmall = \"aupay\"\r\n",
                "# 店\r\n[shops.a]   # one\r\n\tapi_key_issued_on=\"2026-11-22\"   # 発行日\r\nmall = \"aupay\"\r\n",
            ),
            (
                "[shops.a]\napi_key_issued_on = 2026-01-01\n",
                "[shops.a]\napi_key_issued_on = \"2026-11-22\"\n",
            ),
            ("[shops.a]\napi_key_issued_on = '2026-01-01'", "[shops.a]\napi_key_issued_on = \"2026-11-22\""),
            (
                "shops = { b = { api_key_issued_on = \"1\" }, \"a\" = { api_key_issued_on = \"\"\"1\"\"\" } }",
                "shops = { b = { api_key_issued_on = \"1\" }, \"a\" = { api_key_issued_on = \"2026-11-22\" } }",
            ),
            (
                "[shops]\na.api_key_issued_on = \"1\"\nb.api_key_issued_on = \"1\"\n",
                "[shops]\na.api_key_issued_on = \"2026-11-22\"\nb.api_key_issued_on = \"1\"\n",
            ),
            (
                "# api_key_issued_on = \"0\"\n[shops.a]\nnote = '''\napi_key_issued_on = \"9\"\n'''\n\"api_key_issued_on\" = \"1\"\n",
                "# api_key_issued_on = \"0\"\n[shops.a]\nnote = '''\napi_key_issued_on = \"9\"\n'''\n\"api_key_issued_on\" = \"2026-11-22\"\n",
            ),
        ] {
            assert_eq!(set_to(before).as_deref(), Some(after));
        }
        for without in
            ["", "[shops.b]\napi_key_issued_on = \"1\"\n", "shops = 1\n", "not TOML", "[shops.a]\nx = 1\n"]
        {
            assert_eq!(set_to(without), None, "{without}");
        }
    }

    #[test]
    fn a_new_key_comes_below_its_neighbour() {
        let below = |text| {
            let changed = insert(text, ["shops", "a", "api_key"], "api_key_issued_on", "\"2026-11-22\"")?;
            assert_eq!(
                changed.text.lines().nth(changed.line - 1).unwrap().trim(),
                "api_key_issued_on = \"2026-11-22\""
            );
            Some(changed.text)
        };
        for (before, after) in [
            (
                "[shops.a]\n  api_key = \"file:/k\"  # 鍵\nx = 1\n",
                "[shops.a]\n  api_key = \"file:/k\"  # 鍵\n  api_key_issued_on = \"2026-11-22\"\nx = 1\n",
            ),
            (
                "[shops.a]\r\napi_key = \"file:/k\"\r\n[shops.b]\r\n",
                "[shops.a]\r\napi_key = \"file:/k\"\r\napi_key_issued_on = \"2026-11-22\"\r\n[shops.b]\r\n",
            ),
            (
                "[shops.a]\napi_key = \"file:/k\"",
                "[shops.a]\napi_key = \"file:/k\"\napi_key_issued_on = \"2026-11-22\"\n",
            ),
        ] {
            assert_eq!(below(before).as_deref(), Some(after));
        }
        for odd in [
            "[shops]\na.api_key = \"1\"\n",
            "[shops]\na = { api_key = \"1\" }\n",
            "[shops.a]\n\"api_key\" = \"1\"\n",
        ] {
            assert_eq!(below(odd), None, "{odd}");
        }
    }
}
