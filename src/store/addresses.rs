//! From which address gateways see our calls.

use std::net::IpAddr;

use super::db::{Lock, args, locked};
use super::rows::{At, time};
use super::{Result, Store, StoreError};
use crate::clock::Timestamp;

/// From which address one account's calls come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceAddress {
    /// The one that the gateway took calls from, as far as that was shown.
    pub known: Option<IpAddr>,
    /// The one that it saw last.
    pub seen: Option<IpAddr>,
    /// Since when it sees that one.
    pub seen_since: Option<Timestamp>,
    /// When it is asked next; `None`: it never was.
    pub due_at: Option<Timestamp>,
}

impl SourceAddress {
    /// The address that calls should come from, where `registered` is what the config says, if they come from another one.
    #[must_use]
    pub fn differs_from(&self, registered: Option<IpAddr>) -> Option<IpAddr> {
        registered.or(self.known).filter(|right| self.seen.is_some_and(|seen| seen != *right))
    }

    /// As it stands once the gateway has seen `address` at `now`; `proven`: it answered a call that only a registered
    /// address may make. Without a registered one the first is taken for right, and another one once it was proven after
    /// the change was noticed.
    fn after(mut self, address: IpAddr, registered: Option<IpAddr>, proven: bool, now: Timestamp) -> Self {
        let stays = self.seen == Some(address);
        if !stays {
            (self.seen, self.seen_since) = (Some(address), Some(now));
        }
        if self.known.is_none() || registered == Some(address) || (registered.is_none() && stays && proven) {
            self.known = Some(address);
        }
        self
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    known: Option<String>,
    seen: Option<String>,
    seen_since: Option<i64>,
    due_at: i64,
}

impl TryFrom<Row> for SourceAddress {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let parsed = |column: &'static str, text: Option<String>| {
            let at = At::new("source_addresses", column, &row.name);
            text.map(|text| at.word(&text, |text| text.parse().ok())).transpose()
        };
        Ok(Self {
            known: parsed("known", row.known)?,
            seen: parsed("seen", row.seen)?,
            seen_since: time(row.seen_since),
            due_at: Some(Timestamp::from_micros(row.due_at)),
        })
    }
}

impl Store {
    /// From which address `account`'s calls come.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn source_address(&self, account: &str) -> Result<SourceAddress> {
        let mut conn = self.read().await?;
        let row: Option<Row> =
            conn.row("SELECT * FROM source_addresses WHERE name = $1", args![account]).await?;
        row.map_or_else(|| Ok(SourceAddress::default()), TryInto::try_into)
    }

    /// Takes the next asking for the caller alone, if it is due at `now`: nobody else asks before `again`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn claim_source_address(
        &self,
        account: &str,
        now: Timestamp,
        again: Timestamp,
    ) -> Result<bool> {
        let mut conn = self.write(Lock::None).await?;
        let claimed = conn
            .execute(
                "INSERT INTO source_addresses (name, due_at) VALUES ($1, $3)
                 ON CONFLICT (name) DO UPDATE SET due_at = $3 WHERE source_addresses.due_at <= $2",
                args![account, now, again],
            )
            .await?
            > 0;
        conn.finish(claimed).await?;
        Ok(claimed)
    }

    /// Brings the next asking forward to `now`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn hurry_source_address(&self, account: &str, now: Timestamp) -> Result<()> {
        let mut conn = self.write(Lock::None).await?;
        let moved = conn
            .execute(
                "UPDATE source_addresses SET due_at = $2 WHERE name = $1 AND due_at > $2",
                args![account, now],
            )
            .await?;
        conn.finish(moved > 0).await
    }

    /// Notes that the gateway has seen `address`; `registered` is what the config says, `proven`: it answered a call that
    /// only a registered address may make. It is asked next after `well`, or after `ill` where the address is another one
    /// than it should be.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn observe_source_address(
        &self,
        account: &str,
        address: IpAddr,
        registered: Option<IpAddr>,
        proven: bool,
        now: Timestamp,
        (well, ill): (Timestamp, Timestamp),
    ) -> Result<SourceAddress> {
        let mut conn = self.write(Lock::None).await?;
        let row: Option<Row> =
            conn.row(locked!("SELECT * FROM source_addresses WHERE name = $1"), args![account]).await?;
        let before = row.map_or_else(|| Ok(SourceAddress::default()), SourceAddress::try_from)?;
        let mut after = before.after(address, registered, proven, now);
        let due_at = if after.differs_from(registered).is_some() { ill } else { well };
        after.due_at = Some(due_at);
        let text = |address: Option<IpAddr>| address.map(|address| address.to_string());
        conn.execute(
            "INSERT INTO source_addresses (name, known, seen, seen_since, due_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO UPDATE SET known = excluded.known, seen = excluded.seen,
                 seen_since = excluded.seen_since, due_at = excluded.due_at",
            args![account, &text(after.known), &text(after.seen), after.seen_since, due_at],
        )
        .await?;
        conn.commit().await?;
        Ok(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_micros(hour * 3_600_000_000)
    }

    #[test]
    fn without_a_registered_address_the_first_is_right_and_another_once_it_is_proven() {
        let first = SourceAddress::default().after(ip(1), None, false, at(1));
        assert_eq!((first.known, first.differs_from(None)), (Some(ip(1)), None));
        let changed = first.clone().after(ip(2), None, true, at(2));
        assert_eq!(changed.differs_from(None), Some(ip(1)), "it is told, even if the gateway takes it");
        assert_eq!(changed.seen_since, Some(at(2)));
        let refused = changed.clone().after(ip(2), None, false, at(3));
        assert_eq!((refused.differs_from(None), refused.seen_since), (Some(ip(1)), Some(at(2))));
        assert_eq!(refused.after(ip(2), None, true, at(4)).differs_from(None), None);
        assert_eq!(changed.after(ip(1), None, false, at(3)).differs_from(None), None, "it is back");
    }

    #[test]
    fn a_registered_address_is_what_counts() {
        let seen = SourceAddress::default().after(ip(1), Some(ip(9)), true, at(1));
        assert_eq!(seen.differs_from(Some(ip(9))), Some(ip(9)));
        let proven = seen.after(ip(1), Some(ip(9)), true, at(2));
        assert_eq!(
            proven.differs_from(Some(ip(9))),
            Some(ip(9)),
            "a second address may be registered by mistake"
        );
        assert_eq!(proven.differs_from(Some(ip(1))), None, "the config was mended");
        let right = proven.after(ip(9), Some(ip(9)), false, at(3));
        assert_eq!((right.known, right.differs_from(None)), (Some(ip(9)), None));
    }
}
