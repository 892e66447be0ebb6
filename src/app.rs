//! Puts config, store, shops and settlements together; start, reload, drain, one pass, `check`.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::clock::Ambient;
use crate::config::{self, Config};
use crate::domain::account::{Expiry, Problem};
use crate::domain::planner::Contract;
use crate::engine::Nudge;
use crate::engine::beat::Beat;
use crate::engine::chores;
pub use crate::engine::chores::{SyncOptions, SyncSummary};
use crate::engine::effects::Account;
use crate::engine::limits::StoreGate;
use crate::engine::poll::{Shared, Shop};
use crate::engine::vault::StoreVault;
use crate::secret::Secret;
use crate::store::{Access, Planning, Store, StoreError};
use crate::telemetry::Vitals;

mod check;
mod connect;
mod consent;
mod daemon;
mod health;
mod mark;
mod notify;
mod outcome;
mod reconcile;
mod sync;
mod units;
mod watchdog;

pub use check::CheckRow;
use connect::{connect, contracts};
pub use consent::ConsentError;
pub use daemon::{Reloads, Say};
pub use health::{facts, seen_facts};
pub use sync::{Done, Progress};

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
    /// Health checks and metrics cannot be served.
    #[error(transparent)]
    Serve(#[from] crate::status::http::ServeError),
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
    vitals: Arc<Vitals>,
    /// The database's, as it was read last.
    password: Option<Secret>,
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
        let vitals = Arc::new(Vitals::default());
        vitals.set_database_ok(true);
        Ok(Self { config: config.clone(), store, ambient, contracts, vitals, password })
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

    /// What loops share, and the gate among it.
    fn shared(&self, stop: CancellationToken) -> (Shared, StoreGate) {
        let gate = StoreGate::new(self.store.clone(), self.ambient.clone(), stop.clone());
        let shared = Shared {
            store: self.store.clone(),
            ambient: self.ambient.clone(),
            gate: Arc::new(gate.clone()),
            vault: Arc::new(StoreVault::new(self.store.clone(), self.ambient.clone())),
            contracts: self.contracts.to_vec().into(),
            owner: self.ambient.id(),
            stop,
            planned: Nudge::default(),
            beat: Beat::default(),
            vitals: Arc::clone(&self.vitals),
        };
        (shared, gate)
    }

    /// Signs of life of the daemon, for health checks and metrics.
    #[must_use]
    pub fn vitals(&self) -> Arc<Vitals> {
        Arc::clone(&self.vitals)
    }

    /// Sends what is due and polls nothing: for commands that move money where no daemon is running.
    ///
    /// # Errors
    /// [`AppError`] when the database fails.
    pub async fn send(&self, due: &Due, stop: CancellationToken) -> Result<SyncSummary, AppError> {
        let mut summary = SyncSummary::default();
        self.drain(&self.shared(stop).0, &self.connect(), due, &mut summary).await?;
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
