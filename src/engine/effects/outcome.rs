//! From the answers of a gateway to events of the machine and words of an attempt row.

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::{Ambient, Timestamp};
use crate::domain::operation::{Answer, Event, Verdict};
use crate::http::{Bucket, Closed, Gate, Priority, SendError};
use crate::settlement::{Halt, Sent};
use crate::store::operations::NewAttempt;

/// Between the commit of `sending` and the first byte; past it nothing is sent (decisions.md 8).
const COMMIT_TO_SEND: Duration = Duration::from_secs(5);

/// Opens at once, unless too much time has passed since the intent was committed.
pub(super) struct Prompt {
    pub(super) committed_at: Timestamp,
    pub(super) ambient: Ambient,
}

#[async_trait]
impl Gate for Prompt {
    async fn admit(&self, _: &Bucket, _: Priority) -> Result<(), Closed> {
        let wall = self.ambient.wall();
        if wall.since(self.committed_at) > COMMIT_TO_SEND {
            return Err(Closed::Until(self.ambient.now()));
        }
        Ok(())
    }

    async fn pause(&self, _: &Bucket, _: Timestamp) {}

    fn pace(&self, _: &Bucket, _: Duration) {}
}

/// The event, what must stop, and the attempt row of a send.
pub(super) fn outcome_of(
    sent: Result<Sent, SendError>,
    started_at: Timestamp,
    finished_at: Timestamp,
) -> (Event, Option<Halt>, NewAttempt) {
    let attempt = |outcome: &str, code: Option<String>, message: Option<String>| NewAttempt {
        kind: "send",
        started_at,
        finished_at,
        outcome: outcome.to_owned(),
        code,
        message,
        http_status: None,
        raw: Vec::new(),
    };
    match sent {
        Ok(sent) => {
            let (word, code, message) = answer_words(&sent.answer);
            let attempt =
                NewAttempt { http_status: sent.http_status, raw: sent.raw, ..attempt(word, code, message) };
            (Event::Answered(sent.answer), sent.halt, attempt)
        }
        Err(e @ (SendError::NotSent(_) | SendError::Closed(_))) => {
            let reason = e.to_string();
            let attempt = attempt("not_sent", None, Some(reason.clone()));
            (Event::NothingSent { reason }, None, attempt)
        }
        Err(e @ SendError::NoAnswer(_)) => {
            let reason = e.to_string();
            let attempt = attempt("unknown", None, Some(reason.clone()));
            (Event::Answered(Answer::Unknown { reason }), None, attempt)
        }
    }
}

fn answer_words(answer: &Answer) -> (&'static str, Option<String>, Option<String>) {
    match answer {
        Answer::Done => ("done", None, None),
        Answer::Refused { code } => ("refused", Some(code.clone()), None),
        Answer::Retry { code } => ("retry", Some(code.clone()), None),
        Answer::Later { code, .. } => ("later", Some(code.clone()), None),
        Answer::Verify { code } => ("verify", Some(code.clone()), None),
        Answer::Person { code, reason } => ("person", Some(code.clone()), Some(reason.clone())),
        Answer::Unknown { reason } => ("unknown", None, Some(reason.clone())),
    }
}

/// The word of an attempt row.
pub(super) const fn verdict_word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Done => "done",
        Verdict::NotDone => "not_done",
        Verdict::Unclear { .. } => "unclear",
        Verdict::Person { .. } => "person",
    }
}
