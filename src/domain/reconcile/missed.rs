//! Orders that are paid by card and have no settlement.

use super::{Difference, Kind};
use crate::domain::link::left_out;
use crate::domain::money::Yen;
use crate::domain::order::Order;
use crate::domain::planner::Contract;

/// Orders placed up to so many days ago are looked at: an authorisation has ended by then, whoever held it.
pub const MISSED_FOR: u64 = 90;

/// What is to be told under `contract` of an order of `shop` that has no settlement: parcels may leave, money is due, it is
/// paid by card, and no rule fits.
#[must_use]
pub fn missed(contracts: &[Contract], contract: &Contract, shop: &str, order: &Order) -> Option<Difference> {
    let due = order.amounts.due.filter(|due| *due > Yen::ZERO)?;
    let touched = contract.since.is_none_or(|since| order.ordered_at >= since);
    let ours = left_out(contracts, shop, order).is_some_and(|left| left.name == contract.name);
    (order.status.may_ship() && touched && ours).then(|| Difference {
        kind: Kind::NoRule,
        ours: Some(due),
        theirs: None,
        reason:
            "paid by card, and no rule of any settlement fits: mend `mall_payment`, or name it in `except`"
                .to_owned(),
    })
}
