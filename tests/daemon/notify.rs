//! What systemd is told over its socket: ready, reloading, stopping, alive.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use crate::postgres::Postgres;
use crate::process::Process;
use crate::rig::{House, Outside, noon};

/// Nothing that a test waits for takes so long; a guard against waiting for ever.
const GUARD: Duration = Duration::from_secs(90);

/// systemd's end of the socket.
struct Systemd {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Systemd {
    fn new(house: &House) -> Self {
        let path = house.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(GUARD)).unwrap();
        Self { socket, path }
    }

    fn launch(&self, house: &House) -> Process {
        let mut command = house.command(&["run"]);
        Process::start(command.env("NOTIFY_SOCKET", &self.path).env("WATCHDOG_USEC", "400000"))
    }

    /// The next message that is not just a sign of life, variable by variable.
    fn next(&self) -> Vec<String> {
        loop {
            let message = self.any();
            if message != ["WATCHDOG=1"] {
                return message;
            }
        }
    }

    fn any(&self) -> Vec<String> {
        let mut bytes = [0; 4_096];
        let length = self.socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).lines().map(str::to_owned).collect()
    }

    /// Whether nothing has come that was not read.
    fn is_silent(&self) -> bool {
        self.socket.set_nonblocking(true).unwrap();
        self.socket.recv(&mut [0; 4_096]).is_err()
    }

    fn feedings(&self, times: usize) {
        for _ in 0..times {
            while self.any() != ["WATCHDOG=1"] {}
        }
    }
}

fn has(message: &[String], variable: &str) -> bool {
    message.iter().any(|line| line.starts_with(variable))
}

#[test]
fn systemd_hears_when_the_schedulers_run_when_the_config_is_read_again_and_when_they_stop() {
    let outside = Outside::new(11, 4, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    let systemd = Systemd::new(&house);
    let mut daemon = systemd.launch(&house);
    let ready = systemd.next();
    assert!(has(&ready, "READY=1"), "nothing comes before it: {ready:?}");
    assert!(has(&ready, "STATUS=Shops polled: 2, settlements in force: 1."), "{ready:?}");
    // Every scheduler has made its rows by then.
    let shops = house.json(&["status"])["shops"].clone();
    assert!(shops.as_array().unwrap().iter().all(|shop| !shop["next_run_at"].is_null()), "{shops}");

    daemon.hang_up();
    let reloading = systemd.next();
    assert!(has(&reloading, "RELOADING=1"), "{reloading:?}");
    let micros = reloading.iter().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
    assert!(micros.parse::<u64>().unwrap() > 0);
    let again = systemd.next();
    assert!(has(&again, "READY=1") && again.iter().any(|line| line.contains("config reloaded")), "{again:?}");

    house.change("capture = \"slip\"", "capture = \"slips\"");
    daemon.hang_up();
    assert!(has(&systemd.next(), "RELOADING=1"));
    let refused = systemd.next();
    assert!(has(&refused, "READY=1"), "the daemon goes on: {refused:?}");
    let why = refused.iter().find(|line| line.starts_with("STATUS=")).unwrap();
    assert!(why.contains("config refused") && why.contains("settlements.webcollect-main.capture"), "{why}");

    daemon.terminate();
    let stopping = systemd.next();
    assert!(has(&stopping, "STOPPING=1") && has(&stopping, "EXTEND_TIMEOUT_USEC="), "{stopping:?}");
    assert_eq!(daemon.ended(), Some(0), "{}", daemon.log.lines().join("\n"));
}

#[test]
fn systemctl_status_reads_in_the_language_of_the_config() {
    let outside = Outside::new(11, 1, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    house.change("language = \"en\"", "language = \"ja\"");
    let systemd = Systemd::new(&house);
    let mut daemon = systemd.launch(&house);
    let said = |message: &[String]| message.iter().find(|line| line.starts_with("STATUS=")).unwrap().clone();
    assert_eq!(said(&systemd.next()), "STATUS=巡回中の店舗: 2、有効な決済契約: 1。");
    house.change("capture = \"slip\"", "capture = \"slips\"");
    daemon.hang_up();
    assert_eq!(said(&systemd.next()), "STATUS=設定を読み直しています。");
    let refused = said(&systemd.next());
    assert!(refused.contains("前回の読み直し: 編集された設定は使えません"), "{refused}");
    daemon.terminate();
    assert_eq!(said(&systemd.next()), "STATUS=送信中のものを終えています。");
    assert_eq!(daemon.ended(), Some(0));
    // The log stays English.
    daemon.log.wait(0, &["Config refused; the one before stays in force."]);
}

#[test]
fn a_config_that_cannot_be_used_ends_the_start_before_systemd_hears_of_it() {
    let outside = Outside::new(11, 1, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    house.change("capture = \"slip\"", "capture = \"slips\"");
    let systemd = Systemd::new(&house);
    assert_eq!(systemd.launch(&house).ended(), Some(78));
    assert!(systemd.is_silent());
}

#[test]
fn the_watchdog_is_fed_while_the_daemon_goes_round_and_a_database_that_is_away_is_no_reason_to_kill_it() {
    let postgres = Postgres::start();
    let outside = Outside::new(11, 4, Outside::clock(noon(), 60));
    let mut house = House::new(&outside);
    let sqlite = format!("sqlite:{}", house.path().join("mallsync.db").display());
    house.change(&sqlite, &postgres.url());
    let systemd = Systemd::new(&house);
    let mut daemon = systemd.launch(&house);
    assert!(has(&systemd.next(), "READY=1"));
    systemd.feedings(3);
    let before = daemon.log.len();
    postgres.stop();
    daemon.log.wait(before, &["Database did not answer."]);
    systemd.feedings(3);
    // A reload needs no database to be taken up, and what it cannot store is told.
    daemon.hang_up();
    while !has(&systemd.next(), "READY=1") {}
    daemon.log.wait(before, &["\"Config reloaded.\""]);
    postgres.again();
    daemon.log.wait(daemon.log.len(), &["Pass finished."]);
    systemd.feedings(2);
    daemon.terminate();
    assert!(has(&systemd.next(), "STOPPING=1"));
    assert_eq!(daemon.ended(), Some(0));
}
