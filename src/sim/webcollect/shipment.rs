//! E01 to E03: what changes a shipment (kuroneko-webcollect.md §2.5, §5.3, §5.4, §7).

use chrono::{Days, NaiveDate};

use super::books::Effect;
use super::check;
use super::functions::{Context, Outcome, reception_char, refuse};
use super::state::{Settlement, Slip};
use super::switches::ContractOption;
use super::xml::Reply;

const SLIPS_AN_ORDER: usize = 99;
const ORDERS_A_SLIP: usize = 3;
/// Yen that the orders of one slip may come to.
const CONSOLIDATED_LIMIT: i64 = 300_000;

impl Context<'_> {
    /// E01 出荷情報登録: the capture.
    pub(super) fn register(mut self) -> Outcome {
        let slip = self.params.get("slip_no");
        let service = match self.params.get("delivery_service_code") {
            "" | "00" => "00",
            "99" => "99",
            // Not in any list: the pattern of §4.1, item 05, value not allowed.
            _ => return refuse("E011010506"),
        };
        if service == "00" {
            if !slip.is_empty() && slip.chars().count() != 12 {
                return refuse("E011010402");
            }
            check("E01", "04", slip, 12, |c| c.is_ascii_digit())?;
        } else {
            check("E01", "04", slip, 23, reception_char)?;
        }
        if self.lacks(ContractOption::Shipments) {
            return refuse("E011010251");
        }
        let Some(before) = self.settlement() else {
            return refuse("E011010351");
        };
        let already = before.slips.iter().any(|s| s.number == slip);
        if already {
            self.note_repeated(&before, "E01", slip);
        }
        if !matches!(before.status, 4 | 30) {
            return refuse("E011010351");
        }
        if before.status == 4 && self.lapsed(&before) && !self.switches.capture_lapsed {
            self.note(&before, "E01", slip, Effect::Lapsed);
            return refuse("E011010351");
        }
        if service == "00" && (!seven_check(slip) || self.switches.dead_slips.contains(slip)) {
            return refuse("E011010451");
        }
        if already || self.switches.foreign_slips.contains(slip) {
            return refuse("E012000001");
        }
        self.may_carry(&before, slip, service)?;
        let mut after = before.clone();
        after.status = 30;
        after.slips.push(Slip {
            number: slip.to_owned(),
            service,
            registered: self.now,
            passed: None,
            delivered: None,
        });
        self.put(before, after, "E01", slip, Effect::Effective);
        let (pc, mobile) = if service == "00" {
            (
                format!("https://track.example/pc?no={slip}&lang=ja"),
                format!("https://track.example/m?no={slip}"),
            )
        } else {
            (String::new(), String::new())
        };
        Ok(Reply::ok().with("slipUrlPc", pc).with("slipUrlMobile", mobile))
    }

    /// May this slip go onto this order: number of slips, consolidation (§5.4)?
    fn may_carry(&self, before: &Settlement, slip: &str, service: &str) -> Result<(), String> {
        let refuse = |code: &str| Err(code.to_owned());
        let other_carrier = |s: &Settlement| s.slips.iter().any(|s| s.service == "99");
        // With another carrier an order is registered once, whatever the number.
        if other_carrier(before) || (service == "99" && !before.slips.is_empty()) {
            return refuse("E012000001");
        }
        if before.slips.len() >= SLIPS_AN_ORDER {
            return refuse("E012000002");
        }
        let carried = self.state.gateway.carries(slip);
        let linked: Vec<Settlement> = carried
            .iter()
            .filter_map(|order_no| self.state.gateway.get(self.world, order_no, self.now))
            .collect();
        if !linked.is_empty() && (service == "99" || linked.iter().any(other_carrier)) {
            return refuse("E012000001");
        }
        if carried.len() >= ORDERS_A_SLIP {
            return refuse("E012000004");
        }
        if self.consolidated(before) || (!linked.is_empty() && !before.slips.is_empty()) {
            return refuse("E012000006");
        }
        if linked.iter().any(|s| s.status != 30 || s.slips.len() > 1) {
            return refuse("E012000005");
        }
        let total = before.amount + linked.iter().map(|s| s.amount).sum::<i64>();
        if !linked.is_empty() && total > CONSOLIDATED_LIMIT {
            return refuse("E012000003");
        }
        Ok(())
    }

    /// E02 出荷情報取消.
    pub(super) fn unregister(mut self) -> Outcome {
        let slip = self.params.get("slip_no");
        check("E02", "04", slip, 23, reception_char)?;
        if self.lacks(ContractOption::Shipments) {
            return refuse("E021010251");
        }
        let Some(before) = self.settlement() else {
            return refuse("E021010351");
        };
        let linked = before.slips.iter().any(|s| s.number == slip);
        if !linked {
            self.note_repeated(&before, "E02", slip);
        }
        if before.status != 30 {
            return refuse("E021010351");
        }
        if !linked {
            return refuse("E022000001");
        }
        if self.state.gateway.carries(slip).len() > 1 {
            return refuse("E022000002");
        }
        let mut after = before.clone();
        after.slips.retain(|s| s.number != slip);
        if after.slips.is_empty() {
            after.status = 4;
        }
        self.put(before, after, "E02", slip, Effect::Effective);
        Ok(Reply::ok())
    }

    /// E03 出荷予定日変更.
    pub(super) fn change_date(mut self) -> Outcome {
        let text = self.params.get("scheduled_shipping_date");
        if text.is_empty() {
            return refuse("E031010401");
        }
        let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
        let Some(date) = NaiveDate::parse_from_str(text, "%Y%m%d").ok().filter(|_| digits) else {
            return refuse("E031010405");
        };
        if date < self.now.jst_date() {
            return refuse("E031010471");
        }
        if self.lacks(ContractOption::Reservations) {
            return refuse("E032000001");
        }
        let Some(before) = self.settlement().filter(|s| s.status == 5) else {
            return refuse("E031010351");
        };
        let last = before.settled_at.jst_date().checked_add_days(Days::new(self.switches.schedule_days));
        if last.is_some_and(|last| date > last) {
            return refuse("E031010472");
        }
        if before.planned == Some(date) {
            self.note_repeated(&before, "E03", text);
            return Ok(Reply::ok());
        }
        let mut after = before.clone();
        after.planned = Some(date);
        self.put(before, after, "E03", text, Effect::Effective);
        Ok(Reply::ok())
    }
}

/// The first eleven digits modulo 7 are the twelfth (§2.5).
fn seven_check(slip: &str) -> bool {
    let Some((body, digit)) = slip.split_at_checked(11) else { return false };
    matches!((body.parse::<u64>(), digit.parse::<u64>()), (Ok(body), Ok(digit)) if body % 7 == digit)
}
