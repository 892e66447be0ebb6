//! An order as the reads show it (au-pay-market.md §6), elements in the order of the samples.

use chrono::Days;

use super::amounts::{Amounts, class, sum, tax};
use super::content::{Content, Line, Method};
use super::kind::Kind;
use super::plan::{Label, Plan};
use super::shop::Shop;
use super::xml::Xml;
use crate::clock::Timestamp;
use crate::sim::dice::Dice;
use crate::sim::people::Person;

/// The parts of one order that rendering needs.
pub(crate) struct View<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) plan: &'a Plan,
    pub(crate) content: &'a Content,
    pub(crate) now: Timestamp,
    pub(crate) canceled_lines_count: bool,
}

/// What does not change over an order's life and is worth no member of its content.
struct Flavour {
    wide_space: bool,
    pc: bool,
    agent: bool,
    nickname: bool,
    wished: bool,
    wish_in_option: bool,
    comment: bool,
    memo: bool,
    premium: bool,
    campaign: bool,
    secure: bool,
    /// The card's authorisation has a last day.
    limited: bool,
    receipt: bool,
    pickup_shop: bool,
    unnumbered: bool,
}

impl Flavour {
    fn new(mut dice: Dice) -> Self {
        Self {
            wide_space: dice.one_in(4),
            pc: dice.one_in(3),
            agent: dice.one_in(30),
            nickname: dice.one_in(4),
            wished: dice.one_in(4),
            wish_in_option: dice.one_in(3),
            comment: dice.one_in(6),
            memo: dice.one_in(8),
            premium: dice.one_in(4),
            campaign: dice.one_in(2),
            secure: dice.one_in(3),
            limited: !dice.one_in(4),
            receipt: dice.one_in(10),
            pickup_shop: dice.one_in(40),
            unnumbered: dice.one_in(25),
        }
    }
}

impl View<'_> {
    fn past(&self, event: Option<Timestamp>) -> Option<Timestamp> {
        event.filter(|at| *at <= self.now)
    }

    /// The amounts as they show.
    pub(crate) fn amounts(&self) -> Amounts {
        Amounts::at(self.content, self.plan, self.now, self.canceled_lines_count)
    }

    /// The slip as it shows: nothing before it was entered, and some parcels have none.
    pub(crate) fn slip(&self) -> Option<String> {
        self.label()?.number
    }

    /// The shipment fields as they show: what a call wrote last, or else the staff.
    pub(crate) fn label(&self) -> Option<Label> {
        if let Some(label) = &self.plan.label {
            return Some(label.clone());
        }
        let at = self.past(self.plan.labeled)?;
        let carrier = self.content.carrier;
        let numbered = !Flavour::new(self.content.dice).unnumbered;
        let number = numbered.then(|| self.shop.slip(self.plan.index, carrier));
        Some(Label { date: Some(at.jst_date()), carrier: Some(carrier), number })
    }

    /// Writes the whole order.
    pub(crate) fn order(&self, xml: &mut Xml<'_>) {
        let flavour = Flavour::new(self.content.dice);
        let amounts = self.amounts();
        xml.open_order(&self.shop.number(self.plan.index));
        self.head(xml, &flavour);
        self.status(xml);
        self.money(xml, &amounts, &flavour);
        self.gateway(xml, &amounts, &flavour);
        self.delivery(xml, &flavour);
        if self.plan.kind == Kind::NewMembers {
            xml.out.push_str("<ecoPackagingFlag>1</ecoPackagingFlag><futureInfo kind=\"a\"><futureName>未知");
            xml.out.push_str("</futureName><futureName>2</futureName></futureInfo>");
        }
        for (n, line) in self.content.lines.iter().enumerate() {
            self.line(xml, n, line);
        }
        xml.close_order();
    }

    fn head(&self, xml: &mut Xml<'_>, flavour: &Flavour) {
        let (plan, content) = (self.plan, self.content);
        let reservation = plan.kind == Kind::Reservation;
        xml.stamp("orderDate", Some(plan.placed));
        xml.leaf("sellMethodSegment", if reservation { "2" } else { "1" });
        xml.date("releaseDate", plan.release);
        let device =
            if flavour.pc { "au PAY マーケット(PC)" } else { "au PAY マーケット(SP(アプリ))" };
        xml.leaf("siteAndDevice", device);
        xml.leaf("crossBorderEcTradeKbn", if flavour.agent { "R" } else { "" });
        xml.leaf("mailAddress", &format!("{:016x}@relay.example.jp", plan.index));
        xml.maybe("rawMailAddress", None);
        person(xml, ORDERER, &content.orderer, flavour.wide_space);
        xml.leaf("nickname", if flavour.nickname { "みほん" } else { "" });
        person(xml, SENDER, &content.recipient, flavour.wide_space);
        xml.maybe("senderShopCD", flavour.pickup_shop.then_some("0099"));
        let mut answers = Vec::new();
        if flavour.wished && flavour.wish_in_option {
            answers.push("配達希望時間帯=18-20時");
        }
        if plan.kind == Kind::Gift {
            answers.push("ギフト=希望する");
        }
        xml.leaf("orderOption", &answers.join("&"));
        xml.leaf("settlementName", content.method.1);
        let card = content.method.1.starts_with("クレジット");
        xml.maybe("secureSegment", (card && flavour.secure).then_some("1"));
        let comment = "不在の場合は宅配ボックスへ。\n領収書の宛名は「株式会社見本 & <子会社>」で。";
        xml.leaf("userComment", if flavour.comment { comment } else { "" });
        xml.leaf("tradeRemarks", if flavour.agent { "海外代理購入" } else { "" });
        let noted = flavour.memo && self.past(plan.contacted).is_some();
        xml.leaf("memo", if noted { "在庫確認済" } else { "" });
    }

    fn status(&self, xml: &mut Xml<'_>) {
        let plan = self.plan;
        xml.leaf("orderStatus", plan.status(self.now));
        for (status, date, event) in [
            ("contactStatus", "contactDate", plan.contacted),
            ("authorizationStatus", "authorizationDate", plan.authorized),
            ("paymentStatus", "paymentDate", plan.settled),
            ("shipStatus", "shipDate", plan.shipped),
            ("printStatus", "printDate", plan.printed),
        ] {
            let at = self.past(event);
            xml.flag(status, at.is_some());
            xml.stamp(date, at);
        }
        let canceled = self.past(plan.canceled);
        xml.leaf("cancelStatus", if canceled.is_some() { "C" } else { "N" });
        let planned = if plan.index.is_multiple_of(2) { ("9", "在庫切れ　欠品") } else { ("1", "") };
        let written = plan.cancel_words.as_ref();
        let reason = written.map_or(planned, |(code, words)| (code.as_str(), words.as_str()));
        xml.maybe("cancelReason", canceled.map(|_| reason.0));
        xml.maybe("cancelComment", canceled.map(|_| reason.1));
        xml.stamp("cancelDate", canceled);
    }

    fn money(&self, xml: &mut Xml<'_>, amounts: &Amounts, flavour: &Flavour) {
        let content = self.content;
        let canceled = self.past(self.plan.canceled).is_some();
        let parts = |total: &'static str, rest: [&'static str; 3]| [total, rest[0], rest[1], rest[2]];
        xml.parts(
            parts(
                "totalSalePrice",
                ["totalSalePriceNormalTax", "totalSalePriceReducedTax", "totalSalePriceNoTax"],
            ),
            amounts.goods,
        );
        xml.number("totalSaleUnit", amounts.units);
        for (price, rate, value) in [
            ("postagePrice", "postagePriceTaxRate", content.postage),
            ("chargePrice", "chargePriceTaxRate", content.charge),
            ("totalItemOptionPrice", "totalItemOptionPriceTaxRate", amounts.options),
            ("totalGiftWrappingPrice", "totalGiftWrappingPriceTaxRate", amounts.wrapping),
        ] {
            xml.number(price, value);
            xml.leaf(rate, "0.1");
        }
        xml.parts(
            parts("totalPrice", ["totalPriceNormalTax", "totalPriceReducedTax", "totalPriceNoTax"]),
            amounts.total,
        );
        let borne = if flavour.premium && content.postage == 0 { 300 } else { 0 };
        xml.flag("premiumMember", flavour.premium);
        xml.leaf("premiumType", if flavour.premium { "1" } else { "" });
        xml.number("premiumIssuePrice", borne);
        xml.number("premiumMallPrice", borne / 3);
        xml.number("premiumShopPrice", borne - borne / 3);
        xml.maybe("pontapassCampaignApplyFlg", (flavour.premium && flavour.campaign).then_some("0"));
        xml.parts(
            parts(
                "couponTotalPrice",
                ["couponTotalPriceNormalTax", "couponTotalPriceReducedTax", "couponTotalPriceNoTax"],
            ),
            amounts.coupon,
        );
        xml.parts(
            parts("usePoint", ["usePointNormalTax", "usePointReducedTax", "usePointNoTax"]),
            amounts.points,
        );
        xml.maybe("usePointCancel", (canceled && sum(amounts.points) > 0).then_some("Y"));
        xml.parts(
            parts(
                "useAuPointPrice",
                ["useAuPointPriceNormalTax", "useAuPointPriceReducedTax", "useAuPointPriceNoTax"],
            ),
            amounts.au_points,
        );
        let au_points = sum(amounts.au_points);
        xml.number("useAuPoint", au_points);
        let returned = content.points_returned || canceled;
        xml.maybe("useAuPointCancel", (returned && au_points > 0).then_some("Y"));
        xml.number("requestPrice", sum(amounts.request));
        let contained = tax(amounts.request);
        for (n, (part, within)) in [
            ("requestPriceNormalTax", "requestTaxPriceNormalTax"),
            ("requestPriceReducedTax", "requestTaxPriceReducedTax"),
            ("requestPriceNoTax", "requestTaxPriceNoTax"),
        ]
        .into_iter()
        .enumerate()
        {
            xml.number(part, amounts.request[n]);
            xml.number(within, contained[n]);
        }
    }

    fn gateway(&self, xml: &mut Xml<'_>, amounts: &Amounts, flavour: &Flavour) {
        let (plan, content) = (self.plan, self.content);
        let awarded = plan.award(self.now);
        xml.date("pointFixedDate", awarded);
        xml.flag("pointFixedStatus", awarded.is_some_and(|day| day <= self.now.jst_date()));
        let authorized = self.past(plan.authorized).filter(|_| content.method.0 == Method::Authorized);
        let canceled = plan.is_canceled(self.now);
        let (settled, card) = (self.past(plan.settled).is_some(), content.method.1.starts_with("クレジット"));
        let state = authorized.map(|_| if canceled { "05" } else { ["02", "04"][usize::from(settled)] });
        xml.maybe("settleStatus", state);
        let last = authorized.filter(|_| flavour.limited && !settled && !canceled);
        xml.date("authoriTimelimitDate", last.and_then(|at| at.jst_date().checked_add_days(Days::new(60))));
        xml.maybe("pgResult", authorized.map(|_| "0"));
        xml.maybe("pgResponseCode", None);
        xml.maybe("pgResponseDetail", None);
        let number = authorized.map(|_| format!("W{}001", self.shop.number(plan.index)));
        xml.maybe("pgOrderId", number.as_deref());
        if authorized.is_some() {
            xml.parts(
                [
                    "pgRequestPrice",
                    "pgRequestPriceNormalTax",
                    "pgRequestPriceReducedTax",
                    "pgRequestPriceNoTax",
                ],
                amounts.request,
            );
        }
        xml.maybe("cardJadgement", (card && authorized.is_none()).then_some("0"));
        let coupon = content.coupon.filter(|_| sum(amounts.coupon) > 0);
        xml.maybe("couponType", coupon.map(|(_, who)| who));
        xml.maybe("couponKey", coupon.map(|(_, who)| if who == "U" { "SHOPCP0914" } else { "MALLCP" }));
    }

    fn delivery(&self, xml: &mut Xml<'_>, flavour: &Flavour) {
        xml.leaf("deliveryName", "宅配便");
        xml.leaf("deliveryMethodId", "100001");
        xml.maybe("deliveryId", None);
        let issued = if flavour.receipt && self.past(self.plan.shipped).is_some() { "1" } else { "0" };
        xml.leaf("elecReceiptIssueStatus", issued);
        xml.leaf("elecReceiptIssueTimes", issued);
        let wished = self.plan.placed.jst_date().checked_add_days(Days::new(4));
        let wished = wished.filter(|_| flavour.wished && self.plan.release.is_none());
        xml.date("deliveryRequestDay", wished);
        let time = (flavour.wished && !flavour.wish_in_option).then_some(
            ["午前中", "14-16時", "18-20時"][usize::from(self.plan.index % 3 == 1) + usize::from(flavour.pc)],
        );
        xml.maybe("deliveryRequestTime", time);
        let label = self.label();
        let carrier = label.as_ref().and_then(|label| label.carrier).map(String::from);
        xml.date("shippingDate", label.as_ref().and_then(|label| label.date));
        xml.maybe("shippingCarrier", carrier.as_deref());
        let number = label.map(|label| label.number.unwrap_or_default());
        xml.maybe("shippingNumber", number.as_deref());
        xml.maybe("yamatoLnkMgtNo", carrier.filter(|code| code == "1").map(|_| ""));
    }

    fn line(&self, xml: &mut Xml<'_>, n: usize, line: &Line) {
        let units = line.units(self.plan.changed(self.now));
        let alone = self.plan.line_canceled(n, self.now);
        let canceled = alone.or(self.past(self.plan.canceled));
        let (code, variant) = line.code();
        xml.open_line(n);
        xml.leaf("orderDetailId", &self.shop.line_id(self.plan.index, n).to_string());
        xml.leaf("itemManagementId", variant);
        xml.leaf("itemCode", code);
        xml.number("lotnumber", 512_340_000 + i64::from(code.bytes().map(u32::from).sum::<u32>()));
        xml.leaf("itemName", line.goods.name);
        xml.leaf("itemOption", &line.choices());
        paid_options(xml, line);
        xml.number("itemOptionPrice", line.option_fee());
        xml.maybe("giftWrappingType", line.wrapping.map(|(kind, _)| kind));
        xml.number("giftWrappingPrice", line.wrapping_fee());
        xml.leaf("giftMessage", line.message.unwrap_or_default());
        xml.maybe("noshiType", line.noshi);
        let family = format!("{} {}", self.content.orderer.family, self.content.orderer.given);
        xml.leaf("noshiPresenterName1", if line.noshi.is_some() { &family } else { "" });
        xml.leaf("noshiPresenterName2", if line.noshi.is_some() { "見本 良子" } else { "" });
        xml.leaf("noshiPresenterName3", "");
        xml.leaf("itemCancelStatus", if canceled.is_some() { "C" } else { "N" });
        xml.stamp("itemCancelDate", canceled);
        xml.number("beforeDiscount", line.goods.price_with_tax());
        xml.number("discount", line.discount);
        xml.number("itemPrice", line.price());
        xml.number("unit", units);
        xml.number("totalItemPrice", line.price() * units);
        xml.number("totalItemChargePrice", if n == 0 { self.content.charge } else { 0 });
        let class = class(line);
        xml.leaf("taxType", if class == 2 { "3" } else { "1" });
        xml.leaf("reducedTax", if class == 1 { "1" } else { "0" });
        xml.leaf("taxRate", ["0.1", "0.08", "0"][class]);
        xml.number("giftPoint", line.price() * units * 93 / 10_000);
        let days = match self.content.method.0 {
            Method::Prepaid => "入金確認後3営業日以内",
            _ => "1～2営業日以内に発送",
        };
        xml.leaf("shippingDayDispText", days);
        xml.date("shippingTimelimitDate", self.plan.ship_by(self.now).filter(|_| canceled.is_none()));
        xml.close_line();
    }
}

const ORDERER: [&str; 6] = [
    "ordererName",
    "ordererKana",
    "ordererZipCode",
    "ordererAddress",
    "ordererPhoneNumber1",
    "ordererPhoneNumber2",
];
/// "Sender" in these names is the addressee (§6.1).
const SENDER: [&str; 6] = [
    "senderName",
    "senderKana",
    "senderZipCode",
    "senderAddress",
    "senderPhoneNumber1",
    "senderPhoneNumber2",
];

fn person(xml: &mut Xml<'_>, names: [&str; 6], person: &Person, wide_space: bool) {
    let space = if wide_space { '\u{3000}' } else { ' ' };
    let (a, b, c) = &person.phone;
    xml.leaf(names[0], &format!("{}{space}{}", person.family, person.given));
    xml.leaf(names[1], &format!("{}{space}{}", person.family_kana, person.given_kana));
    xml.leaf(names[2], &format!("{}-{}", person.zip.0, person.zip.1));
    xml.leaf(names[3], &format!("{} {} {}", person.prefecture, person.city, person.street));
    xml.leaf(names[4], &format!("{a}-{b}-{c}"));
    xml.leaf(names[5], "");
}

fn paid_options(xml: &mut Xml<'_>, line: &Line) {
    if line.options_as_text && !line.options.is_empty() {
        let rows = line.options.iter().flat_map(|(title, values)| {
            values.iter().map(move |(value, fee)| format!("{title}={value}({fee}円)"))
        });
        xml.leaf("itemOptionCommission", &rows.collect::<Vec<_>>().join("&"));
        return;
    }
    for (title, values) in line.options {
        xml.out.push_str("<itemOptionCommissions>");
        xml.leaf("itemOptionCommissionTitle", title);
        for (value, fee) in *values {
            xml.out.push_str("<itemOptionCommissionVal>");
            xml.leaf("itemOptionCommission", value);
            xml.number("itemOptionCommissionPrice", *fee);
            xml.out.push_str("</itemOptionCommissionVal>");
        }
        xml.out.push_str("</itemOptionCommissions>");
    }
}
