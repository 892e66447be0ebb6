//! The guards of a contract: `max_per_hour` and `max_yen_per_day`.

use std::time::Duration;

use super::{Account, IN_HAND};
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::engine::poll::Shared;
use crate::store::StoreError;

impl Account {
    /// Whether the guards are so far off that whatever else is in hand here cannot pass them. What was sent today is many
    /// rows: where it is so, they are counted beside the calls, not in the turn of one.
    pub(super) async fn far_from_guards(&self, shared: &Shared, amount: Yen) -> Result<bool, StoreError> {
        let (sent, yen) = self.spent(shared, shared.ambient.now()).await?;
        let in_hand = i64::try_from(self.max_in_flight * IN_HAND).unwrap_or(i64::MAX);
        let most = Yen(self.contract.amount_limit.0.max(amount.0).saturating_mul(in_hand));
        Ok(sent.saturating_add(in_hand.unsigned_abs()) < u64::from(self.contract.max_per_hour)
            && yen.plus(most).is_some_and(|sum| sum <= self.contract.max_yen_per_day))
    }

    /// Operations within the hour and yen of the day.
    async fn spent(&self, shared: &Shared, now: Timestamp) -> Result<(u64, Yen), StoreError> {
        let hour = now - Duration::from_secs(3_600);
        let day = Timestamp::jst_midnight(now.jst_date());
        shared.store.spent(self.name(), hour, day).await
    }

    /// The guards of the contract: past one of them everything is held and a person asked.
    pub(super) async fn over_guard(
        &self,
        shared: &Shared,
        now: Timestamp,
        amount: Yen,
    ) -> Result<Option<String>, StoreError> {
        let (sent, yen) = self.spent(shared, now).await?;
        let reason = if sent >= u64::from(self.contract.max_per_hour) {
            format!("max_per_hour: {sent} operations within an hour")
        } else if yen.plus(amount).is_none_or(|sum| sum > self.contract.max_yen_per_day) {
            format!(
                "max_yen_per_day: {yen} yen today, {amount} more would be past {}",
                self.contract.max_yen_per_day
            )
        } else {
            return Ok(None);
        };
        let mut row = shared.store.account(self.name()).await?;
        if row.held_reason.is_none() {
            tracing::error!(settlement = self.name(), error.message = %reason,
                "Settlement was held.");
            row.held_reason = Some(reason.clone());
            row.held_at = Some(now);
            shared.store.put_account(&row).await?;
        }
        Ok(Some(reason))
    }
}
