//! CSV in and out: encodings, records, cells as people and spreadsheets write them, mapping profiles
//! (csv-formats.md §0 and §4.1).
//!
//! A file is read twice as a stream: [`survey`] finds out what it is (digest, encoding, whether it is text at all), then
//! [`Sheet`] gives its rows one by one. A file that was cut off in the middle is refused whole by either.

use std::io::{self, Read};

use thiserror::Error;

/// What a file is: size, digest, encoding.
pub mod encoding;
/// Mapping profiles: which column is what.
pub mod profile;
/// Text into records: separators, quotes, line breaks.
pub mod records;
/// Records into rows of one width, under their header.
pub mod sheet;
/// Cells: keys, dates, amounts, what spreadsheets destroy.
pub mod values;
/// CSV files for people.
pub mod write;

pub use encoding::{Encoding, MAX_BYTES, Survey, digest, survey};
pub use profile::Profile;
pub use records::{Dialect, Records};
pub use sheet::{Row, Sheet};

/// A file is not used at all. Says what, where and what to do, and holds no cell of a data row.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{reason}", line.map(|l| format!("line {l}: ")).unwrap_or_default())]
pub struct Refusal {
    /// Physical line, 1-based, where there is one.
    pub line: Option<u64>,
    /// What is wrong and what to do.
    pub reason: String,
}

impl Refusal {
    /// About the file as a whole.
    pub fn file(reason: impl Into<String>) -> Self {
        Self { line: None, reason: reason.into() }
    }

    /// About a line.
    pub fn at(line: u64, reason: impl Into<String>) -> Self {
        Self { line: Some(line), reason: reason.into() }
    }
}

/// Why reading stopped.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file could not be read: it may work later.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The file can be read and is not usable.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The survey of a file and its first record, so that the separator can be found out.
///
/// `open` gives the file from its start; it is called twice.
///
/// # Errors
/// [`ReadError`].
pub fn open<R: Read>(
    mut open: impl FnMut() -> io::Result<R>,
    declared: Option<Encoding>,
    delimiter: Option<char>,
    quote: Option<char>,
) -> Result<(Survey, Records<R>), ReadError> {
    let survey = survey(open()?, declared)?;
    let delimiter = match delimiter {
        Some(delimiter) => delimiter,
        None => records::detect_delimiter(open()?, &survey)?,
    };
    let records = Records::new(open()?, &survey, Dialect { delimiter, quote })?;
    Ok((survey, records))
}
