//! Odd and hostile answers: cut, empty, of another kind, with entities, in another charset.

use mallsync::http::Fault;
use mallsync::malls::yahoo::wire::Function;
use proptest::prelude::*;

use super::{ORDERS, answers, info, now, outcome, read, response, sample};

#[test]
fn every_prefix_of_every_answer_is_a_fault() {
    for (file, function, whole) in answers() {
        // Every byte of the short ones; of the long ones every tag's first bytes, and some of the rest.
        let body = &whole.body;
        let short = body.len() < 2_000;
        for end in 0..body.len() {
            let tag = file.contains("card_gift")
                && end > 0
                && matches!(body[end - 1], b'<' | b'>' | b'!' | b'[' | b'/');
            if !short && !tag && end % 41 != 0 {
                continue;
            }
            let cut = mallsync::http::Response { body: whole.body.slice(..end), ..whole.clone() };
            let fault = outcome(function, &cut).expect_err(&file);
            if whole.status == 200 {
                assert_eq!(fault.kind(), "transient", "{file} cut after {end} bytes: {fault}");
            }
        }
    }
}

fn kind(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Fault {
    outcome(Function::OrderInfo, &response(status, headers, body)).unwrap_err()
}

#[test]
fn envelopes_that_no_sample_shows() {
    let html = "<!DOCTYPE html><html><head><title>メンテナンス中</title></head></html>".as_bytes();
    assert_eq!(kind(503, &[], html).kind(), "maintenance");
    assert!(kind(503, &[], html).to_string().contains("メンテナンス中"));
    assert_eq!(kind(200, &[], html).kind(), "transient");
    assert_eq!(kind(502, &[], html).kind(), "transient");
    assert_eq!(kind(500, &[], b"oops").kind(), "transient");
    assert_eq!(kind(404, &[], html).kind(), "rejected");
    assert_eq!(kind(404, &[], b"").kind(), "rejected");
    assert_eq!(kind(302, &[("Location", "https://example.jp/")], b"").kind(), "transient");
    assert_eq!(kind(401, &[], b"").kind(), "auth");
    assert_eq!(kind(400, &[], b"").kind(), "rejected");
    assert_eq!(kind(503, &[], b"<Error><Message>busy</Message></Error>"), Fault::Throttled { until: None });
    let wait = std::time::Duration::from_secs(120);
    assert_eq!(kind(429, &[("Retry-After", "120")], b""), Fault::Throttled { until: Some(now() + wait) });
    assert_eq!(kind(503, &[("Retry-After", "120")], html), Fault::Throttled { until: Some(now() + wait) });
    let date = kind(429, &[("Retry-After", "Thu, 08 Oct 2026 03:02:00 GMT")], b"");
    assert_eq!(date, Fault::Throttled { until: Some(now() + wait) });
    // The same shape of refusal with a namespace, in the other order, at 200 (§8.1).
    let spaced = br#"<?xml version="1.0"?><Error xmlns="urn:yahoo:api"><Code>px-04306</Code><Message>
        Use of API is not permitted. </Message></Error>"#;
    for status in [200, 403] {
        let fault = kind(status, &[], spaced);
        assert_eq!(
            fault,
            Fault::Auth { code: "px-04306".into(), message: "Use of API is not permitted.".into() }
        );
    }
    // NG, with and without Error; another kind of root is never "no orders".
    let ng = b"<ResultSet><Result><Status>NG</Status><Message>no</Message></Result></ResultSet>";
    assert_eq!(kind(200, &[], ng).kind(), "rejected");
    let list = sample("order_list_response_page1.xml");
    assert_eq!(kind(200, &[], list.as_bytes()).kind(), "transient");
    let quota = kind(403, &[], b"Your Request was Forbidden");
    assert_eq!(quota, Fault::Auth { code: "HTTP 403".into(), message: "Your Request was Forbidden".into() });
    let empty = b"<Result><Status>OK</Status><Search></Search></Result>";
    let fault = outcome(Function::OrderList, &response(200, &[], empty)).unwrap_err();
    assert_eq!(fault.kind(), "malformed", "an answer that counts nothing is no empty list");
}

#[test]
fn a_hostile_document_is_a_named_fault() {
    let cod = info("cod");
    let with = |from: &str, to: &str| kind(200, &[], cod.replacen(from, to, 1).as_bytes());
    let named = |fault: Fault, part: &str| match fault {
        Fault::Malformed(reason) => assert!(reason.contains(part), "{reason}"),
        other => panic!("{other:?}"),
    };
    named(
        with("<ResultSet", "<!DOCTYPE ResultSet [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><ResultSet"),
        "DOCTYPE",
    );
    named(with("<Notes>", "<Notes>&x;"), "unknown entity");
    named(with("<Notes>", "<Notes>\u{2}"), "control character");
    named(with("</Notes>", "</Note>"), "not well-formed");
    named(with("UTF-8", "UTF-16"), "charset");
    named(kind(200, &[("Content-Type", "application/xml; charset=euc-jp")], cod.as_bytes()), "charset");
    let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode(&cod);
    named(kind(200, &[], &sjis), "UTF-8");
    let deep = format!("<ResultSet>{}{}</ResultSet>", "<a>".repeat(40), "</a>".repeat(40));
    named(kind(200, &[], deep.as_bytes()), "levels");
    // None of them repeats what stands in the document.
    assert!(!format!("{:?}", with("<Notes>", "<Notes>&canary;")).contains("canary"));
    // A byte order mark, and a charset that is said and true, are neither.
    let marked = format!("\u{FEFF}{cod}");
    assert!(outcome(Function::OrderInfo, &response(200, &[], marked.as_bytes())).is_ok());
    let declared = cod.replacen("UTF-8", "Shift_JIS", 1);
    let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode(&declared);
    assert!(outcome(Function::OrderInfo, &response(200, &[], &sjis)).is_ok());
}

/// `body` with every element of that name gone, or emptied.
fn without(body: &str, element: &str, empty: bool) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let mut kept = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once(&open) {
        kept.push_str(before);
        rest = after.split_once(&close).unwrap().1;
        if empty {
            kept.push_str(&format!("<{element}/>"));
        }
    }
    kept + rest
}

#[test]
fn empty_and_absent_are_alike_and_fail_only_what_is_no_order() {
    for name in ORDERS {
        let body = info(name);
        let mut elements: Vec<&str> = body
            .split('<')
            .filter_map(|t| t.split_once('>'))
            .map(|(tag, _)| tag)
            .filter(|t| t.bytes().all(|b| b.is_ascii_alphanumeric()))
            .collect();
        elements.sort_unstable();
        elements.dedup();
        for element in elements {
            if matches!(
                element,
                "ResultSet" | "Result" | "Status" | "OrderInfo" | "Name" | "Value" | "Index" | "Price"
            ) {
                continue;
            }
            let (absent, empty) =
                (read(&without(&body, element, false)), read(&without(&body, element, true)));
            let needed = matches!(element, "OrderId" | "OrderTime" | "Quantity");
            assert_eq!(absent.is_err(), needed, "{name} {element}: {absent:?}");
            if element != "Item" {
                assert_eq!(absent, empty, "{name} {element}");
            }
        }
    }
}

#[test]
fn unknown_repeated_and_shuffled_elements_change_nothing() {
    for name in ORDERS {
        let body = info(name);
        let plain = read(&body).unwrap();
        let grown = body
            .replace("<Pay>", "<New><Deep>1</Deep></New><Pay><PayNew>x</PayNew>")
            .replace(
                "<NeedBillSlip>false</NeedBillSlip>",
                "<NeedBillSlip>false</NeedBillSlip><NeedBillSlip>true</NeedBillSlip>",
            )
            .replace("<Detail>", "<x:y xmlns:x=\"urn:z\">1</x:y><Detail>");
        assert_eq!(read(&grown).unwrap(), plain, "{name}");
        // Wrappers in another order.
        let (head, rest) = body.split_once("<Pay>").unwrap();
        let (pay, tail) = rest.split_once("</Pay>").unwrap();
        let shuffled =
            format!("{head}{tail}").replace("</OrderInfo>", &format!("<Pay>{pay}</Pay></OrderInfo>"));
        assert_eq!(read(&shuffled).unwrap(), plain, "{name}");
        // Codes in CDATA, white space around everything, a sign before numbers.
        let wrapped = body
            .replace("<OrderStatus>", "<OrderStatus>\n  <![CDATA[")
            .replace("</OrderStatus>", "]]>\n</OrderStatus>")
            .replace("<Quantity>", "<Quantity> +");
        assert_eq!(read(&wrapped).unwrap(), plain, "{name}");
    }
}

#[test]
fn times_come_in_three_forms() {
    for text in ["2026-10-01T21:03:05+09:00", "2026-10-01T21:03:05", "20261001210305", "2026-10-01 21:03:05"]
    {
        let body = info("cod").replace("2026-10-01T21:03:05+09:00", text);
        assert_eq!(read(&body).unwrap().ordered_at.to_string(), "2026-10-01T21:03:05+09:00", "{text}");
    }
    let old = info("cod").replace("<ShipDate>2026-10-02", "<ShipDate>20261002");
    assert_eq!(read(&old).unwrap(), read(&info("cod")).unwrap());
}

proptest! {
    #[test]
    fn reading_an_answer_never_panics(
        name in 0_usize..7,
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..6, "\\PC{0,8}", any::<i64>()), 0..6),
    ) {
        let mut body = info(ORDERS[name]);
        for (index, kind, text, number) in cuts {
            let places: Vec<usize> = body.match_indices('>').map(|(at, _)| at + 1).collect();
            if places.is_empty() { break; }
            let at = places[index.index(places.len())];
            let put = match kind {
                0 => text,
                1 => number.to_string(),
                2 => format!("<{number}>"),
                3 => "</Pay>".to_owned(),
                4 => format!("<![CDATA[{text}]]>"),
                _ => i64::MAX.to_string(),
            };
            body.insert_str(at, &put);
        }
        let answer = mallsync::malls::yahoo::wire::decode(&response(200, &[], body.as_bytes()), Function::OrderInfo);
        if let Ok(answer) = answer
            && let Some(order) = answer.root.child("Result").and_then(|r| r.child("OrderInfo"))
            && let Ok(order) = mallsync::malls::yahoo::read_order(order) {
            prop_assert!(!order.mall_order_id.is_empty());
        }
    }
}
