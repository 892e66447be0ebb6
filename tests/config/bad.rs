use insta::assert_snapshot;

use crate::support::{Folder, SHOP, findings};

const TEMPLATE: &str = include_str!("../../config/mallsync.toml");

/// A settlement that is as it should be, for adding what is not.
const CARD: &str = "[settlements.card]\nprovider = \"webcollect\"\ntrader_code = \"1\"\n";

fn card(more: &str) -> String {
    findings(format!("{CARD}{more}"))
}

fn rule(more: &str) -> String {
    findings(format!("{SHOP}{CARD}[[settlements.card.match]]\nshop = \"rakuten-main\"\n{more}"))
}

#[test]
fn everything_wrong_is_told_at_once_in_the_order_of_lines() {
    let text = r#"
colour = "blue"
[database]
url = "mysql://db"
[daemon]
timezone = "UTC"
langauge = "ja"
[log]
format = "xml"
[shops.Main_Shop]
mall = "rakutenn"
[shops.rakuten-main]
mall = "rakuten"
schedule = "0 9 * * 1-5"
initial_lookback = "7 days"
service_secret = "SP-canary-secret"
licence_key = "file:/k"
license_key = "file:/k"
base_url = "http://rms.example"
[settlements.card]
provider = "webcollect"
mode = "live"
trader_code = "1"
amount_limit = "300,000"
[[settlements.card.match]]
shop = "rakuten-mian"
mall_payment = "*"
reception_number = "{order}"
[slips]
verify_recipient = true
"#;
    let told = findings(text);
    assert!(!told.contains("canary"), "{told}");
    assert_snapshot!(told, @r#"
        mallsync.toml:2: colour: unknown key; known here: daemon, database, log, settlements, shops, simulation, slips
        mallsync.toml:4: database.url: expected "sqlite:/path/to/mallsync.db" or "postgres://user@host/database"
        mallsync.toml:6: daemon.timezone: expected "Asia/Tokyo", found "UTC"
        mallsync.toml:7: daemon.langauge: unknown key; did you mean `language`?
        mallsync.toml:9: log.format: expected "auto" or "json" or "text" or "journald", found "xml"
        mallsync.toml:10: shops.Main_Shop: a name is made of small letters, digits and `-` (a-z 0-9 -), 1 to 64 of them
        mallsync.toml:11: shops.Main_Shop.mall: expected one of rakuten, csv, found "rakutenn" (did you mean "rakuten"?)
        mallsync.toml:14: shops.rakuten-main.schedule: weekdays are written by name, since systems number them differently: `MON-FRI` or `SAT,SUN` instead of `1-5`
        mallsync.toml:15: shops.rakuten-main.initial_lookback: expected a length of time such as "7d" (days), "12h" or "90m" (minutes), found "7 days"
        mallsync.toml:16: shops.rakuten-main.service_secret: expected where the secret is kept: `file:PATH`, `credential:NAME`, `env:NAME` or, for tests, `plain:VALUE` (what was found is not repeated here: it may be a secret)
        mallsync.toml:17: shops.rakuten-main.licence_key: unknown key; did you mean `license_key`?
        mallsync.toml:19: shops.rakuten-main.base_url: plain http:// to rms.example would send secrets unencrypted: expected https:// (http:// only to this machine)
        mallsync.toml:20: settlements.card.since: missing: mode = "live" needs since = "YYYY-MM-DD": orders placed before that day are never touched
        mallsync.toml:20: settlements.card.authorization_days: missing: mode = "live" needs authorization_days = N: 与信有効期間 in days, the day of authorisation included, as the contract says
        mallsync.toml:24: settlements.card.amount_limit: expected a whole number of yen above 0 (no quotes, no comma, no sign), found "300,000"
        mallsync.toml:26: settlements.card.match[0].shop: no shop has the name "rakuten-mian"; did you mean "rakuten-main"?
        mallsync.toml:27: settlements.card.match[0].mall_payment: expected a list of patterns such as ["*カード*"], found "*"
        mallsync.toml:28: settlements.card.match[0].reception_number: unknown field "order" in "{order}": the one field is {mall_order_id}
        mallsync.toml:30: slips.verify_recipient: expected "postal_code" or "off", found true
        "#);
}

#[test]
fn a_missing_file_is_told_with_how_to_get_one() {
    let folder = Folder::with("");
    assert_snapshot!(folder.load_path(&folder.path("absent.toml")).unwrap_err(), @r#"absent.toml: there is no such config file: `mallsync init` writes one, `--config PATH` or the variable MALLSYNC_CONFIG names another"#);
    assert_snapshot!(folder.load_path(&folder.path("")).unwrap_err(), @r#": a folder, not a config file: name the file in it"#);
}

#[test]
fn what_is_no_toml_is_told_line_by_line_beside_the_rest() {
    let text = "[log]\nfilter = info\nformat = \"xml\"\n[shops.rakuten-main\nmall = \"rakuten\"\n[daemon]\nlanguage \"ja\"\nlanguage = \"jp\"\n[log]\nfilter = \"info\"\n";
    assert_snapshot!(findings(text), @r#"
        mallsync.toml:2: not TOML: invalid float, expected `inf`; text needs quotes, as in key = "value"
        mallsync.toml:3: log.format: expected "auto" or "json" or "text" or "journald", found "xml"
        mallsync.toml:4: not TOML: unclosed table, expected `]`
        mallsync.toml:7: not TOML: key with no value, expected `=`
        "#);
    assert_snapshot!(findings("[log]\nfilter = \"info\"\nfilter = \"warn\"\n"), @r#"mallsync.toml:3: not TOML: duplicate key"#);
}

#[test]
fn files_as_windows_saves_them_are_named_and_the_rest_is_checked_all_the_same() {
    let text = "# 設定\n[log]\nformat = \"xml\"\n";
    let (cp932, _, _) = encoding_rs::SHIFT_JIS.encode(text);
    assert_snapshot!(findings(&*cp932), @r#"
        mallsync.toml:1: saved as Shift_JIS (CP932, “ANSI” in Notepad), first seen in this line: save it as UTF-8 without BOM
        mallsync.toml:3: log.format: expected "auto" or "json" or "text" or "journald", found "xml"
        "#);
    assert_snapshot!(findings(format!("\u{FEFF}{text}")), @r#"
        mallsync.toml:1: saved with a BOM (“UTF-8 with BOM”): save it as UTF-8 without BOM
        mallsync.toml:3: log.format: expected "auto" or "json" or "text" or "journald", found "xml"
        "#);
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_snapshot!(findings(utf16), @r#"
        mallsync.toml: saved as UTF-16 (“Unicode” in Notepad): save it as UTF-8 without BOM
        mallsync.toml:3: log.format: expected "auto" or "json" or "text" or "journald", found "xml"
        "#);
    assert_snapshot!(findings(b"[log]\r\n# \xFF\xFF\r\nformat = \"xml\"\r\n"), @r#"
        mallsync.toml:2: not UTF-8 text from this line on: save it as UTF-8 without BOM
        mallsync.toml:3: log.format: expected "auto" or "json" or "text" or "journald", found "xml"
        "#);
}

#[test]
fn full_width_characters_are_named_and_the_rest_is_checked_all_the_same() {
    let text = "[log]\nformat＝“xml”\n　filter = ＂info＂\n[slips]　\nverify_recipient = \"on”\n";
    assert_snapshot!(findings(text), @r#"
        mallsync.toml:2: `＝` is a full-width character (全角): type = (half-width)
        mallsync.toml:2: `“` is a full-width or typographic quote: type " (half-width)
        mallsync.toml:2: log.format: expected "auto" or "json" or "text" or "journald", found "xml"
        mallsync.toml:3: an ideographic space (U+3000, 全角スペース): type an ordinary space
        mallsync.toml:3: `＂` is a full-width or typographic quote: type " (half-width)
        mallsync.toml:4: an ideographic space (U+3000, 全角スペース): type an ordinary space
        mallsync.toml:5: `”` is a full-width or typographic quote: type " (half-width)
        mallsync.toml:5: slips.verify_recipient: expected "postal_code" or "off", found "on"
        "#);
}

#[test]
fn keys_of_later_steps_are_unknown() {
    let text = format!(
        "[daemon]\nstatus_page = true\n[retention]\namazon = 30\n[slips]\ndirectory = \"/s\"\n\
         {SHOP}mode = \"live\"\nsince = \"2026-12-01\"\nconfirm = \"auto\"\nship_cut_off = \"13:00\"\nclosed = [\"SUN\"]\nretention_days = 3\n\
         {CARD}source_address = \"203.0.113.10\"\n"
    );
    assert_snapshot!(findings(text), @r#"
        mallsync.toml:2: daemon.status_page: unknown key; known here: language, listen, timezone
        mallsync.toml:3: retention: unknown key; known here: daemon, database, log, settlements, shops, simulation, slips
        mallsync.toml:6: slips.directory: unknown key; known here: verify_recipient
        mallsync.toml:11: shops.rakuten-main.mode: unknown key; known here: base_url, ca_file, enabled, initial_lookback, license_key, license_key_next, mall, page_size, proxy, schedule, service_secret
        mallsync.toml:12: shops.rakuten-main.since: unknown key; known here: base_url, ca_file, enabled, initial_lookback, license_key, license_key_next, mall, page_size, proxy, schedule, service_secret
        mallsync.toml:13: shops.rakuten-main.confirm: unknown key; known here: base_url, ca_file, enabled, initial_lookback, license_key, license_key_next, mall, page_size, proxy, schedule, service_secret
        mallsync.toml:14: shops.rakuten-main.ship_cut_off: unknown key; known here: base_url, ca_file, enabled, initial_lookback, license_key, license_key_next, mall, page_size, proxy, schedule, service_secret
        mallsync.toml:15: shops.rakuten-main.closed: unknown key; known here: base_url, ca_file, enabled, initial_lookback, license_key, license_key_next, mall, page_size, proxy, schedule, service_secret
        mallsync.toml:16: shops.rakuten-main.retention_days: unknown key; known here: base_url, ca_file, enabled, initial_lookback, license_key, license_key_next, mall, page_size, proxy, schedule, service_secret
        mallsync.toml:20: settlements.card.source_address: unknown key; known here: access_key, amount_limit, authorization_days, base_url, ca_file, capture, capture_time, delivery, enabled, environment, maintenance, match, max_in_flight, max_per_hour, max_per_second, max_yen_per_day, mode, on_amount_change, on_cancel, parcels, provider, proxy, reauthorize, reconcile_schedule, registered_by, since, trader_code
        "#);
}

#[test]
fn names_and_tables_are_checked() {
    assert_snapshot!(
        findings("log = \"info\"\nshops = 1\n[settlements]\ncard = 1\n[settlements.\"カード\"]\nprovider = \"webcollect\"\ntrader_code = \"1\"\n[\"a.b\"]\nc = 1\n"),
        @r#"
        mallsync.toml:1: log: expected a table: [log] and its keys below, found "info"
        mallsync.toml:2: shops: expected a table: [shops] and its keys below, found 1
        mallsync.toml:4: settlements.card: expected a table: [settlements.card] and its keys below, found 1
        mallsync.toml:5: settlements."カード": a name is made of small letters, digits and `-` (a-z 0-9 -), 1 to 64 of them
        mallsync.toml:8: "a.b": unknown key; known here: daemon, database, log, settlements, shops, simulation, slips
        "#
    );
    assert_snapshot!(findings("[shops.x]\nenabled = true\n[settlements.y]\nprovider = 1\n"), @r#"
        mallsync.toml:1: shops.x.mall: missing: expected one of rakuten, csv
        mallsync.toml:4: settlements.y.provider: expected one of webcollect, found 1
        "#);
}

#[test]
fn values_are_told_with_what_was_expected() {
    assert_snapshot!(
        card(concat!(
            "enabled = \"yes\"\nmode = \"Live\"\nsince = \"1.12.2026\"\nregistered_by = \"b2\"\ncapture = \"shipdate\"\n",
            "capture_time = \"5pm\"\nparcels = 1\ndelivery = []\nauthorization_days = 0\namount_limit = 0\n",
            "max_per_hour = -1\nmax_yen_per_day = 1.5\nmax_in_flight = 99999999999\nmax_per_second = \"5\"\nmaintenance = \"23:00\"\n",
        )),
        @r#"
        mallsync.toml:4: settlements.card.enabled: expected true or false (no quotes), found "yes"
        mallsync.toml:5: settlements.card.mode: expected "dry-run" or "live", found "Live" (did you mean "live"?)
        mallsync.toml:6: settlements.card.since: expected a day such as "2026-12-01", found "1.12.2026"
        mallsync.toml:7: settlements.card.registered_by: expected "mallsync" or "b2cloud", found "b2"
        mallsync.toml:8: settlements.card.capture: expected "ship_date" or "slip" or "manual", found "shipdate" (did you mean "ship_date"?)
        mallsync.toml:9: settlements.card.capture_time: expected a time of day such as "17:00" (24 hours, in Japan), found "5pm"
        mallsync.toml:10: settlements.card.parcels: expected "all" or "first", found 1
        mallsync.toml:11: settlements.card.delivery: expected "by_slip" or "yamato" or "other", found a list
        mallsync.toml:12: settlements.card.authorization_days: expected a whole number from 1 on (no quotes), found 0
        mallsync.toml:13: settlements.card.amount_limit: expected a whole number of yen above 0 (no quotes, no comma, no sign), found 0
        mallsync.toml:14: settlements.card.max_per_hour: expected a whole number from 1 on (no quotes), found -1
        mallsync.toml:15: settlements.card.max_yen_per_day: expected a whole number of yen above 0 (no quotes, no comma, no sign), found 1.5
        mallsync.toml:16: settlements.card.max_in_flight: expected a whole number from 1 on (no quotes), found 99999999999
        mallsync.toml:17: settlements.card.max_per_second: expected a whole number from 1 on (no quotes), found "5"
        mallsync.toml:18: settlements.card.maintenance: expected two different times such as "23:00-01:00" (in Japan), or "" for no window, found "23:00"
        "#
    );
    for wrong in ["7", "7 d", "d", "-7d", "0d", "7D", "99999999999d", "1e3d", "７d"] {
        let told = findings(format!("{SHOP}initial_lookback = \"{wrong}\"\n"));
        assert!(told.contains("expected a length of time such as"), "{wrong}: {told}");
    }
    for wrong in ["24:00-01:00", "23:00-23:00", "23-1", "23:00〜01:00", "23:60-01:00", " "] {
        let told = card(&format!("maintenance = \"{wrong}\"\n"));
        assert!(told.contains("expected two different times"), "{wrong}: {told}");
    }
    for wrong in ["2026-13-01", "2026-2-1", "20261201", "2026-12-01T00:00:00Z"] {
        assert!(card(&format!("since = \"{wrong}\"\n")).contains("expected a day such as"), "{wrong}");
    }
}

#[test]
fn log_filters_that_would_silence_everything_are_refused() {
    let filter = |text: &str| findings(format!("[log]\nfilter = \"{text}\"\n"));
    assert_snapshot!([filter("inof"), filter("mallsync"), filter("info,mallsync=loud"), filter(""), filter("a=b=c")].join("\n"), @r#"
        mallsync.toml:2: log.filter: "inof" is no level (did you mean "info"?): expected off, error, warn, info, debug or trace, or TARGET=LEVEL such as "info,mallsync::http=debug"
        mallsync.toml:2: log.filter: "mallsync" is no level: expected off, error, warn, info, debug or trace, or TARGET=LEVEL such as "info,mallsync::http=debug"
        mallsync.toml:2: log.filter: expected a level or TARGET=LEVEL such as "info,mallsync::http=debug", found "info,mallsync=loud": error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
        mallsync.toml:2: log.filter: expected text, found ""
        mallsync.toml:2: log.filter: expected a level or TARGET=LEVEL such as "info,mallsync::http=debug", found "a=b=c": error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
        "#);
}

#[test]
fn database_urls_are_checked_and_never_repeated() {
    let url = |text: &str| findings(format!("[database]\nurl = \"{text}\"\n"));
    let all = [
        "/var/lib/mallsync.db",
        "sqlite:",
        "sqlite::memory:",
        "sqlite:/data/",
        "postgres://canary:canary@db",
        "postgres://u:canary@db.example/m?sslmode=require",
        "postgres://u:canary@:x/m",
        "mysql://u:canary@db/m",
    ];
    let told = all.map(url).join("\n");
    assert!(!told.contains("canary"), "{told}");
    assert_snapshot!(told, @r#"
        mallsync.toml:2: database.url: expected "sqlite:/path/to/mallsync.db" or "postgres://user@host/database"
        mallsync.toml:2: database.url: names no file: expected "sqlite:/path/to/mallsync.db" or "postgres://user@host/database"
        mallsync.toml:2: database.url: a database in memory forgets everything when the daemon stops: expected "sqlite:/path/to/mallsync.db" or "postgres://user@host/database"
        mallsync.toml:2: database.url: names no file: expected "sqlite:/path/to/mallsync.db" or "postgres://user@host/database"
        mallsync.toml:2: database.url: names no database: expected "sqlite:/path/to/mallsync.db" or "postgres://user@host/database"
        mallsync.toml:2: database.url: sslmode=require would let others read along: expected sslmode=verify-full (the default) unless the database is on this machine
        mallsync.toml:2: database.url: expected "sqlite:/path/to/mallsync.db" or "postgres://user@host/database"; what stands there is no URL: empty host
        mallsync.toml:2: database.url: expected "sqlite:/path/to/mallsync.db" or "postgres://user@host/database"
        "#);
    for fine in [
        "sqlite:m.db",
        "sqlite:///m.db",
        "postgres://u@db/m?sslmode=verify-full",
        "postgres://u@localhost/m?sslmode=disable",
        "postgresql:///m?host=/run/postgresql&sslmode=disable",
    ] {
        Folder::with(format!("[database]\nurl = \"{fine}\"\n")).good();
    }
    assert_snapshot!(findings("[database]\nurl = \"postgres://u:canary@db/m\"\npassword = \"file:/p\"\n"), @r#"mallsync.toml:3: database.password: database.url holds a password too: take it out of the URL"#);
    assert_snapshot!(findings("[database]\npassword = \"hunter2\"\n"), @r#"mallsync.toml:2: database.password: expected where the secret is kept: `file:PATH`, `credential:NAME`, `env:NAME` or, for tests, `plain:VALUE` (what was found is not repeated here: it may be a secret)"#);
    assert_snapshot!(findings("[database]\npassword = \"env:P\"\n"), @r#"mallsync.toml:2: database.password: an SQLite file has no password: delete this key"#);
}

#[test]
fn match_rules_are_checked() {
    assert_snapshot!(rule(""), @r#"mallsync.toml:8: settlements.card.match[0].mall_payment: missing: patterns on the mall's or cart's own payment name, such as ["*webコレクト*"]; `*` stands for anything"#);
    assert_snapshot!(rule("mall_payment = []\nexcept = [1]\nown_contract = 1\nreception = \"imported\"\n"), @r#"
        mallsync.toml:10: settlements.card.match[0].mall_payment: an empty list matches no order: name the payment, such as ["*webコレクト*"]
        mallsync.toml:11: settlements.card.match[0].except: expected a list of patterns such as ["*カード*"], found a list
        mallsync.toml:12: settlements.card.match[0].own_contract: expected true or false (no quotes), found 1
        mallsync.toml:13: settlements.card.match[0].reception: unknown key; known here: except, mall_payment, own_contract, reception_number, shop
        "#);
    assert_snapshot!(card("[settlements.card.match]\nshop = \"x\"\n"), @r#"mallsync.toml:4: settlements.card.match: expected rules, each under [[settlements.card.match]] (double brackets), found a table"#);
    assert_snapshot!(card("match = [1]\n"), @r#"mallsync.toml:4: settlements.card.match[0]: expected a table under [[settlements.card.match]], found 1"#);
    assert_snapshot!(card("[[settlements.card.match]]\nshop = \"x\"\nmall_payment = [\"*\"]\n"), @r#"mallsync.toml:5: settlements.card.match[0].shop: no shop has the name "x"; there are: none"#);
}

#[test]
fn reception_numbers_are_checked() {
    let number = |text: &str| rule(&format!("mall_payment = [\"*\"]\nreception_number = {text}\n"));
    let all = [
        r#""12345""#,
        r#""{mall_order_id""#,
        r#""mall_order_id}""#,
        r#""{order_id}""#,
        r#""{mall_order_id|lower}""#,
        r#""{mall_order_id|tail:0}""#,
        r#""{mall_order_id|tail:x}""#,
        r#"{ field = "notes.shop" }"#,
        r#"{ field = "notes.shop", regex = "(" }"#,
        r#"{ field = "notes.shop", regex = "[0-9]+" }"#,
        r#"{ field = "notes.shop", regex = "([0-9]+)", group = 1 }"#,
        "7",
    ];
    assert_snapshot!(all.map(number).join("\n"), @r#"
        mallsync.toml:11: settlements.card.match[0].reception_number: "12345" would give every order the same number: expected "{mall_order_id}" with filters, { field = "notes.shop", regex = "…(…)" } or "imported"
        mallsync.toml:11: settlements.card.match[0].reception_number: a brace without its partner in "{mall_order_id": expected "{mall_order_id}" with filters, { field = "notes.shop", regex = "…(…)" } or "imported"
        mallsync.toml:11: settlements.card.match[0].reception_number: a brace without its partner in "mall_order_id}": expected "{mall_order_id}" with filters, { field = "notes.shop", regex = "…(…)" } or "imported"
        mallsync.toml:11: settlements.card.match[0].reception_number: unknown field "order_id" in "{order_id}": the one field is {mall_order_id}
        mallsync.toml:11: settlements.card.match[0].reception_number: unknown filter "lower" in "{mall_order_id|lower}": expected |upper, |digits or |tail:N (the last N characters)
        mallsync.toml:11: settlements.card.match[0].reception_number: unknown filter "tail:0" in "{mall_order_id|tail:0}": expected |upper, |digits or |tail:N (the last N characters)
        mallsync.toml:11: settlements.card.match[0].reception_number: unknown filter "tail:x" in "{mall_order_id|tail:x}": expected |upper, |digits or |tail:N (the last N characters)
        mallsync.toml:11: settlements.card.match[0].reception_number: needs both field and regex: expected "{mall_order_id}" with filters, { field = "notes.shop", regex = "…(…)" } or "imported"
        mallsync.toml:11: settlements.card.match[0].reception_number: the regex "(" does not compile: unclosed group
        mallsync.toml:11: settlements.card.match[0].reception_number: the regex "[0-9]+" has no group: put (…) around the number
        mallsync.toml:11: settlements.card.match[0].reception_number: unknown key "group" in it: expected "{mall_order_id}" with filters, { field = "notes.shop", regex = "…(…)" } or "imported"
        mallsync.toml:11: settlements.card.match[0].reception_number: expected "{mall_order_id}" with filters, { field = "notes.shop", regex = "…(…)" } or "imported", found 7
        "#);
}

#[test]
fn of_two_rules_for_the_same_orders_the_second_is_named() {
    let text = format!(
        "{SHOP}{CARD}[[settlements.card.match]]\nshop = \"rakuten-main\"\nmall_payment = [\"*カード*\", \"*webコレクト*\"]\n\
         [settlements.other]\nprovider = \"webcollect\"\ntrader_code = \"2\"\n\
         [[settlements.other.match]]\nshop = \"rakuten-main\"\nmall_payment = [\"*カード*\"]\nexcept = [\"*後払い*\"]\n\
         [[settlements.other.match]]\nshop = \"rakuten-main\"\nmall_payment = [\"*カード*\"]\nown_contract = true\n"
    );
    assert_snapshot!(findings(text), @r#"mallsync.toml:14: settlements.other.match[0]: never matches: the first match wins, and settlements.card.match[0] (mallsync.toml:8) takes every order of shop "rakuten-main" that this rule is about; delete one"#);
}

#[test]
fn live_needs_to_know_since_when_and_for_how_long() {
    assert_snapshot!(card("mode = \"live\"\n"), @r#"
        mallsync.toml:1: settlements.card.since: missing: mode = "live" needs since = "YYYY-MM-DD": orders placed before that day are never touched
        mallsync.toml:1: settlements.card.authorization_days: missing: mode = "live" needs authorization_days = N: 与信有効期間 in days, the day of authorisation included, as the contract says
        "#);
}

#[test]
fn nothing_goes_out_unencrypted() {
    let base = |url: &str| format!("{SHOP}base_url = \"{url}\"\n");
    let all = [
        "http://rms.example",
        "http://127.0.0.1.example/",
        "ftp://rms.example",
        "rms.example",
        "http://10.0.0.1",
        "http://u:canary@h/",
    ];
    let told = all.map(|url| findings(base(url))).join("\n");
    assert!(!told.contains("canary"), "{told}");
    assert_snapshot!(told, @r#"
        mallsync.toml:5: shops.rakuten-main.base_url: plain http:// to rms.example would send secrets unencrypted: expected https:// (http:// only to this machine)
        mallsync.toml:5: shops.rakuten-main.base_url: plain http:// to 127.0.0.1.example would send secrets unencrypted: expected https:// (http:// only to this machine)
        mallsync.toml:5: shops.rakuten-main.base_url: expected an https:// URL, found ftp://
        mallsync.toml:5: shops.rakuten-main.base_url: expected a URL such as "https://…": relative URL without a base
        mallsync.toml:5: shops.rakuten-main.base_url: plain http:// to 10.0.0.1 would send secrets unencrypted: expected https:// (http:// only to this machine)
        mallsync.toml:5: shops.rakuten-main.base_url: plain http:// to h would send secrets unencrypted: expected https:// (http:// only to this machine)
        "#);
    for fine in
        ["http://127.0.0.1:9480/rakuten", "http://localhost:1/", "http://[::1]:1/", "https://rms.example"]
    {
        Folder::with(base(fine)).good();
    }
    assert_snapshot!(findings(format!("{SHOP}proxy = \"proxy.example:3128\"\n")), @r#"mallsync.toml:5: shops.rakuten-main.proxy: expected a URL such as "http://proxy.example:3128""#);
}

#[test]
fn a_simulated_clock_never_meets_a_real_service() {
    let clock =
        "[simulation]\nstart = \"2026-11-21T12:00:00+09:00\"\nepoch = \"2026-11-21T12:00:00+09:00\"\n";
    let text = format!(
        "{clock}{SHOP}base_url = \"http://127.0.0.1:1\"\nproxy = \"http://proxy.example:3128\"\n{CARD}base_url = \"https://gateway.example/api/\"\n[shops.second]\nmall = \"rakuten\"\nservice_secret = \"file:/s\"\nlicense_key = \"file:/k\"\n"
    );
    assert_snapshot!(findings(text), @r#"
        mallsync.toml:9: shops.rakuten-main.proxy: [simulation] is on, but this would call proxy.example: point it at the simulator on this machine, set enabled = false, or delete [simulation]
        mallsync.toml:13: settlements.card.base_url: [simulation] is on, but this would call gateway.example: point it at the simulator on this machine, set enabled = false, or delete [simulation]
        mallsync.toml:14: shops.second: [simulation] is on, but this would call api.rms.rakuten.co.jp (its default): point it at the simulator on this machine, set enabled = false, or delete [simulation]
        "#);
    assert_snapshot!(findings("[simulation]\nstart = \"now\"\nspeed = 0\n"), @r#"
        mallsync.toml:1: simulation.epoch: missing: the real time at which the simulation began
        mallsync.toml:2: simulation.start: expected a time such as "2026-11-21T10:00:00+09:00", found "now"
        mallsync.toml:3: simulation.speed: expected a whole number from 1 on (no quotes), found 0
        "#);
}

#[test]
fn a_key_given_twice_is_told_with_both_files() {
    let folder = Folder::with("[log]\nfilter = \"info\"\n[settlements.card]\nprovider = \"webcollect\"\ntrader_code = \"1\"\nmatch = []\n")
        .file("conf.d/a.toml", "[log]\nformat = \"text\"\nfilter = \"warn\"\n")
        .file("conf.d/b.toml", "[log]\nformat = \"json\"\n[[settlements.card.match]]\nshop = \"x\"\n");
    assert_snapshot!(folder.findings(), @r#"
        conf.d/a.toml:3: log.filter: given twice: mallsync.toml:2 gives it too; delete one of them
        conf.d/b.toml:2: log.format: given twice: conf.d/a.toml:2 gives it too; delete one of them
        conf.d/b.toml:3: settlements.card.match: given twice: mallsync.toml:6 gives it too; delete one of them
        conf.d/b.toml:3: settlements.card.match[0].mall_payment: missing: patterns on the mall's or cart's own payment name, such as ["*webコレクト*"]; `*` stands for anything
        conf.d/b.toml:4: settlements.card.match[0].shop: no shop has the name "x"; there are: none
        "#);
}

#[test]
fn findings_in_fragments_name_the_fragment() {
    let folder = Folder::with("")
        .file("conf.d/shop.toml", format!("{SHOP}colour = 1\n"))
        .file("conf.d/log.toml", "[log\n");
    assert_snapshot!(folder.findings(), @r#"
        conf.d/log.toml:1: not TOML: unclosed table, expected `]`
        conf.d/shop.toml:5: shops.rakuten-main.colour: unknown key; known here: base_url, ca_file, enabled, initial_lookback, license_key, license_key_next, mall, page_size, proxy, schedule, service_secret
        "#);
}

#[test]
fn findings_in_variables_name_the_variable() {
    let folder = Folder::with(SHOP).env([
        ("MALLSYNC__LOG__FORMAT", "xml"),
        ("MALLSYNC__SHOPS__RAKUTEN_MAIN__LICENSE_KEY", "canary"),
        ("MALLSYNC__SHOPS__RAKUTEN_MAIN__PAGE_SIZE", "many"),
        ("MALLSYNC__SHOPS__RAKUTEN_MAIN__COLOUR", "blue"),
        ("MALLSYNC__DATABSE__URL", "sqlite:x"),
        ("MALLSYNC__", "x"),
        ("MALLSYNC__SLIPS", "x"),
        ("MALLSYNC__SLIPS__verify_recipient", "off"),
        ("MALLSYNC__SLIPS__VERIFY_RECIPIENT", "off"),
    ]);
    let told = folder.findings();
    assert!(!told.contains("canary"), "{told}");
    assert_snapshot!(told, @r#"
        MALLSYNC__: names no key: expected MALLSYNC__SECTION__KEY or MALLSYNC__SHOPS__NAME__KEY
        MALLSYNC__SLIPS: names a table while other variables name keys in it; unset it
        MALLSYNC__SLIPS__verify_recipient: gives the same key as MALLSYNC__SLIPS__VERIFY_RECIPIENT; unset one of them
        databse: unknown key; did you mean `database`? (given by the environment variable MALLSYNC__DATABSE__URL)
        log.format: expected "auto" or "json" or "text" or "journald", found "xml" (given by the environment variable MALLSYNC__LOG__FORMAT)
        shops.rakuten-main.colour: unknown key; known here: base_url, ca_file, enabled, initial_lookback, license_key, license_key_next, mall, page_size, proxy, schedule, service_secret (given by the environment variable MALLSYNC__SHOPS__RAKUTEN_MAIN__COLOUR)
        shops.rakuten-main.license_key: expected where the secret is kept: `file:PATH`, `credential:NAME`, `env:NAME` or, for tests, `plain:VALUE` (what was found is not repeated here: it may be a secret) (given by the environment variable MALLSYNC__SHOPS__RAKUTEN_MAIN__LICENSE_KEY)
        "#);
}

proptest::proptest! {
    /// Whatever a slip of the hand does to a good file: it loads, or it is told what is wrong, by line where there is one.
    #[test]
    fn no_slip_of_the_hand_is_too_much(at in 0..TEMPLATE.len(), cut in 0..12usize, put in "[ =\"'#\\[\\].,\n0a“＝　\u{0}-]{0,4}") {
        let mut text = TEMPLATE.as_bytes().to_vec();
        let end = (at + cut).min(text.len());
        text.splice(at..end, put.bytes());
        if let Err(told) = Folder::with(text).load() {
            proptest::prop_assert!(!told.is_empty());
            for line in told.lines().filter(|line| line.starts_with("mallsync.toml:")) {
                let number = line["mallsync.toml:".len()..].split(':').next().and_then(|n| n.trim().parse::<usize>().ok());
                proptest::prop_assert!(
                    number.is_none_or(|n| n >= 1 && n <= TEMPLATE.lines().count() + 5),
                    "{line}"
                );
            }
        }
    }
}

#[test]
fn health_and_metrics_are_served_to_this_machine_alone() {
    let told = |value: &str| findings(format!("[daemon]\nlisten = {value}\n"));
    for good in ["\"\"", "\"127.0.0.1:0\"", "\"[::1]:9477\""] {
        Folder::with(format!("[daemon]\nlisten = {good}\n")).good();
    }
    for (bad, says) in [
        ("\"0.0.0.0:9477\"", "0.0.0.0:9477 can be reached from other machines"),
        ("\"192.0.2.7:9477\"", "put a reverse proxy with TLS and a password in front of it"),
        ("\"[::]:9477\"", "[::]:9477 can be reached from other machines"),
        ("\"localhost:9477\"", "found \"localhost:9477\"; write \"127.0.0.1:9477\""),
        ("\":9477\"", "an address must stand before the colon"),
        ("\"127.0.0.1\"", "such as \"127.0.0.1:9477\", or \"\" for none, found \"127.0.0.1\""),
        ("9477", "found 9477"),
    ] {
        let told = told(bad);
        assert!(told.starts_with("mallsync.toml:2: daemon.listen: ") && told.contains(says), "{told}");
    }
}
