//! Whether loops go round: each says when it will be heard of again, and who stays silent for longer is stuck.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::{Ambient, Timestamp};

/// Nothing that a loop waits for within its work takes so long (machine's time): the longest wait for admission (90 s), the
/// longest deadline of a call (60 s) and a database that is tried for a while.
const BOUND: Duration = Duration::from_secs(300);

#[derive(Debug)]
struct Pulse {
    name: String,
    /// Heard of again by then, in microseconds of the clock.
    awaited: AtomicI64,
    count: AtomicU64,
    ended: AtomicBool,
}

/// Where one loop says that it goes round. The default one says it to nobody.
#[derive(Clone, Debug, Default)]
pub struct Beat(Option<(Arc<Pulse>, watch::Sender<()>)>);

impl Beat {
    /// The loop works: a call, a page, a transaction begins or has ended.
    pub fn works(&self, ambient: &Ambient) {
        self.rests(ambient, Some(ambient.now()));
    }

    /// The loop waits until `wake`; without one, until it is asked for something.
    pub fn rests(&self, ambient: &Ambient, wake: Option<Timestamp>) {
        let Some((pulse, stirred)) = &self.0 else { return };
        let awaited = wake.map_or(i64::MAX, |wake| {
            let bound = ambient.clock().of_wall(BOUND);
            (wake.max(ambient.now()) + bound).micros()
        });
        pulse.awaited.store(awaited, Ordering::Release);
        if pulse.count.fetch_add(1, Ordering::AcqRel) == 0 {
            stirred.send_replace(());
        }
    }

    /// The loop ended as it should.
    pub fn ends(&self) {
        if let Some((pulse, stirred)) = &self.0 {
            pulse.ended.store(true, Ordering::Release);
            stirred.send_replace(());
        }
    }
}

/// A loop that should have been heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// `shops.rakuten-main`, `settlements.webcollect-main`, `chores`.
    pub name: String,
    /// How often it was heard of so far.
    pub count: u64,
    /// By when it should have been heard of again.
    pub awaited: Timestamp,
}

/// The loops of this process.
#[derive(Clone, Debug, Default)]
pub struct Beats {
    all: Arc<Mutex<Vec<Arc<Pulse>>>>,
    stirred: watch::Sender<()>,
}

impl Beats {
    /// Watches one more loop, which begins now.
    #[must_use]
    pub fn watch(&self, name: &str, ambient: &Ambient) -> Beat {
        let pulse = Arc::new(Pulse {
            name: name.to_owned(),
            awaited: AtomicI64::new((ambient.now() + ambient.clock().of_wall(BOUND)).micros()),
            count: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|pulse| !pulse.ended.load(Ordering::Acquire));
        all.push(Arc::clone(&pulse));
        Beat(Some((pulse, self.stirred.clone())))
    }

    /// Loops that should have been heard of by `now`.
    #[must_use]
    pub fn overdue(&self, now: Timestamp) -> Vec<Overdue> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = all.iter().filter(|pulse| !pulse.ended.load(Ordering::Acquire));
        silent
            .map(|pulse| Overdue {
                name: pulse.name.clone(),
                count: pulse.count.load(Ordering::Acquire),
                awaited: Timestamp::from_micros(pulse.awaited.load(Ordering::Acquire)),
            })
            .filter(|overdue| overdue.awaited < now)
            .collect()
    }

    /// Ends once every loop has been heard of.
    pub async fn all_heard(&self) {
        let mut stirred = self.stirred.subscribe();
        let heard = |pulse: &Arc<Pulse>| {
            pulse.count.load(Ordering::Acquire) > 0 || pulse.ended.load(Ordering::Acquire)
        };
        loop {
            stirred.mark_unchanged();
            if self.all.lock().unwrap_or_else(PoisonError::into_inner).iter().all(heard) {
                return;
            }
            if stirred.changed().await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    /// What the clock shows more after `minutes` on the machine's.
    fn minutes(ambient: &Ambient, minutes: u32) -> Duration {
        ambient.clock().of_wall(Duration::from_secs(60) * minutes)
    }

    fn start() -> (ManualClock, Ambient) {
        let clock = ManualClock::new(Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap());
        (clock.clone(), Ambient::seeded(Arc::new(clock), 1))
    }

    fn names(beats: &Beats, now: Timestamp) -> Vec<String> {
        beats.overdue(now).into_iter().map(|overdue| overdue.name).collect()
    }

    #[test]
    fn a_loop_is_late_only_after_its_own_wake_up_and_the_longest_call() {
        let (clock, ambient) = start();
        let beats = Beats::default();
        let (shop, idle) = (beats.watch("shops.a", &ambient), beats.watch("shops.b", &ambient));
        shop.rests(&ambient, Some(ambient.now() + minutes(&ambient, 60)));
        idle.rests(&ambient, None);
        clock.advance(minutes(&ambient, 65));
        assert!(names(&beats, ambient.now()).is_empty());
        clock.advance(Duration::from_secs(1));
        assert_eq!(names(&beats, ambient.now()), ["shops.a"]);
        shop.works(&ambient);
        assert!(names(&beats, ambient.now()).is_empty());
        clock.advance(minutes(&ambient, 6));
        assert_eq!(names(&beats, ambient.now()), ["shops.a"], "stuck within its work");
    }

    #[test]
    fn a_loop_that_never_began_is_late_and_one_that_ended_is_not() {
        let (clock, ambient) = start();
        let beats = Beats::default();
        let (never, ended) = (beats.watch("never", &ambient), beats.watch("ended", &ambient));
        ended.works(&ambient);
        ended.ends();
        clock.advance(minutes(&ambient, 6));
        assert_eq!(names(&beats, ambient.now()), ["never"]);
        // Its task panicked: nobody ends its beat.
        drop(never);
        assert_eq!(names(&beats, ambient.now()), ["never"]);
    }

    #[tokio::test]
    async fn the_start_waits_for_every_loop() {
        let (_clock, ambient) = start();
        let beats = Beats::default();
        let (first, second) = (beats.watch("first", &ambient), beats.watch("second", &ambient));
        let mut heard = poller(&beats);
        assert!(!heard());
        first.works(&ambient);
        assert!(!heard());
        second.rests(&ambient, None);
        assert!(heard());
    }

    /// Polls [`Beats::all_heard`] once whenever it is asked.
    fn poller(beats: &Beats) -> impl FnMut() -> bool {
        let beats = beats.clone();
        let mut heard: std::pin::Pin<Box<dyn Future<Output = ()>>> =
            Box::pin(async move { beats.all_heard().await });
        move || {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            heard.as_mut().poll(&mut context).is_ready()
        }
    }
}
