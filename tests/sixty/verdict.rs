//! What must hold, counted in the gateway's books: what was done to each sale must have been right by what cart and slips
//! said then, and in the end each sale is as they want it, or a person is told why not. Nothing here asks the program what
//! it wanted: it is reckoned from the story of the sale and the gateway's journal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use chrono::Timelike as _;
use mallsync::clock::Timestamp;
use mallsync::domain::operation::State;
use mallsync::domain::settlement::SettlementState;
use mallsync::sim::Effect;

use crate::gateway::Sale;
use crate::house::House;
use crate::list::List;
use crate::matter::{Matter, not_renewable, unmet};
use crate::office::Morning;
use crate::right::{KNOWN, busiest_hour, right};
use crate::settings::in_flight;
use crate::story::{Rules, Story};

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

    pub fn count(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    fn add(&mut self, what: &'static str, count: u64) {
        *self.sums.entry(what).or_default() += count;
    }

    /// What a morning brought to light.
    pub fn morning(&mut self, morning: &Morning) {
        self.add("questions answered", morning.answered);
        for (contract, reason) in &morning.guarded {
            self.count("guards");
            if contract != Rules::Apply.contract() || !reason.contains("max_per_hour") {
                self.broken(contract, format!("it was held: {reason}"));
            }
        }
    }

    /// What was called since the last look.
    pub fn calls(&mut self, house: &House) {
        let calls = house.world.calls();
        let new = calls.iter().filter(|call| self.seen.is_none_or(|seen| call.at > seen)).collect::<Vec<_>>();
        assert!(new.len() < 2_000, "the world forgets calls before they are looked at");
        self.add("calls", u64::try_from(new.len()).unwrap());
        for call in &new {
            if matches!(call.at.jst().hour(), 23 | 0) {
                let number = call.orders.first().cloned().unwrap_or_default();
                self.broken(&number, format!("{} was called at night: {}", call.function, call.at));
            }
        }
        self.seen = calls.last().map(|call| call.at).max(self.seen);
        let traffic = house.world.gateway_traffic();
        assert!(
            traffic.peak_in_flight <= in_flight(),
            "more calls at a time than max_in_flight: {traffic:?}"
        );
    }

    /// A day's look. An authorisation may end only where the gateway would not renew it, or people kept us from it, and then
    /// a person was told.
    pub async fn lapses(&mut self, house: &House, stories: &[Story]) {
        let (now, today) = (house.now(), house.now().jst_date());
        let mut list = None;
        for story in stories.iter().filter(|story| story.placed < now) {
            if self.lapsed.contains(&story.number) {
                continue;
            }
            let sale = Sale::new(story, house.world.book_entries(&story.number));
            let last = sale.last_day(self.days);
            let canceled = story.between(now - KNOWN, now).iter().any(|version| version.canceled);
            if sale.status != 4 || today <= last || canceled {
                continue;
            }
            self.lapsed.insert(story.number.clone());
            self.count("lapsed");
            if not_renewable(story, &sale, self.days).is_none() {
                self.broken(
                    &story.number,
                    format!("on {today}: its authorisation lapsed on {last}, and was not renewed"),
                );
            }
            if list.is_none() {
                list = Some(List::read(house).await);
            }
            if list.as_ref().is_some_and(|list| !list.tells(&story.number, Matter::Ends)) {
                self.broken(
                    &story.number,
                    format!("on {today}: its authorisation lapsed on {last}, and nobody was told"),
                );
            }
        }
    }

    /// The end: every sale as it is wanted, or in the list with a reason; nothing open, nothing repeated.
    pub async fn finally(&mut self, house: &House, stories: &[Story]) {
        let list = List::read(house).await;
        let now = house.now();
        let mut by_rule = Vec::new();
        for story in stories {
            let number = story.number.as_str();
            let sale = Sale::new(story, house.world.book_entries(number));
            for entry in sale.by_calls() {
                if let Err(why) = right(story, &sale, entry) {
                    self.broken(number, format!("{} {} at {}: {why}", entry.function, entry.what, entry.at));
                }
                if entry.effect == Effect::Half {
                    self.count("half");
                }
            }
            for entry in sale.effects() {
                self.count(entry.function);
                if story.rules == Rules::Apply {
                    by_rule.push(entry.at);
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
                    || progress.state == State::NeedsPerson
                    || progress.run_at > now
                    || story.held(now, now);
                if !at_rest {
                    let kind = row.operation.intent.kind();
                    self.broken(number, format!("{kind} is left {}: {:?}", progress.state, progress.reason));
                }
            }
            self.outcome(story, &sale, &list, now);
        }
        let (busiest, guard) = (busiest_hour(by_rule), house.plan.max_per_hour);
        if busiest > guard {
            self.broken(Rules::Apply.contract(), format!("{busiest} changes within an hour, for {guard}"));
        }
        for (contract, differs, stored) in &list.reports {
            if differs != stored {
                let (is, was) = (differs.kinds(), stored.kinds());
                self.broken(contract, format!("`status` tells of {was}, what differs is {is}"));
            }
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
        let excused = story.trouble || story.changed_early();
        match unmet(story, sale, self.days, now) {
            // Nobody is troubled with what is as it should be.
            None if !asked.is_empty() && !excused => {
                self.broken(number, format!("all is well, yet a person is asked: {asked:?}"));
            }
            None => {}
            Some((why, matter)) if !list.tells(number, matter) => {
                self.broken(number, format!("{why}, and nobody is told so ({matter:?}): {reasons:?}"));
            }
            Some((why, _)) => {
                self.count("told");
                // Whoever is asked first is not always in time.
                let in_time = if story.rules == Rules::Ask { Duration::MAX } else { RACE };
                let raced = sale.settled.is_some_and(|settled| settled.since(wanted.from) < in_time);
                if !excused && !raced {
                    self.broken(number, format!("{why}, and a person is asked in vain: {reasons:?}"));
                }
            }
        }
        self.known(story, sale, (row.settlement.state, row.settlement.amount.map(|yen| yen.0)), now);
    }

    /// Whether the daemon takes it for what it is.
    fn known(
        &mut self,
        story: &Story,
        sale: &Sale,
        (state, amount): (SettlementState, Option<i64>),
        now: Timestamp,
    ) {
        let shown = match sale.status {
            // The gateway has no status for it.
            4 if now.jst_date() > sale.last_day(self.days) => SettlementState::Lapsed,
            4 => SettlementState::Authorized,
            5 => SettlementState::Reserved,
            15 => SettlementState::Refused,
            30 => SettlementState::Registered,
            31 => SettlementState::Settled,
            40 => SettlementState::Canceled,
            _ => SettlementState::Unknown,
        };
        if story.resolved.is_none() && (state, amount) != (shown, Some(sale.amount)) {
            self.broken(
                &story.number,
                format!(
                    "the daemon takes it for {state} with {amount:?} yen, the gateway has {} with {}",
                    sale.status, sale.amount
                ),
            );
        }
    }

    /// Panics with the stories of what is broken; else says what was done.
    pub async fn pronounce(&self, house: &House, stories: &[Story]) {
        let (seed, database) = (house.plan.seed, house.database());
        if self.broken.is_empty() {
            println!("seed {seed} ({database}): {} sales, {:?}", stories.len(), self.sums);
            return;
        }
        let list = List::read(house).await;
        let mut text = format!(
            "seed {seed} ({database}): {} of {} sales are not as they should be, {:?}\n",
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
