//! Model check of effects: the machine of `domain::operation` under two workers, crashes at every point, answers lost in
//! every way, and a gateway that would capture twice if it were asked twice (I6, I7, I11). Each safeguard is also taken
//! away once, and the checker must notice.
#![cfg(test)]

use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::domain::operation::{Answer, Event, Progress, State as Op, Verdict};
use stateright::{Checker, HasDiscoveries, Model, Property};

/// One tick of the model's clock.
const TICK: Duration = Duration::from_secs(60);
/// A lease lasts so many ticks (decisions.md 8: deadline + 60 s).
const LEASE: u8 = 2;

/// Ticks explored: an unknown outcome, two looks that agree, and a second send fit.
const HORIZON: u8 = 8;

/// Which safeguard is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Without {
    Nothing,
    /// The pause between the commit and the first byte is not watched (decisions.md 8).
    Promptness,
    /// Writes do not name their fence.
    Fence,
    /// `sending` is not committed before the request leaves (I6).
    Intent,
}

#[derive(Clone, Debug)]
struct Effects {
    horizon: u8,
    crashes: u8,
    without: Without,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    now: u8,
    operation: Progress,
    fence: u8,
    lease_until: u8,
    workers: [Worker; 2],
    /// Requests on their way; the gateway works each off, or loses it, before the next tick.
    wire: Vec<u8>,
    captures: u8,
    crashes: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Worker {
    Idle,
    Claimed { fence: u8 },
    Looked { fence: u8, shown: bool },
    Committed { fence: u8, at: u8 },
    Waiting { fence: u8 },
    Answered { fence: u8, done: bool },
    Settling { fence: u8 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Tick,
    ClaimToSend(usize),
    ClaimToLook(usize),
    Look(usize),
    Commit(usize),
    Transmit(usize),
    /// The gateway takes the request off the wire: captures or not, the answer arrives or not.
    Gateway {
        worker: usize,
        captures: bool,
        answers: bool,
    },
    Record(usize),
    GiveUp(usize),
    Settle {
        worker: usize,
        unclear: bool,
    },
    Crash(usize),
    Expire,
}

fn time(tick: u8) -> Timestamp {
    Timestamp::from_micros(0) + TICK * u32::from(tick)
}

impl Effects {
    fn held(&self, world: &World, fence: u8) -> bool {
        self.without == Without::Fence || world.fence == fence
    }
}

impl World {
    fn apply(&mut self, event: &Event) -> bool {
        match self.operation.apply(event, time(self.now)) {
            Ok(next) => {
                self.operation = next;
                true
            }
            Err(_) => false,
        }
    }

    fn rest(&mut self, worker: usize) {
        self.workers[worker] = Worker::Idle;
        self.lease_until = 0;
    }
}

impl Model for Effects {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let operation = Progress::planned(time(0)).apply(&Event::Due, time(0)).expect("planned is due");
        vec![World {
            now: 0,
            operation,
            fence: 0,
            lease_until: 0,
            workers: [Worker::Idle; 2],
            wire: Vec::new(),
            captures: 0,
            crashes: 0,
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        if world.wire.is_empty() && world.now < self.horizon {
            steps.push(Step::Tick);
        }
        let free = world.lease_until <= world.now;
        let due = world.operation.run_at <= time(world.now);
        for w in 0..2 {
            match world.workers[w] {
                Worker::Idle if free && due && world.operation.state == Op::Ready => {
                    steps.push(Step::ClaimToSend(w));
                }
                Worker::Idle if free && due && world.operation.state == Op::Unknown => {
                    steps.push(Step::ClaimToLook(w));
                }
                Worker::Idle => {}
                Worker::Claimed { .. } => steps.push(Step::Look(w)),
                Worker::Looked { .. } => steps.push(Step::Commit(w)),
                Worker::Committed { .. } => steps.push(Step::Transmit(w)),
                Worker::Waiting { .. } => {
                    if world.wire.contains(&(w as u8)) {
                        for captures in [false, true] {
                            for answers in [false, true] {
                                steps.push(Step::Gateway { worker: w, captures, answers });
                            }
                        }
                    } else {
                        steps.push(Step::GiveUp(w));
                    }
                }
                Worker::Answered { .. } => steps.push(Step::Record(w)),
                Worker::Settling { .. } => {
                    steps.push(Step::Settle { worker: w, unclear: false });
                    if world.operation.looks < 2 {
                        steps.push(Step::Settle { worker: w, unclear: true });
                    }
                }
            }
            if world.workers[w] != Worker::Idle && world.crashes < self.crashes {
                steps.push(Step::Crash(w));
            }
        }
        if free && matches!(world.operation.state, Op::Sending | Op::Looking) {
            steps.push(Step::Expire);
        }
        // A request whose worker crashed is still on its way.
        for &w in &world.wire {
            if !matches!(world.workers[w as usize], Worker::Waiting { .. }) {
                for captures in [false, true] {
                    steps.push(Step::Gateway { worker: w as usize, captures, answers: false });
                }
            }
        }
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        match step {
            Step::Tick => world.now += 1,
            Step::ClaimToSend(w) => {
                world.fence += 1;
                world.lease_until = world.now + LEASE;
                world.workers[w] = Worker::Claimed { fence: world.fence };
            }
            Step::ClaimToLook(w) => {
                world.apply(&Event::Look).then_some(())?;
                world.fence += 1;
                world.lease_until = world.now + LEASE;
                world.workers[w] = Worker::Settling { fence: world.fence };
            }
            Step::Look(w) => {
                let Worker::Claimed { fence } = world.workers[w] else { return None };
                world.workers[w] = Worker::Looked { fence, shown: world.captures > 0 };
            }
            Step::Commit(w) => {
                let Worker::Looked { fence, shown } = world.workers[w] else { return None };
                if !self.held(&world, fence) {
                    world.workers[w] = Worker::Idle;
                } else if shown {
                    world.apply(&Event::FoundDone);
                    world.rest(w);
                } else {
                    if self.without != Without::Intent && !world.apply(&Event::Send) {
                        world.workers[w] = Worker::Idle;
                        return Some(world);
                    }
                    world.lease_until = world.now + LEASE;
                    world.workers[w] = Worker::Committed { fence, at: world.now };
                }
            }
            Step::Transmit(w) => {
                let Worker::Committed { fence, at } = world.workers[w] else { return None };
                if world.now == at || self.without == Without::Promptness {
                    world.wire.push(w as u8);
                    world.workers[w] = Worker::Waiting { fence };
                } else {
                    if self.held(&world, fence) {
                        world.apply(&Event::NothingSent { reason: "late".to_owned() });
                        world.lease_until = 0;
                    }
                    world.workers[w] = Worker::Idle;
                }
            }
            Step::Gateway { worker, captures, answers } => {
                let at = world.wire.iter().position(|w| *w as usize == worker)?;
                world.wire.remove(at);
                if captures {
                    world.captures += 1;
                }
                if answers && let Worker::Waiting { fence } = world.workers[worker] {
                    world.workers[worker] = Worker::Answered { fence, done: captures };
                }
            }
            Step::GiveUp(w) => {
                let Worker::Waiting { fence } = world.workers[w] else { return None };
                if self.held(&world, fence) {
                    let answer = Answer::Unknown { reason: "no answer".to_owned() };
                    world.apply(&Event::Answered(answer));
                    world.lease_until = 0;
                }
                world.workers[w] = Worker::Idle;
            }
            Step::Record(w) => {
                let Worker::Answered { fence, done } = world.workers[w] else { return None };
                let answer =
                    if done { Answer::Done } else { Answer::Retry { code: "E013000001".to_owned() } };
                // A late definite answer settles an unknown operation too.
                let late = matches!(world.operation.state, Op::Unknown | Op::Looking);
                if self.held(&world, fence) || late {
                    world.apply(&Event::Answered(answer));
                    world.lease_until = 0;
                }
                world.workers[w] = Worker::Idle;
            }
            Step::Settle { worker, unclear } => {
                let Worker::Settling { fence } = world.workers[worker] else { return None };
                let verdict = match (unclear, world.captures > 0) {
                    (true, _) => Verdict::Unclear { reason: "no answer".to_owned() },
                    (false, true) => Verdict::Done,
                    (false, false) => Verdict::NotDone,
                };
                if self.held(&world, fence) {
                    world.apply(&Event::Looked(verdict));
                    world.lease_until = 0;
                }
                world.workers[worker] = Worker::Idle;
            }
            Step::Crash(w) => {
                world.workers[w] = Worker::Idle;
                world.crashes += 1;
            }
            Step::Expire => {
                world.apply(&Event::LeaseExpired).then_some(())?;
                world.lease_until = 0;
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("captured at most once", |_, world: &World| world.captures <= 1),
            Property::always("done means captured", |_, world: &World| {
                world.operation.state != Op::Done || world.captures == 1
            }),
            Property::always("a request on the wire has its intent committed", |_, world: &World| {
                world.wire.is_empty() || world.operation.state != Op::Ready
            }),
            Property::sometimes("done after a lost answer", |_, world: &World| {
                world.operation.state == Op::Done && world.operation.looks > 0
            }),
            Property::sometimes("sent again once two looks agree", |_, world: &World| {
                world.operation.sends == 2 && world.captures == 1
            }),
        ]
    }

    fn within_boundary(&self, world: &World) -> bool {
        world.operation.sends <= 2
    }
}

fn check(without: Without) -> impl Checker<Effects> {
    let model = Effects { horizon: HORIZON, crashes: 1, without };
    let checker = model.checker().threads(2);
    match without {
        Without::Nothing => checker.spawn_bfs().join(),
        // One failure is enough to have noticed.
        _ => checker.finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join(),
    }
}

#[test]
fn a_sale_is_captured_once_whatever_crashes_or_gets_lost() {
    let checker = check(Without::Nothing);
    checker.assert_properties();
    assert!(
        checker.unique_state_count() > 10_000,
        "the model explores {} states",
        checker.unique_state_count()
    );
}

#[test]
fn the_checker_notices_each_missing_safeguard() {
    for without in [Without::Promptness, Without::Fence, Without::Intent] {
        let checker = check(without);
        let broken = ["captured at most once", "a request on the wire has its intent committed"]
            .iter()
            .any(|property| checker.discovery(property).is_some());
        assert!(broken, "nothing was noticed without {without:?}");
    }
}
