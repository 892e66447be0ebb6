//! A panic is told in the log, by its place. Its message is made of whatever was at hand - a text that was cut within a
//! character, a value that was not expected - and that may be a person's (I9): it is told only where it is written in the
//! program itself.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::panic::{self, PanicHookInfo};

/// From now on panics are told like this; to be called before anything else runs.
pub fn tell_panics() {
    panic::set_hook(Box::new(tell));
}

fn tell(info: &PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or_default();
    // A message with values in it is a `String`.
    let message = info.payload().downcast_ref::<&'static str>().copied();
    // Names of functions, where `RUST_BACKTRACE` asks for them.
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    if tracing::dispatcher::has_been_set() {
        tracing::error!(
            location,
            thread,
            error.message = message,
            backtrace = backtrace.as_deref(),
            "Program broke off at a place where it never should."
        );
        return;
    }
    // A command, or the start before its log. Nobody can be told when even that fails.
    let message = message.map(|message| format!(": {message}")).unwrap_or_default();
    let backtrace = backtrace.map(|trace| format!("\n{trace}")).unwrap_or_default();
    let _ = writeln!(
        std::io::stderr(),
        "error: the program broke off at {location}{message}; please report this place{backtrace}"
    );
}
