//! What happens to one sale, and what its cart and its slips say after each act. Which sales there are is in `plots`.

use std::fmt::{self, Write as _};
use std::time::Duration;

use chrono::NaiveDate;
use mallsync::clock::Timestamp;
use mallsync::domain::order::Carrier;
use mallsync::domain::settlement::Wish;

pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3_600);
pub const DAY: Duration = Duration::from_secs(86_400);

/// Days in which something happens.
pub const DAYS: u32 = 60;

/// The rules that a sale is under: each is a contract of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rules {
    /// Everything that can be done by rule is.
    Apply,
    /// A changed amount, a cancel and a renewal are questions, which a person answers by commands some days later.
    Ask,
    /// B2クラウド registers the slips.
    B2,
}

impl Rules {
    /// The contract's name in the config.
    pub const fn contract(self) -> &'static str {
        match self {
            Self::Apply => mallsync::sim::SETTLEMENT,
            Self::Ask => "webcollect-ask",
            Self::B2 => "webcollect-b2",
        }
    }

    /// The cart's name of the payment.
    pub const fn payment(self) -> &'static str {
        match self {
            Self::Apply => "クロネコwebコレクト(カード)",
            Self::Ask => "クロネコwebコレクト(確認)",
            Self::B2 => "クロネコwebコレクト(送り状)",
        }
    }
}

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
    /// The carrier's file tells the slips of its parcels.
    Slips(Vec<(String, Carrier)>),
    /// The carrier's file tells one slip for these orders: one parcel brings them all.
    Together(String, Vec<String>),
    /// A person adds the slip of a further parcel.
    Further(String),
    /// A person corrects a slip.
    Replace(String, String),
    /// Staff in the gateway's console, or B2クラウド: the function, and its slip or amount.
    Console(&'static str, String),
    /// From now on the issuer declines the card.
    Decline,
    /// From now on the network refuses to cancel it.
    RefuseCancel,
    /// From now on a changed amount leaves the old one held as well (A077000001).
    KeepOld,
    /// The gateway takes no such slip.
    Dead(String),
    /// A person asks for something by command.
    Wish(Wish),
    /// A person holds it.
    Hold,
    /// A person releases it.
    Release,
    /// A person says that the money was paid back by hand.
    Resolve,
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
    pub rules: Rules,
    pub placed: Timestamp,
    pub amount: i64,
    /// It is a reservation that is to be sent then.
    pub planned: Option<NaiveDate>,
    /// In the order of their times; the first is the order.
    pub acts: Vec<(Timestamp, Act)>,
    /// It cannot come to its end without a person.
    pub trouble: bool,
    /// The carrier never scans its parcels.
    pub unscanned: bool,
    /// B2クラウド registers nothing of it, and says so.
    pub unregistered: bool,
    /// The command that corrects the slip was refused, with the reason: the slip stays as it was.
    pub refused: bool,
    /// The last command must wait: something is under way.
    pub again: bool,
    /// What a person asked for by command, and was not refused.
    pub wished: Vec<(Timestamp, Wish)>,
    /// When a person said that it was settled outside.
    pub resolved: Option<Timestamp>,
}

impl Story {
    /// What cart and slips say, from each change on.
    pub fn versions(&self) -> Vec<Version> {
        let mut now = Version { from: self.placed, due: self.amount, canceled: false, slips: Vec::new() };
        let mut versions = vec![now.clone()];
        for (at, act) in &self.acts {
            match act {
                Act::Due(due) => now.due = *due,
                Act::Cancel => now.canceled = true,
                Act::Slips(slips) => now.slips.extend(slips.iter().cloned()),
                Act::Together(slip, _) | Act::Further(slip) => {
                    now.slips.push((slip.clone(), Carrier::Yamato));
                }
                Act::Replace(..) if self.refused => continue,
                Act::Replace(old, new) => {
                    now.slips.retain(|(slip, _)| slip != old);
                    now.slips.push((new.clone(), Carrier::Yamato));
                }
                _ => continue,
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

    /// When the first act of a kind is.
    pub fn when(&self, is: impl Fn(&Act) -> bool) -> Option<Timestamp> {
        self.acts.iter().find(|(_, act)| is(act)).map(|(at, _)| *at)
    }

    /// Its amount changed before the first look can be counted on: whose money it is was not shown then, and a person is
    /// asked (decisions.md 2).
    pub fn changed_early(&self) -> bool {
        let early = self.placed + HOUR * 14;
        let changes = |act: &Act| matches!(act, Act::Due(_) | Act::Console("A07", _));
        self.acts.iter().any(|(at, act)| *at < early && changes(act))
    }

    /// Times in which a person holds it; one that never ends lasts for ever.
    pub fn holds(&self) -> Vec<(Timestamp, Timestamp)> {
        let mut holds: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (at, act) in &self.acts {
            match act {
                Act::Hold => holds.push((*at, *at + DAY * 1_000)),
                Act::Release => holds.iter_mut().for_each(|hold| hold.1 = hold.1.min(*at)),
                _ => {}
            }
        }
        holds
    }

    /// Whether a person holds it at some moment from `from` to `until`.
    pub fn held(&self, from: Timestamp, until: Timestamp) -> bool {
        self.holds().iter().any(|(begins, ends)| *begins < until && *ends > from)
    }

    /// Whether a person asked for it by `until`.
    pub fn wished(&self, until: Timestamp, is: impl Fn(&Wish) -> bool) -> bool {
        self.wished.iter().any(|(at, wish)| *at <= until && is(wish))
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{}: {}; {} yen, {:?}\n", self.number, self.about, self.amount, self.rules);
        for (at, act) in &self.acts {
            writeln!(text, "    {at} {act:?}")?;
        }
        for (at, wish) in &self.wished {
            writeln!(text, "    {at} asked for by command: {wish:?}")?;
        }
        f.write_str(&text)
    }
}
