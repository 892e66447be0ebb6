//! A06, A07 and A11: what changes the money (kuroneko-webcollect.md §5.3, §5.4, §7).

use chrono::Timelike;

use super::books::Effect;
use super::check;
use super::functions::{Context, Outcome, refuse};
use super::state::{Means, Settlement};
use super::switches::ContractOption;
use super::xml::Reply;

impl Context<'_> {
    /// A06 クレジット決済取消.
    pub(super) fn cancel(mut self) -> Outcome {
        let Some(before) = self.settlement() else {
            return refuse("A062010001");
        };
        if before.means != Means::Card {
            return refuse("A062010002");
        }
        if before.status == 40 {
            self.note_repeated(&before, "A06", "");
        }
        match before.status {
            4 | 5 | 15 | 17 | 30 => {}
            31 if self.switches.cancel_settled => {}
            31 => return refuse("A062010004"),
            _ => return refuse("A062010003"),
        }
        let mut after = before.clone();
        if self.switches.cancel_refused.contains(self.order_no()) {
            if self.switches.half_failed_cancel {
                after.status = 16;
                self.put(before, after, "A06", "", Effect::Half);
            } else {
                self.note(&before, "A06", "", Effect::Declined);
            }
            return refuse("A062010005");
        }
        after.status = 40;
        after.slips.clear();
        after.canceled = Some(self.now);
        self.put(before, after, "A06", "", Effect::Effective);
        Ok(Reply::ok())
    }

    /// A07 クレジット金額変更.
    pub(super) fn change_amount(mut self) -> Outcome {
        let text = self.params.get("new_price");
        check("A07", "04", text, 7, |c| c.is_ascii_digit())?;
        // Seven digits at most: it is a number.
        let price = text.parse::<i64>().unwrap_or(0);
        if price < 1 {
            return refuse("A071010471");
        }
        if price > self.switches.amount_limit {
            return refuse("A071010472");
        }
        if self.lacks(ContractOption::AmountChange) {
            return refuse("A072000001");
        }
        if self.night() {
            return refuse("A070000000");
        }
        let over = |s: &Settlement| s.status == 4 && self.lapsed(s);
        let eligible = |s: &Settlement| s.means == Means::Card && matches!(s.status, 4 | 5 | 30) && !over(s);
        let Some(before) = self.settlement().filter(eligible) else {
            return refuse("A073000001");
        };
        if self.consolidated(&before) {
            return refuse("A073000002");
        }
        let what = price.to_string();
        if before.amount == price {
            self.note_repeated(&before, "A07", &what);
            return refuse("A074000001");
        }
        if price > before.amount && self.lacks(ContractOption::Increase) {
            return refuse("A074000002");
        }
        let mut after = before.clone();
        if self.switches.declined.contains(self.order_no()) {
            if self.switches.half_failed_change {
                after.status = 17;
                self.put(before, after, "A07", &what, Effect::Half);
            } else {
                self.note(&before, "A07", &what, Effect::Declined);
            }
            return Ok(Reply::refused("A076000001").with("creditErrorCode", self.issuer_code("G54")));
        }
        after.amount = price;
        // A reservation is authorised when its day comes.
        if before.status != 5 {
            self.authorize(&mut after);
        }
        if self.switches.unreversed.contains(self.order_no()) {
            after.status = 17;
            self.put(before, after, "A07", &what, Effect::Half);
            return Ok(Reply::refused("A077000001").with("creditErrorCode", self.issuer_code("C50")));
        }
        self.put(before, after, "A07", &what, Effect::Effective);
        Ok(Reply::ok().with("creditErrorCode", ""))
    }

    /// A11 再与信.
    pub(super) fn reauthorize(mut self) -> Outcome {
        if self.lacks(ContractOption::Card) {
            return refuse("A112000001");
        }
        if self.night() {
            return refuse("A110000000");
        }
        let eligible = |s: &Settlement| {
            let registered = self.switches.reauthorize_registered
                && s.status == 30
                && s.slips.iter().all(|slip| slip.service == "00");
            s.means == Means::Card && (s.status == 4 || registered) && !self.lapsed(s)
        };
        let Some(before) = self.settlement().filter(eligible) else {
            return refuse("A112000002");
        };
        if self.switches.declined.contains(self.order_no()) {
            self.note(&before, "A11", "", Effect::Declined);
            return Ok(Reply::refused("A112000004").with("creditErrorCode", self.issuer_code("G83")));
        }
        let mut after = before.clone();
        self.authorize(&mut after);
        let effect = if self.stands("A11", "") { Effect::Duplicate } else { Effect::Effective };
        self.put(before, after, "A11", "", effect);
        Ok(Reply::ok().with("creditErrorCode", ""))
    }

    /// Are A07 and A11 closed? 23:00 to 01:00 in Japan (§5.7).
    fn night(&self) -> bool {
        self.switches.night_window && matches!(self.now.jst().hour(), 23 | 0)
    }
}
