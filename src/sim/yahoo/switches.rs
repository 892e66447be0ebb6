//! Lasting conditions of the simulated Yahoo!.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::state::DAILY_QUOTA;
use crate::sim::switches::Maintenance;

/// Which of its shapes a refusal has (yahoo-shopping.md §8.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorShape {
    /// `Error` with `Message`, then `Code`.
    #[default]
    Error,
    /// `Error` with `Code` first and white space in `Message`.
    CodeFirst,
    /// `Error` in the namespace `urn:yahoo:api`.
    Namespace,
    /// HTTP 200 and `Status` NG, as documented.
    Ng,
}

/// Lasting conditions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Answer calls above one a second and URL with `rate_status`. They are counted in any case.
    pub enforce_rate: bool,
    /// 503, 429 or 403: how it shows is not published (§3).
    pub rate_status: u16,
    /// Seconds for a `Retry-After` header with it; 0: none.
    pub retry_after: u64,
    /// Answer calls beyond the day's quota with 403. They are counted in any case.
    pub enforce_quota: bool,
    /// Requests a day and client id.
    pub daily_quota: u64,
    /// Down for maintenance? (`Code`: 503 with an `Error`, `Html`: 503 with a page.)
    pub maintenance: Maintenance,
    /// The token endpoint answers `invalid_grant`.
    pub invalid_grant: bool,
    /// The owner declines at the authorization endpoint.
    pub declined: bool,
    /// The client id lacks the store permission: 401 `insufficient_scope`.
    pub insufficient_scope: bool,
    /// The order API is not approved for the client id: 403 `px-04303`.
    pub not_approved: bool,
    /// The calling address is not registered: 403 `px-04306`.
    pub address_not_registered: bool,
    /// The consenting person has no permission for the store: 403 `px-14303`.
    pub no_permission: bool,
    /// How far the time in a signature may be off.
    pub signature_tolerance_s: u64,
    /// Says this in `X-SWS-Authorize-Status` whatever came.
    pub verdict: Option<String>,
    /// Leaves `X-SWS-Authorize-Status` out.
    pub no_verdict: bool,
    /// Hours that an unsigned session lasts from the consent on.
    pub session_hours: u64,
    /// `expires_in` as a numeric string.
    pub expires_in_text: bool,
    /// The shape of refusals.
    pub error_shape: ErrorShape,
    /// Names that `Field` no longer accepts.
    pub fields_gone: BTreeSet<String>,
    /// `PublicationTime` stands on every order, not only now and then.
    pub publication_always: bool,
    /// Reads show what calls changed so many seconds late.
    pub stale_reads_s: u64,
    /// The store's staff ships by itself, too; without it, what had not left when the world began waits for calls.
    pub staff_ships: bool,
    /// So many seconds after a call made an order shipped, `OrderStatus` 5 is refused (§3).
    pub completion_waits_s: u64,
    /// A card's authorisation lasts so many days from the order on: later a shipment captures nothing (`od91115`). 0:
    /// for ever.
    pub authorization_days: u64,
    /// A cancel is accepted (`od91704`) and executed so many seconds later; 0: at once.
    pub cancels_later_s: u64,
    /// Those cancels never arrive.
    pub cancels_lost: bool,
    /// Codes of warnings that every change has beside its own.
    pub warnings: Vec<String>,
    /// Personal data is blank so many days after the order; 0: never.
    pub blank_personal_after_days: u64,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            enforce_rate: false,
            rate_status: 503,
            retry_after: 0,
            enforce_quota: false,
            daily_quota: DAILY_QUOTA,
            maintenance: Maintenance::Off,
            invalid_grant: false,
            declined: false,
            insufficient_scope: false,
            not_approved: false,
            address_not_registered: false,
            no_permission: false,
            signature_tolerance_s: 300,
            verdict: None,
            no_verdict: false,
            session_hours: 12,
            expires_in_text: false,
            error_shape: ErrorShape::Error,
            fields_gone: BTreeSet::new(),
            publication_always: false,
            stale_reads_s: 0,
            staff_ships: true,
            completion_waits_s: 10,
            authorization_days: 0,
            cancels_later_s: 0,
            cancels_lost: false,
            warnings: Vec::new(),
            blank_personal_after_days: 0,
        }
    }
}
