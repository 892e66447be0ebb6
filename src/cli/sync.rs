//! `mallsync sync`: one pass now, here or by the running daemon.

use std::io::{self, IsTerminal};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::args::{Moment, ReportArgs};
use super::context::{Context, note};
use super::failure::{Ended, Failure, Outcome};
use super::output::Column;
use super::progress::Bars;
use super::views::text;
use super::{run, words};
use crate::app::{SyncOptions, SyncSummary};
use crate::engine::chores::ShopPass;
use crate::store::{Access, Store};

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  mallsync sync\n  mallsync sync --shop rakuten-main --since 2026-01-01\n  \
                        mallsync sync --send\n\nA backfill (--since) goes on where it stopped when it is given again. \
                        While a daemon is running it is asked to do the pass."
)]
pub struct Args {
    /// Only this shop (its name in the config); may be given several times
    #[arg(long = "shop", value_name = "NAME")]
    shops: Vec<String>,
    /// A backfill of all orders from here on: a day, a time, or how long ago (90d)
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    since: Option<Moment>,
    /// The backfill ends here [default: now]
    #[arg(long, value_name = "TIME", value_parser = Moment::parse, requires = "since")]
    until: Option<Moment>,
    /// Also send the operations that are due
    #[arg(long)]
    send: bool,
    /// Format.
    #[command(flatten)]
    report: ReportArgs,
}

/// The command.
pub async fn run(context: &Context, args: Args) -> Outcome {
    for shop in &args.shops {
        super::orders::known_shop(context, shop)?;
    }
    let now = context.ambient.now();
    let options = SyncOptions {
        shops: args.shops,
        since: args.since.map(|moment| moment.resolve(now)),
        until: args.until.map(|moment| moment.resolve(now)),
        send: args.send,
    };
    if let (Some(since), Some(until)) = (options.since, options.until)
        && since >= until
    {
        return Err(Failure::Usage(format!("--since {since} is not before --until {until}")));
    }
    let summary = match daemon(context).await? {
        Some(store) => ask(context, &store, &options).await?,
        None => here(context, &options).await?,
    };
    let ended = context.rows(args.report.into(), COLUMNS, &summary.shops)?;
    if options.send {
        note(&context.tell(words::SYNC_SENT, &[&summary.sent, &summary.failed]));
    }
    let failed = summary.failed > 0 || summary.shops.iter().any(|shop| shop.error.is_some());
    Ok(if failed { Ended::Badly } else { ended })
}

/// The database beside a running daemon. A database that cannot be opened so is not there yet, or has no daemon.
async fn daemon(context: &Context) -> Result<Option<Store>, Failure> {
    let Ok(app) = context.app(Access::Command).await else { return Ok(None) };
    let store = app.store().clone();
    Ok(store.daemon_alive(context.ambient.wall()).await?.then_some(store))
}

async fn here(context: &Context, options: &SyncOptions) -> Result<SyncSummary, Failure> {
    // On a terminal the progress and the table tell the quiet part.
    let filter = if io::stderr().is_terminal() { "warn" } else { &context.config.log.filter };
    run::log(context, filter)?;
    let app = context.app(Access::Daemon).await?;
    let stop = CancellationToken::new();
    let signals = tokio::spawn(run::stop_on_signal(stop.clone(), context.language));
    let bars = Bars::new(context.look());
    let summary = Box::pin(app.sync(options, &bars, stop)).await;
    signals.abort();
    app.store().close().await;
    Ok(summary?)
}

async fn ask(context: &Context, store: &Store, options: &SyncOptions) -> Result<SyncSummary, Failure> {
    note(context.say(words::SYNC_ASKED));
    let args = serde_json::to_value(options)?;
    let id = store.ask("sync", &args, &Context::actor(), context.ambient.now()).await?;
    loop {
        context.second().await;
        let request = store.request(&id).await?;
        if let Some(result) = request.and_then(|request| request.result) {
            if let Some(error) = result.get("error").and_then(Value::as_str) {
                return Err(Failure::Failed(error.to_owned()));
            }
            return Ok(serde_json::from_value(result)?);
        }
        if !store.daemon_alive(context.ambient.wall()).await? {
            return Err(Failure::Failed(context.say(words::SYNC_NO_ANSWER).to_owned()));
        }
    }
}

const COLUMNS: &[Column<ShopPass>] = &[
    Column::text("shop", words::H_SHOP, 24, |s, _| s.shop.clone(), |s| s.shop.clone()),
    Column::number("new", words::H_NEW, |s, _| s.new.to_string(), |s| s.new.to_string()),
    Column::number("changed", words::H_CHANGED, |s, _| s.changed.to_string(), |s| s.changed.to_string()),
    Column::number(
        "unchanged",
        words::H_UNCHANGED,
        |s, _| s.unchanged.to_string(),
        |s| s.unchanged.to_string(),
    ),
    Column::number(
        "set_aside",
        words::H_SET_ASIDE,
        |s, _| s.set_aside.to_string(),
        |s| s.set_aside.to_string(),
    ),
    Column::number("pages", words::H_PAGES, |s, _| s.pages.to_string(), |s| s.pages.to_string()),
    Column::text("error", words::H_ERROR, 90, |s, _| text(s.error.as_ref()), |s| text(s.error.as_ref())),
];
