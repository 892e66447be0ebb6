//! A simulated shop at au PAY マーケット: its number, its keys, its orders by index, its section of the config.

use std::net::SocketAddr;
use std::path::Path;

use chrono::NaiveDate;

use super::content::Content;
use super::plan::{Course, OWN_STATUSES, Plan};
use crate::sim::catalogue::Catalogue;
use crate::sim::dice::{Dice, Salt};
use crate::sim::slip_number;

/// Order numbers start here: nine digits, as today's (au-pay-market.md §6.1).
const FIRST_NUMBER: u64 = 352_900_000;

/// A simulated shop.
#[derive(Clone, Debug)]
pub struct Shop {
    /// The merchant's own name for it, as in the config.
    pub name: String,
    /// 会員番号.
    pub shop_id: String,
    /// Which orders it has.
    pub orders: Catalogue,
    /// The day its key was issued; left open, a world takes the day thirty days before its beginning.
    pub key_issued_on: Option<NaiveDate>,
    slip_base: u64,
}

impl Shop {
    /// A shop; `ordinal` (1, 2, …) keeps the slip numbers of several shops apart.
    #[must_use]
    pub fn new(name: &str, shop_id: &str, ordinal: u64, orders: Catalogue) -> Self {
        Self {
            name: name.to_owned(),
            shop_id: shop_id.to_owned(),
            orders,
            key_issued_on: None,
            slip_base: ordinal * 2_500_000,
        }
    }

    /// The key that is in force from the start: 64 hexadecimal characters (§2).
    #[must_use]
    pub fn api_key(&self) -> String {
        self.invented_key(0)
    }

    /// The key that follows it.
    #[must_use]
    pub fn api_key_next(&self) -> String {
        self.invented_key(1)
    }

    fn invented_key(&self, generation: u64) -> String {
        let mut dice = Dice::new(self.salt(), Salt::AupayContent, u64::MAX - generation);
        (0..4).map(|_| format!("{:016x}", dice.roll())).collect()
    }

    /// Keeps the orders of two shops apart (FNV-1a of the number).
    pub(crate) fn salt(&self) -> u64 {
        self.shop_id
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
    }

    /// The order number of order `index`.
    pub(crate) fn number(&self, index: u64) -> String {
        (FIRST_NUMBER + index).to_string()
    }

    /// The index behind an order number of this shop.
    pub(crate) fn index_of(&self, number: &str) -> Option<u64> {
        let index = number.parse::<u64>().ok()?.checked_sub(FIRST_NUMBER)?;
        (index < self.orders.total && self.number(index) == number).then_some(index)
    }

    pub(crate) fn plan(&self, seed: u64, index: u64, course: &Course) -> Plan {
        Plan::new(seed ^ self.salt(), index, self.orders.placed_at(index), course)
    }

    pub(crate) fn content(&self, seed: u64, plan: &Plan) -> Content {
        Content::new(seed ^ self.salt(), plan)
    }

    /// Number of line `line` of order `index`.
    pub(crate) fn line_id(&self, index: u64, line: usize) -> u64 {
        410_000_000 + index * 10 + line as u64
    }

    /// The slip of an order's one parcel: Yamato's with its check digit, another carrier's invented.
    pub(crate) fn slip(&self, index: u64, carrier: char) -> String {
        let serial = self.slip_base + index;
        if carrier == '1' { slip_number(serial) } else { format!("000{carrier}{:08}", serial % 100_000_000) }
    }

    /// The section of the config that points a daemon at this shop.
    pub(crate) fn section(&self, addr: SocketAddr, _keys: &Path) -> String {
        let issued = self.key_issued_on.map_or(String::new(), |day| {
            format!("api_key_issued_on = \"{day}\"           # valid 90 days\n")
        });
        format!(
            r#"[shops.{name}]
mall = "aupay"
enabled = true
schedule = "*/10 * * * *"
base_url = "http://{addr}/aupay/wmshopapi/"
shop_id = "{shop_id}"
api_key = "plain:{key}"
api_key_next = "plain:{next}"
{issued}
[shops.{name}.statuses]          # the shop's own names; one that is not listed is "unknown"
"{own}" = "on_hold"
"#,
            name = self.name,
            shop_id = self.shop_id,
            key = self.api_key(),
            next = self.api_key_next(),
            own = OWN_STATUSES[0],
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Timestamp;
    use crate::sim::AUPAY_SHOP;

    #[test]
    fn the_section_is_toml_with_the_shops_own_keys() {
        let start = Timestamp::from_micros(0);
        let mut shop = Shop::new(AUPAY_SHOP, "40012345", 2, Catalogue::per_day(start, Duration::ZERO, 1));
        shop.key_issued_on = Some(start.jst_date());
        let text = shop.section("127.0.0.1:9480".parse().unwrap(), Path::new("."));
        let table: toml::Table = text.parse().unwrap();
        let section = &table["shops"][AUPAY_SHOP];
        for (name, value) in [
            ("base_url", "http://127.0.0.1:9480/aupay/wmshopapi/"),
            ("shop_id", "40012345"),
            ("api_key", &format!("plain:{}", shop.api_key())),
            ("api_key_next", &format!("plain:{}", shop.api_key_next())),
            ("api_key_issued_on", "1970-01-01"),
        ] {
            assert_eq!(section[name].as_str(), Some(value), "{name}");
        }
        assert_eq!(section["statuses"]["メーカー取寄せ中"].as_str(), Some("on_hold"));
        // Another shop has other keys, whatever its orders are.
        let other = Shop::new("other", "40012346", 3, shop.orders);
        assert_ne!(other.api_key(), shop.api_key());
    }
}
