//! `settlements import` and B2クラウド's web collect columns, through the real binary.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::binary::{code, stderr, stdout};
use super::data::{ORDERS, Shop};

const SLIP: &str = "400012345670";

/// The cart's file has no reception numbers and its profile no fallback: they come from files.
pub(crate) struct Cart {
    pub(crate) shop: Shop,
    _profile: tempfile::TempDir,
}

pub(crate) fn cart(mode: &str) -> Cart {
    let generic = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/profiles/generic.toml");
    let own = fs::read_to_string(generic).unwrap().replace("reception_no = \"order_no\"", "");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cart.toml");
    fs::write(&path, own).unwrap();
    Cart { shop: Shop::with(mode, &path.display().to_string(), "imported"), _profile: dir }
}

fn outcomes(report: &Value) -> Vec<(&str, &str)> {
    report
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["mall_order_id"].as_str().unwrap(), row["outcome"].as_str().unwrap()))
        .collect()
}

fn report(output: &std::process::Output) -> Value {
    serde_json::from_str(stdout(output)).unwrap()
}

#[test]
fn numbers_are_imported_shown_asked_and_the_same_file_again_changes_nothing() {
    let cart = cart("live");
    let shop = &cart.shop;
    assert_eq!(code(&shop.run(&["slips", "add", "A-1", SLIP])), 0);
    let held = shop.json(&["settlements", "list", "--held"]);
    assert!(held.to_string().contains("no reception number was imported"), "{held}");
    let text = "mall_order_id,reception_number,amount\r\n\
                A-1,WC-1,\"5,500\"\r\nA-2,WC-2,1\r\nA-3,wc3,\r\nA-4,WC-4,\r\nA-9,WC-9,\r\nA-5,,\r\n";
    shop.write("numbers.csv", text);
    let expected =
        [("A-1", "linked"), ("A-2", "refused"), ("A-3", "refused"), ("A-4", "refused"), ("A-9", "waiting")];

    // Money would move: without a terminal nothing is done.
    let asked = shop.run(&["settlements", "import", "numbers.csv"]);
    assert_eq!(code(&asked), 2, "{}", stderr(&asked));
    assert!(
        stderr(&asked).contains("1 (5,500 yen)") && stderr(&asked).contains("--yes"),
        "{}",
        stderr(&asked)
    );
    let dry = shop.run(&["settlements", "import", "numbers.csv", "--dry-run"]);
    assert_eq!((code(&dry), outcomes(&report(&dry))), (1, expected.to_vec()), "{}", stderr(&dry));
    assert_eq!(shop.json(&["settlements", "show", "A-1"])["reception_number"], Value::Null);

    let done = shop.run(&["settlements", "import", "numbers.csv", "--yes", "--no-wait"]);
    assert_eq!(code(&done), 1, "some rows were refused: {}", stderr(&done));
    let lines = report(&done);
    assert_eq!(outcomes(&lines), expected);
    assert_eq!(
        (&lines[1]["source"], &lines[2]["source"]),
        (&json!("numbers.csv:3"), &json!("numbers.csv:4"))
    );
    assert!(lines[1]["reason"].as_str().unwrap().contains("the order's due is 12,800 yen"), "{lines}");
    for said in ["1 linked", "1 waiting", "3 refused", "1 rows have no reception number"] {
        assert!(stderr(&done).contains(said), "{said}: {}", stderr(&done));
    }
    let sold = shop.json(&["settlements", "show", "A-1"]);
    assert_eq!(sold["reception_number"], "WC-1");
    assert!(sold["linked_by"].as_str().unwrap().starts_with("import:"), "{sold}");
    assert_eq!(sold["operations"][0]["kind"], "capture");
    assert_eq!(shop.json(&["settlements", "list", "--unmatched"])[0]["mall_order_id"], "A-9");

    let again = shop.run(&["settlements", "import", "numbers.csv"]);
    assert_eq!(outcomes(&report(&again))[0], ("A-1", "known"), "{}", stderr(&again));
    assert_eq!(shop.json(&["operations", "list"]).as_array().unwrap().len(), 1);
    // What waits is taken up with its order, or given up.
    let late = ORDERS.lines().next().unwrap().to_owned()
        + "\r\nA-9,700,クロネコwebコレクト,2026-11-21 10:00,見本 五郎,1000001,東京都,千代田区,はし,1,700\r\n";
    shop.write("late.csv", &late);
    assert_eq!(code(&shop.run(&["orders", "import", "late.csv", "--shop", "own-shop"])), 0);
    assert_eq!(shop.json(&["settlements", "show", "A-9"])["reception_number"], "WC-9");
    assert_eq!(shop.json(&["settlements", "list", "--unmatched"]), json!([]));
    shop.write("typo.csv", "A-99,WC-99");
    assert_eq!(code(&shop.run(&["settlements", "import", "typo.csv"])), 1, "a record without its end");
    shop.write("typo.csv", "A-98,WC-98\nA-99,WC-99\n");
    assert_eq!(code(&shop.run(&["settlements", "import", "typo.csv"])), 0);
    assert_eq!(code(&shop.run(&["settlements", "unlink", "A-99"])), 0);
    assert_eq!(code(&shop.run(&["settlements", "unlink", "WC-98"])), 0);
    assert_eq!(shop.json(&["settlements", "list", "--unmatched"]), json!([]));
    assert_eq!(code(&shop.run(&["settlements", "unlink", "A-99"])), 1, "there is nothing left");
}

#[test]
fn a_carts_own_file_is_read_by_a_profile_and_explained_first() {
    let cart = cart("dry-run");
    let shop = &cart.shop;
    let (text, _, _) = encoding_rs::SHIFT_JIS
        .encode("受注コード,webコレクト受付番号,氏名\r\nA-1,WC-1,髙橋\r\nA-4,,見本\r\n");
    fs::write(shop.path().join("cart.csv"), text).unwrap();
    let explained = shop.run(&["settlements", "import", "cart.csv", "--profile", "generic", "--explain"]);
    assert_eq!(code(&explained), 0, "{}", stderr(&explained));
    let columns = report(&explained);
    assert_eq!(columns[1]["fields"], json!(["reception_no"]));
    assert_eq!((&columns[2]["fields"], &columns[2]["example"]), (&json!([]), &json!("髙橋")));
    assert!(
        stderr(&explained).contains("cp932") && stderr(&explained).contains("2 rows"),
        "{}",
        stderr(&explained)
    );
    let plain = shop.run(&["settlements", "import", "cart.csv"]);
    assert_eq!(code(&plain), 1);
    assert!(stderr(&plain).contains("mall_order_id"), "{}", stderr(&plain));
    // A contract in dry-run sends nothing: nobody is asked.
    let done = shop.json(&["settlements", "import", "cart.csv", "--profile", "generic"]);
    assert_eq!(outcomes(&done), [("A-1", "linked")]);
    assert_eq!(done[0]["settlement"], "webcollect-main");
    let table = shop.run(&["settlements", "import", "cart.csv", "--profile", "generic", "--format", "table"]);
    assert!(stdout(&table).contains("WC-1") && stdout(&table).contains("known"), "{}", stdout(&table));
    for wrong in [
        &["settlements", "import", "cart.csv", "--settlement", "webcollect"][..],
        &["settlements", "import", "cart.csv", "--shop", "nobody"],
        &["settlements", "import"],
        &["settlements", "import", "cart.csv", "--explain", "--yes"],
        &["settlements", "list", "--unmatched", "--held"],
    ] {
        assert_eq!(code(&shop.run(wrong)), 2, "{wrong:?}");
    }
    for failing in [
        &["settlements", "import", "cart.csv", "--profile", "genric"][..],
        &["settlements", "import", "nowhere.csv"],
    ] {
        assert_eq!(code(&shop.run(failing)), 1, "{failing:?}");
    }
}

/// A B2 file with (order, number, postal code, column 43, 申込受付番号１) rows.
fn b2(shop: &Shop, name: &str, rows: &[[&str; 5]]) {
    let heading = "お客様管理番号,送り状種類,伝票番号,出荷予定日,お届け先郵便番号,クロネコwebコレクトデータ登録,\
                   クロネコwebコレクト申込受付番号１\r\n";
    let row = |[order, number, postal, registers, reception]: &[&str; 5]| {
        format!("{order},0,{number},2026/11/21,{postal},{registers},{reception}\r\n")
    };
    shop.write(name, &(heading.to_owned() + &rows.iter().map(row).collect::<String>()));
}

#[test]
fn b2s_file_links_its_parcels_and_a_double_registration_is_a_persons_question() {
    let cart = cart("live");
    let shop = &cart.shop;
    b2(
        shop,
        "b2.csv",
        &[
            ["A-1", SLIP, "1000001", "0", "WC-1"],
            ["A-2", "400012345681", "5300001", "1", "WC-2"],
            ["A-3", "400012345692", "0600000", "", "WC-1"],
        ],
    );
    let done = shop.run(&["slips", "import", "b2.csv", "--no-wait"]);
    assert_eq!(code(&done), 0, "{}", stderr(&done));
    let said: Vec<Value> =
        report(&done).as_array().unwrap().iter().map(|row| row["outcome"].clone()).collect();
    assert_eq!(said, [json!("matched"), json!("matched"), json!("held")], "{}", stdout(&done));
    assert_eq!(shop.json(&["settlements", "show", "WC-1"])["mall_order_id"], "A-1");
    let operations = shop.json(&["operations", "list"]);
    assert_eq!(operations.as_array().unwrap().len(), 1, "{operations}");
    assert_eq!(operations[0]["mall_order_id"], "A-1");
    let question = shop.json(&["settlements", "show", "A-2"])["held"].as_str().unwrap().to_owned();
    assert!(question.contains("it registers slip 400012345681 itself"), "{question}");
    assert_eq!(shop.json(&["orders", "show", "A-2"])["slips"][0]["b2_registers"], true);

    // Where B2 registers, that is how it should be, and nothing is captured.
    let config = shop.path().join("config/mallsync.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("capture = \"slip\"", "capture = \"slip\"\nregistered_by = \"b2cloud\""))
        .unwrap();
    let preview = shop.json(&["settlements", "preview"]);
    let of = |order: &str| {
        preview.as_array().unwrap().iter().find(|row| row["mall_order_id"] == order).unwrap().clone()
    };
    assert_eq!(of("A-2")["action"], "wait", "{preview}");
    assert_eq!(of("A-1")["action"], "person", "B2 does not register that one: {preview}");
}

/// Column 44 names the merchant whose numbers B2クラウド registers: those of another one are not this contract's.
#[test]
fn numbers_of_another_merchant_in_b2s_file_link_nothing() {
    let cart = cart("live");
    let shop = &cart.shop;
    let heading = "お客様管理番号,送り状種類,伝票番号,出荷予定日,お届け先郵便番号,クロネコwebコレクト加盟店番号,\
                   クロネコwebコレクト申込受付番号１\r\n";
    let row = |order: &str, slip: &str, postal: &str, merchant: &str, number: &str| {
        format!("{order},0,{slip},2026/11/21,{postal},{merchant},{number}\r\n")
    };
    let rows = [
        row("A-1", SLIP, "1000001", "900000001", "WC-1"),
        row("A-2", "400012345681", "5300001", "800000009", "WC-2"),
        // Its order comes later: it is compared then as well.
        row("A-9", "400012345692", "1000001", "800000009", "WC-9"),
    ];
    shop.write("b2.csv", &format!("{heading}{}", rows.concat()));
    let done = shop.run(&["slips", "import", "b2.csv", "--no-wait"]);
    assert_eq!(code(&done), 0, "{}", stderr(&done));
    let lines = report(&done);
    let said: Vec<&Value> = lines.as_array().unwrap().iter().map(|line| &line["outcome"]).collect();
    assert_eq!(said, ["matched", "matched", "waiting"], "{lines}");
    let told = lines[1]["reason"].as_str().unwrap();
    assert!(told.contains("加盟店番号 800000009 is not the trader_code of webcollect-main"), "{told}");
    let late = ORDERS.lines().next().unwrap().to_owned()
        + "\r\nA-9,700,クロネコwebコレクト,2026-11-21 10:00,見本 五郎,1000001,東京都,千代田区,はし,1,700\r\n";
    shop.write("late.csv", &late);
    assert_eq!(code(&shop.run(&["orders", "import", "late.csv", "--shop", "own-shop"])), 0);
    let number = |order: &str| shop.json(&["settlements", "show", order])["reception_number"].clone();
    assert_eq!([number("A-1"), number("A-2"), number("A-9")], [json!("WC-1"), Value::Null, Value::Null]);
    let slips = |order: &str| shop.json(&["orders", "show", order])["slips"].as_array().unwrap().len();
    assert_eq!((slips("A-2"), slips("A-9")), (1, 1), "the parcels are the orders' all the same");
}
