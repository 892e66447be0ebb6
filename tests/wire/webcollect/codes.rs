//! The tables of codes: whole, without doubles, every code with what follows from it (§4.2–4.6).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use mallsync::settlement::webcollect::code_table;
use mallsync::settlement::webcollect::codes::{Class, classify, credit_row, credit_table, is_code, row};

#[test]
fn the_table_of_codes() {
    let mut functions: BTreeMap<&str, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut text = String::new();
    for row in code_table() {
        assert!(is_code(row.code), "{}", row.code);
        assert!(seen.insert(row.code), "{} twice", row.code);
        assert_eq!(classify(row.code), row.class);
        assert!(!row.japanese.is_empty() && !row.english.is_empty() && !row.action().is_empty());
        *functions.entry(&row.code[..3]).or_default() += 1;
        writeln!(
            text,
            "{} {:8} {} | {} | {}",
            row.code,
            row.class.as_str(),
            row.japanese,
            row.english,
            row.action()
        )
        .unwrap();
    }
    // As many as the tables of §4.2–4.5 hold.
    let counts = [
        ("A01", 66 + 14),
        ("A02", 21 + 9),
        ("A03", 11 + 2),
        ("A04", 20 + 9),
        ("A05", 15 + 3),
        ("A06", 6 + 7),
        ("A07", 11 + 9),
        ("A08", 41 + 11),
        ("A09", 21 + 6),
        ("A11", 6 + 5),
        ("E01", 9 + 10),
        ("E02", 9 + 6),
        ("E03", 10 + 3),
        ("E04", 6),
        ("H01", 3),
        ("Z01", 13),
    ];
    assert_eq!(functions.into_iter().collect::<Vec<_>>(), counts);
    insta::assert_snapshot!(text);
}

#[test]
fn the_table_of_the_card_network() {
    let codes: BTreeSet<&str> = credit_table().iter().map(|row| row.code).collect();
    assert_eq!(codes.len(), credit_table().len(), "no code twice");
    assert_eq!(codes.len(), 59 + 10);
    for code in ["G54", "C50", "G70", "G71", "G72", "G81", "999", "0700001"] {
        assert!(credit_row(code).is_some(), "{code}");
    }
    assert!(credit_row("G00").is_none());
    assert_eq!(row("E012000001").map(|row| row.class), Some(Class::Verify));
}
