//! What plots are drawn with.

use std::time::Duration;

use mallsync::clock::Timestamp;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::story::{Act, HOUR, MINUTE};

/// A sound Yamato number.
pub fn yamato(serial: u64) -> String {
    let body = 41_000_000_000 + serial;
    format!("{body}{}", body % 7)
}

pub fn console(function: &'static str, what: &str) -> Act {
    Act::Console(function, what.to_owned())
}

/// The console is closed for A07 and A11 from 23:00 to 01:00.
pub fn daytime(at: Timestamp) -> Timestamp {
    let midnight = Timestamp::jst_midnight(at.jst_date());
    at.max(midnight + HOUR * 2).min(midnight + HOUR * 22)
}

pub fn part(n: u64) -> u32 {
    u32::try_from(n).unwrap()
}

pub fn minutes(dice: &mut StdRng, from: u64, to: u64) -> Duration {
    MINUTE * part(dice.random_range(from..to))
}

/// What a plot is made from.
pub struct Draw {
    pub dice: StdRng,
    /// When the carrier's file tells the slips.
    pub slipped: Option<Timestamp>,
    /// Likewise, where it is Yamato who brings them.
    pub yamato: Option<Timestamp>,
    /// Until when it waits for its slip.
    pub until: Timestamp,
    pub slip: String,
    pub second: String,
}

impl Draw {
    /// Some time while it waits.
    pub fn between(&mut self, placed: Timestamp) -> Timestamp {
        let span = u64::try_from(self.until.since(placed).as_micros()).unwrap_or(0) / 60_000_000;
        placed + minutes(&mut self.dice, span / 8 + 1, span * 7 / 8 + 2)
    }

    pub fn another(&mut self, amount: i64) -> i64 {
        let part = self.dice.random_range(1..60);
        let more = self.dice.random_ratio(1, 2);
        let other = if more { amount + amount * part / 100 } else { amount - amount * part / 100 };
        if other == amount { amount + 1 } else { other }
    }

    pub fn later(&mut self, from: u64, to: u64) -> Duration {
        minutes(&mut self.dice, from, to)
    }
}
