use proptest::prelude::*;

use super::*;

const BASIS: Basis<'static> =
    Basis { lookback: Duration::from_secs(7 * 86_400), marketplace_ids: "A1VC38T7YXB528" };

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn noon() -> Timestamp {
    at("2026-11-21T12:00:00Z")
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

fn page(sent_at: Timestamp, token: Option<&str>) -> Hits {
    Hits { sent_at, next_token: token.map(str::to_owned), bound: Some(sent_at - minutes(2)) }
}

fn stored(state: &State) -> State {
    State::read(Some(&state.write()))
}

#[test]
fn the_watermark_is_the_bound_of_the_first_page_and_moves_with_the_last() {
    let mut state = State::read(None);
    let (first, token) = state.next(Stream::New, noon(), BASIS).unwrap();
    assert_eq!(first.last_updated_after.as_deref(), Some("2026-11-14T12:00:00Z"));
    assert_eq!((first.last_updated_before.as_ref(), token), (None, None));
    state.take(Stream::New, page(noon(), Some("a+/=")));
    assert!(state.more(Stream::New));
    let mut state = stored(&state);
    assert_eq!(state.watermark, None);
    // An hour later, after a restart: the same texts, the next page.
    let later = noon() + minutes(60);
    let again = state.next(Stream::New, later, BASIS).unwrap();
    assert_eq!(again, (first, Some("a+/=".to_owned())));
    state.take(Stream::New, page(later, None));
    assert!(!state.more(Stream::New));
    let mut state = stored(&state);
    assert_eq!(state.watermark, Some(noon() - minutes(2)));
    let (next, _) = state.next(Stream::New, later, BASIS).unwrap();
    assert_eq!(next.last_updated_after.as_deref(), Some("2026-11-21T11:48:00Z"), "ten minutes' overlap");
}

#[test]
fn without_a_bound_it_is_two_minutes_before_the_request() {
    let mut state = State::read(None);
    state.next(Stream::New, noon(), BASIS).unwrap();
    state.take(Stream::New, Hits { bound: None, ..page(noon(), None) });
    assert_eq!(state.watermark, Some(noon() - minutes(2)));
}

#[test]
fn a_token_older_than_a_day_is_dropped_and_one_that_is_not_is_kept() {
    for stream in [Stream::New, Stream::Late, Stream::Backfill { since: noon() - DAY * 9, until: noon() }] {
        let mut state = State::read(None);
        let (first, _) = state.next(stream, noon(), BASIS).unwrap();
        state.take(stream, page(noon(), Some("t")));
        let young = stored(&state).next(stream, noon() + DAY - minutes(1), BASIS).unwrap();
        assert_eq!(young, (first, Some("t".to_owned())));
        let (_, token) = stored(&state).next(stream, noon() + DAY, BASIS).unwrap();
        assert_eq!(token, None, "{stream:?}");
    }
    // The first pass still begins where it began, and a later one where the last whole one ended.
    let mut state = State::read(None);
    state.next(Stream::New, noon(), BASIS).unwrap();
    state.take(Stream::New, page(noon(), Some("t")));
    let (again, _) = state.next(Stream::New, noon() + DAY * 3, BASIS).unwrap();
    assert_eq!(again.last_updated_after.as_deref(), Some("2026-11-14T12:00:00Z"));
}

#[test]
fn a_refused_token_begins_the_search_anew_once() {
    let mut state = State::read(None);
    state.next(Stream::New, noon(), BASIS).unwrap();
    state.take(Stream::New, page(noon(), None));
    let later = noon() + minutes(5);
    state.next(Stream::New, later, BASIS).unwrap();
    state.take(Stream::New, page(later, Some("t")));
    assert!(state.refused(later));
    let (again, token) = state.next(Stream::New, later, BASIS).unwrap();
    assert_eq!((again.last_updated_after.as_deref(), token), (Some("2026-11-21T11:48:00Z"), None));
    state.take(Stream::New, page(later, Some("u")));
    assert!(!state.refused(later + minutes(1)), "that speaks against the search");
    assert!(state.refused(later + minutes(16)));
    assert_eq!(state.watermark, Some(noon() - minutes(2)), "nothing is skipped");
}

#[test]
fn clocks_set_back_and_long_outages_leave_no_gap() {
    let mut state = State::read(None);
    state.next(Stream::New, noon(), BASIS).unwrap();
    state.take(Stream::New, page(noon(), None));
    let (far, _) = stored(&state).next(Stream::New, noon() + DAY * 200, BASIS).unwrap();
    assert_eq!(far.last_updated_after.as_deref(), Some("2026-11-21T11:48:00Z"));
    let (back, _) = stored(&state).next(Stream::New, noon() - DAY, BASIS).unwrap();
    assert_eq!(back.last_updated_after.as_deref(), Some("2026-11-20T11:50:00Z"));
}

#[test]
fn late_takes_every_open_order_once_and_then_a_month() {
    let mut state = State::read(None);
    let (deep, _) = state.next(Stream::Late, noon(), BASIS).unwrap();
    assert_eq!(deep.created_after.as_deref(), Some("2015-12-31T15:00:00Z"));
    assert_eq!((deep.fulfillment_statuses.as_deref(), deep.fulfilled_by), (Some(OPEN), None));
    state.take(Stream::Late, page(noon(), None));
    assert!(!state.more(Stream::Late));
    let (daily, _) = stored(&state).next(Stream::Late, noon() + DAY, BASIS).unwrap();
    assert_eq!(daily.created_after.as_deref(), Some("2026-10-23T12:00:00Z"));
    assert_eq!(daily.fulfillment_statuses.as_deref(), Some(TO_SHIP));
    assert_eq!(daily.fulfilled_by.as_deref(), Some("MERCHANT"));
}

/// Calls that a backfill of orders at `density` an hour takes, and the windows that it read.
fn backfill(days: u32, per_hour: impl Fn(u64) -> u64, now: Timestamp) -> (u64, u64, Vec<(String, String)>) {
    let stream = Stream::Backfill { since: now - DAY * days, until: now };
    let mut state = State::read(None);
    let (mut calls, mut orders, mut windows) = (0, 0, Vec::new());
    while let Some((request, _)) = state.next(stream, now, BASIS) {
        let (from, to) = (request.created_after.unwrap(), request.created_before.unwrap());
        let hours = |text: &str| Timestamp::parse(text).unwrap().since(now - DAY * days).as_secs() / 3_600;
        let here: u64 = (hours(&from)..hours(&to)).map(&per_hour).sum();
        let pages = here.div_ceil(100).max(1);
        windows.push((from, to));
        orders += here;
        for n in 1..=pages {
            calls += 1;
            state.next(stream, now, BASIS).unwrap();
            state.take(stream, page(now, (n < pages).then_some("t")));
            state = stored(&state);
        }
        assert!(state.more(stream) || state.progress(stream) == Some((calls, calls)));
    }
    (calls, orders, windows)
}

#[test]
fn a_backfill_reads_whole_pages() {
    for (days, per_hour) in [(30, 70), (60, 35), (365, 6), (700, 3), (3_000, 1)] {
        let (calls, orders, windows) = backfill(days, |_| per_hour, noon());
        let least = orders.div_ceil(100);
        assert!(
            orders > 40_000 && calls * 50 <= least * 51 + 50,
            "{days} days: {calls} calls, {least} would do"
        );
        assert!(windows.iter().zip(&windows[1..]).all(|(a, b)| a.1 == b.0), "windows share their ends");
        assert_eq!(windows.last().unwrap().1, datetime(noon() - BEFORE));
    }
    // Years without orders, then a crowd: windows grow and shrink.
    let (calls, orders, _) = backfill(2_000, |hour| if hour < 40_000 { 0 } else { 10 }, noon());
    assert!(calls <= orders.div_ceil(100) + 25, "{calls} calls for {orders} orders");
}

#[test]
fn a_backfill_is_clamped_and_ends() {
    let stream = Stream::Backfill { since: at("2010-01-01T00:00:00Z"), until: at("2016-01-01T12:00:00Z") };
    let mut state = State::read(None);
    let (first, _) = state.next(stream, noon(), BASIS).unwrap();
    assert_eq!(first.created_after.as_deref(), Some("2015-12-31T15:00:00Z"));
    assert_eq!(first.created_before.as_deref(), Some("2016-01-01T12:00:00Z"));
    assert_eq!(state.clamped_to, Some(FLOOR));
    state.take(stream, page(noon(), None));
    assert!(!state.more(stream));
    assert_eq!(stored(&state).next(stream, noon(), BASIS), None);
    let empty = Stream::Backfill { since: noon(), until: noon() };
    let mut state = State::read(None);
    assert_eq!(state.next(empty, noon(), BASIS), None);
    assert!(!state.more(empty));
}

#[test]
fn a_window_whose_tokens_die_is_halved() {
    let stream = Stream::Backfill { since: noon() - DAY * 20, until: noon() };
    let mut state = State::read(None);
    let (whole, _) = state.next(stream, noon(), BASIS).unwrap();
    assert_eq!(whole.created_before.as_deref(), Some("2026-11-08T12:00:00Z"));
    state.take(stream, page(noon(), Some("t")));
    assert!(state.refused(noon()));
    let (half, token) = stored(&state).next(stream, noon(), BASIS).unwrap();
    assert_eq!((half.created_after, token), (whole.created_after, None));
    assert_eq!(half.created_before.as_deref(), Some("2026-11-05T00:00:00Z"));
}

#[test]
fn a_foreign_cursor_starts_over() {
    for cursor in
        [serde_json::json!({"v": 2}), serde_json::json!("x"), serde_json::json!({"v":1,"search":"x"})]
    {
        let mut state = State::read(Some(&Cursor(cursor)));
        let (request, token) = state.next(Stream::New, noon(), BASIS).unwrap();
        assert_eq!((request.last_updated_after.as_deref(), token), (Some("2026-11-14T12:00:00Z"), None));
    }
}

proptest! {
    /// Whatever comes between two pages (calls that fail, waits, refused tokens, a clock set back), a change that the
    /// server could show is covered before the watermark passes it (I1), and every page of a search repeats the first
    /// one's texts.
    #[test]
    fn no_change_is_passed_by(steps in proptest::collection::vec((0_u64..200_000, 0_u8..8), 1..60)) {
        let mut state = State::read(None);
        let mut now = noon();
        let mut covered = None;
        let mut under_way: Option<SearchRequest> = None;
        for (seconds, what) in steps {
            let before = stored(&state);
            let (mut request, mut token) = state.next(Stream::New, now, BASIS).unwrap();
            if what == 1 && token.is_some() && state.refused(now) {
                (request, token) = state.next(Stream::New, now, BASIS).unwrap();
            }
            let from = Timestamp::parse(request.last_updated_after.as_deref().unwrap()).unwrap();
            match token {
                Some(_) => prop_assert_eq!(Some(&request), under_way.as_ref()),
                None => prop_assert!(covered.is_none_or(|covered| from <= covered), "a gap before {:?}", from),
            }
            match what {
                // The call fails: nothing is stored.
                2 => state = before,
                3..=5 => {
                    covered.get_or_insert(from);
                    state.take(Stream::New, page(now, Some("t")));
                    under_way = Some(request);
                }
                _ => {
                    state.take(Stream::New, page(now, None));
                    covered = state.watermark;
                }
            }
            state = stored(&state);
            let step = Duration::from_secs(seconds / 10);
            now = if what == 0 { now - step } else { now + step };
        }
    }

    /// Windows of a backfill cover its span without a gap, however many pages each has.
    #[test]
    fn a_backfill_ends_and_covers_its_span(
        days in 1_u32..3_000,
        pages in proptest::collection::vec(1_u32..900, 1..60),
    ) {
        let stream = Stream::Backfill { since: noon() - DAY * days, until: noon() };
        let mut state = State::read(None);
        let mut covered = noon() - DAY * days;
        let mut pages = pages.into_iter().chain(std::iter::repeat(1));
        while let Some((request, _)) = state.next(stream, noon(), BASIS) {
            let from = Timestamp::parse(request.created_after.as_deref().unwrap()).unwrap();
            prop_assert!(from <= covered, "a gap before {:?}", from);
            state.take(stream, page(noon(), Some("t")));
            state = stored(&state);
            let skipped = pages.next().unwrap();
            state.search.as_mut().unwrap().pages += skipped;
            state.read += u64::from(skipped);
            let (again, token) = state.next(stream, noon(), BASIS).unwrap();
            prop_assert_eq!((&again, token.as_deref()), (&request, Some("t")));
            state.take(stream, page(noon(), None));
            state = stored(&state);
            covered = Timestamp::parse(request.created_before.as_deref().unwrap()).unwrap();
            let (done, all) = state.progress(stream).unwrap();
            prop_assert!(done <= all);
        }
        prop_assert!(!state.more(stream));
        prop_assert_eq!(covered, noon() - BEFORE);
    }
}
