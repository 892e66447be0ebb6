//! A cart's file, read as a stream: the orders of one slice in full, of the others only their numbers, so that memory is
//! bounded whatever the file's size and in whatever order its rows stand.

use std::collections::HashMap;
use std::io::Read;

use crate::clock::Timestamp;
use crate::malls::{Fetched, SetAside};
use crate::tabular::{self, Profile, ReadError, Refusal, Row, Sheet, Survey, values};

use super::map::{Layout, Trouble};

/// A part of a file's orders, in the order of their first rows.
pub(super) struct Slice {
    pub(super) survey: Survey,
    pub(super) orders: Vec<Fetched>,
    pub(super) bad: Vec<SetAside>,
    /// Orders in the whole file, the unreadable ones among them.
    pub(super) total: u64,
}

/// Which orders of a file are wanted.
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// How many to skip.
    pub(super) from: u64,
    /// How many to read.
    pub(super) limit: u64,
}

impl Window {
    pub(super) const ALL: Self = Self { from: 0, limit: u64::MAX };

    const fn holds(self, n: u64) -> bool {
        n >= self.from && n - self.from < self.limit
    }
}

/// Opens a file and binds the profile to its columns.
pub(super) fn open<'a, R: Read>(
    profile: &'a Profile,
    open: impl FnMut() -> std::io::Result<R>,
) -> Result<(Survey, Sheet<R>, Layout<'a>), ReadError> {
    let (survey, records) = tabular::open(open, profile.encoding, profile.delimiter, profile.quote)?;
    let sheet = Sheet::open(records, profile.skip_lines, |_| profile.header)?;
    let binding = profile.bind(sheet.header.as_deref(), sheet.width(), sheet.first_line)?;
    let layout = Layout { profile, binding, header: sheet.header.clone() };
    Ok((survey, sheet, layout))
}

/// Reads the orders in `window`; the whole file is checked each time. `name` is the file's name, without folders.
pub(super) fn slice<R: Read>(
    profile: &Profile,
    name: &str,
    reader: impl FnMut() -> std::io::Result<R>,
    window: Window,
    read_at: Timestamp,
) -> Result<Slice, ReadError> {
    let (survey, mut sheet, layout) = open(profile, reader)?;
    let mut index: HashMap<String, u64> = HashMap::new();
    let mut wanted: Vec<(u64, Vec<Row>)> = Vec::new();
    let mut total = 0;
    while let Some(row) = sheet.next_row()? {
        // A row without a number is an order of its own: one nobody can name.
        let place = match layout.order_number(&row) {
            Some(number) => *index.entry(values::order_key(&number)).or_insert(total),
            None => total,
        };
        if place == total {
            total += 1;
        }
        if !window.holds(place) {
            continue;
        }
        match wanted.binary_search_by_key(&place, |(n, _)| *n) {
            Ok(found) => wanted[found].1.push(row),
            Err(at) => wanted.insert(at, (place, vec![row])),
        }
    }
    let (mut orders, mut bad) = (Vec::new(), Vec::new());
    for (_, rows) in wanted {
        match layout.order(&rows) {
            Ok(order) => orders.push(Fetched { order, raw: layout.raw(&rows), read_at }),
            Err(troubles) => bad.push(set_aside(&layout, name, &rows, &troubles, read_at)),
        }
    }
    Ok(Slice { survey, orders, bad, total })
}

/// The order that could not be read: under its number, or under the place it stands in.
fn set_aside(
    layout: &Layout<'_>,
    name: &str,
    rows: &[Row],
    troubles: &[Trouble],
    read_at: Timestamp,
) -> SetAside {
    let number = rows.first().and_then(|row| layout.order_number(row));
    let usable = |n: &String| !values::is_exponent(n) && !n.contains(values::DAMAGED);
    let line = rows.first().map_or(0, |row| row.line);
    let reasons: Vec<String> = troubles.iter().map(|t| format!("{name}:{}: {}", t.line, t.reason)).collect();
    SetAside {
        mall_order_id: number.filter(usable).unwrap_or_else(|| format!("{name}:{line}")),
        raw: layout.raw(rows),
        reason: reasons.join("; "),
        read_at,
    }
}

/// What is set aside of a file that is refused as a whole. The file itself stays where it is moved to.
pub(super) fn refused(name: &str, refusal: &Refusal, read_at: Timestamp) -> SetAside {
    SetAside {
        mall_order_id: format!("{name}:{}", refusal.line.unwrap_or(1)),
        raw: serde_json::json!({ "file": name }).to_string().into_bytes(),
        reason: format!("{name}: the file is refused: {refusal}"),
        read_at,
    }
}
