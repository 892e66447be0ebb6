//! Lines on stderr: JSON, and the time that every kind of line shows.

use std::fmt;
use std::sync::Arc;

use chrono::SecondsFormat;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;

/// The clock's time as RFC 3339 with milliseconds in Japan Standard Time.
#[derive(Clone)]
pub(super) struct JapanTime(pub(super) Arc<dyn Clock>);

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
pub(super) struct JsonLine(pub(super) JapanTime);

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
        w.write_str(&json(&self.0, meta, &mut line))
    }
}

/// The line: the facts that everyone wants first, then the fields.
pub(super) fn json(time: &JapanTime, meta: &Metadata<'_>, fields: &mut Map<String, Value>) -> String {
    let message = fields.remove("message").unwrap_or_else(|| Value::from(""));
    let head = [
        ("timestamp", Value::from(time.text())),
        ("level", Value::from(meta.level().as_str().to_lowercase())),
        ("target", Value::from(meta.target())),
        ("message", message),
    ];
    let all = head.iter().map(|(name, value)| (*name, value));
    let parts: Vec<String> = all
        .chain(fields.iter().map(|(name, value)| (name.as_str(), value)))
        .map(|(name, value)| format!("{}:{value}", Value::from(name)))
        .collect();
    format!("{{{}}}\n", parts.join(","))
}

/// Fields of an event into a map.
pub(super) struct Fields<'a>(pub(super) &'a mut Map<String, Value>);

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
