//! `mallsync orders history`: every version of an order and what changed.

use std::io::Write;

use serde_json::Value;

use super::args::ListArgs;
use super::context::{Context, formats, stdout};
use super::failure::{Ended, Outcome};
use super::output::{Column, Format};
use super::table::Table;
use super::words;
use crate::store::orders::Version;

const HISTORY: &[Column<Version>] = &[
    Column::csv_number("number", |v| v.number.to_string()),
    Column::csv("read_at", |v| v.read_at.to_string()),
    Column::csv("changes", changes),
];

/// For people a line a change; else a row a version.
pub fn write(context: &Context, args: ListArgs, versions: &[Version]) -> Outcome {
    if formats(args)?.0 != Format::Table {
        return context.rows(args, HISTORY, versions);
    }
    let look = context.look();
    let headings = [
        (words::H_VERSION, true),
        (words::H_READ, false),
        (words::H_FIELD, false),
        (words::H_BEFORE, false),
        (words::H_AFTER, false),
    ];
    let mut table =
        Table::new(headings.iter().map(|(text, number)| (text.get(look.language), *number)).collect());
    for version in versions {
        let head = || [(version.number.to_string(), 6), (look.time(version.read_at), 11)];
        if version.changes.is_empty() {
            let first = words::FIRST_READ.get(look.language).to_owned();
            table.row(head().into_iter().chain([(first, 40), (String::new(), 1), (String::new(), 1)]));
        }
        for change in &version.changes {
            let cells = [(change.path.clone(), 40), (plain(&change.from), 48), (plain(&change.to), 48)];
            table.row(head().into_iter().chain(cells));
        }
    }
    let mut out = stdout();
    table.write(&mut out)?;
    out.flush()?;
    Ok(Ended::Well)
}

/// A value of an order as people read it.
fn plain(value: &Value) -> String {
    let join = |values: Vec<String>| {
        values.into_iter().filter(|value| !value.is_empty()).collect::<Vec<_>>().join(" ")
    };
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => join(values.iter().map(plain).collect()),
        Value::Object(members) => join(members.values().map(plain).collect()),
        other => other.to_string(),
    }
}

fn changes(version: &Version) -> String {
    let each = version.changes.iter().map(|c| format!("{}: {} → {}", c.path, c.from, c.to));
    each.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_reads_without_json() {
        assert_eq!(plain(&json!(null)), "");
        assert_eq!(plain(&json!("発送待ち")), "発送待ち");
        assert_eq!(plain(&json!({"carrier": "yamato", "at": null, "n": [1, 2]})), "yamato 1 2");
    }
}
