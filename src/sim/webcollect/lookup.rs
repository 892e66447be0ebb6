//! E04 取引情報照会: every element of kuroneko-webcollect.md §3.3, empty ones included.

use std::time::Duration;

use super::functions::Context;
use super::state::{Means, Slip};
use super::switches::OtherSlip;
use super::xml::{Reply, stamp};
use crate::clock::Timestamp;

impl Context<'_> {
    pub(super) fn look_up(self) -> Reply {
        let order_no = self.order_no();
        let stale = self.switches.stale_reads.then(|| Duration::from_secs(self.switches.stale_seconds));
        let Some(s) = self.state.gateway.shown(self.world, order_no, self.now, stale) else {
            return Reply::ok().with_blocks("resultCount", "resultData", Vec::new());
        };
        let of = |services: &[&str]| {
            let numbers = s.slips.iter().filter(|slip| services.contains(&slip.service));
            let numbers: Vec<&str> = numbers.map(|slip| slip.number.as_str()).collect();
            numbers.join(&self.switches.slip_separator)
        };
        let (slips, extra) = match self.switches.other_slip {
            OtherSlip::ExtraSlipNo => (of(&["00"]), of(&["99"])),
            OtherSlip::SlipNo => (of(&["00", "99"]), String::new()),
            OtherSlip::Hidden => (of(&["00"]), String::new()),
        };
        // Only Yamato sees a parcel move: with another carrier both days stay empty.
        let all = |day: fn(&Slip) -> Option<Timestamp>| {
            let days: Option<Vec<Timestamp>> =
                s.slips.iter().map(|slip| day(slip).filter(|_| slip.service == "00")).collect();
            days.and_then(|days| days.into_iter().max())
                .map_or_else(String::new, |at| at.jst_date().format("%Y%m%d").to_string())
        };
        let packing: Vec<String> = self.state.gateway.consolidated_with(order_no, &s).into_iter().collect();
        let card = s.means == Means::Card;
        let block = vec![
            ("orderNo", order_no.to_owned()),
            ("deviceDiv", "2".to_owned()),
            ("settleDate", stamp(s.settled_at)),
            ("orderDataSeq", format!("{:011}", s.sequence)),
            ("settlePrice", s.amount.to_string()),
            ("settleMethodDiv", if card { "0" } else { "1" }.to_owned()),
            ("settleMethod", if card { "9" } else { "21" }.to_owned()),
            ("statusInfo", s.status.to_string()),
            ("memberId", s.member.clone()),
            ("payWay", if card { "1" } else { "" }.to_owned()),
            ("crdCResCd", if card { s.auth_code.clone() } else { String::new() }),
            ("crdCResDate", if card { stamp(s.authorized) } else { String::new() }),
            ("threeDCode", String::new()),
            ("voteNumber", String::new()),
            ("expiredDays", String::new()),
            ("emoneyExpiredDays", String::new()),
            ("packingInfo", packing.join(&self.switches.slip_separator)),
            ("slipNo", slips),
            ("extraSlipNo", extra),
            ("deliveryServiceCode", s.slips.first().map(|slip| slip.service.to_owned()).unwrap_or_default()),
            ("allDeliveryDate", all(|slip| slip.passed)),
            ("finishDate", all(|slip| slip.delivered)),
            ("slipDate", s.slips.last().map(|slip| stamp(slip.registered)).unwrap_or_default()),
            ("scheduledShippingDate", s.planned.map(|d| d.format("%Y%m%d").to_string()).unwrap_or_default()),
            ("warningInfo", String::new()),
            ("cancelDate", s.canceled.map(stamp).unwrap_or_default()),
            ("renewalDate", stamp(s.renewed)),
        ];
        Reply::ok().with_blocks("resultCount", "resultData", vec![block])
    }
}
