//! What orders look like: the elements of the samples, amounts that add up, every kind of life.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mallsync::sim::{AUPAY_SHOP, Catalogue, Empty, Fact, Fault};

use super::xml::Node;
use super::{ALL, LIST, ONE, by_number, call, fixture, read, read_all, start, start_with, xml};
use crate::client::{DAY, start_time};

const SAMPLES: [&str; 10] = [
    "list_page1_response.xml",
    "list_last_page_response.xml",
    "order_canceled_response.xml",
    "order_cod_response.xml",
    "order_custom_status_response.xml",
    "order_gift_noshi_response.xml",
    "order_partial_cancel_response.xml",
    "order_prepay_atm_response.xml",
    "order_shipped_completed_response.xml",
    "order_single_rich_response.xml",
];

fn samples() -> Vec<Node> {
    SAMPLES.iter().flat_map(|name| fixture(name).children).filter(|n| n.name == "orderInfo").collect()
}

fn set(names: Vec<String>) -> BTreeSet<String> {
    names.into_iter().collect()
}

/// The elements that both have stand in the same order.
fn in_order(one: &Node, other: &Node) {
    let names = |node: &Node| -> Vec<String> {
        let mut names: Vec<_> = node.children.iter().map(|c| c.name.clone()).collect();
        names.dedup();
        names
    };
    let (own, theirs) = (names(one), names(other));
    let both = |list: &[String], with: &[String]| -> Vec<String> {
        list.iter().filter(|n| with.contains(n)).cloned().collect()
    };
    assert_eq!(both(&own, &theirs), both(&theirs, &own));
}

#[tokio::test]
async fn orders_have_the_elements_of_the_samples_in_their_order() {
    let sim = start().await;
    let orders = read_all(&sim, ALL, 1_000).await;
    let samples = samples();
    assert_eq!(samples.len(), 12);
    let always = samples.iter().map(|s| set(s.names())).reduce(|a, b| &a & &b).unwrap();
    let sampled: BTreeSet<String> = samples.iter().flat_map(Node::names).collect();
    let ever: BTreeSet<String> = orders.iter().flat_map(Node::names).collect();
    for sample in &samples {
        let missing: Vec<_> = set(sample.names()).difference(&ever).cloned().collect();
        assert!(missing.is_empty(), "never shown: {missing:?}");
    }
    let mut strange = BTreeSet::new();
    for order in &orders {
        let names = set(order.names());
        let lacking: Vec<_> = always.difference(&names).collect();
        assert!(lacking.is_empty(), "{} lacks {lacking:?}", order.at("orderId"));
        strange.extend(names.difference(&sampled).cloned());
    }
    for order in orders.iter().step_by(19) {
        for sample in &samples {
            in_order(order, sample);
            for (line, theirs) in order.all("detail").flat_map(|l| sample.all("detail").map(move |s| (l, s)))
            {
                in_order(line, theirs);
            }
        }
    }
    // Beyond the samples: fields of the page's list, and what no known client has seen.
    let expected =
        ["detail/itemOptionCommission", "ecoPackagingFlag", "futureInfo", "senderShopCD", "usePointCancel"];
    assert_eq!(strange.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// The identities of au-pay-market.md §8. False where the third does not hold.
fn adds_up(order: &Node) -> bool {
    let number = order.at("orderId");
    let yen = |name: &str| order.yen(name);
    let lines = || order.all("detail");
    let whole = order.at("cancelStatus") == "C";
    let counted: Vec<&Node> = lines().filter(|l| whole || l.at("itemCancelStatus") == "N").collect();
    let sum = |name: &str| counted.iter().map(|l| l.yen(name)).sum::<i64>();
    for line in lines() {
        assert_eq!(line.yen("itemPrice"), line.yen("beforeDiscount") - line.yen("discount"), "{number}");
        assert_eq!(line.yen("totalItemPrice"), line.yen("itemPrice") * line.yen("unit"), "{number}");
        let fees: i64 = line
            .all("itemOptionCommissions")
            .flat_map(|group| group.all("itemOptionCommissionVal"))
            .map(|value| value.yen("itemOptionCommissionPrice"))
            .sum();
        assert!(
            fees == line.yen("itemOptionPrice") || line.child("itemOptionCommission").is_some(),
            "{number}"
        );
    }
    // A cancelled order may have lost a line before: then that line is C like the others, and not in the sums.
    if !(whole && yen("totalSalePrice") < sum("totalItemPrice")) {
        assert_eq!(yen("totalSalePrice"), sum("totalItemPrice"), "{number}");
        assert_eq!(yen("totalSaleUnit"), sum("unit"), "{number}");
        assert_eq!(yen("totalItemOptionPrice"), sum("itemOptionPrice"), "{number}");
        assert_eq!(yen("totalGiftWrappingPrice"), sum("giftWrappingPrice"), "{number}");
    }
    let fees = ["postagePrice", "chargePrice", "totalItemOptionPrice", "totalGiftWrappingPrice"].map(yen);
    assert_eq!(yen("totalPrice"), yen("totalSalePrice") + fees.iter().sum::<i64>(), "{number}");
    for total in
        ["totalSalePrice", "totalPrice", "couponTotalPrice", "usePoint", "useAuPointPrice", "requestPrice"]
    {
        let parts = ["NormalTax", "ReducedTax", "NoTax"].map(|part| yen(&format!("{total}{part}")));
        assert_eq!(yen(total), parts.iter().sum::<i64>(), "{total} of {number}");
        assert!(parts.iter().all(|p| *p >= 0), "{total} of {number}: {parts:?}");
    }
    assert_eq!(yen("requestTaxPriceNormalTax"), yen("requestPriceNormalTax") * 10 / 110, "{number}");
    assert_eq!(yen("useAuPoint"), yen("useAuPointPrice"), "{number}");
    // The points of a cancelled order are given back, its amounts are kept (§13.6).
    let returned = order.at("useAuPointCancel") == "Y" && !whole;
    let used = yen("usePoint") + if returned { 0 } else { yen("useAuPointPrice") };
    let third = yen("totalPrice") - yen("couponTotalPrice") - used;
    assert!(yen("requestPrice") <= third, "{number}");
    yen("requestPrice") == third
}

fn agrees(order: &Node, fact: &Fact) {
    let number = &fact.order_number;
    assert_eq!(order.at("orderId"), number);
    assert_eq!(order.at("orderStatus"), fact.status, "{number}");
    assert_eq!(order.at("settlementName"), fact.payment, "{number}");
    assert_eq!(fact.due, Some(order.yen("requestPrice")), "{number}");
    assert_eq!((1, order.all("detail").count()), (fact.packages, fact.lines), "{number}");
    let canceled = order.at("cancelStatus") == "C" || order.at("orderStatus") == "キャンセル";
    assert_eq!(canceled, fact.canceled, "{number}");
    assert_eq!(order.at("shippingNumber"), fact.slips.concat(), "{number}");
    let at = fact.ordered_at.jst().format("%Y/%m/%d %H:%M").to_string();
    assert_eq!((order.at("orderDate"), fact.ordered_at.micros() % 60_000_000), (at.as_str(), 0), "{number}");
}

#[tokio::test]
async fn amounts_of_5000_orders_add_up_and_match_the_truth() {
    let sim = start_with(Catalogue::spread(start_time(), DAY * 20, 5_000)).await;
    let orders = read_all(&sim, ALL, 1_000).await;
    let facts: Vec<Fact> = sim.world.truth(AUPAY_SHOP).collect();
    assert_eq!(orders.len(), facts.len());
    let broken = orders.iter().filter(|order| !adds_up(order)).count();
    assert!((5..60).contains(&broken), "{broken} orders with part of their points missing");
    orders.iter().zip(&facts).for_each(|(order, fact)| agrees(order, fact));

    let mut shown: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for order in &orders {
        for leaf in order.children.iter().chain(order.all("detail").flat_map(|l| &l.children)) {
            shown.entry(&leaf.name).or_default().insert(&leaf.text);
        }
    }
    for status in [
        "新規受付",
        "新規予約",
        "予約中",
        "発送前入金待ち",
        "与信待ち",
        "発送待ち",
        "発送後入金待ち",
        "完了",
        "保留",
        "キャンセル",
        "キャンセル受付中",
        "不正取引審査中",
        "審査保留",
        "審査NG",
        "メーカー取寄せ中",
        "名入れ加工中",
        "検品済(出荷可)",
    ] {
        assert!(shown["orderStatus"].contains(status), "no order in {status}");
    }
    for (name, wanted) in [
        (
            "settlementName",
            vec!["代金引換", "見本ペイ", "コンビニ決済", "auかんたん決済（通信料金合算支払い）", "後払い"],
        ),
        ("couponType", vec!["U", "D", "M"]),
        ("taxRate", vec!["0.1", "0.08", "0"]),
        ("sellMethodSegment", vec!["1", "2"]),
        ("noshiType", vec!["蝶結び", "結び切り"]),
        ("shippingCarrier", vec!["1", "2", "6", "8", "9"]),
        ("requestPrice", vec!["0"]),
        ("usePointCancel", vec!["Y"]),
        ("useAuPointCancel", vec!["Y"]),
        ("itemCancelStatus", vec!["N", "C"]),
        ("crossBorderEcTradeKbn", vec!["", "R"]),
        ("settleStatus", vec!["02", "04", "05"]),
        ("shippingNumber", vec![""]),
    ] {
        for value in wanted {
            assert!(shown[name].contains(value), "no order shows {name} {value}");
        }
    }
    let pick = |wanted: &dyn Fn(&Node) -> bool| orders.iter().any(wanted);
    let is = |o: &Node, name: &str, value: &str| o.at(name) == value;
    assert!(pick(&|o| is(o, "cancelStatus", "C") && is(o, "orderStatus", "発送待ち")));
    assert!(pick(&|o| is(o, "cancelStatus", "N") && is(o, "orderStatus", "キャンセル")));
    assert!(pick(&|o| is(o, "paymentStatus", "Y")
        && is(o, "shipStatus", "N")
        && is(o, "orderStatus", "発送待ち")));
    assert!(pick(&|o| is(o, "paymentStatus", "N") && is(o, "orderStatus", "発送後入金待ち")));
    assert!(pick(&|o| is(o, "shipStatus", "Y") && is(o, "orderStatus", "キャンセル")));
    assert!(pick(&|o| is(o, "useAuPointCancel", "Y") && is(o, "cancelStatus", "N")));
    assert!(
        pick(&|o| o.at("ordererName").contains('\u{3000}')) && pick(&|o| o.at("userComment").contains('\n'))
    );
}

#[tokio::test]
async fn an_order_is_the_same_in_a_list_alone_and_in_another_world() {
    let (one, two) = (start().await, start().await);
    let window = "startDate=20260418&endDate=20260421";
    let orders = read_all(&one, window, 1_000).await;
    assert_eq!(orders, read_all(&two, window, 7).await);
    for order in orders.iter().step_by(9) {
        let alone = read(&one, ONE, &format!("&orderId={}", order.at("orderId"))).await;
        assert_eq!((alone.at("resultCount"), alone.child("orderInfo")), ("1", Some(order)));
    }
}

#[tokio::test]
async fn histories_go_forward_to_an_end() {
    let sim = start_with(Catalogue::spread(start_time(), DAY * 2, 250)).await;
    let before: BTreeMap<String, Fact> =
        sim.world.truth(AUPAY_SHOP).map(|f| (f.order_number.clone(), f)).collect();
    let mut changes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for hour in (0..24 * 90).step_by(2) {
        for fact in sim.world.truth_at(AUPAY_SHOP, start_time() + Duration::from_hours(hour)) {
            let row = changes.entry(fact.order_number).or_default();
            if row.last() != Some(&fact.status) {
                row.push(fact.status);
            }
        }
    }
    assert!(before.len() >= 249);
    for (number, row) in &changes {
        assert!(row.len() <= 7, "{number}: {row:?}");
        let last = row.last().unwrap();
        assert!(["完了", "キャンセル", "発送待ち"].contains(&last.as_str()), "{number}: {row:?}");
        assert!(row.iter().skip(1).all(|s| s != "新規受付" && s != "新規予約"), "{number}: {row:?}");
    }
    assert!(
        changes
            .values()
            .any(|row| row.ends_with(&["与信待ち", "発送待ち", "発送後入金待ち", "完了"].map(str::to_owned)))
    );
    assert!(
        changes
            .values()
            .any(|row| row.ends_with(&["キャンセル受付中", "発送待ち", "完了"].map(str::to_owned)))
    );
    assert!(changes.values().any(|row| row.ends_with(&["完了", "キャンセル"].map(str::to_owned))));
}

/// Orders that did not change are not written anew: no difference may show.
#[tokio::test]
async fn what_is_shown_again_is_as_if_written_anew() {
    let sim = start_with(Catalogue::spread(start_time(), DAY * 8, 120)).await;
    let mut seen = BTreeSet::new();
    for step in 0..120 {
        sim.clock.advance(Duration::from_secs(60 * 97));
        let query = format!("&totalCount=1000&{ALL}");
        let again = call(&sim, LIST, &query).await.text();
        // A list that may be tampered with is written whole.
        let (orders, place) = (BTreeSet::from(["none".to_owned()]), "/memo".to_owned());
        sim.fault(LIST, Fault::Tamper { orders, place, value: "x".into() });
        assert_eq!(again, call(&sim, LIST, &query).await.text(), "step {step}");
        seen.insert(again);
    }
    assert!(seen.len() > 40, "much changed meanwhile: {}", seen.len());
}

#[tokio::test]
async fn empty_elements_may_be_absent_or_present() {
    let sim = start().await;
    let window = "startDate=20260420&endDate=20260421";
    let mixed = read_all(&sim, window, 1_000).await;
    sim.world.switch(|s| s.aupay.empty = Empty::Absent);
    let reply = call(&sim, LIST, &format!("&totalCount=1000&{window}")).await.text();
    assert!(!reply.contains("/>"));
    sim.world.switch(|s| s.aupay.empty = Empty::Present);
    let full = read_all(&sim, window, 1_000).await;
    let absent: Vec<Node> = xml::parse(&reply).all("orderInfo").cloned().collect();
    for (number, order) in by_number(&absent) {
        let (one, other) = (by_number(&mixed)[number], by_number(&full)[number]);
        assert!(
            order
                .children
                .iter()
                .all(|leaf| leaf.name == "detail" || !leaf.text.is_empty() || !leaf.children.is_empty())
        );
        for leaf in &order.children {
            assert_eq!((one.at(&leaf.name), other.at(&leaf.name)), (leaf.text.as_str(), leaf.text.as_str()));
        }
        for name in ["releaseDate", "rawMailAddress", "cancelDate", "pgResponseCode", "deliveryId"] {
            assert!(other.child(name).is_some(), "{name} of {number}");
        }
    }
    sim.world.switch(|s| s.aupay.seconds = true);
    let order = read_all(&sim, window, 1_000).await.remove(0);
    assert_eq!(order.at("orderDate").len(), "2026/04/20 00:00:00".len());
}
