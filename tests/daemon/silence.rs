//! I9: whatever the filter, whatever goes wrong, no secret and no personal data is said.

use std::collections::BTreeSet;

use mallsync::sim::{self, Body, Fault, Rule};

use crate::rig::{House, Outside, noon};
use crate::stop::feed;

/// A cart's file with people that nobody else is called.
const CANARIES: [&str; 9] = [
    "金糸雀丘 囀子",
    "カナリアガオカ サエズリコ",
    "囀町9-8-7",
    "000-7654-3210",
    "00076543210",
    "canary-buyer@example.jp",
    "籠原 小鳥",
    "鳥籠町6-5-4",
    "canary-note",
];
const ORDERS: &str = "\
注文番号,支払合計,支払方法,注文日時,氏名,フリガナ,郵便番号,都道府県,住所,TEL,メールアドレス,お届け先名,お届け先住所,備考,商品名,数量,単価\r\n\
C-1,5500,クレジットカード(クロネコwebコレクト),2026-11-20 10:00,金糸雀丘 囀子,カナリアガオカ サエズリコ,1000001,東京都,囀町9-8-7,000-7654-3210,canary-buyer@example.jp,籠原 小鳥,鳥籠町6-5-4,canary-note,湯のみ,2,2500\r\n";

/// What must not be said, beside the canaries: the world's own secrets and people.
fn forbidden(house: &House) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = CANARIES.iter().map(|c| (*c).to_owned()).collect();
    all.extend(["SP345678_sim", "SL345678_sim", "U1AzNDU2Nzhfc2lt", "canary-db-secret"].map(str::to_owned));
    let orders = house.json(&["orders", "list"]);
    for order in orders.as_array().unwrap() {
        let recipients = order["packages"].as_array().unwrap().iter().map(|p| &p["recipient"]);
        for person in recipients.chain([&order["buyer"]]) {
            for part in ["name", "name_kana", "address", "phone", "email"] {
                if let Some(text) = person[part].as_str() {
                    all.insert(text.to_owned());
                    all.insert(text.replace(' ', ""));
                }
            }
        }
    }
    all
}

#[test]
fn secrets_and_people_are_never_said_in_json() {
    said_nothing("json");
}

#[test]
fn secrets_and_people_are_never_said_in_text() {
    said_nothing("text");
}

fn said_nothing(format: &str) {
    let outside = Outside::new(11, 20, Outside::clock(noon(), 600));
    let mut house = House::new(&outside);
    house.change(
        "format = \"json\"\nfilter = \"info\"",
        &format!("format = \"{format}\"\nfilter = \"trace\""),
    );
    feed(&house, &outside);
    let mut said: Vec<String> = Vec::new();
    let daemon = house.launch();
    daemon.log.wait(0, &["Slip registered."]);
    daemon.log.wait(0, &["Pass finished.", sim::RAKUTEN_SHOP]);
    // A file that is read, one that is refused with people in it, one of whose rows is set aside.
    house.drop_orders("1-canary.csv", &[b"\xEF\xBB\xBF", ORDERS.as_bytes()].concat(), 1);
    let refused = ORDERS.replace("C-1", "C-2").replace(",2,2500\r\n", ",\"2,2500\r\n");
    house.drop_orders("2-refused.csv", refused.as_bytes(), 2);
    let aside = ORDERS.replace("C-1", "C-3").replace("5500", "金糸雀丘 囀子");
    house.drop_orders("3-aside.csv", aside.as_bytes(), 3);
    daemon.log.wait(0, &["Order set aside."]);
    // Faults on every path, some of which carry people's data in what is not understood.
    let status = |status, body| Fault::Status { status, body, effect: false, retry_after: 0 };
    let faults = [
        Fault::Truncated,
        Fault::Bom,
        Fault::ExtraElements,
        Fault::CutBody { at: 900 },
        status(500, Body::Json),
        status(503, Body::Html),
        Fault::Auth { code: "ES04-01".to_owned() },
    ];
    for fault in faults {
        outside.world.set_fault(Rule { fault, ..Rule::default() });
        let output = house.run(&["sync", "--since", "2026-11-17"]);
        said.push(String::from_utf8_lossy(&output.stdout).into_owned());
        said.push(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    outside.world.set_faults(Vec::new());
    // Slips for the wrong people, and for nobody.
    let slips = outside.world.b2_file(noon(), outside.world.now()).unwrap().unwrap_or_default();
    let wrong = house.slip_file("wrong.csv", &[&slips[..], b"canary-note,\"0\r\n"].concat());
    for command in [
        &["check"][..],
        &["check", "--format", "table"],
        &["status"],
        &["status", "--format", "table"],
        &["sync"],
        &["slips", "import", &wrong, "--no-wait"],
        &["slips", "add", "C-1", "400012345671"],
        &["slips", "list"],
        &["settlements", "list"],
        &["settlements", "preview"],
        &["operations", "list"],
        &["config", "show"],
        &["orders", "show", "nobody"],
        &["orders", "import", "nowhere.csv", "--shop", "own-shop"],
        &["run"],
    ] {
        let output = house.run(command);
        said.push(String::from_utf8_lossy(&output.stdout).into_owned());
        said.push(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    daemon.terminate();
    let log = std::sync::Arc::clone(&daemon.log);
    let out = std::sync::Arc::clone(&daemon.out);
    daemon.log.wait(0, &["mallsync stopped."]);
    drop(daemon);
    said.extend(log.lines());
    said.extend(out.lines());
    // A database that is not there, with a secret in it.
    let sqlite = house.text.lines().find(|line| line.starts_with("url = ")).unwrap().to_owned();
    let forbidden = forbidden(&house);
    house.change(&sqlite, "url = \"postgres://user:canary-db-secret@localhost/none?host=/nowhere\"");
    for command in [&["run"][..], &["status"], &["check"], &["config", "show"]] {
        let output = house.run(command);
        said.push(String::from_utf8_lossy(&output.stdout).into_owned());
        said.push(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    assert!(forbidden.len() > 100, "{}", forbidden.len());
    assert!(log.count(0, &["Request answered."]) > 20, "the log was at its finest");
    for text in &said {
        for word in &forbidden {
            assert!(!text.contains(word.as_str()), "{word:?} was said: {text}");
        }
    }
    for entry in ["orders", "orders/done", "orders/rejected", "."] {
        let Ok(entries) = std::fs::read_dir(house.path().join(entry)) else { continue };
        for name in entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()) {
            assert!(!forbidden.iter().any(|word| name.contains(word.as_str())), "{name}");
        }
    }
}
