//! What tests do to Amazon's orders, and how an order looks after it.

use serde_json::Value;

use super::plan::Plan;
use super::query::Included;
use super::render::{Roles, View};
use super::{Outside, Shop};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::world::State;

use std::time::Duration;

impl World {
    /// The selling partner of this name.
    #[must_use]
    pub fn amazon_shop(&self, name: &str) -> Option<&Shop> {
        self.options.amazon.iter().find(|shop| shop.name == name)
    }

    /// Cancels an order at once, for its merchant. False when there is none of this number, or it has shipped or is
    /// cancelled already.
    pub fn cancel_amazon(&self, order_number: &str) -> bool {
        self.act(order_number, |outside, now| outside.canceled = Some(now))
    }

    /// Lets the buyer ask for a cancellation at once; the status stays. False as for [`World::cancel_amazon`].
    pub fn ask_cancel_amazon(&self, order_number: &str) -> bool {
        self.act(order_number, |outside, now| outside.asked = Some(now))
    }

    /// Ships all that is left of an order at once. False when it is not paid yet, and as for [`World::cancel_amazon`].
    pub fn ship_amazon(&self, order_number: &str) -> bool {
        let now = self.now();
        let paid = self.found(order_number).is_some_and(|(shop, index)| {
            let state = self.state();
            !self.amazon_plan(&state, shop, index, now).pending(now)
        });
        paid && self.act(order_number, |outside, now| outside.shipped = Some(now))
    }

    /// Every access token that a shop was given so far is dead from now on. False when there is no such shop.
    pub fn revoke_amazon_tokens(&self, shop: &str) -> bool {
        let now = self.now();
        self.amazon_shop(shop).map(|shop| shop.ordinal).is_some_and(|ordinal| {
            self.state().amazon.tokens_dead_before.insert(ordinal, now);
            true
        })
    }

    fn found(&self, order_number: &str) -> Option<(&Shop, u64)> {
        let seed = self.options.seed;
        self.options.amazon.iter().find_map(|shop| Some((shop, shop.index_of(seed, order_number)?)))
    }

    fn act(&self, order_number: &str, change: impl FnOnce(&mut Outside, Timestamp)) -> bool {
        let now = self.now();
        // As exact as the mall shows it.
        let shown = Timestamp::from_micros(now.micros().div_euclid(1_000) * 1_000);
        let Some((shop, index)) = self.found(order_number) else { return false };
        let mut state = self.state();
        let plan = self.amazon_plan(&state, shop, index, now);
        let open =
            plan.visible(now) && !matches!(plan.status(now), "SHIPPED" | "CANCELLED" | "UNFULFILLABLE");
        if open {
            change(state.amazon.outside.entry((shop.ordinal, index)).or_default(), shown);
        }
        open
    }

    /// The plan of an order with what was done to it from outside, and by calls as far as it shows by `at`.
    pub(crate) fn amazon_plan(&self, state: &State, shop: &Shop, index: u64, at: Timestamp) -> Plan {
        let mut plan = self.amazon_told(state, shop, index, at);
        if let Some(outside) = state.amazon.outside.get(&(shop.ordinal, index)) {
            if let Some(at) = outside.shipped {
                plan.ship(at);
            }
            if let Some(at) = outside.canceled {
                plan.cancel("MERCHANT", at);
            }
            if let Some(at) = outside.asked {
                plan.cancel_asked = Some(plan.cancel_asked.map_or(at, |planned| planned.min(at)));
            }
        }
        plan
    }

    /// Up to when changes show at `now`.
    pub(crate) fn amazon_shows(&self, state: &State, now: Timestamp) -> Timestamp {
        now - Duration::from_secs(state.switches.amazon.visible_after_s)
    }

    /// The order as it is shown: changes after `at` are hidden.
    pub(crate) fn amazon_order(
        &self,
        state: &State,
        shop: &Shop,
        plan: &Plan,
        included: Included,
        at: Timestamp,
    ) -> Value {
        let switches = &state.switches.amazon;
        let roles = Roles { personal_data: switches.pii_role, buyer_name: switches.buyer_name_role };
        let content = shop.content(self.options.seed, plan);
        let sent = self.amazon_sent(state, shop, plan.index, at);
        View { shop, plan, content: &content, sent, roles, included, at }.order()
    }
}
