//! One sale against the gateway's books.

use chrono::NaiveDate;

use super::{Difference, Kind, STUCK, Sale, UNCAPTURED, Unseen, later};
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::operation::{Intent, registered_slips};
use crate::domain::order::Status;
use crate::domain::planner::{Contract, RegisteredBy};
use crate::domain::settlement::{LAPSE_ALARM, SettlementState, near_order};

/// Everything that differs for one sale under `contract` at `now`. Orders placed before `since` are never touched, and a
/// settlement that a person resolved is settled outside: neither differs.
#[must_use]
pub fn compare(contract: &Contract, sale: &Sale<'_>, now: Timestamp) -> Vec<Difference> {
    let mut found = Found { contract, sale, now, all: Vec::new() };
    let before = contract.since.is_some_and(|since| sale.order.ordered_at < since);
    if !before && sale.settlement.resolved.is_none() {
        found.look();
    }
    found.all.sort_by_key(|difference| difference.kind);
    found.all
}

struct Found<'a> {
    contract: &'a Contract,
    sale: &'a Sale<'a>,
    now: Timestamp,
    all: Vec<Difference>,
}

impl Found<'_> {
    fn tell(&mut self, kind: Kind, ours: Option<Yen>, theirs: Option<Yen>, reason: impl Into<String>) {
        self.all.push(Difference { kind, ours, theirs, reason: reason.into() });
    }

    fn due(&self) -> Option<Yen> {
        self.sale.order.amounts.due
    }

    fn held(&self) -> Option<Yen> {
        self.sale.settlement.amount
    }

    /// For people, who compare amounts.
    fn held_text(&self) -> String {
        self.held().map_or_else(|| "?".to_owned(), |held| held.to_string())
    }

    fn canceled_order(&self) -> bool {
        self.sale.order.status == Status::Canceled
    }

    /// Something is due for an order that lives.
    fn awaits_money(&self) -> bool {
        !self.canceled_order() && self.due().is_some_and(|due| due > Yen::ZERO)
    }

    fn look(&mut self) {
        let settlement = self.sale.settlement;
        if settlement.reception_number.is_none() {
            if self.sale.order.status.may_ship() && self.awaits_money() {
                let reason = "no reception number: `mallsync settlements link ORDER RECEPTION_NUMBER`";
                self.tell(Kind::NoNumber, self.due(), None, reason);
            }
            return;
        }
        match self.sale.shown.unseen {
            None => {}
            // What is not there moves no money of an order that is over; what was seen before stands.
            Some(Unseen::Absent) if self.canceled_order() && registered_slips(self.sale.done).is_empty() => {
                return;
            }
            Some(Unseen::Ambiguous | Unseen::Unreadable) if self.canceled_order() => {}
            Some(Unseen::Absent) => {
                let reason = "the gateway does not know this reception number";
                return self.tell(Kind::NotThere, self.due(), None, reason);
            }
            Some(Unseen::Ambiguous) => {
                let reason = "the gateway shows several settlements under this number";
                return self.tell(Kind::Ambiguous, self.due(), None, reason);
            }
            Some(Unseen::Unreadable) => {
                let reason = "the gateway's answer to the look-up could not be used";
                self.tell(Kind::Unreadable, self.due(), None, reason);
            }
        }
        if settlement.looked_at.is_some() {
            self.by_state();
        }
    }

    fn by_state(&mut self) {
        use SettlementState::{
            Authorized, Canceled, Lapsed, Refused, Registered, Reserved, Settled, Unknown, Unlinked,
        };
        let canceled_by_us = self.sale.done.iter().any(|intent| matches!(intent, Intent::Cancel { .. }));
        match self.sale.settlement.state {
            Authorized | Reserved | Registered | Settled | Lapsed if canceled_by_us => {
                let held = self.held_text();
                let reason =
                    format!("it was cancelled here, and the gateway shows it with {held} yen all the same");
                self.tell(Kind::CancelGone, Some(Yen::ZERO), self.held(), reason);
            }
            Authorized | Reserved | Lapsed => self.waiting(),
            Registered | Settled => self.captured(),
            Canceled if canceled_by_us => {}
            Canceled => self.canceled(),
            Refused if self.awaits_money() => {
                let status = self.status();
                let reason = format!("the gateway shows the authorisation as failed (status {status})");
                self.tell(Kind::Refused, self.due(), Some(Yen::ZERO), reason);
            }
            Unknown if self.sale.shown.unseen.is_none() => {
                let reason =
                    format!("the gateway shows status {}, from which nothing follows", self.status());
                self.tell(Kind::StrangeStatus, self.due(), self.held(), reason);
            }
            Refused | Unknown | Unlinked => {}
        }
    }

    fn status(&self) -> &str {
        // A code of the gateway's; what is none is not repeated.
        let is_code = |status: &&str| {
            (1..=8).contains(&status.len()) && status.bytes().all(|b| b.is_ascii_digit() || b == b'/')
        };
        self.sale.shown.status.as_deref().filter(is_code).unwrap_or("?")
    }

    /// The gateway shows it as cancelled, and we did not.
    fn canceled(&mut self) {
        let ours = registered_slips(self.sale.done);
        if !ours.is_empty() && !self.canceled_order() {
            let held = self.held_text();
            let reason = format!("{held} yen were captured here, and somebody cancelled them at the gateway");
            self.tell(Kind::Refunded, self.held(), Some(Yen::ZERO), reason);
        } else if self.awaits_money() {
            let reason = "somebody cancelled it at the gateway, and the order lives";
            self.tell(Kind::CanceledElsewhere, self.due(), Some(Yen::ZERO), reason);
        }
    }

    /// The gateway holds an authorisation, or will.
    fn waiting(&mut self) {
        let settlement = self.sale.settlement;
        let ours = registered_slips(self.sale.done);
        if !ours.is_empty() {
            let reason =
                format!("slip {} was registered here, and the gateway does not show it", ours.join(" "));
            return self.tell(Kind::CaptureGone, self.held(), Some(Yen::ZERO), reason);
        }
        if self.canceled_order() {
            return self.order_canceled();
        }
        if let Some(at) = settlement.authorized_at
            && settlement.verified_at.is_none()
            && !near_order(at, self.sale.order.ordered_at)
        {
            let ordered_at = self.sale.order.ordered_at;
            let reason = format!("authorised at {at}, more than three days from the order of {ordered_at}");
            self.tell(Kind::AnotherSale, self.due(), self.held(), reason);
        }
        self.amount();
        if settlement.state != SettlementState::Reserved {
            self.uncaptured();
            self.lapse();
        }
    }

    fn order_canceled(&mut self) {
        let reason = format!("the order is canceled, the gateway holds {} yen", self.held_text());
        self.tell(Kind::OrderCanceled, Some(Yen::ZERO), self.held(), reason);
    }

    fn amount(&mut self) {
        let (Some(due), Some(held)) = (self.due(), self.held()) else { return };
        if due != held {
            let reason = format!("the gateway holds {held} yen, the order's due is {due} yen");
            self.tell(Kind::AmountDiffers, Some(due), Some(held), reason);
        }
    }

    /// The parcel left, and nothing was captured.
    fn uncaptured(&mut self) {
        let order = self.sale.order;
        if !order.status.may_ship() || !self.awaits_money() {
            return;
        }
        let by_mall = order.packages.iter().filter_map(|package| package.shipped_on).max();
        let by_slip =
            self.sale.slips.iter().map(|slip| slip.ship_date.unwrap_or_else(|| slip.learnt_at.jst_date()));
        let Some(shipped) = by_mall.or_else(|| by_slip.max()) else { return };
        if self.now.jst_date() >= later(shipped, UNCAPTURED) {
            let reason = format!("shipped on {shipped}, and nothing is registered at the gateway");
            self.tell(Kind::NotCaptured, self.due(), Some(Yen::ZERO), reason);
        }
    }

    fn lapse(&mut self) {
        let Some(last) = self.sale.settlement.lapses_on.filter(|_| self.awaits_money()) else { return };
        let today = self.now.jst_date();
        if today > last {
            let reason = format!("the authorisation ended on {last}");
            self.tell(Kind::Lapsed, self.due(), self.held(), reason);
        } else if later(today, LAPSE_ALARM) >= last {
            let reason = format!("the authorisation ends on {last}");
            self.tell(Kind::LapsesSoon, self.due(), self.held(), reason);
        }
    }

    /// The gateway shows a slip: the money is claimed, or settled.
    fn captured(&mut self) {
        self.slips();
        let settled = self.sale.settlement.state == SettlementState::Settled;
        if self.canceled_order() {
            if settled {
                let held = self.held_text();
                self.refund(Some(Yen::ZERO), &held);
            } else {
                self.order_canceled();
            }
            return;
        }
        match (self.due(), self.held()) {
            (Some(due), Some(held)) if settled && held > due => {
                let back = held.minus(due).unwrap_or(held).to_string();
                self.refund(Some(due), &back);
            }
            _ => self.amount(),
        }
        if !settled {
            self.stuck();
        }
    }

    fn refund(&mut self, ours: Option<Yen>, back: &str) {
        let reason = format!("pay {back} yen back by hand at the gateway's own screen or by transfer");
        self.tell(Kind::RefundDue, ours, self.held(), reason);
    }

    fn slips(&mut self) {
        let settlement = self.sale.settlement;
        let number = settlement.reception_number.as_deref().unwrap_or_default();
        // Another carrier's parcel stands under the reception number, shown or not (§5.6).
        let theirs: Vec<&str> =
            settlement.slips.iter().map(String::as_str).filter(|slip| *slip != number).collect();
        let ours = registered_slips(self.sale.done);
        if self.contract.registered_by == RegisteredBy::Mallsync && ours.is_empty() {
            let held = self.held_text();
            let reason = if theirs.is_empty() {
                format!("somebody captured {held} yen at the gateway")
            } else {
                format!("somebody registered slip {} at the gateway: {held} yen", theirs.join(" "))
            };
            return self.tell(Kind::CapturedElsewhere, Some(Yen::ZERO), self.held(), reason);
        }
        let mine = |slip: &str| match self.contract.registered_by {
            RegisteredBy::Mallsync => ours.iter().any(|ours| ours == slip),
            RegisteredBy::B2cloud => self.sale.slips.iter().any(|ours| ours.number == slip),
        };
        let strange: Vec<&str> = theirs.iter().copied().filter(|slip| !mine(slip)).collect();
        let missing: Vec<&str> = ours
            .iter()
            .map(String::as_str)
            .filter(|slip| *slip != number && !theirs.contains(slip))
            .collect();
        let reason = match (strange.is_empty(), missing.is_empty()) {
            (true, true) => return,
            (false, true) => format!("the gateway shows slip {}, which is not ours", strange.join(" ")),
            (true, false) => {
                format!("slip {} was registered here, and the gateway does not show it", missing.join(" "))
            }
            (false, false) => {
                format!("the gateway shows slip {} in place of {}", strange.join(" "), missing.join(" "))
            }
        };
        self.tell(Kind::SlipDiffers, self.due(), self.held(), reason);
    }

    /// 精算確定待ち for days (§5.4): with Yamato's slips that is a parcel that nobody scanned.
    fn stuck(&mut self) {
        let Some(registered_at) = self.sale.shown.registered_at else { return };
        let day: NaiveDate = registered_at.jst_date();
        if self.now.jst_date() < later(day, STUCK) {
            return;
        }
        let settlement = self.sale.settlement;
        let number = settlement.reception_number.as_deref().unwrap_or_default();
        let yamato: Vec<&str> =
            settlement.slips.iter().map(String::as_str).filter(|slip| *slip != number).collect();
        let reason = match (self.sale.shown.shipped_on, yamato.as_slice()) {
            (Some(scanned), _) => {
                format!("registered on {day}, scanned on {scanned}, and not settled since")
            }
            (None, []) => format!("registered on {day} as another carrier's parcel, and not settled since"),
            (None, [slip]) => {
                format!("registered on {day}, not settled since: slip {slip} was never scanned")
            }
            (None, slips) => format!(
                "registered on {day}, not settled since: of slips {} not all were scanned",
                slips.join(" ")
            ),
        };
        self.tell(Kind::NotSettled, self.due(), self.held(), reason);
    }
}
