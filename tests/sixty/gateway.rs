//! What the gateway's books say of one sale.

use chrono::{Days, NaiveDate};
use mallsync::clock::Timestamp;
use mallsync::sim::{By, Effect, Entry};

use crate::story::Story;

/// One sale at the gateway: its journal, and what follows from it.
#[derive(Clone, Debug)]
pub struct Sale {
    pub entries: Vec<Entry>,
    /// 取引状況.
    pub status: u8,
    pub amount: i64,
    /// When the authorisation in force was made.
    authorized: Timestamp,
    /// When it was settled.
    pub settled: Option<Timestamp>,
    /// Slips on it.
    pub slips: Vec<String>,
}

impl Sale {
    /// From the journal.
    pub fn new(story: &Story, entries: Vec<Entry>) -> Self {
        let mut sale = Self {
            status: if story.planned.is_some() { 5 } else { 4 },
            amount: story.amount,
            authorized: story.placed,
            settled: None,
            slips: Vec::new(),
            entries: Vec::new(),
        };
        for entry in &entries {
            sale.status = entry.to;
            sale.amount = entry.amount;
            let changed = matches!(entry.effect, Effect::Effective | Effect::Half);
            match entry.function {
                // Each is a new authorisation, one that was asked for twice as well.
                "A07" | "reservation" if changed => sale.authorized = entry.at,
                "A11" if changed || entry.effect == Effect::Duplicate => sale.authorized = entry.at,
                "E01" if entry.effect == Effect::Effective => sale.slips.push(entry.what.clone()),
                "E02" if entry.effect == Effect::Effective => sale.slips.retain(|slip| *slip != entry.what),
                "A06" if entry.effect == Effect::Effective => sale.slips.clear(),
                "scan" | "batch" => sale.settled = Some(entry.at),
                _ => {}
            }
        }
        sale.slips.sort();
        sale.entries = entries;
        sale
    }

    /// The last day of the authorisation in force, which lasts `days` days, the first one included.
    pub fn last_day(&self, days: u32) -> NaiveDate {
        self.authorized.jst_date() + Days::new(u64::from(days - 1))
    }

    /// When its last slip was registered, by whomever.
    pub fn registered(&self) -> Option<Timestamp> {
        let registers = |entry: &&Entry| entry.function == "E01" && entry.effect == Effect::Effective;
        self.entries.iter().rev().find(registers).map(|entry| entry.at)
    }

    /// What calls changed, not staff.
    pub fn by_calls(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.by == By::Api)
    }

    /// What calls brought about.
    pub fn effects(&self) -> impl Iterator<Item = &Entry> {
        self.by_calls().filter(|entry| matches!(entry.effect, Effect::Effective | Effect::Half))
    }
}
