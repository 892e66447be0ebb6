//! `mallsync settlements reconcile`: settlements against the gateway's books, now.

use std::collections::HashMap;
use std::io::{self, IsTerminal};

use tokio_util::sync::CancellationToken;

use super::args::ReportArgs;
use super::context::{Context, note};
use super::differences::{COLUMNS, KIND_COLUMNS, KindLine, Line, line_of, lines_of};
use super::failure::{Ended, Failure, Outcome};
use super::{run, settlements, words};
use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::planner::Contract;
use crate::domain::reconcile::Report;
use crate::store::missed::Of;
use crate::store::notices::Topic;
use crate::store::reconciling::Which;
use crate::store::runs::Reconciliation;
use crate::store::{Access, Store};

#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  mallsync settlements reconcile\n  \
                        mallsync settlements reconcile --settlement webcollect-main --by-kind\n  \
                        mallsync settlements reconcile --no-look --format csv\n\nExit status: 0 nothing differs, 1 \
                        something does or could not be looked up (the maintenance window is no failure).")]
pub struct Args {
    /// Only this contract (its name in the config)
    #[arg(long, value_name = "NAME")]
    settlement: Option<String>,
    /// Ask the gateway nothing: compare with what it showed last
    #[arg(long)]
    no_look: bool,
    /// Only counts and sums, one row a kind
    #[arg(long)]
    by_kind: bool,
    /// Format.
    #[command(flatten)]
    report: ReportArgs,
}

/// How a contract's run ended.
struct Ran {
    name: String,
    looked: u64,
    failed: u64,
    error: Option<String>,
}

/// The command.
pub async fn run(context: &Context, args: Args) -> Outcome {
    if let Some(name) = &args.settlement {
        settlements::known_contract(context, name)?;
    }
    let ran = if args.no_look { Vec::new() } else { look(context, args.settlement.as_deref()).await? };
    let app = context.app(Access::Read).await?;
    let wanted = |contract: &&Contract| args.settlement.as_ref().is_none_or(|only| contract.name == *only);
    let (mut lines, mut reports) = (Vec::new(), Vec::new());
    let shut = if args.no_look { shut(app.store()).await? } else { Vec::new() };
    for contract in app.contracts().iter().filter(wanted) {
        let report = compare(context, &app, contract, &mut lines).await?;
        reports.push((contract.name.clone(), report));
    }
    lines.sort_by(|a, b| (a.kind, &a.settlement).cmp(&(b.kind, &b.settlement)));
    if args.by_kind {
        let of = |(name, report): &(String, Report)| {
            let kinds = report.tallies().iter();
            kinds.map(|tally| KindLine { settlement: name.clone(), tally: *tally }).collect::<Vec<_>>()
        };
        let kinds: Vec<KindLine> = reports.iter().flat_map(of).collect();
        context.rows(args.report.into(), KIND_COLUMNS, &kinds)?;
    } else {
        context.rows(args.report.into(), COLUMNS, &lines)?;
    }
    for (name, report) in &reports {
        for (_, why) in shut.iter().filter(|(shut, _)| shut == name) {
            note(&context.tell(words::R_BROKEN_OFF, &[name, &context.look().reason(why)]));
        }
        sum(context, name, report, &ran, args.by_kind);
    }
    let failed =
        ran.iter().any(|ran| ran.failed > 0 || ran.error.as_deref().is_some_and(|why| !in_window(why)));
    Ok(if failed || !lines.is_empty() { Ended::Badly } else { Ended::Well })
}

/// Contracts whose last run ended before its time, or could not begin, and why: what is compared with is old.
async fn shut(store: &Store) -> Result<Vec<(String, String)>, Failure> {
    let rows = store.reconciliations(None).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.settlement, row.error?))).collect())
}

/// Asked in the maintenance window: nothing is wrong (decisions.md 10).
fn in_window(why: &str) -> bool {
    why.starts_with("maintenance window")
}

/// What the run did and what it found, by kind.
fn sum(context: &Context, name: &str, report: &Report, ran: &[Ran], by_kind: bool) {
    for ran in ran.iter().filter(|ran| ran.name == name) {
        note(&context.tell(words::R_RAN, &[&name, &ran.looked, &ran.failed]));
        if let Some(why) = &ran.error {
            note(&context.tell(words::R_BROKEN_OFF, &[&name, &context.look().reason(why)]));
        }
    }
    if report.count() == 0 {
        note(&context.tell(words::R_NOTHING, &[&name]));
        return;
    }
    note(&context.tell(words::R_SUM, &[&name, &report.count()]));
    if !by_kind {
        for tally in report.tallies() {
            let kind = words::difference(tally.kind, context.language);
            note(&context.tell(words::R_KIND, &[&kind, &tally.count, &tally.ours, &tally.theirs]));
        }
    }
}

/// Settlements read at a time.
const PAGE: u64 = 200;
/// Seconds within which a daemon that uses the section has begun.
const HEARD_WITHIN: u32 = 60;

/// What differs by what is known now.
async fn compare(
    context: &Context,
    app: &App,
    contract: &Contract,
    lines: &mut Vec<Line>,
) -> Result<Report, Failure> {
    let (store, now) = (app.store(), context.ambient.now());
    let since: HashMap<String, Timestamp> = store
        .notices(Topic::Difference)
        .await?
        .into_iter()
        .map(|notice| (notice.subject, notice.since))
        .collect();
    let mut report = Report::default();
    let mut after = Some(String::new());
    while let Some(from) = after {
        let (page, next) = store.compare_settlements(contract, Which::After(&from, PAGE), now).await?;
        for compared in page {
            compared.differences.iter().for_each(|difference| report.add(difference));
            lines.extend(lines_of(compared, &since));
        }
        after = next;
    }
    let mut after = Some(String::new());
    while let Some(from) = after {
        let of = Of::After(&from, PAGE);
        let (page, next) = store.missed_orders(app.contracts(), contract, of, now).await?;
        for missed in page {
            report.add(&missed.difference);
            lines.push(line_of(contract, missed, &since));
        }
        after = next;
    }
    Ok(report)
}

/// Looks everything up, by the running daemon or here.
async fn look(context: &Context, only: Option<&str>) -> Result<Vec<Ran>, Failure> {
    if let Ok(app) = context.app(Access::Command).await
        && app.store().daemon_alive(context.ambient.wall()).await?
    {
        return ask(context, &app, only).await;
    }
    // On a terminal the report tells the quiet part.
    run::log(context, if io::stderr().is_terminal() { "warn" } else { &context.config.log.filter })?;
    let app = context.app(Access::Daemon).await?;
    note(context.say(words::R_HERE));
    let stop = CancellationToken::new();
    let signals = tokio::spawn(run::stop_on_signal(stop.clone(), context.language));
    let ran = Box::pin(app.reconcile(only, stop)).await;
    signals.abort();
    app.store().close().await;
    let elsewhere = || context.say(words::R_ELSEWHERE).to_owned();
    Ok(ran?
        .into_iter()
        .map(|(name, done)| Ran {
            name,
            looked: done.looked,
            failed: done.failed,
            error: done.error.or_else(|| done.busy_elsewhere.then(elsewhere)),
        })
        .collect())
}

async fn ask(context: &Context, app: &App, only: Option<&str>) -> Result<Vec<Ran>, Failure> {
    let store = app.store();
    let mut ran = Vec::new();
    let mut asked = Vec::new();
    let now = context.ambient.now();
    for section in &context.config.settlements {
        if !section.enabled || only.is_some_and(|only| only != section.name) {
            continue;
        }
        let account = store.account(&section.name).await?;
        let unusable = account.stopped_reason.filter(|_| account.stopped_code.as_deref() == Some("config"));
        if let Some(why) = unusable {
            ran.push(Ran { name: section.name.clone(), looked: 0, failed: 0, error: Some(why) });
        } else if store.ask_reconciliation(&section.name, now).await? {
            asked.push(section.name.clone());
        } else {
            let why = context.say(words::R_UNKNOWN_TO_DAEMON).to_owned();
            ran.push(Ran { name: section.name.clone(), looked: 0, failed: 0, error: Some(why) });
        }
    }
    if !asked.is_empty() {
        note(context.say(words::R_ASKED));
    }
    let mut unheard = 0;
    while !asked.is_empty() {
        context.second().await;
        let rows = store.reconciliations(None).await?;
        let of = |name: &String| rows.iter().find(|row| row.settlement == *name);
        let over = |name: &String| of(name).filter(|row| row.asked_at.is_none());
        ran.extend(asked.iter().filter_map(over).map(ended));
        asked.retain(|name| over(name).is_none());
        unheard = if asked.iter().filter_map(of).any(|row| row.leased) { 0 } else { unheard + 1 };
        if unheard > HEARD_WITHIN {
            for name in std::mem::take(&mut asked) {
                let why = context.say(words::R_UNKNOWN_TO_DAEMON).to_owned();
                ran.push(Ran { name, looked: 0, failed: 0, error: Some(why) });
            }
        }
        if !asked.is_empty() && !store.daemon_alive(context.ambient.wall()).await? {
            return Err(Failure::Failed(context.say(words::SYNC_NO_ANSWER).to_owned()));
        }
    }
    Ok(ran)
}

fn ended(row: &Reconciliation) -> Ran {
    Ran { name: row.settlement.clone(), looked: row.looked, failed: row.failed, error: row.error.clone() }
}
