//! Which contract an order belongs to, and its reception number (interface.md, `[[settlements.NAME.match]]`;
//! decisions.md 3).

use super::order::{CollectedBy, Order, PaymentMethod};
use super::pattern;
use super::planner::{Contract, MatchRule, Reception};
use super::settlement::is_reception_number;

/// An order's place under a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// Name of the contract.
    pub contract: String,
    /// The reception number, or why there is none (the settlement waits for `settlements link`).
    pub reception: Result<String, String>,
    /// `rule` or `source`.
    pub linked_by: &'static str,
}

/// The contract whose rule an order of `shop` matches first, and the reception number it gives. `None`: no contract's.
#[must_use]
pub fn link(contracts: &[Contract], shop: &str, order: &Order) -> Option<Linked> {
    let (contract, rule) = contracts
        .iter()
        .flat_map(|contract| contract.rules.iter().map(move |rule| (contract, rule)))
        .find(|(_, rule)| fits(rule, shop, order))?;
    let (number, linked_by) = match &rule.reception {
        Reception::Template(template) => (fill(template, order), "rule"),
        Reception::Pattern { field, regex } => (capture(field, regex, order), "rule"),
        Reception::Imported => {
            let number = order.reception_number.clone();
            let number = number.ok_or_else(|| {
                "no reception number was imported for this order: `settlements import`, or `settlements link`"
                    .to_owned()
            });
            (number, "source")
        }
    };
    let reception = number.and_then(|number| {
        if is_reception_number(&number) {
            Ok(number)
        } else {
            // Never the value: it may come from a note, and be about a person (I9).
            Err("what the rule gives is not a reception number: 1-23 of digits, capitals and # - * / < > : @"
                .to_owned())
        }
    });
    Some(Linked { contract: contract.name.clone(), reception, linked_by })
}

/// The contract under which an order of `shop` that is paid by card to the shop itself is missed: rules of the contract name
/// the shop, and none of any contract fits, so that nobody captures it. `None`: it has its place, it is paid otherwise, the
/// rules know nothing of the shop, or one of them excepts its payment by name.
#[must_use]
pub fn left_out<'c>(contracts: &'c [Contract], shop: &str, order: &Order) -> Option<&'c Contract> {
    let payment = &order.payment;
    if payment.collected_by != CollectedBy::Shop || payment.method != PaymentMethod::CreditCard {
        return None;
    }
    let of_the_shop = |contract: &&Contract| contract.rules.iter().any(|rule| rule.shop == shop);
    let known = contracts
        .iter()
        .flat_map(|contract| &contract.rules)
        .any(|rule| rule.shop == shop && (fits(rule, shop, order) || excepts(rule, order)));
    if known { None } else { contracts.iter().find(of_the_shop) }
}

fn fits(rule: &MatchRule, shop: &str, order: &Order) -> bool {
    let name = payment_name(order);
    rule.shop == shop
        && (rule.own_contract || order.payment.collected_by == CollectedBy::Shop)
        && rule.mall_payment.iter().any(|p| pattern::matches(p, name))
        && !excepts(rule, order)
}

fn excepts(rule: &MatchRule, order: &Order) -> bool {
    rule.except.iter().any(|p| pattern::matches(p, payment_name(order)))
}

fn payment_name(order: &Order) -> &str {
    order.payment.mall_method.as_deref().unwrap_or_default()
}

/// Fills `{mall_order_id|filter|…}` in.
fn fill(template: &str, order: &Order) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((inside, after)) = after.split_once('}') else {
            return Err(format!("the template {template:?} lacks a closing brace"));
        };
        text.push_str(&placeholder(inside, order)?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

fn placeholder(inside: &str, order: &Order) -> Result<String, String> {
    let mut parts = inside.split('|').map(str::trim);
    let mut value = match parts.next() {
        Some("mall_order_id") => order.mall_order_id.clone(),
        other => return Err(format!("unknown field {:?} in a template", other.unwrap_or_default())),
    };
    for filter in parts {
        value = match (filter, filter.strip_prefix("tail:").map(str::parse::<usize>)) {
            ("upper", _) => value.to_uppercase(),
            ("digits", _) => value.chars().filter(char::is_ascii_digit).collect(),
            (_, Some(Ok(n))) => value.chars().skip(value.chars().count().saturating_sub(n)).collect(),
            _ => return Err(format!("unknown filter {filter:?} in a template")),
        };
    }
    Ok(value)
}

fn capture(field: &str, regex: &regex::Regex, order: &Order) -> Result<String, String> {
    let text = match field {
        "mall_order_id" => Some(order.mall_order_id.as_str()),
        "payment.mall_method" => order.payment.mall_method.as_deref(),
        "notes.buyer" => order.notes.buyer.as_ref().map(crate::secret::Personal::expose),
        "notes.shop" => order.notes.shop.as_ref().map(crate::secret::Personal::expose),
        "notes.gift" => order.notes.gift.as_ref().map(crate::secret::Personal::expose),
        column => order.source_columns.get(column).map(crate::secret::Personal::expose),
    };
    text.and_then(|text| regex.captures(text))
        .and_then(|groups| groups.get(1))
        .map(|group| group.as_str().to_owned())
        .ok_or_else(|| format!("the pattern finds nothing in {field}"))
}
