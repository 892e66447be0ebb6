//! What change is judged by (decisions.md 14).

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Number;

/// SHA-256 over the normalised order, whose members have one order, and the mall's own record, with sorted keys where it
/// is JSON.
pub(super) fn digest(document: &str, raw: &[u8]) -> String {
    let mut context = Context::new(&SHA256);
    context.update(document.as_bytes());
    let node = std::str::from_utf8(raw).ok().and_then(|raw| serde_json::from_str::<Node<'_>>(raw).ok());
    let mut sorted = Vec::with_capacity(raw.len() + 1);
    sorted.push(b'\n');
    if node.is_some_and(|node| serde_json::to_writer(&mut sorted, &node).is_ok()) {
        context.update(&sorted);
    }
    hex(context.finish().as_ref())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS[usize::from(n & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// A JSON value that borrows its text and whose members are sorted: what [`serde_json::Value`] is, without a tree of
/// small allocations for every record that is read.
enum Node<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Members(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) => value.serialize(serializer),
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(items) => serializer.collect_seq(items),
            Self::Members(members) => serializer.collect_map(members.iter().map(|(key, value)| (key, value))),
        }
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Node::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Node::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Node::Number(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Number::from_f64(value).map_or(Node::Null, Node::Number))
    }
    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }
    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        // An order's models have some twenty members each.
        let mut sorted = Vec::with_capacity(24);
        while let Some(key) = members.next_key_seed(Key)? {
            sorted.push((key, members.next_value()?));
        }
        sorted.sort_by(|(a, _): &(Cow<'_, str>, _), (b, _)| a.cmp(b));
        Ok(Node::Members(sorted))
    }
}

/// A member's name, borrowed where it can be: `Cow` alone would own it.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }
    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_follows_content_and_not_the_order_of_keys() {
        let order = r#"{"a":1}"#;
        let one = digest(order, br#"{"x": [1, {"b": 2, "a": "1"}], "y": null}"#);
        assert_eq!(one, digest(order, br#"{ "y":null,"x":[1,{"a":"1","b":2}]}"#));
        assert_ne!(one, digest(order, br#"{"x": [1, {"b": 2, "a": 1}], "y": null}"#));
        assert_ne!(one, digest(order, br#"{"x": [{"b": 2, "a": "1"}, 1], "y": null}"#));
        assert_ne!(one, digest(r#"{"a":2}"#, br#"{"x": [1, {"b": 2, "a": "1"}], "y": null}"#));
        assert_eq!(digest(order, b"a,b\r\n"), digest(order, b"a,c\r\n"));
    }

    #[test]
    fn text_is_told_apart_however_it_is_escaped() {
        let of = |raw: &str| digest("{}", raw.as_bytes());
        assert_eq!(of(r#"{"\u0061": "\u3042", "n": 0.1}"#), of(r#"{"n": 0.1, "a": "あ"}"#));
        assert_ne!(of(r#"{"a": "あ"}"#), of(r#"{"a": "い"}"#));
        assert_ne!(of(r#"{"a": true}"#), of(r#"{"a": "true"}"#));
        assert_eq!(hex(&[0x0f, 0xa0]), "0fa0");
    }
}
