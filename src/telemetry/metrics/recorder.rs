//! What keeps the counts and renders them.

use std::sync::{Mutex, PoisonError};

use metrics::{Label, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::catalogue::{ALL, Kind, Metric, POLL_DURATION, REQUEST_DURATION};

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
    super::reloads(0, 0);
    Ok(Recorder(installed.insert(handle).clone()))
}

pub(super) fn builder() -> Result<PrometheusBuilder, NotInstalled> {
    let full = |metric: Metric| Matcher::Full(metric.name.to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(full(POLL_DURATION), &POLL_BUCKETS)
        .and_then(|builder| builder.set_buckets_for_metric(full(REQUEST_DURATION), &REQUEST_BUCKETS))
        .map_err(|e| NotInstalled(e.to_string()))
}

pub(super) fn describe(which: impl Fn(&Metric) -> bool) {
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
