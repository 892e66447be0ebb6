//! What an Amazon order holds and what it costs (amazon-sp-api.md §11.3): whole yen, prices with tax.

use super::plan::{Kind, Plan};
use crate::clock::Timestamp;
use crate::sim::dice::{Dice, Salt};
use crate::sim::goods::{Goods, RANGE};
use crate::sim::people::Person;

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) goods: &'static Goods,
    pub(crate) variant: usize,
    pub(crate) units: i64,
    /// A piece, as the shop page shows it.
    pub(crate) unit_price: i64,
    pub(crate) shipping: i64,
    pub(crate) gift_wrap: i64,
    pub(crate) cod_fee: i64,
    /// Off the goods, off the shipping, off the fee for cash on delivery.
    pub(crate) discounts: [i64; 3],
    /// Points given, in yen.
    pub(crate) points: i64,
    /// Shown as TAX of the goods.
    pub(crate) tax: i64,
    /// The line that may be cancelled on its own.
    pub(crate) drops: bool,
}

impl Line {
    pub(crate) fn goods_total(&self) -> i64 {
        self.unit_price * self.units
    }

    pub(crate) fn discount(&self) -> i64 {
        self.discounts.iter().sum()
    }
}

/// How TAX stands in the breakdowns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tax {
    None,
    /// Shown, part of the prices.
    Inclusive,
    /// Shown, on top of the prices.
    Exclusive,
}

/// Everything that does not depend on the time of asking.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) buyer: Person,
    pub(crate) recipient: Person,
    pub(crate) lines: Vec<Line>,
    pub(crate) currency: &'static str,
    pub(crate) tax: Tax,
    /// DISCOUNT is sent with a minus sign; its sign is undocumented (§20.2).
    pub(crate) negative_discounts: bool,
    /// What the total has too much.
    pub(crate) odd: i64,
    /// How it is paid, but for points; `None` where the mall does not say.
    pub(crate) method: Option<&'static str>,
    /// Points that the buyer used, in yen.
    pub(crate) points_used: i64,
    /// Does a pending order show prices? (§20.1)
    pub(crate) priced_while_pending: bool,
    /// For the choices of presentation.
    pub(crate) dice: Dice,
}

impl Content {
    pub(crate) fn new(seed: u64, plan: &Plan) -> Self {
        let mut dice = Dice::new(seed, Salt::AmazonContent, plan.index);
        // Some people order again.
        let buyer = Person::new(seed, if dice.one_in(4) { dice.below(500) } else { plan.index * 4 + 1_000 });
        let elsewhere = plan.kind == Kind::Gift || dice.one_in(6);
        let recipient = if elsewhere { Person::new(seed, plan.index * 4 + 1_001) } else { buyer.clone() };
        let tax = match plan.kind {
            Kind::TaxInclusive => Tax::Inclusive,
            Kind::TaxExclusive => Tax::Exclusive,
            _ => Tax::None,
        };
        let lines = lines(&mut dice, plan, tax);
        let method = match plan.kind {
            Kind::Store | Kind::StoreUnpaid => Some("ConvenienceStore"),
            Kind::CashOnDelivery => Some("CashOnDelivery"),
            Kind::Business => Some("Invoice"),
            Kind::PointsUsed => Some("CreditCard"),
            Kind::NewMembers if dice.one_in(2) => Some("MihonPay"),
            _ if plan.kind.by_amazon() || dice.one_in(10) => None,
            Kind::PickupPoint if dice.one_in(2) => Some("ConvenienceStore"),
            _ if dice.one_in(12) => Some("GiftCertificate"),
            _ => Some("CreditCard"),
        };
        let mut content = Self {
            buyer,
            recipient,
            lines,
            currency: if plan.kind == Kind::ForeignCurrency { "USD" } else { "JPY" },
            tax,
            negative_discounts: dice.one_in(8),
            odd: if plan.kind == Kind::OddTotal { 7 } else { 0 },
            method,
            points_used: 0,
            priced_while_pending: matches!(plan.kind, Kind::Store | Kind::StoreUnpaid) || dice.one_in(2),
            dice,
        };
        if matches!(plan.kind, Kind::PointsUsed | Kind::CashOnDelivery) {
            // Never more than the least that is asked for.
            let least = content.total(true);
            content.points_used = i64::try_from(content.dice.between(1, 500)).unwrap_or(1).min(least);
            if plan.kind == Kind::PointsUsed && content.dice.one_in(5) {
                (content.points_used, content.method) = (least, None);
            }
        }
        content
    }

    /// `proceedsTotal` of a line.
    pub(crate) fn line_total(&self, line: &Line) -> i64 {
        let exclusive = if self.tax == Tax::Exclusive { line.tax } else { 0 };
        line.goods_total() + line.shipping + line.gift_wrap + line.cod_fee + exclusive - line.discount()
    }

    /// `grandTotal`, without the line that was cancelled where `dropped`.
    pub(crate) fn total(&self, dropped: bool) -> i64 {
        let live = self.lines.iter().filter(|line| !(dropped && line.drops));
        live.map(|line| self.line_total(line)).sum::<i64>() + self.odd
    }

    /// Are there prices at `at`? Not while pending, mostly, and not once cancelled (§11.1).
    pub(crate) fn priced(&self, plan: &Plan, at: Timestamp) -> bool {
        match plan.status(at) {
            "CANCELLED" | "UNFULFILLABLE" => false,
            "PENDING" | "PENDING_AVAILABILITY" => self.priced_while_pending,
            _ => true,
        }
    }

    /// The executions of payment: method and yen.
    pub(crate) fn payments(&self, plan: &Plan, at: Timestamp) -> Vec<(&'static str, i64)> {
        // Before it is paid, an order says at most that it shall be at a convenience store.
        if !self.priced(plan, at) || (plan.pending(at) && self.method != Some("ConvenienceStore")) {
            return Vec::new();
        }
        let total = self.total(plan.line_canceled.is_some_and(|event| event <= at));
        let points = (self.points_used > 0).then_some(("PointsAccount", self.points_used));
        let method = self.method.map(|name| (name, total - self.points_used));
        method.into_iter().chain(points).collect()
    }
}

fn lines(dice: &mut Dice, plan: &Plan, tax: Tax) -> Vec<Line> {
    let count = if plan.kind == Kind::LineCanceled { dice.between(2, 3) } else { dice.between(1, 3) };
    let postage = *dice.pick(&[0, 0, 550, 410]);
    let mut lines: Vec<Line> =
        (0..count).map(|n| line(dice, plan.kind, tax, if n == 0 { postage } else { 0 })).collect();
    let first = &mut lines[0];
    match plan.kind {
        // One piece at least in each package.
        Kind::SeveralPackages => first.units += 2,
        Kind::CashOnDelivery => {
            first.cod_fee = 330;
            if dice.one_in(3) {
                first.discounts[2] = 330;
            }
        }
        Kind::Promotion => {
            if dice.one_in(2) {
                first.shipping = 550;
                first.discounts[1] = 550;
            } else {
                first.discounts[0] = first.goods_total() / 10;
            }
        }
        _ => {}
    }
    if plan.kind == Kind::LineCanceled
        && let Some(last) = lines.last_mut()
    {
        last.drops = true;
    }
    lines
}

fn line(dice: &mut Dice, kind: Kind, tax: Tax, postage: i64) -> Line {
    let goods = dice.pick(&RANGE);
    let variant = usize::try_from(dice.below(goods.variants.len() as u64)).unwrap_or(0);
    let units = i64::try_from(dice.between(1, 3)).unwrap_or(1);
    let free = kind == Kind::Replacement;
    let unit_price = match kind {
        _ if free => 0,
        Kind::ForeignCurrency => 25,
        _ if tax == Tax::Exclusive => goods.price_with_tax() * 100 / (100 + goods.rate_percent),
        _ => goods.price_with_tax(),
    };
    let total = unit_price * units;
    Line {
        goods,
        variant,
        units,
        unit_price,
        shipping: if free || kind == Kind::ForeignCurrency { 0 } else { postage },
        gift_wrap: if kind == Kind::Gift && dice.one_in(2) { 400 } else { 0 },
        cod_fee: 0,
        discounts: [0; 3],
        points: if dice.one_in(2) && kind != Kind::ForeignCurrency { total / 100 } else { 0 },
        tax: match tax {
            Tax::None => 0,
            Tax::Inclusive => total * goods.rate_percent / (100 + goods.rate_percent),
            Tax::Exclusive => total * goods.rate_percent / 100,
        },
        drops: false,
    }
}
