//! Faults that need the JSON, then those any body can have.

use serde_json::{Value, json};

use crate::sim::faults::Fault;
use crate::sim::http::Answer;

/// Does to an answer what the fault says.
pub(super) fn apply(fault: &Fault, answer: Answer) -> Answer {
    let Ok(Value::Object(mut body)) = serde_json::from_slice::<Value>(&answer.body) else {
        return fault.mangle(answer);
    };
    match fault {
        Fault::ExtraElements => {
            body.insert("unknownMember".into(), json!(null));
            body.insert("AnotherModel".into(), json!({ "list": [1, "2", null] }));
            // Written backwards: members come in another order than ever before.
            let members: Vec<String> =
                body.iter().rev().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
            Answer { body: format!("{{{}}}", members.join(",")).into_bytes(), ..answer }
        }
        Fault::Withhold => {
            let first =
                body.get_mut("OrderModelList").and_then(Value::as_array_mut).filter(|l| !l.is_empty());
            if let Some(order) = first.map(|list| list.remove(0)) {
                let message = json!({
                    "messageType": "WARNING", "messageCode": "ORDER_EXT_API_GET_ORDER_WARNING_101",
                    "message": "(警告)", "orderNumber": order["orderNumber"],
                });
                if let Some(messages) = body.get_mut("MessageModelList").and_then(Value::as_array_mut) {
                    messages.push(message);
                }
            }
            Answer { body: Value::Object(body).to_string().into_bytes(), ..answer }
        }
        Fault::Tamper { orders, place, value } => {
            let shown = body.get_mut("OrderModelList").and_then(Value::as_array_mut);
            for order in shown.into_iter().flatten() {
                if order["orderNumber"].as_str().is_some_and(|number| orders.contains(number))
                    && let Some(member) = order.pointer_mut(place)
                {
                    member.clone_from(value);
                }
            }
            Answer { body: Value::Object(body).to_string().into_bytes(), ..answer }
        }
        Fault::WrongShape => {
            body.insert("MessageModelList".into(), json!("?"));
            Answer { body: Value::Object(body).to_string().into_bytes(), ..answer }
        }
        _ => fault.mangle(answer),
    }
}
