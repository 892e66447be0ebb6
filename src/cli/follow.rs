//! What happens after a command has written: the running daemon takes it up, and the command follows it to its end.

use std::collections::BTreeMap;

use super::args::FollowArgs;
use super::context::{Context, note};
use super::failure::{Ended, Failure, Outcome};
use super::words;
use crate::clock::Timestamp;
use crate::domain::operation::State;
use crate::store::Store;
use crate::store::operations::{OperationFilter, OperationRow};

/// How often is looked, a second apart.
const LOOKS: u32 = 60;
/// Operations read at a time.
const PAGE: u64 = 500;
/// States in which the daemon still has something to do.
const OPEN: [State; 5] = [State::Planned, State::Ready, State::Sending, State::Unknown, State::Looking];

/// Which operations a command follows.
#[derive(Clone, Debug)]
pub enum Whose {
    /// Those of one order.
    Order(String),
    /// Those of one contract.
    Contract(String),
    /// Those planned since the command began.
    PlannedSince(Timestamp),
}

impl Whose {
    fn has(&self, row: &OperationRow) -> bool {
        match self {
            Self::Order(id) => row.operation.order_id == *id,
            Self::Contract(name) => row.operation.account == *name,
            Self::PlannedSince(at) => row.operation.created_at >= *at,
        }
    }
}

/// Says who carries on, and follows the operations until none of them is due any more, or for a minute. Ctrl-C ends the
/// following alone.
pub async fn follow(context: &Context, store: &Store, whose: &Whose, args: FollowArgs) -> Outcome {
    if !store.daemon_alive(context.ambient.wall()).await? {
        note(context.say(words::NO_DAEMON));
        return Ok(Ended::Well);
    }
    note(context.say(words::QUEUED));
    if args.no_wait {
        return Ok(Ended::Well);
    }
    note(context.say(words::FOLLOWING));
    tokio::select! {
        outcome = watch(context, store, whose) => outcome,
        _ = tokio::signal::ctrl_c() => {
            note(context.say(words::STOPPED_WATCHING));
            Ok(Ended::Well)
        }
    }
}

async fn watch(context: &Context, store: &Store, whose: &Whose) -> Outcome {
    let mut seen: BTreeMap<String, State> = BTreeMap::new();
    for look in 0..LOOKS {
        if look > 0 {
            context.second().await;
        }
        let open = open(store, whose).await?;
        for row in &open {
            tell(context, &mut seen, row);
        }
        // What was open before and is not now has ended meanwhile.
        let gone: Vec<String> =
            seen.iter().filter(|(_, state)| OPEN.contains(state)).map(|(id, _)| id.clone()).collect();
        for id in gone {
            if open.iter().any(|row| row.operation.id == id) {
                continue;
            }
            if let Some((row, _)) = store.operation(&id).await? {
                tell(context, &mut seen, &row);
            }
        }
        let now = context.ambient.now();
        let due = open.iter().any(|row| {
            let progress = &row.operation.progress;
            progress.state != State::Planned || progress.run_at <= now
        });
        if !due {
            let failed = seen.values().any(|s| matches!(s, State::Refused | State::NeedsPerson));
            return Ok(if failed { Ended::Badly } else { Ended::Well });
        }
    }
    note(context.say(words::STILL_OPEN));
    Ok(Ended::Well)
}

fn tell(context: &Context, seen: &mut BTreeMap<String, State>, row: &OperationRow) {
    let operation = &row.operation;
    let progress = &operation.progress;
    if seen.insert(operation.id.clone(), progress.state) == Some(progress.state) {
        return;
    }
    let kind = operation.intent.kind();
    if progress.state == State::Planned {
        let at = context.look().time(progress.run_at);
        note(&context.tell(words::OPERATION_PLANNED, &[&row.mall_order_id, &kind, &at]));
        return;
    }
    let mut state = words::operation(progress.state, context.language).to_owned();
    for fact in [&progress.code, &progress.reason].into_iter().flatten() {
        state.push_str(" · ");
        state.push_str(fact);
    }
    note(&context.tell(words::OPERATION_IS, &[&row.mall_order_id, &kind, &state]));
}

async fn open(store: &Store, whose: &Whose) -> Result<Vec<OperationRow>, Failure> {
    let mut found = Vec::new();
    for state in OPEN {
        let mut after = None;
        loop {
            let filter = OperationFilter { state: Some(state), account: None, limit: Some(PAGE), after };
            let rows = store.list_operations(&filter).await?;
            let full = u64::try_from(rows.len()).unwrap_or(u64::MAX) >= PAGE;
            after = rows.last().map(|row| row.operation.id.clone());
            found.extend(rows.into_iter().filter(|row| whose.has(row)));
            if !full {
                break;
            }
        }
    }
    Ok(found)
}
