//! Form fields that go out (kuroneko-webcollect.md §2.6): names, values and nothing beyond.

use aws_lc_rs::digest::{Context, SHA256};

use crate::domain::intent::Intent;
use crate::secret::Secret;
use crate::settlement::Member;

/// The fields of a form, in the order in which they are written.
pub type Form = Vec<(&'static str, String)>;

/// The functions in use (§1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// E01 `shipmentEntry`: registers a shipment, which captures.
    ShipmentEntry,
    /// E02 `shipmentCancel`: takes a shipment back.
    ShipmentCancel,
    /// E03 `changeDate`: moves the planned ship date.
    ChangeDate,
    /// E04 `tradeInfo`: looks a transaction up.
    TradeInfo,
    /// A06 `creditCancel`: cancels.
    CreditCancel,
    /// A07 `creditChangePrice`: changes the amount.
    CreditChangePrice,
    /// A11 `reAuth`: authorises the same amount anew.
    ReAuth,
    /// A03 `creditInfoGet`: the cards that a member stored.
    CreditInfoGet,
    /// H01 `traderIp`: the address that the gateway sees.
    TraderIp,
}

impl Call {
    /// The path under the base URL, without the test gateway's suffix.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::ShipmentEntry => "shipmentEntry",
            Self::ShipmentCancel => "shipmentCancel",
            Self::ChangeDate => "changeDate",
            Self::TradeInfo => "tradeInfo",
            Self::CreditCancel => "creditCancel",
            Self::CreditChangePrice => "creditChangePrice",
            Self::ReAuth => "reAuth",
            Self::CreditInfoGet => "creditInfoGet",
            Self::TraderIp => "traderIp",
        }
    }

    /// `function_div` (機能区分).
    #[must_use]
    pub const fn function_div(self) -> &'static str {
        match self {
            Self::ShipmentEntry => "E01",
            Self::ShipmentCancel => "E02",
            Self::ChangeDate => "E03",
            Self::TradeInfo => "E04",
            Self::CreditCancel => "A06",
            Self::CreditChangePrice => "A07",
            Self::ReAuth => "A11",
            Self::CreditInfoGet => "A03",
            Self::TraderIp => "H01",
        }
    }

    /// Whether it changes something: looked up before, never repeated blindly.
    #[must_use]
    pub const fn changes(self) -> bool {
        match self {
            Self::ShipmentEntry
            | Self::ShipmentCancel
            | Self::ChangeDate
            | Self::CreditCancel
            | Self::CreditChangePrice
            | Self::ReAuth => true,
            Self::TradeInfo | Self::CreditInfoGet | Self::TraderIp => false,
        }
    }

    /// What every function is told, and the order where it works on one.
    fn form(self, trader_code: &str, order_no: Option<&str>) -> Form {
        let mut form =
            vec![("function_div", self.function_div().to_owned()), ("trader_code", trader_code.to_owned())];
        form.extend(order_no.map(|number| ("order_no", number.to_owned())));
        form
    }
}

/// The call that carries `intent` out, with its form. `slip_no` is the intent's slip as it goes out.
///
/// E01 and A11 carry no amount: they work on the whole current one. E02 carries no delivery service code.
#[must_use]
pub fn change(
    trader_code: &str,
    intent: &Intent,
    slip_no: impl FnOnce(&str, &str) -> String,
) -> (Call, Form) {
    let (call, further) = match intent {
        Intent::Capture { slip_number, delivery_service_code, .. } => (
            Call::ShipmentEntry,
            vec![
                ("slip_no", slip_no(slip_number, delivery_service_code)),
                ("delivery_service_code", delivery_service_code.clone()),
            ],
        ),
        Intent::Undo { slip_number, delivery_service_code, .. } => {
            (Call::ShipmentCancel, vec![("slip_no", slip_no(slip_number, delivery_service_code))])
        }
        Intent::Cancel { .. } => (Call::CreditCancel, Vec::new()),
        Intent::ChangeAmount { to, .. } => (Call::CreditChangePrice, vec![("new_price", to.0.to_string())]),
        Intent::Reauth { .. } => (Call::ReAuth, Vec::new()),
        Intent::ChangeDate { to, .. } => {
            (Call::ChangeDate, vec![("scheduled_shipping_date", to.format("%Y%m%d").to_string())])
        }
    };
    let mut form = call.form(trader_code, Some(intent.reception_number()));
    form.extend(further);
    (call, form)
}

/// E04's form.
#[must_use]
pub fn trade_info(trader_code: &str, order_no: &str) -> Form {
    Call::TradeInfo.form(trader_code, Some(order_no))
}

/// A03's form. Of the access key nothing goes out but the checksum (§2.2).
#[must_use]
pub fn stored_cards(trader_code: &str, member: &Member, access_key: &Secret) -> Form {
    let mut form = Call::CreditInfoGet.form(trader_code, None);
    form.extend([
        ("member_id", member.id.expose().to_owned()),
        ("authentication_key", member.authentication_key.expose().to_owned()),
        ("check_sum", check_sum(member, access_key)),
    ]);
    form
}

/// Lower-case hex SHA-256 of member, 認証キー and アクセスキー, nothing between them (§2.2).
fn check_sum(member: &Member, access_key: &Secret) -> String {
    let mut hash = Context::new(&SHA256);
    for part in [member.id.expose(), member.authentication_key.expose(), access_key.expose()] {
        hash.update(part.as_bytes());
    }
    hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// H01's form.
#[must_use]
pub fn trader_ip(trader_code: &str) -> Form {
    Call::TraderIp.form(trader_code, None)
}
