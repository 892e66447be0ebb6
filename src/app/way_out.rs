//! How the calls of a settlement leave, and where an address must be registered for all that leaves the same way.

use serde_json::Value;

use crate::config::{Config, Settlement};
use crate::domain::account::WayOut;
use crate::{malls, settlement};

/// The way out of `section`, with every place of `config` where its address is registered.
pub(super) fn way_out(config: &Config, section: &Settlement) -> WayOut {
    let same_way = |other: &Value| other.get("proxy") == section.section.get("proxy");
    let gateways = config.settlements.iter().filter(|s| s.enabled && same_way(&s.section)).map(|s| {
        let known = settlement::PROVIDERS.iter().find(|known| known.name == s.provider);
        (known.and_then(|known| known.registered_at), &s.name)
    });
    let shops = config.shops.iter().filter(|s| s.enabled && same_way(&s.section)).map(|s| {
        let known = malls::MALLS.iter().find(|known| known.name == s.mall);
        (known.and_then(|known| known.registered_at), &s.name)
    });
    let places = gateways.chain(shops).filter_map(|(place, name)| Some(format!("{} ({name})", place?)));
    WayOut { registered: section.source_address, places: places.collect() }
}
