//! What an operation that is done changes of its settlement's row.

use chrono::NaiveDate;

use super::Result;
use super::db::{Conn, args, locked};
use super::rows::{At, time, to_json};
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::operation::Intent;
use crate::domain::settlement::SettlementState;

/// What is done stands on its settlement too, in the same transaction: whoever died between the two would leave a
/// registered sale shown as one that waits. The next look-up tells more; what one has told already is left alone. Of a number
/// that the order had before it tells nothing.
pub(super) async fn register(conn: &mut Conn, id: &str, intent: &Intent, at: Timestamp) -> Result<()> {
    let row: Option<StandingColumns> = conn
        .row(
            locked!(
                "SELECT state, slips, amount, authorized_on, lapses_on, authorized_at, approval, scheduled_on
                 FROM settlements WHERE id = $1 AND reception_number = $2"
            ),
            args![id, intent.reception_number()],
        )
        .await?;
    let Some(row) = row else { return Ok(()) };
    let column = |column| At::new("settlements", column, id);
    let slips: Vec<String> = column("slips").json(&row.slips)?;
    let state = column("state").word(&row.state, SettlementState::from_word)?;
    let before = Standing {
        state,
        slips,
        amount: row.amount.map(Yen),
        authorized_on: column("authorized_on").day(row.authorized_on.as_deref())?,
        lapses_on: column("lapses_on").day(row.lapses_on.as_deref())?,
        authorized_at: time(row.authorized_at),
        approval: row.approval,
        scheduled_on: column("scheduled_on").day(row.scheduled_on.as_deref())?,
    };
    let after = before.clone().after(intent, at);
    if after == before {
        return Ok(());
    }
    conn.execute(
        "UPDATE settlements SET state = $2, slips = $3, amount = $4, authorized_on = $5, lapses_on = $6,
             authorized_at = $7, approval = $8, scheduled_on = $9
         WHERE id = $1",
        args![
            id,
            after.state.as_str(),
            &to_json(&after.slips)?,
            after.amount.map(|amount| amount.0),
            &after.authorized_on.map(|day| day.to_string()),
            &after.lapses_on.map(|day| day.to_string()),
            after.authorized_at,
            &after.approval,
            &after.scheduled_on.map(|day| day.to_string()),
        ],
    )
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct StandingColumns {
    state: String,
    slips: String,
    amount: Option<i64>,
    authorized_on: Option<String>,
    lapses_on: Option<String>,
    authorized_at: Option<i64>,
    approval: Option<String>,
    scheduled_on: Option<String>,
}

/// What an operation changes of a settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    state: SettlementState,
    slips: Vec<String>,
    amount: Option<Yen>,
    authorized_on: Option<NaiveDate>,
    lapses_on: Option<NaiveDate>,
    authorized_at: Option<Timestamp>,
    approval: Option<String>,
    scheduled_on: Option<NaiveDate>,
}

impl Standing {
    /// As it stands once `intent` was done by `at`.
    fn after(mut self, intent: &Intent, at: Timestamp) -> Self {
        match intent {
            Intent::Capture { slip_number, .. } => {
                if !self.slips.contains(slip_number) {
                    self.slips.push(slip_number.clone());
                }
                if !self.state.captured() {
                    self.state = SettlementState::Registered;
                }
            }
            Intent::Undo { slip_number, .. } => {
                self.slips.retain(|slip| slip != slip_number);
                if self.slips.is_empty() && self.state == SettlementState::Registered {
                    self.state = SettlementState::Authorized;
                }
            }
            Intent::Cancel { .. } => {
                self.slips.clear();
                self.state = SettlementState::Canceled;
            }
            Intent::ChangeAmount { to, .. } => self.amount = Some(*to),
            // A look-up that found it done has told the day already.
            Intent::Reauth { authorized_at, .. } if self.authorized_on == Some(authorized_at.jst_date()) => {
                let days = self.lapses_on.zip(self.authorized_on).map(|(last, first)| last - first);
                let first = at.jst_date();
                self.authorized_on = Some(first);
                // The look after it tells them; the old ones would make the next renewal look like this one.
                (self.authorized_at, self.approval) = (None, None);
                self.lapses_on = days.and_then(|days| first.checked_add_signed(days)).or(self.lapses_on);
                self.state = self.state.on(self.lapses_on, first);
            }
            Intent::Reauth { .. } => {}
            Intent::ChangeDate { to, .. } => self.scheduled_on = Some(*to),
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn standing(state: SettlementState, slips: &[&str]) -> Standing {
        Standing {
            state,
            slips: slips.iter().map(|slip| (*slip).to_owned()).collect(),
            amount: Some(Yen(12_800)),
            authorized_on: Some(day("2026-11-21")),
            lapses_on: Some(day("2027-01-19")),
            authorized_at: Some(Timestamp::parse("2026-11-21T09:30:11+09:00").unwrap()),
            approval: Some("000123456".to_owned()),
            scheduled_on: None,
        }
    }

    fn reauth() -> Intent {
        Intent::Reauth {
            reception_number: "A-1".to_owned(),
            amount: Yen(12_800),
            authorized_at: Timestamp::parse("2026-11-21T09:30:11+09:00").unwrap(),
            approval: None,
        }
    }

    #[test]
    fn what_is_done_shows_on_the_settlement() {
        use SettlementState::{Authorized, Canceled, Registered, Settled};
        let at = Timestamp::parse("2027-01-15T10:00:00+09:00").unwrap();
        let slip = |slip: &str, back: bool| {
            let (reception_number, slip_number, delivery_service_code, amount) =
                ("A-1".to_owned(), slip.to_owned(), "00".to_owned(), Yen(12_800));
            if back {
                Intent::Undo { reception_number, slip_number, delivery_service_code, amount }
            } else {
                Intent::Capture { reception_number, slip_number, delivery_service_code, amount }
            }
        };
        let cancel = Intent::Cancel {
            reception_number: "A-1".to_owned(),
            amount: Yen(12_800),
            authorized_on: None,
            state: Registered,
        };
        let moved =
            Intent::ChangeDate { reception_number: "A-1".to_owned(), from: None, to: day("2026-12-24") };
        let reserved = standing(SettlementState::Reserved, &[]);
        let (capture_b, undo_a) = (slip("B", false), slip("A", true));
        for (before, intent, after) in [
            (standing(Authorized, &[]), &capture_b, standing(Registered, &["B"])),
            (standing(Registered, &["A"]), &capture_b, standing(Registered, &["A", "B"])),
            (standing(Settled, &["B"]), &capture_b, standing(Settled, &["B"])),
            (standing(Registered, &["A", "B"]), &undo_a, standing(Registered, &["B"])),
            (standing(Registered, &["A"]), &undo_a, standing(Authorized, &[])),
            (standing(Canceled, &[]), &undo_a, standing(Canceled, &[])),
            (standing(Registered, &["A"]), &cancel, standing(Canceled, &[])),
            (reserved.clone(), &moved, Standing { scheduled_on: Some(day("2026-12-24")), ..reserved }),
        ] {
            assert_eq!(before.clone().after(intent, at), after, "{before:?} {intent:?}");
        }
    }

    #[test]
    fn a_renewed_authorisation_lasts_as_long_as_the_one_before() {
        let at = Timestamp::parse("2027-01-15T10:00:00+09:00").unwrap();
        let after = standing(SettlementState::Authorized, &[]).after(&reauth(), at);
        assert_eq!(
            (after.authorized_on, after.lapses_on),
            (Some(day("2027-01-15")), Some(day("2027-03-15"))),
            "60 days, the first included"
        );
        assert_eq!((after.authorized_at, after.approval), (None, None), "the next look tells them");
        // A look-up told it before the answer came: that day stands, whenever this is written.
        let told =
            Standing { authorized_on: Some(day("2027-01-14")), ..standing(SettlementState::Authorized, &[]) };
        assert_eq!(told.clone().after(&reauth(), at), told);
    }
}
