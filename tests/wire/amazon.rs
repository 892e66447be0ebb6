//! Amazon: samples through the parser (amazon-sp-api.md).

#![cfg(test)]

mod calls;
mod sandbox;
mod simulated;

use std::path::PathBuf;

use bytes::Bytes;
use mallsync::clock::Timestamp;
use mallsync::domain::ids::OrderRef;
use mallsync::domain::order::{
    Carrier, FulfilledBy, Order, PaymentMethod, PaymentStatus, PendingReason, Status,
};
use mallsync::http::{Fault, Response};
use mallsync::malls::Details;
use mallsync::malls::amazon::wire::{OrderAnswer, SearchAnswer, SearchRequest, decode, told_pace};
use mallsync::malls::amazon::{get, read_order, read_orders, search};
use proptest::prelude::*;
use serde_json::{Value, json};

fn sample(name: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/amazon");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-09-01T16:00:00+09:00").unwrap()
}

fn response(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Response {
    Response {
        status,
        headers: headers.iter().map(|(n, v)| (n.to_lowercase(), (*v).to_owned())).collect(),
        body: Bytes::copy_from_slice(body),
        sent_at: now(),
        server_time: None,
    }
}

/// Every sample of the Orders API with its operation, as the HTTP answer it stands for.
fn answers() -> Vec<(String, String, Response)> {
    let index = sample("index.json");
    let mut answers = Vec::new();
    for entry in index["entries"].as_array().unwrap() {
        let text = |key: &str| entry[key].as_str().unwrap().to_owned();
        if text("api") == "lwa" {
            continue;
        }
        let status = u16::try_from(entry["status"].as_u64().unwrap()).unwrap();
        let headers: Vec<(&str, &str)> = entry["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str().unwrap()))
            .collect();
        let body = sample(&text("file")).to_string();
        answers.push((text("file"), text("operation"), response(status, &headers, body.as_bytes())));
    }
    assert!(answers.len() > 22);
    answers
}

/// The orders of a whole answer.
fn read_answer(operation: &str, response: &Response) -> Result<Details, Fault> {
    Ok(match operation {
        "getOrder" => {
            let answer = decode::<OrderAnswer>(response)?;
            read_orders(answer.order.iter().map(AsRef::as_ref), response.sent_at)
        }
        _ => read_orders(decode::<SearchAnswer>(response)?.orders(), response.sent_at),
    })
}

fn outcome(operation: &str, response: &Response) -> Result<String, Fault> {
    let read = read_answer(operation, response)?;
    let token = decode::<SearchAnswer>(response).ok().and_then(|a| Some((a.next_token()?.len(), a.bound())));
    Ok(format!("{} orders, {} bad; next {token:?}", read.orders.len(), read.bad.len()))
}

#[test]
fn every_answer_has_its_meaning() {
    let outcomes: Vec<String> = answers()
        .iter()
        .map(|(file, operation, response)| match outcome(operation, response) {
            Ok(data) => format!("{file}: {data}; pace {:?}", told_pace(response)),
            Err(fault) => format!("{file}: {} | {fault}", fault.kind()),
        })
        .collect();
    insta::assert_json_snapshot!(outcomes);
}

#[test]
fn every_order_lands_in_the_one_shape() {
    for (file, operation, answer) in answers().into_iter().filter(|(.., answer)| answer.status == 200) {
        let read = read_answer(&operation, &answer).unwrap();
        assert!(read.bad.is_empty(), "{file}: {:?}", read.bad);
        let orders: Vec<_> = read.orders.iter().map(|f| &f.order).collect();
        insta::assert_json_snapshot!(file.trim_end_matches(".json"), orders);
    }
}

#[test]
fn every_prefix_of_every_answer_is_a_fault() {
    for (file, operation, whole) in answers() {
        for end in 0..whole.body.len() {
            let cut = Response { body: whole.body.slice(..end), ..whole.clone() };
            let fault = read_answer(&operation, &cut).expect_err(&file);
            if whole.status == 200 {
                assert_eq!(fault.kind(), "transient", "{file} cut after {end} bytes");
            }
        }
    }
}

#[test]
fn what_is_sent_is_kept_member_by_member() {
    for (file, operation, answer) in answers().into_iter().filter(|(.., answer)| answer.status == 200) {
        let body = sample(&file);
        let sent = body["orders"].as_array().cloned().unwrap_or_else(|| vec![body["order"].clone()]);
        let read = read_answer(&operation, &answer).unwrap();
        let kept: Vec<Value> = read.orders.iter().map(|f| serde_json::from_slice(&f.raw).unwrap()).collect();
        assert_eq!(kept, sent, "{file}");
    }
}

#[test]
fn requests_are_those_of_the_contract() {
    let index = sample("index.json");
    for entry in index["entries"].as_array().unwrap() {
        let sent: Vec<(String, String)> = match entry["file"].as_str().unwrap() {
            file @ ("v2026-searchOrders-page1.json" | "v2026-searchOrders-page2-last.json") => {
                let request = SearchRequest {
                    last_updated_after: Some("2026-09-01T02:55:00Z".into()),
                    ..SearchRequest::new("A1VC38T7YXB528")
                };
                let page1 = sample("v2026-searchOrders-page1.json");
                let token =
                    file.contains("page2").then(|| page1["pagination"]["nextToken"].as_str().unwrap());
                let ask = search(&request, token);
                assert_eq!(ask.path, entry["path"].as_str().unwrap());
                ask.query.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()
            }
            "v2026-getOrder-cancelled.json" => {
                let ask = get(&OrderRef::new("250-1000005-0000005")).unwrap();
                assert_eq!(ask.path, entry["path"].as_str().unwrap());
                ask.query.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()
            }
            _ => continue,
        };
        let wanted = entry["query"].as_object().unwrap();
        assert_eq!(sent.len(), wanted.len());
        assert!(sent.iter().all(|(name, value)| wanted[name] == json!(value)), "{sent:?}");
    }
    assert!(get(&OrderRef::new("answer, entry 3")).is_none(), "what stands in for a number is not asked for");
    assert!(get(&OrderRef::new("../x")).is_none());
}

#[test]
fn envelopes_that_no_sample_shows() {
    let html = "<!DOCTYPE html><html><head><title>503 Service Unavailable</title></head></html>".as_bytes();
    let kind = |status, headers: &[(&str, &str)], body: &[u8]| {
        outcome("searchOrders", &response(status, headers, body)).unwrap_err()
    };
    let down = kind(503, &[("content-type", "text/html"), ("x-amzn-RequestId", "r-1")], html);
    let told = "HTTP 503: - an HTML or XML page titled \"503 Service Unavailable\" (request r-1)";
    assert_eq!(down, Fault::Transient(told.into()));
    assert_eq!(kind(503, &[], b"").kind(), "transient");
    assert_eq!(kind(504, &[], b"{}").kind(), "transient");
    assert_eq!(kind(200, &[("content-type", "text/html")], html).kind(), "transient");
    assert_eq!(kind(200, &[], b"").kind(), "transient");
    assert_eq!(kind(200, &[("content-type", "text/plain; charset=utf-16")], b"{}").kind(), "transient");
    // An answer without its list must not move the watermark past orders that nobody has seen.
    for foreign in ["{}", r#"{"orders":null}"#, r#"{"payload":{"Orders":[]}}"#, r#"{"orders":{}}"#] {
        assert_eq!(kind(200, &[], foreign.as_bytes()).kind(), "malformed", "{foreign}");
    }
    let quota = br#"{"errors":[{"code":"QuotaExceeded","message":"You exceeded your quota"}]}"#;
    assert_eq!(kind(200, &[], quota), Fault::Throttled { until: None });
    assert_eq!(kind(429, &[("retry-after", "1")], b"").kind(), "throttled");
    assert_eq!(kind(401, &[], b"").kind(), "auth");
    assert_eq!(kind(403, &[], br#"{"message":"Forbidden"}"#).kind(), "auth");
    assert_eq!(kind(403, &[], br#"{"errors":[{"code":"MissingAuthenticationToken"}]}"#).kind(), "auth");
    for status in [302, 400, 404, 413, 415] {
        assert_eq!(kind(status, &[], b"no").kind(), "rejected", "{status}");
    }
    let typed = kind(
        400,
        &[("x-amzn-ErrorType", "InvalidQueryStringException")],
        br#"{"errors":[{"code":"400","message":null}]}"#,
    );
    assert_eq!(
        typed,
        Fault::Rejected { code: "400 400".into(), message: "InvalidQueryStringException".into() }
    );
    let bom = ["\u{FEFF}".as_bytes(), br#"{"orders":[null]}"#].concat();
    assert_eq!(read_answer("searchOrders", &response(200, &[], &bom)).unwrap().orders.len(), 0);
}

#[test]
fn one_bad_order_does_not_spoil_the_others() {
    let mut body = sample("v2026-searchOrders-page1.json");
    body["orders"][0]["orderItems"][0]["quantityOrdered"] = json!("山田太郎");
    body["orders"][2]["orderId"] = json!(null);
    body["orders"][3]["proceeds"]["grandTotal"]["amount"] = json!("1,480円");
    let read = read_answer("searchOrders", &response(200, &[], body.to_string().as_bytes())).unwrap();
    let bad: Vec<_> = read.bad.iter().map(|b| (b.mall_order_id.as_str(), b.reason.as_str())).collect();
    let wanted = [
        ("250-1000001-0000001", "orderItems[0].quantityOrdered: has an unexpected form"),
        ("answer, entry 3", "orderId is missing"),
        ("503-1000004-0000004", "proceeds.grandTotal.amount: has an unexpected form"),
    ];
    assert_eq!(bad, wanted);
    assert_eq!(read.orders.len(), 3);
}

#[test]
fn of_an_order_that_comes_twice_the_later_state_is_kept() {
    let page = sample("v2026-searchOrders-page1.json");
    let mut body = page.clone();
    let mut moved = page["orders"][0].clone();
    moved["lastUpdatedTime"] = json!("2026-09-01T06:00:00.000Z");
    moved["fulfillment"]["fulfillmentStatus"] = json!("SHIPPED");
    body["orders"].as_array_mut().unwrap().insert(0, moved.clone());
    body["orders"].as_array_mut().unwrap().push(page["orders"][1].clone());
    let read = read_answer("searchOrders", &response(200, &[], body.to_string().as_bytes())).unwrap();
    assert_eq!(read.orders.len(), 6);
    assert_eq!(read.orders[0].order.status, Status::Shipped);
    body["orders"].as_array_mut().unwrap().rotate_left(1);
    let read = read_answer("searchOrders", &response(200, &[], body.to_string().as_bytes())).unwrap();
    assert_eq!(read.orders[0].order.status, Status::Shipped);
}

fn read(value: &Value) -> Result<Order, String> {
    read_order(&serde_json::value::to_raw_value(value).unwrap())
}

/// The order of a sample with changes at JSON pointers.
fn with(file: &str, changes: &[(&str, Value)]) -> Order {
    let mut order = sample(file)["order"].clone();
    for (place, value) in changes {
        let (parent, key) = place.rsplit_once('/').unwrap();
        match order.pointer_mut(parent).unwrap_or_else(|| panic!("{place}")) {
            Value::Array(a) => a[key.parse::<usize>().unwrap()] = value.clone(),
            other => other[key] = value.clone(),
        }
    }
    read(&order).unwrap()
}

const GIFT: &str = "v2026-getOrder-unshipped-gift-multi-item.json";

fn codes(order: &Order) -> Vec<&str> {
    order.flags.iter().map(|f| f.code.as_str()).collect()
}

#[test]
fn states_and_who_ships() {
    let status = |mall: &str, by: Value| {
        let by = ("/fulfillment/fulfilledBy", by);
        let order = with(GIFT, &[("/fulfillment/fulfillmentStatus", json!(mall)), by]);
        (order.status, order.pending_reason, order.fulfilled_by)
    };
    use FulfilledBy::{Mall, Shop};
    let merchant = || json!("MERCHANT");
    assert_eq!(status("PENDING", merchant()), (Status::Pending, Some(PendingReason::Payment), Shop));
    assert_eq!(status("PENDING_AVAILABILITY", merchant()).1, Some(PendingReason::ReleaseDate));
    assert_eq!(status("UNSHIPPED", merchant()), (Status::AwaitingShipment, None, Shop));
    assert_eq!(status("PARTIALLY_SHIPPED", merchant()).0, Status::PartiallyShipped);
    assert_eq!(status("CANCELLED", merchant()).0, Status::Canceled);
    assert_eq!(status("UNFULFILLABLE", json!("AMAZON")).0, Status::OnHold);
    assert_eq!(status("INVOICE_UNCONFIRMED", merchant()).0, Status::Unknown);
    for by in [json!("AMAZON"), json!(null), json!("SOMEBODY")] {
        let never = (Status::Pending, Some(PendingReason::MallFulfilment), Mall);
        assert_eq!(status("UNSHIPPED", by), never, "never offered for shipping");
    }
    let order = with(GIFT, &[("/fulfillment", json!(null))]);
    assert_eq!((order.status, order.mall_status.as_str()), (Status::Unknown, ""));
    assert_eq!(codes(&order), ["unknown_fulfilment", "unknown_status"]);
    let asked = ("/orderItems/1/cancellation", json!({ "cancellationRequest": { "requester": "BUYER" } }));
    assert_eq!(with(GIFT, std::slice::from_ref(&asked)).status, Status::CancelRequested);
    let shipped = ("/fulfillment/fulfillmentStatus", json!("SHIPPED"));
    assert_eq!(with(GIFT, &[asked, shipped]).status, Status::Shipped);
    let carried_out = json!({ "cancellationRequest": { "requester": "BUYER" }, "cancellationExecution": { "cancelledBy": "MERCHANT" } });
    assert_eq!(with(GIFT, &[("/orderItems/1/cancellation", carried_out)]).status, Status::AwaitingShipment);
}

#[test]
fn payments() {
    let paid = |name: &str, status: &str| {
        let name = ("/payment/paymentExecutions/0/paymentMethod", json!(name));
        let order = with(GIFT, &[name, ("/fulfillment/fulfillmentStatus", json!(status))]);
        (order.payment.method, order.payment.status)
    };
    use PaymentMethod as M;
    use PaymentStatus as S;
    assert_eq!(paid("CreditCard", "PENDING"), (M::CreditCard, S::Unpaid));
    assert_eq!(paid("CreditCard", "UNSHIPPED"), (M::CreditCard, S::Authorized));
    assert_eq!(paid("CreditCard", "SHIPPED"), (M::CreditCard, S::Paid));
    assert_eq!(paid("CreditCard", "CANCELLED"), (M::CreditCard, S::Unknown));
    assert_eq!(paid("PayPay", "PARTIALLY_SHIPPED"), (M::Wallet, S::Authorized));
    assert_eq!(paid("ConvenienceStore", "PENDING"), (M::ConvenienceStore, S::Unpaid));
    assert_eq!(paid("CVS", "UNSHIPPED"), (M::ConvenienceStore, S::Paid));
    assert_eq!(paid("Invoice", "SHIPPED"), (M::Invoice, S::Unpaid));
    assert_eq!(paid("COD", "UNSHIPPED"), (M::CashOnDelivery, S::Unpaid));
    assert_eq!(paid("GiftCertificate", "SHIPPED"), (M::Other, S::Unknown));
    let unknown = with(GIFT, &[("/payment/paymentExecutions/0/paymentMethod", json!("NewPay"))]);
    assert_eq!((unknown.payment.method, unknown.payment.mall_method.as_deref()), (M::Other, Some("NewPay")));
    assert!(unknown.unknown_payment().is_some());
    let none = with(GIFT, &[("/payment", json!(null))]);
    assert_eq!((none.payment.method, none.payment.mall_method, none.flags), (M::Other, None, vec![]));
    let free = with(GIFT, &[("/payment/paymentExecutions/0/paymentMethod", json!("PointsAccount"))]);
    assert_eq!((free.payment.method, free.payment.status), (M::Points, S::NotRequired));
    assert_eq!((free.amounts.points.unwrap().0, free.amounts.due.unwrap().0), (13_230, 0));
}

#[test]
fn amounts_are_checked_and_never_repaired() {
    let money = |amount: &str| json!({ "amount": amount, "currencyCode": "JPY" });
    assert_eq!(with(GIFT, &[]).flags, vec![]);
    let off = with(GIFT, &[("/proceeds/grandTotal", money("13231"))]);
    assert_eq!(codes(&off), ["total_mismatch", "due_mismatch"]);
    assert_eq!(off.amounts.total.unwrap().0, 13_781, "kept as given");
    // The sign of a discount is not documented.
    let minus = with(GIFT, &[("/orderItems/0/proceeds/breakdowns/2/subtotal", money("-550"))]);
    assert_eq!((minus.flags.len(), minus.amounts.other_discount.unwrap().0), (0, 550));
    let decimals = with(GIFT, &[("/proceeds/grandTotal", money("13230.00"))]);
    assert_eq!(decimals.amounts, with(GIFT, &[]).amounts);
    let fraction = with(GIFT, &[("/proceeds/grandTotal", money("13230.50"))]);
    assert_eq!((codes(&fraction), fraction.amounts.total), (vec!["fractional_yen"], None));
    let line = with(GIFT, &[("/orderItems/2/proceeds/proceedsTotal", money("71"))]);
    assert_eq!(codes(&line), ["line_total_mismatch"]);
    let piece = with(GIFT, &[("/orderItems/2/product/price/unitPrice", money("71"))]);
    assert_eq!(codes(&piece), ["line_price_mismatch"]);
    // Prices without their tax, as in the United States: told by the total alone.
    let part = |kind: &str, amount: &str| json!({ "type": kind, "subtotal": money(amount) });
    let taxed = [
        ("/orderItems", json!([sample(GIFT)["order"]["orderItems"][2]])),
        (
            "/orderItems/0/proceeds",
            json!({ "proceedsTotal": money("77"), "breakdowns": [part("ITEM", "70"), part("TAX", "7")] }),
        ),
        ("/payment/paymentExecutions/0/paymentAmount", money("77")),
    ];
    let exclusive = with(GIFT, &[&taxed[..], &[("/proceeds/grandTotal", money("77"))]].concat());
    assert_eq!((codes(&exclusive), exclusive.amounts.other_charge.unwrap().0), (vec!["tax_exclusive"], 7));
    let mut inclusive = taxed.to_vec();
    inclusive[1].1["proceedsTotal"] = money("70");
    inclusive[2].1 = money("70");
    inclusive.push(("/proceeds/grandTotal", money("70")));
    let inclusive = with(GIFT, &inclusive);
    assert_eq!(
        (inclusive.flags.len(), inclusive.amounts.total.unwrap().0),
        (0, 70),
        "a tax within the price"
    );
    // A line whose price is not known yet makes the sums unknown; a cancelled one does not.
    let half = with(GIFT, &[("/orderItems/2/proceeds", json!(null))]);
    assert_eq!((half.amounts.goods, half.amounts.due.unwrap().0), (None, 13_230));
    let cancelled = with(
        GIFT,
        &[
            ("/orderItems/2/proceeds", json!(null)),
            ("/orderItems/2/quantityOrdered", json!(0)),
            ("/proceeds/grandTotal", money("13160")),
            ("/payment/paymentExecutions/0/paymentAmount", money("13160")),
        ],
    );
    assert_eq!((codes(&cancelled).len(), cancelled.amounts.goods.unwrap().0), (0, 12_760));
    let foreign = json!({ "amount": "99.50", "currencyCode": "USD" });
    let mixed = with(GIFT, &[("/payment/paymentExecutions/0/paymentAmount", foreign.clone())]);
    assert_eq!((codes(&mixed), mixed.amounts.due.unwrap().0), (vec!["mixed_currency"], 13_230));
    let abroad = with(GIFT, &[("/proceeds/grandTotal", foreign)]);
    assert_eq!(
        (abroad.amounts.currency.as_str(), abroad.amounts.total, abroad.amounts.goods),
        ("USD", None, None)
    );
    assert_eq!(abroad.packages[0].lines[0].unit_price, None);
    let new = with(GIFT, &[("/orderItems/0/proceeds/breakdowns/1/type", json!("RECYCLING"))]);
    assert_eq!((codes(&new), new.amounts.other_charge.unwrap().0), (vec!["unknown_charge"], 550));
}

#[test]
fn addresses_and_wanted_times() {
    let address = |changes: &[(&str, Value)]| {
        let changes: Vec<_> = changes
            .iter()
            .map(|(key, value)| (format!("/recipient/deliveryAddress/{key}"), value.clone()))
            .collect();
        let changes: Vec<_> = changes.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
        let order = with(GIFT, &changes);
        order.packages[0].recipient.address.as_ref().unwrap().expose().to_owned()
    };
    let plain = "千代田区丸の内1-1-1 サンプルマンション丸の内 1203号室";
    assert_eq!(address(&[]), plain);
    assert_eq!(address(&[("city", json!("千代田区"))]), plain, "not twice");
    assert_eq!(address(&[("addressLine1", json!("東京都千代田区丸の内1-1-1"))]), plain);
    let split = [("city", json!("千代田区")), ("addressLine1", json!("丸の内1-1-1"))];
    assert_eq!(address(&split), "千代田区 丸の内1-1-1 サンプルマンション丸の内 1203号室");
    let wanted = |from: &str, to: &str| {
        let window = json!({ "scheduledDeliveryWindow": { "earliestDateTime": from, "latestDateTime": to } });
        let order = with(GIFT, &[("/orderItems/1/fulfillment/shipping", window)]);
        let package = order.packages.into_iter().next().unwrap();
        (package.requested_date.map(|d| d.to_string()).unwrap_or_default(), package.requested_time)
    };
    let day = || "2026-09-04".to_owned();
    assert_eq!(wanted("2026-09-04T05:00:00Z", "2026-09-04T07:00:00.000Z"), (day(), Some("14-16".into())));
    assert_eq!(wanted("2026-09-04T10:00:00Z", "2026-09-04T11:59:59Z"), (day(), Some("19-21".into())));
    assert_eq!(wanted("2026-09-03T15:00:00Z", "2026-09-04T14:59:59Z"), (day(), None), "the whole day");
    assert_eq!(wanted("2026-09-04T05:00:00Z", "2026-09-06T05:00:00Z"), (day(), None));
    assert_eq!(wanted("2026-09-04T05:30:00Z", "2026-09-04T07:00:00Z"), (day(), None));
}

#[test]
fn parcels_are_shown_as_the_mall_shows_them() {
    let file = "v2026-getOrder-partially-shipped.json";
    let parcel = |number: &str, carrier: &str, status: &str| {
        json!({
            "packageReferenceId": number, "carrier": carrier, "trackingNumber": format!("00{number}"),
            "packageStatus": { "status": status }, "shipTime": "2026-09-01T16:00:00Z"
        })
    };
    let parcels = json!([
        parcel("1", "Sagawa Express", "CANCELLED"),
        parcel("UK-2", "SAGAWA", "IN_TRANSIT"),
        parcel("3", "日本郵便", "SOMETHING_NEW")
    ]);
    let package = &with(file, &[("/packages", parcels)]).packages[0];
    assert_eq!(package.tracking_numbers, ["00UK-2", "003"]);
    let carriers: Vec<_> = package.shipments.iter().filter_map(|s| s.carrier).collect();
    assert_eq!(carriers, [Carrier::Sagawa, Carrier::JapanPost]);
    assert_eq!(package.shipped_on.unwrap().to_string(), "2026-09-02", "the day in Japan");
}

/// Calls `change` with every object of `value`.
fn each_object(value: &mut Value, change: &mut dyn FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(o) => {
            o.values_mut().for_each(|v| each_object(v, change));
            change(o);
        }
        Value::Array(a) => a.iter_mut().for_each(|v| each_object(v, change)),
        _ => {}
    }
}

/// Numbers become text and text that is a number becomes one.
fn swap_numbers(value: &mut Value) {
    match value {
        Value::Number(n) => *value = Value::String(n.to_string()),
        Value::String(s) if !s.starts_with('0') => {
            if let Ok(n) = s.parse::<i64>() {
                *value = json!(n);
            }
        }
        Value::Object(o) => o.values_mut().for_each(swap_numbers),
        Value::Array(a) => a.iter_mut().for_each(swap_numbers),
        _ => {}
    }
}

/// Every place in `value`, as JSON pointers.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(o) => o.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(a) => a.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        let pointer = format!("{at}/{key}");
        pointers(child, &pointer, found);
        found.push(pointer);
    }
}

fn orders() -> impl Iterator<Item = (String, Value)> {
    let files = answers().into_iter().filter(|(.., answer)| answer.status == 200).map(|(file, ..)| file);
    files.flat_map(|file| {
        let body = sample(&file);
        let list = body["orders"].as_array().cloned().unwrap_or_else(|| vec![body["order"].clone()]);
        list.into_iter().map(move |order| (file.clone(), order))
    })
}

#[test]
fn unknown_members_and_numbers_as_text_change_nothing() {
    for (file, order) in orders() {
        let plain = read(&order).unwrap();
        let mut grown = order.clone();
        each_object(&mut grown, &mut |o| {
            o.insert("someNewMember".into(), json!({ "a": [1, null, { "b": "c" }] }));
        });
        assert_eq!(read(&grown).unwrap(), plain, "{file}");
        let mut swapped = order.clone();
        swap_numbers(&mut swapped);
        assert_eq!(read(&swapped).unwrap(), plain, "{file}");
    }
}

#[test]
fn null_and_absent_are_alike_and_fail_only_what_is_no_order() {
    for (file, order) in orders() {
        let mut places = Vec::new();
        pointers(&order, "", &mut places);
        for place in places {
            let (parent, key) = place.rsplit_once('/').unwrap();
            let mut without = order.clone();
            match without.pointer_mut(parent).unwrap() {
                Value::Object(o) => o.remove(key),
                _ => continue,
            };
            let mut null = order.clone();
            *null.pointer_mut(&place).unwrap() = Value::Null;
            let (null, without) = (read(&null), read(&without));
            assert_eq!(null, without, "{file} {place}");
            let needed = matches!(place.as_str(), "/orderId" | "/createdTime") || key == "quantityOrdered";
            assert_eq!(null.is_err(), needed, "{file} {place}: {null:?}");
        }
    }
}

#[test]
fn a_pending_order_without_price_has_no_amounts() {
    let order = read(&sample("v2026-getOrder-pending-no-price.json")["order"]).unwrap();
    assert_eq!(order.amounts, mallsync::domain::order::Amounts::none("JPY"));
    assert_eq!((order.status, order.flags), (Status::Pending, vec![]));
}

proptest! {
    #[test]
    fn reading_an_order_never_panics(
        file in 0_usize..3,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..10, "\\PC{0,8}", any::<i64>()), 0..6),
    ) {
        let files = [GIFT, "v2026-getOrder-partially-shipped.json", "v2026-getOrder-cod-historical.json"];
        let mut order = sample(files[file])["order"].clone();
        for (index, kind, text, number) in changes {
            let mut places = Vec::new();
            pointers(&order, "", &mut places);
            if places.is_empty() { break; }
            let place = index.get(&places).clone();
            *order.pointer_mut(&place).unwrap() = match kind {
                0 => Value::Null,
                1 => json!(text),
                2 => json!(number),
                3 => json!(number.to_string()),
                4 => json!([text]),
                5 => json!({ "x": number }),
                6 => json!(1.5e300),
                7 => json!(true),
                8 => json!("9999-12-31T23:59:59Z"),
                _ => json!(i64::MAX),
            };
        }
        if let Ok(read) = read(&order) {
            prop_assert!(!read.mall_order_id.is_empty());
        }
    }
}
