//! Feeds of shipments (amazon-sp-api.md §13): a document uploaded, processed as time goes by, a report to be fetched.
//!
//! Simulated: `POST_ORDER_FULFILLMENT_DATA` in XML. A message has no package reference: each is a new package under the
//! next number. A document that is no envelope makes its feed `FATAL`. The same document may be given to two feeds.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use super::feed_xml::{self, Verdict};
use super::shop::MARKETPLACE;
use super::switches::FeedEnd;
use super::{Shop, bad_input, confirm, not_found};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::dice::{Dice, Salt};
use crate::sim::gzip;
use crate::sim::http::{Answer, Request};
use crate::sim::world::State;

/// Where documents are put and fetched: no address of the API's.
pub(crate) const STORE: &str = "/amazon/feed-store/";
const TYPE: &str = "POST_ORDER_FULFILLMENT_DATA";
/// Addresses live so long …
const ADDRESS_LIFE: Duration = Duration::from_mins(5);
/// … and document ids so long.
const DOCUMENT_LIFE: Duration = Duration::from_hours(48);
/// A feed waits so long before it is processed.
const QUEUE: Duration = Duration::from_secs(20);
const FIRST_FEED: u64 = 50_000_012_345;

#[derive(Clone, Debug)]
struct Document {
    account: u64,
    created: Timestamp,
    content_type: String,
    /// Once it is there.
    body: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
struct Feed {
    account: u64,
    input: String,
    created: Timestamp,
    ends: Timestamp,
    /// Once it has ended: how, and its result document.
    result: Option<(FeedEnd, Option<String>)>,
}

/// Documents and feeds of every account.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    documents: BTreeMap<String, Document>,
    feeds: BTreeMap<u64, Feed>,
    serial: u64,
}

impl Feeds {
    fn document(&mut self, document: Document) -> String {
        self.serial += 1;
        let id = format!("amzn1.tortuga.4.fe.sim-document.T{:012}", self.serial);
        self.documents.insert(id.clone(), document);
        id
    }
}

fn object(request: &Request, known: &[&str]) -> Result<Map<String, Value>, Answer> {
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(&request.body) else {
        return Err(bad_input("The body must be a JSON object."));
    };
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(bad_input(&format!("{name} is not a member."))),
        None => Ok(body),
    }
}

/// `createFeedDocument`.
pub(crate) fn create_document(
    world: &World,
    state: &mut State,
    shop: &Shop,
    request: &Request,
    now: Timestamp,
) -> Answer {
    let body = match object(request, &["contentType"]) {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let Some(content_type) = body.get("contentType").and_then(Value::as_str).filter(|t| !t.is_empty()) else {
        return bad_input("contentType");
    };
    let document =
        Document { account: shop.ordinal, created: now, content_type: content_type.to_owned(), body: None };
    let id = state.amazon.feeds.document(document);
    match address(world, request, &id, "put", now) {
        Some(url) => super::json(201, &json!({ "feedDocumentId": id, "url": url })),
        None => bad_input("host"),
    }
}

/// An address that opens a document for five minutes.
fn address(world: &World, request: &Request, id: &str, method: &str, now: Timestamp) -> Option<String> {
    let host = request.header("host")?;
    let expires = (now + ADDRESS_LIFE).micros();
    let sign = signature(world, id, method, expires);
    Some(format!(
        "http://{host}{STORE}{id}?X-Amz-Method={method}&X-Amz-Expires={expires}&X-Amz-Signature={sign:016x}"
    ))
}

fn signature(world: &World, id: &str, method: &str, expires: i64) -> u64 {
    let folded = id
        .bytes()
        .chain(method.bytes())
        .fold(world.options.seed, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    Dice::new(folded, Salt::Request, expires.cast_unsigned()).roll()
}

/// The store behind the addresses: it knows no tokens, and wants none.
pub(crate) fn store(world: &World, state: &mut State, request: &Request, id: &str, now: Timestamp) -> Answer {
    let denied = |status: u16, code: &str| {
        let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code></Error>");
        Answer::new(status, "application/xml", body)
    };
    let query: BTreeMap<_, _> = url::form_urlencoded::parse(request.query.as_bytes()).collect();
    let own = |name: &str| query.get(name).map_or("", |value| value.as_ref());
    let (method, expires) = (own("X-Amz-Method"), own("X-Amz-Expires").parse::<i64>().unwrap_or(0));
    let signed = own("X-Amz-Signature") == format!("{:016x}", signature(world, id, method, expires));
    if !signed || !request.method.eq_ignore_ascii_case(method) {
        return denied(403, "SignatureDoesNotMatch");
    }
    if Timestamp::from_micros(expires) < now {
        return denied(403, "AccessDenied");
    }
    if request.header("x-amz-access-token").is_some() || request.header("authorization").is_some() {
        // A secret of the API's has no business here (§13.2).
        return denied(400, "InvalidRequest");
    }
    let gzip = state.switches.amazon.feed_gzip;
    let Some(document) = state.amazon.feeds.documents.get_mut(id) else {
        return denied(404, "NoSuchKey");
    };
    if method == "put" {
        if request.header("content-type") != Some(document.content_type.as_str()) {
            return denied(403, "SignatureDoesNotMatch");
        }
        document.body = Some(request.body.clone());
        return Answer { status: 200, headers: Vec::new(), body: Vec::new() };
    }
    let body = document.body.clone().unwrap_or_default();
    Answer::new(200, &document.content_type, if gzip { gzip::stored(&body) } else { body })
}

/// `createFeed`.
pub(crate) fn create(state: &mut State, shop: &Shop, request: &Request, now: Timestamp) -> Answer {
    let body = match object(request, &["feedType", "marketplaceIds", "inputFeedDocumentId", "feedOptions"]) {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    if body.get("feedType").and_then(Value::as_str) != Some(TYPE) {
        return bad_input("feedType: POST_ORDER_FULFILLMENT_DATA alone is simulated");
    }
    if body.get("marketplaceIds") != Some(&json!([MARKETPLACE])) {
        return bad_input("marketplaceIds");
    }
    let input = body.get("inputFeedDocumentId").and_then(Value::as_str).unwrap_or_default();
    let feeds = &mut state.amazon.feeds;
    let uploaded = feeds.documents.get(input).is_some_and(|document| {
        document.account == shop.ordinal && document.body.is_some() && now <= document.created + DOCUMENT_LIFE
    });
    if !uploaded {
        return bad_input("inputFeedDocumentId: no document of this id was uploaded, or it is too old");
    }
    feeds.serial += 1;
    let id = FIRST_FEED + feeds.serial;
    let ends = now + QUEUE + Duration::from_secs(state.switches.amazon.feed_seconds);
    let feed = Feed { account: shop.ordinal, input: input.to_owned(), created: now, ends, result: None };
    feeds.feeds.insert(id, feed);
    super::json(202, &json!({ "feedId": id.to_string() }))
}

/// `getFeed`.
pub(crate) fn get(state: &State, shop: &Shop, id: &str, now: Timestamp) -> Answer {
    let found = id.parse().ok().and_then(|number| state.amazon.feeds.feeds.get(&number));
    let Some(feed) = found.filter(|feed| feed.account == shop.ordinal) else { return not_found() };
    let stamp = |at: Timestamp| at.utc().to_rfc3339_opts(SecondsFormat::Secs, false);
    let mut body = json!({
        "feedId": id, "feedType": TYPE, "marketplaceIds": [MARKETPLACE], "createdTime": stamp(feed.created),
    });
    let starts = feed.created + QUEUE;
    let status = match &feed.result {
        Some((FeedEnd::Done, _)) => "DONE",
        Some((FeedEnd::Fatal, _)) => "FATAL",
        Some((FeedEnd::Cancelled, _)) => "CANCELLED",
        None if now < starts => "IN_QUEUE",
        None => "IN_PROGRESS",
    };
    body["processingStatus"] = json!(status);
    if now >= starts {
        body["processingStartTime"] = json!(stamp(starts));
    }
    if let Some((_, document)) = &feed.result {
        body["processingEndTime"] = json!(stamp(feed.ends));
        if let Some(document) = document {
            body["resultFeedDocumentId"] = json!(document);
        }
    }
    super::json(200, &body)
}

/// `getFeedDocument`.
pub(crate) fn get_document(
    world: &World,
    state: &State,
    shop: &Shop,
    (id, request): (&str, &Request),
    now: Timestamp,
) -> Answer {
    let document = state.amazon.feeds.documents.get(id).filter(|d| d.account == shop.ordinal);
    if document.is_none_or(|document| document.body.is_none()) {
        return not_found();
    }
    let Some(url) = address(world, request, id, "get", now) else { return bad_input("host") };
    let mut body = json!({ "feedDocumentId": id, "url": url });
    if state.switches.amazon.feed_gzip {
        body["compressionAlgorithm"] = json!("GZIP");
    }
    super::json(200, &body)
}

/// The feeds whose processing has ended take effect; documents that are too old are forgotten.
pub(crate) fn catch_up(world: &World, state: &mut State, now: Timestamp) {
    let ended = |(_, feed): &(&u64, &Feed)| feed.result.is_none() && feed.ends <= now;
    let due: Vec<(u64, Feed)> =
        state.amazon.feeds.feeds.iter().filter(ended).map(|(id, feed)| (*id, feed.clone())).collect();
    for (id, feed) in due {
        let shop = world.options.amazon.iter().find(|shop| shop.ordinal == feed.account);
        let body = state.amazon.feeds.documents.get(&feed.input).and_then(|document| document.body.clone());
        if let (Some(shop), Some(body)) = (shop, body) {
            let result = process(world, state, shop, id, &body, feed.ends);
            if let Some(feed) = state.amazon.feeds.feeds.get_mut(&id) {
                feed.result = Some(result);
            }
        }
    }
    let waited: Vec<String> =
        state.amazon.feeds.feeds.values().filter(|f| f.result.is_none()).map(|f| f.input.clone()).collect();
    state.amazon.feeds.documents.retain(|id, d| now <= d.created + DOCUMENT_LIFE || waited.contains(id));
}

fn process(
    world: &World,
    state: &mut State,
    shop: &Shop,
    id: u64,
    body: &[u8],
    at: Timestamp,
) -> (FeedEnd, Option<String>) {
    let end = state.switches.amazon.feed_end;
    let Some(messages) = feed_xml::read(body) else { return (FeedEnd::Fatal, None) };
    let applied = match end {
        FeedEnd::Done => messages.len(),
        FeedEnd::Fatal => messages.len() / 2,
        FeedEnd::Cancelled => 0,
    };
    let mut verdicts = Vec::with_capacity(applied);
    for message in messages.into_iter().take(applied) {
        let error = match &message.shipment {
            Ok(shipment) => confirm::apply(world, state, shop, (&message.order, "feed"), shipment, at)
                .err()
                .map(|wrong| wrong.text().to_owned()),
            Err(text) => Some((*text).to_owned()),
        };
        verdicts.push(Verdict { id: message.id, order: message.order, error });
    }
    if end != FeedEnd::Done {
        return (end, None);
    }
    let report = feed_xml::report(&shop.seller_id, &id.to_string(), &verdicts);
    let document = Document {
        account: shop.ordinal,
        created: at,
        content_type: "text/xml; charset=UTF-8".to_owned(),
        body: Some(report.into_bytes()),
    };
    (end, Some(state.amazon.feeds.document(document)))
}
