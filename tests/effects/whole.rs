//! The whole matrix: every function that changes something × every crash point × every fate of the answer × one worker or
//! two × look-ups that show the present or the past. Counted in the gateway's books: done exactly once, or not at all and
//! then with a person or refused, with the reason (I6, I7, I11; kuroneko-webcollect.md §5.5, §5.6).
//!
//! An effect that comes late and look-ups that lag behind it stay within the five minutes that two look-ups lie apart:
//! beyond them §5.5 itself sends again.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use mallsync::domain::money::Yen;
use mallsync::domain::operation::State;
use mallsync::domain::order::Carrier;
use mallsync::domain::settlement::{Settlement, SettlementState, Wish};
use mallsync::sim::{Body, Book, Fact, Fault, OtherSlip};
use mallsync::store::operations::Operation;

use crate::changes::{by_word, looked_up, settlement, wish};
use crate::matrix::{CRASHES, LONG, losses, rule};
use crate::rig::{Crash, RESERVED_FOR, Rig, yamato};
use crate::support::{TestStore, postgres, sqlite};

/// Where a reservation is moved.
const MOVED_TO: &str = "2027-01-25";
/// As many failures are told.
const TOLD: usize = 20;

/// What is asked of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Capture,
    OtherCarrier,
    Undo,
    Date,
    Cancel,
    Amount,
    Reauth,
}

impl Change {
    /// Reservations last, as in [`Rig::orders`].
    const ALL: [Self; 7] =
        [Self::Capture, Self::OtherCarrier, Self::Undo, Self::Cancel, Self::Amount, Self::Reauth, Self::Date];

    const fn function(self) -> &'static str {
        match self {
            Self::Capture | Self::OtherCarrier => "shipmentEntry",
            Self::Undo => "shipmentCancel",
            Self::Date => "changeDate",
            Self::Cancel => "creditCancel",
            Self::Amount => "creditChangePrice",
            Self::Reauth => "reAuth",
        }
    }

    fn wish(self, due: i64, slip: &str) -> Wish {
        match self {
            Self::Capture | Self::OtherCarrier => Wish::Capture,
            Self::Undo => Wish::Undo { slip_number: slip.to_owned() },
            Self::Date => Wish::ChangeDate { to: MOVED_TO.parse().unwrap() },
            Self::Cancel => Wish::Cancel,
            Self::Amount => Wish::ChangeAmount { to: Yen(due - 1) },
            Self::Reauth => Wish::Reauth,
        }
    }

    /// How often it happened.
    const fn times(self, book: &Book) -> u32 {
        match self {
            Self::Capture | Self::OtherCarrier => book.registered_slips,
            Self::Undo => book.undone_slips,
            Self::Date => book.date_changes,
            Self::Cancel => book.cancels,
            Self::Amount => book.amount_changes,
            Self::Reauth => book.reauthorizations,
        }
    }

    /// State, amount, slips and planned day once it is `done`, and before.
    fn facts(self, cell: &Cell, done: bool) -> (SettlementState, i64, Vec<String>, Option<&'static str>) {
        use SettlementState::{Authorized, Canceled, Registered, Reserved};
        let slip = || vec![cell.slip.clone()];
        let due = cell.due;
        match (self, done) {
            (Self::Capture | Self::OtherCarrier, true) | (Self::Undo, false) => {
                (Registered, due, slip(), None)
            }
            (Self::Cancel, true) => (Canceled, due, Vec::new(), None),
            (Self::Amount, true) => (Authorized, due - 1, Vec::new(), None),
            (Self::Date, true) => (Reserved, due, Vec::new(), Some(MOVED_TO)),
            (Self::Date, false) => (Reserved, due, Vec::new(), Some(RESERVED_FOR)),
            _ => (Authorized, due, Vec::new(), None),
        }
    }
}

/// What becomes of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    /// A refusal without a cause that the look-up does not explain (§3.1 rule 8, §5.6).
    Person,
    /// A refusal that no look-up could change (BUG).
    Refused,
}

/// What becomes of an answer, and of what it answers. Only one that is heard can end otherwise than done.
fn fates() -> Vec<(Fault, End)> {
    let code = |code: &str, effect| Fault::Code { code: code.to_owned(), effect };
    let mut fates: Vec<(Fault, End)> = [
        Fault::None,
        Fault::ResetBeforeEffect,
        Fault::ResetAfterEffect,
        Fault::LateEffect { seconds: 30, hold: false },
        Fault::LateEffect { seconds: 90, hold: true },
        Fault::CutBody { at: 60 },
        Fault::MaintenancePage,
        Fault::Status { status: 503, body: Body::Html, effect: true, retry_after: 0 },
        code("Z012000004", true),
        code("Z012000006", false),
    ]
    .map(|fault| (fault, End::Done))
    .into();
    fates.push((Fault::OneWithoutCode, End::Person));
    fates.push((code("Z012000001", false), End::Refused));
    fates
}

/// One cell of the matrix.
#[derive(Clone, Debug)]
struct Cell {
    change: Change,
    fate: Fault,
    crash: Option<Crash>,
    end: End,
    number: String,
    due: i64,
    slip: String,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}, {:?}, crash {:?}", self.number, self.change, self.fate, self.crash)
    }
}

/// A change, what becomes of its answer, and where its worker dies.
type Case = (Change, (Fault, End), Option<Crash>);

/// Every change × every fate × every crash point.
fn whole() -> Vec<Case> {
    let fates = fates();
    let of = |change| {
        let each = |fate: &(Fault, End)| CRASHES.map(|crash| (change, fate.clone(), crash));
        fates.iter().flat_map(each).collect::<Vec<_>>()
    };
    Change::ALL.into_iter().flat_map(of).collect()
}

/// Every change × `fates`, each with one crash point in turn.
fn dealt(fates: &[(Fault, End)]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (c, change) in Change::ALL.into_iter().enumerate() {
        // What only a capture is answered.
        let fits = |(fault, _): &&(Fault, End)| match fault {
            Fault::Code { code, .. } if code.starts_with("E01") => change.function() == "shipmentEntry",
            _ => true,
        };
        for (f, fate) in fates.iter().filter(fits).enumerate() {
            cases.push((change, fate.clone(), CRASHES[(c + f) % CRASHES.len()]));
        }
    }
    cases
}

/// The matrix whole where it is asked for ([`at_length`]), else with the crash points dealt out: between the easiest house and
/// the hardest one, which are always gone through whole.
fn between() -> Vec<Case> {
    if at_length() { whole() } else { dealt(&fates()) }
}

/// Who works, and what the gateway shows.
#[derive(Clone, Copy, Debug)]
struct House {
    workers: usize,
    /// For so many seconds a look-up shows what was before a change.
    stale: Option<u64>,
    /// Where another carrier's slip is shown (§6: the sources differ).
    other_slip: OtherSlip,
}

/// Runs `cases` side by side in one house, and tells of each that ended otherwise than it must.
async fn through(db: TestStore, house: House, cases: Vec<Case>) {
    let reservations = cases.iter().filter(|(change, ..)| *change == Change::Date).count();
    let rig = Rig::without_slips(db, cases.len() - reservations, reservations, by_word()).await;
    let place = |(i, ((change, (fate, end), crash), fact)): (usize, (Case, &Fact))| Cell {
        change,
        fate,
        crash,
        // What nobody heard is looked up, and sent again.
        end: if crash == Some(Crash::AfterSend) { End::Done } else { end },
        number: fact.order_number.clone(),
        due: fact.due.unwrap(),
        slip: if change == Change::OtherCarrier { fact.order_number.clone() } else { yamato(i as u64) },
    };
    let cells: Vec<Cell> = cases.into_iter().zip(&rig.orders).enumerate().map(place).collect();
    rig.world.switch(|s| s.webcollect.other_slip = house.other_slip);
    for (i, cell) in cells.iter().enumerate() {
        match cell.change {
            Change::Capture | Change::Undo => rig.slip(&cell.number, &cell.slip).await,
            Change::OtherCarrier => {
                rig.slip_of(&cell.number, &format!("{:012}", 500_000 + i), Carrier::Sagawa).await;
            }
            _ => {}
        }
    }
    let before = looked_up(&rig).await;
    // What is taken back must have been registered.
    for cell in cells.iter().filter(|cell| cell.change == Change::Undo) {
        wish(&rig, &cell.number, &Wish::Capture).await;
    }
    rig.run(Duration::from_secs(1_800)).await;

    if let Some(seconds) = house.stale {
        rig.world.switch(|s| (s.webcollect.stale_reads, s.webcollect.stale_seconds) = (true, seconds));
    }
    for cell in &cells {
        wish(&rig, &cell.number, &cell.change.wish(cell.due, &cell.slip)).await;
        if let Some(crash) = cell.crash {
            rig.crashes.lock().unwrap().insert(cell.number.clone(), crash);
        }
    }
    let rules = cells.iter().map(|cell| rule(cell.change.function(), &cell.number, &cell.fate));
    rig.world.set_faults(rules.collect());
    rig.crew(house.workers, LONG).await;

    let operations: BTreeMap<(String, &str), Operation> = rig
        .operations()
        .await
        .into_iter()
        .map(|op| ((op.intent.reception_number().to_owned(), op.intent.kind()), op))
        .collect();
    let books: BTreeMap<String, Book> =
        rig.world.books().into_iter().map(|book| (book.order_no.clone(), book)).collect();
    let mut wrong = Vec::new();
    for cell in &cells {
        let kind = cell.change.wish(cell.due, &cell.slip).kind();
        let row = settlement(&rig, &cell.number).await;
        let operation = &operations[&(cell.number.clone(), kind)];
        let book = books.get(&cell.number).cloned().unwrap_or_default();
        for what in judge(cell, operation, &book, &row) {
            wrong.push(format!("{cell}: {what}"));
        }
        if cell.change == Change::Reauth && cell.end == End::Done {
            let since = before[&cell.number].authorized_at;
            if row.authorized_at.is_some() && row.authorized_at <= since && house.stale.is_none() {
                wrong.push(format!("{cell}: authorised at {:?}, {since:?} before", row.authorized_at));
            }
        }
    }
    let traffic = rig.world.gateway_traffic();
    if traffic.overlapping_changes > 0 {
        wrong.push(format!("{traffic:?}"));
    }
    let left: Vec<_> = rig.crashes.lock().unwrap().keys().cloned().collect();
    // Points that lie behind the end of a cell are never reached; the others must be.
    let missed = cells.iter().filter(|cell| {
        left.contains(&cell.number) && !matches!(cell.crash, Some(Crash::BeforeSettle | Crash::AfterSettle))
    });
    wrong.extend(missed.map(|cell| format!("{cell}: nobody died")));
    rig.server.stop().await;
    let shown = wrong.iter().take(TOLD).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{house:?}: {} of {} cells:\n{shown}", wrong.len(), cells.len());
}

/// What is wrong with a cell.
fn judge(cell: &Cell, operation: &Operation, book: &Book, row: &Settlement) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    let done = cell.end == End::Done;
    let progress = &operation.progress;
    let told = format!("{} {:?} {:?}", progress.state, progress.code, progress.reason);
    let state = match cell.end {
        End::Done => State::Done,
        End::Person => State::NeedsPerson,
        End::Refused => State::Refused,
    };
    must(progress.state == state, format!("left as {told}"));
    must(cell.change.times(book) == u32::from(done), format!("{book:?}, {told}"));
    must(book.repeated() == 0, format!("asked for twice: {book:?}"));
    match cell.end {
        End::Done => {}
        // §5.6: the look-up shows the sale untouched. It names what stands there.
        End::Person => {
            let reason = progress.reason.as_deref().unwrap_or_default();
            must(reason.starts_with("the gateway refused"), format!("says {reason:?}"));
        }
        End::Refused => must(progress.code.as_deref() == Some("Z012000001"), told.clone()),
    }
    // The wish stands as long as somebody must decide on it.
    must(row.wish.is_some() == (cell.end == End::Person), format!("the wish is {:?}", row.wish));
    let (state, amount, slips, day) = cell.change.facts(cell, done);
    let day = day.map(|day| day.parse().unwrap());
    must(row.state == state && row.amount == Some(Yen(amount)), format!("the row says {row:?}"));
    must(row.slips == slips, format!("slips {:?}", row.slips));
    must(row.scheduled_on == day, format!("planned for {:?}", row.scheduled_on));
    if cell.change == Change::Undo && done {
        must(
            row.held.is_some(),
            "a slip that a person took back is registered again by the rules".to_owned(),
        );
    }
    wrong
}

#[tokio::test]
async fn one_worker_and_what_is_shown_is_so() {
    let house = House { workers: 1, stale: None, other_slip: OtherSlip::ExtraSlipNo };
    through(sqlite().await, house, whole()).await;
}

#[tokio::test]
async fn two_workers_and_what_is_shown_is_so() {
    let house = House { workers: 2, stale: None, other_slip: OtherSlip::SlipNo };
    through(sqlite().await, house, between()).await;
}

#[tokio::test]
async fn one_worker_and_what_is_shown_was_so_a_minute_ago() {
    let house = House { workers: 1, stale: Some(60), other_slip: OtherSlip::SlipNo };
    through(sqlite().await, house, between()).await;
}

#[tokio::test]
async fn two_workers_and_what_is_shown_was_so_minutes_ago() {
    let house = House { workers: 2, stale: Some(200), other_slip: OtherSlip::ExtraSlipNo };
    through(sqlite().await, house, whole()).await;
}

/// Whether many seeds were asked for (`MALLSYNC_SEEDS`, as by `make soak`): then no way of losing an answer is left out.
#[expect(clippy::disallowed_methods, reason = "how long the tests run is the environment's to say")]
fn at_length() -> bool {
    std::env::var("MALLSYNC_SEEDS").ok().and_then(|n| n.parse::<u64>().ok()).is_some_and(|seeds| seeds > 3)
}

/// Beside them the ways an answer can be cut short, for every function.
#[tokio::test]
async fn two_workers_on_postgres() {
    let house = House { workers: 2, stale: None, other_slip: OtherSlip::ExtraSlipNo };
    let every = if at_length() { 1 } else { 4 };
    let cut = losses().into_iter().step_by(every).map(|fault| (fault, End::Done));
    through(postgres().await, house, dealt(&fates().into_iter().chain(cut).collect::<Vec<_>>())).await;
    through(postgres().await, House { stale: Some(200), ..house }, dealt(&fates())).await;
}
