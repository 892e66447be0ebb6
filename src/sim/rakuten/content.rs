//! What a Rakuten order holds and what it costs (rakuten-rms.md §5.3): integer yen, consistent with the identities there.

use super::plan::{Kind, Plan};
use crate::clock::Timestamp;
use crate::sim::dice::{Dice, Salt};
use crate::sim::goods::{Goods, RANGE};
use crate::sim::people::Person;

/// "Not fixed yet" in any money field.
pub(crate) const UNFIXED: i64 = -9_999;

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) goods: &'static Goods,
    pub(crate) variant: usize,
    /// Before and after a change of amount.
    pub(crate) units: (i64, i64),
    pub(crate) removed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) lines: Vec<Line>,
    pub(crate) postage: i64,
    pub(crate) cash_fee: i64,
    pub(crate) removed: bool,
    pub(crate) recipient: Person,
    pub(crate) noshi: Option<&'static str>,
}

/// Everything that does not depend on the time of asking.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) orderer: Person,
    pub(crate) packages: Vec<Package>,
    /// Price of wrapping 1 and 2; they belong to the first package.
    pub(crate) wrappings: [Option<i64>; 2],
    /// The second one was removed again.
    pub(crate) wrapping_removed: bool,
    pub(crate) shop_coupon: i64,
    pub(crate) mall_coupon: i64,
    pub(crate) points: i64,
    pub(crate) payment_charge: i64,
    pub(crate) extra_fee: i64,
    pub(crate) method: (u16, &'static str),
    pub(crate) several: bool,
    pub(crate) same_recipient: bool,
    pub(crate) dice: Dice,
}

/// One row of `TaxSummaryModelList`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaxRow {
    pub(crate) rate: i64,
    pub(crate) total: i64,
    pub(crate) charge: i64,
    pub(crate) coupon: i64,
    pub(crate) request: i64,
    pub(crate) tax: i64,
}

/// The order's amounts at one moment; `UNFIXED` where not fixed.
#[derive(Clone, Debug)]
pub(crate) struct Amounts {
    pub(crate) goods: i64,
    pub(crate) postage: i64,
    pub(crate) cash_fee: i64,
    pub(crate) total: i64,
    pub(crate) request: i64,
    pub(crate) taxes: Vec<TaxRow>,
}

const METHODS: [(u16, &str); 8] = [
    (1, "クレジットカード"),
    (1, "クレジットカード"),
    (1, "クレジットカード"),
    (1, "クレジットカード"),
    (12, "Apple Pay"),
    (17, "PayPal"),
    (16, "Alipay"),
    (27, "Alipay（支付宝）"),
];
const PREPAID: [(u16, &str); 3] =
    [(9, "銀行振込"), (13, "セブンイレブン（前払）"), (14, "ファミリーマート、ローソン等（前払）")];

impl Content {
    pub(crate) fn new(seed: u64, shop: u32, plan: &Plan) -> Self {
        let seed = seed ^ u64::from(shop);
        let mut dice = Dice::new(seed, Salt::RakutenContent, plan.index);
        // Some people order again.
        let orderer =
            Person::new(seed, if dice.one_in(4) { dice.below(500) } else { plan.index * 4 + 1_000 });
        let (count, removed_package) = match plan.kind {
            Kind::SeveralDestinations => (dice.between(2, 3), false),
            Kind::RemovedPackage => (2, true),
            _ => (1, false),
        };
        let elsewhere = count > 1 || dice.one_in(5);
        let packages: Vec<Package> = (0..count)
            .map(|k| {
                let recipient = if elsewhere && (k > 0 || count == 1) {
                    Person::new(seed, plan.index * 4 + 1_001 + k)
                } else {
                    orderer.clone()
                };
                package(&mut dice, plan.kind, recipient, removed_package && k == 1)
            })
            .collect();
        let method = match plan.kind {
            Kind::CashOnDelivery => (2, "代金引換"),
            Kind::Deferred => (21, "後払い決済"),
            Kind::Prepaid | Kind::PrepaidUnpaid => *dice.pick(&PREPAID),
            Kind::Unfixed if dice.one_in(2) => (9, "銀行振込"),
            Kind::PointsOnly => (8, "ポイント"),
            Kind::AmountChange | Kind::Subscription => (1, "クレジットカード"),
            _ => *dice.pick(&METHODS),
        };
        let mut content = Self {
            orderer,
            packages,
            wrappings: [None, None],
            wrapping_removed: false,
            shop_coupon: if dice.one_in(6) { 300 } else { 0 },
            mall_coupon: if dice.one_in(8) { 108 } else { 0 },
            points: 0,
            payment_charge: if method.0 == 13 || method.0 == 14 { 250 } else { 0 },
            extra_fee: if plan.kind == Kind::Deferred && dice.one_in(2) { 250 } else { 0 },
            method,
            several: count > 1,
            same_recipient: !elsewhere,
            dice,
        };
        if content.dice.one_in(10) {
            content.wrappings[0] = Some(200);
            if content.dice.one_in(2) {
                content.wrappings[1] = Some(110);
                content.wrapping_removed = content.dice.one_in(3);
            }
        }
        // Points never exceed the least that will be asked for.
        let least = content.sum(true, false);
        if plan.kind == Kind::PointsOnly {
            content.points = least.request;
        } else if content.dice.one_in(4) {
            content.points = i64::try_from(content.dice.between(1, 250)).unwrap_or(0).min(least.request);
        }
        content
    }

    /// Amounts as shown at `now`.
    pub(crate) fn amounts(&self, plan: &Plan, now: Timestamp) -> Amounts {
        self.sum(plan.changed(now), plan.unfixed(now))
    }

    /// Wrapping that counts, in yen.
    pub(crate) fn wrapping_total(&self) -> i64 {
        self.wrappings[0].unwrap_or(0)
            + if self.wrapping_removed { 0 } else { self.wrappings[1].unwrap_or(0) }
    }

    /// Goods and wrapping of package `k`.
    pub(crate) fn package_goods(&self, k: usize, changed: bool) -> i64 {
        let wrapping = if k == 0 { self.wrapping_total() } else { 0 };
        wrapping
            + self.packages[k].lines.iter().filter(|l| !l.removed).map(|l| l.subtotal(changed)).sum::<i64>()
    }

    fn sum(&self, changed: bool, unfixed: bool) -> Amounts {
        let mut rates = [(10, 0_i64), (8, 0_i64)];
        let (mut goods, mut postage, mut cash_fee) = (0, 0, 0);
        for (k, package) in self.packages.iter().enumerate().filter(|(_, p)| !p.removed) {
            goods += self.package_goods(k, changed);
            postage += package.postage;
            cash_fee += package.cash_fee;
            for line in package.lines.iter().filter(|l| !l.removed) {
                let row = usize::from(line.goods.rate_percent == 8);
                rates[row].1 += line.subtotal(changed);
            }
        }
        rates[0].1 += postage + self.wrapping_total();
        let charge = self.payment_charge + cash_fee;
        let coupons = self.shop_coupon + self.mall_coupon;
        let total = goods + postage;
        let mut coupon_left = coupons;
        let taxes = rates
            .iter()
            .filter(|(rate, total)| *total > 0 || (*rate == 10 && charge > 0))
            .map(|&(rate, total)| {
                let charge = if rate == 10 { charge } else { 0 };
                let coupon = coupon_left.min(total);
                coupon_left -= coupon;
                let request = total + charge - coupon;
                let (total, request, tax) = if unfixed && rate == 10 {
                    (UNFIXED, UNFIXED, UNFIXED)
                } else {
                    (total, request, request * rate / (100 + rate))
                };
                TaxRow { rate, total, charge, coupon, request, tax }
            })
            .collect();
        let request = total + cash_fee + self.payment_charge + self.extra_fee - coupons - self.points;
        if unfixed {
            Amounts { goods, postage: UNFIXED, cash_fee, total: UNFIXED, request: UNFIXED, taxes }
        } else {
            Amounts { goods, postage, cash_fee, total, request, taxes }
        }
    }
}

impl Line {
    pub(crate) fn units(&self, changed: bool) -> i64 {
        if changed { self.units.1 } else { self.units.0 }
    }

    pub(crate) fn subtotal(&self, changed: bool) -> i64 {
        self.goods.price_with_tax() * self.units(changed)
    }
}

fn package(dice: &mut Dice, kind: Kind, recipient: Person, removed: bool) -> Package {
    let mut lines: Vec<Line> = (0..dice.between(1, 3))
        .map(|_| {
            let goods = dice.pick(&RANGE);
            let units = i64::try_from(dice.between(1, 3)).unwrap_or(1);
            let variant = usize::try_from(dice.below(goods.variants.len() as u64)).unwrap_or(0);
            Line { goods, variant, units: (units, units), removed: false }
        })
        .collect();
    match kind {
        Kind::RemovedLine => {
            let mut extra = lines[0].clone();
            extra.removed = true;
            lines.push(extra);
        }
        Kind::AmountChange => {
            lines[0].units = (lines[0].units.0 + 1, lines[0].units.0);
        }
        _ => {}
    }
    let island_postage = if recipient.island { 1_320 } else { 660 };
    let postage = match kind {
        Kind::CvsPickup => 0,
        Kind::Unfixed => island_postage,
        _ => *dice.pick(&[0, 0, 250, island_postage]),
    };
    let cash_fee = if kind == Kind::CashOnDelivery { 330 } else { 0 };
    let noshi = dice.one_in(15).then_some("内祝");
    Package { lines, postage, cash_fee, removed, recipient, noshi }
}
