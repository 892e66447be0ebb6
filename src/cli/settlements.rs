//! `mallsync settlements`: card settlements of orders.

use std::io::Write;

use clap::{Args, Subcommand};

use super::args::{ListArgs, ShowArgs, word};
use super::context::{Context, Page, note};
use super::failure::{Ended, Failure, Outcome};
use super::follow::{self, Whose};
use super::output::Column;
use super::table::{Look, facts, yen};
use super::views::{SettlementView, digits, text};
use super::{hold, link, preview, words};
use crate::domain::settlement::SettlementState;
use crate::store::Store;
use crate::store::settlements::{SettlementFilter, SettlementRow};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List card settlements, newest first
    #[command(after_help = "Examples:\n  mallsync settlements list --state authorized\n  \
                            mallsync settlements list --held")]
    List(ListSettlements),
    /// Show one settlement
    Show(ShowSettlement),
    /// Link an order to its reception number (受付番号)
    #[command(after_help = "Example:\n  mallsync settlements link 1001 A-1001 --settlement webcollect-main")]
    Link(link::Link),
    /// Take the reception number away from an order again
    Unlink(Unlink),
    /// Show what would be sent now, what waits and why, and what needs a person; sends nothing
    Preview(preview::Args),
    /// Send nothing for a settlement, or for a whole contract, until it is released
    Hold(hold::Hold),
    /// Release what was held, by a person or by a guard (max_per_hour, max_yen_per_day)
    Release(hold::Release),
}

#[derive(Args, Debug)]
pub struct ListSettlements {
    /// Only settlements in this state
    #[arg(long, value_name = "STATE", value_parser = word(SettlementState::ALL, SettlementState::as_str))]
    state: Option<SettlementState>,
    /// Only of this contract (its name in the config)
    #[arg(long, value_name = "NAME")]
    settlement: Option<String>,
    /// Only those that need a person
    #[arg(long)]
    held: bool,
    /// Format and length.
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Args, Debug)]
pub struct ShowSettlement {
    /// Our id, the reception number, or the order's id or number
    #[arg(value_name = "ID")]
    id: String,
    /// Format.
    #[command(flatten)]
    show: ShowArgs,
}

#[derive(Args, Debug)]
pub struct Unlink {
    /// Our id, the reception number, or the order's id or number
    #[arg(value_name = "ID")]
    id: String,
    /// Show it and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Follow or not.
    #[command(flatten)]
    follow: super::args::FollowArgs,
}

/// The command.
pub async fn run(context: &Context, command: Command) -> Outcome {
    match command {
        Command::List(args) => list(context, args).await,
        Command::Show(args) => {
            let row = find(context, &context.reader().await?, &args.id).await?;
            let view = SettlementView::from(row);
            context.show(args.show, &view, |out, look| write_settlement(out, &view, look))
        }
        Command::Link(args) => link::run(context, args).await,
        Command::Unlink(args) => unlink(context, args).await,
        Command::Preview(args) => preview::run(context, args).await,
        Command::Hold(args) => hold::hold(context, args).await,
        Command::Release(args) => hold::release(context, args).await,
    }
}

async fn list(context: &Context, args: ListSettlements) -> Outcome {
    if let Some(name) = &args.settlement {
        known_contract(context, name)?;
    }
    let store = context.reader().await?;
    let base = SettlementFilter {
        name: args.settlement,
        state: args.state,
        held: args.held,
        limit: None,
        after: None,
    };
    context
        .list(args.list, COLUMNS, async |limit, last: Option<&SettlementView>| {
            let filter =
                SettlementFilter { limit: Some(limit), after: last.map(|s| s.id.clone()), ..base.clone() };
            let rows = store.list_settlements(&filter).await?;
            Ok(Page::of(rows.into_iter().map(SettlementView::from).collect(), limit))
        })
        .await
}

async fn unlink(context: &Context, args: Unlink) -> Outcome {
    let app = context.writer().await?;
    let row = find(context, app.store(), &args.id).await?;
    if args.dry_run {
        note(context.say(words::DRY_RUN_ONLY));
        return Ok(Ended::Well);
    }
    app.store().unlink_settlement(&row.settlement.id, &Context::actor(), &app.planning()).await?;
    note(&context.tell(words::UNLINKED, &[&row.mall_order_id]));
    follow::follow(context, app.store(), &Whose::Order(row.settlement.order_id), args.follow).await
}

/// The names of contracts in the config.
pub fn contract_names(context: &Context) -> String {
    let names: Vec<&str> = context.config.settlements.iter().map(|s| s.name.as_str()).collect();
    names.join(", ")
}

/// A contract that was named must be in the config.
pub fn known_contract(context: &Context, name: &str) -> Result<(), Failure> {
    if context.config.settlements.iter().any(|s| s.name == name) {
        return Ok(());
    }
    Err(Failure::Usage(context.tell(words::NO_SUCH_CONTRACT, &[&name, &contract_names(context)])))
}

/// The one settlement that `id` names.
pub async fn find(context: &Context, store: &Store, id: &str) -> Result<SettlementRow, Failure> {
    let mut rows = store.find_settlements(id).await?;
    match rows.len() {
        1 => Ok(rows.remove(0)),
        0 => Err(Failure::Failed(context.tell(words::NO_SUCH_SETTLEMENT, &[&id]))),
        _ => {
            let each = rows.iter().map(|r| format!("{} {}: {}", r.shop, r.mall_order_id, r.settlement.id));
            let places = each.collect::<Vec<_>>().join(", ");
            Err(Failure::Failed(context.tell(words::TWO_SETTLEMENTS, &[&id, &places])))
        }
    }
}

const COLUMNS: &[Column<SettlementView>] = &[
    Column::csv("id", |s| s.id.clone()),
    Column::text("name", words::H_SETTLEMENT, 20, |s, _| s.name.clone(), |s| s.name.clone()),
    Column::text(
        "reception_number",
        words::H_RECEPTION,
        23,
        |s, _| text(s.reception_number.as_ref()),
        |s| text(s.reception_number.as_ref()),
    ),
    Column::text(
        "state",
        words::H_STATE,
        14,
        |s, look| words::settlement(s.state, look.language).to_owned(),
        |s| s.state.to_string(),
    ),
    Column::text("shop", words::H_SHOP, 16, |s, _| s.shop.clone(), |s| s.shop.clone()),
    Column::csv("order_id", |s| s.order_id.clone()),
    Column::text(
        "mall_order_id",
        words::H_ORDER,
        28,
        |s, _| s.mall_order_id.clone(),
        |s| s.mall_order_id.clone(),
    ),
    Column::text(
        "ordered_at",
        words::H_ORDERED,
        11,
        |s, look| look.time(s.ordered_at),
        |s| s.ordered_at.to_string(),
    ),
    Column::number("due", words::H_AMOUNT, |s, _| yen(s.due), |s| digits(s.due)),
    Column::csv_number("amount", |s| digits(s.amount)),
    Column::text("slips", words::H_SLIPS, 26, |s, _| s.slips.join(" "), |s| s.slips.join(" ")),
    Column::csv("registered_slips", |s| s.registered_slips.join(" ")),
    Column::text(
        "lapses_on",
        words::H_LAPSES,
        10,
        |s, _| text(s.lapses_on.as_ref()),
        |s| text(s.lapses_on.as_ref()),
    ),
    Column::text(
        "held",
        words::H_NOTE,
        60,
        |s, look| look.maybe_reason(s.held.as_ref()),
        |s| text(s.held.as_ref()),
    ),
    Column::csv("authorized_on", |s| text(s.authorized_on.as_ref())),
    Column::csv("verified_at", |s| text(s.verified_at.as_ref())),
    Column::csv("looked_at", |s| text(s.looked_at.as_ref())),
    Column::csv("linked_by", |s| s.linked_by.clone()),
];

fn write_settlement(out: &mut dyn Write, view: &SettlementView, look: Look) -> Result<(), Failure> {
    let language = look.language;
    let mut head = vec![
        (words::H_ID.get(language), view.id.clone()),
        (words::H_SETTLEMENT.get(language), view.name.clone()),
        (words::H_RECEPTION.get(language), text(view.reception_number.as_ref())),
        (words::H_STATE.get(language), words::settlement(view.state, language).to_owned()),
        (words::H_ORDER.get(language), format!("{} ({})", view.mall_order_id, view.shop)),
        (words::H_ORDERED.get(language), look.time(view.ordered_at)),
        (words::H_AMOUNT.get(language), yen(view.due)),
        (words::H_AT_GATEWAY.get(language), yen(view.amount)),
        (words::H_LAPSES.get(language), text(view.lapses_on.as_ref())),
        (words::H_SLIPS.get(language), view.slips.join(" ")),
        (words::H_REGISTERED_SLIPS.get(language), view.registered_slips.join(" ")),
        (words::H_LOOKED.get(language), look.maybe_time(view.looked_at)),
        (words::H_LINKED_BY.get(language), view.linked_by.clone()),
    ];
    head.extend(view.held.as_ref().map(|held| (words::H_NOTE.get(language), look.reason(held))));
    facts(out, &head)?;
    Ok(())
}
