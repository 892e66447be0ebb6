//! An order as `orderInfo` shows it, as far as it is used (yahoo-shopping.md §6.4–6.8). Every element may be empty or
//! absent: what must be there is asked for in `map`.

use crate::http::xml::Element;
use crate::malls::lenient::{Int, Text};

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

/// The children of an element, and the numbers among them that are none (§6.3).
struct Fields<'a> {
    element: Option<&'a Element>,
    unreadable: &'a mut Vec<&'static str>,
}

impl Fields<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        self.element.and_then(|element| element.value(name))
    }
}

/// What an element is read as.
trait Read {
    fn read(fields: &mut Fields<'_>, name: &'static str) -> Self;
}

impl Read for Text {
    fn read(fields: &mut Fields<'_>, name: &'static str) -> Self {
        Self(fields.value(name).map(str::to_owned))
    }
}

impl Read for Int {
    fn read(fields: &mut Fields<'_>, name: &'static str) -> Self {
        let Some(text) = fields.value(name) else { return Self(None) };
        let number = text.parse().ok();
        if number.is_none() && !fields.unreadable.contains(&name) {
            fields.unreadable.push(name);
        }
        Self(number)
    }
}

/// A model, its elements as they are asked for, and how it is read, from one list.
macro_rules! model {
    (
        $(#[$about:meta])* $model:ident {
            $($(#[$doc:meta])* $field:ident: $kind:ident = $element:literal;)+
        } $({ $($(#[$more:meta])* $extra:ident: $type:ty;)+ })?
    ) => {
        $(#[$about])*
        #[derive(Debug, Default)]
        pub struct $model {
            $($(#[$doc])* pub $field: $kind,)+
            $($($(#[$more])* pub $extra: $type,)+)?
        }

        impl $model {
            const FIELDS: &[&str] = &[$($element),+];

            fn of(fields: &mut Fields<'_>) -> Self {
                Self {
                    $($field: $kind::read(fields, $element),)+
                    $($($extra: <$type>::default(),)+)?
                }
            }
        }
    };
}

model! {
    /// An order.
    OrderModel {
        /// `<storeAccount>-<number>`.
        order_id: Text = "OrderId";
        /// When the buyer confirmed.
        order_time: Text = "OrderTime";
        /// Last change of any kind.
        last_update_time: Text = "LastUpdateTime";
        /// §9.1, kept as text: an unknown one is shown as it came.
        order_status: Text = "OrderStatus";
        /// The order this one was split from.
        parent_order_id: Text = "ParentOrderId";
        /// The orders this one was split into.
        child_order_id: Text = "ChildOrderId";
        /// `true` on the source of a split.
        is_split: Text = "IsSplit";
        /// `false` marks test orders.
        is_royalty: Text = "IsRoyalty";
        /// The store's own test purchase.
        is_seller: Text = "IsSeller";
        /// 0 no, 1 prank suspected, 2 cleared.
        suspect: Text = "Suspect";
        /// 1: within the ten minutes in which the buyer may cancel.
        is_read_only: Text = "IsReadOnly";
        /// 0 low risk, 1 under review, 2 released, 3 confirmed abuse.
        fraud_hold_status: Text = "FraudHoldStatus";
        /// The buyer's.
        buyer_comments: Text = "BuyerComments";
        /// The store's.
        notes: Text = "Notes";
        /// Store coupons, those on shipping apart.
        total_coupon_discount: Int = "TotalCouponDiscount";
        /// Free-shipping coupon: `ShipCharge` is after it.
        shipping_coupon_discount: Int = "ShippingCouponDiscount";
        /// Came from LINE.
        is_line_gift_order: Text = "IsLineGiftOrder";
        /// 1 and 2: the billing address is the store's.
        social_gift_type: Text = "SocialGiftType";
    } {
        /// How it is paid, and by whom.
        pay: PayModel;
        /// How and where it is sent.
        ship: ShipModel;
        /// Amounts.
        detail: DetailModel;
        /// Lines.
        items: Vec<ItemModel>;
        /// Elements that should hold a number and hold something else.
        unreadable: Vec<&'static str>;
    }
}

model! {
    /// `Pay`.
    PayModel {
        /// 0 waiting, 1 paid.
        pay_status: Text = "PayStatus";
        /// §9.4.
        settle_status: Text = "SettleStatus";
        /// §9.5.
        pay_method: Text = "PayMethod";
        /// For people; changes over time.
        pay_method_name: Text = "PayMethodName";
        /// §9.5.
        pay_kind: Text = "PayKind";
        /// A card through Apple Pay.
        is_apple_pay: Text = "IsApplePay";
        /// Family name.
        bill_last_name: Text = "BillLastName";
        /// Given name.
        bill_first_name: Text = "BillFirstName";
        /// In kana.
        bill_last_name_kana: Text = "BillLastNameKana";
        /// In kana.
        bill_first_name_kana: Text = "BillFirstNameKana";
        /// With or without hyphen.
        bill_zip_code: Text = "BillZipCode";
        /// 都道府県.
        bill_prefecture: Text = "BillPrefecture";
        /// 市区郡.
        bill_city: Text = "BillCity";
        /// The rest.
        bill_address1: Text = "BillAddress1";
        /// Building.
        bill_address2: Text = "BillAddress2";
        /// Phone.
        bill_phone_number: Text = "BillPhoneNumber";
        /// Mail.
        bill_mail_address: Text = "BillMailAddress";
        /// Company.
        bill_section1_value: Text = "BillSection1Value";
        /// Department.
        bill_section2_value: Text = "BillSection2Value";
    }
}

model! {
    /// `Ship`.
    ShipModel {
        /// §9.3.
        ship_status: Text = "ShipStatus";
        /// The day the buyer asked for.
        ship_request_date: Text = "ShipRequestDate";
        /// `14:00～16:00`, or words.
        ship_request_time: Text = "ShipRequestTime";
        /// §9.7.
        ship_company_code: Text = "ShipCompanyCode";
        /// Slip number.
        ship_invoice_number1: Text = "ShipInvoiceNumber1";
        /// Slip number.
        ship_invoice_number2: Text = "ShipInvoiceNumber2";
        /// The day it went out.
        ship_date: Text = "ShipDate";
        /// Wrapping.
        gift_wrap_type: Text = "GiftWrapType";
        /// Message card.
        gift_wrap_message: Text = "GiftWrapMessage";
        /// のし.
        gift_wrap_paper_type: Text = "GiftWrapPaperType";
        /// The name on it.
        gift_wrap_name: Text = "GiftWrapName";
        /// The store's own field in the cart: its name.
        option1_field: Text = "Option1Field";
        /// What the buyer chose or wrote.
        option1_value: Text = "Option1Value";
        /// A second one.
        option2_field: Text = "Option2Field";
        /// What the buyer chose or wrote.
        option2_value: Text = "Option2Value";
        /// Family name.
        ship_last_name: Text = "ShipLastName";
        /// Given name.
        ship_first_name: Text = "ShipFirstName";
        /// In kana.
        ship_last_name_kana: Text = "ShipLastNameKana";
        /// In kana.
        ship_first_name_kana: Text = "ShipFirstNameKana";
        /// With or without hyphen.
        ship_zip_code: Text = "ShipZipCode";
        /// 都道府県.
        ship_prefecture: Text = "ShipPrefecture";
        /// 市区郡.
        ship_city: Text = "ShipCity";
        /// The rest.
        ship_address1: Text = "ShipAddress1";
        /// Building.
        ship_address2: Text = "ShipAddress2";
        /// Phone.
        ship_phone_number: Text = "ShipPhoneNumber";
        /// Company.
        ship_section1_value: Text = "ShipSection1Value";
        /// Department.
        ship_section2_value: Text = "ShipSection2Value";
        /// LINE orders ship when it is `true`.
        is_line_gift_shippable: Text = "IsLineGiftShippable";
        /// Of LINE orders.
        shipping_deadline: Text = "ShippingDeadline";
        /// 2: the fee for a remote area is not known yet.
        remote_area_shipping_type: Text = "RemoteAreaShippingType";
    }
}

model! {
    /// `Detail`: amounts.
    DetailModel {
        /// Fee for the way of paying.
        pay_charge: Int = "PayCharge";
        /// Shipping, after a free-shipping coupon.
        ship_charge: Int = "ShipCharge";
        /// Wrapping.
        gift_wrap_charge: Int = "GiftWrapCharge";
        /// Typed by the store; a positive number is subtracted.
        discount: Int = "Discount";
        /// Correction, either sign.
        adjustments: Int = "Adjustments";
        /// Points; instant bonus and gift cards may be in it (§6.7).
        use_point: Int = "UsePoint";
        /// Gift cards.
        gift_card_discount: Int = "GiftCardDiscount";
        /// Coupons that the mall pays.
        total_mall_coupon_discount: Int = "TotalMallCouponDiscount";
        /// Instant bonus.
        total_immediate_bonus_amount: Int = "TotalImmediateBonusAmount";
        /// What is billed.
        total_price: Int = "TotalPrice";
        /// Documented to equal `TotalPrice`.
        settle_amount: Int = "SettleAmount";
        /// First part of a combined payment.
        pay_method_amount: Int = "PayMethodAmount";
        /// Second part.
        combined_pay_method_amount: Int = "CombinedPayMethodAmount";
    }
}

model! {
    /// `Item`: one line.
    ItemModel {
        /// Key of the line.
        line_id: Text = "LineId";
        /// Product code.
        item_id: Text = "ItemId";
        /// Variation code.
        sub_code: Text = "SubCode";
        /// `key:value` text of the variation.
        sub_code_option: Text = "SubCodeOption";
        /// Name.
        title: Text = "Title";
        /// `false`: no tax.
        is_taxable: Text = "IsTaxable";
        /// 8 or 10.
        item_tax_ratio: Int = "ItemTaxRatio";
        /// With tax, after the store's coupon.
        unit_price: Int = "UnitPrice";
        /// Before it; 0 when the coupon was withdrawn.
        original_price: Int = "OriginalPrice";
        /// What the store's coupon takes off the line.
        coupon_discount: Int = "CouponDiscount";
        /// How many; 0 when the line was cancelled.
        quantity: Int = "Quantity";
        /// The last day of the promised dispatch.
        lead_time_end: Text = "LeadTimeEnd";
    } {
        /// Options, then free texts.
        choices: Vec<ChoiceModel>;
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

/// Fields that `orderInfo` is asked for: the schema's, and no card data (§6.5, §10).
#[must_use]
pub fn info_fields() -> Vec<&'static str> {
    let models =
        [OrderModel::FIELDS, PayModel::FIELDS, ShipModel::FIELDS, DetailModel::FIELDS, ItemModel::FIELDS];
    models.into_iter().flatten().copied().chain(["ItemOption", "Inscription"]).collect()
}

impl OrderModel {
    /// Reads `OrderInfo`.
    #[must_use]
    pub fn read(info: &Element) -> Self {
        let mut unreadable = Vec::new();
        let mut fields = Fields { element: Some(info), unreadable: &mut unreadable };
        let mut order = Self::of(&mut fields);
        fields.element = info.child("Pay");
        order.pay = PayModel::of(&mut fields);
        fields.element = info.child("Ship");
        order.ship = ShipModel::of(&mut fields);
        fields.element = info.child("Detail");
        order.detail = DetailModel::of(&mut fields);
        for item in info.all("Item") {
            fields.element = Some(item);
            let choices =
                item.all("ItemOption").chain(item.all("Inscription")).map(ChoiceModel::read).collect();
            order.items.push(ItemModel { choices, ..ItemModel::of(&mut fields) });
        }
        order.unreadable = unreadable;
        order
    }
}

impl ChoiceModel {
    fn read(choice: &Element) -> Self {
        let text = |name: &str| Text(choice.value(name).map(str::to_owned));
        Self { name: text("Name"), value: text("Value") }
    }
}
