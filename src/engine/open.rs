//! The *open* stream: every order of ours that is not closed is read again until it is, young ones often, old ones
//! rarely (architecture.md, "The way of the data"). Its cursor holds the pace, so that nothing but the stream's row is
//! written when nothing changed.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::domain::order::Status;
use crate::malls::Tier;

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
    pub fn read(cursor: Option<&serde_json::Value>, tiers: &[Tier]) -> Self {
        let mut position: Self = cursor.and_then(|value| Self::deserialize(value).ok()).unwrap_or_default();
        position.tiers.resize_with(tiers.len(), TierPosition::default);
        position
    }

    /// As a cursor.
    #[must_use]
    pub fn write(&self) -> serde_json::Value {
        serde_json::json!({ "tiers": self.tiers })
    }

    /// The page to read now, `None` when every tier has been read within its pace.
    #[must_use]
    pub fn next(&mut self, tiers: &[Tier], now: Timestamp) -> Option<Step> {
        let (tier, spec) = tiers.iter().enumerate().find(|(i, tier)| {
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
    use std::time::Duration;

    use super::*;

    const TIERS: [Tier; 3] = [
        Tier::new(Tier::BEFORE, 0, 3, 600),
        Tier::new(Tier::BEFORE, 3, 62, 3_600),
        Tier::new(Tier::AFTER, 0, 62, 86_400),
    ];

    #[test]
    fn young_orders_come_round_often_and_old_ones_rarely() {
        let start = Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap();
        let mut position = Position::read(None, &TIERS);
        let mut rounds = [0; TIERS.len()];
        for minute in 0..(24 * 60) {
            let now = start + Duration::from_secs(minute * 60);
            while let Some(step) = position.next(&TIERS, now) {
                rounds[step.tier] += 1;
                position.advance(&step, None);
            }
            position = Position::read(Some(&position.write()), &TIERS);
        }
        assert_eq!(rounds, [144, 24, 1]);
    }

    #[test]
    fn a_round_goes_on_where_it_stopped() {
        let start = Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap();
        let mut position = Position::read(None, &TIERS);
        let step = position.next(&TIERS, start).unwrap();
        position.advance(&step, Some((start, "a".to_owned())));
        let mut again = Position::read(Some(&position.write()), &TIERS);
        let later = again.next(&TIERS, start + Duration::from_secs(1)).unwrap();
        assert_eq!(later.after, Some((start, "a".to_owned())));
        assert_eq!(later.ordered_until, step.ordered_until, "the window of a round stands still");
    }
}
