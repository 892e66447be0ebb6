//! Bad input: each has a message that names what and where and what to do, and a status or state that shows it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::binary::{code, home, run, stderr, stdout};
use super::data::{ORDERS, Shop};

fn utf16(text: &str) -> Vec<u8> {
    let mut bytes = vec![0xFE, 0xFF];
    bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    bytes
}

/// The command fails with 1, says all of `facts`, and stores nothing.
fn refused(shop: &Shop, args: &[&str], facts: &[&str]) {
    let before = (shop.json(&["orders", "list"]), shop.json(&["slips", "list"]));
    let output = shop.run(args);
    assert_eq!(code(&output), 1, "{args:?}: {}", stderr(&output));
    for fact in facts {
        assert!(stderr(&output).contains(fact), "{args:?}: {fact:?} in {}", stderr(&output));
    }
    assert_eq!((shop.json(&["orders", "list"]), shop.json(&["slips", "list"])), before, "{args:?}");
}

#[test]
fn a_csv_in_a_wrong_encoding_is_refused_whole() {
    let shop = Shop::new("dry-run");
    fs::write(shop.path().join("wide.csv"), utf16(&ORDERS.replace("A-", "W-"))).unwrap();
    refused(
        &shop,
        &["orders", "import", "wide.csv", "--shop", "own-shop"],
        &["wide.csv", "UTF-16", "save it as CSV UTF-8"],
    );
    shop.slips("b2.csv", &[("A-1", "400012345670", "1000001")]);
    let text = fs::read_to_string(shop.path().join("b2.csv")).unwrap();
    fs::write(shop.path().join("b2-wide.csv"), utf16(&text)).unwrap();
    refused(&shop, &["slips", "import", "b2-wide.csv"], &["b2-wide.csv", "UTF-16", "save it as CSV UTF-8"]);
    fs::write(shop.path().join("book.csv"), b"PK\x03\x04 an Excel workbook").unwrap();
    refused(&shop, &["slips", "import", "book.csv"], &["book.csv", "Excel", "save it as CSV"]);
    fs::write(shop.path().join("empty.csv"), b"").unwrap();
    refused(
        &shop,
        &["orders", "import", "empty.csv", "--shop", "own-shop"],
        &["empty.csv", "empty", "export it again"],
    );
}

#[test]
fn a_file_that_is_still_being_written_is_refused_whole() {
    let shop = Shop::new("dry-run");
    shop.slips("b2.csv", &[("A-1", "400012345670", "1000001"), ("A-2", "400012345600", "5300001")]);
    let whole = fs::read(shop.path().join("b2.csv")).unwrap();
    // Inside a row, and inside a character of the name.
    for short in [20, 3] {
        fs::write(shop.path().join("part.csv"), &whole[..whole.len() - short]).unwrap();
        refused(&shop, &["slips", "import", "part.csv"], &["part.csv", "again"]);
    }
    let orders = ORDERS.replace("A-", "N-");
    fs::write(shop.path().join("part.csv"), &orders.as_bytes()[..orders.len() - 20]).unwrap();
    refused(&shop, &["orders", "import", "part.csv", "--shop", "own-shop"], &["part.csv", "again"]);
}

#[test]
fn an_order_number_of_two_shops_names_both() {
    let shop = Shop::new("dry-run");
    let file = shop.path().join("config/mallsync.toml");
    let config = fs::read_to_string(&file).unwrap();
    let second = format!(
        "[shops.second]\nmall = \"csv\"\ndirectory = \"{}/second\"\nprofile = \"generic\"\n",
        shop.path().display()
    );
    fs::write(&file, format!("{config}{second}")).unwrap();
    let imported = shop.run(&["orders", "import", "orders.csv", "--shop", "second"]);
    assert_eq!(code(&imported), 0, "{}", stderr(&imported));
    for command in [&["orders", "show", "A-1"][..], &["slips", "add", "A-1", "400012345670"]] {
        refused(&shop, command, &["A-1", "own-shop", "second", "mallsync orders list"]);
    }
    shop.slips("b2.csv", &[("A-1", "400012345670", "1000001")]);
    let rows = shop.json(&["slips", "import", "b2.csv"]);
    assert_eq!(rows[0]["outcome"], "held", "{rows}");
    for fact in ["own-shop", "second", "slips add"] {
        assert!(rows[0]["reason"].as_str().unwrap().contains(fact), "{rows}");
    }
    assert_eq!(shop.json(&["slips", "list", "--unmatched"]).as_array().unwrap().len(), 1);
    // Said with our id it is decided.
    let orders = shop.json(&["orders", "list", "--shop", "second"]);
    let own = orders.as_array().unwrap().iter().find(|order| order["mall_order_id"] == "A-1").unwrap();
    let added = shop.run(&["slips", "add", own["id"].as_str().unwrap(), "400012345670"]);
    assert_eq!(code(&added), 0, "{}", stderr(&added));
}

#[test]
fn a_slip_for_a_cancelled_order_or_another_postal_code_is_a_question_that_status_shows() {
    let shop = Shop::new("live");
    let heading = ORDERS.split_inclusive("\r\n").next().unwrap();
    let row = ORDERS.split_inclusive("\r\n").nth(1).unwrap().trim_end();
    let heading = heading.trim_end();
    shop.write("cancelled.csv", &format!("{heading},状態\r\n{row},キャンセル\r\n"));
    let imported = shop.run(&["orders", "import", "cancelled.csv", "--shop", "own-shop"]);
    assert_eq!(code(&imported), 0, "{}", stderr(&imported));
    assert_eq!(shop.json(&["orders", "show", "A-1"])["status"], "canceled");
    shop.slips("b2.csv", &[("A-1", "400012345670", "1000001"), ("A-2", "400012345600", "999-9999")]);
    let rows = shop.json(&["slips", "import", "b2.csv"]);
    let reason = |index: usize| rows[index]["reason"].as_str().unwrap();
    assert!(rows.as_array().unwrap().iter().all(|row| row["outcome"] == "held"), "{rows}");
    assert!(reason(0).contains("cancelled") && reason(0).contains("`slips remove`"), "{rows}");
    assert!(reason(1).contains("postal code") && reason(1).contains("`slips add`"), "{rows}");
    assert_eq!(shop.json(&["operations", "list"]), Value::Array(Vec::new()));
    let status = shop.run(&["status", "--exit-code"]);
    assert_eq!(code(&status), 1);
    let status: Value = serde_json::from_str(stdout(&status)).unwrap();
    let slips = status["attention"].as_array().unwrap().iter().find(|a| a["subject"] == "slips").unwrap();
    assert_eq!((&slips["count"], &slips["command"]), (&2.into(), &"mallsync slips list --unmatched".into()));
    // In Japanese for people.
    let table = super::binary::mallsync(shop.path(), &["slips", "list", "--unmatched", "--format", "table"])
        .env("MALLSYNC__DAEMON__LANGUAGE", "ja")
        .output()
        .unwrap();
    assert!(stdout(&table).contains("郵便番号が注文と違います"), "{}", stdout(&table));
}

fn rows_of_check(dir: &std::path::Path) -> (i32, Vec<Value>) {
    let output = run(dir, &["check", "--offline"]);
    let rows: Value = serde_json::from_str(stdout(&output)).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    (code(&output), rows.as_array().unwrap().clone())
}

fn row<'a>(rows: &'a [Value], subject: &str, code: &str) -> &'a Value {
    rows.iter()
        .find(|row| row["subject"] == subject && row["code"] == code)
        .unwrap_or_else(|| panic!("{subject} {code} in {rows:?}"))
}

const SECTIONS: &str = r#"
[shops.rakuten-main]
mall = "rakuten"
service_secret = "file:service"
license_key = "file:license"
[shops.closed-shop]
mall = "csv"
enabled = false
directory = "/nowhere"
profile = "generic"
"#;

#[test]
fn secrets_and_certificates_that_cannot_be_used_stop_their_section_alone() {
    let dir = home("");
    let at = |name: &str| dir.path().join(name);
    let secrets = |extra: &str| {
        let text = SECTIONS
            .replace("file:service", &format!("file:{}", at("service").display()))
            .replace("file:license", &format!("file:{}", at("license").display()))
            .replace("[shops.closed-shop]", &format!("{extra}\n[shops.closed-shop]"));
        let database = format!("[database]\nurl = \"sqlite:{}\"\n", at("mallsync.db").display());
        fs::write(at("config/mallsync.toml"), format!("{database}{text}")).unwrap();
    };
    let put = |name: &str, text: &str, mode: u32| {
        fs::write(at(name), text).unwrap();
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    secrets("");
    put("license", "SL123456_abc\n", 0o600);
    let (status, rows) = rows_of_check(dir.path());
    assert_eq!(status, 1);
    let missing =
        row(&rows, "shops.rakuten-main", "section_unusable")["message"].as_str().unwrap().to_owned();
    for fact in ["service_secret", "service", "does not exist", "chmod 600"] {
        assert!(missing.contains(fact), "{missing}");
    }
    assert_eq!(row(&rows, "shops.closed-shop", "disabled")["level"], "ok");
    assert_eq!(row(&rows, "database", "open")["level"], "ok");

    put("service", "SP123456_abc\n", 0o644);
    let (status, rows) = rows_of_check(dir.path());
    let open = row(&rows, "shops.rakuten-main", "section_unusable")["message"].as_str().unwrap().to_owned();
    assert!(status == 1 && open.contains("chmod"), "{open}");

    put("service", "SP123456_abc\n", 0o600);
    put("root.pem", "no certificate\n", 0o644);
    secrets(&format!("ca_file = \"{}\"", at("root.pem").display()));
    let (status, rows) = rows_of_check(dir.path());
    let bad = row(&rows, "shops.rakuten-main", "section_unusable")["message"].as_str().unwrap().to_owned();
    assert!(status == 1 && bad.contains("root.pem") | bad.contains("ca_file"), "{bad}");

    secrets("");
    assert_eq!(rows_of_check(dir.path()).0, 0);
}

#[test]
fn a_database_that_cannot_be_opened_is_a_row_beside_the_others() {
    let dir = home(
        "[database]\nurl = \"sqlite:/proc/nowhere/mallsync.db\"\n[shops.own-shop]\nmall = \"csv\"\n\
         directory = \"/tmp\"\nprofile = \"generic\"\n",
    );
    let (status, rows) = rows_of_check(dir.path());
    assert_eq!(status, 1);
    let database = row(&rows, "database", "database");
    assert!(database["message"].as_str().unwrap().contains("/proc/nowhere"), "{database}");
    assert!(database["action"].as_str().unwrap().contains("[database]"), "{database}");
    assert_eq!(row(&rows, "shops.own-shop", "next_runs")["level"], "ok");
    let online = run(dir.path(), &["check"]);
    assert_eq!(code(&online), 1);
    assert!(stdout(&online).contains("not asked: the database is needed for it"), "{}", stdout(&online));
    // A password in the config is told; the database of this one is not there either.
    let dir =
        home("[database]\nurl = \"postgres://mallsync@127.0.0.1:9/mallsync\"\npassword = \"plain:canary\"\n");
    let (status, rows) = rows_of_check(dir.path());
    assert_eq!(status, 1);
    let gone = row(&rows, "database", "database")["message"].as_str().unwrap();
    assert!(gone.contains("127.0.0.1:9") && gone.contains("is it running"), "{gone}");
    assert_eq!(row(&rows, "database", "secret_inline")["level"], "warning");
    assert!(!format!("{rows:?}").contains("canary"));
}
