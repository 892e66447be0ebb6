//! Whether and how a slip may be taken off its order.

use super::db::{Conn, args};
use super::operations::{Operation, abandon, operations_of};
use super::rows::list;
use super::settlements::{Record, records_of};
use super::slips::slips_of;
use super::{Planning, Result, Store, StoreError};
use crate::domain::operation::{Intent, State, registered_slips};
use crate::domain::order::Carrier;
use crate::domain::planner::{Mode, RegisteredBy};
use crate::domain::settlement::SettlementState;
use crate::domain::slip::{Slip, SlipRow};

impl Store {
    /// Takes a slip off an order, unless the gateway may know it, or knows it in a way that we cannot undo.
    pub(super) async fn take_slip(
        &self,
        conn: &mut Conn,
        order_id: &str,
        number: &str,
        replacement: Option<&SlipRow>,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<Slip> {
        let slips = slips_of(conn, &list([order_id])).await?.remove(order_id).unwrap_or_default();
        let Some(slip) = slips.iter().find(|slip| slip.number == number) else {
            return Err(StoreError::NotFound(format!("order {order_id} has no slip {number}")));
        };
        let records = records_of(conn, &list([order_id])).await?;
        let operations = operations_of(conn, order_id).await?;
        let stay = slips.iter().filter(|other| other.number != number).map(|other| other.carrier);
        let stay: Vec<Carrier> = stay.chain(replacement.map(|row| row.carrier)).collect();
        let registered = records.iter().find_map(|record| under(record, slip, &stay, planning));
        let registered = registered.as_deref().unwrap_or(number);
        may_be_undone(&records, &operations, (number, registered), planning)?;
        for operation in operations {
            let (id, progress) = (&operation.id, &operation.progress);
            let its = operation.intent.slip_number() == Some(registered);
            match progress.state {
                State::Sending | State::Unknown | State::Looking => {
                    return Err(StoreError::Refused(format!(
                        "operation {id} is {}: slip {number} may be registered by it; wait until it is settled",
                        progress.state
                    )));
                }
                State::NeedsPerson if its => {
                    // Refused outright (a wrong number, say) it is moot without its slip; a doubtful one is not.
                    if progress.rounds > 0 || progress.looks > 0 || progress.claimed_done {
                        return Err(StoreError::Refused(format!(
                            "operation {id} needs a person first: slip {number} may be registered by it \
                             (`operations show {id}`, then `retry` or `abandon`)"
                        )));
                    }
                    let reason = format!("slip {number} was taken off the order by {actor}");
                    abandon(conn, operation, &reason, planning.now).await?;
                }
                _ => {}
            }
        }
        conn.execute("DELETE FROM slips WHERE order_id = $1 AND number = $2", args![order_id, number])
            .await?;
        Ok(slip.clone())
    }
}

/// Under what another carrier's `slip` is registered where it is the last one of its kind (§2.5): once an order, under the
/// reception number. With another of them left (`stay`) that registration stays as it is.
fn under(record: &Record, slip: &Slip, stay: &[Carrier], planning: &Planning<'_>) -> Option<String> {
    let settlement = &record.settlement;
    let contract = planning.contracts.iter().find(|contract| contract.name == settlement.name)?;
    let other = |carrier: Carrier| !contract.delivery.by_yamato(carrier);
    let last = other(slip.carrier) && !stay.iter().any(|carrier| other(*carrier));
    settlement.reception_number.clone().filter(|_| last)
}

/// A slip that stands registered at the gateway may be taken off its order where the planner undoes the registration then:
/// ours, under a contract that is live and whose slips we register, and not settled. `registered`: the value that stands
/// at the gateway for slip `number`.
fn may_be_undone(
    records: &[Record],
    operations: &[Operation],
    (number, registered): (&str, &str),
    planning: &Planning<'_>,
) -> Result<()> {
    // What was done under a number that the order had before is over with that.
    let own = |operation: &&Operation| {
        let number = Some(operation.intent.reception_number());
        operation.progress.state == State::Done
            && records.iter().any(|record| record.settlement.reception_number.as_deref() == number)
    };
    let mut done: Vec<&Operation> = operations.iter().filter(own).collect();
    // One at a time is under way for a reception number: they are in the order in which they became done.
    done.sort_by_key(|operation| operation.updated_at);
    let done: Vec<Intent> = done.into_iter().map(|operation| operation.intent.clone()).collect();
    let ours = registered_slips(&done).iter().any(|slip| slip == registered);
    let shown = |record: &Record| record.settlement.slips.iter().any(|slip| slip == registered);
    if !ours && !records.iter().any(shown) {
        return Ok(());
    }
    if records.iter().any(|record| record.settlement.state == SettlementState::Settled) {
        return Err(StoreError::Refused(format!(
            "slip {number} is settled at the gateway: it cannot be taken back; ask the gateway's support"
        )));
    }
    let undoes = |record: &Record| {
        let contract = planning.contracts.iter().find(|contract| contract.name == record.settlement.name);
        contract.is_some_and(|c| c.mode == Mode::Live && c.registered_by == RegisteredBy::Mallsync)
    };
    if ours && records.iter().all(undoes) {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "slip {number} is registered at the gateway: taking it back waits for a person at the gateway's own screen"
    )))
}
