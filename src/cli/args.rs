//! Arguments that several commands share, and how they are read.

use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::output::{Encoding, Format};
use crate::clock::{Timestamp, jst_offset};
use crate::domain::money::Yen;

/// How a list is written and how long it may be.
#[derive(Args, Clone, Copy, Debug)]
pub struct ListArgs {
    /// How to write the list [default: table on a terminal, json in a pipe]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// How CSV is encoded [default: utf-8, with a byte order mark]
    #[arg(long, value_enum, value_name = "ENCODING")]
    pub encoding: Option<Encoding>,
    /// At most so many rows [default: 50 on a terminal, all in a pipe]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// How a report of bounded length is written.
#[derive(Args, Clone, Copy, Debug)]
pub struct ReportArgs {
    /// How to write the report [default: table on a terminal, json in a pipe]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// How CSV is encoded [default: utf-8, with a byte order mark]
    #[arg(long, value_enum, value_name = "ENCODING")]
    pub encoding: Option<Encoding>,
}

impl From<ReportArgs> for ListArgs {
    fn from(args: ReportArgs) -> Self {
        Self { format: args.format, encoding: args.encoding, limit: Some(u64::MAX) }
    }
}

/// How one thing is shown.
#[derive(Args, Clone, Copy, Debug)]
pub struct ShowArgs {
    /// How to write it [default: table on a terminal, json in a pipe]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<ShowFormat>,
}

/// How one thing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ShowFormat {
    /// Lines up for people.
    Table,
    /// One JSON object.
    Json,
}

/// Whether a command that writes waits for what the daemon makes of it.
#[derive(Args, Clone, Copy, Debug)]
pub struct FollowArgs {
    /// Do not wait for what the running daemon makes of it
    #[arg(long)]
    pub no_wait: bool,
}

/// What a command does before money may move.
#[derive(Args, Clone, Copy, Debug)]
pub struct MoneyArgs {
    /// Show what would follow and write nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Do not ask: needed where there is no terminal
    #[arg(long)]
    pub yes: bool,
    /// Follow or not.
    #[command(flatten)]
    pub follow: FollowArgs,
}

/// A point in time as people give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// An instant.
    At(Timestamp),
    /// So long before now.
    Ago(Duration),
}

impl Moment {
    /// The instant, seen from `now`.
    pub fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => now - span,
        }
    }

    /// Reads `2026-11-21`, `2026-11-21 10:00`, RFC 3339, or `7d`, `12h`, `30m` before now.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let at = |naive: NaiveDateTime| {
            naive.and_local_timezone(jst_offset()).single().map(|at| Self::At(Timestamp::from(at)))
        };
        if let Ok(at) = Timestamp::parse(text) {
            return Ok(Self::At(at));
        }
        if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(Self::At(Timestamp::jst_midnight(date)));
        }
        for form in ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"] {
            if let Some(moment) = NaiveDateTime::parse_from_str(text, form).ok().and_then(at) {
                return Ok(moment);
            }
        }
        span(text).map(Self::Ago).ok_or_else(|| {
            "expected a day (2026-11-21, its beginning in Japan), a time (2026-11-21 10:00), RFC 3339, or how long ago \
             (7d, 12h, 30m)"
                .to_owned()
        })
    }
}

/// Reads a number of days: `7d` or `7`.
///
/// # Errors
/// What was expected.
pub fn days(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('d').unwrap_or(text).parse().ok();
    number.filter(|days| *days <= 3_660).ok_or_else(|| "expected a number of days, such as 7d".to_owned())
}

/// Reads yen as people write them: `9800` or `9,800`.
///
/// # Errors
/// What was expected.
pub fn amount(text: &str) -> Result<Yen, String> {
    let digits = text.replace(',', "");
    let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
    number.filter(|yen| *yen > 0).map(Yen).ok_or_else(|| "expected yen, such as 9800".to_owned())
}

fn span(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        _ => return None,
    };
    number.checked_mul(seconds).filter(|s| *s <= 100 * 366 * 86_400).map(Duration::from_secs)
}

/// Reads one of the words of a `words!` enum, listing them in the help.
pub fn word<T>(all: &'static [T], text: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.iter().map(|value| text(*value))).try_map(move |given| {
        all.iter()
            .copied()
            .find(|value| text(*value) == given)
            .ok_or_else(|| format!("no such word: {given}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_yen_are_read_as_people_write_them() {
        assert_eq!((days("7d"), days("0")), (Ok(7), Ok(0)));
        assert_eq!((amount("9800"), amount("12,800")), (Ok(Yen(9_800)), Ok(Yen(12_800))));
        for wrong in ["", "d", "-7d", "7w", "1h", "4000d"] {
            assert!(days(wrong).unwrap_err().starts_with("expected"), "{wrong}");
        }
        for wrong in ["", "0", "-5", "+5", "9.5", "9800円", "99999999999999999999"] {
            assert!(amount(wrong).unwrap_err().starts_with("expected"), "{wrong}");
        }
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        let at = |text: &str| Moment::At(Timestamp::parse(text).unwrap());
        assert_eq!(Moment::parse("2026-11-21").unwrap(), at("2026-11-21T00:00:00+09:00"));
        assert_eq!(Moment::parse("2026-11-21 10:05").unwrap(), at("2026-11-21T10:05:00+09:00"));
        assert_eq!(Moment::parse("2026-11-21T01:00:00Z").unwrap(), at("2026-11-21T10:00:00+09:00"));
        assert_eq!(Moment::parse("7d").unwrap(), Moment::Ago(Duration::from_secs(604_800)));
        for wrong in ["", "7", "d", "7w", "21/11/2026", "-7d", "7日", "99999999999999999999d"] {
            assert!(Moment::parse(wrong).unwrap_err().starts_with("expected a day"), "{wrong}");
        }
    }
}
