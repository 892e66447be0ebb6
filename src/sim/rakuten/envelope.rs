//! The envelope of answers and refusals (rakuten-rms.md §7.1), and what requests are read with.

use serde_json::{Value, json};

use crate::sim::http::Answer;

/// One message of the normal envelope (§7.1).
pub(super) fn message(kind: &str, function: &str, number: &str, text: &str) -> Value {
    json!({
        "messageType": kind,
        "messageCode": format!("ORDER_EXT_API_{function}_{kind}_{number}"),
        "message": text,
    })
}

/// The normal envelope with messages alone.
pub(super) fn envelope(status: u16, messages: Vec<Value>) -> Answer {
    let body = serde_json::Map::from_iter([("MessageModelList".to_owned(), Value::Array(messages))]);
    Answer::json(status, &Value::Object(body))
}

/// A business error that a fault asks for: `ERROR_101`, `WARNING_101`.
pub(super) fn business(function: &str, code: &str) -> Answer {
    let label = match function {
        "searchOrder" => "SEARCH_ORDER",
        "getOrder" => "GET_ORDER",
        "confirmOrder" => "CONFIRM_ORDER",
        "updateOrderShippingAsync" => "UPDATE_ORDERSHIPPING_ASYNC",
        "getResultUpdateOrderShippingAsync" => "GET_RESULT_UPDATEORDERSHIPPING_ASYNC",
        _ => super::shipping::FUNCTION,
    };
    let (kind, number) = code.split_once('_').unwrap_or(("ERROR", code));
    envelope(200, vec![message(kind, label, number, "(例)")])
}

/// What is wrong with one member of a request (§7.1, §12.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Missing,
    Empty,
    Format,
}

impl Wrong {
    pub(super) fn message(self, function: &str, member: &str) -> Value {
        match self {
            Self::Missing => message("ERROR", function, "009", &format!("{member}の項目を指定して下さい。")),
            Self::Empty => message("ERROR", function, "010", &format!("{member}の値を指定して下さい。")),
            Self::Format => message("ERROR", function, "011", &format!("{member}の書式が不正です。")),
        }
    }
}

/// A required member: there, and not empty.
pub(super) fn required<'b>(
    body: &'b serde_json::Map<String, Value>,
    member: &str,
) -> Result<&'b Value, Wrong> {
    match body.get(member) {
        None => Err(Wrong::Missing),
        Some(Value::Null) => Err(Wrong::Empty),
        Some(Value::String(text)) if text.is_empty() => Err(Wrong::Empty),
        Some(Value::Array(list)) if list.is_empty() => Err(Wrong::Empty),
        Some(value) => Ok(value),
    }
}

/// A number, as a number or as a numeric string (§3.2).
pub(super) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(n) => n.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
