//! Data on stdout: tables for people, JSON, JSON Lines and CSV for machines. A list is written page by page, so that
//! memory stays bounded by a page.

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::failure::Failure;
use super::table::{Look, Table};
use super::words::{self, Text};

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines up for people.
    Table,
    /// One JSON array (of a single thing: an object).
    Json,
    /// One JSON object a line.
    Jsonl,
    /// CSV with a header line, CRLF, every field quoted.
    Csv,
}

/// How CSV is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    /// UTF-8 with a byte order mark, as spreadsheets expect.
    #[value(name = "utf-8")]
    Utf8,
    /// CP932 (Shift_JIS as Windows writes it).
    #[value(name = "cp932")]
    Cp932,
}

/// One column of a list.
pub struct Column<T> {
    /// Heading in CSV.
    pub key: &'static str,
    /// Heading in tables and the most cells it may take; `None`: CSV alone.
    pub table: Option<(Text, usize)>,
    /// Amounts and counts: to the right in tables, never guarded in CSV.
    pub number: bool,
    /// For people.
    pub show: fn(&T, Look) -> String,
    /// For machines; empty: not known.
    pub value: fn(&T) -> String,
}

impl<T> Column<T> {
    /// A column of text.
    pub const fn text(
        key: &'static str,
        heading: Text,
        cells: usize,
        show: fn(&T, Look) -> String,
        value: fn(&T) -> String,
    ) -> Self {
        Self { key, table: Some((heading, cells)), number: false, show, value }
    }

    /// A column of numbers.
    pub const fn number(
        key: &'static str,
        heading: Text,
        show: fn(&T, Look) -> String,
        value: fn(&T) -> String,
    ) -> Self {
        Self { key, table: Some((heading, 20)), number: true, show, value }
    }

    /// The same in CSV alone.
    pub const fn for_machines(self) -> Self {
        Self { table: None, ..self }
    }

    /// A column that only CSV has.
    pub const fn csv(key: &'static str, value: fn(&T) -> String) -> Self {
        Self { key, table: None, number: false, show: |_, _| String::new(), value }
    }

    /// A column of numbers that only CSV has.
    pub const fn csv_number(key: &'static str, value: fn(&T) -> String) -> Self {
        Self { key, table: None, number: true, show: |_, _| String::new(), value }
    }
}

/// A list on its way out.
pub struct Sheet<'a, T, W: Write> {
    out: W,
    columns: &'a [Column<T>],
    look: Look,
    form: Form,
    rows: u64,
}

enum Form {
    Table(Table),
    Json,
    Jsonl,
    Csv { encoding: Encoding, lost: Vec<Lost>, lost_more: u64 },
}

/// A character that CP932 does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    character: char,
    column: &'static str,
    row: u64,
}

/// Characters lost to CP932 that are named one by one.
const NAMED: usize = 20;

impl<'a, T: Serialize, W: Write> Sheet<'a, T, W> {
    /// Starts a list; JSON and CSV write their beginning.
    ///
    /// # Errors
    /// When `out` does not take it.
    pub fn start(
        mut out: W,
        columns: &'a [Column<T>],
        format: Format,
        encoding: Encoding,
        look: Look,
    ) -> io::Result<Self> {
        let form = match format {
            Format::Table => Form::Table(Table::new(
                columns
                    .iter()
                    .filter_map(|c| c.table.map(|(heading, _)| (heading.get(look.language), c.number)))
                    .collect(),
            )),
            Format::Json => {
                out.write_all(b"[")?;
                Form::Json
            }
            Format::Jsonl => Form::Jsonl,
            Format::Csv => {
                if encoding == Encoding::Utf8 {
                    out.write_all("\u{feff}".as_bytes())?;
                }
                Form::Csv { encoding, lost: Vec::new(), lost_more: 0 }
            }
        };
        let mut sheet = Self { out, columns, look, form, rows: 0 };
        if matches!(sheet.form, Form::Csv { .. }) {
            let headings: Vec<String> = columns.iter().map(|c| c.key.to_owned()).collect();
            sheet.csv_record(&headings)?;
        }
        Ok(sheet)
    }

    /// Writes one row; a table gathers rows until [`Sheet::flush`].
    ///
    /// # Errors
    /// When the output does not take it.
    pub fn row(&mut self, row: &T) -> io::Result<()> {
        self.rows += 1;
        let look = self.look;
        match &mut self.form {
            Form::Table(table) => {
                let cells = self
                    .columns
                    .iter()
                    .filter_map(|c| c.table.map(|(_, cells)| ((c.show)(row, look), cells)));
                table.row(cells);
                Ok(())
            }
            Form::Json => {
                self.out.write_all(if self.rows == 1 { b"\n" } else { b",\n" })?;
                serde_json::to_writer(&mut self.out, row).map_err(io::Error::from)
            }
            Form::Jsonl => {
                serde_json::to_writer(&mut self.out, row).map_err(io::Error::from)?;
                self.out.write_all(b"\n")
            }
            Form::Csv { .. } => {
                let fields: Vec<String> = self
                    .columns
                    .iter()
                    .map(|c| {
                        let value = (c.value)(row);
                        if c.number { value } else { guarded(value) }
                    })
                    .collect();
                self.csv_record(&fields)
            }
        }
    }

    /// Writes what has been gathered: call it after every page.
    ///
    /// # Errors
    /// When the output does not take it.
    pub fn flush(&mut self) -> io::Result<()> {
        if let Form::Table(table) = &mut self.form {
            table.write(&mut self.out)?;
        }
        self.out.flush()
    }

    /// Writes the end. `more`: there are further rows that `--limit` or the default cut off. Returns what a person should
    /// be told on stderr.
    ///
    /// # Errors
    /// When the output does not take it.
    pub fn finish(mut self, more: bool) -> io::Result<Notes> {
        if matches!(self.form, Form::Json) {
            self.out.write_all(if self.rows == 0 { b"]\n" } else { b"\n]\n" })?;
        }
        self.flush()?;
        let language = self.look.language;
        let mut notes = Notes::default();
        match self.form {
            Form::Table(_) if self.rows == 0 => notes.lines.push(words::NOTHING.get(language).to_owned()),
            Form::Table(_) if more => notes.lines.push(words::AND_MORE.get(language).to_owned()),
            Form::Csv { lost, lost_more, .. } => {
                notes.lossy = !lost.is_empty();
                notes.lines.extend(
                    lost.iter().map(|l| words::CP932_LOST.with(language, &[&l.character, &l.column, &l.row])),
                );
                if lost_more > 0 {
                    notes.lines.push(words::CP932_LOST_MORE.with(language, &[&lost_more]));
                }
            }
            _ => {}
        }
        Ok(notes)
    }

    fn csv_record(&mut self, fields: &[String]) -> io::Result<()> {
        let mut line = Vec::new();
        {
            let mut csv =
                csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(&mut line);
            csv.write_record(fields).map_err(io::Error::other)?;
            csv.flush()?;
        }
        // The terminator is CRLF in files for people (csv-formats.md §0.3); the writer ends the record with LF alone.
        line.pop();
        line.extend_from_slice(b"\r\n");
        if let Form::Csv { encoding: Encoding::Cp932, lost, lost_more } = &mut self.form {
            for (column, field) in self.columns.iter().zip(fields) {
                for character in unmappable(field) {
                    if lost.len() < NAMED {
                        lost.push(Lost { character, column: column.key, row: self.rows });
                    } else {
                        *lost_more += 1;
                    }
                }
            }
            let text = String::from_utf8_lossy(&line);
            return self.out.write_all(&cp932(&text));
        }
        self.out.write_all(&line)
    }
}

/// What is to be said after a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Lines for stderr.
    pub lines: Vec<String>,
    /// Characters were lost: the list is not what was asked for.
    pub lossy: bool,
}

/// Text that a spreadsheet would take for a formula, made harmless (csv-formats.md §0.3).
fn guarded(value: String) -> String {
    match value.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠') => format!("'{value}"),
        _ => value,
    }
}

/// The characters that Windows writes for ones that look the same (csv-formats.md §0.1).
const fn windows(c: char) -> char {
    match c {
        '\u{301C}' => '\u{FF5E}',
        '\u{2212}' => '\u{FF0D}',
        '\u{2016}' => '\u{2225}',
        '\u{2014}' => '\u{2015}',
        '\u{A2}' => '\u{FFE0}',
        '\u{A3}' => '\u{FFE1}',
        '\u{AC}' => '\u{FFE2}',
        '\u{A5}' => '\\',
        other => other,
    }
}

fn encodes(c: char) -> bool {
    let mut buffer = [0; 4];
    let (_, _, lossy) = encoding_rs::SHIFT_JIS.encode(windows(c).encode_utf8(&mut buffer));
    !lossy
}

fn unmappable(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !c.is_ascii() && !encodes(*c))
}

fn cp932(text: &str) -> Vec<u8> {
    let text: String =
        text.chars().map(|c| if c.is_ascii() || encodes(c) { windows(c) } else { '〓' }).collect();
    encoding_rs::SHIFT_JIS.encode(&text).0.into_owned()
}

/// Writes one thing as indented JSON.
///
/// # Errors
/// When the output does not take it.
pub fn json<T: Serialize>(mut out: impl Write, thing: &T) -> Result<(), Failure> {
    serde_json::to_writer_pretty(&mut out, thing)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
