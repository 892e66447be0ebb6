//! Cells as people and spreadsheets write them (csv-formats.md §0.2, §0.4, §0.5). Stored text is never normalised; only
//! what is compared or counted is.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use unicode_normalization::UnicodeNormalization;

use crate::clock::{Timestamp, jst_offset};

/// Stands for bytes that are no character of the encoding.
pub const DAMAGED: char = '\u{FFFD}';

/// Unwraps the text forms of spreadsheets: `="0123"` and a leading apostrophe.
#[must_use]
pub fn clean(cell: &str) -> String {
    let inner = cell.trim();
    if let Some(text) = inner.strip_prefix("=\"").and_then(|t| t.strip_suffix('"')) {
        return text.replace("\"\"", "\"");
    }
    inner.strip_prefix('\'').map_or_else(|| cell.to_owned(), str::to_owned)
}

/// NFKC.
#[must_use]
pub fn nfkc(text: &str) -> String {
    text.nfkc().collect()
}

/// How names of columns are compared: NFKC (which also unifies brackets), without spaces and BOM.
#[must_use]
pub fn header_key(name: &str) -> String {
    name.nfkc().filter(|c| !c.is_whitespace() && *c != '\u{FEFF}').collect()
}

/// How words of a cart are compared: NFKC, trimmed, case folded.
#[must_use]
pub fn word_key(text: &str) -> String {
    nfkc(text).trim().to_lowercase()
}

/// How order numbers are compared: NFKC, trimmed; case and hyphens count.
#[must_use]
pub fn order_key(text: &str) -> String {
    nfkc(text).trim().to_owned()
}

/// A slip number: NFKC, ASCII digits and letters only, capitals.
#[must_use]
pub fn slip_key(text: &str) -> String {
    text.nfkc().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// ASCII digits only, after NFKC.
#[must_use]
pub fn digits(text: &str) -> String {
    text.nfkc().filter(char::is_ascii_digit).collect()
}

/// Whether a spreadsheet turned a number into `4.00012E+11`, which nobody can turn back.
#[must_use]
pub fn is_exponent(text: &str) -> bool {
    let text = nfkc(text).trim().to_ascii_uppercase();
    let Some((mantissa, power)) = text.split_once("E+") else { return false };
    let digits_only = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some((whole, fraction)) => whole.len() == 1 && digits_only(whole) && digits_only(fraction),
        None => mantissa.len() == 1 && digits_only(mantissa),
    };
    mantissa_ok && digits_only(power) && power.len() <= 3
}

/// A postal code as seven digits. A spreadsheet takes leading zeros away; five or six digits get them back, which can
/// only make two equal codes equal again. `None` when it is no postal code.
#[must_use]
pub fn postal_code(text: &str) -> Option<String> {
    let digits = digits(text);
    (5..=7).contains(&digits.len()).then(|| format!("{digits:0>7}"))
}

/// A moment; without an offset it is Japan's. Accepts `YYYY/MM/DD`, `YYYY/M/D`, `YYYY-MM-DD`, `YYYYMMDD`, each with an
/// optional time, and ISO 8601 with an offset. `None` when it is none.
#[must_use]
pub fn moment(text: &str) -> Option<Timestamp> {
    let text = nfkc(text);
    let text = text.trim();
    if let Ok(t) = DateTime::parse_from_rfc3339(text) {
        return Some(t.into());
    }
    let (day, time) = match text.split_once([' ', 'T']) {
        Some((day, time)) => (day, time.trim()),
        None => (text, ""),
    };
    let time = if time.is_empty() { NaiveTime::MIN } else { parse_time(time)? };
    let local = NaiveDateTime::new(parse_day(day)?, time);
    jst_offset().from_local_datetime(&local).single().map(Timestamp::from)
}

/// A day on Japan's calendar, written as [`moment`] accepts it.
#[must_use]
pub fn day(text: &str) -> Option<NaiveDate> {
    moment(text).map(Timestamp::jst_date)
}

fn parse_day(text: &str) -> Option<NaiveDate> {
    let parts: Vec<&str> = text.split(['/', '-']).collect();
    let number = |t: &str| t.bytes().all(|b| b.is_ascii_digit()).then(|| t.parse::<u32>().ok()).flatten();
    let (y, m, d) = match parts.as_slice() {
        [y, m, d] if y.len() == 4 && (1..=2).contains(&m.len()) && (1..=2).contains(&d.len()) => (*y, *m, *d),
        [all] if all.len() == 8 && all.is_ascii() => (&all[..4], &all[4..6], &all[6..]),
        _ => return None,
    };
    let year = i32::try_from(number(y)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(m)?, number(d)?)?;
    (1900..=2999).contains(&year).then_some(date)
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |t: &str| {
        ((1..=2).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit()))
            .then(|| t.parse::<u32>().ok())?
    };
    match parts.as_slice() {
        [h, m] => NaiveTime::from_hms_opt(number(h)?, number(m)?, 0),
        [h, m, s] => NaiveTime::from_hms_opt(number(h)?, number(m)?, number(s)?),
        _ => None,
    }
}

/// Whole yen: `1,234`, `¥1,234`, `1234円`, `▲100`, `1234.00`. `Ok(None)` for an empty cell: not fixed yet.
///
/// # Errors
/// What was expected; never the cell.
pub fn amount(text: &str) -> Result<Option<i64>, &'static str> {
    const EXPECTED: &str = "no amount in whole yen";
    let text: String =
        text.nfkc().filter(|c| !c.is_whitespace() && !matches!(c, ',' | '¥' | '円' | '\\')).collect();
    if text.is_empty() {
        return Ok(None);
    }
    let (negative, number) = match text.strip_prefix(['-', '▲', '△', '\u{2212}']) {
        Some(rest) => (true, rest),
        None => (false, text.as_str()),
    };
    let whole = match number.split_once('.') {
        Some((whole, fraction))
            if (1..=2).contains(&fraction.len()) && fraction.bytes().all(|b| b == b'0') =>
        {
            whole
        }
        Some(_) => return Err(EXPECTED),
        None => number,
    };
    // 15 digits are far above any order and far below overflow.
    if whole.is_empty() || whole.len() > 15 || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return Err(EXPECTED);
    }
    let value = whole.parse::<i64>().map_err(|_| EXPECTED)?;
    Ok(Some(if negative { -value } else { value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreadsheets_are_undone_where_that_is_possible() {
        assert_eq!(clean(r#"="0123""#), "0123");
        assert_eq!(clean("'0123"), "0123");
        assert_eq!(clean(" plain "), " plain ");
        assert!(is_exponent("4.00012E+11"));
        assert!(is_exponent("4e+11"));
        assert!(!is_exponent("1E5"));
        assert!(!is_exponent("E+11"));
        assert_eq!(postal_code("600000").as_deref(), Some("0600000"));
        assert_eq!(postal_code("〒０６０－００００").as_deref(), Some("0600000"));
        assert_eq!(postal_code("12"), None);
    }

    #[test]
    fn amounts_as_people_write_them() {
        for (text, yen) in [
            ("5,400", 5400),
            ("￥５，４００", 5400),
            ("1234円", 1234),
            ("1234.00", 1234),
            ("▲100", -100),
            ("△ 100", -100),
            ("-0", 0),
        ] {
            assert_eq!(amount(text), Ok(Some(yen)), "{text}");
        }
        assert_eq!(amount("  "), Ok(None));
        for text in ["12.5", "abc", "--1", "1e3", "9999999999999999", "-"] {
            assert!(amount(text).is_err(), "{text}");
        }
    }

    #[test]
    fn days_as_people_write_them() {
        let noon = "2025-06-01T12:00:00+09:00";
        for text in ["2025/06/01 12:00", "2025/6/1 12:00:00", "20250601 12:00", "2025-06-01T12:00:00", noon] {
            assert_eq!(moment(text).map(|t| t.to_string()).as_deref(), Some(noon), "{text}");
        }
        assert_eq!(moment("2025-06-01T03:00:00Z").map(|t| t.to_string()).as_deref(), Some(noon));
        assert_eq!(day("２０２５/６/１"), NaiveDate::from_ymd_opt(2025, 6, 1));
        for text in ["2025/02/30", "", "25/06/01", "2025/06/01 25:00", "2025/06", "45809"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn keys_keep_what_counts() {
        assert_eq!(order_key(" Ｈ６－００３ "), "H6-003");
        assert_eq!(slip_key("４０００-1234-5670"), "400012345670");
        assert_eq!(header_key(" コレクト代金引換額（税込） "), header_key("ｺﾚｸﾄ代金引換額(税込)"));
    }
}
