//! What happens after a command has written: the running daemon takes it up, and the command follows it to its end. Where
//! none is running, commands that move money take the lock and send themselves.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};

use tokio_util::sync::CancellationToken;

use super::args::FollowArgs;
use super::context::{Context, note};
use super::failure::{Ended, Failure, Outcome};
use super::{run, words};
use crate::app::{App, AppError, Due};
use crate::clock::Timestamp;
use crate::domain::operation::State;
use crate::store::operations::{OperationFilter, OperationRow};
use crate::store::{Access, Store, StoreError};

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

/// After a decision that moves money: a running daemon carries it out and is followed; without one this process takes the
/// lock and sends what is due.
pub async fn carry_out(context: &Context, app: &App, due: &Due, args: FollowArgs) -> Outcome {
    let whose = match due {
        Due::All => Whose::PlannedSince(context.ambient.now()),
        Due::Contract(name) => Whose::Contract(name.clone()),
        Due::Order { id, .. } => Whose::Order(id.clone()),
    };
    carry_out_all(context, app, std::slice::from_ref(due), &whose, args).await
}

/// The same for several decisions: what is due of `dues` and nothing else is sent. `whose` tells what is followed.
pub async fn carry_out_all(
    context: &Context,
    app: &App,
    dues: &[Due],
    whose: &Whose,
    args: FollowArgs,
) -> Outcome {
    let store = app.store();
    if args.no_wait || store.daemon_alive(context.ambient.wall()).await? {
        return follow(context, store, whose, args).await;
    }
    if open(store, whose).await?.is_empty() {
        return Ok(Ended::Well);
    }
    // On a terminal the lines below tell the quiet part.
    run::log(context, if io::stderr().is_terminal() { "warn" } else { &context.config.log.filter })?;
    let sender = match Box::pin(App::open(&context.config, Access::Daemon, context.ambient.clone())).await {
        Ok(sender) => sender,
        Err(AppError::Store(StoreError::Locked(path))) => {
            note(&context.tell(words::LOCKED_MEANWHILE, &[&path]));
            return Ok(Ended::Well);
        }
        Err(error) => return Err(error.into()),
    };
    note(context.say(words::SENDING_HERE));
    let began = context.ambient.now();
    let stop = CancellationToken::new();
    let signals = tokio::spawn(run::stop_on_signal(stop.clone(), context.language));
    let (mut sent, mut failed) = (0, 0);
    let mut broke = None;
    for due in dues {
        if stop.is_cancelled() {
            break;
        }
        match Box::pin(sender.send(due, stop.clone())).await {
            Ok(summary) => {
                sent += summary.sent;
                failed += summary.failed;
            }
            Err(error) => {
                broke = Some(error);
                break;
            }
        }
    }
    signals.abort();
    sender.store().close().await;
    if let Some(error) = broke {
        return Err(error.into());
    }
    let mut seen = BTreeMap::new();
    for due in dues {
        let Due::Order { id, .. } = due else { continue };
        let filter = OperationFilter { order_id: Some(id.clone()), ..OperationFilter::default() };
        for row in store.list_operations(&filter).await? {
            if row.operation.updated_at >= began || OPEN.contains(&row.operation.progress.state) {
                tell(context, &mut seen, &row);
            }
        }
    }
    note(&context.tell(words::SYNC_SENT, &[&sent, &failed]));
    let left = open(store, whose).await?.len();
    if left > 0 {
        note(&context.tell(words::LEFT_OPEN, &[&left]));
    }
    Ok(if failed > 0 { Ended::Badly } else { Ended::Well })
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
    let kind = words::kind(operation.intent.kind(), context.language);
    if progress.state == State::Planned && progress.run_at > context.ambient.now() {
        let at = context.look().time(progress.run_at);
        note(&context.tell(words::OPERATION_PLANNED, &[&row.mall_order_id, &kind, &at]));
        return;
    }
    // What is planned and due is sent as soon as somebody looks.
    let shown = if progress.state == State::Planned { State::Ready } else { progress.state };
    let mut state = words::operation(shown, context.language).to_owned();
    for fact in [&progress.code, &progress.reason].into_iter().flatten() {
        state.push_str(" · ");
        state.push_str(&context.look().reason(fact));
    }
    note(&context.tell(words::OPERATION_IS, &[&row.mall_order_id, &kind, &state]));
}

/// The operations that are meant and in which there is still something to do.
async fn open(store: &Store, whose: &Whose) -> Result<Vec<OperationRow>, Failure> {
    let filter = |state: Option<State>| OperationFilter {
        state,
        account: if let Whose::Contract(name) = whose { Some(name.clone()) } else { None },
        order_id: if let Whose::Order(id) = whose { Some(id.clone()) } else { None },
        limit: Some(PAGE),
        after: None,
    };
    match whose {
        // All of an order's, or the newest ones: few, whatever their state.
        Whose::Order(_) | Whose::PlannedSince(_) => pages(store, filter(None), whose).await,
        Whose::Contract(_) => {
            let mut found = Vec::new();
            for state in OPEN {
                found.extend(pages(store, filter(Some(state)), whose).await?);
            }
            Ok(found)
        }
    }
}

async fn pages(
    store: &Store,
    mut filter: OperationFilter,
    whose: &Whose,
) -> Result<Vec<OperationRow>, Failure> {
    let mut found = Vec::new();
    loop {
        let rows = store.list_operations(&filter).await?;
        let full = u64::try_from(rows.len()).unwrap_or(u64::MAX) >= PAGE;
        filter.after = rows.last().map(|row| row.operation.id.clone());
        // Newest first: behind the first one that is too old there are only older ones.
        let too_old = |row: &OperationRow| match whose {
            Whose::PlannedSince(at) => row.operation.created_at < *at,
            Whose::Order(_) | Whose::Contract(_) => false,
        };
        let reached_the_past = rows.last().is_some_and(too_old);
        found.extend(
            rows.into_iter().filter(|row| !too_old(row) && OPEN.contains(&row.operation.progress.state)),
        );
        if !full || reached_the_past {
            return Ok(found);
        }
    }
}
