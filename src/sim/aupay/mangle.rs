//! Faults that need the XML, then those that any body can have.

use std::fmt::Write as _;

use crate::sim::faults::Fault;
use crate::sim::http::Answer;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Does to an answer what the fault says.
pub(crate) fn apply(fault: &Fault, answer: Answer) -> Answer {
    let Ok(text) = std::str::from_utf8(&answer.body) else { return fault.mangle(answer) };
    let Some(rest) = text.strip_prefix(DECLARATION) else { return fault.mangle(answer) };
    let body = match fault {
        Fault::Doctype => {
            format!("{DECLARATION}<!DOCTYPE response [<!ENTITY mihon \"0\">]>\n{rest}")
        }
        Fault::Decorated => decorated(text),
        Fault::ExtraElements => extra(text),
        Fault::WrongShape => text.replacen("<status>0</status>", "<status><of>?</of></status>", 1),
        Fault::Withhold => withhold(text),
        _ => return fault.mangle(answer),
    };
    Answer { body: body.into_bytes(), ..answer }
}

/// White space and CDATA around every text.
fn decorated(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(start) = rest.find('>') {
        let (tag, after) = rest.split_at(start + 1);
        out.push_str(tag);
        let end = after.find('<').unwrap_or(after.len());
        let (between, next) = after.split_at(end);
        if next.starts_with("</") && !between.trim().is_empty() {
            let plain = between.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            // A string is no sink that can fail.
            let _ = write!(out, "\n <![CDATA[{}]]> ", plain.replace("]]>", ""));
        } else {
            out.push_str(between);
        }
        rest = next;
    }
    out.push_str(rest);
    out
}

/// Elements that no client has seen, a comment, and `resultCount` behind the orders.
fn extra(text: &str) -> String {
    let mut text = text.to_owned();
    if let (Some(start), Some(end)) = (text.find("<resultCount>"), text.find("</resultCount>")) {
        let count = text[start..end].to_owned() + "</resultCount>";
        text = text.replacen(&count, "", 1).replacen("</response>", &format!("{count}\n</response>"), 1);
    }
    text.replacen("<response>", "<response><!-- simulated --><notice kind=\"a\"><of>1</of></notice>", 1)
        .replace(
            "</orderInfo>",
            "<unknownElement><detail><unit>1</unit></detail></unknownElement></orderInfo>",
        )
        .replace("</detail>\n<detail>", "<newElement/></detail>\n<detail>")
}

/// The first order of a list is left out, and the count does not say so.
fn withhold(text: &str) -> String {
    match (text.find("<orderInfo>"), text.find("</orderInfo>\n")) {
        (Some(start), Some(end)) => {
            format!("{}{}", &text[..start], &text[end + "</orderInfo>\n".len()..])
        }
        _ => text.to_owned(),
    }
}
