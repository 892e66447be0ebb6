//! Text into records (csv-formats.md §0.2): a state machine over decoded characters, so that a separator never hides in
//! the second byte of a character, and so that it is known whether the file ended properly.

use std::io::Read;

use super::encoding::{CHUNK, Survey, fill};
use super::{ReadError, Refusal};

/// A record longer than this is a quote that was never closed.
const MAX_RECORD: usize = 1 << 20;

/// How cells are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Between cells.
    pub delimiter: char,
    /// Around cells; `None`: a quote is a plain character.
    pub quote: Option<char>,
}

/// One record, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The physical line it begins in, 1-based.
    pub line: u64,
    /// Its cells. Line breaks inside a cell are LF.
    pub fields: Vec<String>,
    /// Whether a line end followed.
    pub terminated: bool,
    /// Whether the last cell was quoted.
    pub last_quoted: bool,
}

impl Record {
    /// Whether no cell holds anything. The end-of-file mark of old systems counts as nothing.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.fields.iter().all(|f| f.trim_matches(|c: char| c.is_whitespace() || c == '\u{1A}').is_empty())
    }
}

/// The records of a file, one by one.
pub struct Records<R> {
    source: R,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    text: String,
    at: usize,
    ended: bool,
    dialect: Dialect,
    line: u64,
    after_cr: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Plain,
    Quoted,
    /// A quote inside a quoted cell: the end of it, or half of a doubled one.
    Closing,
    /// Text after the closing quote, which some writers leave there.
    Closed,
}

impl<R: Read> Records<R> {
    /// From the start of a file.
    ///
    /// # Errors
    /// [`ReadError::Io`].
    pub fn new(mut source: R, survey: &Survey, dialect: Dialect) -> Result<Self, ReadError> {
        fill(&mut source, &mut [0_u8; 3][..survey.bom.min(3)])?;
        Ok(Self {
            source,
            decoder: survey.encoding.decoder(),
            raw: vec![0; CHUNK],
            text: String::new(),
            at: 0,
            ended: false,
            dialect,
            line: 1,
            after_cr: false,
        })
    }

    /// What keeps the cells apart.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn next_char(&mut self) -> Result<Option<char>, ReadError> {
        loop {
            if let Some(c) = self.text[self.at..].chars().next() {
                self.at += c.len_utf8();
                return Ok(Some(c));
            }
            if self.ended {
                return Ok(None);
            }
            let n = fill(&mut self.source, &mut self.raw)?;
            self.ended = n < self.raw.len();
            self.text.clear();
            self.at = 0;
            let room = self.decoder.max_utf8_buffer_length(n).unwrap_or(n.saturating_mul(4));
            self.text.reserve(room);
            // Malformed bytes become U+FFFD; whoever needs the cell refuses it then.
            let _ = self.decoder.decode_to_string(&self.raw[..n], &mut self.text, self.ended);
        }
    }

    /// The next character with line ends folded to LF and counted.
    fn next_folded(&mut self) -> Result<Option<char>, ReadError> {
        loop {
            let c = self.next_char()?;
            let lf_of_crlf = self.after_cr && c == Some('\n');
            self.after_cr = c == Some('\r');
            if lf_of_crlf {
                continue;
            }
            return Ok(match c {
                Some('\r' | '\n') => {
                    self.line += 1;
                    Some('\n')
                }
                c => c,
            });
        }
    }

    /// Skips one physical line, whatever it holds.
    ///
    /// # Errors
    /// [`ReadError::Io`].
    pub fn skip_line(&mut self) -> Result<(), ReadError> {
        while !matches!(self.next_folded()?, None | Some('\n')) {}
        Ok(())
    }

    /// The next record; `None` at the end of the file.
    ///
    /// # Errors
    /// [`ReadError::Refused`] when the file ends inside a quoted cell or inside a character.
    pub fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        let line = self.line;
        let Dialect { delimiter, quote } = self.dialect;
        let (mut fields, mut field) = (Vec::new(), String::new());
        let (mut state, mut length, mut quoted) = (State::Start, 0_usize, false);
        loop {
            let c = self.next_folded()?;
            length += c.map_or(0, char::len_utf8);
            if length > MAX_RECORD {
                return Err(Refusal::at(
                    line,
                    "the record that begins here has no end within 1 MiB: a quote is missing, export the file again",
                )
                .into());
            }
            state = match (state, c) {
                (State::Quoted, None) => {
                    return Err(Refusal::at(
                        line,
                        "the file ends inside a quoted cell of the record that begins here: it was cut off, export or \
                         copy it again",
                    )
                    .into());
                }
                (State::Quoted, Some(c)) if Some(c) == quote => State::Closing,
                (State::Quoted, Some(c)) => {
                    field.push(c);
                    State::Quoted
                }
                (State::Closing, Some(c)) if Some(c) == quote => {
                    field.push(c);
                    State::Quoted
                }
                (State::Start, Some(c)) if Some(c) == quote => {
                    quoted = true;
                    State::Quoted
                }
                // ="0123": the text form of spreadsheets, unquoted (csv-formats.md §0.2).
                (State::Plain, Some(c)) if Some(c) == quote && field == "=" => {
                    field.clear();
                    quoted = true;
                    State::Quoted
                }
                (_, Some(c)) if c == delimiter => {
                    fields.push(std::mem::take(&mut field));
                    quoted = false;
                    State::Start
                }
                (_, end @ (None | Some('\n'))) => {
                    if end.is_none() && fields.is_empty() && field.is_empty() && !quoted {
                        return Ok(None);
                    }
                    if end.is_none() && field.ends_with('\u{FFFD}') {
                        return Err(Refusal::at(
                            line,
                            "the file ends inside a character: it was cut off, export or copy it again",
                        )
                        .into());
                    }
                    fields.push(field);
                    return Ok(Some(Record { line, fields, terminated: end.is_some(), last_quoted: quoted }));
                }
                (state, Some(c)) => {
                    field.push(c);
                    if matches!(state, State::Closing | State::Closed) { State::Closed } else { State::Plain }
                }
            };
        }
    }
}

/// TAB when the first line has one and no comma outside quotes, else comma (csv-formats.md §0.2).
pub(super) fn detect_delimiter<R: Read>(source: R, survey: &Survey) -> Result<char, ReadError> {
    let mut records = Records::new(source, survey, Dialect { delimiter: ',', quote: Some('"') })?;
    let (mut tab, mut comma, mut quoted) = (false, false, false);
    while let Some(c) = records.next_folded()? {
        match c {
            '\n' if !quoted => break,
            '"' => quoted = !quoted,
            '\t' if !quoted => tab = true,
            ',' if !quoted => comma = true,
            _ => {}
        }
    }
    Ok(if tab && !comma { '\t' } else { ',' })
}
