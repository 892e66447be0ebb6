//! Records into rows of one width, under their header (csv-formats.md §0.2).

use std::io::Read;

use super::records::{Record, Records};
use super::values::clean;
use super::{ReadError, Refusal};

/// One row of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The physical line it begins in, 1-based.
    pub line: u64,
    /// As many cells as the header has, text forms of spreadsheets unwrapped.
    pub cells: Vec<String>,
    /// The row cannot be used: it has more cells than the header, and something in them.
    pub problem: Option<String>,
}

impl Row {
    /// A cell, trimmed; empty when there is none.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |c| c.trim())
    }
}

/// The rows of a file.
pub struct Sheet<R> {
    records: Records<R>,
    /// The names of the columns, as written; `None` when the file has no header.
    pub header: Option<Vec<String>>,
    /// The first line of the table.
    pub first_line: u64,
    width: usize,
    /// The first record, when it is data.
    first: Option<Record>,
    all_full: bool,
    rows: u64,
    header_terminated: bool,
    /// Whether the first record quotes its last cell: then so does every whole record.
    quotes_last: bool,
}

impl<R: Read> Sheet<R> {
    /// Reads up to the first row. `is_header` is shown the first record that holds anything.
    ///
    /// # Errors
    /// [`ReadError`]; a file without any record is refused.
    pub fn open(
        mut records: Records<R>,
        skip_lines: u32,
        is_header: impl FnOnce(&[String]) -> bool,
    ) -> Result<Self, ReadError> {
        for _ in 0..skip_lines {
            records.skip_line()?;
        }
        let first = loop {
            match records.next_record()? {
                Some(record) if record.is_blank() => {}
                Some(record) => break record,
                None => return Err(Refusal::file("the file holds no row at all: export it again").into()),
            }
        };
        let mut names = first.fields.iter().map(|f| clean(f)).collect::<Vec<_>>();
        let (header, width, pending) = if is_header(&names) {
            while names.last().is_some_and(|n| n.trim().is_empty()) {
                names.pop();
            }
            (Some(names.clone()), names.len(), None)
        } else {
            (None, names.len(), Some(first.clone()))
        };
        Ok(Self {
            records,
            header,
            first_line: first.line,
            width,
            first: pending,
            all_full: true,
            rows: 0,
            header_terminated: first.terminated,
            quotes_last: first.last_quoted,
        })
    }

    /// How many cells a whole row has.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// What keeps the cells apart.
    #[must_use]
    pub const fn delimiter(&self) -> char {
        self.records.dialect().delimiter
    }

    /// The next row that holds anything; `None` at the end.
    ///
    /// # Errors
    /// [`ReadError::Refused`] when the file was cut off in its middle.
    pub fn next_row(&mut self) -> Result<Option<Row>, ReadError> {
        loop {
            let record = match self.first.take() {
                Some(record) => Some(record),
                None => self.records.next_record()?,
            };
            let Some(record) = record else {
                if self.rows == 0 && self.header.is_some() && !self.header_terminated {
                    return Err(Refusal::at(
                        self.first_line,
                        "the file ends in its header: it was cut off, export or copy it again",
                    )
                    .into());
                }
                return Ok(None);
            };
            let blank = record.is_blank();
            if blank && record.fields.len() == 1 {
                continue;
            }
            self.refuse_cut(&record)?;
            if blank {
                continue;
            }
            self.all_full &= record.fields.len() >= self.width;
            self.rows += 1;
            return Ok(Some(self.fit(&record)));
        }
    }

    /// A last record without its line end that is shorter than all others, that lacks the quotes all others end in, or
    /// that is the only one.
    fn refuse_cut(&self, record: &Record) -> Result<(), Refusal> {
        if record.terminated {
            return Ok(());
        }
        let cells = record.fields.len();
        let short = cells < self.width && self.all_full;
        let bare = self.quotes_last
            && !record.last_quoted
            && cells == self.width
            && record.fields.last().is_some_and(String::is_empty);
        // Without a header nothing tells the whole width when there is but one record.
        let only = self.header.is_none() && self.rows == 0;
        if short || bare || only {
            return Err(Refusal::at(
                record.line,
                format!(
                    "the last record has no end ({cells} of {} cells): the file was cut off, export or copy it again",
                    self.width
                ),
            ));
        }
        Ok(())
    }

    fn fit(&self, record: &Record) -> Row {
        let extra = record.fields.iter().skip(self.width).any(|f| !f.trim().is_empty());
        let problem = extra
            .then(|| format!("column count: {} cells under a header of {}", record.fields.len(), self.width));
        let mut cells = record.fields.iter().take(self.width).map(|f| clean(f)).collect::<Vec<_>>();
        cells.resize(self.width, String::new());
        Row { line: record.line, cells, problem }
    }
}
