//! What the database shows of a shop, held against what the mall shows.

use std::collections::BTreeMap;

use mallsync::clock::Timestamp;
use mallsync::sim::{Fact, World};
use mallsync::store::orders::OrderView;
use serde_json::Value;

/// Orders of a shop, by number.
pub type Orders = BTreeMap<String, OrderView>;

/// Members that a mall blanks later keep their last value (decisions.md 13): where the fresh look shows nothing, neither
/// does this.
fn as_shown(order: &Value, fresh: &Value) -> Value {
    match (order, fresh) {
        (Value::Object(members), Value::Object(shown)) => members
            .iter()
            .map(|(name, value)| {
                let shown = shown.get(name).unwrap_or(&Value::Null);
                (name.clone(), as_shown(value, shown))
            })
            .collect(),
        (Value::Array(items), Value::Array(shown)) if items.len() == shown.len() => {
            items.iter().zip(shown).map(|(item, shown)| as_shown(item, shown)).collect()
        }
        (Value::String(_), Value::Null) => Value::Null,
        (value, _) => value.clone(),
    }
}

/// An order as stored is what the mall or cart says of it.
pub fn agree(case: &str, fact: &Fact, view: &OrderView) {
    let order = &view.order;
    let case = format!("{case}: {fact:?}");
    assert_eq!(order.mall_status, fact.status, "{case}");
    assert_eq!(order.ordered_at, fact.ordered_at, "{case}");
    assert_eq!(order.amounts.due.map(|due| due.0), fact.due, "{case}");
    assert_eq!(order.packages.iter().map(|p| p.lines.len()).sum::<usize>(), fact.lines, "{case}");
}

/// Every order that could be seen at `quiet_since` is among `orders`, and none that the mall does not have. What has not
/// changed since then is as the mall has it, and looks, member by member, as in `fresh`: what somebody sees who looks at
/// the same mall for the first time. Returns how many were compared in that way.
pub fn agree_with_the_mall(
    case: &str,
    world: &World,
    shop: &str,
    quiet_since: Timestamp,
    orders: &Orders,
    fresh: &Orders,
) -> usize {
    let now: BTreeMap<String, Fact> =
        world.truth(shop).map(|fact| (fact.order_number.clone(), fact)).collect();
    let mut compared = 0;
    for fact in world.truth_at(shop, quiet_since) {
        let view = orders.get(&fact.order_number).unwrap_or_else(|| panic!("{case}: lost: {fact:?}"));
        if now.get(&fact.order_number) != Some(&fact) {
            continue;
        }
        agree(case, &fact, view);
        let shown = &fresh[&fact.order_number].order;
        if shown.mall_updated_at.is_some_and(|at| at > quiet_since) {
            continue;
        }
        let shown = serde_json::to_value(shown).unwrap();
        let ours = serde_json::to_value(&view.order).unwrap();
        assert_eq!(as_shown(&ours, &shown), shown, "{case}: {}", fact.order_number);
        compared += 1;
    }
    assert!(
        orders.keys().all(|number| now.contains_key(number)),
        "{case}: orders that the mall does not have"
    );
    compared
}
