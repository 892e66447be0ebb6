//! `mallsync orders import`: a cart's order file, read by a person's command.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::args::ReportArgs;
use super::context::{Context, note};
use super::failure::{Ended, Failure, Outcome};
use super::output::Column;
use super::views::text;
use super::{orders, words};
use crate::app::App;
use crate::config;
use crate::malls::csv::{self, Explanation, Parsed, profiles};
use crate::secret::Personal;
use crate::store::orders::{NewSetAside, PageCommit, PageResult};
use crate::store::ready::Preparer;
use crate::store::streams::{ShopLease, StreamEnd};
use crate::tabular::Encoding;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The order file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The shop that the orders belong to (its name in the config, mall = "csv")
    #[arg(long, value_name = "NAME")]
    shop: String,
    /// Show how the file reads, column by column, and store nothing
    #[arg(long)]
    explain: bool,
    /// Format.
    #[command(flatten)]
    report: ReportArgs,
}

/// Orders stored in one transaction.
const PAGE: usize = 500;
/// The row that keeps imports apart from the shop's own streams.
const STREAM: &str = "import";
/// The shop is ours for so long at a time.
const LEASE: Duration = Duration::from_secs(60);

/// The command.
pub async fn run(context: &Context, args: Args) -> Outcome {
    orders::known_shop(context, &args.shop)?;
    let Some(shop) = context.config.shops.iter().find(|shop| shop.name == args.shop) else {
        return Err(Failure::Usage(args.shop));
    };
    if shop.mall != csv::MALL.name {
        return Err(Failure::Usage(context.tell(words::NOT_A_CSV_SHOP, &[&shop.name, &shop.mall])));
    }
    let key = |name: &str| shop.section.get(name).and_then(Value::as_str).unwrap_or_default();
    let profile = profiles::load(key("profile"))
        .map_err(|all| Failure::Failed(format!("shops.{}.profile: {}", shop.name, all.join("\n"))))?;
    let shown = args.file.display().to_string();
    let name = args.file.file_name().map_or_else(|| shown.clone(), |n| n.to_string_lossy().into_owned());
    let bytes = fs::read(&args.file)
        .map_err(|error| Failure::Failed(context.tell(words::CANNOT_READ, &[&shown, &error])))?;
    if args.explain {
        return explain(context, args.report, &csv::explain(&profile, &name, &bytes));
    }
    let parsed = csv::import(&profile, &name, &bytes, context.ambient.now());
    if let Some(refused) = parsed.refused {
        return Err(Failure::Failed(refused));
    }
    let app = context.writer().await?;
    let wall = context.ambient.wall();
    let owner = format!("import {}", context.ambient.id());
    // The shop's lease lies on its streams' rows: there must be one.
    app.store().ensure_streams(&shop.name, &[STREAM], context.ambient.now()).await?;
    let Some(lease) = app.store().claim_shop(&shop.name, &owner, wall, wall + LEASE).await? else {
        let target = hand_over(Path::new(key("directory")), &name, &bytes)
            .map_err(|error| Failure::Failed(format!("shops.{}.directory: {error}", shop.name)))?;
        note(&context.tell(words::HANDED_OVER, &[&shop.name, &target.display()]));
        return Ok(Ended::Well);
    };
    let bad: Vec<Bad> = parsed.bad.iter().map(Bad::from).collect();
    let stored = store(context, &app, shop, &lease, parsed).await;
    let released = app.store().release_shop(&lease).await;
    let result = stored?;
    released?;
    note(&context.tell(
        words::IMPORTED,
        &[&shown, &result.new, &result.changed, &result.unchanged, &result.set_aside],
    ));
    let ended = if bad.is_empty() { Ended::Well } else { context.rows(args.report.into(), BAD, &bad)? };
    Ok(if bad.is_empty() { ended } else { Ended::Badly })
}

/// Stores the file's orders page by page, each with the cursor that covers it.
async fn store(
    context: &Context,
    app: &App,
    shop: &config::Shop,
    lease: &ShopLease,
    parsed: Parsed,
) -> Result<PageResult, Failure> {
    let store = app.store();
    let started_at = context.ambient.now();
    let rows = store.streams(Some(&shop.name)).await?;
    let mut cursor = rows.into_iter().find(|row| row.stream == STREAM).and_then(|row| row.cursor);
    let run = context.ambient.id();
    let mut sum = PageResult::default();
    let mut preparer = Preparer::default();
    let mut orders = parsed.orders.into_iter().map(|read| preparer.order(read.order, read.raw, read.read_at));
    let mut bad: Vec<NewSetAside> = parsed
        .bad
        .into_iter()
        .map(|b| NewSetAside {
            mall_order_id: b.mall_order_id,
            raw: b.raw,
            reason: b.reason,
            read_at: b.read_at,
        })
        .collect();
    for page in 1_u64.. {
        let orders = orders.by_ref().take(PAGE).collect::<Result<Vec<_>, _>>()?;
        let last = orders.len() < PAGE;
        let after = Some(json!({ "run": run, "page": page }));
        let commit = PageCommit {
            mall: shop.mall.clone(),
            stream: STREAM.to_owned(),
            cursor_before: cursor,
            cursor_after: after.clone(),
            orders,
            bad: std::mem::take(&mut bad),
        };
        store.renew_shop(lease, context.ambient.wall() + LEASE).await?;
        let done = store.commit_page(lease, &commit, &app.planning()).await?;
        sum.new += done.new;
        sum.changed += done.changed;
        sum.unchanged += done.unchanged;
        sum.set_aside += done.set_aside;
        sum.planned += done.planned;
        cursor = after;
        if last {
            break;
        }
    }
    // Finished, so that no pass takes it for a stream of its own.
    let now = context.ambient.now();
    let end = StreamEnd {
        stream: STREAM.to_owned(),
        started_at,
        ended_at: now,
        due_at: now,
        error: None,
        skipped: 0,
        finished: true,
    };
    store.finish_stream(lease, &end).await?;
    Ok(sum)
}

/// Puts the file where the daemon looks, whole or not at all, and never over another one.
fn hand_over(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let unfinished = directory.join(format!(".{name}.tmp"));
    fs::write(&unfinished, bytes)?;
    let target = (0_u32..)
        .map(|n| directory.join(if n == 0 { name.to_owned() } else { format!("{n}-{name}") }))
        .find(|target| !target.exists())
        .ok_or_else(|| io::Error::other("no free name"))?;
    fs::rename(&unfinished, &target)?;
    Ok(target)
}

/// An order of the file that could not be read.
#[derive(Clone, Debug, Serialize)]
struct Bad {
    mall_order_id: String,
    reason: String,
}

impl From<&crate::malls::SetAside> for Bad {
    fn from(bad: &crate::malls::SetAside) -> Self {
        Self { mall_order_id: bad.mall_order_id.clone(), reason: bad.reason.clone() }
    }
}

const BAD: &[Column<Bad>] = &[
    Column::text(
        "mall_order_id",
        words::H_ORDER,
        32,
        |b, _| b.mall_order_id.clone(),
        |b| b.mall_order_id.clone(),
    ),
    Column::text("reason", words::H_REASON, 120, |b, _| b.reason.clone(), |b| b.reason.clone()),
];

/// One column of the file.
#[derive(Clone, Debug, Serialize)]
pub struct Reading {
    pub number: usize,
    pub name: Option<String>,
    pub fields: Vec<String>,
    pub example: Option<Personal>,
}

pub const READINGS: &[Column<Reading>] = &[
    Column::number("number", words::H_COLUMN, |r, _| r.number.to_string(), |r| r.number.to_string()),
    Column::text("name", words::H_NAME, 32, |r, _| text(r.name.as_ref()), |r| text(r.name.as_ref())),
    Column::text("fields", words::H_READ_AS, 40, |r, _| r.fields.join(" "), |r| r.fields.join(" ")),
    Column::text("example", words::H_EXAMPLE, 32, |r, _| example(r), example),
];

fn example(reading: &Reading) -> String {
    reading.example.as_ref().map(|value| value.expose().to_owned()).unwrap_or_default()
}

fn explain(context: &Context, args: ReportArgs, explanation: &Explanation) -> Outcome {
    let columns = explanation.columns.iter().map(|column| Reading {
        number: column.number,
        name: column.name.clone(),
        fields: column.fields.clone(),
        example: column.example.clone(),
    });
    let ended = context.rows(args.into(), READINGS, &columns.collect::<Vec<_>>())?;
    let encoding = explanation.encoding.map(Encoding::as_str).unwrap_or_default();
    let delimiter = match explanation.delimiter {
        Some('\t') => "TAB".to_owned(),
        other => text(other.as_ref()),
    };
    note(&context.tell(
        words::EXPLAINED,
        &[&explanation.profile, &encoding, &delimiter, &explanation.rows, &explanation.orders],
    ));
    if !explanation.absent.is_empty() {
        note(&context.tell(words::EXPLAINED_ABSENT, &[&explanation.absent.join(", ")]));
    }
    for problem in &explanation.problems {
        note(&format!("! {problem}"));
    }
    match &explanation.refused {
        Some(refused) => Err(Failure::Failed(refused.clone())),
        None => Ok(ended),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_handed_over_whole_and_never_over_another() {
        let dir = tempfile::tempdir().unwrap();
        let first = hand_over(dir.path(), "orders.csv", b"one").unwrap();
        let second = hand_over(dir.path(), "orders.csv", b"two").unwrap();
        assert_ne!(first, second);
        assert_eq!(fs::read(&first).unwrap(), b"one");
        assert_eq!(fs::read(&second).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        assert!(second.extension().is_some_and(|e| e == "csv"));
    }
}
