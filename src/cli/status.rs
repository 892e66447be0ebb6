//! `mallsync status`: the health of everything, and what needs a person.

use std::io::Write;

use super::args::ShowArgs;
use super::context::Context;
use super::failure::{Ended, Failure, Outcome};
use super::table::{Look, Table};
use super::words;
use crate::status::{self, Facts, Report, SettlementFacts, ShopFacts, ShopHealth};

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
    let facts = facts(context);
    let report = status::report(&store, &facts, context.ambient.now(), context.ambient.wall()).await?;
    context.show(args.show, &report, |out, look| write(out, &report, look))?;
    Ok(if args.exit_code && !report.well { Ended::Badly } else { Ended::Well })
}

fn facts(context: &Context) -> Facts {
    let shops = context.config.shops.iter();
    let settlements = context.config.settlements.iter();
    Facts {
        shops: shops
            .map(|s| ShopFacts { name: s.name.clone(), mall: s.mall.clone(), enabled: s.enabled })
            .collect(),
        settlements: settlements
            .map(|s| SettlementFacts { name: s.name.clone(), enabled: s.enabled, live: s.live })
            .collect(),
    }
}

fn write(out: &mut dyn Write, report: &Report, look: Look) -> Result<(), Failure> {
    let language = look.language;
    let say = |text: words::Text| text.get(language);
    if report.well {
        writeln!(out, "✓ {}", say(words::ALL_WELL))?;
    } else {
        writeln!(out, "✗ {}", words::NOT_WELL.with(language, &[&report.attention.len()]))?;
    }
    writeln!(out, "{}", say(if report.daemon { words::DAEMON_RUNS } else { words::DAEMON_RUNS_NOT }))?;
    for reload in report.reloads.iter().filter(|reload| reload.applied) {
        let (at, outcome) = (look.maybe_time(Some(reload.at)), look.reason(&reload.outcome));
        writeln!(out, "{at} {outcome}")?;
    }
    if !report.attention.is_empty() {
        writeln!(out)?;
        let mut table = table(
            look,
            &[
                (words::H_SUBJECT, false),
                (words::H_FINDING, false),
                (words::H_COUNT, true),
                (words::H_NOTE, false),
                (words::H_ACTION, false),
            ],
        );
        for item in &report.attention {
            let cells = [
                (item.subject.clone(), 30),
                (words::topic(item.topic).get(language).to_owned(), 30),
                (item.count.to_string(), 8),
                (look.reason(&item.detail), 60),
                (item.command.clone(), 90),
            ];
            table.row(cells.into_iter());
        }
        table.write(&mut { &mut *out })?;
    }
    write_shops(out, report, look)?;
    write_settlements(out, report, look)?;
    if !report.set_aside.is_empty() {
        writeln!(out)?;
        let mut table =
            table(look, &[(words::H_SHOP, false), (words::H_SET_ASIDE, false), (words::H_REASON, false)]);
        for row in report.set_aside.iter().take(20) {
            let cells =
                [(row.shop.clone(), 20), (row.mall_order_id.clone(), 32), (look.reason(&row.reason), 90)];
            table.row(cells.into_iter());
        }
        table.write(&mut { &mut *out })?;
    }
    if !report.expiries.is_empty() {
        writeln!(out)?;
        for end in &report.expiries {
            let day = end.at.jst_date();
            writeln!(
                out,
                "{}",
                words::EXPIRES_IN.with(language, &[&end.subject, &end.what, &end.days, &day])
            )?;
        }
    }
    Ok(())
}

/// When the shop is polled next, or that it is being polled.
fn next_run(shop: &ShopHealth, look: Look) -> String {
    if shop.polling {
        words::POLLING.get(look.language).to_owned()
    } else {
        look.maybe_time(shop.next_run_at)
    }
}

fn write_shops(out: &mut dyn Write, report: &Report, look: Look) -> Result<(), Failure> {
    if report.shops.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut shops = table(
        look,
        &[
            (words::H_SHOP, false),
            (words::H_MALL, false),
            (words::H_ORDERS, true),
            (words::H_LAST_SUCCESS, false),
            (words::H_LAG, true),
            (words::H_NEXT_RUN, false),
            (words::H_ERROR, false),
        ],
    );
    for shop in &report.shops {
        let orders: u64 = report.orders.iter().filter(|c| c.shop == shop.name).map(|c| c.orders).sum();
        let trouble = if shop.enabled {
            shop.stopped.clone().or_else(|| shop.error.clone()).unwrap_or_default()
        } else {
            words::DISABLED.get(look.language).to_owned()
        };
        let cells = [
            (shop.name.clone(), 24),
            (shop.mall.clone(), 10),
            (orders.to_string(), 10),
            (look.maybe_time(shop.last_success_at), 11),
            (shop.lag_seconds.map(span).unwrap_or_default(), 8),
            (next_run(shop, look), 11),
            (trouble, 70),
        ];
        shops.row(cells.into_iter());
    }
    shops.write(&mut { out })?;
    Ok(())
}

fn write_settlements(out: &mut dyn Write, report: &Report, look: Look) -> Result<(), Failure> {
    if report.settlements.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = table(
        look,
        &[
            (words::H_SETTLEMENT, false),
            (words::H_MODE, false),
            (words::H_REGISTERED, true),
            (words::H_WAITING, true),
            (words::H_OPERATIONS, false),
            (words::H_NOTE, false),
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
        let note = [&settlement.stopped, &settlement.held]
            .into_iter()
            .flatten()
            .map(|why| look.reason(why))
            .collect::<Vec<_>>();
        let cells = [
            (settlement.name.clone(), 24),
            (mode.get(look.language).to_owned(), 12),
            (settlement.yen_captured.to_string(), 16),
            (settlement.yen_waiting.to_string(), 16),
            (open.join(" · "), 48),
            (note.join(" · "), 70),
        ];
        table.row(cells.into_iter());
    }
    table.write(&mut { out })?;
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
