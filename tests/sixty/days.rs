//! The sixty days.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use mallsync::clock::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::house::House;
use crate::people::People;
use crate::story::{DAY, DAYS, HOUR, MINUTE, Story};
use crate::support::start;
use crate::verdict::Verdict;
use crate::weather;

/// Days after the last act, in which everything comes to rest.
const REST: u32 = 8;
/// Sales of a seed: a few in CI, more where many seeds are asked for.
const FEW: u64 = 24;
const MANY: u64 = 200;
/// From so many seeds on it is no CI.
const SOAK: u64 = 10;

#[expect(clippy::disallowed_methods, reason = "what the tests run is the environment's to say")]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|n| n.parse().ok())
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    /// Act `.1` of story `.0`.
    Act(usize, usize),
    Weather,
    Scan,
    Morning,
    Noon,
    Restart,
}

/// Everything in the order of its time; weather is drawn while it goes.
fn calendar(seed: u64, stories: &[Story], begin: Timestamp) -> Vec<(Timestamp, Next)> {
    let mut dice = StdRng::seed_from_u64(seed ^ 0x5147);
    let acts = stories.iter().enumerate();
    let mut all: Vec<(Timestamp, Next)> = acts
        .flat_map(|(s, story)| story.acts.iter().enumerate().map(move |(a, (at, _))| (*at, Next::Act(s, a))))
        .collect();
    let midnight = Timestamp::jst_midnight(begin.jst_date());
    for day in 1..=DAYS + REST {
        let day_begins = midnight + DAY * day;
        all.push((day_begins + HOUR * 9 + MINUTE * 30, Next::Morning));
        all.push((day_begins + HOUR * 12, Next::Noon));
        all.push((day_begins + HOUR * 20 + MINUTE * 30, Next::Scan));
        if day % 11 == 4 {
            all.push((day_begins + MINUTE * dice.random_range(0..1_440), Next::Restart));
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

async fn sixty_days(seed: u64, mut stories: Vec<Story>) {
    let days = [20, 14, 30][usize::try_from(seed % 3).unwrap()];
    let mut house = House::new(seed, seed.is_multiple_of(2), days).await;
    let (mut people, mut verdict) = (People::default(), Verdict::new(days));
    let mut dice = StdRng::seed_from_u64(seed ^ 0x3e11);
    let begin = start();
    let mut outage_until = begin;
    for (at, next) in calendar(seed, &stories, begin) {
        house.clock.run_until(at).await;
        if at >= begin + DAY * DAYS {
            weather::calm(&house.world);
        }
        match next {
            Next::Act(s, a) => {
                let act = stories[s].acts[a].1.clone();
                people.act(&mut house, &mut stories[s], &act).await;
            }
            Next::Weather => {
                // A day between two outages: whatever is due in days can be done.
                let outages = at >= outage_until;
                weather::change(&house.world, &mut dice, outages);
                if outages {
                    outage_until = at + HOUR * 30;
                }
            }
            Next::Scan => house.scan(),
            Next::Morning => people.morning(&house).await,
            Next::Noon => verdict.daily(&house, &stories).await,
            Next::Restart => house.restart(seed).await,
        }
    }
    assert!(!house.unread(), "seed {seed}: a file of the cart was never read");
    verdict.finally(&house, &stories).await;
    verdict.pronounce(seed, &house, &stories).await;
    house.end().await;
}

/// Each seed on a thread of its own, so many at a time as there are processors.
#[test]
fn sixty_days_of_card_sales_leave_none_lapsed_doubled_wrong_or_forgotten() {
    let count = asked("MALLSYNC_SEEDS").unwrap_or(1);
    let seeds = asked("MALLSYNC_SEED").map_or(1..1 + count, |seed| seed..seed + 1);
    let sales = if count < SOAK { FEW } else { MANY };
    let next = AtomicU64::new(seeds.start);
    let broken: Vec<String> = thread::scope(|scope| {
        let work = || {
            let mut broken = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    return broken;
                }
                let alone = asked("MALLSYNC_STORY");
                let indexes = alone.map_or(0..sales, |story| story..story + 1);
                let stories: Vec<Story> = indexes.map(|index| Story::new(seed, index, start())).collect();
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(sixty_days(seed, stories))));
                if let Err(panic) = outcome {
                    let text = panic.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                    broken.push(text.unwrap_or_else(|| format!("seed {seed}: it broke off")));
                }
            }
        };
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}
