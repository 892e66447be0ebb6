//! People and places in a cart's columns.

use crate::domain::order::{Carrier, Party};
use crate::secret::Personal;
use crate::tabular::profile::Binding;
use crate::tabular::{Row, values};

const PREFECTURES: [&str; 47] = [
    "北海道",
    "青森県",
    "岩手県",
    "宮城県",
    "秋田県",
    "山形県",
    "福島県",
    "茨城県",
    "栃木県",
    "群馬県",
    "埼玉県",
    "千葉県",
    "東京都",
    "神奈川県",
    "新潟県",
    "富山県",
    "石川県",
    "福井県",
    "山梨県",
    "長野県",
    "岐阜県",
    "静岡県",
    "愛知県",
    "三重県",
    "滋賀県",
    "京都府",
    "大阪府",
    "兵庫県",
    "奈良県",
    "和歌山県",
    "鳥取県",
    "島根県",
    "岡山県",
    "広島県",
    "山口県",
    "徳島県",
    "香川県",
    "愛媛県",
    "高知県",
    "福岡県",
    "佐賀県",
    "長崎県",
    "熊本県",
    "大分県",
    "宮崎県",
    "鹿児島県",
    "沖縄県",
];

/// The party of the fields `{role}_name`, `{role}_address`, … of a row.
pub(super) fn party(binding: &Binding, row: &Row, role: &str) -> Party {
    let text = |field: &str| binding.get(row, &format!("{role}_{field}"));
    let personal = |field: &str| text(field).and_then(|t| Personal::new(&t));
    let address = text("address").unwrap_or_default();
    // A cart that keeps the address in one column has the prefecture at its head.
    let (prefecture, address) = match text("prefecture") {
        Some(prefecture) => (prefecture, address.as_str()),
        None => PREFECTURES
            .iter()
            .find_map(|p| address.strip_prefix(p).map(|rest| ((*p).to_owned(), rest)))
            .unwrap_or((String::new(), &address)),
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

/// Family and given name are one half-width space apart, as everywhere in the schema.
fn one_space(name: &Personal) -> Personal {
    let joined = name.expose().split_whitespace().collect::<Vec<_>>().join(" ");
    Personal::new(&joined).unwrap_or_default()
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

/// A wanted time: a range of hours as `14-16`, half a day as `morning` or `afternoon`, else the cart's own text
/// (decisions.md 27).
pub(super) fn wanted_time(text: &str) -> String {
    let folded: String = values::nfkc(text).chars().filter(|c| !c.is_whitespace()).collect();
    match folded.as_str() {
        "午前" | "午前中" => return "morning".to_owned(),
        "午後" => return "afternoon".to_owned(),
        _ => {}
    }
    let hour = |part: &str| {
        let part = part.trim_end_matches("まで").trim_end_matches("頃");
        let part = part.strip_suffix(":00").or_else(|| part.strip_suffix('時')).unwrap_or(part);
        let sound = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        sound.then(|| part.parse::<u32>().ok()).flatten().filter(|h| *h <= 24)
    };
    let range = if folded.len() == 4 && folded.bytes().all(|b| b.is_ascii_digit()) {
        Some((&folded[..2], &folded[2..]))
    } else {
        folded.split_once(['~', '〜', '-', '―', '–']).or_else(|| folded.split_once("から"))
    };
    match range.and_then(|(from, to)| Some((hour(from)?, hour(to)?))) {
        Some((from, to)) if from < to => format!("{from:02}-{to:02}"),
        _ => text.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_times() {
        for (text, wanted) in [
            ("14時～16時", "14-16"),
            ("14:00〜16:00", "14-16"),
            ("１４－１６", "14-16"),
            ("1416", "14-16"),
            ("8時から12時まで", "08-12"),
            ("午前中", "morning"),
            ("16-14", "16-14"),
            ("夕方", "夕方"),
            ("9999", "9999"),
        ] {
            assert_eq!(wanted_time(text), wanted, "{text}");
        }
    }

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
