//! What goes over the wire: requests, answers, and every envelope of an answer told apart (rakuten-rms.md §4, §5, §7).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::http::text::{self, scrub, scrub_code, title};
use crate::http::{Fault, Response};
use crate::malls::lenient::{Int, Text, list};

/// The functions in use, as RMS names their permissions (§2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Order numbers by filter.
    SearchOrder,
    /// Full orders.
    GetOrder,
    /// The end of a licence key.
    LicenseExpiry,
}

impl Function {
    /// Path below the base URL (§1, §2.3).
    pub const fn path(self) -> &'static str {
        match self {
            Self::SearchOrder => "/es/2.0/order/searchOrder/",
            Self::GetOrder => "/es/2.0/order/getOrder/",
            Self::LicenseExpiry => "/es/1.0/license-management/license-key/expiry-date",
        }
    }

    /// The name in the list of 利用機能 (§2.2).
    pub const fn permission(self) -> &'static str {
        match self {
            Self::SearchOrder => "rpay.order.searchOrder",
            Self::GetOrder => "rpay.order.getOrder",
            Self::LicenseExpiry => "license.expiryDate.get",
        }
    }
}

/// `searchOrder` (§4.2).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchRequest {
    /// States of §8.1; without it: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_progress_list: Option<&'static [u32]>,
    /// 1 order date, 5 shipping-completion report. 0 is a silent trap (§4.2) and cannot be made here.
    pub date_type: u8,
    /// Inclusive.
    pub start_datetime: String,
    /// Inclusive.
    pub end_datetime: String,
    /// Which page.
    #[serde(rename = "PaginationRequestModel")]
    pub pagination: PaginationRequest,
}

/// Pages of a search.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PaginationRequest {
    /// Up to 1,000.
    pub request_records_amount: u32,
    /// From 1.
    pub request_page: u32,
    /// By order date, ascending: pages do not shift when an order arrives (§4.3).
    #[serde(rename = "SortModelList")]
    pub sort: [Sort; 1],
}

/// Order of a search.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sort {
    sort_column: u8,
    sort_direction: u8,
}

impl SearchRequest {
    /// One page of a window, oldest first. Times are cut to whole seconds: the only form the server takes (§3.2).
    pub fn new(
        progress: Option<&'static [u32]>,
        date_type: u8,
        (start, end): (Timestamp, Timestamp),
        (records, page): (u32, u32),
    ) -> Self {
        Self {
            order_progress_list: progress,
            date_type,
            start_datetime: datetime(start),
            end_datetime: datetime(end),
            pagination: PaginationRequest {
                request_records_amount: records,
                request_page: page,
                sort: [Sort { sort_column: 1, sort_direction: 1 }],
            },
        }
    }
}

/// `YYYY-MM-DDTHH:MM:SS+0900`.
pub fn datetime(at: Timestamp) -> String {
    at.jst().format("%Y-%m-%dT%H:%M:%S%z").to_string()
}

/// `getOrder` (§5.1).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetRequest<'a> {
    /// Up to 100.
    pub order_number_list: Vec<&'a str>,
    /// Mandatory.
    pub version: i64,
}

/// One message of an answer (§7.1).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Message {
    /// `INFO`, `WARNING` or `ERROR`.
    pub message_type: Text,
    /// `ORDER_EXT_API_…`.
    pub message_code: Text,
    /// For people.
    pub message: Text,
    /// The order it speaks of.
    pub order_number: Text,
}

impl Message {
    /// Whether it is of that type: unknown codes are judged by it (§7.1).
    pub fn is(&self, kind: &str) -> bool {
        self.message_type.trimmed().is_some_and(|t| t.eq_ignore_ascii_case(kind))
    }

    /// The code, or `?`.
    pub fn code(&self) -> &str {
        self.message_code.trimmed().unwrap_or("?")
    }
}

/// An answer that carries messages.
pub trait Envelope: for<'de> Deserialize<'de> {
    /// The messages; `None` when the member is absent, so that the body is something else.
    fn messages(&self) -> Option<&[Message]>;
    /// Whether it carries data beside them.
    fn has_data(&self) -> bool;
}

/// Answer of `searchOrder` (§4.3).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SearchAnswer {
    #[serde(rename = "MessageModelList")]
    messages: Option<Vec<Message>>,
    /// Order numbers.
    #[serde(rename = "orderNumberList", deserialize_with = "list")]
    pub numbers: Vec<Text>,
    /// Totals; null members when nothing was found.
    #[serde(rename = "PaginationResponseModel")]
    pub pagination: Option<PaginationResponse>,
}

/// Totals of a search.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PaginationResponse {
    /// Hits in all.
    pub total_records_amount: Int,
    /// Pages in all.
    pub total_pages: Int,
}

/// Answer of `getOrder` (§5.1). Orders stay text, so that one bad order does not spoil the others.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GetAnswer {
    #[serde(rename = "MessageModelList")]
    messages: Option<Vec<Message>>,
    /// Orders, in no promised order.
    #[serde(rename = "OrderModelList", deserialize_with = "list")]
    pub orders: Vec<Box<RawValue>>,
}

/// Answer of the licence call (§2.3).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExpiryAnswer {
    /// Japan's time, with or without an offset.
    pub expiry_date: Text,
}

impl Envelope for SearchAnswer {
    fn messages(&self) -> Option<&[Message]> {
        self.messages.as_deref()
    }
    fn has_data(&self) -> bool {
        !self.numbers.is_empty()
    }
}

impl Envelope for GetAnswer {
    fn messages(&self) -> Option<&[Message]> {
        self.messages.as_deref()
    }
    fn has_data(&self) -> bool {
        !self.orders.is_empty()
    }
}

impl Envelope for ExpiryAnswer {
    fn messages(&self) -> Option<&[Message]> {
        None
    }
    fn has_data(&self) -> bool {
        self.expiry_date.trimmed().is_some()
    }
}

/// The bodies that carry an error outside the business envelope (§7.2).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Outside {
    #[serde(rename = "MessageModelList", deserialize_with = "list")]
    messages: Vec<Message>,
    #[serde(rename = "Results")]
    results: Option<Results>,
    #[serde(deserialize_with = "list")]
    errors: Vec<GatewayError>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Results {
    error_code: Text,
    message: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GatewayError {
    code: Text,
    message: Text,
}

/// The common page of the portal's gateway (§7.2).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CommonPage {
    status: CommonStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CommonStatus {
    message: String,
}

/// Reads an answer: the data, or what the answer means and what to do (§7.2, "Decode order").
///
/// # Errors
/// A [`Fault`]; a refusal by code is judged before the HTTP status.
pub fn decode<T: Envelope>(response: &Response) -> Result<T, Fault> {
    let refusal = Refusal { response };
    let charset = response.header("content-type").and_then(text::charset);
    let Ok(body) = text::decode(&response.body, charset) else {
        return Err(refusal.unreadable("text in an unknown charset", ""));
    };
    if !(200..300).contains(&response.status) {
        return Err(refusal.outside(&body));
    }
    let answer = match serde_json::from_str::<T>(&body) {
        Ok(answer) if answer.messages().is_some() || answer.has_data() => answer,
        Err(e) if body.trim_start().starts_with('{') => return Err(refusal.broken(&body, &e)),
        _ => return Err(refusal.outside(&body)),
    };
    match answer.messages().unwrap_or_default().iter().find(|m| m.is("ERROR")) {
        Some(message) if !answer.has_data() => Err(refusal.by_message(message)),
        _ => Ok(answer),
    }
}

/// Turns a refusing answer into a fault.
struct Refusal<'a> {
    response: &'a Response,
}

impl Refusal<'_> {
    fn outside(&self, body: &str) -> Fault {
        if let Ok(outside) = serde_json::from_str::<Outside>(body) {
            if let Some(m) = outside.messages.iter().find(|m| m.is("ERROR")).or(outside.messages.first()) {
                return self.by_message(m);
            }
            let results = outside.results.map(|r| (r.error_code, r.message));
            let error = outside.errors.into_iter().next().map(|e| (e.code, e.message));
            if let Some((code, message)) = results.or(error) {
                return self
                    .by_code(code.trimmed().unwrap_or_default(), message.trimmed().unwrap_or_default());
            }
        }
        if let Ok(page) = text::xml::<CommonPage>(body)
            && !page.status.message.trim().is_empty()
        {
            return self.by_code(page.status.message.trim(), "");
        }
        let kind = if body.trim_start().starts_with('<') { "an HTML or XML page" } else { "an unknown body" };
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
        // No RequestId here: the reason must be the same whenever the same order is unreadable (I3).
        let place = format!("line {}, column {}", error.line(), error.column());
        Fault::Malformed(format!("JSON that does not fit the contract at {place}"))
    }

    fn by_message(&self, message: &Message) -> Fault {
        self.by_code(message.code(), message.message.trimmed().unwrap_or_default())
    }

    fn by_code(&self, code: &str, message: &str) -> Fault {
        let (code, message) = (scrub_code(code), scrub(message));
        match code.as_str() {
            "QPSLimit" | "AccessLimit" => Fault::Throttled { until: self.response.retry_after() },
            "ES01-01" | "ES04-01" | "GA0001" => Fault::Auth { message: self.with_id(message), code },
            "ES01-02" => Fault::Maintenance(self.with_id(format!("{code} {message}"))),
            _ => self.by_status(code, message),
        }
    }

    fn by_status(&self, code: String, message: String) -> Fault {
        let status = self.response.status;
        match status {
            401 | 403 => Fault::Auth { message: self.with_id(message), code },
            429 => Fault::Throttled { until: self.response.retry_after() },
            503 => Fault::Maintenance(self.with_id(format!("{code} {message}"))),
            408 | 500.. => Fault::Transient(self.with_id(format!("HTTP {status}: {code} {message}"))),
            _ => Fault::Rejected { message: self.with_id(message), code },
        }
    }

    /// A body outside every known shape.
    fn unreadable(&self, kind: &str, body: &str) -> Fault {
        let status = self.response.status;
        if (200..300).contains(&status) {
            // Not the fault of one order: halving the batch would set good orders aside.
            return Fault::Transient(
                self.with_id(format!("HTTP {status} with {kind} in place of an answer")),
            );
        }
        // Of a body that nobody knows only a page's title is repeated: whose data stands in the rest is not known either.
        let message = match title(body) {
            Some(title) => format!("{kind} titled {:?}", scrub(title)),
            None => kind.to_owned(),
        };
        self.by_status(format!("HTTP {status}"), message)
    }

    fn with_id(&self, message: String) -> String {
        match self.response.header("requestid") {
            Some(id) => format!("{message} (RequestId {})", scrub_code(id)),
            None => message,
        }
    }
}

/// Whether a refusal is about the edition of `getOrder`: how the server says so is not documented, so any refusal that
/// names the member counts (§5.1).
pub fn refuses_version(fault: &Fault) -> bool {
    match fault {
        Fault::Rejected { message, .. } => {
            message.to_ascii_lowercase().contains("version") || message.contains("バージョン")
        }
        _ => false,
    }
}
