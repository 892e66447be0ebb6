//! An order as `searchOrders` and `getOrder` show it, as far as it is used (amazon-sp-api.md §8.4). Every member may be
//! null or absent, by schema, by status or by role: what must be there is asked for in `map`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::malls::lenient::{Int, Text, list, model};

/// Order.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OrderModel {
    /// Opaque.
    pub order_id: Text,
    /// When bought.
    pub created_time: Text,
    /// When changed last.
    pub last_updated_time: Text,
    /// The buyer; PII.
    #[serde(deserialize_with = "model")]
    pub buyer: Buyer,
    /// Where it goes; PII.
    #[serde(deserialize_with = "model")]
    pub recipient: Recipient,
    /// The order's money.
    #[serde(deserialize_with = "model")]
    pub proceeds: OrderProceeds,
    /// How it is paid.
    #[serde(deserialize_with = "model")]
    pub payment: Payment,
    /// Status and who ships; only with `FULFILLMENT` in the included data.
    #[serde(deserialize_with = "model")]
    pub fulfillment: Fulfillment,
    /// Goods.
    #[serde(deserialize_with = "list")]
    pub order_items: Vec<OrderItem>,
    /// Parcels; merchant-fulfilled orders alone.
    #[serde(deserialize_with = "list")]
    pub packages: Vec<OrderPackage>,
}

/// Buyer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Buyer {
    /// Name.
    pub buyer_name: Text,
    /// A relay address.
    pub buyer_email: Text,
    /// Of a business order.
    pub buyer_company_name: Text,
}

/// Recipient.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Recipient {
    /// Where it goes.
    #[serde(deserialize_with = "model")]
    pub delivery_address: Address,
    /// What the buyer asks of the carrier.
    #[serde(deserialize_with = "model")]
    pub delivery_preference: DeliveryPreference,
}

/// CustomerAddress (§11.5).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Address {
    /// One field, no kana.
    pub name: Text,
    /// Company.
    pub company_name: Text,
    /// Street; begins with the municipality where `city` is absent.
    pub address_line1: Text,
    /// Building and room.
    pub address_line2: Text,
    /// Company or overflow.
    pub address_line3: Text,
    /// Often absent; may repeat the beginning of the first line.
    pub city: Text,
    /// As `city`.
    pub district_or_county: Text,
    /// As `city`.
    pub municipality: Text,
    /// 都道府県.
    pub state_or_region: Text,
    /// With or without a hyphen.
    pub postal_code: Text,
    /// Withheld for some orders.
    pub phone: Text,
}

/// DeliveryPreference.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DeliveryPreference {
    /// Where to leave it.
    pub drop_off_location: Text,
    /// In the buyer's words.
    pub address_instruction: Text,
}

/// OrderProceeds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OrderProceeds {
    /// The total.
    pub grand_total: Option<Money>,
    /// Its parts, aggregated across the items, and those of the order alone.
    #[serde(deserialize_with = "list")]
    pub breakdowns: Vec<Breakdown>,
}

/// Breakdown of an order's or an item's proceeds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Breakdown {
    /// `ITEM`, `SHIPPING`, …
    #[serde(rename = "type")]
    pub kind: Text,
    /// For the whole quantity.
    pub subtotal: Option<Money>,
}

/// OrderPayment.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Payment {
    /// One a method.
    #[serde(deserialize_with = "list")]
    pub payment_executions: Vec<PaymentExecution>,
}

/// PaymentExecution.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PaymentExecution {
    /// Free text (§11.4).
    pub payment_method: Text,
    /// What it pays.
    pub payment_amount: Option<Money>,
}

/// Fulfillment of an order.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Fulfillment {
    /// Where it stands.
    pub fulfillment_status: Text,
    /// `AMAZON` or `MERCHANT`.
    pub fulfilled_by: Text,
    /// When it must go out.
    #[serde(deserialize_with = "model")]
    pub ship_by_window: Window,
}

/// A span of time, either side of which may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Window {
    /// From.
    pub earliest_date_time: Text,
    /// To.
    pub latest_date_time: Text,
}

/// OrderItem.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OrderItem {
    /// Its key: digits, leading zeros included.
    pub order_item_id: Text,
    /// How many; 0 once cancelled.
    pub quantity_ordered: Int,
    /// What it is.
    #[serde(deserialize_with = "model")]
    pub product: Product,
    /// Its money.
    #[serde(deserialize_with = "model")]
    pub proceeds: ItemProceeds,
    /// Whether it is to be cancelled, or was.
    #[serde(deserialize_with = "model")]
    pub cancellation: Cancellation,
    /// Gift and wanted time.
    #[serde(deserialize_with = "model")]
    pub fulfillment: ItemFulfillment,
}

/// Product.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Product {
    /// The mall's item key.
    pub asin: Text,
    /// Name.
    pub title: Text,
    /// The shop's own key.
    pub seller_sku: Text,
    /// As the shop page shows it.
    #[serde(deserialize_with = "model")]
    pub price: Price,
}

/// Price.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Price {
    /// Of one piece.
    pub unit_price: Option<Money>,
}

/// ItemProceeds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ItemProceeds {
    /// The line's total.
    pub proceeds_total: Option<Money>,
    /// Its parts.
    #[serde(deserialize_with = "list")]
    pub breakdowns: Vec<Breakdown>,
}

/// ItemCancellation.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Cancellation {
    /// Somebody asked.
    pub cancellation_request: Option<Empty>,
    /// It was done.
    pub cancellation_execution: Option<Empty>,
}

/// Whose presence is all that matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Empty {}

/// ItemFulfillment.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ItemFulfillment {
    /// How it is packed.
    #[serde(deserialize_with = "model")]
    pub packing: Packing,
    /// How it is shipped.
    #[serde(deserialize_with = "model")]
    pub shipping: Shipping,
}

/// ItemPacking.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Packing {
    /// Absent unless it is a gift.
    #[serde(deserialize_with = "model")]
    pub gift_option: GiftOption,
}

/// GiftOption.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GiftOption {
    /// On the card; PII.
    pub gift_message: Text,
    /// Which wrapping.
    pub gift_wrap_level: Text,
}

/// ItemShipping.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Shipping {
    /// The day and hours that the buyer chose; Japan alone.
    #[serde(deserialize_with = "model")]
    pub scheduled_delivery_window: Window,
}

/// OrderPackage.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OrderPackage {
    /// Where it stands.
    #[serde(deserialize_with = "model")]
    pub package_status: PackageStatus,
    /// Free text.
    pub carrier: Text,
    /// When it went out.
    pub ship_time: Text,
    /// As the buyer sees it.
    pub tracking_number: Text,
}

/// PackageStatus.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PackageStatus {
    /// `PENDING`, `SHIPPED`, `CANCELLED`, …
    pub status: Text,
}

/// Money.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Money {
    /// Exact.
    pub amount: Decimal,
    /// ISO 4217.
    pub currency_code: Text,
}

/// An amount from its decimal text (§11.3). Anything that is not decimal text is an error: money is never guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decimal {
    /// Null, absent, blank.
    #[default]
    Missing,
    /// `1480`, `1480.00`.
    Whole(i64),
    /// `34.99`.
    Fraction,
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(d)?;
        let Some(text) = text.trimmed() else { return Ok(Self::Missing) };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let number = whole.parse::<i64>().ok().filter(|_| fraction.bytes().all(|b| b.is_ascii_digit()));
        let number = number.ok_or_else(|| D::Error::custom("expected a decimal number"))?;
        Ok(if fraction.bytes().all(|b| b == b'0') { Self::Whole(number) } else { Self::Fraction })
    }
}
