//! Which operation a request is for.

use super::feeds;
use crate::sim::http::Request;

const PREFIX: &str = "/amazon/";
const TOKEN: &str = "/amazon/auth/o2/token";
const ORDERS: &str = "/amazon/orders/2026-01-01/orders";
/// Its reads were removed (§1.2), `confirmShipment` was not.
const OLD_ORDERS: &str = "/amazon/orders/v0/orders";
const FEEDS: &str = "/amazon/feeds/2021-06-30/";

/// What a path and its method ask for.
pub(super) enum Operation<'r> {
    Token,
    Search,
    Get(&'r str),
    Confirm(&'r str),
    CreateFeedDocument,
    CreateFeed,
    GetFeed(&'r str),
    GetFeedDocument(&'r str),
    /// Where documents are put and fetched.
    Store(&'r str),
    /// A read of the old edition.
    Old,
    Unknown,
}

/// A request to a path below the prefix.
pub(crate) struct Call<'r> {
    pub(super) request: &'r Request,
    pub(super) operation: Operation<'r>,
}

impl<'r> Call<'r> {
    pub(crate) fn route(request: &'r Request) -> Option<Self> {
        if !request.path.starts_with(PREFIX) {
            return None;
        }
        let plain = |id: &str| !id.is_empty() && !id.contains('/');
        let below = |root: &str| {
            request.path.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let get = request.method == "GET";
        let operation = if request.path == TOKEN {
            Operation::Token
        } else if let Some(id) = request.path.strip_prefix(feeds::STORE) {
            Operation::Store(id)
        } else if let Some(rest) = request.path.strip_prefix(FEEDS) {
            match (request.method.as_str(), rest.split_once('/')) {
                ("POST", None) if rest == "documents" => Operation::CreateFeedDocument,
                ("POST", None) if rest == "feeds" => Operation::CreateFeed,
                ("GET", Some(("feeds", id))) if plain(id) => Operation::GetFeed(id),
                ("GET", Some(("documents", id))) if plain(id) => Operation::GetFeedDocument(id),
                _ => Operation::Unknown,
            }
        } else if get && below(OLD_ORDERS).is_some() {
            Operation::Old
        } else if let Some(rest) = below(OLD_ORDERS).filter(|_| request.method == "POST") {
            match rest.strip_prefix('/').and_then(|rest| rest.strip_suffix("/shipmentConfirmation")) {
                Some(number) if plain(number) => Operation::Confirm(number),
                _ => Operation::Unknown,
            }
        } else {
            match below(ORDERS).filter(|_| get) {
                Some("") => Operation::Search,
                Some(rest) if plain(&rest[1..]) => Operation::Get(&rest[1..]),
                _ => Operation::Unknown,
            }
        };
        Some(Self { request, operation })
    }

    /// The order numbers that it changes by itself.
    pub(crate) fn changes(&self) -> Vec<String> {
        if self.writes() { self.orders() } else { Vec::new() }
    }

    pub(super) fn writes(&self) -> bool {
        matches!(self.operation, Operation::Confirm(_))
    }

    /// One of few names: counts must not grow with whatever is asked for.
    pub(crate) fn function(&self) -> &'static str {
        match self.operation {
            Operation::Token => "token",
            Operation::Search => "searchOrders",
            Operation::Get(_) => "getOrder",
            Operation::Confirm(_) => "confirmShipment",
            Operation::CreateFeedDocument => "createFeedDocument",
            Operation::CreateFeed => "createFeed",
            Operation::GetFeed(_) => "getFeed",
            Operation::GetFeedDocument(_) => "getFeedDocument",
            Operation::Store(_) => "feedStore",
            Operation::Old => "v0",
            Operation::Unknown => "unknown",
        }
    }

    /// The order numbers it is about.
    pub(crate) fn orders(&self) -> Vec<String> {
        match self.operation {
            Operation::Get(number) | Operation::Confirm(number) => vec![number.to_owned()],
            _ => Vec::new(),
        }
    }
}
