//! CSV files for people: every cell quoted, CRLF (csv-formats.md §0.3).

use encoding_rs::{EncoderResult, SHIFT_JIS};

use super::Encoding;

/// `〓` in CP932: stands for a character that it does not have.
const SUBSTITUTE: &[u8] = b"\x81\xAC";

/// A CSV file in the making.
pub struct Writer {
    text: String,
    encoding: Encoding,
}

/// A finished file.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// Its bytes; UTF-8 and UTF-16LE begin with a BOM.
    pub bytes: Vec<u8>,
    /// Characters that the encoding does not have, each once, in order of appearance: `〓` stands in their place.
    pub unmappable: Vec<char>,
}

impl Writer {
    /// An empty file.
    #[must_use]
    pub const fn new(encoding: Encoding) -> Self {
        Self { text: String::new(), encoding }
    }

    /// Adds a row. A cell that a spreadsheet would take for a formula gets an apostrophe; these files are read by
    /// people, carriers' and malls' files must not pass here.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        for (i, cell) in cells.into_iter().enumerate() {
            if i > 0 {
                self.text.push(',');
            }
            self.text.push('"');
            let cell = cell.as_ref();
            if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(cell) {
                self.text.push('\'');
            }
            self.text.push_str(&cell.replace('"', "\"\""));
            self.text.push('"');
        }
        self.text.push_str("\r\n");
    }

    /// The file.
    #[must_use]
    pub fn finish(self) -> Written {
        match self.encoding {
            Encoding::Utf8 => {
                Written { bytes: [b"\xEF\xBB\xBF", self.text.as_bytes()].concat(), unmappable: Vec::new() }
            }
            Encoding::Utf16Le => Written {
                bytes: std::iter::once(0xFEFF)
                    .chain(self.text.encode_utf16())
                    .flat_map(u16::to_le_bytes)
                    .collect(),
                unmappable: Vec::new(),
            },
            Encoding::Cp932 => encode_cp932(&self.text),
        }
    }
}

/// A negative amount is no formula.
fn is_number(cell: &str) -> bool {
    cell.strip_prefix('-')
        .is_some_and(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit() || b == b','))
}

fn encode_cp932(text: &str) -> Written {
    // Characters that Windows writes with another code point than Unicode texts do (csv-formats.md §0.1).
    let text: String = text
        .chars()
        .map(|c| match c {
            '\u{301C}' => '\u{FF5E}',
            '\u{2212}' => '\u{FF0D}',
            '\u{2016}' => '\u{2225}',
            '\u{2014}' => '\u{2015}',
            '\u{00A5}' => '\\',
            c => c,
        })
        .collect();
    let mut encoder = SHIFT_JIS.new_encoder();
    let mut written = Written { bytes: Vec::with_capacity(text.len()), unmappable: Vec::new() };
    let mut buffer = vec![0_u8; 8 << 10];
    let mut rest = text.as_str();
    loop {
        let (result, read, n) = encoder.encode_from_utf8_without_replacement(rest, &mut buffer, true);
        written.bytes.extend_from_slice(&buffer[..n]);
        rest = &rest[read..];
        match result {
            EncoderResult::InputEmpty => return written,
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(c) => {
                if !written.unmappable.contains(&c) {
                    written.unmappable.push(c);
                }
                written.bytes.extend_from_slice(SUBSTITUTE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cp932_keeps_windows_characters_and_names_what_it_lacks() {
        let mut w = Writer::new(Encoding::Cp932);
        w.row(["髙﨑①", "〜−", "𠮷野"]);
        let written = w.finish();
        assert_eq!(written.unmappable, ['𠮷']);
        let (text, _, bad) = SHIFT_JIS.decode(&written.bytes);
        assert!(!bad);
        assert_eq!(text, "\"髙﨑①\",\"～－\",\"〓野\"\r\n");
        assert!(written.bytes.windows(4).any(|w| w == b"\xFB\xFC\xFA\xB1"));
    }

    #[test]
    fn formulas_are_disarmed_and_amounts_are_not() {
        let mut w = Writer::new(Encoding::Utf8);
        w.row(["=1+1", "@x", "-1,200", "-cmd", "a\"b"]);
        assert_eq!(
            String::from_utf8(w.finish().bytes).unwrap(),
            "\u{FEFF}\"'=1+1\",\"'@x\",\"-1,200\",\"'-cmd\",\"a\"\"b\"\r\n"
        );
    }
}
