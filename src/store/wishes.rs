//! What a person asks for by a command: an operation on one settlement, planned like everything else.

use super::db::{Conn, args};
use super::rows::to_json;
use super::say::Word;
use super::settlements::unknown_settlement;
use super::{Planning, Result, Store, StoreError};
use crate::domain::planner::{Mode, Wanted};
use crate::domain::settlement::Wish;

impl Store {
    /// Asks for an operation by a person's word. It is kept only where the planner makes operations of it now; those are
    /// returned. `dry_run`: nothing is kept.
    ///
    /// # Errors
    /// `Refused` with the planner's reason, or where the contract sends nothing, something is under way, or another wish
    /// stands.
    pub async fn wish(
        &self,
        settlement_id: &str,
        wish: &Wish,
        actor: &str,
        planning: &Planning<'_>,
        dry_run: bool,
    ) -> Result<Vec<Wanted>> {
        let word = Word::Wish(wish.clone());
        Ok(self.say(settlement_id, &word, None, actor, planning, dry_run).await?.plan.wanted)
    }

    /// Writes a wish, unless the contract sends nothing, something is under way, or another wish stands. Returns the
    /// journal's detail.
    pub(super) async fn put_wish(
        &self,
        conn: &mut Conn,
        settlement_id: &str,
        wish: &Wish,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<String> {
        let row: Option<(String, String, Option<String>)> = conn
            .row("SELECT order_id, name, wish FROM settlements WHERE id = $1", args![settlement_id])
            .await?;
        let (order_id, name, standing) = row.ok_or_else(|| unknown_settlement(settlement_id))?;
        let contract = planning.contracts.iter().find(|contract| contract.name == name);
        if contract.is_none_or(|contract| contract.mode != Mode::Live) {
            return refused(format!("settlement {name} is in dry-run or gone: nothing is sent for it"));
        }
        let open: Option<(String, String)> = conn
            .row(
                "SELECT id, state FROM operations WHERE order_id = $2 AND settlement_id = $1
                     AND state IN ('sending', 'unknown', 'looking', 'needs_person') ORDER BY id LIMIT 1",
                args![settlement_id, &order_id],
            )
            .await?;
        if let Some((id, state)) = open {
            return refused(format!("operation {id} is {state}: settle it first (`operations show {id}`)"));
        }
        if let Some(standing) = standing {
            let standing: Wish =
                super::rows::At::new("settlements", "wish", settlement_id).json(&standing)?;
            let waits: Option<(String,)> = conn
                .row(
                    "SELECT id FROM operations WHERE order_id = $2 AND settlement_id = $1
                         AND state IN ('planned', 'ready') ORDER BY id LIMIT 1",
                    args![settlement_id, &order_id],
                )
                .await?;
            // One whose operation was dropped meanwhile gives way to the new word.
            if let Some((id,)) = waits {
                return refused(format!(
                    "{} was asked for already: wait for operation {id}, or `operations abandon` it",
                    standing.kind()
                ));
            }
        }
        let text = to_json(wish)?;
        conn.execute(
            "UPDATE settlements SET wish = $2, wished_by = $3, generation = generation + 1 WHERE id = $1",
            args![settlement_id, &text, actor],
        )
        .await?;
        Ok(text)
    }

    /// A person says that what the gateway cannot do was done outside it (paid back by hand): nothing is wanted or asked
    /// for the settlement any more. `None` takes the word back.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn resolve_settlement(
        &self,
        settlement_id: &str,
        resolved: Option<&str>,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<()> {
        let word = resolved.map_or(Word::Reopen, |how| Word::Resolve(how.to_owned()));
        self.say(settlement_id, &word, None, actor, planning, false).await?;
        Ok(())
    }
}

fn refused<T>(reason: String) -> Result<T> {
    Err(StoreError::Refused(reason))
}

/// What became of an operation that a person had asked for: the wish goes with it, so that the rules rule again. A slip
/// that a person took back is not registered again by them: the settlement is held.
pub(super) async fn granted(conn: &mut Conn, settlement_id: &str, kind: &str, done: bool) -> Result<()> {
    let row: Option<(Option<String>, Option<String>)> =
        conn.row("SELECT wish, wished_by FROM settlements WHERE id = $1", args![settlement_id]).await?;
    let Some((Some(text), by)) = row else { return Ok(()) };
    let wish: Wish = super::rows::At::new("settlements", "wish", settlement_id).json(&text)?;
    if wish.kind() != kind {
        return Ok(());
    }
    // A sale of several parcels is asked for as a whole.
    let more: Option<()> = conn
        .row(
            "SELECT 1 FROM operations WHERE settlement_id = $1 AND kind = $2
                 AND state NOT IN ('done', 'refused', 'superseded', 'abandoned') LIMIT 1",
            args![settlement_id, kind],
        )
        .await?;
    if more.is_some() {
        return Ok(());
    }
    let held = match &wish {
        Wish::Undo { slip_number } if done => {
            Some(format!("slip {slip_number} was taken back by {}", by.as_deref().unwrap_or("a person")))
        }
        _ => None,
    };
    conn.execute(
        "UPDATE settlements SET wish = NULL, wished_by = NULL, held = COALESCE(held, $2) WHERE id = $1",
        args![settlement_id, &held],
    )
    .await?;
    Ok(())
}
