//! A process of ours: its output line by line as it comes, and what becomes of it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nothing that a test waits for takes so long; a guard against waiting for ever.
const GUARD: Duration = Duration::from_secs(300);

/// What a process said, as it says it.
#[derive(Default)]
pub struct Log {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    ended: bool,
}

impl Log {
    fn read(self: &Arc<Self>, from: impl Read + Send + 'static) -> JoinHandle<()> {
        let log = Arc::clone(self);
        std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                log.said.lock().unwrap_or_else(PoisonError::into_inner).lines.push(text);
                log.more.notify_all();
            }
            log.said.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
            log.more.notify_all();
        })
    }

    /// The first line from number `from` on that `met` takes: its number. `None`: the process ended without one.
    pub fn find(&self, from: usize, mut met: impl FnMut(&str) -> bool) -> Option<usize> {
        let until = Instant::now() + GUARD;
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = from;
        loop {
            while let Some(line) = said.lines.get(next) {
                if met(line) {
                    return Some(next);
                }
                next += 1;
            }
            if said.ended {
                return None;
            }
            let left = until.saturating_duration_since(Instant::now());
            let tail = said.lines.len().saturating_sub(40);
            assert!(!left.is_zero(), "it was not said:\n{}", said.lines[tail..].join("\n"));
            said = self.more.wait_timeout(said, left).unwrap().0;
        }
    }

    /// Like [`Log::find`], for a line with all of `words` in it.
    pub fn wait(&self, from: usize, words: &[&str]) -> usize {
        let found = self.find(from, |line| words.iter().all(|word| line.contains(word)));
        found.unwrap_or_else(|| panic!("it ended before it said {words:?}:\n{}", self.lines().join("\n")))
    }

    /// Everything so far.
    pub fn lines(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }

    /// How many lines have all of `words` in them, from number `from` on.
    pub fn count(&self, from: usize, words: &[&str]) -> usize {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.lines[from..].iter().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }

    /// Lines so far.
    pub fn len(&self) -> usize {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).lines.len()
    }
}

/// A running process; killed when dropped.
pub struct Process {
    child: Child,
    /// What it writes to stderr.
    pub log: Arc<Log>,
    /// What it writes to stdout.
    pub out: Arc<Log>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (log, out) = (Arc::new(Log::default()), Arc::new(Log::default()));
        let readers = vec![log.read(child.stderr.take().unwrap()), out.read(child.stdout.take().unwrap())];
        Self { child, log, out, readers }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        assert!(Command::new("kill").arg(self.id().to_string()).status().unwrap().success());
    }

    /// SIGHUP, and the lines from there on.
    pub fn hang_up(&self) -> usize {
        let from = self.log.len();
        assert!(Command::new("kill").args(["-HUP", &self.id().to_string()]).status().unwrap().success());
        from
    }

    /// Waits for its end: the exit status, `None` when a signal ended it.
    pub fn ended(&mut self) -> Option<i32> {
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        self.child.wait().unwrap().code()
    }

    /// Waits for its end: exit status and output.
    pub fn output(mut self) -> Output {
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let status = self.child.wait().unwrap();
        let bytes = |log: &Log| log.lines().join("\n").into_bytes();
        Output { status, stdout: bytes(&self.out), stderr: bytes(&self.log) }
    }

    /// SIGKILL, at once.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.ended(), None, "it had ended by itself: {}", self.log.lines().join("\n"));
    }

    /// SIGTERM; the exit status must be 0.
    pub fn stop(mut self) {
        self.terminate();
        assert_eq!(self.ended(), Some(0), "{}", self.log.lines().join("\n"));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
