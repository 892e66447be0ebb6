//! What the order functions refuse and how they say so (yahoo-shopping.md §8).

use super::{ErrorShape, Switches};
use crate::sim::http::Answer;
use crate::sim::xml::escape;

pub(crate) const XML: &str = "application/xml; charset=UTF-8";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A refusal before it is written out.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

fn new(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { status, code, message: message.into() }
}

/// 400 `od90101`, naming the parameter.
pub(crate) fn parameter(name: &str) -> Refusal {
    new(400, "od90101", format!("Request Parameter Error : {name}"))
}

/// 404: the number of its code is not known from anywhere.
pub(crate) fn not_exists() -> Refusal {
    new(404, "od90000", "Not Exists : OrderId")
}

/// 400: what the order's state forbids. Of its code nothing is known but that it exists (§8.4).
pub(crate) fn cannot(what: &str) -> Refusal {
    new(400, "od91150", format!("Cannot Be Operated : {what}"))
}

/// By code, as §8.3 and §8.4 list them; `None` for one that they do not list.
pub(crate) fn of_code(code: &str) -> Option<Refusal> {
    let not_permitted = "Use of API is not permitted.";
    Some(match code {
        "px-04102" => new(
            401,
            "px-04102",
            "AccessToken has been expired. This API session is shorter than another API.",
        ),
        "px-04001" => new(400, "px-04001", "seller_id is not specified"),
        "px-04303" => new(403, "px-04303", "This application ID is not registered for using order API."),
        "px-04306" => new(403, "px-04306", not_permitted),
        "px-04307" => new(403, "px-04307", not_permitted),
        "px-14303" => new(403, "px-14303", not_permitted),
        "px-14304" => new(403, "px-14304", not_permitted),
        "forbidden" => new(403, "", "Your Request was Forbidden"),
        "od90101" => parameter("Field"),
        "od90000" => not_exists(),
        "od91001" => new(500, "od91001", "System Error"),
        "od91133" => new(500, "od91133", "Request Parameter Error : BuyerId"),
        "od91150" => cannot("OrderStatus"),
        "od91801" => new(404, "od91801", "Not Exists : OrderId"),
        _ => return None,
    })
}

impl Refusal {
    /// The answer in the shape that the switches ask for.
    pub(crate) fn answer(&self, switches: &Switches, list: bool) -> Answer {
        let code = |indent: &str| {
            if self.code.is_empty() { String::new() } else { format!("{indent}<Code>{}</Code>\n", self.code) }
        };
        let message = |indent: &str| format!("{indent}<Message>{}</Message>\n", escape(&self.message));
        let (status, body) = match switches.error_shape {
            ErrorShape::Error => (self.status, format!("<Error>\n{}{}</Error>\n", message("  "), code("  "))),
            ErrorShape::CodeFirst => (
                self.status,
                format!(
                    "<Error>\n{}  <Message>\n    {}\n  </Message>\n</Error>\n",
                    code("  "),
                    escape(&self.message)
                ),
            ),
            ErrorShape::Namespace => (
                self.status,
                format!("<Error xmlns=\"urn:yahoo:api\">\n{}{}</Error>\n", message("  "), code("  ")),
            ),
            ErrorShape::Ng if list => (
                200,
                format!(
                    "<Result>\n  <Status>NG</Status>\n  <Error>\n{}{}  </Error>\n</Result>\n",
                    code("    "),
                    message("    ")
                ),
            ),
            ErrorShape::Ng => (
                200,
                format!(
                    "<ResultSet totalResultsAvailable=\"0\" totalResultsReturned=\"0\" firstResultPosition=\"0\">\n  \
                     <Result>\n    <Status>NG</Status>\n{}  </Result>\n</ResultSet>\n",
                    message("    ")
                ),
            ),
        };
        Answer::new(status, XML, format!("{DECLARATION}{body}"))
    }
}

/// 401 of the gateway in front of the functions: `expired token`, `insufficient scope`, …
pub(crate) fn bearer(error: &str, description: &str) -> Answer {
    let challenge =
        format!("Bearer realm=\"yahooapis.jp\", error=\"{error}\", error_description=\"{description}\"");
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<Error>\n  <Message>\n    Please provide valid credentials. \
         {challenge}\n  </Message>\n</Error>\n"
    );
    Answer::new(401, XML, body).with("WWW-Authenticate", challenge)
}

/// 401 without a usable `Authorization` header.
pub(crate) fn incomplete() -> Answer {
    let body = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<Error>\n  <Message>\n    Bad Request: Authentication \
                parameters in your request incompleted.\n  </Message>\n</Error>\n";
    Answer::new(401, XML, body)
        .with("X-YahooJ-AuthError", "Required authentication information is not found.")
}
