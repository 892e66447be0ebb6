//! What people decide about settlements: one short transaction each, with a line in the journal, then planning.

use super::db::{Conn, Lock, args};
use super::people::Deed;
use super::rows::list;
use super::say::Word;
use super::settlements::{records_of, unknown_settlement};
use super::{Planning, Result, Store, StoreError};
use crate::domain::settlement::is_reception_number;

/// Why nobody may change which settlement an order has: something is on its way for it, or, unless its sale is `over` at
/// the gateway, was done.
async fn bound(conn: &mut Conn, order_id: &str, over: bool) -> Result<Option<String>> {
    let row: Option<(String, String)> = conn
        .row(
            "SELECT p.id, p.state FROM operations p JOIN settlements s ON s.order_id = p.order_id
             WHERE p.order_id = $1 AND (p.state IN ('sending', 'unknown', 'looking')
                 OR p.state = 'done' AND $2 = 0 AND p.reception_number = s.reception_number)
             ORDER BY CASE WHEN p.state = 'done' THEN 1 ELSE 0 END, p.id LIMIT 1",
            args![order_id, over],
        )
        .await?;
    Ok(row.map(|(id, state)| match state.as_str() {
        "done" => format!(
            "operation {id} has changed something under its reception number (`operations show {id}`): the order keeps it"
        ),
        _ => format!("operation {id} is {state}; wait until it is settled (`operations show {id}`)"),
    }))
}

impl Store {
    /// Links an order to a reception number of a contract by a person's word. Refused when the number belongs to another
    /// order (I8, decisions.md 2), something is in flight, or something was done under the number that the order has,
    /// unless that sale is over at the gateway: cancelled, refused or lapsed. What was done under another number never
    /// counts for this one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn link_settlement(
        &self,
        order_id: &str,
        contract: &str,
        reception_number: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        if !planning.contracts.iter().any(|c| c.name == contract) {
            return Err(StoreError::NotFound(format!("the config has no [settlements.{contract}]")));
        }
        if !is_reception_number(reception_number) {
            return Err(StoreError::Refused(
                "not a reception number: 1 to 23 digits, capitals and # - * / < > : @".to_owned(),
            ));
        }
        let mut conn = self.write(Lock::Facts).await?;
        let subjects = self.subjects(&mut conn, &list([order_id])).await?;
        if subjects.is_empty() {
            return Err(StoreError::NotFound(format!("there is no order {order_id}")));
        }
        let holder: Option<(String, String)> = conn
            .row(
                "SELECT o.shop, o.mall_order_id FROM settlements s JOIN orders o ON o.id = s.order_id
                 WHERE s.name = $1 AND s.reception_number = $2 AND s.order_id <> $3",
                args![contract, reception_number, order_id],
            )
            .await?;
        if let Some((shop, number)) = holder {
            return Err(StoreError::Refused(format!(
                "reception number {reception_number} of {contract} belongs to order {number} of {shop}; \
                 `settlements unlink` it there first"
            )));
        }
        let before = records_of(&mut conn, &list([order_id])).await?.pop();
        let same = before.as_ref().is_some_and(|r| {
            r.settlement.name == contract
                && r.settlement.reception_number.as_deref() == Some(reception_number)
        });
        // What is over at the gateway binds nobody: the buyer's next authorisation has another number.
        let over = before.as_ref().is_some_and(|r| r.settlement.on(planning.now.jst_date()).state.over());
        if !same && let Some(why) = bound(&mut conn, order_id, over).await? {
            return Err(StoreError::Refused(why));
        }
        if same {
            // Said again, it becomes a person's word and wishes that were refused may be wished anew.
            conn.execute(
                "UPDATE settlements SET linked_by = $2, generation = generation + 1 WHERE order_id = $1",
                args![order_id, actor],
            )
            .await?;
        } else {
            self.write_link(&mut conn, order_id, contract, reception_number, actor).await?;
        }
        for subject in &subjects {
            super::claims::nothing_waits(&mut conn, &subject.shop, &subject.order.mall_order_id).await?;
        }
        let was = before.and_then(|r| r.settlement.reception_number);
        let detail =
            format!("{contract} {reception_number} (was {})", was.as_deref().unwrap_or("without a number"));
        self.decided(&mut conn, planning, actor, "settlements.link", order_id, detail).await?;
        self.plan_orders(&mut conn, planning, &subjects).await?;
        conn.commit().await
    }

    /// Writes that an order has a reception number now, which it had not: nothing that was shown of another one stays.
    pub(super) async fn write_link(
        &self,
        conn: &mut Conn,
        order_id: &str,
        contract: &str,
        reception_number: &str,
        linked_by: &str,
    ) -> Result<()> {
        conn.execute(
            "INSERT INTO settlements (id, name, order_id, reception_number, state, slips, generation, linked_by)
             VALUES ($1, $2, $3, $4, 'unknown', '[]', 0, $5)
             ON CONFLICT (order_id) DO UPDATE SET name = excluded.name,
                 reception_number = excluded.reception_number, state = excluded.state,
                 slips = excluded.slips, amount = NULL, authorized_on = NULL, lapses_on = NULL,
                 authorized_at = NULL, approval = NULL, scheduled_on = NULL, registered_at = NULL,
                 wish = NULL, wished_by = NULL, resolved = NULL, verified_at = NULL, looked_at = NULL,
                 unseen = NULL, shipped_on = NULL, gateway_status = NULL, enquiry_number = NULL,
                 generation = settlements.generation + 1, linked_by = excluded.linked_by",
            args![&self.id(), contract, order_id, reception_number, linked_by],
        )
        .await?;
        Ok(())
    }

    /// Takes the reception number away again; open operations are superseded.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn unlink_settlement(
        &self,
        settlement_id: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        let mut conn = self.write(Lock::Facts).await?;
        let order_id = order_of(&mut conn, settlement_id).await?;
        if let Some(why) = bound(&mut conn, &order_id, false).await? {
            return Err(StoreError::Refused(why));
        }
        let before = records_of(&mut conn, &list([&order_id])).await?.pop();
        let was = before.and_then(|r| r.settlement.reception_number);
        conn.execute(
            "UPDATE settlements SET reception_number = NULL, state = 'unlinked', slips = '[]', amount = NULL,
                 authorized_on = NULL, lapses_on = NULL, authorized_at = NULL, approval = NULL, scheduled_on = NULL,
                 registered_at = NULL, wish = NULL, wished_by = NULL, resolved = NULL, verified_at = NULL, looked_at = NULL,
                 unseen = NULL, shipped_on = NULL, gateway_status = NULL, enquiry_number = NULL, linked_by = $2
             WHERE id = $1",
            args![settlement_id, actor],
        )
        .await?;
        let detail = format!("was {}", was.as_deref().unwrap_or("without a number"));
        self.decided(&mut conn, planning, actor, "settlements.unlink", settlement_id, detail).await?;
        self.plan_after(&mut conn, planning, &order_id).await?;
        conn.commit().await
    }

    /// Holds a settlement: nothing is sent for it until it is released.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn hold_settlement(
        &self,
        settlement_id: &str,
        reason: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        self.say(settlement_id, &Word::Hold(reason.to_owned()), None, actor, planning, false).await?;
        Ok(())
    }

    /// Releases it; the planner looks again.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn release_settlement(
        &self,
        settlement_id: &str,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        self.say(settlement_id, &Word::Release, None, actor, planning, false).await?;
        Ok(())
    }

    /// Writes the journal's line of a person's decision.
    pub(super) async fn decided(
        &self,
        conn: &mut Conn,
        planning: &Planning<'_>,
        actor: &str,
        action: &str,
        subject: &str,
        detail: String,
    ) -> Result<()> {
        let deed = Deed {
            at: planning.now,
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail,
        };
        self.write_deed(conn, &deed).await
    }

    /// Plans one order inside a person's transaction.
    pub(super) async fn plan_after(
        &self,
        conn: &mut Conn,
        planning: &Planning<'_>,
        order_id: &str,
    ) -> Result<()> {
        let subjects = self.subjects(conn, &list([order_id])).await?;
        self.plan_orders(conn, planning, &subjects).await?;
        Ok(())
    }
}

async fn order_of(conn: &mut Conn, settlement_id: &str) -> Result<String> {
    let row: Option<(String,)> =
        conn.row("SELECT order_id FROM settlements WHERE id = $1", args![settlement_id]).await?;
    row.map(|(id,)| id).ok_or_else(|| unknown_settlement(settlement_id))
}
