//! Commands after which money may move show what will follow, then ask (interface.md, "Commands").

use super::args::MoneyArgs;
use super::context::{Context, ask, can_ask, note};
use super::failure::Failure;
use super::words;
use crate::clock::Timestamp;
use crate::domain::operation::Intent;
use crate::domain::planner::{self, Contract, Facts, Mode, Plan};
use crate::domain::settlement::Settlement;
use crate::store::orders::OrderView;

/// What the planner would want for `order` if its settlement were as given. Whether another order carries one of its
/// slips is not asked here: the plan that is stored knows.
pub fn foresee(
    contract: &Contract,
    order: &OrderView,
    settlement: &Settlement,
    done: &[Intent],
    now: Timestamp,
) -> Plan {
    let facts = Facts { order: &order.order, settlement, slips: &order.slips, companions: &[], done };
    planner::plan(contract, &facts, now)
}

/// Shows what follows.
pub fn announce(context: &Context, contract: &Contract, plan: &Plan) {
    if contract.mode == Mode::DryRun {
        note(&context.tell(words::FOLLOWS_DRY, &[&contract.name]));
    }
    if let Some(hold) = &plan.hold {
        note(&context.tell(words::FOLLOWS_HOLD, &[&context.look().reason(hold)]));
    } else if let Some(waiting) = &plan.waiting {
        note(&context.tell(words::FOLLOWS_WAIT, &[&context.look().reason(waiting)]));
    } else if plan.wanted.is_empty() {
        note(context.say(words::FOLLOWS_NOTHING));
    }
    for wanted in &plan.wanted {
        let at = context.look().due(wanted.run_at);
        note(&foretell(context, &wanted.intent, &at));
    }
}

/// What will be sent, in a sentence.
fn foretell(context: &Context, intent: &Intent, at: &str) -> String {
    match intent {
        Intent::Capture { reception_number, slip_number, amount, .. } => {
            context.tell(words::FOLLOWS_SEND, &[slip_number, reception_number, amount, &at])
        }
        Intent::Undo { reception_number, slip_number, amount, .. } => {
            context.tell(words::FOLLOWS_UNDO, &[slip_number, reception_number, amount, &at])
        }
        Intent::Cancel { reception_number, amount, .. } => {
            context.tell(words::FOLLOWS_CANCEL, &[reception_number, amount, &at])
        }
        Intent::ChangeAmount { reception_number, from, to, .. } => {
            context.tell(words::FOLLOWS_CHANGE_AMOUNT, &[reception_number, from, to, &at])
        }
        Intent::Reauth { reception_number, amount, .. } => {
            context.tell(words::FOLLOWS_REAUTH, &[reception_number, amount, &at])
        }
        Intent::ChangeDate { reception_number, to, .. } => {
            context.tell(words::FOLLOWS_CHANGE_DATE, &[reception_number, to, &at])
        }
    }
}

/// Whether to go on: `--dry-run` never, `--yes` always; where nothing can be sent nobody is asked.
///
/// # Errors
/// [`Failure::Usage`] without a terminal and without `--yes`.
pub fn confirm(context: &Context, args: MoneyArgs, mode: Mode) -> Result<bool, Failure> {
    if args.dry_run {
        note(context.say(words::DRY_RUN_ONLY));
        return Ok(false);
    }
    if args.yes || mode == Mode::DryRun {
        return Ok(true);
    }
    if !can_ask() {
        return Err(Failure::Usage(context.say(words::ASK_WITHOUT_TERMINAL).to_owned()));
    }
    let go = ask(context.language)?;
    if !go {
        note(context.say(words::NOT_DONE));
    }
    Ok(go)
}
