//! XML as a tree, for answers whose elements come in any order, repeat, and carry more than was asked for. A document is
//! refused rather than guessed at; nothing of it is ever repeated in an error.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::{BytesRef, Event};
use thiserror::Error as ThisError;

/// Elements within elements: the deepest answer known has seven.
const DEPTH: usize = 32;

/// Why a document is not read.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum XmlError {
    /// It ends before its root does: half an answer.
    #[error("XML cut off after {0} bytes")]
    CutOff(usize),
    /// It is whole, and wrong.
    #[error("XML {0}")]
    Refused(&'static str),
}

/// One element. Names are local ones: prefixes and namespaces say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Local name.
    pub name: String,
    /// Its own text and CDATA sections, joined.
    pub text: String,
    /// In the order of the document.
    pub children: Vec<Element>,
    /// Where it stands in the document, tags included, in bytes.
    pub span: Range<usize>,
}

impl Element {
    /// Reads a whole document.
    ///
    /// # Errors
    /// [`XmlError`]: half a document; a DOCTYPE, a control character, an entity that XML does not define, more than 32
    /// levels, or anything else not well-formed.
    pub fn parse(document: &str) -> Result<Self, XmlError> {
        if document.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
            return Err(XmlError::Refused("with a control character"));
        }
        Parser { document, open: Vec::new(), root: None }.run()
    }

    /// The first child of that name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|c| c.name == name)
    }

    /// Every child of that name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// Text of the first child of that name that has any, without white space around it.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.all(name).map(|c| c.text.trim()).find(|t| !t.is_empty())
    }

    /// `document`'s text of this element, less every element within it that `drop` names.
    #[must_use]
    pub fn raw(&self, document: &str, drop: fn(&str) -> bool) -> Vec<u8> {
        let mut kept = Vec::new();
        let mut from = self.span.start;
        self.dropped(drop, &mut |span| {
            kept.extend_from_slice(document.get(from..span.start).unwrap_or_default().as_bytes());
            from = span.end;
        });
        kept.extend_from_slice(document.get(from..self.span.end).unwrap_or_default().as_bytes());
        kept
    }

    fn dropped(&self, drop: fn(&str) -> bool, found: &mut dyn FnMut(&Range<usize>)) {
        for child in &self.children {
            if drop(&child.name) {
                found(&child.span);
            } else {
                child.dropped(drop, found);
            }
        }
    }
}

struct Parser<'a> {
    document: &'a str,
    open: Vec<Element>,
    root: Option<Element>,
}

impl Parser<'_> {
    fn run(mut self) -> Result<Element, XmlError> {
        // The reader does not count a byte order mark.
        let bare = self.document.trim_start_matches('\u{FEFF}');
        let mark = self.document.len() - bare.len();
        let mut reader = Reader::from_str(bare);
        reader.config_mut().expand_empty_elements = true;
        loop {
            let start = mark + position(&reader);
            let event = reader.read_event().map_err(|e| self.describe(&e))?;
            let end = mark + position(&reader);
            match event {
                Event::Start(tag) => {
                    if self.root.is_some() {
                        return Err(XmlError::Refused("with something after its root"));
                    }
                    if self.open.len() == DEPTH {
                        return Err(XmlError::Refused("with too many levels"));
                    }
                    let name = tag.local_name().as_ref().to_owned();
                    self.open.push(Element { name, span: start..start, ..Element::default() });
                }
                Event::End(_) => {
                    let Some(mut element) = self.open.pop() else {
                        return Err(XmlError::Refused("is not well-formed"));
                    };
                    element.span.end = end;
                    match self.open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => self.root = Some(element),
                    }
                }
                Event::Text(text) => self.text(&text.xml10_content())?,
                Event::CData(text) => self.text(&text.xml10_content())?,
                Event::GeneralRef(entity) => {
                    let c = character(&entity).ok_or(XmlError::Refused("with an unknown entity"))?;
                    self.text(c.encode_utf8(&mut [0; 4]))?;
                }
                Event::DocType(_) => return Err(XmlError::Refused("with a DOCTYPE")),
                Event::Eof => break,
                _ => {}
            }
        }
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(XmlError::CutOff(self.document.len())),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']).is_empty() => {}
            None => return Err(XmlError::Refused("with text outside its root")),
        }
        Ok(())
    }

    /// A document that stops in the middle of a tag, a comment or a section is half a document.
    fn describe(&self, error: &Error) -> XmlError {
        match error {
            Error::Syntax(SyntaxError::InvalidBangMarkup) if self.document.trim_end().ends_with('>') => {
                XmlError::Refused("is not well-formed")
            }
            Error::Syntax(_) => XmlError::CutOff(self.document.len()),
            _ if !self.document.trim_end().ends_with('>') => XmlError::CutOff(self.document.len()),
            _ => XmlError::Refused("is not well-formed"),
        }
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX / 2)
}

/// A character reference, or one of the five entities of XML itself.
fn character(entity: &BytesRef<'_>) -> Option<char> {
    if let Some(c) = entity.resolve_char_ref().ok()? {
        return Some(c).filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'));
    }
    let name: &str = entity.as_ref();
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// `text` as the content of an element: escaped, less the characters that XML 1.0 does not take.
#[must_use]
pub fn escaped(text: &str) -> String {
    let legal = |c: &char| {
        matches!(c, '\t' | '\n' | '\r') || (!c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}'))
    };
    let text: String = text.chars().filter(legal).collect();
    quick_xml::escape::escape(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_come_in_any_order_repeat_and_keep_their_place() {
        let document = "\u{FEFF}<?xml version=\"1.0\"?>\n<!-- c --><r a=\"1\" xmlns=\"urn:x\"><p:a xmlns:p=\"u\"> 1 </p:a><b><![CDATA[<&>]]> &amp; &#x3042;</b><a>2</a><c/></r>\n";
        let root = Element::parse(document).unwrap();
        assert_eq!((root.name.as_str(), root.children.len()), ("r", 4));
        assert_eq!(root.all("a").map(|a| a.text.trim()).collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(root.value("a"), Some("1"));
        assert_eq!(root.value("b"), Some("<&> & あ"));
        assert_eq!(root.value("c"), None);
        assert_eq!(&document[root.child("c").unwrap().span.clone()], "<c/>");
        let raw = String::from_utf8(root.raw(document, |name| name == "b")).unwrap();
        assert!(
            raw.starts_with("<r ") && raw.ends_with("</a><a>2</a><c/></r>".trim_start_matches("</a>")),
            "{raw}"
        );
        assert!(!raw.contains("CDATA"));
    }

    #[test]
    fn what_is_wrong_is_told_from_what_is_half() {
        let refused = |text: &str| matches!(Element::parse(text), Err(XmlError::Refused(_)));
        let cut = |text: &str| matches!(Element::parse(text), Err(XmlError::CutOff(_)));
        for text in [
            "<!DOCTYPE r [<!ENTITY a \"b\">]><r>&a;</r>",
            "<r>\u{1}</r>",
            "<r>&#1;</r>",
            "<r>&other;</r>",
            "<r><a></r>",
            "<r></r><r></r>",
            "<r></r>x",
            "</r>",
        ] {
            assert!(refused(text), "{text:?}: {:?}", Element::parse(text));
        }
        let deep = format!("{}{}", "<a>".repeat(33), "</a>".repeat(33));
        assert!(refused(&deep));
        for text in
            ["", "<?xml version=\"1.0\"?>", "<r", "<r>", "<r><a>x", "<r><![CDATA[x>", "<r><!-- >", "<r>&am"]
        {
            assert!(cut(text), "{text:?}: {:?}", Element::parse(text));
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_is_escaped_reads_back(text in "[<>/?!a-c \"'=&;#x0-9\\-\\[\\]\u{3042}\\n\u{1}]{0,80}") {
            let _ = Element::parse(&text);
            let _ = Element::parse(&format!("<r>{text}</r>"));
            let read = Element::parse(&format!("<r>{}</r>", escaped(&text))).unwrap();
            let legal: String = text.chars().filter(|c| *c != '\u{1}').collect();
            prop_assert_eq!(read.text, legal);
        }
    }
}
