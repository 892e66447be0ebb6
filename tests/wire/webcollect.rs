//! web collect: what the gateway sends, through the parser and the tables (kuroneko-webcollect.md §3–§5).
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside the functions that clippy knows as such"
)]

use std::fmt::Write as _;
use std::path::PathBuf;

use mallsync::clock::Timestamp;
use mallsync::domain::operation::Answer;
use mallsync::domain::settlement::SettlementState;
use mallsync::settlement::Halt;
use mallsync::settlement::webcollect::codes::credit_row;
use mallsync::settlement::webcollect::{map, wire};
use proptest::prelude::*;

mod allowed;
mod calls;
mod cards;
mod changes;
mod codes;
mod judge;
mod outcomes;

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/webcollect")
}

fn responses() -> Vec<(String, Vec<u8>)> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".response.xml"))
        .collect();
    names.sort();
    assert!(names.len() > 60, "the samples are there");
    names.into_iter().map(|name| (name.clone(), fixture(&name))).collect()
}

fn noon() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap()
}

fn answer(body: &str) -> Answer {
    map::answer(200, body.as_bytes(), noon()).0
}

/// The number that the samples of E04 were asked for.
fn order_no(body: &[u8]) -> String {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let after = text.split_once("<orderNo>").map_or("20250401000999", |(_, rest)| rest);
    after.split('<').next().unwrap().to_owned()
}

#[test]
fn every_sample_has_its_answer() {
    let mut text = String::new();
    for (name, body) in responses() {
        let (answer, halt) = map::answer(200, &body, noon());
        writeln!(text, "{name}\n  {answer:?}").unwrap();
        if let Some(Halt::Account(stop) | Halt::Function(stop)) = halt {
            writeln!(text, "  stop {}: {}", stop.code, stop.reason).unwrap();
        }
        let reply = wire::Reply::read(200, &body).unwrap();
        if let Some(code) = reply.credit_error_code() {
            writeln!(text, "  credit {code}: {:?}", credit_row(&code).map(|row| row.class)).unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_look_up_has_its_observation() {
    let mut text = String::new();
    for (name, body) in responses() {
        if name.starts_with("E04") || name.starts_with("common") {
            writeln!(text, "{name}\n{:#?}", map::trade_info(200, &body, &order_no(&body))).unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn no_part_of_an_answer_is_an_answer() {
    for (name, body) in responses() {
        let end = body.windows(9).rposition(|w| w == b"</return>").unwrap() + 9;
        let number = order_no(&body);
        for cut in 0..end {
            let (answer, halt) = map::answer(200, &body[..cut], noon());
            assert!(matches!(answer, Answer::Unknown { .. }), "{name} cut at {cut}: {answer:?}");
            assert_eq!(halt, None, "{name} cut at {cut}");
            assert!(map::trade_info(200, &body[..cut], &number).is_err(), "{name} cut at {cut}");
        }
        for status in [100, 204, 301, 400, 403, 404, 429, 500, 502, 503] {
            let (answer, _) = map::answer(status, &body, noon());
            assert!(matches!(answer, Answer::Unknown { .. }), "{name} with HTTP {status}: {answer:?}");
            assert!(map::trade_info(status, &body, &number).is_err(), "{name} with HTTP {status}");
        }
    }
}

#[test]
fn the_rules_of_the_envelope() {
    let done = [
        "<return><returnCode>0</returnCode></return>",
        "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?><return><returnCode>0</returnCode></return>",
        " \r\n<?xml version=\"1.0\"?><return><errorCode/><returnCode>00</returnCode></return>\n",
        "<return><returnCode>\u{3000}0\n </returnCode><errorCode>\u{3000}</errorCode></return>",
        "<return><returnCode><![CDATA[0]]></returnCode><errorCode><![CDATA[]]></errorCode></return>",
        "<return><returnCode>&#48;</returnCode></return>",
        "<return a='b'><!-- c --><new><deep>1</deep></new><?p i?><returnCode>0</returnCode></return><!-- d -->",
        "<return><returnCode>0</returnCode><returnDate>yesterday</returnDate></return>",
        "<reply><returnCode>0</returnCode></reply>",
    ];
    for body in done {
        assert_eq!(answer(body), Answer::Done, "{body}");
    }
    let unknown = [
        "",
        " \n",
        "maintenance",
        "<html><body>ただいまメンテナンス中です</body></html>",
        "<!DOCTYPE html><html></html>",
        "<?xml version=\"1.0\"?><!DOCTYPE return [<!ENTITY a \"0\">]><return><returnCode>&a;</returnCode></return>",
        "<!DOCTYPE return><return><returnCode>0</returnCode></return>",
        "<return><returnCode>0</returnCode>",
        "<return><returnCode>0</returnCode></retur",
        "<return><returnCode>0</returnCode></other>",
        "<return><returnCode>0</returnCode></return>trailing",
        "<return><returnCode>0</returnCode></return><return/>",
        "<return><returnCode>&nbsp;0</returnCode></return>",
        "<return/>",
        "<return><returnCode/></return>",
        "<return><data><returnCode>0</returnCode></data></return>",
        "<return><resultData><returnCode>0</returnCode></resultData></return>",
        "<return><returnCode>0</returnCode><errorCode>E012000001</errorCode></return>",
        "<return><returnCode>0</returnCode><errorCode><x>E012000001</x></errorCode></return>",
        "<return><returnCode>0</returnCode><returnCode>1</returnCode></return>",
        "<return><returnCode>2</returnCode></return>",
        "<return><returnCode>-1</returnCode></return>",
        "<return><returnCode>０</returnCode></return>",
        "<return><returnCode>0 0</returnCode></return>",
        "<return><returnCode>00000000000000000000</returnCode><errorCode>x</errorCode></return>",
    ];
    for body in unknown {
        let answer = answer(body);
        assert!(matches!(answer, Answer::Unknown { .. }), "{body}: {answer:?}");
    }
    let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode("<return><returnCode>0</returnCode><a>髙</a></return>");
    assert!(matches!(map::answer(200, &sjis, noon()).0, Answer::Unknown { .. }));
}

#[test]
fn refusals_by_code() {
    let refused = |code: &str| {
        let body = format!("<return><errorCode> {code}</errorCode><returnCode>01</returnCode></return>");
        map::answer(200, body.as_bytes(), noon())
    };
    let code = |code: &str| code.to_owned();
    for (sent, want) in [
        ("E013000001", Answer::Retry { code: code("E013000001") }),
        ("z012000006", Answer::Retry { code: code("Z012000006") }),
        ("E012000001", Answer::Verify { code: code("E012000001") }),
        ("E011010351", Answer::Verify { code: code("E011010351") }),
        ("E011010301", Answer::Refused { code: code("E011010301") }),
        ("", Answer::Verify { code: code("returnCode=1") }),
        (
            "Z010000000",
            Answer::Later {
                code: code("Z010000000"),
                until: Timestamp::parse("2026-11-21T12:10:00+09:00").unwrap(),
            },
        ),
        (
            "A110000000",
            Answer::Later {
                code: code("A110000000"),
                until: Timestamp::parse("2026-11-21T12:10:00+09:00").unwrap(),
            },
        ),
    ] {
        assert_eq!(refused(sent), (want, None), "{sent}");
    }
    for sent in ["Z012000004", "Z012000005", "Z019999999", "Z012000099"] {
        assert!(matches!(refused(sent), (Answer::Unknown { .. }, None)), "{sent}");
    }
    for sent in [
        "E011010401",
        "E011010402",
        "E011010404",
        "E011010451",
        "E012000002",
        "E018000001",
        "A082000010",
        "oops",
    ] {
        let (answer, halt) = refused(sent);
        let Answer::Person { code, reason } = answer else { panic!("{sent}: {answer:?}") };
        assert_eq!((code.as_str(), halt), (sent, None));
        assert!(reason.contains(sent), "{reason}");
    }
    for sent in ["Z012000007", "Z012000008", "Z012000009", "E011010251"] {
        let (answer, halt) = refused(sent);
        let until = Timestamp::parse("2026-11-21T13:00:00+09:00").unwrap();
        assert_eq!(answer, Answer::Later { until, code: sent.to_owned() });
        match halt {
            Some(Halt::Account(stop)) => assert!(stop.code == sent && sent.starts_with("Z01"), "{sent}"),
            Some(Halt::Function(stop)) => assert!(stop.code == sent && sent == "E011010251", "{sent}"),
            None => panic!("{sent} stops nothing"),
        }
    }
    let both = "<return><returnCode>1</returnCode><errorCode>A077000001</errorCode>\
                <creditErrerCode>C50</creditErrerCode></return>";
    let Answer::Person { reason, .. } = answer(both) else { panic!("A077000001 is a person's") };
    assert!(reason.contains("C50"), "{reason}");
}

fn trade(blocks: &str) -> Result<map::TradeInfo, String> {
    let body = format!("<return><returnCode>0</returnCode><resultCount>1</resultCount>{blocks}</return>");
    map::trade_info(200, body.as_bytes(), "A-1").map_err(|(fault, _)| fault.to_string())
}

fn block(order_no: &str, status: &str, rest: &str) -> String {
    format!("<resultData>{rest}<statusInfo>{status}</statusInfo><orderNo>{order_no}</orderNo></resultData>")
}

#[test]
fn several_blocks_are_never_the_first() {
    let live = block("A-1", "30", "<slipNo>400123456784</slipNo><slipNo>4000-1234-5670</slipNo>");
    let gone = block("A-1", "40", "<extraSlipNo>９９,A-1</extraSlipNo>");
    let other = block("A-11", "4", "");

    let info = trade(&format!("{gone}{live}{other}")).unwrap();
    assert!(info.miscounted && !info.ambiguous);
    let observed = info.observed.unwrap();
    assert_eq!(observed.state, SettlementState::Registered);
    assert_eq!(observed.slips, ["99", "A-1", "400123456784", "400012345670"]);

    let info = trade(&format!("{gone}{gone}")).unwrap();
    assert_eq!(info.observed.unwrap().state, SettlementState::Canceled);
    for several in [format!("{live}{live}"), format!("{live}{gone}{}", block("A-1", "4", ""))] {
        let info = trade(&several).unwrap();
        assert!(info.ambiguous && info.observed.is_none());
    }
    for none in [other.as_str(), "", "<resultData/>"] {
        let info = trade(none).unwrap();
        assert!(!info.ambiguous && info.observed.is_none());
    }
    assert!(!trade(&live).unwrap().miscounted);
}

#[test]
fn statuses_and_odd_fields() {
    use SettlementState::{Authorized, Canceled, Refused, Registered, Reserved, Settled, Unknown};
    for (status, state) in [
        ("4", Authorized),
        ("04", Authorized),
        ("5", Reserved),
        ("11", Refused),
        ("14", Refused),
        ("15", Refused),
        ("18", Refused),
        ("20", Refused),
        ("30", Registered),
        ("31", Settled),
        ("40", Canceled),
        ("0", Unknown),
        ("3", Unknown),
        ("10", Unknown),
        ("16", Unknown),
        ("17", Unknown),
        ("21", Unknown),
        ("50", Unknown),
        ("四", Unknown),
        ("", Unknown),
    ] {
        let observed = trade(&block("A-1", status, "")).unwrap().observed.unwrap();
        assert_eq!((observed.state, observed.status.as_str()), (state, status));
    }
    let odd = "<settlePrice>12,800</settlePrice><crdCResDate>2025</crdCResDate><packingInfo>A-1、B-2 B-3</packingInfo>\
               <new>x</new><warningInfo>警告</warningInfo><statusInfo>4</statusInfo>";
    let observed = trade(&block("A-1", "30", odd)).unwrap().observed.unwrap();
    assert_eq!((observed.amount, observed.authorized_at), (None, None));
    assert_eq!(observed.consolidated_with, ["B-2", "B-3"]);
    assert_eq!((observed.status.as_str(), observed.state), ("4/30", Unknown), "two truths are none");
}

proptest! {
    #[test]
    fn no_bytes_panic_or_pass(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!matches!(map::answer(200, &bytes, noon()).0, Answer::Done));
        prop_assert!(map::trade_info(200, &bytes, "A-1").is_err());
    }

    #[test]
    fn done_needs_both(said in "[ 012\u{3000}]{0,3}", code in "[ \u{3000}]{0,2}([A-Z][0-9]{9})?") {
        let body = format!("<return><returnCode>{said}</returnCode><errorCode>{code}</errorCode></return>");
        let blank = |c: char| c == ' ' || c == '\u{3000}';
        let zero = matches!(said.trim_matches(blank), "0" | "00" | "000");
        let done = matches!(map::answer(200, body.as_bytes(), noon()).0, Answer::Done);
        prop_assert_eq!(done, zero && code.trim_matches(blank).is_empty());
    }

    #[test]
    fn broken_markup_never_panics(middle in "[<>/?!\\[\\]A-CDTa-c \"'=&;#x0-9\\-\u{3042}\\n]{0,60}") {
        let body = format!("<return><returnCode>1</returnCode>{middle}</return>");
        prop_assert!(!matches!(answer(&body), Answer::Done));
        let blocks = format!("<resultData>{middle}</resultData>");
        let _ = trade(&blocks);
    }
}
