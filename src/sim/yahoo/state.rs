//! What came from outside: consents, tokens, keys, the pace of calls, what was done to orders.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;

use super::Shop;
use super::change::Change;
use super::plan::{Deeds, Outside};
use super::signature::KeyVersion;
use super::written::{self, Applied};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::world::Pace;

/// An access token lives so long (yahoo-shopping.md §2.1).
pub(crate) const TOKEN_LIFE: Duration = Duration::from_hours(1);
/// A consent lives so long.
pub(crate) const CONSENT_LIFE: Duration = Duration::from_hours(24 * 28);
/// Requests a day and client id (§3).
pub(crate) const DAILY_QUOTA: u64 = 50_000;
/// So many expired access tokens are remembered, so that their pace counts, too.
const TOKENS: usize = 1_000;

/// A store's consent.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) authorized_at: Timestamp,
    /// Part of the refresh token: a new one after the end of a consent.
    pub(crate) serial: u64,
    pub(crate) withdrawn: bool,
}

impl Grant {
    pub(crate) fn alive(&self, now: Timestamp) -> bool {
        !self.withdrawn && now < self.authorized_at + CONSENT_LIFE
    }
}

/// An authorization code that was not spent yet.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) seller_id: String,
    pub(crate) issued: Timestamp,
    pub(crate) redirect_uri: String,
    /// `code_challenge` and whether it is a SHA-256.
    pub(crate) challenge: Option<(String, bool)>,
}

/// An access token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) seller_id: String,
    pub(crate) expires: Timestamp,
}

/// Calls of one client id on one day.
#[derive(Clone, Copy, Debug)]
struct Day {
    date: NaiveDate,
    calls: u64,
}

/// A change that takes effect later.
#[derive(Clone, Debug)]
pub(crate) struct Late {
    pub(crate) seller_id: String,
    pub(crate) change: Change,
    pub(crate) due: Timestamp,
}

/// What came from outside.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) grants: BTreeMap<String, Grant>,
    pub(crate) codes: BTreeMap<String, Code>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) keys: BTreeMap<String, Vec<KeyVersion>>,
    /// By client id and URL.
    pub(crate) pace: BTreeMap<(String, &'static str), Pace>,
    days: BTreeMap<String, Day>,
    /// Calls beyond the daily quota.
    pub(crate) over_quota: u64,
    pub(crate) outside: BTreeMap<(String, u64, u8), Outside>,
    /// By store, then by index and part: what calls changed, oldest first.
    written: BTreeMap<String, BTreeMap<(u64, u8), Vec<Applied>>>,
    pub(crate) late: Vec<Late>,
    /// When the world began.
    began: Option<Timestamp>,
    issued: u64,
}

/// Which limit a call broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    Pace,
    Day,
}

impl State {
    /// Consent and keys of the shops when the world begins.
    pub(crate) fn begin(&mut self, shops: &[Shop], now: Timestamp) {
        self.began = Some(now);
        for shop in shops {
            let grant = Grant { authorized_at: now, serial: 1, withdrawn: false };
            self.grants.insert(shop.seller_id.clone(), grant);
            self.keys.insert(shop.seller_id.clone(), vec![KeyVersion::first(now)]);
        }
    }

    /// What calls changed on an order by `seen`.
    pub(crate) fn written(&self, seller_id: &str, order: (u64, u8), seen: Timestamp) -> &[Applied] {
        let log = self.written.get(seller_id).and_then(|orders| orders.get(&order));
        log.map_or(&[], |log| &log[..log.partition_point(|applied| applied.at <= seen)])
    }

    /// The values that they left.
    pub(crate) fn values(
        &self,
        seller_id: &str,
        order: (u64, u8),
        seen: Timestamp,
    ) -> BTreeMap<&'static str, String> {
        written::values(self.written(seller_id, order, seen))
    }

    pub(crate) fn write(&mut self, seller_id: &str, order: (u64, u8), applied: Applied) {
        let orders = self.written.entry(seller_id.to_owned()).or_default();
        orders.entry(order).or_default().push(applied);
    }

    /// What was done to an order by `seen`, beside its plan.
    pub(crate) fn deeds(
        &self,
        seller_id: &str,
        (index, part): (u64, u8),
        staff_ships: bool,
        seen: Timestamp,
    ) -> Deeds<'_> {
        Deeds {
            outside: self.outside(seller_id, index, part),
            written: self.written(seller_id, (index, part), seen),
            staff_until: self.began.filter(|_| !staff_ships),
        }
    }

    fn outside(&self, seller_id: &str, index: u64, part: u8) -> Outside {
        if self.outside.is_empty() {
            return Outside::default();
        }
        self.outside.get(&(seller_id.to_owned(), index, part)).copied().unwrap_or_default()
    }

    /// Consent given now: the same refresh token while the old one lives, else a new one.
    pub(crate) fn consent(&mut self, seller_id: &str, now: Timestamp) {
        if let Some(grant) = self.grants.get_mut(seller_id) {
            if !grant.alive(now) {
                grant.serial += 1;
            }
            grant.withdrawn = false;
            grant.authorized_at = now;
        }
    }

    /// A new access token.
    pub(crate) fn issue(&mut self, seller_id: &str, now: Timestamp) -> String {
        let token = format!("{seller_id}-access-{}", self.serial());
        if self.tokens.len() >= TOKENS {
            self.tokens.retain(|_, token| token.expires > now);
        }
        let entry = Token { seller_id: seller_id.to_owned(), expires: now + TOKEN_LIFE };
        self.tokens.insert(token.clone(), entry);
        token
    }

    pub(crate) fn serial(&mut self) -> u64 {
        self.issued += 1;
        self.issued
    }

    /// Counts a call against one a second and URL, and against the day's quota.
    pub(crate) fn count(
        &mut self,
        client: &str,
        url: &'static str,
        (now, speed): (Timestamp, u32),
        quota: u64,
        enforced: bool,
    ) -> Option<Excess> {
        let tolerance = Duration::from_millis(10) * speed.max(1);
        let pace = self.pace.entry((client.to_owned(), url)).or_default();
        let early = pace.last.is_some_and(|last| now + tolerance < last + Duration::from_secs(1));
        if early {
            pace.violations += 1;
            if pace.early.len() < 100 {
                pace.early.push((now, url.to_owned()));
            }
        }
        if !(early && enforced) {
            pace.last = Some(now);
        }
        let date = now.jst_date();
        let day = self.days.entry(client.to_owned()).or_insert(Day { date, calls: 0 });
        if day.date != date {
            *day = Day { date, calls: 0 };
        }
        day.calls += 1;
        let over = day.calls > quota;
        self.over_quota += u64::from(over);
        match (over, early) {
            (true, _) => Some(Excess::Day),
            (false, true) => Some(Excess::Pace),
            (false, false) => None,
        }
    }

    /// Calls over a published limit.
    pub(crate) fn violations(&self) -> u64 {
        self.pace.values().map(|pace| pace.violations).sum::<u64>() + self.over_quota
    }

    /// When the first calls came too early, and to which function.
    pub(crate) fn early(&self) -> impl Iterator<Item = (Timestamp, String)> + '_ {
        self.pace.values().flat_map(|pace| pace.early.iter().cloned())
    }
}

impl World {
    /// Consent given now by the Yahoo! shop's owner: its clock of 12 hours and of 28 days starts anew. The refresh
    /// token to be used from now on; `None` when there is no such shop.
    pub fn consent_yahoo(&self, shop: &str) -> Option<String> {
        let shop = self.yahoo_shop(shop)?;
        let mut state = self.state();
        state.yahoo.consent(&shop.seller_id, self.now());
        state.yahoo.grants.get(&shop.seller_id).map(|grant| shop.refresh_token_of(grant.serial))
    }

    /// Consent withdrawn now. False when there is no such shop.
    pub fn withdraw_yahoo(&self, shop: &str) -> bool {
        self.yahoo_shop(shop).is_some_and(|shop| {
            let mut state = self.state();
            state.yahoo.grants.get_mut(&shop.seller_id).is_some_and(|grant| {
                grant.withdrawn = true;
                true
            })
        })
    }

    /// Ends the life of every access token of a Yahoo! shop now. False when there is no such shop.
    pub fn expire_yahoo_tokens(&self, shop: &str) -> bool {
        let now = self.now();
        self.yahoo_shop(shop).is_some_and(|shop| {
            let mut state = self.state();
            for token in state.yahoo.tokens.values_mut().filter(|token| token.seller_id == shop.seller_id) {
                token.expires = token.expires.min(now);
            }
            true
        })
    }

    /// Replaces a Yahoo! shop's keys (暗号鍵管理). False when there is no such shop.
    pub fn set_yahoo_keys(&self, shop: &str, keys: Vec<KeyVersion>) -> bool {
        self.yahoo_shop(shop).map(|shop| shop.seller_id.clone()).is_some_and(|seller_id| {
            self.state().yahoo.keys.insert(seller_id, keys);
            true
        })
    }
}
