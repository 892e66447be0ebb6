//! Commands that go on until they are asked to end, and a home that points at the simulators.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;

use super::binary::{code, mallsync, run, stderr, stdout};
use super::data::Shop;

/// A command that goes on until it is asked to end; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    log: Option<JoinHandle<()>>,
    /// The line that said that it had started.
    pub(crate) sign: String,
}

impl Daemon {
    pub(crate) fn start(shop: &Shop) -> Self {
        Self::of(mallsync(shop.path(), &["run"]), "mallsync started.")
    }

    /// `sign` is in what it says once it has started.
    pub(crate) fn of(mut command: Command, sign: &str) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let started = lines.by_ref().map(Result::unwrap).find(|line| line.contains(sign));
        assert!(started.is_some(), "it ended before it had started: {:?}", child.wait());
        // Read on, so that a full pipe never stops it.
        let log = Some(std::thread::spawn(move || lines.for_each(drop)));
        Self { child, log, sign: started.unwrap() }
    }

    /// Asks it to end and gives its exit status.
    pub(crate) fn end(mut self) -> Option<i32> {
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

/// `simulate`, and a config that points at it.
pub(crate) struct Simulated {
    dir: tempfile::TempDir,
    pub(crate) daemon: Daemon,
}

/// How the simulators are started.
pub(crate) const SIMULATE: [&str; 7] =
    ["simulate", "--listen", "127.0.0.1:0", "--speed", "60", "--write-config", "sim/mallsync.toml"];

impl Simulated {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let daemon = Daemon::of(mallsync(dir.path(), &SIMULATE), "listen on http://127.0.0.1:");
        Self { dir, daemon }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        run(self.path(), &[&["--config", "sim/mallsync.toml"], args].concat())
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
        serde_json::from_str(stdout(&output)).unwrap()
    }

    /// Changes the config that was written.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let file = self.path().join("sim/mallsync.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(file, text.replace(from, to)).unwrap();
    }

    /// The first file that the simulators put into a folder, once it is there.
    pub(crate) fn file(&self, folder: &str) -> String {
        loop {
            let names = std::fs::read_dir(self.path().join(folder)).unwrap();
            let names = names.map(|entry| entry.unwrap().path());
            let first = names.filter(|path| path.extension().is_some_and(|e| e == "csv")).min();
            if let Some(first) = first {
                return first.to_str().unwrap().to_owned();
            }
            assert!(Path::new("/proc").join(self.daemon.child.id().to_string()).exists());
            std::thread::yield_now();
        }
    }

    /// A call of the simulators' control.
    fn control(&self, method: &str, path: &str, body: &str) -> String {
        let (_, rest) = self.daemon.sign.split_once("http://").unwrap();
        let address: String = rest.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
        let mut stream = TcpStream::connect(&address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} /_sim/{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Staff at the gateway's console.
    pub(crate) fn by_hand(&self, function: &str, number: &str) {
        let body = serde_json::json!({ "function_div": function, "order_no": number }).to_string();
        let answer = self.control("POST", "webcollect/by-hand", &body);
        assert!(answer.contains(r#"{"code":""}"#), "{answer}");
    }

    /// The gateway's own books: how often each reception number was captured.
    pub(crate) fn captures(&self) -> Vec<(String, u64)> {
        let answer = self.control("GET", "books", "");
        let (from, to) = (answer.find('[').unwrap(), answer.rfind(']').unwrap());
        let books: Value = serde_json::from_str(&answer[from..=to]).unwrap();
        let books = books.as_array().unwrap().iter();
        let mut captured: Vec<(String, u64)> = books
            .filter(|sale| sale["effective_captures"] != 0)
            .map(|sale| {
                let number = sale["order_no"].as_str().unwrap().to_owned();
                (number, sale["effective_captures"].as_u64().unwrap())
            })
            .collect();
        captured.sort();
        captured
    }
}
