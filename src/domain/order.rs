//! The normalised order: one shape for every mall (interface.md, "A normalised order").
//!
//! [`Order`] is what a mall shows of an order, pure and comparable; the store adds ids, dates, slips and the
//! settlement (`store::orders::OrderView`). Missing values are `None`, never empty text; an amount that is not fixed
//! yet is `None`.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::money::Yen;
use crate::clock::Timestamp;
use crate::secret::Personal;
pub use change::{Change, changes};
pub use status::{Carrier, CollectedBy, FulfilledBy, PaymentMethod, PaymentStatus, PendingReason, Status};

mod change;
mod status;

/// How an order is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    /// One of our words.
    pub method: PaymentMethod,
    /// The mall's or cart's own name of the method.
    pub mall_method: Option<String>,
    /// Where the money stands.
    pub status: PaymentStatus,
    /// Who captures it.
    pub collected_by: CollectedBy,
}

/// Amounts in yen, before coupons with the coupons beside them; `None` while not fixed. `total` is before points and
/// coupons, `due` is what the payment method collects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Amounts {
    /// ISO 4217; amounts of another currency than JPY are `None`.
    pub currency: String,
    /// Goods with tax.
    pub goods: Option<Yen>,
    /// Postage.
    pub shipping: Option<Yen>,
    /// Cash on delivery and payment fees.
    pub payment_fee: Option<Yen>,
    /// Wrapping.
    pub gift_wrap: Option<Yen>,
    /// Anything else charged.
    pub other_charge: Option<Yen>,
    /// Coupons that the shop pays.
    pub shop_coupon: Option<Yen>,
    /// Coupons that the mall pays.
    pub mall_coupon: Option<Yen>,
    /// Points used.
    pub points: Option<Yen>,
    /// Other discounts.
    pub other_discount: Option<Yen>,
    /// Before points and coupons.
    pub total: Option<Yen>,
    /// What the payment method collects.
    pub due: Option<Yen>,
}

impl Amounts {
    /// All amounts unknown, in `currency`.
    #[must_use]
    pub fn none(currency: &str) -> Self {
        Self {
            currency: currency.to_owned(),
            goods: None,
            shipping: None,
            payment_fee: None,
            gift_wrap: None,
            other_charge: None,
            shop_coupon: None,
            mall_coupon: None,
            points: None,
            other_discount: None,
            total: None,
            due: None,
        }
    }

    /// The identities that do not hold (I13), empty when all known amounts add up: `total` is the sum of the charges,
    /// `due` is `total` less coupons, points and discounts. Nothing is repaired.
    #[must_use]
    pub fn mismatches(&self) -> Vec<Flag> {
        fn sum(parts: &[Option<Yen>]) -> Option<Yen> {
            parts.iter().try_fold(Yen::ZERO, |sum, part| sum.plus((*part)?))
        }
        let mut flags = Vec::new();
        let charges = sum(&[self.goods, self.shipping, self.payment_fee, self.gift_wrap, self.other_charge]);
        if let (Some(charges), Some(total)) = (charges, self.total)
            && charges != total
        {
            flags.push(Flag::new("total_mismatch", format!("charges add up to {charges}, total is {total}")));
        }
        let less = sum(&[self.shop_coupon, self.mall_coupon, self.points, self.other_discount]);
        if let (Some(total), Some(less), Some(due)) = (self.total, less, self.due)
            && total.minus(less) != Some(due)
        {
            flags.push(Flag::new("due_mismatch", format!("total {total} less {less} is not due {due}")));
        }
        flags
    }
}

/// Consumption tax of one rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tax {
    /// 10, 8 or 0.
    pub rate_percent: i64,
    /// The tax-inclusive amount at this rate, as the mall states it.
    pub taxable: Option<Yen>,
    /// The tax in it.
    pub tax: Option<Yen>,
}

/// A person or company with an address. `name` is family name, one space, given name; `address` all that follows the
/// prefecture; `postal_code` and `phone` digits only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Party {
    /// Family name, one space, given name.
    pub name: Option<Personal>,
    /// The same in kana.
    pub name_kana: Option<Personal>,
    /// Digits only.
    pub postal_code: Option<Personal>,
    /// 都道府県.
    pub prefecture: Option<Personal>,
    /// What follows the prefecture, parts joined by one space.
    pub address: Option<Personal>,
    /// Digits only.
    pub phone: Option<Personal>,
    /// A relay address of the mall as a rule.
    pub email: Option<Personal>,
    /// Company.
    pub company: Option<Personal>,
}

/// One shipment row as the mall shows it (decisions.md 28).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shipment {
    /// Carrier.
    pub carrier: Option<Carrier>,
    /// As the mall shows it.
    pub tracking_number: Option<String>,
    /// The day it went out.
    pub shipped_on: Option<NaiveDate>,
}

/// One destination of an order, with its goods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Package {
    /// The mall's own key of the destination.
    pub package_id: String,
    /// Who receives it.
    pub recipient: Party,
    /// Carrier of the first shipment, else the one wanted.
    pub carrier: Option<Carrier>,
    /// All numbers the mall shows.
    pub tracking_numbers: Vec<String>,
    /// The day the (first) shipment went out.
    pub shipped_on: Option<NaiveDate>,
    /// The day the buyer wants it.
    pub requested_date: Option<NaiveDate>,
    /// `14-16`, `morning`, `afternoon`, or the mall's text.
    pub requested_time: Option<String>,
    /// Every shipment row.
    pub shipments: Vec<Shipment>,
    /// Goods; a removed line is not shown.
    pub lines: Vec<Line>,
}

/// A choice of the buyer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemOption {
    /// What was chosen, `None` when the text has no colon.
    pub name: Option<String>,
    /// The choice.
    pub value: String,
}

impl ItemOption {
    /// Splits `色:赤` at its first colon, half or full width (decisions.md 27). `None` for blank text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        Some(match text.split_once([':', '：']) {
            Some((name, value)) => {
                let name = name.trim();
                Self { name: (!name.is_empty()).then(|| name.to_owned()), value: value.trim().to_owned() }
            }
            None => Self { name: None, value: text.to_owned() },
        })
    }
}

/// One line of goods. A line cancelled on its own stays with quantity 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The mall's own key of the line.
    pub line_id: String,
    /// The shop's key for stock.
    pub sku: Option<String>,
    /// The mall's item key.
    pub mall_item_id: Option<String>,
    /// Name of the goods.
    pub name: String,
    /// Choices.
    pub options: Vec<ItemOption>,
    /// How many.
    pub quantity: i64,
    /// With tax.
    pub unit_price: Option<Yen>,
    /// 10, 8 or 0.
    pub tax_rate_percent: Option<i64>,
    /// `unit_price` × `quantity`.
    pub subtotal: Option<Yen>,
}

/// Remarks. Buyers write names and addresses into them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notes {
    /// From the buyer.
    pub buyer: Option<Personal>,
    /// The shop's own.
    pub shop: Option<Personal>,
    /// Gift ribbon, message card.
    pub gift: Option<Personal>,
}

/// Something about an order that a person should know: an identity of amounts that does not hold, an unknown code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Flag {
    /// A stable word: `total_mismatch`, `unknown_status`, …
    pub code: String,
    /// The facts, without personal data.
    pub detail: String,
}

impl Flag {
    /// The payment method has a code never seen before.
    pub const UNKNOWN_PAYMENT: &str = "unknown_payment_method";

    /// A flag.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}

/// What a mall shows of one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// The mall's order number, opaque.
    pub mall_order_id: String,
    /// Our word for where it stands.
    pub status: Status,
    /// The mall's primary status as sent.
    pub mall_status: String,
    /// Why it is pending.
    pub pending_reason: Option<PendingReason>,
    /// Who ships.
    pub fulfilled_by: FulfilledBy,
    /// When the buyer ordered.
    pub ordered_at: Timestamp,
    /// When the mall says it changed last.
    pub mall_updated_at: Option<Timestamp>,
    /// Ship no later than this.
    pub ship_by: Option<Timestamp>,
    /// Payment.
    pub payment: Payment,
    /// Amounts.
    pub amounts: Amounts,
    /// Tax per rate.
    pub taxes: Vec<Tax>,
    /// The buyer.
    pub buyer: Party,
    /// Destinations.
    pub packages: Vec<Package>,
    /// Remarks.
    pub notes: Notes,
    /// What a person should know.
    #[serde(default)]
    pub flags: Vec<Flag>,
    /// 受付番号 of the card settlement where the source itself carries one (a cart's CSV).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reception_number: Option<String>,
    /// The source's own text columns (CSV), for reception-number patterns; never shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub source_columns: BTreeMap<String, Personal>,
}

impl Order {
    /// The flag of a payment method whose code was never seen before: nothing is captured on it, whatever its name (I5).
    #[must_use]
    pub fn unknown_payment(&self) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.code == Flag::UNKNOWN_PAYMENT)
    }

    /// Keeps personal data that the mall has blanked since (decisions.md 13): an empty field never overwrites one that
    /// was there. Packages are matched by their id.
    pub fn keep_personal(&mut self, old: &Self) {
        self.buyer.keep(&old.buyer);
        keep(&mut self.notes.buyer, &old.notes.buyer);
        keep(&mut self.notes.gift, &old.notes.gift);
        for package in &mut self.packages {
            if let Some(before) = old.packages.iter().find(|p| p.package_id == package.package_id) {
                package.recipient.keep(&before.recipient);
            }
        }
    }
}

impl Party {
    fn keep(&mut self, old: &Self) {
        keep(&mut self.name, &old.name);
        keep(&mut self.name_kana, &old.name_kana);
        keep(&mut self.postal_code, &old.postal_code);
        keep(&mut self.prefecture, &old.prefecture);
        keep(&mut self.address, &old.address);
        keep(&mut self.phone, &old.phone);
        keep(&mut self.email, &old.email);
        keep(&mut self.company, &old.company);
    }
}

fn keep(new: &mut Option<Personal>, old: &Option<Personal>) {
    if new.is_none() {
        new.clone_from(old);
    }
}
