//! The daemon that runs on this config, from outside: which process and unit it is, and how it is told to reload.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::context::Context;
use super::failure::Failure;
use crate::store::{Access, Store, StoreError};

/// The unit of `/etc/mallsync/mallsync.toml`.
const UNIT: &str = "mallsync.service";
/// Where administrators put drop-ins, and packages theirs.
const DROP_INS: [&str; 3] = ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"];
/// Exists where systemd is the init system (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

/// What became of a reload.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// This process or unit was told.
    Reloaded(String),
    /// No daemon runs on this database.
    NotRunning,
    /// One does, and which is not known from here.
    Unknown,
    /// This process or unit could not be told: why.
    Refused(String, String),
}

/// Has the running daemon read its config and secrets again: through systemd, which checks the config first, or by SIGHUP.
///
/// # Errors
/// When the database cannot be asked.
pub async fn reload(context: &Context) -> Result<Told, Failure> {
    let main = context.config.files.first().map_or(Path::new(""), PathBuf::as_path);
    let unit = unit_of(&std::path::absolute(main)?);
    let lock = context.config.database.url.strip_prefix("sqlite:");
    let lock = lock.map(|path| PathBuf::from(format!("{}.lock", path.strip_prefix("//").unwrap_or(path))));
    if let Some(lock) = lock {
        let Some(process) = holder(&lock) else { return Ok(Told::NotRunning) };
        let cgroup = fs::read_to_string(format!("/proc/{process}/cgroup")).unwrap_or_default();
        // systemd takes orders from root; who owns the process may still tell it directly, and it checks the config itself.
        if let Some(unit) = unit_in(&cgroup).filter(|_| is_root()) {
            return Ok(systemctl_reload(unit));
        }
        if !hang_up(process) {
            return Ok(Told::Refused(format!("PID {process}"), "kill -HUP".to_owned()));
        }
        return Ok(Told::Reloaded(format!("PID {process}")));
    }
    // Several daemons may share a PostgreSQL, on several machines: the one of this config on this machine is meant.
    if Path::new(BOOTED).exists()
        && succeeds(Command::new("systemctl").args(["is-active", "--quiet", &unit]).output())
    {
        return Ok(systemctl_reload(&unit));
    }
    let alive = match context.store(Access::Read).await {
        Ok(store) => alive(&store, context).await?,
        Err(_) => false,
    };
    Ok(if alive { Told::Unknown } else { Told::NotRunning })
}

async fn alive(store: &Store, context: &Context) -> Result<bool, StoreError> {
    store.daemon_alive(context.ambient.wall()).await
}

/// The process of `mallsync run` that holds the lock file. Commands that move money hold it too for a while, and a hang-up
/// would end them.
fn holder(lock: &Path) -> Option<u32> {
    let inode = fs::metadata(lock).ok()?.ino();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    holders(&locks, inode).into_iter().find(|process| {
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        is_daemon(&line)
    })
}

/// Processes that hold a lock of the file with this inode (proc_locks(5)). The device is not compared: some file systems
/// show another one there.
fn holders(locks: &str, inode: u64) -> Vec<u32> {
    let holder = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, process, file, ..] = fields.as_slice() else { return None };
        let held = file.rsplit(':').next()?.parse::<u64>().ok()?;
        (held == inode).then(|| process.parse().ok()).flatten()
    };
    locks.lines().filter_map(holder).collect()
}

/// Whether a command line is that of the daemon.
fn is_daemon(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == 0);
    let program = words.next().unwrap_or_default();
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    name == b"mallsync" && words.any(|word| word == b"run")
}

/// The unit that a process belongs to, if it is one of ours (cgroups(7)).
fn unit_in(cgroup: &str) -> Option<&str> {
    let unit = |line: &str| -> Option<usize> {
        let name = line.rsplit('/').next()?;
        (is_ours(name)).then_some(name.len())
    };
    cgroup.lines().find_map(|line| unit(line).map(|length| &line[line.len() - length..]))
}

fn is_ours(unit: &str) -> bool {
    let name = unit.strip_suffix(".service");
    name.is_some_and(|name| {
        name == "mallsync" || name.strip_prefix("mallsync@").is_some_and(|i| !i.is_empty())
    })
}

/// The unit that runs on a config file: `mallsync@NAME.service` for `/etc/mallsync/NAME/mallsync.toml`.
pub fn unit_of(config: &Path) -> String {
    let folder = config.parent().unwrap_or(Path::new(""));
    match folder.strip_prefix("/etc/mallsync").ok().and_then(Path::to_str) {
        Some(name) if !name.is_empty() && !name.contains('/') => format!("mallsync@{name}.service"),
        _ => UNIT.to_owned(),
    }
}

/// The file behind a credential of the unit, as a drop-in or the unit itself names it (systemd.exec(5)).
pub fn credential(unit: &str, name: &str) -> Option<String> {
    let mut files = Vec::new();
    for folder in DROP_INS.map(Path::new) {
        files.push(folder.join(unit));
        let drop_ins = fs::read_dir(folder.join(format!("{unit}.d"))).into_iter().flatten().flatten();
        files.extend(
            drop_ins.map(|entry| entry.path()).filter(|p| p.extension().is_some_and(|e| e == "conf")),
        );
    }
    files.iter().find_map(|file| loaded(&fs::read_to_string(file).ok()?, name))
}

fn loaded(unit: &str, name: &str) -> Option<String> {
    unit.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        let (loaded, source) = value.trim().split_once(':')?;
        (matches!(key.trim(), "LoadCredential" | "LoadCredentialEncrypted") && loaded == name)
            .then(|| source.to_owned())
    })
}

/// A process's files in /proc belong to its effective user.
fn is_root() -> bool {
    fs::metadata("/proc/self/status").is_ok_and(|meta| meta.uid() == 0)
}

fn systemctl_reload(unit: &str) -> Told {
    match Command::new("systemctl").args(["reload", unit]).output() {
        Ok(output) if output.status.success() => Told::Reloaded(unit.to_owned()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Told::Refused(unit.to_owned(), said.lines().next().unwrap_or_default().trim().to_owned())
        }
        Err(error) => Told::Refused(unit.to_owned(), error.to_string()),
    }
}

/// SIGHUP. A shell has its own `kill`; the program is missing on small systems.
fn hang_up(process: u32) -> bool {
    let output =
        Command::new("/bin/sh").args(["-c", "kill -HUP \"$1\"", "sh"]).arg(process.to_string()).output();
    succeeds(output)
}

fn succeeds(output: std::io::Result<Output>) -> bool {
    output.is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_lock_is_read_from_the_kernels_table() {
        let locks = "1: FLOCK  ADVISORY  WRITE 708 fe:00:4711 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 9 fe:00:4711 0 EOF\n\
                     2: POSIX  ADVISORY  READ 709 fe:00:4711 128 128\n3: FLOCK  ADVISORY  WRITE 710 00:1f:4712 0 EOF\n";
        assert_eq!(holders(locks, 4711), [708]);
        assert_eq!(holders(locks, 4712), [710]);
        assert!(holders(locks, 1).is_empty());
    }

    #[test]
    fn a_command_that_holds_the_lock_is_no_daemon() {
        assert!(is_daemon(b"/usr/bin/mallsync\0run\0"));
        assert!(is_daemon(b"mallsync\0--config\0/etc/mallsync/a/mallsync.toml\0run\0"));
        assert!(!is_daemon(b"/usr/bin/mallsync\0sync\0"));
        assert!(!is_daemon(b"/usr/bin/vi\0run\0"));
        assert!(!is_daemon(b""));
    }

    #[test]
    fn the_unit_follows_from_the_cgroup_and_from_the_config() {
        assert_eq!(unit_in("0::/system.slice/mallsync.service\n"), Some("mallsync.service"));
        let hybrid =
            "4:pids:/\n1:name=systemd:/system.slice/system-mallsync.slice/mallsync@osaka.service\n0::/\n";
        assert_eq!(unit_in(hybrid), Some("mallsync@osaka.service"));
        assert_eq!(unit_in("0::/user.slice/user-0.slice/session-1.scope\n"), None);
        assert_eq!(unit_in("0::/system.slice/mallsync-check.service\n"), None);
        let of = |config| unit_of(Path::new(config));
        assert_eq!(of("/etc/mallsync/mallsync.toml"), "mallsync.service");
        assert_eq!(of("/etc/mallsync/osaka/mallsync.toml"), "mallsync@osaka.service");
        assert_eq!(of("/home/hanako/config/mallsync.toml"), "mallsync.service");
    }

    #[test]
    fn a_credentials_file_is_read_from_the_drop_in() {
        let unit = "[Service]\n#LoadCredential=a:/x\nLoadCredential=a.b:/etc/mallsync/secrets/a.b\nLoadCredentialEncrypted = c:/d.cred\n";
        assert_eq!(loaded(unit, "a.b").as_deref(), Some("/etc/mallsync/secrets/a.b"));
        assert_eq!(loaded(unit, "c").as_deref(), Some("/d.cred"));
        assert_eq!(loaded(unit, "a"), None);
    }
}
