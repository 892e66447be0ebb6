//! What the gateway's books say of one sale.

use mallsync::clock::Timestamp;
use mallsync::domain::settlement::last_day;
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
            status: 4,
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
                "A07" if changed => sale.authorized = entry.at,
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

    /// The last day of the authorisation in force.
    pub fn last_day(&self, days: u32) -> chrono::NaiveDate {
        last_day(self.authorized.jst_date(), days).unwrap()
    }

    /// What calls changed, not staff.
    pub fn by_calls(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.by == By::Api)
    }
}
