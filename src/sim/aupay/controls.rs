//! What can be done to an order or a key by hand.

use super::Shop;
use super::auth;
use super::plan::Plan;
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::world;

/// Something done to an order from outside.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Cancel(Timestamp),
    CancelLine(Timestamp, usize),
    Status(Timestamp, String),
}

impl World {
    /// The au PAY shop of this name.
    #[must_use]
    pub fn aupay_shop(&self, name: &str) -> Option<&Shop> {
        self.options.aupay.iter().find(|shop| shop.name == name)
    }

    fn aupay_order(&self, number: &str) -> Option<(&Shop, u64)> {
        let now = self.now();
        self.options.aupay.iter().find_map(|shop| {
            let index = shop.index_of(number)?;
            (shop.orders.placed_at(index) <= now).then_some((shop, index))
        })
    }

    fn touch(&self, shop: &Shop, index: u64, deed: Deed) {
        let mut state = self.state();
        state.aupay.texts.forget(shop, index);
        state.aupay.touched.entry((shop.shop_id.clone(), index)).or_default().push(deed);
    }

    /// Cancels a whole au PAY order at once: `cancelStatus` C, キャンセル, every line C, amounts kept. False when no
    /// shop has such an order by now. (Order numbers are unique per shop: the first shop that has it.)
    pub fn cancel_aupay(&self, order_id: &str) -> bool {
        let now = self.now();
        self.aupay_order(order_id).is_some_and(|(shop, index)| {
            self.touch(shop, index, Deed::Cancel(now));
            true
        })
    }

    /// Cancels one line (from 0) of an au PAY order at once; it leaves the sums. False when there is no such line, or
    /// it is the last one that is left.
    pub fn cancel_aupay_line(&self, order_id: &str, line: usize) -> bool {
        let now = self.now();
        self.aupay_order(order_id).is_some_and(|(shop, index)| {
            let plan = self.aupay_plan(&self.state(), shop, index);
            let count = shop.content(self.options.seed, &plan).lines.len();
            let live: Vec<usize> = (0..count).filter(|&n| plan.line_canceled(n, now).is_none()).collect();
            let possible = live.len() > 1 && live.contains(&line);
            if possible {
                self.touch(shop, index, Deed::CancelLine(now, line));
            }
            possible
        })
    }

    /// Gives an au PAY order another `orderStatus` at once, any text: what was planned for it no longer happens. 完了
    /// ships and settles it. False when no shop has such an order by now.
    pub fn set_aupay_status(&self, order_id: &str, status: &str) -> bool {
        let now = self.now();
        self.aupay_order(order_id).is_some_and(|(shop, index)| {
            self.touch(shop, index, Deed::Status(now, status.to_owned()));
            true
        })
    }

    /// Issues an au PAY shop's next key now. The old one stops at once, unless `old_key_survives`. False when there
    /// is no such shop.
    pub fn reissue_aupay_key(&self, shop: &str) -> bool {
        let now = self.now();
        self.aupay_shop(shop).is_some_and(|shop| {
            let mut state = self.state();
            let keys = state.aupay.keys.entry(shop.shop_id.clone()).or_default();
            keys.retain(|key| key.key != shop.api_key_next());
            keys.push(auth::issued_now(shop.api_key_next(), now));
            true
        })
    }

    /// Calls to au PAY that came within a second of the one before. The mall publishes no limit: it is the client's
    /// own pace that they break (au-pay-market.md §10). They count in [`World::rate_violations`] too.
    #[must_use]
    pub fn aupay_pace_violations(&self) -> u64 {
        self.state().aupay.pace.values().map(|pace| pace.violations).sum()
    }

    /// The plan of an au PAY order with what was done to it from outside.
    pub(crate) fn aupay_plan(&self, state: &world::State, shop: &Shop, index: u64) -> Plan {
        let mut plan = shop.plan(self.options.seed, index);
        // The common world has no deed at all: no key is made to look for one.
        if state.aupay.touched.is_empty() {
            return plan;
        }
        for deed in state.aupay.touched.get(&(shop.shop_id.clone(), index)).into_iter().flatten() {
            match deed {
                Deed::Cancel(at) => plan.cancel(None, *at),
                Deed::CancelLine(at, line) => plan.lines_canceled.push((*line, *at)),
                Deed::Status(at, status) => plan.set(*at, status),
            }
        }
        plan
    }
}
