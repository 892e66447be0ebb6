//! What turns rows into calls and calls into rows: schedules, polls, effects, limits. Every loop here holds the clock's
//! busy guard while it works and lets go of it only while it waits ([`idle`]).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::{Ambient, Busy, Timestamp};

/// What an operator is told of once, and again by rule.
pub mod alerts;
/// Whether loops go round.
pub mod beat;
/// What the daemon does beside polls and effects: requests, expired leases, planning by the day.
pub mod chores;
/// The rules that planning follows.
pub mod contracts;
/// Sends operations and settles unknown ones.
pub mod effects;
/// What must hold directly before an effect is sent.
pub mod guard;
/// Admission by limiter rows.
pub mod limits;
/// Orders of ours that are not closed, read again.
pub mod open;
/// Polls shops.
pub mod poll;
/// Compares settlements with the gateway's books.
pub mod reconcile;
/// From a fault to the time of the next try.
pub mod retry;
/// Which shops are polled.
pub mod roster;
/// Codes never seen before.
pub mod unknown;
/// Tokens in rows.
pub mod vault;

/// Lets go of `busy` until `until`, a nudge, or the stop; then takes it up again.
pub async fn idle(
    ambient: &Ambient,
    busy: &mut Busy,
    until: Option<Timestamp>,
    nudge: impl Future<Output = ()>,
    stop: &CancellationToken,
) {
    let sleep = async {
        match until {
            Some(at) => ambient.clock().sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    *busy = Busy::default();
    *busy = tokio::select! {
        awake = sleep => awake,
        () = nudge => ambient.clock().busy(),
        () = stop.cancelled() => ambient.clock().busy(),
    };
}

/// When a loop that nothing woke looks at its rows again: a minute later on the machine's clock, an hour at most on a
/// simulated one.
fn floor(ambient: &Ambient) -> Timestamp {
    const MINUTE: Duration = Duration::from_secs(60);
    let clock = ambient.clock();
    ambient.now() + clock.of_wall(MINUTE).min(clock.round(MINUTE * 60))
}

/// A counter that loops watch: a nudge between two looks is not lost.
#[derive(Clone, Debug, Default)]
pub struct Nudge(Arc<watch::Sender<u64>>);

impl Nudge {
    /// Wakes every loop that watches, or keeps the nudge for its next look.
    pub fn nudge(&self) {
        self.0.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Watches from now on.
    #[must_use]
    pub fn watch(&self) -> Nudged {
        Nudged(self.0.subscribe())
    }
}

/// One watcher of a [`Nudge`].
#[derive(Debug)]
pub struct Nudged(watch::Receiver<u64>);

impl Nudged {
    /// Ends at the next nudge, at once when one came since the last look.
    pub async fn nudged(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody is left to nudge.
            std::future::pending::<()>().await;
        }
    }
}
