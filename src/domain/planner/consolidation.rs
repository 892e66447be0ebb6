//! One slip on several orders (同梱): what the gateway takes of it, and what it forbids afterwards
//! (kuroneko-webcollect.md §5.4; E012000003 to E012000006, E022000002, A073000002).

use super::{Facts, Not, Wanted, ask, yet};
use crate::domain::money::Yen;
use crate::domain::operation::registered_slips;
use crate::domain::order::Status;
use crate::domain::slip::Slip;

/// Orders that one slip may carry.
pub const ORDERS_A_SLIP: usize = 3;
/// Yen that the orders of one slip may come to.
pub const YEN_A_SLIP: Yen = Yen(300_000);

/// Another order that carries one of an order's slips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    /// The slip that both carry.
    pub slip_number: String,
    /// The other order's id (ours).
    pub order_id: String,
    /// Its number at its mall.
    pub mall_order_id: String,
    /// Where it stands.
    pub status: Status,
    /// What is due for it; `None` while that is not fixed.
    pub due: Option<Yen>,
    /// The contract of its settlement; `None` where it has none.
    pub contract: Option<String>,
    /// How many of Yamato's slips it has that may be registered, this one included.
    pub slips: u64,
    /// A person decides first whether the slip is its own.
    pub held: bool,
    /// The gateway has the slip on it.
    pub registered: bool,
}

impl Companion {
    fn gone(&self) -> bool {
        matches!(self.status, Status::Canceled | Status::CancelRequested)
    }

    /// Why nothing is registered while this order stands on the slip.
    fn objection(&self, contract: &str) -> Option<String> {
        let Self { slip_number: slip, mall_order_id: order, .. } = self;
        let also = format!("slip {slip} also stands on order {order}");
        match &self.contract {
            _ if self.held => Some(format!("{also}, where a person must decide on it first")),
            _ if self.gone() => {
                let status = self.status;
                Some(format!("{also}, which is {status}: `slips remove {order} {slip}` takes it off there"))
            }
            None => Some(format!("{also}, which has no settlement: see which order it belongs to")),
            Some(other) if other != contract => {
                Some(format!("{also}, whose settlement is of another contract ({other})"))
            }
            Some(_) if self.slips > 1 => {
                Some(format!("{also}, which has other slips too: the gateway takes one parcel's slip alone"))
            }
            Some(_) => None,
        }
    }
}

fn of<'a>(facts: &Facts<'a>, slip: &str) -> impl Iterator<Item = &'a Companion> {
    facts.companions.iter().filter(move |companion| companion.slip_number == slip)
}

/// Whether `wanted`, registrations of Yamato's slips among `slips`, may be made as far as other orders carry them too. Each
/// order is registered when its own time comes; what the gateway allows counts all of them.
pub(super) fn allows(facts: &Facts<'_>, due: Yen, slips: &[&Slip], wanted: &[Wanted]) -> Result<(), Not> {
    let shared = slips.iter().find(|slip| of(facts, &slip.number).next().is_some());
    let Some(shared) = shared else { return Ok(()) };
    if let Some(beside) = slips.iter().find(|slip| slip.number != shared.number) {
        let others = named(of(facts, &shared.number));
        return ask(format!(
            "slip {} is in one parcel with order {others} (同梱): the gateway takes no second slip ({}) for such an order",
            shared.number, beside.number
        ));
    }
    for number in wanted.iter().filter_map(|wanted| wanted.intent.slip_number()) {
        let companions: Vec<&Companion> = of(facts, number).collect();
        if companions.len() >= ORDERS_A_SLIP {
            return ask(format!(
                "slip {number} stands on more than {ORDERS_A_SLIP} orders: the gateway takes no more of one parcel (同梱)"
            ));
        }
        let contract = facts.settlement.name.as_str();
        if let Some(objection) = companions.iter().find_map(|companion| companion.objection(contract)) {
            return ask(objection);
        }
        if let Some(open) = companions.iter().find(|companion| companion.due.is_none()) {
            return yet(format!(
                "the amount of order {}, in one parcel by slip {number}, is not fixed",
                open.mall_order_id
            ));
        }
        let theirs = companions.iter().filter_map(|companion| companion.due.map(|due| due.max(Yen::ZERO)));
        let total = theirs.clone().try_fold(due, Yen::plus);
        if total.is_none_or(|total| total > YEN_A_SLIP) {
            let shown: Yen = [due].into_iter().chain(theirs).sum();
            return ask(format!(
                "slip {number} carries {shown} yen together with order {}: the gateway takes {YEN_A_SLIP} yen of one \
                 parcel (同梱)",
                named(companions.into_iter())
            ));
        }
    }
    Ok(())
}

/// The slip by which the sale stands registered in one parcel with other orders, and those orders: neither its amount nor
/// its slip can be changed any more.
pub(super) fn consolidated(facts: &Facts<'_>) -> Option<(String, String)> {
    let mut slips = registered_slips(facts.done);
    if facts.settlement.state.captured() {
        slips.extend(facts.settlement.slips.iter().cloned());
    }
    slips.into_iter().find_map(|slip| {
        let others = named(of(facts, &slip).filter(|companion| companion.registered));
        (!others.is_empty()).then_some((slip, others))
    })
}

/// What is said of a sale that is registered: an order that was to go with it and cannot any more is named.
pub(super) fn registered(facts: &Facts<'_>) -> String {
    let slips = registered_slips(facts.done);
    let left = facts.companions.iter().find(|companion| {
        slips.contains(&companion.slip_number) && companion.gone() && !companion.registered
    });
    match left {
        Some(Companion { slip_number, mall_order_id, status, .. }) => format!(
            "registered; order {mall_order_id}, in one parcel by slip {slip_number}, is {status} and is not registered \
             with it"
        ),
        None => "registered".to_owned(),
    }
}

/// Orders whose parcel left with this one's slip registered, though this one cannot be any more: `None` where there are none.
pub(super) fn left_with(facts: &Facts<'_>) -> Option<(String, String)> {
    let own = registered_slips(facts.done);
    let mut slips = facts.slips.iter().filter(|slip| slip.held.is_none() && !own.contains(&slip.number));
    slips.find_map(|slip| {
        let others = named(of(facts, &slip.number).filter(|companion| companion.registered));
        (!others.is_empty()).then(|| (slip.number.clone(), others))
    })
}

fn named<'a>(companions: impl Iterator<Item = &'a Companion>) -> String {
    companions.map(|companion| companion.mall_order_id.as_str()).collect::<Vec<_>>().join(", ")
}
