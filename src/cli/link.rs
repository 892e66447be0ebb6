//! `mallsync settlements link`: a person says which reception number belongs to an order.

use clap::Args;

use super::args::MoneyArgs;
use super::context::{Context, note};
use super::failure::{Ended, Failure, Outcome};
use super::follow;
use super::{money, orders, settlements, words};
use crate::app::{App, Due};
use crate::domain::planner::{self, Contract};
use crate::domain::settlement::{Settlement, SettlementState};
use crate::store::orders::OrderView;

#[derive(Args, Debug)]
pub struct Link {
    /// Our order id or the mall's order number
    #[arg(value_name = "ORDER")]
    order: String,
    /// The reception number (受付番号) at the gateway
    #[arg(value_name = "RECEPTION_NUMBER")]
    reception_number: String,
    /// Which settlement of the config [default: the one whose rule matches, or the only one]
    #[arg(long, value_name = "NAME")]
    settlement: Option<String>,
    /// Show, ask, follow.
    #[command(flatten)]
    money: MoneyArgs,
}

/// The command.
pub async fn run(context: &Context, args: Link) -> Outcome {
    let app = context.writer().await?;
    let store = app.store();
    let order = orders::find(context, store, &args.order).await?;
    let contract = contract(context, &app, &order, args.settlement.as_deref())?;
    let existing = store.find_settlements(&order.id).await?;
    let mut settlement = existing
        .into_iter()
        .map(|row| row.settlement)
        .find(|settlement| {
            let number = settlement.reception_number.as_deref();
            settlement.name == contract.name && number == Some(args.reception_number.as_str())
        })
        .unwrap_or_else(|| unlinked(&order, contract));
    settlement.reception_number = Some(args.reception_number.clone());
    settlement.held = None;
    // What was done under another number does not count for this one.
    let mut done = store.done_intents(&order.id).await?;
    done.retain(|intent| intent.reception_number() == args.reception_number);
    let plan = money::foresee(contract, &order, &settlement, &done, context.ambient.now());
    money::announce(context, contract, &plan);
    if !money::confirm(context, args.money, contract.mode)? {
        return Ok(if args.money.dry_run { Ended::Well } else { Ended::Badly });
    }
    store
        .link_settlement(
            &order.id,
            &contract.name,
            &args.reception_number,
            &Context::actor(),
            &app.planning(),
        )
        .await?;
    note(&context.tell(words::LINKED, &[&order.order.mall_order_id, &args.reception_number, &contract.name]));
    let due = Due::Order { id: order.id, contract: contract.name.clone() };
    follow::carry_out(context, &app, &due, args.money.follow).await
}

/// The contract that is meant: the one named, the order's own, the one whose rule matches, the only one.
fn contract<'a>(
    context: &Context,
    app: &'a App,
    order: &OrderView,
    named: Option<&str>,
) -> Result<&'a Contract, Failure> {
    let contracts = app.contracts();
    let by_name = |name: &str| contracts.iter().find(|contract| contract.name == name);
    if let Some(name) = named {
        settlements::known_contract(context, name)?;
        return by_name(name).ok_or_else(|| Failure::Usage(context.tell(words::CONTRACT_DISABLED, &[&name])));
    }
    let matching = || planner::link(contracts, &order.shop, &order.order);
    let own = order.settlement.as_ref().and_then(|settlement| by_name(&settlement.name));
    if let Some(contract) = own.or_else(|| matching().and_then(|linked| by_name(&linked.contract))) {
        return Ok(contract);
    }
    match contracts {
        [only] => Ok(only),
        [] => Err(Failure::Usage(context.say(words::NO_CONTRACT).to_owned())),
        _ => {
            Err(Failure::Usage(context.tell(words::WHICH_CONTRACT, &[&settlements::contract_names(context)])))
        }
    }
}

/// The settlement that the link would make, to show what follows from it.
fn unlinked(order: &OrderView, contract: &Contract) -> Settlement {
    Settlement {
        id: String::new(),
        name: contract.name.clone(),
        order_id: order.id.clone(),
        reception_number: None,
        state: SettlementState::Unknown,
        amount: None,
        authorized_on: None,
        lapses_on: None,
        verified_at: None,
        looked_at: None,
        wish: None,
        resolved: None,
        authorized_at: None,
        approval: None,
        scheduled_on: None,
        slips: Vec::new(),
        held: None,
        generation: 0,
        linked_by: Context::actor(),
    }
}
