//! What each function checks and does (kuroneko-webcollect.md §5.2, §7).

use super::state::{Settlement, Slip};
use super::xml::{Reply, stamp};
use super::{Call, check, night, reception_char};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::switches::WebcollectSwitches;
use crate::sim::world::State;

/// The functions the simulated merchant has a contract for.
pub(crate) const CONTRACTED: [&str; 7] = ["A06", "A07", "A11", "E01", "E02", "E04", "H01"];
/// Days of an authorisation, the day it was made included.
const AUTHORIZATION_DAYS: u64 = 60;
const SLIPS_AN_ORDER: usize = 99;
const ORDERS_A_SLIP: usize = 3;
const CONSOLIDATED_LIMIT: i64 = 300_000;

type Outcome = Result<Reply, String>;

/// The call with what every function needs.
struct Context<'a> {
    world: &'a World,
    state: &'a mut State,
    switches: &'a WebcollectSwitches,
    call: &'a Call,
    now: Timestamp,
}

pub(crate) fn run(
    world: &World,
    state: &mut State,
    switches: &WebcollectSwitches,
    call: &Call,
    division: &str,
    now: Timestamp,
) -> Outcome {
    let context = Context { world, state, switches, call, now };
    match division {
        "E01" => context.register(),
        "E02" => context.unregister(),
        "E04" => Ok(context.look_up()),
        "A06" => context.cancel(),
        "A07" => context.change_amount(),
        _ => context.reauthorize(),
    }
}

fn refuse(code: &str) -> Outcome {
    Err(code.to_owned())
}

impl Context<'_> {
    fn settlement(&self) -> Option<Settlement> {
        self.state.gateway.get(self.world, self.call.order_no(), self.now)
    }

    fn put(&mut self, before: Settlement, after: Settlement) {
        self.state.gateway.put(self.call.order_no(), before, after, self.now);
    }

    /// E01 出荷情報登録: the capture.
    fn register(mut self) -> Outcome {
        let slip = self.call.param("slip_no");
        let yamato = match self.call.param("delivery_service_code") {
            "" | "00" => true,
            "99" => false,
            // Not in any list: the pattern of §4.1, item 05, value not allowed.
            _ => return refuse("E011010506"),
        };
        if yamato {
            if !slip.is_empty() && slip.chars().count() != 12 {
                return refuse("E011010402");
            }
            check("E01", "04", slip, 12, |c| c.is_ascii_digit())?;
        } else {
            check("E01", "04", slip, 23, reception_char)?;
        }
        let order_no = self.call.order_no();
        let Some(before) = self.settlement() else {
            return refuse("E011010351");
        };
        let already = before.slips.iter().any(|s| s.number == slip);
        if already {
            self.state.gateway.ledger(order_no).repeated += 1;
        }
        if !matches!(before.status, 4 | 30) {
            return refuse("E011010351");
        }
        if yamato && (!seven_check(slip) || self.switches.dead_slips.contains(slip)) {
            return refuse("E011010451");
        }
        // An order sent by another carrier is registered once, whatever the number.
        if already || (!yamato && !before.slips.is_empty()) {
            return refuse("E012000001");
        }
        if before.slips.len() >= SLIPS_AN_ORDER {
            return refuse("E012000002");
        }
        let carried = self.state.gateway.carried.get(slip).cloned().unwrap_or_default();
        if carried.len() >= ORDERS_A_SLIP {
            return refuse("E012000004");
        }
        if !self.state.gateway.consolidated_with(order_no).is_empty() {
            return refuse("E012000006");
        }
        let linked: Vec<Settlement> =
            carried.iter().filter_map(|o| self.state.gateway.get(self.world, o, self.now)).collect();
        if linked.iter().any(|s| s.status != 30) {
            return refuse("E012000005");
        }
        if !linked.is_empty()
            && before.amount + linked.iter().map(|s| s.amount).sum::<i64>() > CONSOLIDATED_LIMIT
        {
            return refuse("E012000003");
        }
        let mut after = before.clone();
        if before.status == 4 {
            let lapsed = before.lapsed(self.now, AUTHORIZATION_DAYS);
            let ledger = self.state.gateway.ledger(order_no);
            ledger.captures += 1;
            ledger.lapsed += u32::from(lapsed);
        }
        after.status = 30;
        after.slips.push(Slip {
            number: slip.to_owned(),
            service: if yamato { "00" } else { "99" }.to_owned(),
            registered: self.now,
            scanned: None,
            delivered: None,
        });
        self.state.gateway.carried.entry(slip.to_owned()).or_default().insert(order_no.to_owned());
        self.put(before, after);
        let (pc, mobile) = if yamato {
            (
                format!("https://track.example/pc?no={slip}&lang=ja"),
                format!("https://track.example/m?no={slip}"),
            )
        } else {
            (String::new(), String::new())
        };
        Ok(Reply::ok().with("slipUrlPc", pc).with("slipUrlMobile", mobile))
    }

    /// E02 出荷情報取消.
    fn unregister(mut self) -> Outcome {
        let slip = self.call.param("slip_no");
        check("E02", "04", slip, 23, reception_char)?;
        let order_no = self.call.order_no();
        let Some(before) = self.settlement().filter(|s| s.status == 30) else {
            return refuse("E021010351");
        };
        if !before.slips.iter().any(|s| s.number == slip) {
            return refuse("E022000001");
        }
        if self.state.gateway.carried.get(slip).is_some_and(|orders| orders.len() > 1) {
            return refuse("E022000002");
        }
        let mut after = before.clone();
        after.slips.retain(|s| s.number != slip);
        if after.slips.is_empty() {
            after.status = 4;
            self.state.gateway.ledger(order_no).undone += 1;
        }
        self.state.gateway.carried.remove(slip);
        self.put(before, after);
        Ok(Reply::ok())
    }

    /// A06 クレジット決済取消.
    fn cancel(mut self) -> Outcome {
        let order_no = self.call.order_no();
        let Some(before) = self.settlement() else {
            return refuse("A062010001");
        };
        match before.status {
            4 | 5 | 15 | 17 | 30 => {}
            31 if self.switches.cancel_settled => {}
            31 => return refuse("A062010004"),
            _ => return refuse("A062010003"),
        }
        let mut after = before.clone();
        let ledger = self.state.gateway.ledger(order_no);
        if matches!(before.status, 30 | 31) {
            ledger.undone += 1;
        }
        after.status = 40;
        after.slips.clear();
        after.canceled = Some(self.now);
        self.state.gateway.release(order_no);
        self.put(before, after);
        Ok(Reply::ok())
    }

    /// A07 クレジット金額変更.
    fn change_amount(mut self) -> Outcome {
        let text = self.call.param("new_price");
        check("A07", "04", text, 7, |c| c.is_ascii_digit())?;
        let price = text.parse::<i64>().unwrap_or(0);
        if price < 1 {
            return refuse("A071010471");
        }
        if price > self.switches.amount_limit {
            return refuse("A071010472");
        }
        if night(self.switches, self.now) {
            return refuse("A070000000");
        }
        let order_no = self.call.order_no();
        let Some(before) = self.settlement().filter(|s| matches!(s.status, 4 | 5 | 30)) else {
            return refuse("A073000001");
        };
        if !self.state.gateway.consolidated_with(order_no).is_empty() {
            return refuse("A073000002");
        }
        if before.amount == price {
            return refuse("A074000001");
        }
        if self.switches.declined.contains(order_no) {
            if self.switches.half_failed_change {
                let mut after = before.clone();
                after.status = 17;
                self.put(before, after);
            }
            return Ok(Reply::refused("A076000001").with("creditErrorCode", "G55"));
        }
        let mut after = before.clone();
        after.amount = price;
        self.authorize(&mut after);
        self.state.gateway.ledger(order_no).changes += 1;
        self.put(before, after);
        Ok(Reply::ok().with("creditErrorCode", ""))
    }

    /// A11 再与信.
    fn reauthorize(mut self) -> Outcome {
        if night(self.switches, self.now) {
            return refuse("A110000000");
        }
        let order_no = self.call.order_no();
        let eligible = |s: &Settlement| {
            let registered = self.switches.reauthorize_registered
                && s.status == 30
                && s.slips.iter().all(|slip| slip.service == "00");
            (s.status == 4 || registered) && !s.lapsed(self.now, AUTHORIZATION_DAYS)
        };
        let Some(before) = self.settlement().filter(eligible) else {
            return refuse("A112000002");
        };
        if self.switches.declined.contains(order_no) {
            return Ok(Reply::refused("A112000004").with("creditErrorCode", "G12"));
        }
        let mut after = before.clone();
        self.authorize(&mut after);
        self.state.gateway.ledger(order_no).reauthorizations += 1;
        self.put(before, after);
        Ok(Reply::ok().with("creditErrorCode", ""))
    }

    /// A new authorisation: another number, valid from now.
    fn authorize(&self, settlement: &mut Settlement) {
        settlement.auth_code = format!("{:09}", 500_000_000 + self.state.requests);
        settlement.authorized = self.now;
    }

    /// E04 取引情報照会: every element of §3.3, empty ones included.
    fn look_up(self) -> Reply {
        let order_no = self.call.order_no();
        let stale = self.switches.stale_reads;
        let shown = self.state.gateway.shown(self.world, order_no, self.now, stale);
        let Some(s) = shown else {
            return Reply::ok().with_blocks(Vec::new());
        };
        let of = |service: &str| {
            let numbers =
                s.slips.iter().filter(|slip| slip.service == service).map(|slip| slip.number.as_str());
            numbers.collect::<Vec<_>>().join(",")
        };
        let all = |day: fn(&Slip) -> Option<Timestamp>| {
            let days: Option<Vec<Timestamp>> = s.slips.iter().map(day).collect();
            days.and_then(|d| d.into_iter().max()).map(|at| at.jst_date().format("%Y%m%d").to_string())
        };
        let packing: Vec<String> = self.state.gateway.consolidated_with(order_no).into_iter().collect();
        let block = vec![
            ("orderNo", order_no.to_owned()),
            ("deviceDiv", "2".to_owned()),
            ("settleDate", stamp(s.settled_at)),
            ("orderDataSeq", format!("{:011}", s.sequence)),
            ("settlePrice", s.amount.to_string()),
            ("settleMethodDiv", "0".to_owned()),
            ("settleMethod", "9".to_owned()),
            ("statusInfo", s.status.to_string()),
            ("memberId", String::new()),
            ("payWay", "1".to_owned()),
            ("crdCResCd", s.auth_code.clone()),
            ("crdCResDate", stamp(s.authorized)),
            ("threeDCode", String::new()),
            ("voteNumber", String::new()),
            ("expiredDays", String::new()),
            ("emoneyExpiredDays", String::new()),
            ("packingInfo", packing.join(",")),
            ("slipNo", of("00")),
            ("extraSlipNo", of("99")),
            ("deliveryServiceCode", s.slips.first().map(|slip| slip.service.clone()).unwrap_or_default()),
            ("allDeliveryDate", all(|slip| slip.scanned).unwrap_or_default()),
            ("finishDate", all(|slip| slip.delivered).unwrap_or_default()),
            ("slipDate", s.slips.last().map(|slip| stamp(slip.registered)).unwrap_or_default()),
            ("scheduledShippingDate", String::new()),
            ("warningInfo", String::new()),
            ("cancelDate", s.canceled.map(stamp).unwrap_or_default()),
            ("renewalDate", stamp(s.renewed)),
        ];
        Reply::ok().with_blocks(vec![block])
    }
}

/// The first eleven digits modulo 7 are the twelfth (§2.5).
fn seven_check(slip: &str) -> bool {
    let Some((body, digit)) = slip.split_at_checked(11) else { return false };
    matches!((body.parse::<u64>(), digit.parse::<u64>()), (Ok(body), Ok(digit)) if body % 7 == digit)
}
