//! A gateway, its books, a contract and orders with slips that are due; two workers on one database.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{NaiveDate, NaiveTime};
use futures_util::future::BoxFuture;
use mallsync::clock::schedule::Schedule;
use mallsync::clock::{Ambient, ManualClock, Timestamp};
use mallsync::domain::account::{Bucket, Health, WayOut};
use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Intent, State, Verdict};
use mallsync::domain::order::{
    Amounts, Carrier, CollectedBy, FulfilledBy, Notes, Order, Package, Party, Payment, PaymentMethod,
    PaymentStatus, Status,
};
use mallsync::domain::planner::{
    CaptureOn, Contract, Delivery, MatchRule, Mode, OnChange, Parcels, Reauthorize, Reception, RegisteredBy,
};
use mallsync::domain::settlement::Observed;
use mallsync::domain::slip::SlipRow;
use mallsync::engine::beat::Beat;
use mallsync::engine::effects::Account;
use mallsync::engine::limits::StoreGate;
use mallsync::engine::poll::Shared;
use mallsync::engine::{Nudge, chores};
use mallsync::http::{Call, Client, ClientSpec, Fault, SendError};
use mallsync::settlement::{
    Built, Function, LookFailed, Looked, Member, PROVIDERS, Permission, Sent, Settlement as Gateway,
    StoredCard,
};
use mallsync::sim::{self, Catalogue, Fact, Options, Placement, Server, World};
use mallsync::store::Planning;
use mallsync::store::operations::{Operation, OperationFilter};
use mallsync::store::orders::PageCommit;
use mallsync::store::ready::Preparer;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{TestStore, start};

/// Where a worker dies, once for each reception number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Crash {
    BeforeLook,
    AfterLook,
    BeforeSend,
    AfterSend,
    BeforeSettle,
    AfterSettle,
}

/// Reception numbers and where the worker that has them in hand dies.
pub type Crashes = Arc<Mutex<BTreeMap<String, Crash>>>;

/// What happens elsewhere while a worker has what it saw before sending in hand.
pub type Interlude = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// Interludes by reception number.
pub type Interludes = Arc<Mutex<BTreeMap<String, Interlude>>>;

/// The real connector, in a worker that dies where it is told to.
struct Mortal {
    inner: Box<dyn Gateway>,
    crashes: Crashes,
    interludes: Interludes,
    /// Reception numbers that a worker sent something for, whichever.
    sent: Arc<Mutex<BTreeSet<String>>>,
}

impl Mortal {
    fn die_at(&self, number: &str, points: &[Crash]) {
        let mut crashes = self.crashes.lock().unwrap();
        if crashes.get(number).is_some_and(|at| points.contains(at)) {
            let at = crashes.remove(number);
            drop(crashes);
            // The task is gone, its lease stays behind: what a killed process looks like to the others.
            resume_unwind(Box::new(at));
        }
    }

    fn was_sent(&self, number: &str) -> bool {
        self.sent.lock().unwrap().contains(number)
    }
}

#[async_trait]
impl Gateway for Mortal {
    fn can(&self) -> &'static [Function] {
        self.inner.can()
    }
    fn bucket(&self) -> Bucket {
        self.inner.bucket()
    }
    fn deadline(&self) -> Duration {
        self.inner.deadline()
    }
    fn check_locally(&self, intent: &Intent, now: Timestamp) -> Result<(), String> {
        self.inner.check_locally(intent, now)
    }
    fn allowed(&self, intent: &Intent, observed: &Observed) -> Permission {
        self.inner.allowed(intent, observed)
    }
    async fn send(&self, call: &Call<'_>, intent: &Intent) -> Result<Sent, SendError> {
        let number = intent.reception_number();
        self.die_at(number, &[Crash::BeforeSend]);
        let sent = self.inner.send(call, intent).await;
        self.sent.lock().unwrap().insert(number.to_owned());
        self.die_at(number, &[Crash::AfterSend]);
        sent
    }
    async fn look_up(&self, call: &Call<'_>, number: &str) -> Result<Looked, LookFailed> {
        let settling = self.was_sent(number);
        self.die_at(number, if settling { &[Crash::BeforeSettle] } else { &[Crash::BeforeLook] });
        let looked = self.inner.look_up(call, number).await;
        self.die_at(number, if settling { &[Crash::AfterSettle] } else { &[Crash::AfterLook] });
        let interlude = if settling { None } else { self.interludes.lock().unwrap().remove(number) };
        if let Some(interlude) = interlude {
            interlude().await;
        }
        looked
    }
    fn judge(&self, intent: &Intent, looked: &Looked, claimed: bool) -> Verdict {
        self.inner.judge(intent, looked, claimed)
    }
    fn judge_further(
        &self,
        intent: &Intent,
        looked: &Looked,
        claimed: bool,
        registered: &[String],
    ) -> Verdict {
        self.inner.judge_further(intent, looked, claimed, registered)
    }
    async fn stored_cards(&self, call: &Call<'_>, member: &Member) -> Result<Vec<StoredCard>, Fault> {
        self.inner.stored_cards(call, member).await
    }
    async fn check(&self, call: &Call<'_>, linked: Option<&str>) -> Result<Health, Fault> {
        self.inner.check(call, linked).await
    }
}

/// Everything a test needs.
pub struct Rig {
    pub db: TestStore,
    pub world: Arc<World>,
    pub server: Server,
    pub contract: Contract,
    /// As the config would say it.
    pub way_out: WayOut,
    pub crashes: Crashes,
    pub interludes: Interludes,
    sent: Arc<Mutex<BTreeSet<String>>>,
    /// Card orders that may be captured, in the order of the catalogue; reservations after them.
    pub orders: Vec<Fact>,
}

/// The planned ship date of reservations.
pub const RESERVED_FOR: &str = "2027-01-20";

pub fn contract() -> Contract {
    Contract {
        name: sim::SETTLEMENT.to_owned(),
        mode: Mode::Live,
        since: Some(start() - Duration::from_secs(40 * 86_400)),
        registered_by: RegisteredBy::Mallsync,
        capture: CaptureOn::Slip,
        capture_time: NaiveTime::MIN,
        parcels: Parcels::First,
        delivery: Delivery::BySlip,
        on_amount_change: OnChange::Ask,
        on_cancel: OnChange::Ask,
        reauthorize: Reauthorize::Off,
        authorization_days: Some(60),
        amount_limit: Yen(300_000),
        max_per_hour: 100_000,
        max_yen_per_day: Yen(1_000_000_000),
        trader_code: None,
        rules: vec![MatchRule {
            shop: sim::CART_SHOP.to_owned(),
            mall_payment: vec!["*webコレクト*".to_owned()],
            except: Vec::new(),
            own_contract: false,
            reception: Reception::Template("{mall_order_id}".to_owned()),
        }],
    }
}

/// A sound Yamato number.
pub fn yamato(serial: u64) -> String {
    let body = 41_000_000_000 + serial;
    format!("{body}{}", body % 7)
}

fn order(fact: &Fact) -> Order {
    let mut amounts = Amounts::none("JPY");
    amounts.due = fact.due.map(Yen);
    Order {
        mall_order_id: fact.order_number.clone(),
        status: Status::AwaitingShipment,
        mall_status: fact.status.clone(),
        pending_reason: None,
        fulfilled_by: FulfilledBy::Shop,
        ordered_at: fact.ordered_at,
        mall_updated_at: None,
        ship_by: None,
        payment: Payment {
            method: PaymentMethod::CreditCard,
            mall_method: Some(fact.payment.clone()),
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

impl Rig {
    /// A rig with `wanted` orders whose capture is due, on `db`.
    pub async fn new(db: TestStore, wanted: usize, contract: Contract) -> Self {
        let rig = Self::without_slips(db, wanted, 0, contract).await;
        for (i, fact) in rig.orders.iter().enumerate() {
            rig.slip(&fact.order_number, &yamato(i as u64)).await;
        }
        rig
    }

    /// A rig with `cards` orders that wait for their slips, and `reservations` whose money is held later, on `db`.
    pub async fn without_slips(db: TestStore, cards: usize, reservations: usize, contract: Contract) -> Self {
        let clock = Arc::new(db.clock.clone());
        let wanted = cards + reservations;
        let count = (wanted as u64 + 8) * 3;
        let mut options = Options::per_day(11, clock, 1, Duration::ZERO);
        options.cart = Catalogue::spread(start(), Duration::from_secs(20 * 86_400), count);
        options.rakuten.clear();
        options.oddities = false;
        let world = World::new(options);
        let server =
            Server::start(TcpListener::bind(("127.0.0.1", 0)).await.unwrap(), Arc::clone(&world)).unwrap();
        let mut orders: Vec<Fact> = world
            .truth(sim::CART_SHOP)
            .filter(|fact| fact.capturable && fact.due.is_some_and(|due| due > 0))
            .take(wanted)
            .collect();
        assert_eq!(orders.len(), wanted, "the catalogue has enough card orders");
        for (i, fact) in orders.iter_mut().skip(cards).enumerate() {
            fact.order_number = format!("RESERVED{i:05}");
            let placed = world.place(Placement {
                order_no: fact.order_number.clone(),
                amount: fact.due.unwrap(),
                scheduled_shipping_date: RESERVED_FOR.parse::<NaiveDate>().ok(),
                placed_at: Some(fact.ordered_at),
                ..Placement::default()
            });
            assert!(placed, "{}", fact.order_number);
        }
        let way_out = WayOut { registered: None, places: vec!["接続元グローバルIP".to_owned()] };
        let rig = Self {
            db,
            world,
            server,
            contract,
            way_out,
            crashes: Crashes::default(),
            interludes: Interludes::default(),
            sent: Arc::default(),
            orders,
        };
        rig.seed().await;
        rig
    }

    /// The orders, as a poll would leave them.
    async fn seed(&self) {
        let store = &self.db.store;
        store.ensure_streams(sim::CART_SHOP, &["new"], start()).await.unwrap();
        let lease = store
            .claim_shop(sim::CART_SHOP, "seed", start(), start() + Duration::from_secs(60))
            .await
            .unwrap();
        let lease = lease.expect("nobody else polls");
        let mut preparer = Preparer::default();
        let commit = PageCommit {
            mall: "csv".to_owned(),
            stream: "new".to_owned(),
            cursor_before: None,
            cursor_after: None,
            orders: self
                .orders
                .iter()
                .map(|f| preparer.order(order(f), Vec::new(), start()).unwrap())
                .collect(),
            bad: Vec::new(),
        };
        store.commit_page(&lease, &commit, &self.planning()).await.unwrap();
        store.release_shop(&lease).await.unwrap();
    }

    pub fn planning(&self) -> Planning<'_> {
        Planning { contracts: std::slice::from_ref(&self.contract), now: start() }
    }

    /// The cart shows an order again, as it is now.
    pub async fn read_again(&self, fact: &Fact) {
        let (store, now) = (&self.db.store, now(&self.db));
        let until = now + Duration::from_secs(60);
        let lease = store.claim_shop(sim::CART_SHOP, "again", now, until).await.unwrap();
        let lease = lease.expect("nobody else polls");
        let commit = PageCommit {
            mall: "csv".to_owned(),
            stream: "new".to_owned(),
            cursor_before: None,
            cursor_after: None,
            orders: vec![Preparer::default().order(order(fact), Vec::new(), now).unwrap()],
            bad: Vec::new(),
        };
        store.commit_page(&lease, &commit, &Planning { now, ..self.planning() }).await.unwrap();
        store.release_shop(&lease).await.unwrap();
    }

    /// A person adds a slip of Yamato's.
    pub async fn slip(&self, number: &str, slip: &str) {
        self.slip_of(number, slip, Carrier::Yamato).await;
    }

    /// A person adds a slip.
    pub async fn slip_of(&self, number: &str, slip: &str, carrier: Carrier) {
        let found = self.db.store.find_orders(number).await.unwrap();
        let row = SlipRow {
            source: "person:test".to_owned(),
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
        };
        self.db.store.add_slip(&found[0].id, &row, "test", &self.planning()).await.unwrap();
    }

    /// A worker of its own: account, shared state, owner.
    pub fn worker(&self, stop: &CancellationToken) -> (Arc<Account>, Shared) {
        let section = json!({
            "trader_code": sim::TRADER_CODE,
            "environment": "production",
            "base_url": format!("http://{}/webcollect/api/", self.server.addr()),
            "common": { "amount_limit": 300_000, "max_per_second": 500, "call_seconds": 1 },
        });
        let provider = PROVIDERS.iter().find(|p| p.name == "webcollect").unwrap();
        let Built { settlement, client, .. } =
            (provider.build)(sim::SETTLEMENT, &section).unwrap_or_else(|e| panic!("{e:?}"));
        let gateway = Mortal {
            inner: settlement,
            crashes: Arc::clone(&self.crashes),
            interludes: Arc::clone(&self.interludes),
            sent: Arc::clone(&self.sent),
        };
        let account = Account {
            contract: self.contract.clone(),
            gateway: Box::new(gateway),
            client: Client::new(&ClientSpec { base_url: client.base_url, ..ClientSpec::default() }).unwrap(),
            window: None,
            max_in_flight: 3,
            calls: Arc::new(Semaphore::new(3)),
            schedule: Schedule::parse("0 6 * * *").unwrap(),
            way_out: self.way_out.clone(),
        };
        let ambient = Ambient::new(Arc::new(self.db.clock.clone()));
        let shared = Shared {
            store: self.db.store.clone(),
            gate: Arc::new(StoreGate::new(self.db.store.clone(), ambient.clone(), stop.clone())),
            vault: Arc::new(mallsync::http::vault::Fleeting::default()),
            contracts: vec![self.contract.clone()].into(),
            owner: ambient.id(),
            ambient,
            stop: stop.clone(),
            planned: Nudge::default(),
            beat: Beat::default(),
            vitals: Arc::default(),
        };
        (Arc::new(account), shared)
    }

    /// Two workers and the daemon's chores for `time`.
    pub async fn run(&self, time: Duration) {
        self.crew(2, time).await;
    }

    /// So many workers and the daemon's chores for `time`.
    pub async fn crew(&self, workers: usize, time: Duration) {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        self.sent.lock().unwrap().clear();
        for _ in 0..workers {
            let (account, shared) = self.worker(&stop);
            tasks.spawn(chores::run(shared.clone(), Vec::new().into()));
            tasks.spawn(account.run(shared));
        }
        let clock: &ManualClock = &self.db.clock;
        let end = mallsync::clock::Clock::now(clock) + time;
        clock.run_until(end).await;
        stop.cancel();
        while tasks.join_next().await.is_some() {}
    }

    pub async fn operations(&self) -> Vec<Operation> {
        let all = self.db.store.list_operations(&OperationFilter::default()).await.unwrap();
        all.into_iter().map(|row| row.operation).collect()
    }

    /// State and reason of the operation of each reception number.
    pub async fn states(&self) -> BTreeMap<String, (State, String)> {
        self.operations()
            .await
            .into_iter()
            .map(|op| {
                let why = format!(
                    "{} {}",
                    op.progress.code.unwrap_or_default(),
                    op.progress.reason.unwrap_or_default()
                );
                (op.intent.reception_number().to_owned(), (op.progress.state, why))
            })
            .collect()
    }
}

/// Now, as a test clock shows it.
pub fn now(db: &TestStore) -> Timestamp {
    mallsync::clock::Clock::now(&db.clock)
}
