//! What systemd is told (`sd_notify(3)`): nothing where it has handed over no socket.

use std::time::Duration;

use sd_notify::NotifyState;

/// The start is over, or a reload is.
pub(super) fn ready(status: &str) {
    send(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
}

/// The config is being read again. The time lets systemd tell this reload from the one before.
pub(super) fn reloading() {
    let mut states = vec![NotifyState::Reloading];
    match NotifyState::monotonic_usec_now() {
        Ok(now) => states.push(now),
        Err(e) => tracing::warn!(error.message = %e, "The monotonic clock could not be read."),
    }
    states.push(NotifyState::Status("Reading the config again."));
    send(&states);
}

/// The daemon stops; what is in flight may take `drain`.
pub(super) fn stopping(drain: Duration) {
    let micros = u32::try_from(drain.as_micros()).unwrap_or(u32::MAX);
    send(&[
        NotifyState::Stopping,
        NotifyState::ExtendTimeoutUsec(micros),
        NotifyState::Status("Finishing what is in flight."),
    ]);
}

/// The daemon goes round.
pub(super) fn alive() {
    send(&[NotifyState::Watchdog]);
}

/// How long systemd waits for [`alive`]; `None`: it does not.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|every| !every.is_zero())
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(e) = sd_notify::notify(states) {
        tracing::warn!(error.message = %e, "systemd could not be told.");
    }
}

/// A line break would begin another variable.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
