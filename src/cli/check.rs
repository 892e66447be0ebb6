//! `mallsync check`: everything that can be wrong, one row a finding, with what to do.

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::args::ReportArgs;
use super::context::{Context, formats, language_of_people, note, stdout, write_rows};
use super::failure::{Ended, Failure, Outcome};
use super::output::{Column, Format};
use super::table::Look;
use super::views::text;
use super::words;
use crate::app::{App, CheckRow};
use crate::clock::{Clock, SystemClock};
use crate::config::{Finding, Language};
use crate::domain::account::Level;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Call nobody: config, secrets, certificates, database and schedules alone
    #[arg(long)]
    offline: bool,
    /// Only what is wrong or may become so
    #[arg(long)]
    quiet: bool,
    /// Format.
    #[command(flatten)]
    report: ReportArgs,
}

/// A finding as it is written.
#[derive(Clone, Debug, Serialize)]
struct Row {
    level: Level,
    subject: String,
    code: String,
    message: String,
    action: Option<String>,
}

impl From<CheckRow> for Row {
    fn from(row: CheckRow) -> Self {
        let CheckRow { subject, level, code, message, action } = row;
        Self { level, subject, code, message, action }
    }
}

/// The command: 78 if the config is invalid, else 1 on any error.
pub async fn run(path: Option<&Path>, args: Args) -> Outcome {
    let context = match Context::load(path) {
        Ok(context) => context,
        Err(Failure::Config(findings)) => {
            let language = language_of_people();
            let rows: Vec<Row> = findings.iter().map(of_config).collect();
            let look = Look { language, now: SystemClock::default().now() };
            write(args.report, &rows, look)?;
            note(&words::CONFIG_INVALID.with(language, &[&findings.len()]));
            return Err(Failure::Invalid);
        }
        Err(other) => return Err(other),
    };
    let rows = Box::pin(App::check(&context.config, &context.ambient, !args.offline)).await;
    let rows: Vec<Row> = rows.into_iter().map(Row::from).collect();
    let ended = if args.quiet {
        let told: Vec<Row> = rows.iter().filter(|row| row.level != Level::Ok).cloned().collect();
        write(args.report, &told, context.look())?
    } else {
        write(args.report, &rows, context.look())?
    };
    let count = |level| rows.iter().filter(|row| row.level == level).count();
    let (ok, warnings, errors) = (count(Level::Ok), count(Level::Warning), count(Level::Error));
    note(&context.tell(words::CHECK_SUM, &[&ok, &warnings, &errors]));
    Ok(if errors > 0 { Ended::Badly } else { ended })
}

/// The check of one shop or settlement (`shops.NAME`) alone; nobody else is called.
pub async fn one(context: &Context, subject: &str, online: bool) -> Outcome {
    let mut config = context.config.clone();
    for shop in &mut config.shops {
        shop.enabled &= subject == format!("shops.{}", shop.name);
    }
    for settlement in &mut config.settlements {
        settlement.enabled &= subject == format!("settlements.{}", settlement.name);
    }
    let rows = Box::pin(App::check(&config, &context.ambient, online)).await;
    let concerns = |row: &CheckRow| row.subject == subject || row.level == Level::Error;
    let rows: Vec<Row> = rows.into_iter().filter(concerns).map(Row::from).collect();
    let ended = write(ReportArgs { format: None, encoding: None }, &rows, context.look())?;
    let failed = rows.iter().any(|row| row.level == Level::Error);
    Ok(if failed { Ended::Badly } else { ended })
}

/// For people a line a finding and, below it, what to do; else rows as in any list.
fn write(args: ReportArgs, rows: &[Row], look: Look) -> Outcome {
    if formats(args.into())?.0 != Format::Table {
        return write_rows(args.into(), COLUMNS, rows, look);
    }
    let mut out = stdout();
    let widest = rows.iter().map(|row| row.subject.width()).max().unwrap_or(0).min(40);
    for row in rows {
        let gap = " ".repeat(widest.saturating_sub(row.subject.width()));
        writeln!(out, "{} {}{gap}  {}", words::mark(row.level), row.subject, look.reason(&row.message))?;
        if let Some(action) = &row.action {
            writeln!(out, "    → {}", look.reason(action))?;
        }
    }
    out.flush()?;
    Ok(Ended::Well)
}

fn of_config(finding: &Finding) -> Row {
    Row {
        level: Level::Error,
        subject: place(finding),
        code: "config".to_owned(),
        message: finding.message.clone(),
        action: None,
    }
}

/// `config/mallsync.toml:12: shops.rakuten-main.license_key`.
fn place(finding: &Finding) -> String {
    let file = finding.file.as_ref().map(|file| file.display().to_string());
    let line = finding.line.map(|line| line.to_string());
    let key = (!finding.key.is_empty()).then(|| format!(" {}", finding.key));
    let parts = [file, line, key];
    parts.into_iter().flatten().collect::<Vec<_>>().join(":")
}

/// Says on stderr what is wrong with the config.
pub fn say_findings(findings: &[Finding], language: Language) {
    for finding in findings {
        note(&format!("error: {}: {}", place(finding).trim(), finding.message));
    }
    note(&words::CONFIG_INVALID.with(language, &[&findings.len()]));
}

const COLUMNS: &[Column<Row>] = &[
    Column::csv("level", |r| level(r).to_owned()),
    Column::csv("subject", |r| r.subject.clone()),
    Column::csv("code", |r| r.code.clone()),
    Column::csv("message", |r| r.message.clone()),
    Column::csv("action", |r| text(r.action.as_ref())),
];

const fn level(row: &Row) -> &'static str {
    match row.level {
        Level::Ok => "ok",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_file_line_and_key() {
        let mut finding = Finding {
            file: Some("config/mallsync.toml".into()),
            line: Some(12),
            key: "shops.a.mall".to_owned(),
            message: "unknown".to_owned(),
        };
        assert_eq!(place(&finding), "config/mallsync.toml:12: shops.a.mall");
        finding.line = None;
        assert_eq!(place(&finding), "config/mallsync.toml: shops.a.mall");
    }
}
