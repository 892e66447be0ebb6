use proptest::prelude::*;

use super::*;

const OPEN: [&str; 2] = ["新規受付", "取寄せ"];
const LOOKBACK: Duration = Duration::from_secs(7 * 86_400);

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-21T12:00:00+09:00")
}

fn seen(numbers: std::ops::Range<u32>) -> Seen {
    Seen { numbers: numbers.map(|n| n.to_string()).collect(), ..Seen::default() }
}

/// A whole pass over lists in which nothing is found.
fn pass(state: &mut State, stream: Stream, now: Timestamp) -> Vec<Window> {
    let mut windows = Vec::new();
    while let Some(part) = state.next(stream, now, LOOKBACK, &OPEN) {
        windows.push(part.window);
        state.take(stream, &Seen::default());
        if !state.more() {
            break;
        }
    }
    windows
}

#[test]
fn new_goes_back_two_days_and_further_after_an_outage() {
    let mut state = State::read(None);
    let first = pass(&mut state, Stream::New, now());
    assert_eq!((first[0].start, first[0].end), (day("2026-11-14"), day("2026-11-21")));
    let mut state = State::read(Some(&state.write()));
    let later = pass(&mut state, Stream::New, now() + Duration::from_secs(600));
    assert_eq!((later[0].start, later[0].end), (day("2026-11-19"), day("2026-11-21")));
    let after_outage = pass(&mut state, Stream::New, now() + DAY * 100);
    assert_eq!(after_outage[0].start, day("2026-11-20"), "the stored day minus one");
    assert_eq!(after_outage.len(), 4);
    assert!(after_outage.windows(2).all(|w| on(w[0].end, 1) == w[1].start));
    assert!(after_outage.iter().all(|w| (w.end - w.start).num_days() < 30));
    // A clock set back by a week still lists its own today.
    let back = pass(&mut state, Stream::New, now() + DAY * 93);
    assert_eq!(back.last().unwrap().end, (now() + DAY * 93).jst_date());
    assert!(back[0].start < back[0].end);
}

#[test]
fn a_day_is_japans() {
    let mut state = State::read(None);
    let part = state.next(Stream::New, at("2026-11-20T15:00:00Z"), Duration::ZERO, &OPEN).unwrap();
    assert_eq!((part.window.start, part.window.end), (day("2026-11-21"), day("2026-11-21")));
}

#[test]
fn late_reads_the_week_the_deadlines_and_the_payments_and_daily_everything_open() {
    let mut state = State::read(None);
    let deep = pass(&mut state, Stream::Late, now());
    let states: Vec<_> = deep.iter().filter_map(|w| w.status.as_deref()).collect();
    assert_eq!(states, OPEN);
    assert!(deep.iter().filter(|w| w.status.is_some()).all(|w| w.start == floor()));
    let closed = deep.iter().filter(|w| w.status.is_none() && w.date_type == DateType::Ordered);
    assert!(closed.into_iter().all(|w| w.start >= day("2026-11-14")), "no further than the look-back");
    let hour = pass(&mut state, Stream::Late, now() + Duration::from_secs(3_600));
    let hour: Vec<_> = hour.iter().map(|w| (w.date_type, w.start, w.end)).collect();
    assert_eq!(
        hour,
        [
            (DateType::Ordered, day("2026-11-14"), day("2026-11-21")),
            (DateType::Deadline, day("2026-11-19"), day("2026-11-23")),
            (DateType::Paid, day("2026-11-19"), day("2026-11-21")),
        ]
    );
    let tomorrow = pass(&mut state, Stream::Late, now() + DAY);
    assert_eq!(tomorrow.iter().filter(|w| w.status.is_some()).count(), 2);
    let months_later = pass(&mut state, Stream::Late, now() + DAY * 100);
    let tail = (now() + DAY * 38).jst_date();
    assert!(months_later.iter().filter(|w| w.status.is_none()).all(|w| w.start >= tail));
    assert!(months_later.iter().any(|w| w.start == tail), "62 days once the look-back is past");
}

#[test]
fn backfill_is_clamped_and_ends() {
    let stream = Stream::Backfill { since: at("2015-01-01T00:00:00+09:00"), until: now() - DAY };
    let mut state = State::read(None);
    let windows = pass(&mut state, stream, now());
    assert_eq!(windows[0].start, floor());
    assert_eq!(windows.last().unwrap().end, day("2026-11-20"));
    assert_eq!(state.clamped_to, Some(floor()));
    let mut state = State::read(Some(&state.write()));
    assert_eq!(state.next(stream, now(), LOOKBACK, &OPEN), None);
}

#[test]
fn parts_overlap_and_a_pass_goes_on_where_it_stopped() {
    let mut state = State::read(None);
    state.next(Stream::New, now(), LOOKBACK, &OPEN).unwrap();
    state.take(Stream::New, &seen(0..200));
    let mut state = State::read(Some(&state.write()));
    let part = state.next(Stream::New, now() + DAY * 3, LOOKBACK, &OPEN).unwrap();
    assert_eq!((part.start, part.count), (191, 200));
    assert_eq!(part.window.end, day("2026-11-21"), "one fixed end");
    assert_eq!(state.watermark, None);
    state.take(Stream::New, &seen(190..230));
    assert_eq!((state.more(), state.watermark), (false, Some(day("2026-11-21"))));
}

#[test]
fn a_list_that_shifted_is_read_again_and_not_for_ever() {
    let mut state = State::read(None);
    let mut starts = Vec::new();
    for turn in 0..8 {
        let Some(part) = state.next(Stream::New, now(), LOOKBACK, &OPEN) else { break };
        starts.push(part.start);
        // Each time the part after the first has nothing in common with it.
        let from = if part.start == 1 { 0 } else { 1_000 * (turn + 1) };
        let until = if part.start == 1 { 200 } else { from + 10 };
        state.take(Stream::New, &seen(from..until));
        if !state.more() {
            break;
        }
    }
    assert_eq!(starts, [1, 191, 1, 191, 1, 191]);
    // Fewer in all than before: what followed has moved to positions already read.
    let mut state = State::read(None);
    state.next(Stream::New, now(), LOOKBACK, &OPEN).unwrap();
    state.take(Stream::New, &Seen { count: Some(300), ..seen(0..200) });
    state.take(Stream::New, &Seen { count: Some(290), ..seen(190..230) });
    assert_eq!(state.next(Stream::New, now(), LOOKBACK, &OPEN).unwrap().start, 1);
}

#[test]
fn a_smaller_limit_of_the_servers_own_ends_no_list() {
    for limit in [50, 100] {
        let mut state = State::read(None);
        let mut read = std::collections::BTreeSet::new();
        while let Some(part) = state.next(Stream::New, now(), LOOKBACK, &OPEN) {
            let from = part.start - 1;
            let part = seen(from..(from + limit).min(333));
            read.extend(part.numbers.clone());
            state.take(Stream::New, &part);
            if !state.more() {
                break;
            }
        }
        assert_eq!(read.len(), 333, "{limit}");
    }
}

#[test]
fn a_part_that_cannot_be_read_is_halved_down_to_numbers() {
    let mut state = State::read(None);
    let mut counts = Vec::new();
    loop {
        let part = state.next(Stream::New, now(), LOOKBACK, &OPEN).unwrap();
        counts.push(part.count);
        if part.numbers {
            break;
        }
        assert!(state.halve());
        state = State::read(Some(&state.write()));
    }
    assert_eq!(counts, [200, 100, 50, 25, 12, 6, 4, 4]);
    assert!(!state.halve(), "numbers that cannot be read are the service's fault");
    state.take(Stream::New, &seen(0..4));
    let part = state.next(Stream::New, now(), LOOKBACK, &OPEN).unwrap();
    assert_eq!((part.start, part.count, part.numbers), (5, 8, false), "never back over the bad one");
}

#[test]
fn what_is_refused_is_asked_for_in_shorter_lists_or_not_at_all() {
    let mut state = State::read(None);
    let own = |name: &str| name == "取寄せ";
    let mut refused = 0;
    while let Some(part) = state.next(Stream::Late, now(), LOOKBACK, &OPEN) {
        let long = (part.window.end - part.window.start).num_days() > 400;
        if part.window.status.as_deref() == Some("取寄せ") || long {
            assert!(state.refused(Stream::Late, own));
            refused += 1;
        } else {
            state.take(Stream::Late, &Seen::default());
        }
        if !state.more() {
            break;
        }
    }
    assert!(refused > 5 && state.watermark.is_some(), "{refused}");
    let mut state = State::read(None);
    state.next(Stream::New, now(), LOOKBACK, &OPEN).unwrap();
    assert!(!state.refused(Stream::New, own));
}

#[test]
fn a_foreign_cursor_starts_over() {
    for cursor in [serde_json::json!({"v": 2}), serde_json::json!("x"), serde_json::json!({"v":1,"todo":"x"})]
    {
        let mut state = State::read(Some(&Cursor(cursor)));
        let part = state.next(Stream::New, now(), LOOKBACK, &OPEN).unwrap();
        assert_eq!(part.window.start, day("2026-11-14"));
    }
}

/// What happens to a list between two calls.
#[derive(Clone, Debug)]
enum Between {
    Nothing,
    Added(u32),
    Removed(Vec<prop::sample::Index>),
}

fn between() -> impl Strategy<Value = Between> {
    prop_oneof![
        Just(Between::Nothing),
        (1_u32..30).prop_map(Between::Added),
        proptest::collection::vec(any::<prop::sample::Index>(), 1..10).prop_map(Between::Removed),
    ]
}

proptest! {
    /// Whichever way the list is sorted, whatever is added to it and (less than an overlap at a time) taken from it
    /// between calls, and wherever an order cannot be read: a pass ends, and what was there all the time is read.
    #[test]
    fn a_pass_ends_and_misses_nothing(
        size in 0_u32..1_200,
        ascending in any::<bool>(),
        grand_total in any::<bool>(),
        bad in proptest::collection::btree_set(0_u32..1_200, 0..3),
        changes in proptest::collection::vec(between(), 0..12),
    ) {
        let mut list: Vec<u32> = (0..size).collect();
        if !ascending { list.reverse(); }
        let mut stay: std::collections::BTreeSet<u32> = (0..size).collect();
        let mut read = std::collections::BTreeSet::new();
        let mut fresh = 10_000;
        let mut changes = changes.into_iter();
        let mut state = State::read(None);
        let mut ended = false;
        for _ in 0..400 {
            let Some(part) = state.next(Stream::New, now(), LOOKBACK, &OPEN) else { ended = true; break };
            let from = part.start as usize - 1;
            let shown: Vec<u32> = list.iter().skip(from).take(part.count as usize).copied().collect();
            if !part.numbers && shown.iter().any(|n| bad.contains(n)) {
                prop_assert!(state.halve());
            } else {
                read.extend(shown.iter().copied());
                let count = if grand_total { list.len() } else { shown.len() };
                let numbers = shown.iter().map(ToString::to_string).collect();
                state.take(Stream::New, &Seen { numbers, count: u32::try_from(count).ok(), total: None });
            }
            state = State::read(Some(&state.write()));
            if !state.more() { ended = true; break; }
            match changes.next().unwrap_or(Between::Nothing) {
                // Orders never overlap a part that is read without one: removals are for whole lists.
                Between::Removed(which) if bad.is_empty() => for index in which {
                    if list.is_empty() { break; }
                    let at = index.index(list.len());
                    stay.remove(&list.remove(at));
                },
                Between::Added(n) => for _ in 0..n {
                    if ascending { list.push(fresh); } else { list.insert(0, fresh); }
                    fresh += 1;
                },
                _ => {}
            }
        }
        prop_assert!(ended);
        let missed: Vec<_> = stay.difference(&read).collect();
        prop_assert!(missed.is_empty(), "{missed:?}");
    }

    /// Windows cover every day from the first to the last, in order, once.
    #[test]
    fn windows_cover_every_day(from in 0_u64..2_000, days in 0_u64..400) {
        let start = on(floor(), from);
        let covered: Vec<NaiveDate> = windows(DateType::Ordered, start, on(start, days))
            .into_iter()
            .flat_map(|w| (0..=w.end.signed_duration_since(w.start).num_days().unsigned_abs()).map(move |n| on(w.start, n)))
            .collect();
        let wanted: Vec<NaiveDate> = (0..=days).map(|n| on(start, n)).collect();
        prop_assert_eq!(covered, wanted);
    }
}
