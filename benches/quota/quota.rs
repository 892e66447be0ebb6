//! The bench itself: a daemon of its own for each mall, its simulator, and the clock that jumps from wait to wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mallsync::app::{App, SyncOptions};
use mallsync::clock::{Ambient, Clock as _, ManualClock, Timestamp};
use mallsync::config;
use mallsync::sim::{
    self, AMAZON_SHOP, AUPAY_SHOP, Catalogue, Folders, Options, RAKUTEN_SHOP, Server, World, YAHOO_SHOP,
};
use mallsync::store::Access;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const DAY: Duration = Duration::from_secs(86_400);
/// Over which the orders are spread.
const SPAN: Duration = Duration::from_secs(300 * 86_400);

#[tokio::main(flavor = "current_thread")]
pub async fn main() {
    println!(
        "a backfill beside live polls every 15 minutes; simulated time over the least that the quotas allow"
    );
    for (shop, orders) in
        [(AMAZON_SHOP, 50_000), (YAHOO_SHOP, 50_000), (RAKUTEN_SHOP, 20_000), (AUPAY_SHOP, 20_000)]
    {
        let began = Instant::now();
        let run = backfill(shop, orders).await;
        let least = run.least(shop);
        let hundredths = run.took.as_secs() * 100 / least.as_secs().max(1);
        println!(
            "{shop}: {orders} orders in {} s, least {} s, ratio {}.{:02}; over a quota: {} calls ({} s of work)",
            run.took.as_secs(),
            least.as_secs(),
            hundredths / 100,
            hundredths % 100,
            run.violations,
            began.elapsed().as_secs()
        );
    }
}

struct Run {
    took: Duration,
    orders: u64,
    /// Calls by function, from its beginning to its end.
    calls: BTreeMap<String, u64>,
    violations: u64,
}

impl Run {
    fn calls(&self, function: &str) -> u64 {
        self.calls.get(function).copied().unwrap_or_default()
    }

    /// decisions.md 18.
    fn least(&self, shop: &str) -> Duration {
        match shop {
            AMAZON_SHOP => {
                // (pages - 1) / (0.0056 - 1/900) s, in tenths of millions.
                let pages = self.orders.div_ceil(100);
                Duration::from_millis((pages - 1) * 10_000_000_000 / (56_000 - 10_000_000 / 900))
            }
            YAHOO_SHOP => {
                let calls = self.calls("yahoo.orderInfo");
                let all = calls + self.calls("yahoo.orderList");
                Duration::from_secs(calls.max(all.saturating_sub(2_000) * 86_400 / 48_000))
            }
            RAKUTEN_SHOP => {
                Duration::from_secs(self.calls("rakuten.getOrder") + self.calls("rakuten.searchOrder"))
            }
            _ => Duration::from_secs(
                self.calls("aupay.searchTradeInfoListProc")
                    + self.calls("aupay.searchTradeNoListProc")
                    + self.calls("aupay.searchTradeInfoProc"),
            ),
        }
    }
}

async fn backfill(shop: &str, orders: u64) -> Run {
    let clock = ManualClock::new(Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap());
    let ambient = Ambient::seeded(Arc::new(clock.clone()), 7);
    let start = clock.now();
    let mut options = Options::per_day(7, Arc::new(clock.clone()), 1, DAY);
    // Old enough that everything is closed, and nothing new comes.
    options.rakuten[0].orders = Catalogue::spread(start - DAY * 30, SPAN, orders);
    let mut options = options.with_all_malls();
    options.rakuten.retain(|s| s.name == shop);
    options.yahoo.retain(|s| s.name == shop);
    options.aupay.retain(|s| s.name == shop);
    options.amazon.retain(|s| s.name == shop);
    let world = World::new(options);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let server = Server::start(listener, Arc::clone(&world)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let folders = Folders::below(dir.path());
    folders.prepare(world.options()).unwrap();
    let triple = sim::ClockTriple { start, epoch: start, speed: 1 };
    let db = dir.path().join("mallsync.db");
    let text = sim::config_toml(server.addr(), world.options(), &folders, &db, triple, start.jst_date());
    let text =
        text.replace("\"*/5 * * * *\"", "\"*/15 * * * *\"").replace("\"*/10 * * * *\"", "\"*/15 * * * *\"");
    let path = dir.path().join("mallsync.toml");
    std::fs::write(&path, text).unwrap();
    let config = config::load_with(Some(&path), App::kinds(), &config::Environment::default())
        .unwrap_or_else(|e| panic!("{e:?}"));
    let app = Box::pin(App::open(&config, Access::Daemon, ambient.clone())).await.unwrap();
    // As a command does: the daemon hears of what others write.
    let beside = Box::pin(App::open(&config, Access::Command, ambient.clone())).await.unwrap();
    let store = beside.store().clone();
    let stop = CancellationToken::new();
    // The clock stands still until the daemon has begun, or a day would go by without it.
    let busy = ambient.clock().busy();
    let daemon = tokio::spawn(app.run(stop.clone()));
    while store.streams(Some(shop)).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(busy);
    // The first passes are done, and the buckets are full, when it is asked for.
    clock.run_until(start + DAY).await;
    let asked = clock.now();
    let wanted = SyncOptions { since: Some(start - SPAN - DAY * 31), ..SyncOptions::default() };
    let args = serde_json::to_value(&wanted).unwrap();
    let id = store.ask("sync", &args, "bench", asked).await.unwrap();
    // On this clock the daemon looks at what commands wrote every half minute, not every second: not counted.
    while !store.streams(Some(shop)).await.unwrap().iter().any(|row| row.stream.starts_with("backfill:")) {
        let now = clock.now();
        clock.run_until(now + Duration::from_secs(1)).await;
    }
    let (begun, before) = (clock.now(), world.counts());
    let finished = loop {
        if let Some(at) = store.request(&id).await.unwrap().unwrap().finished_at {
            break at;
        }
        let now = clock.now();
        clock.run_until(now + Duration::from_secs(60)).await;
    };
    let took = finished.since(begun);
    let calls = world.counts().into_iter().map(|(name, n)| {
        let earlier = before.get(&name).copied().unwrap_or_default();
        (name, n - earlier)
    });
    let calls = calls.collect();
    let stored: u64 =
        store.count_orders().await.unwrap().iter().filter(|c| c.shop == shop).map(|c| c.orders).sum();
    assert!(stored >= orders, "{shop}: {stored} of {orders} orders are there");
    stop.cancel();
    clock.drive(daemon).await.unwrap().unwrap();
    server.stop().await;
    Run { took, orders, calls, violations: world.rate_violations() }
}
