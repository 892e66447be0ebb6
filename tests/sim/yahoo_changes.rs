//! yahoo-shopping.md §3: who sees an order when, and what moves it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::sim::{Catalogue, Fact, YAHOO_SHOP};
use serde_json::json;

use crate::client::{DAY, start_time};
use crate::yahoo_client::{Xml, Yahoo, all_fields, facts, readings, shown, span, t14};

const HOUR: Duration = Duration::from_hours(1);
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_new_order_is_hidden_while_its_buyer_may_cancel() {
    let yahoo = Yahoo::with(Catalogue::spread(start_time() + HOUR, HOUR * 2, 200)).await;
    let since = start_time() - HOUR * 2;
    let modes = async |mode: &str| {
        let mode =
            if mode.is_empty() { String::new() } else { format!("<ReadOnlyMode>{mode}</ReadOnlyMode>") };
        yahoo.numbers(&format!("{}{mode}", span(since, start_time()))).await
    };
    let (normal, new, both) = (modes("").await, modes("1").await, modes("2").await);
    assert_eq!(modes("0").await, normal);
    assert!(new.len() > 10 && normal.len() > 70, "{} {}", new.len(), normal.len());
    let joined: BTreeSet<&String> = normal.iter().chain(&new).collect();
    assert_eq!(joined.len(), both.len());
    let fields = "OrderTime,IsReadOnly,LastUpdateTime,HistoryId";
    let order = shown(&yahoo, new.last().unwrap(), fields).await;
    assert_eq!((order.get("IsReadOnly"), order.get("LastUpdateTime")), ("1", order.get("OrderTime")));
    let placed = Timestamp::parse(order.get("OrderTime")).unwrap();
    assert!(!normal.contains(new.last().unwrap()));
    yahoo.sim.clock.advance((placed + Duration::from_mins(10)).since(yahoo.sim.world.now()) - SECOND * 2);
    let within = shown(&yahoo, new.last().unwrap(), fields).await;
    assert_eq!(within.get("IsReadOnly"), "1");
    yahoo.sim.clock.advance(SECOND);
    let after = shown(&yahoo, new.last().unwrap(), fields).await;
    assert_eq!(after.get("IsReadOnly"), "0");
    assert_eq!(after.get("LastUpdateTime"), (placed + Duration::from_mins(10)).to_string());
    let visible = facts(&yahoo);
    assert!(visible.iter().any(|f| f.order_number == *new.last().unwrap()));
}

#[tokio::test]
async fn an_order_under_review_appears_at_its_publication() {
    let yahoo = Yahoo::with(Catalogue::spread(start_time(), DAY * 4, 1_200)).await;
    let all = span(start_time() - DAY * 4, start_time());
    let held = yahoo.numbers(&format!("{all}<FraudHoldDisplayType>1</FraudHoldDisplayType>")).await;
    let plain: BTreeSet<String> = yahoo.numbers(&all).await.into_iter().collect();
    let mut held: Vec<String> = held.into_iter().filter(|number| !plain.contains(number)).collect();
    assert!(held.len() > 5, "{held:?}");
    let fields = "OrderTime,FraudHoldStatus,PublicationTime,LastUpdateTime";
    let number = held.remove(0);
    let order = shown(&yahoo, &number, fields).await;
    assert_eq!((order.get("FraudHoldStatus"), order.get("PublicationTime")), ("1", ""));
    assert!(!facts(&yahoo).iter().any(|f| f.order_number == number));
    assert!(yahoo.sim.world.release_yahoo(&number));
    assert!(!yahoo.sim.world.release_yahoo(&number), "no longer under review");
    let now = yahoo.sim.world.now();
    let order = shown(&yahoo, &number, fields).await;
    assert_eq!((order.get("FraudHoldStatus"), order.get("PublicationTime")), ("2", now.to_string().as_str()));
    assert_eq!(order.get("LastUpdateTime"), now.to_string());
    let published = format!(
        "<PublicationTimeFrom>{}</PublicationTimeFrom><PublicationTimeTo>{}</PublicationTimeTo>",
        t14(now),
        t14(now)
    );
    assert_eq!(yahoo.numbers(&published).await, [number]);

    // The others come by themselves, and a search over the following days finds each at its time.
    yahoo.sim.clock.advance(DAY * 3);
    let later = format!("<PublicationTimeFrom>{}</PublicationTimeFrom>", t14(now + SECOND));
    let found: BTreeSet<String> = yahoo.numbers(&later).await.into_iter().collect();
    assert!(held.iter().all(|number| found.contains(number)), "{held:?} {found:?}");
    yahoo.sim.world.switch(|s| s.yahoo.publication_always = true);
    let order = shown(&yahoo, plain.first().unwrap(), fields).await;
    let placed = Timestamp::parse(order.get("OrderTime")).unwrap();
    assert!(Timestamp::parse(order.get("PublicationTime")).unwrap() >= placed + Duration::from_mins(10));
}

#[tokio::test]
async fn a_split_order_becomes_two_that_add_up() {
    let yahoo = Yahoo::with(Catalogue::spread(start_time(), DAY * 6, 900)).await;
    let fields = "OrderId,IsSplit,ParentOrderId,ChildOrderId,OrderStatus,OrderTime,CancelReason,LineId,UnitPrice,\
                  Quantity,UsePoint,ShipCharge,GiftWrapCharge,TotalPrice,UseCouponData,TotalMallCouponDiscount,Discount,\
                  PayCharge,Adjustments,GiftCardDiscount,TotalImmediateBonusAmount,LastUpdateTime";
    let all = span(start_time() - DAY * 6, start_time());
    let sources = yahoo.numbers(&format!("{all}<IsSplit>true</IsSplit>")).await;
    assert!(sources.len() > 10, "{sources:?}");
    let facts = facts(&yahoo);
    for source in &sources {
        let whole = shown(&yahoo, source, fields).await;
        assert_eq!((whole.get("OrderStatus"), whole.get("CancelReason")), ("4", "0"));
        assert_eq!((whole.get("UseCouponData"), whole.get("Detail/TotalMallCouponDiscount")), ("", ""));
        let mut parts = Vec::new();
        for child in whole.get("ChildOrderId").split(',') {
            let part = shown(&yahoo, child, fields).await;
            assert_eq!((part.get("ParentOrderId"), part.get("IsSplit")), (source.as_str(), "false"));
            assert_eq!(part.get("OrderTime"), whole.get("OrderTime"));
            assert!(facts.iter().any(|f| f.order_number == child));
            parts.push(part);
        }
        for yen in ["UsePoint", "ShipCharge", "GiftWrapCharge", "TotalPrice"] {
            let path = format!("Detail/{yen}");
            assert_eq!(parts.iter().map(|p| p.yen(&path)).sum::<i64>(), whole.yen(&path), "{source} {yen}");
        }
        let pieces = |order: &Xml| order.all("Item").map(|i| i.yen("Quantity")).sum::<i64>();
        assert_eq!(parts.iter().map(pieces).sum::<i64>(), pieces(&whole));
        assert!(parts.iter().all(|p| pieces(p) > 0 && readings(p).0));
    }
    let fact = facts.iter().find(|f| f.order_number == sources[0]).unwrap();
    assert!(fact.canceled && facts.iter().filter(|f| f.index == fact.index).count() == 3);
}

#[tokio::test]
async fn every_change_moves_the_last_update_and_nothing_else_does() {
    let yahoo = Yahoo::with(Catalogue::spread(start_time(), DAY * 3, 150)).await;
    let fields = format!("{},ReceiveSatelliteType,CashOnDeliveryTax", all_fields());
    let numbers: Vec<String> = facts(&yahoo).into_iter().map(|f| f.order_number).collect();
    let mut seen: BTreeMap<String, (String, String, String)> = BTreeMap::new();
    for hours in [0, 1, 5, 18, 40, 200] {
        yahoo.sim.clock.advance(HOUR * hours);
        // A person consents anew, so that no call needs a signature.
        yahoo.sim.world.consent_yahoo(YAHOO_SHOP);
        yahoo.refresh().await;
        for number in &numbers {
            let text = yahoo.info_now(number, &fields).await.text();
            let order = Xml::parse(&text);
            let updated = order.get("Result/OrderInfo/LastUpdateTime").to_owned();
            let history = order.get("Result/OrderInfo/HistoryId").to_owned();
            if let Some((before, then, earlier)) =
                seen.insert(number.clone(), (text.clone(), updated.clone(), history.clone()))
            {
                assert_eq!(before == text, then == updated, "{number}: {before}\n{text}");
                assert_eq!(earlier == history, then == updated);
                assert!(then <= updated);
            }
        }
    }
}

#[tokio::test]
async fn what_is_cancelled_from_outside_stays_so() {
    let yahoo = Yahoo::start().await;
    let open = |f: &&Fact| f.status == "2" && f.slips.is_empty();
    let number = facts(&yahoo).iter().rfind(open).unwrap().order_number.clone();
    assert!(yahoo.sim.world.cancel_yahoo(&number));
    assert!(!yahoo.sim.world.cancel_yahoo("sim-store-1"));
    let now = yahoo.sim.world.now();
    let fields = "OrderStatus,CancelReason,LastUpdateTime,SettleStatus,ShipStatus";
    for wait in [0, 24, 400] {
        yahoo.sim.clock.advance(HOUR * wait);
        let shown = shown(&yahoo, &number, fields).await;
        assert_eq!((shown.get("OrderStatus"), shown.get("CancelReason")), ("4", "100"));
        assert_eq!(shown.get("LastUpdateTime"), now.to_string());
    }
    let (status, answer) = yahoo.sim.control("POST", "yahoo/consent/yahoo-main", &json!({})).await;
    assert_eq!((status, &answer["refresh_token"]), (200, &json!(yahoo.shop().refresh_token())));
    let (status, _) =
        yahoo.sim.control("POST", "yahoo/cancel", &json!({ "order_number": "sim-store-2" })).await;
    assert_eq!(status, 404);
    let keys = json!([{ "version": 7, "valid_from": now, "valid_to": now + DAY, "enabled": true }]);
    assert_eq!(yahoo.sim.control("PUT", &format!("yahoo/keys/{YAHOO_SHOP}"), &keys).await.0, 200);
    assert_eq!(yahoo.sim.control("POST", "yahoo/withdraw/nobody", &json!({})).await.0, 404);
}
