//! The amounts of an order: pure (decisions.md 26; amazon-sp-api.md §11.3). What does not add up is flagged and kept.

use super::model::{Breakdown, Decimal, Money, OrderItem, OrderModel};
use crate::domain::money::Yen;
use crate::domain::order::{Amounts, Flag};
use crate::malls::lenient::Text;

const YEN: &str = "JPY";
/// Points that the buyer used, as they stand among the payments (§11.4).
const POINTS: &str = "PointsAccount";

/// Whether a payment is one of points.
pub fn is_points(method: &Text) -> bool {
    method.trimmed().is_some_and(|m| m.eq_ignore_ascii_case(POINTS))
}

/// The order's currency: that of its total, else of the first amount that it has.
pub fn currency(order: &OrderModel) -> String {
    let items = order
        .order_items
        .iter()
        .flat_map(|item| item.proceeds.proceeds_total.iter().chain(&item.product.price.unit_price));
    let paid = order.payment.payment_executions.iter().filter_map(|p| p.payment_amount.as_ref());
    let mut all = order.proceeds.grand_total.iter().chain(items).chain(paid);
    let code = all.find_map(|money| money.currency_code.trimmed());
    code.unwrap_or(YEN).to_owned()
}

/// Whole yen; `None` for what is missing, and, flagged, for a fraction of a yen and for another currency, which is never
/// added to yen.
pub fn yen(money: Option<&Money>, flags: &mut Vec<Flag>) -> Option<Yen> {
    let money = money?;
    if money.amount == Decimal::Missing {
        return None;
    }
    let code = money.currency_code.trimmed().unwrap_or("-");
    if code != YEN {
        once(flags, Flag::new("mixed_currency", format!("an amount in {code} in an order in {YEN}")));
        return None;
    }
    match money.amount {
        Decimal::Whole(amount) => Some(Yen(amount)),
        _ => {
            once(flags, Flag::new("fractional_yen", "an amount in JPY with a fraction"));
            None
        }
    }
}

pub(super) fn once(flags: &mut Vec<Flag>, flag: Flag) {
    if !flags.contains(&flag) {
        flags.push(flag);
    }
}

/// Sums of breakdowns by type; discounts without their sign, which is not documented.
#[derive(Clone, Copy, Default)]
struct Charges {
    goods: Yen,
    shipping: Yen,
    gift_wrap: Yen,
    payment_fee: Yen,
    other: Yen,
    tax: Yen,
    discount: Yen,
}

impl Charges {
    fn of(breakdowns: &[Breakdown], flags: &mut Vec<Flag>) -> Option<Self> {
        let mut charges = Self::default();
        for part in breakdowns {
            let amount = yen(part.subtotal.as_ref(), flags)?;
            let kind = part.kind.trimmed().unwrap_or("-");
            let (sum, amount) = match kind {
                "ITEM" => (&mut charges.goods, amount),
                "SHIPPING" => (&mut charges.shipping, amount),
                "GIFT_WRAP" => (&mut charges.gift_wrap, amount),
                "COD_FEE" => (&mut charges.payment_fee, amount),
                "TAX" => (&mut charges.tax, amount),
                "DISCOUNT" => (&mut charges.discount, Yen(amount.0.checked_abs()?)),
                "OTHER" | "DELIVERY_TIP" => (&mut charges.other, amount),
                unknown => {
                    once(flags, Flag::new("unknown_charge", format!("breakdown type {unknown:?}")));
                    (&mut charges.other, amount)
                }
            };
            *sum = sum.plus(amount)?;
        }
        Some(charges)
    }

    fn plus(self, more: Self) -> Option<Self> {
        Some(Self {
            goods: self.goods.plus(more.goods)?,
            shipping: self.shipping.plus(more.shipping)?,
            gift_wrap: self.gift_wrap.plus(more.gift_wrap)?,
            payment_fee: self.payment_fee.plus(more.payment_fee)?,
            other: self.other.plus(more.other)?,
            tax: self.tax.plus(more.tax)?,
            discount: self.discount.plus(more.discount)?,
        })
    }

    /// What they come to when prices contain their tax, as Japan's do.
    fn sum(self) -> Option<Yen> {
        let parts = [self.shipping, self.gift_wrap, self.payment_fee, self.other];
        let charged = parts.into_iter().try_fold(self.goods, Yen::plus)?;
        charged.minus(self.discount)
    }

    /// Whether `total` is reached only with the tax added, as in the United States.
    fn excludes_tax(self, total: Yen) -> bool {
        let sum = self.sum();
        sum != Some(total) && sum.and_then(|sum| sum.plus(self.tax)) == Some(total)
    }
}

/// The charges of all lines and those of the order alone. `None` when a line does not say.
fn charges(order: &OrderModel, flags: &mut Vec<Flag>) -> Option<Charges> {
    let priced = |item: &&OrderItem| !item.proceeds.breakdowns.is_empty();
    let (own, shared): (Vec<&Breakdown>, Vec<&Breakdown>) =
        order.proceeds.breakdowns.iter().partition(|part| part.kind.trimmed() == Some("DELIVERY_TIP"));
    if order.order_items.iter().any(|item| priced(&item)) {
        let mut sum = Charges::default();
        for item in &order.order_items {
            // A cancelled line has no price; the price of another that has none is not known.
            if !priced(&item) && item.quantity_ordered.0 != Some(0) {
                return None;
            }
            sum = sum.plus(Charges::of(&item.proceeds.breakdowns, flags)?)?;
        }
        for tip in own {
            sum.other = sum.other.plus(yen(tip.subtotal.as_ref(), flags)?)?;
        }
        return Some(sum);
    }
    (!shared.is_empty()).then(|| Charges::of(&order.proceeds.breakdowns, flags)).flatten()
}

/// What the buyer pays with points, and by the other methods. `None` where the payments do not say.
fn paid(order: &OrderModel, flags: &mut Vec<Flag>) -> Option<(Yen, Yen)> {
    let mut sums = (Yen::ZERO, Yen::ZERO);
    for payment in &order.payment.payment_executions {
        let amount = yen(payment.payment_amount.as_ref(), flags)?;
        let sum = if is_points(&payment.payment_method) { &mut sums.0 } else { &mut sums.1 };
        *sum = sum.plus(amount)?;
    }
    (!order.payment.payment_executions.is_empty()).then_some(sums)
}

/// The order's amounts. Amazon does not say who pays for a promotion, so that all of them are `other_discount`.
pub fn amounts(order: &OrderModel, flags: &mut Vec<Flag>) -> Amounts {
    let currency = currency(order);
    if currency != YEN {
        return Amounts::none(&currency);
    }
    let grand = yen(order.proceeds.grand_total.as_ref(), flags);
    let charges = charges(order, flags);
    let paid = paid(order, flags);
    let mut amounts = Amounts::none(YEN);
    if let Some(mut charges) = charges {
        if let Some(grand) = grand.filter(|&grand| charges.excludes_tax(grand)) {
            flags.push(Flag::new(
                "tax_exclusive",
                format!("{grand} is reached with a tax of {}", charges.tax),
            ));
            charges.other = charges.other.plus(charges.tax).unwrap_or(charges.other);
        }
        amounts.goods = Some(charges.goods);
        amounts.shipping = Some(charges.shipping);
        amounts.payment_fee = Some(charges.payment_fee);
        amounts.gift_wrap = Some(charges.gift_wrap);
        amounts.other_charge = Some(charges.other);
        amounts.shop_coupon = Some(Yen::ZERO);
        amounts.mall_coupon = Some(Yen::ZERO);
        amounts.other_discount = Some(charges.discount);
        amounts.total = grand.and_then(|grand| grand.plus(charges.discount));
    }
    let points = paid.map_or(Yen::ZERO, |(points, _)| points);
    amounts.points = (charges.is_some() || paid.is_some()).then_some(points);
    amounts.due = paid.map(|(_, due)| due).or(grand);
    flags.extend(amounts.mismatches());
    amounts
}

/// The price of a piece and of the line, as the mall gives them.
pub fn line(item: &OrderItem, currency: &str, flags: &mut Vec<Flag>) -> (Option<Yen>, Option<Yen>) {
    if currency != YEN {
        return (None, None);
    }
    let unit_price = yen(item.product.price.unit_price.as_ref(), flags);
    let product = unit_price.zip(item.quantity_ordered.0).and_then(|(price, n)| price.times(n));
    let id = item.order_item_id.trimmed().unwrap_or("-");
    let parts = (!item.proceeds.breakdowns.is_empty())
        .then(|| Charges::of(&item.proceeds.breakdowns, flags))
        .flatten();
    let Some(parts) = parts else { return (unit_price, product) };
    let total = yen(item.proceeds.proceeds_total.as_ref(), flags);
    if let (Some(total), Some(sum)) = (total, parts.sum())
        && sum != total
        && !parts.excludes_tax(total)
    {
        let detail = format!("line {id}: parts come to {sum}, proceedsTotal is {total}");
        flags.push(Flag::new("line_total_mismatch", detail));
    }
    if let Some(product) = product
        && product != parts.goods
    {
        let detail = format!("line {id}: pieces come to {product}, ITEM is {}", parts.goods);
        flags.push(Flag::new("line_price_mismatch", detail));
    }
    (unit_price, Some(parts.goods))
}
