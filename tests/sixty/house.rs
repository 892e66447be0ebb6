//! A merchant's house: the daemon, whole and in this process, its config and database, the cart's folder, and the outside.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use mallsync::app::App;
use mallsync::clock::{Ambient, Busy, Clock, ManualClock, Rest, Timestamp};
use mallsync::config::{self, Config};
use mallsync::sim::{self, Catalogue, Folders, Options, Server, World};
use mallsync::store::{Access, Store};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{self, start};

/// Seconds of simulated time between two looks of the daemon at what commands wrote: each second would be most of the work.
const LOOKS: u32 = 7_200;

/// The manual clock, on which a second of the machine is [`LOOKS`].
#[derive(Debug)]
struct Slow(ManualClock);

impl Clock for Slow {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
    fn wall(&self) -> Timestamp {
        self.0.wall()
    }
    fn of_wall(&self, d: Duration) -> Duration {
        d * LOOKS
    }
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, Busy> {
        self.0.sleep_until(at)
    }
    fn busy(&self) -> Busy {
        self.0.busy()
    }
    fn rest(&self) -> Rest {
        self.0.rest()
    }
}

/// Everything that is there.
pub struct House {
    pub database: &'static str,
    pub clock: ManualClock,
    pub world: Arc<World>,
    /// Beside the daemon, as commands are.
    pub beside: App,
    config: Config,
    server: Server,
    folders: Folders,
    daemon: Option<(CancellationToken, JoinHandle<()>)>,
    restarts: u64,
    files: u32,
    _dir: TempDir,
}

impl House {
    /// A house whose authorisations last `days` days, on SQLite or PostgreSQL.
    pub async fn new(seed: u64, postgres: bool, days: u32) -> Self {
        let clock = ManualClock::new(start());
        let mut options = Options::per_day(seed, Arc::new(clock.clone()), 1, Duration::ZERO);
        options.rakuten.clear();
        options.cart = Catalogue { total: 0, ..options.cart };
        let world = World::new(options);
        world.switch(|switches| {
            switches.webcollect.auth_valid_days = u64::from(days);
            // What must not be cancelled is not: the gateway would take it.
            switches.webcollect.cancel_settled = true;
            // Nor is anything captured whose authorisation is over.
            switches.webcollect.capture_lapsed = true;
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let server = Server::start(listener, Arc::clone(&world)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders::below(dir.path());
        folders.prepare(world.options()).unwrap();
        let url = if postgres {
            let db = support::stores().await.pop().unwrap();
            db.store.close().await;
            db.url
        } else {
            format!("sqlite:{}", dir.path().join("mallsync.db").display())
        };
        let path = dir.path().join("mallsync.toml");
        fs::write(&path, text(&url, &folders, &server, days)).unwrap();
        let config = config::load_with(Some(&path), App::kinds(), &config::Environment::default())
            .unwrap_or_else(|e| panic!("{e:?}"));
        let ambient = Ambient::seeded(Arc::new(Slow(clock.clone())), seed);
        // The daemon's to make.
        let store = Store::open(&url, None, Access::Daemon, &ambient).await.unwrap();
        store.close().await;
        let beside = Box::pin(App::open(&config, Access::Command, ambient)).await.unwrap();
        let database = if postgres { "postgres" } else { "sqlite" };
        let mut house = Self {
            database,
            clock,
            world,
            beside,
            config,
            server,
            folders,
            daemon: None,
            restarts: 0,
            files: 0,
            _dir: dir,
        };
        house.begin(seed).await;
        house
    }

    async fn begin(&mut self, seed: u64) {
        self.restarts += 1;
        let ambient = Ambient::seeded(Arc::new(Slow(self.clock.clone())), seed << 16 | self.restarts);
        let app = Box::pin(App::open(&self.config, Access::Daemon, ambient)).await.unwrap();
        let (stop, vitals) = (CancellationToken::new(), app.vitals());
        // The clock stands still until it has begun.
        let _busy = self.clock.busy();
        let stopped = stop.clone();
        let run = Box::pin(app.run(stopped));
        let task = tokio::spawn(async move { run.await.unwrap() });
        while !vitals.ready() {
            assert!(!task.is_finished(), "the daemon did not start");
            tokio::task::yield_now().await;
        }
        self.daemon = Some((stop, task));
    }

    async fn stop(&mut self) {
        if let Some((stop, task)) = self.daemon.take() {
            stop.cancel();
            self.clock.drive(task).await.unwrap();
        }
    }

    /// The daemon is stopped and started.
    pub async fn restart(&mut self, seed: u64) {
        self.stop().await;
        self.begin(seed).await;
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn store(&self) -> &Store {
        self.beside.store()
    }

    /// The cart drops a file of these orders: number, time, yen, the cart's word for where it stands.
    pub fn cart_file(&mut self, rows: &[(String, Timestamp, i64, &str)]) {
        if rows.is_empty() {
            return;
        }
        self.files += 1;
        let mut text = "受注番号,受注日時,お客様名,決済方法,決済受付番号,ご請求金額,状態\r\n".to_owned();
        for (number, placed, due, word) in rows {
            let placed = placed.jst().format("%Y-%m-%d %H:%M:%S");
            text += &format!("{number},{placed},見本 太郎,クロネコwebコレクト(カード),,{due},{word}\r\n");
        }
        let path = self.folders.orders.join(format!("orders-{:06}.csv", self.files));
        fs::write(&path, text).unwrap();
        settle(&path, self.now());
    }

    /// Cart files that the daemon has yet to read.
    pub fn unread(&self) -> bool {
        let files = fs::read_dir(&self.folders.orders).unwrap();
        files.filter_map(Result::ok).any(|entry| entry.path().is_file())
    }

    /// The carrier scans what was registered a day ago, the gateway's night settles what others carry.
    pub fn scan(&self) {
        self.world.carrier_tick(&self.folders).unwrap();
    }

    pub async fn end(mut self) {
        self.stop().await;
        self.beside.store().close().await;
        self.server.stop().await;
    }
}

/// Written to its end an hour ago by the clock of the house.
fn settle(path: &PathBuf, now: Timestamp) {
    let then = Duration::from_micros(u64::try_from(now.micros()).unwrap()) - Duration::from_secs(3_600);
    File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH + then).unwrap();
}

fn text(url: &str, folders: &Folders, server: &Server, days: u32) -> String {
    format!(
        r#"
[database]
url = {url:?}

[daemon]
listen = ""

[shops.{shop}]
mall = "csv"
enabled = true
schedule = "5 */2 * * *"
directory = {orders:?}
profile = "generic"

[settlements.{settlement}]
provider = "webcollect"
enabled = true
mode = "live"
since = "2026-11-01"
authorization_days = {days}
trader_code = "{trader}"
environment = "production"
base_url = "http://{addr}/webcollect/api/"
capture = "slip"
on_amount_change = "apply"
on_cancel = "apply"
reauthorize = "auto"
max_per_hour = 100000
max_yen_per_day = 1000000000
max_in_flight = 3
max_per_second = 20
maintenance = "23:00-01:00"

[[settlements.{settlement}.match]]
shop = "{shop}"
mall_payment = ["*webコレクト*"]
reception_number = "{{mall_order_id}}"
"#,
        shop = sim::CART_SHOP,
        settlement = sim::SETTLEMENT,
        trader = sim::TRADER_CODE,
        orders = folders.orders.to_str().unwrap(),
        addr = server.addr(),
    )
}
