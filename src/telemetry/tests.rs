use std::io::Write;
use std::sync::Mutex;

use serde_json::{Map, Value};
use tracing::{debug, error, info, info_span, trace, warn};

use super::*;
use crate::clock::{ManualClock, Timestamp};

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(format: Format, filter: &str, terminal: bool, act: impl FnOnce()) -> String {
    let clock = Arc::new(ManualClock::new(Timestamp::parse("2031-01-01T00:00:00.250Z").unwrap()));
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let subscriber = subscriber(format, filter, clock, terminal, move || writer.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, act);
    String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap()
}

fn act() {
    let span = info_span!("poll", shop = "rakuten-main", mall = "rakuten");
    let _entered = span.enter();
    warn!(
        error.code = "throttled",
        error.message = "again \"later\"",
        elapsed_ms = 12_u64,
        shop = "mine",
        "pass failed"
    );
}

#[test]
fn json_lines_are_flat_and_show_the_clock_handed_in() {
    insta::assert_snapshot!(logged(Format::Json, "info", false, act), @r#"{"timestamp":"2031-01-01T09:00:00.250+09:00","level":"warn","target":"mallsync::telemetry::tests","message":"pass failed","elapsed_ms":12,"error.code":"throttled","error.message":"again \"later\"","mall":"rakuten","shop":"mine"}"#);
}

#[test]
fn text_lines_show_the_same_facts() {
    insta::assert_snapshot!(logged(Format::Text, "info", false, act), @r#"2031-01-01T09:00:00.250+09:00  WARN poll{shop="rakuten-main" mall="rakuten"}: mallsync::telemetry::tests: pass failed error.code="throttled" error.message="again \"later\"" elapsed_ms=12 shop="mine""#);
}

#[test]
fn auto_is_text_on_a_terminal_and_json_elsewhere() {
    assert!(logged(Format::Auto, "info", false, act).starts_with("{\"timestamp\":"));
    assert!(logged(Format::Auto, "info", true, act).contains("2031-01-01T09:00:00.250+09:00"));
    assert!(!logged(Format::Auto, "info", true, act).contains("\"timestamp\""));
}

#[test]
fn other_crates_get_no_further_than_warn_whatever_the_filter_says() {
    let all = || {
        trace!("ours");
        debug!(target: "mallsync::http", "ours");
        info!(target: "mallsyncer", "theirs, canary");
        info!(target: "sqlx::query", "theirs, canary");
        trace!(target: "reqwest", "theirs, canary");
        warn!(target: "sqlx::query", "a warning of theirs");
    };
    let lines = logged(Format::Json, "trace,sqlx=trace,reqwest=trace", false, all);
    assert!(!lines.contains("canary"), "{lines}");
    assert_eq!(lines.lines().count(), 3, "{lines}");
    let lines = logged(Format::Json, "error", false, || {
        error!("shown");
        warn!(target: "sqlx::query", "hidden");
    });
    assert_eq!(lines.lines().count(), 1, "{lines}");
}

#[test]
fn a_filter_that_is_none_is_refused() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    let error = subscriber(Format::Json, "info,mallsync=loud", clock, false, std::io::stderr).err().unwrap();
    assert!(error.to_string().starts_with("log.filter: "), "{error}");
}

#[test]
fn the_macros_take_the_names_of_the_fields() {
    let lines = logged(Format::Json, "info", false, || {
        info!(
            shop = 1,
            mall = 1,
            mall_order_id = 1,
            settlement = 1,
            operation = 1,
            attempt = 1,
            elapsed_ms = 1,
            error.code = 1,
            error.message = 1,
            next_attempt_at = 1,
            "one of each"
        );
    });
    let line: Map<String, Value> = serde_json::from_str(&lines).unwrap();
    for name in fields::ALL {
        assert!(line.contains_key(name), "{name}");
    }
}
