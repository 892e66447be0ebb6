//! `updateOrderShipping` (rakuten-rms.md §6.2, §6.3): rows added, changed, deleted; when the order becomes 500.

use serde_json::{Map, Value};

use super::ask::{self, Ask, AskedRow, about};
use super::plan::Plan;
use super::rows::{Row, staff_rows};
use super::{Shop, Wrong, amiss, envelope, message};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::http::Answer;
use crate::sim::ledger::{ParcelWrite, WriteEffect, WriteEntry};
use crate::sim::world::State;

pub(super) const FUNCTION: &str = "UPDATE_ORDERSHIPPING";
pub(super) const NAME: &str = "updateOrderShipping";

/// What became of one order of a request.
pub(super) struct Done {
    pub(super) messages: Vec<Value>,
    /// A member was wrong: HTTP 400 where the call was about this order alone.
    pub(super) malformed: bool,
}

pub(super) fn answer(
    world: &World,
    state: &mut State,
    shop: &Shop,
    body: &Map<String, Value>,
    now: Timestamp,
) -> Answer {
    match ask::read(body, FUNCTION, state.switches.rakuten.shipping_dates) {
        Ok(asked) => {
            let done = perform(world, state, shop, &asked, NAME, now);
            envelope(if done.malformed { 400 } else { 200 }, done.messages)
        }
        Err(messages) => {
            note_malformed(world, state, shop, body, now);
            envelope(400, messages)
        }
    }
}

/// A request that cannot be read is one about the order that it names.
fn note_malformed(world: &World, state: &mut State, shop: &Shop, body: &Map<String, Value>, now: Timestamp) {
    let number = body.get("orderNumber").and_then(Value::as_str).unwrap_or_default();
    let Some(index) = shop.index_of(number) else { return };
    let plan = world.plan(state, shop, index);
    let what = "malformed".to_owned();
    let entry = WriteEntry { ships: true, ..entry(&plan, NAME, what, WriteEffect::Refused, now) };
    state.ledger.note(number, entry);
}

/// An entry of the ledger, as far as shipments and confirmations have it in common.
pub(super) fn entry(
    plan: &Plan,
    function: &'static str,
    what: String,
    effect: WriteEffect,
    now: Timestamp,
) -> WriteEntry {
    let confirms = function == "confirmOrder";
    WriteEntry {
        at: now,
        service: "rakuten",
        function,
        what,
        effect,
        confirms,
        ships: false,
        shipped: false,
        captured: false,
        must_not_ship: amiss(plan, now, !confirms),
        parcels: Vec::new(),
    }
}

/// Writes the rows of one order: all of them, or none where one is wrong.
pub(super) fn perform(
    world: &World,
    state: &mut State,
    shop: &Shop,
    asked: &Ask,
    function: &'static str,
    now: Timestamp,
) -> Done {
    let placed = |index: &u64| shop.orders.placed_at(*index) <= now;
    let Some(index) = shop.index_of(&asked.order_number).filter(placed) else {
        let text = "指定された注文番号は他店舗の注文です。";
        let messages = vec![about(message("ERROR", FUNCTION, "016", text), None, None)];
        return Done { messages, malformed: false };
    };
    let plan = world.plan(state, shop, index);
    let content = shop.content(world.options.seed, &plan);
    let live = || (0..content.packages.len()).filter(|&k| !content.packages[k].removed);
    let before = match state.rakuten.rows(shop.id, index, now) {
        Some(rows) => rows.to_vec(),
        None => staff_rows(shop, &plan, &content, now),
    };
    let what: Vec<String> = asked.rows.iter().map(|row| what(row, &before)).collect();
    let mut entry = entry(&plan, function, what.join(", "), WriteEffect::Refused, now);
    entry.ships = asked.rows.iter().any(|row| !row.delete);
    if let Some((code, text)) = refusal(plan.progress(now)) {
        state.ledger.note(&asked.order_number, entry);
        let messages = vec![about(message("ERROR", FUNCTION, code, text), None, None)];
        return Done { messages, malformed: false };
    }

    let parcel = |row: &AskedRow| live().find(|&k| shop.basket_id(index, k) == row.basket);
    let mut wrong = Vec::new();
    for row in &asked.rows {
        let member = match (parcel(row), row.detail) {
            (None, _) => "basketId",
            (Some(k), Some(id)) if !before.iter().any(|r| r.id == id && r.parcel == k) => "shippingDetailId",
            _ => continue,
        };
        wrong.push(about(Wrong::Format.message(FUNCTION, member), Some(row.data_number), None));
    }
    if !wrong.is_empty() {
        state.ledger.note(&asked.order_number, entry);
        return Done { messages: wrong, malformed: true };
    }

    let switches = state.switches.rakuten.clone();
    let mut rows = before.clone();
    let mut messages = Vec::new();
    for row in &asked.rows {
        let Some(k) = parcel(row) else { continue };
        let (code, text, id, repeated) = write(&mut rows, row, k, || state.rakuten.next_row());
        messages.push(if code == "101" && switches.ids_withheld {
            about(message("WARNING", FUNCTION, code, "(警告)"), Some(row.data_number), None)
        } else {
            about(message("INFO", FUNCTION, code, text), Some(row.data_number), Some(id))
        });
        let number = rows.iter().find(|known| known.id == id).and_then(|known| known.number.clone());
        let number = number.unwrap_or_default();
        entry.parcels.push(ParcelWrite { parcel: row.basket.to_string(), number, repeated });
    }
    // Every destination has a row, and no row lacks anything (§6.3).
    let complete = live().all(|k| rows.iter().any(|row| row.parcel == k))
        && rows.iter().all(|row| row.complete(switches.allow_blank_number));
    let written = state.rakuten.written.entry((shop.id, index)).or_default();
    written.rows.push((now, rows));
    if plan.progress(now) == 300 && complete {
        written.completed = Some(now);
        entry.shipped = true;
    }
    let repeated = entry.parcels.iter().all(|told| told.repeated);
    entry.effect = if repeated { WriteEffect::Repeated } else { WriteEffect::Effective };
    state.ledger.note(&asked.order_number, entry);
    Done { messages, malformed: false }
}

/// The states that take no shipment: 102 is about cancelled orders, which code the others have is not public (§6.3).
fn refusal(progress: u16) -> Option<(&'static str, &'static str)> {
    match progress {
        300 | 500 | 600 | 700 => None,
        900 => Some((
            "102",
            "指定された注文番号は既にキャンセルされているため、発送完了報告が出来る状態ではありませんでした。",
        )),
        _ => Some(("101", "指定された注文番号は発送完了報告が出来る状態ではありませんでした。")),
    }
}

/// One row into the rows of an order: code and text of the message, the row's number, and whether it was so before.
fn write(
    rows: &mut Vec<Row>,
    row: &AskedRow,
    parcel: usize,
    new_id: impl FnOnce() -> u64,
) -> (&'static str, &'static str, u64, bool) {
    if let Some(at) = rows.iter().position(|known| Some(known.id) == row.detail) {
        let id = rows[at].id;
        if row.delete {
            rows.remove(at);
            return ("103", "発送情報の削除設定が完了しました。", id, false);
        }
        let before = rows[at].clone();
        edit(&mut rows[at], row);
        return ("102", "発送情報の更新設定が完了しました。", id, rows[at] == before);
    }
    let mut new = Row { id: new_id(), parcel, ..Row::default() };
    edit(&mut new, row);
    // Not idempotent: whatever was there already is there twice now.
    let repeated = rows.iter().any(|known| {
        known.parcel == parcel
            && known.number == new.number
            && (new.number.is_some() || (known.company == new.company && known.date == new.date))
    });
    let id = new.id;
    rows.push(new);
    ("101", "発送情報の追加設定が完了しました。", id, repeated)
}

fn edit(known: &mut Row, row: &AskedRow) {
    row.company.apply(&mut known.company);
    row.number.apply(&mut known.number);
    row.date.apply(&mut known.date);
}

/// `51000001: 1001 400000000012 2026-04-21`, as the row is to stand.
fn what(row: &AskedRow, rows: &[Row]) -> String {
    let mut new = rows.iter().find(|known| Some(known.id) == row.detail).cloned().unwrap_or_default();
    edit(&mut new, row);
    let shipment = new.shipment();
    let deleted = if row.delete { "delete " } else { "" };
    format!("{}: {deleted}{} {} {}", row.basket, shipment.carrier, shipment.number, shipment.date)
}
