//! Charsets and XML: what comes from outside is decoded by what it declares, and XML is refused rather than guessed at.

use std::borrow::Cow;

use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};
use serde::de::DeserializeOwned;

pub use super::scrub::{scrub, scrub_code};

/// How far into a document its XML declaration is looked for.
const DECLARATION_BYTES: usize = 256;

/// The text of `bytes`: UTF-8 (a byte order mark is removed), or CP932 where `charset` (of the HTTP header) or the XML
/// declaration says so. The header wins over the declaration.
///
/// # Errors
/// A charset that is neither, or bytes that are not of the charset.
pub fn decode<'a>(bytes: &'a [u8], charset: Option<&str>) -> Result<Cow<'a, str>, String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let declared = charset
        .map(|c| c.trim().trim_matches(['"', '\'']).to_owned())
        .filter(|c| !c.is_empty())
        .or_else(|| declared(bytes));
    let encoding = match &declared {
        None => UTF_8,
        Some(label) => match Encoding::for_label(label.as_bytes()) {
            Some(e) if e == UTF_8 || e == SHIFT_JIS => e,
            None if ["cp932", "ms932"].iter().any(|l| label.eq_ignore_ascii_case(l)) => SHIFT_JIS,
            _ => return Err("declares a charset other than UTF-8 and Shift_JIS".to_owned()),
        },
    };
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or_else(|| format!("is not {} text", encoding.name()))
}

/// The charset of a `Content-Type` value.
#[must_use]
pub fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

/// `encoding="…"` of an XML declaration; it is ASCII in every charset we take.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = &bytes[..bytes.len().min(DECLARATION_BYTES)];
    let head = String::from_utf8_lossy(head);
    let declaration = head.trim_start().strip_prefix("<?xml")?.split("?>").next()?;
    let after = declaration.split("encoding").nth(1)?.trim_start().strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    after[1..].split(quote).next().map(str::to_owned)
}

/// Reads a whole XML document.
///
/// # Errors
/// A DOCTYPE, a control character, a document that does not end with the closing tag of its root, anything not
/// well-formed, or a member that does not fit `T`. The text holds nothing of the document.
pub fn xml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if contains_doctype(text) {
        return Err("XML with a DOCTYPE is refused".to_owned());
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
        return Err("XML with a control character is refused".to_owned());
    }
    let root = root_name(text).ok_or("not XML: no root element")?;
    if !ends_with_root(text, root) {
        return Err("XML cut off: it does not end with the closing tag of its root".to_owned());
    }
    quick_xml::de::from_str(text).map_err(|e| describe(&e))
}

fn contains_doctype(text: &str) -> bool {
    text.match_indices("<!").any(|(at, _)| {
        text.as_bytes().get(at + 2..at + 9).is_some_and(|word| word.eq_ignore_ascii_case(b"DOCTYPE"))
    })
}

/// The name of the first element, past the declaration and comments.
fn root_name(text: &str) -> Option<&str> {
    let mut rest = text.trim_start_matches('\u{FEFF}').trim_start();
    loop {
        if let Some(after) = rest.strip_prefix("<?") {
            rest = after.split_once("?>")?.1.trim_start();
        } else if let Some(after) = rest.strip_prefix("<!--") {
            rest = after.split_once("-->")?.1.trim_start();
        } else {
            break;
        }
    }
    let name = rest.strip_prefix('<')?;
    let end = name.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))?;
    (end > 0).then(|| &name[..end])
}

fn ends_with_root(text: &str, root: &str) -> bool {
    let text = text.trim_end();
    let Some(text) = text.strip_suffix('>') else { return false };
    let closed = text.trim_end().strip_suffix(root).is_some_and(|t| t.ends_with("</"));
    // `<root/>` alone: there is no other tag in the document.
    let empty = text.ends_with('/') && text.rfind('<').is_some_and(|at| text[at + 1..].starts_with(root));
    closed || empty
}

/// What is wrong, without the document's own text: it may hold personal data.
fn describe(error: &quick_xml::DeError) -> String {
    use quick_xml::DeError;
    match error {
        DeError::InvalidXml(_) => "XML is not well-formed".to_owned(),
        DeError::KeyNotRead | DeError::UnexpectedEof => "XML has elements in unexpected places".to_owned(),
        DeError::Custom(m) if m.starts_with("missing field") => format!("XML: {m}"),
        _ => "XML: a member has an unexpected form".to_owned(),
    }
}

/// The title of an HTML page.
#[must_use]
pub fn title(body: &str) -> Option<&str> {
    let (_, rest) = body.split_once("<title>").or_else(|| body.split_once("<TITLE>"))?;
    rest.split('<').next().map(str::trim).filter(|title| !title.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Answer {
        message: String,
    }

    #[test]
    fn charsets_come_from_the_header_then_the_declaration() {
        let (sjis, _, _) = SHIFT_JIS.encode("<?xml version=\"1.0\" encoding=\"Shift_JIS\"?><a>髙①</a>");
        assert!(decode(&sjis, None).unwrap().contains("髙①"));
        let (bare, _, _) = SHIFT_JIS.encode("髙①");
        for label in ["Shift_JIS", "windows-31j", "CP932", "MS932", "\"shift_jis\""] {
            assert_eq!(decode(&bare, Some(label)).unwrap(), "髙①", "{label}");
        }
        assert!(decode(&bare, None).is_err());
        assert_eq!(decode("\u{FEFF}{}".as_bytes(), Some("utf-8")).unwrap(), "{}");
        assert!(decode(b"a", Some("utf-16")).is_err());
        assert_eq!(charset("application/json;charset=UTF-8"), Some("UTF-8"));
        assert_eq!(charset("text/xml"), None);
    }

    #[test]
    fn xml_is_refused_rather_than_guessed_at() {
        let good =
            "<?xml version=\"1.0\"?>\n<!-- c --><r a=\"1\"><message>x &amp; &#12354;</message><more/></r >\n";
        assert_eq!(xml::<Answer>(good).unwrap().message, "x & あ");
        let refused = [
            "<!DOCTYPE r [<!ENTITY a \"b\">]><r><message>&a;</message></r>",
            "<!doctype r><r><message>x</message></r>",
            "<r><message>x</message>",
            "<r><message>x</message></r",
            "<r><message>x</message></r><!-- trailing -->",
            "<r><message>x\u{1}</message></r>",
            "<r><message>&other;</message></r>",
            "<r/>",
            "",
            "plain",
        ];
        for text in refused {
            assert!(xml::<Answer>(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), label in "[a-zA-Z0-9_\"-]{0,10}") {
            let _ = decode(&bytes, Some(&label));
            let _ = decode(&bytes, None);
        }

        #[test]
        fn xml_never_panics(text in "[<>/?!a-c \"'=&;#x0-9\\-\u{3042}\\n]{0,80}") {
            let _ = xml::<Answer>(&text);
            let wrapped = format!("<r>{text}</r>");
            let _ = xml::<Answer>(&wrapped);
        }
    }
}
