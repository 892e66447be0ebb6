//! What follows when an operation has come to its end: the settlement is looked at and planned anew.

use super::Account;
use super::slot::Admitted;
use crate::domain::operation::{Intent, State, Verdict};
use crate::domain::planner::OnChange;
use crate::engine::poll::Shared;
use crate::store::operations::{Operation, Seen};
use crate::store::{Planning, StoreError};

impl Account {
    /// After a change other than a registration the gateway shows other amounts and dates than are stored, and what waited
    /// for it may be wanted now: the capture after the changed amount, the right slip after the wrong one. So after an
    /// operation that no longer fitted what the gateway showed.
    pub(super) async fn after(
        &self,
        shared: &Shared,
        operation: &Operation,
        state: State,
    ) -> Result<(), StoreError> {
        let of_a_slip = matches!(operation.intent, Intent::Capture { .. });
        match state {
            State::Done if !of_a_slip => self.look_after(shared, operation).await?,
            State::Refused if !of_a_slip => {}
            // The amount at the gateway is changed first.
            State::Superseded if of_a_slip && self.contract.on_amount_change == OnChange::Apply => {}
            _ => return Ok(()),
        }
        let contracts = shared.contracts.now().await;
        let planning = Planning { contracts: &contracts, now: shared.ambient.now() };
        if shared.store.plan_order(&operation.order_id, &planning).await? > 0 {
            shared.planned.nudge();
        }
        Ok(())
    }

    async fn look_after(&self, shared: &Shared, operation: &Operation) -> Result<(), StoreError> {
        let Ok(slot) = self.call_slot(shared).await? else { return Ok(()) };
        let gate = Admitted(&*shared.gate);
        let at = shared.ambient.now();
        let number = operation.intent.reception_number();
        let looked = self.gateway.look_up(&self.call(shared, &gate), number).await;
        drop(slot);
        match looked {
            Ok(looked) => {
                let Some(observed) = looked.observed.as_ref().filter(|_| !looked.ambiguous) else {
                    return Ok(());
                };
                // One that lags behind would take back what is known to be done; the next look tells the rest.
                if self.gateway.judge(&operation.intent, &looked, false) != Verdict::Done {
                    return Ok(());
                }
                // Whose it is was shown before it was sent.
                let days = self.contract.authorization_days;
                let seen = Seen { observed, verified: false, authorization_days: days, at };
                shared.store.store_look_after(operation, seen).await?;
                Ok(())
            }
            Err(failed) => {
                // Whatever is sent next looks before.
                tracing::warn!(settlement = self.name(), error.code = failed.fault.kind(), error.message = %failed.fault,
                    "Look after an operation failed.");
                Ok(())
            }
        }
    }
}
