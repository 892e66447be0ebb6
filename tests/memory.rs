//! Memory is bounded by a page, not by a backlog: the peak of a backfill does not grow with its orders. Simulator and
//! daemon are processes of their own (decisions.md 41).

#![cfg(test)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Orders of the smaller backfill; the larger one has three times as many.
const ORDERS: u64 = 1_000;
/// What the peaks may differ by, in KiB: far less than what 2,000 orders and their payloads take up in memory.
const MARGIN: u64 = 6 * 1024;

/// A process that is killed when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already, as a rule.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn mallsync(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mallsync"));
    command.current_dir(dir).args(args).env_clear().env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// `VmHWM` of a process that lives, in KiB.
fn peak_of(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The peak of a backfill of so many simulated orders, in KiB.
fn backfill(orders: u64) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let count = orders.to_string();
    let simulate = [
        &["simulate", "--listen", "127.0.0.1:0", "--speed", "100", "--orders", &count][..],
        &["--write-config", "mallsync.toml"],
    ];
    let mut simulator = mallsync(dir.path(), &simulate.concat());
    let mut simulator = Process(simulator.stderr(Stdio::piped()).spawn().unwrap());
    let mut said = BufReader::new(simulator.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.contains("listen on http://")), "the simulator did not start");

    let sync = ["--config", "mallsync.toml", "sync", "--shop", "rakuten-main", "--since", "370d"];
    let mut sync = mallsync(dir.path(), &[&sync[..], &["--format", "json"]].concat());
    sync.env("MALLSYNC__LOG__FILTER", "mallsync=debug").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut sync = Process(sync.spawn().unwrap());
    let mut peak = 0;
    // A line a request, and one at the end of each stream: each a look at what the process took up to then.
    let mut log = Vec::new();
    for line in BufReader::new(sync.0.stderr.take().unwrap()).lines() {
        peak = peak.max(peak_of(&sync.0).unwrap_or(0));
        log.push(line.unwrap());
    }
    let told = std::io::read_to_string(sync.0.stdout.take().unwrap()).unwrap();
    let last = &log[log.len().saturating_sub(20)..];
    assert!(sync.0.wait().unwrap().success(), "{told}\n{last:#?}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(told[0]["new"].as_u64().unwrap() >= orders, "{told}\n{last:#?}");
    assert!(peak > 0, "no figure was seen");
    peak
}

#[test]
fn a_longer_backfill_takes_no_more_memory() {
    let (small, large) = (backfill(ORDERS), backfill(3 * ORDERS));
    assert!(large < small + MARGIN, "{ORDERS} orders: {small} KiB, {}: {large} KiB", 3 * ORDERS);
}
