//! Files of cart and carrier, and the config that points at the simulator.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use mallsync::sim::{
    CART_SHOP, Catalogue, ClockTriple, Encoding, Folders, Format, Parcel, b2_file, config_toml,
};
use tokio_util::sync::CancellationToken;

use crate::client::{DAY, Sim, element, start_time};

fn cp932(bytes: &[u8]) -> String {
    let (text, _, broken) = encoding_rs::SHIFT_JIS.decode(bytes);
    assert!(!broken);
    text.into_owned()
}

fn rows(text: &str) -> Vec<csv::StringRecord> {
    assert!(text.ends_with("\r\n"));
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(Result::unwrap).collect()
}

fn seven_check(slip: &str) -> bool {
    slip.len() == 12
        && slip.starts_with("4000")
        && slip[..11].parse::<u64>().unwrap() % 7 == slip[11..].parse::<u64>().unwrap()
}

#[tokio::test]
async fn the_eccube_file_has_the_default_columns_and_tells_what_became_of_orders() {
    let sim = Sim::start().await;
    let since = start_time() - DAY * 10;
    let bytes = sim.world.cart_file(Format::EcCube4, Encoding::Cp932, since, start_time()).unwrap().unwrap();
    let text = cp932(&bytes);
    assert_eq!(text.lines().next(), fixture_cp932("eccube4_orders.csv").lines().next());
    let rows = rows(&text);
    let column = |name: &str| rows[0].iter().position(|c| c == name).unwrap();
    let (number, due, state, payment) =
        (column("注文番号"), column("支払合計"), column("対応状況(名称)"), column("支払方法(名称)"));
    let facts: BTreeMap<String, _> =
        sim.world.truth(CART_SHOP).map(|f| (f.order_number.clone(), f)).collect();
    let mut words = BTreeSet::new();
    for row in &rows[1..] {
        let fact = &facts[&row[number]];
        assert_eq!(row[due], fact.due.map_or(String::new(), |d| d.to_string()));
        assert_eq!((&row[state], &row[payment]), (fact.status.as_str(), fact.payment.as_str()));
        words.insert(row[state].to_owned());
    }
    assert_eq!(words, ["入金待ち", "新規受付", "注文取消し", "発送済み"].map(str::to_owned).into());
    assert!(text.contains("のし希望\n「御祝」"));
    assert!(["髙", "﨑"].iter().all(|c| text.contains(c)) && !text.contains('𠮷'));
    // Item rows and fees add up to what is asked for.
    let (price, units) = (column("価格"), column("個数"));
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for row in &rows[1..] {
        *sums.entry(&row[number]).or_default() +=
            row[price].parse::<i64>().unwrap() * row[units].parse::<i64>().unwrap();
    }
    for (order, sum) in sums {
        assert_eq!(Some(sum), facts[order].due.or(Some(sum)), "{order}");
    }
}

fn fixture_cp932(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sim").join(name);
    cp932(&std::fs::read(path).unwrap())
}

#[tokio::test]
async fn a_cancel_and_an_amount_are_learnt_from_a_later_file() {
    let sim = Sim::start().await;
    let file = |since, until| {
        let bytes = sim.world.cart_file(Format::Generic, Encoding::Utf8Bom, since, until).unwrap();
        let text = String::from_utf8(bytes.unwrap_or_default()).unwrap();
        let rows: Vec<Vec<String>> = text
            .trim_start_matches('\u{feff}')
            .lines()
            .skip(1)
            .map(|l| l.trim_matches('"').split("\",\"").map(str::to_owned).collect())
            .collect();
        rows
    };
    let (mut canceled, mut fixed, mut reception) = (0, 0, 0);
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for hour in 0..24 * 10 {
        let since = start_time() + Duration::from_secs(3_600) * hour;
        for row in file(since, since + Duration::from_secs(3_600)) {
            assert_eq!(row.len(), 7);
            reception += u32::from(row[4] == row[0]);
            if let Some(before) = known.insert(row[0].clone(), row.clone()) {
                canceled += u32::from(before[6] != "注文取消し" && row[6] == "注文取消し");
                fixed += u32::from(before[5].is_empty() && !row[5].is_empty());
            }
        }
    }
    assert!(canceled > 0 && fixed > 0 && reception > 0, "{canceled} {fixed} {reception}");
    assert!(known.values().any(|row| row[5].contains(',')));
}

#[tokio::test]
async fn an_order_of_the_cart_that_is_changed_afterwards_is_in_the_next_file_and_the_gateway_hears_nothing() {
    let sim = Sim::start().await;
    let cards: Vec<_> = sim.world.truth(CART_SHOP).filter(|fact| fact.capturable && !fact.canceled).collect();
    let [less, gone] = [&cards[0], &cards[1]];
    let yen = less.due.unwrap();
    assert!(sim.world.discount_cart(&less.order_number, 100) && sim.world.cancel_cart(&gone.order_number));
    assert!(
        !sim.world.discount_cart(&less.order_number, yen) && !sim.world.cancel_cart("9"),
        "no such thing"
    );
    let (since, until) = (start_time() - Duration::from_secs(1), start_time());
    let bytes = sim.world.cart_file(Format::EcCube4, Encoding::Cp932, since, until).unwrap().unwrap();
    let rows = rows(&cp932(&bytes));
    let column = |name: &str| rows[0].iter().position(|c| c == name).unwrap();
    let of = |number: &str, name: &str| {
        let row = rows.iter().find(|row| &row[column("注文番号")] == number).unwrap();
        row[column(name)].to_owned()
    };
    assert_eq!(of(&less.order_number, "支払合計"), (yen - 100).to_string());
    assert_eq!(of(&gone.order_number, "対応状況(名称)"), "注文取消し");
    for fact in [less, gone] {
        assert_eq!(sim.status(&fact.order_number).await, "4");
        let held = element(&sim.look(&fact.order_number).await, "settlePrice");
        assert_eq!(held, fact.due.unwrap().to_string());
    }
}

#[tokio::test]
async fn the_slip_file_has_97_quoted_columns_and_valid_check_digits() {
    let sim = Sim::with(|o| o.oddities = true).await;
    let since = start_time() - DAY * 20;
    let bytes = sim.world.b2_file(since, start_time()).unwrap().unwrap();
    assert_eq!(
        Some(bytes.clone()),
        sim.world.b2_file(since, start_time()).unwrap(),
        "the same when asked again"
    );
    let text = cp932(&bytes);
    assert_eq!(text.lines().next(), fixture_cp932("b2cloud_issued_with_header.csv").lines().next());
    assert!(text.lines().all(|line| line.starts_with('"') && line.ends_with('"')));
    let rows = rows(&text);
    let (mut several, mut excel, mut wrong, mut unknown, mut cash, mut reception) = (0, 0, 0, 0, 0, 0);
    let mut slips = BTreeSet::new();
    let known: BTreeMap<String, Vec<String>> = sim
        .world
        .truth(CART_SHOP)
        .chain(sim.world.truth("rakuten-main"))
        .map(|f| (f.order_number, f.slips))
        .collect();
    for row in &rows[1..] {
        assert_eq!(row.len(), 97);
        let bare = |n: usize| row[n].trim_start_matches("=\"").trim_end_matches('"').to_owned();
        let slip = bare(3);
        assert!(seven_check(&slip), "{slip}");
        assert!(slips.insert(slip.clone()), "{slip} twice");
        let key = bare(0);
        let order = key.split_once('_').map_or(key.as_str(), |(order, _)| order);
        match known.get(order) {
            Some(slips) => assert!(slips.contains(&slip), "{order}"),
            None => {
                assert!(key.starts_with("UNKNOWN"));
                unknown += 1;
            }
        }
        several += u32::from(key.contains("_2"));
        excel += u32::from(row[3].starts_with("=\""));
        wrong += u32::from(&row[10] == "999-9999");
        cash += u32::from(&row[1] == "2" && !row[33].is_empty());
        reception += u32::from(!row[44].is_empty());
    }
    assert!(several > 0 && excel > 0 && wrong > 0 && unknown == 1 && cash > 0 && reception > 0);

    let clean = Sim::start().await;
    let text = cp932(&clean.world.b2_file(since, start_time()).unwrap().unwrap());
    assert!(!text.contains("UNKNOWN") && !text.contains("999-9999") && !text.contains("=\""));
}

#[test]
fn a_slip_can_be_issued_for_any_order() {
    let mut parcel = Parcel::issue("ANY-1_2", "1000001", start_time(), 42);
    parcel.reception_number = Some("WC-1".into());
    assert!(seven_check(&parcel.slip));
    let text = cp932(&b2_file(std::slice::from_ref(&parcel)).unwrap());
    let row = &rows(&text)[1];
    let shown = [&row[0], &row[3], &row[4], &row[10], &row[44]];
    assert_eq!(shown, ["ANY-1_2", parcel.slip.as_str(), "2026/04/21", "100-0001", "WC-1"]);
}

#[tokio::test]
async fn rounds_of_cart_and_carrier_drop_whole_files() {
    let sim = Sim::with(|o| {
        o.cart = Catalogue::per_day(start_time(), DAY * 4, 100);
        o.rakuten[0].orders = o.cart;
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let folders = Folders::below(folder.path());
    let stop = CancellationToken::new();
    let every = Duration::from_secs(1_800);
    let task = tokio::spawn(sim.world.clone().run_carrier(folders.clone(), every, stop.clone()));
    let count = |path: &Path| std::fs::read_dir(path).map_or(0, Iterator::count);
    // One round after another: each ends before the clock goes on.
    for round in 0..6 {
        let due = start_time() + every * round;
        sim.clock.set(due);
        while sim.world.last_tick() != Some(due) {
            tokio::task::yield_now().await;
        }
    }
    stop.cancel();
    task.await.unwrap().unwrap();
    assert!(count(&folders.orders) >= 2 && count(&folders.slips) >= 2);
    for path in [&folders.orders, &folders.slips] {
        for entry in std::fs::read_dir(path).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(name.ends_with(".csv") && !name.starts_with('.'), "{name}");
        }
    }
    // Nothing is told twice: together the rounds are the file of the whole time.
    let told = |since, until| {
        let parcels = sim.world.issued(since, until);
        parcels.into_iter().map(|p| p.slip).collect::<Vec<_>>()
    };
    let mut parts = told(start_time(), start_time() + every);
    parts.extend(told(start_time() + every, start_time() + every * 2));
    let mut whole = told(start_time(), start_time() + every * 2);
    parts.sort();
    whole.sort();
    assert_eq!(parts, whole);
}

#[test]
fn the_config_points_at_the_simulator() {
    let folders = Folders::below("/tmp/見本 \"x\"".as_ref());
    let clock = ClockTriple { start: start_time(), epoch: start_time() - DAY, speed: 60 };
    let since = (clock.start - DAY * 7).jst_date();
    let clock_of_world = std::sync::Arc::new(mallsync::clock::ManualClock::new(start_time()));
    let options = mallsync::sim::Options::per_day(1, clock_of_world, 8, DAY).with_all_malls();
    let text = config_toml(
        "127.0.0.1:9480".parse().unwrap(),
        &options,
        &folders,
        Path::new("/tmp/sim/mallsync.db"),
        clock,
        since,
    );
    let config: toml::Table = text.parse().unwrap();
    let settlement = &config["settlements"]["webcollect-main"];
    assert_eq!(config["simulation"]["speed"].as_integer(), Some(60));
    assert_eq!(config["database"]["url"].as_str(), Some("sqlite:/tmp/sim/mallsync.db"));
    assert_eq!(config["shops"]["own-shop"]["directory"].as_str(), Some("/tmp/見本 \"x\"/orders"));
    assert_eq!(config["shops"]["rakuten-main"]["base_url"].as_str(), Some("http://127.0.0.1:9480/rakuten"));
    let malls = ["rakuten-main", "yahoo-main", "aupay-main", "amazon-jp", "own-shop"]
        .map(|shop| config["shops"][shop]["mall"].as_str().unwrap());
    assert_eq!(malls, ["rakuten", "yahoo", "aupay", "amazon", "csv"]);
    assert_eq!(settlement["base_url"].as_str(), Some("http://127.0.0.1:9480/webcollect/api/"));
    assert_eq!(settlement["mode"].as_str(), Some("dry-run"));
    assert_eq!(settlement["since"].as_str(), Some("2026-04-14"));
    assert_eq!(settlement["match"][0]["reception_number"].as_str(), Some("{mall_order_id}"));
    assert!(!config.contains_key("slips") && !config.contains_key("retention"));
    let start = config["simulation"]["start"].as_str().unwrap();
    assert_eq!(mallsync::clock::Timestamp::parse(start).unwrap(), start_time());
}
