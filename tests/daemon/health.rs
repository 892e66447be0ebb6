//! Health checks and metrics of the real binary; the alerts and the dashboard in `docs/` against what it really gives.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use mallsync::sim::{self, Fault, Rule};
use mallsync::telemetry::metrics::{self, Kind, Metric};
use regex::Regex;
use serde_json::Value;

use crate::process::{Log, Process};
use crate::rig::{House, Outside, noon};
use crate::stop::feed;

/// Nothing that a test waits for takes so long; a guard against waiting for ever.
const GUARD: Duration = Duration::from_secs(90);

/// Where the daemon says that it listens.
pub fn address(log: &Log) -> SocketAddr {
    let line = log.wait(0, &["Health checks and metrics are served."]);
    let line: Value = serde_json::from_str(&log.lines()[line]).unwrap();
    line["address"].as_str().unwrap().parse().unwrap()
}

/// Status, head and body of the answer to `head`, which lacks its empty line.
fn ask(address: SocketAddr, head: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    // It may be answered and closed before it has been sent whole.
    let _ = write!(stream, "{head}\r\n\r\n");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, head.to_lowercase(), body.to_owned())
}

pub fn get(address: SocketAddr, path: &str) -> (u16, String, String) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}"))
}

pub fn status(address: SocketAddr, path: &str) -> u16 {
    get(address, path).0
}

#[test]
fn it_is_alive_until_its_end_and_ready_while_it_works() {
    let outside = Outside::new(11, 20, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    house.change("maintenance = \"\"", "maintenance = \"\"\nmax_in_flight = 1");
    let delay = Fault::Delay { millis: 3_000 };
    let function = "shipmentEntry".to_owned();
    outside.world.set_fault(Rule { function, calls: [1].into(), fault: delay, ..Rule::default() });
    feed(&house, &outside);
    let mut daemon = house.daemon();
    let at = address(&daemon.log);
    assert!(at.ip().is_loopback());
    assert_eq!(get(at, "/healthz").2, "alive\n");
    assert_eq!((status(at, "/readyz"), get(at, "/readyz").2.as_str()), (200, "ready\n"));

    // What is asked otherwise.
    assert_eq!(status(at, "/"), 404);
    assert_eq!(status(at, "/metrics/"), 404);
    let (code, head, _) = ask(at, &format!("POST /metrics HTTP/1.1\r\nHost: {at}\r\nContent-Length: 0"));
    assert!(code == 405 && head.contains("allow: get,head"), "{head}");
    let (code, head, body) = ask(at, &format!("HEAD /healthz HTTP/1.1\r\nHost: {at}"));
    assert!(code == 200 && head.contains("content-length: 6") && body.is_empty(), "{head}");
    assert_eq!(ask(at, "GET /metrics HTTP/1.1\r\nHost: evil.example").0, 421);
    let long = format!("GET /metrics HTTP/1.1\r\nHost: {at}\r\nX-Long: {}", "x".repeat(20_000));
    assert!(matches!(ask(at, &long).0, 431 | 0), "a head of 20 kB");
    assert_eq!(ask(at, "mallsync?").0, 400);

    // Its answer comes in three seconds; until then the daemon lives and takes no new work.
    outside
        .until("a capture", |world| world.counts().get("webcollect.shipmentEntry").is_some_and(|n| *n > 0));
    daemon.terminate();
    daemon.log.wait(0, &["Stop began."]);
    assert_eq!(status(at, "/healthz"), 200);
    let (code, _, why) = get(at, "/readyz");
    assert_eq!(code, 503);
    assert!(why.starts_with("not ready: ") && why.lines().count() == 1, "{why}");
    assert_eq!(daemon.ended(), Some(0), "{}", daemon.log.lines().join("\n"));
    assert!(TcpStream::connect(at).is_err());
}

#[test]
fn an_address_that_is_taken_ends_the_start_and_names_the_key() {
    let outside = Outside::new(11, 1, Outside::clock(noon(), 60));
    let house = House::new(&outside);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = |listen: &str| {
        let mut command = house.command(&["run"]);
        Process::start(command.env("MALLSYNC__DAEMON__LISTEN", listen))
    };
    let output = run(&address).output();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("daemon.listen: {address} is in use")), "{said}");
    // Nothing is left behind, and without an address nothing is served.
    let daemon = run("");
    daemon.log.wait(0, &["mallsync started."]);
    assert_eq!(daemon.log.count(0, &["Health checks"]), 0);
    daemon.stop();
}

/// One line of the text format.
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: String,
}

fn samples(text: &str) -> Vec<Sample> {
    let label = Regex::new(r#"([a-z_]+)="([^"]*)""#).unwrap();
    let sample = |line: &str| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = label.captures_iter(labels).map(|c| (c[1].to_owned(), c[2].to_owned()));
        Sample { name: name.to_owned(), labels: labels.collect(), value: value.to_owned() }
    };
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(sample).collect()
}

/// The metric that a sample's name belongs to.
fn metric_of(name: &str) -> Option<Metric> {
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
    metrics::ALL.into_iter().find(|metric| {
        metric.name == name || (metric.kind == Kind::Histogram && Some(metric.name) == of_histogram)
    })
}

/// Every metric that the text names, with the labels and values it is asked for.
fn used(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let metric = Regex::new(r"(mallsync_[a-z_]+)(?:\{([^}]*)\})?").unwrap();
    let matcher = Regex::new(r#"([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)""#).unwrap();
    let one = |c: regex::Captures<'_>| {
        let inside = c.get(2).map_or("", |labels| labels.as_str());
        let labels = matcher.captures_iter(inside).map(|m| (m[1].to_owned(), m[2].to_owned()));
        (c[1].to_owned(), labels.collect())
    };
    metric.captures_iter(text).map(one).collect()
}

/// Labels that expressions group by or that texts show.
fn grouped(text: &str) -> BTreeSet<String> {
    let by = Regex::new(r"by \(([^)]*)\)").unwrap();
    let shown = Regex::new(r"\{\{\s*(?:\$labels\.)?([a-z_]+)").unwrap();
    let by = by
        .captures_iter(text)
        .flat_map(|c| c[1].split(',').map(|label| label.trim().to_owned()).collect::<Vec<_>>());
    by.chain(shown.captures_iter(text).map(|c| c[1].to_owned())).collect()
}

/// Whether what a document asks for is there.
fn check_document(name: &str, text: &str, all: &[Sample]) {
    let asked = used(text);
    assert!(asked.len() > 10, "{name}");
    for (metric, labels) in asked {
        let samples: Vec<_> = all.iter().filter(|sample| sample.name == metric).collect();
        assert!(!samples.is_empty(), "{name}: {metric} is not there");
        let help = metric_of(&metric).unwrap().help;
        for (label, wanted) in labels {
            let there: BTreeSet<_> = samples.iter().filter_map(|s| s.labels.get(&label)).collect();
            assert!(!there.is_empty(), "{name}: {metric} has no label {label}");
            if wanted.starts_with('$') {
                continue;
            }
            for word in wanted.split('|') {
                // What has not happened has no series yet: the help names every word.
                assert!(
                    there.iter().any(|w| *w == word) || (label == "outcome" && help.contains(word)),
                    "{name}: {metric} never has {label}=\"{word}\""
                );
            }
        }
    }
    let there: BTreeSet<_> = all.iter().flat_map(|sample| sample.labels.keys().cloned()).collect();
    let asked = grouped(text);
    assert!(asked.is_subset(&there), "{name}: {asked:?} of {there:?}");
}

#[test]
fn every_metric_is_there_with_its_labels_alone_and_the_documents_ask_for_nothing_else() {
    let outside = Outside::new(11, 20, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    feed(&house, &outside);
    let daemon = house.daemon();
    let at = address(&daemon.log);
    daemon.log.wait(0, &["Slip registered."]);
    daemon.log.wait(0, &["Pass finished.", sim::RAKUTEN_SHOP, "\"stream\":\"new\""]);
    daemon.log.wait(0, &["Pass finished.", sim::RAKUTEN_SHOP, "\"stream\":\"open\""]);
    // An edit that is refused.
    house.change("[log]\nformat = \"json\"", "[log]\nformat = \"xml\"");
    let hup = Command::new("kill").args(["-HUP", &daemon.id().to_string()]).status().unwrap();
    assert!(hup.success());
    daemon.log.wait(0, &["refused"]);
    house.change("[log]\nformat = \"xml\"", "[log]\nformat = \"json\"");
    // The reload is counted right after its line, the end of the licence is asked for beside the passes.
    let there = |text: &str| {
        text.contains("mallsync_config_reloads_total{outcome=\"refused\"} 1")
            && text.contains(metrics::CREDENTIAL_EXPIRY.name)
    };
    let until = Instant::now() + GUARD;
    let (head, text) = loop {
        let (code, head, text) = get(at, "/metrics");
        assert_eq!(code, 200);
        if there(&text) {
            break (head, text);
        }
        assert!(Instant::now() < until, "{text}");
        std::thread::yield_now();
    };
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let all = samples(&text);
    for metric in metrics::ALL {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        assert!(text.contains(&format!("# TYPE {} {kind}\n", metric.name)), "{}\n{text}", metric.name);
        assert!(text.contains(&format!("# HELP {} ", metric.name)), "{}", metric.name);
        assert!(
            all.iter().any(|s| metric_of(&s.name).is_some_and(|m| m.name == metric.name)),
            "{}",
            metric.name
        );
    }
    // Nothing but names from the config and fixed words.
    let names = [sim::RAKUTEN_SHOP, "own-shop", "webcollect-main"];
    let word = Regex::new("^[a-z0-9_]+$").unwrap();
    for sample in &all {
        let metric = metric_of(&sample.name).unwrap_or_else(|| panic!("{} is not promised", sample.name));
        for (label, value) in &sample.labels {
            assert!(metric.labels.contains(&label.as_str()) || label == "le", "{} has {label}", sample.name);
            let good = match label.as_str() {
                "shop" | "settlement" => names.contains(&value.as_str()),
                "le" => true,
                _ => word.is_match(value),
            };
            assert!(good, "{}: {label}={value}", sample.name);
        }
    }
    assert!(all.len() < 600, "{} series for two shops and a settlement", all.len());
    // What was counted is what happened.
    let orders = house.json(&["orders", "list"]);
    for shop in [sim::RAKUTEN_SHOP, "own-shop"] {
        let stored = orders.as_array().unwrap().iter().filter(|order| order["shop"] == shop).count();
        let counted =
            all.iter().find(|s| s.name == metrics::ORDERS.name && s.labels["shop"] == shop).unwrap();
        assert!(stored > 0 && counted.value.parse::<usize>().unwrap() <= stored, "{shop} {}", counted.value);
        assert_ne!(counted.value, "0", "{shop}");
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let alerts = std::fs::read_to_string(docs.join("alerts.yml")).unwrap();
    check_document("alerts.yml", &alerts, &all);
    let dashboard = std::fs::read_to_string(docs.join("grafana-dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let mut asked = String::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            for key in ["expr", "legendFormat"] {
                asked.push_str(target[key].as_str().unwrap());
                asked.push('\n');
            }
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        asked.push_str(variable["query"].as_str().unwrap());
    }
    check_document("grafana-dashboard.json", &asked, &all);
    daemon.stop();
}
