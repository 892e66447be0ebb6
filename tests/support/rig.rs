//! A merchant's machine: folders, config, database, and the simulated world that its config points at.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mallsync::clock::{Clock, Simulation, SystemClock, Timestamp};
use mallsync::sim::{self, Catalogue, ClockTriple, Folders, Options, Server, Shop, World};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::process::Process;

/// Simulated time when a world begins.
pub fn noon() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap()
}

/// How long the shops have been open then.
pub const HISTORY: Duration = Duration::from_secs(3 * 86_400);
/// Nothing that a test waits for takes so long; a guard against waiting for ever.
const GUARD: Duration = Duration::from_secs(90);

/// The outside: malls, cart, carrier, gateway, and their clock.
pub struct Outside {
    runtime: Runtime,
    pub world: Arc<World>,
    server: Option<Server>,
    pub clock: Simulation,
}

impl Outside {
    /// A world with `orders` orders at Rakuten and in the cart each, at `speed`, from `clock` on.
    pub fn new(seed: u64, orders: u64, clock: Simulation) -> Self {
        Self::of(seed, orders, clock, |options| options)
    }

    /// Likewise with a shop at each of the four malls.
    pub fn four(seed: u64, orders: u64, clock: Simulation) -> Self {
        Self::of(seed, orders, clock, Options::with_all_malls)
    }

    /// Likewise, as `more` makes of it.
    pub fn of(seed: u64, orders: u64, clock: Simulation, more: impl FnOnce(Options) -> Options) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let catalogue = Catalogue::spread(noon(), HISTORY, orders);
        let simulated = Arc::new(SystemClock::new(Some(clock)));
        let world = World::new(more(Options {
            speed: clock.speed,
            rakuten: vec![Shop::new(sim::RAKUTEN_SHOP, sim::RAKUTEN_SHOP_ID, 1, catalogue)],
            cart: catalogue,
            ..Options::per_day(seed, simulated, 1, HISTORY)
        }));
        let server = runtime.block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            Server::start(listener, Arc::clone(&world)).unwrap()
        });
        Self { runtime, world, server: Some(server), clock }
    }

    /// A clock that shows `start` now.
    pub fn clock(start: Timestamp, speed: u32) -> Simulation {
        Simulation { start, epoch: SystemClock::default().wall(), speed }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.server.as_ref().unwrap().addr()
    }

    /// Does work beside the world.
    pub fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(work)
    }

    /// Waits until the simulated clock shows `at`.
    pub fn reach(&self, at: Timestamp) {
        drop(self.block_on(self.world.options().clock.sleep_until(at)));
    }

    /// Waits for calls.
    pub fn until(&self, what: &str, met: impl Fn(&World) -> bool) {
        let waited = async { tokio::time::timeout(GUARD, self.world.until(met)).await };
        assert!(self.runtime.block_on(waited).is_ok(), "{what}: {:?}", self.world.counts());
    }

    /// Calls of one function.
    pub fn count(&self, name: &str) -> u64 {
        self.world.counts().get(name).copied().unwrap_or(0)
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }
}

/// A machine with a config of its own.
pub struct House {
    dir: TempDir,
    pub folders: Folders,
    /// The config file's text, to be changed and written again.
    pub text: String,
}

impl House {
    /// Live against `outside`, an SQLite database, JSON lines at `info`, a pass every thirty seconds.
    pub fn new(outside: &Outside) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders::below(dir.path());
        folders.prepare(outside.world.options()).unwrap();
        let Simulation { start, epoch, speed } = outside.clock;
        let addr = outside.addr();
        let triple = ClockTriple { start, epoch, speed };
        let since = (noon() - HISTORY - Duration::from_secs(86_400)).jst_date();
        let text = sim::config_toml(
            addr,
            outside.world.options(),
            &folders,
            &dir.path().join("mallsync.db"),
            triple,
            since,
        );
        let mut house = Self { dir, folders, text };
        house.change("mode = \"dry-run\"", "mode = \"live\"");
        house.change("\"*/5 * * * *\"", "\"*/30 * * * * *\"");
        house.text.push_str("\n[log]\nformat = \"json\"\nfilter = \"info\"\n\n[daemon]\nlanguage = \"en\"\n");
        house.write();
        house
    }

    /// Points the config at another world with another clock.
    pub fn move_to(&mut self, outside: &Outside) {
        let exact = |at: Timestamp| at.jst().to_rfc3339_opts(chrono::SecondsFormat::Micros, false);
        let Simulation { start, epoch, .. } = outside.clock;
        for (key, value) in [("start", exact(start)), ("epoch", exact(epoch))] {
            let line =
                self.text.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap().to_owned();
            self.change(&line, &format!("{key} = \"{value}\""));
        }
        let old = self.text.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        self.change(&old, &outside.addr().to_string());
    }

    /// Another config with `from` replaced.
    pub fn change(&mut self, from: &str, to: &str) {
        assert!(self.text.contains(from), "{from} is not in\n{}", self.text);
        self.text = self.text.replace(from, to);
        self.write();
    }

    /// The part of the config from `[NAME]` to the next shop or settlement.
    pub fn section(&self, name: &str) -> String {
        let begin = self.text.find(&format!("[{name}]")).unwrap();
        let rest = &self.text[begin + 1..];
        let end = ["\n[shops.", "\n[settlements.", "\n# The simulated B2"];
        let end = end.iter().filter_map(|next| rest.find(next)).min().unwrap();
        self.text[begin..=begin + end].to_owned()
    }

    fn write(&self) {
        fs::write(self.config(), &self.text).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("mallsync.toml")
    }

    /// A command of the real binary.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mallsync"));
        command.current_dir(self.dir.path()).arg("--config").arg(self.config()).args(args);
        command.env_clear().env("LC_ALL", "C").stdin(Stdio::null());
        // Several daemons run side by side here.
        command.env("MALLSYNC__DAEMON__LISTEN", "127.0.0.1:0");
        command
    }

    /// The daemon, not waited for.
    pub fn launch(&self) -> Process {
        Process::start(&mut self.command(&["run"]))
    }

    /// The daemon, once it has started.
    pub fn daemon(&self) -> Process {
        let daemon = self.launch();
        daemon.log.wait(0, &["mallsync started."]);
        daemon
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What a command that went well wrote.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Drops an order file that has not changed for an hour; `n` puts several in order.
    pub fn drop_orders(&self, name: &str, bytes: &[u8], n: u64) {
        let unfinished = self.folders.orders.join(format!("{name}.tmp"));
        fs::write(&unfinished, bytes).unwrap();
        settle(&unfinished, n);
        fs::rename(&unfinished, self.folders.orders.join(name)).unwrap();
    }

    /// Writes a slip file and gives its path.
    pub fn slip_file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folders.slips.join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// Whether an import of slips took place: rows may be held or refused. Where it did not, the file is imported again.
pub fn imported(output: &Output) -> bool {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    !said.contains("error:")
}

/// Makes a file look as if it had been written to its end an hour ago.
pub fn settle(path: &Path, n: u64) {
    #[expect(clippy::disallowed_methods, reason = "files carry the machine's own time")]
    let then = SystemTime::now() - Duration::from_secs(3_600) + Duration::from_secs(n);
    File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}
