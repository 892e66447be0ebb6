//! What goes over the wire: requests, answers, and every envelope of an answer told apart (amazon-sp-api.md §5, §6, §8).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::http::text::{self, scrub, scrub_code, title};
use crate::http::{Fault, Response};
use crate::malls::lenient::{Text, instant, list};

/// The recommended set for Japan (§8.3).
pub const INCLUDED_DATA: &str =
    "BUYER,RECIPIENT,PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,PAYMENT";
/// Orders a page (§8.1).
pub const PAGE: u32 = 100;

/// The operations in use, as Amazon names them (§8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Orders in full, by filter.
    SearchOrders,
    /// One order in full.
    GetOrder,
}

impl Function {
    /// Path below the base URL (§8.1, §8.2); an order's number follows it.
    pub const PATH: &'static str = "/orders/2026-01-01/orders";

    /// The name in Amazon's documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SearchOrders => "searchOrders",
            Self::GetOrder => "getOrder",
        }
    }

    /// The published rate, as the time between two calls, and the burst (§7).
    pub const fn quota(self) -> (Duration, u32) {
        match self {
            Self::SearchOrders => (Duration::from_micros(178_571_429), 20),
            Self::GetOrder => (Duration::from_secs(2), 30),
        }
    }
}

/// `searchOrders`, less the page's token (§8.1). Its texts are kept as they were first sent: a token goes with them and
/// with no others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchRequest {
    /// One of the two families of dates; they cannot be mixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_after: Option<String>,
    /// At least two minutes ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_before: Option<String>,
    /// The other family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated_after: Option<String>,
    /// At least two minutes ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated_before: Option<String>,
    /// Joined by commas; without it: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfillment_statuses: Option<String>,
    /// `MERCHANT` or `AMAZON`; without it: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfilled_by: Option<String>,
    /// Joined by commas.
    pub marketplace_ids: String,
    /// Joined by commas.
    pub included_data: String,
    /// Up to 100.
    pub max_results_per_page: u32,
}

impl SearchRequest {
    /// Everything that is there to know of the orders of these marketplaces; dates are to be added.
    #[must_use]
    pub fn new(marketplace_ids: &str) -> Self {
        Self {
            marketplace_ids: marketplace_ids.to_owned(),
            included_data: INCLUDED_DATA.to_owned(),
            max_results_per_page: PAGE,
            ..Self::default()
        }
    }

    /// The query of a page.
    pub fn query(&self, token: Option<&str>) -> Vec<(&'static str, String)> {
        let page = self.max_results_per_page.to_string();
        [
            ("createdAfter", self.created_after.as_deref()),
            ("createdBefore", self.created_before.as_deref()),
            ("lastUpdatedAfter", self.last_updated_after.as_deref()),
            ("lastUpdatedBefore", self.last_updated_before.as_deref()),
            ("fulfillmentStatuses", self.fulfillment_statuses.as_deref()),
            ("fulfilledBy", self.fulfilled_by.as_deref()),
            ("marketplaceIds", Some(self.marketplace_ids.as_str())),
            ("includedData", Some(self.included_data.as_str())),
            ("maxResultsPerPage", Some(page.as_str())),
            ("paginationToken", token),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.to_owned())))
        .collect()
    }
}

/// `YYYY-MM-DDTHH:MM:SSZ`: UTC, cut to whole seconds (§3).
pub fn datetime(at: Timestamp) -> String {
    at.utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An answer of the Orders API.
pub trait Envelope: for<'de> Deserialize<'de> {
    /// The member without which the body is something else.
    const MEMBER: &'static str;
    /// Whether it is there.
    fn is_whole(&self) -> bool;
}

/// Answer of `searchOrders` (§8.1). Orders stay text, so that one bad order does not spoil the others.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SearchAnswer {
    /// Orders, in no promised order (§20).
    pub orders: Option<Vec<Option<Box<RawValue>>>>,
    /// Absent on the last page.
    pagination: Option<Pagination>,
    /// The instant up to which a search by change is valid.
    last_updated_before: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Pagination {
    next_token: Text,
}

impl SearchAnswer {
    /// The token of the next page; an empty one is none (§8.1).
    #[must_use]
    pub fn next_token(&self) -> Option<&str> {
        self.pagination.as_ref()?.next_token.trimmed()
    }

    /// The instant up to which the search is valid, where it can be read (§9.1 shows one that cannot).
    #[must_use]
    pub fn bound(&self) -> Option<Timestamp> {
        self.last_updated_before.trimmed().and_then(instant)
    }

    /// The orders of the page.
    pub fn orders(&self) -> impl Iterator<Item = &RawValue> {
        self.orders.iter().flatten().flatten().map(AsRef::as_ref)
    }
}

/// Answer of `getOrder` (§8.2).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OrderAnswer {
    /// The order, as text.
    pub order: Option<Box<RawValue>>,
}

impl Envelope for SearchAnswer {
    const MEMBER: &'static str = "orders";
    fn is_whole(&self) -> bool {
        self.orders.is_some()
    }
}

impl Envelope for OrderAnswer {
    const MEMBER: &'static str = "order";
    fn is_whole(&self) -> bool {
        self.order.is_some()
    }
}

/// The bodies that carry an error (§6), and the gateway's own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Outside {
    #[serde(deserialize_with = "list")]
    errors: Vec<ApiError>,
    #[serde(alias = "Message")]
    message: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ApiError {
    code: Text,
    message: Text,
    details: Text,
}

/// Reads an answer: the data, or what the answer means and what to do (§6). Codes are free text, so the HTTP status
/// decides.
///
/// # Errors
/// A [`Fault`].
pub fn decode<T: Envelope>(response: &Response) -> Result<T, Fault> {
    let refusal = Refusal { response };
    let charset = response.header("content-type").and_then(text::charset);
    let Ok(body) = text::decode(&response.body, charset) else {
        return Err(refusal.unreadable("text in an unknown charset", ""));
    };
    if !(200..300).contains(&response.status) {
        return Err(refusal.outside(&body));
    }
    match serde_json::from_str::<T>(&body) {
        Ok(answer) if answer.is_whole() => Ok(answer),
        Ok(_) if has_errors(&body) => Err(refusal.outside(&body)),
        Ok(_) => Err(Fault::Malformed(format!("JSON without the member {}", T::MEMBER))),
        Err(e) if body.trim_start().starts_with('{') => Err(refusal.broken(&body, &e)),
        Err(_) => Err(refusal.outside(&body)),
    }
}

fn has_errors(body: &str) -> bool {
    serde_json::from_str::<Outside>(body).is_ok_and(|outside| !outside.errors.is_empty())
}

/// Turns a refusing answer into a fault.
struct Refusal<'a> {
    response: &'a Response,
}

impl Refusal<'_> {
    fn outside(&self, body: &str) -> Fault {
        if let Ok(outside) = serde_json::from_str::<Outside>(body) {
            if let Some(error) = outside.errors.first() {
                let words = [&error.message, &error.details].map(|t| t.trimmed().unwrap_or_default());
                // Some messages are repeated as their own details.
                let words = if words[0] == words[1] { words[0].to_owned() } else { words.join(" ") };
                return self.by_status(error.code.trimmed().unwrap_or("-"), &words);
            }
            if let Some(message) = outside.message.trimmed() {
                return self.by_status("-", message);
            }
        }
        let start = body.trim_start();
        let kind = match start.as_bytes().first() {
            None => "an empty body",
            Some(b'<') => "an HTML or XML page",
            Some(_) => "an unknown body",
        };
        self.unreadable(kind, body)
    }

    /// JSON at 200 that is not the function's answer.
    fn broken(&self, body: &str, error: &serde_json::Error) -> Fault {
        // Cut in the middle of a number it is no end of file to the parser.
        if error.is_eof() || !body.trim_end().ends_with('}') {
            return Fault::Transient(
                self.with_id(format!("the answer was cut off after {} bytes", body.len())),
            );
        }
        // No request id here: the reason must be the same whenever the same order is unreadable (I3).
        let place = format!("line {}, column {}", error.line(), error.column());
        Fault::Malformed(format!("JSON that does not fit the contract at {place}"))
    }

    fn by_status(&self, code: &str, message: &str) -> Fault {
        let status = self.response.status;
        let kind = self.response.header("x-amzn-errortype").unwrap_or_default();
        let (code, message) = (scrub_code(code), scrub(&format!("{message} {kind}")));
        match status {
            401 => Fault::Auth { message: self.with_id(format!("{TOKEN_REFUSED}: {message}")), code },
            403 => Fault::Auth { message: self.with_id(message), code },
            // No time is named: the pause follows from the rate of the operation (§7).
            429 => Fault::Throttled { until: None },
            _ if code == "QuotaExceeded" => Fault::Throttled { until: None },
            408 | 500.. => Fault::Transient(self.with_id(format!("HTTP {status}: {code} {message}"))),
            _ => Fault::Rejected { message: self.with_id(message), code: format!("{status} {code}") },
        }
    }

    /// A body outside every known shape.
    fn unreadable(&self, kind: &str, body: &str) -> Fault {
        let status = self.response.status;
        if (200..300).contains(&status) {
            // Not the fault of one order.
            return Fault::Transient(
                self.with_id(format!("HTTP {status} with {kind} in place of an answer")),
            );
        }
        // Of a body that nobody knows only a page's title is repeated: whose data stands in the rest is not known either.
        let message = match title(body) {
            Some(title) => format!("{kind} titled {:?}", scrub(title)),
            None => kind.to_owned(),
        };
        self.by_status("-", &message)
    }

    fn with_id(&self, message: String) -> String {
        match self.response.header("x-amzn-requestid") {
            Some(id) => format!("{message} (request {})", scrub_code(id)),
            None => message,
        }
    }
}

const TOKEN_REFUSED: &str = "the access token was refused";

/// Whether the access token is what was refused, so that a new one may help (§6): it expired before its time, or it is
/// not known.
#[must_use]
pub fn refuses_token(fault: &Fault) -> bool {
    said(fault).is_some_and(|text| text.contains("access token"))
}

/// Whether the client secret behind the access token is past its 180 days (§4.4).
#[must_use]
pub fn refuses_secret(fault: &Fault) -> bool {
    said(fault).is_some_and(|text| text.contains("lwa secret"))
}

/// What an `Auth` fault of [`decode`] says, in small letters.
fn said(fault: &Fault) -> Option<String> {
    match fault {
        Fault::Auth { message, .. } => Some(message.to_ascii_lowercase()),
        _ => None,
    }
}

/// Whether the order is unknown to this seller (§8.2).
#[must_use]
pub fn is_not_found(fault: &Fault) -> bool {
    matches!(fault, Fault::Rejected { code, .. } if code.starts_with("404 "))
}

/// Whether the request was found wrong: with a pagination token, that it is too old or not this search's (§6).
#[must_use]
pub fn is_bad_request(fault: &Fault) -> bool {
    matches!(fault, Fault::Rejected { code, .. } if code.starts_with("400 "))
}

/// `x-amzn-RateLimit-Limit`, calls a second as decimal text, as the time between two calls: rounded up, an hour at most
/// (§7). `None` without the header, and for what is no rate.
#[must_use]
pub fn told_pace(response: &Response) -> Option<Duration> {
    const HOUR: u128 = 3_600_000_000;
    let text = response.header("x-amzn-ratelimit-limit")?.trim();
    let (mantissa, exponent) = text.split_once(['E', 'e']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.len() > 18 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let rate = digits.parse::<u128>().ok().filter(|&rate| rate > 0)?;
    // One call in `scale` / `rate` seconds.
    let places =
        i32::try_from(fraction.len()).ok()? - exponent.parse::<i32>().ok().filter(|e| e.abs() <= 18)?;
    let up = 10_u128.pow(places.max(0).unsigned_abs());
    let down = 10_u128.pow(places.min(0).unsigned_abs());
    let micros = (up * 1_000_000).div_ceil(rate.checked_mul(down)?).min(HOUR);
    u64::try_from(micros).ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rate: &str) -> Option<Duration> {
        told_pace(&Response {
            status: 200,
            headers: vec![("x-amzn-ratelimit-limit".to_owned(), rate.to_owned())],
            body: bytes::Bytes::new(),
            sent_at: Timestamp::from_micros(0),
            server_time: None,
        })
    }

    #[test]
    fn rates_become_paces_without_a_float() {
        for function in [Function::SearchOrders, Function::GetOrder] {
            let rate = if function == Function::GetOrder { "0.5" } else { "0.0056" };
            assert_eq!(told(rate), Some(function.quota().0), "the published rate is the published pace");
        }
        assert_eq!(told("5.6E-4"), Some(Duration::from_micros(1_785_714_286)));
        assert_eq!(told("2.0"), Some(Duration::from_millis(500)));
        assert_eq!(told("1E2"), Some(Duration::from_millis(10)));
        assert_eq!(told("0.0000001"), Some(Duration::from_secs(3_600)));
        for nothing in ["", "0", "0.0", "-1", "fast", "1E99", "99999999999999999999", "1.2.3", "NaN"] {
            assert_eq!(told(nothing), None, "{nothing}");
        }
    }
}
