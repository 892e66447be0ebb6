//! What the Debian package holds.

use std::fs;
use std::path::Path;
use std::process::Command;

use toml::{Table, Value};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn metadata() -> Table {
    let cargo: Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    cargo["package"]["metadata"]["deb"].as_table().unwrap().clone()
}

/// Source and target of everything that is packed.
fn assets() -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    metadata()["assets"].as_array().unwrap().iter().map(|asset| (word(&asset[0]), word(&asset[1]))).collect()
}

#[test]
fn every_file_beside_the_binary_is_packed() {
    let assets = assets();
    let packed = |name: &str| {
        let end = format!("*.{}", name.rsplit('.').next().unwrap());
        assets
            .iter()
            .any(|(source, _)| *source == format!("systemd/{name}") || *source == format!("systemd/{end}"))
    };
    for entry in fs::read_dir(root().join("systemd")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(packed(&name), "systemd/{name} is not in the package");
    }
    for (source, _) in
        assets.iter().filter(|(source, _)| !source.starts_with("target/") && !source.contains('*'))
    {
        assert!(root().join(source).exists(), "{source} does not exist");
    }
}

#[test]
fn what_the_units_call_is_where_they_call_it() {
    let assets = assets();
    for (source, target) in [
        ("target/release/mallsync", "usr/bin/"),
        ("systemd/notice-failure", "usr/lib/mallsync/"),
        ("config/mallsync.toml", "usr/share/mallsync/"),
    ] {
        assert!(assets.iter().any(|asset| asset == &(source.to_owned(), target.to_owned())), "{source}");
    }
}

#[test]
fn maintainer_scripts_are_sound_and_know_their_words() {
    for (script, words) in [("postinst", "configure"), ("prerm", "remove"), ("postrm", "purge")] {
        let path = root().join("packaging/debian").join(script);
        assert!(Command::new("/bin/sh").arg("-n").arg(&path).status().unwrap().success(), "{script}");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("#!/bin/sh\nset -e\n") && text.contains(words), "{script}");
    }
}

#[test]
fn every_command_has_its_page_and_every_shell_its_completions() {
    let dir = tempfile::tempdir().unwrap();
    let generate = |what: &str| {
        let status = Command::new(env!("CARGO_BIN_EXE_mallsync"))
            .args(["generate", what])
            .arg(dir.path())
            .env_clear()
            .status()
            .unwrap();
        assert!(status.success(), "{what}");
    };
    generate("man");
    generate("completions");
    for page in ["mallsync", "mallsync-run", "mallsync-secret-set", "mallsync-settlements-preview"] {
        let text = fs::read_to_string(dir.path().join(format!("{page}.1"))).unwrap();
        assert!(text.contains(".TH") && text.contains(".SH SYNOPSIS"), "{page}");
    }
    assert!(!dir.path().join("mallsync-generate.1").exists(), "a hidden command has no page");
    for (_, name) in assets()
        .iter()
        .filter_map(|(source, target)| Some((target, source.strip_prefix("target/dist/completions/")?)))
    {
        let text = fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(text.contains("settlements") && text.contains("secret"), "{name}");
    }
}
