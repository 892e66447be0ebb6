//! rakuten-rms.md §6.1 to §6.3: orders confirmed, shipments reported, and what reads, searches and books say of it.

use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::sim::{Fact, ShippingDates, WriteEffect};
use serde_json::{Value, json};

use crate::client::{DAY, start_time};
use crate::rakuten_rig::{
    HOUR, SHIP, SHOP, baskets, book, codes, found, in_status, one, order, row, sample, seek, shown, stamp,
    start,
};

#[tokio::test]
async fn confirming_names_each_order_and_moves_it_on_for_good() {
    let sim = start().await;
    let unfixed = seek(&sim, |f| f.status == "100" && f.due.is_none());
    let new = seek(&sim, |f| f.status == "100" && f.due.is_some() && f.payment == "クレジットカード");
    let numbers = [new.clone(), seek(&sim, |f| f.canceled), seek(&sim, in_status("300")), unfixed];
    let mut body = sample("30-confirmOrder-request");
    body["orderNumberList"] = json!(numbers);
    let (status, answer) = sim.rakuten("confirmOrder", &body).await;
    let expected = sample("31-confirmOrder-response-mixed");
    assert_eq!((status, codes(&answer)), (200, codes(&expected)));
    for (n, number) in numbers.iter().enumerate() {
        let message = answer["MessageModelList"][n].as_object().unwrap();
        assert_eq!(message["orderNumber"], *number);
        assert!(message.keys().eq(expected["MessageModelList"][n].as_object().unwrap().keys()));
    }
    let now = sim.world.now();
    let order = order(&sim, &new).await;
    assert_eq!((&order["orderProgress"], &order["shopOrderCfmDatetime"]), (&json!(200), &json!(stamp(now))));
    assert!(found(&sim, 2, now, now).await.contains(&new));
    sim.clock.advance(Duration::from_secs(300));
    assert_eq!(shown(&sim, &new).status, "300");

    let again = json!({ "orderNumberList": [new, "345678-20260401-0999999999"] });
    let (status, answer) = sim.rakuten("confirmOrder", &again).await;
    assert_eq!((status, codes(&answer)), (200, vec!["ERROR_103".to_owned(), "ERROR_016".to_owned()]));
    let new = book(&sim, &new);
    assert_eq!((new.confirmations, new.effective, new.repeated, new.forbidden), (1, 1, 1, 0));
    assert_eq!(book(&sim, &numbers[1]).forbidden, 1, "a cancelled order");
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    for (body, code) in [
        (json!({}), "ERROR_009"),
        (json!({ "orderNumberList": [] }), "ERROR_010"),
        (json!({ "orderNumberList": many }), "ERROR_011"),
        (json!({ "orderNumberList": [1] }), "ERROR_011"),
        (json!([]), "ERROR_009"),
    ] {
        let (status, answer) = sim.rakuten("confirmOrder", &body).await;
        assert_eq!((status, codes(&answer)), (400, vec![code.to_owned()]), "{body}");
    }
}

#[tokio::test]
async fn without_staff_orders_wait_for_a_call_and_are_lost_after_fourteen_days() {
    let sim = start().await;
    sim.world.switch(|s| (s.rakuten.staff_confirms, s.rakuten.staff_ships) = (false, true));
    let facts: Vec<Fact> = sim.world.truth(SHOP).collect();
    let age = |f: &Fact| sim.world.now().since(f.ordered_at);
    assert!(facts.iter().filter(|f| age(f) < DAY * 14).all(|f| ["100", "800", "900"].contains(&&*f.status)));
    // Reservations wait for their day.
    let late = facts.iter().filter(|f| age(f) > DAY * 14 && !f.canceled).count();
    assert!(late > 0 && late < facts.len() / 10, "{late}");
    let waiting = seek(&sim, |f| f.status == "100" && f.payment == "代金引換" && f.due.is_some());
    let ordered_at = sim.world.truth(SHOP).find(|f| f.order_number == waiting).unwrap().ordered_at;
    sim.clock.advance((ordered_at + DAY * 14).since(sim.world.now()) - HOUR);
    assert_eq!(shown(&sim, &waiting).status, "100");
    sim.clock.advance(HOUR * 2);
    assert_eq!(shown(&sim, &waiting).status, "900");
    // One that is confirmed is shipped by the staff, prepaid ones once they are paid.
    let new = seek(&sim, |f| f.status == "100" && f.payment == "セブンイレブン（前払）");
    sim.world.switch(|s| s.rakuten.handling_s = 60);
    let (_, answer) = sim.rakuten("confirmOrder", &json!({ "orderNumberList": [new] })).await;
    assert_eq!(codes(&answer), ["INFO_101"]);
    sim.clock.advance(HOUR);
    assert_eq!(shown(&sim, &new).status, "200");
}

#[tokio::test]
async fn an_order_is_closed_once_every_parcel_has_a_whole_row() {
    let sim = start().await;
    let number = seek(&sim, |f| f.status == "300" && f.packages == 2 && f.due.is_some());
    let ids = baskets(&sim, &number).await;
    assert_eq!(codes(&sim.rakuten(SHIP, &one(&number, ids[0], json!([row("1")]))).await.1), ["INFO_101"]);
    let half = order(&sim, &number).await;
    assert_eq!((&half["orderProgress"], &half["shippingCmplRptDatetime"]), (&json!(300), &json!(null)));
    let first = half["PackageModelList"][0]["ShippingModelList"][0].clone();
    assert_eq!(first["deliveryCompanyName"], "ヤマト運輸");

    // A row without a number keeps the order open; the sample's form has the two parcels in one call.
    let lacking = json!([{ "deliveryCompany": "1003", "shippingDate": "2026-04-21" }]);
    let (_, answer) = sim.rakuten(SHIP, &one(&number, ids[1], lacking)).await;
    let detail = answer["MessageModelList"][0]["shippingDetailId"].as_u64().unwrap();
    assert!(detail > first["shippingDetailId"].as_u64().unwrap(), "new ids ascend");
    assert_eq!(shown(&sim, &number).status, "300");
    let now = sim.world.now();
    let given = json!([{ "shippingDetailId": detail, "shippingNumber": "280000000102" }]);
    let (status, answer) = sim.rakuten(SHIP, &one(&number, ids[1], given)).await;
    assert_eq!((status, codes(&answer)), (200, vec!["INFO_102".to_owned()]));
    let whole = order(&sim, &number).await;
    assert_eq!(
        (&whole["orderProgress"], &whole["shippingCmplRptDatetime"]),
        (&json!(500), &json!(stamp(now)))
    );
    let second = &whole["PackageModelList"][1]["ShippingModelList"][0];
    let expected = json!({
        "shippingDetailId": detail, "shippingNumber": "280000000102", "deliveryCompany": "1003",
        "deliveryCompanyName": "日本郵便", "shippingDate": "2026-04-21",
    });
    assert_eq!(second, &expected, "what was absent stayed as it was");
    assert!(found(&sim, 5, now, now).await.contains(&number));
    let midnight = Timestamp::jst_midnight(start_time().jst_date());
    assert!(found(&sim, 4, midnight, midnight).await.contains(&number));
    let sums = book(&sim, &number);
    assert_eq!((sums.shipments, sums.effective, sums.repeated, sums.forbidden), (1, 3, 0, 0));
    assert_eq!(
        (sums.parcels[&ids[0].to_string()].effective, sums.parcels[&ids[1].to_string()].effective),
        (1, 2)
    );

    // Not idempotent: a repeated add is a second row.
    assert_eq!(codes(&sim.rakuten(SHIP, &one(&number, ids[0], json!([row("1")]))).await.1), ["INFO_101"]);
    assert_eq!(shown(&sim, &number).parcels[&ids[0].to_string()].len(), 2);
    let sums = book(&sim, &number);
    assert_eq!((sums.shipments, sums.repeated, sums.parcels[&ids[0].to_string()].repeated), (1, 1, 1));
    assert_eq!(sim.world.write_entries(&number).last().unwrap().effect, WriteEffect::Repeated);
    sim.clock.advance(DAY * 5);
    assert_eq!(shown(&sim, &number).status, "700", "the sale is claimed");
}

#[tokio::test]
async fn requests_and_answers_are_those_of_the_samples() {
    let sim = start().await;
    let number = seek(&sim, |f| f.status == "300" && f.packages == 2 && f.due.is_some());
    let ids = baskets(&sim, &number).await;
    let mut add = sample("40-updateOrderShipping-request-add");
    add["orderNumber"] = json!(number);
    for (n, id) in ids.iter().enumerate() {
        add["BasketidModelList"][n]["basketId"] = json!(id);
    }
    let (status, mut answer) = sim.rakuten(SHIP, &add).await;
    let mut expected = sample("41-updateOrderShipping-response-add");
    let rows: Vec<Value> = (0..2).map(|n| answer["MessageModelList"][n]["shippingDetailId"].take()).collect();
    for n in 0..2 {
        expected["MessageModelList"][n]["shippingDetailId"].take();
    }
    assert_eq!((status, answer), (200, expected));
    assert_eq!(shown(&sim, &number).status, "500");

    let mut extra = row("390000000102");
    extra["shippingDetailId"] = json!(null);
    let (_, answer) = sim.rakuten(SHIP, &one(&number, ids[0], json!([extra]))).await;
    let second = answer["MessageModelList"][0]["shippingDetailId"].clone();
    let mut change = sample("42-updateOrderShipping-request-change-delete");
    change["orderNumber"] = json!(number);
    change["BasketidModelList"][0]["basketId"] = json!(ids[0]);
    let mut expected = sample("43-updateOrderShipping-response-change-delete");
    for (n, id) in [&rows[0], &second].into_iter().enumerate() {
        change["BasketidModelList"][0]["ShippingModelList"][n]["shippingDetailId"] = id.clone();
        expected["MessageModelList"][n]["shippingDetailId"] = id.clone();
    }
    assert_eq!(sim.rakuten(SHIP, &change).await, (200, expected));
    let left = &shown(&sim, &number).parcels[&ids[0].to_string()];
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].number.as_str(), left[0].carrier.as_str()), ("390000000099", "1001"));

    let canceled = seek(&sim, |f| f.canceled);
    let id = baskets(&sim, &canceled).await[0];
    let refused = sim.rakuten(SHIP, &one(&canceled, id, json!([row("1")]))).await;
    assert_eq!(refused, (200, sample("45-updateOrderShipping-response-error-cancelled")));
    let wrong = json!([
        { "shippingDetailId": 904_000_001, "shippingDate": "2026/04/03" },
        { "deliveryCompany": "佐川急便", "shippingNumber": "1", "shippingDate": "2026-04-03" },
    ]);
    let refused = sim.rakuten(SHIP, &one(&number, ids[0], wrong)).await;
    assert_eq!(refused, (400, sample("44-updateOrderShipping-response-error-format")));
    sim.world.switch(|s| s.rakuten.ids_withheld = true);
    let (status, answer) = sim.rakuten(SHIP, &one(&number, ids[0], json!([row("3")]))).await;
    assert_eq!((status, codes(&answer)), (200, codes(&sample("46-updateOrderShipping-response-warning"))));
    assert_eq!(answer["MessageModelList"][0]["shippingDetailId"], json!(null));
    assert_eq!(shown(&sim, &number).parcels[&ids[0].to_string()].len(), 2, "done nevertheless");
}

#[tokio::test]
async fn each_wrong_member_of_a_shipment_is_named_and_nothing_is_done() {
    let sim = start().await;
    let number = seek(&sim, in_status("300"));
    let basket = baskets(&sim, &number).await[0];
    let with = |member: &str, value: Value| {
        let mut changed = row("390000000101");
        changed[member] = value;
        one(&number, basket, json!([row("390000000100"), changed]))
    };
    let twenty_one: Vec<Value> = (0..21).map(|n| row(&n.to_string())).collect();
    let twice = json!([{ "basketId": basket, "ShippingModelList": [row("1")] }, { "basketId": basket, "ShippingModelList": [row("2")] }]);
    let long = "1".repeat(121);
    for (body, code, member, data_number) in [
        (json!({}), "009", "orderNumber", json!(null)),
        (json!({ "orderNumber": "", "BasketidModelList": [] }), "010", "orderNumber", json!(null)),
        (json!({ "orderNumber": number }), "009", "BasketidModelList", json!(null)),
        (json!({ "orderNumber": number, "BasketidModelList": [{}] }), "009", "basketId", json!(null)),
        (json!({ "orderNumber": number, "BasketidModelList": twice }), "011", "basketId", json!(null)),
        (one(&number, basket, json!([])), "010", "ShippingModelList", json!(null)),
        (one(&number, basket, json!(twenty_one)), "011", "ShippingModelList", json!(null)),
        (one(&number, basket + 1, json!([row("1")])), "011", "basketId", json!(1)),
        (with("shippingDetailId", json!(1)), "011", "shippingDetailId", json!(2)),
        (with("shippingDetailId", json!("x")), "011", "shippingDetailId", json!(2)),
        (with("deliveryCompany", json!("ヤマト運輸")), "011", "deliveryCompany", json!(2)),
        (with("deliveryCompany", json!("1099")), "011", "deliveryCompany", json!(2)),
        (with("deliveryCompany", json!(1001)), "011", "deliveryCompany", json!(2)),
        (with("deliveryCompany", json!("")), "010", "deliveryCompany", json!(2)),
        (with("deliveryCompany", json!(null)), "010", "deliveryCompany", json!(2)),
        (with("shippingNumber", json!(long)), "011", "shippingNumber", json!(2)),
        (with("shippingNumber", json!("①23")), "011", "shippingNumber", json!(2)),
        (with("shippingNumber", json!(390)), "011", "shippingNumber", json!(2)),
        (with("shippingDate", json!("2018/01/25")), "011", "shippingDate", json!(2)),
        (with("shippingDate", json!("20260425")), "011", "shippingDate", json!(2)),
        (with("shippingDate", json!("2026-02-30")), "011", "shippingDate", json!(2)),
        (with("shippingDeleteFlag", json!(2)), "011", "shippingDeleteFlag", json!(2)),
        (with("shippingDeleteFlag", json!(1)), "009", "shippingDetailId", json!(2)),
    ] {
        let (status, answer) = sim.rakuten(SHIP, &body).await;
        let message = &answer["MessageModelList"][0];
        assert_eq!((status, codes(&answer)[0].as_str()), (400, format!("ERROR_{code}").as_str()), "{body}");
        assert!(message["message"].as_str().unwrap().starts_with(member), "{body}: {message}");
        assert_eq!(message["dataNumber"], data_number, "{body}");
    }
    let rows = &shown(&sim, &number).parcels[&basket.to_string()];
    assert!(rows.is_empty(), "{rows:?}");
    let sums = book(&sim, &number);
    assert!(sums.refused > 15 && sums.effective == 0);
    sim.world.switch(|s| s.rakuten.shipping_dates = ShippingDates::Compact);
    assert_eq!(sim.rakuten(SHIP, &with("shippingDate", json!("20260425"))).await.0, 400, "the other row's");
    let compact = json!([{ "deliveryCompany": "1001", "shippingNumber": "1", "shippingDate": "20260425" }]);
    assert_eq!(sim.rakuten(SHIP, &one(&number, basket, compact)).await.0, 200);
    assert_eq!(shown(&sim, &number).parcels[&basket.to_string()][0].date, "2026-04-25");
    let (status, answer) = sim.rakuten(SHIP, &one("345678-20260401-0999999999", 1, json!([{}]))).await;
    assert_eq!((status, codes(&answer)), (200, vec!["ERROR_016".to_owned()]));
}

#[tokio::test]
async fn shipments_of_orders_that_must_not_ship_are_refused_or_counted() {
    let sim = start().await;
    for (status, code) in [
        ("100", "ERROR_101"),
        ("200", "ERROR_101"),
        ("400", "ERROR_101"),
        ("800", "ERROR_101"),
        ("900", "ERROR_102"),
    ] {
        let number = seek(&sim, |f| f.status == status);
        let basket = baskets(&sim, &number).await[0];
        let (http, answer) = sim.rakuten(SHIP, &one(&number, basket, json!([row("1")]))).await;
        assert_eq!((http, codes(&answer)), (200, vec![code.to_owned()]), "{status}");
        let sums = book(&sim, &number);
        assert_eq!((sums.forbidden, sums.forbidden_taken, sums.refused), (1, 0, 1), "{status}");
    }
    // Under Rakuten's check an order is 300, and the call is taken.
    let mut checked = None;
    while checked.is_none() {
        sim.clock.advance(HOUR * 6);
        let ready: Vec<String> =
            sim.world.truth(SHOP).filter(in_status("300")).map(|f| f.order_number).collect();
        for numbers in ready.chunks(100).rev().take(4) {
            let body = json!({ "orderNumberList": numbers, "version": 10 });
            let (_, answer) = sim.rakuten("getOrder", &body).await;
            let mut orders = answer["OrderModelList"].as_array().unwrap().iter();
            let flagged = orders.find(|order| order["rakutenConfirmFlag"] == 1);
            checked = checked.or(flagged.map(|order| order["orderNumber"].as_str().unwrap().to_owned()));
        }
    }
    let number = checked.unwrap();
    let basket = baskets(&sim, &number).await[0];
    assert_eq!(codes(&sim.rakuten(SHIP, &one(&number, basket, json!([row("1")]))).await.1), ["INFO_101"]);
    let last = sim.world.write_entries(&number).pop().unwrap();
    assert_eq!((last.must_not_ship, book(&sim, &number).forbidden_taken), (Some("mall_check"), 1));
}
