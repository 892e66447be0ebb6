//! What faults make of an answer in XML (yahoo-shopping.md §6.2, §6.3, §8).

use serde_json::Value;

use crate::sim::faults::Fault;
use crate::sim::http::Answer;
use crate::sim::xml::escape;

/// Faults that need the text, then those any body can have.
pub(crate) fn mangle(fault: &Fault, answer: Answer, function: &str) -> Answer {
    let Ok(text) = std::str::from_utf8(&answer.body) else { return fault.mangle(answer) };
    let json = matches!(function, "token" | "authorization");
    let changed = match fault {
        Fault::ExtraElements if json => text.replacen('{', "{\"unknown_member\":[1,null],", 1),
        Fault::ExtraElements => strange(text),
        Fault::Decorated if !json => decorated(text),
        Fault::Doctype if !json => {
            text.replacen("?>\n", "?>\n<!DOCTYPE ResultSet [<!ENTITY mihon \"0\">]>\n", 1)
        }
        Fault::WrongShape if function == "token" => text.replace("3600", "{\"seconds\":3600}"),
        // A root that no edition has.
        Fault::WrongShape => text
            .replace("ResultSet", "Answer")
            .replace("<Result>", "<Answer>")
            .replace("</Result>", "</Answer>"),
        Fault::Withhold if function == "orderList" => without_first(text),
        Fault::Tamper { orders, place, value } => tampered(text, orders, place, value),
        _ => return fault.mangle(answer),
    };
    Answer { body: changed.into_bytes(), ..answer }
}

/// Elements nobody knows, a comment, and the known ones in another order.
fn strange(text: &str) -> String {
    let text = text.replace(
        "<OrderInfo>\n",
        "<OrderInfo>\n<!-- simulated --><Unknown kind=\"a\"><OrderStatus>9</OrderStatus></Unknown>\n",
    );
    // The status comes last instead of first.
    let status = "<Status>OK</Status>\n";
    match (text.contains(status), text.rfind("</Result>")) {
        (true, Some(_)) => {
            let mut text = text.replacen(status, "", 1);
            if let Some(at) = text.rfind("</Result>") {
                text.insert_str(at, status);
            }
            text
        }
        _ => text,
    }
}

/// White space and CDATA in every leaf that has a plain value, a namespace on the root.
fn decorated(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for line in text.lines() {
        let leaf = line.trim_start().strip_prefix('<').and_then(|rest| {
            let (name, rest) = rest.split_once('>')?;
            let value = rest.strip_suffix(&format!("</{name}>"))?;
            (!value.is_empty() && !value.contains(['<', '&'])).then_some((name, value))
        });
        match leaf {
            Some((name, value)) => out.push_str(&format!("<{name}>\n  <![CDATA[{value}]]>\t</{name}>\n")),
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    let out = out.replacen("<Result>", "<Result xmlns=\"urn:yahoo:api\">", 1);
    out.replacen("<ResultSet ", "<ResultSet xmlns:y=\"urn:yahoo:api\" ", 1)
}

/// The first row is gone, the total is not.
fn without_first(text: &str) -> String {
    let (open, close) = ("    <OrderInfo>\n", "    </OrderInfo>\n");
    match (text.find(open), text.find(close)) {
        (Some(from), Some(to)) => format!("{}{}", &text[..from], &text[to + close.len()..]),
        _ => text.to_owned(),
    }
}

/// Another value in one place of some orders. The place is a path of element names, the last of them a leaf.
fn tampered(text: &str, orders: &std::collections::BTreeSet<String>, place: &str, value: &Value) -> String {
    let value = match value {
        Value::Null => String::new(),
        Value::String(text) => escape(text),
        other => other.to_string(),
    };
    let names: Vec<&str> = place.split('/').filter(|name| !name.is_empty()).collect();
    let mut out = String::with_capacity(text.len());
    for (n, part) in text.split("<OrderInfo>").enumerate() {
        if n > 0 {
            out.push_str("<OrderInfo>");
        }
        let concerned = orders.iter().any(|order| part.contains(&format!("<OrderId>{order}</OrderId>")));
        let found = if n > 0 && concerned { leaf(part, &names) } else { None };
        match found {
            Some((from, to)) => {
                out.push_str(&part[..from]);
                out.push_str(&value);
                out.push_str(&part[to..]);
            }
            None => out.push_str(part),
        }
    }
    out
}

/// Where the text of the leaf at the end of a path begins and ends.
fn leaf(text: &str, names: &[&str]) -> Option<(usize, usize)> {
    let mut at = 0;
    for name in names {
        let tag = format!("<{name}>");
        at += text[at..].find(&tag)? + tag.len();
    }
    let end = text[at..].find(&format!("</{}>", names.last()?))?;
    Some((at, at + end))
}
