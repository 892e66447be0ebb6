//! What left for the outside, with its contract's running totals: what was sent since a moment is the difference of two
//! rows, however many lie between. Counted in the transaction that commits the intent, under the lock of the account's
//! row: daemons and workers side by side pass no guard together (I6, I8).

use std::time::Duration;

use super::Result;
use super::accounts::{hold, lock_account};
use super::db::{Conn, args};
use super::functions::{self, Try};
use super::operations::Operation;
use super::rows::time;
use crate::clock::Timestamp;
use crate::domain::money::Yen;

/// What `max_per_hour` counts by.
const HOUR: Duration = Duration::from_secs(3_600);
/// Longer than any guard looks back.
const KEPT: Duration = Duration::from_secs(2 * 86_400);
/// Rows older than that are taken out once in so many sends.
const CLEARED: i64 = 256;

/// What a contract may send; past one of them everything of it is held until a person releases it.
#[derive(Clone, Copy, Debug)]
pub struct Guards {
    /// Requests within an hour: of whatever kind, a loop of cancels harms as much as one of captures, and of whatever
    /// outcome.
    pub max_per_hour: u32,
    /// Yen of the operations sent since midnight (JST), each counted once a day however often it was sent.
    pub max_yen_per_day: Yen,
}

/// Why an intent was not committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// The contract is held, for this reason.
    Held(String),
    /// This send would have passed a guard: the contract is held for this reason from now on.
    Guard(String),
    /// The account is stopped.
    Stopped {
        /// Code of the other side.
        code: String,
        /// The next probe.
        probe_at: Option<Timestamp>,
    },
    /// This function of the contract is stopped.
    Function {
        /// Code of the other side.
        code: String,
        /// When one operation of its kind is tried next.
        try_at: Timestamp,
    },
}

/// What came of [`super::Store::begin_sending`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The intent is committed: it is to be sent now.
    Sending {
        /// Its function is stopped, and this is the one that tries it.
        trial: bool,
    },
    /// It is not to be sent; why.
    Withheld(Withheld),
}

/// The last send of a contract, and the totals before the guards' windows.
#[derive(sqlx::FromRow)]
struct Totals {
    number: i64,
    sent_at: i64,
    total_sends: i64,
    total_yen: i64,
    sends_before: i64,
    yen_before: i64,
}

/// Counts a send of `operation` at `now`, unless something speaks against it: then nothing is counted, and past a guard the
/// contract is held. The account's row is locked from here on. Without `guards` it is counted whatever stands there.
pub(super) async fn count(
    conn: &mut Conn,
    operation: &Operation,
    guards: Option<&Guards>,
    now: Timestamp,
) -> Result<Begun> {
    let name = &operation.account;
    let account = lock_account(conn, name).await?;
    let midnight = Timestamp::jst_midnight(now.jst_date());
    let last = totals(conn, name, now - HOUR, midnight).await?;
    let amount = amount(conn, operation, midnight).await?;
    let mut trial = false;
    if let Some(guards) = guards {
        if let Some(reason) = account.held_reason {
            return Ok(Begun::Withheld(Withheld::Held(reason)));
        }
        if let Some(code) = account.stopped_code {
            return Ok(Begun::Withheld(Withheld::Stopped { code, probe_at: time(account.probe_at) }));
        }
        let (sends, yen) = last.as_ref().map_or((0, Yen::ZERO), |last| {
            (last.total_sends - last.sends_before, Yen(last.total_yen - last.yen_before))
        });
        if let Some(reason) = guards.past(sends, yen, amount) {
            hold(conn, name, &reason, now).await?;
            return Ok(Begun::Withheld(Withheld::Guard(reason)));
        }
        trial = match functions::take_try(conn, name, operation.intent.kind(), now).await? {
            Try::Allowed => false,
            Try::Trial => true,
            Try::Stopped { code, try_at } => {
                return Ok(Begun::Withheld(Withheld::Function { code, try_at }));
            }
        };
    }
    // A clock that was set back: what lies ahead of it counts as sent now, not for ever.
    if last.as_ref().is_some_and(|last| last.sent_at > now.micros()) {
        conn.execute("UPDATE sends SET sent_at = $2 WHERE account = $1 AND sent_at > $2", args![name, now])
            .await?;
    }
    let (number, sends, yen) = last.map_or((0, 0, 0), |t| (t.number, t.total_sends, t.total_yen));
    conn.execute(
        "INSERT INTO sends (account, number, sent_at, operation_id, amount, total_sends, total_yen)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![name, number + 1, now, &operation.id, amount.0, sends + 1, yen.saturating_add(amount.0)],
    )
    .await?;
    if number % CLEARED == 0 {
        // The newest of them stays: the totals before the windows.
        conn.execute(
            "DELETE FROM sends WHERE account = $1
                 AND number < (SELECT max(number) FROM sends WHERE account = $1 AND sent_at < $2)",
            args![name, now - KEPT],
        )
        .await?;
    }
    Ok(Begun::Sending { trial })
}

/// No byte left of the last send of `operation`: it adds nothing, and tried nothing.
pub(super) async fn take_back(conn: &mut Conn, operation: &Operation, now: Timestamp) -> Result<()> {
    let account = &operation.account;
    lock_account(conn, account).await?;
    functions::give_try_back(conn, account, operation.intent.kind(), now).await?;
    let row: Option<(i64, i64)> = conn
        .row(
            "SELECT number, amount FROM sends WHERE account = $1 AND operation_id = $2 ORDER BY number DESC LIMIT 1",
            args![account, &operation.id],
        )
        .await?;
    let Some((number, amount)) = row else { return Ok(()) };
    // Those after it are few: it was a moment ago.
    conn.execute(
        "UPDATE sends SET amount = CASE WHEN number = $2 THEN 0 ELSE amount END, total_sends = total_sends - 1,
             total_yen = total_yen - $3
         WHERE account = $1 AND number >= $2",
        args![account, number, amount],
    )
    .await?;
    Ok(())
}

async fn totals(conn: &mut Conn, account: &str, hour: Timestamp, day: Timestamp) -> Result<Option<Totals>> {
    conn.row(
        "SELECT l.number, l.sent_at, l.total_sends, l.total_yen,
             COALESCE((SELECT h.total_sends FROM sends h WHERE h.account = $1 AND h.sent_at < $2
                 ORDER BY h.sent_at DESC, h.number DESC LIMIT 1), 0) AS sends_before,
             COALESCE((SELECT d.total_yen FROM sends d WHERE d.account = $1 AND d.sent_at < $3
                 ORDER BY d.sent_at DESC, d.number DESC LIMIT 1), 0) AS yen_before
         FROM sends l WHERE l.account = $1 ORDER BY l.number DESC LIMIT 1",
        args![account, hour, day],
    )
    .await
}

/// What a send of `operation` adds to the yen of the day that began at `midnight`: nothing where it was sent in it before.
async fn amount(conn: &mut Conn, operation: &Operation, midnight: Timestamp) -> Result<Yen> {
    let amount = operation.intent.amount();
    if operation.progress.sends == 0 || amount == Yen::ZERO {
        return Ok(amount);
    }
    let counted: Option<()> = conn
        .row(
            "SELECT 1 FROM sends WHERE account = $1 AND sent_at >= $2 AND operation_id = $3 AND amount > 0 LIMIT 1",
            args![&operation.account, midnight, &operation.id],
        )
        .await?;
    Ok(if counted.is_some() { Yen::ZERO } else { amount })
}

impl Guards {
    /// Why a send of `amount` must not follow `sends` within the hour and `yen` of the day.
    fn past(&self, sends: i64, yen: Yen, amount: Yen) -> Option<String> {
        if sends >= i64::from(self.max_per_hour) {
            return Some(format!("max_per_hour: {sends} operations within an hour"));
        }
        let most = self.max_yen_per_day;
        yen.plus(amount)
            .is_none_or(|sum| sum > most)
            .then(|| format!("max_yen_per_day: {yen} yen today, {amount} more would be past {most}"))
    }
}
