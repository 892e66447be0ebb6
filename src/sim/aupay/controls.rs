//! What can be done to an order or a key by hand.

use super::Shop;
use super::auth;
use super::plan::{Course, Label, Plan};
use super::render::View;
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::ledger::{ShipmentRow, Shipments};
use crate::sim::world;

/// Something done to an order, by hand or by a call.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Cancel(Timestamp),
    CancelLine(Timestamp, usize),
    Status(Timestamp, String),
    /// A call moved it to 発送待ち before its time: it goes on from there.
    Confirmed(Timestamp),
    /// A call set its status.
    Written(Timestamp, String),
    /// A call entered shipment data.
    Label(Timestamp, Label),
    /// A call cancelled it: reason and comment.
    Canceled(Timestamp, String, String),
}

impl Deed {
    /// When a call did it; `None`: done by hand.
    fn called(&self) -> Option<Timestamp> {
        match self {
            Self::Cancel(_) | Self::CancelLine(..) | Self::Status(..) => None,
            Self::Confirmed(at) | Self::Written(at, _) | Self::Label(at, _) | Self::Canceled(at, ..) => {
                Some(*at)
            }
        }
    }
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

    /// Does something to an order.
    pub(super) fn touch(&self, state: &mut world::State, shop: &Shop, index: u64, deed: Deed) {
        state.aupay.texts.forget(shop, index);
        state.aupay.touched.entry((shop.shop_id.clone(), index)).or_default().push(deed);
    }

    /// Cancels a whole au PAY order at once: `cancelStatus` C, キャンセル, every line C, amounts kept. False when no
    /// shop has such an order by now. (Order numbers are unique per shop: the first shop that has it.)
    pub fn cancel_aupay(&self, order_id: &str) -> bool {
        let now = self.now();
        self.aupay_order(order_id).is_some_and(|(shop, index)| {
            self.touch(&mut self.state(), shop, index, Deed::Cancel(now));
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
                self.touch(&mut self.state(), shop, index, Deed::CancelLine(now, line));
            }
            possible
        })
    }

    /// Gives an au PAY order another `orderStatus` at once, any text: what was planned for it no longer happens. 完了
    /// ships and settles it. False when no shop has such an order by now.
    pub fn set_aupay_status(&self, order_id: &str, status: &str) -> bool {
        let now = self.now();
        self.aupay_order(order_id).is_some_and(|(shop, index)| {
            self.touch(&mut self.state(), shop, index, Deed::Status(now, status.to_owned()));
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

    /// The plan of an au PAY order with what was done to it, by hand and by calls.
    pub(crate) fn aupay_plan(&self, state: &world::State, shop: &Shop, index: u64) -> Plan {
        self.aupay_plan_seen(state, shop, index, Timestamp::from_micros(i64::MAX))
    }

    /// [`World::aupay_plan`] for a read that shows what calls had written by `seen`.
    pub(crate) fn aupay_plan_seen(
        &self,
        state: &world::State,
        shop: &Shop,
        index: u64,
        seen: Timestamp,
    ) -> Plan {
        let switches = &state.switches.aupay;
        let mut course = Course {
            staff_confirms: switches.staff_confirms,
            staff_ships: switches.staff_ships,
            ready: None,
            labeled: None,
        };
        // The common world has no deed at all: no key is made to look for one.
        if state.aupay.touched.is_empty() {
            return shop.plan(self.options.seed, index, &course);
        }
        let key = (shop.shop_id.clone(), index);
        let deeds = || {
            let all = state.aupay.touched.get(&key).into_iter().flatten();
            all.filter(|deed| deed.called().is_none_or(|at| at <= seen))
        };
        course.ready = deeds().find_map(|d| if let Deed::Confirmed(at) = d { Some(*at) } else { None });
        course.labeled = deeds().find_map(|d| if let Deed::Label(at, _) = d { Some(*at) } else { None });
        let mut plan = shop.plan(self.options.seed, index, &course);
        for deed in deeds() {
            match deed {
                Deed::Cancel(at) => plan.cancel(None, *at),
                Deed::CancelLine(at, line) => plan.lines_canceled.push((*line, *at)),
                Deed::Status(at, status) => plan.set(*at, status),
                Deed::Confirmed(_) => {}
                Deed::Written(at, status) => plan.write(*at, status),
                Deed::Label(_, label) => plan.label = Some(label.clone()),
                Deed::Canceled(at, reason, comment) => {
                    plan.cancel(None, *at);
                    plan.cancel_words = Some((reason.clone(), comment.clone()));
                }
            }
        }
        plan
    }

    /// Status and shipment data of an au PAY order.
    pub(crate) fn aupay_shipments(
        &self,
        state: &world::State,
        shop: &str,
        order_number: &str,
        now: Timestamp,
    ) -> Option<Shipments> {
        let shop = self.aupay_shop(shop)?;
        let index = shop.index_of(order_number).filter(|&index| shop.orders.placed_at(index) <= now)?;
        let plan = self.aupay_plan(state, shop, index);
        let content = shop.content(self.options.seed, &plan);
        let label = View { shop, plan: &plan, content: &content, now, canceled_lines_count: false }.label();
        let row = label.map(|label| ShipmentRow {
            id: String::new(),
            carrier: label.carrier.map(String::from).unwrap_or_default(),
            number: label.number.unwrap_or_default(),
            date: label.date.map(|day| day.to_string()).unwrap_or_default(),
        });
        let parcels = [("1".to_owned(), row.into_iter().collect())].into();
        Some(Shipments { status: plan.status(now).to_owned(), parcels })
    }
}
