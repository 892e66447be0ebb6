//! Mapping profiles of carts: those shipped, and the merchant's own (csv-formats.md §4.1).

use std::path::Path;

use crate::domain::order::{PaymentMethod, PendingReason, Status};
use crate::tabular::Profile;
use crate::tabular::profile::{Finding, REQUIRED, Vocabulary};

/// The profiles shipped, by the word in `profile = "…"`.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("eccube4", include_str!("../../../config/profiles/eccube4.toml")),
    ("generic", include_str!("../../../config/profiles/generic.toml")),
];

/// Reads a profile's text.
///
/// # Errors
/// Every finding.
pub fn parse(text: &str) -> Result<Profile, Vec<Finding>> {
    parse_for(text, REQUIRED)
}

fn parse_for(text: &str, required: &[&str]) -> Result<Profile, Vec<Finding>> {
    let payment_methods: Vec<&str> = PaymentMethod::ALL.iter().map(|m| m.as_str()).collect();
    let pending: Vec<String> =
        PendingReason::ALL.iter().map(|reason| format!("{}/{reason}", Status::Pending)).collect();
    let statuses: Vec<&str> =
        Status::ALL.iter().map(|s| s.as_str()).chain(pending.iter().map(String::as_str)).collect();
    let words = Vocabulary { payment_methods: &payment_methods, statuses: &statuses };
    Profile::parse_for(text, words, required)
}

/// Whether `profile` in the config names a file; a plain word is one of [`BUILT_IN`].
#[must_use]
pub fn is_path(profile: &str) -> bool {
    profile.contains(['/', '\\'])
        || Path::new(profile).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"))
}

/// The profile that `profile = "…"` names.
///
/// # Errors
/// What is wrong with the file, one sentence a finding.
pub fn load(profile: &str) -> Result<Profile, Vec<String>> {
    load_for(profile, REQUIRED)
}

/// The same, where only `required` must be mapped: not every file is one of orders.
///
/// # Errors
/// Likewise.
pub fn load_for(profile: &str, required: &[&str]) -> Result<Profile, Vec<String>> {
    if let Some((_, text)) = BUILT_IN.iter().find(|(name, _)| *name == profile) {
        return parse_for(text, required)
            .map_err(|findings| findings.iter().map(Finding::to_string).collect());
    }
    if !is_path(profile) {
        return Err(vec![unknown_name(profile)]);
    }
    let text = std::fs::read_to_string(profile).map_err(|e| {
        vec![format!(
            "{profile} cannot be read: {e}. Mend the path or the file's permissions; UTF-8 is expected"
        )]
    })?;
    parse_for(&text, required)
        .map_err(|findings| findings.iter().map(|f| format!("{profile}: {f}")).collect())
}

/// What to say of a word that is no shipped profile.
pub(super) fn unknown_name(profile: &str) -> String {
    let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    let known = names.join(", ");
    let hint = names
        .iter()
        .find(|name| strsim::damerau_levenshtein(name, profile) <= 3)
        .map_or_else(String::new, |name| format!("; did you mean {name}?"));
    format!("no profile \"{profile}\": expected {known}, or the path of a .toml file{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_profiles_are_sound_and_named_as_listed() {
        for (name, _) in BUILT_IN {
            assert_eq!(load(name).map(|p| p.name), Ok((*name).to_owned()));
        }
    }

    #[test]
    fn every_finding_is_told_at_once() {
        let text = r#"
            profile = "My Cart"
            encodings = "auto"
            delimiter = ";"
            group_by = "due"
            [fields]
            order_no = 0
            paymentname = "x"
            due = []
            [payment_map]
            "a*b" = "card"
            [status]
            "新規" = "new"
            "入金待ち" = "pending/payment"
            [fallback]
            reception_no = "order_numbr"
        "#;
        let found: Vec<String> = parse(text).unwrap_err().iter().map(Finding::to_string).collect();
        let text = found.join("\n");
        for part in [
            "encodings: unknown key; did you mean encoding?",
            "profile: required",
            "delimiter: expected",
            "group_by: ",
            "fields.paymentname: unknown key; did you mean payment_name?",
            "fields.order_no: columns count from 1",
            "fields.due: required",
            "payment_map.\"a*b\": expected a word",
            "payment_map.\"a*b\": expected one of credit_card",
            "status.\"新規\": expected one of pending",
            "fallback.reception_no: expected",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(!text.contains("入金待ち"), "{text}");
        assert!(parse("a = ").unwrap_err()[0].message.contains("TOML"));
        assert!(load("genric").unwrap_err()[0].contains("did you mean generic?"));
    }
}
