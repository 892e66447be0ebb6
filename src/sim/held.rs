//! Calls under way: seen by those that come meanwhile, and counted.

use std::sync::Arc;

use super::webcollect::{self, Passage};
use super::world::World;
use crate::clock::Timestamp;

/// A call that is under way, as long as it lives.
#[derive(Debug)]
pub(crate) struct Held {
    world: Arc<World>,
    what: What,
}

#[derive(Debug)]
enum What {
    /// A call of the gateway.
    Settlement(Passage),
    /// A mall's orders that are being changed.
    Orders(Vec<String>),
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.world.state();
        match &self.what {
            What::Settlement(passage) => state.gateway.traffic.leave(passage),
            What::Orders(orders) => state.ledger.leave(orders),
        }
    }
}

impl World {
    /// A call arrives at the gateway. Is another one for its order number in progress?
    pub(crate) fn hold(self: &Arc<Self>, passage: Passage, now: Timestamp) -> (Held, bool) {
        let mut state = self.state();
        webcollect::catch_up(self, &mut state, now);
        let in_progress = state.gateway.traffic.enter(&passage);
        (Held { world: Arc::clone(self), what: What::Settlement(passage) }, in_progress)
    }

    /// A changing call of a mall arrives; it is under way as long as what comes back lives.
    pub(crate) fn hold_orders(self: &Arc<Self>, orders: Vec<String>) -> Option<Held> {
        if orders.is_empty() {
            return None;
        }
        self.state().ledger.enter(&orders);
        Some(Held { world: Arc::clone(self), what: What::Orders(orders) })
    }
}
