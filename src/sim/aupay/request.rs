//! The XML that a client sends (au-pay-market.md §3, §5): `request` with flat children, read strictly.

use quick_xml::Reader;
use quick_xml::events::Event;

/// A child of the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    /// Trimmed; empty and absent are the same.
    pub(crate) text: String,
    /// It has children: a form that the service does not look into.
    pub(crate) wrapped: bool,
}

/// The children of `request`; `None` for anything else, half documents and document types included.
pub(crate) fn read(body: &[u8]) -> Option<Vec<Element>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let (mut elements, mut depth, mut over) = (Vec::<Element>::new(), 0_usize, false);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                let name = element.name().as_ref().to_owned();
                match depth {
                    0 if over || name != "request" => return None,
                    0 => {}
                    1 => elements.push(Element { name, ..Element::default() }),
                    _ => elements.last_mut()?.wrapped = true,
                }
                depth += 1;
            }
            Event::End(_) => {
                depth = depth.checked_sub(1)?;
                over = depth == 0;
            }
            Event::Text(text) => push(&mut elements, depth, &text.xml10_content())?,
            Event::CData(text) => push(&mut elements, depth, &text.xml10_content())?,
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
                push(&mut elements, depth, c.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return None,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Empty(_) => {}
            Event::Eof => break,
        }
    }
    for element in &mut elements {
        element.text = element.text.trim().to_owned();
    }
    Some(elements).filter(|_| over)
}

/// Between the elements only white space may stand.
fn push(elements: &mut [Element], depth: usize, text: &str) -> Option<()> {
    match (depth, elements.last_mut()) {
        (2, Some(element)) => element.text.push_str(text),
        (0 | 1, _) => return text.trim().is_empty().then_some(()),
        _ => {}
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(name: &str, text: &str) -> Element {
        Element { name: name.into(), text: text.into(), wrapped: false }
    }

    #[test]
    fn flat_requests_are_read_and_nothing_else() {
        let text = "<?xml version=\"1.0\"?>\n<request>\n <shopId>1</shopId><a> x&amp;&#65;<![CDATA[<]]> </a><b/>\n</request>\n";
        assert_eq!(read(text.as_bytes()).unwrap(), [leaf("shopId", "1"), leaf("a", "x&A<"), leaf("b", "")]);
        let wrapped = read(b"<request><order><orderId>1</orderId></order></request>").unwrap();
        assert!(wrapped.len() == 1 && wrapped[0].wrapped);
        for bad in [
            "",
            "<request>",
            "<request/><request/>",
            "<Request/>",
            "<request>text</request>",
            "<!DOCTYPE request><request/>",
            "<request><a>&mihon;</a></request>",
            "<request/>x",
        ] {
            assert_eq!(read(bad.as_bytes()), None, "{bad}");
        }
    }
}
