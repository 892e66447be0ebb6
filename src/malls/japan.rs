//! How people, places and hours are written in Japan, where a mall or a cart keeps them in one text.

use crate::secret::Personal;
use crate::tabular::values;

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

/// The prefecture at the head of `address`, if it has one, and what follows it.
#[must_use]
pub fn split_prefecture(address: &str) -> (Option<&'static str>, &str) {
    PREFECTURES
        .iter()
        .find_map(|p| address.strip_prefix(p).map(|rest| (Some(*p), rest)))
        .unwrap_or((None, address))
}

/// Family and given name are one half-width space apart, as everywhere in the schema.
#[must_use]
pub fn one_space(name: &Personal) -> Personal {
    let joined = name.expose().split_whitespace().collect::<Vec<_>>().join(" ");
    Personal::new(&joined).unwrap_or_default()
}

/// A wanted time: a range of hours as `14-16`, half a day as `morning` or `afternoon`, else the text itself
/// (decisions.md 27).
#[must_use]
pub fn wanted_time(text: &str) -> String {
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
    fn prefectures_stand_at_the_head() {
        assert_eq!(split_prefecture("東京都 千代田区"), (Some("東京都"), " 千代田区"));
        assert_eq!(split_prefecture("京都府京都市"), (Some("京都府"), "京都市"));
        assert_eq!(split_prefecture("千代田区"), (None, "千代田区"));
    }
}
