//! The log subscriber and the names of log fields (interface.md, "Logs"; `docs/logs.md` lists the events). Lines go to
//! stderr or to systemd's journal: data alone goes to stdout.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use tracing::{Level, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::{Layer, Registry};

use crate::clock::Clock;

mod filter;
mod journal;
mod lines;
/// What is counted.
pub mod metrics;
mod panics;
mod vitals;

pub use filter::{FilterError, set_filter};
use journal::JournalLayer;
use lines::{JapanTime, JsonLine};
pub use panics::tell_panics;
pub use vitals::{Reload, Vitals};

/// Names of fields, for those who read logs; `tracing`'s macros need them as literals.
pub mod fields {
    /// Name of the shop.
    pub const SHOP: &str = "shop";
    /// `rakuten`, `csv`, …
    pub const MALL: &str = "mall";
    /// The mall's number of an order.
    pub const MALL_ORDER_ID: &str = "mall_order_id";
    /// Name of the settlement contract.
    pub const SETTLEMENT: &str = "settlement";
    /// Id of an operation.
    pub const OPERATION: &str = "operation";
    /// Number of the attempt at it.
    pub const ATTEMPT: &str = "attempt";
    /// Whole milliseconds.
    pub const ELAPSED_MS: &str = "elapsed_ms";
    /// A stable word.
    pub const ERROR_CODE: &str = "error.code";
    /// A sentence without secrets and personal data.
    pub const ERROR_MESSAGE: &str = "error.message";
    /// RFC 3339.
    pub const NEXT_ATTEMPT_AT: &str = "next_attempt_at";

    /// All of them.
    pub const ALL: [&str; 10] = [
        SHOP,
        MALL,
        MALL_ORDER_ID,
        SETTLEMENT,
        OPERATION,
        ATTEMPT,
        ELAPSED_MS,
        ERROR_CODE,
        ERROR_MESSAGE,
        NEXT_ATTEMPT_AT,
    ];
}

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The journal where stderr leads there, text on a terminal, else JSON.
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
    /// Entries of systemd's journal, facts in fields of their own.
    Journald,
}

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is no `EnvFilter` syntax.
    #[error("log.filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// A subscriber is in place already.
    #[error("logging has been started before: {0}")]
    Started(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// Where systemd's journal is, and whether stderr leads there.
#[derive(Clone, Copy, Debug)]
pub struct Journal<'a> {
    /// Where it listens.
    pub socket: &'a Path,
    /// `$JOURNAL_STREAM`: the device and inode that systemd connected to it (systemd.exec(5)).
    pub stream: Option<&'a str>,
}

/// Starts logging for the whole process. Times come from `clock`, so that simulated time shows.
///
/// # Errors
/// When `filter` is not understood, or logging was started before.
pub fn init(
    format: Format,
    filter: &str,
    clock: Arc<dyn Clock>,
    journal: Journal<'_>,
) -> Result<(), TelemetryError> {
    let terminal = std::io::stderr().is_terminal();
    let to_journal = match format {
        Format::Journald => true,
        Format::Auto => journal.stream.is_some_and(leads_to_stderr),
        Format::Json | Format::Text => false,
    };
    let away = match to_journal.then(|| JournalLayer::open(journal.socket, Arc::clone(&clock))) {
        Some(Ok(journal)) => {
            tracing::subscriber::set_global_default(to(journal, filter)?)?;
            return Ok(());
        }
        Some(Err(away)) => Some(away),
        None => None,
    };
    let format = if away.is_some() { Format::Text } else { format };
    let subscriber = subscriber(format, filter, clock, terminal, std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber)?;
    if let Some(away) = away {
        tracing::warn!(error.message = %away, "Journal was not reached; the log goes to stderr as text.");
    }
    Ok(())
}

/// Whether stderr is the stream that systemd named: a command run by hand inherits the variable, not the stream.
fn leads_to_stderr(stream: &str) -> bool {
    let Ok(stderr) = std::io::stderr().as_fd().try_clone_to_owned() else { return false };
    let Ok(meta) = std::fs::File::from(stderr).metadata() else { return false };
    stream == format!("{}:{}", meta.dev(), meta.ino())
}

/// What [`init`] starts beside the journal, writing to `writer`; `terminal` says whether people read it there.
///
/// # Errors
/// When `filter` is not understood.
fn subscriber<W>(
    format: Format,
    filter: &str,
    clock: Arc<dyn Clock>,
    terminal: bool,
    writer: W,
) -> Result<impl Subscriber + Send + Sync + use<W>, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = ours(filter)?;
    let clock = JapanTime(clock);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let json = match format {
        Format::Json => true,
        Format::Text | Format::Journald => false,
        Format::Auto => !terminal,
    };
    let layer = if json {
        lines.fmt_fields(JsonFields::new()).event_format(JsonLine(clock)).with_filter(filter).boxed()
    } else {
        lines.with_timer(clock).with_ansi(terminal).with_filter(filter).boxed()
    };
    Ok(tracing_subscriber::registry().with(layer))
}

/// The journal alone.
fn to(journal: JournalLayer, filter: &str) -> Result<impl Subscriber + Send + Sync + use<>, TelemetryError> {
    Ok(tracing_subscriber::registry().with(journal.with_filter(ours(filter)?)))
}

/// Other crates know nothing of secrets and personal data: whatever the filter says, they get no further than `warn`
/// (decisions.md 37).
fn ours(filter: &str) -> Result<impl Filter<Registry> + Send + Sync + use<>, TelemetryError> {
    let ours = filter_fn(|meta| is_ours(meta.target()) || *meta.level() <= Level::WARN);
    Ok(filter::live(filter)?.and(ours))
}

fn is_ours(target: &str) -> bool {
    target.strip_prefix("mallsync").is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests;
