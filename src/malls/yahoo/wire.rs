//! What goes over the wire: requests, answers, and every shape of a refusal told apart (yahoo-shopping.md §5, §6, §8).

use chrono::DateTime;

use super::model::info_fields;
use crate::clock::Timestamp;
use crate::http::text::{self, scrub, scrub_code, title};
use crate::http::xml::{Element, XmlError, escaped};
use crate::http::{Fault, Response};
use crate::malls::lenient::instant;

/// Code that stands for a 401 `invalid_token` (§2.2): the access token is renewed once.
pub const STALE: &str = "invalid_token";
/// The 12-hour rule (§2.2).
pub const SHORT_SESSION: &str = "px-04102";
/// Code of an `<Error>` with HTTP 404 (§8.2): which code of the mall comes with it is not known for sure.
const MISSING: &str = "HTTP 404";
/// A parameter is wrong; the message names it (§8.4).
const WRONG_PARAMETER: &str = "od90101";

/// The functions in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Order headers by search.
    OrderList,
    /// One order in full.
    OrderInfo,
}

impl Function {
    /// Path below the base URL (§1).
    pub const fn path(self) -> &'static str {
        match self {
            Self::OrderList => "orderList",
            Self::OrderInfo => "orderInfo",
        }
    }

    /// The root of its answers (§1).
    const fn root(self) -> &'static str {
        match self {
            Self::OrderList => "Result",
            Self::OrderInfo => "ResultSet",
        }
    }
}

/// What a search is about (§5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// When the buyer ordered.
    OrderTime,
    /// When the order became listable.
    PublicationTime,
}

/// One page of a search (§5.1).
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// Which time.
    pub by: By,
    /// Inclusive.
    pub from: Timestamp,
    /// Inclusive.
    pub to: Timestamp,
    /// `OrderStatus`, several joined by commas; without it: all.
    pub statuses: Option<&'a str>,
    /// The first row, from 1.
    pub start: u64,
    /// Rows a page, at most 2,000.
    pub rows: u64,
}

/// Fields of a search; no personal data is among them (§5.3).
pub const LIST_FIELDS: &[&str] =
    &["OrderId", "OrderTime", "LastUpdateTime", "OrderStatus", "PayStatus", "ShipStatus"];

/// `YYYYMMDDHH24MISS` in Japan's time (§5.2).
pub fn t14(at: Timestamp) -> String {
    at.jst().format("%Y%m%d%H%M%S").to_string()
}

/// A search, oldest first, so that pages do not shift when an order arrives (§5.4). Read-only orders and those under
/// review stay hidden, as is the default (§3).
#[must_use]
pub fn search(seller: &str, search: &Search<'_>, fields: &[&str]) -> String {
    let key = match search.by {
        By::OrderTime => "OrderTime",
        By::PublicationTime => "PublicationTime",
    };
    let statuses =
        search.statuses.map(|list| format!("<OrderStatus>{list}</OrderStatus>")).unwrap_or_default();
    format!(
        "<Req><Search><Result>{}</Result><Start>{}</Start><Sort>+order_time</Sort><Condition><{key}From>{}</{key}From>\
         <{key}To>{}</{key}To>{statuses}</Condition><Field>{}</Field></Search><SellerId>{}</SellerId></Req>",
        search.rows,
        search.start,
        t14(search.from),
        t14(search.to),
        fields.join(","),
        escaped(seller)
    )
}

/// One order (§6.1).
#[must_use]
pub fn info(seller: &str, number: &str, fields: &[&str]) -> String {
    format!(
        "<Req><Target><OrderId>{}</OrderId><Field>{}</Field></Target><SellerId>{}</SellerId></Req>",
        escaped(number),
        fields.join(","),
        escaped(seller)
    )
}

/// One row of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `OrderId`.
    pub number: String,
    /// When ordered.
    pub ordered_at: Option<Timestamp>,
    /// Last change of any kind.
    pub updated_at: Option<Timestamp>,
    /// Completed or cancelled (§9.1).
    pub closed: bool,
}

/// What a search gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Matches of the search, not of the page.
    pub total: Option<u64>,
    /// An `OrderInfo` without number is no row (§5.4).
    pub rows: Vec<Row>,
}

/// Reads the answer of a search.
///
/// # Errors
/// When it has no `Search`: nothing that is not said to be empty is taken for no orders (§8.1).
pub fn listed(answer: &Element) -> Result<Listed, Fault> {
    let Some(search) = answer.child("Search") else {
        return Err(Fault::Malformed("orderList answered without Search".to_owned()));
    };
    let time = |row: &Element, name: &str| row.value(name).and_then(moment);
    let row = |row: &Element| {
        Some(Row {
            number: row.value("OrderId")?.to_owned(),
            ordered_at: time(row, "OrderTime"),
            updated_at: time(row, "LastUpdateTime"),
            closed: matches!(row.value("OrderStatus"), Some("4" | "5")),
        })
    };
    let total = search.value("TotalCount").and_then(|n| n.parse().ok());
    let rows: Vec<Row> = search.all("OrderInfo").filter_map(row).collect();
    if total.is_none() && rows.is_empty() {
        return Err(Fault::Malformed("orderList answered without TotalCount and without orders".to_owned()));
    }
    Ok(Listed { total, rows })
}

/// A date and time in any of the three forms (§6.3).
#[must_use]
pub fn moment(text: &str) -> Option<Timestamp> {
    instant(text).or_else(|| {
        let text = text.trim();
        if text.len() != 14 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (date, time) = text.split_at(8);
        let date = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
        instant(&format!("{date}T{}:{}:{}", &time[..2], &time[2..4], &time[4..]))
    })
}

/// A whole answer, and the document that it was read from.
#[derive(Debug)]
pub struct Answer {
    /// Root.
    pub root: Element,
    /// As decoded.
    pub document: String,
}

/// Reads an answer: the data, or what it means and what to do (§8).
///
/// # Errors
/// A [`Fault`]; a refusal by code is judged before the HTTP status. `Auth` holds the code alone with what was said: what
/// it means is told by `auth::explain`.
pub fn decode(response: &Response, function: Function) -> Result<Answer, Fault> {
    let refusal = Refusal { response, function };
    if (300..400).contains(&response.status) {
        return Err(Fault::Transient(format!("{} answered with a redirect", refusal.place())));
    }
    let charset = response.header("content-type").and_then(text::charset);
    let document = match text::decode(&response.body, charset) {
        Ok(document) => document.into_owned(),
        Err(reason) => return Err(refusal.undecodable(&reason)),
    };
    match Element::parse(&document) {
        Ok(root) => refusal.judge(root, document),
        Err(error) => Err(refusal.no_xml(&document, &error)),
    }
}

/// Turns a refusing answer into a fault.
struct Refusal<'a> {
    response: &'a Response,
    function: Function,
}

impl Refusal<'_> {
    fn place(&self) -> String {
        format!("{}: HTTP {}", self.function.path(), self.response.status)
    }

    const fn fine(&self) -> bool {
        self.response.status >= 200 && self.response.status < 300
    }

    fn judge(&self, root: Element, document: String) -> Result<Answer, Fault> {
        if root.name == "Error" {
            return Err(self.by_code(&root));
        }
        // The search's root is the Result itself (§1).
        let result = if root.name == "Result" { Some(&root) } else { root.child("Result") };
        if let Some(result) = result {
            if let Some(error) = result.child("Error") {
                return Err(self.by_code(error));
            }
            let good = result.value("Status").is_some_and(|s| s.eq_ignore_ascii_case("OK"));
            if !good && result.value("Status").is_some() {
                return Err(self.by_code(result));
            }
            if good && self.fine() && root.name == self.function.root() {
                return Ok(Answer { root, document });
            }
        }
        Err(self.foreign(&format!("XML of another kind, <{}>", scrub_code(&root.name)), &document))
    }

    fn by_code(&self, error: &Element) -> Fault {
        let code = error.value("Code").map(scrub_code);
        let message = told(error.value("Message").unwrap_or_default());
        let Some(code) = code else { return self.without_code(message) };
        if code.starts_with("px-") {
            return Fault::Auth { code, message };
        }
        if self.response.status >= 500 || (self.fine() && code.starts_with("od91")) {
            return self.by_status(&format!("{code} {message}"));
        }
        match self.response.status {
            401 | 403 => Fault::Auth { code, message },
            404 => Fault::Rejected { code: MISSING.to_owned(), message: format!("{code} {message}") },
            408 | 429 => self.by_status(&format!("{code} {message}")),
            _ => Fault::Rejected { code, message },
        }
    }

    /// §8.3: the answers of the gateway that carry no code.
    fn without_code(&self, message: String) -> Fault {
        let told = format!(
            "{message} {} {}",
            self.response.header("www-authenticate").unwrap_or_default(),
            self.response.header("x-yahooj-autherror").unwrap_or_default()
        );
        // The shape of a refusal says nothing about its HTTP status (§8.1).
        if let Some(code) = ["insufficient_scope", STALE].into_iter().find(|code| told.contains(code)) {
            return Fault::Auth { code: code.to_owned(), message };
        }
        match self.response.status {
            401 => Fault::Auth { code: "HTTP 401".to_owned(), message },
            403 => Fault::Auth { code: "HTTP 403".to_owned(), message },
            404 => Fault::Rejected { code: MISSING.to_owned(), message },
            _ if self.fine() => Fault::Rejected { code: "Error".to_owned(), message },
            _ => self.by_status(&message),
        }
    }

    fn by_status(&self, said: &str) -> Fault {
        let status = self.response.status;
        match status {
            429 | 503 => Fault::Throttled { until: self.retry_after() },
            408 | 500.. => Fault::Transient(format!("{} {said}", self.place())),
            _ if self.fine() => Fault::Transient(format!("{} {said}", self.place())),
            _ => Fault::Rejected { code: format!("HTTP {status}"), message: said.to_owned() },
        }
    }

    fn undecodable(&self, reason: &str) -> Fault {
        // Cut in the middle of a character it is no text either.
        let whole = self.response.body.trim_ascii_end().ends_with(b">");
        match (self.fine(), whole) {
            (true, true) => Fault::Malformed(format!("{}: the answer {reason}", self.function.path())),
            (true, false) => self.cut_off(),
            _ => self.foreign("text in an unknown charset", ""),
        }
    }

    fn no_xml(&self, document: &str, error: &XmlError) -> Fault {
        let start = document.trim_start();
        if start.is_empty() {
            return if self.fine() { self.cut_off() } else { self.foreign("an empty body", "") };
        }
        if !start.starts_with('<') {
            return self.foreign("text that is no XML", document);
        }
        if is_html(start) {
            return self.foreign("an HTML page", document);
        }
        match error {
            XmlError::CutOff(_) if self.fine() => self.cut_off(),
            XmlError::Refused(_) if self.fine() => {
                Fault::Malformed(format!("{}: {error}", self.function.path()))
            }
            _ => self.foreign("broken XML", ""),
        }
    }

    fn cut_off(&self) -> Fault {
        let bytes = self.response.body.len();
        Fault::Transient(format!("{}: the answer was cut off after {bytes} bytes", self.function.path()))
    }

    /// A body outside every known shape. Only a page's title is repeated: whose data stands in the rest is not known.
    fn foreign(&self, kind: &str, body: &str) -> Fault {
        let titled = title(body).map(|title| format!(" titled {:?}", scrub(title))).unwrap_or_default();
        let status = self.response.status;
        let said = format!("{} with {kind}{titled} in place of an answer", self.place());
        match status {
            401 => self.without_code(format!("{kind}{titled}")),
            403 => Fault::Auth { code: "HTTP 403".to_owned(), message: forbidden(body).unwrap_or(said) },
            429 => Fault::Throttled { until: self.retry_after() },
            503 if self.retry_after().is_some() => Fault::Throttled { until: self.retry_after() },
            503 if kind.contains("HTML") => Fault::Maintenance(said),
            503 => Fault::Throttled { until: None },
            408 | 500.. => Fault::Transient(said),
            _ if self.fine() => Fault::Transient(said),
            _ => Fault::Rejected { code: format!("HTTP {status}, no answer"), message: said },
        }
    }

    /// `Retry-After` in seconds or as a date.
    fn retry_after(&self) -> Option<Timestamp> {
        let value = self.response.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse::<u32>() {
            return Some(self.response.sent_at + std::time::Duration::from_secs(seconds.into()));
        }
        DateTime::parse_from_rfc2822(value).ok().map(Timestamp::from)
    }
}

/// What is told of a message; it may end with the name of a member (§8.3), which decides what is done
/// ([`refused_field`]).
fn told(message: &str) -> String {
    match message.rsplit_once(':').map(|(said, name)| (said, name.trim())) {
        Some((said, name)) if info_fields().contains(&name) => format!("{} : {name}", scrub(said)),
        _ => scrub(message),
    }
}

/// The quota's sentence, wherever it stands (§3).
fn forbidden(body: &str) -> Option<String> {
    const SENTENCE: &str = "Your Request was Forbidden";
    body.contains(SENTENCE).then(|| SENTENCE.to_owned())
}

fn is_html(start: &str) -> bool {
    let head: String = start.chars().take(200).collect::<String>().to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.contains("<html")
}

/// The name in `fields` that the server does not know (§5.3).
#[must_use]
pub fn refused_field<'a>(fault: &Fault, fields: &[&'a str]) -> Option<&'a str> {
    match fault {
        Fault::Rejected { code, message } if code == WRONG_PARAMETER => {
            let (_, named) = message.rsplit_once(':')?;
            fields.iter().copied().find(|field| *field == named.trim())
        }
        _ => None,
    }
}

/// Whether the mall says that it has no such order (§8.2, §8.4).
#[must_use]
pub fn no_such_order(fault: &Fault) -> bool {
    match fault {
        Fault::Rejected { code, message } => code == MISSING || message.starts_with("Not Exists"),
        _ => false,
    }
}
