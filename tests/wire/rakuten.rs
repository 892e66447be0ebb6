//! Rakuten: samples through the parser (rakuten-rms.md).

#![cfg(test)]

mod calls;
mod simulated;

use std::path::PathBuf;

use bytes::Bytes;
use mallsync::clock::Timestamp;
use mallsync::domain::ids::OrderRef;
use mallsync::domain::order::{PendingReason, Status};
use mallsync::http::{Fault, Response};
use mallsync::malls::Details;
use mallsync::malls::rakuten::wire::{Envelope, ExpiryAnswer, GetAnswer, SearchAnswer, decode};
use mallsync::malls::rakuten::{check, get, read_order, read_orders, search};
use proptest::prelude::*;
use serde_json::{Value, json};

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rakuten")
}

fn sample(name: &str) -> Value {
    let text = std::fs::read_to_string(fixtures().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-04-04T12:00:00+09:00").unwrap()
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

/// Every response sample with its function, as the HTTP answer it stands for.
fn answers() -> Vec<(String, String, Response)> {
    let index = sample("index.json");
    let mut answers = Vec::new();
    for entry in index["files"].as_array().unwrap() {
        let file = entry["file"].as_str().unwrap().to_owned();
        let function = entry["function"].as_str().unwrap().to_owned();
        let body = sample(&file);
        match entry["kind"].as_str().unwrap() {
            "response" => {
                let status = u16::try_from(entry["httpStatus"].as_u64().unwrap()).unwrap();
                let json = [("content-type", "application/json;charset=UTF-8")];
                answers.push((file, function, response(status, &json, body.to_string().as_bytes())));
            }
            "http" => {
                let status = u16::try_from(body["httpStatus"].as_u64().unwrap()).unwrap();
                let kind = body["headers"]["Content-Type"].as_str().unwrap();
                let text = body["bodyText"].as_str().unwrap().as_bytes();
                answers.push((file, function, response(status, &[("content-type", kind)], text)));
            }
            _ => {}
        }
    }
    assert!(answers.len() > 30);
    answers
}

fn messages(answer: &impl Envelope) -> String {
    let messages = answer.messages().unwrap_or_default();
    messages.iter().map(|m| m.code().to_owned()).collect::<Vec<_>>().join(", ")
}

fn outcome(function: &str, response: &Response) -> Result<String, Fault> {
    match function {
        "searchOrder" => {
            decode::<SearchAnswer>(response).map(|a| format!("{} numbers; {}", a.numbers.len(), messages(&a)))
        }
        "license-key/expiry-date" => {
            decode::<ExpiryAnswer>(response).map(|a| format!("{:?}", a.expiry_date.trimmed()))
        }
        _ => decode::<GetAnswer>(response).map(|a| format!("{} orders; {}", a.orders.len(), messages(&a))),
    }
}

/// What `details` makes of a sample, when exactly its numbers and `extra` were asked for.
fn details(file: &str, extra: &[&str]) -> Details {
    details_of(&sample(file), extra)
}

fn details_of(body: &Value, extra: &[&str]) -> Details {
    let answer = decode::<GetAnswer>(&response(200, &[], body.to_string().as_bytes())).unwrap();
    let refs: Vec<OrderRef> = extra.iter().map(|n| OrderRef::new(*n)).collect();
    read_orders(&answer, &refs, now())
}

fn get_order_samples() -> Vec<String> {
    let files = answers().into_iter().filter(|(_, function, r)| function == "getOrder" && r.status == 200);
    files.map(|(file, ..)| file).collect()
}

#[test]
fn every_answer_has_its_meaning() {
    let outcomes: Vec<String> = answers()
        .iter()
        .map(|(file, function, response)| match outcome(function, response) {
            Ok(data) => format!("{file}: {data}"),
            Err(fault) => format!("{file}: {} | {fault}", fault.kind()),
        })
        .collect();
    insta::assert_json_snapshot!(outcomes);
}

#[test]
fn every_order_lands_in_the_one_shape() {
    for file in get_order_samples() {
        let details = details(&file, &[]);
        assert!(details.bad.is_empty(), "{file}: {:?}", details.bad);
        let orders: Vec<_> = details.orders.iter().map(|f| &f.order).collect();
        insta::assert_json_snapshot!(file.trim_end_matches(".json"), orders);
    }
}

#[test]
fn missing_numbers_are_missing_whether_the_answer_says_so_or_not() {
    let asked = ["345678-20260403-0301000025", "345678-20240101-0000000001", "never-mentioned"];
    let read = details("17-getOrder-response-partial-missing.json", &asked);
    assert_eq!(read.orders.len(), 1);
    let missing: Vec<_> = read.missing.iter().map(|r| r.mall_order_id.as_str()).collect();
    assert_eq!(missing, asked[1..]);
    let read = details("18-getOrder-response-none-found.json", &asked);
    assert_eq!((read.orders.len(), read.missing.len()), (0, 3));
}

#[test]
fn one_bad_order_does_not_spoil_the_others() {
    let mut body = sample("16-getOrder-response-unfixed-prepay-check.json");
    body["OrderModelList"][1]["PackageModelList"][0]["ItemModelList"][0]["units"] = json!("山田太郎");
    body["OrderModelList"][2]["orderNumber"] = json!(null);
    let read = details_of(&body, &["345678-20260403-0301000031", "345678-20260403-0301000032"]);
    assert_eq!(read.orders.len(), 1);
    assert_eq!(read.bad.len(), 2);
    assert_eq!(read.bad[0].mall_order_id, "345678-20260403-0301000032");
    assert_eq!(read.bad[0].reason, "PackageModelList[0].ItemModelList[0].units: has an unexpected form");
    assert_eq!(read.bad[1].mall_order_id, "getOrder answer, entry 3");
    assert!(read.missing.is_empty(), "a bad order is not a missing one");
}

#[test]
fn what_the_contract_says_to_drop_is_not_kept() {
    let dropped = ["cardNumber", "cardOwner", "cardYm", "sex", "birthYear", "birthMonth", "birthDay"];
    for file in get_order_samples() {
        let body = sample(&file);
        let read = details(&file, &[]);
        for (fetched, sent) in read.orders.iter().zip(body["OrderModelList"].as_array().unwrap()) {
            let mut sent = sent.clone();
            each_object(&mut sent, &mut |o| o.retain(|key, _| !dropped.contains(&key.as_str())));
            assert_eq!(serde_json::from_slice::<Value>(&fetched.raw).unwrap(), sent, "{file}");
            assert!(!String::from_utf8(fetched.raw.clone()).unwrap().contains("MIHON"), "{file}");
        }
    }
}

#[test]
fn requests_are_those_of_the_contract() {
    let at = |t: &str| Timestamp::parse(t).unwrap();
    let span = (at("2026-04-01T00:00:00+09:00"), at("2026-04-03T23:59:59.999+09:00"));
    let asked = search(Some(&[100, 200, 300, 400, 800]), 1, span, (5, 1)).unwrap();
    let sent: Value = serde_json::from_slice(&asked.json).unwrap();
    assert_eq!(sent, sample("01-searchOrder-request.json"));
    let wanted = sample("10-getOrder-request.json");
    let numbers = wanted["orderNumberList"].as_array().unwrap();
    let numbers: Vec<_> = numbers.iter().map(|n| OrderRef::new(n.as_str().unwrap())).collect();
    let asked = get(&numbers.iter().collect::<Vec<_>>(), 10).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&asked.json).unwrap(), wanted);
}

#[test]
fn every_prefix_of_every_answer_is_a_fault() {
    for (file, function, whole) in answers() {
        for end in 0..whole.body.len() {
            let cut = Response { body: whole.body.slice(..end), ..whole.clone() };
            let fault = outcome(&function, &cut).expect_err(&file);
            if whole.status == 200 {
                // Not `malformed`: that would halve a batch in search of a bad order.
                assert_eq!(fault.kind(), "transient", "{file} cut after {end} bytes");
            }
        }
    }
}

#[test]
fn envelopes_that_no_sample_shows() {
    let html = "<!DOCTYPE html><html><body>メンテナンス中</body></html>".as_bytes();
    let kind = |status, headers: &[(&str, &str)], body: &[u8]| {
        outcome("getOrder", &response(status, headers, body)).unwrap_err()
    };
    assert_eq!(kind(503, &[("content-type", "text/html; charset=UTF-8")], html).kind(), "maintenance");
    assert_eq!(kind(200, &[("content-type", "text/html")], html).kind(), "transient");
    assert_eq!(kind(500, &[], b"oops").kind(), "transient");
    assert_eq!(kind(502, &[], html).kind(), "transient");
    assert_eq!(kind(404, &[], b"").kind(), "rejected");
    assert_eq!(kind(405, &[], b"").kind(), "rejected");
    assert_eq!(kind(401, &[], b"").kind(), "auth");
    let access =
        b"<result><status><systemStatus>NG</systemStatus><message>AccessLimit</message></status></result>";
    assert_eq!(kind(403, &[], access), Fault::Throttled { until: None });
    let wait = std::time::Duration::from_secs(120);
    assert_eq!(kind(429, &[("Retry-After", "120")], b""), Fault::Throttled { until: Some(now() + wait) });
    let date = kind(429, &[("Retry-After", "Sat, 04 Apr 2026 03:02:00 GMT")], b"");
    assert_eq!(date, Fault::Throttled { until: Some(now() + wait) });
    // An auth code at 400 is still an auth code (§7.2).
    let auth =
        kind(400, &[("RequestId", "r-1")], br#"{"Results":{"errorCode":"ES04-01","message":"Bad Request"}}"#);
    assert_eq!(auth, Fault::Auth { code: "ES04-01".into(), message: "Bad Request (RequestId r-1)".into() });
    // An unknown code is judged by its type.
    let error = br#"{"MessageModelList":[{"messageType":"ERROR","messageCode":"X_1","message":"no"}],"OrderModelList":null}"#;
    assert_eq!(kind(200, &[], error), Fault::Rejected { code: "X_1".into(), message: "no".into() });
    assert_eq!(kind(200, &[], br#"{"MessageModelList":"x"}"#).kind(), "malformed");
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

fn numbers_to_text(value: &mut Value) {
    match value {
        Value::Number(n) => *value = Value::String(n.to_string()),
        Value::Object(o) => o.values_mut().for_each(numbers_to_text),
        Value::Array(a) => a.iter_mut().for_each(numbers_to_text),
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

fn read(value: &Value) -> Result<mallsync::domain::order::Order, String> {
    read_order(&serde_json::value::to_raw_value(value).unwrap())
}

#[test]
fn unknown_members_and_numbers_as_text_change_nothing() {
    for file in get_order_samples() {
        for order in sample(&file)["OrderModelList"].as_array().unwrap() {
            let plain = read(order).unwrap();
            let mut grown = order.clone();
            each_object(&mut grown, &mut |o| {
                o.insert("someNewMember".into(), json!({ "a": [1, null, { "b": "c" }] }));
            });
            assert_eq!(read(&grown).unwrap(), plain, "{file}");
            let mut text = order.clone();
            numbers_to_text(&mut text);
            assert_eq!(read(&text).unwrap(), plain, "{file}");
        }
    }
}

#[test]
fn null_and_absent_are_alike_and_fail_only_what_is_no_order() {
    for file in get_order_samples() {
        for order in sample(&file)["OrderModelList"].as_array().unwrap() {
            let mut places = Vec::new();
            pointers(order, "", &mut places);
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
                let needed = matches!(key, "orderNumber" | "orderDatetime" | "units");
                let removed = place.contains("ItemModelList")
                    && order.pointer(parent).unwrap()["deleteItemFlag"] == json!(1);
                let hidden = removed
                    || order
                        .pointer(place.split("/ItemModelList").next().unwrap())
                        .is_some_and(|p| p["packageDeleteFlag"] == json!(1));
                assert_eq!(null.is_err(), needed && !hidden, "{file} {place}: {null:?}");
            }
        }
    }
}

#[test]
fn states_of_300_and_codes_never_seen() {
    let base = sample("11-getOrder-response-multi-package.json")["OrderModelList"][0].clone();
    let with = |changes: &[(&str, Value)]| {
        let mut order = base.clone();
        for (place, value) in changes {
            *order.pointer_mut(place).unwrap() = value.clone();
        }
        read(&order).unwrap()
    };
    let status = |changes: &[(&str, Value)]| {
        let order = with(changes);
        (order.status, order.pending_reason)
    };
    let row = json!([{ "shippingDetailId": 1, "shippingNumber": "1", "deliveryCompany": "1001", "shippingDate": "2026-04-03" }]);
    let half = json!([{ "shippingDetailId": 1, "shippingNumber": "1", "deliveryCompany": "1001", "shippingDate": null }]);
    assert_eq!(status(&[]), (Status::AwaitingShipment, None));
    assert_eq!(
        status(&[("/PackageModelList/0/ShippingModelList", row.clone())]),
        (Status::PartiallyShipped, None)
    );
    assert_eq!(status(&[("/PackageModelList/0/ShippingModelList", half)]), (Status::AwaitingShipment, None));
    assert_eq!(
        status(&[("/rakutenConfirmFlag", json!(1))]),
        (Status::Pending, Some(PendingReason::MallCheck))
    );
    assert_eq!(
        status(&[("/PackageModelList/1/postagePrice", json!(-9999))]),
        (Status::Pending, Some(PendingReason::NotFinal))
    );
    // A removed destination neither holds the order back nor is shown.
    let removed = with(&[
        ("/PackageModelList/1/postagePrice", json!(-9999)),
        ("/PackageModelList/1/packageDeleteFlag", json!(1)),
        ("/PackageModelList/0/ItemModelList/1/deleteItemFlag", json!(1)),
    ]);
    assert_eq!(removed.status, Status::AwaitingShipment);
    assert_eq!((removed.packages.len(), removed.packages[0].lines.len()), (1, 1));
    let gift = json!({ "sgMngNumber": "1-sg", "inputDueDate": "2026-04-10", "inputFlag": 0 });
    let gift = with(&[("/PackageModelList/0/SocialGiftModel", gift)]);
    assert_eq!(gift.pending_reason, Some(PendingReason::NotFinal));
    assert_eq!(gift.packages[0].recipient, mallsync::domain::order::Party::default());
    let unknown = with(&[
        ("/orderProgress", json!(350)),
        ("/SettlementModel/settlementMethodCode", json!(99)),
        ("/PackageModelList/0/defaultDeliveryCompanyCode", json!("2001")),
    ]);
    assert_eq!((unknown.status, unknown.mall_status.as_str()), (Status::Unknown, "350"));
    let codes: Vec<_> = unknown.flags.iter().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["unknown_status", "unknown_payment_method", "unknown_carrier"]);
    let off = with(&[("/requestPrice", json!(7495))]);
    assert_eq!(off.flags[0].code, "due_mismatch");
    assert_eq!(off.amounts.due.map(|y| y.0), Some(7495), "flagged, never repaired");
}

#[test]
fn ends_of_keys_come_in_several_forms() {
    let want = Timestamp::parse("2026-06-30T23:59:59+09:00").unwrap();
    for text in [
        "2026-06-30T23:59:59",
        "2026-06-30 23:59:59",
        "2026-06-30",
        "2026-06-30T23:59:59+0900",
        "2026-06-30T14:59:59Z",
    ] {
        assert_eq!(check::expiry_date(text), Some(want), "{text}");
    }
    assert_eq!(check::expiry_date("soon"), None);
}

proptest! {
    #[test]
    fn reading_an_order_never_panics(
        file in 0_usize..12,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..9, "\\PC{0,8}", any::<i64>()), 0..6),
    ) {
        let files = ["11-getOrder-response-multi-package.json", "16-getOrder-response-unfixed-prepay-check.json", "22-getOrder-response-shipped.json"];
        let mut order = sample(files[file % files.len()])["OrderModelList"][0].clone();
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
                _ => json!(i64::MAX),
            };
        }
        if let Ok(read) = read(&order) {
            prop_assert!(!read.mall_order_id.is_empty());
        }
    }
}
