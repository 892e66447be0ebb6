//! `mallsync run`: the daemon.

use std::path::Path;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::context::{Context, note};
use super::failure::{Ended, Failure, Outcome};
use super::{reasons, words};
use crate::app::{App, Reloads, Say};
use crate::clock::SystemClock;
use crate::config::{self, Environment, Language, LogFormat};
use crate::store::Access;
use crate::telemetry::{self, Format, Journal};

/// The command. `path` is where the config was looked for, and is looked for again at each SIGHUP.
pub async fn run(context: &Context, path: Option<&Path>) -> Outcome {
    // Before anything else: a hang-up during a long migration must not end the process.
    let requests = hang_ups()?;
    log(context, &context.config.log.filter)?;
    let app = context.app(Access::Daemon).await?;
    let stop = CancellationToken::new();
    let signals = tokio::spawn(stop_on_signal(stop.clone(), context.language));
    let path = path.map(Path::to_owned);
    let load = Arc::new(move || config::load(path.as_deref(), App::kinds()));
    let language = context.language;
    let say = Say(Arc::new(move |text| reasons::people(text, language).into_owned()));
    let ended = Box::pin(app.serve(stop, Some(Reloads { requests, load, say }))).await;
    signals.abort();
    ended?;
    Ok(Ended::Well)
}

/// One message for each SIGHUP; while one waits, further ones add nothing.
fn hang_ups() -> Result<mpsc::Receiver<()>, Failure> {
    let mut hang_ups = signal(SignalKind::hangup())?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        while hang_ups.recv().await.is_some() {
            // Full: the reload that waits reads the file after this signal, too.
            if let Err(mpsc::error::TrySendError::Closed(())) = sender.try_send(()) {
                return;
            }
        }
    });
    Ok(receiver)
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
    let journal = Journal { socket: &context.config.log.journal, stream: environment.get("JOURNAL_STREAM") };
    telemetry::init(format, filter, clock, journal).map_err(|error| Failure::Failed(error.to_string()))
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
