//! Arrows between modules point one way: this test reads the `use` lines and paths of every file and fails on a reversed
//! one (architecture.md, "Rooms").
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::Path;

/// Leaves that every room may use.
const LEAVES: &[&str] = &["clock", "secret", "telemetry"];

/// What each room may use beside the leaves.
const ARROWS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("secret", &[]),
    ("telemetry", &[]),
    ("domain", &[]),
    ("tabular", &[]),
    ("config", &[]),
    ("http", &["domain"]),
    ("malls", &["http", "tabular", "domain"]),
    ("settlement", &["http", "tabular", "domain"]),
    ("slips", &["http", "tabular", "domain"]),
    ("store", &["domain"]),
    ("engine", &["malls", "settlement", "slips", "store", "http", "tabular", "domain"]),
    ("status", &["store", "domain"]),
    ("sim", &["domain"]),
    (
        "app",
        &["config", "engine", "malls", "settlement", "slips", "store", "http", "tabular", "domain", "status"],
    ),
    (
        "cli",
        &[
            "app",
            "config",
            "engine",
            "malls",
            "settlement",
            "slips",
            "store",
            "http",
            "tabular",
            "domain",
            "status",
            "sim",
        ],
    ),
];

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Every `crate::room` in code, comments left out; `use crate::{a, b}` counts for each name.
fn rooms_used(source: &str) -> BTreeSet<String> {
    let mut code = String::new();
    for line in source.lines() {
        let line = line.split("//").next().unwrap_or_default();
        code.push_str(line);
        code.push(' ');
    }
    let mut used = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' => word.clear(),
                    c if depth == 0 && (c.is_alphanumeric() || c == '_') => {
                        word.push(c);
                        used.insert(word.clone());
                    }
                    _ => {}
                }
            }
        } else {
            used.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    used
}

/// The reversed arrows of one file of `room`.
fn reversed(room: &str, source: &str) -> Vec<String> {
    let allowed = ARROWS.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed);
    let Some(allowed) = allowed else { return vec![format!("the room {room} has no line in this test")] };
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    rooms_used(source)
        .iter()
        .map(String::as_str)
        .filter(|used| known.contains(used))
        .filter(|used| *used != room && !LEAVES.contains(used) && !allowed.contains(used))
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_arrow_is_reversed() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&src, &mut all);
    let mut wrong = Vec::new();
    for path in all {
        let inside = path.strip_prefix(&src).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
        let room = first.trim_end_matches(".rs");
        if matches!(room, "lib" | "main") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        for used in reversed(room, &source) {
            wrong.push(format!("{}: {room} → {used}", inside.display()));
        }
    }
    assert!(wrong.is_empty(), "reversed arrows:\n{}", wrong.join("\n"));
}

#[test]
fn the_simulators_know_nothing_of_the_project_but_ids_and_the_clock() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sim");
    let mut all = Vec::new();
    files(&src, &mut all);
    for path in all {
        let source = std::fs::read_to_string(&path).unwrap();
        for (at, _) in source.match_indices("crate::domain::") {
            let rest = &source[at..];
            assert!(
                rest.starts_with("crate::domain::ids"),
                "{} uses more of the domain than ids",
                path.display()
            );
        }
    }
}

#[test]
fn a_reversed_arrow_is_noticed() {
    assert_eq!(reversed("domain", "use crate::store::Store;"), ["store"]);
    assert_eq!(reversed("store", "use crate::{clock::Clock, engine::poll};"), ["engine"]);
    assert!(reversed("store", "// crate::engine\nuse crate::domain::ids;").is_empty());
}
