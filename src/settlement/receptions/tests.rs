use super::*;
use crate::tabular::profile::Vocabulary;

const SAMPLE: &[u8] = include_bytes!("../../../tests/fixtures/csv/generic_cart_orders.csv");
const MAPPING: &str = include_str!("../../../tests/fixtures/csv/generic_cart_orders.mapping.toml");

fn plain_file(bytes: &[u8]) -> Parsed {
    parse(None, "/in/numbers.csv", || Ok(bytes)).unwrap()
}

fn rows(parsed: &Parsed) -> Vec<(&str, &str, Option<i64>)> {
    parsed
        .rows
        .iter()
        .map(|r| (r.mall_order_id.as_str(), r.reception_number.as_str(), r.amount.map(|yen| yen.0)))
        .collect()
}

fn refused(parsed: &Parsed) -> Vec<(&str, &str)> {
    parsed.refused.iter().map(|r| (r.source.as_str(), r.reason.as_str())).collect()
}

#[test]
fn the_plain_form_reads_in_any_order_of_columns_and_without_a_header() {
    let expected = [("1001", "WC-1", Some(5_400)), ("1002", "WC-2", None)];
    for text in [
        "mall_order_id,reception_number,amount\r\n1001,WC-1,\"5,400\"\r\n1002,WC-2,\r\n",
        "\u{feff}amount,note,reception_number,mall_order_id\n5400円,x,ＷＣ－１,1001\n,y,WC-2,1002\n",
        "注文番号\t受付番号\t金額\n1001\tWC-1\t5400\n1002\tWC-2\t\n",
        "1001,WC-1,5400\n1002,WC-2,\n",
        "\"1001\",\"=\"\"WC-1\"\"\",\"5400\"\r\n\"1002\",\"WC-2\",\"\"\r\n",
    ] {
        let parsed = plain_file(text.as_bytes());
        assert_eq!(rows(&parsed), expected, "{text}");
        assert!(parsed.refused.is_empty() && parsed.without_number == 0, "{text}");
    }
    let parsed = plain_file(b"1001,WC-1\n1002,WC-2\n");
    assert_eq!(parsed.rows[1].source, "numbers.csv:2");
    assert_eq!(parsed.digest.len(), 64);
}

#[test]
fn a_file_of_other_columns_is_refused_whole_and_says_what_was_expected() {
    for text in [
        "a,b,c,d\n1,2,3,4\n",
        "番号,受付,金額\n1001,WC-1,100\n",
        "mall_order_id,amount\n1001,5400\n",
        "",
        "reception_number\nWC-1\n",
    ] {
        let error = parse(None, "x.csv", || Ok(text.as_bytes())).unwrap_err().to_string();
        let says = ["mall_order_id", "reception_no", "order_no", "the file is empty"];
        assert!(says.iter().any(|said| error.contains(said)), "{text:?}: {error}");
    }
}

#[test]
fn a_carts_file_reads_by_its_profile_and_rows_without_a_number_are_no_card_sales() {
    let words = Vocabulary {
        payment_methods: &["credit_card", "deferred", "bank_transfer"],
        statuses: &["awaiting_shipment", "shipped", "canceled"],
    };
    let profile = Profile::parse_for(MAPPING, words, REQUIRED).unwrap();
    let parsed = parse(Some(&profile), "cart.csv", || Ok(SAMPLE)).unwrap();
    // 002 and 003 were not paid by card: the fallback to the order number is for orders alone.
    assert_eq!(rows(&parsed), [("S-20250601-001", "1000000001", Some(5_400))]);
    assert_eq!((parsed.without_number, parsed.refused.len()), (2, 0));
    let explained = explain(Some(&profile), || Ok(SAMPLE)).unwrap();
    let fields: Vec<(usize, &[String])> = explained
        .columns
        .iter()
        .filter(|column| !column.fields.is_empty())
        .map(|column| (column.number, column.fields.as_slice()))
        .collect();
    let field = |name: &str| [name.to_owned()];
    let (order, number, due) = (field("order_no"), field("reception_no"), field("due"));
    assert_eq!(fields, [(1, &order[..]), (5, &number[..]), (6, &due[..])]);
    assert_eq!((explained.rows, explained.encoding, explained.delimiter), (3, Encoding::Cp932, ','));
    assert_eq!(explained.columns[4].example.as_ref().map(Personal::expose), Some("1000000001"));

    // A profile of one's own for such a file needs no other columns.
    let own = "profile = \"numbers\"\n[fields]\norder_no = \"No\"\nreception_no = [\"決済番号\"]\n";
    let own = Profile::parse_for(own, words, REQUIRED).unwrap();
    let parsed = parse(Some(&own), "x.csv", || Ok("No,決済番号\n7,WC-7\n".as_bytes())).unwrap();
    assert_eq!(rows(&parsed), [("7", "WC-7", None)]);
    let without = parse(Some(&own), "x.csv", || Ok("No,支払\n7,card\n".as_bytes())).unwrap_err().to_string();
    assert!(without.contains("reception_no (tried: 決済番号)"), "{without}");
}

#[test]
fn what_cannot_be_used_is_refused_with_its_line_and_the_rest_stays() {
    let text = "mall_order_id,reception_number,amount\n\
                1001,wc_1,100\n\
                1002,4.00012E+11,100\n\
                ,WC-3,100\n\
                1004,WC-4,abc\n\
                1005,WC-5,100,extra\n\
                1006,WC-6,100\n\
                4.1E+09,WC-7,100\n";
    let parsed = plain_file(text.as_bytes());
    assert_eq!(rows(&parsed), [("1006", "WC-6", Some(100))]);
    let reasons = refused(&parsed);
    let expected = [
        ("numbers.csv:2", "not a reception number"),
        ("numbers.csv:3", "the reception number was destroyed"),
        ("numbers.csv:4", "no order number"),
        ("numbers.csv:5", "the amount: no amount in whole yen"),
        ("numbers.csv:6", "column count"),
        ("numbers.csv:8", "the order number was destroyed"),
    ];
    assert_eq!(reasons.len(), expected.len(), "{reasons:?}");
    for ((source, reason), (place, says)) in reasons.iter().zip(expected) {
        assert!(*source == place && reason.contains(says), "{source}: {reason}");
    }
}

#[test]
fn an_order_of_several_lines_is_one_row_and_contradictions_are_refused_on_both_sides() {
    let text = "mall_order_id,reception_number\n\
                1001,WC-1\n1001,WC-1\nＨ－１,WC-2\nH-1,WC-2\n\
                1003,WC-3\n1003,WC-4\n\
                1005,WC-5\n1006,WC-5\n";
    let parsed = plain_file(text.as_bytes());
    assert_eq!(rows(&parsed), [("1001", "WC-1", None), ("Ｈ－１", "WC-2", None)]);
    assert_eq!(
        refused(&parsed),
        [
            ("numbers.csv:6", "line 7 gives the order another reception number"),
            ("numbers.csv:7", "line 6 gives the order another reception number"),
            ("numbers.csv:8", "the reception number stands on another order of the file too (line 9)"),
            ("numbers.csv:9", "the reception number stands on another order of the file too (line 8)"),
        ]
    );
}

#[test]
fn no_prefix_of_a_file_panics_and_none_gives_a_number_that_is_not_there() {
    let text = "mall_order_id,reception_number,amount\r\n1001,WC-1,100\r\n1002,WC-2,200\r\n".as_bytes();
    let whole = ["WC-1", "WC-2"];
    for end in 0..text.len() {
        let Ok(parsed) = parse(None, "x.csv", || Ok(&text[..end])) else { continue };
        for row in &parsed.rows {
            assert!(whole.iter().any(|number| number.starts_with(&row.reception_number)), "{end}: {row:?}");
        }
    }
}
