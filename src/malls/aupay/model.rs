//! An order as `orderInfo` shows it, as far as it is used (au-pay-market.md §6). Every element may be empty or absent:
//! what must be there is asked for in `map`.

use crate::http::xml::Element;
use crate::malls::lenient::{Int, Percent, Text};

/// How an element of a name is read from its parent.
trait Read: Sized {
    /// # Errors
    /// Which element cannot be read; never its content.
    fn read(parent: &Element, name: &str) -> Result<Self, String>;
}

impl Read for Text {
    fn read(parent: &Element, name: &str) -> Result<Self, String> {
        Ok(Self(parent.value(name).map(str::to_owned)))
    }
}

impl Read for Int {
    fn read(parent: &Element, name: &str) -> Result<Self, String> {
        match parent.value(name) {
            None => Ok(Self(None)),
            Some(text) => Self::of(text).ok_or_else(|| format!("{name}: has an unexpected form")),
        }
    }
}

/// An amount and its parts at each rate of tax (§6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// All of it.
    pub whole: Int,
    /// At 10 %.
    pub normal: Int,
    /// At 8 %.
    pub reduced: Int,
    /// Without tax.
    pub none: Int,
}

impl Read for Split {
    fn read(parent: &Element, name: &str) -> Result<Self, String> {
        let part = |rate: &str| Int::read(parent, &format!("{name}{rate}"));
        Ok(Self {
            whole: Int::read(parent, name)?,
            normal: part("NormalTax")?,
            reduced: part("ReducedTax")?,
            none: part("NoTax")?,
        })
    }
}

/// A rate of tax; `None` inside when it is there and no whole percentage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate(pub Option<Percent>);

impl Read for Rate {
    fn read(parent: &Element, name: &str) -> Result<Self, String> {
        Ok(Self(parent.value(name).map(Percent::of)))
    }
}

/// A paid option: what it is called and what was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaidOption {
    /// Its title.
    pub title: Text,
    /// The choice.
    pub choice: String,
}

impl Read for Vec<PaidOption> {
    /// The forms that are known, and whatever has the same names at the same places (§6.5).
    fn read(parent: &Element, name: &str) -> Result<Self, String> {
        let mut options = Self::new();
        for group in parent.all(name) {
            let title = Text::read(group, "itemOptionCommissionTitle")?;
            for choice in group.children.iter().filter_map(choice) {
                options.push(PaidOption { title: title.clone(), choice });
            }
        }
        for element in &parent.children {
            let numbered = element.name.strip_prefix("itemOptionCommissionVal");
            let title = match numbered {
                Some(number) => Text::read(parent, &format!("itemOptionCommissionTitle{number}"))?,
                None => Text(None),
            };
            options.extend(choice(element).map(|choice| PaidOption { title, choice }));
        }
        Ok(options)
    }
}

/// What an element of a paid option names as chosen: its own text, or that of the element within.
fn choice(element: &Element) -> Option<String> {
    let known = element.name == "itemOptionCommission" || element.name.starts_with("itemOptionCommissionVal");
    let text = element.value("itemOptionCommission").unwrap_or_else(|| element.text.trim());
    (known && !text.is_empty()).then(|| text.to_owned())
}

macro_rules! model {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $kind:ty = $element:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Default)]
        pub struct $name { $($(#[$doc])* pub $field: $kind,)+ }

        impl $name {
            /// Reads the element.
            ///
            /// # Errors
            /// Which element in it cannot be read; never its content.
            pub fn of(element: &Element) -> Result<Self, String> {
                Ok(Self { $($field: Read::read(element, $element)?,)+ })
            }
        }
    };
}

model! {
    /// `orderInfo`.
    OrderModel {
        /// Opaque.
        order_id: Text = "orderId",
        /// When bought, to the minute.
        order_date: Text = "orderDate",
        /// Payment method, as shown to buyers (§7.4).
        settlement_name: Text = "settlementName",
        /// Answers to the shop's own questions, `name=value`.
        order_option: Text = "orderOption",
        /// The buyer's remark.
        user_comment: Text = "userComment",
        /// 特記事項.
        trade_remarks: Text = "tradeRemarks",
        /// The shop's.
        memo: Text = "memo",
        /// §7.1, also one of the shop's own names.
        order_status: Text = "orderStatus",
        /// `Y`: the credit or acceptance check was passed.
        authorization_status: Text = "authorizationStatus",
        /// `Y`: the sale is fixed. Not "the buyer has paid" (§7.2).
        payment_status: Text = "paymentStatus",
        /// `Y`: shipped.
        ship_status: Text = "shipStatus",
        /// When that was set.
        ship_date: Text = "shipDate",
        /// `C`: cancelled.
        cancel_status: Text = "cancelStatus",
        /// The buyer.
        orderer_name: Text = "ordererName",
        /// In kana.
        orderer_kana: Text = "ordererKana",
        /// Postal code.
        orderer_zip_code: Text = "ordererZipCode",
        /// In one text, the prefecture first.
        orderer_address: Text = "ordererAddress",
        /// Telephone.
        orderer_phone_number1: Text = "ordererPhoneNumber1",
        /// A second one.
        orderer_phone_number2: Text = "ordererPhoneNumber2",
        /// A relay address.
        mail_address: Text = "mailAddress",
        /// The address behind it, normally empty.
        raw_mail_address: Text = "rawMailAddress",
        /// The recipient: the name misleads.
        sender_name: Text = "senderName",
        /// In kana.
        sender_kana: Text = "senderKana",
        /// Postal code.
        sender_zip_code: Text = "senderZipCode",
        /// In one text, the prefecture first.
        sender_address: Text = "senderAddress",
        /// Telephone.
        sender_phone_number1: Text = "senderPhoneNumber1",
        /// A second one.
        sender_phone_number2: Text = "senderPhoneNumber2",
        /// Goods.
        total_sale_price: Split = "totalSalePrice",
        /// Postage.
        postage_price: Int = "postagePrice",
        /// Cash-on-delivery and payment fees.
        charge_price: Int = "chargePrice",
        /// Fees of options.
        total_item_option_price: Int = "totalItemOptionPrice",
        /// Wrapping.
        total_gift_wrapping_price: Int = "totalGiftWrappingPrice",
        /// The bill before discounts.
        total_price: Split = "totalPrice",
        /// Coupons.
        coupon_total_price: Split = "couponTotalPrice",
        /// `U` the shop pays them; `D`, `M` the mall.
        coupon_type: Text = "couponType",
        /// The mall's points.
        use_point: Split = "usePoint",
        /// `Y`: their use was cancelled.
        use_point_cancel: Text = "usePointCancel",
        /// au and Ponta points, in yen.
        use_au_point_price: Split = "useAuPointPrice",
        /// The same in points.
        use_au_point: Int = "useAuPoint",
        /// `Y`: their use was cancelled.
        use_au_point_cancel: Text = "useAuPointCancel",
        /// What is collected from the buyer.
        request_price: Split = "requestPrice",
        /// The tax in its parts.
        request_tax_price: Split = "requestTaxPrice",
        /// `0`: the gateway accepted.
        pg_result: Text = "pgResult",
        /// The day the buyer asked for.
        delivery_request_day: Text = "deliveryRequestDay",
        /// The time, as text.
        delivery_request_time: Text = "deliveryRequestTime",
        /// The day it went out, as the shop reported.
        shipping_date: Text = "shippingDate",
        /// §7.5.
        shipping_carrier: Text = "shippingCarrier",
        /// Slip number.
        shipping_number: Text = "shippingNumber",
        /// Lines.
        details: Vec<DetailModel> = "detail",
    }
}

model! {
    /// `detail`: one line.
    DetailModel {
        /// Its key.
        order_detail_id: Text = "orderDetailId",
        /// The variant's part of the stock key.
        item_management_id: Text = "itemManagementId",
        /// The shop's product code.
        item_code: Text = "itemCode",
        /// The mall's product number.
        lotnumber: Text = "lotnumber",
        /// Name.
        item_name: Text = "itemName",
        /// Chosen variant and options, `name=value&…`.
        item_option: Text = "itemOption",
        /// Paid options.
        paid_options: Vec<PaidOption> = "itemOptionCommissions",
        /// Wrapping.
        gift_wrapping_type: Text = "giftWrappingType",
        /// Card.
        gift_message: Text = "giftMessage",
        /// Ribbon.
        noshi_type: Text = "noshiType",
        /// Name on it.
        noshi_presenter_name1: Text = "noshiPresenterName1",
        /// A second one.
        noshi_presenter_name2: Text = "noshiPresenterName2",
        /// A third one.
        noshi_presenter_name3: Text = "noshiPresenterName3",
        /// `C`: cancelled.
        item_cancel_status: Text = "itemCancelStatus",
        /// A unit before its discount.
        before_discount: Int = "beforeDiscount",
        /// The discount, already taken off `item_price`.
        discount: Int = "discount",
        /// A unit.
        item_price: Int = "itemPrice",
        /// How many.
        unit: Int = "unit",
        /// `item_price` × `unit`.
        total_item_price: Int = "totalItemPrice",
        /// Rate; absent is none.
        tax_rate: Rate = "taxRate",
        /// Ship by then.
        shipping_timelimit_date: Text = "shippingTimelimitDate",
    }
}

impl Read for Vec<DetailModel> {
    fn read(parent: &Element, name: &str) -> Result<Self, String> {
        let lines = parent.all(name).filter(|line| !line.children.is_empty());
        lines
            .enumerate()
            .map(|(at, line)| DetailModel::of(line).map_err(|reason| format!("{name}[{at}].{reason}")))
            .collect()
    }
}
