//! Commands beside a running daemon (decisions.md 32): they write, it takes up, they follow.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;

use super::binary::{code, mallsync, run, stderr, stdout};
use super::data::Shop;

/// A command that goes on until it is asked to end; killed when dropped.
struct Daemon {
    child: Child,
    log: Option<JoinHandle<()>>,
}

impl Daemon {
    fn start(shop: &Shop) -> Self {
        Self::of(mallsync(shop.path(), &["run"]), "mallsync started.")
    }

    /// Any command that goes on until it is asked to end; `sign` is what it says once it has started.
    fn of(mut command: Command, sign: &str) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let started = lines.by_ref().map(Result::unwrap).find(|line| line.contains(sign));
        assert!(started.is_some(), "it ended before it had started: {:?}", child.wait());
        // Read on, so that a full pipe never stops it.
        let log = Some(std::thread::spawn(move || lines.for_each(drop)));
        Self { child, log }
    }

    /// Asks it to end and gives its exit status.
    fn end(mut self) -> Option<i32> {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        let status = self.child.wait().unwrap();
        self.log.take().unwrap().join().unwrap();
        status.code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Ended already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn commands_work_beside_a_daemon_and_say_who_carries_on() {
    let shop = Shop::new("dry-run");
    let daemon = Daemon::start(&shop);
    assert_eq!(shop.json(&["status"])["daemon"], true);
    // Only one may poll and send.
    let second = shop.run(&["run"]);
    assert_eq!(code(&second), 1);
    assert!(stderr(&second).contains("mallsync.db.lock"), "{}", stderr(&second));
    let added = shop.run(&["slips", "add", "A-1", "400012345670"]);
    assert_eq!(code(&added), 0, "{}", stderr(&added));
    assert!(stderr(&added).contains("Queued for the running daemon."), "{}", stderr(&added));
    assert_eq!(shop.json(&["orders", "show", "A-1"])["slips"][0]["number"], "400012345670");
    // The daemon does the pass, the command waits for its result.
    let pass = shop.run(&["sync"]);
    assert_eq!(code(&pass), 0, "{}", stderr(&pass));
    assert!(stderr(&pass).contains("A daemon is running"), "{}", stderr(&pass));
    let summary: Value = serde_json::from_str(stdout(&pass)).unwrap();
    assert_eq!((&summary[0]["shop"], &summary[0]["error"]), (&Value::from("own-shop"), &Value::Null));
    assert_eq!(code(&shop.run(&["db", "migrate"])), 0);
    assert_eq!(daemon.end(), Some(0));
    assert_eq!(shop.json(&["status"])["daemon"], false);
}

#[test]
fn with_no_wait_the_rest_is_left_to_the_daemon() {
    // Nobody answers at the gateway: nothing can be sent, whoever waits waits for a minute.
    let shop = Shop::new("live");
    let daemon = Daemon::start(&shop);
    let added = shop.run(&["slips", "add", "A-1", "400012345670", "--no-wait"]);
    assert_eq!(code(&added), 0, "{}", stderr(&added));
    assert!(!stderr(&added).contains("Following"));
    let operations = shop.json(&["operations", "list"]);
    assert_eq!(operations.as_array().unwrap().len(), 1);
    assert_eq!((&operations[0]["kind"], &operations[0]["sends"]), (&"capture".into(), &0.into()));
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn the_simulators_write_a_config_that_holds_and_never_overwrite_one() {
    let dir = tempfile::tempdir().unwrap();
    let command =
        ["simulate", "--listen", "127.0.0.1:0", "--speed", "60", "--write-config", "sim/mallsync.toml"];
    let simulators = Daemon::of(mallsync(dir.path(), &command), "listen on http://127.0.0.1:");
    let config = ["--config", "sim/mallsync.toml"];
    let with = |args: &[&str]| run(dir.path(), &[&config[..], args].concat());
    let shown = with(&["config", "show"]);
    assert_eq!(code(&shown), 0, "{}", stderr(&shown));
    assert!(stdout(&shown).contains("[simulation]") && stdout(&shown).contains("dry-run"));
    // Every account answers.
    let checked = with(&["check"]);
    assert_eq!(code(&checked), 0, "{}{}", stdout(&checked), stderr(&checked));
    assert_eq!(simulators.end(), Some(0));
    let again = run(dir.path(), &command);
    assert_eq!(code(&again), 1);
    assert!(stderr(&again).contains("mallsync.toml"), "{}", stderr(&again));
    let open = run(dir.path(), &["simulate", "--listen", "0.0.0.0:0"]);
    assert_eq!(code(&open), 2);
}
