//! `mallsync settlements resolve`: a person says that what the gateway cannot do was done outside it.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::args::{MoneyArgs, ReportArgs};
use super::bulk::{Chosen, Deed, FILTERS, Filter, INSTEAD, carry};
use super::context::Context;
use super::failure::Outcome;
use crate::store::say::Word;

#[derive(Args, Debug)]
pub struct Resolve {
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
    /// Format of what is shown.
    #[command(flatten)]
    report: ReportArgs,
}

/// The command.
pub async fn run(context: &Context, args: Resolve) -> Outcome {
    let chosen = Chosen { ids: args.ids, filter: args.filter };
    if args.undo {
        // What was not wanted meanwhile may be wanted now: money may move.
        return carry(context, Deed::Reopen, chosen, |_| Ok(Word::Reopen), args.money, args.report).await;
    }
    let how = match (args.refunded, args.reason) {
        (true, Some(reason)) => format!("refunded by hand: {reason}"),
        (false, Some(reason)) => reason,
        (_, None) => "refunded by hand".to_owned(),
    };
    let word = Word::Resolve(how);
    carry(context, Deed::Resolve, chosen, |_| Ok(word.clone()), args.money, args.report).await
}
