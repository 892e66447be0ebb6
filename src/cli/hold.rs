//! `mallsync settlements hold` and `release`: of settlements, or of a whole contract; of that one also the functions that its
//! gateway does not allow.

use clap::Args;

use super::args::{FollowArgs, MoneyArgs, ReportArgs};
use super::bulk::{Chosen, Deed, FILTERS, Filter, INSTEAD, carry};
use super::context::{Context, note};
use super::failure::{Ended, Failure, Outcome};
use super::follow;
use super::preview::Sums;
use super::{money, preview, words};
use crate::app::{App, Due};
use crate::domain::planner::Contract;
use crate::store::say::Word;

#[derive(Args, Debug)]
pub struct Hold {
    /// Settlements (our id, reception number, order), or the name of a contract in the config
    #[arg(
        value_name = "ID",
        required_unless_present_any = INSTEAD,
        conflicts_with_all = FILTERS
    )]
    ids: Vec<String>,
    /// Which.
    #[command(flatten)]
    filter: Filter,
    /// Why: shown wherever it is held, and kept with your user name
    #[arg(long, value_name = "TEXT", default_value = "held by a person")]
    reason: String,
    /// Show it and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Format of what is shown.
    #[command(flatten)]
    report: ReportArgs,
}

#[derive(Args, Debug)]
pub struct Release {
    /// Settlements (our id, reception number, order), or the name of a contract in the config
    #[arg(
        value_name = "ID",
        required_unless_present_any = INSTEAD,
        conflicts_with_all = FILTERS
    )]
    ids: Vec<String>,
    /// Which.
    #[command(flatten)]
    filter: Filter,
    /// Show, ask, follow.
    #[command(flatten)]
    money: MoneyArgs,
    /// Format of what is shown.
    #[command(flatten)]
    report: ReportArgs,
}

/// `hold`.
pub async fn hold(context: &Context, args: Hold) -> Outcome {
    if let Some(name) = contract_of(context, &args.ids) {
        return hold_contract(context, name, &args).await;
    }
    let chosen = Chosen { ids: args.ids, filter: args.filter };
    let word = Word::Hold(args.reason);
    let money = MoneyArgs { dry_run: args.dry_run, yes: false, follow: FollowArgs { no_wait: true } };
    carry(context, Deed::Hold, chosen, |_| Ok(word.clone()), money, args.report).await
}

async fn hold_contract(context: &Context, name: &str, args: &Hold) -> Outcome {
    let app = context.writer().await?;
    if args.dry_run {
        note(context.say(words::DRY_RUN_ONLY));
        return Ok(Ended::Well);
    }
    let (actor, now) = (Context::actor(), context.ambient.now());
    if let Some(why) = app.store().hold_contract(name, &args.reason, &actor, now).await? {
        note(&context.tell(words::HELD_ALREADY, &[&name, &context.look().reason(&why)]));
    }
    note(&context.tell(words::HELD, &[&name, &name]));
    Ok(Ended::Well)
}

/// `release`.
pub async fn release(context: &Context, args: Release) -> Outcome {
    if let Some(name) = contract_of(context, &args.ids) {
        return release_contract(context, name, args.money).await;
    }
    let chosen = Chosen { ids: args.ids, filter: args.filter };
    carry(context, Deed::Release, chosen, |_| Ok(Word::Release), args.money, args.report).await
}

async fn release_contract(context: &Context, name: &str, args: MoneyArgs) -> Outcome {
    let app = context.writer().await?;
    let contract = in_force(context, &app, name)?;
    let account = app.store().account(name).await?;
    let stopped = app.store().stopped_functions(Some(name)).await?;
    if account.held_reason.is_none() && stopped.is_empty() {
        note(&context.tell(words::CONTRACT_NOT_HELD, &[&name]));
        return Ok(Ended::Well);
    }
    for function in &stopped {
        let kind = words::kind(function.kind, context.language);
        note(&context.tell(words::FUNCTION_TRIED, &[&kind, &function.code]));
    }
    let Sums { now, now_yen, .. } = preview::sums(context, &app, contract).await?;
    note(&context.tell(words::FOLLOWS_CONTRACT, &[&name, &now, &now_yen]));
    if !money::confirm(context, args, contract.mode)? {
        return Ok(if args.dry_run { Ended::Well } else { Ended::Badly });
    }
    app.store().release_contract(&account, &Context::actor(), context.ambient.now()).await?;
    note(&context.tell(words::RELEASED, &[&name]));
    follow::carry_out(context, &app, &Due::Contract(name.to_owned()), args.follow).await
}

/// The contract that is named, and nothing else.
fn contract_of<'a>(context: &Context, ids: &'a [String]) -> Option<&'a str> {
    let [only] = ids else { return None };
    context.config.settlements.iter().any(|settlement| settlement.name == *only).then_some(only.as_str())
}

/// The contract as the daemon would use it.
///
/// # Errors
/// When it is disabled.
fn in_force<'a>(context: &Context, app: &'a App, name: &str) -> Result<&'a Contract, Failure> {
    app.contracts()
        .iter()
        .find(|contract| contract.name == name)
        .ok_or_else(|| Failure::Failed(context.tell(words::CONTRACT_DISABLED, &[&name])))
}
