//! Who calls (au-pay-market.md §2, §9, §13.1): keys, addresses, shop numbers; and at what pace.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{Days, NaiveDate};

use super::{Call, Shop, wire};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::http::Answer;
use crate::sim::rakuten::Key;
use crate::sim::world::{Pace, State};

/// A key lives so many days from its issue (§2).
const KEY_DAYS: u64 = 90;
/// The following key is issued so long before the first one ends.
const OVERLAP_DAYS: u64 = 10;

/// A key issued on `day`: valid until the end of the 90th day after it.
fn issued(key: String, day: NaiveDate) -> Key {
    let last = day.checked_add_days(Days::new(KEY_DAYS)).unwrap_or(day);
    let expires = Key::end_of_day(Timestamp::jst_midnight(last));
    Key { key, works_from: Timestamp::jst_midnight(day), expires, dead: false }
}

/// A shop's keys from the start: one in force, and the one that its people will have issued before that ends.
pub(crate) fn keys(shop: &Shop, today: NaiveDate) -> Vec<Key> {
    let first = shop.key_issued_on.unwrap_or(today);
    let second = first.checked_add_days(Days::new(KEY_DAYS - OVERLAP_DAYS)).unwrap_or(first);
    vec![issued(shop.api_key(), first), issued(shop.api_key_next(), second)]
}

/// The day a shop's first key was issued, where nobody said.
pub(crate) fn default_issue(now: Timestamp) -> NaiveDate {
    (now - Duration::from_hours(24 * 30)).jst_date()
}

/// A key issued at `now`.
pub(crate) fn issued_now(key: String, now: Timestamp) -> Key {
    Key { works_from: now, ..issued(key, now.jst_date()) }
}

/// Does this key open the door now? The others matter: at the issue of a new key the old one stops, unless the switch
/// says otherwise (unknown: §2).
fn works(key: &Key, keys: &[Key], now: Timestamp, old_key_survives: bool) -> bool {
    let replaced = keys.iter().any(|k| k.works_from > key.works_from && k.works_from <= now && !k.dead);
    !key.dead && key.works_from <= now && now <= key.expires && (old_key_survives || !replaced)
}

/// The shop whose key this is, or the refusal of §9: key and right, address, shop number, in this order. `numbers`: every
/// `shopId` that came with the call.
pub(crate) fn shop<'w>(
    world: &'w World,
    state: &State,
    call: &Call<'_>,
    numbers: &[&str],
    peer: IpAddr,
    now: Timestamp,
) -> Result<&'w Shop, Answer> {
    let switches = &state.switches.aupay;
    let refused = || wire::refusal(switches, "0002");
    let bearer = call.request.header("authorization").and_then(|h| h.strip_prefix("Bearer ")).map(str::trim);
    let bearer = bearer.ok_or_else(refused)?;
    let owner = world.options.aupay.iter().find(|shop| {
        let keys = state.aupay.keys.get(&shop.shop_id).map_or(&[][..], Vec::as_slice);
        keys.iter().any(|key| key.key == bearer && works(key, keys, now, switches.old_key_survives))
    });
    let owner = owner.ok_or_else(refused)?;
    if switches.functions_off.contains(call.function) {
        return Err(refused());
    }
    if switches.registered_address.is_some_and(|registered| registered != peer) {
        return Err(if switches.address_forbidden { wire::page(403) } else { refused() });
    }
    if numbers == [owner.shop_id.as_str()] { Ok(owner) } else { Err(wire::refusal(switches, "CME0022")) }
}

/// Counts a call that came within a second of the one before it. No limit is published (§10); a client is to keep
/// this pace by itself.
pub(crate) fn keep_pace(state: &mut State, shop: &Shop, function: &str, now: Timestamp, speed: u32) {
    let tolerance = Duration::from_millis(10) * speed.max(1);
    let pace: &mut Pace = state.aupay.pace.entry(shop.shop_id.clone()).or_default();
    if pace.last.is_some_and(|last| now + tolerance < last + Duration::from_secs(1)) {
        pace.violations += 1;
        if pace.early.len() < 100 {
            pace.early.push((now, format!("{function} (own pace)")));
        }
    }
    pace.last = Some(now);
}
