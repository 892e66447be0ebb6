//! A simulated Rakuten shop: its secrets, its orders by index, and the numbers that belong to them.

use std::net::SocketAddr;

use super::content::Content;
use super::plan::{Course, Plan};
use crate::clock::Timestamp;
use crate::sim::catalogue::Catalogue;
use crate::sim::slip_number;

/// A shop at Rakuten. One pair of secrets belongs to one shop (rakuten-rms.md §2.1).
#[derive(Clone, Debug)]
pub struct Shop {
    /// The merchant's own name for it, as in the config.
    pub name: String,
    /// Rakuten's number of the shop: the first part of every order number.
    pub id: u32,
    /// Which orders it has.
    pub orders: Catalogue,
    /// Slip numbers of this shop's parcels start here (in steps of four an order).
    pub(crate) slip_base: u64,
}

impl Shop {
    /// A shop; `ordinal` (1, 2, …) keeps the slip numbers of several shops apart.
    #[must_use]
    pub fn new(name: &str, id: u32, ordinal: u64, orders: Catalogue) -> Self {
        Self { name: name.to_owned(), id, orders, slip_base: ordinal * 2_500_000 }
    }

    /// The service secret: `SP345678_sim`.
    #[must_use]
    pub fn service_secret(&self) -> String {
        format!("SP{}_sim", self.id)
    }

    /// The licence key that is in force from the start: `SL345678_sim`.
    #[must_use]
    pub fn license_key(&self) -> String {
        format!("SL{}_sim", self.id)
    }

    /// The licence key that follows it: `SL345678_sim_next`.
    #[must_use]
    pub fn license_key_next(&self) -> String {
        format!("SL{}_sim_next", self.id)
    }

    /// The section of the config that points a daemon at this shop.
    pub(crate) fn section(&self, addr: SocketAddr) -> String {
        format!(
            r#"[shops.{name}]
mall = "rakuten"
enabled = true
schedule = "*/5 * * * *"
base_url = "http://{addr}/rakuten"
service_secret = "plain:{secret}"
license_key = "plain:{key}"
license_key_next = "plain:{next}"
"#,
            name = self.name,
            secret = self.service_secret(),
            key = self.license_key(),
            next = self.license_key_next(),
        )
    }

    /// The order number of order `index`.
    pub(crate) fn number(&self, index: u64, placed: Timestamp) -> String {
        format!("{}-{}-{:010}", self.id, placed.jst_date().format("%Y%m%d"), 301_000_000 + index)
    }

    /// The index behind an order number of this shop.
    pub(crate) fn index_of(&self, number: &str) -> Option<u64> {
        let index = number.rsplit('-').next()?.parse::<u64>().ok()?.checked_sub(301_000_000)?;
        (index < self.orders.total && self.number(index, self.orders.placed_at(index)) == number)
            .then_some(index)
    }

    pub(crate) fn plan(&self, seed: u64, index: u64, course: &Course) -> Plan {
        Plan::new(seed, self.id, index, self.orders.placed_at(index), course)
    }

    pub(crate) fn content(&self, seed: u64, plan: &Plan) -> Content {
        Content::new(seed, self.id, plan)
    }

    pub(crate) fn basket_id(&self, index: u64, parcel: usize) -> u64 {
        51_000_000 + index * 4 + parcel as u64
    }

    /// The Yamato slip of a parcel.
    pub(crate) fn slip(&self, index: u64, parcel: usize) -> String {
        slip_number(self.slip_base + index * 4 + parcel as u64)
    }
}
