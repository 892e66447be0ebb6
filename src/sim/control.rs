//! `/_sim/`: faults, switches and controls in, counters and books out, all in JSON. Loopback is its only guard: there is
//! nothing behind it but invented data.
//!
//! | path | does |
//! | --- | --- |
//! | GET `state` | time, counts, calls over the rate, broken connections |
//! | GET, PUT, DELETE, POST `faults` | PUT replaces the list of rules, POST adds one |
//! | GET, PUT `switches` | PUT takes any part of them |
//! | GET `calls` | the latest calls |
//! | GET `books`, GET `books/entries` (`?order_no=…`) | the gateway's books: sums of every settlement that somebody changed; every change of one |
//! | GET `books/writes`, GET `books/writes/ORDER` | the malls' books: sums of every order that changing calls were about; one order with its journal |
//! | GET `shipments/SHOP/ORDER` | what the mall shows of its shipment |
//! | GET `truth/SHOP` (`?from=0&count=100`) | the expected facts |
//! | PUT `keys/SHOP` | the shop's keys (Rakuten, au PAY) |
//! | POST `aupay/cancel` | `{"order_id":"…"}`, one line of it with `"line":0` |
//! | POST `aupay/status` | `{"order_id":"…","status":"保留"}` |
//! | POST `aupay/reissue` | `{"shop":"…"}`: its next key is issued now |
//! | POST `amazon/cancel`, `amazon/ask-cancel`, `amazon/ship` | `{"order_number":"…"}` |
//! | POST `amazon/revoke-tokens` | `{"shop":"…"}`: its access tokens die |
//! | POST `cart/discount` | `{"order_number":"…","yen":500}`: it costs so much less |
//! | POST `cart/cancel`, `rakuten/cancel`, `yahoo/cancel` | `{"order_number":"…"}` |
//! | POST `yahoo/release` | `{"order_number":"…"}`: the fraud review ends well |
//! | POST `yahoo/consent/SHOP`, `yahoo/withdraw/SHOP`, `yahoo/expire/SHOP` | consent given, consent withdrawn, access tokens dead, now |
//! | PUT `yahoo/keys/SHOP` | the shop's public keys |
//! | POST `webcollect/scan`, `webcollect/deliver`, `webcollect/batch` | `{}` or `{"order_no":"…"}`: Yamato's slips are scanned, or delivered, too; another carrier's settle |
//! | POST `webcollect/place` | `{"order_no":"…","amount":100}`: a settlement; a reservation with `"scheduled_shipping_date":"2026-06-20"`; also `status`, `means`, `member_id`, `placed_at` |
//! | POST `webcollect/by-hand` | `{"function_div":"A06","order_no":"…"}`: staff at the console, with a call's parameters; answers its code |
//! | POST `webcollect/token` | a token for A08 |
//! | PUT `webcollect/cards` | `{"member_id":"…","authentication_key":"…","cards":[…]}`: what A03 lists |

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::World;
use super::faults::Rule;
use super::http::{Answer, Request};
use super::rakuten::Key;
use super::switches::Switches;
use super::webcollect::{Placement, StoredCard};
use super::yahoo::KeyVersion;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MallOrder {
    order_number: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CartDiscount {
    order_number: String,
    yen: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AupayCancel {
    order_id: String,
    line: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AupayStatus {
    order_id: String,
    status: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShopName {
    shop: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WebcollectOrder {
    order_no: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebcollectCards {
    member_id: String,
    authentication_key: String,
    cards: Vec<StoredCard>,
}

/// Answers a control request.
pub(crate) fn answer(world: &Arc<World>, request: &Request) -> Answer {
    let path = request.path.trim_start_matches("/_sim/");
    match control(world, request, path) {
        Ok(value) => Answer::json(200, &value),
        Err((status, text)) => Answer::json(status, &json!({ "error": text })),
    }
}

type Outcome = Result<Value, (u16, String)>;

fn control(world: &Arc<World>, request: &Request, path: &str) -> Outcome {
    match (request.method.as_str(), path) {
        ("GET", "state") => Ok(json!({
            "now": world.now(),
            "counts": world.counts(),
            "rate_violations": world.rate_violations(),
            "aupay_pace_violations": world.aupay_pace_violations(),
            "early_calls": world.early_calls(),
            "broken_connections": world.broken_connections(),
            "last_tick": world.last_tick(),
            "gateway": world.gateway_traffic(),
        })),
        ("GET", "faults") => to_json(world.state().faults.rules()),
        ("PUT", "faults") => {
            world.set_faults(body::<Vec<Rule>>(request)?);
            Ok(json!({}))
        }
        ("POST", "faults") => {
            world.add_fault(body::<Rule>(request)?);
            Ok(json!({}))
        }
        ("DELETE", "faults") => {
            world.set_faults(Vec::new());
            Ok(json!({}))
        }
        ("GET", "switches") => to_json(&world.state().switches),
        ("PUT", "switches") => {
            let mut state = world.state();
            let mut whole = to_json(&state.switches)?;
            merge(&mut whole, body::<Value>(request)?);
            state.switches = serde_json::from_value::<Switches>(whole).map_err(|e| (400, e.to_string()))?;
            to_json(&state.switches)
        }
        ("GET", "calls") => to_json(&world.calls()),
        ("GET", "books") => to_json(&world.books()),
        ("GET", "books/entries") => {
            let order_no = parameter(&request.query, "order_no").unwrap_or_default();
            to_json(&world.book_entries(&order_no))
        }
        ("POST", "cart/cancel") => {
            let order = body::<MallOrder>(request)?.order_number;
            done(world.cancel_cart(&order), || format!("no order {order}"))
        }
        ("POST", "cart/discount") => {
            let CartDiscount { order_number, yen } = body(request)?;
            done(world.discount_cart(&order_number, yen), || {
                format!("no order {order_number}, or one that costs no more")
            })
        }
        ("POST", "rakuten/cancel") => {
            let order = body::<MallOrder>(request)?.order_number;
            done(world.cancel_rakuten(&order), || format!("no order {order}"))
        }
        ("POST", "amazon/cancel" | "amazon/ask-cancel" | "amazon/ship") => {
            let order = body::<MallOrder>(request)?.order_number;
            let changed = match path {
                "amazon/cancel" => world.cancel_amazon(&order),
                "amazon/ask-cancel" => world.ask_cancel_amazon(&order),
                _ => world.ship_amazon(&order),
            };
            done(changed, || format!("no order {order}, or none that this can be done to"))
        }
        ("POST", "amazon/revoke-tokens") => {
            let shop = body::<ShopName>(request)?.shop;
            done(world.revoke_amazon_tokens(&shop), || format!("no shop {shop}"))
        }
        ("POST", "aupay/cancel") => {
            let AupayCancel { order_id, line } = body(request)?;
            let canceled = match line {
                None => world.cancel_aupay(&order_id),
                Some(line) => world.cancel_aupay_line(&order_id, line),
            };
            done(canceled, || format!("no order {order_id}, no such line, or its last one"))
        }
        ("POST", "aupay/status") => {
            let AupayStatus { order_id, status } = body(request)?;
            done(world.set_aupay_status(&order_id, &status), || format!("no order {order_id}"))
        }
        ("POST", "aupay/reissue") => {
            let ShopName { shop } = body(request)?;
            done(world.reissue_aupay_key(&shop), || format!("no au PAY shop {shop}"))
        }
        ("POST", "yahoo/cancel") => {
            let order = body::<MallOrder>(request)?.order_number;
            done(world.cancel_yahoo(&order), || format!("no order {order}"))
        }
        ("POST", "yahoo/release") => {
            let order = body::<MallOrder>(request)?.order_number;
            done(world.release_yahoo(&order), || format!("no order {order} under review"))
        }
        (method, path) => match (method, path.split_once('/')) {
            ("GET", Some(("truth", shop))) => truth(world, shop, &request.query),
            ("GET", Some(("books", path))) => write_books(world, path),
            ("GET", Some(("shipments", path))) => {
                let shown = path.split_once('/').and_then(|(shop, order)| world.shipments(shop, order));
                to_json(&shown.ok_or_else(|| (404, format!("no order {path}")))?)
            }
            ("PUT", Some(("keys", shop))) => {
                let keys = body::<Vec<Key>>(request)?;
                done(world.set_keys(shop, keys), || format!("no shop {shop}"))
            }
            (method, Some(("yahoo", rest))) => yahoo(world, request, method, rest),
            (method, Some(("webcollect", rest))) => webcollect(world, request, method, rest),
            _ => Err((404, format!("no control {method} /_sim/{path}; see the table in src/sim/control.rs"))),
        },
    }
}

/// What concerns a Yahoo! shop: its consent and its keys.
fn yahoo(world: &World, request: &Request, method: &str, path: &str) -> Outcome {
    let Some((what, shop)) = path.split_once('/') else {
        return Err((
            404,
            format!("no control {method} /_sim/yahoo/{path}; see the table in src/sim/control.rs"),
        ));
    };
    let found = match (method, what) {
        ("POST", "consent") => {
            return world
                .consent_yahoo(shop)
                .map(|token| json!({ "refresh_token": token }))
                .ok_or_else(|| (404, format!("no shop {shop}")));
        }
        ("POST", "withdraw") => world.withdraw_yahoo(shop),
        ("POST", "expire") => world.expire_yahoo_tokens(shop),
        ("PUT", "keys") => world.set_yahoo_keys(shop, body::<Vec<KeyVersion>>(request)?),
        _ => return Err((404, format!("no control {method} /_sim/yahoo/{path}"))),
    };
    done(found, || format!("no shop {shop}"))
}

/// What concerns the gateway: the carrier, its nights, its console, its members.
fn webcollect(world: &World, request: &Request, method: &str, path: &str) -> Outcome {
    match (method, path) {
        ("POST", "scan" | "deliver" | "batch") => {
            let order = body::<WebcollectOrder>(request)?.order_no;
            let settled = match path {
                "scan" => world.scan(order.as_deref()),
                "deliver" => world.deliver(order.as_deref()),
                _ => world.batch(order.as_deref()),
            };
            Ok(json!({ "settled": settled }))
        }
        ("POST", "place") => {
            let placement = body::<Placement>(request)?;
            let order_no = placement.order_no.clone();
            done(world.place(placement), || format!("{order_no} is taken"))
        }
        ("POST", "by-hand") => {
            let mut params = body::<BTreeMap<String, String>>(request)?;
            let function = params.remove("function_div").unwrap_or_default();
            let params: Vec<(&str, &str)> =
                params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let code = world.by_hand(&function, &params);
            code.map(|code| json!({ "code": code }))
                .ok_or_else(|| (400, format!("{function:?} cannot be done by hand")))
        }
        ("POST", "token") => Ok(json!({ "token": world.token() })),
        ("PUT", "cards") => {
            let member = body::<WebcollectCards>(request)?;
            world.set_cards(&member.member_id, &member.authentication_key, member.cards);
            Ok(json!({}))
        }
        _ => Err((404, format!("no control {method} /_sim/webcollect/{path}"))),
    }
}

fn done(found: bool, missing: impl FnOnce() -> String) -> Outcome {
    if found { Ok(json!({})) } else { Err((404, missing())) }
}

/// The malls' books, or one order of theirs with its journal.
fn write_books(world: &World, path: &str) -> Outcome {
    match path.split_once('/') {
        None if path == "writes" => to_json(&world.write_books()),
        Some(("writes", order)) => {
            let book = world.write_book(order).ok_or_else(|| (404, format!("nothing about {order}")))?;
            Ok(json!({ "book": to_json(&book)?, "entries": to_json(&world.write_entries(order))? }))
        }
        _ => Err((404, format!("no control GET /_sim/books/{path}; see the table in src/sim/control.rs"))),
    }
}

fn truth(world: &World, shop: &str, query: &str) -> Outcome {
    let number = |name: &str, default: usize| {
        parameter(query, name)
            .map_or(Ok(default), |v| v.parse().map_err(|_| (400, format!("{name}: a number was expected"))))
    };
    let (from, count) = (number("from", 0)?, number("count", 100)?);
    let facts: Vec<_> = world.truth(shop).skip(from).take(count.min(10_000)).collect();
    to_json(&facts)
}

fn parameter(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T, (u16, String)> {
    let bytes: &[u8] = if request.body.is_empty() { b"{}" } else { &request.body };
    serde_json::from_slice(bytes).map_err(|e| (400, e.to_string()))
}

fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Outcome {
    serde_json::to_value(value).map_err(|e| (500, e.to_string()))
}

/// Members of `part` go over those of `whole`, objects member by member.
fn merge(whole: &mut Value, part: Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, value) in part {
                merge(whole.entry(name).or_insert(Value::Null), value);
            }
        }
        (whole, part) => *whole = part,
    }
}

impl World {
    /// Replaces the keys of a shop at Rakuten or au PAY. False when there is no such shop.
    pub fn set_keys(&self, shop: &str, keys: Vec<Key>) -> bool {
        if let Some(shop) = self.aupay_shop(shop) {
            self.state().aupay.keys.insert(shop.shop_id.clone(), keys);
            return true;
        }
        self.rakuten_shop(shop).map(|shop| shop.id).is_some_and(|id| {
            self.state().keys.insert(id, keys);
            true
        })
    }
}
