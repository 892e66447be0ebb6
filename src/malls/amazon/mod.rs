//! Amazon.co.jp: Orders API v2026-01-01 of the Selling Partner API (amazon-sp-api.md), the read side.
//!
//! The files, the same in every mall: `section` (keys of the config), `auth` (credentials and what a refusal means),
//! `wire` (requests, answers, every envelope told apart), `model` (the order as sent), `map` (to the normalised order,
//! pure; its amounts in `money`), `plan` (which searches a stream makes, pure), `check` (is the account well).

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use serde_json::value::RawValue;

use super::lenient::{Text, strip};
use super::section::Secrets;
use super::{Built, Cursor, Details, Fetched, Mall, Page, Registration, Scope, SetAside, Stream, Tier};
use crate::clock::Timestamp;
use crate::domain::account::{Expiry, Health, Problem, pairs};
use crate::domain::ids::OrderRef;
use crate::domain::order::Order;
use crate::http::{Call, ClientSpec, Fault, Response};

/// Credentials, the second secret, what a refusal means.
pub mod auth;
/// Is the account well.
pub mod check;
/// To the normalised order.
pub mod map;
/// The order as sent.
pub mod model;
/// Its amounts.
pub mod money;
/// Which searches a stream makes.
pub mod plan;
/// Keys of the config.
pub mod section;
/// Requests, answers, envelopes.
pub mod wire;

use auth::{Ask, Credentials};
use plan::{Basis, Hits, State};
use section::Keys;
use wire::{Function, OrderAnswer, SearchAnswer, SearchRequest};

/// The line in the table.
pub const MALL: Registration = Registration {
    name: "amazon",
    title: "Amazon.co.jp",
    registered_at: None,
    default_schedule: "*/5 * * * *",
    schema: section::schema,
    validate: |value| Keys::read(value).map(drop).map_err(pairs),
    urls: section::urls,
    build,
};

/// Every list stream with its pace; *late* is the daily reconciliation of §17.6, one call as a rule.
const STREAMS: &[(Stream, Option<Duration>)] =
    &[(Stream::New, None), (Stream::Late, Some(Duration::from_secs(86_400)))];

/// One seller account at Amazon.
pub struct Amazon {
    credentials: Credentials,
    marketplace_ids: String,
    expiries: Vec<Expiry>,
}

fn build(_name: &str, value: &Value) -> Result<Built, Vec<Problem>> {
    let keys = Keys::read(value)?;
    let mut secrets = Secrets::default();
    let mut client_secrets = Vec::new();
    client_secrets.extend(secrets.read("client_secret", &keys.client_secret).map(|s| ("client_secret", s)));
    if let Some(next) = &keys.client_secret_next {
        client_secrets.extend(secrets.read("client_secret_next", next).map(|s| ("client_secret_next", s)));
    }
    let refresh_token = secrets.read("refresh_token", &keys.refresh_token);
    let extra_roots = secrets.roots("ca_file", keys.ca_file.as_ref());
    let Some(refresh_token) = refresh_token.filter(|_| secrets.problems.is_empty()) else {
        return Err(secrets.problems);
    };
    let credentials = Credentials::new(keys.client_id, client_secrets, refresh_token);
    let expiries: Vec<Expiry> = keys.expiry.into_iter().collect();
    Ok(Built {
        mall: Box::new(Amazon::new(credentials, keys.marketplace_ids, expiries.clone())),
        client: ClientSpec {
            base_url: keys.base_url,
            auth_url: Some(keys.auth_url),
            proxy: keys.proxy,
            extra_roots,
            identity: None,
        },
        expiries,
        warnings: secrets.warnings,
    })
}

impl Amazon {
    /// The orders of these marketplaces (joined by commas), with the known ends of the credentials.
    #[must_use]
    pub fn new(credentials: Credentials, marketplace_ids: String, expiries: Vec<Expiry>) -> Self {
        Self { credentials, marketplace_ids, expiries }
    }

    async fn search(
        &self,
        call: &Call<'_>,
        request: &SearchRequest,
        token: Option<&str>,
    ) -> Result<(SearchAnswer, Response), Fault> {
        self.credentials.ask(call, &search(request, token)).await
    }
}

#[async_trait]
impl Mall for Amazon {
    fn streams(&self) -> &'static [(Stream, Option<Duration>)] {
        STREAMS
    }

    /// None: the search by change shows every change.
    fn follows(&self) -> &'static [Tier] {
        &[]
    }

    fn details_per_call(&self) -> usize {
        1
    }

    /// One call is one search page, with its orders in full.
    async fn changes(
        &self,
        call: &Call<'_>,
        stream: Stream,
        cursor: Option<&Cursor>,
        scope: &Scope,
    ) -> Result<Page, Fault> {
        let mut state = State::read(cursor);
        let basis = Basis { lookback: scope.initial_lookback, marketplace_ids: &self.marketplace_ids };
        let Some((mut request, mut token)) = state.next(stream, call.now(), basis) else {
            return Ok(listed(&state, stream, Details::default()));
        };
        let mut answer = self.search(call, &request, token.as_deref()).await;
        if let Err(fault) = &answer
            && wire::is_bad_request(fault)
            && token.is_some()
            && state.refused(call.now())
        {
            tracing::info!(shop = call.account, error.message = %fault, "Search was begun anew.");
            let Some(again) = state.next(stream, call.now(), basis) else {
                return Ok(listed(&state, stream, Details::default()));
            };
            (request, token) = again;
            answer = self.search(call, &request, token.as_deref()).await;
        }
        let (answer, response) = answer?;
        let next_token = answer.next_token();
        if next_token.is_some() && next_token == token.as_deref() {
            return Err(Fault::Malformed("the token of the next page is that of this page".to_owned()));
        }
        if let Some(from) = state.clamped_to.filter(|_| state.is_at_its_beginning()) {
            tracing::info!(shop = call.account, from = %from, "Backfill was begun later than asked.");
        }
        let read = read_orders(answer.orders(), response.sent_at);
        let next_token = next_token.map(str::to_owned);
        state.take(stream, Hits { sent_at: response.sent_at, next_token, bound: answer.bound() });
        Ok(listed(&state, stream, read))
    }

    async fn details(&self, call: &Call<'_>, refs: &[OrderRef]) -> Result<Details, Fault> {
        let mut details = Details::default();
        for number in refs {
            let Some(ask) = get(number) else {
                details.missing.push(number.clone());
                continue;
            };
            let (answer, response) = match self.credentials.ask::<OrderAnswer>(call, &ask).await {
                Ok(answered) => answered,
                Err(fault) if wire::is_not_found(&fault) => {
                    details.missing.push(number.clone());
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            let read = read_orders(answer.order.iter().map(AsRef::as_ref), response.sent_at);
            details.orders.extend(read.orders);
            details.bad.extend(read.bad);
        }
        Ok(details)
    }

    async fn check(&self, call: &Call<'_>, newest: Option<&OrderRef>) -> Result<Health, Fault> {
        self.health(call, newest).await
    }

    async fn expiries(&self, _call: &Call<'_>) -> Result<Vec<Expiry>, Fault> {
        Ok(self.expiries.clone())
    }
}

fn listed(state: &State, stream: Stream, read: Details) -> Page {
    Page {
        refs: Vec::new(),
        orders: read.orders,
        bad: read.bad,
        next: state.write(),
        more: state.more(stream),
        progress: state.progress(stream),
    }
}

/// A `searchOrders` page.
#[must_use]
pub fn search(request: &SearchRequest, token: Option<&str>) -> Ask {
    Ask { function: Function::SearchOrders, path: Function::PATH.to_owned(), query: request.query(token) }
}

/// A `getOrder` call; `None` for what cannot be an order number.
#[must_use]
pub fn get(number: &OrderRef) -> Option<Ask> {
    let id = number.mall_order_id.as_str();
    let good = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    good.then(|| Ask {
        function: Function::GetOrder,
        path: format!("{}/{id}", Function::PATH),
        query: vec![("includedData", wire::INCLUDED_DATA.to_owned())],
    })
}

/// The orders of an answer, each once: where pages overlap, as it changed last (§17.3).
#[must_use]
pub fn read_orders<'a>(orders: impl Iterator<Item = &'a RawValue>, read_at: Timestamp) -> Details {
    let mut details = Details::default();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (at, raw) in orders.enumerate() {
        match read_order(raw) {
            Ok(order) => {
                let fetched = Fetched { raw: strip(raw, |_| false), order, read_at };
                match seen.get(&fetched.order.mall_order_id).and_then(|&i| details.orders.get_mut(i)) {
                    Some(before) if before.order.mall_updated_at > fetched.order.mall_updated_at => {}
                    Some(before) => *before = fetched,
                    None => {
                        seen.insert(fetched.order.mall_order_id.clone(), details.orders.len());
                        details.orders.push(fetched);
                    }
                }
            }
            Err(reason) => details.bad.push(SetAside {
                mall_order_id: number_of(raw).unwrap_or_else(|| format!("answer, entry {}", at + 1)),
                raw: strip(raw, |_| false),
                reason,
                read_at,
            }),
        }
    }
    details
}

/// One order of an answer.
///
/// # Errors
/// Which member cannot be read; never its content.
pub fn read_order(raw: &RawValue) -> Result<Order, String> {
    map::order(&read_model(raw)?)
}

/// One order as sent.
///
/// # Errors
/// Which member cannot be read; never its content.
pub fn read_model(raw: &RawValue) -> Result<model::OrderModel, String> {
    // Keeping track of the path costs as much as reading: only what cannot be read is read for its path.
    serde_json::from_str(raw.get()).or_else(|_| {
        let mut json = serde_json::Deserializer::from_str(raw.get());
        serde_path_to_error::deserialize(&mut json)
            .map_err(|e| format!("{}: has an unexpected form", e.path()))
    })
}

fn number_of(raw: &RawValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Numbered {
        #[serde(default, rename = "orderId")]
        number: Text,
    }
    let numbered = serde_json::from_str::<Numbered>(raw.get()).ok()?;
    numbered.number.trimmed().map(str::to_owned)
}
