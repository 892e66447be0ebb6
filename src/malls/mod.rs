//! The malls. A mall is a folder here, its `mod` line, its line in [`MALLS`], its fixtures and its section in
//! `config/mallsync.toml`; nothing else changes for a further one (architecture.md, "Rooms").

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::domain::account::{Expiry, Health, Problem, Validate};
use crate::domain::ids::OrderRef;
use crate::domain::order::{Order, Status};
use crate::http::{Call, ClientSpec, Fault};

/// Amazon.co.jp.
pub mod amazon;
/// au PAY マーケット.
pub mod aupay;
/// The shop's own cart: order CSV files.
pub mod csv;
/// What `check` tells of every mall alike.
pub mod findings;
/// People, places and hours in one text.
pub mod japan;
/// A second key beside the first.
pub mod keys;
/// Reading JSON that other people write: nulls, absent members, numbers as text.
pub mod lenient;
/// 楽天市場.
pub mod rakuten;
/// Checking the keys of a mall's section of the config, all findings at once.
pub mod section;
/// Yahoo!ショッピング.
pub mod yahoo;

/// Every mall, by the word that `mall = "…"` takes.
pub const MALLS: &[Registration] = &[rakuten::MALL, yahoo::MALL, aupay::MALL, amazon::MALL, csv::MALL];

/// What the table says of a mall.
#[derive(Clone, Copy)]
pub struct Registration {
    /// The word in `mall = "…"`.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Where the address that calls come from is registered, for people; `None`: any address is answered.
    pub registered_at: Option<&'static str>,
    /// `schedule` when the config has none.
    pub default_schedule: &'static str,
    /// JSON Schema of the mall's own keys in `[shops.NAME]`.
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// Checks the mall's own keys (no secret is read, no file opened). The error is `key: what was expected`.
    pub validate: Validate,
    /// URLs that would be called with these keys, for the rules about plain HTTP and simulation.
    pub urls: fn(&serde_json::Value) -> Vec<String>,
    /// Reads secrets and files and builds the connector.
    pub build: fn(&str, &serde_json::Value) -> Result<Built, Vec<Problem>>,
}

/// A connector, ready to be called.
pub struct Built {
    /// The connector.
    pub mall: Box<dyn Mall>,
    /// How its HTTP client is built.
    pub client: ClientSpec,
    /// Keys and certificates with a known end.
    pub expiries: Vec<Expiry>,
    /// Secrets given inline or by environment: allowed, but `check` warns.
    pub warnings: Vec<Problem>,
}

/// A list side of a mall, with a cursor and a pace of its own (architecture.md, "The way of the data").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// A short overlapping window, every run.
    New,
    /// Orders released or changed late: other dates, older windows.
    Late,
    /// Orders of ours that are not closed, read again; run by the engine with [`Mall::details`].
    Open,
    /// All orders since a day, beside the live streams.
    Backfill {
        /// From here.
        since: Timestamp,
        /// To here; later orders are the live streams' work.
        until: Timestamp,
    },
}

/// Orders of ours that are not closed and of an age, read again at a pace by the *open* stream.
#[derive(Clone, Copy, Debug)]
pub struct Tier {
    /// In these states.
    pub statuses: &'static [Status],
    /// Ordered at least so long ago.
    pub from: Duration,
    /// Ordered less than so long ago.
    pub to: Duration,
    /// How often.
    pub every: Duration,
}

impl Tier {
    /// States of orders that may still ship.
    pub const BEFORE: &[Status] = &[
        Status::Pending,
        Status::AwaitingConfirmation,
        Status::AwaitingShipment,
        Status::PartiallyShipped,
        Status::OnHold,
        Status::CancelRequested,
        Status::Unknown,
    ];
    /// States of orders on their way, until the mall closes them.
    pub const AFTER: &[Status] = &[Status::Shipped];

    /// From days and seconds.
    #[must_use]
    pub const fn new(statuses: &'static [Status], from_days: u32, to_days: u32, every_s: u64) -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self {
            statuses,
            from: DAY.saturating_mul(from_days),
            to: DAY.saturating_mul(to_days),
            every: Duration::from_secs(every_s),
        }
    }
}

/// How far a stream has come: opaque JSON owned by the connector; the engine stores it and never reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub serde_json::Value);

/// What a pass begins with.
#[derive(Clone, Debug)]
pub struct Scope {
    /// How far back the first pass takes closed orders.
    pub initial_lookback: Duration,
}

/// An order as it was read, with the answer it came from.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Normalised.
    pub order: Order,
    /// The mall's own record of it, less what the contract says to drop on receipt (decisions.md 14).
    pub raw: Vec<u8>,
    /// When the request was sent: newer wins (decisions.md 13).
    pub read_at: Timestamp,
}

/// An order that could not be read: kept with its raw payload and the reason, tried again (I4).
#[derive(Clone, Debug)]
pub struct SetAside {
    /// The mall's number, or a stand-in that names the place (file and line) when even that is missing.
    pub mall_order_id: String,
    /// As received, less what must be dropped.
    pub raw: Vec<u8>,
    /// What is wrong with it, without personal data.
    pub reason: String,
    /// When the request was sent.
    pub read_at: Timestamp,
}

/// One page of a stream.
#[derive(Debug)]
pub struct Page {
    /// Orders to be read in full with [`Mall::details`].
    pub refs: Vec<OrderRef>,
    /// Orders that the list already gave in full.
    pub orders: Vec<Fetched>,
    /// Orders that the list gave and that could not be read.
    pub bad: Vec<SetAside>,
    /// Where the stream stands once this page is stored.
    pub next: Cursor,
    /// Whether another page follows at once.
    pub more: bool,
    /// For people: how far this is, where the mall says so (pages or orders done, in all).
    pub progress: Option<(u64, u64)>,
}

/// Full orders.
#[derive(Debug, Default)]
pub struct Details {
    /// What was read.
    pub orders: Vec<Fetched>,
    /// Numbers the mall would not give now: asked again before they are dropped (rakuten-rms.md §9).
    pub missing: Vec<OrderRef>,
    /// What was given and could not be read.
    pub bad: Vec<SetAside>,
}

/// A person's consent (`shops authorize`).
#[async_trait]
pub trait Consent: Send + Sync {
    /// Where it is given; `state` comes back with the code.
    fn url(&self, state: &str) -> String;

    /// The registered address that the browser is sent back to; `None` when the config does not hold it yet.
    fn redirect_uri(&self) -> Option<&str>;

    /// Exchanges the code that came back, keeps what comes of it and tells when it ends.
    async fn exchange(&self, call: &Call<'_>, code: &str) -> Result<Expiry, Fault>;
}

/// A connector: pure mapping around the calls it is handed. It keeps no state, reads no clock, sees no database.
#[async_trait]
pub trait Mall: Send + Sync {
    /// The list streams it has, with the pace of those that do not run at every tick of the schedule.
    fn streams(&self) -> &'static [(Stream, Option<Duration>)];

    /// Which open orders are read again by number, how often: those whose changes the list streams do not show. A shop
    /// without tiers has no open stream.
    fn follows(&self) -> &'static [Tier];

    /// Whether orders can be asked for again by number. A cart's files cannot.
    fn rereads(&self) -> bool {
        true
    }

    /// The consent that a person gives in a browser, where the mall needs one.
    fn consent(&self) -> Option<&dyn Consent> {
        None
    }

    /// How many orders one [`Mall::details`] call may ask for.
    fn details_per_call(&self) -> usize;

    /// One page of a stream, from `cursor` (`None`: from the beginning). An error leaves the cursor where it was.
    async fn changes(
        &self,
        call: &Call<'_>,
        stream: Stream,
        cursor: Option<&Cursor>,
        scope: &Scope,
    ) -> Result<Page, Fault>;

    /// Full orders. `Malformed` makes the engine halve the batch down to the bad order (decisions.md 17).
    async fn details(&self, call: &Call<'_>, refs: &[OrderRef]) -> Result<Details, Fault>;

    /// At most three harmless calls that tell whether the account works (decisions.md 19). `newest` is the newest order
    /// that we have of this shop.
    async fn check(&self, call: &Call<'_>, newest: Option<&OrderRef>) -> Result<Health, Fault>;

    /// Reads the ends of keys, once a day: a part of [`Mall::check`].
    async fn expiries(&self, call: &Call<'_>) -> Result<Vec<Expiry>, Fault>;
}
