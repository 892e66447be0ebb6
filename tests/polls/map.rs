//! The table in `main.rs` says the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Names of all test functions of the project.
fn tests_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_in(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut marked = false;
            for line in text.lines().map(str::trim) {
                if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                    marked = true;
                } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| marked) {
                    found.insert(rest.split(['(', '<']).next().unwrap().to_owned());
                    marked = false;
                }
            }
        }
    }
}

#[test]
fn every_invariant_has_tests_and_every_test_named_for_one_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    tests_in(&root.join("tests"), &mut found);
    tests_in(&root.join("src"), &mut found);
    let mut rows: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for line in include_str!("main.rs").lines() {
        let Some(row) = line.strip_prefix("//! | I") else { continue };
        let (number, rest) = row.split_once(" |").unwrap();
        rows.insert(number.parse().unwrap(), rest.split('`').skip(1).step_by(2).collect());
    }
    assert_eq!(rows.keys().copied().collect::<Vec<_>>(), (1..=13).collect::<Vec<_>>());
    for (number, names) in &rows {
        assert!(!names.is_empty(), "I{number} has no test");
        for name in names {
            assert!(found.contains(*name), "I{number}: there is no test {name}");
        }
    }
    // A test that says which invariant it is about stands in its row.
    for name in &found {
        let number = name.strip_prefix('i').and_then(|rest| rest.split_once('_')?.0.parse::<u32>().ok());
        if let Some(number) = number {
            assert!(rows[&number].contains(&name.as_str()), "{name} is missing in the table");
        }
    }
}
