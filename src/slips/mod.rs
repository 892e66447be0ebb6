//! Carriers' slip files (csv-formats.md §1 and §2), cleaned and ready to be matched with orders. Nothing here knows an
//! order: what becomes of a row is the store's to say.

use std::io::Read;

use chrono::NaiveDate;

pub use crate::tabular::Refusal;

use crate::domain::order::Carrier;
use crate::domain::slip::{RowOutcome, RowReport, SlipRow};
use crate::tabular::{self, ReadError, Sheet, values};

/// ヤマト B2クラウド, 発行済データ.
mod b2;
/// Slip numbers and kinds.
mod number;

/// A file, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Good rows, in the order of the file.
    pub rows: Vec<SlipRow>,
    /// Rows that cannot be used, each once, with everything wrong with it.
    pub refused: Vec<RowReport>,
    /// Rows without a number: not issued yet.
    pub not_issued: usize,
    /// Things a person should know about rows that are used: `b2.csv:12: …`.
    pub notes: Vec<String>,
    /// SHA-256 of the file, hex.
    pub digest: String,
}

/// Reads a carrier's file. `file_name` stands in `SlipRow::source`; folders in it are dropped.
///
/// # Errors
/// [`Refusal`] when the file as a whole is not usable: another layout, a wrong encoding, cut off in its middle.
pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Parsed, Refusal> {
    parse_from(file_name, || Ok(bytes)).map_err(|e| match e {
        ReadError::Refused(refusal) => refusal,
        ReadError::Io(e) => Refusal::file(format!("cannot be read: {e}")),
    })
}

/// The same from a file on disk: `open` gives it from its start, and is called more than once.
///
/// # Errors
/// [`ReadError`].
pub fn parse_from<R: Read>(
    file_name: &str,
    open: impl FnMut() -> std::io::Result<R>,
) -> Result<Parsed, ReadError> {
    let (survey, records) = tabular::open(open, None, None, Some('"'))?;
    let mut sheet = Sheet::open(records, 0, b2::is_header)?;
    let layout = b2::Layout::find(sheet.header.as_deref(), sheet.width(), sheet.first_line)?;
    let mut parsed = Parsed {
        rows: Vec::new(),
        refused: Vec::new(),
        not_issued: 0,
        notes: Vec::new(),
        digest: survey.digest,
    };
    let file = base_name(file_name);
    let mut first = true;
    while let Some(row) = sheet.next_row()? {
        if std::mem::take(&mut first) && sheet.header.is_none() {
            layout.refuse_unless_data(&row)?;
        }
        let source = format!("{file}:{}", row.line);
        match layout.read(&row, &source) {
            b2::Reading::NotIssued => parsed.not_issued += 1,
            b2::Reading::Slip { row, notes } => {
                parsed.notes.extend(notes.iter().map(|note| format!("{source}: {note}")));
                parsed.rows.push(*row);
            }
            b2::Reading::Refused { order_key, number, reason } => parsed.refused.push(RowReport {
                source,
                order_key,
                number,
                outcome: RowOutcome::Refused,
                reason,
            }),
        }
    }
    Ok(parsed)
}

/// The row of a slip that a person types in. A Yamato number must pass the check digit; other carriers' are taken as they
/// are, folded to digits and capitals.
///
/// # Errors
/// What is wrong with the number and what was expected.
pub fn row_from_person(
    number: &str,
    carrier: Carrier,
    ship_date: Option<NaiveDate>,
    actor: &str,
) -> Result<SlipRow, String> {
    let folded = values::slip_key(number);
    let allowed = |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || c == '-';
    if !values::nfkc(number).chars().all(allowed) {
        return Err("a slip number holds digits, letters, blanks and hyphens only".to_owned());
    }
    let number = match carrier {
        Carrier::Yamato => number::yamato(&folded)?.0,
        // csv-formats.md §0.6: 8 to 20 takes in every carrier of this field; their check digits are not certain.
        _ if (8..=20).contains(&folded.len()) => folded,
        _ => {
            return Err(format!(
                "a slip number has 8 to 20 digits or letters, this one has {}",
                folded.len()
            ));
        }
    };
    Ok(SlipRow {
        source: format!("person:{actor}"),
        order_key: String::new(),
        other_keys: Vec::new(),
        reception_numbers: Vec::new(),
        trader_code: None,
        number,
        carrier,
        kind: String::new(),
        ship_date,
        postal_code: None,
        package_id: None,
        b2_registers: None,
        by_number: false,
    })
}

fn base_name(file_name: &str) -> &str {
    file_name.rsplit(['/', '\\']).next().unwrap_or(file_name)
}
