//! What happens to one sale, drawn from a seed: a sale of one seed is the same whichever others are there.

use std::fmt::{self, Write as _};
use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::domain::order::Carrier;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3_600);
pub const DAY: Duration = Duration::from_secs(86_400);

/// Days in which something happens.
pub const DAYS: u32 = 60;
/// No order is placed later: what it brings must come to rest.
const ORDERS: u32 = 52;

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The buyer checks out: the gateway authorises, the cart's file tells the order.
    Order,
    /// The cart's file tells another amount.
    Due(i64),
    /// The cart's file tells that it was cancelled.
    Cancel,
    /// The cart's file tells that it was sent.
    Ship,
    /// The carrier's file tells the slip.
    Slip(String, Carrier),
    /// A person adds the slip of a further parcel.
    Further(String),
    /// A person corrects a slip.
    Replace(String, String),
    /// Staff in the gateway's console: the function, and its slip or amount.
    Console(&'static str, String),
    /// From now on the issuer declines the card.
    Decline,
    /// A person asks for a renewal by command.
    Renew,
}

/// What a sale's cart and slips say from `from` on.
#[derive(Clone, Debug)]
pub struct Version {
    pub from: Timestamp,
    pub due: i64,
    pub canceled: bool,
    pub slips: Vec<(String, Carrier)>,
}

impl Version {
    /// What the gateway must show as registered in the end.
    pub fn registered(&self, number: &str) -> Vec<String> {
        let yamato = self.slips.iter().filter(|(_, carrier)| *carrier == Carrier::Yamato);
        let mut slips: Vec<String> = yamato.map(|(slip, _)| slip.clone()).collect();
        if slips.is_empty() && !self.slips.is_empty() {
            slips.push(number.to_owned());
        }
        slips.sort();
        slips
    }
}

/// One sale.
#[derive(Clone, Debug)]
pub struct Story {
    /// Order number and reception number.
    pub number: String,
    /// What it is about, for people.
    pub about: &'static str,
    pub placed: Timestamp,
    pub amount: i64,
    /// In the order of their times; the first is the order.
    pub acts: Vec<(Timestamp, Act)>,
    /// It cannot come to its end without a person.
    pub trouble: bool,
    /// The carrier never scans its parcels.
    pub unscanned: bool,
    /// The command that corrects the slip was refused, with the reason: the slip stays as it was.
    pub refused: bool,
}

/// A sound Yamato number.
pub fn yamato(serial: u64) -> String {
    let body = 41_000_000_000 + serial;
    format!("{body}{}", body % 7)
}

impl Story {
    /// Sale `index` of `seed`, in a world that begins at `begin`.
    pub fn new(seed: u64, index: u64, begin: Timestamp) -> Self {
        let mut dice = StdRng::seed_from_u64(seed << 32 | index);
        let minutes = |dice: &mut StdRng, from: u64, to: u64| MINUTE * part(dice.random_range(from..to));
        let placed = begin + minutes(&mut dice, 30, u64::from(ORDERS) * 1_440);
        let amount = dice.random_range(1_000..60_000);
        let wait = match dice.random_range(0..100) {
            0..45 => Some(minutes(&mut dice, 180, 3 * 1_440)),
            45..72 => Some(minutes(&mut dice, 4 * 1_440, 25 * 1_440)),
            72..90 => Some(minutes(&mut dice, 25 * 1_440, 50 * 1_440)),
            _ => None,
        };
        let end = begin + DAY * DAYS;
        let slipped = wait.map(|wait| placed + wait).filter(|at| *at < end);
        let waits_until = slipped.unwrap_or(end);
        let other_carrier = dice.random_ratio(1, 10);
        let (slip, second) = (yamato(index * 10), yamato(index * 10 + 1));
        let mut story = Self {
            number: format!("S{seed}-{index:05}"),
            about: "nothing special",
            placed,
            amount,
            acts: vec![(placed, Act::Order)],
            trouble: false,
            unscanned: false,
            refused: false,
        };
        let first = if other_carrier {
            (format!("5{index:011}"), Carrier::Sagawa)
        } else {
            (slip.clone(), Carrier::Yamato)
        };
        if let Some(at) = slipped {
            story.acts.push((at, Act::Slip(first.0.clone(), first.1)));
        }
        // Some time while it waits; after the slip, if there is one and it is another carrier's matter.
        let between = |dice: &mut StdRng| {
            let span = u64::try_from(waits_until.since(placed).as_micros()).unwrap_or(0) / 60_000_000;
            placed + minutes(dice, span / 8 + 1, span * 7 / 8 + 2)
        };
        let another = |dice: &mut StdRng, amount: i64| {
            let part = dice.random_range(1..60);
            let other = if dice.random_ratio(1, 2) {
                amount + amount * part / 100
            } else {
                amount - amount * part / 100
            };
            if other == amount { amount + 1 } else { other }
        };
        let yamato_slip = slipped.filter(|_| !other_carrier);
        match (dice.random_range(0..100), slipped, yamato_slip) {
            (0..12, ..) => {
                let (at, to) = (between(&mut dice), another(&mut dice, amount));
                story.add("another amount while it waits", [(at, Act::Due(to))]);
            }
            (12..17, ..) => {
                let at = between(&mut dice);
                let first = another(&mut dice, amount);
                let second = another(&mut dice, first) + 7;
                story.add("two other amounts", [(at, Act::Due(first)), (at + HOUR * 30, Act::Due(second))]);
            }
            (17..24, Some(at), _) => {
                let (later, to) = (minutes(&mut dice, 30, 600), another(&mut dice, amount));
                story.add("another amount right after the slip", [(at + later, Act::Due(to))]);
            }
            (24..34, ..) => {
                let at = between(&mut dice);
                story.add("cancelled while it waits", [(at, Act::Cancel)]);
            }
            (34..38, Some(at), _) => {
                let later = minutes(&mut dice, 5, 600);
                story.add("cancelled right after the slip", [(at + later, Act::Cancel)]);
            }
            (38..41, Some(at), _) => {
                let later = minutes(&mut dice, 4 * 1_440, 6 * 1_440);
                story.add("cancelled after it was settled", [(at + later, Act::Cancel)]);
                story.trouble = true;
            }
            (41..48, _, Some(at)) => {
                let later = minutes(&mut dice, 30, 720);
                story.add("a corrected slip", [(at + later, Act::Replace(slip, second))]);
            }
            (48..51, _, Some(at)) => {
                let later = minutes(&mut dice, 4 * 1_440, 6 * 1_440);
                story
                    .add("a slip corrected after it was settled", [(at + later, Act::Replace(slip, second))]);
                story.trouble = true;
            }
            (51..55, _, Some(at)) => {
                let later = minutes(&mut dice, 20, 600);
                story.add("a further parcel", [(at + later, Act::Further(second))]);
            }
            (55..58, ..) => {
                let at = between(&mut dice);
                story.add("cancelled in the console, not in the cart", [(at, console("A06", ""))]);
                story.trouble = true;
            }
            (58..61, ..) => {
                let at = between(&mut dice);
                let acts = [(at, console("A06", "")), (at + MINUTE * 20, Act::Cancel)];
                story.add("cancelled in the console and in the cart", acts);
            }
            (61..64, ..) => {
                let (at, to) = (daytime(between(&mut dice)), another(&mut dice, amount));
                let acts = [(at, console("A07", &to.to_string())), (at + MINUTE * 20, Act::Due(to))];
                story.add("another amount in the console and in the cart", acts);
            }
            (64..67, _, Some(at)) => {
                story.add("registered in the console", [(at - MINUTE * 40, console("E01", &slip))]);
            }
            (67..70, ..) => {
                let at = daytime(between(&mut dice));
                story.add("renewed in the console", [(at, console("A11", ""))]);
            }
            (70..75, ..) => {
                let at = between(&mut dice);
                story.add("a card that is declined from then on", [(at, Act::Decline)]);
                story.trouble = true;
            }
            (75..78, ..) => {
                let (at, to) = (between(&mut dice), another(&mut dice, amount));
                story.add(
                    "a card that is declined, and another amount",
                    [(at, Act::Decline), (at + HOUR, Act::Due(to))],
                );
                story.trouble = true;
            }
            (78..81, ..) => {
                let at = between(&mut dice);
                story.add("renewed by a command", [(at, Act::Renew)]);
            }
            (81..83, _, Some(_)) => {
                story.about = "a parcel that is never scanned";
                story.unscanned = true;
            }
            _ => {}
        }
        let canceled = story.acts.iter().find(|(_, act)| *act == Act::Cancel).map(|(at, _)| *at);
        if let Some(at) = slipped.map(|at| at + HOUR * 6)
            && canceled.is_none_or(|canceled| at < canceled)
        {
            story.acts.push((at, Act::Ship));
        }
        // Nobody sends a parcel of a cancelled order.
        story.acts.retain(|(at, act)| {
            *at < end && (!matches!(act, Act::Slip(..)) || canceled.is_none_or(|canceled| *at < canceled))
        });
        story.acts.sort_by_key(|(at, _)| *at);
        story
    }

    fn add<const N: usize>(&mut self, about: &'static str, acts: [(Timestamp, Act); N]) {
        self.about = about;
        self.acts.extend(acts);
    }

    /// What cart and slips say, from each change on.
    pub fn versions(&self) -> Vec<Version> {
        let mut now = Version { from: self.placed, due: self.amount, canceled: false, slips: Vec::new() };
        let mut versions = vec![now.clone()];
        for (at, act) in &self.acts {
            match act {
                Act::Due(due) => now.due = *due,
                Act::Cancel => now.canceled = true,
                Act::Slip(slip, carrier) => now.slips.push((slip.clone(), *carrier)),
                Act::Further(slip) => now.slips.push((slip.clone(), Carrier::Yamato)),
                Act::Replace(..) if self.refused => continue,
                Act::Replace(old, new) => {
                    now.slips.retain(|(slip, _)| slip != old);
                    now.slips.push((new.clone(), Carrier::Yamato));
                }
                Act::Order | Act::Ship | Act::Console(..) | Act::Decline | Act::Renew => continue,
            }
            now.from = *at;
            versions.push(now.clone());
        }
        versions
    }

    /// The versions in force at some moment from `from` to `until`.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> Vec<Version> {
        let versions = self.versions();
        let ends = versions.iter().skip(1).map(|next| Some(next.from)).chain([None]).collect::<Vec<_>>();
        let in_force = |(version, end): &(Version, Option<Timestamp>)| {
            version.from <= until && end.is_none_or(|end| end >= from)
        };
        versions.into_iter().zip(ends).filter(in_force).map(|(version, _)| version).collect()
    }

    /// The last word of cart and slips by `now`.
    pub fn version(&self, now: Timestamp) -> Version {
        let mut versions = self.versions();
        versions.retain(|version| version.from <= now);
        versions.pop().unwrap()
    }

    /// Its amount changed before the first look can be counted on: whose money it is was not shown then, and a person is
    /// asked (decisions.md 2).
    pub fn changed_early(&self) -> bool {
        let early = self.placed + HOUR * 14;
        let changes = |act: &Act| matches!(act, Act::Due(_) | Act::Console("A07", _));
        self.acts.iter().any(|(at, act)| *at < early && changes(act))
    }

    /// From when on the card is declined.
    pub fn declined(&self) -> Option<Timestamp> {
        self.acts.iter().find(|(_, act)| *act == Act::Decline).map(|(at, _)| *at)
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{}: {}; {} yen\n", self.number, self.about, self.amount);
        for (at, act) in &self.acts {
            writeln!(text, "    {at} {act:?}")?;
        }
        f.write_str(&text)
    }
}

fn console(function: &'static str, what: &str) -> Act {
    Act::Console(function, what.to_owned())
}

/// The console is closed for A07 and A11 from 23:00 to 01:00.
fn daytime(at: Timestamp) -> Timestamp {
    let midnight = Timestamp::jst_midnight(at.jst_date());
    at.max(midnight + HOUR * 2).min(midnight + HOUR * 22)
}

fn part(n: u64) -> u32 {
    u32::try_from(n).unwrap()
}
