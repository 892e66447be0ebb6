//! `status`: what is wrong, since when and why, what is waited for, and what to type.

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::binary::{code, stdout};
use super::data::Shop;

/// Widest line of a table.
const WIDE: usize = 100;

fn table(shop: &Shop, language: &str) -> String {
    let config = shop.path().join("config/mallsync.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let other = text.replace("language = \"en\"", &format!("language = \"{language}\""));
    std::fs::write(&config, &other).unwrap();
    let output = shop.run(&["status", "--format", "table"]);
    assert_eq!(code(&output), 0);
    std::fs::write(&config, text).unwrap();
    stdout(&output).to_owned()
}

#[test]
fn it_tells_what_needs_a_person_since_when_why_and_what_to_type() {
    let shop = Shop::new("live");
    assert_eq!(code(&shop.run(&["sync"])), 0);
    shop.run(&["settlements", "hold", "webcollect-main", "--reason", "stocktaking"]);
    shop.run(&["slips", "add", "A-1", "400012345670", "--no-wait"]);
    let report = shop.json(&["status"]);
    assert_eq!(report["well"], false);
    let held = report["attention"].as_array().unwrap().iter().find(|a| a["topic"] == "account_held").unwrap();
    assert_eq!(
        (&held["subject"], &held["count"], &held["detail"], &held["command"]),
        (
            &Value::from("settlements.webcollect-main"),
            &Value::from(1),
            &Value::from("stocktaking"),
            &Value::from("mallsync settlements release webcollect-main")
        )
    );
    assert!(held["since"].as_str().unwrap().starts_with("2026-11-21T12:"), "{held}");
    let waiting = &report["settlements"][0]["waiting"];
    assert_eq!(waiting[0]["what"], "release");
    assert_eq!(waiting[1]["what"], "operation");
    assert!(waiting[1]["until"].is_string());
    // Three days of cart orders wait to be shipped; the oldest was ordered at ten.
    let own = &report["shops"][0];
    assert_eq!(own["awaiting_shipment"]["orders"], 4);
    assert_eq!(own["awaiting_shipment"]["oldest_at"], "2026-11-20T10:00:00+09:00");
    assert_eq!(
        (&own["awaiting_confirmation"]["orders"], &own["awaiting_confirmation"]["oldest_at"]),
        (&0.into(), &Value::Null)
    );

    let english = table(&shop, "en");
    for words in [
        "✗ settlements.webcollect-main: everything is held · since 11-21 12:",
        "\n    stocktaking\n",
        "\n    → mallsync settlements release webcollect-main\n",
        "a person's `settlements release`",
        "4 (26h)",
    ] {
        assert!(english.contains(words), "{words}\nin\n{english}");
    }
    let japanese = table(&shop, "ja");
    for words in ["すべて停止中 · 11-21 12:", "から\n    stocktaking\n", "発送待ち", "待っているもの"]
    {
        assert!(japanese.contains(words), "{words}\nin\n{japanese}");
    }
}

#[test]
fn its_lines_fit_a_hundred_columns_and_its_columns_line_up_in_both_languages() {
    let shop = Shop::new("live");
    // Names as long as they may be.
    let long = "a-shop-with-a-name-as-long-as-a-name-may-be-which-is-64-letters";
    let config = shop.path().join("config/mallsync.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("own-shop", long).replace("webcollect-main", &format!("{long}s")))
        .unwrap();
    shop.run(&["sync"]);
    shop.write("orders/later.csv", super::data::ORDERS);
    shop.run(&["settlements", "hold", &format!("{long}s"), "--reason", &"とても長い理由です。".repeat(20)]);
    for language in ["en", "ja"] {
        let text = table(&shop, language);
        for line in text.lines().filter(|line| !line.starts_with("    → ")) {
            assert!(line.width() <= WIDE, "{} in {language}: {line}\n{text}", line.width());
        }
        // Each table's last column begins at the same cell in every row: the text before it is as wide.
        let tables: Vec<&str> = text.split("\n\n").filter(|block| !block.contains('✗')).collect();
        assert!(tables.len() >= 2, "{text}");
        for block in tables {
            let mut lines = block.lines();
            let heading = lines.next().unwrap();
            let last = heading.rfind("  ").unwrap() + 2;
            let cells = heading[..last].width();
            for line in lines {
                // A character never lies across the border of the column.
                let mut used = 0;
                let met = line.chars().any(|c| {
                    let here = used == cells;
                    used += c.to_string().width();
                    here
                });
                assert!(met || line.width() <= cells, "{language}: {line}\n{block}");
            }
        }
    }
}

#[test]
fn the_exit_status_is_for_monitoring() {
    let shop = Shop::new("dry-run");
    assert_eq!(code(&shop.run(&["status"])), 0, "without the switch it only tells");
    assert_eq!(code(&shop.run(&["status", "--exit-code"])), 1, "never polled");
    assert_eq!(code(&shop.run(&["sync"])), 0);
    assert_eq!(code(&shop.run(&["status", "--exit-code"])), 0);
    let config = shop.path().join("config/mallsync.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("[daemon]", "[daemon]\nlisten = \"0.0.0.0:9477\"")).unwrap();
    let mut command = super::binary::mallsync(shop.path(), &["status", "--exit-code"]);
    let invalid = command.env_remove("MALLSYNC__DAEMON__LISTEN").output().unwrap();
    assert_eq!(code(&invalid), 78);
}

/// What a contract in dry-run finds is shown; monitoring is called only where money is at stake now.
#[test]
fn dry_run_is_red_only_where_an_authorisation_draws_to_its_end() {
    use mallsync::domain::settlement::SettlementState::Authorized;
    let exit = |shop: &Shop| code(&shop.run(&["status", "--exit-code"]));
    let held = |mode: &str| {
        let shop = Shop::new(mode);
        super::wishes::looked(&shop, "A-1", Authorized, 5_500, 60, &[]);
        assert_eq!(code(&shop.run(&["sync"])), 0);
        assert_eq!(code(&shop.run(&["settlements", "hold", "A-2", "--reason", "the buyer called"])), 0);
        shop
    };
    assert_eq!(exit(&held("live")), 1, "a person is awaited");
    let shop = held("dry-run");
    assert_eq!(exit(&shop), 0);
    let report = shop.json(&["status"]);
    assert_eq!(report["well"], true);
    let shown = &report["attention"][0];
    assert_eq!((&shown["topic"], &shown["advisory"]), (&"settlements_held".into(), &true.into()), "{report}");
    let text = table(&shop, "en");
    assert!(
        text.starts_with("✓ All is well.\n") && text.contains("\n! settlements.webcollect-main: "),
        "{text}"
    );
    // 60 days, the first included: authorised on the 20th of November.
    let contract = &report["settlements"][0];
    assert_eq!(
        (&contract["next_lapse_on"], &contract["next_lapse_days"]),
        (&"2027-01-18".into(), &58.into())
    );
    assert!(text.contains("2027-01-18 (58d)"), "{text}");

    super::wishes::looked(&shop, "A-1", Authorized, 5_500, 3, &[]);
    let report = shop.json(&["status"]);
    assert_eq!((exit(&shop), &report["well"]), (1, &false.into()), "it ends tomorrow");
    assert_eq!(report["attention"][0]["topic"], "authorizations_lapse", "{report}");
    assert_eq!(report["settlements"][0]["next_lapse_days"], 1);
}
