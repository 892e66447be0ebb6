//! Which windows a stream searches, and where it stands: pure (yahoo-shopping.md §3, §5.4; decisions.md 15, 16).
//!
//! No search knows the time of change, so windows are listed again and again, and only what moved is read: *new* the
//! last week by order time, *late* the same week by publication time, four times a day what is up to 62 days old, and
//! once a day everything older.

use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::{By, Row};
use crate::clock::Timestamp;
use crate::malls::{Cursor, Stream};

const DAY: Duration = Duration::from_secs(86_400);
/// A limit on the span of a search is not published; 62 days are known to work (§5.1).
const SPAN: Duration = Duration::from_secs(62 * 86_400);
/// How far back *new* and *late* look each time (§3, "No change feed").
const LOOKBACK: Duration = Duration::from_secs(7 * 86_400);
/// How far back the tail goes, and how often.
const TAIL: Duration = Duration::from_secs(62 * 86_400);
const TAIL_EVERY: Duration = Duration::from_secs(6 * 3_600);
/// How far back orders of every state are listed once a day; older open ones are too.
pub const DEEP: Duration = Duration::from_secs(730 * 86_400);
/// Hits from which a window is halved: deep pages are slow, and a page cap must never be reached.
const CROWDED: u64 = 20_000;
/// Rows a page where most are known already (§5.1: 2,000 at most) …
const ROWS: u64 = 2_000;
/// … and where all of them are read, one call each: a page repeated after an interruption costs little.
const BACKFILL_ROWS: u64 = 200;
/// The last page that is read of a window: a server that never ends is not followed (§5.4).
const LAST_PAGE: u64 = CROWDED / BACKFILL_ROWS + 50;
/// Raised when the shape changes: an older cursor then starts over, which costs calls and loses nothing.
const VERSION: u32 = 1;

/// The first day that orders may be of: the oldest in the reference are of 2012 (§6.3). How far back a search may go is
/// not published.
#[must_use]
pub fn floor() -> Timestamp {
    NaiveDate::from_ymd_opt(2012, 1, 1).map_or(Timestamp::from_micros(0), Timestamp::jst_midnight)
}

/// One search: time × states × span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Which time.
    pub by: Times,
    /// Orders that are not completed or cancelled alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    /// Inclusive, whole seconds.
    pub start: Timestamp,
    /// Inclusive, whole seconds.
    pub end: Timestamp,
}

/// [`By`], as a cursor holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// Order time.
    Order,
    /// Publication time.
    Publication,
}

impl From<Times> for By {
    fn from(times: Times) -> Self {
        match times {
            Times::Order => Self::OrderTime,
            Times::Publication => Self::PublicationTime,
        }
    }
}

impl Window {
    /// `OrderStatus` of §9.1.
    #[must_use]
    pub fn statuses(&self) -> Option<&'static str> {
        self.open.then_some("1,2,3")
    }
}

/// What one page of a search said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hits {
    /// Rows on the page.
    pub on_page: u64,
    /// `TotalCount`.
    pub total: Option<u64>,
}

/// Where a stream stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    v: u32,
    /// Windows still to be searched in this pass, the first one under way.
    #[serde(default)]
    todo: Vec<Window>,
    /// Pages read of the first one.
    #[serde(default)]
    pages: u64,
    /// Pages read in this pass.
    #[serde(default)]
    read: u64,
    /// End of the last whole pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watermark: Option<Timestamp>,
    /// End of the pass under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// When the first pass began: orders closed before it are not taken from further back than its look-back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<Timestamp>,
    /// The last pass with the tail, and the last to the floor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tail_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deep_at: Option<Timestamp>,
    /// A backfill that asked for more than there can be begins here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clamped_to: Option<Timestamp>,
    /// A backfill that has read everything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    done: bool,
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

    /// The search to make next with its first row (from 1) and its rows a page, beginning a pass if none is under way.
    /// `None`: nothing to search.
    pub fn next(&mut self, stream: Stream, now: Timestamp, lookback: Duration) -> Option<(Window, u64, u64)> {
        let now = now.whole_second();
        if self.todo.is_empty() && !self.done {
            self.begin(stream, now, lookback);
        }
        let rows = rows(stream);
        self.todo.first().map(|window| (window.clone(), self.pages * rows + 1, rows))
    }

    fn begin(&mut self, stream: Stream, now: Timestamp, lookback: Duration) {
        let began = *self.began.get_or_insert(now);
        (self.pages, self.read, self.until) = (0, 0, Some(now));
        // A clock that was set back must not make the window empty.
        let since = |first: Duration| self.watermark.map_or(now - first, |w| w.min(now) - LOOKBACK);
        self.todo = match stream {
            Stream::New => {
                let start = since(lookback).max(began - lookback);
                windows(Times::Order, false, start, now)
            }
            Stream::Late => {
                let mut todo = windows(Times::Publication, false, since(lookback.max(LOOKBACK)), now);
                let due =
                    |at: Option<Timestamp>, every| at.is_none_or(|at| at > now || now.since(at) >= every);
                if due(self.tail_at, TAIL_EVERY) {
                    self.tail_at = Some(now);
                    // An hour within what *new* lists, for the time that passes between the two.
                    let end = now - LOOKBACK + Duration::from_secs(3_600);
                    todo.extend(windows(Times::Order, false, now - TAIL, end));
                }
                if due(self.deep_at, DAY) {
                    self.deep_at = Some(now);
                    todo.extend(windows(Times::Order, false, now - DEEP, now - TAIL));
                    todo.extend(windows(Times::Order, true, floor(), now - DEEP));
                }
                todo
            }
            Stream::Backfill { since, until } => {
                let floor = floor();
                self.clamped_to = (since < floor).then_some(floor);
                windows(Times::Order, false, since.max(floor), until.whole_second().min(now))
            }
            Stream::Open => Vec::new(),
        };
        if self.todo.is_empty() {
            self.finish(stream);
        }
    }

    /// Whether a row is to be read if it moved. Orders closed before the first pass are taken no further back than its
    /// look-back (decisions.md 15); those closed since may be ours.
    #[must_use]
    pub fn wants(&self, stream: Stream, row: &Row, lookback: Duration) -> bool {
        let (Some(began), false) = (self.began, matches!(stream, Stream::Backfill { .. })) else {
            return true;
        };
        let before = |at: Option<Timestamp>, limit: Timestamp| at.is_some_and(|at| at < limit);
        !(row.closed && before(row.ordered_at, began - lookback) && before(row.updated_at, began))
    }

    /// Takes in what the page of [`State::next`] said. `false`: the window is too crowded, its page is not to be used,
    /// and its halves come next.
    pub fn take(&mut self, stream: Stream, hits: Hits) -> bool {
        let Some(window) = self.todo.first_mut() else { return true };
        if self.pages == 0
            && hits.total.is_some_and(|n| n >= CROWDED)
            && let Some(middle) = middle(window)
        {
            let later = Window { start: middle, ..window.clone() };
            window.end = middle;
            self.todo.insert(1, later);
            return false;
        }
        self.read += 1;
        let rows = rows(stream);
        let passed = (self.pages + 1) * rows;
        let more = hits.total.map_or(hits.on_page >= rows, |total| passed < total);
        // An empty page ends the window even if the count says more (§5.4).
        if more && hits.on_page > 0 && self.pages + 1 < LAST_PAGE {
            self.pages += 1;
        } else {
            self.todo.remove(0);
            self.pages = 0;
            if self.todo.is_empty() {
                self.finish(stream);
            }
        }
        true
    }

    fn finish(&mut self, stream: Stream) {
        self.watermark = self.until.take().or(self.watermark);
        self.done = matches!(stream, Stream::Backfill { .. });
    }

    /// Whether another page follows at once.
    #[must_use]
    pub fn more(&self) -> bool {
        !self.todo.is_empty()
    }

    /// Pages read, and pages in all as far as they are known.
    #[must_use]
    pub fn progress(&self, stream: Stream, hits: Hits) -> (u64, u64) {
        let in_window = hits.total.map_or(1, |total| total.div_ceil(rows(stream)));
        let left_here = if self.pages > 0 { in_window.saturating_sub(self.pages) } else { 0 };
        let windows_left = (self.todo.len() as u64).saturating_sub(u64::from(self.pages > 0));
        (self.read, self.read + left_here + windows_left)
    }
}

const fn rows(stream: Stream) -> u64 {
    match stream {
        Stream::Backfill { .. } => BACKFILL_ROWS,
        Stream::New | Stream::Late | Stream::Open => ROWS,
    }
}

fn middle(window: &Window) -> Option<Timestamp> {
    let middle = (window.start + window.end.since(window.start) / 2).whole_second();
    (window.start < middle && middle < window.end).then_some(middle)
}

/// Windows of at most 62 days from `start` to `end`, oldest first; of open orders alone, which are few when they are
/// old, of a year. They share their ends: both are inclusive.
fn windows(by: Times, open: bool, start: Timestamp, end: Timestamp) -> Vec<Window> {
    let span = if open { DAY * 365 } else { SPAN };
    let mut windows = Vec::new();
    let mut from = start.whole_second();
    while from < end {
        let to = (from + span).min(end);
        windows.push(Window { by, open, start: from, end: to });
        from = to;
    }
    windows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WEEK: Duration = Duration::from_secs(7 * 86_400);

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn pass(state: &mut State, stream: Stream, now: Timestamp) -> Vec<Window> {
        let mut seen = Vec::new();
        while let Some((window, ..)) = state.next(stream, now, WEEK) {
            seen.push(window);
            state.take(stream, Hits::default());
            if !state.more() {
                break;
            }
        }
        seen
    }

    #[test]
    fn new_lists_the_last_week_each_time_and_no_more_than_the_first_pass_took() {
        let now = at("2026-11-21T12:00:00+09:00");
        let mut state = State::read(None);
        assert_eq!(pass(&mut state, Stream::New, now)[0].start, now - WEEK);
        let later = now + DAY;
        let mut state = State::read(Some(&state.write()));
        let (window, start, rows) = state.next(Stream::New, later, WEEK).unwrap();
        assert_eq!((window.start, window.end, start, rows), (now - WEEK, later, 1, 2_000));
        assert!(state.take(Stream::New, Hits { on_page: 2_000, total: Some(3_000) }));
        // Interrupted between two pages: the second page of the same window follows, whatever the time.
        let mut state = State::read(Some(&state.write()));
        let resumed = state.next(Stream::New, later + WEEK, WEEK).unwrap();
        assert_eq!((resumed.0, resumed.1), (window, 2_001));
        assert_eq!(state.watermark, Some(now));
        state.take(Stream::New, Hits { on_page: 1_000, total: Some(3_000) });
        assert_eq!(state.watermark, Some(later));
        assert_eq!(pass(&mut state, Stream::New, later + DAY)[0].start, later - WEEK);
        // A short look-back stays short until a week has passed.
        let mut short = State::read(None);
        short.next(Stream::New, now, DAY).unwrap();
        short.take(Stream::New, Hits::default());
        assert_eq!(short.next(Stream::New, later, DAY).unwrap().0.start, now - DAY);
    }

    #[test]
    fn a_long_outage_is_cut_into_windows_that_the_mall_takes() {
        let start = at("2026-01-01T00:00:00+09:00");
        let mut state = State::read(None);
        pass(&mut state, Stream::New, start);
        let windows = pass(&mut state, Stream::New, start + DAY * 200);
        assert_eq!(windows.len(), 4);
        assert!(windows.iter().all(|w| w.end.since(w.start) <= SPAN));
        assert_eq!(windows[0].start, start - WEEK);
        assert!(windows.windows(2).all(|p| p[0].end == p[1].start));
        // A clock set back by a day still searches.
        assert_eq!(pass(&mut state, Stream::New, start + DAY * 199)[0].start, start + DAY * 192);
    }

    #[test]
    fn late_goes_by_publication_each_time_and_to_the_floor_daily() {
        let now = at("2026-11-21T12:00:00+09:00");
        let mut state = State::read(None);
        let first = pass(&mut state, Stream::Late, now);
        let publication = |windows: &[Window]| windows.iter().filter(|w| w.by == Times::Publication).count();
        assert_eq!((publication(&first), first[0].start), (1, now - WEEK));
        assert!(
            first.iter().any(|w| w.open && w.start == floor()),
            "every open order that the mall can list"
        );
        assert_eq!(pass(&mut state, Stream::Late, now + Duration::from_secs(300)).len(), 1);
        let tail = pass(&mut state, Stream::Late, now + TAIL_EVERY);
        assert_eq!((tail.len(), publication(&tail)), (2, 1));
        assert_eq!(tail[1].start, now + TAIL_EVERY - TAIL);
        assert_eq!(pass(&mut state, Stream::Late, now + DAY).len(), first.len());
    }

    #[test]
    fn a_deep_pass_leaves_no_gap() {
        let now = at("2026-11-21T12:00:00+09:00");
        let mut state = State::read(None);
        let mut spans: Vec<_> = pass(&mut state, Stream::Late, now)
            .into_iter()
            .filter(|w| w.by == Times::Order)
            .map(|w| (w.start, w.end))
            .collect();
        spans.sort_unstable();
        assert_eq!(spans[0].0, floor());
        assert!(spans.windows(2).all(|pair| pair[1].0 <= pair[0].1));
        assert!(spans.last().unwrap().1 > now - LOOKBACK);
    }

    #[test]
    fn orders_closed_long_before_the_first_pass_are_not_taken() {
        let now = at("2026-11-21T12:00:00+09:00");
        let mut state = State::read(None);
        state.next(Stream::Late, now, WEEK).unwrap();
        let row = |closed, ordered_at, updated_at| Row {
            number: "s-1".into(),
            ordered_at: Some(ordered_at),
            updated_at: Some(updated_at),
            closed,
        };
        let wants = |row: &Row| state.wants(Stream::Late, row, WEEK);
        let old = now - DAY * 30;
        assert!(!wants(&row(true, old, now - DAY)));
        assert!(wants(&row(false, old, now - DAY)), "open");
        assert!(wants(&row(true, old, now)), "closed since");
        assert!(wants(&row(true, now - DAY, now - DAY)), "within the look-back");
        assert!(wants(&Row { updated_at: None, ..row(true, old, now) }));
        assert!(state.wants(Stream::Backfill { since: old, until: now }, &row(true, old, old), WEEK));
    }

    #[test]
    fn backfill_is_clamped_and_ends() {
        let now = at("2026-11-21T12:00:00+09:00");
        let stream = Stream::Backfill { since: at("2001-01-01T00:00:00+09:00"), until: now - DAY };
        let mut state = State::read(None);
        let windows = pass(&mut state, stream, now);
        assert_eq!(windows[0].start, floor());
        assert_eq!(windows.last().unwrap().end, now - DAY);
        assert_eq!(state.clamped_to, Some(floor()));
        let mut state = State::read(Some(&state.write()));
        assert_eq!(state.next(stream, now, WEEK), None);
    }

    #[test]
    fn crowded_windows_are_halved_until_they_fit() {
        let now = at("2026-11-21T12:00:00+09:00");
        let stream = Stream::Backfill { since: now - DAY * 2, until: now };
        let mut state = State::read(None);
        let (whole, ..) = state.next(stream, now, WEEK).unwrap();
        assert!(!state.take(stream, Hits { on_page: 200, total: Some(30_000) }));
        let (first, start, _) = state.next(stream, now, WEEK).unwrap();
        assert_eq!((first.start, first.end, start), (whole.start, now - DAY, 1));
        state.take(stream, Hits { on_page: 3, total: Some(3) });
        let (second, ..) = state.next(stream, now, WEEK).unwrap();
        assert_eq!((second.start, second.end), (first.end, whole.end));
        // A single second cannot be halved: what can be read of it is read.
        let second = Stream::Backfill { since: now - Duration::from_secs(1), until: now };
        let mut state = State::read(None);
        state.next(second, now, WEEK).unwrap();
        assert!(state.take(second, Hits { on_page: 200, total: Some(30_000) }));
    }

    #[test]
    fn an_empty_page_ends_a_window_whatever_the_count() {
        let now = at("2026-11-21T12:00:00+09:00");
        let mut state = State::read(None);
        state.next(Stream::New, now, WEEK).unwrap();
        state.take(Stream::New, Hits { on_page: 2_000, total: Some(5_000) });
        assert!(state.more());
        state.take(Stream::New, Hits { on_page: 0, total: Some(5_000) });
        assert!(!state.more());
    }

    #[test]
    fn a_foreign_cursor_starts_over() {
        let now = at("2026-11-21T12:00:00+09:00");
        for cursor in
            [serde_json::json!({"v": 2}), serde_json::json!("x"), serde_json::json!({"v":1,"todo":"x"})]
        {
            let mut state = State::read(Some(&Cursor(cursor)));
            assert_eq!(state.next(Stream::New, now, WEEK).unwrap().0.start, now - WEEK);
        }
    }

    proptest! {
        /// Whatever the server counts, a pass ends, and its windows cover the whole span without a gap.
        #[test]
        fn a_pass_ends_and_covers_its_span(
            days in 1_u32..400,
            totals in proptest::collection::vec(0_u64..60_000, 1..40),
        ) {
            let now = at("2026-11-21T12:00:00+09:00");
            let stream = Stream::Backfill { since: now - DAY * days, until: now };
            let mut state = State::read(None);
            let mut covered = now - DAY * days;
            let mut totals = totals.into_iter().chain(std::iter::repeat(5));
            for _ in 0..10_000 {
                let Some((window, start, rows)) = state.next(stream, now, WEEK) else { break };
                let total = totals.next().unwrap_or(0);
                let on_page = (total + 1).saturating_sub(start).min(rows);
                prop_assert!(window.start <= covered, "a gap before {:?}", window);
                state.take(stream, Hits { on_page, total: Some(total) });
                if state.todo.first().is_none_or(|next| next.start > window.start) {
                    covered = window.end;
                }
                state = State::read(Some(&state.write()));
            }
            prop_assert!(!state.more());
            prop_assert_eq!(covered, now);
        }
    }
}
