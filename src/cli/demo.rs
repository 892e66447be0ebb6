//! `mallsync demo`: one whole round with a simulated mall, cart, carrier and gateway in this process and a throw-away
//! database, told for a shop owner. No config, no network beyond loopback.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::context;
use super::failure::{Ended, Failure, Outcome};
use super::words;
use crate::app::{self, App, Progress, SyncOptions};
use crate::clock::{Ambient, Clock, ManualClock, SystemClock, Timestamp};
use crate::config::{self, Language};
use crate::domain::money::Yen;
use crate::domain::operation::State;
use crate::domain::order::Status;
use crate::domain::settlement::SettlementState;
use crate::domain::slip::RowOutcome;
use crate::sim::{self, Fault, Folders, Options, Rule, Server, World};
use crate::slips;
use crate::store::operations::OperationFilter;
use crate::store::slips::SlipImport;
use crate::store::{Access, Store};

/// Orders a day of each shop.
const PER_DAY: u64 = 60;
/// How long the shops have been open when the demo begins.
const HISTORY: Duration = Duration::from_secs(3 * 86_400);
/// What looks random in it.
const SEED: u64 = 17;

/// The command.
pub async fn run() -> Outcome {
    let language = context::language_of_people();
    let folder = tempfolder()?;
    let told = Box::pin(story(&folder, language)).await;
    if let Err(e) = std::fs::remove_dir_all(&folder) {
        context::note(&format!("{}: {e}", folder.display()));
    }
    told
}

/// A folder of our own that nobody else can look into.
fn tempfolder() -> Result<std::path::PathBuf, Failure> {
    use std::os::unix::fs::DirBuilderExt;
    let ambient = Ambient::new(Arc::new(SystemClock::default()));
    let folder = std::env::temp_dir().join(format!("mallsync-demo-{}", ambient.id()));
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

async fn story(folder: &Path, language: Language) -> Outcome {
    let tell = |text: words::Text, values: &[&dyn std::fmt::Display]| {
        use std::io::Write as _;
        writeln!(std::io::stdout().lock(), "{}", text.with(language, values))
    };
    let noon = SystemClock::default().now().jst_date();
    let clock = ManualClock::new(Timestamp::jst_midnight(noon) + Duration::from_secs(12 * 3_600));
    let ambient = Ambient::seeded(Arc::new(clock.clone()), SEED);
    let options = Options::per_day(SEED, Arc::new(clock.clone()), PER_DAY, HISTORY).with_all_malls();
    let world = World::new(options);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let server = Server::start(listener, Arc::clone(&world))?;
    let folders = Folders::below(folder);
    let app = open(folder, &folders, &world, server.addr(), &clock, &ambient).await?;

    tell(words::DEMO_BEGINS, &[])?;
    world.carrier_tick(&folders)?;
    pass(&app, &clock, false).await?;
    // A cart's file is read once it has stopped growing: seen twice, unchanged.
    clock.advance(Duration::from_secs(60));
    let read = pass(&app, &clock, false).await?;
    tell(words::DEMO_ORDERS, &[&read.orders])?;

    let outcomes = import(&app, &folders.slips).await?;
    let count = |outcome: RowOutcome| outcomes.get(&outcome).copied().unwrap_or(0);
    let asked = count(RowOutcome::Held) + count(RowOutcome::Waiting);
    tell(words::DEMO_SLIPS, &[&count(RowOutcome::Matched), &asked])?;

    world.add_fault(Rule {
        service: "webcollect".to_owned(),
        function: "shipmentEntry".to_owned(),
        calls: [3].into(),
        times: 1,
        fault: Fault::ResetAfterEffect,
        ..Rule::default()
    });
    let first = pass(&app, &clock, true).await?;
    tell(words::DEMO_CAPTURES, &[&first.sent])?;
    let unknown = in_state(app.store(), State::Unknown).await?;
    tell(words::DEMO_LOST, &[&unknown])?;
    clock.advance(Duration::from_secs(61));
    let second = pass(&app, &clock, true).await?;
    tell(words::DEMO_SETTLED, &[&second.sent])?;
    let good = summary(&app, &world, language).await?;
    server.stop().await;
    app.store().close().await;
    Ok(if good { Ended::Well } else { Ended::Badly })
}

async fn open(
    folder: &Path,
    folders: &Folders,
    world: &World,
    addr: std::net::SocketAddr,
    clock: &ManualClock,
    ambient: &Ambient,
) -> Result<App, Failure> {
    let triple = sim::ClockTriple { start: clock.now() - HISTORY, epoch: clock.now(), speed: 1 };
    let text = sim::config_toml(
        addr,
        world.options(),
        folders,
        &folder.join("mallsync.db"),
        triple,
        triple.start.jst_date(),
    );
    let text = text.replace("mode = \"dry-run\"", "mode = \"live\"");
    let path = folder.join("mallsync.toml");
    folders.prepare(world.options())?;
    std::fs::write(&path, text)?;
    let config = config::load_with(Some(&path), App::kinds(), &config::Environment::default())
        .map_err(Failure::Config)?;
    Ok(Box::pin(App::open(&config, Access::Daemon, ambient.clone())).await?)
}

/// What a pass did.
struct Done {
    orders: u64,
    sent: u64,
}

struct Silent;

impl Progress for Silent {
    fn page(&self, _: &str, _: &app::Done) {}
    fn wait(&self, _: &str, _: Timestamp) {}
    fn done(&self, _: &str) {}
}

async fn pass(app: &App, clock: &ManualClock, send: bool) -> Result<Done, Failure> {
    let options = SyncOptions { send, ..SyncOptions::default() };
    let stop = CancellationToken::new();
    let summary = Box::pin(clock.drive(app.sync(&options, &Silent, stop))).await?;
    if let Some(error) = summary.shops.iter().find_map(|shop| shop.error.as_deref()) {
        return Err(Failure::Failed(error.to_owned()));
    }
    let counts = app.store().count_orders().await?;
    Ok(Done { orders: counts.iter().map(|c| c.orders).sum(), sent: summary.sent })
}

async fn import(app: &App, folder: &Path) -> Result<BTreeMap<RowOutcome, u64>, Failure> {
    let mut outcomes = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let parsed =
            slips::parse(&name, &std::fs::read(&path)?).map_err(|e| Failure::Failed(e.to_string()))?;
        let import = SlipImport {
            file: name,
            digest: parsed.digest,
            rows: parsed.rows,
            verify_recipient: true,
            dry_run: false,
        };
        for report in app.store().import_slips(&import, "demo", &app.planning()).await? {
            *outcomes.entry(report.outcome).or_default() += 1;
        }
    }
    Ok(outcomes)
}

async fn in_state(store: &Store, state: State) -> Result<usize, Failure> {
    let filter = OperationFilter { state: Some(state), ..OperationFilter::default() };
    Ok(store.list_operations(&filter).await?.len())
}

/// What a shop owner wants to know at the end. `false` when the books do not balance.
async fn summary(app: &App, world: &World, language: Language) -> Result<bool, Failure> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let mut line = |text: words::Text, values: &[&dyn std::fmt::Display]| {
        writeln!(out, "{}", text.with(language, values))
    };
    let mut shops: BTreeMap<String, BTreeMap<Status, u64>> = BTreeMap::new();
    for count in app.store().count_orders().await? {
        shops.entry(count.shop).or_default().insert(count.status, count.orders);
    }
    line(words::DEMO_SUMMARY, &[])?;
    for (shop, statuses) in &shops {
        let all: u64 = statuses.values().sum();
        let parts: Vec<String> =
            statuses.iter().map(|(s, n)| format!("{} {n}", words::status(*s, language))).collect();
        line(words::DEMO_SHOP, &[shop, &all, &parts.join(" · ")])?;
    }
    let books = world.books();
    let registered: Yen = books.iter().filter(|b| b.effective_captures > 0).map(|b| Yen(b.amount)).sum();
    let twice = books.iter().filter(|b| b.captures > 1 || b.repeated_captures > 0).count();
    let sums = app.store().sum_settlements().await?;
    let ours: Yen =
        sums.iter().filter(|s| s.state.is_some_and(SettlementState::captured)).map(|s| s.yen).sum();
    let waiting: Yen =
        sums.iter().filter(|s| !s.state.is_some_and(SettlementState::captured)).map(|s| s.yen).sum();
    let lost = missing(app, world).await?;
    line(words::DEMO_YEN, &[&ours, &waiting])?;
    line(words::DEMO_BOOKS, &[&registered, &twice, &lost])?;
    let person = in_state(app.store(), State::NeedsPerson).await?;
    line(words::DEMO_PERSON, &[&person])?;
    line(words::DEMO_NEXT, &[])?;
    Ok(twice == 0 && lost == 0 && registered == ours)
}

/// Orders that a mall or the cart shows and that we do not have.
async fn missing(app: &App, world: &World) -> Result<u64, Failure> {
    let mut lost = 0;
    let counts = app.store().count_orders().await?;
    for shop in [sim::RAKUTEN_SHOP, sim::YAHOO_SHOP, sim::AUPAY_SHOP, sim::AMAZON_SHOP, sim::CART_SHOP] {
        let there = world.truth(shop).count() as u64;
        let here: u64 = counts.iter().filter(|c| c.shop == shop).map(|c| c.orders).sum();
        lost += there.saturating_sub(here);
    }
    Ok(lost)
}
