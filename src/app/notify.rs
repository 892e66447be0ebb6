//! What systemd is told (`sd_notify(3)`): nothing where it has handed over no socket.

use std::time::Duration;

use sd_notify::NotifyState;

use super::Say;

/// Characters of a status at most.
const LINE: usize = 500;

/// The start is over, or a reload is.
pub(super) fn ready(say: &Say, status: &str) {
    send(&[NotifyState::Ready, NotifyState::Status(&one_line(&(say.0)(status)))]);
}

/// The config is being read again. The time lets systemd tell this reload from the one before.
pub(super) fn reloading(say: &Say) {
    let mut states = vec![NotifyState::Reloading];
    match NotifyState::monotonic_usec_now() {
        Ok(now) => states.push(now),
        Err(e) => tracing::warn!(error.message = %e, "Monotonic clock could not be read."),
    }
    let status = (say.0)("Reading the config again.");
    states.push(NotifyState::Status(&status));
    send(&states);
}

/// The daemon stops; what is in flight may take `drain`.
pub(super) fn stopping(say: &Say, drain: Duration) {
    let micros = u32::try_from(drain.as_micros()).unwrap_or(u32::MAX);
    send(&[
        NotifyState::Stopping,
        NotifyState::ExtendTimeoutUsec(micros),
        NotifyState::Status(&(say.0)("Finishing what is in flight.")),
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
        tracing::warn!(error.message = %e, "Systemd could not be told.");
    }
}

/// A line break would begin another variable, and what is longer than a line is in the journal.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_line_and_no_more_than_a_screen_shows() {
        assert_eq!(one_line("refused:\n  line 3\r\nREADY=1 "), "refused: line 3 READY=1");
        let long = one_line(&"設定".repeat(LINE));
        assert_eq!(long.chars().count(), LINE + 1);
        assert!(long.ends_with('…'));
    }
}
