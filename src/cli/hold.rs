//! `mallsync settlements hold` and `release`: of one settlement, or of a whole contract; of that one also the functions that
//! its gateway does not allow.

use clap::Args;

use super::args::MoneyArgs;
use super::context::{Context, note};
use super::failure::{Ended, Failure, Outcome};
use super::follow;
use super::preview::Sums;
use super::{money, preview, settlements, words};
use crate::app::{App, Due};
use crate::domain::planner::Contract;

#[derive(Args, Debug)]
pub struct Hold {
    /// A settlement (our id, reception number, order), or the name of a contract in the config
    #[arg(value_name = "ID")]
    id: String,
    /// Why: shown wherever it is held, and kept with your user name
    #[arg(long, value_name = "TEXT", default_value = "held by a person")]
    reason: String,
    /// Show it and write nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Args, Debug)]
pub struct Release {
    /// A settlement (our id, reception number, order), or the name of a contract in the config
    #[arg(value_name = "ID")]
    id: String,
    /// Show, ask, follow.
    #[command(flatten)]
    money: MoneyArgs,
}

/// `hold`.
pub async fn hold(context: &Context, args: Hold) -> Outcome {
    let app = context.writer().await?;
    let actor = Context::actor();
    if is_contract(context, &args.id) {
        if args.dry_run {
            note(context.say(words::DRY_RUN_ONLY));
            return Ok(Ended::Well);
        }
        let now = context.ambient.now();
        if let Some(why) = app.store().hold_contract(&args.id, &args.reason, &actor, now).await? {
            note(&context.tell(words::HELD_ALREADY, &[&args.id, &context.look().reason(&why)]));
        }
        note(&context.tell(words::HELD, &[&args.id, &args.id]));
        return Ok(Ended::Well);
    }
    let row = settlements::find(context, app.store(), &args.id).await?;
    if args.dry_run {
        note(context.say(words::DRY_RUN_ONLY));
        return Ok(Ended::Well);
    }
    app.store().hold_settlement(&row.settlement.id, &args.reason, &actor, &app.planning()).await?;
    note(&context.tell(words::HELD, &[&row.mall_order_id, &row.settlement.id]));
    Ok(Ended::Well)
}

/// `release`.
pub async fn release(context: &Context, args: Release) -> Outcome {
    let app = context.writer().await?;
    if is_contract(context, &args.id) {
        return release_contract(context, &app, &args).await;
    }
    let store = app.store();
    let row = settlements::find(context, store, &args.id).await?;
    let contract = in_force(context, &app, &row.settlement.name)?;
    let order_id = row.settlement.order_id.clone();
    let order = super::orders::find(context, store, &order_id).await?;
    let mut settlement = row.settlement.clone();
    settlement.held = None;
    let done = store.done_intents(&order_id).await?;
    let plan = money::foresee(contract, &order, &settlement, &done, context.ambient.now());
    money::announce(context, contract, &plan);
    if !money::confirm(context, args.money, contract.mode)? {
        return Ok(if args.money.dry_run { Ended::Well } else { Ended::Badly });
    }
    store.release_settlement(&settlement.id, &Context::actor(), &app.planning()).await?;
    note(&context.tell(words::RELEASED, &[&row.mall_order_id]));
    let due = Due::Order { id: order_id, contract: row.settlement.name };
    follow::carry_out(context, &app, &due, args.money.follow).await
}

async fn release_contract(context: &Context, app: &App, args: &Release) -> Outcome {
    let contract = in_force(context, app, &args.id)?;
    let account = app.store().account(&args.id).await?;
    let stopped = app.store().stopped_functions(Some(&args.id)).await?;
    if account.held_reason.is_none() && stopped.is_empty() {
        note(&context.tell(words::CONTRACT_NOT_HELD, &[&args.id]));
        return Ok(Ended::Well);
    }
    for function in &stopped {
        let kind = words::kind(function.kind, context.language);
        note(&context.tell(words::FUNCTION_TRIED, &[&kind, &function.code]));
    }
    let Sums { now, now_yen, .. } = preview::sums(context, app, contract).await?;
    note(&context.tell(words::FOLLOWS_CONTRACT, &[&args.id, &now, &now_yen]));
    if !money::confirm(context, args.money, contract.mode)? {
        return Ok(if args.money.dry_run { Ended::Well } else { Ended::Badly });
    }
    app.store().release_contract(&account, &Context::actor(), context.ambient.now()).await?;
    note(&context.tell(words::RELEASED, &[&args.id]));
    follow::carry_out(context, app, &Due::Contract(args.id.clone()), args.money.follow).await
}

fn is_contract(context: &Context, name: &str) -> bool {
    context.config.settlements.iter().any(|settlement| settlement.name == name)
}

/// The contract as the daemon would use it.
///
/// # Errors
/// When it is disabled.
pub fn in_force<'a>(context: &Context, app: &'a App, name: &str) -> Result<&'a Contract, Failure> {
    app.contracts()
        .iter()
        .find(|contract| contract.name == name)
        .ok_or_else(|| Failure::Failed(context.tell(words::CONTRACT_DISABLED, &[&name])))
}
