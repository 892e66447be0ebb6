//! The calls themselves, over a socket: what leaves byte for byte, and what every way of losing an answer becomes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mallsync::clock::{Ambient, ManualClock, Timestamp};
use mallsync::domain::account::{Bucket, Level};
use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Answer, Intent};
use mallsync::domain::settlement::SettlementState;
use mallsync::http::vault::Fleeting;
use mallsync::http::{Call, Client, Closed, Fault, Gate, Priority, SendError};
use mallsync::settlement::webcollect::PROVIDER;
use mallsync::settlement::{Sent, Settlement};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::fixture;

/// A gateway that answers each connection with the next of its scripts, byte for byte, and closes.
pub(super) struct Gateway {
    base: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    pub(super) async fn start(scripts: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for script in scripts {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !complete(&request) {
                    let mut buffer = [0; 4096];
                    let n = socket.read(&mut buffer).await.unwrap();
                    assert!(n > 0, "the request ended early");
                    request.extend_from_slice(&buffer[..n]);
                }
                seen.lock().unwrap().push(String::from_utf8(request).unwrap());
                socket.write_all(&script).await.unwrap();
                socket.shutdown().await.unwrap();
            }
        });
        Self { base, requests }
    }

    pub(super) fn requests(&self) -> Vec<(String, String)> {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .map(|request| {
                let (head, body) = request.split_once("\r\n\r\n").unwrap();
                (head.to_owned(), body.to_owned())
            })
            .collect()
    }
}

fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    body.len() >= length.map_or(0, |n| n.parse().unwrap())
}

fn http(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/xml; charset=UTF-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

pub(super) fn ok(name: &str) -> Vec<u8> {
    http("200 OK", &fixture(name))
}

/// Lets everything through and remembers what was asked for.
#[derive(Default)]
struct Open(Mutex<Vec<Bucket>>);

#[async_trait]
impl Gate for Open {
    async fn admit(&self, bucket: &Bucket, _: Priority) -> Result<(), Closed> {
        self.0.lock().unwrap().push(bucket.clone());
        Ok(())
    }
    async fn pause(&self, _: &Bucket, _: Timestamp) {}

    fn pace(&self, _: &Bucket, _: Duration) {}
}

pub(super) struct Account {
    pub(super) settlement: Box<dyn Settlement>,
    client: Client,
    gate: Open,
    vault: Fleeting,
    pub(super) ambient: Ambient,
}

impl Account {
    fn new(section: &Value) -> Self {
        let Ok(built) = (PROVIDER.build)("main", section) else { panic!("{section} does not build") };
        let now = Timestamp::parse("2025-04-01T09:00:30+09:00").unwrap();
        Self {
            settlement: built.settlement,
            client: Client::new(&built.client).unwrap(),
            gate: Open::default(),
            vault: Fleeting::default(),
            ambient: Ambient::seeded(Arc::new(ManualClock::new(now)), 1),
        }
    }

    pub(super) fn at(gateway: &Gateway) -> Self {
        Self::with(gateway, json!({}))
    }

    /// With further keys, as far as they have a value.
    pub(super) fn with(gateway: &Gateway, mut section: Value) -> Self {
        let section = section.as_object_mut().unwrap();
        section.retain(|_, value| !value.is_null());
        section.insert("trader_code".to_owned(), json!("123456789"));
        section.insert("base_url".to_owned(), json!(format!("{}/webcollect/api", gateway.base)));
        Self::new(&Value::Object(section.clone()))
    }

    pub(super) fn call(&self) -> Call<'_> {
        Call {
            account: "main",
            client: &self.client,
            gate: &self.gate,
            priority: Priority::Live,
            vault: &self.vault,
            ambient: &self.ambient,
        }
    }

    pub(super) async fn send(&self, intent: &Intent) -> Result<Sent, SendError> {
        self.settlement.send(&self.call(), intent).await
    }
}

fn yamato() -> Intent {
    Intent::Capture {
        reception_number: "20250401000123".to_owned(),
        slip_number: "４００１-2345-6784".to_owned(),
        delivery_service_code: "00".to_owned(),
        amount: Yen(12_800),
    }
}

fn other_carrier() -> Intent {
    Intent::Capture {
        reception_number: "20250401000124".to_owned(),
        slip_number: "20250401000124".to_owned(),
        delivery_service_code: "99".to_owned(),
        amount: Yen(5_400),
    }
}

pub(super) fn sample(name: &str) -> String {
    String::from_utf8(fixture(name)).unwrap().trim_end().to_owned()
}

pub(super) fn has_header(head: &str, line: &str) -> bool {
    head.lines().any(|l| l.eq_ignore_ascii_case(line))
}

#[tokio::test]
async fn requests_are_the_contracts_byte_for_byte() {
    let gateway = Gateway::start(vec![
        ok("E01_shipmentEntry_yamato_ok.response.xml"),
        ok("E01_shipmentEntry_other_carrier_ok.response.xml"),
        ok("E04_tradeInfo_captured_yamato.response.xml"),
        ok("H01_traderIp_ok.response.xml"),
    ])
    .await;
    let account = Account::at(&gateway);
    for intent in [yamato(), other_carrier()] {
        account.settlement.check_locally(&intent, account.ambient.now()).unwrap();
        let sent = account.send(&intent).await.unwrap();
        assert_eq!((sent.answer, sent.halt, sent.http_status), (Answer::Done, None, Some(200)));
        assert!(sent.raw.ends_with(b"</return>\n"));
    }
    let looked = account.settlement.look_up(&account.call(), "20250401000123").await.unwrap();
    let observed = looked.observed.unwrap();
    assert_eq!((observed.state, observed.amount), (SettlementState::Registered, Some(Yen(12_800))));
    let health = account.settlement.check(&account.call(), None).await.unwrap();
    assert_eq!(health.findings.len(), 1, "{:?}", health.findings);
    assert!(health.findings[0].message.contains("192.0.2.10"));

    let wanted = [
        ("shipmentEntry", "E01_shipmentEntry_yamato.request.txt"),
        ("shipmentEntry", "E01_shipmentEntry_other_carrier.request.txt"),
        ("tradeInfo", "E04_tradeInfo.request.txt"),
        ("traderIp", "H01_traderIp.request.txt"),
    ];
    let requests = gateway.requests();
    assert_eq!(requests.len(), wanted.len());
    for ((head, body), (path, name)) in requests.iter().zip(wanted) {
        assert!(head.starts_with(&format!("POST /webcollect/api/{path} HTTP/1.1\r\n")), "{head}");
        assert!(has_header(head, "content-type: application/x-www-form-urlencoded; charset=UTF-8"), "{head}");
        for unwanted in ["authorization:", "cookie:"] {
            assert!(!head.to_lowercase().contains(unwanted), "{head}");
        }
        assert_eq!(*body, sample(name));
    }
    let buckets = account.gate.0.lock().unwrap();
    assert_eq!(buckets.len(), 4, "every call is paced");
    assert!(buckets.iter().all(|b| b.key == "webcollect/production/123456789" && b.burst == 1));
    assert_eq!(buckets[0].per.as_millis(), 200);
}

#[tokio::test]
async fn a_number_of_every_legal_character_arrives_whole() {
    let gateway = Gateway::start(vec![ok("E01_shipmentEntry_other_carrier_ok.response.xml")]).await;
    let mut account = Account::at(&gateway);
    account = Account {
        settlement: (PROVIDER.build)(
            "main",
            &json!({
                "trader_code": "123456789", "environment": "test",
                "base_url": format!("{}/test_gateway/", gateway.base),
                "common": { "amount_limit": 500_000, "max_per_second": 2 },
            }),
        )
        .unwrap_or_else(|problems| panic!("{problems:?}"))
        .settlement,
        client: Client::new(&mallsync::http::ClientSpec {
            base_url: format!("{}/test_gateway/", gateway.base),
            ..Default::default()
        })
        .unwrap(),
        ..account
    };
    let number = "AZ09#-*/<>:@";
    let intent = Intent::Capture {
        reception_number: number.to_owned(),
        slip_number: number.to_owned(),
        delivery_service_code: "99".to_owned(),
        amount: Yen(500_000),
    };
    account.settlement.check_locally(&intent, account.ambient.now()).unwrap();
    account.send(&intent).await.unwrap();
    let (head, body) = gateway.requests().remove(0);
    assert!(head.starts_with("POST /test_gateway/shipmentEntry.api HTTP/1.1\r\n"), "{head}");
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    assert!(fields.contains(&("order_no".to_owned(), number.to_owned())), "{body}");
    let bucket = account.settlement.bucket();
    assert_eq!((bucket.key.as_str(), bucket.per.as_millis()), ("webcollect/test/123456789", 500));
}

#[tokio::test]
async fn every_lost_answer_is_an_unknown_outcome() {
    let done = fixture("E01_shipmentEntry_yamato_ok.response.xml");
    let whole = http("200 OK", &done);
    let scripts: Vec<(&str, Vec<u8>)> = vec![
        ("closed before the answer", Vec::new()),
        ("cut in the head", whole[..20].to_vec()),
        ("cut in the body", whole[..whole.len() - 40].to_vec()),
        ("cut before the last byte", whole[..whole.len() - 1].to_vec()),
        ("an empty body", http("200 OK", b"")),
        ("a short body that claims to be whole", http("200 OK", &done[..done.len() - 12])),
        ("an HTML page", http("200 OK", b"<html><body>maintenance</body></html>")),
        ("a gateway's error", http("503 Service Unavailable", &done)),
        (
            "a refusal with another status",
            http("400 Bad Request", &fixture("E01_shipmentEntry_lock.response.xml")),
        ),
        ("a redirect", http("302 Found\r\nLocation: /elsewhere", b"")),
        ("not HTTP", b"hello\r\n\r\n".to_vec()),
    ];
    let cases: Vec<&str> = scripts.iter().map(|(case, _)| *case).collect();
    let gateway = Gateway::start(scripts.into_iter().map(|(_, script)| script).collect()).await;
    let account = Account::at(&gateway);
    for case in &cases {
        let sent = account.send(&yamato()).await.unwrap_or_else(|e| panic!("{case}: {e}"));
        assert!(matches!(sent.answer, Answer::Unknown { .. }), "{case}: {:?}", sent.answer);
        assert_eq!(sent.halt, None, "{case}");
    }
    assert_eq!(gateway.requests().len(), cases.len(), "nothing was sent twice");
}

#[tokio::test]
async fn only_a_failed_connect_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let account = Account::new(&json!({ "trader_code": "1", "base_url": base }));
    assert!(matches!(account.send(&yamato()).await, Err(SendError::NotSent(_))));
    let failed = account.settlement.look_up(&account.call(), "A-1").await.unwrap_err();
    assert!(matches!(failed.fault, Fault::Transient(_)), "{:?}", failed.fault);
}

#[tokio::test]
async fn look_ups_that_fail_say_what_to_do() {
    let scripts = vec![
        ok("common_ip.response.xml"),
        ok("common_maintenance.response.xml"),
        ok("common_too_many.response.xml"),
        ok("common_timeout.response.xml"),
        ok("E04_tradeInfo_bad_order_no.response.xml"),
        http("200 OK", b"<!DOCTYPE html><html></html>"),
        http("404 Not Found", b"nothing here"),
        http("200 OK", b"<return><returnCode>0</returnCode>"),
    ];
    let kinds =
        ["auth", "maintenance", "throttled", "transient", "rejected", "maintenance", "rejected", "malformed"];
    let gateway = Gateway::start(scripts).await;
    let account = Account::at(&gateway);
    for (n, kind) in kinds.into_iter().enumerate() {
        let failed = account.settlement.look_up(&account.call(), "20250401000123").await.unwrap_err();
        assert_eq!(failed.fault.kind(), kind, "{:?}", failed.fault);
        assert_eq!(failed.stop.map(|stop| stop.code), (n == 0).then(|| "Z012000009".to_owned()));
        assert!(!failed.raw.is_empty());
    }
}

#[tokio::test]
async fn check_tells_what_a_shop_can_mend() {
    let scripts = vec![
        ok("H01_traderIp_ok.response.xml"),
        ok("E04_tradeInfo_authorised.response.xml"),
        ok("H01_traderIp_ok.response.xml"),
        ok("common_ip.response.xml"),
        ok("common_trader.response.xml"),
        ok("common_trader.response.xml"),
        ok("H01_traderIp_ok.response.xml"),
        ok("common_no_contract.response.xml"),
        ok("common_maintenance.response.xml"),
        ok("common_trader.response.xml"),
        http("503 Service Unavailable", b""),
        ok("E04_tradeInfo_authorised.response.xml"),
        ok("common_trader.response.xml"),
        ok("E04_tradeInfo_authorised.response.xml"),
    ];
    let gateway = Gateway::start(scripts).await;
    let account = Account::at(&gateway);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let health = account.settlement.check(&account.call(), Some("20250401000123")).await.unwrap();
        for finding in &health.findings {
            assert_eq!(finding.action.is_some(), finding.level != Level::Ok, "{finding:?}");
        }
        let codes: Vec<String> = health.findings.into_iter().map(|finding| finding.code).collect();
        seen.push(codes.join(" "));
    }
    assert_eq!(
        seen,
        [
            // That sample was answered an hour after this test's now.
            "address_seen signed_in clock_skew",
            "address_seen address_not_registered",
            "trader_refused",
            "address_seen contract_missing",
        ]
    );
    let fault = account.settlement.check(&account.call(), None).await.unwrap_err();
    assert_eq!(fault.kind(), "maintenance");
    let health = account.settlement.check(&account.call(), None).await.unwrap();
    assert_eq!(
        (health.findings[0].code.as_str(), health.findings[0].level),
        ("trader_refused", Level::Error)
    );
    // H01's own host may rest or refuse; the contract's host decides.
    for _ in 0..2 {
        let health = account.settlement.check(&account.call(), Some("20250401000123")).await.unwrap();
        assert_eq!(health.findings[0].code, "address_unknown");
        assert_eq!(health.findings[1].code, "signed_in");
        assert!(health.findings.iter().all(|finding| finding.level != Level::Error));
    }
}
