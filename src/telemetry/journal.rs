//! Entries of systemd's journal in its native protocol (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL>): the message is the
//! constant one with the facts behind it, as `journalctl` shows it, and each field of the event and of the spans around it is a field of the entry, so that
//! `journalctl SHOP=rakuten-main` finds it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::lines::{Fields, JapanTime, json};
use crate::clock::Clock;

/// `journalctl -t`.
const IDENTIFIER: &str = "mallsync";
/// Bytes of one value and number of fields: an entry must fit a datagram (a socket's buffer is 208 KiB by default).
const VALUE: usize = 4_096;
const FIELDS: usize = 32;
/// Characters of a field's name, says the journal.
const NAME: usize = 64;
/// Fields that the layer itself writes: an event's own of such a name must not pass for them.
const OWN: [&str; 4] = ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "TARGET"];

/// Writes every event as an entry.
pub(super) struct JournalLayer {
    socket: UnixDatagram,
    path: PathBuf,
    time: JapanTime,
}

/// The fields of a span, kept with it.
struct Kept(Map<String, Value>);

impl JournalLayer {
    /// A layer that writes to the socket at `path`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub(super) fn open(path: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // The journal discards an empty datagram; without a listener there is an error.
        socket.send_to(&[], path)?;
        Ok(Self { socket, path: path.to_owned(), time: JapanTime(clock) })
    }
}

impl<S> Layer<S> for JournalLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        let mut fields = Map::new();
        attributes.record(&mut Fields(&mut fields));
        span.extensions_mut().insert(Kept(fields));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        if let Some(Kept(fields)) = span.extensions_mut().get_mut::<Kept>() {
            values.record(&mut Fields(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let meta = event.metadata();
        let mut fields = Map::new();
        for span in ctx.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(Kept(around)) = span.extensions().get::<Kept>() {
                fields.extend(around.clone());
            }
        }
        event.record(&mut Fields(&mut fields));
        let entry = entry(*meta.level(), meta.target(), &fields);
        if self.socket.send_to(&entry, &self.path).is_err() {
            // The journal is being restarted: nobody can be told when stderr fails as well.
            let _ = io::stderr().write_all(json(&self.time, meta, &mut fields).as_bytes());
        }
    }
}

/// An entry's bytes: `NAME`, a line feed, the value's length, the value, a line feed, for each field.
fn entry(level: Level, target: &str, fields: &Map<String, Value>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    put(&mut bytes, "MESSAGE", &line(fields));
    put(&mut bytes, "PRIORITY", priority(level));
    put(&mut bytes, "SYSLOG_IDENTIFIER", IDENTIFIER);
    put(&mut bytes, "TARGET", target);
    // Two names may become one: the journal would keep both values, and a search find either.
    let named: BTreeMap<String, &Value> =
        fields.iter().filter(|(name, _)| *name != "message").map(|(n, v)| (name_of(n), v)).collect();
    for (name, value) in named.into_iter().take(FIELDS) {
        put(&mut bytes, &name, &text(value));
    }
    bytes
}

/// What plain `journalctl` shows: the message, then the facts as the text format has them.
fn line(fields: &Map<String, Value>) -> String {
    let mut line = text(fields.get("message").unwrap_or(&Value::Null));
    for (name, value) in fields.iter().filter(|(name, _)| *name != "message") {
        line.push_str(&match value {
            Value::String(word) if !word.contains([' ', '"', '\n']) && !word.is_empty() => {
                format!(" {name}={word}")
            }
            other => format!(" {name}={other}"),
        });
    }
    line
}

fn put(bytes: &mut Vec<u8>, name: &str, value: &str) {
    let mut end = value.len().min(VALUE);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    let value = &value.as_bytes()[..end];
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(b'\n');
    bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
    bytes.extend_from_slice(value);
    bytes.push(b'\n');
}

/// What `syslog(3)` calls the level: `journalctl -p warning` shows what a person should look at.
const fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        Level::DEBUG | Level::TRACE => "7",
    }
}

/// `error.code` becomes `ERROR_CODE`: the journal takes capitals, digits and `_`, a letter first.
fn name_of(field: &str) -> String {
    let name: String =
        field.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    let ours = OWN.contains(&name.as_str()) || !name.starts_with(|c: char| c.is_ascii_uppercase());
    let mut name = if ours { format!("FIELD_{}", name.trim_start_matches('_')) } else { name };
    name.truncate(NAME);
    name
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
