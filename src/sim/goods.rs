//! What the simulated shops sell.

/// An item of the range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goods {
    pub(crate) name: &'static str,
    pub(crate) number: &'static str,
    pub(crate) manage: &'static str,
    /// Yen, tax included (or without, where `tax_excluded`).
    pub(crate) price: i64,
    pub(crate) rate_percent: i64,
    pub(crate) tax_excluded: bool,
    /// Variant id, the shop's own code, what the buyer sees.
    pub(crate) variants: &'static [(&'static str, Option<&'static str>, Option<&'static str>)],
    pub(crate) choice: Option<&'static str>,
}

impl Goods {
    /// Yen a piece with tax.
    pub(crate) fn price_with_tax(&self) -> i64 {
        if self.tax_excluded { self.price + self.price * self.rate_percent / 100 } else { self.price }
    }
}

/// The range. Prices start at 880 yen, so that no coupon of the simulator exceeds an order.
pub(crate) const RANGE: [Goods; 8] = [
    Goods {
        name: "見本園 煎茶",
        number: "TEA",
        manage: "tea-sencha",
        price: 1080,
        rate_percent: 8,
        tax_excluded: false,
        variants: &[
            ("tea-100-m", Some("TEA-100-M"), Some("内容量:100g\n茶葉:深蒸し")),
            ("tea-200-l", Some("TEA-200-L"), Some("内容量:200g\n茶葉:浅蒸し")),
        ],
        choice: Some("のし:なし\n袋:あり"),
    },
    Goods {
        name: "見本窯 湯のみ",
        number: "MUG01",
        manage: "mug-yunomi",
        price: 2200,
        rate_percent: 10,
        tax_excluded: false,
        variants: &[("mug-yunomi", None, None)],
        choice: None,
    },
    Goods {
        name: "見本傘 60cm",
        number: "KASA60",
        manage: "kasa-60",
        price: 3300,
        rate_percent: 10,
        tax_excluded: false,
        variants: &[
            ("kasa-60-bk", Some("KASA60-BK"), Some("カラー:ブラック")),
            ("kasa-60-nv", None, Some("カラー:ネイビー")),
        ],
        choice: None,
    },
    Goods {
        name: "見本工具(税別)",
        number: "TOOL1",
        manage: "tool-1",
        price: 1000,
        rate_percent: 10,
        tax_excluded: true,
        variants: &[("tool-1", None, None)],
        choice: None,
    },
    Goods {
        name: "見本靴下 3足①",
        number: "SOX3",
        manage: "sox-3",
        price: 1320,
        rate_percent: 10,
        tax_excluded: false,
        variants: &[
            ("sox-3-m", Some("SOX3-M"), Some("サイズ:M")),
            ("sox-3-l", Some("SOX3-L"), Some("サイズ:L")),
        ],
        choice: Some("ギフト袋:なし"),
    },
    Goods {
        name: "見本農園 野菜の会",
        number: "VEG",
        manage: "veg-club",
        price: 4320,
        rate_percent: 8,
        tax_excluded: false,
        variants: &[("veg-club", None, None)],
        choice: None,
    },
    Goods {
        name: "見本文庫 “上”～下",
        number: "BOOK01",
        manage: "book-01",
        price: 880,
        rate_percent: 10,
        tax_excluded: false,
        variants: &[("book-01", None, None)],
        choice: None,
    },
    Goods {
        name: "見本サプリ 定期便",
        number: "SUPPL30",
        manage: "suppl-30",
        price: 2700,
        rate_percent: 8,
        tax_excluded: false,
        variants: &[("suppl-30", Some("SUP-30"), None)],
        choice: None,
    },
];
