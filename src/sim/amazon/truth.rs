//! What a reader of a simulated selling partner must find.

use serde_json::Value;

use super::Shop;
use super::parts;
use super::query::Included;
use super::sent;
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::ledger::{ShipmentRow, Shipments};
use crate::sim::truth::Fact;
use crate::sim::world::State;

impl World {
    /// The facts of order `index` as the mall shows it at `now`; `None` while nobody can see it.
    pub(crate) fn amazon_fact(&self, shop: &Shop, index: u64, now: Timestamp) -> Option<Fact> {
        let state = self.state();
        let at = self.amazon_shows(&state, now);
        let plan = self.amazon_plan(&state, shop, index, at);
        if !plan.visible(at) {
            return None;
        }
        let content = shop.content(self.options.seed, &plan);
        let reached = |event: Option<Timestamp>| event.is_some_and(|event| event <= at);
        let payments = content.payments(&plan, at);
        let points: i64 =
            payments.iter().filter(|(method, _)| *method == "PointsAccount").map(|(_, yen)| yen).sum();
        let fixed = content.priced(&plan, at) && content.currency == "JPY";
        let sent = self.amazon_sent(&state, shop, index, at);
        let staff = sent::staff_left(&plan, &sent, at).into_iter().filter(|_| !plan.kind.by_amazon());
        let staff = staff.filter_map(|k| parts::tracking_number(shop, &plan, k));
        let slips = staff.chain(sent.iter().map(|sent| sent.package.tracking.clone())).collect();
        Some(Fact {
            index,
            order_number: shop.number(&plan),
            ordered_at: plan.placed,
            status: plan.status(at).to_owned(),
            due: fixed.then(|| content.total(reached(plan.line_canceled)) - points),
            payment: payments.first().map_or(String::new(), |(method, _)| (*method).to_owned()),
            packages: 1,
            lines: content.lines.len(),
            canceled: reached(plan.canceled),
            slips,
            reception_number: None,
            capturable: false,
        })
    }

    /// What Amazon shows of an order's packages, by their references.
    pub(crate) fn amazon_shipments(
        &self,
        state: &State,
        shop: &str,
        order_number: &str,
        now: Timestamp,
    ) -> Option<Shipments> {
        let shop = self.amazon_shop(shop)?;
        let at = self.amazon_shows(state, now);
        let index = shop.index_of(self.options.seed, order_number)?;
        let plan = self.amazon_plan(state, shop, index, at);
        if !plan.visible(at) {
            return None;
        }
        let all = Included { packages: true, ..Included::default() };
        let order = self.amazon_order(state, shop, &plan, all, at);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let packages = order["packages"].as_array().into_iter().flatten().map(|package| {
            let shipped = Timestamp::parse(&text(&package["shipTime"])).ok();
            let row = ShipmentRow {
                id: String::new(),
                carrier: text(&package["carrier"]),
                number: text(&package["trackingNumber"]),
                date: shipped.map_or_else(String::new, |at| at.jst_date().to_string()),
            };
            (text(&package["packageReferenceId"]), vec![row])
        });
        Some(Shipments { status: plan.status(at).to_owned(), parcels: packages.collect() })
    }
}
