//! Databases for tests: an SQLite file and a PostgreSQL database each, on a clock that stands still.
//!
//! PostgreSQL is a server of this process alone, made from the binaries on this machine (as an unprivileged user when the
//! tests run as root), reached by a socket, gone when the process is. With `MALLSYNC_TEST_POSTGRES_URL` that server is
//! used instead; it is meant to be a throw-away one. No PostgreSQL at all is a failure: never a skip.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use mallsync::clock::{Ambient, ManualClock, Timestamp};
use mallsync::store::{Access, Store};
use sqlx::{Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

pub mod rows;

/// A fresh, migrated database.
pub struct TestStore {
    /// `sqlite` or `postgres`, for messages of failed assertions.
    pub name: &'static str,
    /// Opened as the daemon opens it.
    pub store: Store,
    /// For further connections.
    pub url: String,
    /// The clock of `store`.
    pub clock: ManualClock,
    _dir: Option<TempDir>,
}

impl TestStore {
    /// A further process on the same database.
    pub async fn another(&self, access: Access) -> Store {
        let ambient = Ambient::new(Arc::new(self.clock.clone()));
        Store::open(&self.url, None, access, &ambient).await.unwrap()
    }
}

/// The clock of new stores shows this.
pub fn start() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap()
}

/// One store on each database.
pub async fn stores() -> Vec<TestStore> {
    vec![sqlite().await, postgres().await]
}

/// A store in a file of its own.
pub async fn sqlite() -> TestStore {
    let dir = TempDir::new().unwrap();
    let url = format!("sqlite:{}", dir.path().join("test.db").display());
    open("sqlite", url, Some(dir)).await
}

/// A store in a database of its own of the tests' server.
pub async fn postgres() -> TestStore {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let pid = std::process::id();
    let template = TEMPLATE
        .get_or_init(|| async {
            let template = format!("mallsync_test_{pid}");
            create(&template, None).await;
            let ambient = Ambient::new(Arc::new(ManualClock::new(start())));
            let store = Store::open(&url_of(&template), None, Access::Daemon, &ambient).await.unwrap();
            store.close().await;
            template
        })
        .await;
    let name = format!("mallsync_test_{pid}_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    create(&name, Some(template)).await;
    open("postgres", url_of(&name), None).await
}

async fn open(name: &'static str, url: String, dir: Option<TempDir>) -> TestStore {
    let clock = ManualClock::new(start());
    let ambient = Ambient::seeded(Arc::new(clock.clone()), 7);
    let store = Store::open(&url, None, Access::Daemon, &ambient).await.unwrap();
    TestStore { name, store, url, clock, _dir: dir }
}

/// Creates a database, one at a time: a template must not be copied while it is in use.
async fn create(name: &str, template: Option<&str>) {
    static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _one = ONE.lock().await;
    let sql = match template {
        Some(template) => format!("CREATE DATABASE {name} TEMPLATE {template}"),
        None => format!("CREATE DATABASE {name}"),
    };
    let mut conn = PgConnection::connect(&url_of("postgres")).await.unwrap();
    let sql: &'static str = sql.leak();
    conn.execute(sql).await.unwrap();
    conn.close().await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "where the tests' PostgreSQL is, is the environment's to say")]
fn given() -> Option<String> {
    std::env::var("MALLSYNC_TEST_POSTGRES_URL").ok()
}

/// The URL of a database of the tests' server.
fn url_of(database: &str) -> String {
    if let Some(url) = given() {
        let mut url = url::Url::parse(&url).expect("MALLSYNC_TEST_POSTGRES_URL is a URL");
        url.set_path(database);
        return url.to_string();
    }
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(Server::start);
    format!("postgres://mallsync@localhost/{database}?host={}", server.socket.display())
}

/// A server that ends with this process: the shell that guards it waits for the end of its standard input.
pub struct Server {
    /// The folder of its socket, and of its data.
    pub socket: PathBuf,
    _guard: Child,
}

/// Nothing waits for the disk. By the server's own choice commits do not wait for the log either: the store must ask for
/// that itself.
pub const OPTIONS: &str = "-c listen_addresses= -c fsync=off -c full_page_writes=off -c synchronous_commit=off \
     -c max_connections=200";

/// Makes a cluster, starts it, says where it is, and cleans up when nobody holds its standard input any more.
const GUARD: &str = r#"
set -e
dir=$(mktemp -d /tmp/mallsync-pg-XXXXXX)
trap 'rm -rf "$dir"' EXIT
"$1/initdb" --no-sync --auth=trust --username=mallsync --encoding=UTF8 --locale=C -D "$dir/data" >"$dir/log" 2>&1 ||
    { cat "$dir/log"; exit 1; }
"$1/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 120 -o "$2 -k $dir" start >/dev/null ||
    { cat "$dir/log"; exit 1; }
echo "ready $dir"
cat >/dev/null
"$1/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1
"#;

impl Server {
    /// Makes a cluster and starts it.
    pub fn start() -> Self {
        let bin = binaries().expect(
            "PostgreSQL is needed for the tests: install it (Debian: `apt-get install postgresql`) or set \
             MALLSYNC_TEST_POSTGRES_URL",
        );
        let mut command = unprivileged();
        command.args(["sh", "-c", GUARD, "sh"]).arg(bin).arg(OPTIONS).current_dir("/");
        let mut guard = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(guard.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let Some(dir) = line.trim().strip_prefix("ready ") else {
            said.read_to_string(&mut line).unwrap();
            panic!("PostgreSQL did not start:\n{line}");
        };
        Self { socket: PathBuf::from(dir), _guard: guard }
    }
}

/// The folder with the newest server's binaries.
pub fn binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    let asked = Command::new("pg_config").arg("--bindir").output().ok();
    let asked = asked.map(|o| PathBuf::from(String::from_utf8_lossy(&o.stdout).trim().to_owned()));
    let others = asked.into_iter().chain([PathBuf::from("/usr/local/bin"), PathBuf::from("/usr/bin")]);
    found.pop().or_else(|| others.into_iter().find(|bin| bin.join("initdb").exists()))
}

/// A command line that drops root's rights first: PostgreSQL refuses to run as root.
pub fn unprivileged() -> Command {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !is_root {
        return Command::new("env");
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
    };
    let (uid, gid) = of("postgres").or_else(|| of("nobody")).expect("a user `postgres` or `nobody`");
    if Path::new("/usr/bin/setpriv").exists() {
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
        return command;
    }
    let name = if of("postgres").is_some() { "postgres" } else { "nobody" };
    let mut command = Command::new("runuser");
    command.args(["-u", name, "--"]);
    command
}
