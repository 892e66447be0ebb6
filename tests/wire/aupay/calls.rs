//! Calls against a scripted server: paging, the second key, pages that cannot be read, pauses, `check`.

use std::time::Duration;

use mallsync::clock::ManualClock;
use mallsync::domain::account::Level;
use mallsync::domain::ids::OrderRef;
use mallsync::domain::order::Status;
use mallsync::http::{Call, ClientSpec, Fault};
use mallsync::malls::aupay::AuPay;
use mallsync::malls::aupay::auth::{Credentials, Key};
use mallsync::malls::aupay::map::Statuses;
use mallsync::malls::{Cursor, Mall, Page, Scope, Stream};
use mallsync::secret::Secret;
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::{now, sample, with};
use crate::rig::Rig;

const LIST: &str = "/wmshopapi/searchTradeInfoListProc";
const NUMBERS: &str = "/wmshopapi/searchTradeNoListProc";
const ONE: &str = "/wmshopapi/searchTradeInfoProc";
const PICTURES: &str = "/wmshopapi/searchImgCapacity";
const FIRST: &str = "Bearer k1";
const SECOND: &str = "Bearer k2";

struct Bench {
    server: MockServer,
    mall: AuPay,
    rig: Rig,
}

fn keys(issued: [Option<&str>; 2]) -> Vec<Key> {
    let names = [("api_key", "k1"), ("api_key_next", "k2")];
    let keys = names.into_iter().zip(issued).map(|((name, secret), day)| Key {
        name,
        secret: Secret::new(secret),
        issued_on: day.and_then(|day| day.parse().ok()),
    });
    keys.collect()
}

impl Bench {
    async fn new() -> Self {
        Self::with(Statuses::new(), [Some("2026-07-01"), None]).await
    }

    async fn with(statuses: Statuses, issued: [Option<&str>; 2]) -> Self {
        let server = MockServer::start().await;
        let spec = ClientSpec { base_url: format!("{}/wmshopapi/", server.uri()), ..ClientSpec::default() };
        let mall = AuPay::new(Credentials::new("12345678", keys(issued)), statuses);
        Self { server, mall, rig: Rig::new(&spec, ManualClock::new(now())) }
    }

    fn call(&self) -> Call<'_> {
        self.rig.call()
    }

    async fn answer(&self, at: &str, key: &str, status: u16, body: &str) {
        let body = ResponseTemplate::new(status).set_body_raw(body, "application/xml;charset=UTF-8");
        Mock::given(path(at)).and(header("authorization", key)).respond_with(body).mount(&self.server).await;
    }

    async fn refuse(&self, at: &str, key: &str) {
        self.answer(at, key, 401, &sample("error_auth_response.xml")).await;
    }

    async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.unwrap()
    }

    async fn sent(&self) -> usize {
        self.requests().await.len()
    }

    async fn page(&self, stream: Stream, cursor: Option<&Cursor>) -> Result<Page, Fault> {
        self.mall.changes(&self.call(), stream, cursor, &scope()).await
    }

    /// A whole pass, with single reads of what it names: order numbers, and those set aside.
    async fn pass(&self, stream: Stream) -> (Vec<String>, Vec<String>) {
        let (mut cursor, mut read, mut bad) = (None, Vec::new(), Vec::new());
        loop {
            let page = self.page(stream, cursor.as_ref()).await.unwrap();
            read.extend(page.orders.into_iter().map(|f| f.order.mall_order_id));
            bad.extend(page.bad.into_iter().map(|b| b.mall_order_id));
            for number in page.refs {
                match self.mall.details(&self.call(), std::slice::from_ref(&number)).await {
                    Ok(details) => {
                        assert!(details.missing.is_empty());
                        read.extend(details.orders.into_iter().map(|f| f.order.mall_order_id));
                    }
                    // What the engine sets aside.
                    Err(Fault::Malformed(_)) => bad.push(number.mall_order_id),
                    Err(fault) => panic!("{fault}"),
                }
            }
            cursor = Some(page.next);
            if !page.more {
                return (read, bad);
            }
        }
    }
}

pub fn scope() -> Scope {
    Scope { initial_lookback: Duration::from_secs(7 * 86_400) }
}

fn one() -> Vec<OrderRef> {
    vec![OrderRef::new("352900102")]
}

/// A shop's orders, listed as the contract says: positions from 1, at most `most` a call, a broken document where one of
/// the `broken` is in it.
struct Shop {
    numbers: Vec<u32>,
    broken: Vec<u32>,
    grand_total: bool,
}

impl Shop {
    fn of(numbers: std::ops::Range<u32>) -> Self {
        Self { numbers: numbers.collect(), broken: Vec::new(), grand_total: false }
    }

    async fn mount(self, bench: &Bench) {
        Mock::given(method("GET")).respond_with(self).mount(&bench.server).await;
    }
}

impl Respond for Shop {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let value =
            |name: &str| request.url.query_pairs().find(|(k, _)| k == name).map(|(_, v)| v.into_owned());
        let number = |name: &str| value(name).and_then(|v| v.parse::<u32>().ok());
        let shown: Vec<u32> = match (number("orderId"), number("startCount"), number("totalCount")) {
            (Some(id), ..) => vec![id],
            (_, Some(start), Some(count)) => {
                self.numbers.iter().skip(start as usize - 1).take(count as usize).copied().collect()
            }
            _ => Vec::new(),
        };
        let cod = sample("order_cod_response.xml");
        let order = &cod[cod.find("<orderInfo>").unwrap()..cod.find("</response>").unwrap()];
        let full = !request.url.path().ends_with("searchTradeNoListProc");
        let orders: String = shown
            .iter()
            .map(|n| match full {
                true if self.broken.contains(n) => {
                    with(order, &[("orderId", &n.to_string())]).replace("花子", "花&子")
                }
                true => with(order, &[("orderId", &n.to_string())]),
                false => format!("<orderInfo><orderId>{n}</orderId></orderInfo>"),
            })
            .collect();
        let count = if self.grand_total { self.numbers.len() } else { shown.len() };
        let body = format!(
            "<response><result><status>0</status></result><resultCount>{count}</resultCount>{orders}</response>"
        );
        ResponseTemplate::new(200).set_body_raw(body, "application/xml;charset=UTF-8")
    }
}

#[tokio::test]
async fn a_call_is_that_of_the_contract() {
    let bench = Bench::new().await;
    bench.answer(LIST, FIRST, 200, &sample("list_empty_response.xml")).await;
    let page = bench.page(Stream::New, None).await.unwrap();
    assert!(!page.more && page.orders.is_empty());
    let request = &bench.requests().await[0];
    let wanted = "shopId=12345678&totalCount=200&startCount=1&startDate=20260909&endDate=20260916&dateType=0";
    assert_eq!((request.url.path(), request.url.query()), (LIST, Some(wanted)));
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    let admitted = bench.rig.gate.admitted.lock().unwrap().clone();
    assert!(admitted[0].starts_with("aupay/") && !admitted[0].contains("12345678"), "{admitted:?}");
}

#[tokio::test]
async fn parts_follow_each_other_and_overlap() {
    for grand_total in [false, true] {
        let bench = Bench::new().await;
        Shop { grand_total, ..Shop::of(1..451) }.mount(&bench).await;
        let (mut read, bad) = bench.pass(Stream::New).await;
        assert_eq!((read.len(), bad.len()), (470, 0), "two overlaps of ten");
        read.sort_unstable();
        read.dedup();
        assert_eq!(read.len(), 450);
        let requests = bench.requests().await;
        let starts: Vec<_> = requests
            .iter()
            .map(|r| r.url.query_pairs().find(|(k, _)| k == "startCount").unwrap().1.into_owned())
            .collect();
        assert_eq!(starts, ["1", "191", "381"]);
    }
}

#[tokio::test]
async fn an_order_that_spoils_its_page_is_set_aside_alone() {
    let bench = Bench::new().await;
    Shop { broken: vec![77, 301], ..Shop::of(1..401) }.mount(&bench).await;
    let (mut read, mut bad) = bench.pass(Stream::New).await;
    read.sort_unstable();
    read.dedup();
    bad.sort_unstable();
    bad.dedup();
    assert_eq!((read.len(), bad), (398, vec!["301".to_owned(), "77".to_owned()]));
    assert!(bench.sent().await < 60, "{}", bench.sent().await);
}

#[tokio::test]
async fn a_service_that_sends_nothing_readable_sets_nothing_aside() {
    let bench = Bench::new().await;
    bench.answer(LIST, FIRST, 200, "<response><a>&x;</a></response>").await;
    bench.answer(NUMBERS, FIRST, 200, "<response><a>&x;</a></response>").await;
    let mut cursor = None;
    let fault = loop {
        match bench.page(Stream::New, cursor.as_ref()).await {
            Ok(page) => {
                assert!(page.more && page.orders.is_empty() && page.bad.is_empty() && page.refs.is_empty());
                cursor = Some(page.next);
            }
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault.kind(), "malformed");
    assert_eq!(bench.sent().await, 8);
}

#[tokio::test]
async fn single_reads_tell_missing_bad_and_refused_apart() {
    let bench = Bench::new().await;
    bench.answer(ONE, FIRST, 200, &sample("order_cod_response.xml")).await;
    let read = bench.mall.details(&bench.call(), &one()).await.unwrap();
    assert_eq!((read.orders.len(), read.orders[0].read_at), (1, now()));
    let query = bench.requests().await[0].url.query().unwrap().to_owned();
    assert_eq!(query, "shopId=12345678&orderId=352900102");
    // The mall answers about another order: ours is missing.
    let other = [OrderRef::new("1")];
    let read = bench.mall.details(&bench.call(), &other).await.unwrap();
    assert_eq!((read.orders.len(), read.missing.len()), (0, 1));

    let bench = Bench::new().await;
    bench.answer(ONE, FIRST, 200, &sample("list_empty_response.xml")).await;
    assert_eq!(bench.mall.details(&bench.call(), &one()).await.unwrap().missing, one());

    let bench = Bench::new().await;
    bench.answer(ONE, FIRST, 200, &sample("error_missing_orderid_response.xml")).await;
    let read = bench.mall.details(&bench.call(), &one()).await.unwrap();
    assert_eq!(read.bad[0].reason, "searchTradeInfoProc refused it (CME9001): [orderId]必須入力項目です");

    let bench = Bench::new().await;
    let bad = with(&sample("order_cod_response.xml"), &[("unit", "x")]);
    bench.answer(ONE, FIRST, 200, &bad).await;
    let read = bench.mall.details(&bench.call(), &one()).await.unwrap();
    assert_eq!((read.bad.len(), read.missing.len()), (1, 0), "a bad order is not a missing one");
}

#[tokio::test]
async fn late_passes_ask_for_open_orders_of_any_age_and_drop_old_closed_ones() {
    let statuses =
        Statuses::from([("取寄せ".to_owned(), Status::OnHold), ("廃棄".to_owned(), Status::Canceled)]);
    let bench = Bench::with(statuses, [None, None]).await;
    // A status that the shop removed: the list by it is refused, the others go on.
    Mock::given(query_param("orderStatus", "取寄せ"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(
            sample("error_missing_orderid_response.xml").replace("orderId", "orderStatus"),
            "application/xml",
        ))
        .mount(&bench.server)
        .await;
    let old = [("orderDate", "2026/01/05 10:00"), ("orderStatus", "完了"), ("orderId", "1")];
    let closed = with(&sample("order_cod_response.xml"), &old);
    let open = with(&closed, &[("orderStatus", "発送待ち"), ("orderId", "2")]);
    for (kind, body) in [("4", &closed), ("2", &open)] {
        Mock::given(query_param("dateType", kind))
            .respond_with(ResponseTemplate::new(200).set_body_raw(body.as_str(), "application/xml"))
            .mount(&bench.server)
            .await;
    }
    Mock::given(query_param("dateType", "0"))
        .and(query_param_is_missing("never"))
        .respond_with(
            ResponseTemplate::new(200).set_body_raw(sample("list_empty_response.xml"), "application/xml"),
        )
        .mount(&bench.server)
        .await;
    let (read, bad) = bench.pass(Stream::Late).await;
    assert_eq!((read, bad.len()), (vec!["2".to_owned()], 0));
    let requests = bench.requests().await;
    let asked: Vec<_> = requests
        .iter()
        .filter_map(|r| r.url.query_pairs().find(|(k, _)| k == "orderStatus").map(|(_, v)| v.into_owned()))
        .collect();
    assert_eq!(asked.len(), 13, "twelve open states of the mall's and one of the shop's: {asked:?}");
    assert!(asked.contains(&"取寄せ".to_owned()) && !asked.contains(&"完了".to_owned()));
}

#[tokio::test]
async fn the_second_key_is_tried_once_and_then_preferred() {
    let bench = Bench::new().await;
    bench.refuse(ONE, FIRST).await;
    bench.answer(ONE, SECOND, 200, &sample("order_cod_response.xml")).await;
    assert_eq!(bench.mall.details(&bench.call(), &one()).await.unwrap().orders.len(), 1);
    assert_eq!(bench.sent().await, 2);
    bench.mall.details(&bench.call(), &one()).await.unwrap();
    assert_eq!(bench.sent().await, 3, "the key that works is asked first");
}

#[tokio::test]
async fn a_refusal_is_told_in_words_to_act_on() {
    let bench = Bench::new().await;
    for key in [FIRST, SECOND] {
        bench.refuse(LIST, key).await;
    }
    let Err(Fault::Auth { code, message }) = bench.page(Stream::New, None).await else { panic!() };
    assert_eq!(code, "0002");
    assert!(message.contains("API利用申請") && message.contains("all keys refused: 0002, 0002"), "{message}");
    assert!(!message.contains("ended on"), "{message}");
    // The same after the day on which the key ends.
    bench.rig.clock.advance(Duration::from_secs(60 * 86_400));
    let Err(Fault::Auth { message, .. }) = bench.page(Stream::New, None).await else { panic!() };
    assert!(message.starts_with("api_key ended on 2026-09-29; "), "{message}");

    let bench = Bench::new().await;
    for key in [FIRST, SECOND] {
        bench.answer(LIST, key, 200, &sample("error_shopid_response.xml")).await;
    }
    let Err(Fault::Auth { code, message }) = bench.page(Stream::New, None).await else { panic!() };
    assert_eq!(code, "CME0022");
    assert!(message.starts_with("shop_id is not the 会員番号"), "{message}");
}

#[tokio::test]
async fn a_pause_that_the_server_asks_for_reaches_the_gate() {
    let bench = Bench::new().await;
    let busy = ResponseTemplate::new(429);
    Mock::given(path(LIST)).respond_with(busy).mount(&bench.server).await;
    let fault = bench.page(Stream::New, None).await.unwrap_err();
    assert_eq!(fault, Fault::Throttled { until: None });
    assert_eq!(*bench.rig.gate.paused.lock().unwrap(), [now() + Duration::from_secs(2)]);
    assert_eq!(bench.sent().await, 1, "a throttled call is not tried with another key");
}

fn found(health: &mallsync::domain::account::Health) -> Vec<(&str, Level)> {
    // The scripted server's clock is the machine's, the test's is not.
    let findings = health.findings.iter().filter(|f| f.code != "clock_skew");
    findings.map(|f| (f.code.as_str(), f.level)).collect()
}

#[tokio::test]
async fn check_makes_one_call_when_all_is_well() {
    let bench = Bench::with(Statuses::new(), [Some("2026-06-25"), Some("2026-09-10")]).await;
    bench.answer(LIST, FIRST, 200, &sample("list_empty_response.xml")).await;
    let health = bench.mall.check(&bench.call(), None).await.unwrap();
    let wanted = [("signed_in", Level::Ok), ("key_expiry", Level::Warning), ("key_expiry", Level::Ok)];
    assert_eq!(found(&health), wanted);
    assert_eq!(health.expiries[0].at.to_string(), "2026-09-23T00:00:00+09:00");
    assert!(health.findings.iter().any(|f| f.code == "clock_skew"));
    let requests = bench.requests().await;
    assert_eq!(requests.len(), 1);
    assert!(requests[0].url.query().unwrap().contains("totalCount=1&"));
    assert_eq!(bench.mall.expiries(&bench.call()).await.unwrap(), health.expiries);
    assert_eq!(bench.sent().await, 1, "the ends of keys cost no call");
}

#[tokio::test]
async fn check_names_each_fault_in_three_calls_at_most() {
    // The key works, for anything but orders.
    let bench = Bench::new().await;
    for key in [FIRST, SECOND] {
        bench.refuse(LIST, key).await;
        bench.answer(PICTURES, key, 200, &sample("update_ok_response.xml")).await;
    }
    let health = bench.mall.check(&bench.call(), None).await.unwrap();
    let missing = &health.findings[0];
    assert_eq!((missing.code.as_str(), missing.level), ("permission_missing", Level::Error));
    assert!(missing.action.as_ref().unwrap().contains("API利用申請"));
    assert_eq!(bench.sent().await, 3);

    // No key opens anything.
    let bench = Bench::new().await;
    for (at, key) in [(LIST, FIRST), (LIST, SECOND), (PICTURES, FIRST), (PICTURES, SECOND)] {
        bench.refuse(at, key).await;
    }
    let health = bench.mall.check(&bench.call(), None).await.unwrap();
    assert_eq!((health.findings[0].code.as_str(), health.findings[0].level), ("signed_in", Level::Error));
    assert!(health.findings[0].action.as_ref().unwrap().contains("接続元IPアドレス"));
    assert_eq!(bench.sent().await, 3);
    bench.rig.clock.advance(Duration::from_secs(60 * 86_400));
    let health = bench.mall.check(&bench.call(), None).await.unwrap();
    assert!(health.findings[0].message.contains("api_key ended on 2026-09-29"), "{:?}", health.findings);
    assert_eq!(health.expiries.len(), 1, "told even when nothing answers");

    // Another shop's number.
    let bench = Bench::new().await;
    for key in [FIRST, SECOND] {
        bench.answer(LIST, key, 200, &sample("error_shopid_response.xml")).await;
    }
    let health = bench.mall.check(&bench.call(), None).await.unwrap();
    assert_eq!((health.findings[0].code.as_str(), health.findings[0].level), ("shop_id", Level::Error));

    // Turned away before the service itself.
    let bench = Bench::new().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(403)).mount(&bench.server).await;
    let health = bench.mall.check(&bench.call(), None).await.unwrap();
    assert_eq!(health.findings[0].code, "address_not_registered");
    assert_eq!(bench.sent().await, 3);

    // Gateway trouble; the end of the second key is not known.
    let bench = Bench::new().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(502)).mount(&bench.server).await;
    let health = bench.mall.check(&bench.call(), None).await.unwrap();
    let wanted =
        [("transient", Level::Error), ("key_expiry", Level::Warning), ("issue_date_missing", Level::Warning)];
    assert_eq!(found(&health), wanted);
}
