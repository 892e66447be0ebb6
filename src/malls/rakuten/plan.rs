//! Which windows a stream searches, and where it stands: pure (rakuten-rms.md §4.1, §9; decisions.md 15, 16).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::malls::{Cursor, Stream};

const DAY: Duration = Duration::from_secs(86_400);
/// The server allows 63 days; whether exactly 63 pass is untested (§4.1).
const SPAN: Duration = Duration::from_secs(62 * 86_400);
/// 730 days, less an hour for clocks that differ (§4.1).
const FLOOR: Duration = Duration::from_secs(730 * 86_400 - 3_600);
/// How far the *new* windows overlap backwards (§9).
const OVERLAP: Duration = Duration::from_secs(30 * 60);
/// Hits from which a window is halved: those past 15,000 cannot be read, and some may still arrive (§4.1).
const CROWDED: i64 = 14_000;
/// Hits a page (§4.1).
pub const PAGE: u32 = 1_000;
/// The last page that can be read (§4.1).
const LAST_PAGE: u32 = 15;
/// Raised when the shape changes: an older cursor then starts over, which costs calls and loses nothing.
const VERSION: u32 = 1;

/// Which states a window asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum States {
    /// All of them.
    All,
    /// Those that the mall or the shop may still change.
    Open,
    /// Shipped, completed, cancelled.
    Closed,
}

impl States {
    /// `orderProgressList`.
    #[must_use]
    pub const fn list(self) -> Option<&'static [u32]> {
        match self {
            Self::All => None,
            Self::Open => Some(&[100, 200, 300, 400, 800]),
            Self::Closed => Some(&[500, 600, 700, 900]),
        }
    }
}

/// One search: states × date type × span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Which states.
    pub states: States,
    /// 1 order date, 5 shipping-completion report.
    pub date_type: u8,
    /// Inclusive, whole seconds.
    pub start: Timestamp,
    /// Inclusive, whole seconds.
    pub end: Timestamp,
}

/// What one page of a search said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hits {
    /// Numbers on the page.
    pub on_page: usize,
    /// `totalRecordsAmount`.
    pub total: Option<i64>,
    /// `totalPages`.
    pub pages: Option<i64>,
}

/// Where a stream stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    v: u32,
    /// Windows still to be searched in this pass, the first one under way.
    #[serde(default)]
    todo: Vec<Window>,
    /// The next page of the first one, from 1.
    #[serde(default)]
    page: u32,
    /// Pages read in this pass.
    #[serde(default)]
    read: u64,
    /// End of the last whole pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watermark: Option<Timestamp>,
    /// End of the pass under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// When the first pass began: closed orders are not taken from further back than its look-back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<Timestamp>,
    /// The last pass that went back to the floor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deep_at: Option<Timestamp>,
    /// A backfill that asked for more than the mall shows begins here.
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

    /// The search to make next, beginning a pass if none is under way. `None`: nothing to search.
    pub fn next(&mut self, stream: Stream, now: Timestamp, lookback: Duration) -> Option<(Window, u32)> {
        let now = now.whole_second();
        if self.todo.is_empty() && !self.done {
            self.begin(stream, now, lookback);
        }
        let floor = now - FLOOR;
        while let Some(window) = self.todo.first_mut() {
            if window.end > floor {
                window.start = window.start.max(floor);
                return Some((window.clone(), self.page.max(1)));
            }
            // Everything in it has grown older than the mall shows.
            self.close_window(stream);
        }
        None
    }

    fn begin(&mut self, stream: Stream, now: Timestamp, lookback: Duration) {
        let floor = now - FLOOR;
        let began = *self.began.get_or_insert(now);
        self.page = 1;
        self.read = 0;
        self.until = Some(now);
        self.todo = match stream {
            Stream::New => {
                // A clock that was set back must not make the window empty.
                let start = self.watermark.map_or(now - lookback, |w| w.min(now) - OVERLAP);
                windows(States::All, 1, start.max(floor), now)
            }
            Stream::Late => {
                let closed_since = (now - SPAN).max(began - lookback);
                let mut todo = windows(States::Closed, 1, closed_since, now);
                todo.extend(windows(States::Closed, 5, closed_since, now));
                let deep = self.deep_at.is_none_or(|at| now.since(at) >= DAY || at > now);
                if deep {
                    self.deep_at = Some(now);
                }
                todo.extend(windows(States::Open, 1, if deep { floor } else { now - SPAN }, now));
                todo
            }
            Stream::Backfill { since, until } => {
                self.clamped_to = (since < floor).then_some(floor);
                windows(States::All, 1, since.whole_second().max(floor), until.whole_second().min(now))
            }
            Stream::Open => Vec::new(),
        };
        if self.todo.is_empty() {
            self.finish(stream);
        }
    }

    /// Takes in what the page of [`State::next`] said. `false`: the window is too crowded, its page is not to be used,
    /// and its halves come next.
    pub fn take(&mut self, stream: Stream, hits: Hits) -> bool {
        let Some(window) = self.todo.first_mut() else { return true };
        if hits.total.is_some_and(|n| n >= CROWDED)
            && let Some(middle) = middle(window)
        {
            let later = Window { start: middle, ..window.clone() };
            window.end = middle;
            self.todo.insert(1, later);
            self.page = 1;
            return false;
        }
        self.read += 1;
        let page = self.page.max(1);
        let more = hits.pages.map_or(hits.on_page >= PAGE as usize, |pages| i64::from(page) < pages);
        if more && hits.on_page > 0 && page < LAST_PAGE {
            self.page = page + 1;
        } else {
            self.close_window(stream);
        }
        true
    }

    fn close_window(&mut self, stream: Stream) {
        self.todo.remove(0);
        self.page = 1;
        if self.todo.is_empty() {
            self.finish(stream);
        }
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
    pub fn progress(&self, hits: Hits) -> (u64, u64) {
        let in_window = hits.pages.and_then(|n| u64::try_from(n).ok()).unwrap_or(1);
        let left_here = if self.page > 1 { in_window.saturating_sub(u64::from(self.page - 1)) } else { 0 };
        let windows_left = (self.todo.len() as u64).saturating_sub(u64::from(self.page > 1));
        (self.read, self.read + left_here + windows_left)
    }
}

fn middle(window: &Window) -> Option<Timestamp> {
    let middle = (window.start + window.end.since(window.start) / 2).whole_second();
    (window.start < middle && middle < window.end).then_some(middle)
}

/// Windows of at most 62 days from `start` to `end`, oldest first. They share their ends: both are inclusive.
fn windows(states: States, date_type: u8, start: Timestamp, end: Timestamp) -> Vec<Window> {
    let mut windows = Vec::new();
    let mut from = start.whole_second();
    while from < end {
        let to = (from + SPAN).min(end);
        windows.push(Window { states, date_type, start: from, end: to });
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
        while let Some((window, _)) = state.next(stream, now, WEEK) {
            seen.push(window);
            state.take(stream, Hits::default());
            if !state.more() {
                break;
            }
        }
        seen
    }

    #[test]
    fn new_windows_overlap_and_move_only_with_a_whole_pass() {
        let now = at("2026-11-21T12:00:00+09:00");
        let mut state = State::read(None);
        assert_eq!(pass(&mut state, Stream::New, now)[0].start, now - WEEK);
        let later = now + Duration::from_secs(300);
        let mut state = State::read(Some(&state.write()));
        let (window, page) = state.next(Stream::New, later, WEEK).unwrap();
        assert_eq!((window.start, window.end, page), (now - OVERLAP, later, 1));
        assert!(state.take(Stream::New, Hits { on_page: 1_000, total: Some(1_500), pages: Some(2) }));
        // Interrupted between two pages: the second page of the same window follows, whatever the time.
        let mut state = State::read(Some(&state.write()));
        let resumed = state.next(Stream::New, later + WEEK, WEEK).unwrap();
        assert_eq!((resumed.0, resumed.1), (window, 2));
        assert_eq!(state.watermark, Some(now));
        state.take(Stream::New, Hits { on_page: 500, total: Some(1_500), pages: Some(2) });
        assert_eq!(state.watermark, Some(later));
    }

    #[test]
    fn a_long_outage_is_cut_into_windows_that_the_mall_takes() {
        let start = at("2026-01-01T00:00:00+09:00");
        let mut state = State::read(None);
        pass(&mut state, Stream::New, start);
        let windows = pass(&mut state, Stream::New, start + DAY * 200);
        assert_eq!(windows.len(), 4);
        assert!(windows.iter().all(|w| w.end.since(w.start) <= SPAN));
        assert_eq!(windows[0].start, start - OVERLAP);
        assert!(windows.windows(2).all(|p| p[0].end == p[1].start));
        // A clock set back by a day still searches.
        assert_eq!(pass(&mut state, Stream::New, start + DAY * 199)[0].start, start + DAY * 199 - OVERLAP);
    }

    #[test]
    fn late_goes_to_the_floor_first_and_daily() {
        let now = at("2026-11-21T12:00:00+09:00");
        let mut state = State::read(None);
        let deep = pass(&mut state, Stream::Late, now);
        let open: Vec<_> = deep.iter().filter(|w| w.states == States::Open).collect();
        assert_eq!(open.len(), 12);
        assert_eq!(open[0].start, now - FLOOR);
        let closed: Vec<_> = deep.iter().filter(|w| w.states == States::Closed).collect();
        assert_eq!(closed.iter().map(|w| w.date_type).collect::<Vec<_>>(), [1, 5]);
        assert!(closed.iter().all(|w| w.start == now - WEEK), "closed orders no further than the look-back");
        let six_hours = Duration::from_secs(6 * 3_600);
        assert_eq!(pass(&mut state, Stream::Late, now + six_hours).len(), 3);
        assert_eq!(pass(&mut state, Stream::Late, now + DAY).len(), 14);
        let months_later = pass(&mut state, Stream::Late, now + DAY * 100);
        assert_eq!(months_later[0].start, now + DAY * 100 - SPAN, "62 days once the look-back is past");
    }

    #[test]
    fn backfill_is_clamped_and_ends() {
        let now = at("2026-11-21T12:00:00+09:00");
        let stream = Stream::Backfill { since: now - DAY * 1_000, until: now - DAY };
        let mut state = State::read(None);
        let windows = pass(&mut state, stream, now);
        assert_eq!(windows[0].start, now - FLOOR);
        assert_eq!(windows.last().unwrap().end, now - DAY);
        assert_eq!(state.clamped_to, Some(now - FLOOR));
        let mut state = State::read(Some(&state.write()));
        assert_eq!(state.next(stream, now, WEEK), None);
    }

    #[test]
    fn crowded_windows_are_halved_until_they_fit() {
        let now = at("2026-11-21T12:00:00+09:00");
        let stream = Stream::Backfill { since: now - DAY * 2, until: now };
        let mut state = State::read(None);
        let (whole, _) = state.next(stream, now, WEEK).unwrap();
        assert!(!state.take(stream, Hits { on_page: 1_000, total: Some(15_000), pages: Some(15) }));
        let (first, page) = state.next(stream, now, WEEK).unwrap();
        assert_eq!((first.start, first.end, page), (whole.start, now - DAY, 1));
        state.take(stream, Hits { on_page: 3, total: Some(3), pages: Some(1) });
        let (second, _) = state.next(stream, now, WEEK).unwrap();
        assert_eq!((second.start, second.end), (first.end, whole.end));
        // A single second cannot be halved: what can be read of it is read.
        let second = Stream::Backfill { since: now - Duration::from_secs(1), until: now };
        let mut state = State::read(None);
        state.next(second, now, WEEK).unwrap();
        assert!(state.take(second, Hits { on_page: 1_000, total: Some(20_000), pages: Some(20) }));
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
            totals in proptest::collection::vec(0_i64..40_000, 1..40),
        ) {
            let now = at("2026-11-21T12:00:00+09:00");
            let stream = Stream::Backfill { since: now - DAY * days, until: now };
            let mut state = State::read(None);
            let mut covered = now - DAY * days;
            let mut totals = totals.into_iter().chain(std::iter::repeat(5));
            for _ in 0..2_000 {
                let Some((window, page)) = state.next(stream, now, WEEK) else { break };
                let total = totals.next().unwrap_or(0);
                let pages = (total + 999) / 1_000;
                let on_page = if i64::from(page) <= pages { 1_000 } else { 0 };
                prop_assert!(window.start <= covered, "a gap before {:?}", window);
                state.take(stream, Hits { on_page, total: Some(total), pages: Some(pages) });
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
