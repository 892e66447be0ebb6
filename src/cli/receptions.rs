//! `mallsync settlements import`: which reception number (受付番号) orders were paid under, from a cart's file.

use std::fs::File;
use std::path::PathBuf;

use super::args::{ListArgs, MoneyArgs, ReportArgs};
use super::context::{Context, Page, formats, note};
use super::failure::{Ended, Failure, Outcome};
use super::follow::{self, Whose};
use super::import::{READINGS, Reading};
use super::output::{Column, Format};
use super::slips::{READABLE, line_of};
use super::table::yen;
use super::views::{digits, text};
use super::{money, orders, settlements, words};
use crate::app::Due;
use crate::domain::planner::Mode;
use crate::domain::reception::{ReceptionOutcome, ReceptionReport};
use crate::malls::csv::profiles;
use crate::settlement::receptions;
use crate::store::receptions::{ReceptionImport, WaitingReception};
use crate::tabular::Profile;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The file: mall_order_id,reception_number[,amount], or any CSV with --profile
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Under this settlement of the config alone [default: the one whose rule an order matches]
    #[arg(long, value_name = "NAME")]
    settlement: Option<String>,
    /// Only orders of this shop: needed where several shops have the same order numbers
    #[arg(long, value_name = "NAME")]
    shop: Option<String>,
    /// Which column is what: a profile that comes with the program, or the path of one's own (.toml)
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// Show how the file reads, column by column, and store nothing
    #[arg(long, conflicts_with_all = ["dry_run", "yes"])]
    explain: bool,
    /// Show, ask, follow.
    #[command(flatten)]
    money: MoneyArgs,
    /// Format.
    #[command(flatten)]
    report: ReportArgs,
}

/// The command.
pub async fn import(context: &Context, args: Args) -> Outcome {
    if let Some(name) = &args.settlement {
        settlements::known_contract(context, name)?;
    }
    if let Some(name) = &args.shop {
        orders::known_shop(context, name)?;
    }
    let profile = args.profile.as_deref().map(|name| profiles::load_for(name, receptions::REQUIRED));
    let profile = profile.transpose().map_err(|all| Failure::Failed(all.join("\n")))?;
    if args.explain {
        return explain(context, &args, profile.as_ref());
    }
    let shown = args.file.display();
    let name = args.file.file_name().map_or_else(|| shown.to_string(), |n| n.to_string_lossy().into_owned());
    let parsed = receptions::parse(profile.as_ref(), &name, || File::open(&args.file))
        .map_err(|error| Failure::Failed(context.tell(words::FILE_REFUSED, &[&shown, &error])))?;
    if parsed.without_number > 0 {
        note(&context.tell(words::RECEPTIONS_WITHOUT, &[&shown, &parsed.without_number]));
    }
    let app = context.writer().await?;
    let store = app.store();
    let mut import = ReceptionImport {
        file: name,
        digest: parsed.digest,
        rows: parsed.rows,
        shop: args.shop,
        settlement: args.settlement,
        dry_run: true,
    };
    let actor = Context::actor();
    let foreseen = store.import_receptions(&import, &actor, &app.planning()).await?;
    let mut reports = foreseen.reports.clone();
    reports.extend(parsed.refused);
    reports.sort_by_key(|row| line_of(&row.source));
    let mut failed = report(context, args.report, &reports)? == Ended::Badly;
    let count = |outcome| reports.iter().filter(|row| row.outcome == outcome).count();
    let refused = count(ReceptionOutcome::Refused);
    note(&context.tell(
        words::RECEPTIONS_SUM,
        &[
            &shown,
            &count(ReceptionOutcome::Linked),
            &count(ReceptionOutcome::Known),
            &count(ReceptionOutcome::Waiting),
            &refused,
        ],
    ));
    failed |= refused > 0;
    let ended = |failed| Ok(if failed { Ended::Badly } else { Ended::Well });
    let moves = foreseen.operations > 0;
    if moves {
        note(&context.tell(words::RECEPTIONS_FOLLOW, &[&foreseen.operations, &foreseen.yen]));
    }
    // Where nothing would be sent, nobody is asked.
    let mode = if moves { Mode::Live } else { Mode::DryRun };
    if !money::confirm(context, args.money, mode)? {
        return ended(failed || !args.money.dry_run);
    }
    import.dry_run = false;
    let began = context.ambient.now();
    let done = store.import_receptions_as_read(&import, Some(&foreseen), &actor, &app.planning()).await?;
    if done.operations > 0 {
        let due = |(id, contract)| Due::Order { id, contract };
        let dues: Vec<Due> = done.linked.into_iter().map(due).collect();
        let whose = Whose::PlannedSince(began);
        failed |=
            follow::carry_out_all(context, &app, &dues, &whose, args.money.follow).await? == Ended::Badly;
    }
    ended(failed)
}

/// On a terminal a long report shows only what wants to be read.
fn report(context: &Context, args: ReportArgs, rows: &[ReceptionReport]) -> Outcome {
    if formats(args.into())?.0 != Format::Table || rows.len() <= READABLE {
        return context.rows(args.into(), REPORT, rows);
    }
    let in_order =
        |row: &&ReceptionReport| matches!(row.outcome, ReceptionOutcome::Linked | ReceptionOutcome::Known);
    let good = rows.iter().filter(in_order).count();
    let others: Vec<ReceptionReport> = rows.iter().filter(|row| !in_order(row)).cloned().collect();
    let ended = context.rows(args.into(), REPORT, &others)?;
    note(&context.tell(words::SLIPS_GOOD, &[&good]));
    Ok(ended)
}

fn explain(context: &Context, args: &Args, profile: Option<&Profile>) -> Outcome {
    let shown = args.file.display();
    let explanation = receptions::explain(profile, || File::open(&args.file))
        .map_err(|error| Failure::Failed(context.tell(words::FILE_REFUSED, &[&shown, &error])))?;
    let columns = explanation.columns.into_iter().map(|column| Reading {
        number: column.number,
        name: column.name,
        fields: column.fields,
        example: column.example,
    });
    let ended = context.rows(args.report.into(), READINGS, &columns.collect::<Vec<_>>())?;
    let delimiter = match explanation.delimiter {
        '\t' => "TAB".to_owned(),
        other => other.to_string(),
    };
    note(&context.tell(
        words::RECEPTIONS_EXPLAINED,
        &[
            &explanation.profile.as_deref().unwrap_or("-"),
            &explanation.encoding.as_str(),
            &delimiter,
            &explanation.rows,
        ],
    ));
    Ok(ended)
}

/// `settlements list --unmatched`.
pub async fn waiting(context: &Context, list: ListArgs) -> Outcome {
    let store = context.reader().await?;
    context
        .list(list, WAITING, async |limit, last: Option<&WaitingReception>| {
            let after = last.map(|row| row.id.as_str());
            Ok(Page::of(store.waiting_receptions(after, Some(limit)).await?, limit))
        })
        .await
}

const REPORT: &[Column<ReceptionReport>] = &[
    Column::text("source", words::H_LINE, 28, |r, _| r.source.clone(), |r| r.source.clone()),
    Column::text(
        "mall_order_id",
        words::H_ORDER,
        28,
        |r, _| r.mall_order_id.clone(),
        |r| r.mall_order_id.clone(),
    ),
    Column::text(
        "reception_number",
        words::H_RECEPTION,
        23,
        |r, _| r.reception_number.clone(),
        |r| r.reception_number.clone(),
    ),
    Column::text(
        "settlement",
        words::H_SETTLEMENT,
        20,
        |r, _| text(r.settlement.as_ref()),
        |r| text(r.settlement.as_ref()),
    ),
    Column::text(
        "outcome",
        words::H_OUTCOME,
        10,
        |r, look| words::reception(r.outcome, look.language).to_owned(),
        |r| r.outcome.to_string(),
    ),
    Column::text("reason", words::H_REASON, 90, |r, look| look.reason(&r.reason), |r| r.reason.clone()),
];

const WAITING: &[Column<WaitingReception>] = &[
    Column::text(
        "mall_order_id",
        words::H_ORDER,
        28,
        |w, _| w.mall_order_id.clone(),
        |w| w.mall_order_id.clone(),
    ),
    Column::text(
        "reception_number",
        words::H_RECEPTION,
        23,
        |w, _| w.reception_number.clone(),
        |w| w.reception_number.clone(),
    ),
    Column::number("amount", words::H_AMOUNT, |w, _| yen(w.amount), |w| digits(w.amount)),
    Column::text("shop", words::H_SHOP, 16, |w, _| text(w.shop.as_ref()), |w| text(w.shop.as_ref())),
    Column::text(
        "settlement",
        words::H_SETTLEMENT,
        20,
        |w, _| text(w.settlement.as_ref()),
        |w| text(w.settlement.as_ref()),
    ),
    Column::text("source", words::H_SOURCE, 32, |w, _| w.source.clone(), |w| w.source.clone()),
    Column::csv("actor", |w| w.actor.clone()),
    Column::csv("learnt_at", |w| w.learnt_at.to_string()),
    Column::text(
        "held",
        words::H_NOTE,
        120,
        |w, look| match &w.held {
            Some(why) => look.reason(why),
            None => words::reception(ReceptionOutcome::Waiting, look.language).to_owned(),
        },
        |w| text(w.held.as_ref()),
    ),
];
