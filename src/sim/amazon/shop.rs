//! A simulated selling partner: its credentials, its orders by index, and the numbers that belong to them.

use std::net::SocketAddr;
use std::path::Path;

use chrono::NaiveDate;

use super::content::Content;
use super::plan::{Kind, Plan};
use crate::clock::Timestamp;
use crate::sim::catalogue::Catalogue;
use crate::sim::slip_number;

/// Amazon.co.jp.
pub(crate) const MARKETPLACE: &str = "A1VC38T7YXB528";
/// Middle part of every order number.
const MIDDLE: u64 = 1_000_000;
/// So many orders have the same middle part.
const SERIALS: u64 = 10_000_000;
const PREFIXES: [&str; 3] = ["249", "250", "503"];

/// A selling partner and the application that acts for it.
#[derive(Clone, Debug)]
pub struct Shop {
    /// The merchant's own name for it, as in the config.
    pub name: String,
    /// Merchant token of the selling partner: in no call, but behind every credential.
    pub seller_id: String,
    /// Keeps the order numbers and slips of several shops apart.
    pub ordinal: u64,
    /// Which orders it has.
    pub orders: Catalogue,
    /// The day its client secret was created; at first the day of the first order.
    pub client_secret_issued_on: NaiveDate,
}

impl Shop {
    /// A shop; `ordinal` (1, 2, …) keeps the numbers of several shops apart.
    #[must_use]
    pub fn new(name: &str, seller_id: &str, ordinal: u64, orders: Catalogue) -> Self {
        Self {
            name: name.to_owned(),
            seller_id: seller_id.to_owned(),
            ordinal,
            orders,
            client_secret_issued_on: orders.first_at.jst_date(),
        }
    }

    /// `amzn1.application-oa2-client.sim…`.
    #[must_use]
    pub fn client_id(&self) -> String {
        format!("amzn1.application-oa2-client.sim{}", self.seller_id.to_ascii_lowercase())
    }

    /// The client secret that is in force from the start.
    #[must_use]
    pub fn client_secret(&self) -> String {
        format!("amzn1.oa2-cs.v1.sim{}", self.seller_id.to_ascii_lowercase())
    }

    /// The client secret that follows it.
    #[must_use]
    pub fn client_secret_next(&self) -> String {
        format!("{}next", self.client_secret())
    }

    /// The refresh token: holds characters that a form must encode.
    #[must_use]
    pub fn refresh_token(&self) -> String {
        format!("Atzr|sim+{}/==", self.seller_id)
    }

    /// The section of a config file that points a daemon at this shop; the simulator listens on `addr`. No files are
    /// needed for it, so `keys` is not used.
    #[must_use]
    pub fn section(&self, addr: SocketAddr, _keys: &Path) -> String {
        let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
        format!(
            r#"[shops.{name}]
mall = "amazon"
enabled = true
schedule = "*/5 * * * *"
base_url = "http://{addr}/amazon"
auth_url = "http://{addr}/amazon/auth/o2/token"
client_id = {id}
client_secret = {secret}
client_secret_next = {next}
client_secret_issued_on = "{issued}"
refresh_token = {refresh}
marketplace_ids = ["{MARKETPLACE}"]
"#,
            name = self.name,
            id = text(&self.client_id()),
            secret = text(&format!("plain:{}", self.client_secret())),
            next = text(&format!("plain:{}", self.client_secret_next())),
            issued = self.client_secret_issued_on,
            refresh = text(&format!("plain:{}", self.refresh_token())),
        )
    }

    /// The order number of a plan.
    pub(crate) fn number(&self, plan: &Plan) -> String {
        let prefix = match plan.kind {
            Kind::Unfulfillable => "S01",
            _ => PREFIXES[usize::try_from(plan.index % 3).unwrap_or(0)],
        };
        let middle = MIDDLE + self.ordinal * 10_000 + plan.index / SERIALS;
        format!("{prefix}-{middle:07}-{:07}", plan.index % SERIALS)
    }

    /// The index behind an order number of this shop.
    pub(crate) fn index_of(&self, seed: u64, number: &str) -> Option<u64> {
        let mut parts = number.splitn(3, '-').skip(1).map(str::parse::<u64>);
        let (middle, last) = (parts.next()?.ok()?, parts.next()?.ok()?);
        let index =
            middle.checked_sub(MIDDLE + self.ordinal * 10_000)?.checked_mul(SERIALS)?.checked_add(last)?;
        (index < self.orders.total && self.number(&self.plan(seed, index)) == number).then_some(index)
    }

    /// What the mall alone does with order `index`.
    pub(crate) fn plan(&self, seed: u64, index: u64) -> Plan {
        Plan::new(seed ^ self.ordinal, index, self.orders.placed_at(index))
    }

    pub(crate) fn content(&self, seed: u64, plan: &Plan) -> Content {
        Content::new(seed ^ self.ordinal, plan)
    }

    /// `orderItemId`: fourteen digits, some with leading zeros (amazon-sp-api.md §3).
    pub(crate) fn item_id(&self, index: u64, line: usize) -> String {
        let base = if index % 7 == 3 { 500_000_000 } else { 55_500_000_000_000 };
        format!("{:014}", base + self.ordinal * 100_000_000_000 + index * 10 + line as u64)
    }

    /// The Yamato slip of a package.
    pub(crate) fn slip(&self, index: u64, package: usize) -> String {
        slip_number(self.ordinal * 2_500_000 + index * 4 + package as u64)
    }

    /// What an order of this shop is replaced or exchanged for: an order number of nobody's.
    pub(crate) fn origin(&self, plan: &Plan) -> String {
        format!("250-{:07}-{:07}", 9_000_000 + self.ordinal, plan.index % SERIALS)
    }

    /// Where the client secret's life of 180 days ends (amazon-sp-api.md §4.4).
    pub(crate) fn client_secret_ends(&self) -> Timestamp {
        Timestamp::jst_midnight(self.client_secret_issued_on + chrono::Days::new(180))
    }
}
