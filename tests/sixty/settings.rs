//! The config of the house: one cart, and three contracts that differ in their rules.

use std::fmt::Write as _;
use std::net::SocketAddr;

use mallsync::sim::{self, Folders};

use crate::house::Plan;
use crate::story::Rules;

/// Calls at once of each contract, and of all.
const IN_FLIGHT: [(Rules, u64); 3] = [(Rules::Apply, 3), (Rules::Ask, 1), (Rules::B2, 2)];

/// Calls at once of all contracts.
pub fn in_flight() -> u64 {
    IN_FLIGHT.iter().map(|(_, calls)| calls).sum()
}

pub fn text(plan: &Plan, url: &str, folders: &Folders, addr: SocketAddr) -> String {
    let mut text = format!(
        r#"
[database]
url = {url:?}

[daemon]
listen = ""

[shops.{shop}]
mall = "csv"
enabled = true
schedule = "5 */2 * * *"
directory = {orders:?}
profile = "generic"
"#,
        shop = sim::CART_SHOP,
        orders = folders.orders.to_str().unwrap(),
    );
    for (rules, calls) in IN_FLIGHT {
        let asks = rules == Rules::Ask;
        write!(
            text,
            r#"
[settlements.{settlement}]
provider = "webcollect"
enabled = true
mode = "live"
since = "2026-11-01"
authorization_days = {days}
trader_code = "{trader}"
environment = "production"
base_url = "http://{addr}/webcollect/api/"
capture = "slip"
registered_by = "{registered_by}"
on_amount_change = "{on_change}"
on_cancel = "{on_change}"
reauthorize = "{reauthorize}"
max_per_hour = {max_per_hour}
max_yen_per_day = 1000000000
max_in_flight = {calls}
max_per_second = 20
maintenance = "23:00-01:00"

[[settlements.{settlement}.match]]
shop = "{shop}"
mall_payment = ["{payment}"]
reception_number = "{{mall_order_id}}"
"#,
            settlement = rules.contract(),
            days = plan.days,
            trader = sim::TRADER_CODE,
            registered_by = if rules == Rules::B2 { "b2cloud" } else { "mallsync" },
            on_change = if asks { "ask" } else { "apply" },
            reauthorize = if asks { "ask" } else { "auto" },
            max_per_hour = if rules == Rules::Apply { plan.max_per_hour } else { 100_000 },
            shop = sim::CART_SHOP,
            payment = rules.payment(),
        )
        .unwrap();
    }
    text
}
