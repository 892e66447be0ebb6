//! From the bytes of a file to its text. Files as Windows saves them and quotes as a Japanese keyboard types them are
//! named as what they are, then mended in memory, so that everything else wrong with the file is found as well.

use encoding_rs::{EUC_JP, Encoding, SHIFT_JIS, UTF_16BE, UTF_16LE};

/// A line and what is wrong there.
pub(super) type Remark = (Option<usize>, String);

/// The text of a file, mended as far as it can be, and what had to be mended.
pub(super) fn read(bytes: &[u8]) -> (String, Vec<Remark>) {
    let mut remarks = Vec::new();
    let text = decode(bytes, &mut remarks);
    let text = mend(&text, &mut remarks);
    (text, remarks)
}

fn decode(bytes: &[u8], remarks: &mut Vec<Remark>) -> String {
    for (mark, encoding) in [(b"\xFF\xFE", UTF_16LE), (b"\xFE\xFF", UTF_16BE)] {
        if bytes.starts_with(mark) {
            remarks.push((
                None,
                "saved as UTF-16 (“Unicode” in Notepad): save it as UTF-8 without BOM".to_owned(),
            ));
            return encoding.decode(bytes).0.into_owned();
        }
    }
    let rest = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if rest.len() < bytes.len() {
        remarks
            .push((Some(1), "saved with a BOM (“UTF-8 with BOM”): save it as UTF-8 without BOM".to_owned()));
    }
    let error = match std::str::from_utf8(rest) {
        Ok(text) => return text.to_owned(),
        Err(error) => error,
    };
    let line = line_of(rest, error.valid_up_to());
    let as_encoding =
        |encoding: &'static Encoding| encoding.decode_without_bom_handling_and_without_replacement(rest);
    // EUC-JP mostly reads as Shift_JIS too, but as a jumble full of half-width katakana.
    let jumble = |text: &str| text.contains(|c| matches!(c, '\u{FF61}'..='\u{FF9F}'));
    let (sjis, euc) = (as_encoding(SHIFT_JIS), as_encoding(EUC_JP));
    let named = match (sjis, euc) {
        (Some(sjis), Some(euc)) if jumble(&sjis) && !jumble(&euc) => Some((euc, "EUC-JP")),
        (Some(sjis), _) => Some((sjis, "Shift_JIS (CP932, “ANSI” in Notepad)")),
        (None, Some(euc)) => Some((euc, "EUC-JP")),
        (None, None) => None,
    };
    if let Some((text, name)) = named {
        let told = format!("saved as {name}, first seen in this line: save it as UTF-8 without BOM");
        remarks.push((Some(line), told));
        return text.into_owned();
    }
    remarks.push((Some(line), "not UTF-8 text from this line on: save it as UTF-8 without BOM".to_owned()));
    String::from_utf8_lossy(rest).into_owned()
}

/// The 1-based line that holds the byte at `offset`.
pub(super) fn line_of(text: &[u8], offset: usize) -> usize {
    text.iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

/// Where in TOML the scanner is. Only outside of strings and comments do characters matter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Plain,
    Comment,
    /// Ends at its quote or, broken, at the end of the line.
    Basic,
    Literal,
    /// Opened by a typographic quote; ends at any kind of quote.
    Wide,
    /// `"""` or `'''`.
    Long(char),
}

fn mend(text: &str, remarks: &mut Vec<Remark>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut place = Place::Plain;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let mut scan = Line { number: index + 1, place, out: String::with_capacity(line.len()), remarks };
        scan.run(line);
        place = scan.place;
        out.push_str(&scan.out);
    }
    out
}

struct Line<'a> {
    number: usize,
    place: Place,
    out: String,
    remarks: &'a mut Vec<Remark>,
}

impl Line<'_> {
    fn run(&mut self, line: &str) {
        let chars: Vec<char> = line.chars().collect();
        let mut at = 0;
        let mut opened = 0;
        while let Some(&c) = chars.get(at) {
            let triple = chars.get(at + 1) == Some(&c) && chars.get(at + 2) == Some(&c);
            match self.place {
                Place::Long(quote) => {
                    if c == '\\' && quote == '"' {
                        self.out.push(c);
                        at += 1;
                        self.out.extend(chars.get(at));
                    } else if c == quote && triple {
                        self.out.extend([c; 3]);
                        at += 2;
                        self.place = Place::Plain;
                    } else {
                        self.out.push(c);
                    }
                }
                Place::Basic if c == '\\' => {
                    self.out.push(c);
                    at += 1;
                    self.out.extend(chars.get(at));
                }
                Place::Basic | Place::Literal => {
                    let quote = if self.place == Place::Basic { '"' } else { '\'' };
                    self.out.push(c);
                    if c == quote {
                        self.place = Place::Plain;
                    }
                }
                Place::Wide if is_wide_quote(c) || c == '"' => {
                    self.out.push('"');
                    self.place = Place::Plain;
                }
                Place::Comment | Place::Wide => self.out.push(c),
                Place::Plain => {
                    opened = self.out.len();
                    if matches!(c, '"' | '\'') && triple {
                        self.out.extend([c; 3]);
                        at += 2;
                        self.place = Place::Long(c);
                    } else {
                        self.plain(c);
                    }
                }
            }
            at += 1;
        }
        self.end(opened);
    }

    /// A character outside of strings and comments.
    fn plain(&mut self, c: char) {
        let (instead, told) = match c {
            '"' => return self.open(c, Place::Basic),
            '\'' => return self.open(c, Place::Literal),
            '#' => return self.open(c, Place::Comment),
            '\u{3000}' => (" ", "an ideographic space (U+3000, 全角スペース)"),
            '\u{A0}' => (" ", "a no-break space (U+00A0)"),
            '\u{200B}' | '\u{FEFF}' => ("", "an invisible character (zero-width space or BOM)"),
            _ if is_wide_quote(c) => ("\"", "a full-width or typographic quote"),
            '‘' | '’' => ("'", "a typographic quote"),
            '\u{FF01}'..='\u{FF5E}' => {
                let ascii = char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(' ');
                self.remark(c, "a full-width character (全角)", &ascii.to_string());
                return match ascii {
                    '#' => self.open('#', Place::Comment),
                    '\'' => self.open('\'', Place::Literal),
                    ascii => self.out.push(ascii),
                };
            }
            c => return self.out.push(c),
        };
        self.remark(c, told, instead);
        self.out.push_str(instead);
        if is_wide_quote(c) {
            self.place = Place::Wide;
        } else if instead == "'" {
            self.place = Place::Literal;
        }
    }

    fn open(&mut self, c: char, place: Place) {
        self.out.push(c);
        self.place = place;
    }

    /// At the end of the line a string that is still open may have been closed by the wrong quote.
    fn end(&mut self, opened: usize) {
        let wrong: &[char] = match self.place {
            Place::Long(_) => return,
            Place::Basic | Place::Wide => &['“', '”', '＂', '„'],
            Place::Literal => &['‘', '’', '＇'],
            Place::Plain | Place::Comment => &[],
        };
        if let Some((at, c)) = self.out.rmatch_indices(wrong).next().map(|(at, c)| (at, c.to_owned()))
            && at > opened
        {
            let straight = if self.place == Place::Literal { "'" } else { "\"" };
            self.remark(c.chars().next().unwrap_or('”'), "a full-width or typographic quote", straight);
            self.out.replace_range(at..at + c.len(), straight);
        }
        self.place = Place::Plain;
    }

    /// One remark a line and character.
    fn remark(&mut self, c: char, what: &str, instead: &str) {
        let shown = if c.is_whitespace() || matches!(c, '\u{200B}' | '\u{FEFF}') {
            String::new()
        } else {
            format!("`{c}` is ")
        };
        let told = match instead {
            "" => format!("{shown}{what}: delete it"),
            " " => format!("{shown}{what}: type an ordinary space"),
            other => format!("{shown}{what}: type {other} (half-width)"),
        };
        let remark = (Some(self.number), told);
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }
}

const fn is_wide_quote(c: char) -> bool {
    matches!(c, '“' | '”' | '„' | '＂' | '〝' | '〟')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> String {
        let (text, remarks) = read(bytes);
        let remarks: Vec<String> =
            remarks.iter().map(|(line, what)| format!("{}: {what}", line.unwrap_or(0))).collect();
        format!("{}\n---\n{text}", remarks.join("\n"))
    }

    #[test]
    fn what_a_japanese_keyboard_types_is_named_and_mended() {
        let text = "url = “sqlite:x”\nlanguage＝＂ja＂　　＃ 言語\na = \"全角＝“ ”　は中では良い\" # “＝”　も\n\
                    ［log］\nfilter = \"info”\nb = '“'\nc = ‘x’\nd = \"\"\"\n＝“\n\"\"\"\ne\u{A0}= １２\n";
        insta::assert_snapshot!(told(text.as_bytes()), @r#"
        1: `“` is a full-width or typographic quote: type " (half-width)
        2: `＝` is a full-width character (全角): type = (half-width)
        2: `＂` is a full-width or typographic quote: type " (half-width)
        2: an ideographic space (U+3000, 全角スペース): type an ordinary space
        2: `＃` is a full-width character (全角): type # (half-width)
        4: `［` is a full-width character (全角): type [ (half-width)
        4: `］` is a full-width character (全角): type ] (half-width)
        5: `”` is a full-width or typographic quote: type " (half-width)
        7: `‘` is a typographic quote: type ' (half-width)
        7: `’` is a full-width or typographic quote: type ' (half-width)
        11: a no-break space (U+00A0): type an ordinary space
        11: `１` is a full-width character (全角): type 1 (half-width)
        11: `２` is a full-width character (全角): type 2 (half-width)
        ---
        url = "sqlite:x"
        language="ja"  # 言語
        a = "全角＝“ ”　は中では良い" # “＝”　も
        [log]
        filter = "info"
        b = '“'
        c = 'x'
        d = """
        ＝“
        """
        e = 12
        "#);
    }

    #[test]
    fn escapes_do_not_end_strings() {
        let text = "a = \"x\\\"＝\"\nb = 'C:\\'\nc = \"\"\"x\\\"\"\"＝\"\"\"\n";
        assert_eq!(read(text.as_bytes()), (text.to_owned(), Vec::new()));
    }

    #[test]
    fn encodings_are_named() {
        let text = "a = 1\r\n# ショップ\r\n";
        let (sjis, _, _) = SHIFT_JIS.encode(text);
        let (euc, _, _) = EUC_JP.encode("a = 1\n# 文字・漢字仮名\n");
        let utf16: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let all = [
            told(&sjis),
            told(&euc),
            told(&utf16),
            told(b"\xEF\xBB\xBFa = 1\n"),
            told(b"a = 1\nb = \"\xFF\xFF\"\n"),
        ];
        insta::assert_snapshot!(all.join("\n====\n"), @r#"
        2: saved as Shift_JIS (CP932, “ANSI” in Notepad), first seen in this line: save it as UTF-8 without BOM
        ---
        a = 1
        # ショップ

        ====
        2: saved as EUC-JP, first seen in this line: save it as UTF-8 without BOM
        ---
        a = 1
        # 文字・漢字仮名

        ====
        0: saved as UTF-16 (“Unicode” in Notepad): save it as UTF-8 without BOM
        ---
        a = 1
        # ショップ

        ====
        1: saved with a BOM (“UTF-8 with BOM”): save it as UTF-8 without BOM
        ---
        a = 1

        ====
        2: not UTF-8 text from this line on: save it as UTF-8 without BOM
        ---
        a = 1
        b = "��"
        "#);
    }

    #[test]
    fn windows_line_ends_are_fine() {
        let text = "a = 1\r\nb = \"x\"\r\n";
        assert_eq!(read(text.as_bytes()), (text.to_owned(), Vec::new()));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            read(&bytes);
        }

        #[test]
        fn lines_stay_where_they_are(text in "[a=\"'“”＝＂　#\\\\\n１]{0,60}") {
            let (mended, _) = read(text.as_bytes());
            proptest::prop_assert_eq!(mended.matches('\n').count(), text.matches('\n').count());
        }
    }
}
