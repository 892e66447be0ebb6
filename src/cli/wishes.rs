//! `mallsync settlements capture`, `cancel`, `change-amount`, `reauth` and `undo`: what a person asks for, of one settlement
//! or of many.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use clap::Args;
use serde::Serialize;

use super::args::{MoneyArgs, ReportArgs, amount, days, word};
use super::context::{Context, note};
use super::failure::{Ended, Failure, Outcome};
use super::follow::{self, Whose};
use super::output::Column;
use super::table::{Look, yen};
use super::views::{digits, text};
use super::{money, settlements, unlooked, words};
use crate::app::Due;
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::operation::Intent;
use crate::domain::planner::{Mode, Wanted};
use crate::domain::settlement::{SettlementState, Wish};
use crate::store::settlements::{SettlementFilter, SettlementRow};
use crate::store::{Store, StoreError};

/// Settlements by what they have in common.
#[derive(Args, Clone, Debug)]
pub struct Filter {
    /// All those in this state, instead of an ID
    #[arg(long, value_name = "STATE", value_parser = word(SettlementState::ALL, SettlementState::as_str))]
    state: Option<SettlementState>,
    /// All those whose authorisation ends within so many days (7d), instead of an ID
    #[arg(long, value_name = "DAYS", value_parser = days)]
    lapsing_within: Option<u32>,
    /// Only of this contract (its name in the config)
    #[arg(long, value_name = "NAME")]
    settlement: Option<String>,
}

/// Settlements by name, or by what they have in common.
#[derive(Args, Debug)]
pub struct Ask {
    /// Settlements: our id, the reception number, or the order's id or number
    #[arg(
        value_name = "ID",
        required_unless_present_any = ["state", "lapsing_within"],
        conflicts_with_all = ["state", "lapsing_within", "settlement"]
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
        required_unless_present_any = ["state", "lapsing_within"],
        conflicts_with_all = ["state", "lapsing_within", "settlement"]
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
pub struct Undo {
    /// The settlement: our id, the reception number, or the order's id or number
    #[arg(value_name = "ID")]
    id: String,
    /// The slip number that is registered
    #[arg(value_name = "SLIP")]
    slip: String,
    /// Show, ask, follow.
    #[command(flatten)]
    money: MoneyArgs,
    /// Format of what is shown.
    #[command(flatten)]
    report: ReportArgs,
}

/// `capture`, `cancel` and `reauth`.
pub async fn ask(context: &Context, args: Ask, wish: Wish) -> Outcome {
    // Before a capture the sale is looked up anyway.
    let unlooked = wish == Wish::Capture;
    let chosen = Chosen { ids: args.ids, filter: Some(args.filter), unlooked };
    carry(context, chosen, |_| Ok(wish.clone()), args.money, args.report).await
}

/// `change-amount`.
pub async fn change_amount(context: &Context, args: ChangeAmount) -> Outcome {
    let ids = args.id.into_iter().collect();
    let chosen = Chosen { ids, filter: Some(args.filter), unlooked: false };
    let wish = |row: &SettlementRow| {
        let to = args.yen.or(row.due).ok_or("the amount is not fixed")?;
        match row.settlement.amount {
            _ if to <= Yen::ZERO => Err("nothing is due".to_owned()),
            Some(held) if held == to => {
                Err(format!("the amount is {held} yen already: there is nothing to change"))
            }
            _ => Ok(Wish::ChangeAmount { to }),
        }
    };
    carry(context, chosen, wish, args.money, args.report).await
}

/// `undo`.
pub async fn undo(context: &Context, args: Undo) -> Outcome {
    let chosen = Chosen { ids: vec![args.id], filter: None, unlooked: false };
    let wish = |row: &SettlementRow| {
        let given = args.slip.trim();
        // Another carrier's parcel stands there under the reception number, which may have hyphens of its own.
        let as_given = row.settlement.slips.iter().any(|slip| slip == given);
        let slip_number = if as_given { given.to_owned() } else { given.replace('-', "") };
        Ok(Wish::Undo { slip_number })
    };
    carry(context, chosen, wish, args.money, args.report).await
}

/// The settlements that are meant.
struct Chosen {
    ids: Vec<String>,
    filter: Option<Filter>,
    /// Those that were never looked up as well as the others.
    unlooked: bool,
}

/// One line of what will be done.
#[derive(Clone, Debug, Default, Serialize)]
struct Line {
    settlement_id: Option<String>,
    settlement: Option<String>,
    shop: Option<String>,
    order_id: Option<String>,
    mall_order_id: String,
    reception_number: Option<String>,
    kind: Option<&'static str>,
    slip_number: Option<String>,
    /// The amount that is held now.
    yen: Option<Yen>,
    /// The amount as it shall be, where it changes.
    to_yen: Option<Yen>,
    run_at: Option<Timestamp>,
    skipped: Option<String>,
}

impl Line {
    fn of(row: &SettlementRow) -> Self {
        Self {
            settlement_id: Some(row.settlement.id.clone()),
            settlement: Some(row.settlement.name.clone()),
            shop: Some(row.shop.clone()),
            order_id: Some(row.settlement.order_id.clone()),
            mall_order_id: row.mall_order_id.clone(),
            reception_number: row.settlement.reception_number.clone(),
            yen: row.settlement.amount.or(row.due),
            ..Self::default()
        }
    }

    fn wanted(row: &SettlementRow, wanted: &Wanted) -> Self {
        let intent = &wanted.intent;
        Self {
            kind: Some(intent.kind()),
            slip_number: intent.slip_number().map(str::to_owned),
            yen: intent.held().or(row.due),
            to_yen: if let Intent::ChangeAmount { to, .. } = intent { Some(*to) } else { None },
            run_at: Some(wanted.run_at),
            ..Self::of(row)
        }
    }

    fn skipped(row: &SettlementRow, reason: String) -> Self {
        Self { skipped: Some(reason), ..Self::of(row) }
    }

    fn what(&self, look: Look) -> String {
        let kind = self.kind.map(|kind| words::kind(kind, look.language));
        let to = self.to_yen.map(|to| format!("→ {to}"));
        let parts = [kind.map(str::to_owned), self.slip_number.clone(), to];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// Shows what `wish` makes of each settlement, asks, stores the wishes, and sees to it that they are carried out. Those
/// that cannot be are listed with the reason.
async fn carry(
    context: &Context,
    chosen: Chosen,
    wish: impl Fn(&SettlementRow) -> Result<Wish, String>,
    args: MoneyArgs,
    report: ReportArgs,
) -> Outcome {
    let app = context.writer().await?;
    let store = app.store();
    let actor = Context::actor();
    let mut lines = Vec::new();
    let mut granted: Vec<(SettlementRow, Wish)> = Vec::new();
    let mut sum = Vec::new();
    let mut rows = Vec::new();
    let as_they_are = chosen.unlooked;
    for found in targets(context, store, chosen).await? {
        match found {
            Ok(row) => rows.push(row),
            Err(line) => lines.push(line),
        }
    }
    let rows = if as_they_are { rows } else { unlooked::look(context, &app, rows).await? };
    for row in rows {
        let foreseen = match wish(&row) {
            Ok(wish) => told(store.wish(&row.settlement.id, &wish, &actor, &app.planning(), true).await)?
                .map(|wanted| (wish, wanted)),
            Err(reason) => Err(reason),
        };
        match foreseen {
            Ok((wish, wanted)) => {
                // Each parcel of an order registers the same sale: its yen count once.
                sum.extend(wanted.first().map(|wanted| wanted.intent.amount()));
                lines.extend(wanted.iter().map(|wanted| Line::wanted(&row, wanted)));
                granted.push((row, wish));
            }
            Err(reason) => lines.push(Line::skipped(&row, reason)),
        }
    }
    let skipped = lines.iter().filter(|line| line.skipped.is_some()).count();
    let shown = context.rows(report.into(), COLUMNS, &lines)?;
    let yen: Yen = sum.into_iter().sum();
    note(&context.tell(words::WISH_SUM, &[&granted.len(), &yen, &skipped]));
    let mut failed = shown == Ended::Badly || skipped > 0;
    if granted.is_empty() {
        return Ok(if failed { Ended::Badly } else { Ended::Well });
    }
    if !money::confirm(context, args, Mode::Live)? {
        return Ok(if failed || !args.dry_run { Ended::Badly } else { Ended::Well });
    }
    let began = context.ambient.now();
    let mut dues = Vec::new();
    for (row, wish) in granted {
        match told(store.wish(&row.settlement.id, &wish, &actor, &app.planning(), false).await)? {
            Ok(_) => dues.push(Due::Order { id: row.settlement.order_id, contract: row.settlement.name }),
            // It changed while the person thought it over.
            Err(reason) => {
                failed = true;
                note(
                    &context
                        .tell(words::WISH_SKIPPED, &[&row.mall_order_id, &context.look().reason(&reason)]),
                );
            }
        }
    }
    let whose = match dues.as_slice() {
        [] => return Ok(Ended::Badly),
        [Due::Order { id, .. }] => Whose::Order(id.clone()),
        _ => Whose::PlannedSince(began),
    };
    failed |= follow::carry_out_all(context, &app, &dues, &whose, args.follow).await? == Ended::Badly;
    Ok(if failed { Ended::Badly } else { Ended::Well })
}

/// What the planner says no to is a line of the report; anything else ends the command.
fn told(result: Result<Vec<Wanted>, StoreError>) -> Result<Result<Vec<Wanted>, String>, Failure> {
    match result {
        Ok(wanted) => Ok(Ok(wanted)),
        Err(StoreError::Refused(reason) | StoreError::NotFound(reason)) => Ok(Err(reason)),
        Err(error) => Err(error.into()),
    }
}

/// Settlements read at a time.
const PAGE: u64 = 500;

/// The settlements, each once; a name that fits none or several is a line of the report.
async fn targets(
    context: &Context,
    store: &Store,
    chosen: Chosen,
) -> Result<Vec<Result<SettlementRow, Line>>, Failure> {
    let mut found = Vec::new();
    if chosen.ids.is_empty() {
        let Some(filter) = chosen.filter else { return Ok(found) };
        if let Some(name) = &filter.settlement {
            settlements::known_contract(context, name)?;
        }
        let mut filter = SettlementFilter {
            name: filter.settlement,
            state: filter.state,
            lapses_by: filter.lapsing_within.and_then(|days| lapses_by(context, days)),
            limit: Some(PAGE),
            ..SettlementFilter::default()
        };
        loop {
            let page = store.list_settlements(&filter).await?;
            let full = u64::try_from(page.len()).unwrap_or(u64::MAX) >= PAGE;
            filter.after = page.last().map(|row| row.settlement.id.clone());
            found.extend(page.into_iter().map(Ok));
            if !full {
                return Ok(found);
            }
        }
    }
    let mut seen = BTreeSet::new();
    for id in chosen.ids {
        let mut rows = store.find_settlements(&id).await?;
        let reason = match rows.len() {
            0 => "no such settlement",
            1 => {
                found.extend(
                    rows.pop().filter(|row| seen.insert(row.settlement.id.clone())).into_iter().map(Ok),
                );
                continue;
            }
            _ => "it names several settlements: use our id",
        };
        let line = Line { mall_order_id: id, skipped: Some(reason.to_owned()), ..Line::default() };
        found.push(Err(line));
    }
    Ok(found)
}

/// The day that is so many days away.
pub fn lapses_by(context: &Context, days: u32) -> Option<NaiveDate> {
    context.ambient.now().jst_date().checked_add_days(Days::new(u64::from(days)))
}

const COLUMNS: &[Column<Line>] = &[
    Column::text(
        "mall_order_id",
        words::H_ORDER,
        28,
        |l, _| l.mall_order_id.clone(),
        |l| l.mall_order_id.clone(),
    ),
    Column::text(
        "reception_number",
        words::H_RECEPTION,
        23,
        |l, _| text(l.reception_number.as_ref()),
        |l| text(l.reception_number.as_ref()),
    ),
    Column::number("yen", words::H_AMOUNT, |l, _| yen(l.yen), |l| digits(l.yen)),
    Column::text("kind", words::H_ACTION, 40, Line::what, |l| text(l.kind.as_ref())),
    Column::csv("slip_number", |l| text(l.slip_number.as_ref())),
    Column::csv_number("to_yen", |l| digits(l.to_yen)),
    Column::text(
        "run_at",
        words::H_DUE_AT,
        11,
        |l, look| look.maybe_time(l.run_at.map(|at| at.max(look.now))),
        |l| text(l.run_at.as_ref()),
    ),
    Column::text(
        "skipped",
        words::H_SKIPPED,
        90,
        |l, look| look.maybe_reason(l.skipped.as_ref()),
        |l| text(l.skipped.as_ref()),
    ),
    Column::csv("settlement", |l| text(l.settlement.as_ref())),
    Column::csv("settlement_id", |l| text(l.settlement_id.as_ref())),
    Column::csv("shop", |l| text(l.shop.as_ref())),
    Column::csv("order_id", |l| text(l.order_id.as_ref())),
];
