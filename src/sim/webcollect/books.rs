//! The gateway's books: every change by effect, and who made it, so that "exactly once" can be counted at the far end.

use serde::Serialize;

use super::state::Settlement;
use crate::clock::Timestamp;

/// Two authorisations by A11 closer together than this count as one asked for twice.
const REAUTHORIZED_LATELY_H: u64 = 24;

/// Who made an [`Entry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A call.
    Api,
    /// Staff, in the gateway's console.
    Console,
    /// The gateway: a scan, the nightly batch, the authorisation of a reservation.
    Gateway,
}

/// What became of what an [`Entry`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It happened.
    Effective,
    /// A call had done it before, and it stands: asked for twice. (A11 takes effect nevertheless.)
    Duplicate,
    /// The issuer or the network said no.
    Declined,
    /// One step of two happened: the settlement is on 16 or 17.
    Half,
    /// A capture refused because the authorisation is over.
    Lapsed,
}

/// One line of the gateway's journal of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When, in simulated time.
    pub at: Timestamp,
    /// `E01`, `E02`, `E03`, `A06`, `A07`, `A11`; `scan`, `batch`, `reservation` where the gateway itself acts.
    pub function: &'static str,
    /// The slip, the amount, the date: what tells two calls of a function apart. Empty for A06 and A11.
    pub what: String,
    /// What became of it.
    pub effect: Effect,
    /// Who.
    pub by: By,
    /// 取引状況 before.
    pub from: u8,
    /// 取引状況 after.
    pub to: u8,
    /// Yen on the settlement afterwards.
    pub amount: i64,
    /// Was the authorisation over by then?
    pub lapsed: bool,
}

/// The settled sums of one settlement that somebody touched. `repeated_*` count calls for what a call had done before
/// and what still stood: in good order all of them are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Book {
    /// 加盟店コード.
    pub trader_code: String,
    /// 受付番号.
    pub order_no: String,
    /// Captures in force: 1 once registered, 0 after an undo or a cancel.
    pub effective_captures: u32,
    /// Times the settlement went from authorised to captured, undone ones included.
    pub captures: u32,
    /// E01 calls for a slip that an E01 had put on it: refused, but each one a resend.
    pub repeated_captures: u32,
    /// E01 calls after the authorisation had lapsed, refused ones included.
    pub lapsed_captures: u32,
    /// 取引状況.
    pub status: u8,
    /// Yen.
    pub amount: i64,
    /// Slips on it.
    pub slips: Vec<String>,
    /// E01 calls that put a slip on it.
    pub registered_slips: u32,
    /// E02 calls that took a slip off it.
    pub undone_slips: u32,
    /// E02 calls for a slip that an E02 had taken off.
    pub repeated_undos: u32,
    /// A06 calls that cancelled it: 0 or 1.
    pub cancels: u32,
    /// A06 calls after an A06 had cancelled it.
    pub repeated_cancels: u32,
    /// Times the amount was changed.
    pub amount_changes: u32,
    /// A07 calls for the amount that an A07 had set.
    pub repeated_amount_changes: u32,
    /// Times it was authorised again.
    pub reauthorizations: u32,
    /// Those of them within a day of the one before.
    pub repeated_reauthorizations: u32,
    /// Times the planned ship date was changed.
    pub date_changes: u32,
    /// E03 calls for the date that an E03 had set.
    pub repeated_date_changes: u32,
    /// Times the issuer or the network said no, half-done changes included.
    pub declines: u32,
    /// Changes made in the gateway's console.
    pub by_hand: u32,
}

impl Book {
    /// Calls that asked for what had been done: zero, whatever the function, where each was sent once.
    #[must_use]
    pub fn repeated(&self) -> u32 {
        self.repeated_captures
            + self.repeated_undos
            + self.repeated_cancels
            + self.repeated_amount_changes
            + self.repeated_reauthorizations
            + self.repeated_date_changes
    }

    pub(super) fn new(order_no: &str, settlement: &Settlement, entries: &[Entry]) -> Self {
        let mut book = Self {
            trader_code: crate::sim::TRADER_CODE.to_owned(),
            order_no: order_no.to_owned(),
            status: settlement.status,
            amount: settlement.amount,
            slips: settlement.slips.iter().map(|slip| slip.number.clone()).collect(),
            ..Self::default()
        };
        let mut undone = 0;
        for entry in entries {
            let captured = |status| matches!(status, 30 | 31);
            undone += u32::from(captured(entry.from) && matches!(entry.to, 4 | 40));
            book.captures += u32::from(entry.from == 4 && captured(entry.to));
            let changed = matches!(entry.effect, Effect::Effective | Effect::Half);
            book.by_hand += u32::from(entry.by == By::Console && changed);
            book.declines += u32::from(matches!(entry.effect, Effect::Declined | Effect::Half));
            book.lapsed_captures += u32::from(entry.function == "E01" && entry.lapsed);
            if entry.by == By::Api {
                book.count(entry);
            }
        }
        book.effective_captures = book.captures.saturating_sub(undone);
        book
    }

    fn count(&mut self, entry: &Entry) {
        let count = match (entry.function, entry.effect) {
            ("E01", Effect::Effective) => &mut self.registered_slips,
            ("E01", Effect::Duplicate) => &mut self.repeated_captures,
            ("E02", Effect::Effective) => &mut self.undone_slips,
            ("E02", Effect::Duplicate) => &mut self.repeated_undos,
            ("E03", Effect::Effective) => &mut self.date_changes,
            ("E03", Effect::Duplicate) => &mut self.repeated_date_changes,
            ("A06", Effect::Effective) => &mut self.cancels,
            ("A06", Effect::Duplicate) => &mut self.repeated_cancels,
            ("A07", Effect::Effective) => &mut self.amount_changes,
            ("A07", Effect::Duplicate) => &mut self.repeated_amount_changes,
            ("A11", Effect::Effective) => &mut self.reauthorizations,
            ("A11", Effect::Duplicate) => {
                self.reauthorizations += 1;
                &mut self.repeated_reauthorizations
            }
            _ => return,
        };
        *count += 1;
    }
}

/// Did a call bring about what is asked for, and does that stand?
pub(super) fn stands(entries: &[Entry], function: &str, what: &str, now: Timestamp) -> bool {
    let took_effect = |e: &&Entry| matches!(e.effect, Effect::Effective | Effect::Duplicate);
    let slips = ["E01", "E02"];
    let same = |e: &&Entry| {
        if slips.contains(&function) {
            slips.contains(&e.function) && e.what == what
        } else {
            e.function == function
        }
    };
    entries.iter().rev().filter(took_effect).find(same).is_some_and(|e| {
        e.function == function
            && e.what == what
            && e.by == By::Api
            && (function != "A11" || now.since(e.at).as_secs() < REAUTHORIZED_LATELY_H * 3_600)
    })
}
