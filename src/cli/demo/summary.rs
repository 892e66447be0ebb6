//! What a shop owner wants to know at the end, and whether the books balance.

use std::collections::BTreeMap;
use std::io::Write;

use crate::app::App;
use crate::cli::failure::Failure;
use crate::cli::table::{Table, facts, yen};
use crate::cli::words::{self, Text};
use crate::config::Language;
use crate::domain::money::Yen;
use crate::domain::operation::State;
use crate::domain::order::Status;
use crate::domain::settlement::SettlementState;
use crate::sim::{self, Book, World};
use crate::store::operations::OperationFilter;

/// How one kind of operation stands in the gateway's books: how often it took effect, and how often it was asked for again.
type InBooks = fn(&Book) -> (u32, u32);

/// Every kind that the story has, by the function of the gateway that does it.
const KINDS: [(&str, InBooks); 5] = [
    ("capture", |book| (book.registered_slips, book.repeated_captures)),
    ("undo", |book| (book.undone_slips, book.repeated_undos)),
    ("cancel", |book| (book.cancels, book.repeated_cancels)),
    ("change_amount", |book| (book.amount_changes, book.repeated_amount_changes)),
    ("reauth", |book| (book.reauthorizations, book.repeated_reauthorizations)),
];

/// Orders of each shop by status, and how many of the malls' and the cart's we do not have.
#[derive(Debug)]
pub(super) struct Orders {
    shops: BTreeMap<String, BTreeMap<Status, u64>>,
    lost: u64,
}

impl Orders {
    /// As they are now.
    pub(super) async fn count(app: &App, world: &World) -> Result<Self, Failure> {
        let mut shops: BTreeMap<String, BTreeMap<Status, u64>> = BTreeMap::new();
        for count in app.store().count_orders().await? {
            shops.entry(count.shop).or_default().insert(count.status, count.orders);
        }
        let names = [sim::RAKUTEN_SHOP, sim::YAHOO_SHOP, sim::AUPAY_SHOP, sim::AMAZON_SHOP, sim::CART_SHOP];
        let lost = names.into_iter().map(|shop| {
            let there = world.truth(shop).count() as u64;
            let here: u64 = shops.get(shop).map_or(0, |statuses| statuses.values().sum());
            there.saturating_sub(here)
        });
        let lost = lost.sum();
        Ok(Self { shops, lost })
    }
}

/// Operations of one kind: done as we know it, in force in the gateway's books, and asked for again.
struct Counted {
    kind: &'static str,
    ours: u64,
    books: u64,
    repeated: u64,
}

/// Writes it. `false` when the books do not balance.
pub(super) async fn write(
    app: &App,
    world: &World,
    orders: &Orders,
    language: Language,
) -> Result<bool, Failure> {
    let books = world.books();
    let counted = counted(app, &books).await?;
    let sums = app.store().sum_settlements().await?;
    let captured = |wanted: bool| -> Yen {
        let of = sums.iter().filter(|s| s.state.is_some_and(SettlementState::captured) == wanted);
        let open = |state: Option<SettlementState>| state != Some(SettlementState::Canceled);
        of.filter(|s| open(s.state)).map(|s| s.yen).sum()
    };
    let registered: Yen = books.iter().filter(|b| b.effective_captures > 0).map(|b| Yen(b.amount)).sum();
    let person = of_state(app, State::NeedsPerson).await?.len();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", words::DEMO_SUMMARY.get(language))?;
    shops(&mut out, orders, language)?;
    writeln!(out)?;
    operations(&mut out, &counted, language)?;
    writeln!(out)?;
    let told = [
        (words::DEMO_CAPTURED, yen(Some(captured(true)))),
        (words::DEMO_IN_BOOKS, yen(Some(registered))),
        (words::DEMO_OPEN, yen(Some(captured(false)))),
        (words::DEMO_LOST_ORDERS, orders.lost.to_string()),
        (words::DEMO_PERSON, words::DEMO_PLANTED.with(language, &[&person])),
    ];
    facts(&mut out, &told.map(|(name, value)| (name.get(language), value)))?;
    let balanced = counted.iter().all(|of| of.ours == of.books && of.repeated == 0);
    let twice = books.iter().any(|book| book.captures > 1 + book.undone_slips || book.repeated() > 0);
    Ok(balanced && !twice && orders.lost == 0 && registered == captured(true))
}

/// Operations in a state, whatever their kind.
pub(super) async fn of_state(app: &App, state: State) -> Result<Vec<&'static str>, Failure> {
    let filter = OperationFilter { state: Some(state), ..OperationFilter::default() };
    let rows = app.store().list_operations(&filter).await?;
    Ok(rows.iter().map(|row| row.operation.intent.kind()).collect())
}

async fn counted(app: &App, books: &[Book]) -> Result<Vec<Counted>, Failure> {
    let done = of_state(app, State::Done).await?;
    let counted = KINDS.into_iter().map(|(kind, in_books)| {
        let sums =
            books.iter().map(in_books).map(|(effective, again)| (u64::from(effective), u64::from(again)));
        let (books, repeated) = sums.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        let ours = done.iter().filter(|other| **other == kind).count() as u64;
        Counted { kind, ours, books, repeated }
    });
    Ok(counted.collect())
}

fn shops(out: &mut impl Write, orders: &Orders, language: Language) -> Result<(), Failure> {
    let headings = [(words::H_SHOP, false), (words::H_ORDERS, true), (words::H_STATE, false)];
    let mut table = table(&headings, language);
    for (shop, statuses) in &orders.shops {
        let all: u64 = statuses.values().sum();
        let parts: Vec<String> =
            statuses.iter().map(|(s, n)| format!("{} {n}", words::status(*s, language))).collect();
        table.row([(shop.clone(), 18), (all.to_string(), 9), (parts.join(" · "), 200)].into_iter());
    }
    Ok(table.write(out)?)
}

fn operations(out: &mut impl Write, counted: &[Counted], language: Language) -> Result<(), Failure> {
    let headings = [
        (words::DEMO_H_OPERATION, false),
        (words::DEMO_H_OURS, true),
        (words::DEMO_H_BOOKS, true),
        (words::DEMO_H_AGAIN, true),
    ];
    let mut table = table(&headings, language);
    for of in counted {
        let numbers = [of.ours, of.books, of.repeated].map(|n| (n.to_string(), 24));
        let name = words::kind(of.kind, language).to_owned();
        table.row([(name, 24)].into_iter().chain(numbers));
    }
    Ok(table.write(out)?)
}

fn table(headings: &[(Text, bool)], language: Language) -> Table {
    Table::new(headings.iter().map(|(heading, number)| (heading.get(language), *number)).collect())
}
