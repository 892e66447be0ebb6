//! Look-ups that lag behind our own changes (kuroneko-webcollect.md §7: for a minute after a change the gateway may still
//! show what was before it).

use std::time::Duration;

use super::Account;
use super::slot::NotNow;
use crate::engine::poll::Shared;
use crate::store::StoreError;
use crate::store::operations::{Claimed, NewAttempt};

/// How long a look-up may show what was before a change.
const LAG: Duration = Duration::from_secs(60);

impl Account {
    /// Until when what `look` showed decides nothing, since we changed something of the order less than [`LAG`] before: a
    /// slip that is not there yet is not one that was taken back, nor is an amount that is no longer held a question.
    pub(super) async fn lags(
        &self,
        shared: &Shared,
        claimed: &Claimed,
        look: &NewAttempt,
    ) -> Result<Option<NotNow>, StoreError> {
        let changed = shared.store.last_done(&claimed.order.id).await?;
        let until = changed.map(|at| at + LAG).filter(|until| look.started_at < *until);
        let reason = "looked up within a minute of the last change: it may not be shown yet";
        Ok(until.map(|until| NotNow { until, reason: reason.to_owned() }))
    }
}
