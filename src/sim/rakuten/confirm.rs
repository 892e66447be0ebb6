//! `confirmOrder` (rakuten-rms.md §6.1): 100 becomes 200, for good.

use serde_json::{Map, Value, json};

use super::shipping::entry;
use super::{Shop, Wrong, envelope, message, required};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::http::Answer;
use crate::sim::ledger::WriteEffect;
use crate::sim::world::State;

const FUNCTION: &str = "CONFIRM_ORDER";
/// The most orders of a call.
const MOST: usize = 100;

pub(super) fn answer(
    world: &World,
    state: &mut State,
    shop: &Shop,
    body: &Map<String, Value>,
    now: Timestamp,
) -> Answer {
    let numbers = required(body, "orderNumberList").and_then(|list| {
        let list = list.as_array().filter(|l| l.len() <= MOST).ok_or(Wrong::Format)?;
        list.iter().map(Value::as_str).collect::<Option<Vec<&str>>>().ok_or(Wrong::Format)
    });
    match numbers {
        Ok(numbers) => {
            let messages = numbers.iter().map(|number| confirm(world, state, shop, number, now)).collect();
            envelope(200, messages)
        }
        Err(wrong) => envelope(400, vec![wrong.message(FUNCTION, "orderNumberList")]),
    }
}

/// One order; what the mall says of it.
fn confirm(world: &World, state: &mut State, shop: &Shop, order_number: &str, now: Timestamp) -> Value {
    let said = |kind: &str, code: &str, text: &str| {
        let mut message = message(kind, FUNCTION, code, text);
        message["orderNumber"] = json!(order_number);
        message
    };
    let placed = |index: &u64| shop.orders.placed_at(*index) <= now;
    let Some(index) = shop.index_of(order_number).filter(placed) else {
        return said("ERROR", "016", "指定された注文番号は他店舗の注文です。");
    };
    let plan = world.plan(state, shop, index);
    let progress = plan.progress(now);
    let earlier = state.rakuten.written.get(&(shop.id, index)).is_some_and(|w| w.confirmed.is_some());
    let (kind, code, text, effect) = match progress {
        100 if plan.unfixed(now) => ("ERROR", "105", "金額が未設定です。", WriteEffect::Refused),
        100 => ("INFO", "101", "注文確認に成功しました。", WriteEffect::Effective),
        800 | 900 => ("ERROR", "102", "既にキャンセルされています。", WriteEffect::Refused),
        _ if earlier => ("ERROR", "103", "注文確認待ちではありません。", WriteEffect::Repeated),
        _ => ("ERROR", "103", "注文確認待ちではありません。", WriteEffect::Refused),
    };
    if effect == WriteEffect::Effective {
        state.rakuten.written.entry((shop.id, index)).or_default().confirmed = Some(now);
    }
    let entry = entry(&plan, "confirmOrder", String::new(), effect, now);
    state.ledger.note(order_number, entry);
    said(kind, code, text)
}
