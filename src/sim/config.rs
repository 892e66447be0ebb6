//! The config that points a daemon at the simulator (`simulate --write-config`).

use std::net::SocketAddr;

use super::{CART_SHOP, Folders, Options, SETTLEMENT, TRADER_CODE};
use crate::clock::Timestamp;

/// `[simulation]`: time = start + (wall − epoch) × speed (decisions.md 29).
#[derive(Clone, Copy, Debug)]
pub struct ClockTriple {
    /// Simulated time at `epoch`.
    pub start: Timestamp,
    /// Wall time at which the simulation began.
    pub epoch: Timestamp,
    /// Simulated seconds per wall second.
    pub speed: u32,
}

/// The text of a config file beside which the database `mallsync.db` shall lie. The secrets in it are the simulator's
/// own and open nothing else. `since` is the day from which on card sales are registered.
#[must_use]
pub fn config_toml(
    addr: SocketAddr,
    options: &Options,
    folders: &Folders,
    database: &std::path::Path,
    clock: ClockTriple,
    since: chrono::NaiveDate,
) -> String {
    let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
    let path = |value: &std::path::Path| text(&value.to_string_lossy());
    let exact = |at: Timestamp| text(&at.jst().to_rfc3339_opts(chrono::SecondsFormat::Micros, false));
    let mut shops: Vec<String> = options.rakuten.iter().map(|shop| shop.section(addr)).collect();
    shops.extend(options.yahoo.iter().map(|shop| shop.section(addr, &folders.keys, clock.start)));
    shops.extend(options.aupay.iter().map(|shop| shop.section(addr, &folders.keys)));
    shops.extend(options.amazon.iter().map(|shop| shop.section(addr, &folders.keys)));
    format!(
        r#"# Written by `mallsync simulate`: everything in it points at the simulator, everybody in it is invented.

[simulation]                     # a simulated clock: time = start + (wall clock - epoch) x speed
start = {start}
epoch = {epoch}
speed = {speed}

[database]
url = {database}

{shops}
[shops.{CART_SHOP}]
mall = "csv"
enabled = true
schedule = "*/5 * * * *"
directory = {orders}             # the simulated cart drops its order files here
profile = "eccube4"

# The simulated B2 drops its slip files into {slips}:
#   mallsync slips import FILE

[settlements.{SETTLEMENT}]
provider = "webcollect"
enabled = true
mode = "dry-run"                 # "live" sends for real - here, to the simulator
since = {since}             # orders placed before are never touched
trader_code = "{TRADER_CODE}"
environment = "production"
base_url = "http://{addr}/webcollect/api/"
capture = "slip"
authorization_days = 60
on_amount_change = "ask"         # "apply": the gateway's amount follows the order's, before the capture or after it
on_cancel = "ask"                # "apply": the sale of a cancelled order is cancelled at the gateway
reauthorize = "ask"              # "auto": an authorisation that would end first is renewed in its last days
maintenance = ""

[[settlements.{SETTLEMENT}.match]]
shop = "{CART_SHOP}"
mall_payment = ["*webコレクト*"]
except = ["*後払い*", "*掛け払い*"]
reception_number = "{{mall_order_id}}"
"#,
        shops = shops.join("\n"),
        start = exact(clock.start),
        epoch = exact(clock.epoch),
        speed = clock.speed,
        database = text(&format!("sqlite:{}", database.display())),
        orders = path(&folders.orders),
        slips = folders.slips.display(),
        since = text(&since.to_string()),
    )
}
