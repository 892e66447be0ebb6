//! `searchOrder` (rakuten-rms.md §4).

use std::time::Duration;

use chrono::NaiveDateTime;
use serde_json::{Map, Value, json};

use super::plan::{LIFE, Plan};
use super::rows::Row;
use super::{Shop, View, Wrong, message, number, render, required};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::http::Answer;
use crate::sim::world::State;

const FUNCTION: &str = "SEARCH_ORDER";
/// Hits beyond cannot be read (§4.1).
const CAP: usize = 15_000;
const SPAN: Duration = Duration::from_hours(24 * 63);
const REACH: Duration = Duration::from_hours(24 * 730);

/// A search that passed the checks.
struct Search<'b> {
    date_type: i64,
    from: Timestamp,
    to: Timestamp,
    progress: Vec<i64>,
    page_size: usize,
    page: usize,
    ascending: bool,
    body: &'b Map<String, Value>,
}

pub(crate) fn answer(
    world: &World,
    state: &State,
    shop: &Shop,
    body: &Map<String, Value>,
    now: Timestamp,
) -> Answer {
    let search = match check(body, now) {
        Ok(search) => search,
        Err(wrong) => {
            let messages: Vec<Value> = wrong.iter().map(|(member, w)| w.message(FUNCTION, member)).collect();
            return Answer::json(
                400,
                &json!({ "orderNumberList": null, "MessageModelList": messages, "PaginationResponseModel": null }),
            );
        }
    };
    let mut hits = hits(world, state, shop, &search, now);
    if !search.ascending {
        hits.reverse();
    }
    let first = (search.page - 1).saturating_mul(search.page_size);
    let readable = hits.len().min(CAP);
    if first >= readable {
        return Answer::json(
            200,
            &json!({
                "orderNumberList": [],
                "MessageModelList": [message("INFO", FUNCTION, "102", "注文検索に成功しました。(検索結果０件)")],
                "PaginationResponseModel": { "totalRecordsAmount": null, "totalPages": null, "requestPage": null },
            }),
        );
    }
    let last = (first + search.page_size).min(readable);
    let numbers: Vec<String> =
        hits[first..last].iter().map(|&i| shop.number(i, shop.orders.placed_at(i))).collect();
    let total = if state.switches.rakuten.capped_total { readable } else { hits.len() };
    Answer::json(
        200,
        &json!({
            "orderNumberList": numbers,
            "MessageModelList": [message("INFO", FUNCTION, "101", "注文検索に成功しました。")],
            "PaginationResponseModel": {
                "totalRecordsAmount": total,
                "totalPages": total.div_ceil(search.page_size),
                "requestPage": search.page,
            },
        }),
    )
}

/// Checks member by member; each bad one is named once (§12.3).
fn check(body: &Map<String, Value>, now: Timestamp) -> Result<Search<'_>, Vec<(&'static str, Wrong)>> {
    let mut wrong: Vec<(&'static str, Wrong)> = Vec::new();
    let mut bad = |member: &'static str, w: Wrong| wrong.push((member, w));

    let progress = match numbers(body, "orderProgressList") {
        Ok(list) => {
            let list = list.unwrap_or_default();
            if list.iter().any(|p| ![100, 200, 300, 400, 500, 600, 700, 800, 900].contains(p)) {
                bad("orderProgressList", Wrong::Format);
            }
            list
        }
        Err(w) => {
            bad("orderProgressList", w);
            Vec::new()
        }
    };
    match numbers(body, "subStatusIdList") {
        // "None set" is only allowed together with states (§4.2).
        Ok(Some(list)) if list.contains(&-1) && progress.is_empty() => {
            bad("orderProgressList", Wrong::Missing);
        }
        Ok(_) => {}
        Err(w) => bad("subStatusIdList", w),
    }
    let date_type = match required(body, "dateType").map(number) {
        Ok(Some(n @ 0..=6)) => n,
        Ok(_) => {
            bad("dateType", Wrong::Format);
            0
        }
        Err(w) => {
            bad("dateType", w);
            0
        }
    };
    let from = required(body, "startDatetime").and_then(|v| datetime(v).ok_or(Wrong::Format));
    let to = required(body, "endDatetime").and_then(|v| datetime(v).ok_or(Wrong::Format));
    // Codes of these two refusals are not public: 011 (§12.3).
    let from = from.and_then(|from| if from < now - REACH { Err(Wrong::Format) } else { Ok(from) });
    let to = to.and_then(|to| match from {
        Ok(from) if to < from || to.since(from) > SPAN => Err(Wrong::Format),
        _ => Ok(to),
    });
    if let Err(w) = from {
        bad("startDatetime", w);
    }
    if let Err(w) = to {
        bad("endDatetime", w);
    }
    check_optional(body, &mut bad);
    let (page_size, page, ascending) = pagination(body, &mut bad);
    match (from, to) {
        (Ok(from), Ok(to)) if wrong.is_empty() => {
            Ok(Search { date_type, from, to, progress, page_size, page, ascending, body })
        }
        _ => Err(wrong),
    }
}

fn check_optional(body: &Map<String, Value>, bad: &mut impl FnMut(&'static str, Wrong)) {
    let orders = numbers(body, "orderTypeList");
    if orders.is_err() || orders.is_ok_and(|l| l.is_some_and(|l| l.iter().any(|t| ![1, 4, 5, 6].contains(t))))
    {
        bad("orderTypeList", Wrong::Format);
    }
    for (member, highest) in [
        ("settlementMethod", 27),
        ("shippingDateBlankFlag", 1),
        ("shippingNumberBlankFlag", 1),
        ("searchKeywordType", 9),
        ("mailSendType", 2),
        ("phoneNumberType", 2),
        ("purchaseSiteType", 4),
        ("asurakuFlag", 1),
        ("couponUseFlag", 1),
        ("drugFlag", 1),
        ("overseasFlag", 1),
        ("oneDayOperationFlag", 1),
    ] {
        if given(body, member).is_some_and(|v| !number(v).is_some_and(|n| (0..=highest).contains(&n))) {
            bad(member, Wrong::Format);
        }
    }
    let keyword_cap = match given(body, "searchKeywordType").and_then(number) {
        Some(1) => 1_024,
        Some(2) => 127,
        Some(3) => 1_000,
        Some(4..=6) => 254,
        Some(7) => 40,
        Some(8) => 96,
        Some(9) => 400,
        _ => 4_000,
    };
    for (member, cap) in [
        ("deliveryName", 192),
        ("searchKeyword", keyword_cap),
        ("ordererMailAddress", 256),
        ("phoneNumber", 36),
        ("reserveNumber", 382),
    ] {
        if given(body, member).is_some_and(|v| v.as_str().is_none_or(|t| t.chars().count() > cap)) {
            bad(member, Wrong::Format);
        }
    }
}

fn pagination(body: &Map<String, Value>, bad: &mut impl FnMut(&'static str, Wrong)) -> (usize, usize, bool) {
    let model = match given(body, "PaginationRequestModel") {
        None => return (30, 1, false),
        Some(Value::Object(model)) => model,
        Some(_) => {
            bad("PaginationRequestModel", Wrong::Format);
            return (30, 1, false);
        }
    };
    let mut whole = |member: &'static str, highest: i64| {
        let value = required(model, member)
            .and_then(|v| number(v).filter(|n| (1..=highest).contains(n)).ok_or(Wrong::Format));
        match value {
            Ok(n) => usize::try_from(n).unwrap_or(1),
            Err(w) => {
                bad(member, w);
                1
            }
        }
    };
    let size = whole("requestRecordsAmount", 1_000);
    let page = whole("requestPage", i64::from(i32::MAX));
    let mut ascending = false;
    if let Some(sort) = given(model, "SortModelList") {
        for entry in sort.as_array().into_iter().flatten() {
            let column = entry.get("sortColumn").and_then(number);
            let direction = entry.get("sortDirection").and_then(number);
            match (column, direction) {
                (Some(1), Some(1)) => ascending = true,
                (Some(1), Some(2) | None) => ascending = false,
                _ => bad("SortModelList", Wrong::Format),
            }
        }
    }
    (size, page, ascending)
}

fn given<'b>(body: &'b Map<String, Value>, member: &str) -> Option<&'b Value> {
    body.get(member).filter(|v| !v.is_null())
}

fn numbers(body: &Map<String, Value>, member: &str) -> Result<Option<Vec<i64>>, Wrong> {
    match given(body, member) {
        None => Ok(None),
        Some(Value::Array(list)) => {
            list.iter().map(number).collect::<Option<Vec<_>>>().map(Some).ok_or(Wrong::Format)
        }
        Some(_) => Err(Wrong::Format),
    }
}

/// `2017-10-14T00:00:00+0900` and nothing else (§3.2).
fn datetime(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?.strip_suffix("+0900").filter(|t| t.len() == 19)?;
    let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok()?;
    let at = naive.and_local_timezone(crate::clock::jst_offset()).single().map(Timestamp::from)?;
    (render::datetime(at) == value.as_str()?).then_some(at)
}

/// The orders that fit, oldest first.
fn hits(world: &World, state: &State, shop: &Shop, search: &Search<'_>, now: Timestamp) -> Vec<u64> {
    if search.date_type == 0 {
        return Vec::new();
    }
    let visible = now - Duration::from_secs(state.switches.rakuten.search_lag_s);
    let reach = if search.date_type == 1 { Duration::ZERO } else { LIFE };
    let range = shop.orders.placed_between(search.from - reach, search.to.min(visible));
    let deep = needs_content(search.body);
    let shown = now - Duration::from_secs(state.switches.rakuten.read_lag_s);
    let wanted = |index: &u64| {
        let plan = world.plan_seen(state, shop, *index, shown);
        let rows = state.rakuten.rows(shop.id, *index, shown);
        let at = match search.date_type {
            1 => Some(plan.placed),
            2 => plan.confirmed,
            3 => plan.instructed,
            4 => rows.map_or(plan.shipped, shipping_date),
            5 => plan.shipped,
            _ => plan.paid,
        };
        // A shipping date that calls wrote may lie ahead.
        at.is_some_and(|at| (at <= now || search.date_type == 4) && search.from <= at && at <= search.to)
            && (search.progress.is_empty() || search.progress.contains(&i64::from(plan.progress(now))))
            && (!deep || fits(world, shop, &plan, rows, search.body, now))
    };
    // What calls wrote can lie further behind an order than any plan does.
    let first = shop.orders.placed_between(search.from - reach, search.to).start;
    let earlier = state.rakuten.written.range((shop.id, 0)..(shop.id, first)).map(|((_, index), _)| *index);
    let earlier = earlier.filter(|_| search.date_type != 1);
    earlier.chain(range).filter(wanted).collect()
}

/// The latest of the shipping dates that calls wrote.
fn shipping_date(rows: &[Row]) -> Option<Timestamp> {
    rows.iter().filter_map(|row| row.date).max().map(Timestamp::jst_midnight)
}

/// Is there a filter that progress and dates do not answer?
fn needs_content(body: &Map<String, Value>) -> bool {
    const FILTERS: [&str; 15] = [
        "subStatusIdList",
        "orderTypeList",
        "settlementMethod",
        "deliveryName",
        "shippingDateBlankFlag",
        "shippingNumberBlankFlag",
        "searchKeyword",
        "ordererMailAddress",
        "phoneNumber",
        "reserveNumber",
        "purchaseSiteType",
        "asurakuFlag",
        "couponUseFlag",
        "drugFlag",
        "oneDayOperationFlag",
    ];
    FILTERS.iter().any(|f| given(body, f).is_some_and(|v| v != &json!(0)))
}

/// The remaining filters, against the order as it would be shown.
fn fits(
    world: &World,
    shop: &Shop,
    plan: &Plan,
    rows: Option<&[Row]>,
    body: &Map<String, Value>,
    now: Timestamp,
) -> bool {
    let content = shop.content(world.options.seed, plan);
    let order = View { shop, plan, content: &content, now, rows }.order();
    let packages = || order["PackageModelList"].as_array().into_iter().flatten();
    let rows = || packages().filter_map(|p| p["ShippingModelList"].as_array()).flatten();
    let items = || packages().filter_map(|p| p["ItemModelList"].as_array()).flatten();
    let flag = |member: &str| given(body, member).and_then(number) == Some(1);
    let listed = |member: &str, value: &Value| {
        numbers(body, member)
            .ok()
            .flatten()
            .is_none_or(|list| list.is_empty() || list.contains(&value.as_i64().unwrap_or(-1)))
    };
    let equals = |member: &str, value: &str| given(body, member).is_none_or(|v| v.as_str() == Some(value));
    let phone = |person: &Value| {
        ["phoneNumber1", "phoneNumber2", "phoneNumber3"]
            .map(|p| person[p].as_str().unwrap_or_default())
            .concat()
    };
    let name = |person: &Value, a: &str, b: &str| {
        format!("{}{}", person[a].as_str().unwrap_or_default(), person[b].as_str().unwrap_or_default())
    };
    let keyword =
        given(body, "searchKeyword").and_then(Value::as_str).map(str::trim).filter(|k| !k.is_empty());
    let contains = |keyword: &str, text: &Value| text.as_str().is_some_and(|t| t.contains(keyword));
    let keyword_fits = keyword.is_none_or(|k| match given(body, "searchKeywordType").and_then(number) {
        Some(1) => items().any(|i| contains(k, &i["itemName"])),
        Some(2) => items().any(|i| contains(k, &i["itemNumber"])),
        Some(3) => contains(k, &order["memo"]),
        Some(4) => name(&order["OrdererModel"], "familyName", "firstName").contains(k),
        Some(5) => name(&order["OrdererModel"], "familyNameKana", "firstNameKana").contains(k),
        Some(6) => packages().any(|p| name(&p["SenderModel"], "familyName", "firstName").contains(k)),
        Some(7) => items().any(|i| contains(k, &i["SkuModelList"][0]["merchantDefinedSkuId"])),
        Some(8) => items().any(|i| contains(k, &i["SkuModelList"][0]["variantId"])),
        Some(9) => items().any(|i| contains(k, &i["SkuModelList"][0]["skuInfo"])),
        _ => true,
    });
    let phone_fits = given(body, "phoneNumber").and_then(Value::as_str).is_none_or(|wanted| {
        match given(body, "phoneNumberType").and_then(number) {
            Some(1) => phone(&order["OrdererModel"]) == wanted,
            Some(2) => packages().any(|p| phone(&p["SenderModel"]) == wanted),
            _ => true,
        }
    });
    let site_fits = match (given(body, "purchaseSiteType").and_then(number), order["carrierCode"].as_i64()) {
        (Some(1), carrier) => carrier == Some(0),
        (Some(2), _) => false,
        (Some(3), carrier) => matches!(carrier, Some(11 | 12 | 19)),
        (Some(4), carrier) => matches!(carrier, Some(21 | 22 | 29)),
        _ => true,
    };
    listed("subStatusIdList", &order["subStatusId"])
        && listed("orderTypeList", &order["orderType"])
        && given(body, "settlementMethod")
            .is_none_or(|m| number(m) == order["SettlementModel"]["settlementMethodCode"].as_i64())
        && equals("deliveryName", "宅配便")
        && equals("ordererMailAddress", order["OrdererModel"]["emailAddress"].as_str().unwrap_or_default())
        && equals("reserveNumber", order["reserveNumber"].as_str().unwrap_or_default())
        && (!flag("shippingDateBlankFlag") || rows().all(|row| row["shippingDate"].is_null()))
        && (!flag("shippingNumberBlankFlag") || rows().all(|row| row["shippingNumber"].is_null()))
        && (!flag("asurakuFlag") || order["asurakuFlag"] == 1)
        && (!flag("couponUseFlag") || order["couponAllTotalPrice"] != 0)
        && (!flag("drugFlag") || order["drugFlag"] == 1)
        && (!flag("oneDayOperationFlag") || order["oneDayOperationFlag"] == 1)
        && keyword_fits
        && phone_fits
        && site_fits
}
