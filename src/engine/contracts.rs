//! The rules that planning follows, for everybody who plans at once: a reload replaces them while pages are stored.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{RwLock, RwLockReadGuard, watch};

use crate::domain::planner::Contract;

/// The contracts in force, shared by everything that plans.
#[derive(Clone)]
pub struct Contracts(Arc<Inner>);

struct Inner {
    set: RwLock<Arc<[Contract]>>,
    /// Raised with every other set.
    generation: watch::Sender<u64>,
    /// The generation that every open order was planned by.
    planned: watch::Sender<Option<u64>>,
}

impl fmt::Debug for Contracts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contracts").field("generation", &self.generation()).finish_non_exhaustive()
    }
}

impl From<Vec<Contract>> for Contracts {
    fn from(set: Vec<Contract>) -> Self {
        let (generation, planned) = (watch::Sender::new(0), watch::Sender::new(None));
        Self(Arc::new(Inner { set: RwLock::new(set.into()), generation, planned }))
    }
}

impl Contracts {
    /// The contracts, held as they are: whoever plans keeps this until his transaction has ended, so that nothing is
    /// stored by rules that were replaced meanwhile.
    pub async fn now(&self) -> RwLockReadGuard<'_, Arc<[Contract]>> {
        self.0.set.read().await
    }

    /// Puts other contracts into force, after the transactions that plan by the old ones.
    pub async fn replace(&self, set: Vec<Contract>) {
        *self.0.set.write().await = set.into();
        self.0.generation.send_modify(|n| *n += 1);
    }

    /// Raised with every other set.
    #[must_use]
    pub fn generation(&self) -> u64 {
        *self.0.generation.borrow()
    }

    /// Told of every other set.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.generation.subscribe()
    }

    /// Every open order has been planned by the rules of `generation`.
    pub fn planned(&self, generation: u64) {
        self.0.planned.send_replace(Some(generation));
    }

    /// Ends once every open order has been planned by the rules of `generation`, or later ones.
    pub async fn until_planned(&self, generation: u64) {
        let mut planned = self.0.planned.subscribe();
        if planned.wait_for(|done| done.is_some_and(|done| done >= generation)).await.is_err() {
            // Nobody plans any more.
            std::future::pending::<()>().await;
        }
    }
}
