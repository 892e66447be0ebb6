//! Help, exit statuses, streams and formats that need no data.

use serde_json::Value;

use super::binary::{code, home, mallsync, run, stderr, stdout};

#[test]
fn help_lists_the_commands_and_their_first_steps() {
    let dir = tempfile::tempdir().unwrap();
    let help = run(dir.path(), &["--help"]);
    assert_eq!(code(&help), 0);
    for command in [
        "init",
        "check",
        "run",
        "sync",
        "orders",
        "slips",
        "settlements",
        "operations",
        "shops",
        "status",
        "demo",
        "simulate",
        "config",
        "schema",
        "db",
    ] {
        assert!(stdout(&help).contains(&format!("\n  {command} ")), "{command}");
    }
    assert!(stdout(&help).contains("mallsync demo"));
    assert!(help.stderr.is_empty());
}

#[test]
fn wrong_usage_ends_with_two_and_says_why_on_stderr() {
    let dir = tempfile::tempdir().unwrap();
    for wrong in [
        &["nonsense"][..],
        &[],
        &["orders", "list", "--status", "shiped"],
        &["orders", "list", "--limit", "0"],
        &["orders", "list", "--since", "yesterday"],
        &["operations", "abandon", "1"],
        &["operations", "abandon", "1", "--reason", ""],
        &["sync", "--until", "2026-11-21"],
        &["slips", "import"],
        &["slips", "add", "1", "400012345670", "--carrier", "pigeon"],
        &["settlements", "release", "1", "--dry-run", "--yes"],
        // What belongs to a later issue is unknown until then.
        &["orders", "export"],
        &["orders", "list", "--unsent"],
        &["settlements", "capture"],
        &["secret", "set"],
        &["backup"],
    ] {
        let output = run(dir.path(), wrong);
        assert_eq!(code(&output), 2, "{wrong:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{wrong:?}");
    }
}

#[test]
fn a_missing_config_ends_with_78_and_names_the_path_and_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    for command in
        [&["run"][..], &["orders", "list"], &["status"], &["sync"], &["db", "migrate"], &["config", "show"]]
    {
        let output = mallsync(dir.path(), command).args(["--config", "nowhere.toml"]).output().unwrap();
        assert_eq!(code(&output), 78, "{command:?}");
        assert!(output.stdout.is_empty(), "{command:?}");
        assert!(stderr(&output).contains("nowhere.toml"), "{}", stderr(&output));
        assert!(stderr(&output).contains("mallsync init"), "{}", stderr(&output));
    }
}

#[test]
fn every_finding_of_a_broken_config_is_a_row_in_every_format() {
    let dir = home("[daemon]\nlanguage = \"fr\"\nlisten_on = 1\n");
    let check = |format: &str| run(dir.path(), &["check", "--offline", "--format", format]);
    for format in ["table", "json", "jsonl", "csv"] {
        let output = check(format);
        assert_eq!(code(&output), 78, "{format}");
        assert!(stdout(&output).contains("daemon.language"), "{format}: {}", stdout(&output));
    }
    let rows: Value = serde_json::from_str(stdout(&check("json"))).unwrap();
    let rows = rows.as_array().unwrap().clone();
    assert!(rows.len() >= 2);
    assert!(rows.iter().all(|row| row["level"] == "error" && row["message"].is_string()));
    let lines = check("jsonl");
    assert_eq!(stdout(&lines).lines().count(), rows.len());
    for line in stdout(&lines).lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
    let csv = check("csv");
    assert!(stdout(&csv).starts_with("\u{feff}\"level\",\"subject\",\"code\",\"message\",\"action\"\r\n"));
    assert!(stdout(&check("table")).starts_with("✗ "));
    // In a pipe the default is JSON.
    assert_eq!(run(dir.path(), &["check", "--offline"]).stdout, check("json").stdout);
    // An encoding that cannot take effect is refused, not ignored.
    assert_eq!(code(&run(dir.path(), &["check", "--offline", "--encoding", "cp932"])), 2);
}

#[test]
fn the_end_of_a_key_is_told_without_a_call() {
    let dir = home(
        r#"
[shops.amazon-jp]
mall = "amazon"
client_id = "amzn1.application-oa2-client.x"
client_secret = "plain:a"
client_secret_issued_on = "2020-01-01"
refresh_token = "plain:b"
"#,
    );
    let output = run(dir.path(), &["check", "--offline", "--format", "json"]);
    let rows: Value = serde_json::from_str(stdout(&output)).unwrap();
    let row = rows.as_array().unwrap().iter().find(|row| row["code"] == "key_expiry").unwrap();
    assert_eq!((&row["subject"], &row["level"]), (&"shops.amazon-jp".into(), &"error".into()));
    assert!(row["message"].as_str().unwrap().starts_with("client_secret ends on 2020-06-29"), "{row}");
}

#[test]
fn people_read_the_language_of_their_locale_and_machines_english() {
    let dir = home("[daemon]\nlanguage = \"fr\"\n");
    let japanese = mallsync(dir.path(), &["check", "--offline", "--format", "csv"])
        .env("LC_ALL", "ja_JP.UTF-8")
        .output()
        .unwrap();
    assert!(stderr(&japanese).contains("設定に誤りがあります"), "{}", stderr(&japanese));
    assert!(stdout(&japanese).contains("\"level\",\"subject\""));
}

#[test]
fn init_writes_once_and_never_overwrites() {
    let dir = tempfile::tempdir().unwrap();
    let first = run(dir.path(), &["init", "shop"]);
    assert_eq!(code(&first), 0, "{}", stderr(&first));
    assert!(first.stdout.is_empty());
    let file = dir.path().join("shop/config/mallsync.toml");
    assert!(dir.path().join("shop/config/secrets").is_dir());
    std::fs::write(&file, "# mine\n").unwrap();
    let again = run(dir.path(), &["init", "shop"]);
    assert_eq!(code(&again), 0);
    assert!(stderr(&again).contains("Left as it is: shop/config/mallsync.toml"), "{}", stderr(&again));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "# mine\n");
}

#[test]
fn the_schema_of_an_order_is_a_json_schema_whose_references_lead_somewhere() {
    fn references<'a>(schema: &'a Value, found: &mut Vec<&'a str>) {
        match schema {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["schema", "order"]);
    assert_eq!(code(&output), 0);
    let schema: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["type"], "object");
    let mut found = Vec::new();
    references(&schema, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        assert!(schema.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    // The names that interface.md promises.
    let properties = schema["properties"].as_object().unwrap();
    for name in [
        "id",
        "shop",
        "mall",
        "mall_order_id",
        "status",
        "mall_status",
        "pending_reason",
        "fulfilled_by",
        "ordered_at",
        "mall_updated_at",
        "first_seen_at",
        "changed_at",
        "ship_by",
        "payment",
        "amounts",
        "taxes",
        "buyer",
        "packages",
        "notes",
        "slips",
        "settlement",
    ] {
        assert!(properties.contains_key(name), "{name}");
    }
    // Stable: the same twice, without a config.
    assert_eq!(run(dir.path(), &["schema", "order"]).stdout, output.stdout);
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    for command in [&["schema", "order"][..], &["config", "schema"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = mallsync(dir.path(), command).stdout(writer).output().unwrap();
        assert_eq!(code(&output), 0, "{command:?}");
        assert!(output.stderr.is_empty(), "{command:?}: {}", stderr(&output));
    }
}
