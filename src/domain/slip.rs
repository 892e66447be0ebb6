//! Slips are ours (decisions.md 28): the numbers printed on parcels, from carriers' files or from a person.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Carrier;
use super::words::words;
use crate::clock::Timestamp;

words! {
    /// Whether the mall knows the number (write-back comes with the malls' shipping calls).
    WriteBack {
        /// Not sent.
        Unsent = "unsent",
        /// Seen at the mall.
        Seen = "seen",
        /// Refused by the mall.
        Failed = "failed",
    }
}

/// One slip of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Slip {
    /// The number, digits (and letters where a carrier has them) only.
    pub number: String,
    /// Who carries it.
    pub carrier: Carrier,
    /// 送り状種類 as the file says (`0`, `2`, `A`; csv-formats.md §1.3); empty when not known.
    pub kind: String,
    /// The destination it belongs to, where known.
    pub package_id: Option<String>,
    /// Where it came from: `b2.csv:12`, or `person:NAME`.
    pub source: String,
    /// 出荷予定日.
    pub ship_date: Option<NaiveDate>,
    /// When we learnt it.
    pub learnt_at: Timestamp,
    /// Whether the mall knows it.
    pub write_back: WriteBack,
    /// Whether B2クラウド registers it at web collect itself, as its file says; `None` where no file says so.
    pub b2_registers: Option<bool>,
    /// Why it may not be used yet, in words: a person decides. `None`: it may.
    pub held: Option<String>,
}

/// One row of a carrier's file, cleaned, before it is matched with an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlipRow {
    /// `b2.csv:12`.
    pub source: String,
    /// The order key as written (お客様管理番号), trimmed.
    pub order_key: String,
    /// Other keys to try, in order, when that one fits no order: a parcel suffix cut off, 荷扱い, 記事.
    pub other_keys: Vec<String>,
    /// 申込受付番号１–３, where the file carries them.
    pub reception_numbers: Vec<String>,
    /// クロネコwebコレクト加盟店番号 that those are said to belong to; `None` where the file does not say.
    pub trader_code: Option<String>,
    /// The number, folded (csv-formats.md §0.4).
    pub number: String,
    /// Who carries it.
    pub carrier: Carrier,
    /// 送り状種類 as written.
    pub kind: String,
    /// 出荷予定日.
    pub ship_date: Option<NaiveDate>,
    /// お届け先郵便番号, digits; `None` when the file has none.
    pub postal_code: Option<String>,
    /// The destination it is for, where a person said so.
    pub package_id: Option<String>,
    /// クロネコwebコレクトデータ登録: whether B2クラウド registers the slip itself; `None` where the file does not say.
    pub b2_registers: Option<bool>,
    /// The parcel belongs to the order of its one reception number, whatever the order's own number is: a consolidated
    /// parcel (同梱) has one such row for each further sale.
    pub by_number: bool,
}

words! {
    /// What became of a row.
    RowOutcome {
        /// A new slip of an order.
        Matched = "matched",
        /// That order has that slip already.
        Known = "known",
        /// No such order yet: kept until it arrives.
        Waiting = "waiting",
        /// Kept as a question: a person decides (another number later, a wrong postal code, a cancelled order).
        Held = "held",
        /// Not usable.
        Refused = "refused",
    }
}

/// The report on one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowReport {
    /// `b2.csv:12`.
    pub source: String,
    /// The order key as written.
    pub order_key: String,
    /// The number.
    pub number: String,
    /// What became of it.
    pub outcome: RowOutcome,
    /// Why, for a person; empty when matched.
    pub reason: String,
}

/// Whether a Yamato number is sound: twelve digits, the first eleven modulo 7 equal the twelfth
/// (csv-formats.md §0.6).
#[must_use]
pub fn seven_check(number: &str) -> bool {
    number.len() == 12
        && number.bytes().all(|b| b.is_ascii_digit())
        && matches!((number[..11].parse::<u64>(), number[11..].parse::<u64>()), (Ok(n), Ok(d)) if n % 7 == d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_check_of_the_contract_page() {
        assert!(seven_check("400012345670"));
        assert!(!seven_check("400012345671"));
        assert!(seven_check("400123456784"));
        assert!(!seven_check("40012345678"));
        assert!(!seven_check("４００１２３４５６７８４"));
    }
}
