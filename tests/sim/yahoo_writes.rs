//! yahoo-shopping.md §7: what changing calls bring about, as reads and books see it.

use std::collections::BTreeSet;
use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::sim::{Fact, Fault, Rule, WriteEffect, YAHOO_SHOP};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::client::{DAY, Reply, element, request};
use crate::yahoo_client::{SELLER, Xml, Yahoo, facts, sample, shown};

const STATE: &str = "OrderId,OrderStatus,ShipStatus,PayStatus,SettleStatus,IsSeen,LastUpdateTime,HistoryId,ShipMethod,\
                     ShipMethodName,ShipCompanyCode,ShipInvoiceNumber1,ShipInvoiceNumber2,ShipInvoiceNumberEmptyReason,\
                     ShipUrl,ShipDate,ArrivalDate,PayDate,CancelReason,CancelReasonDetail,OperationUser,Notes,PayMethod,\
                     Suspect,FraudHoldStatus,IsLineGiftOrder,FirstOrderDoneDate,CombinedPayMethod";

/// A changing call of one order.
pub fn change(number: &str, target: &str, order: &str) -> String {
    format!(
        "<Req><Target><OrderId>{number}</OrderId>{target}</Target><Order>{order}</Order><SellerId>{SELLER}</SellerId></Req>"
    )
}

/// A body of `orderShipStatusChange`.
pub fn shipment(number: &str, ship: &str) -> String {
    change(number, "<IsPointFix>true</IsPointFix>", &format!("<Ship>{ship}</Ship>"))
}

/// A body of `orderStatusChange`.
pub fn status(number: &str, to: u8, rest: &str) -> String {
    let fix = format!("<IsPointFix>{}</IsPointFix>", to == 5);
    change(number, &fix, &format!("<OrderStatus>{to}</OrderStatus>{rest}"))
}

/// What an order shows of its shipment and its status.
pub async fn look(yahoo: &Yahoo, number: &str) -> Xml {
    shown(yahoo, number, STATE).await
}

/// The latest orders in processing that nobody has shipped, that may be shipped and that nobody will cancel; `fits`
/// chooses.
pub async fn shippable(yahoo: &Yahoo, count: usize, fits: impl Fn(&Xml) -> bool) -> Vec<String> {
    let now = yahoo.sim.world.now();
    let later = yahoo.sim.world.truth_at(YAHOO_SHOP, now + DAY * 60).take_while(|f| f.ordered_at <= now);
    let ends: BTreeSet<String> = later.filter(|f| f.canceled).map(|f| f.order_number).collect();
    let mut found = Vec::new();
    let open = |f: &&Fact| f.status == "2" && f.slips.is_empty() && !ends.contains(&f.order_number);
    for fact in facts(yahoo).iter().rev().filter(open) {
        let order = look(yahoo, &fact.order_number).await;
        let plain = order.get("Ship/ShipStatus") == "1"
            && order.get("Suspect") == "0"
            && matches!(order.get("FraudHoldStatus"), "" | "0" | "2")
            && order.get("IsLineGiftOrder") == "false";
        if plain && fits(&order) {
            found.push(fact.order_number.clone());
        }
        if found.len() == count {
            return found;
        }
    }
    panic!("only {} of {count}", found.len());
}

pub fn card(order: &Xml) -> bool {
    order.get("Pay/PayMethod") == "payment_a1"
}

/// A sample about one of our orders.
fn about(file: &str, number: &str) -> String {
    let text = sample(file);
    let old = element(&text, "OrderId");
    text.replace(&old, number).replace("hoshizora-shop", SELLER)
}

#[track_caller]
pub fn taken(reply: &Reply) {
    assert_eq!((reply.status, reply.text()), (200, sample("write_ok.xml")));
}

#[tokio::test]
async fn the_samples_are_taken_and_reads_show_what_they_wrote() {
    let yahoo = Yahoo::start().await;
    let orders = shippable(&yahoo, 4, card).await;
    let before = look(&yahoo, &orders[0]).await;
    let ship = about("ship_status_change_request.xml", &orders[0]);
    taken(&yahoo.call("orderShipStatusChange", &ship).await);
    let at = yahoo.sim.world.now();
    let after = look(&yahoo, &orders[0]).await;
    for (path, value) in [
        ("Ship/ShipStatus", "3"),
        ("Ship/ShipCompanyCode", "1001"),
        ("Ship/ShipInvoiceNumber1", "4000-0000-0011"),
        ("Ship/ShipInvoiceNumber2", ""),
        ("Ship/ShipUrl", "https://tracking.example.jp/?no=400000000011&lang=ja"),
        ("Ship/ShipDate", "2026-10-06"),
        ("IsSeen", "true"),
        ("OperationUser", "受注連携"),
        ("LastUpdateTime", &at.to_string()),
    ] {
        assert_eq!(after.get(path), value, "{path}");
    }
    assert_eq!(after.yen("HistoryId"), before.yen("HistoryId") + 1);
    let book = yahoo.sim.world.write_book(&orders[0]).unwrap();
    assert_eq!((book.effective, book.shipments, book.captures), (1, 1, 1));
    assert!(facts(&yahoo).iter().any(|f| f.order_number == orders[0] && f.slips == ["4000-0000-0011"]));

    taken(&yahoo.call("orderShipStatusChange", &ship).await);
    let book = yahoo.sim.world.write_book(&orders[0]).unwrap();
    assert_eq!((book.effective, book.repeated, book.shipments), (1, 1, 1), "told twice, shipped once");
    assert_eq!((book.parcels["1"].effective, book.parcels["1"].repeated), (1, 1));

    let reason = about("ship_status_change_empty_reason_request.xml", &orders[1]);
    taken(&yahoo.call("orderShipStatusChange", &reason).await);
    let after = look(&yahoo, &orders[1]).await;
    assert_eq!(after.get("Ship/ShipInvoiceNumberEmptyReason"), "105");
    assert_eq!((after.get("Ship/ShipStatus"), after.get("Ship/ShipInvoiceNumber1")), ("3", ""));

    taken(&yahoo.call("orderChange", &about("order_change_slip_request.xml", &orders[2])).await);
    let after = look(&yahoo, &orders[2]).await;
    assert_eq!((after.get("Ship/ShipStatus"), after.get("Ship/ShipInvoiceNumber1")), ("1", "4000-0000-0011"));
    let slip =
        "<OrderTimeFrom>20260401000000</OrderTimeFrom><ShipInvoiceNumber>4000-0000-0011</ShipInvoiceNumber>";
    let mut found = yahoo.numbers(slip).await;
    found.sort();
    let mut expected = vec![orders[0].clone(), orders[2].clone()];
    expected.sort();
    assert_eq!(found, expected);

    yahoo.sim.clock.advance(Duration::from_secs(10));
    let done = about("order_status_change_complete_request.xml", &orders[0]);
    taken(&yahoo.call("orderStatusChange", &done).await);
    let after = look(&yahoo, &orders[0]).await;
    assert_eq!((after.get("OrderStatus"), after.get("Pay/SettleStatus")), ("5", "5"));

    let cancel = about("order_status_change_cancel_request.xml", &orders[3]);
    taken(&yahoo.call("orderStatusChange", &cancel).await);
    let after = look(&yahoo, &orders[3]).await;
    assert_eq!((after.get("OrderStatus"), after.get("CancelReason")), ("4", "230"));
    assert_eq!(after.get("CancelReasonDetail"), element(&cancel, "CancelReasonDetail"));

    let own = shippable(&yahoo, 1, |order| order.get("Pay/PayMethod") == "payment_d1").await.remove(0);
    assert_eq!(look(&yahoo, &own).await.get("Pay/PayStatus"), "0");
    taken(&yahoo.call("orderPayStatusChange", &about("pay_status_change_request.xml", &own)).await);
    let after = look(&yahoo, &own).await;
    assert_eq!((after.get("Pay/PayStatus"), after.get("Pay/PayDate")), ("1", "2026-10-04"));
}

#[tokio::test]
async fn a_written_shipment_wins_over_what_staff_had_planned() {
    let yahoo = Yahoo::start().await;
    let number = shippable(&yahoo, 1, card).await.remove(0);
    let ship = "<ShipStatus>3</ShipStatus><ShipMethod>postage4</ShipMethod><ShipCompanyCode>1001</ShipCompanyCode>\
                <ShipInvoiceNumber1>1234-5678-901</ShipInvoiceNumber1>";
    taken(&yahoo.call("orderShipStatusChange", &shipment(&number, ship)).await);
    let at = yahoo.sim.world.now();
    let written = look(&yahoo, &number).await;
    assert_eq!(written.get("Ship/ShipCompanyCode"), "1003", "the carrier bound to the method wins");
    assert_eq!(written.get("Ship/ShipMethodName"), "ゆうパック");
    assert_eq!(written.get("Ship/ShipDate"), "", "nobody wrote one");
    yahoo.sim.clock.advance(DAY * 25);
    yahoo.sim.world.consent_yahoo(YAHOO_SHOP);
    let later = look(&yahoo, &number).await;
    assert_eq!((later.get("OrderStatus"), later.get("Ship/ShipInvoiceNumber1")), ("5", "1234-5678-901"));
    let updated = Timestamp::parse(later.get("LastUpdateTime")).unwrap();
    assert!(updated > at && later.yen("HistoryId") > written.yen("HistoryId"));

    assert!(yahoo.sim.world.cancel_yahoo(&number), "a late cancel");
    let reply = yahoo.call("orderShipStatusChange", &shipment(&number, "<ShipStatus>3</ShipStatus>")).await;
    assert_eq!(reply.status, 400);
    assert_eq!(element(&reply.text(), "Message"), "Cannot Be Operated : CancelOrder ShipStatus");
    let book = yahoo.sim.world.write_book(&number).unwrap();
    assert_eq!((book.effective, book.refused, book.forbidden, book.forbidden_taken), (1, 1, 1, 0));
    let canceled = yahoo.sim.world.write_entries(&number);
    assert_eq!(canceled.last().unwrap().must_not_ship, Some("canceled"));
    assert_eq!(canceled.last().unwrap().effect, WriteEffect::Refused);
}

#[tokio::test]
async fn without_staff_orders_wait_for_calls() {
    let yahoo = Yahoo::start().await;
    yahoo.sim.world.switch(|s| s.yahoo.staff_ships = false);
    let numbers = shippable(&yahoo, 2, card).await;
    yahoo.sim.clock.advance(DAY * 20);
    yahoo.sim.world.consent_yahoo(YAHOO_SHOP);
    for number in &numbers {
        let waiting = look(&yahoo, number).await;
        assert_eq!((waiting.get("OrderStatus"), waiting.get("Ship/ShipStatus")), ("2", "1"), "{number}");
    }
    taken(&yahoo.call("orderShipStatusChange", &shipment(&numbers[0], "<ShipStatus>3</ShipStatus>")).await);
    yahoo.sim.clock.advance(DAY * 15);
    yahoo.sim.world.consent_yahoo(YAHOO_SHOP);
    assert_eq!(look(&yahoo, &numbers[0]).await.get("OrderStatus"), "5", "it arrived and was completed");
    assert_eq!(look(&yahoo, &numbers[1]).await.get("OrderStatus"), "2");
}

#[tokio::test]
async fn the_shipment_captures_the_card_once() {
    let yahoo = Yahoo::start().await;
    yahoo.sim.world.switch(|s| s.yahoo.staff_ships = false);
    let numbers = shippable(&yahoo, 3, card).await;
    let ship = async |number: &str, status: u8| {
        let body = shipment(number, &format!("<ShipStatus>{status}</ShipStatus>"));
        yahoo.call("orderShipStatusChange", &body).await
    };
    taken(&ship(&numbers[0], 3).await);
    taken(&ship(&numbers[0], 1).await);
    assert_eq!(look(&yahoo, &numbers[0]).await.get("Ship/ShipStatus"), "1", "taken back");
    let again = ship(&numbers[0], 3).await;
    assert_eq!((again.status, again.text()), (200, sample("write_ok_warning_od91113.xml")));
    let book = yahoo.sim.world.write_book(&numbers[0]).unwrap();
    assert_eq!((book.shipments, book.captures, book.effective), (2, 1, 3));

    yahoo.sim.clock.advance(DAY);
    yahoo.sim.world.switch(|s| s.yahoo.authorization_days = 1);
    let lapsed = ship(&numbers[1], 3).await;
    assert_eq!(element(&lapsed.text(), "Code"), "od91115");
    assert_eq!(yahoo.sim.world.write_book(&numbers[1]).unwrap().captures, 0);
    yahoo.sim.world.switch(|s| s.yahoo.warnings = vec!["od91058".into()]);
    let warned = yahoo.call("orderChange", &change(&numbers[2], "", "<Notes>見本</Notes>")).await;
    assert_eq!((warned.status, element(&warned.text(), "Code").as_str()), (200, "od91058"));
    assert_eq!(look(&yahoo, &numbers[2]).await.get("Notes"), "見本");
}

#[tokio::test]
async fn a_cancel_may_come_later_or_never() {
    let yahoo = Yahoo::start().await;
    let numbers = shippable(&yahoo, 2, card).await;
    yahoo.sim.world.switch(|s| s.yahoo.cancels_later_s = 90);
    let reply = yahoo.call("orderStatusChange", &status(&numbers[0], 4, "")).await;
    assert_eq!((reply.status, reply.text()), (200, sample("write_ok_warning_od91704.xml")));
    assert_eq!(look(&yahoo, &numbers[0]).await.get("OrderStatus"), "2");
    yahoo.sim.clock.advance(Duration::from_secs(90));
    let after = look(&yahoo, &numbers[0]).await;
    assert_eq!((after.get("OrderStatus"), after.get("CancelReason")), ("4", "210"));
    let same = yahoo.call("orderStatusChange", &status(&numbers[0], 4, "")).await;
    assert_eq!(element(&same.text(), "Code"), "od91705", "it stands where it was to go");
    assert_eq!(look(&yahoo, &numbers[0]).await.get("HistoryId"), after.get("HistoryId"));
    yahoo.sim.world.switch(|s| s.yahoo.cancels_lost = true);
    assert_eq!(yahoo.call("orderStatusChange", &status(&numbers[1], 4, "")).await.status, 200);
    yahoo.sim.clock.advance(Duration::from_secs(900));
    assert_eq!(look(&yahoo, &numbers[1]).await.get("OrderStatus"), "2");
}

#[tokio::test]
async fn answers_get_lost_before_and_after_the_effect() {
    let yahoo = Yahoo::start().await;
    let numbers = shippable(&yahoo, 6, card).await;
    let function = "orderShipStatusChange";
    let ship = "<ShipStatus>3</ShipStatus><ShipCompanyCode>1001</ShipCompanyCode>\
                <ShipInvoiceNumber1>400000000011</ShipInvoiceNumber1>";
    let body = |number: &str| shipment(number, ship);
    let fault = |fault: Fault| {
        yahoo.sim.world.set_faults(vec![Rule {
            function: function.into(),
            times: 1,
            fault,
            ..Rule::default()
        }]);
    };
    let status = async |number: &str| look(&yahoo, number).await.get("Ship/ShipStatus").to_owned();
    let lost = async |number: &str| {
        let path = format!("/yahoo/ShoppingWebService/V1/{function}");
        let headers = [("Authorization", format!("Bearer {}", yahoo.token()))];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let raw = yahoo.sim.raw(&request("POST", &path, &headers, &body(number))).await;
        assert!(raw.bytes.is_empty(), "{raw:?}");
    };
    fault(Fault::ResetBeforeEffect);
    lost(&numbers[0]).await;
    assert_eq!(status(&numbers[0]).await, "1");
    assert_eq!(yahoo.sim.world.write_book(&numbers[0]), None);
    fault(Fault::ResetAfterEffect);
    lost(&numbers[1]).await;
    assert_eq!(status(&numbers[1]).await, "3");
    fault(Fault::LateEffect { seconds: 60, hold: false });
    lost(&numbers[2]).await;
    assert_eq!(status(&numbers[2]).await, "1");
    taken(&yahoo.call(function, &body(&numbers[2])).await);
    yahoo.sim.clock.advance(Duration::from_secs(60));
    let book = yahoo.sim.world.write_book(&numbers[2]).unwrap();
    assert_eq!(
        (book.effective, book.repeated, book.overlaps),
        (1, 1, 1),
        "the second one was not waited for"
    );
    fault(Fault::Code { code: "od91001".into(), effect: true });
    assert_eq!(yahoo.call(function, &body(&numbers[3])).await.status, 500);
    assert_eq!(status(&numbers[3]).await, "3");
    fault(Fault::Code { code: "od91001".into(), effect: false });
    assert_eq!(yahoo.call(function, &body(&numbers[4])).await.status, 500);
    assert_eq!(status(&numbers[4]).await, "1");

    // Two at a time: the first one's client still waits.
    fault(Fault::Stall { effect: true, hold: false });
    let path = format!("/yahoo/ShoppingWebService/V1/{function}");
    let bearer = format!("Bearer {}", yahoo.token());
    let mut first = yahoo.sim.connect().await;
    let seen = yahoo.sim.world.requests();
    let bytes = request("POST", &path, &[("Authorization", bearer.as_str())], &body(&numbers[5]));
    first.write_all(&bytes).await.unwrap();
    yahoo
        .sim
        .world
        .until(|world| world.requests() > seen && world.calls().last().unwrap().function == function)
        .await;
    taken(&yahoo.call(function, &body(&numbers[5])).await);
    let book = yahoo.sim.world.write_book(&numbers[5]).unwrap();
    assert_eq!((book.effective, book.repeated, book.overlaps), (1, 1, 1));
    drop(first);
    let (code, told) = yahoo.sim.control("GET", &format!("books/writes/{}", numbers[5]), &json!(null)).await;
    assert_eq!(
        (code, &told["book"]["overlaps"], &told["entries"][0]["shipped"]),
        (200, &json!(1), &json!(true))
    );
    assert_eq!(yahoo.sim.control("GET", "books/writes", &json!(null)).await.1.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn reads_may_lag_behind_writes() {
    let yahoo = Yahoo::start().await;
    let number = shippable(&yahoo, 1, card).await.remove(0);
    yahoo.sim.world.switch(|s| s.yahoo.stale_reads_s = 20);
    let before = look(&yahoo, &number).await;
    taken(&yahoo.call("orderShipStatusChange", &shipment(&number, "<ShipStatus>3</ShipStatus>")).await);
    let at = yahoo.sim.world.now();
    let stale = look(&yahoo, &number).await;
    assert_eq!(stale.get("Ship/ShipStatus"), "1");
    assert_eq!(stale.get("LastUpdateTime"), before.get("LastUpdateTime"));
    let listed = format!("<OrderId>{number}</OrderId><ShipStatus>3</ShipStatus>");
    assert!(yahoo.numbers(&listed).await.is_empty());
    yahoo.sim.clock.advance(Duration::from_secs(20));
    let fresh = look(&yahoo, &number).await;
    assert_eq!((fresh.get("Ship/ShipStatus"), fresh.get("LastUpdateTime")), ("3", at.to_string().as_str()));
    assert_eq!(yahoo.numbers(&listed).await, [number]);
}

#[tokio::test]
async fn the_twelve_hours_concern_order_change_alone_and_the_pace_every_url() {
    let mut yahoo = Yahoo::start().await;
    let number = shippable(&yahoo, 1, card).await.remove(0);
    yahoo.signed = false;
    yahoo.sim.clock.advance(Duration::from_hours(13));
    let edit = yahoo.call("orderChange", &change(&number, "", "<IsSeen>true</IsSeen>")).await;
    assert_eq!((edit.status, element(&edit.text(), "Code").as_str()), (401, "px-04102"));
    let ship = shipment(&number, "<ShipStatus>2</ShipStatus>");
    taken(&yahoo.call("orderShipStatusChange", &ship).await);
    let before = yahoo.sim.world.rate_violations();
    taken(&yahoo.raw("POST", "orderShipStatusChange", &[], &ship).await);
    assert_eq!(yahoo.sim.world.rate_violations(), before + 1);
    yahoo.sim.world.switch(|s| s.yahoo.enforce_rate = true);
    assert_eq!(yahoo.raw("POST", "orderShipStatusChange", &[], &ship).await.status, 503);
    let other = yahoo.raw("POST", "orderStatusChange", &[], &status(&number, 4, "")).await;
    assert_eq!(other.status, 200, "another URL");
    assert_eq!(yahoo.raw("GET", "orderStatusChange", &[], "").await.status, 405);
}
