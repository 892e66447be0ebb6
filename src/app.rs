//! Puts config, store, shops and settlements together; start, drain, one pass, `check`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Ambient;
use crate::config::{self, Config};
use crate::domain::account::{Expiry, Problem};
use crate::domain::planner::Contract;
use crate::engine::Nudge;
use crate::engine::chores;
pub use crate::engine::chores::{SyncOptions, SyncSummary};
use crate::engine::effects::Account;
use crate::engine::limits::StoreGate;
use crate::engine::poll::{Shared, Shop};
use crate::engine::vault::StoreVault;
use crate::store::{Access, Planning, Store, StoreError};

mod check;
mod connect;
mod consent;
mod sync;

pub use check::CheckRow;
use connect::{connect, contracts};
pub use consent::ConsentError;
pub use sync::{Done, Progress};

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

/// Which operations that are due are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Of every contract.
    All,
    /// Of one contract.
    Contract(String),
    /// Of one order under one contract.
    Order {
        /// Our order id.
        id: String,
        /// The contract.
        contract: String,
    },
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
    /// Ends of keys and certificates that the config itself tells, by subject.
    pub expiries: Vec<(String, Expiry)>,
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
        let contracts = contracts(config)?.into();
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
        connect(&self.config, &self.contracts)
    }

    /// What loops share.
    fn shared(&self, stop: CancellationToken) -> Shared {
        Shared {
            store: self.store.clone(),
            ambient: self.ambient.clone(),
            gate: Arc::new(StoreGate::new(self.store.clone(), self.ambient.clone(), stop.clone())),
            vault: Arc::new(StoreVault::new(self.store.clone(), self.ambient.clone())),
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
                tracing::error!(
                    shop = broken.subject.strip_prefix("shops."),
                    settlement = broken.subject.strip_prefix("settlements."),
                    key = %problem.key,
                    error.message = %problem.message,
                    "Section could not be used."
                );
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
        tracing::info!("Stop began.");
        let drained = async { while loops.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("Work in flight did not end in time.");
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
                    row.stopped_at =
                        row.stopped_at.filter(|_| code == Some(BROKEN)).or(Some(self.ambient.now()));
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

    /// Sends what is due and polls nothing: for commands that move money where no daemon is running.
    ///
    /// # Errors
    /// [`AppError`] when the database fails.
    pub async fn send(&self, due: &Due, stop: CancellationToken) -> Result<SyncSummary, AppError> {
        let mut summary = SyncSummary::default();
        self.drain(&self.shared(stop), &self.connect(), due, &mut summary).await?;
        Ok(summary)
    }

    async fn drain(
        &self,
        shared: &Shared,
        connected: &Connected,
        due: &Due,
        summary: &mut SyncSummary,
    ) -> Result<(), StoreError> {
        let order_id = match due {
            Due::All | Due::Contract(_) => {
                chores::replan(shared).await?;
                None
            }
            // What a person decided of an order was planned in the transaction that stored the decision.
            Due::Order { id, .. } => Some(id.as_str()),
        };
        let wanted = connected.accounts.iter().filter(|account| match due {
            Due::All => true,
            Due::Contract(name) | Due::Order { contract: name, .. } => account.contract.name == *name,
        });
        for account in wanted {
            let drained = Arc::clone(account).drain(shared, order_id).await?;
            summary.sent += drained.done;
            summary.failed += drained.failed;
        }
        Ok(())
    }
}
