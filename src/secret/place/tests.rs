use std::os::unix::fs::PermissionsExt;

use super::*;

fn file(mode: u32, content: &[u8]) -> (tempfile::TempDir, SecretRef) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("license_key");
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    (folder, SecretRef::File(path))
}

fn refusal(mode: u32, content: &[u8]) -> String {
    let (folder, secret) = file(mode, content);
    secret.resolve().unwrap_err().replace(&*folder.path().to_string_lossy(), "DIR")
}

fn nothing(_: &str) -> Option<String> {
    None
}

#[test]
fn the_four_forms_are_read_and_anything_else_is_refused_without_an_echo() {
    let canary = "SP123456_abcdef";
    for bad in [canary, "", "password:SP123456_abcdef", "File:/x", "http://SP123456_abcdef", "42"] {
        let message = SecretRef::parse(bad).unwrap_err();
        assert!(message.starts_with("expected where the secret is kept: `file:PATH`"), "{bad}: {message}");
        assert!(!message.contains(canary), "{message}");
    }
    assert_eq!(SecretRef::parse("file:").unwrap_err(), "`file:` needs a path after it");
    assert_eq!(SecretRef::parse("env: ").unwrap_err(), "`env:` needs a name after it");
    assert_eq!(SecretRef::parse("plain:").unwrap_err(), "`plain:` needs the secret after it");
    assert!(SecretRef::parse("credential:../shadow").unwrap_err().contains("not a path"));
    assert!(SecretRef::parse("env:$KEY").unwrap_err().contains("alone"));
    for good in ["file:/a b/c:d", "credential:amazon-jp.client_secret", "env:KEY", "plain:a:b"] {
        SecretRef::parse(good).unwrap();
    }
}

#[test]
fn inline_secrets_are_known_as_such() {
    let inline = |text| SecretRef::parse(text).unwrap().is_inline();
    assert!(inline("env:KEY") && inline("plain:x"));
    assert!(!inline("file:/x") && !inline("credential:x"));
}

#[test]
fn nothing_prints_a_secret() {
    let secret = SecretRef::parse("plain:canary-7f3a").unwrap();
    let shown = format!("{secret:?} {secret} {}", serde_json::to_string(&secret).unwrap());
    assert_eq!(shown, "Plain([secret]) plain:[redacted] \"plain:[redacted]\"");
    for wrong in ["4815162342", "4815162342.5", "\"4815162342\""] {
        let error = serde_json::from_str::<SecretRef>(wrong).unwrap_err().to_string();
        assert!(
            error.contains("expected where the secret is kept") && !error.contains("4815162342"),
            "{error}"
        );
    }
}

#[test]
fn a_guarded_file_is_read_and_its_newline_dropped() {
    for mode in [0o600, 0o640, 0o400, 0o440, 0o660] {
        assert_eq!(file(mode, b"SL123\r\n").1.resolve().unwrap().expose(), "SL123");
    }
}

#[test]
fn a_file_that_others_can_reach_is_refused_with_what_to_do() {
    for mode in [0o644, 0o604, 0o602, 0o601, 0o666] {
        let message = refusal(mode, b"SL123");
        assert!(message.contains(&format!("(mode {mode:03o})")), "{message}");
        assert!(
            message.contains("`chmod 600 DIR/license_key`") && message.contains("`chmod 640"),
            "{message}"
        );
        assert!(!message.contains("SL123"), "{message}");
    }
}

#[test]
fn the_owner_is_root_or_the_service() {
    assert!(owner_may(0, 990) && owner_may(990, 990));
    assert!(!owner_may(1000, 990));
    assert!(owner_may(990, 0), "`sudo mallsync check` reads the service's files");
    let (_folder, SecretRef::File(path)) = file(0o600, b"x") else { panic!("a file") };
    assert_eq!(process_user().unwrap(), std::fs::metadata(path).unwrap().uid());
}

#[test]
fn what_is_wrong_with_a_file_is_named() {
    insta::assert_snapshot!([
        refusal(0o600, b""),
        refusal(0o600, b" \n"),
        refusal(0o600, b"\xEF\xBB\xBFSL123"),
        refusal(0o600, b"\xFF\xFES\0L\0"),
        refusal(0o600, b"\x83L\x81["),
        refusal(0o600, &vec![b'x'; 64 * 1024 + 1]),
        refusal(0o644, b"SL123"),
    ].join("\n"), @r#"
        DIR/license_key is empty; write the secret into it
        DIR/license_key is empty; write the secret into it
        DIR/license_key was saved with a BOM; save it as UTF-8 without BOM
        DIR/license_key was saved as UTF-16 (“Unicode”); save it as UTF-8 without BOM
        DIR/license_key is not UTF-8 text; save it as UTF-8
        DIR/license_key is larger than 64 KiB; that is no secret: name the right file
        DIR/license_key is open to every user of this machine (mode 644); run `chmod 600 DIR/license_key`, or `chmod 640 DIR/license_key` if the service reads it through its group
        "#);
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &Path| {
        SecretRef::File(path.to_owned())
            .resolve()
            .unwrap_err()
            .replace(&*folder.path().to_string_lossy(), "DIR")
    };
    insta::assert_snapshot!([at(folder.path()), at(&folder.path().join("absent"))].join("\n"), @r#"
        DIR is a folder; name the file that holds the secret
        DIR/absent does not exist; write the secret into it and run `chmod 600 DIR/absent`
        "#);
    assert!(file(0o600, &vec![b'x'; 64 * 1024]).1.resolve().is_ok());
}

#[test]
fn a_credential_comes_from_the_unit_or_from_where_systemd_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "SL123\n").unwrap();
    let secret = SecretRef::parse("credential:key").unwrap();
    let absent = SecretRef::parse("credential:absent").unwrap();
    let inside = Places {
        credentials: Some(folder.path()),
        unit_credentials: Path::new("/nonexistent"),
        variable: &nothing,
    };
    assert_eq!(secret.resolve_in(&inside).unwrap().expose(), "SL123");
    insta::assert_snapshot!(absent.resolve_in(&inside).unwrap_err(), @r#"systemd handed over no credential absent; add `LoadCredential=absent:/path/to/file` to the unit and restart it"#);
    let outside = Places { credentials: None, unit_credentials: folder.path(), variable: &nothing };
    assert_eq!(secret.resolve_in(&outside).unwrap().expose(), "SL123");
    let nowhere = Places { unit_credentials: Path::new("/nonexistent"), ..outside };
    insta::assert_snapshot!(secret.resolve_in(&nowhere).unwrap_err(), @r#"the credential key is not to be had outside the service (/nonexistent/key: no such file or directory); run as root while the service runs, or start mallsync-check.service"#);
}

#[test]
fn a_variable_must_be_set_and_hold_something() {
    let set = |name: &str| {
        (name != "ABSENT").then(|| if name == "EMPTY" { String::new() } else { "SL123".to_owned() })
    };
    let places = Places { credentials: None, unit_credentials: Path::new("/nonexistent"), variable: &set };
    let resolve = |text| SecretRef::parse(text).unwrap().resolve_in(&places);
    assert_eq!(resolve("env:KEY").unwrap().expose(), "SL123");
    assert_eq!(
        resolve("env:ABSENT").unwrap_err(),
        "the environment variable ABSENT is not set; set it, or use `file:`"
    );
    assert_eq!(
        resolve("env:EMPTY").unwrap_err(),
        "the environment variable EMPTY is empty; set it, or use `file:`"
    );
    assert_eq!(resolve("plain:SL9").unwrap().expose(), "SL9");
}
