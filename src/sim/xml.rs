//! XML that a client sends: a small tree, read strictly.

use quick_xml::Reader;
use quick_xml::events::Event;

/// An element. A leaf has text, any other has children.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) children: Vec<Node>,
}

const DEPTH: usize = 16;

impl Node {
    /// The one child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of a leaf below, trimmed; `None` when it is missing or empty.
    pub(crate) fn leaf(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// The first child that is not among `known`, or comes twice, or is a leaf with children of its own.
    pub(crate) fn stranger(&self, known: &[&str]) -> Option<&str> {
        self.children
            .iter()
            .enumerate()
            .find(|(n, child)| {
                !known.contains(&child.name.as_str())
                    || self.children[..*n].iter().any(|earlier| earlier.name == child.name)
            })
            .map(|(_, child)| child.name.as_str())
    }
}

/// Reads a document with the root `name`; `None` for anything else, half documents, entities and document types included.
pub(crate) fn read(body: &[u8], name: &str) -> Option<Node> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Node> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                if root.is_some() || open.len() == DEPTH {
                    return None;
                }
                open.push(Node { name: element.name().as_ref().to_owned(), ..Node::default() });
            }
            Event::End(_) => {
                let node = open.pop()?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None => root = Some(node),
                }
            }
            Event::Text(text) => push(&mut open, &text.xml10_content())?,
            Event::CData(text) => push(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let c = match reference.resolve_char_ref().ok()? {
                    Some(c) => c,
                    None => match reference.xml10_content().as_ref() {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => return None,
                    },
                };
                push(&mut open, c.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return None,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Empty(_) => {}
            Event::Eof => return root.filter(|root| open.is_empty() && root.name == name),
        }
    }
}

/// Outside of the root only white space may stand.
fn push(open: &mut [Node], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(node) => node.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return None,
    }
    Some(())
}

/// Text with what XML reserves written as references.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
