//! `mallsync settlements`: card settlements of orders.

use clap::{Args, Subcommand};

use super::args::{ListArgs, ShowArgs};
use super::context::{Context, Page, note};
use super::failure::{Ended, Failure, Outcome};
use super::follow::{self, Whose};
use super::output::Column;
use super::table::yen;
use super::views::{SettlementView, digits, text};
use super::{bulk, cards, hold, link, preview, receptions, reconcile, resolve, settlement, wishes, words};
use crate::domain::settlement::Wish;
use crate::status::renewal_command;
use crate::store::Store;
use crate::store::settlements::{SettlementFilter, SettlementRow};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List card settlements, newest first
    #[command(after_help = "Examples:\n  mallsync settlements list --state authorized\n  \
                            mallsync settlements list --held\n  \
                            mallsync settlements list --unmatched\n  \
                            mallsync settlements list --lapsing-within 7d")]
    List(ListSettlements),
    /// Show one settlement and all that was done for it at the gateway
    Show(ShowSettlement),
    /// Link an order to its reception number (受付番号)
    #[command(after_help = "Example:\n  mallsync settlements link 1001 A-1001 --settlement webcollect-main")]
    Link(link::Link),
    /// Link orders to their reception numbers (受付番号) by a cart's CSV; the same file again changes nothing
    #[command(after_help = "Examples:\n  mallsync settlements import numbers.csv --dry-run\n  \
                            mallsync settlements import cart.csv --profile generic --explain")]
    Import(receptions::Args),
    /// Take the reception number away from an order again
    Unlink(Unlink),
    /// Show what would be sent now, what waits and why, and what needs a person; sends nothing
    Preview(preview::Args),
    /// Send nothing for settlements, or for a whole contract, until they are released
    #[command(after_help = "Examples:\n  mallsync settlements hold A-1001 --reason \"the buyer called\"\n  \
                            mallsync settlements hold --state authorized --settlement webcollect-main\n  \
                            mallsync settlements hold webcollect-main")]
    Hold(hold::Hold),
    /// Release what was held, by a person or by a guard (max_per_hour, max_yen_per_day)
    #[command(after_help = "Examples:\n  mallsync settlements release A-1001\n  \
                            mallsync settlements release --state authorized --dry-run\n  \
                            mallsync settlements release webcollect-main")]
    Release(hold::Release),
    /// Register the slips now, whatever `capture` says of when
    #[command(after_help = "Examples:\n  mallsync settlements capture A-1001\n  \
                            mallsync settlements capture --state authorized --settlement webcollect-main --dry-run")]
    Capture(wishes::Ask),
    /// Let the money go: the sale is cancelled at the gateway, its slips too
    Cancel(wishes::Ask),
    /// Authorise another amount and let the old one go
    #[command(after_help = "Examples:\n  mallsync settlements change-amount A-1001 9800\n  \
                            mallsync settlements change-amount A-1001 --to-due")]
    ChangeAmount(wishes::ChangeAmount),
    /// Move the planned ship date (出荷予定日) of a reservation
    #[command(after_help = "Examples:\n  mallsync settlements change-date A-1001 2026-12-24\n  \
                            mallsync settlements change-date --state reserved --to 2026-12-24 --dry-run")]
    ChangeDate(wishes::ChangeDate),
    /// Renew authorisations, which starts a new period
    #[command(after_help = "Example:\n  mallsync settlements reauth --state authorized --lapsing-within 7d")]
    Reauth(wishes::Ask),
    /// Take a registered slip back; the settlement is held then
    #[command(after_help = "Examples:\n  mallsync settlements undo A-1001 400012345670\n  \
                            mallsync settlements undo --state registered --settlement webcollect-main --dry-run")]
    Undo(wishes::Undo),
    /// List the cards that a buyer stored with the gateway (A03), for diagnosis; nothing of it is kept
    #[command(after_help = "Example:\n  mallsync settlements cards MEMBER0001 --settlement webcollect-main")]
    Cards(cards::Cards),
    /// Say that it was settled outside (paid back by hand, say): nothing is wanted or asked any more
    #[command(
        after_help = "Examples:\n  mallsync settlements resolve A-1001 --refunded --reason \"bank transfer of 11-20\"\n  \
                      mallsync settlements resolve A-1001 A-1002 --undo"
    )]
    Resolve(resolve::Resolve),
    /// Look every open settlement up now and show what differs from the gateway's books
    Reconcile(reconcile::Args),
}

#[derive(Args, Debug)]
pub struct ListSettlements {
    /// Which.
    #[command(flatten)]
    filter: bulk::Filter,
    /// Only those that need a person
    #[arg(long)]
    held: bool,
    /// Imported reception numbers that wait for their order or for a person, instead
    #[arg(long, conflicts_with_all = ["state", "settlement", "held", "lapsing_within"])]
    unmatched: bool,
    /// Format and length.
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Args, Debug)]
pub struct ShowSettlement {
    /// Our id, the reception number, or the order's id or number
    #[arg(value_name = "ID")]
    pub id: String,
    /// Format.
    #[command(flatten)]
    pub show: ShowArgs,
}

#[derive(Args, Debug)]
pub struct Unlink {
    /// Our id, the reception number, or the order's id or number (an imported one that waits, too)
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
        Command::Show(args) => settlement::show(context, args).await,
        Command::Link(args) => link::run(context, args).await,
        Command::Import(args) => receptions::import(context, args).await,
        Command::Unlink(args) => unlink(context, args).await,
        Command::Preview(args) => preview::run(context, args).await,
        Command::Hold(args) => hold::hold(context, args).await,
        Command::Release(args) => hold::release(context, args).await,
        Command::Capture(args) => wishes::ask(context, args, Wish::Capture).await,
        Command::Cancel(args) => wishes::ask(context, args, Wish::Cancel).await,
        Command::ChangeAmount(args) => wishes::change_amount(context, args).await,
        Command::ChangeDate(args) => wishes::change_date(context, args).await,
        Command::Reauth(args) => wishes::ask(context, args, Wish::Reauth).await,
        Command::Undo(args) => wishes::undo(context, args).await,
        Command::Cards(args) => cards::run(context, args).await,
        Command::Resolve(args) => resolve::run(context, args).await,
        Command::Reconcile(args) => reconcile::run(context, args).await,
    }
}

async fn list(context: &Context, args: ListSettlements) -> Outcome {
    if args.unmatched {
        return receptions::waiting(context, args.list).await;
    }
    let base = SettlementFilter { held: args.held, ..args.filter.rows(context)? };
    let store = context.reader().await?;
    let outcome = context
        .list(args.list, COLUMNS, async |limit, last: Option<&SettlementView>| {
            let filter =
                SettlementFilter { limit: Some(limit), after: last.map(|s| s.id.clone()), ..base.clone() };
            let rows = store.list_settlements(&filter).await?;
            Ok(Page::of(rows.into_iter().map(SettlementView::from).collect(), limit))
        })
        .await?;
    let now = context.ambient.now();
    for contract in context.config.settlements.iter().filter(|contract| contract.enabled) {
        if base.name.as_ref().is_some_and(|only| *only != contract.name) {
            continue;
        }
        if let Some(asked) = store.renewals(&contract.name, now.jst_date()).await? {
            let command = renewal_command(&contract.name, asked, now);
            note(&context.tell(words::RENEWALS_ASKED, &[&asked.authorizations, &asked.last, &command]));
        }
    }
    Ok(outcome)
}

async fn unlink(context: &Context, args: Unlink) -> Outcome {
    let app = context.writer().await?;
    let store = app.store();
    if !args.dry_run
        && store.find_settlements(&args.id).await?.is_empty()
        && store.forget_receptions(&args.id, &Context::actor(), &app.planning()).await? > 0
    {
        note(&context.tell(words::RECEPTION_FORGOTTEN, &[&args.id]));
        return Ok(Ended::Well);
    }
    let row = find(context, store, &args.id).await?;
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
    Column::csv("scheduled_on", |s| text(s.scheduled_on.as_ref())),
    Column::csv("verified_at", |s| text(s.verified_at.as_ref())),
    Column::text(
        "looked_at",
        words::H_LOOKED,
        11,
        |s, look| look.maybe_time(s.looked_at),
        |s| text(s.looked_at.as_ref()),
    ),
    Column::csv("linked_by", |s| s.linked_by.clone()),
    Column::csv("wish", |s| s.wish.as_ref().map(|wish| wish.kind().to_owned()).unwrap_or_default()),
    Column::csv("wished_by", |s| text(s.wished_by.as_ref())),
    Column::csv("resolved", |s| text(s.resolved.as_ref())),
];
