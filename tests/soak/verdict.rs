//! What must hold when all has settled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use mallsync::clock::{Ambient, Timestamp};
use mallsync::domain::operation::State;
use mallsync::sim::{self, CART_SHOP};
use mallsync::store::operations::{OperationFilter, OperationRow};
use mallsync::store::orders::OrderFilter;
use mallsync::store::{Access, Store};
use serde_json::Value;

use crate::agree::{Orders, agree, agree_with_the_mall};
use crate::day::{MALLS, Soak};
use crate::figures::Sample;
use crate::rig::{HISTORY, House, Outside, noon};

/// Looks at the cart's folder after which what has not settled never will. What was under way when the database went
/// away is taken up once its lease has ended, two minutes later on the machine's clock.
const PATIENCE: usize = 90;
/// Sockets that pools may have opened since: to the database as many as it has at most (8), to each of the services
/// that are called one or two. Some of both were open before.
const POOLS: usize = 10;

fn store(outside: &Outside, url: &str) -> Store {
    let ambient = Ambient::new(Arc::clone(&outside.world.options().clock));
    outside.block_on(Store::open(url, None, Access::Read, &ambient)).unwrap()
}

fn orders(outside: &Outside, store: &Store, shop: &str) -> Orders {
    let filter = OrderFilter { shop: Some(shop.to_owned()), ..OrderFilter::default() };
    let all = outside.block_on(store.list_orders(&filter)).unwrap();
    let rows = all.len();
    let orders: Orders = all.into_iter().map(|view| (view.order.mall_order_id.clone(), view)).collect();
    assert_eq!(orders.len(), rows, "{shop}: an order is there twice");
    orders
}

fn operations(soak: &Soak) -> Vec<OperationRow> {
    let store = store(&soak.outside, &soak.postgres.url());
    let rows = soak.outside.block_on(store.list_operations(&OperationFilter::default())).unwrap();
    soak.outside.block_on(store.close());
    rows
}

fn is_open(row: &OperationRow) -> bool {
    let state = row.operation.progress.state;
    !state.is_final() && state != State::NeedsPerson
}

/// Every sale that is due is registered at the gateway, once, and no operation is left open. Returns the captures.
pub fn captured_once(soak: &Soak) -> usize {
    let world = &soak.outside.world;
    // Slips of what was cancelled afterwards: whether such a sale is registered is a matter of who comes first.
    let later = noon() + HISTORY * 20;
    let canceled: BTreeSet<String> =
        world.truth_at(CART_SHOP, later).filter(|fact| fact.canceled).map(|fact| fact.order_number).collect();
    let slipped: Vec<_> =
        world.truth_at(CART_SHOP, soak.written).filter(|fact| !fact.slips.is_empty()).collect();
    let numbers = |capturable: bool| -> BTreeSet<String> {
        let wanted = slipped.iter().filter(|fact| fact.capturable == capturable);
        wanted.filter_map(|fact| fact.reception_number.clone()).collect()
    };
    let (due, others) = (numbers(true), numbers(false));
    let books = |soak: &Soak| -> BTreeMap<String, sim::Book> {
        soak.outside.world.books().into_iter().map(|book| (book.order_no.clone(), book)).collect()
    };
    let settled = |soak: &Soak| {
        let books = books(soak);
        due.iter().all(|number| books.contains_key(number)) && !operations(soak).iter().any(is_open)
    };
    let mut from = soak.daemon.log.len();
    for pass in 0.. {
        if settled(soak) {
            break;
        }
        let books = books(soak);
        let missing: Vec<_> = due.iter().filter(|number| !books.contains_key(*number)).collect();
        let open: Vec<_> = operations(soak).into_iter().filter(is_open).collect();
        assert!(pass < PATIENCE, "not registered: {missing:?}\nopen: {open:#?}");
        from = soak.daemon.log.wait(from, &["Pass finished.", CART_SHOP]) + 1;
    }
    let books = books(soak);
    for book in books.values() {
        let counts = (book.effective_captures, book.captures, book.repeated_captures, book.lapsed_captures);
        assert_eq!(counts, (1, 1, 0, 0), "{book:?}");
    }
    let more: Vec<_> = books.keys().filter(|number| !due.contains(*number)).collect();
    assert!(
        more.iter().all(|number| others.contains(*number) && canceled.contains(*number)),
        "registered, and not due: {more:?}"
    );
    let mut seen = BTreeSet::new();
    for row in operations(soak) {
        let progress = &row.operation.progress;
        assert!(
            progress.state == State::Done || progress.reason.as_ref().is_some_and(|why| !why.is_empty()),
            "open without a reason: {row:?}"
        );
        if progress.state == State::Done {
            let intent = serde_json::to_string(&row.operation.intent).unwrap();
            assert!(seen.insert((row.mall_order_id.clone(), intent)), "done twice: {row:?}");
        }
    }
    assert!(due.len() > 100, "{}", due.len());
    books.len()
}

/// What the daemon has stored, read anew.
pub struct Reading {
    /// What the malls show has not changed since then, or is newer than what is stored.
    quiet_since: Timestamp,
    shops: [Orders; 4],
}

/// Backfills everything, by the daemon where there is one.
fn read(house: &House) {
    let since = (noon() - HISTORY - Duration::from_secs(86_400)).jst_date().to_string();
    // What a mall refuses for its quota's sake goes on where it stopped.
    for attempt in 1.. {
        let output = house.run(&["sync", "--since", &since]);
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        if summary.as_array().unwrap().iter().all(|shop| shop["error"].is_null()) {
            return;
        }
        assert!(attempt < 10, "{summary}");
    }
}

/// No order is missing, and none is there twice; the cart's are as its files show them.
pub fn nothing_lost(soak: &Soak) -> Reading {
    let (outside, seen_by) = (&soak.outside, soak.outside.world.now());
    // The daemon's own passes bring them, as soon as the malls show them.
    outside.reach(seen_by + Duration::from_secs(20 * 60));
    soak.passes(&MALLS, 2);
    let database = store(outside, &soak.postgres.url());
    for shop in MALLS {
        let orders = orders(outside, &database, shop);
        for fact in outside.world.truth_at(shop, seen_by) {
            assert!(orders.contains_key(&fact.order_number), "{shop}: lost: {fact:?}");
        }
        let aside = outside.block_on(database.set_aside(Some(shop))).unwrap();
        assert!(aside.is_empty(), "{shop}: still set aside: {aside:?}");
    }
    let cart = orders(outside, &database, CART_SHOP);
    let truth: Vec<_> = outside.world.truth_at(CART_SHOP, soak.written).collect();
    assert_eq!(cart.len(), truth.len());
    for fact in truth {
        agree(CART_SHOP, &fact, &cart[&fact.order_number]);
    }
    // What changes is read again at paces of up to a day; this asks for all of it now.
    let quiet_since = outside.world.now();
    read(&soak.house);
    let shops = MALLS.map(|shop| orders(outside, &database, shop));
    outside.block_on(database.close());
    Reading { quiet_since, shops }
}

impl Reading {
    /// It is what somebody finds who never saw any of it and looks at the same malls. Returns how many orders there are.
    /// The calls of a living daemon would count against the same quotas.
    pub fn equals_a_fresh_look(&self, outside: &Outside) -> usize {
        let mut house = House::new(outside);
        // Amazon's quota has nothing left for a backfill where new orders are looked for twice a minute.
        house.change("\"*/30 * * * * *\"", "\"*/5 * * * *\"");
        read(&house);
        let url = format!("sqlite:{}", house.path().join("mallsync.db").display());
        let fresh = store(outside, &url);
        for (shop, ours) in MALLS.into_iter().zip(&self.shops) {
            let theirs = orders(outside, &fresh, shop);
            let compared = agree_with_the_mall(shop, &outside.world, shop, self.quiet_since, ours, &theirs);
            assert!(compared > 40, "{shop}: {compared}");
        }
        outside.block_on(fresh.close());
        self.shops.iter().map(Orders::len).sum()
    }
}

/// Descriptors of files do not become more, those of sockets no more than pools explain.
pub fn holds_no_more(before: Sample, after: Sample) {
    assert!(after.files <= before.files, "{before:?}, {after:?}");
    assert!(after.sockets <= before.sockets + POOLS, "{before:?}, {after:?}");
}
