//! Reasons and findings that the rooms below tell in English, in Japanese for people (decisions.md 37). They are stored and
//! written to JSON and logs as they are; what stands here is only how a person reads them. What is not in the list is
//! shown in English: a reason is never lost for want of a translation.

use std::borrow::Cow;

use super::words;
use crate::config::Language;
use crate::domain::operation::Intent;
use crate::domain::order::Status;
use crate::domain::reconcile::Kind;
use crate::domain::settlement::SettlementState;

mod checked;
mod codes;
mod gateway;
mod looked;
mod planned;
mod reconciled;
mod stored;
#[cfg(test)]
mod whole;

/// `(English, Japanese)`; `{0}`, `{1}` … stand for what differs. The first that fits is taken.
const TABLES: [&[(&str, &str)]; 6] = [
    planned::REASONS,
    reconciled::REASONS,
    looked::REASONS,
    gateway::REASONS,
    stored::REASONS,
    checked::REASONS,
];

fn reasons() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    TABLES.into_iter().flatten()
}

/// `text` as people read it in `language`.
pub fn people(text: &str, language: Language) -> Cow<'_, str> {
    if language == Language::En {
        return Cow::Borrowed(text);
    }
    if let Some(japanese) = codes::japanese(text) {
        return Cow::Owned(japanese);
    }
    for (en, ja) in reasons() {
        if let Some(values) = holes(en, text) {
            let values: Vec<String> = values.into_iter().map(|value| inner(value, language)).collect();
            return Cow::Owned(filled(ja, &values));
        }
    }
    Cow::Borrowed(text)
}

/// What stands in a hole may be a reason or a stable word itself.
fn inner(value: &str, language: Language) -> String {
    Status::from_word(value)
        .map(|status| words::status(status, language))
        .or_else(|| SettlementState::from_word(value).map(|state| words::settlement(state, language)))
        .or_else(|| {
            Intent::KINDS.into_iter().find(|kind| *kind == value).map(|kind| words::kind(kind, language))
        })
        .map(str::to_owned)
        .or_else(|| kinds(value, language))
        .unwrap_or_else(|| people(value, language).into_owned())
}

/// Differences by kind: `amount_differs=2 not_settled=1`.
fn kinds(value: &str, language: Language) -> Option<String> {
    let kind = |word: &str| {
        let (kind, count) = word.split_once('=')?;
        Some(format!("{} {count}", words::difference(Kind::from_word(kind)?, language)))
    };
    let kinds: Option<Vec<String>> = value.split(' ').map(kind).collect();
    kinds.map(|kinds| kinds.join(" · "))
}

/// What stands in `text` where `template` has its holes, in the order of the holes' numbers; `None` when it does not fit.
fn holes<'t>(template: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut pieces = template.split('{');
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut values = Vec::new();
    for piece in pieces {
        let (_, literal) = piece.split_once('}')?;
        let end = if literal.is_empty() { rest.len() } else { rest.find(literal)? };
        values.push(rest.get(..end)?);
        rest = rest.get(end + literal.len()..)?;
    }
    rest.is_empty().then_some(values)
}

fn filled(template: &str, values: &[String]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (number, tail) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(number.parse().ok().and_then(|n: usize| values.get(n)).map_or("", String::as_str));
        rest = tail;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn ja(text: &str) -> String {
        people(text, Language::Ja).into_owned()
    }

    #[test]
    fn facts_are_kept_and_words_inside_are_read_too() {
        assert_eq!(ja("the order is pending"), "注文の状態が「保留中」");
        assert_eq!(ja("held: no slip"), "停止中: 送り状番号待ち");
        assert_eq!(ja("2 of 3 parcels have a slip"), "3 個口中 2 個口に伝票があります");
        assert_eq!(
            ja("the gateway holds 1,200 yen, the order's due is 900 yen"),
            "決済側の金額は 1,200 円、注文の請求額は 900 円です"
        );
        assert_eq!(people("the order is pending", Language::En), "the order is pending");
    }

    #[test]
    fn what_is_not_known_stays_as_it_is() {
        for text in ["", "the buyer called", "the order", "held", "2 of 3 parcels have a slip, perhaps {0}"] {
            assert_eq!(ja(text), text);
        }
    }

    #[test]
    fn both_languages_have_the_same_holes_and_the_first_fit_is_the_right_one() {
        for (index, (en, ja)) in reasons().enumerate() {
            let count = en.matches('{').count();
            for n in 0..count {
                assert!(en.contains(&format!("{{{n}}}")) && ja.contains(&format!("{{{n}}}")), "{en}");
            }
            assert_eq!(ja.matches('{').count(), count, "{en}");
            let sample: Vec<String> = (0..count).map(|n| format!("v{n}")).collect();
            let text = filled(en, &sample);
            let first = reasons().position(|(template, _)| holes(template, &text).is_some());
            assert_eq!(first, Some(index), "{en}");
        }
    }

    #[test]
    fn every_reason_is_still_told_somewhere() {
        fn read(folder: &Path, all: &mut String) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.file_stem().unwrap() == "reasons" {
                    continue;
                }
                if path.is_dir() {
                    read(&path, all);
                } else {
                    all.push_str(&std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        let mut source = String::new();
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut source);
        // As the compiler joins lines that end with a backslash.
        let mut joined = String::new();
        let mut parts = source.split("\\\n");
        joined.extend(parts.next());
        parts.for_each(|part| joined.push_str(part.trim_start()));
        for (en, _) in reasons() {
            let en = en.replace('"', "\\\"");
            let pieces =
                en.split('{').map(|piece| piece.split_once('}').map_or(piece, |(_, literal)| literal));
            // Some are put together from a key, a finding and what to do.
            let pieces = pieces.flat_map(|piece| piece.split(": ")).flat_map(|piece| piece.split("; "));
            for piece in pieces {
                assert!(joined.contains(piece), "nobody says {piece:?} of {en:?} any more");
            }
        }
    }
}
