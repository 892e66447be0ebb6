//! Formats of lists.

use super::*;
use crate::clock::Timestamp;
use crate::config::Language;

#[derive(Serialize)]
struct Row {
    name: String,
    yen: i64,
}

const COLUMNS: &[Column<Row>] = &[
    Column::text("name", words::H_BUYER, 10, |r, _| r.name.clone(), |r| r.name.clone()),
    Column::number("yen", words::H_AMOUNT, |r, _| r.yen.to_string(), |r| r.yen.to_string()),
];

fn write(format: Format, encoding: Encoding, rows: &[(&str, i64)], more: bool) -> (Vec<u8>, Notes) {
    let look = Look { language: Language::En, now: Timestamp::from_micros(0) };
    let mut out = Vec::new();
    let mut sheet = Sheet::start(&mut out, COLUMNS, format, encoding, look).unwrap();
    for (name, yen) in rows {
        sheet.row(&Row { name: (*name).to_owned(), yen: *yen }).unwrap();
    }
    let notes = sheet.finish(more).unwrap();
    (out, notes)
}

fn text(format: Format, rows: &[(&str, i64)]) -> String {
    String::from_utf8(write(format, Encoding::Utf8, rows, false).0).unwrap()
}

#[test]
fn json_is_one_array_however_many_rows() {
    for rows in [&[][..], &[("a", 1)], &[("a", 1), ("b", 2)]] {
        let read: serde_json::Value = serde_json::from_str(&text(Format::Json, rows)).unwrap();
        assert_eq!(read.as_array().unwrap().len(), rows.len());
    }
}

#[test]
fn jsonl_is_one_object_a_line() {
    assert_eq!(
        text(Format::Jsonl, &[("a", 1), ("b", 2)]),
        "{\"name\":\"a\",\"yen\":1}\n{\"name\":\"b\",\"yen\":2}\n"
    );
}

#[test]
fn csv_is_escaped_and_guarded_and_numbers_stay_numbers() {
    let csv = text(Format::Csv, &[("=HYPERLINK(\"x\")", -5), ("two\nlines, \"q\"", 7), ("＝1+1", 0)]);
    assert_eq!(
        csv,
        "\u{feff}\"name\",\"yen\"\r\n\"'=HYPERLINK(\"\"x\"\")\",\"-5\"\r\n\"two\nlines, \"\"q\"\"\",\"7\"\r\n\"'＝1+1\",\"0\"\r\n"
    );
}

#[test]
fn cp932_folds_what_windows_folds_and_names_what_is_lost() {
    let (bytes, notes) = write(Format::Csv, Encoding::Cp932, &[("髙﨑〜−①", 1), ("𠮷野", 2)], false);
    let (read, _, broken) = encoding_rs::SHIFT_JIS.decode(&bytes);
    assert!(!broken);
    assert_eq!(read, "\"name\",\"yen\"\r\n\"髙﨑～－①\",\"1\"\r\n\"〓野\",\"2\"\r\n");
    assert!(notes.lossy);
    assert_eq!(notes.lines.len(), 1);
    assert!(
        notes.lines[0].contains('𠮷') && notes.lines[0].contains("name") && notes.lines[0].contains("row 2")
    );
}

#[test]
fn a_table_says_when_there_is_more_and_when_there_is_nothing() {
    let (table, notes) = write(Format::Table, Encoding::Utf8, &[("a", 1)], true);
    assert_eq!(String::from_utf8(table).unwrap(), "Buyer  Yen\na        1\n");
    assert_eq!(notes.lines, ["… and more (--limit)"]);
    let (table, notes) = write(Format::Table, Encoding::Utf8, &[], false);
    assert!(table.is_empty());
    assert_eq!(notes.lines, ["Nothing to show."]);
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let failure = json(Gone, &Row { name: "a".to_owned(), yen: 1 }).unwrap_err();
    assert!(matches!(failure, Failure::ReaderGone));
    assert_eq!(failure.code(), 0);
}
