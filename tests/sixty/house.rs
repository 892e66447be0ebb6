//! A merchant's house: the daemon, whole and in this process, its config and database, the cart's folder, and the outside.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use mallsync::app::App;
use mallsync::clock::{Ambient, Busy, Clock, ManualClock, Rest, Timestamp};
use mallsync::config::{self, Config};
use mallsync::sim::{Catalogue, Folders, Options, World};
use mallsync::store::{Access, Store};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::outside::Outside;
use crate::settings;
use crate::story::Rules;
use crate::support::{self, start};

/// Seconds of simulated time between two looks of the daemon at what commands wrote: each second would be most of the work.
const LOOKS: u32 = 7_200;
/// Functions that change something at the gateway.
const CHANGES: [&str; 6] =
    ["creditCancel", "creditChangePrice", "reAuth", "shipmentEntry", "shipmentCancel", "changeDate"];

/// The manual clock, on which a second of the machine is [`LOOKS`], and rounds that come every hour are so many hours apart.
#[derive(Debug)]
struct Slow(ManualClock, u32);

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
    fn round(&self, every: Duration) -> Duration {
        every * self.1
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

/// What a house is made for.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    /// On PostgreSQL, or on SQLite.
    pub postgres: bool,
    /// Days of an authorisation.
    pub days: u32,
    /// Hours between two rounds of planning and of comparing all that is open.
    pub round: u32,
    /// `max_per_hour` of the contract whose rules do everything.
    pub max_per_hour: usize,
}

/// How the daemon dies.
#[derive(Clone, Copy, Debug)]
struct Doom {
    /// In this call that changes something, counted from the beginning of the world.
    call: u64,
    /// So many turns of the scheduler after it arrived.
    turns: u32,
}

/// Whether the daemon lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    Goes,
    /// Killed: everything that runs here is to be dropped.
    Lost,
}

/// Everything that is there.
pub struct House {
    pub plan: Plan,
    pub clock: ManualClock,
    pub world: Arc<World>,
    /// Beside the daemon, as commands are; none while there is no daemon.
    beside: Option<App>,
    url: String,
    outside: Outside,
    folders: Folders,
    daemon: Option<(CancellationToken, JoinHandle<()>)>,
    doom: Option<Doom>,
    starts: u64,
    files: u32,
    moves: u32,
    dir: TempDir,
}

impl House {
    pub async fn new(plan: Plan) -> Self {
        let clock = ManualClock::new(start());
        let mut options = Options::per_day(plan.seed, Arc::new(clock.clone()), 1, Duration::ZERO);
        options.rakuten.clear();
        options.cart = Catalogue { total: 0, ..options.cart };
        let world = World::new(options);
        world.switch(|switches| {
            switches.webcollect.auth_valid_days = u64::from(plan.days);
            // What must not be cancelled is not: the gateway would take it.
            switches.webcollect.cancel_settled = true;
            // Nor is anything captured whose authorisation is over.
            switches.webcollect.capture_lapsed = true;
        });
        let outside = Outside::of(&world);
        let dir = house_dir();
        let folders = Folders::below(dir.path());
        folders.prepare(world.options()).unwrap();
        let url = if plan.postgres {
            let db = support::stores().await.pop().unwrap();
            db.store.close().await;
            db.url
        } else {
            sqlite_url(dir.path())
        };
        Self {
            plan,
            clock,
            world,
            beside: None,
            url,
            outside,
            folders,
            daemon: None,
            doom: None,
            starts: 0,
            files: 0,
            moves: 0,
            dir,
        }
    }

    fn config(&self) -> Config {
        let path = self.dir.path().join("mallsync.toml");
        fs::write(&path, settings::text(&self.plan, &self.url, &self.folders, self.outside.addr)).unwrap();
        config::load_with(Some(&path), App::kinds(), &config::Environment::default())
            .unwrap_or_else(|e| panic!("{e:?}"))
    }

    fn ambient(&self, whose: u64) -> Ambient {
        let seed = self.plan.seed << 24 | self.starts << 4 | whose;
        Ambient::seeded(Arc::new(Slow(self.clock.clone(), self.plan.round)), seed)
    }

    /// The daemon is started, from its config and its database.
    pub async fn begin(&mut self) {
        self.starts += 1;
        // The clock stands still until it has begun.
        let _busy = self.clock.busy();
        let config = self.config();
        let app = Box::pin(App::open(&config, Access::Daemon, self.ambient(1))).await.unwrap();
        let (stop, vitals) = (CancellationToken::new(), app.vitals());
        let stopped = stop.clone();
        let run = Box::pin(app.run(stopped));
        let task = tokio::spawn(async move { run.await.unwrap() });
        while !vitals.ready() {
            assert!(!task.is_finished(), "the daemon did not start");
            tokio::task::yield_now().await;
        }
        self.daemon = Some((stop, task));
        self.beside = Some(Box::pin(App::open(&config, Access::Command, self.ambient(2))).await.unwrap());
    }

    /// The daemon is stopped in good order.
    pub async fn stop(&mut self) {
        if let Some(beside) = self.beside.take() {
            beside.store().close().await;
        }
        if let Some((stop, task)) = self.daemon.take() {
            stop.cancel();
            self.clock.drive(task).await.unwrap();
        }
    }

    /// The daemon is stopped and started.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.begin().await;
    }

    /// The daemon is stopped, and started with nothing but its config and its database: on SQLite elsewhere, from the one
    /// file; the files that were read before are gone.
    pub async fn remove(&mut self) {
        self.stop().await;
        for entry in fs::read_dir(&self.folders.orders).unwrap().filter_map(Result::ok) {
            if entry.path().is_dir() {
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
        if !self.plan.postgres {
            self.moves += 1;
            let home = self.dir.path().join(format!("moved-{}", self.moves));
            fs::create_dir(&home).unwrap();
            let from = self.url.trim_start_matches("sqlite:").to_owned();
            assert!(!Path::new(&format!("{from}-wal")).exists(), "a daemon that stopped leaves one file");
            fs::rename(from, home.join("mallsync.db")).unwrap();
            self.url = sqlite_url(&home);
        }
        self.begin().await;
    }

    /// The daemon is to die in one of its next calls that change something.
    pub fn doom(&mut self, calls: u64, turns: u32) {
        self.doom = Some(Doom { call: changes(&self.world) + calls, turns });
    }

    /// The daemon is gone, with everything that was in its memory: what ran here was dropped.
    pub fn bury(&mut self) {
        (self.daemon, self.beside, self.doom) = (None, None, None);
    }

    /// Lets time pass until `at`, or until the daemon dies.
    pub async fn run_until(&self, at: Timestamp) -> Life {
        let Some(Doom { call, turns }) = self.doom else {
            self.clock.run_until(at).await;
            return Life::Goes;
        };
        tokio::select! {
            biased;
            () = self.world.until(|world| changes(world) >= call) => {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                Life::Lost
            }
            () = self.clock.run_until(at) => Life::Goes,
        }
    }

    pub fn database(&self) -> &'static str {
        if self.plan.postgres { "postgres" } else { "sqlite" }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn beside(&self) -> &App {
        self.beside.as_ref().unwrap()
    }

    pub fn store(&self) -> &Store {
        self.beside().store()
    }

    /// The cart drops a file of an order: number, time, yen, the cart's word for where it stands.
    pub fn cart_file(&mut self, rules: Rules, number: &str, placed: Timestamp, due: i64, word: &str) {
        self.files += 1;
        let placed = placed.jst().format("%Y-%m-%d %H:%M:%S");
        let payment = rules.payment();
        let text = format!(
            "受注番号,受注日時,お客様名,決済方法,決済受付番号,ご請求金額,状態\r\n\
             {number},{placed},見本 太郎,{payment},,{due},{word}\r\n"
        );
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
}

/// Calls that would change something, so far.
fn changes(world: &World) -> u64 {
    let counts = world.counts();
    CHANGES.iter().filter_map(|name| counts.get(&format!("webcollect.{name}"))).sum()
}

fn sqlite_url(home: &Path) -> String {
    format!("sqlite:{}", home.join("mallsync.db").display())
}

/// In memory where the machine has such a place: nothing here outlives the machine, and each commit waits for the disk.
fn house_dir() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.unwrap()
}

/// Written to its end an hour ago by the clock of the house.
fn settle(path: &PathBuf, now: Timestamp) {
    let then = Duration::from_micros(u64::try_from(now.micros()).unwrap()) - Duration::from_secs(3_600);
    File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH + then).unwrap();
}
