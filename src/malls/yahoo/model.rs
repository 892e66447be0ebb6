//! An order as `orderInfo` shows it, as far as it is used (yahoo-shopping.md §6.4–6.8). Every element may be empty or
//! absent: what must be there is asked for in `map`.

use crate::http::xml::Element;
use crate::malls::lenient::{Int, Text};

/// Fields that `orderInfo` is asked for: the schema's, and no card data (§6.5, §10). `SellerId` and the like are not
/// needed.
pub const INFO_FIELDS: &[&str] = &[
    "OrderId",
    "OrderTime",
    "LastUpdateTime",
    "OrderStatus",
    "ParentOrderId",
    "ChildOrderId",
    "IsSplit",
    "IsRoyalty",
    "IsSeller",
    "Suspect",
    "IsReadOnly",
    "FraudHoldStatus",
    "BuyerComments",
    "Notes",
    "TotalCouponDiscount",
    "ShippingCouponDiscount",
    "IsLineGiftOrder",
    "SocialGiftType",
    "PayStatus",
    "SettleStatus",
    "PayMethod",
    "PayMethodName",
    "PayKind",
    "IsApplePay",
    "BillLastName",
    "BillFirstName",
    "BillLastNameKana",
    "BillFirstNameKana",
    "BillZipCode",
    "BillPrefecture",
    "BillCity",
    "BillAddress1",
    "BillAddress2",
    "BillPhoneNumber",
    "BillMailAddress",
    "BillSection1Value",
    "BillSection2Value",
    "ShipStatus",
    "ShipRequestDate",
    "ShipRequestTime",
    "ShipCompanyCode",
    "ShipInvoiceNumber1",
    "ShipInvoiceNumber2",
    "ShipDate",
    "GiftWrapType",
    "GiftWrapMessage",
    "GiftWrapPaperType",
    "GiftWrapName",
    "Option1Field",
    "Option1Value",
    "Option2Field",
    "Option2Value",
    "ShipLastName",
    "ShipFirstName",
    "ShipLastNameKana",
    "ShipFirstNameKana",
    "ShipZipCode",
    "ShipPrefecture",
    "ShipCity",
    "ShipAddress1",
    "ShipAddress2",
    "ShipPhoneNumber",
    "ShipSection1Value",
    "ShipSection2Value",
    "IsLineGiftShippable",
    "ShippingDeadline",
    "RemoteAreaShippingType",
    "PayCharge",
    "ShipCharge",
    "GiftWrapCharge",
    "Discount",
    "Adjustments",
    "UsePoint",
    "GiftCardDiscount",
    "TotalMallCouponDiscount",
    "TotalImmediateBonusAmount",
    "TotalPrice",
    "SettleAmount",
    "PayMethodAmount",
    "CombinedPayMethodAmount",
    "LineId",
    "ItemId",
    "SubCode",
    "SubCodeOption",
    "Title",
    "IsTaxable",
    "ItemTaxRatio",
    "UnitPrice",
    "OriginalPrice",
    "Quantity",
    "LeadTimeEnd",
    "ItemOption",
    "Inscription",
];

/// Without these there is no order, and nobody may leave them out.
pub const ESSENTIAL_FIELDS: &[&str] = &[
    "OrderId",
    "OrderTime",
    "LastUpdateTime",
    "OrderStatus",
    "ShipStatus",
    "TotalPrice",
    "LineId",
    "Quantity",
];

/// Elements that are dropped on receipt should they come unasked: card data (§6.5; decisions.md 14).
#[must_use]
pub fn drop_on_receipt(name: &str) -> bool {
    matches!(
        name,
        "CardNumber"
            | "CardNumberLast4"
            | "CardExpireYear"
            | "CardExpireMonth"
            | "CardHolderName"
            | "CardBirthDay"
    )
}

/// Reads the children of an element, noting numbers that are none (§6.3).
struct Fields<'a> {
    element: Option<&'a Element>,
    unreadable: &'a mut Vec<&'static str>,
}

impl Fields<'_> {
    fn text(&self, name: &str) -> Text {
        Text(self.element.and_then(|e| e.value(name)).map(str::to_owned))
    }

    fn int(&mut self, name: &'static str) -> Int {
        let Some(text) = self.element.and_then(|e| e.value(name)) else { return Int(None) };
        let number = text.parse().ok();
        if number.is_none() && !self.unreadable.contains(&name) {
            self.unreadable.push(name);
        }
        Int(number)
    }
}

/// A choice of the buyer: `ItemOption` and `Inscription`.
#[derive(Debug, Default)]
pub struct ChoiceModel {
    /// What was chosen.
    pub name: Text,
    /// The choice.
    pub value: Text,
}

/// An order.
#[derive(Debug, Default)]
pub struct OrderModel {
    /// `<storeAccount>-<number>`.
    pub order_id: Text,
    /// When the buyer confirmed.
    pub order_time: Text,
    /// Last change of any kind.
    pub last_update_time: Text,
    /// §9.1, kept as text: an unknown one is shown as it came.
    pub order_status: Text,
    /// The order this one was split from.
    pub parent_order_id: Text,
    /// The orders this one was split into.
    pub child_order_id: Text,
    /// `true` on the source of a split.
    pub is_split: Text,
    /// `false` marks test orders.
    pub is_royalty: Text,
    /// The store's own test purchase.
    pub is_seller: Text,
    /// 0 no, 1 prank suspected, 2 cleared.
    pub suspect: Text,
    /// 1: within the ten minutes in which the buyer may cancel.
    pub is_read_only: Text,
    /// 0 low risk, 1 under review, 2 released, 3 confirmed abuse.
    pub fraud_hold_status: Text,
    /// The buyer's.
    pub buyer_comments: Text,
    /// The store's.
    pub notes: Text,
    /// Store coupons, those on shipping apart.
    pub total_coupon_discount: Int,
    /// Free-shipping coupon: `ShipCharge` is after it.
    pub shipping_coupon_discount: Int,
    /// Came from LINE.
    pub is_line_gift_order: Text,
    /// 1 and 2: the billing address is the store's.
    pub social_gift_type: Text,
    /// How it is paid, and by whom.
    pub pay: PayModel,
    /// How and where it is sent.
    pub ship: ShipModel,
    /// Amounts.
    pub detail: DetailModel,
    /// Lines.
    pub items: Vec<ItemModel>,
    /// Elements that should hold a number and hold something else.
    pub unreadable: Vec<&'static str>,
}

impl OrderModel {
    /// Reads `OrderInfo`.
    #[must_use]
    pub fn read(info: &Element) -> Self {
        let mut unreadable = Vec::new();
        let pay = PayModel::read(&mut Fields { element: info.child("Pay"), unreadable: &mut unreadable });
        let ship = ShipModel::read(&mut Fields { element: info.child("Ship"), unreadable: &mut unreadable });
        let detail =
            DetailModel::read(&mut Fields { element: info.child("Detail"), unreadable: &mut unreadable });
        let items = info.all("Item").map(|item| ItemModel::of(item, &mut unreadable)).collect();
        let mut fields = Fields { element: Some(info), unreadable: &mut unreadable };
        let mut order = Self::fields(&mut fields);
        (order.pay, order.ship, order.detail, order.items) = (pay, ship, detail, items);
        order.unreadable = unreadable;
        order
    }

    fn fields(fields: &mut Fields<'_>) -> Self {
        Self {
            order_id: fields.text("OrderId"),
            order_time: fields.text("OrderTime"),
            last_update_time: fields.text("LastUpdateTime"),
            order_status: fields.text("OrderStatus"),
            parent_order_id: fields.text("ParentOrderId"),
            child_order_id: fields.text("ChildOrderId"),
            is_split: fields.text("IsSplit"),
            is_royalty: fields.text("IsRoyalty"),
            is_seller: fields.text("IsSeller"),
            suspect: fields.text("Suspect"),
            is_read_only: fields.text("IsReadOnly"),
            fraud_hold_status: fields.text("FraudHoldStatus"),
            buyer_comments: fields.text("BuyerComments"),
            notes: fields.text("Notes"),
            total_coupon_discount: fields.int("TotalCouponDiscount"),
            shipping_coupon_discount: fields.int("ShippingCouponDiscount"),
            is_line_gift_order: fields.text("IsLineGiftOrder"),
            social_gift_type: fields.text("SocialGiftType"),
            ..Self::default()
        }
    }
}

/// `Pay`.
#[derive(Debug, Default)]
pub struct PayModel {
    /// 0 waiting, 1 paid.
    pub pay_status: Text,
    /// §9.4.
    pub settle_status: Text,
    /// §9.5.
    pub pay_method: Text,
    /// For people; changes over time.
    pub pay_method_name: Text,
    /// §9.5.
    pub pay_kind: Text,
    /// A card through Apple Pay.
    pub is_apple_pay: Text,
    /// Family name.
    pub bill_last_name: Text,
    /// Given name.
    pub bill_first_name: Text,
    /// In kana.
    pub bill_last_name_kana: Text,
    /// In kana.
    pub bill_first_name_kana: Text,
    /// With or without hyphen.
    pub bill_zip_code: Text,
    /// 都道府県.
    pub bill_prefecture: Text,
    /// 市区郡.
    pub bill_city: Text,
    /// The rest.
    pub bill_address1: Text,
    /// Building.
    pub bill_address2: Text,
    /// Phone.
    pub bill_phone_number: Text,
    /// Mail.
    pub bill_mail_address: Text,
    /// Company.
    pub bill_section1_value: Text,
    /// Department.
    pub bill_section2_value: Text,
}

impl PayModel {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            pay_status: fields.text("PayStatus"),
            settle_status: fields.text("SettleStatus"),
            pay_method: fields.text("PayMethod"),
            pay_method_name: fields.text("PayMethodName"),
            pay_kind: fields.text("PayKind"),
            is_apple_pay: fields.text("IsApplePay"),
            bill_last_name: fields.text("BillLastName"),
            bill_first_name: fields.text("BillFirstName"),
            bill_last_name_kana: fields.text("BillLastNameKana"),
            bill_first_name_kana: fields.text("BillFirstNameKana"),
            bill_zip_code: fields.text("BillZipCode"),
            bill_prefecture: fields.text("BillPrefecture"),
            bill_city: fields.text("BillCity"),
            bill_address1: fields.text("BillAddress1"),
            bill_address2: fields.text("BillAddress2"),
            bill_phone_number: fields.text("BillPhoneNumber"),
            bill_mail_address: fields.text("BillMailAddress"),
            bill_section1_value: fields.text("BillSection1Value"),
            bill_section2_value: fields.text("BillSection2Value"),
        }
    }
}

/// `Ship`.
#[derive(Debug, Default)]
pub struct ShipModel {
    /// §9.3.
    pub ship_status: Text,
    /// The day the buyer asked for.
    pub ship_request_date: Text,
    /// `14:00～16:00`, or words.
    pub ship_request_time: Text,
    /// §9.7.
    pub ship_company_code: Text,
    /// Slip number.
    pub ship_invoice_number1: Text,
    /// Slip number.
    pub ship_invoice_number2: Text,
    /// The day it went out.
    pub ship_date: Text,
    /// Wrapping.
    pub gift_wrap_type: Text,
    /// Message card.
    pub gift_wrap_message: Text,
    /// のし.
    pub gift_wrap_paper_type: Text,
    /// The name on it.
    pub gift_wrap_name: Text,
    /// The store's own field in the cart: its name.
    pub option1_field: Text,
    /// What the buyer chose or wrote.
    pub option1_value: Text,
    /// A second one.
    pub option2_field: Text,
    /// What the buyer chose or wrote.
    pub option2_value: Text,
    /// Family name.
    pub ship_last_name: Text,
    /// Given name.
    pub ship_first_name: Text,
    /// In kana.
    pub ship_last_name_kana: Text,
    /// In kana.
    pub ship_first_name_kana: Text,
    /// With or without hyphen.
    pub ship_zip_code: Text,
    /// 都道府県.
    pub ship_prefecture: Text,
    /// 市区郡.
    pub ship_city: Text,
    /// The rest.
    pub ship_address1: Text,
    /// Building.
    pub ship_address2: Text,
    /// Phone.
    pub ship_phone_number: Text,
    /// Company.
    pub ship_section1_value: Text,
    /// Department.
    pub ship_section2_value: Text,
    /// LINE orders ship when it is `true`.
    pub is_line_gift_shippable: Text,
    /// Of LINE orders.
    pub shipping_deadline: Text,
    /// 2: the fee for a remote area is not known yet.
    pub remote_area_shipping_type: Text,
}

impl ShipModel {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            ship_status: fields.text("ShipStatus"),
            ship_request_date: fields.text("ShipRequestDate"),
            ship_request_time: fields.text("ShipRequestTime"),
            ship_company_code: fields.text("ShipCompanyCode"),
            ship_invoice_number1: fields.text("ShipInvoiceNumber1"),
            ship_invoice_number2: fields.text("ShipInvoiceNumber2"),
            ship_date: fields.text("ShipDate"),
            gift_wrap_type: fields.text("GiftWrapType"),
            gift_wrap_message: fields.text("GiftWrapMessage"),
            gift_wrap_paper_type: fields.text("GiftWrapPaperType"),
            gift_wrap_name: fields.text("GiftWrapName"),
            option1_field: fields.text("Option1Field"),
            option1_value: fields.text("Option1Value"),
            option2_field: fields.text("Option2Field"),
            option2_value: fields.text("Option2Value"),
            ship_last_name: fields.text("ShipLastName"),
            ship_first_name: fields.text("ShipFirstName"),
            ship_last_name_kana: fields.text("ShipLastNameKana"),
            ship_first_name_kana: fields.text("ShipFirstNameKana"),
            ship_zip_code: fields.text("ShipZipCode"),
            ship_prefecture: fields.text("ShipPrefecture"),
            ship_city: fields.text("ShipCity"),
            ship_address1: fields.text("ShipAddress1"),
            ship_address2: fields.text("ShipAddress2"),
            ship_phone_number: fields.text("ShipPhoneNumber"),
            ship_section1_value: fields.text("ShipSection1Value"),
            ship_section2_value: fields.text("ShipSection2Value"),
            is_line_gift_shippable: fields.text("IsLineGiftShippable"),
            shipping_deadline: fields.text("ShippingDeadline"),
            remote_area_shipping_type: fields.text("RemoteAreaShippingType"),
        }
    }
}

/// `Detail`: amounts.
#[derive(Debug, Default)]
pub struct DetailModel {
    /// Fee for the way of paying.
    pub pay_charge: Int,
    /// Shipping, after a free-shipping coupon.
    pub ship_charge: Int,
    /// Wrapping.
    pub gift_wrap_charge: Int,
    /// Typed by the store; a positive number is subtracted.
    pub discount: Int,
    /// Correction, either sign.
    pub adjustments: Int,
    /// Points; instant bonus and gift cards may be in it (§6.7).
    pub use_point: Int,
    /// Gift cards.
    pub gift_card_discount: Int,
    /// Coupons that the mall pays.
    pub total_mall_coupon_discount: Int,
    /// Instant bonus.
    pub total_immediate_bonus_amount: Int,
    /// What is billed.
    pub total_price: Int,
    /// Documented to equal `TotalPrice`.
    pub settle_amount: Int,
    /// First part of a combined payment.
    pub pay_method_amount: Int,
    /// Second part.
    pub combined_pay_method_amount: Int,
}

impl DetailModel {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            pay_charge: fields.int("PayCharge"),
            ship_charge: fields.int("ShipCharge"),
            gift_wrap_charge: fields.int("GiftWrapCharge"),
            discount: fields.int("Discount"),
            adjustments: fields.int("Adjustments"),
            use_point: fields.int("UsePoint"),
            gift_card_discount: fields.int("GiftCardDiscount"),
            total_mall_coupon_discount: fields.int("TotalMallCouponDiscount"),
            total_immediate_bonus_amount: fields.int("TotalImmediateBonusAmount"),
            total_price: fields.int("TotalPrice"),
            settle_amount: fields.int("SettleAmount"),
            pay_method_amount: fields.int("PayMethodAmount"),
            combined_pay_method_amount: fields.int("CombinedPayMethodAmount"),
        }
    }
}

/// `Item`: one line.
#[derive(Debug, Default)]
pub struct ItemModel {
    /// Key of the line.
    pub line_id: Text,
    /// Product code.
    pub item_id: Text,
    /// Variation code.
    pub sub_code: Text,
    /// `key:value` text of the variation.
    pub sub_code_option: Text,
    /// Name.
    pub title: Text,
    /// `false`: no tax.
    pub is_taxable: Text,
    /// 8 or 10.
    pub item_tax_ratio: Int,
    /// With tax, after the store's coupon.
    pub unit_price: Int,
    /// Before it; 0 when the coupon was withdrawn.
    pub original_price: Int,
    /// How many; 0 when the line was cancelled.
    pub quantity: Int,
    /// The last day of the promised dispatch.
    pub lead_time_end: Text,
    /// Options, then free texts.
    pub choices: Vec<ChoiceModel>,
}

impl ItemModel {
    fn of(item: &Element, unreadable: &mut Vec<&'static str>) -> Self {
        let text = |choice: &Element, name: &str| Text(choice.value(name).map(str::to_owned));
        let choices = item.all("ItemOption").chain(item.all("Inscription"));
        let mut fields = Fields { element: Some(item), unreadable };
        Self {
            line_id: fields.text("LineId"),
            item_id: fields.text("ItemId"),
            sub_code: fields.text("SubCode"),
            sub_code_option: fields.text("SubCodeOption"),
            title: fields.text("Title"),
            is_taxable: fields.text("IsTaxable"),
            item_tax_ratio: fields.int("ItemTaxRatio"),
            unit_price: fields.int("UnitPrice"),
            original_price: fields.int("OriginalPrice"),
            quantity: fields.int("Quantity"),
            lead_time_end: fields.text("LeadTimeEnd"),
            choices: choices
                .map(|choice| ChoiceModel { name: text(choice, "Name"), value: text(choice, "Value") })
                .collect(),
        }
    }
}
