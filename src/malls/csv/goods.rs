//! Lines of goods, and the lines that are no goods: postage, fees, discounts (csv-formats.md §4, EC-CUBE 4).

use chrono::NaiveDate;

use crate::domain::money::Yen;
use crate::domain::order::{Amounts, ItemOption, Line, Package, Party, Shipment};
use crate::malls::japan::wanted_time;
use crate::tabular::{Row, values};

use super::map::{Layout, Remarks};
use super::party::carrier;

/// What a row is about: one of the words of `[line_kind]`; without such a column every row is goods.
fn kind<'a>(layout: &'a Layout<'_>, row: &Row) -> Option<&'a str> {
    match layout.binding.get(row, "line_kind") {
        Some(word) => layout.profile.line_kind.get(&word),
        None => Some("goods"),
    }
}

/// Amounts that the order's columns do not give, from the lines that are no goods.
pub(super) fn amounts_of_lines(
    layout: &Layout<'_>,
    rows: &[Row],
    amounts: &mut Amounts,
    remarks: &mut Remarks,
) {
    if !layout.binding.has("line_kind") {
        return;
    }
    let mut sum = |wanted: &str| -> Option<Yen> {
        let of_kind: Vec<&Row> = rows.iter().filter(|row| kind(layout, row) == Some(wanted)).collect();
        if of_kind.is_empty() {
            return None;
        }
        of_kind.into_iter().try_fold(Yen::ZERO, |sum, row| {
            let price = layout.binding.get(row, "line_unit_price")?;
            let price = layout.yen(row, "line_unit_price", &price, remarks)?;
            sum.plus(price.times(quantity(layout, row, remarks))?)
        })
    };
    let positive = |yen: Option<Yen>| yen.map(|y| Yen(y.0.abs()));
    if amounts.shipping.is_none() {
        amounts.shipping = sum("shipping");
    }
    if amounts.payment_fee.is_none() {
        amounts.payment_fee = sum("payment_fee");
    }
    if amounts.other_discount.is_none() && amounts.shop_coupon.is_none() {
        amounts.other_discount = positive(sum("discount"));
    }
    if amounts.points.is_none() {
        amounts.points = positive(sum("points"));
    }
}

/// The destinations of an order with their goods. A file without lines gives one package without lines.
pub(super) fn packages(
    layout: &Layout<'_>,
    rows: &[Row],
    buyer: &Party,
    amounts: &Amounts,
    remarks: &mut Remarks,
) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    let mut seen: Vec<(String, &Row)> = Vec::new();
    let mut position = 0;
    for row in rows {
        let kind = kind(layout, row);
        if kind.is_none() {
            remarks.flag(
                "unknown_line_kind",
                "a word that is not in [line_kind] of the profile: taken as goods",
            );
        }
        if !matches!(kind, None | Some("goods")) {
            continue;
        }
        let id = layout.binding.get(row, "package_id").unwrap_or_else(|| "1".to_owned());
        let at = packages.iter().position(|p| p.package_id == id).unwrap_or_else(|| {
            packages.push(package(layout, row, id, buyer, remarks));
            packages.len() - 1
        });
        let Some(mut line) = line(layout, row, remarks) else { continue };
        position += 1;
        if line.line_id.is_empty() {
            line.line_id = position.to_string();
        } else if let Some((_, before)) = seen.iter().find(|(id, _)| *id == line.line_id) {
            // The same row twice is one line; two rows of one key are a question nobody here can answer.
            if before.cells != row.cells {
                let column = layout.column_name("line_id");
                remarks.trouble(
                    row,
                    format!("{column} is that of line {}, which says something else", before.line),
                );
            }
            continue;
        }
        seen.push((line.line_id.clone(), row));
        packages[at].lines.push(line);
    }
    if let (true, Some(row)) = (packages.is_empty(), rows.first()) {
        packages.push(package(layout, row, "1".to_owned(), buyer, remarks));
    }
    check_goods(&packages, amounts, remarks);
    packages
}

/// The goods as the file states them against its lines (I13): prices before tax show here.
fn check_goods(packages: &[Package], amounts: &Amounts, remarks: &mut Remarks) {
    let lines: Vec<&Line> = packages.iter().flat_map(|p| &p.lines).collect();
    let sum = lines.iter().try_fold(Yen::ZERO, |sum, line| sum.plus(line.subtotal?));
    if let (Some(goods), Some(sum), false) = (amounts.goods, sum, lines.is_empty())
        && goods != sum
    {
        remarks.flag("goods_mismatch", format!("lines add up to {sum}, goods are {goods}"));
    }
}

fn package(layout: &Layout<'_>, row: &Row, id: String, buyer: &Party, remarks: &mut Remarks) -> Package {
    let get = |field: &str| layout.binding.get(row, field);
    let carrier = get("carrier").map(|name| carrier(&name));
    let shipped_on = day(layout, row, "shipped_on", remarks);
    let tracking = get("slip_no").map(|n| values::slip_key(&n)).filter(|n| !n.is_empty());
    let shipments = if tracking.is_some() || shipped_on.is_some() {
        vec![Shipment { carrier, tracking_number: tracking.clone(), shipped_on }]
    } else {
        Vec::new()
    };
    Package {
        package_id: id,
        recipient: layout.recipient(row, buyer),
        carrier,
        tracking_numbers: tracking.into_iter().collect(),
        shipped_on,
        requested_date: day(layout, row, "requested_date", remarks),
        requested_time: get("requested_time").map(|t| wanted_time(&t)),
        shipments,
        lines: Vec::new(),
    }
}

/// A day that decides nothing: an impossible one is left out and told of (csv-formats.md §0.5).
fn day(layout: &Layout<'_>, row: &Row, field: &str, remarks: &mut Remarks) -> Option<NaiveDate> {
    let text = layout.binding.get(row, field)?;
    let day = values::day(&text);
    if day.is_none() {
        remarks.flag("unreadable_date", format!("{} is no date: left out", layout.column_name(field)));
    }
    day
}

/// One line of goods; `None` when the row names none.
fn line(layout: &Layout<'_>, row: &Row, remarks: &mut Remarks) -> Option<Line> {
    let get = |field: &str| layout.binding.get(row, field);
    let (name, sku) = (get("line_name"), get("line_sku"));
    if name.is_none() && sku.is_none() {
        return None;
    }
    let quantity = quantity(layout, row, remarks);
    let unit_price =
        get("line_unit_price").and_then(|text| layout.yen(row, "line_unit_price", &text, remarks));
    Some(Line {
        line_id: get("line_id").unwrap_or_default(),
        name: name.or_else(|| sku.clone()).unwrap_or_default(),
        sku,
        mall_item_id: None,
        options: get("line_options").and_then(|text| ItemOption::parse(&text)).into_iter().collect(),
        quantity,
        unit_price,
        tax_rate_percent: get("line_tax_rate").and_then(|text| tax_rate(&text)),
        subtotal: unit_price.and_then(|price| price.times(quantity)),
    })
}

/// A file without a column of quantities has one piece a row; an unreadable quantity sets the order aside.
fn quantity(layout: &Layout<'_>, row: &Row, remarks: &mut Remarks) -> i64 {
    let Some(text) = layout.binding.get(row, "line_quantity") else { return 1 };
    match values::amount(&text) {
        Ok(Some(n)) if n >= 0 => n,
        _ => {
            remarks.trouble(row, format!("{}: no quantity", layout.column_name("line_quantity")));
            0
        }
    }
}

/// `10`, `10%`, `8.0`.
fn tax_rate(text: &str) -> Option<i64> {
    let folded = values::nfkc(text);
    values::amount(folded.trim().trim_end_matches('%')).ok().flatten().filter(|rate| (0..=100).contains(rate))
}
