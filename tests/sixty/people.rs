//! People: what they do to a sale, at the counter, in the console and by command.

use std::collections::BTreeMap;

use mallsync::clock::Timestamp;
use mallsync::domain::operation::State;
use mallsync::domain::order::Carrier;
use mallsync::domain::settlement::Wish;
use mallsync::domain::slip::SlipRow;
use mallsync::sim::Placement;
use mallsync::store::StoreError;
use mallsync::store::operations::OperationFilter;
use mallsync::store::settlements::SettlementRow;
use mallsync::store::slips::SlipImport;

use crate::house::House;
use crate::story::{Act, Rules, Story};

/// What is written on a hold.
pub const HELD: &str = "held by staff: the buyer asked to wait";

/// What people remember.
#[derive(Default)]
pub struct People {
    /// How often each operation was sent on.
    pub retried: BTreeMap<String, u32>,
    /// Where each order stands in the cart.
    carts: BTreeMap<String, (i64, &'static str)>,
}

impl Story {
    /// A row of the carrier's file about this sale.
    fn row(&self, slip: &str, carrier: Carrier) -> SlipRow {
        let by_b2 = self.rules == Rules::B2;
        SlipRow {
            source: format!("file:{}", self.number),
            order_key: self.number.clone(),
            other_keys: Vec::new(),
            reception_numbers: if by_b2 { vec![self.number.clone()] } else { Vec::new() },
            trader_code: None,
            number: slip.to_owned(),
            carrier,
            kind: "0".to_owned(),
            ship_date: None,
            postal_code: None,
            package_id: None,
            b2_registers: by_b2.then_some(!self.unregistered),
            by_number: false,
        }
    }
}

async fn import(house: &House, digest: String, rows: Vec<SlipRow>) {
    let file = format!("{digest}.csv").replace('/', "-");
    let import = SlipImport { file, digest, rows, verify_recipient: false, dry_run: false };
    house.store().import_slips(&import, "staff", &house.beside().planning()).await.unwrap();
}

async fn order_id(house: &House, number: &str) -> Option<String> {
    house.store().find_orders(number).await.unwrap().first().map(|order| order.id.clone())
}

async fn settlement(house: &House, number: &str) -> Option<SettlementRow> {
    house.store().find_settlements(number).await.unwrap().into_iter().next()
}

/// Asks for an operation by command. Told why not, the person leaves it to the rules, or to another day.
pub async fn wish(house: &House, story: &mut Story, wish: Wish) {
    let Some(row) = settlement(house, &story.number).await else { return };
    let planning = house.beside().planning();
    match house.store().wish(&row.settlement.id, &wish, "staff", &planning, false).await {
        Ok(_) => story.wished.push((house.now(), wish)),
        Err(StoreError::Refused(_)) => {}
        Err(e) => panic!("{}: {e}", story.number),
    }
}

/// Corrects a slip. What stands in its way is given up first, where the command says so.
async fn replace(house: &House, story: &mut Story, old: &str, new: &str) {
    let Some(order) = order_id(house, &story.number).await else { return };
    let row = story.row(new, Carrier::Yamato);
    let (store, planning) = (house.store(), house.beside().planning());
    let mut replaced = store.replace_slip(&order, old, &row, "staff", &planning).await;
    if matches!(&replaced, Err(StoreError::Refused(reason)) if reason.contains("`abandon`")) {
        let filter = OperationFilter {
            state: Some(State::NeedsPerson),
            order_id: Some(order.clone()),
            ..OperationFilter::default()
        };
        for row in store.list_operations(&filter).await.unwrap() {
            let id = &row.operation.id;
            store.abandon_operation(id, "another slip", "staff", house.now()).await.unwrap();
        }
        replaced = store.replace_slip(&order, old, &row, "staff", &planning).await;
    }
    match replaced {
        Ok(()) => {}
        Err(StoreError::Refused(reason)) if reason.contains("wait until it is settled") => story.again = true,
        Err(StoreError::Refused(reason)) => {
            let known = ["is settled", "is registered at the gateway"];
            assert!(known.iter().any(|why| reason.contains(why)), "{}: {reason}", story.number);
            story.refused = true;
        }
        Err(e) => panic!("{}: {e}", story.number),
    }
}

impl People {
    /// Carries one act out. What the console refuses is not done; what a command refuses is noted.
    pub async fn act(&mut self, house: &mut House, story: &mut Story, act: &Act) {
        let number = story.number.clone();
        let number = number.as_str();
        match act {
            Act::Order => self.order(house, story),
            Act::Due(due) => self.cart(house, story, |cart| cart.0 = *due),
            Act::Cancel => self.cart(house, story, |cart| cart.1 = "キャンセル"),
            Act::Ship => self.cart(house, story, |cart| cart.1 = "発送済み"),
            Act::Slips(slips) => {
                let rows = slips.iter().map(|(slip, carrier)| story.row(slip, *carrier)).collect();
                import(house, format!("slips/{number}"), rows).await;
            }
            Act::Together(slip, orders) => {
                let row = story.row(slip, Carrier::Yamato);
                let rows = orders.iter().map(|order| SlipRow { order_key: order.clone(), ..row.clone() });
                import(house, format!("together/{slip}"), rows.collect()).await;
            }
            Act::Further(slip) => {
                let Some(order) = order_id(house, number).await else { return };
                let row = SlipRow { b2_registers: None, ..story.row(slip, Carrier::Yamato) };
                house.store().add_slip(&order, &row, "staff", &house.beside().planning()).await.unwrap();
            }
            Act::Replace(old, new) => replace(house, story, old, new).await,
            Act::Console(function, what) => {
                let item = match *function {
                    "A07" => ("new_price", what.as_str()),
                    "E01" | "E02" => ("slip_no", what.as_str()),
                    _ => ("reserve_2", ""),
                };
                let code = house.world.by_hand(function, &[("order_no", number), item]);
                assert!(code.is_some(), "{function}");
            }
            Act::Decline | Act::RefuseCancel | Act::KeepOld => house.world.switch(|switches| {
                let webcollect = &mut switches.webcollect;
                let set = match act {
                    Act::Decline => &mut webcollect.declined,
                    Act::RefuseCancel => &mut webcollect.cancel_refused,
                    _ => &mut webcollect.unreversed,
                };
                set.insert(number.to_owned());
            }),
            Act::Dead(slip) => house.world.switch(|switches| {
                switches.webcollect.dead_slips.insert(slip.clone());
            }),
            Act::Wish(asked) => wish(house, story, asked.clone()).await,
            Act::Hold | Act::Release | Act::Resolve => {
                let Some(row) = settlement(house, number).await else { return };
                let (store, planning) = (house.store(), house.beside().planning());
                let id = &row.settlement.id;
                let done = match act {
                    Act::Hold => store.hold_settlement(id, HELD, "staff", &planning).await,
                    Act::Release => store.release_settlement(id, "staff", &planning).await,
                    _ => {
                        story.resolved = Some(house.now());
                        store.resolve_settlement(id, Some("paid back by hand"), "staff", &planning).await
                    }
                };
                done.unwrap_or_else(|e| panic!("{number}: {act:?}: {e}"));
            }
        }
    }

    fn order(&mut self, house: &mut House, story: &Story) {
        let placement = Placement {
            order_no: story.number.clone(),
            amount: story.amount,
            scheduled_shipping_date: story.planned,
            placed_at: Some(story.placed),
            ..Placement::default()
        };
        assert!(house.world.place(placement));
        if story.unscanned {
            let slips = story.acts.iter().filter_map(|(_, act)| match act {
                Act::Slips(slips) => Some(slips.iter().map(|(slip, _)| slip.clone())),
                _ => None,
            });
            let slips: Vec<String> = slips.flatten().collect();
            house.world.switch(|switches| switches.webcollect.unscanned_slips.extend(slips));
        }
        self.cart(house, story, |_| {});
    }

    fn cart(&mut self, house: &mut House, story: &Story, change: impl FnOnce(&mut (i64, &'static str))) {
        let cart = self.carts.entry(story.number.clone()).or_insert((story.amount, "新規"));
        change(cart);
        let (due, word) = *cart;
        house.cart_file(story.rules, &story.number, story.placed, due, word);
    }
}

/// The sale with this number.
pub fn by_number<'a>(stories: &'a mut [Story], number: &str) -> Option<&'a mut Story> {
    stories.iter_mut().find(|story| story.number == number)
}

/// Whether its authorisation ends within so many days, or has ended.
pub fn near(row: &SettlementRow, now: Timestamp, days: i64) -> bool {
    row.settlement.lapses_on.is_some_and(|last| (last - now.jst_date()).num_days() <= days)
}
