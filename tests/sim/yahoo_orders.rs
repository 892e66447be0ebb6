//! yahoo-shopping.md §4 to §6: what orders there are and how they look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mallsync::sim::{Catalogue, Fault, Rule};
use serde_json::json;

use crate::client::{DAY, start_time};
use crate::yahoo_client::{SELLER, Xml, Yahoo, all_fields, facts, readings, sample, search, shown, span};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_thousand_orders_add_up_and_match_the_truth() {
    let yahoo = Yahoo::with(Catalogue::spread(start_time(), DAY * 12, 1_000)).await;
    let facts = facts(&yahoo);
    assert!(facts.len() > 960, "{}", facts.len());
    let fields = format!("{},TotalImmediateBonusAmount", all_fields());
    let (mut statuses, mut text, mut sums) = (BTreeMap::new(), String::new(), BTreeMap::new());
    for fact in facts {
        let reply = yahoo.info_now(&fact.order_number, &fields).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        text.push_str(&reply.text());
        let whole = Xml::parse(&reply.text());
        let order = whole.at("Result/OrderInfo");
        assert_eq!(order.get("OrderStatus"), fact.status);
        *statuses.entry(fact.status.clone()).or_insert(0) += 1;
        assert_eq!(order.get("OrderTime"), fact.ordered_at.to_string());
        assert_eq!(order.get("Pay/PayMethodName"), fact.payment);
        assert_eq!(order.all("Item").count(), fact.lines);
        let slips: Vec<&str> = ["ShipInvoiceNumber1", "ShipInvoiceNumber2"]
            .map(|n| order.get(&format!("Ship/{n}")))
            .into_iter()
            .filter(|n| !n.is_empty())
            .collect();
        assert_eq!(slips, fact.slips);
        let total = order.yen("Detail/TotalPrice");
        assert!(total >= 0, "{order:?}");
        match fact.due {
            Some(due) => assert_eq!(total, due),
            None => assert_eq!(order.get("Ship/RemoteAreaShippingType"), "2"),
        }
        if order.get("Pay/CombinedPayType") == "1" {
            let detail = order.at("Detail");
            assert_eq!(detail.yen("PayMethodAmount") + detail.yen("CombinedPayMethodAmount"), total);
        }
        let coupons: i64 = order.all("Item").map(|i| i.yen("CouponDiscount")).sum();
        assert_eq!(order.yen("TotalCouponDiscount"), coupons);
        *sums.entry(readings(order)).or_insert(0) += 1;
    }
    assert!(sums[&(true, true)] > 800 && sums[&(true, false)] > 0 && sums[&(false, true)] > 0, "{sums:?}");
    assert!((1..20).contains(&sums[&(false, false)]), "few break the identity: {sums:?}");
    for status in ["1", "2", "3", "4", "5"] {
        assert!(statuses.contains_key(status), "{statuses:?}");
    }
    for wanted in [
        "<CancelReason>120</CancelReason>",
        "<IsSplit>true</IsSplit>",
        "<Quantity>0</Quantity>",
        "<PayMethod>payment_d1</PayMethod>",
        "<PayMethod>payment_e1</PayMethod>",
        "<PayMethod>payment_y9</PayMethod>",
        "<PayMethod>payment_z1</PayMethod>",
        "<SettleStatus>10</SettleStatus>",
        "<FraudHoldStatus>2</FraudHoldStatus>",
        "<Suspect>2</Suspect>",
        "<SocialGiftType>1</SocialGiftType>",
        "ソーシャルギフト利用者",
        "<IsMultiShip>true</IsMultiShip>",
        "<ItemOption>\n          <Index>1</Index>",
        "<![CDATA[HANAKO & TARO <3]]>",
        "]]]]><![CDATA[>",
        "<NeedGiftWrap>true</NeedGiftWrap>",
        "<EcoDelivery",
        "<Adjustments>-150</Adjustments>",
        "<ShipInvoiceNumberEmptyReason>10",
        "teiki-2026",
        "𠮷",
    ] {
        assert!(text.contains(wanted), "no order shows {wanted}");
    }
}

#[tokio::test]
async fn answers_have_the_elements_of_the_samples() {
    let yahoo = Yahoo::start().await;
    let fields = all_fields();
    let mut known = BTreeSet::new();
    for fact in facts(&yahoo).iter().take(60) {
        let reply = yahoo.info(&fact.order_number, &fields).await;
        known.extend(Xml::parse(&reply.text()).paths());
    }
    for file in ["card_gift_coupon", "cod", "cancelled", "preorder", "paypay_combined", "social_gift_line"] {
        let missing: Vec<String> = Xml::parse(&sample(&format!("order_info_{file}.xml")))
            .paths()
            .difference(&known)
            .cloned()
            .collect();
        assert!(missing.is_empty(), "{file}: {missing:?}");
    }
    let asked = sample("order_info_request.xml").replace("hoshizora-shop", SELLER);
    let number = &facts(&yahoo)[0].order_number;
    let reply = yahoo.call("orderInfo", &asked.replace("sim-store-10000101", number)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());

    let counted = yahoo.raw("GET", &format!("orderCount?sellerId={SELLER}"), &[], "").await;
    assert_eq!(Xml::parse(&counted.text()).paths(), Xml::parse(&sample("order_count_response.xml")).paths());
    let month = span(start_time() - DAY * 30, yahoo.sim.world.now());
    let new = yahoo.numbers(&format!("{month}<IsSeen>false</IsSeen><OrderStatus>2</OrderStatus>")).await;
    let counted = Xml::parse(&counted.text()).at("Result/Count").clone();
    assert_eq!(counted.yen("NewOrder"), i64::try_from(new.len()).unwrap());
    assert!(counted.yen("WaitShipping") > 0);

    let page = sample("order_list_request.xml").replace("hoshizora-shop", SELLER);
    let asked = page.replace("20260928", "20260419").replace("20261005", "20260421");
    let answer = Xml::parse(&yahoo.call("orderList", &asked).await.text());
    assert_eq!(answer.paths(), Xml::parse(&sample("order_list_response_page1.xml")).paths());
    assert_eq!(answer.at("Search").all("OrderInfo").count(), 3);
    let none = yahoo.call("orderList", &page).await.text();
    assert_eq!(none, sample("order_list_response_none.xml"));
}

#[tokio::test]
async fn pages_join_to_the_whole_in_either_order() {
    let yahoo = Yahoo::start().await;
    let week = span(start_time() - DAY * 7, start_time() - HOUR);
    let whole = yahoo.numbers(&week).await;
    assert!(whole.len() > 350, "{}", whole.len());
    let mut joined = Vec::new();
    let mut start = 1;
    loop {
        let answer = yahoo.list(&week, "OrderId,OrderTime", 150, start).await;
        assert_eq!(answer.get("Search/TotalCount"), whole.len().to_string());
        for row in answer.at("Search").all("OrderInfo") {
            assert_eq!(row.get("Index"), (joined.len() + 1).to_string());
            joined.push(row.get("OrderId").to_owned());
        }
        start += 150;
        if start > whole.len() {
            break;
        }
    }
    assert_eq!(joined, whole);
    let beyond = yahoo.call("orderList", &search(&week, "OrderId", 10, 5_000)).await.text();
    let sampled = sample("order_list_response_start_beyond.xml");
    assert_eq!(beyond, sampled.replace(">5<", &format!(">{}<", whole.len())));
    let backwards = search(&week, "OrderId", 2_000, 1).replace("+order_time", "-order_time");
    let answer = Xml::parse(&yahoo.call("orderList", &backwards).await.text());
    let mut numbers: Vec<String> =
        answer.at("Search").all("OrderInfo").map(|r| r.get("OrderId").to_owned()).collect();
    numbers.reverse();
    assert_eq!(numbers, whole);
}

#[tokio::test]
async fn bad_requests_name_the_parameter() {
    let yahoo = Yahoo::start().await;
    let good = search(&span(start_time() - DAY, start_time()), "OrderId", 10, 1);
    let cases = [
        ("<Result>10</Result>", "<Result>2001</Result>", "Result"),
        ("<Result>10</Result>", "<Result>ten</Result>", "Result"),
        ("<Start>1</Start>", "<Start>0</Start>", "Start"),
        ("<Sort>+order_time</Sort>", "<Sort>order_time</Sort>", "Sort"),
        ("<Sort>", "<Page>1</Page><Sort>", "Page"),
        ("<Field>OrderId</Field>", "", "Field"),
        ("<Field>OrderId</Field>", "<Field>OrderId, OrderTime</Field>", " OrderTime"),
        ("<Field>OrderId</Field>", "<Field>OrderId,ItemId</Field>", "ItemId"),
        ("<Condition>", "<Condition><Mirai>1</Mirai>", "Mirai"),
        ("<Condition>", "<Condition><OrderStatus>8</OrderStatus>", "OrderStatus"),
        ("<Condition>", "<Condition><IsSeen>1</IsSeen>", "IsSeen"),
        ("<Condition>", "<Condition><ReadOnlyMode>3</ReadOnlyMode>", "ReadOnlyMode"),
        ("<Condition>", "<Condition><ShipDate>20260230</ShipDate>", "ShipDate"),
        ("<OrderTimeFrom>2026", "<OrderTimeFrom>2026-", "OrderTimeFrom"),
        ("<SellerId>", "<Extra/><SellerId>", "Extra"),
        ("</Req>", "", "Req"),
        ("<Req>", "<!DOCTYPE x><Req>", "Req"),
        ("sim-store</SellerId>", "sim-store&x;</SellerId>", "Req"),
    ];
    for (old, new, name) in cases {
        assert!(good.contains(old), "{old}");
        let reply = yahoo.call("orderList", &good.replace(old, new)).await;
        let error = Xml::parse(&reply.text());
        assert_eq!(reply.status, 400, "{new}: {}", reply.text());
        assert_eq!(
            (error.get("Code"), error.at("Message").text.as_str()),
            ("od90101", format!("Request Parameter Error : {name}").as_str())
        );
    }
    let unbound = yahoo.call("orderList", &search("<IsSeen>false</IsSeen>", "OrderId", 10, 1)).await;
    assert_eq!(unbound.status, 400);
    let comments = good.replace("<Req>", "<?xml version=\"1.0\"?>\n<!-- hello --><Req>\n");
    assert_eq!(yahoo.call("orderList", &comments).await.status, 200);
    assert_eq!(yahoo.call("orderList", "SellerId=sim-store").await.status, 400);

    let number = &facts(&yahoo)[0].order_number;
    for (fields, name) in
        [("OrderId,IsGift", "IsGift"), ("IsCashOnDelivery", "IsCashOnDelivery"), ("", "Field")]
    {
        let reply = yahoo.info(number, fields).await;
        assert!(
            reply.status == 400 && reply.text().contains(&format!("Error : {name}<")),
            "{}",
            reply.text()
        );
    }
    assert_eq!(yahoo.info(number, &"OrderId,".repeat(1_300)).await.status, 400);
    for unknown in ["sim-store-1", "sim-store-99999999999", "other-10000000"] {
        let reply = yahoo.info(unknown, "OrderId").await;
        assert_eq!((reply.status, reply.text()), (404, sample("error_404_not_exists.xml")));
    }
    yahoo.sim.world.switch(|s| {
        s.yahoo.fields_gone.insert("OrderTime".into());
    });
    assert_eq!(yahoo.info(number, "OrderId,OrderTime").await.status, 400);
    assert_eq!(yahoo.info(number, "OrderId").await.status, 200);
}

#[tokio::test]
async fn the_same_world_shows_the_same_orders_however_many_there_are() {
    let many = Catalogue::spread(start_time(), DAY * 400, 400_000);
    let (one, two) = (Yahoo::with(many).await, Yahoo::with(many).await);
    let last = span(start_time() - DAY, start_time());
    let numbers = one.numbers(&last).await;
    assert!(numbers.len() > 850, "{}", numbers.len());
    assert_eq!(numbers, two.numbers(&last).await);
    let fields = all_fields();
    for number in [&numbers[0], &numbers[400], &"sim-store-10000000".to_owned()] {
        assert_eq!(one.info(number, &fields).await.text(), two.info(number, &fields).await.text());
    }
}

#[tokio::test]
async fn faults_break_answers_as_they_say() {
    let yahoo = Yahoo::start().await;
    let week =
        search(&span(start_time() - DAY * 2, start_time() - DAY), "OrderId,TotalPrice,OrderStatus", 5, 1);
    let good = yahoo.call("orderList", &week).await.text();
    let struck = async |fault: Fault| {
        yahoo.sim.fault("orderList", fault);
        yahoo.call("orderList", &week).await
    };
    assert_eq!(struck(Fault::Truncated).await.body.len(), good.len() / 2);
    assert!(struck(Fault::EmptyBody).await.body.is_empty());
    assert!(struck(Fault::Bom).await.body.starts_with(b"\xEF\xBB\xBF<?xml"));
    assert!(struck(Fault::Doctype).await.text().contains("<!DOCTYPE ResultSet"));
    assert!(struck(Fault::WrongShape).await.text().contains("<Answer>"));
    let rows = |text: &str| {
        let answer = Xml::parse(text);
        let rows: Vec<[String; 3]> = answer
            .at("Search")
            .all("OrderInfo")
            .map(|r| ["OrderId", "TotalPrice", "OrderStatus"].map(|n| r.get(n).to_owned()))
            .collect();
        rows
    };
    let whole = rows(&good);
    assert_eq!(rows(&struck(Fault::ExtraElements).await.text()), whole);
    assert_eq!(rows(&struck(Fault::Decorated).await.text()), whole);
    assert_eq!(rows(&struck(Fault::Withhold).await.text()), whole[1..]);
    let tamper = Fault::Tamper {
        orders: [whole[1][0].clone()].into(),
        place: "/TotalPrice".into(),
        value: json!("12,000"),
    };
    let tampered = rows(&struck(tamper).await.text());
    assert_eq!((tampered[1][1].as_str(), &tampered[0], &tampered[2]), ("12,000", &whole[0], &whole[2]));
    let html =
        struck(Fault::Status { status: 503, body: Default::default(), effect: false, retry_after: 3 }).await;
    assert_eq!(html.status, 503);
    assert_eq!(struck(Fault::MaintenancePage).await.status, 200);
    let number = &whole[0][0];
    yahoo.sim.world.set_fault(Rule {
        order: number.clone(),
        times: 1,
        fault: Fault::Withhold,
        ..Rule::default()
    });
    assert_eq!(yahoo.info(number, "OrderId").await.status, 404);
    assert_eq!(yahoo.info(number, "OrderId").await.status, 200);
    yahoo.sim.fault("orderList", Fault::Auth { code: "invalid_token".into() });
    assert_eq!(yahoo.call("orderList", &week).await.status, 401);
}

#[tokio::test]
async fn personal_data_can_be_blanked_with_time() {
    let yahoo = Yahoo::start().await;
    let names = "BillLastName,ShipLastName,BillMailAddress,ShipAddress1,OrderStatus";
    let plain = facts(&yahoo).into_iter().find(|f| f.payment.contains("カード")).unwrap().order_number;
    assert!(!shown(&yahoo, &plain, names).await.get("Ship/ShipLastName").is_empty());
    yahoo.sim.world.switch(|s| s.yahoo.blank_personal_after_days = 30);
    let order = shown(&yahoo, &plain, names).await;
    for path in ["Pay/BillLastName", "Pay/BillMailAddress", "Ship/ShipLastName", "Ship/ShipAddress1"] {
        assert_eq!(order.get(path), "", "{path}");
    }
    assert!(!order.get("OrderStatus").is_empty());
}
