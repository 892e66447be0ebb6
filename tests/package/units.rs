//! The systemd units.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd")
}

fn units() -> Vec<String> {
    let names =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter(|name| [".service", ".path", ".timer"].iter().any(|end| name.ends_with(end))).collect();
    names.sort();
    names
}

fn text(unit: &str) -> String {
    fs::read_to_string(folder().join(unit)).unwrap()
}

/// Settings of a unit, in order; a key may come several times.
fn settings(unit: &str) -> Vec<(String, String)> {
    let pair = |line: &str| line.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    text(unit).lines().filter(|line| !line.starts_with('#')).filter_map(pair).collect()
}

fn setting(unit: &str, key: &str) -> String {
    let mut values = settings(unit).into_iter().filter(|(name, _)| name == key).map(|(_, value)| value);
    let value = values.next().unwrap_or_else(|| panic!("{unit} has no {key}"));
    assert_eq!(values.next(), None, "{unit}: {key} twice");
    value
}

fn seconds(span: &str) -> u64 {
    let (number, factor) = match (span.strip_suffix("min"), span.strip_suffix('s')) {
        (Some(minutes), _) => (minutes, 60),
        (_, Some(seconds)) => (seconds, 1),
        _ => (span, 1),
    };
    number.parse::<u64>().unwrap() * factor
}

/// systemd's own judge. On a developer's machine without it there is nothing to ask; CI installs it.
#[expect(clippy::disallowed_methods, reason = "CI is told by the environment")]
fn analyze(args: &[&str], folder: &Path) -> Option<(bool, String)> {
    match Command::new("systemd-analyze").args(args).current_dir(folder).env("LC_ALL", "C").output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8(said).unwrap()))
        }
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "systemd-analyze is needed in CI: {error}");
            None
        }
    }
}

/// The units with programs that exist on this machine in the place of installed ones.
fn installed() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let notice = folder().join("notice-failure");
    for unit in units() {
        let text = text(&unit)
            .replace("/usr/bin/mallsync", env!("CARGO_BIN_EXE_mallsync"))
            .replace("/usr/lib/mallsync/notice-failure", notice.to_str().unwrap());
        fs::write(dir.path().join(unit), text).unwrap();
    }
    dir
}

#[test]
fn systemd_finds_nothing_wrong() {
    let dir = installed();
    let units = units();
    let mut args = vec!["verify", "--man=no"];
    let paths: Vec<String> = units.iter().map(|unit| format!("./{unit}")).collect();
    args.extend(paths.iter().map(String::as_str));
    let Some((good, said)) = analyze(&args, dir.path()) else { return };
    assert!(good && said.is_empty(), "{said}");
}

#[test]
fn the_daemon_is_exposed_as_little_as_can_be() {
    let dir = installed();
    for unit in ["mallsync.service", "mallsync@.service", "mallsync-check.service", "mallsync-reload.service"]
    {
        let Some((good, said)) =
            analyze(&["security", "--offline=true", "--threshold=15", &format!("./{unit}")], dir.path())
        else {
            return;
        };
        assert!(good, "{unit}:\n{said}");
    }
}

#[test]
fn the_service_waits_longer_than_the_daemon_drains() {
    let daemon = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app/daemon.rs")).unwrap();
    let drain = daemon.split("const DRAIN: Duration = Duration::from_secs(").nth(1).unwrap();
    let drain: u64 = drain.split(')').next().unwrap().parse().unwrap();
    for unit in ["mallsync.service", "mallsync@.service"] {
        assert!(seconds(&setting(unit, "TimeoutStopSec")) > drain, "{unit}: less than {drain} s");
    }
}

#[test]
fn an_invalid_config_is_neither_started_again_nor_reloaded() {
    for unit in ["mallsync.service", "mallsync@.service"] {
        assert_eq!(setting(unit, "Type"), "notify");
        assert_eq!(setting(unit, "RestartPreventExitStatus"), "78");
        assert!(!settings(unit).iter().any(|(key, _)| key == "ExecStartPre"), "its status would not count");
    }
}

/// Runs what `ExecReload` would, with a stand-in for the program that ends with `status`. Tells how it ended and whether
/// the daemon was told.
fn reload(unit: &str, status: i32) -> (Option<i32>, bool) {
    let dir = tempfile::tempdir().unwrap();
    let (program, args) = (dir.path().join("mallsync"), dir.path().join("args"));
    fs::write(&program, format!("#!/bin/sh\necho \"$@\" > {}\nexit {status}\n", args.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let line = setting(unit, "ExecReload");
    let script = line.strip_prefix("/bin/sh -c '").unwrap().strip_suffix('\'').unwrap();
    let script = script.replace("$$", "$").replace("/usr/bin/mallsync", program.to_str().unwrap());
    // A hang-up ends it, whatever the tests themselves were told to ignore; without one it ends by itself when its input
    // does.
    let mut daemon = Command::new("env")
        .args(["--default-signal=HUP", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Once it answers, it is what it is to be.
    daemon.stdin.as_mut().unwrap().write_all(b"?").unwrap();
    daemon.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let ended = Command::new("/bin/sh")
        .args(["-c", &script])
        .env("MAINPID", daemon.id().to_string())
        .status()
        .unwrap();
    assert!(fs::read_to_string(&args).unwrap().contains("check --offline"));
    drop(daemon.stdin.take());
    (ended.code(), daemon.wait().unwrap().signal() == Some(1))
}

#[test]
fn a_reload_is_refused_on_78_alone() {
    for unit in ["mallsync.service", "mallsync@.service"] {
        assert_eq!(reload(unit, 78), (Some(78), false));
        assert_eq!(reload(unit, 1), (Some(0), true));
        assert_eq!(reload(unit, 0), (Some(0), true));
    }
}

#[test]
fn an_instance_differs_in_its_places_alone() {
    let plain: BTreeMap<String, Vec<String>> = grouped("mallsync.service");
    let instance = grouped("mallsync@.service");
    let differing: Vec<&str> = plain
        .keys()
        .chain(instance.keys())
        .filter(|key| plain.get(*key) != instance.get(*key))
        .map(String::as_str)
        .collect();
    let places = [
        "ConfigurationDirectory",
        "Description",
        "ExecReload",
        "ExecStart",
        "RuntimeDirectory",
        "StateDirectory",
    ];
    assert_eq!(
        differing.into_iter().collect::<std::collections::BTreeSet<_>>(),
        places.into_iter().collect()
    );
    for key in ["ConfigurationDirectory", "RuntimeDirectory", "StateDirectory"] {
        assert_eq!(instance[key], ["mallsync/%i"]);
    }
}

fn grouped(unit: &str) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::<String, Vec<String>>::new();
    for (key, value) in settings(unit) {
        all.entry(key).or_default().push(value);
    }
    all
}

#[test]
fn the_check_runs_as_the_service_does() {
    let service = grouped("mallsync.service");
    for (key, value) in grouped("mallsync-check.service") {
        if !matches!(
            key.as_str(),
            "Description" | "Documentation" | "After" | "Type" | "ExecStart" | "TimeoutStartSec"
        ) {
            assert_eq!(service.get(&key), Some(&value), "{key}");
        }
    }
}

#[test]
fn the_folders_are_those_of_the_default_config() {
    let config =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/mallsync.toml")).unwrap();
    let state = format!("/var/lib/{}/", setting("mallsync.service", "StateDirectory"));
    let etc = format!("/etc/{}/", setting("mallsync.service", "ConfigurationDirectory"));
    assert!(config.contains(&format!("url = \"sqlite:{state}")), "{state}");
    let places = config.split('"').filter(|text| text.starts_with('/') || text.starts_with("file:"));
    // systemd's own socket is no folder of the service's.
    let ours = |place: &&str| *place != "/path" && !place.starts_with("/run/systemd/");
    for place in places.map(|place| place.trim_start_matches("file:")).filter(ours) {
        assert!(
            place.starts_with(&state) || place.starts_with(&etc),
            "{place} is outside of the unit's folders"
        );
    }
    // Every folder of the config is watched for edits, and so is every instance's.
    let watched: Vec<String> = settings("mallsync-reload.path")
        .into_iter()
        .filter(|(key, _)| key == "PathChanged")
        .map(|(_, v)| v)
        .collect();
    for folder in ["", "/conf.d", "/secrets", "/certs", "/profiles"] {
        assert!(watched.contains(&format!("/etc/mallsync{folder}")), "{folder}: {watched:?}");
    }
    let instance: Vec<String> = settings("mallsync-reload@.path")
        .into_iter()
        .filter(|(key, _)| key == "PathChanged")
        .map(|(_, v)| v)
        .collect();
    let expected: Vec<String> =
        watched.iter().map(|path| path.replace("/etc/mallsync", "/etc/mallsync/%i")).collect();
    assert_eq!(instance, expected);
}

#[test]
fn credentials_are_named_as_the_default_config_names_its_secrets() {
    let config =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/mallsync.toml")).unwrap();
    let example = text("credentials.conf");
    let loaded: Vec<(&str, &str)> = example
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix("LoadCredential=")?.split_once(':'))
        .collect();
    assert!(loaded.len() > 8, "{loaded:?}");
    for (name, source) in loaded {
        assert!(config.contains(source), "{source} is not in the default config");
        assert_eq!(Path::new(source).file_name().unwrap(), name);
    }
}

/// The notice, with stand-ins for the programs it calls; gives what it wrote and which calls it made.
fn notice(status: &str, language: &str) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let calls = dir.path().join("calls");
    for program in ["wall", "systemctl"] {
        let path = dir.path().join(program);
        fs::write(&path, format!("#!/bin/sh\necho {program} \"$@\" >> {}\n", calls.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let output = Command::new(folder().join("notice-failure"))
        .arg("mallsync@osaka.service")
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", dir.path().display()))
        .env("LANG", language)
        .env("MONITOR_EXIT_STATUS", status)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    (String::from_utf8(output.stdout).unwrap(), fs::read_to_string(&calls).unwrap())
}

#[test]
fn a_failure_is_told_and_all_but_an_invalid_config_is_tried_again() {
    let (said, calls) = notice("1", "C.UTF-8");
    assert!(said.starts_with("<2>mallsync@osaka.service has stopped (exit status 1)"), "{said}");
    assert!(calls.contains("wall mallsync@osaka.service has stopped"), "{calls}");
    assert!(calls.contains("systemctl --no-block start mallsync-retry@mallsync@osaka.timer"), "{calls}");
    let (said, calls) = notice("78", "ja_JP.UTF-8");
    assert!(said.contains("設定ファイルに誤りがあります"), "{said}");
    assert!(!calls.contains("--no-block"), "an invalid config waits for a person: {calls}");
    assert_eq!(setting("mallsync-retry@.timer", "Unit"), "%i.service");
}
