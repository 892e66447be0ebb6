//! Stored cards of a buyer, asked for by a person (`settlements cards`).

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::App;
use super::connect::connect;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::domain::account::Problem;
use crate::engine::guard;
use crate::engine::limits::StoreGate;
use crate::engine::vault::StoreVault;
use crate::http::{Call, Fault, Priority};
use crate::settlement::{Member, StoredCard};

/// Why they are not known.
#[derive(Debug, Error)]
pub enum NotAsked {
    /// The section cannot be used.
    #[error("{}", .0.iter().map(|p| format!("{}: {}", p.key, p.message)).collect::<Vec<_>>().join("; "))]
    Unusable(Vec<Problem>),
    /// The section is not in force.
    #[error("enabled = false")]
    Disabled,
    /// The gateway's window: nothing is asked in it (decisions.md 10).
    #[error("maintenance window until {}", .0.jst().format("%H:%M"))]
    Window(Timestamp),
    /// It was asked, in vain.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl App {
    /// What the gateway of settlement `name` lists for `member`: one call, through the contract's limiter. Nothing of it is
    /// stored.
    ///
    /// # Errors
    /// [`NotAsked`].
    pub async fn stored_cards(
        &self,
        config: &Config,
        name: &str,
        member: &Member,
    ) -> Result<Vec<StoredCard>, NotAsked> {
        let mut config = config.clone();
        config.shops.clear();
        config.settlements.retain(|settlement| settlement.name == name);
        let mut connected = connect(&config, self.contracts());
        if let Some(broken) = connected.broken.pop() {
            return Err(NotAsked::Unusable(broken.problems));
        }
        let Some(account) = connected.accounts.pop() else { return Err(NotAsked::Disabled) };
        let (store, ambient) = (&self.store, &self.ambient);
        if let Some(end) = guard::window_ends(account.window, ambient.now(), account.gateway.deadline()) {
            return Err(NotAsked::Window(end));
        }
        let gate = StoreGate::new(store.clone(), ambient.clone(), CancellationToken::new());
        let vault = StoreVault::new(store.clone(), ambient.clone());
        let call = Call {
            account: name,
            client: &account.client,
            gate: &gate,
            priority: Priority::Live,
            vault: &vault,
            ambient,
        };
        Ok(account.gateway.stored_cards(&call, member).await?)
    }
}
