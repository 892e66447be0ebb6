//! Schedules: five cron fields, or six with seconds first, read in Asia/Tokyo. The `cron` crate does the work; what it
//! reads otherwise than a crontab does (weekdays by number, two day fields at once) is refused instead of guessed.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset};

use crate::clock::{Timestamp, jst_offset};

/// When something runs.
#[derive(Clone)]
pub struct Schedule {
    text: String,
    cron: ::cron::Schedule,
}

/// Whether `text` is a schedule.
///
/// # Errors
/// What is wrong and what to write instead.
pub fn check(text: &str) -> Result<(), String> {
    Schedule::parse(text).map(|_| ())
}

impl Schedule {
    /// Parses five or six fields.
    ///
    /// # Errors
    /// What is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (seconds, rest) = match fields.as_slice() {
            rest if rest.len() == 5 => ("0", rest),
            [seconds, rest @ ..] if rest.len() == 5 => (*seconds, rest),
            _ => {
                return Err(format!(
                    "expected five fields (minute hour day month weekday) or six with seconds first, such as \
                     \"*/5 * * * *\", found {}",
                    fields.len()
                ));
            }
        };
        let (day, weekday) = (rest[2], rest[4]);
        if weekday.contains(|c: char| c.is_ascii_digit()) {
            return Err(format!(
                "weekdays are written by name, since systems number them differently: `MON-FRI` or `SAT,SUN` instead \
                 of `{weekday}`"
            ));
        }
        if !every(day) && !every(weekday) {
            return Err(format!(
                "a day of the month (`{day}`) and a weekday (`{weekday}`) at once mean different things to different \
                 systems: leave one of them `*`"
            ));
        }
        let idle = |item: &str| {
            item.split_once('/').is_some_and(|(_, step)| step.trim_start_matches('0').is_empty())
        };
        if fields.iter().flat_map(|field| field.split(',')).any(|item| item.is_empty() || idle(item)) {
            return Err("a step must be 1 or more, and nothing may be missing beside a comma".to_owned());
        }
        let six = format!("{seconds} {}", rest.join(" "));
        let cron = ::cron::Schedule::from_str(&six)
            .map_err(|_| format!("`{text}` has a field out of its range: {RANGES}"))?;
        let schedule = Self { text: fields.join(" "), cron };
        // Any day before the product was born serves: what never comes within decades of it never comes.
        if schedule.next_after(Timestamp::from_micros(1_700_000_000_000_000)).is_none() {
            return Err(format!("`{text}` never comes: no month has that day"));
        }
        Ok(schedule)
    }

    /// The first time later than `after`. `None` when there is none (years later than 2100 are not looked at).
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.upcoming(after).next()
    }

    /// All times later than `after`, in order.
    pub fn upcoming(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        let start: DateTime<FixedOffset> = after.utc().with_timezone(&jst_offset());
        self.cron.after(&start).map(Timestamp::from)
    }
}

const RANGES: &str = "seconds and minutes 0-59, hours 0-23, days 1-31, months 1-12 or JAN-DEC, weekdays SUN, MON, TUE, \
                      WED, THU, FRI, SAT; ranges go upwards";

fn every(field: &str) -> bool {
    matches!(field, "*" | "?")
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Datelike;
    use croner::parser::{CronParser, Seconds};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn next(schedule: &str, after: &str) -> String {
        Schedule::parse(schedule).unwrap().next_after(at(after)).unwrap().to_string()
    }

    #[test]
    fn schedules_are_read_in_japan_time() {
        assert_eq!(next("*/5 * * * *", "2026-11-21T09:57:30+09:00"), "2026-11-21T10:00:00+09:00");
        assert_eq!(next("*/5 * * * *", "2026-11-21T10:00:00+09:00"), "2026-11-21T10:05:00+09:00");
        assert_eq!(next("30 */5 * * * *", "2026-11-21T10:00:00+09:00"), "2026-11-21T10:00:30+09:00");
        assert_eq!(next("0 9 * * *", "2026-11-21T00:00:00Z"), "2026-11-22T09:00:00+09:00");
        assert_eq!(next("0 9 * * MON-FRI", "2026-11-21T00:00:00+09:00"), "2026-11-23T09:00:00+09:00");
        assert_eq!(next("0 0 31 * *", "2026-11-21T00:00:00+09:00"), "2026-12-31T00:00:00+09:00");
        assert_eq!(next("0 0 29 FEB *", "2026-11-21T00:00:00+09:00"), "2028-02-29T00:00:00+09:00");
        assert_eq!(next("59 23 31 12 *", "2026-12-31T23:58:59.999999+09:00"), "2026-12-31T23:59:00+09:00");
    }

    #[test]
    fn part_of_a_second_before_a_run_does_not_skip_it() {
        assert_eq!(next("0 10 * * *", "2026-11-21T09:59:59.999999+09:00"), "2026-11-21T10:00:00+09:00");
        assert_eq!(next("0 10 * * *", "2026-11-21T10:00:00.000001+09:00"), "2026-11-22T10:00:00+09:00");
    }

    #[test]
    fn what_systems_read_differently_is_refused_with_what_to_write() {
        let all = [
            "",
            "* * * *",
            "* * * * * * *",
            "@daily",
            "0 9 * * 1-5",
            "0 9 * * 0",
            "0 9 * * */2",
            "0 9 1 * MON",
            "60 * * * *",
            "* 24 * * *",
            "0 0 32 * *",
            "0 0 1 13 *",
            "0 9 * * FRI-MON",
            "*/0 * * * *",
            "1, * * * *",
            "*/00,3 * * * *",
            "5/ * * * *",
            "a * * * *",
            "0 0 30 2 *",
            "0 9 L * *",
            "-1 * * * *",
            "0 0 31 APR,JUN *",
        ];
        let told: Vec<String> =
            all.iter().map(|text| format!("{text:?}: {}", check(text).expect_err(text))).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        "": expected five fields (minute hour day month weekday) or six with seconds first, such as "*/5 * * * *", found 0
        "* * * *": expected five fields (minute hour day month weekday) or six with seconds first, such as "*/5 * * * *", found 4
        "* * * * * * *": expected five fields (minute hour day month weekday) or six with seconds first, such as "*/5 * * * *", found 7
        "@daily": expected five fields (minute hour day month weekday) or six with seconds first, such as "*/5 * * * *", found 1
        "0 9 * * 1-5": weekdays are written by name, since systems number them differently: `MON-FRI` or `SAT,SUN` instead of `1-5`
        "0 9 * * 0": weekdays are written by name, since systems number them differently: `MON-FRI` or `SAT,SUN` instead of `0`
        "0 9 * * */2": weekdays are written by name, since systems number them differently: `MON-FRI` or `SAT,SUN` instead of `*/2`
        "0 9 1 * MON": a day of the month (`1`) and a weekday (`MON`) at once mean different things to different systems: leave one of them `*`
        "60 * * * *": `60 * * * *` has a field out of its range: seconds and minutes 0-59, hours 0-23, days 1-31, months 1-12 or JAN-DEC, weekdays SUN, MON, TUE, WED, THU, FRI, SAT; ranges go upwards
        "* 24 * * *": `* 24 * * *` has a field out of its range: seconds and minutes 0-59, hours 0-23, days 1-31, months 1-12 or JAN-DEC, weekdays SUN, MON, TUE, WED, THU, FRI, SAT; ranges go upwards
        "0 0 32 * *": `0 0 32 * *` has a field out of its range: seconds and minutes 0-59, hours 0-23, days 1-31, months 1-12 or JAN-DEC, weekdays SUN, MON, TUE, WED, THU, FRI, SAT; ranges go upwards
        "0 0 1 13 *": `0 0 1 13 *` has a field out of its range: seconds and minutes 0-59, hours 0-23, days 1-31, months 1-12 or JAN-DEC, weekdays SUN, MON, TUE, WED, THU, FRI, SAT; ranges go upwards
        "0 9 * * FRI-MON": `0 9 * * FRI-MON` has a field out of its range: seconds and minutes 0-59, hours 0-23, days 1-31, months 1-12 or JAN-DEC, weekdays SUN, MON, TUE, WED, THU, FRI, SAT; ranges go upwards
        "*/0 * * * *": a step must be 1 or more, and nothing may be missing beside a comma
        "1, * * * *": a step must be 1 or more, and nothing may be missing beside a comma
        "*/00,3 * * * *": a step must be 1 or more, and nothing may be missing beside a comma
        "5/ * * * *": a step must be 1 or more, and nothing may be missing beside a comma
        "a * * * *": `a * * * *` has a field out of its range: seconds and minutes 0-59, hours 0-23, days 1-31, months 1-12 or JAN-DEC, weekdays SUN, MON, TUE, WED, THU, FRI, SAT; ranges go upwards
        "0 0 30 2 *": `0 0 30 2 *` never comes: no month has that day
        "0 9 L * *": `0 9 L * *` has a field out of its range: seconds and minutes 0-59, hours 0-23, days 1-31, months 1-12 or JAN-DEC, weekdays SUN, MON, TUE, WED, THU, FRI, SAT; ranges go upwards
        "-1 * * * *": `-1 * * * *` has a field out of its range: seconds and minutes 0-59, hours 0-23, days 1-31, months 1-12 or JAN-DEC, weekdays SUN, MON, TUE, WED, THU, FRI, SAT; ranges go upwards
        "0 0 31 APR,JUN *": `0 0 31 APR,JUN *` never comes: no month has that day
        "#);
    }

    /// `*`, `*/n`, `a`, `a-b`, `a,b` within a range, in the part of the grammar that both crates read.
    fn field(low: u32, high: u32) -> impl Strategy<Value = String> {
        prop_oneof![
            4 => Just("*".to_owned()),
            2 => (1..=high).prop_map(|n| format!("*/{n}")),
            2 => (low..=high).prop_map(|n| n.to_string()),
            1 => (low..=high, low..=high).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
            1 => (low..=high, low..=high).prop_map(|(a, b)| format!("{a},{b}")),
        ]
    }

    fn days() -> impl Strategy<Value = (String, String)> {
        let names = prop::sample::select(vec!["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]);
        prop_oneof![
            field(1, 31).prop_map(|day| (day, "*".to_owned())),
            names.prop_map(|name| ("*".to_owned(), name.to_owned())),
            prop::sample::select(vec!["MON-FRI", "SAT,SUN", "TUE-THU,SAT", "WED-SAT"])
                .prop_map(|names| ("*".to_owned(), names.to_owned())),
        ]
    }

    proptest! {
        #[test]
        fn the_next_runs_are_those_of_another_implementation(
            seconds in prop::option::of(field(0, 59)),
            minute in field(0, 59),
            hour in field(0, 23),
            (day, weekday) in days(),
            month in field(1, 12),
            start in 1_700_000_000i64..2_500_000_000,
        ) {
            let five = format!("{minute} {hour} {day} {month} {weekday}");
            let text = seconds.map_or_else(|| five.clone(), |s| format!("{s} {five}"));
            let oracle = CronParser::builder().seconds(Seconds::Optional).build().parse(&text).unwrap();
            let after = Timestamp::from_micros(start * 1_000_000);
            let Ok(schedule) = Schedule::parse(&text) else {
                // Refused for one reason alone: it never comes.
                prop_assert!(oracle.find_next_occurrence(&after.jst(), false).is_err());
                return Ok(());
            };
            let mut time = after.jst();
            for ours in schedule.upcoming(after).take(5) {
                time = oracle.find_next_occurrence(&time, false).unwrap();
                prop_assert_eq!(ours, Timestamp::from(time), "{} after {}", text, after);
            }
        }

        #[test]
        fn every_run_is_later_than_the_one_before(text in "[*0-9/, -]{0,20}", start in 0i64..4_000_000_000) {
            if let Ok(schedule) = Schedule::parse(&text) {
                let mut before = Timestamp::from_micros(start * 1_000_000);
                for next in schedule.upcoming(before).take(10) {
                    prop_assert!(next > before && next.micros() % 1_000_000 == 0 && next.jst().year() <= 2100);
                    before = next;
                }
            }
        }
    }
}
