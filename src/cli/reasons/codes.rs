//! The gateway's codes and statuses: their own Japanese stands in the connector's tables, beside the plain English.

use super::people;
use crate::config::Language;
use crate::settlement::webcollect::codes::{code_table, credit_row, describe, meaning, row};
use crate::settlement::webcollect::map::{mend, status_name};

/// `text` in Japanese where it is a status, a code with what follows from it, or what a code means.
pub(super) fn japanese(text: &str) -> Option<String> {
    status(text).or_else(|| described(text)).or_else(|| meant(text))
}

/// `与信完了: authorised`.
fn status(text: &str) -> Option<String> {
    let (japanese, _) = text.split_once(": ")?;
    let mut known = (0..=99_u32).filter_map(|number| status_name(&number.to_string()));
    known.any(|name| name == text).then(|| japanese.to_owned())
}

/// `E012000002 (送り状番号が99件を超える: more than 99 slips on one order): what to do`, with the network's code between; a
/// code that is not listed likewise.
fn described(text: &str) -> Option<String> {
    let unlisted = format!(" ({})", meaning(""));
    let (code, means, rest) = match text.get(..10).and_then(row) {
        Some(known) => (known.code, known.japanese, text.strip_prefix(&describe(known.code))?),
        None => {
            let (code, rest) = text.split_once(&unlisted).filter(|(code, _)| !code.contains(' '))?;
            (code, "一覧にないコード", rest)
        }
    };
    let (network, rest) = credit(rest);
    let told = format!("{code}（{means}）{network}");
    Some(match rest.strip_prefix(": ") {
        Some(action) => format!("{told}: {}", sentences(action)),
        None => told + rest,
    })
}

/// `; creditErrorCode G54 (日本語: English; what to do)`: what of it is Japanese, and what comes after.
fn credit(text: &str) -> (String, &str) {
    let Some(rest) = text.strip_prefix("; creditErrorCode ") else { return (String::new(), text) };
    let end = rest.find([' ', ':', ';']).unwrap_or(rest.len());
    let (code, rest) = rest.split_at(end);
    let Some(row) = credit_row(code) else { return (format!("、creditErrorCode {code}"), rest) };
    let action = row.class.action();
    if let Some(rest) = rest.strip_prefix(&format!(" ({}: {}; {action})", row.japanese, row.english)) {
        let action = people(action, Language::Ja);
        return (format!("、creditErrorCode {code}（{}。{action}）", row.japanese), rest);
    }
    let rest = rest.strip_prefix(&format!(" ({}: {})", row.japanese, row.english)).unwrap_or(rest);
    (format!("、creditErrorCode {code}（{}）", row.japanese), rest)
}

/// What a code means, alone or with what mends it.
fn meant(text: &str) -> Option<String> {
    code_table().iter().filter(|row| text.starts_with(row.japanese)).find_map(|row| {
        let rest = text.strip_prefix(&meaning(row.code))?;
        match rest.strip_prefix("; ") {
            Some(action) if action == mend(row.code) => {
                Some(format!("{}。{}", row.japanese, sentences(action)))
            }
            _ => rest.is_empty().then(|| row.japanese.to_owned()),
        }
    })
}

/// One sentence that is known, or two.
fn sentences(text: &str) -> String {
    let two = |(at, _): (usize, &str)| {
        let (first, rest) = (text.get(..at)?, text.get(at + 2..)?);
        Some(format!("{}。{}", known(first)?, known(rest)?))
    };
    known(text).or_else(|| text.match_indices("; ").find_map(two)).unwrap_or_else(|| text.to_owned())
}

fn known(text: &str) -> Option<String> {
    let japanese = people(text, Language::Ja);
    (japanese != text).then(|| japanese.into_owned())
}
