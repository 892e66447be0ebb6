//! From answers to what the rest of the program knows: pure (kuroneko-webcollect.md §3.1, §3.3, §3.4, §4.1).

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeZone};

pub use super::answer::{answer, mend, stop};
use super::codes::{Class, classify, describe, meaning};
use super::wire::{Leaves, NO_CODE, Outcome, Reply, Unreadable};
use crate::clock::{Timestamp, jst_offset};
use crate::domain::money::Yen;
use crate::domain::settlement::{Observed, SettlementState};
use crate::http::Fault;
use crate::secret::Personal;
use crate::settlement::{Stop, StoredCard};

/// What a look-up's answer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeInfo {
    /// The transaction; `None` when the gateway does not know the number, or when `ambiguous`.
    pub observed: Option<Observed>,
    /// Several blocks fit and none decides (§3.3).
    pub ambiguous: bool,
    /// `resultCount` is not the number of blocks; the blocks are trusted (§3.3).
    pub miscounted: bool,
    /// `returnDate`, the gateway's clock.
    pub returned_at: Option<Timestamp>,
}

/// Reads the answer to E04 for `order_no`.
///
/// # Errors
/// A fault with what to do next, and whether the account must stop.
pub fn trade_info(status: u16, body: &[u8], order_no: &str) -> Result<TradeInfo, (Fault, Option<Stop>)> {
    let reply = read_only(status, body)?;
    let count = reply.leaf("resultCount");
    let miscounted = count.is_some_and(|count| count.parse() != Ok(reply.blocks.len()));
    let fitting: Vec<&Leaves> =
        reply.blocks.iter().filter(|block| block.one("orderNo").as_deref() == Some(order_no)).collect();
    let live: Vec<&Leaves> = fitting.iter().copied().filter(|block| !is_canceled(block)).collect();
    let chosen = match (live.as_slice(), fitting.as_slice()) {
        ([one], _) | ([], [one, ..]) => Some(*one),
        _ => None,
    };
    Ok(TradeInfo {
        observed: chosen.map(|block| observe(block, &fitting, order_no)),
        ambiguous: chosen.is_none() && !fitting.is_empty(),
        miscounted,
        returned_at: reply.leaf("returnDate").and_then(|text| moment(&text)),
    })
}

/// The answer of a call that changes nothing, when it succeeded.
///
/// # Errors
/// A fault with what to do next, and whether the account must stop.
pub fn read_only(status: u16, body: &[u8]) -> Result<Reply, (Fault, Option<Stop>)> {
    let reply = Reply::read(status, body).map_err(|unreadable| (unreadable_fault(&unreadable), None))?;
    match reply.outcome() {
        Outcome::Success => Ok(reply),
        Outcome::Contradiction(reason) => Err((Fault::Malformed(reason), None)),
        Outcome::RefusedWithoutCause => Err((rejected(NO_CODE, "refused without a cause"), None)),
        Outcome::Refused(code) => Err(refused(&code)),
    }
}

fn unreadable_fault(unreadable: &Unreadable) -> Fault {
    match unreadable {
        Unreadable::Status(429) => Fault::Throttled { until: None },
        Unreadable::Status(408 | 500..) => Fault::Transient(unreadable.to_string()),
        Unreadable::Status(status) => rejected(
            &format!("HTTP {status}"),
            "the gateway answers with 200 alone: check `base_url`, `environment` and `proxy`",
        ),
        Unreadable::Html => Fault::Maintenance(unreadable.to_string()),
        other => Fault::Malformed(other.to_string()),
    }
}

fn refused(code: &str) -> (Fault, Option<Stop>) {
    let fault = match classify(code) {
        Class::Window => Fault::Maintenance(describe(code)),
        Class::Conf => {
            let stop = stop(code);
            return (Fault::Auth { code: code.to_owned(), message: stop.reason.clone() }, Some(stop));
        }
        Class::Retry if code == "Z012000006" => Fault::Throttled { until: None },
        Class::Retry => Fault::Transient(describe(code)),
        // E04 changes nothing: what makes the outcome of a change unknown is only a reason to ask again.
        Class::Verify if code.starts_with("Z01") => Fault::Transient(describe(code)),
        Class::Bug | Class::Verify | Class::Decline | Class::Person => rejected(code, &meaning(code)),
    };
    (fault, None)
}

pub(super) fn rejected(code: &str, message: &str) -> Fault {
    Fault::Rejected { code: code.to_owned(), message: message.to_owned() }
}

fn is_canceled(block: &Leaves) -> bool {
    block.one("statusInfo").is_some_and(|status| state(&status) == SettlementState::Canceled)
}

/// What one block shows; slips come from every block that fits (§3.3, "Several slips").
fn observe(block: &Leaves, fitting: &[&Leaves], order_no: &str) -> Observed {
    let status = block.one("statusInfo").unwrap_or_default();
    let mut slips: Vec<String> = Vec::new();
    for fit in fitting {
        for text in fit.all("slipNo").chain(fit.all("extraSlipNo")) {
            for slip in tokens(text) {
                if !slips.contains(&slip) {
                    slips.push(slip);
                }
            }
        }
    }
    let own = fold_slip(order_no);
    let mut consolidated_with: Vec<String> =
        block.all("packingInfo").flat_map(tokens).filter(|number| *number != own).collect();
    consolidated_with.dedup();
    let at = |name: &str| block.one(name).and_then(|text| moment(&text));
    Observed {
        state: state(&status),
        amount: block.one("settlePrice").and_then(|text| amount(&text)),
        authorized_at: at("crdCResDate"),
        approval: block.one("crdCResCd"),
        slips,
        delivery_service_code: block.one("deliveryServiceCode"),
        consolidated_with,
        enquiry_number: block.one("orderDataSeq"),
        registered_at: at("slipDate"),
        shipped_on: at("allDeliveryDate").map(Timestamp::jst_date),
        delivered_on: at("finishDate").map(Timestamp::jst_date),
        scheduled_on: at("scheduledShippingDate").map(Timestamp::jst_date),
        canceled_at: at("cancelDate"),
        changed_at: at("renewalDate"),
        warning: block.one("warningInfo"),
        status,
    }
}

/// `statusInfo` as the number that it is; `None` for what is none, two that differ (`4/30`) included.
#[must_use]
pub fn status_number(status: &str) -> Option<u32> {
    status.parse().ok()
}

/// `statusInfo` in our words (§3.4). What is not in the table, or leads nowhere by itself, is unknown: a person.
#[must_use]
pub fn state(status: &str) -> SettlementState {
    match status_number(status) {
        Some(4) => SettlementState::Authorized,
        Some(5) => SettlementState::Reserved,
        Some(11..=15 | 18 | 20) => SettlementState::Refused,
        Some(30) => SettlementState::Registered,
        Some(31) => SettlementState::Settled,
        Some(40) => SettlementState::Canceled,
        _ => SettlementState::Unknown,
    }
}

/// What a status means, for a person (§3.4); `None` for one that is not in the gateway's list.
#[must_use]
pub fn status_name(status: &str) -> Option<&'static str> {
    let name = match status_number(status) {
        Some(0) => "決済依頼済み: requested",
        Some(1) => "決済申込完了: waiting for money",
        Some(2) => "入金完了(速報): paid",
        Some(3) => "入金完了(確報): paid",
        Some(4) => "与信完了: authorised",
        Some(5) => "予約受付完了: reserved, authorised later",
        Some(6) => "継続課金申込完了: recurring",
        Some(11) => "購入者都合エラー: failed",
        Some(12) => "加盟店都合エラー: failed",
        Some(13) => "決済機関都合エラー: failed",
        Some(14) => "その他システムエラー: failed",
        Some(15) => "予約販売与信エラー: the later authorisation failed",
        Some(16) => "決済依頼取消エラー: a cancel failed",
        Some(17) => "金額変更NG: an amount change failed",
        Some(18) => "継続課金与信エラー: a recurring authorisation failed",
        Some(20) => "決済中断: interrupted",
        Some(21) => "決済手続き中: in progress",
        Some(22) => "継続課金停止中: recurring, stopped",
        Some(23) => "増額承認待ち: an increase awaits approval",
        Some(30) => "精算確定待ち: shipment registered",
        Some(31) => "精算確定: settled",
        Some(40) => "取消: cancelled",
        _ => return None,
    };
    Some(name)
}

fn amount(text: &str) -> Option<Yen> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok().map(Yen) } else { None }
}

/// 14 or 8 digits, Japanese time. Anything else is no date, and harms nothing (§3.1 rule 11).
fn moment(text: &str) -> Option<Timestamp> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let local = match text.len() {
        14 => NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%S").ok()?,
        8 => NaiveDate::parse_from_str(text, "%Y%m%d").ok()?.and_time(NaiveTime::MIN),
        _ => return None,
    };
    jst_offset().from_local_datetime(&local).single().map(Timestamp::from)
}

/// The cards of an A03 answer (§3.2). A block without a key or a number is none.
#[must_use]
pub fn stored_cards(reply: &Reply) -> Vec<StoredCard> {
    let card = |block: &Leaves| {
        let flag = |name: &str| block.one(name).is_some_and(|flag| flag != "0");
        let used = block.one("lastCreditDate");
        Some(StoredCard {
            key: block.one("cardKey")?,
            number: Personal::new(&block.one("maskingCardNo")?)?,
            expires: Personal::new(&month(&block.one("cardExp").unwrap_or_default())).unwrap_or_default(),
            last_used_at: used.map(|text| moment(&text).map_or(text, |at| at.to_string())),
            reserved: flag("subscriptionFlg") || flag("regularFlg"),
        })
    };
    reply.blocks.iter().filter_map(card).collect()
}

/// `YYYY-MM` of `MMyy`; anything else as it came.
fn month(text: &str) -> String {
    match text.split_at_checked(2) {
        Some((month, year))
            if text.len() == 4
                && text.bytes().all(|b| b.is_ascii_digit())
                && ("01"..="12").contains(&month) =>
        {
            format!("20{year}-{month}")
        }
        _ => text.to_owned(),
    }
}

/// When the gateway answered, by its own clock.
#[must_use]
pub fn returned_at(reply: &Reply) -> Option<Timestamp> {
    reply.leaf("returnDate").and_then(|text| moment(&text))
}

/// Slip numbers in a text whose separator nobody knows: split on everything outside the alphabet (§3.3).
fn tokens(text: &str) -> Vec<String> {
    half_width(text)
        .split(|c: char| !(c.is_ascii_alphanumeric() || "#-*/<>:@".contains(c)))
        .filter(|token| !token.is_empty())
        .map(fold_slip)
        .collect()
}

/// A slip number as it is compared: half-width capitals, and a Yamato number without its hyphens.
#[must_use]
pub fn fold_slip(text: &str) -> String {
    let folded = half_width(text).to_ascii_uppercase();
    let digits: String = folded.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    if digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_digit()) { digits } else { folded }
}

/// Full-width ASCII and the full-width space as their half-width forms.
fn half_width(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{3000}' => ' ',
            '\u{FF01}'..='\u{FF5E}' => u8::try_from(u32::from(c) - 0xFEE0).map_or(c, char::from),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            _ => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_whatever_parts_them() {
        for text in [
            "400123456784,400012345670",
            "400123456784、400012345670",
            "4001-2345-6784 4000-1234-5670",
            "400123456784\n400012345670",
            "400123456784|400012345670",
            "４００１２３４５６７８４，４０００１２３４５６７０",
        ] {
            assert_eq!(tokens(text), ["400123456784", "400012345670"], "{text}");
        }
        assert_eq!(tokens("2025-04/a#1"), ["2025-04/A#1"]);
        assert_eq!(tokens("　,、 "), [""; 0]);
    }

    #[test]
    fn dates_of_eight_or_fourteen_digits_are_japanese_time() {
        assert_eq!(moment("20250401093011").unwrap().to_string(), "2025-04-01T09:30:11+09:00");
        assert_eq!(moment("20250401").unwrap().to_string(), "2025-04-01T00:00:00+09:00");
        for text in ["", "2025040109", "20251301", "2025-04-01", "２０２５０４０１"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
