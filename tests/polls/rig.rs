//! A simulated mall and cart, and daemons that poll them, die and are followed by others, all on one manual clock.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use chrono::NaiveTime;
use futures_util::future::{BoxFuture, join_all};
use mallsync::clock::schedule::Schedule;
use mallsync::clock::{Ambient, Busy, Clock, ManualClock, Rest, Timestamp};
use mallsync::domain::account::{Expiry, Health};
use mallsync::domain::ids::OrderRef;
use mallsync::domain::money::Yen;
use mallsync::domain::planner::{
    CaptureOn, Contract, Delivery, MatchRule, Mode, OnChange, Parcels, Reauthorize, Reception, RegisteredBy,
};
use mallsync::engine::beat::Beat;
use mallsync::engine::chores::SyncOptions;
use mallsync::engine::limits::StoreGate;
use mallsync::engine::poll::{Pass, Shared, Shop};
use mallsync::engine::roster::Seat;
use mallsync::engine::unknown::Unknown;
use mallsync::engine::vault::StoreVault;
use mallsync::engine::{Nudge, chores};
use mallsync::http::{Call, Client, Fault};
use mallsync::malls::{Cursor, Details, MALLS, Mall, Page, Scope, Stream};
use mallsync::sim::{self, Folders, Options, Server, World};
use mallsync::store::orders::{OrderFilter, OrderView};
use mallsync::store::{Access, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::TestStore;

pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3_600);
/// Seconds between two looks of a daemon at what commands wrote. Once a second would be most of a test's work.
pub const LOOKS: u64 = 290;
pub const DAY: Duration = Duration::from_secs(86_400);

/// The test's clock as one side sees it.
#[derive(Debug)]
struct View {
    clock: ManualClock,
    /// It stands: the world can be held still while daemons go on.
    stopped: Mutex<Option<Timestamp>>,
    /// Simulated seconds per second of the machine: how far apart the looks of the chores are.
    speed: u32,
}

impl Clock for View {
    fn now(&self) -> Timestamp {
        self.stopped.lock().unwrap().unwrap_or_else(|| self.clock.now())
    }
    fn wall(&self) -> Timestamp {
        self.now()
    }
    fn of_wall(&self, d: Duration) -> Duration {
        d * self.speed
    }
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, Busy> {
        self.clock.sleep_until(at)
    }
    fn busy(&self) -> Busy {
        self.clock.busy()
    }
    fn rest(&self) -> Rest {
        self.clock.rest()
    }
}

/// A call that a connector was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: Timestamp,
    pub daemon: u64,
    pub shop: String,
    pub stream: Option<Stream>,
}

/// What happens to a shop's connector, and what was seen of it.
#[derive(Debug, Default)]
pub struct Watch {
    pub asked: Vec<Asked>,
    /// Shops with a call under way, by whom.
    inside: BTreeMap<String, u64>,
    /// Calls that began while another of the same shop was under way.
    pub overlaps: u64,
    /// Shops whose lists take so long before they answer.
    pub slow: BTreeMap<String, Duration>,
    /// Shops that never answer: the call ends with its deadline.
    pub stalled: BTreeSet<String>,
    /// Shops of which the numbers alone are read, not the orders.
    pub thin: BTreeMap<String, BTreeSet<String>>,
}

/// The real connector, watched.
struct Watched {
    inner: Box<dyn Mall>,
    watch: Arc<Mutex<Watch>>,
    daemon: u64,
}

struct Inside<'a> {
    watch: &'a Mutex<Watch>,
    shop: String,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.watch.lock().unwrap().inside.remove(&self.shop);
    }
}

impl Watch {
    /// Who has a call of this shop under way.
    pub fn inside(&self, shop: &str) -> Option<u64> {
        self.inside.get(shop).copied()
    }
}

impl Watched {
    fn enter(&self, call: &Call<'_>, stream: Option<Stream>) -> Inside<'_> {
        let mut watch = self.watch.lock().unwrap();
        let shop = call.account.to_owned();
        watch.asked.push(Asked { at: call.now(), daemon: self.daemon, shop: shop.clone(), stream });
        if watch.inside.insert(shop.clone(), self.daemon).is_some() {
            watch.overlaps += 1;
        }
        Inside { watch: &self.watch, shop }
    }

    async fn hold(&self, call: &Call<'_>, wait: Duration) {
        let _awake;
        let _rest = call.ambient.clock().rest();
        _awake = call.ambient.clock().sleep_until(call.now() + wait).await;
    }

    async fn obstacle(&self, call: &Call<'_>, list: bool) -> Result<(), Fault> {
        let (stalled, slow) = {
            let watch = self.watch.lock().unwrap();
            (watch.stalled.contains(call.account), watch.slow.get(call.account).copied())
        };
        if stalled {
            self.hold(call, MINUTE).await;
            return Err(Fault::Transient("nothing complete within 60000 ms".to_owned()));
        }
        if let Some(slow) = slow.filter(|_| list) {
            self.hold(call, slow).await;
        }
        Ok(())
    }
}

#[async_trait]
impl Mall for Watched {
    fn streams(&self) -> &'static [(Stream, Option<Duration>)] {
        self.inner.streams()
    }
    fn follows(&self) -> &'static [mallsync::malls::Tier] {
        self.inner.follows()
    }

    fn rereads(&self) -> bool {
        self.inner.rereads()
    }
    fn details_per_call(&self) -> usize {
        self.inner.details_per_call()
    }
    async fn changes(
        &self,
        call: &Call<'_>,
        stream: Stream,
        cursor: Option<&Cursor>,
        scope: &Scope,
    ) -> Result<Page, Fault> {
        let _inside = self.enter(call, Some(stream));
        self.obstacle(call, true).await?;
        self.inner.changes(call, stream, cursor, scope).await
    }
    async fn details(&self, call: &Call<'_>, refs: &[OrderRef]) -> Result<Details, Fault> {
        if let Some(read) = self.watch.lock().unwrap().thin.get_mut(call.account) {
            read.extend(refs.iter().map(|r| r.mall_order_id.clone()));
            return Ok(Details::default());
        }
        let _inside = self.enter(call, None);
        self.obstacle(call, false).await?;
        self.inner.details(call, refs).await
    }
    async fn check(&self, call: &Call<'_>, newest: Option<&OrderRef>) -> Result<Health, Fault> {
        self.inner.check(call, newest).await
    }
    async fn expiries(&self, call: &Call<'_>) -> Result<Vec<Expiry>, Fault> {
        self.inner.expiries(call).await
    }
}

/// Work that ends for good after it was polled so often, wherever it is: what a killed process looks like to the others.
struct Mortal<F> {
    work: Option<Pin<Box<F>>>,
    left: u64,
}

impl<F: Future<Output = ()>> Future for Mortal<F> {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.left == 0 {
            self.work = None;
        }
        self.left = self.left.saturating_sub(1);
        self.work.as_mut().map_or(Poll::Ready(()), |work| work.as_mut().poll(context))
    }
}

/// A process that polls.
pub struct Daemon {
    store: Store,
    stop: CancellationToken,
    task: JoinHandle<()>,
    clock: ManualClock,
}

impl Daemon {
    /// Whether it is dead.
    pub fn is_dead(&self) -> bool {
        self.task.is_finished()
    }

    /// Lets it finish what it is about.
    pub async fn stop(self) {
        self.stop.cancel();
        self.clock.drive(self.task).await.unwrap();
        self.store.close().await;
    }

    /// Ends it where it stands.
    pub async fn kill(self) {
        self.task.abort();
        // An abort is what was asked for; how the task took it says nothing.
        drop(self.task.await);
        self.store.close().await;
    }
}

/// A shop as the config would have it.
#[derive(Clone)]
pub struct Spec {
    pub name: String,
    pub mall: &'static str,
    pub section: Value,
    pub schedule: &'static str,
}

/// The world and a database.
pub struct Rig {
    pub db: TestStore,
    pub clock: ManualClock,
    /// Beside the daemons.
    pub store: Store,
    pub world: Arc<World>,
    world_clock: Arc<View>,
    server: Server,
    pub folders: Folders,
    pub specs: Vec<Spec>,
    pub contracts: Vec<Contract>,
    pub watch: Arc<Mutex<Watch>>,
    daemons: u64,
    _dir: TempDir,
}

impl Rig {
    /// A world made by `make`, whose Rakuten shops and cart are polled at `schedule`.
    pub async fn new(
        db: TestStore,
        seed: u64,
        schedule: &'static str,
        make: impl FnOnce(&mut Options),
    ) -> Self {
        let clock = db.clock.clone();
        let world_clock = Arc::new(View { clock: clock.clone(), stopped: Mutex::default(), speed: 1 });
        let shared: Arc<dyn Clock> = Arc::<View>::clone(&world_clock);
        let mut options = Options::per_day(seed, shared, 8, DAY * 3);
        options.cart.total = 0;
        make(&mut options);
        let world = World::new(options);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let server = Server::start(listener, Arc::clone(&world)).unwrap();
        let dir = TempDir::new().unwrap();
        let folders = Folders::below(dir.path());
        std::fs::create_dir_all(&folders.orders).unwrap();
        let mut specs: Vec<Spec> = world
            .options()
            .rakuten
            .iter()
            .map(|shop| Spec {
                name: shop.name.clone(),
                mall: "rakuten",
                section: json!({
                    "base_url": format!("http://{}/rakuten", server.addr()),
                    "service_secret": format!("plain:{}", shop.service_secret()),
                    "license_key": format!("plain:{}", shop.license_key()),
                    "license_key_next": format!("plain:{}", shop.license_key_next()),
                }),
                schedule,
            })
            .collect();
        if world.options().cart.total > 0 {
            let section = json!({ "directory": folders.orders, "profile": "eccube4" });
            specs.push(Spec { name: sim::CART_SHOP.to_owned(), mall: "csv", section, schedule });
        }
        // The daemons hold the lock of an SQLite database in turn.
        db.store.close().await;
        let store = db.another(Access::Command).await;
        Self {
            clock,
            store,
            world,
            world_clock,
            server,
            folders,
            specs,
            contracts: Vec::new(),
            watch: Arc::default(),
            daemons: 0,
            db,
            _dir: dir,
        }
    }

    /// Four malls with a shop each, polled at `schedule`.
    pub async fn four(
        db: TestStore,
        seed: u64,
        schedule: &'static str,
        make: impl FnOnce(&mut Options),
    ) -> Self {
        let mut rig = Self::new(db, seed, schedule, |options| {
            *options = options.clone().with_all_malls();
            make(options);
        })
        .await;
        let options = rig.world.options();
        rig.folders.prepare(options).unwrap();
        let triple = sim::ClockTriple { start: rig.clock.now(), epoch: rig.clock.now(), speed: 1 };
        let addr = rig.server.addr();
        let since = rig.clock.now().jst_date();
        let text = sim::config_toml(addr, options, &rig.folders, "unused.db".as_ref(), triple, since);
        let config: toml::Table = text.parse().unwrap();
        let mut specs = Vec::new();
        for (name, section) in config["shops"].as_table().unwrap() {
            let mut section = serde_json::to_value(section).unwrap();
            let keys = section.as_object_mut().unwrap();
            for key in ["enabled", "schedule"] {
                keys.remove(key);
            }
            let word = keys.remove("mall").unwrap();
            let mall = MALLS.iter().find(|m| word == m.name).unwrap().name;
            if mall != "csv" {
                specs.push(Spec { name: name.clone(), mall, section, schedule });
            }
        }
        rig.specs = specs;
        rig
    }

    /// What somebody sees who looks at the same malls for the first time, as they stand now: a backfill over `back` into
    /// a database of its own.
    pub async fn look_afresh(
        &self,
        db: TestStore,
        back: Duration,
    ) -> BTreeMap<String, BTreeMap<String, OrderView>> {
        // The calls of the one before count against the same quotas: an hour between them.
        self.run(HOUR).await;
        db.clock.set(self.now());
        let shared = Shared { store: db.store.clone(), ..self.shared(&db.store, &CancellationToken::new()) };
        let options = SyncOptions { since: Some(self.now() - back), ..SyncOptions::default() };
        for spec in &self.specs {
            let shop = self.shop(spec, 0);
            let work = async {
                let _busy = self.clock.busy();
                shop.prepare(&shared).await.unwrap();
                let streams = chores::begin(&shared, &shop, &options).await.unwrap();
                while !chores::finished(&shared, &shop, &streams).await {
                    let pass = shop.pass(&shared, &streams, false, &|_, _, _| {}).await;
                    assert_eq!(pass.error, None, "{}", spec.name);
                    let later = pass.waits_until.unwrap_or(self.now() + MINUTE);
                    let _rest = self.clock.rest();
                    drop(self.clock.sleep_until(later).await);
                }
            };
            self.clock.drive(work).await;
        }
        let mut all = BTreeMap::new();
        for spec in &self.specs {
            let filter = OrderFilter { shop: Some(spec.name.clone()), ..OrderFilter::default() };
            let orders = db.store.list_orders(&filter).await.unwrap();
            let by_number = orders.into_iter().map(|v| (v.order.mall_order_id.clone(), v)).collect();
            all.insert(spec.name.clone(), by_number);
        }
        db.store.close().await;
        all
    }

    /// Asks the daemon for a pass, as `mallsync sync` does.
    pub async fn ask(&self, options: &SyncOptions) {
        let args = serde_json::to_value(options).unwrap();
        self.store.ask("sync", &args, "test", self.now()).await.unwrap();
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets `time` pass.
    pub async fn run(&self, time: Duration) {
        self.clock.run_until(self.now() + time).await;
    }

    /// From now on nothing changes at mall and cart.
    pub fn hold_the_world_still(&self) {
        *self.world_clock.stopped.lock().unwrap() = Some(self.now());
    }

    /// A shop with a connector of its own.
    pub fn shop(&self, spec: &Spec, daemon: u64) -> Arc<Shop> {
        let mall = MALLS.iter().find(|m| m.name == spec.mall).unwrap();
        let built = (mall.build)(&spec.name, &spec.section).unwrap_or_else(|e| panic!("{e:?}"));
        let schedule = Schedule::parse(spec.schedule).unwrap();
        Arc::new(Shop {
            name: spec.name.clone(),
            mall_word: mall.name,
            mall: Box::new(Watched { inner: built.mall, watch: Arc::clone(&self.watch), daemon }),
            client: Client::new(&built.client).unwrap(),
            next_run: Arc::new(move |at| schedule.next_after(at)),
            scope: Scope { initial_lookback: DAY * 7 },
            unknown: Unknown::default(),
        })
    }

    /// What the loops of one process share.
    pub fn shared(&self, store: &Store, stop: &CancellationToken) -> Shared {
        let clock = View {
            clock: self.clock.clone(),
            stopped: Mutex::default(),
            speed: u32::try_from(LOOKS).unwrap(),
        };
        let ambient = Ambient::seeded(Arc::new(clock), self.daemons);
        Shared {
            store: store.clone(),
            gate: Arc::new(StoreGate::new(store.clone(), ambient.clone(), stop.clone())),
            vault: Arc::new(StoreVault::new(store.clone(), ambient.clone())),
            contracts: self.contracts.clone().into(),
            owner: ambient.id(),
            ambient,
            stop: stop.clone(),
            planned: Nudge::default(),
            beat: Beat::default(),
            vitals: Arc::default(),
        }
    }

    /// A daemon that lives on.
    pub async fn daemon(&mut self) -> Daemon {
        self.mortal(u64::MAX).await
    }

    /// A daemon that dies after `polls` turns of its work.
    pub async fn mortal(&mut self, polls: u64) -> Daemon {
        self.daemons += 1;
        let store = self.db.another(Access::Daemon).await;
        let stop = CancellationToken::new();
        let shared = self.shared(&store, &stop);
        let (mut seats, mut loops) = (Vec::new(), Vec::new());
        let shops: Vec<Arc<Shop>> = self.specs.iter().map(|spec| self.shop(spec, self.daemons)).collect();
        for shop in &shops {
            let (door, requests) = mpsc::channel(4);
            seats.push(Seat { shop: Arc::clone(shop), door });
            loops.push((Arc::clone(shop), requests));
        }
        let busy = self.clock.busy();
        let work = async move {
            chores::replan(&shared).await.unwrap();
            let chores = chores::run(shared.clone(), seats.into());
            let loops = join_all(loops.into_iter().map(|(shop, requests)| {
                let shared = shared.clone();
                async move { shop.run(&shared, requests).await }
            }));
            // From here on every loop holds a guard of its own.
            let begin = async { drop(busy) };
            tokio::join!(loops, chores, begin);
        };
        let task = tokio::spawn(Mortal { work: Some(Box::pin(work)), left: polls });
        Daemon { store, stop, task, clock: self.clock.clone() }
    }

    /// One pass over a shop, by a process of its own; `streams` alone when given, else all live ones.
    pub async fn pass(&mut self, spec: usize, streams: &[String]) -> Pass {
        self.pass_until(spec, streams, u64::MAX).await.unwrap()
    }

    /// Likewise, broken off after so many searches at the mall: then there is no outcome.
    pub async fn pass_until(&mut self, spec: usize, streams: &[String], searches: u64) -> Option<Pass> {
        self.daemons += 1;
        let store = self.db.another(Access::Daemon).await;
        let shop = self.shop(&self.specs[spec], self.daemons);
        let shared = self.shared(&store, &CancellationToken::new());
        let work = async {
            let _busy = self.clock.busy();
            if streams.is_empty() {
                shop.prepare(&shared).await.unwrap();
            }
            let mut pass = std::pin::pin!(shop.pass(&shared, streams, streams.is_empty(), &|_, _, _| {}));
            std::future::poll_fn(|context| match pass.as_mut().poll(context) {
                Poll::Ready(pass) => Poll::Ready(Some(pass)),
                Poll::Pending if self.calls("searchOrder") >= searches => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            })
            .await
        };
        let pass = self.clock.drive(work).await;
        store.close().await;
        pass
    }

    /// When a shop's lists were asked for, of streams that `wanted` names.
    pub fn asked(&self, shop: &str, wanted: impl Fn(Stream) -> bool) -> Vec<Timestamp> {
        let watch = self.watch.lock().unwrap();
        let of = watch.asked.iter().filter(|a| a.shop == shop && a.stream.is_some_and(&wanted));
        of.map(|a| a.at).collect()
    }

    /// Every order of a shop, by number.
    pub async fn orders(&self, shop: &str) -> BTreeMap<String, OrderView> {
        let filter = OrderFilter { shop: Some(shop.to_owned()), ..OrderFilter::default() };
        let all = self.store.list_orders(&filter).await.unwrap();
        all.into_iter().map(|view| (view.order.mall_order_id.clone(), view)).collect()
    }

    /// A stream's cursor.
    pub async fn cursor(&self, shop: &str, stream: &str) -> Option<Value> {
        let rows = self.store.streams(Some(shop)).await.unwrap();
        rows.into_iter().find(|row| row.stream == stream)?.cursor
    }

    /// How often a function of the mall was called.
    pub fn calls(&self, function: &str) -> u64 {
        self.world.counts().get(&format!("rakuten.{function}")).copied().unwrap_or_default()
    }

    pub async fn end(self) {
        self.store.close().await;
        self.server.stop().await;
    }
}

/// Orders of a shop as the simulator has them now, by number.
pub fn numbers(rig: &Rig, shop: &str) -> Vec<String> {
    rig.world.truth(shop).map(|fact| fact.order_number).collect()
}

/// A contract that would capture the shop's orders under their own numbers.
pub fn contract(shop: &str) -> Contract {
    Contract {
        name: sim::SETTLEMENT.to_owned(),
        mode: Mode::Live,
        since: Some(crate::support::start() - DAY * 40),
        registered_by: RegisteredBy::Mallsync,
        capture: CaptureOn::Slip,
        capture_time: NaiveTime::MIN,
        parcels: Parcels::First,
        delivery: Delivery::BySlip,
        on_amount_change: OnChange::Ask,
        on_cancel: OnChange::Ask,
        reauthorize: Reauthorize::Off,
        authorization_days: Some(60),
        amount_limit: Yen(1_000_000),
        max_per_hour: 1_000,
        max_yen_per_day: Yen(100_000_000),
        trader_code: None,
        rules: vec![MatchRule {
            shop: shop.to_owned(),
            mall_payment: vec!["*".to_owned()],
            except: Vec::new(),
            own_contract: true,
            reception: Reception::Template("{mall_order_id|tail:10}".to_owned()),
        }],
    }
}

/// How many seeds, from `MALLSYNC_SEEDS`; one when nobody says.
#[expect(clippy::disallowed_methods, reason = "how long the tests run is the environment's to say")]
pub fn seeds() -> std::ops::Range<u64> {
    let count = std::env::var("MALLSYNC_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    1..1 + count
}
