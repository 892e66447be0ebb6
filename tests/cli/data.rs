//! Orders and slips come in from files and go out in every format; no daemon, no network.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::binary::{code, run, stderr, stdout};

/// A shop of its own: `orders` are lines of its cart's file. `mode` is the settlement's.
pub(crate) struct Shop {
    dir: tempfile::TempDir,
}

/// Three card orders of invented people, and one that is paid on delivery.
pub(crate) const ORDERS: &str = "\
注文番号,支払合計,支払方法,注文日時,氏名,郵便番号,都道府県,住所,商品名,数量,単価\r\n\
A-1,5500,クレジットカード(クロネコwebコレクト),2026-11-20 10:00,見本 花子,1000001,東京都,千代田区1-1,\"湯のみ \"\"藍\"\"\",2,2500\r\n\
A-2,12800,クレジットカード(クロネコwebコレクト),2026-11-20 11:00,𠮷野 次郎,5300001,大阪府,北区2-2,=SUM(A1),1,12800\r\n\
A-3,800,クレジットカード(クロネコwebコレクト),2026-11-20 12:00,髙橋 三郎,0600000,北海道,札幌市3-3,はし,1,800\r\n\
A-4,900,代金引換,2026-11-20 13:00,見本 四郎,1000001,東京都,千代田区1-1,はし,1,900\r\n";

impl Shop {
    pub(crate) fn new(mode: &str) -> Self {
        Self::with(mode, "generic", "{mall_order_id}")
    }

    /// As `new`, with another profile of the cart and another source of its reception numbers.
    pub(crate) fn with(mode: &str, profile: &str, reception_number: &str) -> Self {
        use mallsync::clock::{Clock, SystemClock, Timestamp};
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().display();
        // The clock of the story: noon of 2026-11-21, whenever the test runs.
        let epoch = SystemClock::default().wall();
        let start = Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap();
        fs::create_dir_all(dir.path().join("config")).unwrap();
        fs::create_dir_all(dir.path().join("orders")).unwrap();
        let config = format!(
            r#"[simulation]
start = "{start}"
epoch = "{epoch}"
speed = 1
[database]
url = "sqlite:{home}/mallsync.db"
[daemon]
language = "en"
[shops.own-shop]
mall = "csv"
directory = "{home}/orders"
profile = "{profile}"
[settlements.webcollect-main]
provider = "webcollect"
mode = "{mode}"
since = "2026-11-01"
trader_code = "900000001"
base_url = "http://127.0.0.1:9/api/"
capture = "slip"
authorization_days = 60
maintenance = ""
[[settlements.webcollect-main.match]]
shop = "own-shop"
mall_payment = ["*webコレクト*"]
reception_number = "{reception_number}"
"#
        );
        fs::write(dir.path().join("config/mallsync.toml"), config).unwrap();
        let shop = Self { dir };
        shop.write("orders.csv", ORDERS);
        let imported = shop.run(&["orders", "import", "orders.csv", "--shop", "own-shop"]);
        assert_eq!(code(&imported), 0, "{}", stderr(&imported));
        assert!(stderr(&imported).contains("4 new"), "{}", stderr(&imported));
        shop
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    pub(crate) fn run(&self, args: &[&str]) -> std::process::Output {
        run(self.path(), args)
    }

    /// The command went well and wrote JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
        serde_json::from_str(stdout(&output)).unwrap()
    }

    /// A B2 file with (order, number, postal code) rows.
    pub(crate) fn slips(&self, name: &str, rows: &[(&str, &str, &str)]) {
        let heading = "お客様管理番号,送り状種類,伝票番号,出荷予定日,お届け先郵便番号,お届け先名\r\n";
        let rows: String = rows
            .iter()
            .map(|(order, number, postal)| format!("{order},0,{number},2026/11/21,{postal},見本\r\n"))
            .collect();
        self.write(name, &format!("\u{feff}{heading}{rows}"));
    }
}

fn numbers(orders: &Value) -> Vec<&str> {
    orders.as_array().unwrap().iter().map(|order| order["mall_order_id"].as_str().unwrap()).collect()
}

#[test]
fn orders_go_out_in_every_format() {
    let shop = Shop::new("dry-run");
    let orders = shop.json(&["orders", "list"]);
    assert_eq!(numbers(&orders), ["A-4", "A-3", "A-2", "A-1"]);
    assert_eq!(orders[3]["amounts"]["due"], 5500);
    assert_eq!(orders[3]["ordered_at"], "2026-11-20T10:00:00+09:00");
    assert_eq!(orders[3]["settlement"]["reception_number"], "A-1");
    let lines = shop.run(&["orders", "list", "--format", "jsonl"]);
    let lines: Vec<Value> = stdout(&lines).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, *orders.as_array().unwrap());
    let table = shop.run(&["orders", "list", "--format", "table"]);
    let table: Vec<&str> = stdout(&table).lines().collect();
    assert!(table[0].starts_with("Ordered      Shop      Order  Status"), "{table:?}");
    assert!(
        table[4].starts_with("11-20 10:00  own-shop  A-1    awaiting_shipment  見本 花子   5,500"),
        "{table:?}"
    );
    let csv = shop.run(&["orders", "list", "--format", "csv"]);
    let text = stdout(&csv).strip_prefix('\u{feff}').unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let column =
        |name: &str| text.lines().next().unwrap().split(',').position(|c| c == format!("\"{name}\""));
    let (goods, due) = (column("goods_lines").unwrap(), column("due").unwrap());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(&records[2][goods], "'=SUM(A1) × 1");
    assert_eq!(&records[3][goods], "湯のみ \"藍\" × 2");
    assert_eq!(&records[3][due], "5500");
}

#[test]
fn cp932_names_what_it_cannot_write_and_fails() {
    let shop = Shop::new("dry-run");
    let output = shop.run(&["orders", "list", "--format", "csv", "--encoding", "cp932"]);
    assert_eq!(code(&output), 1);
    let (text, _, broken) = encoding_rs::SHIFT_JIS.decode(&output.stdout);
    assert!(!broken && text.contains("〓野 次郎") && text.contains("髙橋 三郎"));
    assert!(stderr(&output).contains("𠮷 cannot be written in CP932 (column buyer_name, row 3)"));
}

#[test]
fn a_list_is_cut_by_limit_filtered_and_paged() {
    let shop = Shop::new("dry-run");
    assert_eq!(numbers(&shop.json(&["orders", "list", "--limit", "2"])), ["A-4", "A-3"]);
    let cut = shop.run(&["orders", "list", "--limit", "2", "--format", "table"]);
    assert!(stderr(&cut).contains("… and more (--limit)"));
    let whole = shop.run(&["orders", "list", "--limit", "4", "--format", "table"]);
    assert!(!stderr(&whole).contains("more"), "{}", stderr(&whole));
    let window = ["orders", "list", "--since", "2026-11-20 11:00", "--until", "2026-11-20T03:00:00Z"];
    assert_eq!(numbers(&shop.json(&window)), ["A-2"]);
    assert_eq!(numbers(&shop.json(&["orders", "list", "--since", "1525m"])), ["A-4", "A-3", "A-2"]);
    assert!(numbers(&shop.json(&["orders", "list", "--status", "shipped"])).is_empty());
    // A name that is not in the config is a typing error, not an empty list.
    let unknown = shop.run(&["orders", "list", "--shop", "rakuten-main"]);
    assert_eq!(code(&unknown), 2);
    assert!(stderr(&unknown).contains("own-shop"));
    // More rows than one page of the database gives.
    let many: String = (0..1_203)
        .map(|n| {
            format!("B-{n:04},100,代金引換,2026-11-19 10:00,見本,1000001,東京都,千代田区,はし,1,100\r\n")
        })
        .collect();
    let heading = ORDERS.split_inclusive("\r\n").next().unwrap();
    shop.write("many.csv", &format!("{heading}{many}"));
    let imported = shop.run(&["orders", "import", "many.csv", "--shop", "own-shop"]);
    assert_eq!(code(&imported), 0, "{}", stderr(&imported));
    let orders = shop.json(&["orders", "list"]);
    let mut all = numbers(&orders);
    assert_eq!(all.len(), 1_207);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 1_207);
    let table = shop.run(&["orders", "list", "--format", "table"]);
    assert_eq!(stdout(&table).lines().count(), 1_208);
}

#[test]
fn one_order_is_shown_with_its_history() {
    let shop = Shop::new("dry-run");
    let order = shop.json(&["orders", "show", "A-1"]);
    assert_eq!(order["packages"][0]["lines"][0]["quantity"], 2);
    assert_eq!(shop.json(&["orders", "show", order["id"].as_str().unwrap()]), order);
    let table = shop.run(&["orders", "show", "A-1", "--format", "table"]);
    assert!(stdout(&table).contains("見本 花子 1000001 東京都"), "{}", stdout(&table));
    assert_eq!(shop.json(&["orders", "history", "A-1"]).as_array().unwrap().len(), 1);
    shop.write("later.csv", &ORDERS.replace("A-1,5500", "A-1,5600"));
    assert_eq!(code(&shop.run(&["orders", "import", "later.csv", "--shop", "own-shop"])), 0);
    let history = shop.json(&["orders", "history", "A-1"]);
    assert_eq!(history.as_array().unwrap().len(), 2);
    let changes = history[1]["changes"].as_array().unwrap();
    assert!(changes.iter().any(|c| c["path"] == "amounts.due" && c["from"] == 5500 && c["to"] == 5600));
    let missing = shop.run(&["orders", "show", "A-9"]);
    assert_eq!(code(&missing), 1);
    assert!(stderr(&missing).contains("A-9") && missing.stdout.is_empty());
}

#[test]
fn a_file_is_explained_without_being_stored() {
    let shop = Shop::new("dry-run");
    shop.write("new.csv", &ORDERS.replace("A-", "N-"));
    let explained = shop.run(&["orders", "import", "new.csv", "--shop", "own-shop", "--explain"]);
    assert_eq!(code(&explained), 0, "{}", stderr(&explained));
    let columns: Value = serde_json::from_str(stdout(&explained)).unwrap();
    assert_eq!(columns[0]["name"], "注文番号");
    assert_eq!(columns[0]["fields"][0], "order_no");
    assert!(stderr(&explained).contains("utf-8") && stderr(&explained).contains("4 orders"));
    assert_eq!(code(&shop.run(&["orders", "show", "N-1"])), 1);
    let broken = shop.run(&["orders", "import", "nowhere.csv", "--shop", "own-shop"]);
    assert_eq!(code(&broken), 1);
    assert!(stderr(&broken).contains("nowhere.csv"));
}

#[test]
fn slips_are_reported_row_by_row_and_a_file_again_is_harmless() {
    let shop = Shop::new("dry-run");
    shop.slips(
        "b2.csv",
        &[
            ("A-1", "400012345670", "100-0001"),
            ("A-9", "400012345600", "100-0001"),
            ("A-2", "400012345671", "530-0001"),
            ("A-3", "400012345611", "999-9999"),
        ],
    );
    let tried = shop.run(&["slips", "import", "--dry-run", "b2.csv"]);
    assert_eq!(code(&tried), 1);
    assert!(stderr(&tried).contains("nothing was written"));
    assert_eq!(shop.json(&["slips", "list"]), Value::Array(Vec::new()));
    let output = shop.run(&["slips", "import", "b2.csv"]);
    assert_eq!(code(&output), 1, "a refused row is a failure");
    let rows: Value = serde_json::from_str(stdout(&output)).unwrap();
    let facts: Vec<(&str, &str)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["source"].as_str().unwrap(), row["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(
        facts,
        [("b2.csv:2", "matched"), ("b2.csv:3", "waiting"), ("b2.csv:4", "refused"), ("b2.csv:5", "held")]
    );
    assert!(rows[2]["reason"].as_str().unwrap().contains("check digit"));
    let again = shop.run(&["slips", "import", "b2.csv"]);
    assert!(stderr(&again).contains("the same file"), "{}", stderr(&again));
    assert!(!stdout(&again).contains("\"matched\""));
    assert_eq!(shop.json(&["slips", "list", "--unmatched"]).as_array().unwrap().len(), 2);
    let order = shop.json(&["orders", "show", "A-1"]);
    assert_eq!(order["slips"][0]["number"], "400012345670");
    assert_eq!(order["slips"][0]["source"], "b2.csv:2");
}

#[test]
fn a_person_adds_replaces_and_removes_a_slip() {
    let shop = Shop::new("dry-run");
    let slips = || {
        let order = shop.json(&["orders", "show", "A-1"]);
        let slips = order["slips"].as_array().unwrap().iter();
        slips.map(|slip| slip["number"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let wrong = shop.run(&["slips", "add", "A-1", "400012345671"]);
    assert_eq!(code(&wrong), 2);
    assert!(stderr(&wrong).contains("check digit"), "{}", stderr(&wrong));
    let added = shop.run(&["slips", "add", "A-1", "４０００-1234-5670", "--ship-date", "2026-11-21"]);
    assert_eq!(code(&added), 0, "{}", stderr(&added));
    assert_eq!(slips(), ["400012345670"]);
    let replaced = shop.run(&["slips", "replace", "A-1", "400012345670", "400012345600"]);
    assert_eq!(code(&replaced), 0, "{}", stderr(&replaced));
    assert_eq!(slips(), ["400012345600"]);
    assert_eq!(code(&shop.run(&["slips", "remove", "A-1", "400012345600"])), 0);
    assert!(slips().is_empty());
}
