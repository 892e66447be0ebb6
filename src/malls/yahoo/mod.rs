//! Yahoo!ショッピング: the store order API (yahoo-shopping.md), the read side.
//!
//! The files, the same in every mall: `section` (keys of the config), `auth` (credentials and what a refusal means),
//! `wire` (requests, answers, every envelope told apart), `model` (the order as sent), `map` (to the normalised order,
//! pure), `plan` (which windows a stream searches, pure), `check` (is the account well).

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::section::Secrets;
use super::{
    Built, Consent, Cursor, Details, Fetched, Mall, Page, Registration, Scope, SetAside, Stream, Tier,
};
use crate::clock::Timestamp;
use crate::domain::account::{Expiry, Health, Problem, pairs};
use crate::domain::ids::OrderRef;
use crate::domain::order::Order;
use crate::http::tls::Identity;
use crate::http::tokens::{ClientAuth, Grant};
use crate::http::xml::Element;
use crate::http::{Call, ClientSpec, Fault, Response};

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

use auth::{Ask, Credentials, SigningKey};
use plan::{Hits, State};
use section::{Certificate, Keys};
use wire::{Answer, Function, Search};

/// The line in the table.
pub const MALL: Registration = Registration {
    name: "yahoo",
    title: "Yahoo!ショッピング",
    registered_at: Some("Yahoo!ショッピング 注文API 利用申請"),
    default_schedule: "*/5 * * * *",
    schema: section::schema,
    validate: |value| Keys::read(value).map(drop).map_err(pairs),
    urls: section::urls,
    build,
};

/// Orders an `orderInfo` call (§3).
const NUMBERS: usize = 1;
/// Every list stream with its pace; *late* paces its older windows by itself.
const STREAMS: &[(Stream, Option<Duration>)] = &[(Stream::New, None), (Stream::Late, None)];
/// A key is good for a year (§2.3).
const KEY_LIFE: Duration = Duration::from_secs(365 * 86_400);
/// What the client remembers.
const HINT_FIELDS: &str = "fields refused";

/// Lists show the changes of orders up to [`plan::DEEP`]; older ones that are still open are read again once a week.
const FOLLOWED: [Tier; 2] =
    [Tier::new(Tier::BEFORE, 729, 5_475, 7 * 86_400), Tier::new(Tier::AFTER, 729, 5_475, 7 * 86_400)];

/// One store at Yahoo!ショッピング.
pub struct Yahoo {
    credentials: Credentials,
    omit_fields: Vec<String>,
    /// Of keys and certificate, as the config knows them.
    expiries: Vec<Expiry>,
}

fn build(_name: &str, value: &Value) -> Result<Built, Vec<Problem>> {
    let keys = Keys::read(value)?;
    let mut secrets = Secrets::default();
    let client_secret = secrets.read("client_secret", &keys.client_secret);
    let refresh_token = keys.refresh_token.as_ref().map(|place| secrets.read("refresh_token", place));
    let mut expiries = Vec::new();
    let mut signing = Vec::new();
    for key in &keys.public_keys {
        let read = file(&key.file).and_then(|pem| SigningKey::from_pem(key.name, key.version, &pem));
        match read {
            Ok(read) => signing.push(read),
            Err(message) => secrets.problems.push(Problem { key: key.name.to_owned(), message }),
        }
        let issued = key.issued_on.map(Timestamp::jst_midnight);
        expiries.extend(issued.map(|at| Expiry { what: key.name.to_owned(), at: at + KEY_LIFE }));
    }
    let identity = keys.certificate.as_ref().and_then(|certificate| identity(&mut secrets, certificate));
    expiries.extend(identity.as_ref().map(|i| Expiry { what: "certificate".to_owned(), at: i.expires_at() }));
    let extra_roots = secrets.roots("ca_file", keys.ca_file.as_ref());
    let Some(client_secret) = client_secret.filter(|_| secrets.problems.is_empty()) else {
        return Err(secrets.problems);
    };
    let grant = Grant {
        client_id: keys.client_id,
        client_secrets: vec![("client_secret", client_secret)],
        refresh_token: refresh_token.flatten(),
        authorized_at: keys.authorized_on.map(Timestamp::jst_midnight),
        auth: ClientAuth::Basic,
    };
    let credentials = Credentials::new(&keys.seller_id, grant, signing, keys.redirect_uri, &keys.auth_url);
    Ok(Built {
        mall: Box::new(Yahoo::new(credentials, keys.omit_fields, expiries.clone())),
        client: ClientSpec {
            base_url: keys.base_url,
            auth_url: Some(keys.auth_url),
            proxy: keys.proxy,
            extra_roots,
            identity,
        },
        expiries,
        warnings: secrets.warnings,
    })
}

fn file(path: &std::path::Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))
}

fn identity(secrets: &mut Secrets, certificate: &Certificate) -> Option<Identity> {
    let (key, read) = match certificate {
        Certificate::Pair(path, place) => {
            let private = secrets.read("private_key", place)?;
            ("certificate", file(path).and_then(|pem| Identity::from_pem(&pem, private.expose().as_bytes())))
        }
        Certificate::Zip(path) => ("certificate_zip", file(path).and_then(|zip| Identity::from_zip(&zip))),
    };
    read.map_err(|message| secrets.problems.push(Problem { key: key.to_owned(), message })).ok()
}

impl Yahoo {
    /// A store that never asks for `omit_fields`.
    #[must_use]
    pub fn new(credentials: Credentials, omit_fields: Vec<String>, expiries: Vec<Expiry>) -> Self {
        Self { credentials, omit_fields, expiries }
    }

    async fn list(
        &self,
        call: &Call<'_>,
        search: &Search<'_>,
        calls: &mut usize,
    ) -> Result<(Answer, Response), Fault> {
        let seller = self.credentials.seller();
        self.ask(call, Function::OrderList, wire::LIST_FIELDS, calls, |fields| {
            wire::search(seller, search, fields)
        })
        .await
    }

    /// Asks for `fields`, less those that the config leaves out and those that the server does not know: one of these
    /// rejects the whole request, so it is dropped and the request made once more (§5.3).
    async fn ask(
        &self,
        call: &Call<'_>,
        function: Function,
        fields: &[&str],
        calls: &mut usize,
        xml: impl Fn(&[&str]) -> String,
    ) -> Result<(Answer, Response), Fault> {
        let hint = format!("{HINT_FIELDS} by {}", function.path());
        let refused = call.client.hint(&hint).unwrap_or_default();
        let known: Vec<&str> = fields
            .iter()
            .copied()
            .filter(|f| !refused.split(',').any(|r| r == *f) && !self.omit_fields.iter().any(|o| o == f))
            .collect();
        let ask = Ask { function, xml: xml(&known) };
        let fault = match self.credentials.ask(call, &ask, calls).await {
            Ok(answer) => return Ok(answer),
            Err(fault) => fault,
        };
        let field = wire::refused_field(&fault, &known).filter(|f| !model::ESSENTIAL_FIELDS.contains(f));
        let (Some(field), true) = (field, *calls > 0) else { return Err(fault) };
        tracing::warn!(
            shop = call.account,
            function = function.path(),
            field,
            "Field was not known to the mall."
        );
        call.client.learn(&hint, &format!("{refused},{field}"));
        let fewer: Vec<&str> = known.iter().copied().filter(|f| *f != field).collect();
        self.credentials.ask(call, &Ask { function, xml: xml(&fewer) }, calls).await
    }

    async fn info(&self, call: &Call<'_>, number: &OrderRef, details: &mut Details) -> Result<(), Fault> {
        let seller = self.credentials.seller();
        let mut calls = usize::MAX;
        let sent_at = call.now();
        let xml = |fields: &[&str]| wire::info(seller, &number.mall_order_id, fields);
        match self.ask(call, Function::OrderInfo, &model::info_fields(), &mut calls, xml).await {
            Ok((answer, response)) => {
                read_answer(&answer, number, response.sent_at, details);
                Ok(())
            }
            Err(fault) if wire::no_such_order(&fault) => {
                details.missing.push(number.clone());
                Ok(())
            }
            // One order an answer: nothing else is harmed (I4).
            Err(Fault::Malformed(reason)) => {
                details.bad.push(SetAside {
                    mall_order_id: number.mall_order_id.clone(),
                    raw: Vec::new(),
                    reason: format!("unreadable answer: {reason}"),
                    read_at: sent_at,
                });
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }
}

#[async_trait]
impl Mall for Yahoo {
    fn streams(&self) -> &'static [(Stream, Option<Duration>)] {
        STREAMS
    }

    fn follows(&self) -> &'static [Tier] {
        &FOLLOWED
    }

    fn consent(&self) -> Option<&dyn Consent> {
        Some(&self.credentials)
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
        let Some((window, start, rows)) = state.next(stream, call.now(), scope.initial_lookback) else {
            return Ok(page(&state, stream, Hits::default(), Vec::new()));
        };
        let search = Search {
            by: window.by.into(),
            from: window.start,
            to: window.end,
            statuses: window.statuses(),
            start,
            rows,
        };
        let mut calls = usize::MAX;
        let (answer, _) = self.list(call, &search, &mut calls).await?;
        let listed = wire::listed(&answer.root)?;
        let hits = Hits { on_page: listed.rows.len() as u64, total: listed.total };
        let mut seen = HashSet::new();
        let wanted = listed.rows.into_iter().filter(|row| state.wants(stream, row, scope.initial_lookback));
        let refs: Vec<OrderRef> = wanted
            .filter(|row| seen.insert(row.number.clone()))
            .map(|row| OrderRef { mall_order_id: row.number, updated_at: row.updated_at })
            .collect();
        let refs = if state.take(stream, hits) { refs } else { Vec::new() };
        if let Some(from) = state.clamped_to.filter(|&from| start == 1 && window.start == from) {
            tracing::info!(shop = call.account, from = %from, "Backfill was begun later than asked.");
        }
        Ok(page(&state, stream, hits, refs))
    }

    async fn details(&self, call: &Call<'_>, refs: &[OrderRef]) -> Result<Details, Fault> {
        let mut details = Details::default();
        for number in refs {
            self.info(call, number, &mut details).await?;
        }
        Ok(details)
    }

    async fn check(&self, call: &Call<'_>, _newest: Option<&OrderRef>) -> Result<Health, Fault> {
        self.health(call).await
    }

    async fn expiries(&self, call: &Call<'_>) -> Result<Vec<Expiry>, Fault> {
        self.read_expiries(call).await
    }
}

fn page(state: &State, stream: Stream, hits: Hits, refs: Vec<OrderRef>) -> Page {
    Page {
        refs,
        orders: Vec::new(),
        bad: Vec::new(),
        next: state.write(),
        more: state.more(),
        progress: Some(state.progress(stream, hits)),
    }
}

/// The order of an answer, which must be the one asked for. Without an order it is missing, whatever the answer says.
pub fn read_answer(answer: &Answer, asked: &OrderRef, read_at: Timestamp, details: &mut Details) {
    let result = answer.root.child("Result");
    let Some(info) = result.and_then(|r| r.child("OrderInfo")).filter(|i| !i.children.is_empty()) else {
        details.missing.push(asked.clone());
        return;
    };
    let raw = info.raw(&answer.document, model::drop_on_receipt);
    let order = read_order(info).and_then(|order| {
        // Letters of the store account may differ in case.
        if order.mall_order_id.eq_ignore_ascii_case(&asked.mall_order_id) {
            Ok(order)
        } else {
            Err("the answer is about another order".to_owned())
        }
    });
    match order {
        Ok(order) => details.orders.push(Fetched { order, raw, read_at }),
        Err(reason) => {
            details.bad.push(SetAside { mall_order_id: asked.mall_order_id.clone(), raw, reason, read_at });
        }
    }
}

/// One order.
///
/// # Errors
/// Which element cannot be read; never its content.
pub fn read_order(info: &Element) -> Result<Order, String> {
    map::order(&model::OrderModel::read(info))
}
