//! Every other function that changes something: its request byte for byte, its answers, and what the error rows of §4.3,
//! §4.5 become.

use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Answer, Intent};
use mallsync::domain::settlement::SettlementState;
use mallsync::settlement::webcollect::codes::{Class, code_table};
use mallsync::settlement::webcollect::form::{self, Call};
use mallsync::settlement::webcollect::map;
use mallsync::settlement::{Function, Halt};

use super::calls::{Account, Gateway, has_header, ok, sample};
use super::noon;

fn number(tail: &str) -> String {
    format!("202504010001{tail}")
}

pub(super) fn undo() -> Intent {
    Intent::Undo {
        reception_number: number("23"),
        slip_number: "4001-2345-6784".to_owned(),
        delivery_service_code: "00".to_owned(),
        amount: Yen(12_800),
    }
}

fn undo_of_another_carrier() -> Intent {
    Intent::Undo {
        reception_number: number("24"),
        slip_number: number("24"),
        delivery_service_code: "99".to_owned(),
        amount: Yen(5_400),
    }
}

pub(super) fn cancel() -> Intent {
    Intent::Cancel {
        reception_number: number("25"),
        amount: Yen(9_800),
        authorized_on: "2025-04-01".parse().ok(),
        state: SettlementState::Authorized,
    }
}

pub(super) fn change_amount() -> Intent {
    Intent::ChangeAmount {
        reception_number: number("23"),
        from: Yen(12_800),
        to: Yen(11_300),
        authorized_on: "2025-04-01".parse().ok(),
        state: SettlementState::Authorized,
    }
}

pub(super) fn reauth() -> Intent {
    Intent::Reauth {
        reception_number: number("23"),
        amount: Yen(12_800),
        authorized_at: Timestamp::parse("2025-04-01T09:30:11+09:00").unwrap(),
        approval: Some("000123456".to_owned()),
    }
}

pub(super) fn change_date() -> Intent {
    Intent::ChangeDate {
        reception_number: number("30"),
        from: "2025-05-20".parse().ok(),
        to: "2025-06-20".parse().unwrap(),
    }
}

#[tokio::test]
async fn changes_are_the_contracts_byte_for_byte() {
    let table = [
        (undo(), "shipmentCancel", "E02_shipmentCancel"),
        (cancel(), "creditCancel", "A06_creditCancel"),
        (change_amount(), "creditChangePrice", "A07_creditChangePrice"),
        (reauth(), "reAuth", "A11_reAuth"),
        (change_date(), "changeDate", "E03_changeDate"),
    ];
    let scripts = table.iter().map(|(_, _, name)| ok(&format!("{name}_ok.response.xml"))).collect();
    let gateway = Gateway::start(scripts).await;
    let account = Account::at(&gateway);
    for (intent, _, _) in &table {
        account.settlement.check_locally(intent, account.ambient.now()).unwrap();
        assert!(account.settlement.can().contains(&Function::of(intent)));
        let sent = account.send(intent).await.unwrap();
        assert_eq!((sent.answer, sent.halt, sent.http_status), (Answer::Done, None, Some(200)));
    }
    for ((head, body), (_, path, name)) in gateway.requests().iter().zip(&table) {
        assert!(head.starts_with(&format!("POST /webcollect/api/{path} HTTP/1.1\r\n")), "{head}");
        assert!(has_header(head, "content-type: application/x-www-form-urlencoded; charset=UTF-8"), "{head}");
        assert_eq!(*body, sample(&format!("{name}.request.txt")));
    }
    assert_eq!(gateway.requests().len(), table.len(), "each once");
}

/// E02 carries the very value that was registered, and no delivery service code (§2.5, §2.6).
#[test]
fn a_slip_of_another_carrier_goes_back_as_it_came() {
    let fold = |slip: &str, _: &str| slip.to_owned();
    let (call, form) = form::change("123456789", &undo_of_another_carrier(), fold);
    assert_eq!(call, Call::ShipmentCancel);
    let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let no = "20250401000124";
    assert_eq!(
        fields,
        [("function_div", "E02"), ("trader_code", "123456789"), ("order_no", no), ("slip_no", no)]
    );
}

fn refused(code: &str, credit: &str) -> Answer {
    let body = format!(
        "<return><returnCode>1</returnCode><errorCode>{code}</errorCode><creditErrorCode>{credit}</creditErrorCode></return>"
    );
    map::answer(200, body.as_bytes(), noon()).0
}

/// Every row of §4.2–4.5, whatever function it belongs to, becomes what its class says (§4.1).
#[test]
fn every_error_row_is_acted_on_by_its_class() {
    for row in code_table() {
        let code = row.code;
        let body = format!("<return><returnCode>1</returnCode><errorCode>{code}</errorCode></return>");
        let (answer, halt) = map::answer(200, body.as_bytes(), noon());
        let fits = match (row.class, &answer) {
            (Class::Retry, Answer::Retry { .. })
            | (Class::Window, Answer::Later { .. })
            | (Class::Bug, Answer::Refused { .. }) => true,
            (Class::Conf, Answer::Later { .. }) => match &halt {
                Some(Halt::Account(stop)) => stop.code == code && code.starts_with("Z01"),
                Some(Halt::Function(stop)) => stop.code == code && !code.starts_with("Z01"),
                None => false,
            },
            (Class::Verify, Answer::Unknown { .. }) => code.starts_with("Z01"),
            (Class::Verify, Answer::Verify { .. }) => !code.starts_with("Z01"),
            (Class::Decline | Class::Person, Answer::Person { reason, .. }) => {
                reason.contains(code) && reason.contains(row.japanese) && reason.contains(row.action())
            }
            _ => false,
        };
        assert!(fits, "{code} {}: {answer:?}", row.class.as_str());
        assert_eq!(halt.is_some(), row.class == Class::Conf, "{code}");
    }
}

/// §5.4: A07 is two steps that fail separately, and both are for people who must call somebody.
#[test]
fn half_a_change_of_amount_is_told_with_whom_to_call() {
    for (code, credit, words) in [
        ("A077000001", "C50", ["blocked twice", "Yamato's support", "お問い合わせ番号", "C50", "timeout"]),
        (
            "A076000001",
            "G54",
            ["old authorisation", "Yamato's support", "お問い合わせ番号", "G54", "another card"],
        ),
    ] {
        let Answer::Person { reason, code: kept } = refused(code, credit) else { panic!("{code}") };
        assert_eq!(kept, code);
        for word in words {
            assert!(reason.contains(word), "{word}: {reason}");
        }
        assert!(!reason.contains("try again"), "{reason}");
    }
    let Answer::Person { reason, .. } = refused("A112000004", "G83") else { panic!("A112000004") };
    assert!(reason.contains("有効期限誤り") && reason.contains("another card"), "{reason}");
}

/// A contract without one function keeps the others going, and nobody asks order by order (§4.1).
#[test]
fn a_function_that_is_not_contracted_stops_nothing_else() {
    for (code, word) in [
        ("A072000001", "on_amount_change"),
        ("A112000001", "reauthorize"),
        ("E011010251", "出荷情報登録"),
        ("E021010251", "出荷情報取消"),
        ("E032000001", "オプションサービス"),
    ] {
        let body = format!("<return><returnCode>1</returnCode><errorCode>{code}</errorCode></return>");
        let (answer, halt) = map::answer(200, body.as_bytes(), noon());
        assert!(matches!(answer, Answer::Later { .. }), "{code}: {answer:?}");
        let Some(Halt::Function(stop)) = halt else { panic!("{code}: {halt:?}") };
        assert!(stop.code == code && stop.reason.contains(word), "{stop:?}");
    }
}
