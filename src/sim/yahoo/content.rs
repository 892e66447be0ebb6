//! What a Yahoo! order holds and what it costs (yahoo-shopping.md §6.7, §6.8).

use super::kind::Kind;
use super::plan::{Plan, Step};
use crate::clock::Timestamp;
use crate::sim::dice::{Dice, Salt};
use crate::sim::goods::{Goods, RANGE};
use crate::sim::people::Person;

#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// `LineId`: its place in the order as it was placed; the parts of a split one keep it.
    pub(crate) id: u64,
    pub(crate) goods: &'static Goods,
    pub(crate) variant: usize,
    /// As ordered.
    pub(crate) quantity: i64,
    /// Cancelled on its own: quantity 0 from the change on.
    pub(crate) canceled: bool,
    /// Yen a piece before the store's coupon.
    pub(crate) original: i64,
    /// Yen a piece that the store's coupon takes off.
    pub(crate) coupon: i64,
    /// Price of the second option, part of the unit price.
    pub(crate) option_price: i64,
    pub(crate) inscription: bool,
}

/// Everything that does not depend on the time of asking.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) buyer: Person,
    pub(crate) recipient: Person,
    pub(crate) lines: Vec<Line>,
    pub(crate) ship_charge: i64,
    pub(crate) pay_charge: i64,
    pub(crate) gift_wrap: Option<i64>,
    pub(crate) shipping_coupon: i64,
    pub(crate) mall_coupon: i64,
    /// Points alone, whatever `UsePoint` says.
    pub(crate) points: i64,
    pub(crate) gift_card: i64,
    pub(crate) bonus: i64,
    /// `UsePoint` counts gift card and bonus, too: the other reading of §6.7.
    pub(crate) points_hold_all: bool,
    /// Typed by the store at [`Step::Changed`]: `Discount`, `Adjustments`.
    pub(crate) change: (i64, i64),
    /// `Adjustments` of a LINE order.
    pub(crate) adjustment: i64,
    pub(crate) combined: i64,
    pub(crate) broken: i64,
    /// For what concerns looks alone.
    pub(crate) dice: Dice,
}

/// The order's amounts at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amounts {
    pub(crate) ship_charge: i64,
    pub(crate) discount: i64,
    pub(crate) adjustments: i64,
    pub(crate) total: i64,
}

impl Line {
    /// Yen a piece, after the store's coupon.
    pub(crate) fn unit(&self) -> i64 {
        self.original - self.coupon
    }

    pub(crate) fn quantity(&self, changed: bool) -> i64 {
        if self.canceled && changed { 0 } else { self.quantity }
    }
}

impl Content {
    /// `seed` is the shop's own.
    pub(crate) fn new(seed: u64, plan: &Plan) -> Self {
        let mut dice = Dice::new(seed, Salt::YahooContent, plan.index);
        // Some people order again; one checkout for several addresses has one buyer.
        let checkout = if plan.kind == Kind::MultiShip { plan.index & !1 } else { plan.index };
        let mut purse = Dice::new(seed, Salt::YahooContent, !checkout);
        let buyer = Person::new(seed, if purse.one_in(4) { purse.below(500) } else { checkout * 4 + 1_000 });
        let elsewhere = matches!(
            plan.kind,
            Kind::MultiShip
                | Kind::SocialGift
                | Kind::SocialGiftKnown
                | Kind::LineGift
                | Kind::LineGiftWaiting
                | Kind::LineGiftExpired
        ) || dice.one_in(5);
        let recipient = if elsewhere { Person::new(seed, plan.index * 4 + 1_001) } else { buyer.clone() };
        let lines = lines(&mut dice, plan.kind);
        let island = recipient.island;
        let mut content = Self {
            buyer,
            recipient,
            lines,
            ship_charge: *dice.pick(&[0, 0, 550, if island { 1_320 } else { 880 }]),
            pay_charge: if plan.kind == Kind::CashOnDelivery { 330 } else { 0 },
            gift_wrap: dice.one_in(8).then_some(220),
            shipping_coupon: 0,
            mall_coupon: 0,
            points: 0,
            gift_card: 0,
            bonus: 0,
            points_hold_all: plan.other_look,
            change: (0, 0),
            adjustment: 0,
            combined: 0,
            broken: 0,
            dice,
        };
        content.reduce(plan);
        if plan.part > 0 {
            content.divide(plan.part);
        }
        content
    }

    /// Points, coupons, cards: never more than the least that will be asked for.
    fn reduce(&mut self, plan: &Plan) {
        let mut dice = self.dice;
        // Orders with coupons cannot be split (§3).
        let coupons = plan.kind != Kind::Split;
        if coupons && dice.one_in(30) {
            (self.ship_charge, self.shipping_coupon) = (0, 550);
        }
        if coupons && dice.one_in(7) {
            self.mall_coupon = 108;
        }
        match plan.kind {
            Kind::AmountChange if plan.other_look => self.change = (200, 0),
            Kind::AmountChange => self.change = (0, *dice.pick(&[-150, 300])),
            Kind::LineGift | Kind::LineGiftWaiting | Kind::LineGiftExpired => self.adjustment = -80,
            Kind::BrokenSum => self.broken = 37,
            Kind::RemoteFee => self.ship_charge = 1_320,
            _ => {}
        }
        let least = self.sum(true, false).total.min(self.sum(false, false).total) - self.broken;
        match plan.kind {
            Kind::PointsOnly => self.points = least,
            Kind::GiftCard if plan.method.code == "payment_z4" => self.gift_card = least,
            Kind::GiftCard => {
                self.gift_card = 500.min(least);
                self.points = if dice.one_in(2) { 30 } else { 0 };
            }
            Kind::ImmediateBonus => {
                self.bonus = least * 5 / 100;
                self.points = if dice.one_in(2) { 25 } else { 0 };
            }
            _ if dice.one_in(4) => {
                self.points = i64::try_from(dice.between(1, 250)).unwrap_or(0).min(least);
            }
            _ => {}
        }
        if plan.kind == Kind::PayPayCombined {
            self.combined = (least - self.points) / 3;
        }
        self.dice = dice;
    }

    /// What falls to one part of a split order: the first gets one piece of the first line (all of it if there are
    /// others and it is one piece), the second the rest; charges and points are halved.
    fn divide(&mut self, part: u8) {
        let (first, rest) = self.lines.split_at(1);
        let mut first = first.to_vec();
        let mut rest = rest.to_vec();
        if first[0].quantity > 1 {
            let mut left = first[0].clone();
            left.quantity -= 1;
            first[0].quantity = 1;
            rest.insert(0, left);
        }
        let half = |yen: i64| if part == 1 { yen / 2 } else { yen - yen / 2 };
        self.lines = if part == 1 { first } else { rest };
        self.ship_charge = half(self.ship_charge);
        self.points = half(self.points);
        self.gift_wrap = self.gift_wrap.filter(|_| part == 1);
    }

    /// Amounts as shown at `now`.
    pub(crate) fn amounts(&self, plan: &Plan, now: Timestamp) -> Amounts {
        self.sum(plan.done(Step::Changed, now), plan.open(Step::FeeFixed, now))
    }

    /// `UsePoint`.
    pub(crate) fn use_point(&self) -> i64 {
        self.points + if self.points_hold_all { self.gift_card + self.bonus } else { 0 }
    }

    /// The identity of §6.7.
    fn sum(&self, changed: bool, fee_open: bool) -> Amounts {
        let goods: i64 = self.lines.iter().map(|line| line.unit() * line.quantity(changed)).sum();
        let ship_charge = if fee_open { 0 } else { self.ship_charge };
        let (discount, typed) = if changed { self.change } else { (0, 0) };
        let adjustments = self.adjustment + typed;
        let total = goods + self.gift_wrap.unwrap_or(0) + ship_charge + self.pay_charge
            - discount
            - self.points
            - self.mall_coupon
            - self.bonus
            - self.gift_card
            + adjustments
            + self.broken;
        Amounts { ship_charge, discount, adjustments, total }
    }
}

fn lines(dice: &mut Dice, kind: Kind) -> Vec<Line> {
    let least = if matches!(kind, Kind::Split | Kind::LineCancel) { 2 } else { 1 };
    let coupon = kind != Kind::Split && dice.one_in(6);
    (0..dice.between(least, 3))
        .map(|n| {
            let goods = dice.pick(&RANGE);
            let variant = usize::try_from(dice.below(goods.variants.len() as u64)).unwrap_or(0);
            let option_price = if goods.choice.is_some() && dice.one_in(3) { 100 } else { 0 };
            Line {
                id: n + 1,
                goods,
                variant,
                quantity: i64::try_from(dice.between(1, 3)).unwrap_or(1),
                canceled: kind == Kind::LineCancel && n == 0,
                original: goods.price_with_tax() + option_price,
                coupon: if coupon { 100 } else { 0 },
                option_price,
                inscription: dice.one_in(10),
            }
        })
        .collect()
}
