//! People and places in a cart's columns.

use crate::domain::order::{Carrier, Party};
use crate::malls::japan::{one_space, split_prefecture};
use crate::secret::Personal;
use crate::tabular::profile::Binding;
use crate::tabular::{Row, values};

/// The party of the fields `{role}_name`, `{role}_address`, … of a row.
pub(super) fn party(binding: &Binding, row: &Row, role: &str) -> Party {
    let text = |field: &str| binding.get(row, &format!("{role}_{field}"));
    let personal = |field: &str| text(field).and_then(|t| Personal::new(&t));
    let address = text("address").unwrap_or_default();
    // A cart that keeps the address in one column has the prefecture at its head.
    let (prefecture, address) = match text("prefecture") {
        Some(prefecture) => (prefecture, address.as_str()),
        None => {
            let (prefecture, rest) = split_prefecture(&address);
            (prefecture.unwrap_or_default().to_owned(), rest)
        }
    };
    Party {
        name: personal("name").map(|name| one_space(&name)),
        name_kana: personal("kana").map(|name| one_space(&name)),
        postal_code: text("postal_code").and_then(|t| Personal::new(&postal_digits(&t))),
        prefecture: Personal::new(&prefecture),
        address: Personal::new(address),
        phone: text("phone").and_then(|t| Personal::new(&values::digits(&t))),
        email: personal("email"),
        company: personal("company"),
    }
}

fn postal_digits(text: &str) -> String {
    values::postal_code(text).unwrap_or_else(|| values::digits(text))
}

/// The carrier behind a cart's name of it (csv-formats.md §6.1).
pub(super) fn carrier(name: &str) -> Carrier {
    let name = values::word_key(name);
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["yamato", "ヤマト", "クロネコ", "宅急便"]) {
        Carrier::Yamato
    } else if has(&["sagawa", "佐川", "飛脚"]) {
        Carrier::Sagawa
    } else if has(&["post", "郵便", "ゆうパ", "ゆうメール"]) {
        Carrier::JapanPost
    } else if has(&["seino", "西濃"]) {
        Carrier::Seino
    } else {
        Carrier::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_by_their_names() {
        for (name, wanted) in [
            ("ヤマト運輸", Carrier::Yamato),
            ("ｸﾛﾈｺ宅急便", Carrier::Yamato),
            ("佐川急便", Carrier::Sagawa),
            ("ゆうパック", Carrier::JapanPost),
            ("西濃運輸", Carrier::Seino),
            ("自社便", Carrier::Other),
        ] {
            assert_eq!(carrier(name), wanted, "{name}");
        }
    }
}
