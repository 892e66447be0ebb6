//! The parts of the daemon that come and go: a shop's poll loop, a settlement's loop of effects. Each stops by itself; a
//! successor begins once its predecessor has ended, so that two never work on the same rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::mark::Mark;
use crate::clock::{Ambient, Timestamp};
use crate::engine::beat::{Beat, Beats};
use crate::engine::effects::Account;
use crate::engine::limits::StoreGate;
use crate::engine::poll::{PassRequest, Shared, Shop};
use crate::engine::roster::{Roster, Seat};
use crate::http::{Bucket, Closed, Gate, Priority};

/// What runs, or ran until a moment ago, under one name.
struct Unit {
    /// What it was built from; `None`: it was told to stop.
    mark: Option<Mark>,
    seat: Option<Seat>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// A unit to be started.
pub(super) enum Work {
    /// A shop's.
    Shop(Arc<Shop>),
    /// A settlement's.
    Settlement(Arc<Account>),
}

/// All of them.
pub(super) struct Units {
    shared: Shared,
    gate: StoreGate,
    pub(super) roster: Roster,
    pub(super) beats: Beats,
    units: BTreeMap<String, Unit>,
    /// The first ones have been started: what comes later is told.
    started: bool,
}

impl Units {
    pub(super) fn new(shared: Shared, gate: StoreGate) -> Self {
        let roster = Roster::from(Vec::new());
        Self { shared, gate, roster, beats: Beats::default(), units: BTreeMap::new(), started: false }
    }

    /// What runs, by subject.
    pub(super) fn marks(&self) -> BTreeMap<String, Mark> {
        // One that broke off is not running: a reload starts it anew.
        let running = self.units.iter().filter(|(_, unit)| !unit.task.is_finished());
        let running = running.filter_map(|(subject, unit)| Some((subject, unit.mark.as_ref()?)));
        running.map(|(subject, mark)| (subject.clone(), mark.clone())).collect()
    }

    /// Shops and settlements that run.
    pub(super) fn counts(&self) -> (usize, usize) {
        let running = self.units.values().filter(|unit| unit.mark.is_some());
        let (shops, settlements): (Vec<&Unit>, Vec<&Unit>) = running.partition(|unit| unit.seat.is_some());
        (shops.len(), settlements.len())
    }

    /// Lets `retired` end what they are about, and starts `work` in their place or beside them. Everything else goes on.
    pub(super) fn change(&mut self, retired: &[String], work: Vec<(String, Mark, Work)>) {
        self.units.retain(|_, unit| unit.mark.is_some() || !unit.task.is_finished());
        let (mut begin, mut seats) = (Vec::new(), Vec::new());
        for (subject, mark, work) in work {
            let (seat, requests) = match &work {
                Work::Shop(shop) => {
                    let (door, requests) = mpsc::channel(16);
                    (Some(Seat { shop: Arc::clone(shop), door }), Some(requests))
                }
                Work::Settlement(_) => (None, None),
            };
            seats.extend(seat.clone());
            begin.push((subject, mark, work, seat, requests));
        }
        let begun = |subject: &String| begin.iter().any(|(other, ..)| other == subject);
        let stay = self
            .units
            .iter()
            .filter(|(subject, unit)| unit.mark.is_some() && !retired.contains(subject) && !begun(subject));
        seats.extend(stay.filter_map(|(_, unit)| unit.seat.clone()));
        // First the roster: whoever loses his answer below asks there again.
        self.roster.replace(seats);
        for subject in retired {
            if let Some(unit) = self.units.get_mut(subject) {
                unit.mark = None;
                unit.stop.cancel();
            }
        }
        for (subject, mark, work, seat, requests) in begin {
            let before = self.units.remove(&subject);
            let unit = self.start(&subject, mark, work, seat, requests, before);
            self.units.insert(subject, unit);
        }
        self.started = true;
    }

    /// Settlements among `subjects` take up nothing new; their successors come later.
    pub(super) fn hush_settlements<'a>(&self, subjects: impl Iterator<Item = &'a String>) {
        let units = subjects.filter_map(|subject| self.units.get(subject));
        units.filter(|unit| unit.seat.is_none()).for_each(|unit| unit.stop.cancel());
    }

    fn start(
        &self,
        subject: &str,
        mark: Mark,
        work: Work,
        seat: Option<Seat>,
        requests: Option<mpsc::Receiver<PassRequest>>,
        before: Option<Unit>,
    ) -> Unit {
        let stop = self.shared.stop.child_token();
        let beat = Beat::default();
        let shared = self.shared_under(&stop, beat);
        let turn = Turn {
            subject: subject.to_owned(),
            root: self.shared.stop.clone(),
            beats: self.beats.clone(),
            generation: self.shared.contracts.generation(),
            shared,
            gate: self.gate.until(stop.clone()),
            told: self.started,
        };
        if let Some(before) = &before {
            before.stop.cancel();
        }
        let task = match before {
            // From the call on the loop holds the clock: nothing runs away before its first look.
            None => {
                let loop_ = turn.begin(work, requests);
                tokio::spawn(loop_)
            }
            Some(before) => tokio::spawn(async move {
                let shop_before = before.seat.map(|seat| seat.shop);
                ended(&turn.subject, before.task).await;
                if turn.shared.stop.is_cancelled() {
                    return;
                }
                turn.inherit(&work, shop_before.as_deref()).await;
                turn.begin(work, requests).await;
            }),
        };
        Unit { mark: Some(mark), seat, stop, task }
    }

    fn shared_under(&self, stop: &CancellationToken, beat: Beat) -> Shared {
        Shared { stop: stop.clone(), beat, ..self.shared.clone() }
    }

    /// Waits until everything has ended, `bound` at most. `false`: something had to be broken off.
    pub(super) async fn drain(self, chores: JoinHandle<()>, bound: Duration) -> bool {
        let mut tasks: Vec<(String, JoinHandle<()>)> =
            self.units.into_iter().map(|(subject, unit)| (subject, unit.task)).collect();
        tasks.push(("chores".to_owned(), chores));
        let aborts: Vec<_> = tasks.iter().map(|(_, task)| task.abort_handle()).collect();
        let all = join_all(tasks.into_iter().map(async |(subject, task)| ended(&subject, task).await));
        let in_time = tokio::time::timeout(bound, all).await.is_ok();
        aborts.iter().for_each(tokio::task::AbortHandle::abort);
        in_time
    }
}

/// Waits for the end of a unit. Its work is in rows: whatever became of it, a successor goes on from there.
async fn ended(subject: &str, task: JoinHandle<()>) {
    if let Err(e) = task.await
        && e.is_panic()
    {
        tracing::error!(
            shop = subject.strip_prefix("shops."),
            settlement = subject.strip_prefix("settlements."),
            part = subject,
            "Loop broke off."
        );
    }
}

/// One unit's life.
struct Turn {
    subject: String,
    root: CancellationToken,
    beats: Beats,
    /// Of the contracts that it works by.
    generation: u64,
    shared: Shared,
    gate: StoreGate,
    /// Whether its start is an event of its own.
    told: bool,
}

impl Turn {
    /// Takes over what a predecessor left.
    async fn inherit(&self, work: &Work, before: Option<&Shop>) {
        let (Work::Shop(shop), Some(before)) = (work, before) else { return };
        if let Err(e) = shop.succeed(before, &self.shared).await {
            tracing::warn!(shop = %shop.name, error.message = %e,
                "New schedule could not be stored.");
        }
    }

    fn begin(
        mut self,
        work: Work,
        requests: Option<mpsc::Receiver<PassRequest>>,
    ) -> impl Future<Output = ()> + Send {
        let ambient = self.shared.ambient.clone();
        let beat = self.beats.watch(&self.subject, &ambient);
        let looks = match &work {
            Work::Settlement(_) => Some(self.beats.watch(&format!("{}/looks", self.subject), &ambient)),
            Work::Shop(_) => None,
        };
        let busy = ambient.clock().busy();
        let heard = |beat: &Beat| {
            let (gate, beat, ambient) = (self.gate.clone(), beat.clone(), ambient.clone());
            Shared {
                gate: Arc::new(Heard { gate, beat: beat.clone(), ambient }),
                beat,
                ..self.shared.clone()
            }
        };
        let follow = looks.as_ref().map(&heard);
        self.shared = heard(&beat);
        async move {
            if self.told {
                tracing::info!(
                    shop = self.subject.strip_prefix("shops."),
                    settlement = self.subject.strip_prefix("settlements."),
                    "Section was started."
                );
            }
            let shared = self.shared;
            match (work, requests) {
                (Work::Shop(shop), Some(requests)) => {
                    let polls = shop.run(&shared, requests);
                    drop(busy);
                    polls.await;
                }
                (Work::Settlement(account), _) => {
                    drop(busy);
                    // Nothing is sent that other rules had planned.
                    beat.rests(&ambient, None);
                    looks.iter().for_each(|looks| looks.rests(&ambient, None));
                    tokio::select! {
                        () = shared.contracts.until_planned(self.generation) => {}
                        () = shared.stop.cancelled() => {}
                    }
                    let follow = follow.map(|shared| Arc::clone(&account).follow(shared));
                    tokio::join!(account.run(shared), async {
                        if let Some(follow) = follow {
                            follow.await;
                        }
                    });
                }
                (Work::Shop(_), None) => {}
            }
            beat.ends();
            looks.iter().for_each(Beat::ends);
            if !self.root.is_cancelled() {
                tracing::info!(
                    shop = self.subject.strip_prefix("shops."),
                    settlement = self.subject.strip_prefix("settlements."),
                    "Section was stopped."
                );
            }
        }
    }
}

/// The gate of a unit: every call that asks it is a sign of life.
struct Heard {
    gate: StoreGate,
    beat: Beat,
    ambient: Ambient,
}

#[async_trait]
impl Gate for Heard {
    async fn admit(&self, bucket: &Bucket, priority: Priority) -> Result<(), Closed> {
        self.beat.works(&self.ambient);
        let admitted = self.gate.admit(bucket, priority).await;
        self.beat.works(&self.ambient);
        admitted
    }

    async fn pause(&self, bucket: &Bucket, until: Timestamp) {
        self.gate.pause(bucket, until).await;
    }

    fn pace(&self, bucket: &Bucket, per: Duration) {
        self.gate.pace(bucket, per);
    }
}
