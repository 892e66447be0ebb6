//! The expected facts of this mall's orders.

use std::time::Duration;

use super::Shop;
use super::amounts::sum;
use super::render::View;
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::truth::Fact;

impl World {
    pub(crate) fn aupay_fact(&self, shop: &Shop, index: u64, now: Timestamp) -> Fact {
        let (plan, switches) = {
            let state = self.state();
            (self.aupay_plan(&state, shop, index), state.switches.aupay.clone())
        };
        let content = shop.content(self.options.seed, &plan);
        let canceled_lines_count = switches.canceled_lines_count;
        let view = View { shop, plan: &plan, content: &content, now, canceled_lines_count };
        // The mall shows whole minutes.
        let past_minute = if switches.seconds { 0 } else { plan.placed.micros().rem_euclid(60_000_000) };
        Fact {
            index,
            order_number: shop.number(index),
            ordered_at: plan.placed - Duration::from_micros(past_minute.unsigned_abs()),
            status: plan.status(now).to_owned(),
            due: Some(sum(view.amounts().request)),
            payment: content.method.1.to_owned(),
            packages: 1,
            lines: content.lines.len(),
            canceled: plan.is_canceled(now),
            slips: view.slip().into_iter().collect(),
            reception_number: None,
            capturable: false,
        }
    }
}
