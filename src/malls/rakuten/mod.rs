//! 楽天市場: 楽天ペイ受注API of RMS WEB SERVICE (rakuten-rms.md), the read side.
//!
//! The files, the same in every mall: `section` (keys of the config), `auth` (credentials and what a refusal means),
//! `wire` (requests, answers, every envelope told apart), `model` (the order as sent), `map` (to the normalised order,
//! pure), `plan` (which windows a stream searches, pure), `check` (is the account well).

use std::collections::HashSet;
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
use crate::http::text::{scrub, scrub_code};
use crate::http::{Call, ClientSpec, Fault};

/// Credentials, the second key, what a refusal means.
pub mod auth;
/// Is the account well.
pub mod check;
/// To the normalised order.
pub mod map;
/// The order as sent.
pub mod model;
/// Which windows a stream searches.
pub mod plan;
/// Keys of the config.
pub mod section;
/// Requests, answers, envelopes.
pub mod wire;

use auth::{Ask, Credentials};
use plan::{Hits, State};
use section::Keys;
use wire::{Function, GetAnswer, GetRequest, SearchAnswer, SearchRequest};

/// The line in the table.
pub const MALL: Registration = Registration {
    name: "rakuten",
    title: "楽天市場",
    registered_at: None,
    default_schedule: "*/5 * * * *",
    schema: section::schema,
    validate: |value| Keys::read(value).map(drop).map_err(pairs),
    urls: section::urls,
    build,
};

/// Order numbers a `getOrder` call (§5.1).
const NUMBERS: usize = 100;
/// The oldest edition fallen back to (§5.1).
const OLDEST_FALLBACK: i64 = 7;
/// Every list stream with its pace; *late* is the tail of decisions.md 15.
const STREAMS: &[(Stream, Option<Duration>)] =
    &[(Stream::New, None), (Stream::Late, Some(Duration::from_secs(6 * 3_600)))];

/// Nothing lists changes, so every open order is read again: young ones often, old ones rarely. Orders are shown for 730
/// days; past 720 one is left as it is.
const FOLLOWED: [Tier; 5] = [
    Tier::new(Tier::BEFORE, 0, 3, 600),
    Tier::new(Tier::BEFORE, 3, 62, 3_600),
    Tier::new(Tier::BEFORE, 62, 720, 86_400),
    Tier::new(Tier::AFTER, 0, 62, 6 * 3_600),
    Tier::new(Tier::AFTER, 62, 720, 86_400),
];

/// One shop at Rakuten.
pub struct Rakuten {
    credentials: Credentials,
    version: i64,
}

fn build(_name: &str, value: &Value) -> Result<Built, Vec<Problem>> {
    let keys = Keys::read(value)?;
    let mut secrets = Secrets::default();
    let service_secret = secrets.read("service_secret", &keys.service_secret);
    let mut license_keys = Vec::new();
    license_keys.extend(secrets.read("license_key", &keys.license_key).map(|s| ("license_key", s)));
    if let Some(next) = &keys.license_key_next {
        license_keys.extend(secrets.read("license_key_next", next).map(|s| ("license_key_next", s)));
    }
    let extra_roots = secrets.roots("ca_file", keys.ca_file.as_ref());
    let Some(service_secret) = service_secret.filter(|_| secrets.problems.is_empty()) else {
        return Err(secrets.problems);
    };
    Ok(Built {
        mall: Box::new(Rakuten::new(Credentials::new(service_secret, license_keys), keys.version)),
        client: ClientSpec {
            base_url: keys.base_url,
            auth_url: None,
            proxy: keys.proxy,
            extra_roots,
            identity: None,
        },
        expiries: Vec::new(),
        warnings: secrets.warnings,
    })
}

impl Rakuten {
    /// A shop that asks for that edition of `getOrder` first.
    #[must_use]
    pub fn new(credentials: Credentials, version: i64) -> Self {
        Self { credentials, version }
    }

    /// The editions to try, newest first.
    fn versions(&self) -> impl Iterator<Item = i64> + use<> {
        (OLDEST_FALLBACK.min(self.version)..=self.version).rev()
    }

    /// One `getOrder` call, with the newest edition that the server takes.
    async fn get(&self, call: &Call<'_>, refs: &[&OrderRef]) -> Result<(GetAnswer, Timestamp), Fault> {
        let versions: Vec<i64> = self.versions().collect();
        let mut at = call.client.preferred_edition().min(versions.len().saturating_sub(1));
        loop {
            let version = versions.get(at).copied().unwrap_or(self.version);
            let mut calls = usize::MAX;
            match self.credentials.ask(call, &get(refs, version)?, &mut calls).await {
                Ok((answer, response)) => {
                    call.client.prefer_edition(at);
                    return Ok((answer, response.sent_at));
                }
                Err(fault) if wire::refuses_version(&fault) && at + 1 < versions.len() => {
                    tracing::warn!(shop = call.account, version, error.message = %fault, "Edition of the function was refused.");
                    at += 1;
                }
                Err(fault) => {
                    if wire::refuses_version(&fault) {
                        call.client.prefer_edition(0);
                    }
                    return Err(self.explain(call, fault).await);
                }
            }
        }
    }

    /// Tells a switched-off `getOrder` from a dead key: the latter cannot search either (§2.2).
    async fn explain(&self, call: &Call<'_>, fault: Fault) -> Fault {
        let Fault::Auth { code, message } = fault else { return fault };
        let mut calls = usize::MAX;
        match self.search_a_minute(call, &mut calls).await {
            Ok(_) => auth::switched_off(code, &message, Function::GetOrder),
            Err(Fault::Stopping) => Fault::Stopping,
            Err(_) => auth::key_refused(code, &message, Function::GetOrder),
        }
    }
}

#[async_trait]
impl Mall for Rakuten {
    fn streams(&self) -> &'static [(Stream, Option<Duration>)] {
        STREAMS
    }

    fn follows(&self) -> &'static [Tier] {
        &FOLLOWED
    }

    fn details_per_call(&self) -> usize {
        NUMBERS
    }

    /// One call is one search page.
    async fn changes(
        &self,
        call: &Call<'_>,
        stream: Stream,
        cursor: Option<&Cursor>,
        scope: &Scope,
    ) -> Result<Page, Fault> {
        let mut state = State::read(cursor);
        let Some((window, page)) = state.next(stream, call.now(), scope.initial_lookback) else {
            return Ok(Page::of(&state, Hits::default(), Vec::new()));
        };
        let records = (plan::PAGE, page);
        let ask = search(window.states.list(), window.date_type, (window.start, window.end), records)?;
        let mut calls = usize::MAX;
        let (answer, _) = self.credentials.ask::<SearchAnswer>(call, &ask, &mut calls).await.map_err(
            |fault| match fault {
                Fault::Auth { code, message } => auth::key_refused(code, &message, Function::SearchOrder),
                other => other,
            },
        )?;
        let totals = answer.pagination.as_ref();
        let hits = Hits {
            on_page: answer.numbers.len(),
            total: totals.and_then(|p| p.total_records_amount.0),
            pages: totals.and_then(|p| p.total_pages.0),
        };
        let refs = if state.take(stream, hits) { refs(&answer) } else { Vec::new() };
        if let Some(from) = state.clamped_to.filter(|&from| page == 1 && window.start == from) {
            tracing::info!(shop = call.account, from = %from, "Backfill was begun later than asked.");
        }
        Ok(Page::of(&state, hits, refs))
    }

    async fn details(&self, call: &Call<'_>, refs: &[OrderRef]) -> Result<Details, Fault> {
        let mut details = Details::default();
        for batch in refs.chunks(NUMBERS) {
            let numbers: Vec<&OrderRef> = batch.iter().collect();
            let (answer, read_at) = self.get(call, &numbers).await?;
            for message in notices(&answer) {
                tracing::warn!(
                    shop = call.account,
                    mall_order_id = message.order_number.trimmed().map(scrub_code),
                    error.code = scrub_code(message.code()),
                    error.message = scrub(message.message.trimmed().unwrap_or_default()),
                    "Answer carried a warning."
                );
            }
            let read = read_orders(&answer, batch, read_at);
            details.orders.extend(read.orders);
            details.missing.extend(read.missing);
            details.bad.extend(read.bad);
        }
        Ok(details)
    }

    async fn check(&self, call: &Call<'_>, newest: Option<&OrderRef>) -> Result<Health, Fault> {
        self.health(call, newest).await
    }

    async fn expiries(&self, call: &Call<'_>) -> Result<Vec<Expiry>, Fault> {
        self.read_expiries(call).await
    }
}

impl Page {
    fn of(state: &State, hits: Hits, refs: Vec<OrderRef>) -> Self {
        Self {
            refs,
            orders: Vec::new(),
            bad: Vec::new(),
            next: state.write(),
            more: state.more(),
            progress: Some(state.progress(hits)),
        }
    }
}

/// A `searchOrder` page.
///
/// # Errors
/// Never in practice: the request is plain data.
pub fn search(
    progress: Option<&'static [u32]>,
    date_type: u8,
    span: (Timestamp, Timestamp),
    records: (u32, u32),
) -> Result<Ask, Fault> {
    Ask::post(Function::SearchOrder, &SearchRequest::new(progress, date_type, span, records))
}

/// A `getOrder` call.
///
/// # Errors
/// Never in practice: the request is plain data.
pub fn get(refs: &[&OrderRef], version: i64) -> Result<Ask, Fault> {
    let order_number_list = refs.iter().map(|r| r.mall_order_id.as_str()).collect();
    Ask::post(Function::GetOrder, &GetRequest { order_number_list, version })
}

/// The numbers of a page, each once.
fn refs(answer: &SearchAnswer) -> Vec<OrderRef> {
    let mut seen = HashSet::new();
    let numbers = answer.numbers.iter().filter_map(Text::trimmed);
    numbers.filter(|n| seen.insert(*n)).map(OrderRef::new).collect()
}

/// Warnings and errors beside data: their meaning is not public, so they are logged and the numbers asked again (§5.1).
fn notices(answer: &GetAnswer) -> impl Iterator<Item = &wire::Message> {
    wire::Envelope::messages(answer).unwrap_or_default().iter().filter(|m| !m.is("INFO"))
}

/// The orders of an answer, joined to the numbers asked for (§5.1). A number without an order is missing, whether the
/// answer says so or not.
#[must_use]
pub fn read_orders(answer: &GetAnswer, asked: &[OrderRef], read_at: Timestamp) -> Details {
    let mut details = Details::default();
    let mut seen = HashSet::new();
    for (at, raw) in answer.orders.iter().enumerate() {
        let order = read_order(raw);
        let number = match &order {
            Ok(order) => order.mall_order_id.clone(),
            Err(_) => number_of(raw).unwrap_or_else(|| format!("getOrder answer, entry {}", at + 1)),
        };
        if !seen.insert(number.clone()) {
            continue;
        }
        let kept = strip(raw, drop_on_receipt);
        match order {
            Ok(order) => details.orders.push(Fetched { order, raw: kept, read_at }),
            Err(reason) => {
                details.bad.push(SetAside { mall_order_id: number, raw: kept, reason, read_at });
            }
        }
    }
    details.missing = asked.iter().filter(|r| !seen.contains(&r.mall_order_id)).cloned().collect();
    details
}

/// One order of an answer.
///
/// # Errors
/// Which member cannot be read; never its content.
pub fn read_order(raw: &RawValue) -> Result<Order, String> {
    // Keeping track of the path costs as much as reading: only what cannot be read is read for its path.
    let Ok(model) = serde_json::from_str::<model::OrderModel>(raw.get()) else {
        let mut json = serde_json::Deserializer::from_str(raw.get());
        let model = serde_path_to_error::deserialize::<_, model::OrderModel>(&mut json)
            .map_err(|e| format!("{}: has an unexpected form", e.path()))?;
        return map::order(&model);
    };
    map::order(&model)
}

/// §11: dropped on receipt.
fn drop_on_receipt(member: &str) -> bool {
    matches!(member, "cardNumber" | "cardOwner" | "cardYm" | "sex" | "birthYear" | "birthMonth" | "birthDay")
}

fn number_of(raw: &RawValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Numbered {
        #[serde(default, rename = "orderNumber")]
        number: Text,
    }
    let numbered = serde_json::from_str::<Numbered>(raw.get()).ok()?;
    numbered.number.trimmed().map(str::to_owned)
}
