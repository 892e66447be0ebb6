use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use mallsync::app::App;
use mallsync::config::{Environment, init, load_with, schema, show};
use serde_json::Value;

use crate::support::{Folder, SHOP, kinds};

const TEMPLATE: &str = include_str!("../../config/mallsync.toml");

#[test]
fn the_commented_file_loads_and_everything_in_it_is_switched_off() {
    let config = Folder::with(TEMPLATE).real();
    assert_eq!(
        config.shops.iter().map(|shop| shop.name.as_str()).collect::<Vec<_>>(),
        ["amazon-jp", "aupay-main", "own-shop", "rakuten-main", "yahoo-main"]
    );
    assert!(config.shops.iter().all(|shop| !shop.enabled));
    let [card] = config.settlements.as_slice() else { panic!("one settlement") };
    assert!(!card.enabled && !card.live && card.rules[0].shop == "own-shop");
}

#[test]
fn the_commented_file_loads_with_every_resting_key_awake() {
    // A key at rest is a comment that reads `# key = value`, or the head of a table; prose has no ` = `.
    let awake: String = TEMPLATE
        .lines()
        .filter(|line| {
            !line.starts_with("# url = \"postgres")
                && !line.starts_with("# password")
                && !line.starts_with("# proxy")
                // One of two ways to give a client certificate.
                && !line.starts_with("# certificate_zip")
        })
        .map(|line| match line.strip_prefix("# ") {
            Some(rest)
                if rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(key, _)| is_key(key)) =>
            {
                format!("{rest}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let config = Folder::with(awake).real();
    assert!(config.simulation.is_some() && config.settlements[0].since.is_some());
    let rakuten = config.shops.iter().find(|shop| shop.name == "rakuten-main").unwrap();
    assert!(rakuten.section.get("license_key_next").is_some());
}

fn is_key(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// Keys that stand in the file, at work or at rest.
fn keys_of_the_file() -> Vec<&'static str> {
    let bare = |line: &'static str| line.trim_start_matches("# ").split_once(" = ").map(|(key, _)| key);
    TEMPLATE.lines().filter_map(bare).filter(|key| is_key(key)).collect()
}

fn properties<'a>(schema: &'a Value, found: &mut Vec<&'a str>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                found.extend(
                    properties.iter().filter(|(_, form)| !is_table(form)).map(|(key, _)| key.as_str()),
                );
            }
            object.values().for_each(|value| properties(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| properties(item, found)),
        _ => {}
    }
}

fn is_table(form: &Value) -> bool {
    form.get("type").is_some_and(|kind| kind == "object")
        || form.pointer("/items/type").is_some_and(|kind| kind == "object")
}

#[test]
fn every_key_in_force_stands_in_the_commented_file() {
    let file = keys_of_the_file();
    let mut all = Vec::new();
    let schema = schema(App::kinds());
    properties(&schema, &mut all);
    // Within `reception_number = { field, regex }`.
    let absent: Vec<_> =
        all.iter().filter(|key| !file.contains(key) && !matches!(**key, "field" | "regex")).collect();
    assert!(absent.is_empty(), "config/mallsync.toml says nothing of {absent:?}");
    assert!(all.len() > 30 && all.contains(&"max_yen_per_day"), "{all:?}");
}

#[test]
fn the_schema_beside_the_file_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/schema.json");
    let kept: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let fresh = schema(App::kinds());
    assert!(
        kept == fresh,
        "config/schema.json is stale: run `cargo run -- config schema > config/schema.json`; it should be\n{fresh:#}"
    );
}

#[test]
fn the_schema_knows_each_mall_by_its_keys() {
    let schema = schema(kinds());
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let malls =
        schema.pointer("/properties/shops/additionalProperties/oneOf").and_then(Value::as_array).unwrap();
    let [rakuten, csv] = malls.as_slice() else { panic!("two malls") };
    assert_eq!(rakuten["properties"]["mall"]["const"], "rakuten");
    assert_eq!(csv["required"], serde_json::json!(["mall", "directory", "profile"]));
    assert_eq!(csv["properties"]["initial_lookback"]["default"], "7d");
    assert!(
        rakuten["properties"].get("license_key").is_some() && csv["properties"].get("license_key").is_none()
    );
    let reference = rakuten.pointer("/properties/license_key/$ref").and_then(Value::as_str).unwrap();
    assert!(schema.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    let rule = "/properties/settlements/additionalProperties/oneOf/0/properties/match/items/required";
    assert_eq!(schema.pointer(rule).unwrap(), &serde_json::json!(["shop", "mall_payment"]));
}

#[test]
fn what_is_in_force_is_shown_without_secrets() {
    let text = format!(
        "[database]\nurl = \"postgres://u:canary@localhost/m\"\n{SHOP}license_key_next = \"plain:canary\"\n\
         proxy = \"http://me:canary@proxy.example:3128\"\n\
         [settlements.card]\nprovider = \"webcollect\"\ntrader_code = \"1\"\n\
         [[settlements.card.match]]\nshop = \"rakuten-main\"\nmall_payment = [\"*カード*\"]\n"
    );
    let folder = Folder::with(text);
    let config = folder.good();
    let shown = show(&config);
    for print in [
        &shown,
        &format!("{config:?}"),
        &format!("{:?}{:?}{:?}", config.database, config.shops, config.settlements),
    ] {
        assert!(!print.contains("canary"), "{print}");
    }
    insta::assert_snapshot!(shown.replace(&*folder.dir.path().to_string_lossy(), "DIR"), @r#"
        # read from DIR/mallsync.toml
        [daemon]
        language = "en"
        listen = "127.0.0.1:9477"
        timezone = "Asia/Tokyo"

        [database]
        url = "postgres://u:[redacted]@localhost/m"

        [log]
        filter = "info"
        format = "auto"
        journal = "/run/systemd/journal/socket"

        [settlements.card]
        amount_limit = 300000
        capture = "ship_date"
        capture_time = "17:00"
        delivery = "by_slip"
        enabled = true
        maintenance = "23:00-01:00"
        max_in_flight = 3
        max_per_hour = 500
        max_per_second = 5
        max_yen_per_day = 5000000
        mode = "dry-run"
        on_amount_change = "ask"
        on_cancel = "ask"
        parcels = "all"
        provider = "webcollect"
        reauthorize = "ask"
        reconcile_schedule = "0 6 * * *"
        registered_by = "mallsync"
        trader_code = "1"

        [[settlements.card.match]]
        except = []
        mall_payment = ["*カード*"]
        own_contract = false
        reception_number = "{mall_order_id}"
        shop = "rakuten-main"

        [shops.rakuten-main]
        enabled = true
        initial_lookback = "7d"
        license_key = "file:/k"
        license_key_next = "plain:[redacted]"
        mall = "rakuten"
        proxy = "http://me:[redacted]@proxy.example:3128/"
        service_secret = "file:/s"

        [slips]
        verify_recipient = "postal_code"
        "#);
    // What is shown is a config, and the same one.
    assert_eq!(
        show(&Folder::with(shown.replace("postgres://u:[redacted]@", "postgres://u@")).good())
            .lines()
            .count(),
        shown.lines().count()
    );
}

#[test]
fn passwords_in_the_query_of_a_url_are_not_shown_either() {
    let config =
        Folder::with("[database]\nurl = \"postgres://u@localhost/m?password=canary&application_name=x\"\n")
            .good();
    let shown = show(&config);
    assert!(!shown.contains("canary") && shown.contains("application_name=x"), "{shown}");
}

#[test]
fn init_writes_once_and_what_it_writes_loads() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("my \"shop\" 100%");
    let first = init(&dir).unwrap();
    assert!(first.new_config && first.new_secrets);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&first.secrets), mode(&first.config) & 0o007), (0o700, 0));

    let config = load_with(Some(&first.config), App::kinds(), &Environment::default()).unwrap();
    let shown = dir.display().to_string();
    assert_eq!(config.database.url, format!("sqlite:{}/mallsync.db", shown.replace('%', "%25")));
    let section = |name: &str| &config.shops.iter().find(|shop| shop.name == name).unwrap().section;
    assert_eq!(section("own-shop")["directory"], format!("{shown}/orders/own-shop"));
    assert_eq!(
        section("rakuten-main")["license_key"],
        format!("file:{}", first.secrets.join("rakuten-main.license_key").display())
    );

    std::fs::write(&first.config, "# mine\n").unwrap();
    let second = init(&dir).unwrap();
    assert!(!second.new_config && !second.new_secrets);
    assert_eq!(std::fs::read_to_string(&first.config).unwrap(), "# mine\n");
}

#[test]
fn init_says_where_it_could_not_write() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = init(&file).unwrap_err().to_string().replace(&*folder.path().to_string_lossy(), "DIR");
    insta::assert_snapshot!(error, @r#"DIR/file/config: cannot be written: Not a directory (os error 20); name another folder, or run as a user who may write there"#);
}
