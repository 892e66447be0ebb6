//! A03 お預かり情報照会: stored cards (kuroneko-webcollect.md §2.2, §3.2).

use aws_lc_rs::digest;
use chrono::Months;
use serde::{Deserialize, Serialize};

use super::check_kinds;
use super::functions::{Context, Outcome, refuse};
use super::switches::ContractOption;
use super::xml::{Reply, stamp};
use crate::clock::Timestamp;
use crate::sim::ACCESS_KEY;

/// A stored card as A03 lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredCard {
    /// カード識別キー, 1 to 3.
    pub card_key: u8,
    /// Sixteen characters, of which the last four are digits.
    pub masked_number: String,
    /// `MMyy`.
    pub expiry: String,
    /// As on the card.
    pub owner: String,
    /// カード会社コード (§2.4).
    pub brand: u8,
    /// 最終利用日時; unused for a year, the card lapses.
    pub last_used_at: Timestamp,
}

impl Context<'_> {
    /// A03 お預かり情報照会.
    pub(super) fn list_cards(self) -> Outcome {
        let member = self.params.get("member_id");
        let key = self.params.get("authentication_key");
        let sum = self.params.get("check_sum");
        let alphanumeric = |c: char| c.is_ascii_alphanumeric();
        check_kinds("A03", "03", member, 64, "71", alphanumeric)?;
        check_kinds("A03", "04", key, 8, "71", alphanumeric)?;
        if sum.is_empty() {
            return refuse("A031010501");
        }
        if sum != check_sum(member, key) {
            return refuse("A031010571");
        }
        if self.lacks(ContractOption::StoredCards) {
            return refuse("A032000001");
        }
        let stored = self.state.gateway.cards.get(&(member.to_owned(), key.to_owned()));
        let today = self.now.jst_date();
        let live = |card: &&StoredCard| {
            let end = card.last_used_at.jst_date().checked_add_months(Months::new(12));
            end.is_none_or(|end| today <= end)
        };
        let blocks = stored.into_iter().flatten().filter(live).map(|card| {
            vec![
                ("cardKey", card.card_key.to_string()),
                ("maskingCardNo", card.masked_number.clone()),
                ("cardExp", card.expiry.clone()),
                ("cardOwner", card.owner.clone()),
                ("cardCodeApi", card.brand.to_string()),
                ("lastCreditDate", stamp(card.last_used_at)),
                ("subscriptionFlg", "0".to_owned()),
                ("regularFlg", "0".to_owned()),
            ]
        });
        Ok(Reply::ok().with_blocks("cardUnit", "cardData", blocks.collect()))
    }
}

/// Lower-case hex SHA-256 of member, key and the merchant's access key, nothing between them (§2.2).
fn check_sum(member: &str, key: &str) -> String {
    let sum = digest::digest(&digest::SHA256, format!("{member}{key}{ACCESS_KEY}").as_bytes());
    sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
