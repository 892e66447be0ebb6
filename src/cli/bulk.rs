//! One word about one settlement, or about many that have something in common: shown, asked, written as it was shown, and
//! what is in error listed and left out.

use std::collections::BTreeSet;

use chrono::Days;
use clap::Args;
use serde::Serialize;

use super::args::{MoneyArgs, ReportArgs, days, word};
use super::context::{Context, note};
use super::failure::{Ended, Failure, Outcome};
use super::follow::{self, Whose};
use super::foreseen::{self, Foreseen};
use super::output::Column;
use super::views::text;
use super::{money, settlements, unlooked, words};
use crate::app::{App, Due};
use crate::domain::money::Yen;
use crate::domain::operation::Intent;
use crate::domain::planner::{Contract, Mode, Plan};
use crate::domain::settlement::SettlementState;
use crate::store::say::{Basis, Said, Word};
use crate::store::settlements::{SettlementFilter, SettlementRow};
use crate::store::{Store, StoreError};

/// Settlements by what they have in common.
#[derive(Args, Clone, Debug)]
pub struct Filter {
    /// All those in this state
    #[arg(long, value_name = "STATE", value_parser = word(SettlementState::ALL, SettlementState::as_str))]
    state: Option<SettlementState>,
    /// All those whose authorisation ends within so many days: 7d
    #[arg(long, value_name = "DAYS", value_parser = days)]
    lapsing_within: Option<u32>,
    /// Only of this contract (its name in the config)
    #[arg(long, value_name = "NAME")]
    settlement: Option<String>,
}

impl Filter {
    /// Which rows these are.
    ///
    /// # Errors
    /// A contract that is not in the config.
    pub fn rows(self, context: &Context) -> Result<SettlementFilter, Failure> {
        if let Some(name) = &self.settlement {
            settlements::known_contract(context, name)?;
        }
        let today = context.ambient.now().jst_date();
        let last = |days: u32| today.checked_add_days(Days::new(u64::from(days)));
        Ok(SettlementFilter {
            name: self.settlement,
            state: self.state,
            lapses_by: self.lapsing_within.and_then(last),
            ..SettlementFilter::default()
        })
    }
}

/// What may stand in place of an ID.
pub const INSTEAD: [&str; 2] = ["state", "lapsing_within"];
/// What cannot stand beside one.
pub const FILTERS: [&str; 3] = ["state", "lapsing_within", "settlement"];

/// The settlements that are meant.
pub struct Chosen {
    /// By name; none: those of `filter`.
    pub ids: Vec<String>,
    /// By what they have in common.
    pub filter: Filter,
}

/// What a command does with each settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Something is done at the gateway, which must have been asked for the sale before.
    Wish,
    /// A capture: the sale is looked up before it anyway.
    Capture,
    /// Nothing is sent until a release.
    Hold,
    /// What a person held goes on.
    Release,
    /// It was settled outside.
    Resolve,
    /// That is taken back.
    Reopen,
}

impl Deed {
    /// Whether money may move after it: then it is asked, and what follows is followed.
    const fn moves(self) -> bool {
        !matches!(self, Self::Hold | Self::Resolve)
    }

    /// Whether there is nothing to do for a settlement that stands as `basis` says.
    fn needless(self, basis: &Basis) -> Option<&'static str> {
        match self {
            Self::Hold if basis.held().is_some() => Some("it is held already"),
            Self::Release if basis.held().is_none() => Some("it is not held"),
            Self::Resolve if basis.resolved().is_some() => Some("it is resolved already"),
            Self::Reopen if basis.resolved().is_none() => Some("it was not resolved"),
            _ => None,
        }
    }

    /// Whether a person who names a settlement may say it again, with other words.
    const fn again(self) -> bool {
        matches!(self, Self::Hold | Self::Resolve)
    }
}

/// One line of what will be done, or why not.
#[derive(Clone, Debug, Default, Serialize)]
struct Line {
    #[serde(flatten)]
    foreseen: Foreseen,
    /// What it waits for then, where nothing is done.
    waits: Option<String>,
    skipped: Option<String>,
}

impl AsRef<Foreseen> for Line {
    fn as_ref(&self) -> &Foreseen {
        &self.foreseen
    }
}

impl Line {
    fn skipped(foreseen: Foreseen, reason: impl Into<String>) -> Self {
        Self { foreseen, skipped: Some(reason.into()), ..Self::default() }
    }

    /// What follows for a settlement.
    fn of(row: &SettlementRow, plan: &Plan) -> Vec<Self> {
        if plan.wanted.is_empty() {
            let waits = plan.hold.clone().or_else(|| plan.waiting.clone());
            return vec![Self { foreseen: Foreseen::of(row), waits, skipped: None }];
        }
        let line = |wanted| Self { foreseen: Foreseen::wanted(row, wanted), ..Self::default() };
        plan.wanted.iter().map(line).collect()
    }
}

/// A settlement of which it may be said, and what the person is shown of it.
struct Granted {
    row: SettlementRow,
    word: Word,
    said: Said,
}

/// What is shown before it is asked.
#[derive(Default)]
struct Shown {
    lines: Vec<Line>,
    granted: Vec<Granted>,
    yen: Vec<Yen>,
}

/// Shows what `say` makes of each settlement, asks, writes what was shown, and sees to it that it is carried out. What
/// cannot be is listed with the reason.
pub async fn carry(
    context: &Context,
    deed: Deed,
    chosen: Chosen,
    say: impl Fn(&SettlementRow) -> Result<Word, String>,
    args: MoneyArgs,
    report: ReportArgs,
) -> Outcome {
    let app = context.writer().await?;
    let shown = read(context, &app, deed, chosen, say).await?;
    let skipped = shown.lines.iter().filter(|line| line.skipped.is_some()).count();
    let columns = if matches!(deed, Deed::Wish | Deed::Capture) { WISHES } else { WORDS };
    let ended = context.rows(report.into(), columns, &shown.lines)?;
    let yen: Yen = shown.yen.into_iter().sum();
    note(&context.tell(words::WISH_SUM, &[&shown.granted.len(), &yen, &skipped]));
    let failed = ended == Ended::Badly || skipped > 0;
    if shown.granted.is_empty() {
        return Ok(if failed { Ended::Badly } else { Ended::Well });
    }
    let contract = |granted: &Granted| in_force(&app, &granted.row.settlement.name);
    if let ([one], Deed::Release | Deed::Reopen) = (shown.granted.as_slice(), deed)
        && let Some(contract) = contract(one)
    {
        money::announce(context, contract, &one.said.plan);
    }
    // Where nothing can be sent, nobody is asked.
    let live = shown.granted.iter().filter_map(contract).any(|contract| contract.mode == Mode::Live);
    let mode = if deed.moves() && live { Mode::Live } else { Mode::DryRun };
    if !money::confirm(context, args, mode)? {
        return Ok(if failed || !args.dry_run { Ended::Badly } else { Ended::Well });
    }
    let done = write(context, &app, deed, shown.granted, args).await?;
    Ok(if failed { Ended::Badly } else { done })
}

/// What would follow for each settlement, and why not.
async fn read(
    context: &Context,
    app: &App,
    deed: Deed,
    chosen: Chosen,
    say: impl Fn(&SettlementRow) -> Result<Word, String>,
) -> Result<Shown, Failure> {
    let store = app.store();
    let by_name = !chosen.ids.is_empty();
    let actor = Context::actor();
    let mut shown = Shown::default();
    let mut rows = Vec::new();
    for found in targets(context, store, chosen).await? {
        match found {
            Ok(row) => rows.push(row),
            Err(line) => shown.lines.push(line),
        }
    }
    if deed == Deed::Wish {
        rows = unlooked::look(context, app, rows).await?;
    }
    let gateways =
        if matches!(deed, Deed::Wish | Deed::Capture) { app.connect().accounts } else { Vec::new() };
    let possible =
        |contract: &str, intent: &Intent| match gateways.iter().find(|g| g.contract.name == contract) {
            Some(account) => account.gateway.check_locally(intent, context.ambient.now()),
            None => Ok(()),
        };
    for row in rows {
        let name = row.settlement.name.as_str();
        let said = match say(&row) {
            Ok(_) if deed.moves() && in_force(app, name).is_none() => {
                Err(format!("{name} is not in force (enabled = false): nothing can be decided for it"))
            }
            Ok(word) => {
                told(store.say(&row.settlement.id, &word, None, &actor, &app.planning(), true).await)?
                    .and_then(|said| {
                        said.plan.wanted.iter().try_for_each(|wanted| possible(name, &wanted.intent))?;
                        Ok((word, said))
                    })
            }
            Err(reason) => Err(reason),
        };
        match said {
            Ok((word, said)) => match deed.needless(&said.basis) {
                Some(_) if !by_name => {}
                Some(reason) if !deed.again() => {
                    shown.lines.push(Line::skipped(Foreseen::of(&row), reason));
                }
                _ => {
                    // Each parcel of an order registers the same sale: its yen count once.
                    let moved = said.plan.wanted.first().map(|wanted| wanted.intent.amount());
                    shown.yen.extend(if deed.moves() { moved } else { row.settlement.amount.or(row.due) });
                    shown.lines.extend(Line::of(&row, &said.plan));
                    shown.granted.push(Granted { row, word, said });
                }
            },
            Err(reason) => shown.lines.push(Line::skipped(Foreseen::of(&row), reason)),
        }
    }
    Ok(shown)
}

/// Writes what was shown, each of it only if it still is so.
async fn write(context: &Context, app: &App, deed: Deed, granted: Vec<Granted>, args: MoneyArgs) -> Outcome {
    let store = app.store();
    let actor = Context::actor();
    let began = context.ambient.now();
    let mut failed = false;
    let mut written = Vec::new();
    for Granted { row, word, said } in granted {
        let id = &row.settlement.id;
        let read = Some(&said.basis);
        match told(store.say(id, &word, read, &actor, &app.planning(), false).await)? {
            Ok(_) => written.push((row, word)),
            Err(reason) => {
                failed = true;
                let reason = context.look().reason(&reason);
                note(&context.tell(words::WISH_SKIPPED, &[&row.mall_order_id, &reason]));
            }
        }
    }
    match (deed, written.as_slice()) {
        (_, []) => return Ok(Ended::Badly),
        (Deed::Wish | Deed::Capture, _) => {}
        (_, [(row, word)]) => note(&said_of(context, row, word)),
        (_, many) => note(&context.tell(words::SAID_OF_MANY, &[&many.len()])),
    }
    if deed.moves() {
        let due =
            |row: SettlementRow| Due::Order { id: row.settlement.order_id, contract: row.settlement.name };
        let dues: Vec<Due> = written.into_iter().map(|(row, _)| due(row)).collect();
        let whose = match dues.as_slice() {
            [Due::Order { id, .. }] => Whose::Order(id.clone()),
            _ => Whose::PlannedSince(began),
        };
        failed |= follow::carry_out_all(context, app, &dues, &whose, args.follow).await? == Ended::Badly;
    }
    Ok(if failed { Ended::Badly } else { Ended::Well })
}

/// What was said of one settlement, for the person who said it.
fn said_of(context: &Context, row: &SettlementRow, word: &Word) -> String {
    let (order, id) = (&row.mall_order_id, &row.settlement.id);
    match word {
        Word::Hold(_) => context.tell(words::HELD, &[order, id]),
        Word::Release => context.tell(words::RELEASED, &[order]),
        Word::Resolve(how) => context.tell(words::RESOLVED, &[order, &context.look().reason(how), id]),
        Word::Reopen => context.tell(words::RESOLVED_NOT, &[order]),
        Word::Wish(_) => String::new(),
    }
}

/// The contract as the daemon would use it; `None`: it is disabled.
fn in_force<'a>(app: &'a App, name: &str) -> Option<&'a Contract> {
    app.contracts().iter().find(|contract| contract.name == name)
}

/// What is refused is a line of the report; anything else ends the command.
fn told<T>(result: Result<T, StoreError>) -> Result<Result<T, String>, Failure> {
    match result {
        Ok(said) => Ok(Ok(said)),
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
        let mut filter = SettlementFilter { limit: Some(PAGE), ..chosen.filter.rows(context)? };
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
        let foreseen = Foreseen { mall_order_id: id, ..Foreseen::default() };
        found.push(Err(Line::skipped(foreseen, reason)));
    }
    Ok(found)
}

const SKIPPED: Column<Line> = Column::text(
    "skipped",
    words::H_SKIPPED,
    90,
    |l, look| look.maybe_reason(l.skipped.as_ref()),
    |l| text(l.skipped.as_ref()),
);

/// What is asked of the gateway.
const WISHES: &[Column<Line>] = &[
    foreseen::order(),
    foreseen::reception(),
    foreseen::amount(),
    foreseen::kind(),
    foreseen::slip_number(),
    foreseen::to_yen(),
    foreseen::to_date(),
    foreseen::run_at(),
    SKIPPED,
    foreseen::settlement().for_machines(),
    foreseen::settlement_id(),
    foreseen::shop().for_machines(),
    foreseen::order_id(),
];

/// What else is said of settlements, and what follows.
const WORDS: &[Column<Line>] = &[
    foreseen::order(),
    foreseen::reception(),
    foreseen::amount(),
    foreseen::kind(),
    foreseen::slip_number(),
    foreseen::to_yen(),
    foreseen::to_date(),
    foreseen::run_at(),
    Column::text(
        "waits",
        words::H_NOTE,
        60,
        |l, look| look.maybe_reason(l.waits.as_ref()),
        |l| text(l.waits.as_ref()),
    ),
    SKIPPED,
    foreseen::settlement().for_machines(),
    foreseen::settlement_id(),
    foreseen::shop().for_machines(),
    foreseen::order_id(),
];
