//! `mallsync run`: the daemon.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::context::{Context, note};
use super::failure::{Ended, Outcome};
use super::words;
use crate::config::Language;
use crate::store::Access;

/// The command.
pub async fn run(context: &Context) -> Outcome {
    let app = context.app(Access::Daemon).await?;
    let stop = CancellationToken::new();
    let signals = tokio::spawn(stop_on_signal(stop.clone(), context.language));
    let ended = Box::pin(app.run(stop)).await;
    signals.abort();
    ended?;
    Ok(Ended::Well)
}

/// Cancels `stop` at SIGTERM or Ctrl-C.
pub async fn stop_on_signal(stop: CancellationToken, language: Language) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        note("error: signals cannot be received; end the process with SIGKILL, the next start recovers");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    note(words::DRAINING.get(language));
    stop.cancel();
}
