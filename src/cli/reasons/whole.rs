//! Nothing that the gateway's connector tells people is left in English: its error tables and its sentences are walked.

use std::sync::LazyLock;

use regex::Regex;

use super::*;
use crate::clock::Timestamp;
use crate::domain::operation::Answer;
use crate::settlement::Halt;
use crate::settlement::webcollect::codes::{code_table, credit_table, describe, meaning};
use crate::settlement::webcollect::{answer, map};

static TYPED: LazyLock<Regex> = LazyLock::new(|| Regex::new("`[^`]*`").unwrap());
static ENGLISH: LazyLock<Regex> = LazyLock::new(|| Regex::new("[a-z]{2,} [a-z]{2,}").unwrap());

/// English that a Japanese reader would meet, beside what is to be typed, keys and codes.
fn left(text: &str) -> Option<String> {
    let told = people(text, Language::Ja);
    let plain = TYPED.replace_all(&told, "").into_owned();
    ENGLISH.is_match(&plain).then_some(plain)
}

fn assert_japanese(texts: impl IntoIterator<Item = String>) {
    let left: Vec<String> =
        texts.into_iter().filter_map(|text| left(&text).map(|ja| format!("{text}\n  → {ja}"))).collect();
    assert!(left.is_empty(), "left in English:\n{}", left.join("\n"));
}

/// What a refusal means.
fn answered(code: &str, network: &str) -> (Answer, Option<Halt>) {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><return><returnCode>1</returnCode>\
         <errorCode>{code}</errorCode><creditErrorCode>{network}</creditErrorCode></return>"
    );
    answer::answer(200, body.as_bytes(), Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap())
}

/// What comes of every answer to a call that we make.
#[test]
fn every_code_of_the_gateway_reads_in_japanese() {
    let now = Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap();
    let ours = ["Z01", "A03", "A06", "A07", "A11", "E01", "E02", "E03", "E04", "H01"];
    let mut told = Vec::new();
    let codes = code_table().iter().map(|row| row.code).filter(|code| ours.contains(&&code[..3]));
    for code in codes.chain(["E018000001", "A119000001"]) {
        // What the card network says stands beside a refusal of the issuer, and beside others.
        let networks = matches!(code, "A112000004" | "A077000001");
        let networks = credit_table().iter().map(|row| row.code).filter(|_| networks).chain(["", "G999"]);
        for network in networks {
            let (answer, halt) = answered(code, network);
            match answer {
                Answer::Person { reason, .. } | Answer::Unknown { reason } => told.push(reason),
                _ => {}
            }
            told.extend(halt.map(|halt| match halt {
                Halt::Account(stop) => format!("stopped by the gateway ({code}): {}", stop.reason),
                Halt::Function(stop) => format!("capture is not allowed ({code}): {}", stop.reason),
            }));
        }
        told.extend([describe(code), meaning(code), map::mend(code).to_owned()]);
        told.push(format!("the gateway could not be asked: rejected ({code}): {}", meaning(code)));
    }
    assert!(told.len() > 500, "{}", told.len());
    assert_japanese(told);
    let bodies: [&[u8]; 6] =
        [b"", b"<html>", b"\xff", b"<return><returnCode>1</returnCode>", b"<return/>", b"<a>&</a>"];
    let unreadable = bodies.map(|body| match answer::answer(200, body, now) {
        (Answer::Unknown { reason }, None) => reason,
        other => panic!("{other:?}"),
    });
    assert_japanese(unreadable);
    assert_japanese((0..=99).filter_map(|n| map::status_name(&n.to_string()).map(str::to_owned)));
}

#[test]
fn a_declined_card_is_told_with_the_networks_reason() {
    let (Answer::Person { reason, .. }, None) = answered("A112000004", "G54") else {
        panic!("a person decides")
    };
    let told = people(&reason, Language::Ja);
    let network = "creditErrorCode G54（1口座の回数・金額超過。カード会社が断りました。";
    assert!(told.starts_with("A112000004（再与信NG）、") && told.contains(network), "{told}");
    assert!(told.contains("期限までに発送するか"), "{told}");
}

/// Sentences of a source file: its literals of three words and more, with something in each hole.
fn sentences(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let literal = Regex::new(r#""((?:[^"\\]|\\[\s\S])*)""#).unwrap();
    let (broken, hole) = (Regex::new(r"\\\n\s*").unwrap(), Regex::new(r"\{[^{}]*\}").unwrap());
    let code = code.join("\n");
    let found = literal.captures_iter(&code).map(|found| {
        let text = broken.replace_all(&found[1], "").into_owned();
        hole.replace_all(&text, "9").replace("\\\"", "\"")
    });
    found.filter(|text| text.split(' ').count() > 2 && !text.starts_with(char::is_uppercase)).collect()
}

#[test]
fn every_sentence_of_the_connector_reads_in_japanese() {
    let files = [
        include_str!("../../settlement/webcollect/local.rs"),
        include_str!("../../settlement/webcollect/judge.rs"),
        include_str!("../../settlement/webcollect/check.rs"),
    ];
    for file in files {
        let sentences = sentences(file);
        assert!(sentences.len() > 5, "{sentences:?}");
        assert_japanese(sentences);
    }
}
