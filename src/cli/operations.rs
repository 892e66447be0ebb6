//! `mallsync operations`: every effect sent, or to be sent, to the outside.

use std::io::Write;

use clap::{Args, Subcommand};

use super::args::{FollowArgs, ListArgs, ShowArgs, word};
use super::context::{Context, Page, note};
use super::failure::{Failure, Outcome};
use super::follow;
use super::output::Column;
use super::table::{Look, Table, facts, yen};
use super::views::{OperationView, digits, text};
use super::words;
use crate::app::Due;
use crate::domain::operation::{Intent, State};
use crate::store::Store;
use crate::store::operations::{OperationFilter, OperationRow};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List operations, newest first
    #[command(after_help = "Example:\n  mallsync operations list --state needs_person")]
    List(ListOperations),
    /// Show one operation with each attempt
    Show(ShowOperation),
    /// Try again now: an unknown outcome is only looked up, never sent again blindly
    Retry(Retry),
    /// Give an operation up for good
    #[command(
        after_help = "Example:\n  mallsync operations abandon 0199… --reason \"registered by hand on 11-20\""
    )]
    Abandon(Abandon),
}

#[derive(Args, Debug)]
pub struct ListOperations {
    /// Only operations in this state
    #[arg(long, value_name = "STATE", value_parser = word(State::ALL, State::as_str))]
    state: Option<State>,
    /// Only of this settlement (its name in the config)
    #[arg(long, value_name = "NAME")]
    settlement: Option<String>,
    /// Format and length.
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Args, Debug)]
pub struct ShowOperation {
    /// The operation's id
    #[arg(value_name = "ID")]
    id: String,
    /// Format.
    #[command(flatten)]
    show: ShowArgs,
}

#[derive(Args, Debug)]
pub struct Retry {
    /// The operation's id
    #[arg(value_name = "ID")]
    id: String,
    /// Follow or not.
    #[command(flatten)]
    follow: FollowArgs,
}

#[derive(Args, Debug)]
pub struct Abandon {
    /// The operation's id
    #[arg(value_name = "ID")]
    id: String,
    /// Why: kept with your user name
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: String,
}

/// The command.
pub async fn run(context: &Context, command: Command) -> Outcome {
    match command {
        Command::List(args) => list(context, args).await,
        Command::Show(args) => {
            let store = context.reader().await?;
            let (row, attempts) =
                store.operation(&args.id).await?.ok_or_else(|| unknown(context, &args.id))?;
            let mut view = OperationView::from(row);
            view.attempts = Some(attempts);
            context.show(args.show, &view, |out, look| write_operation(out, &view, look))
        }
        Command::Retry(args) => {
            let app = context.writer().await?;
            let row = find(context, app.store(), &args.id).await?;
            app.store().retry_operation(&args.id, &Context::actor(), context.ambient.now()).await?;
            let due = Due::Order { id: row.operation.order_id, contract: row.operation.account };
            follow::carry_out(context, &app, &due, args.follow).await
        }
        Command::Abandon(args) => {
            let app = context.writer().await?;
            find(context, app.store(), &args.id).await?;
            let now = context.ambient.now();
            app.store().abandon_operation(&args.id, &args.reason, &Context::actor(), now).await?;
            note(context.say(words::DONE));
            Ok(super::failure::Ended::Well)
        }
    }
}

async fn list(context: &Context, args: ListOperations) -> Outcome {
    if let Some(name) = &args.settlement {
        super::settlements::known_contract(context, name)?;
    }
    let store = context.reader().await?;
    let base = OperationFilter { state: args.state, account: args.settlement, ..OperationFilter::default() };
    context
        .list(args.list, COLUMNS, async |limit, last: Option<&OperationView>| {
            let filter =
                OperationFilter { limit: Some(limit), after: last.map(|o| o.id.clone()), ..base.clone() };
            let rows = store.list_operations(&filter).await?;
            Ok(Page::of(rows.into_iter().map(OperationView::from).collect(), limit))
        })
        .await
}

async fn find(context: &Context, store: &Store, id: &str) -> Result<OperationRow, Failure> {
    Ok(store.operation(id).await?.ok_or_else(|| unknown(context, id))?.0)
}

fn unknown(context: &Context, id: &str) -> Failure {
    Failure::Failed(context.tell(words::NO_SUCH_OPERATION, &[&id]))
}

fn slip(intent: &Intent) -> &str {
    intent.slip_number().unwrap_or_default()
}

const COLUMNS: &[Column<OperationView>] = &[
    Column::text("id", words::H_ID, 36, |o, _| o.id.clone(), |o| o.id.clone()),
    Column::text(
        "kind",
        words::H_KIND,
        10,
        |o, look| words::kind(o.kind, look.language).to_owned(),
        |o| o.kind.to_owned(),
    ),
    Column::text(
        "state",
        words::H_STATE,
        12,
        |o, look| words::operation(o.state, look.language).to_owned(),
        |o| o.state.to_string(),
    ),
    Column::text(
        "settlement",
        words::H_SETTLEMENT,
        20,
        |o, _| o.settlement.clone(),
        |o| o.settlement.clone(),
    ),
    Column::csv("shop", |o| o.shop.clone()),
    Column::csv("order_id", |o| o.order_id.clone()),
    Column::text(
        "mall_order_id",
        words::H_ORDER,
        28,
        |o, _| o.mall_order_id.clone(),
        |o| o.mall_order_id.clone(),
    ),
    Column::csv("reception_number", |o| o.intent.reception_number().to_owned()),
    Column::text(
        "slip_number",
        words::H_SLIP,
        14,
        |o, _| slip(&o.intent).to_owned(),
        |o| slip(&o.intent).to_owned(),
    ),
    Column::number(
        "amount",
        words::H_AMOUNT,
        |o, _| yen(Some(o.intent.amount())),
        |o| digits(Some(o.intent.amount())),
    ),
    Column::text(
        "run_at",
        words::H_DUE_AT,
        11,
        |o, look| if o.state.is_final() { String::new() } else { look.time(o.run_at) },
        |o| o.run_at.to_string(),
    ),
    Column::csv_number("sends", |o| o.sends.to_string()),
    Column::text(
        "updated_at",
        words::H_CHANGED,
        11,
        |o, look| look.time(o.updated_at),
        |o| o.updated_at.to_string(),
    ),
    Column::text("code", words::H_CODE, 12, |o, _| text(o.code.as_ref()), |o| text(o.code.as_ref())),
    Column::text(
        "reason",
        words::H_REASON,
        60,
        |o, look| look.maybe_reason(o.reason.as_ref()),
        |o| text(o.reason.as_ref()),
    ),
    Column::csv("created_at", |o| o.created_at.to_string()),
];

fn write_operation(out: &mut dyn Write, view: &OperationView, look: Look) -> Result<(), Failure> {
    let language = look.language;
    let mut head = vec![
        (words::H_ID.get(language), view.id.clone()),
        (words::H_KIND.get(language), words::kind(view.kind, language).to_owned()),
        (words::H_STATE.get(language), words::operation(view.state, language).to_owned()),
        (words::H_ORDER.get(language), format!("{} ({})", view.mall_order_id, view.shop)),
        (words::H_SETTLEMENT.get(language), view.settlement.clone()),
        (words::H_RECEPTION.get(language), view.intent.reception_number().to_owned()),
        (words::H_SLIP.get(language), slip(&view.intent).to_owned()),
        (words::H_AMOUNT.get(language), view.intent.amount().to_string()),
        (words::H_DUE_AT.get(language), look.time(view.run_at)),
    ];
    head.extend(view.code.clone().map(|code| (words::H_CODE.get(language), code)));
    head.extend(view.reason.as_ref().map(|reason| (words::H_REASON.get(language), look.reason(reason))));
    facts(out, &head)?;
    let headings =
        [words::H_ATTEMPT, words::H_KIND, words::H_AT, words::H_OUTCOME, words::H_CODE, words::H_MESSAGE];
    let mut table = Table::new(headings.iter().map(|h| (h.get(language), false)).collect());
    for attempt in view.attempts.iter().flatten() {
        let late = if attempt.late { " (late)" } else { "" };
        let status = attempt.http_status.map(|status| format!(" HTTP {status}")).unwrap_or_default();
        let cells = [
            (attempt.number.to_string(), 6),
            (words::attempt(&attempt.kind, language).to_owned(), 12),
            (look.time(attempt.started_at), 11),
            (format!("{}{late}", words::attempt_outcome(&attempt.outcome, language)), 20),
            (format!("{}{status}", text(attempt.code.as_ref())).trim().to_owned(), 24),
            (look.maybe_reason(attempt.message.as_ref()), 90),
        ];
        table.row(cells.into_iter());
    }
    writeln!(out)?;
    table.write(&mut { out })?;
    Ok(())
}
