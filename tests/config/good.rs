use std::time::Duration;

use chrono::NaiveTime;
use mallsync::config::{Environment, Language, LogFormat, ReceptionNumber, load_with};
use mallsync::secret::SecretRef;
use serde_json::json;

use crate::support::{Folder, SHOP, kinds};

const FULL: &str = r#"
[database]
url = "postgres://mallsync@127.0.0.1:5432/mallsync"
password = "file:/p"
[daemon]
language = "ja"
[log]
format = "json"
filter = "info,mallsync::http=debug"
[shops.b-shop]
mall = "csv"
enabled = false
schedule = "0 */2 * * * *"
initial_lookback = "36h"
directory = "/orders"
profile = "p.toml"
[shops.a-shop]
mall = "rakuten"
service_secret = "credential:s"
license_key = "env:K"
proxy = "http://proxy.example:3128"
[settlements.card]
provider = "webcollect"
mode = "live"
since = 2026-12-01
authorization_days = 60
trader_code = "123456789"
registered_by = "b2cloud"
capture = "slip"
capture_time = 09:30:00
parcels = "first"
delivery = "yamato"
amount_limit = 500_000
max_per_hour = 1
max_yen_per_day = 2
max_in_flight = 4
max_per_second = 6
source_address = "2001:db8::7"
maintenance = "22:00-02:30"
[[settlements.card.match]]
shop = "a-shop"
mall_payment = ["*カード*"]
reception_number = "P{mall_order_id|digits|tail:10}-"
[[settlements.card.match]]
shop = "b-shop"
mall_payment = ["*"]
except = ["*後払い*"]
own_contract = true
reception_number = { field = "備考", regex = '受付番号[:：]\s*(\S+)' }
[[settlements.card.match]]
shop = "b-shop"
mall_payment = ["電話"]
reception_number = "imported"
[slips]
verify_recipient = "off"
"#;

#[test]
fn every_key_arrives_where_it_belongs() {
    let config = Folder::with(FULL).good();
    assert_eq!(config.database.url, "postgres://mallsync@127.0.0.1:5432/mallsync");
    assert!(matches!(config.database.password, Some(SecretRef::File(_))));
    assert_eq!(config.daemon.language, Language::Ja);
    assert_eq!(
        (config.log.format, config.log.filter.as_str()),
        (LogFormat::Json, "info,mallsync::http=debug")
    );
    assert!(!config.slips.verify_recipient && config.simulation.is_none());

    let [a, b] = config.shops.as_slice() else { panic!("two shops") };
    assert_eq!(
        (a.name.as_str(), a.mall.as_str(), a.enabled, a.schedule.as_deref()),
        ("a-shop", "rakuten", true, None)
    );
    assert_eq!(a.initial_lookback, Duration::from_secs(7 * 86_400));
    let own = json!({ "service_secret": "credential:s", "license_key": "env:K", "proxy": "http://proxy.example:3128" });
    assert_eq!(a.section, own);
    assert_eq!((b.enabled, b.schedule.as_deref()), (false, Some("0 */2 * * * *")));
    assert_eq!(b.initial_lookback, Duration::from_secs(36 * 3_600));

    let [card] = config.settlements.as_slice() else { panic!("one settlement") };
    let at = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap();
    assert!(card.live && card.enabled);
    assert_eq!(card.since.unwrap().to_string(), "2026-12-01");
    assert_eq!((card.authorization_days, card.amount_limit), (Some(60), 500_000));
    assert_eq!(
        (card.max_per_hour, card.max_yen_per_day, card.max_in_flight, card.max_per_second),
        (1, 2, 4, 6)
    );
    assert_eq!((card.registered_by.as_str(), card.capture.as_str()), ("b2cloud", "slip"));
    assert_eq!(
        (card.parcels.as_str(), card.delivery.as_str(), card.capture_time),
        ("first", "yamato", at(9, 30))
    );
    assert_eq!(card.maintenance, Some((at(22, 0), at(2, 30))));
    assert_eq!(card.source_address.unwrap().to_string(), "2001:db8::7");
    assert_eq!(card.section, json!({ "trader_code": "123456789" }));
    let [first, second, third] = card.rules.as_slice() else { panic!("three rules") };
    assert_eq!(
        first.reception_number,
        ReceptionNumber::Template("P{mall_order_id|digits|tail:10}-".to_owned())
    );
    assert!(first.except.is_empty() && !first.own_contract);
    assert!(
        second.own_contract
            && matches!(&second.reception_number, ReceptionNumber::Pattern { field, .. } if field == "備考")
    );
    assert_eq!(second.except, ["*後払い*"]);
    assert_eq!((third.shop.as_str(), &third.reception_number), ("b-shop", &ReceptionNumber::Imported));
}

#[test]
fn an_empty_file_is_a_config_with_every_default() {
    let config = Folder::with("").good();
    assert_eq!(config.database.url, "sqlite:/var/lib/mallsync/mallsync.db");
    assert_eq!((config.log.format, config.daemon.language), (LogFormat::Auto, Language::En));
    assert!(config.shops.is_empty() && config.settlements.is_empty() && config.slips.verify_recipient);
}

#[test]
fn a_settlement_of_few_words_is_dry_and_guarded() {
    let config = Folder::with("[settlements.card]\nprovider = \"webcollect\"\ntrader_code = \"1\"\n").good();
    let card = &config.settlements[0];
    assert!(!card.live && card.since.is_none() && card.authorization_days.is_none());
    assert_eq!((card.amount_limit, card.max_per_hour, card.max_yen_per_day), (300_000, 500, 5_000_000));
    assert_eq!((card.capture.as_str(), card.capture_time.to_string()), ("ship_date", "17:00:00".to_owned()));
    assert_eq!(card.maintenance.unwrap().0.to_string(), "23:00:00");
}

#[test]
fn no_maintenance_window_is_an_empty_text() {
    let text = "[settlements.card]\nprovider = \"webcollect\"\ntrader_code = \"1\"\nmaintenance = \"\"\n";
    assert_eq!(Folder::with(text).good().settlements[0].maintenance, None);
}

#[test]
fn carriage_returns_are_fine() {
    let config = Folder::with(SHOP.replace('\n', "\r\n")).good();
    assert_eq!(config.shops[0].section["license_key"], "file:/k");
}

#[test]
fn fragments_beside_the_file_join_it_in_name_order() {
    let folder = Folder::with("[log]\nfilter = \"warn\"\n")
        .file("conf.d/20-shop.toml", SHOP)
        .file("conf.d/10-log.toml", "[log]\nformat = \"text\"\n[shops.rakuten-main]\nenabled = false\n")
        .file("conf.d/notes.txt", "not read");
    let config = folder.good();
    let names: Vec<_> = config.files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["mallsync.toml", "10-log.toml", "20-shop.toml"]);
    assert_eq!((config.log.format, config.log.filter.as_str()), (LogFormat::Text, "warn"));
    assert!(!config.shops[0].enabled && config.shops[0].section["license_key"] == "file:/k");
}

#[test]
fn variables_override_keys_in_the_type_the_key_has() {
    let folder =
        Folder::with(format!("{SHOP}[settlements.card-1]\nprovider = \"webcollect\"\ntrader_code = \"1\"\n"))
            .env([
                ("MALLSYNC__DATABASE__URL", "sqlite:/other.db"),
                ("MALLSYNC__SHOPS__RAKUTEN_MAIN__LICENSE_KEY", "file:/other"),
                ("MALLSYNC__SHOPS__RAKUTEN_MAIN__ENABLED", "false"),
                ("MALLSYNC__SHOPS__RAKUTEN_MAIN__PAGE_SIZE", "50"),
                ("MALLSYNC__SHOPS__NEW_SHOP__MALL", "csv"),
                ("MALLSYNC__SHOPS__NEW_SHOP__DIRECTORY", "/orders"),
                ("MALLSYNC__SHOPS__NEW_SHOP__PROFILE", "p.toml"),
                ("MALLSYNC__SETTLEMENTS__CARD_1__TRADER_CODE", "000123"),
                ("MALLSYNC__SETTLEMENTS__CARD_1__AMOUNT_LIMIT", "1000"),
                ("MALLSYNC_CONFIG", "/not/an/override"),
                ("MALLSYNCHRON__DATABASE__URL", "not ours"),
            ]);
    let config = folder.good();
    assert_eq!(config.database.url, "sqlite:/other.db");
    assert_eq!(config.shops[0].name, "new-shop");
    let rakuten = &config.shops[1];
    assert!(
        !rakuten.enabled
            && rakuten.section["license_key"] == "file:/other"
            && rakuten.section["page_size"] == 50
    );
    assert_eq!(
        (config.settlements[0].amount_limit, &config.settlements[0].section["trader_code"]),
        (1000, &json!("000123"))
    );
}

#[test]
fn people_read_the_language_of_their_locale() {
    let language = |variables: &[(&str, &str)]| {
        let mut env = Environment::default();
        for (name, value) in variables {
            env.set(name, value);
        }
        let folder = Folder::with("");
        load_with(Some(&folder.path("mallsync.toml")), kinds(), &env).unwrap().daemon.language
    };
    assert_eq!(language(&[("LANG", "ja_JP.UTF-8")]), Language::Ja);
    assert_eq!(language(&[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "C.UTF-8")]), Language::En);
    assert_eq!(language(&[("LC_ALL", ""), ("LC_MESSAGES", "ja_JP"), ("LANG", "C")]), Language::Ja);
    assert_eq!(language(&[]), Language::En);
}

#[test]
fn a_simulated_clock_is_accepted_while_everything_enabled_is_on_this_machine() {
    let text = format!(
        "[simulation]\nstart = 2026-11-21T12:00:00+09:00\nepoch = \"2026-11-21T03:00:00Z\"\nspeed = 60\n\
         {SHOP}base_url = \"http://127.0.0.1:9480/rakuten\"\nproxy = \"http://[::1]:3128\"\n\
         [shops.real]\nmall = \"rakuten\"\nenabled = false\nservice_secret = \"file:/s\"\nlicense_key = \"file:/k\"\n"
    );
    let simulation = Folder::with(text).good().simulation.unwrap();
    assert_eq!((simulation.start.to_string().as_str(), simulation.speed), ("2026-11-21T12:00:00+09:00", 60));
    assert_eq!(simulation.start, simulation.epoch);
}

#[test]
fn the_file_is_found_without_being_named() {
    assert_eq!(
        Environment::from([("MALLSYNC_CONFIG", "/x/y.toml")]).default_path().to_str(),
        Some("/x/y.toml")
    );
    // The tests run in the package's folder, which has one.
    assert_eq!(Environment::default().default_path().to_str(), Some("config/mallsync.toml"));
    let folder = Folder::with("[log]\nfilter = \"debug\"\n");
    let path = folder.path("mallsync.toml");
    let env = Environment::from([("MALLSYNC_CONFIG", path.to_str().unwrap())]);
    assert_eq!(load_with(None, kinds(), &env).unwrap().log.filter, "debug");
}
