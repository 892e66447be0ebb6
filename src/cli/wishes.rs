//! `mallsync settlements capture`, `cancel`, `change-amount`, `change-date`, `reauth` and `undo`: what a person asks for at
//! the gateway, of one settlement or of many.

use chrono::NaiveDate;
use clap::Args;

use super::args::{MoneyArgs, ReportArgs, amount};
use super::bulk::{Chosen, Deed, FILTERS, Filter, INSTEAD, carry};
use super::context::Context;
use super::failure::Outcome;
use crate::domain::money::Yen;
use crate::domain::settlement::Wish;
use crate::store::say::Word;
use crate::store::settlements::SettlementRow;

/// Settlements by name, or by what they have in common.
#[derive(Args, Debug)]
pub struct Ask {
    /// Settlements: our id, the reception number, or the order's id or number
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

#[derive(Args, Debug)]
pub struct ChangeAmount {
    /// The settlement: our id, the reception number, or the order's id or number
    #[arg(
        value_name = "ID",
        required_unless_present_any = INSTEAD,
        conflicts_with_all = FILTERS
    )]
    id: Option<String>,
    /// The amount as it shall be
    #[arg(value_name = "YEN", required_unless_present = "to_due", conflicts_with = "to_due", value_parser = amount)]
    yen: Option<Yen>,
    /// To what is due for the order
    #[arg(long)]
    to_due: bool,
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

#[derive(Args, Debug)]
pub struct ChangeDate {
    /// The reservation: our id, the reception number, or the order's id or number
    #[arg(
        value_name = "ID",
        required_unless_present_any = INSTEAD,
        conflicts_with_all = FILTERS
    )]
    id: Option<String>,
    /// The planned ship date as it shall be: 2026-12-24
    #[arg(value_name = "DATE", required_unless_present = "to", conflicts_with = "to")]
    date: Option<NaiveDate>,
    /// The same, for all that a filter names
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
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

#[derive(Args, Debug)]
pub struct Undo {
    /// The settlement: our id, the reception number, or the order's id or number
    #[arg(
        value_name = "ID",
        required_unless_present_any = INSTEAD,
        conflicts_with_all = FILTERS
    )]
    id: Option<String>,
    /// The slip number that is registered [default: the only one]
    #[arg(value_name = "SLIP")]
    slip: Option<String>,
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

/// `capture`, `cancel` and `reauth`.
pub async fn ask(context: &Context, args: Ask, wish: Wish) -> Outcome {
    let deed = if wish == Wish::Capture { Deed::Capture } else { Deed::Wish };
    let chosen = Chosen { ids: args.ids, filter: args.filter };
    carry(context, deed, chosen, |_| Ok(Word::Wish(wish.clone())), args.money, args.report).await
}

/// `change-amount`.
pub async fn change_amount(context: &Context, args: ChangeAmount) -> Outcome {
    let chosen = Chosen { ids: args.id.into_iter().collect(), filter: args.filter };
    let wish = |row: &SettlementRow| {
        let to = args.yen.or(row.due).ok_or("the amount is not fixed")?;
        match row.settlement.amount {
            _ if to <= Yen::ZERO => Err("nothing is due".to_owned()),
            Some(held) if held == to => {
                Err(format!("the amount is {held} yen already: there is nothing to change"))
            }
            _ => Ok(Word::Wish(Wish::ChangeAmount { to })),
        }
    };
    carry(context, Deed::Wish, chosen, wish, args.money, args.report).await
}

/// `change-date`.
pub async fn change_date(context: &Context, args: ChangeDate) -> Outcome {
    let chosen = Chosen { ids: args.id.into_iter().collect(), filter: args.filter };
    let wish = |_: &SettlementRow| {
        let to = args.date.or(args.to).ok_or("no planned ship date is given")?;
        Ok(Word::Wish(Wish::ChangeDate { to }))
    };
    carry(context, Deed::Wish, chosen, wish, args.money, args.report).await
}

/// `undo`.
pub async fn undo(context: &Context, args: Undo) -> Outcome {
    let chosen = Chosen { ids: args.id.into_iter().collect(), filter: args.filter };
    let wish = |row: &SettlementRow| {
        let slip_number = registered(row, args.slip.as_deref())?;
        Ok(Word::Wish(Wish::Undo { slip_number }))
    };
    carry(context, Deed::Wish, chosen, wish, args.money, args.report).await
}

/// The value that is registered: the one that is meant, or the only one.
fn registered(row: &SettlementRow, given: Option<&str>) -> Result<String, String> {
    let settlement = &row.settlement;
    let Some(given) = given.map(str::trim) else {
        return match (settlement.slips.as_slice(), &settlement.reception_number) {
            ([only], _) => Ok(only.clone()),
            // Another carrier's parcel stands there under the reception number, shown or not.
            ([], Some(number)) if settlement.state.captured() => Ok(number.clone()),
            ([], _) => Err("no slip is registered at the gateway".to_owned()),
            (several, _) => Err(format!("several slips are registered ({}): name one", several.join(", "))),
        };
    };
    // A reception number may have hyphens of its own.
    let as_given = settlement.slips.iter().any(|slip| slip == given);
    Ok(if as_given { given.to_owned() } else { given.replace('-', "") })
}
