//! The binary, and what it said.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The binary in `dir`, with no config from outside and English for people.
pub(crate) fn mallsync(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mallsync"));
    command.current_dir(dir).args(args).env_clear().env("LC_ALL", "C").stdin(Stdio::null());
    // Several daemons run side by side here.
    command.env("MALLSYNC__DAEMON__LISTEN", "127.0.0.1:0");
    command
}

pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    mallsync(dir, args).output().unwrap()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub(crate) fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// A folder with a config of its own.
pub(crate) fn home(config: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("config")).unwrap();
    std::fs::write(dir.path().join("config/mallsync.toml"), config).unwrap();
    dir
}
