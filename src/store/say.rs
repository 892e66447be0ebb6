//! What a person says of one settlement, shown before it is written: the write rests on what the person read, or is
//! refused.

use super::claims::claims_against;
use super::db::{Conn, Lock, args};
use super::linking::links;
use super::planning::{Subject, decide, load};
use super::rows::list;
use super::settlements::{Record, records_of, unknown_settlement};
use super::{Planning, Result, Store, StoreError};
use crate::domain::money::Yen;
use crate::domain::operation::{Intent, registered_slips};
use crate::domain::planner::Plan;
use crate::domain::settlement::{SettlementState, Wish};

/// A person's word about one settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Something is to be done at the gateway.
    Wish(Wish),
    /// Nothing is to be sent for it until it is released: why.
    Hold(String),
    /// What a person held is let go.
    Release,
    /// It was settled outside: how. Nothing is wanted or asked for it any more.
    Resolve(String),
    /// That is taken back.
    Reopen,
}

impl Word {
    /// The action in the journal.
    fn action(&self) -> String {
        match self {
            Self::Wish(wish) => format!("settlements.{}", wish.kind()),
            Self::Hold(_) => "settlements.hold".to_owned(),
            Self::Release => "settlements.release".to_owned(),
            Self::Resolve(_) | Self::Reopen => "settlements.resolve".to_owned(),
        }
    }
}

/// What follows from a word.
#[derive(Clone, Debug)]
pub struct Said {
    /// What is wanted, waited for or asked then.
    pub plan: Plan,
    /// What it rests on.
    pub basis: Basis,
}

/// What a word rests on, as far as a person is shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    reception_number: Option<String>,
    state: SettlementState,
    amount: Option<Yen>,
    due: Option<Yen>,
    held: Option<String>,
    resolved: Option<String>,
    slips: Vec<String>,
    wanted: Vec<Intent>,
}

impl Basis {
    /// Why a person holds it.
    #[must_use]
    pub fn held(&self) -> Option<&str> {
        self.held.as_deref()
    }

    /// What a person did about it outside.
    #[must_use]
    pub fn resolved(&self) -> Option<&str> {
        self.resolved.as_deref()
    }

    /// What is not any more as it was read, in words; the first of it.
    fn changed(&self, now: &Self) -> Option<String> {
        let number = |number: &Option<String>| number.clone().unwrap_or_else(|| "-".to_owned());
        let yen = |yen: Option<Yen>| yen.map_or_else(|| "?".to_owned(), |yen| yen.to_string());
        let what = if self.reception_number != now.reception_number {
            let (was, is) = (number(&self.reception_number), number(&now.reception_number));
            format!("the reception number was {was} and is {is}")
        } else if self.state != now.state {
            format!("it was {} and is {}", self.state, now.state)
        } else if self.amount != now.amount {
            format!("the gateway held {} yen and holds {} yen", yen(self.amount), yen(now.amount))
        } else if self.due != now.due {
            format!("{} yen were due and {} yen are", yen(self.due), yen(now.due))
        } else if self.held != now.held || self.resolved != now.resolved {
            "somebody else decided about it".to_owned()
        } else if self.slips != now.slips {
            "other slips are registered".to_owned()
        } else if self.wanted != now.wanted {
            "something else would be done".to_owned()
        } else {
            return None;
        };
        Some(format!("changed while you read: {what}; run it again"))
    }
}

impl Store {
    /// Writes what a person says of a settlement, and plans what follows. `read`: what the person was shown of it; where
    /// that is not so any more, nothing is written. `dry_run`: shows what would follow and writes nothing.
    ///
    /// # Errors
    /// `Refused` with the planner's reason for a wish of which no operation can be made now, or with what changed since
    /// `read`; `NotFound`.
    pub async fn say(
        &self,
        settlement_id: &str,
        word: &Word,
        read: Option<&Basis>,
        actor: &str,
        planning: &Planning<'_>,
        dry_run: bool,
    ) -> Result<Said> {
        let mut conn = self.write(Lock::Facts).await?;
        let row: Option<(String,)> =
            conn.row("SELECT order_id FROM settlements WHERE id = $1", args![settlement_id]).await?;
        let (order_id,) = row.ok_or_else(|| unknown_settlement(settlement_id))?;
        let before = records_of(&mut conn, &list([&order_id])).await?.pop();
        let Record { settlement, .. } = before.ok_or_else(|| unknown_settlement(settlement_id))?;
        let subjects = self.subjects(&mut conn, &list([&order_id])).await?;
        let done = load(&mut conn, &[&order_id]).await?.remove(&order_id).map(|known| known.done());
        let detail = self.put_word(&mut conn, settlement_id, word, actor, planning).await?;
        let plan = self.follows(&mut conn, word, &order_id, &subjects, planning).await?;
        let mut slips = settlement.slips.clone();
        slips.extend(registered_slips(&done.unwrap_or_default()));
        let basis = Basis {
            reception_number: settlement.reception_number,
            state: settlement.state,
            amount: settlement.amount,
            due: subjects.first().and_then(|subject| subject.order.amounts.due),
            held: settlement.held,
            resolved: settlement.resolved,
            slips,
            wanted: plan.wanted.iter().map(|wanted| wanted.intent.clone()).collect(),
        };
        if let Some(why) = read.and_then(|read| read.changed(&basis)) {
            return Err(StoreError::Refused(why));
        }
        if matches!(word, Word::Wish(_)) && plan.wanted.is_empty() {
            let why = plan.hold.or(plan.waiting).unwrap_or_else(|| "nothing is wanted".to_owned());
            return Err(StoreError::Refused(why));
        }
        if dry_run {
            conn.rollback().await?;
            return Ok(Said { plan, basis });
        }
        self.decided(&mut conn, planning, actor, &word.action(), settlement_id, detail).await?;
        self.plan_orders(&mut conn, planning, &subjects).await?;
        conn.commit().await?;
        Ok(Said { plan, basis })
    }

    /// Writes the word on the settlement's row. Returns the journal's detail.
    async fn put_word(
        &self,
        conn: &mut Conn,
        settlement_id: &str,
        word: &Word,
        actor: &str,
        planning: &Planning<'_>,
    ) -> Result<String> {
        let (sql, value, detail) = match word {
            Word::Wish(wish) => return self.put_wish(conn, settlement_id, wish, actor, planning).await,
            Word::Hold(reason) => {
                ("UPDATE settlements SET held = $2 WHERE id = $1", Some(reason.as_str()), reason.clone())
            }
            Word::Release => ("UPDATE settlements SET held = $2 WHERE id = $1", None, String::new()),
            Word::Resolve(how) => {
                ("UPDATE settlements SET resolved = $2 WHERE id = $1", Some(how.as_str()), how.clone())
            }
            Word::Reopen => {
                ("UPDATE settlements SET resolved = $2 WHERE id = $1", None, "taken back".to_owned())
            }
        };
        conn.execute(sql, args![settlement_id, value]).await?;
        Ok(detail)
    }

    /// What the planner makes of the order now.
    async fn follows(
        &self,
        conn: &mut Conn,
        word: &Word,
        order_id: &str,
        subjects: &[Subject<'_>],
        planning: &Planning<'_>,
    ) -> Result<Plan> {
        let known = load(conn, &[order_id]).await?;
        let Some((subject, around)) = subjects.first().zip(known.get(order_id)) else {
            return Ok(Plan::default());
        };
        // A person's wish stands against what the rules say of the link.
        let steps = if matches!(word, Word::Wish(_)) {
            Default::default()
        } else {
            let claims = claims_against(conn, subjects).await?;
            links(conn, planning.contracts, subjects.iter(), &known, &claims).await?
        };
        let decision = decide(planning.contracts, subject, around, steps.get(order_id), planning.now);
        Ok(decision.map(|decision| decision.plan).unwrap_or_default())
    }
}
