//! What a reader of a simulated shop must find: the expected facts, order by order.

use serde::Serialize;

use super::cart::{self, Oddity, Payment};
use super::{CART_SHOP, Shop, World};
use crate::clock::Timestamp;

/// The facts of one order at the time of asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// Its index in the catalogue.
    pub index: u64,
    /// The mall's or cart's order number.
    pub order_number: String,
    /// When it was placed.
    pub ordered_at: Timestamp,
    /// `300`, …, or the cart's word for its state.
    pub status: String,
    /// Yen that are asked for; `None` while not fixed.
    pub due: Option<i64>,
    /// The mall's or cart's name for the payment.
    pub payment: String,
    /// Parcels, destinations really, that were not removed.
    pub packages: usize,
    /// Lines that were not removed.
    pub lines: usize,
    /// Is it cancelled for good?
    pub canceled: bool,
    /// Slips issued by now.
    pub slips: Vec<String>,
    /// Own cart, paid by card: the number of its settlement.
    pub reception_number: Option<String>,
    /// Own cart: is the sale to be registered in the end, without anybody's help?
    pub capturable: bool,
}

impl World {
    /// The facts of every order of `shop` that can be seen by now, oldest first; nothing for a shop that does not exist.
    pub fn truth<'w>(&'w self, shop: &str) -> Box<dyn Iterator<Item = Fact> + Send + 'w> {
        self.truth_at(shop, self.now())
    }

    /// [`World::truth`] as it is at another time.
    pub fn truth_at<'w>(&'w self, shop: &str, now: Timestamp) -> Box<dyn Iterator<Item = Fact> + Send + 'w> {
        self.catch_up();
        if shop == CART_SHOP {
            let count = self.options.cart.placed_by(now);
            return Box::new((0..count).map(move |index| self.cart_fact(index, now)));
        }
        if let Some(shop) = self.aupay_shop(shop) {
            let count = shop.orders.placed_by(now);
            return Box::new((0..count).map(move |index| self.aupay_fact(shop, index, now)));
        }
        if let Some(shop) = self.amazon_shop(shop) {
            let count = shop.orders.placed_by(now);
            return Box::new((0..count).filter_map(move |index| self.amazon_fact(shop, index, now)));
        }
        match self.rakuten_shop(shop) {
            Some(shop) => {
                let count = shop.orders.placed_by(now);
                Box::new((0..count).map(move |index| self.rakuten_fact(shop, index, now)))
            }
            None => match self.yahoo_shop(shop) {
                Some(shop) => Box::new(self.yahoo_facts(shop, now)),
                None => Box::new(std::iter::empty()),
            },
        }
    }

    fn rakuten_fact(&self, shop: &Shop, index: u64, now: Timestamp) -> Fact {
        let plan = {
            let state = self.state();
            self.plan(&state, shop, index)
        };
        let content = shop.content(self.options.seed, &plan);
        let live: Vec<usize> =
            (0..content.packages.len()).filter(|&k| !content.packages[k].removed).collect();
        let lines = live.iter().flat_map(|&k| &content.packages[k].lines).filter(|l| !l.removed).count();
        let issued = live
            .iter()
            .enumerate()
            .filter(|(n, _)| plan.parcel_packed(*n, live.len()).is_some_and(|at| at <= now));
        Fact {
            index,
            order_number: shop.number(index, plan.placed),
            ordered_at: plan.placed,
            status: plan.progress(now).to_string(),
            due: (!plan.unfixed(now)).then(|| content.amounts(&plan, now).request),
            payment: content.method.1.to_owned(),
            packages: live.len(),
            lines,
            canceled: plan.canceled.is_some_and(|at| at <= now),
            slips: issued.map(|(_, &k)| shop.slip(index, k)).collect(),
            reception_number: None,
            capturable: false,
        }
    }

    fn cart_fact(&self, index: u64, now: Timestamp) -> Fact {
        let order = self.cart_order(index);
        let reached = |event: Option<Timestamp>| event.is_some_and(|at| at <= now);
        let card = order.payment == Payment::Card;
        let wrong_slip = self.options.oddities && super::b2::wrong_postal_code(index);
        Fact {
            index,
            order_number: order.number(),
            ordered_at: order.placed,
            status: order.status(now).1.to_owned(),
            due: (order.fixed <= now).then(|| order.due()),
            payment: order.payment.name().to_owned(),
            packages: order.recipients.len(),
            lines: order.lines.len(),
            canceled: reached(order.canceled),
            slips: if reached(order.slipped) { order.slips() } else { Vec::new() },
            reception_number: card.then(|| cart::number(index)),
            capturable: card
                && order.oddity == Oddity::None
                && order.canceled.is_none()
                && !wrong_slip
                && order.due() <= 300_000,
        }
    }
}
