//! People: what they do to a sale, at the counter, in the console and by command, and how they work off the list.

use std::collections::BTreeMap;

use mallsync::clock::Timestamp;
use mallsync::domain::operation::State;
use mallsync::domain::order::Carrier;
use mallsync::domain::settlement::Wish;
use mallsync::domain::slip::SlipRow;
use mallsync::sim::{Placement, SETTLEMENT};
use mallsync::store::StoreError;
use mallsync::store::operations::OperationFilter;
use mallsync::store::slips::SlipImport;

use crate::house::House;
use crate::story::{Act, Story};

/// An operation is sent on by a person so often; what still needs one then is left to it.
const RETRIES: u32 = 5;

/// What people remember.
#[derive(Default)]
pub struct People {
    /// How often each operation was sent on.
    retried: BTreeMap<String, u32>,
    /// Where each order stands in the cart.
    carts: BTreeMap<String, (Timestamp, i64, &'static str)>,
}

fn row(number: &str, slip: &str, carrier: Carrier) -> SlipRow {
    SlipRow {
        source: format!("file:{number}"),
        order_key: number.to_owned(),
        other_keys: Vec::new(),
        reception_numbers: Vec::new(),
        trader_code: None,
        number: slip.to_owned(),
        carrier,
        kind: "0".to_owned(),
        ship_date: None,
        postal_code: None,
        package_id: None,
        b2_registers: None,
        by_number: false,
    }
}

impl People {
    /// Carries one act out. What the console refuses is not done; what a command refuses is noted.
    pub async fn act(&mut self, house: &mut House, story: &mut Story, act: &Act) {
        let number = story.number.clone();
        let number = number.as_str();
        match act {
            Act::Order => {
                let placement = Placement {
                    order_no: number.to_owned(),
                    amount: story.amount,
                    placed_at: Some(story.placed),
                    ..Placement::default()
                };
                assert!(house.world.place(placement));
                if story.unscanned {
                    let slips: Vec<String> = story.acts.iter().filter_map(|(_, act)| slip_of(act)).collect();
                    house.world.switch(|switches| switches.webcollect.unscanned_slips.extend(slips));
                }
                self.cart(house, story, |cart| *cart = (story.placed, story.amount, "新規"));
            }
            Act::Due(due) => self.cart(house, story, |cart| cart.1 = *due),
            Act::Cancel => self.cart(house, story, |cart| cart.2 = "キャンセル"),
            Act::Ship => self.cart(house, story, |cart| cart.2 = "発送済み"),
            Act::Slip(slip, carrier) => {
                let import = SlipImport {
                    file: format!("{slip}.csv"),
                    digest: format!("{number}/{slip}"),
                    rows: vec![row(number, slip, *carrier)],
                    verify_recipient: false,
                    dry_run: false,
                };
                house.store().import_slips(&import, "staff", &house.beside.planning()).await.unwrap();
            }
            Act::Further(slip) => {
                let Some(order) = order_id(house, number).await else { return };
                let row = row(number, slip, Carrier::Yamato);
                house.store().add_slip(&order, &row, "staff", &house.beside.planning()).await.unwrap();
            }
            Act::Replace(old, new) => {
                let Some(order) = order_id(house, number).await else { return };
                let row = row(number, new, Carrier::Yamato);
                let planning = house.beside.planning();
                match house.store().replace_slip(&order, old, &row, "staff", &planning).await {
                    Ok(()) => {}
                    Err(StoreError::Refused(reason)) => {
                        assert!(reason.contains("settled"), "{number}: {reason}");
                        story.refused = true;
                    }
                    Err(e) => panic!("{number}: {e}"),
                }
            }
            Act::Console(function, what) => {
                let item = match *function {
                    "A07" => ("new_price", what.as_str()),
                    "E01" => ("slip_no", what.as_str()),
                    _ => ("reserve_2", ""),
                };
                let code = house.world.by_hand(function, &[("order_no", number), item]);
                assert!(code.is_some(), "{function}");
            }
            Act::Decline => {
                house.world.switch(|switches| {
                    switches.webcollect.declined.insert(number.to_owned());
                });
            }
            Act::Renew => {
                let rows = house.store().find_settlements(number).await.unwrap();
                let Some(row) = rows.first() else { return };
                let planning = house.beside.planning();
                let wished =
                    house.store().wish(&row.settlement.id, &Wish::Reauth, "staff", &planning, false).await;
                match wished {
                    // Told why not, the person leaves it to the rules.
                    Ok(_) | Err(StoreError::Refused(_)) => {}
                    Err(e) => panic!("{number}: {e}"),
                }
            }
        }
    }

    fn cart(
        &mut self,
        house: &mut House,
        story: &Story,
        change: impl FnOnce(&mut (Timestamp, i64, &'static str)),
    ) {
        let cart = self.carts.entry(story.number.clone()).or_insert((story.placed, story.amount, "新規"));
        change(cart);
        let (placed, due, word) = *cart;
        house.cart_file(&[(story.number.clone(), placed, due, word)]);
    }

    /// A morning's work: what needs a person is sent on, some times, after a look at the console.
    pub async fn morning(&mut self, house: &House) {
        let filter = OperationFilter {
            state: Some(State::NeedsPerson),
            account: Some(SETTLEMENT.to_owned()),
            ..OperationFilter::default()
        };
        for row in house.store().list_operations(&filter).await.unwrap() {
            let times = self.retried.entry(row.operation.id.clone()).or_default();
            if *times < RETRIES {
                *times += 1;
                house.store().retry_operation(&row.operation.id, "staff", house.now()).await.unwrap();
            }
        }
    }
}

fn slip_of(act: &Act) -> Option<String> {
    match act {
        Act::Slip(slip, _) | Act::Further(slip) | Act::Replace(_, slip) => Some(slip.clone()),
        _ => None,
    }
}

async fn order_id(house: &House, number: &str) -> Option<String> {
    house.store().find_orders(number).await.unwrap().first().map(|order| order.id.clone())
}
