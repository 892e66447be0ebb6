//! The log subscriber and the names of log fields (interface.md, "Logs"). Lines go to stderr: data alone goes to stdout.

use std::fmt;
use std::io::IsTerminal;
use std::sync::Arc;

use chrono::SecondsFormat;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use crate::clock::Clock;

mod vitals;

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
    /// Text on a terminal, else JSON.
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
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

/// Starts logging to stderr for the whole process. Times come from `clock`, so that simulated time shows.
///
/// # Errors
/// When `filter` is not understood, or logging was started before.
pub fn init(format: Format, filter: &str, clock: Arc<dyn Clock>) -> Result<(), TelemetryError> {
    let terminal = std::io::stderr().is_terminal();
    let subscriber = subscriber(format, filter, clock, terminal, std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(())
}

/// What [`init`] starts, writing to `writer`; `terminal` says whether people read it there.
///
/// # Errors
/// When `filter` is not understood.
pub fn subscriber<W>(
    format: Format,
    filter: &str,
    clock: Arc<dyn Clock>,
    terminal: bool,
    writer: W,
) -> Result<impl Subscriber + Send + Sync, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // Other crates know nothing of secrets and personal data: whatever the filter says, they get no further than `warn`
    // (decisions.md 37).
    let ours = filter_fn(|meta| is_ours(meta.target()) || *meta.level() <= Level::WARN);
    let filter = EnvFilter::try_new(filter)?.and(ours);
    let clock = JapanTime(clock);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let json = match format {
        Format::Json => true,
        Format::Text => false,
        Format::Auto => !terminal,
    };
    let layer = if json {
        lines.fmt_fields(JsonFields::new()).event_format(JsonLine(clock)).with_filter(filter).boxed()
    } else {
        lines.with_timer(clock).with_ansi(terminal).with_filter(filter).boxed()
    };
    Ok(tracing_subscriber::registry().with(layer))
}

fn is_ours(target: &str) -> bool {
    target.strip_prefix("mallsync").is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The clock's time as RFC 3339 with milliseconds in Japan Standard Time.
struct JapanTime(Arc<dyn Clock>);

impl JapanTime {
    fn text(&self) -> String {
        self.0.now().jst().to_rfc3339_opts(SecondsFormat::Millis, false)
    }
}

impl FormatTime for JapanTime {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        w.write_str(&self.text())
    }
}

/// One JSON object a line: time, level, target, message, then the fields of the spans around the event and its own, side
/// by side under their dotted names. The event's own win.
struct JsonLine(JapanTime);

impl<S> FormatEvent<S, JsonFields> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, JsonFields>,
        mut w: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let meta = event.metadata();
        let mut line = Map::new();
        for span in ctx.event_scope().into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            let extensions = span.extensions();
            if let Some(fields) = extensions.get::<FormattedFields<JsonFields>>()
                && let Ok(Value::Object(fields)) = serde_json::from_str(&fields.fields)
            {
                line.extend(fields);
            }
        }
        event.record(&mut Fields(&mut line));
        let message = line.remove("message").unwrap_or_else(|| Value::from(""));
        let head = [
            ("timestamp", Value::from(self.0.text())),
            ("level", Value::from(meta.level().as_str().to_lowercase())),
            ("target", Value::from(meta.target())),
            ("message", message),
        ];
        w.write_char('{')?;
        for (n, (name, value)) in
            head.iter().map(|(n, v)| (*n, v)).chain(line.iter().map(|(n, v)| (n.as_str(), v))).enumerate()
        {
            let comma = if n == 0 { "" } else { "," };
            write!(w, "{comma}{}:{value}", Value::from(name))?;
        }
        w.write_str("}\n")
    }
}

/// Fields of an event into a map.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().trim_start_matches("r#").to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_i128(&mut self, field: &Field, value: i128) {
        self.put(field, value.to_string());
    }
    fn record_u128(&mut self, field: &Field, value: u128) {
        // Milliseconds of a `Duration` are u128; those that fit are numbers.
        match u64::try_from(value) {
            Ok(number) => self.put(field, number),
            Err(_) => self.put(field, value.to_string()),
        }
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Mutex;

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
        let error =
            subscriber(Format::Json, "info,mallsync=loud", clock, false, std::io::stderr).err().unwrap();
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
}
