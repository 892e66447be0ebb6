//! The parameters of a call and the rules for them (amazon-sp-api.md §5, §8.1).

use std::time::Duration;

use super::shop::MARKETPLACE;
use crate::clock::Timestamp;

/// `…Before` must be so old (§8.1).
pub(crate) const SETTLED: Duration = Duration::from_secs(120);

const STATUSES: [&str; 7] = [
    "PENDING_AVAILABILITY",
    "PENDING",
    "UNSHIPPED",
    "PARTIALLY_SHIPPED",
    "SHIPPED",
    "CANCELLED",
    "UNFULFILLABLE",
];
const PARAMETERS: [&str; 10] = [
    "createdAfter",
    "createdBefore",
    "lastUpdatedAfter",
    "lastUpdatedBefore",
    "marketplaceIds",
    "fulfillmentStatuses",
    "fulfilledBy",
    "maxResultsPerPage",
    "paginationToken",
    "includedData",
];

/// What `includedData` asks for (§8.3).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Included {
    pub(crate) any: bool,
    pub(crate) buyer: bool,
    pub(crate) recipient: bool,
    pub(crate) proceeds: bool,
    pub(crate) expense: bool,
    pub(crate) promotion: bool,
    pub(crate) cancellation: bool,
    pub(crate) fulfillment: bool,
    pub(crate) packages: bool,
    pub(crate) tax: bool,
    pub(crate) payment: bool,
    pub(crate) fulfillment_orders: bool,
}

impl Included {
    fn parse(list: Option<&str>) -> Result<Self, Wrong> {
        let mut included = Self::default();
        let Some(list) = list else { return Ok(included) };
        included.any = true;
        for name in list.split(',') {
            *match name {
                "BUYER" => &mut included.buyer,
                "RECIPIENT" => &mut included.recipient,
                "PROCEEDS" => &mut included.proceeds,
                "EXPENSE" => &mut included.expense,
                "PROMOTION" => &mut included.promotion,
                "CANCELLATION" => &mut included.cancellation,
                "FULFILLMENT" => &mut included.fulfillment,
                "PACKAGES" => &mut included.packages,
                "TAX" => &mut included.tax,
                "PAYMENT" => &mut included.payment,
                "FULFILLMENT_ORDERS" => &mut included.fulfillment_orders,
                _ => return Err(Wrong::Input(format!("includedData: unknown value {name:?}"))),
            } = true;
        }
        Ok(included)
    }
}

/// What is wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// `details` of the error.
    Input(String),
    /// The token does not belong to these parameters, is too old, or was not encoded once.
    Token,
}

/// By which time orders are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Created,
    Updated,
}

/// A search that passed the checks.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    pub(crate) family: Family,
    pub(crate) after: Timestamp,
    pub(crate) before: Option<Timestamp>,
    /// Empty: any.
    pub(crate) statuses: Vec<&'static str>,
    /// Merchant, Amazon; `None`: whoever ships.
    pub(crate) shippers: Option<(bool, bool)>,
    pub(crate) page_size: usize,
    pub(crate) token: Option<String>,
    pub(crate) included: Included,
    /// Folds every parameter that must stay the same from page to page.
    pub(crate) digest: u64,
}

/// The decoded parameters of a query: each at most once, each known, none empty.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn parse(query: &str, known: &[&str]) -> Result<Self, Wrong> {
        let mut list: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, raw) = pair.split_once('=').unwrap_or((pair, ""));
            if !known.contains(&name) {
                return Err(Wrong::Input(format!("unknown parameter {name:?}")));
            }
            // Tokens hold + / = : whoever does not encode them sends another token (§5).
            if name == "paginationToken" && raw.contains(['+', '/', '=']) {
                return Err(Wrong::Token);
            }
            let value =
                url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
            let value = value.filter(|value| !value.is_empty());
            let value = value.ok_or_else(|| Wrong::Input(format!("{name}: empty")))?;
            if list.iter().any(|(other, _)| other == name) {
                return Err(Wrong::Input(format!("{name}: given twice")));
            }
            list.push((name.to_owned(), value));
        }
        list.sort();
        Ok(Self(list))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn time(&self, name: &str) -> Result<Option<Timestamp>, Wrong> {
        self.get(name)
            .map(|text| {
                Timestamp::parse(text).map_err(|_| Wrong::Input(format!("{name}: not an ISO 8601 time")))
            })
            .transpose()
    }
}

/// `includedData` of a `getOrder`.
pub(crate) fn included(query: &str) -> Result<Included, Wrong> {
    Included::parse(Parameters::parse(query, &["includedData"])?.get("includedData"))
}

impl Search {
    pub(crate) fn parse(query: &str, now: Timestamp) -> Result<Self, Wrong> {
        let parameters = Parameters::parse(query, &PARAMETERS)?;
        let wrong = |text: &str| Err(Wrong::Input(text.to_owned()));
        let (family, after, before) = match (
            (parameters.time("createdAfter")?, parameters.time("createdBefore")?),
            (parameters.time("lastUpdatedAfter")?, parameters.time("lastUpdatedBefore")?),
        ) {
            ((Some(after), before), (None, None)) => (Family::Created, after, before),
            ((None, None), (Some(after), before)) => (Family::Updated, after, before),
            _ => return wrong("exactly one of createdAfter and lastUpdatedAfter, and no bound of the other"),
        };
        if let Some(before) = before {
            if before < after {
                return wrong("the end of the span lies before its beginning");
            }
            if before > now - SETTLED {
                return wrong("the end of the span must be two minutes before the request");
            }
        }
        if let Some(list) = parameters.get("marketplaceIds") {
            let list: Vec<&str> = list.split(',').collect();
            if list.len() > 50 || !list.contains(&MARKETPLACE) {
                return wrong("marketplaceIds: at most 50, all of them the seller's");
            }
        }
        let mut statuses = Vec::new();
        for name in parameters.get("fulfillmentStatuses").iter().flat_map(|list| list.split(',')) {
            let Some(status) = STATUSES.into_iter().find(|status| *status == name) else {
                return Err(Wrong::Input(format!("fulfillmentStatuses: unknown value {name:?}")));
            };
            statuses.push(status);
        }
        let mut shippers = None;
        for name in parameters.get("fulfilledBy").iter().flat_map(|list| list.split(',')) {
            let (merchant, amazon) = shippers.get_or_insert((false, false));
            match name {
                "MERCHANT" => *merchant = true,
                "AMAZON" => *amazon = true,
                _ => return wrong("fulfilledBy: MERCHANT or AMAZON"),
            }
        }
        let page_size = match parameters.get("maxResultsPerPage").map(str::parse::<usize>) {
            None => 100,
            Some(Ok(size @ 1..=100)) => size,
            Some(_) => return wrong("maxResultsPerPage: 1 to 100"),
        };
        Ok(Self {
            family,
            after,
            before,
            statuses,
            shippers,
            page_size,
            token: parameters.get("paginationToken").map(str::to_owned),
            included: Included::parse(parameters.get("includedData"))?,
            digest: digest(&parameters),
        })
    }
}

/// FNV-1a over the literal values: a time written in another way is another value.
fn digest(parameters: &Parameters) -> u64 {
    let free = ["maxResultsPerPage", "paginationToken", "includedData"];
    let bound = parameters.0.iter().filter(|(name, _)| !free.contains(&name.as_str()));
    bound
        .flat_map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes(), b"&"].concat())
        .fold(0xCBF2_9CE4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}
