//! The answers of Amazon's static sandbox (amazon-sp-api.md §19): every one of them must be read. The models that hold
//! them are Amazon's and stay out of the repository; `MALLSYNC_AMAZON_MODELS` names their folder.

use std::path::PathBuf;

use mallsync::http::Response;
use mallsync::malls::amazon::wire::{OrderAnswer, SearchAnswer, decode};
use serde_json::Value;

use super::{outcome, read_answer, response};

/// The folder of the models; `None` on a machine without them. Where `CI` is set their absence is a failure.
#[expect(clippy::disallowed_methods, reason = "where the models are is the environment's to say")]
fn models() -> Option<PathBuf> {
    let folder = std::env::var_os("MALLSYNC_AMAZON_MODELS").map(PathBuf::from);
    if folder.is_none() {
        let in_ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false");
        assert!(!in_ci, "MALLSYNC_AMAZON_MODELS must name the folder of Amazon's models in CI");
        eprintln!("MALLSYNC_AMAZON_MODELS is not set: the sandbox's answers were not read.");
    }
    // Tests run in the package's folder, which a relative path starts from.
    folder.map(|folder| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder))
}

/// Every sandbox answer of a model: operation, status, body.
fn answers(folder: &std::path::Path, model: &str) -> Vec<(String, u16, Value)> {
    let path = folder.join(model);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let model: Value = serde_json::from_str(&text).unwrap();
    let mut answers = Vec::new();
    for operations in model["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values().filter(|o| o.is_object()) {
            let name = operation["operationId"].as_str().unwrap();
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let pairs = answer["x-amzn-api-sandbox"]["static"].as_array().cloned().unwrap_or_default();
                for pair in pairs {
                    answers.push((name.to_owned(), status.parse().unwrap(), pair["response"].clone()));
                }
            }
        }
    }
    answers
}

fn whole(status: u16, body: &Value) -> Response {
    response(status, &[("content-type", "application/json")], body.to_string().as_bytes())
}

#[test]
fn every_answer_of_the_sandbox_is_read() {
    let Some(folder) = models() else { return };
    let mut counts = (0, 0);
    for (operation, status, body) in answers(&folder, "orders_2026-01-01.json") {
        let answer = whole(status, &body);
        if status != 200 {
            counts.1 += 1;
            assert_eq!(outcome(&operation, &answer).unwrap_err().kind(), "rejected", "{operation}");
            continue;
        }
        counts.0 += 1;
        let read = read_answer(&operation, &answer).unwrap();
        assert!(read.bad.is_empty(), "{operation}: {:?}", read.bad);
        let sent = body["orders"].as_array().cloned().unwrap_or_else(|| vec![body["order"].clone()]);
        assert_eq!(read.orders.len(), sent.len());
        for (fetched, sent) in read.orders.iter().zip(&sent) {
            let order = &fetched.order;
            assert_eq!(order.mall_order_id, sent["orderId"].as_str().unwrap());
            assert_eq!(order.mall_status, sent["fulfillment"]["fulfillmentStatus"].as_str().unwrap());
            assert_eq!(
                order.amounts.currency,
                sent["proceeds"]["grandTotal"]["currencyCode"].as_str().unwrap()
            );
            let yen = order.amounts.due.map(|due| due.0.to_string());
            let told =
                sent["proceeds"]["grandTotal"]["amount"].as_str().filter(|_| order.amounts.currency == "JPY");
            assert_eq!(yen.as_deref(), told, "amounts of another currency are null");
            assert_eq!(order.packages[0].lines.len(), sent["orderItems"].as_array().unwrap().len());
            assert!(order.flags.is_empty(), "{:?} {}", order.flags, order.mall_order_id);
        }
    }
    assert_eq!(counts, (6, 2));
}

/// The other model holds answers of read calls that are going to be removed and are not made here, and of writes: bodies
/// whose error envelope is the same. None of them must be taken for an answer of the calls that are made.
#[test]
fn answers_of_the_old_reads_are_told_from_those_of_the_new() {
    let Some(folder) = models() else { return };
    let mut counts = (0, 0);
    for (operation, status, body) in answers(&folder, "ordersV0.json") {
        let answer = whole(status, &body);
        let kinds = [decode::<SearchAnswer>(&answer).map(drop), decode::<OrderAnswer>(&answer).map(drop)]
            .map(|read| read.expect_err(&operation).kind());
        if status < 300 {
            counts.0 += 1;
            assert_eq!(kinds, ["malformed"; 2], "{operation}");
        } else {
            counts.1 += 1;
            assert_eq!(kinds, ["rejected"; 2], "{operation}");
        }
    }
    assert_eq!(counts, (15, 16));
}
