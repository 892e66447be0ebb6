//! An order as `getOrder` shows it, as far as it is used (rakuten-rms.md §5.2). Every member may be null or absent: what
//! must be there is asked for in `map`.

use serde::Deserialize;

use crate::malls::lenient::{Int, Percent, Text, list, model};

/// OrderModel.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OrderModel {
    /// Opaque.
    pub order_number: Text,
    /// §8.1, kept as text: an unknown one is shown as it came.
    pub order_progress: Text,
    /// When bought.
    pub order_datetime: Text,
    /// The day the buyer asked for.
    pub delivery_date: Text,
    /// §8.6.
    pub shipping_term: Text,
    /// The buyer's, in blocks of the shop's form.
    pub remarks: Text,
    /// The shop's.
    pub memo: Text,
    /// 1: Rakuten is checking the order.
    pub rakuten_confirm_flag: Int,
    /// 0 none, 1 caution, 2 caution: cancel fixed.
    pub caution_display_type: Int,
    /// Why, with type 1.
    pub caution_display_detail_type: Text,
    /// Goods and wrapping.
    pub goods_price: Int,
    /// Of all packages.
    pub postage_price: Int,
    /// The cash-on-delivery fee.
    pub delivery_price: Int,
    /// The payment fee.
    pub payment_charge: Int,
    /// Goods, postage and wrapping.
    pub total_price: Int,
    /// What is charged.
    pub request_price: Int,
    /// Coupons that the shop pays.
    pub coupon_shop_price: Int,
    /// Coupons that others pay.
    pub coupon_other_price: Int,
    /// The deferred-payment fee.
    pub additional_fee_occur_amount_to_user: Int,
    /// The buyer.
    #[serde(rename = "OrdererModel", deserialize_with = "model")]
    pub orderer: Person,
    /// How it is paid.
    #[serde(rename = "SettlementModel")]
    pub settlement: Option<SettlementModel>,
    /// Points used.
    #[serde(rename = "PointModel")]
    pub point: Option<PointModel>,
    /// Paper.
    #[serde(rename = "WrappingModel1")]
    pub wrapping1: Option<WrappingModel>,
    /// Ribbon.
    #[serde(rename = "WrappingModel2")]
    pub wrapping2: Option<WrappingModel>,
    /// Destinations.
    #[serde(rename = "PackageModelList", deserialize_with = "list")]
    pub packages: Vec<PackageModel>,
    /// One per rate.
    #[serde(rename = "TaxSummaryModelList", deserialize_with = "list")]
    pub tax_summary: Vec<TaxSummaryModel>,
}

/// OrdererModel and SenderModel.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Person {
    /// First half.
    pub zip_code1: Text,
    /// Second half.
    pub zip_code2: Text,
    /// 都道府県.
    pub prefecture: Text,
    /// 市区町村.
    pub city: Text,
    /// The rest.
    pub sub_address: Text,
    /// Family name.
    pub family_name: Text,
    /// Given name.
    pub first_name: Text,
    /// In kana.
    pub family_name_kana: Text,
    /// In kana.
    pub first_name_kana: Text,
    /// First part.
    pub phone_number1: Text,
    /// Second part.
    pub phone_number2: Text,
    /// Third part.
    pub phone_number3: Text,
    /// A relay address.
    pub email_address: Text,
}

/// SettlementModel; card members are dropped on receipt (§11).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SettlementModel {
    /// §8.2.
    pub settlement_method_code: Text,
    /// Its name.
    pub settlement_method: Text,
    /// 0 arranged by the shop, 1 by Rakuten.
    pub rpay_settlement_flag: Int,
}

/// PointModel.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PointModel {
    /// Points used.
    pub used_point: Int,
}

/// WrappingModel1 and WrappingModel2.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WrappingModel {
    /// Its price.
    pub price: Int,
    /// 1: removed.
    pub delete_wrapping_flag: Int,
}

/// PackageModel: one destination.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PackageModel {
    /// Its key.
    pub basket_id: Text,
    /// Postage.
    pub postage_price: Int,
    /// Cash-on-delivery fee.
    pub delivery_price: Int,
    /// Goods and wrapping.
    pub goods_price: Int,
    /// Goods, postage and wrapping.
    pub total_price: Int,
    /// Gift ribbon text.
    pub noshi: Text,
    /// 1: removed.
    pub package_delete_flag: Int,
    /// The recipient: the name misleads.
    #[serde(rename = "SenderModel", deserialize_with = "model")]
    pub sender: Person,
    /// Goods.
    #[serde(rename = "ItemModelList", deserialize_with = "list")]
    pub items: Vec<ItemModel>,
    /// Parcels.
    #[serde(rename = "ShippingModelList", deserialize_with = "list")]
    pub shippings: Vec<ShippingModel>,
    /// Store or post-office pickup.
    #[serde(rename = "DeliveryCvsModel")]
    pub cvs: Option<DeliveryCvsModel>,
    /// The carrier shown at purchase (§8.3).
    pub default_delivery_company_code: Text,
    /// A gift whose recipient enters the address.
    #[serde(rename = "SocialGiftModel")]
    pub social_gift: Option<SocialGiftModel>,
}

/// ItemModel.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ItemModel {
    /// Its key.
    pub item_detail_id: Text,
    /// Name.
    pub item_name: Text,
    /// The shop's number.
    pub item_number: Text,
    /// The stable item key.
    pub manage_number: Text,
    /// With or without tax.
    pub price: Int,
    /// How many.
    pub units: Int,
    /// 1: `price` contains tax.
    pub include_tax_flag: Int,
    /// Choices, one a line.
    pub selected_choice: Text,
    /// 1: removed.
    pub delete_item_flag: Int,
    /// Rate.
    pub tax_rate: Percent,
    /// With tax.
    pub price_tax_incl: Int,
    /// One in every known order.
    #[serde(rename = "SkuModelList", deserialize_with = "list")]
    pub skus: Vec<SkuModel>,
}

/// SkuModel.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SkuModel {
    /// Empty for orders placed before the migration to SKUs.
    pub variant_id: Text,
    /// The shop's own code.
    pub merchant_defined_sku_id: Text,
    /// Choices, one a line.
    pub sku_info: Text,
}

/// ShippingModel.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ShippingModel {
    /// Tracking number.
    pub shipping_number: Text,
    /// §8.3.
    pub delivery_company: Text,
    /// The day it went out.
    pub shipping_date: Text,
}

/// DeliveryCvsModel.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DeliveryCvsModel {
    /// Store.
    pub store_name: Text,
    /// Postal code.
    pub store_zip: Text,
    /// 都道府県.
    pub store_prefecture: Text,
    /// The rest.
    pub store_address: Text,
}

/// SocialGiftModel.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SocialGiftModel {
    /// 0: the recipient has not answered.
    pub input_flag: Int,
}

/// TaxSummaryModel.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TaxSummaryModel {
    /// Rate.
    pub tax_rate: Percent,
    /// With tax.
    pub req_price: Int,
    /// The tax in it.
    pub req_price_tax: Int,
}
