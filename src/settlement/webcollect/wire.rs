//! What comes back over the wire: XML (kuroneko-webcollect.md §3).

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use thiserror::Error;

use super::codes::is_code;
use crate::http::text::scrub_code;

/// An answer that says nothing: the outcome of a change is unknown, never "failed", never "ok" (§3.1 rules 1–3). Shows
/// nothing of the body.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// The gateway answers failures too with 200.
    #[error("HTTP status {0}")]
    Status(u16),
    /// Nothing but white space.
    #[error("an empty body")]
    Empty,
    /// A maintenance or proxy page.
    #[error("an HTML page instead of an answer")]
    Html,
    /// Not UTF-8.
    #[error("a body that is not UTF-8")]
    NotUtf8,
    /// Nothing of it is expanded.
    #[error("a body with a DOCTYPE")]
    Doctype,
    /// The closing tag of the root never came.
    #[error("a body cut off before its closing tag")]
    Truncated,
    /// Not well-formed.
    #[error("a body that is not XML (byte {0})")]
    NotXml(u64),
    /// Well-formed, and not an answer.
    #[error("an answer without returnCode")]
    NoReturnCode,
}

/// Leaves by name, trimmed; empty ones are the same as missing ones (§3.1 rule 5) and not kept.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Leaves(Vec<(String, String)>);

impl Leaves {
    /// Every value of that name, in the order of the document.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The value of that name; values that differ are joined with `/`, so that none of them is taken for the truth.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<String> {
        let mut joined: Option<String> = None;
        let mut first = None;
        for value in self.all(name) {
            match &mut joined {
                None => {
                    first = Some(value);
                    joined = Some(value.to_owned());
                }
                Some(_) if first == Some(value) => {}
                Some(text) => {
                    text.push('/');
                    text.push_str(value);
                }
            }
        }
        joined
    }

    fn push(&mut self, name: String, text: &str) {
        let value = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{3000}');
        if !value.is_empty() {
            self.0.push((name, value.to_owned()));
        }
    }
}

/// A whole answer. `Debug` shows the codes alone: an answer may hold a member's id or a masked card number.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    leaves: Leaves,
    /// `resultData`, or `cardData`, one a block (§3.1).
    pub blocks: Vec<Leaves>,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply")
            .field("return_code", &self.leaf("returnCode"))
            .field("error_code", &self.leaf("errorCode"))
            .field("credit_error_code", &self.credit_error_code())
            .field("blocks", &self.blocks.len())
            .finish()
    }
}

/// What the envelope says (§3.1 rules 6–9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `returnCode` 0 and no `errorCode`.
    Success,
    /// `returnCode` 1 with its `errorCode`.
    Refused(String),
    /// `returnCode` 1 without a cause.
    RefusedWithoutCause,
    /// `returnCode` 0 with an `errorCode`, or a `returnCode` that is neither 0 nor 1.
    Contradiction(String),
}

/// What stands in an attempt for `returnCode` 1 without `errorCode` (§3.1 rule 8).
pub const NO_CODE: &str = "returnCode=1";

impl Reply {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`Unreadable`] for everything that is not a whole answer of the gateway.
    pub fn read(status: u16, body: &[u8]) -> Result<Self, Unreadable> {
        if status != 200 {
            return Err(Unreadable::Status(status));
        }
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        let text = std::str::from_utf8(body).map_err(|e| {
            // Half a character at the very end is a cut, not another charset.
            if e.error_len().is_none() { Unreadable::Truncated } else { Unreadable::NotUtf8 }
        })?;
        let text = text.trim_start();
        if text.is_empty() {
            return Err(Unreadable::Empty);
        }
        if is_html(text) {
            return Err(Unreadable::Html);
        }
        let reply = Walk::default().run(text)?;
        if reply.leaf("returnCode").is_none() {
            return Err(Unreadable::NoReturnCode);
        }
        Ok(reply)
    }

    /// An element directly under the root.
    #[must_use]
    pub fn leaf(&self, name: &str) -> Option<String> {
        self.leaves.one(name)
    }

    /// `creditErrorCode`, also as the maker once spelt it (§3.1 rule 10).
    #[must_use]
    pub fn credit_error_code(&self) -> Option<String> {
        let code = self.leaf("creditErrorCode").or_else(|| self.leaf("creditErrerCode"));
        code.map(|code| scrub_code(&code))
    }

    /// What the envelope says.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let code = self.leaf("errorCode").map(|code| kept(&code));
        let said = self.leaf("returnCode").unwrap_or_default();
        let number = if said.bytes().all(|b| b.is_ascii_digit()) { said.parse::<u32>().ok() } else { None };
        match (number, code) {
            (Some(0), None) => Outcome::Success,
            (Some(1), None) => Outcome::RefusedWithoutCause,
            (Some(1), Some(code)) => Outcome::Refused(code),
            (Some(0), Some(code)) => Outcome::Contradiction(format!(
                "returnCode 0 with errorCode {code}: the one denies the other"
            )),
            (_, code) => Outcome::Contradiction(format!(
                "returnCode {} with errorCode {}: neither 0 nor 1",
                scrub_code(&said),
                code.as_deref().unwrap_or("(none)")
            )),
        }
    }
}

/// A code in capitals when it has the form of one, else as sent (§3.1 rule 9), as far as it may be told.
fn kept(code: &str) -> String {
    let upper = code.to_ascii_uppercase();
    if is_code(&upper) { upper } else { scrub_code(code) }
}

fn is_html(text: &str) -> bool {
    // After the XML declaration that XHTML pages carry.
    let text = match text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => rest.trim_start(),
        None => text,
    };
    let starts = |prefix: &str| {
        text.as_bytes().get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    starts("<!doctype html") || starts("<html")
}

/// A walk over the document: leaves under the root, and leaves of `resultData` and `cardData`. Everything else is passed over.
#[derive(Default)]
struct Walk {
    depth: usize,
    closed: bool,
    leaves: Leaves,
    blocks: Vec<Leaves>,
    block: Option<Leaves>,
    name: String,
    text: String,
}

impl Walk {
    fn run(mut self, text: &str) -> Result<Reply, Unreadable> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        loop {
            let event = reader.read_event().map_err(|e| match e {
                quick_xml::Error::Syntax(_) => Unreadable::Truncated,
                _ => Unreadable::NotXml(reader.error_position()),
            })?;
            let broken = || Unreadable::NotXml(reader.buffer_position());
            match event {
                Event::Start(element) => {
                    if element.attributes().any(|attribute| attribute.is_err()) || self.closed {
                        return Err(broken());
                    }
                    self.open(element.name().as_ref());
                }
                Event::End(_) => self.close(),
                Event::Text(text) => self.text(&text.xml10_content()).ok_or_else(broken)?,
                Event::CData(text) => {
                    if self.depth == 0 {
                        return Err(broken());
                    }
                    self.text.push_str(&text.xml10_content());
                }
                Event::GeneralRef(reference) => {
                    let c = resolve(&reference).filter(|_| self.depth > 0).ok_or_else(broken)?;
                    self.text.push(c);
                }
                Event::DocType(_) => return Err(Unreadable::Doctype),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Empty(_) => {}
                Event::Eof if self.closed => return Ok(Reply { leaves: self.leaves, blocks: self.blocks }),
                Event::Eof if self.depth > 0 => return Err(Unreadable::Truncated),
                Event::Eof => return Err(broken()),
            }
        }
    }

    fn open(&mut self, name: &str) {
        self.depth += 1;
        match self.depth {
            2 if matches!(name, "resultData" | "cardData") => self.block = Some(Leaves::default()),
            2 => self.begin(name),
            3 if self.block.is_some() => self.begin(name),
            // Deeper elements are unknown ones; their text counts as the leaf's, so that nothing hides in them.
            _ => {}
        }
    }

    fn begin(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.text.clear();
    }

    fn close(&mut self) {
        match self.depth {
            1 => self.closed = true,
            2 => match self.block.take() {
                Some(block) => self.blocks.push(block),
                None => self.leaves.push(std::mem::take(&mut self.name), &self.text),
            },
            3 => {
                if let Some(block) = &mut self.block {
                    block.push(std::mem::take(&mut self.name), &self.text);
                }
            }
            _ => {}
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// `None` for text outside the root.
    fn text(&mut self, text: &str) -> Option<()> {
        if self.depth == 0 {
            return text.trim().is_empty().then_some(());
        }
        self.text.push_str(text);
        Some(())
    }
}

/// The character behind `&…;`: one by number, or one of the five that XML knows. Others would need a DOCTYPE.
fn resolve(reference: &BytesRef<'_>) -> Option<char> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok().flatten();
    }
    match reference.xml10_content().as_ref() {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}
