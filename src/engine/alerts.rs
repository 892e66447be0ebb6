//! What an operator is told of once, and again by rule: keys and authorisations that end, shops that fail, and what needs a person. What was
//! told is a row (`store::notices`), so that a restart tells nothing twice and of two daemons one speaks.

use std::sync::Arc;
use std::time::Duration;

use super::poll::{Shared, Shop};
use crate::store::StoreError;

mod ends;
mod fails;
mod lapses;
mod people;

pub(super) use fails::{Grave, failed, recovered};
pub(super) use people::operations as operations_for_people;

/// Between two rounds.
pub(super) const ROUND: Duration = Duration::from_secs(60);
/// A day.
const DAY: Duration = Duration::from_secs(86_400);

/// Tells what has become due of all of it.
///
/// # Errors
/// The database.
pub async fn round(shared: &Shared, shops: &[Arc<Shop>]) -> Result<(), StoreError> {
    ends::round(shared, shops).await?;
    lapses::round(shared).await?;
    fails::round(shared, shops).await?;
    people::round(shared).await
}
