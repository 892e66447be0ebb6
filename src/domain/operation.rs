//! Effects: what is to be sent to the outside once, its states, and every legal step between them (architecture.md,
//! "Operations"; decisions.md 1, 7, 8, 11; kuroneko-webcollect.md §5.5, §5.6).
//!
//! [`Progress::apply`] is the whole machine: pure, timed by its arguments, model-checked in `tests/model.rs`. The engine
//! turns facts into [`Event`]s, the store writes the [`Progress`] that comes out, under the lease's fence.
//!
//! ```text
//! planned ─▶ ready ─▶ sending ─▶ done | refused | ready later | unknown | needs_person
//!              │ └── the look before sending may find it done, or blocked ──▶ done | needs_person
//! unknown ─▶ looking ─▶ done | ready | unknown later | needs_person
//! planned | ready ─▶ superseded      planned | ready | needs_person ─▶ abandoned
//! needs_person ─▶ looking (a person's `retry`)      not final ─▶ unknown (after a restore)
//! ```

use std::time::Duration;

pub use super::intent::{Intent, registered_slips};
use super::words::words;
use crate::clock::Timestamp;

words! {
    /// Where an operation stands.
    State {
        /// Wanted, its time has not come.
        Planned = "planned",
        /// May be sent: the next worker takes it.
        Ready = "ready",
        /// The intent is committed; the request may be on its way (I6).
        Sending = "sending",
        /// Sent, or perhaps sent; the outcome is not known (I7).
        Unknown = "unknown",
        /// Being settled by a look-up.
        Looking = "looking",
        /// Only a person can decide.
        NeedsPerson = "needs_person",
        /// Done, final.
        Done = "done",
        /// Refused by the other side, final.
        Refused = "refused",
        /// No longer wanted, final; never sent.
        Superseded = "superseded",
        /// Given up by a person, final.
        Abandoned = "abandoned",
    }
}

impl State {
    /// Nothing will happen any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Refused | Self::Superseded | Self::Abandoned)
    }

    /// Something may be under way at the other side: no second operation for the same reception number meanwhile.
    #[must_use]
    pub const fn in_flight(self) -> bool {
        matches!(self, Self::Sending | Self::Unknown | Self::Looking)
    }
}

/// The part of an operation that changes while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Progress {
    /// Where it stands.
    pub state: State,
    /// Not before this.
    pub run_at: Timestamp,
    /// Sends so far.
    pub sends: u32,
    /// Sends answered with a passing fault, in a row.
    pub retries: u32,
    /// Sends whose outcome stayed unknown and was found to be "not done".
    pub rounds: u32,
    /// Look-ups since the outcome became unknown.
    pub looks: u32,
    /// The first of the look-ups that agree on "not done".
    pub absent_since: Option<Timestamp>,
    /// The other side said that it was done already: a look-up must show it (§5.6), else a person.
    pub claimed_done: bool,
    /// The last code of the other side.
    pub code: Option<String>,
    /// Why, in words, for a person.
    pub reason: Option<String>,
}

/// What the other side's answer to a send means (kuroneko-webcollect.md §4.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Done.
    Done,
    /// Refused for good (BUG).
    Refused {
        /// Code of the other side.
        code: String,
    },
    /// A passing fault; looked at again before each further send (RETRY).
    Retry {
        /// Code of the other side.
        code: String,
    },
    /// Closed for now; tried again after it, without a limit (WINDOW), or the account is stopped (CONF of the merchant).
    Later {
        /// Not before this.
        until: Timestamp,
        /// Code of the other side.
        code: String,
    },
    /// Says it was done already (VERIFY, §5.6): a look-up decides at once.
    Verify {
        /// Code of the other side.
        code: String,
    },
    /// A person must decide (PERSON, DECLINE, CONF of one function).
    Person {
        /// Code of the other side.
        code: String,
        /// What to tell.
        reason: String,
    },
    /// No answer, half of one, or one that says nothing: never sent again blindly (I7).
    Unknown {
        /// What was seen, in words.
        reason: String,
    },
}

/// What a look-up says about an intent (§5.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The other side shows it done.
    Done,
    /// The other side shows everything as before.
    NotDone,
    /// The look-up itself failed.
    Unclear {
        /// What was seen.
        reason: String,
    },
    /// Only a person can decide.
    Person {
        /// What to tell.
        reason: String,
    },
}

/// What happened to an operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Its time has come.
    Due,
    /// The look before sending shows that it is done.
    FoundDone,
    /// The look before sending shows that only a person can decide.
    FoundBlocked {
        /// What to tell.
        reason: String,
    },
    /// Not now: closed window, stopped account, full guard, failed look.
    Defer {
        /// Not before this.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// The intent is committed; the request follows.
    Send,
    /// No byte left: connect or handshake failed, or too much time passed since the commit (decisions.md 8).
    NothingSent {
        /// Why.
        reason: String,
    },
    /// The other side answered, or did not.
    Answered(Answer),
    /// The worker that held it is gone.
    LeaseExpired,
    /// A worker begins to look.
    Look,
    /// The look-up's verdict.
    Looked(Verdict),
    /// No longer wanted.
    Supersede {
        /// Why.
        reason: String,
    },
    /// A person gives it up.
    Abandon {
        /// Why.
        reason: String,
    },
    /// The database was restored from a backup.
    Restore,
}

/// A step that the machine does not know: a bug, never the other side's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an operation that is {from} cannot take the step {event}")]
pub struct IllegalStep {
    /// The state it was in.
    pub from: State,
    /// The event.
    pub event: String,
}

/// §5.5: wait at least this long after an unknown outcome before looking.
pub const LOOK_AFTER: Duration = Duration::from_secs(60);
/// §5.5: two look-ups at least this far apart must agree on "not done".
pub const AGREE_AFTER: Duration = Duration::from_secs(5 * 60);
/// §5.5: when the look-up itself fails, look again after these, the last one for ever.
pub const LOOK_DELAYS: [Duration; 5] = [
    Duration::from_secs(60),
    Duration::from_secs(2 * 60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(60 * 60),
];
/// §4.1 RETRY: send again after these (a look comes first), then a person.
pub const RETRY_DELAYS: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(5 * 60)];
/// §5.5: sends whose outcome stayed unknown before a person is asked.
pub const ROUNDS: u32 = 3;

impl Progress {
    /// A new operation, sent at `run_at` at the earliest.
    #[must_use]
    pub fn planned(run_at: Timestamp) -> Self {
        Self {
            state: State::Planned,
            run_at,
            sends: 0,
            retries: 0,
            rounds: 0,
            looks: 0,
            absent_since: None,
            claimed_done: false,
            code: None,
            reason: None,
        }
    }

    /// The progress after `event` at `now`.
    ///
    /// # Errors
    /// [`IllegalStep`] when the state does not know the event.
    pub fn apply(&self, event: &Event, now: Timestamp) -> Result<Self, IllegalStep> {
        use State::{Abandoned, Done, Looking, NeedsPerson, Planned, Ready, Sending, Superseded, Unknown};
        let mut next = self.clone();
        match (self.state, event) {
            (Planned, Event::Due) => next.state = Ready,
            (Ready, Event::FoundDone) => next.finish(Done),
            (Ready, Event::FoundBlocked { reason }) => next.ask(reason),
            (Planned | Ready, Event::Defer { until, reason }) => {
                next.run_at = *until;
                next.reason = Some(reason.clone());
            }
            (Ready, Event::Send) => {
                next.state = Sending;
                next.sends += 1;
                next.code = None;
                next.reason = None;
            }
            (Sending, Event::NothingSent { reason }) => {
                next.state = Ready;
                next.sends -= 1;
                next.run_at = now + RETRY_DELAYS[0];
                next.reason = Some(reason.clone());
            }
            // A late answer settles an unknown better than any look-up.
            (Sending | Unknown | Looking, Event::Answered(answer)) => next.answered(self.state, answer, now),
            (Sending, Event::LeaseExpired) => next.doubt("the worker that sent it is gone", now),
            // What the sender was told, and what was seen since, stands: a look changes nothing.
            (Looking, Event::LeaseExpired) => {
                next.state = Unknown;
                next.run_at = now + LOOK_AFTER;
                next.reason = Some("the worker that looked it up is gone".to_owned());
            }
            (Unknown, Event::Look) => next.state = Looking,
            (NeedsPerson, Event::Look) => {
                next.state = Looking;
                next.rounds = 0;
                next.retries = 0;
                next.absent_since = None;
            }
            (Looking, Event::Looked(verdict)) => next.looked(verdict, now),
            (Planned | Ready, Event::Supersede { reason }) => {
                next.finish(Superseded);
                next.reason = Some(reason.clone());
            }
            (Planned | Ready | NeedsPerson, Event::Abandon { reason }) => {
                next.finish(Abandoned);
                next.reason = Some(reason.clone());
            }
            (state, Event::Restore) if !state.is_final() => {
                next.doubt("the database was restored from a backup", now);
            }
            (from, event) => return Err(IllegalStep { from, event: format!("{event:?}") }),
        }
        Ok(next)
    }

    fn finish(&mut self, state: State) {
        self.state = state;
        self.absent_since = None;
    }

    fn ask(&mut self, reason: &str) {
        self.state = State::NeedsPerson;
        self.reason = Some(reason.to_owned());
    }

    fn doubt(&mut self, reason: &str, now: Timestamp) {
        self.state = State::Unknown;
        self.run_at = now + LOOK_AFTER;
        self.looks = 0;
        self.absent_since = None;
        self.claimed_done = false;
        self.reason = Some(reason.to_owned());
    }

    fn answered(&mut self, from: State, answer: &Answer, now: Timestamp) {
        match answer {
            Answer::Done => self.finish(State::Done),
            Answer::Refused { code } => {
                self.code = Some(code.clone());
                self.finish(State::Refused);
            }
            Answer::Retry { code } => {
                self.code = Some(code.clone());
                match RETRY_DELAYS.get(self.retries as usize) {
                    Some(delay) => {
                        self.state = State::Ready;
                        self.retries += 1;
                        self.run_at = now + *delay;
                    }
                    None => self.ask("still failing after three tries"),
                }
            }
            Answer::Later { until, code } => {
                self.code = Some(code.clone());
                self.state = State::Ready;
                self.run_at = *until;
            }
            Answer::Verify { code } => {
                self.doubt("the other side says it was done already", now);
                self.code = Some(code.clone());
                self.claimed_done = true;
                self.run_at = now;
            }
            Answer::Person { code, reason } => {
                self.code = Some(code.clone());
                self.ask(reason);
            }
            // A late "I do not know" tells nothing new.
            Answer::Unknown { .. } if from != State::Sending => {}
            Answer::Unknown { reason } => self.doubt(reason, now),
        }
    }

    fn looked(&mut self, verdict: &Verdict, now: Timestamp) {
        self.looks += 1;
        match verdict {
            Verdict::Done => self.finish(State::Done),
            Verdict::Person { reason } => self.ask(reason),
            Verdict::Unclear { reason } => {
                let step = (self.looks as usize - 1).min(LOOK_DELAYS.len() - 1);
                self.state = State::Unknown;
                self.run_at = now + LOOK_DELAYS[step];
                self.reason = Some(reason.clone());
            }
            Verdict::NotDone if self.claimed_done => {
                self.ask("the other side says that it was done already, yet shows nothing of it");
            }
            Verdict::NotDone => match self.absent_since {
                Some(first) if now >= first + AGREE_AFTER => {
                    self.absent_since = None;
                    self.looks = 0;
                    self.rounds += 1;
                    if self.rounds >= ROUNDS {
                        self.ask("the outcome stayed unknown three times");
                    } else {
                        self.state = State::Ready;
                        self.run_at = now;
                    }
                }
                first => {
                    self.absent_since = Some(first.unwrap_or(now));
                    self.state = State::Unknown;
                    self.run_at = first.unwrap_or(now) + AGREE_AFTER;
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look changes nothing: what the sender was told outlives whoever looked (§5.6).
    #[test]
    fn a_lost_look_forgets_nothing_and_a_lost_send_everything() {
        let now = Timestamp::parse("2026-12-10T12:00:00+09:00").unwrap();
        let told = Progress {
            looks: 3,
            rounds: 1,
            absent_since: Some(now),
            claimed_done: true,
            ..Progress::planned(now)
        };
        let gone = |state| Progress { state, ..told.clone() }.apply(&Event::LeaseExpired, now).unwrap();
        let (look, send) = (gone(State::Looking), gone(State::Sending));
        assert_eq!((look.state, look.looks, look.absent_since), (State::Unknown, 3, Some(now)));
        assert!(look.claimed_done && look.run_at > now, "{look:?}");
        assert_eq!((send.state, send.looks, send.absent_since), (State::Unknown, 0, None));
        assert!(!send.claimed_done, "{send:?}");
    }
}
