//! What an order costs (au-pay-market.md §6.3, §8): integer yen, tax included, each total in its three tax parts.

use super::content::{Content, Line};
use super::plan::Plan;
use crate::clock::Timestamp;

/// The parts at 10 %, at 8 % and without tax.
pub(crate) type Parts = [i64; 3];

/// The amounts at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amounts {
    pub(crate) goods: Parts,
    pub(crate) units: i64,
    pub(crate) options: i64,
    pub(crate) wrapping: i64,
    pub(crate) total: Parts,
    pub(crate) coupon: Parts,
    pub(crate) points: Parts,
    pub(crate) au_points: Parts,
    pub(crate) request: Parts,
}

pub(crate) fn sum(parts: Parts) -> i64 {
    parts.iter().sum()
}

/// Tax contained in each part.
pub(crate) fn tax(parts: Parts) -> Parts {
    [parts[0] * 10 / 110, parts[1] * 8 / 108, 0]
}

/// Which of the parts a line belongs to.
pub(crate) fn class(line: &Line) -> usize {
    match line.goods.rate_percent {
        10 => 0,
        8 => 1,
        _ => 2,
    }
}

/// Splits `amount` in proportion to `weights`, the largest remainders first; never more than there is.
fn split(amount: i64, weights: Parts) -> Parts {
    let whole = sum(weights);
    let amount = amount.min(whole);
    if whole <= 0 || amount <= 0 {
        return [0; 3];
    }
    let mut parts = weights.map(|w| amount * w / whole);
    let mut order = [0, 1, 2];
    order.sort_by_key(|&k| (-(amount * weights[k] % whole), k));
    let mut left = amount - sum(parts);
    for k in order {
        if left > 0 && parts[k] < weights[k] {
            parts[k] += 1;
            left -= 1;
        }
    }
    parts
}

fn minus(a: Parts, b: Parts) -> Parts {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

impl Amounts {
    /// The amounts of an order at `now`. Lines cancelled alone leave the sums, unless `canceled_lines_count`
    /// (unknown: §8); those of an order cancelled whole keep theirs (§13.6).
    pub(crate) fn at(content: &Content, plan: &Plan, now: Timestamp, canceled_lines_count: bool) -> Self {
        let changed = plan.changed(now);
        let mut amounts = Self::default();
        for (n, line) in content.lines.iter().enumerate() {
            if !canceled_lines_count && plan.line_canceled(n, now).is_some() {
                continue;
            }
            let units = line.units(changed);
            amounts.goods[class(line)] += line.price() * units;
            amounts.units += units;
            amounts.options += line.option_fee();
            amounts.wrapping += line.wrapping_fee();
        }
        amounts.total = amounts.goods;
        amounts.total[0] += content.postage + content.charge + amounts.options + amounts.wrapping;
        amounts.coupon = split(content.coupon.map_or(0, |(yen, _)| yen), amounts.total);
        let mut left = minus(amounts.total, amounts.coupon);
        amounts.points = split(content.points, left);
        left = minus(left, amounts.points);
        amounts.au_points = split(content.au_points, left);
        if !content.points_returned {
            left = minus(left, amounts.au_points);
        }
        amounts.request = minus(left, split(content.hidden_points, left));
        amounts
    }
}
