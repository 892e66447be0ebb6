//! What a changing call asks for, checked as far as it can be without the order (yahoo-shopping.md §7).

use std::collections::BTreeMap;

use super::keys::{self, Form, Key};
use super::refusal::{self, Refusal};
use crate::sim::xml::Node;

/// Reasons for a cancel that a store may give (§9.6).
const REASONS: [u16; 13] = [100, 110, 120, 130, 140, 150, 160, 170, 180, 200, 210, 220, 230];
/// The reason of a cancel that gives none (§7.3).
const NO_REASON: u16 = 210;
/// The one reason that is told in words.
const OTHER_REASON: u16 = 230;

/// A call that passed the checks.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) function: &'static str,
    /// The order number.
    pub(crate) number: String,
    /// `IsPointFix`.
    pub(crate) point_fix: bool,
    pub(crate) order_status: Option<u8>,
    /// Of a cancel.
    pub(crate) reason: u16,
    pub(crate) ship_status: Option<u8>,
    /// Paid?
    pub(crate) pay_status: Option<bool>,
    /// Elements and their new values, empty ones taken away.
    pub(crate) values: BTreeMap<&'static str, String>,
}

impl Change {
    /// A value that is not empty.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Does it tell that goods left, or of what they left with?
    pub(crate) fn ships(&self) -> bool {
        let told = ["ShipInvoiceNumber1", "ShipInvoiceNumber2", "ShipInvoiceNumberEmptyReason", "ShipDate"];
        self.ship_status.is_some_and(|status| status >= 3)
            || told.into_iter().any(|name| self.value(name).is_some())
    }

    /// For the books: what it asked for, but nothing that a person wrote.
    pub(crate) fn what(&self) -> String {
        let shown = [
            "ShipMethod",
            "ShipCompanyCode",
            "ShipInvoiceNumber1",
            "ShipInvoiceNumber2",
            "ShipInvoiceNumberEmptyReason",
            "ShipDate",
            "ArrivalDate",
            "IsSeen",
            "StoreStatus",
            "PayDate",
        ];
        let statuses = [
            self.order_status.map(|n| format!("OrderStatus={n}")),
            self.ship_status.map(|n| format!("ShipStatus={n}")),
            self.pay_status.map(|paid| format!("PayStatus={}", u8::from(paid))),
        ];
        let values = shown.into_iter().filter_map(|name| Some(format!("{name}={}", self.values.get(name)?)));
        statuses.into_iter().flatten().chain(values).collect::<Vec<_>>().join(" ")
    }
}

/// Checks a request; the first bad element is named.
pub(crate) fn read(function: &'static str, req: &Node) -> Result<Change, Refusal> {
    let whole: &[&str] = if function == "orderChange" {
        &["Target", "Order", "IsCouponUpdateAllowed", "SellerId"]
    } else {
        &["Target", "Order", "SellerId"]
    };
    only(req, whole)?;
    let target = parent(req, "Target")?;
    let fixes = matches!(function, "orderShipStatusChange" | "orderStatusChange");
    only(
        target,
        if fixes { &["OrderId", "IsPointFix", "OperationUser"] } else { &["OrderId", "OperationUser"] },
    )?;
    let number = target.leaf("OrderId").ok_or_else(|| refusal::parameter("OrderId"))?;
    if number.len() > 50 || !number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(refusal::parameter("OrderId"));
    }
    let point_fix = match target.leaf("IsPointFix") {
        Some("true") => true,
        Some("false") => false,
        None if !fixes => false,
        _ => return Err(refusal::parameter("IsPointFix")),
    };
    let mut change = Change {
        function,
        number: number.to_owned(),
        point_fix,
        order_status: None,
        reason: NO_REASON,
        ship_status: None,
        pay_status: None,
        values: BTreeMap::new(),
    };
    if let Some(user) = target.leaf("OperationUser") {
        if user.chars().count() > 120 {
            return Err(refusal::parameter("OperationUser"));
        }
        change.values.insert("OperationUser", user.to_owned());
    }
    let order = parent(req, "Order")?;
    match function {
        "orderShipStatusChange" => shipment(&mut change, order)?,
        "orderStatusChange" => status(&mut change, order)?,
        "orderPayStatusChange" => payment(&mut change, order)?,
        _ => edit(&mut change, req, order)?,
    }
    Ok(change)
}

fn only(node: &Node, known: &[&str]) -> Result<(), Refusal> {
    node.stranger(known).map_or(Ok(()), |name| Err(refusal::parameter(name)))
}

fn parent<'n>(node: &'n Node, name: &str) -> Result<&'n Node, Refusal> {
    node.child(name).ok_or_else(|| refusal::parameter(name))
}

/// A code that must be there.
fn digit(node: &Node, name: &str, allowed: std::ops::RangeInclusive<u8>) -> Result<u8, Refusal> {
    let value = node.leaf(name).filter(|text| text.len() == 1).and_then(|text| text.parse().ok());
    value.filter(|n| allowed.contains(n)).ok_or_else(|| refusal::parameter(name))
}

/// The elements of `node` that are among `keys`; `but` is read elsewhere.
fn values(change: &mut Change, node: &Node, keys: &[Key], but: &str) -> Result<(), Refusal> {
    for (n, child) in node.children.iter().enumerate().filter(|(_, child)| child.name != but) {
        let twice = node.children[..n].iter().any(|earlier| earlier.name == child.name);
        let text = child.text.trim();
        let key = keys.iter().find(|(name, _)| *name == child.name);
        match key.filter(|(_, form)| !twice && child.children.is_empty() && form.fits(text)) {
            Some((name, _)) => change.values.insert(name, text.to_owned()),
            None => return Err(refusal::parameter(&child.name)),
        };
    }
    Ok(())
}

fn shipment(change: &mut Change, order: &Node) -> Result<(), Refusal> {
    only(order, &["Ship"])?;
    let ship = parent(order, "Ship")?;
    only(
        ship,
        &std::iter::once("ShipStatus").chain(keys::SHIPMENT.map(|(name, _)| name)).collect::<Vec<_>>(),
    )?;
    change.ship_status = Some(digit(ship, "ShipStatus", 0..=4)?);
    values(change, ship, &keys::SHIPMENT, "ShipStatus")?;
    together(change)
}

fn status(change: &mut Change, order: &Node) -> Result<(), Refusal> {
    only(order, &["OrderStatus", "CancelReason", "CancelReasonDetail"])?;
    let status = digit(order, "OrderStatus", 1..=5)?;
    change.order_status = Some(status);
    if change.point_fix != (status == 5) {
        return Err(refusal::parameter("IsPointFix"));
    }
    if let Some(text) = order.leaf("CancelReason") {
        let reason = text.parse().ok().filter(|reason| status == 4 && REASONS.contains(reason));
        change.reason = reason.ok_or_else(|| refusal::parameter("CancelReason"))?;
    }
    let detail = order.leaf("CancelReasonDetail");
    let fits = match detail {
        Some(text) => change.reason == OTHER_REASON && (10..=200).contains(&text.chars().count()),
        None => change.reason != OTHER_REASON,
    };
    if !fits {
        return Err(refusal::parameter("CancelReasonDetail"));
    }
    if let Some(words) = detail {
        change.values.insert("CancelReasonDetail", words.to_owned());
    }
    Ok(())
}

fn payment(change: &mut Change, order: &Node) -> Result<(), Refusal> {
    only(order, &["Pay"])?;
    let pay = parent(order, "Pay")?;
    only(pay, &["PayStatus", "PayDate"])?;
    change.pay_status = Some(digit(pay, "PayStatus", 0..=1)? == 1);
    values(change, pay, &[("PayDate", Form::D8)], "PayStatus")
}

/// `orderChange`: keys of the order itself, of `Pay` and of `Ship`.
fn edit(change: &mut Change, req: &Node, order: &Node) -> Result<(), Refusal> {
    if req.child("IsCouponUpdateAllowed").is_some_and(|node| !Form::Bool.fits(node.text.trim())) {
        return Err(refusal::parameter("IsCouponUpdateAllowed"));
    }
    let own = Node {
        children: order
            .children
            .iter()
            .filter(|c| !matches!(c.name.as_str(), "Pay" | "Ship"))
            .cloned()
            .collect(),
        ..Node::default()
    };
    values(change, &own, &keys::ORDER, "")?;
    for (name, keys) in [("Pay", &keys::PAY[..]), ("Ship", &keys::SHIP[..])] {
        let mut found = order.children.iter().filter(|child| child.name == name);
        if let Some(node) = found.next() {
            values(change, node, keys, "")?;
        }
        if found.next().is_some() {
            return Err(refusal::parameter(name));
        }
    }
    if change.values.keys().all(|name| *name == "OperationUser") {
        return Err(refusal::parameter("Order"));
    }
    together(change)
}

/// What belongs together, and what excludes each other (§7.1).
fn together(change: &Change) -> Result<(), Refusal> {
    let given = |name: &str| change.values.contains_key(name);
    if keys::EAZY.iter().any(|name| given(name))
        && let Some(missing) = keys::EAZY.iter().find(|name| !given(name))
    {
        return Err(refusal::parameter(missing));
    }
    let reason = "ShipInvoiceNumberEmptyReason";
    let numbered =
        ["ShipInvoiceNumber1", "ShipInvoiceNumber2"].into_iter().any(|n| change.value(n).is_some());
    if numbered && change.value(reason).is_some() {
        return Err(refusal::parameter(reason));
    }
    Ok(())
}
