//! What buyers and staff do to an order of the cart after the checkout. The gateway hears nothing of it: what it holds was
//! authorised before.

use super::{CartOrder, index_of};
use crate::clock::Timestamp;
use crate::sim::World;

/// What was done to one order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edit {
    /// When it was done last.
    at: Timestamp,
    /// Yen that the order costs less.
    discount: i64,
    canceled: Option<Timestamp>,
}

impl CartOrder {
    fn edited(mut self, edit: Edit) -> Self {
        self.edited = Some(edit.at);
        self.discount += edit.discount;
        if let Some(at) = edit.canceled {
            let before = |event: Option<Timestamp>| event.filter(|event| *event < at);
            self.canceled = Some(self.canceled.map_or(at, |own| own.min(at)));
            (self.paid, self.slipped, self.shipped) =
                (before(self.paid), before(self.slipped), before(self.shipped));
        }
        self
    }
}

impl World {
    /// Order `index` of the cart as it stands now.
    pub(crate) fn cart_order(&self, index: u64) -> CartOrder {
        let edit = self.state().cart.get(&index).copied();
        let order = CartOrder::new(self, index);
        match edit {
            Some(edit) => order.edited(edit),
            None => order,
        }
    }

    /// Takes `yen` off the amount of an order of the cart, now. False when there is no such order, or it costs no more.
    pub fn discount_cart(&self, order_number: &str, yen: i64) -> bool {
        let Some(index) = self.placed(order_number) else { return false };
        if yen <= 0 || self.cart_order(index).due() <= yen {
            return false;
        }
        let now = self.now();
        let mut state = self.state();
        let edit = state.cart.entry(index).or_insert(Edit { at: now, discount: 0, canceled: None });
        (edit.at, edit.discount) = (now, edit.discount + yen);
        true
    }

    /// Cancels an order of the cart, now. False when there is no such order.
    pub fn cancel_cart(&self, order_number: &str) -> bool {
        let Some(index) = self.placed(order_number) else { return false };
        let now = self.now();
        let mut state = self.state();
        let edit = state.cart.entry(index).or_insert(Edit { at: now, discount: 0, canceled: None });
        edit.at = now;
        edit.canceled.get_or_insert(now);
        true
    }

    fn placed(&self, order_number: &str) -> Option<u64> {
        index_of(self, order_number).filter(|index| *index < self.options.cart.placed_by(self.now()))
    }
}
