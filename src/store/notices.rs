//! What the log was told of, so that a fact is told once, and again by rule, across restarts and by one daemon of several.

use super::db::{Lock, args};
use super::rows::time;
use super::{Result, Store};
use crate::clock::Timestamp;

/// What a notice is about; with the subject it names one fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The end of a key: `rakuten-main/license_key`.
    Ends,
    /// The ends of a contract's authorisations: its name.
    Lapses,
    /// A shop that cannot be read: its name.
    Fails,
    /// An operation that needs a person: its id.
    Operation,
    /// A settlement that needs a person: its id.
    Settlement,
    /// That something waits for people: a contract's name.
    Open,
    /// A settlement that differs from the gateway's books: its id and the kind, `ID/amount_differs`.
    Difference,
    /// An address that calls come from and that is not the registered one: a contract's name.
    Address,
    /// Renewals of authorisations that a person is asked for: a contract's name.
    Renewals,
}

impl Topic {
    const fn word(self) -> &'static str {
        match self {
            Self::Ends => "ends",
            Self::Lapses => "lapses",
            Self::Fails => "fails",
            Self::Operation => "operation",
            Self::Settlement => "settlement",
            Self::Open => "open",
            Self::Difference => "difference",
            Self::Address => "address",
            Self::Renewals => "renewals",
        }
    }
}

/// A fact that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub topic: Topic,
    /// Of whom.
    pub subject: String,
    /// What makes it another fact: since when a shop fails, when a key ends.
    pub since: Timestamp,
    /// How far it has gone: days before an end, or until the first of several; 0 and 1 for a shop that is waited for and that is late.
    pub step: i64,
    /// When it was told last.
    pub told_at: Timestamp,
}

/// Something that a person must decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForPerson {
    /// The operation or settlement.
    pub id: String,
    /// The order's shop.
    pub shop: String,
    /// The mall's number of the order.
    pub mall_order_id: String,
    /// Code of the other side, where there is one.
    pub code: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When it came to that, as far as that is known: what was told of it earlier was another matter.
    pub since: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct ForPersonRow {
    id: String,
    shop: String,
    mall_order_id: String,
    code: Option<String>,
    reason: Option<String>,
    since: Option<i64>,
}

impl From<ForPersonRow> for ForPerson {
    fn from(row: ForPersonRow) -> Self {
        Self {
            id: row.id,
            shop: row.shop,
            mall_order_id: row.mall_order_id,
            code: row.code,
            reason: row.reason,
            since: time(row.since),
        }
    }
}

/// How much of a contract waits for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Operations.
    pub operations: u64,
    /// Settlements.
    pub settlements: u64,
}

impl Store {
    /// What was told of `topic`.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn notices(&self, topic: Topic) -> Result<Vec<Notice>> {
        let mut conn = self.read().await?;
        let rows: Vec<(String, i64, i64, i64)> = conn
            .rows(
                "SELECT subject, since, step, told_at FROM notices WHERE topic = $1 ORDER BY subject",
                args![topic.word()],
            )
            .await?;
        let notice = |(subject, since, step, told_at)| Notice {
            topic,
            subject,
            since: Timestamp::from_micros(since),
            step,
            told_at: Timestamp::from_micros(told_at),
        };
        Ok(rows.into_iter().map(notice).collect())
    }

    /// What was told of one fact.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn notice(&self, topic: Topic, subject: &str) -> Result<Option<Notice>> {
        let mut conn = self.read().await?;
        let row: Option<(i64, i64, i64)> = conn
            .row(
                "SELECT since, step, told_at FROM notices WHERE topic = $1 AND subject = $2",
                args![topic.word(), subject],
            )
            .await?;
        Ok(row.map(|(since, step, told_at)| Notice {
            topic,
            subject: subject.to_owned(),
            since: Timestamp::from_micros(since),
            step,
            told_at: Timestamp::from_micros(told_at),
        }))
    }

    /// Notes that `after` is told now. `false`: another daemon was faster, and it is not to be told again.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn note(&self, before: Option<&Notice>, after: &Notice) -> Result<bool> {
        let mut conn = self.write(Lock::None).await?;
        let written = match before {
            None => {
                conn.execute(
                    "INSERT INTO notices (topic, subject, since, step, told_at) VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (topic, subject) DO NOTHING",
                    args![after.topic.word(), &after.subject, after.since, after.step, after.told_at],
                )
                .await?
            }
            Some(before) => {
                conn.execute(
                    "UPDATE notices SET since = $3, step = $4, told_at = $5
                     WHERE topic = $1 AND subject = $2 AND since = $6 AND step = $7 AND told_at = $8",
                    args![
                        after.topic.word(),
                        &after.subject,
                        after.since,
                        after.step,
                        after.told_at,
                        before.since,
                        before.step,
                        before.told_at,
                    ],
                )
                .await?
            }
        };
        conn.finish(written > 0).await?;
        Ok(written > 0)
    }

    /// Forgets a fact that is no longer one. `None`: it was forgotten before.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn forget_notice(&self, topic: Topic, subject: &str) -> Result<Option<Notice>> {
        let Some(notice) = self.notice(topic, subject).await? else { return Ok(None) };
        let mut conn = self.write(Lock::None).await?;
        let gone = conn
            .execute(
                "DELETE FROM notices WHERE topic = $1 AND subject = $2 AND since = $3",
                args![topic.word(), subject, notice.since],
            )
            .await?;
        conn.finish(gone > 0).await?;
        Ok((gone > 0).then_some(notice))
    }

    /// Operations of a contract that need a person and of which nothing was told, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn operations_to_tell(&self, contract: &str, limit: u32) -> Result<Vec<ForPerson>> {
        let mut conn = self.read().await?;
        let rows: Vec<ForPersonRow> = conn
            .rows(
                "SELECT p.id, o.shop, o.mall_order_id, p.code, p.reason, p.updated_at AS since
             FROM operations p JOIN orders o ON o.id = p.order_id
             WHERE p.state = 'needs_person' AND p.state NOT IN ('done', 'refused', 'superseded', 'abandoned')
               AND p.account = $1
               AND NOT EXISTS (
                   SELECT 1 FROM notices n
                   WHERE n.topic = 'operation' AND n.subject = p.id AND n.since >= p.updated_at)
             ORDER BY p.id LIMIT $2",
                args![contract, limit],
            )
            .await?;
        Ok(rows.into_iter().map(ForPerson::from).collect())
    }

    /// Settlements of a contract that need a person and of which nothing was told, at most `limit`. What
    /// asks for a renewal alone is told of as one.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn settlements_to_tell(&self, contract: &str, limit: u32) -> Result<Vec<ForPerson>> {
        let mut conn = self.read().await?;
        let rows: Vec<ForPersonRow> = conn
            .rows(
                "SELECT s.id, o.shop, o.mall_order_id, s.state AS code, COALESCE(s.held, s.asked) AS reason,
                 CAST(NULL AS BIGINT) AS since
             FROM settlements s JOIN orders o ON o.id = s.order_id
             WHERE (s.held IS NOT NULL OR s.asked IS NOT NULL) AND s.renew_by IS NULL AND s.name = $1
               AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.topic = 'settlement' AND n.subject = s.id)
             ORDER BY s.state, s.id LIMIT $2",
                args![contract, limit],
            )
            .await?;
        Ok(rows.into_iter().map(ForPerson::from).collect())
    }

    /// Forgets what was told of operations and settlements that need nobody any more.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn forget_settled_notices(&self) -> Result<()> {
        macro_rules! settled {
            ($what:literal) => {
                concat!(
                    $what,
                    " FROM notices
                     WHERE topic = 'operation' AND NOT EXISTS (
                         SELECT 1 FROM operations p WHERE p.id = notices.subject AND p.state = 'needs_person')
                     OR topic = 'settlement' AND NOT EXISTS (
                         SELECT 1 FROM settlements s WHERE s.id = notices.subject
                         AND (s.held IS NOT NULL OR s.asked IS NOT NULL) AND s.renew_by IS NULL)"
                )
            };
        }
        let mut conn = self.read().await?;
        let found: Option<(i64,)> = conn.row(settled!("SELECT count(*)"), &[]).await?;
        drop(conn);
        if found.is_none_or(|(count,)| count == 0) {
            return Ok(());
        }
        let mut conn = self.write(Lock::None).await?;
        conn.execute(settled!("DELETE"), &[]).await?;
        conn.commit().await
    }

    /// How much of a contract waits for people.
    ///
    /// # Errors
    /// See [`super::StoreError`].
    pub async fn waiting_for_people(&self, contract: &str) -> Result<Waiting> {
        let mut conn = self.read().await?;
        let row: Option<(i64, i64)> = conn
            .row(
                "SELECT (SELECT count(*) FROM operations WHERE state = 'needs_person'
                          AND state NOT IN ('done', 'refused', 'superseded', 'abandoned') AND account = $1),
                     (SELECT count(*) FROM settlements WHERE (held IS NOT NULL OR asked IS NOT NULL) AND renew_by IS NULL
                          AND name = $1)",
                args![contract],
            )
            .await?;
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        Ok(row.map_or_else(Waiting::default, |(operations, settlements)| Waiting {
            operations: count(operations),
            settlements: count(settlements),
        }))
    }
}
