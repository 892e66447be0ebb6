//! A08 トークン決済登録, for cards without 3-D Secure (kuroneko-webcollect.md §2.3, §4.5, §7).

use std::time::Duration;

use chrono::{Days, NaiveDate};
use encoding_rs::SHIFT_JIS;

use super::check;
use super::functions::{Context, Outcome, reception_char, refuse};
use super::state::{Means, Placement};
use super::switches::ContractOption;
use super::xml::Reply;
use crate::clock::Timestamp;

/// How long a token can be used.
const TOKEN_LIFE: Duration = Duration::from_secs(30 * 60);
/// How often a buyer can pay; 0 is revolving.
const PAY_WAYS: [&str; 12] = ["0", "1", "2", "3", "5", "6", "10", "12", "15", "18", "20", "24"];

/// A card behind a token that the browser was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) made: Timestamp,
    pub(crate) spent: bool,
}

impl Context<'_> {
    /// A08 トークン決済登録.
    pub(super) fn authorize_by_token(self) -> Outcome {
        let planned = self.check_checkout()?;
        if self.lacks(ContractOption::Card) {
            return refuse("A082000001");
        }
        if planned.is_some() && self.lacks(ContractOption::Reservations) {
            return refuse("A082000005");
        }
        if !PAY_WAYS.contains(&self.params.get("pay_way")) {
            return refuse("A082000007");
        }
        let order_no = self.order_no().to_owned();
        let now = self.now;
        if self.settlement().is_some() {
            return refuse("A082000003");
        }
        let token = self.state.gateway.tokens.get_mut(self.params.get("token"));
        let Some(token) = token.filter(|token| !token.spent && now.since(token.made) <= TOKEN_LIFE) else {
            return refuse("A082000004");
        };
        // It is spent whatever the issuer says.
        token.spent = true;
        let declined = self.switches.declined.contains(&order_no);
        let placement = Placement {
            order_no: order_no.clone(),
            // Seven digits at most: it is a number.
            amount: self.params.get("settle_price").parse().unwrap_or(0),
            scheduled_shipping_date: planned,
            status: declined.then_some(11),
            means: Means::Card,
            member_id: String::new(),
            placed_at: Some(now),
        };
        if !self.state.gateway.place(self.world, placement, now) {
            return refuse("A082000003");
        }
        if declined {
            return Ok(Reply::refused("A082000010")
                .with("crdCResCd", "")
                .with("creditErrorCode", self.issuer_code("G61"))
                .with("threeDAuthHtml", "")
                .with("threeDToken", ""));
        }
        let number = self.settlement().map(|s| s.auth_code).unwrap_or_default();
        Ok(["creditErrorCode", "threeDAuthHtml", "threeDToken"]
            .into_iter()
            .fold(Reply::ok().with("crdCResCd", number), |reply, name| reply.with(name, "")))
    }

    /// The items in the order of their numbers; the planned ship date, if there is one.
    fn check_checkout(&self) -> Result<Option<NaiveDate>, String> {
        let item = |name: &str| self.params.get(name);
        let refuse = |item: &str| Err(format!("A08101{item}"));
        match item("device_div") {
            "1" | "2" => {}
            "" => return refuse("0301"),
            _ => return refuse("0306"),
        }
        check("A08", "04", item("order_no"), 23, reception_char)?;
        let price = item("settle_price");
        check("A08", "05", price, 7, |c| c.is_ascii_digit())?;
        match price.parse::<i64>().unwrap_or(0) {
            ..1 => return refuse("0571"),
            price if price > self.switches.amount_limit => return refuse("0572"),
            _ => {}
        }
        text("06", item("buyer_name_kanji"), 60, true)?;
        let telephone = item("buyer_tel");
        if (1..8).contains(&telephone.chars().count()) {
            return refuse("0702");
        }
        check("A08", "07", telephone, 13, |c| c.is_ascii_digit() || c == '-')?;
        let mail = item("buyer_email");
        check("A08", "08", mail, 64, |_| true)?;
        match mail.split_once('@') {
            None => return refuse("0871"),
            Some((local, domain)) if local.is_empty() || domain.is_empty() => return refuse("0872"),
            Some((local, domain)) if format!("{local}{domain}").contains(['@', ' ']) => {
                return refuse("0871");
            }
            Some(_) => {}
        }
        check("A08", "09", item("pay_way"), 2, |c| c.is_ascii_digit())?;
        text("10", item("goods_name"), 600, false)?;
        let brand = item("card_code_api");
        if !brand.is_empty() && !brand.parse::<u8>().is_ok_and(|brand| (1..=12).contains(&brand)) {
            return refuse("1172");
        }
        let token = item("token");
        if (1..16).contains(&token.chars().count()) {
            return refuse("1202");
        }
        check("A08", "12", token, 16, |c| c.is_ascii_alphanumeric())?;
        let url = item("trader_ec_url");
        if url.chars().count() > 128 {
            return refuse("1372");
        }
        if !url.is_empty() && !url.starts_with("https://") {
            return refuse("1373");
        }
        let date = item("scheduled_shipping_date");
        if date.is_empty() {
            return Ok(None);
        }
        if date.len() != 8 || !date.bytes().all(|b| b.is_ascii_digit()) {
            return refuse("1471");
        }
        let Ok(date) = NaiveDate::parse_from_str(date, "%Y%m%d") else { return refuse("1473") };
        let today = self.now.jst_date();
        let last = today.checked_add_days(Days::new(self.switches.schedule_days));
        if date < today {
            return refuse("1472");
        }
        if last.is_some_and(|last| date > last) { refuse("1473") } else { Ok(Some(date)) }
    }
}

/// A text field: missing (01), what the card network cannot show (71), too many bytes of Shift_JIS (72).
fn text(item: &str, value: &str, longest: usize, required: bool) -> Result<(), String> {
    let (bytes, _, unmappable) = SHIFT_JIS.encode(value);
    let kind = if value.is_empty() {
        if required { "01" } else { return Ok(()) }
    } else if unmappable || value.chars().any(|c| ('\u{ff61}'..='\u{ff9f}').contains(&c)) || extended(&bytes)
    {
        "71"
    } else if bytes.len() > longest {
        "72"
    } else {
        return Ok(());
    };
    Err(format!("A08101{item}{kind}"))
}

/// The rows of NEC and IBM in Shift_JIS: ①, ㈱, 髙 and the like (§2.3).
fn extended(bytes: &[u8]) -> bool {
    let mut rest = bytes.iter().copied();
    while let Some(lead) = rest.next() {
        if !matches!(lead, 0x81..=0x9f | 0xe0..=0xfc) {
            continue;
        }
        let trail = rest.next().unwrap_or(0);
        let code = u16::from_be_bytes([lead, trail]);
        if matches!(code, 0x8740..=0x879e | 0xed40..=0xeefc | 0xfa40..=0xfc4b) {
            return true;
        }
    }
    false
}
