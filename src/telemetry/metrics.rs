//! What is counted (interface.md, "Metrics"): thin functions over the `metrics` facade, called where the facts happen.
//! Until [`install`] was called they do nothing. Labels are names from the config and fixed words, never an order, a
//! message or anything of a person; the series of a shop that a reload removed stand still until the process ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::{Label, Unit, counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

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

/// Upper bounds of the buckets of runs, in seconds: a quiet one takes parts of a second, a first one an hour.
const POLL_BUCKETS: [f64; 11] = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1_800.0, 7_200.0];
/// Upper bounds of the buckets of requests, in seconds; the longest deadline is a minute.
const REQUEST_BUCKETS: [f64; 10] = [0.03, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// Why nothing can be counted.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be kept: {0}")]
pub struct NotInstalled(String);

/// The recorder of this process, once it is there.
static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Begins to count. Whoever calls it calls [`Recorder::upkeep`] from time to time: observations pile up until then.
///
/// # Errors
/// When another recorder was installed before.
pub fn install() -> Result<Recorder, NotInstalled> {
    let mut installed = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = installed.as_ref() {
        return Ok(Recorder(handle.clone()));
    }
    let recorder = builder()?.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|e| NotInstalled(e.to_string()))?;
    describe(|metric| metric.kind != Kind::Gauge);
    reloads(0, 0);
    Ok(Recorder(installed.insert(handle).clone()))
}

fn builder() -> Result<PrometheusBuilder, NotInstalled> {
    let full = |metric: Metric| Matcher::Full(metric.name.to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(full(POLL_DURATION), &POLL_BUCKETS)
        .and_then(|builder| builder.set_buckets_for_metric(full(REQUEST_DURATION), &REQUEST_BUCKETS))
        .map_err(|e| NotInstalled(e.to_string()))
}

fn describe(which: impl Fn(&Metric) -> bool) {
    for metric in ALL.iter().filter(|metric| which(metric)) {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.unit, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.unit, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.unit, metric.help),
        }
    }
}

/// What was counted in this process.
#[derive(Clone, Debug)]
pub struct Recorder(PrometheusHandle);

impl Recorder {
    /// Everything counted so far, in Prometheus' text format 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Files observations into their buckets, so that they do not pile up where nobody scrapes.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// How things stand, rendered as one: a series that is not set has no line, so that nothing is told of what is gone.
///
/// # Errors
/// When the buckets are not understood.
pub fn gauges(
    set: impl FnOnce(&dyn Fn(Metric, &[(&'static str, &str)], i64)),
) -> Result<String, NotInstalled> {
    let recorder = builder()?.build_recorder();
    metrics::with_local_recorder(&recorder, || {
        describe(|metric| metric.kind == Kind::Gauge);
        set(&|metric, labels, value| {
            let labels: Vec<Label> =
                labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
            gauge!(metric.name, labels).set(float(value));
        });
    });
    Ok(recorder.handle().render())
}

/// Counts and seconds are far below what a float holds exactly.
const fn float(value: i64) -> f64 {
    value as f64
}

/// Whom a series is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A shop.
    Shop {
        /// Its name.
        shop: String,
        /// The mall's word.
        mall: &'static str,
    },
    /// A settlement contract.
    Settlement {
        /// Its name.
        settlement: String,
    },
}

impl Subject {
    /// A shop.
    #[must_use]
    pub fn shop(shop: &str, mall: &'static str) -> Self {
        Self::Shop { shop: shop.to_owned(), mall }
    }

    /// A settlement contract.
    #[must_use]
    pub fn settlement(settlement: &str) -> Self {
        Self::Settlement { settlement: settlement.to_owned() }
    }

    fn labels(&self, more: &[(&'static str, &'static str)]) -> Vec<Label> {
        let mut labels = match self {
            Self::Shop { shop, mall } => {
                vec![Label::new("shop", shop.clone()), Label::from_static_parts("mall", mall)]
            }
            Self::Settlement { settlement } => vec![Label::new("settlement", settlement.clone())],
        };
        labels.extend(more.iter().map(|(name, value)| Label::from_static_parts(name, value)));
        labels
    }
}

/// A shop is polled from now on: its series begin at nothing, so that the first fact counts too. `kinds`: its streams.
pub fn begin_shop(shop: &Subject, kinds: &[&'static str]) {
    page(shop, 0, 0);
    for kind in kinds {
        counter!(POLLS.name, shop.labels(&[("kind", kind), ("outcome", "ok")])).increment(0);
        drop(histogram!(POLL_DURATION.name, shop.labels(&[("kind", kind)])));
    }
    begin_requests(shop, &["read"]);
}

/// Operations of a settlement are sent from now on.
pub fn begin_settlement(settlement: &Subject, kinds: &[&'static str]) {
    for kind in kinds {
        for outcome in ["done", "refused", "needs_person", "unknown"] {
            counter!(OPERATIONS.name, settlement.labels(&[("kind", kind), ("outcome", outcome)]))
                .increment(0);
        }
    }
    begin_requests(settlement, &["read", "change"]);
}

fn begin_requests(subject: &Subject, kinds: &[&'static str]) {
    counter!(THROTTLED.name, subject.labels(&[])).increment(0);
    for kind in kinds {
        counter!(REQUESTS.name, subject.labels(&[("kind", kind), ("outcome", "2xx")])).increment(0);
        drop(histogram!(REQUEST_DURATION.name, subject.labels(&[("kind", kind)])));
    }
}

/// A page was stored.
pub fn page(shop: &Subject, new: u64, changed: u64) {
    counter!(ORDERS.name, shop.labels(&[])).increment(new);
    counter!(CHANGES.name, shop.labels(&[])).increment(changed);
}

/// A run of a stream ended; the words of `outcome` are those of [`POLLS`].
pub fn poll(shop: &Subject, kind: &'static str, outcome: &'static str, elapsed: Duration) {
    counter!(POLLS.name, shop.labels(&[("kind", kind), ("outcome", outcome)])).increment(1);
    histogram!(POLL_DURATION.name, shop.labels(&[("kind", kind)])).record(elapsed);
}

/// An operation came to rest in the state `outcome`.
pub fn operation(settlement: &Subject, kind: &'static str, outcome: &'static str) {
    counter!(OPERATIONS.name, settlement.labels(&[("kind", kind), ("outcome", outcome)])).increment(1);
}

/// Reloads since the process began.
pub fn reloads(applied: u64, refused: u64) {
    for (outcome, times) in [("applied", applied), ("refused", refused)] {
        counter!(RELOADS.name, "outcome" => outcome).absolute(times);
    }
}

/// Counts what an account's client does.
#[derive(Debug)]
pub struct Meter {
    subject: Subject,
    /// Microseconds waited that do not make a whole second yet: counters are whole numbers.
    waited: AtomicU64,
}

impl Meter {
    /// Of the account of `subject`.
    #[must_use]
    pub const fn new(subject: Subject) -> Self {
        Self { subject, waited: AtomicU64::new(0) }
    }

    /// A request ended; the words are those of [`REQUESTS`].
    pub fn request(&self, kind: &'static str, outcome: &'static str, elapsed: Duration) {
        counter!(REQUESTS.name, self.subject.labels(&[("kind", kind), ("outcome", outcome)])).increment(1);
        histogram!(REQUEST_DURATION.name, self.subject.labels(&[("kind", kind)])).record(elapsed);
    }

    /// A request waited for its admission.
    pub fn waited(&self, elapsed: Duration) {
        const SECOND: u64 = 1_000_000;
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let before = self.waited.fetch_add(micros, Ordering::Relaxed);
        let whole = before.saturating_add(micros) / SECOND - before / SECOND;
        if whole > 0 {
            counter!(THROTTLED.name, self.subject.labels(&[])).increment(whole);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `act` makes of a recorder of its own.
    fn counted(act: impl FnOnce()) -> String {
        let recorder = builder().unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            describe(|_| true);
            act();
        });
        recorder.handle().render()
    }

    #[test]
    fn series_begin_at_nothing_and_carry_the_words_they_were_given() {
        let text = counted(|| {
            let shop = Subject::shop("rakuten-main", "rakuten");
            begin_shop(&shop, &["new"]);
            begin_settlement(&Subject::settlement("webcollect-main"), &["capture"]);
            page(&shop, 3, 1);
            page(&shop, 2, 0);
            poll(&shop, "new", "auth", Duration::from_millis(200));
        });
        for line in [
            "# TYPE mallsync_orders_total counter",
            "mallsync_orders_total{shop=\"rakuten-main\",mall=\"rakuten\"} 5",
            "mallsync_order_changes_total{shop=\"rakuten-main\",mall=\"rakuten\"} 1",
            "mallsync_poll_total{shop=\"rakuten-main\",mall=\"rakuten\",kind=\"new\",outcome=\"ok\"} 0",
            "mallsync_poll_total{shop=\"rakuten-main\",mall=\"rakuten\",kind=\"new\",outcome=\"auth\"} 1",
            "mallsync_poll_duration_seconds_bucket{shop=\"rakuten-main\",mall=\"rakuten\",kind=\"new\",le=\"0.1\"} 0",
            "mallsync_poll_duration_seconds_bucket{shop=\"rakuten-main\",mall=\"rakuten\",kind=\"new\",le=\"0.3\"} 1",
            "mallsync_operations_total{settlement=\"webcollect-main\",kind=\"capture\",outcome=\"refused\"} 0",
            "mallsync_request_duration_seconds_count{settlement=\"webcollect-main\",kind=\"change\"} 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\nin\n{text}");
        }
    }

    #[test]
    fn short_waits_add_up_to_whole_seconds() {
        let text = counted(|| {
            let meter = Meter::new(Subject::settlement("webcollect-main"));
            begin_settlement(&meter.subject, &[]);
            for _ in 0..5 {
                meter.waited(Duration::from_millis(450));
            }
        });
        assert!(
            text.contains("\nmallsync_throttled_seconds_total{settlement=\"webcollect-main\"} 2\n"),
            "{text}"
        );
    }

    #[test]
    fn gauges_tell_what_is_there_and_nothing_of_what_is_gone() {
        let of = |shop: &str| {
            gauges(|set| set(LAST_SUCCESS, &[("shop", shop), ("mall", "csv")], 1_795_312_800)).unwrap()
        };
        let (first, second) = (of("a"), of("b"));
        assert!(
            first.contains("mallsync_last_success_timestamp_seconds{shop=\"a\",mall=\"csv\"} 1795312800\n"),
            "{first}"
        );
        assert!(first.contains("# HELP mallsync_last_success_timestamp_seconds When"), "{first}");
        assert!(!second.contains("\"a\""), "{second}");
    }
}
