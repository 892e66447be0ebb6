//! Slip numbers and 送り状種類 (csv-formats.md §0.6, §1.3).

use crate::domain::slip::seven_check;
use crate::tabular::values;

/// Kinds that Japan Post delivers: their numbers need not pass Yamato's check digit.
pub(super) fn handed_to_post(kind: &str) -> bool {
    matches!(kind, "3" | "7")
}

/// The code of a kind, from its code or its name; `None` for one never seen before.
pub(super) fn kind(text: &str) -> Option<&'static str> {
    const CODES: [&str; 11] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "A"];
    const NAMES: [(&str, &str); 18] = [
        ("発払い", "0"),
        ("EAZY", "1"),
        ("コレクト", "2"),
        ("宅急便コレクト", "2"),
        ("クロネコゆうメール", "3"),
        ("ゆうメール", "3"),
        ("クロネコDM便", "3"),
        ("DM便", "3"),
        ("メール便", "3"),
        ("タイム", "4"),
        ("タイムサービス", "4"),
        ("着払い", "5"),
        ("発払い(複数口)", "6"),
        ("クロネコゆうパケット", "7"),
        ("ゆうパケット", "7"),
        ("宅急便コンパクト", "8"),
        ("コンパクトコレクト", "9"),
        ("ネコポス", "A"),
    ];
    let folded = values::header_key(text).to_uppercase();
    CODES
        .into_iter()
        .find(|code| *code == folded)
        .or_else(|| NAMES.iter().find(|(name, _)| *name == folded).map(|(_, code)| *code))
}

/// A Yamato number that passes its check digit, from a folded one. The second value says that a leading zero was given
/// back, which is done only when the result passes.
pub(super) fn yamato(folded: &str) -> Result<(String, bool), String> {
    if seven_check(folded) {
        return Ok((folded.to_owned(), false));
    }
    if folded.len() == 11 {
        let padded = format!("0{folded}");
        if seven_check(&padded) {
            return Ok((padded, true));
        }
        return Err("the slip number has 11 digits: look it up, 12 are expected".to_owned());
    }
    if folded.len() != 12 || !folded.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("the slip number has {} characters, 12 digits are expected", folded.len()));
    }
    Err("the slip number's check digit is wrong: compare it with the label".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_code_and_by_name() {
        for (text, code) in [
            ("0", "0"),
            ("Ａ", "A"),
            ("a", "A"),
            ("コレクト", "2"),
            ("発払い（複数口）", "6"),
            ("ｺﾝﾊﾟｸﾄｺﾚｸﾄ", "9"),
            ("クロネコＤＭ便", "3"),
        ] {
            assert_eq!(kind(text), Some(code), "{text}");
        }
        assert_eq!(kind("見本花子"), None);
        assert_eq!(kind("B"), None);
        assert_eq!(kind(""), None);
    }

    #[test]
    fn a_leading_zero_comes_back_only_when_the_check_digit_passes() {
        // 00012345678 % 7 = 2
        assert_eq!(yamato("00123456782"), Ok(("000123456782".to_owned(), true)));
        assert!(yamato("00123456783").is_err());
        assert_eq!(yamato("400012345670"), Ok(("400012345670".to_owned(), false)));
        assert!(yamato("400012345671").is_err());
        assert!(yamato("4000123456").is_err());
        assert!(yamato("40001234567A").is_err());
    }
}
