//! What goes over the wire: queries, answers, and every envelope of an answer told apart (au-pay-market.md §3, §4, §9).

use chrono::NaiveDate;

use super::plan::Window;
use crate::http::text::{self, scrub, scrub_code, title};
use crate::http::xml::{Element, XmlError};
use crate::http::{Fault, Response};

/// How far into a body its first element is looked for.
const HEAD: usize = 1_024;

/// The operations in use (§4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Full orders of a period.
    List,
    /// Order numbers of a period.
    Numbers,
    /// One order.
    One,
    /// The room left for pictures: a harmless call outside the orders (§2).
    Pictures,
}

impl Function {
    /// The operation's name: the path below the base URL.
    pub const fn path(self) -> &'static str {
        match self {
            Self::List => "searchTradeInfoListProc",
            Self::Numbers => "searchTradeNoListProc",
            Self::One => "searchTradeInfoProc",
            Self::Pictures => "searchImgCapacity",
        }
    }
}

/// A part of a list: `count` orders from position `start` (from 1) of those in `window` (§4.1).
pub fn list_query(window: &Window, start: u32, count: u32) -> Vec<(&'static str, String)> {
    let mut query = vec![
        ("totalCount", count.to_string()),
        ("startCount", start.to_string()),
        ("startDate", date(window.start)),
        ("endDate", date(window.end)),
        ("dateType", window.date_type.to_string()),
    ];
    query.extend(window.status.iter().map(|status| ("orderStatus", status.clone())));
    query
}

/// One order by its number (§4.3).
pub fn one_query(number: &str) -> Vec<(&'static str, String)> {
    vec![("orderId", number.to_owned())]
}

/// `YYYYMMDD` (§3).
pub fn date(day: NaiveDate) -> String {
    day.format("%Y%m%d").to_string()
}

/// An answer that says it succeeded.
#[derive(Debug)]
pub struct Answer {
    document: String,
    root: Element,
}

impl Answer {
    /// The orders, hollow elements left out: "nothing found" may look like one (§4.1).
    pub fn orders(&self) -> impl Iterator<Item = &Element> {
        self.root.all("orderInfo").filter(|e| !e.children.is_empty() || !e.text.trim().is_empty())
    }

    /// An order's own text, as it was sent.
    pub fn raw(&self, order: &Element) -> Vec<u8> {
        order.raw(&self.document, |_| false)
    }

    /// Every order number, in whichever of the two forms (§4.2).
    pub fn numbers(&self) -> impl Iterator<Item = &str> {
        let ids = self.root.all("orderInfo").flat_map(|order| order.all("orderId"));
        ids.map(|id| id.text.trim()).filter(|id| !id.is_empty())
    }

    /// `resultCount`: of this answer or in all, nobody knows (§4.1).
    pub fn count(&self) -> Option<u32> {
        self.root.value("resultCount").and_then(|n| n.parse().ok())
    }

    /// A grand total, should the service ever give one (§4.1).
    pub fn total(&self) -> Option<u32> {
        let names = ["maxCount", "totalCount", "totalResultsAvailable"];
        names.iter().find_map(|name| self.root.value(name).and_then(|n| n.parse().ok()))
    }
}

/// Reads an answer: the data, or what the answer means and what to do (§9.2: the body decides before the HTTP status).
///
/// # Errors
/// A [`Fault`]. `Malformed` is a whole answer with something in it that cannot be read, perhaps in one of its orders;
/// half an answer, HTML and an empty body pass.
pub fn decode(response: &Response) -> Result<Answer, Fault> {
    let refusal = Refusal { response };
    let bytes = response.body.trim_ascii();
    if bytes.is_empty() {
        return Err(refusal.passing("an empty body"));
    }
    if !is_answer(&String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD)])) {
        return Err(refusal.other_page(&String::from_utf8_lossy(bytes)));
    }
    if !is_whole(bytes) {
        return Err(refusal.cut_off());
    }
    let charset = response.header("content-type").and_then(text::charset);
    let body = match text::decode(&response.body, charset) {
        Ok(body) => body.into_owned(),
        Err(reason) => return Err(refusal.unreadable(&format!("text that {reason}"))),
    };
    let root = match Element::parse(&body) {
        Ok(root) => root,
        Err(XmlError::CutOff(_)) => return Err(refusal.cut_off()),
        Err(refused @ XmlError::Refused(_)) => return Err(refusal.unreadable(&refused.to_string())),
    };
    match root.child("result").and_then(|result| result.value("status")) {
        Some("0") => Ok(Answer { document: body, root }),
        Some(_) => Err(refusal.told(&root)),
        None => Err(refusal.passing("XML without result/status")),
    }
}

/// A whole answer ends with the closing tag of its root, in every charset we take.
fn is_whole(bytes: &[u8]) -> bool {
    bytes.strip_suffix(b">").is_some_and(|bytes| bytes.trim_ascii_end().ends_with(b"</response"))
}

/// Whether the first element of a body that begins with `head` is `response`: anything else is somebody else's page.
fn is_answer(head: &str) -> bool {
    let mut rest = head.trim_start_matches('\u{FEFF}').trim_start();
    loop {
        let skipped = if rest.starts_with("<?") {
            rest.split_once("?>")
        } else if rest.starts_with("<!--") {
            rest.split_once("-->")
        } else if rest.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("<!DOCTYPE")) {
            // An HTML page names itself; of XML the parser says what is wrong with a DOCTYPE.
            let html = rest.get(9..).is_some_and(|t| {
                t.trim_start().get(..4).is_some_and(|name| name.eq_ignore_ascii_case("html"))
            });
            return !html;
        } else {
            break;
        };
        match skipped {
            Some((_, after)) => rest = after.trim_start(),
            // Cut off in the declaration.
            None => return true,
        }
    }
    let root = "<response";
    rest.starts_with(root) || root.starts_with(rest)
}

/// Turns a refusing answer into a fault.
struct Refusal<'a> {
    response: &'a Response,
}

impl Refusal<'_> {
    /// An error that the body tells (§9.1): under `result/error`, several of them, or flat under `result`.
    fn told(&self, root: &Element) -> Fault {
        let Some(result) = root.child("result") else { return self.passing("XML without a result") };
        let mut errors: Vec<&Element> = result.all("error").chain(root.all("error")).collect();
        if errors.is_empty() {
            errors.push(result);
        }
        let pair = |e: &Element| {
            let message = e.value("message").unwrap_or_else(|| e.text.trim());
            (scrub_code(e.value("code").unwrap_or_default()), scrub(message))
        };
        let mut told = errors.into_iter().map(pair);
        let first = told.next().unwrap_or_default();
        // Of several the one that stops everything counts.
        let (code, message) = std::iter::once(first.clone())
            .chain(told)
            .find(|(code, message)| is_auth(code, message))
            .unwrap_or(first);
        self.by_code(code, message)
    }

    /// §9.3: hardly any code is public.
    fn by_code(&self, code: String, message: String) -> Fault {
        let code = if code.is_empty() { "-".to_owned() } else { code };
        if is_auth(&code, &message) {
            return Fault::Auth { code, message };
        }
        // `[field]text`: this request is wrong, whenever it is sent.
        if message.starts_with('[') {
            return Fault::Rejected { code, message };
        }
        if message.contains("メンテナンス") {
            return Fault::Maintenance(format!("{code} {message}"));
        }
        if message.contains("システムエラー") {
            return Fault::Transient(format!("{code} {message}"));
        }
        self.by_status(code, message)
    }

    fn by_status(&self, code: String, message: String) -> Fault {
        let status = self.response.status;
        match status {
            401 | 403 => Fault::Auth { message, code },
            429 => Fault::Throttled { until: self.response.retry_after() },
            503 => Fault::Maintenance(format!("{code} {message}")),
            408 | 500.. => Fault::Transient(format!("HTTP {status}: {code} {message}")),
            _ => Fault::Rejected { message, code },
        }
    }

    /// HTML, JSON, plain text. Of a body that nobody knows only a page's title is repeated: whose data stands in the rest
    /// is not known either.
    fn other_page(&self, body: &str) -> Fault {
        let kind = if body.trim_start().starts_with('<') { "an HTML or XML page" } else { "an unknown body" };
        match title(body) {
            Some(title) => self.passing(&format!("{kind} titled {:?}", scrub(title))),
            None => self.passing(kind),
        }
    }

    /// Nothing of the service's own: the HTTP status decides, and a success that is none passes.
    fn passing(&self, kind: &str) -> Fault {
        let status = self.response.status;
        if (200..300).contains(&status) {
            // Not the fault of one order: halving the page would set good orders aside.
            return Fault::Transient(format!("HTTP {status} with {kind} in place of an answer"));
        }
        self.by_status(format!("HTTP {status}"), kind.to_owned())
    }

    fn cut_off(&self) -> Fault {
        if (200..300).contains(&self.response.status) {
            let bytes = self.response.body.len();
            return Fault::Transient(format!("the answer was cut off after {bytes} bytes"));
        }
        self.passing("half an answer")
    }

    /// A whole answer that cannot be read.
    fn unreadable(&self, reason: &str) -> Fault {
        if (200..300).contains(&self.response.status) {
            return Fault::Malformed(reason.to_owned());
        }
        self.passing(reason)
    }
}

/// §9.3: key, right, or the shop's number.
fn is_auth(code: &str, message: &str) -> bool {
    code == "0002" || super::auth::is_wrong_shop(code) || message.contains("認証に失敗")
}
