//! au PAY マーケット: the shop API of Wow! manager (au-pay-market.md), the read side.
//!
//! The files, the same in every mall: `section` (keys of the config), `auth` (credentials and what a refusal means),
//! `wire` (queries, answers, every envelope told apart), `model` (the order as sent), `map` (to the normalised order,
//! pure), `plan` (which windows a stream lists, pure), `check` (is the account well).

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::section::Secrets;
use super::{Built, Cursor, Details, Fetched, Mall, Page, Registration, Scope, SetAside, Stream, Tier};
use crate::clock::Timestamp;
use crate::domain::account::{Expiry, Health, Problem, pairs};
use crate::domain::ids::OrderRef;
use crate::domain::order::Order;
use crate::http::xml::Element;
use crate::http::{Call, ClientSpec, Fault};

/// Credentials, the second key, what a refusal means.
pub mod auth;
/// Is the account well.
pub mod check;
/// To the normalised order.
pub mod map;
/// The order as sent.
pub mod model;
/// Which windows a stream lists.
pub mod plan;
/// Keys of the config.
pub mod section;
/// Queries, answers, envelopes.
pub mod wire;

use auth::{Ask, Credentials, Key};
use map::Statuses;
use plan::{Part, Seen, State};
use section::Keys;
use wire::{Answer, Function};

/// The line in the table.
pub const MALL: Registration = Registration {
    name: "aupay",
    title: "au PAY マーケット",
    registered_at: Some("au PAY マーケット API利用申請 接続元IPアドレス"),
    default_schedule: "*/10 * * * *",
    schema: section::schema,
    validate: |value| Keys::read(value).map(drop).map_err(pairs),
    urls: section::urls,
    build,
};

/// Every list stream with its pace: *late* reads the rest of the week, deadlines and payments.
const STREAMS: &[(Stream, Option<Duration>)] =
    &[(Stream::New, None), (Stream::Late, Some(Duration::from_secs(3_600)))];

const HALF_A_DAY: u64 = 12 * 3_600;
const A_DAY: u64 = 24 * 3_600;
/// The lists show every order of the last week; older ones that are open are read by number (§11). Past 720 days one is
/// left as it is.
const FOLLOWED: [Tier; 4] = [
    Tier::new(Tier::BEFORE, 7, 62, HALF_A_DAY),
    Tier::new(Tier::BEFORE, 62, 720, A_DAY),
    Tier::new(Tier::AFTER, 7, 62, HALF_A_DAY),
    Tier::new(Tier::AFTER, 62, 720, A_DAY),
];
const _: () = assert!(plan::WEEK == 7);

/// One shop at au PAY マーケット.
pub struct AuPay {
    credentials: Credentials,
    statuses: Statuses,
}

fn build(_name: &str, value: &Value) -> Result<Built, Vec<Problem>> {
    let keys = Keys::read(value)?;
    let mut secrets = Secrets::default();
    let mut api_keys = Vec::new();
    api_keys.extend(secrets.read("api_key", &keys.api_key).map(|secret| Key {
        name: "api_key",
        secret,
        issued_on: keys.api_key_issued_on,
    }));
    if let Some(next) = &keys.api_key_next {
        api_keys.extend(secrets.read("api_key_next", next).map(|secret| Key {
            name: "api_key_next",
            secret,
            issued_on: keys.api_key_next_issued_on,
        }));
    }
    let extra_roots = secrets.roots("ca_file", keys.ca_file.as_ref());
    if !secrets.problems.is_empty() {
        return Err(secrets.problems);
    }
    let credentials = Credentials::new(&keys.shop_id, api_keys);
    Ok(Built {
        expiries: credentials.expiries(),
        mall: Box::new(AuPay::new(credentials, keys.statuses)),
        client: ClientSpec {
            base_url: keys.base_url,
            auth_url: None,
            proxy: keys.proxy,
            extra_roots,
            identity: None,
        },
        warnings: secrets.warnings,
    })
}

impl AuPay {
    /// A shop with status names of its own.
    #[must_use]
    pub fn new(credentials: Credentials, statuses: Statuses) -> Self {
        Self { credentials, statuses }
    }

    /// One call, whatever key it takes.
    async fn ask(
        &self,
        call: &Call<'_>,
        function: Function,
        query: Vec<(&'static str, String)>,
    ) -> Result<(Answer, Timestamp), Fault> {
        let mut calls = usize::MAX;
        let answer = self.credentials.ask(call, &Ask { function, query }, &mut calls).await;
        let (answer, response) = answer.map_err(|f| self.credentials.explain(f, function, call.now()))?;
        Ok((answer, response.sent_at))
    }

    /// States that may still change: the mall's and those of the shop's that are known.
    fn open_states(&self) -> Vec<&str> {
        let malls = map::STATUSES.iter().filter(|known| known.status.is_open()).map(|known| known.name);
        let own = self.statuses.iter().filter(|(_, status)| status.is_open()).map(|(name, _)| name.as_str());
        malls.chain(own).collect()
    }

    /// A part of a list. What cannot be read or is refused changes the plan instead.
    async fn list(
        &self,
        call: &Call<'_>,
        stream: Stream,
        state: &mut State,
        part: &Part,
    ) -> Result<(Details, Vec<OrderRef>), Fault> {
        let function = if part.numbers { Function::Numbers } else { Function::List };
        let query = wire::list_query(&part.window, part.start, part.count);
        let (answer, read_at) = match self.ask(call, function, query).await {
            Ok(answer) => answer,
            Err(Fault::Malformed(reason)) if state.halve() => {
                tracing::warn!(shop = call.account, start = part.start, count = part.count, error.message = %reason,
                    "Part of a list could not be read.");
                return Ok((Details::default(), Vec::new()));
            }
            Err(Fault::Rejected { code, message })
                if state.refused(stream, |name| self.statuses.contains_key(name)) =>
            {
                tracing::warn!(shop = call.account, error.code = %code, error.message = %message,
                    from = %part.window.start, to = %part.window.end, status = part.window.status.as_deref(),
                    "List was refused.");
                return Ok((Details::default(), Vec::new()));
            }
            Err(fault) => return Err(fault),
        };
        if part.numbers {
            let numbers: Vec<String> = answer.numbers().map(str::to_owned).collect();
            let refs = numbers.iter().map(OrderRef::new).collect();
            state.take(stream, &Seen { numbers, count: answer.count(), total: answer.total() });
            return Ok((Details::default(), refs));
        }
        let (numbers, details) = self.read_orders(&answer, read_at);
        state.take(stream, &Seen { numbers, count: answer.count(), total: answer.total() });
        Ok((details, Vec::new()))
    }

    /// The orders of an answer, each once, with the numbers in the order of the answer.
    #[must_use]
    pub fn read_orders(&self, answer: &Answer, read_at: Timestamp) -> (Vec<String>, Details) {
        let mut details = Details::default();
        let mut numbers = Vec::new();
        let mut seen = HashSet::new();
        for (at, element) in answer.orders().enumerate() {
            let order = read_order(element, &self.statuses);
            let number = match (&order, element.value("orderId")) {
                (Ok(order), _) => order.mall_order_id.clone(),
                (Err(_), Some(number)) => number.to_owned(),
                (Err(_), None) => format!("{} answer, entry {}", Function::List.path(), at + 1),
            };
            numbers.push(number.clone());
            if !seen.insert(number.clone()) {
                continue;
            }
            let raw = answer.raw(element);
            match order {
                Ok(order) => details.orders.push(Fetched { order, raw, read_at }),
                Err(reason) => details.bad.push(SetAside { mall_order_id: number, raw, reason, read_at }),
            }
        }
        (numbers, details)
    }

    /// One order by its number. A refusal is this order's, so that it holds up no other.
    async fn one(&self, call: &Call<'_>, asked: &OrderRef, details: &mut Details) -> Result<(), Fault> {
        let sent_at = call.now();
        let number = asked.mall_order_id.as_str();
        let (answer, read_at) = match self.ask(call, Function::One, wire::one_query(number)).await {
            Ok(answer) => answer,
            Err(Fault::Rejected { code, message }) => {
                details.bad.push(SetAside {
                    mall_order_id: number.to_owned(),
                    raw: Vec::new(),
                    reason: format!("{} refused it ({code}): {message}", Function::One.path()),
                    read_at: sent_at,
                });
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        let (_, read) = self.read_orders(&answer, read_at);
        let order = read.orders.into_iter().find(|fetched| fetched.order.mall_order_id == number);
        let bad = read.bad.into_iter().find(|bad| bad.mall_order_id == number);
        if order.is_none() && bad.is_none() {
            details.missing.push(asked.clone());
        }
        details.orders.extend(order);
        details.bad.extend(bad);
        Ok(())
    }
}

#[async_trait]
impl Mall for AuPay {
    fn streams(&self) -> &'static [(Stream, Option<Duration>)] {
        STREAMS
    }

    fn follows(&self) -> &'static [Tier] {
        &FOLLOWED
    }

    /// §4.3 takes one.
    fn details_per_call(&self) -> usize {
        1
    }

    /// One call is one part of a list.
    async fn changes(
        &self,
        call: &Call<'_>,
        stream: Stream,
        cursor: Option<&Cursor>,
        scope: &Scope,
    ) -> Result<Page, Fault> {
        let mut state = State::read(cursor);
        let Some(part) = state.next(stream, call.now(), scope.initial_lookback, &self.open_states()) else {
            return Ok(page(&state, Details::default(), Vec::new()));
        };
        if let Some(from) = state.clamped_to.filter(|&from| part.start == 1 && part.window.start == from) {
            tracing::info!(shop = call.account, from = %from, "Backfill was begun later than asked.");
        }
        let closed_since = state.closed_since(scope.initial_lookback).filter(|_| stream == Stream::Late);
        let (mut details, refs) = self.list(call, stream, &mut state, &part).await?;
        if let Some(since) = closed_since {
            // Deadlines and payments lie later than orders: these lists show closed orders of before the first pass.
            details.orders.retain(|f| f.order.status.is_open() || f.order.ordered_at >= since);
        }
        Ok(page(&state, details, refs))
    }

    async fn details(&self, call: &Call<'_>, refs: &[OrderRef]) -> Result<Details, Fault> {
        let mut details = Details::default();
        for asked in refs {
            self.one(call, asked, &mut details).await?;
        }
        Ok(details)
    }

    async fn check(&self, call: &Call<'_>, _newest: Option<&OrderRef>) -> Result<Health, Fault> {
        self.health(call).await
    }

    /// The service does not tell: what the config says of the days of issue.
    async fn expiries(&self, _call: &Call<'_>) -> Result<Vec<Expiry>, Fault> {
        Ok(self.credentials.expiries())
    }
}

fn page(state: &State, read: Details, refs: Vec<OrderRef>) -> Page {
    Page {
        refs,
        orders: read.orders,
        bad: read.bad,
        next: state.write(),
        more: state.more(),
        progress: Some(state.progress()),
    }
}

/// One order of an answer.
///
/// # Errors
/// Which element cannot be read; never its content.
pub fn read_order(element: &Element, own: &Statuses) -> Result<Order, String> {
    map::order(&model::OrderModel::of(element)?, own)
}
