//! The *open* stream: every order of ours that is not closed is read again until it is, young ones often, old ones
//! rarely (architecture.md, "The way of the data"). Its cursor holds the pace, so that nothing but the stream's row is
//! written when nothing changed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::domain::order::Status;

const DAY: Duration = Duration::from_secs(86_400);

/// Orders that may still ship.
const BEFORE: &[Status] = &[
    Status::Pending,
    Status::AwaitingConfirmation,
    Status::AwaitingShipment,
    Status::PartiallyShipped,
    Status::OnHold,
    Status::CancelRequested,
    Status::Unknown,
];
/// Orders on their way, until the mall closes them.
const AFTER: &[Status] = &[Status::Shipped];

/// Orders of an age, read again at a pace.
#[derive(Clone, Copy, Debug)]
pub struct Tier {
    /// In these states.
    pub statuses: &'static [Status],
    /// Ordered at least so long ago.
    pub from: Duration,
    /// Ordered less than so long ago.
    pub to: Duration,
    /// How often.
    pub every: Duration,
}

/// The tiers. Malls show orders for 730 days; past 720 an order is left as it is.
pub const TIERS: [Tier; 5] = [
    Tier {
        statuses: BEFORE,
        from: Duration::ZERO,
        to: DAY.saturating_mul(3),
        every: Duration::from_secs(600),
    },
    Tier {
        statuses: BEFORE,
        from: DAY.saturating_mul(3),
        to: DAY.saturating_mul(62),
        every: Duration::from_secs(3_600),
    },
    Tier { statuses: BEFORE, from: DAY.saturating_mul(62), to: DAY.saturating_mul(720), every: DAY },
    Tier {
        statuses: AFTER,
        from: Duration::ZERO,
        to: DAY.saturating_mul(62),
        every: Duration::from_secs(6 * 3_600),
    },
    Tier { statuses: AFTER, from: DAY.saturating_mul(62), to: DAY.saturating_mul(720), every: DAY },
];

/// Where the stream stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// One a tier.
    tiers: Vec<TierPosition>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct TierPosition {
    /// When the round under way, or the last one, began (µs).
    began: i64,
    /// The last order read in the round under way.
    after: Option<(i64, String)>,
    /// A round is under way.
    running: bool,
}

/// The next page to read.
#[derive(Clone, Debug)]
pub struct Step {
    tier: usize,
    /// In these states.
    pub statuses: &'static [Status],
    /// Ordered from here.
    pub ordered_from: Timestamp,
    /// Ordered before.
    pub ordered_until: Timestamp,
    /// After this order.
    pub after: Option<(Timestamp, String)>,
}

impl Position {
    /// From the stored cursor; anything unreadable starts over.
    #[must_use]
    pub fn read(cursor: Option<&serde_json::Value>) -> Self {
        let mut position: Self = cursor.and_then(|value| Self::deserialize(value).ok()).unwrap_or_default();
        position.tiers.resize_with(TIERS.len(), TierPosition::default);
        position
    }

    /// As a cursor.
    #[must_use]
    pub fn write(&self) -> serde_json::Value {
        serde_json::json!({ "tiers": self.tiers })
    }

    /// The page to read now, `None` when every tier has been read within its pace.
    #[must_use]
    pub fn next(&mut self, now: Timestamp) -> Option<Step> {
        let (tier, spec) = TIERS.iter().enumerate().find(|(i, tier)| {
            let at = &self.tiers[*i];
            at.running || now >= Timestamp::from_micros(at.began) + tier.every
        })?;
        let at = &mut self.tiers[tier];
        if !at.running {
            *at = TierPosition { began: now.micros(), after: None, running: true };
        }
        let began = Timestamp::from_micros(at.began);
        Some(Step {
            tier,
            statuses: spec.statuses,
            ordered_from: began - spec.to,
            ordered_until: began - spec.from,
            after: at.after.clone().map(|(micros, id)| (Timestamp::from_micros(micros), id)),
        })
    }

    /// Moves on after a page: to its last order, or to the end of the round.
    pub fn advance(&mut self, step: &Step, last: Option<(Timestamp, String)>) {
        let at = &mut self.tiers[step.tier];
        match last {
            Some((when, id)) => at.after = Some((when.micros(), id)),
            None => {
                at.after = None;
                at.running = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn young_orders_come_round_often_and_old_ones_rarely() {
        let start = Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap();
        let mut position = Position::read(None);
        let mut rounds = [0; TIERS.len()];
        for minute in 0..(24 * 60) {
            let now = start + Duration::from_secs(minute * 60);
            while let Some(step) = position.next(now) {
                rounds[step.tier] += 1;
                position.advance(&step, None);
            }
            position = Position::read(Some(&position.write()));
        }
        assert_eq!(rounds, [144, 24, 1, 4, 1]);
    }

    #[test]
    fn a_round_goes_on_where_it_stopped() {
        let start = Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap();
        let mut position = Position::read(None);
        let step = position.next(start).unwrap();
        position.advance(&step, Some((start, "a".to_owned())));
        let mut again = Position::read(Some(&position.write()));
        let later = again.next(start + Duration::from_secs(1)).unwrap();
        assert_eq!(later.after, Some((start, "a".to_owned())));
        assert_eq!(later.ordered_until, step.ordered_until, "the window of a round stands still");
    }
}
