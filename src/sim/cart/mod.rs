//! The shop's own cart: orders by index, and the order files it drops (csv-formats.md §4).

mod edits;
mod file;

use std::time::Duration;

use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::dice::{Dice, Salt};
use crate::sim::goods::{Goods, RANGE};
use crate::sim::people::Person;
use crate::sim::slip_number;

pub(crate) use edits::Edit;
pub use file::{Encoding, Format};

/// The cart's first order number; the next ones follow.
const FIRST_NUMBER: u64 = 100_001;
/// No order changes later than this after it was placed.
const LIFE: Duration = Duration::from_hours(24 * 14);

/// How the buyer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payment {
    Card,
    Deferred,
    Transfer,
}

impl Payment {
    /// The cart's own name for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Card => "クロネコwebコレクト(カード)",
            Self::Deferred => "クロネコ代金後払い",
            Self::Transfer => "銀行振込",
        }
    }
}

/// What does not fit between a card order and its settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    None,
    /// The gateway does not know the number.
    Missing,
    /// Another amount was authorised.
    Amount,
    /// The authorisation was refused.
    Refused,
    /// Somebody cancelled it in the gateway's console.
    Canceled,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) goods: &'static Goods,
    pub(crate) units: i64,
    /// Which destination.
    pub(crate) parcel: usize,
}

/// An order of the cart, future included.
#[derive(Clone, Debug)]
pub(crate) struct CartOrder {
    pub(crate) index: u64,
    pub(crate) placed: Timestamp,
    pub(crate) payment: Payment,
    pub(crate) oddity: Oddity,
    /// The amount stands in the file from then on.
    pub(crate) fixed: Timestamp,
    pub(crate) paid: Option<Timestamp>,
    pub(crate) canceled: Option<Timestamp>,
    /// When the carrier's slips are issued.
    pub(crate) slipped: Option<Timestamp>,
    pub(crate) shipped: Option<Timestamp>,
    pub(crate) buyer: Person,
    /// One a destination.
    pub(crate) recipients: Vec<Person>,
    /// Parcels a destination: with one destination there may be two.
    pub(crate) parcels: usize,
    pub(crate) lines: Vec<Line>,
    pub(crate) postage: i64,
    pub(crate) discount: i64,
    /// When somebody changed it after the checkout.
    pub(crate) edited: Option<Timestamp>,
}

impl CartOrder {
    /// Order `index` of the world's cart as the checkout made it; see [`World::cart_order`].
    pub(crate) fn new(world: &World, index: u64) -> Self {
        let seed = world.options.seed;
        let placed = world.options.cart.placed_at(index);
        let mut dice = Dice::new(seed, Salt::CartPlan, index);
        let payment = match dice.below(100) {
            0..70 => Payment::Card,
            70..88 => Payment::Deferred,
            _ => Payment::Transfer,
        };
        let oddity = match (payment, dice.below(300)) {
            (Payment::Card, roll) if world.options.oddities => match roll {
                0 => Oddity::Missing,
                1 | 2 => Oddity::Amount,
                3 => Oddity::Refused,
                4 => Oddity::Canceled,
                _ => Oddity::None,
            },
            _ => Oddity::None,
        };
        let fixed = if dice.one_in(50) { placed + dice.minutes(120, 600) } else { placed };
        let paid = (payment == Payment::Transfer).then(|| placed + dice.minutes(600, 3 * 1_440));
        let slipped = fixed.max(paid.unwrap_or(fixed)) + dice.minutes(120, 30 * 60);
        let canceled = match dice.below(100) {
            0..4 => Some(placed + dice.minutes(30, 30 * 60)),
            4 => Some(slipped + dice.minutes(10, 600)),
            _ => None,
        };
        let happens = |at: Timestamp| canceled.is_none_or(|c| at < c);
        let shipped = slipped + dice.minutes(240, 600);

        let mut dice = Dice::new(seed, Salt::CartContent, index);
        let buyer =
            Person::new(seed, 1 << 40 | if dice.one_in(4) { dice.below(300) } else { index * 4 + 1_000 });
        let destinations = if dice.one_in(20) { 2 } else { 1 };
        let elsewhere = dice.one_in(5);
        let recipients: Vec<Person> = (0..destinations)
            .map(|k| {
                if elsewhere || k > 0 {
                    Person::new(seed, 1 << 40 | (index * 4 + 1_001 + k))
                } else {
                    buyer.clone()
                }
            })
            .collect();
        let parcels = if destinations == 1 && dice.one_in(15) { 2 } else { 1 };
        let lines: Vec<Line> = (0..recipients.len() + usize::from(dice.one_in(3)))
            .map(|n| Line {
                goods: dice.pick(&RANGE),
                units: i64::try_from(dice.between(1, 4)).unwrap_or(1),
                parcel: n.min(recipients.len() - 1),
            })
            .collect();
        let postage = *dice.pick(&[0, 520, 660]) * i64::try_from(recipients.len()).unwrap_or(1);
        let discount = if dice.one_in(10) { 200 } else { 0 };
        Self {
            index,
            placed,
            payment,
            oddity,
            fixed,
            paid: paid.filter(|at| happens(*at)),
            canceled,
            slipped: Some(slipped).filter(|at| happens(*at)),
            shipped: Some(shipped).filter(|at| happens(*at)),
            buyer,
            recipients,
            parcels,
            lines,
            postage,
            discount,
            edited: None,
        }
    }

    /// The cart's order number, which is the gateway's reception number too.
    pub(crate) fn number(&self) -> String {
        number(self.index)
    }

    /// Yen that the payment method collects.
    pub(crate) fn due(&self) -> i64 {
        self.goods_total() + self.postage - self.discount
    }

    pub(crate) fn goods_total(&self) -> i64 {
        self.lines.iter().map(|l| l.goods.price_with_tax() * l.units).sum()
    }

    /// The cart's word for its state, and the number EC-CUBE gives that word.
    pub(crate) fn status(&self, now: Timestamp) -> (u8, &'static str) {
        let reached = |event: Option<Timestamp>| event.is_some_and(|at| at <= now);
        if reached(self.canceled) {
            (3, "注文取消し")
        } else if reached(self.shipped) {
            (5, "発送済み")
        } else if self.payment == Payment::Transfer && !reached(self.paid) {
            (9, "入金待ち")
        } else {
            (1, "新規受付")
        }
    }

    /// Did anything that a file shows happen after `since` and by `until`?
    pub(crate) fn changed_within(&self, since: Timestamp, until: Timestamp) -> bool {
        [Some(self.placed), Some(self.fixed), self.paid, self.canceled, self.shipped, self.edited]
            .into_iter()
            .flatten()
            .any(|at| since < at && at <= until)
    }

    /// Slips of all its parcels, destination by destination.
    pub(crate) fn slips(&self) -> Vec<String> {
        (0..self.recipients.len() * self.parcels).map(|k| slip_number(self.index * 4 + k as u64)).collect()
    }
}

/// The order number of cart order `index`.
pub(crate) fn number(index: u64) -> String {
    (FIRST_NUMBER + index).to_string()
}

/// The index behind an order number.
pub(crate) fn index_of(world: &World, order_number: &str) -> Option<u64> {
    let index = order_number.parse::<u64>().ok()?.checked_sub(FIRST_NUMBER)?;
    (index < world.options.cart.total && number(index) == order_number).then_some(index)
}

/// Orders placed, or otherwise different, after `since` and by `until`.
pub(crate) fn changed(
    world: &World,
    since: Timestamp,
    until: Timestamp,
) -> impl Iterator<Item = CartOrder> + '_ {
    let range = world.options.cart.placed_between(since - LIFE, until);
    // Somebody may change an order whose own life is long over.
    let edited: Vec<u64> = world.state().cart.keys().copied().filter(|index| *index < range.start).collect();
    let indexes = edited.into_iter().chain(range);
    indexes.map(|index| world.cart_order(index)).filter(move |order| order.changed_within(since, until))
}

/// Orders whose slips are issued after `since` and by `until`.
pub(crate) fn slipped(
    world: &World,
    since: Timestamp,
    until: Timestamp,
) -> impl Iterator<Item = CartOrder> + '_ {
    let range = world.options.cart.placed_between(since - LIFE, until);
    range
        .map(|index| world.cart_order(index))
        .filter(move |order| order.slipped.is_some_and(|at| since < at && at <= until))
}
