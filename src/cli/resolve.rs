//! `mallsync settlements resolve`: a person says that what the gateway cannot do was done outside it.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::args::MoneyArgs;
use super::context::{Context, note};
use super::failure::{Ended, Outcome};
use super::{follow, hold, money, orders, settlements, words};
use crate::app::{App, Due};
use crate::store::settlements::SettlementRow;

#[derive(Args, Debug)]
pub struct Resolve {
    /// Our id, the reception number, or the order's id or number
    #[arg(value_name = "ID")]
    id: String,
    /// The money was paid back by hand
    #[arg(long)]
    refunded: bool,
    /// What was done: kept with your user name
    #[arg(
        long,
        value_name = "TEXT",
        required_unless_present_any = ["refunded", "undo"],
        value_parser = NonEmptyStringValueParser::new()
    )]
    reason: Option<String>,
    /// Take the word back: the rules rule again
    #[arg(long, conflicts_with_all = ["refunded", "reason"])]
    undo: bool,
    /// Show, ask, follow.
    #[command(flatten)]
    money: MoneyArgs,
}

/// The command.
pub async fn run(context: &Context, args: Resolve) -> Outcome {
    let app = context.writer().await?;
    let row = settlements::find(context, app.store(), &args.id).await?;
    if args.undo {
        return undo(context, &app, row, args.money).await;
    }
    let what = match (args.refunded, args.reason) {
        (true, Some(reason)) => format!("refunded by hand: {reason}"),
        (false, Some(reason)) => reason,
        (_, None) => "refunded by hand".to_owned(),
    };
    if args.money.dry_run {
        note(context.say(words::DRY_RUN_ONLY));
        return Ok(Ended::Well);
    }
    let actor = Context::actor();
    app.store().resolve_settlement(&row.settlement.id, Some(&what), &actor, &app.planning()).await?;
    note(
        &context
            .tell(words::RESOLVED, &[&row.mall_order_id, &context.look().reason(&what), &row.settlement.id]),
    );
    Ok(Ended::Well)
}

/// What was not wanted meanwhile may be wanted now: money may move.
async fn undo(context: &Context, app: &App, row: SettlementRow, args: MoneyArgs) -> Outcome {
    let store = app.store();
    let mut settlement = row.settlement;
    if settlement.resolved.take().is_none() {
        note(&context.tell(words::NOT_RESOLVED, &[&row.mall_order_id]));
        return Ok(Ended::Well);
    }
    let contract = hold::in_force(context, app, &settlement.name)?;
    let order = orders::find(context, store, &settlement.order_id).await?;
    let done = store.done_intents(&order.id).await?;
    let plan = money::foresee(contract, &order, &settlement, &done, context.ambient.now());
    money::announce(context, contract, &plan);
    if !money::confirm(context, args, contract.mode)? {
        return Ok(if args.dry_run { Ended::Well } else { Ended::Badly });
    }
    store.resolve_settlement(&settlement.id, None, &Context::actor(), &app.planning()).await?;
    note(&context.tell(words::RESOLVED_NOT, &[&row.mall_order_id]));
    let due = Due::Order { id: settlement.order_id, contract: settlement.name };
    follow::carry_out(context, app, &due, args.follow).await
}
