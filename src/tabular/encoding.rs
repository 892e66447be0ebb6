//! What a file is, found out in one pass over its bytes (csv-formats.md §0.1).

use std::io::Read;

use aws_lc_rs::digest;
use encoding_rs::{DecoderResult, SHIFT_JIS, UTF_8, UTF_16LE};

use super::{ReadError, Refusal};

/// No file of this field is larger; a larger one is refused before it is read further.
pub const MAX_BYTES: u64 = 64 << 20;

/// Bytes taken at a time.
pub(super) const CHUNK: usize = 64 << 10;

/// How text is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Windows-31J, which Japanese manuals call Shift_JIS.
    Cp932,
    /// UTF-8, with or without a BOM.
    Utf8,
    /// UTF-16, little endian: Excel's "Unicode text".
    Utf16Le,
}

impl Encoding {
    /// The word that a profile uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cp932 => "cp932",
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
        }
    }

    /// From that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Cp932, Self::Utf8, Self::Utf16Le].into_iter().find(|e| e.as_str() == word)
    }

    pub(super) fn decoder(self) -> encoding_rs::Decoder {
        match self {
            Self::Cp932 => SHIFT_JIS,
            Self::Utf8 => UTF_8,
            Self::Utf16Le => UTF_16LE,
        }
        .new_decoder_without_bom_handling()
    }
}

/// What the first pass found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Length.
    pub bytes: u64,
    /// SHA-256, hex.
    pub digest: String,
    /// How it is coded.
    pub encoding: Encoding,
    /// Length of the byte order mark.
    pub bom: usize,
}

/// Reads the file once: length, digest, encoding. Detection order: UTF-8 BOM, UTF-16LE BOM, strict UTF-8 with at least
/// one multi-byte sequence, else CP932 (csv-formats.md §0.1). `declared` is what a profile says; a file that cannot be
/// that is refused.
///
/// # Errors
/// [`ReadError::Refused`] when the file is empty, too large, no text (a workbook, UTF-16BE, JIS) or not what was declared.
pub fn survey(mut source: impl Read, declared: Option<Encoding>) -> Result<Survey, ReadError> {
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut chunk = vec![0_u8; CHUNK];
    let mut facts = Facts::default();
    let mut bytes = 0_u64;
    loop {
        let n = fill(&mut source, &mut chunk)?;
        if n == 0 {
            break;
        }
        bytes += n as u64;
        if bytes > MAX_BYTES {
            return Err(Refusal::file("larger than 64 MiB: split it into smaller files").into());
        }
        hash.update(&chunk[..n]);
        facts.take(&chunk[..n]);
    }
    facts.end();
    let (encoding, bom) = facts.decide(declared)?;
    Ok(Survey { bytes, digest: hex(hash), encoding, bom })
}

/// SHA-256 of a file, hex, whatever it holds.
///
/// # Errors
/// When it cannot be read.
pub fn digest(mut source: impl Read) -> std::io::Result<String> {
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut chunk = vec![0_u8; CHUNK];
    loop {
        match fill(&mut source, &mut chunk)? {
            0 => return Ok(hex(hash)),
            n => hash.update(&chunk[..n]),
        }
    }
}

fn hex(hash: digest::Context) -> String {
    hash.finish().as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// Fills `chunk` as far as the source goes.
pub(super) fn fill(source: &mut impl Read, chunk: &mut [u8]) -> std::io::Result<usize> {
    let mut n = 0;
    while n < chunk.len() {
        match source.read(&mut chunk[n..]) {
            Ok(0) => break,
            Ok(m) => n += m,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

struct Facts {
    head: Vec<u8>,
    utf8: Option<encoding_rs::Decoder>,
    scratch: Vec<u8>,
    multi_byte: bool,
    /// A lead byte of three or four: kanji or kana. Two half-width kana in CP932 can look like one of two bytes.
    long_lead: bool,
    nul: bool,
    jis: bool,
    /// UTF-8 up to its last character, which has no end.
    cut: bool,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            head: Vec::new(),
            utf8: Some(Encoding::Utf8.decoder()),
            scratch: vec![0; CHUNK + 16],
            multi_byte: false,
            long_lead: false,
            nul: false,
            jis: false,
            cut: false,
        }
    }
}

impl Facts {
    fn take(&mut self, chunk: &[u8]) {
        if self.head.is_empty() {
            self.head = chunk[..chunk.len().min(8)].to_vec();
        }
        self.multi_byte |= chunk.iter().any(|b| *b >= 0x80);
        self.long_lead |= chunk.iter().any(|b| *b >= 0xE0);
        self.nul |= chunk.contains(&0);
        self.jis |= chunk.windows(2).any(|w| w == b"\x1b$");
        self.validate(chunk, false);
    }

    fn end(&mut self) {
        let whole = self.utf8.is_some();
        self.validate(&[], true);
        self.cut = whole && self.utf8.is_none();
    }

    fn validate(&mut self, mut chunk: &[u8], last: bool) {
        let Some(decoder) = &mut self.utf8 else { return };
        loop {
            let (result, read, _) =
                decoder.decode_to_utf8_without_replacement(chunk, &mut self.scratch, last);
            chunk = &chunk[read..];
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.utf8 = None;
                    return;
                }
            }
        }
    }

    fn decide(&self, declared: Option<Encoding>) -> Result<(Encoding, usize), Refusal> {
        let head = self.head.as_slice();
        let found = if head.is_empty() {
            return Err(Refusal::file("the file is empty: export it again"));
        } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"\xD0\xCF\x11\xE0") {
            return Err(Refusal::file("this is an Excel workbook or an archive, not CSV: save it as CSV"));
        } else if head.starts_with(b"\xEF\xBB\xBF") {
            if self.utf8.is_none() {
                return Err(Refusal::file(
                    "it begins with the mark of UTF-8 and is not UTF-8 throughout: export it again",
                ));
            }
            (Encoding::Utf8, 3)
        } else if head.starts_with(b"\xFF\xFE") {
            (Encoding::Utf16Le, 2)
        } else if head.starts_with(b"\xFE\xFF") {
            return Err(Refusal::file("this is UTF-16 (big endian): save it as CSV UTF-8 or Shift_JIS"));
        } else if declared == Some(Encoding::Utf16Le) {
            (Encoding::Utf16Le, 0)
        } else if self.nul {
            return Err(Refusal::file("it holds zero bytes, so it is no CSV text: export it again as CSV"));
        } else if self.jis {
            return Err(Refusal::file("this is JIS (ISO-2022-JP): save it as CSV UTF-8 or Shift_JIS"));
        } else if self.cut && self.long_lead && declared != Some(Encoding::Cp932) {
            return Err(Refusal::file(
                "the file ends inside a character: it was cut off, export or copy it again",
            ));
        } else if self.utf8.is_some() && self.multi_byte {
            (Encoding::Utf8, 0)
        } else {
            (Encoding::Cp932, 0)
        };
        let (encoding, bom) = found;
        match declared {
            None => Ok(found),
            Some(wanted) if wanted == encoding => Ok(found),
            // Plain ASCII is both; what looks like two-byte UTF-8 may be half-width kana.
            Some(Encoding::Utf8) if !self.multi_byte => Ok((Encoding::Utf8, 0)),
            Some(Encoding::Cp932) if bom == 0 && encoding == Encoding::Utf8 && !self.long_lead => {
                Ok((Encoding::Cp932, 0))
            }
            Some(wanted) => Err(Refusal::file(format!(
                "the profile says encoding = \"{}\", but the file is {}: mend the profile (\"auto\" finds it out) or \
                 export the file again",
                wanted.as_str(),
                encoding.as_str()
            ))),
        }
    }
}
