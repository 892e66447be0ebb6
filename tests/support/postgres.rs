//! A PostgreSQL server of one test's own, which it stops, kills and starts again on the same data and the same socket.

use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use sqlx::{Connection, Executor, PgConnection};

use crate::support::{self, OPTIONS, Server};

/// No server takes so long to come back; a guard against waiting for ever.
const GUARD: Duration = Duration::from_secs(120);

/// The server.
pub struct Postgres(Server);

impl Postgres {
    pub fn start() -> Self {
        Self(Server::start())
    }

    /// Where a config finds it.
    pub fn url(&self) -> String {
        format!("postgres://mallsync@localhost/postgres?host={}", self.0.socket.display())
    }

    fn control(&self, arguments: &[&str]) -> Output {
        let mut command = support::unprivileged();
        command.arg(support::binaries().unwrap().join("pg_ctl")).arg("-D").arg(self.0.socket.join("data"));
        command.args(arguments).current_dir("/").output().unwrap()
    }

    fn run(&self, user: &str, sql: String) {
        let url = self.url().replace("//mallsync@", &format!("//{user}@"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let sql: &'static str = sql.leak();
            connection.execute(sql).await.unwrap();
            connection.close().await.unwrap();
        });
    }

    /// From now on only who knows it gets in.
    pub fn demand_password(&self, password: &str) {
        self.run("mallsync", "CREATE ROLE admin SUPERUSER LOGIN".to_owned());
        self.set_password(password);
        let rules = self.0.socket.join("data").join("pg_hba.conf");
        fs::write(&rules, "local all admin trust\nlocal all all scram-sha-256\n").unwrap();
        let output = self.control(&["reload"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The server knows another one.
    pub fn set_password(&self, password: &str) {
        self.run("admin", format!("ALTER ROLE mallsync PASSWORD '{password}'"));
    }

    /// As when the machine loses power.
    pub fn stop(&self) {
        let output = self.control(&["-m", "immediate", "-w", "stop"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// SIGKILL to the first process. The others notice and end, after the statements that they are at.
    pub fn kill(&self) {
        let file = fs::read_to_string(self.0.socket.join("data/postmaster.pid")).unwrap();
        let first = file.lines().next().unwrap();
        assert!(Command::new("kill").args(["-KILL", first]).status().unwrap().success());
    }

    /// Starts it again. While processes of a killed one are left, the server refuses to start; it is asked again.
    pub fn again(&self) {
        let log = self.0.socket.join("log");
        let options = format!("{OPTIONS} -k {}", self.0.socket.display());
        let until = Instant::now() + GUARD;
        loop {
            let start = ["-l", log.to_str().unwrap(), "-w", "-t", "120", "-o", &options, "start"];
            let output = self.control(&start);
            if output.status.success() {
                return;
            }
            let why = fs::read_to_string(&log).unwrap_or_default();
            assert!(Instant::now() < until, "{}{why}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
