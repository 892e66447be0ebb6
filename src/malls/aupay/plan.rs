//! Which windows of days a stream lists, how it pages through them, and where it stands: pure (au-pay-market.md §4.1, §11;
//! decisions.md 15–17).
//!
//! The list has no stable order that is known, no grand total that is certain, and grows while it is read. So parts of it
//! overlap: a part begins with the last orders of the one before it. When none of them is there the list has shifted, and
//! the window is read again.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::malls::{Cursor, Stream};

/// Orders a call. A thousand are said to be taken; so many stay well below the size cap of answers (§4.1).
pub const PART: u32 = 200;
/// How many orders of the part before a part begins with, at most.
const OVERLAP: u32 = 10;
/// A part that cannot be read is halved down to so many, which are then read by number (decisions.md 17).
const FEW: u32 = 4;
/// A part shorter than asked for is the last one, unless it looks like a smaller limit of the server's own.
const ROUND: u32 = 50;
/// Parts of one window: more would be a list that never ends.
const MOST_PARTS: u32 = 5_000;
/// How often a window that shifted is read again in one pass; the next pass reads it anyway.
const AGAIN: u32 = 2;
/// Running clients ask for up to two months (§4.1).
const SPAN: u64 = 30;
/// Days that *new* goes back (§11: it runs every few minutes, *late* reads the rest of the week).
const NEW_DAYS: u64 = 2;
/// Days of orders that are listed again and again, whatever their state; older open ones are read by number.
pub const WEEK: u64 = 7;
/// Days that *late* goes back once a day, as at the other malls (decisions.md 15).
const TAIL: u64 = 62;
/// Days around today of which deadlines and payments are listed (§11).
const AROUND: u64 = 2;
const DAY: Duration = Duration::from_secs(86_400);
/// Raised when the shape changes: an older cursor then starts over, which costs calls and loses nothing.
const VERSION: u32 = 1;

/// The date that a window speaks of (§4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateType {
    /// Order date.
    Ordered,
    /// Payment date.
    Paid,
    /// Shipping deadline.
    Deadline,
}

impl std::fmt::Display for DateType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ordered => "0",
            Self::Paid => "2",
            Self::Deadline => "4",
        })
    }
}

/// One list: days × date type × status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Which date.
    pub date_type: DateType,
    /// In this state alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Inclusive.
    pub start: NaiveDate,
    /// Inclusive.
    pub end: NaiveDate,
}

/// The next call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Of this list.
    pub window: Window,
    /// From this position, counted from 1.
    pub start: u32,
    /// So many orders.
    pub count: u32,
    /// Only their numbers: the orders cannot be read together.
    pub numbers: bool,
}

/// What a call said.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Numbers of the orders in it, in its order; one that cannot be read has its stand-in.
    pub numbers: Vec<String>,
    /// `resultCount`: of this answer or in all.
    pub count: Option<u32>,
    /// A grand total that is one for certain.
    pub total: Option<u32>,
}

impl Seen {
    /// How many orders came.
    fn received(&self) -> u32 {
        u32::try_from(self.numbers.len()).unwrap_or(u32::MAX)
    }

    /// How many orders the window holds, where the answer tells: a count above what came cannot be that of the answer.
    fn all(&self) -> Option<u32> {
        self.total.or(self.count.filter(|count| *count > self.received()))
    }
}

/// Where a stream stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    v: u32,
    /// Windows still to be listed in this pass, the first one under way.
    #[serde(default)]
    todo: Vec<Window>,
    /// The next position in the first one, from 1.
    #[serde(default)]
    at: u32,
    /// Orders in the next call, when that is not [`PART`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
    /// The next call asks for numbers alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    numbers: bool,
    /// The last orders of the part before: the next part begins with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tail: Vec<String>,
    /// How many orders the window is said to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total: Option<u32>,
    /// How often the window was begun again.
    #[serde(default)]
    again: u32,
    /// Calls made for the window.
    #[serde(default)]
    parts: u32,
    /// Parts read in this pass.
    #[serde(default)]
    read: u64,
    /// Last day of the last whole pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watermark: Option<NaiveDate>,
    /// Last day of the pass under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<NaiveDate>,
    /// When the first pass began: closed orders are not taken from further back than its look-back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<Timestamp>,
    /// The last pass that went all the way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deep_at: Option<Timestamp>,
    /// A backfill that asked for more than the mall shows begins here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clamped_to: Option<NaiveDate>,
    /// A backfill that has read everything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    done: bool,
}

/// The oldest orders that anybody has read are of 2020 (§4.1).
fn floor() -> NaiveDate {
    NaiveDate::from_ymd_opt(2020, 1, 1).unwrap_or(NaiveDate::MIN)
}

fn back(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN)
}

fn on(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}

impl State {
    /// From a cursor. One that cannot be read, or of another version, starts over.
    #[must_use]
    pub fn read(cursor: Option<&Cursor>) -> Self {
        cursor
            .and_then(|c| serde_json::from_value::<Self>(c.0.clone()).ok())
            .filter(|s| s.v == VERSION)
            .unwrap_or_else(|| Self { v: VERSION, ..Self::default() })
    }

    /// As a cursor.
    #[must_use]
    pub fn write(&self) -> Cursor {
        Cursor(serde_json::to_value(self).unwrap_or(Value::Null))
    }

    /// The call to make next, beginning a pass if none is under way; `open` names the states that may still change.
    /// `None`: nothing to list.
    pub fn next(
        &mut self,
        stream: Stream,
        now: Timestamp,
        lookback: Duration,
        open: &[&str],
    ) -> Option<Part> {
        if self.todo.is_empty() && !self.done {
            self.begin(stream, now, lookback, open);
        }
        let window = self.todo.first()?.clone();
        Some(Part { window, start: self.at.max(1), count: self.size(), numbers: self.numbers })
    }

    fn size(&self) -> u32 {
        self.size.unwrap_or(PART).clamp(1, PART)
    }

    /// Closed orders of before this moment were never asked for: they are not taken when a list shows them.
    #[must_use]
    pub fn closed_since(&self, lookback: Duration) -> Option<Timestamp> {
        self.began.map(|began| Timestamp::jst_midnight((began - lookback).jst_date()))
    }

    fn begin(&mut self, stream: Stream, now: Timestamp, lookback: Duration, open: &[&str]) {
        let today = now.jst_date();
        let began = *self.began.get_or_insert(now);
        let closed_since = (began - lookback).jst_date().min(today);
        // A clock that was set back must not make a window empty.
        let watermark = self.watermark.map(|day| back(day.min(today), 1));
        self.read = 0;
        self.until = Some(today);
        self.todo = match stream {
            Stream::New => {
                let start =
                    watermark.map_or(closed_since, |day| day.min(back(today, NEW_DAYS)).max(closed_since));
                windows(DateType::Ordered, start, today)
            }
            Stream::Late => self.late(now, watermark, closed_since, open),
            Stream::Backfill { since, until } => {
                let since = since.jst_date();
                self.clamped_to = (since < floor()).then(floor);
                windows(DateType::Ordered, since.max(floor()), until.jst_date().min(today))
            }
            Stream::Open => Vec::new(),
        };
        self.open_window();
        if self.todo.is_empty() {
            self.finish(stream);
        }
    }

    fn late(
        &mut self,
        now: Timestamp,
        watermark: Option<NaiveDate>,
        closed_since: NaiveDate,
        open: &[&str],
    ) -> Vec<Window> {
        let today = now.jst_date();
        let since = |days: u64| {
            let from = watermark.map_or(back(today, days), |day| day.min(back(today, days)));
            from.max(back(today, TAIL))
        };
        let mut todo = windows(DateType::Ordered, since(WEEK).max(closed_since), today);
        todo.extend(windows(DateType::Deadline, since(AROUND), on(today, AROUND)));
        todo.extend(windows(DateType::Paid, since(AROUND), today));
        if self.deep_at.is_none_or(|at| now.since(at) >= DAY || at > now) {
            self.deep_at = Some(now);
            todo.extend(windows(DateType::Ordered, back(today, TAIL).max(closed_since), back(today, WEEK)));
            // One list a state, from the beginning: the filter makes it short (§4.1).
            todo.extend(open.iter().map(|status| Window {
                date_type: DateType::Ordered,
                status: Some((*status).to_owned()),
                start: floor(),
                end: today,
            }));
        }
        todo
    }

    /// Takes in what the call of [`State::next`] said.
    pub fn take(&mut self, stream: Stream, seen: &Seen) {
        let size = self.size();
        let received = seen.received();
        self.read += 1;
        self.parts += 1;
        if self.has_shifted(stream, seen) && self.again < AGAIN {
            let again = self.again + 1;
            self.open_window();
            self.again = again;
            return;
        }
        self.total = seen.all().or(self.total);
        let end = self.at.max(1).saturating_add(received);
        let more_are_told = seen.all().is_some_and(|all| end <= all);
        let round = size == PART && received.is_multiple_of(ROUND);
        // Nearly a whole part: the service may have kept a few back.
        let whole = received.saturating_add(size.min(OVERLAP * 20) / 20) >= size;
        let more = received > 0 && (whole || more_are_told || round) && self.parts < MOST_PARTS;
        if !more {
            return self.close_window(stream);
        }
        // Back over a bad order's place it must never go, or it would be read for ever: less than a whole part.
        let overlap = if self.numbers { 0 } else { (received / 4).min(OVERLAP) };
        let tail = seen.numbers.len().saturating_sub(overlap as usize);
        self.tail = seen.numbers.get(tail..).unwrap_or_default().to_vec();
        self.at = end - overlap;
        self.numbers = false;
        self.size = Some(size.saturating_mul(2)).filter(|size| *size < PART);
    }

    /// Whether orders may have been missed since the part before.
    fn has_shifted(&self, stream: Stream, seen: &Seen) -> bool {
        let torn = !self.tail.is_empty() && !seen.numbers.iter().any(|number| self.tail.contains(number));
        let moved = self.total.zip(seen.all()).is_some_and(|(before, now)| {
            // The live streams come back to what was added; what was taken away has moved the rest.
            now < before || (now > before && matches!(stream, Stream::Backfill { .. }))
        });
        torn || moved
    }

    /// The call's answer cannot be read: fewer orders next, then their numbers alone. `false`: nothing is left to try.
    pub fn halve(&mut self) -> bool {
        if self.numbers || self.todo.is_empty() {
            return false;
        }
        let size = self.size();
        if size > FEW {
            self.size = Some((size / 2).max(FEW));
        } else {
            self.numbers = true;
        }
        true
    }

    /// The call was refused: a long window is cut in two, a filter by `own` (a status that the shop may have removed) is
    /// dropped. `false`: it is the request as such.
    pub fn refused(&mut self, stream: Stream, own: impl Fn(&str) -> bool) -> bool {
        let Some(window) = self.todo.first_mut() else { return false };
        if window.status.as_deref().is_some_and(own) {
            self.close_window(stream);
            return true;
        }
        let days = window.end.signed_duration_since(window.start).num_days();
        let Some(half) = u64::try_from(days / 2).ok().filter(|half| *half >= SPAN) else { return false };
        let middle = on(window.start, half);
        let later = Window { start: on(middle, 1), ..window.clone() };
        window.end = middle;
        self.todo.insert(1, later);
        self.open_window();
        true
    }

    fn open_window(&mut self) {
        self.at = 1;
        self.size = None;
        self.numbers = false;
        self.tail.clear();
        self.total = None;
        self.again = 0;
        self.parts = 0;
    }

    fn close_window(&mut self, stream: Stream) {
        self.todo.remove(0);
        self.open_window();
        if self.todo.is_empty() {
            self.finish(stream);
        }
    }

    fn finish(&mut self, stream: Stream) {
        self.watermark = self.until.take().or(self.watermark);
        self.done = matches!(stream, Stream::Backfill { .. });
    }

    /// Whether another call follows at once.
    #[must_use]
    pub fn more(&self) -> bool {
        !self.todo.is_empty()
    }

    /// Parts read, and parts in all as far as they are known: a window not begun counts as one.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        let left_here = match self.total {
            Some(total) if self.at > 1 => total.saturating_sub(self.at - 1).div_ceil(PART),
            _ => u32::from(self.at > 1),
        };
        let windows_left = (self.todo.len() as u64).saturating_sub(u64::from(self.at > 1));
        (self.read, self.read + u64::from(left_here) + windows_left)
    }
}

/// Windows of at most 30 days from `start` to `end`, both inclusive, oldest first.
fn windows(date_type: DateType, start: NaiveDate, end: NaiveDate) -> Vec<Window> {
    let mut windows = Vec::new();
    let mut from = start;
    while from <= end {
        let to = on(from, SPAN - 1).min(end);
        windows.push(Window { date_type, status: None, start: from, end: to });
        if to == NaiveDate::MAX {
            break;
        }
        from = on(to, 1);
    }
    windows
}

#[cfg(test)]
mod tests;
