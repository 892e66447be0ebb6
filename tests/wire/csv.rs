//! Carts' order files through `malls::csv`: the samples, what the profiles make of them, and what goes wrong with files.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a wrong fixture is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use encoding_rs::SHIFT_JIS;
use mallsync::clock::{Ambient, ManualClock, Timestamp};
use mallsync::domain::account::Level;
use mallsync::domain::money::Yen;
use mallsync::domain::order::{Order, PaymentMethod, PaymentStatus, PendingReason, Status};
use mallsync::http::vault::Fleeting;
use mallsync::http::{Bucket, Call, Client, Closed, Gate, Priority};
use mallsync::malls::csv::{Parsed, explain, import, profiles};
use mallsync::malls::{Cursor, Scope, Stream, csv};
use mallsync::tabular::Profile;
use proptest::prelude::*;

const ECCUBE: &[u8] = include_bytes!("../fixtures/csv/eccube4_orders.csv");
const GENERIC: &[u8] = include_bytes!("../fixtures/csv/generic_cart_orders.csv");
const MAPPING: &str = include_str!("../fixtures/csv/generic_cart_orders.mapping.toml");

fn now() -> Timestamp {
    Timestamp::parse("2025-06-02T12:00:00+09:00").unwrap()
}

fn eccube() -> Profile {
    profiles::load("eccube4").unwrap()
}

fn generic() -> Profile {
    profiles::load("generic").unwrap()
}

fn sample_cart() -> Profile {
    profiles::parse(MAPPING).unwrap()
}

fn text(bytes: &[u8]) -> String {
    SHIFT_JIS.decode(bytes).0.into_owned()
}

fn cp932(text: &str) -> Vec<u8> {
    let (bytes, _, bad) = SHIFT_JIS.encode(text);
    assert!(!bad);
    bytes.into_owned()
}

fn orders(parsed: Parsed) -> Vec<Order> {
    assert_eq!(parsed.refused, None);
    assert!(parsed.bad.is_empty(), "{:?}", parsed.bad);
    parsed.orders.into_iter().map(|f| f.order).collect()
}

fn json(parsed: Parsed) -> serde_json::Value {
    serde_json::to_value(orders(parsed)).unwrap()
}

#[test]
fn eccube_orders() {
    insta::assert_json_snapshot!("eccube4_orders", json(import(&eccube(), "in/orders.csv", ECCUBE, now())));
}

#[test]
fn a_cart_with_its_own_mapping() {
    insta::assert_json_snapshot!("sample_cart_orders", json(import(&sample_cart(), "o.csv", GENERIC, now())));
}

#[test]
fn the_generic_profile_reads_it_too() {
    let (own, generic) =
        (import(&sample_cart(), "o.csv", GENERIC, now()), import(&generic(), "o.csv", GENERIC, now()));
    for (a, b) in orders(own).iter().zip(orders(generic)) {
        assert_eq!((&a.mall_order_id, a.amounts.due, a.status), (&b.mall_order_id, b.amounts.due, b.status));
        assert_eq!((&a.reception_number, a.payment.method), (&b.reception_number, b.payment.method));
    }
}

#[test]
fn encodings_read_the_same() {
    let with_bom = |bytes: &[u8]| [b"\xEF\xBB\xBF".as_slice(), text(bytes).as_bytes()].concat();
    let utf16 = |bytes: &[u8]| -> Vec<u8> {
        let tabs = text(bytes).replace("5,400", "5400").replace(',', "\t");
        std::iter::once(0xFEFF).chain(tabs.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    assert_eq!(
        json(import(&eccube(), "o", ECCUBE, now())),
        json(import(&eccube(), "o", &with_bom(ECCUBE), now()))
    );
    assert_eq!(
        json(import(&eccube(), "o", ECCUBE, now())),
        json(import(&eccube(), "o", text(ECCUBE).as_bytes(), now()))
    );
    let plain = orders(import(&generic(), "o", GENERIC, now()));
    let unicode = orders(import(&generic(), "o", &utf16(GENERIC), now()));
    assert_eq!(
        plain.iter().map(|o| o.amounts.due).collect::<Vec<_>>(),
        unicode.iter().map(|o| o.amounts.due).collect::<Vec<_>>()
    );
    let refused = import(&sample_cart(), "o.csv", &with_bom(GENERIC), now()).refused.unwrap();
    insta::assert_snapshot!("wrong_encoding", refused);
}

/// One order a file, in the columns that most tests below need.
fn file(rows: &[&str]) -> Vec<u8> {
    cp932(&format!(
        "注文番号,注文日時,支払合計,支払方法,処理状況,氏名,受付番号,商品名,個数,価格,備考\r\n{}\r\n",
        rows.join("\r\n")
    ))
}

fn one(row: &str) -> Order {
    orders(import(&generic(), "o.csv", &file(&[row]), now())).remove(0)
}

#[test]
fn characters_of_windows_survive() {
    let order = one("1,2025/6/1,100,カード,新規,髙﨑①　㈱,R-1,ｹｰｷ,1,100,～－");
    assert_eq!(order.buyer.name.unwrap().expose(), "髙﨑① ㈱");
    assert_eq!(order.packages[0].lines[0].name, "ｹｰｷ");
    assert_eq!(order.notes.buyer.unwrap().expose(), "～－");
    assert_eq!(order.source_columns["商品名"].expose(), "ｹｰｷ");
}

#[test]
fn an_amount_not_fixed_yet_is_none_and_nothing_due_needs_no_payment() {
    assert_eq!(one("1,2025/6/1,,カード,新規,,,,,,").amounts.due, None);
    let free = one("1,2025/6/1,0,,新規,,,,,,");
    assert_eq!((free.amounts.due, free.payment.status), (Some(Yen(0)), PaymentStatus::NotRequired));
    assert!(free.flags.iter().all(|f| f.code != "no_payment_name"));
    assert_eq!(one("1,2025/6/1,\"¥1,234\",カード,新規,,,,,,").amounts.due, Some(Yen(1234)));
}

#[test]
fn words_that_are_not_mapped_are_kept_and_told() {
    let order = one("1,2025/6/1,100,ペイジー,謎,,,,,,");
    assert_eq!((order.status, order.payment.method), (Status::Unknown, PaymentMethod::Other));
    assert_eq!((order.mall_status.as_str(), order.payment.mall_method.as_deref()), ("謎", Some("ペイジー")));
    let codes: Vec<&str> = order.flags.iter().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["unknown_status", "unmapped_payment"]);
    let waiting = one("1,2025/6/1,100,銀行振込,入金待ち,,,,,,");
    assert_eq!((waiting.status, waiting.pending_reason), (Status::Pending, Some(PendingReason::Payment)));
    assert_eq!(one("1,2025/6/1,100,ｸﾚｼﾞｯﾄ決済,新規,,,,,,").payment.method, PaymentMethod::CreditCard);
}

#[test]
fn without_a_column_of_states_every_order_awaits_shipment() {
    let parsed =
        import(&generic(), "o", &cp932("注文番号,支払合計,支払方法,注文日\r\nA,1,代引,2025/6/1\r\n"), now());
    let order = orders(parsed).remove(0);
    assert_eq!(
        (order.status, order.payment.method),
        (Status::AwaitingShipment, PaymentMethod::CashOnDelivery)
    );
    assert_eq!(order.packages.len(), 1);
    assert!(order.packages[0].lines.is_empty());
    assert_eq!(order.reception_number.as_deref(), Some("A"), "the order number stands in");
}

#[test]
fn an_order_without_a_date_is_older_than_every_since() {
    let order = one("1,2025/02/30,100,カード,新規,,,,,,");
    assert_eq!(order.ordered_at, Timestamp::from_micros(0));
    assert_eq!(order.flags[0].code, "no_order_date");
}

#[test]
fn a_reception_number_outside_its_alphabet_is_kept_and_told() {
    let order = one("ab_1,2025/6/1,100,カード,新規,,,,,,");
    assert_eq!(order.reception_number.as_deref(), Some("ab_1"));
    assert_eq!(order.flags[0].code, "unusable_reception_number");
}

#[test]
fn a_bad_row_sets_aside_its_order_alone() {
    let bytes = file(&[
        "A-1,2025/6/1,100,カード,新規,,,\"ケーキ\r\n大\",1,100,",
        "A-2,2025/6/1,12.5,カード,新規,,,,,,",
        ",2025/6/1,100,カード,新規,見本花子,,,,,",
        "A-3,2025/6/1,100,カード,新規,,,,,,,はみ出し",
        "4.00012E+11,2025/6/1,100,カード,新規,,,,,,",
        "A-4,2025/6/1,-1,カード,新規,,,,,,",
        "A-5,2025/6/1,100,カード,新規,,,一,1,100,",
        "A-6,2025/6/1,100,カード,新規,,,,,,",
        "A-5,2025/6/1,200,カード,新規,,,二,1,100,",
        "A-7,2025/6/1,100,カード,新規,,,一,たくさん,100,",
    ]);
    let parsed = import(&generic(), "in/o.csv", &bytes, now());
    let read: Vec<&str> = parsed.orders.iter().map(|f| f.order.mall_order_id.as_str()).collect();
    assert_eq!(read, ["A-1", "A-6"]);
    let told: Vec<String> =
        parsed.bad.iter().map(|b| format!("{} | {}", b.mall_order_id, b.reason)).collect();
    insta::assert_snapshot!("rows_set_aside", told.join("\n"));
    assert!(!told.join("").contains("見本"), "no personal data in reasons");
}

#[test]
fn rows_of_one_order_fold_wherever_they_stand() {
    let bytes = file(&[
        "Ｈ－１,2025/6/1,300,カード,新規,,,一,1,100,",
        "B,2025/6/1,100,カード,新規,,,,,,",
        ",,,,,,,,,,",
        "H-1,2025/6/1,300,カード,新規,,,二,2,100,",
    ]);
    let orders = orders(import(&generic(), "o", &bytes, now()));
    assert_eq!(orders[0].mall_order_id, "Ｈ－１");
    let lines = &orders[0].packages[0].lines;
    assert_eq!(
        lines.iter().map(|l| (l.line_id.as_str(), l.subtotal)).collect::<Vec<_>>(),
        [("1", Some(Yen(100))), ("2", Some(Yen(200)))]
    );
}

#[test]
fn lines_that_are_no_goods_give_the_amounts_that_columns_lack() {
    let header = "注文番号,支払合計,支払方法(名称),受注日,注文詳細ID,商品名,商品コード,価格,個数,明細区分(名称),出荷ID,小計";
    let rows = [
        "7,1330,代金引換,2025/6/1,1,ケーキ,CK,1000,1,商品,11,1000",
        "7,1330,代金引換,2025/6/1,2,送料,,500,1,送料,11,1000",
        "7,1330,代金引換,2025/6/1,3,手数料,,330,1,手数料,11,1000",
        "7,1330,代金引換,2025/6/1,4,値引き,,-400,1,割引,11,1000",
        "7,1330,代金引換,2025/6/1,5,ポイント,,-100,1,ポイント,11,1000",
        "7,1330,代金引換,2025/6/1,1,ケーキ,CK,1000,1,商品,11,1000",
    ];
    let bytes = cp932(&format!("{header}\r\n{}\r\n", rows.join("\r\n")));
    let order = orders(import(&eccube(), "o", &bytes, now())).remove(0);
    let a = &order.amounts;
    assert_eq!(
        (a.shipping, a.payment_fee, a.other_discount, a.points),
        (Some(Yen(500)), Some(Yen(330)), Some(Yen(400)), Some(Yen(100)))
    );
    assert_eq!((a.goods, a.total, a.due), (Some(Yen(1000)), Some(Yen(1830)), Some(Yen(1330))));
    assert_eq!(order.packages.len(), 1);
    assert_eq!(order.packages[0].lines.len(), 1, "the same row twice is one line");
}

#[test]
fn several_shipments_are_several_packages() {
    let header = "注文番号,支払合計,支払方法(名称),受注日,商品名,個数,出荷ID,配送先_お名前(姓),配送先_お名前(名),配送業者(名称),出荷伝票番号,発送日";
    let bytes = cp932(&format!(
        "{header}\r\n8,1,x,2025/6/1,一,1,21,見本,一子,ヤマト運輸,4000-1234-5670,2025/06/03\r\n8,1,x,2025/6/1,二,1,22,見本,二子,ゆうパック,,\r\n"
    ));
    let order = orders(import(&eccube(), "o", &bytes, now())).remove(0);
    insta::assert_json_snapshot!("two_packages", order.packages);
}

#[test]
fn what_is_dropped_on_receipt_is_nowhere() {
    let bytes = cp932(
        "注文番号,支払合計,支払方法,注文日,性別(名称),誕生日,氏名\r\n9,1,代引,2025/6/1,女性,1990/01/01,見本花子\r\n",
    );
    let parsed = import(&generic(), "o", &bytes, now());
    let raw = String::from_utf8(parsed.orders[0].raw.clone()).unwrap();
    let order = serde_json::to_string(&parsed.orders[0].order).unwrap();
    for gone in ["女性", "1990"] {
        assert!(!raw.contains(gone) && !order.contains(gone), "{gone}");
    }
    assert!(raw.contains("見本花子"));
}

#[test]
fn the_record_is_the_same_wherever_the_order_stands_in_a_file() {
    let row = "A-1,2025/6/1,100,カード,新規,,,,,,";
    let (alone, later) = (file(&[row]), file(&["B,2025/6/1,1,カード,新規,,,,,,", row]));
    let a = import(&generic(), "june.csv", &alone, now());
    let b = import(&generic(), "july.csv", &later, now());
    assert_eq!(a.orders[0].raw, b.orders[1].raw);
    assert_eq!(a.orders[0].order, b.orders[1].order);
}

#[test]
fn files_that_are_refused_say_why() {
    let refused = |profile: &Profile, bytes: &[u8]| import(profile, "o.csv", bytes, now()).refused.unwrap();
    let shown = [
        refused(&generic(), &cp932("注文番号,支払方法\r\n1,カード\r\n")),
        refused(&generic(), &cp932("1,見本花子,100\r\n2,見本次郎,200\r\n")),
        refused(&generic(), b""),
        refused(&generic(), b"PK\x03\x04"),
        refused(&generic(), &cp932("注文番号,支払合計,支払方法\r\nA,1,\"カード")),
        refused(&generic(), &cp932("注文番号,支払合計,支払方法\r\nA,1,カード\r\nB,")),
        refused(&generic(), &cp932("注文番号,支払合計,支払方法")),
    ];
    insta::assert_snapshot!("refused_files", shown.join("\n"));
    assert!(!shown.join("").contains("見本"));
}

/// A cut file is refused whole, unless the cut falls between two records, where nothing tells it from a shorter file.
#[test]
fn every_prefix_is_refused_or_a_shorter_file() {
    for (profile, sample) in [(eccube(), ECCUBE), (sample_cart(), GENERIC)] {
        let whole = import(&profile, "o.csv", sample, now());
        for cut in 0..sample.len() {
            let part = import(&profile, "o.csv", &sample[..cut], now());
            if part.refused.is_some() {
                assert!(part.orders.is_empty());
                continue;
            }
            let between = sample[..cut].ends_with(b"\n")
                || sample[..cut].ends_with(b"\r")
                || sample[cut..].starts_with(b"\r\n");
            assert!(between, "cut at {cut} is neither refused nor between records");
            assert!(part.bad.is_empty());
            for (a, b) in part.orders.iter().zip(&whole.orders) {
                assert_eq!(
                    (&a.order.mall_order_id, a.order.amounts.due),
                    (&b.order.mall_order_id, b.order.amounts.due)
                );
            }
        }
    }
}

#[test]
fn a_file_is_explained_column_by_column() {
    let told = explain(&generic(), "in/o.csv", GENERIC);
    let columns: Vec<String> = told
        .columns
        .iter()
        .map(|c| {
            let example = c.example.as_ref().map_or("", |e| e.expose());
            format!(
                "{} {} -> {} ({example})",
                c.number,
                c.name.as_deref().unwrap_or("-"),
                c.fields.join(", ")
            )
        })
        .collect();
    insta::assert_snapshot!("explained", columns.join("\n"));
    assert_eq!((told.rows, told.orders, told.refused), (3, 3, None));
    assert!(told.absent.contains(&"shipping".to_owned()));
    let broken = explain(&generic(), "o.csv", &cp932("注文番号,支払方法\r\n1,カード\r\n"));
    assert!(broken.refused.unwrap().contains("due (tried: 支払合計"));
    assert_eq!(broken.columns.len(), 2, "the columns are shown although the file is refused");
    let odd = explain(
        &generic(),
        "o.csv",
        &file(&["1,2025/6/1,100,ペイジー,新規,,,,,,", "2,2025/6/1,x,カード,新規,,,,,,"]),
    );
    assert_eq!(odd.problems.len(), 2, "{:?}", odd.problems);
}

#[test]
fn columns_by_number() {
    let profile = profiles::parse(
        "profile = \"n\"\nheader = false\nskip_lines = 1\ndelimiter = \"\\t\"\nquote = \"\"\n[fields]\norder_no = 1\ndue = 3\npayment_name = [2]\nordered_at = 4\n",
    )
    .unwrap();
    let parsed = import(
        &profile,
        "o",
        &cp932("出力日 \"2025\"\r\nA\"1\t代引\t100\t2025/6/1\r\nA2\t代引\t200\t2025/6/1\r\n"),
        now(),
    );
    let orders = orders(parsed);
    assert_eq!(
        (orders.len(), orders[0].mall_order_id.as_str(), orders[1].amounts.due),
        (2, "A\"1", Some(Yen(200)))
    );
}

struct Open;

#[async_trait::async_trait]
impl Gate for Open {
    async fn admit(&self, _: &Bucket, _: Priority) -> Result<(), Closed> {
        Ok(())
    }
    async fn pause(&self, _: &Bucket, _: Timestamp) {}

    fn pace(&self, _: &Bucket, _: Duration) {}
}

#[tokio::test]
async fn the_folder_as_the_daemon_sees_it() {
    let dir = tempfile::tempdir().unwrap();
    let section = serde_json::json!({ "directory": dir.path(), "profile": "eccube4" });
    assert_eq!((csv::MALL.validate)(&section), Ok(()));
    let built = (csv::MALL.build)("own", &section).unwrap();
    let client = Client::new(&built.client).unwrap();
    let clock = ManualClock::new(now());
    let ambient = Ambient::seeded(Arc::new(clock.clone()), 1);
    let vault = Fleeting::default();
    let call = Call {
        account: "own",
        client: &client,
        gate: &Open,
        priority: Priority::Live,
        vault: &vault,
        ambient: &ambient,
    };
    let scope = Scope { initial_lookback: Duration::ZERO };
    let mut cursor: Option<Cursor> = None;
    let mut read = Vec::new();
    std::fs::write(dir.path().join("orders.csv"), ECCUBE).unwrap();
    for _ in 0..4 {
        let page = built.mall.changes(&call, Stream::New, cursor.as_ref(), &scope).await.unwrap();
        read.extend(page.orders.into_iter().map(|f| f.order.mall_order_id));
        cursor = Some(page.next);
        clock.advance(Duration::from_secs(60));
    }
    assert_eq!(read, ["101", "102"]);
    assert!(dir.path().join("done/orders.csv").exists());
    let again = built.mall.changes(&call, Stream::New, cursor.as_ref(), &scope).await.unwrap();
    assert_eq!(Some(again.next), cursor, "nothing new writes nothing");
    assert!(!again.more && !built.mall.rereads());
    let health = built.mall.check(&call, None).await.unwrap();
    assert!(health.findings.iter().all(|f| f.level == Level::Ok), "{:?}", health.findings);
    dir.close().unwrap();
    let health = built.mall.check(&call, None).await.unwrap();
    assert!(health.findings.iter().any(|f| f.level == Level::Error && f.action.is_some()));
    assert!(built.mall.changes(&call, Stream::New, cursor.as_ref(), &scope).await.is_err());
}

#[test]
fn keys_of_the_section_are_checked_all_at_once() {
    let wrong = |section: serde_json::Value| {
        let found = (csv::MALL.validate)(&section).unwrap_err();
        found.into_iter().map(|(key, message)| format!("{key}: {message}")).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(
        wrong(serde_json::json!({ "directry": "/x", "profile": 3 })),
        "directory: required, and missing; profile: expected text in quotes; directry: unknown key; did you mean directory?"
    );
    assert!(
        wrong(serde_json::json!({ "directory": "/x", "profile": "ecube4" }))
            .contains("did you mean eccube4?")
    );
    let section = serde_json::json!({ "directory": "/x", "profile": "/nowhere/own.toml" });
    let problems = (csv::MALL.build)("own", &section).err().unwrap();
    assert!(problems[0].message.contains("/nowhere/own.toml"), "{problems:?}");
}

proptest! {
    #[test]
    fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = import(&generic(), "o", &bytes, now());
        let mut sample = GENERIC.to_vec();
        sample.extend_from_slice(&bytes);
        let _ = explain(&generic(), "o", &sample);
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0..ECCUBE.len(), byte: u8) {
        let mut sample = ECCUBE.to_vec();
        sample[at] = byte;
        let _ = import(&eccube(), "o", &sample, now());
    }
}
