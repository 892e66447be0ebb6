//! Cards that a buyer left with the gateway for later purchases: asked for by a person, for diagnosis, and kept nowhere.

use serde::Serialize;

use crate::secret::{Personal, Secret};

/// A buyer as the shop's cart made them known to the gateway (会員).
#[derive(Clone, Debug)]
pub struct Member {
    /// 会員ID.
    pub id: Personal,
    /// 認証キー.
    pub authentication_key: Secret,
}

/// One of them. Its holder's name is dropped on receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredCard {
    /// カード識別キー.
    pub key: String,
    /// Masked but for its last digits.
    pub number: Personal,
    /// `YYYY-MM`, or the gateway's own text where it is no such month.
    pub expires: Personal,
    /// RFC 3339, or the gateway's own text where it is no such time. A card that nobody used for a year is let go.
    pub last_used_at: Option<String>,
    /// For subscriptions or regular purchases: the gateway keeps it from being removed.
    pub reserved: bool,
}
