//! Which shops are polled in this process, and how to ask their loops for passes: a reload replaces it.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::poll::{PassRequest, Shop};

/// A shop that is polled.
#[derive(Clone, Debug)]
pub struct Seat {
    /// The shop.
    pub shop: Arc<Shop>,
    /// Where its loop is asked for passes.
    pub door: mpsc::Sender<PassRequest>,
}

/// The shops that are polled now.
#[derive(Clone, Debug)]
pub struct Roster(Arc<watch::Sender<Arc<[Seat]>>>);

impl From<Vec<Seat>> for Roster {
    fn from(seats: Vec<Seat>) -> Self {
        Self(Arc::new(watch::Sender::new(seats.into())))
    }
}

impl Roster {
    /// The shops as they are now.
    #[must_use]
    pub fn now(&self) -> Arc<[Seat]> {
        Arc::clone(&self.0.borrow())
    }

    /// Where a shop's loop is asked now; `None`: it is not polled.
    #[must_use]
    pub fn door(&self, shop: &str) -> Option<mpsc::Sender<PassRequest>> {
        self.0.borrow().iter().find(|seat| seat.shop.name == shop).map(|seat| seat.door.clone())
    }

    /// Puts others in their place.
    pub fn replace(&self, seats: Vec<Seat>) {
        self.0.send_replace(seats.into());
    }

    /// Told of every change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<[Seat]>> {
        self.0.subscribe()
    }
}
