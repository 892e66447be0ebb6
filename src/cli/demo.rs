//! `mallsync demo`: one whole round with simulated malls, cart, carrier and gateway in this process and a throw-away
//! database, told for a shop owner, and what becomes of the sales afterwards. No config, no network beyond loopback.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::context;
use super::failure::{Ended, Failure, Outcome};
use super::words;
use crate::app::{self, App, Due, Progress, SyncOptions};
use crate::clock::{Ambient, Clock, ManualClock, SystemClock, Timestamp};
use crate::config::{self, Language};
use crate::domain::money::Yen;
use crate::domain::operation::State;
use crate::domain::settlement::{SettlementState, Wish};
use crate::domain::slip::RowOutcome;
use crate::sim::{self, Fault, Folders, Options, Rule, Server, World};
use crate::slips;
use crate::store::Access;
use crate::store::settlements::{SettlementFilter, SettlementRow};
use crate::store::slips::SlipImport;

/// Orders a day of each shop.
const PER_DAY: u64 = 60;
/// How long the shops have been open when the demo begins.
const HISTORY: Duration = Duration::from_secs(3 * 86_400);
/// What looks random in it.
const SEED: u64 = 17;
/// Yen that an order costs less after its sale was registered.
const LESS: i64 = 500;
/// Until an authorisation of 60 days draws to its end.
const WEEKS: Duration = Duration::from_secs(55 * 86_400);

mod summary;

use summary::Orders;

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
    let unknown = summary::of_state(&app, State::Unknown).await?.len();
    tell(words::DEMO_LOST, &[&unknown])?;
    clock.advance(Duration::from_secs(61));
    let second = pass(&app, &clock, true).await?;
    tell(words::DEMO_SETTLED, &[&second.sent])?;

    changes(&app, &world, &clock, &folders, &tell).await?;
    // Nobody looks at the malls for the weeks that follow.
    let orders = Orders::count(&app, &world).await?;
    renewals(&app, &clock, &tell).await?;
    let good = summary::write(&app, &world, &orders, language).await?;
    tell(if good { words::DEMO_NEXT } else { words::DEMO_WRONG }, &[])?;
    server.stop().await;
    app.store().close().await;
    Ok(if good { Ended::Well } else { Ended::Badly })
}

/// What becomes of sales after they were registered: another amount, a cancelled order, a parcel that cannot leave.
async fn changes(
    app: &App,
    world: &World,
    clock: &ManualClock,
    folders: &Folders,
    tell: &impl Fn(words::Text, &[&dyn std::fmt::Display]) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let [less, canceled, stays] = registered(app, world).await?;
    let slip = stays.slips.first().map(String::as_str).unwrap_or_default();
    let found = world.discount_cart(&less.mall_order_id, LESS) && world.cancel_cart(&canceled.mall_order_id);
    if !found {
        return Err(Failure::Failed("the simulated cart does not know its orders".to_owned()));
    }
    app.store().remove_slip(&stays.settlement.order_id, slip, "demo", &app.planning()).await?;
    world.carrier_tick(folders)?;
    pass(app, clock, false).await?;
    clock.advance(Duration::from_secs(60));
    let told = pass(app, clock, true).await?;
    let of = |row: &SettlementRow| row.mall_order_id.clone();
    tell(words::DEMO_CHANGES, &[&of(&less), &Yen(LESS), &of(&canceled), &of(&stays)])?;
    tell(words::DEMO_FOLLOWED, &[&told.sent])?;
    Ok(())
}

/// Three registered sales of the cart, each with one slip, whose orders stay as they are.
async fn registered(app: &App, world: &World) -> Result<[SettlementRow; 3], Failure> {
    let steady: BTreeSet<String> = world
        .truth(sim::CART_SHOP)
        .filter(|fact| fact.capturable && !fact.canceled && fact.due.is_some_and(|due| due > 2 * LESS))
        .map(|fact| fact.order_number)
        .collect();
    let filter = SettlementFilter { state: Some(SettlementState::Registered), ..SettlementFilter::default() };
    let rows = app.store().list_settlements(&filter).await?;
    let mut rows = rows.into_iter().filter(|row| row.slips.len() == 1 && steady.contains(&row.mall_order_id));
    match (rows.next(), rows.next(), rows.next()) {
        (Some(a), Some(b), Some(c)) => Ok([a, b, c]),
        _ => Err(Failure::Failed("fewer than three sales were registered".to_owned())),
    }
}

/// Weeks later: the authorisation of the parcel that did not leave draws to its end. One question, one answer.
async fn renewals(
    app: &App,
    clock: &ManualClock,
    tell: &impl Fn(words::Text, &[&dyn std::fmt::Display]) -> std::io::Result<()>,
) -> Result<(), Failure> {
    clock.advance(WEEKS);
    let due = Due::Contract(sim::SETTLEMENT.to_owned());
    let send = || app.send(&due, CancellationToken::new());
    Box::pin(clock.drive(send())).await?;
    let asked = app.store().renewals(sim::SETTLEMENT, clock.now().jst_date()).await?;
    let Some(asked) = asked else {
        return Err(Failure::Failed("no authorisation came near its end".to_owned()));
    };
    tell(words::DEMO_ASKED, &[&asked.authorizations, &asked.last])?;
    let filter = SettlementFilter { to_renew: true, ..SettlementFilter::default() };
    for row in app.store().list_settlements(&filter).await? {
        app.store().wish(&row.settlement.id, &Wish::Reauth, "demo", &app.planning(), false).await?;
    }
    let renewed = Box::pin(clock.drive(send())).await?;
    let state = Some(SettlementState::Authorized);
    let rows =
        app.store().list_settlements(&SettlementFilter { state, ..SettlementFilter::default() }).await?;
    let last = rows.iter().filter_map(|row| row.settlement.lapses_on).max();
    let last = last.map(|day| day.to_string()).unwrap_or_default();
    tell(words::DEMO_RENEWED, &[&renewed.sent, &last])?;
    Ok(())
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
    let mut text = text.replace("mode = \"dry-run\"", "mode = \"live\"");
    for rule in ["on_amount_change", "on_cancel"] {
        text = text.replace(&format!("{rule} = \"ask\""), &format!("{rule} = \"apply\""));
    }
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
