//! `mallsync status`: the health of everything, and what needs a person.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::args::ShowArgs;
use super::context::{Context, language_of_people, note, write_one};
use super::failure::{Ended, Failure, Outcome};
use super::table::{Look, Table, cut, wrap};
use super::{reasons, words};
use crate::app;
use crate::clock::{Ambient, SystemClock, Timestamp};
use crate::config::{self, Finding, Glimpse};
use crate::secret::SecretRef;
use crate::status::{self, Attention, Awaiting, Report, SettlementHealth, ShopHealth, Topic};
use crate::store::{Access, Store, StoreError};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Exit with 1 when something fails or needs a person
    #[arg(long)]
    exit_code: bool,
    /// Format.
    #[command(flatten)]
    show: ShowArgs,
}

/// The command.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let store = context.reader().await?;
    let now = context.ambient.now();
    let facts = app::facts(&context.config, now);
    let report = status::report(&store, &facts, now, context.ambient.wall()).await?;
    context.show(args.show, &report, |out, look| write(out, &report, look))?;
    Ok(if args.exit_code && !report.well { Ended::Badly } else { Ended::Well })
}

/// The command where the config cannot be used: 78, and beside the findings the health of the daemon that goes on by the
/// config before it, as far as the file still tells where to look.
pub async fn beside(path: Option<&Path>, findings: &[Finding], args: Args) -> Outcome {
    let glimpse = config::glimpse(path);
    let language = glimpse.as_ref().and_then(|seen| seen.language).unwrap_or_else(language_of_people);
    for finding in findings {
        note(&format!("error: {finding}"));
    }
    let looked = match glimpse {
        Some(seen) => look(&seen, findings).await,
        None => Err(words::DATABASE_NOT_SEEN.get(language).to_owned()),
    };
    match looked {
        Ok((report, now)) => {
            note(words::HEALTH_BESIDE.get(language));
            let look = Look { language, now };
            write_one(args.show, &report, look, |out, look| write(out, &report, look))?;
        }
        Err(why) => {
            let why = reasons::people(&why, language);
            note(&words::HEALTH_UNKNOWN.with(language, &[&why]));
        }
    }
    Err(Failure::Invalid)
}

async fn look(seen: &Glimpse, findings: &[Finding]) -> Result<(Report, Timestamp), String> {
    let ambient = Ambient::new(Arc::new(SystemClock::new(seen.simulation)));
    let database = &seen.database;
    let password = database.password.as_ref().map(SecretRef::resolve).transpose()?;
    let told = |error: StoreError| error.to_string();
    let store = Store::open(&database.url, password.as_ref(), Access::Read, &ambient).await.map_err(told)?;
    let now = ambient.now();
    let facts = app::seen_facts(seen, now);
    let mut report = status::report(&store, &facts, now, ambient.wall()).await.map_err(told)?;
    report.refuse_config(&findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    Ok((report, now))
}

/// No line is wider than this, whatever the names and the language.
const WIDE: usize = 100;

fn write(out: &mut dyn Write, report: &Report, look: Look) -> Result<(), Failure> {
    let language = look.language;
    if report.well {
        writeln!(out, "✓ {}", words::ALL_WELL.get(language))?;
    } else {
        let grave = report.attention.iter().filter(|attention| !attention.advisory).count();
        writeln!(out, "✗ {}", words::NOT_WELL.with(language, &[&grave]))?;
    }
    match report.last_activity_at {
        _ if report.daemon => writeln!(out, "{}", words::DAEMON_RUNS.get(language))?,
        Some(at) => writeln!(out, "{}", words::LAST_ACTIVITY.with(language, &[&look.time(at)]))?,
        None => writeln!(out, "{}", words::DAEMON_RUNS_NOT.get(language))?,
    }
    for reload in report.reloads.iter().filter(|reload| reload.applied) {
        for line in wrap(&format!("{} {}", look.time(reload.at), look.reason(&reload.outcome)), WIDE) {
            writeln!(out, "{line}")?;
        }
    }
    for item in &report.attention {
        writeln!(out)?;
        write_attention(out, item, look)?;
    }
    write_shops(out, report, look)?;
    write_settlements(out, report, look)?;
    write_waiting(out, report, look)?;
    write_set_aside(out, report, look)?;
    write_expiries(out, report, look)
}

/// What it is, the facts, and the command to type.
fn write_attention(out: &mut dyn Write, item: &Attention, look: Look) -> Result<(), Failure> {
    let mark = if item.advisory { "!" } else { "✗" };
    let mut line = format!("{mark} {}: {}", item.subject, words::topic(item.topic).get(look.language));
    if item.count > 1 {
        line.push_str(&format!(" × {}", item.count));
    }
    if let Some(at) = item.since {
        let when = if item.topic == Topic::Ends { words::ENDS_AT } else { words::SINCE };
        line.push_str(&format!(" · {}", when.with(look.language, &[&look.time(at)])));
    }
    writeln!(out, "{}", cut(&line, WIDE))?;
    for line in wrap(&look.reason(&item.detail), WIDE - 4) {
        writeln!(out, "    {line}")?;
    }
    // To be copied: never cut, never broken.
    writeln!(out, "    → {}", item.command)?;
    Ok(())
}

fn write_shops(out: &mut dyn Write, report: &Report, look: Look) -> Result<(), Failure> {
    let mut shops = table(
        look,
        &[
            (words::H_SHOP, false),
            (words::H_MALL, false),
            (words::H_ORDERS, true),
            (words::H_AWAITS_CONFIRMATION, true),
            (words::H_AWAITS_SHIPMENT, true),
            (words::H_LAST_SUCCESS, false),
            (words::H_LAG, true),
            (words::H_NEXT_RUN, false),
        ],
    );
    for shop in &report.shops {
        let orders: u64 = report.orders.iter().filter(|c| c.shop == shop.name).map(|c| c.orders).sum();
        let cells = [
            (shop.name.clone(), 18),
            (shop.mall.clone(), 7),
            (orders.to_string(), 9),
            (awaiting(shop.awaiting_confirmation, report.at), 12),
            (awaiting(shop.awaiting_shipment, report.at), 12),
            (look.maybe_time(shop.last_success_at), 12),
            (shop.lag_seconds.map(span).unwrap_or_default(), 5),
            (next_run(shop, look), 11),
        ];
        shops.row(cells.into_iter());
    }
    section(out, shops, !report.shops.is_empty())
}

/// When the shop is polled next, that it is being polled, or that it never is.
fn next_run(shop: &ShopHealth, look: Look) -> String {
    if !shop.enabled {
        words::DISABLED.get(look.language).to_owned()
    } else if shop.polling {
        words::POLLING.get(look.language).to_owned()
    } else {
        look.maybe_time(shop.next_run_at)
    }
}

/// How many, and how old the oldest is.
fn awaiting(awaiting: Awaiting, now: Timestamp) -> String {
    match awaiting.oldest_at {
        Some(at) => format!("{} ({})", awaiting.orders, span(now.since(at).as_secs())),
        None => awaiting.orders.to_string(),
    }
}

fn write_settlements(out: &mut dyn Write, report: &Report, look: Look) -> Result<(), Failure> {
    let mut settlements = table(
        look,
        &[
            (words::H_SETTLEMENT, false),
            (words::H_MODE, false),
            (words::H_REGISTERED, true),
            (words::H_WAITING, true),
            (words::H_OPERATIONS, false),
            (words::H_NEXT_LAPSE, false),
        ],
    );
    for settlement in &report.settlements {
        let mode = match settlement.mode {
            "live" => words::LIVE,
            "dry-run" => words::DRY_RUN,
            _ => words::DISABLED,
        };
        let open: Vec<String> = settlement
            .operations
            .iter()
            .map(|(state, count)| format!("{} {count}", words::operation_word(state, look.language)))
            .collect();
        let cells = [
            (settlement.name.clone(), 20),
            (mode.get(look.language).to_owned(), 10),
            (settlement.yen_captured.to_string(), 14),
            (settlement.yen_waiting.to_string(), 14),
            (open.join(" · "), 15),
            (next_lapse(settlement), 17),
        ];
        settlements.row(cells.into_iter());
    }
    section(out, settlements, !report.settlements.is_empty())
}

/// The day on which the first authorisation ends, and how far off it is.
fn next_lapse(settlement: &SettlementHealth) -> String {
    match settlement.next_lapse_on.zip(settlement.next_lapse_days) {
        Some((day, days)) => format!("{day} ({days}d)"),
        None => String::new(),
    }
}

/// What shops and settlements wait for, beside the next run of a schedule.
fn write_waiting(out: &mut dyn Write, report: &Report, look: Look) -> Result<(), Failure> {
    let mut waiting =
        table(look, &[(words::H_SUBJECT, false), (words::H_WAITS_FOR, false), (words::H_UNTIL, false)]);
    let shops = report.shops.iter().map(|shop| ("shops", &shop.name, &shop.waiting));
    let settlements = report.settlements.iter().map(|s| ("settlements", &s.name, &s.waiting));
    let mut any = false;
    for (table, name, all) in shops.chain(settlements) {
        for one in all {
            any = true;
            let cells = [
                (format!("{table}.{name}"), 40),
                (words::pause(one.what).get(look.language).to_owned(), 44),
                (look.maybe_time(one.until), 11),
            ];
            waiting.row(cells.into_iter());
        }
    }
    section(out, waiting, any)
}

fn write_set_aside(out: &mut dyn Write, report: &Report, look: Look) -> Result<(), Failure> {
    let mut set_aside =
        table(look, &[(words::H_SHOP, false), (words::H_SET_ASIDE, false), (words::H_REASON, false)]);
    for row in report.set_aside.iter().take(20) {
        let cells = [(row.shop.clone(), 20), (row.mall_order_id.clone(), 28), (look.reason(&row.reason), 48)];
        set_aside.row(cells.into_iter());
    }
    section(out, set_aside, !report.set_aside.is_empty())
}

fn write_expiries(out: &mut dyn Write, report: &Report, look: Look) -> Result<(), Failure> {
    let mut ends = table(
        look,
        &[(words::H_SUBJECT, false), (words::H_KEY, false), (words::H_ENDS_ON, false), (words::H_DAYS, true)],
    );
    for end in &report.expiries {
        let day = end.at.jst_date().to_string();
        let cells = [(end.subject.clone(), 40), (end.what.clone(), 30), (day, 10), (end.days.to_string(), 9)];
        ends.row(cells.into_iter());
    }
    section(out, ends, !report.expiries.is_empty())
}

/// A table below an empty line, if there is anything in it.
fn section(out: &mut dyn Write, mut table: Table, any: bool) -> Result<(), Failure> {
    if any {
        writeln!(out)?;
        table.write(&mut { out })?;
    }
    Ok(())
}

fn table(look: Look, headings: &[(words::Text, bool)]) -> Table {
    Table::new(headings.iter().map(|(text, number)| (text.get(look.language), *number)).collect())
}

/// `45s`, `12m`, `3h`, `5d`.
fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_reads_at_a_glance() {
        let spans: Vec<String> = [0, 119, 120, 7_199, 7_200, 172_800].into_iter().map(span).collect();
        assert_eq!(spans, ["0s", "119s", "2m", "119m", "2h", "2d"]);
    }
}
