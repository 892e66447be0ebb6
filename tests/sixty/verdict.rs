//! What must hold, counted in the gateway's books: what was done to each sale must have been right by what cart and slips
//! said then, and in the end each sale is as they want it, or a person is told why not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use chrono::Timelike as _;
use mallsync::clock::Timestamp;
use mallsync::domain::settlement::SettlementState;
use mallsync::sim::{Effect, Entry};

use crate::gateway::Sale;
use crate::house::House;
use crate::list::List;
use crate::story::{HOUR, Story};

/// The cart's file is read every other hour, and as often does the daemon look at what commands wrote.
const KNOWN: Duration = Duration::from_secs(4 * 3_600);
/// A change that comes so shortly before the sale is settled may come too late: then a person is asked.
const RACE: Duration = Duration::from_secs(22 * 3_600);
/// Sales that are told of in full.
const TOLD: usize = 3;

/// What was found so far.
pub struct Verdict {
    days: u32,
    broken: BTreeMap<String, BTreeSet<String>>,
    /// Calls were looked at until then.
    seen: Option<Timestamp>,
    /// Sales whose authorisation lapsed, each told once.
    lapsed: BTreeSet<String>,
    sums: BTreeMap<&'static str, u64>,
}

impl Verdict {
    /// Authorisations last so many days.
    pub fn new(days: u32) -> Self {
        Self { days, broken: BTreeMap::new(), seen: None, lapsed: BTreeSet::new(), sums: BTreeMap::new() }
    }

    fn broken(&mut self, number: &str, what: impl Into<String>) {
        self.broken.entry(number.to_owned()).or_default().insert(what.into());
    }

    fn count(&mut self, what: &'static str) {
        *self.sums.entry(what).or_default() += 1;
    }

    /// A day's look: what was called, and whose authorisation is over.
    pub async fn daily(&mut self, house: &House, stories: &[Story]) {
        let calls = house.world.calls();
        let new = calls.iter().filter(|call| self.seen.is_none_or(|seen| call.at > seen)).collect::<Vec<_>>();
        assert!(new.len() < 2_000, "the world forgets calls before they are looked at");
        for call in &new {
            if matches!(call.at.jst().hour(), 23 | 0) {
                let number = call.orders.first().cloned().unwrap_or_default();
                self.broken(&number, format!("{} was called at night: {}", call.function, call.at));
            }
        }
        self.seen = calls.last().map(|call| call.at).max(self.seen);
        let traffic = house.world.gateway_traffic();
        assert!(traffic.peak_in_flight <= 3, "more calls at a time than max_in_flight: {traffic:?}");
        self.lapses(house, stories).await;
    }

    /// An authorisation may end only where the gateway would not renew it, and then a person was told.
    async fn lapses(&mut self, house: &House, stories: &[Story]) {
        let (now, today) = (house.now(), house.now().jst_date());
        let mut list = None;
        for story in stories.iter().filter(|story| story.placed < now) {
            let sale = Sale::new(story, house.world.book_entries(&story.number));
            let last = sale.last_day(self.days);
            let canceled = story.between(now - KNOWN, now).iter().any(|version| version.canceled);
            if sale.status != 4 || today <= last || canceled || !self.lapsed.insert(story.number.clone()) {
                continue;
            }
            self.count("lapsed");
            let declined = story.declined().is_some_and(|at| at.jst_date() <= last);
            if !declined && !story.changed_early() {
                self.broken(
                    &story.number,
                    format!("its authorisation lapsed on {last}, and was not renewed"),
                );
            }
            if list.is_none() {
                list = Some(List::read(house).await);
            }
            if list.as_ref().is_some_and(|list| list.told_of(&story.number).is_empty()) {
                self.broken(
                    &story.number,
                    format!("its authorisation lapsed on {last}, and nobody was told"),
                );
            }
        }
    }

    /// The end: every sale as it is wanted, or in the list with a reason; nothing open, nothing repeated.
    pub async fn finally(&mut self, house: &House, stories: &[Story]) {
        let list = List::read(house).await;
        let now = house.now();
        for story in stories {
            let number = story.number.as_str();
            let sale = Sale::new(story, house.world.book_entries(number));
            for entry in sale.by_calls() {
                if matches!(entry.effect, Effect::Effective | Effect::Half) {
                    self.sums.entry(entry.function).and_modify(|n| *n += 1).or_insert(1);
                }
                if let Err(why) = right(story, entry) {
                    self.broken(number, format!("{} {} at {}: {why}", entry.function, entry.what, entry.at));
                }
            }
            if let Some(book) = house.world.book(number)
                && book.repeated() > 0
            {
                self.broken(number, format!("what was done was asked for again: {book:?}"));
            }
            for row in list.operations(number) {
                let progress = &row.operation.progress;
                let at_rest = progress.state.is_final()
                    || progress.state == mallsync::domain::operation::State::NeedsPerson
                    || progress.run_at > now;
                if !at_rest {
                    let kind = row.operation.intent.kind();
                    self.broken(number, format!("{kind} is left {}: {:?}", progress.state, progress.reason));
                }
            }
            self.outcome(story, &sale, &list, now);
        }
    }

    fn outcome(&mut self, story: &Story, sale: &Sale, list: &List, now: Timestamp) {
        let number = story.number.as_str();
        let wanted = story.version(now);
        let (asked, reasons) = (list.asked(number), list.told_of(number));
        let Some(row) = list.settlements.get(number) else {
            return self.broken(number, "the daemon does not know it");
        };
        if !asked.is_empty() {
            self.count("asked");
        }
        if reasons.iter().any(|reason| reason.trim().is_empty()) {
            self.broken(number, "a person is asked without a reason");
        }
        let why_not = wants(story, sale, self.days, now);
        match &why_not {
            // Nobody is troubled with what is as it should be.
            None if !asked.is_empty() && !story.trouble && !story.changed_early() => {
                self.broken(number, format!("all is well, yet a person is asked: {asked:?}"));
            }
            None => {}
            Some(why) if reasons.is_empty() => self.broken(number, format!("{why}, and nobody is told")),
            Some(why) => {
                let raced = sale.settled.is_some_and(|settled| settled < wanted.from + RACE);
                if !story.trouble && !story.changed_early() && !raced {
                    self.broken(number, format!("{why}, and a person is asked in vain: {reasons:?}"));
                }
            }
        }
        let shown = match sale.status {
            4 => SettlementState::Authorized,
            30 => SettlementState::Registered,
            31 => SettlementState::Settled,
            40 => SettlementState::Canceled,
            _ => SettlementState::Unknown,
        };
        let amount = row.settlement.amount.map(|yen| yen.0);
        if (row.settlement.state, amount) != (shown, Some(sale.amount)) {
            self.broken(
                number,
                format!(
                    "the daemon takes it for {} with {amount:?} yen, the gateway has {} with {}",
                    row.settlement.state, sale.status, sale.amount
                ),
            );
        }
    }

    /// Panics with the stories of what is broken; else says what was done.
    pub async fn pronounce(self, seed: u64, house: &House, stories: &[Story]) {
        if self.broken.is_empty() {
            println!("seed {seed} ({}): {} sales, {:?}", house.database, stories.len(), self.sums);
            return;
        }
        let list = List::read(house).await;
        let mut text = format!(
            "seed {seed} ({}): {} of {} sales are not as they should be, {:?}\n",
            house.database,
            self.broken.len(),
            stories.len(),
            self.sums
        );
        for (number, what) in &self.broken {
            writeln!(text, "{number}: {what:?}").unwrap();
        }
        for (number, what) in self.broken.iter().take(TOLD) {
            let Some(story) = stories.iter().find(|story| story.number == *number) else { continue };
            writeln!(text, "\n{story}  {what:#?}\n  the gateway's journal:").unwrap();
            for entry in house.world.book_entries(number) {
                writeln!(text, "    {entry:?}").unwrap();
            }
            text += &list.told(house.store(), number).await;
        }
        panic!("{text}");
    }
}

/// Whether what a call did was right by what cart and slips said then.
fn right(story: &Story, entry: &Entry) -> Result<(), String> {
    let changed = matches!(entry.effect, Effect::Effective | Effect::Half | Effect::Lapsed);
    if !changed {
        return Ok(());
    }
    if entry.lapsed {
        return Err("the authorisation was over".to_owned());
    }
    let then = story.between(entry.at - KNOWN, entry.at);
    let some = |what: &str, met: &dyn Fn(&crate::story::Version) -> bool| {
        if then.iter().any(met) { Ok(()) } else { Err(format!("{what}: {then:?}")) }
    };
    match entry.function {
        "E01" => {
            some("the amount is not due", &|v| !v.canceled && v.due == entry.amount)?;
            some("the slip is not the order's", &|v| v.registered(&story.number).contains(&entry.what))
        }
        "E02" => some("the slip is the order's", &|v| !v.registered(&story.number).contains(&entry.what)),
        "A06" if entry.from == 31 => Err("it was settled".to_owned()),
        "A06" => some("the order is not cancelled", &|v| v.canceled),
        "A07" => some("the amount is not due", &|v| !v.canceled && v.due == entry.amount),
        "A11" if entry.from != 4 => Err(format!("status {}", entry.from)),
        "A11" => some("the order is cancelled", &|v| !v.canceled),
        other => Err(format!("nobody asked for {other}")),
    }
}

/// Why a sale is not as cart and slips want it; `None`: it is.
fn wants(story: &Story, sale: &Sale, days: u32, now: Timestamp) -> Option<String> {
    let wanted = story.version(now);
    let registered = wanted.registered(&story.number);
    let lapsed = sale.status == 4 && now.jst_date() > sale.last_day(days);
    match sale.status {
        40 if wanted.canceled => None,
        status if wanted.canceled => Some(format!("cancelled, status {status}")),
        4 if registered.is_empty() && !lapsed => None,
        status if registered.is_empty() => Some(format!("waiting, status {status}, lapsed {lapsed}")),
        // The carrier scans the day after; two days later at the latest it is settled.
        30 if !story.unscanned && now > wanted.from + HOUR * 96 => Some("never settled".to_owned()),
        30 | 31 if sale.slips != registered => Some(format!("slips {:?} for {registered:?}", sale.slips)),
        30 | 31 if sale.amount != wanted.due => Some(format!("{} yen for {}", sale.amount, wanted.due)),
        30 | 31 => None,
        status => Some(format!("slipped, status {status}, lapsed {lapsed}")),
    }
}
