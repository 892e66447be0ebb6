//! What is told of a panic (I9). A suite of its own: the hook is the process's.

#[cfg(test)]
#[path = "support/log.rs"]
mod log;

#[cfg(test)]
mod tests {
    use std::panic;

    use mallsync::telemetry;
    use tracing::Level;

    use crate::log::Log;

    const NAME: &str = "金糸雀丘 囀子";

    /// What is told of a panic in `act`.
    fn told(act: impl FnOnce() + panic::UnwindSafe) -> String {
        let (log, _guard) = Log::listen();
        assert!(panic::catch_unwind(act).is_err());
        let lines = log.lines(Level::ERROR, "");
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].clone()
    }

    #[test]
    fn a_panic_is_told_by_its_place_and_its_values_are_not() {
        let usual = panic::take_hook();
        telemetry::tell_panics();
        let within = |text: &'static str, end: usize| move || drop(text[..end].to_owned());
        let refused: Result<(), &str> = std::hint::black_box(Err(NAME));
        let all = [
            told(|| panic!("{NAME} cannot be")),
            told(within(NAME, 1)),
            told(move || refused.expect("a name")),
            told(|| panic!("written in the program")),
        ];
        panic::set_hook(usual);
        for told in &all {
            assert!(told.contains("tests/panics.rs:"), "{told}");
            assert!(!told.contains("金糸雀") && !told.contains("囀子"), "{told}");
        }
        assert!(all[3].contains("written in the program"), "{}", all[3]);
    }
}
