//! Reading JSON that other people write: null and absent are alike, numbers may come as text and text as numbers, and
//! what a contract says to drop is dropped before anything is kept. Nothing here goes through a float.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::clock::{Timestamp, jst_offset};

/// A whole number, from `12`, `12.0`, `"12"` or a JSON boolean; `None` for null, absent and blank text. Anything else is
/// an error: money is never guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Int(pub Option<i64>);

impl Int {
    /// From text that is not blank; `None` when it is no whole number.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        whole(text).map(|n| Self(Some(n)))
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = scalar::<D>(d)?;
        let Some(text) = text else { return Ok(Self(None)) };
        match text.as_ref() {
            "" => Ok(Self(None)),
            "true" => Ok(Self(Some(1))),
            "false" => Ok(Self(Some(0))),
            text => {
                whole(text).map(|n| Self(Some(n))).ok_or_else(|| D::Error::custom("expected a whole number"))
            }
        }
    }
}

/// Text, from a string, a number or a boolean, as sent; `None` for null and absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub Option<String>);

impl Text {
    /// Without surrounding white space; `None` when nothing is left.
    #[must_use]
    pub fn trimmed(&self) -> Option<&str> {
        self.0.as_deref().map(str::trim).filter(|t| !t.is_empty())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self(scalar::<D>(d)?.map(Cow::into_owned)))
    }
}

/// A rate in whole percent, from its decimal text: `0.08` is 8, `0.1` is 10. `None` for null, absent, and what is not a
/// whole percentage from 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percent(pub Option<i64>);

impl Percent {
    /// From text that is not blank.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(percent(text.trim()))
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self(scalar::<D>(d)?.and_then(|text| percent(text.trim()))))
    }
}

/// A list; null and absent are empty, and a null in it is skipped. For `#[serde(deserialize_with)]`.
///
/// # Errors
/// When it is neither null nor a list.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<Option<T>>>::deserialize(d)?.unwrap_or_default().into_iter().flatten().collect())
}

/// A model; null and absent are an empty one. For `#[serde(deserialize_with)]`.
///
/// # Errors
/// When it is neither null nor fits.
pub fn model<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(d: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

/// A scalar's text; `None` for null.
fn scalar<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    let raw = <&RawValue>::deserialize(d)?.get();
    match raw.as_bytes().first() {
        Some(b'"') => unquoted(raw).map(Some).ok_or_else(|| D::Error::custom("unreadable text")),
        Some(b'{' | b'[') => Err(D::Error::custom("expected text or a number")),
        _ if raw == "null" => Ok(None),
        _ => Ok(Some(Cow::Borrowed(raw))),
    }
}

/// What a JSON string, in its quotes, says. Without a backslash it is what stands between them.
fn unquoted(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

fn whole(text: &str) -> Option<i64> {
    let text = text.trim();
    let (number, fraction) = text.split_once('.').unwrap_or((text, ""));
    fraction.bytes().all(|b| b == b'0').then(|| number.parse().ok())?
}

fn percent(text: &str) -> Option<i64> {
    let (number, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    if number.starts_with('-') || fraction.len() > 2 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let rate = number.parse::<i64>().ok().filter(|n| (0..=1).contains(n))? * 100
        + format!("{fraction:0<2}").parse::<i64>().ok()?;
    (rate <= 100).then_some(rate)
}

/// An instant: `2026-04-01T10:15:30+0900`, any RFC 3339 text, or without an offset (Japan's time).
#[must_use]
pub fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(t) = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
    {
        return Some(t.into());
    }
    let local = NaiveDateTime::parse_from_str(&text.replacen(' ', "T", 1), "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    local.and_local_timezone(jst_offset()).single().map(Timestamp::from)
}

/// A day: `2026-04-05`, also where a time follows.
#[must_use]
pub fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.trim().get(..10)?, "%Y-%m-%d").ok()
}

/// `raw` less every member that `drop` names, at any depth, and without white space between tokens. All else is kept
/// byte for byte, numbers included.
#[must_use]
pub fn strip(raw: &RawValue, drop: fn(&str) -> bool) -> Vec<u8> {
    let text = raw.get();
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    // What stands before `done` is copied or dropped; from there to `at` is kept, and copied in one piece.
    let (mut done, mut at) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' {
            let end = token_end(bytes, at);
            let next = after_space(bytes, end);
            // A string before a colon is a member's name: nothing else can be.
            let dropped =
                bytes.get(next) == Some(&b':') && unquoted(&text[at..end]).is_some_and(|key| drop(&key));
            if !dropped {
                at = end;
                continue;
            }
            out.extend_from_slice(&bytes[done..at]);
            at = after_space(bytes, value_end(bytes, next));
            if bytes.get(at) == Some(&b',') {
                at += 1;
            } else if out.last() == Some(&b',') {
                out.pop();
            }
            done = at;
        } else if byte.is_ascii_whitespace() {
            out.extend_from_slice(&bytes[done..at]);
            at = after_space(bytes, at);
            done = at;
        } else {
            at += 1;
        }
    }
    out.extend_from_slice(&bytes[done..]);
    out
}

fn after_space(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..].iter().take_while(|b| b.is_ascii_whitespace()).count()
}

/// The end of the string, bracket or bare scalar at `at`, in well-formed JSON.
fn token_end(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => {
            let mut i = at + 1;
            while let Some(&b) = bytes.get(i) {
                match b {
                    b'\\' => i += 2,
                    b'"' => return i + 1,
                    _ => i += 1,
                }
            }
            bytes.len()
        }
        Some(b'{' | b'[') => at + 1,
        _ => {
            let bare = |b: &u8| !matches!(b, b',' | b'}' | b']' | b':') && !b.is_ascii_whitespace();
            at + bytes[at..].iter().take_while(|b| bare(b)).count().max(1)
        }
    }
}

/// The end of the value after a key that ends at `at`.
fn value_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
                if depth == 0 {
                    return at;
                }
            }
            b':' | b',' => at += 1,
            _ if byte.is_ascii_whitespace() => at += 1,
            _ => {
                at = token_end(bytes, at);
                if depth == 0 {
                    return at;
                }
            }
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Sample {
        n: Int,
        t: Text,
        r: Percent,
        #[serde(deserialize_with = "list")]
        l: Vec<Int>,
    }

    fn read(json: &str) -> Option<Sample> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn null_absent_and_text_are_read_alike() {
        let want = Sample {
            n: Int(Some(12)),
            t: Text(Some("7".into())),
            r: Percent(Some(8)),
            l: vec![Int(Some(1))],
        };
        assert_eq!(read(r#"{"n":12,"t":7,"r":0.08,"l":[1],"x":{}}"#), Some(want));
        let text = read(r#"{"n":" 12.00 ","t":"7","r":"0.080","l":["1"]}"#).unwrap();
        assert_eq!((text.n, text.r), (Int(Some(12)), Percent(Some(8))));
        assert_eq!(read(r#"{"n":null,"t":null,"r":null,"l":null}"#), Some(Sample::default()));
        assert_eq!(read("{}"), Some(Sample::default()));
        for refused in
            [r#"{"n":1.5}"#, r#"{"n":"a"}"#, r#"{"n":[]}"#, r#"{"n":1e3}"#, r#"{"n":99999999999999999999}"#]
        {
            assert_eq!(read(refused), None, "{refused}");
        }
    }

    #[test]
    fn rates_are_read_from_their_text() {
        for (text, rate) in
            [("0.1", Some(10)), ("0.08", Some(8)), ("0", Some(0)), ("0.0", Some(0)), ("1", Some(100))]
        {
            assert_eq!(percent(text), rate, "{text}");
        }
        for text in ["0.085", "10", "-0.1", "", "x", "1.5", "0.1e1"] {
            assert_eq!(percent(text), None, "{text}");
        }
    }

    #[test]
    fn instants_come_in_several_forms() {
        let want = Timestamp::parse("2026-11-28T23:59:59+09:00").unwrap();
        for text in [
            "2026-11-28T23:59:59",
            "2026-11-28 23:59:59",
            "2026-11-28T23:59:59+0900",
            "2026-11-28T23:59:59+09:00",
            "2026-11-28T14:59:59Z",
        ] {
            assert_eq!(instant(text), Some(want), "{text}");
        }
        assert_eq!(instant("2026-11-28"), None);
        assert_eq!(day("2026-11-28"), NaiveDate::from_ymd_opt(2026, 11, 28));
        assert_eq!(day("あいうえお"), None);
    }

    #[test]
    fn members_are_dropped_at_any_depth_and_the_rest_is_kept() {
        let strip_x = |json: &str| {
            let raw = RawValue::from_string(json.to_owned()).unwrap();
            String::from_utf8(strip(&raw, |key| key == "x")).unwrap()
        };
        assert_eq!(
            strip_x(r#"{"x":1,"a":0.10,"b":[{"x":{"y":[1,"}"]}},2],"c":"x,\"x\":1"}"#),
            r#"{"a":0.10,"b":[{},2],"c":"x,\"x\":1"}"#
        );
        assert_eq!(strip_x(r#"{ "a" : [ ] , "x" : null }"#), r#"{"a":[]}"#);
        assert_eq!(strip_x(r#"{"\u0078":"secret","b":"x"}"#), r#"{"b":"x"}"#);
        assert_eq!(strip_x(r#" [ {"x":1} , {"a":",","x":[1] , "x" : 2 } , "x" ] "#), r#"[{},{"a":","},"x"]"#);
    }

    proptest! {
        #[test]
        fn stripping_keeps_what_it_should(keys in proptest::collection::vec("[xyz]{1,2}", 0..6), text in "\\PC{0,12}") {
            let mut object = serde_json::Map::new();
            for (i, key) in keys.iter().enumerate() {
                let value = match i % 3 {
                    0 => serde_json::json!(text),
                    1 => serde_json::json!([{ "x": text, "k": i }, null]),
                    _ => serde_json::json!({ "x": [text], "k": -i64::try_from(i).unwrap_or(0) }),
                };
                object.insert(key.clone(), value);
            }
            fn without_x(value: &mut serde_json::Value) {
                match value {
                    serde_json::Value::Object(o) => { o.remove("x"); o.values_mut().for_each(without_x); }
                    serde_json::Value::Array(a) => a.iter_mut().for_each(without_x),
                    _ => {}
                }
            }
            let mut value = serde_json::Value::Object(object);
            let raw = serde_json::value::to_raw_value(&value).unwrap();
            let stripped: serde_json::Value = serde_json::from_slice(&strip(&raw, |k| k == "x")).unwrap();
            without_x(&mut value);
            prop_assert_eq!(stripped, value);
        }
    }
}
