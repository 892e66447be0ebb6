//! Error codes as data: every code of kuroneko-webcollect.md §4.2–4.6 with what it means and what follows from it.

use std::collections::HashMap;
use std::sync::LazyLock;

mod authorization;
mod common;
mod credit;
mod processing;
mod request;

pub use credit::{CreditClass, CreditRow, credit_row, credit_table};

/// What follows from a code (§4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A passing fault: look, then send again, three tries in all.
    Retry,
    /// Maintenance or closed hours: not processed, sent again after it.
    Window,
    /// Our request is wrong: never sent again unchanged.
    Bug,
    /// Credential, contract or address: nothing works until a person has mended it.
    Conf,
    /// Maybe done already: a look-up decides.
    Verify,
    /// The issuer said no.
    Decline,
    /// A person decides.
    Person,
}

impl Class {
    /// The word of the contract page.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "RETRY",
            Self::Window => "WINDOW",
            Self::Bug => "BUG",
            Self::Conf => "CONF",
            Self::Verify => "VERIFY",
            Self::Decline => "DECLINE",
            Self::Person => "PERSON",
        }
    }

    /// What follows where the page says nothing more of the code.
    const fn action(self) -> &'static str {
        match self {
            Self::Retry => "looked up and sent again, three tries in all",
            Self::Window => "sent again after the window",
            Self::Bug => "never sent again unchanged; report it with the code",
            Self::Conf => "mend the setting or the contract with Yamato; nothing is sent meanwhile",
            Self::Verify => "a look-up decides",
            Self::Decline => "the issuer decides; ask the buyer for another card",
            Self::Person => "a person decides; Yamato's console shows the order",
        }
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeRow {
    /// Ten characters: `E012000001`.
    pub code: &'static str,
    /// What follows.
    pub class: Class,
    /// As the gateway means it.
    pub japanese: &'static str,
    /// In plain English.
    pub english: &'static str,
    note: &'static str,
}

impl CodeRow {
    /// What to do.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        if self.note.is_empty() { self.class.action() } else { self.note }
    }
}

macro_rules! rows {
    ($($code:literal $class:ident $japanese:literal, $english:literal, $note:literal;)+) => {
        &[$(CodeRow {
            code: $code, class: $crate::settlement::webcollect::codes::Class::$class,
            japanese: $japanese, english: $english, note: $note,
        }),+]
    };
}

macro_rules! checks {
    ($($class:ident $field:literal $item:literal: $($code:literal $japanese:literal $english:literal),+;)+) => {
        &[$($(CodeRow {
            code: $code, class: $crate::settlement::webcollect::codes::Class::$class,
            japanese: concat!($item, ": ", $japanese), english: concat!($field, ": ", $english),
            note: match $crate::settlement::webcollect::codes::Class::$class {
                $crate::settlement::webcollect::codes::Class::Person => "correct the slip with `slips replace`",
                _ => "",
            },
        }),+),+]
    };
}
use {checks, rows};

static TABLE: LazyLock<Vec<CodeRow>> =
    LazyLock::new(|| [common::ROWS, processing::ROWS, authorization::ROWS, request::ROWS].concat());

static BY_CODE: LazyLock<HashMap<&'static str, &'static CodeRow>> =
    LazyLock::new(|| code_table().iter().map(|row| (row.code, row)).collect());

/// Every code of §4.2–4.5, in the order of the page.
#[must_use]
pub fn code_table() -> &'static [CodeRow] {
    &TABLE
}

/// What is known of `code`.
#[must_use]
pub fn row(code: &str) -> Option<&'static CodeRow> {
    BY_CODE.get(code).copied()
}

/// What follows from `code`, listed or not (§4.1, "Codes not listed").
#[must_use]
pub fn classify(code: &str) -> Class {
    row(code).map_or_else(|| classify_unlisted(code), |row| row.class)
}

fn classify_unlisted(code: &str) -> Class {
    if !is_code(code) {
        return Class::Person;
    }
    if code.starts_with("Z01") {
        return Class::Verify;
    }
    // Convenience stores answer a number used before with these two (§4.5, "Other families").
    if code.starts_with("B0") && matches!(&code[3..], "3000001" | "4000002") {
        return Class::Verify;
    }
    // Three of the function, three of the group; a request check then names the item and the kind, two digits each.
    match (&code[3..6], &code[8..]) {
        ("101", "01" | "02" | "03" | "04" | "05" | "06" | "71" | "72" | "73" | "74") => Class::Bug,
        ("101", "51") => Class::Verify,
        _ => Class::Person,
    }
}

/// Whether `text` has the form of a code: a capital and nine digits (§3.1 rule 9).
#[must_use]
pub fn is_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10 && bytes[0].is_ascii_uppercase() && bytes[1..].iter().all(u8::is_ascii_digit)
}

/// What `code` says, for a person: `送り状番号が99件を超える: more than 99 slips on one order`.
#[must_use]
pub fn meaning(code: &str) -> String {
    row(code).map_or_else(
        || "a code that is not in the gateway's list".to_owned(),
        |row| format!("{}: {}", row.japanese, row.english),
    )
}

/// `code` and its [`meaning`].
#[must_use]
pub fn describe(code: &str) -> String {
    format!("{code} ({})", meaning(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unlisted_codes_fall_back_by_their_shape() {
        for (code, class) in [
            ("E011019901", Class::Bug),
            ("E011010574", Class::Bug),
            ("E011010575", Class::Person),
            ("E011010551", Class::Verify),
            ("Z012000099", Class::Verify),
            ("E018000001", Class::Person),
            ("B023000001", Class::Verify),
            ("B054000001", Class::Person),
            ("", Class::Person),
            ("メンテナンス", Class::Person),
        ] {
            assert_eq!(classify(code), class, "{code}");
        }
    }
}
