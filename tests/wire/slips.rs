//! B2クラウド files through `slips::parse`: every sample, every prefix of every sample, and what spreadsheets do to them.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a wrong fixture is a failed test")]

use std::fmt::Write as _;

use encoding_rs::SHIFT_JIS;
use mallsync::domain::order::Carrier;
use mallsync::slips::{Parsed, Refusal, parse, row_from_person};
use proptest::prelude::*;

const WITH_HEADER: &[u8] = include_bytes!("../fixtures/csv/b2cloud_issued_with_header.csv");
const NO_HEADER: &[u8] = include_bytes!("../fixtures/csv/b2cloud_issued_no_header.csv");
const CUSTOM: &[u8] = include_bytes!("../fixtures/csv/b2cloud_issued_custom_order.csv");
const IMPORT: &[u8] = include_bytes!("../fixtures/csv/b2cloud_import.csv");
const SAGAWA: &[u8] = include_bytes!("../fixtures/csv/sagawa_ehiden3_74col.csv");

fn text(bytes: &[u8]) -> String {
    SHIFT_JIS.decode(bytes).0.into_owned()
}

fn cp932(text: &str) -> Vec<u8> {
    let (bytes, _, bad) = SHIFT_JIS.encode(text);
    assert!(!bad);
    bytes.into_owned()
}

fn utf8_bom(bytes: &[u8]) -> Vec<u8> {
    [b"\xEF\xBB\xBF".as_slice(), text(bytes).as_bytes()].concat()
}

/// What a person would compare: everything but the digest.
fn shown(parsed: &Parsed) -> String {
    let mut out = String::new();
    for r in &parsed.rows {
        writeln!(
            out,
            "{} {} {:?} {:?} {} {} kind={} ship={:?} post={:?}{}",
            r.source,
            r.order_key,
            r.other_keys,
            r.reception_numbers,
            r.number,
            r.carrier,
            r.kind,
            r.ship_date.map(|d| d.to_string()),
            r.postal_code,
            r.b2_registers.map_or_else(String::new, |said| format!(" b2={said}"))
        )
        .unwrap();
    }
    for r in &parsed.refused {
        writeln!(out, "{} {:?} {:?} {}: {}", r.source, r.order_key, r.number, r.outcome, r.reason).unwrap();
    }
    for note in &parsed.notes {
        writeln!(out, "note {note}").unwrap();
    }
    writeln!(out, "not issued: {}", parsed.not_issued).unwrap();
    out
}

#[test]
fn issued_with_a_header() {
    let parsed = parse("/in/b2.csv", WITH_HEADER).unwrap();
    insta::assert_snapshot!("b2_issued_with_header", shown(&parsed));
    assert_eq!(parsed.digest.len(), 64);
}

#[test]
fn issued_without_a_header_reads_the_same() {
    let parsed = parse("b2.csv", NO_HEADER).unwrap();
    insta::assert_snapshot!("b2_issued_without_header", shown(&parsed));
}

/// As exported, the heading has 送り状種類 where the order key stands: the row whose kind is no kind is refused, since it
/// might be cash on delivery.
#[test]
fn own_column_order() {
    insta::assert_snapshot!("b2_own_column_order", shown(&parse("b2.csv", CUSTOM).unwrap()));
}

#[test]
fn the_order_number_in_another_column() {
    let swapped = text(CUSTOM)
        .replacen("お客様管理番号", "?", 1)
        .replacen("送り状種類", "お客様管理番号", 1)
        .replacen('?', "送り状種類", 1);
    insta::assert_snapshot!("b2_order_number_elsewhere", shown(&parse("b2.csv", &cp932(&swapped)).unwrap()));
}

#[test]
fn an_import_file_holds_nothing_issued() {
    insta::assert_snapshot!("b2_import", shown(&parse("b2.csv", IMPORT).unwrap()));
}

#[test]
fn another_carriers_file_is_refused() {
    insta::assert_snapshot!("sagawa_is_refused", parse("e.csv", SAGAWA).unwrap_err());
}

#[test]
fn utf8_with_a_bom_reads_the_same() {
    for sample in [WITH_HEADER, NO_HEADER, CUSTOM, IMPORT] {
        let (a, b) = (parse("b2.csv", sample).unwrap(), parse("b2.csv", &utf8_bom(sample)).unwrap());
        assert_eq!(shown(&a), shown(&b));
        assert_ne!(a.digest, b.digest);
    }
}

#[test]
fn the_counts_of_columns_that_are_out_there() {
    let rows = |width: usize| {
        let line = text(NO_HEADER);
        let mut cells: Vec<&str> = line.lines().next().unwrap().split(',').collect();
        cells.resize(width, "\"\"");
        cp932(&format!("{}\r\n", cells.join(",")))
    };
    for width in [95, 97, 98] {
        let parsed = parse("b2.csv", &rows(width)).unwrap();
        assert_eq!(parsed.rows[0].reception_numbers, ["WC250601-0001"], "{width}");
    }
    let oldest = parse("b2.csv", &rows(86)).unwrap();
    assert_eq!(oldest.rows[0].number, "400012345600");
    assert!(oldest.rows[0].reception_numbers.is_empty(), "only the first 42 places are known");
    for width in [5, 42, 85, 94, 99] {
        assert!(parse("b2.csv", &rows(width)).unwrap_err().reason.contains("columns"), "{width}");
    }
}

fn one(number: &str, kind: &str) -> Parsed {
    let text = format!("伝票番号,送り状種別,お客様管理番号\r\n{number},{kind},A-1\r\n");
    parse("b2.csv", &cp932(&text)).unwrap()
}

#[test]
fn what_spreadsheets_do() {
    for number in [
        "=\"400012345670\"",
        "\"=\"\"400012345670\"\"\"",
        "'400012345670",
        "4000-1234-5670",
        "４０００１２３４５６７０",
    ] {
        let parsed = one(number, "0");
        assert_eq!(parsed.rows.first().map(|r| r.number.as_str()), Some("400012345670"), "{number}");
    }
    let padded = one("00123456782", "0");
    assert_eq!(padded.rows[0].number, "000123456782");
    assert_eq!(padded.notes.len(), 1);
    insta::assert_snapshot!("number_with_exponent", shown(&one("4.00012E+11", "0")));
    insta::assert_snapshot!("number_with_wrong_check_digit", shown(&one("400012345671", "0")));
    insta::assert_snapshot!("number_of_japan_post", shown(&one("400012345671", "ゆうパケット")));
    insta::assert_snapshot!("number_and_kind_wrong", shown(&one("00123456783", "謎")));
    insta::assert_snapshot!("number_is_text", shown(&one("見本", "0")));
    assert_eq!(one("000000000000", "0").not_issued, 1);
}

#[test]
fn a_row_with_several_problems_is_reported_once() {
    let text =
        "お客様管理番号,伝票番号,送り状種類\r\n2.50601E+11,4.00012E+11,0,見本,余り\r\nB-2,400012345670,0\r\n";
    let parsed = parse("b2.csv", &cp932(text)).unwrap();
    assert_eq!(parsed.rows.len(), 1);
    insta::assert_snapshot!("several_problems", shown(&parsed));
}

#[test]
fn line_breaks_inside_quotes_do_not_shift_line_numbers() {
    let text = "お客様管理番号,伝票番号,記事\r\nA-1,400012345670,\"一\r\n二\r\n三\"\r\nA-2,1,x\r\n,,\r\n\r\nA-3,400012345681,\r\n";
    let parsed = parse("b2.csv", &cp932(text)).unwrap();
    assert_eq!(parsed.refused[0].source, "b2.csv:5");
    assert_eq!(parsed.rows[1].source, "b2.csv:8");
    assert_eq!(parsed.rows[0].other_keys[1], "一\n二\n三");
}

#[test]
fn unreadable_characters_refuse_a_key_and_only_note_another_cell() {
    let mut bytes = cp932("お客様管理番号,伝票番号,お届け先名\r\nA-1,400012345670,");
    bytes.extend_from_slice(b"\x81\xFF\r\nA\x81\xFF2,400012345681,x\r\n");
    insta::assert_snapshot!("unreadable_characters", shown(&parse("b2.csv", &bytes).unwrap()));
}

#[test]
fn files_that_are_none() {
    for bytes in [
        b"".as_slice(),
        b"\r\n \r\n",
        b"PK\x03\x04rest",
        b"\xFE\xFF\0a",
        b"a\0b",
        b"\x1b$B\x1b(B",
        b"name,age\r\nx,1\r\n",
        b"\xEF\xBB\xBF\xFF",
    ] {
        assert!(parse("b2.csv", bytes).is_err(), "{bytes:?}");
    }
}

/// A cut file is refused whole, unless the cut falls between two records, where nothing tells it from a shorter file.
#[test]
fn every_prefix_is_refused_or_a_shorter_file() {
    for sample in [WITH_HEADER, NO_HEADER, CUSTOM] {
        let whole = parse("b2.csv", sample).unwrap();
        for cut in 0..sample.len() {
            match parse("b2.csv", &sample[..cut]) {
                Err(Refusal { .. }) => {}
                Ok(part) => {
                    assert_eq!(part.refused[..], whole.refused[..part.refused.len()], "cut at {cut}");
                    assert_eq!(part.rows[..], whole.rows[..part.rows.len()], "cut at {cut}");
                    let end = &sample[..cut];
                    let between =
                        end.ends_with(b"\n") || end.ends_with(b"\r") || sample[cut..].starts_with(b"\r\n");
                    assert!(between, "cut at {cut} is neither refused nor between records");
                }
            }
        }
    }
}

#[test]
fn a_person_types_a_slip() {
    let row = row_from_person("4000-1234-5670", Carrier::Yamato, None, "taro").unwrap();
    assert_eq!((row.number.as_str(), row.source.as_str()), ("400012345670", "person:taro"));
    assert!(row_from_person("400012345671", Carrier::Yamato, None, "taro").is_err());
    assert!(row_from_person("400012345671", Carrier::Sagawa, None, "taro").is_ok());
    assert!(row_from_person("12/34", Carrier::Other, None, "taro").is_err());
    assert!(row_from_person("", Carrier::JapanPost, None, "taro").is_err());
}

proptest! {
    #[test]
    fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse("x.csv", &bytes);
        let mut sample = CUSTOM.to_vec();
        sample.extend_from_slice(&bytes);
        let _ = parse("x.csv", &sample);
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0..WITH_HEADER.len(), byte: u8) {
        let mut sample = WITH_HEADER.to_vec();
        sample[at] = byte;
        let _ = parse("x.csv", &sample);
    }
}
