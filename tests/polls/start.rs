//! The real binary at its start.

use std::process::Command;

use mallsync::clock::{Ambient, ManualClock};
use mallsync::store::{Access, Store};

use crate::support::start;

/// I10, at the start: a config that does not validate starts nothing and changes nothing.
#[tokio::test]
async fn i10_a_broken_config_starts_nothing_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("mallsync.db");
    let url = format!("sqlite:{}", database.display());
    let ambient = Ambient::new(std::sync::Arc::new(ManualClock::new(start())));
    Store::open(&url, None, Access::Daemon, &ambient).await.unwrap().close().await;
    let before = std::fs::read(&database).unwrap();
    let config = dir.path().join("mallsync.toml");
    std::fs::write(&config, format!("[database]\nurl = \"{url}\"\n\n[shops.main]\nmall = \"rakutan\"\n"))
        .unwrap();
    for command in [&["run"][..], &["sync"], &["check"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_mallsync"))
            .args(command)
            .arg("--config")
            .arg(&config)
            .current_dir(dir.path())
            .env_clear()
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(78), "{command:?}: {text}");
        assert!(text.contains("rakutan") && text.contains("rakuten"), "{command:?}: {text}");
        assert_eq!(std::fs::read(&database).unwrap(), before, "{command:?}");
    }
    // A database that does not exist is not made either.
    std::fs::remove_file(&database).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_mallsync"))
        .arg("run")
        .arg("--config")
        .arg(&config)
        .env_clear()
        .status();
    assert_eq!(status.unwrap().code(), Some(78));
    assert!(!database.exists());
}
