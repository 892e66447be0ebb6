//! The elements that `Field` can name (yahoo-shopping.md §5.3, §6.4 to §6.8): where each is accepted and what it shows.

mod detail;
mod item;
mod order;
mod pay;
mod ship;

use std::collections::BTreeMap;
use std::sync::OnceLock;

pub(crate) use item::write_nested;

use super::content::Line;
use super::keys;
use super::view::{Val, View};

/// Which function accepts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// `orderList` and `orderInfo`.
    Both,
    Info,
    List,
}

/// The wrapper that it stands in, in `orderInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Order,
    Pay,
    Ship,
    Detail,
    Seller,
    Buyer,
}

/// Name, where, what.
pub(crate) type Row = (&'static str, At, fn(&View<'_>) -> Val);
/// Name, what. (`ItemOption` and `Inscription` are written by [`write_nested`].)
pub(crate) type ItemRow = (&'static str, fn(&View<'_>, &Line) -> Val);

/// An element of the order.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) class: Class,
    pub(crate) name: &'static str,
    pub(crate) show: fn(&View<'_>) -> Val,
}

impl Field {
    /// What it shows: what a call wrote, else what the plan says.
    pub(crate) fn value(&self, view: &View<'_>) -> Val {
        match view.written(self.name) {
            // The words of a cancel show while it is cancelled alone.
            Some(value) if self.name != "CancelReasonDetail" => keys::show(self.name, value),
            _ => (self.show)(view),
        }
    }
}

/// An element that `Field` named.
#[derive(Clone, Copy)]
pub(crate) enum Named {
    Of(Field),
    Item(&'static ItemRow),
}

struct Tables {
    list: BTreeMap<&'static str, Named>,
    info: BTreeMap<&'static str, Named>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut tables = Tables { list: BTreeMap::new(), info: BTreeMap::new() };
        let classes = [
            (Class::Order, order::ROWS),
            (Class::Pay, pay::ROWS),
            (Class::Ship, ship::ROWS),
            (Class::Detail, detail::ROWS),
            (Class::Seller, detail::SELLER),
            (Class::Buyer, detail::BUYER),
        ];
        for (class, rows) in classes {
            for &(name, at, show) in rows {
                let field = Named::Of(Field { class, name, show });
                if at != At::Info {
                    tables.list.insert(name, field);
                }
                if at != At::List {
                    tables.info.insert(name, field);
                }
            }
        }
        for row in item::ROWS {
            tables.info.insert(row.0, Named::Item(row));
            if item::LISTED.contains(&row.0) {
                tables.list.insert(row.0, Named::Item(row));
            }
        }
        tables
    })
}

/// The element of this name in `orderList`.
pub(crate) fn of_list(name: &str) -> Option<Named> {
    tables().list.get(name).copied()
}

/// The element of this name in `orderInfo`.
pub(crate) fn of_info(name: &str) -> Option<Named> {
    tables().info.get(name).copied()
}

/// An element of the order that a search condition of the same name compares with.
pub(crate) fn of_condition(name: &str) -> Option<Field> {
    let field = |named: Option<Named>| match named {
        Some(Named::Of(field)) => Some(field),
        _ => None,
    };
    field(of_list(name)).or_else(|| field(of_info(name)))
}

/// An element of a line.
pub(crate) fn of_item(name: &str) -> Option<fn(&View<'_>, &Line) -> Val> {
    item::ROWS.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// The names of a `Field` element, each resolved once; the first unknown one otherwise.
pub(crate) fn resolve(names: &str, known: fn(&str) -> Option<Named>) -> Result<Vec<Named>, &str> {
    names.split(',').map(|name| known(name).ok_or(name)).collect()
}

fn empty(_: &View<'_>) -> Val {
    Val::Empty
}

fn no(_: &View<'_>) -> Val {
    Val::Bool(false)
}

fn zero(_: &View<'_>) -> Val {
    Val::Num(0)
}
