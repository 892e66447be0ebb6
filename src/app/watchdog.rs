//! Feeds systemd's watchdog while every loop goes round, and names the one that does not.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::notify;
use crate::clock::Ambient;
use crate::engine::beat::{Beats, Overdue};

/// How often the loops are looked at where systemd keeps no watch.
const LOOK: Duration = Duration::from_secs(30);
/// A loop that should have been heard of is given so long. When the clock jumps ahead, or the machine slept, everything
/// looks late for a moment: sleepers look at the clock every 30 s.
const GRACE: Duration = Duration::from_secs(60);

/// Runs until it is dropped. It follows the machine's monotonic clock, as systemd does: a clock that is set must not
/// starve the watchdog.
pub(super) async fn feed(beats: Beats, ambient: Ambient) {
    let watched = notify::watchdog();
    let mut ticks = tokio::time::interval(watched.map_or(LOOK, |every| (every / 2).min(LOOK)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut judge = Judge::default();
    loop {
        ticks.tick().await;
        let stuck = judge.look(beats.overdue(ambient.now()), Instant::now());
        for loop_ in &stuck.news {
            tracing::error!(
                shop = loop_.name.strip_prefix("shops."),
                settlement = loop_.name.strip_prefix("settlements.").and_then(|name| name.split('/').next()),
                part = %loop_.name,
                awaited_at = %loop_.awaited,
                "Loop got stuck."
            );
        }
        if stuck.any {
            continue;
        }
        if watched.is_some() {
            notify::alive();
        }
    }
}

/// What a look found.
struct Stuck {
    any: bool,
    /// Those that were not stuck at the look before.
    news: Vec<Overdue>,
}

/// Since when loops are late.
#[derive(Default)]
struct Judge(BTreeMap<String, Late>);

struct Late {
    count: u64,
    since: Instant,
    told: bool,
}

impl Judge {
    fn look(&mut self, overdue: Vec<Overdue>, now: Instant) -> Stuck {
        self.0.retain(|name, late| overdue.iter().any(|o| o.name == *name && o.count == late.count));
        let mut stuck = Stuck { any: false, news: Vec::new() };
        for one in overdue {
            let late =
                self.0.entry(one.name.clone()).or_insert(Late { count: one.count, since: now, told: false });
            if now.duration_since(late.since) >= GRACE {
                stuck.any = true;
                if !std::mem::replace(&mut late.told, true) {
                    stuck.news.push(one);
                }
            }
        }
        stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn late(name: &str, count: u64) -> Overdue {
        Overdue { name: name.to_owned(), count, awaited: Timestamp::from_micros(0) }
    }

    fn names(stuck: &Stuck) -> Vec<&str> {
        stuck.news.iter().map(|one| one.name.as_str()).collect()
    }

    #[test]
    fn a_silent_loop_stops_the_feeding_and_is_named_once() {
        let (mut judge, start) = (Judge::default(), Instant::now());
        assert!(!judge.look(vec![late("shops.a", 7)], start).any, "it may be the clock that jumped");
        let stuck = judge.look(vec![late("shops.a", 7), late("chores", 2)], start + GRACE);
        assert!(stuck.any);
        assert_eq!(names(&stuck), ["shops.a"]);
        let stuck = judge.look(vec![late("shops.a", 7), late("chores", 2)], start + GRACE * 2);
        assert_eq!(names(&stuck), ["chores"], "the first is known");
        assert!(judge.look(vec![late("shops.a", 7)], start + GRACE * 3).any);
        assert!(!judge.look(Vec::new(), start + GRACE * 4).any, "it goes round again");
    }

    #[test]
    fn a_loop_that_is_heard_of_between_two_looks_is_slow_but_not_stuck() {
        let (mut judge, start) = (Judge::default(), Instant::now());
        for look in 0..10 {
            let stuck = judge.look(vec![late("shops.a", u64::from(look))], start + GRACE * look);
            assert!(!stuck.any);
        }
    }
}
