//! Health checks and metrics of the running daemon, and what the config says for `status`.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::NaiveTime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::AppError;
use super::way_out::way_out;
use crate::clock::{Ambient, Timestamp};
use crate::config::{Config, Glimpse};
use crate::domain::account::WayOut;
use crate::engine::guard;
use crate::status::http::{Server, Watched};
use crate::status::{Facts, SettlementFacts, ShopFacts};
use crate::store::Store;
use crate::telemetry::Vitals;

/// What `config` says, as far as `status` shows it, at `now`.
#[must_use]
pub fn facts(config: &Config, now: Timestamp) -> Facts {
    let shops = config.shops.iter().map(|s| shop(&s.name, &s.mall, s.enabled));
    let settlements = config.settlements.iter().map(|s| SettlementFacts {
        way_out: way_out(config, s),
        ..settlement(&s.name, s.enabled, s.live, s.maintenance, now)
    });
    Facts { shops: shops.collect(), settlements: settlements.collect() }
}

/// What a config that cannot be used says of what `status` shows, at `now`.
#[must_use]
pub fn seen_facts(glimpse: &Glimpse, now: Timestamp) -> Facts {
    let shops = glimpse.shops.iter().map(|s| shop(&s.name, &s.mall, s.enabled));
    let settlements =
        glimpse.settlements.iter().map(|s| settlement(&s.name, s.enabled, s.live, s.maintenance, now));
    Facts { shops: shops.collect(), settlements: settlements.collect() }
}

fn shop(name: &str, mall: &str, enabled: bool) -> ShopFacts {
    ShopFacts { name: name.to_owned(), mall: mall.to_owned(), enabled }
}

fn settlement(
    name: &str,
    enabled: bool,
    live: bool,
    maintenance: Option<(NaiveTime, NaiveTime)>,
    now: Timestamp,
) -> SettlementFacts {
    let window_ends_at = guard::window_ends(maintenance, now, Duration::ZERO);
    SettlementFacts { name: name.to_owned(), enabled, live, window_ends_at, way_out: WayOut::default() }
}

/// The server of health checks and metrics, where the config wants one.
pub(super) struct Health {
    config: Arc<RwLock<Arc<Config>>>,
    server: Option<(CancellationToken, JoinHandle<()>)>,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("served", &self.server.is_some()).finish_non_exhaustive()
    }
}

impl Health {
    /// Listens and answers from now on: to be called before the loops begin, so that what they do is counted. It goes on
    /// while the daemon drains: whoever watches it then must not take it for dead.
    ///
    /// # Errors
    /// The address cannot be listened on; the text names the key.
    pub(super) async fn begin(
        config: &Config,
        store: &Store,
        ambient: &Ambient,
        vitals: &Arc<Vitals>,
    ) -> Result<Self, AppError> {
        let in_force = Arc::new(RwLock::new(Arc::new(config.clone())));
        let Some(address) = config.daemon.listen else { return Ok(Self { config: in_force, server: None }) };
        let server = Server::bind(address).await?;
        let facts = {
            let (config, ambient) = (Arc::clone(&in_force), ambient.clone());
            move || {
                let config = Arc::clone(&config.read().unwrap_or_else(PoisonError::into_inner));
                facts(&config, ambient.now())
            }
        };
        let watched = Watched {
            store: store.clone(),
            ambient: ambient.clone(),
            vitals: Arc::clone(vitals),
            facts: Arc::new(facts),
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(server.serve(watched, stop.clone()));
        Ok(Self { config: in_force, server: Some((stop, task)) })
    }

    /// Another config is in force: its shops and settlements are told about, and those that it lacks no longer.
    pub(super) fn follow(&self, config: &Config) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config.clone());
    }

    /// Answers nobody any more; to be called before the database is closed.
    pub(super) async fn end(self) {
        let Some((stop, task)) = self.server else { return };
        stop.cancel();
        if let Err(error) = task.await {
            tracing::warn!(error.message = %error, "The health checks broke off.");
        }
    }
}
