//! A profile's TOML, walked by hand so that every finding is reported, not the first alone.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{FIELDS, Finding, LINE_KINDS, Profile, Source, Vocabulary, WordMap};
use crate::tabular::Encoding;

const KEYS: &[&str] = &[
    "profile",
    "encoding",
    "delimiter",
    "quote",
    "header",
    "skip_lines",
    "group_by",
    "fields",
    "fallback",
    "payment_map",
    "status",
    "line_kind",
];

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push(Finding { key: key.into(), message: message.into() });
    }
}

pub(super) fn profile(text: &str, words: Vocabulary<'_>, required: &[&str]) -> Result<Profile, Vec<Finding>> {
    let table = text.trim_start_matches('\u{FEFF}').parse::<Table>().map_err(|e| {
        vec![Finding { key: String::new(), message: format!("not valid TOML: {}", e.to_string().trim()) }]
    })?;
    let mut findings = Findings(Vec::new());
    unknown(&table, "", KEYS, &mut findings);
    let header = boolean(&table, "header", true, &mut findings);
    let profile = Profile {
        name: name(&table, &mut findings),
        encoding: encoding(&table, &mut findings),
        delimiter: character(&table, "delimiter", &[",", "\t"], "\",\" or \"\\t\"", &mut findings),
        quote: match table.get("quote") {
            None => Some('"'),
            Some(_) => {
                character(&table, "quote", &["\"", "", "'"], "one quote, or \"\" for none", &mut findings)
            }
        },
        header,
        skip_lines: skip_lines(&table, &mut findings),
        fields: fields(&table, header, &mut findings),
        fallback: fallback(&table, &mut findings),
        payment_map: word_map(&table, "payment_map", words.payment_methods, &mut findings),
        status: word_map(&table, "status", words.statuses, &mut findings),
        line_kind: word_map(&table, "line_kind", LINE_KINDS, &mut findings),
    };
    match table.get("group_by") {
        None => {}
        Some(Value::String(field)) if field == "order_no" => {}
        Some(_) => findings.add("group_by", "rows are folded on \"order_no\"; no other field is possible"),
    }
    for field in required {
        if !profile.fields.contains_key(*field) && !profile.fallback.contains_key(*field) {
            findings.add(format!("fields.{field}"), "required: the name of the column that holds it");
        }
    }
    if findings.0.is_empty() { Ok(profile) } else { Err(findings.0) }
}

fn unknown(table: &Table, path: &str, known: &[&str], findings: &mut Findings) {
    for key in table.keys().filter(|k| !known.contains(&k.as_str())) {
        let nearest = known
            .iter()
            .filter(|k| strsim::damerau_levenshtein(k, key) <= 3)
            .min_by_key(|k| strsim::damerau_levenshtein(k, key));
        let hint = nearest.map_or_else(String::new, |k| format!("; did you mean {k}?"));
        findings.add(format!("{path}{key}"), format!("unknown key{hint}"));
    }
}

fn name(table: &Table, findings: &mut Findings) -> String {
    match table.get("profile") {
        Some(Value::String(name))
            if !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') =>
        {
            name.clone()
        }
        _ => {
            findings.add("profile", "required: a name of a-z, 0-9 and -");
            String::new()
        }
    }
}

fn boolean(table: &Table, key: &str, default: bool, findings: &mut Findings) -> bool {
    match table.get(key) {
        None => default,
        Some(Value::Boolean(b)) => *b,
        Some(_) => {
            findings.add(key, "expected true or false");
            default
        }
    }
}

fn encoding(table: &Table, findings: &mut Findings) -> Option<Encoding> {
    match table.get("encoding") {
        None => None,
        Some(Value::String(word)) if word == "auto" => None,
        Some(Value::String(word)) if Encoding::from_word(word).is_some() => Encoding::from_word(word),
        Some(_) => {
            findings.add("encoding", "expected \"auto\", \"cp932\", \"utf-8\" or \"utf-16le\"");
            None
        }
    }
}

fn character(
    table: &Table,
    key: &str,
    allowed: &[&str],
    expected: &str,
    findings: &mut Findings,
) -> Option<char> {
    match table.get(key) {
        None => None,
        Some(Value::String(text)) if allowed.contains(&text.as_str()) => text.chars().next(),
        Some(_) => {
            findings.add(key, format!("expected {expected}"));
            None
        }
    }
}

fn skip_lines(table: &Table, findings: &mut Findings) -> u32 {
    match table.get("skip_lines") {
        None => 0,
        Some(Value::Integer(n)) if (0..=1000).contains(n) => u32::try_from(*n).unwrap_or(0),
        Some(_) => {
            findings.add("skip_lines", "expected a count of lines, 0 to 1000");
            0
        }
    }
}

fn section<'a>(table: &'a Table, key: &str, findings: &mut Findings) -> Option<&'a Table> {
    match table.get(key) {
        None => None,
        Some(Value::Table(section)) => Some(section),
        Some(_) => {
            findings.add(key, format!("expected a section [{key}]"));
            None
        }
    }
}

fn fields(table: &Table, header: bool, findings: &mut Findings) -> BTreeMap<String, Vec<Source>> {
    let mut fields = BTreeMap::new();
    let Some(section) = section(table, "fields", findings) else { return fields };
    unknown(section, "fields.", FIELDS, findings);
    for (field, value) in section.iter().filter(|(k, _)| FIELDS.contains(&k.as_str())) {
        let key = format!("fields.{field}");
        let values = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut sources = Vec::new();
        for value in values {
            match value {
                Value::Integer(n) => match usize::try_from(*n).ok().and_then(|n| n.checked_sub(1)) {
                    Some(n) => sources.push(Source::Column(n)),
                    None => findings.add(key.clone(), "columns count from 1"),
                },
                Value::String(_) if !header => {
                    findings.add(key.clone(), "with header = false a column is a number, counted from 1");
                }
                Value::String(name) if name.split('+').any(|part| part.trim().is_empty()) => {
                    findings.add(key.clone(), "an empty name of a column");
                }
                Value::String(name) => sources.push(Source::Named(name.clone())),
                _ => findings.add(
                    key.clone(),
                    "expected the name of a column, a list of names, or a number counted from 1",
                ),
            }
        }
        if !sources.is_empty() {
            fields.insert(field.clone(), sources);
        }
    }
    fields
}

fn fallback(table: &Table, findings: &mut Findings) -> BTreeMap<String, String> {
    let mut fallback = BTreeMap::new();
    let Some(section) = section(table, "fallback", findings) else { return fallback };
    unknown(section, "fallback.", FIELDS, findings);
    for (field, value) in section.iter().filter(|(k, _)| FIELDS.contains(&k.as_str())) {
        match value {
            Value::String(other) if FIELDS.contains(&other.as_str()) && other != field => {
                fallback.insert(field.clone(), other.clone());
            }
            _ => findings.add(format!("fallback.{field}"), "expected the name of another field of [fields]"),
        }
    }
    fallback
}

fn word_map(table: &Table, key: &str, allowed: &[&str], findings: &mut Findings) -> WordMap {
    let Some(section) = section(table, key, findings) else { return WordMap::default() };
    let mut entries = Vec::new();
    for (pattern, value) in section {
        let inner = pattern.strip_prefix('*').unwrap_or(pattern);
        let inner = inner.strip_suffix('*').unwrap_or(inner);
        if inner.trim().is_empty() || inner.contains('*') {
            findings.add(
                format!("{key}.\"{pattern}\""),
                "expected a word, with * at its beginning or end for anything",
            );
        }
        match value {
            Value::String(word) if allowed.contains(&word.as_str()) => {
                entries.push((pattern.as_str(), word.as_str()));
            }
            _ => findings
                .add(format!("{key}.\"{pattern}\""), format!("expected one of {}", allowed.join(", "))),
        }
    }
    WordMap::new(entries)
}
