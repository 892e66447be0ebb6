//! The mall's own identities of money (au-pay-market.md §8): checked and flagged, never repaired (I13). That the bill is
//! the sum of its charges, and what is collected the bill less coupons and points, is checked for every mall alike
//! (`Amounts::mismatches`).

use crate::domain::money::Yen;
use crate::domain::order::Flag;
use crate::malls::aupay::model::{OrderModel, Split};
use crate::malls::lenient::{Int, Text};

/// Whether a flag of the mall has that letter.
pub(super) fn is(flag: &Text, letter: &str) -> bool {
    flag.trimmed() == Some(letter)
}

/// Points used. Whether a use that was cancelled is still taken off what is collected differs (§6.3, §8): the mall's own
/// figures decide.
pub(super) fn points(model: &OrderModel) -> Option<Yen> {
    let uses = [
        (model.use_point.whole, is(&model.use_point_cancel, "Y")),
        (model.use_au_point_price.whole, is(&model.use_au_point_cancel, "Y")),
    ];
    let sum = |canceled_too: bool| {
        let mut uses = uses.iter().filter(|(_, canceled)| canceled_too || !canceled);
        uses.try_fold(Yen::ZERO, |sum, (used, _)| sum.plus(Yen(used.0?)))
    };
    let taken_off = |points: Option<Yen>| {
        let bill = Yen(model.total_price.whole.0?).minus(Yen(model.coupon_total_price.whole.0?))?;
        Some(bill.minus(points?)? == Yen(model.request_price.whole.0?))
    };
    let all = sum(true);
    if taken_off(all) == Some(true) { all } else { sum(false) }
}

/// Flags what does not add up; what is missing is not judged.
pub(super) fn check(model: &OrderModel, canceled: bool, flags: &mut Vec<Flag>) {
    goods(model, canceled, flags);
    lines(model, flags);
    let splits = [
        ("totalSalePrice", &model.total_sale_price),
        ("totalPrice", &model.total_price),
        ("couponTotalPrice", &model.coupon_total_price),
        ("usePoint", &model.use_point),
        ("useAuPointPrice", &model.use_au_point_price),
        ("requestPrice", &model.request_price),
    ];
    for (name, split) in splits {
        if let (Some(whole), Some(parts)) = (split.whole.0, parts(split))
            && whole != parts
        {
            let (whole, parts) = (Yen(whole), Yen(parts));
            flags.push(Flag::new(
                "tax_parts_mismatch",
                format!("{name} {whole}, its parts by rate add up to {parts}"),
            ));
        }
    }
    if let (Some(points), Some(price)) = (model.use_au_point.0, model.use_au_point_price.whole.0)
        && points != price
    {
        flags.push(Flag::new(
            "points_mismatch",
            format!("useAuPoint {points}, useAuPointPrice {}", Yen(price)),
        ));
    }
}

fn parts(split: &Split) -> Option<i64> {
    split.normal.0?.checked_add(split.reduced.0?)?.checked_add(split.none.0?)
}

/// The lines make the goods total. Whether lines cancelled on their own stay in it is not known (§8), so both will do.
fn goods(model: &OrderModel, canceled: bool, flags: &mut Vec<Flag>) {
    let sum = |canceled_too: bool| {
        let mut lines = model.details.iter().filter(|line| canceled_too || !line.is_canceled());
        lines.try_fold(0_i64, |sum, line| sum.checked_add(line.total_item_price.0?))
    };
    let (Some(goods), Some(all), Some(live)) = (model.total_sale_price.whole.0, sum(true), sum(false)) else {
        return;
    };
    if goods != all && (canceled || goods != live) {
        let (all, goods) = (Yen(all), Yen(goods));
        flags.push(Flag::new("goods_mismatch", format!("lines add up to {all}, totalSalePrice is {goods}")));
    }
}

fn lines(model: &OrderModel, flags: &mut Vec<Flag>) {
    for line in &model.details {
        let of = |a: Int, b: Int, f: fn(i64, i64) -> Option<i64>| f(a.0?, b.0?);
        let total = of(line.item_price, line.unit, i64::checked_mul);
        let price = of(line.before_discount, line.discount, i64::checked_sub);
        let differs = |said: Int, found: Option<i64>| said.0.zip(found).is_some_and(|(a, b)| a != b);
        let number = line.order_detail_id.trimmed().unwrap_or("without a number");
        if differs(line.total_item_price, total) {
            flags.push(Flag::new(
                "line_mismatch",
                format!("line {number}: totalItemPrice is not itemPrice × unit"),
            ));
        }
        if differs(line.item_price, price) {
            flags.push(Flag::new(
                "line_mismatch",
                format!("line {number}: itemPrice is not beforeDiscount − discount"),
            ));
        }
    }
}
