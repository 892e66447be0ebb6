//! The metrics by name (interface.md, "Metrics"): what each says, in what, and by which labels.

use metrics::Unit;

/// How a metric is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only ever grows while the process lives.
    Counter,
    /// How things stand.
    Gauge,
    /// Observations in buckets.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// How it is read.
    pub kind: Kind,
    /// In what.
    pub unit: Unit,
    /// What it says.
    pub help: &'static str,
    /// The labels that its series may have.
    pub labels: &'static [&'static str],
}

const fn metric(
    name: &'static str,
    kind: Kind,
    unit: Unit,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind, unit, help, labels }
}

/// Orders stored for the first time.
pub const ORDERS: Metric = metric(
    "mallsync_orders_total",
    Kind::Counter,
    Unit::Count,
    &["shop", "mall"],
    "Orders seen for the first time and stored.",
);
/// Further versions of orders.
pub const CHANGES: Metric = metric(
    "mallsync_order_changes_total",
    Kind::Counter,
    Unit::Count,
    &["shop", "mall"],
    "Orders that were known and came back changed.",
);
/// Runs of streams.
pub const POLLS: Metric = metric(
    "mallsync_poll_total",
    Kind::Counter,
    Unit::Count,
    &["shop", "mall", "kind", "outcome"],
    "Runs of a shop's streams (kind: new, late, open, backfill). Outcome: ok, made_way (more urgent work came), quota \
     (goes on when our own limiter allows), or the fault: throttled, transient, maintenance, auth, rejected, malformed, \
     database, stopping.",
);
/// How long they took.
pub const POLL_DURATION: Metric = metric(
    "mallsync_poll_duration_seconds",
    Kind::Histogram,
    Unit::Seconds,
    &["shop", "mall", "kind"],
    "How long the runs of a shop's streams took, waits for admission included.",
);
/// From the database.
pub const LAST_SUCCESS: Metric = metric(
    "mallsync_last_success_timestamp_seconds",
    Kind::Gauge,
    Unit::Seconds,
    &["shop", "mall"],
    "When the shop was last read without a fault: the end of the stalest of its streams' last good runs (Unix time).",
);
/// Calls to malls and gateways.
pub const REQUESTS: Metric = metric(
    "mallsync_requests_total",
    Kind::Counter,
    Unit::Count,
    &["shop", "mall", "settlement", "kind", "outcome"],
    "Requests sent (kind: read, change, token). Outcome: the class of the HTTP status (2xx, 3xx, 4xx, 429, 5xx), \
     not_sent (no connection), no_answer (no complete answer).",
);
/// How long they took.
pub const REQUEST_DURATION: Metric = metric(
    "mallsync_request_duration_seconds",
    Kind::Histogram,
    Unit::Seconds,
    &["shop", "mall", "settlement", "kind"],
    "How long requests took until the whole answer was there, or until they failed.",
);
/// Waits for admission.
pub const THROTTLED: Metric = metric(
    "mallsync_throttled_seconds_total",
    Kind::Counter,
    Unit::Seconds,
    &["shop", "mall", "settlement"],
    "Seconds spent waiting for admission, by our own limiter or because the service asked for a pause. Runs that were \
     put off altogether are mallsync_poll_total with the outcome quota.",
);
/// Operations that came to rest.
pub const OPERATIONS: Metric = metric(
    "mallsync_operations_total",
    Kind::Counter,
    Unit::Count,
    &["settlement", "kind", "outcome"],
    "Work on operations (kind: capture, undo, cancel, change_amount, reauth, change_date) by the state it ended in \
     (outcome: done, refused, needs_person, unknown, superseded; planned, ready: put off).",
);
/// From the database.
pub const OPERATIONS_OPEN: Metric = metric(
    "mallsync_operations_open",
    Kind::Gauge,
    Unit::Count,
    &["settlement", "kind", "outcome"],
    "Operations that are not over, by kind (as mallsync_operations_total) and by the state they are in so far \
     (outcome: planned, ready, sending, unknown, looking, needs_person). Planned ones may wait for their ship date for weeks.",
);
/// From the database.
pub const ATTENTION: Metric = metric(
    "mallsync_attention_required",
    Kind::Gauge,
    Unit::Count,
    &["shop", "mall", "settlement", "kind"],
    "What fails or needs a person, as `mallsync status` tells it with the command to type; 0 when there is nothing.",
);
/// From the database.
pub const CREDENTIAL_EXPIRY: Metric = metric(
    "mallsync_credential_expiry_timestamp_seconds",
    Kind::Gauge,
    Unit::Seconds,
    &["shop", "mall", "settlement", "kind"],
    "The last moment at which a key, consent or certificate works (Unix time). Kind: its key in the config.",
);
/// Reloads of the config.
pub const RELOADS: Metric = metric(
    "mallsync_config_reloads_total",
    Kind::Counter,
    Unit::Count,
    &["outcome"],
    "Reloads of the config. Outcome: applied, or refused (the config before it stays in force).",
);

/// All of them.
pub const ALL: [Metric; 13] = [
    ORDERS,
    CHANGES,
    POLLS,
    POLL_DURATION,
    LAST_SUCCESS,
    REQUESTS,
    REQUEST_DURATION,
    THROTTLED,
    OPERATIONS,
    OPERATIONS_OPEN,
    ATTENTION,
    CREDENTIAL_EXPIRY,
    RELOADS,
];
