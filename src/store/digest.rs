//! What change is judged by (decisions.md 14).

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// SHA-256 over the normalised order, whose members have one order, and the mall's own record in its canonical form
/// where it is JSON. One for many records: what it works in is made once.
#[derive(Default)]
pub(super) struct Digester(Canonical);

impl Digester {
    /// The digest, in hexadecimal digits.
    pub(super) fn digest(&mut self, document: &str, raw: &[u8]) -> String {
        let mut context = Context::new(&SHA256);
        context.update(document.as_bytes());
        if let Some(canonical) = self.0.of(raw) {
            context.update(b"\n");
            context.update(canonical);
        }
        hex(context.finish().as_ref())
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS[usize::from(n & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// A JSON value in a binary form of which there is one for each content: every value begins with its kind, texts stand
/// unescaped after their length, numbers by their value, members sorted by their names. It is written while the text is
/// read: no tree is made of it, and nothing is formatted.
#[derive(Default)]
struct Canonical {
    form: Vec<u8>,
    /// The members of the objects that are being read, the innermost's last.
    members: Vec<Member>,
    /// The members of one object while they change places.
    sorted: Vec<u8>,
}

/// Where a member stands in the form: its name up to `value`, its value up to `end`.
struct Member {
    start: usize,
    value: usize,
    end: usize,
}

impl Canonical {
    /// The canonical form of `raw`; `None` where it is not JSON.
    fn of(&mut self, raw: &[u8]) -> Option<&[u8]> {
        self.form.clear();
        self.members.clear();
        let mut json = serde_json::Deserializer::from_str(std::str::from_utf8(raw).ok()?);
        Writer(self).deserialize(&mut json).ok()?;
        json.end().ok()?;
        Some(&self.form)
    }

    fn put(&mut self, kind: u8, value: [u8; 8]) {
        self.form.push(kind);
        self.form.extend_from_slice(&value);
    }

    /// Sorts the members from the one numbered `first` on, which fill the form up to its end. Of a name that is there
    /// twice, the members stay as they came.
    fn sort(&mut self, first: usize) {
        let Self { form, members, sorted } = self;
        let members = &mut members[first..];
        let Some(from) = members.first().map(|member| member.start) else { return };
        let place = |member: &Member| (&form[member.start..member.value], member.start);
        if members.is_sorted_by(|a, b| place(a) <= place(b)) {
            return;
        }
        members.sort_unstable_by(|a, b| place(a).cmp(&place(b)));
        sorted.clear();
        for member in members {
            sorted.extend_from_slice(&form[member.start..member.end]);
        }
        form[from..].copy_from_slice(sorted);
    }
}

/// Writes the value, or the member's name, that comes next.
struct Writer<'c>(&'c mut Canonical);

impl<'de> DeserializeSeed<'de> for Writer<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Writer<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.form.push(b'n');
        Ok(())
    }
    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.form.push(if value { b't' } else { b'f' });
        Ok(())
    }
    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.put(b'i', value.to_le_bytes());
        Ok(())
    }
    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.0.put(b'u', value.to_le_bytes());
        Ok(())
    }
    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.0.put(b'd', value.to_le_bytes());
        Ok(())
    }
    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.0.put(b's', (value.len() as u64).to_le_bytes());
        self.0.form.extend_from_slice(value.as_bytes());
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.form.push(b'[');
        while items.next_element_seed(Writer(&mut *self.0))?.is_some() {}
        self.0.form.push(b']');
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let canonical = self.0;
        canonical.form.push(b'{');
        let first = canonical.members.len();
        loop {
            let start = canonical.form.len();
            if members.next_key_seed(Writer(&mut *canonical))?.is_none() {
                break;
            }
            let value = canonical.form.len();
            members.next_value_seed(Writer(&mut *canonical))?;
            let end = canonical.form.len();
            canonical.members.push(Member { start, value, end });
        }
        canonical.sort(first);
        canonical.members.truncate(first);
        canonical.form.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Serialize, Serializer};
    use serde_json::Value;

    use super::*;

    fn digest(document: &str, raw: &[u8]) -> String {
        Digester::default().digest(document, raw)
    }

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

    #[test]
    fn what_one_record_left_does_not_show_in_the_next() {
        let mut digester = Digester::default();
        let record = br#"{"b": {"d": 1, "c": [2, {}]}, "a": "x"}"#;
        let alone = digest("{}", record);
        for before in [&br#"{"z": {"y": 1, "x": {"w": [1"#[..], b"a,b\r\n", br#"{"k": 1} 2"#, b"\xff", record]
        {
            digester.digest("{}", before);
            assert_eq!(digester.digest("{}", record), alone);
        }
        assert_eq!(
            digester.digest("{}", b"{} {}"),
            digester.digest("{}", b"a,b"),
            "not JSON: not in the digest"
        );
    }

    #[test]
    fn members_of_one_name_stay_as_they_came() {
        let of = |raw: &str| digest("{}", raw.as_bytes());
        assert_eq!(of(r#"{"b": 0, "a": 1, "a": 2}"#), of(r#"{"a": 1, "b": 0, "a": 2}"#));
        assert_ne!(of(r#"{"a": 1, "a": 2}"#), of(r#"{"a": 2, "a": 1}"#));
        assert_ne!(of(r#"{"a": "", "b": ""}"#), of(r#"{"a": "b"}"#));
        assert_ne!(of("[[1], 2]"), of("[[1, 2]]"));
        assert_ne!(of("1"), of("1.0"));
        assert_eq!(of("0.10"), of("0.1"));
    }

    proptest! {
        #[test]
        fn forms_are_alike_where_the_values_are(a in json(), b in json()) {
            let (text_a, text_b) = (a.to_string(), b.to_string());
            prop_assert_eq!(digest("", text_a.as_bytes()) == digest("", text_b.as_bytes()), a == b);
            // `Value` sorts its members: turned round and indented the text is another one.
            let turned = serde_json::to_string_pretty(&Turned(&a)).unwrap();
            prop_assert_eq!(digest("", text_a.as_bytes()), digest("", turned.as_bytes()));
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-2_i64..3).prop_map(Value::from),
            "[ab\"あ]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::hash_map("[abc]{0,2}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Its members in the opposite order, at every depth.
    struct Turned<'a>(&'a Value);

    impl Serialize for Turned<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                Value::Array(items) => serializer.collect_seq(items.iter().map(Turned)),
                Value::Object(members) => {
                    let members: Vec<_> = members.iter().map(|(name, value)| (name, Turned(value))).collect();
                    serializer.collect_map(members.into_iter().rev())
                }
                scalar => scalar.serialize(serializer),
            }
        }
    }
}
