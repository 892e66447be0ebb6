//! Who calls: licence keys, functions switched on, pace (rakuten-rms.md §2, §7.2, §7.3).

use std::time::Duration;

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Shop;
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::http::Answer;
use crate::sim::world::State;

/// A licence key of a shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The key itself, an invented one.
    pub key: String,
    /// A new key works only some time after it was issued.
    pub works_from: Timestamp,
    /// 23:59:59 JST on its last day.
    pub expires: Timestamp,
    /// Withdrawn: refused at once.
    #[serde(default)]
    pub dead: bool,
}

impl Key {
    /// A shop's two keys: one that works for 60 more days, one for 90.
    pub(crate) fn of_shop(shop: &Shop, now: Timestamp) -> Vec<Self> {
        let key = |key: String, days: u64| Self {
            key,
            works_from: now - Duration::from_hours(24 * 30),
            expires: Self::end_of_day(now + Duration::from_hours(24 * days)),
            dead: false,
        };
        vec![key(shop.license_key(), 60), key(shop.license_key_next(), 90)]
    }

    /// 23:59:59 in Japan on the day of `at`.
    #[must_use]
    pub fn end_of_day(at: Timestamp) -> Timestamp {
        Timestamp::jst_midnight(at.jst_date()) + Duration::from_secs(86_399)
    }
}

/// `{"Results":{"errorCode":…}}`, and the newer gateway's `{"errors":[…]}` (§7.2).
pub(crate) fn refusal(code: &str) -> Answer {
    match code {
        "GA0001" => {
            Answer::json(401, &json!({ "errors": [{ "code": "GA0001", "message": "Un-Authorised" }] }))
        }
        "ES01-02" => results(503, code, "Under maintenance"),
        "ES04-03" => results(415, code, "Unsupported Media Type"),
        _ => results(401, code, "Un-Authorised"),
    }
}

fn results(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({ "Results": { "errorCode": code, "message": message } }))
}

/// 403 in XML (§7.2).
pub(crate) fn qps_limit(function: &str, request_id: &str) -> Answer {
    Answer::new(
        403,
        "text/xml;charset=UTF-8",
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<result><status><interfaceId>order.{function}</interfaceId>\
             <systemStatus>NG</systemStatus><message>QPSLimit</message><requestId>{request_id}</requestId><requests/>\
             </status></result>"
        ),
    )
}

/// The shop behind an `Authorization` header and the key it used, or the refusal.
pub(crate) fn shop<'w>(
    world: &'w World,
    state: &State,
    header: Option<&str>,
    permission: &str,
    now: Timestamp,
) -> Result<(&'w Shop, Key), Answer> {
    let unknown = || refusal(if state.switches.rakuten.newer_gateway { "GA0001" } else { "ES01-01" });
    let pair = header
        .and_then(|h| h.strip_prefix("ESA "))
        .and_then(|b| base64::engine::general_purpose::STANDARD.decode(b).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((secret, license)) = pair.as_deref().and_then(|p| p.split_once(':')) else {
        return Err(unknown());
    };
    let Some(shop) = world.options.rakuten.iter().find(|s| s.service_secret() == secret) else {
        return Err(unknown());
    };
    let key = state.keys.get(&shop.id).and_then(|keys| keys.iter().find(|k| k.key == license));
    let Some(key) = key.filter(|k| !k.dead && now <= k.expires) else {
        return Err(unknown());
    };
    // A function that is off and a key too young look the same (§2.2, §7.2).
    if now < key.works_from || state.switches.rakuten.functions_off.contains(permission) {
        return Err(refusal("ES04-01"));
    }
    Ok((shop, key.clone()))
}

/// Counts a call against one a second; true when it came too early.
pub(crate) fn too_fast(state: &mut State, shop: u32, function: &str, now: Timestamp, speed: u32) -> bool {
    let tolerance = Duration::from_millis(10) * speed.max(1);
    let enforced = state.switches.rakuten.enforce_rate;
    let pace = state.pace.entry(shop).or_default();
    let early = pace.last.is_some_and(|last| now + tolerance < last + Duration::from_secs(1));
    if early {
        pace.violations += 1;
        if pace.early.len() < 100 {
            pace.early.push((now, function.to_owned()));
        }
    }
    if !(early && enforced) {
        pace.last = Some(now);
    }
    early
}
