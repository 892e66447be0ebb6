//! Puts config, store, shops and settlements together; start, drain, one pass, `check`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::{Ambient, Timestamp};
use crate::config::{self, Config};
use crate::domain::account::{Level, Problem};
use crate::domain::money::Yen;
use crate::domain::planner::{
    CaptureOn, Contract, Delivery, MatchRule, Mode, Parcels, Reception, RegisteredBy,
};
use crate::engine::chores::{self, ShopPass};
pub use crate::engine::chores::{SyncOptions, SyncSummary};
use crate::engine::effects::Account;
use crate::engine::limits::StoreGate;
use crate::engine::poll::{self, Shared, Shop};
use crate::engine::{Nudge, guard};
use crate::http::{Call, Client};
use crate::malls::{self, Scope};
use crate::settlement;
use crate::store::{Access, Planning, Store, StoreError};

mod check;

pub use check::CheckRow;

/// After a stop, what is in flight may take so long: the longest deadline and a margin.
const DRAIN: Duration = Duration::from_secs(75);

/// [`crate::store::accounts::Account::stopped_code`] of a section that cannot be used.
const BROKEN: &str = "config";

/// What keeps the program from doing its work.
#[derive(Debug, Error)]
pub enum AppError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A part of the config that only shows when it is used.
    #[error("{0}")]
    Config(String),
    /// What was asked for does not exist; the text says what to do.
    #[error("{0}")]
    NotFound(String),
}

/// Told of long work, for progress bars.
pub trait Progress: Send + Sync {
    /// A page was stored.
    fn page(&self, shop: &str, orders: u64, pages: u64, of: Option<(u64, u64)>);
    /// A quota imposes a wait.
    fn wait(&self, shop: &str, until: Timestamp);
    /// The shop is done.
    fn done(&self, shop: &str);
}

/// A shop or settlement that cannot be used until somebody mends its section.
#[derive(Clone, Debug)]
pub struct Broken {
    /// `shops.rakuten-main`.
    pub subject: String,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Config, database, and the rules that follow from the config.
pub struct App {
    config: Config,
    store: Store,
    ambient: Ambient,
    contracts: Arc<[Contract]>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("shops", &self.config.shops.len()).finish_non_exhaustive()
    }
}

/// The connectors in force.
#[derive(Debug, Default)]
pub struct Connected {
    /// Shops that can be polled.
    pub shops: Vec<Arc<Shop>>,
    /// Settlements that can be used.
    pub accounts: Vec<Arc<Account>>,
    /// Sections that cannot be used.
    pub broken: Vec<Broken>,
    /// Secrets given inline or by environment.
    pub warnings: Vec<Broken>,
}

impl App {
    /// What malls and gateways say of their sections, for `config`.
    #[must_use]
    pub fn kinds() -> config::Kinds<'static> {
        const MALLS: &[config::Kind] = &check::mall_kinds();
        const PROVIDERS: &[config::Kind] = &check::provider_kinds();
        config::Kinds { malls: MALLS, providers: PROVIDERS }
    }

    /// Opens the database as `access` says.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn open(config: &Config, access: Access, ambient: Ambient) -> Result<Self, AppError> {
        let password = match &config.database.password {
            Some(place) => {
                Some(place.resolve().map_err(|e| AppError::Config(format!("database.password: {e}")))?)
            }
            None => None,
        };
        let store = Store::open(&config.database.url, password.as_ref(), access, &ambient).await?;
        let contracts =
            config.settlements.iter().filter(|s| s.enabled).map(contract).collect::<Result<_, _>>()?;
        Ok(Self { config: config.clone(), store, ambient, contracts })
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The config in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The clock and randomness.
    #[must_use]
    pub fn ambient(&self) -> &Ambient {
        &self.ambient
    }

    /// Rules of the settlements in force.
    #[must_use]
    pub fn contracts(&self) -> &[Contract] {
        &self.contracts
    }

    /// What planning needs, now.
    #[must_use]
    pub fn planning(&self) -> Planning<'_> {
        Planning { contracts: &self.contracts, now: self.ambient.now() }
    }

    /// Reads secrets and builds the connectors of everything enabled. What cannot be built is told, and stops itself
    /// alone.
    #[must_use]
    pub fn connect(&self) -> Connected {
        let mut all = Connected::default();
        for section in self.config.shops.iter().filter(|s| s.enabled) {
            let subject = format!("shops.{}", section.name);
            match shop(section) {
                Ok((shop, warnings)) => {
                    all.shops.push(Arc::new(shop));
                    all.warnings
                        .extend((!warnings.is_empty()).then_some(Broken { subject, problems: warnings }));
                }
                Err(problems) => all.broken.push(Broken { subject, problems }),
            }
        }
        for section in self.config.settlements.iter().filter(|s| s.enabled) {
            let subject = format!("settlements.{}", section.name);
            let Some(contract) = self.contracts.iter().find(|c| c.name == section.name) else { continue };
            match account(section, contract) {
                Ok((account, warnings)) => {
                    all.accounts.push(Arc::new(account));
                    all.warnings
                        .extend((!warnings.is_empty()).then_some(Broken { subject, problems: warnings }));
                }
                Err(problems) => all.broken.push(Broken { subject, problems }),
            }
        }
        all
    }

    /// What loops share.
    fn shared(&self, stop: CancellationToken) -> Shared {
        Shared {
            store: self.store.clone(),
            ambient: self.ambient.clone(),
            gate: Arc::new(StoreGate::new(self.store.clone(), self.ambient.clone(), stop.clone())),
            contracts: Arc::clone(&self.contracts),
            owner: self.ambient.id(),
            stop,
            planned: Nudge::default(),
        }
    }

    /// The daemon: polls and sends until `stop`, then finishes what is in flight within a bound and sends nothing new.
    ///
    /// # Errors
    /// [`AppError`] at the start; later faults are logged and tried again.
    pub async fn run(self, stop: CancellationToken) -> Result<(), AppError> {
        let connected = self.connect();
        for broken in &connected.broken {
            for problem in &broken.problems {
                tracing::error!(section = %broken.subject, key = %problem.key, error.message = %problem.message,
                    "A section cannot be used; the others go on.");
            }
        }
        self.note_broken(&connected).await?;
        let shared = self.shared(stop.clone());
        chores::replan(&shared).await?;
        let mut loops = JoinSet::new();
        let mut doors = BTreeMap::new();
        for shop in &connected.shops {
            let (door, requests) = mpsc::channel(16);
            doors.insert(shop.name.clone(), door);
            let (shop, shared) = (Arc::clone(shop), shared.clone());
            loops.spawn(async move { shop.run(&shared, requests).await });
        }
        for account in &connected.accounts {
            loops.spawn(Arc::clone(account).run(shared.clone()));
        }
        loops.spawn(chores::run(shared.clone(), connected.shops.clone(), doors));
        tracing::info!(
            shops = connected.shops.len(),
            settlements = connected.accounts.len(),
            broken = connected.broken.len(),
            "mallsync started."
        );
        stop.cancelled().await;
        tracing::info!("Stopping: finishing what is in flight.");
        let drained = async { while loops.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("Something in flight did not end in time; the next start looks it up.");
            loops.abort_all();
        }
        self.store.close().await;
        tracing::info!("mallsync stopped.");
        Ok(())
    }

    /// Keeps in the accounts' rows which sections cannot be used, so that `status` tells it; a section that was mended
    /// works again.
    async fn note_broken(&self, connected: &Connected) -> Result<(), AppError> {
        let shops = self.config.shops.iter().filter(|s| s.enabled).map(|s| ("shops", &s.name));
        let settlements = self.config.settlements.iter().filter(|s| s.enabled);
        for (table, name) in shops.chain(settlements.map(|s| ("settlements", &s.name))) {
            let subject = format!("{table}.{name}");
            let problem =
                connected.broken.iter().find(|b| b.subject == subject).and_then(|b| b.problems.first());
            let mut row = self.store.account(name).await?;
            let code = row.stopped_code.as_deref();
            match problem {
                Some(problem) => {
                    row.stopped_at = row.stopped_at.filter(|_| code == Some(BROKEN)).or(Some(self.ambient.now()));
                    row.stopped_code = Some(BROKEN.to_owned());
                    row.stopped_reason = Some(format!("{subject}.{}: {}", problem.key, problem.message));
                    row.probe_at = None;
                }
                None if code == Some(BROKEN) => {
                    (row.stopped_code, row.stopped_reason, row.stopped_at) = (None, None, None);
                }
                None => continue,
            }
            self.store.put_account(&row).await?;
        }
        Ok(())
    }

    /// One pass over the shops, here and now; a backfill with `since`; `send` adds the operations that are due.
    ///
    /// # Errors
    /// [`AppError`] when a shop is not known or the database fails at the start.
    pub async fn sync(
        &self,
        options: &SyncOptions,
        progress: &dyn Progress,
        stop: CancellationToken,
    ) -> Result<SyncSummary, AppError> {
        let connected = self.connect();
        for name in &options.shops {
            if !connected.shops.iter().any(|s| s.name == *name) {
                let known = self.config.shops.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
                let why = connected
                    .broken
                    .iter()
                    .find(|b| b.subject == format!("shops.{name}"))
                    .and_then(|b| b.problems.first())
                    .map_or_else(
                        || format!("no enabled shop {name:?}; known: {known}"),
                        |p| format!("shops.{name}.{}: {}", p.key, p.message),
                    );
                return Err(AppError::NotFound(why));
            }
        }
        let shared = self.shared(stop);
        let mut summary = SyncSummary::default();
        for broken in connected.broken.iter().filter(|b| b.subject.starts_with("shops.")) {
            let name = broken.subject.trim_start_matches("shops.");
            if options.shops.is_empty() || options.shops.iter().any(|s| s == name) {
                let error = broken.problems.first().map(|p| format!("config: {}: {}", p.key, p.message));
                summary.shops.push(ShopPass { shop: name.to_owned(), error, ..ShopPass::default() });
            }
        }
        let wanted = connected
            .shops
            .iter()
            .filter(|shop| options.shops.is_empty() || options.shops.contains(&shop.name));
        let passes = wanted.map(|shop| self.sync_shop(&shared, shop, options, progress));
        for pass in futures_util::future::join_all(passes).await {
            summary.shops.push(pass?);
        }
        if options.send {
            chores::replan(&shared).await?;
            for account in &connected.accounts {
                let drained = Arc::clone(account).drain(&shared).await?;
                summary.sent += drained.done;
                summary.failed += drained.failed;
            }
        }
        Ok(summary)
    }

    async fn sync_shop(
        &self,
        shared: &Shared,
        shop: &Shop,
        options: &SyncOptions,
        progress: &dyn Progress,
    ) -> Result<ShopPass, StoreError> {
        let _busy = self.ambient.clock().busy();
        shop.prepare(shared).await?;
        let streams = chores::begin(shared, shop, options).await?;
        let mut all = ShopPass { shop: shop.name.clone(), ..ShopPass::default() };
        let count = std::sync::Mutex::new((0_u64, 0_u64));
        let on_page = |stream: &str, page: &crate::store::orders::PageResult, of: Option<(u64, u64)>| {
            let mut count = count.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            count.0 += page.new + page.changed + page.unchanged;
            count.1 += 1;
            progress.page(&shop.name, count.0, count.1, of.filter(|_| stream != poll::OPEN));
        };
        loop {
            let pass = shop.pass(shared, &streams, true, &on_page).await;
            all.add(&pass);
            if let Some(until) = pass.error.as_deref().and_then(throttled_until) {
                progress.wait(&shop.name, until);
                let _awake;
                let _rest = self.ambient.clock().rest();
                tokio::select! {
                    awake = self.ambient.clock().sleep_until(until) => {
                        _awake = awake;
                        continue;
                    }
                    () = shared.stop.cancelled() => {}
                }
            }
            if all.error.is_some()
                || shared.stop.is_cancelled()
                || chores::finished(shared, shop, &streams).await
            {
                progress.done(&shop.name);
                return Ok(all);
            }
        }
    }
}

/// The time in `throttled: throttled until …`.
fn throttled_until(error: &str) -> Option<Timestamp> {
    Timestamp::parse(error.strip_prefix("throttled: throttled until ")?).ok()
}

/// The planner's rules from a section that has been validated.
fn contract(section: &config::Settlement) -> Result<Contract, AppError> {
    let word = |key: &str, value: &str| {
        AppError::Config(format!("settlements.{}.{key}: {value:?} is not a known word", section.name))
    };
    Ok(Contract {
        name: section.name.clone(),
        mode: if section.live { Mode::Live } else { Mode::DryRun },
        since: section.since.map(Timestamp::jst_midnight),
        registered_by: RegisteredBy::from_word(&section.registered_by)
            .ok_or_else(|| word("registered_by", &section.registered_by))?,
        capture: CaptureOn::from_word(&section.capture).ok_or_else(|| word("capture", &section.capture))?,
        capture_time: section.capture_time,
        parcels: Parcels::from_word(&section.parcels).ok_or_else(|| word("parcels", &section.parcels))?,
        delivery: Delivery::from_word(&section.delivery)
            .ok_or_else(|| word("delivery", &section.delivery))?,
        authorization_days: section.authorization_days,
        amount_limit: Yen(section.amount_limit),
        max_per_hour: section.max_per_hour,
        max_yen_per_day: Yen(section.max_yen_per_day),
        rules: section.rules.iter().map(|rule| rule_of(section, rule)).collect::<Result<_, _>>()?,
    })
}

fn rule_of(section: &config::Settlement, rule: &config::Match) -> Result<MatchRule, AppError> {
    let reception = match &rule.reception_number {
        config::ReceptionNumber::Template(template) => Reception::Template(template.clone()),
        config::ReceptionNumber::Imported => Reception::Imported,
        config::ReceptionNumber::Pattern { field, regex } => Reception::Pattern {
            field: field.clone(),
            regex: regex::Regex::new(regex).map_err(|e| {
                AppError::Config(format!("settlements.{}.match.reception_number.regex: {e}", section.name))
            })?,
        },
    };
    Ok(MatchRule {
        shop: rule.shop.clone(),
        mall_payment: rule.mall_payment.clone(),
        except: rule.except.clone(),
        own_contract: rule.own_contract,
        reception,
    })
}

fn problem(key: &str, message: impl Into<String>) -> Vec<Problem> {
    vec![Problem { key: key.to_owned(), message: message.into() }]
}

fn shop(section: &config::Shop) -> Result<(Shop, Vec<Problem>), Vec<Problem>> {
    let mall = malls::MALLS
        .iter()
        .find(|m| m.name == section.mall)
        .ok_or_else(|| problem("mall", format!("unknown mall {:?}", section.mall)))?;
    let built = (mall.build)(&section.name, &section.section)?;
    let client = Client::new(&built.client).map_err(|e| problem("base_url", e))?;
    let text = section.schedule.as_deref().unwrap_or(mall.default_schedule);
    let schedule = crate::clock::schedule::Schedule::parse(text).map_err(|e| problem("schedule", e))?;
    let shop = Shop {
        name: section.name.clone(),
        mall_word: mall.name,
        mall: built.mall,
        client,
        next_run: Arc::new(move |t| schedule.next_after(t)),
        scope: Scope { initial_lookback: section.initial_lookback },
    };
    Ok((shop, built.warnings))
}

fn account(
    section: &config::Settlement,
    contract: &Contract,
) -> Result<(Account, Vec<Problem>), Vec<Problem>> {
    let provider = settlement::PROVIDERS
        .iter()
        .find(|p| p.name == section.provider)
        .ok_or_else(|| problem("provider", format!("unknown provider {:?}", section.provider)))?;
    let mut keys = section.section.clone();
    if let Some(keys) = keys.as_object_mut() {
        let common = serde_json::json!({
            "amount_limit": section.amount_limit,
            "max_per_second": section.max_per_second,
        });
        keys.insert("common".to_owned(), common);
    }
    let built = (provider.build)(&section.name, &keys)?;
    let client = Client::new(&built.client).map_err(|e| problem("base_url", e))?;
    let account = Account {
        contract: contract.clone(),
        gateway: built.settlement,
        client,
        window: section.maintenance,
        max_in_flight: usize::try_from(section.max_in_flight).unwrap_or(1).max(1),
    };
    Ok((account, built.warnings))
}

/// The gate of commands: the same rows, no stop.
fn command_gate(app: &App) -> StoreGate {
    StoreGate::new(app.store.clone(), app.ambient.clone(), CancellationToken::new())
}

impl App {
    /// Everything that can be told without waiting for a pass; with `online`, at most three harmless calls an account
    /// (decisions.md 19).
    pub async fn check(&self, online: bool) -> Vec<CheckRow> {
        let connected = self.connect();
        let mut rows = check::offline(self, &connected);
        if online {
            let gate = command_gate(self);
            for shop in &connected.shops {
                let subject = format!("shops.{}", shop.name);
                let newest = self.store.newest_order(&shop.name).await.ok().flatten();
                let newest = newest.map(crate::domain::ids::OrderRef::new);
                let call =
                    Call { account: &shop.name, client: &shop.client, gate: &gate, ambient: &self.ambient };
                let health = shop.mall.check(&call, newest.as_ref()).await;
                rows.extend(check::health_rows(&subject, health, self.ambient.now()));
            }
            for account in &connected.accounts {
                let subject = format!("settlements.{}", account.contract.name);
                let now = self.ambient.now();
                if let Some(end) = guard::window_ends(account.window, now, account.gateway.deadline()) {
                    let message =
                        format!("not asked: maintenance window until {}", end.jst().format("%H:%M"));
                    rows.push(CheckRow::new(&subject, Level::Ok, "window", message, None));
                    continue;
                }
                let linked = check::newest_linked(&self.store, &account.contract.name).await;
                let call = Call {
                    account: &account.contract.name,
                    client: &account.client,
                    gate: &gate,
                    ambient: &self.ambient,
                };
                let health = account.gateway.check(&call, linked.as_deref()).await;
                rows.extend(check::health_rows(&subject, health, now));
            }
        }
        rows
    }
}
