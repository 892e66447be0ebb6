//! The bench itself: answers of the simulated Rakuten, parsed by the connector and stored page by page.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mallsync::clock::{Ambient, ManualClock};
use mallsync::domain::ids::OrderRef;
use mallsync::http::{Client, ClientSpec, Response};
use mallsync::malls::rakuten::auth::Credentials;
use mallsync::malls::rakuten::wire::{GetAnswer, decode};
use mallsync::malls::rakuten::{get, read_orders};
use mallsync::secret::Secret;
use mallsync::sim::{Catalogue, Options, RAKUTEN_SHOP, RAKUTEN_SHOP_ID, Server, Shop, World};
use mallsync::store::Planning;
use mallsync::store::orders::PageCommit;
use mallsync::store::ready::Preparer;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::bare;
use crate::support::{TestStore, start, stores};

/// Orders an answer, and a transaction.
pub const PAGE: usize = 100;
const ORDERS: u64 = 10_000;
/// The medians of so many runs are shown.
const ROUNDS: usize = 5;
const STREAM: &str = "new";
/// The edition of `getOrder` that is asked for.
const EDITION: i64 = 10;

/// A `getOrder` answer as it came, and the numbers that were asked for.
struct Answer {
    asked: Vec<OrderRef>,
    response: Response,
}

/// How long one run took, and the work in it: reading and storing go on side by side.
#[derive(Clone, Copy)]
struct Run {
    whole: Duration,
    parsing: Duration,
    storing: Duration,
    bare: Duration,
}

impl Run {
    /// The rate, in hundredths of the bare inserts' rate.
    fn ratio(&self) -> u128 {
        self.bare.as_micros() * 100 / self.whole.as_micros().max(1)
    }
}

#[tokio::main]
pub async fn main() {
    let answers = answers().await;
    let bytes: usize = answers.iter().map(|a| a.response.body.len()).sum();
    println!(
        "{ORDERS} orders in answers of {PAGE}, {} bytes an order on the wire; medians of {ROUNDS} runs",
        bytes / usize::try_from(ORDERS).unwrap()
    );
    let mut runs: Vec<(&str, Vec<Run>)> = Vec::new();
    for round in 0..ROUNDS {
        for (at, (db, empty)) in stores().await.into_iter().zip(stores().await).enumerate() {
            if round == 0 {
                runs.push((db.name, Vec::new()));
            }
            runs[at].1.push(run(&answers, &db, &empty).await);
        }
    }
    for (name, runs) in &mut runs {
        runs.sort_by_key(Run::ratio);
        show(name, runs[ROUNDS / 2]);
    }
}

fn show(name: &str, run: Run) {
    let rate = |time: Duration| u128::from(ORDERS) * 1_000_000 / time.as_micros().max(1);
    let share = |time: Duration| time.as_micros() * 100 / run.whole.as_micros().max(1);
    println!("{name}: {} orders/s from wire bytes to committed rows", rate(run.whole));
    println!(
        "    of the time: reading, mapping and making rows {} %, beside it commit_page {} %",
        share(run.parsing),
        share(run.storing)
    );
    println!(
        "    bare inserts of the same rows: {} orders/s; the database's share is {} %",
        rate(run.bare),
        share(run.bare).min(100)
    );
    println!("    ratio to bare inserts: {}.{:02}", run.ratio() / 100, run.ratio() % 100);
}

/// Every order of the simulated shop, as `getOrder` answers it.
async fn answers() -> Vec<Answer> {
    let clock = ManualClock::new(start());
    let ambient = Ambient::seeded(Arc::new(clock.clone()), 7);
    let mut options = Options::per_day(7, Arc::new(clock.clone()), 1, Duration::ZERO);
    let orders = Catalogue::spread(start(), Duration::from_hours(24 * 300), ORDERS);
    let shop = Shop::new(RAKUTEN_SHOP, RAKUTEN_SHOP_ID, 1, orders);
    let secrets = (Secret::new(&shop.service_secret()), Secret::new(&shop.license_key()));
    options.rakuten = vec![shop];
    let world = World::new(options);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let server = Server::start(listener, Arc::clone(&world)).unwrap();
    let base_url = format!("http://{}/rakuten", server.addr());
    let client = Client::new(&ClientSpec { base_url, ..ClientSpec::default() }).unwrap();
    let credentials = Credentials::new(secrets.0, vec![("license_key", secrets.1)]);
    let numbers: Vec<OrderRef> =
        world.truth(RAKUTEN_SHOP).map(|fact| OrderRef::new(fact.order_number)).collect();
    let mut answers = Vec::new();
    for asked in numbers.chunks(PAGE) {
        clock.advance(Duration::from_secs(1));
        let ask = get(&asked.iter().collect::<Vec<_>>(), EDITION).unwrap();
        let request = credentials.request(&ask, 0).unwrap();
        let response = client.send(RAKUTEN_SHOP, request, &ambient).await.unwrap();
        answers.push(Answer { asked: asked.to_vec(), response });
    }
    server.stop().await;
    answers
}

/// Every answer from bytes to rows in `db`, then the same rows into `empty`. As in a pass over a shop, an answer is read
/// while the one before is stored.
async fn run(answers: &[Answer], db: &TestStore, empty: &TestStore) -> Run {
    db.store.ensure_streams(RAKUTEN_SHOP, &[STREAM], start()).await.unwrap();
    let until = start() + Duration::from_hours(1);
    let lease = db.store.claim_shop(RAKUTEN_SHOP, "bench", start(), until).await.unwrap().unwrap();
    let (mut parsing, mut storing) = (Duration::ZERO, Duration::ZERO);
    let mut stored = 0;
    let mut under_way: Option<JoinHandle<(u64, Duration)>> = None;
    let mut preparer = Preparer::default();
    let began = Instant::now();
    for (number, answer) in answers.iter().enumerate() {
        let parse = Instant::now();
        let read = decode::<GetAnswer>(&answer.response).unwrap();
        let details = read_orders(&read, &answer.asked, answer.response.sent_at);
        assert!(details.bad.is_empty() && details.missing.is_empty(), "the simulator's orders can be read");
        let page = PageCommit {
            mall: "rakuten".to_owned(),
            stream: STREAM.to_owned(),
            cursor_before: number.checked_sub(1).map(|before| json!(before)),
            cursor_after: Some(json!(number)),
            orders: details
                .orders
                .into_iter()
                .map(|read| preparer.order(read.order, read.raw, read.read_at).unwrap())
                .collect(),
            bad: Vec::new(),
        };
        parsing += parse.elapsed();
        if let Some(before) = under_way.take() {
            let (new, took) = before.await.unwrap();
            stored += new;
            storing += took;
        }
        let (store, lease) = (db.store.clone(), lease.clone());
        under_way = Some(tokio::spawn(async move {
            let began = Instant::now();
            let planning = Planning { contracts: &[], now: start() };
            (store.commit_page(&lease, &page, &planning).await.unwrap().new, began.elapsed())
        }));
    }
    if let Some(last) = under_way {
        let (new, took) = last.await.unwrap();
        stored += new;
        storing += took;
    }
    let whole = began.elapsed();
    assert_eq!(stored, ORDERS, "every order is a row");
    let bare =
        if db.name == "sqlite" { bare::sqlite(db, empty).await } else { bare::postgres(db, empty).await };
    Run { whole, parsing, storing, bare }
}
