//! `mallsync secret set`: where a secret comes to stand, what is told of it, and that it is never shown.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Output, Stdio};

use super::binary::{code, home, mallsync, stderr, stdout};

const CANARY: &str = "canary-SL4711";

/// A shop whose secrets are files, and every other kind of place.
fn shop() -> tempfile::TempDir {
    let dir = home("");
    let secrets = dir.path().join("config/secrets");
    fs::create_dir(&secrets).unwrap();
    let text = format!(
        r#"# 店舗の設定
[database]
url = "sqlite:{db}"

[shops.aupay-main]   # au PAY
mall = "aupay"
enabled = true
shop_id = "12345678"
api_key = "file:{secrets}/aupay-main.api_key"   # 90 日
api_key_issued_on = "2020-01-01"  # 発行日
api_key_next = "env:NEXT_KEY"
base_url = "http://127.0.0.1:1/wmshopapi/"

[shops.amazon-jp]
mall = "amazon"
enabled = false
client_id = "amzn1.application-oa2-client.x"
client_secret = "file:{secrets}/amazon-jp.client_secret"
refresh_token = "credential:amazon-jp.refresh_token"

[shops.rakuten-main]
mall = "rakuten"
enabled = false
service_secret = "plain:SP1"
license_key = "file:{secrets}/deep/rakuten-main.license_key"
"#,
        db = dir.path().join("mallsync.db").display(),
        secrets = secrets.display(),
    );
    fs::write(config(dir.path()), text).unwrap();
    dir
}

fn config(dir: &Path) -> std::path::PathBuf {
    dir.join("config/mallsync.toml")
}

/// Sets a secret through a pipe. Whatever happens, nothing that was given is said again.
fn set(dir: &Path, key: &str, secret: &[u8]) -> Output {
    let mut command = mallsync(dir, &["secret", "set", key, "--offline"]);
    command.env("NEXT_KEY", "next");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that refuses the key before it reads has closed the pipe.
    let _ = child.stdin.take().unwrap().write_all(secret);
    let output = child.wait_with_output().unwrap();
    let said = format!("{}{}", stdout(&output), stderr(&output));
    assert!(!said.contains(CANARY), "{said}");
    output
}

#[test]
fn a_secret_comes_into_its_file_with_its_day_and_is_checked() {
    let dir = shop();
    let file = dir.path().join("config/secrets/aupay-main.api_key");
    let before = fs::read_to_string(config(dir.path())).unwrap();
    fs::set_permissions(config(dir.path()), fs::Permissions::from_mode(0o640)).unwrap();
    let output = set(dir.path(), "aupay-main.api_key", format!("{CANARY}\r\n").as_bytes());
    let said = stderr(&output);
    assert_eq!(code(&output), 0, "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{CANARY}\n"));
    let meta = fs::metadata(&file).unwrap();
    assert_eq!(meta.mode() & 0o007, 0, "others must not read it: {:o}", meta.mode());
    assert_eq!(meta.uid(), fs::metadata(dir.path()).unwrap().uid());
    assert!(said.contains("(13 characters)") && said.contains("No daemon is running"), "{said}");

    let after = fs::read_to_string(config(dir.path())).unwrap();
    let changed: Vec<_> = before.lines().zip(after.lines()).filter(|(old, new)| old != new).collect();
    let [(_, new)] = changed.as_slice() else { panic!("{changed:?}") };
    assert!(new.starts_with("api_key_issued_on = \"20") && new.ends_with("\"  # 発行日"), "{new}");
    assert!(!new.contains("2020-01-01"), "{new}");
    assert_eq!(before.lines().count(), after.lines().count());
    assert_eq!(fs::metadata(config(dir.path())).unwrap().mode() & 0o777, 0o640);

    // The check counts from the new day: 90 days from today.
    let rows: serde_json::Value = serde_json::from_str(stdout(&output)).unwrap();
    let rows = rows.as_array().unwrap();
    assert!(rows.iter().all(|row| row["level"] != "error"), "{rows:?}");
    let end = rows.iter().find(|row| row["code"] == "key_expiry").unwrap();
    let message = end["message"].as_str().unwrap();
    assert!(message.contains("(89 days left)") || message.contains("(90 days left)"), "{message}");
    let names: Vec<_> =
        fs::read_dir(file.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["aupay-main.api_key"], "nothing half-written stays");
}

#[test]
fn a_day_that_was_not_there_is_added_below_the_secret() {
    let dir = shop();
    let output = set(dir.path(), "shops.amazon-jp.client_secret", CANARY.as_bytes());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("shops.amazon-jp is disabled"), "{}", stderr(&output));
    let text = fs::read_to_string(config(dir.path())).unwrap();
    let at = text.lines().position(|line| line.starts_with("client_secret =")).unwrap();
    assert!(text.lines().nth(at + 1).unwrap().starts_with("client_secret_issued_on = \"20"), "{text}");
}

#[test]
fn a_day_in_conf_d_is_changed_there_and_one_in_a_variable_is_told() {
    let dir = shop();
    let main = fs::read_to_string(config(dir.path())).unwrap();
    fs::write(config(dir.path()), main.replace("api_key_issued_on = \"2020-01-01\"  # 発行日\n", ""))
        .unwrap();
    fs::create_dir(dir.path().join("config/conf.d")).unwrap();
    let part = dir.path().join("config/conf.d/days.toml");
    fs::write(&part, "[shops.aupay-main]\napi_key_issued_on = \"2020-01-01\"\n").unwrap();
    let output = set(dir.path(), "aupay-main.api_key", CANARY.as_bytes());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("conf.d/days.toml:2"), "{}", stderr(&output));
    assert!(!fs::read_to_string(&part).unwrap().contains("2020-01-01"));

    fs::remove_file(&part).unwrap();
    let mut command = mallsync(dir.path(), &["secret", "set", "aupay-main.api_key", "--offline"]);
    command.env("MALLSYNC__SHOPS__AUPAY_MAIN__API_KEY_ISSUED_ON", "2026-10-01").env("LC_ALL", "ja_JP.UTF-8");
    let given = dir.path().join("given");
    fs::write(&given, CANARY).unwrap();
    let output = command.stdin(fs::File::open(&given).unwrap()).output().unwrap();
    let said = stderr(&output);
    assert!(said.contains("環境変数 MALLSYNC__SHOPS__AUPAY_MAIN__API_KEY_ISSUED_ON"), "{said}");
}

#[test]
fn every_other_place_says_what_to_do_instead() {
    let dir = shop();
    for (key, words) in [
        ("aupay-main.api_key_next", &["environment variable NEXT_KEY", "api_key_next = \"file:"][..]),
        (
            "rakuten-main.service_secret",
            &["stands in the config itself", "secrets/rakuten-main.service_secret\""],
        ),
        (
            "amazon-jp.refresh_token",
            &["handed over by systemd", "LoadCredential=amazon-jp.refresh_token:PATH"],
        ),
        (
            "rakuten-main.license_key_next",
            &["not in the config", "license_key_next = \"file:", "[shops.rakuten-main]"],
        ),
        ("rakuten-main.license_key", &["does not exist; make it first: `mkdir -p -m 750 "]),
    ] {
        let before = fs::read(config(dir.path())).unwrap();
        let output = set(dir.path(), key, CANARY.as_bytes());
        assert_eq!(code(&output), 1, "{key}: {}", stderr(&output));
        for word in words {
            assert!(stderr(&output).contains(word), "{key}: {word} in {}", stderr(&output));
        }
        assert_eq!(fs::read(config(dir.path())).unwrap(), before, "{key}");
    }
}

#[test]
fn what_does_not_exist_is_named_with_the_nearest_that_does() {
    let dir = shop();
    for (key, words) in [
        ("aupay-main", "expected SHOP.KEY"),
        ("aupay-mein.api_key", "no shop or settlement aupay-mein; did you mean `aupay-main`?"),
        ("aupay-main.apikey", "shops.aupay-main has no secret apikey; did you mean `api_key`?"),
        ("aupay-main.base_url", "known: api_key, api_key_next"),
        ("settlements.aupay-main.api_key", "no shop or settlement aupay-main"),
    ] {
        let output = set(dir.path(), key, CANARY.as_bytes());
        assert_eq!(code(&output), 2, "{key}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{key}: {}", stderr(&output));
    }
}

#[test]
fn nothing_and_what_is_no_text_leave_the_old_secret_alone() {
    let dir = shop();
    let file = dir.path().join("config/secrets/aupay-main.api_key");
    assert_eq!(code(&set(dir.path(), "aupay-main.api_key", CANARY.as_bytes())), 0);
    for bad in [&b""[..], b"\n", b" \r\n", b"\xEF\xBB\xBFkey", b"\x83L\x81["] {
        let output = set(dir.path(), "aupay-main.api_key", bad);
        assert_eq!(code(&output), 1, "{bad:?}");
        assert!(stderr(&output).contains("nothing was changed"), "{}", stderr(&output));
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("{CANARY}\n"));
    }
    let output = set(dir.path(), "aupay-main.api_key", "ＡＰＩ key \n".as_bytes());
    for word in ["white space around", "white space inside", "full-width"] {
        assert!(stderr(&output).contains(word), "{word}: {}", stderr(&output));
    }
}
