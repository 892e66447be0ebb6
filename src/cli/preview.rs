//! `mallsync settlements preview`: what would be sent now, what waits and why, what needs a person.

use serde::Serialize;

use super::args::ListArgs;
use super::context::{Context, Page, note};
use super::failure::{Failure, Outcome};
use super::foreseen::{self, Foreseen};
use super::output::Column;
use super::views::text;
use super::words::{self, Text};
use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::operation::State;
use crate::domain::planner::{Contract, Mode};
use crate::store::operations::{OperationFilter, OperationRow};
use crate::store::settlements::Preview;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only of this contract (its name in the config)
    #[arg(long, value_name = "NAME")]
    settlement: Option<String>,
    /// Format and length.
    #[command(flatten)]
    list: ListArgs,
}

/// What becomes of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// Sent now.
    Send,
    /// Sent when its time has come.
    Later,
    /// Waits for something.
    Wait,
    /// A person decides.
    Person,
}

impl Action {
    const fn word(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Later => "later",
            Self::Wait => "wait",
            Self::Person => "person",
        }
    }

    const fn text(self) -> Text {
        match self {
            Self::Send => words::P_SEND,
            Self::Later => words::P_LATER,
            Self::Wait => words::P_WAIT,
            Self::Person => words::P_PERSON,
        }
    }
}

/// One line of the preview.
#[derive(Clone, Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    foreseen: Foreseen,
    action: Action,
    reason: Option<String>,
    /// Yen that move when it is done.
    #[serde(skip)]
    moves: Yen,
}

impl AsRef<Foreseen> for Line {
    fn as_ref(&self) -> &Foreseen {
        &self.foreseen
    }
}

/// What is wanted, in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Sent now.
    pub now: u64,
    /// Their yen.
    pub now_yen: Yen,
    /// Sent later.
    pub later: u64,
    /// Their yen.
    pub later_yen: Yen,
    /// Waiting for something.
    pub waiting: u64,
    /// Needing a person.
    pub person: u64,
}

/// Settlements planned at a time.
const PAGE: u64 = 500;

/// The command.
pub async fn run(context: &Context, args: Args) -> Outcome {
    if let Some(name) = &args.settlement {
        super::settlements::known_contract(context, name)?;
    }
    let app = context.app(crate::store::Access::Read).await?;
    let wanted = |name: &str| args.settlement.as_deref().is_none_or(|only| only == name);
    let contracts: Vec<_> = app.contracts().iter().filter(|contract| wanted(&contract.name)).collect();
    let now = context.ambient.now();
    let mut place: (usize, Option<String>) = (0, None);
    let outcome = context
        .list(args.list, COLUMNS, async |_, _: Option<&Line>| {
            let Some(contract) = contracts.get(place.0) else { return Ok(Page::new(Vec::new(), true)) };
            let page = app.store().preview(&contract.name, &app.planning(), place.1.as_deref(), PAGE).await?;
            place = if full(&page) {
                (place.0, page.last().map(|preview| preview.row.settlement.id.clone()))
            } else {
                (place.0 + 1, None)
            };
            Ok(Page::new(lines_of(&app, contract, &page, now).await?, false))
        })
        .await?;
    for contract in contracts {
        let name = &contract.name;
        let s = sums(context, &app, contract).await?;
        note(
            &context.tell(
                words::P_SUM,
                &[name, &s.now, &s.now_yen, &s.later, &s.later_yen, &s.waiting, &s.person],
            ),
        );
        if contract.mode == Mode::DryRun {
            note(&context.tell(words::P_DRY, &[name]));
        }
    }
    Ok(outcome)
}

/// The sums of a contract.
///
/// # Errors
/// Of the database.
pub async fn sums(context: &Context, app: &App, contract: &Contract) -> Result<Sums, Failure> {
    let now = context.ambient.now();
    let mut sums = Sums::default();
    let mut after: Option<String> = None;
    loop {
        let page = app.store().preview(&contract.name, &app.planning(), after.as_deref(), PAGE).await?;
        let lines = lines_of(app, contract, &page, now).await?;
        for (index, line) in lines.iter().enumerate() {
            // Each parcel of an order registers the same sale: its yen count once.
            let before = index.checked_sub(1).and_then(|before| lines.get(before));
            sums.add(
                line,
                before.is_none_or(|before| before.foreseen.settlement_id != line.foreseen.settlement_id),
            );
        }
        if !full(&page) {
            return Ok(sums);
        }
        after = page.last().map(|preview| preview.row.settlement.id.clone());
    }
}

fn full(page: &[Preview]) -> bool {
    u64::try_from(page.len()).unwrap_or(u64::MAX) >= PAGE
}

impl Sums {
    fn add(&mut self, line: &Line, first_of_its_order: bool) {
        let yen = if first_of_its_order { line.moves } else { Yen::ZERO };
        match line.action {
            Action::Send => {
                self.now += 1;
                self.now_yen = [self.now_yen, yen].into_iter().sum();
            }
            Action::Later => {
                self.later += 1;
                self.later_yen = [self.later_yen, yen].into_iter().sum();
            }
            Action::Wait => self.waiting += 1,
            Action::Person => self.person += 1,
        }
    }
}

/// The lines of a page. In live what is wanted may have been sent already without having been done: those operations
/// tell how they stand.
async fn lines_of(
    app: &App,
    contract: &Contract,
    page: &[Preview],
    now: Timestamp,
) -> Result<Vec<Line>, Failure> {
    let mut all = Vec::new();
    for preview in page {
        let mut lines = lines(preview, now);
        if contract.mode == Mode::Live && !preview.plan.wanted.is_empty() {
            let filter = OperationFilter {
                order_id: Some(preview.row.settlement.order_id.clone()),
                ..OperationFilter::default()
            };
            let operations = app.store().list_operations(&filter).await?;
            lines.iter_mut().for_each(|line| line.follow(&operations));
        }
        all.extend(lines);
    }
    Ok(all)
}

impl Line {
    /// Takes over how the newest operation of the same kind for the same slip stands, unless it is still to be sent as
    /// wished.
    fn follow(&mut self, newest_first: &[OperationRow]) {
        let own = newest_first.iter().map(|row| &row.operation).find(|operation| {
            let intent = &operation.intent;
            Some(intent.kind()) == self.foreseen.kind
                && intent.slip_number() == self.foreseen.slip_number.as_deref()
                && Some(intent.reception_number()) == self.foreseen.reception_number.as_deref()
        });
        let Some(progress) = own.map(|operation| &operation.progress) else { return };
        let with = |text: &str| match &progress.reason {
            Some(reason) => format!("{text}: {reason}"),
            None => text.to_owned(),
        };
        let (action, reason) = match progress.state {
            State::Planned | State::Ready | State::Superseded | State::Done => return,
            State::Sending | State::Unknown | State::Looking => {
                (Action::Wait, Some("under way: what came of it is looked up".to_owned()))
            }
            State::NeedsPerson => (Action::Person, progress.reason.clone()),
            State::Refused => (Action::Person, Some(with("refused by the gateway"))),
            State::Abandoned => (Action::Wait, Some(with("given up by a person"))),
        };
        (self.action, self.reason, self.foreseen.run_at) = (action, reason, None);
    }
}

fn lines(preview: &Preview, now: Timestamp) -> Vec<Line> {
    let row = &preview.row;
    let base = |action: Action, reason: &String| Line {
        foreseen: Foreseen { yen: row.due, ..Foreseen::of(row) },
        action,
        reason: Some(reason.clone()),
        moves: Yen::ZERO,
    };
    let plan = &preview.plan;
    let mut lines = Vec::new();
    // What the planner waits for may be the person who holds it; a renewal goes on beside a question.
    let held = row.settlement.held.as_ref();
    let held = held.filter(|held| plan.waiting.as_ref().is_some_and(|waiting| waiting.contains(*held)));
    if let Some(reason) = plan.hold.as_ref().or(held) {
        lines.push(base(Action::Person, reason));
    }
    for wanted in &plan.wanted {
        let action = if wanted.run_at <= now { Action::Send } else { Action::Later };
        lines.push(Line {
            foreseen: Foreseen::wanted(row, wanted),
            action,
            reason: None,
            moves: wanted.intent.amount(),
        });
    }
    if let Some(reason) = plan.waiting.as_ref().filter(|_| held.is_none()) {
        lines.push(base(Action::Wait, reason));
    }
    lines
}

const COLUMNS: &[Column<Line>] = &[
    Column::text(
        "action",
        words::H_ACTION,
        12,
        |l, look| l.action.text().get(look.language).to_owned(),
        |l| l.action.word().to_owned(),
    ),
    foreseen::kind(),
    foreseen::settlement(),
    foreseen::settlement_id(),
    foreseen::order_id(),
    foreseen::shop(),
    foreseen::order(),
    foreseen::reception(),
    foreseen::slip_number(),
    foreseen::amount(),
    foreseen::to_yen(),
    foreseen::to_date(),
    foreseen::run_at(),
    Column::text(
        "reason",
        words::H_REASON,
        60,
        |l, look| look.maybe_reason(l.reason.as_ref()),
        |l| text(l.reason.as_ref()),
    ),
];
