//! Which searches a stream makes, and where it stands: pure (amazon-sp-api.md §17; decisions.md 15, 16).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::{SearchRequest, datetime};
use crate::clock::Timestamp;
use crate::malls::{Cursor, Stream};

const DAY: Duration = Duration::from_secs(86_400);
/// How far a search by change overlaps backwards (§17.2).
const OVERLAP: Duration = Duration::from_secs(10 * 60);
/// Where the answer names no bound, it is the time of the request less this (§17.4).
const SETTLING: Duration = Duration::from_secs(2 * 60);
/// A `…Before` must lie two minutes back (§8.1); the rest is for clocks that differ.
const BEFORE: Duration = Duration::from_secs(5 * 60);
/// A pagination token lives so long (§8.1).
const TOKEN: Duration = DAY;
/// How far the daily reconciliation goes back (§17.6).
const RECONCILED: Duration = Duration::from_secs(30 * 86_400);
/// What it asks for.
const TO_SHIP: &str = "UNSHIPPED,PARTIALLY_SHIPPED";
/// Every state in which something may still happen before an order ships (decisions.md 15).
const OPEN: &str = "PENDING_AVAILABILITY,PENDING,UNSHIPPED,PARTIALLY_SHIPPED,UNFULFILLABLE";
/// Japan shows orders from 2016 on (§3): 2016-01-01T00:00+09:00.
const FLOOR: Timestamp = Timestamp::from_micros(1_451_574_000_000_000);
/// The first window of a backfill; the next ones follow from how full it was, …
const FIRST_SPAN: Duration = Duration::from_secs(7 * 86_400);
/// … so that each has about so many pages: most calls read a whole page, and no window is read for longer than a token
/// lives, in case it is counted from the first page.
const PAGES_A_WINDOW: u32 = 200;
/// Windows grow and shrink by this much at most.
const STRETCH: u32 = 16;
/// A token refused so soon after the search was begun anew speaks against the search.
const YOUNG: Duration = Duration::from_secs(10 * 60);
/// Raised when the shape changes: an older cursor then starts over, which costs calls and loses nothing.
const VERSION: u32 = 1;

/// What a search begins with.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// How far back the first pass takes closed orders.
    pub lookback: Duration,
    /// Joined by commas.
    pub marketplace_ids: &'a str,
}

/// What one page of a search said.
#[derive(Clone, Debug)]
pub struct Hits {
    /// When it was asked for.
    pub sent_at: Timestamp,
    /// The token of the next page.
    pub next_token: Option<String>,
    /// `lastUpdatedBefore`: the search is valid up to here.
    pub bound: Option<Timestamp>,
}

/// A search under way: the texts of its first call, which all of its pages repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Search {
    request: SearchRequest,
    /// Of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// When that token was given.
    at: Timestamp,
    /// What the watermark becomes when the last page is stored: from the first page (§17.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound: Option<Timestamp>,
    /// A window of a backfill: its end, and whether it is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<(Timestamp, bool)>,
    /// Pages read.
    pages: u32,
}

/// Where a stream stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    v: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    search: Option<Search>,
    /// *New*: everything that changed before was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watermark: Option<Timestamp>,
    /// *New*: when the first pass began, whose look-back is counted from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<Timestamp>,
    /// *Late*: every open order, whatever its age, was read once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deep: bool,
    /// Backfill: everything ordered before was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upto: Option<Timestamp>,
    /// Backfill: the length of the next window, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span: Option<u64>,
    /// Pages read: in this pass, in the whole backfill.
    #[serde(default)]
    read: u64,
    /// A backfill that asked for more than the mall shows begins here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clamped_to: Option<Timestamp>,
    /// A backfill that has read everything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    done: bool,
    /// When a search was begun anew because its token was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    restarted: Option<Timestamp>,
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

    /// The page to read next, beginning a search if none is under way. `None`: nothing to search.
    pub fn next(
        &mut self,
        stream: Stream,
        now: Timestamp,
        basis: Basis<'_>,
    ) -> Option<(SearchRequest, Option<String>)> {
        // A token older than a day is dead: the search begins anew from where the last whole one ended (§17.2).
        if self.search.as_ref().is_some_and(|search| now.since(search.at) >= TOKEN) {
            self.search = None;
        }
        if self.search.is_none() && !self.done {
            self.begin(stream, now, basis);
        }
        self.search.as_ref().map(|search| (search.request.clone(), search.token.clone()))
    }

    fn begin(&mut self, stream: Stream, now: Timestamp, basis: Basis<'_>) {
        let request = SearchRequest::new(basis.marketplace_ids);
        let (request, window) = match stream {
            Stream::New => {
                // Of two clocks one may have been set back: the earlier time loses nothing.
                let began = *self.began.get_or_insert(now);
                let from = self.watermark.map_or(began.min(now) - basis.lookback, |w| w.min(now) - OVERLAP);
                (SearchRequest { last_updated_after: Some(datetime(from)), ..request }, None)
            }
            Stream::Late => {
                let (from, states, by) = if self.deep {
                    (now - RECONCILED, TO_SHIP, Some("MERCHANT".to_owned()))
                } else {
                    (FLOOR, OPEN, None)
                };
                let request = SearchRequest {
                    created_after: Some(datetime(from)),
                    fulfillment_statuses: Some(states.to_owned()),
                    fulfilled_by: by,
                    ..request
                };
                (request, None)
            }
            Stream::Backfill { since, until } => {
                self.clamped_to = (since < FLOOR).then_some(FLOOR);
                let start = self.upto.unwrap_or(since.max(FLOOR)).whole_second();
                let last = until.min(now - BEFORE).whole_second();
                if last <= start {
                    self.done = true;
                    return;
                }
                let span = Duration::from_secs(self.span.unwrap_or(FIRST_SPAN.as_secs()).max(1));
                // What is left and would make a window of less than half the size goes with this one.
                let end = if start + span + span / 2 >= last { last } else { start + span };
                let request = SearchRequest {
                    created_after: Some(datetime(start)),
                    created_before: Some(datetime(end)),
                    ..request
                };
                self.upto = Some(start);
                (request, Some((end, end == last)))
            }
            Stream::Open => return,
        };
        if !matches!(stream, Stream::Backfill { .. }) {
            self.read = 0;
        }
        self.search = Some(Search { request, token: None, at: now, bound: None, window, pages: 0 });
    }

    /// Takes in what the page of [`State::next`] said.
    pub fn take(&mut self, stream: Stream, hits: Hits) {
        let Some(mut search) = self.search.take() else { return };
        self.read += 1;
        search.pages = search.pages.saturating_add(1);
        search.bound = search.bound.or(hits.bound).or(Some(hits.sent_at - SETTLING));
        match hits.next_token {
            Some(token) => {
                search.token = Some(token);
                search.at = hits.sent_at;
                self.search = Some(search);
            }
            None => self.finish(stream, &search),
        }
    }

    fn finish(&mut self, stream: Stream, search: &Search) {
        match stream {
            Stream::New => self.watermark = search.bound.or(self.watermark),
            Stream::Late => self.deep = true,
            Stream::Backfill { .. } => {
                let Some((end, last)) = search.window else { return };
                let span = end.since(self.upto.unwrap_or(end));
                let fitting = span * PAGES_A_WINDOW / search.pages.max(1);
                let next = fitting.clamp(span / STRETCH, span * STRETCH);
                self.span = Some(next.as_secs().max(1));
                self.upto = Some(end);
                self.done = last;
            }
            Stream::Open => {}
        }
    }

    /// The token of the page was refused: the search begins anew (§17.5). `false`: that was done a moment ago, and is of
    /// no use.
    pub fn refused(&mut self, now: Timestamp) -> bool {
        if self.restarted.is_some_and(|at| now.since(at) < YOUNG && at <= now) {
            return false;
        }
        self.restarted = Some(now);
        if let Some(Search { window: Some((end, _)), .. }) = self.search.take() {
            // A window too large to be read while its tokens live.
            let span = end.since(self.upto.unwrap_or(end));
            self.span = Some((span / 2).as_secs().max(1));
        }
        true
    }

    /// Whether no page was read yet.
    #[must_use]
    pub const fn is_at_its_beginning(&self) -> bool {
        self.read == 0
    }

    /// Whether another page follows at once.
    #[must_use]
    pub fn more(&self, stream: Stream) -> bool {
        self.search.is_some() || (matches!(stream, Stream::Backfill { .. }) && !self.done)
    }

    /// Pages read of a backfill, and, since Amazon counts nothing, how many it will be if the days to come are like those
    /// read.
    #[must_use]
    pub fn progress(&self, stream: Stream) -> Option<(u64, u64)> {
        let Stream::Backfill { since, until } = stream else { return None };
        if self.done {
            return Some((self.read, self.read));
        }
        let start = since.max(FLOOR);
        let covered = self.upto?.since(start).as_secs();
        let under_way = u64::from(self.search.as_ref().map_or(0, |search| search.pages));
        let counted = u128::from(self.read.saturating_sub(under_way));
        let whole = u128::from(until.since(start).as_secs());
        let pages = (counted * whole).checked_div(u128::from(covered))?;
        Some((self.read, u64::try_from(pages).unwrap_or(u64::MAX).max(self.read + 1)))
    }
}

#[cfg(test)]
mod tests;
