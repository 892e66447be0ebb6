//! `mallsync run`: the daemon.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::context::{Context, note};
use super::failure::{Ended, Failure, Outcome};
use super::words;
use crate::clock::SystemClock;
use crate::config::{Environment, Language, LogFormat};
use crate::store::Access;
use crate::telemetry::{self, Format};

/// The command.
pub async fn run(context: &Context) -> Outcome {
    log(context, &context.config.log.filter)?;
    let app = context.app(Access::Daemon).await?;
    let stop = CancellationToken::new();
    let signals = tokio::spawn(stop_on_signal(stop.clone(), context.language));
    let ended = Box::pin(app.run(stop)).await;
    signals.abort();
    ended?;
    Ok(Ended::Well)
}

/// Starts the log as `[log]` says, with `filter`.
///
/// # Errors
/// When the filter is not understood.
pub fn log(context: &Context, filter: &str) -> Result<(), Failure> {
    let format = match context.config.log.format {
        LogFormat::Auto => Format::Auto,
        LogFormat::Json => Format::Json,
        LogFormat::Text => Format::Text,
        LogFormat::Journald => Format::Journald,
    };
    let clock = Arc::new(SystemClock::new(context.config.simulation));
    let environment = Environment::process();
    telemetry::init(format, filter, clock, environment.get("JOURNAL_STREAM"))
        .map_err(|error| Failure::Failed(error.to_string()))
}

/// Cancels `stop` at SIGTERM or Ctrl-C.
pub async fn stop_on_signal(stop: CancellationToken, language: Language) {
    until_signal().await;
    note(words::DRAINING.get(language));
    stop.cancel();
}

/// Ends at SIGTERM or Ctrl-C.
pub async fn until_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        note("error: signals cannot be received; end the process with SIGKILL, the next start recovers");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
