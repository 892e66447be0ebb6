//! What a reader of a simulated Yahoo! shop must find.

use super::Shop;
use super::plan::Step;
use super::view::View;
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::ledger::{ShipmentRow, Shipments};
use crate::sim::truth::Fact;
use crate::sim::world::State;

impl World {
    /// The facts of every order that a plain search shows by `now`, oldest first.
    pub(crate) fn yahoo_facts<'w>(
        &'w self,
        shop: &'w Shop,
        now: Timestamp,
    ) -> impl Iterator<Item = Fact> + Send + 'w {
        let last = shop.orders.placed_by(now).saturating_add(1).min(shop.orders.total);
        (0..last).flat_map(move |index| {
            let state = self.state();
            let plans = self.yahoo_plans(&state, shop, index, (now, now)).into_iter();
            let views: Vec<View<'w>> = plans
                .filter(|plan| plan.visible(now))
                .map(|plan| {
                    let values = state.yahoo.values(&shop.seller_id, (plan.index, plan.part), now);
                    View::new(shop, self.options.seed, plan, now, 0).with(values)
                })
                .collect();
            drop(state);
            views.into_iter().map(move |view| fact(&view, now))
        })
    }
}

impl World {
    /// What Yahoo! shows of an order's shipment: the slips' two places, `OrderStatus/ShipStatus`.
    pub(crate) fn yahoo_shipments(
        &self,
        state: &State,
        shop: &str,
        order_number: &str,
        now: Timestamp,
    ) -> Option<Shipments> {
        let shop = self.yahoo_shop(shop)?;
        let plan = self.yahoo_order(state, shop, order_number, (now, now))?;
        let view = self.yahoo_view(state, shop, plan, now, now);
        let rows = ["ShipInvoiceNumber1", "ShipInvoiceNumber2"].into_iter().zip(["1", "2"]);
        let parcels = rows.filter_map(|(name, parcel)| {
            let number = view.shown(name);
            let row = ShipmentRow {
                id: String::new(),
                carrier: view.shown("ShipCompanyCode"),
                number: number.clone(),
                date: view.shown("ShipDate"),
            };
            (!number.is_empty()).then(|| (parcel.to_owned(), vec![row]))
        });
        Some(Shipments {
            status: format!("{}/{}", plan.order_status(now), plan.ship_status(now)),
            parcels: parcels.collect(),
        })
    }
}

fn fact(view: &View<'_>, now: Timestamp) -> Fact {
    let plan = &view.plan;
    Fact {
        index: plan.index,
        order_number: view.number(),
        ordered_at: plan.placed,
        status: plan.order_status(now).to_owned(),
        // A fee for a remote place that is computed later may still change the total (§6.6).
        due: (!plan.open(Step::FeeFixed, now)).then(|| view.amounts().total),
        payment: plan.method_at(now).name.to_owned(),
        packages: 1,
        lines: view.content().lines.len(),
        canceled: plan.ended(now),
        slips: view.slips(),
        reception_number: None,
        capturable: false,
    }
}
