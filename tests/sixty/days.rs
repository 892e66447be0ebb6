//! The sixty days.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use mallsync::clock::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::runtime::Runtime;

use crate::house::{House, Life, Plan};
use crate::people::People;
use crate::story::{DAY, DAYS, HOUR, MINUTE, Story};
use crate::support::start;
use crate::verdict::Verdict;
use crate::weather;

/// Days after the last act, in which everything comes to rest.
const REST: u32 = 8;
/// Sales of a seed in CI.
const FEW: u64 = 44;
/// Sales of a seed where many seeds are asked for, and of the first one of them.
const MANY: u64 = 300;
const THOUSANDS: u64 = 2_000;
/// From so many seeds on it is no CI.
const SOAK: u64 = 10;
/// Hours between rounds that come every hour, in CI: of its time they would be the most.
const ROUND: u32 = 6;

#[expect(clippy::disallowed_methods, reason = "what the tests run is the environment's to say")]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|n| n.parse().ok())
}

fn seeds() -> u64 {
    asked("MALLSYNC_SEEDS").unwrap_or(1)
}

fn soak() -> bool {
    seeds() >= SOAK
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    /// Act `.1` of story `.0`.
    Act(usize, usize),
    Weather,
    /// The calls since the last look are looked at.
    Calls,
    Scan,
    Morning,
    Noon,
    /// The daemon is stopped and started.
    Restart,
    /// Likewise, with nothing but its config and its database.
    Remove,
    /// The daemon is killed soon, in the midst of a call.
    Doom,
}

/// Everything in the order of its time; weather is drawn while it goes.
fn calendar(seed: u64, stories: &[Story], begin: Timestamp) -> Vec<(Timestamp, Next)> {
    let mut dice = StdRng::seed_from_u64(seed ^ 0x5147);
    let acts = stories.iter().enumerate();
    let mut all: Vec<(Timestamp, Next)> = acts
        .flat_map(|(s, story)| story.acts.iter().enumerate().map(move |(a, (at, _))| (*at, Next::Act(s, a))))
        .collect();
    let midnight = Timestamp::jst_midnight(begin.jst_date());
    // The world remembers so many calls.
    let looks = if stories.len() > 500 { 8 } else { 2 };
    for day in 1..=DAYS + REST {
        let day_begins = midnight + DAY * day;
        all.push((day_begins + HOUR * 9 + MINUTE * 30, Next::Morning));
        all.push((day_begins + HOUR * 12, Next::Noon));
        all.push((day_begins + HOUR * 20 + MINUTE * 30, Next::Scan));
        all.extend((0..looks).map(|n| (day_begins + HOUR * (24 / looks) * n, Next::Calls)));
        let some_time = day_begins + MINUTE * dice.random_range(0..1_440);
        match day % 11 {
            4 => all.push((some_time, if day % 2 == 0 { Next::Restart } else { Next::Remove })),
            1 | 6 | 9 if day < DAYS => all.push((some_time, Next::Doom)),
            _ => {}
        }
    }
    let mut at = begin;
    while at < begin + DAY * DAYS {
        all.push((at, Next::Weather));
        at = at + MINUTE * dice.random_range(120..480);
    }
    all.sort();
    all
}

/// How far a seed is.
struct Course {
    house: House,
    stories: Vec<Story>,
    calendar: Vec<(Timestamp, Next)>,
    /// The first entry of the calendar that has not happened.
    next: usize,
    people: People,
    verdict: Verdict,
    dice: StdRng,
    outage_until: Timestamp,
}

impl Course {
    async fn new(seed: u64, sales: Range<u64>) -> Self {
        let begin = start();
        let stories: Vec<Story> = sales.map(|index| Story::new(seed, index, begin)).collect();
        let plan = Plan {
            seed,
            postgres: seed.is_multiple_of(2),
            days: [20, 14, 30][usize::try_from(seed % 3).unwrap()],
            round: if soak() { 1 } else { ROUND },
            max_per_hour: 3 + stories.len() / 100,
        };
        Self {
            house: House::new(plan).await,
            calendar: calendar(seed, &stories, begin),
            stories,
            next: 0,
            people: People::default(),
            verdict: Verdict::new(plan.days),
            dice: StdRng::seed_from_u64(seed ^ 0x3e11),
            outage_until: begin,
        }
    }

    /// From the start of the daemon to its death, or to the end.
    async fn live(&mut self) -> Life {
        self.house.begin().await;
        while let Some(&(at, next)) = self.calendar.get(self.next) {
            if self.house.run_until(at).await == Life::Lost {
                self.verdict.count("kills");
                return Life::Lost;
            }
            self.next += 1;
            self.happen(at, next).await;
        }
        let seed = self.house.plan.seed;
        assert!(!self.house.unread(), "seed {seed}: a file of the cart was never read");
        self.verdict.finally(&self.house, &self.stories).await;
        self.verdict.pronounce(&self.house, &self.stories).await;
        self.house.stop().await;
        Life::Goes
    }

    async fn happen(&mut self, at: Timestamp, next: Next) {
        let Self { house, stories, people, verdict, dice, .. } = self;
        let over = at >= start() + DAY * DAYS;
        if over {
            weather::calm(&house.world);
        }
        match next {
            Next::Act(s, a) => {
                let act = stories[s].acts[a].1.clone();
                people.act(house, &mut stories[s], &act).await;
                if std::mem::take(&mut stories[s].again) {
                    let later = (at + HOUR * 5, Next::Act(s, a));
                    stories[s].acts[a].0 = later.0;
                    let place = self.calendar.partition_point(|planned| *planned < later);
                    self.calendar.insert(place, later);
                }
            }
            Next::Weather => {
                // A day between two outages: whatever is due in days can be done.
                let outages = at >= self.outage_until;
                weather::change(&house.world, dice, outages);
                if outages {
                    self.outage_until = at + HOUR * 30;
                }
            }
            Next::Calls => verdict.calls(house),
            Next::Scan => house.scan(),
            Next::Morning => {
                let morning = people.morning(house, stories, dice, over).await;
                verdict.morning(&morning);
            }
            Next::Noon => verdict.lapses(house, stories).await,
            Next::Restart => house.restart().await,
            Next::Remove => house.remove().await,
            Next::Doom => house.doom(dice.random_range(1..4), dice.random_range(0..400)),
        }
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A seed from its first day to its last. The daemon lives in a runtime that goes with it when it is killed.
fn sixty_days(seed: u64, sales: Range<u64>) {
    let mut world = runtime();
    let mut course = world.block_on(Box::pin(Course::new(seed, sales)));
    while world.block_on(Box::pin(course.live())) == Life::Lost {
        // Whatever ran in it is dropped, wherever it was.
        world = runtime();
        course.house.bury();
    }
}

/// Each seed on a thread of its own, so many at a time as there are processors, or three.
#[test]
fn sixty_days_of_card_sales_leave_none_lapsed_doubled_wrong_or_forgotten() {
    let seeds = asked("MALLSYNC_SEED").map_or(1..1 + seeds(), |seed| seed..seed + 1);
    let next = AtomicU64::new(seeds.start);
    let sales = |seed: u64| match asked("MALLSYNC_SALES") {
        Some(sales) => sales,
        None if !soak() => FEW,
        None if seed == seeds.start => THOUSANDS,
        None => MANY,
    };
    let broken: Vec<String> = thread::scope(|scope| {
        let work = || {
            let mut broken = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    return broken;
                }
                let indexes = asked("MALLSYNC_STORY").map_or(0..sales(seed), |story| story..story + 1);
                let began = Instant::now();
                let outcome = catch_unwind(AssertUnwindSafe(|| sixty_days(seed, indexes)));
                println!("seed {seed}: {:.1} s", began.elapsed().as_secs_f64());
                if let Err(panic) = outcome {
                    let text = panic.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                    broken.push(text.unwrap_or_else(|| format!("seed {seed}: it broke off")));
                }
            }
        };
        // CI's three side by side: two, and then one, would leave a processor with nothing to do.
        let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get).max(3);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}
