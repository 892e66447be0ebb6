//! Invented people at invented addresses: 見本, phone 000, example.jp.

use super::dice::{Dice, Salt};

/// Somebody who orders or receives.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) family: &'static str,
    pub(crate) given: &'static str,
    pub(crate) family_kana: &'static str,
    pub(crate) given_kana: &'static str,
    pub(crate) zip: (&'static str, &'static str),
    pub(crate) prefecture: &'static str,
    pub(crate) prefecture_id: u8,
    pub(crate) city: &'static str,
    pub(crate) street: String,
    pub(crate) island: bool,
    pub(crate) phone: (String, String, String),
    pub(crate) email: String,
    pub(crate) born: (u64, u64, u64),
}

/// 髙, 﨑 and 𠮷 come now and then: the first two are machine-dependent in CP932, the third is not in it at all.
const FAMILIES: [(&str, &str); 12] = [
    ("見本", "ミホン"),
    ("見本", "ミホン"),
    ("例示", "レイジ"),
    ("仮名", "カメイ"),
    ("贈", "オクリ"),
    ("試験", "シケン"),
    ("架空", "カクウ"),
    ("髙見本", "タカミホン"),
    ("見本﨑", "ミホンザキ"),
    ("𠮷見本", "ヨシミホン"),
    ("雛形", "ヒナガタ"),
    ("手本", "テホン"),
];
const GIVEN: [(&str, &str); 8] = [
    ("太郎", "タロウ"),
    ("花子", "ハナコ"),
    ("次郎", "ジロウ"),
    ("三郎", "サブロウ"),
    ("一葉", "カズハ"),
    ("六子", "ロクコ"),
    ("あおい", "アオイ"),
    ("テスト", "テスト"),
];
/// Prefecture, its JIS number, postal code, city, remote island.
type Place = (&'static str, u8, (&'static str, &'static str), &'static str, bool);
const PLACES: [Place; 10] = [
    ("北海道", 1, ("060", "0000"), "札幌市見本区", false),
    ("宮城県", 4, ("980", "0000"), "仙台市見本区", false),
    ("東京都", 13, ("100", "0000"), "見本区", false),
    ("東京都", 13, ("158", "0000"), "見本野区", false),
    ("神奈川県", 14, ("220", "0000"), "横浜市見本区", false),
    ("愛知県", 23, ("450", "0000"), "名古屋市見本区", false),
    ("大阪府", 27, ("530", "0000"), "大阪市見本区", false),
    ("広島県", 34, ("730", "0000"), "広島市見本区", false),
    ("福岡県", 40, ("810", "0000"), "福岡市見本区", false),
    ("沖縄県", 47, ("900", "0000"), "見本島市", true),
];

impl Person {
    /// Person number `index`, the same whenever asked.
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        let mut dice = Dice::new(seed, Salt::Person, index);
        let (family, family_kana) = *dice.pick(&FAMILIES);
        let (given, given_kana) = *dice.pick(&GIVEN);
        let (prefecture, prefecture_id, zip, city, island) = *dice.pick(&PLACES);
        let block = dice.between(1, 9);
        let mut street = format!("見本町{block}-{}-{}", dice.between(1, 20), dice.between(1, 30));
        if dice.one_in(3) {
            street.push_str(&format!(" 見本マンション{}", dice.between(101, 909)));
        }
        let phone = ("000".to_owned(), "0000".to_owned(), format!("{:04}", dice.below(10_000)));
        let email = format!("mihon{index}@example.jp");
        let born = (dice.between(1950, 2004), dice.between(1, 12), dice.between(1, 28));
        Self {
            family,
            given,
            family_kana,
            given_kana,
            zip,
            prefecture,
            prefecture_id,
            city,
            street,
            island,
            phone,
            email,
            born,
        }
    }

    /// Seven digits.
    pub(crate) fn postal_code(&self) -> String {
        format!("{}{}", self.zip.0, self.zip.1)
    }
}
