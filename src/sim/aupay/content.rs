//! What an order holds (au-pay-market.md §6): lines, people, payment, discounts.

use super::kind::Kind;
use super::plan::Plan;
use crate::sim::dice::{Dice, Salt};
use crate::sim::goods::{Goods, RANGE};
use crate::sim::people::Person;

/// How a payment goes; the names are those of §7.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Authorised first: card, wallet, carrier.
    Authorized,
    Prepaid,
    CashOnDelivery,
    Deferred,
}

/// A paid option: its title, its values with their fees.
pub(crate) type PaidOption = (&'static str, &'static [(&'static str, i64)]);

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) goods: &'static Goods,
    pub(crate) variant: usize,
    /// Before and after a change of amount.
    pub(crate) units: (i64, i64),
    pub(crate) discount: i64,
    pub(crate) options: &'static [PaidOption],
    /// Paid options come as one text, the older form (§6.5).
    pub(crate) options_as_text: bool,
    /// Kind and fee.
    pub(crate) wrapping: Option<(&'static str, i64)>,
    pub(crate) message: Option<&'static str>,
    pub(crate) noshi: Option<&'static str>,
}

/// Everything that does not depend on the time of asking.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) orderer: Person,
    pub(crate) recipient: Person,
    pub(crate) lines: Vec<Line>,
    pub(crate) method: (Method, &'static str),
    pub(crate) postage: i64,
    pub(crate) charge: i64,
    /// Yen, and who pays: `U` the shop, `D` and `M` the mall.
    pub(crate) coupon: Option<(i64, &'static str)>,
    pub(crate) points: i64,
    pub(crate) au_points: i64,
    /// Points that were deducted and that no field shows.
    pub(crate) hidden_points: i64,
    pub(crate) points_returned: bool,
    pub(crate) carrier: char,
    /// For choices that only rendering needs.
    pub(crate) dice: Dice,
}

/// Tax-free, which the common range does not have.
const TAX_FREE: Goods = Goods {
    name: "見本非課税用品",
    number: "FREE0",
    manage: "free-0",
    price: 1_000,
    rate_percent: 0,
    tax_excluded: false,
    variants: &[("free-0", None, None)],
    choice: None,
};
const METHODS: [&str; 6] = [
    "au PAY（auかんたん決済）",
    "au PAY（auかんたん決済）",
    "au PAY（auかんたん決済）",
    "クレジットカード決済",
    "クレジットカード決済",
    "auかんたん決済（通信料金合算支払い）",
];
const PREPAID: [&str; 7] = [
    "銀行振込",
    "郵便振替",
    "ATM決済",
    "銀行ネット決済",
    "au Wowma!コンビニ決済",
    "コンビニ決済",
    "じぶん銀行決済",
];
/// Names of payments that no table has.
const UNKNOWN: [&str; 3] = ["見本ペイ", "ミホンキャッシュ（β）", "その他のお支払い & 特典"];
const OPTIONS: [&[PaidOption]; 3] = [
    &[("刺繍", &[("左胸 ローマ字", 550)]), ("ボタン", &[("貝", 0), ("予備あり", 110)])],
    &[("名入れ", &[("A&B=<結婚祝>", 330)])],
    &[("組立", &[("希望する", 1_100)])],
];

impl Content {
    pub(crate) fn new(seed: u64, plan: &Plan) -> Self {
        let mut dice = Dice::new(seed, Salt::AupayContent, plan.index);
        // Some people order again.
        let orderer =
            Person::new(seed, if dice.one_in(4) { dice.below(500) } else { plan.index * 2 + 1_000 });
        let elsewhere = plan.kind == Kind::Gift || dice.one_in(6);
        let recipient = if elsewhere { Person::new(seed, plan.index * 2 + 1_001) } else { orderer.clone() };
        let several = plan.kind == Kind::LineCanceled;
        let count = if several { dice.between(2, 4) } else { *dice.pick(&[1, 1, 1, 2, 2, 3]) };
        let mut lines: Vec<Line> = (0..count).map(|_| line(&mut dice, plan.kind)).collect();
        if plan.kind == Kind::AmountChange
            && let Some(first) = lines.first_mut()
        {
            first.units.0 += 1;
        }
        let method = match plan.kind {
            Kind::Prepaid | Kind::PrepaidUnpaid => (Method::Prepaid, *dice.pick(&PREPAID)),
            Kind::CashOnDelivery => (Method::CashOnDelivery, "代金引換"),
            Kind::Deferred => (Method::Deferred, *dice.pick(&["後払い", "後払い決済（GMO後払い）"])),
            Kind::UnknownPayment => (Method::Authorized, *dice.pick(&UNKNOWN)),
            _ => (Method::Authorized, *dice.pick(&METHODS)),
        };
        let postage = if recipient.island { 1_100 } else { *dice.pick(&[0, 0, 550, 660]) };
        let charge = match method.0 {
            Method::CashOnDelivery => 330,
            Method::Deferred => 250,
            _ => 0,
        };
        let coupon = dice.one_in(5).then(|| *dice.pick(&[(300, "U"), (500, "U"), (108, "M"), (250, "D")]));
        let (mut points, mut au_points) = (0, 0);
        if dice.one_in(5) {
            points = yen(dice.between(1, 120));
        }
        if dice.one_in(3) || plan.kind == Kind::PointsReturned {
            au_points = yen(dice.between(1, 130));
        }
        let mut content = Self {
            orderer,
            recipient,
            lines,
            method,
            postage,
            charge,
            coupon,
            points,
            au_points,
            hidden_points: 0,
            points_returned: plan.kind == Kind::PointsReturned,
            carrier: *dice.pick(&['1', '1', '1', '1', '1', '2', '2', '6', '6', '4', '5', '7', '9', '8']),
            dice,
        };
        match plan.kind {
            Kind::BrokenIdentity => content.hidden_points = 100,
            Kind::PointsOnly => {
                content.points = 0;
                content.au_points = i64::MAX;
            }
            _ => {}
        }
        content
    }
}

impl Line {
    pub(crate) fn units(&self, changed: bool) -> i64 {
        if changed { self.units.1 } else { self.units.0 }
    }

    /// Yen a piece, after the discount.
    pub(crate) fn price(&self) -> i64 {
        self.goods.price_with_tax() - self.discount
    }

    pub(crate) fn option_fee(&self) -> i64 {
        self.options.iter().flat_map(|(_, values)| *values).map(|(_, fee)| fee).sum()
    }

    pub(crate) fn wrapping_fee(&self) -> i64 {
        self.wrapping.map_or(0, |(_, fee)| fee)
    }

    /// The SKU's two parts: `itemCode` and what follows it (§6.5).
    pub(crate) fn code(&self) -> (&'static str, &'static str) {
        let own = self.goods.variants.get(self.variant).and_then(|(_, own, _)| *own);
        (self.goods.number, own.and_then(|own| own.strip_prefix(self.goods.number)).unwrap_or_default())
    }

    /// `カラー=ネイビー&サイズ=M`.
    pub(crate) fn choices(&self) -> String {
        let variant = self.goods.variants.get(self.variant).and_then(|(_, _, info)| *info);
        let rows: Vec<&str> = variant.into_iter().chain(self.goods.choice).collect();
        rows.join("\n").replace(':', "=").replace('\n', "&")
    }
}

fn yen(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn line(dice: &mut Dice, kind: Kind) -> Line {
    let goods = if dice.one_in(15) { &TAX_FREE } else { dice.pick(&RANGE) };
    let units = yen(*dice.pick(&[1, 1, 1, 2, 3]));
    let gift = kind == Kind::Gift;
    let paid: &'static &'static [PaidOption] = dice.pick(&OPTIONS);
    let options: &'static [PaidOption] = if dice.one_in(12) { paid } else { &[] };
    Line {
        goods,
        variant: usize::try_from(dice.below(goods.variants.len() as u64)).unwrap_or(0),
        units: (units, units),
        discount: if dice.one_in(6) { 100 } else { 0 },
        options,
        options_as_text: dice.one_in(4),
        wrapping: (gift && !dice.one_in(5)).then(|| *dice.pick(&[("包装紙（赤）", 220), ("簡易包装", 0)])),
        message: (gift && dice.one_in(2)).then_some("お誕生日おめでとうございます\nいつもありがとう"),
        noshi: (gift && dice.one_in(2)).then(|| *dice.pick(&["蝶結び", "結び切り"])),
    }
}
