//! `mallsync slips`: slip (tracking) numbers of parcels.

use std::fs::File;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::args::{FollowArgs, ListArgs, ReportArgs, word};
use super::context::{Context, Page, formats, note};
use super::failure::{Ended, Failure, Outcome};
use super::follow::{self, Whose};
use super::output::{Column, Format};
use super::views::text;
use super::{orders, words};
use crate::app::App;
use crate::domain::order::Carrier;
use crate::domain::slip::{RowOutcome, RowReport, SlipRow};
use crate::slips::{self, Parsed};
use crate::store::slips::{SlipImport, SlipView};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read carriers' slip files (B2クラウド 発行済データ); the same file again is harmless
    #[command(after_help = "Examples:\n  mallsync slips import --dry-run 発行済データ.csv\n  \
                            mallsync slips import 発行済データ.csv")]
    Import(Import),
    /// Add one slip to an order
    #[command(after_help = "Example:\n  mallsync slips add 1001 4001-2345-6784 --ship-date 2026-11-21")]
    Add(Add),
    /// Replace a slip of an order by another
    Replace(Replace),
    /// Take a slip away from an order
    Remove(Remove),
    /// List slips, newest first
    List(List),
}

#[derive(Args, Debug)]
pub struct Import {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Report what would happen and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Follow or not.
    #[command(flatten)]
    follow: FollowArgs,
    /// Format.
    #[command(flatten)]
    report: ReportArgs,
}

/// A slip as a person types it in.
#[derive(Args, Debug)]
struct Number {
    /// Who carries it
    #[arg(long, value_name = "CARRIER", default_value = "yamato", value_parser = word(Carrier::ALL, Carrier::as_str))]
    carrier: Carrier,
    /// The day it is (or was) shipped: 2026-11-21
    #[arg(long, value_name = "DATE")]
    ship_date: Option<NaiveDate>,
    /// Which destination of the order it is for (package_id of `orders show --format json`)
    #[arg(long, value_name = "PACKAGE_ID")]
    package: Option<String>,
}

#[derive(Args, Debug)]
pub struct Add {
    /// Our order id or the mall's order number
    #[arg(value_name = "ORDER")]
    order: String,
    /// The slip number; hyphens and full-width digits are fine
    #[arg(value_name = "NUMBER")]
    number: String,
    /// Of the slip.
    #[command(flatten)]
    of: Number,
    /// Follow or not.
    #[command(flatten)]
    follow: FollowArgs,
}

#[derive(Args, Debug)]
pub struct Replace {
    /// Our order id or the mall's order number
    #[arg(value_name = "ORDER")]
    order: String,
    /// The slip number that the order has
    #[arg(value_name = "OLD")]
    old: String,
    /// The one that it should have
    #[arg(value_name = "NEW")]
    new: String,
    /// Of the slip.
    #[command(flatten)]
    of: Number,
    /// Follow or not.
    #[command(flatten)]
    follow: FollowArgs,
}

#[derive(Args, Debug)]
pub struct Remove {
    /// Our order id or the mall's order number
    #[arg(value_name = "ORDER")]
    order: String,
    /// The slip number
    #[arg(value_name = "NUMBER")]
    number: String,
    /// Follow or not.
    #[command(flatten)]
    follow: FollowArgs,
}

#[derive(Args, Debug)]
pub struct List {
    /// Only slips that wait for their order or for a person
    #[arg(long)]
    unmatched: bool,
    /// Format and length.
    #[command(flatten)]
    list: ListArgs,
}

/// The command.
pub async fn run(context: &Context, command: Command) -> Outcome {
    match command {
        Command::Import(args) => import(context, args).await,
        Command::Add(args) => add(context, args).await,
        Command::Replace(args) => replace(context, args).await,
        Command::Remove(args) => remove(context, args).await,
        Command::List(args) => list(context, args).await,
    }
}

async fn list(context: &Context, args: List) -> Outcome {
    let store = context.reader().await?;
    context
        .list(args.list, SLIPS, async |limit, last: Option<&SlipView>| {
            let after = last.map(|view| view.id.as_str());
            Ok(Page::of(store.list_slips(args.unmatched, after, Some(limit)).await?, limit))
        })
        .await
}

async fn import(context: &Context, args: Import) -> Outcome {
    let app = context.writer().await?;
    let began = context.ambient.now();
    let mut reports = Vec::new();
    let mut failed = false;
    for path in &args.files {
        match import_file(context, &app, path, args.dry_run).await? {
            Some(rows) => reports.extend(rows),
            None => failed = true,
        }
    }
    let ended = report(context, args.report, &reports)?;
    failed |= ended == Ended::Badly || reports.iter().any(|row| row.outcome == RowOutcome::Refused);
    if args.dry_run {
        note(context.say(words::DRY_RUN_ONLY));
    } else if reports.iter().any(|row| row.outcome == RowOutcome::Matched) {
        let whose = Whose::PlannedSince(began);
        failed |= follow::follow(context, app.store(), &whose, args.follow).await? == Ended::Badly;
    }
    Ok(if failed { Ended::Badly } else { Ended::Well })
}

/// Rows on a terminal beyond which only those are shown that want to be read.
pub const READABLE: usize = 40;

fn report(context: &Context, args: ReportArgs, rows: &[RowReport]) -> Outcome {
    if formats(args.into())?.0 != Format::Table || rows.len() <= READABLE {
        return context.rows(args.into(), REPORT, rows);
    }
    // A slip that is used may be told something about.
    let in_order = |row: &&RowReport| match row.outcome {
        RowOutcome::Matched => row.reason.is_empty(),
        RowOutcome::Known => true,
        _ => false,
    };
    let good = rows.iter().filter(in_order).count();
    let questions: Vec<RowReport> = rows.iter().filter(|row| !in_order(row)).cloned().collect();
    let ended = context.rows(args.into(), REPORT, &questions)?;
    note(&context.tell(words::SLIPS_GOOD, &[&good]));
    Ok(ended)
}

/// Imports one file. `None`: it is not usable as a whole, which has been said.
async fn import_file(
    context: &Context,
    app: &App,
    path: &Path,
    dry_run: bool,
) -> Result<Option<Vec<RowReport>>, Failure> {
    let shown = path.display();
    let name = path.file_name().map_or_else(|| shown.to_string(), |name| name.to_string_lossy().into_owned());
    let parsed = match slips::parse_from(&name, || File::open(path)) {
        Ok(parsed) => parsed,
        Err(error) => {
            note(&context.tell(words::FILE_REFUSED, &[&shown, &error]));
            return Ok(None);
        }
    };
    let Parsed { rows, refused, not_issued, notes, digest } = parsed;
    for line in &notes {
        note(line);
    }
    if not_issued > 0 {
        note(&context.tell(words::SLIPS_NOT_ISSUED, &[&shown, &not_issued]));
    }
    if let Some(before) = app.store().file_seen(&digest).await? {
        note(&context.tell(words::SLIPS_SEEN, &[&shown, &context.look().time(before)]));
    }
    let verify_recipient = context.config.slips.verify_recipient;
    let import = SlipImport { file: name, digest, rows, verify_recipient, dry_run };
    let mut reports = app.store().import_slips(&import, &Context::actor(), &app.planning()).await?;
    reports.extend(refused);
    reports.sort_by_key(|row| line_of(&row.source));
    let count = |outcome| reports.iter().filter(|row| row.outcome == outcome).count();
    note(&context.tell(
        words::SLIPS_SUM,
        &[
            &shown,
            &count(RowOutcome::Matched),
            &count(RowOutcome::Known),
            &count(RowOutcome::Waiting),
            &count(RowOutcome::Held),
            &count(RowOutcome::Refused),
        ],
    ));
    Ok(Some(reports))
}

/// The line in `b2.csv:12`.
pub fn line_of(source: &str) -> u64 {
    source.rsplit_once(':').and_then(|(_, line)| line.parse().ok()).unwrap_or(u64::MAX)
}

fn slip_row(number: &str, of: Number, mall_order_id: &str) -> Result<SlipRow, Failure> {
    let row = slips::row_from_person(number, of.carrier, of.ship_date, &Context::actor())
        .map_err(|reason| Failure::Usage(format!("{number}: {reason}")))?;
    Ok(SlipRow { order_key: mall_order_id.to_owned(), package_id: of.package, ..row })
}

async fn add(context: &Context, args: Add) -> Outcome {
    let app = context.writer().await?;
    let order = orders::find(context, app.store(), &args.order).await?;
    let number = &order.order.mall_order_id;
    let row = slip_row(&args.number, args.of, number)?;
    let report = app.store().add_slip(&order.id, &row, &Context::actor(), &app.planning()).await?;
    match report.outcome {
        RowOutcome::Matched => note(&context.tell(words::SLIP_ADDED, &[number, &report.number])),
        other => {
            let outcome = words::outcome(other, context.language);
            let reason = context.look().reason(&report.reason);
            note(&format!("{number} {}: {outcome} {reason}", report.number));
        }
    }
    if matches!(report.outcome, RowOutcome::Refused | RowOutcome::Held) {
        return Ok(Ended::Badly);
    }
    follow::follow(context, app.store(), &Whose::Order(order.id), args.follow).await
}

async fn replace(context: &Context, args: Replace) -> Outcome {
    let app = context.writer().await?;
    let order = orders::find(context, app.store(), &args.order).await?;
    let number = &order.order.mall_order_id;
    let row = slip_row(&args.new, args.of, number)?;
    app.store().replace_slip(&order.id, &args.old, &row, &Context::actor(), &app.planning()).await?;
    note(&context.tell(words::SLIP_REPLACED, &[number, &args.old, &row.number]));
    follow::follow(context, app.store(), &Whose::Order(order.id), args.follow).await
}

async fn remove(context: &Context, args: Remove) -> Outcome {
    let app = context.writer().await?;
    let order = orders::find(context, app.store(), &args.order).await?;
    app.store().remove_slip(&order.id, &args.number, &Context::actor(), &app.planning()).await?;
    note(&context.tell(words::SLIP_REMOVED, &[&order.order.mall_order_id, &args.number]));
    follow::follow(context, app.store(), &Whose::Order(order.id), args.follow).await
}

const REPORT: &[Column<RowReport>] = &[
    Column::text("source", words::H_LINE, 28, |r, _| r.source.clone(), |r| r.source.clone()),
    Column::text("order_key", words::H_ORDER, 28, |r, _| r.order_key.clone(), |r| r.order_key.clone()),
    Column::text("number", words::H_SLIP, 16, |r, _| r.number.clone(), |r| r.number.clone()),
    Column::text(
        "outcome",
        words::H_OUTCOME,
        10,
        |r, look| words::outcome(r.outcome, look.language).to_owned(),
        |r| r.outcome.to_string(),
    ),
    Column::text("reason", words::H_REASON, 90, |r, look| look.reason(&r.reason), |r| r.reason.clone()),
];

const SLIPS: &[Column<SlipView>] = &[
    Column::text("number", words::H_SLIP, 16, |s, _| s.slip.number.clone(), |s| s.slip.number.clone()),
    Column::text(
        "carrier",
        words::H_CARRIER,
        10,
        |s, _| s.slip.carrier.to_string(),
        |s| s.slip.carrier.to_string(),
    ),
    Column::csv("kind", |s| s.slip.kind.clone()),
    Column::text("shop", words::H_SHOP, 16, |s, _| text(s.shop.as_ref()), |s| text(s.shop.as_ref())),
    Column::csv("order_id", |s| text(s.order_id.as_ref())),
    Column::text(
        "mall_order_id",
        words::H_ORDER,
        28,
        |s, _| s.mall_order_id.clone(),
        |s| s.mall_order_id.clone(),
    ),
    Column::csv("package_id", |s| text(s.slip.package_id.as_ref())),
    Column::text(
        "ship_date",
        words::H_SHIP_DATE,
        10,
        |s, _| text(s.slip.ship_date.as_ref()),
        |s| text(s.slip.ship_date.as_ref()),
    ),
    Column::text("source", words::H_SOURCE, 32, |s, _| s.slip.source.clone(), |s| s.slip.source.clone()),
    Column::csv("learnt_at", |s| s.slip.learnt_at.to_string()),
    Column::csv("write_back", |s| s.slip.write_back.to_string()),
    Column::text(
        "held",
        words::H_NOTE,
        120,
        |s, look| match (&s.slip.held, &s.order_id) {
            (Some(why), _) => look.reason(why),
            (None, None) => words::outcome(RowOutcome::Waiting, look.language).to_owned(),
            (None, Some(_)) => String::new(),
        },
        |s| text(s.slip.held.as_ref()),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_reported_in_the_order_of_the_file() {
        assert_eq!(line_of("2026:11.csv:12"), 12);
        assert_eq!(line_of("person:hanako"), u64::MAX);
    }
}
