//! Patterns on the names that malls and carts give to things: `*` stands for anything; width and case do not count.

use unicode_normalization::UnicodeNormalization;

/// NFKC, lower case, trimmed: for comparing, never for storing.
#[must_use]
pub fn fold(text: &str) -> String {
    text.trim().nfkc().flat_map(char::to_lowercase).collect()
}

/// Whether `text` fits `pattern`, in which `*` stands for any text, also none.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (fold(pattern), fold(text));
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn width_and_case_do_not_count() {
        assert!(matches("*webコレクト*", "クロネコＷＥＢコレクト(カード)"));
        assert!(matches("*ｗｅｂｺﾚｸﾄ*", "クロネコwebコレクト"));
        assert!(!matches("*webコレクト*", "クロネコ代金後払い"));
        assert!(matches("銀行振込", " 銀行振込 "));
        assert!(!matches("銀行振込", "銀行振込(前払い)"));
        assert!(matches("a*b*c", "aXbYc"));
        assert!(!matches("ab*ba", "aba"));
        assert!(matches("*", ""));
    }
}
