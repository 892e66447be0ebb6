//! au-pay-market.md §5, §13.4 to §13.6: shipment data, status, cancel, and what reads and books say of them.

use std::time::Duration;

use mallsync::sim::{AUPAY_SHOP, Fact, Fault, Omitted, Shipments, WriteBook, WriteEffect};

use super::xml::Node;
use super::{LIST, NUMBERS, ONE, SHOP_ID, errors, read, shop, start, text_fixture};
use crate::client::{DAY, Reply, Sim, header, request, start_time};

const INFO: &str = "updateTradeInfoProc";
const STATUS: &str = "updateTradeStsProc";
const CANCEL: &str = "cancelTradeProc";
const HOUR: Duration = Duration::from_hours(1);

/// A world in which calls alone report shipments.
async fn manned_by_calls() -> Sim {
    let sim = start().await;
    sim.world.switch(|s| s.aupay.staff_ships = false);
    sim
}

fn seek(sim: &Sim, fits: impl Fn(&Fact) -> bool) -> String {
    for _ in 0..400 {
        if let Some(fact) = sim.world.truth(AUPAY_SHOP).find(|fact| fits(fact)) {
            return fact.order_number;
        }
        sim.clock.advance(HOUR);
    }
    panic!("no such order ever");
}

fn in_status(status: &str) -> impl Fn(&Fact) -> bool {
    move |fact| fact.status == status && !fact.canceled
}

fn headers(sim: &Sim) -> [(&'static str, String); 2] {
    let bearer = format!("Bearer {}", shop(sim).api_key());
    [("Authorization", bearer), ("Content-Type", "application/xml; charset=utf-8".to_owned())]
}

async fn post(sim: &Sim, function: &str, body: &str) -> Reply {
    let headers = headers(sim);
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    sim.send("POST", &format!("/aupay/wmshopapi/{function}"), &headers, body).await
}

/// A request with these elements after `shopId`.
fn document(elements: &[(&str, &str)]) -> String {
    let mut text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<request>\n  <shopId>{SHOP_ID}</shopId>\n");
    for (name, value) in elements {
        text.push_str(&format!("  <{name}>{value}</{name}>\n"));
    }
    text + "</request>\n"
}

fn info(number: &str, slip: &str) -> String {
    document(&[
        ("orderId", number),
        ("shippingDate", "2026/04/22"),
        ("shippingCarrier", "1"),
        ("shippingNumber", slip),
    ])
}

fn status(number: &str, name: &str) -> String {
    document(&[("orderId", number), ("orderStatus", name)])
}

async fn well(sim: &Sim, function: &str, body: &str) {
    let reply = post(sim, function, body).await;
    assert_eq!((reply.status, reply.text()), (200, text_fixture("update_ok_response.xml")), "{body}");
}

async fn refused(sim: &Sim, function: &str, body: &str) -> Vec<String> {
    let reply = post(sim, function, body).await;
    assert_eq!(reply.status, 200, "{body}");
    errors(&reply).into_iter().map(|(code, _)| code).collect()
}

async fn order(sim: &Sim, number: &str) -> Node {
    let root = read(sim, ONE, &format!("&orderId={number}")).await;
    root.child("orderInfo").unwrap().clone()
}

fn book(sim: &Sim, number: &str) -> WriteBook {
    sim.world.write_book(number).unwrap()
}

fn shown(sim: &Sim, number: &str) -> Shipments {
    sim.world.shipments(AUPAY_SHOP, number).unwrap()
}

/// The sample's request about another order.
fn sample(name: &str, number: &str) -> String {
    let text = text_fixture(name).replace("12345678", SHOP_ID);
    text.replace("352900101", number).replace("352900105", number)
}

#[tokio::test]
async fn the_samples_report_a_shipment_in_two_steps() {
    let sim = manned_by_calls().await;
    let number = seek(&sim, |f| in_status("発送待ち")(f) && f.payment == "クレジットカード決済");
    let info = sample("update_info_request.xml", &number);
    well(&sim, INFO, &info).await;
    let labeled = order(&sim, &number).await;
    let fields = ["shippingDate", "shippingCarrier", "shippingNumber"].map(|name| labeled.at(name));
    assert_eq!(fields, ["2026/09/16", "1", "000000000023"]);
    assert_eq!(
        ["orderStatus", "shipStatus"].map(|n| labeled.at(n)),
        ["発送待ち", "N"],
        "step 1 finishes nothing"
    );
    let done = sample("update_status_request.xml", &number);
    well(&sim, STATUS, &done).await;
    let finished = order(&sim, &number).await;
    let now = sim.world.now().jst().format("%Y/%m/%d %H:%M").to_string();
    let fields =
        ["orderStatus", "shipStatus", "shipDate", "paymentStatus", "paymentDate"].map(|n| finished.at(n));
    assert_eq!(fields, ["完了", "Y", &now, "Y", &now]);
    let day = sim.world.now().jst().format("%Y%m%d").to_string();
    let window = format!("&totalCount=1000&startDate={day}&endDate={day}&dateType=1");
    let list = read(&sim, NUMBERS, &window).await;
    assert!(list.all("orderInfo").flat_map(|o| o.all("orderId")).any(|n| n.text == number));

    // Both repeated: harmless, and counted.
    well(&sim, INFO, &info).await;
    well(&sim, STATUS, &done).await;
    let sums = book(&sim, &number);
    assert_eq!(
        (sums.shipments, sums.captures, sums.effective, sums.repeated, sums.forbidden),
        (1, 1, 2, 2, 0)
    );
    let parcel = &sums.parcels["1"];
    assert_eq!((parcel.effective, parcel.repeated, parcel.number.as_str()), (1, 1, "000000000023"));
    sim.world.switch(|s| s.aupay.repeated_status_refused = true);
    assert_eq!(refused(&sim, STATUS, &done).await, ["CME9006"]);
    // A corrected number.
    well(&sim, INFO, &self::info(&number, "400000000012")).await;
    assert_eq!(shown(&sim, &number).parcels["1"][0].number, "400000000012");
    sim.clock.advance(DAY * 3);
    assert_eq!(order(&sim, &number).await.at("shippingNumber"), "400000000012");
}

#[tokio::test]
async fn without_staff_new_orders_wait_until_a_call_moves_them_on() {
    let sim = start().await;
    sim.world.switch(|s| s.aupay.staff_confirms = false);
    let number = seek(&sim, |f| in_status("新規受付")(f) && f.payment == "代金引換");
    sim.clock.advance(DAY * 9);
    assert_eq!(shown(&sim, &number).status, "新規受付");
    well(&sim, STATUS, &status(&number, "発送待ち")).await;
    let sums = book(&sim, &number);
    assert_eq!((sums.confirmations, sums.shipments, sums.forbidden), (1, 0, 0));
    assert_eq!(shown(&sim, &number).status, "発送待ち");
    // From there the staff goes on as ever.
    sim.clock.advance(DAY * 3);
    let shipped = order(&sim, &number).await;
    assert_eq!((shipped.at("orderStatus"), shipped.at("shipStatus")), ("完了", "Y"));
    assert_eq!(shown(&sim, &number).parcels["1"].len(), 1);
    // Those whose payment the mall waits for move on by themselves.
    let prepaid = seek(&sim, in_status("発送前入金待ち"));
    let before = shown(&sim, &prepaid).status;
    sim.clock.advance(DAY * 9);
    assert_ne!(shown(&sim, &prepaid).status, before);
}

#[tokio::test]
async fn each_bad_element_is_named() {
    let sim = manned_by_calls().await;
    let number = seek(&sim, in_status("発送待ち"));
    let reply = post(&sim, INFO, &document(&[])).await;
    assert!(reply.text().contains("<message>[orderId]必須入力項目です</message>"));
    let good = [
        ("orderId", number.as_str()),
        ("shippingDate", "20260422"),
        ("shippingCarrier", "9"),
        ("shippingNumber", "400000000012"),
    ];
    let with = |name: &str, value: &str| {
        let others: Vec<_> = good.into_iter().filter(|(n, _)| *n != name).collect();
        document(&[others, vec![(name, value)]].concat())
    };
    for (name, value, code) in [
        ("orderId", "", "CME9001"),
        ("orderId", "35290x", "CME9002"),
        ("orderId", "352999999999", "CME9003"),
        ("shippingDate", "", "CME9001"),
        ("shippingDate", "2026/4/22", "CME9002"),
        ("shippingDate", "2026/02/30", "CME9002"),
        ("shippingDate", "2026-0422", "CME9002"),
        ("shippingCarrier", "8", "CME9002"),
        ("shippingCarrier", "0", "CME9002"),
        ("shippingCarrier", "10", "CME9002"),
        ("shippingCarrier", "ヤマト", "CME9002"),
        ("shippingNumber", "", "CME9001"),
        ("shippingNumber", "4000-0000-0012", "CME9002"),
        ("shippingNumber", "1234567890123456", "CME9002"),
        ("memo", "x", "CME9002"),
        ("ShippingDate", "20260422", "CME9002"),
    ] {
        assert_eq!(refused(&sim, INFO, &with(name, value)).await, [code], "{name}={value}");
    }
    let twice = document(&[good.as_slice(), &good[1..2]].concat());
    assert_eq!(refused(&sim, INFO, &twice).await, ["CME9002"]);
    // A wrapped form: what the live service said of it.
    let wrapped = document(&[("order", "<orderId>1</orderId>"), ("orderStatus", "完了")]);
    assert_eq!(refused(&sim, STATUS, &wrapped).await, ["CME9001"]);
    assert!(shown(&sim, &number).parcels["1"].is_empty(), "nothing of it was done");
    for date in ["2026/04/22", "2026-04-22", "20260422"] {
        well(&sim, INFO, &with("shippingDate", date)).await;
        assert_eq!(order(&sim, &number).await.at("shippingDate"), "2026/04/22");
    }
    sim.world.switch(|s| s.aupay.omitted = Omitted::Kept);
    well(&sim, INFO, &document(&[("orderId", &number), ("shippingNumber", "7")])).await;
    assert_eq!(shown(&sim, &number).parcels["1"][0].carrier, "9");
    sim.world.switch(|s| s.aupay.omitted = Omitted::Cleared);
    well(&sim, INFO, &document(&[("orderId", &number), ("shippingNumber", "7")])).await;
    assert_eq!(shown(&sim, &number).parcels["1"][0].carrier, "");

    for name in ["キャンセル", "キャンセル受付中", "不正取引審査中", "発送済", "shipped"]
    {
        assert_eq!(refused(&sim, STATUS, &status(&number, name)).await, ["CME9004"], "{name}");
    }
    assert_eq!(refused(&sim, STATUS, &document(&[("orderId", &number)])).await, ["CME9001"]);
    assert_eq!(
        refused(&sim, CANCEL, &document(&[("orderId", &number), ("cancelReason", "100")])).await,
        ["CME9002"]
    );
    let credit = document(&[("orderId", &number)]);
    assert_eq!(refused(&sim, "doCreditCertainProc", &credit).await, ["CME9099"]);
}

#[tokio::test]
async fn callers_are_checked_before_what_they_call_for() {
    let sim = manned_by_calls().await;
    let number = seek(&sim, in_status("発送待ち"));
    let body = info(&number, "1");
    for bad in [
        body.replace(SHOP_ID, "40099999"),
        body.replace("shopId", "shopid"),
        "<request>".to_owned(),
        String::new(),
    ] {
        assert_eq!(refused(&sim, INFO, &bad).await, ["CME0022"], "{bad}");
    }
    let path = format!("/aupay/wmshopapi/{INFO}");
    let [authorization, kind] = headers(&sim);
    let authorization = (authorization.0, authorization.1.as_str());
    let kind = (kind.0, kind.1.as_str());
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(sim.send("GET", &path, &[authorization, kind], &body).await.status, 405);
    assert_eq!(sim.send("POST", &path, &[authorization, form], &body).await.status, 415);
    let reply = sim.send("POST", &path, &[kind], &body).await;
    assert_eq!((reply.status, reply.text()), (401, text_fixture("error_auth_response.xml")));
    sim.world.switch(|s| {
        s.aupay.functions_off.insert(INFO.into());
    });
    assert_eq!(post(&sim, INFO, &body).await.status, 401);
    assert!(shown(&sim, &number).parcels["1"].is_empty());
    // A double slash, and the shop number in the address too: harmless.
    let plain = ("Content-Type", "application/xml");
    let path = format!("/aupay/wmshopapi//{STATUS}?shopId={SHOP_ID}");
    let reply = sim.send("POST", &path, &[authorization, plain], &status(&number, "完了")).await;
    assert_eq!(reply.text(), text_fixture("update_ok_response.xml"));
    assert!(header(&reply.head, "content-type").unwrap().contains("xml"));
    let before = sim.world.aupay_pace_violations();
    post(&sim, STATUS, &status(&number, "完了")).await;
    read(&sim, ONE, &format!("&orderId={number}")).await;
    assert_eq!(sim.world.aupay_pace_violations(), before + 2, "reads and writes at one pace");
}

#[tokio::test]
async fn orders_that_must_not_ship_are_refused_or_counted() {
    let sim = manned_by_calls().await;
    for (name, why, status_code) in [
        ("キャンセル", "canceled", Some("CME9005")),
        ("キャンセル受付中", "cancel_requested", Some("CME9005")),
        ("不正取引審査中", "mall_check", Some("CME9005")),
        ("審査NG", "on_hold", Some("CME9005")),
        ("保留", "on_hold", None),
        ("新規受付", "not_ready", None),
    ] {
        let untouched = |f: &Fact| sim.world.write_book(&f.order_number).is_none();
        let number = seek(&sim, |f| f.status == name && untouched(f));
        // Shipment data are only stored, whatever the status.
        well(&sim, INFO, &info(&number, "400000000012")).await;
        match status_code {
            Some(code) => assert_eq!(refused(&sim, STATUS, &status(&number, "完了")).await, [code], "{name}"),
            None => well(&sim, STATUS, &status(&number, "完了")).await,
        }
        let sums = book(&sim, &number);
        assert_eq!(sums.forbidden, 2, "{name}");
        assert_eq!(sums.forbidden_taken, if status_code.is_some() { 1 } else { 2 }, "{name}");
        assert!(sim.world.write_entries(&number).iter().all(|e| e.must_not_ship == Some(why)), "{name}");
    }
    sim.world.switch(|s| s.aupay.info_refused_when_canceled = true);
    let number = seek(&sim, |f| f.canceled);
    assert_eq!(refused(&sim, INFO, &info(&number, "2")).await, ["CME9005"]);
}

#[tokio::test]
async fn a_cancel_keeps_what_was_shipped_and_ends_everything() {
    let sim = manned_by_calls().await;
    let number = seek(&sim, |f| in_status("発送待ち")(f) && f.lines > 1);
    well(&sim, INFO, &info(&number, "400000000012")).await;
    well(&sim, STATUS, &status(&number, "完了")).await;
    let before = order(&sim, &number).await;
    well(&sim, CANCEL, &sample("cancel_request.xml", &number)).await;
    let after = order(&sim, &number).await;
    let fields = ["orderStatus", "cancelStatus", "cancelReason", "cancelComment", "shippingNumber"];
    assert_eq!(fields.map(|n| after.at(n)), ["キャンセル", "C", "9", "在庫切れ　欠品", "400000000012"]);
    assert_eq!(after.yen("requestPrice"), before.yen("requestPrice"), "amounts are kept");
    assert!(after.all("detail").all(|line| line.at("itemCancelStatus") == "C"));
    assert_eq!(refused(&sim, CANCEL, &sample("cancel_request.xml", &number)).await, ["CME9005"]);
    assert_eq!(refused(&sim, STATUS, &status(&number, "発送待ち")).await, ["CME9005"]);
    // The mall's own cancel comes to an order that a call put on hold, as it would have come anyway.
    let asked = seek(&sim, |f| f.status == "発送前入金待ち");
    well(&sim, STATUS, &status(&asked, "保留")).await;
    assert_eq!(shown(&sim, &asked).status, "保留");
    sim.clock.advance(DAY);
    assert_ne!(shown(&sim, &asked).status, "発送待ち", "nobody else moves it on");
}

#[tokio::test]
async fn staff_leaves_a_shipment_that_calls_began() {
    let sim = start().await;
    let number = seek(&sim, |f| in_status("発送待ち")(f) && f.slips.is_empty() && f.payment == "代金引換");
    well(&sim, INFO, &info(&number, "400000000012")).await;
    sim.clock.advance(DAY * 10);
    let left = shown(&sim, &number);
    assert_eq!((left.status.as_str(), left.parcels["1"][0].number.as_str()), ("発送待ち", "400000000012"));
    assert_eq!(
        sim.world.truth(AUPAY_SHOP).find(|f| f.order_number == number).unwrap().slips,
        ["400000000012"]
    );
    well(&sim, STATUS, &status(&number, "発送後入金待ち")).await;
    let shipped = order(&sim, &number).await;
    assert_eq!((shipped.at("shipStatus"), shipped.at("paymentStatus")), ("Y", "N"));
    well(&sim, STATUS, &status(&number, "完了")).await;
    assert_eq!(order(&sim, &number).await.at("paymentStatus"), "Y");
    assert_eq!(book(&sim, &number).shipments, 1);
}

#[tokio::test]
async fn lost_answers_late_effects_and_stale_reads_are_told_by_the_books() {
    let sim = manned_by_calls().await;
    let list: Vec<String> =
        sim.world.truth(AUPAY_SHOP).filter(in_status("発送待ち")).take(4).map(|f| f.order_number).collect();
    let broken = async |body: &str, fault: Fault| {
        sim.fault(STATUS, fault);
        let headers = headers(&sim);
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let path = format!("/aupay/wmshopapi/{STATUS}");
        assert!(sim.raw(&request("POST", &path, &headers, body)).await.end.is_err());
    };
    let shipped = |n: usize| sim.world.write_book(&list[n]).map_or(0, |book| book.shipments);
    let done = |n: usize| status(&list[n], "完了");
    broken(&done(0), Fault::ResetBeforeEffect).await;
    assert_eq!((shipped(0), shown(&sim, &list[0]).status.as_str()), (0, "発送待ち"));
    broken(&done(0), Fault::ResetAfterEffect).await;
    assert_eq!((shipped(0), shown(&sim, &list[0]).status.as_str()), (1, "完了"));
    broken(&done(1), Fault::LateEffect { seconds: 20, hold: false }).await;
    assert_eq!(shipped(1), 0);
    well(&sim, STATUS, &done(1)).await;
    sim.clock.advance(Duration::from_secs(20));
    let sums = book(&sim, &list[1]);
    assert_eq!((sums.shipments, sums.repeated, sums.overlaps), (1, 1, 1));
    sim.fault(STATUS, Fault::Code { code: "PSYS0001".into(), effect: true });
    assert_eq!(refused(&sim, STATUS, &done(2)).await, ["PSYS0001"]);
    assert_eq!(shipped(2), 1, "told as an error, and done");
    sim.fault(STATUS, Fault::Truncated);
    let reply = post(&sim, STATUS, &done(3)).await;
    assert!(!reply.text().contains("</response>") && shipped(3) == 1);

    sim.world.switch(|s| s.aupay.read_lag_s = 30);
    assert_eq!(order(&sim, &list[3]).await.at("orderStatus"), "発送待ち");
    let day = start_time().jst().format("%Y%m%d");
    let query = format!("&totalCount=1000&startDate=20260101&endDate={day}&orderStatus=%E5%AE%8C%E4%BA%86");
    let found = async || read(&sim, LIST, &query).await.children.iter().any(|o| o.at("orderId") == list[3]);
    assert!(!found().await);
    sim.clock.advance(Duration::from_secs(30));
    assert_eq!(order(&sim, &list[3]).await.at("orderStatus"), "完了");
    assert!(found().await);
    let effects: Vec<_> = sim.world.write_entries(&list[1]).iter().map(|e| e.effect).collect();
    assert_eq!(effects, [WriteEffect::Effective, WriteEffect::Repeated]);
}
