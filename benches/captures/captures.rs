//! The bench itself: the daemon, whole and in this process, on SQLite, and the simulated gateway beside it, both on the
//! machine's clock.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mallsync::app::App;
use mallsync::clock::{Ambient, Clock, SystemClock, Timestamp};
use mallsync::config::{self, Config};
use mallsync::domain::money::Yen;
use mallsync::domain::order::{
    Amounts, Carrier, CollectedBy, FulfilledBy, Notes, Order, Package, Party, Payment, PaymentMethod,
    PaymentStatus, Status,
};
use mallsync::domain::settlement::SettlementState;
use mallsync::domain::slip::SlipRow;
use mallsync::sim::{self, Catalogue, Fault, Options, Placement, Rule, Server, World};
use mallsync::store::Access;
use mallsync::store::orders::PageCommit;
use mallsync::store::ready::Preparer;
use mallsync::store::settlements::SettlementFilter;
use mallsync::store::slips::SlipImport;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Captures where the command line names no number.
const CAPTURES: u64 = 10_000;
/// The default of the config.
const IN_FLIGHT: u64 = 3;
/// Of the gateway.
const ANSWER: Duration = Duration::from_millis(50);
/// Orders a page of the cart, rows a slip file.
const PAGE: usize = 500;

/// `cargo bench --bench captures -- [CAPTURES [MAX_IN_FLIGHT]]`
#[tokio::main]
pub async fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let captures = numbers.first().copied().unwrap_or(CAPTURES);
    let in_flight = numbers.get(1).copied().unwrap_or(IN_FLIGHT).max(1);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let begin = clock.now();
    let world = gateway(captures, Arc::clone(&clock));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let server = Server::start(listener, Arc::clone(&world)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), &server, in_flight, begin);
    let ambient = Ambient::new(clock);
    fill(&config, &ambient, captures).await;

    let app = Box::pin(App::open(&config, Access::Daemon, ambient.clone())).await.unwrap();
    let stop = CancellationToken::new();
    let daemon = tokio::spawn(app.run(stop.clone()));
    world.until(|world| world.requests() > 0).await;
    let began = Instant::now();
    let (mut tenth, mut since) = (1, began);
    let count = |name: &str| world.counts().get(name).copied().unwrap_or_default();
    while tenth <= 10 {
        world.until(|_| count("webcollect.shipmentEntry") >= captures * tenth / 10).await;
        println!("    the {tenth}. tenth: {} ms", since.elapsed().as_millis());
        (tenth, since) = (tenth + 1, Instant::now());
    }
    // The last ones have been answered when their captures are stored.
    let beside = Box::pin(App::open(&config, Access::Read, ambient)).await.unwrap();
    while registered(&beside).await < captures {
        assert!(began.elapsed() < ANSWER * 20 * u32::try_from(captures).unwrap(), "captures are missing");
        tokio::task::yield_now().await;
    }
    let took = began.elapsed();
    stop.cancel();
    daemon.await.unwrap().unwrap();
    let books = world.books();
    assert_eq!(
        books.iter().filter(|book| book.captures == 1 && book.repeated() == 0).count() as u64,
        captures
    );
    let (looks, sends) = (count("webcollect.tradeInfo"), count("webcollect.shipmentEntry"));
    let least = ANSWER * u32::try_from(looks + sends).unwrap() / u32::try_from(in_flight).unwrap();
    let hundredths = took.as_micros() * 100 / least.as_micros().max(1);
    println!(
        "{captures} captures, {looks} look-ups, {in_flight} in flight: {} ms, least {} ms, ratio {}.{:02}; at most {} at a time",
        took.as_millis(),
        least.as_millis(),
        hundredths / 100,
        hundredths % 100,
        world.gateway_traffic().peak_in_flight
    );
    server.stop().await;
}

/// How many sales are shown as captured.
async fn registered(app: &App) -> u64 {
    let sums = app.store().sum_settlements().await.unwrap();
    sums.iter()
        .filter(|sum| sum.state.is_some_and(SettlementState::captured))
        .map(|sum| sum.settlements)
        .sum()
}

fn number(index: u64) -> String {
    format!("B-{index:06}")
}

/// A sound Yamato number.
fn yamato(serial: u64) -> String {
    let body = 41_000_000_000 + serial;
    format!("{body}{}", body % 7)
}

/// Sales that were authorised an hour ago; every answer takes its time.
fn gateway(sales: u64, clock: Arc<dyn Clock>) -> Arc<World> {
    let placed_at = clock.now() - Duration::from_secs(3_600);
    let mut options = Options::per_day(1, clock, 1, Duration::ZERO);
    options.rakuten.clear();
    options.cart = Catalogue { total: 0, ..options.cart };
    let world = World::new(options);
    for index in 0..sales {
        let placed = world.place(Placement {
            order_no: number(index),
            amount: 1_000,
            placed_at: Some(placed_at),
            ..Placement::default()
        });
        assert!(placed);
    }
    let millis = u64::try_from(ANSWER.as_millis()).unwrap();
    let (service, fault) = ("webcollect".to_owned(), Fault::Delay { millis });
    world.set_fault(Rule { service, fault, ..Rule::default() });
    world
}

fn config(dir: &Path, server: &Server, in_flight: u64, now: Timestamp) -> Config {
    let orders = dir.join("orders");
    fs::create_dir_all(&orders).unwrap();
    let text = format!(
        r#"
[database]
url = "sqlite:{database}"

[daemon]
listen = ""

[shops.{shop}]
mall = "csv"
enabled = true
schedule = "*/5 * * * *"
directory = {orders:?}
profile = "generic"

[settlements.{settlement}]
provider = "webcollect"
enabled = true
mode = "live"
since = "{since}"
authorization_days = 60
trader_code = "{trader}"
environment = "production"
base_url = "http://{addr}/webcollect/api/"
capture = "slip"
max_per_hour = 1000000
max_yen_per_day = 1000000000
max_in_flight = {in_flight}
max_per_second = 10000
maintenance = ""

[[settlements.{settlement}.match]]
shop = "{shop}"
mall_payment = ["*webコレクト*"]
reception_number = "{{mall_order_id}}"
"#,
        database = dir.join("mallsync.db").display(),
        shop = sim::CART_SHOP,
        orders = orders.to_str().unwrap(),
        settlement = sim::SETTLEMENT,
        since = (now - Duration::from_secs(86_400)).jst_date(),
        trader = sim::TRADER_CODE,
        addr = server.addr(),
    );
    let path = dir.join("mallsync.toml");
    fs::write(&path, text).unwrap();
    config::load_with(Some(&path), App::kinds(), &config::Environment::default())
        .unwrap_or_else(|e| panic!("{e:?}"))
}

/// Orders and their slips, as the cart's file and the carrier's leave them: every capture is planned, and due.
async fn fill(config: &Config, ambient: &Ambient, sales: u64) {
    let app = Box::pin(App::open(config, Access::Daemon, ambient.clone())).await.unwrap();
    let (store, now) = (app.store(), ambient.now());
    store.ensure_streams(sim::CART_SHOP, &["new"], now).await.unwrap();
    let until = now + Duration::from_secs(3_600);
    let lease = store.claim_shop(sim::CART_SHOP, "bench", now, until).await.unwrap().unwrap();
    let indexes: Vec<u64> = (0..sales).collect();
    let mut preparer = Preparer::default();
    for (page, indexes) in indexes.chunks(PAGE).enumerate() {
        let new = |index: &u64| preparer.order(order(&number(*index), now), Vec::new(), now).unwrap();
        let commit = PageCommit {
            mall: "csv".to_owned(),
            stream: "new".to_owned(),
            cursor_before: None,
            cursor_after: None,
            orders: indexes.iter().map(new).collect(),
            bad: Vec::new(),
        };
        store.commit_page(&lease, &commit, &app.planning()).await.unwrap();
        let import = SlipImport {
            file: format!("{page}.csv"),
            digest: format!("bench-{page}"),
            rows: indexes.iter().map(|index| slip(*index)).collect(),
            verify_recipient: false,
            dry_run: false,
        };
        store.import_slips(&import, "bench", &app.planning()).await.unwrap();
    }
    store.release_shop(&lease).await.unwrap();
    let rows = store.list_settlements(&SettlementFilter::default()).await.unwrap();
    assert_eq!(rows.len() as u64, sales, "every order has its settlement");
    store.close().await;
}

fn slip(index: u64) -> SlipRow {
    SlipRow {
        source: "bench".to_owned(),
        order_key: number(index),
        other_keys: Vec::new(),
        reception_numbers: Vec::new(),
        trader_code: None,
        number: yamato(index),
        carrier: Carrier::Yamato,
        kind: "0".to_owned(),
        ship_date: None,
        postal_code: None,
        package_id: None,
        b2_registers: None,
        by_number: false,
    }
}

fn order(number: &str, now: Timestamp) -> Order {
    let mut amounts = Amounts::none("JPY");
    amounts.due = Some(Yen(1_000));
    Order {
        mall_order_id: number.to_owned(),
        status: Status::AwaitingShipment,
        mall_status: "新規".to_owned(),
        pending_reason: None,
        fulfilled_by: FulfilledBy::Shop,
        ordered_at: now - Duration::from_secs(3_600),
        mall_updated_at: None,
        ship_by: None,
        payment: Payment {
            method: PaymentMethod::CreditCard,
            mall_method: Some("クロネコwebコレクト(カード)".to_owned()),
            status: PaymentStatus::Unknown,
            collected_by: CollectedBy::Shop,
        },
        amounts,
        taxes: Vec::new(),
        buyer: Party::default(),
        packages: vec![Package { package_id: "1".to_owned(), ..Package::default() }],
        notes: Notes::default(),
        flags: Vec::new(),
        reception_number: None,
        source_columns: BTreeMap::new(),
    }
}
